#include "lexicon.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 16 << 20, MAX_WORDS = 1 << 16, MAX_EMOTICONS = 256, MAX_FORM = 64 };

struct word {
    const char *form;
    double polarity, subjectivity, intensity;
    bool modifies;
};

struct face {
    const char *text;
    double polarity;
};

struct kn_lexicon {
    char *file;         /* the texts lie in it */
    struct word *words; /* in order of form */
    size_t n_words;
    struct kn_emoticon emoticons[MAX_EMOTICONS];
    size_t n_emoticons;
    struct face faces[MAX_EMOTICONS];
    size_t n_faces;
};

/* ---- the file ---- */

struct reader {
    struct kn_lexicon *lexicon;
    size_t line;
    const char *path;
};

static int corrupt(const struct reader *r, const char *why, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT, "lexicon '%s', line %zu: %s; run: make models", r->path,
                      r->line, why);
}

/* The next field of a line, its tab made a NUL; NULL when there is none. */
static char *field(char **at)
{
    char *from = *at;

    if (!from)
        return NULL;
    *at = strchr(from, '\t');
    if (*at)
        *(*at)++ = '\0';
    return from;
}

/* 16 hex digits: the bits of a double, which no locale and no rounding can change. */
static bool read_double(const char *hex, double *out)
{
    uint64_t bits;

    if (!hex || strlen(hex) != 16 || strspn(hex, "0123456789abcdef") != 16)
        return false;
    bits = strtoull(hex, NULL, 16);
    memcpy(out, &bits, sizeof bits);
    return *out >= -10 && *out <= 10; /* and not NaN */
}

static int read_word(struct reader *r, char *rest, struct kn_err *err)
{
    struct kn_lexicon *l = r->lexicon;
    struct word *w = &l->words[l->n_words];
    const char *modifies;

    w->form = field(&rest);
    if (!w->form || !*w->form || !read_double(field(&rest), &w->polarity) ||
        !read_double(field(&rest), &w->subjectivity) || !read_double(field(&rest), &w->intensity))
        return corrupt(r, "a word without its form or values", err);
    modifies = field(&rest);
    if (!modifies || rest || (strcmp(modifies, "0") && strcmp(modifies, "1")) || w->intensity == 0)
        return corrupt(r, "a word whose values cannot be", err);
    w->modifies = *modifies == '1';
    if (l->n_words > 0 && strcmp(w[-1].form, w->form) >= 0)
        return corrupt(r, "a word out of order", err);
    l->n_words++;
    return KN_OK;
}

static int read_emoticon(struct reader *r, char *rest, struct kn_err *err)
{
    struct kn_emoticon *e = &r->lexicon->emoticons[r->lexicon->n_emoticons];
    const char *text = field(&rest);

    if (!text || !*text || rest || r->lexicon->n_emoticons == MAX_EMOTICONS)
        return corrupt(r, "an emoticon too many, or none", err);
    for (e->n = 0; *text; e->n++) {
        if (e->n == sizeof e->c / sizeof *e->c)
            return corrupt(r, "an emoticon that is too long", err);
        text += kn_lexicon_decode(text, &e->c[e->n]);
    }
    r->lexicon->n_emoticons++;
    return KN_OK;
}

static int read_face(struct reader *r, char *rest, struct kn_err *err)
{
    struct face *f = &r->lexicon->faces[r->lexicon->n_faces];

    if (r->lexicon->n_faces == MAX_EMOTICONS)
        return corrupt(r, "an emoticon too many", err);
    f->text = field(&rest);
    if (!f->text || !*f->text || !read_double(field(&rest), &f->polarity) || rest)
        return corrupt(r, "an emoticon without its value", err);
    r->lexicon->n_faces++;
    return KN_OK;
}

static int read_line(struct reader *r, char *line, struct kn_err *err)
{
    char *rest = line;
    const char *kind = field(&rest);

    if (r->line == 1)
        return strcmp(line, "kinora-lexicon 1") == 0 ? KN_OK
                                                     : corrupt(r, "this is no lexicon", err);
    if (strcmp(kind, "word") == 0)
        return read_word(r, rest, err);
    if (strcmp(kind, "emoticon") == 0)
        return read_emoticon(r, rest, err);
    if (strcmp(kind, "face") == 0)
        return read_face(r, rest, err);
    return corrupt(r, "neither a word nor an emoticon", err);
}

static int read_file(struct kn_lexicon *l, const char *path, struct kn_err *err)
{
    struct reader r = {.lexicon = l, .path = path};
    struct kn_buf b;
    size_t lines = 1;
    int rc;

    kn_buf_init(&b, MAX_FILE);
    rc = kn_fs_read(path, &b, err);
    if (rc == KN_OK && memchr(b.data, '\0', b.n))
        rc = kn_err_set(err, KN_ECORRUPT, "lexicon '%s': a NUL byte; run: make models", path);
    for (size_t i = 0; rc == KN_OK && i < b.n; i++)
        lines += b.data[i] == '\n';
    if (rc == KN_OK && lines > MAX_WORDS)
        rc = kn_err_set(err, KN_ECORRUPT, "lexicon '%s': more than %d lines", path, MAX_WORDS);
    if (rc == KN_OK) {
        l->words = calloc(lines, sizeof *l->words);
        l->file = kn_buf_take(&b);
        if (!l->words || !l->file)
            rc = kn_err_memory(err, "lexicon '%s': no memory", path);
    }
    kn_buf_free(&b);
    for (char *line = l->file, *end; rc == KN_OK && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        else
            end = line + strlen(line);
        r.line++;
        rc = read_line(&r, line, err);
    }
    if (rc == KN_OK && l->n_words == 0)
        rc = corrupt(&r, "it ends before the first word", err);
    return rc;
}

