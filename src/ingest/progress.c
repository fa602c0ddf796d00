#include "ingest/run.h"

#include "base/clock.h"

#include <math.h>

/* Everything here is called with p->lock held, so that events come one at a time and in order. */
static void tell(struct progress *p, struct kn_ingest_event *e)
{
    double done = (double)p->worked + p->partial;
    double rest = (double)(p->total - p->done) - p->partial;

    e->done = p->done;
    e->total = p->total;
    e->heard = p->heard;
    e->elapsed = kn_clock_now() - p->began;
    /* Before some of a title is heard the titles of this run tell nothing, but earlier runs may. */
    if (rest <= 0)
        e->left = 0;
    else if (done >= 0.5)
        e->left = e->elapsed / done * rest;
    else
        e->left =
            p->outlook.listening > 0 ? fmax(p->outlook.listening - e->elapsed, 0) : (double)NAN;
    if (p->event)
        p->event(p->ctx, e);
}

static struct kn_ingest_event event_of(const struct job *j, enum kn_ingest_event_kind kind)
{
    return (struct kn_ingest_event){
        .kind = kind,
        .name = j->plan.name,
        .path = j->plan.escaped,
        .id = j->plan.id,
        .state = j->plan.state,
        .reason = "",
        .duration = j->duration,
    };
}

void progress_begin(struct progress *p, size_t total)
{
    struct kn_ingest_event e = {.kind = KN_INGEST_SCANNED, .name = "", .path = "", .reason = ""};

    e.fresh = p->outlook.fresh;
    e.again = p->outlook.again;
    e.subtitled = p->outlook.subtitled;
    e.sound = p->outlook.sound;
    pthread_mutex_lock(&p->lock);
    p->total = total;
    tell(p, &e);
    pthread_mutex_unlock(&p->lock);
}

void progress_more(struct progress *p, size_t n)
{
    pthread_mutex_lock(&p->lock);
    p->total += n;
    pthread_mutex_unlock(&p->lock);
}

void progress_gone(struct progress *p)
{
    pthread_mutex_lock(&p->lock);
    p->done++;
    pthread_mutex_unlock(&p->lock);
}

void progress_stage(struct run *r, const struct job *j, enum kn_stage stage)
{
    struct kn_ingest_event e = event_of(j, KN_INGEST_STAGE);

    e.stage = stage;
    pthread_mutex_lock(&r->progress.lock);
    tell(&r->progress, &e);
    pthread_mutex_unlock(&r->progress.lock);
}

void progress_heard(struct run *r, struct job *j, double seconds)
{
    struct progress *p = &r->progress;
    struct kn_ingest_event e = event_of(j, KN_INGEST_HEARD);
    double share = j->duration > 0 ? fmin(seconds / j->duration, 1) : 0;

    e.stage = KN_STAGE_WORDS;
    e.seconds = seconds;
    pthread_mutex_lock(&p->lock);
    p->heard += seconds - j->heard;
    p->partial += share - j->share;
    j->heard = seconds;
    j->share = share;
    tell(p, &e);
    pthread_mutex_unlock(&p->lock);
}

void progress_unchanged(struct run *r, const struct job *j)
{
    struct progress *p = &r->progress;
    struct kn_ingest_event e = event_of(j, KN_INGEST_UNCHANGED);

    e.reason = j->plan.reason;
    pthread_mutex_lock(&p->lock);
    p->done++;
    p->sum.unchanged++;
    p->sum.still_failed += j->plan.state == KN_STATE_FAILED;
    tell(p, &e);
    pthread_mutex_unlock(&p->lock);
}

void progress_poster(struct run *r, const struct kn_filmed *film)
{
    struct progress *p = &r->progress;
    struct kn_ingest_event e = {.kind = KN_INGEST_POSTER,
                                .name = film->name,
                                .path = film->path,
                                .id = film->id,
                                .reason = ""};
    double now = kn_clock_now();

    pthread_mutex_lock(&p->lock);
    e.posters = ++p->posters;
    e.films = r->n_films;
    e.done = p->done;
    e.total = p->total;
    e.heard = p->heard;
    e.elapsed = now - p->began;
    e.left = (now - p->posters_began) / (double)e.posters * (double)(e.films - e.posters);
    if (p->event)
        p->event(p->ctx, &e);
    pthread_mutex_unlock(&p->lock);
}

void progress_finished(struct run *r, struct job *j, enum kn_state state, const char *reason)
{
    struct progress *p = &r->progress;
    struct kn_ingest_event e = event_of(j, KN_INGEST_FINISHED);

    e.state = state;
    e.reason = reason;
    pthread_mutex_lock(&p->lock);
    p->done++;
    p->worked++;
    p->partial -= j->share;
    p->sum.added += j->plan.added;
    p->sum.ready += state == KN_STATE_READY;
    p->sum.silent += state == KN_STATE_SILENT;
    p->sum.failed += state == KN_STATE_FAILED;
    p->sum.waiting += state == KN_STATE_PENDING;
    tell(p, &e);
    pthread_mutex_unlock(&p->lock);
}
