/* The tokeniser of TextBlob (textblob/_text.py, find_tokens), step for step. */
#include "lexicon.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct token {
    const uint32_t *d;
    size_t n;
};

struct tokens {
    struct token *t;
    size_t n, cap;
    bool failed;
};

static const char END[] = "END-OF-SENTENCE"; /* TextBlob's own mark; a text may hold it as well */
static const char PUNCTUATION[] =
    ",;:!?()[]{}`'\"@#$^&*+-|=~_"; /* and the full stop, which is apart */

static const uint32_t ELLIPSIS[] = {'.', '.', '.'};

static void put(struct kn_chars *out, uint32_t c)
{
    if (out->n == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : 256;
        uint32_t *grown = out->failed ? NULL : realloc(out->d, cap * sizeof *grown);

        if (!grown) {
            out->failed = true;
            return;
        }
        out->d = grown;
        out->cap = cap;
    }
    out->d[out->n++] = c;
}

static void push(struct tokens *out, const uint32_t *d, size_t n)
{
    if (out->n == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : 128;
        struct token *grown = out->failed ? NULL : realloc(out->t, cap * sizeof *grown);

        if (!grown) {
            out->failed = true;
            return;
        }
        out->t = grown;
        out->cap = cap;
    }
    out->t[out->n++] = (struct token){d, n};
}

int kn_lexicon_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

size_t kn_lexicon_decode(const char *s, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t n = p[0] < 0xC0 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF8 ? 4 : 1;
    uint32_t v = n == 1 ? p[0] : p[0] & (0xFFu >> (n + 1));

    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) { /* the NUL at the end too */
            *c = p[0];
            return 1;
        }
        v = v << 6 | (p[i] & 0x3F);
    }
    *c = v;
    return n;
}

static bool is_punctuation(uint32_t c)
{
    return c > 0 && c < 128 && strchr(PUNCTUATION, (int)c);
}

static bool is_quote(uint32_t c)
{
    return c == 0x201C || c == 0x201D || c == 0x2018 || c == 0x2019 || c == '\'' || c == '"';
}

static bool equals(const struct token *t, const char *ascii)
{
    size_t n = strlen(ascii);

    if (t->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (t->d[i] != (unsigned char)ascii[i])
            return false;
    return true;
}

/* A line feed, or a carriage return and one: how many characters; else 0. */
static size_t line_feed(const struct kn_chars *in, size_t i)
{
    if (i < in->n && in->d[i] == '\n')
        return 1;
    return i + 1 < in->n && in->d[i] == '\r' && in->d[i + 1] == '\n' ? 2 : 0;
}

static size_t put_line_feeds(const struct kn_chars *in, size_t i, struct kn_chars *out)
{
    size_t n = 0;

    for (size_t step; (step = line_feed(in, i)) > 0; n++)
        i += step;
    put(out, ' ');
    for (const char *p = n > 1 ? END : ""; *p; p++)
        put(out, (unsigned char)*p);
    put(out, ' ');
    return i;
}

/* Parts quotes and contractions from the words beside them, and marks empty lines. Of the contractions only "n't" matters:
 * the others begin with the apostrophe, which is parted anyway. */
static void space_out(const struct kn_chars *in, struct kn_chars *out)
{
    for (size_t i = 0; i < in->n;) {
        uint32_t c = in->d[i];

        if (line_feed(in, i)) {
            i = put_line_feeds(in, i, out);
            continue;
        }
        if (is_quote(c)) {
            put(out, ' ');
            put(out, c);
            put(out, ' ');
        } else {
            if (c == 'n' && i + 2 < in->n && in->d[i + 1] == '\'' && in->d[i + 2] == 't')
                put(out, ' ');
            put(out, c);
        }
        i++;
    }
}

/* "U.S.", "e.g." by pattern: letters, each with a full stop. */
static bool is_letters_with_stops(const struct token *t)
{
    for (size_t i = 0; i < t->n; i += 2) {
        uint32_t letter = t->d[i] | 0x20;

        if (i + 1 == t->n || letter < 'a' || letter > 'z' || t->d[i] > 127 || t->d[i + 1] != '.')
            return false;
    }
    return true;
}

/* "Mr.": a capital and consonants. The bar is TextBlob's: its pattern meant alternatives inside of a set. */
static bool is_capital_with_consonants(const struct token *t)
{
    if (t->n < 3 || t->d[0] < 'A' || t->d[0] > 'Z')
        return false;
    for (size_t i = 1; i + 1 < t->n; i++)
        if (t->d[i] == 0 || t->d[i] > 127 || !strchr("bcdfghjklmnpqrstvwxz|", (int)t->d[i]))
            return false;
    return true;
}

static bool is_abbreviation(const struct token *t)
{
    static const char *const known[] = {
        "a.",   "adj.",  "adv.", "al.",   "a.m.",  "c.",   "cf.",  "comp.", "conf.",
        "def.", "ed.",   "e.g.", "esp.",  "etc.",  "ex.",  "f.",   "fig.",  "gen.",
        "id.",  "i.e.",  "int.", "l.",    "m.",    "Med.", "Mil.", "Mr.",   "n.",
        "n.q.", "orig.", "pl.",  "pred.", "pres.", "p.m.", "ref.", "v.",    "vs."};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (equals(t, known[i]))
            return true;
    return is_letters_with_stops(t) || is_capital_with_consonants(t);
}

static void reverse(struct token *t, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct token swap = t[i];

        t[i] = t[n - 1 - i];
        t[n - 1 - i] = swap;
    }
}

