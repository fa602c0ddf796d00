/* Titles, and what belongs to one. */
#include "v1_parts.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum { PART_OF_NAME = 200, CURSOR = 2050 }; /* characters */

const struct kn_param kn_v1_titles_query[] = {
    {.name = "state", .choices = "pending|ready|failed|silent|missing"},
    {.name = "language"},
    {.name = "genre"},
    {.name = "year_from", .kind = KN_PARAM_INTEGER, .min = 1800, .max = 2200},
    {.name = "year_to", .kind = KN_PARAM_INTEGER, .min = 1800, .max = 2200},
    {.name = "q"},
    {.name = "sort", .choices = "name|added|duration|opinion|year"},
    {.name = "order", .choices = "asc|desc"},
    {.name = "limit", .kind = KN_PARAM_INTEGER, .min = 1, .max = 200},
    {.name = "cursor", .max_bytes = CURSOR},
    {0}};

static enum kinora_sort sort_of(const char *name)
{
    static const char *const names[] = {"name", "added", "duration", "opinion", "year"};
    size_t i = 0;

    while (i + 1 < sizeof names / sizeof *names && strcmp(names[i], name) != 0)
        i++;
    return (enum kinora_sort)i;
}

int kn_v1_titles(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_page_query q = {
        .limit = (size_t)kn_request_integer(r, "limit", 50),
        .state = kn_request_text(r, "state", NULL),
        .year_from = (int)kn_request_integer(r, "year_from", 0),
        .year_to = (int)kn_request_integer(r, "year_to", 0),
        .sort = sort_of(kn_request_text(r, "sort", "name")),
        .descending = strcmp(kn_request_text(r, "order", "asc"), "desc") == 0,
    };
    struct kn_json_writer *w;
    struct kinora_page *page;
    int rc = kn_v1_language_of_all(r, &q.language, err);

    if (!rc)
        rc = kn_v1_genre(r, &q.genres, err);
    if (!rc)
        rc = kn_v1_text(r, "q", PART_OF_NAME, &q.part, err);
    if (!rc)
        rc = kn_v1_text(r, "cursor", CURSOR, &q.cursor, err);
    if (!rc)
        rc = kinora_pages(r->k, &q, &page, err);
    if (rc)
        return rc;
    w = kn_reply_json(out);
    kn_json_begin_object(w, NULL);
    kn_json_begin_array(w, "titles");
    for (size_t i = 0; i < page->n; i++) {
        kn_json_begin_object(w, NULL);
        kn_v1_card_json(w, r->arena, &page->titles[i]);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_integer(w, "total", (int64_t)page->total);
    kn_json_string(w, "next", page->next);
    kn_json_end_object(w);
    kinora_page_free(page);
    return KN_OK;
}

/* ---- one ---- */

static void tracks_json(struct kn_json_writer *w, const struct kinora_details *d)
{
    kn_json_begin_array(w, "tracks");
    for (size_t i = 0; i < d->n_tracks; i++) {
        const struct kinora_track *t = &d->tracks[i];

        kn_json_begin_object(w, NULL);
        kn_json_string(w, "kind", t->kind);
        kn_json_known(w, "codec", t->codec);
        kn_json_known(w, "language", t->language);
        kn_json_known(w, "title", t->title);
        kn_json_known(w, "form", t->form);
        kn_v1_place_json(w, "channels", t->channels);
        kn_json_bool(w, "default", t->is_default);
        kn_json_bool(w, "forced", t->forced);
        kn_json_bool(w, "impaired", t->impaired);
        kn_json_bool(w, "commentary", t->commentary);
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
    kn_json_ids(w, "ids", f->ids);
}

static void arc_json(struct kn_json_writer *w, const struct kn_record *record)
{
    kn_json_begin_array(w, "arc");
    for (size_t i = 0; i < record->n_moments; i++) {
        const struct kn_moment *m = &record->moments[i];

        kn_json_begin_object(w, NULL);
        kn_json_when(w, m->start, m->end);
        kn_json_number(w, "opinion", m->opinion);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

int kn_v1_title(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_details *d;
    struct kn_json_writer *w;
    const struct kn_title *t;
    int rc = kinora_show(r->k, kn_request_id(r, "id"), &d, err);

    if (rc)
        return rc;
    t = &d->record.title;
    w = kn_reply_json(out);
    kn_json_begin_object(w, NULL);
    kn_v1_card_json(w, r->arena, t);
    if (*t->language)
        kn_json_rounded(w, "language_confidence", t->language_confidence, 4);
    else
        kn_json_null(w, "language_confidence");
    kn_json_bool(w, "language_set", t->language_set);
    kn_json_known(w, "words_at", d->words_at);
    kn_json_known(w, "scorer", t->scorer);
    kn_v1_place_json(w, "scorer_version", t->scorer_version > 0 ? (size_t)t->scorer_version : 0);
    facts_json(w, &d->facts);
    kn_json_known(w, "container", d->container);
    kn_json_begin_array(w, "paths");
    for (size_t i = 0; i < t->n_paths; i++)
        kn_json_string(w, NULL, t->paths[i]);
    kn_json_end_array(w);
    tracks_json(w, d);
    arc_json(w, &d->record);
    kn_json_end_object(w);
    kinora_details_free(d);
    return KN_OK;
}

int kn_v1_transcript(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_details *d;
    const struct kn_record *record;
    struct kn_json_writer *w;
    int rc = kinora_show(r->k, kn_request_id(r, "id"), &d, err);

    if (rc)
        return rc;
    record = &d->record;
    w = kn_reply_json(out);
    kn_json_begin_object(w, NULL);
    kn_v1_name_json(w, &record->title);
    kn_json_string(w, "state", kinora_state_name(record->title.state));
    kn_json_known(w, "reason", record->title.reason);
    kn_json_known(w, "language", record->title.language);
    kn_json_known(w, "words_from", record->title.words_from);
    kn_json_begin_array(w, "segments");
    for (size_t i = 0; i < record->n_segments; i++) {
        const struct kn_segment *s = &record->segments[i];

        kn_json_begin_object(w, NULL);
        kn_v1_moment_json(w, s->start, s->end, s->text);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_begin_array(w, "dropped");
    for (size_t i = 0; i < record->n_dropped; i++) {
        const struct kn_dropped *s = &record->dropped[i];

        kn_json_begin_object(w, NULL);
        kn_v1_moment_json(w, s->start, s->end, s->text);
        kn_json_string(w, "reason", s->reason);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_end_object(w);
    kinora_details_free(d);
    return KN_OK;
}

int kn_v1_subtitles(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_captions *c;
    int rc = kinora_captions(r->k, kn_request_id(r, "id"), "vtt", &c, err);

    if (rc)
        return rc;
    rc = kn_reply_bytes(out, "text/vtt; charset=utf-8", c->text, c->bytes, err);
    kinora_captions_free(c);
    return rc;
}

const struct kn_param kn_v1_media_query[] = {
    {.name = "until", .kind = KN_PARAM_INTEGER, .min = 0, .max = 1e15},
    {.name = "key", .max_bytes = 64},
    {0}};

/* The first of its files that is still there: of copies and versions any will do. */
int kn_v1_media(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_titles *found;
    const struct kn_title *t;
    int rc = kinora_title(r->k, kn_request_id(r, "id"), &found, err);

    if (rc)
        return rc;
    t = &found->titles[0];
    rc = kn_err_set(err, KN_ENOTFOUND, "'%s' has no file to play", t->name);
    for (size_t i = 0; i < t->n_paths && rc == KN_ENOTFOUND; i++)
        rc = kn_reply_file(out, t->paths[i], NULL, err);
    kinora_titles_free(found);
    return rc;
}

int kn_v1_poster(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_poster *poster;
    int rc = kinora_poster(r->k, kn_request_id(r, "id"), &poster, err);

    if (rc)
        return rc;
    rc = kn_reply_bytes(out, poster->media_type, poster->bytes, poster->n, err);
    kinora_poster_free(poster);
    return rc;
}
