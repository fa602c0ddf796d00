/* The files of index/: an answer is the same with them, without them, and while the library changes. */
#include "local_fixture.h"

#include "base/cancel.h"
#include "base/hash.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

enum { TITLES = 1500, K = 10, ODD = 997 /* a title by itself */ };

static float vectors[8000][DIM];

static struct kn_id id_of(uint32_t number)
{
    struct kn_hash h = {{0}};

    memcpy(h.b, &number, sizeof number);
    return kn_id_from_hash(&h);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* In clusters of 50, so that neighbours are near and there are more than k of them. */
static float *vector_of(uint32_t number)
{
    uint32_t seed = 77 + number / 50, own = 1000003 * (number + 1);
    float *v = vectors[number];
    double square = 0;

    for (int i = 0; i < DIM; i++) {
        double common = next_random(&seed) / 4294967296.0 - 0.5;

        v[i] = (float)(common + 0.4 * (next_random(&own) / 4294967296.0 - 0.5));
        square += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
    return v;
}

struct texts {
    struct kn_segment segment;
    struct kn_moment moments[2];
    char words[96];
};

static struct kn_record title_of(uint32_t number, struct texts *t)
{
    snprintf(t->words, sizeof t->words, "they say that place%u lies behind ship%u and name%u",
             number % 40, number % 70, number);
    t->segment = (struct kn_segment){0, 1, t->words};
    for (uint32_t i = 0; i < 2; i++)
        t->moments[i] = (struct kn_moment){
            .end = 1, .text = t->words, .segments = 1, .words = 9, .vector = vector_of(number)};
    return (struct kn_record){.title = {.id = id_of(number),
                                        .name = t->words,
                                        .state = KN_STATE_READY,
                                        .language = number % 3 ? "en" : "es",
                                        .genres = number % 5 ? "Drama, Western" : "Horror",
                                        .year = 1950 + (int)(number % 70),
                                        .duration = 60 + number % 100,
                                        .opinion = number % 7 ? 0.123456789 : (double)NAN},
                              .vector = vector_of(number),
                              .segments = &t->segment,
                              .n_segments = 1,
                              .moments = t->moments,
                              .n_moments = 2};
}

static void put_titles(struct kn_library *lib, uint32_t from, uint32_t to)
{
    enum { BATCH = 500 };
    static struct texts texts[BATCH];
    static struct kn_record records[BATCH];

    assert_int_equal(kn_library_set_model(lib, "m", DIM, NULL), KN_OK);
    for (uint32_t n = 0; from < to; from += n) {
        for (n = 0; n < BATCH && from + n < to; n++)
            records[n] = title_of(from + n, &texts[n]);
        assert_int_equal(kn_library_put(lib, records, n, NULL), KN_OK);
    }
}

static struct kn_library *make_large(struct fixture *f, bool with_index)
{
    struct kn_library *lib = open_with(f, &writing);

    put_titles(lib, 0, TITLES);
    if (with_index && kn_store_write_index(lib, false, NULL, &f->err))
        fail_msg("%s", f->err.msg);
    return lib;
}

static const char *index_path(struct fixture *f, const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/index/%s", f->lib, name);
    return path;
}

static size_t size_of(const char *path) /* 0: not there */
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static ino_t file_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static bool told(struct kn_library *lib, const char *part)
{
    char notice[256] = "";

    return kn_library_notice(lib, notice) && strstr(notice, part);
}

/* ---- the same answers as memory's ---- */

static struct kn_library *truth_of(uint32_t to)
{
    struct kn_library *lib = NULL;

    assert_int_equal(kn_library_open_memory(&lib, NULL), KN_OK);
    put_titles(lib, 0, to);
    return lib;
}

static size_t in_common(const struct kn_hit *a, const struct kn_hit *b, size_t n)
{
    size_t common = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            common += kn_id_eq(&a[i].id, &b[j].id);
    return common;
}

static const struct kn_filter filters[] = {
    {0},
    {.languages = (const char *[]){"es"}, .n_languages = 1},
    {.genres = (const char *[]){"horror"}, .n_genres = 1, .year_from = 1960},
    {.duration_from = 61, .duration_to = 62},
};
enum { FILTERS = sizeof filters / sizeof *filters };

static void assert_meaning(struct kn_library *lib, struct kn_library *truth, uint32_t query,
                           const struct kn_filter *filter, size_t *common, size_t *all)
{
    struct kn_hit a[K], b[K];
    double again[K];
    struct kn_id ids[K];
    size_t n, m;

    assert_int_equal(kn_library_similar(lib, vector_of(query), DIM, filter, K, a, &n, NULL), KN_OK);
    assert_int_equal(kn_library_similar(truth, vector_of(query), DIM, filter, K, b, &m, NULL),
                     KN_OK);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        ids[i] = a[i].id;
    assert_int_equal(kn_library_similarities(truth, vector_of(query), DIM, ids, n, again, NULL),
                     KN_OK);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(a[i].similarity, again[i], 1e-3);
    *common += in_common(a, b, n);
    *all += n;
    assert_int_equal(kn_library_similarities(lib, vector_of(query), DIM, ids, n, again, NULL),
                     KN_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(again[i] == a[i].similarity);
}

static void assert_words(struct kn_library *lib, struct kn_library *truth, uint32_t query,
                         const struct kn_filter *filter)
{
    struct kn_id id = id_of(query);
    struct kn_hit a[K], b[K];
    struct kn_wording w;
    size_t n, m;

    assert_int_equal(kn_library_wording(truth, &id, &w, NULL), KN_OK);
    assert_int_equal(kn_library_shared_words(lib, &w, filter, K, a, &n, NULL), KN_OK);
    assert_int_equal(kn_library_shared_words(truth, &w, filter, K, b, &m, NULL), KN_OK);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(a[i].words, b[i].words, 0.02);
}

static void assert_as_truth(struct kn_library *lib, struct kn_library *truth)
{
    size_t common = 0, all = 0;

    for (uint32_t q = 0; q < 60; q++) {
        assert_meaning(lib, truth, 25 * q, &filters[q % FILTERS], &common, &all);
        assert_words(lib, truth, 25 * q, &filters[q % FILTERS]);
    }
    assert_true(all > 300);
    assert_true(100 * common >= 98 * all);
}

static size_t moments_found(struct kn_library *lib, uint32_t query)
{
    struct kn_moment_hit hits[2];
    struct kn_id id = id_of(query);
    size_t n;

    assert_int_equal(kn_library_moments(lib, vector_of(query), DIM, NULL, 2, hits, &n, NULL),
                     KN_OK);
    assert_int_equal(n, 2);
    return (size_t)kn_id_eq(&hits[0].id, &id) + (size_t)kn_id_eq(&hits[1].id, &id) +
           (hits[0].moment < hits[1].moment);
}

static void a_library_with_files_answers_as_one_without(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *reader = open_with(f, NULL),
                      *truth = truth_of(TITLES);
    ino_t titles = file_of(index_path(f, "titles")), moments = file_of(index_path(f, "moments"));

    assert_as_truth(reader, truth);
    assert_as_truth(writer, truth);
    assert_int_equal(moments_found(reader, ODD), 3);
    assert_true(titles == file_of(index_path(f, "titles"))); /* and they are what was used */
    assert_true(moments == file_of(index_path(f, "moments")));
    assert_false(told(reader, ""));
    kn_library_close(truth);
    kn_library_close(reader);
    kn_library_close(writer);
}

static void a_small_library_needs_no_files(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = open_with(f, &writing);

    put_titles(lib, 0, 400);
    assert_int_equal(kn_store_write_index(lib, false, NULL, NULL), KN_OK);
    assert_int_equal(size_of(index_path(f, "titles")), 0);
    kn_library_close(lib);
}

/* ---- what changes ---- */

static bool finds(struct kn_library *lib, uint32_t number, const struct kn_filter *filter)
{
    struct kn_id id = id_of(number);
    struct kn_hit hit;
    size_t n;

    assert_int_equal(kn_library_similar(lib, vector_of(number), DIM, filter, 1, &hit, &n, NULL),
                     KN_OK);
    return n == 1 && kn_id_eq(&hit.id, &id);
}

static bool finds_words(struct kn_library *lib, uint32_t number)
{
    struct kn_id id = id_of(number);
    struct texts t;
    struct kn_wording w;
    struct kn_hit hit;
    size_t n;

    title_of(number, &t);
    assert_int_equal(kn_wording_of(&t.segment, 1, &w, NULL), KN_OK);
    assert_int_equal(kn_library_shared_words(lib, &w, NULL, 1, &hit, &n, NULL), KN_OK);
    return n == 1 && kn_id_eq(&hit.id, &id);
}

static void what_is_new_and_what_is_gone_shows_in_the_next_search(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *reader = open_with(f, NULL);
    struct kn_id gone = id_of(ODD);
    size_t file = (size_t)file_of(index_path(f, "titles"));

    assert_true(finds(reader, ODD, NULL) && finds_words(reader, ODD));
    assert_int_equal(moments_found(reader, ODD), 3);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(kn_library_remove(writer, &gone, 1, NULL), KN_OK);
        assert_false(finds(reader, ODD, NULL) || finds_words(reader, ODD));
        assert_true(moments_found(reader, ODD) < 3);
        put_titles(writer, 3000 + (uint32_t)round, 3001 + (uint32_t)round);
        assert_true(finds(reader, 3000 + (uint32_t)round, NULL));
        assert_true(finds_words(reader, 3000 + (uint32_t)round));
        put_titles(writer, ODD, ODD + 1); /* it is back */
        assert_true(finds(reader, ODD, NULL) && finds_words(reader, ODD));
        assert_int_equal(moments_found(reader, ODD), 3);
    }
    assert_true(finds(reader, 3000, NULL) && finds(reader, 5, NULL));
    assert_int_equal(file, file_of(index_path(f, "titles"))); /* nothing was written for that */
    kn_library_close(reader);
    reader = open_with(f, NULL); /* and for one that starts now */
    assert_true(finds(reader, ODD, NULL) && finds(reader, 3001, NULL) && finds(reader, 5, NULL));
    kn_library_close(reader);
    kn_library_close(writer);
}

static void a_title_that_changes_its_language_is_filtered_by_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *reader = open_with(f, NULL);
    const struct kn_filter french = {.languages = (const char *[]){"fr"}, .n_languages = 1},
                           english = {.languages = (const char *[]){"en"}, .n_languages = 1};
    struct texts t;
    struct kn_record r = title_of(ODD, &t);

    assert_true(finds(reader, ODD, &english));
    assert_false(finds(reader, ODD, &french));
    r.title.language = "fr";
    assert_int_equal(kn_library_put(writer, &r, 1, NULL), KN_OK);
    assert_false(finds(reader, ODD, &english));
    assert_true(finds(reader, ODD, &french));
    kn_library_close(reader);
    kn_library_close(writer);
}

static void titles_of_another_model_wait_until_it_is_back(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *reader = open_with(f, NULL);
    const float other[4] = {1};
    struct kn_hit hit;
    size_t n;

    assert_true(finds(reader, ODD, NULL));
    assert_int_equal(kn_library_set_model(writer, "other", 4, NULL), KN_OK);
    assert_int_equal(kn_library_similar(reader, other, 4, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    assert_int_equal(kn_library_set_model(writer, "m", DIM, NULL), KN_OK);
    assert_true(finds(reader, ODD, NULL));
    kn_library_close(reader);
    kn_library_close(writer);
}

static void a_tail_that_is_too_long_ends_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *reader = open_with(f, NULL);
    size_t first = size_of(index_path(f, "titles")), second;

    assert_true(finds(reader, ODD, NULL));
    put_titles(writer, TITLES, 2400);
    assert_int_equal(kn_store_write_index(writer, false, NULL, NULL), KN_OK);
    assert_int_equal(size_of(index_path(f, "titles")), first); /* 900: a tail will do */
    put_titles(writer, 2400, 2600);
    assert_int_equal(kn_store_write_index(writer, false, NULL, NULL), KN_OK);
    second = size_of(index_path(f, "titles"));
    assert_true(second > first);
    put_titles(writer, 2600, 6700); /* nobody writes a file: the reader does */
    assert_true(finds(reader, 6699, NULL) && finds(reader, ODD, NULL));
    assert_true(size_of(index_path(f, "titles")) > second);
    kn_library_close(reader);
    kn_library_close(writer);
}

static void what_was_committed_by_a_writer_that_was_killed_is_found(void **state)
{
    struct fixture *f = *state;
    struct kn_library *reader;
    int status;
    pid_t child;

    kn_library_close(make_large(f, true));
    reader = open_with(f, NULL);
    assert_true(finds(reader, ODD, NULL));
    child = fork();
    if (child == 0) {
        struct kn_library *lib = NULL;

        if (kn_library_open_local(f->lib, &writing, &lib, NULL))
            _exit(1);
        put_titles(lib, 4000, 4002);
        kill(getpid(), SIGKILL); /* between its commit and its file */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(finds(reader, 4001, NULL) && finds(reader, ODD, NULL));
    kn_library_close(reader);
}

static void a_reader_sees_each_title_that_another_process_adds(void **state)
{
    struct fixture *f = *state;
    struct kn_library *reader;
    int pipes[2], status;
    pid_t child;
    char go;

    kn_library_close(make_large(f, true));
    reader = open_with(f, NULL);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (child == 0) {
        struct kn_library *lib = NULL;

        if (kn_library_open_local(f->lib, &writing, &lib, NULL))
            _exit(1);
        for (uint32_t i = 0; i < 50; i++) {
            put_titles(lib, 5000 + i, 5001 + i);
            if (write(pipes[1], "x", 1) != 1)
                _exit(2);
        }
        kn_library_close(lib);
        _exit(0);
    }
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(read(pipes[0], &go, 1), 1);
        assert_true(finds(reader, 5000 + i, NULL));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(close(pipes[0]) + close(pipes[1]), 0);
    kn_library_close(reader);
}

/* ---- files that will not do ---- */

static void a_missing_file_is_made_by_whoever_asks_first(void **state)
{
    struct fixture *f = *state;
    struct kn_library *reader, *truth = truth_of(TITLES);
    struct kn_hit hit;
    size_t n;

    kn_library_close(make_large(f, false));
    assert_int_equal(size_of(index_path(f, "titles")), 0);
    reader = open_with(f, NULL);
    assert_int_equal(kn_library_similar(reader, vector_of(1), DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_true(size_of(index_path(f, "titles")) > 0);
    assert_as_truth(reader, truth);
    kn_library_close(reader);
    kn_library_close(truth);
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+");
    int c;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 0x10, file), c ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_made_again_and_said(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *truth = truth_of(TITLES), *reader;
    size_t size = size_of(index_path(f, "titles")), said = 0;
    const size_t places = 8;

    for (size_t i = 0; i <= places; i++) {
        if (i < places)
            flip(index_path(f, "titles"), (long)((size - 1) * i / places));
        else
            assert_int_equal(truncate(index_path(f, "titles"), (off_t)size / 2), 0);
        reader = open_with(f, NULL);
        assert_as_truth(reader, truth);
        said += told(reader, "damaged");
        kn_library_close(reader);
        assert_int_equal(size_of(index_path(f, "titles")), size);
        if (i < places) /* one that lies where nothing does was not seen */
            assert_int_equal(kn_store_write_index(writer, true, NULL, NULL), KN_OK);
    }
    assert_true(said >= places - 2);
    kn_library_close(truth);
    kn_library_close(writer);
}

/* With something new in the library, words are looked at when it is loaded. */
static void damaged_words_are_made_again_though_there_is_a_tail(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = make_large(f, true), *reader;
    uint32_t said = 0;

    for (uint32_t i = 0; i < 4; i++) {
        put_titles(writer, 3000 + i, 3001 + i);
        flip(index_path(f, "titles"),
             (long)size_of(index_path(f, "titles")) - 5000 - 20000 * (long)i);
        reader = open_with(f, NULL);
        if (i % 2) {
            assert_true(finds(reader, ODD, NULL)); /* the file is open, and then comes more */
            put_titles(writer, 3100 + i, 3101 + i);
        }
        assert_true(finds_words(reader, 3000 + i) && finds_words(reader, ODD));
        said += told(reader, "damaged");
        kn_library_close(reader);
    }
    assert_int_equal(said, 4);
    kn_library_close(writer);
}

static void a_file_from_before_a_backup_was_put_back_is_not_used(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = make_large(f, true);
    char copy[sizeof f->lib];

    snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
    assert_int_equal(kn_store_backup(lib, copy, false, NULL, NULL), KN_OK);
    put_titles(lib, 3000, 3050);
    assert_int_equal(kn_store_write_index(lib, true, NULL, NULL), KN_OK);
    kn_library_close(lib);
    assert_int_equal(rename(copy, f->file), 0);
    lib = open_with(f, NULL);
    assert_false(finds(lib, 3000, NULL)); /* the file is of a future that never was */
    assert_true(finds(lib, ODD, NULL));
    kn_library_close(lib);
    lib = open_with(f, &writing);
    put_titles(lib, 3100, 3300); /* past the change that the old file was of */
    assert_false(finds(lib, 3000, NULL));
    assert_true(finds(lib, 3299, NULL));
    kn_library_close(lib);
    lib = open_with(f, NULL);
    assert_false(finds(lib, 3000, NULL));
    assert_true(finds(lib, 3299, NULL));
    kn_library_close(lib);
}

static void a_file_made_for_less_recall_is_made_again(void **state)
{
    struct fixture *f = *state;
    const struct kn_library_options all = {.recall = 1};
    struct kn_library *truth = truth_of(TITLES), *lib;
    size_t before, common = 0, n = 0;

    kn_library_close(make_large(f, true));
    before = size_of(index_path(f, "titles"));
    lib = open_with(f, &all);
    for (uint32_t q = 0; q < 50; q++)
        assert_meaning(lib, truth, q, NULL, &common, &n);
    assert_int_equal(common, n);
    assert_true(size_of(index_path(f, "titles")) != before);
    kn_library_close(lib);
    kn_library_close(truth);
}

static int read_as_nobody(struct fixture *f, bool with_file)
{
    struct kn_library *lib = NULL;

    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return 77;
    if (kn_library_open_local(f->lib, NULL, &lib, NULL))
        return 1;
    if (!finds(lib, ODD, NULL) || !finds(lib, 5, NULL) || !finds_words(lib, 7))
        return 2;
    kn_library_close(lib);
    return (size_of(index_path(f, "titles")) > 0) == with_file ? 0 : 3;
}

static void readers_that_cannot_write_use_what_is_there_or_do_without(void **state)
{
    struct fixture *f = *state;

    for (int with_file = 0; with_file < 2; with_file++) {
        struct kn_library *lib = make_large(f, with_file);
        int status;
        pid_t child;

        kn_library_close(lib);
        assert_int_equal(chmod(f->dir, 0755), 0);
        assert_int_equal(chmod(f->lib, 0555), 0);
        child = fork();
        if (child == 0)
            _exit(read_as_nobody(f, with_file));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(chmod(f->lib, 0755), 0);
    }
}

static uint64_t bad_in(struct fixture *f, struct kn_library *lib, bool repair, bool *mended)
{
    struct kn_check *checks;
    size_t n;

    if (kn_store_check(lib, repair, f->arena, &checks, &n, &f->err))
        fail_msg("%s", f->err.msg);
    assert_string_equal(checks[n - 1].name, "index");
    *mended = checks[n - 1].mended;
    return checks[n - 1].found;
}

static void check_compares_the_files_with_the_library_and_mends_them(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = make_large(f, true);
    struct kn_id gone = id_of(ODD);
    bool mended;

    put_titles(lib, 3000, 3010); /* a tail is no fault */
    assert_int_equal(kn_library_remove(lib, &gone, 1, NULL), KN_OK);
    assert_int_equal(bad_in(f, lib, false, &mended), 0);
    flip(index_path(f, "titles"), (long)size_of(index_path(f, "titles")) / 3);
    assert_int_equal(bad_in(f, lib, false, &mended), 1);
    assert_int_equal(kn_library_check(lib, &f->err), KN_ECORRUPT);
    assert_int_equal(bad_in(f, lib, true, &mended), 1);
    assert_true(mended);
    assert_int_equal(bad_in(f, lib, false, &mended), 0);
    run_sql(f,
            "UPDATE title_vector SET vector = zeroblob(256) WHERE title = 7"); /* no change known */
    assert_int_equal(bad_in(f, lib, false, &mended), 1);
    kn_library_close(lib);
}

static void a_file_is_not_begun_when_cancelled(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = make_large(f, false);
    struct kn_cancel cancel = {0};

    kn_cancel_set(&cancel);
    assert_int_equal(kn_store_write_index(lib, false, &cancel, &f->err), KN_ECANCELLED);
    assert_int_equal(size_of(index_path(f, "titles")), 0);
    assert_int_equal(kn_store_write_index(lib, false, NULL, &f->err), KN_OK);
    kn_library_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_library_with_files_answers_as_one_without),
        TEST(a_small_library_needs_no_files),
        TEST(what_is_new_and_what_is_gone_shows_in_the_next_search),
        TEST(a_title_that_changes_its_language_is_filtered_by_the_new_one),
        TEST(titles_of_another_model_wait_until_it_is_back),
        TEST(a_tail_that_is_too_long_ends_in_a_new_file),
        TEST(what_was_committed_by_a_writer_that_was_killed_is_found),
        TEST(a_reader_sees_each_title_that_another_process_adds),
        TEST(a_missing_file_is_made_by_whoever_asks_first),
        TEST(a_damaged_file_is_made_again_and_said),
        TEST(damaged_words_are_made_again_though_there_is_a_tail),
        TEST(a_file_from_before_a_backup_was_put_back_is_not_used),
        TEST(a_file_made_for_less_recall_is_made_again),
        TEST(readers_that_cannot_write_use_what_is_there_or_do_without),
        TEST(check_compares_the_files_with_the_library_and_mends_them),
        TEST(a_file_is_not_begun_when_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
