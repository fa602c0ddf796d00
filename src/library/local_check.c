#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"

#include <string.h>

#define WORDS "words"

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
#define SEGMENTS "(SELECT count(*) FROM segment WHERE segment.title = title.key)"

/* Each gives a row for what cannot be: anything where it is mended at once; else a title and the stage from which on it is to be
 * redone. Not one of them may stop another: a library at odds with itself is what they are for. The words come before all
 * that removes a segment, which takes its words out of that index. */
static const struct check {
    const char *name, *what, *sql, *repair;
    int (*mend)(struct kn_db *db, struct kn_err *err); /* where SQL cannot */
} checks[] = {
    {.name = "integrity",
     .what = "pages or indexes that are damaged",
     .sql = "SELECT * FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok'",
     .repair = "REINDEX"},
    {.name = WORDS,
     .what = "the word index does not match the transcripts",
     .sql =
         "SELECT 1 FROM segment WHERE key NOT IN (SELECT id FROM segment_text_docsize)"
         " UNION ALL SELECT 1 FROM segment_text_docsize WHERE id NOT IN (SELECT key FROM segment)"
         " UNION ALL SELECT 1 FROM segment_text_data WHERE id > 10"
         " AND id >> 37 NOT IN (SELECT segid FROM segment_text_idx)"
         " UNION ALL SELECT 1 WHERE ('version', 4) NOT IN (SELECT k, v FROM segment_text_config)",
     /* The head of an empty index first: without one, FTS5 does not even rebuild. */
     .repair = "DELETE FROM segment_text_data;"
               "INSERT INTO segment_text_data VALUES (1, x''), (10, x'00000000000000');"
               "INSERT OR REPLACE INTO segment_text_config VALUES ('version', 4);"
               "INSERT INTO segment_text (segment_text) VALUES ('rebuild')"},
    {.name = "orphans",
     .what = "rows that belong to nothing",
     .sql = "SELECT 1 FROM pragma_foreign_key_check",
     .repair = "UPDATE library SET model = NULL WHERE model NOT IN (SELECT key FROM model);"
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
               "DELETE FROM title_vector WHERE title NOT IN (SELECT key FROM title);"
               "DELETE FROM title_raw WHERE title NOT IN (SELECT key FROM title);"
               "DELETE FROM wording WHERE title NOT IN (SELECT key FROM title);"
               "DELETE FROM heard WHERE title NOT IN (SELECT key FROM title);"
               "DELETE FROM dropped WHERE title NOT IN (SELECT key FROM title);"
               "DELETE FROM given WHERE title NOT IN (SELECT key FROM title);"
               "DELETE FROM shared WHERE target NOT IN (SELECT key FROM target);"},
    {.name = "vectors",
     .what = "a ready title without a vector",
     .sql = "SELECT key, 2 FROM title WHERE state = 1 AND NOT " HAS_VECTOR},
    {.name = "vector sizes",
     .what = "a vector of the wrong size",
     .sql =
         "SELECT title.key, 2 FROM title JOIN title_vector ON title_vector.title = title.key"
         " LEFT JOIN model ON model.key = title.model WHERE length(vector) IS NOT 4 * model.dim"},
    {.name = "moment vectors",
     .what = "a moment's vector of the wrong size",
     .sql =
         "SELECT DISTINCT title.key, 2 FROM title JOIN moment ON moment.title = title.key"
         " JOIN moment_vector ON moment_vector.moment = moment.key"
         " LEFT JOIN model ON model.key = title.model WHERE length(vector) IS NOT 4 * model.dim"},
    /* A moment knows its segments, and each segment is in one. */
    {.name = "transcripts",
     .what = "a transcript of which lines are lost",
     .sql = "SELECT key, 1 FROM title WHERE " HAS(
         1) " AND (" SEGMENTS
            " < (SELECT max(number) + 1 FROM segment WHERE segment.title = title.key) OR " SEGMENTS
            " < (SELECT max(first_segment + segments) FROM moment WHERE moment.title = "
            "title.key))"},
    {.name = "moments",
     .what = "moments that are lost, or without their vectors",
     .sql = "SELECT key, 2 FROM title WHERE " HAS(
         2) " AND (" SEGMENTS
            " > (SELECT total(segments) FROM moment WHERE moment.title = title.key)"
            " OR EXISTS (SELECT 1 FROM moment WHERE moment.title = title.key"
            " AND (key NOT IN (SELECT moment FROM moment_vector)"
            " OR key NOT IN (SELECT moment FROM moment_raw))))"},
    {.name = "wordings",
     .what = "transcripts whose words were not counted",
     .sql = "SELECT 1 FROM title WHERE " HAS_SEGMENTS
            " AND NOT EXISTS (SELECT 1 FROM wording WHERE wording.title = title.key)",
     .mend = kn_local_add_wordings},
    {.name = "stages",
     .what = "stages that are done without what they stand on or what they made",
     .sql = "SELECT key, 1 FROM title WHERE " HAS(
         1) " AND state IN (0, 1) AND NOT " HAS_SEGMENTS
            " UNION ALL SELECT key, 1 FROM title WHERE " STAGED " AND " HAS_SEGMENTS
            " AND NOT EXISTS (SELECT 1 FROM stage WHERE stage.title = title.key AND stage = 1)"
            " UNION ALL SELECT key, 2 FROM title WHERE " HAS(2) " AND NOT (" HAS(
                1) " AND " HAS_VECTOR ")"
                   " UNION ALL SELECT key, 3 FROM title WHERE " HAS(3) " AND NOT " HAS(2)},
    {.name = "missing",
     .what = "titles that do not know whether their files are there",
     .sql = "SELECT 1 FROM title WHERE " KEPT " AND (gone = '') <> (" HAS_PATH ")",
     .repair = "UPDATE title SET gone = iif(" HAS_PATH ", '', 'no file of it is known any more')"
               " WHERE " KEPT " AND (gone = '') <> (" HAS_PATH ")"},
};

