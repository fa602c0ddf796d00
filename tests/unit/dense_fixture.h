/* Vectors as embeddings lie, indexes of them, and a file for one: what test_dense.c and test_dense_file.c share. */
#ifndef DENSE_FIXTURE_H
#define DENSE_FIXTURE_H

#include "index/dense.h"

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLUMPS = 200, MOST_K = 1000, QUERIES = 240, GIVEN = 200 };

static uint64_t seed = 1;

static inline double chance(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 33) / 2147483648.0;
}

static inline double normal(void) /* nearly, and cheap */
{
    return (chance() + chance() + chance() + chance() - 2) * 1.732;
}

static inline void to_unit(float *v, size_t dim)
{
    double square = 0;

    for (size_t i = 0; i < dim; i++)
        square += (double)v[i] * (double)v[i];
    if (square == 0)
        v[0] = (float)(square = 1);
    for (size_t i = 0; i < dim; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
}

struct data {
    size_t dim, rows;
    float *vectors, *queries; /* of queries QUERIES, then GIVEN to calibrate with */
};

/* Clumps with room between them and a common direction, as embeddings have; of the queries a half lies in a clump, a half anywhere. */
static inline struct data make(size_t dim, size_t rows)
{
    struct data d = {dim, rows, calloc(rows + 1, dim * sizeof(float)),
                     calloc(QUERIES + GIVEN, dim * sizeof(float))};
    float *centres = calloc(CLUMPS, dim * sizeof *centres);

    for (size_t i = 0; i < CLUMPS * dim; i++)
        centres[i] = (float)(normal() + 0.4);
    for (size_t r = 0; r < rows + QUERIES + GIVEN; r++) {
        float *v = r < rows ? d.vectors + r * dim : d.queries + (r - rows) * dim;
        const float *centre = centres + (size_t)(chance() * CLUMPS) * dim;
        double share = r >= rows && r % 2 ? 0 : 1;

        for (size_t i = 0; i < dim; i++)
            v[i] = (float)(share * (double)centre[i] + 0.7 * normal());
        to_unit(v, dim);
    }
    free(centres);
    return d;
}

static inline void drop(struct data *d)
{
    free(d->vectors);
    free(d->queries);
}

static inline int give(void *ctx, size_t first, size_t n, float *out, struct kn_err *err)
{
    const struct data *d = ctx;

    (void)err;
    assert_true(n <= 1024 && first + n <= d->rows);
    memcpy(out, d->vectors + first * d->dim, n * d->dim * sizeof *out);
    return KN_OK;
}

static inline struct kn_dense_how how_of(const struct data *d, enum kn_dense_tier tier)
{
    return (struct kn_dense_how){.dim = d->dim,
                                 .rows = d->rows,
                                 .tier = tier,
                                 .queries = d->queries + QUERIES * d->dim,
                                 .n_queries = GIVEN,
                                 .threads = 2};
}

static inline struct kn_dense *built(struct data *d, enum kn_dense_tier tier)
{
    struct kn_dense_how how = how_of(d, tier);
    struct kn_dense *x = NULL;
    struct kn_err err;

    if (kn_dense_build(&how, give, d, &x, &err))
        fail_msg("%s", err.msg);
    return x;
}

/* Under a sanitizer: the same code, fewer rows. */
static inline bool slow(void)
{
    return getenv("KINORA_TEST_SLOW") != NULL;
}

static char path[64];

static inline int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/kinora-dense-%d", (int)getpid());
    return 0;
}

static inline int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

struct bytes {
    unsigned char *p;
    size_t n;
};

static inline struct bytes read_file(void)
{
    struct bytes b;
    struct stat st;
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    b.n = (size_t)st.st_size;
    b.p = malloc(b.n);
    assert_int_equal(fread(b.p, 1, b.n, f), b.n);
    fclose(f);
    return b;
}

#endif
