/* said.h - turns what Whisper writes into segments: clean text, times that hold together.
 *
 * Whisper also writes what it does not hear as speech: "[Music]", "(risas)", "*sighs*", notes.
 * A segment of nothing else is dropped. Beside words only notes go: no words of a line are cut. Its times are steps of 20 ms that may run
 * backwards or past the sound: they are fitted between the end of the segment before and the end
 * of the window. No words are lost to a time: where no room is left, they join the segment before.
 *
 * What is dropped is kept aside with its reason, so that somebody who misses a line can find out.
 *
 * Not for use by two threads at once. */
#ifndef KN_SPEECH_SAID_H
#define KN_SPEECH_SAID_H

#include <stdbool.h>
#include <stddef.h>

#include <kinora/types.h>

#include "base/buf.h"

struct kn_arena;
struct kn_err;

struct kn_said {
    struct kn_segment *segments; /* malloc'd; their texts lie in arena */
    size_t n, cap;
    struct kn_dropped *dropped; /* malloc'd; their texts lie in arena */
    size_t n_dropped, cap_dropped;
    struct kn_arena *arena;
    struct kn_buf text; /* scratch */
};

void kn_said_init(struct kn_said *s, struct kn_arena *arena);
void kn_said_free(struct kn_said *s);

/* raw need not be UTF-8: Whisper may part a character between two segments. Times in seconds; from
 * and to are the window's, which must not begin before the window of the last call. KN_ELIMIT. */
int kn_said_add(struct kn_said *s, const char *raw, double start, double end, double from,
                double to, struct kn_err *err);

/* Is there a word in it beside such signs? KN_ELIMIT. */
int kn_said_words(struct kn_said *s, const char *raw, bool *any, struct kn_err *err);

/* raw as above; reason lives as long as the program. What has no words leaves no trace. KN_ELIMIT. */
int kn_said_drop(struct kn_said *s, const char *raw, double start, double end, const char *reason,
                 struct kn_err *err);

/* The segments, copied into the arena; likewise what was dropped. NULL and 0 when there are none. KN_ELIMIT. */
int kn_said_take(struct kn_said *s, const struct kn_segment **out, size_t *n, struct kn_err *err);
int kn_said_take_dropped(struct kn_said *s, const struct kn_dropped **out, size_t *n,
                         struct kn_err *err);

#endif
