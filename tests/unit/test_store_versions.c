/* Facts of paths, and titles that are versions of one film: the parts of store.h behind kn_seen.facts, join and split. */
#include "store_fixture.h"

static struct kn_facts facts(int key, const char *ids)
{
    return (struct kn_facts){.called = "",
                             .genres = "",
                             .plot = "",
                             .kind = "",
                             .ids = ids,
                             .poster = "",
                             .key = hash(key)};
}

static struct kn_id see_with(struct fixture *f, const char *path, int content,
                             const struct kn_facts *told)
{
    struct kn_seen seen = file_at(path, 1000, 5);
    struct kn_hash h = hash(content);
    struct kn_err err = {0};
    struct kn_id id;

    seen.facts = told;
    if (kn_store_see(f->lib, &seen, &h, path + 1, told->year, &id, &err))
        fail_msg("%s", err.msg);
    return id;
}

static bool known_with(struct fixture *f, const char *path, const struct kn_facts *told)
{
    struct kn_seen seen = file_at(path, 1000, 5);
    struct kn_hash identity;
    struct kn_id id;
    bool yes;

    seen.facts = told;
    assert_int_equal(kn_store_known(f->lib, &seen, &yes, &identity, &id, NULL), KN_OK);
    return yes;
}

static struct kn_standing standing(struct fixture *f, struct kn_id id)
{
    struct kn_standing s;

    assert_int_equal(kn_store_standing(f->lib, &id, f->arena, &s, NULL), KN_OK);
    return s;
}

static size_t titles(struct fixture *f)
{
    struct kn_library_stats stats;

    assert_int_equal(kn_library_get_stats(f->lib, &stats, NULL), KN_OK);
    return stats.titles;
}

static bool answers_for(struct fixture *f, const char *path, struct kn_id id)
{
    struct kn_id lead;
    bool found, apart;

    assert_int_equal(kn_store_at(f->lib, path, &found, &lead, &apart, NULL), KN_OK);
    return found && kn_id_eq(&lead, &id);
}

static void facts_come_from_the_first_path_that_has_them(void **state)
{
    struct fixture *f = *state;
    struct kn_facts b = facts(1, "tmdb:7"), a = facts(2, "imdb:tt1");
    struct kn_facts told;
    struct kn_id id;

    b.called = "From b";
    b.plot = "Plot of b";
    a.called = "From a";
    a.year = 1950;
    see_with(f, "/b", 1, &b);
    id = see_with(f, "/a", 1, &a);
    assert_int_equal(kn_store_facts(f->lib, &id, f->arena, &told, NULL), KN_OK);
    assert_string_equal(told.called, "From a");
    assert_string_equal(told.plot, "Plot of b");
    assert_string_equal(told.ids, "imdb:tt1 tmdb:7");
    assert_int_equal(told.year, 1950);
    assert_int_equal(get(f, id).title.year, 1950);
}

static void a_path_with_other_facts_is_not_known(void **state)
{
    struct fixture *f = *state;
    struct kn_facts one = facts(1, ""), other = facts(2, "");

    see_with(f, "/a", 1, &one);
    assert_true(known_with(f, "/a", &one));
    assert_false(known_with(f, "/a", &other));
    assert_true(known(f, "/a", 1000, 5)); /* who does not look for facts */
}

static void titles_with_one_id_are_joined_and_what_has_words_leads(void **state)
{
    struct fixture *f = *state;
    struct kn_facts told = facts(1, "tmdb:7");
    struct kn_id b = see_with(f, "/b", 1, &told), a;

    make_ready(f, b);
    a = see_with(f, "/a", 2, &told);
    assert_true(answers_for(f, "/a", b) && answers_for(f, "/b", b));
    assert_int_equal(titles(f), 1);
    assert_int_equal(get(f, b).title.n_paths, 2);
    assert_true(standing(f, a).joined);
    assert_int_equal(standing(f, b).n_paths, 1);
}

static void without_words_the_first_path_leads(void **state)
{
    struct fixture *f = *state;
    struct kn_facts one = facts(1, "tmdb:7"), both = facts(2, "imdb:tt1 tmdb:7"),
                    last = facts(3, "imdb:tt1");
    struct kn_id a;

    see_with(f, "/c", 1, &one);
    a = see_with(f, "/a", 2, &both);
    see_with(f, "/b", 3, &last); /* shares an id with one of them only */
    assert_true(answers_for(f, "/a", a) && answers_for(f, "/b", a) && answers_for(f, "/c", a));
    assert_int_equal(titles(f), 1);
}

