#include "library/qdrant_impl.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 20 }; /* at a title that is put anew whenever it is read */

static int not_found(const struct kn_qdrant *q, struct kn_err *err)
{
    return kn_err_set(err, KN_ENOTFOUND, "library %s: no title with this id", q->address);
}

int kn_qd_retrieve(struct kn_qdrant *q, const char *key, const struct kn_id *ids, size_t n,
                   const char *fields, bool vectors, struct kn_json **root,
                   const struct kn_json **points, struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "ids");
    for (size_t i = 0; i < n; i++)
        kn_qd_write_id(&w, NULL, &ids[i]);
    kn_json_end_array(&w);
    kn_buf_addf(&body, NULL, ",\"with_payload\":%s", fields);
    if (vectors)
        kn_buf_adds(&body, ",\"with_vector\":[\"meaning\"]", NULL);
    kn_json_end_object(&w);
    rc = kn_qd_ask(q, "titles", key, "/points", &body, root, points, err);
    kn_buf_free(&body);
    return rc;
}

/* The title's point, in the collection of the present model or of another one (*other). */
static int find_title(struct kn_qdrant *q, const struct kn_qd_view *v, const struct kn_id *id,
                      const char *fields, bool vectors, struct kn_json **root,
                      const struct kn_json **point, const char **key, struct kn_err *err)
{
    *key = v->key;
    for (size_t i = 0; i <= v->n_others && v->key[0]; i++) {
        const struct kn_json *points;
        int rc;

        *key = i == 0 ? v->key : v->others[i - 1];
        /* The server refuses to look for vectors in a collection that has none, and others' are not given. */
        rc = kn_qd_retrieve(q, *key, id, 1, fields, vectors && i == 0 && v->dim > 0, root, &points,
                            err);
        if (rc)
            return rc;
        *point = kn_json_at(points, 0);
        if (*point)
            return KN_OK;
        kn_json_free(*root);
    }
    return not_found(q, err);
}

/* ---- what belongs to a title ---- */

struct pages { /* answers that are kept until all is read */
    struct kn_json **roots;
    const struct kn_json **points;
    size_t n_roots, n_points;
};

static void pages_free(struct pages *p)
{
    for (size_t i = 0; i < p->n_roots; i++)
        kn_json_free(p->roots[i]);
    free(p->roots);
    free(p->points);
}

static int pages_add(struct pages *p, struct kn_json *root, const struct kn_json *points,
                     struct kn_err *err)
{
    size_t n = kn_json_length(points);
    struct kn_json **roots = realloc(p->roots, (p->n_roots + 1) * sizeof(struct kn_json *));
    const struct kn_json **all;

    if (roots)
        p->roots = roots;
    all = realloc(p->points, (p->n_points + n + 1) * sizeof *all);
    if (all)
        p->points = all;
    if (!roots || !all) {
        kn_json_free(root);
        return kn_err_set(err, KN_ELIMIT, "library: no memory for a title");
    }
    p->roots[p->n_roots++] = root;
    for (size_t i = 0; i < n; i++)
        p->points[p->n_points++] = kn_json_at(points, i);
    return KN_OK;
}

static void write_match(struct kn_json_writer *w, const char *field, const char *value)
{
    kn_qd_begin_any(w, field);
    kn_json_string(w, NULL, value);
    kn_qd_end_any(w);
}

