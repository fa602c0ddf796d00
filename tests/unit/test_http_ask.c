/* One test a promise of http.h's second part, a server that is asked many things, against tests/support/http_server.py. */
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/http.h"

#include "../support/http_server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "tell-nobody"

struct fixture {
    struct kn_http *http;
    struct kn_buf answer;
    struct kn_cancel cancel;
    struct kn_err err;
    long status;
};

static int open_at(struct fixture *f, const char *base, double timeout)
{
    const struct kn_http_options o = {
        .base = base, .header = "X-Secret: " SECRET, .timeout = timeout, .cancel = &f->cancel};

    return kn_http_open(&o, &f->http, &f->err);
}

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    kn_buf_init(&f->answer, 1 << 21);
    return open_at(f, server_address, 10);
}

static int end(void **state)
{
    struct fixture *f = *state;

    assert_null(strstr(f->err.msg, SECRET)); /* whatever went wrong */
    kn_http_close(f->http);
    kn_buf_free(&f->answer);
    free(f);
    return 0;
}

static int ask(struct fixture *f, const char *method, const char *path, const char *body,
               bool repeatable)
{
    const struct kn_http_request r = {
        .method = method, .path = path, .body = kn_sv_of(body), .repeatable = repeatable};

    return kn_http_ask(f->http, &r, &f->status, &f->answer, &f->err);
}

/* How often the server was asked so: "/echo POST". */
static int asked(struct fixture *f, const char *what)
{
    int n = 0;

    assert_int_equal(ask(f, "GET", "/log", NULL, true), KN_OK);
    for (const char *p = f->answer.data; (p = strstr(p, what)); p += strlen(what))
        n += p[strlen(what)] == '\n';
    return n;
}

static int connections(struct fixture *f)
{
    assert_int_equal(ask(f, "GET", "/connections", NULL, true), KN_OK);
    return atoi(f->answer.data);
}

static void method_header_and_body_arrive_and_the_answer_comes_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST", "/echo", "{\"a\":1}", true), KN_OK);
    assert_int_equal(f->status, 200);
    assert_string_equal(f->answer.data, "POST\n" SECRET "\n{\"a\":1}");
    assert_int_equal(ask(f, "PUT", "/echo", "", false), KN_OK);
    assert_string_equal(f->answer.data, "PUT\n" SECRET "\n");
}

static void any_status_is_an_answer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST", "/nothing", "{}", true), KN_OK);
    assert_int_equal(f->status, 404);
    assert_string_equal(f->answer.data, "no such place");
}

static void a_large_body_arrives_whole(void **state)
{
    struct fixture *f = *state;
    char *body = malloc(1000001);

    memset(body, 'x', 1000000);
    body[1000000] = '\0';
    assert_int_equal(ask(f, "POST", "/echo", body, true), KN_OK);
    assert_int_equal(f->answer.n, strlen("POST\n" SECRET "\n") + 1000000);
    free(body);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    struct fixture *f = *state;
    int before = connections(f);

    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(f, "POST", "/echo", "{}", true), KN_OK);
    assert_int_equal(connections(f), before);
}

static void *ask_in_a_loop(void *ctx)
{
    struct fixture *shared = ctx;
    struct fixture own = {.http = shared->http};

    kn_buf_init(&own.answer, 1 << 16);
    for (int i = 0; i < 50; i++)
        if (ask(&own, "POST", "/echo", "{}", true) || own.status != 200)
            return ctx;
    kn_buf_free(&own.answer);
    return NULL;
}

static void any_number_of_threads_ask_at_once(void **state)
{
    struct fixture *f = *state;
    int before = connections(f);
    pthread_t threads[4];
    void *bad;

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_a_loop, f), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_true(connections(f) <= before + 4);
}

static void too_many_requests_are_sent_again_when_the_server_says(void **state)
{
    struct fixture *f = *state;
    double before = kn_clock_now();

    assert_int_equal(ask(f, "POST", "/busy/1/2", "{}", false), KN_OK); /* nothing was done */
    assert_int_equal(f->status, 200);
    assert_true(kn_clock_now() - before >= 2);
    assert_int_equal(asked(f, "/busy/1/2 POST"), 2);
}

