#include "scan.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "text/ignore.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
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

static const char *const image_extensions[] = {"jpeg", "jpg", "png"};

struct list { /* of paths; grows by malloc, moved into the arena at the end */
    const char **paths;
    size_t n, cap;
};

/* The .ignore files from the top to here, the nearest first. */
struct rules {
    const struct kn_ignore *ignore;
    size_t folder; /* length of its folder's path */
    const struct rules *above;
};

struct walk {
    struct kn_arena *arena;
    const struct kn_cancel *cancel;
    struct kn_scan_file *files; /* as a list */
    size_t n, cap, skipped;
    struct list subtitles, beside;
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

bool kn_scan_is_media(const char *name)
{
    return has_extension(name, media_extensions,
                         sizeof media_extensions / sizeof *media_extensions);
}

static bool is_subtitle(const char *name)
{
    return has_extension(name, subtitle_extensions,
                         sizeof subtitle_extensions / sizeof *subtitle_extensions);
}

static bool is_poster(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : 0;

    return has_extension(name, image_extensions,
                         sizeof image_extensions / sizeof *image_extensions) &&
           ((n >= 6 && strncasecmp(dot - 6, "poster", 6) == 0) ||
            (n == 6 && strncasecmp(name, "folder", 6) == 0));
}

static bool is_beside(const char *name)
{
    return has_extension(name, (const char *const[]){"nfo"}, 1) || is_poster(name);
}

bool kn_scan_counts(const char *name)
{
    return strcmp(name, ".ignore") == 0 ||
           (name[0] != '.' && (kn_scan_is_media(name) || is_subtitle(name) || is_beside(name)));
}

static int add_path(struct walk *w, struct list *l, const char *path)
{
    if (l->n == KN_SCAN_FILES)
        return kn_err_set(w->err, KN_ELIMIT, "scan '%s': more than %d files beside films", path,
                          KN_SCAN_FILES);
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 256;
        const char **grown = realloc(l->paths, cap * sizeof *grown);

        if (!grown)
            return kn_err_memory(w->err, "scan '%s': no memory", path);
        l->paths = grown;
        l->cap = cap;
    }
    l->paths[l->n] = kn_arena_text(w->arena, path);
    if (!l->paths[l->n])
        return kn_err_memory(w->err, "scan '%s': no memory", path);
    l->n++;
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
            return kn_err_memory(w->err, "scan '%s': no memory", path);
        w->files = grown;
        w->cap = cap;
    }
    f = &w->files[w->n];
    f->path = kn_arena_text(w->arena, path);
    f->size = (uint64_t)st->st_size;
    f->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    f->special = !S_ISREG(st->st_mode);
    if (!f->path)
        return kn_err_memory(w->err, "scan '%s': no memory", path);
    w->n++;
    return KN_OK;
}

static int walk_folder(struct walk *w, const char *path, int depth, const struct rules *above);

/* What may be there and cannot be looked at must not count as gone. */
static void left_out(struct walk *w, const char *path)
{
    if (errno == ENOENT)
        return; /* gone since readdir saw it, or a link to nothing */
    w->whole = false;
    if (!w->flat)
        kn_log(KN_LOG_WARNING, "'%s' is left out: %s", path, strerror(errno));
}

/* The nearest .ignore file that says something of this path decides. */
static bool is_ignored(const struct rules *r, const char *path, bool is_folder)
{
    for (; r; r = r->above) {
        enum kn_ignored said = r->ignore
                                   ? kn_ignore_match(r->ignore, path + r->folder + 1, is_folder)
                                   : KN_IGNORE_UNDECIDED;

        if (said != KN_IGNORE_UNDECIDED)
            return said == KN_IGNORE_OUT;
    }
    return false;
}

/* *ignore stays NULL where there is none. One that cannot be read is told of: better a film too many than one that is lost. */
static int read_ignore(struct walk *w, const char *folder, const struct kn_ignore **ignore)
{
    char path[PATH_MAX + sizeof "/.ignore"];
    struct kn_ignore *read;
    struct kn_buf bytes;
    struct kn_err why;
    int rc;

    snprintf(path, sizeof path, "%s/.ignore", folder);
    kn_buf_init(&bytes, KN_IGNORE_BYTES);
    rc = kn_fs_read(path, &bytes, &why);
    if (rc == KN_OK)
        rc = kn_ignore_parse((struct kn_sv){bytes.data, bytes.n}, w->arena, &read, &why);
    kn_buf_free(&bytes);
    if (rc == KN_OK)
        *ignore = read;
    else if (kn_err_is_memory(&why))
        return kn_err_memory(w->err, "'%s': %s", path, why.msg);
    else if (rc != KN_ENOTFOUND)
        kn_log(KN_LOG_WARNING, "'%s' is not used: %s", path, why.msg);
    return KN_OK;
}

