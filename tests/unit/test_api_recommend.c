/* kinora_recommend over a library that was put together by hand: no model, no film. */
#include <kinora/kinora.h>

#include "../support/remove_folder.h"
#include "base/err.h"
#include "library/library.h"

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

enum { DIM = 4 };

#define STORM                                                                                      \
    "The storm took the lighthouse in the night and nobody in the village of Skerry would say "    \
    "who had lit the lamp before the ship came in."
#define HEIST                                                                                      \
    "Five thieves, four keys, three locks and two hours are all that stand between the vault and " \
    "a very honest man with nothing left to lose."

static const struct film {
    const char *name, *language, *genres, *text;
    int year;
    double minutes, opinion;
    float vector[DIM]; /* of unit length */
} films[] = {
    {"Storm", "en", "Drama", STORM, 1990, 2, -0.5, {1, 0, 0, 0}},
    {"Storm Trailer 2",
     "en",
     "Drama",
     STORM " This autumn, ask again.",
     1990,
     2.5,
     -0.5,
     {1, 0, 0, 0}},
    {"Heist", "en", "Crime, Comedy", HEIST, 1995, 2, 0.6, {0.8F, 0.6F, 0, 0}},
    {"Heist HD", "en", "Crime, Comedy", HEIST, 1995, 2, 0.6, {0.8F, 0.6F, 0, 0}},
    {"Harbour",
     "en",
     "Drama",
     "They went out at dawn for the herring.",
     2001,
     90,
     -0.4,
     {0.6F, 0.8F, 0, 0}},
    {"Return to Skerry",
     "en",
     "",
     "Skerry again, after forty years.",
     0,
     0,
     0.1,
     {0, 0.6F, 0.8F, 0}},
    {"Faro",
     "es",
     "Drama",
     "Nadie sabe quien encendio la luz.",
     1999,
     95,
     -0.6,
     {0.96F, 0.28F, 0, 0}},
    {"Tide", "", "", "Nothing is known of this one.", 1980, 3, (double)NAN, {0.96F, 0, 0.28F, 0}},
    {"Quiet", "en", "", "A garden, a chair, a letter.", 2010, 4, 0.2, {0, 0, 0, 1}},
};
enum {
    FILMS = sizeof films / sizeof *films,
    STORM_1 = 0,
    STORM_2,
    HEIST_1,
    HEIST_2,
    HARBOUR,
    RETURN,
    FARO,
    TIDE,
    QUIET
};

struct fixture {
    char dir[64];
    struct kinora *k;
};

static struct kn_id id_of(size_t n)
{
    return (struct kn_id){{0xB0, (unsigned char)n, 0x11, 0, 0, 0, 0x50, 0, 0x80}};
}

