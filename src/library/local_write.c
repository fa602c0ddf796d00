#include "library/local.h"

#include "base/err.h"
#include "library/match.h"

#include <string.h>

/* ---- parts of a title ---- */

int kn_local_drop_segments(struct kn_db *db, int64_t title, struct kn_err *err)
{
    int rc = kn_db_run(db, "DELETE FROM segment WHERE title = ?", KN_VALUES(KN_INT(title)), err);

    if (!rc)
        rc = kn_db_run(db, "DELETE FROM wording WHERE title = ?", KN_VALUES(KN_INT(title)), err);
    if (!rc)
        rc = kn_db_run(db, "DELETE FROM dropped WHERE title = ?", KN_VALUES(KN_INT(title)), err);
    if (!rc)
        rc = kn_db_run(db, "DELETE FROM given WHERE title = ?", KN_VALUES(KN_INT(title)), err);
    return rc;
}

int kn_local_drop_vectors(struct kn_db *db, int64_t title, struct kn_err *err)
{
    int rc = kn_db_run(db, "DELETE FROM moment WHERE title = ?", KN_VALUES(KN_INT(title)), err);

    if (!rc)
        rc = kn_db_run(db, "DELETE FROM title_vector WHERE title = ?", KN_VALUES(KN_INT(title)),
                       err);
    if (!rc)
        rc = kn_db_run(db, "DELETE FROM title_raw WHERE title = ?", KN_VALUES(KN_INT(title)), err);
    return rc;
}

int kn_local_add_segments(struct kn_db *db, int64_t title, const struct kn_segment *segments,
                          size_t n, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_db_run(db,
                       "INSERT INTO segment (title, number, starts, ends, text)"
                       " VALUES (?, ?, ?, ?, ?)",
                       KN_VALUES(KN_INT(title), KN_INT(i), KN_REAL(segments[i].start),
                                 KN_REAL(segments[i].end), KN_TEXT(segments[i].text)),
                       err);
    if (!rc && n > 0)
        rc = kn_local_set_wording(db, title, segments, n, err);
    return rc;
}

int kn_local_add_dropped(struct kn_db *db, int64_t title, const struct kn_dropped *dropped,
                         size_t n, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_db_run(db,
                       "INSERT INTO dropped (title, number, starts, ends, text, reason)"
                       " VALUES (?, ?, ?, ?, ?, ?)",
                       KN_VALUES(KN_INT(title), KN_INT(i), KN_REAL(dropped[i].start),
                                 KN_REAL(dropped[i].end), KN_TEXT(dropped[i].text),
                                 KN_TEXT(dropped[i].reason)),
                       err);
    return rc;
}

static int add_moment(struct kn_db *db, int64_t title, size_t number, const struct kn_moment *m,
                      size_t dim, struct kn_err *err)
{
    int64_t key;
    int rc = kn_db_run(db,
                       "INSERT INTO moment (title, number, starts, ends, text, first_segment,"
                       " segments, words, opinion) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       KN_VALUES(KN_INT(title), KN_INT(number), KN_REAL(m->start), KN_REAL(m->end),
                                 KN_TEXT(m->text), KN_INT(m->first_segment), KN_INT(m->segments),
                                 KN_INT(m->words), KN_REAL(m->opinion)),
                       err);

    if (rc)
        return rc;
    key = sqlite3_last_insert_rowid(db->sqlite);
    if (m->vector)
        rc = kn_db_run(db, "INSERT INTO moment_vector (moment, vector) VALUES (?, ?)",
                       KN_VALUES(KN_INT(key), KN_BLOB(m->vector, dim * sizeof(float))), err);
    if (!rc && m->raw)
        rc = kn_db_run(db, "INSERT INTO moment_raw (moment, raw) VALUES (?, ?)",
                       KN_VALUES(KN_INT(key), KN_BLOB(m->raw, dim * sizeof(float))), err);
    return rc;
}

int kn_local_add_moments(struct kn_db *db, int64_t title, const struct kn_moment *moments, size_t n,
                         size_t dim, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; i < n && !rc; i++)
        rc = add_moment(db, title, i, &moments[i], dim, err);
    return rc;
}

