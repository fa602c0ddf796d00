/* sparse.h - titles that say the same rare words: names of places, people, ships, which a vector of meaning blurs.
 *
 * A row is one title. Its weight for a term said c times (255 at most), where n of N rows say it, is
 *     (c * 2.2) / (c + 1.2) * ln(1 + (N - n + .5) / (n + .5))
 * as in BM25 (Robertson and Zaragoza 2009, k1 1.2, b 0), and the 64 of highest weight, scaled to unit length, are its sparse
 * vector. A term that more than a tenth of the rows say (and more than three: a film, its sequel and a trailer) is not rare and counts nowhere: in a large
 * library it weighs next to nothing, and in a small one, where no word looks frequent, "the" would. Terms that no other row has come behind all that another one has: only a text that is no row could find the
 * title by them. A score is the inner product of two such vectors, 0..1. Measured on 7,986 film descriptions beside BM25 itself (bench/RESULTS.md): it finds more siblings, since a
 * term that is rare counts on both sides; dividing by a text's length (BM25's b) adds nothing to that.
 *
 * All weights follow from the rows together, whatever order they came in. Built, the lists are one block of bytes, which may be
 * kept in a file and searched as it lies there.
 *
 * An index that is built on another one (base) holds rows that came later. N and n are then those of both together, and a
 * text is weighed by them; the base keeps the weights of its own rows, as of when it was built, and rows of it that are no more still
 * count. So a word that two new films bring is rare at once, one that everybody says stays usual, and what is
 * off is no more than the tail's share in N: at 2 % more rows the logarithm moves by .02 at most, where it is 2.3 to 14.
 *
 * Exact, with MaxScore (Turtle and Flood 1995): lists are added from the heaviest term to the lightest, and once k rows are
 * found, those that together cannot lift a row above the last of them are looked up only for rows that the others left close to
 * it. Sums run in one order whatever is skipped, so a score does not depend on that. 64 postings a row of 3 bytes each, or 5 where few have the term (row within a
 * chunk of 65,536, count), 4 bytes for its length, 20 for each term of more than one row, 9 for the others.
 *
 * Ties go to the lower row. Threads: many may search at once after kn_sparse_build. */
#ifndef KN_INDEX_SPARSE_H
#define KN_INDEX_SPARSE_H

#include "text/wording.h"

#include <stddef.h>
#include <stdint.h>

struct kn_err;
struct kn_sparse; /* opaque */

enum { KN_SPARSE_TERMS = 64 };

struct kn_sparse_hit {
    uint32_t row;
    float score; /* above 0, at most 1 */
};

/* The sparse vector of a text, heaviest term first. */
struct kn_sparse_text {
    size_t n;
    struct kn_sparse_term {
        uint32_t hash;
        float weight;
    } terms[KN_SPARSE_TERMS];
};

int kn_sparse_new(struct kn_sparse **out, struct kn_err *err);
void kn_sparse_free(struct kn_sparse *x); /* NULL is fine */

/* One more row; no terms are fine. Copies. Not after kn_sparse_build. KN_ELIMIT. */
int kn_sparse_add(struct kn_sparse *x, const struct kn_term *terms, size_t n, struct kn_err *err);

/* Behind the last row: which row each one added is, all rows once. Borrowed until kn_sparse_build. Not called: they came in order. */
void kn_sparse_order(struct kn_sparse *x, const uint32_t *places);

/* Once, behind the last row. base: NULL, or a built one, borrowed for as long as this one lives. KN_ELIMIT. */
int kn_sparse_build(struct kn_sparse *x, const struct kn_sparse *base, struct kn_err *err);

/* What was built, to be kept; lives as long as x. And back, over bytes that are borrowed, lie on 8 bytes and outlive it:
 * looks at the head only, and no bytes whatever make a search read outside of them. KN_ECORRUPT. */
const void *kn_sparse_bytes(const struct kn_sparse *x, size_t *n);
int kn_sparse_map(const void *bytes, size_t n, struct kn_sparse **out, struct kn_err *err);

/* The bytes are a mapping of this file from at on, which stays open: lists of a few rows are then read and not looked at where they
 * lie. There are a million of them, each on a page that brings fifteen others with it, and a read takes half a microsecond. */
void kn_sparse_read_short(struct kn_sparse *x, int fd, uint64_t at);

size_t kn_sparse_rows(const struct kn_sparse *x);

/* A text with these terms (n at most KN_TERMS), which need not be a row, as x and its base see it. */
void kn_sparse_weigh(const struct kn_sparse *x, const struct kn_term *terms, size_t n,
                     struct kn_sparse_text *out);

/* The k best rows of x (not of its base), best first; only those that share a term. allowed is as in exact.h. hits has
 * room for k; *found says how many came. KN_ELIMIT, KN_EIO. */
int kn_sparse_search(const struct kn_sparse *x, const struct kn_sparse_text *text,
                     const uint64_t *allowed, size_t k, struct kn_sparse_hit *hits, size_t *found,
                     struct kn_err *err);

#endif
