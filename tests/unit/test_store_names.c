/* Which name a title bears that has copies, and by which it is found. */
#include "store_fixture.h"

#include <pthread.h>

static const char *name_of(struct fixture *f, struct kn_id id)
{
    return get(f, id).title.name;
}

static size_t find(struct fixture *f, const char *text, enum kn_find how, size_t limit,
                   struct kn_title **out)
{
    struct kn_err err = {0};
    size_t n = 77;

    if (kn_library_find(f->lib, text, how, limit, f->arena, out, &n, &err))
        fail_msg("%s", err.msg);
    return n;
}

static void assert_finds_only(struct fixture *f, const char *text, enum kn_find how,
                              struct kn_id id)
{
    struct kn_title *t;

    assert_int_equal(find(f, text, how, 10, &t), 1);
    assert_memory_equal(&t[0].id, &id, sizeof id);
}

/* ---- the name ---- */

static void a_title_bears_the_name_of_its_first_path_whichever_was_seen_first(void **state)
{
    static const char *const paths[] = {"/films/a.wav", "/films/b/0.wav", "/films/c.wav"};
    static const char *const names[] = {"a", "0", "c"};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct fixture *f = *state;

    for (int o = 0; o < 6; o++) {
        struct kn_id id = {{0}};
        char path[64];

        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "/%d%s", o, paths[orders[o][i]]);
            id = see(f, path, o, names[orders[o][i]]);
        }
        assert_string_equal(name_of(f, id), "a");
        assert_int_equal(get(f, id).title.n_paths, 3);
    }
}

struct decoder {
    struct fixture *f;
    const char *name;
};

static void *see_copies(void *arg)
{
    struct decoder *d = arg;
    char path[64];

    for (int content = 0; content < 50; content++) {
        struct kn_seen seen = file_at(path, 1000, 5);
        struct kn_hash h = hash(content);
        struct kn_id id;

        snprintf(path, sizeof path, "/%d/%s.wav", content, d->name);
        if (kn_store_see(d->f->lib, &seen, &h, d->name, 0, &id, NULL))
            return d;
    }
    return NULL;
}

static void copies_seen_at_once_do_not_race_for_the_name(void **state)
{
    struct fixture *f = *state;
    struct decoder d[] = {{f, "b"}, {f, "a"}, {f, "c"}};
    pthread_t threads[3];
    void *failed;

    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, see_copies, &d[i]), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (int content = 0; content < 50; content++) {
        struct kn_hash h = hash(content);

        assert_string_equal(name_of(f, kn_id_from_hash(&h)), "a");
    }
}

static void the_name_follows_when_a_path_is_added_removed_or_renamed(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/m.wav", 1, "m");

    make_ready(f, id);
    see(f, "/films/z.wav", 1, "z");
    assert_string_equal(name_of(f, id), "m");
    see(f, "/films/c.wav", 1, "c"); /* added before it */
    assert_string_equal(name_of(f, id), "c");
    begin_scan(f);
    known(f, "/films/z.wav", 1000, 5);
    known(f, "/films/m.wav", 1000, 5);
    assert_int_equal(end_scan(f, "/films"), 0); /* removed */
    assert_string_equal(name_of(f, id), "m");
    begin_scan(f);
    known(f, "/films/z.wav", 1000, 5);
    see(f, "/films/zz.wav", 1, "zz");
    assert_int_equal(end_scan(f, "/films"), 0); /* m renamed to zz */
    assert_string_equal(name_of(f, id), "z");
    see(f, "/films/z.wav", 2, "z"); /* taken by another content */
    assert_string_equal(name_of(f, id), "zz");
    assert_int_equal(state_of(f, id), KN_STATE_READY);
    assert_int_equal(key_of(f, id, KN_STAGE_OPINION), 13);
}

static void a_missing_title_keeps_its_name_and_returns_under_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.wav", 1, "a");

    begin_scan(f);
    assert_int_equal(end_scan(f, "/films"), 1);
    assert_string_equal(name_of(f, id), "a");
    see(f, "/films/b.wav", 1, "b");
    assert_string_equal(name_of(f, id), "b");
}

static void copies_lost_in_one_scan_leave_the_first_ones_name_and_reason(void **state)
{
    struct fixture *f = *state;

    for (int swap = 0; swap < 2; swap++) {
        struct kn_id id = see(f, swap ? "/films/c.wav" : "/films/a.wav", 1, swap ? "c" : "a");

        see(f, swap ? "/films/a.wav" : "/films/c.wav", 1, swap ? "a" : "c");
        begin_scan(f);
        assert_int_equal(end_scan(f, "/films"), 1);
        assert_string_equal(name_of(f, id), "a");
        assert_string_equal(get(f, id).title.reason, "no file at '/films/a.wav' any more");
    }
}

/* ---- finding ---- */

