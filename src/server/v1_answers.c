/* What belongs together: /titles/{id}/similar, the same as a playlist, /recommend. */
#include "v1_parts.h"

#include "base/err.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EXAMPLES = 100, TEXT = 2000, LIMIT = 12 };

#define RANKING                                                                                    \
    {.name = "limit", .kind = KN_PARAM_INTEGER, .min = 1, .max = 100}, {.name = "language"},       \
        {.name = "genre"},                                                                         \
        {.name = "year_from", .kind = KN_PARAM_INTEGER, .min = 1800, .max = 2200},                 \
        {.name = "year_to", .kind = KN_PARAM_INTEGER, .min = 1800, .max = 2200},                   \
        {.name = "rank", .choices = "mood|uplift"},                                                \
        {.name = "weight_similarity", .kind = KN_PARAM_REAL, .min = 0, .max = 1},                  \
        {.name = "weight_opinion", .kind = KN_PARAM_REAL, .min = 0, .max = 1},                     \
        {.name = "diversity", .kind = KN_PARAM_REAL, .min = 0, .max = 1},                          \
        {.name = "candidates", .choices = "both|meaning|words"},                                   \
        {.name = "strict", .kind = KN_PARAM_FLAG},                                                 \
    {                                                                                              \
        .name = "exclude", .kind = KN_PARAM_ID, .most = EXAMPLES                                   \
    }

const struct kn_param kn_v1_similar_query[] = {RANKING, {0}};

const struct kn_param kn_v1_recommend_body[] = {
    RANKING,
    {.name = "likes", .kind = KN_PARAM_ID, .most = EXAMPLES},
    {.name = "dislikes", .kind = KN_PARAM_ID, .most = EXAMPLES},
    {.name = "text", .max_bytes = 4 * TEXT},
    {.name = "strategy", .choices = "average_vector|best_score"},
    {0}};

/* Both weights 0 are the defaults, in the library too. */
static int read_ranking(const struct kn_request *r, struct kinora_query *q, struct kn_err *err)
{
    const char *candidates = kn_request_text(r, "candidates", "both");
    int rc = kn_v1_language(r, &q->language, err);

    if (!rc)
        rc = kn_v1_genre(r, &q->genres, err);
    if (rc)
        return rc;
    q->limit = (size_t)kn_request_integer(r, "limit", LIMIT);
    q->year_from = (int)kn_request_integer(r, "year_from", 0);
    q->year_to = (int)kn_request_integer(r, "year_to", 0);
    q->rank = strcmp(kn_request_text(r, "rank", "mood"), "uplift") == 0 ? KINORA_RANK_UPLIFT
                                                                        : KINORA_RANK_MOOD;
    q->w_similarity = kn_request_real(r, "weight_similarity", 0.7);
    q->w_opinion = kn_request_real(r, "weight_opinion", 0.3);
    q->diversity = kn_request_real(r, "diversity", 0);
    q->candidates = strcmp(candidates, "words") == 0     ? KINORA_WORDS
                    : strcmp(candidates, "meaning") == 0 ? KINORA_MEANING
                                                         : KINORA_BOTH;
    q->strict = kn_request_flag(r, "strict", false);
    q->exclude = kn_request_ids(r, "exclude", &q->n_exclude);
    return KN_OK;
}

/* ---- JSON ---- */

