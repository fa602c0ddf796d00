/* values.h - routes matched, and parameters read by their tables (route.h). Pure functions over an arena. */
#ifndef KN_SERVER_VALUES_H
#define KN_SERVER_VALUES_H

#include "server/route.h"
#include "server/target.h"

/* The first of the routes that fits path and method; NULL: none. *allowed: the methods, as bits 1 << KN_GET..., of all
 * whose path fits. */
const struct kn_route *kn_route_match(const struct kn_route *routes, size_t n,
                                      const struct kn_target *target, int method,
                                      unsigned *allowed);

struct kn_fault {          /* what was wrong with which parameter */
    const char *parameter; /* in the arena or of a table; NULL: none in particular */
    struct kn_err err;
};

/* The values of path, query and body (json NULL: none was sent) of a route that matched. KN_EARG, KN_ELIMIT (memory). */
int kn_values_read(const struct kn_route *route, const struct kn_target *target,
                   const struct kn_json *json, struct kn_arena *arena, const struct kn_values **out,
                   struct kn_fault *fault);

/* A body: JSON, an object, not too deep. KN_EARG. Free *out. */
int kn_body_parse(struct kn_sv body, struct kn_json **out, struct kn_err *err);

#endif
