/* A poster: of frames spread over the film the one in which there is most to see.
 *
 * Most are key frames, which cost one frame's decoding each: to decode a film for one picture would take longer than to hear it.
 * Only where the next place has no key frame of its own, as in a clip of seconds, is it decoded up to. The first and last
 * parts of a film are left out: there are its logos, its titles and its credits. */
#include "decode/decode.h"
#include "decode/decode_picture.h"

#include <math.h>

#include <libavutil/display.h>

enum {
    PLACES = 10,
    FEWEST = 4,
    FORWARD = 300,    /* frames decoded at most to get to a place */
    PACKETS = 20000,  /* of all tracks, read at most for one place */
    PIXELS = 1 << 26, /* of a frame: 8K has half of that */
    LONGEST = 480,    /* a card on a wall of posters, on a screen of two pixels to one */
};

static const double FIRST = 0.08, LAST = 0.88; /* share of the film */
static const double SECONDS = 20;              /* after so many, what was seen by then must do */

struct poster {
    struct kn_decode_job *job;
    AVFormatContext *fmt;
    AVStream *stream;
    AVCodecContext *dec;
    AVPacket *packet;
    AVFrame *frame, *best;
    double origin, duration;
    double seen;  /* the last place that was looked at, seconds; below 0: none */
    double score; /* of best; 0: there is none */
    unsigned looked;
    bool locked; /* encrypted, which would decode to noise, and noise has texture */
    int error;   /* the first, where nothing else comes of it */
};

static int no_memory(struct poster *p)
{
    return kn_decode_fail_av(p->job, AVERROR(ENOMEM), "take a picture");
}

static int open_decoder(struct poster *p)
{
    const AVCodec *codec = avcodec_find_decoder(p->stream->codecpar->codec_id);
    int rc;

    if (!codec)
        return kn_decode_fail(p->job, KN_ECORRUPT, "this FFmpeg has no decoder for %s",
                              avcodec_get_name(p->stream->codecpar->codec_id));
    p->dec = avcodec_alloc_context3(codec);
    if (!p->dec)
        return no_memory(p);
    rc = avcodec_parameters_to_context(p->dec, p->stream->codecpar);
    p->dec->pkt_timebase = p->stream->time_base;
    p->dec->thread_count = 1;
    p->dec->max_pixels = PIXELS;
    if (rc >= 0)
        rc = avcodec_open2(p->dec, codec, NULL);
    return rc < 0 ? kn_decode_fail_av(p->job, rc, "take a picture") : 0;
}

static int choose_stream(struct poster *p)
{
    p->stream = NULL;
    for (unsigned i = 0; i < p->fmt->nb_streams; i++) {
        AVStream *st = p->fmt->streams[i];
        bool moves =
            st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
            !(st->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_STILL_IMAGE));

        st->discard = moves && !p->stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
        if (moves && !p->stream)
            p->stream = st;
    }
    return p->stream ? 0 : kn_decode_fail(p->job, KN_ECORRUPT, "it has no picture");
}

static void note(struct poster *p, int averror)
{
    if (p->error == 0)
        p->error = averror;
}

/* The next packet of the stream. 0, or what av_read_frame said; *left counts down all that is read. */
static int next_packet(struct poster *p, int *left)
{
    int rc;

    do {
        av_packet_unref(p->packet);
        rc = (*left)-- > 0 && !kn_decode_is_late(p->job) ? av_read_frame(p->fmt, p->packet)
                                                         : AVERROR_EOF;
        kn_decode_alive(p->job);
    } while (rc >= 0 && (p->packet->stream_index != p->stream->index || p->packet->size == 0));
    if (rc >= 0 && av_packet_get_side_data(p->packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL)) {
        p->locked = true;
        return AVERROR_EOF;
    }
    return rc;
}

static double time_of(const struct poster *p, const AVFrame *frame)
{
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return -1;
    return (double)frame->best_effort_timestamp * av_q2d(p->stream->time_base) - p->origin;
}

static void go_to(struct poster *p, double at)
{
    double stamp = (at + p->origin) / av_q2d(p->stream->time_base);

    avcodec_flush_buffers(p->dec);
    if (p->duration > 0 && stamp < 1e18) /* where it fails, what comes next will do */
        av_seek_frame(p->fmt, p->stream->index, (int64_t)stamp, AVSEEK_FLAG_BACKWARD);
}

/* The next key frame alone, into p->frame: the decoder is told that no more comes, or it would wait for those around it. */
static int key_frame(struct poster *p, int *left)
{
    int rc;

    while ((rc = next_packet(p, left)) >= 0) {
        if (!(p->packet->flags & AV_PKT_FLAG_KEY))
            continue;
        rc = avcodec_send_packet(p->dec, p->packet);
        if (rc >= 0)
            rc = avcodec_send_packet(p->dec, NULL);
        if (rc >= 0)
            rc = avcodec_receive_frame(p->dec, p->frame);
        avcodec_flush_buffers(p->dec);
        if (rc >= 0 || rc == AVERROR(ENOMEM))
            return rc;
        note(p, rc);
    }
    return rc;
}

