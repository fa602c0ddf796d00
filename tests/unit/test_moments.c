/* One test a promise of moments.h, named after it. */
#include "base/arena.h"
#include "base/err.h"
#include "text/moments.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 400 };

struct script {
    struct kn_segment segments[MOST];
    size_t n;
    struct kn_arena *arena;
    struct kn_moment *moments;
    size_t count;
};

static void add(struct script *s, double start, double end, const char *text)
{
    s->segments[s->n++] = (struct kn_segment){start, end, text};
}

static void cut(struct script *s)
{
    s->arena = kn_arena_new(0);
    assert_int_equal(kn_moments_cut(s->segments, s->n, s->arena, &s->moments, &s->count, NULL),
                     KN_OK);
}

/* What holds for every transcript: each segment in one moment, times and words add up. */
static void assert_covers(const struct script *s)
{
    size_t next = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct kn_moment *m = &s->moments[i];
        double start = INFINITY, end = -INFINITY;
        const char *at = m->text;

        assert_int_equal(m->first_segment, next);
        assert_true(m->segments > 0);
        for (size_t j = next; j < next + m->segments; j++) {
            size_t bytes = strlen(s->segments[j].text);

            assert_memory_equal(at, s->segments[j].text, bytes);
            at += bytes;
            assert_int_equal(*at, j + 1 < next + m->segments ? ' ' : '\0');
            at++;
            start = fmin(start, s->segments[j].start);
            end = fmax(end, s->segments[j].end);
        }
        assert_true(m->start == start && m->end == end);
        assert_true(isnan(m->opinion));
        assert_null(m->raw);
        assert_null(m->vector);
        next += m->segments;
    }
    assert_int_equal(next, s->n);
}

static void every_segment_is_in_exactly_one_moment_within_bounds(void **state)
{
    static const char *const texts[] = {"One.", "Two words", "Here are three.",
                                        "And then she said no", "Nothing \"ends.\""};

    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct script s = {0};
        double t = 0;

        srand(seed);
        for (size_t n = 1 + (size_t)rand() % (MOST - 1); s.n < n;) {
            double length = 0.5 + rand() % 70 / 10.0; /* 0.5 to 7.4 s: never too long alone */

            add(&s, t, t + length, texts[(size_t)rand() % 5]);
            t += length + (rand() % 4 ? 0 : rand() % 100 / 10.0);
        }
        cut(&s);
        assert_covers(&s);
        for (size_t i = 0; i < s.count; i++) {
            const struct kn_moment *m = &s.moments[i];
            size_t end = m->first_segment + m->segments;

            /* 30 s, or a scrap of 7.5 s more behind a pause of at most 8 s */
            assert_true(m->end - m->start <= 30 + 8 + 7.5);
            assert_true(m->words <= 80 + 20);
            if (m->end - m->start < 15 && m->words < 40) /* short: only where something parts */
                assert_true(end == s.n || s.segments[end].start - m->end > 8 ||
                            s.segments[end].end - m->start > 30);
        }
        kn_arena_free(s.arena);
    }
}

static void a_moment_ends_where_a_sentence_does(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 0, 8, "It began when");
    add(&s, 8, 16, "the lights went");
    add(&s, 19, 22, "out in the harbour."); /* behind the longest pause, but a sentence ends here */
    add(&s, 22, 29, "Nobody knew");
    add(&s, 29, 40, "who had done it.");
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.moments[0].segments, 3);
    kn_arena_free(s.arena);
}

static void a_closing_quote_may_follow_the_stop(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 0, 16, "El juez dijo");
    add(&s, 16, 20, "«no hay pruebas.»");
    add(&s, 20, 24, "y todos");
    add(&s, 24, 40, "callaron");
    cut(&s);
    assert_int_equal(s.moments[0].segments, 2);
    kn_arena_free(s.arena);
}

static void without_a_sentence_end_the_longest_pause_parts(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 0, 15, "and then");
    add(&s, 15, 18, "and then");
    add(&s, 20, 23, "and then");
    add(&s, 23, 26, "and then");
    add(&s, 26, 40, "and then");
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.moments[0].segments, 2);
    kn_arena_free(s.arena);
}

