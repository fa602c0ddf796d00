#include "buf.h"

#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char nothing[1]; /* what an empty buffer points at: data is never NULL */

struct kn_sv kn_sv_of(const char *s)
{
    return s ? (struct kn_sv){s, strlen(s)} : (struct kn_sv){"", 0};
}

bool kn_sv_eq(struct kn_sv a, struct kn_sv b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct kn_sv kn_sv_trim(struct kn_sv s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

void kn_buf_init(struct kn_buf *b, size_t max)
{
    *b = (struct kn_buf){.data = nothing, .max = max};
}

void kn_buf_free(struct kn_buf *b)
{
    if (b->cap > 0)
        free(b->data);
    kn_buf_init(b, b->max);
}

void kn_buf_clear(struct kn_buf *b)
{
    b->n = 0;
    b->failed = b->no_memory = false;
    if (b->cap > 0)
        b->data[0] = '\0';
}

static int reserve(struct kn_buf *b, size_t more, struct kn_err *err)
{
    size_t cap = b->cap ? b->cap : 64;
    char *data;

    if (more > b->max - b->n) {
        b->failed = true;
        return kn_err_set(err, KN_ELIMIT, "buffer: %zu bytes more would pass its maximum of %zu",
                          more, b->max);
    }
    if (b->n + more < b->cap)
        return KN_OK;
    while (cap <= b->n + more)
        cap *= 2;
    data = realloc(b->cap ? b->data : NULL, cap);
    if (!data) {
        b->failed = b->no_memory = true;
        return kn_err_memory(err, "buffer: no memory for %zu bytes", cap);
    }
    b->data = data;
    b->cap = cap;
    return KN_OK;
}

int kn_buf_add(struct kn_buf *b, const void *p, size_t n, struct kn_err *err)
{
    int rc = reserve(b, n, err);

    if (rc)
        return rc;
    if (n > 0)
        memcpy(b->data + b->n, p, n);
    b->n += n;
    b->data[b->n] = '\0';
    return KN_OK;
}

int kn_buf_adds(struct kn_buf *b, const char *s, struct kn_err *err)
{
    return kn_buf_add(b, s, strlen(s), err);
}

int kn_buf_addf(struct kn_buf *b, struct kn_err *err, const char *fmt, ...)
{
    va_list ap;
    int n, rc;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return kn_err_set(err, KN_EARG, "buffer: a format that cannot be printed");
    }
    rc = reserve(b, (size_t)n, err);
    if (rc)
        return rc;
    va_start(ap, fmt);
    vsnprintf(b->data + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return KN_OK;
}

int kn_buf_ok(const struct kn_buf *b, struct kn_err *err)
{
    if (b->no_memory)
        return kn_err_memory(err, "buffer: no memory for an append");
    if (b->failed)
        return kn_err_set(err, KN_ELIMIT, "buffer: an append failed (maximum %zu bytes)", b->max);
    return KN_OK;
}

char *kn_buf_take(struct kn_buf *b)
{
    char *data = b->data;

    if (b->cap == 0) {
        data = calloc(1, 1);
    }
    kn_buf_init(b, b->max);
    return data;
}
