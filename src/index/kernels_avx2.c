#include "index/kernels_body.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define KIND __attribute__((target("avx2,popcnt")))
#define INLINED KIND static inline __attribute__((always_inline))

UNFUSED KIND static float dot(const float *a, const float *b, size_t n)
{
    return dot_body(a, b, n);
}

/* Intrinsics, since gcc 12 widens bytes in the vector extension one by one. */
UNFUSED KIND static inline __m256 widen(const uint8_t *codes, const int8_t *fine)
{
    __m256i upper = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)codes));
    __m256i lower = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)fine));

    upper = _mm256_slli_epi32(_mm256_sub_epi32(upper, _mm256_set1_epi32(128)), 8);
    return _mm256_cvtepi32_ps(_mm256_add_epi32(upper, lower));
}

UNFUSED KIND static float dot_fine(const uint8_t *codes, const int8_t *fine, const float *query,
                                   size_t n)
{
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                      _mm256_setzero_ps()}; /* of the even lanes and of the odd ones, in halves */
    lanes sum;

    for (size_t i = 0; i < n; i += 2 * KN_LANES)
        for (size_t h = 0; h < 4; h++) {
            __m256 a = _mm256_mul_ps(widen(codes + i + 8 * h, fine + i + 8 * h),
                                     _mm256_load_ps(query + i + 8 * h));

            sums[h] = _mm256_add_ps(sums[h], a);
        }
    sums[0] = _mm256_add_ps(sums[0], sums[2]);
    sums[1] = _mm256_add_ps(sums[1], sums[3]);
    memcpy(&sum, sums, sizeof sum);
    return sum_of(&sum);
}

UNFUSED KIND static bool quantise(const float *row, size_t n, uint8_t *codes, int8_t *fine,
                                  float *scale)
{
    return quantise_body(row, n, codes, fine, scale);
}

/* 32 products added in fours. The pairs of bytes that VPMADDUBSW adds must fit 16 bits, so the one factor is made positive and
 * gives its sign to the other: 2 * 127 * 127 do. (Codes are never -128.) */
INLINED __m256i add32(__m256i sum, const uint8_t *codes, const int8_t *query)
{
    __m256i c = _mm256_xor_si256(_mm256_load_si256((const __m256i *)(const void *)codes),
                                 _mm256_set1_epi8((char)0x80));
    __m256i q = _mm256_load_si256((const __m256i *)(const void *)query);
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(c), _mm256_sign_epi8(q, c));

    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINED int32_t sum8(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

/* offset is what the other kinds need, whose codes are never without their 128. */
INLINED int32_t dot_codes_body(const uint8_t *codes, const int8_t *query, size_t n)
{
    __m256i even = _mm256_setzero_si256(), odd = even;

    for (size_t i = 0; i < n; i += 64) {
        even = add32(even, codes + i, query + i);
        odd = add32(odd, codes + i + 32, query + i + 32);
    }
    return sum8(_mm256_add_epi32(even, odd));
}

KIND static int32_t dot_codes(const uint8_t *codes, const int8_t *query, int32_t offset, size_t n)
{
    (void)offset;
    return dot_codes_body(codes, query, n);
}

KIND static uint64_t scan_codes(const uint8_t *chunk, size_t stride, const int8_t *query,
                                int32_t offset, float limit, float *scores)
{
    const float *scales = (const float *)(const void *)(chunk + KN_CHUNK * stride);
    uint64_t above = 0;

    (void)offset;
    for (size_t r = 0; r < KN_CHUNK; r++) {
        scores[r] = (float)dot_codes_body(chunk + r * stride, query, stride) * scales[r];
        above |= (uint64_t)(scores[r] > limit) << r;
    }
    return above;
}

/* Bits in each of four words: a table of 16, as Mula does it (Mula, Kurz, Lemire 2016). */
INLINED __m256i popcount4(__m256i v)
{
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    __m256i bytes =
        _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(v, low)),
                        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));

    return _mm256_sad_epu8(bytes, _mm256_setzero_si256());
}

