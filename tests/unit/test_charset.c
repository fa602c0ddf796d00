/* Promises of charset.h and tag.h. Encoded by glibc's iconv, read by ICU. */
#include "base/buf.h"
#include "base/err.h"
#include "text/charset.h"
#include "text/tag.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A few cues as they stand in a file, in the languages that code pages were made for. */
static const struct sample {
    const char *language, *charset, *text;
} samples[] = {
    {"es", "windows-1252",
     "1\n00:00:01,000 --> 00:00:03,000\n¿Quién encendió la lámpara del faro?\n\n2\n00:00:04,000 "
     "--> 00:00:06,000\nMañana volverá el niño, ya verás. ¡Está lejos!\n"},
    {"fr", "windows-1252",
     "1\n00:00:01,000 --> 00:00:03,000\nLe phare s’est éteint à minuit, où êtes-vous "
     "?\n\n2\n00:00:04,000 --> 00:00:06,000\nÇa ne fait rien, le garçon a déjà trouvé l’été.\n"},
    {"de", "ISO-8859-1",
     "1\n00:00:01,000 --> 00:00:03,000\nWer hat die Lampe im Turm angezündet?\n\n2\n00:00:04,000 "
     "--> 00:00:06,000\nIch weiß es nicht, aber er möchte über die Brücke gehen.\n"},
    {"en", "windows-1252",
     "1\n00:00:01,000 --> 00:00:03,000\nWe don’t know who lit the lamp in the "
     "café.\n\n2\n00:00:04,000 --> 00:00:06,000\nIt’s been dark for years, and nobody came "
     "back.\n"},
    {"pl", "windows-1250",
     "1\n00:00:01,000 --> 00:00:03,000\nKto zapalił światło w latarni? Nie wiem, proszę "
     "pani.\n\n2\n00:00:04,000 --> 00:00:06,000\nChodźmy już, bo będzie późno i zimno, a droga "
     "jest daleka.\n"},
    {"cs", "windows-1250",
     "1\n00:00:01,000 --> 00:00:03,000\nKdo rozsvítil světlo v majáku? To nikdo neví, "
     "pane.\n\n2\n00:00:04,000 --> 00:00:06,000\nPůjdeme dál, než přijde bouře, a všichni budou v "
     "bezpečí.\n"},
    {"hu", "windows-1250",
     "1\n00:00:01,000 --> 00:00:03,000\nKi gyújtotta meg a lámpát a toronyban? Nem tudom, "
     "uram.\n\n2\n00:00:04,000 --> 00:00:06,000\nMenjünk tovább, mert később jön a nagy vihar, és "
     "hideg lesz az erdőben.\n"},
    {"ru", "windows-1251",
     "1\n00:00:01,000 --> 00:00:03,000\nКто зажёг огонь на маяке? Никто этого не "
     "знает.\n\n2\n00:00:04,000 --> 00:00:06,000\nПойдём домой, скоро будет темно и холодно.\n"},
    {"ru", "KOI8-R",
     "1\n00:00:01,000 --> 00:00:03,000\nКто зажёг огонь на маяке? Никто этого не "
     "знает.\n\n2\n00:00:04,000 --> 00:00:06,000\nПойдём домой, скоро будет темно и холодно.\n"},
    {"el", "windows-1253",
     "1\n00:00:01,000 --> 00:00:03,000\nΠοιος άναψε το φως στον φάρο; Κανείς δεν "
     "ξέρει.\n\n2\n00:00:04,000 --> 00:00:06,000\nΠάμε στο σπίτι, γιατί σε λίγο θα έρθει η "
     "νύχτα.\n"},
    {"tr", "windows-1254",
     "1\n00:00:01,000 --> 00:00:03,000\nFenerin ışığını kim yaktı? Bunu kimse bilmiyor, "
     "efendim.\n\n2\n00:00:04,000 --> 00:00:06,000\nHaydi eve gidelim, çünkü birazdan fırtına "
     "başlayacak ve üşüyeceğiz.\n"},
    {"he", "windows-1255",
     "1\n00:00:01,000 --> 00:00:03,000\nמי הדליק את האור במגדלור? אף אחד לא "
     "יודע.\n\n2\n00:00:04,000 --> 00:00:06,000\nבוא נלך הביתה, עוד מעט יהיה חושך וקר.\n"},
    {"ar", "windows-1256",
     "1\n00:00:01,000 --> 00:00:03,000\nمن أشعل الضوء في المنارة؟ لا أحد يعرف "
     "ذلك.\n\n2\n00:00:04,000 --> 00:00:06,000\nهيا بنا إلى البيت، فقد اقترب الليل من المدينة.\n"},
    {"ar", "windows-1256",
     "1\n00:00:01,000 --> 00:00:05,000\nلم يكن علينا أن نفتح ذلك الباب.\n\n2\n00:00:06,000 "
     "--> 00:00:10,000\nاسمع، هناك من يمشي فوق.\n\n3\n00:00:11,000 --> 00:00:15,000\nحكت لي "
     "جدتي عن الفانوس.\n\n4\n00:00:16,000 --> 00:00:20,000\nلا تذهبي إلى هناك وحدك الليلة.\n"},
    {"ja", "Shift_JIS",
     "1\n00:00:01,000 --> "
     "00:00:03,000\n灯台の明かりをつけたのは誰ですか。誰も知りません。\n\n2\n00:00:04,000 --> "
     "00:00:06,000\n家に帰りましょう。もうすぐ夜になりますから。\n"},
    {"zh", "GB18030",
     "1\n00:00:01,000 --> "
     "00:00:03,000\n是谁点亮了灯塔的灯？没有人知道这件事情。\n\n2\n00:00:04,000 --> "
     "00:00:06,000\n我们回家吧，天很快就要黑了，大家都很冷。\n"},
    {"zh", "Big5",
     "1\n00:00:01,000 --> "
     "00:00:03,000\n是誰點亮了燈塔的燈？沒有人知道這件事情。\n\n2\n00:00:04,000 --> "
     "00:00:06,000\n我們回家吧，天很快就要黑了，大家都很冷。\n"},
    {"ko", "EUC-KR",
     "1\n00:00:01,000 --> 00:00:03,000\n누가 등대의 불을 켰습니까? 아무도 "
     "모릅니다.\n\n2\n00:00:04,000 --> 00:00:06,000\n집으로 갑시다. 곧 밤이 되고 추워질 "
     "것입니다.\n"},
};

