#include "unicode.h"

#include "err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Stray bytes 0x80..0xFF live at U+F780..U+F7FF, in the private use area, as in Vim and MacRoman mappings. */
enum { ESCAPE_FIRST = 0xF780, ESCAPE_LAST = 0xF7FF, EDIT_MAX = 256 };

/* The next character, or -1 where the bytes are not UTF-8; *n is how many bytes it took (at
 * least 1). utf8proc refuses surrogates and overlong forms, but also wants 32 bits a character. */
static int32_t next(struct kn_sv s, size_t *n)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t took =
        utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &c);

    if (took <= 0) {
        *n = 1;
        return -1;
    }
    *n = (size_t)took;
    return c;
}

static void advance(struct kn_sv *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

static int add_char(struct kn_buf *out, int32_t c, struct kn_err *err)
{
    utf8proc_uint8_t b[4];

    return kn_buf_add(out, b, (size_t)utf8proc_encode_char(c, b), err);
}

bool kn_utf8_valid(struct kn_sv s)
{
    size_t n;

    for (; s.n > 0; advance(&s, n)) {
        if (next(s, &n) < 0)
            return false;
    }
    return true;
}

static bool is_escape(int32_t c)
{
    return c >= ESCAPE_FIRST && c <= ESCAPE_LAST;
}

int kn_escape_path(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    size_t n;
    int rc = KN_OK;

    for (; s.n > 0 && rc == KN_OK; advance(&s, n)) {
        int32_t c = next(s, &n);

        if (c >= 0 && !is_escape(c)) {
            rc = kn_buf_add(out, s.p, n, err);
            continue;
        }
        for (size_t i = 0; i < n && rc == KN_OK; i++)
            rc = add_char(out, ESCAPE_FIRST + (unsigned char)s.p[i] - 0x80, err);
    }
    return rc;
}

int kn_unescape_path(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    size_t n;
    int rc = KN_OK;

    for (; s.n > 0 && rc == KN_OK; advance(&s, n)) {
        int32_t c = next(s, &n);
        unsigned char byte = (unsigned char)(c - ESCAPE_FIRST + 0x80);

        rc = is_escape(c) ? kn_buf_add(out, &byte, 1, err) : kn_buf_add(out, s.p, n, err);
    }
    return rc;
}

int kn_utf8_repair(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    size_t n;
    int rc = KN_OK;

    for (; s.n > 0 && rc == KN_OK; advance(&s, n))
        rc = next(s, &n) < 0 ? add_char(out, 0xFFFD, err) : kn_buf_add(out, s.p, n, err);
    return rc;
}

int kn_fold(struct kn_sv text, struct kn_buf *out, struct kn_err *err)
{
    const utf8proc_option_t how = UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
                                  UTF8PROC_STRIPMARK | UTF8PROC_IGNORE;
    utf8proc_uint8_t *folded = NULL;
    struct kn_buf valid;
    bool space = true; /* drops the space in front */
    size_t n, start = out->n;
    int rc;

    kn_buf_init(&valid, out->max);
    rc = kn_utf8_repair(text, &valid, err);
    if (rc)
        goto out;
    if (utf8proc_map((const utf8proc_uint8_t *)valid.data, (utf8proc_ssize_t)valid.n, &folded,
                     how) < 0) {
        rc = kn_err_memory(err, "fold a text of %zu bytes: no memory", text.n);
        goto out;
    }
    for (struct kn_sv s = kn_sv_of((char *)folded); s.n > 0 && rc == KN_OK; advance(&s, n)) {
        int32_t c = next(s, &n);
        utf8proc_category_t kind = utf8proc_category(c);
        bool is_space = c == ' ' || (c >= '\t' && c <= '\r') || kind == UTF8PROC_CATEGORY_ZS;

        if (!is_space)
            rc = kn_buf_add(out, s.p, n, err);
        else if (!space)
            rc = kn_buf_add(out, " ", 1, err);
        space = is_space;
    }
    if (rc == KN_OK && out->n > start && out->data[out->n - 1] == ' ')
        out->data[--out->n] = '\0';
out:
    free(folded);
    kn_buf_free(&valid);
    return rc;
}

int kn_lower(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    size_t n;
    int rc = KN_OK;

    for (; s.n > 0 && rc == KN_OK; advance(&s, n)) {
        int32_t c = next(s, &n);

        rc = add_char(out, c < 0 ? 0xFFFD : utf8proc_tolower(c), err);
    }
    return rc;
}

bool kn_is_upper(struct kn_sv s)
{
    bool upper = false;
    size_t n;

    for (; s.n > 0; advance(&s, n)) {
        int32_t c = next(s, &n);
        utf8proc_category_t kind = utf8proc_category(c < 0 ? 0 : c);

        if (kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT)
            return false;
        upper |= kind == UTF8PROC_CATEGORY_LU;
    }
    return upper;
}

enum word_char { NOT_WORD, WORD, MARK, JOINER, UNSPACED };

static enum word_char word_char(int32_t c)
{
    if (c == '\'' || c == '-' || c == 0x2019)
        return JOINER;
    if ((c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) ||
        (c >= 0x1780 && c <= 0x17FF) || (c >= 0x3040 && c <= 0x30FF) ||
        (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
        (c >= 0x20000 && c <= 0x3FFFF))
        return UNSPACED; /* Thai, Lao, Burmese, Khmer, Kana, Han */
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return WORD;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
        return MARK;
    default:
        return NOT_WORD;
    }
}

size_t kn_count_words(struct kn_sv s)
{
    size_t words = 0, unspaced = 0, n;
    bool inside = false, joined = false;

    for (; s.n > 0; advance(&s, n)) {
        int32_t c = next(s, &n);
        enum word_char kind = c < 0 ? NOT_WORD : word_char(c);

        if (kind == WORD) {
            words += !inside && !joined;
            inside = true;
            joined = false;
        } else if (kind == UNSPACED) {
            unspaced++;
            inside = joined = false;
        } else if (kind == JOINER && inside) {
            joined = true; /* parts nothing if a letter follows */
            inside = false;
        } else if (kind != MARK) {
            inside = joined = false;
        }
    }
    return words + (unspaced + 1) / 2;
}

static enum word_char next_kind(struct kn_sv s, size_t *n)
{
    int32_t c;

    *n = 0;
    if (s.n == 0)
        return NOT_WORD;
    c = next(s, n);
    return c < 0 ? NOT_WORD : word_char(c);
}

/* Bytes of the word that s begins with, a letter of a script with spaces. */
static size_t spaced_word(struct kn_sv s)
{
    size_t word = 0, at = 0, n;

    while (at < s.n) {
        enum word_char kind = next_kind((struct kn_sv){s.p + at, s.n - at}, &n);

        if (kind == NOT_WORD || kind == UNSPACED || (kind == JOINER && word < at))
            break; /* two joiners part */
        at += n;
        if (kind != JOINER)
            word = at;
    }
    return word;
}

bool kn_next_word(struct kn_sv *rest, struct kn_sv *word)
{
    struct kn_sv s = *rest;
    enum word_char kind = NOT_WORD;
    size_t n = 0, second;

    for (; s.n > 0; advance(&s, n)) {
        kind = next_kind(s, &n);
        if (kind == WORD || kind == UNSPACED)
            break;
    }
    *word = (struct kn_sv){s.p, 0};
    if (kind == WORD) {
        word->n = spaced_word(s);
        advance(&s, word->n);
    } else if (kind == UNSPACED) {
        advance(&s, n);
        word->n = n;
        if (next_kind(s, &second) == UNSPACED)
            word->n += second;
    }
    *rest = s;
    return word->n > 0;
}

int kn_printable(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    size_t n;
    int rc = KN_OK;

    for (; s.n > 0 && rc == KN_OK; advance(&s, n)) {
        int32_t c = next(s, &n);
        utf8proc_category_t kind = utf8proc_category(c);

        if (c == '\n')
            rc = kn_buf_adds(out, "\\n", err);
        else if (c == '\t')
            rc = kn_buf_adds(out, "\\t", err);
        else if (is_escape(c))
            rc = kn_buf_addf(out, err, "\\x%02x", (unsigned)(c - ESCAPE_FIRST + 0x80));
        else if (c < 0)
            rc = kn_buf_addf(out, err, "\\x%02x", (unsigned char)s.p[0]);
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            rc = kn_buf_addf(out, err, "\\x%02x", (unsigned)c);
        else if (kind == UTF8PROC_CATEGORY_CF &&
                 c != 0x200D) /* bidi overrides and the like; not emoji's joiner */
            rc = kn_buf_addf(out, err, "\\u%04x", (unsigned)c);
        else
            rc = kn_buf_add(out, s.p, n, err);
    }
    return rc;
}

size_t kn_columns(struct kn_sv s)
{
    size_t columns = 0, n;

    for (; s.n > 0; advance(&s, n)) {
        int32_t c = next(s, &n);
        int width = c < 0 ? 1 : utf8proc_charwidth(c);

        columns += width > 0 ? (size_t)width : 0;
    }
    return columns;
}

static size_t characters(struct kn_sv s, int32_t out[EDIT_MAX])
{
    size_t count = 0, n;

    for (; s.n > 0 && count < EDIT_MAX; advance(&s, n))
        out[count++] = next(s, &n);
    return count;
}

size_t kn_edit_distance(struct kn_sv a, struct kn_sv b, size_t limit)
{
    int32_t ca[EDIT_MAX], cb[EDIT_MAX];
    size_t row[EDIT_MAX + 1];
    size_t na = characters(a, ca), nb = characters(b, cb);

    if ((na > nb ? na - nb : nb - na) > limit)
        return limit + 1;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0], best = row[0] = i;

        for (size_t j = 1; j <= nb; j++) {
            size_t replace = diagonal + (ca[i - 1] != cb[j - 1]);
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replace < step ? replace : step;
            best = row[j] < best ? row[j] : best;
        }
        if (best > limit)
            return limit + 1;
    }
    return row[nb] > limit ? limit + 1 : row[nb];
}
