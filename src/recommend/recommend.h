/* recommend.h - from candidates to an answer: pure functions over what the library returned.
 *
 *     kn_fuse -> kn_rank -> kn_distinct -> kn_diversify -> kn_evidence
 *
 * score = w_similarity * z(likeness) + w_opinion * z(opinion term), both terms standardised over the candidates
 * (zero mean, unit variance; a term without spread is 0 for all), or the one with the wider
 * spread would rank alone. The likeness is the similarity where candidates came by meaning alone, else what kn_fuse
 * makes of it and of the words shared. The opinion term, for the query's opinion a and a candidate's b:
 *   mood    1 - |a - b| / 2   films of like tone
 *   uplift  (1 + b) / 2       the most positive first
 * An opinion that is not known counts as the candidates' mean term; where the query's is not (a text has none), mood
 * ranks nothing. So a score orders the answers of one query and says nothing across queries; the similarity and the
 * opinions beside it do. Ties: the higher similarity, then the lower id. */
#ifndef KN_RECOMMEND_H
#define KN_RECOMMEND_H

#include "library/library.h"

struct kn_err;

/* ---- candidates ---- */

struct kn_candidate {
    struct kn_hit hit;
    double likeness;             /* what is standardised; finite */
    size_t by_meaning, by_words; /* its place in either list, from 1; 0: not in it */
};

/* How many candidates to ask the library for: max(100, 10 k), the same on every backend. */
size_t kn_candidates_for(size_t k);

/* Two lists, best first, into one without repeats (room for n_meaning + n_words); returns how many. A title's likeness, as
 * it came in either list, plus what it shares in rare words; of one that is not in words that is less than the last of them
 * shares, and counts as nothing. Reciprocal rank fusion instead, which knows only places, finds about as many siblings of a film
 * and fewer of its genres, and takes any chance word for a reason in a library where nothing is shared
 * (bench/RESULTS.md). */
size_t kn_fuse(const struct kn_candidate *meaning, size_t n_meaning,
               const struct kn_candidate *words, size_t n_words, struct kn_candidate *out);

/* How alike a title is to several examples, from its cosines with the liked and the others: the best of the liked, or, where it
 * is no more like them than like the others, minus the square of the best of the others (Qdrant's best_score). n_liked at least 1. */
double kn_best_score(const double *liked, size_t n_liked, const double *others, size_t n_others);

/* The vector of several examples, unit length: the mean of the liked plus its difference from the mean of the others, if any
 * (Qdrant's average_vector). Zeros where they cancel out. */
void kn_average_vector(const float *const *liked, size_t n_liked, const float *const *others,
                       size_t n_others, size_t dim, float *out);

/* ---- ranking ---- */

enum kn_rank { KN_RANK_MOOD, KN_RANK_UPLIFT };

struct kn_rank_options {
    double w_similarity, w_opinion; /* not negative, not both 0 */
    enum kn_rank rank;
    double weak_below; /* a similarity below it marks the answer weak */
};

struct kn_ranked {
    const struct kn_candidate *candidate; /* borrowed */
    double opinion_term;                  /* 0..1 */
    double of_likeness, of_opinion;       /* the standardised terms, weighted */
    double score;                         /* their sum */
    bool weak;
    bool unknown_language; /* asked for a language, this title's is not known: after all others */
};

/* Ranks n candidates into ranked (room for n), best first. last_unknown: those of unknown language come last. */
int kn_rank(double query_opinion, const struct kn_candidate *candidates, size_t n,
            bool last_unknown, const struct kn_rank_options *options, struct kn_ranked *ranked,
            struct kn_err *err);

/* How far either term alone would have put them in the same order: Spearman's rank correlation, -1..1, of the places in ranked
 * with the likeness, and with the opinion term; equal values share their mean place. NaN where a term has no
 * spread, or n is below 2. KN_ELIMIT. */
int kn_rank_correlations(const struct kn_ranked *ranked, size_t n, double *likeness,
                         double *opinion, struct kn_err *err);

/* ---- which of them to show ---- */

enum { KN_STANDS = -1, KN_IS_NAMED = -2 };

/* One film under two names, which is when three quarters of what the shorter says are in the other (kn_wording_overlap; of less than
 * 50 phrases, .95, since short texts share how such texts are written: one other word in 36 is then enough to keep two
 * apart): same_as[i], of n titles best first, becomes the place of the first better one that says the same
 * (of which it is a near-duplicate), KN_IS_NAMED where one of those that were named in the question does, else KN_STANDS. Only those that stand are
 * compared with: 1 us a title that is like no other. KN_ELIMIT. */
int kn_distinct(const struct kn_wording *named, size_t n_named, const struct kn_wording *wordings,
                size_t n, long *same_as, struct kn_err *err);

/* Maximal marginal relevance (Carbonell and Goldstein 1998): picks k of n, one after another, each the one with the most
 *     (1 - diversity) * s - diversity * (greatest cosine with one picked before)
 * where s is its score on a scale from 0 (the last of them) to 1 (the first). Those of unknown language are picked after the others.
 * diversity 0..1. vectors are in the order of ranked, which is kn_rank's; picked has room for k and gets min(k, n) places in
 * it. KN_ELIMIT. */
int kn_diversify(const struct kn_ranked *ranked, const float *const *vectors, size_t n, size_t dim,
                 double diversity, size_t k, size_t *picked, struct kn_err *err);

/* The two moments that are most alike: greatest inner product of their vectors, ties by the
 * lower numbers. Both lists must hold vectors of dim numbers. False when either is empty. *similarity (may be
 * NULL) is that product. Two films of two hours each: about 5 ms. */
bool kn_evidence(const struct kn_moment *a, size_t n_a, const struct kn_moment *b, size_t n_b,
                 size_t dim, size_t *in_a, size_t *in_b, double *similarity);

/* Which line of a moment says what was asked for: the segment that has most of the query's words (of three
 * bytes and more, folded; a long word weighs more than a short one), the first one on a tie, 0 when none has any. A
 * moment is found by its meaning as a whole; this is where to begin to listen. n at least 1. */
size_t kn_best_line(const struct kn_segment *segments, size_t n, const char *query);

/* A title's vector: the word-weighted mean of its moments' vectors, unit length. Zeros when there is none. */
void kn_title_vector(const struct kn_moment *moments, size_t n, size_t dim, float *out);

#endif
