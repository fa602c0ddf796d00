#include "speech/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "speech/accel.h"
#include "speech/modelfile.h"

#include <ctype.h>
#include <ggml-cpu.h>
#include <stdlib.h>
#include <string.h>
#include <whisper.h>

enum { BEAM_MAX = 8, THREADS_MAX = 1 << 16 };

int kn_speech_open(const struct kn_speech_options *options, struct kn_speech **out,
                   struct kn_err *err)
{
    struct whisper_context_params params = whisper_context_default_params();
    struct kn_speech *s;
    int languages, rc;

    if (options->beam < 0 || options->beam > BEAM_MAX || options->threads < 0 ||
        options->threads > THREADS_MAX)
        return kn_err_set(err, KN_EARG,
                          "speech: a beam of %d and %d threads; up to %d and %d are possible",
                          options->beam, options->threads, BEAM_MAX, THREADS_MAX);
    rc = kn_modelfile_check_whisper(options->model, &languages, err);
    if (rc == KN_OK)
        rc = kn_modelfile_check_silero(options->vad, err);
    if (rc != KN_OK)
        return rc;
    s = calloc(1, sizeof *s);
    if (!s || !(s->model = strdup(options->model)) || !(s->vad = strdup(options->vad))) {
        rc = kn_err_memory(err, "load the speech model '%s': no memory", options->model);
        goto out;
    }
    atomic_init(&s->idle, options->threads ? options->threads : 1);
    s->beam = options->beam;
    params.use_gpu = false;
    s->whisper = whisper_init_from_file_with_params_no_state(s->model, params);
    if (!s->whisper) {
        rc = kn_err_set(
            err, KN_ECORRUPT,
            "load the speech model '%s': whisper.cpp refuses it; run: kinora models verify",
            options->model);
        goto out;
    }
    s->languages = languages;
    *out = s;
    s = NULL;
out:
    kn_speech_close(s);
    return rc;
}

void kn_speech_close(struct kn_speech *s)
{
    if (!s)
        return;
    whisper_free(s->whisper);
    free(s->model);
    free(s->vad);
    free(s);
}

int kn_listener_new(struct kn_speech *s, struct kn_listener **out, struct kn_err *err)
{
    struct whisper_vad_context_params params = whisper_vad_default_context_params();
    struct kn_listener *l = calloc(1, sizeof *l);

    if (!l)
        return kn_err_memory(err, "speech: no memory for a listener");
    params.n_threads = 1; /* 32 ms of sound are too little to share */
    l->speech = s;
    l->sound.vad = whisper_vad_init_from_file_with_params(s->vad, params);
    if (!l->sound.vad) {
        free(l);
        return kn_err_set(err, KN_ECORRUPT,
                          "load the voice activity model '%s': whisper.cpp refuses it; run: kinora "
                          "models verify",
                          s->vad);
    }
    *out = l;
    return KN_OK;
}

void kn_listener_free(struct kn_listener *l)
{
    if (!l)
        return;
    kn_sound_free(&l->sound);
    whisper_vad_free(l->sound.vad);
    free(l);
}

static void to_debug(enum ggml_log_level level, const char *text, void *ctx)
{
    size_t n = strcspn(text, "\n");

    (void)level;
    (void)ctx;
    if (n > 1) /* the rest are dots of progress */
        kn_log(KN_LOG_DEBUG, "%.*s", (int)n, text);
}

void kn_speech_prepare(void)
{
    whisper_log_set(to_debug, NULL);
    ggml_log_set(to_debug, NULL);
    kn_accel_join();
}

const char *kn_speech_cpu_lacks(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (ggml_cpu_has_avx2() && !__builtin_cpu_supports("avx2"))
        return "AVX2";
    if (ggml_cpu_has_fma() && !__builtin_cpu_supports("fma"))
        return "FMA";
    if (ggml_cpu_has_avx512() && !__builtin_cpu_supports("avx512f"))
        return "AVX-512";
    if (ggml_cpu_has_avx512_vbmi() && !__builtin_cpu_supports("avx512vbmi"))
        return "AVX-512 VBMI";
    if (ggml_cpu_has_avx512_vnni() && !__builtin_cpu_supports("avx512vnni"))
        return "AVX-512 VNNI";
    if (ggml_cpu_has_avx512_bf16() && !__builtin_cpu_supports("avx512bf16"))
        return "AVX-512 BF16";
#endif
    return NULL;
}

int kn_speech_language(const char *tag, char code[8], struct kn_err *err)
{
    char lower[8];
    size_t n = 0;

    for (; tag[n] && tag[n] != '-' && n + 1 < sizeof lower; n++)
        lower[n] = (char)tolower((unsigned char)tag[n]);
    lower[n] = '\0';
    /* whisper_lang_id knows names as well ("english"), but a longer word was cut above. */
    if ((tag[n] && tag[n] != '-') || n > 3 || whisper_lang_id(lower) < 0)
        return kn_err_set(
            err, KN_EARG,
            "language '%.32s': Whisper does not know it; give a code such as en or es", tag);
    memcpy(code, lower, sizeof lower);
    return KN_OK;
}

int kn_speech_language_of(const char *model, const char *tag, char code[8], struct kn_err *err)
{
    char found[8];
    int languages, rc = kn_speech_language(tag, found, err);

    if (rc == KN_OK)
        rc = kn_modelfile_check_whisper(model, &languages, err);
    if (rc == KN_OK && whisper_lang_id(found) >= languages)
        rc = kn_err_set(
            err, KN_EARG,
            "language '%.32s': the speech model '%s' does not know it; give another model with "
            "--speech-model",
            tag, model);
    if (rc == KN_OK)
        memcpy(code, found, sizeof found);
    return rc;
}
