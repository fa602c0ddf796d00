/* Publishing and pulling that is stopped, that fails, and whose results are spoiled: between libraries where hundreds of titles
 * cost nothing. tests/e2e/publish.py does it to a server. */
#include "share_fixture.h"

#include "base/cancel.h"
#include "library/backend.h"

static void only_a_sample_is_compared(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;

    put_some(f, s.lib, 0, 250);
    done = publish(f, &s);
    assert_int_equal(done.present, 250);
    assert_int_equal(done.compared, 100);
    assert_int_equal(done.questions, 100);
    close_side(&s);
}

/* ---- when it is stopped, and when it fails ---- */

static void stop(void *ctx, const struct kn_share_event *e)
{
    if (e->doing == KN_SHARE_SEND)
        kn_cancel_set(ctx);
}

static void a_stopped_run_goes_on(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_cancel cancel = {false};
    struct kn_share share = between(f, &s);
    struct kn_shared done, rest;

    put_some(f, s.lib, 0, 200);
    share.cancel = &cancel;
    share.event = stop;
    share.ctx = &cancel;
    assert_int_equal(kn_share_publish(&share, &done, NULL), KN_ECANCELLED);
    assert_in_range(done.sent, 1, 199);
    rest = publish(f, &s);
    assert_int_equal(rest.same, done.sent);
    assert_int_equal(done.sent + rest.sent, 200);
    close_side(&s);
}

/* A library between us and the other one that spoils what passes. */
struct spoiler {
    struct kn_library base;
    struct kn_library *inner;
    int puts, fail_at; /* the put of that number fails, and */
    bool lost;         /* its answer is what is lost, or the request */
    bool swallow;      /* puts are told to be done and are not */
    bool bend;         /* vectors come back as others */
    bool deaf;         /* the best answers are left out */
};

static struct kn_library_ops spoiled_ops;

static struct kn_library *inner_of(struct kn_library *lib)
{
    return ((struct spoiler *)lib)->inner;
}

static int spoiled_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err)
{
    return kn_library_model(inner_of(lib), name, dim, err);
}

static int spoiled_set_model(struct kn_library *lib, const char *name, size_t dim,
                             struct kn_err *err)
{
    return kn_library_set_model(inner_of(lib), name, dim, err);
}

static int spoiled_put(struct kn_library *lib, const struct kn_record *records, size_t n,
                       struct kn_err *err)
{
    struct spoiler *s = (struct spoiler *)lib;
    bool fails = ++s->puts == s->fail_at;

    if (!s->swallow && (!fails || s->lost))
        assert_int_equal(kn_library_put(s->inner, records, n, err), KN_OK);
    return fails ? kn_err_set(err, KN_ENET, "the line went dead") : KN_OK;
}

static int spoiled_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
                       struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    int rc = kn_library_get(inner_of(lib), id, parts, arena, out, err);

    if (rc == KN_OK && out->vector && ((struct spoiler *)lib)->bend)
        out->vector = unit_vector(arena, 4711);
    return rc;
}

static int spoiled_remove(struct kn_library *lib, const struct kn_id *ids, size_t n,
                          struct kn_err *err)
{
    return kn_library_remove(inner_of(lib), ids, n, err);
}

static int spoiled_similar(struct kn_library *lib, const float *vector, size_t dim,
                           const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                           struct kn_err *err)
{
    struct kn_hit all[2 * 10];
    int rc = kn_library_similar(inner_of(lib), vector, dim, filter, 2 * k, all, n, err);

    assert_true(2 * k <= sizeof all / sizeof *all);
    if (rc == KN_OK && ((struct spoiler *)lib)->deaf && *n == 2 * k)
        memcpy(hits, all + k, k * sizeof *hits);
    else
        memcpy(hits, all, (*n < k ? *n : k) * sizeof *hits);
    *n = *n < k ? *n : k;
    return rc;
}

static int spoiled_similarities(struct kn_library *lib, const float *vector, size_t dim,
                                const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    return kn_library_similarities(inner_of(lib), vector, dim, ids, n, out, err);
}

