#include "text/marks.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"

#include <string.h>

enum { WORDS = 64, FOLDED_MAX = 1 << 20 }; /* of a question; more are not marked */

struct asked {
    const char *word[WORDS]; /* folded; NULL: not marked */
    size_t n;
};

/* Articles, pronouns, prepositions, conjunctions, auxiliaries and question words, folded. By the text's language, for "sin" and
 * "son" are words of either. */
static const char english[] =
    " a about across after again against all along also am an and another any are around as at be "
    "because been before behind being below beneath beside between beyond but by can could did do "
    "does doing don't down during each either every everyone everything for from had has have "
    "having he her here hers herself him himself his how i i'm if in into is isn't it it's its "
    "itself just me more most must my myself neither no not now of off on once only or other "
    "others our ourselves out over shall should since so some something such than that that's the "
    "their them themselves then there these they this those through to too toward towards under "
    "until up upon us very was we were what when where which while who whom whose why will with "
    "within without would you you're your yours yourself ";
static const char spanish[] =
    " a al algo alguien algun alguna algunas alguno algunos ante antes aquel aquella aquellas "
    "aquellos aqui asi aun aunque bajo cada como con contra cual cuando de debajo del delante "
    "dentro desde despues detras donde dos durante e el ella ellas ellos en encima entonces entre "
    "era eran eres es esa esas ese eso esos esta estaba estan estar estas este esto estos estoy "
    "fue fuera fueron ha habia hace hacia han has hasta hay he la las le les lo los mas me mi "
    "mientras mis muy nada ni no nos nosotros nuestra nuestro o os otra otro para pero por porque "
    "pues que quien quienes se sea ser si sido sin sobre solo somos son soy su sus tambien te "
    "tiene todavia tras tu tus u un una unas uno unos y ya yo ";

static const char *common_words(const char *language)
{
    size_t n = strcspn(language, "-");

    return n != 2                            ? ""
           : strncmp(language, "en", n) == 0 ? english
           : strncmp(language, "es", n) == 0 ? spanish
                                             : "";
}

static bool is_common(const char *common, const char *folded)
{
    size_t n = strlen(folded);

    for (const char *p = strstr(common, folded); p; p = strstr(p + 1, folded))
        if (p[-1] == ' ' && p[n] == ' ')
            return true;
    return false;
}

bool kn_marks_is_common(const char *folded)
{
    return is_common(english, folded) || is_common(spanish, folded);
}

static void drop_common(struct asked *a, const char *common)
{
    size_t left = 0;

    for (size_t i = 0; i < a->n; i++)
        left += !is_common(common, a->word[i]);
    for (size_t i = 0; left > 0 && i < a->n; i++)
        if (is_common(common, a->word[i]))
            a->word[i] = NULL;
}

static int fold_word(struct kn_sv word, struct kn_buf *folded, struct kn_err *err)
{
    kn_buf_clear(folded);
    return kn_fold(word, folded, err);
}

static int read_question(const char *question, struct kn_arena *arena, struct asked *out,
                         struct kn_err *err)
{
    struct kn_sv rest = kn_sv_of(question), word;
    const char *end = question;
    struct kn_buf folded;
    int rc = KN_OK;

    kn_buf_init(&folded, FOLDED_MAX);
    while (rc == KN_OK && out->n < WORDS && kn_next_word(&rest, &word)) {
        if (word.p + word.n <= end) /* in scripts without spaces, the last letter once more */
            continue;
        end = word.p + word.n;
        rc = fold_word(word, &folded, err);
        if (rc || folded.n == 0)
            continue;
        out->word[out->n] = kn_arena_bytes(arena, folded.data, folded.n);
        if (!out->word[out->n++])
            rc = kn_err_memory(err, "mark words: no memory");
    }
    kn_buf_free(&folded);
    return rc;
}

static bool is_asked(const struct asked *a, const char *folded)
{
    const char *last = a->n > 0 ? a->word[a->n - 1] : NULL;

    for (size_t i = 0; i + 1 < a->n; i++)
        if (a->word[i] && strcmp(a->word[i], folded) == 0)
            return true;
    return last && strncmp(folded, last, strlen(last)) == 0;
}

static size_t characters(const char *p, const char *end)
{
    size_t n = 0;

    for (; p < end; p++)
        n += ((unsigned char)*p & 0xC0) != 0x80;
    return n;
}

static int mark(struct kn_sv text, const struct asked *asked, struct kn_arena *arena,
                struct kn_mark **out, size_t *n, struct kn_err *err)
{
    struct kn_sv rest = text, word;
    const char *counted = text.p;
    size_t at = 0, cap = 0;
    struct kn_buf folded;
    int rc = KN_OK;

    kn_buf_init(&folded, FOLDED_MAX);
    while (rc == KN_OK && kn_next_word(&rest, &word)) {
        struct kn_mark m;

        rc = fold_word(word, &folded, err);
        if (rc || !is_asked(asked, folded.data))
            continue;
        if (word.p >= counted)
            at += characters(counted, word.p);
        else /* scripts without spaces: each letter makes a word with the next one */
            at -= characters(word.p, counted);
        counted = word.p;
        m = (struct kn_mark){at, at + characters(word.p, word.p + word.n)};
        if (*n > 0 && (*out)[*n - 1].end >= m.start) {
            (*out)[*n - 1].end = m.end;
            continue;
        }
        if (*n == cap) { /* what was there stays in the arena: a moment has few */
            struct kn_mark *more = kn_arena_array(arena, cap = 2 * cap + 8, sizeof *more);

            if (!more) {
                rc = kn_err_memory(err, "mark words: no memory");
                continue;
            }
            if (*n > 0)
                memcpy(more, *out, *n * sizeof *more);
            *out = more;
        }
        (*out)[(*n)++] = m;
    }
    kn_buf_free(&folded);
    return rc;
}

int kn_marks_find(const char *text, const char *language, const char *question,
                  struct kn_arena *arena, const struct kn_mark **out, size_t *n, struct kn_err *err)
{
    struct kn_mark *marks = NULL;
    struct asked asked = {.n = 0};
    size_t count = 0;
    int rc = read_question(question, arena, &asked, err);

    if (rc == KN_OK)
        drop_common(&asked, common_words(language));
    if (rc == KN_OK && asked.n > 0)
        rc = mark(kn_sv_of(text), &asked, arena, &marks, &count, err);
    if (rc)
        return rc;
    *out = marks;
    *n = count;
    return KN_OK;
}
