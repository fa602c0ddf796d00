/* kinora_poster, over films that ingest has gone through. They have no sound, so no model is loaded. */
#include <kinora/kinora.h>

#include "../support/media_fixture.h"

static const char png[] = "\x89PNG\r\n\x1A\n and so on";
static struct kinora *k;
static size_t told; /* events of posters in the last run */

static int set_up(void **state)
{
    struct kn_err err;

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    shell("mkdir films");
    ffmpeg("-f lavfi -i testsrc2=s=320x180:r=10:d=3 -c:v mpeg4 films/Plain.mp4");
    ffmpeg("-f lavfi -i testsrc2=s=160x90:r=10:d=3 -c:v mpeg4 films/Painted.mp4");
    ffmpeg("-f lavfi -i color=black:s=320x180:r=10:d=3 -c:v mpeg4 films/Night.mp4");
    shell("touch -d '1 minute ago' films/*");
    write_file("films/Painted-poster.png", png, sizeof png - 1);
    if (kinora_open(&(struct kinora_options){.library = in_dir("library"),
                                             .models = getenv("KINORA_MODELS"),
                                             .write = true},
                    &k, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int clean_up(void **state)
{
    kinora_close(k);
    return tear_down(state);
}

static void count(void *ctx, const struct kinora_event *e)
{
    (void)ctx;
    told += e->kind == KINORA_POSTER;
}

static struct kinora_summary ingest(void)
{
    const char *const root = in_dir("films");
    struct kinora_summary summary;
    struct kn_err err;

    told = 0;
    if (kinora_ingest(k, &(struct kinora_ingest_options){.roots = &root, .n_roots = 1}, count, NULL,
                      &summary, &err))
        fail_msg("%s", err.msg);
    return summary;
}

static int poster_of(const char *name, struct kinora_poster **out, struct kn_err *err)
{
    struct kinora_titles *t = NULL;
    int rc;

    assert_int_equal(kinora_find(k, name, &t, NULL), KN_OK);
    rc = kinora_poster(k, &t->titles[0].id, out, err);
    kinora_titles_free(t);
    return rc;
}

static void assert_poster(const char *name, const char *media_type)
{
    struct kinora_poster *p = NULL;
    struct kn_err err;

    if (poster_of(name, &p, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(p->media_type, media_type);
    if (strcmp(media_type, "image/jpeg") == 0) {
        assert_memory_equal(p->bytes, "\xFF\xD8\xFF", 3);
        assert_memory_equal(p->bytes + p->n - 2, "\xFF\xD9", 2);
    }
    kinora_poster_free(p);
}

static void assert_none(const char *name, const char *why)
{
    struct kinora_poster *untouched = NULL;
    struct kn_err err;

    assert_int_equal(poster_of(name, &untouched, &err), KN_ENOTFOUND);
    assert_string_equal(err.msg, why);
    assert_null(untouched);
}

/* One after the other, over one library. */

static void ingest_takes_a_frame_of_each_film_that_has_no_picture(void **state)
{
    struct kinora_summary s = ingest();

    (void)state;
    assert_int_equal(s.silent, 3);
    assert_int_equal(s.failed, 0);
    assert_int_equal(told, 2);
    assert_poster("Plain", "image/jpeg");
    assert_none("Night", "there is no poster: in none of 4 frames is anything to be seen");
}

static void a_picture_beside_the_film_is_given_as_it_is(void **state)
{
    struct kinora_poster *p = NULL;

    (void)state;
    assert_poster("Painted", "image/png");
    assert_int_equal(poster_of("Painted", &p, NULL), KN_OK);
    assert_int_equal(p->n, sizeof png - 1);
    assert_memory_equal(p->bytes, png, p->n);
    kinora_poster_free(p);
}

static void nothing_is_taken_twice_nor_tried_twice(void **state)
{
    struct kinora_summary s = ingest();

    (void)state;
    assert_int_equal(s.unchanged, 3);
    assert_int_equal(told, 0);
}

static void what_is_no_picture_is_not_given_whatever_it_is_called(void **state)
{
    (void)state;
    write_file("films/Plain-poster.jpg", "<html>", 6);
    assert_int_equal(ingest().unchanged, 3);
    assert_poster("Plain", "image/jpeg"); /* the frame */
    write_file("films/Painted-poster.png", "<html>", 6);
    assert_none("Painted", "there is no poster: ingest has not made one yet");
}

static void a_film_that_was_there_gets_one_by_the_next_ingest(void **state)
{
    (void)state;
    shell("rm films/Painted-poster.png");
    assert_int_equal(ingest().unchanged, 3);
    assert_int_equal(told, 1);
    assert_poster("Painted", "image/jpeg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ingest_takes_a_frame_of_each_film_that_has_no_picture),
        cmocka_unit_test(a_picture_beside_the_film_is_given_as_it_is),
        cmocka_unit_test(nothing_is_taken_twice_nor_tried_twice),
        cmocka_unit_test(what_is_no_picture_is_not_given_whatever_it_is_called),
        cmocka_unit_test(a_film_that_was_there_gets_one_by_the_next_ingest),
    };

    return cmocka_run_group_tests(tests, set_up, clean_up);
}
