/* /ready: whether the library can answer, and the thread that brings it there.
 *
 * Anybody may ask, so the library is looked at once a second at most, and by one request at a time: the others are told what
 * was found last. Of a cluster that does not answer, a look takes until its time-out. */
#include "internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <time.h>

/* A change is logged, once; what the log is told may name paths and addresses, which not everybody is to read. */
static void found(struct kn_server *s, int rc, const struct kn_err *err)
{
    char notice[256];
    bool could;

    pthread_mutex_lock(&s->lock);
    could = s->unable.code == KN_OK;
    s->unable = (struct kn_err){0};
    if (rc)
        s->unable = *err;
    s->looked = kn_clock_now();
    s->looking = false;
    pthread_mutex_unlock(&s->lock);
    if (rc && could)
        kn_log(KN_LOG_WARNING, "not ready: %s", err->msg);
    else if (!rc && !could)
        kn_log(KN_LOG_WARNING, "ready again");
    while (kinora_notice(s->k, notice))
        kn_log(KN_LOG_WARNING, "%s", notice);
}

static bool wait_to_try_again(struct kn_server *s)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += KN_LIMIT_PREPARE_SECONDS;
    pthread_mutex_lock(&s->lock);
    while (!s->stop && rc == 0)
        rc = pthread_cond_timedwait(&s->wake, &s->lock, &until);
    rc = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !rc;
}

static void *prepare(void *ctx)
{
    struct kn_server *s = ctx;
    const struct kn_app *app = &s->apps[1];

    do {
        struct kn_err err = {0};
        int rc = app->prepare(app->ctx, &err);

        found(s, rc, &err);
        if (rc == KN_OK) {
            atomic_store(&s->prepared, true);
            break;
        }
    } while (wait_to_try_again(s));
    return NULL;
}

int kn_ready_start(struct kn_server *s, struct kn_err *err)
{
    if (!s->apps[1].prepare) {
        atomic_store(&s->prepared, true);
        return KN_OK;
    }
    if (pthread_create(&s->preparer, NULL, prepare, s))
        return kn_err_set(err, KN_EIO, "start the server: no thread");
    s->preparing = true;
    return KN_OK;
}

void kn_ready_stop(struct kn_server *s)
{
    if (s->preparing)
        pthread_join(s->preparer, NULL);
}

static void look(struct kn_server *s)
{
    const struct kn_app *app = &s->apps[1];
    struct kn_err err = {0};
    bool due;

    pthread_mutex_lock(&s->lock);
    due = !s->looking && kn_clock_now() - s->looked >= KN_LIMIT_READY_SECONDS;
    s->looking |= due;
    pthread_mutex_unlock(&s->lock);
    if (due)
        found(s, app->ready(app->ctx, &err), &err);
}

int kn_ready_get(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_server *s = r->app;
    bool prepared = atomic_load(&s->prepared);
    struct kn_err unable;

    (void)err;
    if (atomic_load(&s->draining))
        return kn_reply_problem(out, 503, "the server is about to end");
    if (prepared && s->apps[1].ready)
        look(s);
    pthread_mutex_lock(&s->lock);
    unable = s->unable;
    pthread_mutex_unlock(&s->lock);
    if (unable.code)
        return kn_reply_problem(out, 503, "the library cannot answer: %s",
                                kn_guard_signed_in(kn_exchange_of(r)) ? unable.msg
                                                                      : "the log says why");
    if (!prepared)
        return kn_reply_problem(out, 503, "the library is being made ready");
    kn_reply_borrowed(out, "text/plain; charset=utf-8", "ready\n", 6);
    return KN_OK;
}
