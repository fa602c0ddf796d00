/* One test a promise of metrics.h. Figures that are not plain from the arguments were computed with scikit-learn's
 * definitions (ndcg_score, roc_auc_score) by hand, or are counted in the comment beside them. */
#include "base/err.h"
#include "recommend/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CLOSE(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void missing_places_of_a_short_answer_are_wrong(void **state)
{
    const bool marks[] = {true, false, true};

    (void)state;
    CLOSE(kn_precision(marks, 3, 5), 2.0 / 5);
    CLOSE(kn_precision(marks, 3, 2), 1.0 / 2);
    CLOSE(kn_precision(NULL, 0, 5), 0);
}

static void ndcg_is_one_for_the_best_possible_answer_and_falls_with_the_place(void **state)
{
    const bool best[] = {true, true, false}, late[] = {false, true, true},
               one[] = {false, false, true};

    (void)state;
    CLOSE(kn_ndcg(best, 3, 3, 2), 1);
    /* (1/log2(3) + 1/log2(4)) / (1 + 1/log2(3)) */
    CLOSE(kn_ndcg(late, 3, 3, 2), (0.6309297535714575 + 0.5) / (1 + 0.6309297535714575));
    CLOSE(kn_ndcg(one, 3, 3, 1), 0.5);
    /* only one is wanted, so one in the first of three places is all there can be */
    CLOSE(kn_ndcg(best, 1, 3, 1), 1);
}

static void diversity_is_the_mean_distance_of_all_pairs(void **state)
{
    const float x[] = {1, 0}, y[] = {0, 1}, back[] = {-1, 0};
    const float *three[] = {x, y, back}, *copies[] = {x, x};

    (void)state;
    CLOSE(kn_diversity(three, 3, 2), (1.0 + 2 + 1) / 3);
    CLOSE(kn_diversity(copies, 2, 2), 0);
    assert_true(isnan(kn_diversity(three, 1, 2)));
}

static void equal_scores_count_against_the_one_that_is_looked_for(void **state)
{
    const float scores[] = {0.5F, 0.9F, 0.5F, 0.1F}, same[] = {1, 1, 1};

    (void)state;
    assert_int_equal(kn_place(scores, 4, 1), 1);
    assert_int_equal(kn_place(scores, 4, 0), 3);
    assert_int_equal(kn_place(scores, 4, 3), 4);
    assert_int_equal(kn_place(same, 3, 0), 3);
}

static void check_words(const char *reference, const char *heard, size_t errors, size_t words)
{
    size_t e = 99, w = 99;

    assert_int_equal(kn_word_errors(kn_sv_of(reference), kn_sv_of(heard), &e, &w, NULL), KN_OK);
    assert_int_equal(e, errors);
    assert_int_equal(w, words);
}

static void word_errors_are_the_least_changes(void **state)
{
    (void)state;
    check_words("one two three four", "one two three four", 0, 4);
    check_words("one two three four", "one too three", 2, 4); /* another, and one left out */
    check_words("one two", "one and two", 1, 2);
    check_words("one two", "", 2, 2);
    check_words("", "one two", 2, 0);
    check_words("a b c d e f", "b c d e f g", 2, 6); /* moved by one, not all wrong */
}

static void words_are_compared_without_case_accents_and_punctuation(void **state)
{
    (void)state;
    check_words("Don\xE2\x80\x99t stop, the r\xC3\xA9sum\xC3\xA9!", "DON'T STOP the resume", 0, 4);
    check_words("\xC2\xBFQu\xC3\xA9 dices? \xE2\x80\x94 Nada\xE2\x80\xA6", "que dices nada", 0, 3);
    check_words("well-known", "well known", 0, 2);
    check_words("'tis 42%", "tis 42", 0, 2);
}

static void a_text_of_too_many_words_is_refused(void **state)
{
    static char many[2 * (KN_WORDS_COMPARED + 1) + 1];
    size_t e = 7, w = 7;
    struct kn_err err;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof many; i += 2)
        memcpy(many + i, "a ", 2);
    assert_int_equal(kn_word_errors(kn_sv_of("a"), kn_sv_of(many), &e, &w, &err), KN_ELIMIT);
    assert_int_equal(e, 7);
    many[sizeof many - 3] = '\0';
    assert_int_equal(kn_word_errors(kn_sv_of("a"), kn_sv_of(many), &e, &w, &err), KN_OK);
    assert_int_equal(e, KN_WORDS_COMPARED - 1);
}

static double auc(const double *scores, const bool *positive, const uint32_t *times, size_t n)
{
    uint32_t order[16];
    const struct kn_scored s = {scores, positive, order};

    kn_order(scores, n, order);
    return kn_auc_of(&s, times, n);
}

static void auc_counts_pairs_in_the_right_order_and_ties_half(void **state)
{
    const double scores[] = {0.1, 0.4, 0.35, 0.8}, ties[] = {0.5, 0.5, 0.2, 0.9};
    const bool positive[] = {false, false, true, true}, all[] = {true, true, true, true};
    const uint32_t once[] = {1, 1, 1, 1}, twice[] = {2, 1, 0, 3};

    (void)state;
    CLOSE(auc(scores, positive, once, 4), 0.75); /* the example of scikit-learn's manual */
    /* pairs (positive, negative): .2 below both, .9 above both */
    CLOSE(auc(ties, positive, once, 4), 0.5);
    CLOSE(auc((const double[]){0.5, 0.3, 0.5, 0.9}, positive, once, 4), (0.5 + 1 + 1 + 1) / 4);
    /* drawn twice, once, not at all, three times: the last one above all */
    CLOSE(auc(scores, positive, twice, 4), 1);
    assert_true(isnan(auc(scores, all, once, 4)));
}

