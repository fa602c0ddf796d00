/* One test a promise of sparse.h. */
#include "base/err.h"
#include "index/sparse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 500, LEAST_TERM = 64 };

struct row {
    struct kn_term terms[KN_TERMS];
    size_t n;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Terms as in a language: the rank of a word is the reciprocal of a chance. */
static void fill(struct row *rows, size_t n_rows, size_t most)
{
    uint32_t seed = 4711;

    for (size_t r = 0; r < n_rows; r++) {
        bool seen[4096] = {false};

        rows[r].n = 0;
        for (size_t i = 0; i < most; i++) {
            uint32_t term = (uint32_t)(1 / (next_random(&seed) / 4294967296.0 + 1e-3)) * 3 % 4096;

            if (!seen[term])
                rows[r].terms[rows[r].n++] =
                    (struct kn_term){term * 2654435761u, 1 + next_random(&seed) % 5};
            seen[term] = true;
        }
    }
}

static struct kn_sparse *build(const struct row *rows, size_t n)
{
    struct kn_sparse *x = NULL;

    assert_int_equal(kn_sparse_new(&x, NULL), KN_OK);
    for (size_t r = 0; r < n; r++)
        assert_int_equal(kn_sparse_add(x, rows[r].terms, rows[r].n, NULL), KN_OK);
    assert_int_equal(kn_sparse_build(x, NULL), KN_OK);
    return x;
}

/* ---- the plainest way to say what a score is ---- */

static size_t rows_with(const struct row *rows, size_t n, uint32_t hash)
{
    size_t count = 0;

    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < rows[r].n; i++)
            count += rows[r].terms[i].hash == hash;
    return count;
}

static double rarity(size_t n, double rows)
{
    double most = n / 10 > 3 ? (double)(n / 10) : 3;

    return rows > most ? 0 : log(1 + ((double)n - rows + 0.5) / (rows + 0.5));
}

/* For rows of at most 64 terms: none is left out. */
static double score_of(const struct row *rows, size_t n, const struct row *a, const struct row *b)
{
    double both = 0, in_a = 0, in_b = 0;

    for (int side = 0; side < 2; side++) {
        const struct row *r = side ? b : a;

        for (size_t i = 0; i < r->n; i++) {
            double df = (double)rows_with(rows, n, r->terms[i].hash), c = r->terms[i].count;
            double w = c * 2.2 / (c + 1.2) * rarity(n, df);

            *(side ? &in_b : &in_a) += w * w;
            for (size_t j = 0; !side && j < b->n; j++) {
                double d = b->terms[j].count;

                if (b->terms[j].hash == a->terms[i].hash)
                    both += w * d * 2.2 / (d + 1.2) * rarity(n, df);
            }
        }
    }
    return in_a > 0 && in_b > 0 ? both / sqrt(in_a * in_b) : 0;
}

static void a_search_finds_the_most_shared_weight(void **state)
{
    struct row *rows = calloc(ROWS, sizeof *rows);
    struct kn_sparse_hit hits[20];
    struct kn_sparse *x;

    (void)state;
    fill(rows, ROWS, LEAST_TERM);
    x = build(rows, ROWS);
    for (size_t q = 0; q < ROWS; q += 50) {
        size_t n = 0, better = 0, some = 0;

        assert_int_equal(kn_sparse_search(x, rows[q].terms, rows[q].n, NULL, 20, hits, &n, NULL),
                         KN_OK);
        for (size_t r = 0; r < ROWS; r++)
            some += score_of(rows, ROWS, &rows[q], &rows[r]) > 0;
        assert_int_equal(n, some < 20 ? some : 20);
        assert_int_equal(hits[0].row, q);
        assert_float_equal(hits[0].score, 1, 1e-5);
        for (size_t i = 0; i < n; i++) {
            double s = score_of(rows, ROWS, &rows[q], &rows[hits[i].row]);

            assert_float_equal(hits[i].score, s, 1e-5);
            assert_true(i == 0 || hits[i - 1].score >= hits[i].score);
        }
        for (size_t r = 0; r < ROWS; r++)
            better += score_of(rows, ROWS, &rows[q], &rows[r]) > (double)hits[n - 1].score + 1e-5;
        assert_true(better < n);
    }
    kn_sparse_free(x);
    free(rows);
}

