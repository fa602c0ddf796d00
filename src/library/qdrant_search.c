#include "library/qdrant_impl.h"

#include "base/err.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLACK = 16,         /* hits asked for beyond k, to see where equals end */
    MOST_HITS = 400000, /* of one answer, or it would be longer than may be */
    MOST_IDS = 1000,    /* titles compared in one request */
};

static void write_query(struct kn_json_writer *w, const struct kn_qd_question *a)
{
    if (a->vector) {
        kn_qd_write_vector(w, "query", a->vector, a->dim);
        kn_json_string(w, "using", "meaning");
        return;
    }
    kn_json_begin_object(w, "query");
    kn_json_begin_array(w, "indices");
    for (size_t i = 0; i < a->n_words; i++)
        kn_json_integer(w, NULL, a->words[i]);
    kn_json_end_array(w);
    kn_json_begin_array(w, "values");
    for (size_t i = 0; i < a->n_words; i++)
        kn_json_float(w, NULL, a->weights[i]);
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_string(w, "using", "words");
}

static void write_params(struct kn_json_writer *w, const struct kn_qdrant *q, bool exact)
{
    kn_json_begin_object(w, "params");
    if (exact)
        kn_json_bool(w, "exact", true);
    else if (q->options.ef)
        kn_json_integer(w, "hnsw_ef", q->options.ef);
    if (q->quantization[0]) {
        kn_json_begin_object(w, "quantization");
        kn_json_bool(w, "rescore", true);
        kn_json_end_object(w);
    }
    kn_json_end_object(w);
}

static bool read_hit(const struct kn_json *point, bool moments, struct kn_qd_hit *out)
{
    const struct kn_json *p = kn_json_get(point, "payload");
    const struct kn_json *id = kn_json_get(moments ? p : point, moments ? "title" : "id");
    double numbers[3] = {0, 0, (double)NAN};

    if (!kn_id_parse(kn_json_text_or(id, ""), &out->id) ||
        (!moments && !kn_qd_read_numbers(kn_json_get(p, "numbers"), numbers, 3)))
        return false;
    out->score = kn_json_number_or(kn_json_get(point, "score"), 0);
    out->opinion = numbers[2];
    out->moment = (uint32_t)kn_json_integer_or(kn_json_get(p, "number"), 0);
    memset(out->language, 0, sizeof out->language);
    memset(out->version, 0, sizeof out->version);
    strncpy(out->language, kn_json_text_or(kn_json_get(p, "language"), ""), KN_MAX_LANGUAGE);
    strncpy(out->version, kn_json_text_or(kn_json_get(p, "version"), ""), 16);
    return true;
}

/* Best first, ties by id and then by moment. */
static int best_first(const void *pa, const void *pb)
{
    const struct kn_qd_hit *a = pa, *b = pb;
    int ids = memcmp(&a->id, &b->id, sizeof a->id);

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return ids ? ids : (a->moment > b->moment) - (a->moment < b->moment);
}

