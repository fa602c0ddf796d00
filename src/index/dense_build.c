#include "index/dense_internal.h"

#include "base/cancel.h"
#include "base/hash.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK = 1024, MEAN_ROWS = 16384, CANCEL_ROWS = 65536 };

static size_t whole(size_t n, size_t of)
{
    return (n + of - 1) / of * of;
}

void kn_dense_lay_out(size_t dim, size_t rows, bool exact, struct layout *out)
{
    struct layout l = {.stride = whole(dim, KN_CHUNK), .chunks = (rows + KN_CHUNK - 1) / KN_CHUNK};
    size_t planes = 0;

    l.words = l.stride / 64;
    if (exact) {
        l.chunk_bytes[PLANE_EXACT] = KN_CHUNK * l.stride * sizeof(float);
    } else {
        l.chunk_bytes[PLANE_SKETCH] = KN_CHUNK * (l.words * sizeof(uint64_t) + sizeof(float));
        l.chunk_bytes[PLANE_CODES] = KN_CHUNK * (l.stride + sizeof(float));
        l.chunk_bytes[PLANE_FINE] = KN_CHUNK * l.stride;
    }
    for (int p = 0; p < PLANES; p++)
        planes += l.chunk_bytes[p] > 0;
    l.sums = PAGE + l.stride * sizeof(float);
    l.table_bytes = l.stride * sizeof(float) + planes * l.chunks * sizeof(uint64_t);
    l.end = whole(PAGE + l.table_bytes, PAGE);
    for (int p = 0; p < PLANES; p++) {
        l.at[p] = l.end;
        l.end = whole(l.end + l.chunks * l.chunk_bytes[p], PAGE);
    }
    *out = l;
}

void kn_dense_point(struct kn_dense *x)
{
    x->mean = (const float *)(const void *)(x->base + PAGE);
    for (int p = 0; p < PLANES; p++)
        x->plane[p] = x->layout.chunk_bytes[p] ? x->base + x->layout.at[p] : NULL;
}

int kn_dense_new(struct kn_dense **out, struct kn_err *err)
{
    struct kn_dense *x = calloc(1, sizeof *x);
    int rc;

    if (!x)
        return kn_err_memory(err, "index: no memory");
    x->fd = -1;
    rc = kn_kernels_choose(&x->kernels, err);
    if (rc)
        free(x);
    else
        *out = x;
    return rc;
}

/* In whole lanes, so that what fills a row up to its stride stays 0 as it is, which is no number but -128: the query's is 0 there. */
static bool put_row(struct kn_dense *x, size_t row, const float *vector)
{
    size_t stride = x->layout.stride;
    uint8_t *codes;

    if (x->plane[PLANE_EXACT]) {
        memcpy(x->base + x->layout.at[PLANE_EXACT] + row * stride * sizeof *vector, vector,
               stride * sizeof *vector);
        for (size_t i = 0; i < stride; i++)
            if (!(vector[i] - vector[i] == 0))
                return false;
        return true;
    }
    codes =
        x->base + x->layout.at[PLANE_CODES] + row / KN_CHUNK * x->layout.chunk_bytes[PLANE_CODES];
    return x->kernels->quantise(vector, stride, codes + row % KN_CHUNK * stride,
                                (int8_t *)x->base + x->layout.at[PLANE_FINE] + row * stride,
                                (float *)(void *)(codes + KN_CHUNK * stride) + row % KN_CHUNK);
}

