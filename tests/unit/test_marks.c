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
static const char *marked(const char *text, const char *question)
{
    static char out[256];
    struct kn_arena *arena = kn_arena_new(0);
    const struct kn_mark *marks;
    size_t n, at = 0;

    assert_int_equal(kn_marks_find(text, question, arena, &marks, &n, NULL), KN_OK);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%zu-%zu", i ? " " : "", marks[i].start,
                               marks[i].end);
    kn_arena_free(arena);
    return out;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_whatever_their_case_and_accents),
        cmocka_unit_test(places_are_counted_in_characters),
        cmocka_unit_test(only_the_last_word_may_be_unfinished),
        cmocka_unit_test(marks_that_meet_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
