#include "index/sparse.h"

#include "base/err.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Rare is what a tenth of the rows say at most, and three in any case. */
enum { COMMON = 10, LEAST_ROWS = 3 };

/* One distinct term. Of slots, a power of two, at most half are taken; probing is linear. */
struct slot {
    uint32_t hash;
    uint32_t rows;         /* that have it; 0: an empty slot */
    uint32_t first, count; /* its list in postings */
    float rarity;          /* 0: said by too many to mean anything */
};

struct posting {
    uint32_t row;
    float weight;
};

struct kn_sparse {
    struct kn_term *terms; /* of all rows, one after another; only until the build */
    size_t n_terms, cap_terms;
    uint32_t *ends; /* of each row in terms; only until the build */
    size_t rows, cap_rows;
    struct slot *slots;
    size_t n_slots;
    struct posting *postings;
    bool built;
};

int kn_sparse_new(struct kn_sparse **out, struct kn_err *err)
{
    struct kn_sparse *x = calloc(1, sizeof *x);

    if (!x)
        return kn_err_set(err, KN_ELIMIT, "index: no memory");
    *out = x;
    return KN_OK;
}

void kn_sparse_free(struct kn_sparse *x)
{
    if (!x)
        return;
    free(x->terms);
    free(x->ends);
    free(x->slots);
    free(x->postings);
    free(x);
}

/* Room for n in an array that doubles. False without memory, and then all is as it was. */
static bool make_room(void *array, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap ? *cap : 256;
    void *p;

    while (more < n)
        more *= 2;
    if (more == *cap)
        return true;
    memcpy(&p, array, sizeof p);
    p = realloc(p, more * size);
    if (!p)
        return false;
    memcpy(array, &p, sizeof p);
    *cap = more;
    return true;
}

int kn_sparse_add(struct kn_sparse *x, const struct kn_term *terms, size_t n, struct kn_err *err)
{
    assert(!x->built && n <= KN_TERMS);
    if (x->n_terms + n > UINT32_MAX || x->rows == UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "index: full, with the words of %zu titles", x->rows);
    if (!make_room(&x->terms, x->n_terms + n, &x->cap_terms, sizeof *x->terms) ||
        !make_room(&x->ends, x->rows + 1, &x->cap_rows, sizeof *x->ends))
        return kn_err_set(err, KN_ELIMIT, "index: no memory for the words of %zu titles",
                          x->rows + 1);
    if (n > 0)
        memcpy(x->terms + x->n_terms, terms, n * sizeof *terms);
    x->n_terms += n;
    x->ends[x->rows++] = (uint32_t)x->n_terms;
    return KN_OK;
}

/* Where hash is, or the empty slot where it would be. Hashes are even as they come. */
static struct slot *slot_of(const struct kn_sparse *x, uint32_t hash)
{
    size_t at = hash & (x->n_slots - 1);

    while (x->slots[at].rows > 0 && x->slots[at].hash != hash)
        at = (at + 1) & (x->n_slots - 1);
    return &x->slots[at];
}

static void grow(struct slot *to, size_t n_to, const struct slot *from, size_t n_from)
{
    struct kn_sparse x = {.slots = to, .n_slots = n_to};

    for (size_t i = 0; i < n_from; i++)
        if (from[i].rows > 0)
            *slot_of(&x, from[i].hash) = from[i];
}

/* Counts in how many rows each term is. */
static int count_rows(struct kn_sparse *x, struct kn_err *err)
{
    size_t distinct = 0;

    for (x->n_slots = 1024; x->n_slots < x->n_terms / 4; x->n_slots *= 2)
        ; /* a library's words come four times or more */
    x->slots = calloc(x->n_slots, sizeof *x->slots);
    for (size_t i = 0; x->slots && i < x->n_terms; i++) {
        struct slot *s = slot_of(x, x->terms[i].hash);

        distinct += s->rows == 0;
        s->hash = x->terms[i].hash;
        s->rows++;
        if (2 * distinct > x->n_slots) {
            struct slot *more = calloc(2 * x->n_slots, sizeof *more);

            if (more)
                grow(more, 2 * x->n_slots, x->slots, x->n_slots);
            free(x->slots);
            x->slots = more;
            x->n_slots *= 2;
        }
    }
    return x->slots ? KN_OK
                    : kn_err_set(err, KN_ELIMIT, "index: no memory for %zu words", distinct);
}

struct weighed {
    struct slot *slot;
    float weight;
};

static int by_weight(const void *pa, const void *pb)
{
    const struct weighed *a = pa, *b = pb;
    bool a_shared = a->slot->rows > 1, b_shared = b->slot->rows > 1;

    if (a_shared != b_shared)
        return a_shared ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->slot->hash > b->slot->hash) - (a->slot->hash < b->slot->hash);
}

/* The sparse vector of a row, or of a text that is none. */
static size_t weigh(const struct kn_sparse *x, const struct kn_term *terms, size_t n,
                    struct weighed *out)
{
    size_t kept = 0;
    double square = 0;

