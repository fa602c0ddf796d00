/* One test a promise of speech/speech.h, named after it; real models on real speech.
 *
 * Needs the models (KINORA_MODELS or build/models), ffmpeg and the sample films: without them the
 * tests are skipped, or fail when KINORA_TEST_STRICT=1. */
#include "speech/speech.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/unicode.h"
#include "speech/internal.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SAMPLES KN_TEST_SOURCE_DIR "/samples/"
#define ENGLISH "The Lantern Fleet - Official Trailer"
#define SPANISH "Pan de domingo - Tráiler oficial"

enum { RATE = 16000, WORDS = 400 };

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

static int read_sound(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    struct sound *s = ctx;

    (void)err;
    *got = s->n - s->at < cap ? s->n - s->at : cap;
    memcpy(samples, s->x + s->at, *got * sizeof *samples);
    s->at += *got;
    return KN_OK;
}

static struct sound decode(const char *name)
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

static int open_all(void **state)
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

static int close_all(void **state)
{
    (void)state;
    kn_speech_close(speech);
    kn_arena_free(arena);
    free(english.x);
    free(spanish.x);
    free(gibberish.x);
    return 0;
}

static void need_all(void)
{
    const char *strict = getenv("KINORA_TEST_STRICT");

    if (ready)
        return;
    print_error("models, ffmpeg or sample films are missing: make models\n");
    if (strict && strcmp(strict, "1") == 0)
        fail();
    skip();
}

static struct kn_listener *new_listener(void)
{
    struct kn_listener *l = NULL;

    assert_int_equal(kn_listener_new(speech, &l, NULL), KN_OK);
    return l;
}

static struct kn_transcript hear(struct kn_listener *l, struct sound s, const char *language)
{
    const struct kn_audio_source source = {read_sound, &s};
    struct kn_transcript t = {0};
    struct kn_err err = {0};

    if (kn_listener_transcribe(l, &source, language, NULL, NULL, NULL, arena, &t, &err)) {
        print_error("%s\n", err.msg);
        fail();
    }
    return t;
}

static struct kn_transcript hear_alone(struct sound s, const char *language)
{
    struct kn_listener *l = new_listener();
    struct kn_transcript t = hear(l, s, language);

    kn_listener_free(l);
    return t;
}

static void assert_same(const struct kn_transcript *a, const struct kn_transcript *b)
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

static void assert_sound(const struct kn_transcript *t)
{
    double last = 0;

    for (size_t i = 0; i < t->n_segments; i++) {
        const struct kn_segment *s = &t->segments[i];

        assert_true(s->start >= last && s->end > s->start && s->end <= t->duration);
        assert_true(kn_count_words(kn_sv_of(s->text)) > 0);
        assert_true(kn_utf8_valid(kn_sv_of(s->text)));
        last = s->end;
    }
}

/* ---- words ---- */

static size_t words_of(char *text, char **out)
{
    size_t n = 0;

    for (char *w = strtok(text, " \n.,;:!?-\""); w && n < WORDS; w = strtok(NULL, " \n.,;:!?-\""))
        out[n++] = w;
    return n;
}

static void add_folded(const char *text, struct kn_buf *b)
{
    assert_int_equal(kn_fold(kn_sv_of(text), b, NULL), KN_OK);
    assert_int_equal(kn_buf_adds(b, " ", NULL), KN_OK);
}

/* The share of a's words that b has otherwise: Levenshtein over words. */
static double word_errors(char *const *a, size_t n, char *const *b, size_t m)
{
    size_t row[WORDS + 1];

    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = corner + (strcmp(a[i - 1], b[j - 1]) != 0);

            corner = row[j];
            row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < row[j] ? change : row[j];
        }
    }
    return (double)row[m] / (double)n;
}

static void assert_says(const struct kn_transcript *t, const char *script, double errors)
{
    struct kn_buf file, want, got;
    char *a[WORDS], *b[WORDS];
    size_t n, m;

    kn_buf_init(&file, 1 << 16);
    kn_buf_init(&want, 1 << 16);
    kn_buf_init(&got, 1 << 16);
    assert_int_equal(kn_fs_read(script, &file, NULL), KN_OK);
    add_folded(file.data, &want);
    for (size_t i = 0; i < t->n_segments; i++)
        add_folded(t->segments[i].text, &got);
    n = words_of(want.data, a);
    m = words_of(got.data, b);
    if (word_errors(a, n, b, m) > errors) {
        print_error("%s: %.2f of the words are wrong\n", script, word_errors(a, n, b, m));
        fail();
    }
    kn_buf_free(&file);
    kn_buf_free(&want);
    kn_buf_free(&got);
}

