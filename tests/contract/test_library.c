/* What library.h promises of titles, asked of every backend: one test a promise, named after it. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>

/* ---- put, get, remove ---- */

static void what_is_put_comes_back_in_every_field(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[4];
    const char *paths[] = {"/films/b.mp4", "/films/\xEF\x9E\x80 \"quoted\"\n.mp4"};
    char *huge = kn_arena_get(f->arena, 3 << 20);
    const struct kn_dropped dropped[] = {{0, 1.5, "[Music]", "a sound, not words"},
                                         {90, 92, "Thanks for watching!", ""}};
    struct kn_moment *moments;

    set_model(f);
    for (uint32_t i = 0; i < 4; i++)
        r[i] = some_record(f->arena, i, 5);
    r[0].title.opinion = NAN;
    r[0].title.paths = paths;
    r[0].title.n_paths = 2;
    r[0].title.name = "¿Dónde está \xF0\x9F\x8E\xAC 'it'; DROP TABLE title; -- %s \x7F\n";
    memset(huge, 'x', (3 << 20) - 1);
    ((struct kn_segment *)r[1].segments)[2].text = huge;
    moments = (struct kn_moment *)r[1].moments;
    moments[0].opinion = NAN;
    moments[1].vector = NULL;
    moments[2].raw = NULL;
    moments[3].words = UINT32_MAX;
    moments[4].text = "";
    r[1].raw = moments[4].raw; /* a title embedded as a whole has one, others have none */
    r[1].title.name = huge;
    r[1].title.language_set = true;
    r[1].dropped = dropped;
    r[1].n_dropped = 2;
    r[2] = (struct kn_record){.title = {.id = id_of(2),
                                        .name = "",
                                        .state = KN_STATE_FAILED,
                                        .reason = "moov atom not found",
                                        .language = "",
                                        .words_from = "",
                                        .scorer = "",
                                        .genres = "",
                                        .opinion = NAN}};
    r[3].title.language = "zh-Hant-TW-x-ab"; /* as long as a tag may be */
    r[3].title.state = KN_STATE_MISSING;
    r[3].title.reason = "gone";
    put(f, r, 4);
    for (int i = 0; i < 4; i++) {
        struct kn_record back = get(f, r[i].title.id);

        assert_same_record(&r[i], &back);
    }
}

static void parts_not_asked_for_are_empty(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = some_record(f->arena, 1, 3), back;

    set_model(f);
    put(f, &r, 1);
    assert_int_equal(kn_library_get(f->lib, &r.title.id, 0, f->arena, &back, NULL), KN_OK);
    assert_same_title(&r.title, &back.title);
    assert_null(back.vector);
    assert_int_equal(back.n_segments + back.n_moments, 0);
    assert_int_equal(kn_library_get(f->lib, &r.title.id, KN_WITH_MOMENTS, f->arena, &back, NULL),
                     KN_OK);
    assert_int_equal(back.n_moments, 3);
    assert_string_equal(back.moments[2].text, r.moments[2].text);
    assert_null(back.moments[0].vector);
    assert_null(back.moments[0].raw);
}

static void putting_twice_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[2] = {some_record(f->arena, 1, 3), some_record(f->arena, 2, 4)};
    struct kn_library_stats s;

    set_model(f);
    put(f, r, 2);
    put(f, r, 2);
    s = stats_of(f);
    assert_int_equal(s.titles, 2);
    assert_int_equal(s.segments, 7);
    assert_int_equal(s.moments, 7);
    for (int i = 0; i < 2; i++) {
        struct kn_record back = get(f, r[i].title.id);

        assert_same_record(&r[i], &back);
    }
}

static void a_put_replaces_the_whole_title(void **state)
{
    struct fixture *f = *state;
    const char *paths[] = {"/a.mp4", "/b.mp4"};
    struct kn_record r = some_record(f->arena, 1, 6), back;

    set_model(f);
    r.title.paths = paths;
    r.title.n_paths = 2;
    put(f, &r, 1);
    r = (struct kn_record){.title = {.id = id_of(1),
                                     .name = "Another name",
                                     .state = KN_STATE_SILENT,
                                     .reason = "nobody speaks",
                                     .language = "",
                                     .words_from = "",
                                     .scorer = "",
                                     .genres = "",
                                     .opinion = NAN,
                                     .paths = paths + 1,
                                     .n_paths = 1}};
    put(f, &r, 1);
    back = get(f, id_of(1));
    assert_same_record(&r, &back);
    r.title.n_paths = 0;
    put(f, &r, 1);
    back = get(f, id_of(1));
    assert_same_record(&r, &back); /* silent, not missing: nothing was taken from it */
}

