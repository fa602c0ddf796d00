/* recommend.h - from candidates to an answer: pure functions over what the library returned.
 *
 * score = w_similarity * z(similarity) + w_opinion * z(opinion term), both terms standardised over the candidates
 * (zero mean, unit variance; a term without spread is 0 for all), or the one with the wider
 * spread would rank alone. The opinion term, for the query's opinion a and a candidate's b:
 *   mood    1 - |a - b| / 2   films of like tone
 *   uplift  (1 + b) / 2       the most positive first
 * An opinion that is not known counts as the candidates' mean term. So a score orders the answers of one
 * query and says nothing across queries; the similarity and the opinions beside it do. Ties: the higher similarity,
 * then the lower id. */
#ifndef KN_RECOMMEND_H
#define KN_RECOMMEND_H

#include "library/library.h"

struct kn_err;

enum kn_rank { KN_RANK_MOOD, KN_RANK_UPLIFT };

struct kn_rank_options {
    double w_similarity, w_opinion; /* not negative, not both 0 */
    enum kn_rank rank;
    double weak_below; /* a similarity below it marks the answer weak */
};

struct kn_ranked {
    const struct kn_hit *hit; /* borrowed from the candidates */
    double opinion_term;      /* 0..1 */
    double score;             /* the weighted sum of the standardised terms */
    bool weak;
    bool unknown_language; /* asked for a language, this title's is not known: after all others */
};

/* Ranks n candidates into ranked (room for n), best first. last_unknown: those of unknown language come last. */
int kn_rank(double query_opinion, const struct kn_hit *candidates, size_t n, bool last_unknown,
            const struct kn_rank_options *options, struct kn_ranked *ranked, struct kn_err *err);

/* How many candidates to ask the library for: max(100, 10 k), the same on every backend. */
size_t kn_candidates_for(size_t k);

/* The two moments that are most alike: greatest inner product of their vectors, ties by the
 * lower numbers. Both lists must hold vectors of dim numbers. False when either is empty. */
bool kn_evidence(const struct kn_moment *a, size_t n_a, const struct kn_moment *b, size_t n_b,
                 size_t dim, size_t *in_a, size_t *in_b);

/* Which line of a moment says what was asked for: the segment that has most of the query's words (of three
 * bytes and more, folded; a long word weighs more than a short one), the first one on a tie, 0 when none has any. A
 * moment is found by its meaning as a whole; this is where to begin to listen. n at least 1. */
size_t kn_best_line(const struct kn_segment *segments, size_t n, const char *query);

/* A title's vector: the word-weighted mean of its moments' vectors, unit length. Zeros when there is none. */
void kn_title_vector(const struct kn_moment *moments, size_t n, size_t dim, float *out);

#endif
