/* kinora models [list | pull [NAME...] | verify [NAME...] | path [NAME]] */
#include "cli.h"

#include "base/err.h"

#include <inttypes.h>
#include <string.h>

static int list_json(const struct kinora_models *models)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_string(&d.w, "dir", models->dir);
    kn_json_begin_array(&d.w, "models");
    for (size_t i = 0; i < models->n; i++) {
        const struct kinora_model *m = &models->models[i];

        kn_json_begin_object(&d.w, NULL);
        kn_json_string(&d.w, "name", m->name);
        kn_json_string(&d.w, "file", m->file);
        kn_json_string(&d.w, "purpose", m->purpose);
        kn_json_string(&d.w, "licence", m->licence);
        kn_json_integer(&d.w, "bytes", (int64_t)m->bytes);
        kn_json_string(&d.w, "sha256", m->sha256);
        kn_json_bool(&d.w, "default", m->is_default);
        kn_json_bool(&d.w, "present", m->present);
        kn_json_string(&d.w, "path", m->path);
        kn_json_begin_array(&d.w, "sources");
        for (size_t s = 0; s < m->n_sources; s++)
            kn_json_string(&d.w, NULL, m->sources[s]);
        kn_json_end_array(&d.w);
        kn_json_end_object(&d.w);
    }
    kn_json_end_array(&d.w);
    return kn_document_end(&d);
}

static int list(struct kn_cli *cli, const struct kinora_models *models)
{
    static const struct kn_column columns[] = {{.head = "NAME"},
                                               {.head = "FOR"},
                                               {.head = "SIZE", .right = true},
                                               {.head = "LICENCE"},
                                               {.head = "HERE"}};
    struct kn_table *t;

    if (cli->config.json)
        return list_json(models);
    t = kn_table_new(cli, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < models->n; i++) {
        const struct kinora_model *m = &models->models[i];

        kn_table_add(t, m->is_default ? KN_BOLD : KN_PLAIN, m->name);
        kn_table_add(t, KN_PLAIN, m->purpose);
        kn_table_add(t, KN_PLAIN, kn_format(cli, "%.1f MB", (double)m->bytes / 1e6));
        kn_table_add(t, KN_PLAIN, m->licence);
        if (m->present)
            kn_table_add(t, KN_GOOD, "yes");
        else
            kn_table_add(t, m->is_default ? KN_BAD : KN_DIM,
                         m->is_default ? "no: make models, or kinora models pull" : "no, optional");
    }
    kn_table_print(t);
    kn_put(stdout, &cli->out, KN_DIM, "in %s", kn_text(cli, models->dir));
    putchar('\n');
    return KN_EXIT_DONE;
}

static const struct kinora_model *find(const struct kinora_models *models, const char *name)
{
    for (size_t i = 0; i < models->n; i++) {
        if (strcmp(models->models[i].name, name) == 0)
            return &models->models[i];
    }
    return NULL;
}

/* ---- pull ---- */

struct pull {
    struct kn_cli *cli;
    struct kn_status status;
    const char *name;
};

static bool stop_wanted(void *ctx)
{
    (void)ctx;
    return kn_signals_seen();
}

static void tell(void *ctx, uint64_t bytes, uint64_t total)
{
    struct pull *p = ctx;
    char after[64];

    if (!kn_status_due(&p->status))
        return;
    snprintf(after, sizeof after, "%.1f of %.1f MB", (double)bytes / 1e6, (double)total / 1e6);
    kn_status_draw(&p->status, p->name, total ? (double)bytes / (double)total : 0, after);
}

static int pull_one(struct pull *p, const struct kinora_model *m, struct kn_err *err)
{
    const struct kn_config *c = &p->cli->config;
    int rc;

    p->name = m->name;
    rc = kinora_models_pull(c->models, m->name, *c->source ? c->source : NULL, stop_wanted, tell, p,
                            err);
    kn_status_clear(&p->status);
    if (!rc && !c->json && !c->quiet)
        printf("%s: %s\n", m->name, kn_text(p->cli, m->path));
    return rc;
}

/* What is only made at set-up cannot be fetched; the model that serves in its place can. */
static bool needs_stand_in(const struct kn_cli *cli, const struct kinora_model *m)
{
    return m->is_default && m->instead && !m->present && m->n_sources == 0 && !*cli->config.source;
}

/* Where no model is named. */
static bool is_wanted(const struct kn_cli *cli, const struct kinora_models *models,
                      const struct kinora_model *m)
{
    bool wanted = m->is_default && !needs_stand_in(cli, m);

    for (size_t i = 0; i < models->n && !wanted; i++)
        wanted = needs_stand_in(cli, &models->models[i]) &&
                 strcmp(models->models[i].instead, m->name) == 0;
    return wanted;
}

