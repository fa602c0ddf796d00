#include "filmname.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FIRST_YEAR = 1888, LAST_YEAR = 2099, ID_DIGITS = 10 };

static bool is(struct kn_sv s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static size_t digits(struct kn_sv s, size_t at)
{
    size_t n = 0;

    while (at + n < s.n && isdigit((unsigned char)s.p[at + n]))
        n++;
    return n;
}

bool kn_film_id(struct kn_sv kind, struct kn_sv value, struct kn_film_ids *out)
{
    bool tt = value.n > 2 && strncasecmp(value.p, "tt", 2) == 0;
    size_t n = digits(value, tt ? 2 : 0);
    char *to;

    if (is(kind, "tmdb") || is(kind, "tmdbid"))
        to = tt ? NULL : out->tmdb;
    else if (is(kind, "tvdb") || is(kind, "tvdbid"))
        to = tt ? NULL : out->tvdb;
    else
        to = tt && (is(kind, "imdb") || is(kind, "imdbid")) ? out->imdb : NULL;
    if (!to || n == 0 || n > ID_DIGITS || n + (tt ? 2 : 0) != value.n)
        return false;
    snprintf(to, KN_FILM_ID, "%s%.*s", tt ? "tt" : "", (int)n, value.p + (tt ? 2 : 0));
    return true;
}

void kn_film_ids_fill(struct kn_film_ids *to, const struct kn_film_ids *from)
{
    if (!*to->imdb)
        memcpy(to->imdb, from->imdb, sizeof to->imdb);
    if (!*to->tmdb)
        memcpy(to->tmdb, from->tmdb, sizeof to->tmdb);
    if (!*to->tvdb)
        memcpy(to->tvdb, from->tvdb, sizeof to->tvdb);
}

void kn_film_ids_text(const struct kn_film_ids *ids, char out[KN_FILM_IDS])
{
    snprintf(out, KN_FILM_IDS, "%s%s%s%s%s%s%s%s", *ids->imdb ? "imdb:" : "", ids->imdb,
             *ids->imdb && *ids->tmdb ? " " : "", *ids->tmdb ? "tmdb:" : "", ids->tmdb,
             (*ids->imdb || *ids->tmdb) && *ids->tvdb ? " " : "", *ids->tvdb ? "tvdb:" : "",
             ids->tvdb);
}

void kn_film_ids_parse(const char *text, struct kn_film_ids *out)
{
    memset(out, 0, sizeof *out);
    while (*text) {
        size_t n = strcspn(text, " "), kind = strcspn(text, ":");

        if (kind < n)
            kn_film_id((struct kn_sv){text, kind}, (struct kn_sv){text + kind + 1, n - kind - 1},
                       out);
        text += text[n] ? n + 1 : n;
    }
}

/* ---- name ---- */

/* The length of an id in brackets at the start of s; 0: none. */
static size_t read_id(struct kn_sv s, struct kn_film_ids *out)
{
    char close = s.p[0] == '[' ? ']' : s.p[0] == '{' ? '}' : '\0';
    size_t end = 1, mid;

    if (!close)
        return 0;
    while (end < s.n && s.p[end] != close)
        end++;
    for (mid = 1; mid < end && s.p[mid] != '-' && s.p[mid] != '='; mid++)
        ;
    if (end == s.n || mid == end)
        return 0;
    return kn_film_id((struct kn_sv){s.p + 1, mid - 1},
                      (struct kn_sv){s.p + mid + 1, end - mid - 1}, out)
               ? end + 1
               : 0;
}

/* Copies s without ids, and without the second of two spaces that one of them leaves. */
static void without_ids(struct kn_sv s, struct kn_film_name *out)
{
    size_t n = 0, taken;

    for (size_t i = 0; i < s.n && n + 1 < sizeof out->name;) {
        taken = read_id((struct kn_sv){s.p + i, s.n - i}, &out->ids);
        i += taken;
        if (taken && n > 0 && out->name[n - 1] == ' ')
            while (i < s.n && s.p[i] == ' ')
                i++;
        if (!taken)
            out->name[n++] = s.p[i++];
    }
    while (n > 0 && n + 1 == sizeof out->name && ((unsigned char)out->name[n] & 0xC0) == 0x80)
        n--;
    while (n > 0 && out->name[n - 1] == ' ')
        n--;
    out->name[n] = '\0';
}

/* Where "(1995)" stands; the name's length: nowhere. */
static size_t find_year(struct kn_sv name, int *year)
{
    for (size_t i = 1; i + 6 <= name.n; i++) {
        int y = 0;

        if (name.p[i] != '(' || digits(name, i + 1) != 4 || name.p[i + 5] != ')')
            continue;
        for (size_t j = 1; j <= 4; j++)
            y = 10 * y + (name.p[i + j] - '0');
        if (y >= FIRST_YEAR && y <= LAST_YEAR) {
            *year = y;
            return i;
        }
    }
    return name.n;
}

struct suffix {
    const char *words;
    enum kn_film_kind kind;
    bool weak; /* titles end in it too: behind a space alone it counts for nothing */
};

static bool is_separator(char c)
{
    return c != '\0' && strchr(" -._", c);
}

/* Does s end in these words, parted by any separator? *at: where they begin. */
static bool ends_in(struct kn_sv s, const char *words, size_t *at)
{
    size_t n = strlen(words);

    if (n > s.n)
        return false;
    *at = s.n - n;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[*at + i];

        if (words[i] == ' ' ? !is_separator(c)
                            : tolower((unsigned char)c) != (unsigned char)words[i])
            return false;
    }
    return true;
}

