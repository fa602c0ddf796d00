/* One test a promise of json.h, named after it. */
#include "base/err.h"
#include "net/json.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_written_document_reads_as_it_should(void **state)
{
    struct kn_buf buf;
    struct kn_json_writer w = {.out = &buf};

    (void)state;
    kn_buf_init(&buf, 1000);
    kn_json_begin_object(&w, NULL);
    kn_json_string(&w, "name", "Heat");
    kn_json_number(&w, "opinion", 0.25);
    kn_json_begin_array(&w, "paths");
    kn_json_string(&w, NULL, "/films/Heat.mp4");
    kn_json_string(&w, NULL, NULL);
    kn_json_begin_object(&w, NULL);
    kn_json_end_object(&w);
    kn_json_end_array(&w);
    kn_json_integer(&w, "bytes", INT64_MIN);
    kn_json_bool(&w, "weak", true);
    kn_json_null(&w, "year");
    kn_json_end_object(&w);
    assert_int_equal(kn_buf_ok(&buf, NULL), KN_OK);
    assert_string_equal(buf.data,
                        "{\"name\":\"Heat\",\"opinion\":0.25,\"paths\":[\"/films/Heat.mp4\","
                        "null,{}],\"bytes\":-9223372036854775808,\"weak\":true,\"year\":null}");
    kn_buf_free(&buf);
}

static void text_is_escaped_and_repaired(void **state)
{
    struct kn_buf buf;
    struct kn_json_writer w = {.out = &buf};

    (void)state;
    kn_buf_init(&buf, 1000);
    kn_json_string(&w, NULL,
                   "a\"b\\c\nd\x01"
                   "é😀\xff");
    assert_string_equal(buf.data, "\"a\\\"b\\\\c\\nd\\u0001é😀\xef\xbf\xbd\"");
    kn_buf_free(&buf);
}

static void assert_number(double value, const char *text)
{
    struct kn_buf buf;
    struct kn_json_writer w = {.out = &buf};

    kn_buf_init(&buf, 100);
    kn_json_number(&w, NULL, value);
    assert_string_equal(buf.data, text);
    kn_buf_free(&buf);
}

static void a_float_reads_back_the_same(void **state)
{
    static const float some[] = {0, 0.1F, -1.0F / 3, 1e-38F, 3.4028235e38F, 16777216, 0.70710678F};

    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct kn_buf b;
        struct kn_json_writer w = {.out = &b};

        kn_buf_init(&b, 64);
        kn_json_float(&w, NULL, some[i]);
        assert_true(strtof(b.data, NULL) == some[i]);
        assert_true((float)strtod(b.data, NULL) == some[i]);
        kn_buf_free(&b);
    }
}

static void numbers_have_as_few_digits_as_give_them_back(void **state)
{
    (void)state;
    assert_number(0.1, "0.1");
    assert_number(-0.0, "0");
    assert_number(12.5, "12.5");
    assert_number(1.0 / 3, "0.3333333333333333");
    assert_number(0.1 + 0.2, "0.30000000000000004");
    assert_number(1e300, "1e+300");
    assert_number((double)NAN, "null");
    assert_number((double)-INFINITY, "null");
}

static void rounded_numbers_lose_their_tail(void **state)
{
    struct kn_buf buf;
    struct kn_json_writer w = {.out = &buf};

    (void)state;
    kn_buf_init(&buf, 100);
    kn_json_rounded(&w, NULL, 12.340000000000001, 2);
    kn_json_rounded(&w, NULL, -0.001, 2);
    kn_json_rounded(&w, NULL, 1e300, 20);
    assert_string_equal(buf.data, "12.34,0,1e+300");
    kn_buf_free(&buf);
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "es_ES.UTF-8"))
        skip(); /* a machine without such a locale cannot show it */
    assert_number(0.25, "0.25");
    setlocale(LC_NUMERIC, "C");
}

