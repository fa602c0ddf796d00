/* sparse_lists.h - how built lists lie in memory and in a file. Inside src/index/sparse*.
 *
 *     head | buckets of terms | buckets of singles | terms | hashes, rows of singles | inverse lengths of rows
 *          | lists | counts of singles                                   (each part begins on 8 bytes)
 *
 * Terms and singles (terms of one row) are in order of hash, and bucket b says where those begin whose hash has b as its first bits. A list of
 * n rows that is long (is_long) is one uint32_t for each chunk of 65,536 rows, and one more: where its part begins;
 * then n rows within their chunk as uint16_t; a short one n rows as uint32_t. Behind either n counts of one byte. All
 * long ones come first. */
#ifndef KN_INDEX_SPARSE_LISTS_H
#define KN_INDEX_SPARSE_LISTS_H

#include "index/kernels.h"
#include "index/sparse.h"

#include <stdbool.h>

#define SPARSE_MAGIC "KNWORDS2"

enum { CHUNK_BITS = 16, CHUNK = 1 << CHUNK_BITS, COUNT_MAX = 255, SHORT = 8 };

struct sparse_head {
    char magic[8];
    uint32_t rows, terms, singles, bucket_bits;
    uint64_t words; /* of the lists, 4 bytes each */
};

struct sparse_list {
    uint32_t hash;
    uint32_t rows;  /* that have the term */
    uint32_t count; /* of them that kept it */
    uint32_t at;    /* the list's first word */
    float most; /* what a row can have of it, its own length 1 and the term's rarity taken off */
};

struct sparse_lists {
    const struct sparse_head *head;
    const uint32_t *buckets, *single_buckets;
    const struct sparse_list *terms;
    const uint32_t *single_hashes, *single_rows;
    const float *inverse; /* of each row's length; 0 without terms */
    const uint32_t *words;
    const uint8_t *single_counts;
};

struct kn_sparse {
    const struct kn_kernels *kernels;
    struct sparse_lists l; /* head NULL: not built */
    void *block;           /* its own; NULL where mapped */
    size_t bytes;
    int fd; /* -1: short lists too are looked at where they lie */
    uint64_t at;
    const struct kn_sparse *base;
    struct sparse_rows *added; /* until the build */
};

/* Where the parts of a block lie; returns its bytes. Pointers are set where block is not NULL. */
size_t kn_sparse_parts(const struct sparse_head *head, const void *block, struct sparse_lists *out);

void kn_sparse_drop_added(struct sparse_rows *added);

static inline size_t sparse_chunks(size_t rows)
{
    return (rows + CHUNK - 1) >> CHUNK_BITS;
}

static inline bool sparse_is_long(size_t rows, size_t count)
{
    return count > SHORT * sparse_chunks(rows);
}

static inline size_t sparse_list_words(size_t rows, size_t count)
{
    if (!sparse_is_long(rows, count))
        return count + (count + 3) / 4;
    return sparse_chunks(rows) + 1 + (count * 3 + 3) / 4;
}

/* What a term weighs in a row that says it count times, but for its rarity. */
static inline float sparse_said(uint32_t count)
{
    float c = (float)(count < COUNT_MAX ? count : COUNT_MAX);

    return c * 2.2F / (c + 1.2F);
}

/* 0: said by too many to mean anything. */
float kn_sparse_rarity(size_t all_rows, size_t rows_with_it);

/* How many rows of x and of its base have it. */
size_t kn_sparse_rows_with(const struct kn_sparse *x, uint32_t hash);
size_t kn_sparse_all_rows(const struct kn_sparse *x);

struct sparse_weighed {
    uint32_t hash, which; /* which: the caller's */
    float weight;
    bool shared; /* another row has it too */
};

/* Keeps the KN_SPARSE_TERMS best and makes them unit length; returns how many, and the inverse of the length. */
size_t kn_sparse_keep(struct sparse_weighed *w, size_t n, float *inverse);

#endif
