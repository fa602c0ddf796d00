#include "ignore.h"

#include "base/arena.h"
#include "base/err.h"

#include <string.h>

struct pattern {
    const char *glob; /* without ! and / at its ends */
    bool takes_back, folders, anchored;
};

struct kn_ignore {
    struct pattern *patterns;
    size_t n;
    bool empty;
};

static struct kn_sv next_line(struct kn_sv *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    struct kn_sv line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = line.n + (end != NULL);

    rest->p += used;
    rest->n -= used;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Is the last of n characters behind an odd number of \? */
static bool is_escaped(const char *p, size_t n)
{
    size_t back = 0;

    while (back + 1 < n && p[n - 2 - back] == '\\')
        back++;
    return back % 2 == 1;
}

static int read_pattern(struct kn_sv s, struct kn_arena *arena, struct kn_ignore *out,
                        struct kn_err *err)
{
    struct pattern p = {0};

    while (s.n > 0 && s.p[s.n - 1] == ' ' && !is_escaped(s.p, s.n))
        s.n--;
    if (s.n == 0 || s.p[0] == '#' || memchr(s.p, '\0', s.n))
        return KN_OK;
    p.takes_back = s.p[0] == '!';
    s.p += p.takes_back;
    s.n -= p.takes_back;
    if (s.n > 0 && s.p[s.n - 1] == '\\' && !is_escaped(s.p, s.n))
        return KN_OK; /* a \ with nothing behind it: never matches */
    p.folders = s.n > 0 && s.p[s.n - 1] == '/';
    s.n -= p.folders;
    p.anchored = memchr(s.p, '/', s.n) != NULL;
    if (s.n > 0 && s.p[0] == '/') {
        s.p++;
        s.n--;
    }
    if (s.n == 0)
        return KN_OK;
    p.glob = kn_arena_bytes(arena, s.p, s.n);
    if (!p.glob)
        return kn_err_memory(err, "no memory for patterns");
    out->patterns[out->n++] = p;
    return KN_OK;
}

int kn_ignore_parse(struct kn_sv bytes, struct kn_arena *arena, struct kn_ignore **out,
                    struct kn_err *err)
{
    struct kn_ignore *ignore = kn_arena_get(arena, sizeof *ignore);
    size_t lines = 1;
    int rc = KN_OK;

    if (bytes.n > KN_IGNORE_BYTES)
        return kn_err_set(err, KN_ELIMIT, "more than %d bytes of patterns", KN_IGNORE_BYTES);
    if (bytes.n >= 3 && memcmp(bytes.p, "\xEF\xBB\xBF", 3) == 0)
        bytes = (struct kn_sv){bytes.p + 3, bytes.n - 3};
    for (size_t i = 0; i < bytes.n; i++)
        lines += bytes.p[i] == '\n';
    if (ignore)
        ignore->patterns = kn_arena_array(arena, lines, sizeof *ignore->patterns);
    if (!ignore || !ignore->patterns)
        return kn_err_memory(err, "no memory for patterns");
    ignore->empty = kn_sv_trim(bytes).n == 0;
    while (rc == KN_OK && !ignore->empty && bytes.n > 0)
        rc = read_pattern(next_line(&bytes), arena, ignore, err);
    if (rc == KN_OK)
        *out = ignore;
    return rc;
}

bool kn_ignore_is_empty(const struct kn_ignore *ignore)
{
    return ignore->empty;
}

/* ---- matching ---- */

/* [a-z], [!a]; *g is behind the [. False where it has no end: then the [ is itself. */
static bool in_class(const char **g, char c, bool *in)
{
    const char *p = *g;
    bool inverted = *p == '!' || *p == '^', found = false, first = true;

    p += inverted;
    for (; *p && (first || *p != ']'); first = false) {
        unsigned char low = (unsigned char)(*p == '\\' && p[1] ? *++p : *p), high = low;

        p++;
        if (p[0] == '-' && p[1] && p[1] != ']') {
            p += p[1] == '\\' && p[2] ? 2 : 1;
            high = (unsigned char)*p++;
        }
        found |= low <= (unsigned char)c && (unsigned char)c <= high;
    }
    if (*p != ']')
        return false;
    *g = p + 1;
    *in = found != inverted && c != '/';
    return true;
}

/* One character, not a *; moves *g behind what stood for it. */
static bool one(const char **g, char c)
{
    const char *p = *g;
    bool in;

    if (*p == '[') {
        p++;
        if (in_class(&p, c, &in)) {
            *g = p;
            return in;
        }
        p = *g;
    }
    if (*p == '?') {
        *g = p + 1;
        return c != '/';
    }
    p += *p == '\\' && p[1];
    *g = p + 1;
    return *p == c;
}

/* A run of two stars that fills a whole name: how far it goes, the / behind it too. 0: it is no such run. */
static size_t over_folders(const char *glob, const char *g)
{
    if (g[0] != '*' || g[1] != '*' || (g != glob && g[-1] != '/'))
        return 0;
    return g[2] == '/' ? 3 : g[2] == '\0' ? 2 : 0;
}

/* Of each kind of star the last is tried again one character on; an earlier one need not be: what it would take, the later one
 * can take as well. But a * cannot take a /, and then the last ** is tried again. */
static bool matches(const char *glob, const char *s)
{
    const char *g = glob, *star = NULL, *star_at = NULL, *deep = NULL, *deep_at = NULL;

    for (;;) {
        size_t over = over_folders(glob, g);

        if (over > 0) {
            deep = g += over;
            deep_at = s;
            star = NULL;
            if (!*g)
                return *s != '\0'; /* "a/" and two stars: all that is in a */
            continue;
        }
        if (*g == '*') {
            while (*g == '*')
                g++;
            star = g;
            star_at = s;
            continue;
        }
        if (!*g && !*s)
            return true;
        if (*g && *s && one(&g, *s)) {
            s++;
            continue;
        }
        if (star && *star_at && *star_at != '/') {
            g = star;
            s = ++star_at;
            continue;
        }
        if (!deep || !(deep_at = strchr(deep_at, '/')))
            return false;
        g = deep;
        s = ++deep_at;
        star = NULL;
    }
}

enum kn_ignored kn_ignore_match(const struct kn_ignore *ignore, const char *path, bool is_folder)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    for (size_t i = ignore->n; i-- > 0;) {
        const struct pattern *p = &ignore->patterns[i];

        if ((is_folder || !p->folders) && matches(p->glob, p->anchored ? path : name))
            return p->takes_back ? KN_IGNORE_IN : KN_IGNORE_OUT;
    }
    return KN_IGNORE_UNDECIDED;
}
