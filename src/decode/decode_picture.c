#include "decode/decode_picture.h"

#include <math.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

enum {
    ACROSS = 160, /* a picture is judged at this size, whatever shape it has */
    DOWN = 96,
    BLOCK = 8, /* pixels of a side of what is plain or not */
    DARK = 24,
    LIGHT = 232,
    COLOURS = 512, /* 32 of brightness, 4 of either chroma */
    SMALLEST = 16, /* pixels of a side; JPEG's own block */
    COARSEST = 24, /* of the encoder's 2 to 31 */
};

/* A scaled copy, all of whose planes are its own. */
static int scaled(const AVFrame *from, int width, int height, enum AVPixelFormat format,
                  AVFrame **out)
{
    AVFrame *to = av_frame_alloc();
    struct SwsContext *sws = NULL;
    int rc = to ? 0 : AVERROR(ENOMEM);

    if (rc == 0 && !sws_isSupportedInput((enum AVPixelFormat)from->format))
        rc = AVERROR_PATCHWELCOME;
    if (rc == 0) {
        to->width = width;
        to->height = height;
        to->format = format;
        rc = av_frame_get_buffer(to, 0);
    }
    if (rc == 0) {
        sws = sws_getContext(from->width, from->height, (enum AVPixelFormat)from->format, width,
                             height, format, SWS_AREA | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL,
                             NULL);
        rc = sws ? 0 : AVERROR(ENOMEM);
    }
    if (rc == 0)
        rc = sws_scale(sws, (const uint8_t *const *)from->data, from->linesize, 0, from->height,
                       to->data, to->linesize);
    sws_freeContext(sws);
    if (rc < 0) {
        av_frame_free(&to);
        return rc;
    }
    *out = to;
    return 0;
}

/* ---- judging ---- */

static double entropy(const unsigned *counts, size_t n, double total)
{
    double bits = 0;

    for (size_t i = 0; i < n; i++)
        if (counts[i] > 0)
            bits -= counts[i] / total * log2(counts[i] / total);
    return bits;
}

/* Does the block at p hold more than noise? */
static bool has_texture(const uint8_t *p, int step)
{
    int sum = 0, squares = 0;

    for (int y = 0; y < BLOCK; y++)
        for (int x = 0; x < BLOCK; x++) {
            sum += p[y * step + x];
            squares += p[y * step + x] * p[y * step + x];
        }
    return squares * BLOCK * BLOCK - sum * sum > 16 * BLOCK * BLOCK * BLOCK * BLOCK;
}

struct look {
    double mean, deviation; /* of brightness, 0..255 */
    double gradient;        /* mean step to the neighbours */
    double clipped;         /* share that is nearly black or white */
    double textured;        /* share of the blocks that are not plain */
    double colours;         /* bits */
};

static struct look look_at(const AVFrame *f)
{
    unsigned colours[COLOURS] = {0};
    const double n = ACROSS * DOWN;
    double sum = 0, squares = 0, steps = 0;
    int clipped = 0, textured = 0;

    for (int y = 0; y < DOWN; y++) {
        const uint8_t *row = f->data[0] + y * f->linesize[0];
        const uint8_t *below = y + 1 < DOWN ? row + f->linesize[0] : row;
        const uint8_t *cb = f->data[1] + y * f->linesize[1];
        const uint8_t *cr = f->data[2] + y * f->linesize[2];

        for (int x = 0; x < ACROSS; x++) {
            int v = row[x], right = x + 1 < ACROSS ? row[x + 1] : v;

            sum += v;
            squares += v * v;
            steps += abs(right - v) + abs(below[x] - v);
            clipped += v < DARK || v > LIGHT;
            colours[(v >> 3) << 4 | (cb[x] >> 6) << 2 | cr[x] >> 6]++;
            if (x % BLOCK == 0 && y % BLOCK == 0)
                textured += has_texture(row + x, f->linesize[0]);
        }
    }
    return (struct look){.mean = sum / n,
                         .deviation = sqrt(fmax(squares / n - sum / n * sum / n, 0)),
                         .gradient = steps / n,
                         .clipped = clipped / n,
                         .textured = textured * BLOCK * BLOCK / n,
                         .colours = entropy(colours, COLOURS, n)};
}

/* A product, so that what fails in one respect is not saved by another: a test card is sharp and many-coloured, and plain
 * almost everywhere. Light is best in the middle; half of a picture in black bars still leaves half. */
