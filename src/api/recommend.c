/* kinora_recommend: from examples to an answer. */
#include "api/question.h"

#include "base/arena.h"
#include "base/err.h"
#include "llm/embed.h"
#include "recommend/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIMIT = 3,
    LOOK_FOR_COPIES =
        50, /* titles behind those that are shown twice over: copies rank side by side */
};

void kinora_answer_free(struct kinora_answer *a)
{
    if (!a)
        return;
    kn_arena_free(a->arena);
    free(a);
}

/* ---- candidates ---- */

/* The similarity of each hit, which is that with the common vector or with the example that it is most like, and its
 * likeness, which is the same but for best_score with unlike examples. */
static int compare(struct kn_question *w, struct kn_hit *hits, size_t n, double *likeness,
                   struct kn_err *err)
{
    bool best = w->q->strategy == KINORA_BEST_SCORE;
    size_t liked = best ? w->n_likes : 1, others = best ? w->n_others : 0, columns = liked + others;
    double *table = kn_arena_array(w->arena, n * columns, sizeof *table);
    double *one = kn_arena_array(w->arena, n, sizeof *one);
    struct kn_id *ids = kn_arena_array(w->arena, n, sizeof *ids);
    int rc = KN_OK;

    if (!table || !one || !ids)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < n; i++)
        ids[i] = hits[i].id;
    for (size_t c = 0; rc == KN_OK && c < columns; c++) {
        const float *v = !best ? w->vector : c < liked ? w->liked[c] : w->others[c - liked];

        rc = kn_library_similarities(w->k->lib, v, w->dim, ids, n, one, err);
        for (size_t i = 0; rc == KN_OK && i < n; i++)
            table[i * columns + c] = one[i];
    }
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        const double *row = &table[i * columns];

        likeness[i] = kn_best_score(row, liked, row + liked, others);
        hits[i].similarity = kn_best_score(row, liked, NULL, 0);
    }
    return rc;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(&((const struct kn_hit *)a)->id, &((const struct kn_hit *)b)->id,
                  sizeof(struct kn_id));
}

struct scored {
    struct kn_hit hit;
    double score;
};

static int best_first(const void *pa, const void *pb)
{
    const struct scored *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return by_id(&a->hit, &b->hit);
}

/* The titles most like any of the examples, each once, the most best_score first: at most most of them, which *n are left. */
static int best_of_each(struct kn_question *w, size_t most, struct kn_candidate *out, size_t *n,
                        struct kn_err *err)
{
    struct kn_hit *hits = kn_arena_array(w->arena, most * w->n_likes, sizeof *hits);
    double *scores = kn_arena_array(w->arena, most * w->n_likes, sizeof *scores);
    struct scored *s = kn_arena_array(w->arena, most * w->n_likes, sizeof *s);
    size_t found = 0, kept = 0, more;
    int rc = KN_OK;

    if (!hits || !scores || !s)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; rc == KN_OK && i < w->n_likes; i++, found += rc ? 0 : more)
        rc = kn_library_similar(w->k->lib, w->liked[i], w->dim, &w->filter, most, hits + found,
                                &more, err);
    if (rc || found == 0)
        return rc;
    qsort(hits, found, sizeof *hits, by_id);
    for (size_t i = 0; i < found; i++)
        if (i == 0 || by_id(&hits[i], &hits[kept - 1]) != 0)
            hits[kept++] = hits[i];
    rc = compare(w, hits, kept, scores, err);
    for (size_t i = 0; i < kept; i++)
        s[i] = (struct scored){hits[i], scores[i]};
    qsort(s, kept, sizeof *s, best_first);
    *n = kept < most ? kept : most;
    for (size_t i = 0; i < *n; i++)
        out[i] = (struct kn_candidate){.hit = s[i].hit, .likeness = s[i].score};
    return rc;
}

static int by_meaning(struct kn_question *w, size_t most, struct kn_candidate *out, size_t *n,
                      struct kn_err *err)
{
    struct kn_hit *hits;
    int rc;

    *n = 0;
    if (w->q->candidates == KINORA_WORDS)
        return KN_OK;
    if (w->q->strategy == KINORA_BEST_SCORE)
        return best_of_each(w, most, out, n, err);
    hits = kn_arena_array(w->arena, most, sizeof *hits);
    if (!hits)
        return kn_api_no_memory(err, "recommend");
    rc = kn_library_similar(w->k->lib, w->vector, w->dim, &w->filter, most, hits, n, err);
    for (size_t i = 0; rc == KN_OK && i < *n; i++)
        out[i] = (struct kn_candidate){.hit = hits[i], .likeness = hits[i].similarity};
    return rc;
}

