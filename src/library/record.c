#include "library/record.h"

#include "base/arena.h"
#include "base/err.h"

#include <string.h>

int kn_arena_full(const char *what, struct kn_err *err)
{
    return kn_err_set(err, KN_ELIMIT, "library: no memory for %s", what);
}

int kn_title_copy(const struct kn_title *from, struct kn_arena *arena, struct kn_title *to,
                  struct kn_err *err)
{
    struct kn_title t = *from;
    const char **paths = kn_arena_array(arena, from->n_paths, sizeof *paths);

    t.name = kn_arena_text(arena, from->name);
    t.reason = kn_arena_text(arena, from->reason);
    t.language = kn_arena_text(arena, from->language);
    t.words_from = kn_arena_text(arena, from->words_from);
    t.scorer = kn_arena_text(arena, from->scorer);
    t.genres = kn_arena_text(arena, from->genres);
    t.paths = paths;
    if (!paths || !t.name || !t.reason || !t.language || !t.words_from || !t.scorer || !t.genres)
        return kn_arena_full("a title", err);
    for (size_t i = 0; i < from->n_paths; i++) {
        paths[i] = kn_arena_text(arena, from->paths[i]);
        if (!paths[i])
            return kn_arena_full("a title's paths", err);
    }
    *to = t;
    return KN_OK;
}

static int copy_segments(const struct kn_record *from, struct kn_arena *arena, struct kn_record *to,
                         struct kn_err *err)
{
    struct kn_segment *s = kn_arena_array(arena, from->n_segments, sizeof *s);

    if (!s)
        return kn_arena_full("a transcript", err);
    for (size_t i = 0; i < from->n_segments; i++) {
        s[i] = from->segments[i];
        s[i].text = kn_arena_text(arena, s[i].text);
        if (!s[i].text)
            return kn_arena_full("a transcript", err);
    }
    to->segments = s;
    to->n_segments = from->n_segments;
    return KN_OK;
}

static int copy_dropped(const struct kn_record *from, struct kn_arena *arena, struct kn_record *to,
                        struct kn_err *err)
{
    struct kn_dropped *d = kn_arena_array(arena, from->n_dropped, sizeof *d);

    if (!d)
        return kn_arena_full("what was dropped", err);
    for (size_t i = 0; i < from->n_dropped; i++) {
        d[i] = from->dropped[i];
        d[i].text = kn_arena_text(arena, d[i].text);
        d[i].reason = kn_arena_text(arena, d[i].reason);
        if (!d[i].text || !d[i].reason)
            return kn_arena_full("what was dropped", err);
    }
    to->dropped = d;
    to->n_dropped = from->n_dropped;
    return KN_OK;
}

/* NULL stays NULL. False without memory. */
static bool copy_vector(struct kn_arena *arena, size_t dim, const float **vector)
{
    float *copy;

    if (dim == 0)
        *vector = NULL;
    if (!*vector)
        return true;
    copy = kn_arena_array(arena, dim, sizeof *copy);
    if (!copy)
        return false;
    memcpy(copy, *vector, dim * sizeof *copy);
    *vector = copy;
    return true;
}

static int copy_moments(const struct kn_record *from, size_t dim, size_t raw_dim,
                        struct kn_arena *arena, struct kn_record *to, struct kn_err *err)
{
    struct kn_moment *m = kn_arena_array(arena, from->n_moments, sizeof *m);

    if (!m)
        return kn_arena_full("moments", err);
    for (size_t i = 0; i < from->n_moments; i++) {
        m[i] = from->moments[i];
        m[i].text = kn_arena_text(arena, m[i].text);
        if (!m[i].text || !copy_vector(arena, dim, &m[i].vector) ||
            !copy_vector(arena, raw_dim, &m[i].raw))
            return kn_arena_full("moments", err);
    }
    to->moments = m;
    to->n_moments = from->n_moments;
    return KN_OK;
}

int kn_record_copy(const struct kn_record *from, unsigned parts, size_t dim, struct kn_arena *arena,
                   struct kn_record *to, struct kn_err *err)
{
    size_t raw_dim = parts & KN_WITHOUT_RAW ? 0 : dim;
    struct kn_record r = {0};
    int rc = kn_title_copy(&from->title, arena, &r.title, err);

    if (rc)
        return rc;
    if (parts & KN_WITH_VECTOR) {
        r.vector = from->vector;
        r.raw = from->raw;
        if (!copy_vector(arena, dim, &r.vector) || !copy_vector(arena, raw_dim, &r.raw))
            return kn_arena_full("a vector", err);
    }
    if (parts & KN_WITH_SEGMENTS) {
        rc = copy_segments(from, arena, &r, err);
        if (!rc)
            rc = copy_dropped(from, arena, &r, err);
        if (rc)
            return rc;
    }
    if (parts & (KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS)) {
        rc = parts & KN_WITH_MOMENT_VECTORS ? copy_moments(from, dim, raw_dim, arena, &r, err)
                                            : copy_moments(from, 0, 0, arena, &r, err);
        if (rc)
            return rc;
    }
    *to = r;
    return KN_OK;
}
