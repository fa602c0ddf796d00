#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/unicode.h"
#include "speech/speech.h"
#include "text/language.h"
#include "text/tag.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_WAITING = 4096, WORDS_BYTES = 64 << 20 };

bool run_stopped(const struct run *r)
{
    return kn_cancel_is_set(&r->stop);
}

bool run_out_of_time(const struct run *r)
{
    double most = r->options->max_seconds;

    return most > 0 && kn_clock_now() - r->progress.began >= most;
}

void run_fail(struct run *r, int rc, const struct kn_err *err)
{
    pthread_mutex_lock(&r->lock);
    if (r->rc == KN_OK) {
        r->rc = rc;
        r->err = *err;
    }
    pthread_mutex_unlock(&r->lock);
    kn_cancel_set(&r->stop);
}

void run_feeding_done(struct run *r)
{
    if (atomic_fetch_sub(&r->feeding, 1) == 1)
        kn_queue_close(r->to_hear);
}

/* Decoders put titles whose words are known straight before the last stage, so this closes it
 * only because every listener outlives every decoder: they end when to_hear is closed. */
void run_hearing_done(struct run *r)
{
    if (atomic_fetch_sub(&r->hearing, 1) == 1)
        kn_queue_close(r->to_mean);
}

void run_title_failed(struct run *r, struct job *j, enum kn_stage stage, const struct kn_err *why)
{
    struct kn_err err;
    int rc;

    if (kn_err_is_memory(why)) { /* no fault of the title's: it stays as it is, and the run ends */
        run_fail(r, why->code, why);
        return;
    }
    rc = kn_store_commit_failure(r->lib, &j->plan.id, stage, &j->plan.keys[stage], why->msg, &err);
    if (rc)
        run_fail(r, rc, &err);
    else
        progress_finished(r, j, KN_STATE_FAILED, why->msg);
}

void run_meaning_done(struct run *r)
{
    if (atomic_fetch_sub(&r->meaning, 1) == 1)
        atomic_store(&r->ended, true);
}

int run_jobs(const struct kn_ingest_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long jobs = o->jobs > 0 ? o->jobs : cores / (o->threads > 1 ? o->threads : 1);

    return jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : (int)jobs;
}

bool crew_start(struct crew *c, void *(*work)(void *), struct run *r)
{
    int failed = pthread_create(&c->threads[c->n], NULL, work, r);
    struct kn_err err;

    if (failed) {
        kn_err_set(&err, KN_ELIMIT, "ingest: start thread %zu: %s", c->n + 1, strerror(failed));
        run_fail(r, err.code, &err);
        return false;
    }
    c->n++;
    return true;
}

/* Passes the caller's cancel on until the last stage has ended. */
void crew_wait(struct crew *c, struct run *r, const struct kn_cancel *cancel)
{
    while (!atomic_load(&r->ended)) {
        if (kn_cancel_is_set(cancel))
            kn_cancel_set(&r->stop);
        kn_clock_sleep(KN_CANCEL_POLL_MS / 5000.0);
    }
    for (size_t i = 0; i < c->n; i++)
        pthread_join(c->threads[i], NULL);
}

/* Starts everybody and waits. A thread that could not be started is counted as done, so that the others end. */
static void work_through(struct run *r, int jobs, const struct kn_cancel *cancel)
{
    struct crew crew = {.n = 0};
    bool means;

    atomic_init(&r->feeding, jobs + 1);
    atomic_init(&r->hearing, jobs);
    atomic_init(&r->meaning, jobs);
    for (int i = 0; i < jobs; i++)
        if (!crew_start(&crew, mean_thread, r))
            run_meaning_done(r);
    means = crew.n > 0;
    for (int i = 0; i < jobs; i++) {
        if (!means || !crew_start(&crew, hear_thread, r))
            run_hearing_done(r);
    }
    for (int i = 0; i < jobs + 1; i++) {
        if (run_stopped(r) || !crew_start(&crew, feed_thread, r))
            run_feeding_done(r);
    }
    crew_wait(&crew, r, cancel);
}

