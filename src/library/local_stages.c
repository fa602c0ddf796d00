#include "library/local.h"
#include "library/store.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <math.h>
#include <string.h>

const char *kn_stage_name(enum kn_stage s)
{
    static const char *const names[KN_STAGES] = {"probe", "words", "vectors", "opinion"};

    return s >= KN_STAGE_PROBE && s < KN_STAGES ? names[s] : "unknown";
}

/* One transaction on one title. On success *title is its key. */
static int begin(struct kn_library *lib, const struct kn_id *id, struct local **out, int64_t *title,
                 struct kn_err *err)
{
    struct local *l = NULL;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_local_title_key(l->writer, id, title, err);
    if (rc)
        return kn_local_end(l, rc, err);
    *out = l;
    return KN_OK;
}

int kn_store_stage(struct kn_library *lib, const struct kn_id *id, enum kn_stage stage, bool *found,
                   struct kn_hash *key, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_hash kept;
    struct kn_db *db;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = kn_db_query(db,
                     "SELECT key FROM stage WHERE stage = ? AND title ="
                     " (SELECT key FROM title WHERE id = ?)",
                     KN_VALUES(KN_INT(stage), KN_BLOB(id->b, sizeof id->b)), &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && row)
        rc = kn_db_blob(db, s, 0, kept.b, sizeof kept.b, err);
    kn_local_done(l, db);
    if (rc)
        return rc;
    *found = row;
    if (row)
        *key = kept;
    return KN_OK;
}

static int read_standing(struct kn_db *db, int64_t title, struct kn_arena *arena,
                         struct kn_standing *out, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_local_standing(db, title, arena, out, err);

    if (!rc)
        rc = kn_db_query(db, "SELECT stage, key FROM stage WHERE title = ?",
                         KN_VALUES(KN_INT(title)), &s, err);
    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        int stage = sqlite3_column_int(s, 0);

        if (stage < 0 || stage >= KN_STAGES)
            continue; /* of a newer Kinora that went back */
        out->done[stage] = true;
        rc = kn_db_blob(db, s, 1, out->keys[stage].b, sizeof out->keys[stage].b, err);
    }
    return rc;
}

int kn_store_standing(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                      struct kn_standing *out, struct kn_err *err)
{
    struct kn_standing standing = {.n_paths = 0};
    struct local *l = NULL;
    struct kn_db *db;
    int64_t title;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = kn_local_title_key(db, id, &title, err);
    if (!rc)
        rc = read_standing(db, title, arena, &standing, err);
    kn_local_done(l, db);
    if (!rc)
        *out = standing;
    return rc;
}

/* A stage's output is there if and only if its key is: both go together. */
int kn_local_forget(struct kn_db *db, int64_t title, enum kn_stage from, struct kn_err *err)
{
    int rc = kn_db_run(db, "DELETE FROM stage WHERE title = ? AND stage >= ?",
                       KN_VALUES(KN_INT(title), KN_INT(from)), err);

    if (!rc && from == KN_STAGE_PROBE)
        rc = kn_db_run(db, "DELETE FROM poster WHERE title = ?", KN_VALUES(KN_INT(title)), err);
    if (!rc && from <= KN_STAGE_OPINION)
        rc = kn_db_run(
            db, "UPDATE title SET opinion = NULL, scorer = '', scorer_version = 0 WHERE key = ?",
            KN_VALUES(KN_INT(title)), err);
    if (!rc && from == KN_STAGE_OPINION)
        rc = kn_db_run(db, "UPDATE moment SET opinion = NULL WHERE title = ?",
                       KN_VALUES(KN_INT(title)), err);
    if (!rc && from <= KN_STAGE_VECTORS)
        rc = kn_local_drop_vectors(db, title, err);
    if (!rc && from <= KN_STAGE_VECTORS)
        rc = kn_db_run(db, "UPDATE title SET model = NULL WHERE key = ?", KN_VALUES(KN_INT(title)),
                       err);
    if (!rc && from <= KN_STAGE_WORDS)
        rc = kn_local_drop_segments(db, title, err);
    if (!rc && from <= KN_STAGE_WORDS)
        rc = kn_db_run(db,
                       "UPDATE title SET language = set_language,"
                       " language_confidence = set_language <> '', words_from = '', words_at = '',"
                       " found_language = '', found_confidence = 0 WHERE key = ?",
                       KN_VALUES(KN_INT(title)), err);
    return rc;
}

int kn_local_keep_key(struct kn_db *db, int64_t title, enum kn_stage stage,
                      const struct kn_hash *key, bool failed, struct kn_err *err)
{
    return kn_db_run(
        db, "INSERT INTO stage (title, stage, key, failed) VALUES (?, ?, ?, ?)",
        KN_VALUES(KN_INT(title), KN_INT(stage), KN_BLOB(key->b, sizeof key->b), KN_INT(failed)),
        err);
}

