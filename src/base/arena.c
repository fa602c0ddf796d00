#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *next;
    size_t used, cap;
    alignas(max_align_t) unsigned char bytes[];
};

struct kn_arena {
    struct block *top;
    size_t used, max, next_block;
};

struct kn_arena *kn_arena_new(size_t max)
{
    struct kn_arena *a = calloc(1, sizeof *a);

    if (a) {
        a->max = max ? max : (size_t)1 << 30;
        a->next_block = FIRST_BLOCK;
    }
    return a;
}

void kn_arena_free(struct kn_arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->top, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static struct block *add_block(struct kn_arena *a, size_t bytes)
{
    size_t cap = bytes > a->next_block ? bytes : a->next_block;
    struct block *b = malloc(sizeof *b + cap);

    if (!b)
        return NULL;
    *b = (struct block){.next = a->top, .cap = cap};
    a->top = b;
    if (a->next_block < LARGEST_BLOCK)
        a->next_block *= 2;
    return b;
}

void *kn_arena_get(struct kn_arena *a, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    struct block *b = a->top;
    void *p;

    if (bytes > a->max - a->used || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = bytes ? (bytes + align - 1) / align * align : align;
    if (!b || b->cap - b->used < bytes)
        b = add_block(a, bytes);
    if (!b)
        return NULL;
    p = b->bytes + b->used;
    b->used += bytes;
    a->used = bytes < a->max - a->used ? a->used + bytes : a->max;
    return memset(p, 0, bytes);
}

void *kn_arena_array(struct kn_arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    return kn_arena_get(a, n * size);
}

char *kn_arena_bytes(struct kn_arena *a, const void *p, size_t n)
{
    char *s = n < SIZE_MAX ? kn_arena_get(a, n + 1) : NULL;

    if (s && n > 0)
        memcpy(s, p, n);
    return s;
}

char *kn_arena_text(struct kn_arena *a, const char *s)
{
    return s ? kn_arena_bytes(a, s, strlen(s)) : kn_arena_get(a, 1);
}

char *kn_arena_printf(struct kn_arena *a, const char *fmt, ...)
{
    va_list ap;
    char *s;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return NULL;
    s = kn_arena_get(a, (size_t)n + 1);
    if (!s)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

size_t kn_arena_used(const struct kn_arena *a)
{
    return a->used;
}
