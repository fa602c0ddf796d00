/* make-many DIR N: a library of N invented titles for measuring at size, the same each time: two moments of some 45 words each from a
 * vocabulary of Zipf's frequencies, and vectors of 384 numbers around 200 centres. */
#include "base/err.h"
#include "base/hash.h"
#include "library/library.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIM = 384,
    BATCH = 1000,
    CENTRES = 200,
    MOMENTS = 2,
    WORDS = 45,
    VOCABULARY = 20000,
    TEXT = 512
};

static uint64_t dice(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static float even(uint64_t *state) /* -1..1 */
{
    return (float)((double)(dice(state) >> 11) / (double)(1ULL << 52) - 1);
}

struct made {
    char name[32], path[64], texts[MOMENTS][TEXT];
    const char *paths[1];
    struct kn_segment segments[MOMENTS];
    struct kn_moment moments[MOMENTS];
    float vectors[MOMENTS + 1][DIM];
};

static void to_unit(float *v)
{
    double sum = 0;

    for (int i = 0; i < DIM; i++)
        sum += (double)v[i] * (double)v[i];
    for (int i = 0; i < DIM; i++)
        v[i] = (float)((double)v[i] / sqrt(sum));
}

static void say(char text[TEXT], uint64_t *lot)
{
    size_t n = 0;

    for (int i = 0; i < WORDS; i++) {
        double u = (double)(dice(lot) >> 11) / (double)(1ULL << 53);

        n += (size_t)snprintf(text + n, TEXT - n, "%sw%d", i ? " " : "", (int)pow(VOCABULARY, u));
    }
}

static void make(size_t number, float centres[CENTRES][DIM], struct made *m, struct kn_record *r)
{
    uint64_t lot = number;
    const float *centre = centres[dice(&lot) % CENTRES];
    struct kn_hash hash = {{0}};

    memcpy(hash.b, &number, sizeof number);
    snprintf(m->name, sizeof m->name, "Film %06zu", number);
    snprintf(m->path, sizeof m->path, "/films/Film %06zu.mp4", number);
    m->paths[0] = m->path;
    memset(m->vectors[MOMENTS], 0, sizeof m->vectors[MOMENTS]);
    for (size_t i = 0; i < MOMENTS; i++) {
        double start = 20.0 * (double)i;

        for (int d = 0; d < DIM; d++)
            m->vectors[i][d] = centre[d] + 0.7F * even(&lot);
        to_unit(m->vectors[i]);
        for (int d = 0; d < DIM; d++)
            m->vectors[MOMENTS][d] += m->vectors[i][d];
        say(m->texts[i], &lot);
        m->segments[i] = (struct kn_segment){start, start + 19, m->texts[i]};
        m->moments[i] = (struct kn_moment){.start = start,
                                           .end = start + 19,
                                           .text = m->texts[i],
                                           .first_segment = (uint32_t)i,
                                           .segments = 1,
                                           .words = WORDS,
                                           .opinion = (double)even(&lot),
                                           .vector = m->vectors[i]};
    }
    to_unit(m->vectors[MOMENTS]);
    *r = (struct kn_record){.title = {.id = kn_id_from_hash(&hash),
                                      .name = m->name,
                                      .state = KN_STATE_READY,
                                      .reason = "",
                                      .language = number % 3 ? "en" : "es",
                                      .language_confidence = 1,
                                      .words_from = "sidecar",
                                      .duration = 40,
                                      .opinion = (double)even(&lot),
                                      .scorer = "probe",
                                      .scorer_version = 2,
                                      .year = 1950 + (int)(number % 75),
                                      .genres = number % 2 ? "Drama" : "Western",
                                      .paths = m->paths,
                                      .n_paths = 1},
                            .vector = m->vectors[MOMENTS],
                            .segments = m->segments,
                            .n_segments = MOMENTS,
                            .moments = m->moments,
                            .n_moments = MOMENTS};
}

int main(int argc, char **argv)
{
    static float centres[CENTRES][DIM];
    static struct kn_record records[BATCH];
    struct made *made = calloc(BATCH, sizeof *made);
    size_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    struct kn_library *lib = NULL;
    struct kn_err err;
    uint64_t lot = 1;
    int rc;

    if (!n || !made) {
        fputs("make-many DIR N\n", stderr);
        return 2;
    }
    for (size_t c = 0; c < CENTRES; c++)
        for (int d = 0; d < DIM; d++)
            centres[c][d] = even(&lot);
    rc = kn_library_open_local(argv[1], &(struct kn_library_options){.write = true, .create = true},
                               &lib, &err);
    if (!rc)
        rc = kn_library_set_model(lib, "multilingual-e5-small", DIM, &err);
    for (size_t at = 0; !rc && at < n; at += BATCH) {
        size_t batch = n - at < BATCH ? n - at : BATCH;

        for (size_t i = 0; i < batch; i++)
            make(at + i, centres, &made[i], &records[i]);
        rc = kn_library_put(lib, records, batch, &err);
    }
    kn_library_close(lib);
    free(made);
    if (rc)
        fprintf(stderr, "make-many: %s\n", err.msg);
    return rc ? 1 : 0;
}
