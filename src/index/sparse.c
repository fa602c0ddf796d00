#include "index/sparse.h"

#include "base/err.h"
#include "index/sparse_lists.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rare is what a tenth of the rows say at most, and three in any case. */
enum { COMMON = 10, LEAST_ROWS = 3 };

/* Of a list that is read: 8 KB, two pages' worth. */
enum { READ_WORDS = 2048 };

/* Sums of bounds are rounded; what they rule out must not depend on it. */
#define SLACK 1.0001F

/* ---- the block ---- */

static const void *part(const void *block, size_t *at, size_t bytes)
{
    const void *p = block ? (const char *)block + *at : NULL;

    *at += (bytes + 7) / 8 * 8;
    return p;
}

size_t kn_sparse_parts(const struct sparse_head *h, const void *block, struct sparse_lists *out)
{
    size_t at = 0, buckets = ((size_t)1 << h->bucket_bits) + 1;
    struct sparse_lists l;

    l.head = part(block, &at, sizeof *h);
    l.buckets = part(block, &at, buckets * sizeof *l.buckets);
    l.single_buckets = part(block, &at, buckets * sizeof *l.single_buckets);
    l.terms = part(block, &at, h->terms * sizeof *l.terms);
    l.single_hashes = part(block, &at, h->singles * sizeof *l.single_hashes);
    l.single_rows = part(block, &at, h->singles * sizeof *l.single_rows);
    l.inverse = part(block, &at, h->rows * sizeof *l.inverse);
    l.words = part(block, &at, h->words * sizeof *l.words);
    l.single_counts = part(block, &at, h->singles);
    if (block)
        *out = l;
    return at;
}

const void *kn_sparse_bytes(const struct kn_sparse *x, size_t *n)
{
    *n = x->bytes;
    return x->l.head;
}

int kn_sparse_map(const void *bytes, size_t n, struct kn_sparse **out, struct kn_err *err)
{
    const struct sparse_head *h = bytes;
    struct kn_sparse *x;

    if (n < sizeof *h || memcmp(h->magic, SPARSE_MAGIC, sizeof h->magic) != 0 ||
        h->bucket_bits == 0 || h->bucket_bits > 24 || h->words > UINT32_MAX ||
        kn_sparse_parts(h, NULL, NULL) != n)
        return kn_err_set(err, KN_ECORRUPT, "index: these are not lists of rare words");
    x = calloc(1, sizeof *x);
    if (!x)
        return kn_err_set(err, KN_ELIMIT, "index: no memory");
    if (kn_kernels_choose(&x->kernels, err)) {
        free(x);
        return KN_EARG;
    }
    kn_sparse_parts(h, bytes, &x->l);
    x->bytes = n;
    x->fd = -1;
    *out = x;
    return KN_OK;
}

void kn_sparse_read_short(struct kn_sparse *x, int fd, uint64_t at)
{
    x->fd = fd;
    x->at = at;
}

void kn_sparse_free(struct kn_sparse *x)
{
    if (!x)
        return;
    kn_sparse_drop_added(x->added);
    free(x->block);
    free(x);
}

size_t kn_sparse_rows(const struct kn_sparse *x)
{
    return x->l.head->rows;
}

/* ---- terms and their weights ---- */

static const struct sparse_list *list_of(const struct kn_sparse *x, uint32_t hash) /* or NULL */
{
    const uint32_t *b = x->l.buckets + (hash >> (32 - x->l.head->bucket_bits));

    for (uint32_t i = b[0]; i < b[1] && i < x->l.head->terms; i++)
        if (x->l.terms[i].hash == hash)
            return &x->l.terms[i];
    return NULL;
}

static bool single_of(const struct kn_sparse *x, uint32_t hash, uint32_t *which)
{
    const uint32_t *b = x->l.single_buckets + (hash >> (32 - x->l.head->bucket_bits));
    uint32_t from = b[0], to = b[1] < x->l.head->singles ? b[1] : x->l.head->singles;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (x->l.single_hashes[middle] < hash)
            from = middle + 1;
        else
            to = middle;
    }
    *which = from;
    return from < x->l.head->singles && x->l.single_hashes[from] == hash;
}

size_t kn_sparse_rows_with(const struct kn_sparse *x, uint32_t hash)
{
    const struct sparse_list *list = list_of(x, hash);
    uint32_t which;
    size_t rows = list ? list->rows : single_of(x, hash, &which);

    return rows + (x->base ? kn_sparse_rows_with(x->base, hash) : 0);
}

