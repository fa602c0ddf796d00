/* secret.h - numbers that nobody guesses, and how they are kept and compared. Randomness is the kernel's, SHA-256 libcrypto's. */
#ifndef KN_BASE_SECRET_H
#define KN_BASE_SECRET_H

#include "buf.h"

struct kn_err;

enum { KN_SECRET_BYTES = 32, KN_SECRET_TEXT = 2 * KN_SECRET_BYTES + 1 };

struct kn_digest {
    unsigned char b[KN_SECRET_BYTES];
};

/* 256 random bits as 64 lower-case hex digits. KN_EIO: the kernel gives none. */
int kn_secret_make(char out[KN_SECRET_TEXT], struct kn_err *err);

/* SHA-256 of a; where b is not empty, of the digests of both, so that no other cut of the same bytes gives the same. */
struct kn_digest kn_digest_of(struct kn_sv a, struct kn_sv b);

/* HMAC-SHA-256. False: no memory. */
bool kn_digest_mac(const struct kn_digest *key, struct kn_sv text, struct kn_digest *out);

/* In a time that does not depend on what they hold. */
bool kn_digest_eq(const struct kn_digest *a, const struct kn_digest *b);

void kn_digest_format(const struct kn_digest *d, char out[KN_SECRET_TEXT]);
bool kn_digest_parse(struct kn_sv text, struct kn_digest *out); /* 64 hex digits */

#endif
