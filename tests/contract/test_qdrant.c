/* What qdrant.h promises beside library.h, above all when the server has a bad day: one test a promise. On the stand-in, which can be made
 * to fail; skipped where the suites run on a real server. */
#include "contract.h"

#include "base/clock.h"
#include "library/qdrant.h"

#include <pthread.h>

#define SECRET "tell-nobody"

static int begin(void **state)
{
    int rc = set_up(state);

    if (!rc)
        set_model(*state);
    return rc;
}

static void control(const char *path, const char *body)
{
    struct kn_buf answer;

    assert_int_equal(qdrant_ask("POST", path, body, &answer), 200);
    kn_buf_free(&answer);
}

static void fault(const char *json)
{
    control("/stand-in/faults", json);
}

static int end(void **state)
{
    fault("[]");
    return tear_down(state);
}

/* Another handle on the library of f. */
static struct kn_library *open_again(struct fixture *f, bool write, double timeout)
{
    const struct kn_qdrant_options q = {.timeout = timeout};
    const struct kn_library_options o = {.write = write, .qdrant = &q};
    struct kn_library *lib = NULL;
    struct kn_err err = {0};
    char address[192];

    snprintf(address, sizeof address, "qdrant+%s/%s", qdrant_url(), f->remote);
    if (kn_library_open(address, &o, &lib, &err))
        fail_msg("%s", err.msg);
    return lib;
}

static int open_error(const char *address, const char *key, struct kn_err *err)
{
    const struct kn_qdrant_options q = {.api_key = key};
    const struct kn_library_options o = {.write = true, .create = true, .qdrant = &q};
    struct kn_library *lib = NULL;
    int rc = kn_library_open(address, &o, &lib, err);

    kn_library_close(lib);
    return rc;
}

static void assert_says(const struct kn_err *err, const char *what)
{
    if (!strstr(err->msg, what))
        fail_msg("'%s' does not say '%s'", err->msg, what);
    assert_null(strstr(err->msg, SECRET));
}

/* How often what stands in the stand-in's log. */
static int requests(const char *what)
{
    struct kn_buf answer;
    int n = 0;

    assert_int_equal(qdrant_ask("GET", "/stand-in/log", NULL, &answer), 200);
    for (const char *p = answer.data; (p = strstr(p, what)); p++)
        n++;
    kn_buf_free(&answer);
    return n;
}

/* ---- addresses and servers ---- */

static void an_address_that_cannot_be_one_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"qdrant+ftp://h:1/n", "neither http nor https"},
        {"qdrant+http://h:1", "no name of a library"},
        {"qdrant+http:///n", "no host"},
        {"qdrant+http://h:1/", "1 to 64 letters"},
        {"qdrant+http://h:1/a/b", "1 to 64 letters"},
        {"qdrant+http://me:" SECRET "@h:1/n", "no user in the address"},
    };
    struct kn_err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(open_error(bad[i][0], NULL, &err), KN_EARG);
        assert_says(&err, bad[i][1]);
    }
}

static void nobody_at_the_address_is_said_with_it(void **state)
{
    struct kn_err err;

    (void)state;
    assert_int_equal(open_error("qdrant+http://127.0.0.1:1/films", NULL, &err), KN_ENET);
    assert_says(&err, "http://127.0.0.1:1/");
    assert_says(&err, "onnect");
    assert_true(err.retry);
}

static void a_library_that_is_not_there_is_not_made_by_reading(void **state)
{
    const struct kn_library_options reading = {0};
    struct kn_library *lib = NULL;
    struct kn_err err;
    char address[192];

    (void)state;
    snprintf(address, sizeof address, "qdrant+%s/nowhere", qdrant_url());
    assert_int_equal(kn_library_open(address, &reading, &lib, &err), KN_ENOTFOUND);
    assert_says(&err, "/nowhere: there is none of this name");
    assert_null(lib);
}

static void a_reader_cannot_write(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 2);
    struct kn_library *reader = open_again(f, false, 0);
    struct kn_err err;

    assert_int_equal(kn_library_put(reader, &r, 1, &err), KN_EARG);
    assert_says(&err, "opened for reading only");
    assert_int_equal(kn_library_remove(reader, &r.title.id, 1, NULL), KN_EARG);
    assert_int_equal(kn_library_set_model(reader, "m", 3, NULL), KN_EARG);
    kn_library_close(reader);
}

