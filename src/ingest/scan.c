#include "scan.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* What people keep films, talks and recordings in, and FFmpeg opens. Sound alone is welcome: a talk
 * recorded as .mp3 is heard like any other. */
static const char *const media_extensions[] = {
    "3g2",  "3gp",  "aac",  "amr",  "asf", "avi", "divx", "dv",   "f4v", "flac",
    "flv",  "m2ts", "m2v",  "m4a",  "m4b", "m4v", "mka",  "mkv",  "mov", "mp3",
    "mp4",  "mpe",  "mpeg", "mpg",  "mts", "mxf", "oga",  "ogg",  "ogm", "ogv",
    "opus", "qt",   "rm",   "rmvb", "ts",  "vob", "wav",  "webm", "wma", "wmv",
};

static const char *const subtitle_extensions[] = {"ass", "srt", "ssa", "vtt"};

struct walk {
    struct kn_arena *arena;
    const struct kn_cancel *cancel;
    struct kn_scan_file *files; /* these two grow by malloc; moved into the arena at the end */
    size_t n, cap, skipped;
    const char **subtitles;
    size_t n_subtitles, cap_subtitles;
    bool whole;
    bool flat; /* one folder alone */
    struct kn_err *err;
};

static bool has_extension(const char *name, const char *const *extensions, size_t n)
{
    const char *dot = strrchr(name, '.');

    if (!dot || dot == name)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(dot + 1, extensions[i]) == 0)
            return true;
    }
    return false;
}

static bool is_media(const char *name)
{
    return has_extension(name, media_extensions,
                         sizeof media_extensions / sizeof *media_extensions);
}

static bool is_subtitle(const char *name)
{
    return has_extension(name, subtitle_extensions,
                         sizeof subtitle_extensions / sizeof *subtitle_extensions);
}

bool kn_scan_counts(const char *name)
{
    return name[0] != '.' && (is_media(name) || is_subtitle(name));
}

static int add_subtitle(struct walk *w, const char *path)
{
    if (w->n_subtitles == KN_SCAN_FILES)
        return kn_err_set(w->err, KN_ELIMIT, "scan '%s': more than %d subtitle files", path,
                          KN_SCAN_FILES);
    if (w->n_subtitles == w->cap_subtitles) {
        size_t cap = w->cap_subtitles ? 2 * w->cap_subtitles : 256;
        const char **grown = realloc(w->subtitles, cap * sizeof *grown);

        if (!grown)
            return kn_err_set(w->err, KN_ELIMIT, "scan '%s': no memory", path);
        w->subtitles = grown;
        w->cap_subtitles = cap;
    }
    w->subtitles[w->n_subtitles] = kn_arena_text(w->arena, path);
    if (!w->subtitles[w->n_subtitles])
        return kn_err_set(w->err, KN_ELIMIT, "scan '%s': no memory", path);
    w->n_subtitles++;
    return KN_OK;
}

static int add_file(struct walk *w, const char *path, const struct stat *st)
{
    struct kn_scan_file *f;

    if (w->n == KN_SCAN_FILES)
        return kn_err_set(w->err, KN_ELIMIT, "scan '%s': more than %d files; give smaller folders",
                          path, KN_SCAN_FILES);
    if (w->n == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 256;
        struct kn_scan_file *grown = realloc(w->files, cap * sizeof *grown);

        if (!grown)
            return kn_err_set(w->err, KN_ELIMIT, "scan '%s': no memory", path);
        w->files = grown;
        w->cap = cap;
    }
    f = &w->files[w->n];
    f->path = kn_arena_text(w->arena, path);
    f->size = (uint64_t)st->st_size;
    f->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    if (!f->path)
        return kn_err_set(w->err, KN_ELIMIT, "scan '%s': no memory", path);
    w->n++;
    return KN_OK;
}

static int walk_folder(struct walk *w, const char *path, int depth);

/* What may be there and cannot be looked at must not count as gone. */
static void left_out(struct walk *w, const char *path)
{
    if (errno == ENOENT)
        return; /* gone since readdir saw it, or a link to nothing */
    w->whole = false;
    if (!w->flat)
        kn_log(KN_LOG_WARNING, "'%s' is left out: %s", path, strerror(errno));
}

static int walk_entry(struct walk *w, const char *path, const char *name, int depth)
{
    struct stat st;

    if (lstat(path, &st) < 0) {
        left_out(w, path);
        return KN_OK;
    }
    if (S_ISDIR(st.st_mode))
        return w->flat ? KN_OK : walk_folder(w, path, depth + 1);
    if (S_ISLNK(st.st_mode) && stat(path, &st) < 0) {
        left_out(w, path);
        return KN_OK;
    }
    if (!S_ISREG(st.st_mode))
        return KN_OK;
    if (is_subtitle(name))
        return add_subtitle(w, path);
    if (!is_media(name)) {
        w->skipped++;
        return KN_OK;
    }
    return add_file(w, path, &st);
}