static size_t encode(const char *charset, const char *text, char *to, size_t cap)
{
    iconv_t i = iconv_open(charset, "UTF-8");
    char *from = (char *)(uintptr_t)text, *at = to;
    size_t n = strlen(text), left = cap;

    assert_true(i != (iconv_t)-1);
    if (iconv(i, &from, &n, &at, &left) == (size_t)-1)
        fail_msg("'%s' has no %s at '%s'", text, charset, from);
    iconv_close(i);
    return cap - left;
}

static void reads(const char *bytes, size_t n, const char *language, const char *expected,
                  struct kn_charset *found)
{
    struct kn_buf b;

    kn_buf_init(&b, 1 << 16);
    assert_int_equal(kn_charset_to_utf8((struct kn_sv){bytes, n}, language, &b, found, NULL),
                     KN_OK);
    if (strcmp(b.data, expected) != 0)
        fail_msg("read as %s (%.2f): %s", found->name, found->confidence, b.data);
    kn_buf_free(&b);
}

static void texts_in_code_pages_are_read_when_their_language_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char bytes[4096];
        struct kn_charset found;

        reads(bytes, encode(samples[i].charset, samples[i].text, bytes, sizeof bytes),
              samples[i].language, samples[i].text, &found);
        assert_true(found.confidence > 0 && found.confidence <= 1);
    }
}

static void texts_in_code_pages_are_read_without_a_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char bytes[4096];
        struct kn_charset found;

        reads(bytes, encode(samples[i].charset, samples[i].text, bytes, sizeof bytes), NULL,
              samples[i].text, &found);
    }
}

static void a_mark_decides(void **state)
{
    struct kn_charset found;

    (void)state;
    reads("\xEF\xBB\xBF"
          "a\xC3\xA9",
          6, NULL, "a\xC3\xA9", &found);
    assert_string_equal(found.name, "UTF-8");
    reads("\xFF\xFE"
          "a\0\xE9\0",
          6, NULL, "a\xC3\xA9", &found);
    assert_string_equal(found.name, "UTF-16LE");
    reads("\xFE\xFF\0a\0\xE9", 6, NULL, "a\xC3\xA9", &found);
    assert_string_equal(found.name, "UTF-16BE");
    assert_true(found.confidence == 1);
}

