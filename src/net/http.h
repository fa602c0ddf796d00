/* http.h - an HTTP client for a few polite requests: time-outs, retries, resume. libcurl inside.
 *
 * Threads: calls are independent. Redirects are followed (at most 5), only http and https.
 * Retried: connection failures, transfers that break off, 429 and 5xx, up to 4 times, each going
 * on from what has come so far, with jittered back-off that honours Retry-After up to a minute.
 * A minute without a byte, or 15 s without a connection, is a failure. */
#ifndef KN_NET_HTTP_H
#define KN_NET_HTTP_H

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

#endif
