/* What library.h promises of shared_words, similarities and wording, asked of every backend. */
#include "contract.h"

enum { CROWD = 200 };

static const char *const places[] = {"Skerry", "Nantucket", "Orion", "Veracruz", "Ithaca"};
static const char *const ships[] = {"Pequod", "Nautilus", "Argo", "Bounty"};

/* Ready, with a sentence in which one word is rare, and the rest is in a fifth of all titles and more. */
static struct kn_record film(struct fixture *f, uint32_t number)
{
    struct kn_record r = some_record(f->arena, number, 1);
    struct kn_segment *s = kn_arena_array(f->arena, 1, sizeof *s);

    *s = (struct kn_segment){1, 2,
                             kn_arena_printf(f->arena,
                                             "The ship %s never came home to %s, they say, film%u",
                                             ships[number % 4], places[number % 5], number % 12)};
    r.segments = s;
    return r;
}

static void put_crowd(struct fixture *f, struct kn_record *r, bool backwards)
{
    set_model(f);
    for (uint32_t i = 0; i < CROWD; i++) {
        r[i] = film(f, i);
        r[i].title.language = i % 5 ? "en" : "es";
        r[i].title.genres = i % 7 ? "Drama, Western" : "Science Fiction,comedy";
        r[i].title.year = 1990 + (int)i % 20;
        if (i % 11 == 5)
            r[i].title.state = KN_STATE_PENDING;
    }
    for (int i = 0; i < CROWD; i++)
        put(f, &r[backwards ? CROWD - 1 - i : i], 1);
}

static size_t shared(struct fixture *f, const struct kn_id *id, const struct kn_filter *filter,
                     size_t k, struct kn_hit *hits)
{
    struct kn_wording w;
    struct kn_err err = {0};
    size_t n = 0;

    if (kn_library_wording(f->lib, id, &w, &err) ||
        kn_library_shared_words(f->lib, &w, filter, k, hits, &n, &err))
        fail_msg("%s", err.msg);
    return n;
}

static const struct kn_record *record_of(const struct kn_record *r, const struct kn_id *id)
{
    for (int i = 0; i < CROWD; i++)
        if (kn_id_eq(&r[i].title.id, id))
            return &r[i];
    fail_msg("a hit that was never put");
    return NULL;
}

static void titles_that_say_the_same_rare_words_come_first(void **state)
{
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, CROWD, sizeof *r);
    struct kn_hit hits[CROWD];
    size_t n;

    put_crowd(f, r, false);
    n = shared(f, &r[0].title.id, NULL, CROWD, hits);
    assert_true(n > 10 && n < 17); /* of 17 with that word some are pending */
    for (size_t i = 0; i < n; i++) {
        const struct kn_record *hit = record_of(r, &hits[i].id);

        assert_int_equal(hit->title.state, KN_STATE_READY);
        assert_true(hits[i].words > 0 && hits[i].words <= 1);
        assert_true(isnan(hits[i].similarity));
        assert_non_null(strstr(hit->segments[0].text, "film0"));
        assert_same_number(hits[i].opinion, hit->title.opinion);
        assert_string_equal(hits[i].language, hit->title.language);
        if (i == 0)
            continue;
        assert_true(hits[i - 1].words >= hits[i].words);
        if (hits[i - 1].words == hits[i].words)
            assert_true(memcmp(&hits[i - 1].id, &hits[i].id, sizeof hits->id) < 0);
    }
    assert_int_equal(shared(f, &r[0].title.id, NULL, 3, hits), 3);
    assert_int_equal(shared(f, &r[0].title.id, NULL, 0, hits), 0);
}

