#include "score.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"
#include "start.h"

#include <llama.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_TEXT =
        64
        << 10, /* bytes looked at: a moment has some hundred, and the ends of a longer text count */
    MAX_TOKENS = 3 * MAX_TEXT + 16,
    MAX_PROMPT = 2048 /* tokens; what the model was trained for */
};

struct tokens {
    llama_token *ids;
    size_t n;
};

struct kn_judge {
    struct llama_model *model;
    struct llama_context *context;
    const struct llama_vocab *vocab;
    struct tokens before, after, text; /* text has room for MAX_TOKENS and after */
    size_t max_tokens;
    llama_token yes, no;
    struct kn_buf repaired;
};

/* ---- opening ---- */

static int tokenize(const struct kn_judge *j, struct kn_sv s, bool marks, size_t max,
                    struct tokens *out, struct kn_err *err)
{
    int32_t n = llama_tokenize(j->vocab, s.p, (int32_t)s.n, out->ids, (int32_t)max, false, marks);

    if (n < 0)
        return kn_err_set(err, KN_ELIMIT, "tokenize %zu bytes: more than %zu tokens", s.n, max);
    out->n = (size_t)n;
    return KN_OK;
}

static int part_of_prompt(const struct kn_judge *j, const char *s, struct tokens *out,
                          struct kn_err *err)
{
    out->ids = malloc(MAX_PROMPT * sizeof *out->ids);
    if (!out->ids)
        return kn_err_memory(err, "no memory for a prompt");
    return tokenize(j, kn_sv_of(s), true, MAX_PROMPT, out, err);
}

static int single_token(const struct kn_judge *j, const char *word, llama_token *out,
                        struct kn_err *err)
{
    llama_token ids[8];
    struct tokens t = {ids, 0};
    int rc = tokenize(j, kn_sv_of(word), false, 8, &t, err);

    if (rc == KN_OK && t.n != 1)
        rc = kn_err_set(err, KN_EARG, "the answer '%s' is %zu tokens of this model, not one", word,
                        t.n);
    if (rc == KN_OK)
        *out = ids[0];
    return rc;
}

static int load_model(struct kn_judge *j, const char *path, struct kn_err *err)
{
    struct llama_model_params params = llama_model_default_params();

    if (access(path, R_OK) != 0)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO,
                          "open language model '%s': %s; kinora models list says what is there",
                          path, strerror(errno));
    params.n_gpu_layers = 0;
    kn_llama_forget();
    j->model = llama_model_load_from_file(path, params);
    if (!j->model)
        return kn_err_set(err, KN_ECORRUPT,
                          "language model '%s' is damaged or no GGUF file (%s); run: kinora models "
                          "verify",
                          path, kn_llama_complaint());
    j->vocab = llama_model_get_vocab(j->model);
    return KN_OK;
}

static int read_question(struct kn_judge *j, const struct kn_question *q, struct kn_err *err)
{
    int rc = part_of_prompt(j, q->before, &j->before, err);

    j->max_tokens = q->max_tokens;
    if (rc == KN_OK)
        rc = part_of_prompt(j, q->after, &j->after, err);
    if (rc == KN_OK)
        rc = single_token(j, q->yes, &j->yes, err);
    if (rc == KN_OK)
        rc = single_token(j, q->no, &j->no, err);
    if (rc)
        return rc;
    if (j->before.n == 0 || j->max_tokens < 2 ||
        j->before.n + j->max_tokens + j->after.n > MAX_PROMPT)
        return kn_err_set(err, KN_EARG, "a prompt of %zu + %zu + %zu tokens: at most %d",
                          j->before.n, j->max_tokens, j->after.n, MAX_PROMPT);
    j->text.ids = malloc((MAX_TOKENS + j->after.n) * sizeof *j->text.ids);
    return j->text.ids ? KN_OK : kn_err_memory(err, "no memory for a text's tokens");
}

/* Appends tokens to what the context has seen. */
static int see(struct kn_judge *j, const struct tokens *t, struct kn_err *err)
{
    int rc;

    kn_llama_forget();
    rc = llama_decode(j->context, llama_batch_get_one(t->ids, (int32_t)t->n));
    if (rc)
        return kn_err_set(err, KN_ELIMIT, "llama.cpp failed with %d on %zu tokens (%s)", rc, t->n,
                          kn_llama_complaint());
    return KN_OK;
}

