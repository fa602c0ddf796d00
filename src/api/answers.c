#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "library/store.h"
#include "llm/embed.h"
#include "net/json.h"
#include "recommend/recommend.h"

#include <stdlib.h>
#include <string.h>

enum { RECOMMEND_LIMIT = 3, SEARCH_LIMIT = 10, LIMIT_MAX = 10000, TRANSCRIPT_MAX = 64 << 20 };

/* ---- recommend ---- */

void kinora_answer_free(struct kinora_answer *a)
{
    if (!a)
        return;
    kn_arena_free(a->arena);
    free(a);
}

/* "same": the query's language, then what is of unknown language; all when the query's is unknown. */
static int language_filter(const char *wanted, const struct kn_title *query, struct kn_arena *arena,
                           struct kn_filter *filter, struct kn_err *err)
{
    if (wanted && strcmp(wanted, "any") == 0)
        return KN_OK;
    if (wanted && *wanted && strcmp(wanted, "same") != 0)
        return kn_api_languages(wanted, arena, filter, err);
    if (!query->language[0])
        return KN_OK;
    filter->or_unknown = true;
    /* All of Spanish for a film marked es-MX: what the listener asks for is a language. */
    return kn_api_languages(kn_arena_bytes(arena, query->language, strcspn(query->language, "-")),
                            arena, filter, err);
}

static int ready_or_why(const struct kn_title *t, struct kn_err *err)
{
    if (t->state == KN_STATE_READY)
        return KN_OK;
    return kn_err_set(err, KN_EARG, "'%s' cannot be compared: it is %s%s%s", t->name,
                      kinora_state_name(t->state), t->reason[0] ? ": " : "", t->reason);
}

static int explain(struct kinora *k, const struct kn_record *query, size_t dim,
                   const struct kn_ranked *r, size_t rank, struct kn_arena *arena,
                   struct kinora_recommendation *out, struct kn_err *err)
{
    struct kn_record match;
    size_t i, j;
    int rc = kn_library_get(k->lib, &r->hit->id, KN_WITH_MOMENT_VECTORS, arena, &match, err);

    if (rc)
        return rc;
    *out = (struct kinora_recommendation){
        .rank = rank,
        .title = match.title,
        .score = r->score,
        .similarity = r->hit->similarity,
        .opinion = r->hit->opinion,
        .weak = r->weak,
        .query.text = "",
        .match.text = "",
    };
    if (kn_evidence(query->moments, query->n_moments, match.moments, match.n_moments, dim, &i,
                    &j)) {
        const struct kn_moment *a = &query->moments[i], *b = &match.moments[j];

        out->query = (struct kinora_evidence){a->start, a->end, a->text};
        out->match = (struct kinora_evidence){b->start, b->end, b->text};
    }
    return KN_OK;
}

struct ranking {
    struct kn_hit *hits;
    struct kn_ranked *ranked;
    size_t n, dim;
};

static int rank_candidates(struct kinora *k, const struct kn_record *query,
                           const struct kinora_query *q, size_t limit, struct kn_arena *arena,
                           struct ranking *out, struct kn_err *err)
{
    struct kn_rank_options options = {
        .w_similarity = q->w_similarity == 0 && q->w_opinion == 0 ? 0.7 : q->w_similarity,
        .w_opinion = q->w_similarity == 0 && q->w_opinion == 0 ? 0.3 : q->w_opinion,
        .rank = q->rank == KINORA_RANK_UPLIFT ? KN_RANK_UPLIFT : KN_RANK_MOOD,
        .weak_below = -1, /* without a card nothing is weak */
    };
    struct kn_filter filter = {.exclude = &query->title.id, .n_exclude = 1};
    size_t candidates = kn_candidates_for(limit);
    struct kn_embed_card card;
    char model[64];
    int rc = language_filter(q->language, &query->title, arena, &filter, err);

    if (rc == KN_OK)
        rc = kn_library_model(k->lib, model, &out->dim, err);
    if (rc)
        return rc;
    if (kn_embed_card_of(model, &card, NULL) == KN_OK)
        options.weak_below = card.weak_below;
    out->hits = kn_arena_array(arena, candidates, sizeof *out->hits);
    out->ranked = kn_arena_array(arena, candidates, sizeof *out->ranked);
    if (!out->hits || !out->ranked)
        return kn_api_no_memory(err, "recommend");
    rc = kn_library_similar(k->lib, query->vector, out->dim, &filter, candidates, out->hits,
                            &out->n, err);
    if (rc)
        return rc;
    return kn_rank(query->title.opinion, out->hits, out->n, filter.or_unknown, &options,
                   out->ranked, err);
}

int kinora_recommend(struct kinora *k, const struct kn_id *id, const struct kinora_query *q,
                     struct kinora_answer **out, struct kn_err *err)
{
    const struct kinora_query none = {0};
    size_t limit = q && q->limit ? q->limit : RECOMMEND_LIMIT;
    struct kinora_answer *a = calloc(1, sizeof *a);
    struct ranking ranking;
    struct kn_record query;
    int rc;

