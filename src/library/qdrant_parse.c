#include "library/qdrant_impl.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/record.h"

#include <stdlib.h>
#include <string.h>

int kn_qd_broken(const struct kn_qdrant *q, const char *what, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT,
                      "library %s: %s is not as it was written; publish the title again",
                      q->address, what);
}

bool kn_qd_read_numbers(const struct kn_json *text, double *out, size_t n)
{
    return kn_base64_decode(kn_json_text_or(text, ""), out, n * sizeof *out);
}

static enum kn_state state_of(const char *name)
{
    int s = KN_STATE_MISSING;

    while (s > KN_STATE_PENDING && strcmp(name, kn_qd_state_name((enum kn_state)s)) != 0)
        s--;
    return (enum kn_state)s;
}

static const char *text_in(const struct kn_json *payload, const char *key, struct kn_arena *arena)
{
    return kn_arena_text(arena, kn_json_text_or(kn_json_get(payload, key), ""));
}

static bool read_paths(const struct kn_qdrant *q, const struct kn_json *paths,
                       struct kn_arena *arena, struct kn_title *t)
{
    const char **copy;

    t->n_paths = kn_json_length(paths);
    t->paths = copy = kn_arena_array(arena, t->n_paths, sizeof *copy);
    for (size_t i = 0; copy && i < t->n_paths; i++) {
        const char *path = kn_json_text_or(kn_json_at(paths, i), "");

        copy[i] = q->media_root ? kn_arena_printf(arena, "%s/%s", q->media_root, path)
                                : kn_arena_text(arena, path);
        if (!copy[i])
            return false;
    }
    return copy != NULL;
}

int kn_qd_read_title(const struct kn_qdrant *q, const struct kn_json *point, bool other,
                     struct kn_arena *arena, struct kn_title *out, struct kn_err *err)
{
    const struct kn_json *p = kn_json_get(point, "payload");
    struct kn_title t = {0};
    double numbers[3];

    if (!kn_id_parse(kn_json_text_or(kn_json_get(point, "id"), ""), &t.id) ||
        !kn_qd_read_numbers(kn_json_get(p, "numbers"), numbers, 3))
        return kn_qd_broken(q, "a title", err);
    t.duration = numbers[0];
    t.language_confidence = numbers[1];
    t.opinion = numbers[2];
    t.state = state_of(kn_json_text_or(kn_json_get(p, "state"), ""));
    if (other && t.state == KN_STATE_READY)
        t.state = KN_STATE_PENDING;
    t.language_set = kn_json_bool_or(kn_json_get(p, "language_set"), false);
    t.scorer_version = (int)kn_json_integer_or(kn_json_get(p, "scorer_version"), 0);
    t.year = (int)kn_json_integer_or(kn_json_get(p, "year"), 0);
    t.name = text_in(p, "name", arena);
    t.reason = text_in(p, "reason", arena);
    t.language = text_in(p, "language", arena);
    t.words_from = text_in(p, "words_from", arena);
    t.scorer = text_in(p, "scorer", arena);
    t.genres = text_in(p, "genres", arena);
    if (!t.name || !t.reason || !t.language || !t.words_from || !t.scorer || !t.genres ||
        !read_paths(q, kn_json_get(p, "paths"), arena, &t))
        return kn_arena_full("a title", err);
    *out = t;
    return KN_OK;
}

/* A vector as the collection holds it; NULL where there is none. */
static int read_vector(const struct kn_qdrant *q, const struct kn_json *point, size_t dim,
                       struct kn_arena *arena, const float **out, struct kn_err *err)
{
    const struct kn_json *vectors = kn_json_get(point, "vector");
    float *v;

    *out = NULL;
    if (dim == 0 || !kn_json_get(vectors, "meaning"))
        return KN_OK;
    v = kn_arena_array(arena, dim, sizeof *v);
    if (!v)
        return kn_arena_full("a vector", err);
    if (kn_json_want_numbers(vectors, "meaning", v, dim, NULL))
        return kn_qd_broken(q, "a vector", err);
    *out = v;
    return KN_OK;
}

static int read_raw(const struct kn_qdrant *q, const struct kn_json *point, size_t dim,
                    struct kn_arena *arena, const float **out, struct kn_err *err)
{
    const char *text = kn_json_text_or(kn_json_get(kn_json_get(point, "payload"), "raw"), NULL);
    float *v;

    *out = NULL;
    if (dim == 0 || !text)
        return KN_OK;
    v = kn_arena_array(arena, dim, sizeof *v);
    if (!v)
        return kn_arena_full("a vector", err);
    if (!kn_base64_decode(text, v, dim * sizeof *v))
        return kn_qd_broken(q, "a vector", err);
    *out = v;
    return KN_OK;
}

int kn_qd_read_vectors(const struct kn_qdrant *q, const struct kn_json *point, size_t dim,
                       struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    int rc = read_vector(q, point, dim, arena, &out->vector, err);

    return rc ? rc : read_raw(q, point, dim, arena, &out->raw, err);
}

