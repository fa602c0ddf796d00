/* kinora-decode: started by media.c, never by hand.
 *
 * No PR_SET_PDEATHSIG: it fires when the thread that started us ends, not the process, and
 * the closed socket says the same without that trap; a loop that never looks at the
 * socket ends at the CPU limit. */
#include "decode/decode.h"
#include "decode/decode_box.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libavutil/log.h>

/* av_log gives its callback no context, and there is one file at a time. */
static struct kn_decode_job *current;

__attribute__((format(printf, 3, 0))) static void keep_first_line(void *ctx, int level,
                                                                  const char *fmt, va_list ap)
{
    (void)ctx;
    if (level > AV_LOG_ERROR || current->log[0])
        return;
    vsnprintf(current->log, sizeof current->log, fmt, ap);
    current->log[strcspn(current->log, "\r\n")] = '\0';
}

int kn_decode_fail(struct kn_decode_job *job, enum kn_code code, const char *fmt, ...)
{
    va_list ap;

    job->failure = (struct kn_wire_error){.kind = KN_WIRE_ERROR, .code = code};
    va_start(ap, fmt);
    vsnprintf(job->failure.text, sizeof job->failure.text, fmt, ap);
    va_end(ap);
    return code;
}

int kn_decode_fail_av(struct kn_decode_job *job, int averror, const char *doing)
{
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";

    if (job->io_error)
        return kn_decode_fail(job, KN_EIO, "%s: the file cannot be read: %s", doing,
                              strerror(job->io_error));
    if (averror == AVERROR(ENOMEM))
        return kn_decode_fail(job, KN_ELIMIT, "%s: needs more memory than a file may use", doing);
    if (averror == AVERROR_EOF || averror == AVERROR(EIO)) /* FFmpeg read where nothing is */
        return kn_decode_fail(job, KN_ECORRUPT, "%s: it ends too early: is the file whole?", doing);
    av_strerror(averror, reason, sizeof reason);
    if (!job->log[0])
        return kn_decode_fail(job, KN_ECORRUPT, "%s: %s", doing, reason);
    return kn_decode_fail(job, KN_ECORRUPT, "%s: %s (%s)", doing, reason, job->log);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_used(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void kn_decode_tell(struct kn_decode_job *job, const void *message, size_t n)
{
    while (send(job->sock, message, n, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            _exit(0); /* nobody listens any more */
    job->told = now();
}

void kn_decode_alive(struct kn_decode_job *job)
{
    const uint32_t alive = KN_WIRE_ALIVE;
    double t = now();

    if (t < job->told + 1)
        return;
    job->told = t;
    /* A full buffer is fine: then the client has plenty to read. */
    if (send(job->sock, &alive, sizeof alive, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN &&
        errno != EINTR)
        _exit(0);
}

void kn_decode_hurry(struct kn_decode_job *job, double seconds)
{
    job->until = seconds > 0 ? now() + seconds : 0;
}

bool kn_decode_is_late(const struct kn_decode_job *job)
{
    return job->until > 0 && now() > job->until;
}

/* *fd gets the descriptor that came along, or -1. */
static void receive(int sock, struct kn_wire_request *out, int *fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof *fd)];
    } control;
    struct iovec iov = {out, sizeof *out};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    const struct cmsghdr *c;
    ssize_t n;

    do
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != sizeof *out)
        _exit(n == 0 ? 0 : 3);
    *fd = -1;
    c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
}

void kn_decode_answer(struct kn_decode_job *job, const void *message, size_t n)
{
    struct kn_wire_request request;
    int fd;

    if (!job->asked) {
        receive(job->sock, &request, &fd);
        if (request.kind != KN_WIRE_NEXT)
            _exit(3);
    }
    kn_decode_tell(job, message, n);
    job->asked = false;
}

void kn_decode_allow_cpu(const struct kn_decode_job *job, double seconds)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CPU, &limit))
        return;
    limit.rlim_cur = (rlim_t)ceil(job->cpu_before + job->cpu + seconds / 20);
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CPU, &limit); /* the soft limit is ours to move */
}

static void open_film(struct kn_decode_job *job, struct kn_decode_film *film,
                      const struct kn_wire_request *request)
{
    struct kn_wire_info info = {.kind = KN_WIRE_INFO};

    job->cpu = request->cpu;
    job->max_duration = request->max_duration;
    job->cpu_before = cpu_used();
    job->at = 0;
    job->io_error = 0;
    job->log[0] = '\0';
    kn_decode_allow_cpu(job, 0);
    if (kn_decode_film_open(job, film, &info)) {
        kn_decode_film_close(film);
        kn_decode_tell(job, &job->failure, sizeof job->failure);
        return;
    }
    kn_decode_allow_cpu(job, film->duration);
    kn_decode_tell(job, &info,
                   offsetof(struct kn_wire_info, streams) +
                       info.n_streams * sizeof info.streams[0]);
}

static void serve(struct kn_decode_job *job, uint32_t box)
{
    const struct kn_wire_hello hello = {KN_WIRE_HELLO, KN_WIRE_VERSION, box, 0};
    struct kn_decode_film film = {0};
    struct kn_wire_request request;
    int fd;

    kn_decode_tell(job, &hello, sizeof hello);
    for (;;) {
        receive(job->sock, &request, &fd);
        if (request.kind == KN_WIRE_READ_TEXT && job->fd >= 0) {
            if (kn_decode_film_rewind(job, &film) || kn_decode_text(job, &film, request.stream))
                kn_decode_tell(job, &job->failure, sizeof job->failure);
            continue;
        }
        if (request.kind == KN_WIRE_TAKE_POSTER && job->fd >= 0) {
            if (kn_decode_film_rewind(job, &film) || kn_decode_poster(job, &film))
                kn_decode_tell(job, &job->failure, sizeof job->failure);
            continue;
        }
        if (request.kind == KN_WIRE_NEXT && job->fd >= 0) {
            job->asked = true;
            if (kn_decode_film_rewind(job, &film) || kn_decode_sound(job, &film))
                kn_decode_answer(job, &job->failure, sizeof job->failure);
        }
        /* The sound is read to its end or not at all, so after NEXT nothing is left either. */
        kn_decode_film_close(&film);
        if (job->fd >= 0)
            close(job->fd);
        job->fd = fd;
        if (request.kind == KN_WIRE_OPEN && fd >= 0)
            open_film(job, &film, &request);
    }
}

int main(int argc, char **argv)
{
    struct kn_decode_job job = {.sock = KN_WIRE_SOCKET, .fd = -1};
    unsigned long long memory = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    int type = 0;
    socklen_t n = sizeof type;

    if (memory == 0 || getsockopt(job.sock, SOL_SOCKET, SO_TYPE, &type, &n) ||
        type != SOCK_SEQPACKET) {
        fputs("kinora-decode: decodes media for kinora, which starts it; nothing to do by hand\n",
              stderr);
        return 2;
    }
    current = &job;
    av_log_set_callback(keep_first_line);
    serve(&job, kn_decode_box(memory));
}
