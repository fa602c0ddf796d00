/* decode_picture.h - one decoded picture: how much there is to see in it, and as a JPEG.
 *
 * Both scale it first, by libswscale, so what they cost hardly depends on the film. */
#ifndef KN_DECODE_DECODE_PICTURE_H
#define KN_DECODE_DECODE_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <libavutil/frame.h>

/* 0: nothing (black, white, one colour), up to 1. Of use among frames of one film: what is sharp, well lit and has many colours has
 * more than what is dark, blurred, or a name on a plain ground. Negative: AVERROR. */
int kn_decode_picture_score(const AVFrame *frame, double *score);

/* At most `longest` pixels along either side, with square pixels, turned clockwise by so many quarters (0..3). The first of several
 * qualities that fits in cap bytes. 0, or an AVERROR: AVERROR(E2BIG) when none fits. */
int kn_decode_picture_jpeg(const AVFrame *frame, int turns, int longest, unsigned char *out,
                           size_t cap, size_t *n);

#endif