static void a_server_that_is_down_is_asked_again_only_what_may_be_repeated(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST", "/down/1/1", "{}", true), KN_OK);
    assert_int_equal(f->status, 200);
    assert_int_equal(asked(f, "/down/1/1 POST"), 2);
    assert_int_equal(ask(f, "PUT", "/down/2/1", "{}", false), KN_OK);
    assert_int_equal(f->status, 503);
    assert_string_equal(f->answer.data, "later");
    assert_int_equal(asked(f, "/down/2/1 PUT"), 1);
}

static void what_got_no_answer_is_sent_again_only_if_it_may_be(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST", "/echo", "{}", true), KN_OK); /* a connection that is kept */
    assert_int_equal(ask(f, "POST", "/once/a", "{}", false), KN_ENET);
    assert_int_equal(asked(f, "/once/a POST"), 1);
    assert_int_equal(ask(f, "POST", "/once/b", "{}", true), KN_OK);
    assert_int_equal(f->status, 200);
    assert_int_equal(asked(f, "/once/b POST"), 2);
}

static void an_answer_that_breaks_off_is_none(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "POST", "/breaks", "{}", true), KN_ENET);
    assert_non_null(strstr(f->err.msg, "POST http://127.0.0.1:"));
    assert_non_null(strstr(f->err.msg, "/breaks: "));
    assert_true(f->err.retry);
    assert_int_equal(asked(f, "/breaks POST"), 5);
}

static void a_slow_answer_is_a_time_out_and_not_asked_for_again(void **state)
{
    struct fixture *f = *state;

    kn_http_close(f->http);
    assert_int_equal(open_at(f, server_address, 0.3), KN_OK);
    assert_int_equal(ask(f, "POST", "/echo", "{}", true), KN_OK);
    assert_int_equal(ask(f, "POST", "/slow", "{}", true), KN_ETIMEOUT);
    assert_non_null(strstr(f->err.msg, "no whole answer within 0.3 seconds"));
    assert_int_equal(asked(f, "/slow POST"), 1);
}

static void a_longer_answer_than_may_be_is_refused(void **state)
{
    struct fixture *f = *state;

    kn_buf_free(&f->answer);
    kn_buf_init(&f->answer, 1000);
    assert_int_equal(ask(f, "GET", "/file", NULL, true), KN_ELIMIT);
    assert_non_null(strstr(f->err.msg, "longer than the 1000 bytes"));
    assert_true(f->answer.n <= 1000);
}

static void nobody_there_is_a_failure_after_some_tries(void **state)
{
    struct fixture *f = *state;

    kn_http_close(f->http);
    assert_int_equal(open_at(f, "http://127.0.0.1:1", 1), KN_OK); /* nothing listens at port 1 */
    assert_int_equal(ask(f, "PUT", "/x", "{}", false), KN_ENET);
    assert_non_null(strstr(f->err.msg, "PUT http://127.0.0.1:1/x: "));
}

static void *cancel_soon(void *cancel)
{
    kn_clock_sleep(0.2);
    kn_cancel_set(cancel);
    return NULL;
}

static void cancel_ends_a_request_and_a_pause(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct fixture *f = *state;
        double before = kn_clock_now();
        pthread_t thread;

        f->cancel.set = false;
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &f->cancel), 0);
        assert_int_equal(ask(f, i ? "POST" : "GET", i ? "/busy/8/50" : "/stuck", NULL, true),
                         KN_ECANCELLED);
        assert_true(kn_clock_now() - before < 3);
        pthread_join(thread, NULL);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(method_header_and_body_arrive_and_the_answer_comes_back),
        TEST(any_status_is_an_answer),
        TEST(a_large_body_arrives_whole),
        TEST(a_connection_serves_one_request_after_another),
        TEST(any_number_of_threads_ask_at_once),
        TEST(too_many_requests_are_sent_again_when_the_server_says),
        TEST(a_server_that_is_down_is_asked_again_only_what_may_be_repeated),
        TEST(what_got_no_answer_is_sent_again_only_if_it_may_be),
        TEST(an_answer_that_breaks_off_is_none),
        TEST(a_slow_answer_is_a_time_out_and_not_asked_for_again),
        TEST(a_longer_answer_than_may_be_is_refused),
        TEST(nobody_there_is_a_failure_after_some_tries),
        TEST(cancel_ends_a_request_and_a_pause),
    };
    int failed;

    kn_http_init();
    if (server_start()) {
        fputs("cannot start tests/support/http_server.py with python3\n", stderr);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return server_stop() ? 1 : failed;
}
