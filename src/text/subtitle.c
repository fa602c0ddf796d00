#include "cues.h"

#include "base/arena.h"
#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Captions that roll touch, or leave a frame or two between. */
static const double TOUCHING = 0.3;
enum { LAYERS = 8, QUOTED = 60 };

int kn_cues_end(struct kn_cues *c, double start, double end, size_t line, struct kn_err *err)
{
    struct kn_cue *cue;

    if (c->seen++ >= KN_SUBTITLE_CUES)
        return kn_err_set(err, KN_ELIMIT, "line %zu: more than %d cues", line, KN_SUBTITLE_CUES);
    while (c->text.n > 0 && c->text.data[c->text.n - 1] == '\n')
        c->text.data[--c->text.n] = '\0';
    if (c->text.n == 0)
        return KN_OK;
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 256;
        struct kn_cue *grown = realloc(c->at, cap * sizeof *grown);

        if (!grown)
            return kn_err_memory(err, "line %zu: no memory for %zu cues", line, cap);
        c->at = grown;
        c->cap = cap;
    }
    cue = &c->at[c->n];
    *cue = (struct kn_cue){start, fmin(fmax(start, end), start + KN_CUE_SECONDS),
                           kn_arena_bytes(c->arena, c->text.data, c->text.n), c->n};
    if (!cue->text)
        return kn_err_memory(err, "line %zu: no memory for its text", line);
    c->n++;
    kn_buf_clear(&c->text);
    return KN_OK;
}

void kn_cues_skip(struct kn_cues *c, size_t line)
{
    if (c->skipped++ == 0)
        c->skipped_line = line;
}

