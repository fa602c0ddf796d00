#include "library/backend.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/match.h"
#include "library/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCROLL = 1000 };

struct row {
    struct kn_title title;
    struct kn_place place;
};

/* All titles, in order of name. */
static int read_all(struct kn_library *lib, struct kn_arena *arena, struct row **out, size_t *n,
                    struct kn_err *err)
{
    struct kn_title *page;
    struct kn_id after;
    struct row *rows = NULL;
    size_t cap = 0, got = SCROLL;
    int rc = KN_OK;

    for (*n = 0; !rc && got == SCROLL; *n += rc ? 0 : got) {
        rc = kn_library_scroll(lib, *n ? &after : NULL, SCROLL, arena, &page, &got, err);
        if (!rc && *n + got > cap) {
            struct row *more = kn_arena_array(arena, cap = 2 * cap + SCROLL, sizeof *more);

            if (!more)
                return kn_arena_full("all titles", err);
            if (*n > 0)
                memcpy(more, rows, *n * sizeof *more);
            rows = more;
        }
        for (size_t i = 0; !rc && i < got; i++)
            rows[*n + i] = (struct row){.title = page[i], .place = {.id = page[i].id}};
        if (!rc && got > 0)
            after = page[got - 1].id;
    }
    *out = rows;
    return rc;
}

static double value_of(const struct kn_page_query *q, const struct kn_title *t)
{
    double v = q->sort == KN_SORT_DURATION  ? t->duration
               : q->sort == KN_SORT_OPINION ? t->opinion
               : q->sort == KN_SORT_YEAR    ? t->year
                                            : 0;
    bool unknown = q->sort == KN_SORT_OPINION ? isnan(v) : v == 0 && q->sort >= KN_SORT_DURATION;

    return unknown ? (double)INFINITY : q->descending ? -v : v;
}

static int by_name_back(const struct kn_place *a, const struct kn_place *b)
{
    int names = strcmp(b->folded, a->folded);

    return names ? names : memcmp(&b->id, &a->id, sizeof a->id);
}

static int by_value(const struct kn_place *a, const struct kn_place *b)
{
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return by_name_back(b, a);
}

/* Without the order in which titles came, that of ids stands for it. */
static int by_id(const struct kn_place *a, const struct kn_place *b)
{
    return memcmp(&a->id, &b->id, sizeof a->id);
}

static int by_id_back(const struct kn_place *a, const struct kn_place *b)
{
    return by_id(b, a);
}

typedef int (*order)(const struct kn_place *a, const struct kn_place *b);

static order order_of(const struct kn_page_query *q)
{
    if (q->sort == KN_SORT_ADDED)
        return q->descending ? by_id_back : by_id;
    return q->sort == KN_SORT_NAME && q->descending ? by_name_back : by_value;
}

static int compare_rows(const void *a, const void *b, void *how)
{
    return (*(order *)how)(&((const struct row *)a)->place, &((const struct row *)b)->place);
}

static int keep_passing(const struct kn_page_query *q, struct kn_arena *arena, struct row *rows,
                        size_t *n, struct kn_err *err)
{
    struct kn_buf part, folded;
    size_t kept = 0;
    int rc = kn_fold_name(q->part ? q->part : "", &part, err);

    for (size_t i = 0; !rc && i < *n; i++) {
        struct row *r = &rows[i];

        if ((q->state >= 0 && (int)r->title.state != q->state) ||
            (q->filter && !kn_filter_passes(q->filter, &r->title)))
            continue;
        rc = kn_fold_name(r->title.name, &folded, err);
        r->place.folded = rc ? NULL : kn_arena_bytes(arena, folded.data, folded.n);
        r->place.value = value_of(q, &r->title);
        kn_buf_free(&folded);
        if (!rc && !r->place.folded)
            rc = kn_arena_full("all titles", err);
        if (!rc && strstr(r->place.folded, part.data))
            rows[kept++] = *r;
    }
    kn_buf_free(&part);
    *n = kept;
    return rc;
}

