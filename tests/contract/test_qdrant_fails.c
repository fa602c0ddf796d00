/* A Qdrant server's bad days: nothing is lost, and each message is clear. One test a promise, on the stand-in. */
#include "qdrant_fixture.h"

#include "base/clock.h"

/* ---- bad days ---- */

static void a_put_outlives_what_fails_once(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[2] = {some_record(f->arena, 1, 3), some_record(f->arena, 2, 2)};
    static const char *const once[] = {"reset", "cut", "done-reset",
                                       "status\",\"status\":503,\"body\":\"later"};
    static const char *const at[] = {"points", "moments", "titles", "batch"};
    char json[256];

    for (size_t kind = 0; kind < 4; kind++) {
        r[0].title.year = 1900 + (int)kind; /* another version each time */
        snprintf(json, sizeof json, "[{\"path\":\"%s\",\"kind\":\"%s\"}]", at[kind], once[kind]);
        fault(json);
        put(f, r, 2);
        assert_int_equal(requests("\"times\": 0"), 1); /* it did fail */
        assert_there(f, r, 2);
    }
}

static void what_fails_for_good_is_told_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    struct kn_record old = some_record(f->arena, 1, 3), new = some_record(f->arena, 1, 5), back;
    struct kn_moment_hit hits[8];
    struct kn_err err;
    size_t n;

    put(f, &old, 1);
    new.title.name = "Anew";
    fault("[{\"path\":\"PUT /collections/contract\",\"kind\":\"reset\",\"skip\":1,\"times\":99}]");
    assert_int_equal(kn_library_put(f->lib, &new, 1, &err),
                     KN_ENET); /* moments are there, the title is not */
    assert_says(&err, "PUT http://127.0.0.1:");
    assert_says(&err, "/points");
    assert_true(err.retry);
    assert_there(f, &old, 1);
    assert_int_equal(
        kn_library_moments(f->lib, new.moments[4].vector, DIM, NULL, 8, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 3); /* none of those that no title names */
    put(f, &new, 1);
    back = get(f, new.title.id);
    assert_same_record(&new, &back);
    assert_int_equal(
        kn_library_moments(f->lib, new.moments[4].vector, DIM, NULL, 8, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 5);
}

static void a_busy_server_is_waited_for_as_it_says(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1);
    double before = kn_clock_now();
    struct kn_hit hit;
    struct kn_err err;
    size_t n = 7;

    fault("[{\"path\":\"PUT\",\"kind\":\"status\",\"status\":429,\"retry_after\":1}]");
    put(f, &r, 1);
    assert_true(kn_clock_now() - before >= 1);
    fault("[{\"path\":\"query\",\"kind\":\"status\",\"status\":429,\"retry_after\":3600,"
          "\"body\":\"Too many requests\"}]");
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, &err), KN_ENET);
    assert_int_equal(n, 7);
    assert_says(&err, "429 Too many requests; it is busy, try again later");
    fault(
        "[{\"path\":\"query\",\"kind\":\"status\",\"status\":503,\"retry_after\":3600,"
        "\"body\":\"{\\\"status\\\":{\\\"error\\\":\\\"Service internal error: no shard\\\"}}\"}]");
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, &err), KN_ENET);
    assert_says(&err, "503 Service internal error: no shard");
    fault("[{\"path\":\"query\",\"kind\":\"status\",\"status\":507,\"body\":\"\"}]");
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, &err), KN_EIO);
    assert_says(&err, "507; its disk is full");
}

static void a_slow_server_is_a_time_out(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1), back;
    struct kn_library *lib = open_again(f, false, 0.4);
    struct kn_err err;

    put(f, &r, 1);
    fault("[{\"path\":\"POST\",\"kind\":\"slow\",\"seconds\":2}]");
    assert_int_equal(kn_library_get(lib, &r.title.id, 0, f->arena, &back, &err), KN_ETIMEOUT);
    assert_says(&err, "no whole answer within 0.4 seconds");
    fault("[]");
    assert_int_equal(kn_library_get(lib, &r.title.id, 0, f->arena, &back, &err), KN_OK);
    kn_library_close(lib);
}

