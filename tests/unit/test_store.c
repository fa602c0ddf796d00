/* One test a promise of store.h, named after it. */
#include "store_fixture.h"

#include "base/buf.h"

/* ---- files and paths ---- */

static void a_new_content_makes_a_pending_title_with_the_id_of_its_identity(void **state)
{
    struct fixture *f = *state;
    struct kn_hash h = hash(1);
    struct kn_id expected = kn_id_from_hash(&h), id = see(f, "/films/a.mp4", 1, "a");
    struct kn_title t = get(f, id).title;

    assert_memory_equal(&id, &expected, sizeof id);
    assert_string_equal(t.name, "a");
    assert_int_equal(t.year, 1980);
    assert_int_equal(t.state, KN_STATE_PENDING);
    assert_int_equal(t.n_paths, 1);
    assert_string_equal(t.paths[0], "/films/a.mp4");
    assert_true(isnan(t.opinion));
}

static void a_path_is_known_while_size_and_time_are_the_same(void **state)
{
    struct fixture *f = *state;
    struct kn_seen seen = file_at("/films/a.mp4", 1000, 5);
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), got;
    struct kn_hash identity, expected = hash(1);
    bool yes;

    assert_int_equal(kn_store_known(f->lib, &seen, &yes, &identity, &got, NULL), KN_OK);
    assert_true(yes);
    assert_memory_equal(&identity, &expected, sizeof identity);
    assert_memory_equal(&got, &id, sizeof id);
    assert_false(known(f, "/films/a.mp4", 1001, 5));
    assert_false(known(f, "/films/a.mp4", 1000, 6));
    assert_false(known(f, "/films/b.mp4", 1000, 5));
    seen.mtime_ns = 6; /* touched, the same content */
    assert_int_equal(kn_store_see(f->lib, &seen, &expected, "a", 0, &got, NULL), KN_OK);
    assert_memory_equal(&got, &id, sizeof id);
    assert_true(known(f, "/films/a.mp4", 1000, 6));
}

static void a_copy_is_the_same_title_with_two_paths(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a"), b;
    struct kn_library_stats s;

    make_ready(f, a);
    b = see(f, "/films/copies/z.mp4", 1, "z");
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(get(f, a).title.n_paths, 2);
    assert_string_equal(get(f, a).title.name, "a");
    assert_int_equal(state_of(f, a), KN_STATE_READY);
    assert_int_equal(kn_library_get_stats(f->lib, &s, NULL), KN_OK);
    assert_int_equal(s.titles, 1);
}

static void moving_and_renaming_keep_everything_and_the_name_follows(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a");
    struct kn_title t;

    make_ready(f, a);
    begin_scan(f);
    see(f, "/films/sub/a.mp4", 1, "a");
    assert_int_equal(end_scan(f, "/films"), 0);
    t = get(f, a).title;
    assert_int_equal(t.n_paths, 1);
    assert_string_equal(t.paths[0], "/films/sub/a.mp4");
    begin_scan(f);
    see(f, "/films/sub/The Real Name.mp4", 1, "The Real Name");
    assert_int_equal(end_scan(f, "/films"), 0);
    t = get(f, a).title;
    assert_int_equal(t.state, KN_STATE_READY);
    assert_string_equal(t.name, "The Real Name");
    assert_int_equal(key_of(f, a, KN_STAGE_OPINION), 13);
    assert_int_equal(get(f, a).n_segments, 2);
}

static void a_new_content_at_a_known_path_leaves_the_old_title_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a"), b;

    make_ready(f, a);
    b = see(f, "/films/a.mp4", 2, "a");
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_int_equal(state_of(f, a), KN_STATE_MISSING);
    assert_string_not_equal(get(f, a).title.reason, "");
    assert_int_equal(get(f, a).title.n_paths, 0);
    assert_int_equal(state_of(f, b), KN_STATE_PENDING);
    see(f, "/films/a.mp4", 1, "a"); /* and back again */
    assert_int_equal(state_of(f, a), KN_STATE_READY);
    assert_false(exists(f, b)); /* nobody has read it */
}

