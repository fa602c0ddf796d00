#include "index/dense_internal.h"

#include "base/fs.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A plane of lower bytes above FINE_MAPPED is read row by row and not mapped: a few rows a search are wanted of it, and the kernel
 * maps 16 pages around each that is touched, so that all of it would soon be resident. */
enum { VERSION = 2, ORDER = 0x01020304, FINE_MAPPED = 64 << 20 };
static const char magic[8] = "KNDENSE";
_Static_assert(sizeof(struct header) <= PAGE, "the header is a page");

static size_t whole_pages(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

static uint64_t header_hash(const struct header *h)
{
    return kn_hash_bytes(h, offsetof(struct header, hash));
}

static int damaged(const struct kn_dense *x, const char *where, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT,
                      "read index '%s': %s is damaged: remove the file, it is made again", x->path,
                      where);
}

static int read_at(const struct kn_dense *x, void *out, size_t n, size_t at, struct kn_err *err)
{
    char *p = out;

    while (n > 0) {
        ssize_t got = pread(x->fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kn_err_set(err, KN_EIO, "read index '%s': %s", x->path, strerror(errno));
        if (got == 0)
            return damaged(x, "its end", err);
        p += got;
        n -= (size_t)got;
        at += (size_t)got;
    }
    return KN_OK;
}

static uint64_t *sums_of(const struct kn_dense *x, enum plane plane)
{
    size_t before = 0;

    for (int p = 0; p < (int)plane; p++)
        before += x->layout.chunk_bytes[p] > 0;
    return (uint64_t *)(void *)(x->base + x->layout.sums) + before * x->layout.chunks;
}

int kn_dense_verify_chunk(const struct kn_dense *x, enum plane plane, size_t chunk,
                          struct kn_err *err)
{
    size_t bytes = x->layout.chunk_bytes[plane];
    const uint8_t *p = kn_dense_chunk(x, plane, chunk);
    uint8_t *copy = NULL;
    uint64_t hash;
    int rc = KN_OK;

    if (plane == PLANE_FINE && x->fine_by_read) {
        copy = malloc(bytes);
        rc = copy ? read_at(x, copy, bytes, x->layout.at[plane] + chunk * bytes, err)
                  : kn_err_memory(err, "index: no memory");
        p = copy;
    }
    if (rc == KN_OK) {
        hash = kn_hash_bytes(p, bytes);
        if (hash != sums_of(x, plane)[chunk])
            rc = damaged(x, "what rows are made of", err);
        else
            atomic_store_explicit(&x->seen[plane * x->layout.chunks + chunk], 1,
                                  memory_order_relaxed);
    }
    free(copy);
    return rc;
}

int kn_dense_fine(const struct kn_dense *x, uint32_t row, int8_t *buf, const int8_t **out,
                  struct kn_err *err)
{
    size_t at = row * x->layout.stride;
    int rc = kn_dense_touch(x, PLANE_FINE, row / KN_CHUNK, err);

    *out = x->fine_by_read ? buf : (const int8_t *)x->plane[PLANE_FINE] + at;
    if (rc == KN_OK && x->fine_by_read)
        rc = read_at(x, buf, x->layout.stride, x->layout.at[PLANE_FINE] + at, err);
    return rc;
}

/* Where each section begins; the file's size is returned. */
static size_t place_sections(const struct kn_dense *x, size_t *at)
{
    size_t end = x->layout.end;

    for (size_t i = 0; i < x->head.n_sections; i++) {
        at[i] = end;
        end += whole_pages(x->head.sections[i].bytes);
    }
    return end;
}

/* What the hash does not say: that the numbers make sense. */
static bool is_sound(const struct kn_dense *x)
{
    const struct header *h = &x->head;

    if (h->dim == 0 || h->dim > MAX_DIM || h->rows >= UINT32_MAX ||
        h->n_sections > KN_DENSE_SECTIONS || h->tier < KN_DENSE_EXACT || h->tier > KN_DENSE_SKETCH)
        return false;
    for (int at = AT_10; at <= AT_100; at++)
        if (h->tier != KN_DENSE_EXACT && h->reranked[at] == 0)
            return false;
    for (size_t i = 0; i < h->n_sections; i++)
        if (h->sections[i].bytes > h->file_bytes ||
            !memchr(h->sections[i].name, '\0', KN_DENSE_SECTION_NAME))
            return false;
    return true;
}

static int read_header(struct kn_dense *x, struct kn_err *err)
{
    struct stat st;
    size_t at[KN_DENSE_SECTIONS];
    int rc;

    if (fstat(x->fd, &st) < 0)
        return kn_err_set(err, KN_EIO, "read index '%s': %s", x->path, strerror(errno));
    rc = read_at(x, &x->head, sizeof x->head, 0, err);
    if (rc)
        return rc;
    if (memcmp(x->head.magic, magic, sizeof magic) != 0)
        return damaged(x, "its beginning", err);
    if (x->head.version != VERSION || x->head.order != ORDER)
        return kn_err_set(
            err, KN_ECORRUPT,
            "read index '%s': it was written by another version, or on another kind of machine: "
            "remove the file, it is made again",
            x->path);
    if (x->head.hash != header_hash(&x->head) || !is_sound(x))
        return damaged(x, "its header", err);
    kn_dense_lay_out(x->head.dim, x->head.rows, x->head.tier == KN_DENSE_EXACT, &x->layout);
    x->mapped = place_sections(x, at);
    if (x->mapped != x->head.file_bytes || (off_t)x->mapped != st.st_size)
        return damaged(x, "its length", err);
    return KN_OK;
}

static int map(struct kn_dense *x, struct kn_err *err)
{
    x->base = mmap(NULL, x->mapped, PROT_READ, MAP_SHARED, x->fd, 0);
    if (x->base == MAP_FAILED) {
        x->base = NULL;
        return kn_err_set(err, errno == ENOMEM ? KN_ELIMIT : KN_EIO, "map index '%s': %s", x->path,
                          strerror(errno));
    }
    if (kn_hash_bytes(x->base + PAGE, x->layout.table_bytes) != x->head.table_hash)
        return damaged(x, "its table of checksums", err);
    x->seen = calloc(PLANES * x->layout.chunks + 1, sizeof *x->seen);
    if (!x->seen)
        return kn_err_memory(err, "open index '%s': no memory", x->path);
    kn_dense_point(x);
    x->fine_by_read = x->layout.chunks * x->layout.chunk_bytes[PLANE_FINE] > FINE_MAPPED;
    return KN_OK;
}

int kn_dense_open(const char *path, struct kn_dense **out, struct kn_err *err)
{
    struct kn_dense *x;
    int rc = kn_dense_new(&x, err);

    if (rc)
        return rc;
    x->path = strdup(path);
    if (!x->path) {
        rc = kn_err_memory(err, "open index '%s': no memory", path);
        goto out;
    }
    x->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (x->fd < 0) {
        rc = kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "open index '%s': %s", path,
                        strerror(errno));
        goto out;
    }
    rc = read_header(x, err);
    if (rc == KN_OK)
        rc = map(x, err);
out:
    if (rc)
        kn_dense_close(x);
    else
        *out = x;
    return rc;
}

