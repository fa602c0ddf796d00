#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/unicode.h"
#include "recommend/recommend.h"
#include "text/moments.h"
#include "text/subtitle.h"

#include <math.h>
#include <stdlib.h>

static int no_memory(struct kn_err *err, const struct job *j)
{
    return kn_err_memory(err, "title '%s': no memory for its moments", j->plan.name);
}

/* What is said in a moment, for the embedder: sounds in brackets and names are no meaning, unless the text was
 * written to be read. A moment of nothing else is told by them. Its words are those that are said, so that such a moment does not weigh in the title. */
static int spoken_texts(struct job *j, struct kn_moment *moments, size_t n, const char **texts,
                        struct kn_err *err)
{
    struct kn_buf b;
    bool any = false;
    int rc = KN_OK;

    for (size_t i = 0; i < n; i++)
        texts[i] = moments[i].text;
    if (j->plain)
        return KN_OK;
    kn_buf_init(&b, SIZE_MAX);
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        kn_buf_clear(&b);
        rc = kn_subtitle_spoken(kn_sv_of(moments[i].text), &b, err);
        if (rc == KN_OK && b.n > 0)
            texts[i] = kn_arena_text(j->arena, b.data);
        any |= b.n > 0;
        if (rc == KN_OK && !texts[i])
            rc = no_memory(err, j);
    }
    for (size_t i = 0; any && rc == KN_OK && i < n; i++)
        moments[i].words =
            texts[i] == moments[i].text ? 0 : (uint32_t)kn_count_words(kn_sv_of(texts[i]));
    kn_buf_free(&b);
    return rc;
}

/* Cuts and embeds. The moments, with vectors, are in the job's arena. */
static int embed(struct run *r, struct kn_embedder *e, struct job *j, struct kn_moment **out,
                 size_t *n_out, struct kn_err *err)
{
    size_t dim = kn_embedder_dim(e), n;
    struct kn_moment *moments;
    const char **texts;
    float *raw, *vectors;
    int rc = kn_moments_cut(j->segments, j->n_segments, j->arena, &moments, &n, err);

    if (rc)
        return rc;
    texts = kn_arena_array(j->arena, n, sizeof *texts);
    raw = kn_arena_array(j->arena, n * dim, sizeof *raw);
    vectors = kn_arena_array(j->arena, n * dim, sizeof *vectors);
    if (!texts || !raw || !vectors)
        return no_memory(err, j);
    rc = spoken_texts(j, moments, n, texts, err);
    if (rc == KN_OK)
        rc = kn_embedder_embed(e, texts, n, &r->stop, raw, vectors, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        moments[i].raw = raw + i * dim;
        moments[i].vector = vectors + i * dim;
    }
    *out = moments;
    *n_out = n;
    return KN_OK;
}

/* An imported transcript as it was given: GPT-2 tells "Once" from " Once", and one space from two. */
static int embed_whole(struct run *r, struct kn_embedder *e, const struct job *j, float *raw,
                       float *vector, struct kn_err *err)
{
    struct kn_given given;
    const char *transcript;
    bool found;
    int rc = kn_store_given(r->lib, &j->plan.id, j->arena, &found, &given, err);

    if (rc)
        return rc;
    transcript = found ? given.text : kn_segments_join(j->segments, j->n_segments, j->arena);
    if (!transcript)
        return kn_err_memory(err, "title '%s': no memory for its transcript", j->plan.name);
    return kn_embedder_embed(e, &transcript, 1, &r->stop, raw, vector, err);
}

static int do_vectors(struct run *r, struct kn_embedder *e, struct job *j,
                      struct kn_moment **moments, size_t *n, struct kn_err *err)
{
    size_t dim = kn_embedder_dim(e);
    float *title, *raw = NULL;
    int rc = embed(r, e, j, moments, n, err);

    if (rc)
        return rc;
    title = kn_arena_array(j->arena, 2 * dim, sizeof *title);
    if (!title)
        return no_memory(err, j);
    if (kn_embedder_card(e)->whole)
        rc = embed_whole(r, e, j, raw = title + dim, title, err);
    else
        kn_title_vector(*moments, *n, dim, title);
    return rc ? rc
              : kn_store_commit_vectors(r->lib, &j->plan.id, &j->plan.keys[KN_STAGE_VECTORS],
                                        *moments, *n, title, raw, err);
}

/* Only the opinion is to be redone: the moments come from the library. */
static int load_moments(struct run *r, struct job *j, struct kn_moment **moments, size_t *n,
                        struct kn_err *err)
{
    struct kn_record record;
    int rc = kn_library_get(r->lib, &j->plan.id, KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS, j->arena,
                            &record, err);

