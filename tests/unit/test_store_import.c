/* One test a promise of store.h about titles without files, named after it. */
#include "store_fixture.h"

static struct kn_imported text_of(int identity, int key, const char *name)
{
    return (struct kn_imported){.identity = hash(identity),
                                .key = hash(key),
                                .name = name,
                                .given = {"Heat.MP4", " Hello  there.\nGood bye. "},
                                .genres = "Drama, Western",
                                .year = 1957,
                                .words = {.segments = two_segments,
                                          .n_segments = 2,
                                          .language = "en",
                                          .words_from = "import",
                                          .reason = "",
                                          .language_confidence = 1}};
}

static struct kn_id id_of(int identity)
{
    const struct kn_hash h = hash(identity);

    return kn_id_from_hash(&h);
}

static void an_imported_title_has_words_and_no_path(void **state)
{
    struct fixture *f = *state;
    struct kn_imported t = text_of(1, 2, "Heat");
    struct kn_record r;

    assert_int_equal(kn_store_import(f->lib, &t, 1, NULL), KN_OK);
    assert_true(t.added && t.changed);
    r = get(f, id_of(1));
    assert_string_equal(r.title.name, "Heat");
    assert_int_equal(r.title.state, KN_STATE_PENDING);
    assert_string_equal(r.title.words_from, "import");
    assert_string_equal(r.title.genres, "Drama, Western");
    assert_int_equal(r.title.year, 1957);
    assert_int_equal(r.title.n_paths, 0);
    assert_int_equal(r.n_segments, 2);
    assert_int_equal(key_of(f, id_of(1), KN_STAGE_WORDS), 2);
    begin_scan(f);
    assert_int_equal(end_scan(f, "/"), 0); /* it has no path that could be gone */
}

static void a_title_is_given_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct kn_imported t[] = {text_of(1, 2, "Heat"), text_of(3, 4, "Failed")};
    struct kn_id a = id_of(1), failed = id_of(3), film = see(f, "/films/a.mp4", 9, "a");
    struct kn_library *reader;
    struct kn_given given;
    bool found = false;

    t[1].failed = "Error";
    t[1].given = (struct kn_given){"", " Error"};
    assert_int_equal(kn_store_import(f->lib, t, 2, NULL), KN_OK);
    assert_int_equal(kn_library_open_local(f->dir, NULL, &reader, NULL), KN_OK);
    assert_int_equal(kn_store_given(reader, &a, f->arena, &found, &given, NULL), KN_OK);
    kn_library_close(reader);
    assert_true(found);
    assert_string_equal(given.file, "Heat.MP4");
    assert_string_equal(given.text, " Hello  there.\nGood bye. ");
    assert_int_equal(kn_store_given(f->lib, &failed, f->arena, &found, &given, NULL), KN_OK);
    assert_true(found);
    assert_string_equal(given.text, " Error");
    assert_int_equal(kn_store_given(f->lib, &film, f->arena, &found, &given, NULL), KN_OK);
    assert_false(found);
    assert_int_equal(kn_store_redo(f->lib, &a, KN_STAGE_WORDS, NULL), KN_OK);
    assert_int_equal(kn_store_given(f->lib, &a, f->arena, &found, &given, NULL), KN_OK);
    assert_false(found);
}

static void importing_again_changes_nothing_unless_the_key_is_another(void **state)
{
    struct fixture *f = *state;
    struct kn_imported t = text_of(1, 11, "Heat");
    const struct kn_id id = id_of(1);

    assert_int_equal(kn_store_import(f->lib, &t, 1, NULL), KN_OK);
    assert_int_equal(commit_vectors(f->lib, &id, 12, east), KN_OK);
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
    assert_int_equal(kn_store_import(f->lib, &t, 1, NULL), KN_OK);
    assert_false(t.added || t.changed);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
    t.key = hash(14);
    t.words.language = "es";
    assert_int_equal(kn_store_import(f->lib, &t, 1, NULL), KN_OK);
    assert_true(!t.added && t.changed);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_string_equal(get(f, id).title.language, "es");
    assert_int_equal(get(f, id).n_moments, 0);
}

static void a_failure_and_a_text_without_words_keep_their_reasons(void **state)
{
    struct fixture *f = *state;
    struct kn_imported t[] = {text_of(1, 2, "Heat"), text_of(3, 4, "Heat")};

    t[0].failed = "Error: no audio";
    t[0].words = (struct kn_words){.language = "", .words_from = "", .reason = ""};
    t[1].words = (struct kn_words){.language = "", .words_from = "", .reason = "no words"};
    assert_int_equal(kn_store_import(f->lib, t, 2, NULL), KN_OK);
    assert_int_equal(state_of(f, id_of(1)), KN_STATE_FAILED);
    assert_string_equal(get(f, id_of(1)).title.reason, "Error: no audio");
    assert_int_equal(state_of(f, id_of(3)), KN_STATE_SILENT);
    assert_string_equal(get(f, id_of(3)).title.reason, "no words");
    assert_int_equal(kn_store_import(f->lib, t, 2, NULL), KN_OK);
    assert_false(t[0].changed || t[1].changed);
}

