/* kinora watch DIR... */
#include "cli.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const double TRY_AGAIN =
    10; /* seconds after a run that failed, or left a file that is still written */

static bool stopped(void *ctx)
{
    (void)ctx;
    return kn_signals_seen();
}

static void tell_watching(struct kn_cli *cli, const struct kinora_watch *w)
{
    struct kinora_watching state = kinora_watch_state(w);
    struct kn_document d;

    if (cli->config.json) {
        kn_document_begin(&d);
        kn_json_string(&d.w, "event", "watching");
        kn_json_integer(&d.w, "folders", (int64_t)state.folders);
        kn_json_known(&d.w, "periodic", state.blind);
        kn_document_end(&d);
        fflush(stdout);
    } else if (!cli->config.quiet) {
        fprintf(stderr, "watching %zu folder%s; Ctrl-C ends it\n", state.folders,
                state.folders == 1 ? "" : "s");
        if (*state.blind)
            fprintf(stderr, "looking at all of it now and then as well: %s\n", state.blind);
    }
}

/* One run over these folders. The library is open only while it is written, so that other commands get their turn.
 * *again: it is not done with them yet. */
static int run(struct kn_cli *cli, const char *const *folders, size_t n, bool *again,
               struct kn_err *err)
{
    const struct kinora_ingest_options options = kn_cli_ingest_options(cli, folders, n);
    struct kinora_options open = kn_cli_options(cli);
    struct kinora_summary summary = {0};
    struct kn_progress *progress;
    struct kinora *k;
    int rc;

    open.write = true;
    rc = kinora_open(&open, &k, err);
    if (rc)
        return rc;
    progress = kn_progress_new(cli, "file");
    if (!progress) {
        kn_cli_close(k);
        return kn_err_set(err, KN_ELIMIT, "watch: no memory");
    }
    kn_signals_catch(k);
    rc = kinora_ingest(k, &options, kn_progress_event, progress, &summary, err);
    kn_signals_catch(NULL);
    if (!rc || rc == KN_ECANCELLED)
        kn_progress_summary(progress, &summary, rc == KN_ECANCELLED);
    fflush(stdout);
    *again = summary.waiting > 0;
    kn_progress_free(progress);
    kn_cli_close(k);
    return rc;
}

static int bring_back(struct kinora_watch *w, const char *const *folders, size_t n,
                      struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = kinora_watch_again(w, folders[i], TRY_AGAIN, err);
    return rc;
}

static int follow(struct kn_cli *cli, struct kinora_watch *w, struct kn_err *err)
{
    const char *const *folders = (const char *const *)cli->args;
    size_t n = cli->n_args;
    int rc;

    for (;;) {
        bool again = false;

        rc = run(cli, folders, n, &again, err);
        if (rc == KN_EARG ||
            rc == KN_ECORRUPT) /* a wrong setting or library will not mend itself */
            return rc;
        if (rc == KN_ECANCELLED)
            return KN_OK;
        if (rc) /* another writer, a full disk, a folder that has just gone: none of it is for ever */
            kn_cli_fail(cli, err);
        rc = rc || again ? bring_back(w, folders, n, err) : KN_OK;
        if (rc == KN_OK)
            rc = kinora_watch_next(w, stopped, NULL, &folders, &n, err);
        if (rc)
            return rc == KN_ECANCELLED ? KN_OK : rc;
    }
}

int kn_cmd_watch(struct kn_cli *cli)
{
    struct kinora_watch *w;
    struct kn_err err;
    int rc =
        kinora_watch_new((const char *const *)cli->args, cli->n_args, cli->config.every, &w, &err);

    if (rc == KN_EARG)
        return kn_cli_wrong_use(cli, "%s", err.msg);
    if (rc)
        return kn_cli_fail(cli, &err);
    kn_cli_be_nice(cli);
    kn_signals_catch(NULL);
    tell_watching(cli, w);
    rc = follow(cli, w, &err);
    kn_signals_release();
    kinora_watch_free(w);
    return rc ? kn_cli_fail(cli, &err) : KN_EXIT_DONE;
}
