/* One test a promise of dense.h about files and builds, named after it. */
#include "dense_fixture.h"

#include "base/cancel.h"

#include <pthread.h>

static void write_file(const unsigned char *p, size_t n)
{
    FILE *f;

    unlink(path); /* as a writer does: what is mapped stays as it is */
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
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
