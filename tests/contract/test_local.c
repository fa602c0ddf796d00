/* What only the library in a folder promises: opening, one writer, bad files, bad disks. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "library/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static int set_up(void **state)
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

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    kn_arena_free(f->arena);
    free(f);
    return 0;
}

static struct kn_library *open_with(struct fixture *f, const struct kn_library_options *options)
{
    struct kn_library *lib = NULL;

    if (kn_library_open_local(f->lib, options, &lib, &f->err))
        fail_msg("%s", f->err.msg);
    return lib;
}

/* The code, with the message in f->err. */
static int opening(struct fixture *f, const struct kn_library_options *options)
{
    struct kn_library *lib = NULL;
    int rc = kn_library_open_local(f->lib, options, &lib, &f->err);

    if (rc == KN_OK)
        kn_library_close(lib);
    else
        assert_null(lib);
    return rc;
}

static void assert_says(const struct fixture *f, const char *part)
{
    if (!strstr(f->err.msg, part))
        fail_msg("'%s' does not say '%s'", f->err.msg, part);
}

static struct kn_record ready_title(unsigned char number)
{
    static float vector[DIM] = {1};

    return (struct kn_record){.title = {.id = {{number}}, .name = "a", .state = KN_STATE_READY},
                              .vector = vector};
}

static void put_one(struct kn_library *lib, unsigned char number)
{
    struct kn_record r = ready_title(number);

    assert_int_equal(kn_library_set_model(lib, "m", DIM, NULL), KN_OK);
    assert_int_equal(kn_library_put(lib, &r, 1, NULL), KN_OK);
}

static void make_library(struct fixture *f)
{
    struct kn_library *lib = open_with(f, &writing);

    put_one(lib, 1);
    kn_library_close(lib);
}

static uint64_t ready_in(struct kn_library *lib)
{
    struct kn_library_stats s;

    assert_int_equal(kn_library_get_stats(lib, &s, NULL), KN_OK);
    return s.by_state[KN_STATE_READY];
}

static size_t alike_in(struct kn_library *lib)
{
    struct kn_record r = ready_title(1);
    struct kn_hit hits[9];
    size_t n;

    assert_int_equal(kn_library_similar(lib, r.vector, DIM, NULL, 9, hits, &n, NULL), KN_OK);
    return n;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static char *bytes_of(struct fixture *f, const char *path, size_t *n)
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

/* ---- folders that cannot be written ---- */

/* Root may write anywhere: as nobody, in a child. 0: as it should be, else the line. */
static int read_as_nobody(struct fixture *f)
{
    struct kn_library *lib = NULL;
    struct kn_err err = {0};

    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return __LINE__;
    if (kn_library_open_local(f->lib, &writing, &lib, &err) != KN_EIO || lib ||
        !strstr(err.msg, "permissions"))
        return __LINE__;
    if (kn_library_open_local(f->lib, NULL, &lib, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return __LINE__;
    }
    if (ready_in(lib) != 1 || alike_in(lib) != 1)
        return __LINE__;
    kn_library_close(lib);
    return 0;
}

static void assert_nobody_can_read(struct fixture *f)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(read_as_nobody(f) & 0xFF);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status))
        fail_msg("failed at a line that is %d modulo 256", WEXITSTATUS(status));
}

static void readers_work_in_a_folder_without_write_permission(void **state)
{
    struct fixture *f = *state;

    make_library(f);
    assert_int_equal(chmod(f->dir, 0755), 0);
    assert_int_equal(chmod(f->lib, 0555), 0);
    assert_nobody_can_read(f);
    assert_int_equal(chmod(f->lib, 0755), 0);
}

static void readers_without_write_permission_see_a_writer_at_work(void **state)
{
    struct fixture *f = *state;
    struct kn_library *writer = open_with(f, &writing);

    put_one(writer, 1); /* in the WAL only */
    assert_int_equal(chmod(f->dir, 0755), 0);
    assert_int_equal(chmod(f->lib, 0555), 0);
    assert_nobody_can_read(f);
    assert_int_equal(chmod(f->lib, 0755), 0);
    kn_library_close(writer);
}

/* In a child, with a mount name space of its own. Its return says what its exit status is. */
enum { CANNOT_MOUNT = 77 };

