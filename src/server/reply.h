/* reply.h - a reply as the server sees it: what a handler said (route.h), and how that becomes an answer. */
#ifndef KN_SERVER_REPLY_H
#define KN_SERVER_REPLY_H

#include "server/route.h"

#include <microhttpd.h>
#include <time.h>

struct kn_stream;

enum kn_reply_kind {
    KN_REPLY_NOTHING,
    KN_REPLY_JSON,
    KN_REPLY_BYTES,
    KN_REPLY_FILE,
    KN_REPLY_EVENTS,
};

enum { KN_REPLY_HEADERS = 8, KN_ETAG_TEXT = 64 };

struct kn_reply_field {
    const char *name, *value;
};

struct kn_reply {
    struct kn_arena *arena;
    enum kn_reply_kind kind;
    unsigned status; /* 0: what the kind says */
    const char *type;
    struct kn_buf body; /* of JSON */
    struct kn_json_writer writer;
    struct kn_sv bytes, gzip;       /* borrowed; gzip: the same, packed beforehand; n 0: not */
    int fd;                         /* of a file; -1 */
    uint64_t size;                  /* of it */
    time_t modified;                /* of it */
    char etag[KN_ETAG_TEXT];        /* with its quotes; "": of the bytes */
    struct kn_events *events;       /* of a stream */
    const char *event, *event_data; /* its first; NULL */
    struct kn_reply_field headers[KN_REPLY_HEADERS];
    size_t n_headers;
};

/* What a request said that an answer depends on. NULL: not sent. */
struct kn_conditions {
    bool conditional; /* GET or HEAD */
    const char *if_none_match, *if_modified_since, *range, *if_range, *accept_encoding;
};

void kn_reply_begin(struct kn_reply *r, struct kn_arena *arena);
void kn_reply_end(struct kn_reply *r); /* frees what was not sent */

/* Whatever was said before, this instead. code: "not_found"...; parameter may be NULL. */
void kn_reply_become_problem(struct kn_reply *r, unsigned status, const char *detail,
                             const char *code, const char *parameter);
unsigned kn_status_of(const struct kn_err *err);

/* The whole answer, ready to be queued; NULL: no memory. *bytes: of its body. What it holds is the response's from then on.
 * Streams are the caller's. */
struct MHD_Response *kn_reply_finish(struct kn_reply *r, const struct kn_conditions *c,
                                     unsigned *status, uint64_t *bytes);

/* The headers that every answer has; page: with the policy of the page's documents. */
bool kn_reply_protect(struct MHD_Response *response, bool page);

/* By its ending; what runs in a browser (HTML, SVG) is none of the library's, and application/octet-stream. */
const char *kn_media_type(const char *path);

#endif
