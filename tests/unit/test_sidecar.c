/* One test a promise of sidecar.h, named after it. */
#include "../support/remove_folder.h"
#include "base/arena.h"
#include "base/err.h"
#include "ingest/scan.h"
#include "ingest/sidecar.h"

#include <fcntl.h>
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

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/kinora-sidecar-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return remove_folder(dir);
}

static void touch(const char *name)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void touch_all(const char *const *names)
{
    for (; *names; names++)
        touch(*names);
}

/* The base names of what is found beside a film, in order of preference, parted by spaces. */
static void beside(const char *root, const char *film, const char *const *wanted, size_t n_wanted,
                   const char *expected)
{
    struct kn_arena *arena = kn_arena_new(0);
    char root_path[256], path[256], got[1024] = "";
    const char *roots[] = {root_path};
    struct kn_sidecar *found;
    struct kn_scan scan;
    size_t n;

    snprintf(root_path, sizeof root_path, "%s%s", dir, root);
    snprintf(path, sizeof path, "%s/%s", dir, film);
    assert_int_equal(kn_scan(roots, 1, NULL, arena, &scan, NULL), KN_OK);
    assert_int_equal(kn_sidecar_find(&scan, path, arena, &found, &n, NULL), KN_OK);
    kn_sidecar_order(found, n, wanted, n_wanted);
    for (size_t i = 0; i < n; i++) {
        strcat(got, i ? " " : "");
        strcat(got, strrchr(found[i].path, '/') + 1);
    }
    assert_string_equal(got, expected);
    kn_arena_free(arena);
}

static void a_name_tells_language_and_flags(void **state)
{
    static const struct {
        const char *between, *language;
        bool forced, is_default, impaired;
    } names[] = {
        {"", "", false, false, false},
        {".en", "en", false, false, false},
        {".es.forced", "es", true, false, false},
        {".forced.es", "es", true, false, false},
        {".EN.SDH", "en", false, false, true},
        {".pt-BR.default", "pt-BR", false, true, false},
        {".eng.cc", "en", false, false, true},
        {".en.hi", "en", false, false, true},
        {".hi.en", "en", false, false, true},
        {".hi", "", false, false, false},
        {".hin", "hi", false, false, false},
        {".Commentary.de", "de", false, false, false},
        {".Spanish", "es", false, false, false},
        {".whatever..forced", "", true, false, false},
        {".", "", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct kn_sidecar s = {0};

        kn_sidecar_read_name((struct kn_sv){names[i].between, strlen(names[i].between)}, &s);
        if (strcmp(s.language, names[i].language) != 0 || s.forced != names[i].forced ||
            s.is_default != names[i].is_default || s.impaired != names[i].impaired)
            fail_msg("'%s': language '%s', forced %d, default %d, impaired %d", names[i].between,
                     s.language, s.forced, s.is_default, s.impaired);
    }
}

static void the_files_that_begin_with_the_film_s_name_are_its_own(void **state)
{
    static const char *const names[] = {"Film.mkv",   "Film.srt",    "Film.en.VTT", "Film.fr.ssa",
                                        "Filmed.srt", "Film-2.srt",  "film.de.srt", "Film.txt",
                                        ".Film.srt",  "Film.es.ass", "Other.srt",   NULL};

    (void)state;
    touch_all(names);
    beside("", "Film.mkv", NULL, 0, "Film.srt Film.en.VTT Film.es.ass Film.fr.ssa");
}

static void a_film_with_a_longer_name_takes_what_is_its_own(void **state)
{
    static const char *const names[] = {
        "Film.mkv",       "Film.2.mkv", "Film.2.srt", "Film.2.en.srt",
        "Film.2x.en.srt", "Film.srt",   NULL};

    (void)state;
    touch_all(names);
    beside("", "Film.mkv", NULL, 0, "Film.srt Film.2x.en.srt");
    beside("", "Film.2.mkv", NULL, 0, "Film.2.srt Film.2.en.srt");
}

static void what_lies_in_other_folders_is_not_beside(void **state)
{
    char path[128];

    (void)state;
    touch("Film.mkv");
    snprintf(path, sizeof path, "%s/Film.d", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    touch("Film.d/x.srt");
    touch("Film.d/Film.srt");
    beside("", "Film.mkv", NULL, 0, "");
}

static void a_film_that_is_given_alone_is_looked_around(void **state)
{
    static const char *const names[] = {"Film.mkv", "Film.srt", "Film.2.mp4", "Film.2.srt", NULL};

    (void)state;
    touch_all(names);
    beside("/Film.mkv", "Film.mkv", NULL, 0, "Film.srt");
    beside("/Film.2.mp4", "Film.mkv", NULL, 0, "Film.srt"); /* another path of the same title */
}

static void a_folder_that_is_gone_has_none(void **state)
{
    (void)state;
    touch("Film.mkv");
    beside("/Film.mkv", "gone/Film.mkv", NULL, 0, "");
}

static void a_full_one_comes_first_then_the_wanted_language_then_the_default(void **state)
{
    static const char *const names[] = {
        "Film.mkv",    "Film.en.forced.srt", "Film.es.srt",         "Film.es-MX.srt",
        "Film.en.srt", "Film.en.sdh.srt",    "Film.fr.default.srt", "Film.srt",
        NULL};
    const char *const none[] = {"", NULL}, *const spanish[] = {"es"}, *const mexican[] = {"es-MX"},
                      *const both[] = {"fr", "", "en"};

    (void)state;
    touch_all(names);
    beside("", "Film.mkv", none, 2,
           "Film.srt Film.fr.default.srt Film.en.srt Film.es.srt Film.es-MX.srt Film.en.sdh.srt "
           "Film.en.forced.srt");
    beside("", "Film.mkv", spanish, 1,
           "Film.es.srt Film.es-MX.srt Film.srt Film.fr.default.srt Film.en.srt Film.en.sdh.srt "
           "Film.en.forced.srt");
    beside("", "Film.mkv", mexican, 1,
           "Film.es-MX.srt Film.es.srt Film.srt Film.fr.default.srt Film.en.srt Film.en.sdh.srt "
           "Film.en.forced.srt");
    beside("", "Film.mkv", both, 3,
           "Film.fr.default.srt Film.en.srt Film.en.sdh.srt Film.srt Film.es.srt Film.es-MX.srt "
           "Film.en.forced.srt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_tells_language_and_flags),
        cmocka_unit_test_setup_teardown(the_files_that_begin_with_the_film_s_name_are_its_own,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_film_with_a_longer_name_takes_what_is_its_own, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(what_lies_in_other_folders_is_not_beside, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_film_that_is_given_alone_is_looked_around, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_folder_that_is_gone_has_none, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            a_full_one_comes_first_then_the_wanted_language_then_the_default, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
