/* csv.h - comma-separated values as RFC 4180 has them, row by row from text in memory.
 *
 * Strict, for a reader that guesses gives somebody's transcript to somebody else's film: a quote opens a
 * field at its start only, a quoted field ends at a comma or a line's end, a quote that is never closed is an error
 * at the line where it opened. Lines end in CRLF or LF. A byte order mark is passed over, and so are empty lines.
 * The text must be UTF-8 without NUL bytes.
 *
 * Pure functions, one struct kn_csv a thread. */
#ifndef KN_TEXT_CSV_H
#define KN_TEXT_CSV_H

#include "base/buf.h"

struct kn_arena;
struct kn_err;

enum { KN_CSV_FIELD = 16 << 20, KN_CSV_FIELDS = 1024 }; /* bytes a field, fields a row: at most */

struct kn_csv {
    struct kn_sv text; /* borrowed */
    size_t at, line;   /* line: that of at, from 1 */
};

struct kn_csv_row {
    const char **fields; /* without their quotes; from the arena */
    size_t n, line;      /* line: where the row begins */
};

void kn_csv_begin(struct kn_csv *csv, struct kn_sv text);

/* The next row; *more false at the end, with *out as it was. KN_ECORRUPT and KN_ELIMIT name the line, and the
 * reading is over. */
int kn_csv_row(struct kn_csv *csv, struct kn_arena *arena, struct kn_csv_row *out, bool *more,
               struct kn_err *err);

/* Appends a field, in quotes where it needs them. KN_ELIMIT. */
int kn_csv_add_field(struct kn_buf *out, const char *field, struct kn_err *err);

#endif