static void a_long_pause_always_parts(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 0, 2, "Coming soon.");
    add(&s, 10.5, 12, "This winter.");
    add(&s, 20, 21, "Stay."); /* 8 s exactly: does not part */
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.moments[0].segments, 1);
    kn_arena_free(s.arena);
}

static void a_last_piece_too_short_joins_the_one_before(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 0, 14, "The house remembers.");
    add(&s, 14, 28, "The house never forgave them.");
    add(&s, 30, 33, "Run.");
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 1);
    assert_true(s.moments[0].end == 33);
    kn_arena_free(s.arena);
}

static void one_segment_beyond_the_maximum_is_a_moment_of_its_own(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 0, 10, "First there was the sea.");
    add(&s, 10, 55, "A very long take.");
    add(&s, 55, 65, "Then the storm.");
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.moments[1].first_segment, 1);
    kn_arena_free(s.arena);
}

static void many_words_in_little_time_part_too(void **state)
{
    static const char ten[] = "one two three four five six seven eight nine ten.";
    struct script s = {0};

    (void)state;
    for (int i = 0; i < 13; i++)
        add(&s, i * 0.5, i * 0.5 + 0.5, ten);
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.moments[0].words, 40);
    assert_int_equal(s.moments[1].words, 40);
    assert_int_equal(s.moments[2].words, 50);
    kn_arena_free(s.arena);
}

static void overlapping_segments_run_from_the_earliest_start_to_the_latest_end(void **state)
{
    struct script s = {0};

    (void)state;
    add(&s, 5, 9, "Who is there?");
    add(&s, 4, 6, "Hush!");
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 1);
    assert_true(s.moments[0].start == 4 && s.moments[0].end == 9);
    kn_arena_free(s.arena);
}

static void no_segments_give_no_moments_and_one_gives_one(void **state)
{
    struct script s = {0};

    (void)state;
    cut(&s);
    assert_int_equal(s.count, 0);
    kn_arena_free(s.arena);
    add(&s, 1, 2, "Alone.");
    cut(&s);
    assert_covers(&s);
    assert_int_equal(s.count, 1);
    kn_arena_free(s.arena);
}

static void without_memory_nothing_changes(void **state)
{
    struct kn_segment segment = {0, 1, "Some words that need more than the arena holds"};
    struct kn_arena *arena = kn_arena_new(64);
    struct kn_moment *moments = NULL;
    size_t n = 7;

    (void)state;
    assert_int_equal(kn_moments_cut(&segment, 1, arena, &moments, &n, NULL), KN_ELIMIT);
    assert_null(moments);
    assert_int_equal(n, 7);
    kn_arena_free(arena);
}

static void segments_are_joined_by_one_space(void **state)
{
    const struct kn_segment segments[] = {{.text = "One."}, {.text = "Two"}, {.text = "three."}};
    struct kn_arena *arena = kn_arena_new(0), *full = kn_arena_new(8);

    (void)state;
    assert_string_equal(kn_segments_join(segments, 3, arena), "One. Two three.");
    assert_string_equal(kn_segments_join(segments, 1, arena), "One.");
    assert_string_equal(kn_segments_join(segments, 0, arena), "");
    assert_null(kn_segments_join(segments, 3, full));
    kn_arena_free(arena);
    kn_arena_free(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_segment_is_in_exactly_one_moment_within_bounds),
        cmocka_unit_test(segments_are_joined_by_one_space),
        cmocka_unit_test(a_moment_ends_where_a_sentence_does),
        cmocka_unit_test(a_closing_quote_may_follow_the_stop),
        cmocka_unit_test(without_a_sentence_end_the_longest_pause_parts),
        cmocka_unit_test(a_long_pause_always_parts),
        cmocka_unit_test(a_last_piece_too_short_joins_the_one_before),
        cmocka_unit_test(one_segment_beyond_the_maximum_is_a_moment_of_its_own),
        cmocka_unit_test(many_words_in_little_time_part_too),
        cmocka_unit_test(overlapping_segments_run_from_the_earliest_start_to_the_latest_end),
        cmocka_unit_test(no_segments_give_no_moments_and_one_gives_one),
        cmocka_unit_test(without_memory_nothing_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