size_t kn_sparse_all_rows(const struct kn_sparse *x)
{
    return kn_sparse_rows(x) + (x->base ? kn_sparse_all_rows(x->base) : 0);
}

float kn_sparse_rarity(size_t all, size_t rows)
{
    size_t most = all / COMMON > LEAST_ROWS ? all / COMMON : LEAST_ROWS;
    double n = (double)rows;

    return rows > most ? 0 : (float)log(1 + ((double)all - n + 0.5) / (n + 0.5));
}

static int by_weight(const void *pa, const void *pb)
{
    const struct sparse_weighed *a = pa, *b = pb;

    if (a->shared != b->shared)
        return a->shared ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

static void swap(struct sparse_weighed *a, struct sparse_weighed *b)
{
    struct sparse_weighed c = *a;

    *a = *b;
    *b = c;
}

/* The KN_SPARSE_TERMS best to the front, in any order (Hoare's selection): a fifth of what sorting takes. No two are equal. */
static void select_best(struct sparse_weighed *w, size_t n)
{
    size_t from = 0, to = n;

    while (to - from > 1) {
        size_t edge = from;

        swap(&w[from + (to - from) / 2], &w[to - 1]);
        for (size_t i = from; i < to - 1; i++)
            if (by_weight(&w[i], &w[to - 1]) < 0)
                swap(&w[i], &w[edge++]);
        swap(&w[edge], &w[to - 1]);
        if (edge == KN_SPARSE_TERMS)
            return;
        if (edge < KN_SPARSE_TERMS)
            from = edge + 1;
        else
            to = edge;
    }
}

size_t kn_sparse_keep(struct sparse_weighed *w, size_t n, float *inverse)
{
    double square = 0;

    if (n > KN_SPARSE_TERMS) {
        select_best(w, n);
        n = KN_SPARSE_TERMS;
    }
    for (size_t i = 0; i < n; i++)
        square += (double)w[i].weight * (double)w[i].weight;
    *inverse = square > 0 ? (float)(1 / sqrt(square)) : 0;
    return n;
}

void kn_sparse_weigh(const struct kn_sparse *x, const struct kn_term *terms, size_t n,
                     struct kn_sparse_text *out)
{
    struct sparse_weighed w[KN_TERMS];
    size_t kept = 0, all = kn_sparse_all_rows(x);
    float inverse;

    assert(n <= KN_TERMS);
    for (size_t i = 0; i < n; i++) {
        size_t rows = kn_sparse_rows_with(x, terms[i].hash);
        float rarity = rows > 0 ? kn_sparse_rarity(all, rows) : 0;

        if (rarity > 0)
            w[kept++] = (struct sparse_weighed){terms[i].hash, 0,
                                                sparse_said(terms[i].count) * rarity, rows > 1};
    }
    out->n = kn_sparse_keep(w, kept, &inverse);
    for (size_t i = 0; i < out->n; i++)
        w[i].shared = true; /* all are kept now: only the weight orders them */
    if (out->n > 0)
        qsort(w, out->n, sizeof *w, by_weight);
    for (size_t i = 0; i < out->n; i++)
        out->terms[i] = (struct kn_sparse_term){w[i].hash, w[i].weight * inverse};
}

/* ---- search ---- */

struct walk {     /* over one term's rows */
    float weight; /* of the text, times the term's rarity here */
    float most;   /* that a row can gain by it */
    float rest;   /* that it can gain by this and all behind it, a little more for rounding */
    size_t n, at; /* at: how far a short one is */
    const uint32_t *chunks; /* of a long one; else NULL */
    const uint32_t *rows;   /* of a short one */
    const uint16_t *low;    /* of a long one */
    const uint8_t *counts;
};

struct search {
    const struct kn_sparse *x;
    const uint64_t *allowed;
    struct walk walks[KN_SPARSE_TERMS];
    size_t n;
    float said[COUNT_MAX + 1];
    float *sums;                /* of one chunk */
    struct kn_sparse_hit *hits; /* room for 2 k; the first k in order after cut */
    size_t n_hits, k;
    uint32_t *lists; /* those that were read, one behind another; NULL: none */
    size_t n_lists;  /* words of them */
    float beyond;    /* only what scores more can still be among the k */
};

static int best_first(const void *pa, const void *pb)
{
    const struct kn_sparse_hit *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static void cut(struct search *s)
{
    if (s->n_hits > 0)
        qsort(s->hits, s->n_hits, sizeof *s->hits, best_first);
    if (s->n_hits >= s->k) {
        s->n_hits = s->k;
        s->beyond = s->hits[s->k - 1].score;
    }
}

/* Rows come in order: one that scores the same as the last of k comes behind it. */
static void offer(struct search *s, uint32_t row, float score)
{
    score = score < 1 ? score : 1;
    if (!(score > s->beyond))
        return;
    s->hits[s->n_hits++] = (struct kn_sparse_hit){row, score};
    if (s->n_hits == 2 * s->k || (s->n_hits == s->k && !(s->beyond > 0)))
        cut(s);
}

static bool is_allowed(const uint64_t *allowed, uint32_t row)
{
    return !allowed || (allowed[row / 64] >> row % 64 & 1);
}

static int read_list(struct search *s, const struct sparse_list *list, const uint32_t **words,
                     struct kn_err *err)
{
    const struct sparse_lists *l = &s->x->l;
    size_t rows = l->head->rows, n = sparse_list_words(rows, list->count);
    uint64_t at =
        s->x->at + (uint64_t)((const char *)(l->words + list->at) - (const char *)l->head);

    if (!s->lists)
        s->lists = malloc(KN_SPARSE_TERMS * READ_WORDS * sizeof *s->lists);
    if (!s->lists)
        return kn_err_set(err, KN_ELIMIT, "index: no memory for lists of words");
    if (pread(s->x->fd, s->lists + s->n_lists, n * sizeof *s->lists, (off_t)at) !=
        (ssize_t)(n * sizeof *s->lists))
        return kn_err_set(err, KN_EIO, "index: a list of words cannot be read from its file");
    *words = s->lists + s->n_lists;
    s->n_lists += n;
    return KN_OK;
}

static int begin_list(struct search *s, const struct sparse_list *list, struct walk *w,
                      struct kn_err *err)
{
    const struct sparse_head *h = s->x->l.head;
    const uint32_t *words = s->x->l.words + list->at;
    int rc = KN_OK;

    if (list->count == 0 || list->count > h->rows ||
        list->at + sparse_list_words(h->rows, list->count) > h->words)
        return KN_OK; /* nobody kept it; or damaged: no such list */
    if (s->x->fd != -1 && sparse_list_words(h->rows, list->count) <= READ_WORDS)
        rc = read_list(s, list, &words, err);
    if (rc)
        return rc;
    w->n = list->count;
    w->most = w->weight * list->most;
    if (sparse_is_long(h->rows, list->count)) {
        w->chunks = words;
        w->low = (const uint16_t *)(words + sparse_chunks(h->rows) + 1);
        w->counts = (const uint8_t *)(w->low + list->count);
    } else {
        w->rows = words;
        w->counts = (const uint8_t *)(words + list->count);
    }
    return KN_OK;
}

static int begin(struct search *s, const struct kn_sparse_text *text, struct kn_err *err)
{
    const struct kn_sparse *x = s->x;
    size_t all = kn_sparse_all_rows(x);

    for (uint32_t c = 0; c <= COUNT_MAX; c++)
        s->said[c] = sparse_said(c);
    for (size_t i = 0; i < text->n; i++) {
        uint32_t hash = text->terms[i].hash, which;
        const struct sparse_list *list = list_of(x, hash);
        struct walk *w = &s->walks[s->n];
        int rc = KN_OK;

        *w = (struct walk){.weight = text->terms[i].weight *
                                     kn_sparse_rarity(all, kn_sparse_rows_with(x, hash))};
        if (list) {
            rc = begin_list(s, list, w, err);
        } else if (single_of(x, hash, &which) && x->l.single_rows[which] < x->l.head->rows) {
            w->n = 1;
            w->rows = &x->l.single_rows[which];
            w->counts = &x->l.single_counts[which];
            w->most = w->weight * s->said[*w->counts] * x->l.inverse[*w->rows];
        }
        if (rc)
            return rc;
        s->n += w->n > 0 && w->most > 0;
    }
    for (size_t i = s->n; i-- > 0;)
        s->walks[i].rest = s->walks[i].most * SLACK + (i + 1 < s->n ? s->walks[i + 1].rest : 0);
    return KN_OK;
}

/* The part of a long list that lies in a chunk. */
static void part_of(const struct walk *w, size_t chunk, size_t *from, size_t *to)
{
    *to = w->chunks[chunk + 1] < w->n ? w->chunks[chunk + 1] : w->n;
    *from = w->chunks[chunk] < *to ? w->chunks[chunk] : *to;
}

static void add_walk(struct search *s, struct walk *w, size_t chunk)
{
    size_t from, to;

    if (w->chunks) {
        part_of(w, chunk, &from, &to);
        for (size_t i = from; i < to; i++)
            s->sums[w->low[i]] += w->weight * s->said[w->counts[i]];
        return;
    }
    while (w->at < w->n && w->rows[w->at] >> CHUNK_BITS < chunk)
        w->at++;
    for (; w->at < w->n && w->rows[w->at] >> CHUNK_BITS == chunk; w->at++)
        s->sums[w->rows[w->at] % CHUNK] += w->weight * s->said[w->counts[w->at]];
}

/* What a row has of a term; 0: it does not say it. */
static float looked_up(const struct search *s, const struct walk *w, uint32_t row)
{
    size_t from = 0, to = w->n, end;

    if (w->chunks)
        part_of(w, row >> CHUNK_BITS, &from, &to);
    end = to;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        bool before = w->chunks ? w->low[middle] < row % CHUNK : w->rows[middle] < row;

        if (before)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == end || (w->chunks ? w->low[from] != row % CHUNK : w->rows[from] != row))
        return 0;
    return w->weight * s->said[w->counts[from]];
}

/* The rest of a row's sum, in order, for as long as it can still be one of the k. */
static void finish_row(struct search *s, uint32_t row, float sum, size_t added)
{
    float inverse = s->x->l.inverse[row];

    if (!is_allowed(s->allowed, row))
        return;
    for (size_t i = added; i < s->n; i++) {
        if (!(sum * inverse * SLACK + s->walks[i].rest > s->beyond))
            return;
        sum += looked_up(s, &s->walks[i], row);
    }
    offer(s, row, sum * inverse);
}

/* Most rows say nothing of it. */
static void finish_chunk(struct search *s, size_t chunk, size_t rows, size_t added)
{
    const float *inverse = s->x->l.inverse + (chunk << CHUNK_BITS);
    float rest = added < s->n ? s->walks[added].rest : 0;

    for (size_t i = 0; i < rows; i += KN_CHUNK) {
        size_t n = rows - i < KN_CHUNK ? rows - i : KN_CHUNK;
        float least = (s->beyond - rest) / SLACK;
        uint64_t over =
            s->x->kernels->products_above(s->sums + i, inverse + i, n, least > 0 ? least : 0);

        for (; over; over &= over - 1) {
            size_t j = i + (size_t)__builtin_ctzll(over);

            finish_row(s, (uint32_t)(chunk << CHUNK_BITS | j), s->sums[j], added);
        }
    }
}

/* How many lists are to be added: what those behind them give together brings no row among the k. */
static size_t essential(const struct search *s)
{
    size_t n = s->n;

    while (n > 0 && !(s->walks[n - 1].rest > s->beyond))
        n--;
    return n;
}

int kn_sparse_search(const struct kn_sparse *x, const struct kn_sparse_text *text,
                     const uint64_t *allowed, size_t k, struct kn_sparse_hit *hits, size_t *found,
                     struct kn_err *err)
{
    struct search s = {
        .x = x, .allowed = allowed, .k = k < kn_sparse_rows(x) ? k : kn_sparse_rows(x)};
    size_t rows = kn_sparse_rows(x), chunks = sparse_chunks(rows), added;
    int rc = KN_OK;

    if (s.k == 0 || text->n == 0) {
        *found = 0;
        return KN_OK;
    }
    s.sums = malloc(CHUNK * sizeof *s.sums); /* whole: damaged lists may lead behind the last row */
    s.hits = malloc(2 * s.k * sizeof *s.hits);
    if (!s.sums || !s.hits) {
        rc = kn_err_set(err, KN_ELIMIT, "index: no memory to compare %zu titles", rows);
        goto out;
    }
    rc = begin(&s, text, err);
    if (rc)
        goto out;
    for (size_t c = 0; c < chunks && (added = essential(&s)) > 0; c++) {
        size_t here = c + 1 < chunks ? CHUNK : rows - (c << CHUNK_BITS);

        memset(s.sums, 0, here * sizeof *s.sums);
        for (size_t i = 0; i < added; i++)
            add_walk(&s, &s.walks[i], c);
        finish_chunk(&s, c, here, added);
    }
    cut(&s);
    memcpy(hits, s.hits, s.n_hits * sizeof *hits);
    *found = s.n_hits;
out:
    free(s.lists);
    free(s.sums);
    free(s.hits);
    return rc;
}
