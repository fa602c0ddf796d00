/* charset.h - text of an unknown encoding made UTF-8, with how sure that is.
 *
 * In this order: a byte order mark; bytes that are valid UTF-8; UTF-16 without a mark, told by where
 * its zero bytes lie; then ICU's detector, which compares with the letter statistics of each language
 * and encoding (Windows-1250 to 1256, Latin-1 to Latin-9, KOI8-R, Shift_JIS, GB18030, Big5, EUC). Chosen
 * over uchardet 0.0.7, which tells no confidence; FFmpeg brings ICU along anyway.
 *
 * Where the detector finds nothing, Windows-1252 is taken, as browsers do, with confidence 0. A language
 * that is known from elsewhere (a file's name) decides between the detector's findings first.
 *
 * Pure functions, any thread. */
#ifndef KN_TEXT_CHARSET_H
#define KN_TEXT_CHARSET_H

#include "base/buf.h"

struct kn_err;

struct kn_charset {
    char name[24];     /* as IANA has it: "UTF-8", "UTF-16LE", "windows-1250" */
    double confidence; /* 0..1 */
};

/* Appends bytes as valid UTF-8, without the mark. language: ISO 639-1, "" or NULL when unknown. What
 * has no meaning in the encoding becomes U+FFFD. KN_ELIMIT; found may be NULL. */
int kn_charset_to_utf8(struct kn_sv bytes, const char *language, struct kn_buf *out,
                       struct kn_charset *found, struct kn_err *err);

#endif
