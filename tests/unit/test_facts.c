/* What names and files beside a film tell (ingest/facts.h), and which files a scan leaves out (ingest/scan.h). */
#include "ingest/facts.h"
#include "ingest/scan.h"

#include "../support/remove_folder.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    struct kn_arena *arena;
    struct kn_scan scan;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    strcpy(f->dir, "/tmp/kinora-facts-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    remove_folder(f->dir);
    kn_arena_free(f->arena);
    free(f);
    return 0;
}

static const char *path_of(struct fixture *f, const char *name)
{
    return kn_arena_printf(f->arena, "%s/%s", f->dir, name);
}

static void make(struct fixture *f, const char *name, const char *text)
{
    const char *path = path_of(f, name), *slash = strrchr(path, '/');

    assert_int_equal(kn_fs_mkdirs(kn_arena_bytes(f->arena, path, (size_t)(slash - path)), NULL),
                     KN_OK);
    assert_int_equal(kn_fs_write(path, text, strlen(text), NULL), KN_OK);
}

static void scan(struct fixture *f)
{
    const char *root = f->dir;
    struct kn_err err = {0};

    if (kn_scan(&root, 1, NULL, f->arena, &f->scan, &err))
        fail_msg("%s", err.msg);
}

static struct kn_facts facts_of(struct fixture *f, const char *name)
{
    struct kn_facts facts;
    struct kn_err err = {0};
    const char *called;

    if (kn_facts_of(&f->scan, path_of(f, name), f->arena, &called, &facts, &err))
        fail_msg("%s", err.msg);
    return facts;
}

static bool may_be_versions(struct fixture *f, const char *a, const char *b)
{
    struct kn_hash x, y;
    bool first, second;

    assert_int_equal(kn_facts_version(path_of(f, a), &first, &x, NULL), KN_OK);
    assert_int_equal(kn_facts_version(path_of(f, b), &second, &y, NULL), KN_OK);
    return first && second && memcmp(&x, &y, sizeof x) == 0;
}

static void a_folder_tells_of_the_film_that_it_is_of(void **state)
{
    struct fixture *f = *state;

    make(f, "Heat (1995) [tmdbid-949]/Heat.mkv", "x");
    make(f, "Heat (1995) [tmdbid-949]/Making of Heat.mkv", "x");
    make(f, "Lamp (1971) [tmdbid-7]/lamp.1080p.mkv", "x"); /* the only one there */
    make(f, "Lamp (1971) [tmdbid-7]/lamp.1080p-trailer.mkv", "x");
    make(f, "Lamp (1971) [tmdbid-7]/extras/cut.mkv", "x");
    scan(f);
    assert_string_equal(facts_of(f, "Heat (1995) [tmdbid-949]/Heat.mkv").ids, "tmdb:949");
    assert_string_equal(facts_of(f, "Heat (1995) [tmdbid-949]/Making of Heat.mkv").ids, "");
    assert_string_equal(facts_of(f, "Lamp (1971) [tmdbid-7]/lamp.1080p.mkv").ids, "tmdb:7");
    assert_int_equal(facts_of(f, "Lamp (1971) [tmdbid-7]/lamp.1080p.mkv").year, 1971);
    assert_string_equal(facts_of(f, "Lamp (1971) [tmdbid-7]/lamp.1080p-trailer.mkv").ids, "");
    assert_string_equal(facts_of(f, "Lamp (1971) [tmdbid-7]/extras/cut.mkv").kind, "extra");
}

static void trailers_and_making_ofs_are_no_versions_of_the_film(void **state)
{
    static const char *const names[] = {"Heat - Official Trailer.mp4", "Heat (1995) Trailer.mp4",
                                        "Heat - Making of.mp4"};
    struct fixture *f = *state;

    make(f, "Heat (1995) [tmdbid-949]/Heat.1080p.mp4", "x");
    for (size_t i = 0; i < 3; i++)
        make(f, kn_arena_printf(f->arena, "Heat (1995) [tmdbid-949]/%s", names[i]), "x");
    scan(f);
    assert_string_equal(facts_of(f, "Heat (1995) [tmdbid-949]/Heat.1080p.mp4").ids, "tmdb:949");
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(
            facts_of(f, kn_arena_printf(f->arena, "Heat (1995) [tmdbid-949]/%s", names[i])).ids,
            "");
}

