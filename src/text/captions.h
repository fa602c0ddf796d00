/* captions.h - a transcript as a subtitle file that any player shows: SubRip or WebVTT.
 *
 * A caption is at most two lines of 42 columns, as broadcasters have it (BBC and Netflix guidelines); a wide character
 * takes two. A longer segment becomes several captions, cut after a sentence or a clause where one ends in their later half,
 * else between words, or between characters in scripts without spaces; they share its time by their length. A segment
 * without a duration stands for half a second. What is read back (subtitle.h) says the same words at the same times.
 *
 * Pure functions, any thread. */
#ifndef KN_TEXT_CAPTIONS_H
#define KN_TEXT_CAPTIONS_H

#include "text/subtitle.h"

enum { KN_CAPTION_COLUMNS = 42 };

/* format: SRT or VTT. Appends a whole file, UTF-8, lines ending in \n. KN_ELIMIT. */
int kn_captions_write(const struct kn_segment *segments, size_t n, enum kn_subtitle_format format,
                      struct kn_buf *out, struct kn_err *err);

#endif
