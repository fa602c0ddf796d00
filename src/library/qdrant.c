#include "library/qdrant_impl.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* has_vector came last of what is used here, with 1.13. */
enum { LEAST_MAJOR = 1, LEAST_MINOR = 13 };

#define TIMEOUT 30.0

static int bad_address(const char *address, const char *why, struct kn_err *err)
{
    return kn_err_set(err, KN_EARG, "library %s: %s; an address is qdrant+http://HOST:PORT/NAME",
                      address, why);
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);

    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
            return false;
    return n > 0 && n <= KN_QD_MAX_NAME;
}

static int read_address(struct kn_qdrant *q, struct kn_err *err)
{
    const char *url = q->address + strlen("qdrant+"), *host = strstr(url, "://"), *slash;

    if (strchr(q->address, '@')) /* not shown: it may hold a password */
        return kn_err_set(
            err, KN_EARG,
            "library qdrant+...: no user in the address; a key goes into KINORA_QDRANT_API_KEY");
    if (!kn_library_is_remote(q->address) ||
        (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return bad_address(q->address, "neither http nor https", err);
    slash = strchr(host + 3, '/');
    if (!slash || slash == host + 3)
        return bad_address(q->address, slash ? "no host" : "no name of a library", err);
    if (!is_name(slash + 1))
        return bad_address(q->address, "the name of a library has 1 to 64 letters, digits, - and _",
                           err);
    strcpy(q->name, slash + 1);
    q->url = strndup(url, (size_t)(slash - url));
    return q->url ? KN_OK : kn_err_set(err, KN_ELIMIT, "library %s: no memory", q->address);
}

static int connect(struct kn_qdrant *q, const char *api_key, struct kn_err *err)
{
    struct kn_http_options o = {.base = q->url, .timeout = q->options.timeout, .cancel = q->cancel};
    struct kn_buf header;
    int rc = KN_OK;

    kn_buf_init(&header, 8192);
    if (api_key && *api_key) {
        if (strpbrk(api_key, "\r\n"))
            rc = kn_err_set(err, KN_EARG, "library %s: the API key has more than one line",
                            q->address);
        else
            rc = kn_buf_addf(&header, err, "api-key: %s", api_key);
        o.header = header.data;
    }
    if (!rc)
        rc = kn_http_open(&o, &q->http, err);
    kn_buf_free(&header);
    return rc;
}

static int check_version(struct kn_qdrant *q, struct kn_err *err)
{
    const struct kn_json *version;
    struct kn_json *root;
    char *rest;
    long major, minor;
    int rc = kn_qd_about(q, &root, err);

    if (rc)
        return rc;
    version = kn_json_get(root, "version");
    major = strtol(kn_json_text_or(version, ""), &rest, 10);
    minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    if (!version)
        rc = kn_err_set(err, KN_ENET, "library %s: the server does not say that it is Qdrant",
                        q->address);
    else if (major < LEAST_MAJOR || (major == LEAST_MAJOR && minor < LEAST_MINOR))
        rc = kn_err_set(err, KN_EARG,
                        "library %s: the server is Qdrant %.20s; %d.%d or newer is needed",
                        q->address, kn_json_text_or(version, "?"), LEAST_MAJOR, LEAST_MINOR);
    kn_json_free(root);
    return rc;
}

static int qdrant_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err)
{
    struct kn_qd_view v;
    int rc = kn_qd_view(kn_qdrant_of(lib), &v, err);

    if (rc)
        return rc;
    strcpy(name, v.model);
    *dim = v.dim;
    return KN_OK;
}

/* Collections of other models in which no title is left. Under the lock. */
static int drop_empty(struct kn_qdrant *q, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; i < q->view.n_others && !rc; i++) {
        const struct kn_json *result;
        struct kn_json *root;
        struct kn_buf body;

        kn_buf_init(&body, 64);
        kn_buf_adds(&body, "{\"exact\":true}", NULL);
        rc = kn_qd_ask(q, "titles", q->view.others[i], "/points/count", &body, &root, &result, err);
        kn_buf_free(&body);
        if (rc)
            continue;
        if (kn_json_integer_or(kn_json_get(result, "count"), 1) == 0) {
            rc = kn_qd_drop(q, q->view.others[i], err);
            q->view.n_others--;
            memmove(q->view.others[i], q->view.others[q->view.n_others], KN_QD_KEY);
            i--;
        }
        kn_json_free(root);
    }
    return rc;
}

int kn_qd_check_write(const struct kn_qdrant *q, struct kn_err *err)
{
    return q->write ? KN_OK
                    : kn_err_set(err, KN_EARG, "library %s: opened for reading only", q->address);
}

int kn_qd_set_model(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    char key[KN_QD_KEY];
    int rc = kn_qd_check_write(q, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&q->lock);
    kn_qd_key(name, dim, key);
    if (q->aside && strcmp(q->view.key, key) != 0)
        rc = kn_err_set(err, KN_EARG, "library %s: model '%s' is being built aside", q->address,
                        q->view.model);
    else if (!q->aside)
        rc = kn_qd_look(q, err);
    if (rc || strcmp(q->view.key, key) == 0)
        goto out;
    rc = kn_qd_make(q, name, dim, key, err);
    if (!rc)
        rc = kn_qd_point_aliases(q, key, err);
    if (!rc)
        rc = kn_qd_look(q, err);
    if (!rc)
        rc = drop_empty(q, err);
out:
    pthread_mutex_unlock(&q->lock);
    return rc;
}

