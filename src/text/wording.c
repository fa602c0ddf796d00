#include "text/wording.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_FOLDED = 64 << 20, /* of one segment */
};

struct word {
    uint32_t hash;
    uint32_t length; /* bytes */
};

struct words {
    struct word *word;
    size_t n, cap;
};

static int add_word(struct words *w, struct kn_sv text, struct kn_err *err)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 256;
        struct word *more = realloc(w->word, cap * sizeof *more);

        if (!more)
            return kn_err_memory(err, "wording: no memory for %zu words", cap);
        w->word = more;
        w->cap = cap;
    }
    w->word[w->n++] = (struct word){(uint32_t)kn_hash_bytes(text.p, text.n), (uint32_t)text.n};
    return KN_OK;
}

static int read_words(const struct kn_segment *segments, size_t n, struct words *out,
                      struct kn_err *err)
{
    struct kn_buf folded;
    int rc = KN_OK;

    kn_buf_init(&folded, MAX_FOLDED);
    for (size_t i = 0; i < n && rc == KN_OK; i++) {
        struct kn_sv rest, word;

        kn_buf_clear(&folded);
        rc = kn_fold(kn_sv_of(segments[i].text), &folded, err);
        rest = (struct kn_sv){folded.data, folded.n};
        while (rc == KN_OK && kn_next_word(&rest, &word))
            rc = add_word(out, word, err);
    }
    kn_buf_free(&folded);
    return rc;
}

static int by_number(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    return (a > b) - (a < b);
}

/* Ascending, each once; returns how many are left. */
static size_t sort_unique(uint32_t *numbers, size_t n)
{
    size_t kept = 0;

    if (n > 0)
        qsort(numbers, n, sizeof *numbers, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || numbers[i] != numbers[kept - 1])
            numbers[kept++] = numbers[i];
    return kept;
}

static int sketch_phrases(const struct words *w, struct kn_wording *out, struct kn_err *err)
{
    size_t n = w->n >= 3 ? w->n - 2 : 0;
    uint32_t *phrases = calloc(n + 1, sizeof *phrases);

    if (!phrases)
        return kn_err_memory(err, "wording: no memory for %zu phrases", n);
    for (size_t i = 0; i < n; i++) {
        const uint32_t phrase[] = {w->word[i].hash, w->word[i + 1].hash, w->word[i + 2].hash};

        phrases[i] = (uint32_t)kn_hash_bytes(phrase, sizeof phrase);
    }
    n = sort_unique(phrases, n);
    out->phrases = (uint32_t)n;
    out->n_sketch = n < KN_SKETCH ? (uint32_t)n : KN_SKETCH;
    memcpy(out->sketch, phrases, out->n_sketch * sizeof *phrases);
    free(phrases);
    return KN_OK;
}

struct counted {
    struct kn_term term;
    uint32_t length;
};

static int by_hash(const void *pa, const void *pb)
{
    const struct counted *a = pa, *b = pb;

    return (a->term.hash > b->term.hash) - (a->term.hash < b->term.hash);
}

static int by_weight(const void *pa, const void *pb)
{
    const struct counted *a = pa, *b = pb;

    if (a->term.count != b->term.count)
        return a->term.count > b->term.count ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return by_hash(pa, pb);
}

/* Adds up what has one hash, keeps the KN_TERMS that weigh most, and puts them in order of their hashes. */
static void keep_terms(struct counted *c, size_t n, struct kn_wording *out)
{
    size_t kept = 0;

    if (n > 0)
        qsort(c, n, sizeof *c, by_hash);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && c[i].term.hash == c[kept - 1].term.hash)
            c[kept - 1].term.count += c[i].term.count;
        else
            c[kept++] = c[i];
    }
    if (kept > KN_TERMS) {
        qsort(c, kept, sizeof *c, by_weight);
        kept = KN_TERMS;
        qsort(c, kept, sizeof *c, by_hash);
    }
    for (size_t i = 0; i < kept; i++)
        out->terms[i] = c[i].term;
    out->n_terms = (uint32_t)kept;
}