static void a_copy_is_found_by_its_own_name(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.wav", 1, "Stalker"), other;
    struct kn_title *t;

    see(f, "/films/c.wav", 1, "Сталкер Café");
    other = see(f, "/films/d.wav", 2, "Solaris");
    assert_finds_only(f, "Сталкер Café", KN_FIND_EXACT, id);
    assert_finds_only(f, "Stalker", KN_FIND_EXACT, id);
    assert_finds_only(f, "сталкер cafe", KN_FIND_PART, id); /* folded as titles are */
    assert_finds_only(f, "CAFÉ", KN_FIND_PART, id);
    assert_finds_only(f, "Solaris", KN_FIND_EXACT, other);
    assert_int_equal(find(f, "сталкер cafe", KN_FIND_EXACT, 10, &t), 0);
    assert_int_equal(find(f, "Сталкер Kafe", KN_FIND_CLOSE, 1, &t), 1);
    assert_memory_equal(&t[0].id, &id, sizeof id);
    assert_string_equal(t[0].name, "Stalker"); /* the title keeps its name */
}

static void a_copy_is_not_found_any_more_once_it_is_gone(void **state)
{
    struct fixture *f = *state;
    struct kn_title *t;

    see(f, "/films/a.wav", 1, "a");
    see(f, "/films/c.wav", 1, "c");
    begin_scan(f);
    known(f, "/films/a.wav", 1000, 5);
    assert_int_equal(end_scan(f, "/films"), 0);
    assert_int_equal(find(f, "c", KN_FIND_EXACT, 10, &t), 0);
}

static void a_title_found_by_several_names_comes_once_with_its_best_rank(void **state)
{
    struct fixture *f = *state;
    struct kn_id many = see(f, "/films/1.wav", 1, "the long red moon"),
                 one = see(f, "/films/2.wav", 2, "a red moon"), far;
    struct kn_title *t;

    see(f, "/films/3.wav", 1, "red moon");
    see(f, "/films/4.wav", 1, "old red moon");
    see(f, "/copies/5.wav", 1, "the long red moon");
    far = see(f, "/films/6.wav", 3, "under a red moon");
    assert_int_equal(find(f, "red moon", KN_FIND_PART, 10, &t), 3);
    assert_memory_equal(&t[0].id, &many, sizeof many); /* "red moon" is the whole of it */
    assert_memory_equal(&t[1].id, &one, sizeof one);
    assert_memory_equal(&t[2].id, &far, sizeof far);
    for (size_t limit = 1; limit <= 3; limit++) { /* and a short list is the same list's start */
        assert_int_equal(find(f, "red moon", KN_FIND_PART, limit, &t), limit);
        assert_memory_equal(&t[0].id, &many, sizeof many);
        if (limit > 1)
            assert_memory_equal(&t[1].id, &one, sizeof one);
    }
    assert_int_equal(find(f, "red moon", KN_FIND_CLOSE, 10, &t), 3);
    assert_memory_equal(&t[0].id, &many, sizeof many);
    assert_memory_equal(&t[1].id, &one, sizeof one);
    assert_int_equal(find(f, "red moon", KN_FIND_CLOSE, 2, &t), 2);
    assert_memory_equal(&t[1].id, &one, sizeof one);
}

static void one_name_may_mean_a_title_and_another_ones_copy(void **state)
{
    struct fixture *f = *state;
    struct kn_title *t;

    see(f, "/films/a.wav", 1, "a");
    see(f, "/films/c.wav", 1, "c");
    see(f, "/films/sub/c.wav", 2, "c");
    assert_int_equal(find(f, "c", KN_FIND_EXACT, 10, &t), 2);
}

/* ---- a file that cannot be read any more ---- */

static void what_took_a_films_place_is_not_called_a_film(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/films/a.wav", 1, "a");

    make_ready(f, id);
    see(f, "/films/a.wav", 2, "a"); /* for the store, a placeholder is a content as any */
    assert_int_equal(state_of(f, id), KN_STATE_MISSING);
    assert_string_equal(get(f, id).title.reason,
                        "its file has changed, or cannot be read any more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_title_bears_the_name_of_its_first_path_whichever_was_seen_first),
        TEST(copies_seen_at_once_do_not_race_for_the_name),
        TEST(the_name_follows_when_a_path_is_added_removed_or_renamed),
        TEST(a_missing_title_keeps_its_name_and_returns_under_the_new_one),
        TEST(copies_lost_in_one_scan_leave_the_first_ones_name_and_reason),
        TEST(a_copy_is_found_by_its_own_name),
        TEST(a_copy_is_not_found_any_more_once_it_is_gone),
        TEST(a_title_found_by_several_names_comes_once_with_its_best_rank),
        TEST(one_name_may_mean_a_title_and_another_ones_copy),
        TEST(what_took_a_films_place_is_not_called_a_film),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
