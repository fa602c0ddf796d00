/* Before and behind the ranking: which titles are candidates, and which of the ranked are shown. */
#include "recommend.h"

#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CANDIDATES_MIN = 100,
    CANDIDATES_FACTOR = 10,
    SHORT_PHRASES = 50, /* of a text that may be all set phrases */
};

/* Measured on 7,986 film descriptions: 1 to 3 differ by less than chance (bench/RESULTS.md). 1, since among the few and
 * short films of samples/ one word in common by chance must not outweigh what they are about. */
#define WORDS_WEIGHT 1.0

size_t kn_candidates_for(size_t k)
{
    return k > CANDIDATES_MIN / CANDIDATES_FACTOR ? k * CANDIDATES_FACTOR : CANDIDATES_MIN;
}

/* ---- fusion ---- */

static int by_id(const void *pa, const void *pb)
{
    const struct kn_candidate *a = pa, *b = pb;

    return memcmp(&a->hit.id, &b->hit.id, sizeof a->hit.id);
}

size_t kn_fuse(const struct kn_candidate *meaning, size_t n_meaning,
               const struct kn_candidate *words, size_t n_words, struct kn_candidate *out)
{
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < n_meaning; i++) {
        out[n] = meaning[i];
        out[n++].by_meaning = i + 1;
    }
    for (size_t i = 0; i < n_words; i++) {
        out[n] = words[i];
        out[n].likeness += WORDS_WEIGHT * words[i].hit.words;
        out[n++].by_words = i + 1;
    }
    if (n > 0)
        qsort(out, n, sizeof *out, by_id);
    for (size_t i = 0; i < n; i++) {
        struct kn_candidate *last = kept > 0 ? &out[kept - 1] : NULL;
        size_t place = out[i].by_meaning + (last ? last->by_meaning : 0);

        if (!last || by_id(last, &out[i]) != 0) {
            out[kept++] = out[i];
            continue;
        }
        if (out[i].by_words > 0) /* its likeness has the words in it */
            *last = out[i];
        last->by_meaning = place;
    }
    return kept;
}

static double greatest(const double *v, size_t n)
{
    double most = -INFINITY;

    for (size_t i = 0; i < n; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

double kn_best_score(const double *liked, size_t n_liked, const double *others, size_t n_others)
{
    double good = greatest(liked, n_liked), bad = greatest(others, n_others);

    return good > bad ? good : -(bad * bad);
}

/* ---- near-duplicates ---- */

/* Of 7,986 film descriptions all pairs above .95 are one film twice; from .7 to .95 short ones have no more in common than how
 * such texts are written, and no pair of longer ones is above .7 without being one. A trailer heard twice keeps .86 of
 * its phrases of three words where one word in twenty is heard differently. */
static bool is_same(const struct kn_wording *a, const struct kn_wording *b)
{
    uint32_t shorter = a->phrases < b->phrases ? a->phrases : b->phrases;

    return kn_wording_overlap(a, b) > (shorter < SHORT_PHRASES ? 0.95 : 0.75);
}

static long same_as_which(const struct kn_wording *named, size_t n_named,
                          const struct kn_wording *wordings, size_t at, const long *same_as)
{
    for (size_t i = 0; i < n_named; i++)
        if (is_same(&named[i], &wordings[at]))
            return KN_IS_NAMED;
    for (size_t i = 0; i < at; i++)
        if (same_as[i] == KN_STANDS && is_same(&wordings[i], &wordings[at]))
            return (long)i;
    return KN_STANDS;
}

void kn_distinct(const struct kn_wording *named, size_t n_named, const struct kn_wording *wordings,
                 size_t n, long *same_as)
{
    for (size_t i = 0; i < n; i++)
        same_as[i] = same_as_which(named, n_named, wordings, i, same_as);
}

/* ---- diversity ---- */

static double cosine(const float *a, const float *b, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += (double)a[d] * (double)b[d];
    return sum;
}

struct choice {
    double s;     /* 0..1 */
    double alike; /* to what was picked; -1: nothing was */
    bool is_picked, last;
};

static void scale(const struct kn_ranked *ranked, size_t n, struct choice *c)
{
    double least = INFINITY, most = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        least = fmin(least, ranked[i].score);
        most = fmax(most, ranked[i].score);
    }
    for (size_t i = 0; i < n; i++)
        c[i] = (struct choice){
            .s = most > least ? (ranked[i].score - least) / (most - least) : 0,
            .alike = -1,
            .last = ranked[i].unknown_language,
        };
}

/* The first of the best, as ranked. n is more than are picked. */
static size_t best_choice(const struct choice *c, size_t n, double diversity)
{
    size_t best = n;
    double most = 0;

    for (size_t i = 0; i < n; i++) {
        double gain = (1 - diversity) * c[i].s - diversity * c[i].alike;

        if (c[i].is_picked || (best < n && c[i].last && !c[best].last))
            continue;
        if (best == n || gain > most) {
            best = i;
            most = gain;
        }
    }
    return best;
}

int kn_diversify(const struct kn_ranked *ranked, const float *const *vectors, size_t n, size_t dim,
                 double diversity, size_t k, size_t *picked, struct kn_err *err)
{
    struct choice *c = calloc(n + 1, sizeof *c);

    if (!c)
        return kn_err_set(err, KN_ELIMIT, "rank: no memory to choose from %zu titles", n);
    scale(ranked, n, c);
    for (size_t i = 0; i < k && i < n; i++) {
        picked[i] = best_choice(c, n, diversity);
        c[picked[i]].is_picked = true;
        for (size_t j = 0; j < n; j++)
            if (!c[j].is_picked)
                c[j].alike = fmax(c[j].alike, cosine(vectors[j], vectors[picked[i]], dim));
    }
    free(c);
    return KN_OK;
}
