/* windows.h - packs what the voice activity lets through into windows that Whisper can hear.
 *
 * Time here is counted in frames of 512 samples (32 ms), the step of Silero's probabilities. A
 * window is one contiguous stretch of sound from shortly before an utterance to shortly after one,
 * the pauses between included: cutting pauses out would move every time and make the model stumble
 * at the seams. An utterance that follows within 4 s belongs to the same stretch; a stretch longer
 * than 30 s is cut at its longest pause in the last third of those 30 s, or, where nobody draws
 * breath, at the frame that sounds least like speech; never so that less than 8 s are left over,
 * since Whisper makes more mistakes on scraps.
 *
 * Pure functions. The windows do not depend on how the probabilities were handed over: each call
 * sees those from the end of the last window on, and says when it must see more. */
#ifndef KN_SPEECH_WINDOWS_H
#define KN_SPEECH_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    KN_FRAME = 512,                               /* samples */
    KN_WINDOW_FRAMES = 937,                       /* the longest window: 29.98 s */
    KN_WINDOW_SIGHT = 2 * KN_WINDOW_FRAMES + 158, /* no decision needs to see further than this */
};

struct kn_window {
    size_t start, end; /* frames, end not included */
    size_t speech;     /* frames of utterances in it */
};

enum kn_windows {
    KN_WINDOWS_FOUND, /* *w is the next one; go on with p + w->end */
    KN_WINDOWS_MORE,  /* cannot tell yet: frames before w->start may be dropped */
    KN_WINDOWS_END,   /* nobody speaks in the rest */
};

/* p[0..n): probabilities of speech from the end of the last window on; last: no more will come. */
enum kn_windows kn_windows_next(const float *p, size_t n, bool last, struct kn_window *w);

/* Does somebody speak in p[from..to) for long enough to say a word? */
bool kn_windows_speech_in(const float *p, size_t from, size_t to);

struct kn_line { /* of what is said in a window; in frames from the window's beginning */
    const char *text;
    size_t start, end;
};

/* Whisper's times are off by up to a second or two, the voice activity's by 0.1 s. So of lines in their order
 * the first begins where the voice begins, the last ends where it ends, and the border between two goes to the pause of
 * p[0..n) that is near and long, if there is one that leaves both the time to be said. */
void kn_windows_fit(const float *p, size_t n, struct kn_line *lines, size_t count);

/* The best k windows to judge a language by: of each k-th part the one with the most speech. pick
 * gets their indices in order; returns how many: min(n, k). */
size_t kn_windows_spread(const struct kn_window *w, size_t n, size_t k, size_t *pick);

/* Where in w the slice of so many frames begins that holds the most speech. */
size_t kn_windows_densest(const float *p, const struct kn_window *w, size_t frames);

#endif
