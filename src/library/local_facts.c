/* What a title's paths tell of it, and titles that are versions of one film. */
#include "library/local.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/match.h"
#include "library/record.h"
#include "text/filmname.h"

#include <string.h>

/* ---- facts ---- */

int kn_local_tell(struct kn_db *db, int64_t path, const struct kn_facts *f, struct kn_err *err)
{
    return kn_db_run(db,
                     "UPDATE path SET facts = ?, called = ?, genres = ?, plot = ?, kind = ?,"
                     " ids = ?, poster = ? WHERE key = ?",
                     KN_VALUES(KN_BLOB(f->key.b, sizeof f->key.b), KN_TEXT(f->called),
                               KN_TEXT(f->genres), KN_TEXT(f->plot), KN_TEXT(f->kind),
                               KN_TEXT(f->ids), KN_TEXT(f->poster), KN_INT(path)),
                     err);
}

struct gathered {
    const char *name, *kind, *texts[4]; /* called, genres, plot, poster */
    int64_t year;
    struct kn_film_ids ids;
    size_t own, paths; /* of the title itself; with those of what is joined in it */
};

/* Of the first path that has it, its own before others. */
static int gather_path(sqlite3_stmt *s, struct kn_arena *arena, struct gathered *g,
                       struct kn_err *err)
{
    struct kn_film_ids ids;
    bool full = false;

    g->own += sqlite3_column_int(s, 8) != 0;
    if (g->paths++ == 0) {
        g->name = kn_arena_text(arena, kn_db_text(s, 0));
        g->kind = kn_arena_text(arena, kn_db_text(s, 1));
        full = !g->name || !g->kind;
    }
    for (int i = 0; i < 4; i++) {
        if (*g->texts[i] || !*kn_db_text(s, 2 + i))
            continue;
        g->texts[i] = kn_arena_text(arena, kn_db_text(s, 2 + i));
        full |= !g->texts[i];
    }
    g->year = g->year ? g->year : sqlite3_column_int64(s, 6);
    kn_film_ids_parse(kn_db_text(s, 7), &ids);
    kn_film_ids_fill(&g->ids, &ids);
    return full ? kn_arena_full("what paths tell", err) : KN_OK;
}

static int gather(struct kn_db *db, int64_t title, struct kn_arena *arena, struct gathered *g,
                  struct kn_err *err)
{
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT path.name, path.kind, path.called, path.genres, path.plot,"
                         " path.poster, path.year, path.ids, title.key = ?1 AS own FROM title"
                         " JOIN file ON file.title = title.key JOIN path ON path.file = file.key"
                         " WHERE title.key = ?1 OR title.joined = ?1 ORDER BY own DESC, path.path",
                         KN_VALUES(KN_INT(title)), &s, err);

    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row)
        rc = gather_path(s, arena, g, err);
    return rc;
}

/* Only what is new: to look at an unchanged film must not count as a change. */
static int set_facts(struct kn_db *db, int64_t title, const struct gathered *g, const char *ids,
                     struct kn_err *err)
{
    struct kn_buf folded;
    int rc = kn_fold_name(g->name, &folded, err);

    if (!rc)
        rc = kn_db_run(
            db,
            "UPDATE title SET name = ?2, folded = ?3, year = ?4 WHERE key = ?1"
            " AND (name, year) IS NOT (?2, ?4)",
            KN_VALUES(KN_INT(title), KN_TEXT(g->name), KN_TEXT(folded.data), KN_INT(g->year)), err);
    kn_buf_free(&folded);
    if (!rc)
        rc = kn_db_run(db,
                       "UPDATE title SET called = ?2, genres = ?3, plot = ?4, poster = ?5,"
                       " kind = ?6, ids = ?7, gone = '' WHERE key = ?1"
                       " AND (called, genres, plot, poster, kind, ids, gone) IS NOT"
                       " (?2, ?3, ?4, ?5, ?6, ?7, '')",
                       KN_VALUES(KN_INT(title), KN_TEXT(g->texts[0]), KN_TEXT(g->texts[1]),
                                 KN_TEXT(g->texts[2]), KN_TEXT(g->texts[3]), KN_TEXT(g->kind),
                                 KN_TEXT(ids)),
                       err);
    return rc;
}

