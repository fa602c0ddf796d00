/* kinora recommend NAME */
#include "cli.h"

#include <math.h>
#include <string.h>

enum { INDENT = 4, LINES = 3 }; /* of a moment's text; --verbose shows all */

static void evidence_json(struct kn_json_writer *w, const char *key,
                          const struct kinora_evidence *e)
{
    kn_json_begin_object(w, key);
    kn_json_when(w, e->start, e->end);
    kn_json_string(w, "text", e->text);
    kn_json_end_object(w);
}

static int answer_json(const struct kinora_answer *a)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_begin_object(&d.w, "query");
    kn_json_name(&d.w, &a->title);
    kn_json_measures(&d.w, &a->title);
    kn_json_end_object(&d.w);
    kn_json_begin_array(&d.w, "recommendations");
    for (size_t i = 0; i < a->n; i++) {
        const struct kinora_recommendation *r = &a->recommendations[i];

        kn_json_begin_object(&d.w, NULL);
        kn_json_integer(&d.w, "rank", (int64_t)r->rank);
        kn_json_name(&d.w, &r->title);
        kn_json_rounded(&d.w, "score", r->score, 6); /* similarities are single precision */
        kn_json_rounded(&d.w, "similarity", r->similarity, 6);
        kn_json_number(&d.w, "opinion", r->opinion);
        kn_json_known(&d.w, "language", r->title.language);
        kn_json_bool(&d.w, "weak", r->weak);
        kn_json_begin_object(&d.w, "evidence");
        evidence_json(&d.w, "query", &r->query);
        evidence_json(&d.w, "match", &r->match);
        kn_json_end_object(&d.w);
        kn_json_end_object(&d.w);
    }
    kn_json_end_array(&d.w);
    return kn_document_end(&d);
}

static void moment(struct kn_cli *cli, const char *name, const struct kinora_evidence *e)
{
    const struct kn_screen *screen = &cli->out;
    const char *time = kn_when_text(cli, e->start, e->end, "  ");

    printf("%*s", INDENT, "");
    kn_put(stdout, screen, KN_DIM, "%s%s", time,
           kn_shorten(cli, name, screen->width - INDENT - strlen(time)));
    printf("\n%*s", INDENT + 2, "");
    kn_put_wrapped(stdout, screen, INDENT + 2, cli->config.verbose ? 0 : LINES,
                   kn_text(cli, e->text));
}

static void recommendation(struct kn_cli *cli, const char *asked,
                           const struct kinora_recommendation *r)
{
    const struct kn_screen *screen = &cli->out;
    const char *name = kn_text(cli, r->title.name);

    printf("\n%*zu  ", INDENT - 2, r->rank);
    kn_put(stdout, screen, KN_BOLD, "%s", kn_shorten(cli, name, screen->width - INDENT));
    printf("\n%*sscore %+.2f   similarity %.2f   opinion ", INDENT, "", r->score, r->similarity);
    kn_put(stdout, screen, kn_opinion_style(r->opinion), "%s", kn_opinion_text(cli, r->opinion));
    printf("   %s", *r->title.language ? kn_text(cli, r->title.language) : "language unknown");
    if (r->weak)
        kn_put(stdout, screen, KN_WARN, "   weak: hardly alike");
    putchar('\n');
    if (r->query.text && *r->query.text)
        moment(cli, asked, &r->query);
    if (r->match.text && *r->match.text)
        moment(cli, name, &r->match);
}

/* Why there is nothing to recommend: what is not ready yet may be what was looked for. */
static void no_answer(const struct kn_cli *cli, struct kinora *k)
{
    bool any = strcmp(cli->config.language, "any") == 0;
    struct kinora_titles *pending = NULL;
    size_t n = 0;

    if (kinora_list(k, "pending", &pending, NULL) == KN_OK)
        n = pending->n;
    kinora_titles_free(pending);
    printf("\nThere is no other film %sto recommend%s.\n", n > 0 ? "ready " : "",
           any ? "" : " in that language; --language any looks at all");
    if (n > 0)
        printf("%zu %s pending: run kinora ingest again to finish.\n", n,
               n == 1 ? "title is" : "titles are");
}

static void answer_text(struct kn_cli *cli, struct kinora *k, const struct kinora_answer *a)
{
    const struct kn_screen *screen = &cli->out;
    const char *name = kn_text(cli, a->title.name);

    fputs("Like ", stdout);
    kn_put(stdout, screen, KN_BOLD, "%s", kn_shorten(cli, name, screen->width - 40));
    kn_put(stdout, screen, KN_DIM, "   %s   %s   opinion %s",
           *a->title.language ? kn_text(cli, a->title.language) : "language unknown",
           kn_time_text(cli, a->title.duration > 0 ? a->title.duration : (double)NAN),
           kn_opinion_text(cli, a->title.opinion));
    putchar('\n');
    for (size_t i = 0; i < a->n; i++)
        recommendation(cli, name, &a->recommendations[i]);
    if (a->n == 0)
        no_answer(cli, k);
}

static int recommend(struct kn_cli *cli, struct kinora *k, const struct kinora_query *query)
{
    struct kinora_titles *found = NULL;
    struct kinora_answer *answer;
    struct kn_err err;
    int code = kn_cli_find(cli, k, cli->args[0], &found);

    if (code)
        return code;
    if (kinora_recommend(k, &found->titles[0].id, query, &answer, &err)) {
        code = kn_cli_fail(cli, &err);
    } else {
        if (cli->config.json)
            code = answer_json(answer);
        else
            answer_text(cli, k, answer);
        kinora_answer_free(answer);
    }
    kinora_titles_free(found);
    return code;
}

int kn_cmd_recommend(struct kn_cli *cli)
{
    const struct kn_config *c = &cli->config;
    struct kinora_query query = {.limit = (size_t)c->limit,
                                 .language = c->language,
                                 .rank = strcmp(c->rank, "uplift") ? KINORA_RANK_MOOD
                                                                   : KINORA_RANK_UPLIFT};
    struct kinora *k;
    struct kn_err err;
    int code;

    if (kn_config_weights(c->weights, &query.w_similarity, &query.w_opinion, &err) ||
        (*c->language && kn_config_languages(c->language, &err)))
        return kn_cli_wrong_use(cli, "%s", err.msg);
    code = kn_cli_open(cli, &k);
    if (code)
        return code;
    code = recommend(cli, k, &query);
    kinora_close(k);
    return code;
}
