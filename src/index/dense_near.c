/* By sketches: which rows may be among the nearest. */
#include "index/dense_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NIBBLE = 7, WANT_EVERY = 8, EARLY = 16384 };

static void set_reached(struct asking *a, uint32_t reached)
{
    a->near.reached = reached;
    a->near.most = reached + (uint32_t)ceilf(kn_dense_margin(a->plan->far, (float)reached));
}

static void start_near(struct asking *a, uint32_t reached)
{
    struct near *near = &a->near;

    near->n = near->n_late = near->seen = near->wanted = near->within = near->best.n = 0;
    near->least = reached;
    set_reached(a, reached);
    memset(near->count, 0, (a->x->head.dim + 1) * sizeof *near->count);
}

/* Those numbers of the query that are near the mean say little by the side on which they are, so the distance leaves them out: of 100,000 films,
 * to hold 998 of 1,000 neighbours, it then lets 10 % pass instead of 14 (titles, k 100), and 7 instead of 21 (texts, k 10). */
#define CLEAR 0.6f

static void mark_clear(const struct asking *a, uint64_t *mask)
{
    const struct kn_dense *x = a->x;
    float sum = 0;

    for (size_t i = 0; i < x->head.dim; i++)
        sum += fabsf(a->vector[i] - x->mean[i]);
    for (size_t i = 0; i < x->head.dim; i++) {
        bool clear = fabsf(a->vector[i] - x->mean[i]) * (float)x->head.dim >= CLEAR * sum;

        mask[i / 64] |= (uint64_t)clear << i % 64;
    }
}

void kn_dense_ask_sketches(struct asking *a, float largest)
{
    const struct kn_dense *x = a->x;
    float factor = largest > 1e-30f ? NIBBLE / largest : 0;

    kn_dense_sketch(a->vector, x->mean, x->head.dim, a->sketch);
    memset(a->sketch + x->layout.words, 0, 5 * x->layout.words * sizeof *a->sketch);
    mark_clear(a, a->sketch + x->layout.words);
    a->nibbles = 0;
    a->step = largest / NIBBLE;
    for (size_t i = 0; i < x->head.dim; i++) {
        int8_t v = kn_dense_byte(a->vector[i] * factor);

        a->nibbles += v;
        for (size_t bit = 0; bit < 4; bit++)
            a->sketch[(bit + 2) * x->layout.words + i / 64] |= (uint64_t)(v >> bit & 1) << i % 64;
    }
    start_near(a, (uint32_t)x->head.dim);
    a->near.fixed = false;
}

float kn_dense_blur(const struct asking *a, float limit)
{
    float along = limit * a->step, most = 0.9f * a->spread;

    along = along > 0 ? along * along : 0; /* of a unit query */
    return sqrtf(1 - (along < most && a->spread > 0 ? along / a->spread : 0.9f));
}

static bool grown(void *array, size_t n, size_t size)
{
    void *p;

    memcpy(&p, array, sizeof p);
    p = realloc(p, n * size);
    if (p)
        memcpy(array, &p, sizeof p);
    return p;
}

/* Room for a chunk more in each. Rows that are all alike all stay: then this is a scan of everything, as it must be. */
static int make_room(struct asking *a, struct kn_err *err)
{
    struct near *near = &a->near;
    size_t cap = near->n + KN_CHUNK > near->cap ? 2 * near->cap : near->cap;
    size_t late = near->n_late + KN_CHUNK > near->cap_late ? 2 * near->cap_late : near->cap_late;

    if (cap > near->cap && (!grown(&near->rows, cap, sizeof *near->rows) ||
                            !grown(&near->estimates, cap, sizeof *near->estimates)))
        goto no_memory;
    near->cap = cap;
    if (late > near->cap_late && !grown(&near->late, late, sizeof *near->late))
        goto no_memory;
    near->cap_late = late;
    return KN_OK;
no_memory:
    return kn_err_memory(err, "index: no memory to search %zu rows", (size_t)a->x->head.rows);
}

static void weigh(struct asking *a, size_t chunk, uint64_t which)
{
    const struct kn_dense *x = a->x;
    struct near *near = &a->near;
    float estimates[KN_CHUNK];

    x->kernels->weigh_sketches(
        (const uint64_t *)(const void *)kn_dense_chunk(x, PLANE_SKETCH, chunk), x->layout.words,
        a->sketch + 2 * x->layout.words, a->nibbles, which, -INFINITY, estimates);
    for (; which; which &= which - 1) {
        unsigned r = (unsigned)__builtin_ctzll(which);

        near->rows[near->n] = (uint32_t)(chunk * KN_CHUNK + r);
        near->estimates[near->n++] = estimates[r];
    }
}

/* How many of the k nearest should have been met by now, and three deviations more: rows come in no order. So from the first chunks
 * on about as many rows pass as at the end, and not all that are among the k best so far; whether it was so is known at the end. */
