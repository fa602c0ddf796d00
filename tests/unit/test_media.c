/* One test a promise of media.h about what is read. test_decoder.c has those about the child. */
#include "../support/media_fixture.h"

/* A second of 12 channels, which no layout names; 12288 / 32768 in two of them, 0 in the others. */
static void make_twelve(void)
{
    static const unsigned char head[44] = "RIFF\x24\xDC\x05\0WAVEfmt \x10\0\0\0\1\0\x0C\0"
                                          "\x80\x3E\0\0\0\xDC\x05\0\x18\0\x10\0data\0\xDC\x05";
    static char wav[sizeof head + 12 * 2 * KN_AUDIO_RATE];

    memcpy(wav, head, sizeof head);
    for (size_t i = sizeof head; i < sizeof wav; i += 24)
        wav[i + 1] = wav[i + 15] = 0x30;
    write_file("twelve.wav", wav, sizeof wav);
}

static int set_up(void **state)
{
    (void)state;
    if (make_media())
        return -1;
    ffmpeg("-i film.mp4 -c copy moov-last.mp4");
    ffmpeg("-i film.mp4 -itsoffset 2 -i stereo.wav -map 0:v -map 1:a -c:v copy -c:a aac late.mp4");
    ffmpeg("-i film.mp4 -itsoffset 2 -i stereo.wav -map 0:v -map 1:a -c:v copy -c:a mp2 late.ts");
    for (int at = 0; at <= 102; at += at ? 100 : 2) { /* 0, 2, 102 */
        char text[128];

        snprintf(text, sizeof text, "-i stereo.wav -c:a mp2 -output_ts_offset %d at-%d.ts", at, at);
        ffmpeg(text);
    }
    shell("cat at-0.ts at-2.ts > overlap.ts; cat at-0.ts at-102.ts > splice.ts");
    ffmpeg("-i film.mp4 -af \"aselect='not(between(t,2,3))'\" -c:v copy -c:a pcm_s16le gap.mkv");
    ffmpeg("-i film.mp4 -i mono.wav -map 0:v -map 1:a -map 1:a -map 1:a -c copy"
           " -disposition:a:0 default+comment -disposition:a:1 0 -disposition:a:2 original"
           " -metadata:s:a:2 title=Original tracks.mkv");
    ffmpeg("-i film.mp4 -i mono.wav -map 0:v -map 1:a -map 1:a -c copy -disposition:a:0 default"
           " -disposition:a:1 original dubbed.mkv");
    ffmpeg("-i film.mp4 -c copy -encryption_scheme cenc-aes-ctr"
           " -encryption_key 76a6c65c5ea762046bd749a2e632ccbb"
           " -encryption_kid a7e61c373e219033c21091fa607bf3b8 locked.mp4");
    shell("n=$(stat -c %%s film.mp4); head -c $((n * 6 / 10)) film.mp4 > short.mp4; "
          "head -c $((n / 2)) moov-last.mp4 > headless.mp4");
    ffmpeg("-i long.m4a -t 20 -b:a 64k torn.mp3");
    shell("head -c 8000 film.mp4 | dd of=torn.mp3 bs=1 seek=80000 conv=notrunc status=none");
    make_twelve();
    write_file("empty.mp4", "", 0);
    write_file("list.mp4", "#EXTM3U\n#EXTINF:3,\nmono.wav\n#EXT-X-ENDLIST\n", 43);
    write_file("concat.mp4", "ffconcat version 1.0\nfile mono.wav\n", 35);
    return 0;
}

static void info_tells_what_the_container_holds(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(open_name(m, "film.mp4", &info, NULL), KN_OK);
    assert_string_equal(info.container, "mov,mp4,m4a,3gp,3g2,mj2");
    assert_string_equal(info.title, "A \xC3\xA9t\xC3\xA9");
    assert_near(info.duration, 5, 0.05);
    assert_int_equal(info.n_streams, 2);
    assert_int_equal(info.streams[0].kind, KN_STREAM_VIDEO);
    assert_string_equal(info.streams[0].codec, "mpeg4");
    assert_int_equal(info.streams[0].width, 160);
    assert_int_equal(info.streams[0].height, 120);
    assert_int_equal(info.audio, 1);
    assert_int_equal(info.streams[1].kind, KN_STREAM_AUDIO);
    assert_string_equal(info.streams[1].language, "spa");
    assert_true(info.streams[1].is_default);
    assert_int_equal(info.streams[1].channels, 2);
    assert_int_equal(info.streams[1].sample_rate, 44100);
    kn_media_free(m);
}

