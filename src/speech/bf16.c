#include "speech/bf16.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

/* Without optimisation gcc 12's intrinsics are macros, and warn of their own conversions. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

#define BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

/* Sums stay in registers only where these loops are gone, which -O2 alone does not do. */
#if defined(__clang__)
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

/* 24 registers of sums, 4 of weights, one that holds the other operand: 29 of 32. */
enum {
    ROWS = 6,              /* of x in a tile */
    VECTORS = 4,           /* of 16 columns */
    COLUMNS = 16 * VECTORS /* a panel: so many rows of w, which are columns of the result */
};

/* Two neighbours along k, as the processor takes them: the first in the low half. */
typedef uint32_t pair;

static size_t up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

bool kn_bf16_here(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
}

BF16 void kn_bf16_widen(const void *row, float *out, int64_t n)
{
    const uint16_t *x = row;

    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 some = (__mmask16)(n - i >= 16 ? 0xFFFF : (1U << (n - i)) - 1);

        _mm512_mask_storeu_ps(out + i, some,
                              _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(some, x + i)));
    }
}

/* n, even, numbers as n / 2 pairs. floats: room for n, used when the row is of another type. */
BF16 static void narrow(const struct kn_bf16_rows *m, size_t row, float *floats, pair *out)
{
    const void *from = m->data + row * m->stride;
    const float *x = from;
    size_t i = 0;

    if (m->read) {
        m->read(from, floats, (int64_t)m->k);
        x = floats;
    }
    for (; i + 16 <= m->k; i += 16)
        _mm256_storeu_si256((__m256i *)(void *)(out + i / 2),
                            (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x + i)));
    if (i < m->k) {
        __mmask16 some = (__mmask16)((1U << (m->k - i)) - 1);

        _mm256_mask_storeu_epi16(out + i / 2, some,
                                 (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, x + i)));
    }
}

/* Rows [first, first + COLUMNS) of m as a panel: for each pair along k, COLUMNS of them side by
 * side; zeros past the last row. 16 rows at a time, so that their pairs fill whole cache lines. */
BF16 static void pack(const struct kn_bf16_rows *m, size_t first, float *floats, pair *rows,
                      pair *panel)
{
    const __m512i lines =
        _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                           _mm512_set1_epi32((int)(m->k / 2)));
    size_t pairs = m->k / 2;

    for (size_t v = 0; v < VECTORS; v++) {
        for (size_t r = 0; r < 16; r++) {
            if (first + v * 16 + r < m->n)
                narrow(m, first + v * 16 + r, floats, rows + r * pairs);
            else
                memset(rows + r * pairs, 0, pairs * sizeof *rows);
        }
        for (size_t p = 0; p < pairs; p++)
            _mm512_storeu_si512(panel + p * COLUMNS + v * 16,
                                _mm512_i32gather_epi32(lines, rows + p, sizeof *rows));
    }
}

/* ROWS rows of x, `step` pairs apart, with a panel. */
BF16 static inline __attribute__((always_inline)) void
multiply(const pair *panel, const pair *x, size_t step, size_t pairs, __m512 sum[ROWS][VECTORS])
{
    UNROLLED
    for (size_t r = 0; r < ROWS; r++) {
        UNROLLED
        for (size_t v = 0; v < VECTORS; v++)
            sum[r][v] = _mm512_setzero_ps();
    }
    for (size_t p = 0; p < pairs; p++, panel += COLUMNS) {
        __m512bh w[VECTORS];

        UNROLLED
        for (size_t v = 0; v < VECTORS; v++)
            w[v] = (__m512bh)_mm512_loadu_si512(panel + v * 16);
        UNROLLED
        for (size_t r = 0; r < ROWS; r++) {
            __m512bh both = (__m512bh)_mm512_set1_epi32((int)x[r * step + p]);

            UNROLLED
            for (size_t v = 0; v < VECTORS; v++)
                sum[r][v] = _mm512_dpbf16_ps(sum[r][v], both, w[v]);
        }
    }
}

/* ---- products ---- */

struct product_room {
    size_t x, panel, rows, floats; /* offsets */
    size_t all;
};

static struct product_room product_room(const struct kn_bf16_rows *w, const struct kn_bf16_rows *x)
{
    struct product_room r = {.x = 0};

    r.panel = up(up(x->n, ROWS) * x->k / 2 * sizeof(pair), 64);
    r.rows = r.panel + w->k / 2 * COLUMNS * sizeof(pair);
    r.floats = r.rows + up(16 * w->k / 2 * sizeof(pair), 64);
    r.all = r.floats + up(w->k * sizeof(float), 64);
    return r;
}

size_t kn_bf16_product_room(const struct kn_bf16_rows *w, const struct kn_bf16_rows *x)
{
    return product_room(w, x).all;
}

