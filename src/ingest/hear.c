#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "decode/media.h"
#include "models/models.h"
#include "speech/speech.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEARD_MAX = 64 << 20 }; /* days of talk */

/* The sound of a title as a listener pulls it out of the job's queue. */
struct pull {
    struct job *job;
    struct block *block;
    size_t used;
};

static int pull(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    struct pull *p = ctx;
    size_t n = 0;

    while (n < cap) {
        size_t take;

        if (!p->block) {
            void *item;
            int rc = kn_queue_pop(p->job->blocks, &item, err);

            if (rc == KN_ENOTFOUND && p->job->feed_rc == KN_OK)
                break;
            if (rc == KN_ENOTFOUND) {
                if (err)
                    *err = p->job->feed_err;
                return p->job->feed_rc;
            }
            if (rc)
                return rc;
            p->block = item;
            p->used = 0;
        }
        take = p->block->n - p->used < cap - n ? p->block->n - p->used : cap - n;
        memcpy(samples + n, p->block->samples + p->used, take * sizeof *samples);
        n += take;
        p->used += take;
        if (p->used == p->block->n) {
            free(p->block);
            p->block = NULL;
        }
    }
    *got = n;
    return KN_OK;
}

struct hearing {
    struct run *run;
    struct job *job;
};

static void heard(void *ctx, double seconds)
{
    struct hearing *h = ctx;

    progress_heard(h->run, h->job, seconds);
}

static int commit_words(struct run *r, struct job *j, const struct kn_transcript *t,
                        struct kn_err *err)
{
    struct kn_words words = {
        .segments = t->segments,
        .n_segments = t->n_segments,
        .language = t->language,
        .words_from = t->n_segments ? "speech" : "",
        .dropped = t->dropped,
        .n_dropped = t->n_dropped,
        .reason = t->n_segments ? "" : "nobody speaks in it",
        .language_confidence = t->language_confidence,
        .duration = t->duration,
    };

    return kn_store_commit_words(r->lib, &j->plan.id, &j->plan.keys[KN_STAGE_WORDS], &words, err);
}

/* With what was heard of it before the last run was stopped; and when this one is, what was heard now is kept. Where the library fails
 * at that, it is the run that ends, and no title's fault. */
static int transcribe(struct run *r, struct kn_listener *listener, struct job *j,
                      const char *language, struct pull *from, struct kn_transcript *out,
                      struct kn_err *err)
{
    const struct kn_audio_source source = {pull, from};
    const struct kn_hash *key = &j->plan.keys[KN_STAGE_WORDS];
    struct hearing h = {r, j};
    struct kn_buf kept;
    struct kn_err why;
    size_t before;
    int rc, failed;

    kn_buf_init(&kept, HEARD_MAX);
    failed = kn_store_heard(r->lib, &j->plan.id, key, &kept, &why);
    before = kept.n;
    rc = failed ? KN_ECANCELLED
                : kn_listener_transcribe(listener, &source, language, &r->stop, heard, &h, &kept,
                                         j->arena, out, err);
    if (rc == KN_ECANCELLED && kept.n > before)
        failed = kn_store_keep_heard(r->lib, &j->plan.id, key, kept.data, kept.n, &why);
    if (failed)
        run_fail(r, failed, &why);
    kn_buf_free(&kept);
    return rc;
}

/* Hears one title. The job stays the caller's. */
static void hear_title(struct run *r, struct kn_listener *listener, struct job *j)
{
    struct pull from = {.job = j};
    const char *set = j->plan.set_language;
    char code[8] = "";
    struct kn_transcript t;
    struct kn_err err;
    int rc = *set ? kn_speech_language(set, code, &err) : KN_OK;

    progress_stage(r, j, KN_STAGE_WORDS);
    if (rc == KN_OK)
        rc = transcribe(r, listener, j, *code ? code : r->options->language_hint, &from, &t, &err);
    free(from.block);
    if (rc && rc != KN_ECANCELLED) {
        /* What the decoder told is the file's own, and so is a language that was set for it; a setting of the run or no
         * memory would fail the next one too. */
        if (j->feed_rc == KN_OK && ((rc == KN_EARG && !*set) || rc == KN_ELIMIT))
            run_fail(r, rc, &err);
        else
            run_title_failed(r, j, KN_STAGE_WORDS, &err);
    }
    if (rc)
        return;
    rc = commit_words(r, j, &t, &err);
    if (rc == KN_OK && t.n_segments == 0)
        progress_finished(r, j, KN_STATE_SILENT, "nobody speaks in it");
    else if (rc == KN_OK)
        rc = job_hand_on(r, j, t.segments, t.n_segments, *set ? set : t.language, &err);
    if (rc)
        run_fail(r, rc, &err);
}

int run_verify_model(const char *path, struct kn_err *err)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    char dir[PATH_MAX];
    const struct kn_model *models;
    size_t n;
    int rc = kn_models_manifest(&models, &n, err);

    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        if (strcmp(models[i].file, file) == 0)
            rc = kn_models_verify(dir, &models[i], err);
    }
    return rc;
}

/* The weights are loaded once, by whoever comes first; the others wait for them. */
static int open_listener(struct run *r, struct kn_listener **out, struct kn_err *err)
{
    const struct kn_ingest_options *o = r->options;
    int threads = run_jobs(o) * (o->threads > 1 ? o->threads : 1);
    int rc = KN_OK;

    pthread_mutex_lock(&r->lock);
    if (!r->speech) {
        const struct kn_speech_options options = {o->speech_model, o->vad_model, threads, o->beam};

        rc = run_verify_model(o->speech_model, err);
        if (rc == KN_OK)
            rc = run_verify_model(o->vad_model, err);
        if (rc == KN_OK)
            rc = kn_speech_open(&options, &r->speech, err);
    }
    pthread_mutex_unlock(&r->lock);
    return rc ? rc : kn_listener_new(r->speech, out, err);
}

void *hear_thread(void *p)
{
    struct run *r = p;
    struct kn_listener *listener = NULL;
    struct kn_err err;
    void *item;

    while (kn_queue_pop(r->to_hear, &item, NULL) == KN_OK) {
        struct job *j = item;
        int rc = listener || run_stopped(r) ? KN_OK : open_listener(r, &listener, &err);

        if (rc)
            run_fail(r, rc, &err);
        else if (!run_stopped(r))
            hear_title(r, listener, j);
        kn_queue_cancel(j->blocks); /* its decoder may wait for room that nobody needs any more */
        job_free(j);
    }
    kn_listener_free(listener);
    run_hearing_done(r);
    return NULL;
}