/* Decodes on, up to that time, into p->frame; without the frames that no other needs, which are half of the work. */
static int frame_at(struct poster *p, double at, int *left)
{
    int frames = 0;
    bool ended = false;

    p->dec->skip_frame = AVDISCARD_NONREF;
    while (!ended && frames < FORWARD) {
        int rc;

        ended = next_packet(p, left) < 0;
        rc = avcodec_send_packet(p->dec, ended ? NULL : p->packet);
        while (rc >= 0 && frames < FORWARD && (frames == 0 || time_of(p, p->frame) < at)) {
            AVFrame *next = av_frame_alloc();

            rc = next ? avcodec_receive_frame(p->dec, next) : AVERROR(ENOMEM);
            if (rc >= 0) {
                av_frame_unref(p->frame);
                av_frame_move_ref(p->frame, next);
                frames++;
            }
            av_frame_free(&next);
        }
        if (rc == AVERROR(ENOMEM)) /* of others the next packet may know nothing */
            return rc;
        if (frames > 0 && time_of(p, p->frame) >= at)
            break;
    }
    p->dec->skip_frame = AVDISCARD_DEFAULT;
    return frames > 0 ? 0 : AVERROR_INVALIDDATA;
}

static int judge(struct poster *p)
{
    double score;
    int rc = kn_decode_picture_score(p->frame, &score);

    p->looked += rc >= 0;
    if (rc >= 0 && score > p->score) {
        p->score = score;
        av_frame_unref(p->best);
        av_frame_move_ref(p->best, p->frame);
    }
    av_frame_unref(p->frame);
    return rc;
}

static int look_at(struct poster *p, double at)
{
    int left = PACKETS, rc;

    go_to(p, at);
    rc = key_frame(p, &left);
    if (rc >= 0 && p->duration > 0 && time_of(p, p->frame) <= p->seen) {
        av_frame_unref(p->frame);
        go_to(p, at);
        rc = frame_at(p, at, &left);
    }
    if (rc >= 0) {
        p->seen = time_of(p, p->frame);
        rc = judge(p);
    }
    if (rc < 0 && rc != AVERROR_EOF)
        note(p, rc);
    return rc == AVERROR(ENOMEM) ? no_memory(p) : 0;
}

/* How a player turns the film, in quarters clockwise: a phone that was held upright tells it this way. */
static int quarter_turns(const AVStream *st)
{
    const int32_t *matrix = NULL;
    double angle;

#if LIBAVFORMAT_VERSION_INT < AV_VERSION_INT(60, 15, 100)
    size_t bytes = 0;

    matrix = (const int32_t *)(const void *)av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX,
                                                                    &bytes);
#else
    const AVPacketSideData *data = av_packet_side_data_get(
        st->codecpar->coded_side_data, st->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    size_t bytes = data ? data->size : 0;

    matrix = data ? (const int32_t *)(const void *)data->data : NULL;
#endif
    if (!matrix || bytes < 9 * sizeof *matrix)
        return 0;
    angle = av_display_rotation_get(matrix);
    return isfinite(angle) ? ((int)lround(-angle / 90) % 4 + 4) % 4 : 0;
}

static int send_best(struct poster *p)
{
    struct kn_wire_poster answer = {.kind = KN_WIRE_POSTER};
    size_t n = 0;
    int rc;

    if (p->locked)
        return kn_decode_fail(p->job, KN_ECORRUPT, "it is encrypted");
    if (p->score <= 0 && p->looked > 0)
        return kn_decode_fail(p->job, KN_ECORRUPT, "in none of %u frames is anything to be seen",
                              p->looked);
    if (p->score <= 0 && kn_decode_is_late(p->job))
        return kn_decode_fail(p->job, KN_ELIMIT, "take a picture: took more than %.0f s", SECONDS);
    if (p->score <= 0)
        return kn_decode_fail_av(p->job, p->error ? p->error : AVERROR_EOF, "take a picture");
    rc = kn_decode_picture_jpeg(p->best, quarter_turns(p->stream), LONGEST, answer.jpeg,
                                sizeof answer.jpeg, &n);
    if (rc < 0)
        return kn_decode_fail_av(p->job, rc, "make a picture");
    answer.n = (uint32_t)n;
    kn_decode_tell(p->job, &answer, offsetof(struct kn_wire_poster, jpeg) + n);
    return 0;
}

/* Of a clip of seconds fewer places, for each of them is decoded up to. */
static int places_in(double duration)
{
    return duration <= 0 ? PLACES : (int)fmin(fmax(duration / 6, FEWEST), PLACES);
}

/* duration 0: nobody knows it, or nothing is found by it. */
static int look_through(struct poster *p, struct kn_decode_film *film, double duration)
{
    int places = places_in(duration), rc;

    p->fmt = film->fmt;
    p->origin = kn_decode_film_start(film);
    p->duration = duration;
    film->used = true;
    rc = choose_stream(p);
    if (rc == 0)
        rc = open_decoder(p);
    for (int i = 0; rc == 0 && i < places && !kn_decode_is_late(p->job); i++)
        rc = look_at(p, duration * (FIRST + (LAST - FIRST) * i / (places - 1)));
    avcodec_free_context(&p->dec);
    return rc;
}

int kn_decode_poster(struct kn_decode_job *job, struct kn_decode_film *film)
{
    struct poster p = {.job = job,
                       .packet = av_packet_alloc(),
                       .frame = av_frame_alloc(),
                       .best = av_frame_alloc(),
                       .seen = -1};
    int rc = p.packet && p.frame && p.best ? 0 : no_memory(&p);

    job->log[0] = '\0';
    kn_decode_hurry(job, SECONDS);
    if (rc == 0)
        rc = look_through(&p, film, film->duration);
    if (rc == 0 && p.looked == 0 && !p.locked && film->duration > 0 && !kn_decode_is_late(job)) {
        /* Cut from a longer one, say, so that no place is where it should be: then from its start. */
        rc = kn_decode_film_rewind(job, film);
        if (rc == 0)
            rc = look_through(&p, film, 0);
    }
    if (rc == 0)
        rc = send_best(&p);
    kn_decode_hurry(job, 0);
    av_frame_free(&p.frame);
    av_frame_free(&p.best);
    av_packet_free(&p.packet);
    return rc;
}
