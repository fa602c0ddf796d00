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

static struct kn_candidate hit(unsigned char id, double similarity, double opinion,
                               const char *language)
{
    struct kn_candidate c = {.hit = {.id = {{id}}, .similarity = similarity, .opinion = opinion},
                             .likeness = similarity};

    strcpy(c.hit.language, language);
    return c;
}

static void mood_prefers_the_like_tone_and_uplift_the_positive(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.5, -0.8, "en"), hit(2, 0.5, 0.9, "en"),
                                     hit(3, 0.5, 0.1, "en")};
    struct kn_rank_options o = usual;
    struct kn_ranked r[3];

    (void)state;
    assert_int_equal(kn_rank(-0.7, c, 3, false, &o, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 1);
    assert_int_equal(r[2].candidate->hit.id.b[0], 2);
    o.rank = KN_RANK_UPLIFT;
    assert_int_equal(kn_rank(-0.7, c, 3, false, &o, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 2);
    assert_int_equal(r[2].candidate->hit.id.b[0], 1);
}

static void the_term_with_the_wider_spread_does_not_rank_alone(void **state)
{
    /* Similarities within 0.02, opinions over the whole range: unstandardised, 0.3 of the opinion
     * would outweigh all of the similarity. */
    const struct kn_candidate c[] = {hit(1, 0.90, -0.1, ""), hit(2, 0.88, 0.3, ""),
                                     hit(3, 0.88, -0.5, ""), hit(4, 0.88, 0.35, "")};
    struct kn_ranked r[4];

    (void)state;
    assert_int_equal(kn_rank(0.35, c, 4, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 1);
}

static void a_term_without_spread_and_unknown_opinions_do_not_rank(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.1, (double)NAN, ""), hit(2, 0.3, (double)NAN, ""),
                                     hit(3, 0.2, (double)NAN, "")};
    struct kn_ranked r[3];

    (void)state;
    assert_int_equal(kn_rank(0.5, c, 3, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 2);
    assert_int_equal(r[1].candidate->hit.id.b[0], 3);
    for (int i = 0; i < 3; i++)
        assert_true(isfinite(r[i].score));
}

static void ties_go_to_the_higher_similarity_then_the_lower_id(void **state)
{
    const struct kn_candidate c[] = {hit(9, 0.5, 0.1, ""), hit(3, 0.5, 0.1, ""),
                                     hit(5, 0.5, 0.1, "")};
    struct kn_ranked r[3];

    (void)state;
    assert_int_equal(kn_rank(0.1, c, 3, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 3);
    assert_int_equal(r[1].candidate->hit.id.b[0], 5);
    assert_int_equal(r[2].candidate->hit.id.b[0], 9);
}

static void unknown_languages_come_last_and_are_marked_when_asked(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.9, 0.1, ""), hit(2, 0.2, 0.1, "en")};
    struct kn_ranked r[2];

    (void)state;
    assert_int_equal(kn_rank(0.1, c, 2, true, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 2);
    assert_true(r[1].unknown_language);
    assert_int_equal(kn_rank(0.1, c, 2, false, &usual, r, NULL), KN_OK);
    assert_int_equal(r[0].candidate->hit.id.b[0], 1);
    assert_false(r[0].unknown_language);
}

static void what_is_below_the_floor_is_weak(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.3, 0, ""), hit(2, 0.1, 0, "")};
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
    const struct kn_candidate c[] = {hit(1, 0.4, 0.5, ""), hit(2, 0.2, -0.5, "")};
    const struct kn_rank_options o = {.w_similarity = 0.7, .w_opinion = 0.3};
    struct kn_ranked r[2];

    (void)state;
    assert_int_equal(kn_rank(0.5, c, 2, false, &o, r, NULL), KN_OK);
    assert_true(fabs(r[0].score - 1) < 1e-9); /* one deviation above the mean in both */
    assert_true(fabs(r[1].score + 1) < 1e-9);
    assert_true(fabs(r[0].of_likeness - 0.7) < 1e-9);
    assert_true(fabs(r[0].of_opinion - 0.3) < 1e-9);
    assert_true(fabs(r[1].opinion_term - 0.5) < 1e-9);
}

