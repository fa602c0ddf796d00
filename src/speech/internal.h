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

/* Do so many windows, found in the first seconds of speech and silence, say what the title's language is, or is more
 * to be pulled? last: there is no more. */
bool kn_can_vote(size_t windows, size_t seconds, bool last);

struct kn_listener {
    struct kn_speech *speech;
    struct kn_sound sound;
    struct kn_window plan[KN_PLAN];
};

#endif
