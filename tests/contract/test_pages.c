/* What library.h promises of pages, facets and changes, asked of every backend; of said, of the one that has it. */
#include "contract.h"

enum { CROWD = 120, ROUND = 7 };

static const char *const tongues[] = {"en", "EN-us", "es", "es-MX", ""};
static const char *const kinds[] = {"Drama, Western", "drama", "Comedy", ""};
static const char *const names[] = {"Ábalos", "abalone", "Film", "Zorro % _", "Ünder"};

static struct kn_record one_of_crowd(struct fixture *f, uint32_t i)
{
    struct kn_record r = some_record(f->arena, i, i % 3);
    uint32_t seed = i * 2654435761u + 99;

    r.title.name =
        kn_arena_printf(f->arena, "%s %u", names[next_random(&seed) % 5], next_random(&seed) % 40);
    r.title.language = tongues[next_random(&seed) % 5];
    r.title.genres = kinds[next_random(&seed) % 4];
    r.title.year = chance(&seed) < 0.3 ? 0 : 1990 + (int)(next_random(&seed) % 6);
    r.title.duration = chance(&seed) < 0.3 ? 0 : 30 * (1 + (double)(next_random(&seed) % 5));
    r.title.opinion = chance(&seed) < 0.3 ? (double)NAN : floor(10 * chance(&seed)) / 10 - 0.5;
    if (chance(&seed) < 0.3)
        r.title.state = next_random(&seed) % 2 ? KN_STATE_FAILED : KN_STATE_SILENT;
    return r;
}

static void put_crowd(struct fixture *f, struct kn_record *r)
{
    set_model(f);
    for (uint32_t i = 0; i < CROWD; i++)
        r[i] = one_of_crowd(f, i);
    put(f, r, CROWD);
}

static struct kn_page page_of(struct fixture *f, const struct kn_page_query *q)
{
    struct kn_page p;
    struct kn_err err = {0};

    if (kn_library_page(f->lib, q, f->arena, &p, &err))
        fail_msg("%s", err.msg);
    return p;
}

static double value_of(enum kn_sort sort, const struct kn_title *t)
{
    if (sort == KN_SORT_DURATION)
        return t->duration;
    return sort == KN_SORT_OPINION ? t->opinion : sort == KN_SORT_YEAR ? t->year : 0;
}

static bool is_known(enum kn_sort sort, double v)
{
    return sort == KN_SORT_OPINION ? !isnan(v) : sort < KN_SORT_DURATION || v != 0;
}

/* Is a rightly before b? Names and ids decide in the contract's own list order, which scroll gives. */
static void assert_in_order(const struct kn_page_query *q, const struct kn_title *a,
                            const struct kn_title *b, size_t place_a, size_t place_b)
{
    double va = value_of(q->sort, a), vb = value_of(q->sort, b);
    bool known = is_known(q->sort, va) && is_known(q->sort, vb);

    if (q->sort == KN_SORT_ADDED)
        return;
    if (is_known(q->sort, va) != is_known(q->sort, vb))
        assert_true(is_known(q->sort, va));
    else if (known && va != vb)
        assert_true(q->descending ? va > vb : va < vb);
    else if (q->sort == KN_SORT_NAME && q->descending)
        assert_true(place_a > place_b);
    else
        assert_true(place_a < place_b);
}

static size_t place_in(const struct kn_title *all, size_t n, const struct kn_id *id)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&all[i].id, id, sizeof *id) == 0)
            return i;
    fail_msg("a title on a page that no scroll gives");
    return n;
}

static void pages_hold_every_title_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[CROWD];
    struct kn_title *all;
    size_t n_all;

    put_crowd(f, r);
    assert_int_equal(kn_library_scroll(f->lib, NULL, CROWD + 1, f->arena, &all, &n_all, NULL),
                     KN_OK);
    for (int sort = KN_SORT_NAME; sort <= KN_SORT_YEAR; sort++) {
        for (int down = 0; down < 2; down++) {
            struct kn_page_query q = {
                .state = -1, .sort = (enum kn_sort)sort, .descending = down, .limit = ROUND};
            const struct kn_title *last = NULL;
            bool seen[CROWD] = {false};
            struct kn_place after;
            struct kn_page p;
            size_t n = 0;

            do {
                p = page_of(f, &q);
                assert_int_equal(p.total, CROWD);
                for (size_t i = 0; i < p.n; i++, n++) {
                    size_t place = place_in(all, n_all, &p.titles[i].id);

                    assert_false(seen[place]);
                    seen[place] = true;
                    assert_same_title(&p.titles[i], &all[place]);
                    if (last)
                        assert_in_order(&q, last, &p.titles[i], place_in(all, n_all, &last->id),
                                        place);
                    last = &p.titles[i];
                }
                after = p.last;
                q.after = &after;
            } while (p.more);
            assert_int_equal(n, CROWD);
        }
    }
}

