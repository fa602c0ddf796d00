/* moments.h - cuts a transcript into moments: windows of whole segments, for search, evidence
 * and the emotional arc.
 *
 * A moment is long enough at 15 s or 40 words, whichever comes first, and never goes past 30 s or
 * 80 words. Between the two it ends where a sentence does, or where none does at any segment: after the
 * longest pause, the first of equals. A pause of more than 8 s always parts.
 *
 * A piece of less than 7.5 s and 20 words does not stand alone unless such pauses part it: it joins the moment that
 * follows where the first segment after it would be too long otherwise, or, at the end, the one before. That, and a
 * single segment beyond 30 s or 80 words, are the only moments that are longer.
 *
 * Pure functions, any thread: same input, same output. */
#ifndef KN_TEXT_MOMENTS_H
#define KN_TEXT_MOMENTS_H

#include "base/buf.h"

#include <kinora/types.h>

struct kn_arena;
struct kn_err;

/* Moments, in order, and their texts come from arena; opinion is NaN, vectors NULL. Every segment is in exactly one
 * moment; no segments give no moments. Segments may overlap: a moment runs from its earliest start to its
 * latest end. KN_ELIMIT without memory, or beyond UINT32_MAX segments. */
int kn_moments_cut(const struct kn_segment *segments, size_t n, struct kn_arena *arena,
                   struct kn_moment **out, size_t *n_out, struct kn_err *err);

/* All that is said: the segments' texts, joined by one space, from arena; NULL without memory. */
char *kn_segments_join(const struct kn_segment *segments, size_t n, struct kn_arena *arena);

/* Does text end as a sentence does: in a stop of any script that Whisper writes, and what closes with it? */
bool kn_ends_sentence(struct kn_sv text);

enum { KN_MOMENTS_VERSION = 1 }; /* part of the stage's key: raise it when the cut changes */

#endif
