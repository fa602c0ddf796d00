/* question.h - inside api: what kinora_recommend is asked with, read from the library. */
#ifndef KN_API_QUESTION_H
#define KN_API_QUESTION_H

#include "api/api.h"

struct kn_example {
    struct kn_title title; /* "" for the text */
    const float *vector;
    const struct kn_moment *moments;
    size_t n_moments;
    struct kn_wording *wording;
};

struct kn_question {
    struct kinora *k;
    const struct kinora_query *q;
    struct kn_arena *arena;
    size_t limit, dim;
    char model[64];
    struct kn_example *likes; /* the text last */
    size_t n_titles, n_likes; /* n_likes: with the text */
    const float **liked, **others;
    struct kn_title *unlikes; /* whose vectors others are */
    size_t n_others;
    struct kn_wording words; /* of all examples together */
    float *vector;           /* their common one */
    double opinion;
    struct kn_filter filter;
};

/* Fills w, of which k, q, arena and limit are set; all else comes from the arena. */
int kn_question_read(struct kn_question *w, const struct kn_id *id, struct kn_err *err);

/* w's filter alone, of a w that has its likes' titles; kn_question_read does this too. */
int kn_question_filter(struct kn_question *w, struct kn_err *err);

bool kn_question_has_text(const struct kn_question *w);

#endif
