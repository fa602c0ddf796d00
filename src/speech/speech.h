/* speech.h - what is said in a stretch of sound, when, and in which language.
 *
 * Whisper (Radford et al., 2022) through whisper.cpp, on windows of speech found by Silero voice
 * activity:
 *
 *   sound -> chunks of 30 s -> voice activity -> windows of at most 30 s that begin and end between
 *   two utterances -> language by vote over several windows -> segments
 *
 * Whisper is trained on 30 s windows: shorter slices turn to nonsense, music alone to invented
 * thanks for watching. So only windows that hold speech are heard, they are packed as full as the
 * pauses allow, no text is carried from one window to the next (n_max_text_ctx = 0: with it a
 * loop in one window spreads over the rest), and the temperature fall-back is on as whisper.cpp has
 * it: by log-probability, and by the entropy of the last 32 tokens (below 2.4) where the paper has
 * the compression ratio. What it writes where nobody speaks all the same is dropped (doubt.h), and
 * lines are moved to where the voice is (windows.h).
 *
 * One kn_speech holds the weights; each window under way needs about 120 MB with the base model,
 * a listener the room for the sound that it held at once. That does not grow with the length of the
 * sound: the windows under way, and while the language has yet to be found 5 minutes (20 MB), or, of
 * a title that hardly speaks in them, up to 20 minutes (77 MB).
 *
 * Each listener at work uses a thread; those that are left over, when there are fewer titles than
 * threads, hear further windows of the same title. That beats a model of several threads:
 * Whisper's decoder gets slower with them.
 *
 * The same sound and options give the same segments, whichever listener hears them and whatever
 * it heard before. */
#ifndef KN_SPEECH_H
#define KN_SPEECH_H

#include <stddef.h>

#include <kinora/types.h>

struct kn_arena;
struct kn_buf;
struct kn_cancel;
struct kn_err;
struct kn_speech;   /* opaque; weights, shared by threads */
struct kn_listener; /* opaque; one thread at a time */

struct kn_speech_options {
    const char *model; /* path of a whisper.cpp ggml file */
    const char *vad;   /* path of a Silero ggml file */
    int threads;       /* of all listeners together; 0: 1 */
    int beam;          /* 0 or 1: greedy; else the beam's width, at most 8 */
};

/* Pulls mono float32 at 16,000 Hz. Fills up to cap, *got < cap only at the end. */
struct kn_audio_source {
    int (*read)(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err);
    void *ctx;
};

struct kn_transcript {
    const struct kn_segment
        *segments;     /* in order, within 0..duration, start < end, never overlapping */
    size_t n_segments; /* 0: nobody speaks */
    const struct kn_dropped *dropped; /* by time: said.h says what and why */
    size_t n_dropped;
    char language[8]; /* ISO 639-1 as Whisper names it: "en"; "" when n_segments is 0 */
    double
        language_confidence; /* 0..1: the share of the vote, weighted by probability; below 1 by as many
                                   votes as the first 20 minutes of a longer title lack */
    double duration;         /* seconds of sound read */
    double speech;           /* seconds of it that the voice activity let through */
};

/* KN_ENOTFOUND no such file; KN_ECORRUPT not a whole model: the message names the file and the
 * remedy. KN_EARG options out of range; KN_EIO; KN_ELIMIT. */
int kn_speech_open(const struct kn_speech_options *options, struct kn_speech **out,
                   struct kn_err *err);
void kn_speech_close(struct kn_speech *s); /* NULL is fine; after all its listeners */

int kn_listener_new(struct kn_speech *s, struct kn_listener **out, struct kn_err *err);
void kn_listener_free(struct kn_listener *l); /* NULL is fine */

/* language: NULL or "" detects; otherwise ISO 639-1, KN_EARG when the model does not know it.
 * heard (may be NULL) is called as work goes on with the seconds of sound done so far.
 * Texts and segments come from arena. A cancel waits for the windows under way, some seconds.
 * kept (may be NULL): empty, or what an earlier call on the same sound, with the same model, settings and language, left in it when it was
 * cancelled; then the windows heard there are not heard again, and the transcript is the same (heard.h).
 * An error of the source is returned as it came. */
int kn_listener_transcribe(struct kn_listener *l, const struct kn_audio_source *source,
                           const char *language, const struct kn_cancel *cancel,
                           void (*heard)(void *ctx, double seconds), void *heard_ctx,
                           struct kn_buf *kept, struct kn_arena *arena, struct kn_transcript *out,
                           struct kn_err *err);

/* Sends the log lines of whisper.cpp and ggml to kn_log, at debug level (llama.cpp's own are llm's
 * matter), and joins the faster operations of accel.h to ggml. Both are process-wide: call once,
 * before any model is loaded, here or in llm. Without it all works, slower and noisier. */
void kn_speech_prepare(void);

/* A tag as people write it ("es", "ES", "es-MX") to Whisper's own code ("es"). KN_EARG: no language that
 * Whisper knows. Needs no model. */
int kn_speech_language(const char *tag, char code[8], struct kn_err *err);

/* The same, and the model at that path knows it: an English one only that, large-v3 one more than others. Walks the
 * file in some milliseconds. KN_EARG; KN_ENOTFOUND, KN_ECORRUPT and KN_EIO of the model. */
int kn_speech_language_of(const char *model, const char *tag, char code[8], struct kn_err *err);

/* An extension that ggml was compiled for and this processor has not got, so that loading a model
 * would end the program; NULL: none. */
const char *kn_speech_cpu_lacks(void);

#endif
