/* filmname.h - what the name of a film's file or folder tells.
 *
 *     Heat (1995) [tmdbid-949] - Director's Cut   name "Heat (1995) - Director's Cut", title "Heat", year 1995, tmdb 949
 *     Heat (1995)-trailer                         the same title, a trailer
 *
 * Ids as Jellyfin and Emby write them ([imdbid-tt0113277], [tvdbid=7]) and as Plex does ({tmdb-949}). A year counts
 * in round brackets and not at the start: "2012" and "1917" are titles.
 *
 * Suffixes as Jellyfin and Plex have them, and as people write them ("Heat - Official Trailer", "Heat (1995) Making of [1080p]"),
 * behind - . _ or a space, with a number or brackets behind them. A title that is nothing else ("Interview (2007)", "The Trailer")
 * or has its year behind it stays a title; so do words in which titles end ("Paper Clip"), behind a space alone and no year.
 *
 * Pure functions, any thread. Names are UTF-8. */
#ifndef KN_TEXT_FILMNAME_H
#define KN_TEXT_FILMNAME_H

#include "base/buf.h"

enum { KN_FILM_ID = 16, KN_FILM_NAME = 1024, KN_FILM_IDS = 80 };

struct kn_film_ids {                                           /* "" where there is none */
    char imdb[KN_FILM_ID], tmdb[KN_FILM_ID], tvdb[KN_FILM_ID]; /* "tt0113277", "949", "7" */
};

enum kn_film_kind { KN_FILM, KN_FILM_TRAILER, KN_FILM_EXTRA };

struct kn_film_name {
    char name[KN_FILM_NAME];  /* as given, without ids; cut at a character where it is longer */
    char title[KN_FILM_NAME]; /* what stands before year, label and suffix */
    int year;                 /* 0 unknown */
    struct kn_film_ids ids;
    enum kn_film_kind kind;
    bool part; /* an episode (S01E02, 1x02) or one of several discs: not a work for itself */
};

/* base: without folder and extension. */
void kn_film_name_read(struct kn_sv base, struct kn_film_name *out);

/* Of what lies in a folder of this name: "trailers", "extras"... */
enum kn_film_kind kn_film_kind_of_folder(struct kn_sv name);

/* The id of one kind ("tmdb", "imdb", "tvdb", with or without "id" behind it, in any case) where it is one: 1 to 10 digits,
 * imdb's behind "tt". False: none, out as it was. */
bool kn_film_id(struct kn_sv kind, struct kn_sv value, struct kn_film_ids *out);

/* Fills those that are missing in to. */
void kn_film_ids_fill(struct kn_film_ids *to, const struct kn_film_ids *from);

/* "imdb:tt0113277 tmdb:949": always in this order, parted by a space. "" for none. */
void kn_film_ids_text(const struct kn_film_ids *ids, char out[KN_FILM_IDS]);
void kn_film_ids_parse(const char *text,
                       struct kn_film_ids *out); /* what it does not know is left out */

#endif
