/* route.h - what a handler of the server is given, and what it gives back.
 *
 * A route is an entry in a const table: method, pattern, what it takes, and a handler. The server has done all checks
 * of HTTP before a handler runs (host, token or session, same origin, method, types, sizes, that every parameter is known,
 * of its type and within its limits), and does all of HTTP behind it (conditional requests, compression, ranges, HEAD,
 * headers of safety, access log, metrics). A handler asks the library and writes JSON:
 *
 *     static const struct kn_param similar_query[] = {
 *         {.name = "limit", .kind = KN_PARAM_INTEGER, .min = 1, .max = 100},
 *         {.name = "rank", .kind = KN_PARAM_TEXT, .choices = "mood|uplift"},
 *         {.name = "exclude", .kind = KN_PARAM_ID, .most = 1000},
 *         {0}};
 *
 *     static int similar(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
 *     {
 *         struct kinora_query q = {.limit = (size_t)kn_request_integer(r, "limit", 10)};
 *         struct kinora_answer *a;
 *         struct kn_json_writer *w;
 *         int rc;
 *
 *         q.exclude = kn_request_ids(r, "exclude", &q.n_exclude);
 *         rc = kinora_recommend(r->k, kn_request_id(r, "id"), &q, &a, err);
 *         if (rc)
 *             return rc;
 *         w = kn_reply_json(out);
 *         kn_json_begin_object(w, NULL);
 *         ...
 *         kn_json_end_object(w);
 *         kinora_answer_free(a);
 *         return KN_OK;
 *     }
 *
 *     {KN_GET, "/api/v1/titles/{id}/similar", similar, .query = similar_query},
 *
 * Failures. A handler returns a code with *err filled, and the server makes the problem document (RFC 9457) of it, whatever was
 * written before: KN_EARG 400, KN_ENOTFOUND 404, KN_ELIMIT 413, KN_ETIMEOUT 504, KN_ENET 502, KN_ECANCELLED 503, memory
 * that ran out 503, all else 500. Where another status says it better, kn_reply_problem. What the server itself may
 * answer with on any route: 304, 400, 401, 403, 404, 405, 406, 413, 414, 415, 421, 429, 431, 500, 503.
 *
 * Threads. Handlers run at the same time in several threads, those of quick routes in the threads that serve all
 * connections: one that may take longer than some 20 ms (a model, a whole library) says so by KN_ROUTE_SLOW, and runs in
 * threads of its own, at most as many as there are cores, while a queue of 64 waits (then 503 with Retry-After).
 * Ownership: what a request points at, and its arena, live until the reply has gone out. */
#ifndef KN_SERVER_ROUTE_H
#define KN_SERVER_ROUTE_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/json.h"

#include <kinora/kinora.h>
#include <stdint.h>

enum kn_method { KN_GET, KN_POST, KN_PUT, KN_PATCH, KN_DELETE, KN_METHODS }; /* HEAD is GET's */

/* ---- parameters ---- */

enum kn_param_kind {
    KN_PARAM_TEXT, /* UTF-8 without NUL, at most max_bytes */
    KN_PARAM_INTEGER,
    KN_PARAM_REAL, /* finite */
    KN_PARAM_FLAG, /* true, false; in a query also 1, 0 */
    KN_PARAM_ID,   /* the 36 characters of a title's id */
};

/* One name in a query (?limit=10) or in the JSON object of a body ({"limit":10}), where its value has the JSON type of its
 * kind. The same table may serve both, and the handler asks for either in the same way. A name that is not
 * in the table is refused, and so is one that comes more often than most; a list in a body is an array. */
struct kn_param {
    const char *name;
    enum kn_param_kind kind;
    const char *choices; /* of a TEXT, "mood|uplift"; NULL: anything */
    double min, max;     /* of INTEGER and REAL, inclusive; both 0: any that the type holds */
    size_t max_bytes;    /* of TEXT; 0: 1024 */
    size_t most;         /* how often it may come; 0: once, and then in a body it is no array */
    bool required;
};

/* ---- routes ---- */

enum {
    KN_ROUTE_PUBLIC = 1u << 0, /* needs neither token nor session */
    KN_ROUTE_SLOW = 1u << 1,
    KN_ROUTE_ANY_TYPE = 1u << 2, /* does not answer in JSON: Accept is not looked at */
    KN_ROUTE_SIGNED =
        1u << 3, /* takes until and key, as kn_request_sign writes them, for a token */
};

struct kn_request;
struct kn_reply;

struct kn_route {
    enum kn_method method;
    const char *
        pattern; /* "/api/v1/titles/{id}"; {id} is one segment, not empty, and a title's id (else 404); any
        other name is text */
    int (*handle)(const struct kn_request *r, struct kn_reply *out, struct kn_err *err);
    const struct kn_param *query; /* ends with a name of NULL; NULL: none */
    const struct kn_param
        *body;      /* likewise; NULL: takes no body. A body is JSON: application/json, at most
        64 KiB, nested at most 16 deep */
    unsigned flags; /* KN_ROUTE_* */
};

