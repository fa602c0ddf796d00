/* internal.h - what the files of the server share: the server itself, and a request on its way. */
#ifndef KN_SERVER_INTERNAL_H
#define KN_SERVER_INTERNAL_H

#include "server/connections.h"
#include "server/events.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/rate.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/target.h"
#include "server/token.h"
#include "server/values.h"

#include "base/err.h"
#include "base/queue.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    KN_APPS = 2, /* the server's own routes, and the app's */
    KN_HUBS = 8,
    KN_STATES = KN_STATE_MISSING + 1,
};

struct kn_server {
    struct MHD_Daemon *daemon;
    struct kinora *k;
    struct kn_app apps[KN_APPS];
    struct kn_tokens *tokens;
    struct kn_rate *guesses, *requests;
    struct kn_peers *peers;
    struct kn_metrics *metrics;
    struct kn_arena *arena; /* of the server's own texts */
    const char *host;       /* listened on; "" : every address */
    const char *address;    /* http://... */
    const char **allow_hosts;
    size_t n_allow_hosts;
    int listener; /* -1: libmicrohttpd has it */
    int log;      /* -1: none */
    bool own_log;
    atomic_bool draining;
    double began;

    /* threads of slow requests */
    struct kn_queue *slow;
    pthread_t *workers;
    size_t n_workers;
    atomic_size_t waiting;

    /* event streams */
    pthread_mutex_t lock; /* of hubs and of what was counted, and with wake of stop */
    struct kn_events *hubs[KN_HUBS];
    size_t n_hubs;
    atomic_size_t streams;

    /* the library as it was counted last, for /metrics */
    double counted; /* when; 0: never */
    uint64_t titles[KN_STATES], segments, moments, bytes, index_bytes;

    /* /ready; unable, looked and looking under lock */
    pthread_t preparer;
    bool preparing;       /* there is such a thread */
    atomic_bool prepared; /* and it has done its work */
    struct kn_err unable; /* code KN_OK: it was able, when it was looked at last */
    double looked;
    bool looking;

    pthread_t ticker;
    pthread_cond_t wake;
    bool ticking, stop;
};

enum kn_stage {
    KN_STAGE_NEW,      /* the request line is in */
    KN_STAGE_BODY,     /* the headers are, and are fine */
    KN_STAGE_REFUSED,  /* they are not; reply says why */
    KN_STAGE_WORKING,  /* a slow thread has it, the connection is suspended */
    KN_STAGE_ANSWERED, /* reply says what */
    KN_STAGE_QUEUED,
};

struct kn_exchange {
    struct kn_request request; /* first: the server's own handlers find the rest from it */
    struct kn_server *server;
    struct MHD_Connection *connection;
    struct kn_peer *peer;
    struct kn_arena *arena;
    const char *raw; /* the target; NULL: too long */
    const char *method;
    enum kn_stage stage;
    double began, ended; /* ended: when the answer was queued */
    struct kn_target target;
    struct kn_buf body;
    size_t unread; /* bytes of a body too large */
    struct kn_json *json;
    struct kn_reply reply;
    unsigned status;
    uint64_t bytes;
    bool has_body, close, streaming;
};

static inline struct kn_exchange *kn_exchange_of(const struct kn_request *r)
{
    return (struct kn_exchange *)(uintptr_t)r;
}

const char *kn_exchange_header(const struct kn_exchange *x, const char *name); /* NULL: none */

/* Makes the reply a problem and gives false, so that a check is one line. */
bool kn_exchange_refuse(struct kn_exchange *x, unsigned status, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));

/* The checks of a request's headers; on false, reply is the refusal. Finds the route. */
bool kn_guard_admit(struct kn_exchange *x);
bool kn_guard_signed_in(const struct kn_exchange *x); /* by token or session, or needs neither */
bool kn_guard_host(const struct kn_server *s, const char *host);

/* Runs the handler, and makes the reply of what it gives. */
void kn_exchange_handle(struct kn_exchange *x);

/* Threads of slow requests. */
int kn_slow_start(struct kn_server *s, size_t threads, struct kn_err *err);
bool kn_slow_give(struct kn_exchange *x); /* false: the queue is full */
void kn_slow_stop(struct kn_server *s);   /* what is queued is done first */

/* The thread of kn_app.prepare, and /ready. stop waits for it, and comes when s->stop is set. */
int kn_ready_start(struct kn_server *s, struct kn_err *err);
void kn_ready_stop(struct kn_server *s);
int kn_ready_get(const struct kn_request *r, struct kn_reply *out, struct kn_err *err);

/* Callbacks of libmicrohttpd; cls is the server. */
void *kn_exchange_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result kn_exchange_step(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **exchange);
void kn_exchange_end(void *cls, struct MHD_Connection *connection, void **exchange,
                     enum MHD_RequestTerminationCode how);

void kn_access_log(const struct kn_exchange *x, bool cut);

/* The server's own routes: ctx is the server. */
struct kn_app kn_core_app(struct kn_server *s);
const struct kn_route *
kn_core_page(void); /* of them: the page's, which also stands for addresses within it */

#endif
