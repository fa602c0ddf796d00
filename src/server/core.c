/* The server's own routes: the page, sessions, and how it is. */
#include "internal.h"

#include "server/fields.h"
#include "server/page.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COOKIE "kinora_session"

/* ---- the page ---- */

static const struct kn_page_file *page_file(const char *path)
{
    for (size_t i = 0; i < kn_page_count; i++)
        if (strcmp(kn_page_files[i].path, path) == 0)
            return &kn_page_files[i];
    return NULL;
}

/* A file of the page, or for an address within it (/titles/3f2a...) its document. */
static int get_page(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    static const char none[] = "<!doctype html><title>Kinora</title><p>This Kinora was built "
                               "without its page. The API is at /api/v1.</p>";
    const char *path = kn_exchange_of(r)->target.path, *name = strrchr(path, '/');
    const struct kn_page_file *f = page_file(path);

    if (!f && !strchr(name, '.'))
        f = page_file("/index.html");
    if (!f && strcmp(path, "/") == 0) {
        kn_reply_borrowed(out, "text/html; charset=utf-8", none, sizeof none - 1);
        kn_reply_status(out, 404);
        return KN_OK;
    }
    if (!f)
        return kn_err_set(err, KN_ENOTFOUND, "there is nothing at this address");
    kn_reply_borrowed(out, f->type, f->bytes, f->n);
    out->gzip = (struct kn_sv){(const char *)f->gzip, f->n_gzip};
    kn_reply_header(out, "ETag", f->etag);
    if (strncmp(f->path, "/assets/", 8) == 0) /* their names have a hash of what is in them */
        kn_reply_header(out, "Cache-Control", "public, max-age=31536000, immutable");
    return KN_OK;
}

/* ---- sessions ---- */

static int64_t now(void)
{
    return kn_clock_unix_ms() / 1000;
}

static int get_session(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    const struct kn_server *s = r->app;
    struct kn_json_writer *w = kn_reply_json(out);

    (void)err;
    kn_json_begin_object(w, NULL);
    kn_json_bool(w, "needed", kn_tokens_needed(s->tokens));
    kn_json_bool(w, "authenticated", kn_guard_signed_in(kn_exchange_of(r)));
    kn_json_end_object(w);
    return KN_OK;
}

/* Secure, where the page came by TLS: its origin says so, and nothing else does behind a reverse proxy. */
static int set_cookie(const struct kn_request *r, struct kn_reply *out, const char *value,
                      long seconds, struct kn_err *err)
{
    const char *origin = kn_exchange_header(kn_exchange_of(r), "Origin");
    const char *text = kn_arena_printf(
        r->arena, COOKIE "=%s; Path=/; Max-Age=%ld; HttpOnly; SameSite=Strict%s", value, seconds,
        origin && strncmp(origin, "https:", 6) == 0 ? "; Secure" : "");

    if (!text)
        return kn_err_memory(err, "sign in: no memory");
    kn_reply_header(out, "Set-Cookie", text);
    return KN_OK;
}

static int post_session(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_server *s = r->app;
    struct kn_exchange *x = kn_exchange_of(r);
    const char *token = kn_request_text(r, "token", "");
    char cookie[KN_SECRET_TEXT];
    int rc;

    if (!kn_tokens_needed(s->tokens))
        return kn_reply_problem(out, 409, "this server has no token: no session is needed");
    if (!kn_tokens_is(s->tokens, kn_sv_of(token))) {
        if (kn_rate_ask(s->guesses, x->peer->address, kn_clock_now(), true)) {
            kn_reply_problem(out, 401, "this is not the token");
            kn_reply_header(out, "WWW-Authenticate", "Bearer realm=\"kinora\"");
        } else {
            x->close = true;
            kn_reply_problem(out, 429, "too many wrong tokens from this address");
            kn_reply_header(out, "Retry-After", "6");
        }
        return KN_OK;
    }
    rc = kn_session_begin(s->tokens, now(), cookie, err);
    return rc ? rc : set_cookie(r, out, cookie, KN_LIMIT_SESSION_DAYS * 86400L, err);
}

static int delete_session(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_server *s = r->app;
    struct kn_sv cookie;

    if (kn_field_cookie(kn_exchange_header(kn_exchange_of(r), "Cookie"), COOKIE, &cookie))
        kn_session_end(s->tokens, cookie);
    return set_cookie(r, out, "", 0, err);
}

bool kn_guard_signed_in(const struct kn_exchange *x)
{
    const struct kn_server *s = x->server;
    const char *authorization = kn_exchange_header(x, "Authorization");
    struct kn_sv cookie;

    if (!kn_tokens_needed(s->tokens))
        return true;
    if (kn_field_cookie(kn_exchange_header(x, "Cookie"), COOKIE, &cookie) &&
        kn_session_is(s->tokens, cookie, now()))
        return true;
    return authorization && strncasecmp(authorization, "Bearer ", 7) == 0 &&
           kn_tokens_is(s->tokens, kn_sv_trim(kn_sv_of(authorization + 7)));
}

/* ---- how it is ---- */

