/* nfo.h - Kodi's .nfo files: what somebody wrote down about a film.
 *
 * XML whose root is movie, episodedetails or musicvideo; title, year (else premiered, releasedate), genre (several,
 * or parted by " / "), plot (else outline), uniqueid, tmdbid, imdbid. Of an episode no ids are taken, they number another thing
 * than films. Behind the end of the root may stand the address of a page, as Kodi allows.
 *
 * The file is nobody's friend: it is parsed with no network and no DTD; entities that it defines are not followed. The names
 * of HTML (&eacute;) are known, any other stays as it is written. Deep or long files meet libxml2's limits.
 *
 * Pure, any thread. Texts are UTF-8, trimmed, from the arena. */
#ifndef KN_TEXT_NFO_H
#define KN_TEXT_NFO_H

#include "text/filmname.h"

struct kn_arena;
struct kn_err;

enum { KN_NFO_BYTES = 1 << 20 };

struct kn_nfo {
    const char *title, *genres, *plot; /* "" where there is none; genres "Drama, Western" */
    int year;                          /* 0 unknown */
    struct kn_film_ids ids;
};

/* KN_ECORRUPT: broken XML ("line 3: why"), or an address and no XML; KN_ENOTFOUND: of something else than a film (a series, an artist);
 * KN_ELIMIT. */
int kn_nfo_parse(struct kn_sv bytes, struct kn_arena *arena, struct kn_nfo *out,
                 struct kn_err *err);

#endif
