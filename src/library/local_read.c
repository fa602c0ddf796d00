#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/match.h"
#include "library/record.h"

#include <string.h>

int kn_local_title_key(struct kn_db *db, const struct kn_id *id, int64_t *key, struct kn_err *err)
{
    char text[KN_ID_TEXT];
    bool found;
    int rc = kn_db_number(db, "SELECT key FROM title WHERE id = ?",
                          KN_VALUES(KN_BLOB(id->b, sizeof id->b)), &found, key, err);

    if (rc || found)
        return rc;
    kn_id_format(id, text);
    return kn_err_set(err, KN_ENOTFOUND, "library '%s': no title with the id %s", db->path, text);
}

/* joined: and those of what is joined in it. */
static int read_paths(struct kn_db *db, int64_t title, bool joined, struct kn_arena *arena,
                      const char *const **out, size_t *n_out, struct kn_err *err)
{
    static const char own[] = "SELECT path FROM file JOIN path ON path.file = file.key"
                              " WHERE file.title = ?1 ORDER BY path";
    static const char all[] = "SELECT path FROM title JOIN file ON file.title = title.key"
                              " JOIN path ON path.file = file.key"
                              " WHERE title.key = ?1 OR title.joined = ?1 ORDER BY path";
    const char **paths = NULL;
    size_t n = 0, cap = 0;
    int64_t one;
    sqlite3_stmt *s;
    bool row;
    int rc = KN_OK;

    if (joined) /* few are: asking costs less than looking for their paths */
        rc = kn_db_number(db, "SELECT 1 FROM title WHERE joined = ? LIMIT 1",
                          KN_VALUES(KN_INT(title)), &joined, &one, err);
    if (!rc)
        rc = kn_db_query(db, joined ? all : own, KN_VALUES(KN_INT(title)), &s, err);
    for (; !rc && !(rc = kn_db_step(db, s, &row, err)) && row; n++) {
        if (n == cap) { /* what was there stays in the arena: a title has one path, or two */
            const char **more = kn_arena_array(arena, cap = 2 * cap + 1, sizeof *more);

            if (!more)
                return kn_arena_full("a title's paths", err);
            if (n > 0)
                memcpy(more, paths, n * sizeof *more);
            paths = more;
        }
        paths[n] = kn_arena_text(arena, kn_db_text(s, 0));
        if (!paths[n])
            return kn_arena_full("a title's paths", err);
    }
    *out = paths;
    *n_out = n;
    return rc;
}

int kn_local_read_title(struct kn_db *db, sqlite3_stmt *s, struct kn_arena *arena,
                        struct kn_title *out, int64_t *key, bool *comparable, struct kn_err *err)
{
    struct kn_title t = {.state = (enum kn_state)sqlite3_column_int(s, 3),
                         .language_confidence = kn_db_real(s, 6),
                         .duration = kn_db_real(s, 8),
                         .opinion = kn_db_real(s, 9),
                         .year = sqlite3_column_int(s, 10),
                         .language_set = sqlite3_column_int(s, 14),
                         .scorer_version = sqlite3_column_int(s, 15)};
    int64_t k = sqlite3_column_int64(s, 0);
    int rc = kn_db_blob(db, s, 1, t.id.b, sizeof t.id.b, err);

    if (rc)
        return rc;
    t.name = kn_arena_text(arena, kn_db_text(s, 2));
    t.reason = kn_arena_text(arena, kn_db_text(s, 4));
    t.language = kn_arena_text(arena, kn_db_text(s, 5));
    t.words_from = kn_arena_text(arena, kn_db_text(s, 7));
    t.scorer = kn_arena_text(arena, kn_db_text(s, 12));
    t.genres = kn_arena_text(arena, kn_db_text(s, 13));
    if (!t.name || !t.reason || !t.language || !t.words_from || !t.scorer || !t.genres)
        return kn_arena_full("a title", err);
    rc = read_paths(db, k, true, arena, &t.paths, &t.n_paths, err);
    if (rc)
        return rc;
    if (key)
        *key = k;
    if (comparable)
        *comparable = sqlite3_column_int(s, 11);
    *out = t;
    return KN_OK;
}

