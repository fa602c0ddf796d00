/* decode.h - the inside of kinora-decode: one file at a time, from a descriptor to 16 kHz mono.
 *
 *     decode.c        the socket, the loop over requests
 *     decode_box.c    the walls around it
 *     decode_film.c   opening: FFmpeg's input over pread, what is inside, which track
 *     decode_sound.c  decoding that track on the film's time line
 *     decode_text.c   a text track's cues
 *     decode_poster.c of many frames the one to show; decode_picture.c: how much is in one, and as a JPEG
 *
 * Of Kinora it uses headers only. Failures are kept in job.failure and sent as they are; functions
 * return 0 or a negative enum kn_code. It does not outlive its client: when the socket is
 * closed it exits wherever it is. */
#ifndef KN_DECODE_DECODE_H
#define KN_DECODE_DECODE_H

#include "decode/protocol.h"

#include <kinora/err.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

enum {
    KN_DECODE_MIN_RATE = 1000,
    KN_DECODE_MAX_RATE = 768000,
    KN_DECODE_MAX_CHANNELS = 64, /* what libswresample can mix */
};

struct kn_decode_job { /* what was asked for, and how it goes */
    int sock, fd;
    double cpu, max_duration;
    double cpu_before; /* CPU seconds that earlier files cost */
    double told;       /* when something was last sent */
    double until;      /* when reading ends, whatever there is left; 0: never */
    bool asked;        /* NEXT has come and is not answered yet */
    int64_t at;        /* where FFmpeg's reader is in fd; the caller's own offset is not touched */
    int io_error;      /* errno of the first read that failed; FFmpeg may take it for the end */
    char log[120];     /* the first error line of FFmpeg's since it was cleared */
    struct kn_wire_error failure;
};

struct kn_decode_film {
    AVFormatContext *fmt;
    AVIOContext *io;
    AVCodecContext *dec; /* NULL: no sound, or none that can be decoded */
    int audio;           /* its stream; -1: none */
    bool used;           /* its packets were read, in part or all */
    double duration; /* seconds as the container tells; 0: unknown or guessed from the bit rate */
    char why[192];   /* why dec is NULL although there is a track */
};

/* decode.c */
int kn_decode_fail(struct kn_decode_job *job, enum kn_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what an FFmpeg call returned: its own words, and the first line that it logged. */
int kn_decode_fail_av(struct kn_decode_job *job, int averror, const char *doing);
void kn_decode_alive(struct kn_decode_job *job); /* call it wherever there is progress */
/* At once. Ends the process when nobody listens any more. */
void kn_decode_tell(struct kn_decode_job *job, const void *message, size_t n);
/* Waits until the client wants the next block, then sends it. */
void kn_decode_answer(struct kn_decode_job *job, const void *message, size_t n);
/* From now on reading ends after so many seconds; 0: it does not. A seek in a file without an index may read it all. */
void kn_decode_hurry(struct kn_decode_job *job, double seconds);
bool kn_decode_is_late(const struct kn_decode_job *job);
/* Lets the file use what the client allows for so many seconds of film. */
void kn_decode_allow_cpu(const struct kn_decode_job *job, double seconds);

/* decode_film.c */
int kn_decode_film_open(struct kn_decode_job *job, struct kn_decode_film *film,
                        struct kn_wire_info *info);
/* The same once more for a film whose packets were read, with job as it is. */
int kn_decode_film_rewind(struct kn_decode_job *job, struct kn_decode_film *film);
/* Where the film begins, in seconds as its time stamps count. Below 0 lies what encoders put in front. */
double kn_decode_film_start(const struct kn_decode_film *film);
void kn_decode_film_close(struct kn_decode_film *film); /* a zeroed one is fine */

/* decode_text.c: sends every cue and END, unasked. Afterwards the film's packets are gone. */
int kn_decode_text(struct kn_decode_job *job, struct kn_decode_film *film, unsigned stream);

/* decode_poster.c: sends a picture, unasked. Afterwards the film's packets are gone. */
int kn_decode_poster(struct kn_decode_job *job, struct kn_decode_film *film);

/* decode_sound.c: sends every block and END. */
int kn_decode_sound(struct kn_decode_job *job, struct kn_decode_film *film);

#endif
