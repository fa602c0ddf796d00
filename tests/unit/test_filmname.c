/* What a film's name tells: text/filmname.h. */
#include "text/filmname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct kn_film_name read_name(const char *base)
{
    struct kn_film_name n;

    kn_film_name_read(kn_sv_of(base), &n);
    return n;
}

static void expect_ids(const char *base, const char *ids)
{
    struct kn_film_name n = read_name(base);
    char text[KN_FILM_IDS];

    kn_film_ids_text(&n.ids, text);
    assert_string_equal(text, ids);
}

static void expect_name(const char *base, const char *name, const char *title, int year)
{
    struct kn_film_name n = read_name(base);

    assert_string_equal(n.name, name);
    assert_string_equal(n.title, title);
    assert_int_equal(n.year, year);
}

static void ids_are_read_as_media_servers_write_them(void **state)
{
    (void)state;
    expect_ids("Heat (1995) [tmdbid-949]", "tmdb:949");
    expect_ids("Heat (1995) {tmdb-949}", "tmdb:949");
    expect_ids("Heat [imdbid=tt0113277] [TVDBID-7]", "imdb:tt0113277 tvdb:7");
    expect_ids("Heat [imdbid-0113277] [tmdbid-tt949] [tmdbid-] [1080p-949] [tmdbid-94x]", "");
    expect_ids("Heat [tmdbid-12345678901]", "");
}

static void the_name_is_as_given_without_ids(void **state)
{
    (void)state;
    expect_name("Heat (1995) [tmdbid-949]", "Heat (1995)", "Heat", 1995);
    expect_name("Heat (1995) [tmdbid-949] - Director's Cut", "Heat (1995) - Director's Cut", "Heat",
                1995);
    expect_name("[tmdbid-949]", "", "", 0);
    expect_name("Heat [1080p] [GRP]", "Heat [1080p] [GRP]", "Heat", 0);
    expect_name("Lamps - 4K", "Lamps - 4K", "Lamps", 0);
    expect_name("", "", "", 0);
}

static void a_year_stands_in_brackets_and_not_first(void **state)
{
    (void)state;
    expect_name("Blade Runner 2049 (2017)", "Blade Runner 2049 (2017)", "Blade Runner 2049", 2017);
    expect_name("(1984)", "(1984)", "(1984)", 0);
    expect_name("Heat (1066)", "Heat (1066)", "Heat (1066)", 0);
    expect_name("Heat (19950)", "Heat (19950)", "Heat (19950)", 0);
    expect_name("Heat 1995", "Heat 1995", "Heat 1995", 0);
}

static void suffixes_tell_trailers_and_extras(void **state)
{
    struct kn_film_name n = read_name("Heat (1995)-trailer");

    (void)state;
    assert_int_equal(n.kind, KN_FILM_TRAILER);
    assert_string_equal(n.title, "Heat");
    assert_string_equal(n.name, "Heat (1995)-trailer");
    assert_int_equal(read_name("Heat.Trailer").kind, KN_FILM_TRAILER);
    assert_int_equal(read_name("trailer").kind, KN_FILM_TRAILER);
    assert_int_equal(read_name("Heat-featurette").kind, KN_FILM_EXTRA);
    assert_int_equal(read_name("sample").kind, KN_FILM);
    assert_int_equal(read_name("The Trailer").kind, KN_FILM);
    assert_int_equal(kn_film_kind_of_folder(kn_sv_of("Trailers")), KN_FILM_TRAILER);
    assert_int_equal(kn_film_kind_of_folder(kn_sv_of("extras")), KN_FILM_EXTRA);
    assert_int_equal(kn_film_kind_of_folder(kn_sv_of("Heat")), KN_FILM);
}

static void people_write_suffixes_as_they_like(void **state)
{
    static const char *const trailers[] = {"Heat - Official Trailer",
                                           "Heat (1995) Trailer",
                                           "Heat Trailer",
                                           "heat_teaser",
                                           "Heat (1995) - Teaser Trailer [1080p]",
                                           "Nine Suns Trailer (Official)",
                                           "Heat - Trailer 2",
                                           "Heat - Trailer (1995)",
                                           "Pan de domingo - Tr\xC3\xA1iler oficial"};
    static const char *const extras[] = {"Heat - Making of",
                                         "Heat.Making.Of",
                                         "Heat (1995) Interview",
                                         "Heat - Interview 3",
                                         "Heat-clip",
                                         "Heat Deleted Scenes",
                                         "Heat - Behind the Scenes (HD)",
                                         "heat.1995-sample"};
    static const char *const films[] = {"Trailer Park Boys",
                                        "Interview (2007)",
                                        "The Interview (2014)",
                                        "The.Interview",
                                        "Sample",
                                        "The Trailer",
                                        "Paper Clip",
                                        "Teaser (2010)",
                                        "Making of",
                                        "Prosample",
                                        "Trailer 2",
                                        "Official Trailer",
                                        "(Trailer)",
                                        "Heat (1995)",
                                        "(2)",
                                        "2"};

    (void)state;
    for (size_t i = 0; i < sizeof trailers / sizeof *trailers; i++)
        if (read_name(trailers[i]).kind != KN_FILM_TRAILER)
            fail_msg("'%s' is no trailer", trailers[i]);
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        if (read_name(extras[i]).kind != KN_FILM_EXTRA)
            fail_msg("'%s' is no extra", extras[i]);
    for (size_t i = 0; i < sizeof films / sizeof *films; i++)
        if (read_name(films[i]).kind != KN_FILM)
            fail_msg("'%s' is no film", films[i]);
    expect_name("Heat (1995) - Official Trailer", "Heat (1995) - Official Trailer", "Heat", 1995);
    expect_name("Heat - Trailer (1995)", "Heat - Trailer (1995)", "Heat", 1995);
}

static void episodes_and_discs_are_parts(void **state)
{
    static const char *const parts[] = {"Show S01E02", "show - 1x02 - Pilot", "Heat (1995)-cd1",
                                        "Heat (1995) - Disc 2", "Heat (1995) part-3"};
    static const char *const whole[] = {"Heat (1995) 1920x1080", "Part 2 (2011)", "Seven",
                                        "Heat (1995) - partly"};

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_true(read_name(parts[i]).part);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        assert_false(read_name(whole[i]).part);
}

static void a_long_name_is_cut_at_a_character(void **state)
{
    char base[2 * KN_FILM_NAME];
    struct kn_film_name n;

    (void)state;
    memset(base, 'a', sizeof base);
    for (size_t i = 0; i + 1 < sizeof base - 1; i += 2)
        memcpy(base + i + 1, "\xC3\xA9", i + 3 < sizeof base ? 2 : 0);
    kn_film_name_read((struct kn_sv){base, sizeof base - 1}, &n);
    assert_true(strlen(n.name) < KN_FILM_NAME && strlen(n.name) > KN_FILM_NAME - 8);
    assert_true((n.name[strlen(n.name) - 1] & 0xC0) != 0xC0); /* not the first of two bytes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_read_as_media_servers_write_them),
        cmocka_unit_test(the_name_is_as_given_without_ids),
        cmocka_unit_test(a_year_stands_in_brackets_and_not_first),
        cmocka_unit_test(suffixes_tell_trailers_and_extras),
        cmocka_unit_test(people_write_suffixes_as_they_like),
        cmocka_unit_test(episodes_and_discs_are_parts),
        cmocka_unit_test(a_long_name_is_cut_at_a_character),
    };

    return cmocka_run_group_tests_name("filmname", tests, NULL, NULL);
}
