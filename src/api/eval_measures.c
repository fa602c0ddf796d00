#include "api/eval.h"

#include "base/arena.h"
#include "base/err.h"
#include "recommend/metrics.h"
#include "recommend/recommend.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which titles can be asked; NULL without memory. */
static uint32_t *room_for_able(struct kn_evaluation *e, struct kn_err *err)
{
    uint32_t *able = kn_arena_array(e->arena, e->n, sizeof *able);

    if (!able)
        kn_api_no_memory(err, "eval");
    return able;
}

/* ---- halves ---- */

struct halves { /* row i: of the title able[i] */
    uint32_t *able;
    size_t n, dim;
    float *first, *second;
};

static bool has_words(const struct kn_moment *moments, size_t n)
{
    uint64_t words = 0;

    for (size_t i = 0; i < n; i++)
        words += moments[i].words;
    return words > 0;
}

/* The vectors of both halves of a title; *two false, and nothing set, where there are none. */
static int read_halves(struct kinora *k, const struct kn_id *id, size_t dim, float *first,
                       float *second, bool *two, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record r;
    int rc = arena ? kn_library_get(k->lib, id, KN_WITH_MOMENT_VECTORS, arena, &r, err)
                   : kn_api_no_memory(err, "eval");

    if (rc == KN_OK) {
        size_t half = r.n_moments / 2;

        *two = half > 0 && has_words(r.moments, half) &&
               has_words(r.moments + half, r.n_moments - half);
        if (*two) {
            kn_title_vector(r.moments, half, dim, first);
            kn_title_vector(r.moments + half, r.n_moments - half, dim, second);
        }
    }
    kn_arena_free(arena);
    return rc;
}

static int read_all_halves(struct kn_evaluation *e, struct kinora *k, struct halves *h,
                           struct kn_err *err)
{
    char model[64];
    int rc = kn_library_model(k->lib, model, &h->dim, err);

    if (rc)
        return rc;
    h->able = room_for_able(e, err);
    h->first = malloc(e->n * h->dim * sizeof *h->first);
    h->second = malloc(e->n * h->dim * sizeof *h->second);
    if (!h->able || !h->first || !h->second)
        return kn_api_no_memory(err, "eval");
    h->n = 0;
    for (size_t i = 0; rc == KN_OK && i < e->n; i++) {
        bool two = false;

        rc = kn_eval_go_on(e, "read", i, e->n, err);
        if (rc == KN_OK)
            rc = read_halves(k, &e->titles[i].id, h->dim, h->first + h->n * h->dim,
                             h->second + h->n * h->dim, &two, err);
        if (rc == KN_OK && two)
            h->able[h->n++] = (uint32_t)i;
    }
    return rc;
}

static void free_halves(struct halves *h)
{
    free(h->first);
    free(h->second);
}

/* Sums side by side, or each addition waits for the one before. */
static float inner_product(const float *a, const float *b, size_t dim)
{
    float sums[8] = {0};
    float sum = 0;
    size_t i = 0;

    for (; i + 8 <= dim; i += 8)
        for (size_t j = 0; j < 8; j++)
            sums[j] += a[i + j] * b[i + j];
    for (; i < dim; i++)
        sum += a[i] * b[i];
    for (size_t j = 0; j < 8; j++)
        sum += sums[j];
    return sum;
}

static int compare_numbers(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    return a < b ? -1 : a > b;
}

/* 1 / place of its second half among all, for each question's first half. */
static int find_halves(struct kn_evaluation *e, const struct halves *h, double *reciprocal,
                       struct kn_err *err)
{
    float *scores = malloc(h->n * sizeof *scores);
    int rc = scores ? KN_OK : kn_api_no_memory(err, "eval");

    for (size_t q = 0; rc == KN_OK && q < e->out->n_questions; q++) {
        const uint32_t *at = bsearch(&e->asked[q], h->able, h->n, sizeof *at, compare_numbers);

        rc = kn_eval_go_on(e, "ask", q, e->out->n_questions, err);
        for (size_t i = 0; i < h->n; i++)
            scores[i] = inner_product(h->first + (size_t)(at - h->able) * h->dim,
                                      h->second + i * h->dim, h->dim);
        reciprocal[q] = 1 / (double)kn_place(scores, h->n, (size_t)(at - h->able));
    }
    free(scores);
    return rc;
}

