/* One test a promise of media.h about the child: the real one, and some that misbehave
 * (support/fake_decoder.c). */
#include "../support/media_fixture.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/unicode.h"
#include "decode/media_wire.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static char build_dir[4096];

static int set_up(void **state)
{
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, sizeof build_dir);
    if (kn_fs_program_dir(&b, NULL))
        return -1;
    snprintf(build_dir, sizeof build_dir, "%s", b.data);
    kn_buf_free(&b);
    return make_media();
}

static struct kn_media *new_fake(const char *mode, double silence)
{
    struct kn_media_limits limits = {.silence = silence};
    struct kn_media *m = NULL;
    char name[64], target[4200];

    snprintf(name, sizeof name, "fake-%s", mode);
    snprintf(target, sizeof target, "%s/fake_decoder", build_dir);
    unlink(in_dir(name));
    assert_int_equal(symlink(target, in_dir(name)), 0);
    assert_int_equal(kn_media_new(in_dir(name), &limits, &m, NULL), KN_OK);
    return m;
}

/* The children of this thread, zombies among them: how many, and one of them. */
static int children(pid_t *one)
{
    char path[64];
    FILE *f;
    int n = 0, pid;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)gettid());
    f = fopen(path, "r");
    assert_non_null(f);
    for (; fscanf(f, "%d", &pid) == 1; n++)
        *one = pid;
    fclose(f);
    return n;
}

static pid_t child(void)
{
    pid_t pid = 0;

    assert_int_equal(children(&pid), 1);
    return pid;
}

static int count_entries(const char *path)
{
    DIR *d = opendir(path);
    int n = -2; /* . and .. */

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void one_child_serves_many_files_and_leaks_no_descriptor(void **state)
{
    static const char *const names[] = {"mono.wav", "text.mp4", "film.mp4", "mute.mp4"};
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    char fds[64];
    pid_t first;
    int ours;

    (void)state;
    assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);
    first = child();
    ours = count_entries("/proc/self/fd");
    for (int i = 0; i < 200; i++) {
        size_t n;

        if (open_name(m, names[i % 4], &info, NULL) == KN_OK && i % 3)
            assert_int_equal(read_all(m, &n, NULL), KN_OK);
        if (i % 2)
            kn_media_close_file(m);
    }
    kn_media_close_file(m);
    assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);
    kn_media_close_file(m);
    assert_int_equal(child(), first);
    assert_int_equal(count_entries("/proc/self/fd"), ours);
    snprintf(fds, sizeof fds, "/proc/%d/fd", (int)first);
    for (int i = 0; i < 100 && count_entries(fds) > 4; i++)
        usleep(10000); /* CLOSE has no answer to wait for */
    assert_int_equal(count_entries(fds), 4);
    kn_media_free(m);
    assert_int_equal(children(&first), 0);
}

static void file_text(pid_t pid, const char *name, char *out, size_t cap)
{
    char path[64];
    int fd;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = read(fd, out, cap - 1);
    assert_true(n >= 0);
    out[n] = '\0';
    for (ssize_t i = 0; i < n; i++) /* /proc/PID/environ parts by NUL */
        if (out[i] == '\0')
            out[i] = '\n';
    close(fd);
}

static void the_child_is_limited_and_knows_no_secret(void **state)
{
    struct kn_media *m = new_media(&(struct kn_media_limits){.cpu = 7});
    struct kn_media_info info;
    unsigned long long cpu = 0, core = 9, files = 0;
    char text[8192];
    const char *line;

    (void)state;
    setenv("KINORA_TEST_KEY", "secret", 1);
    assert_int_equal(open_name(m, "long.m4a", &info, NULL), KN_OK);
    file_text(child(), "limits", text, sizeof text);
    line = strstr(text, "Max cpu time");
    assert_true(line && sscanf(line + 12, "%llu", &cpu) == 1);
    assert_in_range(cpu, 10, 11); /* what it cost to start, 7 and 60 / 20 */
    line = strstr(text, "Max core file size");
    assert_true(line && sscanf(line + 18, "%llu", &core) == 1 && core == 0);
    line = strstr(text, "Max open files");
    assert_true(line && sscanf(line + 14, "%llu", &files) == 1 && files <= 16);
    file_text(child(), "status", text, sizeof text);
    assert_non_null(strstr(text, "NoNewPrivs:\t1"));
    file_text(child(), "environ", text, sizeof text);
    assert_null(strstr(text, "secret"));
    kn_media_free(m);
}

