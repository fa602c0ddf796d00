/* Whether two transcripts are of one film: text/overlap.h. */
#include "text/overlap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char long_text[] =
    "Somebody has lit the lamp in the old tower again and nobody on the island will say who it "
    "was. "
    "Nobody has lived there for thirty years and the harbour below it is empty since the war.";
static const char heard_text[] =
    "Somebody has LIT the lamp, in the old tower again: and nobody on the island would say who it "
    "was! Nobody has lived there for thirty years and the harbour below it is empty since the war";
static const char other_text[] =
    "The baker leaves his bread in the oven overnight and in the morning there is always one loaf "
    "more. His daughter sets a trap for the thief who brings instead of taking and waits.";

static double overlap(const char *a, const char *b)
{
    const struct kn_segment x = {0, 1, a}, y = {0, 1, b};
    double share = -1;

    assert_int_equal(kn_text_overlap(&x, 1, &y, 1, &share, NULL), 0);
    return share;
}

static void a_film_is_itself(void **state)
{
    (void)state;
    assert_true(overlap(long_text, long_text) == 1);
}

static void case_marks_and_a_word_misheard_matter_little(void **state)
{
    double share = overlap(long_text, heard_text);

    (void)state;
    assert_true(share > 0.7 && share < 1);
}

static void another_film_shares_nothing(void **state)
{
    (void)state;
    assert_true(overlap(long_text, other_text) < 0.05);
}

static void too_few_words_tell_nothing(void **state)
{
    (void)state;
    assert_true(overlap("Hello there, my friend.", "Hello there, my friend.") == 0);
    assert_true(overlap("", long_text) == 0);
}

static void cuts_into_segments_do_not_matter(void **state)
{
    const struct kn_segment one = {0, 1, "a b c d e f g h i j k l m n o p q r s t u v w x y z"};
    const struct kn_segment three[] = {
        {0, 1, "a b c d e f g h"}, {1, 2, "i j k l m n o p q r"}, {2, 3, "s t u v w x y z"}};
    double share;

    (void)state;
    assert_int_equal(kn_text_overlap(&one, 1, three, 3, &share, NULL), 0);
    assert_true(share == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_film_is_itself),
        cmocka_unit_test(case_marks_and_a_word_misheard_matter_little),
        cmocka_unit_test(another_film_shares_nothing),
        cmocka_unit_test(too_few_words_tell_nothing),
        cmocka_unit_test(cuts_into_segments_do_not_matter),
    };

    return cmocka_run_group_tests_name("overlap", tests, NULL, NULL);
}
