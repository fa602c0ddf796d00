/* large-library make FROM DIR N MOMENTS: a library of N titles with MOMENTS moments each, for bench/library.
 * large-library ask DIR N QUERIES THREADS LIMIT: asks it, and prints what that took as JSON;
 * large-library parts DIR N QUERIES: what the parts of an answer take of a processor, median and 99 of 100;
 * large-library build DIR titles|moments: how long a file of index/ takes to make, and to open; large-library fresh FROM DIR N: 1,000 titles more.
 *
 * What lies in it: vectors between those of the library FROM (two neighbours and a difference of two others, so that they lie as
 * real ones do: the same as in bench/index), 40 to 100 different words a title after Zipf's law (the word of rank r comes
 * with a chance of 1/r, of 2 million), sketches of as many phrases, languages, years and genres. No transcripts: answers
 * do not look at them. Written by plain SQL, which is some forty times as fast as by way of the port. */
#include <kinora/kinora.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "index/exact.h"
#include "library/library.h"
#include "library/store.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

enum {
    NEAR = 20,
    WORDS = 2000000,
    MOMENTS_MAX = 64,
    SPARE = 1000 /* titles to be added while it is asked */
};

struct source {
    size_t dim, n;
    float *vectors;
    struct kn_exact_hit *near; /* NEAR of each */
    char model[64];
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "large-library: %s: %s\n", what, why);
    exit(1);
}

static void check(int rc, const struct kn_err *err)
{
    if (rc)
        fail("failed", err->msg);
}

