#include "api/question.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "recommend/recommend.h"

#include <math.h>
#include <string.h>

enum { EXAMPLES_MAX = 1000 };

static int ready_or_why(const struct kn_title *t, struct kn_err *err)
{
    if (t->state == KN_STATE_READY)
        return KN_OK;
    return kn_err_set(err, KN_EARG, "'%s' cannot be compared: it is %s%s%s", t->name,
                      kinora_state_name(t->state), t->reason[0] ? ": " : "", t->reason);
}

static int get_ready(const struct kn_question *w, const struct kn_id *id, unsigned parts,
                     struct kn_record *out, struct kn_err *err)
{
    int rc = kn_library_get(w->k->lib, id, parts, w->arena, out, err);

    return rc ? rc : ready_or_why(&out->title, err);
}

static int add_title(struct kn_question *w, const struct kn_id *id, struct kn_err *err)
{
    struct kn_record r;
    struct kn_example *e = &w->likes[w->n_likes];
    int rc = get_ready(w, id, KN_WITH_VECTOR | KN_WITH_MOMENT_VECTORS, &r, err);

    if (rc)
        return rc;
    *e = (struct kn_example){.title = r.title,
                             .vector = r.vector,
                             .moments = r.moments,
                             .n_moments = r.n_moments,
                             .wording = kn_arena_get(w->arena, sizeof *e->wording)};
    if (!e->wording)
        return kn_api_no_memory(err, "recommend");
    rc = kn_library_wording(w->k->lib, id, e->wording, err);
    w->n_titles++;
    w->n_likes++;
    return rc;
}

static int add_text(struct kn_question *w, const char *text, struct kn_err *err)
{
    const struct kn_segment segment = {.text = text};
    struct kn_example *e = &w->likes[w->n_likes++];
    struct kn_moment *moment = kn_arena_get(w->arena, sizeof *moment);
    float *vector = NULL;
    size_t dim;
    int rc;

    *e = (struct kn_example){.wording = kn_arena_get(w->arena, sizeof *e->wording)};
    if (!moment || !e->wording)
        return kn_api_no_memory(err, "recommend");
    rc = kn_api_embed(w->k, "recommend", text, w->arena, &vector, &dim, err);
    if (rc == KN_OK)
        rc = kn_wording_of(&segment, 1, e->wording, err);
    if (rc)
        return rc;
    *moment = (struct kn_moment){.text = kn_arena_text(w->arena, text), .vector = vector};
    e->vector = vector;
    e->moments = moment;
    e->n_moments = 1;
    e->title.opinion = (double)NAN;
    e->title.language = e->title.name = "";
    return moment->text ? KN_OK : kn_api_no_memory(err, "recommend");
}

static int add_unlike(struct kn_question *w, const struct kn_id *id, struct kn_err *err)
{
    struct kn_record r;
    int rc = get_ready(w, id, KN_WITH_VECTOR, &r, err);

    if (rc)
        return rc;
    w->unlikes[w->n_others] = r.title;
    w->others[w->n_others++] = r.vector;
    return KN_OK;
}

/* Opinion and words of the examples together. */
static void join(struct kn_question *w)
{
    size_t known = 0;

    w->opinion = 0;
    for (size_t i = 0; i < w->n_likes; i++) {
        const struct kn_example *e = &w->likes[i];

        w->liked[i] = e->vector;
        kn_wording_add_terms(&w->words, e->wording);
        if (!isnan(e->title.opinion)) {
            w->opinion += e->title.opinion;
            known++;
        }
    }
    w->opinion = known > 0 ? w->opinion / (double)known : (double)NAN;
}

bool kn_question_has_text(const struct kn_question *w)
{
    return w->q->text && kn_sv_trim(kn_sv_of(w->q->text)).n > 0;
}

