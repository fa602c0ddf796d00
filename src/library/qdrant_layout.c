#include "library/qdrant_impl.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The point about the library in its moments collection. */
#define LIBRARY_POINT "6b696e6f-7261-4c69-8272-617279000001"
#define NO_MODEL "00000000"

/* What filters, lists and counts ask of; without an index each would read every payload. */
static const struct index {
    const char *kind, *field, *schema;
} indexes[] = {
    {"titles", "state", "keyword"},      {"titles", "languages", "keyword"},
    {"titles", "genre", "keyword"},      {"titles", "year", "integer"},
    {"titles", "length", "float"},       {"titles", "opinion", "float"},
    {"titles", "names", "keyword"},      {"titles", "order", "integer"},
    {"titles", "grams", "keyword"},      {"titles", "paths", "keyword"},
    {"titles", "segments", "integer"},   {"titles", "moments", "integer"},
    {"titles", "seconds", "integer"},    {"moments", "title", "keyword"},
    {"moments", "kind", "keyword"},      {"moments", "state", "keyword"},
    {"moments", "languages", "keyword"}, {"moments", "genre", "keyword"},
    {"moments", "year", "integer"},      {"moments", "length", "float"},
    {"moments", "of", "keyword"},
};

void kn_qd_key(const char *model, size_t dim, char out[KN_QD_KEY])
{
    char text[KN_MAX_MODEL_NAME + 32];

    snprintf(text, sizeof text, "%s %zu", model, dim);
    if (dim == 0)
        memcpy(out, NO_MODEL, KN_QD_KEY);
    else
        snprintf(out, KN_QD_KEY, "%08x", (unsigned)(kn_hash_bytes(text, strlen(text)) >> 32));
}

/* ---- looking ---- */

/* The key in NAME-titles-KEY. False: it is no such collection of this library. */
static bool key_in(const struct kn_qdrant *q, const char *collection, char out[KN_QD_KEY])
{
    char begin[KN_QD_MAX_NAME + 16];
    size_t n = (size_t)snprintf(begin, sizeof begin, "%s-titles-", q->name);

    if (strncmp(collection, begin, n) != 0 || strlen(collection) != n + KN_QD_KEY - 1)
        return false;
    for (const char *p = collection + n; *p; p++)
        if (!isxdigit((unsigned char)*p))
            return false;
    memcpy(out, collection + n, KN_QD_KEY);
    return true;
}

static void write_aside(const struct kn_qdrant *q, const char *key, char out[KN_QD_PATH])
{
    snprintf(out, KN_QD_PATH, "%s-aside-%s", q->name, key);
}

/* "": no alias, so no library. */
static int read_alias(struct kn_qdrant *q, char key[KN_QD_KEY], struct kn_err *err)
{
    const struct kn_json *result, *aliases;
    struct kn_json *root;
    char name[KN_QD_MAX_NAME + 16];
    int rc = kn_qd_call(q, "GET", "/aliases", NULL, &root, &result, err);

    if (rc)
        return rc;
    key[0] = '\0';
    snprintf(name, sizeof name, "%s-titles", q->name);
    aliases = kn_json_get(result, "aliases");
    for (size_t i = 0; i < kn_json_length(aliases); i++) {
        const struct kn_json *a = kn_json_at(aliases, i);

        if (strcmp(kn_json_text_or(kn_json_get(a, "alias_name"), ""), name) == 0)
            key_in(q, kn_json_text_or(kn_json_get(a, "collection_name"), ""), key);
    }
    kn_json_free(root);
    return KN_OK;
}

static int read_others(struct kn_qdrant *q, struct kn_qd_view *v, struct kn_err *err)
{
    const struct kn_json *result, *collections;
    struct kn_json *root;
    int rc = kn_qd_call(q, "GET", "/collections", NULL, &root, &result, err);

    if (rc)
        return rc;
    collections = kn_json_get(result, "collections");
    for (size_t i = 0; i < kn_json_length(collections); i++) {
        const struct kn_json *name = kn_json_get(kn_json_at(collections, i), "name");
        char key[KN_QD_KEY];

        if (key_in(q, kn_json_text_or(name, ""), key) && strcmp(key, v->key) != 0 &&
            v->n_others < KN_QD_MAX_OTHERS)
            memcpy(v->others[v->n_others++], key, KN_QD_KEY);
    }
    kn_json_free(root);
    return KN_OK;
}