    if (rc)
        return rc;
    *moments = kn_arena_array(j->arena, record.n_moments, sizeof **moments);
    if (!*moments)
        return no_memory(err, j);
    for (size_t i = 0; i < record.n_moments; i++)
        (*moments)[i] = record.moments[i];
    *n = record.n_moments;
    return KN_OK;
}

static int do_opinion(struct run *r, size_t dim, struct job *j, struct kn_moment *moments, size_t n,
                      struct kn_err *err)
{
    struct kn_opinion_input in = {.language = j->language, .dim = dim};
    double *opinions = kn_arena_array(j->arena, n, sizeof *opinions);
    int rc = KN_OK;

    if (!opinions)
        return no_memory(err, j);
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        if (kn_cancel_is_set(&r->stop)) /* a film's moments take the language model minutes */
            return kn_err_set(err, KN_ECANCELLED, "opinion: cancelled");
        in.text = moments[i].text;
        in.vector = moments[i].vector;
        rc = kn_scorer_score(&r->scorer, &in, &opinions[i], err);
        moments[i].opinion = opinions[i];
    }
    if (rc)
        return rc;
    return kn_store_commit_opinion(r->lib, &j->plan.id, &j->plan.keys[KN_STAGE_OPINION],
                                   r->scorer.name, r->scorer.version, opinions, n,
                                   kn_opinion_of_title(moments, n), err);
}

/* ---- embedders ---- */

static int open_embedder(struct run *r, struct kn_embedder **out, struct kn_err *err)
{
    struct kn_embedder *e = NULL;
    int rc;

    if (r->embedder)
        return kn_embedder_open_beside(r->embedder, out, err);
    rc = kn_embedder_open(r->options->embedding_model, 1, &e, err);
    if (rc == KN_OK)
        rc = kn_library_set_model(r->lib, r->card.model, kn_embedder_dim(e), err);
    if (rc)
        kn_embedder_close(e);
    else
        *out = r->embedder = e;
    return rc;
}

/* As many are opened as are in use at once: behind listeners, where a title's meaning takes a hundredth of the time, one. */
static int take_embedder(struct run *r, struct kn_embedder **out, struct kn_err *err)
{
    int rc = KN_OK;

    pthread_mutex_lock(&r->lock);
    if (r->n_idle > 0)
        *out = r->idle[--r->n_idle];
    else
        rc = open_embedder(r, out, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static void give_back(struct run *r, struct kn_embedder *e)
{
    pthread_mutex_lock(&r->lock);
    r->idle[r->n_idle++] = e;
    pthread_mutex_unlock(&r->lock);
}

/* ---- a title ---- */

static int make_vectors(struct run *r, struct job *j, struct kn_moment **moments, size_t *n,
                        size_t *dim, struct kn_err *err)
{
    struct kn_embedder *e;
    int rc = take_embedder(r, &e, err);

    if (rc)
        return rc;
    *dim = kn_embedder_dim(e);
    rc = do_vectors(r, e, j, moments, n, err);
    give_back(r, e);
    return rc;
}

/* The language model of a scorer is looked at before it is asked for the first time. */
static int check_scorer(struct run *r, struct kn_err *err)
{
    int rc = KN_OK;

    if (!r->scorer.instruct)
        return KN_OK;
    pthread_mutex_lock(&r->lock);
    if (!r->scorer_checked)
        rc = run_verify_model(r->options->instruct_model, err);
    r->scorer_checked |= rc == KN_OK;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static int mean_title(struct run *r, struct job *j, struct kn_err *err)
{
    struct kn_moment *moments = NULL;
    size_t n = 0, dim = r->scorer.dim;
    int rc;

    if (j->plan.from <= KN_STAGE_VECTORS) {
        progress_stage(r, j, KN_STAGE_VECTORS);
        rc = make_vectors(r, j, &moments, &n, &dim, err);
    } else {
        rc = load_moments(r, j, &moments, &n, err);
    }
    if (rc)
        return rc;
    progress_stage(r, j, KN_STAGE_OPINION);
    rc = check_scorer(r, err);
    return rc ? rc : do_opinion(r, dim, j, moments, n, err);
}

void *mean_thread(void *p)
{
    struct run *r = p;
    void *item;

    while (kn_queue_pop(r->to_mean, &item, NULL) == KN_OK) {
        struct job *j = item;
        struct kn_err err;
        int rc = run_stopped(r) ? KN_ECANCELLED : mean_title(r, j, &err);

        if (rc == KN_OK)
            progress_finished(r, j, KN_STATE_READY, "");
        else if (rc != KN_ECANCELLED)
            run_fail(r, rc, &err);
        job_free(j);
    }
    run_meaning_done(r);
    return NULL;
}
