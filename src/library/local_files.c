#include "library/local.h"
#include "library/store.h"

#include "base/err.h"
#include "library/match.h"

#include <stdlib.h>
#include <string.h>

enum { REASON_BYTES = 512 }; /* a path's end tells less than its start */

int kn_local_writable(struct kn_library *lib, struct local **out, struct kn_err *err)
{
    struct local *l = NULL;
    int rc = kn_local_store(lib, &l, err);

    if (rc)
        return rc;
    if (!l->writer)
        return kn_err_set(err, KN_EARG, "library '%s': opened for reading only", l->path);
    *out = l;
    return KN_OK;
}

/* The scan's marks are kept here and not in the tables: a scan that was killed starts anew
 * anyway, and looking at an unchanged film should not write. Under write_lock. */
static int mark(struct local *l, int64_t path, struct kn_err *err)
{
    size_t cap = l->cap_marks ? 2 * l->cap_marks : 256;
    int64_t *marks;

    if (l->n_marks == l->cap_marks) {
        marks = realloc(l->marks, cap * sizeof *marks);
        if (!marks)
            return kn_err_set(err, KN_ELIMIT, "library '%s': no memory for %zu paths", l->path,
                              cap);
        l->marks = marks;
        l->cap_marks = cap;
    }
    l->marks[l->n_marks++] = path;
    return KN_OK;
}

static int known_in(struct kn_db *db, const struct kn_seen *seen, bool *known, int64_t *path,
                    struct kn_hash *identity, struct kn_id *id, struct kn_err *err)
{
    const struct kn_hash none = {{0}};
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT path.key, file.identity, title.id FROM path"
                         " JOIN file ON file.key = path.file JOIN title ON title.key = file.title"
                         " WHERE path = ?1 AND size = ?2 AND mtime_ns = ?3"
                         " AND file.identity IS NOT NULL AND (?4 OR path.facts IS ?5)",
                         KN_VALUES(KN_TEXT(seen->path), KN_INT(seen->size), KN_INT(seen->mtime_ns),
                                   KN_INT(!seen->facts),
                                   KN_BLOB(seen->facts ? seen->facts->key.b : none.b, sizeof none)),
                         &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && row)
        rc = kn_db_blob(db, s, 1, identity->b, sizeof identity->b, err);
    if (!rc && row)
        rc = kn_db_blob(db, s, 2, id->b, sizeof id->b, err);
    if (rc)
        return rc;
    if (row)
        *path = sqlite3_column_int64(s, 0);
    *known = row;
    return KN_OK;
}

int kn_store_known(struct kn_library *lib, const struct kn_seen *seen, bool *known,
                   struct kn_hash *identity, struct kn_id *id, struct kn_err *err)
{
    struct kn_hash hash;
    struct kn_id title;
    struct local *l;
    int64_t path = 0;
    bool yes;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&l->write_lock);
    rc = known_in(l->writer, seen, &yes, &path, &hash, &title, err);
    if (!rc && yes)
        rc = mark(l, path, err);
    kn_db_reset(l->writer);
    pthread_mutex_unlock(&l->write_lock);
    if (rc)
        return rc;
    *known = yes;
    if (yes) {
        *identity = hash;
        *id = title;
    }
    return KN_OK;
}

/* ---- see ---- */

int kn_local_add_title(struct kn_db *db, const struct kn_id *id, const char *name, int year,
                       int64_t *title, struct kn_err *err)
{
    struct kn_buf folded;
    int rc = kn_fold_name(name, &folded, err);

    if (!rc)
        rc = kn_db_run(db,
                       "INSERT INTO title (id, name, folded, year) VALUES (?, ?, ?, ?)"
                       " ON CONFLICT (id) DO NOTHING",
                       KN_VALUES(KN_BLOB(id->b, sizeof id->b), KN_TEXT(name), KN_TEXT(folded.data),
                                 KN_INT(year)),
                       err);
    kn_buf_free(&folded);
    return rc ? rc : kn_local_title_key(db, id, title, err);
}

/* The file with this content, and its title: known ones, or new. */
static int file_of(struct kn_db *db, const struct kn_hash *identity, const char *name, int year,
                   int64_t *file, int64_t *title, struct kn_err *err)
{
    const struct kn_id id = kn_id_from_hash(identity);
    bool found;
    int rc = kn_db_number(db, "SELECT key FROM file WHERE identity = ?",
                          KN_VALUES(KN_BLOB(identity->b, sizeof identity->b)), &found, file, err);

    if (rc)
        return rc;
    if (found)
        return kn_db_number(db, "SELECT title FROM file WHERE key = ?", KN_VALUES(KN_INT(*file)),
                            &found, title, err);
    rc = kn_local_add_title(db, &id, name, year, title, err); /* it may be there by a put */
    if (!rc)
        rc = kn_db_number(db, "INSERT INTO file (identity, title) VALUES (?, ?) RETURNING key",
                          KN_VALUES(KN_BLOB(identity->b, sizeof identity->b), KN_INT(*title)),
                          &found, file, err);
    return rc;
}

