#include "library/local.h"
#include "library/store.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/match.h"
#include "library/record.h"

#include <stdio.h>
#include <string.h>

/* ---- import ---- */

static int is_imported(struct kn_db *db, const struct kn_id *id, const struct kn_hash *key,
                       bool *there, bool *same, struct kn_err *err)
{
    int64_t number = 0;
    int rc = kn_db_number(db,
                          "SELECT EXISTS (SELECT 1 FROM stage WHERE title = title.key"
                          " AND stage = 1 AND stage.key = ?) FROM title WHERE id = ?",
                          KN_VALUES(KN_BLOB(key->b, sizeof key->b), KN_BLOB(id->b, sizeof id->b)),
                          there, &number, err);

    *same = *there && number;
    return rc;
}

/* A title without a file has nothing to probe: that stage is done with its identity for a key. */
static int set_words(struct kn_db *db, int64_t title, const struct kn_imported *t,
                     struct kn_err *err)
{
    int rc = kn_db_run(db, "DELETE FROM stage WHERE title = ? AND stage = 0",
                       KN_VALUES(KN_INT(title)), err);

    if (!rc)
        rc = kn_local_keep_key(db, title, KN_STAGE_PROBE, &t->identity, false, err);
    if (!rc)
        rc = kn_db_run(db, "UPDATE title SET year = ?, genres = ? WHERE key = ?",
                       KN_VALUES(KN_INT(t->year), KN_TEXT(t->genres), KN_INT(title)), err);
    if (rc)
        return rc;
    rc = t->failed ? kn_local_commit_failure(db, title, KN_STAGE_WORDS, &t->key, t->failed, err)
                   : kn_local_commit_words(db, title, &t->key, &t->words, err);
    return rc ? rc
              : kn_db_run(db, "INSERT INTO given (title, file, text) VALUES (?, ?, ?)",
                          KN_VALUES(KN_INT(title), KN_TEXT(t->given.file), KN_TEXT(t->given.text)),
                          err);
}

static int import_one(struct kn_db *db, struct kn_imported *t, struct kn_err *err)
{
    const struct kn_id id = kn_id_from_hash(&t->identity);
    bool there, same;
    int64_t title;
    int rc = is_imported(db, &id, &t->key, &there, &same, err);

    t->added = t->changed = false;
    if (rc || same)
        return rc;
    rc = kn_local_add_title(db, &id, t->name, t->year, &title, err);
    if (!rc)
        rc = set_words(db, title, t, err);
    t->added = !there;
    t->changed = true;
    return rc;
}

int kn_store_import(struct kn_library *lib, struct kn_imported *titles, size_t n,
                    struct kn_err *err)
{
    struct local *l = NULL;
    int rc = kn_local_store(lib, &l, err);

    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_local_check_words(&titles[i].words, err);
    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n && !rc; i++)
        rc = import_one(l->writer, &titles[i], err);
    return kn_local_end(l, rc, err);
}

static int read_given(struct kn_db *db, const struct kn_id *id, struct kn_arena *arena, bool *found,
                      struct kn_given *out, struct kn_err *err)
{
    struct kn_given given;
    sqlite3_stmt *s;
    int64_t title;
    int rc = kn_local_title_key(db, id, &title, err);

    if (!rc)
        rc = kn_db_query(db, "SELECT file, text FROM given WHERE title = ?",
                         KN_VALUES(KN_INT(title)), &s, err);
    if (!rc)
        rc = kn_db_step(db, s, found, err);
    if (rc || !*found)
        return rc;
    given = (struct kn_given){kn_arena_text(arena, kn_db_text(s, 0)),
                              kn_arena_text(arena, kn_db_text(s, 1))};
    if (!given.file || !given.text)
        return kn_arena_full("a transcript", err);
    *out = given;
    return KN_OK;
}

int kn_store_given(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                   bool *found, struct kn_given *out, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    bool row = false;
    int rc;

    if (!kn_local_of(lib)) {
        *found = false;
        return KN_OK;
    }
    rc = kn_local_store_reader(lib, &l, &db, err);
    if (rc)
        return rc;
    rc = read_given(db, id, arena, &row, out, err);
    kn_local_done(l, db);
    if (!rc)
        *found = row;
    return rc;
}

/* ---- staged ---- */

static int read_key(const struct kn_db *db, sqlite3_stmt *s, int column, struct kn_hash *out,
                    struct kn_err *err)
{
    if (sqlite3_column_type(s, column) == SQLITE_NULL)
        return KN_OK;
    return kn_db_blob(db, s, column, out->b, sizeof out->b, err);
}

