/* What a recall takes: the true neighbours of some rows and queries are found by their 16 bits among the 512 best by codes, and of each
 * it is asked how far behind the k-th best it is by its sketch, by its estimate, and which place it has by codes. So one scan
 * gives the recall for every setting at once. */
#include "index/dense_internal.h"

#include "base/cancel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the misses that the recall allows, what each step may take; the rest is for chance in what was drawn. */
#define CODES_SHARE 0.1
#define ESTIMATE_SHARE 0.4
#define SKETCH_SHARE 0.2
#define FAINT_STEP 0.01f
enum {
    ASKED = 256,
    ASKED_MANY = 128,
    MANY = 200000,
    TRUE_K = 100,
    POOL = 512,
    GROUP = 16,
    LEAST_RERANKED = 2,
    STEPS = 64
};
static const size_t at_k[] = {10, TRUE_K};

struct place { /* of one true neighbour; by_codes from 1, 0 where there is none */
    uint32_t by_codes;
    int32_t far[2];
    float faint[2];
};

/* Of one that asks: where its k-th best is, by distance and by estimate; and how many rows a margin of so many bits, or steps of the
 * estimate, lets pass at k 10. */
struct passing {
    float reached[2], blur[2];
    uint32_t far[STEPS], faint[STEPS];
};

struct calibration {
    struct kn_dense *x;
    const struct kn_dense_how *how;
    struct plan by_codes, by_sketch;
    size_t own, given;    /* how many rows and queries are asked: rows first */
    struct place *places; /* TRUE_K of each */
    struct passing *passing;
};

static bool asked_row(const struct calibration *c, size_t i, uint32_t *row)
{
    if (i >= c->own)
        return false;
    *row = (uint32_t)(c->x->head.rows * i / c->own);
    return true;
}

static int ask(const struct calibration *c, size_t i, struct asking *a, struct kn_err *err)
{
    float v[MAX_DIM];
    const float *query = v;
    uint32_t row;

    if (asked_row(c, i, &row)) {
        int rc = kn_dense_row(c->x, row, v, err);

        if (rc)
            return rc;
    } else {
        query = c->how->queries + c->how->n_queries * (i - c->own) / c->given * c->how->dim;
    }
    kn_dense_ask_again(a, query);
    return KN_OK;
}

/* What the sketches say of all rows to one query. */
struct view {
    struct asking *a;
    uint16_t *distances; /* of all rows, whole chunks */
    float *estimates;
    uint32_t up_to[MAX_DIM + 1]; /* rows within a distance */
    uint32_t reached[2];
    float limit[2]; /* the k-th best estimate */
};

static int new_view(const struct calibration *c, struct view **out, struct kn_err *err)
{
    size_t rows = c->x->layout.chunks * KN_CHUNK;
    struct view *v = calloc(1, sizeof *v);

    *out = v; /* freed by the caller, whatever comes */
    if (!v)
        return kn_err_memory(err, "index: no memory to calibrate");
    v->distances = malloc(rows * sizeof *v->distances);
    v->estimates = malloc(rows * sizeof *v->estimates);
    if (!v->distances || !v->estimates)
        return kn_err_memory(err, "index: no memory to calibrate %zu rows", rows);
    return kn_dense_ask(c->x, &c->by_sketch, &v->a, err);
}

static void free_view(struct view *v)
{
    if (!v)
        return;
    kn_dense_asked(v->a);
    free(v->distances);
    free(v->estimates);
    free(v);
}

