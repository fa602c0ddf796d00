/* kinora export DIR */
#include "cli.h"

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

int kn_cmd_export(struct kn_cli *cli)
{
    const struct kinora_export_options options = {.dir = cli->args[0], .force = cli->config.force};
    struct kinora_exported exported;
    struct kinora *k;
    struct kn_err err;
    int code = kn_cli_open(cli, &k);

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
    kinora_close(k);
    return code;
}
