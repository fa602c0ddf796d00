/* kernels_body.h - float32 loops in the compilers' vector extension, to be inlined into a function of each kind of processor: one
 * register of AVX-512, two of AVX2, four of SSE2 or NEON. See kernels.h for the order of sums. */
#ifndef KN_INDEX_KERNELS_BODY_H
#define KN_INDEX_KERNELS_BODY_H

#include "index/kernels.h"

#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#define UNFUSED
#else
#define UNFUSED __attribute__((optimize("fp-contract=off")))
#endif
#define BODY UNFUSED static inline __attribute__((always_inline))

typedef float lanes __attribute__((vector_size(64)));
typedef float half_lanes __attribute__((vector_size(32)));
typedef float quarter_lanes __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(64)));
typedef uint8_t lane_codes __attribute__((vector_size(16)));
typedef int8_t lane_bytes __attribute__((vector_size(16)));

BODY float sum_of(const lanes *sums)
{
    half_lanes a[2], b;
    quarter_lanes c[2], d;

    memcpy(a, sums, sizeof a);
    b = a[0] + a[1];
    memcpy(c, &b, sizeof c);
    d = c[0] + c[1];
    return (d[0] + d[2]) + (d[1] + d[3]);
}

BODY float dot_body(const float *a, const float *b, size_t n)
{
    const lanes *x = (const lanes *)(const void *)a, *y = (const lanes *)(const void *)b;
    lanes even = {0}, odd = {0};
    size_t i = 0, whole = n / KN_LANES;

    for (; i + 2 <= whole; i += 2) {
        even += x[i] * y[i];
        odd += x[i + 1] * y[i + 1];
    }
    if (i < whole)
        even += x[i] * y[i];
    even += odd;
    return sum_of(&even);
}

/* Rounding to the nearest even by adding what leaves no room for a fraction: 1.5 * 2^23. */
BODY bool quantise_body(const float *row, size_t n, uint8_t *codes, int8_t *fine, float *scale)
{
    const lanes *x = (const lanes *)(const void *)row;
    const lanes magic = (lanes){0} + 12582912.0f;
    lanes most = {0}, none = {0};
    float largest = 0, finite = 0, factor;

    for (size_t i = 0; i < n / KN_LANES; i++) {
        lanes size = (lanes)((ints)x[i] & 0x7fffffff);

        none += x[i] - x[i]; /* 0, or no number */
        most = (lanes)(((ints)size & (size > most)) | ((ints)most & ~(size > most)));
    }
    for (int j = 0; j < KN_LANES; j++) {
        finite += none[j];
        largest = most[j] > largest ? most[j] : largest;
    }
    if (finite != 0)
        return false;
    if (largest < 1e-30f) /* its inverse would be none; as good as zero beside a unit vector */
        largest = 0;
    factor = largest > 0 ? 32512 / largest : 0;
    *scale = largest / 127;
    for (size_t i = 0; i < n / KN_LANES; i++) {
        ints q = (ints)(x[i] * factor + magic) - (ints)magic;
        ints upper = (q + 128) >> 8;
        lane_codes c = __builtin_convertvector(upper + 128, lane_codes);
        lane_bytes f = __builtin_convertvector(q - upper * 256, lane_bytes);

        memcpy(codes + i * KN_LANES, &c, sizeof c);
        memcpy(fine + i * KN_LANES, &f, sizeof f);
    }
    return true;
}

#endif
