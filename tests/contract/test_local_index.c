/* The files of index/: an answer is the same with them, without them, and while the library changes. */
#include "local_index_fixture.h"

#include "base/cancel.h"

#include <signal.h>
#include <sys/wait.h>

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
        TEST(a_file_is_not_begun_when_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