static void a_film_is_missing_when_all_its_versions_are(void **state)
{
    struct fixture *f = *state;
    struct kn_facts told = facts(1, "tmdb:7");
    struct kn_id a = see_with(f, "/x/a", 1, &told);

    see_with(f, "/x/b", 2, &told);
    make_ready(f, a);
    begin_scan(f);
    assert_true(known_with(f, "/x/b", &told));
    assert_int_equal(end_scan(f, "/x"), 0);
    assert_int_equal(state_of(f, a), KN_STATE_READY);
    begin_scan(f);
    assert_int_equal(end_scan(f, "/x"), 1);
    assert_int_equal(state_of(f, a), KN_STATE_MISSING);
    see_with(f, "/x/b", 2, &told);
    assert_int_equal(state_of(f, a), KN_STATE_READY);
}

static void a_version_that_goes_is_no_film_that_goes(void **state)
{
    struct fixture *f = *state;
    struct kn_facts told = facts(1, "tmdb:7");
    struct kn_id a = see_with(f, "/x/a", 1, &told), b = see_with(f, "/x/b", 2, &told);
    size_t n;

    make_ready(f, a);
    begin_scan(f);
    assert_true(known_with(f, "/x/a", &told));
    assert_int_equal(end_scan(f, "/x"), 0);
    assert_int_equal(kn_store_split(f->lib, &a, &n, NULL), KN_OK);
    assert_int_equal(state_of(f, b), KN_STATE_MISSING);
    assert_string_equal(get(f, b).title.reason, "no file at '/x/b' any more");
    assert_int_equal(state_of(f, a), KN_STATE_READY);
}

static void a_text_without_a_file_keeps_its_name_and_is_never_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_imported text = {.identity = hash(30),
                               .key = hash(31),
                               .name = "Plot",
                               .genres = "Drama",
                               .words = {.segments = two_segments,
                                         .n_segments = 2,
                                         .language = "en",
                                         .words_from = "import",
                                         .reason = ""}};
    struct kn_id film = see(f, "/a", 1, "Film"), id;
    size_t n;

    assert_int_equal(kn_store_import(f->lib, &text, 1, NULL), KN_OK);
    id = kn_id_from_hash(&text.identity);
    assert_int_equal(kn_store_join(f->lib, &id, &film, true, NULL), KN_OK);
    assert_string_equal(get(f, id).title.name, "Plot");
    assert_string_equal(get(f, id).title.genres, "Drama");
    assert_int_equal(kn_store_split(f->lib, &id, &n, NULL), KN_OK);
    assert_string_equal(get(f, id).title.name, "Plot");
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
}

