#include "metrics.h"

#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FOLDED = 256 << 20 };

static const uint64_t SEED = 20261124;

/* ---- one answer ---- */

static size_t found(const bool *marks, size_t n, size_t k)
{
    size_t right = 0;

    for (size_t i = 0; i < n && i < k; i++)
        right += marks[i];
    return right;
}

double kn_precision(const bool *marks, size_t n, size_t k)
{
    return (double)found(marks, n, k) / (double)k;
}

double kn_ndcg(const bool *marks, size_t n, size_t k, size_t wanted)
{
    double gain = 0, ideal = 0;

    for (size_t i = 0; i < k; i++) {
        double discounted = 1 / log2((double)i + 2);

        if (i < n && marks[i])
            gain += discounted;
        if (i < wanted)
            ideal += discounted;
    }
    return gain / ideal;
}

static double inner_product(const float *a, const float *b, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

double kn_diversity(const float *const *vectors, size_t n, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            sum += 1 - inner_product(vectors[i], vectors[j], dim);
    return n < 2 ? (double)NAN : sum / ((double)n * (double)(n - 1) / 2);
}

size_t kn_place(const float *scores, size_t n, size_t item)
{
    size_t place = 1;

    for (size_t i = 0; i < n; i++)
        place += i != item && scores[i] >= scores[item];
    return place;
}

/* ---- word errors ---- */

static bool is_mark(unsigned char c)
{
    return c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9');
}

/* Of characters beyond ASCII only the punctuation that transcripts have: the block of general punctuation
 * (U+2000 to U+206F), and the opening marks of Spanish. */
static size_t beyond_ascii_mark(const char *p, const char *end)
{
    const unsigned char *c = (const unsigned char *)p;

    if (end - p >= 3 && c[0] == 0xE2 && (c[1] == 0x80 || c[1] == 0x81))
        return 3;
    if (end - p >= 2 && c[0] == 0xC2 &&
        (c[1] == 0xA1 || c[1] == 0xBF || c[1] == 0xAB || c[1] == 0xBB))
        return 2;
    return 0;
}

/* A word as one number (FNV-1a), so that comparing two costs one step. */
static int split(struct kn_sv text, uint64_t *words, size_t *n, struct kn_err *err)
{
    const char *p = text.p, *end = text.p + text.n;

    for (*n = 0; p < end;) {
        uint64_t hash = 0xCBF29CE484222325;
        size_t bytes = 0;

        while (p < end) {
            bool apostrophe = *p == '\'' || (end - p >= 3 && memcmp(p, "\xE2\x80\x99", 3) == 0);
            size_t mark = is_mark((unsigned char)*p) ? 1 : beyond_ascii_mark(p, end);

            if (mark == 0) {
                hash = (hash ^ (unsigned char)*p++) * 0x100000001B3;
                bytes++;
                continue;
            }
            p += mark;
            if (!apostrophe)
                break;
        }
        if (bytes == 0)
            continue;
        if (*n == KN_WORDS_COMPARED)
            return kn_err_set(err, KN_ELIMIT, "word errors: a text of more than %d words",
                              KN_WORDS_COMPARED);
        words[(*n)++] = hash;
    }
    return KN_OK;
}

static int folded_words(struct kn_sv text, uint64_t *words, size_t *n, struct kn_err *err)
{
    struct kn_buf folded;
    int rc;

    kn_buf_init(&folded, MAX_FOLDED);
    rc = kn_fold(text, &folded, err);
    if (rc == KN_OK)
        rc = split((struct kn_sv){folded.data, folded.n}, words, n, err);
    kn_buf_free(&folded);
    return rc;
}

static size_t distance(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b, uint32_t *row)
{
    for (size_t j = 0; j <= n_b; j++)
        row[j] = (uint32_t)j;
    for (size_t i = 0; i < n_a; i++) {
        uint32_t across = row[0]; /* from the row above, one to the left */

        row[0] = (uint32_t)i + 1;
        for (size_t j = 0; j < n_b; j++) {
            uint32_t best = across + (a[i] != b[j]), above = row[j + 1] + 1, left = row[j] + 1;

            across = row[j + 1];
            best = above < best ? above : best;
            row[j + 1] = left < best ? left : best;
        }
    }
    return row[n_b];
}

int kn_word_errors(struct kn_sv reference, struct kn_sv heard, size_t *errors, size_t *words,
                   struct kn_err *err)
{
    uint64_t *a = malloc(KN_WORDS_COMPARED * sizeof *a), *b = malloc(KN_WORDS_COMPARED * sizeof *b);
    uint32_t *row = malloc((KN_WORDS_COMPARED + 1) * sizeof *row);
    size_t n_a, n_b;
    int rc = a && b && row ? KN_OK : kn_err_set(err, KN_ELIMIT, "word errors: no memory");

    if (rc == KN_OK)
        rc = folded_words(reference, a, &n_a, err);
    if (rc == KN_OK)
        rc = folded_words(heard, b, &n_b, err);
    if (rc == KN_OK) {
        *errors = distance(a, n_a, b, n_b, row);
        *words = n_a;
    }
    free(a);
    free(b);
    free(row);
    return rc;
}

/* ---- all answers ---- */

double kn_ratio_of(const void *ctx, const uint32_t *times, size_t n)
{
    const struct kn_ratio *r = ctx;
    double top = 0, bottom = 0;

    for (size_t i = 0; i < n; i++) {
        top += times[i] * r->top[i];
        bottom += times[i] * (r->bottom ? r->bottom[i] : 1);
    }
    return bottom > 0 ? top / bottom : (double)NAN;
}

static int by_score(const void *pa, const void *pb, void *scores)
{
    const double *s = scores;
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    if (s[a] != s[b])
        return s[a] < s[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

void kn_order(const double *scores, size_t n, uint32_t *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, n, sizeof *order, by_score, (void *)scores);
}

double kn_auc_of(const void *ctx, const uint32_t *times, size_t n)
{
    const struct kn_scored *s = ctx;
    double right = 0, positive = 0, negative = 0;

    for (size_t i = 0; i < n;) {
        double equal_positive = 0, equal_negative = 0;
        double score = s->scores[s->order[i]];

        for (; i < n && s->scores[s->order[i]] == score; i++) {
            uint32_t at = s->order[i];

            *(s->positive[at] ? &equal_positive : &equal_negative) += times[at];
        }
        right += equal_positive * (negative + equal_negative / 2);
        positive += equal_positive;
        negative += equal_negative;
    }
    return positive > 0 && negative > 0 ? right / (positive * negative) : (double)NAN;
}

double kn_difference_of(const void *ctx, const uint32_t *times, size_t n)
{
    const struct kn_compared *c = ctx;

    return c->statistic(c->a, times, n) - c->statistic(c->b, times, n);
}

uint64_t kn_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

/* The upper half times n (Lemire): no division, and uneven by n / 2^32 at most. */
size_t kn_random_below(uint64_t *state, size_t n)
{
    return (size_t)(((kn_random(state) >> 32) * (uint64_t)n) >> 32);
}

static int by_value(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return a < b ? -1 : a > b;
}

/* Of m sorted values, between the two nearest to the share. */
static double percentile(const double *sorted, size_t m, double share)
{
    double at = share * (double)(m - 1);
    size_t below = (size_t)at, above = below + 1 < m ? below + 1 : below;

    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

int kn_bootstrap(kn_statistic *statistic, const void *ctx, size_t n, struct kn_interval *out,
                 struct kn_err *err)
{
    uint32_t *times = calloc(n ? n : 1, sizeof *times);
    double values[KN_RESAMPLES];
    uint64_t state = SEED;
    size_t m = 0;

    if (!times)
        return kn_err_set(err, KN_ELIMIT, "bootstrap: no memory for %zu questions", n);
    for (size_t i = 0; i < n; i++)
        times[i] = 1;
    *out = (struct kn_interval){statistic(ctx, times, n), (double)NAN, (double)NAN};
    for (size_t r = 0; n > 0 && r < KN_RESAMPLES; r++) {
        memset(times, 0, n * sizeof *times);
        for (size_t i = 0; i < n; i++)
            times[kn_random_below(&state, n)]++;
        values[m] = statistic(ctx, times, n);
        m += isnan(values[m]) ? 0 : 1;
    }
    free(times);
    if (m == 0)
        return KN_OK;
    qsort(values, m, sizeof *values, by_value);
    out->low = percentile(values, m, 0.025);
    out->high = percentile(values, m, 0.975);
    return KN_OK;
}