static void write_parts_request(struct kn_json_writer *w, const char *id, const char *version,
                                unsigned parts, const char *offset)
{
    kn_json_begin_object(w, NULL);
    kn_json_integer(w, "limit", KN_QD_PAGE);
    if (offset)
        kn_json_string(w, "offset", offset);
    kn_json_begin_object(w, "with_payload");
    kn_json_begin_array(w, "exclude");
    kn_json_string(w, NULL, "languages");
    if (!(parts & KN_WITH_MOMENT_VECTORS))
        kn_json_string(w, NULL, "raw");
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_bool(w, "with_vector", parts & KN_WITH_MOMENT_VECTORS);
    kn_json_begin_object(w, "filter");
    kn_json_begin_array(w, "must");
    write_match(w, "title", id);
    write_match(w, "version", version);
    kn_qd_begin_any(w, "kind");
    if (parts & (KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS))
        kn_json_string(w, NULL, "moment");
    if (parts & KN_WITH_SEGMENTS) {
        kn_json_string(w, NULL, "segments");
        kn_json_string(w, NULL, "dropped");
    }
    kn_qd_end_any(w);
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

static int read_pages(struct kn_qdrant *q, const char *key, const struct kn_json *title,
                      unsigned parts, struct pages *pages, struct kn_err *err)
{
    const struct kn_json *payload = kn_json_get(title, "payload");
    const char *id = kn_json_text_or(kn_json_get(title, "id"), "");
    const char *version = kn_json_text_or(kn_json_get(payload, "version"), "");
    const char *offset = NULL;

    do {
        const struct kn_json *result;
        struct kn_json *root;
        struct kn_buf body;
        struct kn_json_writer w = {.out = &body};
        int rc;

        kn_buf_init(&body, 8192);
        write_parts_request(&w, id, version, parts, offset);
        rc = kn_qd_ask(q, "moments", key, "/points/scroll", &body, &root, &result, err);
        kn_buf_free(&body);
        if (!rc)
            rc = pages_add(pages, root, kn_json_get(result, "points"), err);
        if (rc)
            return rc;
        offset = kn_json_text_or(kn_json_get(result, "next_page_offset"), NULL);
    } while (offset);
    return KN_OK;
}

/* Is all of it there? Not when the title was put anew in between. */
static bool is_whole(const struct kn_json *title, unsigned parts, size_t n)
{
    const struct kn_json *payload = kn_json_get(title, "payload");
    int64_t wanted = 0;

    if (parts & (KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS))
        wanted += kn_json_integer_or(kn_json_get(payload, "moments"), 0);
    if (parts & KN_WITH_SEGMENTS)
        wanted += kn_json_integer_or(kn_json_get(payload, "parts"), 0);
    return (int64_t)n == wanted;
}

/* One try. *whole: false when it has to be read again. */
static int read_record(struct kn_qdrant *q, const struct kn_qd_view *v, const struct kn_id *id,
                       unsigned parts, struct kn_arena *arena, struct kn_record *out, bool *whole,
                       struct kn_err *err)
{
    const char *fields = parts & KN_WITH_VECTOR ? "{\"exclude\":[\"wording\",\"grams\"]}"
                                                : "{\"exclude\":[\"wording\",\"grams\",\"raw\"]}";
    struct kn_record r = {0};
    struct pages pages = {0};
    const struct kn_json *point;
    struct kn_json *root;
    const char *key;
    size_t dim;
    int rc = find_title(q, v, id, fields, parts & KN_WITH_VECTOR, &root, &point, &key, err);

    if (rc)
        return rc;
    dim = key == v->key ? v->dim : 0;
    rc = kn_qd_read_title(q, point, key != v->key, arena, &r.title, err);
    if (!rc && parts & KN_WITH_VECTOR)
        rc = kn_qd_read_vectors(q, point, dim, arena, &r, err);
    if (!rc && parts & ~(unsigned)KN_WITH_VECTOR)
        rc = read_pages(q, key, point, parts, &pages, err);
    *whole = is_whole(point, parts, pages.n_points);
    if (!rc && *whole && pages.n_points > 0)
        rc = kn_qd_read_parts(q, pages.points, pages.n_points,
                              parts & KN_WITH_MOMENT_VECTORS ? dim : 0, arena, &r, err);
    if (!rc && *whole)
        *out = r;
    pages_free(&pages);
    kn_json_free(root);
    return rc;
}

int kn_qd_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
              struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_qd_view v = {0};
    bool whole = false;
    int rc = kn_qd_view(q, &v, err);

    for (int i = 0; i < TRIES && !rc && !whole; i++) {
        if (i > 1)
            kn_clock_sleep(0.01 * i); /* at most 2 s in all */
        rc = read_record(q, &v, id, parts, arena, out, &whole, err);
    }
    if (rc || whole)
        return rc;
    return kn_qd_broken(q, "what belongs to a title", err);
}

static int read_wording(struct kn_qdrant *q, const struct kn_json *point, struct kn_wording *out,
                        struct kn_err *err)
{
    const char *text = kn_json_text_or(kn_json_get(kn_json_get(point, "payload"), "wording"), "");
    unsigned char packed[KN_WORDING_BYTES];
    size_t n = kn_base64_size(text);

    if (n > sizeof packed || !kn_base64_decode(text, packed, n) ||
        !kn_wording_unpack(packed, n, out))
        return kn_qd_broken(q, "a title's words", err);
    return KN_OK;
}

int kn_qd_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                  struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    const struct kn_json *point;
    struct kn_json *root;
    struct kn_qd_view v = {0};
    const char *key;
    int rc = kn_qd_view(q, &v, err);

    if (!rc)
        rc = find_title(q, &v, id, "[\"wording\"]", false, &root, &point, &key, err);
    if (rc)
        return rc;
    rc = read_wording(q, point, out, err);
    kn_json_free(root);
    return rc;
}

