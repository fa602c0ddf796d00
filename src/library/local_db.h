/* local_db.h - one connection to SQLite, with its prepared statements. Inside src/library/local*.
 *
 * Every statement is a constant text, prepared once a connection and kept; values are bound, never
 * printed into it. A failure of SQLite's becomes a kn_err that names the library and says what to do.
 *
 * One thread at a time uses a connection (it is opened without SQLite's own mutex). */
#ifndef KN_LIBRARY_LOCAL_DB_H
#define KN_LIBRARY_LOCAL_DB_H

#include <sqlite3.h>
#include <time.h>

#include <kinora/types.h>

struct kn_err;

enum { KN_DB_STATEMENTS = 160 }; /* more than there are texts in src/library */

struct kn_db {
    sqlite3 *sqlite;
    const char *path; /* of library.db, for messages; borrowed */
    bool passes;      /* has the function of local_page.c */
    bool frozen;      /* opened with KN_DB_FROZEN, when the file was last changed at: */
    struct timespec changed;
    int n;
    struct {
        const char *sql; /* compared as a pointer: each place in the code has its own */
        sqlite3_stmt *statement;
    } cache[KN_DB_STATEMENTS];
};

enum kn_db_mode {
    KN_DB_WRITE,
    KN_DB_READ,
    KN_DB_FROZEN, /* on a medium that nobody can write: no locks, no WAL (SQLite's immutable=1) */
};

int kn_db_open(const char *path, enum kn_db_mode mode, struct kn_db **out, struct kn_err *err);
void kn_db_close(struct kn_db *db); /* NULL is fine */

/* The code for SQLite's rc, and its message: "library '/x/library.db', what: why; what to do". */
int kn_db_fail(const struct kn_db *db, int rc, const char *what, struct kn_err *err);

/* A bound value. Texts and blobs are borrowed until the statement is used again. */
struct kn_db_value {
    enum { KN_DB_INT, KN_DB_REAL, KN_DB_TEXT, KN_DB_BLOB, KN_DB_FILTER } type;
    int64_t i;
    double d;
    const void *p;
    size_t n;
};
#define KN_INT(x) ((struct kn_db_value){.type = KN_DB_INT, .i = (int64_t)(x)})
#define KN_REAL(x) ((struct kn_db_value){.type = KN_DB_REAL, .d = (x)}) /* NaN: NULL */
#define KN_TEXT(x) ((struct kn_db_value){.type = KN_DB_TEXT, .p = (x)}) /* NULL: "" */
#define KN_BLOB(x, bytes) ((struct kn_db_value){.type = KN_DB_BLOB, .p = (x), .n = (bytes)})
/* A struct kn_filter, for passes() (local_page.c); NULL: everything. */
#define KN_FILTER(x) ((struct kn_db_value){.type = KN_DB_FILTER, .p = (x)})
#define KN_VALUES(...)                                                                             \
    (const struct kn_db_value[]){__VA_ARGS__},                                                     \
        sizeof((const struct kn_db_value[]){__VA_ARGS__}) / sizeof(struct kn_db_value)

/* Bound and ready to step. *out belongs to the connection. */
int kn_db_query(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
                sqlite3_stmt **out, struct kn_err *err);
int kn_db_step(struct kn_db *db, sqlite3_stmt *s, bool *row, struct kn_err *err);

/* For what gives no rows. */
int kn_db_run(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
              struct kn_err *err);

/* The first column of the first row; without a row: *found false, *out as it was. */
int kn_db_number(struct kn_db *db, const char *sql, const struct kn_db_value *values, size_t n,
                 bool *found, int64_t *out, struct kn_err *err);

/* Ends every statement under way, so that the connection holds no snapshot. */
void kn_db_reset(struct kn_db *db);

/* A text column, never NULL, until the next step; a number column where NULL is NaN. */
const char *kn_db_text(sqlite3_stmt *s, int column);
double kn_db_real(sqlite3_stmt *s, int column);
/* A blob column of exactly n bytes, copied. KN_ECORRUPT when it has not this size. */
int kn_db_blob(const struct kn_db *db, sqlite3_stmt *s, int column, void *to, size_t n,
               struct kn_err *err);

#endif
