/* Tells those who follow /ingest/events that the library changed, also by another process. */
#include "v1_ingest.h"

#include "base/err.h"

#include <stdio.h>

/* While nobody follows the library is not asked: on a cluster that would be a request a second for nothing. What a run of this
 * server changes is told title by title; only who begins to follow may have missed some of it. */
static void look(struct kn_v1_ingest *g, bool *was_followed)
{
    bool followed = kn_events_followed(g->events);
    uint64_t changes;
    char data[64];

    if (followed && kinora_changes(g->k, &changes, NULL) == KN_OK) {
        pthread_mutex_lock(&g->lock);
        if (changes != g->changes && (!g->running || !*was_followed)) {
            snprintf(data, sizeof data, "{\"changes\":%llu}", (unsigned long long)changes);
            kn_events_post(g->events, "changed", data);
        }
        g->changes = changes;
        pthread_mutex_unlock(&g->lock);
    }
    *was_followed = followed;
}

static void *watch(void *p)
{
    struct kn_v1_ingest *g = p;
    bool was_followed = false;
    uint64_t changes = 0;

    kinora_changes(g->k, &changes, NULL); /* unknown: the first look tells it */
    pthread_mutex_lock(&g->lock);
    g->changes = changes;
    while (!g->unwatched) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&g->wake, &g->lock, &until);
        pthread_mutex_unlock(&g->lock);
        look(g, &was_followed);
        pthread_mutex_lock(&g->lock);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

int kn_v1_watch_start(struct kn_v1_ingest *g, struct kn_err *err)
{
    pthread_cond_init(&g->wake, NULL);
    g->watched = pthread_create(&g->watcher, NULL, watch, g) == 0;
    return g->watched ? KN_OK : kn_err_set(err, KN_EIO, "serve: no thread to be had; try again");
}

void kn_v1_watch_stop(struct kn_v1_ingest *g)
{
    pthread_mutex_lock(&g->lock);
    g->unwatched = true;
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
    if (g->watched)
        pthread_join(g->watcher, NULL);
    pthread_cond_destroy(&g->wake);
}
