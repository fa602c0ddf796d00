/* eval.h - what the files of kinora_evaluate share: eval.c (the way of a run, figures), eval_labels.c (what is known of
 * titles), eval_measures.c (one function a measure), eval_other.c (the library once more, with another model). */
#ifndef KN_API_EVAL_H
#define KN_API_EVAL_H

#include "api/api.h"

enum kn_measure {
    KN_MEASURE_HALVES,
    KN_MEASURE_RELATED,
    KN_MEASURE_OPINION,
    KN_MEASURE_LANGUAGE,
    KN_MEASURE_WORDS,
    KN_MEASURES
};

struct kn_evaluation {        /* a run; titles are told by their place in titles */
    struct kinora *k, *other; /* other: the same with another model, in memory; or NULL */
    const struct kinora_eval_options *options;
    struct kinora_evaluation *out;
    struct kn_arena *arena;  /* out's */
    struct kn_title *titles; /* ready, in order of id */
    size_t n;
    uint32_t *asked; /* out->n_questions of them */
    struct kinora_figure *figures;
};

/* ---- figures ---- */

/* Draws the questions by lot from those that can be asked, and fills what out says of them. KN_EARG: none can. */
int kn_eval_ask(struct kn_evaluation *e, uint32_t *able, size_t n, const char *lacking,
                struct kn_err *err);

/* Room for one number a question. */
double *kn_eval_values(struct kn_evaluation *e, struct kn_err *err);

/* The mean over the questions; values that are NaN do not count. other: NULL for none. */
int kn_eval_add_mean(struct kn_evaluation *e, const char *name, double chance, const double *own,
                     const double *other, struct kn_err *err);
int kn_eval_add_ratio(struct kn_evaluation *e, const char *name, const double *top,
                      const double *bottom, struct kn_err *err);
int kn_eval_add_auc(struct kn_evaluation *e, const bool *positive, const double *own,
                    const double *other, struct kn_err *err);
/* A number of all questions together, without an interval; NaN for an other that is none. */
void kn_eval_add_plain(struct kn_evaluation *e, const char *name, double own, double other);

/* KN_ECANCELLED when the run is to end; else tells how far it is. */
int kn_eval_go_on(struct kn_evaluation *e, const char *doing, size_t done, size_t total,
                  struct kn_err *err);

/* ---- labels ---- */

struct kn_label {
    uint32_t title;
    uint32_t group;   /* of RELATED: equal numbers belong together */
    const char *text; /* what stands in the file */
};

struct kn_labels {
    enum kn_measure measure;
    struct kn_label *all; /* by title; of measures other than RELATED one a title */
    size_t n;
    uint32_t *of; /* those of title i: of[i] to of[i + 1] */
};

/* Of e->options->labels, which may be none; from the arena. Counts out->unknown. */
int kn_eval_labels(struct kn_evaluation *e, struct kn_labels *out, struct kn_err *err);

/* Have they a group in common? */
bool kn_eval_related(const struct kn_labels *l, uint32_t a, uint32_t b);

/* ---- measures ---- */

int kn_eval_halves(struct kn_evaluation *e, struct kn_err *err);
int kn_eval_answers(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err);
int kn_eval_opinion(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err);
int kn_eval_language(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err);
int kn_eval_words(struct kn_evaluation *e, const struct kn_labels *l, struct kn_err *err);

/* ---- the other model ---- */

/* The ready titles of e once more, in memory, embedded with the model of that name. Close with kn_eval_other_close. */
int kn_eval_other_open(struct kn_evaluation *e, const char *model, struct kinora **out,
                       struct kn_err *err);
void kn_eval_other_close(struct kinora *other); /* NULL is fine */

#endif