KIND static uint64_t scan_sketches(const uint64_t *chunk, size_t words, const uint64_t *query,
                                   uint32_t limit, uint16_t *distances)
{
    const __m256i ceiling = _mm256_set1_epi64x(limit);
    uint64_t below = 0;

    for (size_t b = 0; b < KN_CHUNK / 4; b++) { /* half a block */
        const uint64_t *rows = chunk + b / 2 * words * 8 + b % 2 * 4;
        __m256i differ = _mm256_setzero_si256();
        unsigned found;

        for (size_t w = 0; w < words; w++)
            differ = _mm256_add_epi64(
                differ, popcount4(_mm256_and_si256(
                            _mm256_xor_si256(
                                _mm256_load_si256((const __m256i *)(const void *)(rows + w * 8)),
                                _mm256_set1_epi64x((long long)query[w])),
                            _mm256_set1_epi64x((long long)query[words + w]))));
        found =
            (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(ceiling, differ)));
        if (found) {
            uint64_t each[4];

            _mm256_storeu_si256((__m256i *)(void *)each, differ);
            for (size_t r = 0; r < 4; r++)
                distances[b * 4 + r] = (uint16_t)each[r];
            below |= (uint64_t)found << b * 4;
        }
    }
    return below;
}

KIND static uint64_t weigh_sketches(const uint64_t *chunk, size_t words, const uint64_t *query,
                                    int32_t all, uint64_t which, float limit, float *estimates)
{
    const float *lengths = (const float *)(const void *)(chunk + KN_CHUNK * words);
    uint64_t found = 0;

    for (size_t b = 0; b < KN_CHUNK / 4; b++) {
        const uint64_t *rows = chunk + b / 2 * words * 8 + b % 2 * 4;
        __m256i n[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                        _mm256_setzero_si256()};
        int64_t each[4];

        if (!(which >> b * 4 & 0xf))
            continue;
        for (size_t w = 0; w < words; w++)
            for (size_t bit = 0; bit < 4; bit++)
                n[bit] = _mm256_add_epi64(
                    n[bit], popcount4(_mm256_and_si256(
                                _mm256_load_si256((const __m256i *)(const void *)(rows + w * 8)),
                                _mm256_set1_epi64x((long long)query[bit * words + w]))));
        n[0] = _mm256_add_epi64(n[0], _mm256_slli_epi64(n[1], 1));
        n[2] = _mm256_sub_epi64(_mm256_slli_epi64(n[2], 2), _mm256_slli_epi64(n[3], 3));
        n[0] = _mm256_add_epi64(n[0], n[2]);
        _mm256_storeu_si256((__m256i *)(void *)each, n[0]);
        for (size_t r = b * 4; r < b * 4 + 4; r++) {
            estimates[r] = (float)(2 * (int32_t)each[r % 4] - all) * lengths[r];
            found |= (uint64_t)(estimates[r] >= limit) << r;
        }
    }
    return found & which;
}

KIND static uint64_t products_above(const float *numbers, const float *factors, size_t n,
                                    float limit)
{
    const __m256 floor = _mm256_set1_ps(limit);
    uint64_t above = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        __m256 p = _mm256_mul_ps(_mm256_loadu_ps(numbers + i), _mm256_loadu_ps(factors + i));

        above |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(p, floor, _CMP_GT_OQ)) << i;
    }
    for (; i < n; i++)
        above |= (uint64_t)(numbers[i] * factors[i] > limit) << i;
    return above;
}

static const struct kn_kernels kernels = {
    "avx2",         dot,      dot_fine, dot_codes, scan_codes, scan_sketches, weigh_sketches,
    products_above, quantise,
};

const struct kn_kernels *kn_kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &kernels : NULL;
}
#else
const struct kn_kernels *kn_kernels_avx2(void)
{
    return NULL;
}
#endif
