/* One test a promise of subtitle.h, named after it. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/unicode.h"
#include "text/subtitle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct file {
    struct kn_arena *arena;
    struct kn_subtitle s;
    struct kn_err err;
    int rc;
};

static void done(struct file *f)
{
    kn_arena_free(f->arena);
}

static void parse_bytes(struct file *f, const char *p, size_t n)
{
    memset(f, 0, sizeof *f);
    f->arena = kn_arena_new(0);
    f->rc =
        kn_subtitle_parse((struct kn_sv){p, n}, KN_SUBTITLE_ANY, NULL, f->arena, &f->s, &f->err);
}

static void parse(struct file *f, const char *text)
{
    parse_bytes(f, text, strlen(text));
}

static void parse_fixture(struct file *f, const char *name)
{
    struct kn_buf b;
    char path[512];

    kn_buf_init(&b, 1 << 20);
    snprintf(path, sizeof path, "%s/tests/fixtures/subtitles/%s", KN_TEST_SOURCE_DIR, name);
    assert_int_equal(kn_fs_read(path, &b, NULL), KN_OK);
    parse_bytes(f, b.data, b.n);
    kn_buf_free(&b);
}

/* "start-end text|..." of all segments. */
static void assert_says(struct file *f, const char *expected)
{
    struct kn_buf b;

    if (f->rc)
        fail_msg("%s", f->err.msg);
    kn_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < f->s.n_segments; i++)
        kn_buf_addf(&b, NULL, "%s%g-%g %s", i ? "|" : "", f->s.segments[i].start,
                    f->s.segments[i].end, f->s.segments[i].text);
    assert_string_equal(b.data, expected);
    kn_buf_free(&b);
    done(f);
}

static void says(const char *text, const char *expected)
{
    struct file f;

    parse(&f, text);
    assert_says(&f, expected);
}

static void refused(const char *text, enum kn_code code, const char *message)
{
    struct file f;

    parse(&f, text);
    assert_int_equal(f.rc, code);
    if (!strstr(f.err.msg, message))
        fail_msg("'%s' lacks '%s'", f.err.msg, message);
    assert_int_equal(f.s.n_segments, 0);
    done(&f);
}

static void spoken(const char *text, const char *expected)
{
    struct kn_buf b;

    kn_buf_init(&b, 1 << 16);
    assert_int_equal(kn_subtitle_spoken(kn_sv_of(text), &b, NULL), KN_OK);
    assert_string_equal(b.data, expected);
    kn_buf_free(&b);
}

/* ---- SubRip ---- */

static void a_plain_file_becomes_its_cues(void **state)
{
    (void)state;
    says("1\n00:00:01,000 --> 00:00:02,500\nThe lamp is out.\nLight it.\n\n"
         "2\n01:00:03,000 --> 01:00:04,250\nNo.\n",
         "1-2.5 The lamp is out. Light it.|3603-3604.25 No.");
}

static void any_line_end_will_do(void **state)
{
    (void)state;
    says("1\r\n00:00:01,000 --> 00:00:02,000\r\nOne\r\n\r\n2\r\n00:00:03,000 --> "
         "00:00:04,000\r\nTwo\r\n",
         "1-2 One|3-4 Two");
    says("1\r00:00:01,000 --> 00:00:02,000\rOne\r\r2\r00:00:03,000 --> 00:00:04,000\rTwo",
         "1-2 One|3-4 Two");
    says("1\r\r\n00:00:01,000 --> 00:00:02,000\r\r\nOne\r\r\n\r\r\n2\r\r\n00:00:03,000 --> "
         "00:00:04,000\r\r\nTwo\r\r\n",
         "1-2 One|3-4 Two");
}

static void numbers_may_be_missing_or_wrong(void **state)
{
    (void)state;
    says("00:00:01,000 --> 00:00:02,000\nOne\n\n00:00:03,000 --> 00:00:04,000\nTwo\n",
         "1-2 One|3-4 Two");
    says("0\n00:00:01,000 --> 00:00:02,000\nOne\n\n\n7\n00:00:03,000 --> 00:00:04,000\nTwo\n\n8\n",
         "1-2 One|3-4 Two");
}

static void a_figure_that_is_said_is_no_number(void **state)
{
    (void)state;
    says("1\n00:00:01,000 --> 00:00:02,000\n1984\n\n2\n00:00:03,000 --> 00:00:04,000\nIt was\n42\n",
         "1-2 1984|3-4 It was 42");
    says("00:00:01,000 --> 00:00:02,000\n1984\n00:00:03,000 --> 00:00:04,000\nTwo\n",
         "1-2 1984|3-4 Two");
}

