/* protocol.h - what media.c and kinora-decode say to each other.
 *
 * One AF_UNIX SOCK_SEQPACKET socket pair: a message is a record, so nothing is framed and nothing
 * arrives in halves. Both ends are built together and run on one machine, so a message is a C
 * struct as it lies in memory; the version in HELLO catches an old program beside a new library.
 *
 *     client                     kinora-decode (socket is fd KN_WIRE_SOCKET)
 *                                HELLO            once, before anything else
 *     OPEN + the file (SCM_RIGHTS)
 *                                INFO | ERROR
 *     NEXT                       AUDIO | END | ERROR
 *     NEXT ...
 *     READ_TEXT + a stream       CUE ... END | ERROR    (unasked; only before the first NEXT)
 *     TAKE_POSTER                POSTER | ERROR         (likewise)
 *     CLOSE                      (no answer)
 *
 * The client asks for the next block as soon as it has one, so that decoding goes on while it
 * works. OPEN and CLOSE are sent only when no answer is owed: a file that is given up half read
 * costs its child. ALIVE may come before any answer, about once a second while there is
 * progress. The child ends when the socket closes.
 *
 * The client takes the child for hostile (it may be run by what a file holds): lengths, counts
 * and codes are checked by kn_wire_is_sound, texts are ended and repaired, and sound is clamped. */
#ifndef KN_DECODE_PROTOCOL_H
#define KN_DECODE_PROTOCOL_H

#include "decode/media.h"

#include <stdint.h>

enum {
    KN_WIRE_SOCKET = 3, /* the child's end */
    KN_WIRE_VERSION = 3,
    KN_WIRE_BLOCK = 16384, /* samples: 64 KiB, well inside a socket's default buffer */
    KN_WIRE_TEXT = 224,
    KN_WIRE_CUE_TEXT = 16384,
    KN_WIRE_JPEG =
        KN_POSTER_BYTES,      /* with what the kernel adds, half of a socket's default buffer */
    KN_WIRE_ALIVE_MAX = 3600, /* ALIVE in a row: an hour of reading without one block of sound */
};

enum kn_wire_kind {
    KN_WIRE_OPEN = 1,
    KN_WIRE_NEXT,
    KN_WIRE_CLOSE,
    KN_WIRE_READ_TEXT,
    KN_WIRE_TAKE_POSTER,
    KN_WIRE_HELLO = 0x6b6e3031,
    KN_WIRE_ALIVE,
    KN_WIRE_INFO,
    KN_WIRE_AUDIO,
    KN_WIRE_CUE,
    KN_WIRE_END,
    KN_WIRE_ERROR,
    KN_WIRE_POSTER,
};

struct kn_wire_request { /* NEXT, CLOSE and TAKE_POSTER use the kind only */
    uint32_t kind;
    uint32_t stream;     /* READ_TEXT */
    double cpu;          /* seconds beyond 1/20 of the duration */
    double max_duration; /* seconds */
};

enum { KN_WIRE_BOX_MEMORY = 1, KN_WIRE_BOX_LANDLOCK = 2, KN_WIRE_BOX_SECCOMP = 4 };

struct kn_wire_hello {
    uint32_t kind;
    uint32_t version;
    uint32_t box; /* which walls hold (decode_box.h) */
    uint32_t reserved;
};

enum {
    KN_WIRE_DEFAULT = 1,
    KN_WIRE_FORCED = 2,
    KN_WIRE_ORIGINAL = 4,
    KN_WIRE_IMPAIRED = 8,
    KN_WIRE_COMMENTARY = 16
};

struct kn_wire_stream {
    uint32_t kind, flags;
    uint32_t channels, sample_rate, width, height;
    char codec[32], language[16], title[KN_MEDIA_TEXT];
};

struct kn_wire_info {
    uint32_t kind;
    uint32_t n_streams;
    int32_t audio;
    uint32_t reserved;
    double duration;
    char container[64], title[KN_MEDIA_TEXT];
    struct kn_wire_stream streams[KN_MEDIA_STREAMS]; /* only n_streams are sent */
};

struct kn_wire_audio {
    uint32_t kind;
    uint32_t n;
    float samples[KN_WIRE_BLOCK]; /* only n are sent; at least 1 */
};

struct kn_wire_cue { /* what stands on the screen, as ASS writes it */
    uint32_t kind;
    uint32_t n;
    double start, end;           /* seconds of the film */
    char text[KN_WIRE_CUE_TEXT]; /* only n are sent; at least 1 */
};

struct kn_wire_poster {
    uint32_t kind;
    uint32_t n;
    unsigned char jpeg[KN_WIRE_JPEG]; /* only n are sent */
};

struct kn_wire_error {
    uint32_t kind;
    int32_t code; /* KN_EIO, KN_ECORRUPT or KN_ELIMIT */
    char text[KN_WIRE_TEXT];
};

union kn_wire_answer {
    uint32_t kind; /* ALIVE and END are only this */
    struct kn_wire_hello hello;
    struct kn_wire_info info;
    struct kn_wire_audio audio;
    struct kn_wire_cue cue;
    struct kn_wire_poster poster;
    struct kn_wire_error error;
};

/* The sanitizers' shadow memory takes terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KN_DECODE_LIMITS_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KN_DECODE_LIMITS_MEMORY 0
#endif
#endif
#ifndef KN_DECODE_LIMITS_MEMORY
#define KN_DECODE_LIMITS_MEMORY 1
#endif

#endif
