/* Is what was sent what is there? */
#include "library/share.h"

#include "base/arena.h"
#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE = 100,
    TOLD = 25,
    ANSWERS = 10,
    PRESENT_AT_ONCE = 1000,
    WHOLE = KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS,
};

#define RECALL 0.99
#define TIE 1e-4         /* of cosines: indexes re-rank in half precision */
#define NUMBER_OFF 1e-12 /* JSON on the way, parsed by somebody */
#define COSINE_OFF 1e-5  /* a server may make vectors of unit length again */

/* The i-th of SAMPLE, or of all where there are fewer, evenly spread. */
static size_t sampled(size_t i, size_t n)
{
    return n <= SAMPLE ? i : i * n / SAMPLE;
}

static size_t samples(size_t n)
{
    return n < SAMPLE ? n : SAMPLE;
}

/* ---- are they there? ---- */

/* A cosine with any vector at all tells that a title is there and ready, a thousand at a time. */
int kn_share_check_present(const struct kn_share *s, const struct kn_outgoing *titles, size_t n,
                           bool *there, struct kn_err *err)
{
    double cosines[PRESENT_AT_ONCE];
    struct kn_id ids[PRESENT_AT_ONCE];
    char model[64];
    size_t dim = 0;
    float *any;
    int rc = kn_library_model(s->other, model, &dim, err);

    if (rc || n == 0)
        return rc;
    any = calloc(dim + 1, sizeof *any);
    if (!any)
        return kn_err_set(err, KN_ELIMIT, "check: no memory");
    any[0] = 1;
    for (size_t at = 0, count; !rc && at < n; at += count) {
        count = n - at < PRESENT_AT_ONCE ? n - at : PRESENT_AT_ONCE;
        for (size_t i = 0; i < count; i++)
            ids[i] = titles[at + i].id;
        rc = kn_share_stopped(s, err);
        if (!rc)
            rc = kn_library_similarities(s->other, any, dim, ids, count, cosines, err);
        for (size_t i = 0; !rc && i < count; i++)
            there[at + i] = !isnan(cosines[i]);
        if (!rc)
            kn_share_tell(s, KN_SHARE_CHECK, "", at + count, n);
    }
    free(any);
    return rc;
}

/* ---- are they the same? ---- */

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= NUMBER_OFF * fmax(1, fabs(a));
}

