#include "api/api.h"

#include "base/arena.h"
#include "base/err.h"
#include "ingest/tracks.h"
#include "library/store.h"
#include "text/moments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kinora_details_free(struct kinora_details *d)
{
    if (!d)
        return;
    kn_arena_free(d->arena);
    free(d);
}

int kn_api_transcript(const struct kn_record *r, struct kn_arena *arena, const char **out,
                      struct kn_err *err)
{
    const char *text = kn_segments_join(r->segments, r->n_segments, arena);

    if (!text)
        return kn_api_no_memory(err, "transcript");
    *out = text;
    return KN_OK;
}

static struct kinora_track track_of(const struct kn_track *t, const char *words_from,
                                    const char *words_at)
{
    static const char *const forms[] = {"", "text", "pictures"};
    char stream[24];

    snprintf(stream, sizeof stream, "%zu", t->stream);
    return (struct kinora_track){
        .kind = t->kind,
        .codec = t->codec,
        .language = t->language,
        .title = t->title,
        .form = forms[t->form],
        .channels = t->channels,
        .is_default = t->is_default,
        .forced = t->forced,
        .impaired = t->impaired,
        .commentary = t->commentary,
        .heard = t->heard,
        .read = strcmp(words_from, "embedded") == 0 && strcmp(words_at, stream) == 0,
    };
}

static int read_tracks(struct kinora *k, const struct kn_id *id, struct kinora_details *d,
                       struct kn_err *err)
{
    struct kn_probed probed = {0, "", "", ""};
    struct kinora_track *tracks;
    struct kn_track *kept;
    size_t n;
    int rc = kn_store_probed(k->lib, id, d->arena, &probed, err);

    d->container = probed.container;
    d->words_at = probed.words_at;
    if (rc == KN_OK)
        rc = kn_tracks_read(probed.streams_json, d->arena, &kept, &n, err);
    if (rc)
        return rc;
    tracks = kn_arena_array(d->arena, n + 1, sizeof *tracks);
    if (!tracks)
        return kn_api_no_memory(err, "show");
    for (size_t i = 0; i < n; i++)
        tracks[i] = track_of(&kept[i], d->record.title.words_from, d->words_at);
    d->tracks = tracks;
    d->n_tracks = n;
    return KN_OK;
}

static int read_facts(struct kinora *k, const struct kn_id *id, struct kinora_details *d,
                      struct kn_err *err)
{
    struct kn_facts f;
    int rc = kn_store_facts(k->lib, id, d->arena, &f, err);

    if (rc == KN_OK)
        d->facts = (struct kinora_facts){f.called, f.plot, f.kind, f.ids, f.poster};
    return rc;
}

int kinora_show(struct kinora *k, const struct kn_id *id, struct kinora_details **out,
                struct kn_err *err)
{
    struct kinora_details *d = calloc(1, sizeof *d);
    int rc;

    if (!d || !(d->arena = kn_arena_new(0))) {
        free(d);
        return kn_api_no_memory(err, "show");
    }
    rc = kn_library_get(k->lib, id, KN_WITH_SEGMENTS | KN_WITH_MOMENTS, d->arena, &d->record, err);
    if (rc == KN_OK)
        rc = kn_api_transcript(&d->record, d->arena, &d->transcript, err);
    if (rc == KN_OK)
        rc = read_facts(k, id, d, err);
    if (rc == KN_OK)
        rc = read_tracks(k, id, d, err);
    if (rc)
        kinora_details_free(d);
    else
        *out = d;
    return rc;
}
