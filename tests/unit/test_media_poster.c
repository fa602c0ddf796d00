/* One test a promise of media.h about pictures. */
#include "../support/media_fixture.h"

enum { W = 32, H = 18, PICTURE = 3 * W * H }; /* in which two pictures are compared */

#define CARD "color=navy:s=320x180:r=10:d=4,drawbox=x=110:y=60:w=100:h=50:c=white:t=fill"
#define SCENE "mandelbrot=s=320x180:r=10:end_pts=400,trim=duration=8"
#define STORY                                                                                      \
    "-f lavfi -i color=black:s=320x180:r=10:d=4 -f lavfi -i " CARD " -f lavfi -i " SCENE           \
    " -filter_complex '[0][1][2]concat=n=3'"

static int set_up(void **state)
{
    (void)state;
    if (make_media())
        return -1;
    ffmpeg(STORY " -c:v mpeg4 story.mp4");
    ffmpeg(STORY " -c:v mpeg4 -g 10000 -sc_threshold 1000000000 one-key.mkv");
    ffmpeg("-f lavfi -i " CARD " -frames:v 1 card.png");
    ffmpeg("-f lavfi -i color=black:s=320x180:r=10:d=4 -c:v mpeg4 black.mp4");
    ffmpeg("-i film.mp4 -c copy -encryption_scheme cenc-aes-ctr"
           " -encryption_key 76a6c65c5ea762046bd749a2e632ccbb"
           " -encryption_kid a7e61c373e219033c21091fa607bf3b8 locked.mp4");
    ffmpeg("-f lavfi -i testsrc2=s=160x120:r=10:d=0.3 -c:v mpeg2video piece.ts");
    ffmpeg("-f lavfi -i testsrc2=s=720x576:r=10:d=3 -vf setsar=64/45 -c:v mpeg4 wide.mkv");
    ffmpeg("-f lavfi -i testsrc2=s=1280x720:r=10:d=3 -c:v mpeg4 lying.mp4");
    ffmpeg("-i lying.mp4 -c copy -metadata:s:v:0 rotate=90 upright.mp4");
    return 0;
}

static void take(struct kn_media *m, const char *film, struct kn_buf *out)
{
    struct kn_media_info info;
    struct kn_err err;

    kn_buf_init(out, KN_POSTER_BYTES);
    if (open_name(m, film, &info, &err) || kn_media_take_poster(m, NULL, out, &err))
        fail_msg("%s: %s", film, err.msg);
}

/* The picture, small, in RGB; filter: what ffmpeg does with it first. */
static void shrink(const char *name, const char *filter, unsigned char out[PICTURE])
{
    char command[512];
    struct kn_buf raw;

    snprintf(command, sizeof command,
             "-i %s -vf %sscale=%d:%d -frames:v 1 -pix_fmt rgb24 -f rawvideo small.rgb", name,
             filter, W, H);
    ffmpeg(command);
    kn_buf_init(&raw, PICTURE);
    assert_int_equal(kn_fs_read(in_dir("small.rgb"), &raw, NULL), KN_OK);
    assert_int_equal(raw.n, PICTURE);
    memcpy(out, raw.data, PICTURE);
    kn_buf_free(&raw);
}

/* Mean difference of two small pictures, 0..255. */
static double apart(const unsigned char *a, const unsigned char *b)
{
    double sum = 0;

    for (int i = 0; i < PICTURE; i++)
        sum += abs(a[i] - b[i]);
    return sum / PICTURE;
}

static double light(const unsigned char *a)
{
    static const unsigned char black[PICTURE];

    return apart(a, black);
}

static void size_of(const struct kn_buf *jpeg, int *width, int *height)
{
    const unsigned char *p = (const unsigned char *)jpeg->data;

    for (size_t i = 2; i + 9 < jpeg->n; i += 2 + (size_t)(p[i + 2] << 8 | p[i + 3])) {
        if (p[i + 1] == 0xC0) {
            *height = p[i + 5] << 8 | p[i + 6];
            *width = p[i + 7] << 8 | p[i + 8];
            return;
        }
    }
    fail_msg("no JPEG");
}