static void fill(struct kn_library *lib)
{
    struct kn_segment segments[FILMS];
    struct kn_moment moments[FILMS];
    struct kn_record records[FILMS];
    struct kn_err err = {0};

    for (size_t i = 0; i < FILMS; i++) {
        const struct film *f = &films[i];

        segments[i] = (struct kn_segment){1, 2, f->text};
        moments[i] = (struct kn_moment){.start = 1,
                                        .end = 2,
                                        .text = f->text,
                                        .segments = 1,
                                        .words = 9,
                                        .opinion = (double)NAN,
                                        .raw = f->vector,
                                        .vector = f->vector};
        records[i] = (struct kn_record){.title = {.id = id_of(i),
                                                  .name = f->name,
                                                  .state = KN_STATE_READY,
                                                  .language = f->language,
                                                  .words_from = "sidecar",
                                                  .genres = f->genres,
                                                  .year = f->year,
                                                  .duration = 60 * f->minutes,
                                                  .opinion = f->opinion,
                                                  .scorer = "probe"},
                                        .vector = f->vector,
                                        .segments = &segments[i],
                                        .n_segments = 1,
                                        .moments = &moments[i],
                                        .n_moments = 1};
    }
    if (kn_library_set_model(lib, "multilingual-e5-small", DIM, &err) ||
        kn_library_put(lib, records, FILMS, &err))
        fail_msg("%s", err.msg);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct kn_library *lib = NULL;

    strcpy(f->dir, "/tmp/kinora-recommend-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(
        kn_library_open_local(f->dir, &(struct kn_library_options){.write = true, .create = true},
                              &lib, NULL),
        KN_OK);
    fill(lib);
    kn_library_close(lib);
    assert_int_equal(
        kinora_open(&(struct kinora_options){.library = f->dir, .models = f->dir}, &f->k, NULL),
        KN_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kinora_close(f->k);
    remove_folder(f->dir);
    free(f);
    return 0;
}

static struct kinora_answer *ask(struct fixture *f, size_t film, struct kinora_query q)
{
    struct kinora_answer *a = NULL;
    struct kn_err err = {0};
    struct kn_id id = id_of(film);

    if (kinora_recommend(f->k, &id, &q, &a, &err))
        fail_msg("%s", err.msg);
    return a;
}

static const char *joined(const struct kn_title *t, size_t n, char *out)
{
    *out = '\0';
    for (size_t i = 0; i < n; i++)
        strcat(strcat(out, i ? "|" : ""), t[i].name);
    return out;
}

/* names: of the answers, in order, joined by '|'. */
static void assert_answers(struct fixture *f, size_t film, struct kinora_query q, const char *names)
{
    struct kinora_answer *a;
    char got[512] = "";

    if (q.limit == 0)
        q.limit = 20;
    a = ask(f, film, q);
    for (size_t i = 0; i < a->n; i++)
        strcat(strcat(got, i ? "|" : ""), a->recommendations[i].title.name);
    assert_string_equal(got, names);
    kinora_answer_free(a);
}

#define SIMILAR .w_similarity = 1

static void a_film_that_says_the_same_is_one_row(void **state)
{
    struct kinora_answer *a = ask(*state, HARBOUR, (struct kinora_query){.limit = 20, SIMILAR});
    char names[256];

    for (size_t i = 0; i < a->n; i++) {
        const struct kinora_recommendation *r = &a->recommendations[i];
        const char *also = joined(r->also, r->n_also, names);

        assert_int_equal(r->rank, i + 1);
        assert_string_equal(also, strcmp(r->title.name, "Heist") == 0   ? "Heist HD"
                                  : strcmp(r->title.name, "Storm") == 0 ? "Storm Trailer 2"
                                                                        : "");
    }
    assert_int_equal(a->n, 5); /* of 7 in English or unknown */
    kinora_answer_free(a);
}

static void what_says_the_same_as_the_query_is_left_out_and_told(void **state)
{
    struct kinora_answer *a = ask(*state, STORM_2, (struct kinora_query){.limit = 20});
    char names[256];

    assert_string_equal(joined(a->same, a->n_same, names), "Storm");
    for (size_t i = 0; i < a->n; i++)
        assert_string_not_equal(a->recommendations[i].title.name, "Storm");
    kinora_answer_free(a);
}

static void candidates_come_by_meaning_by_words_or_both(void **state)
{
    const char *all = "Heist|Harbour|Return to Skerry|Quiet|Tide";
    struct kinora_answer *a;

    assert_answers(*state, STORM_1, (struct kinora_query){.candidates = KINORA_MEANING, SIMILAR},
                   "Heist|Harbour|Return to Skerry|Quiet|Tide");
    assert_answers(*state, STORM_1,
                   (struct kinora_query){.candidates = KINORA_WORDS, SIMILAR, .limit = 1},
                   "Return to Skerry");
    assert_answers(*state, STORM_1, (struct kinora_query){SIMILAR}, all);
    a = ask(*state, STORM_1,
            (struct kinora_query){.candidates = KINORA_WORDS, .limit = 1, SIMILAR});
    assert_int_equal(a->recommendations[0].by_words, 2); /* behind the other trailer */
    assert_int_equal(a->recommendations[0].by_meaning, 0);
    assert_float_equal(a->recommendations[0].similarity, 0, 1e-6); /* computed all the same */
    kinora_answer_free(a);
    a = ask(*state, STORM_1, (struct kinora_query){.limit = 3, SIMILAR});
    assert_string_equal(a->recommendations[2].title.name, "Return to Skerry");
    assert_int_equal(a->recommendations[2].by_words, 2);
    assert_true(a->recommendations[2].words > 0);
    assert_float_equal(a->recommendations[0].words, 0, 0); /* Heist shares none */
    assert_true(a->recommendations[2].by_meaning > 2);
    kinora_answer_free(a);
}

static void filters_hold(void **state)
{
    const struct kn_id out[] = {id_of(HARBOUR), id_of(TIDE)};

    assert_answers(*state, STORM_1,
                   (struct kinora_query){.year_from = 1995, .year_to = 2001, SIMILAR},
                   "Heist|Harbour");
    assert_answers(*state, STORM_1, (struct kinora_query){.genres = " comedy , Horror", SIMILAR},
                   "Heist");
    assert_answers(*state, STORM_1,
                   (struct kinora_query){.duration_from = 600, .language = "any", SIMILAR},
                   "Faro|Harbour");
    assert_answers(*state, STORM_1, (struct kinora_query){.exclude = out, .n_exclude = 2, SIMILAR},
                   "Heist|Return to Skerry|Quiet");
}

static void strict_leaves_out_what_is_weak(void **state)
{
    struct kinora_answer *a = ask(*state, STORM_1, (struct kinora_query){.limit = 20, SIMILAR});

    for (size_t i = 0; i < a->n; i++)
        assert_int_equal(a->recommendations[i].weak, a->recommendations[i].similarity < 0.325);
    kinora_answer_free(a);
    assert_answers(*state, STORM_1, (struct kinora_query){.strict = true, SIMILAR},
                   "Heist|Harbour|Tide");
}

static void several_examples_are_one_question(void **state)
{
    const struct kn_id harbour = id_of(HARBOUR), faro = id_of(FARO), quiet = id_of(QUIET);
    struct kinora_answer *a;
    char names[256];

    a = ask(*state, STORM_1,
            (struct kinora_query){.likes = &faro, .n_likes = 1, .limit = 20, SIMILAR});
    assert_string_equal(joined(a->likes, a->n_likes, names), "Storm|Faro");
    assert_string_equal(a->title.name, "Storm");
    assert_int_equal(a->n, 5); /* in either language: but Faro itself is no answer */
    for (size_t i = 0; i < a->n; i++)
        assert_true(a->recommendations[i].example < 2);
    kinora_answer_free(a);
    /* Like both ends or like any: Heist lies between. */
    assert_answers(*state, STORM_1,
                   (struct kinora_query){.likes = &harbour, .n_likes = 1, .limit = 1, SIMILAR},
                   "Heist");
    assert_answers(*state, STORM_1,
                   (struct kinora_query){.likes = &quiet,
                                         .n_likes = 1,
                                         .limit = 1,
                                         SIMILAR,
                                         .candidates = KINORA_MEANING,
                                         .language = "any",
                                         .strategy = KINORA_BEST_SCORE},
                   "Faro");
}

static void unlike_examples_push_away(void **state)
{
    const struct kn_id heist = id_of(HEIST_1);
    const struct kinora_query average = {.unlikes = &heist,
                                         .n_unlikes = 1,
                                         SIMILAR,
                                         .candidates = KINORA_MEANING},
                              best = {.unlikes = &heist,
                                      .n_unlikes = 1,
                                      SIMILAR,
                                      .candidates = KINORA_MEANING,
                                      .strategy = KINORA_BEST_SCORE};
    struct kinora_query strict = average;
    struct kinora_answer *a;
    char names[256];

    /* 2 (1, 0) - (.8, .6): Harbour's cosine becomes .6 * 1.2 - .8 * .6 = .24 */
    assert_answers(*state, STORM_1, average, "Harbour|Quiet|Return to Skerry|Tide");
    a = ask(*state, STORM_1, average);
    assert_string_equal(joined(a->unlikes, a->n_unlikes, names), "Heist");
    kinora_answer_free(a);
    strict.strict = true;
    assert_answers(*state, STORM_1, strict, "Tide"); /* .96 * 1.2 / 1.34; Harbour .18 */
    /* Harbour is more like the unlike one than like Storm: last but for the unknown language */
    assert_answers(*state, STORM_1, best, "Quiet|Return to Skerry|Harbour|Tide");
}

static void diversity_puts_the_unlike_forward(void **state)
{
    assert_answers(*state, STORM_1,
                   (struct kinora_query){.candidates = KINORA_MEANING, SIMILAR, .limit = 2},
                   "Heist|Harbour");
    assert_answers(
        *state, STORM_1,
        (struct kinora_query){.candidates = KINORA_MEANING, SIMILAR, .limit = 2, .diversity = 0.7},
        "Heist|Quiet");
}

static void the_correlations_are_told(void **state)
{
    struct kinora_answer *a =
        ask(*state, STORM_1, (struct kinora_query){.language = "en", SIMILAR});

    assert_true(a->likeness_correlation > 0.9); /* not 1: equals share a place */
    assert_true(fabs(a->opinion_correlation) <= 1);
    kinora_answer_free(a);
}

static void wrong_questions_are_refused(void **state)
{
    struct fixture *f = *state;
    struct kinora_answer *a = NULL;
    struct kn_err err = {0};
    struct kn_id id = id_of(STORM_1), nobody = id_of(99);

    assert_int_equal(kinora_recommend(f->k, NULL, NULL, &a, &err), KN_EARG);
    assert_string_equal(err.msg, "recommend: give a title, or a text, that it is to be like");
    assert_int_equal(kinora_recommend(f->k, NULL, &(struct kinora_query){.text = "  "}, &a, &err),
                     KN_EARG);
    assert_int_equal(
        kinora_recommend(f->k, &id, &(struct kinora_query){.diversity = 1.5}, &a, &err), KN_EARG);
    assert_int_equal(kinora_recommend(f->k, &id,
                                      &(struct kinora_query){.likes = &nobody, .n_likes = 1}, &a,
                                      &err),
                     KN_ENOTFOUND);
    /* The model is not among the models here. */
    assert_int_equal(
        kinora_recommend(f->k, NULL, &(struct kinora_query){.text = "a storm"}, &a, &err),
        KN_ENOTFOUND);
    assert_null(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_film_that_says_the_same_is_one_row),
        TEST(what_says_the_same_as_the_query_is_left_out_and_told),
        TEST(candidates_come_by_meaning_by_words_or_both),
        TEST(filters_hold),
        TEST(strict_leaves_out_what_is_weak),
        TEST(several_examples_are_one_question),
        TEST(unlike_examples_push_away),
        TEST(diversity_puts_the_unlike_forward),
        TEST(the_correlations_are_told),
        TEST(wrong_questions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
