/* One test a promise of exact.h, named after it. */
#include "index/exact.h"

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 700, MAX = 4096 };

static uint32_t seed = 1;

static double chance(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed / 4294967296.0;
}

static void random_vector(float *v, size_t dim)
{
    double square = 0;

    for (size_t i = 0; i < dim; i++) {
        v[i] = (float)(chance() - 0.5);
        square += (double)v[i] * (double)v[i];
    }
    for (size_t i = 0; i < dim; i++)
        v[i] = (float)(v[i] / sqrt(square));
}

static struct kn_exact *filled(size_t dim, size_t rows, float *vectors)
{
    struct kn_exact *x = NULL;

    assert_int_equal(kn_exact_new(dim, &x, NULL), KN_OK);
    for (size_t i = 0; i < rows; i++) {
        random_vector(vectors + i * dim, dim);
        assert_int_equal(kn_exact_add(x, vectors + i * dim, NULL), KN_OK);
    }
    assert_int_equal(kn_exact_rows(x), rows);
    return x;
}

static double dot(const float *a, const float *b, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void a_search_gives_the_best_rows_best_first_in_any_dimension(void **state)
{
    const size_t dims[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 384, 1000, MAX};
    struct kn_exact_hit hits[20];

    (void)state;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        size_t dim = dims[d], rows = dim > 100 ? 60 : ROWS, n;
        float *vectors = calloc(rows * dim, sizeof *vectors), query[MAX];
        struct kn_exact *x = filled(dim, rows, vectors);

        random_vector(query, dim);
        n = kn_exact_search(x, query, NULL, 20, hits);
        assert_int_equal(n, 20);
        for (size_t i = 0; i < n; i++) {
            double exact = dot(query, vectors + hits[i].row * dim, dim);

            assert_true(fabs(exact - (double)hits[i].similarity) < 1e-5);
            assert_true(i == 0 || hits[i - 1].similarity >= hits[i].similarity);
        }
        for (size_t r = 0, better = 0; r < rows; r++) {
            better += dot(query, vectors + r * dim, dim) > (double)hits[n - 1].similarity + 1e-5;
            assert_true(better < n);
        }
        free(vectors);
        kn_exact_free(x);
    }
}

static void only_allowed_rows_are_found_and_never_fewer_than_k(void **state)
{
    static float vectors[ROWS * 8];
    struct kn_exact *x = filled(8, ROWS, vectors);
    struct kn_exact_hit hits[ROWS + 5];

    (void)state;
    for (int share = 0; share <= 10; share++) {
        uint64_t allowed[ROWS / 64 + 1] = {0};
        size_t passing = 0;

        for (uint32_t r = 0; r < ROWS; r++)
            if (chance() * 10 < share) {
                allowed[r / 64] |= UINT64_C(1) << r % 64;
                passing++;
            }
        for (size_t k = 0; k < ROWS + 5; k += 41) {
            size_t n = kn_exact_search(x, vectors, allowed, k, hits);

            assert_int_equal(n, k < passing ? k : passing);
            for (size_t i = 0; i < n; i++)
                assert_true(allowed[hits[i].row / 64] >> hits[i].row % 64 & 1);
        }
    }
    kn_exact_free(x);
}

static void ties_go_to_the_lower_row(void **state)
{
    const float a[3] = {1, 0, 0}, b[3] = {0, 1, 0};
    struct kn_exact_hit hits[50];
    struct kn_exact *x;

    (void)state;
    assert_int_equal(kn_exact_new(3, &x, NULL), KN_OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(kn_exact_add(x, i % 2 ? a : b, NULL), KN_OK);
    for (size_t k = 1; k <= 40; k++) {
        assert_int_equal(kn_exact_search(x, a, NULL, k, hits), k);
        for (size_t i = 0; i < k; i++)
            assert_int_equal(hits[i].row, i < 20 ? 2 * i + 1 : 2 * (i - 20));
    }
    kn_exact_free(x);
}

static void a_similarity_never_passes_one(void **state)
{
    static float vectors[ROWS * 384];
    struct kn_exact *x = filled(384, ROWS, vectors);
    uint64_t allowed[ROWS / 64 + 1] = {1};
    struct kn_exact_hit hit;
    float opposite[384];

    (void)state;
    for (uint32_t r = 0; r < ROWS; r++) {
        assert_int_equal(kn_exact_search(x, vectors + r * 384, NULL, 1, &hit), 1);
        assert_int_equal(hit.row, r);
        assert_true(hit.similarity <= 1 && hit.similarity > 0.99999f);
    }
    for (int i = 0; i < 384; i++)
        opposite[i] = -vectors[i];
    assert_int_equal(kn_exact_search(x, opposite, allowed, 1, &hit), 1);
    assert_true(hit.similarity >= -1 && hit.similarity < -0.99999f);
    kn_exact_free(x);
}

static void rows_are_copies_in_the_order_of_their_adding(void **state)
{
    static float vectors[ROWS * 5];
    struct kn_exact *x = filled(5, ROWS, vectors);

    (void)state;
    for (uint32_t r = 0; r < ROWS; r++)
        assert_memory_equal(kn_exact_row(x, r), vectors + r * 5, 5 * sizeof *vectors);
    kn_exact_free(x);
    kn_exact_free(NULL);
}

/* The sum is taken in an order that is written down, so every machine must come to these bits. */
static void a_sum_is_the_same_to_the_last_bit_on_every_machine(void **state)
{
    enum { DIM = 77 };
    float a[80] = {0}, b[80] = {0}, sums[32] = {0};
    struct kn_exact_hit hit;
    struct kn_exact *x;

    (void)state;
    random_vector(a, DIM);
    random_vector(b, DIM);
    for (int i = 0; i < 80; i++) {
        volatile float product = a[i] * b[i]; /* rounded, never fused */

        sums[i % 32] += product;
    }
    for (int half = 16; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            sums[i] += sums[i + half];
    assert_int_equal(kn_exact_new(DIM, &x, NULL), KN_OK);
    assert_int_equal(kn_exact_add(x, b, NULL), KN_OK);
    assert_int_equal(kn_exact_search(x, a, NULL, 1, &hit), 1);
    assert_memory_equal(&hit.similarity, sums, sizeof hit.similarity);
    kn_exact_free(x);
}

static void impossible_dimensions_are_refused(void **state)
{
    struct kn_exact *x = NULL;
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_exact_new(0, &x, &err), KN_EARG);
    assert_int_equal(kn_exact_new(MAX + 1, &x, &err), KN_EARG);
    assert_null(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_gives_the_best_rows_best_first_in_any_dimension),
        cmocka_unit_test(only_allowed_rows_are_found_and_never_fewer_than_k),
        cmocka_unit_test(ties_go_to_the_lower_row),
        cmocka_unit_test(a_similarity_never_passes_one),
        cmocka_unit_test(rows_are_copies_in_the_order_of_their_adding),
        cmocka_unit_test(a_sum_is_the_same_to_the_last_bit_on_every_machine),
        cmocka_unit_test(impossible_dimensions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
