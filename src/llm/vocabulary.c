#include "vocabulary.h"

#include "base/err.h"
#include "pieces.h"

#include <stdio.h>
#include <string.h>

#include <gguf.h>

static bool is_true(const struct gguf_context *file, const char *key)
{
    int64_t at = gguf_find_key(file, key);

    return at >= 0 && gguf_get_kv_type(file, at) == GGUF_TYPE_BOOL && gguf_get_val_bool(file, at);
}

static bool is_text(const struct gguf_context *file, const char *key, const char *text)
{
    int64_t at = gguf_find_key(file, key);

    return at >= 0 && gguf_get_kv_type(file, at) == GGUF_TYPE_STRING &&
           strcmp(gguf_get_val_str(file, at), text) == 0;
}

/* An array of n elements of that type (n 0: of any number, but not none), or -1. */
static int64_t find_array(const struct gguf_context *file, const char *key, enum gguf_type type,
                          size_t n)
{
    int64_t at = gguf_find_key(file, key);

    if (at < 0 || gguf_get_kv_type(file, at) != GGUF_TYPE_ARRAY ||
        gguf_get_arr_type(file, at) != type)
        return -1;
    return (n ? gguf_get_arr_n(file, at) == n : gguf_get_arr_n(file, at) > 0) ? at : -1;
}

static bool read_token(const struct gguf_context *file, const char *key, size_t n, int32_t *out)
{
    int64_t at = gguf_find_key(file, key);

    if (at < 0 || gguf_get_kv_type(file, at) != GGUF_TYPE_UINT32 || gguf_get_val_u32(file, at) >= n)
        return false;
    *out = (int32_t)gguf_get_val_u32(file, at);
    return true;
}

struct piece_texts {
    const struct gguf_context *file;
    int64_t key;
};

static const char *piece_text(const void *ctx, size_t i)
{
    const struct piece_texts *texts = ctx;

    return gguf_get_arr_str(texts->file, texts->key, i);
}

/* False where any part is missing, or asks for what pieces.h does not do. */
static bool describe(const struct gguf_context *file, struct piece_texts *texts,
                     struct kn_pieces_table *t)
{
    int64_t scores, types, charsmap;

    *texts =
        (struct piece_texts){file, find_array(file, "tokenizer.ggml.tokens", GGUF_TYPE_STRING, 0)};
    if (texts->key < 0 || gguf_get_arr_n(file, texts->key) > INT32_MAX)
        return false;
    *t = (struct kn_pieces_table){
        .n = gguf_get_arr_n(file, texts->key), .text = piece_text, .ctx = texts};
    scores = find_array(file, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, t->n);
    types = find_array(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, t->n);
    if (!is_text(file, "tokenizer.ggml.model", "t5") || scores < 0 || types < 0 ||
        !is_true(file, "tokenizer.ggml.add_space_prefix") ||
        !is_true(file, "tokenizer.ggml.remove_extra_whitespaces") ||
        !is_true(file, "tokenizer.ggml.add_bos_token") ||
        !is_true(file, "tokenizer.ggml.add_eos_token") ||
        !read_token(file, "tokenizer.ggml.unknown_token_id", t->n, &t->unknown) ||
        !read_token(file, "tokenizer.ggml.bos_token_id", t->n, &t->begin) ||
        !read_token(file, "tokenizer.ggml.eos_token_id", t->n, &t->end))
        return false;
    t->scores = gguf_get_arr_data(file, scores);
    t->types = gguf_get_arr_data(file, types);
    for (size_t i = 0; i < t->n; i++)
        if (t->types[i] < KN_PIECE_NORMAL || t->types[i] > KN_PIECE_UNUSED || t->types[i] == 4)
            return false; /* 4: user-defined, 6: a byte */
    charsmap = find_array(file, "tokenizer.ggml.precompiled_charsmap", GGUF_TYPE_UINT8, 0);
    if (charsmap < 0)
        charsmap = find_array(file, "tokenizer.ggml.precompiled_charsmap", GGUF_TYPE_INT8, 0);
    if (charsmap >= 0) {
        t->charsmap = gguf_get_arr_data(file, charsmap);
        t->charsmap_bytes = gguf_get_arr_n(file, charsmap);
    }
    return true;
}

int kn_vocabulary_read(const char *path, struct kn_vocabulary *out, struct kn_err *err)
{
    struct gguf_context *file =
        gguf_init_from_file(path, (struct gguf_init_params){.no_alloc = true});
    struct kn_vocabulary v = {0};
    struct kn_pieces_table table;
    struct piece_texts texts;
    int64_t architecture;
    int n, rc = KN_OK;

    if (!file)
        return kn_err_set(
            err, KN_ECORRUPT,
            "embedding model '%s' is damaged or no GGUF file; run: kinora models verify", path);
    architecture = gguf_find_key(file, "general.architecture");
    if (architecture < 0 || gguf_get_kv_type(file, architecture) != GGUF_TYPE_STRING)
        goto out;
    n = snprintf(v.size_key, sizeof v.size_key, "%s.vocab_size",
                 gguf_get_val_str(file, architecture));
    if (n < 0 || (size_t)n >= sizeof v.size_key || !describe(file, &texts, &table))
        goto out;
    v.n = table.n;
    rc = kn_pieces_new(&table, &v.pieces, err);
    if (rc)
        rc = kn_err_wrap(err, rc, "open embedding model '%s'", path);
out:
    gguf_free(file);
    if (rc == KN_OK)
        *out = v;
    return rc;
}