static int put_rows(struct kn_dense *x, const struct kn_dense_how *how, kn_dense_rows_fn *rows,
                    void *ctx, struct kn_err *err)
{
    size_t dim = how->dim, stride = x->layout.stride;
    float *block = calloc(BLOCK, dim * sizeof *block);
    float *vector = aligned_alloc(ALIGNED, stride * sizeof *vector);
    int rc = KN_OK;

    if (!block || !vector) {
        rc = kn_err_memory(err, "index: no memory for vectors of %zu numbers", dim);
        goto out;
    }
    memset(vector, 0, stride * sizeof *vector);
    for (size_t first = 0, n; first < how->rows && rc == KN_OK; first += n) {
        n = how->rows - first < BLOCK ? how->rows - first : BLOCK;
        if (kn_cancel_is_set(how->cancel))
            rc = kn_err_set(err, KN_ECANCELLED, "index: building was cancelled");
        else
            rc = rows(ctx, first, n, block, err);
        for (size_t i = 0; i < n && rc == KN_OK; i++) {
            memcpy(vector, block + i * dim, dim * sizeof *vector);
            if (!put_row(x, first + i, vector))
                rc = kn_err_set(err, KN_EARG, "index: row %zu holds a number that is not finite",
                                first + i);
        }
    }
out:
    free(block);
    free(vector);
    return rc;
}

int kn_dense_row(const struct kn_dense *x, uint32_t row, float *out, struct kn_err *err)
{
    size_t dim = x->head.dim, stride = x->layout.stride;
    int8_t buf[MAX_DIM];
    const int8_t *fine = buf;
    const uint8_t *codes;
    float scale;
    int rc =
        kn_dense_touch(x, x->plane[PLANE_EXACT] ? PLANE_EXACT : PLANE_CODES, row / KN_CHUNK, err);

    if (rc == KN_OK && x->plane[PLANE_EXACT]) {
        memcpy(out, x->plane[PLANE_EXACT] + row * stride * sizeof *out, dim * sizeof *out);
        return KN_OK;
    }
    if (rc == KN_OK)
        rc = kn_dense_fine(x, row, buf, &fine, err);
    if (rc)
        return rc;
    codes = kn_dense_codes(x, row);
    scale = *kn_dense_scale(x, row) / 256;
    for (size_t i = 0; i < dim; i++)
        out[i] = (float)((codes[i] - 128) * 256 + fine[i]) * scale;
    return KN_OK;
}

void kn_dense_sketch(const float *vector, const float *mean, size_t dim, uint64_t *bits)
{
    for (size_t w = 0; w * 64 < dim; w++) {
        size_t n = dim - w * 64 < 64 ? dim - w * 64 : 64;
        uint64_t word = 0;

        for (size_t i = 0; i < n; i++)
            word |= (uint64_t)(vector[w * 64 + i] > mean[w * 64 + i]) << i;
        bits[w] = word;
    }
}

/* ---- rows that came in another order ---- */

struct held { /* a row as it is kept */
    uint8_t codes[MAX_DIM];
    int8_t fine[MAX_DIM];
    float exact[MAX_DIM];
    float scale;
};

static void move_row(struct kn_dense *x, size_t row, struct held *h, bool take)
{
    size_t stride = x->layout.stride;
    uint8_t *exact = x->base + x->layout.at[PLANE_EXACT] + row * stride * sizeof *h->exact;
    uint8_t *chunk =
        x->base + x->layout.at[PLANE_CODES] + row / KN_CHUNK * x->layout.chunk_bytes[PLANE_CODES];
    uint8_t *codes = chunk + row % KN_CHUNK * stride;
    uint8_t *fine = x->base + x->layout.at[PLANE_FINE] + row * stride;
    uint8_t *scale = chunk + KN_CHUNK * stride + row % KN_CHUNK * sizeof h->scale;

    if (x->plane[PLANE_EXACT]) {
        memcpy(take ? (void *)h->exact : exact, take ? (void *)exact : h->exact,
               stride * sizeof *h->exact);
        return;
    }
    memcpy(take ? h->codes : codes, take ? codes : h->codes, stride);
    memcpy(take ? (void *)h->fine : fine, take ? (void *)fine : h->fine, stride);
    memcpy(take ? (void *)&h->scale : scale, take ? (void *)scale : &h->scale, sizeof h->scale);
}

