/* kinora recommend [NAME] */
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

static void names_json(struct kn_json_writer *w, const char *key, const struct kn_title *titles,
                       size_t n)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_name(w, &titles[i]);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void query_json(struct kn_json_writer *w, const struct kinora_answer *a)
{
    kn_json_begin_object(w, "query");
    if (a->n_likes > 0) {
        kn_json_name(w, &a->title);
    } else {
        kn_json_null(w, "id");
        kn_json_null(w, "name");
    }
    kn_json_measures(w, &a->title);
    names_json(w, "likes", a->likes, a->n_likes);
    names_json(w, "unlikes", a->unlikes, a->n_unlikes);
    kn_json_known(w, "text", a->text);
    kn_json_end_object(w);
}

static void place_json(struct kn_json_writer *w, const char *key, size_t place)
{
    if (place > 0)
        kn_json_integer(w, key, (int64_t)place);
    else
        kn_json_null(w, key);
}

static void recommendation_json(struct kn_json_writer *w, const struct kinora_recommendation *r)
{
    kn_json_begin_object(w, NULL);
    kn_json_integer(w, "rank", (int64_t)r->rank);
    kn_json_name(w, &r->title);
    kn_json_rounded(w, "score", r->score, 6); /* similarities are single precision */
    kn_json_rounded(w, "of_likeness", r->of_likeness, 6);
    kn_json_rounded(w, "of_opinion", r->of_opinion, 6);
    kn_json_rounded(w, "similarity", r->similarity, 6);
    kn_json_rounded(w, "words", r->words, 6);
    kn_json_number(w, "opinion", r->opinion);
    place_json(w, "by_meaning", r->by_meaning);
    place_json(w, "by_words", r->by_words);
    kn_json_known(w, "language", r->title.language);
    kn_json_bool(w, "weak", r->weak);
    names_json(w, "also", r->also, r->n_also);
    kn_json_begin_object(w, "evidence");
    evidence_json(w, "query", &r->query);
    evidence_json(w, "match", &r->match);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

static int answer_json(const struct kinora_answer *a)
{
    struct kn_document d;

    kn_document_begin(&d);
    query_json(&d.w, a);
    kn_json_begin_array(&d.w, "recommendations");
    for (size_t i = 0; i < a->n; i++)
        recommendation_json(&d.w, &a->recommendations[i]);
    kn_json_end_array(&d.w);
    names_json(&d.w, "same", a->same, a->n_same);
    kn_json_begin_object(&d.w, "rank_correlation");
    kn_json_rounded(&d.w, "likeness", a->likeness_correlation, 6);
    kn_json_rounded(&d.w, "opinion", a->opinion_correlation, 6);
    kn_json_end_object(&d.w);
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

/* "also: A, B", under what says the same. */
static void names(struct kn_cli *cli, const char *before, const struct kn_title *titles, size_t n,
                  const char *behind)
{
    const char *line = before;

    for (size_t i = 0; i < n; i++)
        line = kn_format(cli, "%s%s%s", line, i ? ", " : "", kn_text(cli, titles[i].name));
    kn_put_wrapped(stdout, &cli->out, INDENT, 0, kn_format(cli, "%s%s", line, behind));
}

static void recommendation(struct kn_cli *cli, const struct kinora_answer *a,
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
    if (r->n_also > 0) {
        printf("%*s", INDENT, "");
        names(cli, "also: ", r->also, r->n_also, "");
    }
    if (*r->query.text && r->example < a->n_likes)
        moment(cli, kn_text(cli, a->likes[r->example].name), &r->query);
    if (*r->match.text)
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
    printf("\nThere is no other film %sto recommend%s%s.\n", n > 0 ? "ready " : "",
           any ? "" : " in that language; --language any looks at all",
           cli->config.strict ? "; without --strict weak answers are shown too" : "");
    if (n > 0)
        printf("%zu %s pending: run kinora ingest again to finish.\n", n,
               n == 1 ? "title is" : "titles are");
}

/* Like what: the names of the films, and the words. */
static const char *asked(struct kn_cli *cli, const struct kinora_answer *a)
{
    const char *line = "";

    for (size_t i = 0; i < a->n_likes; i++)
        line = kn_format(cli, "%s%s%s", line, i ? " + " : "", kn_text(cli, a->likes[i].name));
    if (*a->text)
        line = kn_format(cli, "%s%s\"%s\"", line, *line ? " + " : "", kn_text(cli, a->text));
    return line;
}

static void correlation(struct kn_cli *cli, const struct kinora_answer *a)
{
    printf("\nOrdered as by likeness alone %s, as by opinion alone %s (rank correlation)\n",
           kn_opinion_text(cli, a->likeness_correlation),
           kn_opinion_text(cli, a->opinion_correlation));
}

static void answer_text(struct kn_cli *cli, struct kinora *k, const struct kinora_answer *a)
{
    const struct kn_screen *screen = &cli->out;
    const struct kn_title *t = &a->title;

    fputs("Like ", stdout);
    if (a->n_likes == 1 && !*a->text) {
        kn_put(stdout, screen, KN_BOLD, "%s", kn_shorten(cli, asked(cli, a), screen->width - 40));
        kn_put(stdout, screen, KN_DIM, "   %s   %s   opinion %s",
               *t->language ? kn_text(cli, t->language) : "language unknown",
               kn_time_text(cli, t->duration > 0 ? t->duration : (double)NAN),
               kn_opinion_text(cli, t->opinion));
    } else {
        kn_put(stdout, screen, KN_BOLD, "%s", kn_shorten(cli, asked(cli, a), screen->width - 5));
    }
    putchar('\n');
    if (a->n_same > 0)
        names(cli, "The same film, left out: ", a->same, a->n_same, "");
    for (size_t i = 0; i < a->n; i++)
        recommendation(cli, a, &a->recommendations[i]);
    if (a->n == 0)
        no_answer(cli, k);
    else if (cli->config.verbose)
        correlation(cli, a);
}

/* ---- the question ---- */

/* The ids of the titles that are named, behind those that are there: ids has room. */
static int find_all(struct kn_cli *cli, struct kinora *k, const struct kn_texts *names,
                    struct kn_id *ids, size_t *n)
{
    for (size_t i = 0; i < names->n; i++) {
        struct kinora_titles *found;
        int code = kn_cli_find(cli, k, names->text[i], &found);

        if (code)
            return code;
        ids[(*n)++] = found->titles[0].id;
        kinora_titles_free(found);
    }
    return 0;
}

static int recommend(struct kn_cli *cli, struct kinora *k, struct kinora_query *query)
{
    const struct kn_config *c = &cli->config;
    const struct kn_texts name = {(const char *const *)cli->args, cli->n_args};
    size_t n = name.n + c->like.n + c->unlike.n + c->exclude.n;
    struct kn_id *ids = kn_arena_array(cli->arena, n, sizeof *ids);
    struct kinora_answer *answer;
    struct kn_err err;
    int code;

    if (!ids)
        return kn_cli_fail(cli, &(struct kn_err){.code = KN_ELIMIT, .msg = "no memory"});
    query->likes = ids;
    code = find_all(cli, k, &name, ids, &query->n_likes);
    if (!code)
        code = find_all(cli, k, &c->like, ids, &query->n_likes);
    query->unlikes = ids + query->n_likes;
    if (!code)
        code = find_all(cli, k, &c->unlike, ids + query->n_likes, &query->n_unlikes);
    query->exclude = query->unlikes + query->n_unlikes;
    if (!code)
        code = find_all(cli, k, &c->exclude, ids + query->n_likes + query->n_unlikes,
                        &query->n_exclude);
    if (code)
        return code;
    if (kinora_recommend(k, NULL, query, &answer, &err))
        return kn_cli_fail(cli, &err);
    if (c->json)
        code = answer_json(answer);
    else
        answer_text(cli, k, answer);
    kinora_answer_free(answer);
    return code;
}

/* What only recommend takes. */
static int read_filters(const struct kn_config *c, struct kinora_query *q, struct kn_err *err)
{
    double year_from = 0, year_to = 0;
    int rc = KN_OK;

    q->text = c->text;
    q->strategy = strcmp(c->strategy, "best_score") ? KINORA_AVERAGE_VECTOR : KINORA_BEST_SCORE;
    q->genres = c->genre;
    if (*c->year)
        rc = kn_config_range("--year", c->year, 1, 9999, &year_from, &year_to, err);
    if (!rc && *c->duration)
        rc = kn_config_range("--duration", c->duration, 0, 1e6, &q->duration_from, &q->duration_to,
                             err);
    q->year_from = (int)year_from;
    q->year_to = (int)year_to;
    q->duration_from *= 60;
    q->duration_to *= 60;
    return rc;
}

int kn_cmd_recommend(struct kn_cli *cli)
{
    const struct kn_config *c = &cli->config;
    struct kinora_query query;
    struct kinora *k;
    struct kn_err err;
    int code;

    if (cli->n_args == 0 && c->like.n == 0 && !*c->text)
        return kn_cli_wrong_use(cli, "recommend wants a NAME, --like or --text");
    if (kn_cli_query(cli, &query, &err) || read_filters(c, &query, &err))
        return kn_cli_wrong_use(cli, "%s", err.msg);
    code = kn_cli_open(cli, &k);
    if (code)
        return code;
    code = recommend(cli, k, &query);
    kn_cli_close(k);
    return code;
}
