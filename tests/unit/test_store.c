/* One test a promise of store.h, named after it. */
#include "library/store.h"

#include "base/arena.h"
#include "base/err.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

enum { DIM = 4 };

struct fixture {
    char dir[64];
    struct kn_library *lib;
    struct kn_arena *arena;
};

static void open_library(struct fixture *f)
{
    const struct kn_library_options options = {.write = true, .create = true};
    struct kn_err err = {0};

    if (kn_library_open_local(f->dir, &options, &f->lib, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(kn_library_set_model(f->lib, "m", DIM, NULL), KN_OK);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    strcpy(f->dir, "/tmp/kinora-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    open_library(f);
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kn_library_close(f->lib);
    kn_arena_free(f->arena);
    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* ---- short forms ---- */

static struct kn_hash hash(int n)
{
    struct kn_hash h = {{(unsigned char)n, 1, 2, 3}};

    return h;
}

static struct kn_seen file_at(const char *path, uint64_t size, int64_t time)
{
    return (struct kn_seen){.path = path, .size = size, .mtime_ns = time};
}

static struct kn_id see(struct fixture *f, const char *path, int content, const char *name)
{
    struct kn_seen seen = file_at(path, 1000, 5);
    struct kn_hash h = hash(content);
    struct kn_err err = {0};
    struct kn_id id;

    if (kn_store_see(f->lib, &seen, &h, name, 1980, &id, &err))
        fail_msg("%s", err.msg);
    return id;
}

static bool known(struct fixture *f, const char *path, uint64_t size, int64_t time)
{
    struct kn_seen seen = file_at(path, size, time);
    struct kn_hash identity;
    struct kn_id id;
    bool yes;

    assert_int_equal(kn_store_known(f->lib, &seen, &yes, &identity, &id, NULL), KN_OK);
    return yes;
}

static struct kn_record get(struct fixture *f, struct kn_id id)
{
    struct kn_record r;

    assert_int_equal(kn_library_get(f->lib, &id,
                                    KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                                    f->arena, &r, NULL),
                     KN_OK);
    return r;
}

static enum kn_state state_of(struct fixture *f, struct kn_id id)
{
    return get(f, id).title.state;
}

/* The key of a finished stage; -1: none. */
static int key_of(struct fixture *f, struct kn_id id, enum kn_stage stage)
{
    struct kn_hash key;
    bool found;

    assert_int_equal(kn_store_stage(f->lib, &id, stage, &found, &key, NULL), KN_OK);
    return found ? key.b[0] : -1;
}

static void begin_scan(struct fixture *f)
{
    assert_int_equal(kn_store_scan_begin(f->lib, NULL), KN_OK);
}

static size_t end_scan(struct fixture *f, const char *root)
{
    size_t missing = 77;

    assert_int_equal(kn_store_scan_end(f->lib, root, &missing, NULL), KN_OK);
    return missing;
}

static const struct kn_segment two_segments[] = {{0, 1, "Hello there."}, {1, 2.5, "Good bye."}};
static const float east[DIM] = {1, 0, 0, 0}, north[DIM] = {0, 1, 0, 0};

static int commit_probe(struct kn_library *lib, const struct kn_id *id, int key)
{
    const struct kn_hash h = hash(key);
    const struct kn_probed p = {.duration = 42, .container = "mp4", .streams_json = "[]"};

    return kn_store_commit_probe(lib, id, &h, &p, NULL);
}

static int commit_words(struct kn_library *lib, const struct kn_id *id, int key, size_t n)
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

static int commit_vectors(struct kn_library *lib, const struct kn_id *id, int key,
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

    return kn_store_commit_vectors(lib, id, &h, m, 2, vector, NULL);
}

static int commit_opinion(struct kn_library *lib, const struct kn_id *id, int key)
{
    const struct kn_hash h = hash(key);
    const double opinions[] = {0.5, NAN};

    return kn_store_commit_opinion(lib, id, &h, "probe", opinions, 2, 0.25, NULL);
}

static void make_ready(struct fixture *f, struct kn_id id)
{
    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(commit_words(f->lib, &id, 11, 2), KN_OK);
    assert_int_equal(commit_vectors(f->lib, &id, 12, east), KN_OK);
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
}

/* ---- files and paths ---- */

static void a_new_content_makes_a_pending_title_with_the_id_of_its_identity(void **state)
{
    struct fixture *f = *state;
    struct kn_hash h = hash(1);
    struct kn_id expected = kn_id_from_hash(&h), id = see(f, "/films/a.mp4", 1, "a");
    struct kn_title t = get(f, id).title;

    assert_memory_equal(&id, &expected, sizeof id);
    assert_string_equal(t.name, "a");
    assert_int_equal(t.year, 1980);
    assert_int_equal(t.state, KN_STATE_PENDING);
    assert_int_equal(t.n_paths, 1);
    assert_string_equal(t.paths[0], "/films/a.mp4");
    assert_true(isnan(t.opinion));
}

static void a_path_is_known_while_size_and_time_are_the_same(void **state)
{
    struct fixture *f = *state;
    struct kn_seen seen = file_at("/films/a.mp4", 1000, 5);
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), got;
    struct kn_hash identity, expected = hash(1);
    bool yes;

    assert_int_equal(kn_store_known(f->lib, &seen, &yes, &identity, &got, NULL), KN_OK);
    assert_true(yes);
    assert_memory_equal(&identity, &expected, sizeof identity);
    assert_memory_equal(&got, &id, sizeof id);
    assert_false(known(f, "/films/a.mp4", 1001, 5));
    assert_false(known(f, "/films/a.mp4", 1000, 6));
    assert_false(known(f, "/films/b.mp4", 1000, 5));
    seen.mtime_ns = 6; /* touched, the same content */
    assert_int_equal(kn_store_see(f->lib, &seen, &expected, "a", 0, &got, NULL), KN_OK);
    assert_memory_equal(&got, &id, sizeof id);
    assert_true(known(f, "/films/a.mp4", 1000, 6));
}

static void a_copy_is_the_same_title_with_two_paths(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a"), b;
    struct kn_library_stats s;

    make_ready(f, a);
    b = see(f, "/films/copies/z.mp4", 1, "z");
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(get(f, a).title.n_paths, 2);
    assert_string_equal(get(f, a).title.name, "a");
    assert_int_equal(state_of(f, a), KN_STATE_READY);
    assert_int_equal(kn_library_get_stats(f->lib, &s, NULL), KN_OK);
    assert_int_equal(s.titles, 1);
}

static void moving_and_renaming_keep_everything_and_the_name_follows(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a");
    struct kn_title t;

    make_ready(f, a);
    begin_scan(f);
    see(f, "/films/sub/a.mp4", 1, "a");
    assert_int_equal(end_scan(f, "/films"), 0);
    t = get(f, a).title;
    assert_int_equal(t.n_paths, 1);
    assert_string_equal(t.paths[0], "/films/sub/a.mp4");
    begin_scan(f);
    see(f, "/films/sub/The Real Name.mp4", 1, "The Real Name");
    assert_int_equal(end_scan(f, "/films"), 0);
    t = get(f, a).title;
    assert_int_equal(t.state, KN_STATE_READY);
    assert_string_equal(t.name, "The Real Name");
    assert_int_equal(key_of(f, a, KN_STAGE_OPINION), 13);
    assert_int_equal(get(f, a).n_segments, 2);
}

static void a_new_content_at_a_known_path_leaves_the_old_title_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a"), b;

    make_ready(f, a);
    b = see(f, "/films/a.mp4", 2, "a");
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_int_equal(state_of(f, a), KN_STATE_MISSING);
    assert_string_not_equal(get(f, a).title.reason, "");
    assert_int_equal(get(f, a).title.n_paths, 0);
    assert_int_equal(state_of(f, b), KN_STATE_PENDING);
    see(f, "/films/a.mp4", 1, "a"); /* and back again */
    assert_int_equal(state_of(f, a), KN_STATE_READY);
    assert_int_equal(state_of(f, b), KN_STATE_MISSING);
}

static void a_title_with_another_path_left_is_not_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a");

    see(f, "/films/b.mp4", 1, "b");
    see(f, "/films/a.mp4", 2, "a");
    assert_int_equal(state_of(f, a), KN_STATE_PENDING);
    assert_string_equal(get(f, a).title.name, "b");
}

static void what_a_scan_did_not_meet_is_missing_and_comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct kn_id ready = see(f, "/films/a.mp4", 1, "a"), failed = see(f, "/films/b.mp4", 2, "b"),
                 kept = see(f, "/films/c.mp4", 3, "c");
    const struct kn_hash key = hash(20);
    struct kn_hit hit;
    size_t n;

    make_ready(f, ready);
    assert_int_equal(
        kn_store_commit_failure(f->lib, &failed, KN_STAGE_PROBE, &key, "cut short", NULL), KN_OK);
    begin_scan(f);
    assert_true(known(f, "/films/c.mp4", 1000, 5));
    assert_int_equal(end_scan(f, "/films/"), 2);
    assert_int_equal(state_of(f, ready), KN_STATE_MISSING);
    assert_string_equal(get(f, ready).title.reason, "no file at '/films/a.mp4' any more");
    assert_int_equal(state_of(f, failed), KN_STATE_MISSING);
    assert_int_equal(state_of(f, kept), KN_STATE_PENDING);
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    begin_scan(f);
    see(f, "/elsewhere/a.mp4", 1, "a");
    see(f, "/films/b.mp4", 2, "b");
    assert_int_equal(end_scan(f, "/elsewhere"), 0);
    assert_int_equal(state_of(f, ready), KN_STATE_READY);
    assert_string_equal(get(f, ready).title.reason, "");
    assert_int_equal(key_of(f, ready, KN_STAGE_OPINION), 13);
    assert_int_equal(state_of(f, failed), KN_STATE_FAILED);
    assert_string_equal(get(f, failed).title.reason, "cut short");
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
}

