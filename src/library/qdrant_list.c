#include "library/qdrant_impl.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/match.h"
#include "library/record.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What a list shows of a title: all but what is long. */
#define CARD "{\"exclude\":[\"wording\",\"raw\",\"grams\"]}"

enum { SCAN_PAGE = 5000 }; /* names in one answer */

/* ---- find ---- */

struct found { /* titles that were offered, by their place here */
    struct place {
        struct kn_id id;
        uint8_t collection; /* 0: the present model's; i: others[i - 1] */
    } * places;
    size_t n, cap;
};

static const char *collection_of(const struct kn_qd_view *v, size_t i)
{
    return i == 0 ? v->key : v->others[i - 1];
}

static int offer(struct kn_qdrant *q, struct found *f, struct kn_match *match,
                 const struct kn_json *point, size_t collection, struct kn_err *err)
{
    const char *name = kn_json_text_or(kn_json_get(kn_json_get(point, "payload"), "name"), "");
    struct kn_buf folded;
    struct kn_id id;
    int rc;

    if (!kn_id_parse(kn_json_text_or(kn_json_get(point, "id"), ""), &id))
        return kn_qd_broken(q, "a title", err);
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 256;
        struct place *more = realloc(f->places, cap * sizeof *more);

        if (!more)
            return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", cap);
        f->places = more;
        f->cap = cap;
    }
    f->places[f->n] = (struct place){id, (uint8_t)collection};
    rc = kn_fold_name(name, &folded, err);
    if (!rc)
        rc = kn_match_offer(match, &id, name, folded.data, (int64_t)f->n++, err);
    kn_buf_free(&folded);
    return rc;
}

/* Offers the titles of a collection that pass the filter (JSON; NULL: all). */
static int scan(struct kn_qdrant *q, const struct kn_qd_view *v, size_t collection,
                const char *filter, struct found *f, struct kn_match *match, struct kn_err *err)
{
    char offset[KN_ID_TEXT] = "";

    do {
        const struct kn_json *result, *points;
        struct kn_json *root;
        struct kn_buf body;
        int rc;

        kn_buf_init(&body, KN_QD_MAX_BODY);
        kn_buf_addf(&body, NULL, "{\"limit\":%d,\"with_payload\":[\"name\"]", SCAN_PAGE);
        if (filter)
            kn_buf_addf(&body, NULL, ",\"filter\":%s", filter);
        if (offset[0])
            kn_buf_addf(&body, NULL, ",\"offset\":\"%s\"", offset);
        kn_buf_adds(&body, "}", NULL);
        rc = kn_qd_ask(q, "titles", collection_of(v, collection), "/points/scroll", &body, &root,
                       &result, err);
        kn_buf_free(&body);
        if (rc)
            return rc;
        points = kn_json_get(result, "points");
        for (size_t i = 0; i < kn_json_length(points) && !rc; i++)
            rc = offer(q, f, match, kn_json_at(points, i), collection, err);
        strncpy(offset, kn_json_text_or(kn_json_get(result, "next_page_offset"), ""),
                sizeof offset - 1);
        kn_json_free(root);
        if (rc)
            return rc;
    } while (offset[0]);
    return KN_OK;
}

/* The filter for EXACT: the name's index knows its first bytes, the rest is for kn_match. */
static void write_exact_filter(struct kn_buf *out, const char *text)
{
    struct kn_json_writer w = {.out = out};
    struct kn_id id;

    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "should");
    kn_qd_begin_any(&w, "names");
    kn_qd_write_name_key(&w, NULL, text);
    kn_qd_end_any(&w);
    if (kn_id_parse(text, &id)) {
        kn_json_begin_object(&w, NULL);
        kn_json_begin_array(&w, "has_id");
        kn_qd_write_id(&w, NULL, &id);
        kn_json_end_array(&w);
        kn_json_end_object(&w);
    }
    kn_json_end_array(&w);
    kn_json_end_object(&w);
}