static int make_context(struct kn_judge *j, struct kn_err *err)
{
    struct llama_context_params params = llama_context_default_params();

    params.n_seq_max = 1;
    params.n_ctx = params.n_batch = (uint32_t)(j->before.n + j->max_tokens + j->after.n);
    params.n_ubatch = params.n_batch;
    params.n_threads = params.n_threads_batch = 1;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED; /* "auto" would choose by machine */
    params.no_perf = true;
    kn_llama_forget();
    j->context = llama_init_from_model(j->model, params);
    if (!j->context)
        return kn_err_memory(err, "no memory for its context (%s)", kn_llama_complaint());
    return see(j, &j->before, err);
}

int kn_judge_open(const char *path, const struct kn_question *question, struct kn_judge **out,
                  struct kn_err *err)
{
    struct kn_judge *j = calloc(1, sizeof *j);
    int rc;

    if (!j)
        return kn_err_memory(err, "open language model '%s': no memory", path);
    kn_buf_init(&j->repaired, MAX_TOKENS);
    kn_llama_start();
    rc = load_model(j, path, err);
    if (rc)
        goto out;
    rc = read_question(j, question, err);
    if (rc == KN_OK)
        rc = make_context(j, err);
    if (rc) {
        kn_err_wrap(err, rc, "open language model '%s'", path);
        goto out;
    }
    *out = j;
    j = NULL;
out:
    kn_judge_close(j);
    return rc;
}

void kn_judge_close(struct kn_judge *j)
{
    if (!j)
        return;
    if (j->context)
        llama_free(j->context);
    if (j->model)
        llama_model_free(j->model);
    free(j->before.ids);
    free(j->after.ids);
    free(j->text.ids);
    kn_buf_free(&j->repaired);
    free(j);
}

/* ---- asking ---- */

/* The text's tokens, cut in the middle to max_tokens, and those of what follows it. */
static int text_tokens(struct kn_judge *j, const char *text, struct kn_err *err)
{
    struct kn_sv s = kn_sv_trim(kn_sv_of(text));
    size_t half = j->max_tokens / 2, last = j->max_tokens - half;
    int rc;

    if (s.n > MAX_TEXT)
        s.n = MAX_TEXT;
    kn_buf_clear(&j->repaired);
    kn_utf8_repair(s, &j->repaired, NULL);
    rc = kn_buf_ok(&j->repaired, err);
    if (rc == KN_OK)
        rc = tokenize(j, (struct kn_sv){j->repaired.data, j->repaired.n}, false, MAX_TOKENS,
                      &j->text, err);
    if (rc)
        return rc;
    if (j->text.n > j->max_tokens) {
        memmove(j->text.ids + half, j->text.ids + j->text.n - last, last * sizeof *j->text.ids);
        j->text.n = j->max_tokens;
    }
    memcpy(j->text.ids + j->text.n, j->after.ids, j->after.n * sizeof *j->text.ids);
    j->text.n += j->after.n;
    return KN_OK;
}

int kn_judge_ask(struct kn_judge *j, const char *text, double *log_odds, struct kn_err *err)
{
    const float *logits;
    double odds;
    int rc = text_tokens(j, text, err);

    if (rc)
        goto out;
    llama_memory_seq_rm(llama_get_memory(j->context), 0, (llama_pos)j->before.n, -1);
    rc = see(j, &j->text, err);
    if (rc)
        goto out;
    logits = llama_get_logits_ith(j->context, -1);
    odds = logits ? (double)logits[j->yes] - (double)logits[j->no] : (double)NAN;
    if (!isfinite(odds))
        rc = kn_err_set(err, KN_ECORRUPT,
                        "the language model gives numbers that are none: its file "
                        "is damaged; run: kinora models verify");
    else
        *log_odds = odds;
out:
    return rc ? kn_err_wrap(err, rc, "ask of a text of %zu bytes", strlen(text)) : KN_OK;
}