static void of_one_title_twice_in_a_batch_the_last_counts(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[2] = {some_record(f->arena, 1, 3), some_record(f->arena, 1, 2)}, back;

    set_model(f);
    r[1].title.name = "the last";
    put(f, r, 2);
    back = get(f, id_of(1));
    assert_same_record(&r[1], &back);
    assert_int_equal(stats_of(f).titles, 1);
}

static void a_path_belongs_to_the_title_it_was_put_with_last(void **state)
{
    struct fixture *f = *state;
    const char *paths[] = {"/shared.mp4", "/own.mp4"};
    struct kn_record r[3], back;

    set_model(f);
    for (uint32_t i = 0; i < 3; i++) {
        r[i] = some_record(f->arena, i, 2);
        r[i].title.paths = paths;
        r[i].title.n_paths = 1;
    }
    r[0].title.n_paths = 2;
    put(f, r, 1);
    back = get(f, id_of(0));
    assert_string_equal(back.title.paths[0], "/own.mp4"); /* in order */
    assert_string_equal(back.title.paths[1], "/shared.mp4");
    put(f, r + 1, 1);
    back = get(f, id_of(0));
    assert_int_equal(back.title.n_paths, 1);
    assert_string_equal(back.title.paths[0], "/own.mp4");
    assert_int_equal(back.title.state, KN_STATE_READY);
    put(f, &r[2], 1);
    back = get(f, id_of(1));
    assert_int_equal(back.title.n_paths, 0);
    assert_int_equal(back.title.state, KN_STATE_MISSING);
    assert_string_not_equal(back.title.reason, "");
    assert_int_equal(stats_of(f).by_state[KN_STATE_MISSING], 1);
    put(f, &r[1], 1); /* and a put brings it back */
    back = get(f, id_of(1));
    assert_same_record(&r[1], &back);
}

static void an_unknown_title_is_not_found_and_leaves_the_output(void **state)
{
    struct fixture *f = *state;
    struct kn_record r, untouched;
    struct kn_id id = id_of(404);
    struct kn_err err;

    memset(&r, 0x5A, sizeof r);
    untouched = r;
    assert_int_equal(kn_library_get(f->lib, &id, 0, f->arena, &r, &err), KN_ENOTFOUND);
    assert_memory_equal(&r, &untouched, sizeof r);
    assert_string_not_equal(err.msg, "");
}

static void many_come_as_they_were_asked_for_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[3], back[3];
    struct kn_id ids[3];

    set_model(f);
    for (uint32_t i = 0; i < 3; i++) {
        r[i] = some_record(f->arena, i, 2);
        ids[2 - i] = r[i].title.id;
    }
    put(f, r, 3);
    assert_int_equal(kn_library_get_many(f->lib, ids, 3,
                                         KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                                         f->arena, back, NULL),
                     KN_OK);
    for (int i = 0; i < 3; i++)
        assert_same_record(&r[2 - i], &back[i]);
    ids[1] = id_of(404);
    assert_int_equal(kn_library_get_many(f->lib, ids, 3, 0, f->arena, back, NULL), KN_ENOTFOUND);
    assert_int_equal(kn_library_get_many(f->lib, NULL, 0, 0, f->arena, NULL, NULL), KN_OK);
}

