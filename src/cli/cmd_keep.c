/* kinora forget, join, split, check, backup: keeping a library. */
#include "cli.h"

#include "base/err.h"
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The titles that the arguments name, each once; gives the exit code. Texts live as long as the arena. */
static int find_all(struct kn_cli *cli, struct kinora *k, struct kn_title **out, size_t *n)
{
    struct kn_title *titles = kn_arena_array(cli->arena, cli->n_args, sizeof *titles);
    struct kn_err err;

    if (!titles) {
        kn_err_set(&err, KN_ELIMIT, "no memory for %zu titles", cli->n_args);
        return kn_cli_fail(cli, &err);
    }
    *n = 0;
    for (size_t i = 0; i < cli->n_args; i++) {
        struct kinora_titles *found = NULL;
        bool twice = false;
        int code = kn_cli_find(cli, k, cli->args[i], &found);

        if (code)
            return code;
        for (size_t j = 0; j < *n; j++)
            twice |= memcmp(&titles[j].id, &found->titles[0].id, sizeof titles[j].id) == 0;
        if (!twice) {
            titles[*n] = found->titles[0];
            titles[*n].name = kn_arena_text(cli->arena, found->titles[0].name);
            titles[(*n)++].paths = NULL;
        }
        kinora_titles_free(found);
    }
    *out = titles;
    return 0;
}

/* ---- forget ---- */

static bool agreed(struct kn_cli *cli, const struct kn_title *titles, size_t n)
{
    char answer[16] = "";

    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "  %s\n", kn_text(cli, titles[i].name));
    fprintf(stderr, "Forget %zu title%s? No file is removed. [y/N] ", n, n == 1 ? "" : "s");
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool is_there(const char *path)
{
    struct kn_buf b;
    bool there = false;

    kn_buf_init(&b, 64 << 10);
    if (kn_unescape_path(kn_sv_of(path), &b, NULL) == KN_OK)
        there = access(b.data, F_OK) == 0;
    kn_buf_free(&b);
    return there;
}

/* The first of a title's files that is still there; "" none. Before it is forgotten, for then nobody knows. */
static const char *file_of(struct kn_cli *cli, struct kinora *k, const struct kn_title *t)
{
    struct kinora_details *d;
    const char *path = "";
    struct kn_err err;

    if (kinora_show(k, &t->id, &d, &err))
        return path;
    for (size_t i = 0; !*path && i < d->record.title.n_paths; i++)
        if (is_there(d->record.title.paths[i]))
            path = kn_arena_text(cli->arena, d->record.title.paths[i]);
    kinora_details_free(d);
    return path ? path : "";
}

static int tell_forgotten(struct kn_cli *cli, const struct kn_title *titles,
                          const char *const *files, size_t n)
{
    struct kn_document d;

    for (size_t i = 0; !cli->config.json && i < n; i++) {
        printf("forgotten: %s\n", kn_text(cli, titles[i].name));
        if (*files[i])
            printf("  its file is still there, and the next ingest takes it in anew: %s\n",
                   kn_text(cli, files[i]));
    }
    if (!cli->config.json)
        return KN_EXIT_DONE;
    kn_document_begin(&d);
    kn_json_begin_array(&d.w, "forgotten");
    for (size_t i = 0; i < n; i++) {
        kn_json_begin_object(&d.w, NULL);
        kn_json_name(&d.w, &titles[i]);
        kn_json_known(&d.w, "file", files[i]);
        kn_json_end_object(&d.w);
    }
    kn_json_end_array(&d.w);
    return kn_document_end(&d);
}

static int forget(struct kn_cli *cli, struct kinora *k)
{
    struct kn_title *titles;
    const char **files;
    struct kn_id *ids;
    struct kn_err err;
    size_t n = 0;
    int code = find_all(cli, k, &titles, &n);

    if (code)
        return code;
    if (!cli->config.yes && !isatty(STDIN_FILENO))
        return kn_cli_wrong_use(cli, "forget asks first, and there is nobody to ask: give --yes");
    if (!cli->config.yes && !agreed(cli, titles, n))
        return KN_EXIT_FAILED;
    files = kn_arena_array(cli->arena, n, sizeof *files);
    ids = kn_arena_array(cli->arena, n, sizeof *ids);
    if (!files || !ids) {
        kn_err_set(&err, KN_ELIMIT, "forget: no memory");
        return kn_cli_fail(cli, &err);
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = titles[i].id;
        files[i] = file_of(cli, k, &titles[i]);
    }
    if (kinora_forget(k, ids, n, &err))
        return kn_cli_fail(cli, &err);
    return tell_forgotten(cli, titles, files, n);
}

