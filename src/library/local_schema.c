#include "library/local.h"

#include "base/err.h"
#include "base/fs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { APPLICATION_ID = 0x4B4E4F52 }; /* "KNOR" in the file's head: not somebody else's database */

/* A file is one content, a path is where it lies, a title is a work with one or more files.
 * A title's state is what its stages came to; three things stand above it and are not written over
 * it, so that it returns when they end: gone (why no path is left; '' while there is one),
 * a model that is not the library's (then its vectors cannot be compared), and joined (it is a version of that title, which
 * answers for it; one step deep).
 *
 * Vectors have tables of their own: the scan that loads them reads nothing else, and a
 * transcript is read without them. They are floats in the machine's order, which is little-endian
 * wherever Kinora runs. Pages of 8 KiB hold five of 384 numbers, those of 4 KiB only two.
 *
 * library.changes counts all commits, answers those that can change an answer; changed says by which titles. */
static const char SCHEMA[] =
    "CREATE TABLE model ("
    " key INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " dim INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 4096), UNIQUE (name, dim)) STRICT;"
    "CREATE TABLE library ("
    " one INTEGER PRIMARY KEY CHECK (one = 1), model INTEGER REFERENCES model,"
    " changes INTEGER NOT NULL, answers INTEGER NOT NULL) STRICT;"
    "INSERT INTO library VALUES (1, NULL, 0, 0);"

    "CREATE TABLE title ("
    " key INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
    " name TEXT NOT NULL, folded TEXT NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),"
    " reason TEXT NOT NULL DEFAULT '', gone TEXT NOT NULL DEFAULT '',"
    " language TEXT NOT NULL DEFAULT '', language_confidence REAL NOT NULL DEFAULT 0,"
    " words_from TEXT NOT NULL DEFAULT '',"
    " duration REAL NOT NULL DEFAULT 0, year INTEGER NOT NULL DEFAULT 0,"
    " opinion REAL, scorer TEXT NOT NULL DEFAULT '',"
    " container TEXT NOT NULL DEFAULT '', streams TEXT NOT NULL DEFAULT '',"
    " model INTEGER REFERENCES model) STRICT;"
    "CREATE INDEX title_in_order ON title (folded, id);"

    "CREATE TABLE file ("
    " key INTEGER PRIMARY KEY, identity BLOB UNIQUE,"
    " title INTEGER NOT NULL REFERENCES title ON DELETE CASCADE) STRICT;"
    "CREATE INDEX file_of_title ON file (title);"
    "CREATE TABLE path ("
    " key INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,"
    " file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,"
    " name TEXT NOT NULL, year INTEGER NOT NULL,"
    " size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX path_of_file ON path (file);"

    "CREATE TABLE stage ("
    " title INTEGER NOT NULL REFERENCES title ON DELETE CASCADE, stage INTEGER NOT NULL,"
    " key BLOB NOT NULL CHECK (length(key) = 16), failed INTEGER NOT NULL,"
    " PRIMARY KEY (title, stage)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE segment ("
    " key INTEGER PRIMARY KEY, title INTEGER NOT NULL REFERENCES title ON DELETE CASCADE,"
    " number INTEGER NOT NULL, starts REAL NOT NULL, ends REAL NOT NULL, text TEXT NOT NULL,"
    " UNIQUE (title, number)) STRICT;"
    "CREATE TABLE moment ("
    " key INTEGER PRIMARY KEY, title INTEGER NOT NULL REFERENCES title ON DELETE CASCADE,"
    " number INTEGER NOT NULL, starts REAL NOT NULL, ends REAL NOT NULL, text TEXT NOT NULL,"
    " first_segment INTEGER NOT NULL, segments INTEGER NOT NULL, words INTEGER NOT NULL,"
    " opinion REAL, UNIQUE (title, number)) STRICT;"
    "CREATE TABLE moment_vector ("
    " moment INTEGER PRIMARY KEY REFERENCES moment ON DELETE CASCADE, vector BLOB NOT NULL) STRICT;"
    "CREATE TABLE moment_raw ("
    " moment INTEGER PRIMARY KEY REFERENCES moment ON DELETE CASCADE, raw BLOB NOT NULL) STRICT;"
    "CREATE TABLE title_vector ("
    " title INTEGER PRIMARY KEY REFERENCES title ON DELETE CASCADE, vector BLOB NOT NULL) STRICT;"

    "CREATE VIRTUAL TABLE segment_text USING fts5("
    " text, content = 'segment', content_rowid = 'key',"
    " tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE TRIGGER segment_added AFTER INSERT ON segment BEGIN"
    " INSERT INTO segment_text (rowid, text) VALUES (new.key, new.text); END;"
    "CREATE TRIGGER segment_removed AFTER DELETE ON segment BEGIN"
    " INSERT INTO segment_text (segment_text, rowid, text)"
    " VALUES ('delete', old.key, old.text); END;"

    "CREATE TRIGGER title_added AFTER INSERT ON title WHEN new.state = 1 BEGIN"
    " UPDATE library SET answers = answers + 1; END;"
    "CREATE TRIGGER title_removed AFTER DELETE ON title WHEN old.state = 1 BEGIN"
    " UPDATE library SET answers = answers + 1; END;"
    "CREATE TRIGGER title_changed"
    " AFTER UPDATE OF state, gone, model, language, year, duration, opinion ON title"
    " WHEN old.state = 1 OR new.state = 1 BEGIN"
    " UPDATE library SET answers = answers + 1; END;"
    "CREATE TRIGGER model_changed AFTER UPDATE OF model ON library"
    " WHEN old.model IS NOT new.model BEGIN"
    " UPDATE library SET answers = answers + 1; END;";

