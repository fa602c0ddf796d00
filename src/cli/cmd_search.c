/* kinora search TEXT... */
#include "cli.h"

#include "base/err.h"
#include "base/unicode.h"

#include <math.h>

enum { MAX_TEXT = 64 << 10, INDENT = 4, LINES = 3 };

static int found_json(const char *text, const struct kinora_found_list *list)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_begin_object(&d.w, "query");
    kn_json_string(&d.w, "text", text);
    kn_json_end_object(&d.w);
    kn_json_begin_array(&d.w, "moments");
    for (size_t i = 0; i < list->n; i++) {
        const struct kinora_found *f = &list->found[i];

        kn_json_begin_object(&d.w, NULL);
        kn_json_integer(&d.w, "rank", (int64_t)f->rank);
        kn_json_name(&d.w, &f->title);
        kn_json_rounded(&d.w, "similarity", f->similarity, 6);
        kn_json_number(&d.w, "opinion", f->opinion);
        kn_json_known(&d.w, "language", f->title.language);
        kn_json_when(&d.w, f->start, f->end);
        kn_json_seconds(&d.w, "at", kn_is_timed(f->start, f->end) ? f->at : (double)NAN);
        kn_json_string(&d.w, "text", f->text);
        kn_json_end_object(&d.w);
    }
    kn_json_end_array(&d.w);
    return kn_document_end(&d);
}

static void found_text(struct kn_cli *cli, const struct kinora_found_list *list)
{
    const struct kn_screen *screen = &cli->out;

    for (size_t i = 0; i < list->n; i++) {
        const struct kinora_found *f = &list->found[i];

        printf("%s%*zu  ", i ? "\n" : "", INDENT - 2, f->rank);
        kn_put(stdout, screen, KN_BOLD, "%s",
               kn_shorten(cli, kn_text(cli, f->title.name), screen->width - 40));
        if (kn_is_timed(f->start, f->end))
            printf("  %s", kn_time_text(cli, f->at));
        kn_put(stdout, screen, KN_DIM, "   similarity %.2f   %s", f->similarity,
               *f->title.language ? kn_text(cli, f->title.language) : "language unknown");
        printf("\n%*s", INDENT, "");
        kn_put_wrapped(stdout, screen, INDENT, cli->config.verbose ? 0 : LINES,
                       kn_text(cli, f->text));
    }
    if (list->n == 0)
        puts("No moments to search: the library has no ready title in that language.");
}

static int search(struct kn_cli *cli, const char *text)
{
    struct kinora *k;
    struct kinora_search_query query = {.limit = (size_t)cli->config.limit,
                                        .language = cli->config.language};
    struct kinora_found_list *list;
    struct kn_err err;
    int code = kn_cli_open(cli, &k);

    if (code)
        return code;
    if (kinora_search(k, text, &query, &list, &err)) {
        code = kn_cli_fail(cli, &err);
    } else {
        if (cli->config.json)
            code = found_json(text, list);
        else
            found_text(cli, list);
        kinora_found_free(list);
    }
    kinora_close(k);
    return code;
}

int kn_cmd_search(struct kn_cli *cli)
{
    struct kn_buf text;
    struct kn_err err;
    int code;

    kn_buf_init(&text, MAX_TEXT);
    for (size_t i = 0; i < cli->n_args; i++) {
        kn_buf_adds(&text, i ? " " : "", NULL);
        kn_utf8_repair(kn_sv_of(cli->args[i]), &text, NULL);
    }
    if (kn_buf_ok(&text, &err))
        code = kn_cli_fail(cli, &err);
    else if (kn_sv_trim(kn_sv_of(text.data)).n == 0)
        code = kn_cli_wrong_use(cli, "search wants some words");
    else if (*cli->config.language && kn_config_languages(cli->config.language, &err))
        code = kn_cli_wrong_use(cli, "%s", err.msg);
    else
        code = search(cli, text.data);
    kn_buf_free(&text);
    return code;
}
