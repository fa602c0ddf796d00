/* Folders that change, as kn_watch sees them: with a real kernel and real folders. */
#include "ingest/watch.h"

#include "../support/remove_folder.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { OVERFLOW = 16384 + 500 }; /* fs.inotify.max_queued_events is 16384 where nobody changed it */

struct fixture {
    char root[64];
    struct kn_watch *watch;
    int patience; /* times that next may still ask whether to go on, ten a second */
    char path[256];
};

static const char *in(struct fixture *f, const char *name)
{
    assert_true((size_t)snprintf(f->path, sizeof f->path, "%s/%s", f->root, name) < sizeof f->path);
    return f->path;
}

static void make_folder(struct fixture *f, const char *name)
{
    assert_int_equal(mkdir(in(f, name), 0700), 0);
}

static void make_file(struct fixture *f, const char *name)
{
    FILE *file = fopen(in(f, name), "w");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void begin(struct fixture *f, double every)
{
    const char *root = f->root;

    assert_int_equal(kn_watch_new(&root, 1, every, &f->watch, NULL), KN_OK);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    strcpy(f->root, "/tmp/kinora-test-watch-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kn_watch_free(f->watch);
    remove_folder(f->root);
    free(f);
    return 0;
}

static bool out_of_patience(void *ctx)
{
    struct fixture *f = ctx;

    return f->patience-- == 0;
}

/* The next answer: how many folders, and the first of them below the root. -1: nothing within so many tenths of a second. */
static int next(struct fixture *f, int patience, const char **first)
{
    const char *const *folders;
    size_t n = 0;
    int rc;

    f->patience = patience;
    rc = kn_watch_next(f->watch, out_of_patience, f, &folders, &n, NULL);
    if (rc == KN_ECANCELLED)
        return -1;
    assert_int_equal(rc, KN_OK);
    assert_true(n > 0);
    *first = folders[0] + strlen(f->root);
    return (int)n;
}

static void a_file_that_is_written_gives_its_folder_once(void **state)
{
    struct fixture *f = *state;
    const char *first;

    make_folder(f, "films");
    begin(f, 0);
    make_file(f, "films/a.mp4");
    make_file(f, "films/b.mp4");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "/films");
    assert_int_equal(next(f, 20, &first), -1);
}

static void what_no_scan_takes_wakes_nobody(void **state)
{
    struct fixture *f = *state;
    const char *first;

    begin(f, 0);
    make_file(f, "library.db-wal");
    make_file(f, ".hidden.mp4");
    assert_int_equal(next(f, 20, &first), -1);
}

static void a_folder_that_is_left_out_wakes_nobody_but_its_ignore_file_does(void **state)
{
    struct fixture *f = *state;
    const char *first;

    make_folder(f, "films");
    make_folder(f, "films/deep");
    begin(f, 0);
    make_file(f, "films/.ignore");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "/films");
    make_file(f, "films/deep/a.mp4");
    assert_int_equal(next(f, 20, &first), -1);
}

static void a_folder_made_later_is_watched_with_all_below_it(void **state)
{
    struct fixture *f = *state;
    const char *first;

    begin(f, 0);
    make_folder(f, "a");
    make_folder(f, "a/b");
    make_folder(f, "a/b/c");
    assert_int_equal(next(f, 100, &first), 1);
    assert_int_equal(kn_watch_folders(f->watch), 4);
    make_file(f, "a/b/c/film.mkv");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "/a/b/c");
}

static void a_move_gives_both_folders_at_once(void **state)
{
    struct fixture *f = *state;
    const char *first;
    char from[256];

    make_folder(f, "from");
    make_folder(f, "to");
    make_file(f, "from/film.mkv");
    begin(f, 0);
    strcpy(from, in(f, "from/film.mkv"));
    assert_int_equal(rename(from, in(f, "to/film.mkv")), 0);
    assert_int_equal(next(f, 100, &first), 2);
}

static void a_moved_folder_is_known_by_its_new_name(void **state)
{
    struct fixture *f = *state;
    const char *first;
    char from[256];

    make_folder(f, "old");
    make_folder(f, "old/deep");
    begin(f, 0);
    strcpy(from, in(f, "old"));
    assert_int_equal(rename(from, in(f, "new")), 0);
    assert_int_equal(next(f, 100, &first), 1); /* the root, which holds both */
    assert_string_equal(first, "");
    make_file(f, "new/deep/film.mp4");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "/new/deep");
}

