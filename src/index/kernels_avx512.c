#include "index/kernels_body.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Inlined with stride or words known: the loops over them unroll, and the query stays in registers. */
#define KIND                                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq,"         \
                          "popcnt")))
#define INLINED KIND static inline __attribute__((always_inline))
enum { USUAL = 384 };    /* dimensions of the models that Kinora knows */
enum { XOR_AND = 0x28 }; /* of vpternlog: (a ^ b) & c */

UNFUSED KIND static float dot(const float *a, const float *b, size_t n)
{
    return dot_body(a, b, n);
}

/* Intrinsics, since gcc 12 widens bytes in the vector extension one by one. */
UNFUSED KIND static inline __m512 widen(const uint8_t *codes, const int8_t *fine)
{
    __m512i upper = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(const void *)codes));
    __m512i lower = _mm512_cvtepi8_epi32(_mm_load_si128((const __m128i *)(const void *)fine));

    upper = _mm512_slli_epi32(_mm512_sub_epi32(upper, _mm512_set1_epi32(128)), 8);
    return _mm512_cvtepi32_ps(_mm512_add_epi32(upper, lower));
}

UNFUSED KIND static float dot_fine(const uint8_t *codes, const int8_t *fine, const float *query,
                                   size_t n)
{
    __m512 even = _mm512_setzero_ps(), odd = even;
    lanes sum;

    for (size_t i = 0; i < n; i += 2 * KN_LANES) {
        __m512 a = _mm512_mul_ps(widen(codes + i, fine + i), _mm512_load_ps(query + i));
        __m512 b = _mm512_mul_ps(widen(codes + i + KN_LANES, fine + i + KN_LANES),
                                 _mm512_load_ps(query + i + KN_LANES));

        even = _mm512_add_ps(even, a);
        odd = _mm512_add_ps(odd, b);
    }
    sum = (lanes)_mm512_add_ps(even, odd);
    return sum_of(&sum);
}

UNFUSED KIND static bool quantise(const float *row, size_t n, uint8_t *codes, int8_t *fine,
                                  float *scale)
{
    return quantise_body(row, n, codes, fine, scale);
}

KIND static int32_t dot_codes(const uint8_t *codes, const int8_t *query, int32_t offset, size_t n)
{
    __m512i even = _mm512_setzero_si512(), odd = even;
    size_t i = 0;

    for (; i + 128 <= n; i += 128) {
        even =
            _mm512_dpbusd_epi32(even, _mm512_load_si512(codes + i), _mm512_load_si512(query + i));
        odd = _mm512_dpbusd_epi32(odd, _mm512_load_si512(codes + i + 64),
                                  _mm512_load_si512(query + i + 64));
    }
    if (i < n)
        even =
            _mm512_dpbusd_epi32(even, _mm512_load_si512(codes + i), _mm512_load_si512(query + i));
    return offset + _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

/* Four rows with the query, to four sums: the accumulators are added crosswise, which costs less than four reductions. */
INLINED __m128i dots4(const uint8_t *rows, size_t stride, const int8_t *query)
{
    __m512i r0 = _mm512_setzero_si512(), r1 = r0, r2 = r0, r3 = r0, even, odd, all;
    __m256i half;

    for (size_t i = 0; i < stride; i += 64) {
        __m512i q = _mm512_load_si512(query + i);

        r0 = _mm512_dpbusd_epi32(r0, _mm512_load_si512(rows + i), q);
        r1 = _mm512_dpbusd_epi32(r1, _mm512_load_si512(rows + stride + i), q);
        r2 = _mm512_dpbusd_epi32(r2, _mm512_load_si512(rows + 2 * stride + i), q);
        r3 = _mm512_dpbusd_epi32(r3, _mm512_load_si512(rows + 3 * stride + i), q);
    }
    even = _mm512_add_epi32(_mm512_unpacklo_epi32(r0, r1), _mm512_unpackhi_epi32(r0, r1));
    odd = _mm512_add_epi32(_mm512_unpacklo_epi32(r2, r3), _mm512_unpackhi_epi32(r2, r3));
    all = _mm512_add_epi32(_mm512_unpacklo_epi64(even, odd), _mm512_unpackhi_epi64(even, odd));
    half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

INLINED uint64_t scan_codes_body(const uint8_t *chunk, size_t stride, const int8_t *query,
                                 int32_t offset, float limit, float *scores)
{
    const float *scales = (const float *)(const void *)(chunk + KN_CHUNK * stride);
    const __m512 floor = _mm512_set1_ps(limit);
    uint64_t above = 0;

    for (size_t r = 0; r < KN_CHUNK; r += 16) {
        const uint8_t *rows = chunk + r * stride;
        __m512i sums = _mm512_castsi128_si512(dots4(rows, stride, query));
        __m512 s;

        sums = _mm512_inserti32x4(sums, dots4(rows + 4 * stride, stride, query), 1);
        sums = _mm512_inserti32x4(sums, dots4(rows + 8 * stride, stride, query), 2);
        sums = _mm512_inserti32x4(sums, dots4(rows + 12 * stride, stride, query), 3);
        s = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(sums, _mm512_set1_epi32(offset))),
                          _mm512_loadu_ps(scales + r));
        _mm512_storeu_ps(scores + r, s);
        above |= (uint64_t)_mm512_cmp_ps_mask(s, floor, _CMP_GT_OQ) << r;
    }
    return above;
}

