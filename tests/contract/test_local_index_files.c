/* Files of index/ that are damaged, of another future or of no use: an answer is the same, and what was wrong is said. */
#include "local_index_fixture.h"

#include <sys/wait.h>

enum { MARKS = TITLES * sizeof(struct kn_marks) };

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
             (long)size_of(index_path(f, "titles")) - MARKS - 5000 - 20000 * (long)i);
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

/* They lie behind the words, and are looked at when a recommendation asks who says the same. */
static void damaged_marks_are_made_again(void **state)
{
    struct fixture *f = *state;
    struct kn_wording own, alike[2];
    struct kn_library *reader;
    struct kn_id ids[] = {id_of(7), id_of(8)};

    kn_library_close(make_large(f, true));
    flip(index_path(f, "titles"), (long)size_of(index_path(f, "titles")) - MARKS / 2);
    reader = open_with(f, NULL);
    assert_true(finds(reader, ODD, NULL) && finds_words(reader, ODD));
    assert_false(told(reader, "damaged"));
    assert_int_equal(kn_library_wording(reader, &ids[0], &own, NULL), KN_OK);
    assert_int_equal(kn_library_alike(reader, ids, 2, alike, NULL), KN_OK);
    assert_true(told(reader, "damaged"));
    assert_true(alike[0].n_terms == 0 || memcmp(&alike[0], &own, sizeof own) == 0);
    kn_library_close(reader);
    reader = open_with(f, NULL);
    assert_int_equal(kn_library_alike(reader, ids, 2, alike, NULL), KN_OK);
    assert_false(told(reader, "damaged"));
    kn_library_close(reader);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_damaged_file_is_made_again_and_said),
        TEST(damaged_words_are_made_again_though_there_is_a_tail),
        TEST(damaged_marks_are_made_again),
        TEST(a_file_from_before_a_backup_was_put_back_is_not_used),
        TEST(a_file_made_for_less_recall_is_made_again),
        TEST(readers_that_cannot_write_use_what_is_there_or_do_without),
        TEST(check_compares_the_files_with_the_library_and_mends_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
