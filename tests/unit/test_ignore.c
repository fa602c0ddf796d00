/* .ignore files, as git reads patterns: text/ignore.h. */
#include "text/ignore.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum kn_ignored asked(const char *patterns, const char *path, bool is_folder)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_ignore *ignore;
    enum kn_ignored answer;

    assert_int_equal(kn_ignore_parse(kn_sv_of(patterns), arena, &ignore, NULL), 0);
    answer = kn_ignore_match(ignore, path, is_folder);
    kn_arena_free(arena);
    return answer;
}

static bool out(const char *patterns, const char *path)
{
    return asked(patterns, path, false) == KN_IGNORE_OUT;
}

static bool is_empty(const char *bytes, size_t n)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_ignore *ignore;
    bool empty;

    assert_int_equal(kn_ignore_parse((struct kn_sv){bytes, n}, arena, &ignore, NULL), 0);
    empty = kn_ignore_is_empty(ignore);
    kn_arena_free(arena);
    return empty;
}

static void an_empty_file_is_the_whole_folder_and_a_comment_is_not(void **state)
{
    (void)state;
    assert_true(is_empty("", 0));
    assert_true(is_empty("\xEF\xBB\xBF \r\n\t\n", 8));
    assert_false(is_empty("# nothing\n", 10));
    assert_false(is_empty("*.mkv", 5));
}

static void a_name_matches_at_any_depth_and_a_path_from_here(void **state)
{
    (void)state;
    assert_true(out("film.mkv", "film.mkv"));
    assert_true(out("film.mkv", "a/b/film.mkv"));
    assert_true(out("/film.mkv", "film.mkv"));
    assert_false(out("/film.mkv", "a/film.mkv"));
    assert_true(out("a/film.mkv", "a/film.mkv"));
    assert_false(out("a/film.mkv", "b/a/film.mkv"));
    assert_false(out("FILM.mkv", "film.mkv"));
}

static void the_last_pattern_decides(void **state)
{
    (void)state;
    assert_true(out("*.mkv", "film.mkv"));
    assert_int_equal(asked("*.mkv\n!film.mkv\n", "film.mkv", false), KN_IGNORE_IN);
    assert_true(out("!film.mkv\n*.mkv", "film.mkv"));
    assert_int_equal(asked("*.avi", "film.mkv", false), KN_IGNORE_UNDECIDED);
}

static void a_slash_at_the_end_is_for_folders(void **state)
{
    (void)state;
    assert_int_equal(asked("old/", "old", true), KN_IGNORE_OUT);
    assert_int_equal(asked("old/", "a/old", true), KN_IGNORE_OUT);
    assert_int_equal(asked("old/", "old", false), KN_IGNORE_UNDECIDED);
    assert_int_equal(asked("/old/", "a/old", true), KN_IGNORE_UNDECIDED);
}

static void stars_stay_in_a_name_and_two_go_over_folders(void **state)
{
    (void)state;
    assert_true(out("a/*.mkv", "a/film.mkv"));
    assert_false(out("a/*.mkv", "a/b/film.mkv"));
    assert_true(out("a/**/film.mkv", "a/film.mkv"));
    assert_true(out("a/**/film.mkv", "a/b/c/film.mkv"));
    assert_true(out("**/x/film.mkv", "a/b/x/film.mkv"));
    assert_true(out("a/**", "a/b/film.mkv"));
    assert_false(out("a/**", "a"));
    assert_true(out("a/**/b*/*.mkv", "a/b1/c/b2/film.mkv"));
    assert_false(out("a/**/b*/*.mkv", "a/b1/c/film.mkv"));
    assert_true(out("f**m.mkv", "film.mkv"));
    assert_true(out("f?lm.*", "film.mkv"));
    assert_false(out("?", "ab"));
}

static void classes_and_escapes(void **state)
{
    (void)state;
    assert_true(out("film[0-9].mkv", "film7.mkv"));
    assert_false(out("film[!0-9].mkv", "film7.mkv"));
    assert_true(out("film[]x].mkv", "film].mkv"));
    assert_true(out("film[.mkv", "film[.mkv"));
    assert_true(out("\\#1.mkv", "#1.mkv"));
    assert_true(out("\\!1.mkv", "!1.mkv"));
    assert_true(out("a\\*b", "a*b"));
    assert_false(out("a\\*b", "axb"));
    assert_true(out("end\\ ", "end "));
    assert_true(out("end   ", "end"));
    assert_true(out("film.mkv\r\n", "film.mkv"));
    assert_false(out("bad\\", "bad\\"));
    assert_false(out("a[^x]b", "a/b"));
}

static void many_stars_do_not_take_for_ever(void **state)
{
    char pattern[2001], path[2001];

    (void)state;
    for (size_t i = 0; i < 2000; i++) {
        pattern[i] = i % 2 ? 'a' : '*';
        path[i] = 'a';
    }
    pattern[2000] = path[2000] = '\0';
    pattern[1999] = 'b';
    assert_false(out(pattern, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_the_whole_folder_and_a_comment_is_not),
        cmocka_unit_test(a_name_matches_at_any_depth_and_a_path_from_here),
        cmocka_unit_test(the_last_pattern_decides),
        cmocka_unit_test(a_slash_at_the_end_is_for_folders),
        cmocka_unit_test(stars_stay_in_a_name_and_two_go_over_folders),
        cmocka_unit_test(classes_and_escapes),
        cmocka_unit_test(many_stars_do_not_take_for_ever),
    };

    return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}
