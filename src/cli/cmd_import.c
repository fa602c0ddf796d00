/* kinora import FILE */
#include "cli.h"

#include "base/err.h"

static int import(struct kn_cli *cli, struct kinora *k)
{
    const struct kn_config *c = &cli->config;
    const struct kinora_ingest_options options = {
        .jobs = c->jobs, .language_hint = c->language_hint, .scorer = c->scorer};
    struct kn_progress *progress = kn_progress_new(cli, "row");
    struct kinora_summary summary = {0};
    struct kn_err err;
    int rc;

    if (!progress) {
        kn_err_set(&err, KN_ELIMIT, "import: no memory");
        return kn_cli_fail(cli, &err);
    }
    kn_signals_catch(k);
    rc = kinora_import(k, cli->args[0], &options, kn_progress_event, progress, &summary, &err);
    kn_signals_release();
    if (!rc || rc == KN_ECANCELLED)
        kn_progress_summary(progress, &summary, rc == KN_ECANCELLED);
    kn_progress_free(progress);
    if (rc && rc != KN_ECANCELLED)
        return kn_cli_fail(cli, &err);
    return rc ? KN_EXIT_FAILED : KN_EXIT_DONE;
}

int kn_cmd_import(struct kn_cli *cli)
{
    struct kinora_options options = kn_cli_options(cli);
    struct kinora *k;
    struct kn_err err;
    int code;

    options.write = true;
    /* First, so that a file that is refused leaves no empty library. */
    if (kinora_import_check(cli->args[0], &err) || kinora_open(&options, &k, &err))
        return kn_cli_fail(cli, &err);
    code = import(cli, k);
    kn_cli_close(k);
    return code;
}