static void sound_is_mono_16k_as_loud_and_as_long_as_the_track(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE);
    assert_near(rms(0, 3 * KN_AUDIO_RATE), sine_rms, 0.0005);
    assert_near(must_read(m, "stereo.wav", &info), 3 * KN_AUDIO_RATE, 1);
    assert_near(rms(100, 3 * KN_AUDIO_RATE - 100), sine_rms, 0.001);
    assert_near(must_read(m, "film.mp4", &info), 5 * KN_AUDIO_RATE, 1024);
    assert_near(rms(1000, 5 * KN_AUDIO_RATE - 1000), sine_rms, 0.005);
    kn_media_free(m);
}

static void channels_without_a_layout_are_weighed_alike(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    size_t n = must_read(m, "twelve.wav", &info);

    (void)state;
    assert_int_equal(info.streams[0].channels, 12);
    assert_int_equal(n, KN_AUDIO_RATE);
    assert_near(sound[0], 0.375 * 2 / 12, 1e-6);
    assert_near(sound[n - 1], 0.375 * 2 / 12, 1e-6);
    kn_media_free(m);
}

static void a_film_without_sound_has_no_track_and_no_samples(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(must_read(m, "mute.mp4", &info), 0);
    assert_int_equal(info.audio, -1);
    assert_int_equal(info.n_streams, 1);
    kn_media_free(m);
}

static void a_track_that_starts_late_is_silent_until_then(void **state)
{
    const char *const names[] = {"late.mp4", "late.ts"};
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    for (int i = 0; i < 2; i++) {
        size_t n = must_read(m, names[i], &info);

        assert_near(n, 5 * KN_AUDIO_RATE, 2400); /* mp2 and aac end on a frame */
        assert_near(rms(0, 31000), 0, 0.0001);
        assert_near(rms(33600, 79000), sine_rms, 0.005);
    }
    kn_media_free(m);
}

static void a_gap_in_the_track_is_silence_of_its_length(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    size_t n = must_read(m, "gap.mkv", &info);

    (void)state;
    assert_near(n, 5 * KN_AUDIO_RATE, 1024);
    assert_near(rms(500, 31500), sine_rms, 0.002);
    assert_near(rms(33000, 47000), 0, 0.0001);
    assert_near(rms(49500, 79000), sine_rms, 0.002);
    kn_media_free(m);
}

static void what_overlaps_is_heard_once_and_a_splice_is_closed(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_near(must_read(m, "at-0.ts", &info), 3 * KN_AUDIO_RATE, 500);
    assert_near(must_read(m, "overlap.ts", &info), 5 * KN_AUDIO_RATE, 500);
    assert_near(must_read(m, "splice.ts", &info), 6 * KN_AUDIO_RATE, 1000);
    assert_near(rms(500, 95000), sine_rms, 0.004);
    kn_media_free(m);
}

static void a_commentary_is_read_only_when_there_is_nothing_else(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(open_name(m, "tracks.mkv", &info, NULL), KN_OK);
    assert_int_equal(info.n_streams, 4);
    assert_true(info.streams[1].is_default);
    assert_int_equal(info.audio, 3);
    assert_true(info.streams[3].is_original);
    assert_string_equal(info.streams[3].title, "Original");
    kn_media_free(m);
}

static void the_original_sound_comes_before_a_default_one(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(open_name(m, "dubbed.mkv", &info, NULL), KN_OK);
    assert_true(info.streams[1].is_default);
    assert_int_equal(info.audio, 2);
    kn_media_free(m);
}

static void the_fd_stays_the_callers_and_is_not_moved(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    int fd = open(in_dir("film.mp4"), O_RDONLY | O_CLOEXEC);
    size_t n;

    (void)state;
    assert_int_equal(lseek(fd, 77, SEEK_SET), 77);
    assert_int_equal(kn_media_open(m, fd, NULL, &info, NULL), KN_OK);
    assert_int_equal(read_all(m, &n, NULL), KN_OK);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 77);
    assert_int_equal(close(fd), 0);
    kn_media_free(m);
}

