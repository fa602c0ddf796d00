#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"

#include <string.h>

int kn_local_set_wording(struct kn_db *db, int64_t title, const struct kn_segment *segments,
                         size_t n, struct kn_err *err)
{
    unsigned char packed[KN_WORDING_BYTES];
    struct kn_wording w;
    int rc = kn_wording_of(segments, n, &w, err);

    if (rc)
        return rc;
    return kn_db_run(db, "INSERT INTO wording (title, words) VALUES (?, ?)",
                     KN_VALUES(KN_INT(title), KN_BLOB(packed, kn_wording_pack(&w, packed))), err);
}

int kn_local_bad_wording(const struct kn_db *db, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT,
                      "library '%s': the words of a title cannot be read; it is damaged: move it "
                      "away and ingest again",
                      db->path);
}

static int read_wording(const struct kn_db *db, sqlite3_stmt *s, struct kn_wording *out,
                        struct kn_err *err)
{
    const void *packed = sqlite3_column_blob(s, 0);

    if (!packed)
        *out = (struct kn_wording){0};
    else if (!kn_wording_unpack(packed, (size_t)sqlite3_column_bytes(s, 0), out))
        return kn_local_bad_wording(db, err);
    return KN_OK;
}

static int read_segments(struct kn_db *db, int64_t title, struct kn_arena *arena,
                         struct kn_segment **out, size_t *n, struct kn_err *err)
{
    const struct kn_db_value key = KN_INT(title);
    struct kn_segment *segments;
    int64_t count = 0;
    sqlite3_stmt *s;
    size_t at = 0;
    bool row;
    int rc = kn_db_number(db, "SELECT count(*) FROM segment WHERE title = ?", &key, 1, &row, &count,
                          err);

    segments = kn_arena_array(arena, (size_t)count, sizeof *segments);
    if (!rc && !segments)
        rc = kn_err_set(err, KN_ELIMIT, "library '%s': no memory for a transcript", db->path);
    if (!rc)
        rc = kn_db_query(db, "SELECT text FROM segment WHERE title = ? ORDER BY number", &key, 1,
                         &s, err);
    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row && at < (size_t)count) {
        segments[at].text = kn_arena_text(arena, kn_db_text(s, 0));
        if (!segments[at++].text)
            rc = kn_err_set(err, KN_ELIMIT, "library '%s': no memory for a transcript", db->path);
    }
    if (!rc) {
        *out = segments;
        *n = at;
    }
    return rc;
}

static int add_wording(struct kn_db *db, int64_t title, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_segment *segments;
    size_t n = 0;
    int rc;

    if (!arena)
        return kn_err_set(err, KN_ELIMIT, "library '%s': no memory", db->path);
    rc = read_segments(db, title, arena, &segments, &n, err);
    if (!rc && n > 0)
        rc = kn_local_set_wording(db, title, segments, n, err);
    kn_arena_free(arena);
    return rc;
}

int kn_local_add_wordings(struct kn_db *db, struct kn_err *err)
{
    int64_t title = 0;
    bool found = true;
    int rc = KN_OK;

    while (!rc && found) {
        rc = kn_db_number(db,
                          "SELECT key FROM title WHERE key > ?"
                          " AND NOT EXISTS (SELECT 1 FROM wording WHERE title = key)"
                          " ORDER BY key LIMIT 1",
                          KN_VALUES(KN_INT(title)), &found, &title, err);
        if (!rc && found)
            rc = add_wording(db, title, err);
    }
    return rc;
}

static int wording_of(struct kn_db *db, const struct kn_id *id, struct kn_wording *out,
                      struct kn_err *err)
{
    sqlite3_stmt *s;
    int64_t title;
    bool row;
    int rc = kn_local_title_key(db, id, &title, err);

    if (!rc)
        rc = kn_db_query(db,
                         "SELECT words FROM title LEFT JOIN wording ON wording.title = title.key"
                         " WHERE key = ?",
                         KN_VALUES(KN_INT(title)), &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    return rc || !row ? rc : read_wording(db, s, out, err);
}

int kn_local_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                     struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = wording_of(db, id, out, err);
    kn_local_done(l, db);
    return rc;
}

/* key 0: by id, which takes twice as long: two places of the file, where the key leads to one. */
static int one_of_many(struct kn_db *db, const struct kn_id *id, uint32_t key,
                       struct kn_wording *out, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row = false;
    int rc = key ? kn_db_query(db, "SELECT words FROM wording WHERE title = ?",
                               KN_VALUES(KN_INT(key)), &s, err)
                 : kn_db_query(db,
                               "SELECT words FROM title JOIN wording ON wording.title = title.key"
                               " WHERE id = ?",
                               KN_VALUES(KN_BLOB(id->b, sizeof id->b)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && row)
        return read_wording(db, s, out, err);
    *out = (struct kn_wording){0};
    return rc;
}

/* The keys that a view knows are those of this snapshot if it shows the same change. */
int kn_local_wordings(struct local *l, const struct kn_id *ids, const bool *which, size_t n,
                      struct kn_wording *out, struct kn_err *err)
{
    struct kn_view *v = NULL;
    struct kn_db *db;
    int64_t answers = 0;
    size_t wanted = 0;
    bool found;
    int rc;

    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        wanted += which[i];
    if (wanted == 0)
        return KN_OK;
    rc = kn_local_reader(l, &db, err);
    if (rc)
        return rc;
    rc = kn_db_number(db, "SELECT answers FROM library", NULL, 0, &found, &answers, err);
    if (!rc)
        v = kn_local_peek_view(l, LOCAL_TITLES, (uint64_t)answers);
    for (size_t i = 0; i < n && !rc; i++)
        if (which[i])
            rc = one_of_many(db, &ids[i], v ? kn_view_key(v, &ids[i]) : 0, &out[i], err);
    kn_view_drop(v);
    kn_local_done(l, db);
    return rc;
}
