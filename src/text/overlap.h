/* overlap.h - how much of what is said in one film is said in another, word for word.
 *
 * Two cuts or encodings of a film, heard or subtitled, share nearly all runs of three words; two films share next to none,
 * whatever they are about. Pure, any thread. */
#ifndef KN_TEXT_OVERLAP_H
#define KN_TEXT_OVERLAP_H

#include <kinora/types.h>

struct kn_err;

enum { KN_OVERLAP_LEAST = 20 }; /* runs that both must have for a number to mean anything */

/* Runs of three words that both have, as a share of those that one of them has: 0..1. 0 where one has less than KN_OVERLAP_LEAST.
 * Case and accents do not count. KN_ELIMIT. */
int kn_text_overlap(const struct kn_segment *a, size_t n_a, const struct kn_segment *b, size_t n_b,
                    double *out, struct kn_err *err);

#endif
