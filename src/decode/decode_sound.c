/* The time line: sample n of what is sent is time n / 16000 s of the film, whatever the track does.
 *
 * Each frame's time stamp is compared with where the frame would land. Up to JITTER the sound runs
 * on: containers round to a millisecond and more, and a cut is worse than a tenth of a second.
 * Beyond it a gap becomes silence and an overlap is dropped. A leap is not believed: back, or past
 * the film's end, it is damage, and forward in a transport stream it is a splice. Then the sound
 * runs on too, and later stamps are taken relative to it.
 *
 * JITTER is where FFmpeg's own resampler cuts (min_hard_comp), LEAP where its command line takes a
 * difference for a splice (dts_delta_threshold). */
#include "decode/decode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

static const double JITTER = 0.1, LEAP = 10;

/* A few bytes can promise a day of silence, which a listener would look through for speech. */
static const double MAX_GAP = 3600;

enum {
    MAX_BAD_READS = 64,  /* in a row: then the rest of the file is given up */
    MAX_FRAME = 1 << 22, /* samples of one frame after resampling: 4 minutes */
    CPU_EVERY = 60 * KN_AUDIO_RATE,
};

struct sound {
    struct kn_decode_job *job;
    struct kn_decode_film *film;
    SwrContext *swr;
    AVFrame *shape;   /* rate, format and layout that swr was made for */
    double origin;    /* the film's start, as its time stamps count */
    uint64_t written; /* samples sent or in block */
    uint64_t drop;    /* samples to leave out before the next is written */
    float *stage;     /* one frame resampled */
    int stage_cap;
    bool heard; /* at least one frame was decoded */
    unsigned errors;
    int first_error;
    struct kn_wire_audio block;
};

static void send_block(struct sound *s)
{
    s->block.kind = KN_WIRE_AUDIO;
    kn_decode_answer(s->job, &s->block,
                     offsetof(struct kn_wire_audio, samples) + s->block.n * sizeof(float));
    s->block.n = 0;
}

/* p: NULL for silence. */
static int put(struct sound *s, const float *p, uint64_t n)
{
    uint64_t skip = n < s->drop ? n : s->drop;

    s->drop -= skip;
    for (uint64_t i = skip; i < n;) {
        uint32_t room = KN_WIRE_BLOCK - s->block.n;
        uint32_t part = n - i < room ? (uint32_t)(n - i) : room;
        float *to = s->block.samples + s->block.n;

        if ((double)s->written / KN_AUDIO_RATE > s->job->max_duration)
            return kn_decode_fail(s->job, KN_ELIMIT,
                                  "its sound lasts over %.0f s, which is the most",
                                  s->job->max_duration);
        if (p)
            memcpy(to, p + i, part * sizeof *to);
        else
            memset(to, 0, part * sizeof *to);
        i += part;
        s->block.n += part;
        if (s->written / CPU_EVERY != (s->written + part) / CPU_EVERY)
            kn_decode_allow_cpu(s->job,
                                fmax(s->film->duration, (double)s->written / KN_AUDIO_RATE));
        s->written += part;
        if (s->block.n == KN_WIRE_BLOCK)
            send_block(s);
    }
    return 0;
}

/* frame: NULL for what the resampler still holds. */
static int resample(struct sound *s, const AVFrame *frame)
{
    int most = swr_get_out_samples(s->swr, frame ? frame->nb_samples : 0);
    int n;

    if (most < 0 || most > MAX_FRAME)
        return kn_decode_fail(s->job, KN_ELIMIT, "a frame of more than %d samples", MAX_FRAME);
    if (most > s->stage_cap) {
        float *more = realloc(s->stage, (size_t)most * sizeof *more);

        if (!more)
            return kn_decode_fail_av(s->job, AVERROR(ENOMEM), "resample");
        s->stage = more;
        s->stage_cap = most;
    }
    n = swr_convert(s->swr, (uint8_t *[]){(uint8_t *)s->stage}, most,
                    frame ? (const uint8_t **)frame->extended_data : NULL,
                    frame ? frame->nb_samples : 0);
    if (n < 0)
        return kn_decode_fail_av(s->job, n, "resample");
    return put(s, s->stage, (uint64_t)n);
}

