/* driver.c SEEDS [COUNT]  Runs a fuzz target without a fuzzer: first the seeds as they are, then COUNT (20,000)
 * mutations of them, the same ones in every run and on every machine. Tells one test. For the compilers that
 * have no libFuzzer, and for make check; make torture runs the target under the real one.
 *
 * A target that aborts names the input by its number: driver SEEDS COUNT NUMBER writes it to standard output. */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEEDS_MAX = 256, INPUT_MAX = 64 << 10, SECONDS_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct seed {
    uint8_t *data;
    size_t n;
};

static struct seed seeds[SEEDS_MAX];
static size_t n_seeds;
static volatile long under_way; /* read by the signal handler */

/* splitmix64, Steele et al. 2014 */
static uint64_t dice(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
    return n ? (size_t)(dice(state) % n) : 0;
}

static void read_seed(const char *folder, const char *name)
{
    struct seed *s = &seeds[n_seeds];
    char path[4096];
    struct stat st;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &st) < 0 || !(s->data = malloc((size_t)st.st_size + 1))) {
        printf("not ok fuzz: cannot read '%s'\n", path);
        exit(1);
    }
    s->n = fread(s->data, 1, (size_t)st.st_size, f);
    s->n = s->n < INPUT_MAX ? s->n : INPUT_MAX;
    fclose(f);
    n_seeds++;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void read_seeds(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, not_hidden, alphasort);

    if (n <= 0 || n > SEEDS_MAX) {
        printf("not ok fuzz: %d seeds in '%s'\n", n, folder);
        exit(1);
    }
    for (int i = 0; i < n; i++) {
        read_seed(folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

/* What parsers trip over: the syntax of their formats, and the edges of numbers. */
static const char *const words[] = {
    "-->",
    "\n\n",
    "\r\n",
    "\r",
    "\n1\n",
    "00:00:01,000",
    "99:59:59,999",
    "[Events]\n",
    "Dialogue: ",
    "Format: ",
    "WEBVTT",
    "NOTE",
    "{\\p1}",
    "{\\an8}",
    "\\N",
    "<v ",
    "<i>",
    "</",
    "&#x10FFFF;",
    "&amp;",
    ",",
    ":",
    "[",
    "]",
    "(",
    ")",
    "\xEF\xBB\xBF",
    "\xFF\xFE",
    "\xE2\x99\xAA",
    "\xC2",
    "-1",
    "4294967296",
    "9999999999999999999",
};

static size_t insert(uint8_t *to, size_t n, size_t at, const void *p, size_t length)
{
    if (n + length > INPUT_MAX)
        return n;
    memmove(to + at + length, to + at, n - at);
    memcpy(to + at, p, length);
    return n + length;
}

static size_t mutate(uint8_t *to, size_t n, uint64_t *state)
{
    size_t at = below(state, n), length = below(state, n - at) % 64 + (n > at);
    const char *word = words[below(state, sizeof words / sizeof *words)];
    const struct seed *other = &seeds[below(state, n_seeds)];

    switch (below(state, 7)) {
    case 0:
        if (n > 0)
            to[at] ^= (uint8_t)(1u << below(state, 8));
        return n;
    case 1:
        if (n > 0)
            to[at] = (uint8_t)dice(state);
        return n;
    case 2: /* without a stretch */
        memmove(to + at, to + at + length, n - at - length);
        return n - length;
    case 3:
        return insert(to, n, at, word, strlen(word));
    case 4: { /* a stretch of another */
        size_t from = below(state, other->n), most = other->n - from;

        return insert(to, n, at, other->data + from, below(state, most < 512 ? most + 1 : 512));
    }
    case 5: { /* a stretch again */
        uint8_t copy[64];

        memcpy(copy, to + at, length);
        return insert(to, n, at, copy, length);
    }
    default:
        return below(state, 8) == 0 ? at : n; /* cut off, seldom */
    }
}

/* Input number i: of a seed as it is, or of one with 1 to 16 mutations. */
static size_t make(long i, uint8_t *to)
{
    uint64_t state = (uint64_t)i;
    const struct seed *s = &seeds[(size_t)i % n_seeds];
    size_t n = s->n, times = (size_t)i < n_seeds ? 0 : 1 + below(&state, 16);

    memcpy(to, s->data, n);
    while (times-- > 0)
        n = mutate(to, n, &state);
    return n;
}

static void tell(int number)
{
    char line[80];
    int n = snprintf(line, sizeof line, "not ok fuzz: signal %d at input %ld\n", number, under_way);

    if (write(STDOUT_FILENO, line, (size_t)n) < 0)
        _exit(2);
    _exit(1);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? strrchr(argv[1], '/') : NULL;
    long count = argc > 2 ? atol(argv[2]) : 20000;
    uint8_t *input = malloc(INPUT_MAX);

    if (argc < 2 || !input) {
        fprintf(stderr, "use: %s SEEDS [COUNT [NUMBER]]\n", argv[0]);
        return 2;
    }
    read_seeds(argv[1]);
    if (argc > 3)
        return fwrite(input, 1, make(atol(argv[3]), input), stdout) == 0;
    signal(SIGABRT, tell);
    signal(SIGSEGV, tell);
    signal(SIGALRM, tell);
    for (under_way = 0; under_way < count; under_way++) {
        size_t n = make(under_way, input);
        uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a read behind its end */

        if (!exact)
            return 2;
        memcpy(exact, input, n);
        alarm(SECONDS_MAX);
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    alarm(0);
    printf("ok fuzz %s: %zu seeds, %ld inputs\n", name ? name + 1 : argv[1], n_seeds, count);
    for (size_t i = 0; i < n_seeds; i++)
        free(seeds[i].data);
    free(input);
    return 0;
}
