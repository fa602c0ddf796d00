/* One test a promise of http.h, named after it, against tests/support/http_server.py. */
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "net/http.h"

#include "../support/http_server.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char dir[64], path[96], url[128];

static int begin(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/kinora-http-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static const char *at(const char *what)
{
    snprintf(url, sizeof url, "%s/%s", server_address, what);
    return url;
}

static int get(const char *what, struct kn_err *err)
{
    return kn_http_download(at(what), path, SERVED_BYTES, NULL, NULL, NULL, err);
}

static void write_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void assert_file_is_whole(void)
{
    char sha[65];

    assert_int_equal(kn_sha256_file(path, sha, NULL), KN_OK);
    assert_string_equal(sha, SERVED_SHA256);
}

static size_t size_of_file(void)
{
    struct kn_buf b;
    size_t n;

    kn_buf_init(&b, 4 << 20);
    assert_int_equal(kn_fs_read(path, &b, NULL), KN_OK);
    n = b.n;
    kn_buf_free(&b);
    return n;
}

/* How often the server was asked for what, with this range. */
static int asked(const char *what, const char *range)
{
    char log[96], line[160], want[160];
    FILE *f;
    int n = 0;

    snprintf(log, sizeof log, "%s/log", dir);
    assert_int_equal(kn_http_download(at("log"), log, 1 << 20, NULL, NULL, NULL, NULL), KN_OK);
    snprintf(want, sizeof want, "/%s %s\n", what, range);
    f = fopen(log, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += strcmp(line, want) == 0;
    fclose(f);
    unlink(log);
    return n;
}

struct seen {
    uint64_t bytes, total;
    int calls;
};

static void note(void *ctx, uint64_t bytes, uint64_t total)
{
    struct seen *s = ctx;

    assert_true(bytes >= s->bytes);
    *s = (struct seen){bytes, total, s->calls + 1};
}

static void a_file_arrives_whole_and_tells_its_progress(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_int_equal(kn_http_download(at("moved"), path, SERVED_BYTES, NULL, note, &seen, NULL),
                     KN_OK);
    assert_file_is_whole();
    assert_int_equal(seen.bytes, SERVED_BYTES);
    assert_int_equal(seen.total, SERVED_BYTES);
    assert_true(seen.calls > 1);
}

static void what_is_there_is_not_fetched_again(void **state)
{
    struct kn_buf whole;

    (void)state;
    kn_buf_init(&whole, 4 << 20);
    assert_int_equal(get("file", NULL), KN_OK);
    assert_int_equal(kn_fs_read(path, &whole, NULL), KN_OK);
    write_file(whole.data, 700001);
    kn_buf_free(&whole);
    assert_int_equal(get("file", NULL), KN_OK);
    assert_file_is_whole();
    assert_int_equal(asked("file", "bytes=700001-"), 1);
}

static void a_transfer_that_breaks_off_goes_on_where_it_was(void **state)
{
    (void)state;
    assert_int_equal(get("breaks", NULL), KN_OK);
    assert_file_is_whole();
    assert_int_equal(asked("breaks", "-"), 1);
    assert_int_equal(asked("breaks", "bytes=300000-"), 1);
    assert_int_equal(asked("breaks", "bytes=900000-"), 1);
}

static void a_server_without_ranges_starts_the_file_again(void **state)
{
    (void)state;
    write_file("not its beginning", 17);
    assert_int_equal(get("norange", NULL), KN_OK);
    assert_file_is_whole();
    assert_int_equal(asked("norange", "bytes=17-"), 1);
}

static void a_file_with_nothing_behind_it_is_started_again(void **state)
{
    char *zeros = calloc(1, SERVED_BYTES);

    (void)state;
    assert_non_null(zeros);
    write_file(zeros, SERVED_BYTES);
    free(zeros);
    assert_int_equal(get("file", NULL), KN_OK);
    assert_file_is_whole();
}

static void what_is_not_there_fails_at_once_and_leaves_the_file(void **state)
{
    struct kn_err err;
    char want[256];

    (void)state;
    write_file("begun", 5);
    assert_int_equal(get("nothing", &err), KN_ENET);
    snprintf(want, sizeof want, "fetch %s/nothing: the server answered 404 (not there)",
             server_address);
    assert_string_equal(err.msg, want);
    assert_int_equal(size_of_file(), 5);
    assert_int_equal(asked("nothing", "bytes=5-"), 1);
}

static void a_busy_server_is_asked_again_when_it_says(void **state)
{
    double before = kn_clock_now();

    (void)state;
    assert_int_equal(get("busy/1/2", NULL), KN_OK);
    assert_file_is_whole();
    assert_true(kn_clock_now() - before >= 2);
    assert_int_equal(asked("busy/1/2", "-"), 2);
}

static void a_server_that_stays_down_is_given_up_after_four_retries(void **state)
{
    struct kn_err err;

    (void)state;
    assert_int_equal(get("down/9/1", &err), KN_ENET);
    assert_non_null(strstr(err.msg, "the server answered 503"));
    assert_int_equal(asked("down/9/1", "-"), 5);
}

static void a_server_that_wants_an_hour_is_not_waited_for(void **state)
{
    double before = kn_clock_now();

    (void)state;
    assert_int_equal(get("busy/9/3600", NULL), KN_ENET);
    assert_true(kn_clock_now() - before < 2);
}

static void more_than_the_maximum_is_refused(void **state)
{
    struct kn_err err;

    (void)state;
    assert_int_equal(get("long", &err), KN_ELIMIT);
    assert_non_null(strstr(err.msg, "larger than the 1048576 bytes it should have"));
    assert_true(size_of_file() <= SERVED_BYTES);
}

static void redirects_end(void **state)
{
    (void)state;
    assert_int_equal(get("round", NULL), KN_ENET);
}

static void only_http_is_spoken(void **state)
{
    (void)state;
    assert_int_equal(kn_http_download("file:///etc/passwd", path, 1 << 20, NULL, NULL, NULL, NULL),
                     KN_ENET);
    assert_int_equal(size_of_file(), 0);
}

static void a_file_that_cannot_be_written_is_named(void **state)
{
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_http_download(at("file"), "/proc/nowhere", 1, NULL, NULL, NULL, &err),
                     KN_EIO);
    assert_non_null(strstr(err.msg, "'/proc/nowhere'"));
}

static void *cancel_soon(void *cancel)
{
    kn_clock_sleep(0.3);
    kn_cancel_set(cancel);
    return NULL;
}

static void assert_cancel_ends(const char *what)
{
    struct kn_cancel cancel = {0};
    double before = kn_clock_now();
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(kn_http_download(at(what), path, SERVED_BYTES, &cancel, NULL, NULL, NULL),
                     KN_ECANCELLED);
    assert_true(kn_clock_now() - before < 2);
    pthread_join(thread, NULL);
}

static void cancel_ends_a_transfer_and_a_pause(void **state)
{
    (void)state;
    assert_cancel_ends("stuck");
    assert_int_equal(size_of_file(), 300000);
    assert_cancel_ends("busy/8/50");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_arrives_whole_and_tells_its_progress),
        TEST(what_is_there_is_not_fetched_again),
        TEST(a_transfer_that_breaks_off_goes_on_where_it_was),
        TEST(a_server_without_ranges_starts_the_file_again),
        TEST(a_file_with_nothing_behind_it_is_started_again),
        TEST(what_is_not_there_fails_at_once_and_leaves_the_file),
        TEST(a_busy_server_is_asked_again_when_it_says),
        TEST(a_server_that_stays_down_is_given_up_after_four_retries),
        TEST(a_server_that_wants_an_hour_is_not_waited_for),
        TEST(more_than_the_maximum_is_refused),
        TEST(redirects_end),
        TEST(only_http_is_spoken),
        TEST(a_file_that_cannot_be_written_is_named),
        TEST(cancel_ends_a_transfer_and_a_pause),
    };
    int failed;

    kn_http_init();
    if (server_start()) {
        fputs("cannot start tests/support/http_server.py with python3\n", stderr);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return server_stop() ? 1 : failed;
}
