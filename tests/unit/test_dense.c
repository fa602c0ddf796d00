/* One test a promise of dense.h, named after it; those of its file are in test_dense_file.c. */
#include "dense_fixture.h"

static struct kn_exact *truth(const struct data *d)
{
    struct kn_exact *x = NULL;

    assert_int_equal(kn_exact_new(d->dim, &x, NULL), KN_OK);
    for (size_t r = 0; r < d->rows; r++)
        assert_int_equal(kn_exact_add(x, d->vectors + r * d->dim, NULL), KN_OK);
    return x;
}

/* Bits for rows drawn with this probability, or for the first few that are drawn when it is above 1. */
static uint64_t *draw(size_t rows, double share)
{
    uint64_t *bits = calloc(rows / 64 + 1, sizeof *bits);

    for (size_t r = 0; share <= 1 && r < rows; r++)
        bits[r / 64] |= (uint64_t)(chance() < share) << r % 64;
    for (size_t i = 0; share > 1 && i < (size_t)share; i++) {
        size_t r = (size_t)(chance() * (double)rows);

        bits[r / 64] |= UINT64_C(1) << r % 64;
    }
    return bits;
}

/* The rows found among as many of the truth: one of the same similarity is as good. */
static double recall(const struct kn_dense *x, const struct kn_exact *e, const struct data *d,
                     const uint64_t *allowed, size_t k)
{
    static struct kn_exact_hit hits[MOST_K], real[MOST_K];
    size_t found = 0, all = 0;

    for (size_t q = 0; q < QUERIES; q++) {
        const float *query = d->queries + q * d->dim;
        size_t n = kn_exact_search(e, query, allowed, k, real), got = 0;

        assert_int_equal(kn_dense_search(x, query, allowed, k, hits, &got, NULL), KN_OK);
        assert_int_equal(got, n); /* never fewer */
        for (size_t i = 0; i < n; i++) {
            assert_true(!allowed || (allowed[hits[i].row / 64] >> hits[i].row % 64 & 1));
            assert_true(i == 0 || hits[i - 1].similarity >= hits[i].similarity);
            for (size_t j = 0; j < i && k <= 100; j++)
                assert_int_not_equal(hits[i].row, hits[j].row);
            found += (double)hits[i].similarity >= (double)real[n - 1].similarity - 1e-5;
        }
        all += n;
    }
    return all ? (double)found / (double)all : 1;
}

static void recall_is_what_was_asked_for_at_every_size_k_and_filter(void **state)
{
    const size_t sizes[][2] = {{40, 900}, {96, 5000}, {384, 3000}, {128, 20000}};
    const size_t ks[] = {1, 10, 100, MOST_K};
    const double shares[] = {1, 0.7, 0.5, 0.1, 0.01, 5};
    const enum kn_dense_tier tiers[] = {KN_DENSE_FLAT, KN_DENSE_SKETCH};

    (void)state;
    for (size_t s = 0; s < (slow() ? 2 : sizeof sizes / sizeof *sizes); s++) {
        struct data d = make(sizes[s][0], sizes[s][1]);
        struct kn_exact *e = truth(&d);

        for (size_t t = 0; t < 2; t++) {
            struct kn_dense *x = built(&d, tiers[t]);

            for (size_t f = 0; f < sizeof shares / sizeof *shares; f++) {
                uint64_t *allowed = shares[f] == 1 ? NULL : draw(d.rows, shares[f]);

                for (size_t k = 0; k < sizeof ks / sizeof *ks; k++) {
                    double r = recall(x, e, &d, allowed, ks[k]);

                    if (r < (ks[k] == 1 ? 0.95 : 0.99)) /* one of few is chance */
                        fail_msg("%zu x %zu, tier %d, share %g, k %zu: recall %.4f", d.rows, d.dim,
                                 (int)tiers[t], shares[f], ks[k], r);
                }
                free(allowed);
            }
            kn_dense_close(x);
        }
        kn_exact_free(e);
        drop(&d);
    }
}