static int pull(struct kn_cli *cli, const struct kinora_models *models)
{
    struct pull p = {.cli = cli};
    struct kinora_models *after;
    struct kn_err err, first = {.code = KN_OK};
    int code;

    kn_status_begin(&p.status, cli);
    kn_signals_catch(NULL);
    for (size_t i = 0; i < models->n && first.code != KN_ECANCELLED; i++) {
        const struct kinora_model *m = &models->models[i];
        bool wanted = cli->n_args == 1 && is_wanted(cli, models, m);

        for (size_t a = 1; a < cli->n_args; a++)
            wanted |= strcmp(cli->args[a], m->name) == 0;
        if (!wanted || !pull_one(&p, m, &err))
            continue;
        if (!cli->config.json)
            kn_cli_fail(cli, &err);
        if (!first.code || err.code == KN_ECANCELLED)
            first = err;
    }
    kn_signals_release();
    kn_status_end(&p.status);
    if (first.code && cli->config.json)
        return kn_cli_fail_with(cli, &first, KN_EXIT_FAILED, NULL, NULL);
    if (first.code)
        return KN_EXIT_FAILED;
    if (!cli->config.json)
        return KN_EXIT_DONE;
    if (kinora_models_list(cli->config.models, &after, &err))
        return kn_cli_fail(cli, &err);
    code = list_json(after);
    kinora_models_free(after);
    return code;
}

/* ---- verify ---- */

struct verdicts {
    const struct kinora_model *models[64];
    struct kn_err errs[64];
    size_t n;
};

static void verdicts_json(struct kn_json_writer *w, const void *ctx)
{
    const struct verdicts *v = ctx;

    kn_json_begin_array(w, "models");
    for (size_t i = 0; i < v->n; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_string(w, "name", v->models[i]->name);
        kn_json_string(w, "path", v->models[i]->path);
        kn_json_bool(w, "whole", v->errs[i].code == KN_OK);
        kn_json_known(w, "message", v->errs[i].msg);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static int verify(struct kn_cli *cli, const struct kinora_models *models)
{
    struct verdicts v = {0};
    const struct kn_err *first = NULL;
    struct kn_document d;

    for (size_t i = 0; i < models->n && v.n < sizeof v.models / sizeof *v.models; i++) {
        const struct kinora_model *m = &models->models[i];
        bool wanted = cli->n_args == 1 && (m->is_default || m->present);
        struct kn_err *err = &v.errs[v.n];

        for (size_t a = 1; a < cli->n_args; a++)
            wanted |= strcmp(cli->args[a], m->name) == 0;
        if (!wanted)
            continue;
        v.models[v.n++] = m;
        if (kinora_models_verify(cli->config.models, m->name, err) && !first)
            first = err;
        if (cli->config.json)
            continue;
        if (err->code)
            fprintf(stderr, "kinora: %s\n", kn_text(cli, err->msg));
        else if (!cli->config.quiet)
            printf("%s: whole\n", m->name);
    }
    if (!cli->config.json)
        return !first ? KN_EXIT_DONE : KN_EXIT_FAILED;
    if (first)
        return kn_cli_fail_with(cli, first, KN_EXIT_FAILED, verdicts_json, &v);
    kn_document_begin(&d);
    verdicts_json(&d.w, &v);
    return kn_document_end(&d);
}

/* ---- path ---- */

static int path(struct kn_cli *cli, const struct kinora_models *models)
{
    const struct kinora_model *m = cli->n_args > 1 ? find(models, cli->args[1]) : NULL;
    struct kn_document d;
    struct kn_err err;

    if (m && !m->present) {
        kn_err_set(&err, KN_ENOTFOUND, "model %s is not here; kinora doctor tells what to do",
                   m->name);
        return kn_cli_fail(cli, &err);
    }
    if (!cli->config.json) {
        puts(m ? m->path : models->dir); /* the bytes as they are, for a shell to use */
        return KN_EXIT_DONE;
    }
    kn_document_begin(&d);
    kn_json_string(&d.w, "path", m ? m->path : models->dir);
    return kn_document_end(&d);
}

static int run(struct kn_cli *cli, const char *verb, const struct kinora_models *models)
{
    for (size_t a = 1; a < cli->n_args; a++) {
        struct kn_err err;

        if (find(models, cli->args[a]))
            continue;
        kn_err_set(&err, KN_ENOTFOUND, "no model is named '%s'; kinora models tells the names",
                   cli->args[a]);
        return kn_cli_fail(cli, &err);
    }
    if (strcmp(verb, "list") == 0)
        return list(cli, models);
    if (strcmp(verb, "pull") == 0)
        return pull(cli, models);
    return strcmp(verb, "verify") ? path(cli, models) : verify(cli, models);
}

int kn_cmd_models(struct kn_cli *cli)
{
    static const struct {
        const char *name;
        size_t max_args;
    } verbs[] = {{"list", 1}, {"pull", SIZE_MAX}, {"verify", SIZE_MAX}, {"path", 2}};
    const char *verb = cli->n_args > 0 ? cli->args[0] : "list";
    struct kinora_models *models;
    struct kn_err err;
    int code;

    for (size_t i = 0;; i++) {
        if (i == sizeof verbs / sizeof *verbs)
            return kn_cli_wrong_use(cli, "models has no '%s'", verb);
        if (strcmp(verbs[i].name, verb))
            continue;
        if (cli->n_args > verbs[i].max_args)
            return kn_cli_wrong_use(cli, "models %s takes no '%s'", verb,
                                    cli->args[cli->n_args - 1]);
        break;
    }
    if (kinora_models_list(cli->config.models, &models, &err))
        return kn_cli_fail(cli, &err);
    code = run(cli, verb, models);
    kinora_models_free(models);
    return code;
}
