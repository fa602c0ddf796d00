/* charset.c - the only place that includes ICU. */
#include "charset.h"

#include "base/err.h"
#include "base/unicode.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

/* Statistics settle long before this; more costs time and finds nothing else. */
enum { LOOK_AT = 128 << 10 };
/* ICU's own scale. The texts of tests/unit/test_charset.c, two cues each, are all read right; a single letter gets 0.1. */
static const double DOUBT = 0.10;

static void name_it(struct kn_charset *c, const char *name, double confidence)
{
    snprintf(c->name, sizeof c->name, "%s", name);
    c->confidence = confidence;
}

static bool starts_with(struct kn_sv s, const char *mark, size_t n)
{
    return s.n >= n && memcmp(s.p, mark, n) == 0;
}

/* Drops the mark. UTF-32 is told apart from UTF-16 with a NUL behind its mark; nobody writes the latter. */
static bool by_mark(struct kn_sv *s, struct kn_charset *c)
{
    static const struct {
        const char *mark;
        size_t n;
        const char *name;
    } marks[] = {
        {"\xEF\xBB\xBF", 3, "UTF-8"},    {"\xFF\xFE\0\0", 4, "UTF-32LE"},
        {"\0\0\xFE\xFF", 4, "UTF-32BE"}, {"\xFF\xFE", 2, "UTF-16LE"},
        {"\xFE\xFF", 2, "UTF-16BE"},
    };

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (!starts_with(*s, marks[i].mark, marks[i].n))
            continue;
        s->p += marks[i].n;
        s->n -= marks[i].n;
        name_it(c, marks[i].name, 1);
        return true;
    }
    return false;
}

/* Figures, spaces and line ends have a zero byte on one side, in any script. */
static bool by_zeros(struct kn_sv s, struct kn_charset *c)
{
    size_t n = s.n < LOOK_AT ? s.n : LOOK_AT, zeros[2] = {0, 0};

    for (size_t i = 0; i < n; i++)
        zeros[i % 2] += s.p[i] == '\0';
    for (int odd = 0; odd < 2; odd++) {
        if (zeros[odd] > n / 10 && zeros[!odd] < n / 64) {
            name_it(c, odd ? "UTF-16LE" : "UTF-16BE", 0.95);
            return true;
        }
    }
    return false;
}

/* UTF-8 in which a letter is broken, as where somebody joined two files: eight whole letters beyond ASCII for
 * each broken one do not come about by chance in another encoding. */
static int by_most_letters(struct kn_sv s, bool *utf8, struct kn_charset *c, struct kn_err *err)
{
    size_t whole = 0, broken = 0;
    struct kn_buf repaired;
    int rc;

    kn_buf_init(&repaired, 3 * LOOK_AT + 1);
    rc = kn_utf8_repair((struct kn_sv){s.p, s.n < LOOK_AT ? s.n : LOOK_AT}, &repaired, err);
    for (size_t i = 0; i < repaired.n; i++) {
        bool lead = (unsigned char)repaired.data[i] >= 0xC2;

        if (lead && memcmp(repaired.data + i, "\xEF\xBF\xBD", 3) == 0)
            broken++;
        else
            whole += lead;
    }
    kn_buf_free(&repaired);
    *utf8 = rc == KN_OK && whole >= 8 * broken;
    if (*utf8)
        name_it(c, "UTF-8", (double)whole / (double)(whole + broken));
    return rc;
}

/* ICU's name -> the encoding to read as: Windows' superset of a Latin one where no byte means two things
 * that occur in a text, since what ICU tells apart by bytes 0x80 to 0x9F may still come. EBCDIC and the ISO-2022
 * family are not what subtitles are written in, and text of another encoding is mistaken for them; Unicode's were told before. */
static const char *read_as(const char *name)
{
    static const char *const supersets[][2] = {
        {"ISO-8859-1", "windows-1252"},   {"ISO-8859-9", "windows-1254"},
        {"ISO-8859-8-I", "windows-1255"}, {"ISO-8859-8", "windows-1255"},
        {"ISO-8859-7", "windows-1253"},
    };

    if (strncmp(name, "IBM", 3) == 0 || strncmp(name, "ISO-2022", 8) == 0 ||
        strncmp(name, "UTF-", 4) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof supersets / sizeof *supersets; i++) {
        if (strcmp(name, supersets[i][0]) == 0)
            return supersets[i][1];
    }
    return name;
}