/* A title that was missing has a path again: it is what it was. */
static int bring_back(struct kn_db *db, int64_t title, struct kn_err *err)
{
    bool missing;
    int64_t state;
    int rc = kn_db_number(db, "SELECT state FROM title WHERE key = ? AND (gone <> '' OR state = 4)",
                          KN_VALUES(KN_INT(title)), &missing, &state, err);

    if (rc || !missing)
        return rc;
    rc = kn_db_run(db, "UPDATE title SET gone = '' WHERE key = ?", KN_VALUES(KN_INT(title)), err);
    if (!rc && state == KN_STATE_MISSING) /* put here as missing: nothing says what it was before */
        rc = kn_local_settle(db, title, NULL, err);
    return rc;
}

/* Another content is at its path now. Of what nobody could read to its end, a download most often, nothing is worth keeping. */
static int leave_path(struct kn_db *db, int64_t title, struct kn_err *err)
{
    int rc = kn_local_settle_paths(db, title, KN_REASON_TAKEN, NULL, err);

    return rc ? rc
              : kn_db_run(db,
                          "DELETE FROM title WHERE key = ?1 AND gone <> '' AND state IN (0, 2)"
                          " AND NOT EXISTS (SELECT 1 FROM segment WHERE segment.title = ?1)"
                          " AND NOT EXISTS (SELECT 1 FROM title AS one WHERE one.joined = ?1)",
                          KN_VALUES(KN_INT(title)), err);
}

static int see_in(struct local *l, const struct kn_seen *seen, const struct kn_hash *identity,
                  const char *name, int year, struct kn_id *id, struct kn_err *err)
{
    struct kn_db *db = l->writer;
    int64_t file, title, before = 0, path = 0;
    bool was, found;
    sqlite3_stmt *s;
    int rc = kn_db_number(db,
                          "SELECT file.title FROM path JOIN file ON file.key = path.file"
                          " WHERE path = ?",
                          KN_VALUES(KN_TEXT(seen->path)), &was, &before, err);

    if (!rc)
        rc = file_of(db, identity, name, year, &file, &title, err);
    if (!rc)
        rc = kn_db_number(db,
                          "INSERT INTO path (path, file, name, year, size, mtime_ns)"
                          " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
                          " file = excluded.file, name = excluded.name, year = excluded.year,"
                          " size = excluded.size, mtime_ns = excluded.mtime_ns RETURNING key",
                          KN_VALUES(KN_TEXT(seen->path), KN_INT(file), KN_TEXT(name), KN_INT(year),
                                    KN_INT(seen->size), KN_INT(seen->mtime_ns)),
                          &found, &path, err);
    if (!rc && seen->facts)
        rc = kn_local_tell(db, path, seen->facts, err);
    if (!rc && was && before != title)
        rc = leave_path(db, before, err);
    if (!rc)
        rc = bring_back(db, title, err);
    if (!rc)
        rc = kn_local_settle_paths(db, title, NULL, NULL, err);
    if (!rc && seen->facts && *seen->facts->ids)
        rc = kn_local_join_alike(db, title, err);
    if (!rc)
        rc = mark(l, path, err);
    if (!rc)
        rc = kn_db_query(db, "SELECT id FROM title WHERE key = ?", KN_VALUES(KN_INT(title)), &s,
                         err);
    if (!rc)
        rc = kn_db_step(db, s, &found, err);
    return rc ? rc : kn_db_blob(db, s, 0, id->b, sizeof id->b, err);
}

int kn_store_see(struct kn_library *lib, const struct kn_seen *seen, const struct kn_hash *identity,
                 const char *name, int year, struct kn_id *id, struct kn_err *err)
{
    struct kn_id title;
    struct local *l;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    if (!seen->path || !seen->path[0] || !name || seen->size > INT64_MAX)
        return kn_err_set(err, KN_EARG, "library '%s': a file without a path or name", l->path);
    rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_local_end(l, see_in(l, seen, identity, name, year, &title, err), err);
    if (!rc)
        *id = title;
    return rc;
}

int kn_store_keep(struct kn_library *lib, const char *path, bool *known, struct kn_err *err)
{
    struct local *l;
    int64_t key = 0;
    bool found;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&l->write_lock);
    rc = kn_db_number(l->writer, "SELECT key FROM path WHERE path = ?", KN_VALUES(KN_TEXT(path)),
                      &found, &key, err);
    if (!rc && found)
        rc = mark(l, key, err);
    kn_db_reset(l->writer);
    pthread_mutex_unlock(&l->write_lock);
    if (!rc)
        *known = found;
    return rc;
}

