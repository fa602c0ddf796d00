/* ask-many LIBRARY SECONDS THREADS: what kinora_recommend costs by itself, for bench/http: 10 answers with titles and evidence for one
 * title after another, in so many threads for so many seconds, after each thread has asked once.
 * Prints JSON: calls a second, CPU microseconds a call, and the 50th and 99th hundredth of milliseconds a call. */
#include "base/clock.h"

#include <kinora/kinora.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { MOST_CALLS = 1 << 20, MOST_THREADS = 256 };

struct job {
    struct kinora *k;
    const struct kinora_titles *titles;
    pthread_barrier_t *begin;
    double seconds;
    size_t first, n;
    float *ms;
    int failed;
};

static void ask(struct job *j, size_t which)
{
    struct kinora_answer *a;
    struct kn_err err;

    if (kinora_recommend(j->k, &j->titles->titles[which % j->titles->n].id,
                         &(struct kinora_query){.limit = 10}, &a, &err)) {
        fprintf(stderr, "ask-many: %s\n", err.msg);
        j->failed = 1;
        return;
    }
    kinora_answer_free(a);
}

static void *work(void *ctx)
{
    struct job *j = ctx;
    double until;

    ask(j, j->first);
    pthread_barrier_wait(j->begin);
    pthread_barrier_wait(j->begin);
    until = kn_clock_now() + j->seconds;
    while (kn_clock_now() < until && j->n < MOST_CALLS && !j->failed) {
        double began = kn_clock_now();

        ask(j, j->first + 7919 * j->n);
        j->ms[j->n++] = (float)((kn_clock_now() - began) * 1000);
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static double cpu(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int tell(struct job *jobs, size_t threads, double seconds, double used)
{
    size_t n = 0;
    float *all;
    int failed = 0;

    for (size_t i = 0; i < threads; i++) {
        n += jobs[i].n;
        failed |= jobs[i].failed;
    }
    all = malloc((n + 1) * sizeof *all);
    if (failed || n == 0 || !all)
        return 1;
    n = 0;
    for (size_t i = 0; i < threads; i++)
        for (size_t c = 0; c < jobs[i].n; c++)
            all[n++] = jobs[i].ms[c];
    qsort(all, n, sizeof *all, by_size);
    printf("{\"a_second\":%.1f,\"cpu_us\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
           (double)n / seconds, used * 1e6 / (double)n, (double)all[n / 2],
           (double)all[n * 99 / 100]);
    free(all);
    return 0;
}

int main(int argc, char **argv)
{
    static struct job jobs[MOST_THREADS];
    static pthread_t threads[MOST_THREADS];
    size_t n = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    double seconds = argc == 4 ? strtod(argv[2], NULL) : 0, began, used;
    struct kinora *k;
    struct kinora_titles *titles;
    pthread_barrier_t begin;
    struct kn_err err;

    if (!n || n > MOST_THREADS || seconds <= 0) {
        fputs("ask-many LIBRARY SECONDS THREADS\n", stderr);
        return 2;
    }
    if (kinora_open(&(struct kinora_options){.library = argv[1]}, &k, &err) ||
        kinora_list(k, "ready", &titles, &err)) {
        fprintf(stderr, "ask-many: %s\n", err.msg);
        return 1;
    }
    pthread_barrier_init(&begin, NULL, (unsigned)n + 1);
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (struct job){.k = k,
                               .titles = titles,
                               .begin = &begin,
                               .seconds = seconds,
                               .first = i * 104729,
                               .ms = calloc(MOST_CALLS, sizeof(float))};
        if (!jobs[i].ms || pthread_create(&threads[i], NULL, work, &jobs[i]))
            return 1;
    }
    pthread_barrier_wait(&begin);
    used = cpu();
    began = kn_clock_now();
    pthread_barrier_wait(&begin);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return tell(jobs, n, kn_clock_now() - began, cpu() - used);
}
