/* run.h - one run of ingest, as its threads share it. Internal to src/ingest/.
 *
 *   waiting.c  which file is next: those that are still written come last
 *   feed.c     decoders: plan, probe, read a sidecar's words or hand over and feed sound
 *   hear.c     listeners: sound -> segments
 *   meaning.c  segments -> moments, vectors, opinion; as many threads as there are listeners
 *   ingest.c   sets up, starts, waits, sums up
 *   versions.c titles that are one film, by what is said in them
 *   carry.c    a new model or scorer, and imported words: what follows from words already there
 *   import.c   the words of a file of texts, then carry.c
 *   posters.c  a picture of each film
 *   outlook.c  what there is to do, before it is begun, and how long that will take here
 *   progress.c counts, and tells the caller */
#ifndef KN_INGEST_RUN_H
#define KN_INGEST_RUN_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/queue.h"
#include "ingest/ingest.h"
#include "ingest/plan.h"
#include "ingest/scan.h"
#include "llm/embed.h"
#include "opinion/opinion.h"

#include <pthread.h>
#include <stdatomic.h>

struct kn_arena;
struct kn_language_model;
struct kn_speech;

/* 20 s of sound: a listener starts on the first, and the four that may wait hold a whole trailer in 5 MB. */
enum { BLOCK_SAMPLES = 20 * 16000, BLOCKS_WAITING = 4, JOBS_MAX = 64 };

/* A title on its way. Held by the decoder that feeds it and by the stage that has it: the
 * last one to let go frees it. */
struct job {
    struct kn_plan plan;
    struct kn_arena *arena;
    atomic_int holders;
    double duration;         /* as the container says; 0 unknown */
    struct kn_queue *blocks; /* of struct block; NULL when there is nothing to hear */
    int feed_rc;             /* how feeding ended; read after blocks is closed */
    struct kn_err feed_err;
    const struct kn_segment *segments; /* what was heard */
    size_t n_segments;
    const char *language; /* of them; "" unknown */
    bool plain;           /* they are imported text: brackets in it are the author's */
    double heard, share;  /* seconds of it heard, and that as a share of duration; progress.c's */
};

struct block {
    size_t n;
    float samples[];
};

struct outlook {
    size_t fresh, again;     /* files that are new or changed; that failed, and are tried again */
    size_t subtitled;        /* of both, those with subtitles beside them */
    double sound, listening; /* seconds: of sound in the others, and to hear that; NaN unknown */
};

struct progress {
    struct outlook outlook;
    pthread_mutex_t lock;
    void (*event)(void *ctx, const struct kn_ingest_event *e);
    void *ctx;
    struct kn_ingest_summary sum;
    double began, heard;
    size_t done, total, worked; /* worked: done with something to do */
    double partial;             /* sum of the shares of the titles under way */
    double posters_began;
    size_t posters;
};

struct run {
    struct kn_library *lib;
    const struct kn_ingest_options *options;
    struct kn_plan_settings settings;
    struct kn_plan_context planning;
    struct kn_embed_card card;
    struct kn_scorer scorer;
    struct kn_scan scan;
    struct kn_staged *carried; /* titles whose words are there and whose rest is not: carry.c */
    size_t n_carried;
    struct kn_filmed *films; /* that want a poster: posters.c */
    size_t n_films;
    atomic_size_t next_film;
    struct kn_cancel stop; /* set by the caller's cancel and by fail() */
    atomic_size_t next_file;
    struct kn_queue *to_hear, *to_mean; /* of struct job */
    pthread_mutex_t lock;               /* what is below */
    int rc;
    struct kn_err err;       /* the first failure that ends the run */
    struct kn_id *under_way; /* titles taken by a decoder in this run */
    size_t n_under_way, cap_under_way;
    struct kn_scan_file **waiting; /* files that may still be written */
    size_t n_waiting, cap_waiting;
    struct kn_speech *speech;            /* opened by the first listener that needs it */
    struct kn_language_model *languages; /* by the first text whose language is not known */
    struct kn_embedder
        *embedder; /* by the first title to be embedded; kept to open others beside */
    struct kn_embedder *idle[JOBS_MAX]; /* those that no thread uses: embedder among them */
    size_t n_idle;
    bool scorer_checked;
    atomic_int feeding, hearing, meaning; /* threads that are not done yet */
    atomic_bool ended;                    /* set by the last of meaning as it ends, last of all */
    struct progress progress;
};

