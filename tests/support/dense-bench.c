/* dense-bench - dense.h measured by bench/index. Vectors are files of float32, one behind another.
 *
 *     dense-bench build INDEX DIM VECTORS QUERIES N RECALL THREADS     writes INDEX, calibrated with the first N of QUERIES
 *     dense-bench ask INDEX QUERIES K HITS [BITMAP]                    one by one; rows to HITS, K numbers of 32 bits each
 *     dense-bench many INDEX QUERIES K THREADS                         all at once
 *
 * Answers are JSON. Times are of the thread's processor, so that others at work on the machine do not show, where not said otherwise. */
#include "base/err.h"
#include "index/dense.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "dense-bench: %s: %s\n", what, why);
    exit(1);
}

static const void *map(const char *path, size_t *bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) < 0)
        die(path, "cannot be read");
    *bytes = (size_t)st.st_size;
    p = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        die(path, "cannot be mapped");
    close(fd);
    return p;
}

struct source {
    const float *vectors;
    size_t dim;
};

static int give(void *ctx, size_t first, size_t n, float *out, struct kn_err *err)
{
    const struct source *s = ctx;

    (void)err;
    memcpy(out, s->vectors + first * s->dim, n * s->dim * sizeof *out);
    return KN_OK;
}

static int build(char **arg)
{
    size_t bytes, unused;
    struct source s = {NULL, (size_t)atol(arg[1])};
    struct kn_dense_how how = {.dim = s.dim, .recall = atof(arg[5]), .threads = atoi(arg[6])};
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct kn_err err;

    s.vectors = map(arg[2], &bytes);
    how.rows = bytes / sizeof *s.vectors / s.dim;
    how.queries = map(arg[3], &unused);
    how.n_queries = (size_t)atol(arg[4]);
    if (kn_dense_write(arg[0], &how, give, &s, &err))
        die(arg[0], err.msg);
    printf("{\"seconds\": %.3f, \"cpu\": %.3f}\n", seconds(CLOCK_MONOTONIC) - wall,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}

/* What of the process lies in memory, in bytes: its own and files'. */
static void print_resident(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb;

    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "RssAnon: %ld", &kb) == 1)
            printf(", \"rss_anon\": %ld", kb * 1024);
        if (sscanf(line, "RssFile: %ld", &kb) == 1)
            printf(", \"rss_file\": %ld", kb * 1024);
    }
    if (f)
        fclose(f);
}

static struct kn_dense *open_index(const char *path, double *took)
{
    double began = seconds(CLOCK_MONOTONIC);
    struct kn_dense *x;
    struct kn_err err;

    if (kn_dense_open(path, &x, &err))
        die(path, err.msg);
    *took = seconds(CLOCK_MONOTONIC) - began;
    return x;
}

static int ask(char **arg, const char *bitmap)
{
    static const char *const tiers[] = {"", "exact", "flat", "sketch"};
    size_t bytes, unused, k = (size_t)atol(arg[2]), found, n;
    double opening, first, began;
    struct kn_dense *x = open_index(arg[0], &opening);
    const float *queries = map(arg[1], &bytes);
    const uint64_t *allowed = bitmap ? map(bitmap, &unused) : NULL;
    struct kn_exact_hit *hits = calloc(k, sizeof *hits);
    FILE *out = fopen(arg[3], "wb");
    struct kn_dense_info info;
    struct kn_err err;

    if (!hits || !out)
        die(arg[3], "cannot be written");
    kn_dense_info(x, &info);
    n = bytes / sizeof *queries / info.dim;
    began = seconds(CLOCK_MONOTONIC);
    if (kn_dense_search(x, queries, allowed, k, hits, &found, &err))
        die(arg[0], err.msg);
    first = seconds(CLOCK_MONOTONIC) - began;
    printf(
        "{\"tier\": \"%s\", \"kernels\": \"%s\", \"weighed\": %u, \"candidates\": %u, \"reached\": "
        "%.4f, \"bytes\": %zu, \"open_ms\": %.3f, \"first_ms\": %.3f, \"us\": [",
        tiers[info.tier], info.kernels, info.weighed, info.candidates, info.reached[0],
        (size_t)info.file_bytes, opening * 1e3, first * 1e3);
    for (size_t pass = 0; pass < 2;
         pass++) /* the second is told: what is touched is verified by then */
        for (size_t q = 0; q < n; q++) {
            double from = seconds(CLOCK_THREAD_CPUTIME_ID);

            if (kn_dense_search(x, queries + q * info.dim, allowed, k, hits, &found, &err))
                die(arg[0], err.msg);
            if (pass == 0)
                continue;
            printf("%s%.2f", q ? ", " : "", (seconds(CLOCK_THREAD_CPUTIME_ID) - from) * 1e6);
            for (size_t i = 0; i < k; i++) {
                uint32_t row = i < found ? hits[i].row : UINT32_MAX;

                fwrite(&row, sizeof row, 1, out);
            }
        }
    printf("]");
    print_resident();
    printf("}\n");
    kn_dense_close(x);
    free(hits);
    return fclose(out) ? 1 : 0;
}

static int many(char **arg)
{
    size_t bytes, k = (size_t)atol(arg[2]), n;
    int threads = atoi(arg[3]);
    double opening, wall = 0;
    struct kn_dense *x = open_index(arg[0], &opening);
    const float *queries = map(arg[1], &bytes);
    struct kn_dense_info info;
    struct kn_exact_hit *hits;
    size_t *found;
    struct kn_err err;

    kn_dense_info(x, &info);
    n = bytes / sizeof *queries / info.dim;
    hits = calloc(n * k, sizeof *hits);
    found = calloc(n, sizeof *found);
    if (!hits || !found)
        die(arg[0], "no memory");
    for (int pass = 0; pass < 3; pass++) {
        double began = seconds(CLOCK_MONOTONIC), took;

        if (kn_dense_search_many(x, queries, n, NULL, k, threads, NULL, hits, found, &err))
            die(arg[0], err.msg);
        took = seconds(CLOCK_MONOTONIC) - began;
        wall = pass == 0 || took < wall ? took : wall;
    }
    printf("{\"us\": %.2f}\n", wall / (double)n * 1e6);
    kn_dense_close(x);
    free(hits);
    free(found);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 9 && strcmp(argv[1], "build") == 0)
        return build(argv + 2);
    if ((argc == 6 || argc == 7) && strcmp(argv[1], "ask") == 0)
        return ask(argv + 2, argc == 7 ? argv[6] : NULL);
    if (argc == 6 && strcmp(argv[1], "many") == 0)
        return many(argv + 2);
    fprintf(stderr, "usage: dense-bench build|ask|many ...\n");
    return 2;
}
