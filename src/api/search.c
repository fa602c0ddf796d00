/* Moments by meaning, by words, or both. */
#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "llm/embed.h"
#include "recommend/recommend.h"
#include "text/marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEARCH_LIMIT = 10,
    DEEPER = 5, /* how many times the limit is looked at in either order before they are fused */
    FUSE_AFTER = 60, /* of reciprocal rank fusion (Cormack and others 2009): 1 / (60 + place) */
};

void kinora_found_free(struct kinora_found_list *f)
{
    if (!f)
        return;
    kn_arena_free(f->arena);
    free(f);
}

/* Called with k->lock held. */
static int embed(struct kinora *k, const char *what, const char *text, struct kn_arena *arena,
                 float **vector, size_t *dim, struct kn_err *err)
{
    char model[64], *path = NULL;
    int rc = kn_library_model(k->lib, model, dim, err);

    if (rc)
        return rc;
    if (*dim == 0)
        return kn_err_set(err, KN_EARG,
                          "%s: the library '%s' holds nothing yet; run: kinora ingest DIR", what,
                          k->path);
    if (!k->embedder) {
        rc = kn_api_embedding_path(k, model, &path, err);
        if (rc == KN_OK)
            rc = kn_embedder_open(path, 1, &k->embedder, err);
        free(path);
        if (rc)
            return kn_err_wrap(err, rc, "%s", what);
    }
    *vector = kn_arena_array(arena, *dim, sizeof **vector);
    if (!*vector)
        return kn_api_no_memory(err, what);
    if (kn_embedder_dim(k->embedder) != *dim)
        return kn_err_set(err, KN_EARG, "%s: model '%s' has %zu dimensions and the library %zu",
                          what, model, kn_embedder_dim(k->embedder), *dim);
    return kn_embedder_embed(k->embedder, &text, 1, &k->cancel, NULL, *vector, err);
}

int kn_api_embed(struct kinora *k, const char *what, const char *text, struct kn_arena *arena,
                 float **vector, size_t *dim, struct kn_err *err)
{
    int rc;

    pthread_mutex_lock(&k->lock);
    rc = embed(k, what, text, arena, vector, dim, err);
    pthread_mutex_unlock(&k->lock);
    return rc;
}

struct candidate {
    struct kn_moment_hit hit;
    size_t by_meaning, by_words; /* from 1; 0: not among them */
};

static int mark(const char *question, struct kn_arena *arena, struct kinora_found *out,
                struct kn_err *err)
{
    const struct kn_mark *found;
    struct kinora_mark *marks;
    size_t n;
    int rc = kn_marks_find(out->text, out->title.language, question, arena, &found, &n, err);

    if (rc)
        return rc;
    marks = kn_arena_array(arena, n, sizeof *marks);
    if (!marks)
        return kn_api_no_memory(err, "search");
    for (size_t i = 0; i < n; i++)
        marks[i] = (struct kinora_mark){found[i].start, found[i].end};
    out->marks = marks;
    out->n_marks = n;
    return KN_OK;
}

static int fill_found(struct kinora *k, const struct candidate *c, const char *text,
                      struct kn_arena *arena, struct kinora_found *out, struct kn_err *err)
{
    const struct kn_moment_hit *hit = &c->hit;
    struct kn_record record;
    const struct kn_moment *m;
    int rc =
        kn_library_get(k->lib, &hit->id, KN_WITH_SEGMENTS | KN_WITH_MOMENTS, arena, &record, err);

    if (rc)
        return rc;
    if (hit->moment >= record.n_moments)
        return kn_err_set(err, KN_ECORRUPT, "search: '%s' has no moment %u; run: kinora doctor",
                          record.title.name, hit->moment);
    m = &record.moments[hit->moment];
    out->title = record.title;
    out->similarity = hit->similarity;
    out->by_meaning = c->by_meaning;
    out->by_words = c->by_words;
    out->start = out->at = m->start;
    out->end = m->end;
    out->opinion = m->opinion;
    out->text = m->text;
    if (m->segments > 0 && m->first_segment + m->segments <= record.n_segments) {
        const struct kn_segment *lines = record.segments + m->first_segment;

        out->at = lines[kn_best_line(lines, m->segments, text)].start;
    }
    return mark(text, arena, out, err);
}

static int by_meaning(struct kinora *k, const char *text, const struct kn_filter *filter,
                      struct kn_arena *arena, size_t most, struct kn_moment_hit *hits, size_t *n,
                      struct kn_err *err)
{
    float *vector = NULL;
    size_t dim;
    int rc = kn_api_embed(k, "search", text, arena, &vector, &dim, err);

    return rc ? rc : kn_library_moments(k->lib, vector, dim, filter, most, hits, n, err);
}