void kn_dense_close(struct kn_dense *x)
{
    if (!x)
        return;
    if (x->base)
        munmap(x->base, x->mapped);
    if (x->fd >= 0)
        close(x->fd);
    free(x->seen);
    free(x->path);
    free(x);
}

void kn_dense_info(const struct kn_dense *x, struct kn_dense_info *out)
{
    const struct header *h = &x->head;

    *out = (struct kn_dense_info){
        .dim = h->dim,
        .rows = h->rows,
        .tier = (enum kn_dense_tier)h->tier,
        .sequence = h->sequence,
        .model = h->model,
        .recall = h->recall,
        .reached = {h->reached[AT_10], h->reached[AT_100]},
        .weighed = h->weighed,
        .candidates = h->candidates,
        .reranked = {h->reranked[AT_10], h->reranked[AT_100]},
        .rows_asked = h->rows_asked,
        .queries_asked = h->queries_asked,
        .kernels = x->kernels->name,
        .file_bytes = h->file_bytes,
    };
}

static int section_at(const struct kn_dense *x, size_t i, struct kn_err *err)
{
    size_t at[KN_DENSE_SECTIONS];

    place_sections(x, at);
    if (kn_hash_bytes(x->base + at[i], x->head.sections[i].bytes) != x->head.sections[i].hash)
        return damaged(x, x->head.sections[i].name, err);
    return KN_OK;
}

int kn_dense_section(const struct kn_dense *x, const char *name, const void **data, size_t *n,
                     struct kn_err *err)
{
    size_t at[KN_DENSE_SECTIONS];

    place_sections(x, at);
    for (size_t i = 0; i < x->head.n_sections; i++) {
        int rc;

        if (strcmp(x->head.sections[i].name, name) != 0)
            continue;
        rc = section_at(x, i, err);
        if (rc)
            return rc;
        *data = x->base + at[i];
        *n = x->head.sections[i].bytes;
        return KN_OK;
    }
    return kn_err_set(err, KN_ENOTFOUND, "index: no section '%s'", name);
}

int kn_dense_section_file(const struct kn_dense *x, const char *name, int *fd, uint64_t *at,
                          struct kn_err *err)
{
    size_t places[KN_DENSE_SECTIONS];

    place_sections(x, places);
    for (size_t i = 0; i < x->head.n_sections && x->fd != -1; i++) {
        if (strcmp(x->head.sections[i].name, name) != 0)
            continue;
        *fd = x->fd;
        *at = places[i];
        return KN_OK;
    }
    return kn_err_set(err, KN_ENOTFOUND, "index: no section '%s' in a file", name);
}