static void removed_is_gone_and_unknown_ids_are_fine(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[3], back;
    struct kn_id ids[] = {id_of(1), id_of(404), id_of(1)};
    struct kn_hit hits[5];
    size_t n;

    set_model(f);
    for (uint32_t i = 0; i < 3; i++)
        r[i] = some_record(f->arena, i, 2);
    put(f, r, 3);
    assert_int_equal(kn_library_remove(f->lib, ids, 3, NULL), KN_OK);
    assert_int_equal(kn_library_get(f->lib, &ids[0], 0, f->arena, &back, NULL), KN_ENOTFOUND);
    assert_int_equal(stats_of(f).titles, 2);
    assert_int_equal(stats_of(f).segments, 4);
    assert_int_equal(stats_of(f).moments, 4);
    assert_int_equal(kn_library_similar(f->lib, r[1].vector, DIM, NULL, 5, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 2);
    put(f, &r[1], 1); /* and may come again */
    back = get(f, id_of(1));
    assert_same_record(&r[1], &back);
}

static void assert_refused(struct fixture *f, struct kn_record bad, const char *what)
{
    struct kn_record batch[3] = {some_record(f->arena, 1, 1), bad, some_record(f->arena, 2, 1)};
    struct kn_library_stats before = stats_of(f), after;
    struct kn_err err = {0};

    batch[0].title.name = "changed";
    if (kn_library_put(f->lib, batch, 3, &err) != KN_EARG)
        fail_msg("%s was not refused", what);
    assert_string_not_equal(err.msg, "");
    after = stats_of(f);
    assert_memory_equal(&before, &after, sizeof before);
    assert_string_equal(get(f, id_of(1)).title.name, "Film 1");
}

static void a_batch_with_one_impossible_title_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct kn_record good = some_record(f->arena, 1, 1), bad;
    float vector[DIM] = {2};
    const char *paths[] = {""};

    set_model(f);
    put(f, &good, 1);
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        bad = some_record(f->arena, 9, 1);                                                         \
        change;                                                                                    \
        assert_refused(f, bad, #change);                                                           \
    } while (0)
    REFUSED(bad.vector = NULL);   /* ready without a vector */
    REFUSED(bad.vector = vector); /* not of unit length */
    REFUSED(vector[0] = NAN; bad.vector = vector);
    REFUSED(bad.raw = vector); /* still with a NaN in it */
    REFUSED(((struct kn_moment *)bad.moments)->vector = vector);
    REFUSED(((struct kn_moment *)bad.moments)->raw = vector);
    REFUSED(((struct kn_moment *)bad.moments)->start = INFINITY);
    REFUSED(((struct kn_moment *)bad.moments)->text = NULL);
    REFUSED(((struct kn_segment *)bad.segments)->end = NAN);
    REFUSED(((struct kn_segment *)bad.segments)->text = "");
    REFUSED(bad.title.duration = NAN);
    REFUSED(bad.title.opinion = INFINITY);
    REFUSED(bad.title.language = "sixteen-letters!");
    REFUSED(bad.title.state = (enum kn_state)17);
    REFUSED(bad.title.paths = paths; bad.title.n_paths = 1);
#undef REFUSED
}

/* ---- find and scroll ---- */

static size_t find(struct fixture *f, const char *text, enum kn_find how, size_t limit,
                   struct kn_title **out)
{
    struct kn_err err = {0};
    size_t n = 77;

    if (kn_library_find(f->lib, text, how, limit, f->arena, out, &n, &err))
        fail_msg("%s", err.msg);
    return n;
}

static void put_names(struct fixture *f, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct kn_record r = {.title = {.id = id_of((uint32_t)i), .name = names[i]}};

        put(f, &r, 1);
    }
}

static void find_exact_wants_the_whole_name_or_id(void **state)
{
    struct fixture *f = *state;
    const char *names[] = {"Solaris", "solaris", "Solaris", "Solaris II"};
    char id[KN_ID_TEXT];
    struct kn_id three = id_of(3);
    struct kn_title *t;

    put_names(f, names, 4);
    assert_int_equal(find(f, "Solaris", KN_FIND_EXACT, 10, &t), 2);
    assert_true(memcmp(&t[0].id, &t[1].id, sizeof t->id) < 0);
    assert_int_equal(find(f, "Solaris", KN_FIND_EXACT, 1, &t), 1);
    assert_int_equal(find(f, "Solari", KN_FIND_EXACT, 10, &t), 0);
    kn_id_format(&(struct kn_id){{0}}, id);
    assert_int_equal(find(f, id, KN_FIND_EXACT, 10, &t), 0);
    kn_id_format(&three, id);
    assert_int_equal(find(f, id, KN_FIND_EXACT, 10, &t), 1);
    assert_string_equal(t[0].name, "Solaris II");
    for (char *c = id; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 32 : *c);
    assert_int_equal(find(f, id, KN_FIND_EXACT, 10, &t), 1);
    id[20] = '\0';
    assert_int_equal(find(f, id, KN_FIND_EXACT, 10, &t), 0);
}

