/* unicode.h - text from outside made safe to keep, compare and print.
 *
 * Everything inside Kinora is valid UTF-8. What comes from a file system need not be: each byte
 * that is not part of a valid sequence becomes the private-use character U+F780 + (byte - 0x80),
 * and each of those characters that was there before becomes the escapes of its three bytes, so
 * that kn_unescape_path gives back exactly the bytes that came in. */
#ifndef KN_BASE_UNICODE_H
#define KN_BASE_UNICODE_H

#include "buf.h"

struct kn_err;

bool kn_utf8_valid(struct kn_sv s); /* RFC 3629; no surrogates, no overlong forms */

/* Bytes <-> the reversible form above. Both append to out. KN_ELIMIT. */
int kn_escape_path(struct kn_sv bytes, struct kn_buf *out, struct kn_err *err);
int kn_unescape_path(struct kn_sv text, struct kn_buf *out, struct kn_err *err);

/* Makes any bytes valid UTF-8: what is not becomes U+FFFD. Appends. KN_ELIMIT. */
int kn_utf8_repair(struct kn_sv bytes, struct kn_buf *out, struct kn_err *err);

/* The form in which names are compared: case folded, accents dropped, compatibility characters
 * made plain (NFKD), runs of white space one space. Invalid UTF-8 is repaired first. Appends. */
int kn_fold(struct kn_sv text, struct kn_buf *out, struct kn_err *err);

/* In lower case, otherwise as it was. Invalid UTF-8 is repaired first. Appends. */
int kn_lower(struct kn_sv text, struct kn_buf *out, struct kn_err *err);

/* Has letters, and none of them is in lower case: how captions write who speaks. Letters of scripts that have no
 * cases do not count. */
bool kn_is_upper(struct kn_sv text);

/* Words as a person counts them: runs of letters, digits and marks, where an apostrophe or hyphen
 * between two letters does not part. In scripts without spaces (Han, Kana, Thai...) every
 * two letters count as one word. */
size_t kn_count_words(struct kn_sv text);

/* The next word of *rest, which is put behind it; false at the end. What a word is, kn_count_words says; in scripts
 * without spaces each letter makes one with the letter behind it, so that no cut is guessed. */
bool kn_next_word(struct kn_sv *rest, struct kn_sv *word);

/* For a terminal: control characters (newline, escape...) become a visible \n, \x1b and so on, and
 * escaped path bytes become \xNN. Appends. */
int kn_printable(struct kn_sv text, struct kn_buf *out, struct kn_err *err);

/* Columns that the text takes on a terminal, as utf8proc's character widths say. */
size_t kn_columns(struct kn_sv text);

/* Levenshtein distance in characters of two folded texts, cut off at limit (returns limit + 1
 * for anything further). Texts longer than 256 characters are compared by their first 256. */
size_t kn_edit_distance(struct kn_sv a, struct kn_sv b, size_t limit);

#endif
