#include "speech/modelfile.h"

#include "base/err.h"

#include <errno.h>
#include <ggml.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Both formats: the magic number, a header of 32-bit numbers, then tensors up to the end of the
 * file, each as (dimensions, length of its name, type, size of each dimension, name, data).
 * All little-endian, as are the machines that ggml's fast paths are for. */
static const uint32_t MAGIC = 0x67676d6c;

enum { NUMBERS = 16, DIMENSIONS = 3, NAME = 128, TOKEN = 1024 };

struct walk {
    FILE *f;
    int64_t at, size;
    int32_t words; /* in a Whisper's vocabulary */
};

static bool numbers(struct walk *w, int32_t *v, size_t n)
{
    if (fread(v, sizeof *v, n, w->f) != n)
        return false;
    w->at += (int64_t)(n * sizeof *v);
    return true;
}

static bool skip(struct walk *w, int64_t bytes)
{
    char scratch[TOKEN];

    if (bytes < 0 || bytes > w->size - w->at)
        return false;
    if (bytes <= TOKEN) { /* a seek would throw stdio's buffer away, 51,864 times */
        if (fread(scratch, 1, (size_t)bytes, w->f) != (size_t)bytes)
            return false;
    } else if (fseeko(w->f, bytes, SEEK_CUR) != 0) {
        return false;
    }
    w->at += bytes;
    return true;
}

static bool one_tensor(struct walk *w)
{
    int32_t head[3], side;
    int64_t items = 1;
    enum ggml_type type;

    if (!numbers(w, head, 3) || head[0] < 0 || head[0] > DIMENSIONS || head[1] < 1 ||
        head[1] > NAME || head[2] < 0 || head[2] >= GGML_TYPE_COUNT)
        return false;
    type = (enum ggml_type)head[2];
    for (int32_t i = 0; i < head[0]; i++) {
        if (!numbers(w, &side, 1) || side < 1 || items * side > INT32_MAX)
            return false;
        items *= side;
    }
    if (ggml_blck_size(type) < 1 || items % ggml_blck_size(type) != 0)
        return false;
    return skip(w, head[1]) &&
           skip(w, items / ggml_blck_size(type) * (int64_t)ggml_type_size(type));
}

static bool tensors_to_the_end(struct walk *w)
{
    bool ok = w->at < w->size;

    while (ok && w->at < w->size)
        ok = one_tensor(w);
    return ok;
}

static bool ftype_known(int32_t ftype)
{
    enum { QUANTISATION_VERSION = 1000 };

    switch (ftype % QUANTISATION_VERSION) {
    case GGML_FTYPE_ALL_F32:
    case GGML_FTYPE_MOSTLY_F16:
    case GGML_FTYPE_MOSTLY_Q4_0:
    case GGML_FTYPE_MOSTLY_Q4_1:
    case GGML_FTYPE_MOSTLY_Q8_0:
    case GGML_FTYPE_MOSTLY_Q5_0:
    case GGML_FTYPE_MOSTLY_Q5_1:
    case GGML_FTYPE_MOSTLY_BF16:
        return true;
    default:
        return false;
    }
}

/* Every Whisper has heads of 64 and hears 1500 positions; what differs lies in these ranges. */
static bool whisper_sizes(const int32_t *v)
{
    enum { VOCAB, A_CTX, A_STATE, A_HEAD, A_LAYER, T_CTX, T_STATE, T_HEAD, T_LAYER, MELS, FTYPE };
    int32_t state = v[A_STATE];

    return v[VOCAB] >= 51864 && v[VOCAB] <= 51866 && v[A_CTX] == 1500 && v[T_CTX] == 448 &&
           state >= 384 && state <= 1280 && state % 64 == 0 && v[T_STATE] == state &&
           v[A_HEAD] == state / 64 && v[T_HEAD] == v[A_HEAD] && v[A_LAYER] >= 4 &&
           v[A_LAYER] <= 32 && v[T_LAYER] >= 2 && v[T_LAYER] <= 32 &&
           (v[MELS] == 80 || v[MELS] == 128) && v[FTYPE] >= 0 && ftype_known(v[FTYPE]);
}

static bool whisper_whole(struct walk *w)
{
    enum { SIZES = 11, MELS = 9, FFT = 201 };
    int32_t v[NUMBERS], mel[2], tokens, length;

    if (!numbers(w, v, SIZES) || !whisper_sizes(v) || !numbers(w, mel, 2) || mel[0] != v[MELS] ||
        mel[1] != FFT || !skip(w, (int64_t)mel[0] * mel[1] * 4) || !numbers(w, &tokens, 1) ||
        tokens < 50000 || tokens > v[0])
        return false;
    w->words = v[0];
    for (int32_t i = 0; i < tokens; i++)
        if (!numbers(w, &length, 1) || length < 0 || length > TOKEN || !skip(w, length))
            return false;
    return tensors_to_the_end(w);
}

/* whisper.cpp's graph has these sizes written into it, so a file with others cannot be used. */
static bool silero_whole(struct walk *w)
{
    static const char kind[] = "silero-16k";
    static const int32_t sizes[] = {512, 64, 4,  129, 128, 3,   128, 64,  3, 64,
                                    64,  3,  64, 128, 3,   128, 128, 128, 1};
    int32_t length, version[3], v[sizeof sizes / sizeof *sizes];

    return numbers(w, &length, 1) && length == (int32_t)sizeof kind - 1 && skip(w, length) &&
           numbers(w, version, 3) && numbers(w, v, sizeof sizes / sizeof *sizes) &&
           memcmp(v, sizes, sizeof sizes) == 0 && tensors_to_the_end(w);
}

static int check(const char *path, const char *kind, bool (*whole)(struct walk *w), int32_t *words,
                 struct kn_err *err)
{
    struct walk w = {.f = fopen(path, "rb")};
    struct stat st;
    int32_t magic;
    bool ok;

    if (!w.f)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO,
                          "open the %s model '%s': %s; run: kinora models pull", kind, path,
                          strerror(errno));
    if (fstat(fileno(w.f), &st) == 0)
        w.size = st.st_size;
    ok = numbers(&w, &magic, 1) && (uint32_t)magic == MAGIC && whole(&w);
    fclose(w.f);
    if (!ok)
        return kn_err_set(
            err, KN_ECORRUPT,
            "load the %s model '%s': damaged or not such a model (wrong near byte %lld of "
            "%lld); run: kinora models verify",
            kind, path, (long long)w.at, (long long)w.size);
    *words = w.words;
    return KN_OK;
}

/* whisper.cpp counts languages by words too: an English model has 51,864, others one more for each language. */
int kn_modelfile_check_whisper(const char *path, int *languages, struct kn_err *err)
{
    int32_t words = 0;
    int rc = check(path, "speech", whisper_whole, &words, err);

    if (rc == KN_OK && languages)
        *languages = words > 51864 ? words - 51765 - 1 : 1;
    return rc;
}

int kn_modelfile_check_silero(const char *path, struct kn_err *err)
{
    int32_t none;

    return check(path, "voice activity", silero_whole, &none, err);
}
