#include "overlap.h"

#include "base/err.h"
#include "base/unicode.h"

#include <ctype.h>
#include <stdlib.h>

/* Runs of three words, as FNV-1a hashes. */
struct runs {
    uint64_t *hashes;
    size_t n, cap;
    uint64_t last[2]; /* the two words before */
    size_t words;
};

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
    for (const unsigned char *c = p, *end = c + n; c < end; c++)
        h = (h ^ *c) * UINT64_C(0x100000001B3);
    return h;
}

static int add_word(struct runs *r, const char *word, size_t n, struct kn_err *err)
{
    uint64_t h = hash_bytes(UINT64_C(0xCBF29CE484222325), word, n);
    uint64_t three[] = {r->last[0], r->last[1], h};

    r->last[0] = r->last[1];
    r->last[1] = h;
    if (++r->words < 3)
        return KN_OK;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 1024;
        uint64_t *grown = realloc(r->hashes, cap * sizeof *grown);

        if (!grown)
            return kn_err_memory(err, "compare transcripts: no memory");
        r->hashes = grown;
        r->cap = cap;
    }
    r->hashes[r->n++] = hash_bytes(UINT64_C(0xCBF29CE484222325), three, sizeof three);
    return KN_OK;
}

static int add_text(struct runs *r, const char *text, struct kn_err *err)
{
    struct kn_buf folded;
    int rc;

    kn_buf_init(&folded, 1 << 20);
    rc = kn_fold(kn_sv_of(text), &folded, err);
    for (size_t i = 0, start = 0; rc == KN_OK && i <= folded.n; i++) {
        unsigned char c = (unsigned char)(i < folded.n ? folded.data[i] : ' ');

        if (isalnum(c) || c >= 0x80)
            continue;
        if (i > start)
            rc = add_word(r, folded.data + start, i - start, err);
        start = i + 1;
    }
    kn_buf_free(&folded);
    return rc;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Sorted, each once. */
static int runs_of(const struct kn_segment *s, size_t n, struct runs *out, struct kn_err *err)
{
    size_t kept = 0;
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = add_text(out, s[i].text, err);
    if (out->n > 0)
        qsort(out->hashes, out->n, sizeof *out->hashes, by_hash);
    for (size_t i = 0; i < out->n; i++)
        if (i == 0 || out->hashes[i] != out->hashes[kept - 1])
            out->hashes[kept++] = out->hashes[i];
    out->n = kept;
    return rc;
}

int kn_text_overlap(const struct kn_segment *a, size_t n_a, const struct kn_segment *b, size_t n_b,
                    double *out, struct kn_err *err)
{
    struct runs x = {.n = 0}, y = {.n = 0};
    size_t both = 0;
    int rc = runs_of(a, n_a, &x, err);

    if (rc == KN_OK)
        rc = runs_of(b, n_b, &y, err);
    for (size_t i = 0, j = 0; i < x.n && j < y.n;) {
        int order = by_hash(&x.hashes[i], &y.hashes[j]);

        both += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    if (rc == KN_OK)
        *out = x.n < KN_OVERLAP_LEAST || y.n < KN_OVERLAP_LEAST
                   ? 0
                   : (double)both / (double)(x.n + y.n - both);
    free(x.hashes);
    free(y.hashes);
    return rc;
}
