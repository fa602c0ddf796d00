/* err.h - filling the struct kn_err that travels with every failure.
 *
 * The types, and the rules that go with them, are public: kinora/err.h. */
#ifndef KN_BASE_ERR_H
#define KN_BASE_ERR_H

#include <kinora/err.h>

/* Fills *err (if any) and returns code, so that a failure is one line:
 *     return kn_err_set(err, KN_EIO, "open '%s': %s", path, strerror(errno)); */
int kn_err_set(struct kn_err *err, enum kn_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory ran out where an input is read: KN_ELIMIT with retry set, which tells it from an input that is too large. The
 * one is the machine's and ends a run, the other is the input's own. */
int kn_err_memory(struct kn_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool kn_err_is_memory(const struct kn_err *err)
{
    return err->code == KN_ELIMIT && err->retry;
}

/* Puts what the caller was doing in front of what the callee said; returns the callee's code:
 *     return kn_err_wrap(err, rc, "title '%s'", name); */
int kn_err_wrap(struct kn_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The word for a code in JSON and logs: "not_found", "io"... "unknown" for any other number. */
const char *kn_err_name(int code);

#endif