static int walk_folder(struct walk *w, const char *path, int depth)
{
    char entry[PATH_MAX];
    DIR *dir = opendir(path);
    int rc = KN_OK;

    if (!dir || depth > KN_SCAN_DEPTH) {
        w->whole = false;
        if (!w->flat)
            kn_log(KN_LOG_WARNING, "folder '%s' is left out: %s", path,
                   dir ? "it lies too deep" : strerror(errno));
        if (dir)
            closedir(dir);
        return KN_OK;
    }
    for (struct dirent *e; rc == KN_OK && (errno = 0, e = readdir(dir));) {
        size_t n = strlen(path), m = strlen(e->d_name);

        if (e->d_name[0] == '.')
            continue;
        if (kn_cancel_is_set(w->cancel)) {
            rc = kn_err_set(w->err, KN_ECANCELLED, "scan '%s': cancelled", path);
        } else if (n + 1 + m >= sizeof entry) {
            w->whole = false;
            kn_log(KN_LOG_WARNING, "'%s' in '%s' is left out: its path is too long", e->d_name,
                   path);
        } else {
            memcpy(entry, path, n);
            entry[n] = '/';
            memcpy(entry + n + 1, e->d_name, m + 1);
            rc = walk_entry(w, entry, e->d_name, depth);
        }
    }
    if (rc == KN_OK && errno)
        left_out(w, path); /* a disk or a network that failed half-way is not an end */
    closedir(dir);
    return rc;
}

static int walk_root(struct walk *w, const char *given, struct kn_scan_root *root)
{
    char real[PATH_MAX];
    struct stat st;

    if (!realpath(given, real) || stat(real, &st) < 0)
        return kn_err_set(w->err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "read '%s': %s%s", given,
                          strerror(errno), errno == ENOENT ? "; check the path" : "");
    root->path = kn_arena_text(w->arena, strcmp(real, "/") == 0 ? "" : real);
    if (!root->path)
        return kn_err_set(w->err, KN_ELIMIT, "scan '%s': no memory", given);
    w->whole = true;
    root->is_folder = S_ISDIR(st.st_mode);
    if (S_ISREG(st.st_mode)) {
        root->whole = false; /* nothing is told of its neighbours */
        return add_file(w, real, &st);
    }
    if (!S_ISDIR(st.st_mode))
        return kn_err_set(w->err, KN_EARG, "read '%s': neither a folder nor a file", given);
    int rc = walk_folder(w, real, 0);

    root->whole = w->whole;
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct kn_scan_file *)a)->path, ((const struct kn_scan_file *)b)->path);
}

/* Roots may overlap: the same path twice is one file. */
static size_t unique(struct kn_scan_file *files, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || strcmp(files[kept - 1].path, files[i].path) != 0)
            files[kept++] = files[i];
    }
    return kept;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What was walked, sorted, into the arena. */
static int finish(struct walk *w, struct kn_scan *out)
{
    struct kn_scan_file *files;
    const char **subtitles;
    size_t n_files, n_subtitles = 0;

    if (w->n > 0)
        qsort(w->files, w->n, sizeof *w->files, by_path);
    n_files = unique(w->files, w->n);
    if (w->n_subtitles > 0)
        qsort(w->subtitles, w->n_subtitles, sizeof *w->subtitles, by_text);
    files = kn_arena_array(w->arena, n_files ? n_files : 1, sizeof *files);
    subtitles = kn_arena_array(w->arena, w->n_subtitles ? w->n_subtitles : 1, sizeof *subtitles);
    if (!files || !subtitles)
        return kn_err_set(w->err, KN_ELIMIT, "scan: no memory for %zu files", n_files);
    if (n_files > 0)
        memcpy(files, w->files, n_files * sizeof *files);
    for (size_t i = 0; i < w->n_subtitles; i++) {
        if (i == 0 || strcmp(w->subtitles[i - 1], w->subtitles[i]) != 0)
            subtitles[n_subtitles++] = w->subtitles[i];
    }
    out->files = files;
    out->n_files = n_files;
    out->subtitles = subtitles;
    out->n_subtitles = n_subtitles;
    out->skipped = w->skipped;
    return KN_OK;
}

static void walk_free(struct walk *w)
{
    free(w->files);
    free(w->subtitles);
}

int kn_scan(const char *const *roots, size_t n, const struct kn_cancel *cancel,
            struct kn_arena *arena, struct kn_scan *out, struct kn_err *err)
{
    struct walk w = {.arena = arena, .cancel = cancel, .err = err};
    struct kn_scan scan = {.n_roots = n};
    int rc = KN_OK;

    scan.roots = kn_arena_array(arena, n ? n : 1, sizeof *scan.roots);
    if (!scan.roots)
        rc = kn_err_set(err, KN_ELIMIT, "scan: no memory for %zu folders", n);
    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = walk_root(&w, roots[i], &scan.roots[i]);
    if (rc == KN_OK)
        rc = finish(&w, &scan);
    if (rc == KN_OK)
        *out = scan;
    walk_free(&w);
    return rc;
}

int kn_scan_folder(const char *path, struct kn_arena *arena, struct kn_scan *out,
                   struct kn_err *err)
{
    struct walk w = {.arena = arena, .err = err, .flat = true};
    struct kn_scan scan = {0};
    int rc = walk_folder(&w, path, 0);

    if (rc == KN_OK)
        rc = finish(&w, &scan);
    if (rc == KN_OK)
        *out = scan;
    walk_free(&w);
    return rc;
}

bool kn_scan_covers(const struct kn_scan *scan, const char *path)
{
    for (size_t i = 0; i < scan->n_roots; i++) {
        size_t n = strlen(scan->roots[i].path);

        if (scan->roots[i].is_folder && strncmp(path, scan->roots[i].path, n) == 0 &&
            path[n] == '/')
            return true;
    }
    return false;
}
