/* One test a promise of share.h, with a library of each backend as the other one. */
#include "share_fixture.h"

enum { MANY = 40 };

/* ---- publishing ---- */

static void what_is_finished_goes_whole_and_is_checked(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;

    put_some(f, s.lib, 0, MANY);
    put_wordless(f, s.lib, MANY, KN_STATE_SILENT);
    put_wordless(f, s.lib, MANY + 1, KN_STATE_FAILED);
    put_wordless(f, s.lib, MANY + 2, KN_STATE_PENDING);
    put_wordless(f, s.lib, MANY + 3, KN_STATE_MISSING);
    done = publish(f, &s);
    assert_int_equal(done.sent, MANY + 2);
    assert_int_equal(done.present, MANY);
    assert_int_equal(done.compared, MANY);
    assert_int_equal(done.questions, MANY);
    assert_true(done.recall >= 0.99);
    for (uint32_t i = 0; i < MANY + 2; i++) {
        struct kn_record here = record_in(f, s.lib, i), there = record_in(f, f->lib, i);

        assert_same_record(&here, &there);
    }
    assert_false(has(f, f->lib, MANY + 2) || has(f, f->lib, MANY + 3));
    close_side(&s);
}

static void only_what_is_new_or_changed_is_sent(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;
    struct kn_record r;

    put_some(f, s.lib, 0, 20);
    publish(f, &s);
    done = publish(f, &s);
    assert_int_equal(done.sent, 0);
    assert_int_equal(done.same, 20);
    assert_int_equal(done.present, 20);
    r = some_record(f->arena, 3, 2);
    r.title.name = "renamed";
    put_in(s.lib, &r);
    put_some(f, s.lib, 20, 21);
    done = publish(f, &s);
    assert_int_equal(done.sent, 2);
    assert_string_equal(record_in(f, f->lib, 3).title.name, "renamed");
    close_side(&s);
}

static void everything_is_sent_where_that_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_share share = between(f, &s);
    struct kn_shared done;

    put_some(f, s.lib, 0, 5);
    publish(f, &s);
    share.all = true;
    assert_int_equal(kn_share_publish(&share, &done, NULL), KN_OK);
    assert_int_equal(done.sent, 5);
    close_side(&s);
}

static void what_was_forgotten_or_lost_its_files_is_removed_there(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;

    put_some(f, s.lib, 0, 6);
    publish(f, &s);
    forget(s.lib, 2);
    put_wordless(f, s.lib, 4, KN_STATE_MISSING);
    done = publish(f, &s);
    assert_int_equal(done.removed, 2);
    assert_false(has(f, f->lib, 2) || has(f, f->lib, 4));
    put_some(f, s.lib, 4, 5); /* it is back */
    assert_int_equal(publish(f, &s).sent, 1);
    assert_true(has(f, f->lib, 4));
    close_side(&s);
}

static void a_title_that_another_one_answers_for_is_removed_there(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_id a = id_of(1), b = id_of(2);

    put_some(f, s.lib, 1, 3);
    publish(f, &s);
    assert_int_equal(kn_store_join(s.lib, &a, &b, true, NULL), KN_OK);
    publish(f, &s);
    assert_true(has(f, f->lib, 1));
    assert_false(has(f, f->lib, 2));
    close_side(&s);
}

static void titles_of_others_stay(void **state)
{
    struct fixture *f = *state;
    struct side a = new_side(), b = new_side();
    struct kn_shared done;

    put_some(f, a.lib, 0, 30);
    put_some(f, b.lib, 20, 60); /* ten are the same film on both machines */
    publish(f, &a);
    done = publish(f, &b);
    assert_int_equal(done.sent, 40);
    assert_int_equal(stats_of(f).titles, 60);
    forget(a.lib, 1);
    publish(f, &a);
    assert_int_equal(stats_of(f).titles, 59);
    assert_int_equal(publish(f, &b).present, 40);
    close_side(&a);
    close_side(&b);
}

