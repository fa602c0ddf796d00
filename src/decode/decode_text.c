/* A text track: what FFmpeg's decoders make of it, which is always ASS, whatever it was.
 *
 * A packet says when its text appears and mostly for how long. Where it does not (teletext, some
 * broadcasts), the text stands until the next packet of its track, or LAST seconds when there is none. */
#include "decode/decode.h"

#include <math.h>
#include <string.h>

static const double LAST = 5;

enum {
    FIELDS_BEFORE_TEXT = 8, /* order, layer, style, name, three margins, effect */
    MAX_BAD_READS = 64,
};

struct text {
    struct kn_decode_job *job;
    AVCodecContext *dec;
    double origin;
    unsigned decoded, errors;
    int first_error;
    struct kn_wire_cue cue; /* n > 0: to be sent when its end is known */
};

static void send_cue(struct text *t, double end)
{
    if (t->cue.n == 0)
        return;
    t->cue.kind = KN_WIRE_CUE;
    t->cue.end = end;
    kn_decode_tell(t->job, &t->cue, offsetof(struct kn_wire_cue, text) + t->cue.n);
    t->cue.n = 0;
}

/* Appends what a rectangle shows, one line below what is there already. */
static void add_rect(struct kn_wire_cue *cue, const AVSubtitleRect *rect)
{
    const char *text = rect->ass ? rect->ass : "";
    size_t n;

    for (int i = 0; i < FIELDS_BEFORE_TEXT && text; i++) {
        text = strchr(text, ',');
        text = text ? text + 1 : NULL;
    }
    n = text ? strlen(text) : 0;
    if (n == 0 || cue->n + n + 2 > sizeof cue->text)
        return;
    if (cue->n > 0) {
        memcpy(cue->text + cue->n, "\\N", 2);
        cue->n += 2;
    }
    memcpy(cue->text + cue->n, text, n);
    cue->n += (uint32_t)n;
}

static void take_subtitle(struct text *t, const AVSubtitle *s)
{
    double at = (double)s->pts / AV_TIME_BASE - t->origin;
    double start = at + s->start_display_time / 1000.0;
    bool ends = s->end_display_time != UINT32_MAX && s->end_display_time > s->start_display_time;

    if (s->pts == AV_NOPTS_VALUE)
        return;
    send_cue(t, fmax(start, t->cue.start));
    t->cue.start = start;
    for (unsigned i = 0; i < s->num_rects; i++)
        add_rect(&t->cue, s->rects[i]);
    if (ends)
        send_cue(t, at + s->end_display_time / 1000.0);
}

/* packet: empty for what the decoder still holds; *got then says whether there may be more. */
static int decode(struct text *t, AVPacket *packet, int *got)
{
    AVSubtitle s = {0};
    int rc = avcodec_decode_subtitle2(t->dec, &s, got, packet);

    if (rc == AVERROR(ENOMEM))
        return kn_decode_fail_av(t->job, rc, "read its text");
    if (rc < 0 && t->errors++ == 0)
        t->first_error = rc;
    t->decoded += rc >= 0;
    if (rc < 0)
        *got = 0;
    if (*got) {
        take_subtitle(t, &s);
        avsubtitle_free(&s);
    }
    return 0;
}

static int read_packets(struct text *t, AVFormatContext *fmt, int stream, AVPacket *packet)
{
    int bad = 0, got = 0, rc = 0;

    while (rc == 0) {
        int read = av_read_frame(fmt, packet);

        kn_decode_alive(t->job);
        if (read == AVERROR_EOF)
            break;
        if (read == AVERROR(ENOMEM) || t->job->io_error || (read < 0 && ++bad > MAX_BAD_READS))
            return kn_decode_fail_av(t->job, read, "read its text");
        if (read < 0)
            continue;
        bad = 0;
        if (packet->stream_index == stream &&
            av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL))
            rc = kn_decode_fail(t->job, KN_ECORRUPT, "read its text: it is encrypted");
        else if (packet->stream_index == stream && packet->size > 0)
            rc = decode(t, packet, &got);
        av_packet_unref(packet);
    }
    do
        if (rc == 0 && t->dec->codec->capabilities & AV_CODEC_CAP_DELAY)
            rc = decode(t, packet, &got);
        else
            got = 0;
    while (rc == 0 && got);
    if (rc == 0 && t->decoded == 0 && t->errors > 0)
        rc = kn_decode_fail_av(t->job, t->first_error, "none of its text can be read");
    if (rc == 0)
        send_cue(t, t->cue.start + LAST);
    return rc;
}

/* Teletext comes as pictures unless asked, and as all pages of the service. */
static int open_decoder(struct text *t, const AVStream *st)
{
    const AVCodec *codec = avcodec_find_decoder(st->codecpar->codec_id);
    const AVCodecDescriptor *about = avcodec_descriptor_get(st->codecpar->codec_id);
    AVDictionary *options = NULL;
    int rc;

    if (about && about->props & AV_CODEC_PROP_BITMAP_SUB)
        return kn_decode_fail(t->job, KN_ECORRUPT, "read its text: %s holds pictures", about->name);
    if (!codec || st->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE)
        return kn_decode_fail(t->job, KN_ECORRUPT,
                              "read its text: this FFmpeg has no decoder for %s",
                              avcodec_get_name(st->codecpar->codec_id));
    t->dec = avcodec_alloc_context3(codec);
    if (!t->dec)
        return kn_decode_fail_av(t->job, AVERROR(ENOMEM), "read its text");
    t->job->log[0] = '\0';
    rc = avcodec_parameters_to_context(t->dec, st->codecpar);
    t->dec->pkt_timebase = st->time_base;
    t->dec->sub_charenc_mode = FF_SUB_CHARENC_MODE_IGNORE; /* the client finds out what it is in */
    if (st->codecpar->codec_id == AV_CODEC_ID_DVB_TELETEXT) {
        av_dict_set(&options, "txt_format", "text", 0);
        av_dict_set(&options, "txt_page", "subtitle", 0);
    }
    if (rc >= 0)
        rc = avcodec_open2(t->dec, codec, &options);
    av_dict_free(&options);
    return rc < 0 ? kn_decode_fail_av(t->job, rc, "read its text") : 0;
}

int kn_decode_text(struct kn_decode_job *job, struct kn_decode_film *film, unsigned stream)
{
    const uint32_t end = KN_WIRE_END;
    struct text t = {.job = job, .origin = kn_decode_film_start(film)};
    AVPacket *packet = av_packet_alloc();
    int rc;

    if (!packet || stream >= film->fmt->nb_streams) {
        rc = kn_decode_fail(job, KN_ELIMIT, "read its text: %s",
                            packet ? "there is no such track" : "no memory");
        goto out;
    }
    rc = open_decoder(&t, film->fmt->streams[stream]);
    if (rc)
        goto out;
    for (unsigned i = 0; i < film->fmt->nb_streams; i++)
        film->fmt->streams[i]->discard = i == stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    film->used = true;
    rc = read_packets(&t, film->fmt, (int)stream, packet);
    if (rc == 0)
        kn_decode_tell(job, &end, sizeof end);
out:
    avcodec_free_context(&t.dec);
    av_packet_free(&packet);
    return rc;
}
