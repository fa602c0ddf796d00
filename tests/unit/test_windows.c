/* One test a promise of speech/windows.h, named after it. */
#include "speech/windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 31, FRAMES = 20000, WINDOWS = 400 }; /* frames; 31.25 in truth */

static float sound[FRAMES];

static void silence(size_t n)
{
    for (size_t i = 0; i < n; i++)
        sound[i] = 0.02F;
}

static void speak(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        sound[i] = 0.9F;
}

static size_t windows_of(const float *p, size_t n, struct kn_window *out)
{
    struct kn_window w;
    size_t count = 0;

    for (size_t at = 0; kn_windows_next(p + at, n - at, true, &w) == KN_WINDOWS_FOUND;
         at += w.end) {
        assert_in_range(count, 0, WINDOWS - 1);
        out[count++] = (struct kn_window){at + w.start, at + w.end, w.speech};
    }
    return count;
}

/* What every list of windows must hold, whatever the sound. */
static void check(size_t n, const struct kn_window *w, size_t count)
{
    size_t end = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(w[i].start >= end);
        assert_true(w[i].end > w[i].start);
        assert_true(w[i].end <= n);
        assert_in_range(w[i].end - w[i].start, 1, KN_WINDOW_FRAMES);
        assert_in_range(w[i].speech, 1, w[i].end - w[i].start);
        end = w[i].end;
    }
}

/* Pauses and utterances of all lengths; every tenth time a long one. */
static void chatter(unsigned seed)
{
    silence(FRAMES);
    srand(seed);
    for (size_t at = 0; at < FRAMES;) {
        size_t pause = 1 + (size_t)rand() % (rand() % 10 ? 40 : 400);
        size_t words = 1 + (size_t)rand() % (rand() % 10 ? 150 : 2500);
        size_t end = at + pause + words < FRAMES ? at + pause + words : FRAMES;

        for (at += pause; at < end; at++)
            sound[at] = 0.4F + 0.6F * (float)rand() / (float)RAND_MAX;
    }
}

static void silence_gives_no_window(void **state)
{
    struct kn_window w;

    (void)state;
    silence(FRAMES);
    speak(500, 505); /* a click */
    speak(FRAMES - 4, FRAMES);
    assert_int_equal(kn_windows_next(sound, FRAMES, true, &w), KN_WINDOWS_END);
    assert_int_equal(w.start, FRAMES);
    assert_int_equal(kn_windows_next(sound, 0, true, &w), KN_WINDOWS_END);
    assert_int_equal(kn_windows_next(sound, 0, false, &w), KN_WINDOWS_MORE);
}

static void a_window_reaches_a_little_past_its_first_and_last_word(void **state)
{
    struct kn_window w[WINDOWS];

    (void)state;
    silence(FRAMES);
    speak(300, 350);
    speak(380, 420);
    assert_int_equal(windows_of(sound, 2000, w), 1);
    assert_in_range(300 - w[0].start, 10, SECOND - 1);
    assert_in_range(w[0].end - 420, 10, SECOND - 1);
    assert_int_equal(w[0].speech, 90);
    speak(0, 40); /* and not past the ends of the sound */
    assert_int_equal(windows_of(sound, 45, w), 1);
    assert_int_equal(w[0].start, 0);
    assert_int_equal(w[0].end, 45);
}

static void a_pause_of_more_than_four_seconds_parts(void **state)
{
    struct kn_window w[WINDOWS];

    (void)state;
    silence(FRAMES);
    speak(100, 200);
    speak(200 + 3 * SECOND, 400);
    speak(400 + 5 * SECOND, 700);
    assert_int_equal(windows_of(sound, 2000, w), 2);
    assert_true(w[0].end < 400 + SECOND);
    assert_true(w[1].start > 400 + 4 * SECOND);
}

static void a_long_stretch_is_cut_at_its_longest_pause(void **state)
{
    struct kn_window w[WINDOWS];

    (void)state;
    silence(FRAMES);
    for (size_t at = 100; at < 1800; at += 100) /* pauses of 10, and one of 20 that fits */
        speak(at, at + 90);
    for (size_t i = 880; i < 900; i++)
        sound[i] = 0.02F;
    assert_int_equal(windows_of(sound, 4000, w), 2);
    assert_in_range(w[0].end, 881, 899);
    assert_int_equal(w[1].start, w[0].end);
}

