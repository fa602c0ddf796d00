/* How a command ends: JSON documents, failures, and the steps that most commands begin with. */
#include "cli.h"

#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { MAX_DOCUMENT = 1 << 30, MAX_NAME = 64 << 10 };

/* ---- JSON ---- */

void kn_document_begin(struct kn_document *d)
{
    kn_buf_init(&d->buf, MAX_DOCUMENT);
    d->w = (struct kn_json_writer){.out = &d->buf};
    kn_json_begin_object(&d->w, NULL);
}

int kn_document_end(struct kn_document *d)
{
    struct kn_err err;
    int rc;

    kn_json_end_object(&d->w);
    rc = kn_buf_ok(&d->buf, &err);
    if (rc) {
        fprintf(stderr, "kinora: %s\n", err.msg);
    } else {
        fwrite(d->buf.data, 1, d->buf.n, stdout);
        putchar('\n');
    }
    kn_buf_free(&d->buf);
    return rc ? KN_EXIT_FAILED : KN_EXIT_DONE;
}

void kn_json_name(struct kn_json_writer *w, const struct kn_title *t)
{
    char text[KN_ID_TEXT];

    kinora_id_text(&t->id, text);
    kn_json_string(w, "id", text);
    kn_json_string(w, "name", t->name);
}

void kn_json_measures(struct kn_json_writer *w, const struct kn_title *t)
{
    kn_json_known(w, "language", t->language);
    if (t->duration > 0)
        kn_json_seconds(w, "duration", t->duration);
    else
        kn_json_null(w, "duration");
    kn_json_number(w, "opinion", t->opinion);
}

void kn_json_about(struct kn_json_writer *w, const struct kn_title *t)
{
    kn_json_name(w, t);
    kn_json_string(w, "state", kinora_state_name(t->state));
    kn_json_known(w, "reason", t->reason);
    kn_json_measures(w, t);
    kn_json_begin_array(w, "paths");
    for (size_t p = 0; p < t->n_paths; p++)
        kn_json_string(w, NULL, t->paths[p]);
    kn_json_end_array(w);
}

/* ---- failures ---- */

int kn_cli_fail_with(struct kn_cli *cli, const struct kn_err *err, int code,
                     void (*extra)(struct kn_json_writer *w, const void *ctx), const void *ctx)
{
    struct kn_document d;

    if (!cli->config.json) {
        fprintf(stderr, "kinora: %s\n", kn_text(cli, err->msg));
        return code;
    }
    kn_document_begin(&d);
    kn_json_begin_object(&d.w, "error");
    kn_json_string(&d.w, "code", kn_err_name(err->code));
    kn_json_string(&d.w, "message", err->msg);
    kn_json_end_object(&d.w);
    if (extra)
        extra(&d.w, ctx);
    kn_document_end(&d);
    return code;
}

int kn_cli_fail(struct kn_cli *cli, const struct kn_err *err)
{
    int code = err->code == KN_ENOTFOUND ? KN_EXIT_NOT_FOUND : KN_EXIT_FAILED;

    return kn_cli_fail_with(cli, err, code, NULL, NULL);
}

int kn_cli_wrong_use(struct kn_cli *cli, const char *fmt, ...)
{
    struct kn_err err = {.code = KN_EARG};
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    vsnprintf(err.msg, sizeof err.msg, fmt, ap);
    va_end(ap);
    n = strlen(err.msg);
    if (!cli->config.json)
        snprintf(err.msg + n, sizeof err.msg - n, "; see kinora help%s%s", cli->command ? " " : "",
                 cli->command ? cli->command->name : "");
    return kn_cli_fail_with(cli, &err, KN_EXIT_USE, NULL, NULL);
}

/* ---- common steps ---- */

struct kinora_options kn_cli_options(const struct kn_cli *cli)
{
    return (struct kinora_options){.library = cli->config.library,
                                   .models = cli->config.models,
                                   .speech_model = cli->config.speech_model,
                                   .embedding_model = cli->config.embedding_model,
                                   .wait = cli->config.wait};
}

int kn_cli_query(const struct kn_cli *cli, struct kinora_query *out, struct kn_err *err)
{
    const struct kn_config *c = &cli->config;
    int rc;

    *out = (struct kinora_query){
        .limit = (size_t)c->limit,
        .language = c->language,
        .rank = strcmp(c->rank, "uplift") ? KINORA_RANK_MOOD : KINORA_RANK_UPLIFT,
        .candidates = strcmp(c->candidates, "words") == 0     ? KINORA_WORDS
                      : strcmp(c->candidates, "meaning") == 0 ? KINORA_MEANING
                                                              : KINORA_BOTH,
        .strict = c->strict,
        .diversity = c->diversity,
    };
    rc = kn_config_weights(c->weights, &out->w_similarity, &out->w_opinion, err);
    return rc || !*c->language ? rc : kn_config_languages(c->language, err);
}

int kn_cli_open(struct kn_cli *cli, struct kinora **out)
{
    struct kinora_options options = kn_cli_options(cli);
    struct kn_err err;

    return kinora_open(&options, out, &err) ? kn_cli_fail(cli, &err) : 0;
}

int kn_cli_open_to_write(struct kn_cli *cli, struct kinora **out)
{
    struct kinora_options options = kn_cli_options(cli);
    struct kn_err err;
    int code =
        kn_cli_open(cli, out); /* fails where there is none, and opening to write would make one */

    if (code)
        return code;
    kinora_close(*out);
    options.write = true;
    return kinora_open(&options, out, &err) ? kn_cli_fail(cli, &err) : 0;
}

static void candidates_json(struct kn_json_writer *w, const void *ctx)
{
    const struct kinora_titles *t = ctx;

    kn_json_begin_array(w, "titles");
    for (size_t i = 0; t && i < t->n; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_name(w, &t->titles[i]);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void candidates_text(struct kn_cli *cli, const struct kinora_titles *t)
{
    for (size_t i = 0; !cli->config.json && t && i < t->n; i++) {
        char id[KN_ID_TEXT];

        kinora_id_text(&t->titles[i].id, id);
        fprintf(stderr, "  %.8s  %s\n", id, kn_text(cli, t->titles[i].name));
    }
}

int kn_cli_find(struct kn_cli *cli, struct kinora *k, const char *name, struct kinora_titles **out)
{
    struct kinora_titles *found = NULL;
    struct kn_buf escaped;
    struct kn_err err;
    int rc, code = 0;

    kn_buf_init(&escaped, MAX_NAME);
    /* names in a library are escaped like this, and a shell passes on what bytes a file name has */
    rc = kn_escape_path(kn_sv_of(name), &escaped, &err);
    if (!rc)
        rc = kinora_find(k, escaped.data, &found, &err);
    if (rc == KN_ENOTFOUND) {
        code = kn_cli_fail_with(cli, &err, KN_EXIT_NOT_FOUND, candidates_json, found);
        if (!cli->config.json && found && found->n > 0)
            fputs("The closest names:\n", stderr);
        candidates_text(cli, found);
    } else if (rc == KN_EARG) {
        code = kn_cli_fail_with(cli, &err, KN_EXIT_USE, candidates_json, found);
        candidates_text(cli, found);
    } else if (rc) {
        code = kn_cli_fail(cli, &err);
    }
    kn_buf_free(&escaped);
    if (code)
        kinora_titles_free(found);
    else
        *out = found;
    return code;
}
