#include "index/dense_internal.h"

#include "base/cancel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Measured (bench/index), all in tenths of a nanosecond, by 64 dimensions and by row: to compare a sketch, to weigh it, to read codes in their order,
 * and here and there; the latter so many times where they are past the caches. Below FEW of 64 rows that pass, each alone is quicker than all. */
enum { SKETCH_COST = 2, WEIGH_COST = 15, ORDER_COST = 11, APART_COST = 8, ROW_COST = 90 };
enum { CACHES = 48 << 20, ORDER_FAR = 3, APART_FAR = 4 };
enum { FEW = 20, AHEAD = 12, GROUP = 16, PASS_BYTES = 256 << 10, FIRST_NEAR = 2048 };

void kn_dense_ask_again(struct asking *a, const float *query)
{
    const struct kn_dense *x = a->x;
    float largest = 0, factor;
    int32_t sum = 0;

    memcpy(a->vector, query, x->head.dim * sizeof *query);
    a->best.n = 0;
    if (a->plan->way == BY_EXACT)
        return;
    for (size_t i = 0; i < x->head.dim; i++)
        largest = fabsf(query[i]) > largest ? fabsf(query[i]) : largest;
    factor = largest > 1e-30f ? 127 / largest : 0;
    for (size_t i = 0; i < x->head.dim; i++) {
        a->bytes[i] = kn_dense_byte(query[i] * factor);
        sum += a->bytes[i];
    }
    a->offset = -128 * sum;
    if (a->plan->way == BY_SKETCH)
        kn_dense_ask_sketches(a, largest);
}

int kn_dense_ask(const struct kn_dense *x, const struct plan *plan, struct asking **out,
                 struct kn_err *err)
{
    size_t stride = x->layout.stride;
    struct asking *a = calloc(1, sizeof *a);

    if (!a)
        goto no_memory;
    a->x = x;
    a->plan = plan;
    a->best.k = plan->way == BY_EXACT ? plan->k : plan->reranked;
    a->best.hits = calloc(a->best.k, sizeof *a->best.hits);
    a->vector = aligned_alloc(ALIGNED, stride * (sizeof *a->vector + 2));
    if (!a->vector || !a->best.hits)
        goto no_memory;
    memset(a->vector, 0, stride * (sizeof *a->vector + 2));
    a->bytes = (int8_t *)(a->vector + stride);
    a->fine = a->bytes + stride;
    if (plan->way == BY_SKETCH) {
        struct near *near = &a->near;

        a->spread = 1;
        for (size_t i = 0; i < x->head.dim; i++)
            a->spread -= x->mean[i] * x->mean[i];
        near->cap = near->cap_late = FIRST_NEAR;
        near->late = calloc(near->cap_late, sizeof *near->late);
        near->rows = calloc(near->cap, sizeof *near->rows);
        near->estimates = calloc(near->cap, sizeof *near->estimates);
        near->count = calloc(x->head.dim + 1, sizeof *near->count);
        near->best.k = plan->near_k;
        near->best.hits = calloc(plan->near_k, sizeof *near->best.hits);
        a->sketch = calloc(6 * x->layout.words, sizeof *a->sketch);
        if (!near->late || !near->rows || !near->estimates || !near->count || !near->best.hits ||
            !a->sketch)
            goto no_memory;
    }
    *out = a;
    return KN_OK;
no_memory:
    kn_dense_asked(a);
    return kn_err_memory(err, "index: no memory to search %zu rows", (size_t)x->head.rows);
}

void kn_dense_asked(struct asking *a)
{
    if (!a)
        return;
    free(a->best.hits);
    free(a->vector);
    free(a->near.rows);
    free(a->near.estimates);
    free(a->near.late);
    free(a->near.best.hits);
    free(a->near.count);
    free(a->sketch);
    free(a);
}

static void prefetch(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i += 64)
        __builtin_prefetch(p + i);
}

static void prefetch_row(const struct kn_dense *x, uint32_t row)
{
    if (x->plane[PLANE_EXACT])
        return; /* few and small: see how a tier is chosen */
    prefetch(kn_dense_codes(x, row), x->layout.stride);
    __builtin_prefetch(kn_dense_scale(x, row));
    if (!x->fine_by_read)
        prefetch(x->plane[PLANE_FINE] + row * x->layout.stride, x->layout.stride);
}

