#include "index/sparse_lists.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A term's number is that of its first coming: the usual ones have low numbers, so that what is looked up
 * seventy times a title lies together. */
struct sparse_rows {
    struct slot { /* where a term's hash leads. At most half are taken; probing is linear */
        uint32_t hash, number; /* number + 1; 0: empty */
        uint32_t rows;         /* that have it */
    } * slots;
    size_t n_slots, distinct;
    uint32_t *terms; /* numbers, of all rows one after another */
    uint8_t *counts;
    size_t n, cap_terms, cap_counts;
    uint32_t *ends;         /* of each row in terms */
    const uint32_t *places; /* which row each is; NULL: in order */
    size_t n_rows, cap_ends;
};

static int no_memory(size_t rows, struct kn_err *err)
{
    return kn_err_set(err, KN_ELIMIT, "index: no memory for the words of %zu titles", rows);
}

int kn_sparse_new(struct kn_sparse **out, struct kn_err *err)
{
    const struct kn_kernels *kernels;
    struct kn_sparse *x;
    int rc = kn_kernels_choose(&kernels, err);

    if (rc)
        return rc;
    x = calloc(1, sizeof *x);
    if (x) {
        x->kernels = kernels;
        x->fd = -1;
        x->added = calloc(1, sizeof *x->added);
    }
    if (!x || !x->added) {
        free(x);
        return no_memory(0, err);
    }
    *out = x;
    return KN_OK;
}