static int walk_entry(struct walk *w, const char *path, const char *name, int depth,
                      const struct rules *rules)
{
    struct stat st;

    if (lstat(path, &st) < 0) {
        left_out(w, path);
        return KN_OK;
    }
    if (is_ignored(rules, path, S_ISDIR(st.st_mode)))
        return KN_OK;
    if (S_ISDIR(st.st_mode))
        return w->flat ? KN_OK : walk_folder(w, path, depth + 1, rules);
    if (S_ISLNK(st.st_mode) && stat(path, &st) < 0) {
        left_out(w, path);
        return KN_OK;
    }
    if (!S_ISREG(st.st_mode))
        return kn_scan_is_media(name) ? add_file(w, path, &st) : KN_OK;
    if (is_subtitle(name))
        return add_path(w, &w->subtitles, path);
    if (is_beside(name))
        return add_path(w, &w->beside, path);
    if (!kn_scan_is_media(name)) {
        w->skipped++;
        return KN_OK;
    }
    return add_file(w, path, &st);
}

static int read_folder(struct walk *w, DIR *dir, const char *path, int depth,
                       const struct rules *rules)
{
    char entry[PATH_MAX];
    int rc = KN_OK;

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
            rc = walk_entry(w, entry, e->d_name, depth, rules);
        }
    }
    if (rc == KN_OK && errno)
        left_out(w, path); /* a disk or a network that failed half-way is not an end */
    return rc;
}

static int walk_folder(struct walk *w, const char *path, int depth, const struct rules *above)
{
    struct rules rules = {.folder = strlen(path), .above = above};
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
    if (!w->flat)
        rc = read_ignore(w, path, &rules.ignore);
    if (rc == KN_OK && (!rules.ignore || !kn_ignore_is_empty(rules.ignore)))
        rc = read_folder(w, dir, path, depth, &rules);
    closedir(dir);
    return rc;
}

/* The .ignore files above a folder, or *out NULL where these leave it out. What a scan of a whole folder leaves out, a scan of a
 * part of it must leave out as well. */
static int rules_above(struct walk *w, const char *folder, const struct rules **above, bool *out)
{
    struct rules *rules;
    size_t n = 0;
    int rc;

    for (const char *p = folder; *p; p++)
        n += *p == '/';
    rules = kn_arena_array(w->arena, n ? n : 1, sizeof *rules);
    if (!rules)
        return kn_err_memory(w->err, "scan '%s': no memory", folder);
    *above = NULL;
    *out = false;
    for (const char *p = strchr(folder, '/'); p; p = strchr(p + 1, '/')) {
        char path[PATH_MAX];

        snprintf(path, sizeof path, "%.*s", (int)(p - folder), folder);
        *out = *out || (*path && is_ignored(*above, path, true));
        *rules = (struct rules){.folder = strlen(path), .above = *above};
        rc = read_ignore(w, path, &rules->ignore);
        if (rc)
            return rc;
        *out = *out || (rules->ignore && kn_ignore_is_empty(rules->ignore));
        *above = rules++;
    }
    *out = *out || is_ignored(*above, folder, true);
    return KN_OK;
}