/* The two orders one behind the other; what is in both has its places in both. */
static size_t merge(const struct kn_moment_hit *meaning, size_t n_meaning,
                    const struct kn_moment_hit *words, size_t n_words, struct candidate *out)
{
    size_t n = 0;

    for (size_t i = 0; i < n_meaning; i++)
        out[n++] = (struct candidate){.hit = meaning[i], .by_meaning = i + 1};
    for (size_t i = 0; i < n_words; i++) {
        size_t at = 0;

        while (at < n_meaning && (meaning[at].moment != words[i].moment ||
                                  memcmp(&meaning[at].id, &words[i].id, sizeof words[i].id) != 0))
            at++;
        if (at == n_meaning) {
            at = n++;
            out[at] = (struct candidate){.hit = words[i]};
        }
        out[at].by_words = i + 1;
    }
    return n;
}

static double worth(const struct candidate *c)
{
    return (c->by_meaning ? 1.0 / (double)(FUSE_AFTER + c->by_meaning) : 0) +
           (c->by_words ? 1.0 / (double)(FUSE_AFTER + c->by_words) : 0);
}

/* Two orders that disagree evenly tie often (first and second, second and first): then the one that says the words is what most had
 * in mind. */
static int best_first(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    double x = worth(a), y = worth(b);
    int ids = memcmp(&a->hit.id, &b->hit.id, sizeof a->hit.id);

    if (x != y)
        return x > y ? -1 : 1;
    if (a->by_words != b->by_words) /* 0, among none, becomes the last */
        return a->by_words - 1 < b->by_words - 1 ? -1 : 1;
    if (ids)
        return ids;
    return (a->hit.moment > b->hit.moment) - (a->hit.moment < b->hit.moment);
}

static int find(struct kinora *k, const char *text, const struct kinora_search_query *q,
                size_t limit, struct kn_arena *arena, struct candidate **out, size_t *n,
                struct kn_err *err)
{
    size_t most = q->mode == KINORA_SEARCH_BOTH ? DEEPER * limit : limit, n_meaning = 0,
           n_words = 0;
    struct kn_moment_hit *meaning = kn_arena_array(arena, most, sizeof *meaning);
    struct kn_moment_hit *words = kn_arena_array(arena, most, sizeof *words);
    struct kn_filter filter = {0};
    int rc = KN_OK;

    *out = kn_arena_array(arena, 2 * most, sizeof **out);
    if (!meaning || !words || !*out)
        return kn_api_no_memory(err, "search");
    if (q->language && *q->language && strcmp(q->language, "any") != 0)
        rc = kn_api_languages(q->language, arena, &filter, err);
    if (rc == KN_OK && q->mode != KINORA_SEARCH_WORDS)
        rc = by_meaning(k, text, &filter, arena, most, meaning, &n_meaning, err);
    if (rc == KN_OK && (q->mode == KINORA_SEARCH_WORDS ||
                        (q->mode == KINORA_SEARCH_BOTH && kn_library_hears(k->lib))))
        rc = kn_library_said(k->lib, text, &filter, most, words, &n_words, err);
    if (rc)
        return rc;
    *n = merge(meaning, n_meaning, words, n_words, *out);
    if (*n > 0)
        qsort(*out, *n, sizeof **out, best_first);
    *n = *n < limit ? *n : limit;
    return KN_OK;
}

static int search(struct kinora *k, const char *text, const struct kinora_search_query *q,
                  size_t limit, struct kinora_found_list *f, struct kn_err *err)
{
    struct candidate *candidates = NULL;
    size_t n = 0;
    int rc = find(k, text, q, limit, f->arena, &candidates, &n, err);

    if (rc)
        return rc;
    f->found = kn_arena_array(f->arena, n, sizeof *f->found);
    if (!f->found)
        return kn_api_no_memory(err, "search");
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        rc = fill_found(k, &candidates[i], text, f->arena, &f->found[f->n], err);
        if (rc == KN_ENOTFOUND) { /* gone since */
            rc = KN_OK;
            continue;
        }
        f->n++;
        f->found[f->n - 1].rank = f->n;
    }
    return rc;
}

int kinora_search(struct kinora *k, const char *text, const struct kinora_search_query *q,
                  struct kinora_found_list **out, struct kn_err *err)
{
    const struct kinora_search_query none = {0};
    struct kinora_found_list *f;
    size_t limit;
    int rc;

    q = q ? q : &none;
    limit = q->limit ? q->limit : SEARCH_LIMIT;
    if (limit > KN_API_LIMIT_MAX)
        return kn_err_set(err, KN_EARG, "search: limit %zu; at most %d", limit, KN_API_LIMIT_MAX);
    if (kn_sv_trim(kn_sv_of(text)).n == 0)
        return kn_err_set(err, KN_EARG, "search: give some words to look for");
    f = calloc(1, sizeof *f);
    if (!f || !(f->arena = kn_arena_new(0))) {
        free(f);
        return kn_api_no_memory(err, "search");
    }
    rc = search(k, text, q, limit, f, err);
    if (rc)
        kinora_found_free(f);
    else
        *out = f;
    return rc;
}
