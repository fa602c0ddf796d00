/* What library.h promises of similar, moments and the model, asked of every backend. */
#include "contract.h"

#include <strings.h>

/* ---- similar and moments, against the plainest way to say what they mean ---- */

enum { CROWD = 300 };

static const char *const tongues[] = {"en", "EN-us", "es", "es-MX", "es-419", "est", "", "pt-BR"};

static void put_crowd(struct fixture *f, struct kn_record *r)
{
    uint32_t seed = 12345;

    set_model(f);
    for (uint32_t i = 0; i < CROWD; i++) {
        r[i] = some_record(f->arena, i, next_random(&seed) % 4);
        r[i].title.language = tongues[next_random(&seed) % 8];
        r[i].title.year = chance(&seed) < 0.2 ? 0 : 1990 + (int)(next_random(&seed) % 30);
        r[i].title.duration = chance(&seed) < 0.2 ? 0 : 30 + floor(600 * chance(&seed));
        r[i].title.opinion = chance(&seed) < 0.2 ? (double)NAN : 2 * chance(&seed) - 1;
        if (chance(&seed) < 0.15)
            r[i].title.state = next_random(&seed) % 2 ? KN_STATE_PENDING : KN_STATE_MISSING;
        if (i % 5 == 4) /* ties */
            r[i].vector = r[i - 1].vector;
    }
    put(f, r, CROWD);
}

static bool speaks(const char *wanted, const char *tag)
{
    size_t n = strlen(wanted);

    return strlen(tag) >= n && strncasecmp(tag, wanted, n) == 0 &&
           (tag[n] == '\0' || tag[n] == '-');
}

static bool matches(const struct kn_record *r, const struct kn_filter *q)
{
    const struct kn_title *t = &r->title;
    bool tongue = !q || q->n_languages == 0;

    if (t->state != KN_STATE_READY)
        return false;
    if (!q)
        return true;
    for (size_t i = 0; i < q->n_languages; i++)
        if (speaks(q->languages[i], t->language))
            tongue = true;
    if (q->or_unknown && strlen(t->language) == 0)
        tongue = true;
    for (size_t i = 0; i < q->n_exclude; i++)
        if (kn_id_eq(&q->exclude[i], &t->id))
            return false;
    if (q->year_from != 0 && (t->year == 0 || t->year < q->year_from))
        return false;
    if (q->year_to != 0 && (t->year == 0 || t->year > q->year_to))
        return false;
    if (q->duration_from > 0 && (t->duration <= 0 || t->duration < q->duration_from))
        return false;
    if (q->duration_to > 0 && (t->duration <= 0 || t->duration > q->duration_to))
        return false;
    return tongue;
}

static double cosine(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static const struct kn_filter *some_filter(uint32_t *seed, struct kn_filter *q,
                                           const char **languages, struct kn_id *exclude)
{
    *q = (struct kn_filter){.languages = languages, .exclude = exclude};
    if (chance(seed) < 0.1)
        return NULL;
    if (chance(seed) < 0.5)
        while (q->n_languages < 2 && chance(seed) < 0.8) {
            const char *l = tongues[next_random(seed) % 8];

            if (*l)
                languages[q->n_languages++] = l;
        }
    q->or_unknown = chance(seed) < 0.5;
    if (chance(seed) < 0.4)
        q->year_from = 1990 + (int)(next_random(seed) % 30);
    if (chance(seed) < 0.4)
        q->year_to = 1990 + (int)(next_random(seed) % 30);
    if (chance(seed) < 0.3)
        q->duration_from = 30 + floor(600 * chance(seed));
    if (chance(seed) < 0.3)
        q->duration_to = 30 + floor(600 * chance(seed));
    while (q->n_exclude < 20 && chance(seed) < 0.8)
        exclude[q->n_exclude++] = id_of(next_random(seed) % (CROWD + 10));
    return q;
}

static const struct kn_record *record_of(const struct kn_record *r, const struct kn_id *id)
{
    for (int i = 0; i < CROWD; i++)
        if (kn_id_eq(&r[i].title.id, id))
            return &r[i];
    fail_msg("a hit that was never put");
    return NULL;
}

#define NEAR 1e-5

static void similar_is_the_best_of_what_matches_under_every_filter(void **state)
{
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, CROWD, sizeof *r);
    struct kn_hit hits[CROWD];
    const char *languages[2];
    struct kn_id exclude[20];
    uint32_t seed = 99;
    size_t nonempty = 0;

    put_crowd(f, r);
    for (int round = 0; round < 300; round++) {
        struct kn_filter q;
        const struct kn_filter *filter = some_filter(&seed, &q, languages, exclude);
        const float *v = unit_vector(f->arena, round % 2 ? next_random(&seed) : 4);
        size_t k = next_random(&seed) % 40, n = 0, match = 0, better = 0;

        assert_int_equal(kn_library_similar(f->lib, v, DIM, filter, k, hits, &n, NULL), KN_OK);
        for (int i = 0; i < CROWD; i++) {
            match += matches(&r[i], filter);
            better += matches(&r[i], filter) && n > 0 &&
                      cosine(v, r[i].vector) > hits[n - 1].similarity + NEAR;
        }
        assert_int_equal(n, match < k ? match : k); /* never fewer than k while k match */
        assert_true(better < n || n == 0);
        nonempty += n > 0;
        for (size_t i = 0; i < n; i++) {
            const struct kn_record *hit = record_of(r, &hits[i].id);

            assert_true(matches(hit, filter));
            assert_true(fabs(hits[i].similarity - cosine(v, hit->vector)) < NEAR);
            assert_same_number(hits[i].opinion, hit->title.opinion);
            assert_string_equal(hits[i].language, hit->title.language);
            if (i == 0)
                continue;
            assert_true(hits[i - 1].similarity >= hits[i].similarity);
            if (hits[i - 1].similarity == hits[i].similarity)
                assert_true(memcmp(&hits[i - 1].id, &hits[i].id, sizeof hits->id) < 0);
        }
    }
    assert_true(nonempty > 100); /* or the filters tested nothing */
}

