#include "library/local.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_POLL 0.05 /* seconds; flock has no time-out */

static void local_close(struct kn_library *lib);
static int local_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err);

static const struct kn_library_ops local_ops = {
    .close = local_close,
    .model = local_model,
    .set_model = kn_local_set_model,
    .put = kn_local_put,
    .get = kn_local_get,
    .get_many = kn_local_get_many,
    .find = kn_local_find,
    .scroll = kn_local_scroll,
    .remove = kn_local_remove,
    .similar = kn_local_similar,
    .moments = kn_local_moments,
    .shared_words = kn_local_shared_words,
    .similarities = kn_local_similarities,
    .wording = kn_local_wording,
    .alike = kn_local_alike,
    .stats = kn_local_stats,
    .changes = kn_local_changes,
    .page = kn_local_page,
    .facets = kn_local_facets,
    .said = kn_local_said,
    .check = kn_local_check,
    .notice = kn_local_notice,
};

struct local *kn_local_of(struct kn_library *lib)
{
    return lib->ops == &local_ops ? (struct local *)lib : NULL;
}

int kn_local_store(struct kn_library *lib, struct local **out, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);

    if (!l)
        return kn_err_set(err, KN_EARG, "store: only a local library keeps files and stages");
    *out = l;
    return KN_OK;
}

/* ---- transactions ---- */

int kn_local_begin(struct local *l, struct kn_err *err)
{
    int rc;

    if (!l->writer)
        return kn_err_set(err, KN_EARG, "library '%s': opened for reading only", l->path);
    pthread_mutex_lock(&l->write_lock);
    rc = kn_db_run(l->writer, "BEGIN IMMEDIATE", NULL, 0, err);
    if (!rc && !l->marked) { /* before anything changes: see the schema */
        rc = kn_db_run(l->writer,
                       "INSERT INTO epoch (mark, began) SELECT random(), answers FROM library",
                       NULL, 0, err);
        if (rc)
            kn_db_run(l->writer, "ROLLBACK", NULL, 0, NULL);
    }
    if (rc)
        pthread_mutex_unlock(&l->write_lock);
    return rc;
}

int kn_local_end(struct local *l, int rc, struct kn_err *err)
{
    kn_db_reset(l->writer);
    if (!rc)
        rc = kn_db_run(l->writer, "UPDATE library SET changes = changes + 1", NULL, 0, err);
    if (!rc)
        rc = kn_db_run(l->writer, "COMMIT", NULL, 0, err);
    l->marked = l->marked || !rc;
    /* A full disk makes SQLite roll back by itself. */
    if (rc && !sqlite3_get_autocommit(l->writer->sqlite))
        kn_db_run(l->writer, "ROLLBACK", NULL, 0, NULL);
    kn_db_reset(l->writer);
    pthread_mutex_unlock(&l->write_lock);
    return rc;
}

int kn_local_leave(struct local *l)
{
    kn_db_reset(l->writer);
    kn_db_run(l->writer, "ROLLBACK", NULL, 0, NULL);
    kn_db_reset(l->writer);
    pthread_mutex_unlock(&l->write_lock);
    return KN_OK;
}

/* ---- readers ---- */

/* In a folder that cannot be written, SQLite cannot make the files that WAL shares. While there is
 * no WAL, nobody is writing, and the file can be read as it lies, without locks. Should another
 * user begin to write later, the WAL or the file's time tells. */
static bool can_freeze(const struct local *l, struct timespec *changed)
{
    struct stat st;
    bool writing = stat(l->wal, &st) == 0 ? st.st_size > 0 : errno != ENOENT;

    if (writing || stat(l->path, &st) == -1)
        return false;
    *changed = st.st_mtim;
    return true;
}

static bool is_stale(const struct local *l, const struct kn_db *db)
{
    struct timespec changed;

    return db->frozen && (!can_freeze(l, &changed) || changed.tv_sec != db->changed.tv_sec ||
                          changed.tv_nsec != db->changed.tv_nsec);
}

/* Opened, with a snapshot. */
static int open_and_begin(const struct local *l, enum kn_db_mode mode, struct kn_db **out,
                          struct kn_err *err)
{
    struct kn_db *db;
    int64_t version;
    bool row;
    int rc = kn_db_open(l->path, mode, &db, err);

    if (rc)
        return rc;
    rc = kn_db_run(db, "BEGIN", NULL, 0, err);
    if (!rc)
        rc = kn_db_number(db, "PRAGMA user_version", NULL, 0, &row, &version, err);
    if (rc)
        kn_db_close(db);
    else
        *out = db;
    return rc;
}

