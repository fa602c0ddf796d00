#include "library/qdrant_impl.h"

#include "base/err.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- points in requests ---- */

enum {
    MAX_POINT = 30 << 20,
    FULL = 4 << 20, /* a request that has so much gets no further point: an answer in good time */
};

#define LONG_AGO INT64_C(86400000000) /* us: a day, more than clocks of machines differ */

/* Points of one collection, sent when there are enough. */
struct batch {
    struct kn_qdrant *q;
    const char *kind, *key;
    struct kn_buf body;
};

static void batch_begin(struct batch *b)
{
    kn_buf_clear(&b->body);
    kn_buf_adds(&b->body, "{\"points\":[", NULL);
}

static void batch_open(struct batch *b, struct kn_qdrant *q, const char *kind, const char *key)
{
    *b = (struct batch){.q = q, .kind = kind, .key = key};
    kn_buf_init(&b->body, KN_QD_MAX_BODY);
    batch_begin(b);
}

static bool batch_is_empty(const struct batch *b)
{
    return b->body.data[b->body.n - 1] == '[';
}

static int batch_send(struct batch *b, struct kn_err *err)
{
    char path[KN_QD_PATH];
    int rc;

    if (batch_is_empty(b))
        return KN_OK;
    kn_buf_adds(&b->body, "]}", NULL);
    kn_qd_path(b->q, b->kind, b->key, "/points?wait=true", path);
    rc = kn_qd_call(b->q, "PUT", path, &b->body, NULL, NULL, err);
    batch_begin(b);
    return rc;
}

static int batch_take(void *ctx, const struct kn_buf *point, struct kn_err *err)
{
    struct batch *b = ctx;
    int rc = KN_OK;

    if (!batch_is_empty(b) && b->body.n + point->n > FULL)
        rc = batch_send(b, err);
    if (!rc && !batch_is_empty(b))
        rc = kn_buf_add(&b->body, ",", 1, err);
    return rc ? rc : kn_buf_add(&b->body, point->data, point->n, err);
}

/* ---- what is put ---- */

struct path { /* whose is it? */
    const char *path;
    size_t put;
};

static int by_path(const void *pa, const void *pb)
{
    const struct path *a = pa, *b = pb;
    int names = strcmp(a->path, b->path);

    return names ? names : (a->put > b->put) - (a->put < b->put);
}

struct putting {
    struct kn_qdrant *q;
    struct kn_qd_view view;
    struct kn_qd_put *puts;
    size_t n;
    const char **paths; /* of all, one title's after another */
    int64_t at;
};

/* Of one id twice the last counts. */
static void choose_records(struct putting *x, const struct kn_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t later = i + 1;

        while (later < n && !kn_id_eq(&records[i].title.id, &records[later].title.id))
            later++;
        if (later == n)
            x->puts[x->n++].record = &records[i];
    }
}

/* Each path goes to the last title that has it; a title that has none left of those it came with is missing. */
static int share_out_paths(struct putting *x, struct kn_err *err)
{
    size_t n = 0, at = 0;
    struct path *all;

    for (size_t i = 0; i < x->n; i++)
        n += x->puts[i].record->title.n_paths;
    all = calloc(n + 1, sizeof *all);
    x->paths = calloc(n + 1, sizeof *x->paths);
    if (!all || !x->paths) {
        free(all);
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu paths", n);
    }
    for (size_t i = 0; i < x->n; i++) {
        const struct kn_title *t = &x->puts[i].record->title;

        x->puts[i].paths = x->paths + at;
        for (size_t p = 0; p < t->n_paths; p++)
            all[at++] = (struct path){t->paths[p], i};
    }
    qsort(all, n, sizeof *all, by_path);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || strcmp(all[i].path, all[i + 1].path) != 0) {
            struct kn_qd_put *p = &x->puts[all[i].put];

            p->paths[p->n_paths++] = all[i].path;
        }
    for (size_t i = 0; i < x->n; i++)
        x->puts[i].taken = x->puts[i].n_paths == 0 && x->puts[i].record->title.n_paths > 0;
    free(all);
    return KN_OK;
}

