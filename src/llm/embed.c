#include "embed.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/unicode.h"
#include "card.h"
#include "pieces.h"
#include "start.h"
#include "vocabulary.h"

#include <llama.h>

#include <math.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_TOKENS = 512,     /* for a model without a card that would take more */
    MAX_TEXT = 64 << 10,      /* bytes looked at: far more than any model's limit of tokens holds */
    MAX_TOKENS = 4 * MAX_TEXT /* normalising may lengthen a text: U+FDFA becomes 18 characters */
};

/* What does not change after loading: any number of embedders read it at once. The last to let go frees it. */
struct weights {
    atomic_int holders;
    struct kn_embed_card card;
    struct llama_model *model;
    struct kn_vocabulary vocabulary; /* its pieces NULL: llama.cpp tokenizes, by vocab */
    const struct llama_vocab *vocab;
    size_t dim, max_tokens;
    bool closing_token; /* the tokenizer ends a text with one, which a cut must keep */
};

struct kn_embedder {
    struct weights *weights;
    struct llama_context *context;
    struct llama_batch batch;
    struct kn_buf text; /* prefix and the text at hand */
    llama_token *tokens;
};

/* ---- opening ---- */

static void let_go(struct weights *w)
{
    if (atomic_fetch_sub(&w->holders, 1) > 1)
        return;
    if (w->model)
        llama_model_free(w->model);
    kn_pieces_free(w->vocabulary.pieces);
    free(w);
}

static int load_model(struct weights *w, const char *path, struct kn_err *err)
{
    struct llama_model_params params = llama_model_default_params();
    struct llama_model_kv_override no_vocabulary[3] = {
        {.tag = LLAMA_KV_OVERRIDE_TYPE_STR, .key = "tokenizer.ggml.model", .val_str = "no_vocab"},
        {.tag = LLAMA_KV_OVERRIDE_TYPE_INT, .val_i64 = (int64_t)w->vocabulary.n},
    };
    size_t trained;

    params.n_gpu_layers = 0;
    if (w->vocabulary.pieces) {
        memcpy(no_vocabulary[1].key, w->vocabulary.size_key, sizeof w->vocabulary.size_key);
        params.kv_overrides = no_vocabulary;
    }
    kn_llama_forget();
    w->model = llama_model_load_from_file(path, params);
    if (!w->model)
        return kn_err_set(
            err, KN_ECORRUPT,
            "embedding model '%s' is damaged or no GGUF file (%s); run: kinora models verify", path,
            kn_llama_complaint());
    w->vocab = llama_model_get_vocab(w->model);
    w->dim = (size_t)llama_model_n_embd(w->model);
    if (llama_model_n_embd(w->model) < 1 || (w->card.dim && w->card.dim != w->dim))
        return kn_err_set(err, KN_ECORRUPT,
                          "embedding model '%s' gives %zu numbers where its card says %zu; run: "
                          "kinora models verify",
                          path, w->dim, w->card.dim);
    w->card.dim = w->dim;
    w->closing_token = w->vocabulary.pieces || llama_vocab_get_add_eos(w->vocab) ||
                       llama_vocab_get_add_sep(w->vocab) ||
                       llama_vocab_type(w->vocab) == LLAMA_VOCAB_TYPE_WPM;
    trained = (size_t)llama_model_n_ctx_train(w->model);
    w->max_tokens = w->card.max_tokens ? w->card.max_tokens : DEFAULT_TOKENS;
    if (w->max_tokens > trained)
        w->max_tokens = trained;
    w->card.max_tokens = w->max_tokens;
    return KN_OK;
}

static int open_weights(const char *path, struct weights **out, struct kn_err *err)
{
    struct weights *w = calloc(1, sizeof *w);
    int rc;

    if (!w)
        return kn_err_memory(err, "open embedding model '%s': no memory", path);
    atomic_init(&w->holders, 1);
    rc = kn_embed_card_of(path, &w->card, err);
    if (rc == KN_OK)
        rc = kn_card_check_file(path, err);
    kn_llama_start();
    if (rc == KN_OK)
        rc = kn_vocabulary_read(path, &w->vocabulary, err);
    if (rc == KN_OK)
        rc = load_model(w, path, err);
    if (rc)
        let_go(w);
    else
        *out = w;
    return rc;
}