static void episodes_do_not_take_the_id_of_their_series(void **state)
{
    struct fixture *f = *state;

    make(f, "Show [tvdbid-7]/Show S01E01.mkv", "x");
    make(f, "Show [tvdbid-7]/Show - 1x02.mkv", "x");
    scan(f);
    assert_string_equal(facts_of(f, "Show [tvdbid-7]/Show S01E01.mkv").ids, "");
    assert_string_equal(facts_of(f, "Show [tvdbid-7]/Show - 1x02.mkv").ids, "");
}

static void the_film_s_own_nfo_and_poster_come_before_those_of_the_folder(void **state)
{
    struct fixture *f = *state;

    make(f, "Heat (1995)/Heat.mkv", "x");
    make(f, "Heat (1995)/movie.nfo", "<movie><title>Of the folder</title></movie>");
    make(f, "Heat (1995)/folder.jpg", "x");
    scan(f);
    assert_string_equal(facts_of(f, "Heat (1995)/Heat.mkv").called, "Of the folder");
    assert_string_equal(facts_of(f, "Heat (1995)/Heat.mkv").poster,
                        path_of(f, "Heat (1995)/folder.jpg"));
    make(f, "Heat (1995)/Heat.nfo", "<movie><title>Its own</title><year>1990</year></movie>");
    make(f, "Heat (1995)/Heat-poster.png", "x");
    scan(f);
    assert_string_equal(facts_of(f, "Heat (1995)/Heat.mkv").called, "Its own");
    assert_int_equal(facts_of(f, "Heat (1995)/Heat.mkv").year, 1995);
    assert_string_equal(facts_of(f, "Heat (1995)/Heat.mkv").poster,
                        path_of(f, "Heat (1995)/Heat-poster.png"));
    assert_int_equal(f->scan.skipped, 0);
}

static void the_case_of_a_name_beside_a_film_does_not_count(void **state)
{
    struct fixture *f = *state;

    make(f, "Heat (1995)/Upper.mkv", "x");
    make(f, "Heat (1995)/UPPER.NFO", "<movie><title>Upper & lower</title></movie>");
    make(f, "heat (1995)/upper.nfo", "<movie><title>Of another folder</title></movie>");
    make(f, "Heat (1995)/Poster.JPG", "x");
    make(f, "Lamp/Lamp.mkv", "x");
    make(f, "Lamp/Movie.nfo", "<movie><title>Of the folder</title></movie>");
    scan(f);
    assert_string_equal(facts_of(f, "Heat (1995)/Upper.mkv").called, "Upper & lower");
    assert_string_equal(facts_of(f, "Heat (1995)/Upper.mkv").poster,
                        path_of(f, "Heat (1995)/Poster.JPG"));
    assert_string_equal(facts_of(f, "Lamp/Lamp.mkv").called, "Of the folder");
    make(f, "Heat (1995)/Upper.nfo", "<movie><title>Exactly</title></movie>");
    scan(f);
    assert_string_equal(facts_of(f, "Heat (1995)/Upper.mkv").called, "Exactly");
}

static void a_folder_of_several_films_tells_of_none(void **state)
{
    struct fixture *f = *state;

    make(f, "films/Heat.mkv", "x");
    make(f, "films/Lamp.mkv", "x");
    make(f, "films/movie.nfo", "<movie><title>Whose?</title></movie>");
    make(f, "films/poster.jpg", "x");
    scan(f);
    assert_string_equal(facts_of(f, "films/Heat.mkv").called, "");
    assert_string_equal(facts_of(f, "films/Heat.mkv").poster, "");
}

static void a_course_is_not_many_versions_of_one_film(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++)
        make(f, kn_arena_printf(f->arena, "Physics (2020) [tmdbid-5]/Lecture - %02d.mkv", i), "x");
    scan(f);
    assert_string_equal(facts_of(f, "Physics (2020) [tmdbid-5]/Lecture - 07.mkv").ids, "");
}

static void facts_have_one_key_as_long_as_nothing_changes(void **state)
{
    struct fixture *f = *state;
    struct kn_facts before, after;

    make(f, "Heat.mkv", "x");
    make(f, "Heat.nfo", "<movie><plot>One.</plot></movie>");
    scan(f);
    before = facts_of(f, "Heat.mkv");
    after = facts_of(f, "Heat.mkv");
    assert_memory_equal(&before.key, &after.key, sizeof after.key);
    make(f, "Heat.nfo", "<movie><plot>Two.</plot></movie>");
    after = facts_of(f, "Heat.mkv");
    assert_memory_not_equal(&before.key, &after.key, sizeof after.key);
}