static int set_external(struct kn_db *db, int64_t title, const char *ids, struct kn_err *err)
{
    char one[KN_FILM_IDS];
    int rc = kn_db_run(db, "DELETE FROM external WHERE title = ?", KN_VALUES(KN_INT(title)), err);

    while (!rc && *ids) {
        size_t n = strcspn(ids, " ");

        memcpy(one, ids, n);
        one[n] = '\0';
        rc = kn_db_run(db, "INSERT INTO external (id, title) VALUES (?, ?)",
                       KN_VALUES(KN_TEXT(one), KN_INT(title)), err);
        ids += ids[n] ? n + 1 : n;
    }
    return rc;
}

/* It was there, and nobody says where it went. */
#define REASON_UNKNOWN "no file of it is known any more"

/* Why it has no path. Texts that were imported never had one, and what a title was missing for before stays unless there is
 * a new reason. */
static int set_gone(struct kn_db *db, int64_t title, const char *reason, struct kn_err *err)
{
    return kn_db_run(
        db,
        "UPDATE title SET gone = ?2 WHERE key = ?1 AND (?3 OR (gone = ''"
        " AND EXISTS (SELECT 1 FROM file WHERE file.title = title.key)))",
        KN_VALUES(KN_INT(title), KN_TEXT(reason ? reason : REASON_UNKNOWN), KN_INT(reason != NULL)),
        err);
}

static int settle_one(struct kn_db *db, int64_t title, const char *reason, bool *missing,
                      struct kn_err *err)
{
    struct gathered g = {.name = "", .kind = "", .texts = {"", "", "", ""}};
    struct kn_arena *arena = kn_arena_new(0);
    char ids[KN_FILM_IDS];
    int rc = arena ? gather(db, title, arena, &g, err) : kn_arena_full("what paths tell", err);

    if (!rc && missing)
        *missing = g.paths == 0;
    kn_film_ids_text(&g.ids, ids);
    if (!rc && g.paths == 0) {
        rc = set_gone(db, title, reason, err);
    } else if (!rc &&
               g.own == 0) { /* what is joined in it is there; its name and facts are its own */
        rc = kn_db_run(db, "UPDATE title SET gone = '' WHERE key = ? AND gone <> ''",
                       KN_VALUES(KN_INT(title)), err);
    } else if (!rc) {
        rc = set_facts(db, title, &g, ids, err);
        if (!rc)
            rc = set_external(db, title, ids, err);
    }
    kn_arena_free(arena);
    return rc;
}

int kn_local_settle_paths(struct kn_db *db, int64_t title, const char *reason, bool *missing,
                          struct kn_err *err)
{
    int64_t lead = 0;
    bool joined;
    int rc = kn_db_number(db, "SELECT joined FROM title WHERE key = ? AND joined IS NOT NULL",
                          KN_VALUES(KN_INT(title)), &joined, &lead, err);

    if (!rc)
        rc = settle_one(db, title, reason, joined ? NULL : missing, err);
    return rc || !joined ? rc : settle_one(db, lead, reason, missing, err);
}

/* ---- versions ---- */

/* Those of other become lead's. */
static int join(struct kn_db *db, int64_t lead, int64_t other, struct kn_err *err)
{
    int rc = kn_db_run(db, "UPDATE title SET joined = ?1 WHERE key = ?2 OR joined = ?2",
                       KN_VALUES(KN_INT(lead), KN_INT(other)), err);

    return rc ? rc : kn_local_settle_paths(db, other, NULL, NULL, err);
}

/* Which of two titles stands for both: what has words, else whose path comes first. */
static int lead_of(struct kn_db *db, int64_t a, int64_t b, int64_t *lead, struct kn_err *err)
{
    bool found;

    return kn_db_number(db,
                        "SELECT key FROM title WHERE key IN (?, ?) ORDER BY"
                        " NOT EXISTS (SELECT 1 FROM segment WHERE segment.title = title.key),"
                        " gone <> '', (SELECT min(path) FROM path JOIN file ON file.key = path.file"
                        " WHERE file.title = title.key), id LIMIT 1",
                        KN_VALUES(KN_INT(a), KN_INT(b)), &found, lead, err);
}