/* Routes with what they share: the whole of an API. All may be NULL but routes. */
struct kn_app {
    const struct kn_route *routes;
    size_t n_routes;
    void *ctx; /* r->app */
    /* Called in a thread of its own once the server listens: does what first answers would wait for. Until it gives KN_OK (else it
     * is called again in 5 s) /ready is 503, and all routes run in threads of slow ones, since they may wait for it. */
    int (*prepare)(void *ctx, struct kn_err *err);
    /* For /ready from then on: KN_OK, or why nothing can be answered now. One call at a time, at most once a second. */
    int (*ready)(void *ctx, struct kn_err *err);
    /* For /metrics: lines of kn_metric. Called at each scrape, so from memory, not from the whole library. */
    void (*metrics)(void *ctx, struct kn_buf *out);
    /* The server is about to end: stop what runs in the background; called once, must return within a second or so. */
    void (*drain)(void *ctx);
};

/* "# HELP", "# TYPE" (where help is not NULL: once a name) and the line. labels: "" or "state=\"ready\"". type: "gauge",
 * "counter". */
void kn_metric(struct kn_buf *out, const char *name, const char *type, const char *help,
               const char *labels, double value);

/* ---- requests ---- */

struct kn_values; /* opaque */

struct kn_request {
    struct kinora *k; /* opened for reading */
    void *app;        /* kn_app.ctx */
    struct kn_arena *arena;
    const struct kn_route *route;
    const struct kn_json *json; /* the body as it came; NULL: none */
    const struct kn_values *values;
};

/* By name, from the path, the query or the body (a name that is in several: in this order). otherwise where it was not given. */
const char *kn_request_text(const struct kn_request *r, const char *name, const char *otherwise);
int64_t kn_request_integer(const struct kn_request *r, const char *name, int64_t otherwise);
double kn_request_real(const struct kn_request *r, const char *name, double otherwise);
bool kn_request_flag(const struct kn_request *r, const char *name, bool otherwise);
const struct kn_id *kn_request_id(const struct kn_request *r,
                                  const char *name); /* NULL: not given */
bool kn_request_has(const struct kn_request *r, const char *name);

/* All values of one that may come several times, in order. */
const char *const *kn_request_texts(const struct kn_request *r, const char *name, size_t *n);
const struct kn_id *kn_request_ids(const struct kn_request *r, const char *name, size_t *n);

/* Adds to out the address of what is at path on this server, as the client has it, for a player, which has no token: one of a
 * KN_ROUTE_SIGNED route opens itself for a day, where there is a token. KN_ELIMIT. */
int kn_request_sign(const struct kn_request *r, const char *path, struct kn_buf *out,
                    struct kn_err *err);

/* ---- replies: one of these calls; without any, 204 ---- */

/* 200 (or what kn_reply_status said) with application/json, at most 64 MiB. The writer lives as long as the reply. An ETag is made
 * of the bytes, unless kn_reply_header gave one. */
struct kn_json_writer *kn_reply_json(struct kn_reply *out);

/* Another type: "text/vtt; charset=utf-8". The bytes are copied. */
int kn_reply_bytes(struct kn_reply *out, const char *type, const void *bytes, size_t n,
                   struct kn_err *err);
/* The same without a copy: bytes must live as long as the program, or in r->arena. */
void kn_reply_borrowed(struct kn_reply *out, const char *type, const void *bytes, size_t n);

/* A file that the library names, in its escaped form (types.h), whole or in the range that was asked for. ETag and Last-Modified are made
 * of its inode, size and time. type NULL: by the ending of its name ("video/mp4"). It is opened at once, without following a link
 * anywhere in it. KN_ENOTFOUND: it is not there, or no regular file; KN_EIO. */
int kn_reply_file(struct kn_reply *out, const char *path, const char *type, struct kn_err *err);

/* A problem document. detail as printf; title is the status's own name. */
int kn_reply_problem(struct kn_reply *out, unsigned status, const char *detail, ...)
    __attribute__((format(printf, 3, 4))); /* gives KN_OK, to be returned */
/* The same with a code of its own, by which a program tells it from others of that status; openapi.yaml lists them. */
int kn_reply_problem_code(struct kn_reply *out, unsigned status, const char *code,
                          const char *detail, ...) __attribute__((format(printf, 4, 5)));

void kn_reply_status(struct kn_reply *out,
                     unsigned status); /* of what is not a problem: 201, 202 */

/* Once a name, at most 8: "Location", "Cache-Control" (without it: no-cache), "Content-Disposition", "Link". Text with control characters is
 * left out. Both are copied. */
void kn_reply_header(struct kn_reply *out, const char *name, const char *value);

/* ---- event streams (text/event-stream) ---- */

/* A hub has what happened of late, the last 256 events, for any number of readers, each of which follows at its own pace. One that falls
 * further behind, or comes back with a Last-Event-ID that is too old, misses the older ones. Waiting readers hold no thread;
 * there may be 64 at once over all hubs, then 503. Threads: any. */
struct kn_events;

struct kn_events *kn_events_new(void);    /* NULL without memory */
void kn_events_free(struct kn_events *e); /* NULL is fine; its server has ended */

/* name: [a-z-]; data is one line, most often JSON, at most 16 KiB; both are copied. Without memory, or when too long, it is left out: an
 * event is news, the state is elsewhere. */
bool kn_events_followed(struct kn_events *e); /* is there a reader? */
void kn_events_post(struct kn_events *e, const char *name, const char *data);

/* Streams from now on (or from behind Last-Event-ID), first of all this event (name NULL: none), which tells the state now. A comment line
 * every 15 s keeps proxies awake. Ends when the client goes or the server drains. */
int kn_reply_events(struct kn_reply *out, struct kn_events *e, const char *name, const char *data,
                    struct kn_err *err);

#endif
