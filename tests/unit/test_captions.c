/* One test a promise of captions.h, named after it. */
#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"
#include "text/captions.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kn_buf file;

static int set_up(void **state)
{
    (void)state;
    kn_buf_init(&file, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kn_buf_free(&file);
    return 0;
}

static void write_one(enum kn_subtitle_format format, double start, double end, const char *text)
{
    const struct kn_segment s = {start, end, text};

    kn_buf_clear(&file);
    assert_int_equal(kn_captions_write(&s, 1, format, &file, NULL), KN_OK);
}

static void a_short_segment_is_one_line_in_either_format(void **state)
{
    (void)state;
    write_one(KN_SUBTITLE_SRT, 3661.5, 3663.0414, "Nobody lives there.");
    assert_string_equal(file.data, "1\n01:01:01,500 --> 01:01:03,041\nNobody lives there.\n\n");
    write_one(KN_SUBTITLE_VTT, 3661.5, 3663.0414, "Nobody lives there.");
    assert_string_equal(file.data,
                        "WEBVTT\n\n01:01:01.500 --> 01:01:03.041\nNobody lives there.\n\n");
}

static void two_lines_are_as_even_as_may_be(void **state)
{
    (void)state;
    write_one(KN_SUBTITLE_SRT, 0, 2, "What she finds is rotten, all the way up to the judge.");
    assert_string_equal(file.data, "1\n00:00:00,000 --> 00:00:02,000\n"
                                   "What she finds is rotten,\nall the way up to the judge.\n\n");
}

static void a_long_segment_is_cut_after_a_sentence_and_shares_its_time(void **state)
{
    (void)state;
    write_one(KN_SUBTITLE_SRT, 10, 20,
              "She said that nobody had lived in the house for years. "
              "Then somebody lit the lamp in the tower, and it burned.");
    assert_string_equal(file.data, "1\n00:00:10,000 --> 00:00:15,000\n"
                                   "She said that nobody had\nlived in the house for years.\n\n"
                                   "2\n00:00:15,000 --> 00:00:20,000\n"
                                   "Then somebody lit the lamp\nin the tower, and it burned.\n\n");
}

static void markup_is_escaped_where_the_format_has_a_way(void **state)
{
    (void)state;
    write_one(KN_SUBTITLE_VTT, 0, 1, "a < b & c --> d");
    assert_non_null(strstr(file.data, "\na &lt; b &amp; c --&gt; d\n"));
    write_one(KN_SUBTITLE_SRT, 0, 1, "a < b & c");
    assert_non_null(strstr(file.data, "\na < b & c\n"));
}

static void no_time_is_half_a_second(void **state)
{
    (void)state;
    write_one(KN_SUBTITLE_SRT, 7, 7, "Now.");
    assert_non_null(strstr(file.data, "00:00:07,000 --> 00:00:07,500"));
}

static size_t widest_line(const char *text)
{
    size_t widest = 0;

    for (const char *end; *text; text = end + 1) {
        size_t n;

        end = strchr(text, '\n');
        assert_non_null(end);
        n = kn_columns((struct kn_sv){text, (size_t)(end - text)});
        widest = n > widest ? n : widest;
    }
    return widest;
}

static void no_line_is_wider_than_42_columns_in_any_script(void **state)
{
    (void)state;
    write_one(KN_SUBTITLE_SRT, 0, 9,
              "昔々あるところに、おじいさんとおばあさんが住んでいました。おじいさんは山へ柴刈りに、"
              "おばあさんは川へ洗濯に行きました。");
    assert_in_range(widest_line(file.data), 30, KN_CAPTION_COLUMNS);
    assert_true(kn_utf8_valid((struct kn_sv){file.data, file.n}));
    write_one(KN_SUBTITLE_SRT, 0, 9,
              "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft "
              "hieß sie.");
    assert_in_range(widest_line(file.data), 30, KN_CAPTION_COLUMNS);
}

/* The words without the ways they were parted. */
static void add_words(struct kn_buf *out, const char *text)
{
    for (; *text; text++)
        if (*text != ' ')
            kn_buf_add(out, text, 1, NULL);
}

static void what_is_read_back_says_the_same_words_at_the_same_times(void **state)
{
    static const char *const words[] = {"a",      "lamp",     "sea,",       "yes.",
                                        "nobody", "Señor",    "évidemment", "tower;",
                                        "No!",    "horizons", "&",          "42"};
    enum { SEGMENTS = 40 };
    static const enum kn_subtitle_format formats[] = {KN_SUBTITLE_SRT, KN_SUBTITLE_VTT};
    struct kn_segment segments[SEGMENTS];
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_buf text, said, back;

    (void)state;
    srand(7);
    kn_buf_init(&text, 1 << 20);
    kn_buf_init(&said, 1 << 20);
    kn_buf_init(&back, 1 << 20);
    for (int i = 0; i < SEGMENTS; i++) {
        kn_buf_clear(&text);
        for (int n = 1 + rand() % 60; n > 0; n--)
            kn_buf_addf(&text, NULL, "%s%s", text.n ? " " : "", words[rand() % 12]);
        segments[i] =
            (struct kn_segment){i * 5 + 0.25, i * 5 + 4.5, kn_arena_text(arena, text.data)};
        add_words(&said, text.data);
    }
    for (int f = 0; f < 2; f++) {
        struct kn_subtitle s;

        kn_buf_clear(&file);
        kn_buf_clear(&back);
        assert_int_equal(kn_captions_write(segments, SEGMENTS, formats[f], &file, NULL), KN_OK);
        assert_int_equal(kn_subtitle_parse((struct kn_sv){file.data, file.n}, KN_SUBTITLE_ANY, "",
                                           arena, &s, NULL),
                         KN_OK);
        assert_int_equal(s.format, formats[f]);
        for (size_t i = 0; i < s.n_segments; i++)
            add_words(&back, s.segments[i].text);
        assert_string_equal(back.data, said.data);
        assert_true(fabs(s.segments[0].start - 0.25) < 1e-9);
        assert_true(fabs(s.segments[s.n_segments - 1].end - segments[SEGMENTS - 1].end) < 1e-9);
    }
    kn_buf_free(&text);
    kn_buf_free(&said);
    kn_buf_free(&back);
    kn_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_segment_is_one_line_in_either_format),
        cmocka_unit_test(two_lines_are_as_even_as_may_be),
        cmocka_unit_test(a_long_segment_is_cut_after_a_sentence_and_shares_its_time),
        cmocka_unit_test(markup_is_escaped_where_the_format_has_a_way),
        cmocka_unit_test(no_time_is_half_a_second),
        cmocka_unit_test(no_line_is_wider_than_42_columns_in_any_script),
        cmocka_unit_test(what_is_read_back_says_the_same_words_at_the_same_times),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