static void useless_weights_are_refused(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.4, 0.5, "")};
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
    double s = 9;

    (void)state;
    assert_true(kn_evidence(a, 3, b, 2, 2, &i, &j, &s));
    assert_int_equal(i, 1);
    assert_int_equal(j, 1);
    assert_float_equal(s, 1, 1e-6);
    assert_false(kn_evidence(a, 0, b, 2, 2, &i, &j, NULL));
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

static void many_dimensions_are_all_counted(void **state)
{
    float v[19], w[19]; /* two rounds of eight, and three behind them */
    const struct kn_moment a = {.vector = v}, b = {.vector = w};
    size_t i, j;
    double s, sum = 0;

    (void)state;
    for (int d = 0; d < 19; d++) {
        v[d] = (float)d;
        w[d] = (float)(2 * d + 1);
        sum += d * (2 * d + 1);
    }
    assert_true(kn_evidence(&a, 1, &b, 1, 19, &i, &j, &s));
    assert_float_equal(s, sum, 1e-3);
}

/* ---- several examples ---- */

static void the_mean_of_examples_goes_away_from_the_others(void **state)
{
    const float x[2] = {1, 0}, y[2] = {0, 1};
    const float *liked[] = {x, y}, *others[] = {y};
    float v[2];

    (void)state;
    kn_average_vector(liked, 2, NULL, 0, 2, v);
    assert_float_equal(v[0], sqrt(0.5), 1e-6);
    assert_float_equal(v[1], sqrt(0.5), 1e-6);
    kn_average_vector(liked, 2, others, 1, 2, v); /* 2 (.5, .5) - (0, 1) */
    assert_float_equal(v[0], 1, 1e-6);
    assert_float_equal(v[1], 0, 1e-6);
    kn_average_vector(liked, 1, liked, 1, 2, v);
    assert_float_equal(v[0], 1, 1e-6); /* 2 x - x */
}

static void best_score_is_the_best_liked_or_minus_the_square_of_the_best_other(void **state)
{
    const double liked[] = {0.2, 0.6}, near[] = {0.5}, nearer[] = {0.1, 0.7};

    (void)state;
    assert_float_equal(kn_best_score(liked, 2, NULL, 0), 0.6, 1e-9);
    assert_float_equal(kn_best_score(liked, 2, near, 1), 0.6, 1e-9);
    assert_float_equal(kn_best_score(liked, 2, nearer, 2), -0.49, 1e-9);
}

/* ---- fusion ---- */

static struct kn_candidate shared(unsigned char id, double likeness, double words)
{
    struct kn_candidate c = hit(id, likeness, 0, "");

    c.hit.words = words;
    return c;
}

static void fusion_adds_the_words_to_the_likeness(void **state)
{
    const struct kn_candidate meaning[] = {hit(1, 0.6, 0, ""), hit(2, 0.5, 0, "")};
    const struct kn_candidate words[] = {shared(2, 0.5, 0.2), shared(3, 0.1, 0.05)};
    struct kn_candidate out[4];

    (void)state;
    assert_int_equal(kn_fuse(meaning, 2, words, 2, out), 3);
    for (unsigned char i = 0; i < 3; i++)
        assert_int_equal(out[i].hit.id.b[0], i + 1);
    assert_float_equal(out[0].likeness, 0.6, 1e-9);
    assert_float_equal(out[1].likeness, 0.7, 1e-9);
    assert_float_equal(out[2].likeness, 0.15, 1e-9);
    assert_int_equal(out[0].by_meaning, 1);
    assert_int_equal(out[0].by_words, 0);
    assert_int_equal(out[1].by_meaning, 2);
    assert_int_equal(out[1].by_words, 1);
    assert_int_equal(out[2].by_meaning, 0);
    assert_int_equal(out[2].by_words, 2);
}

