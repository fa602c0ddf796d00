/* One test a promise of store.h about posters. */
#include "store_fixture.h"

#include "base/buf.h"

static const char jpeg[] = "\xFF\xD8\xFF picture \xFF\xD9";

static void put_poster(struct fixture *f, struct kn_id id, const char *bytes, const char *reason)
{
    struct kn_hash key = hash(77);

    assert_int_equal(kn_store_commit_poster(f->lib, &id, &key, bytes, strlen(bytes), reason, NULL),
                     KN_OK);
}

/* What the library gives; "none: why". */
static const char *poster_of(struct fixture *f, struct kn_id id)
{
    static char text[300];
    struct kn_buf b;
    char why[256] = "?";

    kn_buf_init(&b, 1 << 20);
    assert_int_equal(kn_store_poster(f->lib, &id, &b, why, NULL), KN_OK);
    snprintf(text, sizeof text, "%s%s", b.n ? "" : "none: ", b.n ? b.data : why);
    kn_buf_free(&b);
    return text;
}

static struct kn_filmed *filmed(struct fixture *f, size_t *n)
{
    struct kn_filmed *films;

    assert_int_equal(kn_store_filmed(f->lib, f->arena, &films, n, NULL), KN_OK);
    return films;
}

static void a_poster_is_kept_with_its_key(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/b.mp4", 1, "Film");
    struct kn_filmed *films;
    struct kn_hash key = hash(77), probe = hash(10), none = {{0}};
    size_t n;

    make_ready(f, id);
    see(f, "/a.mp4", 1, "Film");
    films = filmed(f, &n);
    assert_int_equal(n, 1);
    assert_string_equal(films->name, "Film");
    assert_string_equal(films->path, "/a.mp4");
    assert_memory_equal(&films->probe, &probe, sizeof probe);
    assert_memory_equal(&films->poster, &none, sizeof none);
    assert_string_equal(poster_of(f, id), "none: ");
    put_poster(f, id, jpeg, "");
    assert_memory_equal(&filmed(f, &n)->poster, &key, sizeof key);
    assert_string_equal(poster_of(f, id), jpeg);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
}

static void that_there_is_none_is_kept_with_its_reason_and_no_failure(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/a.mp4", 1, "Film");
    struct kn_hash key = hash(77);
    size_t n;

    make_ready(f, id);
    put_poster(f, id, "", "it is dark");
    assert_string_equal(poster_of(f, id), "none: it is dark");
    assert_memory_equal(&filmed(f, &n)->poster, &key, sizeof key);
    assert_int_equal(state_of(f, id), KN_STATE_READY);
}

static void it_goes_with_the_probe_and_stays_with_all_behind(void **state)
{
    struct fixture *f = *state;
    struct kn_id id = see(f, "/a.mp4", 1, "Film");

    make_ready(f, id);
    put_poster(f, id, jpeg, "");
    assert_int_equal(kn_store_redo(f->lib, &id, KN_STAGE_WORDS, NULL), KN_OK);
    assert_string_equal(poster_of(f, id), jpeg);
    assert_int_equal(kn_store_redo(f->lib, &id, KN_STAGE_PROBE, NULL), KN_OK);
    assert_string_equal(poster_of(f, id), "none: ");
}

static void films_that_were_not_opened_or_failed_or_are_gone_want_none(void **state)
{
    struct fixture *f = *state;
    struct kn_id failed = see(f, "/failed.mp4", 1, "Failed"), gone = see(f, "/gone.mp4", 2, "Gone");
    struct kn_hash key = hash(11);
    size_t missing, n;

    assert_int_equal(commit_probe(f->lib, &failed, 10), KN_OK);
    assert_int_equal(
        kn_store_commit_failure(f->lib, &failed, KN_STAGE_WORDS, &key, "no sound", NULL), KN_OK);
    make_ready(f, gone);
    assert_int_equal(kn_store_scan_begin(f->lib, NULL), KN_OK);
    see(f, "/failed.mp4", 1, "Failed");
    see(f, "/new.mp4", 3, "New");
    assert_int_equal(kn_store_scan_end(f->lib, "/", &missing, NULL), KN_OK);
    assert_int_equal(missing, 1);
    filmed(f, &n);
    assert_int_equal(n, 0);
}

static void a_joined_title_s_stands_in_for_one_that_has_none(void **state)
{
    struct fixture *f = *state;
    struct kn_id lead = see(f, "/a.mp4", 1, "A"), other = see(f, "/b.mp4", 2, "B");

    make_ready(f, lead);
    make_ready(f, other);
    put_poster(f, lead, "", "it is dark");
    put_poster(f, other, jpeg, "");
    assert_int_equal(kn_store_join(f->lib, &lead, &other, true, NULL), KN_OK);
    assert_string_equal(poster_of(f, lead), jpeg);
    put_poster(f, lead, "\xFF\xD8\xFF own", "");
    assert_string_equal(poster_of(f, lead), "\xFF\xD8\xFF own");
}

static void a_title_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    const struct kn_id nobody = {{1, 2, 3}};
    struct kn_hash key = hash(77);
    struct kn_buf b;
    char why[256];

    kn_buf_init(&b, 100);
    assert_int_equal(kn_store_poster(f->lib, &nobody, &b, why, NULL), KN_ENOTFOUND);
    assert_int_equal(kn_store_commit_poster(f->lib, &nobody, &key, jpeg, 3, "", NULL),
                     KN_ENOTFOUND);
    kn_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_poster_is_kept_with_its_key),
        TEST(that_there_is_none_is_kept_with_its_reason_and_no_failure),
        TEST(it_goes_with_the_probe_and_stays_with_all_behind),
        TEST(films_that_were_not_opened_or_failed_or_are_gone_want_none),
        TEST(a_joined_title_s_stands_in_for_one_that_has_none),
        TEST(a_title_that_is_not_there_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