/* Another library in a folder has one owner: there nothing is claimed. */
static void a_film_stays_on_a_cluster_while_anybody_publishes_it(void **state)
{
    struct fixture *f = *state;
    struct side sides[] = {new_side(), new_side()};
    struct kn_share shares[2];
    struct kn_id by[2];
    struct kn_shared done;

    for (int i = 0; i < 2; i++) {
        put_some(f, sides[i].lib, 0, 2);
        assert_int_equal(kn_store_identity(sides[i].lib, &by[i], NULL), KN_OK);
        shares[i] = between(f, &sides[i]);
        shares[i].by = is_remote() ? &by[i] : NULL;
        assert_int_equal(kn_share_publish(&shares[i], &done, NULL), KN_OK);
    }
    assert_memory_not_equal(&by[0], &by[1], sizeof *by);
    for (int i = 0; i < 2; i++) {
        forget(sides[i].lib, 1);
        assert_int_equal(kn_share_publish(&shares[i], &done, NULL), KN_OK);
        assert_int_equal(has(f, f->lib, 1), is_remote() && i == 0);
    }
    close_side(&sides[0]);
    close_side(&sides[1]);
}

static void what_is_not_ready_replaces_nothing_that_is(void **state)
{
    struct fixture *f = *state;
    struct side a = new_side(), b = new_side();
    struct kn_shared done;

    put_some(f, a.lib, 7, 8);
    put_wordless(f, b.lib, 7, KN_STATE_SILENT);
    publish(f, &a);
    done = publish(f, &b);
    assert_int_equal(done.sent, 0);
    assert_int_equal(done.kept, 1);
    assert_int_equal(record_in(f, f->lib, 7).title.state, KN_STATE_READY);
    assert_int_equal(publish(f, &b).same, 1);
    close_side(&a);
    close_side(&b);
}

static void of_paths_only_those_below_the_media_root_are_told(void **state)
{
    static const char *const paths[] = {"/films/a/Heat.mkv", "/filmsother/Heat.mkv",
                                        "/home/me/Heat.mkv"};
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_share share = between(f, &s);
    struct kn_record r = some_record(f->arena, 1, 1);
    struct kn_shared done;

    r.title.paths = paths;
    r.title.n_paths = 3;
    put_in(s.lib, &r);
    publish(f, &s);
    assert_int_equal(record_in(f, f->lib, 1).title.n_paths, 0);
    share.media_root = "/films";
    share.all = true;
    assert_int_equal(kn_share_publish(&share, &done, NULL), KN_OK);
    r = record_in(f, f->lib, 1);
    assert_int_equal(r.title.n_paths, 1);
    assert_string_equal(r.title.paths[0], "a/Heat.mkv");
    close_side(&s);
}

static void what_is_missing_there_is_sent_again(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;

    put_some(f, s.lib, 0, 9);
    publish(f, &s);
    forget(f->lib, 5); /* by another publisher, or the cluster went back to a snapshot */
    done = publish(f, &s);
    assert_int_equal(done.sent, 1);
    assert_int_equal(done.present, 9);
    assert_true(has(f, f->lib, 5));
    close_side(&s);
}

static void it_works_beside_an_ingest(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side(), reader = s;

    put_some(f, s.lib, 0, 3);
    open_side(&reader, false); /* while s holds the writer's lock */
    assert_int_equal(publish(f, &reader).sent, 3);
    put_some(f, s.lib, 3, 5);
    assert_int_equal(publish(f, &reader).sent, 2);
    kn_library_close(reader.lib);
    close_side(&s);
}

static void another_model_is_another_target(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_share share = between(f, &s);
    struct kn_shared done;

    put_some(f, s.lib, 0, 3);
    publish(f, &s);
    share.target = "there other-model";
    assert_int_equal(kn_share_publish(&share, &done, NULL), KN_OK);
    assert_int_equal(done.sent, 3);
    close_side(&s);
}

static void an_empty_library_is_refused(void **state)
{
    struct fixture *f = *state;
    struct side s = {.dir = ""};
    struct kn_share share;
    struct kn_shared done;

    open_side(&s, true);
    share = between(f, &s);
    assert_int_equal(kn_share_publish(&share, &done, NULL), KN_EARG);
    close_side(&s);
}

/* ---- pulling ---- */

static void a_pulled_library_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct side s = {.dir = ""};
    struct kn_shared done;

    set_model(f);
    put_some(f, f->lib, 0, MANY);
    put_wordless(f, f->lib, MANY, KN_STATE_SILENT);
    open_side(&s, true);
    done = pull(f, &s);
    assert_int_equal(done.sent, MANY + 1);
    assert_int_equal(done.present, MANY);
    assert_int_equal(done.compared, MANY);
    assert_int_equal(done.questions, MANY);
    for (uint32_t i = 0; i < MANY + 1; i++) {
        struct kn_record here = record_in(f, s.lib, i), there = record_in(f, f->lib, i);

        assert_same_record(&there, &here);
    }
    done = pull(f, &s);
    assert_int_equal(done.sent, 0);
    assert_int_equal(done.same, MANY + 1);
    close_side(&s);
}