static void blank_lines_may_be_missing_or_too_many(void **state)
{
    (void)state;
    says("1\n00:00:01,000 --> 00:00:02,000\nOne\n2\n00:00:03,000 --> 00:00:04,000\nTwo\n\nmore\n\n"
         "3\n00:00:05,000 --> 00:00:06,000\n\nThree\n",
         "1-2 One|3-4 Two more|5-6 Three");
}

static void times_are_read_as_programs_write_them(void **state)
{
    (void)state;
    says("00:01,5 --> 00:02.250 align:start position:0%\nOne\n\n"
         "0:0:3 --> 0:0:4 X1:10 X2:20 Y1:1 Y2:2\nTwo\n\n"
         "00: 00: 05,000 -> 00:00:06:500\nThree\n\n-00:00:00,500-->00:00:07,000\nFour\n",
         "0-7 Four|1.5-2.25 One|3-4 Two|5-6.5 Three");
}

static void a_cue_that_ends_before_it_starts_has_no_length(void **state)
{
    (void)state;
    says("00:00:05,000 --> 00:00:04,000\nOne\n", "5-5 One");
}

static void a_cue_that_is_never_taken_away_is_cut(void **state)
{
    (void)state;
    says("00:00:05,000 --> 99:59:59,999\nOne\n", "5-65 One");
}

static void cues_out_of_order_are_sorted_and_may_overlap(void **state)
{
    (void)state;
    says("00:00:05,000 --> 00:00:08,000\nLater\n\n00:00:01,000 --> 00:00:06,000\nFirst\n",
         "1-6 First|5-8 Later");
}

static void a_cue_with_unreadable_times_is_passed_over_and_counted(void **state)
{
    struct file f;

    (void)state;
    parse(&f, "1\n00:00:01,000 --> 00:00:02,000\nOne\n\n2\n00:00:xx --> 00:00:04,000\nLost\n\n"
              "3\n00:00:05,000 --> 00:00:06,000\nThree\n");
    assert_int_equal(f.s.skipped, 1);
    assert_int_equal(f.s.skipped_line, 6);
    assert_says(&f, "1-2 One|5-6 Three");
}

static void an_arrow_may_be_said(void **state)
{
    (void)state;
    says("00:00:01,000 --> 00:00:02,000\nfrom A --> to B\n", "1-2 from A --> to B");
}

static void markup_goes_and_what_looks_like_it_stays(void **state)
{
    (void)state;
    says("00:00:01,000 --> 00:00:02,000\n{\\an8}<i>The</i> <font color=\"#fff\">lamp</font>\n"
         "I <3 you, a < b > c {really} {y:i}AT&amp;T &#8217;90s\\Nend\n",
         "1-2 The lamp I <3 you, a < b > c {really} AT&T \xE2\x80\x99"
         "90s end");
}

static void invisible_characters_go(void **state)
{
    (void)state;
    says("00:00:01,000 --> 00:00:02,000\n\xE2\x80\xAA"
         "a\xC2\xA0 \xE2\x80\x8B"
         "b\xC2\xAD"
         "c\xE2\x80\xAC\t\x01 d\n",
         "1-2 a bc d");
}

static void sounds_names_and_notes_stay_in_the_transcript(void **state)
{
    (void)state;
    says("00:00:01,000 --> 00:00:02,000\n[door slams] JOHN: Who is it?\n\n"
         "00:00:03,000 --> 00:00:04,000\n\xE2\x99\xAA Sail on \xE2\x99\xAA\n",
         "1-2 [door slams] JOHN: Who is it?|3-4 \xE2\x99\xAA Sail on \xE2\x99\xAA");
}

/* ---- WebVTT ---- */

static void webvtt_notes_styles_and_names_of_cues_are_no_text(void **state)
{
    struct file f;

    (void)state;
    parse_fixture(&f, "lighthouse.vtt");
    assert_int_equal(f.s.format, KN_SUBTITLE_VTT);
    assert_says(&f, "1-3.5 [Ann] The light is on again. Nobody lives there.|"
                    "4-6 [Ben Hale] Somebody does now.|3601-3603 Fish & chips, then.");
}

