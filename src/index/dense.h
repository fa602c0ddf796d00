/* dense.h - the nearest vectors of many: exact.h's question in a fraction of the bytes, in memory or from a file.
 *
 * A row is kept as dim numbers of 16 bits, the row's largest being 32,512, in two planes: the upper bytes (`codes`) with one scale a row are
 * what a scan reads, the lower bytes (`fine`) what a re-rank adds to the few that are left, and what a reported similarity is
 * made of: within 1e-4 of f32 for unit vectors of any dimension. Beside them a sketch a row, one bit a number: is it above the mean of all rows? Sketches
 * lie in blocks of 8 rows, word by word, for VPOPCNT. 384 dimensions: 384 + 4, 384, 48 + 4 and under 1 byte of checksums a row. (Halves, f16, for the
 * re-rank would be 384 bytes a row more and less exact: what an unit vector has no use for is an exponent a number.)
 *
 *   exact   f32, all rows: ground truth, bit for bit what exact.h answers
 *   flat    codes of all rows -> a few more than k -> 16 bits
 *   sketch  sketches of all rows -> codes of those that are near by them -> a few more than k -> 16 bits
 *
 * What "near" is gets calibrated when the rows are all there: on 256 of them (128 of more than 200,000; each left out of its own answer) and on
 * as many queries that the builder brings, so that recall against a scan of everything is what was asked for, at k 10 and at k 100. A sketch passes where its
 * distance, and then a sharper estimate from it (RaBitQ, Gao and Long 2024: 4 bits a number of the query's, one of the row's), falls behind the k-th
 * best's by no more than a margin; so a query in a clump of films reads the codes of a few dozen rows, and one far from all those of
 * thousands. Flat or sketch is decided by what they then cost. All of it is kept in the file.
 *
 * A filter is a bitmap, as in exact.h. When few enough rows pass, their codes are scanned without sketches. A search never gives
 * fewer than k rows while k are allowed. Ties go to the lower row. No graph: FACTS and bench/RESULTS.md say why.
 *
 * Kernels for AVX-512 (VNNI, VPOPCNT), AVX2 and plain C are chosen when an index is made or opened, and all answer the same to the
 * last bit. KINORA_SIMD=avx512, avx2 or c in the environment asks for one.
 *
 * The file is immutable: written beside, fsynced, renamed over (kn_dense_write). Opening reads and verifies its first pages and the
 * table of checksums; each 64 rows of a plane, and each section, are verified the first time they are touched. So a
 * search may end with KN_ECORRUPT: the file is derived, drop it and write it again. What changes the bytes of an opened file after that first
 * touch is not seen, and a file that is cut short while mapped ends the process by SIGBUS, as with any mapping: nobody may
 * write into an index; to replace or remove it is safe at any time, since an opened one lives on.
 *
 * Threads: many may search, compare and read at once. */
#ifndef KN_INDEX_DENSE_H
#define KN_INDEX_DENSE_H

#include "index/exact.h"

#include <stdbool.h>

struct kn_cancel;
struct kn_err;
struct kn_dense; /* opaque */

enum { KN_DENSE_SECTION_NAME = 16, KN_DENSE_SECTIONS = 8 };

enum kn_dense_tier { KN_DENSE_AUTO, KN_DENSE_EXACT, KN_DENSE_FLAT, KN_DENSE_SKETCH };

/* Gives the next n rows, n * dim numbers: first of them were given before. Each row once, n at most 1,024, from the thread that
 * builds. They are rows first .. first + n - 1, unless kn_dense_how says otherwise. A failure ends the build with that code. */
typedef int kn_dense_rows_fn(void *ctx, size_t first, size_t n, float *out, struct kn_err *err);

/* The caller's own data in the file: opaque bytes by name. They begin on a page. */
struct kn_dense_section {
    const char *name; /* 1 to 15 bytes, each name once */
    const void *data;
    size_t n;
};

struct kn_dense_how {
    size_t dim;  /* 1..4096 */
    size_t rows; /* exactly so many are asked for; 0 is fine */
    enum kn_dense_tier tier;
    double
        recall; /* at 10 and at 100; 0: 0.99; 1 or more: KN_DENSE_EXACT, unless a tier is named */
    const float *
        queries; /* n_queries * dim: vectors as people ask (texts), for the calibration; at most 256 are taken */
    size_t n_queries;  /* 0 is fine */
    int threads;       /* for all but the asking for rows; 0: one */
    uint64_t sequence; /* the caller's stamp: which state of its data this is, */
    uint64_t model; /* and a hash of the model that made the vectors; both come back in the info */
    /* Which row each one given is, all rows once; NULL: they come in order. Looked at when the last was given, so whoever gives
     * them may learn it meanwhile. */
    const uint32_t *const *places;
    const struct kn_dense_section *sections; /* at most KN_DENSE_SECTIONS; only of kn_dense_write */
    size_t n_sections;
    int (*ready)(
        void *ctx,
        struct kn_err
            *err); /* called before sections are looked at, with the rows' ctx; may be NULL */
    const struct kn_cancel *cancel;
};

