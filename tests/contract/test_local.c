/* What only the library in a folder promises: opening, bad files, one writer and many readers. */
#include "local_fixture.h"

#include "base/clock.h"

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

static void an_older_schema_is_brought_up_to_date_by_the_next_writer(void **state)
{
    struct fixture *f = *state;
    struct kn_library *lib;
    struct kn_library_stats before, after;

    make_library(f);
    lib = open_with(f, NULL);
    assert_int_equal(kn_library_get_stats(lib, &before, NULL), KN_OK);
    kn_library_close(lib);
    run_sql(f, "ALTER TABLE library DROP COLUMN scorer; ALTER TABLE title DROP COLUMN genres;"
               "ALTER TABLE title DROP COLUMN words_at; DROP TABLE exported;"
               "PRAGMA user_version = 1");
    assert_int_equal(opening(f, NULL), KN_EARG);
    assert_says(f, "older");
    kn_library_close(open_with(f, &writing));
    lib = open_with(f, NULL);
    assert_int_equal(kn_library_check(lib, NULL), KN_OK);
    assert_int_equal(kn_library_get_stats(lib, &after, NULL), KN_OK);
    assert_int_equal(after.titles, before.titles);
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
        TEST(a_damaged_library_is_found_by_check_and_named),
        TEST(a_library_at_odds_with_itself_is_found_by_check),
        TEST(a_second_writer_is_told_who_writes),
        TEST(a_second_writer_waits_for_the_first),
        TEST(the_lock_of_a_killed_writer_is_free),
        TEST(a_reader_does_not_wait_for_a_writer_and_sees_only_what_is_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
