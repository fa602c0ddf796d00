/* speech_fixture.h - the default speech models, two sample films' sound, and short forms of hearing it.
 *
 * Needs the models (KINORA_MODELS or build/models), ffmpeg and the sample films: without them the
 * tests are skipped, or fail when KINORA_TEST_STRICT=1. */
#ifndef KN_TESTS_SPEECH_FIXTURE_H
#define KN_TESTS_SPEECH_FIXTURE_H

#include "speech/speech.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SAMPLES KN_TEST_SOURCE_DIR "/samples/"
#define ENGLISH "The Lantern Fleet - Official Trailer"
#define SPANISH "Pan de domingo - Tráiler oficial"

enum { RATE = 16000 };

struct sound {
    float *x;
    size_t n, at;
};

static char whisper[4096], silero[4096];
static bool ready;
static struct kn_speech *speech;
static struct kn_arena *arena;
static struct sound english, spanish, gibberish;

/* ---- fixtures ---- */

static inline int read_sound(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    struct sound *s = ctx;

    (void)err;
    *got = s->n - s->at < cap ? s->n - s->at : cap;
    memcpy(samples, s->x + s->at, *got * sizeof *samples);
    s->at += *got;
    return KN_OK;
}

static inline struct sound decode(const char *name)
{
    struct sound s = {0};
    char command[4096];
    FILE *f;

    snprintf(command, sizeof command,
             "ffmpeg -v error -nostdin -i '%s%s.mp4' -ac 1 -ar 16000 -f f32le -", SAMPLES, name);
    f = popen(command, "r");
    s.x = malloc(600 * RATE * sizeof *s.x);
    if (f && s.x)
        s.n = fread(s.x, sizeof *s.x, 600 * RATE, f);
    if (f)
        pclose(f);
    return s;
}

/* The first seconds of it. */
static inline struct sound start_of(struct sound s, size_t seconds)
{
    s.n = seconds * RATE;
    return s;
}

static inline int open_all(void **state)
{
    const char *dir = getenv("KINORA_MODELS");
    struct kn_err err;

    (void)state;
    if (!dir)
        dir = KN_TEST_SOURCE_DIR "/build/models";
    snprintf(whisper, sizeof whisper, "%s/ggml-base-q8_0.bin", dir);
    snprintf(silero, sizeof silero, "%s/ggml-silero-v6.2.0.bin", dir);
    kn_speech_prepare();
    arena = kn_arena_new(0);
    if (!kn_fs_exists(whisper) || !kn_fs_exists(silero) || !kn_fs_exists(SAMPLES ENGLISH ".mp4") ||
        !kn_fs_exists(SAMPLES SPANISH ".mp4"))
        return 0;
    english = decode(ENGLISH);
    spanish = decode(SPANISH);
    if (english.n < 30 * RATE || spanish.n < 30 * RATE)
        return 0;
    /* Speech backwards sounds like speech, but no words fit: the model must guess. */
    gibberish = (struct sound){malloc(12 * RATE * sizeof(float)), 12 * RATE, 0};
    for (size_t i = 0; i < gibberish.n; i++)
        gibberish.x[i] = english.x[gibberish.n + 5 * RATE - i];
    if (kn_speech_open(&(struct kn_speech_options){.model = whisper, .vad = silero}, &speech,
                       &err)) {
        print_error("%s\n", err.msg);
        return -1;
    }
    ready = true;
    return 0;
}

static inline int close_all(void **state)
{
    (void)state;
    kn_speech_close(speech);
    kn_arena_free(arena);
    free(english.x);
    free(spanish.x);
    free(gibberish.x);
    return 0;
}

static inline void need_all(void)
{
    const char *strict = getenv("KINORA_TEST_STRICT");

    if (ready)
        return;
    print_error("models, ffmpeg or sample films are missing: make models\n");
    if (strict && strcmp(strict, "1") == 0)
        fail();
    skip();
}

static inline struct kn_listener *new_listener(void)
{
    struct kn_listener *l = NULL;

    assert_int_equal(kn_listener_new(speech, &l, NULL), KN_OK);
    return l;
}

static inline struct kn_transcript hear(struct kn_listener *l, struct sound s, const char *language)
{
    const struct kn_audio_source source = {read_sound, &s};
    struct kn_transcript t = {0};
    struct kn_err err = {0};

    if (kn_listener_transcribe(l, &source, language, NULL, NULL, NULL, NULL, arena, &t, &err)) {
        print_error("%s\n", err.msg);
        fail();
    }
    return t;
}

static inline struct kn_transcript hear_alone(struct sound s, const char *language)
{
    struct kn_listener *l = new_listener();
    struct kn_transcript t = hear(l, s, language);

    kn_listener_free(l);
    return t;
}

static inline void assert_same(const struct kn_transcript *a, const struct kn_transcript *b)
{
    assert_int_equal(a->n_segments, b->n_segments);
    for (size_t i = 0; i < a->n_segments; i++) {
        assert_string_equal(a->segments[i].text, b->segments[i].text);
        assert_true(a->segments[i].start == b->segments[i].start);
        assert_true(a->segments[i].end == b->segments[i].end);
    }
    assert_string_equal(a->language, b->language);
    assert_true(a->language_confidence == b->language_confidence);
    assert_true(a->speech == b->speech && a->duration == b->duration);
}

static inline float noise(double t)
{
    (void)t;
    return 0.2F * ((float)rand() / (float)RAND_MAX - 0.5F);
}

#endif