static void a_scan_ends_only_what_is_under_its_root(void **state)
{
    struct fixture *f = *state;
    struct kn_id beside = see(f, "/films2/a.mp4", 1, "a"), above = see(f, "/b.mp4", 2, "b"),
                 itself = see(f, "/films/c.mp4", 3, "c");

    begin_scan(f);
    assert_int_equal(end_scan(f, "/films"), 1);
    assert_int_equal(state_of(f, beside), KN_STATE_PENDING);
    assert_int_equal(state_of(f, above), KN_STATE_PENDING);
    assert_int_equal(state_of(f, itself), KN_STATE_MISSING);
    assert_int_equal(end_scan(f, "/b.mp4"), 1); /* a single file as a root */
    assert_int_equal(end_scan(f, "/"), 1);
    assert_int_equal(state_of(f, beside), KN_STATE_MISSING);
}

static void titles_put_without_a_path_are_never_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = {.title = {.id = {{7}}, .name = "put", .state = KN_STATE_SILENT}};

    assert_int_equal(kn_library_put(f->lib, &r, 1, NULL), KN_OK);
    begin_scan(f);
    assert_int_equal(end_scan(f, "/"), 0);
    assert_int_equal(state_of(f, r.title.id), KN_STATE_SILENT);
}

/* ---- stages ---- */

