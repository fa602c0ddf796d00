/* backend.h - what a backend is: a const table of operations. Inside src/library only.
 *
 * A backend's own struct begins with struct kn_library. library.c checks every argument before an
 * operation sees it (no NULL where a value must be, finite numbers, unit vectors, states in range),
 * so that all backends refuse the same things; what only the backend knows, it checks itself: the
 * dimension, and that there is a model before there are vectors. The operations are those of
 * library.h, and promise what it says. */
#ifndef KN_LIBRARY_BACKEND_H
#define KN_LIBRARY_BACKEND_H

#include "library/library.h"

enum {
    KN_MAX_MODEL_NAME = 63,
    KN_MAX_DIM = 4096,
    KN_MAX_LANGUAGE = 15, /* what a kn_hit has room for */
    KN_MIN_ID_PREFIX = 6, /* characters of an id that may stand for it */
};

/* Why a title is missing whose last path was put, or seen, with another one: a new film, or what stands
 * for a file that cannot be read; the library cannot tell them apart. */
#define KN_REASON_TAKEN "its file has changed, or cannot be read any more"

struct kn_library_ops {
    void (*close)(struct kn_library *lib);
    int (*model)(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err);
    int (*set_model)(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err);
    int (*put)(struct kn_library *lib, const struct kn_record *records, size_t n,
               struct kn_err *err);
    int (*get)(struct kn_library *lib, const struct kn_id *id, unsigned parts,
               struct kn_arena *arena, struct kn_record *out, struct kn_err *err);
    int (*get_many)(struct kn_library *lib, const struct kn_id *ids, size_t n, unsigned parts,
                    struct kn_arena *arena, struct kn_record *out,
                    struct kn_err *err); /* NULL: one by one */
    int (*find)(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
                struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);
    int (*scroll)(struct kn_library *lib, const struct kn_id *after, size_t limit,
                  struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);
    int (*remove)(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_err *err);
    int (*similar)(struct kn_library *lib, const float *vector, size_t dim,
                   const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                   struct kn_err *err);
    int (*moments)(struct kn_library *lib, const float *vector, size_t dim,
                   const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits, size_t *n,
                   struct kn_err *err);
    int (*shared_words)(struct kn_library *lib, const struct kn_wording *wording,
                        const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                        struct kn_err *err);
    int (*similarities)(struct kn_library *lib, const float *vector, size_t dim,
                        const struct kn_id *ids, size_t n, double *out, struct kn_err *err);
    int (*wording)(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                   struct kn_err *err);
    int (*alike)(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_wording *out,
                 struct kn_err *err); /* NULL: all, one by one */
    int (*stats)(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err);
    int (*check)(struct kn_library *lib, struct kn_err *err);
    bool (*notice)(struct kn_library *lib, char out[256]); /* NULL: never any */
    /* NULL: library.c does them over the others, but said, which it refuses. */
    int (*changes)(struct kn_library *lib, uint64_t *out, struct kn_err *err);
    int (*page)(struct kn_library *lib, const struct kn_page_query *query, struct kn_arena *arena,
                struct kn_page *out, struct kn_err *err);
    int (*facets)(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                  struct kn_err *err);
    int (*said)(struct kn_library *lib, const char *text, const struct kn_filter *filter, size_t k,
                struct kn_moment_hit *hits, size_t *n, struct kn_err *err);
};

struct kn_library {
    const struct kn_library_ops *ops;
};

/* What a put, and a stage of store.h, may hold. KN_EARG names the title and the field. */
int kn_check_segments(const char *title, const struct kn_segment *segments, size_t n,
                      struct kn_err *err);
int kn_check_dropped(const char *title, const struct kn_dropped *dropped, size_t n,
                     struct kn_err *err);
int kn_check_moments(const char *title, const struct kn_moment *moments, size_t n, size_t dim,
                     struct kn_err *err);
int kn_check_language(const char *title, const char *language, struct kn_err *err);
int kn_check_vector(const char *title, const float *vector, const float *raw, size_t dim,
                    struct kn_err *err); /* raw may be NULL */

/* The dimension is known only to the backend, so it calls this once it has it (0: no model yet). */
int kn_check_record(const struct kn_record *r, size_t dim, struct kn_err *err);

/* by_scroll.c: what library.c does for a backend that does not do it itself, by a look at all titles. */
int kn_page_by_scroll(struct kn_library *lib, const struct kn_page_query *query,
                      struct kn_arena *arena, struct kn_page *out, struct kn_err *err);
int kn_facets_by_scroll(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                        struct kn_err *err);

/* similar and moments: KN_EARG when a vector of dim numbers cannot be compared with the library's. */
int kn_check_query(const float *vector, size_t dim, size_t library_dim, struct kn_err *err);

#endif