int kn_local_settle(struct kn_db *db, int64_t title, const char *reason, struct kn_err *err)
{
    /* 0 pending, 1 ready, 2 failed, 3 silent; stages 1 words, 3 opinion. */
    return kn_db_run(db,
                     "UPDATE title SET (state, reason) = (SELECT now, CASE WHEN now IN (2, 3)"
                     " THEN iif(?2 = '', reason, ?2) ELSE '' END FROM (SELECT CASE"
                     " WHEN EXISTS (SELECT 1 FROM stage WHERE title = ?1 AND failed) THEN 2"
                     " WHEN NOT EXISTS (SELECT 1 FROM stage WHERE title = ?1 AND stage = 1) THEN 0"
                     " WHEN NOT EXISTS (SELECT 1 FROM segment WHERE title = ?1) THEN 3"
                     " WHEN EXISTS (SELECT 1 FROM stage WHERE title = ?1 AND stage = 3)"
                     " AND EXISTS (SELECT 1 FROM title_vector WHERE title = ?1) THEN 1"
                     " ELSE 0 END AS now)) WHERE key = ?1",
                     KN_VALUES(KN_INT(title), KN_TEXT(reason)), err);
}

int kn_store_redo(struct kn_library *lib, const struct kn_id *id, enum kn_stage from,
                  struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc = begin(lib, id, &l, &title, err);

    if (rc)
        return rc;
    rc = kn_local_forget(l->writer, title, from, err);
    if (!rc)
        rc = kn_local_settle(l->writer, title, NULL, err);
    return kn_local_end(l, rc, err);
}

static int commit_probe(struct kn_db *db, int64_t title, const struct kn_hash *key,
                        const struct kn_probed *p, struct kn_err *err)
{
    int rc = kn_local_forget(db, title, KN_STAGE_PROBE, err);

    if (!rc)
        rc =
            kn_db_run(db, "UPDATE title SET duration = ?, container = ?, streams = ? WHERE key = ?",
                      KN_VALUES(KN_REAL(p->duration), KN_TEXT(p->container),
                                KN_TEXT(p->streams_json), KN_INT(title)),
                      err);
    if (!rc)
        rc = kn_local_keep_key(db, title, KN_STAGE_PROBE, key, false, err);
    return rc ? rc : kn_local_settle(db, title, NULL, err);
}

int kn_store_commit_probe(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                          const struct kn_probed *probed, struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc;

    if (!isfinite(probed->duration))
        return kn_err_set(err, KN_EARG, "store: a duration that is not finite");
    rc = begin(lib, id, &l, &title, err);
    return rc ? rc : kn_local_end(l, commit_probe(l->writer, title, key, probed, err), err);
}

static int read_probed(struct kn_db *db, const struct kn_id *id, struct kn_arena *arena,
                       struct kn_probed *out, struct kn_err *err)
{
    struct kn_probed p;
    sqlite3_stmt *s;
    int64_t title;
    bool row;
    int rc = kn_local_title_key(db, id, &title, err);

    if (!rc)
        rc = kn_db_query(db,
                         "SELECT duration, container, streams, words_at FROM title WHERE key = ?",
                         KN_VALUES(KN_INT(title)), &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc || !row)
        return rc;
    p = (struct kn_probed){kn_db_real(s, 0), kn_arena_text(arena, kn_db_text(s, 1)),
                           kn_arena_text(arena, kn_db_text(s, 2)),
                           kn_arena_text(arena, kn_db_text(s, 3))};
    if (!p.container || !p.streams_json || !p.words_at)
        return kn_err_set(err, KN_ELIMIT, "store: no memory for what a probe found");
    *out = p;
    return KN_OK;
}

int kn_store_probed(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                    struct kn_probed *out, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc;

    if (!kn_local_of(lib)) {
        *out = (struct kn_probed){.container = "", .streams_json = "", .words_at = ""};
        return KN_OK;
    }
    rc = kn_local_store_reader(lib, &l, &db, err);
    if (rc)
        return rc;
    rc = read_probed(db, id, arena, out, err);
    kn_local_done(l, db);
    return rc;
}

