#include "v1_parts.h"

#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    TAG_PART = 8, /* letters in a part of a language tag (RFC 5646) */
    GENRES = 200, /* characters */
    LANGUAGES = 200,
};

/* ---- parameters ---- */

static size_t characters(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

int kn_v1_text(const struct kn_request *r, const char *name, size_t most, const char **out,
               struct kn_err *err)
{
    const char *text = kn_request_text(r, name, NULL);
    size_t n = text ? characters(text) : 1;

    if (n == 0 || n > most)
        return kn_err_set(err, KN_EARG, "%s: %zu characters; it takes 1 to %zu", name, n, most);
    *out = text;
    return KN_OK;
}

/* "es", "es-MX", "zh-Hant": where its end is; NULL: it is none. */
static const char *behind_tag(const char *s)
{
    for (bool first = true;; first = false) {
        size_t n = 0;

        while (first ? isalpha((unsigned char)s[n]) : isalnum((unsigned char)s[n]))
            n++;
        if (n < (first ? 2 : 1) || n > TAG_PART)
            return NULL;
        s += n;
        if (*s != '-')
            return s;
        s++;
    }
}

int kn_v1_language(const struct kn_request *r, const char **out, struct kn_err *err)
{
    const char *list = NULL, *at;
    int rc = kn_v1_text(r, "language", LANGUAGES, &list, err);

    for (at = list; !rc && at;) {
        at = behind_tag(at);
        if (!at || (*at && *at != ','))
            rc = kn_err_set(err, KN_EARG,
                            "language: '%s' is no list of language tags such as es or es,en-GB",
                            list);
        else if (!*at)
            break;
        else
            at++;
    }
    if (!rc)
        *out = list;
    return rc;
}

int kn_v1_language_of_all(const struct kn_request *r, const char **out, struct kn_err *err)
{
    const char *list = NULL;
    int rc = kn_v1_language(r, &list, err);

    if (!rc && list && strcmp(list, "same") == 0)
        rc = kn_err_set(err, KN_EARG, "language: same as what? give language tags, or any");
    if (!rc)
        *out = list;
    return rc;
}

int kn_v1_genre(const struct kn_request *r, const char **out, struct kn_err *err)
{
    const char *list = NULL;
    int rc = kn_v1_text(r, "genre", GENRES, &list, err);

    if (!rc && list && list[strspn(list, ", \t\n\v\f\r")] == '\0')
        rc = kn_err_set(err, KN_EARG, "genre: '%s' names none", list);
    if (!rc)
        *out = list;
    return rc;
}

/* ---- JSON ---- */

void kn_v1_id_json(struct kn_json_writer *w, const char *key, const struct kn_id *id)
{
    char text[KN_ID_TEXT];

    kinora_id_text(id, text);
    kn_json_string(w, key, text);
}

void kn_v1_name_json(struct kn_json_writer *w, const struct kn_title *t)
{
    kn_v1_id_json(w, "id", &t->id);
    kn_json_string(w, "name", t->name);
}

void kn_v1_names_json(struct kn_json_writer *w, const char *key, const struct kn_title *t, size_t n)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++) {
        kn_json_begin_object(w, NULL);
        kn_v1_name_json(w, &t[i]);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void link_json(struct kn_json_writer *w, const char *key, const struct kn_id *id,
                      const char *what)
{
    char id_text[KN_ID_TEXT], link[64 + KN_ID_TEXT];

    kinora_id_text(id, id_text);
    snprintf(link, sizeof link, "/api/v1/titles/%s%s", id_text, what);
    kn_json_string(w, key, link);
}

static void links_json(struct kn_json_writer *w, const struct kn_title *t)
{
    bool has_file = t->n_paths > 0 && t->state != KN_STATE_MISSING;

    kn_json_begin_object(w, "links");
    link_json(w, "self", &t->id, "");
    if (has_file) {
        link_json(w, "media", &t->id, "/media");
        link_json(w, "poster", &t->id, "/poster");
    } else {
        kn_json_null(w, "media");
        kn_json_null(w, "poster");
    }
    kn_json_end_object(w);
}

/* "Drama, Western" */
static void genres_json(struct kn_json_writer *w, struct kn_arena *arena, const char *genres)
{
    kn_json_begin_array(w, "genres");
    while (*genres) {
        size_t n = strcspn(genres, ",");
        struct kn_sv one = kn_sv_trim((struct kn_sv){genres, n});
        char *copy = kn_arena_bytes(arena, one.p, one.n);

        if (one.n > 0 && copy)
            kn_json_string(w, NULL, copy);
        genres += n + (genres[n] == ',');
    }
    kn_json_end_array(w);
}

void kn_v1_card_json(struct kn_json_writer *w, struct kn_arena *arena, const struct kn_title *t)
{
    kn_v1_name_json(w, t);
    kn_json_string(w, "state", kinora_state_name(t->state));
    kn_json_known(w, "reason", t->reason);
    kn_json_known(w, "language", t->language);
    if (t->duration > 0)
        kn_json_seconds(w, "duration", t->duration);
    else
        kn_json_null(w, "duration");
    kn_json_number(w, "opinion", t->opinion);
    kn_v1_place_json(w, "year", t->year > 0 ? (size_t)t->year : 0);
    genres_json(w, arena, t->genres);
    kn_json_known(w, "words_from", t->words_from);
    links_json(w, t);
}

void kn_v1_place_json(struct kn_json_writer *w, const char *key, size_t place)
{
    if (place > 0)
        kn_json_integer(w, key, (int64_t)place);
    else
        kn_json_null(w, key);
}

void kn_v1_moment_json(struct kn_json_writer *w, double start, double end, const char *text)
{
    kn_json_when(w, start, end);
    kn_json_string(w, "text", text);
}
