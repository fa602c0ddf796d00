/* One test a promise of wording.h. */
#include "base/err.h"
#include "text/wording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kn_wording of(const char *text)
{
    const struct kn_segment s = {.text = text};
    struct kn_wording w;

    assert_int_equal(kn_wording_of(&s, 1, &w, NULL), KN_OK);
    return w;
}

static void assert_same(const struct kn_wording *a, const struct kn_wording *b)
{
    assert_memory_equal(a, b, sizeof *a);
}

/* n words that differ, "w0 w1 w2...", from first. */
static char *many(size_t first, size_t n)
{
    char *text = calloc(n, 12), *p = text;

    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "w%zu ", first + i);
    return text;
}

static struct kn_wording of_many(size_t first, size_t n)
{
    char *text = many(first, n);
    struct kn_wording w = of(text);

    free(text);
    return w;
}

static uint32_t count_of(const struct kn_wording *w, const char *word)
{
    struct kn_wording one = of(word);

    assert_int_equal(one.n_terms, 1);
    for (size_t i = 0; i < w->n_terms; i++)
        if (w->terms[i].hash == one.terms[0].hash)
            return w->terms[i].count;
    return 0;
}

static void case_accents_and_punctuation_do_not_count(void **state)
{
    const struct kn_wording a = of("El capitán, ¿NO LO SABE? Don't ask!");
    const struct kn_wording b = of("el CAPITAN no lo sabe don't ask");

    (void)state;
    assert_same(&a, &b);
}

static void segments_are_one_text(void **state)
{
    const struct kn_segment s[] = {{1, 2, "one two"}, {3, 4, "three"}, {5, 6, "four five"}};
    const struct kn_wording whole = of("one two three four five");
    struct kn_wording parts;

    (void)state;
    assert_int_equal(kn_wording_of(s, 3, &parts, NULL), KN_OK);
    assert_same(&parts, &whole);
    assert_int_equal(whole.n_terms, 5);
    assert_int_equal(whole.phrases, 3);
}

static void terms_are_counted(void **state)
{
    const struct kn_wording w = of("the sea, the ship and the Sea");

    (void)state;
    assert_int_equal(w.n_terms, 4);
    assert_int_equal(count_of(&w, "the"), 3);
    assert_int_equal(count_of(&w, "sea"), 2);
    assert_int_equal(count_of(&w, "ship"), 1);
    assert_int_equal(count_of(&w, "boat"), 0);
}

static void scripts_without_spaces_are_cut_by_pairs(void **state)
{
    const struct kn_wording a = of("東京物語"), b = of("物語東京");

    (void)state;
    assert_int_equal(a.n_terms, 4); /* 東京 京物 物語 語 */
    assert_int_equal(count_of(&a, "語"), 1);
    assert_true(a.n_terms == b.n_terms && memcmp(a.terms, b.terms, sizeof a.terms) != 0);
}

static void of_many_terms_the_frequent_and_then_the_long_stay(void **state)
{
    char *text = many(1000, 400), *all = malloc(strlen(text) + 100);
    struct kn_wording w;

    (void)state;
    sprintf(all, "%s nautilus w7 w7 extraordinary", text);
    w = of(all);
    assert_int_equal(w.n_terms, KN_TERMS);
    assert_int_equal(count_of(&w, "w7"), 2);
    assert_int_equal(count_of(&w, "nautilus"), 1);
    assert_int_equal(count_of(&w, "extraordinary"), 1);
    for (size_t i = 1; i < w.n_terms; i++)
        assert_true(w.terms[i - 1].hash < w.terms[i].hash);
    free(all);
    free(text);
}

static void terms_of_two_add_up(void **state)
{
    struct kn_wording a = of("the sea the ship");
    const struct kn_wording b = of("the captain");

    (void)state;
    kn_wording_add_terms(&a, &b);
    assert_int_equal(a.n_terms, 4);
    assert_int_equal(count_of(&a, "the"), 3);
    assert_int_equal(count_of(&a, "captain"), 1);
}

static void what_is_said_twice_overlaps_whole_and_a_longer_cut_too(void **state)
{
    const struct kn_wording cut = of_many(0, 150), longer = of_many(0, 400);
    const struct kn_wording later = of_many(100, 150), other = of_many(5000, 400);

    (void)state;
    assert_float_equal(kn_wording_overlap(&cut, &cut), 1, 1e-9);
    assert_float_equal(kn_wording_overlap(&longer, &longer), 1, 1e-9);
    assert_true(kn_wording_overlap(&cut, &longer) > 0.8);
    assert_float_equal(kn_wording_overlap(&cut, &longer), kn_wording_overlap(&longer, &cut), 1e-9);
    assert_true(kn_wording_overlap(&cut, &later) > 0.2 && kn_wording_overlap(&cut, &later) < 0.45);
    assert_float_equal(kn_wording_overlap(&cut, &other), 0, 1e-9);
}