static void a_title_is_ready_once_the_last_stage_is_committed(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    struct kn_record r;

    for (int s = 0; s < KN_STAGES; s++)
        assert_int_equal(key_of(f, id, (enum kn_stage)s), -1);
    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(commit_words(f->lib, &id, 11, 2), KN_OK);
    assert_int_equal(commit_vectors(f->lib, &id, 12, east), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_true(isnan(get(f, id).moments[0].opinion));
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    for (int s = 0; s < KN_STAGES; s++)
        assert_int_equal(key_of(f, id, (enum kn_stage)s), 10 + s);
    r = get(f, id);
    assert_int_equal(r.title.state, KN_STATE_READY);
    assert_true(r.title.duration == 42);
    assert_string_equal(r.title.language, "en");
    assert_string_equal(r.title.words_from, "speech");
    assert_true(r.title.opinion == 0.25 && r.moments[0].opinion == 0.5);
    assert_true(isnan(r.moments[1].opinion));
    assert_memory_equal(r.vector, east, sizeof east);
    assert_memory_equal(r.moments[1].vector, north, sizeof north);
    assert_memory_equal(r.moments[0].raw, north, sizeof north);
    assert_string_equal(r.segments[1].text, "Good bye.");
}

static void committing_a_stage_forgets_the_stages_behind_it(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    struct kn_record r;

    make_ready(f, id);
    assert_int_equal(commit_vectors(f->lib, &id, 22, north), KN_OK);
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), 11);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), 22);
    assert_int_equal(key_of(f, id, KN_STAGE_OPINION), -1);
    r = get(f, id);
    assert_int_equal(r.title.state, KN_STATE_PENDING);
    assert_true(isnan(r.title.opinion));
    assert_memory_equal(r.vector, north, sizeof north);
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    assert_int_equal(commit_words(f->lib, &id, 21, 1), KN_OK);
    r = get(f, id);
    assert_int_equal(r.n_segments, 1);
    assert_int_equal(r.n_moments, 0);
    assert_null(r.vector);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), -1);
    assert_int_equal(key_of(f, id, KN_STAGE_PROBE), 10);
}