int kn_store_pending(struct kn_library *lib, const struct kn_id *id, const char *reason,
                     struct kn_err *err)
{
    struct local *l;
    int rc = kn_local_writable(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_db_run(l->writer, "UPDATE title SET reason = ? WHERE id = ? AND state = 0",
                   KN_VALUES(KN_TEXT(reason), KN_BLOB(id->b, sizeof id->b)), err);
    return kn_local_end(l, rc, err);
}

/* ---- the whole of a file ---- */

int kn_store_whole(struct kn_library *lib, const struct kn_hash *identity, int64_t mtime_ns,
                   bool *check, struct kn_hash *whole, struct kn_err *err)
{
    struct kn_hash kept;
    struct local *l;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&l->write_lock);
    rc =
        kn_db_query(l->writer,
                    "SELECT whole FROM file WHERE identity = ? AND whole IS NOT NULL AND NOT"
                    " EXISTS (SELECT 1 FROM path WHERE path.file = file.key AND mtime_ns = ?)",
                    KN_VALUES(KN_BLOB(identity->b, sizeof identity->b), KN_INT(mtime_ns)), &s, err);
    if (!rc)
        rc = kn_db_step(l->writer, s, &row, err);
    if (!rc && row)
        rc = kn_db_blob(l->writer, s, 0, kept.b, sizeof kept.b, err);
    kn_db_reset(l->writer);
    pthread_mutex_unlock(&l->write_lock);
    if (rc)
        return rc;
    *check = row;
    if (row)
        *whole = kept;
    return KN_OK;
}

int kn_store_set_whole(struct kn_library *lib, const struct kn_hash *identity,
                       const struct kn_hash *whole, bool changed, struct kn_err *err)
{
    struct local *l;
    int64_t title = 0;
    bool found;
    int rc = kn_local_writable(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_db_number(
        l->writer, "UPDATE file SET whole = ? WHERE identity = ? RETURNING title",
        KN_VALUES(KN_BLOB(whole->b, sizeof whole->b), KN_BLOB(identity->b, sizeof identity->b)),
        &found, &title, err);
    if (!rc && found && changed)
        rc = kn_local_forget(l->writer, title, KN_STAGE_PROBE, err);
    if (!rc && found && changed)
        rc = kn_local_settle(l->writer, title, NULL, err);
    return kn_local_end(l, rc, err);
}

/* ---- the end of a scan ---- */

int kn_store_scan_begin(struct kn_library *lib, struct kn_err *err)
{
    struct local *l = NULL;
    int rc = kn_local_writable(lib, &l, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&l->write_lock);
    l->n_marks = 0;
    pthread_mutex_unlock(&l->write_lock);
    return KN_OK;
}

static int compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool is_under(const char *path, const char *root)
{
    size_t n = strlen(root);

    while (n > 0 && root[n - 1] == '/')
        n--;
    return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* What waited in vain and was never read is known by its path alone: without that nothing is left of it. */
static int drop_waiting(struct kn_db *db, int64_t title, bool *missing, struct kn_err *err)
{
    int64_t key;
    bool dropped;
    int rc = kn_db_number(db,
                          "DELETE FROM title WHERE key = ?1 AND gone <> '' AND state = 0"
                          " AND reason <> '' AND joined IS NULL"
                          " AND NOT EXISTS (SELECT 1 FROM stage WHERE stage.title = ?1)"
                          " AND NOT EXISTS (SELECT 1 FROM title AS one WHERE one.joined = ?1)"
                          " RETURNING key",
                          KN_VALUES(KN_INT(title)), &dropped, &key, err);

    *missing = rc || !dropped;
    return rc;
}

static int forget_path(struct kn_db *db, sqlite3_stmt *found, size_t *n_missing, struct kn_err *err)
{
    int64_t path = sqlite3_column_int64(found, 0), title = sqlite3_column_int64(found, 2);
    char reason[REASON_BYTES];
    bool missing = false;
    int rc;

    sqlite3_snprintf(sizeof reason, reason, "no file at '%s' any more", kn_db_text(found, 1));
    rc = kn_db_run(db, "DELETE FROM path WHERE key = ?", KN_VALUES(KN_INT(path)), err);
    if (!rc)
        rc = kn_local_settle_paths(db, title, reason, &missing, err);
    if (!rc && missing)
        rc = drop_waiting(db, title, &missing, err);
    *n_missing += missing;
    return rc;
}

static int scan_end_in(struct local *l, const char *root, size_t *n_missing, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(l->writer, /* the first path goes last: its name stays with what is lost */
                         "SELECT path.key, path.path, file.title FROM path"
                         " JOIN file ON file.key = path.file ORDER BY +path.path DESC",
                         NULL, 0, &s, err);

    if (l->n_marks > 0)
        qsort(l->marks, l->n_marks, sizeof *l->marks, compare_keys);
    while (!rc && !(rc = kn_db_step(l->writer, s, &row, err)) && row) {
        int64_t key = sqlite3_column_int64(s, 0);

        if (is_under(kn_db_text(s, 1), root) &&
            (l->n_marks == 0 ||
             !bsearch(&key, l->marks, l->n_marks, sizeof *l->marks, compare_keys)))
            rc = forget_path(l->writer, s, n_missing, err);
    }
    return rc;
}

int kn_store_scan_end(struct kn_library *lib, const char *root, size_t *n_missing,
                      struct kn_err *err)
{
    struct local *l;
    size_t missing = 0;
    int rc = kn_local_writable(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_local_end(l, scan_end_in(l, root, &missing, err), err);
    if (!rc)
        *n_missing = missing;
    return rc;
}