int kn_local_standing(struct kn_db *db, int64_t title, struct kn_arena *arena,
                      struct kn_standing *out, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc =
        kn_db_query(db,
                    "SELECT " KN_LOCAL_STATE ", CASE WHEN gone <> '' THEN gone ELSE reason END,"
                    " duration, joined IS NOT NULL, set_language FROM title WHERE key = ?",
                    KN_VALUES(KN_INT(title)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    out->state = (enum kn_state)sqlite3_column_int(s, 0);
    out->reason = kn_arena_text(arena, kn_db_text(s, 1));
    out->duration = kn_db_real(s, 2);
    out->joined = sqlite3_column_int(s, 3);
    out->set_language = kn_arena_text(arena, kn_db_text(s, 4));
    if (!out->reason || !out->set_language)
        return kn_arena_full("a title", err);
    return read_paths(db, title, false, arena, &out->paths, &out->n_paths, err);
}

static int count_of(struct kn_db *db, const char *sql, int64_t title, size_t *n, struct kn_err *err)
{
    int64_t count = 0;
    bool found;
    int rc = kn_db_number(db, sql, KN_VALUES(KN_INT(title)), &found, &count, err);

    *n = (size_t)count;
    return rc;
}

static int read_segments(struct kn_db *db, int64_t title, struct kn_arena *arena,
                         struct kn_record *out, struct kn_err *err)
{
    struct kn_segment *segments;
    sqlite3_stmt *s;
    size_t n, i = 0;
    bool row;
    int rc = count_of(db, "SELECT count(*) FROM segment WHERE title = ?", title, &n, err);

    if (rc)
        return rc;
    segments = kn_arena_array(arena, n, sizeof *segments);
    if (!segments)
        return kn_arena_full("a transcript", err);
    rc = kn_db_query(db, "SELECT starts, ends, text FROM segment WHERE title = ? ORDER BY number",
                     KN_VALUES(KN_INT(title)), &s, err);
    for (; !rc && i < n && !(rc = kn_db_step(db, s, &row, err)) && row; i++) {
        segments[i] = (struct kn_segment){kn_db_real(s, 0), kn_db_real(s, 1),
                                          kn_arena_text(arena, kn_db_text(s, 2))};
        if (!segments[i].text)
            return kn_arena_full("a transcript", err);
    }
    out->segments = segments;
    out->n_segments = i;
    return rc;
}

static int read_dropped(struct kn_db *db, int64_t title, struct kn_arena *arena,
                        struct kn_record *out, struct kn_err *err)
{
    struct kn_dropped *dropped;
    sqlite3_stmt *s;
    size_t n, i = 0;
    bool row;
    int rc = count_of(db, "SELECT count(*) FROM dropped WHERE title = ?", title, &n, err);

    if (rc)
        return rc;
    dropped = kn_arena_array(arena, n, sizeof *dropped);
    if (!dropped)
        return kn_arena_full("what was dropped", err);
    rc = kn_db_query(
        db, "SELECT starts, ends, text, reason FROM dropped WHERE title = ? ORDER BY number",
        KN_VALUES(KN_INT(title)), &s, err);
    for (; !rc && i < n && !(rc = kn_db_step(db, s, &row, err)) && row; i++) {
        dropped[i] = (struct kn_dropped){kn_db_real(s, 0), kn_db_real(s, 1),
                                         kn_arena_text(arena, kn_db_text(s, 2)),
                                         kn_arena_text(arena, kn_db_text(s, 3))};
        if (!dropped[i].text || !dropped[i].reason)
            return kn_arena_full("what was dropped", err);
    }
    out->dropped = dropped;
    out->n_dropped = i;
    return rc;
}

/* NULL where there is none: an absent row of the LEFT JOIN. */
static int read_vector(struct kn_db *db, sqlite3_stmt *s, int column, size_t dim,
                       struct kn_arena *arena, const float **out, struct kn_err *err)
{
    float *v;
    int rc;

    if (sqlite3_column_type(s, column) == SQLITE_NULL)
        return KN_OK;
    v = kn_arena_array(arena, dim, sizeof *v);
    if (!v)
        return kn_arena_full("a vector", err);
    rc = kn_db_blob(db, s, column, v, dim * sizeof *v, err);
    if (!rc)
        *out = v;
    return rc;
}

static int read_moment(struct kn_db *db, sqlite3_stmt *s, size_t dim, struct kn_arena *arena,
                       struct kn_moment *out, struct kn_err *err)
{
    struct kn_moment m = {.start = kn_db_real(s, 0),
                          .end = kn_db_real(s, 1),
                          .text = kn_arena_text(arena, kn_db_text(s, 2)),
                          .first_segment = (uint32_t)sqlite3_column_int64(s, 3),
                          .segments = (uint32_t)sqlite3_column_int64(s, 4),
                          .words = (uint32_t)sqlite3_column_int64(s, 5),
                          .opinion = kn_db_real(s, 6)};
    int rc = KN_OK;

    if (!m.text)
        return kn_arena_full("moments", err);
    if (dim > 0)
        rc = read_vector(db, s, 7, dim, arena, &m.vector, err);
    if (dim > 0 && !rc && sqlite3_column_count(s) > 8)
        rc = read_vector(db, s, 8, dim, arena, &m.raw, err);
    if (!rc)
        *out = m;
    return rc;
}

/* dim 0: without vectors. */
static int read_moments(struct kn_db *db, int64_t title, size_t dim, bool raw,
                        struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    static const char plain[] = "SELECT starts, ends, text, first_segment, segments, words, opinion"
                                " FROM moment WHERE title = ? ORDER BY number";
    static const char full[] = "SELECT starts, ends, text, first_segment, segments, words, opinion,"
                               " vector, raw FROM moment"
                               " LEFT JOIN moment_vector ON moment_vector.moment = moment.key"
                               " LEFT JOIN moment_raw ON moment_raw.moment = moment.key"
                               " WHERE title = ? ORDER BY number";
    static const char unit[] = "SELECT starts, ends, text, first_segment, segments, words, opinion,"
                               " vector FROM moment"
                               " LEFT JOIN moment_vector ON moment_vector.moment = moment.key"
                               " WHERE title = ? ORDER BY number";
    struct kn_moment *moments = NULL;
    size_t n = 0, cap = 0;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, !dim ? plain : raw ? full : unit, KN_VALUES(KN_INT(title)), &s, err);

    for (; !rc && !(rc = kn_db_step(db, s, &row, err)) && row; n++) {
        if (n == cap) { /* what was there stays in the arena: less than counting them first costs */
            struct kn_moment *more = kn_arena_array(arena, cap = 2 * cap + 8, sizeof *more);

            if (!more)
                return kn_arena_full("moments", err);
            if (n > 0)
                memcpy(more, moments, n * sizeof *more);
            moments = more;
        }
        rc = read_moment(db, s, dim, arena, &moments[n], err);
        if (rc)
            return rc;
    }
    out->moments = moments;
    out->n_moments = n;
    return rc;
}

static int read_title_vector(struct kn_db *db, int64_t title, size_t dim, bool raw,
                             struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT vector, raw FROM title_vector"
                         " LEFT JOIN title_raw USING (title) WHERE title = ?",
                         KN_VALUES(KN_INT(title)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && row)
        rc = read_vector(db, s, 0, dim, arena, &out->vector, err);
    return !rc && row && raw ? read_vector(db, s, 1, dim, arena, &out->raw, err) : rc;
}

/* dim: the library's. */
static int read_record(struct kn_db *db, const struct kn_id *id, unsigned parts, size_t dim,
                       struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    struct kn_record r = {0};
    bool comparable = false;
    int64_t key;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, "SELECT " KN_LOCAL_TITLE " FROM title WHERE id = ?",
                         KN_VALUES(KN_BLOB(id->b, sizeof id->b)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && !row)
        return kn_local_title_key(db, id, &key, err); /* says that there is none */
    if (!rc)
        rc = kn_local_read_title(db, s, arena, &r.title, &key, &comparable, err);
    if (!comparable)
        dim = 0;
    if (!rc && (parts & KN_WITH_VECTOR) && dim)
        rc = read_title_vector(db, key, dim, !(parts & KN_WITHOUT_RAW), arena, &r, err);
    if (!rc && (parts & KN_WITH_SEGMENTS))
        rc = read_segments(db, key, arena, &r, err);
    if (!rc && (parts & KN_WITH_SEGMENTS))
        rc = read_dropped(db, key, arena, &r, err);
    if (!rc && (parts & (KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS)))
        rc = read_moments(db, key, parts & KN_WITH_MOMENT_VECTORS ? dim : 0,
                          !(parts & KN_WITHOUT_RAW), arena, &r, err);
    if (!rc)
        *out = r;
    return rc;
}

int kn_local_get_many(struct kn_library *lib, const struct kn_id *ids, size_t n, unsigned parts,
                      struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    size_t dim = 0;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = kn_local_model(db, NULL, &dim, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = read_record(db, &ids[i], parts, dim, arena, &out[i], err);
    kn_local_done(l, db);
    return rc;
}

int kn_local_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
                 struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    return kn_local_get_many(lib, id, 1, parts, arena, out, err);
}

static int offer_all(struct kn_db *db, struct kn_match *m, struct kn_err *err)
{
    sqlite3_stmt *s;
    struct kn_id id;
    bool row;
    int rc = kn_db_query(db, "SELECT key, id, name, folded FROM title WHERE joined IS NULL", NULL,
                         0, &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        rc = kn_db_blob(db, s, 1, id.b, sizeof id.b, err);
        if (!rc)
            rc = kn_match_offer(m, &id, kn_db_text(s, 2), kn_db_text(s, 3),
                                sqlite3_column_int64(s, 0), err);
    }
    return rc;
}

/* Names that only some of a title's paths bear, copies and other versions, and those that .nfo files give. Few have such, so
 * they are folded here and not kept. */
static int offer_copies(struct kn_db *db, struct kn_match *m, struct kn_err *err)
{
    struct kn_buf folded;
    sqlite3_stmt *s;
    struct kn_id id;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT coalesce(joined, title.key), title.id, path.name FROM path"
                         " JOIN file ON file.key = path.file JOIN title ON title.key = file.title"
                         " WHERE path.name <> title.name OR joined IS NOT NULL"
                         " UNION ALL SELECT key, id, called FROM title"
                         " WHERE called NOT IN ('', name) AND joined IS NULL",
                         NULL, 0, &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        rc = kn_db_blob(db, s, 1, id.b, sizeof id.b, err);
        if (rc)
            return rc;
        rc = kn_fold_name(kn_db_text(s, 2), &folded, err);
        if (!rc)
            rc = kn_match_offer(m, &id, kn_db_text(s, 2), folded.data, sqlite3_column_int64(s, 0),
                                err);
        kn_buf_free(&folded);
    }
    return rc;
}

