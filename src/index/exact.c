#include "index/exact.h"

#include "base/err.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sixteen sums side by side, in the compilers' vector extension: one AVX-512 register, two of
 * AVX2, four of SSE2 or NEON. Every machine adds the same numbers in the same order and none fuses
 * the multiplication with the addition, so an answer is the same to the last bit on all of them.
 * Fused would gain nothing: the scan waits for memory (7.7 MB for 5,000 titles of 384 numbers). */
typedef float lanes __attribute__((vector_size(64)));

enum {
    LANES = 16,
    MAX_DIM = 4096,
    BLOCK_ROWS = 256, /* blocks, not one array: adding never copies, and rows keep their place */
};

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#define UNFUSED
#else
#define UNFUSED __attribute__((optimize("fp-contract=off")))
#endif

typedef float dot_fn(const float *a, const float *b, size_t n);

struct kn_exact {
    size_t dim, stride; /* stride: dim rounded up to whole lanes; what is behind dim is zero */
    size_t rows, blocks, cap;
    float **block;
    dot_fn *dot;
};

/* n is a multiple of LANES, a and b lie on 64 bytes. Two sums, so that an addition need not wait
 * for the one before. */
UNFUSED static inline __attribute__((always_inline)) float dot_body(const float *a, const float *b,
                                                                    size_t n)
{
    const lanes *x = (const lanes *)(const void *)a, *y = (const lanes *)(const void *)b;
    lanes even = {0}, odd = {0};
    size_t i = 0, whole = n / LANES;

    for (; i + 2 <= whole; i += 2) {
        even += x[i] * y[i];
        odd += x[i + 1] * y[i + 1];
    }
    if (i < whole)
        even += x[i] * y[i];
    even += odd;
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            even[j] += even[j + half];
    return even[0];
}

UNFUSED static float dot_plain(const float *a, const float *b, size_t n)
{
    return dot_body(a, b, n);
}

#if defined(__x86_64__)
UNFUSED __attribute__((target("avx2"))) static float dot_avx2(const float *a, const float *b,
                                                              size_t n)
{
    return dot_body(a, b, n);
}

UNFUSED __attribute__((target("avx512f"))) static float dot_avx512(const float *a, const float *b,
                                                                   size_t n)
{
    return dot_body(a, b, n);
}
#endif

/* A pointer and not the compilers' ifunc clones: those are resolved before the sanitizers are
 * ready, and crash under them. */
static dot_fn *best_dot(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return dot_avx512;
    if (__builtin_cpu_supports("avx2"))
        return dot_avx2;
#endif
    return dot_plain;
}

int kn_exact_new(size_t dim, struct kn_exact **out, struct kn_err *err)
{
    struct kn_exact *x;

    if (dim == 0 || dim > MAX_DIM)
        return kn_err_set(err, KN_EARG, "index: %zu dimensions, where 1 to %d are possible", dim,
                          MAX_DIM);
    x = calloc(1, sizeof *x);
    if (!x)
        return kn_err_set(err, KN_ELIMIT, "index: no memory");
    x->dim = dim;
    x->stride = (dim + LANES - 1) / LANES * LANES;
    x->dot = best_dot();
    *out = x;
    return KN_OK;
}

void kn_exact_free(struct kn_exact *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->blocks; i++)
        free(x->block[i]);
    free(x->block);
    free(x);
}

static int add_block(struct kn_exact *x, struct kn_err *err)
{
    size_t bytes = BLOCK_ROWS * x->stride * sizeof(float);

    if (x->blocks == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 16;
        float **block = realloc(x->block, cap * sizeof *block);

        if (!block)
            return kn_err_set(err, KN_ELIMIT, "index: no memory for %zu rows", cap * BLOCK_ROWS);
        x->block = block;
        x->cap = cap;
    }
    x->block[x->blocks] = aligned_alloc(sizeof(lanes), bytes);
    if (!x->block[x->blocks])
        return kn_err_set(err, KN_ELIMIT, "index: no memory for row %zu", x->rows);
    memset(x->block[x->blocks], 0, bytes);
    x->blocks++;
    return KN_OK;
}

