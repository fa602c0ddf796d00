#include "ingest/watch.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ingest/scan.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* CLOSE_WRITE, not MODIFY: a download tells once, when it is whole. CREATE is there for links and folders. */
static const uint32_t EVENTS = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                               IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR | IN_DONT_FOLLOW |
                               IN_EXCL_UNLINK;
static const double QUIET = 1, AT_MOST = 5, ROOTS_EVERY = 1; /* seconds */

enum { POLL_MS = 100, DEPTH = 64, EVENT_BYTES = 64 << 10 };

struct watched {
    int wd;
    char *path;
};

struct changed {
    char *path;
    double first, last; /* when; of the first and the last change */
};

struct kn_watch {
    int fd;
    char **roots;  /* absolute, without links */
    int *root_wds; /* the number of each root's watch; -1 none */
    size_t n_roots;
    double next_roots;
    struct watched *watched; /* in order of wd, which the kernel counts up */
    size_t n_watched, cap_watched;
    struct changed *changed;
    size_t n_changed, cap_changed;
    char **given_owned;
    size_t n_given;
    double every, next_look;
    const char *blind; /* why; "" not */
};

static int no_memory(struct kn_err *err, const char *path)
{
    return kn_err_memory(err, "watch '%s': no memory", path);
}

/* ---- what changed ---- */

static int mark(struct kn_watch *w, const char *path, double when, struct kn_err *err)
{
    for (size_t i = 0; i < w->n_changed; i++) {
        if (strcmp(w->changed[i].path, path) == 0) {
            w->changed[i].last = when;
            return KN_OK;
        }
    }
    if (w->n_changed == w->cap_changed) {
        size_t cap = w->cap_changed ? 2 * w->cap_changed : 64;
        struct changed *grown = realloc(w->changed, cap * sizeof *grown);

        if (!grown)
            return no_memory(err, path);
        w->changed = grown;
        w->cap_changed = cap;
    }
    w->changed[w->n_changed] = (struct changed){strdup(path), when, when};
    if (!w->changed[w->n_changed].path)
        return no_memory(err, path);
    w->n_changed++;
    return KN_OK;
}

static int mark_roots(struct kn_watch *w, double when, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < w->n_roots; i++)
        rc = mark(w, w->roots[i], when, err);
    return rc;
}

/* Is path folder itself, or below it? */
static bool lies_in(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* ---- watches ---- */

static struct watched *find(struct kn_watch *w, int wd)
{
    size_t low = 0, high = w->n_watched;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (w->watched[middle].wd < wd)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w->n_watched && w->watched[low].wd == wd ? &w->watched[low] : NULL;
}

static void forget(struct kn_watch *w, struct watched *one)
{
    free(one->path);
    w->n_watched--;
    memmove(one, one + 1, (size_t)(w->watched + w->n_watched - one) * sizeof *one);
}

static void forget_below(struct kn_watch *w, const char *path)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->n_watched; i++) {
        if (lies_in(w->watched[i].path, path)) {
            inotify_rm_watch(w->fd, w->watched[i].wd);
            free(w->watched[i].path);
        } else {
            w->watched[kept++] = w->watched[i];
        }
    }
    w->n_watched = kept;
}

static void blind(struct kn_watch *w, const char *why)
{
    if (*w->blind)
        return;
    w->blind = why;
    w->next_look = kn_clock_now() + w->every;
}

/* The kernel gives a folder that is watched already the number that it has, and its path may be another now. */
static int keep(struct kn_watch *w, int wd, const char *path, struct kn_err *err)
{
    struct watched *one = find(w, wd);
    char *copy = strdup(path);
    size_t at;

    if (!copy)
        return no_memory(err, path);
    if (one) {
        free(one->path);
        one->path = copy;
        return KN_OK;
    }
    if (w->n_watched == w->cap_watched) {
        size_t cap = w->cap_watched ? 2 * w->cap_watched : 64;
        struct watched *grown = realloc(w->watched, cap * sizeof *grown);

        if (!grown) {
            free(copy);
            return no_memory(err, path);
        }
        w->watched = grown;
        w->cap_watched = cap;
    }
    for (at = w->n_watched; at > 0 && w->watched[at - 1].wd > wd; at--)
        w->watched[at] = w->watched[at - 1];
    w->watched[at] = (struct watched){wd, copy};
    w->n_watched++;
    return KN_OK;
}

