/* The manifest: JSON built into the program, parsed by the first who asks. */
#include "models.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/json.h"

#include <pthread.h>
#include <string.h>

enum { MAX_MODELS = 64, MAX_TEXTS = 1 << 20 };

extern const char kn_data_manifest[];
extern const uint64_t kn_data_manifest_size;

static struct {
    struct kn_arena *arena; /* lives as long as the process */
    struct kn_model models[MAX_MODELS];
    size_t n;
    int rc;
    struct kn_err err;
} manifest;

static int keep(const char *text, const char **out, struct kn_err *err)
{
    const char *copy = kn_arena_text(manifest.arena, text);

    if (!copy)
        return kn_err_set(err, KN_ELIMIT, "no room for its texts");
    *out = copy;
    return KN_OK;
}

static int read_text(const struct kn_json *v, const char *key, const char **out, struct kn_err *err)
{
    const char *text;
    int rc = kn_json_want_text(v, key, &text, err);

    return rc ? rc : keep(text, out, err);
}

static int read_texts(const struct kn_json *v, const char *key, const char **out, size_t room,
                      struct kn_err *err)
{
    const struct kn_json *list = kn_json_get(v, key);
    size_t n = kn_json_length(list);

    if (n > room)
        return kn_err_set(err, KN_ECORRUPT, "more than %zu of '%s'", room, key);
    for (size_t i = 0; i < n; i++) {
        const char *text = kn_json_text_or(kn_json_at(list, i), NULL);
        int rc;

        if (!text)
            return kn_err_set(err, KN_ECORRUPT, "an element of '%s' is no text", key);
        rc = keep(text, &out[i], err);
        if (rc)
            return rc;
    }
    return KN_OK;
}

static bool is_sha256(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int read_model(const struct kn_json *v, struct kn_model *m, struct kn_err *err)
{
    int64_t bytes;
    int rc;

    if ((rc = read_text(v, "name", &m->name, err)) || (rc = read_text(v, "file", &m->file, err)) ||
        (rc = read_text(v, "purpose", &m->purpose, err)) ||
        (rc = read_text(v, "licence", &m->licence, err)) ||
        (rc = kn_json_want_integer(v, "bytes", &bytes, err)) ||
        (rc = read_texts(v, "sha256", m->sha256, KN_MODEL_HASHES, err)) ||
        (rc = read_texts(v, "sources", m->sources, KN_MODEL_SOURCES, err)))
        return rc;
    if (bytes <= 0 || strchr(m->file, '/') || !m->sha256[0])
        return kn_err_set(err, KN_ECORRUPT, "'%s' lacks its size, hash or file name", m->name);
    for (size_t i = 0; i < KN_MODEL_HASHES && m->sha256[i]; i++) {
        if (!is_sha256(m->sha256[i]))
            return kn_err_set(err, KN_ECORRUPT, "'%s' has a hash that is none", m->name);
    }
    m->bytes = (uint64_t)bytes;
    if (kn_json_get(v, "instead") && (rc = read_text(v, "instead", &m->instead, err)))
        return rc;
    m->is_default = kn_json_bool_or(kn_json_get(v, "default"), false);
    return KN_OK;
}

static int parse(struct kn_err *err)
{
    struct kn_json *root = NULL;
    int rc;
    size_t n;

    manifest.arena = kn_arena_new(MAX_TEXTS);
    if (!manifest.arena)
        return kn_err_set(err, KN_ELIMIT, "no memory");
    rc = kn_json_parse((struct kn_sv){kn_data_manifest, kn_data_manifest_size}, "manifest.json",
                       &root, err);
    if (rc)
        return rc;
    n = kn_json_length(root);
    if (n == 0 || n > MAX_MODELS)
        rc = kn_err_set(err, KN_ECORRUPT, "%zu models where 1 to %d may be", n, MAX_MODELS);
    for (size_t i = 0; i < n && !rc; i++)
        rc = read_model(kn_json_at(root, i), &manifest.models[i], err);
    manifest.n = n;
    kn_json_free(root);
    return rc;
}

static void parse_once(void)
{
    manifest.rc = parse(&manifest.err);
    if (manifest.rc)
        kn_err_wrap(&manifest.err, manifest.rc, "the manifest of models");
}

int kn_models_manifest(const struct kn_model **out, size_t *n, struct kn_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, parse_once);
    if (manifest.rc) {
        if (err)
            *err = manifest.err;
        return manifest.rc;
    }
    *out = manifest.models;
    *n = manifest.n;
    return KN_OK;
}

int kn_models_find(const char *name, const struct kn_model **out, struct kn_err *err)
{
    const struct kn_model *models;
    struct kn_buf names;
    size_t n;
    int rc = kn_models_manifest(&models, &n, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(models[i].name, name) == 0) {
            *out = &models[i];
            return KN_OK;
        }
    }
    kn_buf_init(&names, MAX_TEXTS);
    for (size_t i = 0; i < n; i++)
        kn_buf_addf(&names, NULL, "%s%s", i ? ", " : "", models[i].name);
    rc = kn_err_set(err, KN_ENOTFOUND, "no model is named '%s'; there are %s", name, names.data);
    kn_buf_free(&names);
    return rc;
}
