/* hear - what is said in some recordings, as src/speech hears it, as JSON. For bench/speech and the tests of accuracy.
 *
 *     hear MODEL VAD BEAM LISTENERS THREADS LANGUAGE|auto FILE...
 *
 * FILE: float32, mono, 16 kHz, without a header (ffmpeg -f f32le -ac 1 -ar 16000). The listeners take the files in turn.
 * {"seconds": from the open model to the last word, "cpu": of all threads in that time, "load": seconds, "files": [{"file", "duration", "language",
 * "confidence", "segments": [{"start", "end", "text"}]}]} */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/json.h"
#include "speech/speech.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LISTENERS_MAX = 16 };

struct recording {
    const char *path;
    struct kn_arena *arena;
    struct kn_transcript transcript;
};

struct work {
    struct kn_speech *speech;
    const char *language;
    struct recording *recordings;
    int n;
    atomic_int next, failed;
};

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int from_file(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    *got = fread(samples, sizeof *samples, cap, ctx);
    return ferror(ctx) ? kn_err_set(err, KN_EIO, "read the recording") : KN_OK;
}

static int hear(struct kn_listener *l, const struct work *w, struct recording *r,
                struct kn_err *err)
{
    struct kn_audio_source source = {.read = from_file, .ctx = fopen(r->path, "rb")};
    int rc;

    if (!source.ctx)
        return kn_err_set(err, KN_ENOTFOUND, "open '%s'", r->path);
    r->arena = kn_arena_new(0);
    rc = kn_listener_transcribe(l, &source, w->language, NULL, NULL, NULL, NULL, r->arena,
                                &r->transcript, err);
    fclose(source.ctx);
    return rc;
}

static void *listen_to_all(void *arg)
{
    struct work *w = arg;
    struct kn_listener *l = NULL;
    struct kn_err err;
    int i, rc = kn_listener_new(w->speech, &l, &err);

    while (rc == KN_OK && (i = atomic_fetch_add(&w->next, 1)) < w->n)
        rc = hear(l, w, &w->recordings[i], &err);
    if (rc != KN_OK) {
        fprintf(stderr, "hear: %s\n", err.msg);
        w->failed = 1;
    }
    kn_listener_free(l);
    return NULL;
}

static void print(const struct work *w, double load, double seconds, double cpu)
{
    struct kn_buf out;
    struct kn_json_writer j = {.out = &out};

    kn_buf_init(&out, (size_t)1 << 28);
    kn_json_begin_object(&j, NULL);
    kn_json_number(&j, "load", load);
    kn_json_number(&j, "seconds", seconds);
    kn_json_number(&j, "cpu", cpu);
    kn_json_begin_array(&j, "files");
    for (const struct recording *r = w->recordings; r < w->recordings + w->n; r++) {
        kn_json_begin_object(&j, NULL);
        kn_json_string(&j, "file", r->path);
        kn_json_number(&j, "duration", r->transcript.duration);
        kn_json_string(&j, "language", r->transcript.language);
        kn_json_number(&j, "confidence", r->transcript.language_confidence);
        kn_json_begin_array(&j, "segments");
        for (size_t i = 0; i < r->transcript.n_segments; i++) {
            kn_json_begin_object(&j, NULL);
            kn_json_number(&j, "start", r->transcript.segments[i].start);
            kn_json_number(&j, "end", r->transcript.segments[i].end);
            kn_json_string(&j, "text", r->transcript.segments[i].text);
            kn_json_end_object(&j);
        }
        kn_json_end_array(&j);
        kn_json_end_object(&j);
    }
    kn_json_end_array(&j);
    kn_json_end_object(&j);
    puts(out.data);
    kn_buf_free(&out);
}

int main(int argc, char **argv)
{
    struct kn_speech_options options = {.model = argc > 7 ? argv[1] : NULL};
    pthread_t threads[LISTENERS_MAX];
    struct work w = {.n = argc - 7};
    double began = now(CLOCK_MONOTONIC), loaded, cpu;
    struct kn_err err;
    int listeners;

    if (argc < 8 || (listeners = atoi(argv[4])) < 1 || listeners > LISTENERS_MAX) {
        fprintf(stderr, "usage: hear MODEL VAD BEAM LISTENERS THREADS LANGUAGE|auto FILE...\n");
        return 2;
    }
    options.vad = argv[2];
    options.beam = atoi(argv[3]);
    options.threads = atoi(argv[5]);
    w.language = strcmp(argv[6], "auto") == 0 ? NULL : argv[6];
    w.recordings = calloc((size_t)w.n, sizeof *w.recordings);
    for (int i = 0; w.recordings && i < w.n; i++)
        w.recordings[i].path = argv[7 + i];
    kn_speech_prepare();
    if (!w.recordings || kn_speech_open(&options, &w.speech, &err)) {
        fprintf(stderr, "hear: %s\n", w.recordings ? err.msg : "no memory");
        return 1;
    }
    loaded = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < listeners; i++)
        pthread_create(&threads[i], NULL, listen_to_all, &w);
    for (int i = 0; i < listeners; i++)
        pthread_join(threads[i], NULL);
    if (!w.failed)
        print(&w, loaded - began, now(CLOCK_MONOTONIC) - loaded,
              now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    for (int i = 0; i < w.n; i++)
        kn_arena_free(w.recordings[i].arena);
    free(w.recordings);
    kn_speech_close(w.speech);
    return w.failed ? 1 : 0;
}