static int watch_tree(struct kn_watch *w, const char *path, int depth, struct kn_err *err);

static int watch_entries(struct kn_watch *w, DIR *dir, const char *path, int depth,
                         struct kn_err *err)
{
    char entry[PATH_MAX];
    int rc = KN_OK;

    for (struct dirent *e; rc == KN_OK && (e = readdir(dir));) {
        struct stat st;

        if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
            continue;
        if ((size_t)snprintf(entry, sizeof entry, "%s/%s", path, e->d_name) >= sizeof entry)
            continue; /* scan.c tells of it */
        if (lstat(entry, &st) == 0 && S_ISDIR(st.st_mode))
            rc = watch_tree(w, entry, depth + 1, err);
    }
    return rc;
}

/* The watch first, the reading after it: what appears in between is seen twice and not never. */
static int watch_tree(struct kn_watch *w, const char *path, int depth, struct kn_err *err)
{
    int wd = inotify_add_watch(w->fd, path, EVENTS), rc;
    DIR *dir;

    if (wd < 0 && errno == ENOSPC) {
        blind(w, "the kernel allows no more watches (sysctl fs.inotify.max_user_watches)");
    } else if (wd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            kn_log(KN_LOG_WARNING, "'%s' is not watched: %s", path, strerror(errno));
        return KN_OK;
    } else {
        rc = keep(w, wd, path, err);
        if (rc)
            return rc;
    }
    dir = depth < DEPTH ? opendir(path) : NULL;
    if (!dir)
        return KN_OK;
    rc = watch_entries(w, dir, path, depth, err);
    closedir(dir);
    return rc;
}

/* Another number than before: another folder is there now. */
static int root_wd(const struct kn_watch *w, size_t i)
{
    return inotify_add_watch(w->fd, *w->roots[i] ? w->roots[i] : "/", EVENTS);
}

static int watch_root(struct kn_watch *w, size_t i, struct kn_err *err)
{
    int rc = watch_tree(w, *w->roots[i] ? w->roots[i] : "/", 0, err);

    w->root_wds[i] = root_wd(w, i);
    return rc;
}

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = true;

    for (struct dirent *e; dir && empty && (e = readdir(dir));)
        empty = e->d_name[0] == '.';
    if (dir)
        closedir(dir);
    return empty;
}

/* A root's watch stays with the folder that is moved away, and what tells of another at its path lies above it. One that is empty
 * counts when something comes: a disk that was taken out leaves such a folder. */
static int look_at_roots(struct kn_watch *w, double now, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < w->n_roots; i++) {
        int wd = root_wd(w, i);

        if (wd == w->root_wds[i])
            continue;
        w->root_wds[i] = wd;
        if (wd < 0)
            continue;
        forget_below(w, w->roots[i]);
        rc = watch_root(w, i, err);
        if (rc == KN_OK && !is_empty(*w->roots[i] ? w->roots[i] : "/"))
            rc = mark(w, w->roots[i], now, err);
    }
    w->next_roots = now + ROOTS_EVERY;
    return rc;
}