int kn_dense_verify(const struct kn_dense *x, struct kn_err *err)
{
    int rc = KN_OK;

    for (int p = 0; p < PLANES && x->seen; p++)
        for (size_t c = 0; x->plane[p] && c < x->layout.chunks && rc == KN_OK; c++)
            rc = kn_dense_verify_chunk(x, (enum plane)p, c, err);
    for (size_t i = 0; i < x->head.n_sections && rc == KN_OK; i++)
        rc = section_at(x, i, err);
    return rc;
}

static void put_sums(struct kn_dense *x)
{
    for (int p = 0; p < PLANES; p++)
        for (size_t c = 0; x->plane[p] && c < x->layout.chunks; c++)
            sums_of(x, (enum plane)p)[c] =
                kn_hash_bytes(kn_dense_chunk(x, (enum plane)p, c), x->layout.chunk_bytes[p]);
    x->head.table_hash = kn_hash_bytes(x->base + PAGE, x->layout.table_bytes);
}

static int write_at(int fd, const void *data, size_t n, size_t at)
{
    const char *p = data;

    while (n > 0) {
        ssize_t put = pwrite(fd, p, n, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        p += put;
        n -= (size_t)put;
        at += (size_t)put;
    }
    return 0;
}

/* Sections and the header, behind all else. */
static int finish(struct kn_dense *x, const struct kn_dense_how *how, struct kn_err *err)
{
    size_t at[KN_DENSE_SECTIONS];

    x->head.n_sections = (uint32_t)how->n_sections;
    for (size_t i = 0; i < how->n_sections; i++) {
        const struct kn_dense_section *s = &how->sections[i];

        if (!*s->name || strlen(s->name) >= KN_DENSE_SECTION_NAME)
            return kn_err_set(err, KN_EARG, "write index: '%s' is no name of 1 to %d bytes",
                              s->name, KN_DENSE_SECTION_NAME - 1);
        strcpy(x->head.sections[i].name, s->name);
        x->head.sections[i].bytes = s->n;
        x->head.sections[i].hash = kn_hash_bytes(s->data, s->n);
    }
    put_sums(x);
    memcpy(x->head.magic, magic, sizeof magic);
    x->head.version = VERSION;
    x->head.order = ORDER;
    x->head.file_bytes = place_sections(x, at);
    x->head.hash = header_hash(&x->head);
    if (ftruncate(x->fd, (off_t)x->head.file_bytes) < 0)
        goto failed;
    for (size_t i = 0; i < how->n_sections; i++)
        if (write_at(x->fd, how->sections[i].data, how->sections[i].n, at[i]) < 0)
            goto failed;
    if (write_at(x->fd, &x->head, sizeof x->head, 0) < 0)
        goto failed;
    return KN_OK;
failed:
    return kn_err_set(err, KN_EIO, "write index '%s': %s", x->path, strerror(errno));
}

/* A mapping has no way to say that the disk is full but a signal, so all of it is allocated first. */
static int map_new(struct kn_dense *x, struct kn_err *err)
{
    int failed;

    x->fd = open(x->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (x->fd < 0)
        return kn_err_set(err, KN_EIO, "create '%s': %s", x->path, strerror(errno));
    failed = posix_fallocate(x->fd, 0, (off_t)x->layout.end);
    if (failed)
        return kn_err_set(err, KN_EIO, "write index '%s', %zu MB: %s", x->path,
                          (x->layout.end >> 20) + 1, strerror(failed));
    x->base = mmap(NULL, x->layout.end, PROT_READ | PROT_WRITE, MAP_SHARED, x->fd, 0);
    if (x->base == MAP_FAILED) {
        x->base = NULL;
        return kn_err_set(err, KN_EIO, "map '%s': %s", x->path, strerror(errno));
    }
    x->mapped = x->layout.end;
    kn_dense_point(x);
    return KN_OK;
}

int kn_dense_write(const char *path, const struct kn_dense_how *how, kn_dense_rows_fn *rows,
                   void *ctx, struct kn_err *err)
{
    char tmp[PATH_MAX];
    struct kn_dense *x;
    int rc;

    if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp)
        return kn_err_set(err, KN_EARG, "write index '%s': the path is too long", path);
    if (how->n_sections > KN_DENSE_SECTIONS)
        return kn_err_set(err, KN_EARG, "write index '%s': %zu sections, where %d are possible",
                          path, how->n_sections, KN_DENSE_SECTIONS);
    rc = kn_dense_begin(how, &x, err);
    if (rc)
        return rc;
    x->path = strdup(tmp);
    rc = x->path ? map_new(x, err) : kn_err_memory(err, "write index '%s': no memory", path);
    if (rc == KN_OK)
        rc = kn_dense_fill(x, how, rows, ctx, err);
    if (rc == KN_OK && how->ready)
        rc = how->ready(ctx, err);
    if (rc == KN_OK)
        rc = finish(x, how, err);
    kn_dense_close(x);
    if (rc == KN_OK)
        rc = kn_fs_publish(tmp, path, true, err);
    if (rc)
        unlink(tmp);
    return rc;
}
