#include "api/eval.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/store.h"
#include "recommend/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIGURES = 8, LIMIT = 10, LIMIT_MAX = 1000 };

static const uint64_t LOT = 5; /* the seed of the drawing of questions */

void kinora_evaluation_free(struct kinora_evaluation *e)
{
    if (!e)
        return;
    kn_arena_free(e->arena);
    free(e);
}

int kn_eval_go_on(struct kn_evaluation *e, const char *doing, size_t done, size_t total,
                  struct kn_err *err)
{
    if (kn_cancel_is_set(&e->k->cancel))
        return kn_err_set(err, KN_ECANCELLED, "eval: stopped");
    if (e->options->progress)
        e->options->progress(e->options->ctx, doing, done, total);
    return KN_OK;
}

/* ---- titles ---- */

static int by_id(const void *pa, const void *pb)
{
    const struct kn_title *a = pa, *b = pb;

    return memcmp(a->id.b, b->id.b, sizeof a->id.b);
}

/* In order of id, so that the lot falls on the same titles whatever they are called by now. */
static int read_titles(struct kn_evaluation *e, struct kinora_titles **keep, struct kn_err *err)
{
    int rc = kinora_list(e->k, "ready", keep, err);

    if (rc)
        return rc;
    e->titles = (*keep)->titles;
    e->n = e->out->titles = (*keep)->n;
    if (e->n == 0)
        return kn_err_set(err, KN_EARG,
                          "eval: the library '%s' has no ready title; run: kinora ingest DIR",
                          e->k->path);
    qsort(e->titles, e->n, sizeof *e->titles, by_id);
    return KN_OK;
}

static int copy_title(struct kn_arena *arena, const struct kn_title *t, struct kn_title *out)
{
    *out = *t;
    out->name = kn_arena_text(arena, t->name);
    out->language = kn_arena_text(arena, t->language);
    out->scorer = kn_arena_text(arena, t->scorer);
    out->words_from = kn_arena_text(arena, t->words_from);
    out->genres = kn_arena_text(arena, t->genres);
    out->reason = "";
    out->paths = NULL;
    out->n_paths = 0;
    return out->name && out->language && out->scorer && out->words_from && out->genres ? KN_OK
                                                                                       : KN_ELIMIT;
}

int kn_eval_ask(struct kn_evaluation *e, uint32_t *able, size_t n, const char *lacking,
                struct kn_err *err)
{
    size_t sample = e->options->sample, asked = sample && sample < n ? sample : n;
    struct kn_title *questions = kn_arena_array(e->arena, asked, sizeof *questions);
    uint64_t state = LOT;

    if (n == 0)
        return kn_err_set(err, KN_EARG, "eval: none of the %zu ready titles %s", e->n, lacking);
    e->asked = kn_arena_array(e->arena, asked, sizeof *e->asked);
    if (!questions || !e->asked)
        return kn_api_no_memory(err, "eval");
    for (size_t i = 0; i < asked; i++) { /* Fisher and Yates, as far as needed */
        size_t drawn = asked < n ? i + kn_random_below(&state, n - i) : i;
        uint32_t title = able[drawn];

        able[drawn] = able[i];
        e->asked[i] = title;
        if (copy_title(e->arena, &e->titles[title], &questions[i]))
            return kn_api_no_memory(err, "eval");
    }
    e->out->questions = questions;
    e->out->n_questions = asked;
    e->out->left_out = e->n - n;
    return KN_OK;
}

/* ---- figures ---- */

double *kn_eval_values(struct kn_evaluation *e, struct kn_err *err)
{
    double *values = kn_arena_array(e->arena, e->out->n_questions, sizeof *values);

    if (!values)
        kn_api_no_memory(err, "eval");
    return values;
}

static struct kinora_interval interval_of(struct kn_interval i)
{
    return (struct kinora_interval){i.value, i.low, i.high};
}