    for (size_t i = 0; i < n; i++) {
        struct slot *s = slot_of(x, terms[i].hash);
        float c = (float)terms[i].count;

        if (s->rarity > 0)
            out[kept++] = (struct weighed){s, c * 2.2F / (c + 1.2F) * s->rarity};
    }
    if (kept > KN_SPARSE_TERMS) {
        qsort(out, kept, sizeof *out, by_weight);
        kept = KN_SPARSE_TERMS;
    }
    for (size_t i = 0; i < kept; i++)
        square += (double)out[i].weight * (double)out[i].weight;
    for (size_t i = 0; i < kept; i++)
        out[i].weight = (float)((double)out[i].weight / sqrt(square));
    return kept;
}

/* The vectors of all rows, one after another; ends becomes where each ends. *out is for the caller to free. */
static int weigh_rows(struct kn_sparse *x, struct weighed **out, struct kn_err *err)
{
    struct weighed *all = NULL, w[KN_TERMS];
    size_t n = 0, cap = 0;

    for (size_t row = 0, at = 0, next; row < x->rows; row++, at = next) {
        size_t kept;

        next = x->ends[row];
        kept = weigh(x, x->terms + at, next - at, w);
        if (!make_room(&all, n + kept, &cap, sizeof *all)) {
            free(all);
            return kn_err_set(err, KN_ELIMIT, "index: no memory for %zu words", n + kept);
        }
        memcpy(all + n, w, kept * sizeof *w);
        n += kept;
        x->ends[row] = (uint32_t)n;
    }
    *out = all;
    return KN_OK;
}

/* From lists by row to lists by term. */
static int invert(struct kn_sparse *x, const struct weighed *all, struct kn_err *err)
{
    size_t n = x->rows ? x->ends[x->rows - 1] : 0;
    uint32_t places = 0;

    x->postings = calloc(n + 1, sizeof *x->postings);
    if (!x->postings)
        return kn_err_set(err, KN_ELIMIT, "index: no memory for %zu words", n);
    for (size_t i = 0; i < n; i++)
        all[i].slot->count++;
    for (size_t i = 0; i < x->n_slots; i++) {
        x->slots[i].first = places;
        places += x->slots[i].count;
        x->slots[i].count = 0;
    }
    for (size_t row = 0, i = 0; row < x->rows; row++)
        for (; i < x->ends[row]; i++)
            x->postings[all[i].slot->first + all[i].slot->count++] =
                (struct posting){(uint32_t)row, all[i].weight};
    return KN_OK;
}

int kn_sparse_build(struct kn_sparse *x, struct kn_err *err)
{
    size_t most = x->rows / COMMON > LEAST_ROWS ? x->rows / COMMON : LEAST_ROWS;
    struct weighed *all = NULL;
    int rc = count_rows(x, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < x->n_slots; i++) {
        struct slot *s = &x->slots[i];

        if (s->rows > 0 && s->rows <= most)
            s->rarity = (float)log(1 + ((double)x->rows - s->rows + 0.5) / (s->rows + 0.5));
    }
    rc = weigh_rows(x, &all, err);
    if (rc == KN_OK)
        rc = invert(x, all, err);
    free(all);
    free(x->terms);
    free(x->ends);
    x->terms = NULL;
    x->ends = NULL;
    x->built = rc == KN_OK;
    return rc;
}

static int best_first(const void *pa, const void *pb)
{
    const struct kn_sparse_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static bool is_allowed(const uint64_t *allowed, uint32_t row)
{
    return !allowed || (allowed[row / 64] >> row % 64 & 1);
}

int kn_sparse_search(const struct kn_sparse *x, const struct kn_term *terms, size_t n,
                     const uint64_t *allowed, size_t k, struct kn_sparse_hit *hits, size_t *found,
                     struct kn_err *err)
{
    float *scores = calloc(x->rows + 1, sizeof *scores);
    struct kn_sparse_hit *some = calloc(x->rows + 1, sizeof *some);
    struct weighed w[KN_TERMS];
    size_t count = 0;
    int rc = KN_OK;

    assert(x->built && n <= KN_TERMS);
    if (!scores || !some) {
        rc = kn_err_set(err, KN_ELIMIT, "index: no memory to compare %zu titles", x->rows);
        goto out;
    }
    n = weigh(x, terms, n, w);
    for (size_t i = 0; i < n; i++)
        for (uint32_t p = w[i].slot->first; p < w[i].slot->first + w[i].slot->count; p++)
            scores[x->postings[p].row] += w[i].weight * x->postings[p].weight;
    for (uint32_t row = 0; row < x->rows; row++)
        if (scores[row] > 0 && is_allowed(allowed, row))
            some[count++] = (struct kn_sparse_hit){row, scores[row] < 1 ? scores[row] : 1};
    if (count > 0)
        qsort(some, count, sizeof *some, best_first);
    *found = count < k ? count : k;
    memcpy(hits, some, *found * sizeof *some);
out:
    free(scores);
    free(some);
    return rc;
}
