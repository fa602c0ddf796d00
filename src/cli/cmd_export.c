/* kinora export DIR; kinora export --format srt TITLE... */
#include "cli.h"

#include "base/err.h"

#include <string.h>

/* ---- for a notebook ---- */

static void told(struct kn_cli *cli, const struct kinora_exported *e)
{
    const char *dir = kn_text(cli, cli->args[0]);

    printf("%s/transcripts.csv   %zu row%s\n", dir, e->rows, e->rows == 1 ? "" : "s");
    printf("%s/vectors.npy       %zu vector%s\n", dir, e->vectors, e->vectors == 1 ? "" : "s");
    printf("%s/payload.json\n", dir);
    if (e->left_out > 0)
        printf("%zu title%s left out: pending or missing.\n", e->left_out,
               e->left_out == 1 ? "" : "s");
}

static int told_json(const struct kinora_exported *e)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_integer(&d.w, "rows", (int64_t)e->rows);
    kn_json_integer(&d.w, "vectors", (int64_t)e->vectors);
    kn_json_integer(&d.w, "left_out", (int64_t)e->left_out);
    return kn_document_end(&d);
}

static int export_notebook(struct kn_cli *cli)
{
    const struct kinora_export_options options = {.dir = cli->args[0], .force = cli->config.force};
    struct kinora_exported exported;
    struct kinora *k;
    struct kn_err err;
    int code;

    if (cli->n_args != 1 || *cli->config.into)
        return kn_cli_wrong_use(cli, "export for a notebook wants one DIR, and no --into");
    code = kn_cli_open(cli, &k);
    if (code)
        return code;
    kn_signals_catch(k);
    if (kinora_export(k, &options, &exported, &err))
        code = kn_cli_fail(cli, &err);
    else if (cli->config.json)
        code = told_json(&exported);
    else
        told(cli, &exported);
    kn_signals_release();
    kn_cli_close(k);
    return code;
}

/* ---- subtitle files ---- */

struct files {
    struct kn_cli *cli;
    struct kinora *k;
    struct kn_document d; /* with --json */
    const char **paths;   /* of those that are written; from the command's arena */
    size_t written, there, left_out;
};

static int make_room(struct files *f, size_t n)
{
    struct kn_err err;

    f->paths = kn_arena_array(f->cli->arena, n, sizeof *f->paths);
    if (f->paths)
        return KN_EXIT_DONE;
    kn_err_memory(&err, "export: no memory for %zu paths", n);
    return kn_cli_fail(f->cli, &err);
}

/* all: what cannot be, or is there, is counted and no failure. Gives an exit code. */
static int export_title(struct files *f, const struct kn_title *t, bool all)
{
    const struct kn_config *c = &f->cli->config;
    const struct kinora_subtitles_options options = {c->format, c->into, c->force, f->paths,
                                                     f->written};
    struct kinora_subtitles *s;
    struct kn_err err;
    const char *path = NULL;
    int rc = kinora_export_subtitles(f->k, &t->id, &options, &s, &err);

    if (rc == KN_OK && !(path = kn_arena_text(f->cli->arena, s->path))) {
        kinora_subtitles_free(s);
        rc = kn_err_memory(&err, "export: no memory for a path");
    }
    if (rc && all && (rc == KN_EARG || rc == KN_ENOTFOUND)) {
        f->there += rc == KN_EARG;
        f->left_out += rc == KN_ENOTFOUND;
        return KN_EXIT_DONE;
    }
    if (rc)
        return kn_cli_fail(f->cli, &err);
    f->paths[f->written++] = path;
    if (c->json) {
        kn_json_begin_object(&f->d.w, NULL);
        kn_json_name(&f->d.w, t);
        kn_json_string(&f->d.w, "path", s->path);
        kn_json_end_object(&f->d.w);
    } else {
        puts(kn_text(f->cli, s->path));
    }
    kinora_subtitles_free(s);
    return KN_EXIT_DONE;
}

static int export_all(struct files *f)
{
    struct kinora_titles *titles;
    struct kn_err err;
    int code;

    if (kinora_list(f->k, NULL, &titles, &err))
        return kn_cli_fail(f->cli, &err);
    code = make_room(f, titles->n);
    for (size_t i = 0; code == KN_EXIT_DONE && i < titles->n && !kn_signals_seen(); i++)
        code = export_title(f, &titles->titles[i], true);
    kinora_titles_free(titles);
    return code;
}

static int export_named(struct files *f)
{
    int code = make_room(f, f->cli->n_args);

    for (size_t i = 0; code == KN_EXIT_DONE && i < f->cli->n_args; i++) {
        struct kinora_titles *found = NULL;

        code = kn_cli_find(f->cli, f->k, f->cli->args[i], &found);
        if (code == KN_EXIT_DONE)
            code = export_title(f, &found->titles[0], false);
        kinora_titles_free(found);
    }
    return code;
}

static int told_files(struct files *f)
{
    if (f->cli->config.json) {
        kn_json_end_array(&f->d.w);
        kn_json_integer(&f->d.w, "there", (int64_t)f->there);
        kn_json_integer(&f->d.w, "left_out", (int64_t)f->left_out);
        return kn_document_end(&f->d);
    }
    if (f->there > 0)
        printf("%zu left as they are: there is a file already, or no film; --force writes over "
               "files.\n",
               f->there);
    if (f->left_out > 0)
        printf("%zu title%s left out: no words, or none with times.\n", f->left_out,
               f->left_out == 1 ? "" : "s");
    return KN_EXIT_DONE;
}

static int export_subtitles(struct kn_cli *cli)
{
    struct kinora_options options = kn_cli_options(cli);
    struct files f = {.cli = cli};
    struct kn_err err;
    bool all = cli->n_args == 1 && strcmp(cli->args[0], "all") == 0;
    int code = kn_cli_open(cli, &f.k); /* to read: a library is not made for this */

    if (code)
        return code;
    options.write = !kinora_is_cluster(f.k);
    if (options.write)
        kn_cli_close(f.k);
    if (options.write && kinora_open(&options, &f.k, &err))
        return kn_cli_fail(cli, &err);
    if (cli->config.json) {
        kn_document_begin(&f.d);
        kn_json_begin_array(&f.d.w, "written");
    }
    kn_signals_catch(f.k);
    code = all ? export_all(&f) : export_named(&f);
    kn_signals_release();
    if (code == KN_EXIT_DONE)
        code = told_files(&f);
    else if (cli->config.json)
        kn_buf_free(&f.d.buf);
    kn_cli_close(f.k);
    return code;
}

int kn_cmd_export(struct kn_cli *cli)
{
    return strcmp(cli->config.format, "notebook") == 0 ? export_notebook(cli)
                                                       : export_subtitles(cli);
}
