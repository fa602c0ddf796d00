/* kinora serve, kinora token */
#include "cli.h"

#include "base/err.h"
#include "base/log.h"
#include "server/limits.h"
#include "server/server.h"
#include "server/token.h"
#include "server/v1.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Opens the library for reading. Where there is none, an empty one is made first, or a first ingest by the page could not be; and one of
 * an older Kinora is brought up to date, or a service would stand still after an upgrade. Both take a writer: what else a reader is
 * refused for (KN_EARG), a writer is too. */
static int open_library(struct kn_cli *cli, struct kinora **out, struct kn_err *err)
{
    struct kinora_options options = kn_cli_options(cli);
    struct kn_err refused;
    int rc = kinora_open(&options, out, err), first = rc;

    if (rc != KN_ENOTFOUND && rc != KN_EARG)
        return rc;
    refused = *err;
    options.write = true;
    rc = kinora_open(&options, out, err);
    if (rc == KN_EARG && first == KN_EARG)
        *err = refused;
    if (rc)
        return rc;
    if (first == KN_ENOTFOUND && !cli->config.quiet)
        fprintf(stderr,
                "kinora: there was no library in '%s': it is made, and empty; add films with "
                "kinora ingest DIR%s\n",
                kinora_library_path(*out), cli->config.allow_folders.n ? ", or on the page" : "");
    kinora_close(*out);
    options.write = false;
    return kinora_open(&options, out, err);
}

/* It may be a drive that comes later, so it is only said. */
static void tell_of_missing(const struct kn_cli *cli)
{
    for (size_t i = 0; i < cli->config.allow_folders.n; i++)
        if (access(cli->config.allow_folders.text[i], R_OK | X_OK) < 0)
            kn_log(KN_LOG_WARNING, "--allow-folder '%s': %s", cli->config.allow_folders.text[i],
                   strerror(errno));
}

/* So that nobody is promised on the page what the server then refuses. */
static void tell_of_folders(const struct kn_texts *folders)
{
    fputs("kinora: the page takes in folders that films lie in already", stderr);
    for (size_t i = 0; i < folders->n; i++)
        fprintf(stderr, ", '%s'", folders->text[i]);
    fputs(folders->n ? "\n" : "; --allow-folder DIR opens another to it\n", stderr);
}

static void tell(struct kn_cli *cli, const struct kn_server *s)
{
    struct kn_document d;

    if (cli->config.json) {
        kn_document_begin(&d);
        kn_json_string(&d.w, "listening", kn_server_address(s));
        kn_document_end(&d);
    } else if (!cli->config.quiet) {
        tell_of_folders(&cli->config.allow_folders);
        printf("listening on %s\n", kn_server_address(s));
    }
    fflush(stdout); /* whoever started it may wait for this line */
}

/* Threads are started with both signals blocked, so this one alone hears them. From the first on a second one ends the
 * process, as it does by default. */
static void wait_and_drain(struct kn_cli *cli, const sigset_t *signals, struct kn_server *s)
{
    int number;

    sigwait(signals, &number);
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
    if (!cli->config.quiet)
        fputs("kinora: ending what was begun; once more to stop at once\n", stderr);
    kn_server_drain(s, KN_LIMIT_DRAIN_SECONDS);
}

int kn_cmd_serve(struct kn_cli *cli)
{
    const struct kn_config *c = &cli->config;
    const struct kinora_options library = kn_cli_options(cli);
    const struct kn_server_options options = {
        .listen = c->listen,
        .allow_hosts = c->allow_hosts.text,
        .n_allow_hosts = c->allow_hosts.n,
        .access_log = c->quiet && strcmp(c->access_log, "-") == 0 ? "" : c->access_log,
        .token_file = c->token_file,
    };
    const struct kinora_ingest_options ingest =
        kn_cli_ingest_options(cli, c->allow_folders.text, c->allow_folders.n);
    struct kn_app app = {0};
    struct kn_server *s = NULL;
    struct kinora *k = NULL;
    struct kn_err err;
    bool is_wrong_use = false;
    sigset_t signals;
    int rc;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    tell_of_missing(cli);
    rc = open_library(cli, &k, &err);
    if (rc == KN_OK)
        rc = kn_v1_open(k, &library, &ingest, &app, &err);
    if (rc == KN_OK) {
        rc = kn_server_open(&options, k, &app, &s, &err);
        is_wrong_use = rc == KN_EARG; /* --listen, --token-file */
    }
    if (rc == KN_OK) {
        tell(cli, s);
        wait_and_drain(cli, &signals, s);
        kinora_cancel(k); /* what did not end in time */
    }
    kn_server_close(s);
    kn_v1_close(&app);
    kinora_close(k);
    if (is_wrong_use)
        return kn_cli_wrong_use(cli, "%s", err.msg);
    return rc ? kn_cli_fail(cli, &err) : KN_EXIT_DONE;
}

int kn_cmd_token(struct kn_cli *cli)
{
    char token[KN_SECRET_TEXT];
    struct kn_document d;
    struct kn_err err;
    int rc = kn_token_make(cli->config.new_token, token, &err);

    if (rc)
        return kn_cli_fail(cli, &err);
    if (cli->config.json) {
        kn_document_begin(&d);
        kn_json_string(&d.w, "token", token);
        return kn_document_end(&d);
    }
    puts(token);
    return KN_EXIT_DONE;
}