static void give_version(const struct putting *x, struct kn_qd_put *p)
{
    unsigned char of[sizeof x->q->nonce + sizeof x->at + sizeof(struct kn_id)];

    memcpy(of, &x->q->nonce, sizeof x->q->nonce);
    memcpy(of + sizeof x->q->nonce, &x->at, sizeof x->at);
    memcpy(of + sizeof x->q->nonce + sizeof x->at, &p->record->title.id, sizeof(struct kn_id));
    snprintf(p->version, sizeof p->version, "%016" PRIx64, kn_hash_bytes(of, sizeof of));
}

static void write_ids(const struct putting *x, struct kn_json_writer *w, const char *key)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < x->n; i++)
        kn_qd_write_id(w, NULL, &x->puts[i].record->title.id);
    kn_json_end_array(w);
}

/* The versions that are there, to be removed once nothing names them. */
static int read_versions(struct putting *x, struct kn_err *err)
{
    const struct kn_json *points;
    struct kn_json *root;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    write_ids(x, &w, "ids");
    kn_json_begin_array(&w, "with_payload");
    kn_json_string(&w, NULL, "version");
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(x->q, "titles", x->view.key, "/points", &body, &root, &points, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    for (size_t i = 0, at = 0; i < kn_json_length(points); i++) {
        const struct kn_json *p = kn_json_at(points, i);
        const char *version =
            kn_json_text_or(kn_json_get(kn_json_get(p, "payload"), "version"), "");
        struct kn_id id;

        if (!kn_id_parse(kn_json_text_or(kn_json_get(p, "id"), ""), &id) || strlen(version) != 16)
            continue;
        for (size_t tries = 0; tries < x->n && !kn_id_eq(&id, &x->puts[at].record->title.id);
             tries++)
            at = (at + 1) % x->n; /* they come in the order that they were asked in */
        strcpy(x->puts[at].before, version);
    }
    kn_json_free(root);
    return KN_OK;
}

/* Moments before the titles that name them. */
static int send_points(struct putting *x, struct kn_err *err)
{
    struct batch b;
    struct kn_qd_sink sink = {batch_take, &b};
    struct kn_buf point;
    int rc = KN_OK;

    batch_open(&b, x->q, "moments", x->view.key);
    for (size_t i = 0; i < x->n && !rc; i++)
        rc = kn_qd_write_moments(&x->puts[i], x->view.dim, x->at, &sink, err);
    if (!rc)
        rc = batch_send(&b, err);
    b.kind = "titles";
    kn_buf_init(&point, MAX_POINT);
    for (size_t i = 0; i < x->n && !rc; i++) {
        struct kn_json_writer w = {.out = &point};

        kn_buf_clear(&point);
        rc = kn_qd_write_title(&w, &x->puts[i], x->view.dim, err);
        if (!rc)
            rc = kn_buf_ok(&point, err);
        if (!rc)
            rc = batch_take(&b, &point, err);
    }
    if (!rc)
        rc = batch_send(&b, err);
    kn_buf_free(&point);
    kn_buf_free(&b.body);
    return rc;
}

/* ---- paths of others ---- */

static bool is_taken(const struct putting *x, const char *path)
{
    for (size_t i = 0; i < x->n; i++)
        for (size_t p = 0; p < x->puts[i].n_paths; p++)
            if (strcmp(x->puts[i].paths[p], path) == 0)
                return true;
    return false;
}

static void write_missing(struct kn_json_writer *w)
{
    kn_json_string(w, "state", kn_qd_state_name(KN_STATE_MISSING));
}

/* Its moments are not to be found any more either. */
static int hide_moments(struct putting *x, const char *key, const char *id, struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, 4096);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_object(&w, "payload");
    write_missing(&w);
    kn_json_end_object(&w);
    kn_json_begin_object(&w, "filter");
    kn_json_begin_array(&w, "must");
    kn_qd_begin_any(&w, "title");
    kn_json_string(&w, NULL, id);
    kn_qd_end_any(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(x->q, "moments", key, "/points/payload?wait=true", &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

static int lose_paths(struct putting *x, const char *key, const struct kn_json *point,
                      struct kn_err *err)
{
    const struct kn_json *paths = kn_json_get(kn_json_get(point, "payload"), "paths");
    const char *id = kn_json_text_or(kn_json_get(point, "id"), "");
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    size_t left = 0;
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_object(&w, "payload");
    kn_json_begin_array(&w, "paths");
    for (size_t i = 0; i < kn_json_length(paths); i++) {
        const char *path = kn_json_text_or(kn_json_at(paths, i), "");

        if (is_taken(x, path))
            continue;
        kn_json_string(&w, NULL, path);
        left++;
    }
    kn_json_end_array(&w);
    if (left == 0) {
        write_missing(&w);
        kn_json_string(&w, "reason", KN_REASON_TAKEN);
    }
    kn_json_end_object(&w);
    kn_json_begin_array(&w, "points");
    kn_json_string(&w, NULL, id);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(x->q, "titles", key, "/points/payload?wait=true", &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc || left > 0 ? rc : hide_moments(x, key, id, err);
}

static int take_paths(struct putting *x, const char *key, struct kn_err *err)
{
    const struct kn_json *result, *points;
    struct kn_json *root;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_integer(&w, "limit", 10000);
    kn_json_begin_array(&w, "with_payload");
    kn_json_string(&w, NULL, "paths");
    kn_json_end_array(&w);
    kn_json_begin_object(&w, "filter");
    kn_json_begin_array(&w, "must");
    kn_qd_begin_any(&w, "paths");
    for (size_t i = 0; i < x->n; i++)
        for (size_t p = 0; p < x->puts[i].n_paths; p++)
            kn_json_string(&w, NULL, x->puts[i].paths[p]);
    kn_qd_end_any(&w);
    kn_json_end_array(&w);
    kn_json_begin_array(&w, "must_not");
    kn_json_begin_object(&w, NULL);
    write_ids(x, &w, "has_id");
    kn_json_end_object(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(x->q, "titles", key, "/points/scroll", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    points = kn_json_get(result, "points");
    for (size_t i = 0; i < kn_json_length(points) && !rc; i++)
        rc = lose_paths(x, key, kn_json_at(points, i), err);
    kn_json_free(root);
    return rc;
}

static bool has_paths(const struct putting *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->puts[i].n_paths > 0)
            return true;
    return false;
}

/* ---- removing ---- */

/* Titles and then what belongs to them, so that nobody finds half of one. */
static int delete_titles(struct kn_qdrant *q, const char *key, const struct kn_id *const *ids,
                         size_t n, struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "points");
    for (size_t i = 0; i < n; i++)
        kn_qd_write_id(&w, NULL, ids[i]);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(q, "titles", key, "/points/delete?wait=true", &body, NULL, NULL, err);
    kn_buf_clear(&body);
    w.comma = false;
    kn_json_begin_object(&w, NULL);
    kn_json_begin_object(&w, "filter");
    kn_json_begin_array(&w, "must");
    kn_qd_begin_any(&w, "title");
    for (size_t i = 0; i < n; i++)
        kn_qd_write_id(&w, NULL, ids[i]);
    kn_qd_end_any(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    if (!rc)
        rc = kn_qd_ask(q, "moments", key, "/points/delete?wait=true", &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

/* Moments of the versions that were replaced, and of puts that were interrupted long ago. */
static void write_stale(const struct putting *x, struct kn_json_writer *w)
{
    kn_json_begin_object(w, NULL);
    kn_json_begin_object(w, "delete");
    kn_json_begin_object(w, "filter");
    kn_json_begin_array(w, "must");
    kn_qd_begin_any(w, "title");
    for (size_t i = 0; i < x->n; i++)
        kn_qd_write_id(w, NULL, &x->puts[i].record->title.id);
    kn_qd_end_any(w);
    kn_json_begin_object(w, NULL);
    kn_json_begin_array(w, "should");
    kn_qd_begin_any(w, "version");
    for (size_t i = 0; i < x->n; i++)
        kn_json_string(w, NULL, x->puts[i].before); /* "" is nobody's */
    kn_qd_end_any(w);
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "key", "at");
    kn_json_begin_object(w, "range");
    kn_json_integer(w, "lt", x->at - LONG_AGO);
    kn_json_end_object(w);
    kn_json_end_object(w);
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

/* x may be NULL: nothing is stale. */
static int finish(struct kn_qdrant *q, const char *key, const struct putting *x, struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "operations");
    if (x)
        write_stale(x, &w);
    kn_qd_write_change(q, &w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(q, "moments", key, "/points/batch?wait=true", &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

/* ---- the operations ---- */

/* A library has collections from its first title or model on. */
static int have_collections(struct kn_qdrant *q, struct kn_qd_view *view, struct kn_err *err)
{
    char key[KN_QD_KEY];
    int rc = kn_qd_view(q, view, err);

    if (rc || view->key[0])
        return rc;
    pthread_mutex_lock(&q->lock);
    rc = kn_qd_make(q, "", 0, key, err);
    if (!rc)
        rc = kn_qd_point_aliases(q, key, err);
    if (!rc)
        rc = kn_qd_look(q, err);
    if (!rc)
        *view = q->view;
    pthread_mutex_unlock(&q->lock);
    return rc;
}

static int drop_from_others(struct putting *x, struct kn_err *err)
{
    const struct kn_id **ids;
    int rc = KN_OK;

    if (x->view.n_others == 0)
        return KN_OK;
    ids = calloc(x->n, sizeof *ids);
    if (!ids)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", x->n);
    for (size_t i = 0; i < x->n; i++)
        ids[i] = &x->puts[i].record->title.id;
    for (size_t i = 0; i < x->view.n_others && !rc; i++)
        rc = delete_titles(x->q, x->view.others[i], ids, x->n, err);
    free(ids);
    return rc;
}

static int put_all(struct putting *x, struct kn_err *err)
{
    int rc = share_out_paths(x, err);

    for (size_t i = 0; i < x->n && !rc; i++)
        give_version(x, &x->puts[i]);
    if (!rc)
        rc = read_versions(x, err);
    if (!rc)
        rc = send_points(x, err);
    if (!rc)
        rc = drop_from_others(x, err);
    if (!rc && has_paths(x)) {
        rc = take_paths(x, x->view.key, err);
        for (size_t i = 0; i < x->view.n_others && !rc; i++)
            rc = take_paths(x, x->view.others[i], err);
    }
    return rc ? rc : finish(x->q, x->view.key, x, err);
}

int kn_qd_put(struct kn_library *lib, const struct kn_record *records, size_t n, struct kn_err *err)
{
    struct putting x = {.q = kn_qdrant_of(lib), .at = kn_qd_tick(kn_qdrant_of(lib))};
    int rc = kn_qd_check_write(x.q, err);

    if (!rc)
        rc = kn_qd_view(x.q, &x.view, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = kn_check_record(&records[i], x.view.dim, err);
    if (!rc)
        rc = have_collections(x.q, &x.view, err);
    if (rc)
        return rc;
    x.puts = calloc(n, sizeof *x.puts);
    if (!x.puts)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", n);
    choose_records(&x, records, n);
    rc = put_all(&x, err);
    free(x.puts);
    free(x.paths);
    return rc;
}

int kn_qd_remove(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    const struct kn_id **which;
    struct kn_qd_view v = {0};
    int rc = kn_qd_check_write(q, err);

    if (!rc)
        rc = kn_qd_view(q, &v, err);
    if (rc || !v.key[0])
        return rc;
    which = calloc(n, sizeof *which);
    if (!which)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", n);
    for (size_t i = 0; i < n; i++)
        which[i] = &ids[i];
    rc = delete_titles(q, v.key, which, n, err);
    for (size_t i = 0; i < v.n_others && !rc; i++)
        rc = delete_titles(q, v.others[i], which, n, err);
    free(which);
    return rc ? rc : finish(q, v.key, NULL, err);
}