/* Own and, where there is another, that and the difference. */
static int add(struct kn_evaluation *e, const struct kinora_figure *about, kn_statistic *statistic,
               const void *own, const void *other, struct kn_err *err)
{
    const struct kn_interval none = {(double)NAN, (double)NAN, (double)NAN};
    const struct kn_compared both = {statistic, own, other};
    struct kn_interval figure, others = none, difference = none;
    size_t n = e->out->n_questions;
    int rc = kn_bootstrap(statistic, own, n, &figure, err);

    if (rc == KN_OK && other)
        rc = kn_bootstrap(statistic, other, n, &others, err);
    if (rc == KN_OK && other)
        rc = kn_bootstrap(kn_difference_of, &both, n, &difference, err);
    if (rc)
        return rc;
    e->figures[e->out->n_figures] = *about;
    e->figures[e->out->n_figures].figure = interval_of(figure);
    e->figures[e->out->n_figures].other = interval_of(others);
    e->figures[e->out->n_figures++].difference = interval_of(difference);
    return KN_OK;
}

/* Tops and bottoms of which NaN have no part. */
static int without_nan(struct kn_evaluation *e, const double *values, struct kn_ratio *out,
                       struct kn_err *err)
{
    double *top = kn_eval_values(e, err), *bottom = kn_eval_values(e, err);

    if (!top || !bottom)
        return KN_ELIMIT;
    for (size_t i = 0; i < e->out->n_questions; i++) {
        top[i] = isnan(values[i]) ? 0 : values[i];
        bottom[i] = isnan(values[i]) ? 0 : 1;
    }
    *out = (struct kn_ratio){top, bottom};
    return KN_OK;
}

int kn_eval_add_mean(struct kn_evaluation *e, const char *name, double chance, const double *own,
                     const double *other, struct kn_err *err)
{
    const struct kinora_figure about = {
        .name = name, .chance = chance, .values = own, .others = other};
    struct kn_ratio a, b;
    int rc = without_nan(e, own, &a, err);

    if (rc == KN_OK && other)
        rc = without_nan(e, other, &b, err);
    return rc ? rc : add(e, &about, kn_ratio_of, &a, other ? &b : NULL, err);
}

int kn_eval_add_ratio(struct kn_evaluation *e, const char *name, const double *top,
                      const double *bottom, struct kn_err *err)
{
    const struct kn_ratio ratio = {top, bottom};
    double *values = kn_eval_values(e, err);
    const struct kinora_figure about = {.name = name, .chance = (double)NAN, .values = values};

    if (!values)
        return KN_ELIMIT;
    for (size_t i = 0; i < e->out->n_questions; i++)
        values[i] = bottom[i] > 0 ? top[i] / bottom[i] : (double)NAN;
    return add(e, &about, kn_ratio_of, &ratio, NULL, err);
}

static int scored(struct kn_evaluation *e, const bool *positive, const double *scores,
                  struct kn_scored *out, struct kn_err *err)
{
    uint32_t *order = kn_arena_array(e->arena, e->out->n_questions, sizeof *order);

    if (!order)
        return kn_api_no_memory(err, "eval");
    kn_order(scores, e->out->n_questions, order);
    *out = (struct kn_scored){scores, positive, order};
    return KN_OK;
}

int kn_eval_add_auc(struct kn_evaluation *e, const bool *positive, const double *own,
                    const double *other, struct kn_err *err)
{
    const struct kinora_figure about = {.name = "AUC", .chance = 0.5};
    struct kn_scored a, b;
    int rc = scored(e, positive, own, &a, err);

    if (rc == KN_OK && other)
        rc = scored(e, positive, other, &b, err);
    return rc ? rc : add(e, &about, kn_auc_of, &a, other ? &b : NULL, err);
}

void kn_eval_add_plain(struct kn_evaluation *e, const char *name, double own, double other)
{
    const double none = (double)NAN;

    e->figures[e->out->n_figures++] =
        (struct kinora_figure){.name = name,
                               .figure = {own, none, none},
                               .other = {other, none, none},
                               .difference = {own - other, none, none},
                               .chance = none};
}

