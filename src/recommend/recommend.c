#include "recommend.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_MIN = 100, CANDIDATES_FACTOR = 10 };

size_t kn_candidates_for(size_t k)
{
    return k > CANDIDATES_MIN / CANDIDATES_FACTOR ? k * CANDIDATES_FACTOR : CANDIDATES_MIN;
}

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

static double similarity_of(const struct kn_ranked *r)
{
    return r->hit->similarity;
}

static double term_of(const struct kn_ranked *r)
{
    return r->opinion_term;
}

static int by_order(const void *pa, const void *pb)
{
    const struct kn_ranked *a = pa, *b = pb;

    if (a->unknown_language != b->unknown_language)
        return a->unknown_language ? 1 : -1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->hit->similarity != b->hit->similarity)
        return a->hit->similarity > b->hit->similarity ? -1 : 1;
    return memcmp(a->hit->id.b, b->hit->id.b, sizeof a->hit->id.b);
}

int kn_rank(double query_opinion, const struct kn_hit *candidates, size_t n, bool last_unknown,
            const struct kn_rank_options *options, struct kn_ranked *ranked, struct kn_err *err)
{
    double ws = options->w_similarity, wo = options->w_opinion;
    struct spread similarity, term;

    if (!(ws >= 0 && wo >= 0 && isfinite(ws + wo) && ws + wo > 0))
        return kn_err_set(err, KN_EARG,
                          "rank: weights %g and %g; both must be 0 or more, and not both 0", ws,
                          wo);
    for (size_t i = 0; i < n; i++) {
        const struct kn_hit *hit = &candidates[i];

        ranked[i] = (struct kn_ranked){
            .hit = hit,
            .opinion_term = opinion_term(options->rank, query_opinion, hit->opinion),
            .weak = hit->similarity < options->weak_below,
            .unknown_language = last_unknown && hit->language[0] == '\0',
        };
    }
    similarity = spread_of(ranked, n, similarity_of);
    term = spread_of(ranked, n, term_of);
    for (size_t i = 0; i < n; i++) {
        struct kn_ranked *r = &ranked[i];

        r->score = ws * standardised(r->hit->similarity, similarity) +
                   wo * standardised(r->opinion_term, term);
        if (isnan(r->opinion_term))
            r->opinion_term = term.mean;
    }
    qsort(ranked, n, sizeof *ranked, by_order);
    return KN_OK;
}

static double inner_product(const float *a, const float *b, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

bool kn_evidence(const struct kn_moment *a, size_t n_a, const struct kn_moment *b, size_t n_b,
                 size_t dim, size_t *in_a, size_t *in_b)
{
    double best = -INFINITY;

    for (size_t i = 0; i < n_a; i++) {
        for (size_t j = 0; j < n_b; j++) {
            double s = inner_product(a[i].vector, b[j].vector, dim);

            if (s > best) {
                best = s;
                *in_a = i;
                *in_b = j;
            }
        }
    }
    return n_a > 0 && n_b > 0;
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

void kn_title_vector(const struct kn_moment *moments, size_t n, size_t dim, float *out)
{
    for (size_t d = 0; d < dim; d++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += (double)moments[i].words * (double)moments[i].vector[d];
        out[d] = (float)sum;
    }
    double length = sqrt(inner_product(out, out, dim));

    for (size_t d = 0; d < dim && length > 0; d++)
        out[d] = (float)((double)out[d] / length);
}