/* The same for a name as it is: by index, or with a million titles the others would be looked at for seconds. */
static int offer_named(struct kn_db *db, struct kn_match *m, const char *name, struct kn_err *err)
{
    struct kn_id id = {{0}};
    struct kn_buf folded;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_fold_name(name, &folded, err);

    kn_id_parse(name, &id);
    if (!rc)
        rc = kn_db_query(
            db,
            "SELECT key, id, name FROM title WHERE folded = ?1 AND joined IS NULL"
            " UNION ALL SELECT key, id, name FROM title WHERE id = ?2 AND joined IS NULL"
            " UNION ALL SELECT coalesce(joined, title.key), title.id, path.name FROM path"
            " JOIN file ON file.key = path.file JOIN title ON title.key = file.title"
            " WHERE path.name = ?3 AND (path.name <> title.name OR joined IS NOT NULL)"
            " UNION ALL SELECT key, id, called FROM title"
            " WHERE called = ?3 AND called NOT IN ('', name) AND joined IS NULL",
            KN_VALUES(KN_TEXT(folded.data), KN_BLOB(id.b, sizeof id.b), KN_TEXT(name)), &s, err);
    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        rc = kn_db_blob(db, s, 1, id.b, sizeof id.b, err);
        if (!rc)
            rc = kn_match_offer(m, &id, kn_db_text(s, 2), folded.data, sqlite3_column_int64(s, 0),
                                err);
    }
    kn_buf_free(&folded);
    return rc;
}

