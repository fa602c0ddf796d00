/* opinion.h - polarity of a text, -1 (dark, hateful) to 1 (warm, praising), by one of several scorers.
 *
 * probe  a linear head on the embedding that is there anyway: costs nothing and works in every
 *        language the embedding does. Trained by tools/train/train.py, which also says on what and how well;
 *        weights, split and scores in src/opinion/cards.json. It refuses an embedding model that it
 *        was not made for.
 *
 * (lexicon and llm join here with the issue on meaning and ranking.)
 *
 * The functions are pure and may be called from any thread. */
#ifndef KN_OPINION_H
#define KN_OPINION_H

#include <stddef.h>

#include <kinora/types.h>

struct kn_err;

struct kn_scorer {
    char name[32];  /* "probe" */
    int version;    /* of the weights: part of the stage's key */
    char model[64]; /* the embedding model that it is made for */
    size_t dim;
    const float *weights; /* static */
    double bias, scale;   /* polarity = tanh(scale * (weights . vector + bias)) */
};

/* The probe for an embedding model (kn_embed_card.model). KN_ENOTFOUND: there is none, and the
 * message names the models that have one. */
int kn_scorer_probe(const char *embedding_model, struct kn_scorer *out, struct kn_err *err);

/* Scores one text by its vector (kn_embedder's second output) of dim numbers. Zeros, the vector of a text without
 * words, give NaN: not scored. KN_EARG when dim is another. */
int kn_scorer_score(const struct kn_scorer *s, const float *vector, size_t dim, double *out,
                    struct kn_err *err);

/* A title's opinion: the mean over its moments weighted by their words; NaN when none is scored. A moment
 * of no words counts as one. */
double kn_opinion_of_title(const struct kn_moment *moments, size_t n);

#endif