/* What a trigger does for a title that answers can now differ by. */
#define CHANGED(row)                                                                               \
    " UPDATE library SET answers = answers + 1;"                                                   \
    " INSERT INTO changed (id, at) VALUES (" row ".id, (SELECT answers FROM library))"             \
    " ON CONFLICT (id) DO UPDATE SET at = excluded.at; END;"

/* What turns the tables of version i + 1 into those of version i + 2. SCHEMA stays as it was in version 1 and a new
 * library goes the same way, so that there is one way only. */
static const char *const MIGRATIONS[] = {
    /* 2: which scorer gives this library's opinions ("": nobody chose); genres, "Drama, Western". */
    "ALTER TABLE library ADD COLUMN scorer TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN genres TEXT NOT NULL DEFAULT '';",
    /* 3: what a title's words come to (wording.h), filled by kn_local_add_wordings; genres can be asked for. */
    "CREATE TABLE wording ("
    " title INTEGER PRIMARY KEY REFERENCES title ON DELETE CASCADE, words BLOB NOT NULL) STRICT;"
    "DROP TRIGGER title_changed;"
    "CREATE TRIGGER title_changed"
    " AFTER UPDATE OF state, gone, model, language, year, duration, opinion, genres ON title"
    " WHEN old.state = 1 OR new.state = 1 BEGIN"
    " UPDATE library SET answers = answers + 1; END;",
    /* 4: what the model gave for titles that it embeds as a whole (struct kn_embed_card). */
    "CREATE TABLE title_raw ("
    " title INTEGER PRIMARY KEY REFERENCES title ON DELETE CASCADE, raw BLOB NOT NULL) STRICT;",
    /* 5: what was heard and not kept; the language that somebody set (then title.language is the same), and what had
     * been found, for when that is lifted. */
    "CREATE TABLE dropped ("
    " title INTEGER NOT NULL REFERENCES title ON DELETE CASCADE, number INTEGER NOT NULL,"
    " starts REAL NOT NULL, ends REAL NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL,"
    " PRIMARY KEY (title, number)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE title ADD COLUMN set_language TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN found_language TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN found_confidence REAL NOT NULL DEFAULT 0;",
    /* 6: which sidecar or track a title's words are of; hashes of the subtitle files that were exported. */
    "ALTER TABLE title ADD COLUMN words_at TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE exported (hash BLOB PRIMARY KEY CHECK (length(hash) = 16)) STRICT, WITHOUT "
    "ROWID;",
    /* 7: what names and .nfo files tell, kept with the path and summed up in the title; ids by which films are the same;
     * a title that is a version of another is joined in it, and apart when that was undone; the hash of a whole file. */
    "ALTER TABLE path ADD COLUMN facts BLOB;"
    "ALTER TABLE path ADD COLUMN called TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE path ADD COLUMN genres TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE path ADD COLUMN plot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE path ADD COLUMN kind TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE path ADD COLUMN ids TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE path ADD COLUMN poster TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE file ADD COLUMN whole BLOB;"
    "ALTER TABLE title ADD COLUMN called TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN plot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN kind TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN ids TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN poster TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE title ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE title ADD COLUMN joined INTEGER REFERENCES title ON DELETE CASCADE;"
    "CREATE INDEX title_joined ON title (joined) WHERE joined IS NOT NULL;"
    "CREATE TABLE external ("
    " id TEXT NOT NULL, title INTEGER NOT NULL REFERENCES title ON DELETE CASCADE,"
    " PRIMARY KEY (id, title)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX external_of_title ON external (title);"
    "CREATE TRIGGER title_joined_or_split AFTER UPDATE OF joined ON title"
    " WHEN old.joined IS NOT new.joined BEGIN"
    " UPDATE library SET answers = answers + 1; END;",
    /* 8: how fast machines have listened, all runs of one together. */
    "CREATE TABLE pace ("
    " machine TEXT PRIMARY KEY, sound REAL NOT NULL, elapsed REAL NOT NULL) STRICT, WITHOUT ROWID;",
    /* 9: an imported title's row as it was given, which its segments are cut from; the version of the scorer. */
    "CREATE TABLE given ("
    " title INTEGER PRIMARY KEY REFERENCES title ON DELETE CASCADE,"
    " file TEXT NOT NULL, text TEXT NOT NULL) STRICT;"
    "ALTER TABLE title ADD COLUMN scorer_version INTEGER NOT NULL DEFAULT 0;",
    /* 10: names can be looked up. Which titles answers can differ by, and since when: what a file in index/ does not know. An id stays here when its title
     * is removed. An epoch is what one process wrote: its mark, and library.answers when it began. So a file that was
     * made of this library before a backup was put in its place is told from one of the library as it is now. */
    "CREATE TABLE changed ("
    " id BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX changed_at ON changed (at);"
    "CREATE INDEX path_named ON path (name);"
    "CREATE INDEX title_called ON title (called) WHERE called <> '';"
    "CREATE TABLE epoch ("
    " key INTEGER PRIMARY KEY, mark INTEGER NOT NULL, began INTEGER NOT NULL) STRICT;"
    "INSERT INTO epoch (mark, began) SELECT random(), answers FROM library;"
    "DROP TRIGGER title_added; DROP TRIGGER title_removed; DROP TRIGGER title_changed;"
    "DROP TRIGGER title_joined_or_split;"
    "CREATE TRIGGER title_added AFTER INSERT ON title WHEN new.state = 1 BEGIN" CHANGED(
        "new") "CREATE TRIGGER title_removed AFTER DELETE ON title WHEN old.state = 1 "
               "BEGIN" CHANGED("old") "CREATE TRIGGER title_changed"
                                      " AFTER UPDATE OF state, gone, model, language, year, "
                                      "duration, opinion, genres ON title"
                                      " WHEN old.state = 1 OR new.state = 1 BEGIN" CHANGED(
                                          "new") "CREATE TRIGGER title_joined_or_split AFTER "
                                                 "UPDATE OF joined ON title"
                                                 " WHEN old.joined IS NOT new.joined BEGIN" CHANGED(
                                                     "new"),
    /* 11: which commit (library.changes) a title was last touched by; which of its changes another library, a target, has;
     * stamp: how it looked there when it was pulled, NULL where it was published. The library's own name among others. */
    "ALTER TABLE title ADD COLUMN change INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE target (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE shared ("
    " target INTEGER NOT NULL REFERENCES target ON DELETE CASCADE,"
    " title BLOB NOT NULL CHECK (length(title) = 16), change INTEGER NOT NULL, stamp BLOB,"
    " PRIMARY KEY (target, title)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE library ADD COLUMN identity BLOB;"
    "UPDATE library SET identity = randomblob(16);"
    "CREATE TRIGGER title_came AFTER INSERT ON title BEGIN"
    " UPDATE title SET change = (SELECT changes + 1 FROM library) WHERE key = new.key; END;"
    "CREATE TRIGGER title_touched AFTER UPDATE ON title WHEN new.change = old.change BEGIN"
    " UPDATE title SET change = (SELECT changes + 1 FROM library) WHERE key = new.key; END;"
    "CREATE TRIGGER path_came AFTER INSERT ON path BEGIN"
    " UPDATE title SET change = (SELECT changes + 1 FROM library) WHERE key IN"
    " (SELECT coalesce(joined, title.key) FROM title JOIN file ON file.title = title.key"
    " WHERE file.key = new.file); END;"
    "CREATE TRIGGER path_moved AFTER UPDATE OF file ON path WHEN new.file <> old.file BEGIN"
    " UPDATE title SET change = (SELECT changes + 1 FROM library) WHERE key IN"
    " (SELECT coalesce(joined, title.key) FROM title JOIN file ON file.title = title.key"
    " WHERE file.key IN (old.file, new.file)); END;"
    "CREATE TRIGGER path_went AFTER DELETE ON path BEGIN"
    " UPDATE title SET change = (SELECT changes + 1 FROM library) WHERE key IN"
    " (SELECT coalesce(joined, title.key) FROM title JOIN file ON file.title = title.key"
    " WHERE file.key = old.file); END;",
    /* 12: a frame of the film; '' where there is none, for that reason. The picture is last, so that keys are read without it. */
    "CREATE TABLE poster ("
    " title INTEGER PRIMARY KEY REFERENCES title ON DELETE CASCADE,"
    " key BLOB NOT NULL CHECK (length(key) = 16), reason TEXT NOT NULL, jpeg BLOB NOT NULL) "
    "STRICT;",
    /* 13: what was heard of a film when its hearing was interrupted (speech/heard.h); gone when its words are there. */
    "CREATE TABLE heard ("
    " title INTEGER PRIMARY KEY REFERENCES title ON DELETE CASCADE,"
    " key BLOB NOT NULL CHECK (length(key) = 16), windows BLOB NOT NULL) STRICT;",
};