static void without_a_pause_the_least_speech_is_cut_at(void **state)
{
    struct kn_window w[WINDOWS];

    (void)state;
    silence(FRAMES);
    speak(100, 1500);
    sound[910] = sound[911] = 0.55F;
    assert_int_equal(windows_of(sound, 4000, w), 2);
    assert_in_range(w[0].end, 909, 912);
    assert_true(w[1].start - w[0].end <= 1);
}

static void no_scrap_is_left_over(void **state)
{
    struct kn_window w[WINDOWS];

    (void)state;
    for (size_t words = 940; words < 2500; words += 7) {
        size_t n;

        silence(FRAMES);
        speak(50, 50 + words);
        for (size_t i = 100; i < 50 + words; i += 60) /* takes a breath every 2 s */
            memset(sound + i, 0, 5 * sizeof *sound);
        n = windows_of(sound, 4000, w);
        check(4000, w, n);
        assert_in_range(n, 2, 4);
        assert_true(w[n - 1].end - w[n - 1].start >= 7 * SECOND);
    }
}

static void all_speech_is_in_some_window(void **state)
{
    static struct kn_window w[WINDOWS];

    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        size_t n, at = 0;

        chatter(seed);
        n = windows_of(sound, FRAMES, w);
        check(FRAMES, w, n);
        for (size_t i = 0; i < n; at = w[i++].end)
            assert_false(kn_windows_speech_in(sound, at + (at > 0), w[i].start));
        assert_false(kn_windows_speech_in(sound, at + (at > 0), FRAMES));
    }
}

/* The reader pulls chunks and drops what is told not to be needed: the windows must be those of the
 * whole, and what it holds must not grow. */
static void the_windows_do_not_depend_on_the_chunks(void **state)
{
    static struct kn_window whole[WINDOWS], parts[WINDOWS];

    (void)state;
    for (unsigned seed = 0; seed < 60; seed++) {
        size_t chunk = 1 + (seed * 97) % 1000, count = 0, at = 0, seen = 0, n;
        struct kn_window w;
        enum kn_windows next;

        chatter(seed);
        n = windows_of(sound, FRAMES, whole);
        do {
            next = kn_windows_next(sound + at, seen - at, seen == FRAMES, &w);
            if (next == KN_WINDOWS_FOUND)
                parts[count++] = (struct kn_window){at + w.start, at + w.end, w.speech};
            at += next == KN_WINDOWS_FOUND ? w.end : w.start;
            if (next == KN_WINDOWS_MORE) {
                assert_true(seen - at <= KN_WINDOW_SIGHT);
                seen = seen + chunk < FRAMES ? seen + chunk : FRAMES;
            }
        } while (next != KN_WINDOWS_END);
        assert_int_equal(count, n);
        assert_memory_equal(parts, whole, n * sizeof *whole);
    }
}

static void the_spread_takes_the_fullest_of_each_part(void **state)
{
    struct kn_window w[9] = {0};
    size_t pick[4];

    (void)state;
    for (size_t i = 0; i < 9; i++)
        w[i].speech = 10 + i % 2;
    assert_int_equal(kn_windows_spread(w, 9, 4, pick), 4);
    assert_int_equal(pick[0], 1); /* of 0, 1 */
    assert_int_equal(pick[1], 3); /* of 2, 3 */
    assert_int_equal(pick[2], 5); /* of 4, 5 */
    assert_int_equal(pick[3], 7); /* of 6, 7, 8 */
    assert_int_equal(kn_windows_spread(w, 2, 4, pick), 2);
    assert_int_equal(pick[1], 1);
    assert_int_equal(kn_windows_spread(w, 0, 4, pick), 0);
}

static void the_densest_slice_holds_the_most_speech(void **state)
{
    const struct kn_window w = {100, 900, 1};

    (void)state;
    silence(FRAMES);
    speak(120, 160);
    speak(500, 600);
    assert_in_range(kn_windows_densest(sound, &w, 160), 440, 500);
    assert_int_equal(kn_windows_densest(sound, &w, 2000), 100); /* longer than the window */
    silence(FRAMES);
    assert_in_range(kn_windows_densest(sound, &w, 160), 100, 900 - 160);
}

