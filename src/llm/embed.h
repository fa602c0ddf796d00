/* embed.h - texts to vectors through llama.cpp, from one GGUF file.
 *
 * raw:    the model's output, mean over the tokens of the last hidden state, not normalised.
 * vector: raw made unit length, minus the model's centre, unit length again. The centre is a fixed
 *         mean over many texts, shipped with the model's card: cosines of e5 lie in .77 to .92
 *         without it, and a mean taken from the library would make scores drift as it grows.
 *
 * Texts are trimmed, but as they are where the card says whole; an e5 model gets "query: " in front (the card says so), since one vector
 * serves likeness and search. Of a text longer than the model takes, the first max_tokens tokens
 * count, the last of them the closing one.
 *
 * One kn_embedder is one context on a model: one thread at a time. With e5, opening takes 0.25 s of CPU, and it holds
 * 115 MB, of which 70 are the file's own pages; with MiniLM 0.1 s and 65 MB. Embedders of several threads share the model. */
#ifndef KN_LLM_EMBED_H
#define KN_LLM_EMBED_H

#include <stdbool.h>
#include <stddef.h>

struct kn_cancel;
struct kn_err;
struct kn_embedder; /* opaque; one thread at a time */

/* What is known of a model before it is loaded. From its card, chosen by the file's base name; a file
 * without a card works, uncentred, under its own base name, and so does one whose card is for a family of models of
 * several sizes: gpt2, gpt2-medium. A title's vector is the mean of its moments', or, where the card says whole, that of its
 * transcript, of which the first max_tokens tokens count. Static; never freed. */
struct kn_embed_card {
    char model[64];     /* "multilingual-e5-small": stored with every vector */
    int version;        /* raised when prefix or centre change: part of stage keys */
    const char *prefix; /* "query: " or "" */
    size_t max_tokens;
    const float *centre; /* dim numbers, or NULL */
    size_t dim;          /* 0 when there is no card, or one for several sizes */
    bool whole;          /* the notebook's way: a title is embedded as a whole */
    double weak_below;   /* 95 of 100 pairs of unrelated texts are less alike; 0 without a card */
    double
        weak_below_text; /* the same where one of them is of eight words, which is less like anything */
};

/* path: of the model's file, or the model's name as it was stored. KN_EARG: no name in it, or too long a one. */
int kn_embed_card_of(const char *path, struct kn_embed_card *out, struct kn_err *err);

/* threads 0: 1. A second doubles the speed of a quiet machine, but halves it where another process wants the core,
 * since ggml's threads wait by spinning. Vectors do not depend on it. A file that a card lists is compared with it by SHA-256 first, so that a
 * damaged one never gets as far as a parser. KN_ENOTFOUND, KN_EIO, KN_ECORRUPT (names the file and
 * the remedy), KN_ELIMIT. */
int kn_embedder_open(const char *path, int threads, struct kn_embedder **out, struct kn_err *err);
/* Another one for another thread, with as many threads, on the weights and the tokenizer of e, which are kept for as long
 * as one of both is open. e may be in use meanwhile. KN_ELIMIT. */
int kn_embedder_open_beside(const struct kn_embedder *e, struct kn_embedder **out,
                            struct kn_err *err);
void kn_embedder_close(struct kn_embedder *e); /* NULL is fine */

size_t kn_embedder_dim(const struct kn_embedder *e);
const struct kn_embed_card *kn_embedder_card(const struct kn_embedder *e);

/* n texts -> n * dim numbers each into raw and vector (either may be NULL). A blank text gives zeros
 * in both. The numbers for a text do not depend on what else is in the call, bit for bit; for that,
 * each text is computed alone: eight at a time are a fifth to a third faster, and differ by up to 0.007 a number.
 * Looks at cancel before each text. KN_ECANCELLED, KN_ECORRUPT (numbers that are none), KN_ELIMIT. */
int kn_embedder_embed(struct kn_embedder *e, const char *const *texts, size_t n,
                      const struct kn_cancel *cancel, float *raw, float *vector,
                      struct kn_err *err);

/* raw -> vector for one text, as above. centre may be NULL. Zeros stay zeros. */
void kn_embed_centre(const float *raw, const float *centre, size_t dim, float *vector);

#endif
