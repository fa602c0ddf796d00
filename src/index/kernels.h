/* kernels.h - the inner loops of exact.c and dense.c, once for each kind of processor; private to src/index.
 *
 * All kinds answer the same to the last bit. Integers are exact anyway; of float32, sixteen sums run side by side (two sets, so that an
 * addition need not wait for the one before), every kind adds the same numbers in the same order, and none fuses a
 * multiplication with an addition. Fused would gain nothing: a scan waits for memory.
 *
 * n and stride are multiples of 64 and what lies behind a vector's last number is zero in the query; all arrays lie on 64 bytes.
 * A chunk is 64 rows, so that it meets one word of a bitmap. */
#ifndef KN_INDEX_KERNELS_H
#define KN_INDEX_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_err;

enum { KN_CHUNK = 64, KN_LANES = 16 };

struct kn_kernels {
    const char *name;

    float (*dot)(const float *a, const float *b, size_t n); /* n: of KN_LANES */

    /* A row of 16 bits, its upper bytes (plus 128) in codes and its lower ones in fine, with a query. Not scaled. */
    float (*dot_fine)(const uint8_t *codes, const int8_t *fine, const float *query, size_t n);

    /* A row's upper bytes with a query of bytes. offset: -128 times the sum of the query's. */
    int32_t (*dot_codes)(const uint8_t *codes, const int8_t *query, int32_t offset, size_t n);

    /* The same for a chunk: 64 rows of codes, then their 64 scales. scores: each sum times its scale; the answer has a bit for
     * each that is above limit. */
    uint64_t (*scan_codes)(const uint8_t *chunk, size_t stride, const int8_t *query, int32_t offset,
                           float limit, float *scores);

    /* How many bits of each of 64 sketches differ from the query's where its mask, which lies behind its sketch, has bits. Blocks of 8
     * rows, word by word. A bit for each that is below limit; the others' distances need not be written. */
    uint64_t (*scan_sketches)(const uint64_t *chunk, size_t words, const uint64_t *query,
                              uint32_t limit, uint16_t *distances);

    /* For each of the rows in which: what the query's numbers come to where the sketch has a bit, twice, less all of them, times what
     * lies behind the chunk's sketches for the row. The query has 4 bits a number, -7..7, as 4 sketches of its bits, the lowest first,
     * one behind another; all is the sum of its numbers. A bit for each that is at least limit; of rows in which, all estimates are
     * written. */
    uint64_t (*weigh_sketches)(const uint64_t *chunk, size_t words, const uint64_t *query,
                               int32_t all, uint64_t which, float limit, float *estimates);

    /* A bit for each of n numbers, at most 64, that times its factor is above limit; on any boundary. */
    uint64_t (*products_above)(const float *numbers, const float *factors, size_t n, float limit);

    /* A row to 16 bits, its largest number to 32,512; *scale is the codes'. False if a number is not finite. n: of KN_LANES. */
    bool (*quantise)(const float *row, size_t n, uint8_t *codes, int8_t *fine, float *scale);
};

/* The best for this processor, or what KINORA_SIMD (avx512, avx2, c) names. KN_EARG: it names no kind, or one that this processor has not. */
int kn_kernels_choose(const struct kn_kernels **out, struct kn_err *err);

/* By kind; NULL where the processor lacks it. */
const struct kn_kernels *kn_kernels_avx512(void);
const struct kn_kernels *kn_kernels_avx2(void);

#endif