/* Their likeness is that of meaning, which kn_fuse adds the words to; 0 where words alone are to count. */
static int by_words(struct kn_question *w, size_t most, struct kn_candidate *out, size_t *n,
                    struct kn_err *err)
{
    struct kn_hit *hits = kn_arena_array(w->arena, most, sizeof *hits);
    double *scores = kn_arena_array(w->arena, most, sizeof *scores);
    int rc;

    *n = 0;
    if (w->q->candidates == KINORA_MEANING)
        return KN_OK;
    if (!hits || !scores)
        return kn_api_no_memory(err, "recommend");
    rc = kn_library_shared_words(w->k->lib, &w->words, &w->filter, most, hits, n, err);
    if (rc == KN_OK)
        rc = compare(w, hits, *n, scores, err);
    for (size_t i = 0; rc == KN_OK && i < *n; i++)
        out[i] = (struct kn_candidate){
            .hit = hits[i], .likeness = w->q->candidates == KINORA_WORDS ? 0 : scores[i]};
    return rc;
}

/* Room for 2 * most in out. */
static int find_candidates(struct kn_question *w, size_t most, struct kn_candidate *out, size_t *n,
                           struct kn_err *err)
{
    struct kn_candidate *meaning = kn_arena_array(w->arena, most, sizeof *meaning);
    struct kn_candidate *words = kn_arena_array(w->arena, most, sizeof *words);
    size_t n_meaning, n_words;
    int rc;

    if (!meaning || !words)
        return kn_api_no_memory(err, "recommend");
    rc = by_meaning(w, most, meaning, &n_meaning, err);
    if (rc == KN_OK)
        rc = by_words(w, most, words, &n_words, err);
    if (rc == KN_OK)
        *n = kn_fuse(meaning, n_meaning, words, n_words, out);
    return rc;
}

/* ---- the answer ---- */

struct ranking {
    struct kn_ranked *ranked;
    size_t n;
    size_t *shown; /* places in ranked */
    size_t n_shown;
    long *same_as; /* KN_*, or a place in ranked; of the first n_seen */
    size_t n_seen;
};

/* What few unrelated titles reach. A text is mostly short, and less like anything than a title is; so are titles with others
 * taken off: of 8,000 films 95 in 100 of those without a genre of the liked are below .22 (one liked, one not) or .23 (two),
 * which is nearer to the texts' floor (.26) than to the titles' (.33). */
static double floor_of(const struct kn_question *w)
{
    bool is_less =
        kn_question_has_text(w) || (w->n_others > 0 && w->q->strategy == KINORA_AVERAGE_VECTOR);
    struct kn_embed_card card;

    if (kn_embed_card_of(w->model, &card, NULL))
        return 0;
    return is_less ? card.weak_below_text : card.weak_below;
}

static int rank_candidates(struct kn_question *w, struct ranking *out, struct kn_err *err)
{
    const struct kinora_query *q = w->q;
    bool usual = q->w_similarity == 0 && q->w_opinion == 0;
    struct kn_rank_options options = {
        .w_similarity = usual ? 0.7 : q->w_similarity,
        .w_opinion = usual ? 0.3 : q->w_opinion,
        .rank = q->rank == KINORA_RANK_UPLIFT ? KN_RANK_UPLIFT : KN_RANK_MOOD,
        .weak_below = floor_of(w),
    };
    size_t most = kn_candidates_for(w->limit), kept = 0;
    struct kn_candidate *all = kn_arena_array(w->arena, 2 * most, sizeof *all);
    int rc;

    out->ranked = kn_arena_array(w->arena, 2 * most, sizeof *out->ranked);
    if (!all || !out->ranked)
        return kn_api_no_memory(err, "recommend");
    rc = find_candidates(w, most, all, &out->n, err);
    if (rc == KN_OK)
        rc = kn_rank(w->opinion, all, out->n, w->filter.or_unknown, &options, out->ranked, err);
    for (size_t i = 0; rc == KN_OK && i < out->n; i++)
        if (!q->strict || !out->ranked[i].weak)
            out->ranked[kept++] = out->ranked[i];
    if (rc == KN_OK)
        out->n = kept;
    return rc;
}

/* Which of the ranked say the same as one above them, or as one that was named: whoever has seen a film, or wants none like it,
 * means its copies too. With diversity any of the ranked may be shown, else only the first. */
