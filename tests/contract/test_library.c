/* What library.h promises, asked of every backend: one test a promise, named after it. */
#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/library.h"

#include <ftw.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- backends ---- */

struct fixture {
    struct kn_library *lib;
    struct kn_arena *arena;
    char dir[64];
};

static struct kn_library *open_memory(struct fixture *f)
{
    struct kn_library *lib = NULL;

    (void)f;
    assert_int_equal(kn_library_open_memory(&lib, NULL), KN_OK);
    return lib;
}

static struct kn_library *open_local(struct fixture *f)
{
    const struct kn_library_options options = {.write = true, .create = true};
    struct kn_library *lib = NULL;
    struct kn_err err = {0};

    strcpy(f->dir, "/tmp/kinora-contract-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    if (kn_library_open_local(f->dir, &options, &lib, &err))
        fail_msg("%s", err.msg);
    return lib;
}

static const struct backend {
    const char *name;
    struct kn_library *(*open)(struct fixture *f);
} backends[] = {{"memory", open_memory}, {"local", open_local}}, *backend;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->arena = kn_arena_new(0);
    f->lib = backend->open(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kn_library_close(f->lib);
    kn_arena_free(f->arena);
    if (f->dir[0])
        nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* ---- titles ---- */

enum { DIM = 24 };

static uint32_t next_random(uint32_t *seed) /* Marsaglia's xorshift: the same titles every time */
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static double chance(uint32_t *seed)
{
    return next_random(seed) / 4294967296.0;
}

static struct kn_id id_of(uint32_t n)
{
    struct kn_hash h = {{0}};

    memcpy(h.b, &n, sizeof n);
    return kn_id_from_hash(&h);
}

static const float *unit_vector(struct kn_arena *a, uint32_t seed)
{
    float *v = kn_arena_array(a, DIM, sizeof *v);
    double square = 0;

    seed = seed * 2654435761u + 1;
    for (int i = 0; i < DIM; i++) {
        v[i] = (float)(chance(&seed) - 0.5);
        square += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)(v[i] / sqrt(square));
    return v;
}

/* A ready title with n segments and as many moments, all of whose contents follow from seed. */
static struct kn_record some_record(struct kn_arena *a, uint32_t number, size_t n)
{
    struct kn_segment *segments = kn_arena_array(a, n, sizeof *segments);
    struct kn_moment *moments = kn_arena_array(a, n, sizeof *moments);

    for (size_t i = 0; i < n; i++) {
        segments[i] = (struct kn_segment){
            1.5 * (double)i, 1.5 * (double)i + 1, kn_arena_printf(a, "line %zu of %u", i, number)};
        moments[i] = (struct kn_moment){.start = segments[i].start,
                                        .end = segments[i].end,
                                        .text = segments[i].text,
                                        .first_segment = (uint32_t)i,
                                        .segments = 1,
                                        .words = 4,
                                        .opinion = 0.25,
                                        .raw = unit_vector(a, 7000 + number),
                                        .vector =
                                            unit_vector(a, 9000 + 31 * number + (uint32_t)i)};
    }
    return (struct kn_record){.title = {.id = id_of(number),
                                        .name = kn_arena_printf(a, "Film %u", number),
                                        .state = KN_STATE_READY,
                                        .reason = "",
                                        .language = "en",
                                        .language_confidence = 0.75,
                                        .words_from = "speech",
                                        .duration = 60,
                                        .opinion = -0.5,
                                        .year = 1999},
                              .vector = unit_vector(a, number),
                              .segments = segments,
                              .n_segments = n,
                              .moments = moments,
                              .n_moments = n};
}

static void put(struct fixture *f, const struct kn_record *r, size_t n)
{
    struct kn_err err = {0};

    if (kn_library_put(f->lib, r, n, &err))
        fail_msg("%s", err.msg);
}

static struct kn_record get(struct fixture *f, struct kn_id id)
{
    struct kn_record r;
    struct kn_err err = {0};

    if (kn_library_get(f->lib, &id, KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                       f->arena, &r, &err))
        fail_msg("%s", err.msg);
    return r;
}

static void set_model(struct fixture *f)
{
    assert_int_equal(kn_library_set_model(f->lib, "test-model", DIM, NULL), KN_OK);
}

static struct kn_library_stats stats_of(struct fixture *f)
{
    struct kn_library_stats s;

    assert_int_equal(kn_library_get_stats(f->lib, &s, NULL), KN_OK);
    return s;
}

static void assert_same_number(double a, double b)
{
    if (!(isnan(a) && isnan(b)) && a != b)
        fail_msg("%.17g is not %.17g", a, b);
}

static void assert_same_vector(const float *a, const float *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_memory_equal(a, b, DIM * sizeof *a);
}

static void assert_same_title(const struct kn_title *a, const struct kn_title *b)
{
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->reason, b->reason);
    assert_string_equal(a->language, b->language);
    assert_same_number(a->language_confidence, b->language_confidence);
    assert_string_equal(a->words_from, b->words_from);
    assert_same_number(a->duration, b->duration);
    assert_same_number(a->opinion, b->opinion);
    assert_int_equal(a->year, b->year);
    assert_int_equal(a->n_paths, b->n_paths);
    for (size_t i = 0; i < a->n_paths; i++)
        assert_string_equal(a->paths[i], b->paths[i]);
}

static void assert_same_record(const struct kn_record *a, const struct kn_record *b)
{
    assert_same_title(&a->title, &b->title);
    assert_same_vector(a->vector, b->vector);
    assert_int_equal(a->n_segments, b->n_segments);
    for (size_t i = 0; i < a->n_segments; i++) {
        assert_same_number(a->segments[i].start, b->segments[i].start);
        assert_same_number(a->segments[i].end, b->segments[i].end);
        assert_string_equal(a->segments[i].text, b->segments[i].text);
    }
    assert_int_equal(a->n_moments, b->n_moments);
    for (size_t i = 0; i < a->n_moments; i++) {
        const struct kn_moment *x = &a->moments[i], *y = &b->moments[i];

        assert_same_number(x->start, y->start);
        assert_same_number(x->end, y->end);
        assert_string_equal(x->text, y->text);
        assert_int_equal(x->first_segment, y->first_segment);
        assert_int_equal(x->segments, y->segments);
        assert_int_equal(x->words, y->words);
        assert_same_number(x->opinion, y->opinion);
        assert_same_vector(x->vector, y->vector);
        assert_same_vector(x->raw, y->raw);
    }
}

/* ---- put, get, remove ---- */

static void what_is_put_comes_back_in_every_field(void **state)
{
    struct fixture *f = *state;
    struct kn_record r[4];
    const char *paths[] = {"/films/b.mp4", "/films/\xEF\x9E\x80 \"quoted\"\n.mp4"};
    char *huge = kn_arena_get(f->arena, 3 << 20);
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
    r[1].title.name = huge;
    r[2] = (struct kn_record){.title = {.id = id_of(2),
                                        .name = "",
                                        .state = KN_STATE_FAILED,
                                        .reason = "moov atom not found",
                                        .language = "",
                                        .words_from = "",
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
    assert_int_equal(
        kn_library_get(f->lib, &r.title.id, KN_WITH_MOMENTS, f->arena, &back, NULL), KN_OK);
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
    const char *names[] = {"The Last Café", "Amélie", "amelie 2", "CAFÉ", "Straße"};
    char id[KN_ID_TEXT];
    struct kn_id two = id_of(2);
    struct kn_title *t;

    put_names(f, names, 5);
    assert_int_equal(find(f, "cafe", KN_FIND_PART, 10, &t), 2);
    assert_string_equal(t[0].name, "CAFÉ"); /* the whole name before a part of one */
    assert_string_equal(t[1].name, "The Last Café");
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
        assert_int_equal(kn_library_scroll(f->lib, first ? NULL : &last.id, most, f->arena, &page,
                                           &n, NULL),
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
                better += n > 0 &&
                          cosine(v, r[i].moments[j].vector) > hits[n - 1].similarity + NEAR;
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(removed_is_gone_and_unknown_ids_are_fine),
        TEST(a_batch_with_one_impossible_title_changes_nothing),
        TEST(find_exact_wants_the_whole_name_or_id),
        TEST(find_part_takes_any_case_accents_and_the_start_of_an_id),
        TEST(find_close_gives_the_least_edit_distance_first),
        TEST(scrolling_meets_every_title_once_in_order_of_name),
        TEST(similar_is_the_best_of_what_matches_under_every_filter),
        TEST(moments_are_the_best_of_what_matches_under_every_filter),
        TEST(equals_come_in_order_of_id_then_moment),
        TEST(what_was_changed_is_found_as_it_is_now),
        TEST(vectors_of_another_dimension_are_refused),
        TEST(under_another_model_titles_are_pending_until_it_is_back),
        TEST(stats_count_and_changes_grow),
        TEST(readers_see_whole_titles_while_one_writes),
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        backend = &backends[i];
        failed += cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
    }
    return failed;
}