static struct kn_json *parse(const char *text)
{
    struct kn_json *root = NULL;

    assert_int_equal(kn_json_parse(kn_sv_of(text), "a test", &root, NULL), KN_OK);
    return root;
}

static void parts_are_found_and_absent_ones_chain(void **state)
{
    struct kn_json *root = parse("{\"a\":{\"b\":[1,2.5,\"x\",true]},\"c\":null}");
    const struct kn_json *b = kn_json_get(kn_json_get(root, "a"), "b");

    (void)state;
    assert_int_equal(kn_json_length(b), 4);
    assert_int_equal(kn_json_integer_or(kn_json_at(b, 0), 9), 1);
    assert_true(kn_json_number_or(kn_json_at(b, 0), 9) == 1);
    assert_true(kn_json_number_or(kn_json_at(b, 1), 9) == 2.5);
    assert_string_equal(kn_json_text_or(kn_json_at(b, 2), ""), "x");
    assert_true(kn_json_bool_or(kn_json_at(b, 3), false));
    assert_null(kn_json_at(b, 4));
    assert_null(kn_json_get(kn_json_get(kn_json_get(root, "no"), "such"), "thing"));
    assert_string_equal(kn_json_text_or(NULL, "none"), "none");
    assert_int_equal(kn_json_length(root), 2);
    assert_string_equal(kn_json_key_at(root, 1), "c");
    assert_null(kn_json_key_at(root, 2));
    kn_json_free(root);
}

static void damaged_text_is_told_with_its_place(void **state)
{
    struct kn_json *root = NULL;
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_json_parse(kn_sv_of("{\n \"a\": ]"), "the list", &root, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "the list"));
    assert_non_null(strstr(err.msg, "line 2"));
    assert_int_equal(kn_json_parse(kn_sv_of(""), "the list", &root, &err), KN_ECORRUPT);
    assert_int_equal(kn_json_parse(kn_sv_of("{} {}"), "the list", &root, &err), KN_ECORRUPT);
    assert_int_equal(kn_json_parse(kn_sv_of("{\"a\":1,\"a\":2}"), "the list", &root, &err),
                     KN_ECORRUPT);
    assert_null(root);
}

static void a_wanted_key_of_another_type_is_named(void **state)
{
    struct kn_json *root = parse("{\"n\":1.5,\"t\":\"x\",\"v\":[1,2],\"w\":[1,\"2\"]}");
    struct kn_err err;
    float v[2] = {7, 7};
    const char *text;
    int64_t integer;
    double number;

    (void)state;
    assert_int_equal(kn_json_want_number(root, "n", &number, &err), KN_OK);
    assert_int_equal(kn_json_want_integer(root, "n", &integer, &err), KN_ECORRUPT);
    assert_int_equal(kn_json_want_text(root, "n", &text, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "\"n\""));
    assert_int_equal(kn_json_want_text(root, "t", &text, &err), KN_OK);
    assert_int_equal(kn_json_want_numbers(root, "v", v, 3, &err), KN_ECORRUPT);
    assert_int_equal(kn_json_want_numbers(root, "w", v, 2, &err), KN_ECORRUPT);
    assert_true(v[0] == 7 && v[1] == 7);
    assert_int_equal(kn_json_want_numbers(root, "v", v, 2, &err), KN_OK);
    assert_true(v[0] == 1 && v[1] == 2);
    kn_json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_document_reads_as_it_should),
        cmocka_unit_test(text_is_escaped_and_repaired),
        cmocka_unit_test(a_float_reads_back_the_same),
        cmocka_unit_test(numbers_have_as_few_digits_as_give_them_back),
        cmocka_unit_test(rounded_numbers_lose_their_tail),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(parts_are_found_and_absent_ones_chain),
        cmocka_unit_test(damaged_text_is_told_with_its_place),
        cmocka_unit_test(a_wanted_key_of_another_type_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
