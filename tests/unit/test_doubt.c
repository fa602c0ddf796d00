/* One test a promise of speech/doubt.h, named after it. */
#include "speech/doubt.h"

#include <kinora/err.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SECOND = 31, FRAMES = 30 * SECOND }; /* frames; 31.25 in truth */

static float sound[FRAMES];

/* Thirty seconds in which somebody speaks from one second to another. */
static void speak(size_t from, size_t to)
{
    for (size_t i = 0; i < FRAMES; i++)
        sound[i] = i >= from * SECOND && i < to * SECOND ? 0.9F : 0.05F;
}

static const char *doubt_of(const struct kn_line *line, const struct kn_line *before, size_t n)
{
    const char *why = NULL;

    assert_int_equal(kn_doubt(line, before, n, sound, FRAMES, &why, NULL), KN_OK);
    return why;
}

static const char *doubt(const char *text, size_t from, size_t to)
{
    return doubt_of(&(const struct kn_line){text, from * SECOND, to * SECOND}, NULL, 0);
}

static bool is_phantom(const char *text)
{
    bool is = false;

    assert_int_equal(kn_is_phantom(text, &is, NULL), KN_OK);
    return is;
}

static void what_is_said_is_kept_whatever_it_says(void **state)
{
    (void)state;
    speak(5, 20);
    assert_null(doubt(" A door that nobody may open.", 6, 9));
    assert_null(doubt(" Thank you.", 6, 7));
    assert_null(doubt(" Thanks for watching!", 10, 12));
    assert_null(doubt(" Subtitles by the prisoners of war.", 10, 12));
}

static void words_where_nobody_speaks_are_doubted(void **state)
{
    (void)state;
    speak(5, 20);
    assert_non_null(doubt(" Frank is the best safe cracker in the world.", 25, 28));
    assert_null(doubt(" And so on.", 20, 22)); /* Whisper's times are not that exact */
    speak(8, 20);
    assert_null(doubt(" Nor before the first word.", 6, 8));
    assert_non_null(doubt(" But they are off by less than this.", 2, 5));
    speak(0, 0);
    assert_non_null(doubt(" Anything.", 0, 30));
}

static void a_phantom_needs_more_voice_than_other_words(void **state)
{
    (void)state;
    speak(5, 7);
    assert_null(doubt(" A real sentence of some length.", 5, 11));
    assert_non_null(doubt(" Thank you so much for watching this, said nobody. [", 9, 14));
    assert_non_null(doubt(" Thanks for watching!", 5, 11));
    speak(0, 30); /* a song is half a voice */
    assert_non_null(doubt(" Thank you.", 0, 20));
}

static void a_line_again_needs_time_and_a_voice(void **state)
{
    const struct kn_line before[] = {{" The Lantern Fleet", 10, 40}, {" And now this.", 40, 60}};
    const struct kn_line again = {" The lantern fleet.", 60, 62},
                         slowly = {" The Lantern Fleet", 70, 99};
    const struct kn_line behind = {" The Lantern Fleet", 32 * 20, 32 * 21};

    (void)state;
    speak(0, 20);
    assert_non_null(doubt_of(&again, before, 2));
    assert_null(doubt_of(&slowly, before, 2));
    assert_null(doubt_of(&again, before + 1, 1));
    assert_non_null(doubt_of(&behind, before, 2));
    assert_null(doubt_of(&behind, before, 0));
}

static void a_line_may_end_behind_the_window(void **state)
{
    (void)state;
    speak(5, 30);
    assert_null(doubt(" The window is cut in this word.", 28, 33));
    assert_null(doubt(" No time at all.", 40, 40));
}

static void phantoms_are_known_in_many_languages(void **state)
{
    static const char *const known[] = {
        "Thanks for watching!",
        " THANK YOU.",
        "Subtitles by the Amara.org community",
        "Untertitel im Auftrag des ZDF für funk, 2017",
        "Vielen Dank fürs Zuschauen!",
        "Sous-titres réalisés para la communauté d'Amara.org",
        "Merci d’avoir regardé cette vidéo !",
        "¡Gracias por ver el video!",
        "Subtítulos realizados por la comunidad de Amara.org",
        "Legendas pela comunidade Amara.org",
        "Sottotitoli creati dalla comunità Amara.org",
        "Субтитры сделал DimaTorzok",
        "ご視聴ありがとうございました。",
        "「チャンネル登録お願いします」",
        "시청해주셔서 감사합니다!",
        "谢谢观看！",
        "字幕由Amara.org社区提供",
        "请不吝点赞、订阅、转发。打赏支持明镜与点点栏目",
        "شكرًا للمشاهدة؟",
        "ترجمة نانسي قنقر",
        "Tack för att ni tittade!",
        "Undertexter från Amara.org-gemenskapen",
        "Kiitos, että katsoit.",
        "Tak fordi du så med.",
        "Danske tekster af Jesper Buhl",
        "Takk for at du så på!",
        "Amara.org",
    };
    static const char *const others[] = {"",
                                         "...",
                                         "Thanksgiving",
                                         "The untertitel",
                                         "you and me",
                                         "Musical",
                                         "ありがとうございました",
                                         "감사합니다 선생님",
                                         "Tack så mycket, mamma",
                                         "شكرا يا صديقي",
                                         "Danke, dass du gekommen bist"};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!is_phantom(known[i]))
            fail_msg("%s", known[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_phantom(others[i]))
            fail_msg("%s", others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_kept_whatever_it_says),
        cmocka_unit_test(words_where_nobody_speaks_are_doubted),
        cmocka_unit_test(a_phantom_needs_more_voice_than_other_words),
        cmocka_unit_test(a_line_again_needs_time_and_a_voice),
        cmocka_unit_test(a_line_may_end_behind_the_window),
        cmocka_unit_test(phantoms_are_known_in_many_languages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