static void what_is_not_allowed_is_not_found(void **state)
{
    struct row *rows = calloc(ROWS, sizeof *rows);
    struct kn_sparse_hit hits[ROWS];
    uint64_t allowed[ROWS / 64 + 1] = {0};
    struct kn_sparse *x;
    size_t n = 0;

    (void)state;
    fill(rows, ROWS, LEAST_TERM);
    x = build(rows, ROWS);
    for (size_t r = 0; r < ROWS; r += 3)
        allowed[r / 64] |= UINT64_C(1) << r % 64;
    assert_int_equal(kn_sparse_search(x, rows[1].terms, rows[1].n, allowed, ROWS, hits, &n, NULL),
                     KN_OK);
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(hits[i].row % 3, 0);
    kn_sparse_free(x);
    free(rows);
}

static const struct row alone = {{{100, 1}, {200, 9}}, 2};

static void rare_words_weigh_more_and_usual_ones_nothing(void **state)
{
    /* 7 is in all of 40 rows, 8 in four, 100 in two. */
    struct row *rows = calloc(40, sizeof *rows);
    struct kn_sparse_hit hits[40];
    struct kn_sparse *x;
    size_t n = 0;

    (void)state;
    for (uint32_t r = 0; r < 40; r++) {
        rows[r] = (struct row){{{7, 3}, {1000 + r, 1}}, 2};
        if (r < 4)
            rows[r].terms[rows[r].n++] = (struct kn_term){8, 1};
        if (r == 0 || r == 20)
            rows[r].terms[rows[r].n++] = (struct kn_term){100, 1};
    }
    x = build(rows, 40);
    assert_int_equal(kn_sparse_search(x, rows[0].terms, rows[0].n, NULL, 40, hits, &n, NULL),
                     KN_OK);
    assert_int_equal(n, 5);
    assert_int_equal(hits[0].row, 0);
    assert_int_equal(hits[1].row, 20);
    assert_int_equal(hits[2].row, 1);
    kn_sparse_free(x);
    free(rows);
}

static void a_text_that_is_no_row_finds_rows_by_their_own_words(void **state)
{
    const struct row rows[] = {{{{7, 1}, {100, 1}}, 2}, {{{7, 1}}, 1}};
    struct kn_sparse *x = build(rows, 2);
    struct kn_sparse_hit hits[2];
    size_t n = 0;

    (void)state;
    assert_int_equal(kn_sparse_search(x, alone.terms, 2, NULL, 2, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_int_equal(hits[0].row, 0);
    kn_sparse_free(x);
}

static void what_others_have_comes_before_what_is_ones_own(void **state)
{
    struct row *rows = calloc(3, sizeof *rows);
    struct kn_sparse *x;
    struct kn_sparse_hit hits[3];
    size_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 200; i++) /* said often, by this one only */
        rows[0].terms[rows[0].n++] = (struct kn_term){1000 + i, 9};
    rows[0].terms[rows[0].n++] = (struct kn_term){5, 1};
    rows[1] = (struct row){{{5, 1}}, 1};
    rows[2] = (struct row){{{6, 1}}, 1};
    x = build(rows, 3);
    assert_int_equal(kn_sparse_search(x, rows[1].terms, 1, NULL, 3, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(hits[1].row, 0);
    kn_sparse_free(x);
    free(rows);
}

static void ties_go_to_the_lower_row_and_nothing_shared_is_no_hit(void **state)
{
    const struct row rows[] = {{{{1, 1}}, 1}, {{{2, 1}}, 1}, {{{1, 1}}, 1}, {{{0, 0}}, 0}};
    struct kn_sparse *x = build(rows, 4);
    struct kn_sparse_hit hits[4];
    size_t n = 9;

    (void)state;
    assert_int_equal(kn_sparse_search(x, rows[0].terms, 1, NULL, 4, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(hits[0].row, 0);
    assert_int_equal(hits[1].row, 2);
    assert_int_equal(kn_sparse_search(x, rows[0].terms, 0, NULL, 4, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    kn_sparse_free(x);
    x = build(rows, 0);
    assert_int_equal(kn_sparse_search(x, rows[0].terms, 1, NULL, 4, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    kn_sparse_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_finds_the_most_shared_weight),
        cmocka_unit_test(what_is_not_allowed_is_not_found),
        cmocka_unit_test(rare_words_weigh_more_and_usual_ones_nothing),
        cmocka_unit_test(a_text_that_is_no_row_finds_rows_by_their_own_words),
        cmocka_unit_test(what_others_have_comes_before_what_is_ones_own),
        cmocka_unit_test(ties_go_to_the_lower_row_and_nothing_shared_is_no_hit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
