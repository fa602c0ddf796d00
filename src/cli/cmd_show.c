/* kinora show NAME */
#include "cli.h"

#include <math.h>
#include <string.h>

enum { LABEL = 10, INDENT = 9, ARC_WIDTH = 40, ARC_EDGES = sizeof "  -1.00 to +1.00" };

#define ARC_EDGE 0.6

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
        kn_json_known(w, "form", t->form);
        kn_json_bool(w, "default", t->is_default);
        kn_json_bool(w, "forced", t->forced);
        kn_json_bool(w, "impaired", t->impaired);
        kn_json_bool(w, "commentary", t->commentary);
        if (t->channels)
            kn_json_integer(w, "channels", t->channels);
        else
            kn_json_null(w, "channels");
        kn_json_bool(w, "heard", t->heard);
        kn_json_bool(w, "read", t->read);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void facts_json(struct kn_json_writer *w, const struct kinora_facts *f)
{
    kn_json_known(w, "title", f->title);
    kn_json_known(w, "plot", f->plot);
    kn_json_known(w, "kind", f->kind);
    kn_json_known(w, "poster", f->poster);
    kn_json_ids(w, "ids", f->ids);
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
    kn_json_known(&d.w, "words_at", details->words_at);
    kn_json_known(&d.w, "scorer", t->scorer);
    if (t->scorer_version)
        kn_json_integer(&d.w, "scorer_version", t->scorer_version);
    else
        kn_json_null(&d.w, "scorer_version");
    if (t->year)
        kn_json_integer(&d.w, "year", t->year);
    else
        kn_json_null(&d.w, "year");
    kn_json_known(&d.w, "genres", t->genres);
    facts_json(&d.w, &details->facts);
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

/* A title that is ready without an opinion is so for its language: the probe gives one to all. */
static void opinion(struct kn_cli *cli, const struct kn_title *t)
{
    bool lexicon = strcmp(t->scorer, "lexicon") == 0, llm = strcmp(t->scorer, "llm") == 0;

    if (!isnan(t->opinion))
        fact(cli, "opinion",
             kn_format(cli, "%s%s", kn_opinion_text(cli, t->opinion),
                       lexicon ? ", by the lexicon"
                       : llm   ? ", by the language model"
                               : ""));
    else if ((lexicon || llm) && t->state == KN_STATE_READY)
        fact(cli, "opinion",
             kn_format(cli, "none: the %s reads English only",
                       lexicon ? "lexicon" : "language model"));
}

/* "from sidecar Film.en.srt", "from track 2" */
static const char *words(struct kn_cli *cli, const char *from, const char *at)
{
    bool track = strcmp(from, "embedded") == 0;

    return kn_format(cli, "from %s%s%s", track ? "track" : kn_text(cli, from), *at ? " " : "",
                     kn_text(cli, at));
}

static void facts(struct kn_cli *cli, const struct kinora_details *details)
{
    const struct kn_title *t = &details->record.title;
    const struct kinora_facts *f = &details->facts;
    char id[KN_ID_TEXT];

    kinora_id_text(&t->id, id);
    kn_put(stdout, &cli->out, KN_BOLD, "%s", kn_text(cli, t->name));
    putchar('\n');
    fact(cli, "id", id);
    fact(cli, "state",
         *t->reason ? kn_format(cli, "%s: %s", kinora_state_name(t->state), kn_text(cli, t->reason))
                    : kinora_state_name(t->state));
    if (*f->title && strcmp(f->title, t->name) != 0)
        fact(cli, "title", kn_text(cli, f->title));
    if (*f->kind)
        fact(cli, "kind", kn_text(cli, f->kind));
    if (t->year)
        fact(cli, "year", kn_format(cli, "%d", t->year));
    if (*t->genres)
        fact(cli, "genres", kn_text(cli, t->genres));
    if (*f->ids)
        fact(cli, "ids", kn_text(cli, f->ids));
    if (*f->plot)
        fact(cli, "plot", kn_text(cli, f->plot));
    if (t->language_set)
        fact(cli, "language", kn_format(cli, "%s, as it was set", kn_text(cli, t->language)));
    else if (*t->language)
        fact(cli, "language",
             kn_format(cli, "%s, %.0f %% sure", kn_text(cli, t->language),
                       100 * t->language_confidence));
    if (*t->words_from)
        fact(cli, "words", words(cli, t->words_from, details->words_at));
    if (t->duration > 0)
        fact(cli, "length", kn_time_text(cli, t->duration));
    opinion(cli, t);
    for (size_t i = 0; i < t->n_paths; i++)
        fact(cli, i ? "" : "file", kn_text(cli, t->paths[i]));
    if (*f->poster)
        fact(cli, "poster", kn_text(cli, f->poster));
}

static void tracks(struct kn_cli *cli, const struct kinora_details *details)
{
    for (size_t i = 0; i < details->n_tracks; i++) {
        const struct kinora_track *t = &details->tracks[i];
        const char *more = *t->language ? kn_format(cli, ", %s", kn_text(cli, t->language)) : "";

        if (*t->title)
            more = kn_format(cli, "%s, %s", more, kn_text(cli, t->title));
        if (t->channels)
            more =
                kn_format(cli, "%s, %u channel%s", more, t->channels, t->channels == 1 ? "" : "s");
        fact(cli, i ? "" : "tracks",
             kn_format(cli, "%zu %s %s%s%s%s%s%s%s%s", i, t->kind, kn_text(cli, t->codec), more,
                       strcmp(t->form, "pictures") == 0 ? ", pictures" : "",
                       t->forced ? ", forced" : "", t->impaired ? ", impaired" : "",
                       t->commentary ? ", commentary" : "", t->heard ? ", heard" : "",
                       t->read ? ", read" : ""));
    }
}

/* Where a moment lies on the arc: its times, or without them its words, one moment behind the other. */
struct place {
    double from, to;
};

static struct place place_of(const struct kn_moment *m, double behind)
{
    double words = m->words ? m->words : 1;

    return kn_is_timed(m->start, m->end) ? (struct place){m->start, m->end}
                                         : (struct place){behind, behind + words};
}

/* How far a moment and a cell of the arc overlap. A moment of no length counts where it lies. */
static double overlap(struct place moment, struct place cell)
{
    double from = fmax(moment.from, cell.from), to = fmin(moment.to, cell.to);

    if (moment.to <= moment.from)
        return moment.from >= cell.from && moment.from < cell.to ? 1 : 0;
    return fmax(to - from, 0);
}

/* The mean opinion of what is said in a cell; NaN: nothing that has one. */
static double opinion_in(const struct kn_record *r, struct place cell)
{
    double sum = 0, weight = 0, behind = 0;

    for (size_t i = 0; i < r->n_moments; i++) {
        const struct kn_moment *m = &r->moments[i];
        struct place place = place_of(m, behind);

        behind = place.to;
        if (isnan(m->opinion))
            continue;
        sum += m->opinion * overlap(place, cell);
        weight += overlap(place, cell);
    }
    return weight > 0 ? sum / weight : (double)NAN;
}

/* Heights are the same for every film, so that two can be compared; hardly a moment goes beyond ARC_EDGE. */
static const char *height_of(struct kn_cli *cli, double opinion)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double height = floor((opinion / ARC_EDGE + 1) * 4);
    int step = (int)fmin(fmax(height, 0), 7);

    return cli->out.utf8 ? blocks[step] : kn_format(cli, "%d", step + 1);
}