static void answers_that_are_not_what_they_should_be_are_failures(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 2), back;
    static const char *const bodies[] = {
        "<html>",
        "{\\\"result\\\":",
        "[]",
        "{}",
        "{\\\"result\\\":7}",
        "{\\\"result\\\":[{}]}",
        "{\\\"result\\\":[{\\\"id\\\":3,\\\"payload\\\":[]}]}",
        "{\\\"result\\\":{\\\"points\\\":[{\\\"id\\\":\\\"x\\\",\\\"score\\\":\\\"y\\\"},7]}}",
        "{\\\"result\\\":{\\\"points\\\":[{\\\"payload\\\":{\\\"numbers\\\":\\\"====\\\"}}]}}"};
    struct kn_moment_hit moment;
    struct kn_wording words;
    struct kn_title *titles;
    struct kn_hit hit;
    struct kn_err err;
    char json[512];
    size_t n;

    put(f, &r, 1);
    assert_int_equal(kn_library_wording(f->lib, &r.title.id, &words, NULL), KN_OK);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        bool no_answer = i < 4; /* of the others some are possible answers to some questions */
        int rc[7];

        snprintf(json, sizeof json,
                 "[{\"path\":\"POST\",\"kind\":\"answer\",\"body\":\"%s\",\"times\":999}]",
                 bodies[i]);
        fault(json);
        n = 0;
        rc[0] = kn_library_get(f->lib, &r.title.id, 7, f->arena, &back, &err);
        rc[1] = kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, &err);
        rc[2] = kn_library_moments(f->lib, r.vector, DIM, NULL, 1, &moment, &n, &err);
        rc[3] = kn_library_scroll(f->lib, NULL, 5, f->arena, &titles, &n, &err);
        rc[4] = kn_library_find(f->lib, "Film", KN_FIND_PART, 5, f->arena, &titles, &n, &err);
        rc[5] = kn_library_shared_words(f->lib, &words, NULL, 1, &hit, &n, &err);
        rc[6] = kn_library_put(f->lib, &r, 1, &err);
        assert_true(rc[0] != KN_OK);
        for (size_t op = 0; op < 7 && no_answer; op++)
            assert_int_equal(rc[op], KN_ENET);
        if (no_answer)
            assert_says(&err, "is it a Qdrant server?");
    }
    assert_there(f, &r, 1);
}

/* Deletes the collections of f, and makes them again with this body (NULL: not). */
static void replace_collections(struct fixture *f, const char *body)
{
    const struct kn_json *all;
    struct kn_json *root = NULL;
    struct kn_buf answer, ignored;
    char path[256];

    qdrant_ask("GET", "/collections", NULL, &answer);
    assert_int_equal(kn_json_parse((struct kn_sv){answer.data, answer.n}, "", &root, NULL), KN_OK);
    all = kn_json_get(kn_json_get(root, "result"), "collections");
    for (size_t i = 0; i < kn_json_length(all); i++) {
        const char *name = kn_json_text_or(kn_json_get(kn_json_at(all, i), "name"), "");

        if (strncmp(name, f->remote, strlen(f->remote)) != 0)
            continue;
        snprintf(path, sizeof path, "/collections/%s", name);
        qdrant_ask("DELETE", path, NULL, &ignored);
        kn_buf_free(&ignored);
        if (!body)
            continue;
        qdrant_ask("PUT", path, body, &ignored);
        kn_buf_free(&ignored);
    }
    kn_json_free(root);
    kn_buf_free(&answer);
}

static void a_library_that_was_removed_is_told_and_then_empty(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1), back;
    struct kn_err err;

    put(f, &r, 1);
    replace_collections(f, NULL);
    assert_int_equal(kn_library_get(f->lib, &r.title.id, 0, f->arena, &back, &err), KN_ENET);
    assert_says(&err, "doesn't exist!; the library was replaced or removed, try again");
    assert_true(err.retry);
    assert_int_equal(kn_library_get(f->lib, &r.title.id, 0, f->arena, &back, &err), KN_ENOTFOUND);
    set_model(f);
    put(f, &r, 1);
    assert_there(f, &r, 1);
}

static void another_dimension_is_told_in_the_servers_words(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1);
    struct kn_hit hit;
    struct kn_err err;
    size_t n;

    put(f, &r, 1);
    replace_collections(f, "{\"vectors\":{\"meaning\":{\"size\":4,\"distance\":\"Dot\"}}}");
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, &err), KN_EARG);
    assert_says(&err, "400 Wrong input: Vector dimension error: expected dim: 4, got 24");
    assert_int_equal(kn_library_put(f->lib, &r, 1, &err), KN_EARG);
    assert_says(&err, "Vector dimension error: expected dim: 4, got 24");
}

static void a_server_that_goes_away_is_told(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1);
    const struct kn_library_options o = {.write = true, .create = true};
    struct python_server s = {0};
    struct kn_library *lib = NULL;
    struct kn_hit hit;
    struct kn_err err;
    char address[192];
    size_t n = 7;

    assert_int_equal(qdrant_start_stand_in(&s, NULL, NULL), 0);
    snprintf(address, sizeof address, "qdrant+%s/films", s.address);
    assert_int_equal(kn_library_open(address, &o, &lib, NULL), KN_OK);
    assert_int_equal(kn_library_set_model(lib, "m", DIM, NULL), KN_OK);
    assert_int_equal(kn_library_put(lib, &r, 1, NULL), KN_OK);
    assert_int_equal(python_server_stop(&s), 0);
    assert_int_equal(kn_library_similar(lib, r.vector, DIM, NULL, 1, &hit, &n, &err), KN_ENET);
    assert_says(&err, s.address);
    assert_int_equal(n, 7);
    kn_library_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_put_outlives_what_fails_once),
        ON(what_fails_for_good_is_told_and_nothing_is_lost),
        ON(a_busy_server_is_waited_for_as_it_says),
        ON(a_slow_server_is_a_time_out),
        ON(answers_that_are_not_what_they_should_be_are_failures),
        ON(a_library_that_was_removed_is_told_and_then_empty),
        ON(another_dimension_is_told_in_the_servers_words),
        ON(a_server_that_goes_away_is_told),
    };

    return run_on_stand_in(tests, sizeof tests / sizeof *tests);
}