int kn_page_by_scroll(struct kn_library *lib, const struct kn_page_query *q, struct kn_arena *arena,
                      struct kn_page *out, struct kn_err *err)
{
    struct kn_place after = q->after ? *q->after : (struct kn_place){0};
    order how = order_of(q);
    struct kn_page page = {0};
    struct row *rows;
    size_t n, first = 0;
    int rc = read_all(lib, arena, &rows, &n, err);

    if (!rc)
        rc = keep_passing(q, arena, rows, &n, err);
    if (rc)
        return rc;
    for (size_t i = 0; q->after && !after.folded && i < n; i++)
        if (memcmp(&rows[i].place.id, &after.id, sizeof after.id) == 0)
            after.folded = rows[i].place.folded;
    if (n > 0)
        qsort_r(rows, n, sizeof *rows, compare_rows, &how);
    if (q->after && !after.folded)
        first = n;
    while (q->after && first < n && how(&rows[first].place, &after) <= 0)
        first++;
    page.total = n;
    page.n = n - first < q->limit ? n - first : q->limit;
    page.more = n - first > page.n;
    page.titles = kn_arena_array(arena, page.n + 1, sizeof *page.titles);
    if (!page.titles)
        return kn_arena_full("a page", err);
    for (size_t i = 0; i < page.n; i++)
        page.titles[i] = rows[first + i].title;
    if (page.more)
        page.last = rows[first + page.n - 1].place;
    *out = page;
    return KN_OK;
}

/* ---- facets ---- */

struct tally {
    struct kn_facet *facets;
    size_t n, cap;
};

static int count_one(struct tally *t, struct kn_arena *arena, const char *value, size_t length,
                     struct kn_err *err)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strlen(t->facets[i].value) == length &&
            memcmp(t->facets[i].value, value, length) == 0) {
            t->facets[i].titles++;
            return KN_OK;
        }
    }
    if (t->n == t->cap) {
        struct kn_facet *more = kn_arena_array(arena, t->cap = 2 * t->cap + 16, sizeof *more);

        if (!more)
            return kn_arena_full("facets", err);
        if (t->n > 0)
            memcpy(more, t->facets, t->n * sizeof *more);
        t->facets = more;
    }
    t->facets[t->n] = (struct kn_facet){kn_arena_bytes(arena, value, length), 1};
    return t->facets[t->n++].value ? KN_OK : kn_arena_full("facets", err);
}

static int most_frequent_first(const void *pa, const void *pb)
{
    const struct kn_facet *a = pa, *b = pb;

    if (a->titles != b->titles)
        return a->titles > b->titles ? -1 : 1;
    return strcmp(a->value, b->value);
}

static int count_genres(struct tally *t, struct kn_arena *arena, const char *genres,
                        struct kn_err *err)
{
    int rc = KN_OK;

    while (!rc && *genres) {
        const char *end = strstr(genres, ", ");
        size_t length = end ? (size_t)(end - genres) : strlen(genres);

        rc = count_one(t, arena, genres, length, err);
        genres += length + (end ? 2 : 0);
    }
    return rc;
}

int kn_facets_by_scroll(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                        struct kn_err *err)
{
    struct tally languages = {0}, genres = {0};
    struct kn_facets f = {0};
    struct row *rows;
    size_t n;
    int rc = read_all(lib, arena, &rows, &n, err);

    for (size_t i = 0; !rc && i < n; i++) {
        const struct kn_title *t = &rows[i].title;

        rc = count_one(&languages, arena, t->language, strlen(t->language), err);
        if (!rc)
            rc = count_genres(&genres, arena, t->genres, err);
        if (t->year != 0 && (f.year_from == 0 || t->year < f.year_from))
            f.year_from = t->year;
        if (t->year != 0 && (f.year_to == 0 || t->year > f.year_to))
            f.year_to = t->year;
    }
    if (rc)
        return rc;
    f.languages = languages.facets;
    f.n_languages = languages.n;
    f.genres = genres.facets;
    f.n_genres = genres.n;
    if (f.n_languages > 0)
        qsort(f.languages, f.n_languages, sizeof *f.languages, most_frequent_first);
    if (f.n_genres > 0)
        qsort(f.genres, f.n_genres, sizeof *f.genres, most_frequent_first);
    *out = f;
    return KN_OK;
}