struct kn_dense_info {
    size_t dim, rows;
    enum kn_dense_tier tier; /* never KN_DENSE_AUTO */
    uint64_t sequence, model;
    double recall; /* what was asked for */
    double
        reached[2]; /* what the calibration found, at 10 and at 100; 1 where nothing is left out */
    uint32_t
        weighed; /* rows that a search by sketches for 10 looked at more closely, in the mean, */
    uint32_t candidates;  /* and whose codes it read */
    uint32_t reranked[2]; /* those of the codes whose 16 bits are read, at 10 and at 100 */
    uint32_t rows_asked, queries_asked; /* that the calibration stands on */
    const char *kernels;                /* "avx512", "avx2", "c" */
    uint64_t file_bytes;                /* 0 in memory */
};

/* In memory. KN_EARG for a number that is not finite, KN_ELIMIT, KN_ECANCELLED. */
int kn_dense_build(const struct kn_dense_how *how, kn_dense_rows_fn *rows, void *ctx,
                   struct kn_dense **out, struct kn_err *err);

/* The same into a file, which appears at path whole or not at all (path.tmp until then). As above, and KN_EIO. 1M rows of 384: some
 * seconds and the disk's time, 825 bytes a row. */
int kn_dense_write(const char *path, const struct kn_dense_how *how, kn_dense_rows_fn *rows,
                   void *ctx, struct kn_err *err);

/* Instant. KN_ENOTFOUND, KN_EIO, KN_ELIMIT, KN_ECORRUPT for anything that is not an intact file of this version: write it again. */
int kn_dense_open(const char *path, struct kn_dense **out, struct kn_err *err);
void kn_dense_close(struct kn_dense *x); /* NULL is fine */

void kn_dense_info(const struct kn_dense *x, struct kn_dense_info *out);

/* Borrowed from x until it is closed; on a page's boundary. KN_ENOTFOUND, KN_ECORRUPT. */
int kn_dense_section(const struct kn_dense *x, const char *name, const void **data, size_t *n,
                     struct kn_err *err);

/* Where a section begins in the file, for those who read small parts of it rather than have it in memory; the descriptor
 * is x's. kn_dense_section is what verifies it. KN_ENOTFOUND, also of one that is in memory. */
int kn_dense_section_file(const struct kn_dense *x, const char *name, int *fd, uint64_t *at,
                          struct kn_err *err);

/* The k best rows, best first; hits has room for k, and holds nothing of use after a failure. *found: min(k, rows allowed), whatever the tier. allowed: as in exact.h, NULL for all.
 * query: dim finite numbers, unit length. KN_ECORRUPT, KN_EIO, KN_ELIMIT without memory. */
int kn_dense_search(const struct kn_dense *x, const float *query, const uint64_t *allowed, size_t k,
                    struct kn_exact_hit *hits, size_t *found, struct kn_err *err);

/* Many queries, one behind another, under one filter: the same answers as one by one, quicker, since rows that are in the cache meet
 * several queries. hits has room for n * k, the answer of query i begins at hits[i * k] and is found[i] long. threads: 0 and 1 are
 * the calling one. As above, and KN_ECANCELLED. */
int kn_dense_search_many(const struct kn_dense *x, const float *queries, size_t n,
                         const uint64_t *allowed, size_t k, int threads,
                         const struct kn_cancel *cancel, struct kn_exact_hit *hits, size_t *found,
                         struct kn_err *err);

/* The similarity of each of these rows, as a search gives it. As kn_dense_search. */
int kn_dense_compare(const struct kn_dense *x, const float *query, const uint32_t *rows, size_t n,
                     float *out, struct kn_err *err);

/* The vector of a row as it is kept: dim numbers. As kn_dense_search. */
int kn_dense_row(const struct kn_dense *x, uint32_t row, float *out, struct kn_err *err);

/* Looks at every byte that a checksum covers, which opening leaves for later. 1M rows of 384: a second. As kn_dense_search. */
int kn_dense_verify(const struct kn_dense *x, struct kn_err *err);

#endif
