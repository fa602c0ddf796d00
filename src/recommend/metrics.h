/* metrics.h - how good answers are: measures over what was found and what was wanted, and how sure they are.
 *
 * An answer is a list of marks, best first: marks[i] says whether the i-th title is one of those wanted. k is where
 * people stop reading; an answer shorter than k has nothing in the places that are missing. wanted is how many there
 * are in the library, at least 1. Gains are 0 or 1 and discounts 1 / log2(place + 1), as Järvelin and Kekäläinen
 * have them.
 *
 * How sure: the bootstrap (Efron), percentiles 2.5 and 97.5 of KN_RESAMPLES drawings of the questions with replacement.
 * A statistic is told how many times each question was drawn, so that what it sorted once serves all drawings, and
 * two models asked the same questions are drawn together (kn_difference_of): their difference is far surer than
 * either of them. The generator has a fixed seed: the same figures give the same interval.
 *
 * Pure functions, any thread. */
#ifndef KN_RECOMMEND_METRICS_H
#define KN_RECOMMEND_METRICS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_err;

/* ---- one answer ---- */

double kn_precision(const bool *marks, size_t n, size_t k);           /* of k places, those right */
double kn_ndcg(const bool *marks, size_t n, size_t k, size_t wanted); /* 1: as well as possible */

/* Mean of 1 - cosine over all pairs of unit vectors: 0 for copies. NaN for less than two. */
double kn_diversity(const float *const *vectors, size_t n, size_t dim);

/* The place, from 1, of item among n by score; who has an equal score stands before it, or vectors that are all the
 * same would find each other. */
size_t kn_place(const float *scores, size_t n, size_t item);

/* Word errors of a transcript against its reference: substitutions, deletions and insertions (Levenshtein). Words are
 * compared folded (kn_fold), without punctuation; an apostrophe does not part a word. *words: those of the
 * reference. Time grows with the product of both. KN_ELIMIT: a text of more than KN_WORDS_COMPARED words. */
enum { KN_WORDS_COMPARED = 50000 };
int kn_word_errors(struct kn_sv reference, struct kn_sv heard, size_t *errors, size_t *words,
                   struct kn_err *err);

/* ---- all answers ---- */

enum { KN_RESAMPLES = 1000 };

struct kn_interval {
    double value, low, high; /* NaN: nothing to measure on */
};

/* The statistic of n questions, of which the i-th counts times[i] times. */
typedef double kn_statistic(const void *ctx, const uint32_t *times, size_t n);

struct kn_ratio { /* kn_ratio_of: sum of top over sum of bottom */
    const double *top;
    const double *bottom; /* NULL: 1 each, which makes it the mean */
};
kn_statistic kn_ratio_of;

struct kn_scored { /* kn_auc_of: how often a positive one has the higher score; equal is half */
    const double *scores;
    const bool *positive;
    const uint32_t *order; /* kn_order of the scores */
};
kn_statistic kn_auc_of;
/* Numbers 0..n-1 by rising score; scores must not be NaN. */
void kn_order(const double *scores, size_t n, uint32_t *order);

struct kn_compared { /* kn_difference_of: statistic(a) - statistic(b) */
    kn_statistic *statistic;
    const void *a, *b;
};
kn_statistic kn_difference_of;

/* Drawings for which the statistic is NaN (none of one class came) do not count. KN_ELIMIT without memory. */
int kn_bootstrap(kn_statistic *statistic, const void *ctx, size_t n, struct kn_interval *out,
                 struct kn_err *err);

/* The next of a fixed sequence of numbers (splitmix64; Steele, Lea, Flood 2014), and one below n from it. */
uint64_t kn_random(uint64_t *state);
size_t kn_random_below(uint64_t *state, size_t n);

#endif