static void filters_hold_on_pages_and_total_counts_what_they_pass(void **state)
{
    struct fixture *f = *state;
    const char *const spanish[] = {"es"}, *const drama[] = {"Drama"};
    const struct kn_filter filter = {.languages = spanish,
                                     .n_languages = 1,
                                     .genres = drama,
                                     .n_genres = 1,
                                     .year_from = 1991,
                                     .year_to = 1994};
    struct kn_page_query q = {.filter = &filter, .state = KN_STATE_READY, .limit = CROWD};
    struct kn_record r[CROWD];
    size_t wanted = 0;
    struct kn_page p;

    put_crowd(f, r);
    for (size_t i = 0; i < CROWD; i++)
        wanted += r[i].title.state == KN_STATE_READY && kn_filter_passes(&filter, &r[i].title);
    p = page_of(f, &q);
    assert_true(wanted > 0);
    assert_int_equal(p.n, wanted);
    assert_int_equal(p.total, wanted);
    assert_false(p.more);
    q.limit = 1;
    assert_int_equal(page_of(f, &q).total, wanted);
}

static void a_part_of_a_name_is_found_whatever_its_case_accents_and_signs(void **state)
{
    struct fixture *f = *state;
    struct kn_page_query q = {.state = -1, .limit = CROWD};
    struct kn_record r[CROWD];
    size_t abal = 0, percent = 0;

    put_crowd(f, r);
    for (size_t i = 0; i < CROWD; i++) {
        abal += strncmp(r[i].title.name, names[0], strlen(names[0])) == 0 ||
                strncmp(r[i].title.name, names[1], strlen(names[1])) == 0;
        percent += strchr(r[i].title.name, '%') != NULL;
    }
    q.part = "ABÁL";
    assert_int_equal(page_of(f, &q).n, abal);
    q.part = "% _";
    assert_int_equal(page_of(f, &q).n, percent);
    q.part = "no such name";
    assert_int_equal(page_of(f, &q).total, 0);
}

/* Between any two pages titles come and go on both sides of the place. */
static void what_stays_comes_once_while_the_library_changes(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[CROWD];

    for (int sort = KN_SORT_NAME; sort <= KN_SORT_YEAR; sort++) {
        struct kn_page_query q = {.state = -1, .sort = (enum kn_sort)sort, .limit = ROUND};
        size_t times[CROWD] = {0}, removed = 0, round = 0;
        struct kn_place after;
        struct kn_page p;

        put_crowd(f, r);
        do {
            p = page_of(f, &q);
            for (size_t i = 0; i < p.n; i++)
                for (size_t j = 0; j < CROWD; j++)
                    times[j] += memcmp(&p.titles[i].id, &r[j].title.id, sizeof(struct kn_id)) == 0;
            after = p.last;
            q.after = &after;
            /* the title that the cursor stands on as well, the first time */
            assert_int_equal(
                kn_library_remove(f->lib, round == 0 ? &after.id : &r[removed].title.id, 1, NULL),
                KN_OK);
            removed++;
            round++;
            for (uint32_t i = 0; i < 3; i++) {
                struct kn_record more =
                    one_of_crowd(f, CROWD + 1000 * (uint32_t)sort + 3 * (uint32_t)round + i);

                put(f, &more, 1);
            }
        } while (p.more && round < 200);
        for (size_t j = removed; j < CROWD; j++)
            assert_int_equal(times[j], 1);
        for (size_t j = 0; j < removed && j < CROWD; j++)
            assert_true(times[j] <= 1);
    }
}

static void a_place_without_a_name_is_that_of_its_title(void **state)
{
    struct fixture *f = *state;
    struct kn_page_query q = {.state = -1, .limit = ROUND};
    struct kn_record r[CROWD];
    struct kn_place with, without;
    struct kn_page a, b;

    put_crowd(f, r);
    with = without = page_of(f, &q).last;
    without.folded = NULL;
    q.after = &with;
    a = page_of(f, &q);
    q.after = &without;
    b = page_of(f, &q);
    assert_int_equal(a.n, b.n);
    for (size_t i = 0; i < a.n; i++)
        assert_same_title(&a.titles[i], &b.titles[i]);
}

static void facets_count_what_there_is(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[CROWD];
    struct kn_facets facets;
    uint64_t sum = 0;

    put_crowd(f, r);
    assert_int_equal(kn_library_facets(f->lib, f->arena, &facets, NULL), KN_OK);
    assert_int_equal(facets.n_languages, 5);
    for (size_t i = 0; i < facets.n_languages; i++) {
        uint64_t n = 0;

        for (size_t j = 0; j < CROWD; j++)
            n += strcmp(r[j].title.language, facets.languages[i].value) == 0;
        assert_int_equal(facets.languages[i].titles, n);
        assert_true(i == 0 || facets.languages[i - 1].titles >= n);
        sum += n;
    }
    assert_int_equal(sum, CROWD);
    assert_int_equal(facets.n_genres, 4); /* Drama, Western, drama, Comedy: as they are written */
    assert_int_equal(facets.year_from, 1990);
    assert_int_equal(facets.year_to, 1995);
}

static void changes_are_those_of_the_statistics_and_grow(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[CROWD];
    uint64_t before, after;

    put_crowd(f, r);
    assert_int_equal(kn_library_changes(f->lib, &before, NULL), KN_OK);
    assert_int_equal(before, stats_of(f).changes);
    put(f, r, 1);
    assert_int_equal(kn_library_changes(f->lib, &after, NULL), KN_OK);
    assert_true(after > before);
}

