/* doubt.h - which of the lines that Whisper writes nobody says.
 *
 * Trained on subtitles, Whisper fills music and silence with what stands there in subtitles: thanks for
 * watching, who made them; or it writes the last line once more. A line is doubted when the sound speaks
 * against it; what it says alone never suffices, for people do say thank you.
 *
 * Pure functions. Times are frames of a window (windows.h). */
#ifndef KN_SPEECH_DOUBT_H
#define KN_SPEECH_DOUBT_H

#include "speech/windows.h"

struct kn_err;

/* *why: the line is not to be kept, for this reason; NULL: no reason. before: the lines of the window that were kept so far;
 * p[0..n): its probabilities of speech. KN_ELIMIT without memory. */
int kn_doubt(const struct kn_line *line, const struct kn_line *before, size_t n_before,
             const float *p, size_t n, const char **why, struct kn_err *err);

/* Is it, in whatever case and punctuation, one of the phrases that are known to be invented? KN_ELIMIT without memory. */
int kn_is_phantom(const char *text, bool *is, struct kn_err *err);

#endif