static void all_or_none_are_imported(void **state)
{
    struct fixture *f = *state;
    struct kn_imported t[] = {text_of(1, 2, "Heat"), text_of(3, 4, "Ran")};
    struct kn_library_stats s;

    t[1].words.language = "a-tag-that-is-much-too-long";
    assert_int_equal(kn_store_import(f->lib, t, 2, NULL), KN_EARG);
    assert_int_equal(kn_library_get_stats(f->lib, &s, NULL), KN_OK);
    assert_int_equal(s.titles, 0);
}

static void staged_are_those_with_words_and_what_they_have(void **state)
{
    struct fixture *f = *state;
    struct kn_imported t[] = {text_of(1, 2, "Ran"), text_of(3, 4, "Heat"), text_of(5, 6, "Failed"),
                              text_of(7, 8, "Silent")};
    struct kn_id gone = see(f, "/films/gone.mp4", 9, "gone"), fresh;
    const struct kn_id ran = id_of(1);
    const struct kn_hash zeros = {{0}};
    struct kn_staged *staged;
    size_t n;

    t[2].failed = "Error";
    t[3].words = (struct kn_words){.language = "", .words_from = "", .reason = "no words"};
    make_ready(f, gone);
    fresh = see(f, "/films/fresh.mp4", 19, "fresh");
    assert_int_equal(commit_probe(f->lib, &fresh, 1), KN_OK);
    begin_scan(f);
    assert_int_equal(end_scan(f, "/films"), 2);
    assert_int_equal(kn_store_import(f->lib, t, 4, NULL), KN_OK);
    assert_int_equal(commit_vectors(f->lib, &ran, 12, east), KN_OK);
    assert_int_equal(kn_store_staged(f->lib, f->arena, &staged, &n, NULL), KN_OK);
    assert_int_equal(n, 2);
    assert_string_equal(staged[0].name, "Heat");
    assert_string_equal(staged[1].name, "Ran");
    assert_memory_equal(&staged[1].id, &ran, sizeof ran);
    assert_int_equal(staged[1].words.b[0], 2);
    assert_int_equal(staged[1].vectors.b[0], 12);
    assert_memory_equal(&staged[1].opinion, &zeros, sizeof zeros);
    assert_memory_equal(&staged[0].vectors, &zeros, sizeof zeros);
}

static void the_scorer_is_kept(void **state)
{
    struct fixture *f = *state;
    struct kn_library *reader;
    char name[32] = "x";

    assert_int_equal(kn_store_scorer(f->lib, name, NULL), KN_OK);
    assert_string_equal(name, "");
    assert_int_equal(kn_store_set_scorer(f->lib, "lexicon", NULL), KN_OK);
    assert_int_equal(kn_store_set_scorer(f->lib, "a name of more than 31 letters is", NULL),
                     KN_EARG);
    assert_int_equal(kn_library_open_local(f->dir, NULL, &reader, NULL), KN_OK);
    assert_int_equal(kn_store_scorer(reader, name, NULL), KN_OK);
    assert_string_equal(name, "lexicon");
    assert_int_equal(kn_store_set_scorer(reader, "probe", NULL), KN_EARG);
    kn_library_close(reader);
}

static void titles_without_an_opinion_are_counted(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a"), b = see(f, "/films/b.mp4", 2, "b");
    const struct kn_hash key = hash(13);
    const double none[] = {NAN, NAN};
    size_t ready = 7, without = 7;

    make_ready(f, a);
    make_ready(f, b);
    assert_int_equal(kn_store_commit_opinion(f->lib, &b, &key, "lexicon", 1, none, 2, NAN, NULL),
                     KN_OK);
    assert_int_equal(kn_store_count_opinions(f->lib, &ready, &without, NULL), KN_OK);
    assert_int_equal(ready, 2);
    assert_int_equal(without, 1);
    assert_string_equal(get(f, b).title.scorer, "lexicon");
    assert_int_equal(get(f, a).title.scorer_version, 3);
    assert_int_equal(get(f, b).title.scorer_version, 1);
    assert_int_equal(kn_store_redo(f->lib, &b, KN_STAGE_OPINION, NULL), KN_OK);
    assert_int_equal(get(f, b).title.scorer_version, 0);
    assert_true(isnan(get(f, b).title.opinion));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_imported_title_has_words_and_no_path),
        TEST(a_title_is_given_back_as_it_was_given),
        TEST(importing_again_changes_nothing_unless_the_key_is_another),
        TEST(a_failure_and_a_text_without_words_keep_their_reasons),
        TEST(all_or_none_are_imported),
        TEST(staged_are_those_with_words_and_what_they_have),
        TEST(the_scorer_is_kept),
        TEST(titles_without_an_opinion_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