BF16 static void product_panel(const pair *panel, const pair *x, size_t pairs, size_t n,
                               size_t columns, float *out, size_t out_step)
{
    for (size_t j = 0; j < n; j += ROWS) {
        __m512 sum[ROWS][VECTORS];

        multiply(panel, x + j * pairs, pairs, pairs, sum);
        UNROLLED
        for (size_t r = 0; r < ROWS; r++) {
            if (j + r >= n)
                break;
            UNROLLED
            for (size_t v = 0; v < VECTORS; v++) {
                float *to = out + (j + r) * out_step + v * 16;

                if ((v + 1) * 16 <= columns)
                    _mm512_storeu_ps(to, sum[r][v]);
                else if (v * 16 < columns)
                    _mm512_mask_storeu_ps(to, (__mmask16)((1U << (columns - v * 16)) - 1),
                                          sum[r][v]);
            }
        }
    }
}

BF16 void kn_bf16_product(const struct kn_bf16_rows *w, const struct kn_bf16_rows *x, float *out,
                          void *scratch)
{
    struct product_room room = product_room(w, x);
    char *base = scratch;
    pair *xs = (pair *)(void *)(base + room.x), *panel = (pair *)(void *)(base + room.panel);
    float *floats = (float *)(void *)(base + room.floats);
    size_t pairs = w->k / 2;

    for (size_t j = 0; j < x->n; j++)
        narrow(x, j, floats, xs + j * pairs);
    memset(xs + x->n * pairs, 0, (up(x->n, ROWS) - x->n) * pairs * sizeof *xs);
    for (size_t i = 0; i < w->n; i += COLUMNS) {
        pack(w, i, floats, (pair *)(void *)(base + room.rows), panel);
        product_panel(panel, xs, pairs, x->n, w->n - i < COLUMNS ? w->n - i : COLUMNS, out + i,
                      w->n);
    }
}

/* ---- attention ---- */

/* 2^x for x <= 0: 2^n by the exponent, the rest by a polynomial, right to 2e-7. */
BF16 static inline __attribute__((always_inline)) __m512 power_of_2(__m512 x)
{
    __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 f = _mm512_sub_ps(x, n);
    __m512 y = _mm512_set1_ps(1.339887440266574e-3F);

    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.618437357674640e-3F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(5.550332471162809e-2F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.402264791363012e-1F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(6.931472028550421e-1F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0F));
    return _mm512_scalef_ps(y, n);
}

struct attention_room {
    size_t keys, values, scores, weights, rows, floats;
    size_t all;
};

static struct attention_room attention_room(const struct kn_bf16_head *h)
{
    size_t n = up(h->keys.n, COLUMNS);
    struct attention_room r = {.keys = 0};

    r.values = n * KN_BF16_HEAD / 2 * sizeof(pair);
    r.scores = r.values + n / 2 * KN_BF16_HEAD * sizeof(pair);
    r.weights = r.scores + ROWS * n * sizeof(float);
    r.rows = r.weights + ROWS * n / 2 * sizeof(pair);
    r.floats = r.rows + 16 * KN_BF16_HEAD / 2 * sizeof(pair);
    r.all = r.floats + 2 * KN_BF16_HEAD * sizeof(float);
    return r;
}

size_t kn_bf16_attention_room(const struct kn_bf16_head *h)
{
    return attention_room(h).all;
}

/* Values as one panel: they are multiplied along the keys, so two rows make a row of pairs. */
BF16 static void pack_values(const struct kn_bf16_rows *v, size_t padded, float *floats,
                             pair *panel)
{
    for (size_t i = 0; i < padded; i += 2, panel += COLUMNS) {
        pair two[2][KN_BF16_HEAD / 2];

        memset(two, 0, sizeof two);
        for (size_t half = 0; half < 2 && i + half < v->n; half++)
            narrow(v, i + half, floats, two[half]);
        for (size_t d = 0; d < KN_BF16_HEAD / 2; d++) {
            panel[2 * d] = (two[0][d] & 0xFFFF) | two[1][d] << 16;
            panel[2 * d + 1] = two[0][d] >> 16 | (two[1][d] & 0xFFFF0000);
        }
    }
}

/* A row of scores, n of them, in powers of 2, to weights whose sum is returned; zeros up to padded. */
BF16 static float soften(float *scores, size_t n, size_t padded, pair *weights)
{
    __m512 most = _mm512_set1_ps(-3e38F), total = _mm512_setzero_ps();

    for (size_t i = n; i < padded; i++)
        scores[i] = -3e38F;
    for (size_t i = 0; i < padded; i += 16)
        most = _mm512_max_ps(most, _mm512_loadu_ps(scores + i));
    most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
    for (size_t i = 0; i < padded; i += 16) {
        __m512 p = power_of_2(_mm512_sub_ps(_mm512_loadu_ps(scores + i), most));

        total = _mm512_add_ps(total, p);
        _mm256_storeu_si256((__m256i *)(void *)(weights + i / 2), (__m256i)_mm512_cvtneps_pbh(p));
    }
    return _mm512_reduce_add_ps(total);
}

