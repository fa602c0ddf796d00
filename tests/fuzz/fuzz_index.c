/* Any damage to an index file: an error, or the right answer. The input is a list of 8 bytes each: what is done, with which byte, and
 * where (see harm). A file whose checksums are made anew behind the damage may answer anything, and must not crash or read elsewhere.
 * clang -fsanitize=fuzzer; seeds/index. */
#include "base/hash.h"
#include "index/dense_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DIM = 24, ROWS = 300, QUERIES = 4, K = 10, TIERS = 2 };
enum { FLIP, SET, CUT, SWAP, CLEAR, FORGE, HARMS };

struct file {
    uint8_t *bytes;
    size_t n;
    struct kn_exact_hit right[QUERIES][K];
};

static float vectors[ROWS + QUERIES][DIM];
static const char ids[300] = "ids";

static int give(void *ctx, size_t first, size_t n, float *out, struct kn_err *err)
{
    (void)ctx;
    (void)err;
    memcpy(out, vectors[first], n * sizeof *vectors);
    return KN_OK;
}

static void fill(void)
{
    uint32_t dice = 1;

    for (size_t r = 0; r < ROWS + QUERIES; r++)
        for (size_t i = 0; i < DIM; i++) {
            dice = dice * 1664525u + 1013904223u;
            vectors[r][i] = (float)dice / 4294967296.0f * 0.5f - 0.2f;
        }
}

/* 0, or the code of what is wrong; aborts on a wrong answer, unless right is NULL. */
static int ask(const char *path, const struct file *right, struct kn_exact_hit (*hits)[K])
{
    struct kn_dense *x = NULL;
    const void *section;
    size_t found = 0;
    float row[MAX_DIM];
    int rc = kn_dense_open(path, &x, NULL);

    for (size_t q = 0; q < QUERIES && rc == KN_OK; q++) {
        struct kn_dense_info info;

        kn_dense_info(x, &info);
        if (info.dim != DIM || info.rows != ROWS) {
            if (right)
                abort();
            break; /* forged: the vectors at hand do not fit */
        }
        rc = kn_dense_search(x, vectors[ROWS + q], NULL, K, hits[q], &found, NULL);
        if (rc == KN_OK && right &&
            (found != K || memcmp(hits[q], right->right[q], sizeof hits[q]) != 0))
            abort();
        if (rc == KN_OK)
            rc = kn_dense_row(x, (uint32_t)(ROWS - 1 - q), row, NULL);
    }
    if (rc == KN_OK && x)
        rc = kn_dense_section(x, "ids", &section, &found, NULL);
    if (rc == KN_OK && right && (found != sizeof ids || memcmp(section, ids, sizeof ids) != 0))
        abort();
    kn_dense_close(x);
    return rc;
}

static void make(struct file *f, enum kn_dense_tier tier)
{
    const struct kn_dense_section section = {"ids", ids, sizeof ids};
    const struct kn_dense_how how = {
        .dim = DIM, .rows = ROWS, .tier = tier, .sections = &section, .n_sections = 1};
    char path[64];
    FILE *in;

    snprintf(path, sizeof path, "/tmp/kinora-fuzz-index-%d", (int)getpid());
    if (kn_dense_write(path, &how, give, NULL, NULL) || ask(path, NULL, f->right))
        abort();
    in = fopen(path, "rb");
    f->bytes = malloc(1 << 20);
    if (!in || !f->bytes)
        abort();
    f->n = fread(f->bytes, 1, 1 << 20, in);
    fclose(in);
    unlink(path);
}

static void forge(uint8_t *bytes, size_t n)
{
    struct header h;
    struct layout l;

    if (n < sizeof h)
        return;
    memcpy(&h, bytes, sizeof h);
    if (h.dim > 0 && h.dim <= MAX_DIM && h.rows <= UINT32_MAX) {
        kn_dense_lay_out(h.dim, h.rows, h.tier == KN_DENSE_EXACT, &l);
        if (PAGE + l.table_bytes <= n)
            h.table_hash = kn_hash_bytes(bytes + PAGE, l.table_bytes);
    }
    h.hash = kn_hash_bytes(&h, offsetof(struct header, hash));
    memcpy(bytes, &h, sizeof h);
}

/* True: checksums were made anew. */
static bool harm(uint8_t *bytes, size_t *n, const uint8_t *what)
{
    uint32_t at, page;
    uint8_t copy[PAGE];

    memcpy(&at, what + 4, sizeof at);
    if (what[2] & 1) /* often where all is told */
        at %= 2 * PAGE;
    at = *n ? (uint32_t)(at % *n) : 0;
    page = at / PAGE * PAGE;
    if (*n < 2 * PAGE || page + PAGE > *n)
        return false;
    switch (what[0] % HARMS) {
    case FLIP:
        bytes[at] ^= (uint8_t)(1 << what[1] % 8);
        break;
    case SET:
        bytes[at] = what[1];
        break;
    case CUT:
        *n = at;
        break;
    case SWAP: {
        size_t other = what[1] % (*n / PAGE) * PAGE;

        memcpy(copy, bytes + page, PAGE);
        memcpy(bytes + page, bytes + other, PAGE);
        memcpy(bytes + other, copy, PAGE);
        break;
    }
    case CLEAR:
        memset(bytes + page, 0, PAGE);
        break;
    default:
        forge(bytes, *n);
        return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct file files[TIERS];
    static int fd = -1;
    static char path[64];
    struct kn_exact_hit hits[QUERIES][K];

    if (fd < 0) {
        fill();
        make(&files[0], KN_DENSE_SKETCH);
        make(&files[1], KN_DENSE_EXACT);
        fd = memfd_create("index", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    for (int t = 0; t < TIERS; t++) {
        uint8_t *bytes = malloc(files[t].n);
        size_t size = files[t].n;
        bool forged = false;

        if (!bytes)
            return 0;
        memcpy(bytes, files[t].bytes, size);
        for (size_t i = 0; i + 8 <= n && i < 16 * 8; i += 8)
            forged |= harm(bytes, &size, data + i);
        if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
            abort();
        ask(path, forged ? NULL : &files[t], hits);
        free(bytes);
    }
    return 0;
}
