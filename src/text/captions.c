#include "text/captions.h"

#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <string.h>

static const double SHORTEST = 0.5;

static size_t character(struct kn_sv s)
{
    size_t n = 1;

    while (n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n++;
    return n;
}

static struct kn_sv behind(struct kn_sv s, size_t n)
{
    return kn_sv_trim((struct kn_sv){s.p + n, s.n - n});
}

/* How much of s fits into a line: up to a space or behind a wide character; without either up to the edge. */
static size_t fitting(struct kn_sv s, size_t columns)
{
    size_t at = 0, used = 0, good = 0;

    while (at < s.n) {
        size_t n = character((struct kn_sv){s.p + at, s.n - at});
        size_t width = kn_columns((struct kn_sv){s.p + at, n});

        if (s.p[at] == ' ' && used <= columns)
            good = at;
        if (used + width > columns)
            return good > 0 ? good : at > 0 ? at : n;
        used += width;
        at += n;
        if (width > 1)
            good = at;
    }
    return at;
}

/* How much of s fits into a caption. */
static size_t filling(struct kn_sv s)
{
    size_t first = fitting(s, KN_CAPTION_COLUMNS);
    struct kn_sv rest = behind(s, first);

    return (size_t)(rest.p - s.p) + fitting(rest, KN_CAPTION_COLUMNS);
}

/* Behind the last of these marks at the end of a word in the later half of s; 0: there is none. */
static size_t last_mark(struct kn_sv s, const char *marks)
{
    for (size_t i = s.n; i > s.n / 2 + 1; i--)
        if ((i == s.n || s.p[i] == ' ') && strchr(marks, s.p[i - 1]))
            return i;
    return 0;
}

/* The first caption's worth of s. */
static struct kn_sv first_caption(struct kn_sv s)
{
    struct kn_sv full = {s.p, filling(s)};
    size_t n = full.n < s.n ? last_mark(full, ".?!") : 0;

    if (n == 0 && full.n < s.n)
        n = last_mark(full, ",;:");
    return n > 0 ? (struct kn_sv){s.p, n} : full;
}

/* Where a caption is parted into two lines that are as even as may be; its length: one line is enough. */
static size_t line_end(struct kn_sv caption)
{
    size_t best = fitting(caption, KN_CAPTION_COLUMNS), least = SIZE_MAX;

    if (best == caption.n)
        return best;
    for (size_t i = 1; i < caption.n; i++) {
        size_t above, below, longer;

        if (caption.p[i] != ' ')
            continue;
        above = kn_columns((struct kn_sv){caption.p, i});
        below = kn_columns(behind(caption, i));
        longer = above > below ? above : below;
        if (longer <= KN_CAPTION_COLUMNS && longer < least) {
            least = longer;
            best = i;
        }
    }
    return best;
}

static void put_time(struct kn_buf *out, double seconds, char point)
{
    long long ms = llround(seconds * 1000);

    kn_buf_addf(out, NULL, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60,
                ms / 1000 % 60, point, ms % 1000);
}

/* In WebVTT these three are markup; SubRip has no way to write them otherwise. */
static void put_line(struct kn_buf *out, struct kn_sv line, bool vtt)
{
    for (size_t i = 0; i < line.n; i++) {
        const char *as = !vtt               ? NULL
                         : line.p[i] == '&' ? "&amp;"
                         : line.p[i] == '<' ? "&lt;"
                         : line.p[i] == '>' ? "&gt;"
                                            : NULL;

        if (as)
            kn_buf_adds(out, as, NULL);
        else
            kn_buf_add(out, &line.p[i], 1, NULL);
    }
    kn_buf_adds(out, "\n", NULL);
}

static void put_caption(struct kn_buf *out, size_t number, double start, double end,
                        struct kn_sv text, bool vtt)
{
    size_t n = line_end(text);

    if (!vtt)
        kn_buf_addf(out, NULL, "%zu\n", number);
    put_time(out, start, vtt ? '.' : ',');
    kn_buf_adds(out, " --> ", NULL);
    put_time(out, end, vtt ? '.' : ',');
    kn_buf_adds(out, "\n", NULL);
    put_line(out, (struct kn_sv){text.p, n}, vtt);
    if (n < text.n)
        put_line(out, behind(text, n), vtt);
    kn_buf_adds(out, "\n", NULL);
}

int kn_captions_write(const struct kn_segment *segments, size_t n, enum kn_subtitle_format format,
                      struct kn_buf *out, struct kn_err *err)
{
    bool vtt = format == KN_SUBTITLE_VTT;
    size_t number = 1;

    if (vtt)
        kn_buf_adds(out, "WEBVTT\n\n", NULL);
    for (size_t i = 0; i < n; i++) {
        const struct kn_segment *s = &segments[i];
        struct kn_sv rest = kn_sv_trim(kn_sv_of(s->text));
        double length = fmax(s->end - s->start, SHORTEST), from = s->start;
        double each = rest.n > 0 ? length / (double)rest.n : 0;

        while (rest.n > 0) {
            struct kn_sv caption = first_caption(rest);
            struct kn_sv left = behind(rest, caption.n);
            double to = left.n > 0 ? from + each * (double)(left.p - rest.p) : s->start + length;

            put_caption(out, number++, from, to, caption, vtt);
            from = to;
            rest = left;
        }
    }
    return kn_buf_ok(out, err);
}
