#include "cues.h"

#include "base/err.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { RAW_MAX = 16 << 10, TAG_MAX = 512 };

/* An invisible character or a space of another kind at p: its length, and what it reads as. */
static size_t invisible(const unsigned char *p, size_t n, const char **as)
{
    *as = "";
    if (p[0] < 0x20 || p[0] == 0x7F) {
        *as = p[0] == '\t' ? " " : "";
        return 1;
    }
    if (n >= 2 && p[0] == 0xC2 && (p[1] < 0xA0 || p[1] == 0xA0 || p[1] == 0xAD)) {
        *as = p[1] == 0xA0 ? " " : ""; /* no-break space; control characters, soft hyphen */
        return 2;
    }
    if (n < 3)
        return 0;
    /* Zero-width space and direction marks; not the joiners, which Persian and Hindi spell with. */
    if (p[0] == 0xE2 && p[1] == 0x80 &&
        (p[2] == 0x8B || p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xAA && p[2] <= 0xAE)))
        return 3;
    if (p[0] == 0xE2 && p[1] == 0x81 && (p[2] == 0xA0 || (p[2] >= 0xA6 && p[2] <= 0xA9)))
        return 3;
    if (memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        return 3;
    *as = " ";
    if (p[0] == 0xE2 && p[1] == 0x80 && (p[2] <= 0x8A || p[2] == 0xA8 || p[2] == 0xA9))
        return 3;
    return memcmp(p, "\xE3\x80\x80", 3) == 0 ? 3 : 0;
}

static void add(struct kn_buf *text, const char *p, size_t n)
{
    bool at_start = text->n == 0 || text->data[text->n - 1] == '\n';

    if (n == 1 && *p == ' ' && (at_start || text->data[text->n - 1] == ' '))
        return;
    kn_buf_add(text, p, n, NULL);
}

static void end_line(struct kn_buf *text)
{
    while (text->n > 0 && text->data[text->n - 1] == ' ')
        text->data[--text->n] = '\0';
    if (text->n > 0 && text->data[text->n - 1] != '\n')
        kn_buf_add(text, "\n", 1, NULL);
}

/* The length of <...> at s, 0 if it is none: "<3" and "a < b" are text. */
static size_t tag_length(struct kn_sv s)
{
    size_t most = s.n < TAG_MAX ? s.n : TAG_MAX;
    bool times = s.n > 1 && isdigit((unsigned char)s.p[1]);

    if (s.n < 2 || !(isalpha((unsigned char)s.p[1]) || s.p[1] == '/' || s.p[1] == '!' || times))
        return 0;
    for (size_t i = 1; i < most; i++) {
        if (s.p[i] == '>')
            return i + 1;
        if (s.p[i] == '<' || (times && !strchr("0123456789:.,", s.p[i])))
            return 0;
    }
    return 0;
}

/* One character at s, visible or not: its length in whole characters, so that a cut at a limit leaves valid UTF-8. */
static size_t add_character(struct kn_sv s, struct kn_buf *text)
{
    const char *as;
    size_t n = invisible((const unsigned char *)s.p, s.n, &as);

    if (n > 0) {
        add(text, as, strlen(as));
        return n;
    }
    for (n = 1; n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80;)
        n++;
    add(text, s.p, n);
    return n;
}

/* <v Ann>, <v.loud Ann>: who speaks. */
static void add_voice(struct kn_sv tag, struct kn_buf *text)
{
    const char *space = memchr(tag.p, ' ', tag.n);
    struct kn_sv name;

    if (tag.p[1] != 'v' || !(tag.p[2] == ' ' || tag.p[2] == '.') || !space)
        return;
    name = kn_sv_trim((struct kn_sv){space, (size_t)(tag.p + tag.n - 1 - space)});
    if (name.n == 0)
        return;
    add(text, "[", 1);
    while (name.n > 0) {
        size_t n = add_character(name, text);

        name.p += n;
        name.n -= n;
    }
    add(text, "] ", 2);
}

