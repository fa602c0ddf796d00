/* One test a promise of bf16.h and accel.h, named after it. On a processor without AVX512-BF16 there is
 * nothing to promise, and they skip. */
#include "speech/accel.h"
#include "speech/bf16.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Rounding to 8 bits, the leading one among them, is off by 2^-8 at most; of two factors by twice that. */
static const double PRODUCT = 1.0 / 127;

static float *numbers(size_t n, unsigned seed)
{
    float *x = malloc(n * sizeof *x);

    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525U + 1013904223U;
        x[i] = (float)(seed >> 8) / (float)(1 << 23) - 1.0F;
    }
    return x;
}

static void *room(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

    assert_non_null(p);
    memset(p, 0xFF, bytes); /* what lay there before must not matter: these are NaNs */
    return p;
}

static struct kn_bf16_rows rows(const float *x, size_t n, size_t k)
{
    return (struct kn_bf16_rows){(const char *)x, k * sizeof *x, n, k, NULL};
}

/* out is right up to rounding, and nothing beyond it is written. */
static void check_product(size_t m, size_t n, size_t k)
{
    float *w = numbers(m * k, 1), *x = numbers(n * k, 2), *out = numbers(m * n + 16, 3);
    float *beyond = numbers(m * n + 16, 3);
    struct kn_bf16_rows wr = rows(w, m, k), xr = rows(x, n, k);
    void *scratch = room(kn_bf16_product_room(&wr, &xr));

    kn_bf16_product(&wr, &xr, out, scratch);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < m; i++) {
            double sum = 0, size = 0;

            for (size_t p = 0; p < k; p++) {
                double one = (double)w[i * k + p] * (double)x[j * k + p];

                sum += one;
                size += fabs(one);
            }
            assert_true(fabs(sum - (double)out[j * m + i]) <= PRODUCT * size);
        }
    }
    assert_memory_equal(out + m * n, beyond + m * n, 16 * sizeof *out);
    free(w);
    free(x);
    free(out);
    free(beyond);
    free(scratch);
}

static void a_product_is_right_whatever_its_shape(void **state)
{
    (void)state;
    if (!kn_bf16_here())
        skip();
    check_product(64, 6, 32);
    check_product(1, 1, 2);
    check_product(65, 7, 34); /* one over in each direction */
    check_product(130, 50, 240);
    check_product(33, 32, 6);
}

static void half_precision_is_read_as_ggml_reads_it(void **state)
{
    ggml_fp16_t halves[37];
    float ours[37], theirs[37];

    (void)state;
    if (!kn_bf16_here())
        skip();
    for (int i = 0; i < 37; i++)
        halves[i] = ggml_fp32_to_fp16((float)(i - 18) * 0.37F);
    kn_bf16_widen(halves, ours, 37);
    ggml_fp16_to_fp32_row(halves, theirs, 37);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void check_attention(size_t n, size_t keys)
{
    enum { D = KN_BF16_HEAD };
    float *q = numbers(n * D, 4), *k = numbers(keys * D, 5), *v = numbers(keys * D, 6);
    float *out = numbers(n * D, 7);
    struct kn_bf16_head h = {rows(q, n, D), rows(k, keys, D), rows(v, keys, D), 0.5F, out, D};
    void *scratch = room(kn_bf16_attention_room(&h));

    kn_bf16_attention(&h, scratch);
    for (size_t j = 0; j < n; j++) {
        double total = 0, mean[D] = {0};

        for (size_t i = 0; i < keys; i++) {
            double score = 0;

            for (size_t d = 0; d < D; d++)
                score += (double)q[j * D + d] * (double)k[i * D + d];
            score = exp(score * 0.5);
            total += score;
            for (size_t d = 0; d < D; d++)
                mean[d] += score * (double)v[i * D + d];
        }
        for (size_t d = 0; d < D; d++)
            assert_true(fabs(mean[d] / total - (double)out[j * D + d]) < 0.02);
    }
    free(q);
    free(k);
    free(v);
    free(out);
    free(scratch);
}

static void attention_is_right_whatever_the_number_of_keys(void **state)
{
    (void)state;
    if (!kn_bf16_here())
        skip();
    check_attention(6, 64);
    check_attention(7, 65);
    check_attention(32, 300);
    check_attention(1, 1);
}

static void gelu_is_right_from_end_to_end(void **state)
{
    float x[101], y[101];

    (void)state;
    if (!kn_bf16_here())
        skip();
    for (int i = 0; i < 101; i++)
        x[i] = (float)(i - 50) * 2;
    for (int i = 30; i < 70; i++)
        x[i] = (float)(i - 50) * 0.2F;
    kn_bf16_gelu(x, y, 101);
    for (int i = 0; i < 101; i++) {
        double v = (double)x[i];
        double want = v * (1 + tanh(sqrt(2 / acos(-1.0)) * (v + 0.044715 * v * v * v))) / 2;

        assert_true(fabs(want - (double)y[i]) <= 1e-6 * fmax(1, fabs(v)));
    }
}

static bool taken(const char *name, int64_t positions)
{
    struct ggml_init_params params = {.mem_size = 1 << 20, .no_alloc = true};
    struct ggml_context *ctx = ggml_init(params);
    struct ggml_tensor *w = ggml_new_tensor_2d(ctx, GGML_TYPE_Q8_0, 512, 512);
    struct ggml_tensor *x = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, 512, positions);
    bool yes;

    ggml_set_name(w, name);
    yes = ggml_backend_dev_supports_op(ggml_backend_dev_by_name("Kinora"), ggml_mul_mat(ctx, w, x));
    ggml_free(ctx);
    return yes;
}

static void only_whispers_large_products_are_taken(void **state)
{
    (void)state;
    kn_accel_join();
    kn_accel_join(); /* once more does no harm */
    if (!kn_bf16_here()) {
        assert_null(ggml_backend_dev_by_name("Kinora"));
        skip();
    }
    assert_true(taken("leaf_3", 1500));
    assert_false(taken("leaf_3", 5));
    assert_false(taken("blk.0.attn_q.weight", 1500)); /* of an embedding model */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_right_whatever_its_shape),
        cmocka_unit_test(half_precision_is_read_as_ggml_reads_it),
        cmocka_unit_test(attention_is_right_whatever_the_number_of_keys),
        cmocka_unit_test(gelu_is_right_from_end_to_end),
        cmocka_unit_test(only_whispers_large_products_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