/* Writes out the resampler's tail and leaves it empty, ready for sound from elsewhere. */
static int drain(struct sound *s)
{
    int rc;

    if (!s->swr || swr_get_delay(s->swr, KN_AUDIO_RATE) == 0)
        return 0;
    rc = resample(s, NULL);
    if (rc)
        return rc;
    rc = swr_init(s->swr);
    return rc < 0 ? kn_decode_fail_av(s->job, rc, "resample") : 0;
}

/* Without a known layout channels are weighed alike. The matrix is normalised, which for floats
 * libswresample does only when told to: one voice in stereo would be 3 dB too loud, and clip. */
static int make_resampler(struct sound *s, const AVFrame *frame)
{
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    double even[KN_DECODE_MAX_CHANNELS];
    AVChannelLayout layout = {0};
    int channels = frame->ch_layout.nb_channels;
    int rc = av_channel_layout_copy(&layout, &frame->ch_layout);

    swr_free(&s->swr);
    if (rc >= 0 && layout.order != AV_CHANNEL_ORDER_NATIVE)
        av_channel_layout_default(&layout, channels);
    if (rc >= 0)
        rc = swr_alloc_set_opts2(&s->swr, &mono, AV_SAMPLE_FMT_FLT, KN_AUDIO_RATE, &layout,
                                 frame->format, frame->sample_rate, 0, NULL);
    if (rc >= 0)
        rc = av_opt_set_double(s->swr, "rematrix_maxval", 1, 0);
    if (rc >= 0 && layout.order != AV_CHANNEL_ORDER_NATIVE) {
        for (int i = 0; i < channels; i++)
            even[i] = 1.0 / channels;
        rc = swr_set_matrix(s->swr, even, channels);
    }
    if (rc >= 0)
        rc = swr_init(s->swr);
    av_channel_layout_uninit(&layout);
    if (rc < 0)
        return kn_decode_fail_av(s->job, rc, "resample");
    av_frame_unref(s->shape);
    s->shape->format = frame->format;
    s->shape->sample_rate = frame->sample_rate;
    rc = av_channel_layout_copy(&s->shape->ch_layout, &frame->ch_layout);
    return rc < 0 ? kn_decode_fail_av(s->job, rc, "resample") : 0;
}

static bool same_shape(const AVFrame *a, const AVFrame *b)
{
    return a->format == b->format && a->sample_rate == b->sample_rate &&
           av_channel_layout_compare(&a->ch_layout, &b->ch_layout) == 0;
}

/* Brings the time line to where the frame belongs. */
static int place(struct sound *s, const AVFrame *frame)
{
    const AVFormatContext *fmt = s->film->fmt;
    double delay = s->swr ? (double)swr_get_delay(s->swr, KN_AUDIO_RATE) : 0;
    double next = ((double)s->written - (double)s->drop + delay) / KN_AUDIO_RATE;
    bool known =
        s->film->duration > 0 && fmt->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
    double last = known ? s->film->duration + LEAP : s->job->max_duration;
    double at, off;
    bool splice;
    int rc;

    if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return 0;
    at = (double)frame->best_effort_timestamp * av_q2d(fmt->streams[s->film->audio]->time_base) -
         s->origin;
    off = at - next;
    if (s->heard && fabs(off) <= JITTER)
        return 0;
    splice = s->heard && (fmt->iformat->flags & AVFMT_TS_DISCONT);
    if (!isfinite(off) || off < -LEAP || at > last || (splice && off > LEAP)) {
        if (isfinite(off))
            s->origin += off;
        return 0;
    }
    rc = drain(s);
    if (rc)
        return rc;
    s->drop = 0;
    off = round(at * KN_AUDIO_RATE) - (double)s->written;
    if (off > MAX_GAP * KN_AUDIO_RATE)
        return kn_decode_fail(s->job, KN_ELIMIT,
                              "its sound has a gap of %.0f s, where %.0f are the most",
                              off / KN_AUDIO_RATE, MAX_GAP);
    if (off >= 0)
        return put(s, NULL, (uint64_t)off);
    s->drop = (uint64_t)-off;
    return 0;
}

static void note_error(struct sound *s, int averror)
{
    if (s->errors++ == 0)
        s->first_error = averror;
}

