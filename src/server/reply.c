#include "reply.h"

#include "server/fields.h"
#include "server/limits.h"

#include "base/err.h"
#include "base/unicode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

void kn_reply_begin(struct kn_reply *r, struct kn_arena *arena)
{
    *r = (struct kn_reply){.arena = arena, .fd = -1};
    kn_buf_init(&r->body, KN_LIMIT_REPLY);
    r->writer = (struct kn_json_writer){.out = &r->body};
}

void kn_reply_end(struct kn_reply *r)
{
    kn_buf_free(&r->body);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

/* ---- what handlers say ---- */

struct kn_json_writer *kn_reply_json(struct kn_reply *out)
{
    out->kind = KN_REPLY_JSON;
    out->type = "application/json";
    return &out->writer;
}

void kn_reply_borrowed(struct kn_reply *out, const char *type, const void *bytes, size_t n)
{
    out->kind = KN_REPLY_BYTES;
    out->type = type;
    out->bytes = (struct kn_sv){bytes, n};
}

int kn_reply_bytes(struct kn_reply *out, const char *type, const void *bytes, size_t n,
                   struct kn_err *err)
{
    const char *copy = kn_arena_bytes(out->arena, bytes, n);

    type = kn_arena_text(out->arena, type);
    if (!copy || !type)
        return kn_err_memory(err, "answer: no memory");
    kn_reply_borrowed(out, type, copy, n);
    return KN_OK;
}

void kn_reply_status(struct kn_reply *out, unsigned status)
{
    out->status = status;
}

static bool is_plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7F)
            return false;
    return true;
}

void kn_reply_header(struct kn_reply *out, const char *name, const char *value)
{
    struct kn_reply_field f = {kn_arena_text(out->arena, name), kn_arena_text(out->arena, value)};

    if (strcasecmp(name, "ETag") == 0 && strlen(value) < sizeof out->etag && is_plain(value))
        memcpy(out->etag, value, strlen(value) + 1);
    else if (f.name && f.value && is_plain(value) && out->n_headers < KN_REPLY_HEADERS)
        out->headers[out->n_headers++] = f;
}

int kn_reply_events(struct kn_reply *out, struct kn_events *e, const char *name, const char *data,
                    struct kn_err *err)
{
    out->kind = KN_REPLY_EVENTS;
    out->type = "text/event-stream";
    out->events = e;
    out->event = name ? kn_arena_text(out->arena, name) : NULL;
    out->event_data = kn_arena_text(out->arena, data);
    return (name && !out->event) || !out->event_data ? kn_err_memory(err, "answer: no memory")
                                                     : KN_OK;
}

/* ---- problems ---- */

void kn_reply_become_problem(struct kn_reply *r, unsigned status, const char *detail,
                             const char *code, const char *parameter)
{
    struct kn_json_writer *w;

    kn_reply_end(r);
    kn_reply_begin(r, r->arena);
    w = kn_reply_json(r);
    r->type = "application/problem+json";
    r->status = status;
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "type", "about:blank");
    kn_json_string(w, "title", MHD_get_reason_phrase_for(status));
    kn_json_integer(w, "status", status);
    kn_json_string(w, "detail", detail);
    kn_json_string(w, "code", code);
    if (parameter)
        kn_json_string(w, "parameter", parameter);
    kn_json_end_object(w);
}

/* The word for programs: that of kn_err_name where there is one of that meaning. */
static const char *code_of_status(unsigned status)
{
    static const struct {
        unsigned status;
        const char *code;
    } known[] = {
        {401, "unauthorized"}, {403, "forbidden"},      {404, "not_found"},
        {405, "wrong_method"}, {406, "not_acceptable"}, {409, "conflict"},
        {413, "limit"},        {414, "limit"},          {415, "unsupported_type"},
        {416, "range"},        {421, "wrong_host"},     {429, "too_many"},
        {431, "limit"},        {503, "unavailable"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].code;
    return status >= 400 && status < 500 ? "bad_argument" : "internal";
}

int kn_reply_problem(struct kn_reply *out, unsigned status, const char *detail, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, detail);
    vsnprintf(text, sizeof text, detail, ap);
    va_end(ap);
    kn_reply_become_problem(out, status, text, code_of_status(status), NULL);
    return KN_OK;
}