/* What is being built aside is nobody's title yet: an alias says so until it is swapped in. */
static int leave_out_asides(struct kn_qdrant *q, struct kn_qd_view *v, struct kn_err *err)
{
    const struct kn_json *result, *aliases;
    struct kn_json *root;
    int rc = kn_qd_call(q, "GET", "/aliases", NULL, &root, &result, err);

    if (rc)
        return rc;
    aliases = kn_json_get(result, "aliases");
    for (size_t i = 0; i < kn_json_length(aliases); i++) {
        const char *name = kn_json_text_or(kn_json_get(kn_json_at(aliases, i), "alias_name"), "");

        for (size_t o = 0; o < v->n_others; o++) {
            char aside[KN_QD_PATH];

            write_aside(q, v->others[o], aside);
            if (strcmp(name, aside) == 0)
                memmove(v->others[o], v->others[--v->n_others], KN_QD_KEY);
        }
    }
    kn_json_free(root);
    return KN_OK;
}

static int read_library_point(struct kn_qdrant *q, const char *key, struct kn_json **root,
                              const struct kn_json **payload, struct kn_err *err)
{
    const struct kn_json *result;
    struct kn_buf body;
    int rc;

    kn_buf_init(&body, 4096);
    kn_buf_adds(&body, "{\"ids\":[\"" LIBRARY_POINT "\"],\"with_payload\":true}", NULL);
    rc = kn_qd_ask(q, "moments", key, "/points", &body, root, &result, err);
    kn_buf_free(&body);
    if (!rc)
        *payload = kn_json_get(kn_json_at(result, 0), "payload");
    return rc;
}

static int read_model(struct kn_qdrant *q, struct kn_qd_view *v, struct kn_err *err)
{
    const struct kn_json *payload;
    struct kn_json *root;
    const char *model;
    int64_t format;
    int rc = read_library_point(q, v->key, &root, &payload, err);

    if (rc)
        return rc;
    format = kn_json_integer_or(kn_json_get(payload, "format"), 0);
    model = kn_json_text_or(kn_json_get(payload, "model"), "");
    v->dim = (size_t)kn_json_integer_or(kn_json_get(payload, "dim"), 0);
    if (format == 0 || strlen(model) > KN_MAX_MODEL_NAME || v->dim > KN_MAX_DIM)
        rc = kn_err_set(err, KN_ECORRUPT,
                        "library %s: its point about itself is missing; publish it again",
                        q->address);
    else if (format > KN_QD_FORMAT)
        rc = kn_err_set(err, KN_EARG, "library %s: made by a newer Kinora (format %lld)",
                        q->address, (long long)format);
    else
        strcpy(v->model, model);
    kn_json_free(root);
    return rc;
}

int kn_qd_look(struct kn_qdrant *q, struct kn_err *err)
{
    struct kn_qd_view v = {0};
    int rc = read_alias(q, v.key, err);

    if (!rc && strcmp(v.key, q->view.key) == 0 && q->looked > 0) {
        q->looked = kn_clock_now();
        return KN_OK;
    }
    if (!rc && v.key[0])
        rc = read_others(q, &v, err);
    if (!rc && v.n_others > 0)
        rc = leave_out_asides(q, &v, err);
    if (!rc && v.key[0])
        rc = read_model(q, &v, err);
    if (rc)
        return rc;
    q->view = v;
    q->looked = kn_clock_now();
    return KN_OK;
}

int kn_qd_view(struct kn_qdrant *q, struct kn_qd_view *out, struct kn_err *err)
{
    int rc = KN_OK;

    pthread_mutex_lock(&q->lock);
    if (atomic_exchange(&q->lost, false))
        q->looked = 0;
    if (!q->aside && kn_clock_now() - q->looked > KN_QD_REFRESH)
        rc = kn_qd_look(q, err);
    if (!rc)
        *out = q->view;
    pthread_mutex_unlock(&q->lock);
    return rc;
}

