#include "opinion.h"

#include "base/buf.h"
#include "base/err.h"
#include "net/json.h"
#include "opinion/instruct.h"
#include "opinion/lexicon.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern const unsigned char kn_data_probe_cards[];
extern const uint64_t kn_data_probe_cards_size;

enum { MAX_PROBES = 16, MAX_DIM = 8192, LEXICON_VERSION = 1, LLM_VERSION = 1 };

static struct {
    pthread_once_t once;
    int rc;
    struct kn_err err;
    struct kn_scorer probes[MAX_PROBES];
    size_t n;
} all = {.once = PTHREAD_ONCE_INIT};

static int read_probe(const struct kn_json *json, struct kn_scorer *probe, struct kn_err *err)
{
    int64_t version, dim;
    const char *model;
    float *weights;
    int rc;

    if ((rc = kn_json_want_text(json, "model", &model, err)) ||
        (rc = kn_json_want_integer(json, "version", &version, err)) ||
        (rc = kn_json_want_integer(json, "dim", &dim, err)) ||
        (rc = kn_json_want_number(json, "bias", &probe->bias, err)) ||
        (rc = kn_json_want_number(json, "scale", &probe->scale, err)))
        return rc;
    if (dim < 1 || dim > MAX_DIM)
        return kn_err_set(err, KN_ECORRUPT, "'%s': dim %lld", model, (long long)dim);
    snprintf(probe->name, sizeof probe->name, "probe");
    snprintf(probe->model, sizeof probe->model, "%s", model);
    probe->version = (int)version;
    probe->dim = (size_t)dim;
    weights = malloc(probe->dim * sizeof *weights);
    if (!weights)
        return kn_err_memory(err, "'%s': no memory", model);
    rc = kn_json_want_numbers(json, "weights", weights, probe->dim, err);
    if (rc)
        free(weights);
    else
        probe->weights = weights;
    return rc;
}

static void read_probes(void)
{
    struct kn_sv text = {(const char *)kn_data_probe_cards, kn_data_probe_cards_size};
    const struct kn_json *cards;
    struct kn_json *root = NULL;

    all.rc = kn_json_parse(text, "the cards of the opinion probes", &root, &all.err);
    cards = kn_json_get(root, "cards");
    for (size_t i = 0; all.rc == KN_OK && i < kn_json_length(cards) && i < MAX_PROBES; i++) {
        all.rc = read_probe(kn_json_at(cards, i), &all.probes[i], &all.err);
        if (all.rc)
            kn_err_wrap(&all.err, all.rc, "read card %zu of the opinion probes", i + 1);
        else
            all.n = i + 1;
    }
    kn_json_free(root);
}

int kn_scorer_probe(const char *embedding_model, struct kn_scorer *out, struct kn_err *err)
{
    struct kn_buf names;
    int rc;

    pthread_once(&all.once, read_probes);
    if (all.rc) {
        if (err)
            *err = all.err;
        return all.rc;
    }
    for (size_t i = 0; i < all.n; i++)
        if (strcmp(all.probes[i].model, embedding_model) == 0) {
            *out = all.probes[i];
            return KN_OK;
        }
    kn_buf_init(&names, 128);
    for (size_t i = 0; i < all.n; i++)
        kn_buf_addf(&names, NULL, "%s%s", i ? ", " : "", all.probes[i].model);
    rc = kn_err_set(err, KN_ENOTFOUND,
                    "no opinion probe is made for the embedding model '%s'; there is one for: %s",
                    embedding_model, names.data);
    kn_buf_free(&names);
    return rc;
}

int kn_scorer_lexicon(const char *path, struct kn_scorer *out, struct kn_err *err)
{
    struct kn_scorer s = {.name = "lexicon", .version = LEXICON_VERSION};
    int rc = kn_lexicon_open(path, &s.lexicon, err);

    if (rc == KN_OK)
        *out = s;
    return rc;
}

int kn_scorer_llm(const char *path, struct kn_scorer *out, struct kn_err *err)
{
    struct kn_scorer s = {.name = "llm", .version = LLM_VERSION};
    int rc = kn_instruct_open(path, &s.instruct, err);

    if (rc == KN_OK)
        *out = s;
    return rc;
}

bool kn_scorer_exists(const char *name)
{
    return strcmp(name, "probe") == 0 || strcmp(name, "lexicon") == 0 || strcmp(name, "llm") == 0;
}

void kn_scorer_close(struct kn_scorer *s)
{
    kn_lexicon_close(s->lexicon);
    s->lexicon = NULL;
    kn_instruct_close(s->instruct);
    s->instruct = NULL;
}

bool kn_scorer_reads(const struct kn_scorer *s, const char *language)
{
    return (!s->lexicon && !s->instruct) || !*language ||
           (strncasecmp(language, "en", 2) == 0 && (language[2] == '\0' || language[2] == '-'));
}

static int score_by_lexicon(const struct kn_scorer *s, const struct kn_opinion_input *in,
                            double *out, struct kn_err *err)
{
    struct kn_sentiment sentiment;
    int rc = kn_lexicon_score(s->lexicon, in->text, &sentiment, err);

    if (rc == KN_OK)
        *out = sentiment.polarity;
    return rc;
}

int kn_scorer_score(const struct kn_scorer *s, const struct kn_opinion_input *in, double *out,
                    struct kn_err *err)
{
    double sum = 0;
    bool any = false;

    if (!kn_scorer_reads(s, in->language)) {
        *out = (double)NAN;
        return KN_OK;
    }
    if (s->lexicon)
        return score_by_lexicon(s, in, out, err);
    if (s->instruct)
        return kn_instruct_score(s->instruct, in->text, out, err);
    if (!in->vector || in->dim != s->dim)
        return kn_err_set(
            err, KN_EARG,
            "score an opinion: the vector has %zu numbers, the probe for %s takes %zu",
            in->vector ? in->dim : 0, s->model, s->dim);
    for (size_t i = 0; i < s->dim; i++) {
        any = any || in->vector[i] != 0;
        sum += (double)s->weights[i] * (double)in->vector[i];
    }
    *out = any ? tanh(s->scale * (sum + s->bias)) : (double)NAN;
    return KN_OK;
}

double kn_opinion_of_title(const struct kn_moment *moments, size_t n)
{
    double sum = 0, weight = 0;

    for (size_t i = 0; i < n; i++) {
        double words = moments[i].words ? moments[i].words : 1;

        if (isnan(moments[i].opinion))
            continue;
        sum += words * moments[i].opinion;
        weight += words;
    }
    return weight > 0 ? sum / weight : (double)NAN;
}
