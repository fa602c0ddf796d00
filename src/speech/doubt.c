#include "speech/doubt.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"
#include "speech/sound.h"

#include <string.h>

/* Folded, without punctuation. Of general knowledge of what Whisper's models write over music. */
static const char *const whole[] = {
    /* en */
    "thanks", "thank you", "thank you very much", "thank you so much", "thanks for watching",
    "thank you for watching", "thanks for listening", "thank you for listening",
    "thank you for watching this video", "thanks for watching this video",
    "thanks for watching and see you next time", "see you next time", "see you in the next video",
    "ill see you in the next video", "ill see you next time", "bye", "bye bye", "you", "the end",
    "please subscribe", "please subscribe to my channel", "please like and subscribe",
    "dont forget to like and subscribe", "dont forget to subscribe", "like and subscribe", "music",
    "applause", "silence", "to be continued", "subtitles", "captions",
    /* es */
    "gracias", "muchas gracias", "gracias por ver", "gracias por ver el video",
    "muchas gracias por ver el video", "gracias por su atencion", "hasta la proxima",
    "hasta el proximo video", "nos vemos en el proximo video", "suscribete", "suscribete al canal",
    "no olvides suscribirte", "musica", "aplausos", "fin",
    /* fr */
    "merci", "merci beaucoup", "merci davoir regarde", "merci davoir regarde cette video",
    "merci davoir regarde la video", "abonnez vous", "nhesitez pas a vous abonner",
    "a la prochaine", "a bientot", "musique", "applaudissements",
    /* de */
    "danke", "vielen dank", "vielen dank furs zuschauen", "danke furs zuschauen",
    "vielen dank fur ihre aufmerksamkeit", "bis zum nachsten mal", "tschuss", "musik", "applaus",
    "das wars",
    /* pt */
    "obrigado", "obrigada", "muito obrigado", "obrigado por assistir", "obrigado por assistirem",
    "ate a proxima", "ate o proximo video", "inscreva se", "inscreva se no canal",
    /* it */
    "grazie", "grazie mille", "grazie per aver guardato", "grazie per la visione",
    "grazie per aver guardato il video", "alla prossima", "iscrivetevi al canale",
    /* nl, pl, ru, tr */
    "bedankt", "bedankt voor het kijken", "dziekuje", "dziekuje za uwage", "dziekuje za ogladanie",
    "спасибо", "спасибо за просмотр", "продолжение следует", "tesekkurler",
    "izlediginiz icin tesekkurler", "izlediginiz icin tesekkur ederim",
    /* zh */
    "谢谢观看", "感谢观看", "谢谢大家", "謝謝觀看", "感謝觀看", "谢谢收看",
    "字幕由amara org社区提供", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    /* ar */
    "شكرا", "شكرا للمشاهدة", "شكرا على المشاهدة", "اشتركوا في القناة", "ترجمة نانسي قنقر",
    /* sv, fi, da, no */
    "tack", "tack for att ni tittade", "tack for att du tittade", "tack for att ni har tittat",
    "kiitos", "kiitos kun katsoit", "kiitos kun katsoitte", "kiitos etta katsoit",
    "kiitos katsomisesta", "tak", "tak fordi du sa med", "tak fordi i sa med", "takk",
    "takk for at du sa pa", "takk for at dere sa pa", "takk for na"};

/* ja, ko: as they are written. Folding takes kana's voicing off and Hangul apart, so they are folded when compared. */
static const char *const composed[] = {"ご視聴ありがとうございました",
                                       "ご清聴ありがとうございました",
                                       "最後までご視聴いただきありがとうございます",
                                       "チャンネル登録お願いします",
                                       "チャンネル登録をお願いいたします",
                                       "시청해주셔서 감사합니다",
                                       "시청해 주셔서 감사합니다",
                                       "구독과 좋아요 부탁드립니다",
                                       "다음 영상에서 만나요"};

static const char *const begins[] = {
    /* en */
    "subtitles by", "subtitles made by", "subtitled by", "captions by", "closed captions by",
    "captioned by", "transcription by", "transcribed by", "translated by", "translation by",
    "copyright", "www", "http", "this video is", "for more information visit",
    "thanks for watching", "thank you for watching", "subscribe to",
    /* es */
    "subtitulos por", "subtitulos de", "subtitulos realizados por", "subtitulado por",
    "subtitulos en espanol", "traducido por", "gracias por ver", "suscribete a",
    /* fr */
    "sous titres", "sous titrage", "soustitres", "soustitrage", "traduction de", "traduit par",
    "merci davoir regarde",
    /* de */
    "untertitel", "untertitelung", "ubersetzung von", "copyright wdr", "eine produktion von",
    /* pt */
    "legendas", "legendado por", "transcricao e legendas", "traducao de",
    /* it */
    "sottotitoli", "sottotitolato da", "revisione a cura di",
    /* nl, pl, ru, tr */
    "ondertitels", "ondertiteling", "ondertiteld door", "napisy", "tlumaczenie", "субтитры",
    "редактор субтитров", "altyazi", "ceviri",
    /* ja, zh */
    "字幕", "字幕志愿者", "中文字幕志愿者",
    /* ar */
    "ترجمة",
    /* sv, fi, da, no */
    "undertexter", "textning", "svensktextning", "tekstitys", "suomentanut", "suomennos",
    "danske undertekster", "danske tekster", "undertekster", "tekster af", "tekster av",
    "tekstet av", "teksting av", "norske tekster",
    /* any */
    "amara org"};