static void cards_json(const struct kn_request *r, struct kn_json_writer *w, const char *key,
                       const struct kn_title *t, size_t n)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++) {
        kn_json_begin_object(w, NULL);
        kn_v1_card_json(w, r->arena, &t[i]);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void evidence_json(struct kn_json_writer *w, const char *key,
                          const struct kinora_evidence *e)
{
    kn_json_begin_object(w, key);
    kn_v1_moment_json(w, e->start, e->end, e->text);
    kn_json_end_object(w);
}

static void why_json(struct kn_json_writer *w, const struct kinora_answer *a,
                     const struct kinora_recommendation *rec)
{
    if (!*rec->match.text) {
        kn_json_null(w, "evidence");
        return;
    }
    kn_json_begin_object(w, "evidence");
    if (rec->example < a->n_likes) {
        kn_json_begin_object(w, "like");
        kn_v1_name_json(w, &a->likes[rec->example]);
        kn_json_end_object(w);
    } else {
        kn_json_null(w, "like");
    }
    evidence_json(w, "query", &rec->query);
    evidence_json(w, "match", &rec->match);
    kn_json_end_object(w);
}

static void recommendation_json(const struct kn_request *r, struct kn_json_writer *w,
                                const struct kinora_answer *a,
                                const struct kinora_recommendation *rec)
{
    kn_json_begin_object(w, NULL);
    kn_json_integer(w, "rank", (int64_t)rec->rank);
    kn_json_begin_object(w, "title");
    kn_v1_card_json(w, r->arena, &rec->title);
    kn_json_end_object(w);
    kn_json_rounded(w, "score", rec->score, 6);
    kn_json_rounded(w, "of_likeness", rec->of_likeness, 6);
    kn_json_rounded(w, "of_opinion", rec->of_opinion, 6);
    kn_json_rounded(w, "similarity", rec->similarity, 6);
    kn_json_rounded(w, "words", rec->words, 6);
    kn_v1_place_json(w, "by_meaning", rec->by_meaning);
    kn_v1_place_json(w, "by_words", rec->by_words);
    kn_json_bool(w, "weak", rec->weak);
    kn_v1_names_json(w, "also", rec->also, rec->n_also);
    why_json(w, a, rec);
    kn_json_end_object(w);
}

static void answer_json(const struct kn_request *r, struct kn_reply *out,
                        const struct kinora_answer *a)
{
    struct kn_json_writer *w = kn_reply_json(out);

    kn_json_begin_object(w, NULL);
    kn_json_begin_object(w, "query");
    cards_json(r, w, "likes", a->likes, a->n_likes);
    cards_json(r, w, "dislikes", a->unlikes, a->n_unlikes);
    kn_json_known(w, "text", a->text);
    kn_json_end_object(w);
    kn_json_begin_array(w, "recommendations");
    for (size_t i = 0; i < a->n; i++)
        recommendation_json(r, w, a, &a->recommendations[i]);
    kn_json_end_array(w);
    kn_v1_names_json(w, "same", a->same, a->n_same);
    kn_json_begin_object(w, "rank_correlation");
    kn_json_rounded(w, "likeness", a->likeness_correlation, 6);
    kn_json_rounded(w, "opinion", a->opinion_correlation, 6);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

/* ---- handlers ---- */

/* The parameters were looked at: what the library refuses now, it refuses for how things stand (a title is not ready). */
static int ask(const struct kn_request *r, const struct kn_id *id, const struct kinora_query *q,
               struct kn_reply *out, struct kinora_answer **a, struct kn_err *err)
{
    int rc = kinora_recommend(r->k, id, q, a, err);

    if (rc == KN_EARG) {
        *a = NULL;
        return kn_reply_problem(out, 409, "%s", err->msg);
    }
    return rc;
}

int kn_v1_similar(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_query q = {0};
    struct kinora_answer *a = NULL;
    int rc = read_ranking(r, &q, err);

    if (!rc)
        rc = ask(r, kn_request_id(r, "id"), &q, out, &a, err);
    if (!rc && a)
        answer_json(r, out, a);
    kinora_answer_free(a);
    return rc;
}

/* Is every title that the question names there? Then what was not found is the model. */
static bool are_all_there(const struct kn_request *r, const struct kn_id *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct kinora_titles *t;

        if (kinora_title(r->k, &ids[i], &t, NULL))
            return false;
        kinora_titles_free(t);
    }
    return true;
}

int kn_v1_recommend(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    const char *text = kn_request_text(r, "text", NULL);
    struct kinora_query q = {
        .strategy = strcmp(kn_request_text(r, "strategy", ""), "best_score") == 0
                        ? KINORA_BEST_SCORE
                        : KINORA_AVERAGE_VECTOR,
    };
    struct kinora_answer *a = NULL;
    int rc = text && *text ? kn_v1_text(r, "text", TEXT, &q.text, err) : KN_OK;

    if (!rc)
        rc = read_ranking(r, &q, err);
    if (rc)
        return rc;
    q.likes = kn_request_ids(r, "likes", &q.n_likes);
    q.unlikes = kn_request_ids(r, "dislikes", &q.n_unlikes);
    if (q.n_likes == 0 && kn_sv_trim(kn_sv_of(q.text)).n == 0)
        return kn_err_set(err, KN_EARG, "give likes, or a text, that it is to be like");
    rc = ask(r, NULL, &q, out, &a, err);
    if (rc == KN_ENOTFOUND && q.text && are_all_there(r, q.likes, q.n_likes) &&
        are_all_there(r, q.unlikes, q.n_unlikes))
        return kn_reply_problem_code(out, 503, "no_model", "%s", err->msg);
    if (!rc && a)
        answer_json(r, out, a);
    kinora_answer_free(a);
    return rc;
}

/* ---- the playlist ---- */

/* A name is one line, whatever characters it has: a break would begin an entry of its own. */
static void add_line(struct kn_buf *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool next_line = c[0] == 0xC2 && c[1] == 0x85; /* NEL */
        bool separator = c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9);

        if (*c < 0x20 || *c == 0x7F || next_line || separator) {
            kn_buf_adds(out, " ", NULL);
            c += next_line ? 1 : separator ? 2 : 0;
        } else {
            kn_buf_add(out, c, 1, NULL);
        }
    }
    kn_buf_adds(out, "\n", NULL);
}

static int add_entry(const struct kn_request *r, const struct kn_title *t, struct kn_buf *out,
                     struct kn_err *err)
{
    char id[KN_ID_TEXT], path[64 + KN_ID_TEXT];
    int rc;

    if (t->n_paths == 0 || t->state == KN_STATE_MISSING)
        return KN_OK;
    kinora_id_text(&t->id, id);
    snprintf(path, sizeof path, "/api/v1/titles/%s/media", id);
    kn_buf_addf(out, NULL, "#EXTINF:%d,", t->duration > 0 ? (int)lround(t->duration) : -1);
    add_line(out, t->name);
    rc = kn_request_sign(r, path, out, err);
    return rc ? rc : kn_buf_adds(out, "\n", err);
}

int kn_v1_playlist(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_query q = {0};
    struct kinora_answer *a = NULL;
    struct kn_buf list;
    int rc = read_ranking(r, &q, err);

    if (!rc)
        rc = ask(r, kn_request_id(r, "id"), &q, out, &a, err);
    if (rc || !a)
        return rc;
    kn_buf_init(&list, 4 << 20);
    kn_buf_adds(&list, "#EXTM3U\n", NULL);
    rc = add_entry(r, &a->title, &list, err);
    for (size_t i = 0; i < a->n && !rc; i++)
        rc = add_entry(r, &a->recommendations[i].title, &list, err);
    if (!rc)
        rc = kn_reply_bytes(out, "application/vnd.apple.mpegurl; charset=utf-8", list.data, list.n,
                            err);
    if (!rc)
        kn_reply_header(out, "Content-Disposition", "inline; filename=\"similar.m3u8\"");
    kn_buf_free(&list);
    kinora_answer_free(a);
    return rc;
}