/* Rows in ascending order, met here and there: the next are asked of memory while one is at work. */
static int score_rows(struct asking *a, const uint32_t *rows, size_t n, struct kn_err *err)
{
    const struct kn_dense *x = a->x;
    size_t stride = x->layout.stride;

    for (size_t i = 0; i < n; i++) {
        int rc = kn_dense_touch(x, PLANE_CODES, rows[i] / KN_CHUNK, err);

        if (rc)
            return rc;
        if (i + AHEAD < n) {
            prefetch(kn_dense_codes(x, rows[i + AHEAD]), stride);
            __builtin_prefetch(kn_dense_scale(x, rows[i + AHEAD]));
        }
        kn_best_offer(
            &a->best, rows[i],
            (float)x->kernels->dot_codes(kn_dense_codes(x, rows[i]), a->bytes, a->offset, stride) *
                *kn_dense_scale(x, rows[i]));
    }
    return KN_OK;
}

static int scan_chunk(struct asking *a, size_t chunk, uint64_t allowed, struct kn_err *err)
{
    const struct kn_dense *x = a->x;
    float scores[KN_CHUNK];
    uint64_t found;
    int rc = kn_dense_touch(x, PLANE_CODES, chunk, err);

    if (rc)
        return rc;
    found = x->kernels->scan_codes(kn_dense_chunk(x, PLANE_CODES, chunk), x->layout.stride,
                                   a->bytes, a->offset, kn_best_limit(&a->best), scores);
    for (found &= allowed; found; found &= found - 1) {
        unsigned r = (unsigned)__builtin_ctzll(found);

        kn_best_offer(&a->best, (uint32_t)(chunk * KN_CHUNK + r), scores[r]);
    }
    return KN_OK;
}

static int scan_codes(struct asking *a, size_t from, size_t to, struct kn_err *err)
{
    uint32_t some[4 * KN_CHUNK];
    size_t n = 0;
    int rc = KN_OK;

    for (size_t c = from; c < to && rc == KN_OK; c++) {
        uint64_t allowed = kn_dense_allowed(a, c);
        bool many = __builtin_popcountll(allowed) > FEW;

        if (n > 0 && (many || n + FEW > 4 * KN_CHUNK)) {
            rc = score_rows(a, some, n, err);
            n = 0;
        }
        if (many && rc == KN_OK)
            rc = scan_chunk(a, c, allowed, err);
        for (; !many && allowed; allowed &= allowed - 1)
            some[n++] = (uint32_t)(c * KN_CHUNK + (unsigned)__builtin_ctzll(allowed));
    }
    return rc ? rc : score_rows(a, some, n, err);
}

static int scan_exact(struct asking *a, size_t from, size_t to, struct kn_err *err)
{
    const struct kn_dense *x = a->x;

    for (size_t c = from; c < to; c++) {
        uint64_t allowed = kn_dense_allowed(a, c);
        int rc = allowed ? kn_dense_touch(x, PLANE_EXACT, c, err) : KN_OK;

        if (rc)
            return rc;
        for (; allowed; allowed &= allowed - 1) {
            uint32_t row = (uint32_t)(c * KN_CHUNK + (unsigned)__builtin_ctzll(allowed));
            float similarity;

            rc = kn_dense_similarity(a, row, &similarity, err);
            if (rc)
                return rc;
            kn_best_offer(&a->best, row, similarity);
        }
    }
    return KN_OK;
}

int kn_dense_pass(struct asking *a, size_t from, size_t to, struct kn_err *err)
{
    switch (a->plan->way) {
    case BY_EXACT:
        return scan_exact(a, from, to, err);
    case BY_CODES:
        return scan_codes(a, from, to, err);
    default:
        return kn_dense_scan_sketches(a, from, to, err);
    }
}

size_t kn_dense_pass_chunks(const struct kn_dense *x, enum way way)
{
    const enum plane planes[] = {PLANE_EXACT, PLANE_CODES, PLANE_SKETCH};
    size_t n = PASS_BYTES / x->layout.chunk_bytes[planes[way]];

    return n ? n : 1;
}

