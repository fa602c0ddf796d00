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

static enum kn_film_kind read_suffix(struct kn_sv *name)
{
    static const char *const extras[] = {"behindthescenes", "deleted",   "deletedscene", "extra",
                                         "featurette",      "interview", "sample",       "scene"};
    size_t at = name->n;
    struct kn_sv word;

    while (at > 0 && isalpha((unsigned char)name->p[at - 1]))
        at--;
    word = (struct kn_sv){name->p + at, name->n - at};
    if (at > 0 && !strchr("-._", name->p[at - 1]))
        return KN_FILM;
    for (size_t i = 0; i < sizeof extras / sizeof *extras && at > 0; i++) {
        if (is(word, extras[i])) {
            name->n = at - 1;
            return KN_FILM_EXTRA;
        }
    }
    if (!is(word, "trailer"))
        return KN_FILM;
    name->n = at ? at - 1 : 0;
    return KN_FILM_TRAILER;
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
    title = kn_sv_trim((struct kn_sv){name.p, end});
    memcpy(out->title, title.p, title.n);
    out->title[title.n] = '\0';
    out->part = has_episode(name) || has_part((struct kn_sv){name.p + end, name.n - end});
}

enum kn_film_kind kn_film_kind_of_folder(struct kn_sv name)
{
    static const char *const extras[] = {"behind the scenes", "deleted scenes", "extras",
                                         "featurettes"};

    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        if (is(name, extras[i]))
            return KN_FILM_EXTRA;
    return is(name, "trailers") ? KN_FILM_TRAILER : KN_FILM;
}