/* ---- said ---- */

static struct kn_record film_that_says(struct fixture *f, uint32_t number, const char *one,
                                       const char *two)
{
    struct kn_record r = some_record(f->arena, number, 2);

    ((struct kn_segment *)r.segments)[0].text = one;
    ((struct kn_segment *)r.segments)[1].text = two;
    return r;
}

/* One without an index of words says so. */
static bool hears(struct fixture *f)
{
    struct kn_moment_hit hit;
    size_t n;
    int rc = kn_library_said(f->lib, "anything", NULL, 1, &hit, &n, NULL);

    assert_int_equal(rc, strcmp(backend->name, "local") == 0 ? KN_OK : KN_EARG);
    return rc == KN_OK;
}

static size_t said(struct fixture *f, const char *text, const struct kn_filter *filter, size_t k,
                   struct kn_moment_hit *hits)
{
    struct kn_err err = {0};
    size_t n = 77;

    if (kn_library_said(f->lib, text, filter, k, hits, &n, &err))
        fail_msg("'%s': %s", text, err.msg);
    return n;
}

static void all_words_in_a_line_come_before_some(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[3];
    struct kn_moment_hit hits[8];

    if (!hears(f))
        return;
    set_model(f);
    r[0] = film_that_says(f, 0, "The lamp is out.", "Nobody lit it again.");
    r[1] = film_that_says(f, 1, "Out there, a lamp.", "The Lámp went out, the lamp was out.");
    r[2] = film_that_says(f, 2, "Bread and wine.", "A lampshade, perhaps.");
    put(f, r, 3);
    assert_int_equal(said(f, "out lamp", NULL, 8, hits), 4);
    for (size_t i = 0; i < 3; i++)
        assert_memory_not_equal(&hits[i].id, &r[2].title.id, sizeof hits[i].id);
    assert_true(isnan(hits[0].similarity));
    assert_memory_equal(&hits[3].id, &r[2].title.id, sizeof hits[3].id); /* "lamp" begins it... */
    assert_int_equal(hits[3].moment, 1);                                 /* ...alone */
    assert_int_equal(said(f, "out lamp", NULL, 2, hits), 2);
    assert_int_equal(said(f, "LÁMP wen", NULL, 1, hits), 1); /* the last word is unfinished */
    assert_memory_equal(&hits[0].id, &r[1].title.id, sizeof hits[0].id);
    assert_int_equal(hits[0].moment, 1);
}

static void no_sign_in_a_question_is_an_operator(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "\"",        "lamp\"",    "NOT lamp",   "lamp AND", "(lamp",
        "text:lamp", "-lamp",     "lamp*",      "^lamp",    "NEAR(a b)",
        "{text}",    "a\"b\"\"c", "' OR 1=1",   "%",        "\xF0\x9F\x8E\xAC",
        "   ",       "\t\n",      "lamp\n\nout"};
    struct kn_record r;
    struct kn_moment_hit hits[4];

    if (!hears(f))
        return;
    set_model(f);
    r = film_that_says(f, 0, "The lamp is out.", "Nobody lit it again.");
    put(f, &r, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(said(f, texts[i], NULL, 4, hits) <= 2);
    assert_int_equal(said(f, "\"", NULL, 4, hits), 0);
    assert_int_equal(said(f, "lamp*", NULL, 4, hits), 1);
}

static void only_ready_titles_that_pass_the_filter_are_heard(void **state)
{
    struct fixture *f = *state;
    const char *const spanish[] = {"es"};
    const struct kn_filter filter = {.languages = spanish, .n_languages = 1};
    struct kn_record r[3];
    struct kn_moment_hit hits[4];

    if (!hears(f))
        return;
    set_model(f);
    for (uint32_t i = 0; i < 3; i++)
        r[i] = film_that_says(f, i, "una lámpara", "nada");
    r[1].title.language = "es-MX";
    r[2].title.language = "es";
    r[2].title.state = KN_STATE_FAILED;
    put(f, r, 3);
    assert_int_equal(said(f, "lampara", &filter, 4, hits), 1);
    assert_memory_equal(&hits[0].id, &r[1].title.id, sizeof hits[0].id);
    assert_int_equal(said(f, "lampara", NULL, 4, hits), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_hold_every_title_once_and_in_order),
        TEST(filters_hold_on_pages_and_total_counts_what_they_pass),
        TEST(a_part_of_a_name_is_found_whatever_its_case_accents_and_signs),
        TEST(what_stays_comes_once_while_the_library_changes),
        TEST(a_place_without_a_name_is_that_of_its_title),
        TEST(facets_count_what_there_is),
        TEST(changes_are_those_of_the_statistics_and_grow),
        TEST(all_words_in_a_line_come_before_some),
        TEST(no_sign_in_a_question_is_an_operator),
        TEST(only_ready_titles_that_pass_the_filter_are_heard),
    };

    return run_on_every_backend(tests, sizeof tests / sizeof *tests);
}
