/* serve-routes LIBRARY FILE: the server with routes made for its tests, one of each kind of reply, on a free port, which it tells.
 * FILE is what /api/v1/file answers with. */
#include "base/clock.h"
#include "base/err.h"
#include "server/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct app {
    const char *file;
    struct kn_events *events;
    atomic_char state; /* preparing, able, unable */
};

static const struct kn_param values[] = {
    {.name = "text", .kind = KN_PARAM_TEXT, .max_bytes = 4096},
    {.name = "choice", .kind = KN_PARAM_TEXT, .choices = "mood|uplift"},
    {.name = "n", .kind = KN_PARAM_INTEGER, .min = 1, .max = 100},
    {.name = "real", .kind = KN_PARAM_REAL},
    {.name = "flag", .kind = KN_PARAM_FLAG},
    {.name = "like", .kind = KN_PARAM_ID, .most = 3},
    {.name = "word", .kind = KN_PARAM_TEXT, .most = 3},
    {0}};
static const struct kn_param needed[] = {{.name = "text", .kind = KN_PARAM_TEXT, .required = true},
                                         {0}};
static const struct kn_param code[] = {
    {.name = "code", .kind = KN_PARAM_INTEGER, .min = -8, .max = 999}, {0}};
static const struct kn_param bytes[] = {
    {.name = "bytes", .kind = KN_PARAM_INTEGER, .min = 0, .max = 1000000}, {0}};
static const struct kn_param ms[] = {
    {.name = "ms", .kind = KN_PARAM_INTEGER, .min = 0, .max = 5000}, {0}};

static int echo(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_json_writer *w = kn_reply_json(out);
    const char *const *words;
    const struct kn_id *ids, *id = kn_request_id(r, "id");
    char text[KN_ID_TEXT];
    size_t n;

    (void)err;
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "text", kn_request_text(r, "text", NULL));
    kn_json_string(w, "choice", kn_request_text(r, "choice", NULL));
    kn_json_integer(w, "n", kn_request_integer(r, "n", -1));
    kn_json_number(w, "real", kn_request_real(r, "real", -1));
    kn_json_bool(w, "flag", kn_request_flag(r, "flag", false));
    kn_json_bool(w, "has_flag", kn_request_has(r, "flag"));
    if (id) {
        kinora_id_text(id, text);
        kn_json_string(w, "id", text);
    }
    ids = kn_request_ids(r, "like", &n);
    kn_json_begin_array(w, "like");
    for (size_t i = 0; i < n; i++) {
        kinora_id_text(&ids[i], text);
        kn_json_string(w, NULL, text);
    }
    kn_json_end_array(w);
    words = kn_request_texts(r, "word", &n);
    kn_json_begin_array(w, "word");
    for (size_t i = 0; i < n; i++)
        kn_json_string(w, NULL, words[i]);
    kn_json_end_array(w);
    kn_json_end_object(w);
    return KN_OK;
}

static int fail(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    int64_t n = kn_request_integer(r, "code", KN_EIO);

    kn_json_string(kn_reply_json(out), NULL, "half an answer");
    if (n < 0)
        return kn_err_set(err, (enum kn_code)n, "it failed with \"%d\"", (int)n);
    return kn_reply_problem(out, (unsigned)n, "it is %d", (int)n);
}

static int big(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_json_writer *w = kn_reply_json(out);
    int64_t n = kn_request_integer(r, "bytes", 10000);

    (void)err;
    kn_json_begin_array(w, NULL);
    for (int64_t i = 0; i < n; i += 20)
        kn_json_integer(w, NULL, 1000000000000000000 + i * i);
    kn_json_end_array(w);
    return KN_OK;
}

static int file(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    return kn_reply_file(out, ((const struct app *)r->app)->file, NULL, err);
}

/* 5,000 bytes said to be of this type */
static int typed(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    char filled[5000];

    memset(filled, 'x', sizeof filled);
    return kn_reply_bytes(out, kn_request_text(r, "text", ""), filled, sizeof filled, err);
}

static int made(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    (void)r;
    kn_reply_status(out, 202);
    kn_reply_header(out, "Location", "/api/v1/echo");
    kn_reply_header(out, "X-Split", "a\r\nSet-Cookie: b=c");
    return kn_reply_bytes(out, "text/plain; charset=utf-8", "made\n", 5, err);
}

