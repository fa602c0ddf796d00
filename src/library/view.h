/* view.h - the ready titles as they are at one change of the library, to be searched. Inside src/library.
 *
 * A view is a shelf (shelf.h: what a file in index/ holds, as of an earlier change), less the titles of it that are hidden,
 * since they changed or went, and a tail in memory: those that came or changed since, compared one by one and exactly. Either
 * may be empty; the memory backend, and a library of few titles, have no shelf.
 *
 * Both embedded backends answer similar, shared_words and similarities from one whose rows are titles, and moments from
 * one whose rows are moments and which has no words. Ties come out by id (and moment).
 *
 * The likeness of a title on the shelf is within 1e-4 of its cosine (dense.h), that of one in the tail is the cosine. Rare words are
 * weighed as sparse.h says of a base and what came later.
 *
 * A view is filled once and then only read, by any number of threads; when the library changes,
 * a new one takes its place, and the old one lives until its last reader is done with it. */
#ifndef KN_LIBRARY_VIEW_H
#define KN_LIBRARY_VIEW_H

#include "library/library.h"

struct kn_shelf;
struct kn_view; /* opaque */

struct kn_view_title {
    struct kn_id id;
    double duration, opinion;
    int year;
    char language[16];
    const char *genres; /* copied */
    uint32_t key;       /* the owner's own number for it; 0: it has none */
};

/* stamp: the change that it shows, and model (NULL: ""), for the owner to compare. dim 0: no model, no rows. shelf: NULL, or of
 * this dim; borrowed for the call, the view has a use of its own. */
int kn_view_new(size_t dim, uint64_t stamp, const char *model, struct kn_shelf *shelf,
                struct kn_view **out, struct kn_err *err);
/* One that shows the same shelf less the same titles, to be filled with the tail as it is now. */
int kn_view_new_after(const struct kn_view *old, uint64_t stamp, struct kn_view **out,
                      struct kn_err *err);
struct kn_view *kn_view_use(struct kn_view *v); /* one more reader; returns v */
void kn_view_drop(struct kn_view *v);           /* NULL is fine */

uint64_t kn_view_stamp(const struct kn_view *v);
bool kn_view_is_of(const struct kn_view *v, size_t dim, const char *model);
struct kn_shelf *kn_view_shelf(const struct kn_view *v); /* borrowed; NULL: none */

/* What the shelf has of this title is not to be found. Nothing where it has none. */
int kn_view_hide(struct kn_view *v, const struct kn_id *id, struct kn_err *err);

/* In order of id, each title followed by its rows: one without a number for similar, or its moments in order. */
int kn_view_add_title(struct kn_view *v, const struct kn_view_title *title, struct kn_err *err);
int kn_view_add_row(struct kn_view *v, const float *vector, uint32_t moment, struct kn_err *err);

/* Of the title added last; for a view that shared_words is to be asked of, each title has one (n may be 0), and
 * kn_view_end comes behind them all. */
int kn_view_add_terms(struct kn_view *v, const struct kn_term *terms, size_t n,
                      const struct kn_marks *marks, struct kn_err *err);
int kn_view_end(struct kn_view *v, struct kn_err *err);

/* The key of a title that can be found; 0: it cannot, or has none. */
uint32_t kn_view_key(const struct kn_view *v, const struct kn_id *id);

/* Of a view with terms: which of these titles may say what another of them says (kn_marks_alike). Those that cannot be found may say
 * anything. As kn_shelf_marks. */
int kn_view_alike(const struct kn_view *v, const struct kn_id *ids, size_t n, bool *alike,
                  struct kn_err *err);

/* The tail of an older view, title by title, to be taken over: with its rows and terms. */
size_t kn_view_tail(const struct kn_view *v);
const struct kn_id *kn_view_tail_id(const struct kn_view *v, size_t i);
int kn_view_take(struct kn_view *v, const struct kn_view *old, size_t i, struct kn_err *err);

int kn_view_similar(const struct kn_view *v, const float *vector, size_t dim,
                    const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                    struct kn_err *err);
int kn_view_moments(const struct kn_view *v, const float *vector, size_t dim,
                    const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits, size_t *n,
                    struct kn_err *err);
int kn_view_shared_words(const struct kn_view *v, const struct kn_wording *wording,
                         const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                         struct kn_err *err);
int kn_view_similarities(const struct kn_view *v, const float *vector, size_t dim,
                         const struct kn_id *ids, size_t n, double *out, struct kn_err *err);

#endif