int kn_decode_picture_score(const AVFrame *frame, double *score)
{
    AVFrame *small;
    struct look l;
    int rc = scaled(frame, ACROSS, DOWN, AV_PIX_FMT_YUVJ444P, &small);

    if (rc < 0)
        return rc;
    l = look_at(small);
    av_frame_free(&small);
    *score = l.textured * (1 - l.clipped) * fmax(1 - fabs(l.mean - 110) / 145, 0) *
             (0.3 + 0.7 * fmin(l.deviation / 60, 1)) * (0.3 + 0.7 * fmin(l.gradient / 20, 1)) *
             fmin(l.colours / 6, 1);
    return 0;
}

/* ---- JPEG ---- */

static int even(double n)
{
    int rounded = 2 * (int)lround(n / 2);

    return rounded < SMALLEST ? SMALLEST : rounded;
}

/* The size in which its pixels are square and its longer side at most longest. */
static void fit(const AVFrame *f, int longest, int *width, int *height)
{
    double aspect = f->sample_aspect_ratio.num > 0 && f->sample_aspect_ratio.den > 0
                        ? av_q2d(f->sample_aspect_ratio)
                        : 1;
    double w = f->width * fmin(fmax(aspect, 0.25), 4), h = f->height;
    double shrink = fmin(longest / fmax(w, h), 1);

    *width = even(w * shrink);
    *height = even(h * shrink);
}

static void turn_plane(const AVFrame *from, AVFrame *to, int plane, int width, int height,
                       int turns)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int at_x = turns == 1 ? height - 1 - y : turns == 2 ? width - 1 - x : y;
            int at_y = turns == 1 ? x : turns == 2 ? height - 1 - y : width - 1 - x;

            to->data[plane][at_y * to->linesize[plane] + at_x] =
                from->data[plane][y * from->linesize[plane] + x];
        }
}

/* Replaces *frame, 4:2:0 of even sides, by itself turned. */
static int turn(AVFrame **frame, int turns)
{
    AVFrame *from = *frame, *to;
    int rc;

    if (turns == 0)
        return 0;
    to = av_frame_alloc();
    if (!to)
        return AVERROR(ENOMEM);
    to->format = from->format;
    to->width = turns == 2 ? from->width : from->height;
    to->height = turns == 2 ? from->height : from->width;
    rc = av_frame_get_buffer(to, 0);
    if (rc < 0) {
        av_frame_free(&to);
        return rc;
    }
    for (int i = 0; i < 3; i++)
        turn_plane(from, to, i, i ? from->width / 2 : from->width,
                   i ? from->height / 2 : from->height, turns);
    av_frame_free(frame);
    *frame = to;
    return 0;
}

static int encode(const AVFrame *frame, int quality, AVPacket *packet)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    AVCodecContext *enc = codec ? avcodec_alloc_context3(codec) : NULL;
    int rc;

    if (!enc)
        return codec ? AVERROR(ENOMEM) : AVERROR_ENCODER_NOT_FOUND;
    enc->width = frame->width;
    enc->height = frame->height;
    enc->pix_fmt = AV_PIX_FMT_YUVJ420P;
    enc->color_range = AVCOL_RANGE_JPEG;
    enc->time_base = (AVRational){1, 1};
    enc->thread_count = 1;
    enc->flags =
        AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT; /* the same picture, the same bytes */
    enc->global_quality = FF_QP2LAMBDA * quality;
    rc = avcodec_open2(enc, codec, NULL);
    if (rc >= 0)
        rc = avcodec_send_frame(enc, frame);
    if (rc >= 0)
        rc = avcodec_receive_packet(enc, packet);
    avcodec_free_context(&enc);
    return rc;
}

int kn_decode_picture_jpeg(const AVFrame *frame, int turns, int longest, unsigned char *out,
                           size_t cap, size_t *n)
{
    AVPacket *packet = av_packet_alloc();
    AVFrame *small = NULL;
    int width, height, rc;

    fit(frame, longest, &width, &height);
    rc = packet ? scaled(frame, width, height, AV_PIX_FMT_YUVJ420P, &small) : AVERROR(ENOMEM);
    if (rc >= 0)
        rc = turn(&small, turns);
    for (int quality = 3; rc >= 0; quality *= 2) {
        if (quality > COARSEST) {
            rc = AVERROR(E2BIG);
            break;
        }
        av_packet_unref(packet);
        small->quality = FF_QP2LAMBDA * quality;
        rc = encode(small, quality, packet);
        if (rc >= 0 && (size_t)packet->size <= cap) {
            memcpy(out, packet->data, (size_t)packet->size);
            *n = (size_t)packet->size;
            break;
        }
    }
    av_frame_free(&small);
    av_packet_free(&packet);
    return rc < 0 ? rc : 0;
}
