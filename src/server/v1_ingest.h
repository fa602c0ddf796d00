/* v1_ingest.h - a run of ingest in the background: what v1_ingest.c starts and v1_run.c carries out. */
#ifndef KN_SERVER_V1_INGEST_H
#define KN_SERVER_V1_INGEST_H

#include "v1_parts.h"

#include <pthread.h>
#include <time.h>

enum { KN_V1_ACTIVE = 16, KN_V1_FAILURES = 200 };

struct kn_v1_active { /* a title under way */
    struct kn_id id;
    char *name;
    const char *stage;
    double seconds, duration;
};

struct kn_v1_failure {
    struct kn_id id;
    char *name, *path, *reason;
};

struct kn_v1_ingest {
    const struct kinora_options *library;
    const struct kinora_ingest_options *options;
    struct kinora *k; /* the reader's */
    struct kn_events *events;

    pthread_mutex_t lock; /* of all that follows */
    pthread_t thread;
    bool joinable;
    struct kinora *writer; /* while a run is under way */
    bool running, stopping;
    char **paths; /* of this run, as the file system has them */
    size_t n_paths;
    bool retry_failed;
    time_t started; /* 0: none yet */
    size_t done, total;
    double heard, elapsed, left;
    struct kn_v1_active active[KN_V1_ACTIVE];
    size_t n_active;
    struct kn_v1_failure failures[KN_V1_FAILURES]; /* a ring: the last ones */
    size_t n_failures;                             /* of this run, also those that went round */
    bool has_summary, cancelled;
    struct kinora_summary summary;
    char error[256]; /* "" */
    char **roots;    /* escaped: what may be taken in, as of this change of the library */
    size_t n_roots;
    uint64_t roots_at;
    pthread_t watcher; /* v1_watch.c */
    pthread_cond_t wake;
    bool watched, unwatched;                    /* it was started; it is to end */
    uint64_t changes;                           /* of the library, when it was looked at last */
    double all_heard, all_finished, all_failed; /* since the server began */
};

/* With lock held, and no run under way. paths (an array, and each) come from malloc and are the run's from now on, also when it
 * fails. KN_EIO with retry: another process writes. */
int kn_v1_run_start(struct kn_v1_ingest *g, char **paths, size_t n, bool retry_failed,
                    struct kn_err *err);
void kn_v1_free_paths(char **paths, size_t n);

/* The thread that posts "changed" when the library did; stop waits for it. */
int kn_v1_watch_start(struct kn_v1_ingest *g, struct kn_err *err);
void kn_v1_watch_stop(struct kn_v1_ingest *g);

/* With lock held: the keys of IngestState. */
void kn_v1_state_json(const struct kn_v1_ingest *g, struct kn_json_writer *w);

/* With lock held: to all who follow. */
void kn_v1_post_state(struct kn_v1_ingest *g);

#endif