static bool is_remote(const char *path)
{
    static const unsigned long remote[] = {
        NFS_SUPER_MAGIC,       SMB_SUPER_MAGIC,  0xFF534D42 /* CIFS */,
        0xFE534D42 /* SMB2 */, FUSE_SUPER_MAGIC, V9FS_MAGIC,
        CEPH_SUPER_MAGIC,      AFS_SUPER_MAGIC,  CODA_SUPER_MAGIC};
    struct statfs fs;

    if (statfs(path, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
        if (((unsigned long)fs.f_type & 0xFFFFFFFF) == remote[i])
            return true;
    }
    return false;
}

static int add_root(struct kn_watch *w, const char *given, struct kn_err *err)
{
    char real[PATH_MAX];
    struct stat st;

    if (!realpath(given, real) || stat(real, &st) < 0)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "watch '%s': %s", given,
                          strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return kn_err_set(err, KN_EARG, "watch '%s': it is no folder; give the one it lies in",
                          given);
    w->roots[w->n_roots] = strdup(strcmp(real, "/") == 0 ? "" : real);
    if (!w->roots[w->n_roots])
        return no_memory(err, given);
    w->n_roots++;
    if (is_remote(real))
        blind(w, "changes that other machines make are not told to this one");
    return watch_root(w, w->n_roots - 1, err);
}

int kn_watch_new(const char *const *roots, size_t n, double every, struct kn_watch **out,
                 struct kn_err *err)
{
    struct kn_watch *w = calloc(1, sizeof *w);
    int rc = KN_OK;

    if (!w)
        return no_memory(err, n ? roots[0] : "");
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    w->every = every > 0 ? every : KN_WATCH_EVERY;
    w->blind = "";
    if (every > 0)
        blind(w, "asked for");
    w->roots = calloc(n ? n : 1, sizeof *w->roots);
    w->root_wds = calloc(n ? n : 1, sizeof *w->root_wds);
    if (w->fd < 0)
        rc = kn_err_set(err, KN_EIO, "watch: inotify: %s", strerror(errno));
    else if (!w->roots || !w->root_wds)
        rc = no_memory(err, n ? roots[0] : "");
    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = add_root(w, roots[i], err);
    if (rc)
        kn_watch_free(w);
    else
        *out = w;
    return rc;
}

static void drop_given(struct kn_watch *w)
{
    for (size_t i = 0; i < w->n_given; i++)
        free(w->given_owned[i]);
    free(w->given_owned);
    w->given_owned = NULL;
    w->n_given = 0;
}

void kn_watch_free(struct kn_watch *w)
{
    if (!w)
        return;
    drop_given(w);
    for (size_t i = 0; i < w->n_watched; i++)
        free(w->watched[i].path);
    for (size_t i = 0; i < w->n_changed; i++)
        free(w->changed[i].path);
    for (size_t i = 0; i < w->n_roots; i++)
        free(w->roots[i]);
    free(w->watched);
    free(w->changed);
    free(w->roots);
    free(w->root_wds);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}

size_t kn_watch_folders(const struct kn_watch *w)
{
    return w->n_watched;
}

const char *kn_watch_blindness(const struct kn_watch *w)
{
    return w->blind;
}

/* ---- events ---- */

static int start_anew(struct kn_watch *w, double now, struct kn_err *err)
{
    int rc;

    kn_log(KN_LOG_DEBUG, "watch: too many changes at once; looking at everything");
    for (size_t i = 0; i < w->n_watched; i++) {
        inotify_rm_watch(w->fd, w->watched[i].wd);
        free(w->watched[i].path);
    }
    w->n_watched = 0;
    rc = mark_roots(w, now, err);
    for (size_t i = 0; rc == KN_OK && i < w->n_roots; i++)
        rc = watch_root(w, i, err);
    return rc;
}

static int folder_event(struct kn_watch *w, const char *path, uint32_t mask, double now,
                        struct kn_err *err)
{
    int rc;

    if (mask & (IN_MOVED_FROM | IN_DELETE))
        forget_below(w, path);
    if (!(mask & (IN_MOVED_TO | IN_CREATE)))
        return KN_OK;
    rc = watch_tree(w, path, 0, err);
    return rc ? rc : mark(w, path, now, err);
}

static int take_event(struct kn_watch *w, const struct inotify_event *e, double now,
                      struct kn_err *err)
{
    struct watched *in;
    char path[PATH_MAX];
    int rc;

    if (e->mask & IN_Q_OVERFLOW)
        return start_anew(w, now, err);
    in = find(w, e->wd);
    if (in && (e->mask & IN_IGNORED)) {
        forget(w, in);
        return KN_OK;
    }
    if (!in || e->len == 0 || !(e->mask & IN_ISDIR ? e->name[0] != '.' : kn_scan_counts(e->name)))
        return KN_OK;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", in->path, e->name) >= sizeof path)
        return KN_OK;
    rc = mark(w, in->path, now, err);
    if (rc == KN_OK && (e->mask & IN_ISDIR))
        rc = folder_event(w, path, e->mask, now, err);
    return rc;
}

static int read_events(struct kn_watch *w, struct kn_err *err)
{
    _Alignas(struct inotify_event) char events[EVENT_BYTES];
    double now = kn_clock_now();
    int rc = KN_OK;

    for (;;) {
        ssize_t n = read(w->fd, events, sizeof events);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN
                       ? rc
                       : kn_err_set(err, KN_EIO, "watch: read inotify: %s", strerror(errno));
        for (const char *p = events; rc == KN_OK && p < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)p;

            rc = take_event(w, e, now, err);
            p += sizeof *e + e->len;
        }
        if (rc)
            return rc;
    }
}

