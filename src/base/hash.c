#include "hash.h"

#include "cancel.h"
#include "err.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { EDGE = 1 << 20, BLOCK = 64 << 10, BLOCKS = 8 };

/* kn_id name space: UUIDv5 of "kinora" in the DNS name space of RFC 9562, computed once. */
static const unsigned char id_space[16] = {0xc5, 0xaf, 0xd8, 0x84, 0x60, 0xf0, 0x56, 0x22,
                                           0x84, 0x70, 0x32, 0x75, 0x16, 0xcf, 0xce, 0x6c};

struct kn_hasher {
    XXH3_state_t *state;
};

struct kn_hasher *kn_hasher_new(void)
{
    struct kn_hasher *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->state = XXH3_createState();
    if (!h->state) {
        free(h);
        return NULL;
    }
    XXH3_128bits_reset(h->state);
    return h;
}

void kn_hasher_free(struct kn_hasher *h)
{
    if (!h)
        return;
    XXH3_freeState(h->state);
    free(h);
}

void kn_hasher_add(struct kn_hasher *h, const void *p, size_t n)
{
    XXH3_128bits_update(h->state, p, n);
}

void kn_hasher_u64(struct kn_hasher *h, uint64_t v)
{
    unsigned char b[8];

    for (int i = 0; i < 8; i++)
        b[i] = (unsigned char)(v >> (8 * i));
    kn_hasher_add(h, b, sizeof b);
}

void kn_hasher_text(struct kn_hasher *h, const char *s)
{
    size_t n = strlen(s);

    kn_hasher_u64(h, n);
    kn_hasher_add(h, s, n);
}

void kn_hasher_hash(struct kn_hasher *h, const struct kn_hash *v)
{
    kn_hasher_add(h, v->b, sizeof v->b);
}

uint64_t kn_hash_bytes(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

struct kn_hash kn_hasher_end(const struct kn_hasher *h)
{
    XXH128_canonical_t c;
    struct kn_hash out;

    XXH128_canonicalFromHash(&c, XXH3_128bits_digest(h->state));
    memcpy(out.b, c.digest, sizeof out.b);
    return out;
}

static int add_range(struct kn_hasher *h, int fd, uint64_t at, uint64_t n, char *buffer,
                     struct kn_err *err)
{
    while (n > 0) {
        ssize_t got = pread(fd, buffer, n < EDGE ? (size_t)n : EDGE, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kn_err_set(err, KN_EIO, "read file at byte %llu: %s", (unsigned long long)at,
                              strerror(errno));
        if (got == 0)
            return kn_err_set(err, KN_EIO,
                              "read file at byte %llu: it became shorter while it was read",
                              (unsigned long long)at);
        kn_hasher_add(h, buffer, (size_t)got);
        at += (uint64_t)got;
        n -= (uint64_t)got;
    }
    return KN_OK;
}

bool kn_hash_is_whole(uint64_t size)
{
    return size <= 2 * (uint64_t)EDGE + (uint64_t)BLOCKS * BLOCK;
}

int kn_hash_file(int fd, uint64_t size, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();
    char *buffer = malloc(EDGE);
    int rc;

    if (!h || !buffer) {
        rc = kn_err_memory(err, "hash file: no memory");
        goto out;
    }
    kn_hasher_u64(h, size);
    if (kn_hash_is_whole(size)) {
        rc = add_range(h, fd, 0, size, buffer, err);
        if (rc)
            goto out;
    } else {
        uint64_t middle = size - 2 * (uint64_t)EDGE;

        rc = add_range(h, fd, 0, EDGE, buffer, err);
        for (uint64_t i = 1; rc == KN_OK && i <= BLOCKS; i++)
            rc = add_range(h, fd, EDGE + (middle - BLOCK) / (BLOCKS + 1) * i, BLOCK, buffer, err);
        if (rc == KN_OK)
            rc = add_range(h, fd, size - EDGE, EDGE, buffer, err);
        if (rc)
            goto out;
    }
    *out = kn_hasher_end(h);
out:
    kn_hasher_free(h);
    free(buffer);
    return rc;
}

int kn_hash_all(int fd, const struct kn_cancel *cancel, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();
    char *buffer = malloc(EDGE);
    off_t at = 0;
    int rc = h && buffer ? KN_OK : kn_err_memory(err, "hash file: no memory");

    while (rc == KN_OK) {
        ssize_t got = pread(fd, buffer, EDGE, at);

        if (kn_cancel_is_set(cancel))
            rc = kn_err_set(err, KN_ECANCELLED, "hash file: cancelled");
        else if (got < 0 && errno != EINTR)
            rc = kn_err_set(err, KN_EIO, "read file at byte %lld: %s", (long long)at,
                            strerror(errno));
        if (rc || got == 0)
            break;
        if (got > 0) {
            kn_hasher_add(h, buffer, (size_t)got);
            at += got;
        }
    }
    if (rc == KN_OK)
        *out = kn_hasher_end(h);
    kn_hasher_free(h);
    free(buffer);
    return rc;
}

struct kn_id kn_id_from_hash(const struct kn_hash *hash)
{
    unsigned char in[32], digest[EVP_MAX_MD_SIZE];
    struct kn_id id;

    memcpy(in, id_space, 16);
    memcpy(in + 16, hash->b, 16);
    EVP_Digest(in, sizeof in, digest, NULL, EVP_sha1(), NULL);
    memcpy(id.b, digest, 16);
    id.b[6] = (unsigned char)((id.b[6] & 0x0F) | 0x50);
    id.b[8] = (unsigned char)((id.b[8] & 0x3F) | 0x80);
    return id;
}

void kn_id_format(const struct kn_id *id, char out[KN_ID_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = hex[id->b[i] >> 4];
        out[n++] = hex[id->b[i] & 15];
    }
    out[n] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool kn_id_parse(const char *text, struct kn_id *out)
{
    struct kn_id id;

    for (size_t i = 0; i < 16; i++) {
        int high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return false;
        high = hex_value(text[0]);
        low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return false;
        id.b[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    if (*text)
        return false;
    *out = id;
    return true;
}

bool kn_id_eq(const struct kn_id *a, const struct kn_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

int kn_sha256_file(const char *path, char out[65], struct kn_err *err)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char *buffer = malloc(EDGE);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = KN_OK;

    if (fd < 0) {
        rc = kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO, "open '%s': %s", path,
                        strerror(errno));
        goto out;
    }
    if (!buffer || !ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        rc = kn_err_memory(err, "hash '%s': no memory", path);
        goto out;
    }
    for (;;) {
        ssize_t got = read(fd, buffer, EDGE);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rc = kn_err_set(err, KN_EIO, "read '%s': %s", path, strerror(errno));
            goto out;
        }
        if (got == 0)
            break;
        EVP_DigestUpdate(ctx, buffer, (size_t)got);
    }
    EVP_DigestFinal_ex(ctx, digest, NULL);
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[64] = '\0';
out:
    if (fd >= 0)
        close(fd);
    EVP_MD_CTX_free(ctx);
    free(buffer);
    return rc;
}
