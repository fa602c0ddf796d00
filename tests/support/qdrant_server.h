/* qdrant_server.h - a Qdrant server for a test program: the one at KINORA_TEST_QDRANT (http://HOST:PORT; its API key in
 * KINORA_TEST_QDRANT_API_KEY), else tests/support/qdrant_stand_in.py. */
#ifndef KN_TEST_QDRANT_SERVER_H
#define KN_TEST_QDRANT_SERVER_H

#include "net/http.h"
#include "net/json.h"
#include "python_server.h"

#include <string.h>

static struct python_server qdrant_stand_in;
static struct kn_http *qdrant_http; /* to the server, beside the backend under test */

static inline const char *qdrant_url(void)
{
    const char *real = getenv("KINORA_TEST_QDRANT");

    return real && *real ? real : qdrant_stand_in.address;
}

/* two: "--api-key=KEY"...; NULL: none */
static inline int qdrant_start_stand_in(struct python_server *s, const char *one, const char *two)
{
    const char *python = getenv("KINORA_TEST_PYTHON");
    char *argv[] = {(char *)(python ? python : KN_TEST_SOURCE_DIR "/build/venv/bin/python"),
                    "-B",
                    KN_TEST_SOURCE_DIR "/tests/support/qdrant_stand_in.py",
                    (char *)one,
                    (char *)two,
                    NULL};

    if (python_server_start(s, argv) == 0)
        return 0;
    fprintf(stderr, "cannot start tests/support/qdrant_stand_in.py with %s; run make oracle-venv\n",
            argv[0]);
    return -1;
}

static inline int qdrant_start(void)
{
    const char *key = getenv("KINORA_TEST_QDRANT_API_KEY");
    char header[512] = "";
    struct kn_http_options o = {.timeout = 30};

    if (qdrant_url() == qdrant_stand_in.address &&
        qdrant_start_stand_in(&qdrant_stand_in, NULL, NULL))
        return -1;
    if (key)
        snprintf(header, sizeof header, "api-key: %s", key);
    o.base = qdrant_url();
    o.header = key ? header : NULL;
    return kn_http_open(&o, &qdrant_http, NULL);
}

static inline int qdrant_stop(void)
{
    kn_http_close(qdrant_http);
    return qdrant_stand_in.pid ? python_server_stop(&qdrant_stand_in) : 0;
}

/* The answer's text is for the caller to free. */
static inline long qdrant_ask(const char *method, const char *path, const char *body,
                              struct kn_buf *answer)
{
    const struct kn_http_request r = {
        .method = method, .path = path, .body = kn_sv_of(body), .repeatable = true};
    long status = 0;

    kn_buf_init(answer, 64 << 20);
    return kn_http_ask(qdrant_http, &r, &status, answer, NULL) ? -1 : status;
}

static inline void qdrant_drop_library(const char *name)
{
    struct kn_buf answer, gone;
    struct kn_json *root = NULL;
    const struct kn_json *all;
    char path[256];

    qdrant_ask("GET", "/collections", NULL, &answer);
    if (kn_json_parse((struct kn_sv){answer.data, answer.n}, "collections", &root, NULL))
        return;
    all = kn_json_get(kn_json_get(root, "result"), "collections");
    for (size_t i = 0; i < kn_json_length(all); i++) {
        const char *c = kn_json_text_or(kn_json_get(kn_json_at(all, i), "name"), "");

        snprintf(path, sizeof path, "/collections/%s", c);
        if (strncmp(c, name, strlen(name)) == 0 && c[strlen(name)] == '-') {
            qdrant_ask("DELETE", path, NULL, &gone);
            kn_buf_free(&gone);
        }
    }
    kn_json_free(root);
    kn_buf_free(&answer);
}

#endif
