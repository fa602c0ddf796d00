#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"

#include <string.h>

/* Of titles that ingest made: what is put has no stages. */
#define STAGED                                                                                     \
    "EXISTS (SELECT 1 FROM stage AS probe WHERE probe.title = title.key AND probe.stage = 0)"
#define HAS(n)                                                                                     \
    "EXISTS (SELECT 1 FROM stage AS s WHERE s.title = title.key AND s.stage = " #n                 \
    " AND NOT s.failed)"
#define HAS_SEGMENTS "EXISTS (SELECT 1 FROM segment WHERE segment.title = title.key)"
#define KEPT STAGED " AND EXISTS (SELECT 1 FROM file WHERE file.title = title.key)"
#define HAS_PATH                                                                                   \
    "EXISTS (SELECT 1 FROM file JOIN path ON path.file = file.key WHERE file.title = title.key)"   \
    " OR EXISTS (SELECT 1 FROM title AS one JOIN file ON file.title = one.key"                     \
    " JOIN path ON path.file = file.key WHERE one.joined = title.key)"
#define HAS_VECTOR "EXISTS (SELECT 1 FROM title_vector WHERE title_vector.title = title.key)"

/* Each gives a row for what cannot be: anything where repair is SQL; else a title and the stage from which on it is to be
 * redone. Not one of them may stop another: a library at odds with itself is what they are for. */
static const struct check {
    const char *name, *what, *sql, *repair;
} checks[] = {
    {"integrity", "pages or indexes that are damaged",
     "SELECT * FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok'", "REINDEX"},
    {"orphans", "rows that belong to nothing", "SELECT 1 FROM pragma_foreign_key_check",
     "UPDATE library SET model = NULL WHERE model NOT IN (SELECT key FROM model);"
     "UPDATE title SET model = NULL WHERE model NOT IN (SELECT key FROM model);"
     "UPDATE title SET joined = NULL WHERE joined NOT IN (SELECT key FROM title);"
     "DELETE FROM file WHERE title NOT IN (SELECT key FROM title);"
     "DELETE FROM path WHERE file NOT IN (SELECT key FROM file);"
     "DELETE FROM external WHERE title NOT IN (SELECT key FROM title);"
     "DELETE FROM poster WHERE title NOT IN (SELECT key FROM title);"
     "DELETE FROM stage WHERE title NOT IN (SELECT key FROM title);"
     "DELETE FROM segment WHERE title NOT IN (SELECT key FROM title);"
     "DELETE FROM moment WHERE title NOT IN (SELECT key FROM title);"
     "DELETE FROM moment_vector WHERE moment NOT IN (SELECT key FROM moment);"
     "DELETE FROM moment_raw WHERE moment NOT IN (SELECT key FROM moment);"
     "DELETE FROM title_vector WHERE title NOT IN (SELECT key FROM title);"},
    {"vectors", "a ready title without a vector",
     "SELECT key, 2 FROM title WHERE state = 1 AND NOT " HAS_VECTOR, NULL},
    {"vector sizes", "a vector of the wrong size",
     "SELECT title.key, 2 FROM title JOIN title_vector ON title_vector.title = title.key"
     " LEFT JOIN model ON model.key = title.model WHERE length(vector) IS NOT 4 * model.dim",
     NULL},
    {"moment vectors", "a moment's vector of the wrong size",
     "SELECT DISTINCT title.key, 2 FROM title JOIN moment ON moment.title = title.key"
     " JOIN moment_vector ON moment_vector.moment = moment.key"
     " LEFT JOIN model ON model.key = title.model WHERE length(vector) IS NOT 4 * model.dim",
     NULL},
    {"stages", "stages that are done without what they stand on or what they made",
     "SELECT key, 1 FROM title WHERE " HAS(
         1) " AND state IN (0, 1) AND NOT " HAS_SEGMENTS
            " UNION ALL SELECT key, 1 FROM title WHERE " STAGED " AND " HAS_SEGMENTS
            " AND NOT EXISTS (SELECT 1 FROM stage WHERE stage.title = title.key AND stage = 1)"
            " UNION ALL SELECT key, 2 FROM title WHERE " HAS(2) " AND NOT (" HAS(
                1) " AND " HAS_VECTOR ")"
                   " UNION ALL SELECT key, 3 FROM title WHERE " HAS(3) " AND NOT " HAS(2),
     NULL},
    {"words", "the word index does not match the transcripts",
     "SELECT 1 FROM segment WHERE key NOT IN (SELECT id FROM segment_text_docsize)"
     " UNION ALL SELECT 1 FROM segment_text_docsize WHERE id NOT IN (SELECT key FROM segment)",
     "INSERT INTO segment_text (segment_text) VALUES ('rebuild')"},
    {"missing", "titles that do not know whether their files are there",
     "SELECT 1 FROM title WHERE " KEPT " AND (gone = '') <> (" HAS_PATH ")",
     "UPDATE title SET gone = iif(" HAS_PATH ", '', 'no file of it is known any more')"
     " WHERE " KEPT " AND (gone = '') <> (" HAS_PATH ")"},
};