static int by_time(const void *a, const void *b)
{
    const struct kn_cue *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- captions that repeat ---- */

struct told {
    double start, end;
    const char *lines; /* what stood on the screen last */
    const char *text;  /* what of it was new */
};

static const char *line_behind(const char *p)
{
    const char *end = strchr(p, '\n');

    return end ? end + 1 : p + strlen(p);
}

/* now begins with the lines that before ends with: what is new in now. NULL: it does not. */
static const char *rolled(const char *before, const char *now)
{
    for (const char *p = before; *p; p = line_behind(p)) {
        size_t n = strlen(p);

        if (strncmp(p, now, n) == 0 && (now[n] == '\n' || now[n] == '\0'))
            return now[n] ? now + n + 1 : now + n;
    }
    return NULL;
}

/* now is before with more words behind it: what is new. NULL: it is not. */
static const char *grown(const char *before, const char *now)
{
    size_t n = strlen(before);

    return strncmp(before, now, n) == 0 && now[n] == ' ' ? now + n : NULL;
}

static struct told *same_lines(struct told *told, size_t n, const struct kn_cue *c)
{
    for (size_t i = n; i > 0 && n - i < LAYERS; i--) {
        if (c->start < told[i - 1].end && strcmp(told[i - 1].lines, c->text) == 0)
            return &told[i - 1];
    }
    return NULL;
}

/* What the cue says that was not said yet becomes one more of told, or nothing. */
static int tell(struct kn_cues *cues, const struct kn_cue *c, struct told *told, size_t *n,
                struct kn_err *err)
{
    struct told *last = *n ? &told[*n - 1] : NULL, *same = same_lines(told, *n, c);
    const char *fresh = c->text;

    if (same) {
        same->end = fmax(same->end, c->end);
        return KN_OK;
    }
    if (last && c->start <= last->end + TOUCHING) {
        const char *more = grown(last->lines, c->text), *after = rolled(last->lines, c->text);

        if (more) {
            last->text = kn_arena_printf(cues->arena, "%s%s", last->text, more);
            if (!last->text)
                return kn_err_memory(err, "subtitles: no memory for their text");
        }
        if (more || (after && !*after)) {
            last->end = fmax(last->end, c->end);
            last->lines = c->text;
            return KN_OK;
        }
        fresh = after ? after : fresh;
    }
    told[(*n)++] = (struct told){c->start, c->end, c->text, fresh};
    return KN_OK;
}

static const char *one_line(struct kn_arena *arena, const char *text)
{
    char *copy = kn_arena_text(arena, text);

    for (char *p = copy; p && *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    return copy;
}

static int to_segments(struct kn_cues *c, struct kn_subtitle *out, struct kn_err *err)
{
    struct told *told = calloc(c->n, sizeof *told);
    struct kn_segment *segments;
    size_t n = 0;
    int rc = KN_OK;

    qsort(c->at, c->n, sizeof *c->at, by_time);
    if (!told)
        return kn_err_memory(err, "subtitles: no memory for %zu cues", c->n);
    for (size_t i = 0; rc == KN_OK && i < c->n; i++)
        rc = tell(c, &c->at[i], told, &n, err);
    segments = rc ? NULL : kn_arena_array(c->arena, n, sizeof *segments);
    for (size_t i = 0; segments && i < n; i++) {
        segments[i] =
            (struct kn_segment){told[i].start, told[i].end, one_line(c->arena, told[i].text)};
        if (!segments[i].text)
            segments = NULL;
    }
    if (rc == KN_OK && !segments)
        rc = kn_err_memory(err, "subtitles: no memory for %zu segments", n);
    free(told);
    if (rc == KN_OK) {
        out->segments = segments;
        out->n_segments = n;
    }
    return rc;
}

/* ---- a file ---- */

/* The first line that holds something; false: there is none. */
static bool first_line(struct kn_sv text, struct kn_sv *line, size_t *number)
{
    struct kn_lines lines = {text, 0};

    while (kn_lines_next(&lines, line)) {
        *line = kn_sv_trim(*line);
        *number = lines.number;
        if (line->n > 0)
            return true;
    }
    return false;
}

static enum kn_subtitle_format format_of(struct kn_sv first)
{
    static const char vtt[] = "WEBVTT";

    if (first.n >= sizeof vtt - 1 && memcmp(first.p, vtt, sizeof vtt - 1) == 0)
        return KN_SUBTITLE_VTT;
    /* "[Script Info]", or a comment above it; an SRT begins with a figure. */
    return *first.p == '[' || *first.p == ';' ? KN_SUBTITLE_ASS : KN_SUBTITLE_SRT;
}

static int refuse(const struct kn_cues *c, struct kn_sv first, size_t number, struct kn_err *err)
{
    int quoted = (int)(first.n < QUOTED ? first.n : QUOTED);

    if (c->skipped > 0)
        return kn_err_set(err, KN_ECORRUPT,
                          "line %zu: these times cannot be read, nor can those of most cues; "
                          "expected 00:00:01,000 --> 00:00:02,500",
                          c->skipped_line);
    if (c->seen > 0)
        return kn_err_set(err, KN_ECORRUPT, "line %zu: from here on %zu cues, all without text",
                          number, c->seen);
    while (quoted > 0 && ((unsigned char)first.p[quoted - 1] & 0xC0) == 0x80)
        quoted--; /* no half character at the end; one less does no harm */
    return kn_err_set(err, KN_ECORRUPT,
                      "line %zu: '%.*s' begins no SubRip, WebVTT or ASS file with cues in it",
                      number, quoted, first.p);
}

static int read_text(struct kn_sv text, enum kn_subtitle_format format, struct kn_cues *c,
                     struct kn_subtitle *out, struct kn_err *err)
{
    struct kn_sv first;
    size_t number;
    int rc;

    if (!first_line(text, &first, &number))
        return kn_err_set(err, KN_ECORRUPT, "line 1: the file is empty");
    out->format = format == KN_SUBTITLE_ANY ? format_of(first) : format;
    rc = out->format == KN_SUBTITLE_ASS ? kn_ass_read(text, c, err)
                                        : kn_srt_read(text, out->format == KN_SUBTITLE_VTT, c, err);
    if (rc)
        return rc;
    if (c->n == 0 || c->skipped > c->seen)
        return refuse(c, first, number, err);
    out->skipped = c->skipped;
    out->skipped_line = c->skipped_line;
    return to_segments(c, out, err);
}

int kn_subtitle_parse(struct kn_sv bytes, enum kn_subtitle_format format, const char *language,
                      struct kn_arena *arena, struct kn_subtitle *out, struct kn_err *err)
{
    struct kn_cues c = {.arena = arena};
    struct kn_subtitle s = {0};
    struct kn_buf text;
    int rc;

    if (bytes.n > KN_SUBTITLE_BYTES)
        return kn_err_set(err, KN_ELIMIT, "line 1: a file of %zu bytes; at most %d are read",
                          bytes.n, KN_SUBTITLE_BYTES);
    kn_buf_init(&text, 3 * (size_t)KN_SUBTITLE_BYTES + 1);
    kn_buf_init(&c.text, 4 * KN_CUE_TEXT);
    rc = kn_charset_to_utf8(bytes, language, &text, &s.charset, err);
    if (rc == KN_OK)
        rc = read_text((struct kn_sv){text.data, text.n}, format, &c, &s, err);
    if (rc == KN_OK)
        *out = s;
    free(c.at);
    kn_buf_free(&c.text);
    kn_buf_free(&text);
    return rc;
}