/* ---- a run ---- */

/* Does another embedding model change what is measured? */
static int check_against(struct kn_evaluation *e, enum kn_measure measure, struct kn_err *err)
{
    const char *against = e->options->against;
    char scorer[32];
    int rc;

    if (strcmp(against, e->out->model) == 0)
        return kn_err_set(err, KN_EARG, "eval: '%s' is the library's own embedding model", against);
    if (measure == KN_MEASURE_LANGUAGE || measure == KN_MEASURE_WORDS)
        return kn_err_set(err, KN_EARG,
                          "eval: an embedding model does not change what these labels measure");
    rc = kn_store_scorer(e->k->lib, scorer, err);
    if (rc == KN_OK && measure == KN_MEASURE_OPINION && *scorer && strcmp(scorer, "probe") != 0)
        rc = kn_err_set(err, KN_EARG, "eval: opinions by '%s' do not depend on an embedding model",
                        scorer);
    return rc;
}

static int measure(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err)
{
    switch (l->measure) {
    case KN_MEASURE_RELATED:
        return kn_eval_answers(e, l, err);
    case KN_MEASURE_OPINION:
        return kn_eval_opinion(e, l, err);
    case KN_MEASURE_LANGUAGE:
        return kn_eval_language(e, l, err);
    case KN_MEASURE_WORDS:
        return kn_eval_words(e, l, err);
    default:
        return kn_eval_halves(e, err);
    }
}

static int name_models(struct kn_evaluation *e, struct kn_err *err)
{
    const char *against = e->options->against;
    char model[64];
    size_t dim;
    int rc = kn_library_model(e->k->lib, model, &dim, err);

    if (rc)
        return rc;
    e->out->model = kn_arena_text(e->arena, model);
    e->out->against = kn_arena_text(e->arena, against);
    if (!e->out->model || !e->out->against)
        return kn_api_no_memory(err, "eval");
    return KN_OK;
}

static int evaluate(struct kn_evaluation *e, struct kn_err *err)
{
    static const char *const names[KN_MEASURES] = {"halves", "related", "opinion", "language",
                                                   "words"};
    struct kn_labels labels;
    int rc = name_models(e, err);

    if (rc == KN_OK)
        rc = kn_eval_labels(e, &labels, err);
    if (rc == KN_OK && *e->out->against)
        rc = check_against(e, labels.measure, err);
    if (rc)
        return rc;
    e->out->measure = names[labels.measure];
    e->out->figures = e->figures = kn_arena_array(e->arena, FIGURES, sizeof *e->figures);
    if (!e->figures)
        return kn_api_no_memory(err, "eval");
    if (*e->out->against)
        rc = kn_eval_other_open(e, e->out->against, &e->other, err);
    return rc ? rc : measure(e, &labels, err);
}

int kinora_evaluate(struct kinora *k, const struct kinora_eval_options *options,
                    struct kinora_evaluation **out, struct kn_err *err)
{
    const struct kinora_eval_options none = {0};
    struct kn_evaluation e = {.k = k, .options = options ? options : &none};
    struct kinora_titles *titles = NULL;
    int rc;

    e.out = calloc(1, sizeof *e.out);
    if (!e.out || !(e.arena = e.out->arena = kn_arena_new(0))) {
        free(e.out);
        return kn_api_no_memory(err, "eval");
    }
    e.out->limit = e.options->query.limit ? e.options->query.limit : LIMIT;
    rc = e.out->limit <= LIMIT_MAX
             ? read_titles(&e, &titles, err)
             : kn_err_set(err, KN_EARG, "eval: limit %zu; at most %d", e.out->limit, LIMIT_MAX);
    if (rc == KN_OK)
        rc = evaluate(&e, err);
    kn_eval_other_close(e.other);
    kinora_titles_free(titles);
    if (rc)
        kinora_evaluation_free(e.out);
    else
        *out = e.out;
    return rc;
}
