/* local_index_fixture.h - a library large enough for files in index/, and what its answers are to be. */
#ifndef KN_TESTS_LOCAL_INDEX_FIXTURE_H
#define KN_TESTS_LOCAL_INDEX_FIXTURE_H

#include "local_fixture.h"

#include "base/hash.h"

#include <math.h>

enum { TITLES = 1500, K = 10, ODD = 997 /* a title by itself */ };

static float vectors[8000][DIM];

static inline struct kn_id id_of(uint32_t number)
{
    struct kn_hash h = {{0}};

    memcpy(h.b, &number, sizeof number);
    return kn_id_from_hash(&h);
}

static inline uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* In clusters of 50, so that neighbours are near and there are more than k of them. */
static inline float *vector_of(uint32_t number)
{
    uint32_t seed = 77 + number / 50, own = 1000003 * (number + 1);
    float *v = vectors[number];
    double square = 0;

    for (int i = 0; i < DIM; i++) {
        double common = next_random(&seed) / 4294967296.0 - 0.5;

        v[i] = (float)(common + 0.4 * (next_random(&own) / 4294967296.0 - 0.5));
        square += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
    return v;
}

struct texts {
    struct kn_segment segment;
    struct kn_moment moments[2];
    char words[96];
};

static inline struct kn_record title_of(uint32_t number, struct texts *t)
{
    snprintf(t->words, sizeof t->words, "they say that place%u lies behind ship%u and name%u",
             number % 40, number % 70, number);
    t->segment = (struct kn_segment){0, 1, t->words};
    for (uint32_t i = 0; i < 2; i++)
        t->moments[i] = (struct kn_moment){
            .end = 1, .text = t->words, .segments = 1, .words = 9, .vector = vector_of(number)};
    return (struct kn_record){.title = {.id = id_of(number),
                                        .name = t->words,
                                        .state = KN_STATE_READY,
                                        .language = number % 3 ? "en" : "es",
                                        .genres = number % 5 ? "Drama, Western" : "Horror",
                                        .year = 1950 + (int)(number % 70),
                                        .duration = 60 + number % 100,
                                        .opinion = number % 7 ? 0.123456789 : (double)NAN},
                              .vector = vector_of(number),
                              .segments = &t->segment,
                              .n_segments = 1,
                              .moments = t->moments,
                              .n_moments = 2};
}

static inline void put_titles(struct kn_library *lib, uint32_t from, uint32_t to)
{
    enum { BATCH = 500 };
    static struct texts texts[BATCH];
    static struct kn_record records[BATCH];

    assert_int_equal(kn_library_set_model(lib, "m", DIM, NULL), KN_OK);
    for (uint32_t n = 0; from < to; from += n) {
        for (n = 0; n < BATCH && from + n < to; n++)
            records[n] = title_of(from + n, &texts[n]);
        assert_int_equal(kn_library_put(lib, records, n, NULL), KN_OK);
    }
}

static inline struct kn_library *make_large(struct fixture *f, bool with_index)
{
    struct kn_library *lib = open_with(f, &writing);

    put_titles(lib, 0, TITLES);
    if (with_index && kn_store_write_index(lib, false, NULL, &f->err))
        fail_msg("%s", f->err.msg);
    return lib;
}

static inline const char *index_path(struct fixture *f, const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/index/%s", f->lib, name);
    return path;
}

static inline size_t size_of(const char *path) /* 0: not there */
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static inline ino_t file_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static inline bool told(struct kn_library *lib, const char *part)
{
    char notice[256] = "";

    return kn_library_notice(lib, notice) && strstr(notice, part);
}

/* ---- the same answers as memory's ---- */

static inline struct kn_library *truth_of(uint32_t to)
{
    struct kn_library *lib = NULL;

    assert_int_equal(kn_library_open_memory(&lib, NULL), KN_OK);
    put_titles(lib, 0, to);
    return lib;
}

static inline size_t in_common(const struct kn_hit *a, const struct kn_hit *b, size_t n)
{
    size_t common = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            common += kn_id_eq(&a[i].id, &b[j].id);
    return common;
}

static const struct kn_filter filters[] = {
    {0},
    {.languages = (const char *[]){"es"}, .n_languages = 1},
    {.genres = (const char *[]){"horror"}, .n_genres = 1, .year_from = 1960},
    {.duration_from = 61, .duration_to = 62},
};
enum { FILTERS = sizeof filters / sizeof *filters };

static inline void assert_meaning(struct kn_library *lib, struct kn_library *truth, uint32_t query,
                                  const struct kn_filter *filter, size_t *common, size_t *all)
{
    struct kn_hit a[K], b[K];
    double again[K];
    struct kn_id ids[K];
    size_t n, m;

    assert_int_equal(kn_library_similar(lib, vector_of(query), DIM, filter, K, a, &n, NULL), KN_OK);
    assert_int_equal(kn_library_similar(truth, vector_of(query), DIM, filter, K, b, &m, NULL),
                     KN_OK);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        ids[i] = a[i].id;
    assert_int_equal(kn_library_similarities(truth, vector_of(query), DIM, ids, n, again, NULL),
                     KN_OK);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(a[i].similarity, again[i], 1e-3);
    *common += in_common(a, b, n);
    *all += n;
    assert_int_equal(kn_library_similarities(lib, vector_of(query), DIM, ids, n, again, NULL),
                     KN_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(again[i] == a[i].similarity);
}

static inline void assert_words(struct kn_library *lib, struct kn_library *truth, uint32_t query,
                                const struct kn_filter *filter)
{
    struct kn_id id = id_of(query);
    struct kn_hit a[K], b[K];
    struct kn_wording w;
    size_t n, m;

    assert_int_equal(kn_library_wording(truth, &id, &w, NULL), KN_OK);
    assert_int_equal(kn_library_shared_words(lib, &w, filter, K, a, &n, NULL), KN_OK);
    assert_int_equal(kn_library_shared_words(truth, &w, filter, K, b, &m, NULL), KN_OK);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(a[i].words, b[i].words, 0.02);
}

static inline void assert_as_truth(struct kn_library *lib, struct kn_library *truth)
{
    size_t common = 0, all = 0;

    for (uint32_t q = 0; q < 60; q++) {
        assert_meaning(lib, truth, 25 * q, &filters[q % FILTERS], &common, &all);
        assert_words(lib, truth, 25 * q, &filters[q % FILTERS]);
    }
    assert_true(all > 300);
    assert_true(100 * common >= 98 * all);
}

static inline size_t moments_found(struct kn_library *lib, uint32_t query)
{
    struct kn_moment_hit hits[2];
    struct kn_id id = id_of(query);
    size_t n;

    assert_int_equal(kn_library_moments(lib, vector_of(query), DIM, NULL, 2, hits, &n, NULL),
                     KN_OK);
    assert_int_equal(n, 2);
    return (size_t)kn_id_eq(&hits[0].id, &id) + (size_t)kn_id_eq(&hits[1].id, &id) +
           (hits[0].moment < hits[1].moment);
}

static inline bool finds(struct kn_library *lib, uint32_t number, const struct kn_filter *filter)
{
    struct kn_id id = id_of(number);
    struct kn_hit hit;
    size_t n;

    assert_int_equal(kn_library_similar(lib, vector_of(number), DIM, filter, 1, &hit, &n, NULL),
                     KN_OK);
    return n == 1 && kn_id_eq(&hit.id, &id);
}

static inline bool finds_words(struct kn_library *lib, uint32_t number)
{
    struct kn_id id = id_of(number);
    struct texts t;
    struct kn_wording w;
    struct kn_hit hit;
    size_t n;

    title_of(number, &t);
    assert_int_equal(kn_wording_of(&t.segment, 1, &w, NULL), KN_OK);
    assert_int_equal(kn_library_shared_words(lib, &w, NULL, 1, &hit, &n, NULL), KN_OK);
    return n == 1 && kn_id_eq(&hit.id, &id);
}

static inline void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+");
    int c;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 0x10, file), c ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

#endif
