/* buf.h - text and bytes: borrowed as struct kn_sv, owned and growing as struct kn_buf.
 *
 * A kn_buf has a maximum, set when it is made: input that grows without end becomes KN_ELIMIT,
 * never an empty machine. An append that fails changes nothing and marks the buffer, so that a
 * long run of appends may be checked once at its end with kn_buf_ok.
 *
 * The bytes are always followed by a NUL that is not counted: data can be used as a C string
 * when it holds text. Not for use by two threads at once. */
#ifndef KN_BASE_BUF_H
#define KN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct kn_err;

struct kn_sv { /* borrowed; not NUL-terminated */
    const char *p;
    size_t n;
};

struct kn_buf {
    char *data; /* "" before the first append; never NULL after kn_buf_init */
    size_t n;
    size_t cap;
    size_t max;
    bool failed, no_memory; /* the latter: failed for want of memory, not for max */
};

struct kn_sv kn_sv_of(const char *s); /* NULL gives an empty view */
bool kn_sv_eq(struct kn_sv a, struct kn_sv b);
struct kn_sv kn_sv_trim(struct kn_sv s); /* without ASCII white space at both ends */

void kn_buf_init(struct kn_buf *b, size_t max); /* allocates nothing */
void kn_buf_free(struct kn_buf *b);             /* and makes it empty again */
void kn_buf_clear(struct kn_buf *b);            /* keeps the memory */

int kn_buf_add(struct kn_buf *b, const void *p, size_t n, struct kn_err *err);
int kn_buf_adds(struct kn_buf *b, const char *s, struct kn_err *err);
int kn_buf_addf(struct kn_buf *b, struct kn_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* KN_OK, or KN_ELIMIT if any append since init or clear failed (kn_err_is_memory tells why). */
int kn_buf_ok(const struct kn_buf *b, struct kn_err *err);

/* Gives the bytes away, to be freed with free(); the buffer is empty afterwards.
 * NULL without memory. */
char *kn_buf_take(struct kn_buf *b);

#endif
