/* One test a promise of dense.h, named after it. */
#include "index/dense.h"

#include "base/cancel.h"
#include "base/err.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLUMPS = 200, MOST_K = 1000, QUERIES = 60, GIVEN = 200 };

static uint64_t seed = 1;

static double chance(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 33) / 2147483648.0;
}

static double normal(void) /* nearly, and cheap */
{
    return (chance() + chance() + chance() + chance() - 2) * 1.732;
}

static void to_unit(float *v, size_t dim)
{
    double square = 0;

    for (size_t i = 0; i < dim; i++)
        square += (double)v[i] * (double)v[i];
    if (square == 0)
        v[0] = (float)(square = 1);
    for (size_t i = 0; i < dim; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
}

struct data {
    size_t dim, rows;
    float *vectors, *queries; /* of queries QUERIES, then GIVEN to calibrate with */
};

/* Clumps with room between them and a common direction, as embeddings have; of the queries a half lies in a clump, a half anywhere. */
static struct data make(size_t dim, size_t rows)
{
    struct data d = {dim, rows, calloc(rows + 1, dim * sizeof(float)),
                     calloc(QUERIES + GIVEN, dim * sizeof(float))};
    float *centres = calloc(CLUMPS, dim * sizeof *centres);

    for (size_t i = 0; i < CLUMPS * dim; i++)
        centres[i] = (float)(normal() + 0.4);
    for (size_t r = 0; r < rows + QUERIES + GIVEN; r++) {
        float *v = r < rows ? d.vectors + r * dim : d.queries + (r - rows) * dim;
        const float *centre = centres + (size_t)(chance() * CLUMPS) * dim;
        double share = r >= rows && r % 2 ? 0 : 1;

        for (size_t i = 0; i < dim; i++)
            v[i] = (float)(share * (double)centre[i] + 0.7 * normal());
        to_unit(v, dim);
    }
    free(centres);
    return d;
}

static void drop(struct data *d)
{
    free(d->vectors);
    free(d->queries);
}

static int give(void *ctx, size_t first, size_t n, float *out, struct kn_err *err)
{
    const struct data *d = ctx;

    (void)err;
    assert_true(n <= 1024 && first + n <= d->rows);
    memcpy(out, d->vectors + first * d->dim, n * d->dim * sizeof *out);
    return KN_OK;
}

static struct kn_dense_how how_of(const struct data *d, enum kn_dense_tier tier)
{
    return (struct kn_dense_how){.dim = d->dim,
                                 .rows = d->rows,
                                 .tier = tier,
                                 .queries = d->queries + QUERIES * d->dim,
                                 .n_queries = GIVEN,
                                 .threads = 2};
}

static struct kn_dense *built(struct data *d, enum kn_dense_tier tier)
{
    struct kn_dense_how how = how_of(d, tier);
    struct kn_dense *x = NULL;
    struct kn_err err;

    if (kn_dense_build(&how, give, d, &x, &err))
        fail_msg("%s", err.msg);
    return x;
}

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

/* Under a sanitizer: the same code, fewer rows. */
static bool slow(void)
{
    return getenv("KINORA_TEST_SLOW") != NULL;
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

                    if (r < (ks[k] == 1 ? 0.95 : 0.99)) /* one of 60, two: chance */
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

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/kinora-dense-%d", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

struct bytes {
    unsigned char *p;
    size_t n;
};

static struct bytes read_file(void)
{
    struct bytes b;
    struct stat st;
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    b.n = (size_t)st.st_size;
    b.p = malloc(b.n);
    assert_int_equal(fread(b.p, 1, b.n, f), b.n);
    fclose(f);
    return b;
}

static void write_file(const unsigned char *p, size_t n)
{
    FILE *f;

    unlink(path); /* as a writer does: what is mapped stays as it is */
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
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

static void a_file_is_what_was_written(void **state)
{
    struct data d = make(50, 2000);
    const struct kn_dense_section sections[] = {{"ids", "0123456789", 10}, {"nothing", NULL, 0}};

    (void)state;
    for (int tier = KN_DENSE_EXACT; tier <= KN_DENSE_SKETCH; tier++) {
        struct kn_dense_how how = how_of(&d, (enum kn_dense_tier)tier);
        struct kn_dense *x = NULL, *m = built(&d, (enum kn_dense_tier)tier);
        struct kn_dense_info a, b;
        struct kn_exact_hit in_file[10], in_memory[10];
        const void *data = NULL;
        size_t n = 0;

        how.sections = sections;
        how.n_sections = 2;
        how.sequence = 7;
        how.model = UINT64_MAX;
        assert_int_equal(kn_dense_write(path, &how, give, &d, NULL), KN_OK);
        assert_int_equal(kn_dense_open(path, &x, NULL), KN_OK);
        kn_dense_info(x, &a);
        kn_dense_info(m, &b);
        assert_true(a.sequence == 7 && a.model == UINT64_MAX && a.dim == 50 && a.rows == 2000);
        assert_true(a.tier == b.tier && a.candidates == b.candidates &&
                    a.reached[0] == b.reached[0]);
        assert_true(a.file_bytes > 0 && b.file_bytes == 0);
        assert_int_equal(kn_dense_section(x, "ids", &data, &n, NULL), KN_OK);
        assert_int_equal(n, 10);
        assert_memory_equal(data, "0123456789", 10);
        assert_int_equal(kn_dense_section(x, "nothing", &data, &n, NULL), KN_OK);
        assert_int_equal(n, 0);
        assert_int_equal(kn_dense_section(x, "other", &data, &n, NULL), KN_ENOTFOUND);
        assert_int_equal(kn_dense_verify(x, NULL), KN_OK);
        for (size_t q = 0; q < QUERIES; q++) {
            assert_int_equal(kn_dense_search(x, d.queries + q * 50, NULL, 10, in_file, &n, NULL),
                             KN_OK);
            assert_int_equal(kn_dense_search(m, d.queries + q * 50, NULL, 10, in_memory, &n, NULL),
                             KN_OK);
            assert_memory_equal(in_file, in_memory, sizeof in_file);
        }
        kn_dense_close(x);
        kn_dense_close(m);
    }
    drop(&d);
}

/* Lower bytes of more than 64 MiB are read and not mapped. */
static void a_large_file_answers_as_memory_does(void **state)
{
    struct data d = make(4096, slow() ? 1 : 17000);
    struct kn_dense_how how = how_of(&d, KN_DENSE_FLAT);
    struct kn_dense *x = NULL, *m;
    struct kn_exact_hit a[10], b[10];
    size_t n = 0;

    (void)state;
    if (slow()) {
        drop(&d);
        skip();
    }
    how.n_queries = 0;
    assert_int_equal(kn_dense_write(path, &how, give, &d, NULL), KN_OK);
    assert_int_equal(kn_dense_open(path, &x, NULL), KN_OK);
    assert_int_equal(kn_dense_build(&how, give, &d, &m, NULL), KN_OK);
    for (size_t q = 0; q < 10; q++) {
        assert_int_equal(kn_dense_search(x, d.queries + q * d.dim, NULL, 10, a, &n, NULL), KN_OK);
        assert_int_equal(kn_dense_search(m, d.queries + q * d.dim, NULL, 10, b, &n, NULL), KN_OK);
        assert_memory_equal(a, b, sizeof a);
    }
    assert_int_equal(kn_dense_verify(x, NULL), KN_OK);
    kn_dense_close(x);
    kn_dense_close(m);
    drop(&d);
}

/* Asks all that can be asked; false when it ended with an error, which must be one that says so. */
static bool ask_all(const struct data *d, struct kn_exact_hit *hits)
{
    struct kn_dense *x = NULL;
    struct kn_err err;
    const void *data;
    size_t n = 0;
    int rc = kn_dense_open(path, &x, &err);

    for (size_t q = 0; q < 6 && rc == KN_OK; q++) {
        rc = kn_dense_search(x, d->queries + q * d->dim, NULL, 10, hits + q * 10, &n, &err);
        assert_true(rc || n == 10);
    }
    if (rc == KN_OK)
        rc = kn_dense_section(x, "ids", &data, &n, &err);
    if (rc == KN_OK)
        assert_true(n == 5000 && ((const char *)data)[4999] == 'x');
    if (rc) {
        assert_int_equal(rc, KN_ECORRUPT);
        assert_non_null(strstr(err.msg, path));
        assert_non_null(strstr(err.msg, "remove the file"));
    }
    kn_dense_close(x);
    return rc == KN_OK;
}

static void damage(struct bytes *b)
{
    unsigned char page[4096];
    size_t pages = b->n / 4096, at = (size_t)(chance() * (double)b->n);
    size_t p = (size_t)(chance() * (double)pages), q = (size_t)(chance() * (double)pages);

    switch ((int)(chance() * 5)) {
    case 0:
        b->p[at] ^= (unsigned char)(1 << (int)(chance() * 8));
        break;
    case 1:
        b->n = at;
        break;
    case 2:
        memcpy(page, b->p + p * 4096, 4096);
        memcpy(b->p + p * 4096, b->p + q * 4096, 4096);
        memcpy(b->p + q * 4096, page, 4096);
        break;
    case 3:
        memset(b->p + p * 4096, 0, 4096);
        break;
    default: /* in the first pages, where all is told */
        b->p[at % 8192] = (unsigned char)(chance() * 256);
    }
}

static void a_damaged_file_gives_an_error_or_the_right_answer(void **state)
{
    struct data d = make(40, 500);
    char ids[5000];
    const struct kn_dense_section section = {"ids", ids, sizeof ids};
    struct kn_exact_hit right[60], hits[60];

    (void)state;
    memset(ids, 'x', sizeof ids);
    for (int tier = KN_DENSE_EXACT; tier <= KN_DENSE_SKETCH; tier++) {
        struct kn_dense_how how = how_of(&d, (enum kn_dense_tier)tier);
        struct bytes file, copy;
        size_t refused = 0;

        how.sections = &section;
        how.n_sections = 1;
        assert_int_equal(kn_dense_write(path, &how, give, &d, NULL), KN_OK);
        assert_true(ask_all(&d, right));
        file = read_file();
        copy.p = malloc(file.n);
        for (int i = 0; i < 1000; i++) {
            memcpy(copy.p, file.p, copy.n = file.n);
            damage(&copy);
            write_file(copy.p, copy.n);
            if (ask_all(&d, hits))
                assert_memory_equal(hits, right, sizeof right);
            else
                refused++;
        }
        assert_true(refused > 500);
        free(file.p);
        free(copy.p);
    }
    drop(&d);
}

static int give_some(void *ctx, size_t first, size_t n, float *out, struct kn_err *err)
{
    give(ctx, first, n, out, err);
    return first > 1000 ? kn_err_set(err, KN_EIO, "no more") : KN_OK;
}

static void a_build_that_fails_leaves_the_old_file(void **state)
{
    struct data d = make(20, 3000);
    struct kn_dense_how how = how_of(&d, KN_DENSE_AUTO);
    struct kn_cancel cancel = {false};
    struct kn_dense *x = NULL;
    struct kn_err err;
    char tmp[80];
    struct bytes before, after;

    (void)state;
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    assert_int_equal(kn_dense_open("/nonexistent/index", &x, NULL), KN_ENOTFOUND);
    assert_int_equal(kn_dense_write(path, &how, give, &d, NULL), KN_OK);
    before = read_file();
    assert_int_equal(kn_dense_write(path, &how, give_some, &d, &err), KN_EIO);
    assert_string_equal(err.msg, "no more");
    how.cancel = &cancel;
    kn_cancel_set(&cancel);
    assert_int_equal(kn_dense_write(path, &how, give, &d, &err), KN_ECANCELLED);
    how.cancel = NULL;
    d.vectors[2500 * 20 + 19] = NAN;
    for (int tier = KN_DENSE_EXACT; tier <= KN_DENSE_FLAT; tier++) {
        how.tier = (enum kn_dense_tier)tier;
        assert_int_equal(kn_dense_write(path, &how, give, &d, &err), KN_EARG);
        assert_non_null(strstr(err.msg, "row 2500"));
    }
    d.vectors[2500 * 20 + 19] = INFINITY;
    assert_int_equal(kn_dense_write(path, &how, give, &d, &err), KN_EARG);
    after = read_file();
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    assert_int_not_equal(access(tmp, F_OK), 0);
    how.dim = 4097;
    assert_int_equal(kn_dense_build(&how, give, &d, &x, &err), KN_EARG);
    assert_null(x);
    free(before.p);
    free(after.p);
    drop(&d);
}

static void nothing_one_and_zero_are_fine(void **state)
{
    for (size_t rows = 0; rows < 3; rows++)
        for (int tier = KN_DENSE_AUTO; tier <= KN_DENSE_SKETCH; tier++) {
            struct data d = make(10, rows);
            struct kn_dense_how how = how_of(&d, (enum kn_dense_tier)tier);
            struct kn_exact_hit hits[5];
            struct kn_dense *x = NULL;
            uint64_t none[1] = {0};
            size_t n = 9;

            (void)state;
            if (rows > 0)
                memset(d.vectors, 0, 10 * sizeof *d.vectors);
            assert_int_equal(kn_dense_write(path, &how, give, &d, NULL), KN_OK);
            assert_int_equal(kn_dense_open(path, &x, NULL), KN_OK);
            assert_int_equal(kn_dense_search(x, d.queries, NULL, 5, hits, &n, NULL), KN_OK);
            assert_int_equal(n, rows);
            for (size_t i = 0; i < n; i++)
                assert_true(hits[i].row != 0 || hits[i].similarity == 0);
            assert_int_equal(kn_dense_search(x, d.queries, none, 5, hits, &n, NULL), KN_OK);
            assert_int_equal(n, 0);
            assert_int_equal(kn_dense_search(x, d.queries, NULL, 0, hits, &n, NULL), KN_OK);
            assert_int_equal(n, 0);
            kn_dense_close(x);
            drop(&d);
        }
    kn_dense_close(NULL);
}

struct reader {
    const struct kn_dense *x;
    const struct data *d;
    struct kn_exact_hit hits[QUERIES * 10];
};

static void *read_all(void *ctx)
{
    struct reader *r = ctx;

    for (size_t q = 0; q < QUERIES; q++) {
        size_t n = 0;

        if (kn_dense_search(r->x, r->d->queries + q * r->d->dim, NULL, 10, r->hits + q * 10, &n,
                            NULL))
            return r;
    }
    return NULL;
}

static void many_threads_search_one_file_that_nobody_has_touched(void **state)
{
    static struct reader readers[4];
    struct data d = make(64, 5000);
    struct kn_dense_how how = how_of(&d, KN_DENSE_SKETCH);
    struct kn_dense *x = NULL;
    pthread_t threads[4];

    (void)state;
    assert_int_equal(kn_dense_write(path, &how, give, &d, NULL), KN_OK);
    assert_int_equal(kn_dense_open(path, &x, NULL), KN_OK);
    for (int i = 0; i < 4; i++) {
        readers[i].x = x;
        readers[i].d = &d;
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
        assert_memory_equal(readers[i].hits, readers[0].hits, sizeof readers[0].hits);
    }
    kn_dense_close(x);
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
        cmocka_unit_test(a_file_is_what_was_written),
        cmocka_unit_test(a_large_file_answers_as_memory_does),
        cmocka_unit_test(a_damaged_file_gives_an_error_or_the_right_answer),
        cmocka_unit_test(a_build_that_fails_leaves_the_old_file),
        cmocka_unit_test(nothing_one_and_zero_are_fine),
        cmocka_unit_test(many_threads_search_one_file_that_nobody_has_touched),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