static void a_tier_is_chosen_and_its_calibration_told(void **state)
{
    struct data d = make(128, 20000);
    struct kn_dense_how how = how_of(&d, KN_DENSE_AUTO);
    struct kn_dense_info few, most;
    struct kn_dense *x;

    (void)state;
    x = built(&d, KN_DENSE_AUTO);
    kn_dense_info(x, &few);
    kn_dense_close(x);
    assert_int_equal(few.tier, KN_DENSE_SKETCH);
    assert_int_equal(few.rows_asked, 256);
    assert_int_equal(few.queries_asked, GIVEN);
    assert_true(few.recall == 0.99 && few.reached[0] >= 0.99 && few.reached[1] >= 0.99);
    assert_true(few.candidates >= 10 && few.reranked[0] >= 10 && few.reranked[1] >= 100);
    how.recall = 0.999; /* costs more */
    assert_int_equal(kn_dense_build(&how, give, &d, &x, NULL), KN_OK);
    kn_dense_info(x, &most);
    kn_dense_close(x);
    assert_true(most.reached[0] >= 0.999 && most.candidates > few.candidates);
    d.rows = how.rows = 500; /* too few for sketches to pay */
    assert_int_equal(kn_dense_build(&how, give, &d, &x, NULL), KN_OK);
    kn_dense_info(x, &few);
    kn_dense_close(x);
    assert_int_equal(few.tier, KN_DENSE_FLAT);
    how.recall = 1;
    assert_int_equal(kn_dense_build(&how, give, &d, &x, NULL), KN_OK);
    kn_dense_info(x, &few);
    kn_dense_close(x);
    assert_int_equal(few.tier, KN_DENSE_EXACT);
    drop(&d);
}

static void the_exact_tier_is_exact_h_to_the_last_bit(void **state)
{
    const size_t dims[] = {1, 7, 33, 100, 384};

    (void)state;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct data d = make(dims[i], 700);
        struct kn_exact *e = truth(&d);
        struct kn_dense *x = built(&d, KN_DENSE_EXACT);
        uint64_t *half = draw(d.rows, 0.5);
        struct kn_exact_hit a[50], b[50];

        for (size_t q = 0; q < QUERIES; q++)
            for (int f = 0; f < 2; f++) {
                size_t n = kn_exact_search(e, d.queries + q * d.dim, f ? half : NULL, 50, a), m = 0;

                assert_int_equal(
                    kn_dense_search(x, d.queries + q * d.dim, f ? half : NULL, 50, b, &m, NULL),
                    KN_OK);
                assert_int_equal(n, m);
                assert_memory_equal(a, b, n * sizeof *a);
            }
        free(half);
        kn_exact_free(e);
        kn_dense_close(x);
        drop(&d);
    }
}

static void similarities_are_right_in_any_dimension(void **state)
{
    const size_t dims[] = {1, 2, 15, 16, 63, 64, 65, 127, 129, 384, 1000, 4095, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct data d = make(dims[i], 150);
        struct kn_exact *e = truth(&d);

        for (int tier = KN_DENSE_FLAT; tier <= KN_DENSE_SKETCH; tier++) {
            struct kn_dense *x = built(&d, (enum kn_dense_tier)tier);
            struct kn_exact_hit hits[150];
            float told[150], real[150], kept[4096];
            uint32_t rows[150];
            size_t n = 0;

            for (size_t q = 0; q < 10; q++) {
                const float *query = d.queries + q * d.dim;

                assert_int_equal(kn_dense_search(x, query, NULL, 150, hits, &n, NULL), KN_OK);
                assert_int_equal(n, 150);
                for (size_t r = 0; r < n; r++)
                    rows[r] = hits[r].row;
                assert_int_equal(kn_dense_compare(x, query, rows, n, told, NULL), KN_OK);
                kn_exact_compare(e, query, rows, n, real);
                for (size_t r = 0; r < n; r++) {
                    assert_true(told[r] == hits[r].similarity);
                    assert_true(fabsf(told[r] - real[r]) < 1e-4f && fabsf(told[r]) <= 1);
                }
            }
            for (uint32_t r = 0; r < d.rows; r += 7) {
                assert_int_equal(kn_dense_row(x, r, kept, NULL), KN_OK);
                for (size_t j = 0; j < d.dim; j++)
                    assert_true(fabsf(kept[j] - d.vectors[r * d.dim + j]) < 2e-5f);
            }
            kn_dense_close(x);
        }
        kn_exact_free(e);
        drop(&d);
    }
}

static void ties_go_to_the_lower_row_and_equal_rows_all_count(void **state)
{
    struct data d = make(96, 3000);
    struct kn_exact_hit hits[MOST_K];

    (void)state;
    for (size_t r = 0; r < d.rows; r++) /* three vectors, and no more, a thousand times each */
        memcpy(d.vectors + r * d.dim, d.vectors + r % 3 * d.dim, d.dim * sizeof(float));
    for (int tier = KN_DENSE_FLAT; tier <= KN_DENSE_SKETCH; tier++) {
        struct kn_dense *x = built(&d, (enum kn_dense_tier)tier);

        for (size_t k = 1; k <= MOST_K; k += 111) {
            size_t n = 0;

            assert_int_equal(kn_dense_search(x, d.vectors + d.dim, NULL, k, hits, &n, NULL), KN_OK);
            assert_int_equal(n, k);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(hits[i].row, 3 * i + 1);
        }
        kn_dense_close(x);
    }
    drop(&d);
}