BF16 static void query_rows(const struct kn_bf16_head *h, size_t first, float *floats,
                            pair q[ROWS][KN_BF16_HEAD / 2])
{
    struct kn_bf16_rows scaled = {(const char *)floats, 0, 1, KN_BF16_HEAD, NULL};

    for (size_t r = 0; r < ROWS && first + r < h->q.n; r++) {
        const char *from = h->q.data + (first + r) * h->q.stride;

        if (h->q.read)
            h->q.read(from, floats, KN_BF16_HEAD);
        else
            memcpy(floats, from, KN_BF16_HEAD * sizeof *floats);
        for (size_t d = 0; d < KN_BF16_HEAD; d++)
            floats[d] *= h->scale * 1.44269504F; /* soften() wants powers of 2 */
        narrow(&scaled, 0, NULL, q[r]);
    }
}

BF16 static void attend(const struct kn_bf16_head *h, size_t first, char *base,
                        const struct attention_room *room)
{
    size_t padded = up(h->keys.n, COLUMNS);
    const pair *keys = (const pair *)(const void *)(base + room->keys);
    const pair *values = (const pair *)(const void *)(base + room->values);
    float *scores = (float *)(void *)(base + room->scores), total[ROWS];
    pair *weights = (pair *)(void *)(base + room->weights);
    pair q[ROWS][KN_BF16_HEAD / 2] = {{0}};
    __m512 sum[ROWS][VECTORS];

    query_rows(h, first, (float *)(void *)(base + room->floats), q);
    for (size_t i = 0; i < padded; i += COLUMNS) {
        multiply(keys + i * KN_BF16_HEAD / 2, q[0], KN_BF16_HEAD / 2, KN_BF16_HEAD / 2, sum);
        UNROLLED
        for (size_t r = 0; r < ROWS; r++) {
            UNROLLED
            for (size_t v = 0; v < VECTORS; v++)
                _mm512_storeu_ps(scores + r * padded + i + v * 16, sum[r][v]);
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        total[r] = soften(scores + r * padded, h->keys.n, padded, weights + r * padded / 2);
    multiply(values, weights, padded / 2, padded / 2, sum);
    UNROLLED
    for (size_t r = 0; r < ROWS; r++) {
        if (first + r >= h->q.n)
            break;
        UNROLLED
        for (size_t v = 0; v < VECTORS; v++)
            _mm512_storeu_ps(h->out + (first + r) * h->out_step + v * 16,
                             _mm512_mul_ps(sum[r][v], _mm512_set1_ps(1 / total[r])));
    }
}

BF16 void kn_bf16_attention(const struct kn_bf16_head *h, void *scratch)
{
    struct attention_room room = attention_room(h);
    char *base = scratch;
    float *floats = (float *)(void *)(base + room.floats);
    size_t padded = up(h->keys.n, COLUMNS);

    for (size_t i = 0; i < padded; i += COLUMNS)
        pack(&h->keys, i, floats, (pair *)(void *)(base + room.rows),
             (pair *)(void *)(base + room.keys) + i * KN_BF16_HEAD / 2);
    pack_values(&h->values, padded, floats, (pair *)(void *)(base + room.values));
    for (size_t first = 0; first < h->q.n; first += ROWS)
        attend(h, first, base, &room);
}

/* ---- GELU ---- */

/* x * sigmoid(2 u), u the tanh's argument. 2^-|t| does not overflow. */
BF16 void kn_bf16_gelu(const float *x, float *y, size_t n)
{
    const __m512 cubic = _mm512_set1_ps(0.044715F), one = _mm512_set1_ps(1.0F);
    const __m512 factor = _mm512_set1_ps(-2.302208198F); /* -2 sqrt(2 / pi) / ln 2 */

    for (size_t i = 0; i < n; i += 16) {
        __mmask16 some = (__mmask16)(n - i >= 16 ? 0xFFFF : (1U << (n - i)) - 1);
        __m512 v = _mm512_maskz_loadu_ps(some, x + i);
        __m512 u = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_mul_ps(v, v), cubic), v, v);
        __m512 t = _mm512_mul_ps(u, factor);

        t = _mm512_min_ps(t, _mm512_set1_ps(126.0F));
        _mm512_mask_storeu_ps(y + i, some, _mm512_div_ps(v, _mm512_add_ps(one, power_of_2(t))));
    }
}

#else

bool kn_bf16_here(void)
{
    return false;
}

#endif
