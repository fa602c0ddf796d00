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
    assert_int_equal(kn_sparse_build(x, NULL, NULL), KN_OK);
    return x;
}

static int search(const struct kn_sparse *x, const struct kn_term *terms, size_t n,
                  const uint64_t *allowed, size_t k, struct kn_sparse_hit *hits, size_t *found)
{
    struct kn_sparse_text text;

    kn_sparse_weigh(x, terms, n, &text);
    return kn_sparse_search(x, &text, allowed, k, hits, found, NULL);
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

        assert_int_equal(search(x, rows[q].terms, rows[q].n, NULL, 20, hits, &n), KN_OK);
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
    assert_int_equal(search(x, rows[1].terms, rows[1].n, allowed, ROWS, hits, &n), KN_OK);
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
    assert_int_equal(search(x, rows[0].terms, rows[0].n, NULL, 40, hits, &n), KN_OK);
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
    assert_int_equal(search(x, alone.terms, 2, NULL, 2, hits, &n), KN_OK);
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
    assert_int_equal(search(x, rows[1].terms, 1, NULL, 3, hits, &n), KN_OK);
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
    assert_int_equal(search(x, rows[0].terms, 1, NULL, 4, hits, &n), KN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(hits[0].row, 0);
    assert_int_equal(hits[1].row, 2);
    assert_int_equal(search(x, rows[0].terms, 0, NULL, 4, hits, &n), KN_OK);
    assert_int_equal(n, 0);
    kn_sparse_free(x);
    x = build(rows, 0);
    assert_int_equal(search(x, rows[0].terms, 1, NULL, 4, hits, &n), KN_OK);
    assert_int_equal(n, 0);
    kn_sparse_free(x);
}

/* ---- more rows than a chunk holds ---- */

enum { MANY = 140000, MOST = 30 };

static struct kn_sparse *build_many(void)
{
    struct kn_sparse *x = NULL;
    uint32_t seed = 99;

    assert_int_equal(kn_sparse_new(&x, NULL), KN_OK);
    for (size_t r = 0; r < MANY; r++) {
        struct row row = {.n = 0};

        for (size_t i = 0; i < 20; i++) { /* a term is said the less the higher its number */
            double u = next_random(&seed) / 4294967296.0;
            uint32_t term = 1 + (uint32_t)(30000 * u * u * u * u) * 20 + (uint32_t)i;

            row.terms[row.n++] = (struct kn_term){term * 2654435761u, 1 + next_random(&seed) % 3};
        }
        assert_int_equal(kn_sparse_add(x, row.terms, row.n, NULL), KN_OK);
    }
    assert_int_equal(kn_sparse_build(x, NULL, NULL), KN_OK);
    return x;
}

static struct row query_of(uint32_t number)
{
    struct row q = {.n = 0};
    uint32_t seed = 1000 + number;

    for (size_t i = 0; i < 20; i++) {
        double u = next_random(&seed) / 4294967296.0;

        q.terms[q.n++] = (struct kn_term){
            (1 + (uint32_t)(30000 * u * u * u * u) * 20 + (uint32_t)i) * 2654435761u, 1};
    }
    return q;
}

/* For as many as there are, no list is ever left out. */
static void lists_that_are_left_out_change_no_answer(void **state)
{
    struct kn_sparse_hit *all = calloc(MANY, sizeof *all), some[MOST];
    uint64_t *allowed = calloc(MANY / 64 + 1, sizeof *allowed);
    struct kn_sparse *x = build_many();
    size_t n, m;

    (void)state;
    for (size_t r = 0; r < MANY; r += 2)
        allowed[r / 64] |= UINT64_C(1) << r % 64;
    for (uint32_t q = 0; q < 40; q++) {
        struct row row = query_of(q);
        const uint64_t *bits = q % 2 ? allowed : NULL;

        assert_int_equal(search(x, row.terms, row.n, bits, MANY, all, &n), KN_OK);
        assert_true(n > 1000);
        for (size_t i = 1; i < n; i++)
            assert_true(all[i - 1].score > all[i].score ||
                        (all[i - 1].score == all[i].score && all[i - 1].row < all[i].row));
        for (size_t k = 1; k <= MOST; k += 13) {
            assert_int_equal(search(x, row.terms, row.n, bits, k, some, &m), KN_OK);
            assert_int_equal(m, k);
            assert_memory_equal(some, all, k * sizeof *some);
        }
    }
    kn_sparse_free(x);
    free(allowed);
    free(all);
}

static void what_was_kept_as_bytes_answers_the_same(void **state)
{
    struct kn_sparse *x = build_many(), *y = NULL;
    struct kn_sparse_hit a[MOST], b[MOST];
    size_t bytes, n, m;
    void *copy;

    (void)state;
    kn_sparse_bytes(x, &bytes);
    copy = malloc(bytes);
    memcpy(copy, kn_sparse_bytes(x, &bytes), bytes);
    assert_int_equal(kn_sparse_map(copy, bytes, &y, NULL), KN_OK);
    assert_int_equal(kn_sparse_rows(y), MANY);
    for (uint32_t q = 0; q < 5; q++) {
        struct row row = query_of(q);

        assert_int_equal(search(x, row.terms, row.n, NULL, MOST, a, &n), KN_OK);
        assert_int_equal(search(y, row.terms, row.n, NULL, MOST, b, &m), KN_OK);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n * sizeof *a);
    }
    kn_sparse_free(y);
    kn_sparse_free(x);
    free(copy);
}