static bool same_vector(const float *a, const float *b, size_t dim)
{
    double dot = 0, aa = 0, bb = 0;

    if (!a || !b)
        return !a == !b;
    for (size_t i = 0; i < dim; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return dot >= (1 - COSINE_OFF) * sqrt(aa * bb);
}

/* What differs; NULL: nothing. Paths are facts of a machine, and of a folder that all share. */
static const char *title_differs(const struct kn_title *a, const struct kn_title *b)
{
    if (strcmp(a->name, b->name) != 0 || a->year != b->year || strcmp(a->genres, b->genres) != 0)
        return "name, year or genres";
    if (a->state != b->state || strcmp(a->reason, b->reason) != 0)
        return "the state";
    if (strcmp(a->language, b->language) != 0 || strcmp(a->words_from, b->words_from) != 0 ||
        a->language_set != b->language_set ||
        !same_number(a->language_confidence, b->language_confidence))
        return "the language";
    if (!same_number(a->opinion, b->opinion) || strcmp(a->scorer, b->scorer) != 0 ||
        a->scorer_version != b->scorer_version)
        return "the opinion";
    return same_number(a->duration, b->duration) ? NULL : "the duration";
}

static const char *texts_differ(const struct kn_record *a, const struct kn_record *b)
{
    if (a->n_segments != b->n_segments || a->n_dropped != b->n_dropped)
        return "the number of lines";
    for (size_t i = 0; i < a->n_segments; i++)
        if (strcmp(a->segments[i].text, b->segments[i].text) != 0 ||
            !same_number(a->segments[i].start, b->segments[i].start) ||
            !same_number(a->segments[i].end, b->segments[i].end))
            return "a line";
    for (size_t i = 0; i < a->n_dropped; i++)
        if (strcmp(a->dropped[i].text, b->dropped[i].text) != 0 ||
            strcmp(a->dropped[i].reason, b->dropped[i].reason) != 0)
            return "a line that was dropped";
    return NULL;
}

static const char *moments_differ(const struct kn_record *a, const struct kn_record *b, size_t dim)
{
    if (a->n_moments != b->n_moments)
        return "the number of moments";
    for (size_t i = 0; i < a->n_moments; i++) {
        const struct kn_moment *x = &a->moments[i], *y = &b->moments[i];

        if (strcmp(x->text, y->text) != 0 || !same_number(x->start, y->start) ||
            !same_number(x->end, y->end) || x->first_segment != y->first_segment ||
            x->segments != y->segments || x->words != y->words ||
            !same_number(x->opinion, y->opinion))
            return "a moment";
        if (!same_vector(x->vector, y->vector, dim) || !same_vector(x->raw, y->raw, dim))
            return "a moment's vector";
    }
    return NULL;
}

static const char *differs(const struct kn_record *a, const struct kn_record *b, size_t dim)
{
    const char *what = title_differs(&a->title, &b->title);

    if (!what)
        what = texts_differ(a, b);
    if (!what)
        what = moments_differ(a, b, dim);
    if (!what && (!same_vector(a->vector, b->vector, dim) || !same_vector(a->raw, b->raw, dim)))
        what = "the title's vector";
    return what;
}

static int compare(const struct kn_share *s, const struct kn_id *id, size_t dim,
                   struct kn_shared *out, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record here, there;
    const char *what;
    int rc = arena ? kn_library_get(s->local, id, WHOLE, arena, &here, err)
                   : kn_err_set(err, KN_ELIMIT, "check: no memory");

    if (!rc)
        rc = kn_library_get(s->other, id, WHOLE, arena, &there, err);
    if (!rc) {
        what = differs(&here, &there, dim);
        out->compared++;
        if (what)
            rc = kn_err_set(err, KN_ECORRUPT,
                            "title '%.100s': %s is not the same here and in '%.60s'; if nobody "
                            "changed it just now, run the same command with --all",
                            here.title.name, what, s->address);
    }
    kn_arena_free(arena);
    return rc;
}

int kn_share_check_records(const struct kn_share *s, const struct kn_id *ids, size_t n,
                           struct kn_shared *out, struct kn_err *err)
{
    char model[64];
    size_t dim;
    int rc = kn_library_model(s->local, model, &dim, err);

    for (size_t i = 0; !rc && i < samples(n); i++) {
        rc = kn_share_stopped(s, err);
        if (!rc)
            rc = compare(s, &ids[sampled(i, n)], dim, out, err);
        if (!rc && ((i + 1) % TOLD == 0 || i + 1 == samples(n)))
            kn_share_tell(s, KN_SHARE_CHECK, "", i + 1, samples(n));
    }
    return rc;
}

/* ---- do they answer the same? ---- */

struct score {
    size_t expected, given;
};

static int ask(struct kn_library *source, struct kn_library *other, const struct kn_id *id,
               struct score *score, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_hit wanted[ANSWERS], got[ANSWERS];
    struct kn_filter filter = {.exclude = id, .n_exclude = 1};
    struct kn_record r = {0};
    size_t n = 0, n_got = 0, dim = 0;
    char model[64];
    int rc = arena ? kn_library_get(source, id, KN_WITH_VECTOR, arena, &r, err)
                   : kn_err_set(err, KN_ELIMIT, "check: no memory");

    if (!rc)
        rc = kn_library_model(source, model, &dim, err);
    if (!rc && r.vector)
        rc = kn_library_similar(source, r.vector, dim, &filter, ANSWERS, wanted, &n, err);
    if (!rc && r.vector)
        rc = kn_library_similar(other, r.vector, dim, &filter, ANSWERS, got, &n_got, err);
    for (size_t i = 0; !rc && i < n; i++) {
        double worst = n_got < ANSWERS ? -2 : got[n_got - 1].similarity;
        bool is = false;

        for (size_t j = 0; j < n_got; j++)
            is |= kn_id_eq(&wanted[i].id, &got[j].id);
        score->expected += is || wanted[i].similarity > worst + TIE;
        score->given += is;
    }
    kn_arena_free(arena);
    return rc == KN_ENOTFOUND ? KN_OK : rc; /* forgotten since */
}

int kn_share_check_answers(struct kn_library *source, struct kn_library *other,
                           const struct kn_share *s, const struct kn_id *ids, size_t n,
                           struct kn_shared *out, struct kn_err *err)
{
    struct score score = {0};
    int rc = KN_OK;

    for (size_t i = 0; !rc && i < samples(n); i++) {
        rc = kn_share_stopped(s, err);
        if (!rc)
            rc = ask(source, other, &ids[sampled(i, n)], &score, err);
        if (!rc && ((i + 1) % TOLD == 0 || i + 1 == samples(n)))
            kn_share_tell(s, KN_SHARE_CHECK, "", i + 1, samples(n));
    }
    if (rc)
        return rc;
    out->questions = samples(n);
    if (score.expected > 0)
        out->recall = (double)score.given / (double)score.expected;
    if (score.expected > 0 && out->recall < RECALL)
        rc = kn_err_set(err, KN_ECORRUPT,
                        "check '%.80s': of %zu answers to %zu questions %zu are given on both "
                        "sides, and %.0f %% should be; all titles are there: look again when it "
                        "has done its indexing",
                        s->address, score.expected, out->questions, score.given, 100 * RECALL);
    return rc;
}