/* At most limit hits, in order, for the caller to free. */
static int ask(const struct kn_qd_question *a, size_t limit, bool exact, struct kn_qd_hit **out,
               size_t *n, struct kn_err *err)
{
    const struct kn_json *result, *points;
    struct kn_json *root;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    struct kn_qd_hit *hits;
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    write_query(&w, a);
    kn_json_integer(&w, "limit", (int64_t)limit);
    kn_buf_addf(&body, NULL, ",\"with_payload\":%s", a->fields);
    kn_qd_write_filter(&w, "filter", a->filter, a->kind[0] == 'm');
    write_params(&w, a->q, exact);
    kn_json_end_object(&w);
    rc = kn_qd_ask(a->q, a->kind, a->view.key, "/points/query", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    points = kn_json_get(result, "points");
    *n = kn_json_length(points);
    hits = calloc(*n + 1, sizeof *hits);
    if (!hits)
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", *n);
    for (size_t i = 0; i < *n && !rc; i++)
        if (!read_hit(kn_json_at(points, i), a->kind[0] == 'm', &hits[i]))
            rc = kn_qd_broken(a->q, "a hit", err);
    kn_json_free(root);
    if (rc) {
        free(hits);
        return rc;
    }
    qsort(hits, *n, sizeof *hits, best_first);
    *out = hits;
    return KN_OK;
}

/* The hits of which k are the best: all that the server has, or so many that those equal to the k-th are all there, since which of
 * equals it gives is not certain. A search through the graph that comes back with less than was asked for may have missed some: then
 * every vector is looked at. */
int kn_qd_ask_for(const struct kn_qd_question *a, size_t k, struct kn_qd_hit **out, size_t *n,
                  struct kn_err *err)
{
    size_t limit = k < MOST_HITS - SLACK ? k + SLACK : MOST_HITS;
    bool exact = a->q->options.exact;

    for (;;) {
        struct kn_qd_hit *hits;
        size_t got;
        int rc = ask(a, limit, exact, &hits, &got, err);

        if (rc)
            return rc;
        if (got < limit && !exact && a->vector) {
            exact = true;
        } else if (got == limit && limit < MOST_HITS && hits[k - 1].score == hits[got - 1].score) {
            limit = limit * 4 < MOST_HITS ? limit * 4 : MOST_HITS;
        } else {
            *out = hits;
            *n = got;
            return KN_OK;
        }
        free(hits);
    }
}

/* False when there is nothing to ask: then the answer is KN_OK and none. */
static bool begin(struct kn_library *lib, const float *vector, size_t dim, size_t k,
                  struct kn_qd_question *a, int *rc, struct kn_err *err)
{
    a->q = kn_qdrant_of(lib);
    a->vector = vector;
    a->dim = dim;
    *rc = kn_qd_view(a->q, &a->view, err);
    if (!*rc)
        *rc = kn_check_query(vector, dim, a->view.dim, err);
    return !*rc && a->view.dim > 0 && k > 0;
}

int kn_qd_similar(struct kn_library *lib, const float *vector, size_t dim,
                  const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                  struct kn_err *err)
{
    struct kn_qd_question a = {
        .kind = "titles", .filter = filter, .fields = "[\"language\",\"numbers\"]"};
    struct kn_qd_hit *found = NULL;
    size_t got = 0;
    int rc;

    if (begin(lib, vector, dim, k, &a, &rc, err))
        rc = kn_qd_ask_for(&a, k, &found, &got, err);
    if (rc)
        return rc;
    *n = got < k ? got : k;
    for (size_t i = 0; i < *n; i++) {
        hits[i] = (struct kn_hit){.id = found[i].id,
                                  .similarity = found[i].score,
                                  .words = (double)NAN,
                                  .opinion = found[i].opinion};
        memcpy(hits[i].language, found[i].language, sizeof hits[i].language);
    }
    free(found);
    return KN_OK;
}

/* ---- moments ---- */

struct current { /* what a title says of itself */
    struct kn_id id;
    char version[17];
};

static int by_id(const void *pa, const void *pb)
{
    return memcmp(pa, pb, sizeof(struct kn_id)); /* the first member of either */
}

static int read_current(const struct kn_qd_question *a, const struct kn_id *ids, size_t n,
                        struct current *out, size_t *found, struct kn_err *err)
{
    const struct kn_json *points;
    struct kn_json *root;
    int rc = kn_qd_retrieve(a->q, a->view.key, ids, n, "[\"version\"]", false, &root, &points, err);

    if (rc)
        return rc;
    *found = 0;
    for (size_t i = 0; i < kn_json_length(points) && i < n; i++) {
        const struct kn_json *p = kn_json_at(points, i);
        const struct kn_json *version = kn_json_get(kn_json_get(p, "payload"), "version");

        if (!kn_id_parse(kn_json_text_or(kn_json_get(p, "id"), ""), &out[*found].id))
            continue;
        strncpy(out[(*found)++].version, kn_json_text_or(version, ""), 16);
    }
    kn_json_free(root);
    return KN_OK;
}

/* Takes out those of versions that are no title's: of one being replaced, or left by an interrupted put. */
static int drop_stale(const struct kn_qd_question *a, struct kn_qd_hit *hits, size_t *n,
                      struct kn_err *err)
{
    struct kn_id *ids = calloc(*n, sizeof *ids);
    struct current *current = calloc(*n, sizeof *current);
    size_t n_ids = 0, n_current = 0, left = 0;
    int rc;

    if (!ids || !current) {
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", *n);
        goto out;
    }
    for (size_t i = 0; i < *n; i++)
        ids[i] = hits[i].id;
    qsort(ids, *n, sizeof *ids, by_id);
    for (size_t i = 0; i < *n; i++)
        if (i == 0 || !kn_id_eq(&ids[i], &ids[n_ids - 1]))
            ids[n_ids++] = ids[i];
    rc = read_current(a, ids, n_ids, current, &n_current, err);
    if (rc)
        goto out;
    qsort(current, n_current, sizeof *current, by_id);
    for (size_t i = 0; i < *n; i++) {
        const struct current *c = bsearch(&hits[i].id, current, n_current, sizeof *current, by_id);

        if (c && strcmp(c->version, hits[i].version) == 0)
            hits[left++] = hits[i];
    }
    *n = left;
out:
    free(ids);
    free(current);
    return rc;
}

int kn_qd_moments(struct kn_library *lib, const float *vector, size_t dim,
                  const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits, size_t *n,
                  struct kn_err *err)
{
    struct kn_qd_question a = {
        .kind = "moments", .filter = filter, .fields = "[\"title\",\"version\",\"number\"]"};
    struct kn_qd_hit *found = NULL;
    size_t got = 0, asked = k, left = 0;
    int rc;

    if (!begin(lib, vector, dim, k, &a, &rc, err)) {
        *n = rc ? *n : 0;
        return rc;
    }
    for (;; asked *= 2) { /* ends: there are no more than so many stale ones */
        free(found);
        found = NULL;
        rc = kn_qd_ask_for(&a, asked, &found, &got, err);
        left = got;
        if (!rc && got > 0)
            rc = drop_stale(&a, found, &left, err);
        if (rc || left >= k || got < asked || asked >= MOST_HITS)
            break;
    }
    if (!rc) {
        *n = left < k ? left : k;
        for (size_t i = 0; i < *n; i++)
            hits[i] = (struct kn_moment_hit){found[i].id, found[i].moment, found[i].score};
    }
    free(found);
    return rc;
}

/* ---- similarities ---- */

static int compare_some(struct kn_qd_question *a, const struct kn_id *ids, size_t n, double *out,
                        struct kn_err *err)
{
    const struct kn_json *result, *points;
    struct kn_json *root;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    write_query(&w, a);
    kn_json_integer(&w, "limit", (int64_t)n);
    write_params(&w, a->q, true);
    kn_json_begin_object(&w, "filter");
    kn_json_begin_array(&w, "must");
    kn_qd_begin_any(&w, "state");
    kn_json_string(&w, NULL, kn_qd_state_name(KN_STATE_READY));
    kn_qd_end_any(&w);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "has_id");
    for (size_t i = 0; i < n; i++)
        kn_qd_write_id(&w, NULL, &ids[i]);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(a->q, "titles", a->view.key, "/points/query", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    points = kn_json_get(result, "points");
    for (size_t i = 0; i < n; i++)
        out[i] = (double)NAN;
    for (size_t p = 0; p < kn_json_length(points); p++) {
        const struct kn_json *point = kn_json_at(points, p);
        struct kn_id id;

        if (kn_id_parse(kn_json_text_or(kn_json_get(point, "id"), ""), &id))
            for (size_t i = 0; i < n; i++)
                if (kn_id_eq(&id, &ids[i]))
                    out[i] = kn_json_number_or(kn_json_get(point, "score"), (double)NAN);
    }
    kn_json_free(root);
    return KN_OK;
}

int kn_qd_similarities(struct kn_library *lib, const float *vector, size_t dim,
                       const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    struct kn_qd_question a = {.kind = "titles"};
    int rc;

    if (!begin(lib, vector, dim, n, &a, &rc, err)) {
        for (size_t i = 0; i < n && !rc; i++)
            out[i] = (double)NAN;
        return rc;
    }
    for (size_t at = 0; at < n && !rc; at += MOST_IDS)
        rc = compare_some(&a, ids + at, n - at < MOST_IDS ? n - at : MOST_IDS, out + at, err);
    return rc;
}
