/* One test a promise of lexicon.h, named after it, on a lexicon of a few words; the oracle tests hold the whole one
 * against TextBlob. */
#include "base/err.h"
#include "base/fs.h"
#include "opinion/lexicon.h"
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

#define HALF "3fe0000000000000"
#define ONE "3ff0000000000000"
#define TWO "4000000000000000"
#define MINUS "bfe0000000000000" /* -0.5 */
#define ZERO "0000000000000000"

#define HEAD "kinora-lexicon 1\n"
#define BAD "word\tbad\t" MINUS "\t" ONE "\t" ONE "\t0\n"
#define GOOD "word\tgood\t" HALF "\t" HALF "\t" ONE "\t0\n"
#define REALLY "word\treally\t" ZERO "\t" ZERO "\t" TWO "\t1\n"
#define SMILE "emoticon\t:-)\nface\t:-)\t" HALF "\n"

static char path[64];

static void write_file(const char *text, size_t n)
{
    int fd;

    strcpy(path, "/tmp/kinora-lexicon-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static int open_text(const char *text, size_t n, struct kn_lexicon **out, struct kn_err *err)
{
    int rc;

    write_file(text, n);
    rc = kn_lexicon_open(path, out, err);
    unlink(path);
    return rc;
}

static int set_up(void **state)
{
    static const char text[] = HEAD BAD GOOD REALLY SMILE;
    struct kn_lexicon *l = NULL;

    assert_int_equal(open_text(text, sizeof text - 1, &l, NULL), KN_OK);
    *state = l;
    return 0;
}

static int tear_down(void **state)
{
    kn_lexicon_close(*state);
    return 0;
}

static double polarity(void **state, const char *text)
{
    struct kn_sentiment s = {42, 42};

    assert_int_equal(kn_lexicon_score(*state, text, &s, NULL), KN_OK);
    assert_true(s.subjectivity >= 0 && s.subjectivity <= 1);
    return s.polarity;
}

static void the_score_is_the_mean_over_known_words(void **state)
{
    struct kn_sentiment s;

    assert_true(polarity(state, "A good film.") == 0.5);
    assert_true(polarity(state, "Good, bad") == 0);
    assert_int_equal(kn_lexicon_score(*state, "GOOD and bad", &s, NULL), KN_OK);
    assert_true(s.polarity == 0 && s.subjectivity == 0.75);
}

static void nothing_known_is_0(void **state)
{
    static const char *const texts[] = {"", " ", "film", "...", "\xFF\xC3", "(", "\n\n", "'"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(polarity(state, texts[i]) == 0);
}

static void an_adverb_strengthens_up_to_1(void **state)
{
    assert_true(polarity(state, "really good") == 1);
    assert_true(polarity(state, "really is good") == 1); /* over small words */
    assert_true(polarity(state, "really very good") == 0.25);
}

static void a_negation_turns_round_by_half(void **state)
{
    assert_true(polarity(state, "not good") == -0.25);
    assert_true(polarity(state, "not a bad") == 0.25);
    assert_true(polarity(state, "not the good") == 0.5);
    assert_true(polarity(state, "isn't good") ==
                0.5); /* as in TextBlob, whose "n't" never arrives */
}

static void exclamation_marks_and_emoticons_count(void **state)
{
    assert_true(polarity(state, "good!") == 0.625);
    assert_true(polarity(state, "good ! ! ! ! !") == 1);
    assert_true(polarity(state, "film :-)") == 0.5);
    assert_true(polarity(state, "film : - )") == 0.5);
    assert_true(polarity(state, "good ( ! )") == 0.25);
}

static void a_long_text_of_anything_is_read(void **state)
{
    size_t n = 1 << 20;
    char *text = malloc(n + 1);

    for (size_t i = 0; i < n; i++)
        text[i] = "good '\n.!(x"[i * 2654435761u % 11];
    text[n] = '\0';
    assert_true(fabs(polarity(state, text)) <= 1);
    free(text);
}

static void a_file_that_is_no_lexicon_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } files[] = {
        {"", "line 0"},
        {HEAD, "line 1"},
        {"kinora-lexicon 2\n" GOOD, "line 1"},
        {HEAD "word\tgood\n", "line 2"},
        {HEAD "word\tgood\t" HALF "\t" HALF "\t" ONE "\n", "line 2"},
        {HEAD "word\tgood\t" HALF "\t" HALF "\t" ONE "\t2\n", "line 2"},
        {HEAD "word\tgood\t" HALF "\t" HALF "\t" ONE "\t0\t0\n", "line 2"},
        {HEAD "word\tgood\t" HALF "\t" HALF "\t" ZERO "\t0\n", "line 2"},
        {HEAD "word\tgood\t7ff8000000000000\t" HALF "\t" ONE "\t0\n", "line 2"},
        {HEAD "word\tgood\t3FE\t" HALF "\t" ONE "\t0\n", "line 2"},
        {HEAD GOOD BAD, "line 3"},
        {HEAD GOOD GOOD, "line 3"},
        {HEAD GOOD "emoticon\t\n", "line 3"},
        {HEAD GOOD "emoticon\t:-)))))))))\n", "line 3"},
        {HEAD GOOD "face\t:-)\n", "line 3"},
        {HEAD GOOD "\n", "line 3"},
        {HEAD GOOD "verb\tgo\n", "line 3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct kn_lexicon *l = (void *)files;
        struct kn_err err;

        assert_int_equal(open_text(files[i].text, strlen(files[i].text), &l, &err), KN_ECORRUPT);
        assert_ptr_equal(l, files);
        if (!strstr(err.msg, files[i].says) || !strstr(err.msg, path))
            fail_msg("file %zu: %s", i, err.msg);
    }
}

static void a_nul_byte_is_refused(void **state)
{
    static const char text[] = HEAD GOOD "face\t:-)\0\t" HALF "\n";
    struct kn_lexicon *l;

    (void)state;
    assert_int_equal(open_text(text, sizeof text - 1, &l, NULL), KN_ECORRUPT);
}

static void no_file_is_not_found(void **state)
{
    struct kn_lexicon *l;

    (void)state;
    assert_int_equal(kn_lexicon_open("/nowhere/lexicon.tsv", &l, NULL), KN_ENOTFOUND);
}

static void as_a_scorer_it_reads_english_and_needs_no_vector(void **state)
{
    static const struct {
        const char *language;
        bool read;
    } cases[] = {{"en", true},  {"en-GB", true}, {"EN", true}, {"", true},
                 {"es", false}, {"enm", false},  {"e", false}};
    static const char text[] = HEAD BAD GOOD;
    struct kn_scorer s = {0};

    (void)state;
    write_file(text, sizeof text - 1);
    assert_int_equal(kn_scorer_lexicon(path, &s, NULL), KN_OK);
    unlink(path);
    assert_string_equal(s.name, "lexicon");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kn_opinion_input in = {.text = "a good one", .language = cases[i].language};
        double got = 42;

        assert_int_equal(kn_scorer_reads(&s, in.language), cases[i].read);
        assert_int_equal(kn_scorer_score(&s, &in, &got, NULL), KN_OK);
        assert_true(cases[i].read ? got == 0.5 : isnan(got));
    }
    kn_scorer_close(&s);
    kn_scorer_close(&s); /* as good as a zeroed one */
    assert_true(kn_scorer_exists("lexicon") && kn_scorer_exists("probe"));
    assert_false(kn_scorer_exists("vader"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_score_is_the_mean_over_known_words),
        TEST(nothing_known_is_0),
        TEST(an_adverb_strengthens_up_to_1),
        TEST(a_negation_turns_round_by_half),
        TEST(exclamation_marks_and_emoticons_count),
        TEST(a_long_text_of_anything_is_read),
        cmocka_unit_test(a_file_that_is_no_lexicon_is_refused_with_its_line),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(no_file_is_not_found),
        cmocka_unit_test(as_a_scorer_it_reads_english_and_needs_no_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