/* ICU takes a few lines of Arabic in windows-1256 for Hebrew. Seven of its commonest letters lie where windows-1255 has none. */
static bool is_hebrew(struct kn_sv s)
{
    size_t high = 0, none = 0;

    for (size_t i = 0; i < s.n && i < LOOK_AT; i++) {
        unsigned char c = (unsigned char)s.p[i];

        high += c >= 0x80;
        none += c >= 0xD9 && c <= 0xDF;
    }
    return none * 32 <= high;
}

/* The surest match; one of the known language before any other. */
static void choose(struct kn_sv s, const UCharsetMatch **matches, int32_t n, const char *language,
                   struct kn_charset *c)
{
    bool of_language = false;

    name_it(c, "windows-1252", 0);
    for (int32_t i = 0; i < n; i++) {
        UErrorCode status = U_ZERO_ERROR;
        const char *name = ucsdet_getName(matches[i], &status);
        const char *lang = ucsdet_getLanguage(matches[i], &status);
        double confidence = ucsdet_getConfidence(matches[i], &status) / 100.0;
        bool fits = U_SUCCESS(status) && language && *language && lang && *lang &&
                    strncmp(lang, language, strlen(lang)) == 0;

        if (U_FAILURE(status) || !(name = read_as(name)) || confidence < DOUBT ||
            (strcmp(name, "windows-1255") == 0 && !is_hebrew(s)))
            continue;
        if ((fits && !of_language) || (fits == of_language && confidence > c->confidence)) {
            name_it(c, name, confidence);
            of_language = fits;
        }
    }
}

static int by_letters(struct kn_sv s, const char *language, struct kn_charset *c,
                      struct kn_err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UCharsetDetector *d = ucsdet_open(&status);
    const UCharsetMatch **matches;
    int32_t n = 0;
    int rc = KN_OK;

    ucsdet_setText(d, s.p, (int32_t)(s.n < LOOK_AT ? s.n : LOOK_AT), &status);
    matches = ucsdet_detectAll(d, &n, &status);
    if (status == U_MEMORY_ALLOCATION_ERROR)
        rc = kn_err_memory(err, "find an encoding: no memory");
    else
        choose(s, matches, U_SUCCESS(status) ? n : 0, language, c);
    ucsdet_close(d);
    return rc;
}

static int convert(struct kn_sv s, const char *name, struct kn_buf *out, struct kn_err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *from = ucnv_open(name, &status);
    /* Three bytes are the most that a byte of a one-byte encoding becomes, and a unit of any other. */
    size_t cap = 3 * s.n + 1;
    char *to = cap < INT32_MAX ? malloc(cap) : NULL;
    int32_t n = 0;
    int rc;

    if (from && to)
        n = ucnv_toAlgorithmic(UCNV_UTF8, from, to, (int32_t)cap, s.p, (int32_t)s.n, &status);
    if (status == U_MEMORY_ALLOCATION_ERROR || (!to && cap < INT32_MAX))
        rc = kn_err_memory(err, "read %zu bytes as %s: no memory", s.n, name);
    else if (!to || U_FAILURE(status))
        rc = kn_err_set(err, KN_ELIMIT, "read %zu bytes as %s: %s", s.n, name,
                        U_FAILURE(status) ? u_errorName(status) : "too many");
    else
        rc = kn_utf8_repair((struct kn_sv){to, (size_t)n}, out, err);
    free(to);
    ucnv_close(from);
    return rc;
}

int kn_charset_to_utf8(struct kn_sv bytes, const char *language, struct kn_buf *out,
                       struct kn_charset *found, struct kn_err *err)
{
    struct kn_charset c;
    bool utf8;
    int rc = KN_OK;

    name_it(&c, "UTF-8", 1); /* until something else is found */
    if (!by_mark(&bytes, &c) && !by_zeros(bytes, &c) && !kn_utf8_valid(bytes)) {
        rc = by_most_letters(bytes, &utf8, &c, err);
        if (rc == KN_OK && !utf8)
            rc = by_letters(bytes, language, &c, err);
    }
    if (rc == KN_OK)
        rc = strcmp(c.name, "UTF-8") == 0 ? kn_utf8_repair(bytes, out, err)
                                          : convert(bytes, c.name, out, err);
    if (rc == KN_OK && found)
        *found = c;
    return rc;
}