static void lines_go_to_where_the_voice_is(void **state)
{
    struct kn_line lines[] = {{"the first sentence", 0, 95},
                              {"the second", 95, 170},
                              {"sentence", 170, 175},
                              {"and the last one", 190, 400}};

    (void)state;
    silence(FRAMES);
    speak(19, 80);   /* the first begins late in the window */
    speak(110, 205); /* the second runs on into the third without a pause */
    speak(220, 300);
    kn_windows_fit(sound, 400, lines, 4);
    assert_int_equal(lines[0].start, 19);
    assert_int_equal(lines[0].end, 80);
    assert_int_equal(lines[1].start, 110);
    assert_int_equal(lines[1].end, 170); /* no pause: as it was */
    assert_int_equal(lines[2].start, 170);
    assert_int_equal(lines[2].end, 205);
    assert_int_equal(lines[3].start, 220);
    assert_int_equal(lines[3].end, 300);
}

static void a_last_line_without_time_is_what_comes_next(void **state)
{
    struct kn_line lines[] = {{"a line that is said", 10, 100}, {"The Lantern Fleet", 100, 100}};

    (void)state;
    silence(FRAMES);
    speak(10, 60);
    speak(102, 140);
    kn_windows_fit(sound, 160, lines, 2);
    assert_int_equal(lines[0].end, 60);
    assert_int_equal(lines[1].start, 102);
    assert_int_equal(lines[1].end, 140);
}

static void a_border_far_from_any_pause_stays(void **state)
{
    struct kn_line lines[] = {{"one", 10, 100}, {"two", 100, 200}};

    (void)state;
    silence(FRAMES);
    speak(10, 150);
    speak(170, 200);
    kn_windows_fit(sound, 220, lines, 2);
    assert_int_equal(lines[0].end, 100);
    assert_int_equal(lines[1].start, 100);
}

static void fitted_lines_stay_in_order_whatever_they_were(void **state)
{
    static const char *const texts[] = {"", "a", "a few words",
                                        "a line of quite some words, and more"};
    struct kn_line lines[12], none;

    (void)state;
    srand(1);
    for (unsigned round = 0; round < 500; round++) {
        size_t n = 1 + (size_t)rand() % 12, at = 0;

        chatter(round);
        for (size_t i = 0; i < n; i++) {
            lines[i].text = texts[rand() % 4];
            lines[i].start = at;
            lines[i].end = at += (size_t)rand() % 150;
        }
        kn_windows_fit(sound, 937, lines, n);
        for (size_t i = 1; i < n; i++)
            assert_true(lines[i].start >= lines[i - 1].start);
    }
    silence(FRAMES);
    lines[0] = none = (struct kn_line){"nobody", 3, 9};
    kn_windows_fit(sound, 937, lines, 1);
    assert_memory_equal(&lines[0], &none, sizeof none);
    kn_windows_fit(sound, 937, lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_gives_no_window),
        cmocka_unit_test(a_window_reaches_a_little_past_its_first_and_last_word),
        cmocka_unit_test(a_pause_of_more_than_four_seconds_parts),
        cmocka_unit_test(a_long_stretch_is_cut_at_its_longest_pause),
        cmocka_unit_test(without_a_pause_the_least_speech_is_cut_at),
        cmocka_unit_test(no_scrap_is_left_over),
        cmocka_unit_test(all_speech_is_in_some_window),
        cmocka_unit_test(the_windows_do_not_depend_on_the_chunks),
        cmocka_unit_test(the_spread_takes_the_fullest_of_each_part),
        cmocka_unit_test(the_densest_slice_holds_the_most_speech),
        cmocka_unit_test(lines_go_to_where_the_voice_is),
        cmocka_unit_test(a_last_line_without_time_is_what_comes_next),
        cmocka_unit_test(a_border_far_from_any_pause_stays),
        cmocka_unit_test(fitted_lines_stay_in_order_whatever_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