int kn_reply_problem_code(struct kn_reply *out, unsigned status, const char *code,
                          const char *detail, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, detail);
    vsnprintf(text, sizeof text, detail, ap);
    va_end(ap);
    kn_reply_become_problem(out, status, text, code, NULL);
    return KN_OK;
}

unsigned kn_status_of(const struct kn_err *err)
{
    if (kn_err_is_memory(err))
        return 503;
    switch (err->code) {
    case KN_EARG:
        return 400;
    case KN_ENOTFOUND:
        return 404;
    case KN_ELIMIT:
        return 413;
    case KN_ETIMEOUT:
        return 504;
    case KN_ENET:
        return 502;
    case KN_ECANCELLED:
        return 503;
    default:
        return 500;
    }
}

/* ---- files ---- */

const char *kn_media_type(const char *path)
{
    static const char *const types[][2] = {
        {"mp4", "video/mp4"},        {"m4v", "video/mp4"},   {"mov", "video/quicktime"},
        {"mkv", "video/x-matroska"}, {"webm", "video/webm"}, {"avi", "video/x-msvideo"},
        {"mpg", "video/mpeg"},       {"mpeg", "video/mpeg"}, {"ts", "video/mp2t"},
        {"m2ts", "video/mp2t"},      {"ogv", "video/ogg"},   {"wmv", "video/x-ms-wmv"},
        {"flv", "video/x-flv"},      {"3gp", "video/3gpp"},  {"mp3", "audio/mpeg"},
        {"m4a", "audio/mp4"},        {"ogg", "audio/ogg"},   {"opus", "audio/ogg"},
        {"flac", "audio/flac"},      {"wav", "audio/wav"},   {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},      {"png", "image/png"},   {"webp", "image/webp"},
        {"avif", "image/avif"},      {"gif", "image/gif"},
    };
    const char *name = strrchr(path, '/'), *dot = strrchr(name ? name : path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot + 1, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* The library's paths are without links (ingest/scan.h). So one on the way was put there since, and leads to something else than was taken in.
 * Step by step and not by openat2, which older kernels and filters of system calls do not have: a path has few parts. -1: errno. */
static int open_without_links(char *path)
{
    int at = *path == '/' ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;

    for (char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        int next = at;

        *slash = '\0';
        if (*path)
            next = openat(at, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next != at && at >= 0)
            close(at);
        at = next;
        if (at == -1)
            return -1;
    }
    /* O_NONBLOCK: a pipe of that name must not hold the thread. */
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), why = errno;

    if (at >= 0)
        close(at);
    errno = why;
    return fd;
}

int kn_reply_file(struct kn_reply *out, const char *path, const char *type, struct kn_err *err)
{
    struct kn_buf raw;
    struct stat st;
    int fd = -1, rc;

    kn_buf_init(&raw, PATH_MAX);
    rc = kn_unescape_path(kn_sv_of(path), &raw, err);
    if (rc == KN_OK) {
        fd = open_without_links(raw.data);
        if (fd < 0)
            rc = kn_err_set(
                err, errno == ENOENT || errno == ELOOP || errno == ENOTDIR ? KN_ENOTFOUND : KN_EIO,
                "open '%s': %s", path, strerror(errno));
        else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            rc = kn_err_set(err, KN_ENOTFOUND, "open '%s': it is no file any more", path);
    }
    kn_buf_free(&raw);
    if (rc) {
        if (fd >= 0)
            close(fd);
        return rc;
    }
    if (out->fd >= 0)
        close(out->fd);
    out->kind = KN_REPLY_FILE;
    out->type = type ? kn_arena_text(out->arena, type) : kn_media_type(path);
    out->fd = fd;
    out->size = (uint64_t)st.st_size;
    out->modified = st.st_mtim.tv_sec;
    snprintf(out->etag, sizeof out->etag, "\"%llx-%llx-%llx.%lx\"", (unsigned long long)st.st_ino,
             (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
             (unsigned long)st.st_mtim.tv_nsec);
    return KN_OK;
}