static void a_split_gives_all_back_and_is_remembered(void **state)
{
    struct fixture *f = *state;
    struct kn_facts told = facts(1, "tmdb:7"), again = facts(2, "tmdb:7");
    struct kn_id a = see_with(f, "/a", 1, &told), b = see_with(f, "/b", 2, &told);
    size_t n = 77;

    assert_int_equal(kn_store_split(f->lib, &b, &n, NULL), KN_OK); /* by either */
    assert_int_equal(n, 1);
    assert_int_equal(titles(f), 2);
    see_with(f, "/b", 2, &again);
    assert_true(answers_for(f, "/a", a) && answers_for(f, "/b", b));
    assert_int_equal(kn_store_join(f->lib, &a, &b, false, NULL), KN_OK); /* not by hand */
    assert_int_equal(titles(f), 2);
    assert_int_equal(kn_store_join(f->lib, &a, &b, true, NULL), KN_OK);
    assert_int_equal(titles(f), 1);
    assert_int_equal(kn_store_split(f->lib, &a, &n, NULL), KN_OK);
    assert_int_equal(kn_store_split(f->lib, &a, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
}

static void what_a_joined_title_knew_returns_with_the_split(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/a", 1, "a"), b = see(f, "/b", 2, "b");
    struct kn_hit hits[4];
    size_t n;

    make_ready(f, a);
    make_ready(f, b);
    assert_int_equal(kn_store_join(f->lib, &a, &b, true, NULL), KN_OK);
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 4, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    assert_true(kn_id_eq(&hits[0].id, &a));
    assert_int_equal(kn_store_split(f->lib, &a, &n, NULL), KN_OK);
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 4, hits, &n, NULL), KN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(key_of(f, b, KN_STAGE_OPINION), 13);
}

static void a_joined_title_is_found_by_its_own_name(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/a", 1, "Heat"), b = see(f, "/b", 2, "Fire");
    struct kn_title *found;
    size_t n;

    assert_int_equal(kn_store_join(f->lib, &a, &b, true, NULL), KN_OK);
    assert_int_equal(kn_library_find(f->lib, "fire", KN_FIND_PART, 9, f->arena, &found, &n, NULL),
                     KN_OK);
    assert_int_equal(n, 1);
    assert_string_equal(found[0].name, "Heat");
    assert_int_equal(kn_library_scroll(f->lib, NULL, 9, f->arena, &found, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
}

static void a_failed_lead_gives_way(void **state)
{
    struct fixture *f = *state;
    struct kn_facts told = facts(1, "tmdb:7");
    struct kn_hash key = hash(9);
    struct kn_id a = see_with(f, "/a", 1, &told), b = see_with(f, "/b", 2, &told);
    bool leads = true;

    assert_int_equal(kn_store_promote(f->lib, &b, &leads, NULL), KN_OK);
    assert_false(leads); /* it may still become something */
    assert_int_equal(kn_store_commit_failure(f->lib, &a, KN_STAGE_PROBE, &key, "broken", NULL),
                     KN_OK);
    assert_int_equal(kn_store_promote(f->lib, &b, &leads, NULL), KN_OK);
    assert_true(leads && answers_for(f, "/a", b));
    assert_int_equal(kn_store_promote(f->lib, &a, &leads, NULL), KN_OK);
    assert_false(leads);
}

static void a_film_that_is_forgotten_goes_with_its_versions(void **state)
{
    struct fixture *f = *state;
    struct kn_facts told = facts(1, "tmdb:7");
    struct kn_id a = see_with(f, "/a", 1, &told);
    bool found;

    see_with(f, "/b", 2, &told);
    assert_int_equal(kn_library_remove(f->lib, &a, 1, NULL), KN_OK);
    assert_int_equal(kn_store_keep(f->lib, "/b", &found, NULL), KN_OK);
    assert_false(found);
    assert_int_equal(kn_library_check(f->lib, NULL), KN_OK);
}

static void the_hash_of_the_whole_is_asked_for_when_only_the_time_is_new(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/a", 1, "a");
    struct kn_hash identity = hash(1), whole = hash(50), got;
    bool check = true;

    make_ready(f, a);
    assert_int_equal(kn_store_whole(f->lib, &identity, 6, &check, &got, NULL), KN_OK);
    assert_false(check); /* none is known */
    assert_int_equal(kn_store_set_whole(f->lib, &identity, &whole, false, NULL), KN_OK);
    assert_int_equal(state_of(f, a), KN_STATE_READY);
    assert_int_equal(kn_store_whole(f->lib, &identity, 5, &check, &got, NULL), KN_OK);
    assert_false(check); /* a path has this time: moved or copied */
    assert_int_equal(kn_store_whole(f->lib, &identity, 6, &check, &got, NULL), KN_OK);
    assert_true(check);
    assert_memory_equal(&got, &whole, sizeof got);
    assert_int_equal(kn_store_set_whole(f->lib, &identity, &whole, true, NULL), KN_OK);
    assert_int_equal(state_of(f, a), KN_STATE_PENDING);
    assert_int_equal(key_of(f, a, KN_STAGE_PROBE), -1);
}

static void a_reason_to_be_pending_ends_with_the_next_stage(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/a", 1, "a");

    assert_int_equal(kn_store_pending(f->lib, &a, "it is being written", NULL), KN_OK);
    assert_string_equal(get(f, a).title.reason, "it is being written");
    assert_int_equal(commit_probe(f->lib, &a, 10), KN_OK);
    assert_string_equal(get(f, a).title.reason, "");
}

static void what_waited_and_was_never_read_leaves_no_title(void **state)
{
    struct fixture *f = *state;
    struct kn_id waited = see(f, "/a", 1, "a"), read = see(f, "/b", 2, "b");
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record record;
    size_t missing = 9;

    assert_int_equal(kn_store_pending(f->lib, &waited, "it is being written", NULL), KN_OK);
    assert_int_equal(commit_probe(f->lib, &read, 10), KN_OK);
    assert_int_equal(kn_store_scan_begin(f->lib, NULL), KN_OK);
    assert_int_equal(kn_store_scan_end(f->lib, "/", &missing, NULL), KN_OK);
    assert_int_equal(missing, 1);
    assert_int_equal(kn_library_get(f->lib, &waited, 0, arena, &record, NULL), KN_ENOTFOUND);
    assert_int_equal(state_of(f, read), KN_STATE_MISSING);
    kn_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(facts_come_from_the_first_path_that_has_them),
        TEST(a_path_with_other_facts_is_not_known),
        TEST(titles_with_one_id_are_joined_and_what_has_words_leads),
        TEST(without_words_the_first_path_leads),
        TEST(a_film_is_missing_when_all_its_versions_are),
        TEST(a_version_that_goes_is_no_film_that_goes),
        TEST(a_text_without_a_file_keeps_its_name_and_is_never_missing),
        TEST(a_split_gives_all_back_and_is_remembered),
        TEST(what_a_joined_title_knew_returns_with_the_split),
        TEST(a_joined_title_is_found_by_its_own_name),
        TEST(a_failed_lead_gives_way),
        TEST(a_film_that_is_forgotten_goes_with_its_versions),
        TEST(the_hash_of_the_whole_is_asked_for_when_only_the_time_is_new),
        TEST(a_reason_to_be_pending_ends_with_the_next_stage),
        TEST(what_waited_and_was_never_read_leaves_no_title),
    };

    return cmocka_run_group_tests_name("store_versions", tests, NULL, NULL);
}