int kn_local_open_reader(const struct local *l, struct kn_db **out, struct kn_err *err)
{
    struct timespec changed;
    int rc = open_and_begin(l, KN_DB_READ, out, err);

    if (rc != KN_EIO || access(l->dir, W_OK) == 0 || access(l->path, R_OK) == -1)
        return rc;
    if (!can_freeze(l, &changed))
        return kn_err_set(err, KN_EIO,
                          "library '%s': its last writer was interrupted, and only where the "
                          "folder can be written can what it left be read",
                          l->path);
    rc = open_and_begin(l, KN_DB_FROZEN, out, err);
    if (!rc) {
        (*out)->frozen = true;
        (*out)->changed = changed;
    }
    return rc;
}

int kn_local_reader(struct local *l, struct kn_db **out, struct kn_err *err)
{
    struct kn_db *db = NULL;
    int rc;

    pthread_mutex_lock(&l->pool_lock);
    while (l->n_idle == 0 && l->n_readers == LOCAL_READERS)
        pthread_cond_wait(&l->returned, &l->pool_lock);
    if (l->n_idle > 0)
        db = l->idle[--l->n_idle];
    else
        l->n_readers++;
    pthread_mutex_unlock(&l->pool_lock);
    if (db && is_stale(l, db)) {
        kn_db_close(db);
        db = NULL;
    }
    rc = db ? kn_db_run(db, "BEGIN", NULL, 0, err) : kn_local_open_reader(l, &db, err);
    if (!rc) {
        *out = db;
        return KN_OK;
    }
    kn_db_close(db);
    pthread_mutex_lock(&l->pool_lock);
    l->n_readers--;
    pthread_cond_signal(&l->returned);
    pthread_mutex_unlock(&l->pool_lock);
    return rc;
}

int kn_local_store_reader(struct kn_library *lib, struct local **l, struct kn_db **out,
                          struct kn_err *err)
{
    int rc = kn_local_store(lib, l, err);

    return rc ? rc : kn_local_reader(*l, out, err);
}

void kn_local_done(struct local *l, struct kn_db *db)
{
    kn_db_reset(db);
    kn_db_run(db, "COMMIT", NULL, 0, NULL); /* of a transaction that wrote nothing */
    pthread_mutex_lock(&l->pool_lock);
    l->idle[l->n_idle++] = db;
    pthread_cond_signal(&l->returned);
    pthread_mutex_unlock(&l->pool_lock);
}

int kn_local_model(struct kn_db *db, char name[KN_MAX_MODEL_NAME + 1], size_t *dim,
                   struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT model.name, model.dim FROM library"
                         " JOIN model ON model.key = library.model",
                         NULL, 0, &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    if (name)
        snprintf(name, KN_MAX_MODEL_NAME + 1, "%s", row ? kn_db_text(s, 0) : "");
    *dim = row ? (size_t)sqlite3_column_int64(s, 1) : 0;
    sqlite3_reset(s);
    return KN_OK;
}

static int local_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = kn_local_model(db, name, dim, err);
    kn_local_done(l, db);
    return rc;
}

/* ---- the writer's lock ---- */

static char *joined(const char *dir, const char *name) /* NULL without memory */
{
    char *path;

    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int refuse_locked(const char *dir, int fd, struct kn_err *err)
{
    char holder[128] = "";
    ssize_t n = pread(fd, holder, sizeof holder - 1, 0);

    if (n > 0)
        holder[strcspn(holder, "\n")] = '\0';
    kn_err_set(err, KN_EIO,
               "library '%s' is being written by %s: wait until that is done, or end it", dir,
               holder[0] ? holder : "another process");
    if (err)
        err->retry = true;
    return KN_EIO;
}

/* For whoever waits; the lock itself is the flock, which ends with its process. */
static void write_holder(int fd)
{
    char host[64] = "", since[32] = "", text[160];
    time_t now = time(NULL);
    struct tm tm;
    int n;

    gethostname(host, sizeof host - 1);
    if (gmtime_r(&now, &tm))
        strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &tm);
    n = snprintf(text, sizeof text, "process %ld on %s since %s\n", (long)getpid(), host, since);
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
        return; /* a full disk: then nobody can say who holds it, which is no reason to stop */
}

static int take_lock(const char *dir, double wait, int *out, struct kn_err *err)
{
    double until = kn_clock_now() + wait;
    char *path = joined(dir, "lock");
    int fd, rc = KN_OK;

    if (!path)
        return kn_err_set(err, KN_ELIMIT, "library '%s': no memory", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    free(path);
    if (fd == -1)
        return kn_err_set(err, KN_EIO, "library '%s' cannot be written: %s; %s", dir,
                          strerror(errno),
                          errno == ENOSPC ? "free some space and run again"
                                          : "check the folder's permissions, or use another "
                                            "--library");
    while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            rc = kn_err_set(err, KN_EIO, "library '%s': lock it for writing: %s", dir,
                            strerror(errno));
        else if (kn_clock_now() >= until)
            rc = refuse_locked(dir, fd, err);
        if (rc) {
            close(fd);
            return rc;
        }
        kn_clock_sleep(LOCK_POLL);
    }
    write_holder(fd);
    *out = fd;
    return KN_OK;
}

