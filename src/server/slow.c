/* Requests that take long: in threads of their own, with the connection suspended, so that none of those that serve
 * connections is held. */
#include "internal.h"

#include <stdlib.h>

static void *work(void *ctx)
{
    struct kn_server *s = ctx;
    void *item;

    while (kn_queue_pop(s->slow, &item, NULL) == KN_OK) {
        struct kn_exchange *x = item;
        struct MHD_Connection *connection = x->connection;

        kn_exchange_handle(x);
        atomic_fetch_sub(&s->waiting, 1);
        x->stage = KN_STAGE_ANSWERED; /* from the next line on it is the connection's thread's */
        MHD_resume_connection(connection);
    }
    return NULL;
}

int kn_slow_start(struct kn_server *s, size_t threads, struct kn_err *err)
{
    /* waiting counts what is at work too, so a push never has to wait for room. */
    int rc = kn_queue_new((struct kn_queue_limits){KN_LIMIT_WAITING + threads, SIZE_MAX}, NULL,
                          &s->slow, err);

    if (rc)
        return rc;
    s->workers = calloc(threads, sizeof *s->workers);
    while (s->workers && s->n_workers < threads) {
        if (pthread_create(&s->workers[s->n_workers], NULL, work, s))
            return kn_err_set(err, KN_EIO, "start the server: no thread for slow requests");
        s->n_workers++;
    }
    return s->workers ? KN_OK : kn_err_memory(err, "start the server: no memory");
}

bool kn_slow_give(struct kn_exchange *x)
{
    struct kn_server *s = x->server;

    if (atomic_fetch_add(&s->waiting, 1) >= KN_LIMIT_WAITING + s->n_workers) {
        atomic_fetch_sub(&s->waiting, 1);
        return false;
    }
    x->stage = KN_STAGE_WORKING;
    MHD_suspend_connection(x->connection); /* before anybody can resume it */
    if (kn_queue_push(s->slow, x, 1, NULL) == KN_OK)
        return true;
    atomic_fetch_sub(&s->waiting, 1); /* the server is ending */
    kn_exchange_refuse(x, 503, "the server is about to end");
    x->stage = KN_STAGE_ANSWERED;
    MHD_resume_connection(x->connection);
    return true;
}

void kn_slow_stop(struct kn_server *s)
{
    if (!s->slow)
        return;
    kn_queue_close(s->slow);
    for (size_t i = 0; i < s->n_workers; i++)
        pthread_join(s->workers[i], NULL);
    kn_queue_free(s->slow);
    free(s->workers);
    s->slow = NULL;
    s->workers = NULL;
    s->n_workers = 0;
}