static uint32_t u32_in(const struct kn_json *payload, const char *key)
{
    return (uint32_t)kn_json_integer_or(kn_json_get(payload, key), 0);
}

static int read_moment(const struct kn_qdrant *q, const struct kn_json *point, size_t dim,
                       struct kn_arena *arena, struct kn_moment *m, struct kn_err *err)
{
    const struct kn_json *p = kn_json_get(point, "payload");
    double numbers[3];
    int rc;

    if (!kn_qd_read_numbers(kn_json_get(p, "numbers"), numbers, 3))
        return kn_qd_broken(q, "a moment", err);
    *m = (struct kn_moment){.start = numbers[0],
                            .end = numbers[1],
                            .opinion = numbers[2],
                            .text = text_in(p, "text", arena),
                            .first_segment = u32_in(p, "first_segment"),
                            .segments = u32_in(p, "segments"),
                            .words = u32_in(p, "words")};
    if (!m->text)
        return kn_arena_full("moments", err);
    rc = read_vector(q, point, dim, arena, &m->vector, err);
    return rc ? rc : read_raw(q, point, dim, arena, &m->raw, err);
}

/* Texts and times of one part, copied to where they belong. */
static int read_texts(const struct kn_qdrant *q, const struct kn_json *p, struct kn_arena *arena,
                      struct kn_segment *segments, struct kn_dropped *dropped, struct kn_err *err)
{
    const struct kn_json *texts = kn_json_get(p, "texts");
    size_t n = kn_json_length(texts);
    double *times = kn_arena_array(arena, 2 * n, sizeof *times);

    if (!times)
        return kn_arena_full("a transcript", err);
    if (!kn_qd_read_numbers(kn_json_get(p, "numbers"), times, 2 * n))
        return kn_qd_broken(q, "a transcript", err);
    for (size_t i = 0; i < n; i++) {
        const char *text = kn_arena_text(arena, kn_json_text_or(kn_json_at(texts, i), ""));
        const char *reason = kn_json_text_or(kn_json_at(kn_json_get(p, "reasons"), i), "");

        if (segments)
            segments[i] = (struct kn_segment){times[2 * i], times[2 * i + 1], text};
        else
            dropped[i] = (struct kn_dropped){times[2 * i], times[2 * i + 1], text,
                                             kn_arena_text(arena, reason)};
        if (!text || (dropped && !dropped[i].reason))
            return kn_arena_full("a transcript", err);
    }
    return KN_OK;
}

static bool is_kind(const struct kn_json *point, const char *kind)
{
    const struct kn_json *p = kn_json_get(point, "payload");

    return strcmp(kn_json_text_or(kn_json_get(p, "kind"), ""), kind) == 0;
}

static size_t number_of(const struct kn_json *point)
{
    return (size_t)kn_json_integer_or(kn_json_get(kn_json_get(point, "payload"), "number"), 0);
}

static const struct kn_json *texts_of(const struct kn_json *point)
{
    return kn_json_get(kn_json_get(point, "payload"), "texts");
}

/* By kind, moments first, then by number. */
static int in_order(const void *pa, const void *pb)
{
    const struct kn_json *a = *(const struct kn_json *const *)pa;
    const struct kn_json *b = *(const struct kn_json *const *)pb;
    bool a_part = !is_kind(a, "moment"), b_part = !is_kind(b, "moment");

    if (a_part != b_part)
        return a_part - b_part;
    return (number_of(a) > number_of(b)) - (number_of(a) < number_of(b));
}

int kn_qd_read_parts(const struct kn_qdrant *q, const struct kn_json **points, size_t n, size_t dim,
                     struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    size_t segments = 0, dropped = 0, moments = 0;
    struct kn_segment *s;
    struct kn_dropped *d;
    struct kn_moment *m;
    int rc = KN_OK;

    if (n > 0)
        qsort(points, n, sizeof *points, in_order);
    for (size_t i = 0; i < n; i++) {
        segments += is_kind(points[i], "segments") ? kn_json_length(texts_of(points[i])) : 0;
        dropped += is_kind(points[i], "dropped") ? kn_json_length(texts_of(points[i])) : 0;
        moments += is_kind(points[i], "moment");
    }
    out->segments = s = kn_arena_array(arena, segments, sizeof *s);
    out->dropped = d = kn_arena_array(arena, dropped, sizeof *d);
    out->moments = m = kn_arena_array(arena, moments, sizeof *m);
    if (!s || !d || !m)
        return kn_arena_full("a title", err);
    for (size_t i = 0; i < n && !rc; i++) {
        const struct kn_json *payload = kn_json_get(points[i], "payload");

        if (is_kind(points[i], "moment")) {
            rc = read_moment(q, points[i], dim, arena, &m[out->n_moments++], err);
        } else if (is_kind(points[i], "segments")) {
            rc = read_texts(q, payload, arena, s + out->n_segments, NULL, err);
            out->n_segments += kn_json_length(texts_of(points[i]));
        } else {
            rc = read_texts(q, payload, arena, NULL, d + out->n_dropped, err);
            out->n_dropped += kn_json_length(texts_of(points[i]));
        }
    }
    return rc;
}