static void what_could_not_be_read_is_forgotten_with_its_path(void **state)
{
    struct fixture *f = *state;
    struct kn_hash key = hash(9);
    struct kn_id a = see(f, "/films/a.mp4", 1, "a"), b, copied;

    assert_int_equal(kn_store_commit_failure(f->lib, &a, KN_STAGE_PROBE, &key, "truncated", NULL),
                     KN_OK);
    b = see(f, "/films/a.mp4", 2, "a");
    assert_false(exists(f, a));
    assert_true(exists(f, b));
    assert_int_equal(kn_store_commit_failure(f->lib, &b, KN_STAGE_PROBE, &key, "truncated", NULL),
                     KN_OK);
    copied = see(f, "/films/b.mp4", 2, "b");
    see(f, "/films/a.mp4", 3, "a");
    assert_memory_equal(&copied, &b, sizeof b);
    assert_int_equal(state_of(f, b), KN_STATE_FAILED); /* it lies elsewhere too */
}

static void a_title_with_another_path_left_is_not_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_id a = see(f, "/films/a.mp4", 1, "a");

    see(f, "/films/b.mp4", 1, "b");
    see(f, "/films/a.mp4", 2, "a");
    assert_int_equal(state_of(f, a), KN_STATE_PENDING);
    assert_string_equal(get(f, a).title.name, "b");
}

static void what_a_scan_did_not_meet_is_missing_and_comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct kn_id ready = see(f, "/films/a.mp4", 1, "a"), failed = see(f, "/films/b.mp4", 2, "b"),
                 kept = see(f, "/films/c.mp4", 3, "c");
    const struct kn_hash key = hash(20);
    struct kn_hit hit;
    size_t n;

    make_ready(f, ready);
    assert_int_equal(
        kn_store_commit_failure(f->lib, &failed, KN_STAGE_PROBE, &key, "cut short", NULL), KN_OK);
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
    begin_scan(f);
    assert_true(known(f, "/films/c.mp4", 1000, 5));
    assert_int_equal(end_scan(f, "/films/"), 2);
    assert_int_equal(state_of(f, ready), KN_STATE_MISSING);
    assert_string_equal(get(f, ready).title.reason, "no file at '/films/a.mp4' any more");
    assert_int_equal(state_of(f, failed), KN_STATE_MISSING);
    assert_int_equal(state_of(f, kept), KN_STATE_PENDING);
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 0);
    begin_scan(f);
    see(f, "/elsewhere/a.mp4", 1, "a");
    see(f, "/films/b.mp4", 2, "b");
    assert_int_equal(end_scan(f, "/elsewhere"), 0);
    assert_int_equal(state_of(f, ready), KN_STATE_READY);
    assert_string_equal(get(f, ready).title.reason, "");
    assert_int_equal(key_of(f, ready, KN_STAGE_OPINION), 13);
    assert_int_equal(state_of(f, failed), KN_STATE_FAILED);
    assert_string_equal(get(f, failed).title.reason, "cut short");
    assert_int_equal(kn_library_similar(f->lib, east, DIM, NULL, 1, &hit, &n, NULL), KN_OK);
    assert_int_equal(n, 1);
}

static void a_scan_ends_only_what_is_under_its_root(void **state)
{
    struct fixture *f = *state;
    struct kn_id beside = see(f, "/films2/a.mp4", 1, "a"), above = see(f, "/b.mp4", 2, "b"),
                 itself = see(f, "/films/c.mp4", 3, "c");

    begin_scan(f);
    assert_int_equal(end_scan(f, "/films"), 1);
    assert_int_equal(state_of(f, beside), KN_STATE_PENDING);
    assert_int_equal(state_of(f, above), KN_STATE_PENDING);
    assert_int_equal(state_of(f, itself), KN_STATE_MISSING);
    assert_int_equal(end_scan(f, "/b.mp4"), 1); /* a single file as a root */
    assert_int_equal(end_scan(f, "/"), 1);
    assert_int_equal(state_of(f, beside), KN_STATE_MISSING);
}