int kn_lexicon_open(const char *path, struct kn_lexicon **out, struct kn_err *err)
{
    struct kn_lexicon *l = calloc(1, sizeof *l);
    int rc;

    if (!l)
        return kn_err_memory(err, "lexicon '%s': no memory", path);
    rc = read_file(l, path, err);
    if (rc)
        kn_lexicon_close(l);
    else
        *out = l;
    return rc;
}

void kn_lexicon_close(struct kn_lexicon *l)
{
    if (!l)
        return;
    free(l->words);
    free(l->file);
    free(l);
}

/* ---- the score ---- */

/* What TextBlob calls an assessment: a word with the words that modify it. Only the last one ever changes, so the
 * others are in the sums already, in the same order of additions. */
struct walk {
    const struct kn_lexicon *lexicon;
    double polarity, subjectivity; /* sums */
    size_t n;                      /* with the last */
    struct {
        double polarity, subjectivity, intensity;
        bool negated;
    } last;
    const struct word *modifier; /* the word before, where it modifies; NULL */
    bool negation;               /* one is pending */
};

static double within_one(double x)
{
    return x > 1 ? 1 : x < -1 ? -1 : x;
}

static void add_last(struct walk *w)
{
    if (w->n == 0)
        return;
    w->polarity += w->last.negated ? w->last.polarity * -0.5 : w->last.polarity;
    w->subjectivity += w->last.subjectivity;
}

static void assess(struct walk *w, double polarity, double subjectivity, double intensity)
{
    add_last(w);
    w->n++;
    w->last.polarity = polarity;
    w->last.subjectivity = subjectivity;
    w->last.intensity = intensity;
    w->last.negated = false;
}

static void known_word(struct walk *w, const struct word *word)
{
    if (w->modifier) {
        w->last.polarity = within_one(word->polarity * w->last.intensity);
        w->last.subjectivity = within_one(word->subjectivity * w->last.intensity);
        w->last.intensity = word->intensity;
    } else {
        assess(w, word->polarity, word->subjectivity, word->intensity);
    }
    if (w->negation) {
        w->last.intensity = 1.0 / w->last.intensity;
        w->last.negated = true;
    }
    w->modifier = word->modifies ? word : NULL;
    w->negation = false;
}

static bool ends_in_ly(const char *form)
{
    size_t n = strlen(form);

    return n >= 2 && strcmp(form + n - 2, "ly") == 0;
}

/* text: NULL where it is longer than anything that is looked for. */
static void unknown_word(struct walk *w, const char *text, size_t characters)
{
    static const char *const negations[] = {"no", "not", "never"};
    bool negates = false;

    for (size_t i = 0; text && i < sizeof negations / sizeof *negations; i++)
        negates = negates || strcmp(text, negations[i]) == 0;
    if (negates)
        w->negation = true;
    else if (characters > 1)
        w->negation = false; /* it reaches over small words only: "not a good film" */
    if (w->negation && w->modifier && ends_in_ly(w->modifier->form)) {
        w->last.negated = true;
        w->negation = false;
    } else if (characters > 2) {
        w->modifier = NULL;
    }
    if (!text)
        return;
    if (strcmp(text, "!") == 0 && w->n > 0)
        w->last.polarity = within_one(w->last.polarity * 1.25);
    if (strcmp(text, "(!)") == 0)
        assess(w, 0, 1, 1);
    for (size_t i = 0; i < w->lexicon->n_faces; i++)
        if (strcmp(w->lexicon->faces[i].text, text) == 0) {
            assess(w, w->lexicon->faces[i].polarity, 1, 1);
            return;
        }
}

static int compare_form(const void *key, const void *word)
{
    return strcmp(key, ((const struct word *)word)->form);
}

static size_t encode(uint32_t c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static void walk_word(struct walk *w, const uint32_t *d, size_t n)
{
    const struct word *word = NULL;
    char text[4 * MAX_FORM + 1];
    size_t bytes = 0;

    for (size_t i = 0; n <= MAX_FORM && i < n; i++)
        bytes += encode(d[i], text + bytes);
    text[bytes] = '\0';
    if (n <= MAX_FORM)
        word = bsearch(text, w->lexicon->words, w->lexicon->n_words, sizeof *word, compare_form);
    if (word)
        known_word(w, word);
    else
        unknown_word(w, n <= MAX_FORM ? text : NULL, n);
}

int kn_lexicon_score(const struct kn_lexicon *l, const char *text, struct kn_sentiment *out,
                     struct kn_err *err)
{
    struct walk w = {.lexicon = l};
    struct kn_chars words;

    kn_lexicon_words(text, l->emoticons, l->n_emoticons, &words);
    for (size_t i = 0, from = 0; !words.failed && i <= words.n; i++)
        if (i == words.n || kn_lexicon_is_space(words.d[i])) {
            if (i > from)
                walk_word(&w, words.d + from, i - from);
            from = i + 1;
        }
    free(words.d);
    if (words.failed)
        return kn_err_memory(err, "lexicon: no memory for a text");
    add_last(&w);
    out->polarity = w.polarity / (double)(w.n ? w.n : 1);
    out->subjectivity = w.subjectivity / (double)(w.n ? w.n : 1);
    return KN_OK;
}