static int read_staged(struct kn_db *db, sqlite3_stmt *s, struct kn_arena *arena,
                       struct kn_staged *out, struct kn_err *err)
{
    struct kn_staged t = {.name = kn_arena_text(arena, kn_db_text(s, 1)),
                          .state = (enum kn_state)sqlite3_column_int(s, 2)};
    int rc = t.name ? KN_OK : kn_arena_full("titles", err);

    if (!rc)
        rc = kn_db_blob(db, s, 0, t.id.b, sizeof t.id.b, err);
    if (!rc)
        rc = read_key(db, s, 3, &t.words, err);
    if (!rc)
        rc = read_key(db, s, 4, &t.vectors, err);
    if (!rc)
        rc = read_key(db, s, 5, &t.opinion, err);
    if (!rc)
        *out = t;
    return rc;
}

static int staged_in(struct kn_db *db, struct kn_arena *arena, struct kn_staged **out, size_t *n,
                     struct kn_err *err)
{
    struct kn_staged *titles;
    int64_t most = 0;
    sqlite3_stmt *s;
    size_t count = 0;
    bool row;
    int rc = kn_db_number(db, "SELECT count(*) FROM title", NULL, 0, &row, &most, err);

    if (rc)
        return rc;
    titles = kn_arena_array(arena, (size_t)most, sizeof *titles);
    if (!titles)
        return kn_arena_full("titles", err);
    rc = kn_db_query(
        db,
        "SELECT title.id, title.name, title.state, words.key, vectors.key, opinion.key FROM title"
        " JOIN stage AS words ON words.title = title.key AND words.stage = 1"
        " LEFT JOIN stage AS vectors ON vectors.title = title.key AND vectors.stage = 2"
        " LEFT JOIN stage AS opinion ON opinion.title = title.key AND opinion.stage = 3"
        " WHERE gone = '' AND joined IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM stage WHERE stage.title = title.key AND failed)"
        " AND EXISTS (SELECT 1 FROM segment WHERE segment.title = title.key)"
        " ORDER BY title.folded, title.id",
        NULL, 0, &s, err);
    while (!rc && count < (size_t)most && !(rc = kn_db_step(db, s, &row, err)) && row) {
        rc = read_staged(db, s, arena, &titles[count], err);
        count += !rc;
    }
    if (rc)
        return rc;
    *out = titles;
    *n = count;
    return KN_OK;
}

int kn_store_staged(struct kn_library *lib, struct kn_arena *arena, struct kn_staged **out,
                    size_t *n, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = staged_in(db, arena, out, n, err);
    kn_local_done(l, db);
    return rc;
}

/* ---- the scorer ---- */

int kn_store_scorer(struct kn_library *lib, char name[32], struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    sqlite3_stmt *s;
    bool row;
    int rc;

    if (!kn_local_of(lib)) {
        name[0] = '\0';
        return KN_OK;
    }
    rc = kn_local_store_reader(lib, &l, &db, err);
    if (rc)
        return rc;
    rc = kn_db_query(db, "SELECT scorer FROM library", NULL, 0, &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc)
        snprintf(name, 32, "%s", row ? kn_db_text(s, 0) : "");
    kn_local_done(l, db);
    return rc;
}

int kn_store_count_opinions(struct kn_library *lib, size_t *ready, size_t *without,
                            struct kn_err *err)
{
    struct local *l = NULL;
    int64_t all = 0, none = 0;
    struct kn_db *db;
    bool row;
    int rc;

    if (!kn_local_of(lib)) {
        *ready = *without = 0;
        return KN_OK;
    }
    rc = kn_local_store_reader(lib, &l, &db, err);
    if (rc)
        return rc;
    rc = kn_db_number(db,
                      "SELECT count(*) FROM title WHERE state = 1 AND gone = ''"
                      " AND joined IS NULL",
                      NULL, 0, &row, &all, err);
    if (!rc)
        rc = kn_db_number(db,
                          "SELECT count(*) FROM title WHERE state = 1 AND gone = ''"
                          " AND joined IS NULL AND opinion IS NULL",
                          NULL, 0, &row, &none, err);
    kn_local_done(l, db);
    if (rc)
        return rc;
    *ready = (size_t)all;
    *without = (size_t)none;
    return KN_OK;
}

int kn_store_set_scorer(struct kn_library *lib, const char *name, struct kn_err *err)
{
    struct local *l = NULL;
    char now[32];
    int rc = kn_local_store(lib, &l, err);

    if (!rc && strlen(name) >= sizeof now)
        rc = kn_err_set(err, KN_EARG, "store: a scorer's name of more than %zu letters",
                        sizeof now - 1);
    if (!rc)
        rc = kn_store_scorer(lib, now, err);
    if (rc || strcmp(now, name) == 0)
        return rc;
    rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    return kn_local_end(
        l, kn_db_run(l->writer, "UPDATE library SET scorer = ?", KN_VALUES(KN_TEXT(name)), err),
        err);
}
