/* What only the library in a folder promises: opening, bad files, one writer and many readers. */
#include "local_fixture.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "library/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

/* ---- opening ---- */

static void without_create_a_missing_library_is_not_found_and_not_made(void **state)
{
    struct fixture *f = *state;
    const struct kn_library_options write = {.write = true};

    assert_int_equal(opening(f, NULL), KN_ENOTFOUND);
    assert_says(f, f->lib);
    assert_int_equal(opening(f, &write), KN_ENOTFOUND);
    assert_int_equal(access(f->lib, F_OK), -1);
    assert_int_equal(mkdir(f->lib, 0777), 0);
    assert_int_equal(opening(f, NULL), KN_ENOTFOUND);
    assert_int_equal(opening(f, &write), KN_ENOTFOUND);
    assert_int_equal(rmdir(f->lib), 0); /* still empty */
    assert_int_equal(opening(f, &(struct kn_library_options){.create = true}), KN_EARG);
}

static void create_makes_folders_and_what_is_in_them_stays(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib;

    snprintf(f->lib, sizeof f->lib, "%s/a/b/odd %%41 #? name", f->dir);
    make_library(f);
    lib = open_with(f, &writing);
    assert_int_equal(ready_in(lib), 1);
    kn_library_close(lib);
    lib = open_with(f, NULL);
    assert_int_equal(ready_in(lib), 1);
    assert_int_equal(alike_in(lib), 1);
    kn_library_close(lib);
}

static void a_file_is_not_a_folder(void **state)
{
    struct fixture *f = *state;

    write_file(f->lib, "text");
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_int_equal(opening(f, &writing), KN_EARG);
    assert_says(f, "not a folder");
    strcat(f->lib, "/below");
    assert_int_equal(opening(f, &writing), KN_EARG);
}

static void what_is_not_a_database_is_corrupt_and_the_remedy_is_said(void **state)
{
    struct fixture *f = *state;
    size_t n;

    assert_int_equal(mkdir(f->lib, 0777), 0);
    write_file(f->file, "These are not the bytes of a database, but they are quite a lot of them, "
                        "so that they fill more than the hundred bytes of a header.");
    assert_int_equal(opening(f, NULL), KN_ECORRUPT);
    assert_says(f, f->file);
    assert_says(f, "move it away");
    assert_int_equal(opening(f, &writing), KN_ECORRUPT);
    assert_non_null(strstr(bytes_of(f, f->file, &n), "These are not")); /* untouched */
}

static void a_database_of_another_program_is_refused_untouched(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(f->lib, 0777), 0);
    run_sql(f, "CREATE TABLE theirs (x)");
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_int_equal(opening(f, &writing), KN_EARG);
    assert_says(f, "another program");
    run_sql(f, "SELECT x FROM theirs");
}

