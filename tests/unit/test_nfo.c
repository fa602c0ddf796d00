/* Kodi's .nfo files: text/nfo.h. */
#include "text/nfo.h"

#include "base/arena.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct kn_arena *arena;
    struct kn_nfo nfo;
    struct kn_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kn_arena_free(f->arena);
    free(f);
    return 0;
}

static int parse(struct fixture *f, const char *xml)
{
    memset(&f->err, 0, sizeof f->err);
    return kn_nfo_parse(kn_sv_of(xml), f->arena, &f->nfo, &f->err);
}

static void a_film_is_read(void **state)
{
    struct fixture *f = *state;
    char ids[KN_FILM_IDS];

    assert_int_equal(
        parse(f, "\n<?xml version=\"1.0\"?><movie><title> Heat\n 2 </title><year>1995</year>"
                 "<premiered>1996-01-02</premiered><genre>Crime</genre><genre>Crime / Drama</genre>"
                 "<plot>One &amp; <![CDATA[<two>]]></plot><uniqueid type='tmdb'>949</uniqueid>"
                 "<uniqueid type='imdb'>tt0113277</uniqueid><actor><name>No</name></actor>"
                 "</movie>\nhttps://example.org/949"),
        KN_OK);
    kn_film_ids_text(&f->nfo.ids, ids);
    assert_string_equal(f->nfo.title, "Heat 2");
    assert_string_equal(f->nfo.genres, "Crime, Drama");
    assert_string_equal(f->nfo.plot, "One & <two>");
    assert_string_equal(ids, "imdb:tt0113277 tmdb:949");
    assert_int_equal(f->nfo.year, 1995);
}

static void older_fields_stand_in(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "<movie><id>tt0113277</id><tmdbid>949</tmdbid><outline>Short.</"
                              "outline><releasedate>1995-12-15</releasedate><year>95</year>"
                              "</movie>"),
                     KN_OK);
    assert_string_equal(f->nfo.ids.imdb, "tt0113277");
    assert_string_equal(f->nfo.ids.tmdb, "949");
    assert_string_equal(f->nfo.plot, "Short.");
    assert_string_equal(f->nfo.title, "");
    assert_int_equal(f->nfo.year, 1995);
}

static void ids_of_an_episode_are_not_those_of_a_film(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "<episodedetails><title>Pilot</title><uniqueid type='tmdb'>7"
                              "</uniqueid></episodedetails>"),
                     KN_OK);
    assert_string_equal(f->nfo.ids.tmdb, "");
}

static void entities_are_not_followed(void **state)
{
    static const char *const files[][2] = {
        {"<!DOCTYPE movie [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
         "<movie><title>A&x;b</title></movie>",
         "A&x;b"},
        {"<!DOCTYPE movie [<!ENTITY x 'text'>]><movie><title>&x;</title></movie>", "&x;"},
        {"<!DOCTYPE movie [<!ENTITY eacute '<b>no</b>'>]><movie><title>&eacute;</title></movie>",
         "é"},
        {"<!DOCTYPE movie [<!ENTITY x '&y;&y;'><!ENTITY y '&z;&z;'>]>"
         "<movie><title>&x;</title></movie>",
         "&x;"},
        {"<!DOCTYPE movie [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><movie><title>&q;</title>"
         "</movie>",
         NULL}, /* broken, as its %p; stands for nothing */
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        f->nfo.title = "";
        assert_int_equal(parse(f, files[i][0]), files[i][1] ? KN_OK : KN_ECORRUPT);
        assert_string_equal(f->nfo.title, files[i][1] ? files[i][1] : "");
    }
}

