/* kinora publish ADDRESS, kinora pull-library ADDRESS */
#include "cli.h"

#include "base/err.h"

#include <math.h>
#include <string.h>

/* ---- progress ---- */

static void event_json(const struct kinora_share_event *e)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_string(&d.w, "event", e->doing);
    kn_json_known(&d.w, "name", e->name);
    kn_json_integer(&d.w, "done", (int64_t)e->done);
    kn_json_integer(&d.w, "total", (int64_t)e->total);
    kn_json_seconds(&d.w, "elapsed", e->elapsed);
    kn_document_end(&d);
    fflush(stdout);
}

static void on_event(void *ctx, const struct kinora_share_event *e)
{
    struct kn_status *status = ctx;
    char before[64];

    if (status->cli->config.json) {
        event_json(e);
        return;
    }
    if (!kn_status_due(status))
        return;
    snprintf(before, sizeof before, "%s %zu/%zu", e->doing, e->done, e->total);
    kn_status_draw(status, before, e->total ? (double)e->done / (double)e->total : 1, "");
}

/* ---- the end ---- */

static void summary_json(const struct kinora_shared *s, bool stopped)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_begin_object(&d.w, "summary");
    kn_json_integer(&d.w, "sent", (int64_t)s->sent);
    kn_json_integer(&d.w, "removed", (int64_t)s->removed);
    kn_json_integer(&d.w, "same", (int64_t)s->same);
    kn_json_integer(&d.w, "kept", (int64_t)s->kept);
    kn_json_integer(&d.w, "present", (int64_t)s->present);
    kn_json_integer(&d.w, "compared", (int64_t)s->compared);
    kn_json_integer(&d.w, "questions", (int64_t)s->questions);
    kn_json_number(&d.w, "recall", s->recall);
    kn_json_integer(&d.w, "behind", (int64_t)s->behind);
    kn_json_bool(&d.w, "swapped", s->swapped);
    kn_json_seconds(&d.w, "elapsed", s->elapsed);
    kn_json_bool(&d.w, "cancelled", stopped);
    kn_json_end_object(&d.w);
    kn_document_end(&d);
}

static void summary(const struct kn_cli *cli, const struct kinora_shared *s, bool stopped)
{
    bool publish = cli->command->bit == KN_FOR_PUBLISH;

    printf("%zu title%s %s", s->sent, s->sent == 1 ? "" : "s", publish ? "sent" : "pulled");
    if (s->removed > 0)
        printf(", %zu removed", s->removed);
    if (s->same > 0)
        printf(", %zu unchanged", s->same);
    if (s->kept > 0)
        printf(publish ? ", %zu left as other machines have them" : ", %zu of this library's own",
               s->kept);
    if (stopped) {
        puts(". Stopped: run the same command to go on.");
        return;
    }
    printf("; checked: %zu there, %zu compared", s->present, s->compared);
    if (!isnan(s->recall))
        printf(", %.1f %% of the answers to %zu questions the same", 100 * s->recall, s->questions);
    puts(".");
    if (s->swapped)
        puts("It answers with the new embedding model now.");
    if (s->behind > 0)
        printf("It still answers with its former embedding model: %zu title%s of others not there "
               "in the new one yet. Publish from their machines too; or --swap, and they are lost "
               "until then.\n",
               s->behind, s->behind == 1 ? " is" : "s are");
}

static int share(struct kn_cli *cli, struct kinora *k)
{
    const struct kn_config *c = &cli->config;
    const struct kinora_share_options options = {.address = cli->args[0],
                                                 .media_root = c->qdrant.media_root,
                                                 .all = c->all,
                                                 .swap = c->swap};
    struct kinora_shared s = {0};
    struct kn_status status;
    struct kn_err err;
    int rc;

    kn_status_begin(&status, cli);
    kn_signals_catch(k);
    rc = cli->command->bit == KN_FOR_PUBLISH
             ? kinora_publish(k, &options, on_event, &status, &s, &err)
             : kinora_pull(k, &options, on_event, &status, &s, &err);
    kn_signals_release();
    kn_status_end(&status);
    if (rc && rc != KN_ECANCELLED)
        return kn_cli_fail(cli, &err);
    if (c->json)
        summary_json(&s, rc != KN_OK);
    else
        summary(cli, &s, rc != KN_OK);
    return rc ? KN_EXIT_FAILED : KN_EXIT_DONE;
}

/* ---- the commands ---- */

int kn_cmd_publish(struct kn_cli *cli)
{
    struct kinora *k;
    int code = kn_cli_open(cli, &k);

    if (code)
        return code;
    code = share(cli, k);
    kinora_close(k);
    return code;
}

int kn_cmd_pull(struct kn_cli *cli)
{
    struct kinora_options options = kn_cli_options(cli), other = options;
    struct kinora *k;
    struct kn_err err;
    int code;

    /* First, so that a wrong address leaves no empty library. */
    other.library = cli->args[0];
    if (kinora_open(&other, &k, &err))
        return kn_cli_fail(cli, &err);
    kinora_close(k);
    options.write = true;
    if (kinora_open(&options, &k, &err))
        return kn_cli_fail(cli, &err);
    code = share(cli, k);
    kinora_close(k);
    return code;
}