static void a_title_put_as_missing_is_pending_once_its_file_is_seen(void **state)
{
    struct fixture *f = *state;
    struct kn_hash h = hash(1);
    struct kn_record r = {
        .title = {.id = kn_id_from_hash(&h), .name = "put", .state = KN_STATE_MISSING}};
    struct kn_id id;

    assert_int_equal(kn_library_put(f->lib, &r, 1, NULL), KN_OK);
    id = see(f, "/films/a.mp4", 1, "a");
    assert_memory_equal(&id, &r.title.id, sizeof id);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_string_equal(get(f, id).title.name, "a");
    make_ready(f, id);
}

static void titles_put_without_a_path_are_never_missing(void **state)
{
    struct fixture *f = *state;
    struct kn_record r = {.title = {.id = {{7}}, .name = "put", .state = KN_STATE_SILENT}};

    assert_int_equal(kn_library_put(f->lib, &r, 1, NULL), KN_OK);
    begin_scan(f);
    assert_int_equal(end_scan(f, "/"), 0);
    assert_int_equal(state_of(f, r.title.id), KN_STATE_SILENT);
}

/* ---- stages ---- */

static void what_the_last_probe_found_can_be_read_again(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), unknown = {{9}};
    struct kn_probed p;

    assert_int_equal(kn_store_probed(f->lib, &id, f->arena, &p, NULL), KN_OK);
    assert_true(p.duration == 0);
    assert_string_equal(p.container, "");
    assert_string_equal(p.streams_json, "");
    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(kn_store_probed(f->lib, &id, f->arena, &p, NULL), KN_OK);
    assert_true(p.duration == 42);
    assert_string_equal(p.container, "mp4");
    assert_string_equal(p.streams_json, "[]");
    assert_int_equal(kn_store_probed(f->lib, &unknown, f->arena, &p, NULL), KN_ENOTFOUND);
}

static void where_the_words_are_from_goes_when_they_go(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    const struct kn_hash key = {{7}};
    const struct kn_segment line = {1, 2, "Hello."};
    const struct kn_words words = {.segments = &line,
                                   .n_segments = 1,
                                   .language = "en",
                                   .words_from = "embedded",
                                   .words_at = "2",
                                   .reason = ""};
    struct kn_probed p;

    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(kn_store_commit_words(f->lib, &id, &key, &words, NULL), KN_OK);
    assert_int_equal(kn_store_probed(f->lib, &id, f->arena, &p, NULL), KN_OK);
    assert_string_equal(p.words_at, "2");
    assert_int_equal(kn_store_redo(f->lib, &id, KN_STAGE_WORDS, NULL), KN_OK);
    assert_int_equal(kn_store_probed(f->lib, &id, f->arena, &p, NULL), KN_OK);
    assert_string_equal(p.words_at, "");
}

static void what_was_heard_is_kept_under_its_key_until_words_are_there(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), nobody = {{7}};
    struct kn_hash key = hash(11), other = hash(12);
    const struct kn_segment line = {0, 1, "Words."};
    const struct kn_words words = {
        .segments = &line, .n_segments = 1, .language = "en", .words_from = "speech", .reason = ""};
    struct kn_buf out;

    kn_buf_init(&out, 1000);
    assert_int_equal(kn_store_keep_heard(f->lib, &id, &key, "first", 5, NULL), KN_OK);
    assert_int_equal(kn_store_keep_heard(f->lib, &id, &key, "more", 4, NULL), KN_OK);
    assert_int_equal(kn_store_heard(f->lib, &id, &key, &out, NULL), KN_OK);
    assert_string_equal(out.data, "more");
    assert_int_equal(kn_store_heard(f->lib, &id, &other, &out, NULL), KN_OK);
    assert_int_equal(out.n, 0);
    assert_int_equal(kn_store_keep_heard(f->lib, &nobody, &key, "x", 1, NULL), KN_ENOTFOUND);
    assert_int_equal(kn_store_commit_words(f->lib, &id, &key, &words, NULL), KN_OK);
    assert_int_equal(kn_store_heard(f->lib, &id, &key, &out, NULL), KN_OK);
    assert_int_equal(out.n, 0);
    kn_buf_free(&out);
}

