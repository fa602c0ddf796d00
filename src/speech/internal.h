/* internal.h - what speech.c and listen.c share. */
#ifndef KN_SPEECH_INTERNAL_H
#define KN_SPEECH_INTERNAL_H

#include "speech/sound.h"
#include "speech/speech.h"

struct whisper_context;

struct kn_speech {
    struct whisper_context *whisper;
    char *model, *vad; /* paths */
    int threads, beam;
    int languages; /* that the model knows: ids 0 to languages - 1 */
};

enum {
    KN_PLAN = 128,  /* windows that the vote on the language chooses from */
    KN_BALLOT = 128 /* at least whisper_lang_max_id() + 1 */
};

struct kn_listener {
    struct kn_speech *speech;
    struct kn_sound sound;
    struct kn_window plan[KN_PLAN];
};

#endif
