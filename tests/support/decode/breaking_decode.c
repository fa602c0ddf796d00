/* kinora-decode, taken over: the real program in its real box, but a file that begins with "BREAK HOW" does what a
 * decoder would do that somebody's film has got the better of. Whether that worked is the file's failure. A text track
 * with the title "BREAK crash" crashes its decoder. Linked with --wrap,
 * so that all else is the program as it is. */
#include "decode/decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_kn_decode_film_open(struct kn_decode_job *job, struct kn_decode_film *film,
                               struct kn_wire_info *info);
int __wrap_kn_decode_film_open(struct kn_decode_job *job, struct kn_decode_film *film,
                               struct kn_wire_info *info);
int __real_kn_decode_text(struct kn_decode_job *job, struct kn_decode_film *film, unsigned stream);
int __wrap_kn_decode_text(struct kn_decode_job *job, struct kn_decode_film *film, unsigned stream);

/* Each gives true when it could, else errno says why not. */
static bool opens_a_file(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool makes_a_file(void)
{
    return open("/tmp/kinora-broken-out", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool opens_a_socket(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return false;
    return connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == ECONNREFUSED;
}

static bool starts_a_program(void)
{
    char *argv[] = {"true", NULL};
    pid_t pid;

    errno = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL);
    return errno == 0;
}

static bool forks(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static bool signals_its_client(void)
{
    return kill(getppid(), 0) == 0;
}

static bool takes_8_gigabytes(void)
{
    const size_t n = (size_t)8 << 30;
    char *p = malloc(n);

    for (size_t i = 0; p && i < n; i += 4096)
        ((volatile char *)p)[i] = 1;
    return p != NULL;
}

static bool crashes(void)
{
    raise(SIGSEGV);
    return false;
}

static const struct {
    const char *how;
    bool (*tries)(void);
} breaks[] = {
    {"open", opens_a_file},        {"make", makes_a_file}, {"socket", opens_a_socket},
    {"exec", starts_a_program},    {"fork", forks},        {"signal", signals_its_client},
    {"memory", takes_8_gigabytes}, {"crash", crashes},
};

int __wrap_kn_decode_film_open(struct kn_decode_job *job, struct kn_decode_film *film,
                               struct kn_wire_info *info)
{
    char head[32] = "";

    if (pread(job->fd, head, sizeof head - 1, 0) < 6 || strncmp(head, "BREAK ", 6) != 0)
        return __real_kn_decode_film_open(job, film, info);
    head[strcspn(head, "\n")] = '\0';
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        if (strcmp(head + 6, breaks[i].how) != 0)
            continue;
        if (breaks[i].tries())
            return kn_decode_fail(job, KN_ECORRUPT, "BROKEN OUT by %s", head + 6);
        return kn_decode_fail(job, KN_ECORRUPT, "%s refused: %s", head + 6, strerror(errno));
    }
    return kn_decode_fail(job, KN_ECORRUPT, "there is no such way: %s", head);
}

int __wrap_kn_decode_text(struct kn_decode_job *job, struct kn_decode_film *film, unsigned stream)
{
    const AVDictionaryEntry *title =
        av_dict_get(film->fmt->streams[stream]->metadata, "title", NULL, 0);

    if (title && strcmp(title->value, "BREAK crash") == 0)
        crashes();
    return __real_kn_decode_text(job, film, stream);
}