static void bytes_that_are_no_lists_are_refused(void **state)
{
    const struct row rows[] = {{{{1, 1}, {2, 1}}, 2}, {{{1, 1}}, 1}};
    struct kn_sparse *x = build(rows, 2), *y = NULL;
    struct kn_err err;
    size_t bytes;
    char *copy;

    (void)state;
    kn_sparse_bytes(x, &bytes);
    copy = malloc(bytes);
    memcpy(copy, kn_sparse_bytes(x, &bytes), bytes);
    for (size_t n = 0; n < bytes; n++)
        assert_int_equal(kn_sparse_map(copy, n, &y, &err), KN_ECORRUPT);
    copy[0] ^= 1;
    assert_int_equal(kn_sparse_map(copy, bytes, &y, &err), KN_ECORRUPT);
    kn_sparse_free(x);
    free(copy);
}

/* Whatever they say: under AddressSanitizer this is the proof. */
static void damaged_lists_are_never_read_outside(void **state)
{
    struct row *rows = calloc(ROWS, sizeof *rows);
    struct kn_sparse_hit hits[20];
    struct kn_sparse *x, *y;
    uint32_t seed = 17;
    size_t bytes, n, opened = 0;
    unsigned char *copy;

    (void)state;
    fill(rows, ROWS, LEAST_TERM);
    x = build(rows, ROWS);
    kn_sparse_bytes(x, &bytes);
    copy = malloc(bytes);
    for (int round = 0; round < 2000; round++) {
        memcpy(copy, kn_sparse_bytes(x, &bytes), bytes);
        for (int flips = 0; flips < 20; flips++)
            copy[next_random(&seed) % bytes] ^= (unsigned char)(1 << next_random(&seed) % 8);
        if (kn_sparse_map(copy, bytes, &y, NULL))
            continue;
        opened++;
        assert_int_equal(
            search(y, rows[round % ROWS].terms, rows[round % ROWS].n, NULL, 20, hits, &n), KN_OK);
        assert_true(n <= 20);
        for (size_t i = 0; i < n; i++)
            assert_true(hits[i].row < ROWS);
        kn_sparse_free(y);
    }
    assert_true(opened > 1000);
    kn_sparse_free(x);
    free(copy);
    free(rows);
}

/* ---- rows that came later ---- */

static void later_rows_are_weighed_with_those_before_them(void **state)
{
    struct row *rows = calloc(ROWS, sizeof *rows);
    struct kn_sparse_hit hits[20];
    struct kn_sparse *base, *tail = NULL;
    size_t n, some = 0;

    (void)state;
    fill(rows, ROWS, LEAST_TERM);
    base = build(rows, ROWS - 50);
    assert_int_equal(kn_sparse_new(&tail, NULL), KN_OK);
    for (size_t r = ROWS - 50; r < ROWS; r++)
        assert_int_equal(kn_sparse_add(tail, rows[r].terms, rows[r].n, NULL), KN_OK);
    assert_int_equal(kn_sparse_build(tail, base, NULL), KN_OK);
    assert_int_equal(kn_sparse_rows(tail), 50);
    for (size_t q = 0; q < ROWS; q += 25) { /* in the tail weights are those of one index of all */
        assert_int_equal(search(tail, rows[q].terms, rows[q].n, NULL, 20, hits, &n), KN_OK);
        some += n;
        for (size_t i = 0; i < n; i++) {
            double s = score_of(rows, ROWS, &rows[q], &rows[ROWS - 50 + hits[i].row]);

            assert_float_equal(hits[i].score, s, 1e-5);
        }
    }
    assert_true(some > 20);
    kn_sparse_free(tail);
    kn_sparse_free(base);
    free(rows);
}

static void a_word_that_only_later_rows_have_is_rare(void **state)
{
    struct row *rows = calloc(40, sizeof *rows);
    struct kn_sparse *base, *tail = NULL;
    const struct row later[] = {{{{7, 1}, {100, 1}}, 2}, {{{7, 1}, {100, 1}}, 2}};
    struct kn_sparse_hit hits[2];
    size_t n = 0;

    (void)state;
    for (uint32_t r = 0; r < 40; r++)
        rows[r] = (struct row){{{7, 1}, {1000 + r, 1}}, 2};
    base = build(rows, 40);
    assert_int_equal(kn_sparse_new(&tail, NULL), KN_OK);
    for (int r = 0; r < 2; r++)
        assert_int_equal(kn_sparse_add(tail, later[r].terms, later[r].n, NULL), KN_OK);
    assert_int_equal(kn_sparse_build(tail, base, NULL), KN_OK);
    assert_int_equal(search(tail, later[0].terms, 2, NULL, 2, hits, &n), KN_OK);
    assert_int_equal(n, 2);
    assert_float_equal(hits[0].score, 1, 1e-6); /* 7 counts nothing: all before say it */
    assert_int_equal(search(base, later[0].terms, 2, NULL, 2, hits, &n), KN_OK);
    assert_int_equal(n, 0);
    kn_sparse_free(tail);
    kn_sparse_free(base);
    free(rows);
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
        cmocka_unit_test(lists_that_are_left_out_change_no_answer),
        cmocka_unit_test(what_was_kept_as_bytes_answers_the_same),
        cmocka_unit_test(bytes_that_are_no_lists_are_refused),
        cmocka_unit_test(damaged_lists_are_never_read_outside),
        cmocka_unit_test(later_rows_are_weighed_with_those_before_them),
        cmocka_unit_test(a_word_that_only_later_rows_have_is_rare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
