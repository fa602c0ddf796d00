#include "decode/media_child.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/unicode.h"
#include "decode/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_ENVIRONMENT = 32 };

int kn_child_find(const char *program, struct kn_buf *out, struct kn_err *err)
{
    static const char *const places[] = {"/kinora-decode", "/../kinora-decode"};
    const char *set = secure_getenv("KINORA_DECODE");
    struct kn_buf dir;
    int rc;

    if (!program || !program[0])
        program = set;
    if (program && program[0]) {
        if (access(program, X_OK))
            return kn_err_set(err, KN_EIO, "decoder '%s': %s%s", program, strerror(errno),
                              program == set ? "; KINORA_DECODE names it" : "");
        return kn_buf_adds(out, program, err);
    }
    kn_buf_init(&dir, 1 << 16);
    rc = kn_fs_program_dir(&dir, err);
    for (size_t i = 0; rc == KN_OK && i < sizeof places / sizeof places[0]; i++) {
        size_t n = dir.n;

        rc = kn_buf_adds(&dir, places[i], err);
        if (rc == KN_OK && access(dir.data, X_OK) == 0) {
            rc = kn_buf_adds(out, dir.data, err);
            goto out;
        }
        dir.n = n;
        dir.data[n] = '\0';
    }
    if (rc == KN_OK)
        rc = kn_err_set(err, KN_EIO,
                        "no kinora-decode in '%s': build or install it there, or set KINORA_DECODE",
                        dir.data);
out:
    kn_buf_free(&dir);
    return rc;
}

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Keys and tokens live in environments; code that a film may take over gets none of them. */
static void pick_environment(char *out[MAX_ENVIRONMENT + 1])
{
    static const char *const wanted[] = {
        "PATH=", "LD_", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS="};
    size_t n = 0;

    for (char **e = environ; *e && n < MAX_ENVIRONMENT; e++)
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
            if (starts_with(*e, wanted[i])) {
                out[n++] = *e;
                break;
            }
    out[n] = NULL;
}

/* Above the numbers that the child's own descriptors get, so that placing one cannot
 * overwrite another: a daemon may run with 0 to 2 closed. Takes fd. */
static int move_up(int fd)
{
    int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, KN_WIRE_SOCKET + 1);
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
    return up;
}

/* Returns errno, 0 when it went well. */
static int spawn(const char *program, char *memory, int sock, int said, pid_t *pid)
{
    char *argv[] = {(char *)program, memory, NULL};
    char *env[MAX_ENVIRONMENT + 1];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    pick_environment(env);
    sigemptyset(&none);
    sigfillset(&all);
    rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc)
        goto no_attr;
    if ((rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) ||
        (rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0)) ||
        (rc = posix_spawn_file_actions_adddup2(&files, said, 2)) ||
        (rc = posix_spawn_file_actions_adddup2(&files, sock, KN_WIRE_SOCKET)) ||
        (rc = posix_spawn_file_actions_addclosefrom_np(&files, KN_WIRE_SOCKET + 1)) ||
        (rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETPGROUP)) ||
        (rc = posix_spawnattr_setsigmask(&attr, &none)) ||
        (rc = posix_spawnattr_setsigdefault(&attr, &all)) ||
        (rc = posix_spawnattr_setpgroup(&attr, 0)))
        goto out;
    rc = posix_spawn(pid, program, &files, &attr, argv, env);
out:
    posix_spawnattr_destroy(&attr);
no_attr:
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

int kn_child_start(const char *program, uint64_t memory, struct kn_child *out, struct kn_err *err)
{
    int pair[2] = {-1, -1}, said, rc = 0;
    char text[24];
    pid_t pid = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return kn_err_set(err, KN_EIO, "decoder: a socket to talk to it: %s", strerror(errno));
    pair[0] = move_up(pair[0]);
    pair[1] = move_up(pair[1]);
    said = move_up(memfd_create("kinora-decode", MFD_CLOEXEC));
    if (pair[0] < 0 || pair[1] < 0 || said < 0) {
        rc = kn_err_set(err, KN_EIO, "decoder: descriptors to talk to it: %s", strerror(errno));
        goto out;
    }
    snprintf(text, sizeof text, "%" PRIu64, memory);
    rc = spawn(program, text, pair[1], said, &pid);
    if (rc) {
        rc = kn_err_set(err, KN_EIO, "start the decoder '%s': %s; KINORA_DECODE may name another",
                        program, strerror(rc));
        goto out;
    }
    *out = (struct kn_child){.pid = pid, .sock = pair[0], .errors = said};
    pair[0] = said = -1;
out:
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
    if (said >= 0)
        close(said);
    return rc;
}

bool kn_child_is_gone(const struct kn_child *c)
{
    siginfo_t info = {0};

    /* ECHILD: the program reaps whatever ends, by SIG_IGN or wait(); then it is gone too. */
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

static void first_line(int fd, char *out, size_t cap)
{
    char raw[256];
    ssize_t n = pread(fd, raw, sizeof raw, 0);
    struct kn_buf repaired, clean;

    out[0] = '\0';
    if (n <= 0)
        return;
    kn_buf_init(&repaired, 4 * sizeof raw);
    kn_buf_init(&clean, 64 * sizeof raw);
    for (ssize_t i = 0; i < n; i++)
        if (raw[i] == '\n' || raw[i] == '\0')
            n = i;
    if (kn_utf8_repair((struct kn_sv){raw, (size_t)n}, &repaired, NULL) == KN_OK &&
        kn_printable((struct kn_sv){repaired.data, repaired.n}, &clean, NULL) == KN_OK)
        snprintf(out, cap, "%s", clean.data);
    kn_buf_free(&repaired);
    kn_buf_free(&clean);
}

void kn_child_end(struct kn_child *c, struct kn_child_end *how)
{
    siginfo_t info;
    int status = -1;
    pid_t got;

    if (c->pid == 0)
        return;
    /* Only while it is ours to reap: elsewhere its number may have been given away again. A child
     * that is already dying keeps its own end: this does not change its status. */
    if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        kill(-c->pid, SIGKILL);
    do
        got = waitpid(c->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (how) {
        how->status = got < 0 ? -1 : status;
        first_line(c->errors, how->said, sizeof how->said);
    }
    close(c->sock);
    close(c->errors);
    *c = (struct kn_child){0};
}
