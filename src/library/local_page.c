#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/match.h"
#include "library/record.h"

#include <math.h>
#include <string.h>

/* What a title is sorted by; what is not known lies behind all numbers in either direction. ?1 sort, ?2 1 or -1. */
#define VALUE                                                                                      \
    "coalesce(?2 * CASE ?1 WHEN 0 THEN 0 WHEN 1 THEN key WHEN 2 THEN nullif(duration, 0)"          \
    " WHEN 3 THEN opinion ELSE nullif(year, 0) END, 9e999)"

/* ?3 state, ?4 part, ?5 filter */
#define PASSES                                                                                     \
    "joined IS NULL AND (?3 < 0 OR ?3 = " KN_LOCAL_STATE ")"                                       \
    " AND (?4 = '' OR instr(folded, ?4) > 0) AND passes(?5, id, language, year, duration, genres)"

/* ?6 limit, ?7 value, ?8 id, ?9 folded or NULL */
#define FOLDED "ifnull(?9, (SELECT folded FROM title WHERE id = ?8))"

/* ---- passes() ---- */

static void passes(sqlite3_context *context, int n, sqlite3_value **v)
{
    const struct kn_filter *f = sqlite3_value_pointer(v[0], "kn_filter");
    struct kn_title t = {.language = (const char *)sqlite3_value_text(v[2]),
                         .year = sqlite3_value_int(v[3]),
                         .duration = sqlite3_value_double(v[4]),
                         .genres = (const char *)sqlite3_value_text(v[5])};

    (void)n;
    if (sqlite3_value_bytes(v[1]) == (int)sizeof t.id)
        memcpy(&t.id, sqlite3_value_blob(v[1]), sizeof t.id);
    sqlite3_result_int(context, !f || !t.language || !t.genres || kn_filter_passes(f, &t));
}

int kn_local_know_passes(struct kn_db *db, struct kn_err *err)
{
    int rc = db->passes ? SQLITE_OK
                        : sqlite3_create_function(db->sqlite, "passes", 6, SQLITE_UTF8, NULL,
                                                  passes, NULL, NULL);

    db->passes = db->passes || rc == SQLITE_OK;
    return rc == SQLITE_OK ? KN_OK : kn_db_fail(db, rc, "make a function", err);
}

/* ---- a page ---- */

struct asked { /* a query as it is bound */
    struct kn_db_value values[9];
    size_t n; /* those without the place */
    struct kn_buf part;
};

static const char *statement_of(const struct kn_page_query *q)
{
    static const char up_first[] =
        "SELECT " KN_LOCAL_TITLE ", folded, " VALUE " AS value"
        " FROM title WHERE " PASSES " ORDER BY value, folded, id LIMIT ?6";
    static const char up_next[] =
        "SELECT " KN_LOCAL_TITLE ", folded, " VALUE " AS value"
        " FROM title WHERE " PASSES " AND (value, folded, id) > (?7, " FOLDED ", ?8)"
        " ORDER BY value, folded, id LIMIT ?6";
    /* By name there is an index, forwards and backwards; ?1 and ?2 are not looked at. */
    static const char name_first[] = "SELECT " KN_LOCAL_TITLE ", folded, 0 AS value FROM title"
                                     " WHERE " PASSES " ORDER BY folded, id LIMIT ?6";
    static const char name_next[] = "SELECT " KN_LOCAL_TITLE ", folded, 0 AS value FROM title"
                                    " WHERE " PASSES " AND (folded, id) > (" FOLDED ", ?8)"
                                    " ORDER BY folded, id LIMIT ?6";
    static const char back_first[] = "SELECT " KN_LOCAL_TITLE ", folded, 0 AS value FROM title"
                                     " WHERE " PASSES " ORDER BY folded DESC, id DESC LIMIT ?6";
    static const char back_next[] = "SELECT " KN_LOCAL_TITLE ", folded, 0 AS value FROM title"
                                    " WHERE " PASSES " AND (folded, id) < (" FOLDED ", ?8)"
                                    " ORDER BY folded DESC, id DESC LIMIT ?6";

    if (q->sort != KN_SORT_NAME)
        return q->after ? up_next : up_first;
    if (q->descending)
        return q->after ? back_next : back_first;
    return q->after ? name_next : name_first;
}

static int ask(const struct kn_page_query *q, struct asked *a, struct kn_err *err)
{
    int rc;

    *a = (struct asked){.n = 6};
    rc = kn_fold_name(q->part ? q->part : "", &a->part, err);
    a->values[0] = KN_INT(q->sort);
    a->values[1] = KN_INT(q->descending ? -1 : 1);
    a->values[2] = KN_INT(q->state);
    a->values[3] = KN_TEXT(a->part.data);
    a->values[4] = KN_FILTER(q->filter);
    a->values[5] = KN_INT(q->limit + 1); /* whether there is one more */
    if (q->after) {
        a->values[6] = KN_REAL(q->after->value);
        a->values[7] = KN_BLOB(q->after->id.b, sizeof q->after->id.b);
        a->values[8] = q->after->folded ? KN_TEXT(q->after->folded) : KN_REAL((double)NAN);
        a->n = 9;
    }
    return rc;
}

