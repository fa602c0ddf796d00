/* contract.h - the backends under test, titles made from seeds, and what "the same" means.
 *
 * Every test of a contract suite gets a fresh library of each backend in turn. A new backend joins
 * by one line in backends. */
#ifndef KN_TESTS_CONTRACT_H
#define KN_TESTS_CONTRACT_H

#include "../support/qdrant_server.h"
#include "../support/remove_folder.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/library.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- backends ---- */

struct fixture {
    struct kn_library *lib;
    struct kn_arena *arena;
    char dir[64];    /* of a local library */
    char remote[64]; /* the name of one on a cluster */
};

static inline struct kn_library *open_memory(struct fixture *f)
{
    struct kn_library *lib = NULL;

    (void)f;
    assert_int_equal(kn_library_open_memory(&lib, NULL), KN_OK);
    return lib;
}

static inline struct kn_library *open_local(struct fixture *f)
{
    const struct kn_library_options options = {.write = true, .create = true};
    struct kn_library *lib = NULL;
    struct kn_err err = {0};

    strcpy(f->dir, "/tmp/kinora-contract-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    if (kn_library_open_local(f->dir, &options, &lib, &err))
        fail_msg("%s", err.msg);
    return lib;
}

static inline struct kn_library *open_qdrant(struct fixture *f)
{
    static int number;
    const struct kn_qdrant_options q = {.api_key = getenv("KINORA_TEST_QDRANT_API_KEY")};
    const struct kn_library_options options = {.write = true, .create = true, .qdrant = &q};
    struct kn_library *lib = NULL;
    struct kn_err err = {0};
    char address[192];

    snprintf(f->remote, sizeof f->remote, "contract-%d-%d", (int)getpid(), number++);
    snprintf(address, sizeof address, "qdrant+%s/%s", qdrant_url(), f->remote);
    if (kn_library_open(address, &options, &lib, &err))
        fail_msg("%s", err.msg);
    return lib;
}

static const struct backend {
    const char *name;
    struct kn_library *(*open)(struct fixture *f);
} backends[] = {{"memory", open_memory}, {"local", open_local}, {"qdrant", open_qdrant}}, *backend;

/* Where an engine of its own cannot be held to the last bit or to the moment, all such places in one. A real server removes
 * in the background, and sums in an order of its own. */
static inline bool is_remote(void)
{
    return strcmp(backend->name, "qdrant") == 0;
}

static inline void clear_up(struct fixture *f)
{
    kn_library_close(f->lib);
    if (f->dir[0])
        remove_folder(f->dir);
    if (f->remote[0])
        qdrant_drop_library(f->remote);
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    f->lib = backend->open(f);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    clear_up(f);
    kn_arena_free(f->arena);
    free(f);
    return 0;
}

/* ---- titles ---- */

enum { DIM = 24 };

static inline uint32_t
next_random(uint32_t *seed) /* Marsaglia's xorshift: the same titles every time */
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static inline double chance(uint32_t *seed)
{
    return next_random(seed) / 4294967296.0;
}

static inline struct kn_id id_of(uint32_t n)
{
    struct kn_hash h = {{0}};

    memcpy(h.b, &n, sizeof n);
    return kn_id_from_hash(&h);
}

static const float *unit_vector(struct kn_arena *a, uint32_t seed)
{
    float *v = kn_arena_array(a, DIM, sizeof *v);
    double square = 0;

    seed = seed * 2654435761u + 1;
    for (int i = 0; i < DIM; i++) {
        v[i] = (float)(chance(&seed) - 0.5);
        square += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)(v[i] / sqrt(square));
    return v;
}

/* A ready title with n segments and as many moments, all of whose contents follow from seed. */
static inline struct kn_record some_record(struct kn_arena *a, uint32_t number, size_t n)
{
    struct kn_segment *segments = kn_arena_array(a, n, sizeof *segments);
    struct kn_moment *moments = kn_arena_array(a, n, sizeof *moments);

    for (size_t i = 0; i < n; i++) {
        segments[i] = (struct kn_segment){1.5 * (double)i, 1.5 * (double)i + 1,
                                          kn_arena_printf(a, "line %zu of %u", i, number)};
        moments[i] = (struct kn_moment){.start = segments[i].start,
                                        .end = segments[i].end,
                                        .text = segments[i].text,
                                        .first_segment = (uint32_t)i,
                                        .segments = 1,
                                        .words = 4,
                                        .opinion = 0.25,
                                        .raw = unit_vector(a, 7000 + number),
                                        .vector = unit_vector(a, 9000 + 31 * number + (uint32_t)i)};
    }
    return (struct kn_record){.title = {.id = id_of(number),
                                        .name = kn_arena_printf(a, "Film %u", number),
                                        .state = KN_STATE_READY,
                                        .reason = "",
                                        .language = "en",
                                        .language_confidence = 0.75,
                                        .words_from = "speech",
                                        .scorer = "probe",
                                        .scorer_version = 2,
                                        .genres = "Drama, Western",
                                        .duration = 60,
                                        .opinion = -0.5,
                                        .year = 1999},
                              .vector = unit_vector(a, number),
                              .segments = segments,
                              .n_segments = n,
                              .moments = moments,
                              .n_moments = n};
}

static inline void put(struct fixture *f, const struct kn_record *r, size_t n)
{
    struct kn_err err = {0};

    if (kn_library_put(f->lib, r, n, &err))
        fail_msg("%s", err.msg);
}

static inline struct kn_record get(struct fixture *f, struct kn_id id)
{
    struct kn_record r;
    struct kn_err err = {0};

    if (kn_library_get(f->lib, &id, KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                       f->arena, &r, &err))
        fail_msg("%s", err.msg);
    return r;
}

static inline void set_model(struct fixture *f)
{
    assert_int_equal(kn_library_set_model(f->lib, "test-model", DIM, NULL), KN_OK);
}

static inline struct kn_library_stats stats_of(struct fixture *f)
{
    struct kn_library_stats s;

    assert_int_equal(kn_library_get_stats(f->lib, &s, NULL), KN_OK);
    return s;
}

static inline void assert_same_number(double a, double b)
{
    if (!(isnan(a) && isnan(b)) && a != b)
        fail_msg("%.17g is not %.17g", a, b);
}

static inline void assert_same_vector(const float *a, const float *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_memory_equal(a, b, DIM * sizeof *a);
}

static inline void assert_same_title(const struct kn_title *a, const struct kn_title *b)
{
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->reason, b->reason);
    assert_string_equal(a->language, b->language);
    assert_same_number(a->language_confidence, b->language_confidence);
    assert_int_equal(a->language_set, b->language_set);
    assert_string_equal(a->words_from, b->words_from);
    assert_string_equal(a->scorer, b->scorer);
    assert_int_equal(a->scorer_version, b->scorer_version);
    assert_string_equal(a->genres, b->genres);
    assert_same_number(a->duration, b->duration);
    assert_same_number(a->opinion, b->opinion);
    assert_int_equal(a->year, b->year);
    assert_int_equal(a->n_paths, b->n_paths);
    for (size_t i = 0; i < a->n_paths; i++)
        assert_string_equal(a->paths[i], b->paths[i]);
}

