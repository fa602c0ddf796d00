#include "api/api.h"

#include "base/arena.h"
#include "base/err.h"
#include "ingest/tracks.h"
#include "library/store.h"
#include "llm/embed.h"
#include "recommend/recommend.h"
#include "text/moments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEARCH_LIMIT = 10, TRANSCRIPT_MAX = 64 << 20 };

/* ---- show ---- */

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

/* ---- search ---- */

void kinora_found_free(struct kinora_found_list *f)
{
    if (!f)
        return;
    kn_arena_free(f->arena);
    free(f);
}

/* Called with k->lock held. */
static int embed(struct kinora *k, const char *what, const char *text, struct kn_arena *arena,
                 float **vector, size_t *dim, struct kn_err *err)
{
    char model[64], *path = NULL;
    int rc = kn_library_model(k->lib, model, dim, err);

    if (rc)
        return rc;
    if (*dim == 0)
        return kn_err_set(err, KN_EARG,
                          "%s: the library '%s' holds nothing yet; run: kinora ingest DIR", what,
                          k->path);
    if (!k->embedder) {
        rc = kn_api_embedding_path(k, model, &path, err);
        if (rc == KN_OK)
            rc = kn_embedder_open(path, 1, &k->embedder, err);
        free(path);
        if (rc)
            return kn_err_wrap(err, rc, "%s", what);
    }
    *vector = kn_arena_array(arena, *dim, sizeof **vector);
    if (!*vector)
        return kn_api_no_memory(err, what);
    if (kn_embedder_dim(k->embedder) != *dim)
        return kn_err_set(err, KN_EARG, "%s: model '%s' has %zu dimensions and the library %zu",
                          what, model, kn_embedder_dim(k->embedder), *dim);
    return kn_embedder_embed(k->embedder, &text, 1, &k->cancel, NULL, *vector, err);
}

int kn_api_embed(struct kinora *k, const char *what, const char *text, struct kn_arena *arena,
                 float **vector, size_t *dim, struct kn_err *err)
{
    int rc;

    pthread_mutex_lock(&k->lock);
    rc = embed(k, what, text, arena, vector, dim, err);
    pthread_mutex_unlock(&k->lock);
    return rc;
}

static int fill_found(struct kinora *k, const struct kn_moment_hit *hit, const char *text,
                      struct kn_arena *arena, struct kinora_found *out, struct kn_err *err)
{
    struct kn_record record;
    const struct kn_moment *m;
    int rc =
        kn_library_get(k->lib, &hit->id, KN_WITH_SEGMENTS | KN_WITH_MOMENTS, arena, &record, err);

    if (rc)
        return rc;
    if (hit->moment >= record.n_moments)
        return kn_err_set(err, KN_ECORRUPT, "search: '%s' has no moment %u; run: kinora doctor",
                          record.title.name, hit->moment);
    m = &record.moments[hit->moment];
    out->title = record.title;
    out->similarity = hit->similarity;
    out->start = out->at = m->start;
    out->end = m->end;
    out->opinion = m->opinion;
    out->text = m->text;
    if (m->segments > 0 && m->first_segment + m->segments <= record.n_segments) {
        const struct kn_segment *lines = record.segments + m->first_segment;

        out->at = lines[kn_best_line(lines, m->segments, text)].start;
    }
    return KN_OK;
}

static int search(struct kinora *k, const char *text, size_t limit, const char *language,
                  struct kinora_found_list *f, struct kn_err *err)
{
    struct kn_filter filter = {0};
    struct kn_moment_hit *hits = kn_arena_array(f->arena, limit, sizeof *hits);
    float *vector = NULL;
    size_t dim, n = 0;
    int rc = KN_OK;

    f->found = kn_arena_array(f->arena, limit, sizeof *f->found);
    if (!hits || !f->found)
        return kn_api_no_memory(err, "search");
    if (language && *language && strcmp(language, "any") != 0)
        rc = kn_api_languages(language, f->arena, &filter, err);
    if (rc)
        return rc;
    rc = kn_api_embed(k, "search", text, f->arena, &vector, &dim, err);
    if (rc == KN_OK)
        rc = kn_library_moments(k->lib, vector, dim, &filter, limit, hits, &n, err);
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        f->found[i].rank = i + 1;
        rc = fill_found(k, &hits[i], text, f->arena, &f->found[i], err);
    }
    f->n = n;
    return rc;
}

int kinora_search(struct kinora *k, const char *text, size_t limit, const char *language,
                  struct kinora_found_list **out, struct kn_err *err)
{
    struct kinora_found_list *f;
    int rc;

    limit = limit ? limit : SEARCH_LIMIT;
    if (limit > KN_API_LIMIT_MAX)
        return kn_err_set(err, KN_EARG, "search: limit %zu; at most %d", limit, KN_API_LIMIT_MAX);
    if (kn_sv_trim(kn_sv_of(text)).n == 0)
        return kn_err_set(err, KN_EARG, "search: give some words to look for");
    f = calloc(1, sizeof *f);
    if (!f || !(f->arena = kn_arena_new(0))) {
        free(f);
        return kn_api_no_memory(err, "search");
    }
    rc = search(k, text, limit, language, f, err);
    if (rc)
        kinora_found_free(f);
    else
        *out = f;
    return rc;
}