/* 1 where the place, of which the reciprocal is given, is among the first k. */
static double *among_first(struct kn_evaluation *e, const double *reciprocal, double k,
                           struct kn_err *err)
{
    double *values = reciprocal ? kn_eval_values(e, err) : NULL;

    for (size_t i = 0; values && i < e->out->n_questions; i++)
        values[i] = reciprocal[i] * (k + 0.5) > 1;
    return values;
}

static int add_recall(struct kn_evaluation *e, const char *name, double k, double pool,
                      const double *own, const double *other, struct kn_err *err)
{
    const double *a = among_first(e, own, k, err), *b = among_first(e, other, k, err);

    if (!a || (other && !b))
        return KN_ELIMIT;
    return kn_eval_add_mean(e, name, k < pool ? k / pool : 1, a, b, err);
}

static int add_halves(struct kn_evaluation *e, size_t pool, const double *own, const double *other,
                      struct kn_err *err)
{
    double by_lot = 0;
    int rc;

    for (size_t i = 1; i <= pool; i++)
        by_lot += 1 / (double)i / (double)pool;
    rc = add_recall(e, "recall@1", 1, (double)pool, own, other, err);
    if (rc == KN_OK)
        rc = add_recall(e, "recall@5", 5, (double)pool, own, other, err);
    return rc ? rc : kn_eval_add_mean(e, "MRR", by_lot, own, other, err);
}

int kn_eval_halves(struct kn_evaluation *e, struct kn_err *err)
{
    struct halves own = {0}, other = {0};
    double *a = NULL, *b = NULL;
    uint32_t *able;
    int rc = read_all_halves(e, e->k, &own, err);

    if (rc == KN_OK && e->other)
        rc = read_all_halves(e, e->other, &other, err);
    able = rc == KN_OK ? room_for_able(e, err) : NULL;
    if (rc || !able) {
        rc = rc ? rc : KN_ELIMIT;
        goto out;
    }
    memcpy(able, own.able, own.n * sizeof *able); /* the lot changes their order */
    rc = kn_eval_ask(e, able, own.n, "has two moments, one for either half", err);
    if (rc == KN_OK &&
        (!(a = kn_eval_values(e, err)) || (e->other && !(b = kn_eval_values(e, err)))))
        rc = KN_ELIMIT;
    if (rc == KN_OK)
        rc = find_halves(e, &own, a, err);
    if (rc == KN_OK && e->other)
        rc = find_halves(e, &other, b, err);
    if (rc == KN_OK)
        rc = add_halves(e, own.n, a, b, err);
out:
    free_halves(&own);
    free_halves(&other);
    return rc;
}

/* ---- opinion ---- */

static bool is_word(const char *text, const char *word)
{
    while (*text && tolower((unsigned char)*text) == *word)
        text++, word++;
    return !*text && !*word;
}

/* 1, -1, or 0 for neither. */
static int read_sign(const char *text, const char *title, double *out, struct kn_err *err)
{
    char *end;

    if (is_word(text, "positive") || is_word(text, "negative")) {
        *out = is_word(text, "positive") ? 1 : -1;
        return KN_OK;
    }
    *out = strtod(text, &end);
    if (end != text && !*end && isfinite(*out))
        return KN_OK;
    return kn_err_set(err, KN_EARG,
                      "labels: the opinion of '%.60s' is '%.60s', neither a number nor positive or "
                      "negative",
                      title, text);
}

static int opinion_of(struct kinora *k, const struct kn_id *id, double *out, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record r;
    int rc = arena ? kn_library_get(k->lib, id, 0, arena, &r, err) : kn_api_no_memory(err, "eval");

    if (rc == KN_OK)
        *out = r.title.opinion;
    kn_arena_free(arena);
    return rc;
}

static int add_opinion(struct kn_evaluation *e, const bool *positive, const double *own,
                       const double *other, struct kn_err *err)
{
    double *a = kn_eval_values(e, err), *b = other ? kn_eval_values(e, err) : NULL;
    int rc;

    if (!a || (other && !b))
        return KN_ELIMIT;
    for (size_t i = 0; i < e->out->n_questions; i++) {
        a[i] = (own[i] > 0) == positive[i];
        if (b)
            b[i] = (other[i] > 0) == positive[i];
    }
    rc = kn_eval_add_mean(e, "accuracy", (double)NAN, a, b, err);
    return rc ? rc : kn_eval_add_auc(e, positive, own, other, err);
}

