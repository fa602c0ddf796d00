/* Posters: a frame of the film, made once. They hang on the probe, as words do, but nothing hangs on them. */
#include "library/local.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

static int no_memory(struct kn_err *err)
{
    return kn_err_set(err, KN_ELIMIT, "posters: no memory for the titles");
}

static int read_film(struct kn_db *db, sqlite3_stmt *s, struct kn_arena *arena,
                     struct kn_filmed *out, struct kn_err *err)
{
    struct kn_filmed f = {.name = kn_arena_text(arena, kn_db_text(s, 1)),
                          .path = kn_arena_text(arena, kn_db_text(s, 2))};
    int rc = kn_db_blob(db, s, 0, f.id.b, sizeof f.id.b, err);

    if (!rc && (!f.name || !f.path))
        rc = no_memory(err);
    if (!rc)
        rc = kn_db_blob(db, s, 3, f.probe.b, sizeof f.probe.b, err);
    if (!rc && sqlite3_column_type(s, 4) != SQLITE_NULL)
        rc = kn_db_blob(db, s, 4, f.poster.b, sizeof f.poster.b, err);
    if (!rc)
        *out = f;
    return rc;
}

static int filmed_in(struct kn_db *db, struct kn_arena *arena, struct kn_filmed **out, size_t *n,
                     struct kn_err *err)
{
    struct kn_filmed *films;
    int64_t most = 0;
    sqlite3_stmt *s;
    size_t count = 0;
    bool row;
    int rc = kn_db_number(db, "SELECT count(*) FROM title", NULL, 0, &row, &most, err);

    if (rc)
        return rc;
    films = kn_arena_array(arena, (size_t)most, sizeof *films);
    if (!films)
        return no_memory(err);
    rc = kn_db_query(
        db,
        "SELECT title.id, title.name, min(path.path), probe.key, poster.key FROM title"
        " JOIN stage AS probe ON probe.title = title.key AND probe.stage = 0 AND NOT probe.failed"
        " JOIN file ON file.title = title.key JOIN path ON path.file = file.key"
        " LEFT JOIN poster ON poster.title = title.key"
        " WHERE title.poster = '' AND title.state <> 2 GROUP BY title.key"
        " ORDER BY title.folded, title.id",
        NULL, 0, &s, err);
    while (!rc && count < (size_t)most && !(rc = kn_db_step(db, s, &row, err)) && row) {
        rc = read_film(db, s, arena, &films[count], err);
        count += !rc;
    }
    if (rc)
        return rc;
    *out = films;
    *n = count;
    return KN_OK;
}

int kn_store_filmed(struct kn_library *lib, struct kn_arena *arena, struct kn_filmed **out,
                    size_t *n, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = filmed_in(db, arena, out, n, err);
    kn_local_done(l, db);
    return rc;
}

int kn_store_commit_poster(struct kn_library *lib, const struct kn_id *id,
                           const struct kn_hash *key, const void *jpeg, size_t n,
                           const char *reason, struct kn_err *err)
{
    struct local *l = NULL;
    int64_t title;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_local_title_key(l->writer, id, &title, err);
    if (!rc)
        rc = kn_db_run(l->writer,
                       "INSERT OR REPLACE INTO poster (title, key, reason, jpeg)"
                       " VALUES (?, ?, ?, ?)",
                       KN_VALUES(KN_INT(title), KN_BLOB(key->b, sizeof key->b), KN_TEXT(reason),
                                 KN_BLOB(n ? jpeg : "", n)),
                       err);
    return kn_local_end(l, rc, err);
}

static int read_poster(struct kn_db *db, const struct kn_id *id, struct kn_buf *jpeg, char why[256],
                       struct kn_err *err)
{
    sqlite3_stmt *s;
    int64_t title;
    bool row = false;
    int rc = kn_local_title_key(db, id, &title, err);

    if (!rc)
        rc = kn_db_query(
            db,
            "SELECT jpeg, poster.reason FROM title JOIN poster ON poster.title = title.key"
            " WHERE title.key = ?1 OR joined = ?1"
            " ORDER BY length(jpeg) = 0, joined IS NOT NULL, title.key LIMIT 1",
            KN_VALUES(KN_INT(title)), &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && row)
        rc = kn_buf_add(jpeg, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), err);
    if (!rc)
        snprintf(why, 256, "%s", row ? kn_db_text(s, 1) : "");
    return rc;
}

int kn_store_poster(struct kn_library *lib, const struct kn_id *id, struct kn_buf *jpeg,
                    char why[256], struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = read_poster(db, id, jpeg, why, err);
    kn_local_done(l, db);
    return rc;
}
