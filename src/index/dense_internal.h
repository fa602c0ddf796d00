/* dense_internal.h - what dense.c, dense_build.c, dense_calibrate.c and dense_file.c share; the manual is dense.h.
 *
 * An index is one stretch of memory, of a file or anonymous, whose places follow from dim, rows and whether it is exact:
 *
 *     header (a page) | the mean, then the checksums of each plane's chunks | planes | the caller's sections
 *
 * all on pages. A plane is chunks of 64 rows: `codes` holds 64 rows of stride bytes and their 64 scales,
 * `sketch` 8 blocks of 8 rows and what 64 rows' estimates are multiplied with. */
#ifndef KN_INDEX_DENSE_INTERNAL_H
#define KN_INDEX_DENSE_INTERNAL_H

#include "index/best.h"
#include "index/dense.h"
#include "index/kernels.h"

#include "base/err.h"

#include <stdatomic.h>

enum { MAX_DIM = 4096, PAGE = 4096, ALIGNED = 64 };
enum plane { PLANE_SKETCH, PLANE_CODES, PLANE_FINE, PLANE_EXACT, PLANES };
enum { AT_10, AT_100 }; /* of what is calibrated at two k */

struct layout {
    size_t stride, words, chunks; /* numbers and sketch words a row, with what fills them up */
    size_t sums, table_bytes;     /* where the checksums begin in the table; the table's size */
    size_t chunk_bytes[PLANES];   /* 0: there is no such plane */
    size_t at[PLANES];
    size_t end; /* where sections begin */
};

/* How far behind the k-th best a row may fall: as wide as rows that ask need it, most of which lie near their neighbours, where the k-th
 * best is no farther than `up_to`; as wide as queries that lie far from all need it beyond, which is no less. */
struct margin {
    float up_to, near, beyond;
};

static inline float kn_dense_margin(const struct margin *m, float at)
{
    return at <= m->up_to ? m->near : m->beyond;
}

struct file_section {
    char name[KN_DENSE_SECTION_NAME];
    uint64_t bytes, hash;
};

/* The first page of a file, in this order, little-endian. */
struct header {
    char magic[8];
    uint32_t version, order;
    uint64_t dim, rows, sequence, model, file_bytes;
    uint32_t tier, rows_asked, queries_asked, n_sections;
    uint32_t reranked[2], weighed, candidates;
    struct margin far[2], faint[2];
    double recall, reached[2];
    uint64_t table_hash;
    struct file_section sections[KN_DENSE_SECTIONS];
    uint64_t hash; /* of all before it */
};

struct kn_dense {
    const struct kn_kernels *kernels;
    struct header head;
    struct layout layout;
    uint8_t *base; /* the mapping */
    size_t mapped;
    const float *mean;
    const uint8_t *plane[PLANES];
    bool fine_by_read;  /* see dense_file.c */
    atomic_uchar *seen; /* a chunk of a plane was verified; NULL: nothing to verify */
    int fd;             /* -1 in memory */
    char *path;         /* NULL in memory */
};

void kn_dense_lay_out(size_t dim, size_t rows, bool exact, struct layout *out);
void kn_dense_point(struct kn_dense *x); /* sets mean and planes from base and layout */
int kn_dense_new(struct kn_dense **out, struct kn_err *err);
int kn_dense_begin(const struct kn_dense_how *how, struct kn_dense **out,
                   struct kn_err *err); /* not mapped yet */

/* A bit for each number above the mean's; n numbers. */
void kn_dense_sketch(const float *vector, const float *mean, size_t n, uint64_t *bits);

/* dense_build.c: base is mapped and zero, head has dim and rows. Fills all but header and sections. */
int kn_dense_fill(struct kn_dense *x, const struct kn_dense_how *how, kn_dense_rows_fn *rows,
                  void *ctx, struct kn_err *err);

/* dense_calibrate.c: decides tier, candidates, reranked. */
int kn_dense_calibrate(struct kn_dense *x, const struct kn_dense_how *how, struct kn_err *err);

/* dense_file.c: verifies a chunk that nobody has yet. */
int kn_dense_verify_chunk(const struct kn_dense *x, enum plane plane, size_t chunk,
                          struct kn_err *err);
/* The lower bytes of a row, in buf or where they lie. */
int kn_dense_fine(const struct kn_dense *x, uint32_t row, int8_t *buf, const int8_t **out,
                  struct kn_err *err);

static inline int kn_dense_touch(const struct kn_dense *x, enum plane plane, size_t chunk,
                                 struct kn_err *err)
{
    if (!x->seen ||
        atomic_load_explicit(&x->seen[plane * x->layout.chunks + chunk], memory_order_relaxed))
        return KN_OK;
    return kn_dense_verify_chunk(x, plane, chunk, err);
}

