#include "index/exact.h"

#include "base/err.h"
#include "index/best.h"
#include "index/kernels.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNED = 64,
    MAX_DIM = 4096,
    BLOCK_ROWS = 256, /* blocks, not one array: adding never copies, and rows keep their place */
};

struct kn_exact {
    size_t dim, stride; /* stride: dim rounded up to whole lanes; what is behind dim is zero */
    size_t rows, blocks, cap;
    float **block;
    const struct kn_kernels *kernels;
};

int kn_exact_new(size_t dim, struct kn_exact **out, struct kn_err *err)
{
    struct kn_exact *x;
    int rc;

    if (dim == 0 || dim > MAX_DIM)
        return kn_err_set(err, KN_EARG, "index: %zu dimensions, where 1 to %d are possible", dim,
                          MAX_DIM);
    x = calloc(1, sizeof *x);
    if (!x)
        return kn_err_set(err, KN_ELIMIT, "index: no memory");
    x->dim = dim;
    x->stride = (dim + KN_LANES - 1) / KN_LANES * KN_LANES;
    rc = kn_kernels_choose(&x->kernels, err);
    if (rc) {
        free(x);
        return rc;
    }
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
    x->block[x->blocks] = aligned_alloc(ALIGNED, bytes);
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

void kn_exact_compare(const struct kn_exact *x, const float *query, const uint32_t *rows, size_t n,
                      float *out)
{
    _Alignas(ALIGNED) float q[MAX_DIM];

    copy_query(x, query, q);
    for (size_t i = 0; i < n; i++)
        out[i] = kn_within_one(x->kernels->dot(q, kn_exact_row(x, rows[i]), x->stride));
}

size_t kn_exact_search(const struct kn_exact *x, const float *query, const uint64_t *allowed,
                       size_t k, struct kn_exact_hit *hits)
{
    _Alignas(ALIGNED) float q[MAX_DIM];
    struct kn_best best = {hits, 0, k};

    if (k == 0)
        return 0;
    copy_query(x, query, q);
    for (uint32_t row = 0; row < x->rows; row++)
        if (is_allowed(allowed, row))
            kn_best_offer(&best, row,
                          kn_within_one(x->kernels->dot(q, kn_exact_row(x, row), x->stride)));
    kn_best_sort(&best);
    return best.n;
}