static void find_part_takes_any_case_accents_and_the_start_of_an_id(void **state)
{
    struct fixture *f = *state;
    const char *names[] = {"A Last Café", "Amélie", "amelie 2", "CAFÉ", "Straße", "七人の侍", ""};
    char id[KN_ID_TEXT], longest[600];
    struct kn_id two = id_of(2);
    struct kn_title *t;

    memset(longest, 'x', sizeof longest);
    strcpy(longest + sizeof longest - 10, "the end");
    names[6] = longest;
    put_names(f, names, 7);
    assert_string_equal(get(f, two).title.name, names[2]); /* without a model */
    assert_int_equal(find(f, "THE END", KN_FIND_PART, 10, &t), 1);
    assert_string_equal(t[0].name, longest);
    assert_int_equal(find(f, "の侍", KN_FIND_PART, 10, &t), 1);
    assert_int_equal(find(f, "七人の", KN_FIND_PART, 10, &t), 1);
    assert_int_equal(find(f, "七人侍", KN_FIND_PART, 10, &t), 0);
    assert_int_equal(find(f, "cafe", KN_FIND_PART, 10, &t), 2);
    assert_string_equal(t[0].name, "CAFÉ"); /* the whole name before a part of one */
    assert_string_equal(t[1].name, "A Last Café");
    assert_int_equal(find(f, "AMÉLIE", KN_FIND_PART, 10, &t), 2);
    assert_string_equal(t[0].name, "Amélie");
    assert_int_equal(find(f, "strasse", KN_FIND_PART, 10, &t), 1);
    assert_int_equal(find(f, "nothing", KN_FIND_PART, 10, &t), 0);
    assert_int_equal(find(f, "", KN_FIND_PART, 10, &t), 0);
    assert_int_equal(find(f, "%", KN_FIND_PART, 10, &t), 0);
    kn_id_format(&two, id);
    id[6] = '\0';
    assert_int_equal(find(f, id, KN_FIND_PART, 10, &t), 1);
    assert_string_equal(t[0].name, "amelie 2");
    id[5] = '\0';
    assert_int_equal(find(f, id, KN_FIND_PART, 10, &t), 0);
}

static void find_close_gives_the_least_edit_distance_first(void **state)
{
    struct fixture *f = *state;
    const char *names[] = {"Alien", "Aliens", "The Thing", "Alienated", "Elian", "Alien"};
    struct kn_title *t;

    put_names(f, names, 6);
    assert_int_equal(find(f, "alian", KN_FIND_CLOSE, 4, &t), 4);
    assert_string_equal(t[0].name, "Alien");
    assert_string_equal(t[1].name, "Alien");
    assert_true(memcmp(&t[0].id, &t[1].id, sizeof t->id) < 0);
    assert_int_equal(find(f, "alian", KN_FIND_CLOSE, 100, &t), 6);
    assert_string_equal(t[5].name, "The Thing");
    assert_int_equal(find(f, "alian", KN_FIND_CLOSE, 0, &t), 0);
}

static void scrolling_meets_every_title_once_in_order_of_name(void **state)
{
    struct fixture *f = *state;
    struct kn_title *page, last = {0};
    size_t n, met = 0, most = 7;
    char seen[40] = {0};

    for (uint32_t i = 0; i < 40; i++) { /* names that repeat, over the ends of pages */
        struct kn_record r = {.title = {.id = id_of(i), .name = i % 3 ? "Same" : "äNOTHER"}};

        put(f, &r, 1);
    }
    for (bool first = true; n = 99, true; first = false) {
        assert_int_equal(
            kn_library_scroll(f->lib, first ? NULL : &last.id, most, f->arena, &page, &n, NULL),
            KN_OK);
        if (n == 0)
            break;
        assert_true(n <= most);
        for (size_t i = 0; i < n; last = page[i++], met++) {
            if (met > 0) {
                int names = strcasecmp(last.name, page[i].name);

                assert_true(strcmp(last.name, "äNOTHER") == 0 || names == 0);
                if (names == 0)
                    assert_true(memcmp(&last.id, &page[i].id, sizeof last.id) < 0);
            }
            for (uint32_t k = 0; k < 40; k++) {
                struct kn_id id = id_of(k);

                seen[k] = (char)(seen[k] + kn_id_eq(&id, &page[i].id));
            }
        }
    }
    assert_int_equal(met, 40);
    for (int k = 0; k < 40; k++)
        assert_int_equal(seen[k], 1);
    assert_int_equal(kn_library_scroll(f->lib, NULL, SIZE_MAX, f->arena, &page, &n, NULL), KN_OK);
    assert_int_equal(n, 40);
    struct kn_id unknown = id_of(404);
    assert_int_equal(kn_library_scroll(f->lib, &unknown, 5, f->arena, &page, &n, NULL),
                     KN_ENOTFOUND);
}

/* ---- stats ---- */