/* Each row to its place, and from there the next one, until the round is closed: one row's room more, and each is moved once. */
static int put_in_order(struct kn_dense *x, const uint32_t *places, struct kn_err *err)
{
    size_t rows = x->head.rows;
    struct held *held = calloc(2, sizeof *held);
    bool *done = calloc(rows + 1, sizeof *done);
    int rc = held && done ? KN_OK : kn_err_memory(err, "index: no memory to order %zu rows", rows);

    for (size_t first = 0; first < rows && !rc; first++) {
        size_t row = first;
        int now = 0;

        if (done[first] || places[first] == first)
            continue;
        move_row(x, first, &held[now], true);
        do {
            size_t to = places[row];

            move_row(x, to, &held[!now], true);
            move_row(x, to, &held[now], false);
            done[to] = true;
            now = !now;
            row = to;
        } while (row != first);
    }
    free(held);
    free(done);
    return rc;
}

/* Of rows evenly spaced: 16,384 tell a mean as well as all do. */
static void put_mean(struct kn_dense *x)
{
    size_t dim = x->head.dim, step = (x->head.rows + MEAN_ROWS - 1) / MEAN_ROWS, n = 0;
    double sum[MAX_DIM] = {0};
    float v[MAX_DIM], *mean = (float *)(void *)(x->base + PAGE);

    for (size_t row = 0; row < x->head.rows; row += step, n++) {
        kn_dense_row(x, (uint32_t)row, v, NULL); /* fails only where a file is read */
        for (size_t i = 0; i < dim; i++)
            sum[i] += (double)v[i];
    }
    for (size_t i = 0; i < dim; i++)
        mean[i] = n ? (float)(sum[i] / (double)n) : 0;
}

/* A row less the mean, times its sketch read as signs, is the sum of its sizes; so a query's product with the signs, times
 * this, estimates its product with the row (RaBitQ, Gao and Long 2024, without its rotation: measured to change nothing here). */
static float length(const float *v, const float *mean, size_t n)
{
    float square[KN_LANES] = {0}, sizes[KN_LANES] = {0};
    double squares = 0, all = 0;

    for (size_t i = 0; i < n; i += KN_LANES) /* side by side, which compilers make vectors of */
        for (size_t j = 0; j < KN_LANES; j++) {
            float d = v[i + j] - mean[i + j];

            square[j] += d * d;
            sizes[j] += fabsf(d);
        }
    for (size_t j = 0; j < KN_LANES; j++) {
        squares += (double)square[j];
        all += (double)sizes[j];
    }
    return all > 0 ? (float)(squares / all) : 0;
}

struct sketching {
    struct kn_dense *x;
    const struct kn_cancel *cancel;
};

static int put_sketches(void *ctx, size_t from, size_t to, struct kn_err *err)
{
    const struct sketching *s = ctx;
    struct kn_dense *x = s->x;
    size_t words = x->layout.words;
    uint64_t bits[MAX_DIM / 64];
    float v[MAX_DIM] = {0};

    for (size_t row = from; row < to; row++) {
        uint64_t *chunk =
            (uint64_t *)(void *)(x->base + x->layout.at[PLANE_SKETCH] +
                                 row / KN_CHUNK * x->layout.chunk_bytes[PLANE_SKETCH]);
        uint64_t *sketch = chunk + row % KN_CHUNK / 8 * words * 8 + row % 8;

        if (row % CANCEL_ROWS == 0 && kn_cancel_is_set(s->cancel))
            return kn_err_set(err, KN_ECANCELLED, "index: building was cancelled");
        kn_dense_row(x, (uint32_t)row, v, NULL); /* fails only where a file is read */
        kn_dense_sketch(v, x->mean, x->head.dim, bits);
        ((float *)(void *)(chunk + KN_CHUNK * words))[row % KN_CHUNK] =
            length(v, x->mean, x->layout.stride);
        for (size_t w = 0; w < words; w++)
            sketch[w * 8] = bits[w];
    }
    return KN_OK;
}