static int walk_root(struct walk *w, const char *given, struct kn_scan_root *root)
{
    const struct rules *above;
    char real[PATH_MAX];
    struct stat st;
    bool ignored;
    int rc;

    if (!realpath(given, real) || stat(real, &st) < 0)
        return kn_err_set(w->err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "read '%s': %s%s", given,
                          strerror(errno), errno == ENOENT ? "; check the path" : "");
    root->path = kn_arena_text(w->arena, strcmp(real, "/") == 0 ? "" : real);
    if (!root->path)
        return kn_err_memory(w->err, "scan '%s': no memory", given);
    w->whole = true;
    root->is_folder = S_ISDIR(st.st_mode);
    if (S_ISREG(st.st_mode) || (!root->is_folder && kn_scan_is_media(real))) {
        root->whole = false; /* nothing is told of its neighbours */
        return add_file(w, real, &st);
    }
    if (!S_ISDIR(st.st_mode))
        return kn_err_set(w->err, KN_EARG, "read '%s': neither a folder nor a file", given);
    rc = rules_above(w, root->path, &above, &ignored);
    if (rc == KN_OK && ignored)
        kn_log(KN_LOG_WARNING, "folder '%s' is left out by an .ignore file above it", given);
    else if (rc == KN_OK)
        rc = walk_folder(w, real, 0, above);
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

static int by_text_without_case(const void *a, const void *b)
{
    int order = strcasecmp(*(const char *const *)a, *(const char *const *)b);

    return order ? order : by_text(a, b);
}

/* Sorted, each once, into the arena. */
static int finish_list(struct walk *w, struct list *l, int (*order)(const void *a, const void *b),
                       const char *const **out, size_t *n)
{
    const char **paths = kn_arena_array(w->arena, l->n ? l->n : 1, sizeof *paths);
    size_t kept = 0;

    if (!paths)
        return kn_err_memory(w->err, "scan: no memory for %zu files", l->n);
    if (l->n > 0)
        qsort(l->paths, l->n, sizeof *l->paths, order);
    for (size_t i = 0; i < l->n; i++) {
        if (i == 0 || strcmp(l->paths[i - 1], l->paths[i]) != 0)
            paths[kept++] = l->paths[i];
    }
    *out = paths;
    *n = kept;
    return KN_OK;
}

static int by_size(const void *a, const void *b)
{
    const struct kn_scan_size *x = a, *y = b;

    return x->size != y->size ? (x->size > y->size) - (x->size < y->size)
                              : (x->file > y->file) - (x->file < y->file);
}

static int finish_sizes(struct walk *w, struct kn_scan *out)
{
    struct kn_scan_size *sizes =
        kn_arena_array(w->arena, out->n_files ? out->n_files : 1, sizeof *sizes);

    if (!sizes)
        return kn_err_memory(w->err, "scan: no memory for %zu files", out->n_files);
    for (size_t i = 0; i < out->n_files; i++)
        sizes[i] = (struct kn_scan_size){out->files[i].size, i};
    if (out->n_files > 0)
        qsort(sizes, out->n_files, sizeof *sizes, by_size);
    out->sizes = sizes;
    return KN_OK;
}

/* What was walked, sorted, into the arena. */
static int finish(struct walk *w, struct kn_scan *out)
{
    struct kn_scan_file *files;
    size_t n_files;
    int rc;

    if (w->n > 0)
        qsort(w->files, w->n, sizeof *w->files, by_path);
    n_files = unique(w->files, w->n);
    files = kn_arena_array(w->arena, n_files ? n_files : 1, sizeof *files);
    if (!files)
        return kn_err_memory(w->err, "scan: no memory for %zu files", n_files);
    if (n_files > 0)
        memcpy(files, w->files, n_files * sizeof *files);
    rc = finish_list(w, &w->subtitles, by_text, &out->subtitles, &out->n_subtitles);
    if (rc == KN_OK)
        rc = finish_list(w, &w->beside, by_text_without_case, &out->beside, &out->n_beside);
    out->files = files;
    out->n_files = n_files;
    out->skipped = w->skipped;
    return rc ? rc : finish_sizes(w, out);
}

static void walk_free(struct walk *w)
{
    free(w->files);
    free(w->subtitles.paths);
    free(w->beside.paths);
}

int kn_scan(const char *const *roots, size_t n, const struct kn_cancel *cancel,
            struct kn_arena *arena, struct kn_scan *out, struct kn_err *err)
{
    struct walk w = {.arena = arena, .cancel = cancel, .err = err};
    struct kn_scan scan = {.n_roots = n};
    int rc = KN_OK;

    scan.roots = kn_arena_array(arena, n ? n : 1, sizeof *scan.roots);
    if (!scan.roots)
        rc = kn_err_memory(err, "scan: no memory for %zu folders", n);
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
    int rc = walk_folder(&w, path, 0, NULL);

    if (rc == KN_OK)
        rc = finish(&w, &scan);
    if (rc == KN_OK)
        *out = scan;
    walk_free(&w);
    return rc;
}

int kn_scan_leaves_out(const char *folder, bool *out, struct kn_err *err)
{
    struct walk w = {.arena = kn_arena_new(0), .err = err};
    const struct rules *above;
    int rc;

    if (!w.arena)
        return kn_err_memory(err, "scan '%s': no memory", folder);
    rc = rules_above(&w, folder, &above, out);
    kn_arena_free(w.arena);
    return rc;
}

const char *kn_scan_beside(const struct kn_scan *scan, const char *path)
{
    size_t low = 0, high = scan->n_beside, folder = (size_t)(strrchr(path, '/') - path);
    const char *found = NULL;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcasecmp(scan->beside[middle], path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < scan->n_beside && strcasecmp(scan->beside[low], path) == 0; low++) {
        if (strcmp(scan->beside[low], path) == 0)
            return scan->beside[low];
        if (!found && strncmp(scan->beside[low], path, folder) == 0)
            found = scan->beside[low];
    }
    return found;
}

const struct kn_scan_size *kn_scan_of_size(const struct kn_scan *scan, uint64_t size, size_t *n)
{
    size_t low = 0, high = scan->n_files, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (scan->sizes[middle].size < size)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < scan->n_files && scan->sizes[end].size == size;)
        end++;
    *n = end - low;
    return scan->sizes + low;
}

size_t kn_scan_first(const struct kn_scan *scan, const char *path)
{
    size_t low = 0, high = scan->n_files;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(scan->files[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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
