/* The public API over a library that was put together by hand: no model, no film. */
#include <kinora/kinora.h>

#include "../support/remove_folder.h"
#include "base/err.h"
#include "library/library.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DIM = 4, REELS = 25, MAX_FILMS = 64 };

struct film {
    const char *name, *language;
    enum kn_state state;
    float vector[DIM]; /* of unit length */
    bool gone;         /* has no path */
};

static const struct film films[] = {
    {"Alien", "en", KN_STATE_READY, {1, 0, 0, 0}, false},
    {"Aliens", "en", KN_STATE_READY, {0.8F, 0.6F, 0, 0}, false},
    {"Station", "", KN_STATE_READY, {1, 0, 0, 0}, false},
    {"The Long Way", "en", KN_STATE_READY, {0.6F, 0.8F, 0, 0}, false},
    {"The Long Way", "en", KN_STATE_MISSING, {0}, true},
    {"Sol", "es-MX", KN_STATE_READY, {0.8F, 0, 0.6F, 0}, false},
    {"Nowhere", "fr", KN_STATE_READY, {0, 0, 0, 1}, false},
    {"Waiting", "en", KN_STATE_PENDING, {0}, false},
    {"Broken", "", KN_STATE_FAILED, {0}, false},
};
enum { FILMS = sizeof films / sizeof *films, ALIEN = 0, WAITING = 7, BROKEN = 8 };

struct fixture {
    char dir[64];
    struct kinora *k;
};

static struct kn_id id_of(size_t n)
{
    return (struct kn_id){{0xA0, (unsigned char)n, 0x11, 0, 0, 0, 0x50, 0, 0x80}};
}

static struct kn_title title(size_t n, const char *name, const char *language, enum kn_state state)
{
    return (struct kn_title){.id = id_of(n),
                             .name = name,
                             .state = state,
                             .reason = state == KN_STATE_FAILED ? "no sound in it" : "",
                             .language = language,
                             .words_from = state == KN_STATE_READY ? "speech" : "",
                             .duration = 60,
                             .opinion = state == KN_STATE_READY ? 0.1 : (double)NAN,
                             .scorer = state == KN_STATE_READY ? "probe" : ""};
}