KIND static uint64_t scan_codes(const uint8_t *chunk, size_t stride, const int8_t *query,
                                int32_t offset, float limit, float *scores)
{
    if (stride == USUAL)
        return scan_codes_body(chunk, USUAL, query, offset, limit, scores);
    return scan_codes_body(chunk, stride, query, offset, limit, scores);
}

INLINED uint64_t scan_sketches_body(const uint64_t *chunk, size_t words, const uint64_t *query,
                                    uint32_t limit, uint16_t *distances)
{
    const __m512i ceiling = _mm512_set1_epi64(limit);
    uint64_t below = 0;

    for (size_t b = 0; b < KN_CHUNK / 8; b++) {
        __m512i differ = _mm512_setzero_si512();
        __mmask8 found;

        for (size_t w = 0; w < words; w++)
            differ = _mm512_add_epi64(
                differ, _mm512_popcnt_epi64(_mm512_ternarylogic_epi64(
                            _mm512_load_si512(chunk + (b * words + w) * 8),
                            _mm512_set1_epi64((long long)query[w]),
                            _mm512_set1_epi64((long long)query[words + w]), XOR_AND)));
        found = _mm512_cmplt_epi64_mask(differ, ceiling);
        if (found) {
            _mm_storeu_si128((__m128i *)(void *)(distances + b * 8), _mm512_cvtepi64_epi16(differ));
            below |= (uint64_t)found << b * 8;
        }
    }
    return below;
}

KIND static uint64_t scan_sketches(const uint64_t *chunk, size_t words, const uint64_t *query,
                                   uint32_t limit, uint16_t *distances)
{
    if (words == USUAL / 64)
        return scan_sketches_body(chunk, USUAL / 64, query, limit, distances);
    return scan_sketches_body(chunk, words, query, limit, distances);
}

INLINED uint64_t weigh_sketches_body(const uint64_t *chunk, size_t words, const uint64_t *query,
                                     int32_t all, uint64_t which, float limit, float *estimates)
{
    const float *lengths = (const float *)(const void *)(chunk + KN_CHUNK * words);
    const __m256 floor = _mm256_set1_ps(limit);
    uint64_t found = 0;

    for (size_t b = 0; b < KN_CHUNK / 8; b++) {
        __m512i n0 = _mm512_setzero_si512(), n1 = n0, n2 = n0, n3 = n0;
        __m256 e;

        if (!(which >> b * 8 & 0xff))
            continue;
        for (size_t w = 0; w < words; w++) {
            __m512i v = _mm512_load_si512(chunk + (b * words + w) * 8);
            const uint64_t *q = query + w;

            n0 = _mm512_add_epi64(
                n0, _mm512_popcnt_epi64(_mm512_and_si512(v, _mm512_set1_epi64((long long)q[0]))));
            n1 = _mm512_add_epi64(n1, _mm512_popcnt_epi64(_mm512_and_si512(
                                          v, _mm512_set1_epi64((long long)q[words]))));
            n2 = _mm512_add_epi64(n2, _mm512_popcnt_epi64(_mm512_and_si512(
                                          v, _mm512_set1_epi64((long long)q[2 * words]))));
            n3 = _mm512_add_epi64(n3, _mm512_popcnt_epi64(_mm512_and_si512(
                                          v, _mm512_set1_epi64((long long)q[3 * words]))));
        }
        n0 = _mm512_add_epi64(n0, _mm512_slli_epi64(n1, 1));
        n2 = _mm512_sub_epi64(_mm512_slli_epi64(n2, 2), _mm512_slli_epi64(n3, 3));
        n0 = _mm512_sub_epi64(_mm512_slli_epi64(_mm512_add_epi64(n0, n2), 1),
                              _mm512_set1_epi64(all));
        e = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(n0)),
                          _mm256_loadu_ps(lengths + b * 8));
        _mm256_storeu_ps(estimates + b * 8, e);
        found |= (uint64_t)_mm256_cmp_ps_mask(e, floor, _CMP_GE_OQ) << b * 8;
    }
    return found & which;
}

KIND static uint64_t weigh_sketches(const uint64_t *chunk, size_t words, const uint64_t *query,
                                    int32_t all, uint64_t which, float limit, float *estimates)
{
    if (words == USUAL / 64)
        return weigh_sketches_body(chunk, USUAL / 64, query, all, which, limit, estimates);
    return weigh_sketches_body(chunk, words, query, all, which, limit, estimates);
}

KIND static uint64_t products_above(const float *numbers, const float *factors, size_t n,
                                    float limit)
{
    const __m512 floor = _mm512_set1_ps(limit);
    uint64_t above = 0;

    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = (__mmask16)(n - i < 16 ? (1U << (n - i)) - 1 : 0xffffU);
        __m512 p = _mm512_mul_ps(_mm512_maskz_loadu_ps(in, numbers + i),
                                 _mm512_maskz_loadu_ps(in, factors + i));

        above |= (uint64_t)_mm512_mask_cmp_ps_mask(in, p, floor, _CMP_GT_OQ) << i;
    }
    return above;
}

static const struct kn_kernels kernels = {
    "avx512",       dot,      dot_fine, dot_codes, scan_codes, scan_sketches, weigh_sketches,
    products_above, quantise,
};

const struct kn_kernels *kn_kernels_avx512(void)
{
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");

    return has ? &kernels : NULL;
}
#else
const struct kn_kernels *kn_kernels_avx512(void)
{
    return NULL;
}
#endif