static void moments_are_the_best_of_what_matches_under_every_filter(void **state)
{
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, CROWD, sizeof *r);
    struct kn_moment_hit hits[4 * CROWD];
    const char *languages[2];
    struct kn_id exclude[20];
    uint32_t seed = 77;

    put_crowd(f, r);
    for (int round = 0; round < 100; round++) {
        struct kn_filter q;
        const struct kn_filter *filter = some_filter(&seed, &q, languages, exclude);
        const float *v = unit_vector(f->arena, next_random(&seed));
        size_t k = next_random(&seed) % 100, n = 0, match = 0, better = 0;

        assert_int_equal(kn_library_moments(f->lib, v, DIM, filter, k, hits, &n, NULL), KN_OK);
        for (int i = 0; i < CROWD; i++)
            for (size_t j = 0; j < r[i].n_moments && matches(&r[i], filter); j++) {
                match++;
                better +=
                    n > 0 && cosine(v, r[i].moments[j].vector) > hits[n - 1].similarity + NEAR;
            }
        assert_int_equal(n, match < k ? match : k);
        assert_true(better < n || n == 0);
        for (size_t i = 0; i < n; i++) {
            const struct kn_record *hit = record_of(r, &hits[i].id);

            assert_true(matches(hit, filter) && hits[i].moment < hit->n_moments);
            assert_true(fabs(hits[i].similarity - cosine(v, hit->moments[hits[i].moment].vector)) <
                        NEAR);
            assert_true(i == 0 || hits[i - 1].similarity >= hits[i].similarity);
        }
    }
}