/* ---- join and split ---- */

/* {"title": {"id", "name"}, "versions": 2} */
static int tell_versions(const struct kn_title *t, size_t versions)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_begin_object(&d.w, "title");
    kn_json_name(&d.w, t);
    kn_json_end_object(&d.w);
    kn_json_integer(&d.w, "versions", (int64_t)versions);
    return kn_document_end(&d);
}

static int join(struct kn_cli *cli, struct kinora *k)
{
    struct kn_title *titles;
    struct kn_err err;
    size_t n = 0;
    int code = find_all(cli, k, &titles, &n);

    if (code)
        return code;
    if (n < 2)
        return kn_cli_wrong_use(cli, "join wants two titles, and all of these are '%s'",
                                kn_text(cli, titles[0].name));
    for (size_t i = 1; i < n; i++)
        if (kinora_join(k, &titles[0].id, &titles[i].id, &err))
            return kn_cli_fail(cli, &err);
    if (cli->config.json)
        return tell_versions(&titles[0], n);
    printf("joined: %s answers for %zu titles now\n", kn_text(cli, titles[0].name), n);
    return KN_EXIT_DONE;
}

static int split(struct kn_cli *cli, struct kinora *k)
{
    struct kn_title *title;
    struct kn_err err;
    size_t n = 0, parts = 0;
    int code = find_all(cli, k, &title, &n);

    if (code)
        return code;
    if (kinora_split(k, &title->id, &parts, &err))
        return kn_cli_fail(cli, &err);
    if (parts == 0) {
        kn_err_set(&err, KN_EARG, "split '%s': nothing is joined in it", title->name);
        return kn_cli_fail(cli, &err);
    }
    if (cli->config.json)
        return tell_versions(title, parts + 1);
    printf("split: %s and %zu other%s; the next ingest does what was not done for them\n",
           kn_text(cli, title->name), parts, parts == 1 ? "" : "s");
    return KN_EXIT_DONE;
}

/* ---- the commands ---- */

static int changing(struct kn_cli *cli, int (*work)(struct kn_cli *cli, struct kinora *k))
{
    struct kinora *k;
    int code = kn_cli_open_to_write(cli, &k);

    if (code)
        return code;
    code = work(cli, k);
    kn_cli_close(k);
    return code;
}

int kn_cmd_forget(struct kn_cli *cli)
{
    return changing(cli, forget);
}

int kn_cmd_join(struct kn_cli *cli)
{
    return changing(cli, join);
}

int kn_cmd_split(struct kn_cli *cli)
{
    return changing(cli, split);
}

int kn_cmd_check(struct kn_cli *cli)
{
    struct kinora_report *report;
    struct kinora *k;
    struct kn_err err;
    int code = cli->config.repair ? kn_cli_open_to_write(cli, &k) : kn_cli_open(cli, &k);

    if (code)
        return code;
    if (kinora_check(k, cli->config.repair, &report, &err)) {
        code = kn_cli_fail(cli, &err);
    } else {
        code = kn_cli_report(cli, report);
        kinora_report_free(report);
    }
    kn_cli_close(k);
    return code;
}

int kn_cmd_backup(struct kn_cli *cli)
{
    struct kn_document d;
    struct kinora *k;
    struct kn_err err;
    int code = kn_cli_open(cli, &k), rc;

    if (code)
        return code;
    kn_signals_catch(k);
    rc = kinora_backup(k, cli->args[0], cli->config.force, &err);
    kn_signals_release();
    kn_cli_close(k);
    if (rc)
        return kn_cli_fail(cli, &err);
    if (!cli->config.json) {
        printf("%s\n", kn_text(cli, cli->args[0]));
        return KN_EXIT_DONE;
    }
    kn_document_begin(&d);
    kn_json_string(&d.w, "file", kn_text(cli, cli->args[0]));
    return kn_document_end(&d);
}
