/* heard.h - what was heard of a sound before hearing was interrupted, as bytes: its language, and of each window the lines as Whisper
 * wrote them. A window's lines depend on its sound, the model and the language alone (listen.c), so windows that are in here need
 * not be heard again, and a transcript that was interrupted ends as one that was not.
 *
 * The bytes are this machine's own, to be used with the same sound, model and settings; whoever keeps them sees to that. What
 * cannot be read of them is as if it was not there. */
#ifndef KN_SPEECH_HEARD_H
#define KN_SPEECH_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_buf;
struct kn_err;

struct kn_raw_line {
    int64_t start,
        end; /* hundredths of a second from the window's beginning, as Whisper has them */
    const char *text;
};

struct kn_raw_lines { /* zero-initialised: none; freed by free(line), with the texts */
    struct kn_raw_line *line;
    size_t n;
};

/* Copies lines, texts and all, into one block. KN_ELIMIT. */
int kn_raw_lines_copy(const struct kn_raw_line *line, size_t n, struct kn_raw_lines *out,
                      struct kn_err *err);

/* The language by its number and the share of the vote that it had; false: nothing was heard. */
bool kn_heard_language(const struct kn_buf *heard, int *language, double *confidence);

/* Makes the bytes those of a sound in this language of which nothing was heard yet. */
int kn_heard_begin(struct kn_buf *heard, int language, double confidence, struct kn_err *err);

/* One more window, in frames from the sound's beginning. */
int kn_heard_add(struct kn_buf *heard, uint64_t start, uint64_t end,
                 const struct kn_raw_lines *lines, struct kn_err *err);

/* A window's lines, if it is there. */
int kn_heard_find(const struct kn_buf *heard, uint64_t start, uint64_t end, bool *found,
                  struct kn_raw_lines *out, struct kn_err *err);

#endif
