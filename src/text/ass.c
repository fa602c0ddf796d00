/* ass.c - Sub Station Alpha 4 and 4+: "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,text", where a
 * Format line says which field is which. Only [Events] is read; fonts and pictures may follow it. */
#include "cues.h"

#include "base/err.h"

#include <string.h>
#include <strings.h>

enum { FIELDS_MAX = 32 };

struct layout { /* which field is which; the last one may hold commas */
    size_t start, end, text, fields;
};

static bool starts(struct kn_sv s, const char *word)
{
    size_t n = strlen(word);

    return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static struct kn_sv after(struct kn_sv s, const char *word)
{
    return kn_sv_trim((struct kn_sv){s.p + strlen(word), s.n - strlen(word)});
}

/* Up to the next comma; moves behind it. The last field takes all. */
static struct kn_sv field(struct kn_sv *s, bool last)
{
    const char *comma = last || s->n == 0 ? NULL : memchr(s->p, ',', s->n);
    struct kn_sv f = {s->p, comma ? (size_t)(comma - s->p) : s->n};
    size_t used = f.n + (comma ? 1 : 0);

    s->p += used;
    s->n -= used;
    return kn_sv_trim(f);
}

static bool is(struct kn_sv s, const char *word)
{
    return s.n == strlen(word) && starts(s, word);
}

static int read_format(struct kn_sv s, struct layout *out, size_t line, struct kn_err *err)
{
    struct layout l = {SIZE_MAX, SIZE_MAX, SIZE_MAX, 0};

    while (s.n > 0 && l.fields < FIELDS_MAX) {
        struct kn_sv f = field(&s, false);

        if (is(f, "Start"))
            l.start = l.fields;
        else if (is(f, "End"))
            l.end = l.fields;
        else if (is(f, "Text"))
            l.text = l.fields;
        l.fields++;
    }
    if (l.start == SIZE_MAX || l.end == SIZE_MAX || l.text == SIZE_MAX)
        return kn_err_set(err, KN_ECORRUPT,
                          "line %zu: the events' Format names no Start, End and Text", line);
    *out = l;
    return KN_OK;
}

static int read_dialogue(struct kn_sv s, const struct layout *l, struct kn_cues *c, size_t line,
                         struct kn_err *err)
{
    struct kn_sv start = {"", 0}, end = start, text = start;
    double from = 0, to = 0;
    int rc;

    for (size_t i = 0; i < l->fields; i++) {
        struct kn_sv f = field(&s, i + 1 == l->fields);

        if (i == l->start)
            start = f;
        else if (i == l->end)
            end = f;
        else if (i == l->text)
            text = f;
    }
    if (!kn_cue_time(&start, &from) || !kn_cue_time(&end, &to)) {
        kn_cues_skip(c, line);
        return KN_OK;
    }
    rc = kn_markup_read(text, KN_MARKUP_ASS, &c->text, err);
    return rc ? rc : kn_cues_end(c, from, to, line, err);
}

int kn_ass_read(struct kn_sv text, struct kn_cues *c, struct kn_err *err)
{
    /* Where no Format line stands: Layer (or Marked), Start, End, Style, Name, three margins, Effect, Text. */
    struct layout l = {1, 2, 9, 10};
    struct kn_lines lines = {text, 0};
    struct kn_sv line;
    bool events = false, found = false;
    int rc = KN_OK;

    while (rc == KN_OK && kn_lines_next(&lines, &line)) {
        line = kn_sv_trim(line);
        if (line.n > 0 && *line.p == '[') {
            events = starts(line, "[Events]");
            found |= events;
        } else if (events && starts(line, "Format:")) {
            rc = read_format(after(line, "Format:"), &l, lines.number, err);
        } else if (events && starts(line, "Dialogue:")) {
            rc = read_dialogue(after(line, "Dialogue:"), &l, c, lines.number, err);
        }
    }
    if (rc == KN_OK && !found)
        rc = kn_err_set(err, KN_ECORRUPT, "line %zu: the file ends without an [Events] section",
                        lines.number);
    return rc;
}
