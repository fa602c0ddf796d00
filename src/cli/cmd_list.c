/* kinora list */
#include "cli.h"

#include <math.h>

static int list_json(const struct kinora_titles *titles)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_begin_array(&d.w, "titles");
    for (size_t i = 0; i < titles->n; i++) {
        kn_json_begin_object(&d.w, NULL);
        kn_json_about(&d.w, &titles->titles[i]);
        kn_json_end_object(&d.w);
    }
    kn_json_end_array(&d.w);
    return kn_document_end(&d);
}

static enum kn_style state_style(enum kn_state s)
{
    if (s == KN_STATE_READY)
        return KN_GOOD;
    return s == KN_STATE_FAILED || s == KN_STATE_MISSING ? KN_BAD : KN_WARN;
}

static bool any_reason(const struct kinora_titles *titles)
{
    for (size_t i = 0; i < titles->n; i++) {
        if (*titles->titles[i].reason)
            return true;
    }
    return false;
}

static void print_table(struct kn_cli *cli, const struct kinora_titles *titles)
{
    static const struct kn_column columns[] = {{.head = "NAME", .shrinks = true},
                                               {.head = "STATE"},
                                               {.head = "LANGUAGE"},
                                               {.head = "LENGTH", .right = true},
                                               {.head = "OPINION", .right = true},
                                               {.head = "REASON", .shrinks = true}};
    bool reasons = any_reason(titles);
    struct kn_table *table = kn_table_new(cli, columns, reasons ? 6 : 5);

    for (size_t i = 0; i < titles->n; i++) {
        const struct kn_title *t = &titles->titles[i];

        kn_table_add(table, KN_BOLD, kn_text(cli, t->name));
        kn_table_add(table, state_style(t->state), kinora_state_name(t->state));
        kn_table_add(table, KN_PLAIN, *t->language ? kn_text(cli, t->language) : "-");
        kn_table_add(table, KN_PLAIN, t->duration > 0 ? kn_time_text(cli, t->duration) : "-");
        kn_table_add(table, kn_opinion_style(t->opinion), kn_opinion_text(cli, t->opinion));
        if (reasons)
            kn_table_add(table, KN_DIM, kn_text(cli, t->reason));
    }
    kn_table_print(table);
}

int kn_cmd_list(struct kn_cli *cli)
{
    struct kinora *k;
    struct kinora_titles *titles;
    struct kn_err err;
    int code = kn_cli_open(cli, &k);

    if (code)
        return code;
    if (kinora_list(k, cli->config.state, &titles, &err)) {
        code = kn_cli_fail(cli, &err);
        goto out;
    }
    if (cli->config.json)
        code = list_json(titles);
    else if (titles->n > 0)
        print_table(cli, titles);
    else if (*cli->config.state)
        printf("No title is %s.\n", cli->config.state);
    else
        printf("No titles yet in %s: kinora ingest DIR\n", kn_text(cli, kinora_library_path(k)));
    kinora_titles_free(titles);
out:
    kinora_close(k);
    return code;
}