static void a_key_that_is_missing_or_wrong_or_only_reads_is_told_apart(void **state)
{
    struct python_server s = {0};
    const struct kn_qdrant_options read_only = {.api_key = SECRET "-ro"};
    const struct kn_library_options o = {.write = true, .create = true, .qdrant = &read_only};
    struct kn_library *lib = NULL;
    struct kn_err err;
    char address[192];

    (void)state;
    assert_int_equal(
        qdrant_start_stand_in(&s, "--api-key=" SECRET, "--read-only-key=" SECRET "-ro"), 0);
    snprintf(address, sizeof address, "qdrant+%s/films", s.address);
    assert_int_equal(open_error(address, NULL, &err), KN_EARG);
    assert_says(&err, "401 Must provide an API key");
    assert_says(&err, "set KINORA_QDRANT_API_KEY or KINORA_QDRANT_API_KEY_FILE");
    assert_int_equal(open_error(address, SECRET "x", &err), KN_EARG);
    assert_says(&err, "401 Invalid API key");
    assert_int_equal(open_error(address, SECRET "\n", &err), KN_EARG);
    assert_says(&err, "more than one line");
    assert_int_equal(open_error(address, SECRET, &err), KN_OK);
    assert_int_equal(kn_library_open(address, &o, &lib, &err), KN_OK);
    assert_int_equal(kn_library_set_model(lib, "m", 3, &err), KN_EARG);
    assert_says(&err, "403 Forbidden: Global manage access is required; set KINORA_QDRANT_API_KEY");
    kn_library_close(lib);
    assert_int_equal(python_server_stop(&s), 0);
}

static void a_server_that_is_too_old_is_refused(void **state)
{
    struct python_server s = {0};
    struct kn_err err;
    char address[192];

    (void)state;
    assert_int_equal(qdrant_start_stand_in(&s, "--version=1.12.6", NULL), 0);
    snprintf(address, sizeof address, "qdrant+%s/films", s.address);
    assert_int_equal(open_error(address, NULL, &err), KN_EARG);
    assert_says(&err, "the server is Qdrant 1.12.6; 1.13 or newer is needed");
    assert_int_equal(python_server_stop(&s), 0);
}

static void something_else_than_qdrant_is_told(void **state)
{
    struct fixture *f = *state;
    struct kn_err err;
    char address[192];

    snprintf(address, sizeof address, "qdrant+%s/%s", qdrant_url(), f->remote);
    fault("[{\"path\":\"GET /\",\"kind\":\"answer\",\"body\":\"<html>hello\",\"times\":9}]");
    assert_int_equal(open_error(address, NULL, &err), KN_ENET);
    assert_says(&err, "is it a Qdrant server?");
    fault("[{\"path\":\"GET /\",\"kind\":\"answer\",\"body\":\"{}\",\"times\":9}]");
    assert_int_equal(open_error(address, NULL, &err), KN_ENET);
    assert_says(&err, "does not say that it is Qdrant");
}

/* ---- bad days ---- */

static void assert_there(struct fixture *f, const struct kn_record *r, size_t n)
{
    struct kn_err err = {0};

    fault("[]");
    for (size_t i = 0; i < n; i++) {
        struct kn_record back = get(f, r[i].title.id);

        assert_same_record(&r[i], &back);
    }
    assert_int_equal(stats_of(f).titles, n);
    assert_int_equal(kn_library_check(f->lib, &err), KN_OK);
}

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

static void another_dimension_is_told_in_the_servers_words(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1);
    struct kn_json *root = NULL;
    const struct kn_json *all;
    struct kn_buf answer, ignored;
    struct kn_hit hit;
    struct kn_err err;
    char path[256];
    size_t n;

    put(f, &r, 1);
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
        qdrant_ask("PUT", path, "{\"vectors\":{\"meaning\":{\"size\":4,\"distance\":\"Dot\"}}}",
                   &ignored);
        kn_buf_free(&ignored);
    }
    kn_json_free(root);
    kn_buf_free(&answer);
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
    assert_int_equal(kn_library_put(lib, &r, 1, &err), KN_ENET);
    assert_says(&err, s.address);
    kn_library_close(lib);
}

/* ---- how it works together ---- */

static void a_put_of_more_than_a_request_holds_goes_in_several(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[3];
    int before;

    for (uint32_t i = 0; i < 3; i++) {
        char *text = kn_arena_get(f->arena, (6 << 20) + 1);

        memset(text, 'a' + (int)i, 6 << 20);
        r[i] = some_record(f->arena, i, 1);
        ((struct kn_segment *)r[i].segments)->text = text;
    }
    before = requests("PUT /collections/contract");
    put(f, r, 3);
    assert_true(requests("PUT /collections/contract") - before >= 3);
    assert_there(f, r, 3);
}

static void two_handles_see_each_other(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 2), back;
    struct kn_library *other = open_again(f, true, 0);
    struct kn_err err;
    char name[64];
    size_t dim;

    assert_int_equal(kn_library_model(other, name, &dim, NULL), KN_OK);
    assert_string_equal(name, "test-model");
    assert_int_equal(dim, DIM);
    assert_int_equal(kn_library_put(other, &r, 1, &err), KN_OK);
    back = get(f, id_of(1));
    assert_same_record(&r, &back);
    assert_int_equal(kn_library_remove(f->lib, &r.title.id, 1, NULL), KN_OK);
    assert_int_equal(kn_library_get(other, &r.title.id, 0, f->arena, &back, NULL), KN_ENOTFOUND);
    kn_library_close(other);
}

