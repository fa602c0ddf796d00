/* plain.h - a text without times, cut into segments for kn_moments_cut.
 *
 * A segment is a sentence; one of more than 40 words is cut after each 40, so that no moment grows beyond what
 * an embedding model reads. Runs of white space become one space, so that the segments, joined by a space
 * each, are the text again but for that; only scripts that put no space behind a stop get one there.
 * All times are 0 (kinora/types.h).
 *
 * Pure functions, any thread. */
#ifndef KN_TEXT_PLAIN_H
#define KN_TEXT_PLAIN_H

#include <kinora/types.h>

struct kn_arena;
struct kn_err;

enum { KN_PLAIN_VERSION = 1 }; /* part of the stage's key: raise it when the cut changes */

/* From arena; a blank text gives none. KN_ELIMIT without memory. */
int kn_plain_cut(const char *text, struct kn_arena *arena, struct kn_segment **out, size_t *n,
                 struct kn_err *err);

#endif
