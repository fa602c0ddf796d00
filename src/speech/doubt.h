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

/* Why the line is not to be kept, NULL: no reason. p[0..n): the window's probabilities of speech;
 * before: the line kept before it in the same window, NULL: none. */
const char *kn_doubt(const struct kn_line *line, const struct kn_line *before, const float *p,
                     size_t n);

/* Is it, in whatever case and punctuation, one of the phrases that are known to be invented? */
bool kn_is_phantom(const char *text);

#endif
