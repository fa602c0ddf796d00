/* local_fixture.h - a library in a folder of its own, and short forms of what is done to it. */
#ifndef KN_TESTS_LOCAL_FIXTURE_H
#define KN_TESTS_LOCAL_FIXTURE_H

#include "library/store.h"

#include "../support/remove_folder.h"
#include "base/arena.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

enum { DIM = 64 };

static const struct kn_library_options writing = {.write = true, .create = true};

struct fixture {
    char dir[64], lib[96], file[128];
    struct kn_arena *arena;
    struct kn_err err;
};

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    strcpy(f->dir, "/tmp/kinora-local-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->lib, sizeof f->lib, "%s/lib", f->dir);
    snprintf(f->file, sizeof f->file, "%s/library.db", f->lib);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    remove_folder(f->dir);
    kn_arena_free(f->arena);
    free(f);
    return 0;
}

static inline struct kn_library *open_with(struct fixture *f,
                                           const struct kn_library_options *options)
{
    struct kn_library *lib = NULL;

    if (kn_library_open_local(f->lib, options, &lib, &f->err))
        fail_msg("%s", f->err.msg);
    return lib;
}

/* The code, with the message in f->err. */
static inline int opening(struct fixture *f, const struct kn_library_options *options)
{
    struct kn_library *lib = NULL;
    int rc = kn_library_open_local(f->lib, options, &lib, &f->err);

    if (rc == KN_OK)
        kn_library_close(lib);
    else
        assert_null(lib);
    return rc;
}

static inline void assert_says(const struct fixture *f, const char *part)
{
    if (!strstr(f->err.msg, part))
        fail_msg("'%s' does not say '%s'", f->err.msg, part);
}

static inline struct kn_record ready_title(unsigned char number)
{
    static float vector[DIM] = {1};

    return (struct kn_record){.title = {.id = {{number}}, .name = "a", .state = KN_STATE_READY},
                              .vector = vector};
}

static inline void put_one(struct kn_library *lib, unsigned char number)
{
    struct kn_record r = ready_title(number);

    assert_int_equal(kn_library_set_model(lib, "m", DIM, NULL), KN_OK);
    assert_int_equal(kn_library_put(lib, &r, 1, NULL), KN_OK);
}

static inline void make_library(struct fixture *f)
{
    struct kn_library *lib = open_with(f, &writing);

    put_one(lib, 1);
    kn_library_close(lib);
}

static inline uint64_t ready_in(struct kn_library *lib)
{
    struct kn_library_stats s;

    assert_int_equal(kn_library_get_stats(lib, &s, NULL), KN_OK);
    return s.by_state[KN_STATE_READY];
}

static inline size_t alike_in(struct kn_library *lib)
{
    struct kn_record r = ready_title(1);
    struct kn_hit hits[9];
    size_t n;

    assert_int_equal(kn_library_similar(lib, r.vector, DIM, NULL, 9, hits, &n, NULL), KN_OK);
    return n;
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline char *bytes_of(struct fixture *f, const char *path, size_t *n)
{
    FILE *file = fopen(path, "r");
    char *bytes;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    bytes = kn_arena_get(f->arena, *n + 1);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    return bytes;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