/* Those of titles with vectors of the present model, as all are that an answer holds; in one request and not in one each. */
int kn_qd_alike(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_wording *out,
                struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_qd_view v = {0};
    int rc = kn_qd_view(q, &v, err);

    memset(out, 0, n * sizeof *out);
    for (size_t from = 0, some; !rc && v.key[0] && from < n; from += some) {
        const struct kn_json *points;
        struct kn_json *root;
        struct kn_id id;

        some = n - from < KN_QD_PAGE ? n - from : KN_QD_PAGE;
        rc =
            kn_qd_retrieve(q, v.key, ids + from, some, "[\"wording\"]", false, &root, &points, err);
        if (rc)
            break;
        for (size_t p = 0; !rc && p < kn_json_length(points); p++) {
            const struct kn_json *point = kn_json_at(points, p);

            if (!kn_id_parse(kn_json_text_or(kn_json_get(point, "id"), ""), &id))
                rc = kn_qd_broken(q, "a title's id", err);
            for (size_t i = from; !rc && i < from + some; i++)
                if (kn_id_eq(&ids[i], &id))
                    rc = read_wording(q, point, &out[i], err);
        }
        kn_json_free(root);
    }
    return rc;
}

/* ---- counts ---- */

/* values[i] is how many titles have it as field; for integers, *sum is the sum over all titles. */
static int facet(struct kn_qdrant *q, const char *key, const char *field, uint64_t *sum,
                 uint64_t by_state[5], struct kn_err *err)
{
    const struct kn_json *result, *hits;
    struct kn_json *root;
    struct kn_buf body;
    int rc;

    kn_buf_init(&body, 256);
    kn_buf_addf(&body, NULL, "{\"key\":\"%s\",\"limit\":1000000,\"exact\":true}", field);
    rc = kn_qd_ask(q, "titles", key, "/facet", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    hits = kn_json_get(result, "hits");
    for (size_t i = 0; i < kn_json_length(hits); i++) {
        const struct kn_json *value = kn_json_get(kn_json_at(hits, i), "value");
        uint64_t count = (uint64_t)kn_json_integer_or(kn_json_get(kn_json_at(hits, i), "count"), 0);

        *sum += count * (uint64_t)kn_json_integer_or(value, 1);
        for (int s = 0; by_state && s <= KN_STATE_MISSING; s++)
            if (strcmp(kn_json_text_or(value, ""), kn_qd_state_name((enum kn_state)s)) == 0)
                by_state[s] += count;
    }
    kn_json_free(root);
    return KN_OK;
}

static int count_titles(struct kn_qdrant *q, const char *key, bool other,
                        struct kn_library_stats *s, struct kn_err *err)
{
    uint64_t by_state[5] = {0}, seconds = 0;
    int rc = facet(q, key, "state", &s->titles, by_state, err);

    if (!rc)
        rc = facet(q, key, "segments", &s->segments, NULL, err);
    if (!rc)
        rc = facet(q, key, "moments", &s->moments, NULL, err);
    if (!rc)
        rc = facet(q, key, "seconds", &seconds, NULL, err);
    if (other) {
        by_state[KN_STATE_PENDING] += by_state[KN_STATE_READY];
        by_state[KN_STATE_READY] = 0;
    }
    for (int i = 0; i < 5; i++)
        s->by_state[i] += by_state[i];
    s->duration += (double)seconds; /* of each title to the second */
    return rc;
}

int kn_qd_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_library_stats s = {0};
    struct kn_qd_view v = {0};
    int rc = kn_qd_view(q, &v, err);

    if (!rc && v.key[0])
        rc = kn_qd_changes(q, &v, &s.changes, err);
    if (!rc && v.key[0])
        rc = count_titles(q, v.key, false, &s, err);
    for (size_t i = 0; i < v.n_others && !rc; i++)
        rc = count_titles(q, v.others[i], true, &s, err);
    if (!rc)
        *out = s;
    return rc;
}

int kn_qd_count(struct kn_qdrant *q, const char *kind, const char *key, const char *filter,
                uint64_t *out, struct kn_err *err)
{
    const struct kn_json *result;
    struct kn_json *root;
    struct kn_buf body;
    int rc;

    kn_buf_init(&body, 4096);
    kn_buf_addf(&body, NULL, "{\"exact\":true,\"filter\":%s}", filter);
    rc = kn_qd_ask(q, kind, key, "/points/count", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    *out = (uint64_t)kn_json_integer_or(kn_json_get(result, "count"), 0);
    kn_json_free(root);
    return KN_OK;
}

int kn_qd_check(struct kn_library *lib, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_library_stats s = {0};
    struct kn_qd_view v = {0};
    uint64_t moments;
    int rc = kn_qd_view(q, &v, err);

    if (rc || !v.key[0])
        return rc;
    rc = count_titles(q, v.key, false, &s, err);
    if (!rc)
        rc = kn_qd_count(q, "moments", v.key,
                         "{\"must\":[{\"key\":\"kind\",\"match\":{\"value\":\"moment\"}}]}",
                         &moments, err);
    /* More of them are what interrupted puts left: nothing names them, so nobody finds them. */
    if (!rc && moments < s.moments)
        rc = kn_err_set(
            err, KN_ECORRUPT, "library %s: %llu moments of %llu are missing; publish it again",
            q->address, (unsigned long long)(s.moments - moments), (unsigned long long)s.moments);
    return rc;
}
