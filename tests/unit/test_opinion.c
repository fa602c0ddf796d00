/* One test a promise of opinion.h, named after it. The last needs a model: KINORA_MODELS, or build/models. */
#include "base/err.h"
#include "llm/embed.h"
#include "opinion/opinion.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DIM = 384 };

static void every_embedding_model_with_a_card_has_a_probe(void **state)
{
    static const char *const models[] = {"multilingual-e5-small", "all-MiniLM-L6-v2"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kn_scorer s;

        assert_int_equal(kn_scorer_probe(models[i], &s, NULL), KN_OK);
        assert_string_equal(s.name, "probe");
        assert_string_equal(s.model, models[i]);
        assert_int_equal(s.dim, DIM);
        assert_true(s.version >= 1);
        assert_true(s.scale > 0);
    }
}

static void an_unknown_model_is_told_which_are_known(void **state)
{
    struct kn_scorer s = {.version = 42};
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_scorer_probe("gpt-2", &s, &err), KN_ENOTFOUND);
    assert_non_null(strstr(err.msg, "'gpt-2'"));
    assert_non_null(strstr(err.msg, "multilingual-e5-small, all-MiniLM-L6-v2"));
    assert_int_equal(s.version, 42);
}

static int score(const struct kn_scorer *s, const float *vector, size_t dim, double *out,
                 struct kn_err *err)
{
    const struct kn_opinion_input in = {.text = "", .language = "", .vector = vector, .dim = dim};

    return kn_scorer_score(s, &in, out, err);
}

static void the_score_is_the_formula(void **state)
{
    const float weights[2] = {2, -1}, vector[2] = {0.6F, 0.8F}, zeros[2] = {0};
    struct kn_scorer s = {.model = "m", .dim = 2, .weights = weights, .bias = 0.1, .scale = 2};
    struct kn_err err;
    double got = 42;

    (void)state;
    assert_int_equal(score(&s, vector, 2, &got, NULL), KN_OK);
    assert_true(fabs(got - tanh(2 * (2 * 0.6 - 0.8 + 0.1))) < 1e-6);
    assert_int_equal(score(&s, zeros, 2, &got, NULL), KN_OK);
    assert_true(isnan(got));
    got = 42;
    assert_int_equal(score(&s, vector, 3, &got, &err), KN_EARG);
    assert_int_equal(score(&s, NULL, 2, &got, &err), KN_EARG);
    assert_true(got == 42);
}

static void a_titles_opinion_weighs_moments_by_their_words(void **state)
{
    struct kn_moment m[] = {
        {.words = 30, .opinion = 1},
        {.words = 10, .opinion = -1},
        {.words = 1000, .opinion = (double)NAN},
    };

    (void)state;
    assert_true(fabs(kn_opinion_of_title(m, 3) - 0.5) < 1e-12);
    assert_true(isnan(kn_opinion_of_title(m + 2, 1)));
    assert_true(isnan(kn_opinion_of_title(NULL, 0)));
    m[0].words = 0;
    assert_true(kn_opinion_of_title(m, 1) == 1);
}

static void praise_is_above_blame_in_two_languages(void **state)
{
    static const char *const pairs[][2] = {
        {"A warm, joyful and deeply moving film; I loved every minute.",
         "A dull, ugly and hateful mess that wastes everybody's time."},
        {"A celebration of friendship, laughter and love.",
         "They murdered his family and left him to rot."},
        {"Una historia preciosa, llena de ternura y esperanza.",
         "Una película horrible, aburrida y sin ninguna gracia."},
    };
    const char *dir = getenv("KINORA_MODELS"), *strict = getenv("KINORA_TEST_STRICT");
    struct kn_embedder *e;
    struct kn_scorer s;
    char path[4096];

    (void)state;
    snprintf(path, sizeof path, "%s/multilingual-e5-small-q4_0.gguf",
             dir ? dir : KN_TEST_SOURCE_DIR "/build/models");
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "test_opinion: no model at %s (make models)\n", path);
        if (strict && strcmp(strict, "1") == 0)
            fail();
        skip();
    }
    assert_int_equal(kn_embedder_open(path, 1, &e, NULL), KN_OK);
    assert_int_equal(kn_scorer_probe(kn_embedder_card(e)->model, &s, NULL), KN_OK);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        float vectors[2][DIM];
        double good, bad;

        assert_int_equal(kn_embedder_embed(e, pairs[i], 2, NULL, NULL, vectors[0], NULL), KN_OK);
        assert_int_equal(score(&s, vectors[0], DIM, &good, NULL), KN_OK);
        assert_int_equal(score(&s, vectors[1], DIM, &bad, NULL), KN_OK);
        assert_true(good > 0.1);
        assert_true(bad < -0.1);
        assert_true(good <= 1 && bad >= -1);
    }
    kn_embedder_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_embedding_model_with_a_card_has_a_probe),
        cmocka_unit_test(an_unknown_model_is_told_which_are_known),
        cmocka_unit_test(the_score_is_the_formula),
        cmocka_unit_test(a_titles_opinion_weighs_moments_by_their_words),
        cmocka_unit_test(praise_is_above_blame_in_two_languages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