static void equals_come_in_order_of_id_then_moment(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[20];
    struct kn_hit hits[9], best;
    struct kn_moment_hit moments[60];
    size_t n;

    set_model(f);
    for (uint32_t i = 0; i < 20; i++) {
        r[i] = some_record(f->arena, i, 3);
        r[i].vector = unit_vector(f->arena, 1);
        for (int j = 0; j < 3; j++)
            ((struct kn_moment *)r[i].moments)[j].vector = r[i].vector;
    }
    put(f, r, 20);
    assert_int_equal(kn_library_similar(f->lib, r[0].vector, DIM, NULL, 9, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 9);
    assert_true(hits[0].similarity <= 1 && hits[0].similarity > 0.9999);
    for (int i = 1; i < 9; i++)
        assert_true(memcmp(&hits[i - 1].id, &hits[i].id, sizeof best.id) < 0);
    for (int i = 0; i < 20; i++)
        assert_true(memcmp(&hits[0].id, &r[i].title.id, sizeof best.id) <= 0);
    assert_int_equal(kn_library_similar(f->lib, r[0].vector, DIM, NULL, 1, &best, &n, NULL), KN_OK);
    assert_memory_equal(&best.id, &hits[0].id, sizeof best.id);
    assert_int_equal(kn_library_moments(f->lib, r[0].vector, DIM, NULL, 60, moments, &n, NULL),
                     KN_OK);
    assert_int_equal(n, 60);
    for (int i = 1; i < 60; i++) {
        int ids = memcmp(&moments[i - 1].id, &moments[i].id, sizeof best.id);

        assert_true(ids < 0 || (ids == 0 && moments[i - 1].moment < moments[i].moment));
    }
}

static void what_was_changed_is_found_as_it_is_now(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 1);
    const float *a = unit_vector(f->arena, 1), *b = unit_vector(f->arena, 2);
    struct kn_filter spanish = {.languages = (const char *[]){"es"}, .n_languages = 1};
    struct kn_moment_hit moment;
    struct kn_hit hit;
    size_t n;

    set_model(f);
    r.vector = a;
    put(f, &r, 1);
    assert_int_equal(kn_library_similar(f->lib, a, DIM, &spanish, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    r.vector = b;
    r.title.language = "es";
    ((struct kn_moment *)r.moments)->vector = b;
    put(f, &r, 1);
    assert_int_equal(kn_library_similar(f->lib, b, DIM, &spanish, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_true(hit.similarity > 0.9999);
    assert_int_equal(kn_library_moments(f->lib, b, DIM, NULL, 1, &moment, &n, NULL), KN_OK);
    assert_true(n == 1 && moment.similarity > 0.9999);
    r.title.state = KN_STATE_PENDING;
    put(f, &r, 1);
    assert_int_equal(kn_library_similar(f->lib, b, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    assert_int_equal(kn_library_moments(f->lib, b, DIM, NULL, 1, &moment, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
}

/* ---- the model ---- */

static void vectors_of_another_dimension_are_refused(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 2);
    struct kn_moment_hit moment;
    struct kn_hit hit;
    size_t n = 7, dim = 7;
    char name[64] = "x";
    struct kn_err err;

    assert_int_equal(kn_library_model(f->lib, name, &dim, NULL), KN_OK);
    assert_string_equal(name, "");
    assert_int_equal(dim, 0);
    assert_int_equal(kn_library_put(f->lib, &r, 1, &err), KN_EARG); /* no model yet */
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0); /* nothing has a vector: nothing is alike */
    set_model(f);
    put(f, &r, 1);
    n = 7;
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM - 1, NULL, 1, &hit, &n, &err),
                     KN_EARG);
    assert_int_equal(kn_library_moments(f->lib, r.vector, DIM + 1, NULL, 1, &moment, &n, &err),
                     KN_EARG);
    assert_int_equal(n, 7);
    assert_int_equal(kn_library_set_model(f->lib, "", DIM, NULL), KN_EARG);
    assert_int_equal(kn_library_set_model(f->lib, "m", 0, NULL), KN_EARG);
    assert_int_equal(kn_library_set_model(f->lib, "m", 4097, NULL), KN_EARG);
    assert_int_equal(kn_library_model(f->lib, name, &dim, NULL), KN_OK);
    assert_string_equal(name, "test-model");
    assert_int_equal(dim, DIM);
}

static void under_another_model_titles_are_pending_until_it_is_back(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 2), back;
    float other[DIM - 1] = {1};
    struct kn_hit hit;
    size_t n;

    set_model(f);
    put(f, &r, 1);
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_int_equal(kn_library_set_model(f->lib, "other", DIM - 1, NULL), KN_OK);
    back = get(f, id_of(1));
    assert_int_equal(back.title.state, KN_STATE_PENDING);
    assert_null(back.vector); /* they have not dim numbers */
    assert_int_equal(back.n_moments, 2);
    assert_null(back.moments[0].vector);
    assert_null(back.moments[0].raw);
    assert_int_equal(stats_of(f).by_state[KN_STATE_PENDING], 1);
    assert_int_equal(kn_library_similar(f->lib, other, DIM - 1, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    set_model(f);
    back = get(f, id_of(1));
    assert_same_record(&r, &back);
    assert_int_equal(kn_library_similar(f->lib, r.vector, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(similar_is_the_best_of_what_matches_under_every_filter),
        TEST(moments_are_the_best_of_what_matches_under_every_filter),
        TEST(equals_come_in_order_of_id_then_moment),
        TEST(what_was_changed_is_found_as_it_is_now),
        TEST(vectors_of_another_dimension_are_refused),
        TEST(under_another_model_titles_are_pending_until_it_is_back),
    };

    return run_on_every_backend(tests, sizeof tests / sizeof *tests);
}
