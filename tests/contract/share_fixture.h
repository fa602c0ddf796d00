/* share_fixture.h - a local library, and short forms of what passes between it and the fixture's. */
#ifndef KN_TESTS_SHARE_FIXTURE_H
#define KN_TESTS_SHARE_FIXTURE_H

#include "contract.h"

#include "library/share.h"

struct side {
    char dir[64];
    struct kn_library *lib;
};

static inline void open_side(struct side *s, bool write)
{
    const struct kn_library_options options = {.write = write, .create = write};
    struct kn_err err = {0};

    if (!s->dir[0]) {
        strcpy(s->dir, "/tmp/kinora-share-XXXXXX");
        assert_non_null(mkdtemp(s->dir));
    }
    if (kn_library_open_local(s->dir, &options, &s->lib, &err))
        fail_msg("%s", err.msg);
}

static inline struct side new_side(void)
{
    struct side s = {.dir = ""};

    open_side(&s, true);
    assert_int_equal(kn_library_set_model(s.lib, "test-model", DIM, NULL), KN_OK);
    return s;
}

static inline void close_side(struct side *s)
{
    kn_library_close(s->lib);
    remove_folder(s->dir);
}

static inline void put_in(struct kn_library *lib, const struct kn_record *r)
{
    struct kn_err err = {0};

    if (kn_library_put(lib, r, 1, &err))
        fail_msg("%s", err.msg);
}

static inline void put_some(struct fixture *f, struct kn_library *lib, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct kn_record r = some_record(f->arena, i, 1 + i % 3);

        put_in(lib, &r);
    }
}

static inline void put_wordless(struct fixture *f, struct kn_library *lib, uint32_t number,
                                enum kn_state state)
{
    struct kn_record r = some_record(f->arena, number, 1);

    r.title.state = state;
    r.title.reason = "why it is so";
    r.vector = NULL;
    r.n_segments = r.n_moments = 0;
    put_in(lib, &r);
}

static inline struct kn_record record_in(struct fixture *f, struct kn_library *lib, uint32_t number)
{
    struct kn_id id = id_of(number);
    struct kn_record r;
    struct kn_err err = {0};

    if (kn_library_get(lib, &id, KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                       f->arena, &r, &err))
        fail_msg("title %u: %s", number, err.msg);
    return r;
}

static inline bool has(struct fixture *f, struct kn_library *lib, uint32_t number)
{
    struct kn_id id = id_of(number);
    struct kn_record r;

    return kn_library_get(lib, &id, 0, f->arena, &r, NULL) == KN_OK;
}

static inline void forget(struct kn_library *lib, uint32_t number)
{
    struct kn_id id = id_of(number);

    assert_int_equal(kn_library_remove(lib, &id, 1, NULL), KN_OK);
}

static inline struct kn_share between(struct fixture *f, struct side *s)
{
    return (struct kn_share){
        .local = s->lib, .other = f->lib, .address = "there", .target = "there test-model"};
}

static inline struct kn_shared publish(struct fixture *f, struct side *s)
{
    struct kn_share share = between(f, s);
    struct kn_shared done;
    struct kn_err err = {0};

    if (kn_share_publish(&share, &done, &err))
        fail_msg("%s", err.msg);
    return done;
}

static inline struct kn_shared pull(struct fixture *f, struct side *s)
{
    struct kn_share share = between(f, s);
    struct kn_shared done;
    struct kn_err err = {0};

    if (kn_share_pull(&share, &done, &err))
        fail_msg("%s", err.msg);
    return done;
}

#endif
