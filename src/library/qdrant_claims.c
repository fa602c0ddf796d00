/* Who publishes a title. Each pair of title and library is a point of its own, without a vector: a list in the title's point
 * would be read, changed and written back by two machines at once, and one of them be lost. */
#include "library/qdrant_impl.h"

#include "base/err.h"
#include "base/hash.h"

#include <string.h>

enum { KN_QD_CLAIMS = 10000 }; /* of all the titles of one call */

static int claim_id(const struct kn_id *title, const struct kn_id *by, struct kn_id *out,
                    struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();
    struct kn_hash pair;

    if (!h)
        return kn_err_set(err, KN_ELIMIT, "library: no memory");
    kn_hasher_text(h, "claim");
    kn_hasher_add(h, title, sizeof *title);
    kn_hasher_add(h, by, sizeof *by);
    pair = kn_hasher_end(h);
    kn_hasher_free(h);
    *out = kn_id_from_hash(&pair);
    return KN_OK;
}

int kn_qdrant_claim(struct kn_library *lib, const struct kn_id *by, const struct kn_id *titles,
                    size_t n, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_qd_view view;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    char path[KN_QD_PATH];
    int rc = kn_qd_view(q, &view, err);

    if (rc || n == 0)
        return rc;
    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "points");
    for (size_t i = 0; i < n && !rc; i++) {
        struct kn_id id;

        rc = claim_id(&titles[i], by, &id, err);
        kn_json_begin_object(&w, NULL);
        kn_qd_write_id(&w, "id", &id);
        kn_json_begin_object(&w, "vector");
        kn_json_end_object(&w);
        kn_json_begin_object(&w, "payload");
        kn_json_string(&w, "kind", "claim");
        kn_qd_write_id(&w, "of", &titles[i]);
        kn_qd_write_id(&w, "by", by);
        kn_json_end_object(&w);
        kn_json_end_object(&w);
    }
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_qd_path(q, "moments", view.key, "/points?wait=true", path);
    if (!rc)
        rc = kn_qd_call(q, "PUT", path, &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

static int withdraw(struct kn_qdrant *q, const char *key, const struct kn_id *by,
                    const struct kn_id *titles, size_t n, struct kn_err *err)
{
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc = KN_OK;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_begin_array(&w, "points");
    for (size_t i = 0; i < n && !rc; i++) {
        struct kn_id id;

        rc = claim_id(&titles[i], by, &id, err);
        kn_qd_write_id(&w, NULL, &id);
    }
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    if (!rc)
        rc = kn_qd_ask(q, "moments", key, "/points/delete?wait=true", &body, NULL, NULL, err);
    kn_buf_free(&body);
    return rc;
}

/* held[i]: somebody claims titles[i]. */
static int read_claims(struct kn_qdrant *q, const char *key, const struct kn_id *titles, size_t n,
                       bool *held, struct kn_err *err)
{
    const struct kn_json *result, *points;
    struct kn_json *root;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    kn_json_begin_object(&w, NULL);
    kn_json_integer(&w, "limit", KN_QD_CLAIMS);
    kn_json_begin_array(&w, "with_payload");
    kn_json_string(&w, NULL, "of");
    kn_json_end_array(&w);
    kn_json_begin_object(&w, "filter");
    kn_json_begin_array(&w, "must");
    kn_qd_begin_any(&w, "of");
    for (size_t i = 0; i < n; i++)
        kn_qd_write_id(&w, NULL, &titles[i]);
    kn_qd_end_any(&w);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    kn_json_end_object(&w);
    rc = kn_qd_ask(q, "moments", key, "/points/scroll", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    points = kn_json_get(result, "points");
    for (size_t i = 0; i < kn_json_length(points); i++) {
        const struct kn_json *payload = kn_json_get(kn_json_at(points, i), "payload");
        struct kn_id of;

        for (size_t t = 0;
             kn_id_parse(kn_json_text_or(kn_json_get(payload, "of"), ""), &of) && t < n; t++)
            held[t] |= kn_id_eq(&of, &titles[t]);
    }
    kn_json_free(root);
    return KN_OK;
}

int kn_qdrant_release(struct kn_library *lib, const struct kn_id *by, const struct kn_id *titles,
                      size_t n, bool *held, struct kn_err *err)
{
    struct kn_qdrant *q = kn_qdrant_of(lib);
    struct kn_qd_view view;
    int rc = kn_qd_view(q, &view, err);

    for (size_t i = 0; i < n; i++)
        held[i] = false;
    if (!rc && n > 0)
        rc = withdraw(q, view.key, by, titles, n, err);
    return rc || n == 0 ? rc : read_claims(q, view.key, titles, n, held, err);
}