enum { SCHEMA_VERSION = 1 + sizeof MIGRATIONS / sizeof *MIGRATIONS };

static int execute(struct kn_db *db, const char *sql, struct kn_err *err)
{
    int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? KN_OK : kn_db_fail(db, rc, "make the tables", err);
}

/* Outside of a transaction, and before the first table: these two are fixed by it. */
static int prepare_file(struct kn_db *db, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = execute(db, "PRAGMA page_size = 8192", err);

    if (!rc)
        rc = kn_db_query(db, "PRAGMA journal_mode = WAL", NULL, 0, &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    if (strcmp(kn_db_text(s, 0), "wal") != 0)
        rc = kn_err_set(err, KN_EIO,
                        "library '%s': this file system has no shared memory (a network drive?), "
                        "so readers and ingest could not work at once; put it on a local disk",
                        db->path);
    kn_db_reset(db);
    return rc;
}

/* Before the tables change, once a version: an older Kinora can go on with it. */
static int keep_old(struct kn_db *db, int64_t version, struct kn_err *err)
{
    char path[PATH_MAX];
    int rc;

    if (snprintf(path, sizeof path, "%s.schema%lld.bak", db->path, (long long)version) >=
        (int)sizeof path)
        return kn_err_set(err, KN_ELIMIT, "library '%s': its path is too long", db->path);
    if (kn_fs_exists(path))
        return KN_OK;
    rc = kn_local_copy(db, path, false, NULL, err);
    return rc ? kn_err_wrap(err, rc, "keep a copy before the tables change") : KN_OK;
}

/* From the tables of a version (0: none) to today's, in one transaction. */
static int bring_up_to_date(struct kn_db *db, int64_t version, struct kn_err *err)
{
    char end[128];
    int rc = version == 0 ? prepare_file(db, err) : keep_old(db, version, err);

    if (!rc)
        rc = execute(db, "BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    sqlite3_snprintf(sizeof end, end,
                     "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION_ID,
                     SCHEMA_VERSION);
    if (version == 0)
        rc = execute(db, SCHEMA, err);
    for (int64_t i = version ? version : 1; !rc && i < SCHEMA_VERSION; i++)
        rc = execute(db, MIGRATIONS[i - 1], err);
    if (!rc)
        rc = kn_local_add_wordings(db, err);
    if (!rc)
        rc = execute(db, end, err);
    if (rc && !sqlite3_get_autocommit(db->sqlite))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int kn_local_schema(struct kn_db *db, bool write, bool create, struct kn_err *err)
{
    int64_t application = 0, version = 0, tables = 0;
    bool row;
    int rc = kn_db_number(db, "PRAGMA application_id", NULL, 0, &row, &application, err);

    if (!rc)
        rc = kn_db_number(db, "PRAGMA user_version", NULL, 0, &row, &version, err);
    if (!rc)
        rc = kn_db_number(db, "SELECT count(*) FROM sqlite_schema", NULL, 0, &row, &tables, err);
    if (rc)
        return rc;
    if (tables == 0 && create)
        return bring_up_to_date(db, 0, err);
    if (tables == 0)
        return kn_err_set(err, KN_ENOTFOUND,
                          "library '%s': nothing in it yet; `kinora ingest DIR` fills it",
                          db->path);
    if (application != APPLICATION_ID)
        return kn_err_set(err, KN_EARG,
                          "library '%s': a database of another program; choose another --library",
                          db->path);
    if (version > SCHEMA_VERSION)
        return kn_err_set(err, KN_EARG,
                          "library '%s': made by a newer Kinora (schema %lld, this one knows %d); "
                          "nothing was changed: use that newer one, or another --library",
                          db->path, (long long)version, SCHEMA_VERSION);
    if (version < SCHEMA_VERSION && !write)
        return kn_err_set(
            err, KN_EARG,
            "library '%s': made by an older Kinora (schema %lld, this one has %d); "
            "the next `kinora ingest` or `kinora import` into it brings it up to date",
            db->path, (long long)version, SCHEMA_VERSION);
    return version < SCHEMA_VERSION ? bring_up_to_date(db, version, err) : KN_OK;
}
