/* token.h - who may ask: the token, and the sessions of browsers that showed it.
 *
 * The token is KINORA_TOKEN, else the first line of a file (KINORA_TOKEN_FILE, --token-file), else the one that `kinora token` made,
 * of which only the SHA-256 is kept, in kinora/token under the XDG state folder, mode 0600. A session is 256 random bits in a cookie; its
 * SHA-256, taken together with the token's, and when it ends, are kept in kinora/sessions there, so that it outlives the
 * server and not the token. A signed address opens itself and nothing else, for players, which know neither: its key is the HMAC-SHA-256 of
 * its path and its end, under the token's SHA-256; nothing of it is kept, and it ends with the token.
 * Threads: any. Errors: kinora/err.h. */
#ifndef KN_SERVER_TOKEN_H
#define KN_SERVER_TOKEN_H

#include "base/secret.h"

#include <stdint.h>

struct kn_err;
struct kn_tokens;

/* file: "" or NULL: none given. KN_EARG: one was given that cannot be a token; KN_EIO. */
int kn_tokens_open(const char *file, struct kn_tokens **out, struct kn_err *err);
void kn_tokens_close(struct kn_tokens *t); /* NULL is fine */

bool kn_tokens_needed(const struct kn_tokens *t); /* there is a token */
bool kn_tokens_is(const struct kn_tokens *t, struct kn_sv candidate);

/* now: seconds since 1970. */
int kn_session_begin(struct kn_tokens *t, int64_t now, char cookie[KN_SECRET_TEXT],
                     struct kn_err *err);
bool kn_session_is(struct kn_tokens *t, struct kn_sv cookie, int64_t now);
void kn_session_end(struct kn_tokens *t, struct kn_sv cookie);

/* path: "/api/v1/titles/3f2a.../media". until: seconds since 1970. KN_ELIMIT without memory. */
int kn_tokens_sign(const struct kn_tokens *t, const char *path, int64_t until,
                   char key[KN_SECRET_TEXT], struct kn_err *err);
bool kn_tokens_signed(const struct kn_tokens *t, const char *path, int64_t until, struct kn_sv key,
                      int64_t now);

/* Makes a token and keeps its hash; text is the only place that has it. KN_EARG: there is one, and replace is not set. */
int kn_token_make(bool replace, char text[KN_SECRET_TEXT], struct kn_err *err);

#endif