/* Punctuation off both ends of one run of characters; what comes off the end is found last first. */
static void part(struct token t, struct tokens *out)
{
    size_t first;

    for (; t.n > 0 && is_punctuation(t.d[0]); t.d++, t.n--)
        push(out, t.d, 1);
    first = out->n;
    while (t.n > 0 && (is_punctuation(t.d[t.n - 1]) || t.d[t.n - 1] == '.')) {
        if (is_punctuation(t.d[t.n - 1])) {
            push(out, t.d + t.n - 1, 1);
            t.n--;
        }
        if (t.n >= 3 && memcmp(t.d + t.n - 3, ELLIPSIS, sizeof ELLIPSIS) == 0) {
            push(out, ELLIPSIS, 3);
            for (t.n -= 3; t.n > 0 && t.d[t.n - 1] == '.';)
                t.n--;
        }
        if (t.n > 0 && t.d[t.n - 1] == '.') {
            if (is_abbreviation(&t))
                break;
            push(out, t.d + t.n - 1, 1);
            t.n--;
        }
    }
    if (t.n > 0)
        push(out, t.d, t.n);
    if (!out->failed)
        reverse(out->t + first, out->n - first);
}

static void part_all(const struct kn_chars *in, struct tokens *out)
{
    for (size_t i = 0; i < in->n;) {
        size_t from;

        while (i < in->n && kn_lexicon_is_space(in->d[i]))
            i++;
        from = i;
        while (i < in->n && !kn_lexicon_is_space(in->d[i]))
            i++;
        if (i > from)
            part((struct token){in->d + from, i - from}, out);
    }
}

static bool ends_sentence(const struct token *t)
{
    return equals(t, "...") || equals(t, ".") || equals(t, "!") || equals(t, "?") || equals(t, END);
}

static bool belongs_to_end(const struct token *t)
{
    return ends_sentence(t) || equals(t, ")") ||
           (t->n == 1 && (t->d[0] == 0x201D || t->d[0] == 0x2019));
}

/* Skips "( ! )", with or without the spaces, at i: where it ends; else i. */
static size_t sarcasm(const struct kn_chars *s, size_t i)
{
    static const char mark[] = "(!)";
    size_t at = i;

    for (size_t k = 0; mark[k]; k++) {
        if (k > 0 && at < s->n && s->d[at] == ' ')
            at++;
        if (at == s->n || s->d[at] != (unsigned char)mark[k])
            return i;
        at++;
    }
    return at;
}

