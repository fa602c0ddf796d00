/* One test a promise of server/fields.h, target.h, rate.h and base/secret.h, named after it. */
#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "server/fields.h"
#include "server/rate.h"
#include "server/target.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_range(const char *text, enum kn_range want, uint64_t first, uint64_t last)
{
    uint64_t f = 0, l = 0;

    assert_int_equal(kn_field_range(text, 100, &f, &l), want);
    assert_int_equal(f, first);
    assert_int_equal(l, last);
}

static void one_range_of_bytes_is_understood(void **state)
{
    (void)state;
    assert_range("bytes=0-9", KN_RANGE_PART, 0, 9);
    assert_range("Bytes= 10- ", KN_RANGE_PART, 10, 99);
    assert_range("bytes=-1", KN_RANGE_PART, 99, 99);
    assert_range("bytes=-1000", KN_RANGE_PART, 0, 99);
    assert_range("bytes=99-18446744073709551616", KN_RANGE_PART, 99, 99);
    assert_range("bytes=100-", KN_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=18446744073709551616-", KN_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=-0", KN_RANGE_UNSATISFIABLE, 0, 0);
}

static void all_other_ranges_are_the_whole(void **state)
{
    static const char *const texts[] = {NULL,        "",           "bytes",      "bytes=",
                                        "bytes=-",   "bytes=5-4",  "bytes=a-b",  "bytes=1-2,4-5",
                                        "lines=1-2", "bytes=1-2;", "bytes=+1-2", "bytes=1 -2"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_range(texts[i], KN_RANGE_WHOLE, 0, 0);
}

static void tags_are_compared_weakly_and_whole(void **state)
{
    (void)state;
    assert_true(kn_field_etag_among("\"a\", W/\"b,c\" ,\"d\"", "\"b,c\""));
    assert_true(kn_field_etag_among("*", "\"a\""));
    assert_false(kn_field_etag_among("\"ab\"", "\"a\""));
    assert_false(kn_field_etag_among("a", "\"a\""));
    assert_false(kn_field_etag_among(NULL, "\"a\""));
}

static void dates_are_of_one_form_and_exist(void **state)
{
    char text[KN_DATE_TEXT];
    time_t t = 0;

    (void)state;
    assert_true(kn_field_date_parse("Sun, 06 Nov 1994 08:49:37 GMT", &t));
    assert_int_equal(t, 784111777);
    kn_field_date_format(t, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_false(kn_field_date_parse("Mon, 06 Nov 1994 08:49:37 GMT", &t));
    assert_false(kn_field_date_parse("Thu, 31 Feb 2026 00:00:00 GMT", &t));
    assert_false(kn_field_date_parse("Sunday, 06-Nov-94 08:49:37 GMT", &t));
    assert_false(kn_field_date_parse(NULL, &t));
}

static void the_most_specific_type_decides(void **state)
{
    (void)state;
    assert_true(kn_field_accepts(NULL, "application/json"));
    assert_true(kn_field_accepts("", "application/json"));
    assert_true(kn_field_accepts("text/html, */*;q=0.1", "application/json"));
    assert_true(kn_field_accepts("APPLICATION/*", "application/json"));
    assert_false(kn_field_accepts("text/html", "application/json"));
    assert_false(kn_field_accepts("*/*, application/json; q=0.0", "application/json"));
    assert_true(kn_field_accepts("*/*;q=0, application/json;v=1;q=0.5", "application/json"));
    assert_false(kn_field_accepts("app/*", "application/json"));
}

static void encodings_are_taken_unless_refused(void **state)
{
    (void)state;
    assert_int_equal(kn_field_encodings(NULL), 0);
    assert_int_equal(kn_field_encodings("deflate"), 0);
    assert_int_equal(kn_field_encodings("gzip, br;q=0.5"), KN_ENCODING_GZIP | KN_ENCODING_BR);
    assert_int_equal(kn_field_encodings("gzip;q=0, *"), KN_ENCODING_BR);
    assert_int_equal(kn_field_encodings("*;q=0"), 0);
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    struct kn_sv v = {0};

    (void)state;
    assert_true(kn_field_cookie("xs=1; s=2 ;t=3", "s", &v));
    assert_memory_equal(v.p, "2", 1);
    assert_int_equal(v.n, 1);
    assert_true(kn_field_cookie("s=", "s", &v));
    assert_int_equal(v.n, 0);
    assert_false(kn_field_cookie("xs=1; st=2", "s", &v));
    assert_false(kn_field_cookie(NULL, "s", &v));
}

static void assert_host(const char *text, const char *want)
{
    struct kn_sv v = {0};

    assert_int_equal(kn_field_host(text, &v), want != NULL);
    if (want)
        assert_true(kn_sv_eq(v, kn_sv_of(want)));
}

static void a_host_is_told_from_its_port(void **state)
{
    (void)state;
    assert_host("localhost", "localhost");
    assert_host("films.lan:7878", "films.lan");
    assert_host("[::1]:80", "::1");
    assert_host("127.0.0.1:", "127.0.0.1");
    assert_host("", NULL);
    assert_host(":80", NULL);
    assert_host("[::1", NULL);
    assert_host("a b", NULL);
    assert_host("a:80:80", NULL);
    assert_host("user@host", NULL);
    assert_host(NULL, NULL);
    assert_true(kn_field_same_origin("https://Films.lan", "films.lan"));
    assert_false(kn_field_same_origin("https://films.lan", "films.lan:7878"));
    assert_false(kn_field_same_origin("null", "films.lan"));
    assert_false(kn_field_same_origin("https://films.lan", NULL));
}

static void json_is_named_so_and_in_utf8(void **state)
{
    (void)state;
    assert_true(kn_field_is_json("application/json"));
    assert_true(kn_field_is_json("Application/JSON; Charset=UTF-8"));
    assert_false(kn_field_is_json("application/json; charset=latin1"));
    assert_false(kn_field_is_json("application/jsonp"));
    assert_false(kn_field_is_json("text/plain"));
    assert_false(kn_field_is_json(NULL));
}

static void depth_does_not_count_what_is_text(void **state)
{
    (void)state;
    assert_int_equal(kn_json_depth(kn_sv_of("{\"a[[\\\"[\":[{}],\"b\":[]}")), 3);
    assert_int_equal(kn_json_depth(kn_sv_of("1")), 0);
    assert_int_equal(kn_json_depth(kn_sv_of("[[[[")), 4);
}

static void a_target_is_decoded_once(void **state)
{
    struct kn_arena *arena = kn_arena_new(1 << 20);
    struct kn_target t;

    (void)state;
    assert_int_equal(kn_target_parse("/a%20b/%2525//?x=1+2%2B&y&=z", arena, &t, NULL), KN_OK);
    assert_string_equal(t.path, "/a%20b/%2525//");
    assert_int_equal(t.n_segments, 4);
    assert_string_equal(t.segments[0], "a b");
    assert_string_equal(t.segments[1], "%25");
    assert_string_equal(t.segments[2], "");
    assert_int_equal(t.n_query, 3);
    assert_string_equal(t.query[0].value, "1 2+");
    assert_string_equal(t.query[1].name, "y");
    assert_string_equal(t.query[1].value, "");
    assert_string_equal(t.query[2].name, "");
    assert_int_equal(kn_target_parse("/", arena, &t, NULL), KN_OK);
    assert_int_equal(t.n_segments, 0);
    kn_arena_free(arena);
}

static void a_target_that_could_surprise_is_none(void **state)
{
    static const char *const bad[] = {"",       "a",    "/../a", "/%2e%2E",   "/a/.",    "/a%2fb",
                                      "/a%5cb", "/%00", "/%0a",  "/%7f",      "/%c0%80", "/%",
                                      "/%4",    "/a b", "/a#b",  "/\xc3\xa9", "/?%00",   "/?%ff=1"};
    struct kn_arena *arena = kn_arena_new(1 << 20);
    struct kn_target t;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(kn_target_parse(bad[i], arena, &t, NULL), KN_EARG);
    kn_arena_free(arena);
}

static void an_address_has_what_comes_back_with_time(void **state)
{
    struct kn_rate *r = kn_rate_new(3, 0.5);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(kn_rate_ask(r, 1, 100, true));
    assert_false(kn_rate_ask(r, 1, 100, true));
    assert_false(kn_rate_ask(r, 1, 101, true));
    assert_true(kn_rate_ask(r, 1, 102, false));
    assert_true(kn_rate_ask(r, 1, 102, true));
    assert_false(kn_rate_ask(r, 1, 102, true));
    assert_true(kn_rate_ask(r, 2, 102, true)); /* another is not concerned */
    for (int i = 0; i < 3; i++)
        assert_true(kn_rate_ask(r, 1, 1000, true)); /* no more than the burst is saved up */
    assert_false(kn_rate_ask(r, 1, 1000, true));
    kn_rate_free(r);
}

static uint64_t key(const char *text)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    struct sockaddr_in b = {.sin_family = AF_INET};

    if (inet_pton(AF_INET6, text, &a.sin6_addr) == 1)
        return kn_address_key((const struct sockaddr *)&a);
    assert_int_equal(inet_pton(AF_INET, text, &b.sin_addr), 1);
    return kn_address_key((const struct sockaddr *)&b);
}

static void a_household_is_one_address(void **state)
{
    (void)state;
    assert_true(key("2001:db8:1:2::1") == key("2001:db8:1:2:3:4:5:6"));
    assert_true(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
    assert_true(key("::ffff:192.0.2.1") == key("192.0.2.1"));
    assert_true(key("192.0.2.1") != key("192.0.2.2"));
}

static void a_secret_is_long_and_never_the_same(void **state)
{
    char a[KN_SECRET_TEXT], b[KN_SECRET_TEXT], text[KN_SECRET_TEXT];
    struct kn_digest d, e;

    (void)state;
    assert_int_equal(kn_secret_make(a, NULL), KN_OK);
    assert_int_equal(kn_secret_make(b, NULL), KN_OK);
    assert_int_equal(strspn(a, "0123456789abcdef"), 64);
    assert_string_not_equal(a, b);
    d = kn_digest_of(kn_sv_of("abc"), (struct kn_sv){0}); /* FIPS 180-4 */
    kn_digest_format(&d, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(kn_digest_parse(kn_sv_of(text), &e));
    assert_true(kn_digest_eq(&d, &e));
    e = kn_digest_of(kn_sv_of("ab"), kn_sv_of("c"));
    d = kn_digest_of(kn_sv_of("a"), kn_sv_of("bc"));
    assert_false(kn_digest_eq(&d, &e));
    text[0] = 'g';
    assert_false(kn_digest_parse(kn_sv_of(text), &e));
    d = (struct kn_digest){"Jefe"}; /* RFC 4231, 4.3: a key is filled up with zeros */
    assert_true(kn_digest_mac(&d, kn_sv_of("what do ya want for nothing?"), &e));
    kn_digest_format(&e, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_false(kn_digest_parse(kn_sv_of("00"), &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_of_bytes_is_understood),
        cmocka_unit_test(all_other_ranges_are_the_whole),
        cmocka_unit_test(tags_are_compared_weakly_and_whole),
        cmocka_unit_test(dates_are_of_one_form_and_exist),
        cmocka_unit_test(the_most_specific_type_decides),
        cmocka_unit_test(encodings_are_taken_unless_refused),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(a_host_is_told_from_its_port),
        cmocka_unit_test(json_is_named_so_and_in_utf8),
        cmocka_unit_test(depth_does_not_count_what_is_text),
        cmocka_unit_test(a_target_is_decoded_once),
        cmocka_unit_test(a_target_that_could_surprise_is_none),
        cmocka_unit_test(an_address_has_what_comes_back_with_time),
        cmocka_unit_test(a_household_is_one_address),
        cmocka_unit_test(a_secret_is_long_and_never_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
