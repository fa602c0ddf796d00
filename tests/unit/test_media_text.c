/* One test a promise of media.h about text tracks, about which sound is read, and about numbers that lie. */
#include "../support/media_fixture.h"

/* A second of silence whose header says this of its sound. */
static void make_wav(const char *name, unsigned channels, uint32_t rate)
{
    unsigned char wav[44 + 2 * KN_AUDIO_RATE] = "RIFF\x24\x7D\0\0WAVEfmt \x10\0\0\0\1\0";

    memcpy(wav + 36, "data\0\x7D\0", 8);
    wav[22] = (unsigned char)channels;
    for (int i = 0; i < 4; i++) {
        wav[24 + i] = (unsigned char)(rate >> 8 * i);
        wav[28 + i] = (unsigned char)(2 * rate >> 8 * i);
    }
    wav[32] = 2;
    wav[34] = 16;
    write_file(name, (const char *)wav, sizeof wav);
}

static int set_up(void **state)
{
    static const char srt[] =
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Somebody</i> has lit\nthe lamp.\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\nNobody, {I} say, lives there.\n";

    (void)state;
    if (make_media())
        return -1;
    write_file("words.srt", srt, sizeof srt - 1);
    ffmpeg("-i film.mp4 -i mono.wav -i words.srt -map 0:v -map 1 -map 2 -map 2 -c copy -c:s:0 srt"
           " -c:s:1 ass words.mkv");
    ffmpeg("-i film.mp4 -i words.srt -map 0 -map 1 -c copy -c:s mov_text words.mp4");
    ffmpeg("-i words.mkv -map 0 -c copy -output_ts_offset 100 later.mkv");
    ffmpeg(
        "-i film.mp4 -f lavfi -i anullsrc=r=16000:cl=5.1:d=5 -map 0:a -map 1 -map 0:a -map 1 -c:a "
        "flac"
        " -disposition:a:0 0 -metadata:s:a:0 title='Audio description' -metadata:s:a:0 language=eng"
        " -metadata:s:a:1 language=fre -metadata:s:a:2 language=eng -metadata:s:a:3 language=fre"
        " -disposition:a:1 0 -disposition:a:2 default -disposition:a:3 0 sounds.mkv");
    ffmpeg("-f lavfi -i sine=440:r=16000:d=3 -f lavfi -i anullsrc=r=16000:cl=5.1:d=3 -map 0 -map 1 "
           "-c:a flac"
           " -metadata:s:a:0 language=eng -metadata:s:a:1 language=eng -disposition:a 0 mixes.mkv");
    ffmpeg("-f lavfi -i sine=440:r=16000:d=3 -af \"asetpts='PTS+gte(T,1)*7200/TB'\" -c:a pcm_s16le "
           "gap.mkv");
    ffmpeg("-i mono.wav -c:a aac mono.m4a");
    ffmpeg("-i mono.wav -c copy mono.avi");
    make_wav("none.wav", 0, KN_AUDIO_RATE);
    make_wav("many.wav", 200, KN_AUDIO_RATE);
    make_wav("slow.wav", 1, 3);
    make_wav("fast.wav", 1, 4000000000U);
    return 0;
}

static void assert_text(struct kn_media *m, size_t stream, const char *expected)
{
    struct kn_buf text;
    struct kn_err err;

    kn_buf_init(&text, 1 << 16);
    if (kn_media_read_text(m, stream, NULL, &text, &err))
        fail_msg("stream %zu: %s", stream, err.msg);
    assert_string_equal(text.data, expected);
    kn_buf_free(&text);
}

#define HEAD "[Events]\nFormat: Start, End, Text\n"
/* plain: how the italics end, which FFmpeg's decoders write in two ways. */
#define CUES_ENDING(plain)                                                                         \
    HEAD "Dialogue: 0:00:01.000,0:00:02.500,{\\i1}Somebody{\\" plain "} has lit\\Nthe lamp.\n"     \
         "Dialogue: 0:00:03.000,0:00:04.000,Nobody, {I} say, lives there.\n"
#define CUES CUES_ENDING("i0")

static void text_is_read_as_ass_whatever_it_was_and_the_sound_after_it(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    size_t n;

    (void)state;
    assert_int_equal(open_name(m, "words.mkv", &info, NULL), KN_OK);
    assert_true(info.n_streams == 4 && info.streams[2].kind == KN_STREAM_SUBTITLE);
    assert_string_equal(info.streams[2].codec, "subrip");
    assert_string_equal(info.streams[3].codec, "ass");
    assert_text(m, 2, CUES);
    assert_text(m, 3, CUES);
    assert_int_equal(read_all(m, &n, NULL), KN_OK);
    assert_near(n, 3 * KN_AUDIO_RATE, 10);
    assert_near(rms(500, n - 2000), sine_rms, 0.004);
    assert_int_equal(open_name(m, "words.mp4", &info, NULL), KN_OK);
    assert_text(m, 2, CUES_ENDING("r"));
    kn_media_free(m);
}

static void times_count_from_the_start_of_the_film(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(open_name(m, "later.mkv", &info, NULL), KN_OK);
    assert_text(m, 2, CUES);
    kn_media_free(m);
}

