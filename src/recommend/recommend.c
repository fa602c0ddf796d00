#include "recommend.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double opinion_term(enum kn_rank rank, double a, double b)
{
    if (isnan(b) || (rank == KN_RANK_MOOD && isnan(a)))
        return NAN;
    return rank == KN_RANK_MOOD ? 1 - fabs(a - b) / 2 : (1 + b) / 2;
}

struct spread {
    double mean, deviation;
};

static struct spread spread_of(const struct kn_ranked *r, size_t n,
                               double (*term)(const struct kn_ranked *))
{
    struct spread s = {0, 0};
    size_t known = 0;

    for (size_t i = 0; i < n; i++) {
        double v = term(&r[i]);

        if (isnan(v))
            continue;
        s.mean += v;
        known++;
    }
    if (known == 0)
        return s;
    s.mean /= (double)known;
    for (size_t i = 0; i < n; i++) {
        double v = term(&r[i]);

        if (!isnan(v))
            s.deviation += (v - s.mean) * (v - s.mean);
    }
    s.deviation = sqrt(s.deviation / (double)known);
    return s;
}

/* Spread below this is rounding, and dividing by it would make noise rank. */
static double standardised(double v, struct spread s)
{
    return isnan(v) || s.deviation < 1e-9 ? 0 : (v - s.mean) / s.deviation;
}

static double likeness_of(const struct kn_ranked *r)
{
    return r->candidate->likeness;
}

static double term_of(const struct kn_ranked *r)
{
    return r->opinion_term;
}

static int by_order(const void *pa, const void *pb)
{
    const struct kn_ranked *a = pa, *b = pb;
    const struct kn_hit *x = &a->candidate->hit, *y = &b->candidate->hit;

    if (a->unknown_language != b->unknown_language)
        return a->unknown_language ? 1 : -1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (x->similarity != y->similarity)
        return x->similarity > y->similarity ? -1 : 1;
    return memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

int kn_rank(double query_opinion, const struct kn_candidate *candidates, size_t n,
            bool last_unknown, const struct kn_rank_options *options, struct kn_ranked *ranked,
            struct kn_err *err)
{
    double ws = options->w_similarity, wo = options->w_opinion;
    struct spread likeness, term;

    if (!(ws >= 0 && wo >= 0 && isfinite(ws + wo) && ws + wo > 0))
        return kn_err_set(err, KN_EARG,
                          "rank: weights %g and %g; both must be 0 or more, and not both 0", ws,
                          wo);
    for (size_t i = 0; i < n; i++) {
        const struct kn_hit *hit = &candidates[i].hit;

        ranked[i] = (struct kn_ranked){
            .candidate = &candidates[i],
            .opinion_term = opinion_term(options->rank, query_opinion, hit->opinion),
            .weak = hit->similarity < options->weak_below,
            .unknown_language = last_unknown && hit->language[0] == '\0',
        };
    }
    likeness = spread_of(ranked, n, likeness_of);
    term = spread_of(ranked, n, term_of);
    for (size_t i = 0; i < n; i++) {
        struct kn_ranked *r = &ranked[i];

        r->of_likeness = ws * standardised(likeness_of(r), likeness);
        r->of_opinion = wo * standardised(r->opinion_term, term);
        r->score = r->of_likeness + r->of_opinion;
        if (isnan(r->opinion_term))
            r->opinion_term = term.mean;
    }
    if (n > 0)
        qsort(ranked, n, sizeof *ranked, by_order);
    return KN_OK;
}

/* ---- rank correlation ---- */

struct placed {
    double value, place;
    size_t at;
};

static int greatest_first(const void *pa, const void *pb)
{
    const struct placed *a = pa, *b = pb;

    return (a->value < b->value) - (a->value > b->value);
}

/* Pearson's correlation of places: ranked's are 0, 1, 2...; p is made room for n. */
static double spearman(const struct kn_ranked *ranked, size_t n,
                       double (*term)(const struct kn_ranked *), struct placed *p)
{
    double mean = ((double)n - 1) / 2, both = 0, square = 0, whole = 0;

    for (size_t i = 0; i < n; i++)
        p[i] = (struct placed){.value = term(&ranked[i]), .at = i};
    qsort(p, n, sizeof *p, greatest_first);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && p[end].value == p[i].value;)
            end++;
        for (size_t j = i; j < end; j++)
            p[j].place = ((double)i + (double)end - 1) / 2;
    }
    for (size_t i = 0; i < n; i++) {
        double x = (double)p[i].at - mean, y = p[i].place - mean;

        both += x * y;
        whole += x * x;
        square += y * y;
    }
    return square > 0 ? both / sqrt(whole * square) : (double)NAN;
}