static void fill(struct kn_library *lib)
{
    static const struct kn_segment segment = {1, 2, "In space no one can hear you."};
    struct kn_record records[MAX_FILMS] = {0};
    struct kn_moment moments[FILMS] = {0};
    char names[REELS][16], files[MAX_FILMS][32];
    const char *paths[MAX_FILMS];
    struct kn_err err = {0};

    for (size_t i = 0; i < FILMS + REELS; i++) {
        struct kn_record *r = &records[i];

        snprintf(files[i], sizeof files[i], "/films/%zu.mp4", i);
        paths[i] = files[i];
        if (i >= FILMS) {
            snprintf(names[i - FILMS], sizeof *names, "Reel %02zu", i - FILMS);
            r->title = title(i, names[i - FILMS], "", KN_STATE_SILENT);
        } else {
            r->title = title(i, films[i].name, films[i].language, films[i].state);
        }
        if (i >= FILMS || !films[i].gone) {
            r->title.paths = &paths[i];
            r->title.n_paths = 1;
        }
        if (r->title.state != KN_STATE_READY)
            continue;
        moments[i] = (struct kn_moment){.start = 1,
                                        .end = 2,
                                        .text = segment.text,
                                        .segments = 1,
                                        .words = 7,
                                        .raw = films[i].vector,
                                        .vector = films[i].vector};
        r->vector = films[i].vector;
        r->segments = &segment;
        r->moments = &moments[i];
        r->n_segments = r->n_moments = 1;
    }
    assert_int_equal(kn_library_set_model(lib, "by-hand", DIM, NULL), KN_OK);
    if (kn_library_put(lib, records, FILMS + REELS, &err))
        fail_msg("%s", err.msg);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct kn_library *lib = NULL;

    strcpy(f->dir, "/tmp/kinora-test-api-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(
        kn_library_open_local(f->dir, &(struct kn_library_options){.write = true, .create = true},
                              &lib, NULL),
        KN_OK);
    fill(lib);
    kn_library_close(lib);
    assert_int_equal(kinora_open(&(struct kinora_options){.library = f->dir}, &f->k, NULL), KN_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kinora_close(f->k);
    remove_folder(f->dir);
    free(f);
    return 0;
}

/* ---- find ---- */

static void assert_means(struct fixture *f, const char *text, size_t film)
{
    struct kinora_titles *t = NULL;
    struct kn_err err = {0};
    struct kn_id id = id_of(film);

    if (kinora_find(f->k, text, &t, &err))
        fail_msg("'%s': %s", text, err.msg);
    assert_int_equal(t->n, 1);
    assert_memory_equal(&t->titles[0].id, &id, sizeof id);
    kinora_titles_free(t);
}

static void a_title_is_found_by_name_part_id_and_file_name(void **state)
{
    struct fixture *f = *state;

    assert_means(f, "Alien", 0);
    assert_means(f, "NOWH", 6);
    assert_means(f, "a00211", 2);
    assert_means(f, "A0031100-0000-5000-8000-000000000000", 3);
    assert_means(f, "films/Sol.mp4", 5);
    assert_means(f, "broken.mkv", 8);
}

static void a_whole_name_wins_over_a_part_of_another(void **state)
{
    assert_means(*state, "alien", 0);
    assert_means(*state, "  ALIENS ", 1);
    assert_means(*state, "folder/alien.mp4", 0);
}

static void a_name_means_the_title_that_is_there(void **state)
{
    assert_means(*state, "The Long Way", 3);
    assert_means(*state, "long way", 3);
}

static void several_are_listed(void **state)
{
    struct fixture *f = *state;
    struct kinora_titles *t = NULL;
    struct kn_err err = {0};

    assert_int_equal(kinora_find(f->k, "alie", &t, &err), KN_EARG);
    assert_int_equal(t->n, 2);
    assert_string_equal(t->titles[0].name, "Alien");
    assert_string_equal(t->titles[1].name, "Aliens");
    assert_string_equal(err.msg, "'alie' means several titles; give more of the name, or an id");
    kinora_titles_free(t);
}

static void it_is_said_when_there_are_more_than_are_listed(void **state)
{
    struct fixture *f = *state;
    struct kinora_titles *t = NULL;
    struct kn_err err = {0};

    assert_int_equal(kinora_find(f->k, "reel", &t, &err), KN_EARG);
    assert_int_equal(t->n, 20);
    assert_string_equal(t->titles[19].name, "Reel 19");
    assert_string_equal(err.msg, "'reel' means more than 20 titles, of which 20 are listed; give "
                                 "more of the name, or an id");
    kinora_titles_free(t);
}

static void none_gives_the_closest_names(void **state)
{
    struct fixture *f = *state;
    struct kinora_titles *t = NULL;
    struct kn_err err = {0};

    assert_int_equal(kinora_find(f->k, "Stetion", &t, &err), KN_ENOTFOUND);
    assert_string_equal(err.msg, "Movie 'Stetion' not found in the dataset.");
    assert_string_equal(t->titles[0].name, "Station");
    kinora_titles_free(t);
}

/* Of unit repeated to so many bytes. */
static void assert_not_found_is_whole(struct fixture *f, const char *unit, size_t bytes,
                                      bool literal)
{
    static const char end[] = "' not found in the dataset.";
    char name[4096] = "", wanted[5000];
    struct kinora_titles *t = NULL;
    struct kn_err err = {0};

    while (strlen(name) + strlen(unit) <= bytes)
        strcat(name, unit);
    assert_int_equal(kinora_find(f->k, name, &t, &err), KN_ENOTFOUND);
    kinora_titles_free(t);
    assert_int_equal(strncmp(err.msg, "Movie '", 7), 0);
    assert_string_equal(err.msg + strlen(err.msg) - strlen(end), end);
    snprintf(wanted, sizeof wanted, "Movie '%s' not found in the dataset.", name);
    assert_int_equal(strcmp(err.msg, wanted) == 0, literal);
}

static void a_long_name_leaves_the_sentence_whole(void **state)
{
    assert_not_found_is_whole(*state, "x", 200, true);
    assert_not_found_is_whole(*state, "x", 250, false);
    assert_not_found_is_whole(*state, "x", 4000, false);
    assert_not_found_is_whole(*state, "\xE6\x98\xA0", 4000, false);
    assert_not_found_is_whole(*state, "a\xE6\x98\xA0", 301, false);
}

/* ---- recommend ---- */

static int recommend(struct fixture *f, size_t film, const char *language, size_t limit,
                     struct kinora_answer **a, struct kn_err *err)
{
    const struct kinora_query query = {.limit = limit, .language = language};
    struct kn_id id = id_of(film);

    return kinora_recommend(f->k, &id, &query, a, err);
}

/* names: in order, joined by '|'. */
static void assert_recommends(struct fixture *f, const char *language, const char *names)
{
    struct kinora_answer *a = NULL;
    struct kn_err err = {0};
    char got[256] = "";

    if (recommend(f, ALIEN, language, 10, &a, &err))
        fail_msg("language '%s': %s", language, err.msg);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->recommendations[i].rank, i + 1);
        assert_string_equal(a->recommendations[i].match.text, "In space no one can hear you.");
        strcat(strcat(got, i ? "|" : ""), a->recommendations[i].title.name);
    }
    assert_string_equal(got, names);
    kinora_answer_free(a);
}