/* What was not seen under a folder that was read to its end is gone. */
static int mark_missing(struct run *r, struct kn_err *err)
{
    struct kn_buf escaped;
    int rc = KN_OK;

    kn_buf_init(&escaped, 4 * PATH_MAX);
    for (size_t i = 0; rc == KN_OK && i < r->scan.n_roots; i++) {
        size_t missing = 0;

        if (!r->scan.roots[i].whole)
            continue;
        kn_buf_clear(&escaped);
        rc = kn_escape_path(kn_sv_of(r->scan.roots[i].path), &escaped, err);
        if (rc == KN_OK)
            rc = kn_store_scan_end(r->lib, escaped.data, &missing, err);
        r->progress.sum.missing += missing;
    }
    kn_buf_free(&escaped);
    return rc;
}

/* The scorer that was asked for, else the library's own, else the probe; from now on it is the library's. */
static int open_scorer(struct run *r, struct kn_err *err)
{
    const char *wanted = r->options->scorer;
    char kept[32] = "";
    int rc = KN_OK;

    if (!wanted || !*wanted) {
        rc = kn_store_scorer(r->lib, kept, err);
        wanted = *kept ? kept : "probe";
    }
    if (rc == KN_OK && !kn_scorer_exists(wanted))
        rc = kn_err_set(err, KN_EARG, "there is no scorer '%s'; it is probe, lexicon or llm",
                        wanted);
    if (rc)
        return rc;
    if (strcmp(wanted, "probe") == 0)
        return kn_scorer_probe(r->card.model, &r->scorer, err);
    if (strcmp(wanted, "lexicon") == 0)
        return r->options->lexicon ? kn_scorer_lexicon(r->options->lexicon, &r->scorer, err)
                                   : kn_err_set(err, KN_ENOTFOUND,
                                                "the lexicon is not among the models; run: make "
                                                "models");
    return r->options->instruct_model
               ? kn_scorer_llm(r->options->instruct_model, &r->scorer, err)
               : kn_err_set(err, KN_ENOTFOUND,
                            "the scorer llm needs SmolLM2-135M-Instruct, an optional model that is "
                            "not there; run: make models-all");
}

int run_open(struct run *r, struct kn_err *err)
{
    int rc = kn_embed_card_of(r->options->embedding_model, &r->card, err);

    r->progress.began = kn_clock_now();
    if (rc == KN_OK)
        rc = open_scorer(r, err);
    if (rc == KN_OK)
        rc = kn_plan_settings(r->options, &r->card, &r->scorer, &r->settings, err);
    return rc ? rc : kn_store_set_scorer(r->lib, r->scorer.name, err);
}

void run_close(struct run *r)
{
    kn_queue_free(r->to_hear);
    kn_queue_free(r->to_mean);
    while (r->n_idle > 0)
        kn_embedder_close(r->idle[--r->n_idle]);
    kn_speech_close(r->speech);
    kn_language_close(r->languages);
    kn_scorer_close(&r->scorer);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->progress.lock);
    free(r->under_way);
    free(r->waiting);
}

int run_sum_up(struct run *r, struct kn_ingest_summary *out, struct kn_err *err)
{
    int rc = r->rc;

    if (rc && err)
        *err = r->err;
    if (rc == KN_OK && run_stopped(r))
        rc = kn_err_set(err, KN_ECANCELLED, "stopped; run it again to go on");
    r->progress.sum.sound = r->progress.heard;
    r->progress.sum.elapsed = kn_clock_now() - r->progress.began;
    *out = r->progress.sum;
    return rc;
}

static int prepare(struct run *r, struct kn_arena *arena, const struct kn_cancel *cancel, int jobs,
                   struct kn_err *err)
{
    const struct kn_ingest_options *o = r->options;
    const struct kn_queue_limits limits = {(size_t)jobs + 1, SIZE_MAX};
    /* Words that were only read come faster than a model takes them, and are kept by then. */
    const struct kn_queue_limits words = {WORDS_WAITING, WORDS_BYTES};
    int rc = kn_scan(o->roots, o->n_roots, cancel, arena, &r->scan, err);