static void fusion_of_one_list_or_none_keeps_it(void **state)
{
    const struct kn_candidate meaning[] = {hit(1, 0.6, 0, ""), hit(2, 0.5, 0, "")};
    struct kn_candidate out[2];

    (void)state;
    assert_int_equal(kn_fuse(meaning, 2, NULL, 0, out), 2);
    assert_float_equal(out[1].likeness, 0.5, 1e-9);
    assert_int_equal(kn_fuse(NULL, 0, NULL, 0, out), 0);
}

/* ---- rank correlation ---- */

static void correlations_tell_which_term_made_the_order(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.9, -0.9, ""), hit(2, 0.8, -0.5, ""),
                                     hit(3, 0.7, 0.2, ""), hit(4, 0.6, 0.8, "")};
    struct kn_rank_options o = {.w_similarity = 1, .rank = KN_RANK_UPLIFT};
    struct kn_ranked r[4];
    double likeness, opinion;

    (void)state;
    assert_int_equal(kn_rank(0, c, 4, false, &o, r, NULL), KN_OK);
    assert_int_equal(kn_rank_correlations(r, 4, &likeness, &opinion, NULL), KN_OK);
    assert_float_equal(likeness, 1, 1e-9);
    assert_float_equal(opinion, -1, 1e-9);
    o = (struct kn_rank_options){.w_opinion = 1, .rank = KN_RANK_UPLIFT};
    assert_int_equal(kn_rank(0, c, 4, false, &o, r, NULL), KN_OK);
    assert_int_equal(kn_rank_correlations(r, 4, &likeness, &opinion, NULL), KN_OK);
    assert_float_equal(opinion, 1, 1e-9);
}

static void equal_values_share_a_place_and_no_spread_correlates_with_nothing(void **state)
{
    const struct kn_candidate c[] = {hit(1, 0.9, 0, ""), hit(2, 0.9, 0, ""), hit(3, 0.1, 0, "")};
    struct kn_ranked r[3];
    double likeness, opinion;

    (void)state;
    assert_int_equal(kn_rank(0, c, 3, false, &usual, r, NULL), KN_OK);
    assert_int_equal(kn_rank_correlations(r, 3, &likeness, &opinion, NULL), KN_OK);
    assert_float_equal(likeness, sqrt(3) / 2, 1e-9); /* places 0, 1, 2 with .5, .5, 2 */
    assert_true(isnan(opinion));
    assert_int_equal(kn_rank_correlations(r, 1, &likeness, &opinion, NULL), KN_OK);
    assert_true(isnan(likeness));
}

/* ---- near-duplicates, diversity ---- */

static struct kn_wording wording(const char *text)
{
    const struct kn_segment s = {.text = text};
    struct kn_wording w;

    assert_int_equal(kn_wording_of(&s, 1, &w, NULL), KN_OK);
    return w;
}

static const char storm[] = "The storm took the lighthouse in the night and nobody in the village "
                            "of Skerry would say who had lit the lamp before the ship came in";
static const char longer[] = "The storm took the lighthouse in the night and nobody in the village "
                             "of Skerry would say who had lit the lamp before the ship came in. "
                             "This autumn, one woman will ask them all again, house by house";
static const char heist[] = "Five thieves, four keys, three locks and two hours are all that stand "
                            "between the vault and a very honest man with nothing left to lose";

static void near_duplicates_are_told_by_what_is_said(void **state)
{
    const struct kn_wording w[] = {wording(heist), wording(longer), wording(storm), wording(heist)};
    const struct kn_wording asked = wording(storm);
    long same_as[4];

    (void)state;
    assert_int_equal(kn_distinct(NULL, 0, w, 4, same_as, NULL), KN_OK);
    assert_int_equal(same_as[0], KN_STANDS);
    assert_int_equal(same_as[1], KN_STANDS);
    assert_int_equal(same_as[2], 1); /* a longer cut */
    assert_int_equal(same_as[3], 0);
    assert_int_equal(kn_distinct(&asked, 1, w, 4, same_as, NULL), KN_OK);
    assert_int_equal(same_as[0], KN_STANDS);
    assert_int_equal(same_as[1], KN_IS_NAMED);
    assert_int_equal(same_as[2], KN_IS_NAMED);
    assert_int_equal(same_as[3], 0);
}