static int nothing(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    (void)r;
    (void)out;
    (void)err;
    return KN_OK;
}

static int slow(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    (void)err;
    kn_clock_sleep((double)kn_request_integer(r, "ms", 100) / 1000);
    kn_json_string(kn_reply_json(out), NULL, "done");
    return KN_OK;
}

static int events(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    return kn_reply_events(out, ((const struct app *)r->app)->events, "state", "{\"now\":true}",
                           err);
}

static int post(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    (void)out;
    (void)err;
    kn_events_post(((const struct app *)r->app)->events, "news", kn_request_text(r, "text", ""));
    return KN_OK;
}

/* What prepare and ready say, as PUT /api/v1/state has it. */
static int set_state(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    const char *text = kn_request_text(r, "text", "");

    (void)out;
    (void)err;
    atomic_store(&((struct app *)r->app)->state, *text);
    return KN_OK;
}

static int state_of(struct app *a, struct kn_err *err)
{
    return atomic_load(&a->state) == 'u' ? kn_err_set(err, KN_EIO, "the shelf is bare") : KN_OK;
}

static int prepare(void *ctx, struct kn_err *err)
{
    struct app *a = ctx;

    while (atomic_load(&a->state) == 'p')
        kn_clock_sleep(0.01);
    return state_of(a, err);
}

static int ready(void *ctx, struct kn_err *err)
{
    return state_of(ctx, err);
}

static const struct kn_route routes[] = {
    {KN_GET, "/api/v1/echo", echo, values, NULL, 0},
    {KN_POST, "/api/v1/echo", echo, NULL, values, 0},
    {KN_GET, "/api/v1/echo/{id}", echo, values, NULL, 0},
    {KN_GET, "/api/v1/named/{text}", echo, NULL, NULL, 0},
    {KN_GET, "/api/v1/fail", fail, code, NULL, 0},
    {KN_GET, "/api/v1/big", big, bytes, NULL, 0},
    {KN_GET, "/api/v1/file", file, NULL, NULL, KN_ROUTE_ANY_TYPE},
    {KN_GET, "/api/v1/typed", typed, needed, NULL, KN_ROUTE_ANY_TYPE},
    {KN_POST, "/api/v1/made", made, NULL, NULL, KN_ROUTE_ANY_TYPE},
    {KN_DELETE, "/api/v1/made", nothing, NULL, NULL, 0},
    {KN_GET, "/api/v1/slow", slow, ms, NULL, KN_ROUTE_SLOW},
    {KN_GET, "/api/v1/events", events, NULL, NULL, KN_ROUTE_ANY_TYPE},
    {KN_POST, "/api/v1/events", post, NULL, needed, 0},
    {KN_PUT, "/api/v1/state", set_state, NULL, needed, 0},
};

int main(int argc, char **argv)
{
    struct app app = {.file = argc > 2 ? argv[2] : "", .events = kn_events_new()};
    const struct kn_app all = {.routes = routes,
                               .n_routes = sizeof routes / sizeof *routes,
                               .ctx = &app,
                               .prepare = prepare,
                               .ready = ready};
    const struct kn_server_options options = {.listen = "127.0.0.1:0", .access_log = "-"};
    struct kn_server *s = NULL;
    struct kinora *k = NULL;
    struct kn_err err;
    sigset_t signals;
    int number, rc;

    if (argc < 3 || argc > 4 || !app.events) {
        fputs("serve-routes LIBRARY FILE [preparing]\n", stderr);
        return 2;
    }
    app.state = argc > 3 ? *argv[3] : 'a';
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    rc = kinora_open(&(struct kinora_options){.library = argv[1]}, &k, &err);
    if (rc == KN_OK)
        rc = kn_server_open(&options, k, &all, &s, &err);
    if (rc == KN_OK) {
        printf("listening on %s\n", kn_server_address(s));
        fflush(stdout);
        sigwait(&signals, &number);
        kn_server_drain(s, 10);
    } else {
        fprintf(stderr, "serve-routes: %s\n", err.msg);
    }
    kn_server_close(s);
    kinora_close(k);
    kn_events_free(app.events);
    return rc ? 1 : 0;
}
