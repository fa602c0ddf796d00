/* embed.h - texts to vectors through llama.cpp, from one GGUF file.
 *
 * raw:    the model's output, mean over the tokens of the last hidden state, not normalised.
 * vector: raw made unit length, minus the model's centre, unit length again. The centre is a fixed mean over many
 *         texts, shipped with the model's card (src/llm/cards/): cosines of e5 lie in .77 to .92 without it,
 *         and a mean taken from the library would make scores drift as it grows.
 *
 * Texts are trimmed; an e5 model gets "query: " in front (the card says so), since one vector
 * serves likeness and search. Longer texts than the model takes are cut at its limit of tokens, the closing token kept.
 *
 * One kn_embedder is one model and one context: one thread at a time. Loading takes 0.1 to 0.3 s. */
#ifndef KN_LLM_EMBED_H
#define KN_LLM_EMBED_H

#include <stddef.h>

struct kn_cancel;
struct kn_err;
struct kn_embedder; /* opaque; one thread at a time */

/* What is known of a model before it is loaded. From its card, chosen by the file's base name; a file
 * without a card works, uncentred, under its own base name. Static; never freed. */
struct kn_embed_card {
    char model[64];     /* "multilingual-e5-small": stored with every vector */
    int version;        /* raised when prefix or centre change: part of stage keys */
    const char *prefix; /* "query: " or "" */
    size_t max_tokens;
    const float *centre; /* dim numbers, or NULL */
    size_t dim;          /* 0 when there is no card */
    double
        weak_below; /* similarity of the 95th percentile of unrelated texts: below it an answer is weak */
};

int kn_embed_card_of(const char *path, struct kn_embed_card *out, struct kn_err *err);

/* threads 0: 1. KN_ENOTFOUND, KN_ECORRUPT (names the file and the remedy), KN_ELIMIT. */
int kn_embedder_open(const char *path, int threads, struct kn_embedder **out, struct kn_err *err);
void kn_embedder_close(struct kn_embedder *e); /* NULL is fine */

size_t kn_embedder_dim(const struct kn_embedder *e);
const struct kn_embed_card *kn_embedder_card(const struct kn_embedder *e);

/* n texts -> n * dim numbers each into raw and vector (either may be NULL). A text without a
 * single token gives zeros in both. Short texts are batched. The numbers for a text do not depend
 * on what else is in the call (bit for bit). KN_ECANCELLED, KN_ELIMIT. */
int kn_embedder_embed(struct kn_embedder *e, const char *const *texts, size_t n,
                      const struct kn_cancel *cancel, float *raw, float *vector,
                      struct kn_err *err);

/* raw -> vector for one text, as above. centre may be NULL. Zeros stay zeros. */
void kn_embed_centre(const float *raw, const float *centre, size_t dim, float *vector);

#endif