/* ---- making ---- */

static void write_settings(const struct kn_qdrant *q, struct kn_json_writer *w)
{
    const struct kn_qdrant_options *o = &q->options;

    if (o->m || o->ef_construct || o->on_disk) {
        kn_json_begin_object(w, "hnsw_config");
        if (o->m)
            kn_json_integer(w, "m", o->m);
        if (o->ef_construct)
            kn_json_integer(w, "ef_construct", o->ef_construct);
        if (o->on_disk)
            kn_json_bool(w, "on_disk", true);
        kn_json_end_object(w);
    }
    if (q->quantization[0]) {
        kn_json_begin_object(w, "quantization_config");
        kn_json_begin_object(w, q->quantization);
        if (strcmp(q->quantization, "scalar") == 0)
            kn_json_string(w, "type", "int8");
        kn_json_bool(w, "always_ram", true);
        kn_json_end_object(w);
        kn_json_end_object(w);
    }
    if (o->shards)
        kn_json_integer(w, "shard_number", o->shards);
    if (o->replicas)
        kn_json_integer(w, "replication_factor", o->replicas);
    if (o->consistency)
        kn_json_integer(w, "write_consistency_factor", o->consistency);
}

static int make_collection(struct kn_qdrant *q, const char *kind, const char *key, size_t dim,
                           struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, 4096);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_object(&w, "vectors");
    if (dim > 0) {
        kn_json_begin_object(&w, "meaning");
        kn_json_integer(&w, "size", (int64_t)dim);
        kn_json_string(&w, "distance", "Dot");
        if (q->options.on_disk)
            kn_json_bool(&w, "on_disk", true);
        kn_json_end_object(&w);
    }
    kn_json_end_object(&w);
    kn_json_begin_object(&w, "sparse_vectors");
    kn_json_begin_object(&w, "words");
    kn_json_string(&w, "modifier", "idf");
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    write_settings(q, &w);
    kn_json_end_object(&w);
    rc = kn_qd_create(q, kind, key, &body, err);
    kn_buf_free(&body);
    return rc;
}

static int make_index(struct kn_qdrant *q, const char *key, const struct index *index,
                      struct kn_err *err)
{
    char path[KN_QD_PATH];
    struct kn_buf body;
    int rc;

    kn_buf_init(&body, 256);
    kn_buf_addf(&body, NULL, "{\"field_name\":\"%s\",\"field_schema\":\"%s\"}", index->field,
                index->schema);
    kn_qd_path(q, index->kind, key, "/index?wait=true", path);
    rc = kn_qd_call(q, "PUT", path, &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

static int64_t next_change(struct kn_qdrant *q)
{
    int64_t now = kn_clock_unix_ms() * 1000;

    q->last_change = now > q->last_change ? now : q->last_change + 1;
    return q->last_change;
}

/* Behind all else: without it a collection is not a library's. */
static int put_library_point(struct kn_qdrant *q, const char *key, const char *model, size_t dim,
                             struct kn_err *err)
{
    char path[KN_QD_PATH];
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, 4096);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "points");
    kn_json_begin_object(&w, NULL);
    kn_json_string(&w, "id", LIBRARY_POINT);
    kn_json_begin_object(&w, "vector");
    kn_json_end_object(&w);
    kn_json_begin_object(&w, "payload");
    kn_json_string(&w, "kind", "library");
    kn_json_integer(&w, "format", KN_QD_FORMAT);
    kn_json_string(&w, "model", model);
    kn_json_integer(&w, "dim", (int64_t)dim);
    kn_json_integer(&w, "changes", next_change(q));
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_qd_path(q, "moments", key, "/points?wait=true", path);
    rc = kn_qd_call(q, "PUT", path, &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

int kn_qd_make(struct kn_qdrant *q, const char *model, size_t dim, char key[KN_QD_KEY],
               struct kn_err *err)
{
    int rc;

    kn_qd_key(model, dim, key);
    rc = make_collection(q, "titles", key, dim, err);
    if (!rc)
        rc = make_collection(q, "moments", key, dim, err);
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes && !rc; i++)
        rc = make_index(q, key, &indexes[i], err);
    return rc ? rc : put_library_point(q, key, model, dim, err);
}

static void write_alias(const struct kn_qdrant *q, struct kn_json_writer *w, const char *kind,
                        const char *key)
{
    char alias[KN_QD_MAX_NAME + 16], collection[KN_QD_MAX_NAME + 32];

    snprintf(alias, sizeof alias, "%s-%s", q->name, kind);
    snprintf(collection, sizeof collection, "%s-%s", alias, key);
    if (q->view.key[0]) {
        kn_json_begin_object(w, NULL);
        kn_json_begin_object(w, "delete_alias");
        kn_json_string(w, "alias_name", alias);
        kn_json_end_object(w);
        kn_json_end_object(w);
    }
    kn_json_begin_object(w, NULL);
    kn_json_begin_object(w, "create_alias");
    kn_json_string(w, "collection_name", collection);
    kn_json_string(w, "alias_name", alias);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

int kn_qd_point_aliases(struct kn_qdrant *q, const char *key, struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, 4096);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w,
                        "actions"); /* one request: nobody sees the one moved and not the other */
    write_alias(q, &w, "titles", key);
    write_alias(q, &w, "moments", key);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    rc = kn_qd_change_aliases(q, &body, err);
    kn_buf_free(&body);
    q->looked = 0;
    return rc;
}

