#include "decode/media.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "decode/media_child.h"
#include "decode/media_wire.h"
#include "decode/protocol.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum reading { NOTHING, OPENED, READING, ENDED, FAILED };

struct kn_media {
    struct kn_buf program;
    struct kn_media_limits limits;
    struct kn_child child;
    bool greeted;         /* its HELLO has come */
    bool broken;          /* the last child could not be started, or ended without one */
    enum reading reading; /* READING: an answer to NEXT is owed */
    uint32_t box;         /* as it said in it */
    bool has_audio;
    uint32_t at;          /* samples of answer.audio that were given already */
    struct kn_err failed; /* FAILED: what every further read says */
    union kn_wire_answer answer;
};

static double positive_or(double value, double otherwise)
{
    return value > 0 ? value : otherwise;
}

int kn_media_new(const char *program, const struct kn_media_limits *limits, struct kn_media **out,
                 struct kn_err *err)
{
    struct kn_media *m = calloc(1, sizeof *m);
    int rc;

    if (!m)
        return kn_err_memory(err, "decoder: no memory for %zu bytes", sizeof *m);
    kn_buf_init(&m->program, 1 << 16);
    rc = kn_child_find(program, &m->program, err);
    if (rc) {
        kn_media_free(m);
        return rc;
    }
    if (limits)
        m->limits = *limits;
    if (m->limits.memory == 0)
        m->limits.memory = (uint64_t)2 << 30;
    m->limits.cpu = positive_or(m->limits.cpu, 60);
    m->limits.silence = positive_or(m->limits.silence, 30);
    m->limits.max_duration = positive_or(m->limits.max_duration, 24 * 3600);
    *out = m;
    return KN_OK;
}

void kn_media_free(struct kn_media *m)
{
    if (!m)
        return;
    kn_child_end(&m->child, NULL);
    kn_buf_free(&m->program);
    free(m);
}

bool kn_media_is_broken(const struct kn_media *m)
{
    return m->broken;
}

/* The child came to an end by itself: why, as seen from doing. */
static int explain_end(struct kn_media *m, const char *doing, struct kn_err *err)
{
    struct kn_child_end how;
    const char *colon, *name;

    kn_child_end(&m->child, &how);
    colon = how.said[0] ? ": " : "";
    if (how.status == -1)
        return kn_err_set(err, KN_ECORRUPT, "%s: the decoder ended, nobody knows how%s%s", doing,
                          colon, how.said);
    if (WIFEXITED(how.status) && !m->greeted)
        return kn_err_set(err, KN_EIO, "the decoder '%s' does not start: exit code %d%s%s",
                          m->program.data, WEXITSTATUS(how.status), colon, how.said);
    if (WIFEXITED(how.status))
        return kn_err_set(err, KN_ECORRUPT, "%s: the decoder ended with exit code %d%s%s", doing,
                          WEXITSTATUS(how.status), colon, how.said);
    if (WTERMSIG(how.status) == SIGXCPU)
        return kn_err_set(
            err, KN_ELIMIT,
            "%s: took more CPU time than a file may (%.0f s and 1/20 of its duration)", doing,
            m->limits.cpu);
    if (WTERMSIG(how.status) == SIGSYS)
        return kn_err_set(
            err, KN_ECORRUPT,
            "%s: the decoder was ended by SIGSYS, for a system call that no decoder makes", doing);
    name = sigabbrev_np(WTERMSIG(how.status));
    kn_err_set(err, m->greeted ? KN_ECORRUPT : KN_EIO, "%s: the decoder was ended by SIG%s%s%s",
               doing, name ? name : "?", colon, how.said);
    if (err) /* nothing in a file sends this one: a person does, or the kernel short of memory */
        err->retry = WTERMSIG(how.status) == SIGKILL;
    return m->greeted ? KN_ECORRUPT : KN_EIO;
}

static int give_up(struct kn_media *m, enum kn_code code, const char *doing, const char *why,
                   struct kn_err *err)
{
    kn_child_end(&m->child, NULL);
    return kn_err_set(err, code, "%s: %s", doing, why);
}

/* One message into m->answer. KN_OK and *n = 0: nothing yet. */
static int take_message(struct kn_media *m, const char *doing, size_t *n, struct kn_err *err)
{
    ssize_t got = recv(m->child.sock, &m->answer, sizeof m->answer, MSG_DONTWAIT | MSG_TRUNC);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        *n = 0;
        return KN_OK;
    }
    if (got <= 0)
        return explain_end(m, doing, err);
    if (!kn_wire_is_sound(&m->answer, (size_t)got))
        return give_up(m, KN_ECORRUPT, doing, "the decoder answered nonsense and was ended", err);
    if (!m->greeted) {
        if (m->answer.kind != KN_WIRE_HELLO || m->answer.hello.version != KN_WIRE_VERSION)
            return give_up(m, KN_EIO, m->program.data,
                           "is of another version than this program: install both together", err);
        m->greeted = true;
        m->box = m->answer.hello.box;
        m->broken = false;
        *n = 0;
        return KN_OK;
    }
    *n = (size_t)got;
    return KN_OK;
}