static void what_changed_there_is_pulled_again_and_what_went_goes(void **state)
{
    struct fixture *f = *state;
    struct side s = {.dir = ""};
    struct kn_shared done;
    struct kn_record r;

    set_model(f);
    put_some(f, f->lib, 0, 10);
    open_side(&s, true);
    pull(f, &s);
    r = some_record(f->arena, 3, 2);
    r.title.opinion = 0.75;
    put_in(f->lib, &r);
    forget(f->lib, 5);
    forget(s.lib, 6);
    done = pull(f, &s);
    assert_int_equal(done.sent, 2);
    assert_int_equal(done.removed, 1);
    assert_true(record_in(f, s.lib, 3).title.opinion == 0.75);
    assert_false(has(f, s.lib, 5));
    assert_true(has(f, s.lib, 6));
    close_side(&s);
}

static void what_is_of_this_library_itself_stays(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_shared done;
    struct kn_record r;

    set_model(f);
    put_some(f, f->lib, 0, 5);
    r = some_record(f->arena, 2, 1);
    r.title.name = "my own";
    put_in(s.lib, &r);
    put_some(f, s.lib, 70, 71);
    done = pull(f, &s);
    assert_int_equal(done.sent, 4);
    assert_int_equal(done.kept, 1);
    assert_string_equal(record_in(f, s.lib, 2).title.name, "my own");
    r = some_record(f->arena, 3, 1);
    r.title.name = "changed here";
    put_in(s.lib, &r);
    forget(f->lib, 3);
    done = pull(f, &s);
    assert_int_equal(done.removed, 0);
    assert_string_equal(record_in(f, s.lib, 3).title.name, "changed here");
    assert_true(has(f, s.lib, 70));
    close_side(&s);
}

/* They are somebody else's: publishing sends only what is of this library. */
static void what_was_pulled_is_neither_sent_nor_removed_there(void **state)
{
    struct fixture *f = *state;
    struct side s = {.dir = ""};
    struct kn_shared done;

    set_model(f);
    put_some(f, f->lib, 0, 5);
    open_side(&s, true);
    pull(f, &s);
    put_some(f, s.lib, 5, 6);
    forget(s.lib, 0);
    done = publish(f, &s);
    assert_int_equal(done.sent, 1);
    assert_int_equal(done.removed, 0);
    assert_int_equal(stats_of(f).titles, 6);
    close_side(&s);
}

static void a_library_of_another_model_is_not_pulled_into(void **state)
{
    struct fixture *f = *state;
    struct side s = new_side();
    struct kn_share share = between(f, &s);
    struct kn_shared done;
    struct kn_err err = {0};

    assert_int_equal(kn_share_pull(&share, &done, &err), KN_EARG); /* nothing there yet */
    assert_int_equal(kn_library_set_model(f->lib, "other-model", DIM, NULL), KN_OK);
    assert_int_equal(kn_share_pull(&share, &done, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "pull into another --library"));
    close_side(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_finished_goes_whole_and_is_checked),
        TEST(only_what_is_new_or_changed_is_sent),
        TEST(everything_is_sent_where_that_is_asked_for),
        TEST(what_was_forgotten_or_lost_its_files_is_removed_there),
        TEST(a_title_that_another_one_answers_for_is_removed_there),
        TEST(titles_of_others_stay),
        TEST(a_film_stays_on_a_cluster_while_anybody_publishes_it),
        TEST(what_is_not_ready_replaces_nothing_that_is),
        TEST(of_paths_only_those_below_the_media_root_are_told),
        TEST(what_is_missing_there_is_sent_again),
        TEST(it_works_beside_an_ingest),
        TEST(another_model_is_another_target),
        TEST(an_empty_library_is_refused),
        TEST(a_pulled_library_is_the_same),
        TEST(what_changed_there_is_pulled_again_and_what_went_goes),
        TEST(what_is_of_this_library_itself_stays),
        TEST(what_was_pulled_is_neither_sent_nor_removed_there),
        TEST(a_library_of_another_model_is_not_pulled_into),
    };

    return run_on_every_backend(tests, sizeof tests / sizeof *tests);
}
