#include "api/eval.h"
#include "api/question.h"

#include "base/arena.h"
#include "base/err.h"
#include "recommend/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum figure { PRECISION, NDCG, RECALL, DIVERSITY, FIGURES };

struct answers { /* of one model */
    double *values[FIGURES];
    bool *seen; /* titles that some answer has */
};

struct asking {
    struct kn_evaluation *e;
    const struct kn_labels *labels;
    struct kinora_query query;
    size_t *wanted; /* titles that belong to each question's */
    size_t *pool;   /* titles that may answer each question */
    size_t *within; /* those of wanted that are in pool */
    size_t k;
};

static int by_id(const void *pa, const void *pb)
{
    const struct kn_id *a = pa;
    const struct kn_title *b = pb;

    return memcmp(a->b, b->id.b, sizeof a->b);
}

/* The titles' vectors, for how unlike they are to each other. */
static int diversity(struct kinora *k, const struct kinora_answer *a, double *out,
                     struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    const float **vectors = arena ? kn_arena_array(arena, a->n, sizeof *vectors) : NULL;
    char model[64];
    size_t dim;
    int rc = vectors ? kn_library_model(k->lib, model, &dim, err) : kn_api_no_memory(err, "eval");

    for (size_t i = 0; rc == KN_OK && i < a->n; i++) {
        struct kn_record r;

        rc =
            kn_library_get(k->lib, &a->recommendations[i].title.id, KN_WITH_VECTOR, arena, &r, err);
        if (rc == KN_OK)
            vectors[i] = r.vector;
    }
    if (rc == KN_OK)
        *out = kn_diversity(vectors, a->n, dim);
    kn_arena_free(arena);
    return rc;
}

/* Does it belong to the question's title? Not one that joined the library a moment ago. */
static bool belongs(const struct asking *s, size_t q, const struct kn_id *id,
                    const struct answers *out)
{
    const struct kn_title *t = bsearch(id, s->e->titles, s->e->n, sizeof *t, by_id);

    if (!t)
        return false;
    out->seen[t - s->e->titles] = true;
    return kn_eval_related(s->labels, s->e->asked[q], (uint32_t)(t - s->e->titles));
}

/* A row is right where its title belongs, or one that was folded into it. Recall looks at the first k titles, each row's own
 * before those folded into it: rows that hold several would otherwise find more than answers of k titles can. */
static int judge(const struct asking *s, struct kinora *k, size_t q, const struct kinora_answer *a,
                 const struct answers *out, struct kn_err *err)
{
    bool *rows = calloc(s->k, sizeof *rows);
    size_t n = a->n < s->k ? a->n : s->k, titles = 0, found = 0;

    if (!rows)
        return kn_api_no_memory(err, "eval");
    for (size_t i = 0; i < n; i++) {
        const struct kinora_recommendation *r = &a->recommendations[i];

        for (size_t j = 0; j <= r->n_also; j++) {
            bool right = belongs(s, q, j == 0 ? &r->title.id : &r->also[j - 1].id, out);

            rows[i] |= right;
            found += titles++ < s->k && right;
        }
    }
    out->values[PRECISION][q] = kn_precision(rows, n, s->k);
    out->values[NDCG][q] = kn_ndcg(rows, n, s->k, s->wanted[q]);
    out->values[RECALL][q] = (double)found / (double)s->wanted[q];
    free(rows);
    return diversity(k, a, &out->values[DIVERSITY][q], err);
}

static int ask_all(const struct asking *s, struct kinora *k, struct answers *out,
                   struct kn_err *err)
{
    struct kn_evaluation *e = s->e;
    int rc = KN_OK;

    for (int f = 0; f < FIGURES; f++)
        if (!(out->values[f] = kn_eval_values(e, err)))
            return KN_ELIMIT;
    out->seen = kn_arena_array(e->arena, e->n, sizeof *out->seen);
    if (!out->seen)
        return kn_api_no_memory(err, "eval");
    for (size_t q = 0; rc == KN_OK && q < e->out->n_questions; q++) {
        struct kinora_answer *answer;

        rc = kn_eval_go_on(e, "ask", q, e->out->n_questions, err);
        if (rc == KN_OK)
            rc = kinora_recommend(k, &e->titles[e->asked[q]].id, &s->query, &answer, err);
        if (rc)
            break;
        rc = judge(s, k, q, answer, out, err);
        kinora_answer_free(answer);
    }
    return rc;
}

/* Titles of a group that has others. */
static int find_able(const struct asking *s, uint32_t *able, size_t *n, struct kn_err *err)
{
    const struct kn_labels *l = s->labels;
    uint32_t *members = kn_arena_array(s->e->arena, l->n + 1, sizeof *members);

    if (!members) /* groups are numbered from 0, and there are no more than labels */
        return kn_api_no_memory(err, "eval");
    for (size_t i = 0; i < l->n; i++)
        members[l->all[i].group]++;
    *n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (members[l->all[i].group] > 1 && (*n == 0 || able[*n - 1] != l->all[i].title))
            able[(*n)++] = l->all[i].title;
    return KN_OK;
}