static void a_scene_is_taken_before_black_and_a_logo(void **state)
{
    static const char *const films[] = {"story.mp4", "one-key.mkv"};
    unsigned char card[PICTURE], got[PICTURE];
    struct kn_media *m = new_media(NULL);
    struct kn_buf jpeg;

    (void)state;
    shrink("card.png", "", card);
    for (int i = 0; i < 2; i++) {
        take(m, films[i], &jpeg);
        write_file("poster.jpg", jpeg.data, jpeg.n);
        shrink("poster.jpg", "", got);
        assert_true(apart(got, card) > 25);
        assert_true(light(got) > 25);
        kn_buf_free(&jpeg);
    }
    kn_media_free(m);
}

static void its_pixels_are_square_its_sides_at_most_480_and_it_stands_upright(void **state)
{
    static const struct {
        const char *film;
        int width, height;
    } films[] = {{"story.mp4", 320, 180},
                 {"wide.mkv", 480, 270},
                 {"lying.mp4", 480, 270},
                 {"upright.mp4", 270, 480}};
    struct kn_media *m = new_media(NULL);

    (void)state;
    for (int i = 0; i < 4; i++) {
        int width = 0, height = 0;
        struct kn_buf jpeg;

        take(m, films[i].film, &jpeg);
        size_of(&jpeg, &width, &height);
        assert_int_equal(width, films[i].width);
        assert_int_equal(height, films[i].height);
        kn_buf_free(&jpeg);
    }
    kn_media_free(m);
}

/* ffmpeg turns a film as its matrix says when it reads it, and a JPEG has none. */
static void it_is_turned_as_a_player_turns_the_film(void **state)
{
    unsigned char player[PICTURE], got[PICTURE], wrong[PICTURE];
    struct kn_media *m = new_media(NULL);
    struct kn_buf jpeg;

    (void)state;
    take(m, "upright.mp4", &jpeg);
    write_file("poster.jpg", jpeg.data, jpeg.n);
    shrink("poster.jpg", "", got);
    shrink("poster.jpg", "hflip,vflip,", wrong);
    shrink("upright.mp4", "", player); /* any frame: testsrc2 changes little */
    assert_true(apart(got, player) < apart(wrong, player) / 2);
    kn_buf_free(&jpeg);
    kn_media_free(m);
}

static void a_film_in_which_nothing_is_to_be_seen_has_none(void **state)
{
    static const struct {
        const char *film, *why;
    } films[] = {{"black.mp4", "in none of 4 frames is anything to be seen"},
                 {"locked.mp4", "it is encrypted"},
                 {"mono.wav", "it has no picture"}};
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    struct kn_buf jpeg;
    struct kn_err err;

    (void)state;
    kn_buf_init(&jpeg, KN_POSTER_BYTES);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(open_name(m, films[i].film, &info, NULL), KN_OK);
        assert_int_equal(kn_media_take_poster(m, NULL, &jpeg, &err), KN_ECORRUPT);
        assert_string_equal(err.msg, films[i].why);
        assert_int_equal(jpeg.n, 0);
    }
    assert_int_equal(kn_media_take_poster(m, NULL, &jpeg, &err), KN_EARG); /* it is closed */
    kn_buf_free(&jpeg);
    kn_media_free(m);
}

static void a_piece_in_which_no_place_can_be_found_gives_a_frame_too(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_buf jpeg;

    (void)state;
    take(m, "piece.ts", &jpeg);
    kn_buf_free(&jpeg);
    kn_media_free(m);
}

static void the_same_film_gives_the_same_picture_and_its_sound_afterwards(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_buf first, second;
    struct kn_err err;
    size_t n = 0;

    (void)state;
    take(m, "film.mp4", &first);
    take(m, "film.mp4", &second);
    assert_int_equal(first.n, second.n);
    assert_memory_equal(first.data, second.data, first.n);
    assert_int_equal(read_all(m, &n, &err), KN_OK);
    assert_near(n, 5 * KN_AUDIO_RATE, 1024);
    assert_int_equal(kn_media_take_poster(m, NULL, &first, &err), KN_EARG);
    kn_buf_free(&first);
    kn_buf_free(&second);
    kn_media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scene_is_taken_before_black_and_a_logo),
        cmocka_unit_test(its_pixels_are_square_its_sides_at_most_480_and_it_stands_upright),
        cmocka_unit_test(it_is_turned_as_a_player_turns_the_film),
        cmocka_unit_test(a_film_in_which_nothing_is_to_be_seen_has_none),
        cmocka_unit_test(a_piece_in_which_no_place_can_be_found_gives_a_frame_too),
        cmocka_unit_test(the_same_film_gives_the_same_picture_and_its_sound_afterwards),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
