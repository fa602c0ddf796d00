/* bf16.h - the two operations in which Whisper's encoder spends its time, for processors with
 * AVX512-BF16: matrix products and attention.
 *
 * Operands are rounded to bfloat16 (8 bits of mantissa, the range of a float), which the processor
 * multiplies two by two; sums are kept in float32. ggml does the same with bf16 weights, at a third
 * of the speed: it takes dot products, one weight loaded for each multiplication. Here a tile of
 * ROWS x COLUMNS sums stays in registers, and what is loaded serves them all (Goto and van de Geijn,
 * "Anatomy of high-performance matrix multiplication", 2008): 26 loads become 10.
 *
 * Weights are packed anew in each call, 3 % of its time: no second copy of the model is kept, and
 * whatever type the file holds will do.
 *
 * Pure functions; results do not depend on how the work is cut. Only where kn_bf16_here(). */
#ifndef KN_SPEECH_BF16_H
#define KN_SPEECH_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does this processor have AVX512-BF16, and was this compiled for x86-64? */
bool kn_bf16_here(void);

/* n rows of k numbers, of any type that read() turns into floats; k is even. */
struct kn_bf16_rows {
    const char *data;
    size_t stride; /* bytes from row to row */
    size_t n, k;
    void (*read)(const void *row, float *out, int64_t n); /* NULL: they are floats */
};

/* A read() for rows of IEEE half precision; ggml's own goes number by number. */
void kn_bf16_widen(const void *row, float *out, int64_t n);

/* out[j * w->n + i] = sum over k of w[i][k] * x[j][k]. scratch: kn_bf16_product_room() bytes, at a
 * multiple of 64. */
size_t kn_bf16_product_room(const struct kn_bf16_rows *w, const struct kn_bf16_rows *x);
void kn_bf16_product(const struct kn_bf16_rows *w, const struct kn_bf16_rows *x, float *out,
                     void *scratch);

enum { KN_BF16_HEAD = 64 }; /* numbers in a row of q, keys and values: so has every Whisper */

/* One head: out row j, at out + j * out_step, = sum over i of softmax(scale * q[j] . keys[i]) * values[i]. */
struct kn_bf16_head {
    struct kn_bf16_rows q, keys, values; /* rows of KN_BF16_HEAD; as many values as keys */
    float scale;
    float *out;
    size_t out_step; /* floats */
};

size_t kn_bf16_attention_room(const struct kn_bf16_head *h);
void kn_bf16_attention(const struct kn_bf16_head *h, void *scratch);

/* y[i] = x[i] * (1 + tanh(sqrt(2 / pi) * (x[i] + 0.044715 * x[i]^3))) / 2; y may be x. */
void kn_bf16_gelu(const float *x, float *y, size_t n);

#endif