static void what_was_exported_is_known_by_its_bytes(void **state)
{
    struct fixture *f = *state;
    bool is = true;

    assert_int_equal(kn_store_is_exported(f->lib, "words", 5, &is, NULL), KN_OK);
    assert_false(is);
    assert_int_equal(kn_store_exported(f->lib, "words", 5, NULL), KN_OK);
    assert_int_equal(kn_store_exported(f->lib, "words", 5, NULL), KN_OK);
    assert_int_equal(kn_store_is_exported(f->lib, "words", 5, &is, NULL), KN_OK);
    assert_true(is);
    assert_int_equal(kn_store_is_exported(f->lib, "Words", 5, &is, NULL), KN_OK);
    assert_false(is);
}

static void a_title_is_ready_once_the_last_stage_is_committed(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    struct kn_record r;

    for (int s = 0; s < KN_STAGES; s++)
        assert_int_equal(key_of(f, id, (enum kn_stage)s), -1);
    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(commit_words(f->lib, &id, 11, 2), KN_OK);
    assert_int_equal(commit_vectors(f->lib, &id, 12, east), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_true(isnan(get(f, id).moments[0].opinion));
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    for (int s = 0; s < KN_STAGES; s++)
        assert_int_equal(key_of(f, id, (enum kn_stage)s), 10 + s);
    r = get(f, id);
    assert_int_equal(r.title.state, KN_STATE_READY);
    assert_true(r.title.duration == 42);
    assert_string_equal(r.title.language, "en");
    assert_string_equal(r.title.words_from, "speech");
    assert_true(r.title.opinion == 0.25 && r.moments[0].opinion == 0.5);
    assert_true(isnan(r.moments[1].opinion));
    assert_memory_equal(r.vector, east, sizeof east);
    assert_memory_equal(r.raw, east, sizeof east);
    assert_memory_equal(r.moments[1].vector, north, sizeof north);
    assert_memory_equal(r.moments[0].raw, north, sizeof north);
    assert_string_equal(r.segments[1].text, "Good bye.");
}

static void committing_a_stage_forgets_the_stages_behind_it(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    struct kn_record r;

    make_ready(f, id);
    assert_int_equal(commit_vectors(f->lib, &id, 22, north), KN_OK);
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), 11);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), 22);
    assert_int_equal(key_of(f, id, KN_STAGE_OPINION), -1);
    r = get(f, id);
    assert_int_equal(r.title.state, KN_STATE_PENDING);
    assert_true(isnan(r.title.opinion));
    assert_memory_equal(r.vector, north, sizeof north);
    assert_int_equal(commit_opinion(f->lib, &id, 13), KN_OK);
    assert_int_equal(commit_words(f->lib, &id, 21, 1), KN_OK);
    r = get(f, id);
    assert_int_equal(r.n_segments, 1);
    assert_int_equal(r.n_moments, 0);
    assert_null(r.vector);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), -1);
    assert_int_equal(key_of(f, id, KN_STAGE_PROBE), 10);
}

static void no_words_make_a_silent_title(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");

    make_ready(f, id);
    assert_int_equal(commit_words(f->lib, &id, 21, 0), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_SILENT);
    assert_string_equal(get(f, id).title.reason, "no speech in 42 s");
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), 21);
    assert_int_equal(commit_words(f->lib, &id, 22, 2), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_string_equal(get(f, id).title.reason, "");
}

