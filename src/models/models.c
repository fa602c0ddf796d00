#include "models.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "config/config.h"
#include "net/http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATH = 64 << 10 };

/* The folder "models" beside the program, or beside its folder, as a build and an installed
 * program have it. *found says whether there is one. */
static int beside_program(struct kn_buf *dir, bool *found, struct kn_err *err)
{
    static const char *const where[] = {"/models", "/../models"};
    size_t n;
    int rc = kn_fs_program_dir(dir, err);

    *found = false;
    n = dir->n;
    for (size_t i = 0; !rc && !*found && i < sizeof where / sizeof *where; i++) {
        dir->n = n;
        rc = kn_buf_adds(dir, where[i], err);
        *found = !rc && kn_fs_exists(dir->data);
    }
    return rc;
}

int kn_models_dir(const char *configured, struct kn_buf *out, struct kn_err *err)
{
    struct kn_buf dir;
    bool found;
    int rc;

    if (configured && *configured)
        return kn_buf_adds(out, configured, err);
    kn_buf_init(&dir, MAX_PATH);
    rc = beside_program(&dir, &found, err);
    if (!rc && !found) {
        kn_buf_clear(&dir);
        rc = kn_config_data_dir(&dir, err);
        if (!rc)
            rc = kn_buf_adds(&dir, "/models", err);
    }
    if (!rc)
        rc = kn_buf_add(out, dir.data, dir.n, err);
    kn_buf_free(&dir);
    return rc;
}

/* What to type when a model's file is not as it should be, in two parts: "%s%s". */
static const char *remedy(const struct kn_model *m)
{
    return m->sources[0] ? "make models, or kinora models pull " : "make models";
}

static const char *remedy_name(const struct kn_model *m)
{
    return m->sources[0] ? m->name : "";
}

/* Is dir/file there, with the manifest's size? */
static int check_size(const struct kn_model *m, const char *path, struct kn_err *err)
{
    struct stat st;

    if (stat(path, &st)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return kn_err_set(err, KN_ENOTFOUND, "model %s: there is no '%s'; remedy: %s%s",
                              m->name, path, remedy(m), remedy_name(m));
        return kn_err_set(err, KN_EIO, "model %s: look at '%s': %s", m->name, path,
                          strerror(errno));
    }
    if ((uint64_t)st.st_size != m->bytes)
        return kn_err_set(err, KN_ECORRUPT,
                          "model %s: '%s' has %" PRIu64 " bytes, not %" PRIu64 "; remedy: %s%s",
                          m->name, path, (uint64_t)st.st_size, m->bytes, remedy(m), remedy_name(m));
    return KN_OK;
}

static int check_hash(const struct kn_model *m, const char *path, struct kn_err *err)
{
    /* 42 is what a message holds beside two hashes, the remedy and a model's name. */
    const char *shown = strlen(path) <= 42 ? path : m->file;
    char sha[65];
    int rc = kn_sha256_file(path, sha, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < KN_MODEL_HASHES && m->sha256[i]; i++) {
        if (strcmp(sha, m->sha256[i]) == 0)
            return KN_OK;
    }
    return kn_err_set(err, KN_ECORRUPT, "%s: SHA-256 is %s, not %s; remedy: %s%s", shown, sha,
                      m->sha256[0], remedy(m), remedy_name(m));
}

static int file_path(const char *dir, const struct kn_model *m, struct kn_buf *out,
                     struct kn_err *err)
{
    return kn_buf_addf(out, err, "%s/%s", dir, m->file);
}

int kn_models_path(const char *dir, const char *name, struct kn_buf *out, struct kn_err *err)
{
    const struct kn_model *m;
    struct kn_buf path;
    int rc = kn_models_find(name, &m, err);

    if (rc)
        return rc;
    kn_buf_init(&path, MAX_PATH);
    rc = file_path(dir, m, &path, err);
    if (!rc)
        rc = check_size(m, path.data, err);
    if (!rc)
        rc = kn_buf_add(out, path.data, path.n, err);
    kn_buf_free(&path);
    return rc;
}

int kn_models_verify(const char *dir, const struct kn_model *model, struct kn_err *err)
{
    struct kn_buf path;
    int rc;

    kn_buf_init(&path, MAX_PATH);
    rc = file_path(dir, model, &path, err);
    if (!rc)
        rc = check_size(model, path.data, err);
    if (!rc)
        rc = check_hash(model, path.data, err);
    kn_buf_free(&path);
    return rc;
}