static void no_words_make_a_silent_title(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");

    make_ready(f, id);
    assert_int_equal(commit_words(f->lib, &id, 21, 0), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_SILENT);
    assert_string_equal(get(f, id).title.reason, "no speech in 42 s");
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), 21);
    assert_int_equal(commit_words(f->lib, &id, 22, 2), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_string_equal(get(f, id).title.reason, "");
}

static void a_failed_stage_keeps_its_key_until_it_is_redone(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    const struct kn_hash key = hash(31);

    make_ready(f, id);
    assert_int_equal(
        kn_store_commit_failure(f->lib, &id, KN_STAGE_WORDS, &key, "no audio codec", NULL), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_FAILED);
    assert_string_equal(get(f, id).title.reason, "no audio codec");
    assert_int_equal(key_of(f, id, KN_STAGE_PROBE), 10);
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), 31);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), -1);
    assert_int_equal(kn_store_redo(f->lib, &id, KN_STAGE_WORDS, NULL), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_string_equal(get(f, id).title.reason, "");
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), -1);
    make_ready(f, id);
}

static void redo_forgets_from_one_stage_on(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");

    for (int from = 0; from < KN_STAGES; from++) {
        make_ready(f, id);
        assert_int_equal(kn_store_redo(f->lib, &id, (enum kn_stage)from, NULL), KN_OK);
        assert_int_equal(state_of(f, id), KN_STATE_PENDING);
        for (int s = 0; s < KN_STAGES; s++)
            assert_int_equal(key_of(f, id, (enum kn_stage)s), s < from ? 10 + s : -1);
        assert_int_equal(get(f, id).n_segments, from > KN_STAGE_WORDS ? 2 : 0);
        assert_int_equal(get(f, id).n_moments, from > KN_STAGE_VECTORS ? 2 : 0);
    }
}

static void impossible_stages_are_refused_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), unknown = {{9}};
    const struct kn_hash key = hash(1);
    const float long_one[DIM] = {2};
    const struct kn_words endless = {.segments = two_segments, .n_segments = 2, .duration = INFINITY};
    const double one[] = {0.5};
    struct kn_err err;

    make_ready(f, id);
    assert_int_equal(commit_vectors(f->lib, &id, 40, long_one), KN_EARG);
    assert_int_equal(kn_store_commit_words(f->lib, &id, &key, &endless, &err), KN_EARG);
    assert_int_equal(kn_store_commit_opinion(f->lib, &id, &key, "probe", one, 1, 0, &err), KN_EARG);
    assert_int_equal(commit_words(f->lib, &unknown, 1, 2), KN_ENOTFOUND);
    assert_int_equal(kn_store_redo(f->lib, &unknown, KN_STAGE_PROBE, &err), KN_ENOTFOUND);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
    assert_int_equal(key_of(f, id, KN_STAGE_OPINION), 13);
    assert_int_equal(key_of(f, unknown, KN_STAGE_PROBE), -1);
}

static void only_a_local_library_opened_to_write_takes_stages(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    struct kn_library *memory, *reader;
    struct kn_err err;

    assert_int_equal(kn_library_open_memory(&memory, NULL), KN_OK);
    assert_int_equal(commit_probe(memory, &id, 1), KN_EARG);
    assert_int_equal(kn_store_scan_begin(memory, &err), KN_EARG);
    kn_library_close(memory);
    assert_int_equal(kn_library_open_local(f->dir, NULL, &reader, NULL), KN_OK);
    assert_int_equal(commit_probe(reader, &id, 1), KN_EARG);
    assert_int_equal(kn_store_scan_begin(reader, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "reading only"));
    kn_library_close(reader);
}

/* ---- killed at any instant ---- */

static int steps_to_live; /* row changes and commits until this process kills itself; 0: never */

static int die_in_time(void)
{
    if (steps_to_live > 0 && --steps_to_live == 0)
        kill(getpid(), SIGKILL);
    return 0;
}

static void on_row(void *ctx, int what, const char *schema, const char *table, sqlite3_int64 row)
{
    (void)ctx, (void)what, (void)schema, (void)table, (void)row;
    die_in_time();
}

static int on_commit(void *ctx)
{
    (void)ctx;
    return die_in_time();
}

static int watch(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message, (void)api;
    sqlite3_update_hook(db, on_row, NULL);
    sqlite3_commit_hook(db, on_commit, NULL);
    return SQLITE_OK;
}