/* Without "(Official)", "[1080p]" and a number at the end. *dated: one of them was a year. */
static struct kn_sv without_brackets(struct kn_sv s, bool *dated)
{
    size_t n;

    *dated = false;
    for (;;) {
        size_t at = s.n - 1;
        int year = 0;

        if (s.n < 2 || (s.p[at] != ')' && s.p[at] != ']'))
            break;
        while (at > 0 && s.p[at] != '(' && s.p[at] != '[')
            at--;
        if (at == 0)
            break;
        *dated |= find_year(s, &year) == at;
        s = kn_sv_trim((struct kn_sv){s.p, at});
    }
    for (n = s.n; n > 0 && isdigit((unsigned char)s.p[n - 1]); n--)
        ;
    if (s.n - n <= 2 && n > 0 && n < s.n) {
        n -= s.p[n - 1] == '#';
        while (n > 0 && is_separator(s.p[n - 1]))
            n--;
        s.n = n;
    }
    return s;
}

/* May words that begin at this place be no part of the title? What is left of the name then is in *left. */
static bool stands_apart(struct kn_sv s, size_t at, bool weak, bool dated, struct kn_sv *left)
{
    static const char *const articles[] = {"the", "a", "an"};
    bool hyphen = false, space = true;
    size_t n = at;
    int year = 0;

    for (; n > 0 && is_separator(s.p[n - 1]); n--) {
        hyphen |= s.p[n - 1] == '-';
        space &= s.p[n - 1] == ' ';
    }
    *left = (struct kn_sv){s.p, n};
    if (n == 0 || n == at || (dated && !hyphen))
        return false;
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++)
        if (is(*left, articles[i]))
            return false;
    return !weak || !space || find_year(*left, &year) + 6 == n;
}

/* The longer ones first. */
static enum kn_film_kind read_suffix(struct kn_sv *name)
{
    static const struct suffix suffixes[] = {
        {"official trailer", KN_FILM_TRAILER, false},
        {"teaser trailer", KN_FILM_TRAILER, false},
        {"tr\xC3\xA1iler oficial", KN_FILM_TRAILER, false},
        {"trailer", KN_FILM_TRAILER, false},
        {"tr\xC3\xA1iler", KN_FILM_TRAILER, false},
        {"teaser", KN_FILM_TRAILER, false},
        {"making of", KN_FILM_EXTRA, false},
        {"behind the scenes", KN_FILM_EXTRA, false},
        {"behindthescenes", KN_FILM_EXTRA, false},
        {"deleted scenes", KN_FILM_EXTRA, false},
        {"deleted scene", KN_FILM_EXTRA, false},
        {"deletedscene", KN_FILM_EXTRA, false},
        {"featurette", KN_FILM_EXTRA, false},
        {"interview", KN_FILM_EXTRA, true},
        {"sample", KN_FILM_EXTRA, true},
        {"clip", KN_FILM_EXTRA, true},
        {"deleted", KN_FILM_EXTRA, true},
        {"extra", KN_FILM_EXTRA, true},
        {"scene", KN_FILM_EXTRA, true},
    };
    struct kn_sv left, bare;
    bool dated;
    size_t at;