static void look(struct view *v)
{
    const struct kn_dense *x = v->a->x;
    const uint64_t *query = v->a->sketch, *nibbles = query + 2 * x->layout.words;
    size_t rows = x->head.rows;
    struct kn_exact_hit hits[2][TRUE_K];
    struct kn_best best[2] = {{hits[0], 0, at_k[0]}, {hits[1], 0, at_k[1]}};

    memset(v->up_to, 0, sizeof v->up_to);
    for (size_t c = 0; c < x->layout.chunks; c++) {
        const uint64_t *chunk = (const uint64_t *)(const void *)kn_dense_chunk(x, PLANE_SKETCH, c);
        size_t n = rows - c * KN_CHUNK < KN_CHUNK ? rows - c * KN_CHUNK : KN_CHUNK;
        uint64_t offered;

        x->kernels->scan_sketches(chunk, x->layout.words, query, INT32_MAX,
                                  v->distances + c * KN_CHUNK);
        offered = x->kernels->weigh_sketches(
            chunk, x->layout.words, nibbles, v->a->nibbles, UINT64_MAX >> (KN_CHUNK - n),
            kn_best_limit(&best[AT_100]), v->estimates + c * KN_CHUNK);
        for (size_t r = 0; r < n; r++)
            v->up_to[v->distances[c * KN_CHUNK + r]]++;
        for (; offered; offered &= offered - 1) {
            size_t row = c * KN_CHUNK + (size_t)__builtin_ctzll(offered);

            for (int at = AT_10; at <= AT_100; at++)
                kn_best_offer(&best[at], (uint32_t)row, v->estimates[row]);
        }
    }
    for (size_t i = 1; i <= x->head.dim; i++)
        v->up_to[i] += v->up_to[i - 1];
    for (int at = AT_10; at <= AT_100; at++) {
        size_t k = at_k[at] < rows ? at_k[at] : rows;

        best[at].k = k;
        v->limit[at] = kn_best_limit(&best[at]);
        v->reached[at] = 0;
        while (v->up_to[v->reached[at]] < k)
            v->reached[at]++;
    }
}

static void count_passing(const struct view *v, struct passing *p)
{
    const struct kn_dense *x = v->a->x;
    float step = FAINT_STEP * kn_dense_blur(v->a, v->limit[AT_10]);

    memset(p, 0, sizeof *p);
    for (int at = AT_10; at <= AT_100; at++) {
        p->reached[at] = (float)v->reached[at];
        p->blur[at] = kn_dense_blur(v->a, v->limit[at]);
    }
    for (size_t i = 0; i < STEPS; i++) {
        size_t d = v->reached[AT_10] + i;

        p->far[i] = v->up_to[d < x->head.dim ? d : x->head.dim];
    }
    for (size_t row = 0; row < x->head.rows; row++) {
        float steps = (v->limit[AT_10] - v->estimates[row]) * v->a->step / step;

        if (steps < STEPS - 1)
            p->faint[steps > 0 ? (size_t)steps + 1 : 0]++;
    }
    for (size_t i = 1; i < STEPS; i++)
        p->faint[i] += p->faint[i - 1];
}

struct neighbour {
    struct kn_exact_hit hit;
    uint32_t by_codes;
};

static int nearer(const void *pa, const void *pb)
{
    const struct neighbour *a = pa, *b = pb;

    return kn_best_worse(a->hit, b->hit) ? 1 : -1;
}

/* What the scan of the codes left in a->best, to places. */
static int place(const struct calibration *c, struct asking *a, struct view *v, size_t i,
                 struct kn_err *err)
{
    struct neighbour near[POOL];
    uint32_t self = UINT32_MAX;
    size_t n = 0;
    int rc = ask(c, i, v->a, err);

    if (rc)
        return rc;
    look(v);
    count_passing(v, &c->passing[i]);
    kn_best_sort(&a->best);
    asked_row(c, i, &self);
    for (size_t h = 0; h < a->best.n; h++) {
        if (a->best.hits[h].row == self)
            continue;
        near[n] = (struct neighbour){{a->best.hits[h].row, 0}, (uint32_t)h + 1};
        rc = kn_dense_similarity(a, near[n].hit.row, &near[n].hit.similarity, err);
        if (rc)
            return rc;
        n++;
    }
    if (n > 0)
        qsort(near, n, sizeof *near, nearer);
    for (size_t h = 0; h < n && h < TRUE_K; h++) {
        struct place *p = &c->places[i * TRUE_K + h];
        uint32_t row = near[h].hit.row;

        p->by_codes = near[h].by_codes;
        for (int at = AT_10; at <= AT_100; at++) {
            p->far[at] = (int32_t)v->distances[row] - (int32_t)v->reached[at];
            p->faint[at] =
                (v->limit[at] - v->estimates[row]) * v->a->step / kn_dense_blur(v->a, v->limit[at]);
        }
    }
    return KN_OK;
}

