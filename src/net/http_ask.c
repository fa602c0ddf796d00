#include "net/http.h"

#include "base/cancel.h"
#include "base/err.h"
#include "net/http_retry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10000, MAX_URL = 2048 };

#define FIRST_PAUSE 0.2 /* seconds; doubled each time: somebody waits for the answer */

/* A connection that no request uses, with the libcurl handle that keeps it. */
struct idle {
    CURL *curl;
    struct idle *next;
};

struct kn_http {
    char *base;
    double timeout;
    const struct kn_cancel *cancel;
    struct curl_slist *headers;
    pthread_mutex_t lock;
    struct idle *idle; /* the one used last first: the others may be closed by the server */
};

/* One request on its way. */
struct asking {
    struct kn_http *h;
    const struct kn_http_request *request;
    struct kn_buf *answer;
    CURL *curl;
    char url[MAX_URL];
    struct kn_err *err;
};

static bool add_header(struct kn_http *h, const char *header)
{
    struct curl_slist *more = curl_slist_append(h->headers, header);

    if (more)
        h->headers = more;
    return more != NULL;
}

int kn_http_open(const struct kn_http_options *options, struct kn_http **out, struct kn_err *err)
{
    struct kn_http *h = calloc(1, sizeof *h);

    kn_http_init();
    if (!h)
        return kn_err_set(err, KN_ELIMIT, "connect to %s: no memory", options->base);
    pthread_mutex_init(&h->lock, NULL);
    h->base = strdup(options->base);
    h->timeout = options->timeout;
    h->cancel = options->cancel;
    /* Without "Expect:" libcurl waits a second for a "100 Continue" before each large body. */
    if (!h->base || !add_header(h, "Content-Type: application/json") || !add_header(h, "Expect:") ||
        (options->header && !add_header(h, options->header))) {
        kn_http_close(h);
        return kn_err_set(err, KN_ELIMIT, "connect to %s: no memory", options->base);
    }
    *out = h;
    return KN_OK;
}

void kn_http_close(struct kn_http *h)
{
    if (!h)
        return;
    while (h->idle) {
        struct idle *next = h->idle->next;

        curl_easy_cleanup(h->idle->curl);
        free(h->idle);
        h->idle = next;
    }
    curl_slist_free_all(h->headers);
    pthread_mutex_destroy(&h->lock);
    free(h->base);
    free(h);
}

static struct idle *take_connection(struct kn_http *h) /* NULL without memory */
{
    struct idle *one;

    pthread_mutex_lock(&h->lock);
    one = h->idle;
    if (one)
        h->idle = one->next;
    pthread_mutex_unlock(&h->lock);
    if (one)
        return one;
    one = calloc(1, sizeof *one);
    if (one && !(one->curl = curl_easy_init())) {
        free(one);
        one = NULL;
    }
    return one;
}

static void give_connection_back(struct kn_http *h, struct idle *one)
{
    pthread_mutex_lock(&h->lock);
    one->next = h->idle;
    h->idle = one;
    pthread_mutex_unlock(&h->lock);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct asking *a = ctx;

    return kn_buf_add(a->answer, p, size * n, NULL) ? 0 : size * n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct asking *asking = ctx;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return kn_cancel_is_set(asking->h->cancel);
}

static void set_options(struct asking *a, char *detail)
{
    const struct kn_http_request *r = a->request;
    CURL *c = a->curl;

    curl_easy_reset(c); /* keeps the connection */
    curl_easy_setopt(c, CURLOPT_URL, a->url);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "kinora");
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->h->headers);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->body.n > 0) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.p);
    }
    /* libcurl sends again by itself what an old connection gave no answer to. */
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, r->repeatable ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(a->h->timeout * 1e3));
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, a);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

static int cancelled(const struct asking *a)
{
    return kn_err_set(a->err, KN_ECANCELLED, "%s %s: cancelled", a->request->method, a->url);
}

/* Why there is no answer. *again: it may go better next time. */
static int judge_transfer(const struct asking *a, CURLcode code, const char *detail, bool *again)
{
    curl_off_t sending = 0;

    if (code == CURLE_ABORTED_BY_CALLBACK)
        return cancelled(a);
    if (code == CURLE_WRITE_ERROR)
        return kn_err_set(a->err, KN_ELIMIT,
                          "%s %s: the answer is longer than the %zu bytes it may be",
                          a->request->method, a->url, a->answer->max);
    /* When there was a connection to send on; 0: never. */
    curl_easy_getinfo(a->curl, CURLINFO_PRETRANSFER_TIME_T, &sending);
    if (code == CURLE_OPERATION_TIMEDOUT && sending > 0)
        return kn_err_set(a->err, KN_ETIMEOUT, "%s %s: no whole answer within %g seconds",
                          a->request->method, a->url, a->h->timeout);
    *again = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
             code == CURLE_OPERATION_TIMEDOUT || (a->request->repeatable && kn_http_may_pass(code));
    return kn_err_set(a->err, code == CURLE_OPERATION_TIMEDOUT ? KN_ETIMEOUT : KN_ENET, "%s %s: %s",
                      a->request->method, a->url, *detail ? detail : curl_easy_strerror(code));
}

static bool status_may_pass(const struct kn_http_request *r, long status)
{
    return status == 429 || (r->repeatable && (status == 500 || (status >= 502 && status <= 504)));
}

/* *pause: what the server asks for in seconds; negative: nothing. */
static int attempt(struct asking *a, long *status, bool *again, double *pause)
{
    char detail[CURL_ERROR_SIZE] = "";
    curl_off_t after = 0;
    CURLcode code;

    *again = false;
    *pause = -1;
    kn_buf_clear(a->answer);
    set_options(a, detail);
    code = curl_easy_perform(a->curl);
    curl_easy_setopt(a->curl, CURLOPT_ERRORBUFFER, NULL);
    if (code)
        return judge_transfer(a, code, detail, again);
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, status);
    if (status_may_pass(a->request, *status)) {
        curl_easy_getinfo(a->curl, CURLINFO_RETRY_AFTER, &after);
        *again = after <= KN_HTTP_MAX_RETRY_AFTER_S;
        if (after > 0)
            *pause = (double)after;
    }
    return KN_OK;
}

static int ask(struct asking *a, long *status)
{
    double pause = FIRST_PAUSE;

    for (int tries = 0;; tries++) {
        bool again;
        double asked;
        int rc = attempt(a, status, &again, &asked);

        if (!again || tries == KN_HTTP_RETRIES)
            return rc;
        if (!kn_http_sleep(asked >= 0 ? asked : kn_http_jittered(pause), a->h->cancel))
            return cancelled(a);
        pause *= 2;
    }
}

int kn_http_ask(struct kn_http *h, const struct kn_http_request *request, long *status,
                struct kn_buf *answer, struct kn_err *err)
{
    struct asking a = {.h = h, .request = request, .answer = answer, .err = err};
    struct idle *connection;
    long got = 0;
    int rc;

    if ((size_t)snprintf(a.url, sizeof a.url, "%s%s", h->base, request->path) >= sizeof a.url)
        return kn_err_set(err, KN_EARG, "%s %s: the address is too long", request->method, h->base);
    connection = take_connection(h);
    if (!connection)
        return kn_err_set(err, KN_ELIMIT, "%s %s: no memory", request->method, a.url);
    a.curl = connection->curl;
    rc = ask(&a, &got);
    give_connection_back(h, connection);
    if (!rc)
        *status = got;
    return rc;
}
