/* view.h - the ready titles' vectors and words in memory, with what filters ask of them. Inside src/library.
 *
 * Both embedded backends answer similar, shared_words and similarities from one whose rows are titles, and moments from
 * one whose rows are moments and which has no words. Rows lie in order of id (and moment), and the index breaks
 * ties by the lower row: that is how ties come out by id.
 *
 * A view is filled once and then only read, by any number of threads; when the library changes,
 * a new one takes its place, and the old one lives until its last reader is done with it. */
#ifndef KN_LIBRARY_VIEW_H
#define KN_LIBRARY_VIEW_H

#include "library/library.h"

struct kn_view; /* opaque */

struct kn_view_title {
    struct kn_id id;
    double duration, opinion;
    int year;
    char language[16];
    const char *genres; /* copied */
};

/* stamp: the change that it shows, for the owner to compare. dim 0: no model, no rows. */
int kn_view_new(size_t dim, uint64_t stamp, struct kn_view **out, struct kn_err *err);
struct kn_view *kn_view_use(struct kn_view *v); /* one more reader; returns v */
void kn_view_drop(struct kn_view *v);           /* NULL is fine */

uint64_t kn_view_stamp(const struct kn_view *v);

/* In order of id, each title followed by its rows: one without a number for similar, or its moments in order. */
int kn_view_add_title(struct kn_view *v, const struct kn_view_title *title, struct kn_err *err);
int kn_view_add_row(struct kn_view *v, const float *vector, uint32_t moment, struct kn_err *err);

/* Of the title added last; for a view that shared_words is to be asked of, each title has one (n may be 0), and
 * kn_view_end comes behind them all. */
int kn_view_add_terms(struct kn_view *v, const struct kn_term *terms, size_t n, struct kn_err *err);
int kn_view_end(struct kn_view *v, struct kn_err *err);

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