/* ---- answers ---- */

static bool is_due(const struct kn_watch *w, double now)
{
    for (size_t i = 0; i < w->n_changed; i++) {
        if (now >= w->changed[i].last + QUIET || now >= w->changed[i].first + AT_MOST)
            return true;
    }
    return false;
}

/* What is left of a folder that is gone is its parent; of a root that is gone, nothing: a disk that was taken out must
 * not make all its films missing. path is cut in place. */
static bool find_there(const struct kn_watch *w, char *path)
{
    const char *root = NULL;
    struct stat st;

    for (size_t i = 0; i < w->n_roots && !root; i++) {
        if (lies_in(path, w->roots[i]))
            root = w->roots[i];
    }
    while (root && (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))) {
        char *slash = strrchr(path, '/');

        if (!slash || strlen(path) <= strlen(root))
            return false;
        *slash = '\0';
    }
    return root != NULL;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Is there something to look through at this path, or (cut in place) above it? A folder that is left out is not given: what changes
 * in it is no news. */
static bool is_news(const struct kn_watch *w, char *path)
{
    bool left_out = false;

    return find_there(w, path) && (kn_scan_leaves_out(path, &left_out, NULL) != KN_OK || !left_out);
}

/* All that changed, with what is not quiet yet: what is moved from one folder to another is one run's work. */
static int give(struct kn_watch *w, const char *const **folders, size_t *n, struct kn_err *err)
{
    char **all = calloc(w->n_changed, sizeof *all);
    size_t there = 0, kept = 0;

    if (!all)
        return no_memory(err, w->changed[0].path);
    drop_given(w);
    for (size_t i = 0; i < w->n_changed; i++) {
        if (is_news(w, w->changed[i].path))
            all[there++] = w->changed[i].path;
        else
            free(w->changed[i].path);
    }
    w->n_changed = 0;
    qsort(all, there, sizeof *all, by_path);
    for (size_t i = 0; i < there; i++) {
        bool covered = false;

        for (size_t j = 0; j < kept && !covered; j++)
            covered = lies_in(all[i], all[j]);
        if (covered)
            free(all[i]);
        else
            all[kept++] = all[i];
    }
    w->given_owned = all;
    w->n_given = kept;
    *folders = (const char *const *)all;
    *n = kept;
    return KN_OK;
}

int kn_watch_next(struct kn_watch *w, bool (*cancelled)(void *ctx), void *ctx,
                  const char *const **folders, size_t *n, struct kn_err *err)
{
    struct pollfd fd = {.fd = w->fd, .events = POLLIN};

    for (;;) {
        double now = kn_clock_now();
        int rc = KN_OK;

        if (cancelled && cancelled(ctx))
            return kn_err_set(err, KN_ECANCELLED, "watch: stopped");
        if (*w->blind && now >= w->next_look) {
            w->next_look = now + w->every;
            rc = mark_roots(w, now - QUIET, err);
        }
        if (rc == KN_OK && now >= w->next_roots)
            rc = look_at_roots(w, now, err);
        if (rc == KN_OK && is_due(w, now)) {
            rc = give(w, folders, n, err);
            if (rc || *n > 0)
                return rc;
        }
        if (rc == KN_OK && poll(&fd, 1, POLL_MS) > 0)
            rc = read_events(w, err);
        if (rc)
            return rc;
    }
}

int kn_watch_again(struct kn_watch *w, const char *folder, double seconds, struct kn_err *err)
{
    return mark(w, folder, kn_clock_now() + seconds - QUIET, err);
}