/* &#39; &#8217; &#x2019; at s: its length. */
static size_t number_entity(struct kn_sv s, struct kn_buf *text)
{
    bool hex = s.n > 3 && (s.p[2] == 'x' || s.p[2] == 'X');
    char digits[9] = "", utf8[4];
    size_t from = hex ? 3 : 2, n = 0;
    unsigned long c;

    while (from + n < s.n && n + 1 < sizeof digits && isxdigit((unsigned char)s.p[from + n])) {
        digits[n] = s.p[from + n];
        n++;
    }
    if (n == 0 || from + n >= s.n || s.p[from + n] != ';')
        return 0;
    c = strtoul(digits, NULL, hex ? 16 : 10);
    if (c < 0x20 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    if (c < 0x80) {
        utf8[0] = (char)c;
        add(text, utf8, 1);
    } else {
        size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};

        utf8[0] = (char)(lead[more] | (c >> (6 * more)));
        for (size_t i = 1; i <= more; i++)
            utf8[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3F));
        add(text, utf8, more + 1);
    }
    return from + n + 1;
}

static size_t entity(struct kn_sv s, struct kn_buf *text)
{
    static const struct {
        const char *name, *as;
    } named[] = {
        {"&amp;", "&"},  {"&lt;", "<"},   {"&gt;", ">"}, {"&quot;", "\""},
        {"&apos;", "'"}, {"&nbsp;", " "}, {"&lrm;", ""}, {"&rlm;", ""},
    };

    for (size_t k = 0; k < sizeof named / sizeof *named; k++) {
        size_t n = strlen(named[k].name);

        if (s.n >= n && memcmp(s.p, named[k].name, n) == 0) {
            add(text, named[k].as, strlen(named[k].as));
            return n;
        }
    }
    return s.n > 3 && s.p[1] == '#' ? number_entity(s, text) : 0;
}

/* An override block {...} of ASS: \p1 and more turn drawing on, \p0 off. \pos and \pbo are others. */
static void draw_mode(struct kn_sv block, bool *drawing)
{
    for (size_t i = 0; i + 2 < block.n; i++) {
        if (block.p[i] == '\\' && block.p[i + 1] == 'p' && isdigit((unsigned char)block.p[i + 2]))
            *drawing = block.p[i + 2] != '0';
    }
}

/* The length of {...} at s, 0 if it is text. In SubRip only {\an8} and MicroDVD's {y:i} are markup. */
static size_t block_length(struct kn_sv s, enum kn_markup kind)
{
    size_t most = kind == KN_MARKUP_ASS || s.n < TAG_MAX ? s.n : TAG_MAX;
    const char *close = memchr(s.p, '}', most);

    if (!close)
        return 0;
    if (kind == KN_MARKUP_ASS || (s.n > 1 && s.p[1] == '\\') ||
        (s.n > 2 && isalpha((unsigned char)s.p[1]) && s.p[2] == ':'))
        return (size_t)(close - s.p) + 1;
    return 0;
}

/* \N and \n break the line, \h is a hard space; SubRip that was made from ASS has them too. */
static size_t escape(struct kn_sv s, enum kn_markup kind, struct kn_buf *text)
{
    if (s.n < 2)
        return 0;
    if (s.p[1] == 'N' || (s.p[1] == 'n' && kind == KN_MARKUP_ASS))
        end_line(text);
    else if (s.p[1] == 'h')
        add(text, " ", 1);
    else
        return 0;
    return 2;
}

/* What stands at s and is markup: its length, after adding what it shows; 0: it is text. */
static size_t markup(struct kn_sv s, enum kn_markup kind, bool *drawing, struct kn_buf *text)
{
    size_t n = 0;

    if (*s.p == '<' && kind == KN_MARKUP_TAGS && (n = tag_length(s)) > 3)
        add_voice((struct kn_sv){s.p, n}, text);
    else if (*s.p == '{' && (n = block_length(s, kind)) > 0)
        draw_mode((struct kn_sv){s.p, kind == KN_MARKUP_ASS ? n : 0}, drawing);
    else if (*s.p == '&' && kind == KN_MARKUP_TAGS)
        n = entity(s, text);
    else if (*s.p == '\\' && !*drawing)
        n = escape(s, kind, text);
    return n;
}

int kn_markup_read(struct kn_sv raw, enum kn_markup kind, struct kn_buf *text, struct kn_err *err)
{
    bool drawing = false;

    for (raw.n = raw.n < RAW_MAX ? raw.n : RAW_MAX; raw.n > 0 && text->n < KN_CUE_TEXT;) {
        size_t n = markup(raw, kind, &drawing, text);

        if (n == 0)
            n = drawing ? 1 : add_character(raw, text);
        raw.p += n;
        raw.n -= n;
    }
    end_line(text);
    return kn_buf_ok(text, err);
}
