/* What qdrant.h promises beside library.h: one test a promise. On the stand-in. */
#include "qdrant_fixture.h"

#include "library/qdrant.h"

#include <pthread.h>
#include <strings.h>

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

/* ---- how it works together ---- */

static void a_put_of_more_than_a_request_holds_goes_in_several(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[3];
    int before;

    for (uint32_t i = 0; i < 3; i++) {
        char *text = kn_arena_get(f->arena, (2 << 20) + 1);

        memset(text, 'a' + (int)i, 2 << 20);
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

static void a_long_list_is_whole_and_in_order_over_all_its_pages(void **state)
{
    enum { N = 700, PAGE = 70 };
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, N, sizeof *r);
    struct kn_title *page, last = {0};
    size_t met = 0, n = 0;

    for (uint32_t i = 0; i < N;
         i++) { /* long groups that begin alike, and names that differ early */
        const char *name = i % 3 ? kn_arena_printf(f->arena, "The Same Beginning %u", i)
                                 : kn_arena_printf(f->arena, "%c%u", 'a' + (int)i % 26, i);

        r[i] = (struct kn_record){.title = {.id = id_of(i), .name = name}};
    }
    put(f, r, N);
    do {
        assert_int_equal(
            kn_library_scroll(f->lib, met ? &last.id : NULL, PAGE, f->arena, &page, &n, NULL),
            KN_OK);
        for (size_t i = 0; i < n; last = page[i++], met++)
            assert_true(met == 0 || strcasecmp(last.name, page[i].name) < 0); /* so none twice */
    } while (n > 0);
    assert_int_equal(met, N);
}

struct writer {
    struct kn_library *lib;
    const struct kn_record *versions; /* put in turn */
    int failed;
};

static void *put_in_turn(void *ctx)
{
    struct writer *w = ctx;

    for (int i = 0; i < 40; i++)
        w->failed += kn_library_put(w->lib, &w->versions[i % 2], 1, NULL) != KN_OK;
    return NULL;
}

static void of_two_that_put_one_title_one_is_kept_whole(void **state)
{
    struct fixture *f = *state;
    struct kn_record versions[3] = {some_record(f->arena, 1, 6), some_record(f->arena, 1, 2),
                                    some_record(f->arena, 1, 6)};
    struct writer writers[2] = {{f->lib, versions, 0}, {open_again(f, true, 0), versions + 1, 0}};
    struct kn_moment_hit hits[20];
    struct kn_record back;
    pthread_t threads[2];
    size_t n;

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_in_turn, &writers[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(writers[i].failed, 0);
    }
    back = get(f, id_of(1));
    assert_same_record(&versions[back.n_moments == 2], &back);
    assert_int_equal(kn_library_moments(f->lib, versions->vector, DIM, NULL, 20, hits, &n, NULL),
                     KN_OK);
    assert_int_equal(n, back.n_moments);
    assert_int_equal(kn_library_check(f->lib, NULL), KN_OK);
    kn_library_close(writers[1].lib);
}

static int64_t number_at(const struct kn_json *v, const char *a, const char *b)
{
    return kn_json_integer_or(kn_json_get(kn_json_get(v, a), b), -1);
}

static void settings_are_those_of_the_collections_that_are_made(void **state)
{
    const struct kn_qdrant_options q = {.shards = 3,
                                        .replicas = 2,
                                        .consistency = 2,
                                        .m = 24,
                                        .ef_construct = 200,
                                        .ef = 64,
                                        .quantization = "scalar",
                                        .on_disk = true};
    const struct kn_library_options o = {.write = true, .create = true, .qdrant = &q};
    struct fixture *f = *state, other = {.arena = f->arena};
    struct kn_record r = some_record(f->arena, 1, 1);
    struct kn_json *root = NULL, *info = NULL;
    const struct kn_json *all, *config;
    struct kn_buf answer;
    char address[192];
    struct kn_hit hit;
    size_t n, seen = 0;

    strcpy(other.remote, "with-settings");
    snprintf(address, sizeof address, "qdrant+%s/%s", qdrant_url(), other.remote);
    assert_int_equal(kn_library_open(address, &o, &other.lib, NULL), KN_OK);
    set_model(&other);
    put(&other, &r, 1);
    assert_int_equal(kn_library_similar(other.lib, r.vector, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    qdrant_ask("GET", "/collections", NULL, &answer);
    assert_int_equal(kn_json_parse((struct kn_sv){answer.data, answer.n}, "", &root, NULL), KN_OK);
    kn_buf_free(&answer);
    all = kn_json_get(kn_json_get(root, "result"), "collections");
    for (size_t i = 0; i < kn_json_length(all); i++) {
        const char *name = kn_json_text_or(kn_json_get(kn_json_at(all, i), "name"), "");
        char path[128];

        if (strncmp(name, "with-settings", 13) != 0)
            continue;
        snprintf(path, sizeof path, "/collections/%s", name);
        qdrant_ask("GET", path, NULL, &answer);
        assert_int_equal(kn_json_parse((struct kn_sv){answer.data, answer.n}, "", &info, NULL),
                         KN_OK);
        config = kn_json_get(kn_json_get(info, "result"), "config");
        assert_int_equal(number_at(config, "params", "shard_number"), 3);
        assert_int_equal(number_at(config, "params", "replication_factor"), 2);
        assert_int_equal(number_at(config, "params", "write_consistency_factor"), 2);
        assert_int_equal(number_at(config, "hnsw_config", "m"), 24);
        assert_int_equal(number_at(config, "hnsw_config", "ef_construct"), 200);
        assert_non_null(strstr(answer.data, "\"type\": \"int8\""));
        assert_non_null(strstr(answer.data, "\"on_disk\": true"));
        kn_json_free(info);
        kn_buf_free(&answer);
        seen++;
    }
    assert_int_equal(seen, 2);
    kn_json_free(root);
    clear_up(&other);
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
    enum { N = 2080 };
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
        ON(a_put_of_more_than_a_request_holds_goes_in_several),
        ON(two_handles_see_each_other),
        ON(a_long_list_is_whole_and_in_order_over_all_its_pages),
        ON(of_two_that_put_one_title_one_is_kept_whole),
        ON(settings_are_those_of_the_collections_that_are_made),
        ON(a_new_model_is_built_aside_and_swapped_in_one_step),
        ON(in_a_large_library_how_rare_a_word_is_is_asked_for_once),
    };

    return run_on_stand_in(tests, sizeof tests / sizeof *tests);
}