    if (!a || !(a->arena = kn_arena_new(0))) {
        free(a);
        return kn_api_no_memory(err, "recommend");
    }
    if (limit > LIMIT_MAX) {
        rc = kn_err_set(err, KN_EARG, "recommend: limit %zu; at most %d", limit, LIMIT_MAX);
        goto out;
    }
    rc = kn_library_get(k->lib, id, KN_WITH_VECTOR | KN_WITH_MOMENT_VECTORS, a->arena, &query, err);
    if (rc == KN_OK)
        rc = ready_or_why(&query.title, err);
    if (rc == KN_OK)
        rc = rank_candidates(k, &query, q ? q : &none, limit, a->arena, &ranking, err);
    if (rc)
        goto out;
    a->title = query.title;
    a->n = ranking.n < limit ? ranking.n : limit;
    a->recommendations = kn_arena_array(a->arena, a->n, sizeof *a->recommendations);
    if (!a->recommendations)
        rc = kn_api_no_memory(err, "recommend");
    for (size_t i = 0; rc == KN_OK && i < a->n; i++)
        rc = explain(k, &query, ranking.dim, &ranking.ranked[i], i + 1, a->arena,
                     &a->recommendations[i], err);
out:
    if (rc)
        kinora_answer_free(a);
    else
        *out = a;
    return rc;
}

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
    const char *copy;
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, TRANSCRIPT_MAX);
    for (size_t i = 0; i < r->n_segments; i++)
        kn_buf_addf(&b, NULL, "%s%s", i ? " " : "", r->segments[i].text);
    rc = kn_buf_ok(&b, err);
    if (rc == KN_OK) {
        copy = kn_arena_text(arena, b.data);
        if (copy)
            *out = copy;
        else
            rc = kn_api_no_memory(err, "transcript");
    }
    kn_buf_free(&b);
    return rc;
}

static int read_tracks(struct kinora *k, const struct kn_id *id, struct kinora_details *d,
                       struct kn_err *err)
{
    struct kn_probed probed = {0, "", ""};
    struct kinora_track *tracks;
    struct kn_json *streams = NULL;
    size_t n;
    int rc = kn_store_probed(k->lib, id, d->arena, &probed, err);

    d->container = probed.container;
    if (rc || !*probed.streams_json)
        return rc;
    rc = kn_json_parse(kn_sv_of(probed.streams_json), "streams", &streams, err);
    if (rc)
        return rc;
    n = kn_json_length(streams);
    tracks = kn_arena_array(d->arena, n, sizeof *tracks);
    for (size_t i = 0; tracks && i < n; i++) {
        const struct kn_json *s = kn_json_at(streams, i);

        tracks[i] = (struct kinora_track){
            .kind = kn_arena_text(d->arena, kn_json_text_or(kn_json_get(s, "kind"), "")),
            .codec = kn_arena_text(d->arena, kn_json_text_or(kn_json_get(s, "codec"), "")),
            .language = kn_arena_text(d->arena, kn_json_text_or(kn_json_get(s, "language"), "")),
            .title = kn_arena_text(d->arena, kn_json_text_or(kn_json_get(s, "title"), "")),
            .heard = kn_json_bool_or(kn_json_get(s, "heard"), false),
        };
        if (!tracks[i].kind || !tracks[i].codec || !tracks[i].language || !tracks[i].title)
            tracks = NULL;
    }
    kn_json_free(streams);
    if (!tracks)
        return kn_api_no_memory(err, "show");
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

/* The embedder is opened by the first search and kept. Called with k->lock held. */
static int embed_query(struct kinora *k, const char *text, struct kn_arena *arena, float **vector,
                       size_t *dim, struct kn_err *err)
{
    char model[64], *path = NULL;
    int rc = kn_library_model(k->lib, model, dim, err);

    if (rc)
        return rc;
    if (*dim == 0)
        return kn_err_set(err, KN_EARG,
                          "search: the library '%s' holds nothing yet; run: kinora ingest DIR",
                          k->path);
    if (!k->embedder) {
        rc = kn_api_model_path(k, model, &path, err);
        if (rc == KN_OK)
            rc = kn_embedder_open(path, 1, &k->embedder, err);
        free(path);
        if (rc)
            return kn_err_wrap(err, rc, "search");
    }
    *vector = kn_arena_array(arena, *dim, sizeof **vector);
    if (!*vector)
        return kn_api_no_memory(err, "search");
    if (kn_embedder_dim(k->embedder) != *dim)
        return kn_err_set(err, KN_EARG, "search: model '%s' has %zu dimensions and the library %zu",
                          model, kn_embedder_dim(k->embedder), *dim);
    return kn_embedder_embed(k->embedder, &text, 1, &k->cancel, NULL, *vector, err);
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
    pthread_mutex_lock(&k->lock);
    rc = embed_query(k, text, f->arena, &vector, &dim, err);
    pthread_mutex_unlock(&k->lock);
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
    if (limit > LIMIT_MAX)
        return kn_err_set(err, KN_EARG, "search: limit %zu; at most %d", limit, LIMIT_MAX);
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
