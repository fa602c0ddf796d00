/* One test a promise of recommend.h. */
#include "base/err.h"
#include "recommend/recommend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct kn_rank_options usual = {.w_similarity = 0.7, .w_opinion = 0.3};

static struct kn_hit hit(unsigned char id, double similarity, double opinion, const char *language)
{
    struct kn_hit h = {.id = {{id}}, .similarity = similarity, .opinion = opinion};

    strcpy(h.language, language);
    return h;
}

static void mood_prefers_the_like_tone_and_uplift_the_positive(void **state)
{
    const struct kn_hit c[] = {hit(1, 0.5, -0.8, "en"), hit(2, 0.5, 0.9, "en"),
                               hit(3, 0.5, 0.1, "en")};
    struct kn_rank_options o = usual;
    struct kn_ranked r[3];

    (void)state;
    assert_int_equal(kn_rank(-0.7, c, 3, false, &o, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 1);
    assert_int_equal(r[2].hit->id.b[0], 2);
    o.rank = KN_RANK_UPLIFT;
    assert_int_equal(kn_rank(-0.7, c, 3, false, &o, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 2);
    assert_int_equal(r[2].hit->id.b[0], 1);
}

static void the_term_with_the_wider_spread_does_not_rank_alone(void **state)
{
    /* Similarities within 0.02, opinions over the whole range: unstandardised, 0.3 of the opinion
     * would outweigh all of the similarity. */
    const struct kn_hit c[] = {hit(1, 0.90, -0.1, ""), hit(2, 0.88, 0.3, ""),
                               hit(3, 0.88, -0.5, ""), hit(4, 0.88, 0.35, "")};
    struct kn_ranked r[4];

    (void)state;
    assert_int_equal(kn_rank(0.35, c, 4, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 1);
}

static void a_term_without_spread_and_unknown_opinions_do_not_rank(void **state)
{
    const struct kn_hit c[] = {hit(1, 0.1, (double)NAN, ""), hit(2, 0.3, (double)NAN, ""),
                               hit(3, 0.2, (double)NAN, "")};
    struct kn_ranked r[3];

    (void)state;
    assert_int_equal(kn_rank(0.5, c, 3, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 2);
    assert_int_equal(r[1].hit->id.b[0], 3);
    for (int i = 0; i < 3; i++)
        assert_true(isfinite(r[i].score));
}

static void ties_go_to_the_higher_similarity_then_the_lower_id(void **state)
{
    const struct kn_hit c[] = {hit(9, 0.5, 0.1, ""), hit(3, 0.5, 0.1, ""), hit(5, 0.5, 0.1, "")};
    struct kn_ranked r[3];

    (void)state;
    assert_int_equal(kn_rank(0.1, c, 3, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 3);
    assert_int_equal(r[1].hit->id.b[0], 5);
    assert_int_equal(r[2].hit->id.b[0], 9);
}

static void unknown_languages_come_last_and_are_marked_when_asked(void **state)
{
    const struct kn_hit c[] = {hit(1, 0.9, 0.1, ""), hit(2, 0.2, 0.1, "en")};
    struct kn_ranked r[2];

    (void)state;
    assert_int_equal(kn_rank(0.1, c, 2, true, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 2);
    assert_true(r[1].unknown_language);
    assert_int_equal(kn_rank(0.1, c, 2, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].hit->id.b[0], 1);
    assert_false(r[0].unknown_language);
}

static void what_is_below_the_floor_is_weak(void **state)
{
    const struct kn_hit c[] = {hit(1, 0.3, 0, ""), hit(2, 0.1, 0, "")};
    struct kn_rank_options o = usual;
    struct kn_ranked r[2];

    (void)state;
    o.weak_below = 0.2;
    assert_int_equal(kn_rank(0, c, 2, false, &o, r, NULL), KN_OK);
    assert_false(r[0].weak);
    assert_true(r[1].weak);
}

static void the_score_is_the_weighted_sum_of_the_standardised_terms(void **state)
{
    const struct kn_hit c[] = {hit(1, 0.4, 0.5, ""), hit(2, 0.2, -0.5, "")};
    const struct kn_rank_options o = {.w_similarity = 0.7, .w_opinion = 0.3};
    struct kn_ranked r[2];

    (void)state;
    assert_int_equal(kn_rank(0.5, c, 2, false, &o, r, NULL), KN_OK);
    assert_true(fabs(r[0].score - 1) < 1e-9); /* one deviation above the mean in both */
    assert_true(fabs(r[1].score + 1) < 1e-9);
    assert_true(fabs(r[1].opinion_term - 0.5) < 1e-9);
}

static void useless_weights_are_refused(void **state)
{
    const struct kn_hit c[] = {hit(1, 0.4, 0.5, "")};
    const double bad[][2] = {{0, 0}, {-1, 2}, {1, (double)NAN}, {(double)INFINITY, 1}};
    struct kn_ranked r[1];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct kn_rank_options o = {.w_similarity = bad[i][0], .w_opinion = bad[i][1]};

        assert_int_equal(kn_rank(0, c, 1, false, &o, r, NULL), KN_EARG);
    }
}

static void evidence_is_the_most_alike_pair_with_the_lower_numbers_on_a_tie(void **state)
{
    const float x[2] = {1, 0}, y[2] = {0, 1}, z[2] = {0.6f, 0.8f};
    const struct kn_moment a[] = {{.vector = z}, {.vector = x}, {.vector = x}};
    const struct kn_moment b[] = {{.vector = y}, {.vector = x}};
    size_t i = 9, j = 9;

    (void)state;
    assert_true(kn_evidence(a, 3, b, 2, 2, &i, &j));
    assert_int_equal(i, 1);
    assert_int_equal(j, 1);
    assert_false(kn_evidence(a, 0, b, 2, 2, &i, &j));
}

static void the_line_that_says_it_is_the_one_with_most_of_the_words(void **state)
{
    const struct kn_segment s[] = {{.text = "We can turn back now."},
                                   {.text = "A little robot will open its metal hand"},
                                   {.text = "and show a feather to the robot."}};

    (void)state;
    assert_int_equal(kn_best_line(s, 3, "the ROBOT's metal hand"), 1);
    assert_int_equal(kn_best_line(s, 3, "Feather!"), 2);
    assert_int_equal(kn_best_line(s, 3, "robot"), 1); /* a tie: the first */
    assert_int_equal(kn_best_line(s, 3, "courage"), 0);
    assert_int_equal(kn_best_line(s, 3, ""), 0);
}

static void a_title_is_the_word_weighted_mean_of_its_moments(void **state)
{
    const float x[2] = {1, 0}, y[2] = {0, 1};
    const struct kn_moment m[] = {{.vector = x, .words = 30}, {.vector = y, .words = 40}};
    float v[2];

    (void)state;
    kn_title_vector(m, 2, 2, v);
    assert_float_equal(v[0], 0.6, 1e-6);
    assert_float_equal(v[1], 0.8, 1e-6);
    kn_title_vector(m, 0, 2, v);
    assert_float_equal(v[0] + v[1], 0, 0);
}

static void candidates_are_ten_for_each_wanted_and_at_least_a_hundred(void **state)
{
    (void)state;
    assert_int_equal(kn_candidates_for(1), 100);
    assert_int_equal(kn_candidates_for(10), 100);
    assert_int_equal(kn_candidates_for(11), 110);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mood_prefers_the_like_tone_and_uplift_the_positive),
        cmocka_unit_test(the_term_with_the_wider_spread_does_not_rank_alone),
        cmocka_unit_test(a_term_without_spread_and_unknown_opinions_do_not_rank),
        cmocka_unit_test(ties_go_to_the_higher_similarity_then_the_lower_id),
        cmocka_unit_test(unknown_languages_come_last_and_are_marked_when_asked),
        cmocka_unit_test(what_is_below_the_floor_is_weak),
        cmocka_unit_test(the_score_is_the_weighted_sum_of_the_standardised_terms),
        cmocka_unit_test(the_line_that_says_it_is_the_one_with_most_of_the_words),
        cmocka_unit_test(useless_weights_are_refused),
        cmocka_unit_test(evidence_is_the_most_alike_pair_with_the_lower_numbers_on_a_tie),
        cmocka_unit_test(a_title_is_the_word_weighted_mean_of_its_moments),
        cmocka_unit_test(candidates_are_ten_for_each_wanted_and_at_least_a_hundred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