int kn_local_join_alike(struct kn_db *db, int64_t title, struct kn_err *err)
{
    int64_t mine, other, lead;
    bool found;

    for (;;) {
        int rc = kn_db_number(db, "SELECT coalesce(joined, key) FROM title WHERE key = ?",
                              KN_VALUES(KN_INT(title)), &found, &mine, err);

        if (!rc)
            rc = kn_db_number(
                db,
                "SELECT coalesce(other.joined, other.key) FROM external AS my"
                " JOIN external AS their ON their.id = my.id AND their.title <> my.title"
                " JOIN title AS other ON other.key = their.title"
                " JOIN title AS self ON self.key = my.title"
                " WHERE my.title = ?1 AND self.apart = 0 AND other.apart = 0"
                " AND coalesce(other.joined, other.key) <> ?2 LIMIT 1",
                KN_VALUES(KN_INT(title), KN_INT(mine)), &found, &other, err);
        if (!rc && found)
            rc = lead_of(db, mine, other, &lead, err);
        if (!rc && found)
            rc = join(db, lead, lead == mine ? other : mine, err);
        if (rc || !found)
            return rc;
    }
}

/* A write transaction on the titles that answer for these. */
static int begin(struct kn_library *lib, const struct kn_id *ids, size_t n, struct local **l,
                 int64_t *leads, struct kn_err *err)
{
    bool found;
    int rc = kn_local_store(lib, l, err);

    if (!rc)
        rc = kn_local_begin(*l, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = kn_local_title_key((*l)->writer, &ids[i], &leads[i], err);
        if (!rc)
            rc = kn_db_number((*l)->writer, "SELECT coalesce(joined, key) FROM title WHERE key = ?",
                              KN_VALUES(KN_INT(leads[i])), &found, &leads[i], err);
    }
    return rc ? kn_local_end(*l, rc, err) : KN_OK;
}

int kn_store_join(struct kn_library *lib, const struct kn_id *lead, const struct kn_id *other,
                  bool by_hand, struct kn_err *err)
{
    const struct kn_id ids[] = {*lead, *other};
    struct local *l = NULL;
    int64_t keys[2], apart = 0;
    bool found;
    int rc = begin(lib, ids, 2, &l, keys, err);

    if (rc)
        return rc;
    if (keys[0] == keys[1])
        return kn_local_end(l, KN_OK, err);
    if (by_hand)
        rc = kn_db_run(l->writer, "UPDATE title SET apart = 0 WHERE key IN (?, ?)",
                       KN_VALUES(KN_INT(keys[0]), KN_INT(keys[1])), err);
    else
        rc = kn_db_number(l->writer, "SELECT max(apart) FROM title WHERE key IN (?, ?)",
                          KN_VALUES(KN_INT(keys[0]), KN_INT(keys[1])), &found, &apart, err);
    if (!rc && !apart)
        rc = join(l->writer, keys[0], keys[1], err);
    return kn_local_end(l, rc, err);
}

static int split(struct kn_db *db, int64_t lead, size_t *n, struct kn_err *err)
{
    int64_t count = 0, one = 0;
    bool found;
    int rc = kn_db_number(db, "SELECT count(*) FROM title WHERE joined = ?",
                          KN_VALUES(KN_INT(lead)), &found, &count, err);

    if (!rc && count > 0)
        rc = kn_db_run(db, "UPDATE title SET apart = 1 WHERE key = ?1 OR joined = ?1",
                       KN_VALUES(KN_INT(lead)), err);
    for (bool more = true; !rc && more;) {
        rc = kn_db_number(db, "SELECT key FROM title WHERE joined = ? LIMIT 1",
                          KN_VALUES(KN_INT(lead)), &more, &one, err);
        if (!rc && more)
            rc = kn_db_run(db, "UPDATE title SET joined = NULL WHERE key = ?",
                           KN_VALUES(KN_INT(one)), err);
        if (!rc && more)
            rc = kn_local_settle_paths(db, one, NULL, NULL, err);
    }
    if (!rc && count > 0)
        rc = kn_local_settle_paths(db, lead, NULL, NULL, err);
    *n = (size_t)count;
    return rc;
}

int kn_store_split(struct kn_library *lib, const struct kn_id *id, size_t *n, struct kn_err *err)
{
    struct local *l = NULL;
    size_t parts = 0;
    int64_t lead;
    int rc = begin(lib, id, 1, &l, &lead, err);

    if (rc)
        return rc;
    rc = kn_local_end(l, split(l->writer, lead, &parts, err), err);
    if (!rc)
        *n = parts;
    return rc;
}

