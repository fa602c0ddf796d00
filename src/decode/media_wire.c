#include "decode/media_wire.h"

#include "base/buf.h"
#include "base/unicode.h"

#include <kinora/err.h>

#include <math.h>
#include <string.h>

static const double CUE_TIME_MAX = 999 * 3600.0;

static bool info_is_sound(const struct kn_wire_info *w, size_t n)
{
    if (n < offsetof(struct kn_wire_info, streams) || w->n_streams > KN_MEDIA_STREAMS ||
        n != offsetof(struct kn_wire_info, streams) + w->n_streams * sizeof w->streams[0])
        return false;
    for (uint32_t i = 0; i < w->n_streams; i++)
        if (w->streams[i].kind > KN_STREAM_OTHER)
            return false;
    return w->audio == -1 || (w->audio >= 0 && (uint32_t)w->audio < w->n_streams &&
                              w->streams[w->audio].kind == KN_STREAM_AUDIO);
}

/* A browser will be given it as what it says it is. */
static bool poster_is_sound(const struct kn_wire_poster *w, size_t n)
{
    return n > offsetof(struct kn_wire_poster, jpeg) && w->n <= KN_WIRE_JPEG && w->n >= 4 &&
           n == offsetof(struct kn_wire_poster, jpeg) + w->n &&
           memcmp(w->jpeg, "\xFF\xD8\xFF", 3) == 0 &&
           memcmp(w->jpeg + w->n - 2, "\xFF\xD9", 2) == 0;
}

bool kn_wire_is_sound(const union kn_wire_answer *a, size_t n)
{
    if (n < sizeof a->kind || n > sizeof *a)
        return false;
    switch (a->kind) {
    case KN_WIRE_HELLO:
        return n == sizeof a->hello;
    case KN_WIRE_ALIVE:
    case KN_WIRE_END:
        return n == sizeof a->kind;
    case KN_WIRE_INFO:
        return info_is_sound(&a->info, n);
    case KN_WIRE_AUDIO:
        return n > offsetof(struct kn_wire_audio, samples) && a->audio.n <= KN_WIRE_BLOCK &&
               n == offsetof(struct kn_wire_audio, samples) + a->audio.n * sizeof(float);
    case KN_WIRE_CUE:
        return n > offsetof(struct kn_wire_cue, text) && a->cue.n <= KN_WIRE_CUE_TEXT &&
               n == offsetof(struct kn_wire_cue, text) + a->cue.n;
    case KN_WIRE_POSTER:
        return poster_is_sound(&a->poster, n);
    case KN_WIRE_ERROR:
        return n == sizeof a->error && (a->error.code == KN_EIO || a->error.code == KN_ECORRUPT ||
                                        a->error.code == KN_ELIMIT);
    default:
        return false;
    }
}

typedef int clean(struct kn_sv bytes, struct kn_buf *out, struct kn_err *err);

static int copy_text(char *out, size_t cap, const char *in, size_t n, clean *how,
                     struct kn_err *err)
{
    struct kn_buf b;
    size_t end;
    int rc;

    kn_buf_init(&b, 16 * n);
    out[0] = '\0';
    rc = how((struct kn_sv){in, strnlen(in, n)}, &b, err);
    if (rc == KN_OK) {
        end = b.n < cap ? b.n : cap - 1;
        while (end > 0 && end < b.n && ((unsigned char)b.data[end] & 0xC0) == 0x80)
            end--;
        memcpy(out, b.data, end);
        out[end] = '\0';
    }
    kn_buf_free(&b);
    return rc;
}

#define COPY(to, from) copy_text(to, sizeof(to), from, sizeof(from), kn_utf8_repair, err)

int kn_wire_to_info(const struct kn_wire_info *w, struct kn_media_info *out, struct kn_err *err)
{
    int rc;

    memset(out, 0, sizeof *out);
    rc = COPY(out->container, w->container);
    if (rc == KN_OK)
        rc = COPY(out->title, w->title);
    out->duration = isfinite(w->duration) && w->duration > 0 ? w->duration : 0;
    out->audio = w->audio;
    out->n_streams = w->n_streams;
    for (uint32_t i = 0; rc == KN_OK && i < w->n_streams; i++) {
        const struct kn_wire_stream *from = &w->streams[i];
        struct kn_stream *to = &out->streams[i];

        to->kind = (enum kn_stream_kind)from->kind;
        rc = COPY(to->codec, from->codec);
        if (rc == KN_OK)
            rc = COPY(to->language, from->language);
        if (rc == KN_OK)
            rc = COPY(to->title, from->title);
        to->is_default = (from->flags & KN_WIRE_DEFAULT) != 0;
        to->is_forced = (from->flags & KN_WIRE_FORCED) != 0;
        to->is_original = (from->flags & KN_WIRE_ORIGINAL) != 0;
        to->is_impaired = (from->flags & KN_WIRE_IMPAIRED) != 0;
        to->is_commentary = (from->flags & KN_WIRE_COMMENTARY) != 0;
        to->channels = from->channels;
        to->sample_rate = from->sample_rate;
        to->width = from->width;
        to->height = from->height;
    }
    return rc;
}

static int repair_and_print(struct kn_sv bytes, struct kn_buf *out, struct kn_err *err)
{
    struct kn_buf repaired;
    int rc;

    kn_buf_init(&repaired, 4 * KN_WIRE_TEXT);
    rc = kn_utf8_repair(bytes, &repaired, err);
    if (rc == KN_OK)
        rc = kn_printable((struct kn_sv){repaired.data, repaired.n}, out, err);
    kn_buf_free(&repaired);
    return rc;
}

int kn_wire_to_text(const struct kn_wire_error *w, char out[KN_WIRE_TEXT], struct kn_err *err)
{
    return copy_text(out, KN_WIRE_TEXT, w->text, sizeof w->text, repair_and_print, err);
}

int kn_wire_add_cue(const struct kn_wire_cue *c, struct kn_buf *out, struct kn_err *err)
{
    double times[] = {c->start, c->end};
    size_t at;

    for (size_t i = 0; i < 2; i++)
        if (!(times[i] >= 0 && times[i] <= CUE_TIME_MAX))
            return KN_OK;
    kn_buf_adds(out, "Dialogue: ", NULL);
    for (size_t i = 0; i < 2; i++)
        kn_buf_addf(out, NULL, "%d:%02d:%06.3f,", (int)(times[i] / 3600), (int)(times[i] / 60) % 60,
                    fmod(times[i], 60));
    at = out->n;
    kn_buf_add(out, c->text, c->n, NULL);
    kn_buf_adds(out, "\n", NULL);
    if (kn_buf_ok(out, err))
        return KN_ELIMIT;
    for (; at + 1 < out->n; at++)
        if ((unsigned char)out->data[at] < ' ')
            out->data[at] = ' ';
    return KN_OK;
}

void kn_wire_clamp(struct kn_wire_audio *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        float x = a->samples[i];

        a->samples[i] = x >= -1 && x <= 1 ? x : x > 1 ? 1.0F : x < -1 ? -1.0F : 0.0F;
    }
}
