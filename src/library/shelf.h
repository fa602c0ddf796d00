/* shelf.h - what a file in index/ holds: all ready titles, or their moments, as they were at one change of the library. Inside
 * src/library.
 *
 * Vectors and the search over them are dense.h's; beside them lie sections of the same file:
 *   titles  what filters ask of each title, in columns, in order of id: 46 bytes a title, and of moments 4 bytes a
 *           title and 4 a moment more. Rows of one title follow one another, so order of rows is order of id and moment.
 *   words   of titles only: rare words (index/sparse.h), some 320 bytes a title, half of them mapped
 *   marks   of titles only: struct kn_marks of each (text/wording.h), 56 bytes; like the words of few titles
 *           read and not mapped where they are many: a search asks for some 70, here and there
 * The words lie with the titles, and not in a file of their own, since they speak of the same rows: one rename changes both.
 *
 * A shelf is made once and then only read, by any number of threads; it lives until its last user is done with it. What came,
 * changed or went since is no concern of it: see view.h. */
#ifndef KN_LIBRARY_SHELF_H
#define KN_LIBRARY_SHELF_H

#include "index/dense.h"
#include "library/view.h"

struct kn_cancel;
struct kn_shelf; /* opaque */
struct kn_sparse;

enum { KN_SHELF_MODEL = 64 };

struct kn_shelf_stamp {
    uint64_t answers; /* library.answers, when it was made */
    int64_t epoch;    /* and the mark of the epoch: see the schema */
    char model[KN_SHELF_MODEL];
    size_t dim;
};

struct kn_shelf_row {
    const struct kn_view_title *title; /* which begins with this row; NULL: it goes on */
    uint32_t moment;
    const struct kn_term *terms; /* of a title */
    size_t n_terms;
    const struct kn_marks *marks; /* of a title */
};

struct kn_shelf_source {
    struct kn_shelf_stamp stamp;
    bool moments;
    size_t rows; /* exactly so many are asked for */
    /* The next row; vector has room for dim numbers. Titles come in any order, the rows of each together and in order. Called from a
     * thread of its own, until the build has ended. */
    int (*next)(void *ctx, struct kn_shelf_row *row, float *vector, struct kn_err *err);
    void *ctx;
    double recall; /* as in dense.h */
    int threads;
    const struct kn_cancel *cancel;
};

/* In memory, or into a file that appears whole or not at all. As kn_dense_build and kn_dense_write fail. */
int kn_shelf_build(const struct kn_shelf_source *source, struct kn_shelf **out, struct kn_err *err);
int kn_shelf_write(const char *path, const struct kn_shelf_source *source, struct kn_err *err);
int kn_shelf_open(const char *path, struct kn_shelf **out, struct kn_err *err); /* kn_dense_open */

struct kn_shelf *kn_shelf_use(struct kn_shelf *s); /* one more user; returns s */
void kn_shelf_drop(struct kn_shelf *s);            /* NULL is fine */

const struct kn_shelf_stamp *kn_shelf_stamp(const struct kn_shelf *s);
const struct kn_dense *kn_shelf_dense(const struct kn_shelf *s);
double kn_shelf_recall(const struct kn_shelf *s); /* what it was made for */
size_t kn_shelf_rows(const struct kn_shelf *s);
size_t kn_shelf_titles(const struct kn_shelf *s);

/* Of titles. KN_ECORRUPT. */
int kn_shelf_words(struct kn_shelf *s, const struct kn_sparse **out, struct kn_err *err);

/* Of titles: the marks of one. KN_ECORRUPT, KN_EIO. */
int kn_shelf_marks(struct kn_shelf *s, uint32_t row, struct kn_marks *out, struct kn_err *err);

/* The rows of a title: false when it has none. */
bool kn_shelf_find(const struct kn_shelf *s, const struct kn_id *id, uint32_t *first, uint32_t *n);

/* Whose row it is, and which moment. Its genres are borrowed. */
void kn_shelf_title(const struct kn_shelf *s, uint32_t row, struct kn_view_title *out,
                    uint32_t *moment);

/* One bit a row that passes, exclude left aside; bits has room for rows / 64 + 1 words. The last few filters' are kept: 1M rows take
 * 1 ms, and then a copy. KN_ELIMIT. */
int kn_shelf_filter(struct kn_shelf *s, const struct kn_filter *f, uint64_t *bits,
                    struct kn_err *err);

#endif
