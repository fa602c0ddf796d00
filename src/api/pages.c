/* One title, titles page by page, and the library as a whole. */
#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 50,
    PAGE_MAX = 1000,
    /* A cursor is part of an address, which is kept short: a longer name is looked up again by its id. */
    NAME_IN_CURSOR = 1000,
    CURSOR_HEAD = 2 + 16 + 32, /* sort, direction, value, id */
};

static void *new_result(size_t size, size_t arena_at)
{
    char *p = calloc(1, size);
    struct kn_arena *arena = p ? kn_arena_new(0) : NULL;

    if (!arena) {
        free(p);
        return NULL;
    }
    memcpy(p + arena_at, &arena, sizeof arena);
    return p;
}

int kinora_title(struct kinora *k, const struct kn_id *id, struct kinora_titles **out,
                 struct kn_err *err)
{
    struct kinora_titles *t = new_result(sizeof *t, offsetof(struct kinora_titles, arena));
    struct kn_record *r = t ? kn_arena_get(t->arena, sizeof *r) : NULL;
    int rc = r ? kn_library_get(k->lib, id, 0, t->arena, r, err) : kn_api_no_memory(err, "title");

    if (rc) {
        kinora_titles_free(t);
        return rc;
    }
    t->titles = &r->title;
    t->n = 1;
    *out = t;
    return KN_OK;
}

/* ---- cursors: the letter of the order, that of the direction, the value's bits, the id, the name, in hexadecimal ---- */

static const char sort_letters[] = "nadoy";

static char sort_letter(const struct kinora_page_query *q)
{
    return sort_letters[q->sort];
}

static char direction_letter(const struct kinora_page_query *q)
{
    return q->descending ? 'd' : 'a';
}

static void add_hex(struct kn_buf *out, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kn_buf_addf(out, NULL, "%02x", ((const unsigned char *)bytes)[i]);
}

static int write_cursor(const struct kinora_page_query *q, const struct kn_place *place,
                        struct kn_arena *arena, const char **out, struct kn_err *err)
{
    size_t n = strlen(place->folded);
    struct kn_buf b;

    kn_buf_init(&b, CURSOR_HEAD + 2 * NAME_IN_CURSOR);
    kn_buf_addf(&b, NULL, "%c%c", sort_letter(q), direction_letter(q));
    add_hex(&b, &place->value, sizeof place->value);
    add_hex(&b, place->id.b, sizeof place->id.b);
    if (n <= NAME_IN_CURSOR)
        add_hex(&b, place->folded, n);
    *out = kn_buf_ok(&b, err) ? NULL : kn_arena_bytes(arena, b.data, b.n);
    kn_buf_free(&b);
    return *out ? KN_OK : kn_api_no_memory(err, "list titles");
}

