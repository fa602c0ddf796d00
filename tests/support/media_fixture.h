/* media_fixture.h - films for tests, made by ffmpeg in a folder under /tmp, and short ways to read
 * them. */
#ifndef KN_TEST_MEDIA_FIXTURE_H
#define KN_TEST_MEDIA_FIXTURE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "decode/media.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 60 * KN_AUDIO_RATE };

static char dir[] = "/tmp/kinora-media-XXXXXX";
static float sound[MOST];

static inline const char *in_dir(const char *name)
{
    static char path[2][4200];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

__attribute__((format(printf, 1, 2))) static inline void shell(const char *fmt, ...)
{
    char command[4096];
    va_list ap;
    int n;

    n = snprintf(command, sizeof command, "cd %s && ", dir);
    va_start(ap, fmt);
    vsnprintf(command + n, sizeof command - (size_t)n, fmt, ap);
    va_end(ap);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static inline void ffmpeg(const char *arguments)
{
    shell("ffmpeg -nostdin -v error -y -bitexact %s", arguments);
}

static inline void write_file(const char *name, const char *text, size_t n)
{
    assert_int_equal(kn_fs_write(in_dir(name), text, n, NULL), KN_OK);
}

/* ffmpeg's sine has amplitude 1/8; BOTH puts it into two channels without making it quieter. */
#define BOTH "'pan=stereo|c0=c0|c1=c0'"

/* What every test of media wants: into dir. */
static inline int make_media(void)
{
    if (!mkdtemp(dir))
        return -1;
    ffmpeg("-f lavfi -i sine=440:r=16000:d=3 mono.wav");
    ffmpeg("-f lavfi -i sine=440:r=44100:d=3 -af " BOTH " stereo.wav");
    ffmpeg("-f lavfi -i testsrc=s=160x120:r=10:d=5 -f lavfi -i sine=440:r=44100:d=5 -af " BOTH
           " -c:v mpeg4 -c:a aac -metadata title='A \xC3\xA9t\xC3\xA9'"
           " -metadata:s:a:0 language=spa -movflags faststart film.mp4");
    ffmpeg("-i film.mp4 -c copy -an mute.mp4");
    ffmpeg("-f lavfi -i anoisesrc=d=60:c=pink:a=0.3:seed=1 -c:a aac long.m4a");
    write_file("text.mp4", "Dear diary,\nthis is not a film.\n", 32);
    return 0;
}

static inline int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static inline struct kn_media *new_media(const struct kn_media_limits *limits)
{
    struct kn_media *m = NULL;
    struct kn_err err;

    if (kn_media_new(NULL, limits, &m, &err))
        fail_msg("%s", err.msg);
    return m;
}

static inline int open_name(struct kn_media *m, const char *name, struct kn_media_info *info,
                            struct kn_err *err)
{
    int fd = open(in_dir(name), O_RDONLY | O_CLOEXEC), rc;

    assert_true(fd >= 0);
    rc = kn_media_open(m, fd, NULL, info, err);
    close(fd);
    return rc;
}

/* All of it into sound, in pieces that fit no block. */
static inline int read_all(struct kn_media *m, size_t *n, struct kn_err *err)
{
    size_t got = 1;

    for (*n = 0; got > 0; *n += got) {
        int rc;

        assert_true(*n + 10007 <= MOST);
        rc = kn_media_read_audio(m, sound + *n, 10007, NULL, &got, err);
        if (rc)
            return rc;
    }
    return KN_OK;
}

static inline size_t must_read(struct kn_media *m, const char *name, struct kn_media_info *info)
{
    struct kn_err err;
    size_t n = 0;

    if (open_name(m, name, info, &err) || read_all(m, &n, &err))
        fail_msg("%s: %s", name, err.msg);
    return n;
}

static inline double rms(size_t from, size_t to)
{
    double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += (double)sound[i] * (double)sound[i];
    return sqrt(sum / (double)(to - from));
}

static const double sine_rms = 0.125 * 0.70710678;

#define assert_near(a, b, off)                                                                     \
    do {                                                                                           \
        double a_ = (double)(a), b_ = (double)(b);                                                 \
        if (!(fabs(a_ - b_) <= (off)))                                                             \
            fail_msg("%s is %g, not %g", #a, a_, b_);                                              \
    } while (0)

#endif
