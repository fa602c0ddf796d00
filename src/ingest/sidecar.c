#include "sidecar.h"

#include "base/arena.h"
#include "base/err.h"
#include "ingest/scan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is(struct kn_sv s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

void kn_sidecar_read_name(struct kn_sv between, struct kn_sidecar *out)
{
    struct kn_sidecar s = {.path = out->path};
    bool hi = false;

    while (between.n > 0) { /* at a dot */
        struct kn_sv part = {between.p + 1, 0};

        while (part.n + 1 < between.n && part.p[part.n] != '.')
            part.n++;
        if (is(part, "forced"))
            s.forced = true;
        else if (is(part, "default"))
            s.is_default = true;
        else if (is(part, "sdh") || is(part, "cc"))
            s.impaired = true;
        else if (is(part, "hi"))
            hi = true;
        else
            kn_tag_parse(part, s.language); /* the last one counts: a title comes before it */
        between.p += part.n + 1;
        between.n -= part.n + 1;
    }
    s.impaired |= hi && s.language[0];
    *out = s;
}

/* Up to the last dot of the file's name. */
static size_t stem_length(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');

    return dot && dot > base ? (size_t)(dot - path) : strlen(path);
}

static int compare_start(const char *path, const char *stem, size_t n)
{
    int c = strncmp(path, stem, n);
    unsigned char next = c ? 0 : (unsigned char)path[n]; /* as strcmp orders them */

    return c ? c : (next > '.') - (next < '.');
}

/* The first subtitle file whose path begins with the first n bytes of stem and a dot, or is behind all such. */
static size_t first_subtitle(const struct kn_scan *scan, const char *stem, size_t n)
{
    size_t low = 0, high = scan->n_subtitles;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_start(scan->subtitles[middle], stem, n) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Is there a film whose path without its extension is the first n bytes of stem? */
static bool is_film(const struct kn_scan *scan, const char *stem, size_t n)
{
    size_t low = 0, high = scan->n_files;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_start(scan->files[middle].path, stem, n) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < scan->n_files && compare_start(scan->files[low].path, stem, n) == 0; low++) {
        if (stem_length(scan->files[low].path) == n)
            return true;
    }
    return false;
}

/* Does a film with a longer name claim the file? n: of the film that asks. */
static bool is_of_another(const struct kn_scan *scan, const char *subtitle, size_t n)
{
    for (size_t end = stem_length(subtitle); end > n; end--) {
        if ((end == stem_length(subtitle) || subtitle[end] == '.') && is_film(scan, subtitle, end))
            return true;
    }
    return false;
}

static int collect(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                   struct kn_sidecar **out, size_t *n_out, struct kn_err *err)
{
    size_t stem = stem_length(path), first = first_subtitle(scan, path, stem), end = first, n = 0;
    struct kn_sidecar *found;

    while (end < scan->n_subtitles && compare_start(scan->subtitles[end], path, stem) == 0)
        end++;
    found = kn_arena_array(arena, end - first + 1, sizeof *found);
    if (!found)
        return kn_err_memory(err, "subtitles of '%s': no memory", path);
    for (size_t i = first; i < end; i++) {
        const char *subtitle = scan->subtitles[i];

        if (strchr(subtitle + stem, '/') || is_of_another(scan, subtitle, stem))
            continue;
        found[n].path = subtitle;
        kn_sidecar_read_name((struct kn_sv){subtitle + stem, stem_length(subtitle) - stem},
                             &found[n]);
        n++;
    }
    *out = found;
    *n_out = n;
    return KN_OK;
}

int kn_sidecar_find(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                    struct kn_sidecar **out, size_t *n, struct kn_err *err)
{
    const char *slash = strrchr(path, '/');
    struct kn_scan beside;
    char *folder;
    int rc;

    if (kn_scan_covers(scan, path))
        return collect(scan, path, arena, out, n, err);
    folder = kn_arena_bytes(arena, path, slash && slash > path ? (size_t)(slash - path) : 1);
    if (!folder)
        return kn_err_memory(err, "subtitles of '%s': no memory", path);
    rc = kn_scan_folder(folder, arena, &beside, err);
    return rc ? rc : collect(&beside, path, arena, out, n, err);
}

static size_t name_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strlen(slash ? slash + 1 : path);
}

static int by_preference(const void *a, const void *b)
{
    const struct kn_sidecar *x = a, *y = b;
    size_t n = name_length(x->path), m = name_length(y->path);

    if (x->forced != y->forced)
        return x->forced ? 1 : -1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->is_default != y->is_default)
        return x->is_default ? -1 : 1;
    if (n != m)
        return n < m ? -1 : 1;
    return strcmp(x->path, y->path);
}

void kn_sidecar_order(struct kn_sidecar *sidecars, size_t n, const char *const *wanted,
                      size_t n_wanted)
{
    for (size_t i = 0; i < n; i++)
        sidecars[i].rank = kn_tag_rank(sidecars[i].language, wanted, n_wanted);
    if (n > 1)
        qsort(sidecars, n, sizeof *sidecars, by_preference);
}