static void a_newer_schema_is_refused_untouched(void **state)
{
    struct fixture *f = *state;
    char *before, *after;
    size_t n, m;

    make_library(f);
    run_sql(f, "PRAGMA user_version = 99");
    before = bytes_of(f, f->file, &n);
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_says(f, "newer");
    assert_int_equal(opening(f, &writing), KN_EARG);
    assert_says(f, "newer");
    after = bytes_of(f, f->file, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
}

/* The tables of schema 1. */
static void make_oldest(struct fixture *f)
{
    size_t n;

    assert_int_equal(mkdir(f->lib, 0777), 0);
    run_sql(f, bytes_of(f, KN_TEST_SOURCE_DIR "/tests/fixtures/library/schema-1.sql", &n));
}

static void an_older_schema_is_brought_up_to_date_by_the_next_writer(void **state)
{
    struct fixture *f = *state;
    struct kn_library_stats stats;
    struct kn_library *lib;
    struct kn_wording wording;
    struct kn_title *found;
    struct kn_hit hit;
    size_t n;

    make_oldest(f);
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_says(f, "older");
    kn_library_close(open_with(f, &writing));
    lib = open_with(f, NULL);
    assert_int_equal(kn_library_check(lib, NULL), KN_OK);
    assert_int_equal(kn_library_get_stats(lib, &stats, NULL), KN_OK);
    assert_int_equal(stats.titles, 2);
    assert_int_equal(stats.by_state[KN_STATE_READY], 1);
    assert_int_equal(
        kn_library_similar(lib, (const float[]){1, 0, 0, 0}, 4, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_int_equal(kn_library_find(lib, "heat", KN_FIND_PART, 9, f->arena, &found, &n, NULL),
                     KN_OK);
    assert_int_equal(n, 1);
    assert_int_equal(found[0].year, 1995);
    assert_string_equal(found[0].paths[0], "/films/Heat.mp4");
    assert_int_equal(kn_library_wording(lib, &hit.id, &wording, NULL), KN_OK);
    assert_true(wording.n_terms > 0);
    kn_library_close(lib);
}

static void before_the_tables_change_a_copy_is_kept_once(void **state)
{
    struct fixture *f = *state;
    char copy[sizeof f->file + 16];
    struct stat first, again;

    make_oldest(f);
    snprintf(copy, sizeof copy, "%s.schema1.bak", f->file);
    kn_library_close(open_with(f, &writing));
    assert_int_equal(stat(copy, &first), 0);
    kn_library_close(open_with(f, &writing));
    assert_int_equal(stat(copy, &again), 0);
    assert_int_equal(first.st_ino, again.st_ino);
    assert_int_equal(rename(copy, f->file), 0); /* and it is the library as it was */
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_says(f, "schema 1");
    kn_library_close(open_with(f, &writing));
    assert_int_equal(stat(copy, &again), 0);
}

static void without_room_for_the_copy_nothing_changes(void **state)
{
    struct fixture *f = *state;
    char tmp[sizeof f->file + 32];

    make_oldest(f);
    snprintf(tmp, sizeof tmp, "%s.schema1.bak.tmp", f->file);
    assert_int_equal(mkdir(tmp, 0777), 0); /* stands in for a disk that is full */
    assert_int_equal(opening(f, &writing), KN_EIO);
    assert_says(f, "keep a copy before the tables change");
    assert_int_equal(rmdir(tmp), 0);
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_says(f, "schema 1");
}

/* ---- backup ---- */

static void a_backup_is_the_library_of_that_moment(void **state)
{
    struct fixture *f = *state;
    char copy[sizeof f->lib];
    struct kn_library *lib, *writer, *reader;

    make_library(f);
    writer = open_with(f, &writing);
    reader = open_with(f, NULL);
    snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
    put_one(writer, 2);
    assert_int_equal(kn_store_backup(reader, copy, false, NULL, &f->err), KN_OK);
    put_one(writer, 3);
    kn_library_close(reader);
    kn_library_close(writer);
    assert_int_equal(rename(copy, f->file), 0);
    lib = open_with(f, NULL);
    assert_int_equal(kn_library_check(lib, NULL), KN_OK);
    assert_int_equal(ready_in(lib), 2);
    kn_library_close(lib);
}

static void a_backup_writes_over_nothing_unless_told_to(void **state)
{
    struct fixture *f = *state;
    struct kn_cancel cancel = {0};
    char copy[sizeof f->lib + 16], *bytes;
    struct kn_library *lib;
    size_t n;

    make_library(f);
    lib = open_with(f, NULL);
    snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
    write_file(copy, "mine");
    assert_int_equal(kn_store_backup(lib, copy, false, NULL, &f->err), KN_EARG);
    assert_says(f, copy);
    kn_cancel_set(&cancel);
    assert_int_equal(kn_store_backup(lib, copy, true, &cancel, &f->err), KN_ECANCELLED);
    bytes = bytes_of(f, copy, &n);
    assert_string_equal(bytes, "mine");
    assert_int_equal(kn_store_backup(lib, copy, true, NULL, &f->err), KN_OK);
    bytes = bytes_of(f, copy, &n);
    assert_memory_equal(bytes, "SQLite format 3", 15);
    strcat(copy, ".tmp");
    assert_int_equal(access(copy, F_OK), -1);
    kn_library_close(lib);
}

static void a_damaged_library_is_found_by_check_and_named(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = open_with(f, &writing);
    struct kn_record r = ready_title(1);
    int fd, rc;

    assert_int_equal(kn_library_set_model(lib, "m", DIM, NULL), KN_OK);
    for (int i = 0; i < 250; i++) {
        r.title.id.b[0] = (unsigned char)i;
        assert_int_equal(kn_library_put(lib, &r, 1, NULL), KN_OK);
    }
    assert_int_equal(kn_library_check(lib, &f->err), KN_OK);
    kn_library_close(lib);
    fd = open(f->file, O_WRONLY);
    for (int page = 1; page < 40; page++)
        assert_int_equal(pwrite(fd, "rubbish in the head of a page", 29, page * 8192), 29);
    close(fd);
    rc = kn_library_open_local(f->lib, NULL, &lib, &f->err);
    if (rc == KN_OK) { /* a damage may be met only once it is looked at */
        rc = kn_library_check(lib, &f->err);
        kn_library_close(lib);
    }
    assert_int_equal(rc, KN_ECORRUPT);
    assert_says(f, f->file);
    assert_says(f, "move it away");
}

static void a_library_at_odds_with_itself_is_found_by_check(void **state)
{
    struct fixture *f = *state;
    const char *wounds[] = {
        "DELETE FROM title_vector", "UPDATE title_vector SET vector = x'00'",
        "PRAGMA foreign_keys = OFF; INSERT INTO stage VALUES (77, 0, zeroblob(16), 0)"};
    struct kn_library *lib;

    for (size_t i = 0; i < sizeof wounds / sizeof *wounds; i++) {
        make_library(f);
        run_sql(f, wounds[i]);
        lib = open_with(f, NULL);
        assert_int_equal(kn_library_check(lib, &f->err), KN_ECORRUPT);
        assert_says(f, "move it away");
        kn_library_close(lib);
        assert_int_equal(unlink(f->file), 0);
    }
}

static void what_can_be_mended_is_mended(void **state)
{
    static const struct {
        const char *wound, *name;
    } wounds[] = {
        {"DELETE FROM title_vector", "vectors"},
        {"UPDATE title_vector SET vector = x'00'", "vector sizes"},
        {"UPDATE moment_vector SET vector = x'00'", "moment vectors"},
        {"PRAGMA foreign_keys = OFF; INSERT INTO stage VALUES (77, 0, zeroblob(16), 0)", "orphans"},
        {"PRAGMA foreign_keys = OFF; INSERT INTO wording VALUES (77, x''), (78, x'');"
         "INSERT INTO given VALUES (77, '', ''); INSERT INTO title_raw VALUES (77, x'');"
         "INSERT INTO heard VALUES (77, zeroblob(16), x'');"
         "INSERT INTO dropped VALUES (77, 0, 0, 1, '', '')",
         "orphans"},
        {"DELETE FROM stage WHERE title = 1 AND stage = 1", "stages"},
        {"DELETE FROM stage WHERE title = 1 AND stage = 2", "stages"},
        {"DELETE FROM segment WHERE title = 1", "transcripts"},
        {"DELETE FROM segment_text_docsize", "words"},
        {"DELETE FROM segment_text_data WHERE id > 10", "words"},
        {"DELETE FROM segment_text_data", "words"},
        {"DELETE FROM segment_text_idx", "words"},
        {"DELETE FROM segment_text_config", "words"},
        {"UPDATE segment SET text = 'Good bye.'", "words"},
        {"DELETE FROM segment_text_data; DELETE FROM stage WHERE title = 1 AND stage = 1", "words"},
        {"UPDATE segment SET number = 1", "transcripts"},
        {"UPDATE moment SET segments = 2", "transcripts"},
        {"DELETE FROM wording", "wordings"},
        {"DELETE FROM moment", "moments"},
        {"DELETE FROM moment_vector", "moments"},
        {"DELETE FROM moment_raw", "moments"},
        {"DELETE FROM path", "missing"},
        {"UPDATE title SET gone = 'x' WHERE key = 1", "missing"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wounds / sizeof *wounds; i++) {
        struct kn_check *found;
        struct kn_library *lib;
        bool named = false;
        size_t n = 0;

        make_oldest(f);
        kn_library_close(open_with(f, &writing));
        run_sql(f, wounds[i].wound);
        lib = open_with(f, &writing);
        if (kn_library_check(lib, &f->err) != KN_ECORRUPT ||
            kn_store_check(lib, true, f->arena, &found, &n, &f->err))
            fail_msg("%s: %s", wounds[i].wound, f->err.msg);
        for (size_t j = 0; j < n; j++) {
            assert_true(found[j].found == 0 || found[j].mended);
            named |= found[j].found > 0 && strcmp(found[j].name, wounds[i].name) == 0;
        }
        if (!named)
            fail_msg("%s: not found as '%s'", wounds[i].wound, wounds[i].name);
        assert_int_equal(kn_library_check(lib, &f->err), KN_OK);
        kn_library_close(lib);
        remove_folder(f->lib);
    }
}

/* ---- one writer, many readers ---- */

static void a_second_writer_is_told_who_writes(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = open_with(f, &writing);
    double start = kn_clock_now();
    char me[32];

    assert_int_equal(opening(f, &(struct kn_library_options){.write = true, .wait = 0.2}), KN_EIO);
    assert_true(kn_clock_now() - start >= 0.2);
    assert_true(f->err.retry);
    snprintf(me, sizeof me, "process %ld on ", (long)getpid());
    assert_says(f, me);
    assert_says(f, " since 20");
    kn_library_close(lib);
    assert_int_equal(opening(f, &writing), KN_OK);
}

static void *close_soon(void *lib)
{
    kn_clock_sleep(0.15);
    kn_library_close(lib);
    return NULL;
}

static void a_second_writer_waits_for_the_first(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib = open_with(f, &writing);
    pthread_t closer;

    assert_int_equal(pthread_create(&closer, NULL, close_soon, lib), 0);
    assert_int_equal(opening(f, &(struct kn_library_options){.write = true, .wait = 20}), KN_OK);
    pthread_join(closer, NULL);
}

static void the_lock_of_a_killed_writer_is_free(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib;
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (kn_library_open_local(f->lib, &writing, &lib, NULL))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(opening(f, &writing), KN_OK);
}

static struct kn_library *other_reader; /* read from the midst of a transaction */
static atomic_int read_inside;

static void read_meanwhile(void *ctx, int what, const char *schema, const char *table,
                           sqlite3_int64 row)
{
    struct kn_library_stats s;

    (void)ctx, (void)what, (void)schema, (void)table, (void)row;
    if (other_reader && kn_library_get_stats(other_reader, &s, NULL) == KN_OK && s.titles == 1)
        atomic_fetch_add(&read_inside, 1);
}

static int hook_rows(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message, (void)api;
    sqlite3_update_hook(db, read_meanwhile, NULL);
    return SQLITE_OK;
}

static void a_reader_does_not_wait_for_a_writer_and_sees_only_what_is_committed(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer, *reader;
    double start = kn_clock_now();

    sqlite3_auto_extension((void (*)(void))hook_rows);
    writer = open_with(f, &writing);
    put_one(writer, 1);
    reader = open_with(f, NULL);
    other_reader = reader;
    put_one(writer, 2);
    other_reader = NULL;
    sqlite3_reset_auto_extension();
    assert_true(atomic_load(&read_inside) > 0);
    assert_true(kn_clock_now() - start < 4); /* SQLite's busy time-out is 5 s */
    assert_int_equal(ready_in(reader), 2);
    assert_int_equal(alike_in(reader), 2);
    put_one(writer, 3);
    assert_int_equal(alike_in(reader), 3); /* vectors that were loaded are loaded anew */
    kn_library_close(writer);
    assert_int_equal(alike_in(reader), 3);
    kn_library_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_create_a_missing_library_is_not_found_and_not_made),
        TEST(create_makes_folders_and_what_is_in_them_stays),
        TEST(a_file_is_not_a_folder),
        TEST(what_is_not_a_database_is_corrupt_and_the_remedy_is_said),
        TEST(a_database_of_another_program_is_refused_untouched),
        TEST(a_newer_schema_is_refused_untouched),
        TEST(an_older_schema_is_brought_up_to_date_by_the_next_writer),
        TEST(before_the_tables_change_a_copy_is_kept_once),
        TEST(without_room_for_the_copy_nothing_changes),
        TEST(a_backup_is_the_library_of_that_moment),
        TEST(a_backup_writes_over_nothing_unless_told_to),
        TEST(a_damaged_library_is_found_by_check_and_named),
        TEST(a_library_at_odds_with_itself_is_found_by_check),
        TEST(what_can_be_mended_is_mended),
        TEST(a_second_writer_is_told_who_writes),
        TEST(a_second_writer_waits_for_the_first),
        TEST(the_lock_of_a_killed_writer_is_free),
        TEST(a_reader_does_not_wait_for_a_writer_and_sees_only_what_is_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