int kn_local_set_vector(struct kn_db *db, int64_t title, const float *vector, const float *raw,
                        size_t dim, struct kn_err *err)
{
    int rc = kn_db_run(db, "INSERT INTO title_vector (title, vector) VALUES (?, ?)",
                       KN_VALUES(KN_INT(title), KN_BLOB(vector, dim * sizeof(float))), err);

    if (!rc && raw)
        rc = kn_db_run(db, "INSERT INTO title_raw (title, raw) VALUES (?, ?)",
                       KN_VALUES(KN_INT(title), KN_BLOB(raw, dim * sizeof(float))), err);
    return rc;
}

/* ---- put ---- */

static int put_row(struct kn_db *db, const struct kn_record *r, int64_t *key, struct kn_err *err)
{
    const struct kn_title *t = &r->title;
    bool vectors = r->vector != NULL, found;
    struct kn_buf folded;
    int rc = kn_fold_name(t->name, &folded, err);

    for (size_t i = 0; i < r->n_moments; i++)
        vectors = vectors || r->moments[i].vector || r->moments[i].raw;
    if (!rc)
        rc = kn_db_number(
            db,
            "INSERT INTO title (id, name, folded, state, reason, language, language_confidence,"
            " words_from, duration, opinion, year, scorer, scorer_version, genres, set_language,"
            " model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
            " iif(?, (SELECT model FROM library), NULL))"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded = excluded.folded,"
            " state = excluded.state, reason = excluded.reason, gone = '',"
            " language = excluded.language, language_confidence = excluded.language_confidence,"
            " words_from = excluded.words_from, duration = excluded.duration,"
            " opinion = excluded.opinion, scorer = excluded.scorer,"
            " scorer_version = excluded.scorer_version, year = excluded.year,"
            " genres = excluded.genres, set_language = excluded.set_language,"
            " found_language = '', found_confidence = 0,"
            " container = '', streams = '', model = excluded.model RETURNING key",
            KN_VALUES(KN_BLOB(t->id.b, sizeof t->id.b), KN_TEXT(t->name), KN_TEXT(folded.data),
                      KN_INT(t->state), KN_TEXT(t->reason), KN_TEXT(t->language),
                      KN_REAL(t->language_confidence), KN_TEXT(t->words_from), KN_REAL(t->duration),
                      KN_REAL(t->opinion), KN_INT(t->year), KN_TEXT(t->scorer),
                      KN_INT(t->scorer_version), KN_TEXT(t->genres),
                      KN_TEXT(t->language_set ? t->language : ""), KN_INT(vectors)),
            &found, key, err);
    kn_buf_free(&folded);
    return rc;
}

/* The title's own file for paths whose content nobody has hashed yet. */
static int file_for(struct kn_db *db, int64_t title, int64_t *file, struct kn_err *err)
{
    bool found;
    int rc = kn_db_number(db, "SELECT key FROM file WHERE title = ? ORDER BY key LIMIT 1",
                          KN_VALUES(KN_INT(title)), &found, file, err);

    if (rc || found)
        return rc;
    return kn_db_number(db, "INSERT INTO file (identity, title) VALUES (NULL, ?) RETURNING key",
                        KN_VALUES(KN_INT(title)), &found, file, err);
}

/* Size -1: unknown, so that the next scan looks at the content. */
static int put_path(struct kn_db *db, int64_t title, const struct kn_title *t, const char *path,
                    struct kn_err *err)
{
    int64_t holder = 0, file;
    bool held;
    int rc = kn_db_number(db,
                          "SELECT file.title FROM path JOIN file ON file.key = path.file"
                          " WHERE path = ?",
                          KN_VALUES(KN_TEXT(path)), &held, &holder, err);