/* ---- open and close ---- */

static int no_library(const char *dir, struct kn_err *err)
{
    return kn_err_set(err, KN_ENOTFOUND, "no library in '%s'; `kinora ingest DIR` makes one", dir);
}

static int check_folder(const char *dir, bool create, struct kn_err *err)
{
    struct stat st;

    if (stat(dir, &st) == 0)
        return S_ISDIR(st.st_mode) ? KN_OK
                                   : kn_err_set(err, KN_EARG, "library '%s' is not a folder", dir);
    if (errno != ENOENT)
        return kn_err_set(err, errno == ENOTDIR ? KN_EARG : KN_EIO, "library '%s': %s", dir,
                          strerror(errno));
    return create ? kn_fs_mkdirs(dir, err) : no_library(dir, err);
}

static int open_to_read(struct local *l, struct kn_err *err)
{
    struct kn_db *db;
    int rc;

    if (access(l->path, F_OK) == -1 && errno == ENOENT)
        return no_library(l->dir, err);
    rc = kn_local_reader(l, &db, err);
    if (rc)
        return rc;
    rc = kn_local_schema(db, false, false, err);
    kn_local_done(l, db);
    return rc;
}

static int open_to_write(struct local *l, const struct kn_library_options *options,
                         struct kn_err *err)
{
    int rc;

    if (!options->create && access(l->path, F_OK) == -1 && errno == ENOENT)
        return no_library(l->dir, err);
    rc = take_lock(l->dir, options->wait, &l->lock, err);
    if (!rc)
        rc = kn_db_open(l->path, KN_DB_WRITE, &l->writer, err);
    return rc ? rc : kn_local_schema(l->writer, true, options->create, err);
}

int kn_library_open_local(const char *dir, const struct kn_library_options *options,
                          struct kn_library **out, struct kn_err *err)
{
    const struct kn_library_options none = {0};
    struct local *l;
    int rc;

    options = options ? options : &none;
    if (!dir || dir[0] == '\0')
        return kn_err_set(err, KN_EARG, "library: no folder given");
    if (options->create && !options->write)
        return kn_err_set(err, KN_EARG, "library '%s': create needs write", dir);
    rc = check_folder(dir, options->create, err);
    if (rc)
        return rc;
    l = calloc(1, sizeof *l);
    if (!l)
        return kn_err_set(err, KN_ELIMIT, "library '%s': no memory", dir);
    l->base.ops = &local_ops;
    l->lock = -1;
    l->recall = options->recall;
    l->dir = strdup(dir);
    l->path = joined(dir, "library.db");
    l->wal = joined(dir, "library.db-wal");
    pthread_mutex_init(&l->write_lock, NULL);
    pthread_mutex_init(&l->pool_lock, NULL);
    pthread_mutex_init(&l->view_lock, NULL);
    pthread_mutex_init(&l->notice_lock, NULL);
    for (int i = 0; i < LOCAL_COLLECTIONS; i++)
        pthread_mutex_init(&l->collections[i].lock, NULL);
    pthread_cond_init(&l->returned, NULL);
    if (!l->dir || !l->path || !l->wal)
        rc = kn_err_set(err, KN_ELIMIT, "library '%s': no memory", dir);
    else
        rc = options->write ? open_to_write(l, options, err) : open_to_read(l, err);
    if (rc) {
        local_close(&l->base);
        return rc;
    }
    *out = &l->base;
    return KN_OK;
}

static void local_close(struct kn_library *lib)
{
    struct local *l = (struct local *)lib;

    while (l->n_idle > 0)
        kn_db_close(l->idle[--l->n_idle]);
    kn_db_close(l->writer); /* last: it folds the WAL into the file and removes it */
    for (int i = 0; i < LOCAL_COLLECTIONS; i++) {
        kn_view_drop(l->collections[i].view);
        pthread_mutex_destroy(&l->collections[i].lock);
    }
    if (l->lock != -1) {
        if (ftruncate(l->lock, 0) == -1)
            (void)0; /* only the text; closing is what frees it */
        close(l->lock);
    }
    pthread_cond_destroy(&l->returned);
    pthread_mutex_destroy(&l->view_lock);
    pthread_mutex_destroy(&l->notice_lock);
    pthread_mutex_destroy(&l->pool_lock);
    pthread_mutex_destroy(&l->write_lock);
    free(l->marks);
    free(l->wal);
    free(l->path);
    free(l->dir);
    free(l);
}
