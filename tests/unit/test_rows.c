/* One test a promise of rows.h, named after it. */
#include "base/arena.h"
#include "base/err.h"
#include "ingest/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COLUMNS "Video File,Transcript\n"

struct fixture {
    struct kn_arena *arena;
    char dir[64], path[96];
    struct kn_row *rows;
    size_t n;
    struct kn_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    strcpy(f->dir, "/tmp/kinora-rows-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kn_arena_free(f->arena);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

static int read_text(struct fixture *f, const char *name, const char *text)
{
    FILE *file;

    unlink(f->path);
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    file = fopen(f->path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return kn_rows_read(f->path, f->arena, &f->rows, &f->n, &f->err);
}

static void good(struct fixture *f, const char *name, const char *text, size_t n)
{
    if (read_text(f, name, text))
        fail_msg("%s", f->err.msg);
    assert_int_equal(f->n, n);
}

static void bad(struct fixture *f, const char *name, const char *text, int code, const char *says)
{
    struct kn_row *rows = f->rows;

    assert_int_equal(read_text(f, name, text), code);
    assert_ptr_equal(f->rows, rows);
    if (!strstr(f->err.msg, says) || !strstr(f->err.msg, f->path))
        fail_msg("'%s' does not say '%s'", f->err.msg, says);
}

static void columns_stand_in_any_order_among_others(void **state)
{
    struct fixture *f = *state;

    good(f, "a.csv", "\xEF\xBB\xBFid,Transcript,Video File,x\r\n7,\"Hello, you\",Dir/A b.mp4,\r\n",
         1);
    assert_string_equal(f->rows[0].name, "A b");
    assert_string_equal(f->rows[0].text, "Hello, you");
    assert_string_equal(f->rows[0].language, "");
    assert_int_equal(f->rows[0].line, 2);
    assert_false(f->rows[0].failed);
}

static void rows_that_begin_with_error_are_failures(void **state)
{
    struct fixture *f = *state;

    good(f, "a.CSV", COLUMNS "a,Error: no audio\nb,An Error\nc,error\nd,\" \n Error: dark\"\n", 4);
    assert_true(f->rows[0].failed && f->rows[3].failed);
    assert_string_equal(f->rows[0].text, "Error: no audio");
    assert_string_equal(f->rows[3].text, " \n Error: dark");
    assert_false(f->rows[1].failed || f->rows[2].failed);
    good(f, "a.jsonl",
         "{\"title\":\"a\",\"text\":\"Error: could not extract audio\"}\n"
         "{\"title\":\"b\",\"text\":\"\\n Error\"}\n{\"title\":\"c\",\"text\":\"Err\"}\n",
         3);
    assert_true(f->rows[0].failed && f->rows[1].failed && !f->rows[2].failed);
}

static void a_row_is_given_as_it_is(void **state)
{
    struct fixture *f = *state;

    good(f, "a.csv", COLUMNS "a/Two.MP4,\"  He  said:\n\"\"No.\"\" \"\nThree.mkv,b\n", 2);
    assert_string_equal(f->rows[0].file, "Two.MP4");
    assert_string_equal(f->rows[0].name, "Two");
    assert_string_equal(f->rows[0].text, "  He  said:\n\"No.\" ");
    assert_string_equal(f->rows[1].file, "Three.mkv");
    assert_string_equal(f->rows[1].name,
                        "Three.mkv"); /* only .mp4 is taken off, as in the notebook */
    good(f, "a.jsonl", "{\"title\":\"a\",\"text\":\" b  c\\n\"}", 1);
    assert_string_equal(f->rows[0].text, " b  c\n");
    assert_string_equal(f->rows[0].file, "");
}

static void a_csv_that_is_wrong_is_refused_with_its_line(void **state)
{
    struct fixture *f = *state;

    bad(f, "a.csv", "", KN_EARG, "it is empty");
    bad(f, "a.csv", COLUMNS, KN_EARG, "no rows");
    bad(f, "a.csv", "Video File,Text\na,b\n", KN_EARG, "line 1: no column \"Transcript\"");
    bad(f, "a.csv", "Video File,Transcript,Transcript\na,b,c\n", KN_EARG, "more than one column");
    bad(f, "a.csv", COLUMNS "a,b\nc\n", KN_ECORRUPT, "line 3: 1 fields where the first line has 2");
    bad(f, "a.csv", COLUMNS "a,b,c\n", KN_ECORRUPT, "line 2: 3 fields");
    bad(f, "a.csv", COLUMNS "a,b\n.mp4,x\n,x\n", KN_ECORRUPT, "line 4: a row without a name");
    bad(f, "a.csv", COLUMNS "a,\"b\n", KN_ECORRUPT, "line 2: the quote");
    bad(f, "a.txt", COLUMNS "a,b\n", KN_EARG, "neither in .csv nor in .jsonl");
    assert_int_equal(kn_rows_read("/nowhere/a.csv", f->arena, &f->rows, &f->n, &f->err),
                     KN_ENOTFOUND);
}

static void json_lines_bring_what_is_known(void **state)
{
    struct fixture *f = *state;

    good(
        f, "a.jsonl",
        "{\"title\": \" Heat \", \"text\": \"An error?\\nNo.\", \"language\": \"es-MX\", \"year\": "
        "1995, "
        "\"genres\": [\"Drama\", \"Crime\"], \"more\": {}}\r\n\n"
        "{\"title\":\"B\",\"text\":\"\",\"language\":null,\"genres\":\"Western\"}",
        2);
    assert_string_equal(f->rows[0].name, "Heat");
    assert_string_equal(f->rows[0].text, "An error?\nNo.");
    assert_false(f->rows[0].failed);
    assert_string_equal(f->rows[0].language, "es-MX");
    assert_string_equal(f->rows[0].genres, "Drama, Crime");
    assert_int_equal(f->rows[0].year, 1995);
    assert_string_equal(f->rows[1].language, "");
    assert_string_equal(f->rows[1].genres, "Western");
    assert_int_equal(f->rows[1].year, 0);
    assert_int_equal(f->rows[1].line, 3);
}

static void json_lines_that_are_wrong_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"{\"title\":\"a\"}", "line 2: \"text\" is not there"},
        {"{\"text\":\"a\"}", "line 2: \"title\" is not there"},
        {"{\"title\":1,\"text\":\"a\"}", "line 2: \"title\""},
        {"{\"title\":\"a\",\"text\":\"b\"", "line 2: "},
        {"[1]", "line 2: \"title\""},
        {"{\"title\":\"a\",\"text\":\"b\\u0000\"}", "line 2: "},
        {"{\"title\":\"a\",\"text\":\"\xFF\"}", "line 2: "},
        {"{\"title\":\" \",\"text\":\"b\"}", "line 2: a row without a name"},
        {"{\"title\":\"a\",\"text\":\"b\",\"year\":\"1990\"}", "line 2: \"year\""},
        {"{\"title\":\"a\",\"text\":\"b\",\"year\":-5}", "line 2: \"year\""},
        {"{\"title\":\"a\",\"text\":\"b\",\"language\":\"e n\"}", "line 2: \"language\""},
        {"{\"title\":\"a\",\"text\":\"b\",\"language\":7}", "line 2: \"language\""},
        {"{\"title\":\"a\",\"text\":\"b\",\"genres\":[1]}", "line 2: \"genres\""},
        {"{\"title\":\"a\",\"text\":\"b\",\"genres\":{\"c\":1}}", "line 2: \"genres\""},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];

        snprintf(text, sizeof text, "{\"title\":\"a\",\"text\":\"b\"}\n%s\n", cases[i].line);
        bad(f, "a.jsonl", text, KN_ECORRUPT, cases[i].says);
    }
    bad(f, "a.jsonl", "\n", KN_EARG, "no rows");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(columns_stand_in_any_order_among_others),
        TEST(rows_that_begin_with_error_are_failures),
        TEST(a_row_is_given_as_it_is),
        TEST(a_csv_that_is_wrong_is_refused_with_its_line),
        TEST(json_lines_bring_what_is_known),
        TEST(json_lines_that_are_wrong_are_refused_with_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