static int find_in(struct kn_db *db, struct kn_match *m, const char *name, struct kn_arena *arena,
                   struct kn_title **out, size_t *n, struct kn_err *err)
{ /* name: NULL, or all that is looked for */
    struct kn_title *titles;
    sqlite3_stmt *s;
    size_t count;
    bool row;
    int rc = name ? offer_named(db, m, name, err) : offer_all(db, m, err);

    if (!rc && !name)
        rc = offer_copies(db, m, err);
    if (rc)
        return rc;
    count = kn_match_count(m);
    titles = kn_arena_array(arena, count, sizeof *titles);
    if (!titles)
        return kn_arena_full("what was found", err);
    for (size_t i = 0; i < count; i++) {
        rc = kn_db_query(db, "SELECT " KN_LOCAL_TITLE " FROM title WHERE key = ?",
                         KN_VALUES(KN_INT(kn_match_key(m, i))), &s, err);
        if (!rc)
            rc = kn_db_step(db, s, &row, err);
        if (!rc)
            rc = kn_local_read_title(db, s, arena, &titles[i], NULL, NULL, err);
        if (rc)
            return rc;
    }
    *out = titles;
    *n = count;
    return KN_OK;
}

int kn_local_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
                  struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_match *m;
    struct kn_db *db;
    int rc = kn_match_new(text, how, limit, &m, err);

    if (rc)
        return rc;
    rc = kn_local_reader(l, &db, err);
    if (!rc) {
        rc = find_in(db, m, how == KN_FIND_EXACT ? text : NULL, arena, out, n, err);
        kn_local_done(l, db);
    }
    kn_match_free(m);
    return rc;
}