static void memory_over_the_limit_fails_that_file(void **state)
{
    struct kn_media *m;
    struct kn_media_info info;
    struct kn_err err;

    (void)state;
    if (!KN_DECODE_LIMITS_MEMORY)
        skip();
    m = new_media(&(struct kn_media_limits){.memory = 1 << 20});
    assert_int_equal(open_name(m, "film.mp4", &info, &err), KN_ELIMIT);
    assert_non_null(strstr(err.msg, "memory"));
    kn_media_free(m);
}

static void a_child_killed_half_way_costs_that_file_only(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    siginfo_t info_of_end;
    struct kn_err err;
    size_t got, n;
    pid_t pid;

    (void)state;
    assert_int_equal(open_name(m, "long.m4a", &info, NULL), KN_OK);
    assert_int_equal(kn_media_read_audio(m, sound, 100, NULL, &got, NULL), KN_OK);
    assert_int_equal(got, 100);
    assert_int_equal(kill(child(), SIGKILL), 0);
    assert_int_equal(read_all(m, &n, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "SIGKILL"));
    assert_true(n < 60 * KN_AUDIO_RATE - 100);
    assert_int_equal(children(&pid), 0); /* reaped */
    assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);

    pid = child(); /* idle: costs nothing */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info_of_end, WEXITED | WNOWAIT), 0);
    assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);
    kn_media_free(m);
}

static void a_file_given_up_half_read_leaves_no_trace(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    size_t got;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(open_name(m, "long.m4a", &info, NULL), KN_OK);
        assert_int_equal(kn_media_read_audio(m, sound, 100, NULL, &got, NULL), KN_OK);
        assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);
        assert_near(rms(0, 48000), sine_rms, 0.0005);
    }
    kn_media_free(m);
}

static void a_silent_child_meets_the_watchdog(void **state)
{
    struct kn_media *m = new_fake("hang", 0.3);
    struct kn_media_info info;
    struct kn_err err;
    double start = kn_clock_now();
    pid_t pid;

    (void)state;
    assert_int_equal(open_name(m, "mono.wav", &info, &err), KN_ETIMEOUT);
    assert_near(kn_clock_now() - start, 1.3, 1); /* never early; a busy machine is late */
    assert_int_equal(children(&pid), 0);
    kn_media_free(m);

    m = new_fake("alive", 1); /* takes longer, but says that it lives */
    assert_int_equal(open_name(m, "mono.wav", &info, &err), KN_OK);
    kn_media_free(m);
}

static void *cancel_soon(void *cancel)
{
    kn_clock_sleep(0.2);
    kn_cancel_set(cancel);
    return NULL;
}