static inline void assert_same_record(const struct kn_record *a, const struct kn_record *b)
{
    assert_same_title(&a->title, &b->title);
    assert_same_vector(a->vector, b->vector);
    assert_same_vector(a->raw, b->raw);
    assert_int_equal(a->n_segments, b->n_segments);
    for (size_t i = 0; i < a->n_segments; i++) {
        assert_same_number(a->segments[i].start, b->segments[i].start);
        assert_same_number(a->segments[i].end, b->segments[i].end);
        assert_string_equal(a->segments[i].text, b->segments[i].text);
    }
    assert_int_equal(a->n_dropped, b->n_dropped);
    for (size_t i = 0; i < a->n_dropped; i++) {
        assert_same_number(a->dropped[i].start, b->dropped[i].start);
        assert_same_number(a->dropped[i].end, b->dropped[i].end);
        assert_string_equal(a->dropped[i].text, b->dropped[i].text);
        assert_string_equal(a->dropped[i].reason, b->dropped[i].reason);
    }
    assert_int_equal(a->n_moments, b->n_moments);
    for (size_t i = 0; i < a->n_moments; i++) {
        const struct kn_moment *x = &a->moments[i], *y = &b->moments[i];

        assert_same_number(x->start, y->start);
        assert_same_number(x->end, y->end);
        assert_string_equal(x->text, y->text);
        assert_int_equal(x->first_segment, y->first_segment);
        assert_int_equal(x->segments, y->segments);
        assert_int_equal(x->words, y->words);
        assert_same_number(x->opinion, y->opinion);
        assert_same_vector(x->vector, y->vector);
        assert_same_vector(x->raw, y->raw);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static inline int run_on_every_backend(const struct CMUnitTest *tests, size_t n)
{
    int failed = 0;

    if (qdrant_start())
        return 1;
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        backend = &backends[i];
        failed += _cmocka_run_group_tests(backend->name, tests, n, NULL, NULL);
    }
    return qdrant_stop() ? 1 : failed;
}

#endif