static int read_page(struct kn_db *db, const struct kn_page_query *q, const struct asked *a,
                     struct kn_arena *arena, struct kn_page *out, struct kn_err *err)
{
    const int folded = 16, value = 17; /* behind the columns of KN_LOCAL_TITLE */
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, statement_of(q), a->values, a->n, &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        if (out->n == q->limit) {
            out->more = true;
            break;
        }
        out->last.value = sqlite3_column_double(s, value);
        if (out->n + 1 == q->limit)
            out->last.folded = kn_arena_text(arena, kn_db_text(s, folded));
        rc = kn_local_read_title(db, s, arena, &out->titles[out->n++], NULL, NULL, err);
    }
    if (!rc && out->more && !out->last.folded)
        rc = kn_arena_full("a page", err);
    if (!rc && out->more)
        out->last.id = out->titles[out->n - 1].id;
    return rc;
}

static int page_in(struct kn_db *db, const struct kn_page_query *q, struct kn_arena *arena,
                   struct kn_page *out, struct kn_err *err)
{
    static const char count[] = "SELECT count(*) FROM title WHERE " PASSES;
    struct kn_page page = {0};
    int64_t total = 0;
    struct asked a;
    bool found;
    int rc = ask(q, &a, err);

    if (!rc)
        rc = kn_local_know_passes(db, err);
    if (!rc)
        rc = kn_db_number(db, count, a.values, 5, &found, &total, err);
    page.total = (uint64_t)total;
    if (!rc) {
        size_t room = page.total < q->limit ? (size_t)page.total : q->limit;

        page.titles = kn_arena_array(arena, room + 1, sizeof *page.titles);
        rc = page.titles ? read_page(db, q, &a, arena, &page, err) : kn_arena_full("a page", err);
    }
    kn_buf_free(&a.part);
    if (!rc)
        *out = page;
    return rc;
}

int kn_local_page(struct kn_library *lib, const struct kn_page_query *query, struct kn_arena *arena,
                  struct kn_page *out, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = page_in(db, query, arena, out, err);
    kn_local_done(l, db);
    return rc;
}

int kn_local_changes(struct kn_library *lib, uint64_t *out, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    int64_t changes = 0;
    struct kn_db *db;
    bool found;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = kn_db_number(db, "SELECT changes FROM library", NULL, 0, &found, &changes, err);
    kn_local_done(l, db);
    if (!rc)
        *out = (uint64_t)changes;
    return rc;
}

/* ---- facets ---- */

/* Each row: a value and how many titles have it. */
static int read_facets(struct kn_db *db, const char *sql, struct kn_arena *arena,
                       struct kn_facet **out, size_t *n, struct kn_err *err)
{
    struct kn_facet *facets = NULL;
    size_t cap = 0;
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db, sql, NULL, 0, &s, err);

    *n = 0;
    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        if (*n == cap) { /* what was there stays in the arena: there are hundreds at most */
            struct kn_facet *more = kn_arena_array(arena, cap = 2 * cap + 16, sizeof *more);

            if (!more)
                return kn_arena_full("facets", err);
            if (*n > 0)
                memcpy(more, facets, *n * sizeof *more);
            facets = more;
        }
        facets[*n] = (struct kn_facet){kn_arena_text(arena, kn_db_text(s, 0)),
                                       (uint64_t)sqlite3_column_int64(s, 1)};
        if (!facets[(*n)++].value)
            return kn_arena_full("facets", err);
    }
    *out = facets;
    return rc;
}

static int facets_in(struct kn_db *db, struct kn_arena *arena, struct kn_facets *out,
                     struct kn_err *err)
{
    static const char languages[] =
        "SELECT language, count(*) AS n FROM title"
        " WHERE joined IS NULL GROUP BY language ORDER BY n DESC, language";
    /* "Drama, Western" -> both. */
    static const char genres[] =
        "WITH RECURSIVE part (one, rest) AS ("
        " SELECT '', genres || ', ' FROM title WHERE joined IS NULL AND genres <> ''"
        " UNION ALL SELECT substr(rest, 1, instr(rest, ', ') - 1),"
        " substr(rest, instr(rest, ', ') + 2) FROM part WHERE rest <> '')"
        " SELECT one, count(*) AS n FROM part WHERE one <> '' GROUP BY one ORDER BY n DESC, one";
    struct kn_facets f = {0};
    sqlite3_stmt *s;
    bool row;
    int rc = read_facets(db, languages, arena, &f.languages, &f.n_languages, err);

    if (!rc)
        rc = read_facets(db, genres, arena, &f.genres, &f.n_genres, err);
    if (!rc)
        rc = kn_db_query(db,
                         "SELECT min(year), max(year) FROM title"
                         " WHERE joined IS NULL AND year <> 0",
                         NULL, 0, &s, err);
    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    f.year_from = sqlite3_column_int(s, 0);
    f.year_to = sqlite3_column_int(s, 1);
    *out = f;
    return KN_OK;
}

int kn_local_facets(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                    struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_db *db;
    int rc = kn_local_reader(l, &db, err);

    if (rc)
        return rc;
    rc = facets_in(db, arena, out, err);
    kn_local_done(l, db);
    return rc;
}