static void what_was_dropped_comes_and_goes_with_the_words(void **state)
{
    const struct kn_dropped dropped[] = {{3, 4, "Thanks for watching!", "nobody speaks there"}};
    const struct kn_hash key = hash(20);
    struct kn_words words = {.language = "en",
                             .words_from = "",
                             .reason = "nobody speaks in it",
                             .dropped = dropped,
                             .n_dropped = 1};
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");

    assert_int_equal(commit_probe(f->lib, &id, 10), KN_OK);
    assert_int_equal(kn_store_commit_words(f->lib, &id, &key, &words, NULL), KN_OK);
    assert_int_equal(get(f, id).n_dropped, 1);
    assert_string_equal(get(f, id).dropped[0].reason, "nobody speaks there");
    words.n_dropped = 0;
    assert_int_equal(kn_store_commit_words(f->lib, &id, &key, &words, NULL), KN_OK);
    assert_int_equal(get(f, id).n_dropped, 0);
}

static void a_language_that_was_set_outlives_the_words(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), nobody = {{9}};

    make_ready(f, id);
    assert_false(get(f, id).title.language_set);
    assert_string_equal(get(f, id).title.language, "en");
    assert_int_equal(kn_store_set_language(f->lib, &id, "es-MX", NULL), KN_OK);
    assert_true(get(f, id).title.language_set);
    assert_string_equal(get(f, id).title.language, "es-MX");
    assert_true(get(f, id).title.language_confidence >= 1);
    assert_int_equal(get(f, id).n_segments, 2);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), 12);
    assert_int_equal(key_of(f, id, KN_STAGE_OPINION), -1); /* a scorer may go by the language */
    assert_int_equal(kn_store_redo(f->lib, &id, KN_STAGE_WORDS, NULL), KN_OK);
    assert_string_equal(get(f, id).title.language, "es-MX");
    make_ready(f, id);
    assert_string_equal(get(f, id).title.language, "es-MX");
    assert_int_equal(kn_store_set_language(f->lib, &id, "fr", NULL), KN_OK);
    assert_string_equal(get(f, id).title.language, "fr");
    assert_int_equal(kn_store_set_language(f->lib, &id, "", NULL), KN_OK);
    assert_false(get(f, id).title.language_set);
    assert_string_equal(get(f, id).title.language, "en"); /* as it was found last */
    assert_int_equal(kn_store_set_language(f->lib, &id, "sixteen letters!", NULL), KN_EARG);
    assert_int_equal(kn_store_set_language(f->lib, &nobody, "es", NULL), KN_ENOTFOUND);
}

static void a_failed_stage_keeps_its_key_until_it_is_redone(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    const struct kn_hash key = hash(31);

    make_ready(f, id);
    assert_int_equal(
        kn_store_commit_failure(f->lib, &id, KN_STAGE_WORDS, &key, "no audio codec", NULL), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_FAILED);
    assert_string_equal(get(f, id).title.reason, "no audio codec");
    assert_int_equal(key_of(f, id, KN_STAGE_PROBE), 10);
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), 31);
    assert_int_equal(key_of(f, id, KN_STAGE_VECTORS), -1);
    assert_int_equal(kn_store_redo(f->lib, &id, KN_STAGE_WORDS, NULL), KN_OK);
    assert_int_equal(state_of(f, id), KN_STATE_PENDING);
    assert_string_equal(get(f, id).title.reason, "");
    assert_int_equal(key_of(f, id, KN_STAGE_WORDS), -1);
    make_ready(f, id);
}

static void redo_forgets_from_one_stage_on(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");

    for (int from = 0; from < KN_STAGES; from++) {
        make_ready(f, id);
        assert_int_equal(kn_store_redo(f->lib, &id, (enum kn_stage)from, NULL), KN_OK);
        assert_int_equal(state_of(f, id), KN_STATE_PENDING);
        for (int s = 0; s < KN_STAGES; s++)
            assert_int_equal(key_of(f, id, (enum kn_stage)s), s < from ? 10 + s : -1);
        assert_int_equal(get(f, id).n_segments, from > KN_STAGE_WORDS ? 2 : 0);
        assert_int_equal(get(f, id).n_moments, from > KN_STAGE_VECTORS ? 2 : 0);
        assert_int_equal(get(f, id).raw != NULL, from > KN_STAGE_VECTORS);
    }
}