int kn_dense_fill(struct kn_dense *x, const struct kn_dense_how *how, kn_dense_rows_fn *rows,
                  void *ctx, struct kn_err *err)
{
    struct sketching s = {x, how->cancel};
    int rc = put_rows(x, how, rows, ctx, err);

    if (rc == KN_OK && how->places && *how->places)
        rc = put_in_order(x, *how->places, err);
    if (rc == KN_OK && !x->plane[PLANE_EXACT]) {
        put_mean(x);
        rc = kn_dense_share(how->threads, how->rows, put_sketches, &s, err);
    }
    return rc ? rc : kn_dense_calibrate(x, how, err);
}

int kn_dense_begin(const struct kn_dense_how *how, struct kn_dense **out, struct kn_err *err)
{
    double recall = how->recall > 0 ? how->recall : 0.99;
    bool exact = how->tier == KN_DENSE_EXACT || (how->tier == KN_DENSE_AUTO && recall >= 1);
    struct kn_dense *x;
    int rc;

    if (how->dim == 0 || how->dim > MAX_DIM)
        return kn_err_set(err, KN_EARG, "index: %zu dimensions, where 1 to %d are possible",
                          how->dim, MAX_DIM);
    if (how->rows >= UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "index: %zu rows, where %u are possible", how->rows,
                          UINT32_MAX - 1);
    rc = kn_dense_new(&x, err);
    if (rc)
        return rc;
    x->head.dim = how->dim;
    x->head.rows = how->rows;
    x->head.sequence = how->sequence;
    x->head.model = how->model;
    x->head.recall = recall;
    x->head.tier = exact ? KN_DENSE_EXACT : how->tier;
    kn_dense_lay_out(how->dim, how->rows, exact, &x->layout);
    *out = x;
    return KN_OK;
}

int kn_dense_build(const struct kn_dense_how *how, kn_dense_rows_fn *rows, void *ctx,
                   struct kn_dense **out, struct kn_err *err)
{
    struct kn_dense *x;
    int rc = kn_dense_begin(how, &x, err);

    if (rc)
        return rc;
    x->base = mmap(NULL, x->layout.end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (x->base == MAP_FAILED) {
        x->base = NULL;
        rc = kn_err_memory(err, "index: no memory for %zu rows", how->rows);
        goto out;
    }
    x->mapped = x->layout.end;
    madvise(
        x->base, x->mapped,
        MADV_HUGEPAGE); /* candidates lie far apart: fewer misses; where it fails, nothing is lost */
    kn_dense_point(x);
    rc = kn_dense_fill(x, how, rows, ctx, err);
out:
    if (rc)
        kn_dense_close(x);
    else
        *out = x;
    return rc;
}

struct share {
    kn_dense_work *work;
    void *ctx;
    size_t from, to;
    int rc;
    struct kn_err err;
};

static void *run_share(void *ctx)
{
    struct share *s = ctx;

    s->rc = s->work(s->ctx, s->from, s->to, &s->err);
    return NULL;
}

int kn_dense_share(int threads, size_t n, kn_dense_work *work, void *ctx, struct kn_err *err)
{
    enum { MOST = 64 };
    struct share shares[MOST];
    pthread_t running[MOST];
    bool started[MOST] = {false};
    size_t parts = threads < 1 ? 1 : threads > MOST ? MOST : (size_t)threads;
    int rc = KN_OK;

    if (parts > n)
        parts = n ? n : 1;
    for (size_t i = 0; i < parts; i++) {
        shares[i] = (struct share){work, ctx, n * i / parts, n * (i + 1) / parts, KN_OK, {0}};
        if (i > 0)
            started[i] = pthread_create(&running[i], NULL, run_share, &shares[i]) == 0;
    }
    for (size_t i = 0; i < parts; i++)
        if (!started[i])
            run_share(&shares[i]); /* this thread's own, and what found no other */
    for (size_t i = 0; i < parts; i++) {
        if (started[i])
            pthread_join(running[i], NULL);
        if (rc == KN_OK && shares[i].rc) {
            rc = shares[i].rc;
            if (err)
                *err = shares[i].err;
        }
    }
    return rc;
}