static int take_frame(struct sound *s, const AVFrame *frame)
{
    int rc;

    if (frame->nb_samples <= 0 || frame->sample_rate < KN_DECODE_MIN_RATE ||
        frame->sample_rate > KN_DECODE_MAX_RATE || frame->ch_layout.nb_channels < 1 ||
        frame->ch_layout.nb_channels > KN_DECODE_MAX_CHANNELS) {
        note_error(s, AVERROR_INVALIDDATA);
        return 0;
    }
    if (!s->swr || !same_shape(s->shape, frame)) {
        rc = drain(s);
        if (rc == 0)
            rc = make_resampler(s, frame);
        if (rc)
            return rc;
    }
    rc = place(s, frame);
    if (rc)
        return rc;
    s->heard = true;
    return resample(s, frame);
}

/* packet: NULL for what the decoder still holds. A packet that cannot be decoded leaves a gap,
 * which the next frame's time stamp fills. */
static int decode(struct sound *s, const AVPacket *packet, AVFrame *frame)
{
    int rc = avcodec_send_packet(s->film->dec, packet);

    for (unsigned errors = 0; errors < MAX_BAD_READS; errors++) {
        if (rc == AVERROR(ENOMEM))
            return kn_decode_fail_av(s->job, rc, "decode the sound");
        if (rc < 0 && rc != AVERROR(EAGAIN) && rc != AVERROR_EOF)
            note_error(s, rc);
        while ((rc = avcodec_receive_frame(s->film->dec, frame)) >= 0) {
            int failed = take_frame(s, frame);

            av_frame_unref(frame);
            if (failed)
                return failed;
        }
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            break;
    }
    return 0;
}

/* Not one frame. Fine only when the container announces none: a header for streaming, say. */
static int explain_silence(struct sound *s)
{
    const AVStream *st = s->film->fmt->streams[s->film->audio];

    if (s->errors > 0)
        return kn_decode_fail_av(s->job, s->first_error, "none of its sound can be decoded");
    if (st->duration > 0)
        return kn_decode_fail(
            s->job, KN_ECORRUPT,
            "none of the %.0f s of sound that it announces is there: is it a part "
            "of a file?",
            (double)st->duration * av_q2d(st->time_base));
    return 0;
}

static int read_track(struct sound *s, AVPacket *packet, AVFrame *frame)
{
    int bad = 0, rc = 0;

    while (rc == 0) {
        int got = av_read_frame(s->film->fmt, packet);

        kn_decode_alive(s->job);
        if (got == AVERROR_EOF)
            break;
        if (got == AVERROR(ENOMEM) || s->job->io_error || (got < 0 && ++bad > MAX_BAD_READS))
            return kn_decode_fail_av(s->job, got, "read the sound");
        if (got < 0)
            continue;
        bad = 0;
        if (packet->stream_index == s->film->audio) {
            if (av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL))
                rc = kn_decode_fail(s->job, KN_ECORRUPT, "its sound is encrypted");
            else
                rc = decode(s, packet, frame);
        }
        av_packet_unref(packet);
    }
    if (rc == 0)
        rc = decode(s, NULL, frame);
    if (rc == 0)
        rc = drain(s);
    if (rc == 0 && s->job->io_error)
        rc = kn_decode_fail_av(s->job, AVERROR(s->job->io_error), "read the sound");
    if (rc == 0 && !s->heard)
        rc = explain_silence(s);
    return rc;
}

int kn_decode_sound(struct kn_decode_job *job, struct kn_decode_film *film)
{
    const uint32_t end = KN_WIRE_END;
    struct sound *s;
    AVPacket *packet = NULL;
    AVFrame *frame = NULL;
    int rc;

    if (!film->dec)
        return kn_decode_fail(job, KN_ECORRUPT, "its sound cannot be decoded: %s",
                              film->why[0] ? film->why : "it has none");
    s = calloc(1, sizeof *s);
    packet = av_packet_alloc();
    frame = av_frame_alloc();
    if (s)
        s->shape = av_frame_alloc();
    if (!s || !packet || !frame || !s->shape) {
        rc = kn_decode_fail_av(job, AVERROR(ENOMEM), "decode the sound");
        goto out;
    }
    s->job = job;
    s->film = film;
    s->origin = kn_decode_film_start(film);
    job->log[0] = '\0';
    rc = read_track(s, packet, frame);
    if (s->block.n > 0)
        send_block(s);
    if (rc == 0)
        kn_decode_answer(job, &end, sizeof end);
out:
    if (s) {
        swr_free(&s->swr);
        av_frame_free(&s->shape);
        free(s->stage);
        free(s);
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    return rc;
}