static void impossible_stages_are_refused_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a"), unknown = {{9}};
    const struct kn_hash key = hash(1);
    const float long_one[DIM] = {2};
    const struct kn_words endless = {
        .segments = two_segments, .n_segments = 2, .duration = INFINITY};
    const double one[] = {0.5};
    struct kn_err err;

    make_ready(f, id);
    assert_int_equal(commit_vectors(f->lib, &id, 40, long_one), KN_EARG);
    assert_int_equal(kn_store_commit_words(f->lib, &id, &key, &endless, &err), KN_EARG);
    assert_int_equal(kn_store_commit_opinion(f->lib, &id, &key, "probe", 2, one, 1, 0, &err),
                     KN_EARG);
    assert_int_equal(commit_words(f->lib, &unknown, 1, 2), KN_ENOTFOUND);
    assert_int_equal(kn_store_redo(f->lib, &unknown, KN_STAGE_PROBE, &err), KN_ENOTFOUND);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
    assert_int_equal(key_of(f, id, KN_STAGE_OPINION), 13);
    assert_int_equal(key_of(f, unknown, KN_STAGE_PROBE), -1);
}

static void only_a_local_library_opened_to_write_takes_stages(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.mp4", 1, "a");
    struct kn_library *memory, *reader;
    struct kn_err err;

    assert_int_equal(kn_library_open_memory(&memory, NULL), KN_OK);
    assert_int_equal(commit_probe(memory, &id, 1), KN_EARG);
    assert_int_equal(kn_store_scan_begin(memory, &err), KN_EARG);
    kn_library_close(memory);
    assert_int_equal(kn_library_open_local(f->dir, NULL, &reader, NULL), KN_OK);
    assert_int_equal(commit_probe(reader, &id, 1), KN_EARG);
    assert_int_equal(kn_store_scan_begin(reader, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "reading only"));
    kn_library_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_content_makes_a_pending_title_with_the_id_of_its_identity),
        TEST(a_path_is_known_while_size_and_time_are_the_same),
        TEST(a_copy_is_the_same_title_with_two_paths),
        TEST(moving_and_renaming_keep_everything_and_the_name_follows),
        TEST(a_new_content_at_a_known_path_leaves_the_old_title_missing),
        TEST(what_could_not_be_read_is_forgotten_with_its_path),
        TEST(a_title_with_another_path_left_is_not_missing),
        TEST(what_a_scan_did_not_meet_is_missing_and_comes_back_as_it_was),
        TEST(a_scan_ends_only_what_is_under_its_root),
        TEST(a_title_put_as_missing_is_pending_once_its_file_is_seen),
        TEST(titles_put_without_a_path_are_never_missing),
        TEST(what_the_last_probe_found_can_be_read_again),
        TEST(where_the_words_are_from_goes_when_they_go),
        TEST(what_was_exported_is_known_by_its_bytes),
        TEST(a_title_is_ready_once_the_last_stage_is_committed),
        TEST(committing_a_stage_forgets_the_stages_behind_it),
        TEST(no_words_make_a_silent_title),
        TEST(what_was_dropped_comes_and_goes_with_the_words),
        TEST(a_language_that_was_set_outlives_the_words),
        TEST(a_failed_stage_keeps_its_key_until_it_is_redone),
        TEST(redo_forgets_from_one_stage_on),
        TEST(impossible_stages_are_refused_and_change_nothing),
        TEST(only_a_local_library_opened_to_write_takes_stages),
        TEST(what_was_heard_is_kept_under_its_key_until_words_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