static void want(struct asking *a)
{
    struct near *near = &a->near;
    size_t soon = near->seen + WANT_EVERY * KN_CHUNK; /* it stands until then */
    double mean = (double)a->plan->near_k * (double)soon / (double)a->plan->passing;
    size_t wanted = (size_t)(mean + 3 * sqrt(mean)) + 2;

    near->wanted = wanted < a->plan->near_k ? wanted : a->plan->near_k;
}

static void reach(struct asking *a)
{
    struct near *near = &a->near;
    uint32_t reached = near->reached;

    while (near->within < near->wanted && reached < a->x->head.dim)
        near->within += near->count[++reached];
    while (near->within - near->count[reached] >= near->wanted)
        near->within -= near->count[reached--];
    if (reached != near->reached)
        set_reached(a, reached);
    near->least = reached < near->least ? reached : near->least;
}

/* The rows that are no farther than the k-th best by more than the calibration found needful: by the bits that differ, and of
 * those by an estimate, four times as dear and as many times as sharp, taken while the sketch is in the cache; of the first at the
 * end, when few of them pass any more. A margin and not a
 * number of candidates: titles lie in clumps, where a few dozen rows pass, and a text may lie far from all, where thousands do. */
int kn_dense_scan_sketches(struct asking *a, size_t from, size_t to, struct kn_err *err)
{
    const struct kn_dense *x = a->x;
    struct near *near = &a->near;
    uint16_t distances[KN_CHUNK];

    for (size_t c = from; c < to; c++) {
        const uint64_t *chunk = (const uint64_t *)(const void *)kn_dense_chunk(x, PLANE_SKETCH, c);
        uint64_t allowed = kn_dense_allowed(a, c), found;
        int rc = allowed ? kn_dense_touch(x, PLANE_SKETCH, c, err) : KN_OK;

        if (rc == KN_OK)
            rc = make_room(a, err);
        if (rc)
            return rc;
        if (!allowed)
            continue;
        found = allowed & x->kernels->scan_sketches(chunk, x->layout.words, a->sketch,
                                                    near->most + 1, distances);
        near->seen += (size_t)__builtin_popcountll(allowed);
        if (near->wanted == 0 || c % WANT_EVERY == 0)
            want(a);
        for (uint64_t f = found; f; f &= f - 1) {
            uint16_t d = distances[__builtin_ctzll(f)];

            near->count[d]++;
            near->within += d <= near->reached;
        }
        if (!near->fixed)
            reach(a);
        if (near->seen > EARLY) {
            weigh(a, c, found);
            continue;
        }
        for (; found; found &= found - 1) {
            unsigned r = (unsigned)__builtin_ctzll(found);

            near->late[near->n_late++] = (struct late){(uint32_t)(c * KN_CHUNK + r), distances[r]};
        }
    }
    return KN_OK;
}

/* Were rows left out that the k-th best of all would have let pass? Then all are looked at again, now that it is known. Counts are whole up
 * to least and its margin, and beyond it too low: so what is found to be within reach is never too near. */
static int scan_again_where_needed(struct asking *a, struct kn_err *err)
{
    struct near *near = &a->near;
    uint32_t final = 0;

    for (size_t n = near->count[0]; n < a->plan->near_k && final < a->x->head.dim;)
        n += near->count[++final];
    if (final <= near->least)
        return KN_OK;
    start_near(a, final);
    near->fixed = true;
    return kn_dense_scan_sketches(a, 0, a->x->layout.chunks, err);
}

static int weigh_late(struct asking *a, struct kn_err *err)
{
    struct near *near = &a->near;
    int rc = KN_OK;

    for (size_t i = 0; i < near->n_late && rc == KN_OK;) {
        size_t chunk = near->late[i].row / KN_CHUNK;
        uint64_t which = 0;

        for (; i < near->n_late && near->late[i].row / KN_CHUNK == chunk; i++)
            if (near->late[i].distance <= near->most)
                which |= UINT64_C(1) << near->late[i].row % KN_CHUNK;
        if (which)
            rc = make_room(a, err);
        if (which && rc == KN_OK)
            weigh(a, chunk, which);
    }
    return rc;
}

/* Those whose estimate is not too far behind the k-th best's. */
static void keep_near(struct asking *a)
{
    struct near *near = &a->near;
    size_t kept = 0;
    float limit, blur;

    for (size_t i = 0; i < near->n; i++)
        kn_best_offer(&near->best, near->rows[i], near->estimates[i]);
    limit = kn_best_limit(&near->best);
    blur = kn_dense_blur(a, limit);
    limit -= a->step > 0 ? kn_dense_margin(a->plan->faint, blur) * blur / a->step : 0;
    for (size_t i = 0; i < near->n; i++)
        if (near->estimates[i] >= limit)
            near->rows[kept++] = near->rows[i];
    near->n = kept;
}

int kn_dense_near(struct asking *a, struct kn_err *err)
{
    int rc = scan_again_where_needed(a, err);

    if (rc == KN_OK)
        rc = weigh_late(a, err);
    if (rc == KN_OK)
        keep_near(a);
    return rc;
}