/* ---- pull ---- */

struct pull {
    const struct kn_model *model;
    const char *part;
    const struct kn_cancel *cancel;
    void (*done)(void *ctx, uint64_t bytes, uint64_t total);
    void *ctx;
};

static bool has_bytes(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_size > 0;
}

static bool is_complete(const struct pull *p)
{
    return check_size(p->model, p->part, NULL) == KN_OK;
}

static void tell(void *ctx, uint64_t bytes, uint64_t total)
{
    const struct pull *p = ctx;

    (void)total; /* the manifest knows better */
    if (p->done)
        p->done(p->ctx, bytes, p->model->bytes);
}

/* A beginning left by an earlier run may be another file's: when the whole does not check, it is
 * fetched once more from nothing. */
static int fetch(struct pull *p, const char *address, struct kn_err *err)
{
    for (;;) {
        bool resumed = has_bytes(p->part);
        int rc = KN_OK;

        if (!is_complete(p))
            rc = kn_http_download(address, p->part, p->model->bytes, p->cancel, tell, p, err);
        if (!rc)
            rc = check_size(p->model, p->part, err);
        if (!rc)
            rc = check_hash(p->model, p->part, err);
        if (rc != KN_ECORRUPT && rc != KN_ELIMIT)
            return rc;
        if (unlink(p->part))
            return kn_err_set(err, KN_EIO, "remove '%s': %s", p->part, strerror(errno));
        if (!resumed)
            return kn_err_wrap(err, KN_ECORRUPT, "from %s", address);
    }
}

static int fetch_from_any(struct pull *p, struct kn_err *err)
{
    const struct kn_model *m = p->model;
    int rc = kn_err_set(
        err, KN_ENOTFOUND,
        "model %s: the manifest has no address for it; make it with make models, or give "
        "one with --source",
        m->name);

    for (size_t i = 0; i < KN_MODEL_SOURCES && m->sources[i]; i++) {
        rc = fetch(p, m->sources[i], err);
        if (!rc || rc == KN_ECANCELLED || rc == KN_EIO)
            break;
    }
    return rc;
}

static int fetch_from(struct pull *p, const char *source, struct kn_err *err)
{
    struct kn_buf address;
    size_t n = strlen(source);
    int rc;

    kn_buf_init(&address, MAX_PATH);
    rc = kn_buf_addf(&address, err, "%s%s", source, source[n - 1] == '/' ? p->model->file : "");
    if (!rc)
        rc = fetch(p, address.data, err);
    kn_buf_free(&address);
    return rc;
}

/* Where there is no network there may still be packages, which the models can be made from. */
static void say_what_else(struct kn_err *err)
{
    static const char remedy_offline[] = "; try again later, or: make models";
    char told[sizeof err->msg];

    if (!err)
        return;
    memcpy(told, err->msg, sizeof told);
    kn_err_set(err, err->code, "%.*s%s", (int)(sizeof told - sizeof remedy_offline), told,
               remedy_offline);
}

int kn_models_pull(const char *dir, const struct kn_model *model, const char *source,
                   const struct kn_cancel *cancel,
                   void (*done)(void *ctx, uint64_t bytes, uint64_t total), void *ctx,
                   struct kn_err *err)
{
    struct pull p = {.model = model, .cancel = cancel, .done = done, .ctx = ctx};
    struct kn_buf path, part;
    int rc;

    if (kn_models_verify(dir, model, NULL) == KN_OK)
        return KN_OK;
    kn_buf_init(&path, MAX_PATH);
    kn_buf_init(&part, MAX_PATH);
    rc = file_path(dir, model, &path, err);
    if (!rc)
        rc = kn_buf_addf(&part, err, "%s.part", path.data);
    if (!rc)
        rc = kn_fs_mkdirs(dir, err);
    p.part = part.data;
    if (!rc)
        rc = source && *source ? fetch_from(&p, source, err) : fetch_from_any(&p, err);
    if (rc == KN_ENET || rc == KN_ETIMEOUT)
        say_what_else(err);
    if (!rc && rename(part.data, path.data))
        rc = kn_err_set(err, KN_EIO, "rename '%s' to '%s': %s", part.data, path.data,
                        strerror(errno));
    kn_buf_free(&part);
    kn_buf_free(&path);
    return rc;
}