static int find_copies(struct kn_question *w, struct ranking *r, struct kn_err *err)
{
    size_t look = w->q->diversity > 0 ? r->n : 2 * w->limit + LOOK_FOR_COPIES;
    size_t named = w->filter.n_exclude;
    struct kn_wording *wordings;
    struct kn_id *ids;
    int rc;

    look = look < r->n ? look : r->n;
    wordings = kn_arena_array(w->arena, named + look, sizeof *wordings);
    r->same_as = kn_arena_array(w->arena, look, sizeof *r->same_as);
    ids = kn_arena_array(w->arena, named + look, sizeof *ids);
    if (!wordings || !r->same_as || !ids)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < named; i++)
        ids[i] = w->filter.exclude[i];
    for (size_t i = 0; i < look; i++)
        ids[named + i] = r->ranked[i].candidate->hit.id;
    rc = kn_library_alike(w->k->lib, ids, named + look, wordings, err);
    if (rc == KN_OK)
        rc = kn_distinct(wordings, named, wordings + named, look, r->same_as, err);
    r->n_seen = look;
    return rc;
}

static int get_many(struct kn_question *w, const struct kn_id *ids, size_t n, unsigned parts,
                    struct kn_record **out, struct kn_err *err)
{
    *out = kn_arena_array(w->arena, n, sizeof **out);
    return *out ? kn_library_get_many(w->k->lib, ids, n, parts, w->arena, *out, err)
                : kn_api_no_memory(err, "recommend");
}

static int diversify(struct kn_question *w, const struct kn_ranked *standing, size_t n,
                     size_t n_shown, size_t *shown, struct kn_err *err)
{
    const float **vectors = kn_arena_array(w->arena, n, sizeof *vectors);
    struct kn_id *ids = kn_arena_array(w->arena, n, sizeof *ids);
    struct kn_record *records;
    int rc;

    if (!vectors || !ids)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < n; i++)
        ids[i] = standing[i].candidate->hit.id;
    rc = get_many(w, ids, n, KN_WITH_VECTOR | KN_WITHOUT_RAW, &records, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        vectors[i] = records[i].vector;
    return kn_diversify(standing, vectors, n, w->dim, w->q->diversity, n_shown, shown, err);
}

/* The first of those that stand; with diversity, others among them. */
static int choose(struct kn_question *w, struct ranking *r, struct kn_err *err)
{
    size_t *standing = kn_arena_array(w->arena, r->n_seen, sizeof *standing), n = 0;
    struct kn_ranked *ranked = kn_arena_array(w->arena, r->n_seen, sizeof *ranked);
    int rc;

    r->shown = kn_arena_array(w->arena, w->limit, sizeof *r->shown);
    if (!standing || !ranked || !r->shown)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < r->n_seen; i++) {
        if (r->same_as[i] != KN_STANDS)
            continue;
        ranked[n] = r->ranked[i];
        standing[n++] = i;
    }
    r->n_shown = n < w->limit ? n : w->limit;
    if (!(w->q->diversity > 0)) {
        memcpy(r->shown, standing, r->n_shown * sizeof *standing);
        return KN_OK;
    }
    rc = diversify(w, ranked, n, r->n_shown, r->shown, err);
    for (size_t i = 0; rc == KN_OK && i < r->n_shown; i++)
        r->shown[i] = standing[r->shown[i]];
    return rc;
}

/* The titles among the first n_seen that are the same as which. */
static int get_copies(struct kn_question *w, const struct ranking *r, long which,
                      const struct kn_title **out, size_t *n, struct kn_err *err)
{
    struct kn_id *ids = kn_arena_array(w->arena, r->n_seen, sizeof *ids);
    struct kn_record *records;
    struct kn_title *titles;
    size_t count = 0;
    int rc;

    if (!ids)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < r->n_seen; i++)
        if (r->same_as[i] == which)
            ids[count++] = r->ranked[i].candidate->hit.id;
    titles = kn_arena_array(w->arena, count, sizeof *titles);
    if (!titles)
        return kn_api_no_memory(err, "recommend");
    rc = get_many(w, ids, count, 0, &records, err);
    for (size_t i = 0; rc == KN_OK && i < count; i++)
        titles[i] = records[i].title;
    *out = titles;
    *n = count;
    return rc;
}

static void add_evidence(const struct kn_question *w, const struct kn_record *match,
                         struct kinora_recommendation *out)
{
    double best = -INFINITY, s;

    out->query.text = out->match.text = "";
    for (size_t e = 0; e < w->n_likes; e++) {
        const struct kn_example *like = &w->likes[e];
        size_t i, j;

        if (!kn_evidence(like->moments, like->n_moments, match->moments, match->n_moments, w->dim,
                         &i, &j, &s) ||
            s <= best)
            continue;
        best = s;
        out->example = e;
        out->query = (struct kinora_evidence){like->moments[i].start, like->moments[i].end,
                                              like->moments[i].text};
        out->match = (struct kinora_evidence){match->moments[j].start, match->moments[j].end,
                                              match->moments[j].text};
    }
}

