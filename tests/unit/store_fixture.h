/* store_fixture.h - a local library opened to write, and short forms of what store.h does with it. */
#ifndef KN_TESTS_STORE_FIXTURE_H
#define KN_TESTS_STORE_FIXTURE_H

#include "library/store.h"

#include "../support/remove_folder.h"
#include "base/arena.h"
#include "base/err.h"

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

enum { DIM = 4 };

struct fixture {
    char dir[64];
    struct kn_library *lib;
    struct kn_arena *arena;
};

static inline void open_library(struct fixture *f)
{
    const struct kn_library_options options = {.write = true, .create = true};
    struct kn_err err = {0};

    if (kn_library_open_local(f->dir, &options, &f->lib, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(kn_library_set_model(f->lib, "m", DIM, NULL), KN_OK);
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    strcpy(f->dir, "/tmp/kinora-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    open_library(f);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    kn_library_close(f->lib);
    kn_arena_free(f->arena);
    remove_folder(f->dir);
    free(f);
    return 0;
}

/* ---- short forms ---- */

static inline struct kn_hash hash(int n)
{
    struct kn_hash h = {{(unsigned char)n, 1, 2, 3}};

    return h;
}

static inline struct kn_seen file_at(const char *path, uint64_t size, int64_t time)
{
    return (struct kn_seen){.path = path, .size = size, .mtime_ns = time};
}

static inline struct kn_id see(struct fixture *f, const char *path, int content, const char *name)
{
    struct kn_seen seen = file_at(path, 1000, 5);
    struct kn_hash h = hash(content);
    struct kn_err err = {0};
    struct kn_id id;

    if (kn_store_see(f->lib, &seen, &h, name, 1980, &id, &err))
        fail_msg("%s", err.msg);
    return id;
}

static inline bool known(struct fixture *f, const char *path, uint64_t size, int64_t time)
{
    struct kn_seen seen = file_at(path, size, time);
    struct kn_hash identity;
    struct kn_id id;
    bool yes;

    assert_int_equal(kn_store_known(f->lib, &seen, &yes, &identity, &id, NULL), KN_OK);
    return yes;
}

static inline struct kn_record get(struct fixture *f, struct kn_id id)
{
    struct kn_record r;

    assert_int_equal(kn_library_get(f->lib, &id,
                                    KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                                    f->arena, &r, NULL),
                     KN_OK);
    return r;
}

static inline enum kn_state state_of(struct fixture *f, struct kn_id id)
{
    return get(f, id).title.state;
}

static inline bool exists(struct fixture *f, struct kn_id id)
{
    struct kn_record r;

    return kn_library_get(f->lib, &id, 0, f->arena, &r, NULL) == KN_OK;
}

/* The key of a finished stage; -1: none. */
static inline int key_of(struct fixture *f, struct kn_id id, enum kn_stage stage)
{
    struct kn_hash key;
    bool found;

    assert_int_equal(kn_store_stage(f->lib, &id, stage, &found, &key, NULL), KN_OK);
    return found ? key.b[0] : -1;
}

static inline void begin_scan(struct fixture *f)
{
    assert_int_equal(kn_store_scan_begin(f->lib, NULL), KN_OK);
}

static inline size_t end_scan(struct fixture *f, const char *root)
{
    size_t missing = 77;

    assert_int_equal(kn_store_scan_end(f->lib, root, &missing, NULL), KN_OK);
    return missing;
}

static const struct kn_segment two_segments[] = {{0, 1, "Hello there."}, {1, 2.5, "Good bye."}};
static const float east[DIM] = {1, 0, 0, 0}, north[DIM] = {0, 1, 0, 0};

static inline int commit_probe(struct kn_library *lib, const struct kn_id *id, int key)
{
    const struct kn_hash h = hash(key);
    const struct kn_probed p = {.duration = 42, .container = "mp4", .streams_json = "[]"};

    return kn_store_commit_probe(lib, id, &h, &p, NULL);
}

static inline int commit_words(struct kn_library *lib, const struct kn_id *id, int key, size_t n)
{
    const struct kn_hash h = hash(key);
    const struct kn_words w = {.segments = two_segments,
                               .n_segments = n,
                               .language = n ? "en" : "",
                               .words_from = n ? "speech" : "",
                               .reason = n ? "" : "no speech in 42 s",
                               .language_confidence = 0.9,
                               .duration = 43};

    return kn_store_commit_words(lib, id, &h, &w, NULL);
}

static inline int commit_vectors(struct kn_library *lib, const struct kn_id *id, int key,
                                 const float *vector)
{
    const struct kn_hash h = hash(key);
    const struct kn_moment m[] = {{.start = 0,
                                   .end = 1,
                                   .text = "Hello there.",
                                   .segments = 1,
                                   .words = 2,
                                   .opinion = 0.9,
                                   .raw = north,
                                   .vector = vector},
                                  {.start = 1,
                                   .end = 2.5,
                                   .text = "Good bye.",
                                   .first_segment = 1,
                                   .segments = 1,
                                   .words = 2,
                                   .raw = north,
                                   .vector = north}};

    return kn_store_commit_vectors(lib, id, &h, m, 2, vector, vector, NULL);
}

static inline int commit_opinion(struct kn_library *lib, const struct kn_id *id, int key)
{
    const struct kn_hash h = hash(key);
    const double opinions[] = {0.5, NAN};

    return kn_store_commit_opinion(lib, id, &h, "probe", 3, opinions, 2, 0.25, NULL);
}

static inline void make_ready(struct fixture *f, struct kn_id id)
{
    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(commit_words(f->lib, &id, 11, 2), KN_OK);
    assert_int_equal(commit_vectors(f->lib, &id, 12, east), KN_OK);
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
