/* What only the library in a folder promises: folders and disks that cannot be written. */
#include "local_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_work_in_a_folder_without_write_permission),
        TEST(readers_without_write_permission_see_a_writer_at_work),
        TEST(readers_work_on_a_read_only_disk),
        TEST(a_full_disk_is_said_and_what_was_committed_stays),
        TEST(a_put_that_does_not_fit_leaves_nothing_of_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