static struct spoiler spoiling(struct fixture *f)
{
    spoiled_ops.model = spoiled_model;
    spoiled_ops.set_model = spoiled_set_model;
    spoiled_ops.put = spoiled_put;
    spoiled_ops.get = spoiled_get;
    spoiled_ops.remove = spoiled_remove;
    spoiled_ops.similar = spoiled_similar;
    spoiled_ops.similarities = spoiled_similarities;
    return (struct spoiler){.base = {.ops = &spoiled_ops}, .inner = f->lib};
}

static void a_line_that_breaks_anywhere_costs_nothing(void **state)
{
    static const struct {
        int at;    /* the batch of 64 titles that fails */
        bool lost; /* its answer is what is lost */
    } breaks[] = {{1, false}, {2, true}, {1, true}, {2, false}};
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;
    size_t sent = 0;

    put_some(f, s.lib, 0, 3 * 64);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        struct spoiler spoiler = spoiling(f);
        struct kn_share share = between(f, &s);

        spoiler.fail_at = breaks[i].at;
        spoiler.lost = breaks[i].lost;
        share.other = &spoiler.base;
        assert_int_equal(kn_share_publish(&share, &done, NULL), KN_ENET);
        sent += done.sent;
    }
    done = publish(f, &s);
    assert_int_equal(sent + done.sent, 3 * 64);
    assert_int_equal(done.present, 3 * 64);
    assert_int_equal(stats_of(f).titles, 3 * 64);
    for (uint32_t i = 0; i < 3 * 64; i++) {
        struct kn_record here = record_in(f, s.lib, i), there = record_in(f, f->lib, i);

        assert_same_record(&here, &there);
    }
    close_side(&s);
}

static void assert_found(struct fixture *f, struct side *s, struct spoiler *spoiler,
                         const char *says)
{
    struct kn_share share = between(f, s);
    struct kn_shared done;
    struct kn_err err = {0};

    share.other = &spoiler->base;
    assert_int_equal(kn_share_publish(&share, &done, &err), KN_ECORRUPT);
    if (!strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void the_check_finds_what_was_not_kept(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct spoiler spoiler = spoiling(f);

    put_some(f, s.lib, 0, 5);
    set_model(f);
    spoiler.swallow = true;
    assert_found(f, &s, &spoiler, "5 titles were taken and are not there");
    assert_int_equal(publish(f, &s).sent, 5); /* and none of them is thought to be there */
    close_side(&s);
}

static void the_check_finds_vectors_that_changed(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct spoiler spoiler = spoiling(f);

    put_some(f, s.lib, 0, 5);
    spoiler.bend = true;
    assert_found(f, &s, &spoiler, "the title's vector is not the same");
    close_side(&s);
}

static void the_check_finds_answers_that_differ(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct spoiler spoiler = spoiling(f);

    put_some(f, s.lib, 0, 50);
    spoiler.deaf = true;
    assert_found(f, &s, &spoiler, "to 50 questions 0 are given on both sides");
    close_side(&s);
}

static void a_stopped_pull_goes_on(void **state)
{
    struct fixture *f = *state;
    struct side s = {.dir = ""};
    struct kn_cancel cancel = {false};
    struct kn_share share;
    struct kn_shared done, rest;

    set_model(f);
    put_some(f, f->lib, 0, 300); /* more than a page */
    open_side(&s, true);
    share = between(f, &s);
    share.cancel = &cancel;
    share.event = stop;
    share.ctx = &cancel;
    assert_int_equal(kn_share_pull(&share, &done, NULL), KN_ECANCELLED);
    assert_in_range(done.sent, 1, 299);
    rest = pull(f, &s);
    assert_int_equal(done.sent + rest.sent, 300);
    assert_int_equal(rest.present, 300);
    close_side(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_a_sample_is_compared),
        TEST(a_stopped_run_goes_on),
        TEST(a_line_that_breaks_anywhere_costs_nothing),
        TEST(the_check_finds_what_was_not_kept),
        TEST(the_check_finds_vectors_that_changed),
        TEST(the_check_finds_answers_that_differ),
        TEST(a_stopped_pull_goes_on),
    };
    int failed = 0;

    for (backend = backends; !is_remote(); backend++)
        failed +=
            _cmocka_run_group_tests(backend->name, tests, sizeof tests / sizeof *tests, NULL, NULL);
    return failed;
}