static void filters_hold_for_words_and_genres_for_all(void **state)
{
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, CROWD, sizeof *r);
    const struct kn_filter filters[] = {
        {.languages = (const char *[]){"es"}, .n_languages = 1},
        {.genres = (const char *[]){"COMEDY"}, .n_genres = 1},
        {.genres = (const char *[]){"Horror", "western"}, .n_genres = 2, .year_from = 2000},
        {.genres = (const char *[]){"Science"}, .n_genres = 1}, /* a part is not the genre */
        {.exclude = &r[12].title.id, .n_exclude = 1},
    };
    struct kn_hit by_words[CROWD], by_meaning[CROWD];
    size_t n, m;

    put_crowd(f, r, false);
    for (size_t q = 0; q < sizeof filters / sizeof *filters; q++) {
        bool comedy = q == 1, spanish = q == 0, western = q == 2;
        size_t both = 0;

        n = shared(f, &r[0].title.id, &filters[q], CROWD, by_words);
        assert_int_equal(
            kn_library_similar(f->lib, r[0].vector, DIM, &filters[q], CROWD, by_meaning, &m, NULL),
            KN_OK);
        for (size_t i = 0; i < m; i++)
            both += strstr(record_of(r, &by_meaning[i].id)->segments[0].text, "film0") != NULL;
        assert_int_equal(n, both);
        assert_int_equal(n == 0, q == 3);
        for (size_t i = 0; i < n; i++) {
            const struct kn_title *t = &record_of(r, &by_words[i].id)->title;

            assert_true(!spanish || strcmp(t->language, "es") == 0);
            assert_true(!comedy || strstr(t->genres, "comedy"));
            assert_true(!western || (strstr(t->genres, "Western") && t->year >= 2000));
            assert_true(q != 4 || !kn_id_eq(&t->id, &r[12].title.id));
        }
    }
    assert_int_equal(kn_library_similar(f->lib, r[0].vector, DIM,
                                        &(struct kn_filter){.n_genres = 1}, 1, by_meaning, &m,
                                        NULL),
                     KN_EARG);
}

static void the_order_in_which_titles_came_does_not_count(void **state)
{
    struct fixture *f = *state, other = {.arena = f->arena};
    struct kn_record *r = kn_arena_array(f->arena, CROWD, sizeof *r);
    struct kn_hit hits[50], again[50];

    put_crowd(f, r, false);
    other.lib = backend->open(&other);
    put_crowd(&other, r, true);
    for (int i = 0; i < CROWD; i += 13) {
        size_t n = shared(f, &r[i].title.id, NULL, 50, hits);

        assert_int_equal(n, shared(&other, &r[i].title.id, NULL, 50, again));
        for (size_t j = 0; j < n; j++) {
            assert_memory_equal(&hits[j].id, &again[j].id, sizeof hits->id);
            assert_true(hits[j].words == again[j].words);
        }
    }
    clear_up(&other);
}

