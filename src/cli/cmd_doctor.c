/* kinora doctor */
#include "cli.h"

#include "base/unicode.h"

static const struct {
    const char *word, *mark;
    enum kn_style style;
} healths[] = {[KINORA_GOOD] = {"good", "✓", KN_GOOD},
               [KINORA_WARNING] = {"warning", "!", KN_WARN},
               [KINORA_BAD] = {"bad", "✗", KN_BAD}};

static int report_json(const struct kinora_report *r)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_string(&d.w, "health", healths[r->worst].word);
    kn_json_begin_array(&d.w, "findings");
    for (size_t i = 0; i < r->n; i++) {
        kn_json_begin_object(&d.w, NULL);
        kn_json_string(&d.w, "health", healths[r->findings[i].health].word);
        kn_json_string(&d.w, "name", r->findings[i].name);
        kn_json_string(&d.w, "text", r->findings[i].text);
        kn_json_end_object(&d.w);
    }
    kn_json_end_array(&d.w);
    return kn_document_end(&d);
}

static void report_text(struct kn_cli *cli, const struct kinora_report *r)
{
    size_t widest = 0;

    for (size_t i = 0; i < r->n; i++) {
        size_t n = kn_columns(kn_sv_of(r->findings[i].name));

        widest = n > widest ? n : widest;
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct kinora_finding *f = &r->findings[i];
        size_t n = kn_columns(kn_sv_of(f->name));

        kn_put(stdout, &cli->out, healths[f->health].style, "%s", healths[f->health].mark);
        printf(" %s%*s  ", f->name, (int)(widest - n), "");
        kn_put_wrapped(stdout, &cli->out, widest + 4, 0, kn_text(cli, f->text));
    }
}

int kn_cli_report(struct kn_cli *cli, const struct kinora_report *r)
{
    int code = KN_EXIT_DONE;

    if (cli->config.json)
        code = report_json(r);
    else
        report_text(cli, r);
    return r->worst == KINORA_BAD ? KN_EXIT_FAILED : code;
}

int kn_cmd_doctor(struct kn_cli *cli)
{
    struct kinora_options options = kn_cli_options(cli);
    struct kinora_report *report;
    struct kn_err err;
    int code;

    if (kinora_doctor(&options, &report, &err))
        return kn_cli_fail(cli, &err);
    code = kn_cli_report(cli, report);
    kinora_report_free(report);
    return code;
}
