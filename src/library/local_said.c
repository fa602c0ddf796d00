/* Words in transcripts, by FTS5. Two passes: segments that have all the words, which the index intersects fast, and only where these
 * are too few, segments that have some. The second leaves out words that are said often: they tell nothing. Of
 * more than OFTEN matches the first in the library are ranked, or a word like "the" would mean to read the whole index. */
#include "library/local.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <string.h>

enum {
    WORDS = 32, /* of a question; more are passed over */
    QUERY_MAX = 16 << 10,
    OFTEN = 20000, /* segments */
};

struct words {
    struct kn_sv word[WORDS];
    bool rare[WORDS];
    size_t n;
};

static struct words words_of(struct kn_sv text)
{
    struct words w = {.n = 0};

    while (text.n > 0 && w.n < WORDS) {
        size_t n = 0;

        while (n < text.n && !strchr(" \t\n\r\f\v", text.p[n]))
            n++;
        if (kn_count_words((struct kn_sv){text.p, n}) > 0)
            w.word[w.n++] = (struct kn_sv){text.p, n};
        n += n < text.n;
        text = (struct kn_sv){text.p + n, text.n - n};
    }
    return w;
}

/* As FTS5 quotes a string: then nothing in it is an operator. The last word may go on. */
static void add_word(struct kn_buf *out, const struct words *w, size_t i)
{
    kn_buf_adds(out, "\"", NULL);
    for (size_t j = 0; j < w->word[i].n; j++) {
        kn_buf_add(out, &w->word[i].p[j], 1, NULL);
        if (w->word[i].p[j] == '"')
            kn_buf_adds(out, "\"", NULL);
    }
    kn_buf_adds(out, i + 1 == w->n ? "\"*" : "\"", NULL);
}

static int match_of(const struct words *w, bool rare, const char *between, struct kn_buf *out,
                    struct kn_err *err)
{
    bool first = true;

    kn_buf_clear(out);
    for (size_t i = 0; i < w->n; i++) {
        if (rare && !w->rare[i])
            continue;
        if (!first)
            kn_buf_adds(out, between, NULL);
        add_word(out, w, i);
        first = false;
    }
    return kn_buf_ok(out, err);
}

static int mark_rare(struct kn_db *db, struct words *w, struct kn_buf *match, struct kn_err *err)
{
    static const char often[] = "SELECT count(*) FROM (SELECT 1 FROM segment_text"
                                " WHERE segment_text MATCH ?1 LIMIT ?2)";
    int64_t count = 0;
    bool found;
    int rc = KN_OK;

    for (size_t i = 0; !rc && i < w->n; i++) {
        kn_buf_clear(match);
        add_word(match, w, i);
        rc = kn_buf_ok(match, err);
        if (!rc)
            rc = kn_db_number(db, often, KN_VALUES(KN_TEXT(match->data), KN_INT(OFTEN)), &found,
                              &count, err);
        w->rare[i] = count < OFTEN;
    }
    return rc;
}

static bool is_among(const struct kn_moment_hit *hits, size_t n, const struct kn_moment_hit *one)
{
    for (size_t i = 0; i < n; i++)
        if (hits[i].moment == one->moment && memcmp(&hits[i].id, &one->id, sizeof one->id) == 0)
            return true;
    return false;
}

/* Adds moments to hits, up to k; a moment is as good as its best segment. */
static int add_matches(struct kn_db *db, const char *match, const struct kn_filter *filter,
                       size_t k, struct kn_moment_hit *hits, size_t *n, struct kn_err *err)
{
    static const char sql[] =
        "SELECT id, (SELECT moment.number FROM moment WHERE moment.title = segment.title"
        "  AND first_segment <= segment.number ORDER BY moment.number DESC LIMIT 1)"
        " FROM (SELECT rowid AS at, rank AS score FROM segment_text"
        "  WHERE segment_text MATCH ?1 LIMIT ?3)"
        " JOIN segment ON segment.key = at JOIN title ON title.key = segment.title"
        " WHERE joined IS NULL AND 1 = " KN_LOCAL_STATE
        " AND passes(?2, id, language, year, duration, genres)"
        " ORDER BY score, id, segment.number";
    sqlite3_stmt *s;
    bool row;
    int rc =
        kn_db_query(db, sql, KN_VALUES(KN_TEXT(match), KN_FILTER(filter), KN_INT(OFTEN)), &s, err);

    while (!rc && *n < k && !(rc = kn_db_step(db, s, &row, err)) && row) {
        struct kn_moment_hit hit = {.similarity = (double)NAN,
                                    .moment = (uint32_t)sqlite3_column_int64(s, 1)};

        rc = kn_db_blob(db, s, 0, hit.id.b, sizeof hit.id.b, err);
        if (!rc && sqlite3_column_type(s, 1) != SQLITE_NULL && !is_among(hits, *n, &hit))
            hits[(*n)++] = hit;
    }
    return rc;
}

static int said_in(struct kn_db *db, struct words *w, const struct kn_filter *filter, size_t k,
                   struct kn_moment_hit *hits, size_t *n, struct kn_err *err)
{
    struct kn_buf match;
    int rc = kn_local_know_passes(db, err);

    kn_buf_init(&match, QUERY_MAX);
    *n = 0;
    if (!rc)
        rc = match_of(w, false, " AND ", &match, err);
    if (!rc)
        rc = add_matches(db, match.data, filter, k, hits, n, err);
    if (!rc && *n < k && w->n > 1) {
        rc = mark_rare(db, w, &match, err);
        if (!rc)
            rc = match_of(w, true, " OR ", &match, err);
        if (!rc && match.n > 0)
            rc = add_matches(db, match.data, filter, k, hits, n, err);
    }
    kn_buf_free(&match);
    return rc;
}

int kn_local_said(struct kn_library *lib, const char *text, const struct kn_filter *filter,
                  size_t k, struct kn_moment_hit *hits, size_t *n, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct words w = words_of(kn_sv_of(text));
    struct kn_db *db;
    int rc;

    if (w.n == 0 || k == 0) {
        *n = 0;
        return KN_OK;
    }
    rc = kn_local_reader(l, &db, err);
    if (rc)
        return rc;
    rc = said_in(db, &w, filter, k, hits, n, err);
    kn_local_done(l, db);
    return rc;
}
