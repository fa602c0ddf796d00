/* err.h - how a failure travels: returned as a code, described in the caller's own struct.
 *
 * Every function that can fail returns int: 0, or a negative enum kn_code, and takes a
 * struct kn_err * last, which may be NULL. No globals, no thread-locals: two workers that
 * fail at once cannot read each other's story. On failure all other out parameters are
 * left as they were.
 *
 * Only the edges (a command, a request handler, an ingest worker) log, and once. */
#ifndef KINORA_ERR_H
#define KINORA_ERR_H

#include <stdbool.h>

enum kn_code {
    KN_OK = 0,
    KN_EARG = -1, /* the caller's mistake, or the user's input */
    KN_ENOTFOUND = -2,
    KN_EIO = -3,  /* disk, pipe, device */
    KN_ENET = -4, /* the other side, or the way to it */
    KN_ETIMEOUT = -5,
    KN_ECORRUPT = -6, /* data that cannot be what it claims to be */
    KN_ELIMIT = -7,   /* a stated maximum was reached */
    KN_ECANCELLED = -8,
};

struct kn_err {
    enum kn_code code;
    bool retry;    /* the same call may succeed later */
    char msg[256]; /* what was attempted, on what, why it failed; UTF-8, cut at a character */
};

#endif