void kn_sparse_drop_added(struct sparse_rows *a)
{
    if (!a)
        return;
    free(a->slots);
    free(a->terms);
    free(a->counts);
    free(a->ends);
    free(a);
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

/* Where hash is, or the empty slot where it would be. Hashes are even as they come. */
static struct slot *slot_of(const struct sparse_rows *a, uint32_t hash)
{
    size_t at = hash & (a->n_slots - 1);

    while (a->slots[at].number > 0 && a->slots[at].hash != hash)
        at = (at + 1) & (a->n_slots - 1);
    return &a->slots[at];
}

static bool make_slots(struct sparse_rows *a, size_t distinct)
{
    struct slot *old = a->slots;
    size_t n_old = a->n_slots;

    if (2 * distinct <= a->n_slots)
        return true;
    a->n_slots = n_old ? 2 * n_old : 1024;
    a->slots = calloc(a->n_slots, sizeof *a->slots);
    if (!a->slots) {
        a->slots = old;
        a->n_slots = n_old;
        return false;
    }
    for (size_t i = 0; i < n_old; i++)
        if (old[i].number > 0)
            *slot_of(a, old[i].hash) = old[i];
    free(old);
    return true;
}

static void add_term(struct sparse_rows *a, const struct kn_term *t)
{
    struct slot *slot = slot_of(a, t->hash);

    if (slot->number == 0)
        *slot = (struct slot){t->hash, (uint32_t)++a->distinct, 0};
    slot->rows++;
    a->terms[a->n] = slot->number - 1;
    a->counts[a->n++] = (uint8_t)(t->count < COUNT_MAX ? t->count : COUNT_MAX);
}

int kn_sparse_add(struct kn_sparse *x, const struct kn_term *terms, size_t n, struct kn_err *err)
{
    struct sparse_rows *a = x->added;

    assert(a && n <= KN_TERMS);
    if (a->n + n > UINT32_MAX || a->n_rows == UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "index: full, with the words of %zu titles", a->n_rows);
    if (!make_room(&a->terms, a->n + n, &a->cap_terms, sizeof *a->terms) ||
        !make_room(&a->counts, a->n + n, &a->cap_counts, sizeof *a->counts) ||
        !make_room(&a->ends, a->n_rows + 1, &a->cap_ends, sizeof *a->ends) ||
        !make_slots(a, a->distinct + n))
        return no_memory(a->n_rows + 1, err);
    for (size_t i = 0; i < n; i++) /* they lie all over the table: let memory bring them at once */
        __builtin_prefetch(&a->slots[terms[i].hash & (a->n_slots - 1)], 1);
    for (size_t i = 0; i < n; i++)
        add_term(a, &terms[i]);
    a->ends[a->n_rows++] = (uint32_t)a->n;
    return KN_OK;
}

void kn_sparse_order(struct kn_sparse *x, const uint32_t *places)
{
    x->added->places = places;
}

/* ---- the build ---- */

struct building {
    struct sparse_rows *a;
    const struct kn_sparse *base;
    size_t all_rows;         /* the base's too */
    uint32_t *hashes, *rows; /* of each term, by number, and how many rows have it here */
    float *rarity;           /* of each */
    bool *shared;            /* more than one row has it, of the base or here */
    uint32_t *count;         /* rows that kept it; then how many are written */
    uint32_t *order;         /* numbers in order of hash */
    uint32_t *place;         /* in terms, or in singles */
    float *inverse;          /* of each row */
    uint32_t *came;          /* as which each row was added */
    uint32_t *spare;         /* for the sort, then where each list goes on */
    struct sparse_head head;
    struct sparse_lists l;
};

static void drop(struct building *b)
{
    free(b->hashes);
    free(b->rows);
    free(b->rarity);
    free(b->shared);
    free(b->count);
    free(b->order);
    free(b->place);
    free(b->inverse);
    free(b->came);
    free(b->spare);
}

static bool make_building(struct building *b)
{
    size_t n = b->a->distinct + 1;

    b->hashes = malloc(n * sizeof *b->hashes);
    b->rows = malloc(n * sizeof *b->rows);
    b->rarity = malloc(n * sizeof *b->rarity);
    b->shared = malloc(n * sizeof *b->shared);
    b->count = calloc(n, sizeof *b->count);
    b->order = malloc(n * sizeof *b->order);
    b->place = malloc(n * sizeof *b->place);
    b->spare = malloc(n * sizeof *b->spare);
    b->inverse = malloc((b->a->n_rows + 1) * sizeof *b->inverse);
    b->came = malloc((b->a->n_rows + 1) * sizeof *b->came);
    return b->came && b->hashes && b->rows && b->rarity && b->shared && b->count && b->order &&
           b->place && b->spare && b->inverse;
}

static void find_rarities(struct building *b)
{
    for (size_t i = 0; i < b->a->n_slots; i++) {
        const struct slot *slot = &b->a->slots[i];

        if (slot->number == 0)
            continue;
        b->hashes[slot->number - 1] = slot->hash;
        b->rows[slot->number - 1] = slot->rows;
    }
    for (size_t i = 0; i < b->a->distinct; i++) {
        size_t rows = b->rows[i] + (b->base ? kn_sparse_rows_with(b->base, b->hashes[i]) : 0);

        b->rarity[i] = kn_sparse_rarity(b->all_rows, rows);
        b->shared[i] = rows > 1;
    }
}

static size_t place_of(const struct sparse_rows *a, size_t came)
{
    return a->places ? a->places[came] : came;
}

/* The rows' terms become those that are kept, in place. */
static void weigh_rows(struct building *b)
{
    struct sparse_rows *a = b->a;
    struct sparse_weighed w[KN_TERMS];
    size_t kept = 0;

    for (size_t row = 0, at = 0, next; row < a->n_rows; row++, at = next) {
        size_t n = 0;

        next = a->ends[row];
        for (size_t i = at; i < next; i++) {
            uint32_t t = a->terms[i];

            if (b->rarity[t] > 0)
                w[n++] =
                    (struct sparse_weighed){b->hashes[t], (uint32_t)i,
                                            sparse_said(a->counts[i]) * b->rarity[t], b->shared[t]};
        }
        n = kn_sparse_keep(w, n, &b->inverse[place_of(a, row)]);
        for (size_t i = 0; i < n; i++)
            w[i].hash = a->terms[w[i].which]; /* read before they are written over */
        for (size_t i = 0; i < n; i++)
            w[i].which = a->counts[w[i].which];
        for (size_t i = 0; i < n; i++, kept++) {
            a->terms[kept] = w[i].hash;
            a->counts[kept] = (uint8_t)w[i].which;
            b->count[w[i].hash]++;
        }
        a->ends[row] = (uint32_t)kept;
    }
}

/* By hash, 11 bits at a time: some millions in a tenth of a second. */
static void sort_terms(struct building *b)
{
    enum { BITS = 11, VALUES = 1 << BITS };
    const uint32_t *hashes = b->hashes;
    size_t n = b->a->distinct;
    uint32_t *from = b->order, *to = b->spare;

    for (uint32_t i = 0; i < n; i++)
        from[i] = i;
    for (unsigned shift = 0; shift < 32; shift += BITS) {
        size_t starts[VALUES + 1] = {0};
        uint32_t *sorted = to;

        for (size_t i = 0; i < n; i++)
            starts[(hashes[i] >> shift & (VALUES - 1)) + 1]++;
        for (size_t v = 0; v < VALUES; v++)
            starts[v + 1] += starts[v];
        for (size_t i = 0; i < n; i++)
            to[starts[hashes[from[i]] >> shift & (VALUES - 1)]++] = from[i];
        to = from;
        from = sorted;
    }
    b->order = from;
    b->spare = to;
}

static void size_parts(struct building *b)
{
    struct sparse_head *h = &b->head;
    size_t words = 0;

    *h = (struct sparse_head){.rows = (uint32_t)b->a->n_rows};
    memcpy(h->magic, SPARSE_MAGIC, sizeof h->magic);
    for (size_t i = 0; i < b->a->distinct; i++) {
        if (b->rows[i] == 1) {
            h->singles++;
            continue;
        }
        h->terms++;
        words += sparse_list_words(b->a->n_rows, b->count[i]);
    }
    h->words = words;
    for (h->bucket_bits = 1; h->bucket_bits < 24 && h->terms >> h->bucket_bits > 4;)
        h->bucket_bits++;
}

/* Where those of each bucket begin, hashes being in order and stride words apart. */
static void fill_buckets(uint32_t *buckets, unsigned bits, const uint32_t *hashes, size_t stride,
                         uint32_t n)
{
    uint32_t at = 0;

    for (uint32_t b = 0; b < 1U << bits; b++) {
        while (at < n && hashes[at * stride] >> (32 - bits) < b)
            at++;
        buckets[b] = at;
    }
    buckets[1U << bits] = n;
}

static void place_terms(struct building *b)
{
    struct sparse_list *terms = (struct sparse_list *)b->l.terms;
    uint32_t *hashes = (uint32_t *)b->l.single_hashes;
    uint32_t n = 0, singles = 0, at[2] = {0, 0}; /* of the next long list, and short one */

    for (size_t t = 0; t < b->a->distinct; t++)
        if (b->rows[t] > 1 && sparse_is_long(b->a->n_rows, b->count[t]))
            at[1] += (uint32_t)sparse_list_words(b->a->n_rows, b->count[t]);
    for (size_t i = 0; i < b->a->distinct; i++) {
        uint32_t t = b->order[i], *next = &at[!sparse_is_long(b->a->n_rows, b->count[t])];

        if (b->rows[t] == 1) {
            b->place[t] = singles;
            hashes[singles++] = b->hashes[t];
            continue;
        }
        terms[n] = (struct sparse_list){b->hashes[t], b->rows[t], b->count[t], *next, 0};
        *next += (uint32_t)sparse_list_words(b->a->n_rows, b->count[t]);
        b->place[t] = n++;
    }
    fill_buckets((uint32_t *)b->l.buckets, b->head.bucket_bits, &terms->hash,
                 sizeof *terms / sizeof terms->hash, n);
    fill_buckets((uint32_t *)b->l.single_buckets, b->head.bucket_bits, hashes, 1, singles);
}

/* Long lists note where the part of this chunk begins. */
static void begin_chunk(struct building *b, size_t chunk)
{
    for (size_t t = 0; t < b->a->distinct; t++) {
        const struct sparse_list *list = &b->l.terms[b->place[t]];

        if (b->rows[t] > 1 && sparse_is_long(b->a->n_rows, list->count))
            ((uint32_t *)b->l.words)[list->at + chunk] = b->spare[t];
    }
}

static void put_posting(struct building *b, uint32_t t, uint8_t count, uint32_t row)
{
    struct sparse_list *list = (struct sparse_list *)&b->l.terms[b->place[t]];
    uint32_t *words = (uint32_t *)b->l.words + list->at, n = b->spare[t]++;
    float said = sparse_said(count) * b->l.inverse[row];

    if (sparse_is_long(b->a->n_rows, list->count)) {
        uint16_t *low = (uint16_t *)(words + sparse_chunks(b->a->n_rows) + 1);

        low[n] = (uint16_t)row;
        ((uint8_t *)(low + list->count))[n] = count;
    } else {
        words[n] = row;
        ((uint8_t *)(words + list->count))[n] = count;
    }
    list->most = said > list->most ? said : list->most;
}

static void fill_lists(struct building *b)
{
    const struct sparse_rows *a = b->a;

    memset(b->spare, 0, a->distinct * sizeof *b->spare);
    for (size_t came = 0; came < a->n_rows; came++)
        b->came[place_of(a, came)] = (uint32_t)came;
    for (size_t row = 0; row < a->n_rows; row++) {
        uint32_t came = b->came[row];

        if (row % CHUNK == 0)
            begin_chunk(b, row >> CHUNK_BITS);
        for (size_t i = came ? a->ends[came - 1] : 0; i < a->ends[came]; i++) {
            uint32_t t = a->terms[i];

            if (b->rows[t] > 1) {
                put_posting(b, t, a->counts[i], (uint32_t)row);
                continue;
            }
            ((uint32_t *)b->l.single_rows)[b->place[t]] = (uint32_t)row;
            ((uint8_t *)b->l.single_counts)[b->place[t]] = a->counts[i];
        }
    }
    begin_chunk(b, sparse_chunks(a->n_rows)); /* the end */
}

static int assemble(struct building *b, struct kn_sparse *x, struct kn_err *err)
{
    size_t bytes;
    void *block;

    size_parts(b);
    if (b->head.words > UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "index: full, with the words of %zu titles",
                          b->a->n_rows);
    bytes = kn_sparse_parts(&b->head, NULL, NULL);
    block = calloc(1, bytes);
    if (!block)
        return no_memory(b->a->n_rows, err);
    memcpy(block, &b->head, sizeof b->head);
    kn_sparse_parts(&b->head, block, &b->l);
    memcpy((float *)b->l.inverse, b->inverse, b->a->n_rows * sizeof *b->inverse);
    place_terms(b);
    fill_lists(b);
    x->l = b->l;
    x->block = block;
    x->bytes = bytes;
    return KN_OK;
}

int kn_sparse_build(struct kn_sparse *x, const struct kn_sparse *base, struct kn_err *err)
{
    struct building b = {.a = x->added, .base = base};
    int rc;

    assert(x->added);
    b.all_rows = b.a->n_rows + (base ? kn_sparse_rows(base) : 0);
    if (!make_building(&b)) {
        rc = no_memory(b.a->n_rows, err);
        goto out;
    }
    find_rarities(&b);
    weigh_rows(&b);
    sort_terms(&b);
    rc = assemble(&b, x, err);
    if (rc)
        goto out;
    x->base = base;
    kn_sparse_drop_added(x->added);
    x->added = NULL;
out:
    drop(&b);
    return rc;
}