static int calibrate_part(void *ctx, size_t from, size_t to, struct kn_err *err)
{
    const struct calibration *c = ctx;
    const struct kn_dense *x = c->x;
    size_t step = kn_dense_pass_chunks(x, BY_CODES);
    struct asking *asking[GROUP] = {0};
    struct view *view;
    int rc = new_view(c, &view, err);

    for (size_t i = 0; i < GROUP && rc == KN_OK; i++)
        rc = kn_dense_ask(x, &c->by_codes, &asking[i], err);
    for (; from < to && rc == KN_OK; from += GROUP) {
        size_t n = to - from < GROUP ? to - from : GROUP;

        if (kn_cancel_is_set(c->how->cancel))
            rc = kn_err_set(err, KN_ECANCELLED, "index: building was cancelled");
        for (size_t i = 0; i < n && rc == KN_OK; i++)
            rc = ask(c, from + i, asking[i], err);
        for (size_t at = 0; at < x->layout.chunks && rc == KN_OK; at += step)
            for (size_t i = 0; i < n && rc == KN_OK; i++)
                rc =
                    kn_dense_pass(asking[i], at,
                                  at + step < x->layout.chunks ? at + step : x->layout.chunks, err);
        for (size_t i = 0; i < n && rc == KN_OK; i++)
            rc = place(c, asking[i], view, from + i, err);
    }
    free_view(view);
    for (size_t i = 0; i < GROUP; i++)
        kn_dense_asked(asking[i]);
    return rc;
}

static int ascending(const void *pa, const void *pb)
{
    float a = *(const float *)pa, b = *(const float *)pb;

    return (a > b) - (a < b);
}

enum step { BY_PLACE, BY_FAR, BY_FAINT };

static float asked_of(const struct place *p, enum step step, int at)
{
    return step == BY_PLACE ? (float)p->by_codes
           : step == BY_FAR ? (float)p->far[at]
                            : p->faint[at];
}

/* What holds all but this share of the first k neighbours of a group (rows: 0, queries: 1); *out as it was where the group is empty. */
static int needed(const struct calibration *c, enum step step, int at, double misses, int group,
                  float *out, struct kn_err *err)
{
    const size_t ends[] = {0, c->own, c->own + c->given};
    float *all = calloc((c->own + c->given) * TRUE_K + 1, sizeof *all);
    size_t n = 0;

    if (!all)
        return kn_err_memory(err, "index: no memory to calibrate");
    for (size_t i = ends[group]; i < ends[group + 1]; i++)
        for (size_t h = 0; h < at_k[at]; h++)
            if (c->places[i * TRUE_K + h].by_codes)
                all[n++] = asked_of(&c->places[i * TRUE_K + h], step, at);
    if (n > 0) {
        qsort(all, n, sizeof *all, ascending);
        *out = all[n - 1 - (size_t)(misses * (double)n)];
    }
    free(all);
    return KN_OK;
}

/* Three in four rows have their k-th best no farther than this. Less than any where queries are no farther. */
static int find_up_to(const struct calibration *c, enum step step, int at, float *out,
                      struct kn_err *err)
{
    float *all = calloc(c->own + c->given + 1, sizeof *all), *given = all + c->own;

    if (!all)
        return kn_err_memory(err, "index: no memory to calibrate");
    for (size_t i = 0; i < c->own + c->given; i++)
        all[i] = step == BY_FAR ? c->passing[i].reached[at] : c->passing[i].blur[at];
    *out = -1;
    if (c->own > 0 && c->given > 0) {
        qsort(all, c->own, sizeof *all, ascending);
        qsort(given, c->given, sizeof *given, ascending);
        if (all[c->own - 1 - c->own / 4] < given[c->given / 10])
            *out = all[c->own - 1 - c->own / 4];
    }
    free(all);
    return KN_OK;
}

/* Near, a wider margin costs next to nothing, so half of the misses is enough. */
static int find_margin(const struct calibration *c, enum step step, int at, double misses,
                       struct margin *m, struct kn_err *err)
{
    float width[2] = {0, 0};
    int rc = find_up_to(c, step, at, &m->up_to, err);

    for (int group = 0; group < 2 && rc == KN_OK; group++)
        rc = needed(c, step, at, group ? misses : misses / 2, group, &width[group], err);
    m->near = width[0] > 0 ? width[0] : 0;
    m->beyond = width[1] > m->near ? width[1] : m->near;
    return rc;
}

static bool is_near(const struct header *head, const struct place *p, const struct passing *by,
                    int at)
{
    return (float)p->far[at] <= kn_dense_margin(&head->far[at], by->reached[at]) &&
           p->faint[at] <= kn_dense_margin(&head->faint[at], by->blur[at]);
}

