#include "decode/decode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/mem.h>

enum { READ_BYTES = 1 << 16 };

/* What films and recordings come in. FFmpeg knows some 300 inputs more: playlists that open other
 * files, scripts, text drawn as video, single images, games' own. Those are refused by name. */
static const char containers[] =
    "matroska,webm,mov,mp4,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,wav,w64,mp3,aac,flac,ac3,eac3,dts,"
    "dtshd,truehd,mlp,aiff,caf,mxf,nut,rm,gxf,dv,wv,ape,tta,mpc,mpc8,au,amr,amrnb,amrwb,h264,hevc,"
    "m4v,obu,ivf,yuv4mpegpipe,nsv,loas,dsf,wtv,vc1";

static int read_film(void *ctx, uint8_t *out, int cap)
{
    struct kn_decode_job *job = ctx;
    ssize_t n;

    kn_decode_alive(job);
    if (kn_decode_is_late(job))
        return AVERROR_EXIT;
    do
        n = pread(job->fd, out, (size_t)cap, job->at);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (!job->io_error)
            job->io_error = errno;
        return AVERROR(job->io_error);
    }
    job->at += n;
    return n == 0 ? AVERROR_EOF : (int)n;
}

static int64_t seek_film(void *ctx, int64_t offset, int whence)
{
    struct kn_decode_job *job = ctx;
    struct stat st;

    if (fstat(job->fd, &st)) /* each time: a file may grow while it is read */
        return AVERROR(errno);
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return st.st_size;
    case SEEK_CUR:
        offset += job->at;
        break;
    case SEEK_END:
        offset += st.st_size;
        break;
    case SEEK_SET:
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    return job->at = offset;
}

/* A film is one file. Formats that name others (references in mov, for one) do not get them. */
static int open_no_other(AVFormatContext *fmt, AVIOContext **io, const char *url, int flags,
                         AVDictionary **options)
{
    (void)fmt, (void)io, (void)url, (void)flags, (void)options;
    return AVERROR(EACCES);
}

/* FFmpeg before 7 has a decoder for WebVTT, but does not know what Matroska calls it (S_TEXT/WEBVTT). Its header,
 * which lies in the track's private data, begins with its name. */
static void name_webvtt(AVFormatContext *fmt)
{
    static const char head[] = "WEBVTT";

    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        AVCodecParameters *par = fmt->streams[i]->codecpar;

        if (par->codec_type == AVMEDIA_TYPE_SUBTITLE && par->codec_id == AV_CODEC_ID_NONE &&
            par->extradata_size >= (int)sizeof head - 1 &&
            memcmp(par->extradata, head, sizeof head - 1) == 0)
            par->codec_id = AV_CODEC_ID_WEBVTT;
    }
}

static int open_input(struct kn_decode_job *job, struct kn_decode_film *film)
{
    unsigned char *buffer = av_malloc(READ_BYTES);
    int rc;

    film->fmt = avformat_alloc_context();
    if (buffer)
        film->io = avio_alloc_context(buffer, READ_BYTES, 0, job, read_film, NULL, seek_film);
    if (!film->io)
        av_free(buffer);
    if (!film->fmt || !film->io)
        return kn_decode_fail_av(job, AVERROR(ENOMEM), "open");
    film->fmt->pb = film->io;
    film->fmt->io_open = open_no_other;
    film->fmt->format_whitelist = av_strdup(containers);
    film->fmt->protocol_whitelist = av_strdup("none"); /* NULL would mean any */
    if (!film->fmt->format_whitelist || !film->fmt->protocol_whitelist)
        return kn_decode_fail_av(job, AVERROR(ENOMEM), "open");
    rc = avformat_open_input(&film->fmt, NULL, NULL, NULL);
    if ((rc == AVERROR(EINVAL) && strstr(job->log, "whitelist")) ||
        (rc == AVERROR_INVALIDDATA && !job->log[0])) /* no demuxer knows it, so none complained */
        return kn_decode_fail(job, KN_ECORRUPT, "open: this is not a film or a recording");
    if (rc < 0)
        return kn_decode_fail_av(job, rc, "open");
    rc = avformat_find_stream_info(film->fmt, NULL);
    if (rc < 0)
        return kn_decode_fail_av(job, rc, "look for its streams");
    name_webvtt(film->fmt);
    return 0;
}

static void copy_text(char *out, size_t cap, const AVDictionary *tags, const char *key)
{
    const AVDictionaryEntry *e = av_dict_get(tags, key, NULL, 0);

    if (e)
        snprintf(out, cap, "%s", e->value);
}