static void assert_refused(struct kn_media *m, const char *name, int code, const char *word)
{
    struct kn_media_info info = {.audio = 7};
    struct kn_err err;

    assert_int_equal(open_name(m, name, &info, &err), code);
    if (!strstr(err.msg, word))
        fail_msg("%s: '%s' does not say '%s'", name, err.msg, word);
    assert_int_equal(info.audio, 7);
}

static void what_is_no_film_is_refused_with_a_reason(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    struct kn_err err;
    int fd;

    (void)state;
    assert_refused(m, "empty.mp4", KN_ECORRUPT, "empty");
    assert_refused(m, "text.mp4", KN_ECORRUPT, "not a film");
    assert_refused(m, "headless.mp4", KN_ECORRUPT, "moov atom not found");
    assert_refused(m, "list.mp4", KN_ECORRUPT, "not a film");
    assert_refused(m, "concat.mp4", KN_ECORRUPT, "not a film");
    fd = open(dir, O_RDONLY | O_CLOEXEC);
    assert_int_equal(kn_media_open(m, fd, NULL, &info, &err), KN_EARG);
    close(fd);
    assert_int_equal(kn_media_read_audio(m, sound, 1, NULL, &(size_t){0}, &err), KN_EARG);
    assert_near(must_read(m, "mono.wav", &info), 3 * KN_AUDIO_RATE, 0);
    kn_media_free(m);
}

static void a_truncated_film_gives_the_sound_that_is_there(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    size_t n = must_read(m, "short.mp4", &info);

    (void)state;
    assert_near(info.duration, 5, 0.05);
    assert_true(n > KN_AUDIO_RATE && n < 4 * KN_AUDIO_RATE);
    assert_near(rms(1000, n - 1000), sine_rms, 0.005);
    kn_media_free(m);
}

static void a_damaged_stretch_does_not_end_the_track(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    size_t n = must_read(m, "torn.mp3", &info);

    (void)state;
    assert_near(n, 20 * KN_AUDIO_RATE, 1.5 * KN_AUDIO_RATE);
    assert_true(rms(n - 2 * KN_AUDIO_RATE, n - KN_AUDIO_RATE) > 0.01);
    kn_media_free(m);
}

static void encrypted_sound_is_an_error_and_not_noise(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    struct kn_err err;
    size_t n;

    (void)state;
    assert_int_equal(open_name(m, "locked.mp4", &info, &err), KN_OK);
    assert_int_equal(read_all(m, &n, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "encrypted"));
    assert_int_equal(n, 0);
    kn_media_free(m);
}

static void a_stated_duration_is_the_most_that_is_read(void **state)
{
    struct kn_media *m = new_media(&(struct kn_media_limits){.max_duration = 10});
    struct kn_media_info info;
    struct kn_err err;
    size_t n;

    (void)state;
    assert_int_equal(open_name(m, "long.m4a", &info, &err), KN_OK);
    assert_int_equal(read_all(m, &n, &err), KN_ELIMIT);
    assert_near(n, 10 * KN_AUDIO_RATE, 16384); /* what was decoded before is given first */
    assert_int_equal(read_all(m, &n, &err), KN_ELIMIT);
    kn_media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_tells_what_the_container_holds),
        cmocka_unit_test(sound_is_mono_16k_as_loud_and_as_long_as_the_track),
        cmocka_unit_test(channels_without_a_layout_are_weighed_alike),
        cmocka_unit_test(a_film_without_sound_has_no_track_and_no_samples),
        cmocka_unit_test(a_track_that_starts_late_is_silent_until_then),
        cmocka_unit_test(a_gap_in_the_track_is_silence_of_its_length),
        cmocka_unit_test(what_overlaps_is_heard_once_and_a_splice_is_closed),
        cmocka_unit_test(a_commentary_is_read_only_when_there_is_nothing_else),
        cmocka_unit_test(the_original_sound_comes_before_a_default_one),
        cmocka_unit_test(the_fd_stays_the_callers_and_is_not_moved),
        cmocka_unit_test(what_is_no_film_is_refused_with_a_reason),
        cmocka_unit_test(a_truncated_film_gives_the_sound_that_is_there),
        cmocka_unit_test(a_damaged_stretch_does_not_end_the_track),
        cmocka_unit_test(encrypted_sound_is_an_error_and_not_noise),
        cmocka_unit_test(a_stated_duration_is_the_most_that_is_read),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
