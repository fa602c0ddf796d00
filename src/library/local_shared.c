/* Which of this library's titles other libraries have, and as of which change.
 *
 * What is remembered is written on a connection of its own, without the writer's lock: an ingest may hold that for days, and a
 * machine that publishes every night should not wait for it. SQLite lets one of the two write at a time, each for milliseconds. */
#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/record.h"

#include <stdlib.h>
#include <string.h>

enum { NOTE_WAIT_MS = 60000 }; /* an import commits all its rows at once */

#define TARGET "(SELECT key FROM target WHERE name = ?1)"

/* Titles that are for others. */
#define FINISHED " title.joined IS NULL AND " KN_LOCAL_STATE " IN (1, 2, 3)"

/* ---- what is to go out ---- */

struct list {
    struct kn_outgoing *titles;
    size_t n, room;
};

static int read_list(struct kn_db *db, sqlite3_stmt *s, bool gone, struct list *l,
                     struct kn_err *err)
{
    bool row;
    int rc = KN_OK;

    while (!rc && l->n < l->room && !(rc = kn_db_step(db, s, &row, err)) && row) {
        struct kn_outgoing *o = &l->titles[l->n];

        rc = kn_db_blob(db, s, 0, o->id.b, sizeof o->id.b, err);
        o->change = sqlite3_column_int64(s, 1);
        o->gone = gone;
        l->n += !rc;
    }
    return rc;
}

static int list_new(struct kn_db *db, const char *sql, const char *target, struct kn_arena *arena,
                    struct list *l, struct kn_err *err)
{
    int64_t room = 0;
    bool found;
    int rc = kn_db_number(db, sql, KN_VALUES(KN_TEXT(target)), &found, &room, err);

    if (rc)
        return rc;
    *l = (struct list){.titles = kn_arena_array(arena, (size_t)room, sizeof *l->titles),
                       .room = (size_t)room};
    return l->titles ? KN_OK : kn_arena_full("a list of titles", err);
}

static int outgoing_in(struct kn_db *db, const char *target, bool all, struct kn_arena *arena,
                       struct list *l, size_t *same, struct kn_err *err)
{
    int64_t has = 0;
    sqlite3_stmt *s;
    bool found;
    int rc = list_new(db,
                      "SELECT (SELECT count(*) FROM title)"
                      " + (SELECT count(*) FROM shared WHERE target = " TARGET ")",
                      target, arena, l, err);

    if (!rc)
        rc = kn_db_query(db,
                         "SELECT shared.title, shared.change FROM shared"
                         " LEFT JOIN title ON title.id = shared.title"
                         " WHERE shared.target = " TARGET " AND stamp IS NULL"
                         " AND (title.key IS NULL OR title.joined IS NOT NULL OR " KN_LOCAL_STATE
                         " = 4)",
                         KN_VALUES(KN_TEXT(target)), &s, err);
    if (!rc)
        rc = read_list(db, s, true, l, err);
    if (!rc)
        rc = kn_db_query(db,
                         "SELECT title.id, title.change FROM title LEFT JOIN shared"
                         " ON shared.title = title.id AND shared.target = " TARGET " WHERE" FINISHED
                         " AND (?2 OR shared.change IS NOT title.change)"
                         " ORDER BY title.change, title.key",
                         KN_VALUES(KN_TEXT(target), KN_INT(all)), &s, err);
    if (!rc)
        rc = read_list(db, s, false, l, err);
    if (!rc)
        rc = kn_db_number(db,
                          "SELECT count(*) FROM title JOIN shared ON shared.title = title.id"
                          " AND shared.target = " TARGET " WHERE" FINISHED
                          " AND shared.change = title.change",
                          KN_VALUES(KN_TEXT(target)), &found, &has, err);
    *same = (size_t)has;
    return rc;
}

int kn_store_outgoing(struct kn_library *lib, const char *target, bool all, struct kn_arena *arena,
                      struct kn_outgoing **out, size_t *n, size_t *same, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    struct list list;
    size_t has;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = outgoing_in(db, target, all, arena, &list, &has, err);
    kn_local_done(l, db);
    if (rc)
        return rc;
    *out = list.titles;
    *n = list.n;
    *same = has;
    return KN_OK;
}

int kn_store_shared(struct kn_library *lib, const char *target, struct kn_arena *arena,
                    struct kn_outgoing **out, size_t *n, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    struct list list;
    sqlite3_stmt *s;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = list_new(db, "SELECT count(*) FROM shared WHERE target = " TARGET, target, arena, &list,
                  err);
    if (!rc)
        rc = kn_db_query(db,
                         "SELECT title.id, title.change FROM shared"
                         " JOIN title ON title.id = shared.title"
                         " WHERE shared.target = " TARGET " AND title.joined IS NULL"
                         " AND " KN_LOCAL_STATE " = 1 AND shared.change = title.change"
                         " ORDER BY shared.title",
                         KN_VALUES(KN_TEXT(target)), &s, err);
    if (!rc)
        rc = read_list(db, s, false, &list, err);
    kn_local_done(l, db);
    if (rc)
        return rc;
    *out = list.titles;
    *n = list.n;
    return KN_OK;
}

int kn_store_identity(struct kn_library *lib, struct kn_id *out, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_id id;
    struct kn_db *db;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = kn_db_query(db, "SELECT identity FROM library", NULL, 0, &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc)
        rc = kn_db_blob(db, s, 0, id.b, sizeof id.b, err);
    kn_local_done(l, db);
    if (!rc)
        *out = id;
    return rc;
}

/* ---- what the target has ---- */

