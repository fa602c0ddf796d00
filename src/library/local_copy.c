#include "library/local.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGES = 1024 };     /* 8 MiB between two looks at the cancel */
#define BUSY_SLEEP 0.05    /* seconds */
#define BUSY_MAX (20 * 60) /* sleeps: a minute; a snapshot is seldom busy at all */

/* SQLite's own backup, page by page. from is in a transaction, so that its pages are those of one moment. */
static int copy_pages(struct kn_db *from, sqlite3 *to, const struct kn_cancel *cancel,
                      struct kn_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from->sqlite, "main");
    int rc = b ? SQLITE_OK : sqlite3_errcode(to), busy = 0;
    bool cancelled = kn_cancel_is_set(cancel);

    while (b && !cancelled && (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)) {
        rc = sqlite3_backup_step(b, PAGES);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
            if (++busy == BUSY_MAX)
                break;
            kn_clock_sleep(BUSY_SLEEP);
        }
        cancelled = kn_cancel_is_set(cancel) && rc != SQLITE_DONE;
    }
    if (b)
        sqlite3_backup_finish(b);
    if (cancelled)
        return kn_err_set(err, KN_ECANCELLED, "backup: cancelled");
    if (rc == SQLITE_DONE)
        return KN_OK;
    return kn_err_set(err, KN_EIO, "copy the library '%s': %s", from->path, sqlite3_errstr(rc));
}

int kn_local_copy(struct kn_db *db, const char *path, bool replace, const struct kn_cancel *cancel,
                  struct kn_err *err)
{
    char tmp[PATH_MAX];
    sqlite3 *to = NULL;
    int rc, opened;

    if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp)
        return kn_err_set(err, KN_EARG, "write '%s': the path is too long", path);
    unlink(tmp); /* of one that was killed */
    opened = sqlite3_open_v2(
        tmp, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    /* Nobody sees the file before it is whole and synced, so that it needs no journal of its own. */
    if (opened == SQLITE_OK)
        opened = sqlite3_exec(to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", NULL, NULL,
                              NULL);
    if (opened == SQLITE_OK)
        rc = copy_pages(db, to, cancel, err);
    else
        rc = kn_err_set(err, KN_EIO, "create '%s': %s; check the folder and its permissions", tmp,
                        to ? sqlite3_errmsg(to) : sqlite3_errstr(opened));
    sqlite3_close(to);
    if (rc == KN_OK)
        rc = kn_fs_publish(tmp, path, replace, err);
    if (rc)
        unlink(tmp);
    return rc;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int kn_store_backup(struct kn_library *lib, const char *path, bool replace,
                    const struct kn_cancel *cancel, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store(lib, &l, err);

    if (!rc && !replace && kn_fs_is_taken(path)) /* before the work; the rename decides */
        return kn_err_set(err, KN_EARG, "backup '%s': it is there already; --force writes over it",
                          path);
    if (!rc && is_same_file(path, l->path))
        return kn_err_set(err, KN_EARG, "backup '%s': it is the library itself; give another file",
                          path);
    if (!rc)
        rc = kn_local_reader(l, &db, err);
    if (rc)
        return rc;
    rc = kn_local_copy(db, path, replace, cancel, err);
    kn_local_done(l, db);
    return rc;
}
