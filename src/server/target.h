/* target.h - a request's target taken apart: path segments and query, decoded and known to be text.
 *
 * Stricter than a browser needs, so that nothing behind it meets a surprise: only printable ASCII before decoding; after it
 * valid UTF-8 without NUL, and in a segment no control character, no slash or backslash, no "." or "..". */
#ifndef KN_SERVER_TARGET_H
#define KN_SERVER_TARGET_H

#include "server/limits.h"

#include <stddef.h>

struct kn_arena;
struct kn_err;

struct kn_pair {
    const char *name, *value;
};

struct kn_target {
    const char *host; /* of http://host:80/...; NULL: there was none */
    const char *path; /* as it came, without the query */
    const char *segments[KN_LIMIT_SEGMENTS];
    size_t n_segments; /* "/": 0; an empty one ("//") is kept */
    struct kn_pair *query;
    size_t n_query;
};

/* raw: "/api/v1/titles?limit=3", or the same behind http://host. All that out has is in the arena. KN_EARG; KN_ELIMIT: more
 * segments than a path may have. */
int kn_target_parse(const char *raw, struct kn_arena *arena, struct kn_target *out,
                    struct kn_err *err);

#endif