static int note_one(struct kn_db *db, const char *target, const struct kn_outgoing *o,
                    const struct kn_hash *stamp, struct kn_err *err)
{
    const struct kn_db_value none = KN_BLOB(NULL, 0);

    if (o->gone)
        return kn_db_run(db, "DELETE FROM shared WHERE target = " TARGET " AND title = ?2",
                         KN_VALUES(KN_TEXT(target), KN_BLOB(o->id.b, sizeof o->id.b)), err);
    return kn_db_run(db,
                     "INSERT INTO shared (target, title, change, stamp)"
                     " VALUES (" TARGET ", ?2, ?3, ?4) ON CONFLICT (target, title) DO UPDATE"
                     " SET change = excluded.change, stamp = excluded.stamp",
                     KN_VALUES(KN_TEXT(target), KN_BLOB(o->id.b, sizeof o->id.b), KN_INT(o->change),
                               stamp ? KN_BLOB(stamp->b, sizeof stamp->b) : none),
                     err);
}

static int add_target(struct kn_db *db, const char *target, struct kn_err *err)
{
    return kn_db_run(db, "INSERT INTO target (name) VALUES (?) ON CONFLICT DO NOTHING",
                     KN_VALUES(KN_TEXT(target)), err);
}

int kn_store_note(struct kn_library *lib, const char *target, const struct kn_outgoing *titles,
                  size_t n, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db = NULL;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = kn_db_open(l->path, KN_DB_WRITE, &db, err);
    if (rc)
        return rc;
    sqlite3_busy_timeout(db->sqlite, NOTE_WAIT_MS);
    rc = kn_db_run(db, "BEGIN IMMEDIATE", NULL, 0, err);
    if (!rc)
        rc = add_target(db, target, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = note_one(db, target, &titles[i], NULL, err);
    if (!rc)
        rc = kn_db_run(db, "COMMIT", NULL, 0, err);
    kn_db_close(db); /* what was not committed is rolled back */
    return rc;
}

/* ---- what comes in ---- */

static int look_at(struct kn_db *db, const char *target, struct kn_incoming *t, struct kn_err *err)
{
    struct kn_hash before;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT shared.change IS title.change AND stamp IS NOT NULL, stamp"
                         " FROM title LEFT JOIN shared"
                         " ON shared.title = title.id AND shared.target = " TARGET
                         " WHERE title.id = ?2",
                         KN_VALUES(KN_TEXT(target), KN_BLOB(t->id.b, sizeof t->id.b)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    t->own = row && !sqlite3_column_int(s, 0);
    t->wanted = !row;
    if (row && !t->own) {
        rc = kn_db_blob(db, s, 1, before.b, sizeof before.b, err);
        t->wanted = !rc && memcmp(before.b, t->stamp.b, sizeof before.b) != 0;
    }
    return rc;
}

int kn_store_wanted(struct kn_library *lib, const char *target, struct kn_incoming *titles,
                    size_t n, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < n && !rc; i++)
        rc = look_at(db, target, &titles[i], err);
    kn_local_done(l, db);
    return rc;
}

static int take(struct kn_db *db, const char *target, const struct kn_incoming *t,
                const struct kn_record *r, size_t dim, struct kn_err *err)
{
    struct kn_outgoing o = {.id = t->id};
    bool found;
    int rc = kn_local_put_record(db, r, dim, err);

    if (!rc)
        rc = kn_db_number(db, "SELECT change FROM title WHERE id = ?",
                          KN_VALUES(KN_BLOB(t->id.b, sizeof t->id.b)), &found, &o.change, err);
    return rc ? rc : note_one(db, target, &o, &t->stamp, err);
}

int kn_store_take(struct kn_library *lib, const char *target, const struct kn_incoming *titles,
                  const struct kn_record *records, size_t n, struct kn_err *err)
{
    struct local *l = NULL;
    size_t dim;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_local_model(l->writer, NULL, &dim, err);
    if (!rc)
        rc = add_target(l->writer, target, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = take(l->writer, target, &titles[i], &records[i], dim, err);
    return kn_local_end(l, rc, err);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kn_id));
}

static int drop_in(struct kn_db *db, const char *target, const struct kn_id *seen, size_t n,
                   size_t *dropped, struct kn_err *err)
{
    struct kn_outgoing o = {.gone = true};
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT shared.title, shared.change IS title.change FROM shared"
                         " LEFT JOIN title ON title.id = shared.title"
                         " WHERE shared.target = " TARGET " AND stamp IS NOT NULL",
                         KN_VALUES(KN_TEXT(target)), &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        bool untouched = sqlite3_column_int(s, 1);

        rc = kn_db_blob(db, s, 0, o.id.b, sizeof o.id.b, err);
        if (rc || (n > 0 && bsearch(&o.id, seen, n, sizeof *seen, compare_ids)))
            continue;
        rc = note_one(db, target, &o, NULL, err);
        if (!rc && untouched)
            rc = kn_db_run(db, "DELETE FROM title WHERE id = ?",
                           KN_VALUES(KN_BLOB(o.id.b, sizeof o.id.b)), err);
        *dropped += !rc && untouched;
    }
    return rc;
}

int kn_store_drop_pulled(struct kn_library *lib, const char *target, const struct kn_id *seen,
                         size_t n, size_t *dropped, struct kn_err *err)
{
    struct local *l = NULL;
    size_t count = 0;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = drop_in(l->writer, target, seen, n, &count, err);
    rc = kn_local_end(l, rc, err);
    if (!rc)
        *dropped = count;
    return rc;
}
