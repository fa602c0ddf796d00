/* One test a promise of csv.h and plain.h, named after it. */
#include "base/arena.h"
#include "base/err.h"
#include "text/csv.h"
#include "text/moments.h"
#include "text/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = kn_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    kn_arena_free(*state);
    return 0;
}

/* All rows as text: fields between bars, a slash behind each row's line. */
static int read_all(struct kn_arena *arena, const char *text, size_t n, struct kn_buf *out,
                    struct kn_err *err)
{
    struct kn_csv csv;
    struct kn_csv_row row = {0};
    bool more = true;
    int rc = KN_OK;

    kn_csv_begin(&csv, (struct kn_sv){text, n});
    while (!(rc = kn_csv_row(&csv, arena, &row, &more, err)) && more) {
        kn_buf_addf(out, NULL, "%zu/", row.line);
        for (size_t i = 0; i < row.n; i++)
            kn_buf_addf(out, NULL, "%s|", row.fields[i]);
    }
    return rc;
}

static void assert_rows(void **state, const char *text, const char *rows)
{
    struct kn_buf b;
    struct kn_err err = {0};

    kn_buf_init(&b, 1 << 20);
    if (read_all(*state, text, strlen(text), &b, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(b.data, rows);
    kn_buf_free(&b);
}

static void assert_refused(void **state, const char *text, size_t n, const char *says)
{
    struct kn_buf b;
    struct kn_err err = {0};

    kn_buf_init(&b, 1 << 20);
    assert_int_equal(read_all(*state, text, n, &b, &err), KN_ECORRUPT);
    assert_string_equal(err.msg, says);
    kn_buf_free(&b);
}

static void rows_and_fields_are_as_rfc_4180_has_them(void **state)
{
    assert_rows(state, "", "");
    assert_rows(state, "a,b\r\nc,d\r\n", "1/a|b|2/c|d|");
    assert_rows(state, "a,b\nc,d", "1/a|b|2/c|d|");
    assert_rows(state, "\"a\",\"\"\n", "1/a||");
    assert_rows(state, ",\n,", "1/||2/||");
    assert_rows(state, "\"a, \"\"b\"\"\r\nc\",d\ne", "1/a, \"b\"\r\nc|d|3/e|");
    assert_rows(state, " a , b\n", "1/ a | b|");
}

static void a_byte_order_mark_and_empty_lines_are_passed_over(void **state)
{
    assert_rows(state, "\xEF\xBB\xBF\"a\",b\n", "1/a|b|");
    assert_rows(state, "\xEF\xBB\xBF", "");
    assert_rows(state, "\n\r\na\n\n\nb\n\n", "3/a|6/b|");
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    assert_refused(state, "a\nb\"c\n", 6, "line 2: a quote inside of a field without quotes");
    assert_refused(state, "a\n\n\"b\nc", 7, "line 3: the quote that opens here is never closed");
    assert_refused(state, "\"a\nb\" ,c", 8, "line 2: text behind a closing quote");
    assert_refused(state, "a\rb", 3, "line 1: a carriage return alone");
    assert_refused(state, "a\nb\0c", 5, "line 2: a NUL byte");
    assert_refused(state, "a\n\"b\0c\"", 7, "line 2: a NUL byte");
    assert_refused(state, "a,\xC3\x28", 4, "line 1: text that is not UTF-8");
}

static void fields_and_rows_have_limits(void **state)
{
    size_t n = KN_CSV_FIELD + 1;
    char *text = malloc(n + 2);
    struct kn_buf b;
    struct kn_err err;

    kn_buf_init(&b, 1 << 20);
    memset(text, 'a', n);
    assert_int_equal(read_all(*state, text, n, &b, &err), KN_ELIMIT);
    assert_non_null(strstr(err.msg, "line 1: a field of 16777217 bytes"));
    memset(text, ',', n);
    assert_int_equal(read_all(*state, text, n, &b, &err), KN_ELIMIT);
    assert_non_null(strstr(err.msg, "line 1: more than 1024 fields"));
    free(text);
    kn_buf_free(&b);
}

static void what_is_written_is_read_back(void **state)
{
    static const char *const fields[] = {"plain",      "",     "a,b",      "\"",    "say \"no\"",
                                         "two\nlines", "cr\r", " spaced ", "日本語"};
    struct kn_csv csv;
    struct kn_csv_row row;
    struct kn_buf b;
    bool more;
    size_t n = sizeof fields / sizeof *fields;

    kn_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        if (i)
            kn_buf_adds(&b, ",", NULL);
        assert_int_equal(kn_csv_add_field(&b, fields[i], NULL), KN_OK);
    }
    kn_csv_begin(&csv, (struct kn_sv){b.data, b.n});
    assert_int_equal(kn_csv_row(&csv, *state, &row, &more, NULL), KN_OK);
    assert_int_equal(row.n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(row.fields[i], fields[i]);
    kn_buf_free(&b);
}

/* ---- plain.h ---- */

static const struct kn_segment *cut(void **state, const char *text, size_t n)
{
    struct kn_segment *s = NULL;
    size_t got = 42;

    assert_int_equal(kn_plain_cut(text, *state, &s, &got, NULL), KN_OK);
    assert_int_equal(got, n);
    for (size_t i = 0; i < n; i++)
        assert_false(kn_is_timed(s[i].start, s[i].end));
    return s;
}

static void a_text_is_cut_into_its_sentences(void **state)
{
    const struct kn_segment *s =
        cut(state, "  One.\n\nTwo  goes \t on! \"Three?\" And\xC2\xA0more ", 4);

    assert_string_equal(s[0].text, "One.");
    assert_string_equal(s[1].text, "Two goes on!");
    assert_string_equal(s[2].text, "\"Three?\"");
    assert_string_equal(s[3].text, "And more");
    cut(state, "", 0);
    cut(state, " \n\xE3\x80\x80 ", 0);
}

static void scripts_without_spaces_end_sentences_too(void **state)
{
    const struct kn_segment *s = cut(state, "彼は言った。「本当か？」船が来る", 3);

    assert_string_equal(s[0].text, "彼は言った。");
    assert_string_equal(s[1].text, "「本当か？」");
    assert_string_equal(s[2].text, "船が来る");
}

static void a_sentence_without_end_is_cut_after_40_words(void **state)
{
    char text[1000] = "";
    struct kn_moment *moments;
    const struct kn_segment *s;
    size_t n;

    for (int i = 0; i < 95; i++)
        strcat(text, i ? " word" : "word");
    s = cut(state, text, 3);
    assert_int_equal(strlen(s[0].text), 40 * 5 - 1);
    assert_int_equal(strlen(s[2].text), 15 * 5 - 1);
    assert_int_equal(kn_moments_cut(s, 3, *state, &moments, &n, NULL), KN_OK);
    for (size_t i = 0; i < n; i++) {
        assert_true(moments[i].words <= 80);
        assert_false(kn_is_timed(moments[i].start, moments[i].end));
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rows_and_fields_are_as_rfc_4180_has_them),
        TEST(a_byte_order_mark_and_empty_lines_are_passed_over),
        TEST(what_is_wrong_is_told_with_its_line),
        TEST(fields_and_rows_have_limits),
        TEST(what_is_written_is_read_back),
        TEST(a_text_is_cut_into_its_sentences),
        TEST(scripts_without_spaces_end_sentences_too),
        TEST(a_sentence_without_end_is_cut_after_40_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
