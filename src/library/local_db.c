#include "library/local_db.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUSY_MS =
        5000, /* WAL lets readers and writer be; what is left is recovery and the last checkpoint */
    CACHE_KIB = 16384,
};

static enum kn_code code_of(int rc)
{
    switch (rc & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_CONSTRAINT:
        return KN_ECORRUPT;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return KN_ELIMIT;
    default:
        return KN_EIO;
    }
}

static const char *remedy_of(int rc, int system_error)
{
    if (rc == SQLITE_FULL || system_error == ENOSPC || system_error == EDQUOT)
        return "no space left on the disk: free some and run again";
    switch (rc & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_CONSTRAINT:
        return "it is damaged: move it away and ingest again, or put a copy in its place (the "
               "films are not touched)";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another process holds it: run again when that is done";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return "it cannot be written: check the folder's permissions, or use another --library";
    default:
        return "check the disk and the folder's permissions, then run again";
    }
}

int kn_db_fail(const struct kn_db *db, int rc, const char *what, struct kn_err *err)
{
    int system_error = db->sqlite ? sqlite3_system_errno(db->sqlite) : 0;
    const char *why = db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc);
    int io =
        (rc & 0xFF) == SQLITE_IOERR || (rc & 0xFF) == SQLITE_CANTOPEN || (rc & 0xFF) == SQLITE_FULL;
    int code =
        kn_err_set(err, code_of(rc), "library '%s', %s: %s%s%s; %s", db->path, what, why,
                   io && system_error ? ": " : "", io && system_error ? strerror(system_error) : "",
                   remedy_of(rc & 0xFF, io ? system_error : 0));

    if (err)
        err->retry = (rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED;
    return code;
}

/* file: URIs give ? # % a meaning. NULL without memory. */
static char *uri_of(const char *path, const char *query)
{
    size_t n = strlen(path);
    char *uri = malloc(3 * n + strlen(query) + 8), *to = uri;

    if (!uri)
        return NULL;
    to += sprintf(to, "file:");
    for (const char *c = path; *c; c++) {
        if (strchr("?#%", *c))
            to += sprintf(to, "%%%02X", (unsigned)(unsigned char)*c);
        else
            *to++ = *c;
    }
    strcpy(to, query);
    return uri;
}

/* NORMAL in WAL mode: a commit is in the file when it returns, so a killed process loses nothing
 * that it committed; only a power cut may lose the last ones, and then they were never half there.
 * FULL would cost an fsync a stage for work that the next run simply does again. */
static const char SETTINGS[] = "PRAGMA foreign_keys = ON;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA journal_size_limit = 67108864;"
                               "PRAGMA temp_store = MEMORY;";

int kn_db_open(const char *path, enum kn_db_mode mode, struct kn_db **out, struct kn_err *err)
{
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct kn_db *db = calloc(1, sizeof *db);
    char *uri = uri_of(path, mode == KN_DB_FROZEN ? "?immutable=1" : "");
    char cache[64];
    int rc;

    if (!db || !uri) {
        free(db);
        free(uri);
        return kn_err_set(err, KN_ELIMIT, "library '%s': no memory to open it", path);
    }
    db->path = path;
    flags |=
        mode == KN_DB_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    rc = sqlite3_open_v2(uri, &db->sqlite, flags, NULL);
    free(uri);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db->sqlite, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db->sqlite, SETTINGS, NULL, NULL, NULL);
    snprintf(cache, sizeof cache, "PRAGMA cache_size = -%d", CACHE_KIB);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db->sqlite, cache, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        rc = kn_db_fail(db, rc, "open", err);
        kn_db_close(db);
        return rc;
    }
    *out = db;
    return KN_OK;
}

void kn_db_close(struct kn_db *db)
{
    if (!db)
        return;
    for (int i = 0; i < db->n; i++)
        sqlite3_finalize(db->cache[i].statement);
    sqlite3_close(db->sqlite);
    free(db);
}

static int prepare(struct kn_db *db, const char *sql, sqlite3_stmt **out, struct kn_err *err)
{
    int rc;

    for (int i = 0; i < db->n; i++) {
        if (db->cache[i].sql == sql) {
            *out = db->cache[i].statement;
            sqlite3_reset(*out);
            return KN_OK;
        }
    }
    if (db->n == KN_DB_STATEMENTS)
        return kn_err_set(err, KN_ELIMIT, "library '%s': more than %d statements", db->path,
                          KN_DB_STATEMENTS);
    rc = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc != SQLITE_OK)
        return kn_db_fail(db, rc, "prepare a statement", err);
    db->cache[db->n].sql = sql;
    db->cache[db->n++].statement = *out;
    return KN_OK;
}

static int bind(sqlite3_stmt *s, int at, const struct kn_db_value *v)
{
    switch (v->type) {
    case KN_DB_INT:
        return sqlite3_bind_int64(s, at, v->i);
    case KN_DB_REAL:
        return sqlite3_bind_double(s, at, v->d);
    case KN_DB_TEXT:
        return sqlite3_bind_text(s, at, v->p ? v->p : "", -1, SQLITE_STATIC);
    case KN_DB_FILTER: /* what SQLite carries and cannot write to */
        return sqlite3_bind_pointer(s, at, (void *)(uintptr_t)v->p, "kn_filter", NULL);
    default:
        return sqlite3_bind_blob64(s, at, v->p, v->n, SQLITE_STATIC);
    }
}

int kn_db_query(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
                sqlite3_stmt **out, struct kn_err *err)
{
    sqlite3_stmt *s;
    int rc = prepare(db, sql, &s, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        rc = bind(s, (int)i + 1, &values[i]);
        if (rc != SQLITE_OK)
            return kn_db_fail(db, rc, "bind a value", err);
    }
    *out = s;
    return KN_OK;
}

int kn_db_step(struct kn_db *db, sqlite3_stmt *s, bool *row, struct kn_err *err)
{
    int rc = sqlite3_step(s);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return kn_db_fail(db, rc, sqlite3_stmt_readonly(s) ? "read" : "write", err);
    *row = rc == SQLITE_ROW;
    return KN_OK;
}

int kn_db_run(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
              struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, sql, values, n, &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc)
        sqlite3_reset(s);
    return rc;
}

int kn_db_number(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
                 bool *found, int64_t *out, struct kn_err *err)
{
    sqlite3_stmt *s;
    int rc = kn_db_query(db, sql, values, n, &s, err);

    if (!rc)
        rc = kn_db_step(db, s, found, err);
    if (rc)
        return rc;
    if (*found)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return KN_OK;
}

void kn_db_reset(struct kn_db *db)
{
    for (int i = 0; i < db->n; i++)
        if (sqlite3_stmt_busy(db->cache[i].statement))
            sqlite3_reset(db->cache[i].statement);
}

const char *kn_db_text(sqlite3_stmt *s, int column)
{
    const unsigned char *text = sqlite3_column_text(s, column);

    return text ? (const char *)text : "";
}

double kn_db_real(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? (double)NAN
                                                         : sqlite3_column_double(s, column);
}

int kn_db_blob(const struct kn_db *db, sqlite3_stmt *s, int column, void *to, size_t n,
               struct kn_err *err)
{
    const void *blob = sqlite3_column_blob(s, column);

    if (!blob || (size_t)sqlite3_column_bytes(s, column) != n)
        return kn_err_set(err, KN_ECORRUPT,
                          "library '%s': a value of %d bytes where %zu belong; it is damaged: move "
                          "it away and ingest again",
                          db->path, sqlite3_column_bytes(s, column), n);
    memcpy(to, blob, n);
    return KN_OK;
}
