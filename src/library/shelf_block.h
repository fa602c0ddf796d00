/* shelf_block.h - the columns of a shelf as they lie in memory and in its file. Inside src/library/shelf*.
 *
 * Each column begins on 8 bytes, in the order of struct shelf_columns. */
#ifndef KN_LIBRARY_SHELF_BLOCK_H
#define KN_LIBRARY_SHELF_BLOCK_H

#include "library/shelf.h"

#define SHELF_MAGIC "KNTITLE3"
#define SHELF_TITLES "titles"
#define SHELF_WORDS "words"
#define SHELF_MARKS "marks"

struct shelf_head {
    char magic[8];
    struct kn_shelf_stamp stamp;
    uint64_t titles, rows, languages, genres, text;
    uint64_t moments; /* 1: rows are moments, and the two last columns are there */
};

struct shelf_language {
    char tag[16];
};

struct shelf_columns {
    const struct shelf_head *head;
    const struct kn_id *ids; /* ascending */
    const double *durations, *opinions;
    const int32_t *years;
    const uint32_t *keys;
    const uint32_t *genres;    /* which of the texts */
    const uint16_t *languages; /* which of the names */
    const struct shelf_language *names;
    const uint32_t *texts;   /* where each of the genres' begins in text; one more */
    const char *text;        /* each with a NUL behind it */
    const uint32_t *firsts;  /* of each title, its first row; one more */
    const uint32_t *moments; /* of each row */
};

/* Where the columns lie; returns the bytes of the whole. Pointers are set where block is not NULL. */
size_t kn_shelf_columns(const struct shelf_head *head, const void *block,
                        struct shelf_columns *out);

/* A shelf over columns, words and marks that it takes: they are freed with it. words and marks NULL: of moments, or in the file. */
int kn_shelf_of(struct kn_dense *dense, void *block, struct kn_sparse *words,
                struct kn_marks *marks, struct kn_shelf **out, struct kn_err *err);

#endif
