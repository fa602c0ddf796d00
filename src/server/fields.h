/* fields.h - header fields of HTTP, as RFC 9110 and 6265 have them. Pure functions over the field's text; NULL is a field that was
 * not sent. What is malformed reads as not sent, where the RFC has it so. */
#ifndef KN_SERVER_FIELDS_H
#define KN_SERVER_FIELDS_H

#include "base/buf.h"

#include <stdint.h>
#include <time.h>

enum kn_range { KN_RANGE_WHOLE, KN_RANGE_PART, KN_RANGE_UNSATISFIABLE };

/* "bytes=0-99", "bytes=100-", "bytes=-50" of size bytes; first and last are inclusive. Several ranges, another unit or what
 * cannot be read: the whole. */
enum kn_range kn_field_range(const char *range, uint64_t size, uint64_t *first, uint64_t *last);

/* Does If-None-Match hold etag ("..." with its quotes)? Compared weakly: W/ does not count. */
bool kn_field_etag_among(const char *list, const char *etag);

enum { KN_DATE_TEXT = 30 };
void kn_field_date_format(time_t t, char out[KN_DATE_TEXT]); /* "Sun, 06 Nov 1994 08:49:37 GMT" */
bool kn_field_date_parse(const char *text, time_t *out);     /* that form only */

/* Would Accept take this type ("application/json")? The most specific range that fits decides. */
bool kn_field_accepts(const char *accept, const char *type);

enum { KN_ENCODING_GZIP = 1u << 0, KN_ENCODING_BR = 1u << 1 };
unsigned kn_field_encodings(const char *accept_encoding); /* those that are taken */

/* The value of a cookie; false: there is none of that name. */
bool kn_field_cookie(const char *cookie, const char *name, struct kn_sv *out);

/* "localhost:7878", "[::1]" -> the host, without brackets and port. false: it is no host. */
bool kn_field_host(const char *host, struct kn_sv *out);

/* Does Origin ("https://kinora.lan") name the host and port of Host? Schemes are not compared: a reverse proxy ends TLS. */
bool kn_field_same_origin(const char *origin, const char *host);

bool kn_field_is_json(const char *content_type); /* application/json, in UTF-8 */

/* How deep arrays and objects of a JSON text are nested; right for what is JSON, and never too low for it. */
size_t kn_json_depth(struct kn_sv text);

#endif