static inline const uint8_t *kn_dense_chunk(const struct kn_dense *x, enum plane plane,
                                            size_t chunk)
{
    return x->plane[plane] + chunk * x->layout.chunk_bytes[plane];
}

static inline const uint8_t *kn_dense_codes(const struct kn_dense *x, uint32_t row)
{
    return kn_dense_chunk(x, PLANE_CODES, row / KN_CHUNK) + row % KN_CHUNK * x->layout.stride;
}

static inline const float *kn_dense_scale(const struct kn_dense *x, uint32_t row)
{
    return (const float *)(const void *)(kn_dense_chunk(x, PLANE_CODES, row / KN_CHUNK) +
                                         KN_CHUNK * x->layout.stride) +
           row % KN_CHUNK;
}

/* Where one query stands in its scan. */
enum way { BY_EXACT, BY_CODES, BY_SKETCH };

struct plan {
    enum way way;
    const uint64_t *allowed;
    size_t passing;     /* rows that are allowed */
    size_t k, reranked; /* none more than passing */
    size_t near_k;      /* k, but 10 where it is less: that is what margins were calibrated for */
    const struct margin *far; /* a distance may pass the k-th best's by so much, by the latter, */
    const struct margin
        *faint; /* an estimate fall behind it by so many of kn_dense_blur, by that */
};

/* What sketches leave. */
struct near {
    size_t n, cap;
    uint32_t *rows;
    float *estimates;
    struct late { /* not estimated yet: most are out of reach once all were met */
        uint32_t row, distance;
    } * late;
    size_t n_late, cap_late;
    struct kn_best best; /* the k best estimates */
    uint32_t *count;     /* rows met, by distance */
    size_t seen, wanted; /* rows so far, and how many of them must be within reach */
    uint32_t reached;    /* they are within it, */
    size_t within;       /* and exactly so many */
    uint32_t most;       /* with its margin: what is farther does not pass */
    uint32_t least;      /* the least that it ever was */
    bool fixed;          /* the second time: reached is known and stays */
};

struct asking {
    const struct kn_dense *x;
    const struct plan *plan;
    float *vector; /* stride numbers */
    int8_t *bytes; /* likewise */
    int8_t *fine;  /* room for a row's */
    uint64_t *
        sketch; /* words: the query's; as many: which of them count; then 4 times as many: its numbers in 4 bits */
    int32_t offset;
    int32_t nibbles;     /* their sum */
    float step;          /* what one of them stands for */
    float spread;        /* of the rows: the square of their distance from the mean, usually */
    struct kn_best best; /* by codes, or f32 */
    struct near near;
};

int kn_dense_ask(const struct kn_dense *x, const struct plan *plan, struct asking **out,
                 struct kn_err *err);
void kn_dense_asked(struct asking *a);                         /* frees it; NULL is fine */
void kn_dense_ask_again(struct asking *a, const float *query); /* the next query */
int kn_dense_pass(struct asking *a, size_t from, size_t to, struct kn_err *err); /* chunks */
size_t kn_dense_pass_chunks(const struct kn_dense *x, enum way way); /* that a cache holds */
bool kn_dense_sketch_pays(const struct kn_dense *x, size_t passing);
/* Of 64 rows those that may be found. */
static inline uint64_t kn_dense_allowed(const struct asking *a, size_t chunk)
{
    size_t rows = a->x->head.rows - chunk * KN_CHUNK;
    uint64_t valid = rows < KN_CHUNK ? (UINT64_C(1) << rows) - 1 : UINT64_MAX;

    return a->plan->allowed ? a->plan->allowed[chunk] & valid : valid;
}

static inline int8_t kn_dense_byte(float v)
{
    return (int8_t)lrintf(v);
}

/* dense_near.c: a query whose numbers are at most largest; the scan of some chunks; and behind them all, what is near, into a->near. */
void kn_dense_ask_sketches(struct asking *a, float largest);
int kn_dense_scan_sketches(struct asking *a, size_t from, size_t to, struct kn_err *err);
int kn_dense_near(struct asking *a, struct kn_err *err);

/* How far an estimate is off, up to a factor, where the k-th best is limit: what a sketch does not tell of a row is square to what it tells, so
 * only the part of the query that is not along the row errs (Gao and Long 2024, section 3.2). */
float kn_dense_blur(const struct asking *a, float limit);
int kn_dense_similarity(const struct asking *a, uint32_t row, float *out, struct kn_err *err);

/* Calls work for parts of 0..n on so many threads; the first failure is returned. */
typedef int kn_dense_work(void *ctx, size_t from, size_t to, struct kn_err *err);
int kn_dense_share(int threads, size_t n, kn_dense_work *work, void *ctx, struct kn_err *err);

#endif