static void the_same_language_comes_before_an_unknown_one(void **state)
{
    /* Station is the most alike, but nobody knows what is spoken in it. */
    assert_recommends(*state, NULL, "Aliens|The Long Way|Station");
    assert_recommends(*state, "same", "Aliens|The Long Way|Station");
}

static void languages_are_chosen(void **state)
{
    assert_recommends(*state, "any", "Station|Aliens|Sol|The Long Way|Nowhere");
    assert_recommends(*state, "es", "Sol");
    assert_recommends(*state, "fr,es", "Sol|Nowhere");
    assert_recommends(*state, " fr , es ", "Sol|Nowhere");
    assert_recommends(*state, "ja", "");
}

static void a_list_may_be_long_and_parted_by_spaces(void **state)
{
    enum { ENTRIES = 2000 };
    char *list = calloc(ENTRIES, 3);

    for (int i = 0; i < ENTRIES; i++)
        strcpy(list + 3 * i, i + 1 < ENTRIES ? "xx " : "es");
    assert_recommends(*state, list, "Sol");
    free(list);
}

static void wrong_questions_are_refused(void **state)
{
    struct fixture *f = *state;
    struct kinora_answer *a = NULL;
    struct kn_err err = {0};

    assert_int_equal(recommend(f, ALIEN, ",,", 3, &a, &err), KN_EARG);
    assert_string_equal(err.msg, "language ',,': give same, any, or tags such as en or es,en");
    assert_int_equal(recommend(f, ALIEN, "e!", 3, &a, &err), KN_EARG);
    assert_int_equal(recommend(f, ALIEN, NULL, 10001, &a, &err), KN_EARG);
    assert_int_equal(recommend(f, WAITING, NULL, 3, &a, &err), KN_EARG);
    assert_string_equal(err.msg, "'Waiting' cannot be compared: it is pending");
    assert_int_equal(recommend(f, BROKEN, NULL, 3, &a, &err), KN_EARG);
    assert_string_equal(err.msg, "'Broken' cannot be compared: it is failed: no sound in it");
    assert_int_equal(recommend(f, 200, NULL, 3, &a, &err), KN_ENOTFOUND);
    assert_null(a);
}

/* ---- list, show, doctor ---- */

static void assert_lists(struct fixture *f, const char *wanted, size_t n)
{
    struct kinora_titles *t = NULL;

    assert_int_equal(kinora_list(f->k, wanted, &t, NULL), KN_OK);
    assert_int_equal(t->n, n);
    for (size_t i = 0; wanted && *wanted && i < t->n; i++)
        assert_string_equal(kinora_state_name(t->titles[i].state), wanted);
    kinora_titles_free(t);
}

