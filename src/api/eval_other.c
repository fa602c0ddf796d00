/* The library once more, with vectors of another model, in memory: what is asked of it goes the same way as in any
 * library. Embedding is what takes the time, so each thread has a model of its own, as an import does. */
#include "api/eval.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "library/store.h"
#include "llm/embed.h"
#include "opinion/opinion.h"
#include "recommend/recommend.h"
#include "text/subtitle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOBS_MAX = 64 };

struct embedding {
    struct kn_evaluation *e;
    struct kinora *other;
    const char *path;        /* of the model */
    struct kn_scorer scorer; /* name "": there is none for this model, opinions are unknown */
    pthread_mutex_t lock;    /* over all below */
    size_t next, done;
    int rc;
    struct kn_err err;
};

/* ---- a title ---- */

/* As ingest gives it to the model: of what was heard or subtitled, what is said (ingest/meaning.c). */
static int text_of(const struct kn_record *r, const struct kn_moment *m, struct kn_arena *arena,
                   const char **out, struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    *out = m->text;
    if (strcmp(r->title.words_from, "import") == 0)
        return KN_OK;
    kn_buf_init(&b, SIZE_MAX);
    rc = kn_subtitle_spoken(kn_sv_of(m->text), &b, err);
    if (rc == KN_OK && b.n > 0)
        *out = kn_arena_text(arena, b.data);
    kn_buf_free(&b);
    return rc == KN_OK && !*out ? kn_api_no_memory(err, "eval") : rc;
}

/* The probe reads the vector; what other scorers said stays. */
static int score(const struct embedding *w, const struct kn_record *r, struct kn_moment *m,
                 size_t dim, struct kn_err *err)
{
    const struct kn_opinion_input in = {m->text, r->title.language, m->vector, dim};

    if (strcmp(r->title.scorer, "probe") != 0)
        return KN_OK;
    m->opinion = (double)NAN;
    return *w->scorer.name ? kn_scorer_score(&w->scorer, &in, &m->opinion, err) : KN_OK;
}

static int embed_title(const struct embedding *w, struct kn_embedder *embedder, struct kn_record *r,
                       struct kn_arena *arena, struct kn_err *err)
{
    size_t dim = kn_embedder_dim(embedder), n = r->n_moments;
    struct kn_moment *moments = kn_arena_array(arena, n, sizeof *moments);
    float *vectors = kn_arena_array(arena, (n + 1) * dim, sizeof *vectors);
    const char *text;
    int rc = moments && vectors ? KN_OK : kn_api_no_memory(err, "eval");

    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        float *vector = vectors + i * dim;

        moments[i] = r->moments[i];
        moments[i].raw = NULL;
        moments[i].vector = vector;
        rc = text_of(r, &moments[i], arena, &text, err);
        if (rc == KN_OK)
            rc = kn_embedder_embed(embedder, &text, 1, &w->e->k->cancel, NULL, vector, err);
        if (rc == KN_OK)
            rc = score(w, r, &moments[i], dim, err);
    }
    if (rc)
        return rc;
    kn_title_vector(moments, n, dim, vectors + n * dim);
    r->moments = moments;
    r->vector = vectors + n * dim;
    if (strcmp(r->title.scorer, "probe") == 0)
        r->title.opinion = kn_opinion_of_title(moments, n);
    return KN_OK;
}

static int carry_over(const struct embedding *w, struct kn_embedder *embedder, size_t i,
                      struct kn_err *err)
{
    const unsigned all = KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENTS;
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record r;
    int rc = arena ? kn_library_get(w->e->k->lib, &w->e->titles[i].id, all, arena, &r, err)
                   : kn_api_no_memory(err, "eval");

    if (rc == KN_OK)
        rc = embed_title(w, embedder, &r, arena, err);
    if (rc == KN_OK) {
        r.title.paths = NULL; /* a copy of a title would take them from it */
        r.title.n_paths = 0;
        rc = kn_library_put(w->other->lib, &r, 1, err);
    }
    kn_arena_free(arena);
    return rc;
}

/* ---- all ---- */

static bool take(struct embedding *w, size_t *i)
{
    bool more;

    pthread_mutex_lock(&w->lock);
    more = w->rc == KN_OK && w->next < w->e->n;
    *i = more ? w->next++ : 0;
    pthread_mutex_unlock(&w->lock);
    return more;
}

static void told(struct embedding *w, int rc, const struct kn_err *err)
{
    pthread_mutex_lock(&w->lock);
    w->done += rc == KN_OK;
    if ((rc == KN_OK || rc == KN_ECANCELLED) && w->rc == KN_OK)
        w->rc = kn_eval_go_on(w->e, "embed", w->done, w->e->n, &w->err);
    else if (w->rc == KN_OK) {
        w->rc = rc;
        w->err = *err;
    }
    pthread_mutex_unlock(&w->lock);
}

static void *work(void *p)
{
    struct embedding *w = p;
    struct kn_embedder *embedder = NULL;
    struct kn_err err;
    size_t i;
    int rc = kn_embedder_open(w->path, 1, &embedder, &err);

    if (rc)
        told(w, rc, &err);
    while (rc == KN_OK && take(w, &i)) {
        rc = carry_over(w, embedder, i, &err);
        told(w, rc, &err);
    }
    kn_embedder_close(embedder);
    return NULL;
}

static int embed_all(struct embedding *w, struct kn_err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int jobs = w->e->options->jobs > 0 ? w->e->options->jobs : (int)cores, started = 0;
    pthread_t threads[JOBS_MAX];

    jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
    while (started < jobs - 1 && (size_t)started + 1 < w->e->n &&
           pthread_create(&threads[started], NULL, work, w) == 0)
        started++;
    work(w); /* this thread is one of them: with no other it still gets done */
    while (started > 0)
        pthread_join(threads[--started], NULL);
    if (w->rc && err)
        *err = w->err;
    return w->rc;
}

static struct kinora *other_new(void)
{
    struct kinora *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    pthread_mutex_init(&k->lock, NULL);
    pthread_mutex_init(&k->writing, NULL);
    return k;
}

void kn_eval_other_close(struct kinora *other)
{
    kinora_close(other);
}

/* What the model at path is, and an empty library for its vectors. */
static int prepare(struct embedding *w, struct kn_err *err)
{
    struct kn_embed_card card;
    int rc = kn_embed_card_of(w->path, &card, err);

    if (rc)
        return rc;
    if (card.dim == 0)
        return kn_err_set(err, KN_EARG, "eval: embedding model '%s' has no card", card.model);
    if (kn_scorer_probe(card.model, &w->scorer, NULL))
        w->scorer.name[0] = '\0';
    w->other = other_new();
    if (!w->other)
        return kn_api_no_memory(err, "eval");
    rc = kn_library_open_memory(&w->other->lib, err);
    return rc ? rc : kn_library_set_model(w->other->lib, card.model, card.dim, err);
}

int kn_eval_other_open(struct kn_evaluation *e, const char *model, struct kinora **out,
                       struct kn_err *err)
{
    struct embedding w = {.e = e, .lock = PTHREAD_MUTEX_INITIALIZER};
    char *path = NULL;
    int rc = kn_api_model_path(e->k, model, &path, err);

    w.path = path;
    if (rc == KN_OK)
        rc = prepare(&w, err);
    if (rc == KN_OK)
        rc = embed_all(&w, err);
    free(path);
    kn_scorer_close(&w.scorer);
    if (rc)
        kn_eval_other_close(w.other);
    else
        *out = w.other;
    return rc;
}
