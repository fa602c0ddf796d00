#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int kn_base64_encode(const void *bytes, size_t n, struct kn_buf *out, struct kn_err *err)
{
    const unsigned char *p = bytes;
    int rc = 0;

    for (size_t i = 0; i < n && !rc; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0U);
        const char four[] = {digits[v >> 18], digits[v >> 12 & 63],
                             left > 1 ? digits[v >> 6 & 63] : '=', left > 2 ? digits[v & 63] : '='};

        rc = kn_buf_add(out, four, sizeof four, err);
    }
    return rc;
}

size_t kn_base64_size(const char *text)
{
    size_t n = strlen(text), padding = 0;

    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    return n / 4 * 3 - (n >= 4 ? padding : 0);
}

bool kn_base64_decode(const char *text, void *bytes, size_t n)
{
    unsigned char *p = bytes;
    size_t length = strlen(text);

    if (length % 4 != 0 || kn_base64_size(text) != n)
        return false;
    for (size_t i = 0, at = 0; i < length; i += 4) {
        uint32_t v = 0;

        for (size_t j = 0; j < 4; j++) {
            const char *digit = text[i + j] == '=' && i + 4 == length && j >= 2
                                    ? digits
                                    : strchr(digits, text[i + j]);

            if (!digit)
                return false;
            v = v << 6 | (uint32_t)(digit - digits);
        }
        for (size_t j = 0; j < 3 && at < n; j++)
            p[at++] = (unsigned char)(v >> (16 - 8 * j));
    }
    return true;
}
