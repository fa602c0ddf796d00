/* sparse.h - titles that say the same rare words: names of places, people, ships, which a vector of meaning blurs.
 *
 * A row is one title. Its weight for a term said c times, where n of N rows say it, is
 *     (c * 2.2) / (c + 1.2) * ln(1 + (N - n + .5) / (n + .5))
 * as in BM25 (Robertson and Zaragoza 2009, k1 1.2, b 0), and the 64 of highest weight, scaled to unit length, are its sparse
 * vector. A term that more than a tenth of the rows say (and more than three: a film, its sequel and a trailer) is not rare and counts nowhere: in a large
 * library it weighs next to nothing, and in a small one, where no word looks frequent, "the" would. Terms that no other row has come behind all that another one has: only a text that is no row could find the
 * title by them. A score is the inner product of two such vectors, 0..1. Measured on 7,986 film descriptions beside BM25 itself (bench/RESULTS.md): it finds more siblings, since a
 * term that is rare counts on both sides; dividing by a text's length (BM25's b) adds nothing to that.
 *
 * All weights follow from the rows together, whatever order they came in: a row more changes all a little, so they are
 * computed when the index is built and not kept. 8,000 rows of 70 terms: about 15 ms.
 *
 * Inverted lists: a search looks only at rows that share a term. Ties go to the lower row. Threads: many may search at
 * once after kn_sparse_build. */
#ifndef KN_INDEX_SPARSE_H
#define KN_INDEX_SPARSE_H

#include "text/wording.h"

#include <stddef.h>

struct kn_err;
struct kn_sparse; /* opaque */

enum { KN_SPARSE_TERMS = 64 };

struct kn_sparse_hit {
    uint32_t row;
    float score; /* above 0, at most 1 */
};

int kn_sparse_new(struct kn_sparse **out, struct kn_err *err);
void kn_sparse_free(struct kn_sparse *x); /* NULL is fine */

/* The next row; no terms are fine. Copies. Not after kn_sparse_build. KN_ELIMIT. */
int kn_sparse_add(struct kn_sparse *x, const struct kn_term *terms, size_t n, struct kn_err *err);
int kn_sparse_build(struct kn_sparse *x, struct kn_err *err); /* once, behind the last row */

/* The k best rows for a text with these terms (n at most KN_TERMS), best first; only those that share one. It need not be a
 * row itself. allowed is as in exact.h. hits has room for k; *found says how many came. KN_ELIMIT. */
int kn_sparse_search(const struct kn_sparse *x, const struct kn_term *terms, size_t n,
                     const uint64_t *allowed, size_t k, struct kn_sparse_hit *hits, size_t *found,
                     struct kn_err *err);

#endif