static void a_short_text_is_compared_exactly(void **state)
{
    const struct kn_wording a = of_many(0, 42), b = of_many(20, 42); /* 40 phrases, 20 of both */

    (void)state;
    assert_float_equal(kn_wording_overlap(&a, &b), 0.5, 1e-9);
}

static void too_little_tells_nothing(void **state)
{
    const struct kn_wording a = of("coming soon to a theatre near you"), none = of("");

    (void)state;
    assert_float_equal(kn_wording_overlap(&a, &a), 0, 1e-9);
    assert_float_equal(kn_wording_overlap(&none, &none), 0, 1e-9);
}

static void what_is_packed_comes_back_and_nothing_else_does(void **state)
{
    const struct kn_wording big = of_many(0, 900), small = of("one two three"), none = of("");
    const struct kn_wording *all[] = {&big, &small, &none};
    unsigned char bytes[KN_WORDING_BYTES];
    struct kn_wording back;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t n = kn_wording_pack(all[i], bytes);

        memset(&back, 0xAA, sizeof back);
        assert_true(n <= sizeof bytes);
        assert_true(kn_wording_unpack(bytes, n, &back));
        assert_same(&back, all[i]);
        for (size_t cut = 0; cut < n; cut++)
            assert_false(kn_wording_unpack(bytes, cut, &back));
    }
    kn_wording_pack(&small, bytes);
    bytes[8] = bytes[9] = bytes[10] = bytes[11] = 0xFF; /* the first hash above the second */
    assert_false(kn_wording_unpack(bytes, kn_wording_pack(&small, (unsigned char[64]){0}), &back));
    memset(bytes, 0xFF, 8);
    assert_false(kn_wording_unpack(bytes, sizeof bytes, &back));
}

static void marks_tell_who_may_say_the_same(void **state)
{
    struct kn_wording w[] = {of_many(0, 1000),   of_many(5000, 1000), of_many(100, 1000),
                             of_many(9000, 300), of_many(8500, 900),  of_many(20000, 12)};
    enum { N = sizeof w / sizeof *w };
    const bool wanted[N] = {true, false, true, true, true, false};
    unsigned char packed[KN_WORDING_BYTES];
    struct kn_marks marks[N], unpacked;
    bool alike[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        kn_wording_mark(&w[i], &marks[i]);
        assert_true(kn_wording_unpack_marks(packed, kn_wording_pack(&w[i], packed), &unpacked));
        assert_memory_equal(&unpacked, &marks[i], sizeof unpacked);
    }
    assert_int_equal(kn_marks_alike(marks, N, alike, NULL), KN_OK);
    assert_memory_equal(alike, wanted, sizeof alike);
    assert_int_equal(kn_marks_alike(marks, 0, NULL, NULL), KN_OK);
    assert_true(marks[5].mark[9] && !marks[5].mark[10]); /* twelve words are ten phrases */
}

/* What kn_marks_alike promises of copies: one of the length, and one a third as long, of each of 400 texts. */
static void marks_miss_hardly_a_copy(void **state)
{
    size_t missed = 0, missed_short = 0;

    (void)state;
    for (size_t i = 0; i < 400; i++) {
        struct kn_wording whole = of_many(10000 * i, 900);
        struct kn_wording same = of_many(10000 * i + 100, 900),
                          part = of_many(10000 * i + 300, 300);
        struct kn_marks m[3];
        bool alike[3];

        kn_wording_mark(&whole, &m[0]);
        kn_wording_mark(&same, &m[1]);
        assert_int_equal(kn_marks_alike(m, 2, alike, NULL), KN_OK);
        missed += !alike[0];
        kn_wording_mark(&part, &m[1]);
        assert_int_equal(kn_marks_alike(m, 2, alike, NULL), KN_OK);
        missed_short += !alike[0];
    }
    assert_int_equal(missed, 0);
    assert_in_range(missed_short, 0, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_accents_and_punctuation_do_not_count),
        cmocka_unit_test(segments_are_one_text),
        cmocka_unit_test(terms_are_counted),
        cmocka_unit_test(scripts_without_spaces_are_cut_by_pairs),
        cmocka_unit_test(of_many_terms_the_frequent_and_then_the_long_stay),
        cmocka_unit_test(terms_of_two_add_up),
        cmocka_unit_test(what_is_said_twice_overlaps_whole_and_a_longer_cut_too),
        cmocka_unit_test(a_short_text_is_compared_exactly),
        cmocka_unit_test(too_little_tells_nothing),
        cmocka_unit_test(what_is_packed_comes_back_and_nothing_else_does),
        cmocka_unit_test(marks_tell_who_may_say_the_same),
        cmocka_unit_test(marks_miss_hardly_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
