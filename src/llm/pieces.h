/* pieces.h - inside llm: the unigram tokenizer of SentencePiece models (XLM-RoBERTa's 250,000 pieces).
 *
 * llama.cpp has one, and gives the same tokens; but it keeps each piece in several maps and a trie of
 * small nodes: 115 MB and 0.7 s of CPU for e5, which every search from a cold start waits for. Here a piece is its
 * bytes, a score and a slot of a hash table: 7 MB and 0.05 s. tests/unit/test_embed.c compares the two.
 *
 * Text is normalised by the model's own table of replacements (nmt_nfkc), runs of spaces become one U+2581, one stands in
 * front, and of all ways to part the result into pieces the one with the highest sum of scores is taken (Viterbi; Kudo
 * 2018, "Subword regularization"). A character that no piece covers is the unknown token; several in a row are one.
 *
 * A struct kn_pieces does not change after kn_pieces_new: any thread. */
#ifndef KN_LLM_PIECES_H
#define KN_LLM_PIECES_H

#include "base/buf.h"

#include <stdint.h>

struct kn_err;
struct kn_pieces;

/* As a GGUF file numbers them. User-defined pieces and single bytes are not handled. */
enum kn_piece_type { KN_PIECE_NORMAL = 1, KN_PIECE_UNUSED = 5 };

struct kn_pieces_table { /* borrowed for kn_pieces_new, and copied */
    size_t n;
    const char *(*text)(const void *ctx, size_t i);
    const void *ctx;
    const float *scores;
    const int32_t *types; /* only the two above stand for text */
    const void *charsmap; /* SentencePiece's precompiled_charsmap; NULL: text is taken as it is */
    size_t charsmap_bytes;
    int32_t unknown, begin, end; /* tokens */
};

/* KN_ECORRUPT, KN_ELIMIT. */
int kn_pieces_new(const struct kn_pieces_table *table, struct kn_pieces **out, struct kn_err *err);
void kn_pieces_free(struct kn_pieces *p); /* NULL is fine */

/* The tokens of valid UTF-8, the begin and end tokens included. KN_ELIMIT when there are more than
 * max, KN_ECORRUPT when the table of replacements points outside itself. */
int kn_pieces_tokenize(const struct kn_pieces *p, struct kn_sv text, int32_t *tokens, size_t max,
                       size_t *n, struct kn_err *err);

#endif
