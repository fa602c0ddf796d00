/* view_internal.h - what view.c and view_fill.c share; the manual is view.h. */
#ifndef KN_LIBRARY_VIEW_INTERNAL_H
#define KN_LIBRARY_VIEW_INTERNAL_H

#include "library/view.h"

#include "index/exact.h"
#include "index/sparse.h"
#include "library/backend.h"
#include "library/shelf.h"

#include <stdatomic.h>

struct view_entry {
    struct kn_view_title title; /* its genres are this entry's own */
    uint32_t first_row, rows;
    struct kn_term *terms; /* its own */
    uint32_t n_terms;
    struct kn_marks marks;
};

struct view_row {
    uint32_t entry, moment;
};

struct kn_view {
    atomic_size_t users;
    uint64_t stamp;
    size_t dim;
    char model[KN_MAX_MODEL_NAME + 1];
    struct kn_shelf *shelf; /* NULL: none */
    uint64_t *hidden;       /* one bit a row of it; NULL: none is */
    /* The tail. */
    struct kn_exact *index;  /* NULL when dim is 0 */
    struct kn_sparse *words; /* a row a title; NULL in a view of moments */
    bool with_words;
    struct view_entry *entries;
    struct view_row *rows;
    size_t n_entries, cap_entries, n_rows, cap_rows;
};

#endif