static int read_examples(struct kn_question *w, const struct kn_id *id, struct kn_err *err)
{
    const struct kinora_query *q = w->q;
    size_t n = (id ? 1 : 0) + q->n_likes + (kn_question_has_text(w) ? 1 : 0);
    int rc = KN_OK;

    if (n == 0)
        return kn_err_set(err, KN_EARG,
                          "recommend: give a title, or a text, that it is to be like");
    if (n > EXAMPLES_MAX || q->n_unlikes > EXAMPLES_MAX)
        return kn_err_set(err, KN_EARG, "recommend: more than %d examples", EXAMPLES_MAX);
    w->likes = kn_arena_array(w->arena, n, sizeof *w->likes);
    w->liked = kn_arena_array(w->arena, n, sizeof *w->liked);
    w->others = kn_arena_array(w->arena, q->n_unlikes, sizeof *w->others);
    w->unlikes = kn_arena_array(w->arena, q->n_unlikes, sizeof *w->unlikes);
    if (!w->likes || !w->liked || !w->others || !w->unlikes)
        return kn_api_no_memory(err, "recommend");
    if (id)
        rc = add_title(w, id, err);
    for (size_t i = 0; rc == KN_OK && i < q->n_likes; i++)
        rc = add_title(w, &q->likes[i], err);
    for (size_t i = 0; rc == KN_OK && i < q->n_unlikes; i++)
        rc = add_unlike(w, &q->unlikes[i], err);
    if (rc == KN_OK && kn_question_has_text(w))
        rc = add_text(w, q->text, err);
    if (rc == KN_OK)
        rc = kn_library_model(w->k->lib, w->model, &w->dim, err);
    if (rc)
        return rc;
    w->vector = kn_arena_array(w->arena, w->dim, sizeof *w->vector);
    if (!w->vector)
        return kn_api_no_memory(err, "recommend");
    join(w);
    if (w->n_likes == 1 && w->n_others == 0) /* as it is stored, to the last bit */
        memcpy(w->vector, w->liked[0], w->dim * sizeof *w->vector);
    else
        kn_average_vector(w->liked, w->n_likes, w->others, w->n_others, w->dim, w->vector);
    return KN_OK;
}

/* ---- the filter ---- */

/* "same": the examples' languages, then what is of unknown language; all when one of theirs is unknown. All of Spanish for a
 * film marked es-MX: what the listener asks for is a language. */
static int same_language(struct kn_question *w, struct kn_err *err)
{
    const char **languages = kn_arena_array(w->arena, w->n_likes, sizeof *languages);

    if (!languages)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < w->n_likes; i++) {
        const char *language = w->likes[i].title.language;

        if (!language[0])
            return KN_OK;
        languages[i] = kn_arena_bytes(w->arena, language, strcspn(language, "-"));
        if (!languages[i])
            return kn_api_no_memory(err, "recommend");
    }
    w->filter.languages = languages;
    w->filter.n_languages = w->n_likes;
    w->filter.or_unknown = true;
    return KN_OK;
}

static int language_filter(struct kn_question *w, struct kn_err *err)
{
    const char *wanted = w->q->language;

    if (wanted && strcmp(wanted, "any") == 0)
        return KN_OK;
    if (wanted && *wanted && strcmp(wanted, "same") != 0)
        return kn_api_languages(wanted, w->arena, &w->filter, err);
    return same_language(w, err);
}

int kn_question_filter(struct kn_question *w, struct kn_err *err)
{
    const struct kinora_query *q = w->q;
    size_t n = 0;
    struct kn_id *exclude =
        kn_arena_array(w->arena, w->n_titles + q->n_unlikes + q->n_exclude, sizeof *exclude);
    int rc;

    if (!exclude)
        return kn_api_no_memory(err, "recommend");
    for (size_t i = 0; i < w->n_titles; i++)
        exclude[n++] = w->likes[i].title.id;
    for (size_t i = 0; i < q->n_unlikes; i++)
        exclude[n++] = q->unlikes[i];
    for (size_t i = 0; i < q->n_exclude; i++)
        exclude[n++] = q->exclude[i];
    w->filter = (struct kn_filter){.year_from = q->year_from,
                                   .year_to = q->year_to,
                                   .duration_from = q->duration_from,
                                   .duration_to = q->duration_to,
                                   .exclude = exclude,
                                   .n_exclude = n};
    rc = language_filter(w, err);
    return rc ? rc : kn_api_genres(q->genres, w->arena, &w->filter, err);
}

int kn_question_read(struct kn_question *w, const struct kn_id *id, struct kn_err *err)
{
    int rc = read_examples(w, id, err);

    return rc ? rc : kn_question_filter(w, err);
}