/* Waits for an answer other than ALIVE. On any failure the child is gone afterwards. */
static int await(struct kn_media *m, const char *doing, const struct kn_cancel *cancel,
                 struct kn_err *err)
{
    double deadline = kn_clock_now() + m->limits.silence;
    unsigned alive = 0;

    for (;;) {
        struct pollfd p = {.fd = m->child.sock, .events = POLLIN};
        double left = deadline - kn_clock_now();
        size_t n;
        int rc;

        if (kn_cancel_is_set(cancel))
            return give_up(m, KN_ECANCELLED, doing, "cancelled", err);
        if (left <= 0) {
            kn_child_end(&m->child, NULL);
            return kn_err_set(err, KN_ETIMEOUT,
                              "%s: no answer for %.3g s, so the decoder was ended", doing,
                              m->limits.silence);
        }
        if (poll(&p, 1, (int)ceil(fmin(left * 1000, KN_CANCEL_POLL_MS))) <= 0)
            continue; /* EINTR too: the token may be what the signal set */
        rc = take_message(m, doing, &n, err);
        if (rc)
            return rc;
        if (n == 0)
            continue;
        if (m->answer.kind != KN_WIRE_ALIVE)
            return KN_OK;
        if (++alive > KN_WIRE_ALIVE_MAX)
            return give_up(m, KN_ETIMEOUT, doing, "an hour went by without a result", err);
        deadline = kn_clock_now() + m->limits.silence;
    }
}

static int unexpected(struct kn_media *m, const char *doing, struct kn_err *err)
{
    return give_up(m, KN_ECORRUPT, doing, "the decoder answered something else and was ended", err);
}

static int told_error(const struct kn_media *m, struct kn_err *err)
{
    char text[KN_WIRE_TEXT];
    int rc = kn_wire_to_text(&m->answer.error, text, err);

    return rc ? rc : kn_err_set(err, m->answer.error.code, "%s", text);
}

