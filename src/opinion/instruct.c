#include "instruct.h"

#include "base/buf.h"
#include "base/err.h"
#include "llm/score.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_MAX = 64 };

static const double WIDTH =
    3.0; /* of 1 to 6, the least square error on 80 rated snippets of the training part */

static const struct kn_question question = {
    .before = "Text: A beautiful, funny and touching film.\nSentiment: positive\n\n"
              "Text: A dull and lifeless mess.\nSentiment: negative\n\n"
              "Text: They laugh, dance and find love at last.\nSentiment: positive\n\n"
              "Text: A killer hunts a family through the dark house.\nSentiment: negative\n\n"
              "Text: ",
    .after = "\nSentiment:",
    .yes = " positive",
    .no = " negative",
    .max_tokens = 256,
};

static const char *const content_free[] = {"N/A", "...", "[MASK]", "The film."};

struct judge {
    struct kn_judge *model;
    double neutral;
};

struct kn_instruct {
    char *path;
    pthread_mutex_t lock; /* what is below */
    struct judge idle[IDLE_MAX];
    size_t n_idle;
};

int kn_instruct_open(const char *path, struct kn_instruct **out, struct kn_err *err)
{
    struct kn_instruct *s;

    if (access(path, R_OK) != 0)
        return kn_err_set(err, KN_ENOTFOUND,
                          "the language model '%s' is not there; run: make models-all", path);
    s = calloc(1, sizeof *s);
    if (s)
        s->path = strdup(path);
    if (!s || !s->path) {
        free(s);
        return kn_err_memory(err, "open language model '%s': no memory", path);
    }
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return KN_OK;
}

void kn_instruct_close(struct kn_instruct *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_idle; i++)
        kn_judge_close(s->idle[i].model);
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}

static int new_judge(const char *path, struct judge *out, struct kn_err *err)
{
    const size_t n = sizeof content_free / sizeof *content_free;
    struct judge j = {.neutral = 0};
    int rc = kn_judge_open(path, &question, &j.model, err);

    for (size_t i = 0; i < n && rc == KN_OK; i++) {
        double odds;

        rc = kn_judge_ask(j.model, content_free[i], &odds, err);
        if (rc == KN_OK)
            j.neutral += odds / (double)n;
    }
    if (rc)
        kn_judge_close(j.model);
    else
        *out = j;
    return rc;
}

static int take(struct kn_instruct *s, struct judge *out, struct kn_err *err)
{
    bool found;

    pthread_mutex_lock(&s->lock);
    found = s->n_idle > 0;
    if (found)
        *out = s->idle[--s->n_idle];
    pthread_mutex_unlock(&s->lock);
    return found ? KN_OK : new_judge(s->path, out, err);
}

static void give_back(struct kn_instruct *s, struct judge j)
{
    pthread_mutex_lock(&s->lock);
    if (s->n_idle < IDLE_MAX) {
        s->idle[s->n_idle++] = j;
        j.model = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    kn_judge_close(j.model);
}

int kn_instruct_score(struct kn_instruct *s, const char *text, double *out, struct kn_err *err)
{
    struct judge j;
    double odds;
    int rc;

    if (kn_sv_trim(kn_sv_of(text)).n == 0) {
        *out = (double)NAN;
        return KN_OK;
    }
    rc = take(s, &j, err);
    if (rc)
        return rc;
    rc = kn_judge_ask(j.model, text, &odds, err);
    if (rc == KN_OK)
        *out = tanh((odds - j.neutral) / WIDTH);
    give_back(s, j);
    return rc;
}