static void a_new_model_is_built_aside_and_swapped_in_one_step(void **state)
{
    struct fixture *f = *state;
    struct kn_record old = some_record(f->arena, 1, 2), new, back;
    struct kn_library *reader = open_again(f, false, 0);
    static const float vector[3] = {0, 1, 0};
    struct kn_hit hit;
    char name[64];
    size_t dim, n;

    put(f, &old, 1);
    assert_int_equal(kn_qdrant_swap(f->lib, NULL), KN_EARG); /* nothing there yet */
    assert_int_equal(kn_qdrant_aside(f->lib, "better", 3, NULL), KN_OK);
    new = old;
    new.vector = vector;
    new.n_moments = 0;
    new.moments = NULL;
    put(f, &new, 1);
    assert_int_equal(kn_library_similar(f->lib, vector, 3, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_int_equal(kn_library_similar(reader, old.vector, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1); /* all goes on as it was */
    assert_int_equal(kn_library_get(reader, &old.title.id, 7, f->arena, &back, NULL), KN_OK);
    assert_int_equal(back.n_moments, 2);
    assert_int_equal(kn_qdrant_swap(f->lib, NULL), KN_OK);
    assert_int_equal(kn_library_model(reader, name, &dim, NULL), KN_OK);
    assert_string_equal(name, "better");
    assert_int_equal(kn_library_similar(reader, vector, 3, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_int_equal(stats_of(f).titles, 1);
    kn_library_close(reader);
}

static size_t shared_words(struct fixture *f, const struct kn_wording *w, struct kn_hit *hits)
{
    struct kn_err err = {0};
    size_t n = 0;

    if (kn_library_shared_words(f->lib, w, NULL, 20, hits, &n, &err))
        fail_msg("%s", err.msg);
    return n;
}

static void in_a_large_library_how_rare_a_word_is_is_asked_for_once(void **state)
{
    enum { N = 5200 };
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, N, sizeof *r);
    struct kn_wording w;
    struct kn_hit first[20], again[20];
    size_t n;
    int before;

    for (uint32_t i = 0; i < N; i++) {
        struct kn_segment *s = kn_arena_array(f->arena, 1, sizeof *s);

        r[i] = some_record(f->arena, i, 0);
        *s =
            (struct kn_segment){0, 1, kn_arena_printf(f->arena, "they came home to port%u", i / 4)};
        r[i].segments = s;
        r[i].n_segments = 1;
    }
    put(f, r, N);
    assert_int_equal(kn_library_wording(f->lib, &r[8].title.id, &w, NULL), KN_OK);
    before = requests("query/batch");
    n = shared_words(f, &w, first);
    assert_int_equal(n, 4); /* what all say does not count */
    assert_true(first[0].words > 0.99);
    assert_int_equal(requests("query/batch"), before + 1);
    assert_int_equal(shared_words(f, &w, again), 4);
    assert_memory_equal(&first[3].id, &again[3].id, sizeof first->id);
    assert_true(first[3].words == again[3].words);
    assert_int_equal(requests("query/batch"), before + 1);
    assert_int_equal(kn_library_wording(f->lib, &r[80].title.id, &w, NULL), KN_OK);
    assert_int_equal(shared_words(f, &w, again), 4); /* one word that is not known yet */
    assert_int_equal(requests("query/batch"), before + 2);
}

#define ON(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_cannot_be_one_is_refused),
        cmocka_unit_test(nobody_at_the_address_is_said_with_it),
        cmocka_unit_test(a_library_that_is_not_there_is_not_made_by_reading),
        ON(a_reader_cannot_write),
        ON(a_key_that_is_missing_or_wrong_or_only_reads_is_told_apart),
        ON(a_server_that_is_too_old_is_refused),
        ON(something_else_than_qdrant_is_told),
        ON(a_put_outlives_what_fails_once),
        ON(what_fails_for_good_is_told_and_nothing_is_lost),
        ON(a_busy_server_is_waited_for_as_it_says),
        ON(a_slow_server_is_a_time_out),
        ON(answers_that_are_not_what_they_should_be_are_failures),
        ON(a_server_that_goes_away_is_told),
        ON(another_dimension_is_told_in_the_servers_words),
        ON(a_put_of_more_than_a_request_holds_goes_in_several),
        ON(in_a_large_library_how_rare_a_word_is_is_asked_for_once),
        ON(two_handles_see_each_other),
        ON(a_new_model_is_built_aside_and_swapped_in_one_step),
    };
    int failed;

    if (getenv("KINORA_TEST_QDRANT")) {
        puts("skip qdrant: a real server does not fail at will");
        return 0;
    }
    if (qdrant_start())
        return 1;
    backend = &backends[2];
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return qdrant_stop() ? 1 : failed;
}