/* The filter for PART: names with all the grams of the text. A text that is shorter than one has no filter: all names are looked at. */
static int write_part_filter(struct kn_buf *out, const char *text, struct kn_err *err)
{
    struct kn_json_writer w = {.out = out};
    struct kn_buf folded, grams;
    struct kn_json_writer g = {.out = &grams};
    struct kn_json *root = NULL;
    char id[KN_MIN_ID_PREFIX + 2] = "#";
    int rc = kn_fold_name(text, &folded, err);

    kn_buf_init(&grams, KN_QD_MAX_BODY);
    kn_json_begin_array(&g, NULL);
    kn_qd_write_grams(&g, folded.data);
    kn_json_end_array(&g);
    if (!rc)
        rc = kn_json_parse((struct kn_sv){grams.data, grams.n}, "grams", &root, err);
    if (rc || kn_json_length(root) == 0)
        goto out;
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "should");
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "must");
    for (size_t i = 0; i < kn_json_length(root); i++) {
        kn_qd_begin_any(&w, "grams");
        kn_json_string(&w, NULL, kn_json_text_or(kn_json_at(root, i), ""));
        kn_qd_end_any(&w);
    }
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_qd_begin_any(&w, "grams");
    kn_json_string(&w, NULL, "*");
    if (strlen(text) >= KN_MIN_ID_PREFIX) {
        for (int i = 0; i < KN_MIN_ID_PREFIX; i++)
            id[1 + i] = (char)tolower((unsigned char)text[i]);
        kn_json_string(&w, NULL, id);
    }
    kn_qd_end_any(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
out:
    kn_json_free(root);
    kn_buf_free(&grams);
    kn_buf_free(&folded);
    return rc;
}

static int read_found(struct kn_qdrant *q, const struct kn_qd_view *v, const struct place *place,
                      struct kn_arena *arena, struct kn_title *out, bool *there, struct kn_err *err)
{
    const struct kn_json *points;
    struct kn_json *root;
    int rc = kn_qd_retrieve(q, collection_of(v, place->collection), &place->id, 1, CARD, false,
                            &root, &points, err);

    if (rc)
        return rc;
    *there = kn_json_length(points) > 0;
    if (*there)
        rc = kn_qd_read_title(q, kn_json_at(points, 0), place->collection > 0, arena, out, err);
    kn_json_free(root);
    return rc;
}

static int read_all_found(struct kn_qdrant *q, const struct kn_qd_view *v, const struct found *f,
                          const struct kn_match *match, struct kn_arena *arena,
                          struct kn_title **out, size_t *n, struct kn_err *err)
{
    size_t count = kn_match_count(match), got = 0;
    struct kn_title *titles = kn_arena_array(arena, count, sizeof *titles);
    int rc = titles ? KN_OK : kn_arena_full("what was found", err);

    for (size_t i = 0; i < count && !rc; i++) {
        bool there = false; /* it may be gone since */

        rc = read_found(q, v, &f->places[kn_match_key(match, i)], arena, &titles[got], &there, err);
        got += there;
    }
    if (rc)
        return rc;
    *out = titles;
    *n = got;
    return KN_OK;
}

int kn_qd_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
               struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_qd_view v = {0};
    struct kn_match *match = NULL;
    struct found f = {0};
    struct kn_buf filter;
    int rc = kn_qd_view(q, &v, err);

    kn_buf_init(&filter, KN_QD_MAX_BODY);
    if (!rc)
        rc = kn_match_new(text, how, limit, &match, err);
    if (how == KN_FIND_EXACT)
        write_exact_filter(&filter, text);
    else if (how == KN_FIND_PART && !rc)
        rc = write_part_filter(&filter, text, err);
    for (size_t i = 0; i <= v.n_others && v.key[0] && !rc; i++)
        rc = scan(q, &v, i, filter.n > 0 ? filter.data : NULL, &f, match, err);
    if (!rc)
        rc = read_all_found(q, &v, &f, match, arena, out, n, err);
    kn_match_free(match);
    kn_buf_free(&filter);
    free(f.places);
    return rc;
}

/* ---- scroll ---- */

struct item {
    struct kn_title title;
    const char *folded;
};

struct list { /* titles of one page and a little more, from all collections */
    struct kn_qdrant *q;
    struct kn_arena *arena;
    struct item after; /* folded NULL: from the start */
    size_t limit;
    struct item *items;
    size_t n, cap;
};

static int by_name(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    int names = strcmp(a->folded, b->folded);

    return names ? names : memcmp(&a->title.id, &b->title.id, sizeof a->title.id);
}

static int fold(struct list *l, struct item *item, struct kn_err *err)
{
    struct kn_buf folded;
    int rc = kn_fold_name(item->title.name, &folded, err);

    if (!rc && !(item->folded = kn_arena_text(l->arena, folded.data)))
        rc = kn_arena_full("a list of titles", err);
    kn_buf_free(&folded);
    return rc;
}