int kn_local_commit_words(struct kn_db *db, int64_t title, const struct kn_hash *key,
                          const struct kn_words *w, struct kn_err *err)
{
    int rc = kn_local_forget(db, title, KN_STAGE_WORDS, err);

    if (!rc)
        rc = kn_db_run(db, "DELETE FROM heard WHERE title = ?", KN_VALUES(KN_INT(title)), err);
    if (!rc)
        rc = kn_local_add_segments(db, title, w->segments, w->n_segments, err);
    if (!rc)
        rc = kn_local_add_dropped(db, title, w->dropped, w->n_dropped, err);
    if (!rc)
        rc = kn_db_run(db,
                       "UPDATE title SET reason = '', found_language = ?1, found_confidence = ?2,"
                       " language = iif(set_language <> '', set_language, ?1),"
                       " language_confidence = iif(set_language <> '', 1, ?2),"
                       " words_from = ?3, words_at = ?4, duration = iif(duration > 0, duration, ?5)"
                       " WHERE key = ?6",
                       KN_VALUES(KN_TEXT(w->language), KN_REAL(w->language_confidence),
                                 KN_TEXT(w->words_from), KN_TEXT(w->words_at ? w->words_at : ""),
                                 KN_REAL(w->duration), KN_INT(title)),
                       err);
    if (!rc)
        rc = kn_local_keep_key(db, title, KN_STAGE_WORDS, key, false, err);
    return rc ? rc : kn_local_settle(db, title, w->reason, err);
}

int kn_local_check_words(const struct kn_words *words, struct kn_err *err)
{
    int rc = kn_check_segments("", words->segments, words->n_segments, err);

    if (!rc)
        rc = kn_check_dropped("", words->dropped, words->n_dropped, err);
    if (!rc)
        rc = kn_check_language("", words->language, err);
    if (!rc && (!isfinite(words->language_confidence) || !isfinite(words->duration)))
        rc = kn_err_set(err, KN_EARG, "store: a number of the words' that is not finite");
    return rc;
}

static int set_language(struct kn_db *db, int64_t title, const char *language, struct kn_err *err)
{
    /* A title from before there was such a thing has found what it has. */
    int rc = kn_db_run(db,
                       "UPDATE title SET found_language = language,"
                       " found_confidence = language_confidence"
                       " WHERE key = ? AND set_language = ''",
                       KN_VALUES(KN_INT(title)), err);

    if (!rc)
        rc = kn_db_run(db,
                       "UPDATE title SET set_language = ?1,"
                       " language = iif(?1 <> '', ?1, found_language),"
                       " language_confidence = iif(?1 <> '', 1, found_confidence) WHERE key = ?2",
                       KN_VALUES(KN_TEXT(language), KN_INT(title)), err);
    if (!rc)
        rc = kn_local_forget(db, title, KN_STAGE_OPINION, err);
    return rc ? rc : kn_local_settle(db, title, NULL, err);
}

int kn_store_set_language(struct kn_library *lib, const struct kn_id *id, const char *language,
                          struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc = kn_check_language("", language, err);

    if (!rc)
        rc = begin(lib, id, &l, &title, err);
    return rc ? rc : kn_local_end(l, set_language(l->writer, title, language, err), err);
}

int kn_store_commit_words(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                          const struct kn_words *words, struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc = kn_local_check_words(words, err);

    if (!rc)
        rc = begin(lib, id, &l, &title, err);
    return rc ? rc : kn_local_end(l, kn_local_commit_words(l->writer, title, key, words, err), err);
}

int kn_store_keep_heard(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                        const void *bytes, size_t n, struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc = begin(lib, id, &l, &title, err);

    if (rc)
        return rc;
    rc =
        kn_db_run(l->writer,
                  "INSERT INTO heard (title, key, windows) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (title) DO UPDATE SET key = ?2, windows = ?3",
                  KN_VALUES(KN_INT(title), KN_BLOB(key->b, sizeof key->b), KN_BLOB(bytes, n)), err);
    return kn_local_end(l, rc, err);
}

int kn_store_heard(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                   struct kn_buf *out, struct kn_err *err)
{
    struct local *l;
    struct kn_db *db;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = kn_db_query(db,
                     "SELECT windows FROM heard JOIN title ON title.key = heard.title"
                     " WHERE id = ? AND heard.key = ?",
                     KN_VALUES(KN_BLOB(id->b, sizeof id->b), KN_BLOB(key->b, sizeof key->b)), &s,
                     err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    kn_buf_clear(out);
    if (!rc && row)
        rc = kn_buf_add(out, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), err);
    kn_local_done(l, db);
    return rc;
}

/* Opinions are the next stage's. */
static int add_without_opinion(struct kn_db *db, int64_t title, const struct kn_moment *moments,
                               size_t n, size_t dim, struct kn_err *err)
{
    int rc = kn_local_add_moments(db, title, moments, n, dim, err);

    return rc ? rc
              : kn_db_run(db, "UPDATE moment SET opinion = NULL WHERE title = ?",
                          KN_VALUES(KN_INT(title)), err);
}