int kn_eval_opinion(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err)
{
    double *signs = kn_arena_array(e->arena, e->n, sizeof *signs), *own, *other = NULL;
    uint32_t *able = room_for_able(e, err);
    bool *positive;
    size_t n = 0;
    int rc = signs && able ? KN_OK : kn_api_no_memory(err, "eval");

    for (size_t i = 0; rc == KN_OK && i < l->n; i++) {
        uint32_t title = l->all[i].title;

        rc = read_sign(l->all[i].text, e->titles[title].name, &signs[title], err);
        if (rc == KN_OK && signs[title] != 0 && !isnan(e->titles[title].opinion))
            able[n++] = title;
    }
    if (rc == KN_OK)
        rc = kn_eval_ask(e, able, n, "has both an opinion and a label that is positive or negative",
                         err);
    if (rc)
        return rc;
    positive = kn_arena_array(e->arena, e->out->n_questions, sizeof *positive);
    own = kn_eval_values(e, err);
    if (!positive || !own || (e->other && !(other = kn_eval_values(e, err))))
        return kn_api_no_memory(err, "eval");
    for (size_t q = 0; rc == KN_OK && q < e->out->n_questions; q++) {
        positive[q] = signs[e->asked[q]] > 0;
        own[q] = e->titles[e->asked[q]].opinion;
        if (e->other)
            rc = opinion_of(e->other, &e->titles[e->asked[q]].id, &other[q], err);
    }
    return rc ? rc : add_opinion(e, positive, own, other, err);
}

/* ---- language ---- */

/* Of tags without their regions. */
static bool same_language(const char *a, const char *b)
{
    size_t n = strcspn(a, "-_");

    return n > 0 && n == strcspn(b, "-_") && strncasecmp(a, b, n) == 0;
}

static int ask_labelled(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err)
{
    uint32_t *able = room_for_able(e, err);

    if (!able)
        return KN_ELIMIT;
    for (size_t i = 0; i < l->n; i++)
        able[i] = l->all[i].title;
    return kn_eval_ask(e, able, l->n, "has a label; names have to be whole", err);
}

int kn_eval_language(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err)
{
    double *right, *known;
    int rc = ask_labelled(e, l, err);

    if (rc)
        return rc;
    right = kn_eval_values(e, err);
    known = kn_eval_values(e, err);
    if (!right || !known)
        return KN_ELIMIT;
    for (size_t q = 0; q < e->out->n_questions; q++) {
        uint32_t title = e->asked[q];
        const char *language = e->titles[title].language;

        right[q] = same_language(l->all[l->of[title]].text, language);
        known[q] = *language != '\0';
    }
    rc = kn_eval_add_mean(e, "accuracy", (double)NAN, right, NULL, err);
    return rc ? rc : kn_eval_add_mean(e, "known", (double)NAN, known, NULL, err);
}

/* ---- words ---- */

static int errors_of(struct kn_evaluation *e, const struct kn_title *t, const char *reference,
                     double *errors, double *words, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record r;
    const char *heard;
    size_t wrong, said;
    int rc = arena ? kn_library_get(e->k->lib, &t->id, KN_WITH_SEGMENTS, arena, &r, err)
                   : kn_api_no_memory(err, "eval");

    if (rc == KN_OK)
        rc = kn_api_transcript(&r, arena, &heard, err);
    if (rc == KN_OK)
        rc = kn_word_errors(kn_sv_of(reference), kn_sv_of(heard), &wrong, &said, err);
    if (rc == KN_OK) {
        *errors = (double)wrong;
        *words = (double)said;
    }
    kn_arena_free(arena);
    return rc;
}

int kn_eval_words(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err)
{
    double *errors, *words;
    int rc = ask_labelled(e, l, err);

    if (rc)
        return rc;
    errors = kn_eval_values(e, err);
    words = kn_eval_values(e, err);
    if (!errors || !words)
        return KN_ELIMIT;
    for (size_t q = 0; rc == KN_OK && q < e->out->n_questions; q++) {
        uint32_t title = e->asked[q];

        rc = kn_eval_go_on(e, "ask", q, e->out->n_questions, err);
        if (rc == KN_OK)
            rc = errors_of(e, &e->titles[title], l->all[l->of[title]].text, &errors[q], &words[q],
                           err);
        if (rc)
            kn_err_wrap(err, rc, "eval '%.60s'", e->titles[title].name);
    }
    return rc ? rc : kn_eval_add_ratio(e, "word error rate", errors, words, err);
}
