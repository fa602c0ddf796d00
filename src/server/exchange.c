/* A request from its first line to the last byte of its answer, as libmicrohttpd calls for it. */
#include "internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *kn_exchange_header(const struct kn_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

bool kn_exchange_refuse(struct kn_exchange *x, unsigned status, const char *detail, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, detail);
    vsnprintf(text, sizeof text, detail, ap);
    va_end(ap);
    kn_reply_problem(&x->reply, status, "%s", text);
    return false;
}

void *kn_exchange_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct kn_server *s = cls;
    struct kn_exchange *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->server = s;
    x->connection = connection;
    x->began = kn_clock_now();
    x->arena = kn_arena_new(KN_LIMIT_ARENA);
    if (x->arena && strlen(target) <= KN_LIMIT_TARGET)
        x->raw = kn_arena_text(x->arena, target);
    if (!x->arena) {
        free(x);
        return NULL;
    }
    kn_reply_begin(&x->reply, x->arena);
    kn_buf_init(&x->body, KN_LIMIT_BODY);
    x->request = (struct kn_request){.k = s->k, .arena = x->arena};
    return x;
}

/* ---- the handler ---- */

static void fail(struct kn_exchange *x, const struct kn_err *err, const char *parameter)
{
    unsigned status = kn_status_of(err);

    if (status == 500)
        kn_log(KN_LOG_ERROR, "%s %s: %s", x->method, x->target.path, err->msg);
    kn_reply_become_problem(&x->reply, status, err->msg, kn_err_name(err->code), parameter);
    if (status == 503)
        kn_reply_header(&x->reply, "Retry-After", "5");
}

void kn_exchange_handle(struct kn_exchange *x)
{
    struct kn_fault fault = {0};
    struct kn_err *err = &fault.err;
    int rc = KN_OK;

    if (x->body.n > 0)
        rc = kn_body_parse((struct kn_sv){x->body.data, x->body.n}, &x->json, err);
    x->request.json = x->json;
    if (rc == KN_OK)
        rc = kn_values_read(x->request.route, &x->target, x->json, x->arena, &x->request.values,
                            &fault);
    if (rc) {
        fail(x, err, fault.parameter);
        return;
    }
    rc = x->request.route->handle(&x->request, &x->reply, err);
    if (rc == KN_OK && x->reply.kind == KN_REPLY_JSON)
        rc = kn_buf_ok(&x->reply.body, err);
    if (rc)
        fail(x, err, NULL);
}

/* ---- the answer ---- */

static bool add_hub(struct kn_server *s, struct kn_events *e)
{
    bool known = false;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_hubs; i++)
        known |= s->hubs[i] == e;
    if (!known && s->n_hubs < KN_HUBS) {
        s->hubs[s->n_hubs++] = e;
        known = true;
    }
    pthread_mutex_unlock(&s->lock);
    return known;
}

static struct MHD_Response *stream(struct kn_exchange *x)
{
    struct kn_server *s = x->server;
    const char *last = kn_exchange_header(x, "Last-Event-ID");
    struct kn_reply *r = &x->reply;
    struct MHD_Response *m;
    struct kn_stream *events;

    events = kn_stream_new(r->events, last ? strtoull(last, NULL, 10) : 0, r->event, r->event_data);
    if (!events)
        return NULL;
    kn_stream_connect(events, x->connection);
    m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, kn_stream_read, events,
                                          kn_stream_free);
    if (!m) {
        kn_stream_free(events);
        return NULL;
    }
    x->streaming = true;
    atomic_fetch_add(&s->streams, 1);
    if (!kn_reply_protect(m, false) ||
        MHD_add_response_header(m, "Content-Type", "text/event-stream") != MHD_YES ||
        MHD_add_response_header(m, "Cache-Control", "no-store") != MHD_YES ||
        MHD_add_response_header(m, "X-Accel-Buffering", "no") != MHD_YES) { /* nginx */
        MHD_destroy_response(m);
        return NULL;
    }
    x->status = 200;
    return m;
}

static struct MHD_Response *finish(struct kn_exchange *x)
{
    struct kn_server *s = x->server;
    struct kn_conditions c = {
        .conditional = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0,
        .if_none_match = kn_exchange_header(x, "If-None-Match"),
        .if_modified_since = kn_exchange_header(x, "If-Modified-Since"),
        .range = kn_exchange_header(x, "Range"),
        .if_range = kn_exchange_header(x, "If-Range"),
        .accept_encoding = kn_exchange_header(x, "Accept-Encoding"),
    };