static void close_sarcasm(struct kn_chars *s)
{
    size_t to = 0;

    for (size_t i = 0; i < s->n;) {
        size_t end = sarcasm(s, i);

        if (end == i) {
            s->d[to++] = s->d[i++];
            continue;
        }
        s->d[to++] = '(';
        s->d[to++] = '!';
        s->d[to++] = ')';
        i = end;
    }
    s->n = to;
}

/* Where the emoticon at i, whose characters spaces may part, ends; i when it is not there, or no space follows. */
static size_t emoticon_at(const struct kn_chars *s, size_t i, const struct kn_emoticon *e)
{
    size_t at = i;

    for (size_t k = 0; k < e->n; k++) {
        if (k > 0 && at < s->n && s->d[at] == ' ')
            at++;
        if (at == s->n || s->d[at] != e->c[k])
            return i;
        at++;
    }
    return at == s->n || kn_lexicon_is_space(s->d[at]) ? at : i;
}

static void close_emoticons(struct kn_chars *s, const struct kn_emoticon *emoticons, size_t n)
{
    size_t to = 0;

    for (size_t i = 0; i < s->n;) {
        size_t end = i, k = 0;

        while (k < n &&
               (s->d[i] != emoticons[k].c[0] || (end = emoticon_at(s, i, &emoticons[k])) == i))
            k++;
        if (k == n) {
            s->d[to++] = s->d[i++];
            continue;
        }
        for (size_t c = 0; c < emoticons[k].n; c++)
            s->d[to++] = emoticons[k].c[c];
        if (end < s->n)
            s->d[to++] = s->d[end++];
        i = end;
    }
    s->n = to;
}

struct sentences {
    const struct kn_emoticon *emoticons;
    size_t n;
    struct kn_chars line, *out;
};

static void put_small(struct kn_chars *out, uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        put(out, c + 'a' - 'A');
    else if (c ==
             0x212A) /* the sign for kelvin: the one other capital whose small letter is ASCII */
        put(out, 'k');
    else
        put(out, c);
    if (c ==
        0x0130) /* i with its dot: one more character in small letters, and words are counted by them */
        put(out, 0x0307);
}

/* drop: without the marks of empty lines, which TextBlob forgets to drop from the last sentence. */
static void put_sentence(struct sentences *s, const struct token *t, size_t n, bool drop)
{
    struct kn_chars *line = &s->line;

    line->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (drop && equals(&t[i], END))
            continue;
        if (line->n > 0)
            put(line, ' ');
        for (size_t k = 0; k < t[i].n; k++)
            put(line, t[i].d[k]);
    }
    close_sarcasm(line);
    close_emoticons(line, s->emoticons, s->n);
    if (line->n > 0 && s->out->n > 0)
        put(s->out, ' ');
    for (size_t i = 0; i < line->n; i++)
        put_small(s->out, line->d[i]);
}

static void put_sentences(struct sentences *s, const struct tokens *tokens)
{
    size_t from = 0;

    for (size_t i = 0; i < tokens->n; i++) {
        if (!ends_sentence(&tokens->t[i]))
            continue;
        while (i < tokens->n && belongs_to_end(&tokens->t[i]))
            i++;
        put_sentence(s, tokens->t + from, i - from, true);
        from = i;
    }
    if (from < tokens->n) /* of a text without tokens there is no array to point into */
        put_sentence(s, tokens->t + from, tokens->n - from, false);
}

void kn_lexicon_words(const char *text, const struct kn_emoticon *emoticons, size_t n,
                      struct kn_chars *out)
{
    struct kn_chars in = {0}, spaced = {0};
    struct tokens tokens = {0};
    struct sentences sentences = {.emoticons = emoticons, .n = n, .out = out};

    *out = (struct kn_chars){0};
    for (uint32_t c; *text; put(&in, c))
        text += kn_lexicon_decode(text, &c);
    space_out(&in, &spaced);
    part_all(&spaced, &tokens);
    if (!tokens.failed)
        put_sentences(&sentences, &tokens);
    out->failed =
        out->failed || in.failed || spaced.failed || tokens.failed || sentences.line.failed;
    free(in.d);
    free(spaced.d);
    free(tokens.t);
    free(sentences.line.d);
}