/* ingest.c. open: card, scorer and keys as r->options say, after the caller filled in library, options and event. */
int run_open(struct run *r, struct kn_err *err);
void run_close(struct run *r);
int run_jobs(const struct kn_ingest_options *o);
/* The summary, and what ended the run. */
int run_sum_up(struct run *r, struct kn_ingest_summary *out, struct kn_err *err);

struct crew {
    pthread_t threads[3 * JOBS_MAX + 1];
    size_t n;
};
bool crew_start(struct crew *c, void *(*work)(void *), struct run *r);
void crew_wait(struct crew *c, struct run *r, const struct kn_cancel *cancel); /* until r->ended */

/* waiting.c. The next file to plan, NULL: there is none, or the run is to end. Once its time is over, only for whether it is done. A file that the plan says is to wait goes back. */
struct kn_scan_file *run_next_file(struct run *r);
int run_wait_for(struct run *r, struct kn_scan_file *file, struct kn_err *err);

/* versions.c */
int run_join_versions(struct run *r, struct kn_err *err);

/* carry.c: find fills in r->carried with the titles whose words are there and whose keys say that something
 * behind them is to be done; carry does it. */
int run_find_carried(struct run *r, struct kn_arena *arena, struct kn_err *err);
int run_carry(struct run *r, const struct kn_cancel *cancel, struct kn_err *err);

/* posters.c: those that the library lacks. After all else is done, or it would wait for them. */
int run_make_posters(struct run *r, int jobs, struct kn_arena *arena,
                     const struct kn_cancel *cancel, struct kn_err *err);

/* feed.c: the language of a text, "" unknown, by a model that the first call opens. */
int run_language_of(struct run *r, struct kn_sv text, char tag[16], double *confidence,
                    struct kn_err *err);

/* Has the library a file of this path, size and time? No file is opened for it. */
int run_is_known(struct run *r, const struct kn_scan_file *file, bool *known, struct kn_err *err);

struct job *job_new(void); /* NULL without memory */
void job_free(void *job);  /* lets go */

/* Hands the title to the last stage with its words, whose language is copied; segments live as long as the job. */
int job_hand_on(struct run *r, struct job *j, const struct kn_segment *segments, size_t n,
                const char *language, struct kn_err *err);

/* The same where the words are in the library already. */
int job_to_meaning(struct run *r, struct job *j, struct kn_err *err);

/* Ends the run: remembers the first reason. No queue is cancelled: every stage goes on taking
 * titles off its queue and drops them until the stage before has ended, so that nobody is left waiting for room. */
void run_fail(struct run *r, int rc, const struct kn_err *err);
bool run_stopped(const struct run *r);
bool run_out_of_time(const struct run *r); /* no title is to be begun any more */

/* Marks the title as tried and failed, and tells. err is the title's own failure. */
void run_title_failed(struct run *r, struct job *j, enum kn_stage stage, const struct kn_err *err);

void run_feeding_done(struct run *r); /* the last of them closes the next queue */
void run_hearing_done(struct run *r);
void run_meaning_done(struct run *r); /* the last of them ends the run's phase */

/* whisper.cpp loads a model with a flipped bit and hears nonsense, and fastText trusts what it reads: a
 * file that the manifest lists is compared with it first, which takes a tenth of a second. */
int run_verify_model(const char *path, struct kn_err *err);

void *feed_thread(void *run);
void *hear_thread(void *run);
void *mean_thread(void *run);

/* outlook.c: fills in r->progress.outlook; and keeps what this run showed. */
int run_look_ahead(struct run *r, int jobs, const struct kn_cancel *cancel, struct kn_err *err);
int run_remember_pace(struct run *r, int jobs, struct kn_err *err);

void progress_begin(struct progress *p, size_t total);
void progress_more(struct progress *p, size_t n); /* titles that join */
void progress_gone(struct progress *p);           /* a file that is there no more */
void progress_stage(struct run *r, const struct job *j, enum kn_stage stage);
void progress_heard(struct run *r, struct job *j, double seconds);
void progress_poster(struct run *r, const struct kn_filmed *film);
void progress_unchanged(struct run *r, const struct job *j);
void progress_finished(struct run *r, struct job *j, enum kn_state state, const char *reason);

#endif