int kn_exact_add(struct kn_exact *x, const float *vector, struct kn_err *err)
{
    int rc;

    if (x->rows == UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "index: full, with %zu rows", x->rows);
    if (x->rows == x->blocks * BLOCK_ROWS) {
        rc = add_block(x, err);
        if (rc)
            return rc;
    }
    memcpy(x->block[x->rows / BLOCK_ROWS] + x->rows % BLOCK_ROWS * x->stride, vector,
           x->dim * sizeof *vector);
    x->rows++;
    return KN_OK;
}

size_t kn_exact_rows(const struct kn_exact *x)
{
    return x->rows;
}

const float *kn_exact_row(const struct kn_exact *x, uint32_t row)
{
    assert(row < x->rows);
    return x->block[row / BLOCK_ROWS] + row % BLOCK_ROWS * x->stride;
}

static bool worse(struct kn_exact_hit a, struct kn_exact_hit b)
{
    if (a.similarity != b.similarity)
        return a.similarity < b.similarity;
    return a.row > b.row;
}

/* hits is a heap whose first is the worst. */
static void sift_down(struct kn_exact_hit *hits, size_t n, size_t i)
{
    struct kn_exact_hit moving = hits[i];

    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && worse(hits[child + 1], hits[child]))
            child++;
        if (!worse(hits[child], moving))
            break;
        hits[i] = hits[child];
    }
    hits[i] = moving;
}

static void sift_up(struct kn_exact_hit *hits, size_t i)
{
    struct kn_exact_hit moving = hits[i];

    for (; i > 0 && worse(moving, hits[(i - 1) / 2]); i = (i - 1) / 2)
        hits[i] = hits[(i - 1) / 2];
    hits[i] = moving;
}

static void best_first(struct kn_exact_hit *hits, size_t n)
{
    while (n > 1) {
        struct kn_exact_hit worst = hits[0];

        hits[0] = hits[--n];
        sift_down(hits, n, 0);
        hits[n] = worst;
    }
}

static bool is_allowed(const uint64_t *allowed, uint32_t row)
{
    return !allowed || (allowed[row / 64] >> row % 64 & 1);
}

/* Whole lanes on 64 bytes, zeros behind dim. */
static void copy_query(const struct kn_exact *x, const float *query, float *q)
{
    memcpy(q, query, x->dim * sizeof *q);
    memset(q + x->dim, 0, (x->stride - x->dim) * sizeof *q);
}

/* Rounding takes equal vectors a little past 1. Cut before ranking, so that the order is that of the numbers shown. */
static float within_one(float similarity)
{
    return similarity > 1 ? 1 : similarity < -1 ? -1 : similarity;
}

void kn_exact_compare(const struct kn_exact *x, const float *query, const uint32_t *rows, size_t n,
                      float *out)
{
    _Alignas(sizeof(lanes)) float q[MAX_DIM];

    copy_query(x, query, q);
    for (size_t i = 0; i < n; i++)
        out[i] = within_one(x->dot(q, kn_exact_row(x, rows[i]), x->stride));
}

size_t kn_exact_search(const struct kn_exact *x, const float *query, const uint64_t *allowed,
                       size_t k, struct kn_exact_hit *hits)
{
    _Alignas(sizeof(lanes)) float q[MAX_DIM];
    size_t n = 0;

    if (k == 0)
        return 0;
    copy_query(x, query, q);
    for (uint32_t row = 0; row < x->rows; row++) {
        struct kn_exact_hit hit = {.row = row};

        if (!is_allowed(allowed, row))
            continue;
        hit.similarity = within_one(x->dot(q, kn_exact_row(x, row), x->stride));
        if (n < k) {
            hits[n] = hit;
            sift_up(hits, n++);
        } else if (worse(hits[0], hit)) {
            hits[0] = hit;
            sift_down(hits, n, 0);
        }
    }
    best_first(hits, n);
    return n;
}