int kn_wording_of(const struct kn_segment *segments, size_t n, struct kn_wording *out,
                  struct kn_err *err)
{
    struct kn_wording made = {0};
    struct words w = {0};
    struct counted *c = NULL;
    int rc = read_words(segments, n, &w, err);

    if (rc == KN_OK)
        rc = sketch_phrases(&w, &made, err);
    if (rc)
        goto out;
    c = calloc(w.n + 1, sizeof *c);
    if (!c) {
        rc = kn_err_memory(err, "wording: no memory for %zu words", w.n);
        goto out;
    }
    for (size_t i = 0; i < w.n; i++)
        c[i] = (struct counted){{w.word[i].hash, 1}, w.word[i].length};
    keep_terms(c, w.n, &made);
    *out = made;
out:
    free(c);
    free(w.word);
    return rc;
}

void kn_wording_add_terms(struct kn_wording *a, const struct kn_wording *b)
{
    struct counted c[2 * KN_TERMS];
    size_t n = 0;

    for (size_t i = 0; i < a->n_terms; i++)
        c[n++] = (struct counted){a->terms[i], 0};
    for (size_t i = 0; i < b->n_terms; i++)
        c[n++] = (struct counted){b->terms[i], 0};
    keep_terms(c, n, a);
}

/* The greatest hash up to which w's sketch has all there are. */
static uint32_t known_up_to(const struct kn_wording *w)
{
    return w->n_sketch == w->phrases ? UINT32_MAX : w->sketch[w->n_sketch - 1];
}

double kn_wording_overlap(const struct kn_wording *a, const struct kn_wording *b)
{
    uint32_t x = known_up_to(a), y = known_up_to(b), limit = x < y ? x : y;
    size_t i = 0, j = 0, both = 0, either = 0;
    double alike, shorter;

    while ((i < a->n_sketch && a->sketch[i] <= limit) ||
           (j < b->n_sketch && b->sketch[j] <= limit)) {
        bool in_a = i < a->n_sketch && (j == b->n_sketch || a->sketch[i] <= b->sketch[j]);
        bool in_b = j < b->n_sketch && (i == a->n_sketch || b->sketch[j] <= a->sketch[i]);

        both += in_a && in_b;
        either++;
        i += in_a;
        j += in_b;
    }
    if (both < KN_SURE)
        return 0;
    alike = (double)both / (double)either; /* Jaccard's */
    shorter = (double)(a->phrases < b->phrases ? a->phrases : b->phrases);
    alike = alike / (1 + alike) * ((double)a->phrases + (double)b->phrases) / shorter;
    return alike < 1 ? alike : 1;
}

/* ---- marks ---- */

static void mark(const uint32_t *sketch, size_t n, struct kn_marks *out)
{
    *out = (struct kn_marks){{0}};
    for (size_t i = 0; i < n && i < KN_MARKS; i++) {
        uint16_t low = (uint16_t)sketch[i];

        out->mark[i] = low ? low : 1;
    }
}

void kn_wording_mark(const struct kn_wording *w, struct kn_marks *out)
{
    mark(w->sketch, w->n_sketch, out);
}

/* Which titles have which mark, in chains by its last bits. */
struct chains {
    uint32_t *first; /* place + 1 in links */
    struct link {
        uint32_t which, next;
        uint16_t mark;
    } * links;
    size_t n, mask;
    uint8_t *shared; /* with each title before, of the one that is looked at */
};

static void look_up(struct chains *c, const struct kn_marks *m, size_t at, bool *alike)
{
    memset(c->shared, 0, at);
    for (size_t i = 0; i < KN_MARKS && m->mark[i]; i++) {
        for (uint32_t l = c->first[m->mark[i] & c->mask]; l > 0; l = c->links[l - 1].next) {
            uint32_t which = c->links[l - 1].which;

            if (c->links[l - 1].mark == m->mark[i] && ++c->shared[which] == 2)
                alike[which] = alike[at] = true;
        }
    }
    for (size_t i = 0; i < KN_MARKS && m->mark[i]; i++) {
        uint32_t *first = &c->first[m->mark[i] & c->mask];

        c->links[c->n] = (struct link){(uint32_t)at, *first, m->mark[i]};
        *first = (uint32_t)++c->n;
    }
}

