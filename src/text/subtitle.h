/* subtitle.h - reads SubRip (.srt), WebVTT (.vtt) and Sub Station Alpha (.ass, .ssa) as they are found in
 * the wild, into a transcript.
 *
 * The format is told by what the file holds, not by its name. What programs and people have done to such
 * files is put up with: any encoding (charset.h), any line ends, missing numbers, missing or superfluous
 * blank lines, cues out of order, overlapping or in layers, times with a point, without hours or
 * without milliseconds. A cue whose times cannot be read is passed over and counted; a file with more of these than of
 * good ones, or with no cue at all, is refused.
 *
 * A segment's text is what a viewer reads, on one line: markup (<i>, {\an8}, WebVTT classes and
 * times), positions, ASS overrides and drawings are gone, entities are characters. Music notes, speakers'
 * names ("<v Ann>" becomes "[Ann]") and sounds in brackets stay; kn_subtitle_spoken takes them out.
 * The same lines twice at one time (layers, shadows) are one segment; captions that roll up or grow word
 * by word, where each cue repeats lines of the one before, are told once.
 *
 * Limits: 16 MiB a file, 200,000 cues, of each 32 lines and 8 KiB, and 60 s at most (a cue that is never taken
 * away shows nothing new); times up to 1000 h.
 *
 * Pure functions, any thread: same input, same output. */
#ifndef KN_TEXT_SUBTITLE_H
#define KN_TEXT_SUBTITLE_H

#include "text/charset.h"

#include <kinora/types.h>

struct kn_arena;
struct kn_err;

enum { KN_SUBTITLE_BYTES = 16 << 20, KN_SUBTITLE_CUES = 200000 };

enum kn_subtitle_format { KN_SUBTITLE_ANY, KN_SUBTITLE_SRT, KN_SUBTITLE_VTT, KN_SUBTITLE_ASS };

struct kn_subtitle {
    const struct kn_segment *segments; /* by start, then end; may overlap; start <= end */
    size_t n_segments;                 /* at least 1 */
    enum kn_subtitle_format format;    /* never ANY */
    struct kn_charset charset;
    size_t skipped;      /* cues with times that cannot be read */
    size_t skipped_line; /* the first of them, from 1; 0: none */
};

/* bytes: the file. format ANY: find out. language: see kn_charset_to_utf8. Texts come from arena.
 * KN_ECORRUPT: no subtitles; the message begins with the line ("line 12: ...") and does not name the file, which
 * the caller knows. KN_ELIMIT: a limit above, with the line where there is one, or no memory. */
int kn_subtitle_parse(struct kn_sv bytes, enum kn_subtitle_format format, const char *language,
                      struct kn_arena *arena, struct kn_subtitle *out, struct kn_err *err);

/* What of a transcript's text is said by somebody, for what measures meaning. Left out: what stands in
 * (round), [square] or their full-width brackets, as sounds and names do; music notes (what is sung stays);
 * names in capitals before a colon ("JOHN: ", "MAN #2: "), anywhere in a text that has small letters, else
 * at its beginning and after a sentence; ">>" and dashes that nothing follows. Brackets that do not
 * close within 400 bytes stay. Appends; may append nothing. KN_ELIMIT. */
int kn_subtitle_spoken(struct kn_sv text, struct kn_buf *out, struct kn_err *err);

enum { KN_SUBTITLE_VERSION = 2 }; /* part of the stages' keys: raise it when the output changes */

#endif
