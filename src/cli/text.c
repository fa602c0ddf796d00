/* Text for people: made safe, shortened, folded, coloured. */
#include "cli.h"

#include "base/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 64 << 20, MAX_INDENT = 40 };

static void *checked(void *p)
{
    if (p)
        return p;
    fputs("kinora: no memory\n", stderr);
    exit(KN_EXIT_FAILED);
}

const char *kn_text(struct kn_cli *cli, const char *s)
{
    struct kn_buf b;
    const char *copy = NULL;

    kn_buf_init(&b, MAX_TEXT);
    if (kn_printable(kn_sv_of(s), &b, NULL) == KN_OK)
        copy = kn_arena_text(cli->arena, b.data);
    kn_buf_free(&b);
    return checked((void *)copy);
}

const char *kn_format(struct kn_cli *cli, const char *fmt, ...)
{
    va_list ap;
    char *s = NULL;
    const char *copy;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    copy = kn_arena_text(cli->arena, checked(s));
    free(s);
    return checked((void *)copy);
}

const char *kn_time_text(struct kn_cli *cli, double seconds)
{
    long s = isfinite(seconds) && seconds > 0 ? lrint(seconds) : 0;

    if (!isfinite(seconds))
        return "-";
    if (s >= 3600)
        return kn_format(cli, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return kn_format(cli, "%02ld:%02ld", s / 60, s % 60);
}

const char *kn_when_text(struct kn_cli *cli, double start, double end, const char *behind)
{
    return kn_is_timed(start, end) ? kn_format(cli, "%s%s", kn_time_text(cli, start), behind) : "";
}

const char *kn_opinion_text(struct kn_cli *cli, double opinion)
{
    return isnan(opinion) ? "-" : kn_format(cli, "%+.2f", opinion);
}

enum kn_style kn_opinion_style(double opinion)
{
    if (isnan(opinion))
        return KN_DIM;
    return opinion >= 0.1 ? KN_GOOD : opinion <= -0.1 ? KN_BAD : KN_PLAIN;
}

void kn_put(FILE *f, const struct kn_screen *screen, enum kn_style style, const char *fmt, ...)
{
    static const char *const codes[] = {
        [KN_PLAIN] = "",        [KN_BOLD] = "\033[1m", [KN_DIM] = "\033[2m",
        [KN_GOOD] = "\033[32m", [KN_BAD] = "\033[31m", [KN_WARN] = "\033[33m"};
    bool coloured = screen->colour && style != KN_PLAIN;
    va_list ap;

    if (coloured)
        fputs(codes[style], f);
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    if (coloured)
        fputs("\033[0m", f);
}

/* Bytes of the character that s starts with. */
static size_t character(const char *s)
{
    size_t n = 1;

    while (((unsigned char)s[n] & 0xC0) == 0x80)
        n++;
    return n;
}

/* How many bytes of s fit into so many columns, never half a character. */
static size_t fitting(struct kn_sv s, size_t columns)
{
    size_t at = 0, used = 0;

    while (at < s.n) {
        size_t n = character(s.p + at), wide = kn_columns((struct kn_sv){s.p + at, n});

        if (used + wide > columns)
            break;
        used += wide;
        at += n;
    }
    return at;
}

size_t kn_text_fitting(const char *s, size_t columns)
{
    return fitting(kn_sv_of(s), columns);
}

const char *kn_shorten(struct kn_cli *cli, const char *s, size_t columns)
{
    struct kn_sv v = kn_sv_of(s);

    if (kn_columns(v) <= columns)
        return s;
    v.n = columns > 0 ? fitting(v, columns - 1) : 0;
    return kn_format(cli, "%.*s%s", (int)v.n, v.p, columns > 0 ? "…" : "");
}

static bool is_ascii(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] >= 0x80)
            return false;
    }
    return true;
}

/* The bytes of s that make the next line. A word longer than a line stays whole where it is ASCII, for
 * that is a path or an address, to be copied; else it is cut, for some scripts have no spaces. */
static size_t line_of(const char *s, size_t columns)
{
    struct kn_sv v = kn_sv_of(s);
    size_t n = fitting(v, columns), back = n, word = strcspn(s, " ");

    if (n == v.n || s[n] == ' ')
        return n;
    while (back > 0 && s[back - 1] != ' ')
        back--;
    if (back > 0)
        return back - 1;
    if (is_ascii(s, word))
        return word;
    return n > 0 ? n : character(s);
}

void kn_put_wrapped(FILE *f, const struct kn_screen *screen, size_t indent, size_t lines,
                    const char *s)
{
    size_t columns = screen->width > indent + 20 ? screen->width - indent : 20;

    for (size_t line = 1;; line++) {
        bool last = lines > 0 && line == lines;
        size_t n = line_of(s, columns);

        if (last && s[n])
            n = line_of(s, columns - 2);
        fwrite(s, 1, n, f);
        s += n;
        s += strspn(s, " ");
        if (last && *s)
            fputs(" …", f);
        putc('\n', f);
        if (!*s || last)
            return;
        fprintf(f, "%*s", (int)indent, "");
    }
}
