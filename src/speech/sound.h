/* sound.h - the sound at hand: pulled from the source chunk by chunk, each frame with its
 * probability of speech, dropped from the front once heard.
 *
 * Silero's memory runs on from chunk to chunk, so that the probabilities are those of the whole
 * sound in one piece. Not for use by two threads at once. */
#ifndef KN_SPEECH_SOUND_H
#define KN_SPEECH_SOUND_H

#include "speech/speech.h"
#include "speech/windows.h"

struct whisper_vad_context;

enum { KN_RATE = 16000, KN_CHUNK = 960 * KN_FRAME /* 30.7 s: a whole number of frames */ };

struct kn_sound {
    const struct kn_audio_source *source;
    struct whisper_vad_context *vad;
    float *pcm;                   /* samples of them, from frame `at` of the title on */
    float *speech;                /* one probability a frame */
    size_t samples, frames, room; /* room: frames that pcm and speech can hold */
    size_t at;
    uint64_t total; /* samples pulled since the beginning */
    bool last;      /* the source has ended */
};

/* Forgets what was there and begins with a new source; keeps the memory. */
void kn_sound_begin(struct kn_sound *s, const struct kn_audio_source *source);
void kn_sound_free(struct kn_sound *s); /* its arrays; vad is borrowed */

/* One chunk more. KN_ELIMIT without memory; an error of the source as it came. */
int kn_sound_pull(struct kn_sound *s, struct kn_err *err);
void kn_sound_drop(struct kn_sound *s, size_t frames);

#endif
