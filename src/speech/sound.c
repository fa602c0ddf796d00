#include "speech/sound.h"

#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <whisper.h>

void kn_sound_begin(struct kn_sound *s, const struct kn_audio_source *source)
{
    s->source = source;
    s->samples = s->frames = s->at = 0;
    s->total = 0;
    s->last = false;
    whisper_vad_reset_state(s->vad);
}

void kn_sound_free(struct kn_sound *s)
{
    free(s->pcm);
    free(s->speech);
    s->pcm = s->speech = NULL;
    s->samples = s->frames = s->room = 0;
}

static int make_room(struct kn_sound *s, struct kn_err *err)
{
    size_t room = s->frames + KN_CHUNK / KN_FRAME;
    float *bigger;

    if (room <= s->room)
        return KN_OK;
    bigger = realloc(s->pcm, room * KN_FRAME * sizeof *bigger);
    if (!bigger)
        goto no_memory;
    s->pcm = bigger;
    bigger = realloc(s->speech, room * sizeof *bigger);
    if (!bigger)
        goto no_memory;
    s->speech = bigger;
    s->room = room;
    return KN_OK;

no_memory:
    return kn_err_memory(err, "speech: no memory for %zu s of sound", room * KN_FRAME / KN_RATE);
}

/* One NaN would stay in Silero's memory to the end of the film. */
static void only_numbers(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            x[i] = 0.0F;
}

int kn_sound_pull(struct kn_sound *s, struct kn_err *err)
{
    size_t got = 0, frames;
    float *chunk;
    int rc = make_room(s, err);

    if (rc != KN_OK)
        return rc;
    chunk = s->pcm + s->samples;
    rc = s->source->read(s->source->ctx, chunk, KN_CHUNK, &got, err);
    if (rc != KN_OK)
        return rc;
    s->last = got < KN_CHUNK;
    if (got == 0)
        return KN_OK;
    only_numbers(chunk, got);
    if (!whisper_vad_detect_speech_no_reset(s->vad, chunk, (int)got))
        return kn_err_set(err, KN_ELIMIT, "speech: the voice activity model failed on %zu samples",
                          got);
    frames = (size_t)whisper_vad_n_probs(s->vad);
    memcpy(s->speech + s->frames, whisper_vad_probs(s->vad), frames * sizeof *s->speech);
    s->frames += frames;
    s->samples += got;
    s->total += got;
    return KN_OK;
}

void kn_sound_drop(struct kn_sound *s, size_t frames)
{
    size_t samples = frames * KN_FRAME < s->samples ? frames * KN_FRAME : s->samples;

    if (frames == 0) /* nor are there arrays before the first pull */
        return;
    memmove(s->pcm, s->pcm + samples, (s->samples - samples) * sizeof *s->pcm);
    memmove(s->speech, s->speech + frames, (s->frames - frames) * sizeof *s->speech);
    s->samples -= samples;
    s->frames -= frames;
    s->at += frames;
}
