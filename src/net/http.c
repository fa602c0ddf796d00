#include "http.h"

#include "base/cancel.h"
#include "base/err.h"
#include "net/http_retry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_S = 15,
    STALL_S = 60,
    MAX_REDIRECTS = 5,
};

#define FIRST_PAUSE 0.5 /* seconds; doubled each time */

struct download {
    const char *url, *path;
    int fd;
    uint64_t max;
    uint64_t have;  /* bytes in the file */
    uint64_t total; /* 0: unknown */
    bool begun;     /* the body's first byte of this attempt was seen */
    int rc;         /* why a callback ended the transfer; err is filled then */
    const struct kn_cancel *cancel;
    void (*progress)(void *ctx, uint64_t bytes, uint64_t total);
    void *ctx;
    struct kn_err *err;
    CURL *curl;
};

static void init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void kn_http_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init);
}

static int start_again(struct download *d)
{
    if (ftruncate(d->fd, 0) || lseek(d->fd, 0, SEEK_SET) != 0)
        return kn_err_set(d->err, KN_EIO, "empty '%s' to fetch it anew: %s", d->path,
                          strerror(errno));
    d->have = 0;
    return KN_OK;
}

static int too_large(struct download *d)
{
    return kn_err_set(d->err, KN_ELIMIT,
                      "fetch %s: the file is larger than the %" PRIu64 " bytes it should have",
                      d->url, d->max);
}

/* With the first byte of a body: does it go on where the file ends, and how long will it be? */
static int begin_body(struct download *d)
{
    long status = 0;
    curl_off_t length = -1;

    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(d->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (status != 206 && d->have > 0) {
        int rc = start_again(d);

        if (rc)
            return rc;
    }
    d->total = length >= 0 ? d->have + (uint64_t)length : 0;
    return d->total > d->max ? too_large(d) : KN_OK;
}

static int write_all(struct download *d, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(d->fd, p, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return kn_err_set(d->err, KN_EIO, "write '%s': %s", d->path, strerror(errno));
        p += put;
        n -= (size_t)put;
        d->have += (uint64_t)put;
    }
    return KN_OK;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct download *d = ctx;
    long status = 0;

    n *= size;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206)
        return n; /* the text of an error: not the file */
    if (!d->begun)
        d->rc = begin_body(d);
    d->begun = true;
    if (!d->rc && n > d->max - d->have)
        d->rc = too_large(d);
    if (!d->rc)
        d->rc = write_all(d, p, n);
    if (!d->rc && d->progress)
        d->progress(d->ctx, d->have, d->total);
    return d->rc ? 0 : n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t e)
{
    struct download *d = ctx;

    (void)a;
    (void)b;
    (void)c;
    (void)e;
    return kn_cancel_is_set(d->cancel);
}

static void set_options(struct download *d, const char *range)
{
    CURL *c = d->curl;

    curl_easy_setopt(c, CURLOPT_URL, d->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "kinora");
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    /* CURLOPT_RANGE and not RESUME_FROM: the latter makes an answer without a range an error,
     * where starting again is what helps. */
    curl_easy_setopt(c, CURLOPT_RANGE, range);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, d);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, d);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

static int judge_transfer(struct download *d, CURLcode code, const char *detail)
{
    if (d->rc)
        return d->rc;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return kn_err_set(d->err, KN_ECANCELLED, "fetch %s: cancelled", d->url);
    return kn_err_set(d->err, code == CURLE_OPERATION_TIMEDOUT ? KN_ETIMEOUT : KN_ENET,
                      "fetch %s: %s", d->url, *detail ? detail : curl_easy_strerror(code));
}

static int judge_status(struct download *d, long status)
{
    if (status == 200 || status == 206)
        return KN_OK;
    return kn_err_set(d->err, KN_ENET, "fetch %s: the server answered %ld%s", d->url, status,
                      status == 404 ? " (not there)" : "");
}

/* One request. *again: it may go better next time, after *pause seconds (0: as the caller likes). */
static int attempt(struct download *d, bool *again, double *pause)
{
    char range[32], detail[CURL_ERROR_SIZE] = "";
    CURLcode code;
    curl_off_t after = 0;
    long status = 0;

    d->begun = false;
    d->rc = KN_OK;
    *again = false;
    *pause = -1;
    snprintf(range, sizeof range, "%" PRIu64 "-", d->have);
    curl_easy_reset(d->curl);
    set_options(d, d->have > 0 ? range : NULL);
    curl_easy_setopt(d->curl, CURLOPT_ERRORBUFFER, detail);
    code = curl_easy_perform(d->curl);
    curl_easy_setopt(d->curl, CURLOPT_ERRORBUFFER, NULL);
    if (code) {
        *again = !d->rc && kn_http_may_pass(code);
        return judge_transfer(d, code, detail);
    }
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 416 && d->have > 0) { /* nothing behind what we have: perhaps it is too long */
        *again = true;
        *pause = 0;
        d->rc = start_again(d);
        return d->rc ? d->rc : judge_status(d, status);
    }
    if (status == 429 || status >= 500) {
        curl_easy_getinfo(d->curl, CURLINFO_RETRY_AFTER, &after);
        *again = after <= KN_HTTP_MAX_RETRY_AFTER_S;
        if (after > 0)
            *pause = (double)after;
    }
    return judge_status(d, status);
}

static int fetch(struct download *d)
{
    double pause = FIRST_PAUSE;

    for (int tries = 0;; tries++) {
        bool again;
        double asked;
        int rc = attempt(d, &again, &asked);

        if (!rc || !again || tries == KN_HTTP_RETRIES)
            return rc;
        if (!kn_http_sleep(asked >= 0 ? asked : kn_http_jittered(pause), d->cancel))
            return kn_err_set(d->err, KN_ECANCELLED, "fetch %s: cancelled", d->url);
        pause *= 2;
    }
}

static int open_file(struct download *d)
{
    struct stat st;

    d->fd = open(d->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (d->fd < 0)
        return kn_err_set(d->err, KN_EIO, "open '%s' for writing: %s", d->path, strerror(errno));
    if (fstat(d->fd, &st))
        return kn_err_set(d->err, KN_EIO, "size of '%s': %s", d->path, strerror(errno));
    d->have = (uint64_t)st.st_size;
    return d->have > d->max ? start_again(d) : KN_OK;
}

int kn_http_download(const char *url, const char *path, uint64_t max,
                     const struct kn_cancel *cancel,
                     void (*progress)(void *ctx, uint64_t bytes, uint64_t total), void *ctx,
                     struct kn_err *err)
{
    struct download d = {.url = url,
                         .path = path,
                         .fd = -1,
                         .max = max,
                         .cancel = cancel,
                         .progress = progress,
                         .ctx = ctx,
                         .err = err};
    int rc;

    kn_http_init();
    d.curl = curl_easy_init();
    if (!d.curl) {
        rc = kn_err_set(err, KN_ELIMIT, "fetch %s: no memory", url);
        goto out;
    }
    rc = open_file(&d);
    if (!rc)
        rc = fetch(&d);
    if (!rc && fsync(d.fd)) /* or the caller's rename could reach the disk before the bytes */
        rc = kn_err_set(err, KN_EIO, "write '%s': %s", path, strerror(errno));
    if (d.fd >= 0 && close(d.fd) && !rc)
        rc = kn_err_set(err, KN_EIO, "close '%s': %s", path, strerror(errno));
out:
    curl_easy_cleanup(d.curl);
    return rc;
}
