/* The first promise of store.h: a process may be killed at any instant. */
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include <sqlite3.h>

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
    assert_int_equal(waitpid(child, &status, 0), child);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_killed_at_any_step_leaves_whole_stages_and_is_resumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
