/* media_wire.h - what a child says, made safe to use.
 *
 * Pure functions over bytes that may be anything; tests/fuzz/fuzz_wire.c feeds them. */
#ifndef KN_DECODE_MEDIA_WIRE_H
#define KN_DECODE_MEDIA_WIRE_H

#include "decode/protocol.h"

#include <stdbool.h>
#include <stddef.h>

struct kn_buf;
struct kn_err;

/* Whether n bytes are one whole answer: a known kind, the length that its counts ask for, and
 * counts, codes and indices within their ranges. Texts and numbers may still be nonsense. */
bool kn_wire_is_sound(const union kn_wire_answer *a, size_t n);

/* Both take an answer that is sound. Texts come out as valid UTF-8, cut at a character. */
/* KN_ELIMIT without memory (kn_err_is_memory). */
int kn_wire_to_info(const struct kn_wire_info *w, struct kn_media_info *out, struct kn_err *err);
int kn_wire_to_text(const struct kn_wire_error *w, char out[KN_WIRE_TEXT],
                    struct kn_err *err); /* printable */

/* Appends the cue as a line of an ASS file whose Format is KN_WIRE_CUES_HEAD's. What stands in it cannot end the line; one whose
 * times cannot be is left out. KN_ELIMIT. */
int kn_wire_add_cue(const struct kn_wire_cue *c, struct kn_buf *out, struct kn_err *err);
#define KN_WIRE_CUES_HEAD "[Events]\nFormat: Start, End, Text\n"

/* What is not a number becomes 0, what lies outside of -1..1 its end. */
void kn_wire_clamp(struct kn_wire_audio *a);

#endif
