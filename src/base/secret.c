#include "secret.h"

#include "err.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

void kn_digest_format(const struct kn_digest *d, char out[KN_SECRET_TEXT])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < KN_SECRET_BYTES; i++) {
        out[2 * i] = hex[d->b[i] >> 4];
        out[2 * i + 1] = hex[d->b[i] & 15];
    }
    out[KN_SECRET_TEXT - 1] = '\0';
}

bool kn_digest_parse(struct kn_sv text, struct kn_digest *out)
{
    struct kn_digest d = {{0}};

    if (text.n != KN_SECRET_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (v < 0)
            return false;
        d.b[i / 2] = (unsigned char)(d.b[i / 2] << 4 | v);
    }
    *out = d;
    return true;
}

int kn_secret_make(char out[KN_SECRET_TEXT], struct kn_err *err)
{
    struct kn_digest d;

    if (getrandom(&d, sizeof d, 0) != (ssize_t)sizeof d)
        return kn_err_set(err, KN_EIO, "make a secret: %s", strerror(errno));
    kn_digest_format(&d, out);
    return KN_OK;
}

struct kn_digest kn_digest_of(struct kn_sv a, struct kn_sv b)
{
    unsigned char first[SHA256_DIGEST_LENGTH], both[2 * SHA256_DIGEST_LENGTH];
    struct kn_digest d;

    SHA256((const unsigned char *)a.p, a.n, first);
    if (b.n == 0) {
        memcpy(d.b, first, sizeof d.b);
        return d;
    }
    memcpy(both, first, sizeof first);
    SHA256((const unsigned char *)b.p, b.n, both + sizeof first);
    SHA256(both, sizeof both, d.b);
    return d;
}

bool kn_digest_mac(const struct kn_digest *key, struct kn_sv text, struct kn_digest *out)
{
    unsigned n = sizeof out->b;

    return HMAC(EVP_sha256(), key->b, sizeof key->b, (const unsigned char *)text.p, text.n, out->b,
                &n) != NULL;
}

bool kn_digest_eq(const struct kn_digest *a, const struct kn_digest *b)
{
    return CRYPTO_memcmp(a, b, sizeof *a) == 0;
}
