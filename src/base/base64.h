/* base64.h - bytes as text (RFC 4648, with padding), for JSON. */
#ifndef KN_BASE_BASE64_H
#define KN_BASE_BASE64_H

#include "buf.h"

int kn_base64_encode(const void *bytes, size_t n, struct kn_buf *out,
                     struct kn_err *err); /* appends */

/* False: not base64, or not exactly n bytes of it. */
bool kn_base64_decode(const char *text, void *bytes, size_t n);
size_t kn_base64_size(const char *text); /* bytes that it holds, if it is base64 */

#endif
