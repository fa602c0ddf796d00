#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "models/models.h"
#include "net/http.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void kinora_models_free(struct kinora_models *m)
{
    if (!m)
        return;
    kn_arena_free(m->arena);
    free(m);
}

static int fill_model(const char *dir, const struct kn_model *model, struct kn_arena *arena,
                      struct kinora_model *out, struct kn_err *err)
{
    struct kn_buf path;

    *out = (struct kinora_model){
        .name = model->name,
        .file = model->file,
        .purpose = model->purpose,
        .licence = model->licence,
        .bytes = model->bytes,
        .sha256 = model->sha256[0],
        .is_default = model->is_default,
        .path = kn_arena_printf(arena, "%s/%s", dir, model->file),
        .sources = model->sources,
        .instead = model->instead,
    };
    while (out->n_sources < KN_MODEL_SOURCES && model->sources[out->n_sources])
        out->n_sources++;
    kn_buf_init(&path, PATH_MAX);
    out->present = kn_models_path(dir, model->name, &path, NULL) == KN_OK;
    kn_buf_free(&path);
    return out->path ? KN_OK : kn_api_no_memory(err, "models");
}

int kinora_models_list(const char *configured, struct kinora_models **out, struct kn_err *err)
{
    struct kinora_models *m = calloc(1, sizeof *m);
    const struct kn_model *manifest;
    struct kn_buf dir;
    size_t n;
    int rc;

    if (!m || !(m->arena = kn_arena_new(0))) {
        free(m);
        return kn_api_no_memory(err, "models");
    }
    kn_buf_init(&dir, PATH_MAX);
    rc = kn_models_dir(configured, &dir, err);
    if (rc == KN_OK)
        rc = kn_models_manifest(&manifest, &n, err);
    if (rc)
        goto out;
    m->models = kn_arena_array(m->arena, n, sizeof *m->models);
    m->dir = kn_arena_text(m->arena, dir.data);
    if (!m->models || !m->dir)
        rc = kn_api_no_memory(err, "models");
    for (; rc == KN_OK && m->n < n; m->n++)
        rc = fill_model(m->dir, &manifest[m->n], m->arena, &m->models[m->n], err);
out:
    kn_buf_free(&dir);
    if (rc)
        kinora_models_free(m);
    else
        *out = m;
    return rc;
}

static int dir_and_model(const char *configured, const char *name, struct kn_buf *dir,
                         const struct kn_model **model, struct kn_err *err)
{
    int rc;

    kn_buf_init(dir, PATH_MAX);
    rc = kn_models_dir(configured, dir, err);
    return rc ? rc : kn_models_find(name, model, err);
}

int kinora_models_verify(const char *configured, const char *name, struct kn_err *err)
{
    const struct kn_model *model;
    struct kn_buf dir;
    int rc = dir_and_model(configured, name, &dir, &model, err);

    if (rc == KN_OK)
        rc = kn_models_verify(dir.data, model, err);
    kn_buf_free(&dir);
    return rc;
}

struct pulling {
    struct kn_cancel cancel;
    bool (*cancelled)(void *ctx);
    void (*done)(void *ctx, uint64_t bytes, uint64_t total);
    void *ctx;
};

static void pulled(void *p, uint64_t bytes, uint64_t total)
{
    struct pulling *pull = p;

    if (pull->cancelled && pull->cancelled(pull->ctx))
        kn_cancel_set(&pull->cancel);
    if (pull->done)
        pull->done(pull->ctx, bytes, total);
}

int kinora_models_pull(const char *configured, const char *name, const char *source,
                       bool (*cancelled)(void *ctx),
                       void (*done)(void *ctx, uint64_t bytes, uint64_t total), void *ctx,
                       struct kn_err *err)
{
    struct pulling pull = {.cancelled = cancelled, .done = done, .ctx = ctx};
    const struct kn_model *model;
    struct kn_buf dir;
    int rc = dir_and_model(configured, name, &dir, &model, err);

    kn_http_init();
    if (rc == KN_OK)
        rc = kn_models_pull(dir.data, model, source, &pull.cancel, pulled, &pull, err);
    kn_buf_free(&dir);
    return rc;
}
