/* Shared rare words on a cluster. The same weights as in index/sparse.h, with two differences, which come from what a server can know:
 *   how rare a word is, it says with a score: a word asked for alone scores its weight in the best title times its IDF. That costs some
 *   50 us a word with 30,000 titles, and grows with them; so in a large library it is remembered for a while;
 *   a title's own words are not scaled to unit length, since all scales change with every new title. A score is what the title
 *   says of the rare words asked with, as a part of what the asking text says of them itself: 0..1. */
#include "library/qdrant_impl.h"

#include "base/clock.h"
#include "base/err.h"
#include "index/sparse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rare is what a tenth of the titles say at most, and three in any case: as in index/sparse.c. */
enum { COMMON = 10, LEAST_TITLES = 3 };

enum {
    KNOWN_SLOTS = 1 << 16, /* half of which are used before all is forgotten */
    KNOWN_FROM =
        2000, /* titles; in fewer, one more may change what is rare, and asking costs little */
};

#define KNOWN_FOR 600.0 /* seconds */

struct word {
    uint32_t hash;
    double titles;      /* that say it */
    float said, weight; /* how much the text says it; and that times how rare it is */
};

static float said(uint32_t count)
{
    float c = (float)count;

    return c * 2.2F / (c + 1.2F);
}

/* All words one by one, in one request; of each the best title with its words. */
static void write_each(struct kn_json_writer *w, const struct word *words, size_t n)
{
    kn_json_begin_object(w, NULL);
    kn_json_begin_array(w, "searches");
    for (size_t i = 0; i < n; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_begin_object(w, "query");
        kn_json_begin_array(w, "indices");
        kn_json_integer(w, NULL, words[i].hash);
        kn_json_end_array(w);
        kn_json_begin_array(w, "values");
        kn_json_integer(w, NULL, 1);
        kn_json_end_array(w);
        kn_json_end_object(w);
        kn_json_string(w, "using", "words");
        kn_json_integer(w, "limit", 1);
        kn_json_begin_array(w, "with_vector");
        kn_json_string(w, NULL, "words");
        kn_json_end_array(w);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_end_object(w);
}

/* How much the title of this point says the word. */
static double said_in(const struct kn_json *point, uint32_t hash)
{
    const struct kn_json *words = kn_json_get(kn_json_get(point, "vector"), "words");
    const struct kn_json *indices = kn_json_get(words, "indices");

    for (size_t i = 0; i < kn_json_length(indices); i++)
        if (kn_json_integer_or(kn_json_at(indices, i), -1) == (int64_t)hash)
            return kn_json_number_or(kn_json_at(kn_json_get(words, "values"), i), 0);
    return 0;
}

/* IDF = ln((all + 1) / (titles + .5)), as Qdrant counts. */
static int count_titles(const struct kn_qd_question *a, struct word *words, size_t n, uint64_t all,
                        struct kn_err *err)
{
    const struct kn_json *result;
    struct kn_json *root;
    struct kn_buf body;
    struct kn_json_writer w = {.out = &body};
    int rc;

    kn_buf_init(&body, KN_QD_MAX_BODY);
    write_each(&w, words, n);
    rc = kn_qd_ask(a->q, "titles", a->view.key, "/points/query/batch", &body, &root, &result, err);
    kn_buf_free(&body);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        const struct kn_json *point = kn_json_at(kn_json_get(kn_json_at(result, i), "points"), 0);
        double score = kn_json_number_or(kn_json_get(point, "score"), 0);
        double in_it = said_in(point, words[i].hash);

        words[i].titles = 0;
        if (in_it > 0)
            words[i].titles = fmax(1, round(((double)all + 1) / exp(score / in_it) - 0.5));
    }
    kn_json_free(root);
    return KN_OK;
}

/* ---- what was counted before ---- */

static struct kn_qd_count *slot_of(const struct kn_qd_known *k, uint32_t hash)
{
    size_t at = hash & (KNOWN_SLOTS - 1);

    while (k->slots[at].titles > 0 && k->slots[at].hash != hash)
        at = (at + 1) & (KNOWN_SLOTS - 1);
    return &k->slots[at];
}

/* Forgets what is too old, of other collections, or of a library that has grown or shrunk by a twentieth. Under the lock. */
static bool keep_known(struct kn_qd_known *k, const char *key, uint64_t all)
{
    uint64_t moved = all > k->all ? all - k->all : k->all - all;

    if (!k->slots && !(k->slots = calloc(KNOWN_SLOTS, sizeof *k->slots)))
        return false; /* without memory it is only slower */
    if (strcmp(k->key, key) != 0 || moved > k->all / 20 || k->n > KNOWN_SLOTS / 2 ||
        kn_clock_now() - k->since > KNOWN_FOR) {
        memset(k->slots, 0, KNOWN_SLOTS * sizeof *k->slots);
        *k = (struct kn_qd_known){.slots = k->slots, .all = all, .since = kn_clock_now()};
        memcpy(k->key, key, KN_QD_KEY);
    }
    return true;
}

