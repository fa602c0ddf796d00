/* wording.h - what a title says, as two small sets of numbers: for finding films that share rare words, and for telling
 * that two say the same.
 *
 * Words are folded (kn_fold), cut by kn_next_word and hashed to 32 bits, so that any language is treated alike, without a
 * list of stop words or a stemmer. Two words in a hundred thousand share a hash; nothing worse than a chance likeness
 * comes of it.
 *
 *   terms   each word and how often it is said; of a title with more than KN_TERMS of them those said most often, of
 *           equals the longer: a name that is said once in two hours is rarely what a film is about, or was misheard.
 *   sketch  the KN_SKETCH least hashes of its phrases of three words (Broder's MinHash in its bottom-k form: one
 *           hash function, exact for short texts).
 *
 * A text in two subtitle files that differ in case, accents, punctuation or times has the same wording. Pure functions, any
 * thread. */
#ifndef KN_TEXT_WORDING_H
#define KN_TEXT_WORDING_H

#include <kinora/types.h>

struct kn_err;

enum { KN_TERMS = 256, KN_SKETCH = 128, KN_WORDING_BYTES = 8 + 8 * KN_TERMS + 4 * KN_SKETCH };

enum { KN_MARKS = 28 };

enum { KN_SURE = 8 }; /* phrases that two sketches have in common: with fewer nothing is certain */

struct kn_term {
    uint32_t hash, count;
};

struct kn_wording {
    uint32_t n_terms;
    uint32_t phrases;               /* different ones */
    uint32_t n_sketch;              /* min(phrases, KN_SKETCH) */
    struct kn_term terms[KN_TERMS]; /* ascending by hash, each once */
    uint32_t sketch[KN_SKETCH];     /* ascending, each once */
};

/* Of segments in order; only their texts count, and a phrase may run over from one to the next. KN_ELIMIT without memory. */
int kn_wording_of(const struct kn_segment *segments, size_t n, struct kn_wording *out,
                  struct kn_err *err);

/* Adds b's terms to a's, as if one title said both; the sketch stays. What has no room is left out as above. */
void kn_wording_add_terms(struct kn_wording *a, const struct kn_wording *b);

/* How much of what the shorter of the two says is in the longer: 0..1, near 1 for the same trailer heard twice and for
 * one that is a longer cut of the other. Estimated from the sketches, within about .1 where neither is more than
 * three times as long as the other. 0 where fewer than KN_SURE phrases in common were seen. */
double kn_wording_overlap(const struct kn_wording *a, const struct kn_wording *b);

/* As bytes to keep, at most KN_WORDING_BYTES; returns how many. And back: false when they cannot be a wording. */
size_t kn_wording_pack(const struct kn_wording *w, unsigned char *out);
bool kn_wording_unpack(const void *bytes, size_t n, struct kn_wording *out);

/* What of a sketch is enough to say of nearly all pairs of titles that they do not say the same: 16 bits of each of its
 * KN_MARKS least hashes. */
struct kn_marks {
    uint16_t mark[KN_MARKS]; /* 0: there are no more */
};
void kn_wording_mark(const struct kn_wording *w, struct kn_marks *out);

/* alike[i]: two or more marks of i are another one's too. So it is for any two whose overlap is .75 or more, but for one pair in 170 where
 * one is three times as long as the other (28 draws at Jaccard's .23 give fewer than 2), and fewer than one in a million where
 * they are of one length. KN_ELIMIT without memory. */
int kn_marks_alike(const struct kn_marks *marks, size_t n, bool *alike, struct kn_err *err);

/* The terms alone, and the marks alone, for whoever reads those of thousands of titles. out has room for KN_TERMS. */
bool kn_wording_unpack_terms(const void *bytes, size_t n, struct kn_term *out, size_t *n_terms);
bool kn_wording_unpack_marks(const void *bytes, size_t n, struct kn_marks *out);

#endif