static void versions_have_folder_title_and_year_in_common(void **state)
{
    struct fixture *f = *state;

    assert_true(may_be_versions(f, "a/Heat (1995).mkv", "a/heat (1995) - 4K.mkv"));
    assert_true(may_be_versions(f, "Heat (1995)/Heat.mkv", "Heat (1995)/Heat - 4K.mkv"));
    assert_false(may_be_versions(f, "a/Heat (1995).mkv", "b/Heat (1995).mkv"));
    assert_false(may_be_versions(f, "a/Heat (1995).mkv", "a/Heat (1986).mkv"));
    assert_false(may_be_versions(f, "a/Heat.mkv", "a/Heat - 4K.mkv"));
    assert_false(may_be_versions(f, "a/Heat (1995).mkv", "a/Heat (1995)-trailer.mkv"));
    assert_false(may_be_versions(f, "a/Heat (1995) cd1.mkv", "a/Heat (1995) cd2.mkv"));
}

static void the_nearest_ignore_file_decides(void **state)
{
    struct fixture *f = *state;

    make(f, ".ignore", "*.avi\nold/\n");
    make(f, "a.avi", "x");
    make(f, "b.mkv", "x");
    make(f, "sub/.ignore", "!kept.avi\n/b.mkv\n");
    make(f, "sub/kept.avi", "x");
    make(f, "sub/b.mkv", "x");
    make(f, "sub/deep/b.mkv", "x");
    make(f, "old/c.mkv", "x");
    make(f, "empty/.ignore", "");
    make(f, "empty/d.mkv", "x");
    make(f, "empty/deep/e.mkv", "x");
    scan(f);
    assert_int_equal(f->scan.n_files, 3);
    assert_string_equal(f->scan.files[0].path, path_of(f, "b.mkv"));
    assert_string_equal(f->scan.files[1].path, path_of(f, "sub/deep/b.mkv"));
    assert_string_equal(f->scan.files[2].path, path_of(f, "sub/kept.avi"));
    assert_true(f->scan.roots[0].whole);
}

static void a_pipe_with_the_name_of_an_ignore_file_is_not_waited_for(void **state)
{
    struct fixture *f = *state;

    make(f, "a.mkv", "x");
    assert_int_equal(mkfifo(path_of(f, ".ignore"), 0600), 0);
    scan(f);
    assert_int_equal(f->scan.n_files, 1);
}

/* As `kinora watch` scans the folder that changed: what the whole leaves out, a part leaves out. */
static void ignore_files_above_the_root_count(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *folder;
        bool left_out;
        size_t files;
    } parts[] = {
        {"sub", false, 1}, {"old", true, 0}, {"old/deep", true, 0}, {"void/deep", true, 0}};

    make(f, ".ignore", "*.avi\nold/\n");
    make(f, "sub/a.avi", "x");
    make(f, "sub/b.mkv", "x");
    make(f, "old/deep/c.mkv", "x");
    make(f, "void/.ignore", "");
    make(f, "void/deep/d.mkv", "x");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *root = path_of(f, parts[i].folder);
        bool left_out;

        assert_int_equal(kn_scan_leaves_out(root, &left_out, NULL), KN_OK);
        assert_int_equal(left_out, parts[i].left_out);
        assert_int_equal(kn_scan(&root, 1, NULL, f->arena, &f->scan, NULL), KN_OK);
        assert_int_equal(f->scan.n_files, parts[i].files);
        assert_true(f->scan.roots[0].whole);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_tells_of_the_film_that_it_is_of),
        TEST(trailers_and_making_ofs_are_no_versions_of_the_film),
        TEST(episodes_do_not_take_the_id_of_their_series),
        TEST(the_film_s_own_nfo_and_poster_come_before_those_of_the_folder),
        TEST(the_case_of_a_name_beside_a_film_does_not_count),
        TEST(a_folder_of_several_films_tells_of_none),
        TEST(a_course_is_not_many_versions_of_one_film),
        TEST(facts_have_one_key_as_long_as_nothing_changes),
        TEST(versions_have_folder_title_and_year_in_common),
        TEST(the_nearest_ignore_file_decides),
        TEST(a_pipe_with_the_name_of_an_ignore_file_is_not_waited_for),
        TEST(ignore_files_above_the_root_count),
    };

    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