static int promote(struct kn_db *db, int64_t title, bool *leads, struct kn_err *err)
{
    int64_t lead = 0;
    int rc = kn_db_number(
        db,
        "SELECT lead.key FROM title AS self JOIN title AS lead ON lead.key = self.joined"
        " WHERE self.key = ? AND self.state IN (0, 1) AND (lead.state IN (2, 3) OR (lead.state = 0"
        " AND NOT EXISTS (SELECT 1 FROM path JOIN file ON file.key = path.file"
        " WHERE file.title = lead.key)))",
        KN_VALUES(KN_INT(title)), leads, &lead, err);

    if (rc || !*leads)
        return rc;
    rc = kn_db_run(db, "UPDATE title SET joined = nullif(?1, key) WHERE key = ?2 OR joined = ?2",
                   KN_VALUES(KN_INT(title), KN_INT(lead)), err);
    return rc ? rc : kn_local_settle_paths(db, lead, NULL, NULL, err);
}

int kn_store_promote(struct kn_library *lib, const struct kn_id *id, bool *leads,
                     struct kn_err *err)
{
    struct local *l = NULL;
    bool now = false;
    int64_t title;
    int rc = kn_local_store(lib, &l, err);

    if (!rc)
        rc = kn_local_begin(l, err);
    if (rc)
        return rc;
    rc = kn_local_title_key(l->writer, id, &title, err);
    if (!rc)
        rc = promote(l->writer, title, &now, err);
    rc = now || rc ? kn_local_end(l, rc, err) : kn_local_leave(l);
    if (!rc)
        *leads = now;
    return rc;
}

/* ---- reading ---- */

static int at_in(struct kn_db *db, const char *path, bool *found, struct kn_id *id, bool *apart,
                 struct kn_err *err)
{
    sqlite3_stmt *s;
    struct kn_id lead;
    bool row;
    int rc =
        kn_db_query(db,
                    "SELECT lead.id, self.apart OR lead.apart FROM path"
                    " JOIN file ON file.key = path.file JOIN title AS self ON self.key = file.title"
                    " JOIN title AS lead ON lead.key = coalesce(self.joined, self.key)"
                    " WHERE path = ?",
                    KN_VALUES(KN_TEXT(path)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (!rc && row)
        rc = kn_db_blob(db, s, 0, lead.b, sizeof lead.b, err);
    if (rc)
        return rc;
    *found = row;
    if (row) {
        *id = lead;
        *apart = sqlite3_column_int(s, 1);
    }
    return KN_OK;
}

int kn_store_at(struct kn_library *lib, const char *path, bool *found, struct kn_id *id,
                bool *apart, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc = kn_local_store_reader(lib, &l, &db, err);

    if (rc)
        return rc;
    rc = at_in(db, path, found, id, apart, err);
    kn_local_done(l, db);
    return rc;
}

static int facts_in(struct kn_db *db, const struct kn_id *id, struct kn_arena *arena,
                    struct kn_facts *out, struct kn_err *err)
{
    struct kn_facts f = {.year = 0};
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(
        db, "SELECT called, genres, plot, kind, ids, poster, year FROM title WHERE id = ?",
        KN_VALUES(KN_BLOB(id->b, sizeof id->b)), &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    if (!row)
        return kn_err_set(err, KN_ENOTFOUND, "library '%s': no such title", db->path);
    f.called = kn_arena_text(arena, kn_db_text(s, 0));
    f.genres = kn_arena_text(arena, kn_db_text(s, 1));
    f.plot = kn_arena_text(arena, kn_db_text(s, 2));
    f.kind = kn_arena_text(arena, kn_db_text(s, 3));
    f.ids = kn_arena_text(arena, kn_db_text(s, 4));
    f.poster = kn_arena_text(arena, kn_db_text(s, 5));
    f.year = sqlite3_column_int(s, 6);
    if (!f.called || !f.genres || !f.plot || !f.kind || !f.ids || !f.poster)
        return kn_arena_full("what is told of a title", err);
    *out = f;
    return KN_OK;
}

int kn_store_facts(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                   struct kn_facts *out, struct kn_err *err)
{
    struct local *l = NULL;
    struct kn_db *db;
    int rc;

    if (!kn_local_of(lib)) {
        *out = (struct kn_facts){
            .called = "", .genres = "", .plot = "", .kind = "", .ids = "", .poster = ""};
        return KN_OK;
    }
    rc = kn_local_store_reader(lib, &l, &db, err);
    if (rc)
        return rc;
    rc = facts_in(db, id, arena, out, err);
    kn_local_done(l, db);
    return rc;
}
