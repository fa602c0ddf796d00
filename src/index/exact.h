/* exact.h - the nearest vectors by looking at all of them: ground truth, and fast enough for some
 * ten thousand titles. The quantised tiers of DESIGN section 4 are in dense.h.
 *
 * Vectors are unit length, so the inner product is the cosine. Rows are numbered from 0 in the
 * order of their adding. Ties are broken by the lower row, and every machine sums in the same order
 * without fusing, so that answers are repeatable to the last bit. 5,000 x 384: 0.25 ms (AVX-512).
 *
 * Threads: many may search at once while none adds. */
#ifndef KN_INDEX_EXACT_H
#define KN_INDEX_EXACT_H

#include <stddef.h>
#include <stdint.h>

struct kn_err;
struct kn_exact; /* opaque */

struct kn_exact_hit {
    uint32_t row;
    float similarity; /* -1..1 */
};

int kn_exact_new(size_t dim, struct kn_exact **out, struct kn_err *err); /* dim 1..4096; KN_EARG */
void kn_exact_free(struct kn_exact *x);                                  /* NULL is fine */
int kn_exact_add(struct kn_exact *x, const float *vector, struct kn_err *err); /* copies */
size_t kn_exact_rows(const struct kn_exact *x);
const float *kn_exact_row(const struct kn_exact *x, uint32_t row); /* until the next add */

/* The k best rows, best first. allowed: NULL for all, else one bit a row (row r is bit r % 64 of word r / 64).
 * Returns how many: min(k, rows allowed). hits has room for k. */
size_t kn_exact_search(const struct kn_exact *x, const float *query, const uint64_t *allowed,
                       size_t k, struct kn_exact_hit *hits);

/* The similarity of each of these rows, as a search gives it. */
void kn_exact_compare(const struct kn_exact *x, const float *query, const uint32_t *rows, size_t n,
                      float *out);

#endif