static void titles_are_listed_by_state(void **state)
{
    struct kinora_titles *t = NULL;

    assert_lists(*state, NULL, FILMS + REELS);
    assert_lists(*state, "", FILMS + REELS);
    assert_lists(*state, "ready", 6);
    assert_lists(*state, "pending", 1);
    assert_lists(*state, "failed", 1);
    assert_lists(*state, "silent", REELS);
    assert_lists(*state, "missing", 1);
    assert_int_equal(kinora_list(((struct fixture *)*state)->k, "lost", &t, NULL), KN_EARG);
    assert_null(t);
}

static void a_title_is_shown_with_its_words(void **state)
{
    struct fixture *f = *state;
    struct kinora_details *d = NULL;
    struct kn_id id = id_of(ALIEN), nobody = id_of(200);

    assert_int_equal(kinora_show(f->k, &nobody, &d, NULL), KN_ENOTFOUND);
    assert_null(d);
    assert_int_equal(kinora_show(f->k, &id, &d, NULL), KN_OK);
    assert_string_equal(d->record.title.name, "Alien");
    assert_string_equal(d->transcript, "In space no one can hear you.");
    assert_int_equal(d->record.n_segments, 1);
    assert_int_equal(d->record.n_moments, 1);
    kinora_details_free(d);
}

static const struct kinora_finding *finding(const struct kinora_report *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->findings[i].name, name) == 0)
            return &r->findings[i];
    }
    fail_msg("doctor says nothing of %s", name);
    return NULL;
}

static void the_doctor_finds_nothing_where_nothing_is(void **state)
{
    struct fixture *f = *state;
    struct kinora_report *r = NULL;
    char library[96], models[96];

    snprintf(library, sizeof library, "%s/none", f->dir);
    snprintf(models, sizeof models, "%s/no-models", f->dir);
    assert_int_equal(
        kinora_doctor(&(struct kinora_options){.library = library, .models = models}, &r, NULL),
        KN_OK);
    assert_int_equal(r->worst, KINORA_BAD);
    assert_int_equal(finding(r, "cpu")->health, KINORA_GOOD);
    assert_int_equal(finding(r, "library")->health, KINORA_WARNING);
    assert_non_null(strstr(finding(r, "library")->text, library));
    assert_int_equal(finding(r, "model whisper-base-q8_0")->health, KINORA_BAD);
    assert_non_null(strstr(finding(r, "model whisper-base-q8_0")->text, "make models"));
    assert_int_equal(access(library, F_OK), -1); /* looking makes nothing */
    kinora_report_free(r);
}

static void the_doctor_accepts_the_model_that_serves_instead(void **state)
{
    struct fixture *f = *state;
    struct kinora_report *r = NULL;
    char library[96], models[96], path[128];
    FILE *file;

    snprintf(library, sizeof library, "%s/none", f->dir);
    snprintf(models, sizeof models, "%s/models", f->dir);
    snprintf(path, sizeof path, "%s/ggml-base.bin", models);
    assert_int_equal(mkdir(models, 0700), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 147951465), 0); /* a hole; its own finding says BAD */
    fclose(file);
    assert_int_equal(
        kinora_doctor(&(struct kinora_options){.library = library, .models = models}, &r, NULL),
        KN_OK);
    assert_int_equal(finding(r, "model whisper-base-q8_0")->health, KINORA_WARNING);
    assert_non_null(strstr(finding(r, "model whisper-base-q8_0")->text, "whisper-base is used"));
    assert_int_equal(finding(r, "model whisper-base")->health, KINORA_BAD);
    kinora_report_free(r);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(models), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_title_is_found_by_name_part_id_and_file_name),
        TEST(a_whole_name_wins_over_a_part_of_another),
        TEST(a_name_means_the_title_that_is_there),
        TEST(several_are_listed),
        TEST(it_is_said_when_there_are_more_than_are_listed),
        TEST(none_gives_the_closest_names),
        TEST(a_long_name_leaves_the_sentence_whole),
        TEST(the_same_language_comes_before_an_unknown_one),
        TEST(languages_are_chosen),
        TEST(a_list_may_be_long_and_parted_by_spaces),
        TEST(wrong_questions_are_refused),
        TEST(titles_are_listed_by_state),
        TEST(a_title_is_shown_with_its_words),
        TEST(the_doctor_finds_nothing_where_nothing_is),
        TEST(the_doctor_accepts_the_model_that_serves_instead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