/* ---- promises ---- */

static void a_few_words_in_the_first_minutes_do_not_decide_the_language(void **state)
{
    (void)state;
    assert_false(kn_can_vote(1, 300, false)); /* a studio's ident: more may come */
    assert_false(kn_can_vote(3, 900, false));
    assert_true(kn_can_vote(4, 300, false));
    assert_true(kn_can_vote(1, 300, true));
    assert_true(kn_can_vote(1, 1200, false)); /* or all of a silent film would be held in memory */
    assert_false(kn_can_vote(0, 1200, false));
    assert_false(kn_can_vote(0, 300, true));
}

static void words_times_and_language_are_right(void **state)
{
    struct kn_transcript t;

    (void)state;
    need_all();
    t = hear_alone(english, NULL);
    assert_string_equal(t.language, "en");
    assert_sound(&t);
    assert_true(fabs(t.duration - (double)english.n / RATE) < 1e-9);
    assert_true(t.speech > 20 && t.speech < t.duration);
    assert_true(t.language_confidence > 0.8 && t.language_confidence <= 1);
    assert_says(&t, SAMPLES "scripts/" ENGLISH ".txt", 0.10);
    t = hear_alone(spanish, "");
    assert_string_equal(t.language, "es");
    assert_sound(&t);
    assert_says(&t, SAMPLES "scripts/" SPANISH ".txt", 0.15);
}

static void the_same_sound_gives_the_same_whatever_came_before(void **state)
{
    struct kn_transcript guessed, clear, again;
    struct kn_listener *l;

    (void)state;
    need_all();
    l = new_listener();
    guessed = hear(l, gibberish, "en"); /* by sampling: the fall-back's generator must not go on */
    clear = hear(l, english, NULL);
    again = hear(l, gibberish, "en");
    assert_same(&guessed, &again);
    again = hear(l, english, NULL);
    assert_same(&clear, &again);
    kn_listener_free(l);
}

static void a_language_is_one_that_the_model_knows(void **state)
{
    char code[8] = "";
    struct kn_err err;

    (void)state;
    need_all();
    assert_int_equal(kn_speech_language_of(whisper, "es-MX", code, NULL), KN_OK);
    assert_string_equal(code, "es");
    assert_int_equal(kn_speech_language("yue", code, NULL), KN_OK); /* from large-v3 on */
    assert_int_equal(kn_speech_language_of(whisper, "yue", code, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "'yue': the speech model"));
    assert_int_equal(kn_speech_language_of(whisper, "klingon", code, NULL), KN_EARG);
    assert_int_equal(kn_speech_language_of("/none", "es", code, NULL), KN_ENOTFOUND);
}

struct listening {
    struct kn_listener *l;
    struct sound sound;
    struct kn_arena *arena;
    struct kn_transcript t;
    int rc;
};

static void *listen(void *ctx)
{
    struct listening *x = ctx;
    struct kn_audio_source source = {read_sound, &x->sound};

    x->rc = kn_listener_transcribe(x->l, &source, NULL, NULL, NULL, NULL, x->arena, &x->t, NULL);
    return NULL;
}