#define WRONG_INDEX "files of index/ that are damaged, or not what the library holds"

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

    if (c->mend)
        return c->mend(db, err);
    if (!c->repair)
        return redo_stages(db, c, err);
    rc = sqlite3_exec(db->sqlite, c->repair, NULL, NULL, NULL);
    return rc == SQLITE_OK ? KN_OK : kn_db_fail(db, rc, "repair", err);
}

/* The word index can be at odds with the transcripts though it has as many entries. */
static int ask_index(struct kn_db *db, const char *sql, uint64_t *found, struct kn_err *err)
{
    int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

    /* SQLITE_ERROR: so damaged that FTS5 does not open it. */
    *found = (rc & 0xFF) == SQLITE_CORRUPT || rc == SQLITE_ERROR;
    return rc == SQLITE_OK || *found ? KN_OK : kn_db_fail(db, rc, "check the word index", err);
}

/* Only a writer may ask FTS5, so a reader asks it of a copy of the index over the same transcripts, in a file without a name:
 * a third of their size, where memory might not do. */
static int ask_copy_of_index(struct local *l, uint64_t *found, struct kn_err *err)
{
    static const char copy[] =
        "PRAGMA temp_store = FILE;"
        "CREATE TEMP VIEW said AS SELECT key, text FROM main.segment;"
        "CREATE VIRTUAL TABLE temp.copy USING fts5(text, content = 'said', content_rowid = 'key',"
        " tokenize = 'unicode61 remove_diacritics 2');"
        "DELETE FROM temp.copy_data;"
        "INSERT INTO temp.copy_data SELECT * FROM main.segment_text_data;"
        "INSERT INTO temp.copy_idx SELECT * FROM main.segment_text_idx;"
        "INSERT INTO temp.copy_docsize SELECT * FROM main.segment_text_docsize;";
    struct kn_db *db = NULL;
    int rc = kn_local_open_reader(l, &db, err);

    if (rc)
        return rc;
    rc = sqlite3_exec(db->sqlite, copy, NULL, NULL, NULL);
    rc = rc == SQLITE_OK ? ask_index(db,
                                     "INSERT INTO temp.copy (copy, rank)"
                                     " VALUES ('integrity-check', 1)",
                                     found, err)
                         : kn_db_fail(db, rc, "copy the word index", err);
    kn_db_close(db);
    return rc;
}

static int words_differ(struct local *l, struct kn_db *db, bool mend, uint64_t *found,
                        struct kn_err *err)
{
    return mend ? ask_index(db,
                            "INSERT INTO segment_text (segment_text, rank)"
                            " VALUES ('integrity-check', 1)",
                            found, err)
                : ask_copy_of_index(l, found, err);
}

static int check_in(struct local *l, struct kn_db *db, bool mend, struct kn_check *out,
                    struct kn_err *err)
{
    uint64_t left;
    int rc = KN_OK;

    for (size_t i = 0; !rc && i < CHECKS; i++) {
        out[i] = (struct kn_check){.name = checks[i].name, .what = checks[i].what};
        rc = count(db, &checks[i], &out[i].found, err);
        if (!rc && out[i].found == 0 && strcmp(checks[i].name, WORDS) == 0)
            rc = words_differ(l, db, mend, &out[i].found, err);
        if (rc || !mend || out[i].found == 0)
            continue;
        rc = repair(db, &checks[i], err);
        if (!rc)
            rc = count(db, &checks[i], &left, err);
        out[i].mended = !rc && left == 0;
    }
    return rc;
}

/* Behind the others, since it takes them to be right. */
static int check_index(struct local *l, bool mend, const struct kn_check *others,
                       struct kn_check *out, struct kn_err *err)
{
    int rc = KN_OK;

    *out = (struct kn_check){.name = "index", .what = WRONG_INDEX};
    for (size_t i = 0; i < CHECKS; i++)
        if (others[i].found > 0 && !others[i].mended)
            return KN_OK;
    rc = kn_local_check_index(l, &out->found, err);
    if (rc || !mend || out->found == 0)
        return rc;
    rc = kn_store_write_index(&l->base, true, NULL, err);
    out->mended = !rc;
    return rc;
}

int kn_store_check(struct kn_library *lib, bool mend, struct kn_arena *arena, struct kn_check **out,
                   size_t *n, struct kn_err *err)
{
    struct kn_check *found = kn_arena_array(arena, CHECKS + 1, sizeof *found);
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
        rc = kn_local_end(l, check_in(l, l->writer, true, found, err), err);
    } else {
        rc = check_in(l, db, false, found, err);
        kn_local_done(l, db);
    }
    if (!rc)
        rc = check_index(l, mend, found, &found[CHECKS], err);
    if (rc)
        return rc;
    *out = found;
    *n = CHECKS + 1;
    return KN_OK;
}

int kn_local_check(struct kn_library *lib, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_check found[CHECKS + 1];
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = check_in(l, db, false, found, err);
    if (!rc)
        rc = check_index(l, false, found, &found[CHECKS], err);
    for (size_t i = 0; !rc && i < CHECKS + 1; i++)
        if (found[i].found > 0)
            rc = kn_err_set(err, KN_ECORRUPT,
                            "library '%s' is damaged (%s): `kinora check --repair` mends what can "
                            "be; else move it away and ingest again, or put a copy in its place "
                            "(the films are not touched)",
                            db->path, found[i].what);
    kn_local_done(l, db);
    return rc;
}