static void names_of_html_are_known_and_others_stay(void **state)
{
    static const char rest[] = "</plot><uniqueid type='tm&eacute;&amp;db'>1</uniqueid>"
                               "<uniqueid type='tmdb'>949</uniqueid></movie>";
    struct fixture *f = *state;
    char file[1024];

    snprintf(file, sizeof file,
             "<movie><title>Caf&eacute;&nbsp;&amp;&#32;&Eacute;t&eacute;</title><plot>"
             "&ldquo;R&B &hellip; &nothing; &lt;&quot;&rdquo;%s",
             rest);
    assert_int_equal(parse(f, file), KN_OK); /* "&B " is no entity: what is meant is plain */
    assert_string_equal(f->nfo.plot, "“R&B … &nothing; <\"”");
    snprintf(file, sizeof file,
             "<movie><title>Caf&eacute;&nbsp;&amp;&#32;&Eacute;t&eacute;</title><plot>"
             "&ldquo;R&amp;B &hellip; &nothing; &lt;&quot;&rdquo;%s",
             rest);
    if (parse(f, file))
        fail_msg("%s", f->err.msg);
    assert_string_equal(f->nfo.title, "Café & Été");
    assert_string_equal(f->nfo.plot, "“R&B … &nothing; <\"”");
    assert_string_equal(f->nfo.ids.tmdb, "949");
}

static void a_bare_ampersand_is_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "<movie><title>Tom & Jerry</title><!-- a & b -->"
                              "<plot><![CDATA[One & two &amp;]]> R&B & &#38; ?a=1&b=2 &</plot>"
                              "</movie>"),
                     KN_OK);
    assert_string_equal(f->nfo.title, "Tom & Jerry");
    assert_string_equal(f->nfo.plot, "One & two &amp; R&B & & ?a=1&b=2 &");
}

static void what_is_no_film_is_refused_with_the_reason(void **state)
{
    struct fixture *f = *state;

    f->nfo.title = "as it was";
    assert_int_equal(parse(f, "<movie><title>Heat</movie>"), KN_ECORRUPT);
    assert_non_null(strstr(f->err.msg, "line 1: "));
    assert_int_equal(parse(f, "<movie>\n\n<title"), KN_ECORRUPT);
    assert_non_null(strstr(f->err.msg, "line 3"));
    assert_int_equal(parse(f, "https://www.imdb.com/title/tt0113277/"), KN_ECORRUPT);
    assert_non_null(strstr(f->err.msg, "address"));
    assert_int_equal(parse(f, "  \n"), KN_ECORRUPT);
    assert_int_equal(parse(f, "<tvshow><title>Show</title></tvshow>"), KN_ENOTFOUND);
    assert_non_null(strstr(f->err.msg, "tvshow"));
    assert_string_equal(f->nfo.title, "as it was");
}

static void encodings_are_read(void **state)
{
    static const char wide[] =
        "\xFF\xFE<\0m\0o\0v\0i\0e\0>\0<\0t\0i\0t\0l\0e\0>\0\xD1\0<\0/\0t\0i\0t"
        "\0l\0e\0>\0<\0/\0m\0o\0v\0i\0e\0>\0\n";
    struct fixture *f = *state;

    assert_int_equal(parse(f, "<?xml version='1.0' encoding='windows-1252'?><movie><title>Ni\xF1o"
                              "</title></movie>"),
                     KN_OK);
    assert_string_equal(f->nfo.title, "Ni\xC3\xB1o");
    assert_int_equal(kn_nfo_parse((struct kn_sv){wide, sizeof wide}, f->arena, &f->nfo, &f->err),
                     KN_OK);
    assert_string_equal(f->nfo.title, "\xC3\x91");
}

static void a_file_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    char *big = calloc(1, KN_NFO_BYTES + 2);

    memset(big, ' ', KN_NFO_BYTES + 1);
    assert_int_equal(parse(f, big), KN_ELIMIT);
    free(big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_film_is_read),
        TEST(older_fields_stand_in),
        TEST(ids_of_an_episode_are_not_those_of_a_film),
        TEST(entities_are_not_followed),
        TEST(names_of_html_are_known_and_others_stay),
        TEST(a_bare_ampersand_is_itself),
        TEST(what_is_no_film_is_refused_with_the_reason),
        TEST(encodings_are_read),
        TEST(a_file_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests_name("nfo", tests, NULL, NULL);
}