/* Those that are known get their number and come first; returns how many. */
static size_t recall(struct kn_qdrant *q, const char *key, struct word *words, size_t n,
                     uint64_t all)
{
    size_t known = 0;

    if (all < KNOWN_FROM)
        return 0;
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; keep_known(&q->known, key, all) && i < n; i++) {
        const struct kn_qd_count *c = slot_of(&q->known, words[i].hash);
        struct word w = words[i];

        if (c->titles == 0)
            continue;
        w.titles = c->titles == UINT32_MAX ? 0 : c->titles;
        words[i] = words[known];
        words[known++] = w;
    }
    pthread_mutex_unlock(&q->lock);
    return known;
}

static void remember(struct kn_qdrant *q, const char *key, const struct word *words, size_t n,
                     uint64_t all)
{
    if (all < KNOWN_FROM)
        return;
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; i < n && keep_known(&q->known, key, all); i++) {
        struct kn_qd_count *c = slot_of(&q->known, words[i].hash);

        q->known.n += c->titles == 0;
        *c = (struct kn_qd_count){words[i].hash,
                                  words[i].titles > 0 ? (uint32_t)words[i].titles : UINT32_MAX};
    }
    pthread_mutex_unlock(&q->lock);
}

static int count_unknown(const struct kn_qd_question *a, struct word *words, size_t n, uint64_t all,
                         struct kn_err *err)
{
    size_t known = recall(a->q, a->view.key, words, n, all);
    int rc = known < n ? count_titles(a, words + known, n - known, all, err) : KN_OK;

    if (!rc)
        remember(a->q, a->view.key, words + known, n - known, all);
    return rc;
}

/* ---- asking ---- */

static int heaviest_first(const void *pa, const void *pb)
{
    const struct word *a = pa, *b = pb;
    bool a_shared = a->titles > 1, b_shared = b->titles > 1;

    if (a_shared != b_shared)
        return a_shared ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

/* Keeps the words that count, with their weights; *whole is the score of a text that says just the same. */
static size_t weigh(struct word *words, size_t n, uint64_t all, double *whole)
{
    double most = fmax(LEAST_TITLES, (double)(all / COMMON));
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        double rarity = log(((double)all + 1) / (words[i].titles + 0.5));

        if (words[i].titles == 0 || words[i].titles > most)
            continue; /* nobody says it, or too many */
        words[kept] = words[i];
        words[kept++].weight = words[i].said * (float)rarity;
    }
    qsort(words, kept, sizeof *words, heaviest_first);
    kept = kept < KN_SPARSE_TERMS ? kept : KN_SPARSE_TERMS;
    *whole = 0;
    for (size_t i = 0; i < kept; i++)
        *whole += (double)words[i].weight * (double)words[i].weight;
    return kept;
}

static int ask_words(struct kn_qd_question *a, struct word *words, size_t n, size_t k, double whole,
                     struct kn_hit *hits, size_t *count, struct kn_err *err)
{
    uint32_t hashes[KN_SPARSE_TERMS];
    float weights[KN_SPARSE_TERMS];
    struct kn_qd_hit *found;
    size_t got;
    int rc;

    for (size_t i = 0; i < n; i++) {
        hashes[i] = words[i].hash;
        weights[i] = words[i].weight;
    }
    a->words = hashes;
    a->weights = weights;
    a->n_words = n;
    rc = kn_qd_ask_for(a, k, &found, &got, err);
    if (rc)
        return rc;
    *count = got < k ? got : k;
    for (size_t i = 0; i < *count; i++) {
        hits[i] = (struct kn_hit){.id = found[i].id,
                                  .similarity = (double)NAN,
                                  .words = fmin(found[i].score / whole, 1),
                                  .opinion = found[i].opinion};
        memcpy(hits[i].language, found[i].language, sizeof hits[i].language);
    }
    free(found);
    return KN_OK;
}

int kn_qd_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                       const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                       struct kn_err *err)
{
    struct kn_qd_question a = {.q = kn_qdrant_of(lib),
                               .kind = "titles",
                               .filter = filter,
                               .fields = "[\"language\",\"numbers\"]"};
    struct word words[KN_TERMS];
    size_t n_words = wording->n_terms;
    uint64_t all = 0;
    double whole = 0;
    int rc = kn_qd_view(a.q, &a.view, err);

    for (size_t i = 0; i < n_words; i++)
        words[i] =
            (struct word){.hash = wording->terms[i].hash, .said = said(wording->terms[i].count)};
    if (!rc && a.view.dim > 0 && n_words > 0 && k > 0)
        rc = kn_qd_count(a.q, "titles", a.view.key, "{\"must\":[{\"has_vector\":\"words\"}]}", &all,
                         err);
    if (!rc && all > 0)
        rc = count_unknown(&a, words, n_words, all, err);
    if (rc)
        return rc;
    n_words = all > 0 ? weigh(words, n_words, all, &whole) : 0;
    if (n_words > 0)
        return ask_words(&a, words, n_words, k, whole, hits, n, err);
    *n = 0;
    return KN_OK;
}