/* The recall of a group, where it is less. */
static void reach(const struct calibration *c, size_t from, size_t to, int at)
{
    struct header *head = &c->x->head;
    size_t n = 0, found = 0;
    double share;

    for (size_t i = from; i < to; i++)
        for (size_t h = 0; h < at_k[at]; h++) {
            const struct place *p = &c->places[i * TRUE_K + h];

            if (!p->by_codes)
                continue;
            n++;
            found += p->by_codes <= head->reranked[at] &&
                     (head->tier == KN_DENSE_FLAT || is_near(head, p, &c->passing[i], at));
        }
    share = n ? (double)found / (double)n : 1;
    head->reached[at] = share < head->reached[at] ? share : head->reached[at];
}

/* Means over all that were asked. */
static void count_work(const struct calibration *c)
{
    struct header *head = &c->x->head;
    size_t n = c->own + c->given, weighed = 0, candidates = 0;

    for (size_t i = 0; i < n; i++) {
        const struct passing *p = &c->passing[i];
        size_t far = (size_t)ceilf(kn_dense_margin(&head->far[AT_10], p->reached[AT_10]));
        size_t faint =
            (size_t)(kn_dense_margin(&head->faint[AT_10], p->blur[AT_10]) / FAINT_STEP) + 1;

        weighed += p->far[far < STEPS ? far : STEPS - 1];
        candidates += p->faint[faint < STEPS ? faint : STEPS - 1];
    }
    head->weighed = n ? (uint32_t)(weighed / n) : 0;
    head->candidates = n ? (uint32_t)(candidates / n) : 0;
}

static int conclude(const struct calibration *c, struct kn_err *err)
{
    struct header *head = &c->x->head;
    double misses = head->recall < 1 ? 1 - head->recall : 0;

    for (int at = AT_10; at <= AT_100; at++) {
        float reranked = (float)at_k[at] + LEAST_RERANKED;
        int rc = find_margin(c, BY_FAR, at, misses * SKETCH_SHARE, &head->far[at], err);

        if (rc == KN_OK)
            rc = find_margin(c, BY_FAINT, at, misses * ESTIMATE_SHARE, &head->faint[at], err);
        for (int group = 0; group < 2 && rc == KN_OK; group++) {
            float place = 0;

            rc = needed(c, BY_PLACE, at, misses * CODES_SHARE, group, &place, err);
            reranked = place > reranked ? place : reranked;
        }
        if (rc)
            return rc;
        head->reranked[at] = (uint32_t)reranked;
    }
    count_work(c);
    if (head->tier == KN_DENSE_AUTO)
        head->tier = kn_dense_sketch_pays(c->x, head->rows) ? KN_DENSE_SKETCH : KN_DENSE_FLAT;
    for (int at = AT_10; at <= AT_100; at++) {
        reach(c, 0, c->own, at);
        reach(c, c->own, c->own + c->given, at);
    }
    return KN_OK;
}

int kn_dense_calibrate(struct kn_dense *x, const struct kn_dense_how *how, struct kn_err *err)
{
    struct calibration c = {.x = x, .how = how};
    size_t n;
    int rc;

    x->head.reached[AT_10] = x->head.reached[AT_100] = 1;
    if (x->plane[PLANE_EXACT])
        return KN_OK;
    n = x->head.rows > MANY ? ASKED_MANY : ASKED;
    c.own = x->head.rows < n ? x->head.rows : n;
    c.given = c.own == 0 ? 0 : how->n_queries < n ? how->n_queries : n;
    c.by_codes = (struct plan){.way = BY_CODES, .k = 1};
    c.by_codes.reranked = x->head.rows < POOL ? x->head.rows : POOL;
    c.by_sketch = (struct plan){
        .way = BY_SKETCH, .k = 1, .reranked = 1, .near_k = 1, .far = x->head.far}; /* none yet */
    n = c.own + c.given;
    x->head.rows_asked = (uint32_t)c.own;
    x->head.queries_asked = (uint32_t)c.given;
    c.places = calloc(n * TRUE_K + 1, sizeof *c.places);
    c.passing = calloc(n + 1, sizeof *c.passing);
    if (!c.places || !c.passing)
        rc = kn_err_memory(err, "index: no memory to calibrate");
    else
        rc = n ? kn_dense_share(how->threads, n, calibrate_part, &c, err) : KN_OK;
    if (rc == KN_OK)
        rc = conclude(&c, err);
    free(c.places);
    free(c.passing);
    return rc;
}