static int get_health(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    (void)r;
    (void)err;
    kn_reply_borrowed(out, "text/plain; charset=utf-8", "ok\n", 3);
    return KN_OK;
}

static double resident_bytes(void)
{
    unsigned long long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* Counting takes long in a large library, and a scraper comes every few seconds: so once a minute. */
static void refresh_stats(struct kn_server *s)
{
    struct kinora_stats *stats;
    bool due;

    pthread_mutex_lock(&s->lock);
    due = s->counted == 0 || kn_clock_now() - s->counted > KN_LIMIT_STATS_SECONDS;
    if (due)
        s->counted = kn_clock_now();
    pthread_mutex_unlock(&s->lock);
    if (!due || kinora_stats(s->k, &stats, NULL))
        return;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < KN_STATES; i++)
        s->titles[i] = stats->by_state[i];
    s->segments = stats->segments;
    s->moments = stats->moments;
    s->bytes = stats->bytes;
    s->index_bytes = stats->index_bytes;
    pthread_mutex_unlock(&s->lock);
    kinora_stats_free(stats);
}

static void write_stats(struct kn_server *s, struct kn_buf *b)
{
    const char *help = "Titles in the library, by state.";

    refresh_stats(s);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < KN_STATES; i++) {
        char labels[64];

        snprintf(labels, sizeof labels, "state=\"%s\"", kinora_state_name((enum kn_state)i));
        kn_metric(b, "kinora_titles", "gauge", help, labels, (double)s->titles[i]);
        help = NULL;
    }
    kn_metric(b, "kinora_index_moments", "gauge", "Moments with a vector: what is searched.", "",
              (double)s->moments);
    kn_metric(b, "kinora_index_segments", "gauge", "Lines of transcripts.", "",
              (double)s->segments);
    if (!kinora_is_cluster(s->k)) {
        kn_metric(b, "kinora_library_bytes", "gauge", "Of the file that holds all.", "",
                  (double)s->bytes);
        kn_metric(b, "kinora_index_bytes", "gauge",
                  "Of the files made of it to search in; none up to 1,000 titles.", "",
                  (double)s->index_bytes);
    }
    pthread_mutex_unlock(&s->lock);
}

static int get_metrics(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_server *s = r->app;
    const struct kn_app *app = &s->apps[1];
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, 4 << 20);
    kn_metrics_write(s->metrics, &b);
    kn_metric(&b, "kinora_http_connections", "gauge", "Open connections.", "",
              (double)kn_peers_count(s->peers));
    kn_metric(&b, "kinora_http_streams", "gauge", "Event streams among them.", "",
              (double)atomic_load(&s->streams));
    kn_metric(&b, "kinora_http_slow_waiting", "gauge", "Slow requests waiting or at work.", "",
              (double)atomic_load(&s->waiting));
    kn_metric(&b, "kinora_uptime_seconds", "gauge", "Since the server began.", "",
              kn_clock_now() - s->began);
    kn_metric(&b, "process_resident_memory_bytes", "gauge", "Memory of the process.", "",
              resident_bytes());
    kn_metric(&b, "kinora_build_info", "gauge", "Which Kinora this is.",
              "version=\"" KINORA_VERSION "\"", 1);
    write_stats(s, &b);
    if (app->metrics)
        app->metrics(app->ctx, &b);
    rc = kn_buf_ok(&b, err);
    if (rc == KN_OK)
        rc = kn_reply_bytes(out, "text/plain; version=0.0.4; charset=utf-8", b.data, b.n, err);
    kn_buf_free(&b);
    return rc;
}

/* ---- the table ---- */

static const struct kn_param session_body[] = {
    {.name = "token", .kind = KN_PARAM_TEXT, .max_bytes = 512, .required = true}, {0}};

static const struct kn_route routes[] = {
    {KN_GET, "/", get_page, NULL, NULL, KN_ROUTE_PUBLIC | KN_ROUTE_ANY_TYPE},
    {KN_GET, "/health", get_health, NULL, NULL, KN_ROUTE_PUBLIC | KN_ROUTE_ANY_TYPE},
    {KN_GET, "/ready", kn_ready_get, NULL, NULL,
     KN_ROUTE_PUBLIC | KN_ROUTE_ANY_TYPE | KN_ROUTE_SLOW},
    {KN_GET, "/metrics", get_metrics, NULL, NULL, KN_ROUTE_ANY_TYPE | KN_ROUTE_SLOW},
    {KN_GET, "/api/v1/session", get_session, NULL, NULL, KN_ROUTE_PUBLIC},
    {KN_POST, "/api/v1/session", post_session, NULL, session_body, KN_ROUTE_PUBLIC},
    {KN_DELETE, "/api/v1/session", delete_session, NULL, NULL, KN_ROUTE_PUBLIC},
};

const struct kn_route *kn_core_page(void)
{
    return &routes[0];
}

struct kn_app kn_core_app(struct kn_server *s)
{
    return (struct kn_app){.routes = routes, .n_routes = sizeof routes / sizeof *routes, .ctx = s};
}