    if (rc == KN_OK)
        rc = run_open(r, err);
    r->planning = (struct kn_plan_context){r->lib, o, &r->settings, &r->scan};
    if (rc == KN_OK)
        rc = kn_queue_new(limits, job_free, &r->to_hear, err);
    if (rc == KN_OK)
        rc = kn_queue_new(words, job_free, &r->to_mean, err);
    return rc ? rc : kn_store_scan_begin(r->lib, err);
}

/* *tag: what the store keeps; "" lifts. */
static int set_language_of(const struct kn_ingest_options *o, char tag[KN_TAG_TEXT],
                           struct kn_err *err)
{
    char code[8];

    *tag = '\0';
    if (!o->again)
        return kn_err_set(err, KN_EARG,
                          "language '%s': for which title? It goes with --again NAME; for all that "
                          "a run hears give --language-hint",
                          o->language);
    if (strcmp(o->language, "auto") == 0)
        return KN_OK;
    if (!kn_tag_parse(kn_sv_of(o->language), tag))
        return kn_err_set(err, KN_EARG, "language '%s': give a tag such as es or pt-BR, or auto",
                          o->language);
    return kn_speech_language_of(o->speech_model, tag, code, err);
}

int kn_ingest_run(struct kn_library *lib, const struct kn_ingest_options *options,
                  void (*event)(void *ctx, const struct kn_ingest_event *e), void *ctx,
                  const struct kn_cancel *cancel, struct kn_ingest_summary *out, struct kn_err *err)
{
    struct kn_ingest_options o = *options;
    char hint[8] = "", tag[KN_TAG_TEXT];
    bool set = o.language && *o.language;
    struct run r = {
        .lib = lib,
        .options = &o,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .event = event, .ctx = ctx},
    };
    struct kn_arena *arena = kn_arena_new(0);
    int jobs = run_jobs(options), rc;

    if (!arena)
        return kn_err_memory(err, "ingest: no memory");
    /* Before anything is touched: a mistyped language would fail every title. */
    rc = o.language_hint && *o.language_hint
             ? kn_speech_language_of(o.speech_model, o.language_hint, hint, err)
             : KN_OK;
    o.language_hint = hint;
    if (rc == KN_OK && set)
        rc = set_language_of(&o, tag, err);
    if (rc == KN_OK)
        rc = prepare(&r, arena, cancel, jobs, err);
    if (rc == KN_OK && set)
        rc = kn_store_set_language(lib, o.again, tag, err);
    if (rc)
        goto out;
    rc = run_look_ahead(&r, jobs, cancel, err);
    if (rc)
        goto out;
    progress_begin(&r.progress, r.scan.n_files);
    r.progress.sum.files = r.scan.n_files;
    r.progress.sum.skipped = r.scan.skipped;
    work_through(&r, jobs, cancel);
    r.progress.sum.left = r.scan.n_files - r.progress.done;
    if (!run_stopped(&r) &&
        r.progress.sum.left == 0) /* what was not begun was not seen, and is not gone */
        rc = mark_missing(&r, err);
    if (rc == KN_OK && !run_stopped(&r))
        rc = run_join_versions(&r, err);
    if (rc == KN_OK && !run_stopped(&r) && r.progress.sum.left == 0)
        rc = run_find_carried(&r, arena, err);
    if (rc == KN_OK && r.n_carried > 0) {
        progress_more(&r.progress, r.n_carried);
        rc = run_carry(&r, cancel, err);
        r.progress.sum.left = r.scan.n_files + r.n_carried - r.progress.done;
    }
    if (rc == KN_OK)
        rc = run_remember_pace(&r, jobs, err);
    if (rc == KN_OK && !run_stopped(&r))
        rc = run_make_posters(&r, jobs, arena, cancel, err);
    if (rc == KN_OK)
        rc = run_sum_up(&r, out, err);
out:
    run_close(&r);
    kn_arena_free(arena);
    return rc;
}
