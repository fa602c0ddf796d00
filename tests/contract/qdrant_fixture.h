/* qdrant_fixture.h - a library on the stand-in server, which can be made to fail. */
#ifndef KN_TESTS_QDRANT_FIXTURE_H
#define KN_TESTS_QDRANT_FIXTURE_H

#include "contract.h"

#define SECRET "tell-nobody"

static inline int begin(void **state)
{
    int rc = set_up(state);

    if (!rc)
        set_model(*state);
    return rc;
}

static inline void control(const char *path, const char *body)
{
    struct kn_buf answer;

    assert_int_equal(qdrant_ask("POST", path, body, &answer), 200);
    kn_buf_free(&answer);
}

static inline void fault(const char *json)
{
    control("/stand-in/faults", json);
}

static inline int end(void **state)
{
    fault("[]");
    return tear_down(state);
}

/* Another handle on the library of f. */
static inline struct kn_library *open_again(struct fixture *f, bool write, double timeout)
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

static inline int open_error(const char *address, const char *key, struct kn_err *err)
{
    const struct kn_qdrant_options q = {.api_key = key};
    const struct kn_library_options o = {.write = true, .create = true, .qdrant = &q};
    struct kn_library *lib = NULL;
    int rc = kn_library_open(address, &o, &lib, err);

    kn_library_close(lib);
    return rc;
}

static inline void assert_says(const struct kn_err *err, const char *what)
{
    if (!strstr(err->msg, what))
        fail_msg("'%s' does not say '%s'", err->msg, what);
    assert_null(strstr(err->msg, SECRET));
}

/* How often what stands in the stand-in's log. */
static inline int requests(const char *what)
{
    struct kn_buf answer;
    int n = 0;

    assert_int_equal(qdrant_ask("GET", "/stand-in/log", NULL, &answer), 200);
    for (const char *p = answer.data; (p = strstr(p, what)); p++)
        n++;
    kn_buf_free(&answer);
    return n;
}

static inline void assert_there(struct fixture *f, const struct kn_record *r, size_t n)
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

#define ON(f) cmocka_unit_test_setup_teardown(f, begin, end)

static inline int run_on_stand_in(const struct CMUnitTest *tests, size_t n)
{
    int failed;

    if (getenv("KINORA_TEST_QDRANT")) {
        puts("skip qdrant: a real server does not fail at will");
        return 0;
    }
    if (qdrant_start())
        return 1;
    backend = &backends[2];
    failed = _cmocka_run_group_tests("qdrant", tests, n, NULL, NULL);
    return qdrant_stop() ? 1 : failed;
}

#endif
