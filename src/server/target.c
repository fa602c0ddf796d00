#include "target.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"

#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: it does not decode to text. Memory that is out reads the same, since a target is 8 KiB at most. */
static const char *decode(struct kn_sv s, bool form, struct kn_arena *arena)
{
    char *out = kn_arena_get(arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < s.n; i++) {
        char c = s.p[i];

        if (c == '%') {
            int high = s.n - i > 2 ? digit(s.p[i + 1]) : -1,
                low = s.n - i > 2 ? digit(s.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return NULL;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        if (c == '\0')
            return NULL;
        out[n++] = c;
    }
    return out && kn_utf8_valid((struct kn_sv){out, n}) ? out : NULL;
}

static bool is_printable(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s == '#' || (unsigned char)*s >= 0x7F)
            return false;
    return true;
}

static bool is_segment(const char *s)
{
    if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7F || *s == '/' || *s == '\\')
            return false;
    return true;
}

static int parse_path(struct kn_sv path, struct kn_arena *arena, struct kn_target *out,
                      struct kn_err *err)
{
    size_t at = 1;

    while (at < path.n || (at == path.n && path.n > 1)) {
        const char *slash = memchr(path.p + at, '/', path.n - at);
        size_t end = slash ? (size_t)(slash - path.p) : path.n;
        const char *text = decode((struct kn_sv){path.p + at, end - at}, false, arena);

        if (!text || !is_segment(text))
            return kn_err_set(err, KN_EARG, "the path is not one that may be asked for");
        if (out->n_segments == KN_LIMIT_SEGMENTS)
            return kn_err_set(err, KN_ELIMIT, "the path has more than %d parts", KN_LIMIT_SEGMENTS);
        out->segments[out->n_segments++] = text;
        at = end + 1;
    }
    return KN_OK;
}

static int parse_query(const char *query, struct kn_arena *arena, struct kn_target *out,
                       struct kn_err *err)
{
    size_t most = 1;

    for (const char *p = query; *p; p++)
        most += *p == '&';
    out->query = kn_arena_array(arena, most, sizeof *out->query);
    if (!out->query)
        return kn_err_memory(err, "read the query: no memory");
    while (*query) {
        size_t n = strcspn(query, "&"), name = strcspn(query, "=&");
        struct kn_pair *pair = &out->query[out->n_query];

        pair->name = decode((struct kn_sv){query, name}, true, arena);
        pair->value =
            name < n ? decode((struct kn_sv){query + name + 1, n - name - 1}, true, arena) : "";
        if (!pair->name || !pair->value)
            return kn_err_set(err, KN_EARG, "the query is not percent-encoded UTF-8");
        out->n_query += n > 0;
        query += n + (query[n] == '&');
    }
    return KN_OK;
}

int kn_target_parse(const char *raw, struct kn_arena *arena, struct kn_target *out,
                    struct kn_err *err)
{
    struct kn_target t = {0};
    size_t n;
    int rc;

    if (strncmp(raw, "http://", 7) == 0 || strncmp(raw, "https://", 8) == 0) {
        raw = strchr(raw, ':') + 3;
        n = strcspn(raw, "/?");
        t.host = kn_arena_bytes(arena, raw, n);
        if (!t.host)
            return kn_err_memory(err, "read the path: no memory");
        raw += n;
    }
    n = strcspn(raw, "?");
    if (*raw != '/' || !is_printable(raw))
        return kn_err_set(err, KN_EARG, "the path is not one that may be asked for");
    t.path = kn_arena_bytes(arena, raw, n);
    if (!t.path)
        return kn_err_memory(err, "read the path: no memory");
    rc = parse_path((struct kn_sv){t.path, n}, arena, &t, err);
    if (rc == KN_OK && raw[n])
        rc = parse_query(raw + n + 1, arena, &t, err);
    if (rc == KN_OK)
        *out = t;
    return rc;
}
