#include "recommend/layout.h"

#include "base/arena.h"
#include "base/err.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    LOOK_AT = 10000, /* vectors: more do not move the centres */
    ROUNDS = 12,     /* of k-means; it hardly moves after ten */
    STEPS = 300,     /* of SMACOF on at most 24 points */
    POWERS = 30,     /* of the iteration that finds an axis */
};

#define SHARPNESS 24.0 /* how fast a group that a title is less like loses its pull */
#define ROOM 0.45      /* of the way to the nearest other group that a group may fill */
#define TAU 6.283185307179586

static int no_memory(struct kn_err *err)
{
    return kn_err_set(err, KN_ELIMIT, "lay out titles: no memory");
}

static double dot(const float *a, const float *b, size_t dim)
{
    double sum[4] = {0}; /* one after the other, additions would wait for each other */
    size_t d = 0;

    for (; d + 4 <= dim; d += 4)
        for (size_t i = 0; i < 4; i++)
            sum[i] += (double)a[d + i] * (double)b[d + i];
    for (; d < dim; d++)
        sum[0] += (double)a[d] * (double)b[d];
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* False: it has no direction, and stays. */
static bool make_unit(const double *from, size_t dim, float *to)
{
    double square = 0;

    for (size_t d = 0; d < dim; d++)
        square += from[d] * from[d];
    if (square < DBL_MIN)
        return false;
    for (size_t d = 0; d < dim; d++)
        to[d] = (float)(from[d] / sqrt(square));
    return true;
}

/* The group that v is most like, and how much. */
static size_t nearest(const struct kn_layout *l, const float *v, double *similarity)
{
    size_t best = 0;
    double most = -(double)INFINITY;

    for (size_t c = 0; c < l->groups; c++) {
        double s = dot(v, l->centres + c * l->dim, l->dim);

        if (s > most) {
            most = s;
            best = c;
        }
    }
    *similarity = most;
    return best;
}

/* ---- groups ---- */

struct work {
    const float *const *vectors;
    size_t n, *group;
    double *similarity; /* of each vector with its group's centre */
    double *sums;       /* of a group's vectors; or, while seeding, what each vector weighs */
};

/* k-means++: each next centre is a vector, the likelier the further it is from those before. */
static void seed(struct kn_layout *l, struct work *w)
{
    uint32_t random = 2463534242u; /* Marsaglia's xorshift, its own seed */
    size_t pick = 0, wanted = l->groups;

    for (size_t i = 0; i < w->n; i++)
        w->similarity[i] = -1;
    for (l->groups = 0; l->groups < wanted;) {
        float *centre = l->centres + l->groups++ * l->dim;
        double sum = 0, at;

        memcpy(centre, w->vectors[pick], l->dim * sizeof *centre);
        for (size_t i = 0; i < w->n; i++) {
            w->similarity[i] = fmax(w->similarity[i], dot(w->vectors[i], centre, l->dim));
            w->sums[i] = pow(fmax(1 - w->similarity[i], 0), 2);
            sum += w->sums[i];
        }
        if (sum < DBL_EPSILON)
            break; /* all are copies of these */
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        at = sum * random / 4294967296.0;
        for (pick = 0; pick + 1 < w->n && (at -= w->sums[pick]) >= 0;)
            pick++;
    }
}

static void assign(const struct kn_layout *l, struct work *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->group[i] = nearest(l, w->vectors[i], &w->similarity[i]);
}

static void move_centres(struct kn_layout *l, struct work *w)
{
    assign(l, w);
    memset(w->sums, 0, l->groups * l->dim * sizeof *w->sums);
    for (size_t i = 0; i < w->n; i++)
        for (size_t d = 0; d < l->dim; d++)
            w->sums[w->group[i] * l->dim + d] += (double)w->vectors[i][d];
    for (size_t c = 0; c < l->groups; c++)
        make_unit(w->sums + c * l->dim, l->dim, l->centres + c * l->dim);
}

/* ---- where groups lie ---- */

static double apart(const double *places, size_t a, size_t b)
{
    return hypot(places[2 * a] - places[2 * b], places[2 * a + 1] - places[2 * b + 1]);
}

/* One Guttman transform, all weights 1. */
static void relax(const struct kn_layout *l, double *next)
{
    for (size_t a = 0; a < l->groups; a++) {
        double x = 0, y = 0;

        for (size_t b = 0; b < l->groups; b++) {
            const float *u = l->centres + a * l->dim, *v = l->centres + b * l->dim;
            double wanted, is = apart(l->places, a, b), pull;

            if (a == b)
                continue;
            wanted = sqrt(fmax(2 - 2 * dot(u, v, l->dim), 0));
            pull = is > DBL_EPSILON ? wanted / is : 0;
            x += l->places[2 * b] + pull * (l->places[2 * a] - l->places[2 * b]);
            y += l->places[2 * b + 1] + pull * (l->places[2 * a + 1] - l->places[2 * b + 1]);
        }
        next[2 * a] = x / (double)l->groups;
        next[2 * a + 1] = y / (double)l->groups;
    }
}

static int place_groups(struct kn_layout *l, struct kn_arena *arena, struct kn_err *err)
{
    double *next = kn_arena_array(arena, 2 * l->groups, sizeof *next), closest = (double)INFINITY;

    if (!next)
        return no_memory(err);
    for (size_t c = 0; c < l->groups; c++) {
        l->places[2 * c] = cos(TAU * (double)c / (double)l->groups);
        l->places[2 * c + 1] = sin(TAU * (double)c / (double)l->groups);
    }
    for (int i = 0; i < STEPS; i++) {
        relax(l, next);
        memcpy(l->places, next, 2 * l->groups * sizeof *next);
    }
    for (size_t a = 0; a < l->groups; a++)
        for (size_t b = 0; b < a; b++)
            closest = fmin(closest, apart(l->places, a, b));
    l->spread = isfinite(closest) ? ROOM * closest : 1;
    return KN_OK;
}

/* ---- what sets titles apart within their groups ---- */

static void residual(const struct kn_layout *l, const struct work *w, size_t i, double *out)
{
    const float *v = w->vectors[i], *centre = l->centres + w->group[i] * l->dim;

    for (size_t d = 0; d < l->dim; d++)
        out[d] = (double)v[d] - w->similarity[i] * (double)centre[d];
}

/* The direction in which residuals differ most, across the axes before: the power method. */
static void find_axis(struct kn_layout *l, const struct work *w, size_t which, double *r,
                      double *sum)
{
    float *axis = l->axes + which * l->dim;

    for (size_t d = 0; d < l->dim; d++) /* any start will do that is across none of the answers */
        sum[d] = 1 + (double)(d % 7);
    for (int i = 0; i <= POWERS; i++) {
        for (size_t before = 0; before < which; before++) {
            const float *other = l->axes + before * l->dim;
            double along = 0;

            for (size_t d = 0; d < l->dim; d++)
                along += sum[d] * (double)other[d];
            for (size_t d = 0; d < l->dim; d++)
                sum[d] -= along * (double)other[d];
        }
        if (!make_unit(sum, l->dim, axis) || i == POWERS)
            return;
        memset(sum, 0, l->dim * sizeof *sum);
        for (size_t j = 0; j < w->n; j++) {
            double along = 0;

            residual(l, w, j, r);
            for (size_t d = 0; d < l->dim; d++)
                along += r[d] * (double)axis[d];
            for (size_t d = 0; d < l->dim; d++)
                sum[d] += along * r[d];
        }
    }
}

/* ---- placing ---- */

/* Before the turn. */
static struct kn_spot raw_place(const struct kn_layout *l, const float *v)
{
    double best, sum = 0, along[2];
    struct kn_spot spot = {.group = nearest(l, v, &best)};
    const float *centre = l->centres + spot.group * l->dim;

    for (size_t c = 0; c < l->groups; c++) {
        double pull = exp(SHARPNESS * (dot(v, l->centres + c * l->dim, l->dim) - best));

        spot.x += pull * l->places[2 * c];
        spot.y += pull * l->places[2 * c + 1];
        sum += pull;
    }
    for (size_t a = 0; a < 2; a++) {
        const float *axis = l->axes + a * l->dim;

        along[a] = dot(v, axis, l->dim) - best * dot(centre, axis, l->dim);
    }
    spot.x = spot.x / sum + l->spread * along[0];
    spot.y = spot.y / sum + l->spread * along[1];
    return spot;
}

/* The plane is drawn into a disc, so that a few far out do not press the rest together, and none is ever outside. */
struct kn_spot kn_layout_place(const struct kn_layout *l, const float *v)
{
    struct kn_spot spot;
    double x, y, shrink;

    if (l->groups == 0)
        return (struct kn_spot){0};
    spot = raw_place(l, v);
    x = l->turn[0] * spot.x + l->turn[1] * spot.y;
    y = l->turn[2] * spot.x + l->turn[3] * spot.y;
    shrink = 1 / sqrt(1 + x * x + y * y);
    spot.x = shrink * x;
    spot.y = shrink * y;
    return spot;
}

/* Turned and, where that is nearer, mirrored so that titles lie as they did (Procrustes in two dimensions), then scaled to a
 * mean square of 1. */
static void turn(struct kn_layout *l, const struct work *w, const struct kn_layout *before)
{
    double along = 0, across = 0, m_along = 0, m_across = 0, angle = 0, square = 0, scale;
    bool mirror = false;

    for (size_t i = 0; i < w->n; i++) {
        struct kn_spot is = raw_place(l, w->vectors[i]), was = {0};

        square += is.x * is.x + is.y * is.y;
        if (before)
            was = kn_layout_place(before, w->vectors[i]);
        along += is.x * was.x + is.y * was.y;
        across += is.x * was.y - is.y * was.x;
        m_along += is.x * was.x - is.y * was.y;
        m_across += is.x * was.y + is.y * was.x;
    }
    if (before && before->groups > 0) {
        mirror = hypot(m_along, m_across) > hypot(along, across);
        angle = mirror ? atan2(m_across, m_along) : atan2(across, along);
    }
    scale = square > DBL_EPSILON ? sqrt((double)w->n / square) : 1;
    l->turn[0] = scale * cos(angle);
    l->turn[1] = (mirror ? 1 : -1) * scale * sin(angle);
    l->turn[2] = scale * sin(angle);
    l->turn[3] = (mirror ? -1 : 1) * scale * cos(angle);
}

/* One group for few; more, but ever fewer a title, for many. */
static size_t groups_for(size_t n)
{
    double k = ceil(sqrt((double)n / 2));

    return k < 1 ? 1 : k > KN_LAYOUT_GROUPS ? KN_LAYOUT_GROUPS : (size_t)k;
}

int kn_layout_make(const float *const *vectors, size_t n, size_t dim,
                   const struct kn_layout *before, struct kn_arena *arena, struct kn_layout *out,
                   struct kn_err *err)
{
    size_t stride = n / LOOK_AT + 1, groups = groups_for(n);
    struct kn_layout l = {.dim = dim, .groups = groups, .fitted = n, .turn = {1, 0, 0, 1}};
    const float **looked = kn_arena_array(arena, n / stride + 1, sizeof *looked);
    struct work w = {.vectors = looked};
    double *r = kn_arena_array(arena, 2 * dim, sizeof *r);
    int rc;

    if (n == 0) {
        *out = (struct kn_layout){.dim = dim, .turn = {1, 0, 0, 1}};
        return KN_OK;
    }
    for (size_t i = 0; looked && i < n; i += stride)
        looked[w.n++] = vectors[i];
    w.group = kn_arena_array(arena, w.n, sizeof *w.group);
    w.similarity = kn_arena_array(arena, w.n, sizeof *w.similarity);
    w.sums = kn_arena_array(arena, w.n + groups * dim, sizeof *w.sums);
    l.centres = kn_arena_array(arena, groups * dim, sizeof *l.centres);
    l.axes = kn_arena_array(arena, 2 * dim, sizeof *l.axes);
    l.places = kn_arena_array(arena, 2 * groups, sizeof *l.places);
    if (!looked || !r || !w.group || !w.similarity || !w.sums || !l.centres || !l.axes || !l.places)
        return no_memory(err);
    seed(&l, &w);
    for (int i = 0; i < ROUNDS; i++)
        move_centres(&l, &w);
    assign(&l, &w);
    rc = place_groups(&l, arena, err);
    if (rc)
        return rc;
    find_axis(&l, &w, 0, r, r + dim);
    find_axis(&l, &w, 1, r, r + dim);
    turn(&l, &w, before);
    *out = l;
    return KN_OK;
}