static void a_folder_that_is_gone_gives_what_held_it(void **state)
{
    struct fixture *f = *state;
    const char *first;

    make_folder(f, "a");
    make_folder(f, "a/b");
    make_file(f, "a/b/film.mp4");
    begin(f, 0);
    assert_int_equal(unlink(in(f, "a/b/film.mp4")), 0);
    assert_int_equal(rmdir(in(f, "a/b")), 0);
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "/a");
}

static void a_root_that_is_gone_gives_nothing(void **state)
{
    struct fixture *f = *state;
    const char *first;

    make_file(f, "film.mp4");
    begin(f, 0);
    assert_int_equal(unlink(in(f, "film.mp4")), 0);
    assert_int_equal(rmdir(f->root), 0);
    assert_int_equal(next(f, 30, &first), -1);
}

static void a_root_that_is_replaced_is_watched_in_its_new_shape(void **state)
{
    struct fixture *f = *state;
    char gone[80];
    const char *first;

    make_file(f, "film.mp4");
    begin(f, 0);
    snprintf(gone, sizeof gone, "%s-gone", f->root);
    assert_int_equal(rename(f->root, gone), 0);
    assert_int_equal(mkdir(f->root, 0700), 0);
    assert_int_equal(next(f, 30, &first), -1); /* it is empty, as where a disk was taken out */
    make_file(f, "new.mp4");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "");
    remove_folder(f->root);
    assert_int_equal(rename(gone, f->root), 0);
    assert_int_equal(next(f, 100, &first), 1); /* the first is back, with its film */
    assert_string_equal(first, "");
    make_folder(f, "deep");
    make_file(f, "deep/late.mp4");
    assert_int_equal(next(f, 100, &first), 1);
}

static void more_changes_than_the_kernel_keeps_give_all_of_it(void **state)
{
    struct fixture *f = *state;
    const char *first;
    char name[64];

    make_folder(f, "many");
    make_folder(f, "other");
    begin(f, 0);
    for (int i = 0; i < OVERFLOW / 2; i++) { /* two events each: made, closed */
        snprintf(name, sizeof name, "many/%d.mp4", i);
        make_file(f, name);
    }
    make_folder(f, "late"); /* its event is lost */
    make_file(f, "late/film.mp4");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "");
    make_file(f, "late/another.mp4");
    assert_int_equal(next(f, 100, &first), 1);
    assert_string_equal(first, "/late");
}

static void where_it_is_asked_for_all_is_looked_at_by_the_clock(void **state)
{
    struct fixture *f = *state;
    const char *first;

    begin(f, 1);
    assert_string_not_equal(kn_watch_blindness(f->watch), "");
    assert_int_equal(next(f, 50, &first), 1);
    assert_string_equal(first, "");
    assert_int_equal(next(f, 50, &first), 1);
}

static void a_folder_given_back_comes_again_in_time(void **state)
{
    struct fixture *f = *state;
    const char *first;

    begin(f, 0);
    assert_int_equal(kn_watch_again(f->watch, f->root, 2, NULL), KN_OK);
    assert_int_equal(next(f, 10, &first), -1);
    assert_int_equal(next(f, 50, &first), 1);
    assert_string_equal(first, "");
}

static void a_file_is_no_root(void **state)
{
    struct fixture *f = *state;
    const char *path;
    struct kn_err err;

    make_file(f, "film.mp4");
    path = in(f, "film.mp4");
    assert_int_equal(kn_watch_new(&path, 1, 0, &f->watch, &err), KN_EARG);
    path = in(f, "nothing");
    assert_int_equal(kn_watch_new(&path, 1, 0, &f->watch, &err), KN_ENOTFOUND);
    assert_non_null(strstr(err.msg, "nothing"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_written_gives_its_folder_once),
        TEST(what_no_scan_takes_wakes_nobody),
        TEST(a_folder_that_is_left_out_wakes_nobody_but_its_ignore_file_does),
        TEST(a_folder_made_later_is_watched_with_all_below_it),
        TEST(a_move_gives_both_folders_at_once),
        TEST(a_moved_folder_is_known_by_its_new_name),
        TEST(a_folder_that_is_gone_gives_what_held_it),
        TEST(a_root_that_is_gone_gives_nothing),
        TEST(a_root_that_is_replaced_is_watched_in_its_new_shape),
        TEST(more_changes_than_the_kernel_keeps_give_all_of_it),
        TEST(where_it_is_asked_for_all_is_looked_at_by_the_clock),
        TEST(a_folder_given_back_comes_again_in_time),
        TEST(a_file_is_no_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