/* after 0: from the start. */
static int scroll_in(struct kn_db *db, int64_t after, size_t limit, struct kn_arena *arena,
                     struct kn_title **out, size_t *n, struct kn_err *err)
{
    static const char first[] =
        "SELECT " KN_LOCAL_TITLE " FROM title WHERE joined IS NULL ORDER BY folded, id LIMIT ?";
    static const char next[] =
        "SELECT " KN_LOCAL_TITLE " FROM title WHERE joined IS NULL AND (folded, id) >"
        " (SELECT folded, id FROM title WHERE key = ?2)"
        " ORDER BY folded, id LIMIT ?1";
    struct kn_title *titles;
    int64_t most = 0;
    sqlite3_stmt *s;
    size_t i = 0;
    bool row;
    int rc = kn_db_number(db, "SELECT count(*) FROM title", NULL, 0, &row, &most, err);

    if (rc)
        return rc;
    if (limit > (size_t)most)
        limit = (size_t)most;
    titles = kn_arena_array(arena, limit, sizeof *titles);
    if (!titles)
        return kn_arena_full("a list of titles", err);
    if (after)
        rc = kn_db_query(db, next, KN_VALUES(KN_INT(limit), KN_INT(after)), &s, err);
    else
        rc = kn_db_query(db, first, KN_VALUES(KN_INT(limit)), &s, err);
    for (; !rc && i < limit && !(rc = kn_db_step(db, s, &row, err)) && row; i++) {
        rc = kn_local_read_title(db, s, arena, &titles[i], NULL, NULL, err);
        if (rc)
            return rc;
    }
    if (rc)
        return rc;
    *out = titles;
    *n = i;
    return KN_OK;
}

int kn_local_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                    struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    int64_t key = 0;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    if (after)
        rc = kn_local_title_key(db, after, &key, err);
    if (!rc)
        rc = scroll_in(db, key, limit, arena, out, n, err);
    kn_local_done(l, db);
    return rc;
}

static int stats_in(struct kn_db *db, struct kn_library_stats *out, struct kn_err *err)
{
    struct kn_library_stats stats = {0};
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT " KN_LOCAL_STATE " AS now, count(*), sum(duration) FROM title"
                         " WHERE joined IS NULL GROUP BY now",
                         NULL, 0, &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        int state = sqlite3_column_int(s, 0);
        uint64_t n = (uint64_t)sqlite3_column_int64(s, 1);

        if (state >= KN_STATE_PENDING && state <= KN_STATE_MISSING)
            stats.by_state[state] = n;
        stats.titles += n;
        stats.duration += sqlite3_column_double(s, 2);
    }
    if (!rc)
        rc = kn_db_query(db,
                         "SELECT (SELECT count(*) FROM segment), (SELECT count(*) FROM moment),"
                         " changes FROM library",
                         NULL, 0, &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    stats.segments = (uint64_t)sqlite3_column_int64(s, 0);
    stats.moments = (uint64_t)sqlite3_column_int64(s, 1);
    stats.changes = (uint64_t)sqlite3_column_int64(s, 2);
    *out = stats;
    return KN_OK;
}

int kn_local_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = stats_in(db, out, err);
    kn_local_done(l, db);
    return rc;
}
