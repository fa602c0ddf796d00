#include "index/kernels.h"

#include "base/err.h"
#include "index/kernels_body.h"

#include <stdlib.h>

UNFUSED static float dot(const float *a, const float *b, size_t n)
{
    return dot_body(a, b, n);
}

UNFUSED static float dot_fine(const uint8_t *codes, const int8_t *fine, const float *query,
                              size_t n)
{
    lanes sums[2] = {{0}, {0}};

    for (size_t i = 0; i < n; i++)
        sums[i / KN_LANES % 2][i % KN_LANES] +=
            (float)((codes[i] - 128) * 256 + fine[i]) * query[i];
    sums[0] += sums[1];
    return sum_of(sums);
}

UNFUSED static bool quantise(const float *row, size_t n, uint8_t *codes, int8_t *fine, float *scale)
{
    return quantise_body(row, n, codes, fine, scale);
}

static int32_t dot_codes(const uint8_t *codes, const int8_t *query, int32_t offset, size_t n)
{
    int32_t sum = offset;

    for (size_t i = 0; i < n; i++)
        sum += codes[i] * query[i];
    return sum;
}

static uint64_t scan_codes(const uint8_t *chunk, size_t stride, const int8_t *query, int32_t offset,
                           float limit, float *scores)
{
    const float *scales = (const float *)(const void *)(chunk + KN_CHUNK * stride);
    uint64_t above = 0;

    for (size_t r = 0; r < KN_CHUNK; r++) {
        scores[r] = (float)dot_codes(chunk + r * stride, query, offset, stride) * scales[r];
        above |= (uint64_t)(scores[r] > limit) << r;
    }
    return above;
}

static uint64_t scan_sketches(const uint64_t *chunk, size_t words, const uint64_t *query,
                              uint32_t limit, uint16_t *distances)
{
    uint64_t below = 0;

    for (size_t r = 0; r < KN_CHUNK; r++) {
        const uint64_t *sketch = chunk + r / 8 * words * 8 + r % 8;
        uint32_t differ = 0;

        for (size_t w = 0; w < words; w++)
            differ += (uint32_t)__builtin_popcountll((sketch[w * 8] ^ query[w]) & query[words + w]);
        distances[r] = (uint16_t)differ;
        below |= (uint64_t)(differ < limit) << r;
    }
    return below;
}

static uint64_t weigh_sketches(const uint64_t *chunk, size_t words, const uint64_t *query,
                               int32_t all, uint64_t which, float limit, float *estimates)
{
    const float *lengths = (const float *)(const void *)(chunk + KN_CHUNK * words);
    uint64_t found = 0;

    for (; which; which &= which - 1) {
        size_t r = (size_t)__builtin_ctzll(which);
        const uint64_t *sketch = chunk + r / 8 * words * 8 + r % 8;
        int32_t bits[4] = {0};

        for (size_t w = 0; w < words; w++)
            for (size_t b = 0; b < 4; b++)
                bits[b] += __builtin_popcountll(sketch[w * 8] & query[b * words + w]);
        estimates[r] =
            (float)(2 * (bits[0] + 2 * bits[1] + 4 * bits[2] - 8 * bits[3]) - all) * lengths[r];
        found |= (uint64_t)(estimates[r] >= limit) << r;
    }
    return found;
}

static uint64_t products_above(const float *numbers, const float *factors, size_t n, float limit)
{
    uint64_t above = 0;

    for (size_t i = 0; i < n; i++)
        above |= (uint64_t)(numbers[i] * factors[i] > limit) << i;
    return above;
}

static const struct kn_kernels plain = {
    "c",      dot, dot_fine, dot_codes, scan_codes, scan_sketches, weigh_sketches, products_above,
    quantise,
};

int kn_kernels_choose(const struct kn_kernels **out, struct kn_err *err)
{
    const struct kn_kernels *kinds[] = {kn_kernels_avx512(), kn_kernels_avx2(), &plain};
    const char *asked = getenv("KINORA_SIMD");

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i] && (!asked || !*asked || strcmp(asked, kinds[i]->name) == 0)) {
            *out = kinds[i];
            return KN_OK;
        }
    if (strcmp(asked, "avx512") == 0 || strcmp(asked, "avx2") == 0)
        return kn_err_set(err, KN_EARG,
                          "KINORA_SIMD is '%s', which this processor has not: unset it", asked);
    return kn_err_set(err, KN_EARG, "KINORA_SIMD is '%s': set it to avx512, avx2 or c, or unset it",
                      asked);
}
