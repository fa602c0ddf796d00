#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* snprintf cuts anywhere; a message must not end in half a character. */
static void cut_at_character(char *s, size_t cap)
{
    size_t n = strlen(s);

    if (n + 1 < cap)
        return;
    while (n > 0 && ((unsigned char)s[n - 1] & 0xC0) == 0x80)
        n--;
    if (n > 0 && ((unsigned char)s[n - 1] & 0x80))
        n--;
    s[n] = '\0';
}

static int fill(struct kn_err *err, enum kn_code code, bool retry, const char *fmt, va_list ap)
{
    if (!err)
        return code;
    err->code = code;
    err->retry = retry;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    cut_at_character(err->msg, sizeof err->msg);
    return code;
}

int kn_err_set(struct kn_err *err, enum kn_code code, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fill(err, code, code == KN_ENET || code == KN_ETIMEOUT, fmt, ap);
    va_end(ap);
    return rc;
}

int kn_err_memory(struct kn_err *err, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fill(err, KN_ELIMIT, true, fmt, ap);
    va_end(ap);
    return rc;
}

int kn_err_wrap(struct kn_err *err, int code, const char *fmt, ...)
{
    char inner[sizeof err->msg];
    va_list ap;
    int n;

    if (!err)
        return code;
    memcpy(inner, err->msg, sizeof inner);
    va_start(ap, fmt);
    n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 2 < sizeof err->msg) {
        int room = (int)(sizeof err->msg - (size_t)n - 3);

        snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %.*s", room, inner);
    }
    cut_at_character(err->msg, sizeof err->msg);
    return code;
}

const char *kn_err_name(int code)
{
    switch (code) {
    case KN_OK:
        return "ok";
    case KN_EARG:
        return "bad_argument";
    case KN_ENOTFOUND:
        return "not_found";
    case KN_EIO:
        return "io";
    case KN_ENET:
        return "network";
    case KN_ETIMEOUT:
        return "timeout";
    case KN_ECORRUPT:
        return "corrupt";
    case KN_ELIMIT:
        return "limit";
    case KN_ECANCELLED:
        return "cancelled";
    default:
        return "unknown";
    }
}