static void a_track_that_is_no_text_says_so_and_the_file_is_opened_again(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    struct kn_buf text;
    struct kn_err err;
    size_t n;

    (void)state;
    kn_buf_init(&text, 1 << 16);
    assert_int_equal(open_name(m, "words.mkv", &info, NULL), KN_OK);
    assert_int_equal(kn_media_read_text(m, 0, NULL, &text, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "no decoder"));
    assert_int_equal(read_all(m, &n, &err), KN_EARG);
    assert_int_equal(open_name(m, "words.mkv", &info, NULL), KN_OK);
    assert_text(m, 2, CUES);
    assert_int_equal(kn_media_read_text(m, 99, NULL, &text, &err), KN_ELIMIT);
    kn_buf_free(&text);
    kn_media_free(m);
}

static void once_the_sound_was_begun_there_is_no_text(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    struct kn_buf text;
    struct kn_err err;
    size_t n;

    (void)state;
    kn_buf_init(&text, 1 << 16);
    assert_int_equal(kn_media_read_text(m, 0, NULL, &text, &err), KN_EARG);
    assert_int_equal(open_name(m, "words.mkv", &info, NULL), KN_OK);
    assert_int_equal(read_all(m, &n, NULL), KN_OK);
    assert_int_equal(kn_media_read_text(m, 2, NULL, &text, &err), KN_EARG);
    kn_buf_free(&text);
    kn_media_free(m);
}

static void more_text_than_there_is_room_for_ends_the_child(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;
    struct kn_buf text;
    struct kn_err err;

    (void)state;
    kn_buf_init(&text, sizeof HEAD + 70);
    assert_int_equal(open_name(m, "words.mkv", &info, NULL), KN_OK);
    assert_int_equal(kn_media_read_text(m, 2, NULL, &text, &err), KN_ELIMIT);
    assert_int_equal(open_name(m, "words.mkv", &info, NULL), KN_OK);
    kn_buf_free(&text);
    kn_media_free(m);
}

static void the_default_sound_is_heard_and_of_like_ones_the_fullest(void **state)
{
    struct kn_media *m = new_media(NULL);
    struct kn_media_info info;

    (void)state;
    assert_int_equal(open_name(m, "sounds.mkv", &info, NULL), KN_OK);
    assert_int_equal(info.audio, 2);
    assert_int_equal(open_name(m, "mixes.mkv", &info, NULL), KN_OK);
    assert_int_equal(info.audio, 1);
    kn_media_free(m);
}

static void assert_sound_refused(struct kn_media *m, const char *name, int code, const char *word)
{
    struct kn_media_info info;
    struct kn_err err = {0};
    size_t n;
    int rc = open_name(m, name, &info, &err);

    if (rc == KN_OK)
        rc = read_all(m, &n, &err);
    if (rc != code || !strstr(err.msg, word))
        fail_msg("%s: %d, '%s' does not say '%s'", name, rc, err.msg, word);
}

static void numbers_that_cannot_be_are_refused(void **state)
{
    struct kn_media *m = new_media(NULL);

    (void)state;
    assert_sound_refused(m, "none.wav", KN_ECORRUPT, "");
    assert_sound_refused(m, "many.wav", KN_ECORRUPT, "200 channels");
    assert_sound_refused(m, "slow.wav", KN_ECORRUPT, "3 Hz cannot be");
    assert_sound_refused(m, "fast.wav", KN_ECORRUPT, "");
    kn_media_free(m);
}

/* Overwrites what stands so far behind the name's first place in the file. */
static void patch(const char *name, const char *where, size_t behind, const char *with, size_t n)
{
    struct kn_buf file;
    char *at;

    kn_buf_init(&file, 1 << 24);
    assert_int_equal(kn_fs_read(in_dir(name), &file, NULL), KN_OK);
    at = memmem(file.data, file.n, where, strlen(where));
    assert_true(at && at + behind + n < file.data + file.n);
    memcpy(at + behind, with, n);
    write_file(name, file.data, file.n);
    kn_buf_free(&file);
}

static void a_frame_of_2_gib_in_a_small_file_is_only_what_is_there(void **state)
{
    struct kn_media *m = new_media(&(struct kn_media_limits){.memory = 1U << 30});
    struct kn_media_info info;

    (void)state;
    shell("cp mono.m4a lie.m4a; cp mono.avi lie.avi");
    patch("lie.m4a", "stsz", 36, "\x7F\xFF\xFF\xF0\x7F\xFF\xFF\xF0", 8); /* frames 6 and 7 */
    patch("lie.avi", "00wb", 4, "\xF0\xFF\xFF\x7F", 4);
    assert_in_range(must_read(m, "lie.m4a", &info), 1024, 3 * KN_AUDIO_RATE + 1024);
    assert_in_range(must_read(m, "lie.avi", &info), 1024, 3 * KN_AUDIO_RATE + 1024);
    kn_media_free(m);
}

static void hours_of_silence_that_a_few_bytes_promise_are_refused(void **state)
{
    struct kn_media *m = new_media(NULL);

    (void)state;
    assert_sound_refused(m, "gap.mkv", KN_ELIMIT, "gap of 7200 s");
    kn_media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_as_ass_whatever_it_was_and_the_sound_after_it),
        cmocka_unit_test(times_count_from_the_start_of_the_film),
        cmocka_unit_test(a_track_that_is_no_text_says_so_and_the_file_is_opened_again),
        cmocka_unit_test(once_the_sound_was_begun_there_is_no_text),
        cmocka_unit_test(more_text_than_there_is_room_for_ends_the_child),
        cmocka_unit_test(the_default_sound_is_heard_and_of_like_ones_the_fullest),
        cmocka_unit_test(numbers_that_cannot_be_are_refused),
        cmocka_unit_test(a_frame_of_2_gib_in_a_small_file_is_only_what_is_there),
        cmocka_unit_test(hours_of_silence_that_a_few_bytes_promise_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