/* Commits what is not there yet, as ingest does. */
static void resume(struct kn_library *lib, struct kn_id *id)
{
    const struct kn_seen seen = file_at("/films/a.mp4", 1000, 5);
    const struct kn_hash h = hash(1);
    struct kn_hash key;
    bool found;

    if (kn_store_see(lib, &seen, &h, "a", 0, id, NULL))
        return;
    for (int s = 0; s < KN_STAGES; s++) {
        if (kn_store_stage(lib, id, (enum kn_stage)s, &found, &key, NULL))
            return;
        if (found)
            continue;
        if (s == KN_STAGE_PROBE)
            commit_probe(lib, id, 10);
        else if (s == KN_STAGE_WORDS)
            commit_words(lib, id, 11, 2);
        else if (s == KN_STAGE_VECTORS)
            commit_vectors(lib, id, 12, east);
        else
            commit_opinion(lib, id, 13);
    }
}

/* In a child: resumes and is killed at the given step. True: it was, false: it came to the end. */
static bool resume_until(const char *dir, int step)
{
    const struct kn_library_options options = {.write = true, .create = true};
    struct kn_library *lib;
    struct kn_id id;
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (kn_library_open_local(dir, &options, &lib, NULL))
            _exit(1);
        steps_to_live = step;
        resume(lib, &id);
        steps_to_live = 0;
        kn_library_close(lib);
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

static void assert_output_goes_with_key(struct fixture *f, struct kn_id id)
{
    struct kn_record r;

    if (kn_library_get(f->lib, &id, KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                       f->arena, &r, NULL) == KN_ENOTFOUND)
        return;
    assert_int_equal(r.title.duration > 0, key_of(f, id, KN_STAGE_PROBE) == 10);
    assert_int_equal(r.n_segments, key_of(f, id, KN_STAGE_WORDS) == 11 ? 2 : 0);
    assert_int_equal(r.n_moments, key_of(f, id, KN_STAGE_VECTORS) == 12 ? 2 : 0);
    assert_int_equal(r.vector != NULL, key_of(f, id, KN_STAGE_VECTORS) == 12);
    assert_int_equal(!isnan(r.title.opinion), key_of(f, id, KN_STAGE_OPINION) == 13);
    assert_int_equal(r.title.state == KN_STATE_READY, key_of(f, id, KN_STAGE_OPINION) == 13);
}

static void a_process_killed_at_any_step_leaves_whole_stages_and_is_resumed(void **state)
{
    struct fixture *f = *state;
    struct kn_hash h = hash(1);
    struct kn_id id = kn_id_from_hash(&h);
    int step, kills = 0;

    sqlite3_auto_extension((void (*)(void))watch);
    for (step = 1; step < 500; step++) {
        bool killed;

        assert_int_equal(kn_library_remove(f->lib, &id, 1, NULL), KN_OK);
        kn_library_close(f->lib);
        f->lib = NULL;
        killed = resume_until(f->dir, step);
        open_library(f);
        assert_int_equal(kn_library_check(f->lib, NULL), KN_OK);
        assert_output_goes_with_key(f, id);
        kills += killed;
        if (!killed)
            break;
        resume(f->lib, &id); /* what is missing, and only that */
        assert_int_equal(state_of(f, id), KN_STATE_READY);
        assert_int_equal(get(f, id).n_segments, 2);
        assert_int_equal(get(f, id).n_moments, 2);
    }
    sqlite3_reset_auto_extension();
    assert_true(kills > 30 && step < 500); /* each row and each commit was one */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_content_makes_a_pending_title_with_the_id_of_its_identity),
        TEST(a_path_is_known_while_size_and_time_are_the_same),
        TEST(a_copy_is_the_same_title_with_two_paths),
        TEST(moving_and_renaming_keep_everything_and_the_name_follows),
        TEST(a_new_content_at_a_known_path_leaves_the_old_title_missing),
        TEST(a_title_with_another_path_left_is_not_missing),
        TEST(what_a_scan_did_not_meet_is_missing_and_comes_back_as_it_was),
        TEST(a_scan_ends_only_what_is_under_its_root),
        TEST(titles_put_without_a_path_are_never_missing),
        TEST(a_title_is_ready_once_the_last_stage_is_committed),
        TEST(committing_a_stage_forgets_the_stages_behind_it),
        TEST(no_words_make_a_silent_title),
        TEST(a_failed_stage_keeps_its_key_until_it_is_redone),
        TEST(redo_forgets_from_one_stage_on),
        TEST(impossible_stages_are_refused_and_change_nothing),
        TEST(only_a_local_library_opened_to_write_takes_stages),
        TEST(a_process_killed_at_any_step_leaves_whole_stages_and_is_resumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
