/* best.h - the k best hits of a scan: a heap whose first is the worst; private to src/index. Ties go to the lower row. */
#ifndef KN_INDEX_BEST_H
#define KN_INDEX_BEST_H

#include "index/exact.h"

#include <math.h>
#include <stdbool.h>

struct kn_best {
    struct kn_exact_hit *hits; /* room for k */
    size_t n, k;               /* k at least 1 */
};

/* Rounding takes equal vectors a little past 1. Cut before ranking, so that the order is that of the numbers shown. */
static inline float kn_within_one(float similarity)
{
    return similarity > 1 ? 1 : similarity < -1 ? -1 : similarity;
}

static inline bool kn_best_worse(struct kn_exact_hit a, struct kn_exact_hit b)
{
    if (a.similarity != b.similarity)
        return a.similarity < b.similarity;
    return a.row > b.row;
}

/* What a row behind all that were offered must be above to come in. */
static inline float kn_best_limit(const struct kn_best *b)
{
    return b->n < b->k ? -INFINITY : b->hits[0].similarity;
}

void kn_best_put(struct kn_best *b, struct kn_exact_hit hit); /* where it is known to come in */
static inline void kn_best_offer(struct kn_best *b, uint32_t row, float similarity)
{
    const struct kn_exact_hit hit = {row, similarity};

    if (b->n < b->k || kn_best_worse(b->hits[0], hit))
        kn_best_put(b, hit);
}

void kn_best_sort(struct kn_best *b); /* best first; nothing is offered behind it */

#endif
