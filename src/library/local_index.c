/* The files of index/, which are made of library.db and can be missing, old or damaged without harm.
 *
 * A file will do when it was made of this library (its epoch and change are of this library's past), with its model, for no
 * less recall than is asked for. What changed since is the tail. A reader bears a tail four times as long as a writer does:
 * the writer has more to write anyway, and while it is at work no reader need do it. */
#include "library/local.h"

#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { TAIL_LEAST = 1000, TAIL_SHARE = 50, READER_BEARS = 4 };

#define RECALL 0.99

static const char *const names[LOCAL_COLLECTIONS] = {"titles", "moments"};

static void tell(struct local *l, const char *what, const char *why)
{
    pthread_mutex_lock(&l->notice_lock);
    kn_err_set(&l->notice, KN_EIO, "%s: %s", what, why);
    pthread_mutex_unlock(&l->notice_lock);
}

bool kn_local_notice(struct kn_library *lib, char out[256])
{
    struct local *l = kn_local_of(lib);
    bool is;

    pthread_mutex_lock(&l->notice_lock);
    is = l->notice.code != KN_OK;
    memcpy(out, l->notice.msg, sizeof l->notice.msg);
    l->notice.code = KN_OK;
    pthread_mutex_unlock(&l->notice_lock);
    return is;
}

static char *path_of(const struct local *l, const char *name) /* NULL without memory */
{
    char *path;

    return asprintf(&path, "%s/index%s%s", l->dir, name ? "/" : "", name ? name : "") < 0 ? NULL
                                                                                          : path;
}

static double recall_of(const struct local *l)
{
    return l->recall > 0 ? l->recall : RECALL;
}

static size_t tail_bound(size_t rows)
{
    return rows / TAIL_SHARE > TAIL_LEAST ? rows / TAIL_SHARE : TAIL_LEAST;
}

/* ---- will it do? ---- */