/* How the tone goes through the film, where it was measured: a cell a moment, or a share of the time where they are many. */
static void arc(struct kn_cli *cli, const struct kn_record *r)
{
    size_t room = cli->out.width - LABEL - ARC_EDGES;
    size_t most = room < ARC_WIDTH ? room : ARC_WIDTH;
    size_t cells = r->n_moments < most ? r->n_moments : most;
    double lowest = (double)INFINITY, highest = -(double)INFINITY, behind = 0, from = 0, step;
    const char *line = "";

    for (size_t i = 0; i < r->n_moments; i++) {
        struct place place = place_of(&r->moments[i], behind);

        from = i ? from : place.from;
        behind = place.to;
        lowest = fmin(lowest, r->moments[i].opinion);
        highest = fmax(highest, r->moments[i].opinion);
    }
    if (lowest > highest)
        return;
    step = (behind - from) / (double)cells;
    for (size_t i = 0; i < cells; i++) {
        struct place cell = {from + step * (double)i, from + step * (double)(i + 1)};
        double mean = opinion_in(r, cell);

        line = kn_format(cli, "%s%s", line, isnan(mean) ? " " : height_of(cli, mean));
    }
    fact(cli, "arc",
         kn_format(cli, "%s  %s to %s", line, kn_opinion_text(cli, lowest),
                   kn_opinion_text(cli, highest)));
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
        facts(cli, details);
        tracks(cli, details);
        arc(cli, &details->record);
        transcript(cli, &details->record);
        if (cli->config.verbose)
            dropped(cli, &details->record);
    }
    kinora_details_free(details);
out:
    kinora_titles_free(found);
    kn_cli_close(k);
    return code;
}
