/* hash.h - fingerprints: XXH3-128 for what we make ourselves, SHA-256 for what we fetch.
 *
 * A fingerprint here answers "is it the same as last time?", not "did somebody forge it?";
 * only kn_sha256_* holds against the latter. Text goes in with its length, so that
 * ("ab", "c") and ("a", "bc") differ.
 *
 * A kn_id is a UUIDv5 (RFC 9562) in Kinora's own name space. */
#ifndef KN_BASE_HASH_H
#define KN_BASE_HASH_H

#include <kinora/types.h>

struct kn_cancel;
struct kn_err;

struct kn_hash {
    unsigned char b[16];
};

struct kn_hasher; /* opaque; one thread */

struct kn_hasher *kn_hasher_new(void); /* NULL without memory */
void kn_hasher_free(struct kn_hasher *h);
void kn_hasher_add(struct kn_hasher *h, const void *p, size_t n); /* the bytes as they are */
void kn_hasher_text(struct kn_hasher *h, const char *s);          /* length, then bytes */
void kn_hasher_u64(struct kn_hasher *h, uint64_t v);
void kn_hasher_hash(struct kn_hasher *h, const struct kn_hash *v);
struct kn_hash kn_hasher_end(const struct kn_hasher *h); /* of all so far; may go on */

uint64_t kn_hash_bytes(const void *p, size_t n); /* XXH3-64 at once, for tables and sketches */

/* The identity of a file's content without reading it whole: XXH3-128 over its size, its first
 * and last MiB and 8 blocks of 64 KiB evenly spaced between. Two files that differ only between
 * those blocks share it; for media that does not happen outside of a download under way.
 * kn_hash_all tells them apart. fd must be seekable; its position is not changed. KN_EIO. */
int kn_hash_file(int fd, uint64_t size, struct kn_hash *out, struct kn_err *err);
bool kn_hash_is_whole(uint64_t size); /* such a small file is looked at from end to end */

/* XXH3-128 of all bytes, from the start on. As above, and KN_ECANCELLED. */
int kn_hash_all(int fd, const struct kn_cancel *cancel, struct kn_hash *out, struct kn_err *err);

struct kn_id kn_id_from_hash(const struct kn_hash *h);
void kn_id_format(const struct kn_id *id, char out[KN_ID_TEXT]);
bool kn_id_parse(const char *text, struct kn_id *out); /* the 36-character form, any case */
bool kn_id_eq(const struct kn_id *a, const struct kn_id *b);

/* SHA-256 of a whole file as 64 lower-case hex digits and a NUL; FIPS 180-4. KN_EIO. */
int kn_sha256_file(const char *path, char out[65], struct kn_err *err);

#endif