static int is_of_its_past(struct kn_db *db, const struct kn_shelf_stamp *of, uint64_t now, bool *is,
                          struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT began, ifnull((SELECT min(began) FROM epoch AS next"
                         " WHERE next.key > epoch.key), ?2) FROM epoch WHERE mark = ?1",
                         KN_VALUES(KN_INT(of->epoch), KN_INT(now)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    *is = row && of->answers >= (uint64_t)sqlite3_column_int64(s, 0) &&
          of->answers <= (uint64_t)sqlite3_column_int64(s, 1) && of->answers <= now;
    sqlite3_reset(s);
    return KN_OK;
}

/* will_do: see above; with a tail of at most so many bounds. */
static int look_at(const struct local *l, struct kn_db *db, const struct kn_shelf_stamp *now,
                   const struct kn_shelf *shelf, size_t bounds, bool *will_do, struct kn_err *err)
{
    const struct kn_shelf_stamp *of = kn_shelf_stamp(shelf);
    size_t most = bounds * tail_bound(kn_shelf_rows(shelf)), changed = 0;
    bool past = false;
    int rc = is_of_its_past(db, of, now->answers, &past, err);

    if (!rc && past)
        rc = kn_local_count_changed(db, of->answers, most + 1, &changed, err);
    if (rc)
        return rc;
    if (kn_shelf_titles(shelf) > 0) /* a title that changed has as many moments as others */
        changed = changed * kn_shelf_rows(shelf) / kn_shelf_titles(shelf);
    *will_do = past && changed <= most && of->dim == now->dim &&
               strcmp(of->model, now->model) == 0 &&
               kn_shelf_recall(shelf) >= (recall_of(l) < 1 ? recall_of(l) : 1);
    return KN_OK;
}

/* ---- making one ---- */

/* A connection of its own, that reads the file as memory: a row costs a third of what it does by way of the cache, and what
 * it brings into memory goes with it. */
static int open_to_make(const struct local *l, struct kn_db **out, struct kn_err *err)
{
    int rc = kn_local_open_reader(l, out, err);

    if (!rc)
        sqlite3_exec((*out)->sqlite, "COMMIT; PRAGMA mmap_size = 1099511627776; BEGIN", NULL, NULL,
                     NULL);
    return rc;
}

static int lock_index(const struct local *l,
                      int *out) /* not KN_OK: another one is at it, or it cannot be written */
{
    char *dir = path_of(l, NULL), *path = path_of(l, "lock");
    int fd = -1;

    if (dir && path && kn_fs_mkdirs(dir, NULL) == KN_OK)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    free(dir);
    free(path);
    if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
        close(fd);
        fd = -1;
    }
    *out = fd;
    return fd == -1 ? KN_EIO : KN_OK;
}

/* Into the file where that can be, else in memory: one that reads must be able to go on. */
static int make(struct local *l, struct kn_db *db, enum local_which which,
                const struct kn_cancel *cancel, bool must_write, struct kn_shelf **out,
                struct kn_err *err)
{
    char *path = path_of(l, names[which]);
    struct kn_shelf_stamp stamp;
    struct kn_err why = {0};
    int rc =
        path ? kn_local_stamp(db, &stamp, err) : kn_err_set(err, KN_ELIMIT, "index: no memory");
    int fd = -1;

    if (rc)
        goto out;
    rc = lock_index(l, &fd);
    if (!rc) {
        rc = kn_local_make_shelf(db, which, &stamp, recall_of(l), path, cancel, out, &why);
        close(fd);
        if (rc && rc != KN_EIO)
            rc = kn_err_set(err, (enum kn_code)rc, "%s", why.msg);
    }
    if (rc == KN_EIO && must_write) {
        rc = kn_err_set(err, KN_EIO, "%s", why.msg[0] ? why.msg : "index: it cannot be written");
    } else if (rc == KN_EIO) {
        if (why.msg[0])
            tell(l, "index/ cannot be kept, so each start takes longer", why.msg);
        rc = kn_local_make_shelf(db, which, &stamp, recall_of(l), NULL, cancel, out, err);
    }
out:
    free(path);
    return rc;
}

static int open_file(struct local *l, enum local_which which, struct kn_shelf **out,
                     struct kn_err *err) /* *out NULL: none that can be read */
{
    char *path = path_of(l, names[which]);
    struct kn_err why;
    int rc;

    *out = NULL;
    if (!path)
        return kn_err_set(err, KN_ELIMIT, "index: no memory");
    rc = l->collections[which].distrusted ? KN_ENOTFOUND : kn_shelf_open(path, out, &why);
    if (rc == KN_ECORRUPT)
        tell(l, "a file of index/ was damaged and is made again", why.msg);
    free(path);
    if (rc && rc != KN_ECORRUPT && rc != KN_ENOTFOUND && rc != KN_EIO)
        return kn_err_set(err, (enum kn_code)rc, "%s", why.msg);
    return KN_OK;
}

/* The file's shelf, or a new one. NULL: the library is so small that a tail is enough. */
static int find_shelf(struct local *l, enum local_which which, struct kn_shelf **out,
                      struct kn_err *err)
{
    struct kn_shelf *shelf = NULL;
    struct kn_shelf_stamp now;
    struct kn_db *db = NULL;
    bool will_do = false;
    size_t n = 0;
    int rc = open_file(l, which, &shelf, err); /* before the snapshot, which then is not older */

    if (!rc)
        rc = open_to_make(l, &db, err);
    if (!rc)
        rc = kn_local_stamp(db, &now, err);
    if (!rc && shelf)
        rc = look_at(l, db, &now, shelf, READER_BEARS, &will_do, err);
    if (rc || will_do)
        goto out;
    kn_shelf_drop(shelf);
    shelf = NULL;
    if (now.dim > 0)
        rc = kn_local_count(db, which, TAIL_LEAST + 1, &n, err);
    if (!rc && n > TAIL_LEAST)
        rc = make(l, db, which, l->cancel, false, &shelf, err);
out:
    kn_db_close(db);
    if (rc)
        kn_shelf_drop(shelf);
    else
        *out = shelf;
    return rc;
}

/* ---- views ---- */

/* A view without a shelf grows with its tail. */
static bool outgrown(const struct kn_view *old, size_t changed)
{
    return !kn_view_shelf(old) && kn_view_tail(old) + changed > TAIL_LEAST;
}

/* Whether the next view can be made of this one and what changed since. */
static int can_follow(struct local *l, struct kn_db *db, const struct kn_shelf_stamp *now,
                      const struct kn_view *old, bool *can, struct kn_err *err)
{
    size_t changed = 0;
    int rc;

    *can = false;
    if (!old || kn_view_stamp(old) > now->answers || !kn_view_is_of(old, now->dim, now->model))
        return KN_OK;
    if (kn_view_shelf(old))
        return look_at(l, db, now, kn_view_shelf(old), READER_BEARS, can, err);
    rc = kn_local_count_changed(db, kn_view_stamp(old), TAIL_LEAST + 1, &changed, err);
    *can = !outgrown(old, changed);
    return rc;
}

static int fill_after(struct kn_db *db, enum local_which which, const struct kn_shelf_stamp *now,
                      const struct kn_view *old, struct kn_view **out, struct kn_err *err)
{
    struct kn_view *v;
    int rc = kn_view_new_after(old, now->answers, &v, err);

    if (!rc && now->dim > 0)
        rc = kn_local_fill_changed(db, which, now->dim, kn_view_stamp(old), old, v, err);
    if (rc)
        kn_view_drop(v);
    else
        *out = v;
    return rc;
}

static int fill_from(struct kn_db *db, enum local_which which, const struct kn_shelf_stamp *now,
                     struct kn_shelf *shelf, struct kn_view **out, struct kn_err *err)
{
    struct kn_view *v;
    int rc = kn_view_new(now->dim, now->answers, now->model, shelf, &v, err);

    if (rc)
        return rc;
    if (shelf)
        rc = kn_local_fill_changed(db, which, now->dim, kn_shelf_stamp(shelf)->answers, NULL, v,
                                   err);
    else if (now->dim > 0)
        rc = kn_local_fill(db, which, now->dim, v, err);
    if (rc)
        kn_view_drop(v);
    else
        *out = v;
    return rc;
}

/* With the collection's lock held: its file is not used again. */
static void forget_file(struct local *l, enum local_which which)
{
    char *path = path_of(l, names[which]);

    l->collections[which].distrusted = !path || (unlink(path) == -1 && errno != ENOENT);
    tell(l, "a file of index/ was damaged and is made again", names[which]);
    free(path);
}

static int load_from_file(struct local *l, enum local_which which, struct kn_view **out,
                          bool *is_damaged, struct kn_err *err)
{
    struct kn_shelf *shelf = NULL;
    struct kn_shelf_stamp now;
    struct kn_db *db;
    int rc = find_shelf(l, which, &shelf, err);

    *is_damaged = false;
    if (!rc)
        rc = kn_local_reader(l, &db, err);
    if (!rc) {
        rc = kn_local_stamp(db, &now, err);
        if (!rc && shelf && now.dim != kn_shelf_stamp(shelf)->dim)
            rc = kn_err_set(err, KN_EIO, "library '%s': its model changed just now; ask again",
                            l->path);
        if (!rc)
            rc = fill_from(db, which, &now, shelf, out, err);
        *is_damaged = rc == KN_ECORRUPT && shelf;
        kn_local_done(l, db);
    }
    kn_shelf_drop(shelf);
    return rc;
}

/* With the collection's lock held. */
static int load(struct local *l, enum local_which which, const struct kn_view *old,
                struct kn_view **out, struct kn_err *err)
{
    struct kn_shelf_stamp now;
    struct kn_db *db;
    bool can = false, is_damaged = false;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = kn_local_stamp(db, &now, err);
    if (!rc)
        rc = can_follow(l, db, &now, old, &can, err);
    if (!rc && can) {
        rc = fill_after(db, which, &now, old, out, err);
        if (rc == KN_ECORRUPT && kn_view_shelf(old)) { /* its words, looked at only now */
            can = false;
            rc = KN_OK;
        }
    }
    kn_local_done(l, db);
    if (rc || can)
        return rc;
    rc = load_from_file(l, which, out, &is_damaged, err);
    if (is_damaged) {
        forget_file(l, which);
        rc = load_from_file(l, which, out, &is_damaged, err);
    }
    return rc;
}

static int answers_now(struct local *l, uint64_t *out, struct kn_err *err)
{
    int64_t answers = 0;
    struct kn_db *db;
    bool found;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = kn_db_number(db, "SELECT answers FROM library", NULL, 0, &found, &answers, err);
    kn_local_done(l, db);
    *out = (uint64_t)answers;
    return rc;
}

struct kn_view *kn_local_peek_view(struct local *l, enum local_which which, uint64_t answers)
{
    struct kn_view *v;

    pthread_mutex_lock(&l->view_lock);
    v = l->collections[which].view;
    v = v && kn_view_stamp(v) == answers ? kn_view_use(v) : NULL;
    pthread_mutex_unlock(&l->view_lock);
    return v;
}

/* v may be NULL. */
static void put_view(struct local *l, enum local_which which, struct kn_view *v)
{
    struct kn_view *old;

    pthread_mutex_lock(&l->view_lock);
    old = l->collections[which].view;
    l->collections[which].view = v;
    pthread_mutex_unlock(&l->view_lock);
    kn_view_drop(old);
}

int kn_local_use_view(struct local *l, enum local_which which, struct kn_view **out,
                      struct kn_err *err)
{
    struct local_collection *c = &l->collections[which];
    struct kn_view *v = NULL;
    uint64_t answers = 0;
    int rc = answers_now(l, &answers, err);

    if (rc)
        return rc;
    *out = kn_local_peek_view(l, which, answers);
    if (*out)
        return KN_OK;
    pthread_mutex_lock(&c->lock);
    rc = answers_now(l, &answers, err);
    if (!rc && !(v = kn_local_peek_view(l, which, answers))) {
        rc = load(l, which, c->view, &v, err); /* whoever changes c->view holds its lock */
        if (!rc)
            put_view(l, which, kn_view_use(v));
    }
    pthread_mutex_unlock(&c->lock);
    if (!rc)
        *out = v;
    return rc;
}

bool kn_local_distrust(struct local *l, enum local_which which, struct kn_view *v)
{
    struct local_collection *c = &l->collections[which];

    if (!kn_view_shelf(v))
        return false;
    pthread_mutex_lock(&c->lock);
    if (c->view == v) { /* else another thread was here before */
        forget_file(l, which);
        put_view(l, which, NULL);
    }
    pthread_mutex_unlock(&c->lock);
    return true;
}

/* ---- the writer's part ---- */

static int write_one(struct local *l, enum local_which which, bool always,
                     const struct kn_cancel *cancel, struct kn_err *err)
{
    struct kn_shelf *shelf = NULL, *made = NULL;
    struct kn_shelf_stamp now;
    struct kn_db *db = NULL;
    bool will_do = false;
    char *path = path_of(l, names[which]);
    size_t n = 0;
    int rc =
        path ? open_file(l, which, &shelf, err) : kn_err_set(err, KN_ELIMIT, "index: no memory");

    if (!rc)
        rc = open_to_make(l, &db, err);
    if (!rc)
        rc = kn_local_stamp(db, &now, err);
    if (!rc && shelf && !always)
        rc = look_at(l, db, &now, shelf, 1, &will_do, err);
    if (!rc && !will_do && now.dim > 0)
        rc = kn_local_count(db, which, TAIL_LEAST + 1, &n, err);
    if (!rc && !will_do && n > TAIL_LEAST)
        rc = make(l, db, which, cancel, true, &made, err);
    else if (!rc && !will_do)
        unlink(path); /* a small library needs none, and what is there is not of it */
    kn_db_close(db);
    kn_shelf_drop(shelf);
    kn_shelf_drop(made);
    free(path);
    return rc;
}

int kn_store_write_index(struct kn_library *lib, bool always, const struct kn_cancel *cancel,
                         struct kn_err *err)
{
    struct local *l = NULL;
    int rc = kn_local_writable(lib, &l, err);

    for (int i = 0; !rc && i < LOCAL_COLLECTIONS; i++)
        rc = write_one(l, (enum local_which)i, always, cancel, err);
    return rc;
}

/* ---- check ---- */

/* KN_ECORRUPT: it is damaged, or not what the library holds. */
static int check_one(struct local *l, struct kn_db *db, const struct kn_shelf_stamp *now,
                     enum local_which which, struct kn_err *err)
{
    char *path = path_of(l, names[which]);
    struct kn_shelf *shelf = NULL;
    const struct kn_sparse *words;
    size_t different = 0;
    bool past = false;
    int rc =
        path ? kn_shelf_open(path, &shelf, err) : kn_err_set(err, KN_ELIMIT, "index: no memory");

    free(path);
    if (rc == KN_ENOTFOUND)
        return KN_OK;
    if (!rc)
        rc = kn_dense_verify(kn_shelf_dense(shelf), err);
    if (!rc && which == LOCAL_TITLES)
        rc = kn_shelf_words(shelf, &words, err);
    if (!rc)
        rc = is_of_its_past(db, kn_shelf_stamp(shelf), now->answers, &past, err);
    if (!rc && past && kn_shelf_stamp(shelf)->dim == now->dim) /* else nobody uses it */
        rc = kn_local_compare(db, which, shelf, &different, err);
    if (!rc && different > 0)
        rc = kn_err_set(err, KN_ECORRUPT, "index: %zu rows are not what the library holds",
                        different);
    kn_shelf_drop(shelf);
    return rc;
}

int kn_local_check_index(struct local *l, uint64_t *bad, struct kn_err *err)
{
    struct kn_shelf_stamp now;
    struct kn_db *db = NULL;
    int rc = open_to_make(l, &db, err);

    *bad = 0;
    if (!rc)
        rc = kn_local_stamp(db, &now, err);
    for (int i = 0; !rc && i < LOCAL_COLLECTIONS; i++) {
        rc = check_one(l, db, &now, (enum local_which)i, err);
        *bad += rc == KN_ECORRUPT;
        rc = rc == KN_ECORRUPT ? KN_OK : rc;
    }
    kn_db_close(db);
    return rc;
}