static void a_ratio_is_of_sums_and_its_mean_of_ones(void **state)
{
    const double top[] = {1, 0, 3}, bottom[] = {2, 4, 4};
    const uint32_t times[] = {1, 2, 0};

    (void)state;
    CLOSE(kn_ratio_of(&(struct kn_ratio){top, bottom}, times, 3), 1.0 / 10);
    CLOSE(kn_ratio_of(&(struct kn_ratio){top, NULL}, times, 3), 1.0 / 3);
    assert_true(isnan(kn_ratio_of(&(struct kn_ratio){top, NULL}, times, 0)));
}

/* Of a mean of n zeros and ones with share p, about 1.96 * sqrt(p (1 - p) / n) to either side. */
static void a_bootstrap_interval_is_as_wide_as_theory_says(void **state)
{
    double values[400];
    const struct kn_ratio mean = {values, NULL};
    struct kn_interval i, again;

    (void)state;
    for (size_t k = 0; k < 400; k++)
        values[k] = k % 4 == 0;
    assert_int_equal(kn_bootstrap(kn_ratio_of, &mean, 400, &i, NULL), KN_OK);
    CLOSE(i.value, 0.25);
    assert_true(fabs(i.low - (0.25 - 0.0424)) < 0.006);
    assert_true(fabs(i.high - (0.25 + 0.0424)) < 0.006);
    assert_int_equal(kn_bootstrap(kn_ratio_of, &mean, 400, &again, NULL), KN_OK);
    assert_memory_equal(&i, &again, sizeof i);
}

/* b is a and a tenth, so that each wavers by .04 and their difference not at all. */
static void a_paired_difference_is_surer_than_either(void **state)
{
    double a[100], b[100];
    const struct kn_ratio of_a = {a, NULL}, of_b = {b, NULL};
    const struct kn_compared both = {kn_ratio_of, &of_b, &of_a};
    struct kn_interval one, difference;

    (void)state;
    for (size_t k = 0; k < 100; k++) {
        a[k] = (double)(k % 10) / 10;
        b[k] = a[k] + 0.1;
    }
    assert_int_equal(kn_bootstrap(kn_ratio_of, &of_a, 100, &one, NULL), KN_OK);
    assert_int_equal(kn_bootstrap(kn_difference_of, &both, 100, &difference, NULL), KN_OK);
    assert_true(one.high - one.low > 0.08);
    CLOSE(difference.value, 0.1);
    CLOSE(difference.low, 0.1);
    CLOSE(difference.high, 0.1);
}

static void nothing_to_measure_is_nan_and_drawings_without_a_class_do_not_count(void **state)
{
    const double scores[] = {1, 2};
    const bool positive[] = {false, true};
    uint32_t order[2];
    const struct kn_scored s = {scores, positive, order};
    struct kn_interval i;

    (void)state;
    assert_int_equal(kn_bootstrap(kn_ratio_of, &(struct kn_ratio){scores, NULL}, 0, &i, NULL),
                     KN_OK);
    assert_true(isnan(i.value) && isnan(i.low) && isnan(i.high));
    kn_order(scores, 2, order);
    assert_int_equal(kn_bootstrap(kn_auc_of, &s, 2, &i, NULL), KN_OK);
    CLOSE(i.value, 1);
    CLOSE(i.low, 1); /* half of all drawings are of one class only */
}

static void the_lot_is_fair_and_the_same_each_time(void **state)
{
    uint64_t a = 5, b = 5;
    size_t drawn[7] = {0};

    (void)state;
    for (int i = 0; i < 70000; i++) {
        size_t one = kn_random_below(&a, 7);

        assert_int_equal(one, kn_random_below(&b, 7));
        assert_true(one < 7);
        drawn[one]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(drawn[i], 9600, 10400); /* 4 standard deviations of 93 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_places_of_a_short_answer_are_wrong),
        cmocka_unit_test(ndcg_is_one_for_the_best_possible_answer_and_falls_with_the_place),
        cmocka_unit_test(diversity_is_the_mean_distance_of_all_pairs),
        cmocka_unit_test(equal_scores_count_against_the_one_that_is_looked_for),
        cmocka_unit_test(word_errors_are_the_least_changes),
        cmocka_unit_test(words_are_compared_without_case_accents_and_punctuation),
        cmocka_unit_test(a_text_of_too_many_words_is_refused),
        cmocka_unit_test(auc_counts_pairs_in_the_right_order_and_ties_half),
        cmocka_unit_test(a_ratio_is_of_sums_and_its_mean_of_ones),
        cmocka_unit_test(a_bootstrap_interval_is_as_wide_as_theory_says),
        cmocka_unit_test(a_paired_difference_is_surer_than_either),
        cmocka_unit_test(nothing_to_measure_is_nan_and_drawings_without_a_class_do_not_count),
        cmocka_unit_test(the_lot_is_fair_and_the_same_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
