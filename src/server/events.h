/* events.h - the server's side of event streams (route.h). */
#ifndef KN_SERVER_EVENTS_H
#define KN_SERVER_EVENTS_H

#include "server/route.h"

#include <microhttpd.h>

struct kn_stream;

/* A reader of e, from behind the event last (0: only what comes), first of all this event (name NULL: none). NULL without memory. */
struct kn_stream *kn_stream_new(struct kn_events *e, uint64_t last, const char *name,
                                const char *data);
void kn_stream_free(void *stream);

/* For MHD_create_response_from_callback: it suspends the connection while there is nothing to tell. */
void kn_stream_connect(struct kn_stream *s, struct MHD_Connection *connection);
ssize_t kn_stream_read(void *stream, uint64_t at, char *out, size_t most);

/* Once a second: wakes readers that are due a sign of life. */
void kn_events_tick(struct kn_events *e, double now);
void kn_events_end(struct kn_events *e); /* all readers come to their end */

#endif
