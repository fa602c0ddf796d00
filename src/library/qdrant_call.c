#include "library/qdrant_impl.h"

#include "base/err.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

void kn_qd_path(const struct kn_qdrant *q, const char *kind, const char *key, const char *rest,
                char out[KN_QD_PATH])
{
    snprintf(out, KN_QD_PATH, "/collections/%s-%s-%s%s", q->name, kind, key, rest);
}

void kn_qd_write_id(struct kn_json_writer *w, const char *key, const struct kn_id *id)
{
    char text[KN_ID_TEXT];

    kn_id_format(id, text);
    kn_json_string(w, key, text);
}

void kn_qd_begin_any(struct kn_json_writer *w, const char *field)
{
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "key", field);
    kn_json_begin_object(w, "match");
    kn_json_begin_array(w, "any");
}

void kn_qd_end_any(struct kn_json_writer *w)
{
    kn_json_end_array(w);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

/* The server's own words: {"status":{"error":...}}, or a line of text. */
static void reason_of(const struct kn_buf *answer, char *out, size_t room)
{
    struct kn_json *root = NULL;
    const char *said = NULL;

    if (kn_json_parse((struct kn_sv){answer->data, answer->n}, "answer", &root, NULL) == KN_OK)
        said = kn_json_text_or(kn_json_get(kn_json_get(root, "status"), "error"), NULL);
    snprintf(out, room, "%.*s", (int)room - 1, said ? said : answer->data);
    kn_json_free(root);
    out[strcspn(out, "\r\n")] = '\0';
}

static int code_of(long status)
{
    switch (status) {
    case 408:
    case 504:
        return KN_ETIMEOUT;
    case 413:
        return KN_ELIMIT;
    case 507:
        return KN_EIO;
    default:
        return status == 404 || status == 429 || status >= 500 || status < 400 ? KN_ENET : KN_EARG;
    }
}

static int judge(struct kn_qdrant *q, const char *method, const char *path, long status,
                 const struct kn_buf *answer, struct kn_err *err)
{
    const char *remedy = "";
    char reason[120];

    if (status == 200)
        return KN_OK;
    reason_of(answer, reason, sizeof reason);
    if (status == 401 || status == 403)
        remedy = "; set KINORA_QDRANT_API_KEY or KINORA_QDRANT_API_KEY_FILE";
    else if (status == 429 || status == 503)
        remedy = "; it is busy, try again later";
    else if (status == 404) { /* the collections that the aliases named a moment ago */
        remedy = "; the library was replaced or removed, try again";
        atomic_store(&q->lost, true);
    } else if (status == 507)
        remedy = "; its disk is full";
    return kn_err_set(err, code_of(status), "%s %s%.*s: %ld%s%s%s", method, q->url,
                      (int)strcspn(path, "?"), path, status, *reason ? " " : "", reason, remedy);
}

static int parse(const struct kn_qdrant *q, const char *method, const char *path,
                 const struct kn_buf *answer, struct kn_json **root, const struct kn_json **result,
                 struct kn_err *err)
{
    struct kn_json *document;
    struct kn_err why;

    if (kn_json_parse((struct kn_sv){answer->data, answer->n}, "the answer", &document, &why))
        return kn_err_set(err, KN_ENET, "%s %s%.*s: %s; is it a Qdrant server?", method, q->url,
                          (int)strcspn(path, "?"), path, why.msg);
    if (!kn_json_get(document, "result")) {
        kn_json_free(document);
        return kn_err_set(err, KN_ENET,
                          "%s %s%.*s: an answer without \"result\"; is it a Qdrant server?", method,
                          q->url, (int)strcspn(path, "?"), path);
    }
    if (root) {
        *root = document;
        *result = kn_json_get(document, "result");
    } else {
        kn_json_free(document);
    }
    return KN_OK;
}

static int send(struct kn_qdrant *q, const char *method, const char *path, struct kn_buf *body,
                bool repeatable, long *status, struct kn_buf *answer, struct kn_err *err)
{
    struct kn_http_request r = {.method = method, .path = path, .repeatable = repeatable};

    if (body && kn_buf_ok(body, err))
        return kn_err_wrap(err, KN_ELIMIT, "%s %s%s", method, q->url, path);
    if (body)
        r.body = (struct kn_sv){body->data, body->n};
    return kn_http_ask(q->http, &r, status, answer, err);
}

int kn_qd_call(struct kn_qdrant *q, const char *method, const char *path, struct kn_buf *body,
               struct kn_json **root, const struct kn_json **result, struct kn_err *err)
{
    struct kn_buf answer;
    long status;
    int rc;

    kn_buf_init(&answer, KN_QD_MAX_ANSWER);
    rc = send(q, method, path, body, true, &status, &answer, err);
    if (!rc)
        rc = judge(q, method, path, status, &answer, err);
    if (!rc)
        rc = parse(q, method, path, &answer, root, result, err);
    kn_buf_free(&answer);
    return rc;
}

int kn_qd_about(struct kn_qdrant *q, struct kn_json **root, struct kn_err *err)
{
    struct kn_buf answer;
    struct kn_err why;
    long status;
    int rc;

    kn_buf_init(&answer, KN_QD_MAX_ANSWER);
    rc = send(q, "GET", "/", NULL, true, &status, &answer, err);
    if (!rc)
        rc = judge(q, "GET", "/", status, &answer, err);
    if (!rc && kn_json_parse((struct kn_sv){answer.data, answer.n}, "the answer", root, &why))
        rc = kn_err_set(err, KN_ENET, "GET %s/: %s; is it a Qdrant server?", q->url, why.msg);
    kn_buf_free(&answer);
    return rc;
}

int kn_qd_ask(struct kn_qdrant *q, const char *kind, const char *key, const char *rest,
              struct kn_buf *body, struct kn_json **root, const struct kn_json **result,
              struct kn_err *err)
{
    char path[KN_QD_PATH];

    kn_qd_path(q, kind, key, rest, path);
    return kn_qd_call(q, body ? "POST" : "GET", path, body, root, result, err);
}

/* Not sent twice by itself, since the second would be refused; that the collection is there is what was wanted. */
int kn_qd_create(struct kn_qdrant *q, const char *kind, const char *key, struct kn_buf *body,
                 struct kn_err *err)
{
    char path[KN_QD_PATH];
    struct kn_buf answer;
    long status;
    int rc;

    kn_qd_path(q, kind, key, "", path);
    kn_buf_init(&answer, KN_QD_MAX_ANSWER);
    rc = send(q, "PUT", path, body, false, &status, &answer, err);
    if (!rc && status != 409)
        rc = judge(q, "PUT", path, status, &answer, err);
    kn_buf_free(&answer);
    return rc;
}

int kn_qd_change_aliases(struct kn_qdrant *q, struct kn_buf *body, struct kn_err *err)
{
    struct kn_buf answer;
    long status;
    int rc;

    kn_buf_init(&answer, KN_QD_MAX_ANSWER);
    rc = send(q, "POST", "/collections/aliases", body, false, &status, &answer, err);
    if (!rc)
        rc = judge(q, "POST", "/collections/aliases", status, &answer, err);
    kn_buf_free(&answer);
    return rc;
}