static void two_listeners_in_two_threads_hear_what_one_does(void **state)
{
    struct listening x[2] = {{.sound = english}, {.sound = spanish}};
    pthread_t thread[2];

    (void)state;
    need_all();
    for (int i = 0; i < 2; i++) {
        x[i].l = new_listener();
        x[i].arena = kn_arena_new(0);
        assert_int_equal(pthread_create(&thread[i], NULL, listen, &x[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        struct kn_transcript alone;

        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(x[i].rc, KN_OK);
        alone = hear_alone(i ? spanish : english, NULL);
        assert_same(&x[i].t, &alone);
        kn_listener_free(x[i].l);
        kn_arena_free(x[i].arena);
    }
}

static struct sound made(size_t seconds, float (*at)(double t))
{
    struct sound s = {malloc(seconds * RATE * sizeof *s.x), seconds * RATE, 0};

    assert_non_null(s.x);
    for (size_t i = 0; i < s.n; i++)
        s.x[i] = at((double)i / RATE);
    return s;
}

static float no_sound(double t)
{
    (void)t;
    return 0;
}

static float noise(double t)
{
    (void)t;
    return 0.2F * ((float)rand() / (float)RAND_MAX - 0.5F);
}

/* Four chords in turn under a melody, with a drum: what a trailer opens with. */
static float music(double t)
{
    static const double chord[4][3] = {
        {220, 262, 330}, {175, 220, 262}, {262, 330, 392}, {196, 247, 294}};
    const double *c = chord[(int)(t / 2) % 4];
    double beat = fmod(t, 0.5), sum = 0;

    for (int i = 0; i < 3; i++)
        sum += sin(2 * M_PI * c[i] * t) + 0.4 * sin(4 * M_PI * c[i] * t);
    sum += 1.5 * exp(-3 * beat) * sin(4 * M_PI * c[(int)(t * 2) % 3] * t);
    sum += 2 * exp(-30 * beat) * sin(2 * M_PI * 60 * t);
    return (float)(0.1 * sum);
}

static void several_windows_at_once_give_what_one_after_the_other_gives(void **state)
{
    const struct kn_speech_options options = {.model = whisper, .vad = silero, .threads = 3};
    struct kn_speech *one_at_a_time = speech;
    struct kn_transcript together, alone;

    (void)state;
    need_all();
    alone = hear_alone(english, NULL);
    assert_int_equal(kn_speech_open(&options, &speech, NULL), KN_OK);
    together = hear_alone(english, NULL);
    kn_speech_close(speech);
    speech = one_at_a_time;
    assert_same(&together, &alone);
}

static void where_nobody_speaks_nothing_is_said(void **state)
{
    struct sound sounds[] = {made(5, no_sound), made(40, noise), made(40, music), {NULL, 0, 0}};

    (void)state;
    need_all();
    sounds[3].x = sounds[0].x; /* a source that is empty */
    for (size_t i = 0; i < 4; i++) {
        struct kn_transcript t = hear_alone(sounds[i], NULL);

        assert_int_equal(t.n_segments, 0);
        assert_null(t.segments);
        assert_string_equal(t.language, "");
        assert_true(t.language_confidence == 0);
        assert_true(fabs(t.duration - (double)sounds[i].n / RATE) < 1e-9);
    }
    for (size_t i = 0; i < 3; i++)
        free(sounds[i].x);
}

static void a_long_opening_of_music_does_not_hide_the_language(void **state)
{
    struct sound s = made(330, music); /* longer than the block that the vote looks at first */
    struct kn_transcript t;

    (void)state;
    need_all();
    memcpy(s.x + 312 * RATE, spanish.x + RATE, 12 * RATE * sizeof *s.x);
    t = hear_alone(s, NULL);
    assert_string_equal(t.language, "es");
    assert_sound(&t);
    assert_true(t.n_segments > 0 && t.segments[0].start > 311 && t.segments[0].start < 314);
    free(s.x);
}

static void samples_that_are_not_numbers_do_no_harm(void **state)
{
    struct sound s = {malloc(10 * RATE * sizeof(float)), 10 * RATE, 0};
    struct kn_transcript t;

    (void)state;
    need_all();
    memcpy(s.x, english.x, s.n * sizeof *s.x);
    for (size_t i = 0; i < RATE; i += 7)
        s.x[i] = i % 2 ? NAN : INFINITY;
    t = hear_alone(s, "en");
    assert_sound(&t);
    assert_true(t.n_segments > 0);
    assert_non_null(strstr(t.segments[0].text, "galaxy"));
    free(s.x);
}

static void a_language_that_is_given_is_not_asked_for(void **state)
{
    struct sound s = english;
    struct kn_audio_source source = {read_sound, &s};
    struct kn_listener *l;
    struct kn_transcript t = {.duration = 7};
    struct kn_err err;

    (void)state;
    need_all();
    l = new_listener();
    assert_int_equal(kn_listener_transcribe(l, &source, "xx", NULL, NULL, NULL, arena, &t, &err),
                     KN_EARG);
    assert_non_null(strstr(err.msg, "'xx'"));
    assert_true(t.duration == 7);
    assert_int_equal(s.at, 0);
    s.n = 8 * RATE;
    t = hear(l, s, "en");
    assert_string_equal(t.language, "en");
    assert_true(t.language_confidence == 1);
    kn_listener_free(l);
}

static int fails_late(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    struct sound *s = ctx;

    if (s->at > 0)
        return kn_err_set(err, KN_ETIMEOUT, "the disk is asleep");
    return read_sound(s, samples, cap, got, err);
}

static void an_error_of_the_source_is_returned_as_it_came(void **state)
{
    struct sound s = {calloc(40 * RATE, sizeof(float)), 40 * RATE, 0};
    struct kn_audio_source source = {fails_late, &s};
    struct kn_transcript t = {.duration = 7};
    struct kn_listener *l;
    struct kn_err err;

    (void)state;
    need_all();
    l = new_listener();
    for (int i = 0; i < 2; i++, s.at = 0) {
        assert_int_equal(
            kn_listener_transcribe(l, &source, i ? "en" : NULL, NULL, NULL, NULL, arena, &t, &err),
            KN_ETIMEOUT);
        assert_string_equal(err.msg, "the disk is asleep");
        assert_true(t.duration == 7);
    }
    kn_listener_free(l);
    free(s.x);
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct cancelling {
    struct kn_cancel cancel;
    double after, spent_at;
};

static void *cancel_later(void *ctx)
{
    struct cancelling *c = ctx;

    kn_clock_sleep(c->after);
    c->spent_at = cpu_seconds();
    kn_cancel_set(&c->cancel);
    return NULL;
}

static void a_cancel_ends_it_soon(void **state)
{
    static const double after[] = {0, 0.2, 1.5};
    const char *slow = getenv("KINORA_TEST_SLOW"); /* sanitizers */
    double most = 2 * (slow ? strtod(slow, NULL) : 1);
    struct kn_listener *l;

    (void)state;
    need_all();
    l = new_listener();
    for (size_t i = 0; i < 3; i++) {
        struct cancelling c = {.after = after[i]};
        struct sound s = english;
        struct kn_audio_source source = {read_sound, &s};
        struct kn_transcript t;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, cancel_later, &c), 0);
        assert_int_equal(
            kn_listener_transcribe(l, &source, NULL, &c.cancel, NULL, NULL, arena, &t, NULL),
            KN_ECANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        /* In CPU time, so that a busy machine does not fail it. */
        assert_true(cpu_seconds() - c.spent_at < most);
    }
    kn_listener_free(l);
}

static void keep_last(void *ctx, double seconds)
{
    double *last = ctx;

    assert_true(seconds >= *last);
    *last = seconds;
}

static int endless_noise(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    size_t *left = ctx;

    (void)err;
    *got = *left < cap ? *left : cap;
    for (size_t i = 0; i < *got; i++)
        samples[i] = noise(0);
    *left -= *got;
    return KN_OK;
}

static void memory_does_not_grow_with_the_sound(void **state)
{
    size_t left = (size_t)25 * 60 * RATE; /* 92 MiB of samples */
    struct kn_audio_source source = {endless_noise, &left};
    struct kn_listener *l;
    struct kn_transcript t;
    double last = 0;

    (void)state;
    need_all();
    l = new_listener();
    assert_int_equal(
        kn_listener_transcribe(l, &source, NULL, NULL, keep_last, &last, arena, &t, NULL), KN_OK);
    /* What it holds at most: the 5 minutes that the language is looked for in, and a chunk. */
    assert_in_range(l->sound.room * KN_FRAME / RATE, 1, 5 * 60 + 31);
    assert_true(fabs(last - 25 * 60) < 1e-6 && fabs(t.duration - 25 * 60) < 1e-6);
    kn_listener_free(l);
}

/* ---- model files ---- */

static int open_with(const char *model, const char *vad, struct kn_err *err)
{
    struct kn_speech *s = NULL;
    struct kn_listener *l = NULL;
    int rc = kn_speech_open(&(struct kn_speech_options){.model = model, .vad = vad}, &s, err);

    if (rc == KN_OK)
        rc = kn_listener_new(s, &l, err);
    else
        assert_null(s);
    kn_listener_free(l);
    kn_speech_close(s);
    return rc;
}

static void assert_refused(const char *model, const char *vad, const char *bad, int code)
{
    struct kn_err err = {0};

    assert_int_equal(open_with(model, vad, &err), code);
    assert_non_null(strstr(err.msg, bad));
    assert_non_null(strstr(err.msg, "run: kinora models"));
}

static void a_missing_model_is_named(void **state)
{
    (void)state;
    need_all();
    assert_refused("/nowhere/w.bin", silero, "/nowhere/w.bin", KN_ENOTFOUND);
    assert_refused(whisper, "/nowhere/s.bin", "/nowhere/s.bin", KN_ENOTFOUND);
    assert_refused("/dev/null", silero, "/dev/null", KN_ECORRUPT);
    assert_refused(silero, silero, silero, KN_ECORRUPT);
    assert_refused(whisper, whisper, whisper, KN_ECORRUPT);
}

static void impossible_options_are_refused(void **state)
{
    struct kn_speech *s = NULL;
    struct kn_err err;

    (void)state;
    need_all();
    assert_int_equal(kn_speech_open(&(struct kn_speech_options){whisper, silero, 0, 9}, &s, &err),
                     KN_EARG);
    assert_int_equal(kn_speech_open(&(struct kn_speech_options){whisper, silero, -1, 0}, &s, &err),
                     KN_EARG);
    assert_null(s);
}

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void a_cut_or_damaged_model_does_not_crash(void **state)
{
    char dir[] = "/tmp/kinora-speech-XXXXXX", path[64];
    struct kn_buf b, v;
    size_t headers = 2 << 20;

    (void)state;
    need_all();
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/model.bin", dir);
    kn_buf_init(&b, 1 << 28);
    kn_buf_init(&v, 1 << 24);
    assert_int_equal(kn_fs_read(whisper, &b, NULL), KN_OK);
    assert_int_equal(kn_fs_read(silero, &v, NULL), KN_OK);
    srand(7);
    for (size_t n = v.n - 1, step = 1; n < v.n; n -= step, step += step / 2 + 1) {
        write_file(path, v.data, n);
        assert_refused(whisper, path, path, KN_ECORRUPT);
    }
    write_file(path, b.data, b.n);
    for (size_t n = b.n - 1, step = 1; n < b.n; n -= step, step += step / 2 + 1) {
        assert_int_equal(truncate(path, (off_t)n), 0);
        assert_refused(path, silero, path, KN_ECORRUPT);
    }
    for (int i = 0; i < 100;
         i++) { /* damage in the sizes, the vocabulary, the first tensors' headers */
        size_t at = i < 48 ? (size_t)i : (size_t)rand() % headers;
        char byte = b.data[at];

        b.data[at] = (char)(byte ^ (1 << rand() % 8));
        write_file(path, b.data, headers);
        assert_refused(path, silero, path, KN_ECORRUPT);
        b.data[at] = byte;
    }
    unlink(path);
    rmdir(dir);
    kn_buf_free(&b);
    kn_buf_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_words_in_the_first_minutes_do_not_decide_the_language),
        cmocka_unit_test(words_times_and_language_are_right),
        cmocka_unit_test(the_same_sound_gives_the_same_whatever_came_before),
        cmocka_unit_test(a_language_is_one_that_the_model_knows),
        cmocka_unit_test(two_listeners_in_two_threads_hear_what_one_does),
        cmocka_unit_test(several_windows_at_once_give_what_one_after_the_other_gives),
        cmocka_unit_test(where_nobody_speaks_nothing_is_said),
        cmocka_unit_test(a_long_opening_of_music_does_not_hide_the_language),
        cmocka_unit_test(samples_that_are_not_numbers_do_no_harm),
        cmocka_unit_test(a_language_that_is_given_is_not_asked_for),
        cmocka_unit_test(an_error_of_the_source_is_returned_as_it_came),
        cmocka_unit_test(a_cancel_ends_it_soon),
        cmocka_unit_test(memory_does_not_grow_with_the_sound),
        cmocka_unit_test(a_missing_model_is_named),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(a_cut_or_damaged_model_does_not_crash),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