static int commit_vectors(struct kn_db *db, int64_t title, const struct kn_hash *key,
                          const struct kn_moment *moments, size_t n, const float *vector,
                          const float *raw, struct kn_err *err)
{
    size_t dim;
    int rc = kn_local_model(db, NULL, &dim, err);

    if (!rc && dim == 0)
        rc = kn_err_set(err, KN_EARG, "library '%s': vectors, but no embedding model is set",
                        db->path);
    if (!rc)
        rc = kn_check_moments("", moments, n, dim, err);
    if (!rc)
        rc = kn_check_vector("", vector, raw, dim, err);
    if (!rc)
        rc = kn_local_forget(db, title, KN_STAGE_VECTORS, err);
    if (!rc)
        rc = add_without_opinion(db, title, moments, n, dim, err);
    if (!rc)
        rc = kn_local_set_vector(db, title, vector, raw, dim, err);
    if (!rc)
        rc = kn_db_run(db, "UPDATE title SET model = (SELECT model FROM library) WHERE key = ?",
                       KN_VALUES(KN_INT(title)), err);
    if (!rc)
        rc = kn_local_keep_key(db, title, KN_STAGE_VECTORS, key, false, err);
    return rc ? rc : kn_local_settle(db, title, NULL, err);
}

int kn_store_commit_vectors(struct kn_library *lib, const struct kn_id *id,
                            const struct kn_hash *key, const struct kn_moment *moments,
                            size_t n_moments, const float *title_vector, const float *title_raw,
                            struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc;

    for (size_t i = 0; i < n_moments; i++)
        if (!moments[i].vector)
            return kn_err_set(err, KN_EARG, "store: moment %zu without a vector", i);
    if (!title_vector)
        return kn_err_set(err, KN_EARG, "store: no vector for the title");
    rc = begin(lib, id, &l, &title, err);
    if (rc)
        return rc;
    rc = commit_vectors(l->writer, title, key, moments, n_moments, title_vector, title_raw, err);
    return kn_local_end(l, rc, err);
}

static int set_opinions(struct kn_db *db, int64_t title, const double *opinions, size_t n,
                        struct kn_err *err)
{
    int64_t count = 0;
    bool found;
    int rc = kn_db_number(db, "SELECT count(*) FROM moment WHERE title = ?",
                          KN_VALUES(KN_INT(title)), &found, &count, err);

    if (!rc && (size_t)count != n)
        rc = kn_err_set(err, KN_EARG, "store: %zu opinions for a title of %lld moments", n,
                        (long long)count);
    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_db_run(db, "UPDATE moment SET opinion = ? WHERE title = ? AND number = ?",
                       KN_VALUES(KN_REAL(opinions[i]), KN_INT(title), KN_INT(i)), err);
    return rc;
}

int kn_store_commit_opinion(struct kn_library *lib, const struct kn_id *id,
                            const struct kn_hash *key, const char *scorer, int scorer_version,
                            const double *moments, size_t n_moments, double title_opinion,
                            struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc = begin(lib, id, &l, &title, err);

    if (rc)
        return rc;
    rc = kn_local_forget(l->writer, title, KN_STAGE_OPINION, err);
    if (!rc)
        rc = set_opinions(l->writer, title, moments, n_moments, err);
    if (!rc)
        rc = kn_db_run(l->writer,
                       "UPDATE title SET opinion = ?, scorer = ?, scorer_version = ? WHERE key = ?",
                       KN_VALUES(KN_REAL(title_opinion), KN_TEXT(scorer), KN_INT(scorer_version),
                                 KN_INT(title)),
                       err);
    if (!rc)
        rc = kn_local_keep_key(l->writer, title, KN_STAGE_OPINION, key, false, err);
    if (!rc)
        rc = kn_local_settle(l->writer, title, NULL, err);
    return kn_local_end(l, rc, err);
}

int kn_local_commit_failure(struct kn_db *db, int64_t title, enum kn_stage stage,
                            const struct kn_hash *key, const char *reason, struct kn_err *err)
{
    int rc = kn_local_forget(db, title, stage, err);

    if (!rc)
        rc = kn_local_keep_key(db, title, stage, key, true, err);
    return rc ? rc : kn_local_settle(db, title, reason, err);
}

int kn_store_commit_failure(struct kn_library *lib, const struct kn_id *id, enum kn_stage stage,
                            const struct kn_hash *key, const char *reason, struct kn_err *err)
{
    struct local *l;
    int64_t title;
    int rc = begin(lib, id, &l, &title, err);

    return rc ? rc
              : kn_local_end(l, kn_local_commit_failure(l->writer, title, stage, key, reason, err),
                             err);
}