static void utf16_without_a_mark_is_known_by_its_zeros(void **state)
{
    static const char *const both[] = {"UTF-16LE", "UTF-16BE"};

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        for (size_t k = 0; k < 2; k++) {
            char bytes[4096];
            struct kn_charset found;

            reads(bytes, encode(both[k], samples[i].text, bytes, sizeof bytes), NULL,
                  samples[i].text, &found);
            assert_string_equal(found.name, both[k]);
        }
    }
}

static void utf8_with_a_broken_letter_is_still_utf8(void **state)
{
    static const char text[] =
        "¿Quién encendió la lámpara? Mañana volverá el niño, ya verás: está lejos. \xE9.";
    struct kn_charset found;
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, 1 << 16);
    assert_int_equal(
        kn_charset_to_utf8((struct kn_sv){text, sizeof text - 1}, NULL, &b, &found, NULL), KN_OK);
    assert_non_null(strstr(b.data, "lámpara"));
    assert_non_null(strstr(b.data, "\xEF\xBF\xBD"));
    assert_string_equal(found.name, "UTF-8");
    kn_buf_free(&b);
}

static void what_nothing_tells_is_windows_1252_with_no_confidence(void **state)
{
    struct kn_charset found;

    (void)state;
    reads("\xE9", 1, NULL, "\xC3\xA9", &found);
    assert_string_equal(found.name, "windows-1252");
    assert_true(found.confidence < 0.5);
}

/* ---- tags ---- */

static void tag(const char *name, const char *expected)
{
    char out[KN_TAG_TEXT] = "-";
    bool known = kn_tag_parse(kn_sv_of(name), out);

    if (!expected) {
        if (known)
            fail_msg("'%s' is taken for %s", name, out);
        assert_string_equal(out, "-");
        return;
    }
    if (!known)
        fail_msg("'%s' is not known", name);
    assert_string_equal(out, expected);
}

static void languages_are_known_by_code_region_and_name(void **state)
{
    (void)state;
    tag("en", "en");
    tag("EN", "en");
    tag("eng", "en");
    tag("ger", "de");
    tag("deu", "de");
    tag("pt-BR", "pt-BR");
    tag("pt_br", "pt-BR");
    tag("por-BR", "pt-BR");
    tag("es-419", "es-419");
    tag("zh-hans", "zh-Hans");
    tag("zh-hant-tw", "zh-Hant-TW");
    tag("Spanish", "es");
    tag("Espa\xC3\xB1ol", "es");
    tag("Fran\xC3\xA7"
        "ais",
        "fr");
}

static void other_words_are_no_languages(void **state)
{
    static const char *const words[] = {"",
                                        "und",
                                        "cut",
                                        "new",
                                        "extended",
                                        "cd1",
                                        "en-",
                                        "x-en",
                                        "en-US-x-private-use",
                                        "directors cut",
                                        "1080p",
                                        "forced"};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        tag(words[i], NULL);
}

static void a_tag_fits_its_language_and_itself_better(void **state)
{
    (void)state;
    assert_int_equal(kn_tag_fit("pt-BR", "pt-br"), 2);
    assert_int_equal(kn_tag_fit("pt-BR", "pt"), 1);
    assert_int_equal(kn_tag_fit("pt", "pt-BR"), 1);
    assert_int_equal(kn_tag_fit("pt", "es"), 0);
    assert_int_equal(kn_tag_fit("", ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_in_code_pages_are_read_when_their_language_is_known),
        cmocka_unit_test(texts_in_code_pages_are_read_without_a_language),
        cmocka_unit_test(a_mark_decides),
        cmocka_unit_test(utf16_without_a_mark_is_known_by_its_zeros),
        cmocka_unit_test(utf8_with_a_broken_letter_is_still_utf8),
        cmocka_unit_test(what_nothing_tells_is_windows_1252_with_no_confidence),
        cmocka_unit_test(languages_are_known_by_code_region_and_name),
        cmocka_unit_test(other_words_are_no_languages),
        cmocka_unit_test(a_tag_fits_its_language_and_itself_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