int kn_marks_alike(const struct kn_marks *marks, size_t n, bool *alike, struct kn_err *err)
{
    struct chains c = {.mask = 255};
    int rc = KN_OK;

    while (c.mask < n * KN_MARKS && c.mask < UINT16_MAX)
        c.mask = 2 * c.mask + 1;
    c.first = calloc(c.mask + 1, sizeof *c.first);
    c.links = malloc((n * KN_MARKS + 1) * sizeof *c.links);
    c.shared = malloc(n + 1);
    if (!c.first || !c.links || !c.shared) {
        rc = kn_err_set(err, KN_ELIMIT, "wording: no memory to compare %zu titles", n);
    } else {
        for (size_t i = 0; i < n; i++)
            alike[i] = false;
        for (size_t i = 0; i < n; i++)
            look_up(&c, &marks[i], i, alike);
    }
    free(c.first);
    free(c.links);
    free(c.shared);
    return rc;
}

/* ---- bytes ---- */

size_t kn_wording_pack(const struct kn_wording *w, unsigned char *out)
{
    const uint32_t head[] = {w->n_terms, w->phrases};
    size_t terms = w->n_terms * sizeof *w->terms, sketch = w->n_sketch * sizeof *w->sketch;

    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, w->terms, terms);
    memcpy(out + sizeof head + terms, w->sketch, sketch);
    return sizeof head + terms + sketch;
}

/* How many of each the bytes hold, if they are as long as that takes. */
static bool read_head(const void *bytes, size_t n, struct kn_wording *out)
{
    uint32_t head[2];

    if (n < sizeof head)
        return false;
    memcpy(head, bytes, sizeof head);
    out->n_terms = head[0];
    out->phrases = head[1];
    out->n_sketch = out->phrases < KN_SKETCH ? out->phrases : KN_SKETCH;
    return out->n_terms <= KN_TERMS && n == sizeof head + out->n_terms * sizeof *out->terms +
                                                out->n_sketch * sizeof *out->sketch;
}

bool kn_wording_unpack_terms(const void *bytes, size_t n, struct kn_term *out, size_t *n_terms)
{
    struct kn_wording head;

    if (!read_head(bytes, n, &head))
        return false;
    memcpy(out, (const unsigned char *)bytes + 2 * sizeof(uint32_t), head.n_terms * sizeof *out);
    for (size_t i = 1; i < head.n_terms; i++)
        if (out[i - 1].hash >= out[i].hash)
            return false;
    *n_terms = head.n_terms;
    return true;
}

bool kn_wording_unpack_marks(const void *bytes, size_t n, struct kn_marks *out)
{
    uint32_t sketch[KN_MARKS];
    struct kn_wording head;
    size_t most;

    if (!read_head(bytes, n, &head))
        return false;
    most = head.n_sketch < KN_MARKS ? head.n_sketch : KN_MARKS;
    memcpy(sketch, (const unsigned char *)bytes + n - head.n_sketch * sizeof *sketch,
           most * sizeof *sketch);
    mark(sketch, most, out);
    return true;
}

bool kn_wording_unpack(const void *bytes, size_t n, struct kn_wording *out)
{
    struct kn_wording w = {0};
    size_t n_terms;

    if (!read_head(bytes, n, &w) || !kn_wording_unpack_terms(bytes, n, w.terms, &n_terms))
        return false;
    memcpy(w.sketch, (const unsigned char *)bytes + n - w.n_sketch * sizeof *w.sketch,
           w.n_sketch * sizeof *w.sketch);
    for (size_t i = 1; i < w.n_sketch; i++)
        if (w.sketch[i - 1] >= w.sketch[i])
            return false;
    *out = w;
    return true;
}