int kn_rank_correlations(const struct kn_ranked *ranked, size_t n, double *likeness,
                         double *opinion, struct kn_err *err)
{
    struct placed *p;

    if (n < 2) {
        *likeness = *opinion = (double)NAN;
        return KN_OK;
    }
    p = calloc(n, sizeof *p);
    if (!p)
        return kn_err_set(err, KN_ELIMIT, "rank: no memory for %zu places", n);
    *likeness = spearman(ranked, n, likeness_of, p);
    *opinion = spearman(ranked, n, term_of, p);
    free(p);
    return KN_OK;
}

/* ---- evidence ---- */

/* Sixteen sums side by side, four registers of any processor, in the compilers' vector extension: one register alone would
 * wait for itself. Moments lie in arenas, on no such boundary. */
typedef float lanes __attribute__((vector_size(16), aligned(4)));

static float dot(const float *a, const float *b, size_t dim)
{
    lanes sum[4] = {{0}};
    float rest = 0;
    size_t i = 0;

    for (; i + 16 <= dim; i += 16)
        for (size_t s = 0; s < 4; s++)
            sum[s] += *(const lanes *)(const void *)(a + i + 4 * s) *
                      *(const lanes *)(const void *)(b + i + 4 * s);
    for (; i < dim; i++)
        rest += a[i] * b[i];
    sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return rest + ((sum[0][0] + sum[0][1]) + (sum[0][2] + sum[0][3]));
}

bool kn_evidence(const struct kn_moment *a, size_t n_a, const struct kn_moment *b, size_t n_b,
                 size_t dim, size_t *in_a, size_t *in_b, double *similarity)
{
    float best = -INFINITY;

    for (size_t i = 0; i < n_a; i++) {
        for (size_t j = 0; j < n_b; j++) {
            float s = a[i].vector && b[j].vector ? dot(a[i].vector, b[j].vector, dim) : -INFINITY;

            if (s > best) {
                best = s;
                *in_a = i;
                *in_b = j;
            }
        }
    }
    if (best == -INFINITY) /* no moments, or none with a vector: a damaged library */
        return false;
    if (similarity)
        *similarity = (double)best;
    return true;
}

/* Letters, digits and every byte of a character beyond ASCII. */
static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* The next word at *p in folded text, and *p behind it; empty at the end. */
static struct kn_sv next_word(const char **p)
{
    struct kn_sv word;

    while (**p && !in_word(**p))
        ++*p;
    word = (struct kn_sv){*p, 0};
    for (; in_word(**p); ++*p)
        word.n++;
    return word;
}

static bool has_word(const char *text, struct kn_sv word)
{
    for (struct kn_sv w = next_word(&text); w.n > 0; w = next_word(&text)) {
        if (kn_sv_eq(w, word))
            return true;
    }
    return false;
}

size_t kn_best_line(const struct kn_segment *segments, size_t n, const char *query)
{
    struct kn_buf asked, line;
    size_t best = 0, most = 0;

    kn_buf_init(&asked, 1 << 20);
    kn_buf_init(&line, 1 << 20);
    if (kn_fold(kn_sv_of(query), &asked, NULL))
        goto out; /* no memory: the moment's beginning is an answer too */
    for (size_t i = 0; i < n; i++) {
        size_t shared = 0;
        const char *p = asked.data;

        kn_buf_clear(&line);
        if (kn_fold(kn_sv_of(segments[i].text), &line, NULL))
            break;
        for (struct kn_sv w = next_word(&p); w.n > 0; w = next_word(&p))
            shared += w.n >= 3 && has_word(line.data, w) ? w.n : 0;
        if (shared > most) {
            most = shared;
            best = i;
        }
    }
out:
    kn_buf_free(&asked);
    kn_buf_free(&line);
    return best;
}

static void make_unit(float *v, size_t dim)
{
    double square = 0, length;

    for (size_t d = 0; d < dim; d++)
        square += (double)v[d] * (double)v[d];
    length = sqrt(square);
    for (size_t d = 0; d < dim && length > 0; d++)
        v[d] = (float)((double)v[d] / length);
}

void kn_title_vector(const struct kn_moment *moments, size_t n, size_t dim, float *out)
{
    for (size_t d = 0; d < dim; d++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += (double)moments[i].words * (double)moments[i].vector[d];
        out[d] = (float)sum;
    }
    make_unit(out, dim);
}

static double mean_at(const float *const *vectors, size_t n, size_t d)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)vectors[i][d];
    return sum / (double)n;
}

void kn_average_vector(const float *const *liked, size_t n_liked, const float *const *others,
                       size_t n_others, size_t dim, float *out)
{
    for (size_t d = 0; d < dim; d++) {
        double mean = mean_at(liked, n_liked, d);

        out[d] = (float)(n_others > 0 ? 2 * mean - mean_at(others, n_others, d) : mean);
    }
    make_unit(out, dim);
}
