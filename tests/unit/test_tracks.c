/* One test a promise of tracks.h, named after it. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "decode/media.h"
#include "ingest/tracks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct kn_media_info film;
static struct kn_arena *arena;

static int set_up(void **state)
{
    (void)state;
    film = (struct kn_media_info){.audio = -1};
    arena = kn_arena_new(0);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kn_arena_free(arena);
    return 0;
}

static struct kn_stream *subtitle(const char *codec, const char *language, const char *title)
{
    struct kn_stream *s = &film.streams[film.n_streams++];

    s->kind = KN_STREAM_SUBTITLE;
    strcpy(s->codec, codec);
    strcpy(s->language, language);
    strcpy(s->title, title);
    return s;
}

static struct kn_track *stored(size_t *n)
{
    struct kn_track *tracks = NULL;
    struct kn_buf json;

    kn_buf_init(&json, 1 << 20);
    assert_int_equal(kn_tracks_write(&film, &json, NULL), KN_OK);
    assert_int_equal(kn_tracks_read(json.data, arena, &tracks, n, NULL), KN_OK);
    kn_buf_free(&json);
    return tracks;
}

/* The numbers of the candidates, best first. */
static void chosen(const char *const *wanted, size_t n_wanted, bool only, const char *expected)
{
    char got[256] = "";
    size_t n;
    struct kn_track *tracks = stored(&n);

    n = kn_tracks_choose(tracks, n, wanted, n_wanted, only);
    for (size_t i = 0; i < n; i++)
        sprintf(got + strlen(got), "%s%zu", i ? " " : "", tracks[i].stream);
    assert_string_equal(got, expected);
}

static void what_is_kept_is_what_was_found(void **state)
{
    struct kn_stream *s = subtitle("subrip", "eng", "A \"title\"");
    struct kn_track *tracks;
    size_t n;

    (void)state;
    s->is_default = s->is_impaired = true;
    s = &film.streams[film.n_streams++];
    *s = (struct kn_stream){
        .kind = KN_STREAM_AUDIO, .codec = "aac", .channels = 6, .is_commentary = true};
    film.audio = 1;
    tracks = stored(&n);
    assert_int_equal(n, 2);
    assert_string_equal(tracks[0].title, "A \"title\"");
    assert_string_equal(tracks[0].tag, "en");
    assert_true(tracks[0].is_default && tracks[0].impaired && !tracks[0].forced &&
                !tracks[0].heard);
    assert_true(tracks[1].heard && tracks[1].commentary && tracks[1].channels == 6);
}

static void a_library_from_before_has_tracks_without_marks(void **state)
{
    struct kn_track *tracks;
    size_t n;

    (void)state;
    assert_int_equal(kn_tracks_read("[{\"kind\":\"subtitle\",\"codec\":\"mov_text\",\"language\":"
                                    "\"\",\"title\":\"\",\"heard\":false}]",
                                    arena, &tracks, &n, NULL),
                     KN_OK);
    assert_true(n == 1 && tracks[0].form == KN_TRACK_TEXT && !tracks[0].partial);
    assert_int_equal(kn_tracks_read("", arena, &tracks, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
}

static void pictures_are_no_candidates(void **state)
{
    (void)state;
    subtitle("hdmv_pgs_subtitle", "eng", "");
    subtitle("dvd_subtitle", "eng", "");
    subtitle("mov_text", "eng", "");
    subtitle("none", "eng", "");
    chosen(NULL, 0, false, "2");
}

static void full_comes_before_forced_signs_and_commentary(void **state)
{
    const char *wanted[] = {"en"};

    (void)state;
    subtitle("ass", "eng", "Signs & Songs");
    subtitle("ass", "eng", "Forced");
    subtitle("ass", "eng", "")->is_forced = true;
    subtitle("ass", "eng", "")->is_commentary = true;
    subtitle("ass", "spa", "");
    subtitle("ass", "eng", "");
    chosen(wanted, 1, false, "5 4 0 1 2 3");
}

static void wanted_languages_come_first_then_unknown_ones_then_others_or_none(void **state)
{
    const char *wanted[] = {"es-MX", "", NULL, "en"};

    (void)state;
    subtitle("subrip", "fre", "");
    subtitle("subrip", "", "");
    subtitle("subrip", "eng", "");
    subtitle("subrip", "spa", "");
    subtitle("subrip", "es-MX", "");
    chosen(wanted, 4, false, "4 3 2 1 0");
    chosen(wanted, 4, true, "4 3 2 1");
}

static void the_default_one_then_the_one_without_sounds_then_the_first(void **state)
{
    (void)state;
    subtitle("subrip", "eng", "English [SDH]");
    subtitle("subrip", "eng", "")->is_impaired = true;
    subtitle("subrip", "eng", "");
    subtitle("subrip", "eng", "");
    subtitle("subrip", "eng", "")->is_default = true;
    chosen(NULL, 0, false, "4 2 3 0 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_kept_is_what_was_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_library_from_before_has_tracks_without_marks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pictures_are_no_candidates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_comes_before_forced_signs_and_commentary, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            wanted_languages_come_first_then_unknown_ones_then_others_or_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_default_one_then_the_one_without_sounds_then_the_first,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
