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

/* Which wordings have which phrase: nearly all pairs of titles share none, and looking all up takes a hundredth of the time of
 * comparing all pairs. */
struct phrases {
    uint32_t *first; /* place + 1 in entries, by the hash's last bits; 0: none */
    struct entry {
        uint32_t hash, which, next;
    } * entries;
    uint32_t *shared; /* with each wording before, of the one that is looked at */
    size_t n, mask;
};

static bool make_phrases(struct phrases *p, const struct kn_wording *const *w, size_t n)
{
    size_t all = 0;

    for (size_t i = 0; i < n; i++)
        all += w[i]->n_sketch;
    for (p->mask = 255; p->mask < 2 * all;)
        p->mask = 2 * p->mask + 1;
    p->first = calloc(p->mask + 1, sizeof *p->first);
    p->entries = malloc((all + 1) * sizeof *p->entries);
    p->shared = malloc((n + 1) * sizeof *p->shared);
    return p->first && p->entries && p->shared;
}

static void drop_phrases(struct phrases *p)
{
    free(p->first);
    free(p->entries);
    free(p->shared);
}

static void count_shared(struct phrases *p, const struct kn_wording *w, size_t at)
{
    memset(p->shared, 0, at * sizeof *p->shared);
    for (uint32_t i = 0; i < w->n_sketch; i++)
        for (uint32_t e = p->first[w->sketch[i] & p->mask]; e > 0; e = p->entries[e - 1].next)
            p->shared[p->entries[e - 1].which] += p->entries[e - 1].hash == w->sketch[i];
}

static void add_phrases(struct phrases *p, const struct kn_wording *w, size_t at)
{
    for (uint32_t i = 0; i < w->n_sketch; i++) {
        uint32_t *first = &p->first[w->sketch[i] & p->mask];

        p->entries[p->n] = (struct entry){w->sketch[i], (uint32_t)at, *first};
        *first = (uint32_t)++p->n;
    }
}

int kn_distinct(const struct kn_wording *named, size_t n_named, const struct kn_wording *wordings,
                size_t n, long *same_as, struct kn_err *err)
{
    const struct kn_wording **all = malloc((n_named + n + 1) * sizeof *all);
    struct phrases p = {0};
    int rc = KN_OK;

    for (size_t i = 0; all && i < n_named + n; i++)
        all[i] = i < n_named ? &named[i] : &wordings[i - n_named];
    if (!all || !make_phrases(&p, all, n_named + n))
        rc = kn_err_set(err, KN_ELIMIT, "rank: no memory to compare %zu titles", n);
    for (size_t at = 0; !rc && at < n_named + n; at++) {
        size_t i = at;

        if (at >= n_named) {
            count_shared(&p, all[at], at);
            for (i = 0; i < at && !(p.shared[i] >= KN_SURE && is_same(all[i], all[at]));)
                i++;
            same_as[at - n_named] = i == at       ? KN_STANDS
                                    : i < n_named ? KN_IS_NAMED
                                                  : (long)(i - n_named);
        }
        if (i == at) /* only with what stands are others compared */
            add_phrases(&p, all[at], at);
    }
    drop_phrases(&p);
    free(all);
    return rc;
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