int kn_dense_similarity(const struct asking *a, uint32_t row, float *out, struct kn_err *err)
{
    const struct kn_dense *x = a->x;
    size_t stride = x->layout.stride, chunk = row / KN_CHUNK;
    const int8_t *fine;
    float sum;
    int rc;

    if (x->plane[PLANE_EXACT]) {
        rc = kn_dense_touch(x, PLANE_EXACT, chunk, err);
        if (rc)
            return rc;
        sum = x->kernels->dot(
            a->vector, (const float *)(const void *)x->plane[PLANE_EXACT] + row * stride, stride);
        *out = kn_within_one(sum);
        return KN_OK;
    }
    rc = kn_dense_touch(x, PLANE_CODES, chunk, err);
    if (rc)
        return rc;
    rc = kn_dense_fine(x, row, a->fine, &fine, err);
    if (rc)
        return rc;
    sum = x->kernels->dot_fine(kn_dense_codes(x, row), fine, a->vector, stride);
    *out = kn_within_one(sum * (*kn_dense_scale(x, row) / 256));
    return KN_OK;
}

static int rerank(struct asking *a, struct kn_best *best, struct kn_err *err)
{
    const struct kn_dense *x = a->x;

    for (size_t i = 0; i < a->best.n && !x->fine_by_read; i++)
        prefetch(x->plane[PLANE_FINE] + a->best.hits[i].row * x->layout.stride, x->layout.stride);
    for (size_t i = 0; i < a->best.n; i++) {
        float similarity;
        int rc = kn_dense_similarity(a, a->best.hits[i].row, &similarity, err);

        if (rc)
            return rc;
        kn_best_offer(best, a->best.hits[i].row, similarity);
    }
    return KN_OK;
}

static int answer(struct asking *a, struct kn_exact_hit *hits, size_t *found, struct kn_err *err)
{
    struct kn_best best = {hits, 0, a->plan->k};
    int rc = KN_OK;

    if (a->plan->way == BY_EXACT) {
        memcpy(hits, a->best.hits, a->best.n * sizeof *hits);
        best.n = a->best.n;
    } else {
        if (a->plan->way == BY_SKETCH)
            rc = kn_dense_near(a, err);
        if (rc == KN_OK && a->plan->way == BY_SKETCH)
            rc = score_rows(a, a->near.rows, a->near.n, err);
        if (rc == KN_OK)
            rc = rerank(a, &best, err);
    }
    if (rc)
        return rc;
    kn_best_sort(&best);
    *found = best.n;
    return KN_OK;
}

/* On the line through what k 10 and k 100 need, in logarithms. */
static size_t scaled(const uint32_t *at, size_t k, size_t rows)
{
    double n = at[AT_10];

    if (k > 10)
        n *= pow((double)k / 10, log10((double)at[AT_100] / at[AT_10]));
    n = n > (double)k ? ceil(n) : (double)k;
    return n < (double)rows ? (size_t)n : rows;
}

static size_t count_bits(const uint64_t *bits, size_t rows)
{
    size_t n = 0, whole = rows / 64;

    for (size_t i = 0; i < whole; i++)
        n += (size_t)__builtin_popcountll(bits[i]);
    if (rows % 64)
        n += (size_t)__builtin_popcountll(bits[whole] & ((UINT64_C(1) << rows % 64) - 1));
    return n;
}

static size_t cost_apart(const struct kn_dense *x, size_t n)
{
    size_t times = x->head.rows * x->layout.stride > CACHES ? APART_FAR : 1;

    return n * (ROW_COST + x->layout.words * APART_COST) * times;
}

/* By what the calibration met at k 10, of all rows. */
bool kn_dense_sketch_pays(const struct kn_dense *x, size_t passing)
{
    size_t rows = x->head.rows, words = x->layout.words;
    size_t times = rows * x->layout.stride > CACHES ? ORDER_FAR : 1;
    size_t codes = rows * words * ORDER_COST * times;

    if (passing < rows / KN_CHUNK * FEW)
        codes = cost_apart(x, passing);
    return rows * words * SKETCH_COST + x->head.weighed * words * WEIGH_COST +
               cost_apart(x, x->head.candidates < passing ? x->head.candidates : passing) <
           codes;
}

