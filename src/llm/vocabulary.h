/* vocabulary.h - inside llm: the tokenizer of a GGUF file, where it is of the kind that pieces.h does. */
#ifndef KN_LLM_VOCABULARY_H
#define KN_LLM_VOCABULARY_H

#include <stddef.h>

struct kn_err;
struct kn_pieces;

struct kn_vocabulary {
    struct kn_pieces *pieces; /* to be freed; NULL: leave the text to llama.cpp */
    size_t n;
    char size_key
        [64]; /* of the GGUF file: how llama.cpp is told n when it is not to read the pieces */
};

/* KN_ECORRUPT, KN_ELIMIT. */
int kn_vocabulary_read(const char *path, struct kn_vocabulary *out, struct kn_err *err);

#endif