static int explain(struct kn_question *w, const struct ranking *r, size_t i,
                   const struct kn_record *match, struct kinora_recommendation *out,
                   struct kn_err *err)
{
    const struct kn_ranked *ranked = &r->ranked[r->shown[i]];
    const struct kn_candidate *c = ranked->candidate;

    *out = (struct kinora_recommendation){
        .rank = i + 1,
        .title = match->title,
        .score = ranked->score,
        .of_likeness = ranked->of_likeness,
        .of_opinion = ranked->of_opinion,
        .similarity = c->hit.similarity,
        .words = c->by_words > 0 ? c->hit.words : 0,
        .opinion = c->hit.opinion,
        .by_meaning = c->by_meaning,
        .by_words = c->by_words,
        .weak = ranked->weak,
    };
    add_evidence(w, match, out);
    return get_copies(w, r, (long)r->shown[i], &out->also, &out->n_also, err);
}

static int explain_all(struct kn_question *w, const struct ranking *r, struct kinora_answer *a,
                       struct kn_err *err)
{
    struct kn_id *ids = kn_arena_array(w->arena, r->n_shown, sizeof *ids);
    struct kn_record *records;
    int rc;

    a->recommendations = kn_arena_array(w->arena, r->n_shown, sizeof *a->recommendations);
    if (!ids || !a->recommendations)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < r->n_shown; i++)
        ids[i] = r->ranked[r->shown[i]].candidate->hit.id;
    rc = get_many(w, ids, r->n_shown, KN_WITH_MOMENT_VECTORS | KN_WITHOUT_RAW, &records, err);
    for (size_t i = 0; rc == KN_OK && i < r->n_shown; i++)
        rc = explain(w, r, i, &records[i], &a->recommendations[i], err);
    a->n = r->n_shown;
    return rc;
}

static int fill_answer(struct kn_question *w, const struct ranking *r, struct kinora_answer *a,
                       struct kn_err *err)
{
    struct kn_title *likes = kn_arena_array(w->arena, w->n_titles, sizeof *likes);
    int rc;

    a->text = kn_arena_text(w->arena, kn_question_has_text(w) ? w->q->text : "");
    if (!likes || !a->text)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < w->n_titles; i++)
        likes[i] = w->likes[i].title;
    a->title = w->n_titles > 0 ? likes[0]
                               : (struct kn_title){.name = "",
                                                   .reason = "",
                                                   .language = "",
                                                   .words_from = "",
                                                   .scorer = "",
                                                   .genres = "",
                                                   .opinion = (double)NAN};
    a->likes = likes;
    a->n_likes = w->n_titles;
    a->unlikes = w->unlikes;
    a->n_unlikes = w->n_others;
    rc = explain_all(w, r, a, err);
    if (rc == KN_OK)
        rc = get_copies(w, r, KN_IS_NAMED, &a->same, &a->n_same, err);
    return rc ? rc
              : kn_rank_correlations(r->ranked, r->n, &a->likeness_correlation,
                                     &a->opinion_correlation, err);
}

static int check_query(const struct kinora_query *q, struct kn_err *err)
{
    if (q->limit > KN_API_LIMIT_MAX)
        return kn_err_set(err, KN_EARG, "recommend: limit %zu; at most %d", q->limit,
                          KN_API_LIMIT_MAX);
    if (!(q->diversity >= 0 && q->diversity <= 1))
        return kn_err_set(err, KN_EARG, "recommend: diversity %g; it goes from 0 to 1",
                          q->diversity);
    return KN_OK;
}

int kinora_recommend(struct kinora *k, const struct kn_id *id, const struct kinora_query *q,
                     struct kinora_answer **out, struct kn_err *err)
{
    const struct kinora_query none = {0};
    struct kinora_answer *a = calloc(1, sizeof *a);
    struct kn_question w = {.k = k, .q = q ? q : &none};
    struct ranking ranking = {0};
    int rc;

    if (!a || !(a->arena = kn_arena_new(0))) {
        free(a);
        return kn_api_no_memory(err, "recommend");
    }
    w.arena = a->arena;
    w.limit = w.q->limit ? w.q->limit : LIMIT;
    rc = check_query(w.q, err);
    if (rc == KN_OK)
        rc = kn_question_read(&w, id, err);
    if (rc == KN_OK)
        rc = rank_candidates(&w, &ranking, err);
    if (rc == KN_OK)
        rc = find_copies(&w, &ranking, err);
    if (rc == KN_OK)
        rc = choose(&w, &ranking, err);
    if (rc == KN_OK)
        rc = fill_answer(&w, &ranking, a, err);
    if (rc)
        kinora_answer_free(a);
    else
        *out = a;
    return rc;
}