int kn_qd_mark_aside(struct kn_qdrant *q, const char *key, bool is, struct kn_err *err)
{
    char aside[KN_QD_PATH];
    struct kn_buf body;
    int rc;

    write_aside(q, key, aside);
    kn_buf_init(&body, 4096);
    if (is)
        kn_buf_addf(&body, NULL,
                    "{\"actions\":[{\"create_alias\":{\"alias_name\":\"%s\","
                    "\"collection_name\":\"%s-titles-%s\"}}]}",
                    aside, q->name, key);
    else
        kn_buf_addf(&body, NULL, "{\"actions\":[{\"delete_alias\":{\"alias_name\":\"%s\"}}]}",
                    aside);
    rc = kn_qd_change_aliases(q, &body, err);
    kn_buf_free(&body);
    return rc;
}

int kn_qd_drop(struct kn_qdrant *q, const char *key, struct kn_err *err)
{
    char path[KN_QD_PATH];
    int rc;

    kn_qd_path(q, "moments", key, "", path);
    rc = kn_qd_call(q, "DELETE", path, NULL, NULL, NULL, err);
    if (rc)
        return rc;
    kn_qd_path(q, "titles", key, "", path); /* last: it is what tells of the other one */
    return kn_qd_call(q, "DELETE", path, NULL, NULL, NULL, err);
}

/* ---- the number that grows ---- */

int64_t kn_qd_tick(struct kn_qdrant *q)
{
    int64_t tick;

    pthread_mutex_lock(&q->lock);
    tick = next_change(q);
    pthread_mutex_unlock(&q->lock);
    return tick;
}

void kn_qd_write_change(struct kn_qdrant *q, struct kn_json_writer *w)
{
    kn_json_begin_object(w, NULL);
    kn_json_begin_object(w, "set_payload");
    kn_json_begin_object(w, "payload");
    kn_json_integer(w, "changes", kn_qd_tick(q));
    kn_json_end_object(w);
    kn_json_begin_array(w, "points");
    kn_json_string(w, NULL, LIBRARY_POINT);
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

int kn_qd_changes(struct kn_qdrant *q, const struct kn_qd_view *v, uint64_t *out,
                  struct kn_err *err)
{
    const struct kn_json *payload;
    struct kn_json *root;
    int rc = read_library_point(q, v->key, &root, &payload, err);

    if (rc)
        return rc;
    *out = (uint64_t)kn_json_integer_or(kn_json_get(payload, "changes"), 0);
    kn_json_free(root);
    return KN_OK;
}
