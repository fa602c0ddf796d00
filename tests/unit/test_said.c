/* One test a promise of speech/said.h, named after it. */
#include "speech/said.h"

#include "base/arena.h"
#include "base/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kn_said said;
static struct kn_arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = kn_arena_new(0);
    kn_said_init(&said, arena);
    return arena ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    kn_said_free(&said);
    kn_arena_free(arena);
    return 0;
}

/* The text that raw becomes; "" when it makes no segment. */
static const char *clean(const char *raw)
{
    size_t n = said.n;
    double from = n ? said.segments[n - 1].end : 0;

    assert_int_equal(kn_said_add(&said, raw, from, from + 1, from, from + 2, NULL), 0);
    return said.n > n ? said.segments[n].text : "";
}

static void text_is_trimmed_and_spaced_once(void **state)
{
    (void)state;
    assert_string_equal(clean("  \n Hello,   world. "), "Hello, world.");
    assert_string_equal(clean(" ¿Qué  tal?"), "¿Qué tal?");
}

static void what_is_not_speech_goes(void **state)
{
    static const char *const nothing[] = {"",          " ",           " [Music]", " (música)",
                                          " ♪",        "♪ ♪♪",        "*sighs*",  "...",
                                          " [BLANK_A", "(risas) [x]", " ¡!"};

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        assert_string_equal(clean(nothing[i]), "");
    assert_string_equal(clean("♪ La la la ♪"), "La la la");
    assert_string_equal(clean("the ♀ sign"), "the ♀ sign"); /* begins like a note */
}

static void signs_among_words_stay(void **state)
{
    (void)state;
    assert_string_equal(clean(" (laughs)  I told you [door] so."),
                        "(laughs) I told you [door] so.");
    assert_string_equal(clean("The room (the one with no key) is"),
                        "The room (the one with no key) is");
    assert_string_equal(clean("♪ Five * six (or"), "Five * six (or");
}

static void half_a_character_does_not_make_bad_text(void **state)
{
    static const char *const torn[] = {" ma\xc3",
                                       ("\xb1"
                                        "ana"),
                                       "\xff[\xe2\x99", "\xe2\x99\xaa ok \xe2"};

    (void)state;
    for (size_t i = 0; i < sizeof torn / sizeof *torn; i++)
        assert_true(kn_utf8_valid(kn_sv_of(clean(torn[i]))));
}

static void times_run_forward_within_the_window(void **state)
{
    double last = 0;

    (void)state;
    srand(1);
    for (int window = 0; window < 50; window++) {
        double from = window * 30.0, to = from + 5 + rand() % 25;

        for (int i = 0; i < 20; i++) { /* in any order, and past both ends */
            double a = from - 3 + rand() % 40, b = from - 3 + rand() % 40;
            size_t n = said.n;

            assert_int_equal(kn_said_add(&said, "word", a, b, from, to, NULL), 0);
            if (said.n == n)
                continue;
            assert_true(said.segments[n].start >= last);
            assert_true(said.segments[n].start >= from);
            assert_true(said.segments[n].end > said.segments[n].start);
            assert_true(said.segments[n].end <= to);
            last = said.segments[n].end;
        }
    }
}

static void good_times_stay_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(kn_said_add(&said, "one", 10.5, 12.25, 10, 20, NULL), 0);
    assert_int_equal(kn_said_add(&said, "two", 12.25, 19.5, 10, 20, NULL), 0);
    assert_true(said.segments[0].start == 10.5 && said.segments[0].end == 12.25);
    assert_true(said.segments[1].start == 12.25 && said.segments[1].end == 19.5);
}

static void words_without_room_join_the_segment_before(void **state)
{
    const struct kn_segment *got = NULL;
    size_t n = 0;

    (void)state;
    assert_int_equal(kn_said_add(&said, "all of it", 0, 30, 0, 30, NULL), 0);
    assert_int_equal(kn_said_add(&said, "and more", 30, 31, 0, 30, NULL), 0);
    assert_int_equal(kn_said_take(&said, &got, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_string_equal(got[0].text, "all of it and more");
}

static void nothing_said_is_null_and_zero(void **state)
{
    const struct kn_segment *got = &(struct kn_segment){0};
    size_t n = 7;

    (void)state;
    assert_int_equal(kn_said_take(&said, &got, &n, NULL), 0);
    assert_null(got);
    assert_int_equal(n, 0);
}

static void what_is_dropped_is_kept_aside_with_its_reason(void **state)
{
    const struct kn_dropped *dropped = NULL;
    size_t n = 0;
    bool words = true;

    (void)state;
    assert_int_equal(kn_said_take_dropped(&said, &dropped, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(kn_said_words(&said, " [Music]", &words, NULL), 0);
    assert_false(words);
    assert_int_equal(kn_said_words(&said, " (upbeat music) Hello", &words, NULL), 0);
    assert_true(words);
    assert_int_equal(kn_said_drop(&said, " [Music] ", 1, 2, "a sound", NULL), 0);
    assert_int_equal(kn_said_drop(&said, " \xe2\x99\xaa ", 2, 3, "a sound", NULL), 0);
    assert_int_equal(kn_said_drop(&said, " Thanks for \xc3", 3, 4, "nobody speaks", NULL), 0);
    assert_int_equal(kn_said_take_dropped(&said, &dropped, &n, NULL), 0);
    assert_int_equal(n, 2); /* a note has no words: nothing to tell of */
    assert_string_equal(dropped[0].text, "[Music]");
    assert_string_equal(dropped[1].text, "Thanks for \xef\xbf\xbd");
    assert_string_equal(dropped[1].reason, "nobody speaks");
    assert_true(dropped[1].start >= 3 && dropped[1].end <= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_is_trimmed_and_spaced_once, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_speech_goes, begin, end),
        cmocka_unit_test_setup_teardown(signs_among_words_stay, begin, end),
        cmocka_unit_test_setup_teardown(half_a_character_does_not_make_bad_text, begin, end),
        cmocka_unit_test_setup_teardown(times_run_forward_within_the_window, begin, end),
        cmocka_unit_test_setup_teardown(good_times_stay_as_they_are, begin, end),
        cmocka_unit_test_setup_teardown(words_without_room_join_the_segment_before, begin, end),
        cmocka_unit_test_setup_teardown(what_is_dropped_is_kept_aside_with_its_reason, begin, end),
        cmocka_unit_test_setup_teardown(nothing_said_is_null_and_zero, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