/* Short texts of one kind share set phrases without being one film. */
static void set_phrases_do_not_make_a_short_text_a_copy(void **state)
{
    const struct kn_wording w[] = {
        wording("In 1996 it was selected for preservation in the National Film Registry by the "
                "Library of Congress as culturally, historically or aesthetically significant"),
        wording("In 2013 it was selected for preservation in the National Film Registry by the "
                "Library of Congress as culturally, historically or aesthetically significant")};
    long same_as[2];

    (void)state;
    assert_true(kn_wording_overlap(&w[0], &w[1]) > 0.8);
    assert_int_equal(kn_distinct(NULL, 0, w, 2, same_as, NULL), KN_OK);
    assert_int_equal(same_as[1], KN_STANDS);
}

static void diversity_picks_what_is_unlike_the_picked(void **state)
{
    const float x[2] = {1, 0}, near[2] = {0.96f, 0.28f}, y[2] = {0, 1};
    const float *vectors[] = {x, near, y};
    const struct kn_candidate c[] = {hit(1, 0.9, 0, ""), hit(2, 0.8, 0, ""), hit(3, 0.5, 0, "")};
    struct kn_ranked r[3];
    size_t picked[3];

    (void)state;
    assert_int_equal(kn_rank(0, c, 3, false, &usual, r, NULL), KN_OK);
    assert_int_equal(kn_diversify(r, vectors, 3, 2, 0, 3, picked, NULL), KN_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(picked[i], i);
    assert_int_equal(kn_diversify(r, vectors, 3, 2, 0.7, 2, picked, NULL), KN_OK);
    assert_int_equal(picked[0], 0);
    assert_int_equal(picked[1], 2);
    assert_int_equal(kn_diversify(r, vectors, 3, 2, 1, 9, picked, NULL), KN_OK);
    assert_int_equal(picked[0], 0); /* the best is always first */
    assert_int_equal(picked[2], 1);
}

static void diversity_keeps_unknown_languages_last(void **state)
{
    const float x[2] = {1, 0}, y[2] = {0, 1};
    const float *vectors[] = {x, x, y};
    const struct kn_candidate c[] = {hit(1, 0.9, 0, "en"), hit(2, 0.8, 0, "en"),
                                     hit(3, 0.95, 0, "")};
    struct kn_ranked r[3];
    size_t picked[3];

    (void)state;
    assert_int_equal(kn_rank(0, c, 3, true, &usual, r, NULL), KN_OK);
    assert_int_equal(kn_diversify(r, vectors, 3, 2, 1, 3, picked, NULL), KN_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(picked[i], i);
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
        cmocka_unit_test(many_dimensions_are_all_counted),
        cmocka_unit_test(the_mean_of_examples_goes_away_from_the_others),
        cmocka_unit_test(best_score_is_the_best_liked_or_minus_the_square_of_the_best_other),
        cmocka_unit_test(fusion_adds_the_words_to_the_likeness),
        cmocka_unit_test(fusion_of_one_list_or_none_keeps_it),
        cmocka_unit_test(correlations_tell_which_term_made_the_order),
        cmocka_unit_test(equal_values_share_a_place_and_no_spread_correlates_with_nothing),
        cmocka_unit_test(near_duplicates_are_told_by_what_is_said),
        cmocka_unit_test(set_phrases_do_not_make_a_short_text_a_copy),
        cmocka_unit_test(diversity_picks_what_is_unlike_the_picked),
        cmocka_unit_test(diversity_keeps_unknown_languages_last),
        cmocka_unit_test(candidates_are_ten_for_each_wanted_and_at_least_a_hundred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