static int make_context(struct kn_embedder *e, int threads, struct kn_err *err)
{
    struct llama_context_params params = llama_context_default_params();
    size_t max_tokens = e->weights->max_tokens;

    params.embeddings = true;
    params.pooling_type = LLAMA_POOLING_TYPE_MEAN;
    params.n_seq_max = 1;
    params.n_ctx = params.n_batch = params.n_ubatch = (uint32_t)max_tokens;
    params.n_threads = params.n_threads_batch = threads > 0 ? threads : 1;
    /* Texts of 150 tokens take 5.8 s of CPU with it where they take 10 s without. "auto" would
     * choose by machine. */
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    params.no_perf = true;
    kn_llama_forget();
    e->context = llama_init_from_model(e->weights->model, params);
    e->batch = llama_batch_init((int32_t)max_tokens, 0, 1);
    e->tokens = malloc(MAX_TOKENS * sizeof *e->tokens);
    if (!e->context || !e->batch.token || !e->tokens)
        return kn_err_memory(err, "embedding model '%s': no memory for its context (%s)",
                             e->weights->card.model, kn_llama_complaint());
    return KN_OK;
}

/* Takes w over, also on failure. */
static int open_on(struct weights *w, int threads, struct kn_embedder **out, struct kn_err *err)
{
    struct kn_embedder *e = calloc(1, sizeof *e);
    int rc;

    if (!e) {
        rc = kn_err_memory(err, "embedding model '%s': no memory", w->card.model);
        let_go(w);
        return rc;
    }
    e->weights = w;
    kn_buf_init(&e->text, MAX_TEXT * 3 + 256); /* repairing turns a byte into three */
    rc = make_context(e, threads, err);
    if (rc)
        kn_embedder_close(e);
    else
        *out = e;
    return rc;
}

int kn_embedder_open(const char *path, int threads, struct kn_embedder **out, struct kn_err *err)
{
    struct weights *w = NULL;
    int rc = open_weights(path, &w, err);

    return rc ? rc : open_on(w, threads, out, err);
}

int kn_embedder_open_beside(const struct kn_embedder *e, struct kn_embedder **out,
                            struct kn_err *err)
{
    atomic_fetch_add(&e->weights->holders, 1);
    return open_on(e->weights, (int)llama_n_threads(e->context), out, err);
}

void kn_embedder_close(struct kn_embedder *e)
{
    if (!e)
        return;
    if (e->batch.token)
        llama_batch_free(e->batch);
    if (e->context)
        llama_free(e->context);
    let_go(e->weights);
    kn_buf_free(&e->text);
    free(e->tokens);
    free(e);
}

size_t kn_embedder_dim(const struct kn_embedder *e)
{
    return e->weights->dim;
}

const struct kn_embed_card *kn_embedder_card(const struct kn_embedder *e)
{
    return &e->weights->card;
}

/* ---- embedding ---- */

/* Bytes of s at most max, not parting a character. */
static struct kn_sv cut_at_character(struct kn_sv s, size_t max)
{
    if (s.n > max) {
        s.n = max;
        while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xC0) == 0x80)
            s.n--;
    }
    return s;
}

/* The tokens of e->text into e->tokens. */
static int tokenize(struct kn_embedder *e, size_t *n, struct kn_err *err)
{
    struct kn_sv text = {e->text.data, e->text.n};
    int32_t count;

    if (e->weights->vocabulary.pieces)
        return kn_pieces_tokenize(e->weights->vocabulary.pieces, text, e->tokens, MAX_TOKENS, n,
                                  err);
    count = llama_tokenize(e->weights->vocab, text.p, (int32_t)text.n, e->tokens, MAX_TOKENS, true,
                           false);
    if (count < 0)
        return kn_err_set(err, KN_ELIMIT, "tokenize %zu bytes: more than %d tokens", text.n,
                          MAX_TOKENS);
    *n = (size_t)count;
    return KN_OK;
}

