#include "speech/said.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 << 10, SEGMENTS_MAX = 1 << 20 };

static const double SHORTEST = 0.1; /* seconds; five of Whisper's steps */

void kn_said_init(struct kn_said *s, struct kn_arena *arena)
{
    *s = (struct kn_said){.arena = arena};
    kn_buf_init(&s->text, TEXT_MAX);
}

void kn_said_free(struct kn_said *s)
{
    free(s->segments);
    free(s->dropped);
    kn_buf_free(&s->text);
}

/* The length of a tag that begins at p: to its closing sign, or to the end where that is missing
 * (but a lone asterisk is only itself). Parentheses count too: Whisper writes "(upbeat music)". */
static size_t tag(const char *p, size_t n)
{
    static const char opening[] = "[(*", closing[] = "])*";
    const char *kind = memchr(opening, p[0], sizeof opening - 1);
    const char *end;

    if (!kind)
        return 0;
    end = memchr(p + 1, closing[kind - opening], n - 1);
    if (!end)
        return p[0] == '*' ? 1 : n;
    return (size_t)(end - p) + 1;
}

/* The length of a note (U+2669 to U+266F) at p. */
static size_t note(const char *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xe2\x99", 2) == 0 && (unsigned char)p[2] >= 0xa9 &&
                   (unsigned char)p[2] <= 0xaf
               ? 3
               : 0;
}

/* In place, since it only takes away: no notes, single spaces, trimmed; no tags where they are not wanted. */
static void strip(struct kn_buf *b, bool tags)
{
    size_t to = 0;
    bool space = false;

    for (size_t at = 0; at < b->n;) {
        size_t gone = tags ? 0 : tag(b->data + at, b->n - at);

        if (gone == 0)
            gone = note(b->data + at, b->n - at);
        if (gone == 0 && (unsigned char)b->data[at] <= ' ')
            gone = 1;
        if (gone > 0) {
            space = true;
            at += gone;
            continue;
        }
        if (space && to > 0)
            b->data[to++] = ' ';
        space = false;
        b->data[to++] = b->data[at++];
    }
    b->n = to;
    b->data[to] = '\0';
}

static bool has_words(const struct kn_said *s)
{
    return kn_count_words((struct kn_sv){s->text.data, s->text.n}) > 0;
}

static int strip_raw(struct kn_said *s, const char *raw, bool tags, struct kn_err *err)
{
    int rc;

    kn_buf_clear(&s->text);
    rc = kn_utf8_repair(kn_sv_of(raw), &s->text, err);
    if (rc == KN_OK && s->text.n > 0)
        strip(&s->text, tags);
    return rc;
}

/* Into s->text. A tag among words stays, since they may be part of what is said; a line of tags alone has no words. */
static int clean(struct kn_said *s, const char *raw, struct kn_err *err)
{
    int rc = strip_raw(s, raw, false, err);

    return rc == KN_OK && has_words(s) ? strip_raw(s, raw, true, err) : rc;
}

int kn_said_words(struct kn_said *s, const char *raw, bool *any, struct kn_err *err)
{
    int rc = clean(s, raw, err);

    if (rc == KN_OK)
        *any = has_words(s);
    return rc;
}

static double between(double low, double x, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* False: there is no room for even the shortest segment. */
static bool fit(double from, double to, double *start, double *end)
{
    if (to - from < SHORTEST)
        return false;
    *start = between(from, *start, to - SHORTEST);
    *end = between(*start + SHORTEST, *end, to);
    return true;
}

static int join_the_last(struct kn_said *s, struct kn_err *err)
{
    struct kn_segment *last = &s->segments[s->n - 1];
    const char *text = kn_arena_printf(s->arena, "%s %s", last->text, s->text.data);

    if (!text)
        return kn_err_memory(err, "speech: no memory for a segment of %zu bytes", s->text.n);
    last->text = text;
    return KN_OK;
}

/* Room for one more of n things of size bytes. */
static int grow(void *array, size_t n, size_t *cap, size_t size, struct kn_err *err)
{
    size_t more = *cap ? 2 * *cap : 64;
    void *bigger, *now;

    if (n < *cap)
        return KN_OK;
    memcpy(&now, array, sizeof now);
    if (more > SEGMENTS_MAX)
        return kn_err_set(err, KN_ELIMIT, "speech: more than %zu segments in one title", n);
    bigger = realloc(now, more * size);
    if (!bigger)
        return kn_err_memory(err, "speech: no memory for %zu segments", more);
    memcpy(array, &bigger, sizeof bigger);
    *cap = more;
    return KN_OK;
}

int kn_said_drop(struct kn_said *s, const char *raw, double start, double end, const char *reason,
                 struct kn_err *err)
{
    struct kn_sv text = kn_sv_trim(kn_sv_of(raw));
    const char *copy;
    int rc;

    kn_buf_clear(&s->text);
    rc = kn_utf8_repair(text, &s->text, err);
    if (rc != KN_OK || !has_words(s))
        return rc;
    rc = grow(&s->dropped, s->n_dropped, &s->cap_dropped, sizeof *s->dropped, err);
    if (rc != KN_OK)
        return rc;
    copy = kn_arena_text(s->arena, s->text.data);
    if (!copy)
        return kn_err_memory(err, "speech: no memory for what was dropped");
    s->dropped[s->n_dropped++] = (struct kn_dropped){start, end, copy, reason};
    return KN_OK;
}

int kn_said_add(struct kn_said *s, const char *raw, double start, double end, double from,
                double to, struct kn_err *err)
{
    char *text;
    int rc = clean(s, raw, err);

    if (rc != KN_OK)
        return rc;
    if (!has_words(s))
        return KN_OK;
    if (s->n > 0 && s->segments[s->n - 1].end > from)
        from = s->segments[s->n - 1].end;
    if (!fit(from, to, &start, &end)) {
        if (s->n > 0)
            return join_the_last(s, err);
        return kn_err_set(err, KN_EARG, "speech: a window of %.3f to %.3f s has no room", from, to);
    }
    rc = grow(&s->segments, s->n, &s->cap, sizeof *s->segments, err);
    if (rc != KN_OK)
        return rc;
    text = kn_arena_bytes(s->arena, s->text.data, s->text.n);
    if (!text)
        return kn_err_memory(err, "speech: no memory for a segment of %zu bytes", s->text.n);
    s->segments[s->n++] = (struct kn_segment){start, end, text};
    return KN_OK;
}

int kn_said_take_dropped(struct kn_said *s, const struct kn_dropped **out, size_t *n,
                         struct kn_err *err)
{
    struct kn_dropped *copy = NULL;

    if (s->n_dropped > 0) {
        copy = kn_arena_array(s->arena, s->n_dropped, sizeof *copy);
        if (!copy)
            return kn_err_memory(err, "speech: no memory for what was dropped");
        memcpy(copy, s->dropped, s->n_dropped * sizeof *copy);
    }
    *out = copy;
    *n = s->n_dropped;
    return KN_OK;
}

int kn_said_take(struct kn_said *s, const struct kn_segment **out, size_t *n, struct kn_err *err)
{
    struct kn_segment *copy = NULL;

    if (s->n > 0) {
        copy = kn_arena_array(s->arena, s->n, sizeof *copy);
        if (!copy)
            return kn_err_memory(err, "speech: no memory for %zu segments", s->n);
        memcpy(copy, s->segments, s->n * sizeof *copy);
    }
    *out = copy;
    *n = s->n;
    return KN_OK;
}
