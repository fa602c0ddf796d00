/* media.h - opens media in a process of its own and reads what it holds.
 *
 * FFmpeg never runs here. A struct kn_media owns one kinora-decode child (decode/protocol.h),
 * which is handed open file descriptors over a socket and answers on it: it has no path, a
 * memory limit, a CPU-time limit a file, what else decode_box.h lists, and a watchdog here that kills it when it is silent for
 * longer than kn_media_limits.silence. One child serves many files; after a crash, a hang or a
 * broken answer it is replaced at the next kn_media_open, and only that file fails. Starting one
 * costs some 80 ms, since FFmpeg pulls in 134 libraries; a file more costs about one.
 *
 * Sound is mono, 16,000 samples a second, float32 in -1..1, from the start of the film: a gap in
 * the track, and a track that starts late, reads as silence, so that sample n is time n / 16000 s
 * of the film. It is of the track that is marked as original, else of the default one, else of the
 * first; of those that are alike in that and in language, of the one with most channels; of a commentary or a
 * description for the blind, by its mark or by its title, only when there is nothing else.
 *
 * Order: open -> info -> read_text of some tracks, take_poster -> read_audio until it gives 0 samples -> close_file -> open the
 * next.
 * Threads: one kn_media a thread; any number of them at once. A cancel token ends any call
 * within KN_CANCEL_POLL_MS.
 *
 * Errors: KN_ECORRUPT what the file holds cannot be read (the message says the stage and
 * FFmpeg's reason, or the signal that ended the child), KN_ETIMEOUT the watchdog, KN_ELIMIT a
 * stated maximum (memory, duration, CPU), KN_EIO the child cannot be started or the file cannot be
 * read. Messages do not name the file, which has no name here. */
#ifndef KN_DECODE_MEDIA_H
#define KN_DECODE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_buf;
struct kn_cancel;
struct kn_err;
struct kn_media; /* opaque; one thread */

enum { KN_AUDIO_RATE = 16000 };

struct kn_media_limits {
    uint64_t memory;     /* bytes of address space the child may use; 0: 2 GiB */
    double cpu;          /* CPU seconds a file may cost beyond 1/20 of its duration; 0: 60 */
    double silence;      /* seconds without any answer before it counts as hung; 0: 30 */
    double max_duration; /* seconds of sound at most; 0: 24 h */
};

enum { KN_MEDIA_TEXT = 128, KN_MEDIA_STREAMS = 64 };

enum kn_stream_kind { KN_STREAM_VIDEO, KN_STREAM_AUDIO, KN_STREAM_SUBTITLE, KN_STREAM_OTHER };

struct kn_stream {
    enum kn_stream_kind kind;
    char codec[32];    /* FFmpeg's name: "aac", "mov_text" */
    char language[16]; /* as the container tags it ("eng"), "" when not */
    char title[KN_MEDIA_TEXT];
    bool is_default, is_forced, is_original;
    bool is_impaired;   /* subtitles for those who do not hear, sound for those who do not see */
    bool is_commentary; /* by its mark or its title */
    uint32_t channels, sample_rate; /* audio; 0 otherwise */
    uint32_t width, height;         /* video; 0 otherwise */
};

struct kn_media_info {
    char container[64];        /* "mov,mp4,m4a,3gp,3g2,mj2" */
    char title[KN_MEDIA_TEXT]; /* title tag, "" when none */
    double duration;           /* seconds; 0 when unknown, or told beyond max_duration */
    size_t n_streams;          /* at most KN_MEDIA_STREAMS; further ones are not told */
    struct kn_stream streams[KN_MEDIA_STREAMS];
    int audio; /* index into streams of the track that read_audio gives; -1: there is none. A track
                * that nothing here can decode is told too, and reading it says why. */
};

/* limits may be NULL. program may be NULL or "": KINORA_DECODE, then kinora-decode beside the
 * running program or one folder up. KN_EIO when it is not there. The child is started by the first
 * open, not here. */
int kn_media_new(const char *program, const struct kn_media_limits *limits, struct kn_media **out,
                 struct kn_err *err);
void kn_media_free(struct kn_media *m); /* NULL is fine; ends the child */

/* Probes what fd, a regular file, holds. fd stays the caller's, its offset is not moved, and it may
 * be closed right after. *info is the caller's. Closes the file that was open before. */
int kn_media_open(struct kn_media *m, int fd, const struct kn_cancel *cancel,
                  struct kn_media_info *info, struct kn_err *err);

/* After a failed open: is the decoder itself to blame, which would fail for every file? It could not
 * be started, or ended before it said hello. */
bool kn_media_is_broken(const struct kn_media *m);

/* Which walls of decode_box.h hold in the child that answered last; all false before one did. */
struct kn_media_box {
    bool memory, landlock, seccomp;
};
struct kn_media_box kn_media_box(const struct kn_media *m);

/* Appends a whole text track as an ASS file, as text/subtitle.h reads it; the stream is one of info's. The film is
 * read through for it once, its sound not decoded. Only before the first read_audio (else KN_EARG). KN_ECORRUPT: it holds pictures,
 * or nothing here can decode it. After a failure the file is closed: open it again to go on. KN_ELIMIT: out is full. */
int kn_media_read_text(struct kn_media *m, size_t stream, const struct kn_cancel *cancel,
                       struct kn_buf *out, struct kn_err *err);

/* Appends a JPEG of at most KN_POSTER_BYTES, its longer side at most 480 pixels: of some ten frames spread over the film the one in
 * which there is most to see, so neither black nor a logo where there is another. Takes a second or so, 20 at most. The same
 * file gives the same picture. Order and failures as for read_text; KN_ECORRUPT: it has no picture, or nothing is to be
 * seen in any. */
enum { KN_POSTER_BYTES = 98304 };
int kn_media_take_poster(struct kn_media *m, const struct kn_cancel *cancel, struct kn_buf *out,
                         struct kn_err *err);

/* Fills up to cap samples; *got < cap only at the end of the track, or when the next call will give
 * an error; 0 when nothing is left or there is no audio track. A damaged stretch reads as silence;
 * a track of which nothing can be decoded is KN_ECORRUPT, and so is one that announces sound and
 * has none. What was decoded before a fatal error is given first, then the error, at each call.
 * A file that was cut short gives what is there and ends: compare with info.duration.
 * Without an open file: KN_EARG. */
int kn_media_read_audio(struct kn_media *m, float *samples, size_t cap,
                        const struct kn_cancel *cancel, size_t *got, struct kn_err *err);

/* Drops what is left of the open file. A file whose sound was begun and not read to its end costs
 * the child; one that was only opened, or read to the end, does not. */
void kn_media_close_file(struct kn_media *m);

#endif