/* Fills e->batch with the text's tokens; none for a blank text, whatever the prefix. */
static int fill_batch(struct kn_embedder *e, const char *text, struct kn_err *err)
{
    struct kn_sv given = kn_sv_of(text), trimmed = kn_sv_trim(given);
    struct kn_sv s = cut_at_character(e->weights->card.whole ? given : trimmed, MAX_TEXT);
    size_t n;
    int rc;

    e->batch.n_tokens = 0;
    if (trimmed.n == 0)
        return KN_OK;
    kn_buf_clear(&e->text);
    kn_buf_adds(&e->text, e->weights->card.prefix, NULL);
    if (kn_utf8_valid(s))
        kn_buf_add(&e->text, s.p, s.n, NULL);
    else
        kn_utf8_repair(s, &e->text, NULL);
    rc = kn_buf_ok(&e->text, err);
    if (rc == KN_OK)
        rc = tokenize(e, &n, err);
    if (rc)
        return kn_err_wrap(err, rc, "embed a text of %zu bytes", s.n);
    if (n > e->weights->max_tokens) {
        if (e->weights->closing_token)
            e->tokens[e->weights->max_tokens - 1] = e->tokens[n - 1];
        n = e->weights->max_tokens;
    }
    for (size_t i = 0; i < n; i++) {
        e->batch.token[i] = e->tokens[i];
        e->batch.pos[i] = (llama_pos)i;
        e->batch.n_seq_id[i] = 1;
        e->batch.seq_id[i][0] = 0;
        e->batch.logits[i] = 1;
    }
    e->batch.n_tokens = (int32_t)n;
    return KN_OK;
}

static int embed_one(struct kn_embedder *e, const char *text, float *raw, struct kn_err *err)
{
    llama_memory_t memory = llama_get_memory(e->context);
    const float *pooled;
    int rc = fill_batch(e, text, err);

    if (rc)
        return rc;
    memset(raw, 0, e->weights->dim * sizeof *raw);
    if (e->batch.n_tokens == 0)
        return KN_OK;
    kn_llama_forget();
    if (memory) {
        llama_memory_clear(memory, true);
        rc = llama_decode(e->context, e->batch);
    } else {
        rc = llama_encode(e->context, e->batch);
    }
    pooled = rc == 0 ? llama_get_embeddings_seq(e->context, 0) : NULL;
    if (!pooled)
        return kn_err_set(err, KN_ELIMIT, "embed with %s: llama.cpp failed with %d (%s)",
                          e->weights->card.model, rc, kn_llama_complaint());
    for (size_t i = 0; i < e->weights->dim; i++)
        if (!isfinite(pooled[i]))
            return kn_err_set(
                err, KN_ECORRUPT,
                "embedding model %s gives numbers that are none: its file is damaged; "
                "run: kinora models verify",
                e->weights->card.model);
    memcpy(raw, pooled, e->weights->dim * sizeof *raw);
    return KN_OK;
}

int kn_embedder_embed(struct kn_embedder *e, const char *const *texts, size_t n,
                      const struct kn_cancel *cancel, float *raw, float *vector, struct kn_err *err)
{
    float *all;
    int rc = KN_OK;

    if (n > SIZE_MAX / sizeof *all / e->weights->dim)
        return kn_err_set(err, KN_ELIMIT, "embed %zu texts: too many for one call", n);
    all = calloc(n ? n * e->weights->dim : 1, sizeof *all);
    if (!all)
        return kn_err_memory(err, "embed %zu texts: no memory", n);
    for (size_t i = 0; i < n; i++) {
        if (kn_cancel_is_set(cancel)) {
            rc = kn_err_set(err, KN_ECANCELLED, "embed: cancelled after %zu of %zu texts", i, n);
            goto out;
        }
        rc = embed_one(e, texts[i], all + i * e->weights->dim, err);
        if (rc)
            goto out;
    }
    if (raw && n > 0)
        memcpy(raw, all, n * e->weights->dim * sizeof *raw);
    for (size_t i = 0; vector && i < n; i++)
        kn_embed_centre(all + i * e->weights->dim, e->weights->card.centre, e->weights->dim,
                        vector + i * e->weights->dim);
out:
    free(all);
    return rc;
}

/* 1 / |v - centre|; 0 when there is no direction left. */
static double inverse_length(const float *v, const float *centre, double unit, size_t dim)
{
    double squares = 0;

    for (size_t i = 0; i < dim; i++) {
        double x = v[i] * unit - (centre ? (double)centre[i] : 0);

        squares += x * x;
    }
    return squares > 0 ? 1 / sqrt(squares) : 0;
}

void kn_embed_centre(const float *raw, const float *centre, size_t dim, float *vector)
{
    double unit = inverse_length(raw, NULL, 1, dim);
    double scale = unit > 0 ? inverse_length(raw, centre, unit, dim) : 0;

    for (size_t i = 0; i < dim; i++) {
        double x = raw[i] * unit - (centre ? (double)centre[i] : 0);

        vector[i] = scale > 0 ? (float)(x * scale) : 0; /* not -0 */
    }
}