static uint64_t next_random(uint64_t *s) /* splitmix64 */
{
    uint64_t z = (*s += 0x9E3779B97F4A7C15u);

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static double chance(uint64_t *s)
{
    return (double)(next_random(s) >> 11) / 9007199254740992.0;
}

static struct kn_id id_of(uint64_t number)
{
    struct kn_hash h = {{0}};

    memcpy(h.b, &number, sizeof number);
    return kn_id_from_hash(&h);
}

/* ---- the vectors that the others lie between ---- */

static void read_source(const char *dir, struct source *out)
{
    char path[4096];
    sqlite3_stmt *s;
    sqlite3 *db;
    struct kn_exact *x = NULL;

    snprintf(path, sizeof path, "%s/library.db", dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ||
        sqlite3_prepare_v2(db,
                           "SELECT vector, (SELECT name FROM model ORDER BY key LIMIT 1) FROM"
                           " title_vector ORDER BY title",
                           -1, &s, NULL))
        fail(path, sqlite3_errmsg(db));
    while (sqlite3_step(s) == SQLITE_ROW) {
        out->dim = (size_t)sqlite3_column_bytes(s, 0) / sizeof(float);
        snprintf(out->model, sizeof out->model, "%s", (const char *)sqlite3_column_text(s, 1));
        if (!x)
            check(kn_exact_new(out->dim, &x, NULL), NULL);
        out->vectors = realloc(out->vectors, (out->n + 1) * out->dim * sizeof(float));
        memcpy(out->vectors + out->n * out->dim, sqlite3_column_blob(s, 0),
               out->dim * sizeof(float));
        kn_exact_add(x, out->vectors + out->n++ * out->dim, NULL);
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    if (out->n <= NEAR)
        fail(path, "too few titles in it");
    out->near = calloc(out->n * NEAR, sizeof *out->near);
    for (size_t i = 0; i < out->n; i++)
        kn_exact_search(x, out->vectors + i * out->dim, NULL, NEAR, out->near + i * NEAR);
    kn_exact_free(x);
}

static void unit(float *v, size_t dim)
{
    double square = 0;

    for (size_t d = 0; d < dim; d++)
        square += (double)v[d] * (double)v[d];
    for (size_t d = 0; d < dim; d++)
        v[d] = (float)((double)v[d] / sqrt(square));
}

static const float *row(const struct source *from, size_t i)
{
    return from->vectors + i * from->dim;
}

static void make_vector(const struct source *from, uint64_t *seed, float *out)
{
    size_t a = next_random(seed) % from->n, c = next_random(seed) % from->n;
    size_t b = from->near[a * NEAR + next_random(seed) % NEAR].row, d = next_random(seed) % from->n;
    float t = (float)chance(seed);

    for (size_t i = 0; i < from->dim; i++)
        out[i] = (1 - t) * row(from, a)[i] + t * row(from, b)[i] +
                 0.25F * (row(from, c)[i] - row(from, d)[i]);
    unit(out, from->dim);
}

/* ---- words ---- */

static int by_hash(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void make_wording(uint64_t *seed, struct kn_wording *w)
{
    uint32_t said[400], n = 90 + (uint32_t)(next_random(seed) % 160);

    *w = (struct kn_wording){0};
    for (uint32_t i = 0; i < n; i++) /* Zipf: the rank is an exponential of an even chance */
        said[i] = (uint32_t)exp(chance(seed) * log(WORDS)) * 2654435761u;
    qsort(said, n, sizeof *said, by_hash);
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || said[i] != said[i - 1])
            w->terms[w->n_terms++].hash = said[i];
        w->terms[w->n_terms - 1].count++;
    }
    w->phrases = n - 2;
    w->n_sketch = w->phrases < KN_SKETCH ? w->phrases : KN_SKETCH;
    for (uint32_t i = 0; i < w->n_sketch; i++)
        w->sketch[i] = (uint32_t)next_random(seed) / KN_SKETCH * KN_SKETCH + i; /* distinct */
    qsort(w->sketch, w->n_sketch, sizeof *w->sketch, by_hash);
}

/* ---- a title ---- */

struct title {
    char name[48], path[64];
    const char *language;
    char genres[64];
    int year;
    double duration, opinion;
    float *vector, *moments;
    struct kn_wording wording;
};

static const char *const GENRES[] = {"Drama",  "Comedy",  "Horror",  "Western",   "Crime",
                                     "Action", "Romance", "Mystery", "Animation", "War"};
static const char *const LANGUAGES[] = {"en", "en", "en", "en", "en", "en", "es",
                                        "es", "fr", "de", "pt", "it", "ja", ""};

static void make_title(const struct source *from, uint64_t number, size_t moments, struct title *t)
{
    uint64_t seed = number * 1000003;
    size_t dim = from->dim;

    snprintf(t->name, sizeof t->name, "Film %08llu", (unsigned long long)number);
    snprintf(t->path, sizeof t->path, "/films/%s.mp4", t->name);
    t->language = LANGUAGES[next_random(&seed) % (sizeof LANGUAGES / sizeof *LANGUAGES)];
    snprintf(t->genres, sizeof t->genres, "%s, %s", GENRES[next_random(&seed) % 10],
             GENRES[next_random(&seed) % 10]);
    t->year = 1930 + (int)(next_random(&seed) % 95);
    t->duration = 60 + 100 * chance(&seed);
    t->opinion = 2 * chance(&seed) - 1;
    make_vector(from, &seed, t->vector);
    for (size_t i = 0; i < moments; i++) {
        float *m = t->moments + i * dim, *other = m;

        make_vector(from, &seed, other);
        for (size_t d = 0; d < dim; d++)
            m[d] = t->vector[d] + 0.5F * other[d];
        unit(m, dim);
    }
    make_wording(&seed, &t->wording);
}

/* ---- make ---- */

enum {
    PUT_TITLE,
    PUT_FILE,
    PUT_PATH,
    PUT_VECTOR,
    PUT_WORDING,
    PUT_MOMENT,
    PUT_MOMENT_VECTOR,
    PUTS
};

static const char *const puts_sql[PUTS] = {
    ("INSERT INTO title (key, id, name, folded, state, language, language_confidence, words_from,"
     " duration, opinion, year, scorer, genres, model)"
     " VALUES (?, ?, ?, lower(?3), 1, ?, 1, 'speech', ?, ?, ?, 'probe', ?, 1)"),
    "INSERT INTO file (key, identity, title) VALUES (?1, ?2, ?1)",
    "INSERT INTO path (path, file, name, year, size, mtime_ns) VALUES (?2, ?1, ?3, 0, 1, 1)",
    "INSERT INTO title_vector (title, vector) VALUES (?, ?)",
    "INSERT INTO wording (title, words) VALUES (?, ?)",
    ("INSERT INTO moment (key, title, number, starts, ends, text, first_segment, segments, words,"
     " opinion) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 40, 0.1)"),
    "INSERT INTO moment_vector (moment, vector) VALUES (?, ?)",
};

static void run(sqlite3 *db, sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(sqlite3_sql(s), sqlite3_errmsg(db));
    sqlite3_reset(s);
}

static void blob(sqlite3_stmt *s, int at, const void *p, size_t n)
{
    sqlite3_bind_blob(s, at, p, (int)n, SQLITE_STATIC);
}

static void text(sqlite3_stmt *s, int at, const char *p)
{
    sqlite3_bind_text(s, at, p, -1, SQLITE_STATIC);
}

static void put_moments(sqlite3 *db, sqlite3_stmt **s, sqlite3_int64 key, const struct title *t,
                        size_t moments, size_t dim)
{
    static const char said[] = "And when the lamps were lit along the harbour wall, nobody on "
                               "board could say any more which of the two shores was home.";

    for (size_t i = 0; i < moments; i++) {
        sqlite3_int64 moment = (key - 1) * (sqlite3_int64)moments + (sqlite3_int64)i + 1;

        sqlite3_bind_int64(s[PUT_MOMENT], 1, moment);
        sqlite3_bind_int64(s[PUT_MOMENT], 2, key);
        sqlite3_bind_int64(s[PUT_MOMENT], 3, (sqlite3_int64)i);
        sqlite3_bind_double(s[PUT_MOMENT], 4, 20 * (double)i);
        sqlite3_bind_double(s[PUT_MOMENT], 5, 20 * (double)i + 20);
        text(s[PUT_MOMENT], 6, said);
        run(db, s[PUT_MOMENT]);
        sqlite3_bind_int64(s[PUT_MOMENT_VECTOR], 1, moment);
        blob(s[PUT_MOMENT_VECTOR], 2, t->moments + i * dim, dim * sizeof(float));
        run(db, s[PUT_MOMENT_VECTOR]);
    }
}

static void put_title(sqlite3 *db, sqlite3_stmt **s, uint64_t number, const struct title *t,
                      size_t moments, size_t dim)
{
    unsigned char packed[KN_WORDING_BYTES];
    struct kn_id id = id_of(number);
    sqlite3_int64 key = (sqlite3_int64)number + 1;

    for (int i = 0; i < PUT_MOMENT; i++)
        sqlite3_bind_int64(s[i], 1, key);
    blob(s[PUT_TITLE], 2, id.b, sizeof id.b);
    text(s[PUT_TITLE], 3, t->name);
    text(s[PUT_TITLE], 4, t->language);
    sqlite3_bind_double(s[PUT_TITLE], 5, t->duration);
    sqlite3_bind_double(s[PUT_TITLE], 6, t->opinion);
    sqlite3_bind_int(s[PUT_TITLE], 7, t->year);
    text(s[PUT_TITLE], 8, t->genres);
    blob(s[PUT_FILE], 2, id.b, sizeof id.b);
    text(s[PUT_PATH], 2, t->path);
    text(s[PUT_PATH], 3, t->name);
    blob(s[PUT_VECTOR], 2, t->vector, dim * sizeof(float));
    blob(s[PUT_WORDING], 2, packed, kn_wording_pack(&t->wording, packed));
    for (int i = 0; i < PUT_MOMENT; i++)
        run(db, s[i]);
    put_moments(db, s, key, t, moments, dim);
}

static void new_title(const struct source *from, struct title *t)
{
    t->vector = calloc(from->dim, sizeof(float));
    t->moments = calloc(from->dim * MOMENTS_MAX, sizeof(float));
}

static void make(const char *from_dir, const char *dir, uint64_t n, size_t moments)
{
    const struct kn_library_options options = {.write = true, .create = true};
    struct source from = {0};
    struct kn_library *lib;
    sqlite3_stmt *s[PUTS];
    struct title t;
    struct kn_err err;
    char path[4096];
    sqlite3 *db;

    read_source(from_dir, &from);
    check(kn_library_open_local(dir, &options, &lib, &err), &err);
    check(kn_library_set_model(lib, from.model, from.dim, &err), &err);
    kn_library_close(lib);
    snprintf(path, sizeof path, "%s/library.db", dir);
    if (sqlite3_open(path, &db) ||
        sqlite3_exec(db,
                     "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;"
                     "PRAGMA cache_size = -500000; BEGIN",
                     NULL, NULL, NULL))
        fail(path, sqlite3_errmsg(db));
    for (int i = 0; i < PUTS; i++)
        if (sqlite3_prepare_v2(db, puts_sql[i], -1, &s[i], NULL))
            fail(puts_sql[i], sqlite3_errmsg(db));
    new_title(&from, &t);
    for (uint64_t i = 0; i < n; i++) {
        make_title(&from, i, moments, &t);
        put_title(db, s, i, &t, moments, from.dim);
        if (i % 50000 == 49999)
            sqlite3_exec(db, "COMMIT; BEGIN", NULL, NULL, NULL);
    }
    for (int i = 0; i < PUTS; i++)
        sqlite3_finalize(s[i]);
    if (sqlite3_exec(db, "COMMIT; PRAGMA journal_mode = WAL", NULL, NULL, NULL))
        fail(path, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* ---- ask ---- */

static size_t resident(const char *which) /* bytes */
{
    FILE *f = fopen("/proc/self/status", "r");
    size_t n = strlen(which), kib = 0;
    char line[256];

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, which, n) == 0)
            kib = strtoul(line + n, NULL, 10);
    if (f)
        fclose(f);
    return kib * 1024;
}

struct asking {
    struct kinora *k;
    uint64_t n, seed;
    size_t queries, limit;
    double *seconds, *cpu; /* of each query */
    pthread_t thread;
};

struct took { /* seconds */
    double p50, p99, cpu_p50, cpu_p99, per_second;
};

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *ask_all(void *ctx)
{
    struct asking *a = ctx;

    for (size_t i = 0; i < a->queries; i++) {
        struct kn_id id = id_of(next_random(&a->seed) % a->n);
        struct kinora_answer *answer;
        struct kn_err err;
        double began = kn_clock_now(), cpu = cpu_now();

        check(kinora_recommend(a->k, &id, &(struct kinora_query){.limit = a->limit}, &answer, &err),
              &err);
        a->seconds[i] = kn_clock_now() - began;
        a->cpu[i] = cpu_now() - cpu;
        if (answer->n < a->limit)
            fail("an answer", "too short");
        kinora_answer_free(answer);
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The times are the first thread's. */
static struct took ask_with(struct kinora *k, uint64_t n, size_t queries, size_t threads,
                            size_t limit)
{
    struct asking a[16] = {{0}};
    double began = kn_clock_now();
    struct took took;

    for (size_t i = 0; i < threads; i++) {
        a[i] = (struct asking){.k = k, .n = n, .seed = 42 + i, .queries = queries, .limit = limit};
        a[i].seconds = calloc(queries, sizeof(double));
        a[i].cpu = calloc(queries, sizeof(double));
        pthread_create(&a[i].thread, NULL, ask_all, &a[i]);
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(a[i].thread, NULL);
    took.per_second = (double)(queries * threads) / (kn_clock_now() - began);
    qsort(a[0].seconds, queries, sizeof(double), by_number);
    qsort(a[0].cpu, queries, sizeof(double), by_number);
    took.p50 = a[0].seconds[queries / 2];
    took.p99 = a[0].seconds[queries * 99 / 100];
    took.cpu_p50 = a[0].cpu[queries / 2];
    took.cpu_p99 = a[0].cpu[queries * 99 / 100];
    for (size_t i = 0; i < threads; i++) {
        free(a[i].seconds);
        free(a[i].cpu);
    }
    return took;
}

static void ask(const char *dir, uint64_t n, size_t queries, size_t threads, size_t limit)
{
    double began = kn_clock_now(), opened;
    struct took first, one, many;
    size_t file, heap;
    struct kinora *k;
    struct kn_err err;

    check(kinora_open(&(struct kinora_options){.library = dir}, &k, &err), &err);
    opened = kn_clock_now() - began;
    first = ask_with(k, n, 1, 1, limit);
    ask_with(k, n, queries, 1, limit); /* finds the files' pages */
    file = resident("RssFile:");
    heap = resident("RssAnon:");
    one = ask_with(k, n, queries, 1, limit);
    many = ask_with(k, n, queries, threads, limit);
    printf("{\"open_ms\": %.2f, \"first_ms\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"cpu_p50_ms\": %.3f, \"cpu_p99_ms\": %.3f, \"per_second\": %.0f, "
           "\"file_bytes_a_title\": %.0f, \"heap_bytes\": %zu, \"threads_gain\": %.2f, "
           "\"threads_p99_ms\": %.3f, \"threads_cpu_p50_ms\": %.3f}\n",
           opened * 1e3, first.p50 * 1e3, one.p50 * 1e3, one.p99 * 1e3, one.cpu_p50 * 1e3,
           one.cpu_p99 * 1e3, one.per_second, (double)file / (double)n, heap,
           many.per_second / one.per_second, many.p99 * 1e3, many.cpu_p50 * 1e3);
    kinora_close(k);
}

/* ---- parts: what an answer is made of ---- */

enum {
    MEANING,
    SHARED,
    COMPARE,
    WORDINGS,
    RECORDS,
    PARTS,
    CANDIDATES = 100,
    LOOKED_AT = 70,
    SHOWN = 10
};

static const char *const part_names[PARTS] = {"similar", "shared_words", "similarities", "alike",
                                              "records"};

static void measure_parts(struct kn_library *lib, const struct kn_id *id, double *took)
{
    static struct kn_wording wordings[LOOKED_AT];
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_filter filter = {.exclude = id, .n_exclude = 1};
    struct kn_hit hits[CANDIDATES], more[CANDIDATES];
    struct kn_id ids[CANDIDATES];
    double similarities[CANDIDATES], at[PARTS + 1];
    struct kn_wording own;
    struct kn_record r, shown[SHOWN];
    struct kn_err err;
    size_t n, m, dim;
    char model[64];

    filter.languages = (const char *[]){"en"};
    filter.n_languages = 1;
    filter.or_unknown = true;
    check(kn_library_model(lib, model, &dim, &err), &err);
    check(kn_library_get(lib, id, KN_WITH_VECTOR, arena, &r, &err), &err);
    check(kn_library_wording(lib, id, &own, &err), &err);
    at[0] = cpu_now();
    check(kn_library_similar(lib, r.vector, dim, &filter, CANDIDATES, hits, &n, &err), &err);
    at[1] = cpu_now();
    check(kn_library_shared_words(lib, &own, &filter, CANDIDATES, more, &m, &err), &err);
    for (size_t i = 0; i < m; i++)
        ids[i] = more[i].id;
    at[2] = cpu_now();
    check(kn_library_similarities(lib, r.vector, dim, ids, m, similarities, &err), &err);
    at[3] = cpu_now();
    check(kn_library_alike(lib, ids, m < LOOKED_AT ? m : LOOKED_AT, wordings, &err), &err);
    at[4] = cpu_now();
    for (size_t i = 0; i < n; i++)
        ids[i] = hits[i].id;
    check(kn_library_get_many(lib, ids, n < SHOWN ? n : SHOWN,
                              KN_WITH_MOMENT_VECTORS | KN_WITHOUT_RAW, arena, shown, &err),
          &err);
    at[5] = cpu_now();
    for (int i = 0; i < PARTS; i++)
        took[i] = at[i + 1] - at[i];
    kn_arena_free(arena);
}

static void parts(const char *dir, uint64_t n, size_t queries)
{
    double *took = calloc(queries * PARTS, sizeof *took), *one = calloc(queries, sizeof *one);
    struct kn_library *lib;
    struct kn_err err;
    uint64_t seed = 4711;

    check(kn_library_open_local(dir, NULL, &lib, &err), &err);
    for (int round = 0; round < 2; round++) /* the first finds the files' pages */
        for (size_t i = 0; i < queries; i++) {
            struct kn_id id = id_of(next_random(&seed) % n);

            measure_parts(lib, &id, took + i * PARTS);
        }
    for (int p = 0; p < PARTS; p++) {
        for (size_t i = 0; i < queries; i++)
            one[i] = took[i * PARTS + (size_t)p];
        qsort(one, queries, sizeof *one, by_number);
        printf("%s\"%s_us\": [%.0f, %.0f]", p ? ", " : "{", part_names[p], one[queries / 2] * 1e6,
               one[queries * 99 / 100] * 1e6);
    }
    printf("}\n");
    kn_library_close(lib);
    free(took);
    free(one);
}

/* ---- fresh: how soon new titles are found ---- */

static void fresh(const char *from_dir, const char *dir, uint64_t n)
{
    static struct kn_record records[SPARE];
    const struct kn_library_options options = {.write = true};
    struct kn_library *reader, *writer;
    struct source from = {0};
    struct kn_hit hit;
    struct kn_err err;
    double began, first, again;
    struct kn_id *ids = calloc(SPARE, sizeof *ids);
    size_t found = 0, count;

    read_source(from_dir, &from);
    check(kn_library_open_local(dir, NULL, &reader, &err), &err);
    check(kn_library_similar(reader, from.vectors, from.dim, NULL, 1, &hit, &count, &err), &err);
    for (size_t i = 0; i < SPARE; i++) {
        struct title *t = calloc(1, sizeof *t);

        new_title(&from, t);
        make_title(&from, n + i, 0, t);
        ids[i] = id_of(n + i);
        records[i] = (struct kn_record){
            .title = {.id = ids[i], .name = t->name, .state = KN_STATE_READY, .language = "en"},
            .vector = t->vector};
    }
    check(kn_library_open_local(dir, &options, &writer, &err), &err);
    check(kn_library_put(writer, records, SPARE, &err), &err);
    began = kn_clock_now();
    check(kn_library_similar(reader, records[0].vector, from.dim, NULL, 1, &hit, &count, &err),
          &err);
    first = kn_clock_now() - began;
    for (size_t i = 0; i < SPARE; i++) {
        check(kn_library_similar(reader, records[i].vector, from.dim, NULL, 1, &hit, &count, &err),
              &err);
        found += kn_id_eq(&hit.id, &ids[i]);
    }
    check(kn_library_remove(writer, ids, SPARE, &err), &err);
    began = kn_clock_now();
    check(kn_library_similar(reader, records[0].vector, from.dim, NULL, 1, &hit, &count, &err),
          &err);
    again = kn_clock_now() - began;
    printf("{\"fresh_ms\": %.1f, \"found\": %zu, \"gone_ms\": %.1f}\n", first * 1e3, found,
           again * 1e3);
    kn_library_close(writer);
    kn_library_close(reader);
}

/* ---- build: a file of index/ by the first search ---- */

static double cpu_of_all(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void build(const char *dir, const char *name)
{
    char path[4096], model[64];
    struct kn_library *lib;
    struct kn_moment_hit moment;
    struct kn_hit hit;
    struct kn_err err;
    struct stat file;
    float vector[4096] = {1};
    double began, cpu, made, opened;
    size_t dim, n;

    snprintf(path, sizeof path, "%s/index/%s", dir, name);
    unlink(path);
    for (int again = 0; again < 2; again++) { /* then it is there, and is only opened */
        began = kn_clock_now();
        cpu = cpu_of_all();
        check(kn_library_open_local(dir, NULL, &lib, &err), &err);
        check(kn_library_model(lib, model, &dim, &err), &err);
        if (strcmp(name, "moments") == 0)
            check(kn_library_moments(lib, vector, dim, NULL, 1, &moment, &n, &err), &err);
        else
            check(kn_library_similar(lib, vector, dim, NULL, 1, &hit, &n, &err), &err);
        opened = kn_clock_now() - began;
        if (!again) {
            made = opened;
            cpu = cpu_of_all() - cpu;
            printf("{\"made_s\": %.2f, \"cpu_s\": %.2f, ", made, cpu);
        }
        kn_library_close(lib);
    }
    if (stat(path, &file) == -1)
        fail(path, "was not made");
    printf("\"opened_and_asked_ms\": %.1f, \"bytes\": %lld}\n", opened * 1e3,
           (long long)file.st_size);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "make") == 0)
        make(argv[2], argv[3], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
    else if (argc == 7 && strcmp(argv[1], "ask") == 0)
        ask(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
            strtoull(argv[5], NULL, 10), strtoull(argv[6], NULL, 10));
    else if (argc == 5 && strcmp(argv[1], "fresh") == 0)
        fresh(argv[2], argv[3], strtoull(argv[4], NULL, 10));
    else if (argc == 5 && strcmp(argv[1], "parts") == 0)
        parts(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    else if (argc == 4 && strcmp(argv[1], "build") == 0)
        build(argv[2], argv[3]);
    else
        fail("arguments",
             "make FROM DIR N MOMENTS; ask DIR N QUERIES THREADS LIMIT; fresh FROM DIR "
             "N; parts DIR N QUERIES; build DIR titles");
    return 0;
}