static void a_cancel_token_ends_a_wait(void **state)
{
    struct kn_media *m = new_fake("hang", 30);
    struct kn_cancel cancel = {false};
    struct kn_media_info info;
    struct kn_err err;
    pthread_t thread;
    double start = kn_clock_now();
    int fd = open(in_dir("mono.wav"), O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(kn_media_open(m, fd, &cancel, &info, &err), KN_ECANCELLED);
    assert_near(kn_clock_now() - start, 0.35, 0.15);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(fd);
    kn_media_free(m);
}

static void assert_fake_says(const char *mode, int code, const char *word)
{
    struct kn_media *m = new_fake(mode, 5);
    struct kn_media_info info;
    struct kn_err err;
    size_t n;
    pid_t pid;
    int rc = open_name(m, "mono.wav", &info, &err);

    if (rc == KN_OK)
        rc = read_all(m, &n, &err);
    if (rc != code || !strstr(err.msg, word))
        fail_msg("%s: %d, '%s' does not say '%s'", mode, rc, err.msg, word);
    assert_int_equal(children(&pid), 0);
    kn_media_free(m);
}

static void however_a_child_ends_the_message_says_it(void **state)
{
    (void)state;
    assert_fake_says("abort", KN_ECORRUPT, "SIGABRT");
    assert_fake_says("cpu", KN_ELIMIT, "CPU time");
    assert_fake_says("exit", KN_ECORRUPT, "exit code 9");
    assert_fake_says("mute", KN_EIO, "exit code 127: no such library");
    assert_fake_says("old", KN_EIO, "another version");
}

static void a_hostile_child_is_ended_and_believed_nothing(void **state)
{
    (void)state;
    assert_fake_says("index", KN_ECORRUPT, "nonsense");
    assert_fake_says("count", KN_ECORRUPT, "nonsense");
    assert_fake_says("kind", KN_ECORRUPT, "nonsense");
    assert_fake_says("long", KN_ECORRUPT, "nonsense");
    assert_fake_says("none", KN_ECORRUPT, "nonsense");
    assert_fake_says("early", KN_ECORRUPT, "something else");
}

static void hostile_text_stays_in_its_line_or_ends_the_child(void **state)
{
    struct kn_media *m = new_fake("cue", 5);
    struct kn_media_info info;
    struct kn_buf text;
    struct kn_err err;
    pid_t pid;

    (void)state;
    kn_buf_init(&text, 1 << 16);
    assert_int_equal(open_name(m, "mono.wav", &info, &err), KN_OK);
    assert_int_equal(kn_media_read_text(m, 0, NULL, &text, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "nonsense"));
    assert_string_equal(text.data, "[Events]\nFormat: Start, End, Text\n"
                                   "Dialogue: 0:00:01.000,0:00:02.000,a Dialogue: 0,9,b \n");
    assert_int_equal(children(&pid), 0);
    kn_buf_free(&text);
    kn_media_free(m);
}

static void wild_samples_and_texts_become_safe(void **state)
{
    struct kn_media *m = new_fake("wild", 5);
    struct kn_media_info info;
    struct kn_err err;
    size_t n;

    (void)state;
    assert_int_equal(open_name(m, "mono.wav", &info, &err), KN_OK);
    assert_true(kn_utf8_valid(kn_sv_of(info.title)));
    assert_in_range(strlen(info.title), 100, KN_MEDIA_TEXT - 1);
    assert_near(info.duration, 0, 0);
    assert_int_equal(read_all(m, &n, &err), KN_ECORRUPT);
    assert_int_equal(n, 300);
    for (size_t i = 0; i < n; i++)
        assert_near(sound[i], i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : -1, 0);
    assert_null(strchr(err.msg, 0x1B)); /* no escape reaches a terminal */
    kn_media_free(m);
}

/* A short sample of tests/fuzz/fuzz_wire.c, with a fixed seed. */
static void random_answers_are_refused_or_harmless(void **state)
{
    static union kn_wire_answer a;
    static const size_t sizes[] = {4, 8, 232, 224, 400, 12 + 64};
    unsigned taken = 0;
    struct kn_media_info info;

    (void)state;
    srand(1);
    for (int i = 0; i < 200000; i++) {
        unsigned char *p = (unsigned char *)&a;
        size_t n = sizes[rand() % 6];

        for (size_t k = 0; k < 32; k++)
            p[k] = (unsigned char)(rand() % 4 ? rand() % 3 : rand());
        a.kind = KN_WIRE_HELLO + (uint32_t)rand() % 7;
        if (!kn_wire_is_sound(&a, n))
            continue;
        taken++;
        if (a.kind == KN_WIRE_INFO) {
            assert_int_equal(kn_wire_to_info(&a.info, &info, NULL), KN_OK);
            assert_true(info.audio < (int)info.n_streams);
        }
        if (a.kind == KN_WIRE_AUDIO)
            assert_int_equal(n, 8 + 4 * a.audio.n);
    }
    assert_in_range(taken, 1000, 199999);
}

static void a_missing_decoder_is_told_at_once(void **state)
{
    struct kn_media *m = NULL;
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_media_new("/nowhere/kinora-decode", NULL, &m, &err), KN_EIO);
    setenv("KINORA_DECODE", "/nowhere/else", 1);
    assert_int_equal(kn_media_new(NULL, NULL, &m, &err), KN_EIO);
    assert_non_null(strstr(err.msg, "KINORA_DECODE"));
    unsetenv("KINORA_DECODE");
    assert_null(m);
}

static void a_program_that_reaps_children_itself_is_served_too(void **state)
{
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);
    kn_media_free(m);
    signal(SIGCHLD, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_child_serves_many_files_and_leaks_no_descriptor),
        cmocka_unit_test(the_child_is_limited_and_knows_no_secret),
        cmocka_unit_test(memory_over_the_limit_fails_that_file),
        cmocka_unit_test(a_child_killed_half_way_costs_that_file_only),
        cmocka_unit_test(a_file_given_up_half_read_leaves_no_trace),
        cmocka_unit_test(a_silent_child_meets_the_watchdog),
        cmocka_unit_test(a_cancel_token_ends_a_wait),
        cmocka_unit_test(however_a_child_ends_the_message_says_it),
        cmocka_unit_test(a_hostile_child_is_ended_and_believed_nothing),
        cmocka_unit_test(hostile_text_stays_in_its_line_or_ends_the_child),
        cmocka_unit_test(wild_samples_and_texts_become_safe),
        cmocka_unit_test(random_answers_are_refused_or_harmless),
        cmocka_unit_test(a_missing_decoder_is_told_at_once),
        cmocka_unit_test(a_program_that_reaps_children_itself_is_served_too),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
