/* One test a promise of layout.h. */
#include "base/arena.h"
#include "base/err.h"
#include "recommend/layout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DIM = 32, KINDS = 5, CROWD = 400 };

static double chance(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed / 4294967296.0 - 0.5;
}

/* Five kinds of titles: one of five directions each, and some noise. */
static float *title(struct kn_arena *a, uint32_t number)
{
    float *v = kn_arena_array(a, DIM, sizeof *v);
    uint32_t seed = number * 2654435761u + 1;
    double square = 0;

    for (size_t d = 0; d < DIM; d++) {
        v[d] = (float)((d == number % KINDS ? 1 : 0) + 0.25 * chance(&seed));
        square += (double)v[d] * (double)v[d];
    }
    for (size_t d = 0; d < DIM; d++)
        v[d] = (float)((double)v[d] / sqrt(square));
    return v;
}

struct crowd {
    struct kn_arena *arena;
    const float *vectors[2 * CROWD];
    struct kn_layout layout;
};

static struct crowd crowd_of(size_t n, const struct kn_layout *before)
{
    struct crowd c = {.arena = kn_arena_new(0)};

    for (uint32_t i = 0; i < n; i++)
        c.vectors[i] = title(c.arena, i);
    assert_int_equal(kn_layout_make(c.vectors, n, DIM, before, c.arena, &c.layout, NULL), KN_OK);
    return c;
}

static double between(struct kn_spot a, struct kn_spot b)
{
    return hypot(a.x - b.x, a.y - b.y);
}

static void titles_of_a_kind_lie_together(void **state)
{
    struct crowd c = crowd_of(CROWD, NULL);
    double same = 0, other = 0;
    size_t n_same = 0, n_other = 0;

    (void)state;
    for (size_t i = 0; i < CROWD; i++) {
        struct kn_spot a = kn_layout_place(&c.layout, c.vectors[i]);

        assert_true(fabs(a.x) <= 1 && fabs(a.y) <= 1 && a.group < c.layout.groups);
        for (size_t j = 0; j < i; j++) {
            double d = between(a, kn_layout_place(&c.layout, c.vectors[j]));

            if (i % KINDS == j % KINDS) {
                same += d;
                n_same++;
            } else {
                other += d;
                n_other++;
            }
        }
    }
    assert_true(other / (double)n_other > 2 * same / (double)n_same);
    kn_arena_free(c.arena);
}

static void same_vectors_same_layout(void **state)
{
    struct crowd a = crowd_of(CROWD, NULL), b = crowd_of(CROWD, NULL);

    (void)state;
    assert_int_equal(a.layout.groups, b.layout.groups);
    assert_memory_equal(a.layout.places, b.layout.places, 2 * a.layout.groups * sizeof(double));
    assert_memory_equal(a.layout.turn, b.layout.turn, sizeof a.layout.turn);
    kn_arena_free(a.arena);
    kn_arena_free(b.arena);
}

/* What is new is placed by the same function, so nothing moves; when a layout is made anew, it is turned to the one before. */
static void a_new_layout_lies_as_the_old_one_did(void **state)
{
    struct crowd old = crowd_of(CROWD, NULL), new = crowd_of(2 * CROWD, &old.layout),
                 free_one = crowd_of(2 * CROWD, NULL);
    double moved = 0, would_have = 0;

    (void)state;
    for (size_t i = 0; i < CROWD; i++) {
        struct kn_spot was = kn_layout_place(&old.layout, old.vectors[i]);

        moved += between(was, kn_layout_place(&new.layout, old.vectors[i])) / CROWD;
        would_have += between(was, kn_layout_place(&free_one.layout, old.vectors[i])) / CROWD;
    }
    assert_true(moved <= would_have + 1e-9);
    kn_arena_free(old.arena);
    kn_arena_free(new.arena);
    kn_arena_free(free_one.arena);
}

static void few_titles_and_copies_have_a_place_too(void **state)
{
    struct kn_arena *arena = kn_arena_new(0);
    const float *v[3] = {title(arena, 1), title(arena, 1), title(arena, 2)};
    struct kn_layout l;

    (void)state;
    for (size_t n = 0; n <= 3; n++) {
        struct kn_spot spot;

        assert_int_equal(kn_layout_make(v, n, DIM, NULL, arena, &l, NULL), KN_OK);
        spot = kn_layout_place(&l, v[0]);
        assert_true(isfinite(spot.x) && isfinite(spot.y) && fabs(spot.x) <= 1);
    }
    kn_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(titles_of_a_kind_lie_together),
        cmocka_unit_test(same_vectors_same_layout),
        cmocka_unit_test(a_new_layout_lies_as_the_old_one_did),
        cmocka_unit_test(few_titles_and_copies_have_a_place_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
