/* metrics.h - what /metrics tells: requests by route and status, how long they took, in Prometheus's text format 0.0.4.
 *
 * Counting is a few atomic additions, no lock. A time is that from the request line to the answer's first byte. */
#ifndef KN_SERVER_METRICS_H
#define KN_SERVER_METRICS_H

#include "server/route.h"

struct kn_metrics;

/* One row a route, in this order, and one more for what matched none. routes are borrowed. NULL without memory. */
struct kn_metrics *kn_metrics_new(const struct kn_app *apps, size_t n);
void kn_metrics_free(struct kn_metrics *m); /* NULL is fine */

/* route NULL: none matched. */
void kn_metrics_count(struct kn_metrics *m, const struct kn_route *route, unsigned status,
                      double seconds, uint64_t bytes);
void kn_metrics_write(const struct kn_metrics *m, struct kn_buf *out);

const char *kn_method_name(enum kn_method m);

#endif