static enum kn_stream_kind kind_of(const AVStream *st)
{
    switch (st->codecpar->codec_type) {
    case AVMEDIA_TYPE_VIDEO: /* a cover is no film */
        return st->disposition & AV_DISPOSITION_ATTACHED_PIC ? KN_STREAM_OTHER : KN_STREAM_VIDEO;
    case AVMEDIA_TYPE_AUDIO:
        return KN_STREAM_AUDIO;
    case AVMEDIA_TYPE_SUBTITLE:
        return KN_STREAM_SUBTITLE;
    default:
        return KN_STREAM_OTHER;
    }
}

static bool title_has(const AVStream *st, const char *word)
{
    const AVDictionaryEntry *e = av_dict_get(st->metadata, "title", NULL, 0);

    return e && strcasestr(e->value, word);
}

/* Most films say it by the title alone. */
static bool is_commentary(const AVStream *st)
{
    return st->disposition & AV_DISPOSITION_COMMENT || title_has(st, "comment");
}

static void describe_stream(const AVStream *st, struct kn_wire_stream *out)
{
    const AVCodecParameters *par = st->codecpar;
    const int impaired = AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_VISUAL_IMPAIRED |
                         AV_DISPOSITION_DESCRIPTIONS;

    out->kind = kind_of(st);
    out->flags = (st->disposition & AV_DISPOSITION_DEFAULT ? KN_WIRE_DEFAULT : 0) |
                 (st->disposition & AV_DISPOSITION_FORCED ? KN_WIRE_FORCED : 0) |
                 (st->disposition & AV_DISPOSITION_ORIGINAL ? KN_WIRE_ORIGINAL : 0) |
                 (st->disposition & impaired ? KN_WIRE_IMPAIRED : 0) |
                 (is_commentary(st) ? KN_WIRE_COMMENTARY : 0);
    snprintf(out->codec, sizeof out->codec, "%s", avcodec_get_name(par->codec_id));
    copy_text(out->language, sizeof out->language, st->metadata, "language");
    if (strcmp(out->language, "und") == 0)
        out->language[0] = '\0';
    copy_text(out->title, sizeof out->title, st->metadata, "title");
    if (out->kind == KN_STREAM_AUDIO) {
        out->channels = (uint32_t)FFMAX(par->ch_layout.nb_channels, 0);
        out->sample_rate = (uint32_t)FFMAX(par->sample_rate, 0);
    } else if (out->kind == KN_STREAM_VIDEO) {
        out->width = (uint32_t)FFMAX(par->width, 0);
        out->height = (uint32_t)FFMAX(par->height, 0);
    }
}

/* What the film itself says: the original track, else, as where nothing is chosen, the default one, else
 * the first; but a commentary or a description of the picture only when there is nothing else.
 * Smaller is better. */
static int standing(const AVStream *st)
{
    const int special = AV_DISPOSITION_VISUAL_IMPAIRED | AV_DISPOSITION_DESCRIPTIONS |
                        AV_DISPOSITION_CLEAN_EFFECTS | AV_DISPOSITION_KARAOKE;

    return 8 * (st->disposition & special || is_commentary(st) || title_has(st, "descri")) +
           4 * !(st->disposition & AV_DISPOSITION_ORIGINAL) +
           2 * !(st->disposition & AV_DISPOSITION_DEFAULT) +
           !!(st->disposition & AV_DISPOSITION_DUB);
}

static const char *language_of(const AVStream *st)
{
    const AVDictionaryEntry *e = av_dict_get(st->metadata, "language", NULL, 0);

    return e ? e->value : "";
}

/* Of the film's one language a fuller mix is the film, a thinner one often something else. Which of several languages is the
 * film's no number of channels tells: then the first stays. */
static bool is_better(const AVStream *a, const AVStream *than)
{
    int x = standing(a), y = standing(than);

    return x < y || (x == y && strcmp(language_of(a), language_of(than)) == 0 &&
                     a->codecpar->ch_layout.nb_channels > than->codecpar->ch_layout.nb_channels);
}

/* Numbers that are 0 are not known yet; the first frame tells, and is checked again. */
static bool is_plausible(const AVCodecParameters *par)
{
    return par->ch_layout.nb_channels >= 0 &&
           par->ch_layout.nb_channels <= KN_DECODE_MAX_CHANNELS &&
           (par->sample_rate == 0 ||
            (par->sample_rate >= KN_DECODE_MIN_RATE && par->sample_rate <= KN_DECODE_MAX_RATE));
}