static void similarities_are_those_of_similar(void **state)
{
    struct fixture *f = *state;
    struct kn_record *r = kn_arena_array(f->arena, CROWD, sizeof *r);
    const float *v = unit_vector(f->arena, 4321);
    struct kn_hit hits[CROWD];
    struct kn_id ids[CROWD + 2];
    double got[CROWD + 2];
    size_t n;

    put_crowd(f, r, false);
    assert_int_equal(kn_library_similar(f->lib, v, DIM, NULL, CROWD, hits, &n, NULL), KN_OK);
    for (size_t i = 0; i < n; i++)
        ids[i] = hits[i].id;
    ids[n] = r[5].title.id; /* pending */
    ids[n + 1] = id_of(9999);
    assert_int_equal(kn_library_similarities(f->lib, v, DIM, ids, n + 2, got, NULL), KN_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(got[i] == hits[i].similarity);
    assert_true(isnan(got[n]) && isnan(got[n + 1]));
    assert_int_equal(kn_library_similarities(f->lib, v, DIM - 1, ids, 1, got, NULL), KN_EARG);
}

static void a_wording_is_that_of_the_segments_as_they_are_now(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = film(f, 3);
    const struct kn_wording none = {0};
    struct kn_wording got, wanted;
    struct kn_id nobody = id_of(77);

    set_model(f);
    put(f, &r, 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(kn_wording_of(r.segments, r.n_segments, &wanted, NULL), KN_OK);
        assert_int_equal(kn_library_wording(f->lib, &r.title.id, &got, NULL), KN_OK);
        assert_memory_equal(&got, &wanted, sizeof got);
        ((struct kn_segment *)r.segments)->text = "Everything is other than it was before.";
        put(f, &r, 1);
    }
    r.n_segments = 0;
    put(f, &r, 1);
    assert_int_equal(kn_library_wording(f->lib, &r.title.id, &got, NULL), KN_OK);
    assert_memory_equal(&got, &none, sizeof got);
    assert_int_equal(kn_library_wording(f->lib, &nobody, &got, NULL), KN_ENOTFOUND);
}

/* Of the others it is left to the backend whether they are read. */
static void the_wordings_of_titles_that_say_the_same_are_given(void **state)
{
    enum { N = 40, COPY = 7, OF = 3 };
    struct fixture *f = *state;
    struct kn_record r[N];
    struct kn_wording own, alike[N + 1];
    const struct kn_wording none = {0};
    struct kn_id ids[N + 1];

    set_model(f);
    for (uint32_t i = 0; i < N; i++) {
        struct kn_segment *s = kn_arena_array(f->arena, 1, sizeof *s);
        uint32_t film = i == COPY ? OF : i;
        char text[400] = "";

        for (uint32_t w = 0; w < 30; w++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u ", places[w % 5],
                     film * 100 + w);
        *s = (struct kn_segment){1, 2, kn_arena_text(f->arena, text)};
        r[i] = some_record(f->arena, i, 1);
        r[i].segments = s;
        ids[i] = r[i].title.id;
    }
    put(f, r, N);
    ids[N] = id_of(777);
    assert_int_equal(kn_library_alike(f->lib, ids, N + 1, alike, NULL), KN_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(kn_library_wording(f->lib, &ids[i], &own, NULL), KN_OK);
        if (i == COPY || i == OF || alike[i].n_terms > 0)
            assert_memory_equal(&alike[i], &own, sizeof own);
        else
            assert_memory_equal(&alike[i], &none, sizeof none);
    }
    assert_memory_equal(&alike[N], &none, sizeof none);
}

static void changed_words_and_genres_are_found_as_they_are_now(void **state)
{
    struct fixture *f = *state;
    struct kn_record a = film(f, 1), b = film(f, 2);
    const struct kn_filter horror = {.genres = (const char *[]){"Horror"}, .n_genres = 1};
    struct kn_hit hit;

    set_model(f);
    ((struct kn_segment *)a.segments)->text = "Ithaca";
    ((struct kn_segment *)b.segments)->text = "Veracruz";
    put(f, &a, 1);
    assert_int_equal(shared(f, &a.title.id, &horror, 1, &hit), 0);
    put(f, &b, 1);
    assert_int_equal(shared(f, &b.title.id, NULL, 1, &hit), 1);
    assert_memory_equal(&hit.id, &b.title.id, sizeof hit.id);
    ((struct kn_segment *)a.segments)->text = "Veracruz Veracruz";
    a.title.genres = "Horror";
    put(f, &a, 1);
    assert_int_equal(shared(f, &b.title.id, &horror, 1, &hit), 1);
    assert_memory_equal(&hit.id, &a.title.id, sizeof hit.id);
    assert_int_equal(kn_library_remove(f->lib, &a.title.id, 1, NULL), KN_OK);
    assert_int_equal(shared(f, &b.title.id, &horror, 1, &hit), 0);
}

static void without_a_model_nothing_is_shared(void **state)
{
    struct fixture *f = *state;
    struct kn_wording w = {.n_terms = 1, .terms = {{1, 1}}};
    struct kn_hit hit;
    size_t n = 7;

    assert_int_equal(kn_library_shared_words(f->lib, &w, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(titles_that_say_the_same_rare_words_come_first),
        TEST(filters_hold_for_words_and_genres_for_all),
        TEST(the_order_in_which_titles_came_does_not_count),
        TEST(similarities_are_those_of_similar),
        TEST(a_wording_is_that_of_the_segments_as_they_are_now),
        TEST(the_wordings_of_titles_that_say_the_same_are_given),
        TEST(changed_words_and_genres_are_found_as_they_are_now),
        TEST(without_a_model_nothing_is_shared),
    };

    return run_on_every_backend(tests, sizeof tests / sizeof *tests);
}