static void captions_that_roll_up_are_told_once(void **state)
{
    (void)state;
    says("WEBVTT\n\n00:00.000 --> 00:02.000\nwe left\n<00:00:00.500><c>the harbour</c>\n\n"
         "00:02.000 --> 00:02.010\nthe harbour\n\n00:02.010 --> 00:04.000\nthe harbour\n"
         "before<00:00:03.000><c> dawn</c>\n\n00:04.000 --> 00:06.000\nbefore dawn\nand rowed\n",
         "0-2.01 we left the harbour|2.01-4 before dawn|4-6 and rowed");
}

static void captions_that_grow_are_told_once(void **state)
{
    (void)state;
    says("WEBVTT\n\n00:00.000 --> 00:01.000\nwe\n\n00:01.000 --> 00:02.000\nwe left\n\n"
         "00:02.000 --> 00:03.000\nwe left early\n\n00:03.000 --> 00:04.000\nweary\n",
         "0-3 we left early|3-4 weary");
}

static void what_is_said_again_later_is_told_again(void **state)
{
    (void)state;
    says("00:00:01,000 --> 00:00:02,000\nNo.\n\n00:00:04,000 --> 00:00:05,000\nNo.\n",
         "1-2 No.|4-5 No.");
}

/* ---- ASS ---- */

static void ass_events_are_read_without_overrides_drawings_and_comments(void **state)
{
    struct file f;

    (void)state;
    parse_fixture(&f, "storm.ass");
    assert_int_equal(f.s.format, KN_SUBTITLE_ASS);
    assert_says(&f, "1-3.5 Hold the wheel, all of you! Now.|4-6 We will not make it.|"
                    "7-8.5 (thunder)|9-10 And yet");
}

static void ssa_without_a_format_line_is_read_too(void **state)
{
    (void)state;
    says("[Script Info]\n[Events]\nDialogue: Marked=0,0:00:01.00,0:00:02.00,Default,NTP,0000,0000,"
         "0000,,One, two\n",
         "1-2 One, two");
}

static void layers_of_one_line_are_one_segment(void **state)
{
    (void)state;
    says("[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:01.00,0:00:02.00,A\n"
         "Dialogue: 0,0:00:01.00,0:00:02.00,B\nDialogue: 1,0:00:01.00,0:00:02.00,A\n"
         "Dialogue: 1,0:00:01.00,0:00:02.00,B\n",
         "1-2 A|1-2 B");
}

/* ---- any ---- */

static void the_format_is_told_by_what_the_file_holds(void **state)
{
    struct file f;

    (void)state;
    parse(&f, "\xEF\xBB\xBF\n\nWEBVTT - with a title\n\n00:01.000 --> 00:02.000\nOne\n");
    assert_int_equal(f.s.format, KN_SUBTITLE_VTT);
    assert_says(&f, "1-2 One");
    parse(&f, "00:01.000 --> 00:02.000\nOne\n");
    assert_int_equal(f.s.format, KN_SUBTITLE_SRT);
    assert_string_equal(f.s.charset.name, "UTF-8");
    done(&f);
}

static void what_is_not_subtitles_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("", KN_ECORRUPT, "line 1: the file is empty");
    refused("\n \n\t\n", KN_ECORRUPT, "line 1: the file is empty");
    refused("\n\n<sami>\n<body>", KN_ECORRUPT, "line 3: '<sami>' begins no SubRip, WebVTT or ASS");
    refused(
        "1\nab --> cd\nx\n\n2\n0x --> 00:02\n\n3\n1y --> 00:02\n\n4\n00:00:01 --> 00:00:02\nOne\n",
        KN_ECORRUPT, "line 6: these times cannot be read, nor can those of most cues");
    refused("1\n00:00:01 --> 00:00:02\n<i></i>\n", KN_ECORRUPT,
            "line 1: from here on 1 cues, all without text");
    refused("[Script Info]\nTitle: x\n", KN_ECORRUPT, "line 2: the file ends without an [Events]");
    refused("[Events]\nFormat: Layer, Text\n", KN_ECORRUPT, "line 2: the events' Format names no");
}