static bool read_hex(const char *hex, size_t n, void *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        const char *high = hex[2 * i] ? strchr(digits, hex[2 * i]) : NULL;
        const char *low = hex[2 * i + 1] ? strchr(digits, hex[2 * i + 1]) : NULL;

        if (!high || !low)
            return false;
        ((unsigned char *)out)[i] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static int read_cursor(const struct kinora_page_query *q, struct kn_arena *arena,
                       struct kn_place *out, struct kn_err *err)
{
    const char *c = q->cursor;
    size_t n = strlen(c), name = n > CURSOR_HEAD ? (n - CURSOR_HEAD) / 2 : 0;
    char *folded = kn_arena_get(arena, name + 1);

    if (!folded)
        return kn_api_no_memory(err, "list titles");
    if (n < CURSOR_HEAD || n % 2 != 0 || name > NAME_IN_CURSOR || c[0] != sort_letter(q) ||
        c[1] != direction_letter(q) || !read_hex(c + 2, sizeof out->value, &out->value) ||
        !read_hex(c + 18, sizeof out->id.b, out->id.b) ||
        !read_hex(c + CURSOR_HEAD, name, folded) || out->value != out->value)
        return kn_err_set(err, KN_EARG,
                          "list titles: this cursor is not one of this order; begin without one");
    out->folded = name > 0 ? folded : NULL;
    return KN_OK;
}

/* ---- pages ---- */

void kinora_page_free(struct kinora_page *p)
{
    if (!p)
        return;
    kn_arena_free(p->arena);
    free(p);
}

static int read_query(const struct kinora_page_query *q, struct kn_arena *arena,
                      struct kn_filter *filter, struct kn_page_query *out, struct kn_err *err)
{
    static const enum kn_sort sorts[] = {
        [KINORA_BY_NAME] = KN_SORT_NAME,         [KINORA_BY_ADDED] = KN_SORT_ADDED,
        [KINORA_BY_DURATION] = KN_SORT_DURATION, [KINORA_BY_OPINION] = KN_SORT_OPINION,
        [KINORA_BY_YEAR] = KN_SORT_YEAR,
    };
    struct kn_place *after = kn_arena_get(arena, sizeof *after);
    int rc = kn_api_state(q->state, &out->state, err);

    if (rc)
        return rc;
    if (q->limit > PAGE_MAX)
        return kn_err_set(err, KN_EARG, "list titles: limit %zu; at most %d", q->limit, PAGE_MAX);
    *filter = (struct kn_filter){.year_from = q->year_from, .year_to = q->year_to};
    out->filter = filter;
    out->part = q->part;
    out->sort = sorts[q->sort];
    out->descending = q->descending;
    out->limit = q->limit ? q->limit : PAGE;
    if (q->language && *q->language && strcmp(q->language, "any") != 0)
        rc = kn_api_languages(q->language, arena, filter, err);
    if (rc == KN_OK)
        rc = kn_api_genres(q->genres, arena, filter, err);
    if (rc == KN_OK && q->cursor && *q->cursor) {
        rc = after ? read_cursor(q, arena, after, err) : kn_api_no_memory(err, "list titles");
        out->after = after;
    }
    return rc;
}

int kinora_pages(struct kinora *k, const struct kinora_page_query *query, struct kinora_page **out,
                 struct kn_err *err)
{
    struct kinora_page *p = new_result(sizeof *p, offsetof(struct kinora_page, arena));
    struct kn_page_query q = {0};
    struct kn_filter filter;
    struct kn_page page;
    int rc;

    if (!p)
        return kn_api_no_memory(err, "list titles");
    rc = read_query(query, p->arena, &filter, &q, err);
    if (rc == KN_OK)
        rc = kn_library_page(k->lib, &q, p->arena, &page, err);
    if (rc == KN_OK && page.more)
        rc = write_cursor(query, &page.last, p->arena, &p->next, err);
    if (rc) {
        kinora_page_free(p);
        return rc;
    }
    p->titles = page.titles;
    p->n = page.n;
    p->total = page.total;
    *out = p;
    return KN_OK;
}

/* ---- the library as a whole ---- */

int kinora_changes(struct kinora *k, uint64_t *out, struct kn_err *err)
{
    return kn_library_changes(k->lib, out, err);
}

void kinora_stats_free(struct kinora_stats *s)
{
    if (!s)
        return;
    kn_arena_free(s->arena);
    free(s);
}

static int copy_facets(const struct kn_facet *from, size_t n, struct kn_arena *arena,
                       const struct kinora_facet **out, struct kn_err *err)
{
    struct kinora_facet *facets = kn_arena_array(arena, n, sizeof *facets);

    if (!facets)
        return kn_api_no_memory(err, "statistics");
    for (size_t i = 0; i < n; i++)
        facets[i] = (struct kinora_facet){from[i].value, from[i].titles};
    *out = facets;
    return KN_OK;
}

static int fill_stats(struct kinora *k, struct kinora_stats *s, struct kn_err *err)
{
    char *model = kn_arena_get(s->arena, 64);
    struct kn_library_stats stats;
    struct kn_facets facets;
    size_t dim;
    int rc =
        model ? kn_library_model(k->lib, model, &dim, err) : kn_api_no_memory(err, "statistics");

    if (rc == KN_OK)
        rc = kn_library_get_stats(k->lib, &stats, err);
    if (rc == KN_OK)
        rc = kn_library_facets(k->lib, s->arena, &facets, err);
    if (rc == KN_OK)
        rc = copy_facets(facets.languages, facets.n_languages, s->arena, &s->languages, err);
    if (rc == KN_OK)
        rc = copy_facets(facets.genres, facets.n_genres, s->arena, &s->genres, err);
    if (rc)
        return rc;
    s->titles = stats.titles;
    memcpy(s->by_state, stats.by_state, sizeof s->by_state);
    s->segments = stats.segments;
    s->moments = stats.moments;
    s->bytes = stats.bytes;
    s->index_bytes = stats.index_bytes;
    s->duration = stats.duration;
    s->embedding_model = model;
    s->n_languages = facets.n_languages;
    s->n_genres = facets.n_genres;
    s->year_from = facets.year_from;
    s->year_to = facets.year_to;
    return KN_OK;
}

int kinora_stats(struct kinora *k, struct kinora_stats **out, struct kn_err *err)
{
    struct kinora_stats *s = new_result(sizeof *s, offsetof(struct kinora_stats, arena));
    int rc = s ? fill_stats(k, s, err) : kn_api_no_memory(err, "statistics");

    if (rc)
        kinora_stats_free(s);
    else
        *out = s;
    return rc;
}
