/* srt.c - SubRip and WebVTT: lines of text below a line of times. */
#include "cues.h"

#include "base/err.h"

#include <ctype.h>
#include <string.h>

static const double TIME_MAX = 1000 * 3600.0;

bool kn_lines_next(struct kn_lines *l, struct kn_sv *line)
{
    size_t n = 0;

    if (l->rest.n == 0)
        return false;
    while (n < l->rest.n && l->rest.p[n] != '\n' && l->rest.p[n] != '\r')
        n++;
    *line = (struct kn_sv){l->rest.p, n};
    /* "\r\r\n": somebody made line ends of DOS out of line ends of DOS. */
    for (size_t i = n; i < n + 2 && i + 1 < l->rest.n && l->rest.p[i] == '\r'; i++)
        if (l->rest.p[i + 1] == '\n')
            n = i + 1;
    if (n < l->rest.n)
        n++;
    l->rest.p += n;
    l->rest.n -= n;
    l->number++;
    return true;
}

static void spaces(struct kn_sv *s)
{
    while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) {
        s->p++;
        s->n--;
    }
}

/* Up to six digits; how many there were. */
static size_t figure(struct kn_sv *s, double *out)
{
    size_t n = 0;

    for (*out = 0; n < s->n && n < 6 && isdigit((unsigned char)s->p[n]); n++)
        *out = 10 * *out + (s->p[n] - '0');
    s->p += n;
    s->n -= n;
    return n;
}

static bool sign(struct kn_sv *s, char c)
{
    struct kn_sv t = *s;

    spaces(&t);
    if (t.n == 0 || *t.p != c)
        return false;
    t.p++;
    t.n--;
    spaces(&t);
    *s = t;
    return true;
}

bool kn_cue_time(struct kn_sv *from, double *seconds)
{
    struct kn_sv s = *from;
    double fields[4], fraction = 0, sum = 0;
    bool negative = sign(&s, '-');
    size_t n = 0, digits = 0;

    spaces(&s);
    while (n < 4 && figure(&s, &fields[n]) > 0) {
        n++;
        if (n == 4 || !sign(&s, ':'))
            break;
    }
    if (n < 2)
        return false;
    if (n == 4) { /* 00:00:01:500 */
        digits = 3;
        fraction = fields[--n];
    } else if (sign(&s, ',') || sign(&s, '.')) {
        digits = figure(&s, &fraction);
    }
    for (size_t i = 0; i < n; i++)
        sum = 60 * sum + fields[i];
    for (; digits > 0; digits--)
        fraction /= 10;
    if (sum + fraction > TIME_MAX)
        return false;
    *seconds = negative ? 0 : sum + fraction;
    *from = s;
    return true;
}

enum times { NO_TIMES, BAD_TIMES, GOOD_TIMES };

/* Positions and settings may follow. A sentence may hold an arrow: one of times begins with a figure. */
static enum times times_of(struct kn_sv line, double *start, double *end)
{
    struct kn_sv s = kn_sv_trim(line);
    bool arrow = memmem(s.p, s.n, "-->", 3) != NULL;
    bool figures = s.n > 0 && (isdigit((unsigned char)*s.p) || *s.p == '-');

    if (s.n > 0 && kn_cue_time(&s, start)) {
        spaces(&s);
        while (s.n > 1 && s.p[0] == '-' && s.p[1] == '-') {
            s.p++;
            s.n--;
        }
        if (s.n > 1 && s.p[0] == '-' && s.p[1] == '>') {
            s.p += 2;
            s.n -= 2;
            if (kn_cue_time(&s, end))
                return GOOD_TIMES;
        }
    }
    return arrow && figures ? BAD_TIMES : NO_TIMES;
}

struct reader {
    struct kn_cues *cues;
    bool vtt;
    bool open;  /* lines belong to a cue */
    bool blank; /* the last line was blank */
    double start, end;
    size_t line;   /* of the times */
    size_t number; /* that stood before them, as number_of gives it */
    struct {
        struct kn_sv text;
        bool after_blank;
    } lines[KN_CUE_LINES];
    size_t n;
};

/* One more than the number that is all of the line; 0: it is none. Some files count from 0. */
static size_t number_of(struct kn_sv line)
{
    size_t number = 0;

    line = kn_sv_trim(line);
    if (line.n == 0 || line.n > 9)
        return 0;
    for (size_t i = 0; i < line.n; i++) {
        if (!isdigit((unsigned char)line.p[i]))
            return 0;
        number = 10 * number + (size_t)(line.p[i] - '0');
    }
    return number + 1;
}

/* The next cue's number stands right above its times, or at the end of a file that was cut. Where the blank line before it is
 * missing it could be something said: it is a number if it counts on, or if it is not all that is said. */
static size_t take_number(struct reader *r, bool at_end)
{
    size_t number;

    if (r->n == 0 || r->blank)
        return 0;
    number = number_of(r->lines[r->n - 1].text);
    if (number == 0)
        return 0;
    if (!r->lines[r->n - 1].after_blank &&
        (at_end || (r->open && r->n == 1 && number != r->number + 1)))
        return 0;
    r->n--;
    return number;
}

static int end_cue(struct reader *r, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; r->open && rc == KN_OK && i < r->n; i++)
        rc = kn_markup_read(r->lines[i].text, KN_MARKUP_TAGS, &r->cues->text, err);
    if (r->open && rc == KN_OK)
        rc = kn_cues_end(r->cues, r->start, r->end, r->line, err);
    r->n = 0;
    r->open = false;
    return rc;
}

static void take_line(struct reader *r, struct kn_sv line)
{
    bool blank = kn_sv_trim(line).n == 0;

    if (!blank) {
        if (r->n == KN_CUE_LINES) /* the last is kept: a number may stand there */
            r->n--;
        r->lines[r->n].text = line;
        r->lines[r->n++].after_blank = r->blank;
    }
    r->blank = blank;
}

int kn_srt_read(struct kn_sv text, bool vtt, struct kn_cues *c, struct kn_err *err)
{
    struct reader r = {.cues = c, .vtt = vtt, .blank = true};
    struct kn_lines lines = {text, 0};
    struct kn_sv line;
    int rc = KN_OK;

    while (rc == KN_OK && kn_lines_next(&lines, &line)) {
        double start = 0, end = 0;
        enum times times = times_of(line, &start, &end);

        if (times == NO_TIMES) {
            take_line(&r, line);
            /* In WebVTT a blank line ends a cue; what follows is a name, a note or a style. */
            if (vtt && r.blank)
                rc = end_cue(&r, err);
            continue;
        }
        size_t number = take_number(&r, false);

        rc = end_cue(&r, err);
        r.open = times == GOOD_TIMES;
        r.blank = false;
        r.start = start;
        r.end = end;
        r.line = lines.number;
        r.number = number ? number : r.number + 1;
        if (times == BAD_TIMES)
            kn_cues_skip(c, lines.number);
    }
    if (rc == KN_OK) {
        take_number(&r, true);
        rc = end_cue(&r, err);
    }
    return rc;
}
