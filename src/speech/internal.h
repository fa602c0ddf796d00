/* internal.h - what speech.c and listen.c share. */
#ifndef KN_SPEECH_INTERNAL_H
#define KN_SPEECH_INTERNAL_H

#include "speech/sound.h"
#include "speech/speech.h"

#include <stdatomic.h>

struct whisper_context;

struct kn_speech {
    struct whisper_context *whisper;
    char *model, *vad; /* paths */
    int beam;
    atomic_int idle; /* threads that no listener uses; below 0 while more listen than there are */
    int languages;   /* that the model knows: ids 0 to languages - 1 */
};

enum {
    KN_PLAN = 128,  /* windows that the vote on the language chooses from */
    KN_AT_ONCE = 8, /* windows of one title */
    KN_BALLOT = 128 /* at least whisper_lang_max_id() + 1 */
};

struct kn_listener {
    struct kn_speech *speech;
    struct kn_sound sound;
    struct kn_window plan[KN_PLAN];
};

#endif
