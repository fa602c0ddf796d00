/* json.h - JSON out, straight into a buffer; JSON in, as a tree. Jansson reads; writing needs no tree.
 *
 * Writing. Each call takes the key that the value gets in its object; NULL for an element of an array and
 * for the outermost value. The calls return nothing: check kn_buf_ok(buf) once at the end.
 *
 *     struct kn_json_writer w = {.out = &buf};
 *
 *     kn_json_begin_object(&w, NULL);
 *     kn_json_string(&w, "name", title->name);
 *     kn_json_number(&w, "opinion", title->opinion);
 *     kn_json_begin_array(&w, "paths");
 *     kn_json_string(&w, NULL, title->paths[0]);
 *     kn_json_end_array(&w);
 *     kn_json_end_object(&w);         {"name":"Heat","opinion":0.25,"paths":["/films/Heat.mp4"]}
 *
 * Reading. A value lives until kn_json_free of its root; what is asked of it is borrowed. Documents are
 * limited to 64 MiB, and nesting as Jansson limits it (2048). Threads: one tree may be read by many. */
#ifndef KN_NET_JSON_H
#define KN_NET_JSON_H

#include "base/buf.h"

#include <stdint.h>

struct kn_err;

struct kn_json_writer {
    struct kn_buf *out;
    bool comma; /* the next value is not the first in its object or array */
};

void kn_json_begin_object(struct kn_json_writer *w, const char *key);
void kn_json_end_object(struct kn_json_writer *w);
void kn_json_begin_array(struct kn_json_writer *w, const char *key);
void kn_json_end_array(struct kn_json_writer *w);

/* Bytes that are no UTF-8 become U+FFFD; a NULL string becomes null. */
void kn_json_string(struct kn_json_writer *w, const char *key, const char *value);
/* As few digits as give back the same double, whatever the locale; NaN and infinities become null. */
void kn_json_number(struct kn_json_writer *w, const char *key, double value);
void kn_json_float(struct kn_json_writer *w, const char *key, float value); /* the same float */
/* Rounded to so many decimals first: 12.340000000000001 seconds help nobody. */
void kn_json_rounded(struct kn_json_writer *w, const char *key, double value, int decimals);
void kn_json_integer(struct kn_json_writer *w, const char *key, int64_t value);
void kn_json_bool(struct kn_json_writer *w, const char *key, bool value);
void kn_json_null(struct kn_json_writer *w, const char *key);

/* As Kinora says what is not known: "" is null; seconds to the millisecond; start and end are null in a text without times. */
void kn_json_known(struct kn_json_writer *w, const char *key, const char *s);
void kn_json_seconds(struct kn_json_writer *w, const char *key, double seconds);
void kn_json_when(struct kn_json_writer *w, double start, double end);

/* "imdb:tt0113277 tmdb:949", as types of titles have it, becomes {"imdb": "tt0113277", "tmdb": "949"}. */
void kn_json_ids(struct kn_json_writer *w, const char *key, const char *ids);

struct kn_json; /* a value; opaque */

/* what names the document in messages. Repeated keys and trailing text are errors. KN_ECORRUPT (line and column
 * in the message), KN_ELIMIT. */
int kn_json_parse(struct kn_sv text, const char *what, struct kn_json **out, struct kn_err *err);
void kn_json_free(struct kn_json *root); /* NULL is fine */

/* Borrowed parts: NULL where v is NULL, is no object or array, or has no such part, so that they chain. */
const struct kn_json *kn_json_get(const struct kn_json *v, const char *key);
const struct kn_json *kn_json_at(const struct kn_json *v, size_t i);
size_t
kn_json_length(const struct kn_json *v); /* elements of an array, keys of an object; else 0 */

/* The i-th key of an object in the order of the text (NULL past the end); its value is kn_json_get of it. */
const char *kn_json_key_at(const struct kn_json *v, size_t i);

bool kn_json_is_null(const struct kn_json *v); /* null, or not there */
bool kn_json_is_array(const struct kn_json *v);

const char *kn_json_text_or(const struct kn_json *v, const char *otherwise);
double kn_json_number_or(const struct kn_json *v, double otherwise);
int64_t kn_json_integer_or(const struct kn_json *v, int64_t otherwise);
bool kn_json_bool_or(const struct kn_json *v, bool otherwise);

/* The same where the key must be there with a value of that type: KN_ECORRUPT says which is not. */
int kn_json_want_text(const struct kn_json *v, const char *key, const char **out,
                      struct kn_err *err);
int kn_json_want_number(const struct kn_json *v, const char *key, double *out, struct kn_err *err);
int kn_json_want_integer(const struct kn_json *v, const char *key, int64_t *out,
                         struct kn_err *err);
/* An array of exactly n numbers. */
int kn_json_want_numbers(const struct kn_json *v, const char *key, float *out, size_t n,
                         struct kn_err *err);

#endif