/* False when the child is not there to take it; whoever waits for its answer learns why. */
static bool request(struct kn_media *m, enum kn_wire_kind kind, int fd, size_t stream)
{
    struct kn_wire_request r = {.kind = kind,
                                .stream = (uint32_t)stream,
                                .cpu = m->limits.cpu,
                                .max_duration = m->limits.max_duration};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {0};
    struct iovec iov = {&r, sizeof r};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (fd >= 0) {
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
    }
    /* Never waits: at most two requests lie unread in a buffer of thousands. */
    do
        n = sendmsg(m->child.sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof r;
}

/* Starts a child where there is none, and again where it ended while idle: that was no doing of
 * this file's. */
static int send_open(struct kn_media *m, int fd, struct kn_err *err)
{
    for (int attempt = 0;; attempt++) {
        if (m->child.pid != 0 && kn_child_is_gone(&m->child))
            kn_child_end(&m->child, NULL);
        if (m->child.pid == 0) {
            int rc = kn_child_start(m->program.data, m->limits.memory, &m->child, err);

            m->greeted = false;
            m->broken = true; /* until it says hello */
            if (rc)
                return rc;
        }
        if (request(m, KN_WIRE_OPEN, fd, 0))
            return KN_OK;
        if (attempt > 0)
            return explain_end(m, "open", err);
    }
}

int kn_media_open(struct kn_media *m, int fd, const struct kn_cancel *cancel,
                  struct kn_media_info *info, struct kn_err *err)
{
    static const char doing[] = "open";
    struct stat st;
    int rc;

    kn_media_close_file(m);
    if (kn_cancel_is_set(cancel))
        return kn_err_set(err, KN_ECANCELLED, "%s: cancelled", doing);
    if (fstat(fd, &st))
        return kn_err_set(err, KN_EIO, "%s: %s", doing, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return kn_err_set(err, KN_EARG, "%s: not a file but a folder, pipe or device", doing);
    rc = send_open(m, fd, err);
    if (rc)
        return rc;
    rc = await(m, doing, cancel, err);
    if (rc)
        return rc;
    if (m->answer.kind == KN_WIRE_ERROR)
        return told_error(m, err);
    if (m->answer.kind != KN_WIRE_INFO)
        return unexpected(m, doing, err);
    rc = kn_wire_to_info(&m->answer.info, info, err);
    if (rc)
        return rc;
    m->has_audio = info->audio >= 0;
    m->reading = m->has_audio ? OPENED : ENDED;
    return KN_OK;
}

struct kn_media_box kn_media_box(const struct kn_media *m)
{
    return (struct kn_media_box){.memory = m->box & KN_WIRE_BOX_MEMORY,
                                 .landlock = m->box & KN_WIRE_BOX_LANDLOCK,
                                 .seccomp = m->box & KN_WIRE_BOX_SECCOMP};
}

static int take_cues(struct kn_media *m, const struct kn_cancel *cancel, struct kn_buf *out,
                     struct kn_err *err)
{
    static const char doing[] = "read its text";

    for (;;) {
        int rc = await(m, doing, cancel, err);

        if (rc)
            return rc;
        switch (m->answer.kind) {
        case KN_WIRE_CUE:
            if (kn_wire_add_cue(&m->answer.cue, out, NULL))
                return give_up(m, KN_ELIMIT, doing, "it is longer than any film's", err);
            break;
        case KN_WIRE_END:
            return KN_OK;
        case KN_WIRE_ERROR:
            return told_error(m, err);
        default:
            return unexpected(m, doing, err);
        }
    }
}

/* Nothing was begun that a second reading of the file would disturb. */
static bool is_fresh(const struct kn_media *m)
{
    return m->reading == OPENED || (m->reading == ENDED && !m->has_audio);
}

int kn_media_read_text(struct kn_media *m, size_t stream, const struct kn_cancel *cancel,
                       struct kn_buf *out, struct kn_err *err)
{
    enum reading before = m->reading;
    int rc;

    if (!is_fresh(m))
        return kn_err_set(err, KN_EARG, "read its text: no file is open, or its sound was begun");
    m->reading = NOTHING;
    rc = kn_buf_adds(out, KN_WIRE_CUES_HEAD, err);
    if (rc == KN_OK) {
        request(m, KN_WIRE_READ_TEXT, -1, stream);
        rc = take_cues(m, cancel, out, err);
    }
    if (rc == KN_OK)
        m->reading = before;
    return rc;
}

int kn_media_take_poster(struct kn_media *m, const struct kn_cancel *cancel, struct kn_buf *out,
                         struct kn_err *err)
{
    static const char doing[] = "take a picture";
    enum reading before = m->reading;
    int rc;

    if (!is_fresh(m))
        return kn_err_set(err, KN_EARG, "%s: no file is open, or its sound was begun", doing);
    m->reading = NOTHING;
    request(m, KN_WIRE_TAKE_POSTER, -1, 0);
    rc = await(m, doing, cancel, err);
    if (rc)
        return rc;
    if (m->answer.kind == KN_WIRE_ERROR)
        return told_error(m, err);
    if (m->answer.kind != KN_WIRE_POSTER)
        return unexpected(m, doing, err);
    rc = kn_buf_add(out, m->answer.poster.jpeg, m->answer.poster.n, err);
    if (rc == KN_OK)
        m->reading = before;
    return rc;
}

/* Brings the next block, or ENDED, or FAILED with the reason in m->failed. */
static void next_block(struct kn_media *m, const struct kn_cancel *cancel)
{
    static const char doing[] = "decode the sound";

    if (m->reading == OPENED)
        request(m, KN_WIRE_NEXT, -1, 0);
    m->reading = FAILED;
    if (await(m, doing, cancel, &m->failed))
        return;
    switch (m->answer.kind) {
    case KN_WIRE_AUDIO:
        kn_wire_clamp(&m->answer.audio);
        m->at = 0;
        m->reading = READING;
        request(m, KN_WIRE_NEXT, -1, 0);
        break;
    case KN_WIRE_END:
        m->reading = ENDED;
        break;
    case KN_WIRE_ERROR:
        told_error(m, &m->failed);
        break;
    default:
        unexpected(m, doing, &m->failed);
    }
}

int kn_media_read_audio(struct kn_media *m, float *samples, size_t cap,
                        const struct kn_cancel *cancel, size_t *got, struct kn_err *err)
{
    size_t n = 0;

    if (m->reading == NOTHING)
        return kn_err_set(err, KN_EARG, "decode the sound: no file is open");
    while (n < cap) {
        size_t part;

        if (m->reading == OPENED || (m->reading == READING && m->at == m->answer.audio.n))
            next_block(m, cancel);
        if (m->reading != READING)
            break;
        part = m->answer.audio.n - m->at;
        if (part > cap - n)
            part = cap - n;
        memcpy(samples + n, m->answer.audio.samples + m->at, part * sizeof *samples);
        m->at += (uint32_t)part;
        n += part;
    }
    if (m->reading == FAILED && (n == 0 || m->failed.code == KN_ECANCELLED)) {
        if (err)
            *err = m->failed;
        return m->failed.code;
    }
    *got = n;
    return KN_OK;
}

void kn_media_close_file(struct kn_media *m)
{
    /* Half read, it may be the very file that hangs: a new child is surer than an answer. */
    if (m->reading == READING)
        kn_child_end(&m->child, NULL);
    else if (m->reading != NOTHING && m->child.pid != 0)
        request(m, KN_WIRE_CLOSE, -1, 0);
    m->reading = NOTHING;
}
