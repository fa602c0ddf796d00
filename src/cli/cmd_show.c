/* kinora show NAME */
#include "cli.h"

#include <math.h>
#include <string.h>

enum { LABEL = 10, INDENT = 9 };

static void segments_json(struct kn_json_writer *w, const struct kn_record *r)
{
    kn_json_begin_array(w, "segments");
    for (size_t i = 0; i < r->n_segments; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_when(w, r->segments[i].start, r->segments[i].end);
        kn_json_string(w, "text", r->segments[i].text);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_begin_array(w, "dropped");
    for (size_t i = 0; i < r->n_dropped; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_when(w, r->dropped[i].start, r->dropped[i].end);
        kn_json_string(w, "text", r->dropped[i].text);
        kn_json_string(w, "reason", r->dropped[i].reason);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_begin_array(w, "moments");
    for (size_t i = 0; i < r->n_moments; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_when(w, r->moments[i].start, r->moments[i].end);
        kn_json_string(w, "text", r->moments[i].text);
        kn_json_number(w, "opinion", r->moments[i].opinion);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void tracks_json(struct kn_json_writer *w, const struct kinora_details *details)
{
    kn_json_known(w, "container", details->container);
    kn_json_begin_array(w, "tracks");
    for (size_t i = 0; i < details->n_tracks; i++) {
        const struct kinora_track *t = &details->tracks[i];

        kn_json_begin_object(w, NULL);
        kn_json_string(w, "kind", t->kind);
        kn_json_known(w, "codec", t->codec);
        kn_json_known(w, "language", t->language);
        kn_json_known(w, "title", t->title);
        kn_json_bool(w, "heard", t->heard);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static int show_json(const struct kinora_details *details)
{
    const struct kn_title *t = &details->record.title;
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_about(&d.w, t);
    if (*t->language)
        kn_json_rounded(&d.w, "language_confidence", t->language_confidence, 4);
    else
        kn_json_null(&d.w, "language_confidence");
    kn_json_bool(&d.w, "language_set", t->language_set);
    kn_json_known(&d.w, "words_from", t->words_from);
    kn_json_known(&d.w, "scorer", t->scorer);
    if (t->year)
        kn_json_integer(&d.w, "year", t->year);
    else
        kn_json_null(&d.w, "year");
    kn_json_known(&d.w, "genres", t->genres);
    tracks_json(&d.w, details);
    kn_json_string(&d.w, "transcript", details->transcript);
    segments_json(&d.w, &details->record);
    return kn_document_end(&d);
}

static void fact(struct kn_cli *cli, const char *label, const char *value)
{
    kn_put(stdout, &cli->out, KN_DIM, "%-*s", LABEL, label);
    kn_put_wrapped(stdout, &cli->out, LABEL, 0, value);
}

/* A title that is ready without an opinion is so for its language: only the lexicon gives none to what it cannot read. */
static void opinion(struct kn_cli *cli, const struct kn_title *t)
{
    bool lexicon = strcmp(t->scorer, "lexicon") == 0;

    if (!isnan(t->opinion))
        fact(cli, "opinion",
             kn_format(cli, "%s%s", kn_opinion_text(cli, t->opinion),
                       lexicon ? ", by the lexicon" : ""));
    else if (lexicon && t->state == KN_STATE_READY)
        fact(cli, "opinion", "none: the lexicon reads English only");
}

static void facts(struct kn_cli *cli, const struct kn_title *t)
{
    char id[KN_ID_TEXT];

    kinora_id_text(&t->id, id);
    kn_put(stdout, &cli->out, KN_BOLD, "%s", kn_text(cli, t->name));
    putchar('\n');
    fact(cli, "id", id);
    fact(cli, "state",
         *t->reason ? kn_format(cli, "%s: %s", kinora_state_name(t->state), kn_text(cli, t->reason))
                    : kinora_state_name(t->state));
    if (t->year)
        fact(cli, "year", kn_format(cli, "%d", t->year));
    if (*t->genres)
        fact(cli, "genres", kn_text(cli, t->genres));
    if (t->language_set)
        fact(cli, "language", kn_format(cli, "%s, as it was set", kn_text(cli, t->language)));
    else if (*t->language)
        fact(cli, "language",
             kn_format(cli, "%s, %.0f %% sure", kn_text(cli, t->language),
                       100 * t->language_confidence));
    if (*t->words_from)
        fact(cli, "words", kn_format(cli, "from %s", kn_text(cli, t->words_from)));
    if (t->duration > 0)
        fact(cli, "length", kn_time_text(cli, t->duration));
    opinion(cli, t);
    for (size_t i = 0; i < t->n_paths; i++)
        fact(cli, i ? "" : "file", kn_text(cli, t->paths[i]));
}

static void tracks(struct kn_cli *cli, const struct kinora_details *details)
{
    for (size_t i = 0; i < details->n_tracks; i++) {
        const struct kinora_track *t = &details->tracks[i];
        const char *more = *t->language ? kn_format(cli, ", %s", kn_text(cli, t->language)) : "";

        if (*t->title)
            more = kn_format(cli, "%s, %s", more, kn_text(cli, t->title));
        fact(cli, i ? "" : "tracks",
             kn_format(cli, "%s %s%s%s", t->kind, kn_text(cli, t->codec), more,
                       t->heard ? ", heard" : ""));
    }
}

/* How the tone goes through the film, where it was measured. */
static void arc(struct kn_cli *cli, const struct kn_record *r)
{
    const char *line = "";

    for (size_t i = 0; i < r->n_moments; i++) {
        const struct kn_moment *m = &r->moments[i];

        if (!isnan(m->opinion))
            line = kn_format(cli, "%s%s%s%s", line, *line ? "   " : "",
                             kn_when_text(cli, m->start, m->end, " "),
                             kn_opinion_text(cli, m->opinion));
    }
    if (*line)
        fact(cli, "tone", line);
}

static void transcript(struct kn_cli *cli, const struct kn_record *r)
{
    if (r->n_segments > 0)
        putchar('\n');
    for (size_t i = 0; i < r->n_segments; i++) {
        const struct kn_segment *s = &r->segments[i];

        kn_put(stdout, &cli->out, KN_DIM, "%*s", INDENT, kn_when_text(cli, s->start, s->end, "  "));
        kn_put_wrapped(stdout, &cli->out, INDENT, 0, kn_text(cli, s->text));
    }
}

static void dropped(struct kn_cli *cli, const struct kn_record *r)
{
    if (r->n_dropped > 0)
        puts("\nHeard and not kept:");
    for (size_t i = 0; i < r->n_dropped; i++) {
        const struct kn_dropped *d = &r->dropped[i];

        kn_put(stdout, &cli->out, KN_DIM, "%*s", INDENT, kn_when_text(cli, d->start, d->end, "  "));
        kn_put_wrapped(stdout, &cli->out, INDENT, 0,
                       kn_format(cli, "%s (%s)", kn_text(cli, d->text), d->reason));
    }
}

int kn_cmd_show(struct kn_cli *cli)
{
    struct kinora *k;
    struct kinora_titles *found = NULL;
    struct kinora_details *details;
    struct kn_err err;
    int code = kn_cli_open(cli, &k);

    if (code)
        return code;
    code = kn_cli_find(cli, k, cli->args[0], &found);
    if (code)
        goto out;
    if (kinora_show(k, &found->titles[0].id, &details, &err)) {
        code = kn_cli_fail(cli, &err);
        goto out;
    }
    if (cli->config.json) {
        code = show_json(details);
    } else {
        facts(cli, &details->record.title);
        tracks(cli, details);
        arc(cli, &details->record);
        transcript(cli, &details->record);
        if (cli->config.verbose)
            dropped(cli, &details->record);
    }
    kinora_details_free(details);
out:
    kinora_titles_free(found);
    kinora_close(k);
    return code;
}
