/* One test a promise of marks.h. */
#include "base/arena.h"
#include "base/err.h"
#include "text/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "0-3 8-11" */
static const char *marked_in(const char *language, const char *text, const char *question)
{
    static char out[256];
    struct kn_arena *arena = kn_arena_new(0);
    const struct kn_mark *marks;
    size_t n, at = 0;

    assert_int_equal(kn_marks_find(text, language, question, arena, &marks, &n, NULL), KN_OK);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%zu-%zu", i ? " " : "", marks[i].start,
                               marks[i].end);
    kn_arena_free(arena);
    return out;
}

static const char *marked(const char *text, const char *question)
{
    return marked_in("", text, question);
}

static void words_are_found_whatever_their_case_and_accents(void **state)
{
    (void)state;
    assert_string_equal(marked("The LÁMP went out, the lamp was out.", "lamp out"),
                        "4-8 14-17 23-27 32-35");
    assert_string_equal(marked("nothing here", "lamp"), "");
    assert_string_equal(marked("", "lamp"), "");
    assert_string_equal(marked("lamp", ""), "");
}

static void places_are_counted_in_characters(void **state)
{
    (void)state;
    assert_string_equal(marked("¿Añoró la lámpara?", "lampara"), "10-17");
    assert_string_equal(marked("🎬🎬 lamp", "lamp"), "3-7");
}

static void only_the_last_word_may_be_unfinished(void **state)
{
    (void)state;
    assert_string_equal(marked("lampshade outside", "lamp out"), "10-17");
    assert_string_equal(marked("lampshade outside", "out lamp"), "0-9");
}

static void marks_that_meet_are_one(void **state)
{
    (void)state;
    assert_string_equal(marked("古い灯台の光", "灯台の"),
                        "2-5"); /* two letters make a word there */
}

static void words_that_only_hold_a_sentence_together_are_not_marked(void **state)
{
    (void)state;
    assert_string_equal(marked_in("en", "The son of the lamp went there.", "The son in the"),
                        "4-7");
    assert_string_equal(marked_in("en-GB", "Who are you, the lamp?", "the lamp"), "17-21");
    assert_string_equal(marked_in("es", "¿Dónde está la lámpara? Son dos.", "dónde son la lampara"),
                        "15-22");
    assert_string_equal(marked_in("es-MX", "Más allá del faro.", "MÁS del faro"), "13-17");
}

static void they_are_where_nothing_else_was_asked_for(void **state)
{
    (void)state;
    assert_string_equal(marked_in("en", "Who are you?", "who are you"), "0-3 4-7 8-11");
    assert_string_equal(marked_in("es", "el que sabe", "que"), "3-6");
}

static void words_of_grammar_are_known_in_either_language(void **state)
{
    static const char *const common[] = {"their", "across",   "through", "himself",
                                         "donde", "mientras", "despues"},
                             *const telling[] = {"lantern", "kitchen", "cross",
                                                 "acros",   "madre",   "lampara"};

    (void)state;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        assert_true(kn_marks_is_common(common[i]));
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
        assert_false(kn_marks_is_common(telling[i]));
}

static void in_other_languages_every_word_counts(void **state)
{
    (void)state;
    assert_string_equal(marked_in("de", "Also die Lampe", "also die lampe"), "0-4 5-8 9-14");
    assert_string_equal(marked_in("", "the lamp", "the lamp"), "0-3 4-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_whatever_their_case_and_accents),
        cmocka_unit_test(places_are_counted_in_characters),
        cmocka_unit_test(only_the_last_word_may_be_unfinished),
        cmocka_unit_test(marks_that_meet_are_one),
        cmocka_unit_test(words_that_only_hold_a_sentence_together_are_not_marked),
        cmocka_unit_test(they_are_where_nothing_else_was_asked_for),
        cmocka_unit_test(words_of_grammar_are_known_in_either_language),
        cmocka_unit_test(in_other_languages_every_word_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