/* How many titles belong to each question's, and how many may answer it: those that pass its filter. */
static int count_wanted(const struct asking *s, struct kn_err *err)
{
    const struct kn_evaluation *e = s->e;
    int rc = KN_OK;

    for (size_t q = 0; rc == KN_OK && q < e->out->n_questions; q++) {
        struct kn_example like = {.title = e->titles[e->asked[q]]};
        struct kn_question w = {
            .q = &s->query, .arena = kn_arena_new(0), .likes = &like, .n_titles = 1, .n_likes = 1};

        rc = w.arena ? kn_question_filter(&w, err) : kn_api_no_memory(err, "eval");
        for (uint32_t i = 0; rc == KN_OK && i < e->n; i++) {
            bool related = kn_eval_related(s->labels, e->asked[q], i),
                 passes = kn_filter_passes(&w.filter, &e->titles[i]);

            s->wanted[q] += related;
            s->pool[q] += passes;
            s->within[q] += related && passes;
        }
        kn_arena_free(w.arena);
    }
    return rc;
}

/* What answers drawn by lot from all titles that may answer have, on average over the questions. */
static void by_lot(const struct asking *s, double chance[FIGURES])
{
    const struct kn_evaluation *e = s->e;
    double n = (double)e->out->n_questions;

    chance[PRECISION] = chance[NDCG] = chance[RECALL] = 0;
    chance[DIVERSITY] = (double)NAN;
    for (size_t q = 0; q < e->out->n_questions; q++) {
        size_t drawn = s->k < s->pool[q] ? s->k : s->pool[q];
        double share = drawn ? (double)s->within[q] / (double)s->pool[q] : 0, gain = 0, ideal = 0;

        for (size_t i = 0; i < s->k; i++) {
            double discounted = 1 / log2((double)i + 2);

            gain += i < drawn ? share * discounted : 0;
            ideal += i < s->wanted[q] ? discounted : 0;
        }
        chance[PRECISION] += share * (double)drawn / (double)s->k / n;
        chance[NDCG] += gain / ideal / n;
        chance[RECALL] += share * (double)drawn / (double)s->wanted[q] / n;
    }
}

static double coverage(const struct kn_evaluation *e, const struct answers *a)
{
    size_t seen = 0;

    for (size_t i = 0; i < e->n; i++)
        seen += a->seen[i];
    return (double)seen / (double)e->n;
}

static int add_figures(const struct asking *s, const struct answers *own,
                       const struct answers *other, struct kn_err *err)
{
    static const char *const names[FIGURES] = {"precision", "nDCG", "recall", "diversity"};
    struct kn_evaluation *e = s->e;
    double chance[FIGURES];
    int rc;

    by_lot(s, chance);
    for (int f = 0; f < FIGURES; f++) {
        const char *name =
            f == DIVERSITY ? names[f] : kn_arena_printf(e->arena, "%s@%zu", names[f], s->k);

        rc = name ? kn_eval_add_mean(e, name, chance[f], own->values[f],
                                     other ? other->values[f] : NULL, err)
                  : kn_api_no_memory(err, "eval");
        if (rc)
            return rc;
    }
    kn_eval_add_plain(e, "coverage", coverage(e, own), other ? coverage(e, other) : (double)NAN);
    return KN_OK;
}

int kn_eval_answers(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err)
{
    struct asking s = {.e = e, .labels = l, .query = e->options->query, .k = e->out->limit};
    struct answers own = {0}, other = {0};
    uint32_t *able = kn_arena_array(e->arena, e->n, sizeof *able);
    size_t n = 0;
    int rc = able ? find_able(&s, able, &n, err) : kn_api_no_memory(err, "eval");

    if (rc == KN_OK)
        rc = kn_eval_ask(e, able, n, "belongs with another by these labels", err);
    if (rc)
        return rc;
    s.query.limit = s.k;
    s.query.n_likes = s.query.n_unlikes = 0; /* one title asks, and nothing with it */
    s.query.text = NULL;
    s.wanted = kn_arena_array(e->arena, e->out->n_questions, sizeof *s.wanted);
    s.pool = kn_arena_array(e->arena, e->out->n_questions, sizeof *s.pool);
    s.within = kn_arena_array(e->arena, e->out->n_questions, sizeof *s.within);
    if (!s.wanted || !s.pool || !s.within)
        return kn_api_no_memory(err, "eval");
    rc = count_wanted(&s, err);
    if (rc == KN_OK)
        rc = ask_all(&s, e->k, &own, err);
    if (rc == KN_OK && e->other)
        rc = ask_all(&s, e->other, &other, err);
    return rc ? rc : add_figures(&s, &own, e->other ? &other : NULL, err);
}