    if (is(*name, "trailer")) {
        name->n = 0;
        return KN_FILM_TRAILER;
    }
    bare = without_brackets(*name, &dated);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const struct suffix *s = &suffixes[i];

        if (!ends_in(bare, s->words, &at))
            continue;
        if (!stands_apart(bare, at, s->weak, dated, &left))
            break;
        *name = left;
        return s->kind;
    }
    return KN_FILM;
}

static bool at_word(struct kn_sv s, size_t i)
{
    return i == 0 || !isalnum((unsigned char)s.p[i - 1]);
}

/* S01E02, 1x02 */
static bool has_episode(struct kn_sv s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool season = tolower((unsigned char)s.p[i]) == 's';
        size_t n = digits(s, i + season), next = i + season + n, m;

        if (!at_word(s, i) || n == 0 || n > 4 || next >= s.n ||
            tolower((unsigned char)s.p[next]) != (season ? 'e' : 'x') || (!season && n > 2))
            continue;
        m = digits(s, next + 1);
        if (m >= (season ? 1u : 2u) && m <= 3 &&
            (next + 1 + m == s.n || !isalpha((unsigned char)s.p[next + 1 + m])))
            return true;
    }
    return false;
}

/* cd1, disc 2, part-3 */
static bool has_part(struct kn_sv s)
{
    static const char *const words[] = {"cd", "dvd", "disc", "disk", "part", "pt"};

    for (size_t i = 0; i < s.n; i++) {
        for (size_t j = 0; at_word(s, i) && j < sizeof words / sizeof *words; j++) {
            size_t n = strlen(words[j]);

            if (i + n >= s.n || strncasecmp(s.p + i, words[j], n) != 0)
                continue;
            n += strchr(" -._", s.p[i + n]) != NULL;
            if (digits(s, i + n) > 0)
                return true;
        }
    }
    return false;
}

/* Up to where a label begins: " - 4K", " [1080p]". */
static size_t label_start(struct kn_sv name)
{
    for (size_t i = 1; i + 1 < name.n; i++) {
        if (name.p[i] == ' ' && (name.p[i + 1] == '[' || name.p[i + 1] == '{' ||
                                 (name.p[i + 1] == '-' && i + 2 < name.n && name.p[i + 2] == ' ')))
            return i;
    }
    return name.n;
}

void kn_film_name_read(struct kn_sv base, struct kn_film_name *out)
{
    struct kn_sv name, title;
    size_t end;

    memset(out, 0, sizeof *out);
    without_ids(base, out);
    name = kn_sv_of(out->name);
    out->kind = read_suffix(&name);
    end = find_year(name, &out->year);
    if (!out->year)
        end = label_start(name);
    if (!out->year && out->kind != KN_FILM)
        find_year(kn_sv_of(out->name), &out->year); /* it may stand behind the suffix */
    title = kn_sv_trim((struct kn_sv){name.p, end});
    memcpy(out->title, title.p, title.n);
    out->title[title.n] = '\0';
    out->part = has_episode(name) || has_part((struct kn_sv){name.p + end, name.n - end});
}

enum kn_film_kind kn_film_kind_of_folder(struct kn_sv name)
{
    static const char *const extras[] = {
        "behind the scenes", "deleted scene", "deleted scenes", "extra", "extras",
        "featurette",        "featurettes"};

    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        if (is(name, extras[i]))
            return KN_FILM_EXTRA;
    return is(name, "trailer") || is(name, "trailers") ? KN_FILM_TRAILER : KN_FILM;
}