/* KN_OK also when it cannot be decoded: then film->why says so. */
static int open_decoder(struct kn_decode_job *job, struct kn_decode_film *film, int index)
{
    const AVStream *st = film->fmt->streams[index];
    const AVCodec *codec = avcodec_find_decoder(st->codecpar->codec_id);
    const char *name = avcodec_get_name(st->codecpar->codec_id);
    char why[sizeof film->why] = "";
    int rc = 0;

    if (!is_plausible(st->codecpar)) {
        snprintf(why, sizeof why, "%d channels at %d Hz cannot be",
                 st->codecpar->ch_layout.nb_channels, st->codecpar->sample_rate);
    } else if (!codec) {
        snprintf(why, sizeof why, "this FFmpeg has no decoder for %s",
                 st->codecpar->codec_id ? name : av_fourcc2str(st->codecpar->codec_tag));
    } else {
        film->dec = avcodec_alloc_context3(codec);
        if (!film->dec)
            return kn_decode_fail_av(job, AVERROR(ENOMEM), "open the decoder");
        film->dec->pkt_timebase = st->time_base;
        film->dec->thread_count = 1;
        job->log[0] = '\0';
        rc = avcodec_parameters_to_context(film->dec, st->codecpar);
        if (rc >= 0)
            rc = avcodec_open2(film->dec, codec, NULL);
        if (rc < 0) {
            avcodec_free_context(&film->dec);
            snprintf(why, sizeof why, "the %s decoder does not take it: %s", name,
                     job->log[0] ? job->log : av_err2str(rc));
        }
    }
    if (film->audio < 0 || film->dec) {
        film->audio = index; /* the best of all that fail, or the best that does not */
        memcpy(film->why, why, sizeof why);
    }
    return rc == AVERROR(ENOMEM) ? kn_decode_fail_av(job, rc, "open the decoder") : 0;
}

static int choose_track(struct kn_decode_job *job, struct kn_decode_film *film, unsigned n_streams)
{
    bool tried[KN_MEDIA_STREAMS] = {false};

    film->audio = -1;
    while (!film->dec) {
        int best = -1, rc;

        for (unsigned i = 0; i < n_streams; i++) {
            const AVStream *st = film->fmt->streams[i];

            if (!tried[i] && st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
                (best < 0 || is_better(st, film->fmt->streams[best])))
                best = (int)i;
        }
        if (best < 0)
            break;
        tried[best] = true;
        rc = open_decoder(job, film, best);
        if (rc)
            return rc;
    }
    /* Demuxers that know where packets lie skip those of tracks that nobody wants. */
    for (unsigned i = 0; i < film->fmt->nb_streams; i++)
        if ((int)i != film->audio)
            film->fmt->streams[i]->discard = AVDISCARD_ALL;
    return 0;
}

/* Some writers of fragments leave 2^32 units in the header of a film of a second: what is beyond
 * the limit counts as unknown, and the sound itself is measured as it comes. */
static double believed_duration(const struct kn_decode_job *job, const AVFormatContext *fmt)
{
    double duration = (double)fmt->duration / AV_TIME_BASE;

    return duration > 0 && duration <= job->max_duration ? duration : 0;
}

int kn_decode_film_open(struct kn_decode_job *job, struct kn_decode_film *film,
                        struct kn_wire_info *info)
{
    struct stat st;
    int rc;

    if (fstat(job->fd, &st))
        return kn_decode_fail(job, KN_EIO, "open: %s", strerror(errno));
    if (st.st_size == 0)
        return kn_decode_fail(job, KN_ECORRUPT, "open: the file is empty");
    rc = open_input(job, film);
    if (rc)
        return rc;
    info->n_streams = FFMIN(film->fmt->nb_streams, KN_MEDIA_STREAMS);
    rc = choose_track(job, film, info->n_streams);
    if (rc)
        return rc;
    info->audio = film->audio;
    for (unsigned i = 0; i < info->n_streams; i++)
        describe_stream(film->fmt->streams[i], &info->streams[i]);
    snprintf(info->container, sizeof info->container, "%s", film->fmt->iformat->name);
    copy_text(info->title, sizeof info->title, film->fmt->metadata, "title");
    info->duration = film->duration = believed_duration(job, film->fmt);
    return 0;
}

double kn_decode_film_start(const struct kn_decode_film *film)
{
    if (film->fmt->start_time == AV_NOPTS_VALUE)
        return 0;
    return FFMAX((double)film->fmt->start_time / AV_TIME_BASE, 0);
}

int kn_decode_film_rewind(struct kn_decode_job *job, struct kn_decode_film *film)
{
    struct kn_wire_info info;

    if (film->fmt && !film->used)
        return 0;
    kn_decode_film_close(film);
    job->at = 0;
    job->log[0] = '\0';
    return kn_decode_film_open(job, film, &info);
}

void kn_decode_film_close(struct kn_decode_film *film)
{
    avcodec_free_context(&film->dec);
    avformat_close_input(&film->fmt);
    if (film->io)
        av_freep(&film->io->buffer); /* FFmpeg may have replaced the one that we gave */
    avio_context_free(&film->io);
    *film = (struct kn_decode_film){0};
}