enum { CHECKS = sizeof checks / sizeof *checks };

static int count(struct kn_db *db, const struct check *c, uint64_t *n, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, c->sql, NULL, 0, &s, err);

    for (*n = 0; !rc && !(rc = kn_db_step(db, s, &row, err)) && row;)
        ++*n;
    kn_db_reset(db);
    return rc;
}

/* One at a time: a title that is mended may mend another finding. */
static int redo_stages(struct kn_db *db, const struct check *c, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row = true;
    int rc = KN_OK;

    while (!rc && row) {
        int64_t title = 0;
        int stage = 0;

        rc = kn_db_query(db, c->sql, NULL, 0, &s, err);
        if (!rc)
            rc = kn_db_step(db, s, &row, err);
        if (!rc && row) {
            title = sqlite3_column_int64(s, 0);
            stage = sqlite3_column_int(s, 1);
        }
        kn_db_reset(db);
        if (!rc && row)
            rc = kn_local_forget(db, title, (enum kn_stage)stage, err);
        if (!rc && row)
            rc = kn_local_settle(db, title, NULL, err);
    }
    return rc;
}

static int repair(struct kn_db *db, const struct check *c, struct kn_err *err)
{
    int rc;

    if (!c->repair)
        return redo_stages(db, c, err);
    rc = sqlite3_exec(db->sqlite, c->repair, NULL, NULL, NULL);
    return rc == SQLITE_OK ? KN_OK : kn_db_fail(db, rc, "repair", err);
}

/* The word index can be at odds with the transcripts though it has as many entries; only a writer can ask it. */
static bool words_differ(struct kn_db *db)
{
    return sqlite3_exec(db->sqlite,
                        "INSERT INTO segment_text (segment_text, rank)"
                        " VALUES ('integrity-check', 1)",
                        NULL, NULL, NULL) != SQLITE_OK;
}

static int check_in(struct kn_db *db, bool mend, struct kn_check *out, struct kn_err *err)
{
    uint64_t left;
    int rc = KN_OK;

    for (size_t i = 0; !rc && i < CHECKS; i++) {
        out[i] = (struct kn_check){.name = checks[i].name, .what = checks[i].what};
        rc = count(db, &checks[i], &out[i].found, err);
        if (!rc && mend && strcmp(checks[i].name, "words") == 0 && out[i].found == 0)
            out[i].found = words_differ(db);
        if (rc || !mend || out[i].found == 0)
            continue;
        rc = repair(db, &checks[i], err);
        if (!rc)
            rc = count(db, &checks[i], &left, err);
        out[i].mended = !rc && left == 0;
    }
    return rc;
}

int kn_store_check(struct kn_library *lib, bool mend, struct kn_arena *arena, struct kn_check **out,
                   size_t *n, struct kn_err *err)
{
    struct kn_check *found = kn_arena_array(arena, CHECKS, sizeof *found);
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store(lib, &l, err);

    if (!rc && !found)
        rc = kn_err_set(err, KN_ELIMIT, "check: no memory");
    if (!rc)
        rc = mend ? kn_local_begin(l, err) : kn_local_reader(l, &db, err);
    if (rc)
        return rc;
    if (mend) {
        rc = kn_local_end(l, check_in(l->writer, true, found, err), err);
    } else {
        rc = check_in(db, false, found, err);
        kn_local_done(l, db);
    }
    if (rc)
        return rc;
    *out = found;
    *n = CHECKS;
    return KN_OK;
}

int kn_local_check(struct kn_library *lib, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_check found[CHECKS];
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = check_in(db, false, found, err);
    for (size_t i = 0; !rc && i < CHECKS; i++)
        if (found[i].found > 0)
            rc = kn_err_set(err, KN_ECORRUPT,
                            "library '%s' is damaged (%s): `kinora check --repair` mends what can "
                            "be; else move it away and ingest again, or put a copy in its place "
                            "(the films are not touched)",
                            db->path, found[i].what);
    kn_local_done(l, db);
    return rc;
}