    if (x->reply.kind == KN_REPLY_EVENTS) {
        if (!atomic_load(&s->draining) && atomic_load(&s->streams) < KN_LIMIT_STREAMS &&
            add_hub(s, x->reply.events))
            return stream(x);
        kn_exchange_refuse(x, 503, "there are as many event streams as there may be");
        kn_reply_header(&x->reply, "Retry-After", "30");
    }
    return kn_reply_finish(&x->reply, &c, &x->status, &x->bytes);
}

static enum MHD_Result queue(struct kn_exchange *x)
{
    struct MHD_Response *m = finish(x);
    enum MHD_Result rc;

    if (!m)
        return MHD_NO; /* no memory: the connection ends */
    if (x->close || atomic_load(&x->server->draining))
        MHD_add_response_header(m, "Connection", "close");
    rc = MHD_queue_response(x->connection, x->status, m);
    MHD_destroy_response(m);
    x->stage = KN_STAGE_QUEUED;
    x->ended = kn_clock_now();
    kn_metrics_count(x->server->metrics, x->request.route, x->status, x->ended - x->began,
                     strcmp(x->method, "HEAD") ? x->bytes : 0);
    return rc;
}

/* ---- the steps ---- */

static enum MHD_Result on_headers(struct kn_exchange *x, const char *method)
{
    x->peer =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    x->method = kn_arena_text(x->arena, method);
    if (!x->peer || !x->method)
        return MHD_NO;
    x->stage = kn_guard_admit(x) ? KN_STAGE_BODY : KN_STAGE_REFUSED;
    kn_peers_phase(x->server->peers, x->peer, x->has_body ? KN_PHASE_BODY : KN_PHASE_ACTIVE);
    if (x->stage == KN_STAGE_BODY || !x->has_body)
        return MHD_YES;
    x->close = true; /* the body is not read: nothing behind it may be taken for a request */
    return queue(x);
}

static enum MHD_Result on_body(struct kn_exchange *x, const char *upload, size_t *n)
{
    if (x->unread == 0 && kn_buf_add(&x->body, upload, *n, NULL) == KN_OK) {
        *n = 0;
        return MHD_YES;
    }
    x->unread += *n;
    *n = 0;
    return x->unread > KN_LIMIT_UNREAD ? MHD_NO : MHD_YES;
}

/* Before the library is ready, any question to it may wait for that. */
static bool is_slow(const struct kn_exchange *x)
{
    const struct kn_server *s = x->server;

    return (x->request.route->flags & KN_ROUTE_SLOW) ||
           (x->request.app != s && !atomic_load_explicit(&s->prepared, memory_order_relaxed));
}

static enum MHD_Result on_whole(struct kn_exchange *x)
{
    kn_peers_phase(x->server->peers, x->peer, KN_PHASE_ACTIVE);
    if (x->unread > 0) {
        x->close = true;
        kn_exchange_refuse(x, 413, "a body has at most %d bytes", KN_LIMIT_BODY);
    } else if (!is_slow(x)) {
        kn_exchange_handle(x);
    } else if (kn_slow_give(x)) {
        return MHD_YES;
    } else {
        kn_exchange_refuse(x, 503, "too many requests are waiting");
        kn_reply_header(&x->reply, "Retry-After", "5");
    }
    return queue(x);
}

enum MHD_Result kn_exchange_step(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **exchange)
{
    struct kn_exchange *x = *exchange;

    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (!x)
        return MHD_NO;
    switch (x->stage) {
    case KN_STAGE_NEW:
        return on_headers(x, method);
    case KN_STAGE_BODY:
        return *upload_size > 0 ? on_body(x, upload, upload_size) : on_whole(x);
    case KN_STAGE_REFUSED:
    case KN_STAGE_ANSWERED:
        return queue(x);
    default: /* with a slow thread, which resumes the connection when it is done */
        return MHD_YES;
    }
}

void kn_exchange_end(void *cls, struct MHD_Connection *connection, void **exchange,
                     enum MHD_RequestTerminationCode how)
{
    struct kn_exchange *x = *exchange;

    (void)cls;
    (void)connection;
    if (!x)
        return;
    *exchange = NULL;
    if (x->peer)
        kn_peers_phase(x->server->peers, x->peer, KN_PHASE_IDLE);
    if (x->streaming)
        atomic_fetch_sub(&x->server->streams, 1);
    if (x->method)
        kn_access_log(x, how != MHD_REQUEST_TERMINATED_COMPLETED_OK);
    kn_reply_end(&x->reply);
    kn_buf_free(&x->body);
    kn_json_free(x->json);
    kn_arena_free(x->arena);
    free(x);
}