static void stats_count_and_changes_grow(void **state)
{
    struct fixture *f = *state;
    struct kn_library_stats a, b;
    struct kn_record r[5];

    set_model(f);
    for (uint32_t i = 0; i < 5; i++) {
        r[i] = some_record(f->arena, i, i);
        r[i].title.state = (enum kn_state)i;
    }
    a = stats_of(f);
    assert_int_equal(a.titles, 0);
    put(f, r, 5);
    b = stats_of(f);
    assert_int_equal(b.titles, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(b.by_state[i], 1);
    assert_int_equal(b.segments, 10);
    assert_int_equal(b.moments, 10);
    assert_same_number(b.duration, 300);
    assert_true(b.changes > a.changes);
    assert_int_equal(stats_of(f).changes, b.changes); /* looking changes nothing */
    assert_int_equal(kn_library_remove(f->lib, &r[0].title.id, 1, NULL), KN_OK);
    assert_true(stats_of(f).changes > b.changes);
    assert_int_equal(kn_library_check(f->lib, NULL), KN_OK);
}

/* ---- threads ---- */

struct readers {
    struct kn_library *lib;
    const float *vector;
    atomic_bool stop;
    atomic_int broken, reads;
};

/* A title is either of its two versions, whole. */
static bool is_whole(const struct kn_record *r)
{
    const char *version = r->title.name;
    size_t n = strcmp(version, "A") == 0 ? 6 : 2;

    if (r->n_segments != n || r->n_moments != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(r->segments[i].text, version) != 0 || strcmp(r->moments[i].text, version) != 0)
            return false;
    return true;
}

static void *read_until_stopped(void *arg)
{
    struct readers *x = arg;
    struct kn_id id = id_of(1);

    while (!atomic_load(&x->stop)) {
        struct kn_arena *arena = kn_arena_new(0);
        struct kn_record r;
        struct kn_hit hits[2];
        struct kn_title *titles;
        size_t n = 0;

        if (kn_library_get(x->lib, &id, KN_WITH_SEGMENTS | KN_WITH_MOMENTS | KN_WITH_VECTOR, arena,
                           &r, NULL) ||
            !is_whole(&r))
            atomic_fetch_add(&x->broken, 1);
        if (kn_library_similar(x->lib, x->vector, DIM, NULL, 2, hits, &n, NULL) || n != 1)
            atomic_fetch_add(&x->broken, 1);
        if (kn_library_find(x->lib, "A", KN_FIND_CLOSE, 3, arena, &titles, &n, NULL) || n != 1)
            atomic_fetch_add(&x->broken, 1);
        atomic_fetch_add(&x->reads, 1);
        kn_arena_free(arena);
    }
    return NULL;
}

static void readers_see_whole_titles_while_one_writes(void **state)
{
    struct fixture *f = *state;
    struct kn_record version[2] = {some_record(f->arena, 1, 6), some_record(f->arena, 1, 2)};
    struct readers x = {.lib = f->lib, .vector = version[0].vector};
    pthread_t reader[2];

    set_model(f);
    for (int v = 0; v < 2; v++) {
        version[v].title.name = v == 0 ? "A" : "B";
        for (size_t i = 0; i < version[v].n_moments; i++) {
            ((struct kn_segment *)version[v].segments)[i].text = version[v].title.name;
            ((struct kn_moment *)version[v].moments)[i].text = version[v].title.name;
        }
    }
    put(f, version, 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, read_until_stopped, &x), 0);
    for (int i = 0; i < 300 || atomic_load(&x.reads) < 100; i++)
        put(f, &version[i % 2], 1);
    atomic_store(&x.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(reader[i], NULL);
    assert_int_equal(atomic_load(&x.broken), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_comes_back_in_every_field),
        TEST(parts_not_asked_for_are_empty),
        TEST(putting_twice_changes_nothing),
        TEST(a_put_replaces_the_whole_title),
        TEST(of_one_title_twice_in_a_batch_the_last_counts),
        TEST(a_path_belongs_to_the_title_it_was_put_with_last),
        TEST(an_unknown_title_is_not_found_and_leaves_the_output),
        TEST(many_come_as_they_were_asked_for_or_not_at_all),
        TEST(removed_is_gone_and_unknown_ids_are_fine),
        TEST(a_batch_with_one_impossible_title_changes_nothing),
        TEST(find_exact_wants_the_whole_name_or_id),
        TEST(find_part_takes_any_case_accents_and_the_start_of_an_id),
        TEST(find_close_gives_the_least_edit_distance_first),
        TEST(scrolling_meets_every_title_once_in_order_of_name),
        TEST(stats_count_and_changes_grow),
        TEST(readers_see_whole_titles_while_one_writes),
    };

    return run_on_every_backend(tests, sizeof tests / sizeof *tests);
}