int kn_qdrant_aside(struct kn_library *lib, const char *model, size_t dim, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_qd_view v = {.dim = dim};
    int rc;

    if (lib->ops != &kn_qd_ops)
        return kn_err_set(err, KN_EARG, "model '%s': only a cluster builds one aside", model);
    if (!*model || strlen(model) > KN_MAX_MODEL_NAME || dim == 0 || dim > KN_MAX_DIM)
        return kn_err_set(err, KN_EARG, "library %s: model '%.63s' with %zu dimensions cannot be",
                          q->address, model, dim);
    rc = kn_qd_check_write(q, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&q->lock);
    rc = kn_qd_look(q, err);
    kn_qd_key(model, dim, v.key);
    if (!rc && strcmp(q->view.key, v.key) != 0) {
        rc = kn_qd_make(q, model, dim, v.key, err);
        if (!rc)
            rc = kn_qd_mark_aside(q, v.key, true, err);
        strcpy(v.model, model);
        if (!rc) {
            q->view = v;
            q->aside = true;
        }
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

/* Readers keep to the collections they know for a while; none may be dropped under them. Under the lock, which is given up
 * meanwhile. */
static int wait_for_readers(struct kn_qdrant *q, struct kn_err *err)
{
    double end = kn_clock_now() + 2 * KN_QD_REFRESH;

    pthread_mutex_unlock(&q->lock);
    while (kn_clock_now() < end && !kn_cancel_is_set(q->cancel))
        kn_clock_sleep(KN_CANCEL_POLL_MS / 1e3);
    pthread_mutex_lock(&q->lock);
    return kn_cancel_is_set(q->cancel)
               ? kn_err_set(err, KN_ECANCELLED, "library %s: cancelled", q->address)
               : KN_OK;
}

int kn_qdrant_swap(struct kn_library *lib, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    char key[KN_QD_KEY];
    int rc;

    if (lib->ops != &kn_qd_ops || !q->aside)
        return kn_err_set(err, KN_EARG, "library: nothing was built aside");
    pthread_mutex_lock(&q->lock);
    memcpy(key, q->view.key, KN_QD_KEY);
    rc = kn_qd_point_aliases(q, key, err);
    if (!rc) {
        q->aside = false;
        rc = kn_qd_mark_aside(q, key, false, err);
    }
    if (!rc) {
        rc = kn_qd_look(q, err);
    }
    if (!rc)
        rc = wait_for_readers(q, err);
    while (!rc && q->view.n_others > 0) {
        rc = kn_qd_drop(q, q->view.others[q->view.n_others - 1], err);
        q->view.n_others -= !rc;
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

static void qdrant_close(struct kn_library *lib)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);

    kn_http_close(q->http);
    pthread_mutex_destroy(&q->lock);
    free(q->known.slots);
    free(q->address);
    free(q->url);
    free(q->media_root);
    free(q);
}

const struct kn_library_ops kn_qd_ops = {
    .close = qdrant_close,
    .model = qdrant_model,
    .set_model = kn_qd_set_model,
    .put = kn_qd_put,
    .get = kn_qd_get,
    .find = kn_qd_find,
    .scroll = kn_qd_scroll,
    .remove = kn_qd_remove,
    .similar = kn_qd_similar,
    .moments = kn_qd_moments,
    .shared_words = kn_qd_shared_words,
    .similarities = kn_qd_similarities,
    .wording = kn_qd_wording,
    .alike = kn_qd_alike,
    .stats = kn_qd_stats,
    .check = kn_qd_check,
};

static void take_options(struct kn_qdrant *q, const struct kn_library_options *o)
{
    if (o->qdrant)
        q->options = *o->qdrant;
    if (q->options.quantization)
        snprintf(q->quantization, sizeof q->quantization, "%s", q->options.quantization);
    q->options.api_key = q->options.quantization = q->options.media_root =
        NULL; /* borrowed for the call */
    if (!(q->options.timeout > 0))
        q->options.timeout = TIMEOUT;
    q->write = o->write;
    q->cancel = o->cancel;
}

int kn_library_open_qdrant(const char *address, const struct kn_library_options *options,
                           struct kn_library **out, struct kn_err *err)
{
    const struct kn_library_options none = {0}, *o = options ? options : &none;
    struct kn_qdrant *q = calloc(1, sizeof *q);
    int rc;

    if (!q || !(q->address = strdup(address))) {
        free(q);
        return kn_err_set(err, KN_ELIMIT, "library %s: no memory", address);
    }
    if (getentropy(&q->nonce, sizeof q->nonce)) {
        rc = kn_err_set(err, KN_EIO, "library %s: no random numbers: %s", address, strerror(errno));
        free(q->address);
        free(q);
        return rc;
    }
    q->base.ops = &kn_qd_ops;
    pthread_mutex_init(&q->lock, NULL);
    take_options(q, o);
    rc = read_address(q, err);
    if (!rc && o->qdrant && o->qdrant->media_root && *o->qdrant->media_root) {
        q->media_root = strdup(o->qdrant->media_root);
        rc = q->media_root ? KN_OK : kn_err_set(err, KN_ELIMIT, "library %s: no memory", address);
    }
    if (!rc)
        rc = connect(q, o->qdrant ? o->qdrant->api_key : NULL, err);
    if (!rc)
        rc = check_version(q, err);
    if (!rc)
        rc = kn_qd_look(q, err);
    if (!rc && !q->view.key[0] && !(o->write && o->create))
        rc = kn_err_set(err, KN_ENOTFOUND, "library %s: there is none of this name on the server",
                        address);
    if (rc) {
        qdrant_close(&q->base);
        return rc;
    }
    *out = &q->base;
    return KN_OK;
}