/* Speech has 12 to 20 letters a second: this many no tongue can say, this few are no phrase said on end. */
enum { FASTEST = 40, SLOWEST = 4 };
enum { NEAR = 31 }; /* frames, 1 s: Whisper's times are off by less */

static const float VOICE = 0.5F;

/* The length of a mark of punctuation at s, which may have bytes like a letter's: U+0080 to U+00BF, U+2000 to U+203F,
 * U+3000 to U+303F (folding has made the wide and narrow forms from U+FF01 on plain), the Arabic comma, semicolon and
 * question mark. */
static size_t mark(const char *s, size_t left)
{
    unsigned char c = (unsigned char)s[0];

    if (c == 0xc2)
        return 2;
    if ((c == 0xe2 || c == 0xe3) && left >= 3 && (unsigned char)s[1] == 0x80)
        return 3;
    if (c == 0xd8 && left >= 2 && strchr("\x8c\x9b\x9f", s[1]))
        return 2;
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? 0 : 1;
}

static bool is_apostrophe(const char *s, size_t n)
{
    return (n == 1 && s[0] == '\'') || (n == 3 && memcmp(s, "\xe2\x80\x99", 3) == 0);
}

/* Letters, figures and single spaces; an apostrophe joins. Of what is too long to be a phrase, nothing. */
static int plain(const char *text, struct kn_buf *out, struct kn_err *err)
{
    struct kn_buf folded;
    struct kn_err own;
    bool space = false;
    int rc;

    kn_buf_init(&folded, 1 << 16);
    rc = kn_fold(kn_sv_of(text), &folded, &own);
    for (size_t i = 0; rc == KN_OK && i < folded.n;) {
        size_t n = mark(folded.data + i, folded.n - i);

        if (n > 0) {
            space = space || !is_apostrophe(folded.data + i, n);
            i += n;
            continue;
        }
        if (space && out->n > 0)
            rc = kn_buf_adds(out, " ", &own);
        if (rc == KN_OK)
            rc = kn_buf_add(out, &folded.data[i++], 1, &own);
        space = false;
    }
    kn_buf_free(&folded);
    if (rc && kn_err_is_memory(&own))
        return kn_err_memory(err, "speech: no memory to compare a line");
    if (rc)
        kn_buf_clear(out);
    return KN_OK;
}

static int same(const char *a, const char *b, bool *yes, struct kn_err *err)
{
    struct kn_buf x, y;
    int rc;

    kn_buf_init(&x, 1 << 16);
    kn_buf_init(&y, 1 << 16);
    rc = plain(a, &x, err);
    if (rc == KN_OK)
        rc = plain(b, &y, err);
    *yes = rc == KN_OK && x.n > 0 && strcmp(x.data, y.data) == 0;
    kn_buf_free(&x);
    kn_buf_free(&y);
    return rc;
}

/* Kana, Han or Hangul, folded: U+1000 and above. */
static bool far_east(const char *s)
{
    return (unsigned char)s[0] > 0xe0;
}

int kn_is_phantom(const char *text, bool *is, struct kn_err *err)
{
    struct kn_buf words;
    bool found = false;
    int rc;

    kn_buf_init(&words, 1 << 16);
    rc = plain(text, &words, err);
    for (size_t i = 0; i < sizeof whole / sizeof *whole && !found; i++)
        found = strcmp(words.data, whole[i]) == 0;
    for (size_t i = 0; rc == KN_OK && i < sizeof composed / sizeof *composed && !found; i++)
        if (far_east(words.data))
            rc = same(text, composed[i], &found, err);
    for (size_t i = 0; i < sizeof begins / sizeof *begins && !found; i++) {
        size_t n = strlen(begins[i]);

        found = strncmp(words.data, begins[i], n) == 0 &&
                (words.data[n] == ' ' || words.data[n] == '\0');
    }
    kn_buf_free(&words);
    if (rc == KN_OK)
        *is = found;
    return rc;
}

static size_t voiced(const float *p, size_t from, size_t to)
{
    size_t frames = 0;

    for (size_t i = from; i < to; i++)
        frames += p[i] >= VOICE;
    return frames;
}

static int again(const struct kn_line *line, const struct kn_line *before, size_t n, bool *found,
                 struct kn_err *err)
{
    int rc = KN_OK;

    *found = false;
    for (size_t i = 0; rc == KN_OK && i < n && !*found; i++)
        rc = same(line->text, before[i].text, found, err);
    return rc;
}

int kn_doubt(const struct kn_line *line, const struct kn_line *before, size_t n_before,
             const float *p, size_t n, const char **why, struct kn_err *err)
{
    size_t start = line->start < n ? line->start : n, end = line->end < n ? line->end : n;
    size_t near = start > NEAR ? start - NEAR : 0, far = n - end > NEAR ? end + NEAR : n;
    size_t voice = voiced(p, start, end);
    double seconds = (double)(line->end - line->start) * KN_FRAME / KN_RATE;
    double letters = (double)strlen(line->text);
    bool repeated = false, phantom = false;
    int rc = KN_OK;

    if (letters > FASTEST * seconds || voice == 0)
        rc = again(line, before, n_before, &repeated, err);
    if (rc == KN_OK && (2 * voice < end - start || letters < SLOWEST * seconds))
        rc = kn_is_phantom(line->text, &phantom, err);
    if (rc)
        return rc;
    *why = repeated                    ? "a line before once more, and nobody has time for it"
           : voiced(p, near, far) == 0 ? "nobody speaks there"
           : phantom ? "a phrase that is invented over music, and hardly anybody speaks there"
                     : NULL;
    return KN_OK;
}
