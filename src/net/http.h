/* http.h - an HTTP client: downloads that resume, and a server that is asked many things. libcurl inside.
 *
 * Downloads. Calls are independent. Redirects are followed (at most 5), only http and https.
 * Retried: connection failures, transfers that break off, 429 and 5xx, up to 4 times, each going
 * on from what has come so far, with jittered back-off that honours Retry-After up to a minute.
 * A minute without a byte, or 15 s without a connection, is a failure.
 *
 * A server (kn_http_open) is asked by any number of threads at once. Each request under way has a connection, which is
 * kept for the next one. Redirects are not followed: the extra header, which holds a secret, goes to that server only, and
 * stands in no message. Retried up to 4 times, with jittered back-off that honours Retry-After up to a minute:
 *   connections that are not made, and 429, of every request: nothing was done;
 *   transfers that break off, 500, 502, 503 and 504, only of one that may be repeated: the first may have been done.
 * A request that takes longer than the time-out has failed; it is not sent again, since a server that is slow under load
 * would then be asked twice. */
#ifndef KN_NET_HTTP_H
#define KN_NET_HTTP_H

#include "base/buf.h"

#include <stdint.h>

struct kn_cancel;
struct kn_err;

/* libcurl's own set-up, which is not safe beside other threads: call it in main, before there are any.
 * Again is fine. */
void kn_http_init(void);

/* Fetches url into the file at path. What is there already is taken for its beginning and resumed by a Range
 * request; a server that ignores the range, or says that nothing lies there, has the file started again.
 * So whether the file is the right one is the caller's to check, by its hash.
 * max: bytes at most, not 0. progress (may be NULL): bytes in the file; total 0 while unknown.
 * The file stays as it is on failure, for the next call to go on from.
 * KN_ENET (message: address, status or curl's reason), KN_ETIMEOUT, KN_ELIMIT, KN_EIO, KN_ECANCELLED. */
int kn_http_download(const char *url, const char *path, uint64_t max,
                     const struct kn_cancel *cancel,
                     void (*progress)(void *ctx, uint64_t bytes, uint64_t total), void *ctx,
                     struct kn_err *err);

struct kn_http; /* opaque: a server and the connections to it */

struct kn_http_options {
    const char
        *base; /* "http://HOST:PORT": what stands before each path, and names it in messages */
    const char *header; /* one more of each request, "api-key: ..."; NULL: none */
    double timeout;     /* seconds for an attempt, from its start to the last byte; above 0 */
    const struct kn_cancel *cancel; /* for as long as it is open; NULL: never */
};

/* KN_ELIMIT without memory. It connects with the first request. */
int kn_http_open(const struct kn_http_options *options, struct kn_http **out, struct kn_err *err);
void kn_http_close(struct kn_http *h); /* NULL is fine; no request may be under way */

struct kn_http_request {
    const char *method; /* "GET", "POST"... */
    const char *path;   /* "/collections" */
    struct kn_sv body;  /* JSON; empty: none */
    bool repeatable;    /* doing it twice is as doing it once */
};

/* Whatever the server answers is KN_OK: *status and the body, which replaces what answer held, and whose maximum is a limit.
 * KN_ENET, KN_ETIMEOUT, KN_ELIMIT (a longer answer), KN_ECANCELLED; the message begins with the method and the address. */
int kn_http_ask(struct kn_http *h, const struct kn_http_request *request, long *status,
                struct kn_buf *answer, struct kn_err *err);

#endif