/* False: nothing can be found. */
static bool make_plan(const struct kn_dense *x, const uint64_t *allowed, size_t k, struct plan *p)
{
    size_t rows = x->head.rows, passing = allowed ? count_bits(allowed, rows) : rows;

    k = k < passing ? k : passing;
    *p = (struct plan){.way = BY_EXACT, .allowed = allowed, .passing = passing, .k = k};
    if (k == 0)
        return false;
    if (x->plane[PLANE_EXACT])
        return true;
    p->reranked = scaled(x->head.reranked, k, passing);
    p->near_k = k > 10 ? k : passing < 10 ? passing : 10;
    p->far = &x->head.far[k > 10];
    p->faint = &x->head.faint[k > 10];
    p->way =
        x->head.tier == KN_DENSE_SKETCH && kn_dense_sketch_pays(x, passing) ? BY_SKETCH : BY_CODES;
    return true;
}

struct batch {
    const struct kn_dense *x;
    const struct plan *plan;
    const float *queries;
    const struct kn_cancel *cancel;
    struct kn_exact_hit *hits;
    size_t k, *found;
};

/* So many queries go over the rows together, a cacheful at a time. */
static int search_group(const struct batch *b, struct asking **asking, size_t from, size_t n,
                        struct kn_err *err)
{
    const struct kn_dense *x = b->x;
    size_t step = n > 1 ? kn_dense_pass_chunks(x, b->plan->way) : x->layout.chunks;
    int rc = KN_OK;

    for (size_t i = 0; i < n; i++)
        kn_dense_ask_again(asking[i], b->queries + (from + i) * x->head.dim);
    for (size_t c = 0; c < x->layout.chunks && rc == KN_OK; c += step) {
        size_t end = c + step < x->layout.chunks ? c + step : x->layout.chunks;

        for (size_t i = 0; i < n && rc == KN_OK; i++)
            rc = kn_dense_pass(asking[i], c, end, err);
    }
    for (size_t i = 0; i < n && rc == KN_OK; i++)
        rc = answer(asking[i], b->hits + (from + i) * b->k, &b->found[from + i], err);
    return rc;
}

static int search_part(void *ctx, size_t from, size_t to, struct kn_err *err)
{
    const struct batch *b = ctx;
    struct asking *asking[GROUP] = {0};
    size_t group = to - from < GROUP ? to - from : GROUP;
    int rc = KN_OK;

    for (size_t i = 0; i < group && rc == KN_OK; i++)
        rc = kn_dense_ask(b->x, b->plan, &asking[i], err);
    for (; from < to && rc == KN_OK; from += group) {
        if (kn_cancel_is_set(b->cancel))
            rc = kn_err_set(err, KN_ECANCELLED, "index: the search was cancelled");
        else
            rc = search_group(b, asking, from, to - from < group ? to - from : group, err);
    }
    for (size_t i = 0; i < group; i++)
        kn_dense_asked(asking[i]);
    return rc;
}

int kn_dense_search_many(const struct kn_dense *x, const float *queries, size_t n,
                         const uint64_t *allowed, size_t k, int threads,
                         const struct kn_cancel *cancel, struct kn_exact_hit *hits, size_t *found,
                         struct kn_err *err)
{
    struct plan plan;
    struct batch b = {x, &plan, queries, cancel, hits, k, found};

    if (!make_plan(x, allowed, k, &plan)) {
        memset(found, 0, n * sizeof *found);
        return KN_OK;
    }
    return kn_dense_share(threads, n, search_part, &b, err);
}

int kn_dense_search(const struct kn_dense *x, const float *query, const uint64_t *allowed, size_t k,
                    struct kn_exact_hit *hits, size_t *found, struct kn_err *err)
{
    return kn_dense_search_many(x, query, 1, allowed, k, 1, NULL, hits, found, err);
}

int kn_dense_compare(const struct kn_dense *x, const float *query, const uint32_t *rows, size_t n,
                     float *out, struct kn_err *err)
{
    const struct plan plan = {.way = BY_EXACT, .k = 1};
    struct asking *a;
    int rc = kn_dense_ask(x, &plan, &a, err);

    if (rc)
        return rc;
    kn_dense_ask_again(a, query);
    for (size_t i = 0; i < n && rc == KN_OK; i++) {
        assert(rows[i] < x->head.rows);
        if (i + AHEAD < n)
            prefetch_row(x, rows[i + AHEAD]);
        rc = kn_dense_similarity(a, rows[i], &out[i], err);
    }
    kn_dense_asked(a);
    return rc;
}