    if (rc)
        return rc;
    if (held && holder == title)
        return kn_db_run(
            db, "UPDATE path SET name = ?, year = ?, genres = ? WHERE path = ?",
            KN_VALUES(KN_TEXT(t->name), KN_INT(t->year), KN_TEXT(t->genres), KN_TEXT(path)), err);
    rc = file_for(db, title, &file, err);
    if (!rc)
        rc = kn_db_run(db,
                       "INSERT INTO path (path, file, name, year, genres, size, mtime_ns)"
                       " VALUES (?, ?, ?, ?, ?, -1, -1) ON CONFLICT (path) DO UPDATE SET"
                       " file = excluded.file, name = excluded.name, year = excluded.year,"
                       " genres = excluded.genres, size = -1, mtime_ns = -1",
                       KN_VALUES(KN_TEXT(path), KN_INT(file), KN_TEXT(t->name), KN_INT(t->year),
                                 KN_TEXT(t->genres)),
                       err);
    if (!rc && held)
        rc = kn_local_settle_paths(db, holder, KN_REASON_TAKEN, NULL, err);
    return rc;
}

static bool has_path(const struct kn_title *t, const char *path)
{
    for (size_t i = 0; i < t->n_paths; i++)
        if (strcmp(t->paths[i], path) == 0)
            return true;
    return false;
}

static int put_paths(struct kn_db *db, int64_t title, const struct kn_title *t, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT path.key, path FROM path JOIN file ON file.key = path.file"
                         " WHERE file.title = ?",
                         KN_VALUES(KN_INT(title)), &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row)
        if (!has_path(t, kn_db_text(s, 1)))
            rc = kn_db_run(db, "DELETE FROM path WHERE key = ?",
                           KN_VALUES(KN_INT(sqlite3_column_int64(s, 0))), err);
    for (size_t i = 0; i < t->n_paths && !rc; i++)
        rc = put_path(db, title, t, t->paths[i], err);
    return rc;
}

int kn_local_put_record(struct kn_db *db, const struct kn_record *r, size_t dim, struct kn_err *err)
{
    int64_t key;
    int rc = kn_check_record(r, dim, err);

    if (!rc)
        rc = put_row(db, r, &key, err);
    if (!rc) /* their outputs are about to be somebody else's */
        rc = kn_db_run(db, "DELETE FROM stage WHERE title = ?", KN_VALUES(KN_INT(key)), err);
    if (!rc)
        rc = kn_local_drop_segments(db, key, err);
    if (!rc)
        rc = kn_local_drop_vectors(db, key, err);
    if (!rc)
        rc = put_paths(db, key, &r->title, err);
    if (!rc)
        rc = kn_local_add_segments(db, key, r->segments, r->n_segments, err);
    if (!rc)
        rc = kn_local_add_dropped(db, key, r->dropped, r->n_dropped, err);
    if (!rc)
        rc = kn_local_add_moments(db, key, r->moments, r->n_moments, dim, err);
    if (!rc && r->vector)
        rc = kn_local_set_vector(db, key, r->vector, r->raw, dim, err);
    return rc;
}

int kn_local_put(struct kn_library *lib, const struct kn_record *records, size_t n,
                 struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    size_t dim;
    int rc = kn_local_begin(l, err);

    if (rc)
        return rc;
    rc = kn_local_model(l->writer, NULL, &dim, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_local_put_record(l->writer, &records[i], dim, err);
    return kn_local_end(l, rc, err);
}

/* ---- remove, set_model ---- */

int kn_local_remove(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    int rc = kn_local_begin(l, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_db_run(l->writer, "DELETE FROM title WHERE id = ?",
                       KN_VALUES(KN_BLOB(ids[i].b, sizeof ids[i].b)), err);
    return kn_local_end(l, rc, err);
}

int kn_local_set_model(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    char now[KN_MAX_MODEL_NAME + 1];
    size_t now_dim;
    int rc = lib->ops->model(lib, now, &now_dim, err);

    if (!rc && l->writer && strcmp(now, name) == 0 && now_dim == dim)
        return KN_OK; /* every run of ingest sets it: no change to count */
    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_db_run(l->writer, "INSERT INTO model (name, dim) VALUES (?, ?) ON CONFLICT DO NOTHING",
                   KN_VALUES(KN_TEXT(name), KN_INT(dim)), err);
    if (!rc)
        rc = kn_db_run(l->writer,
                       "UPDATE library SET model ="
                       " (SELECT key FROM model WHERE name = ? AND dim = ?)",
                       KN_VALUES(KN_TEXT(name), KN_INT(dim)), err);
    return kn_local_end(l, rc, err);
}