static void many_queries_are_answered_as_one_by_one_with_any_threads(void **state)
{
    struct data d = make(100, 9000);
    uint64_t *half = draw(d.rows, 0.5);

    (void)state;
    for (int tier = KN_DENSE_EXACT; tier <= KN_DENSE_SKETCH; tier++) {
        struct kn_dense *x = built(&d, (enum kn_dense_tier)tier);

        for (int f = 0; f < 2; f++)
            for (int threads = 0; threads <= 3; threads++) {
                struct kn_exact_hit hits[QUERIES * 20], one[20];
                size_t found[QUERIES], n = 0;

                assert_int_equal(kn_dense_search_many(x, d.queries, QUERIES, f ? half : NULL, 20,
                                                      threads, NULL, hits, found, NULL),
                                 KN_OK);
                for (size_t q = 0; q < QUERIES; q++) {
                    assert_int_equal(kn_dense_search(x, d.queries + q * d.dim, f ? half : NULL, 20,
                                                     one, &n, NULL),
                                     KN_OK);
                    assert_int_equal(found[q], n);
                    assert_memory_equal(one, hits + q * 20, n * sizeof *one);
                }
            }
        kn_dense_close(x);
    }
    free(half);
    drop(&d);
}

static void all_kinds_of_kernels_agree_to_the_last_bit(void **state)
{
    const char *const kinds[] = {"c", "avx2", "avx512"};
    const size_t dims[] = {1, 33, 64, 200, 384, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct data d = make(dims[i], 1100);
        uint64_t *tenth = draw(d.rows, 0.1);

        for (int tier = KN_DENSE_EXACT; tier <= KN_DENSE_SKETCH; tier++) {
            struct kn_exact_hit first[3][QUERIES * 20], hits[QUERIES * 20];
            const size_t ks[] = {20, 5, 20};
            size_t found[QUERIES];
            struct bytes file = {NULL, 0}, again;

            for (size_t kind = 0; kind < 3; kind++) {
                struct kn_dense_how how = how_of(&d, (enum kn_dense_tier)tier);
                struct kn_dense *x = NULL;
                struct kn_dense_info info;

                setenv("KINORA_SIMD", kinds[kind], 1);
                if (kn_dense_write(path, &how, give, &d, NULL) == KN_EARG) {
                    if (i == 0 && tier == KN_DENSE_EXACT)
                        print_message("skip %s: this processor has not\n", kinds[kind]);
                    continue;
                }
                again = read_file();
                if (file.p) {
                    assert_int_equal(file.n, again.n);
                    assert_memory_equal(file.p, again.p, file.n);
                    free(again.p);
                } else {
                    file = again;
                }
                assert_int_equal(kn_dense_open(path, &x, NULL), KN_OK);
                kn_dense_info(x, &info);
                assert_string_equal(info.kernels, kinds[kind]);
                for (int w = 0; w < 3; w++) {
                    struct kn_exact_hit *to = kind ? hits : first[w];

                    assert_int_equal(kn_dense_search_many(x, d.queries, QUERIES,
                                                          w == 2 ? tenth : NULL, ks[w], 1, NULL, to,
                                                          found, NULL),
                                     KN_OK);
                    if (kind)
                        assert_memory_equal(first[w], hits, QUERIES * ks[w] * sizeof *hits);
                }
                kn_dense_close(x);
            }
            free(file.p);
        }
        free(tenth);
        drop(&d);
    }
    unsetenv("KINORA_SIMD");
}

static void an_unknown_kind_of_kernels_is_refused(void **state)
{
    struct data d = make(8, 10);
    struct kn_dense_how how = how_of(&d, KN_DENSE_AUTO);
    struct kn_dense *x = NULL;
    struct kn_exact *e = NULL;
    struct kn_err err;

    (void)state;
    setenv("KINORA_SIMD", "mmx", 1);
    assert_int_equal(kn_dense_build(&how, give, &d, &x, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "KINORA_SIMD is 'mmx'"));
    assert_int_equal(kn_exact_new(8, &e, &err), KN_EARG);
    unsetenv("KINORA_SIMD");
    drop(&d);
}

int main(int argc, char **argv) /* [PATTERN]: only such tests */
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recall_is_what_was_asked_for_at_every_size_k_and_filter),
        cmocka_unit_test(a_tier_is_chosen_and_its_calibration_told),
        cmocka_unit_test(the_exact_tier_is_exact_h_to_the_last_bit),
        cmocka_unit_test(similarities_are_right_in_any_dimension),
        cmocka_unit_test(ties_go_to_the_lower_row_and_equal_rows_all_count),
        cmocka_unit_test(many_queries_are_answered_as_one_by_one_with_any_threads),
        cmocka_unit_test(all_kinds_of_kernels_agree_to_the_last_bit),
        cmocka_unit_test(an_unknown_kind_of_kernels_is_refused),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
