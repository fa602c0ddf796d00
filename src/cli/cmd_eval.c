/* kinora eval */
#include "cli.h"

#include <math.h>
#include <string.h>

/* ---- progress ---- */

static void progress(void *ctx, const char *doing, size_t done, size_t total)
{
    struct kn_status *status = ctx;
    char after[64];

    if (!kn_status_due(status))
        return;
    snprintf(after, sizeof after, "%zu of %zu", done, total);
    kn_status_draw(status, doing, (double)done / (double)total, after);
}

/* ---- JSON ---- */

static void interval_json(struct kn_json_writer *w, const char *key,
                          const struct kinora_interval *i)
{
    kn_json_begin_object(w, key);
    kn_json_rounded(w, "value", i->value, 6);
    kn_json_rounded(w, "low", i->low, 6);
    kn_json_rounded(w, "high", i->high, 6);
    kn_json_end_object(w);
}

static void values_json(struct kn_json_writer *w, const char *key, const double *values, size_t n)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++)
        kn_json_rounded(w, NULL, values[i], 6);
    kn_json_end_array(w);
}

static void figure_json(struct kn_json_writer *w, const struct kinora_figure *f,
                        const struct kinora_evaluation *e, bool verbose)
{
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "name", f->name);
    interval_json(w, "figure", &f->figure);
    kn_json_rounded(w, "chance", f->chance, 6);
    if (*e->against) {
        interval_json(w, "other", &f->other);
        interval_json(w, "difference", &f->difference);
    }
    if (verbose && f->values)
        values_json(w, "values", f->values, e->n_questions);
    if (verbose && f->others)
        values_json(w, "others", f->others, e->n_questions);
    kn_json_end_object(w);
}

static int eval_json(const struct kinora_evaluation *e, bool verbose)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_string(&d.w, "measure", e->measure);
    kn_json_string(&d.w, "model", e->model);
    kn_json_known(&d.w, "against", e->against);
    kn_json_integer(&d.w, "titles", (int64_t)e->titles);
    kn_json_integer(&d.w, "asked", (int64_t)e->n_questions);
    kn_json_integer(&d.w, "left_out", (int64_t)e->left_out);
    kn_json_integer(&d.w, "unknown", (int64_t)e->unknown);
    kn_json_begin_array(&d.w, "figures");
    for (size_t i = 0; i < e->n_figures; i++)
        figure_json(&d.w, &e->figures[i], e, verbose);
    kn_json_end_array(&d.w);
    if (verbose) {
        kn_json_begin_array(&d.w, "questions");
        for (size_t i = 0; i < e->n_questions; i++) {
            kn_json_begin_object(&d.w, NULL);
            kn_json_name(&d.w, &e->questions[i]);
            kn_json_end_object(&d.w);
        }
        kn_json_end_array(&d.w);
    }
    return kn_document_end(&d);
}

/* ---- text ---- */

static const char *said(const struct kinora_evaluation *e)
{
    static const struct {
        const char *measure, *text;
    } all[] = {
        {"halves", "Does the first half of a title find its second half among those of all?"},
        {"related", "Do the recommendations for a title belong with it?"},
        {"opinion", "Are opinions as labelled?"},
        {"language", "Are languages as labelled?"},
        {"words", "How many words are wrong?"},
    };
    const char *text = "";

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].measure, e->measure) == 0)
            text = all[i].text;
    return text;
}

static const char *number(struct kn_cli *cli, double v)
{
    return isnan(v) ? "-" : kn_format(cli, "%.3f", v);
}

static const char *range(struct kn_cli *cli, const struct kinora_interval *i, bool sign)
{
    if (isnan(i->low))
        return "";
    return kn_format(cli, sign ? "%+.3f to %+.3f" : "%.3f to %.3f", i->low, i->high);
}

static void differing(struct kn_cli *cli, struct kn_table *table, const struct kinora_interval *d)
{
    bool sure = d->low > 0 || d->high < 0;

    kn_table_add(table, sure ? KN_BOLD : KN_PLAIN,
                 isnan(d->value) ? "-" : kn_format(cli, "%+.3f", d->value));
    kn_table_add(table, KN_DIM, range(cli, d, true));
}

static void print_figures(struct kn_cli *cli, const struct kinora_evaluation *e)
{
    bool two = *e->against != '\0';
    const struct kn_column columns[] = {{.head = ""},
                                        {.head = two ? e->model : "FIGURE", .right = true},
                                        {.head = "95 %"},
                                        {.head = "BY LOT", .right = true},
                                        {.head = e->against, .right = true},
                                        {.head = "95 %"},
                                        {.head = "DIFFERENCE", .right = true},
                                        {.head = "95 %"}};
    struct kn_table *table = kn_table_new(cli, columns, two ? 8 : 4);

    for (size_t i = 0; i < e->n_figures; i++) {
        const struct kinora_figure *f = &e->figures[i];

        kn_table_add(table, KN_BOLD, f->name);
        kn_table_add(table, KN_PLAIN, number(cli, f->figure.value));
        kn_table_add(table, KN_DIM, range(cli, &f->figure, false));
        kn_table_add(table, KN_DIM, number(cli, f->chance));
        if (!two)
            continue;
        kn_table_add(table, KN_PLAIN, number(cli, f->other.value));
        kn_table_add(table, KN_DIM, range(cli, &f->other, false));
        differing(cli, table, &f->difference);
    }
    kn_table_print(table);
}

static void eval_text(struct kn_cli *cli, const struct kinora_evaluation *e)
{
    printf("%s\n", said(e));
    printf("%zu of %zu titles asked", e->n_questions, e->titles);
    if (e->left_out > 0)
        printf("; %zu left out: %s", e->left_out,
               strcmp(e->measure, "halves") ? "no label for them, or none that can be used"
                                            : "only one moment");
    if (e->unknown > 0)
        printf("; %zu name%s in the labels not found", e->unknown, e->unknown == 1 ? "" : "s");
    printf("\n\n");
    print_figures(cli, e);
}

static int evaluate(struct kn_cli *cli, struct kinora *k, const struct kinora_query *query)
{
    const struct kn_config *c = &cli->config;
    struct kn_status status;
    const struct kinora_eval_options options = {.labels = c->labels,
                                                .against = c->against,
                                                .sample = (size_t)c->sample,
                                                .query = *query,
                                                .jobs = c->jobs,
                                                .progress = progress,
                                                .ctx = &status};
    struct kinora_evaluation *e;
    struct kn_err err;
    int code;

    kn_signals_catch(k);
    kn_status_begin(&status, cli);
    code = kinora_evaluate(k, &options, &e, &err);
    kn_status_end(&status);
    kn_signals_release();
    if (code)
        return kn_cli_fail(cli, &err);
    if (c->json)
        code = eval_json(e, c->verbose);
    else
        eval_text(cli, e);
    kinora_evaluation_free(e);
    return code;
}

int kn_cmd_eval(struct kn_cli *cli)
{
    struct kinora_query query;
    struct kinora *k;
    struct kn_err err;
    int code;

    if (!*cli->config.labels && cli->of_answers)
        return kn_cli_wrong_use(
            cli,
            "eval without --labels compares halves of titles and ranks nothing: "
            "--%s would change nothing",
            cli->of_answers);
    if (kn_cli_query(cli, &query, &err))
        return kn_cli_wrong_use(cli, "%s", err.msg);
    code = kn_cli_open(cli, &k);
    if (code)
        return code;
    code = evaluate(cli, k, &query);
    kinora_close(k);
    return code;
}