/* Keeps it, if it comes behind where the page begins. */
static int keep(struct list *l, const struct kn_json *point, bool other, struct kn_err *err)
{
    struct item item = {0};
    int rc = kn_qd_read_title(l->q, point, other, l->arena, &item.title, err);

    if (!rc)
        rc = fold(l, &item, err);
    if (rc || (l->after.folded && by_name(&item, &l->after) <= 0))
        return rc;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 256;
        struct item *more = realloc(l->items, cap * sizeof *more);

        if (!more)
            return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", cap);
        l->items = more;
        l->cap = cap;
    }
    l->items[l->n++] = item;
    return KN_OK;
}

static int ask_ordered(struct list *l, const char *key, int64_t from, size_t limit,
                       struct kn_json **root, const struct kn_json **points, struct kn_err *err)
{
    const struct kn_json *result;
    struct kn_buf body;
    int rc;

    kn_buf_init(&body, 1024);
    kn_buf_addf(&body, NULL,
                "{\"limit\":%zu,\"with_payload\":" CARD
                ",\"order_by\":{\"key\":\"order\",\"start_from\":%lld}}",
                limit, (long long)from);
    rc = kn_qd_ask(l->q, "titles", key, "/points/scroll", &body, root, &result, err);
    kn_buf_free(&body);
    if (!rc)
        *points = kn_json_get(result, "points");
    return rc;
}

static int64_t order_in(const struct kn_json *points, size_t i)
{
    return kn_json_integer_or(kn_json_get(kn_json_get(kn_json_at(points, i), "payload"), "order"),
                              INT64_MIN);
}

/* The server orders by the first six bytes and a half of the folded name; those with the same are put in order here. So a page takes only
 * groups of which it has all: the last one of a full answer is asked for again, from its beginning. */
static int list_collection(struct list *l, const char *key, bool other, struct kn_err *err)
{
    int64_t from = l->after.folded ? kn_qd_order(l->after.folded) : INT64_MIN;
    size_t page = KN_QD_PAGE, before = l->n;

    for (;;) {
        const struct kn_json *points;
        struct kn_json *root;
        size_t n, whole;
        int rc = ask_ordered(l, key, from, page, &root, &points, err);

        if (rc)
            return rc;
        n = whole = kn_json_length(points);
        while (n == page && whole > 0 && order_in(points, whole - 1) == order_in(points, n - 1))
            whole--;
        for (size_t i = 0; i < whole && !rc; i++)
            rc = keep(l, kn_json_at(points, i), other, err);
        if (n == page)
            from = order_in(points, n - 1);
        kn_json_free(root);
        if (rc || n < page || l->n - before >= l->limit)
            return rc;
        if (whole == 0) /* a group that is longer than the page */
            page *= 4;
    }
}

/* Where the page begins. */
static int find_after(struct list *l, const struct kn_qd_view *v, const struct kn_id *after,
                      struct kn_err *err)
{
    bool there = false;
    int rc = KN_OK;

    for (size_t i = 0; i <= v->n_others && v->key[0] && !there && !rc; i++) {
        const struct place place = {*after, (uint8_t)i};

        rc = read_found(l->q, v, &place, l->arena, &l->after.title, &there, err);
    }
    if (!rc && !there)
        rc = kn_err_set(err, KN_ENOTFOUND, "library: the title to go on after is gone");
    return rc ? rc : fold(l, &l->after, err);
}

int kn_qd_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                 struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    struct list l = {.q = kn_qdrant_of(lib), .arena = arena, .limit = limit};
    struct kn_title *titles;
    struct kn_qd_view v = {0};
    int rc = kn_qd_view(l.q, &v, err);

    if (!rc && after)
        rc = find_after(&l, &v, after, err);
    for (size_t i = 0; i <= v.n_others && v.key[0] && limit > 0 && !rc; i++)
        rc = list_collection(&l, collection_of(&v, i), i > 0, err);
    if (rc)
        goto out;
    if (l.n > 0)
        qsort(l.items, l.n, sizeof *l.items, by_name);
    if (l.n > limit)
        l.n = limit;
    titles = kn_arena_array(arena, l.n, sizeof *titles);
    if (!titles) {
        rc = kn_arena_full("a list of titles", err);
        goto out;
    }
    for (size_t i = 0; i < l.n; i++)
        titles[i] = l.items[i].title;
    *out = titles;
    *n = l.n;
out:
    free(l.items);
    return rc;
}
