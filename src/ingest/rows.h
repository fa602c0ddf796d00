/* rows.h - a file of texts as rows: what `kinora import` takes.
 *
 * NAME.csv    the notebook's transcripts.csv: RFC 4180 (text/csv.h), a first row with the columns "Video File" and
 *             "Transcript" in any order; others are passed over. The name is the file's base name without .mp4,
 *             in any case of letters.
 * NAME.jsonl  an object a line: "title" and "text"; where known "language" (BCP-47), "year" and "genres" (a text or
 *             an array of texts). Other keys are passed over, empty lines too. Also NAME.ndjson.
 *
 * A text that begins with "Error", behind white space or not, is none but the reason why there is none.
 *
 * Text is UTF-8, with or without a byte order mark. A file is taken whole or not at all: what is wrong with
 * it is told with its line. */
#ifndef KN_INGEST_ROWS_H
#define KN_INGEST_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct kn_arena;
struct kn_err;

struct kn_row {
    const char *name;
    const char *file;     /* the video's base name, as given; "" in JSON lines */
    const char *text;     /* as given */
    const char *language; /* "" unknown */
    const char *genres;   /* "Drama, Western"; "" unknown */
    int year;             /* 0 unknown */
    bool failed;          /* text is the reason */
    size_t line;
};

enum { KN_ROWS_FILE = 1 << 29, KN_ROWS = 1 << 20 }; /* bytes, rows: at most */

/* Rows and texts from arena, in the file's order. KN_EARG: a name that ends otherwise, a column missing, nothing in it;
 * KN_ECORRUPT, KN_ELIMIT: with the line; KN_ENOTFOUND, KN_EIO. */
int kn_rows_read(const char *path, struct kn_arena *arena, struct kn_row **out, size_t *n,
                 struct kn_err *err);

#endif