static void limits_hold(void **state)
{
    char *text = malloc(KN_SUBTITLE_BYTES + 1);
    struct kn_buf b;
    struct file f;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', KN_SUBTITLE_BYTES + 1);
    parse_bytes(&f, text, KN_SUBTITLE_BYTES + 1);
    assert_int_equal(f.rc, KN_ELIMIT);
    done(&f);
    memcpy(text, "00:01 --> 00:02\n", 16);
    memset(text + 16, 0xC3, 1);
    for (size_t i = 16; i + 1 < KN_SUBTITLE_BYTES; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    parse_bytes(&f, text, KN_SUBTITLE_BYTES);
    assert_int_equal(f.rc, KN_OK);
    assert_in_range(strlen(f.s.segments[0].text), 8000, 8200);
    assert_true(kn_utf8_valid(kn_sv_of(f.s.segments[0].text)));
    done(&f);
    free(text);
    kn_buf_init(&b, KN_SUBTITLE_BYTES);
    for (int i = 0; i <= KN_SUBTITLE_CUES; i++)
        kn_buf_addf(&b, NULL, "%d:%d --> 9:9\nx\n", i / 60, i % 60);
    assert_int_equal(kn_buf_ok(&b, NULL), KN_OK);
    parse_bytes(&f, b.data, b.n);
    assert_int_equal(f.rc, KN_ELIMIT);
    assert_non_null(strstr(f.err.msg, "line 400001: more than 200000 cues"));
    done(&f);
    kn_buf_free(&b);
}

/* ---- what is said ---- */

static void sounds_and_names_are_not_spoken(void **state)
{
    (void)state;
    spoken("[door slams] JOHN: Who is it?", "Who is it?");
    spoken("(SIGHS) Come in. MAN #2: No, thanks (coughs (twice)) really.",
           "Come in. No, thanks really.");
    spoken("- [Ann] Yes. - DR. WHO: No.", "- Yes. - No.");
    spoken(">> ANNA: Good evening. >> Welcome.", "Good evening. Welcome.");
    spoken("\xEF\xBC\x88\xE7\xAC\x91\xEF\xBC\x89\xE3\x81\xAF\xE3\x81\x84",
           "\xE3\x81\xAF\xE3\x81\x84");
    spoken("- (laughs) - [music]", "");
    spoken("[Music]", "");
}

static void what_is_sung_is_spoken_without_its_notes(void **state)
{
    (void)state;
    spoken("\xE2\x99\xAA Sail on, sailor \xE2\x99\xAB", "Sail on, sailor");
}

static void speech_without_any_of_that_stays_as_it_is(void **state)
{
    static const char *const texts[] = {"He said: come at 10:30.",
                                        "A list [that never closes",
                                        "well (I think",
                                        "Anna: hello",
                                        "- Yes. - No.",
                                        "No \xE2\x80\x94 not yet.",
                                        "\xC3\x84rger: alles",
                                        ""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        spoken(texts[i], texts[i]);
}

static void captions_in_capitals_lose_names_only_at_sentences(void **state)
{
    (void)state;
    spoken("JOHN: I KNOW WHAT I WANT: MONEY. MARY: SO DO I.",
           "I KNOW WHAT I WANT: MONEY. SO DO I.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_becomes_its_cues),
        cmocka_unit_test(any_line_end_will_do),
        cmocka_unit_test(numbers_may_be_missing_or_wrong),
        cmocka_unit_test(a_figure_that_is_said_is_no_number),
        cmocka_unit_test(blank_lines_may_be_missing_or_too_many),
        cmocka_unit_test(times_are_read_as_programs_write_them),
        cmocka_unit_test(a_cue_that_ends_before_it_starts_has_no_length),
        cmocka_unit_test(a_cue_that_is_never_taken_away_is_cut),
        cmocka_unit_test(cues_out_of_order_are_sorted_and_may_overlap),
        cmocka_unit_test(a_cue_with_unreadable_times_is_passed_over_and_counted),
        cmocka_unit_test(an_arrow_may_be_said),
        cmocka_unit_test(markup_goes_and_what_looks_like_it_stays),
        cmocka_unit_test(invisible_characters_go),
        cmocka_unit_test(sounds_names_and_notes_stay_in_the_transcript),
        cmocka_unit_test(webvtt_notes_styles_and_names_of_cues_are_no_text),
        cmocka_unit_test(captions_that_roll_up_are_told_once),
        cmocka_unit_test(captions_that_grow_are_told_once),
        cmocka_unit_test(what_is_said_again_later_is_told_again),
        cmocka_unit_test(ass_events_are_read_without_overrides_drawings_and_comments),
        cmocka_unit_test(ssa_without_a_format_line_is_read_too),
        cmocka_unit_test(layers_of_one_line_are_one_segment),
        cmocka_unit_test(the_format_is_told_by_what_the_file_holds),
        cmocka_unit_test(what_is_not_subtitles_is_refused_with_its_line),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(sounds_and_names_are_not_spoken),
        cmocka_unit_test(what_is_sung_is_spoken_without_its_notes),
        cmocka_unit_test(speech_without_any_of_that_stays_as_it_is),
        cmocka_unit_test(captions_in_capitals_lose_names_only_at_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
