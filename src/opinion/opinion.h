/* opinion.h - polarity of a text, -1 (dark, hateful) to 1 (warm, praising), by one of several scorers.
 *
 * probe    a linear head on the embedding that is there anyway: costs nothing and works in every
 *          language the embedding does. Trained by tools/train/train.py, which also says on what and how well;
 *          weights, split and scores in src/opinion/cards.json. It refuses an embedding model that it
 *          was not made for.
 * lexicon  TextBlob's polarity, bit for bit (lexicon.h): no vector needed. Its words are English: a text of
 *          another language has no opinion (NaN); one of unknown language is read as English, as TextBlob does.
 *
 * llm      a small instruct model asked for one word (instruct.h): half a second a moment where the others cost nothing. English, like
 *          the lexicon.
 *
 * A scorer is given whatever is known of a text and takes what it needs of it. Which one serves is the library's
 * choice (store.h); name and version are part of the stage's key.
 *
 * Scoring changes nothing: any thread, until the scorer is closed. */
#ifndef KN_OPINION_H
#define KN_OPINION_H

#include <stdbool.h>
#include <stddef.h>

#include <kinora/types.h>

struct kn_err;
struct kn_instruct;
struct kn_lexicon;

struct kn_scorer {
    char name[32]; /* "probe", "lexicon", "llm" */
    int version;   /* of weights or table: part of the stage's key */
    /* probe */
    char model[64]; /* the embedding model that it is made for */
    size_t dim;
    const float *weights; /* static */
    double bias, scale;   /* polarity = tanh(scale * (weights . vector + bias)) */
    /* lexicon */
    struct kn_lexicon *lexicon;
    /* llm */
    struct kn_instruct *instruct; /* lexicon and instruct NULL: a probe */
};

/* The probe for an embedding model (kn_embed_card.model). KN_ENOTFOUND: there is none, and the
 * message names the models that have one. */
int kn_scorer_probe(const char *embedding_model, struct kn_scorer *out, struct kn_err *err);

/* The lexicon in the file path (the model "textblob-lexicon"). Errors of kn_lexicon_open. */
int kn_scorer_lexicon(const char *path, struct kn_scorer *out, struct kn_err *err);

/* The instruct model in the file path ("SmolLM2-135M-Instruct"), which is loaded when it scores first. Errors of kn_instruct_open. */
int kn_scorer_llm(const char *path, struct kn_scorer *out, struct kn_err *err);

/* Is there a scorer of that name? */
bool kn_scorer_exists(const char *name);

void kn_scorer_close(struct kn_scorer *s); /* a zeroed one is fine */

/* Has it an opinion on texts in this language (BCP-47, "" unknown)? */
bool kn_scorer_reads(const struct kn_scorer *s, const char *language);

struct kn_opinion_input {
    const char *text;
    const char *language; /* BCP-47; "" unknown */
    const float *vector;  /* kn_embedder's second output, dim numbers; NULL where there is none */
    size_t dim;
};

/* NaN, not scored: the vector is zeros, as that of a text without words is, or the language is one that the scorer
 * does not read. KN_EARG: the probe without a vector, or with one of another dim. Errors of kn_instruct_score. */
int kn_scorer_score(const struct kn_scorer *s, const struct kn_opinion_input *in, double *out,
                    struct kn_err *err);

/* A title's opinion: the mean over its moments weighted by their words; NaN when none is scored. A moment
 * of no words counts as one. */
double kn_opinion_of_title(const struct kn_moment *moments, size_t n);

#endif