static int in_own_mounts(struct fixture *f, const char *options, int (*act)(struct fixture *f))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mkdir(f->lib, 0777) || mount("tmpfs", f->lib, "tmpfs", 0, options))
            _exit(CANNOT_MOUNT);
        _exit(act(f));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int read_on_read_only_disk(struct fixture *f)
{
    struct kn_library *lib = NULL;
    struct kn_err err = {0};

    if (kn_library_open_local(f->lib, &writing, &lib, &err))
        return 1;
    put_one(lib, 1);
    kn_library_close(lib);
    if (mount(NULL, f->lib, NULL, MS_REMOUNT | MS_RDONLY, NULL))
        return CANNOT_MOUNT;
    lib = NULL;
    if (kn_library_open_local(f->lib, &writing, &lib, &err) != KN_EIO ||
        !strstr(err.msg, "cannot be written"))
        return 2;
    if (kn_library_open_local(f->lib, NULL, &lib, &err))
        return 3;
    if (ready_in(lib) != 1 || alike_in(lib) != 1 || kn_library_check(lib, NULL))
        return 4;
    kn_library_close(lib);
    return 0;
}

static void readers_work_on_a_read_only_disk(void **state)
{
    int result = in_own_mounts(*state, "size=4m", read_on_read_only_disk);

    if (result == CANNOT_MOUNT) {
        fprintf(stderr, "readers_work_on_a_read_only_disk: SKIPPED, cannot mount here\n");
        skip();
    }
    assert_int_equal(result, 0);
}

static int fill_disk(struct fixture *f)
{
    static char text[64 << 10];
    struct kn_segment segment = {0, 1, text};
    struct kn_record r = {
        .title = {.name = "a", .state = KN_STATE_PENDING}, .segments = &segment, .n_segments = 1};
    struct kn_library *lib = NULL;
    struct kn_err err = {0};
    uint64_t done = 0;
    int rc;

    memset(text, 'x', sizeof text - 1);
    if (kn_library_open_local(f->lib, &writing, &lib, &err))
        return 1;
    for (; (rc = kn_library_put(lib, &r, 1, &err)) == KN_OK && done < 250; done++)
        r.title.id.b[0]++;
    if (rc != KN_EIO || !strstr(err.msg, "no space left on the disk: free some and run again")) {
        fprintf(stderr, "%d %s\n", rc, err.msg);
        return 2;
    }
    kn_library_close(lib);
    lib = NULL;
    if (mount(NULL, f->lib, NULL, MS_REMOUNT, "size=64m"))
        return CANNOT_MOUNT;
    if (kn_library_open_local(f->lib, &writing, &lib, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return 3;
    }
    if (kn_library_check(lib, &err) || kn_library_put(lib, &r, 1, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return 4;
    }
    rc = done > 0 ? 0 : 5;
    for (r.title.id.b[0] = 0; r.title.id.b[0] < done; r.title.id.b[0]++)
        if (kn_library_get(lib, &r.title.id, 0, f->arena, &r, NULL))
            return 6; /* what was committed is there */
    kn_library_close(lib);
    return rc;
}

static void a_full_disk_is_said_and_what_was_committed_stays(void **state)
{
    int result = in_own_mounts(*state, "size=2m", fill_disk);

    if (result == CANNOT_MOUNT) {
        fprintf(stderr, "a_full_disk_is_said...: SKIPPED, cannot mount here\n");
        skip();
    }
    assert_int_equal(result, 0);
}

static int limit_pages(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message, (void)api;
    return sqlite3_exec(db, "PRAGMA max_page_count = 60", NULL, NULL, NULL);
}

/* The same without a mount: SQLite's own limit answers as a full disk does. */
static void a_put_that_does_not_fit_leaves_nothing_of_itself(void **state)
{
    struct fixture *f = *state;
    static char text[700 << 10];
    struct kn_segment segment = {0, 1, text};
    struct kn_record r[2] = {ready_title(2), ready_title(3)};
    struct kn_library *lib;

    memset(text, 'x', sizeof text - 1);
    r[1].segments = &segment;
    r[1].n_segments = 1;
    make_library(f);
    sqlite3_auto_extension((void (*)(void))limit_pages);
    lib = open_with(f, &writing);
    sqlite3_reset_auto_extension();
    assert_int_equal(kn_library_put(lib, r, 2, &f->err), KN_EIO);
    assert_says(f, "no space left on the disk: free some and run again");
    assert_int_equal(ready_in(lib), 1);
    assert_int_equal(kn_library_put(lib, r, 1, &f->err), KN_OK); /* and it goes on */
    assert_int_equal(ready_in(lib), 2);
    assert_int_equal(kn_library_check(lib, NULL), KN_OK);
    kn_library_close(lib);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(readers_work_in_a_folder_without_write_permission),
        TEST(readers_without_write_permission_see_a_writer_at_work),
        TEST(readers_work_on_a_read_only_disk),
        TEST(a_full_disk_is_said_and_what_was_committed_stays),
        TEST(a_put_that_does_not_fit_leaves_nothing_of_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
