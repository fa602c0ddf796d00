/* tracks.h - a film's tracks, as the library keeps them, and which of them are read for its words.
 *
 * Kept is a JSON array of {kind, codec, language, title, heard, default, forced, impaired, commentary, channels}. Libraries
 * from before some of these were told read them as false: then only language and order choose.
 *
 * A subtitle track is text or pictures (PGS, VobSub, DVB, XSUB), told by its codec. Text tracks are candidates; order: those
 * for a few lines only (forced, signs, songs) or about the film (commentary) after full ones; then languages as kn_tag_rank
 * has them; then the default one; then those without sounds in brackets; then as they lie in the file.
 *
 * Pure functions, any thread. */
#ifndef KN_INGEST_TRACKS_H
#define KN_INGEST_TRACKS_H

#include "text/tag.h"

#include <stdint.h>

struct kn_arena;
struct kn_err;
struct kn_media_info;

enum kn_track_form { KN_TRACK_OTHER, KN_TRACK_TEXT, KN_TRACK_PICTURES };

struct kn_track {
    size_t stream;                               /* its number in the file */
    const char *kind, *codec, *language, *title; /* as the file has them; "" */
    bool heard, is_default, forced, impaired, commentary;
    uint32_t channels;
    enum kn_track_form form;
    char tag[KN_TAG_TEXT]; /* its language; "" */
    bool partial;          /* by its flags or title: not all that is said */
    unsigned rank;         /* kn_tracks_choose's */
};

/* Appends. KN_ELIMIT. */
int kn_tracks_write(const struct kn_media_info *info, struct kn_buf *out, struct kn_err *err);

/* "" is no tracks. Texts come from arena. KN_ECORRUPT, KN_ELIMIT. */
int kn_tracks_read(const char *json, struct kn_arena *arena, struct kn_track **out, size_t *n,
                   struct kn_err *err);

/* Brings the candidates to the front, best first; gives how many there are. wanted: tags, each may be NULL or "".
 * only_wanted: those in a known language that is none of them are no candidates. */
size_t kn_tracks_choose(struct kn_track *tracks, size_t n, const char *const *wanted,
                        size_t n_wanted, bool only_wanted);

#endif
