#include "subtitle.h"

#include "base/err.h"
#include "base/unicode.h"

#include <string.h>

enum { BRACKET_MAX = 400, NAME_MAX = 40, NAME_WORDS = 4 };

static bool starts(struct kn_sv s, const char *with)
{
    size_t n = strlen(with);

    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* The length of a bracket at s with what stands in it; 0: there is none, or it does not close. */
static size_t bracket_length(struct kn_sv s)
{
    static const char *const pairs[][2] = {
        {"[", "]"}, {"(", ")"}, {"（", "）"}, {"［", "］"}, {"【", "】"}};
    size_t most = s.n < BRACKET_MAX ? s.n : BRACKET_MAX, depth = 0;

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (!starts(s, pairs[i][0]))
            continue;
        for (size_t at = 0; at < most; at++) {
            struct kn_sv here = {s.p + at, s.n - at};

            depth += starts(here, pairs[i][0]);
            if (starts(here, pairs[i][1]) && --depth == 0)
                return at + strlen(pairs[i][1]);
        }
        return 0;
    }
    return 0;
}

static size_t note_length(struct kn_sv s)
{
    static const char *const notes[] = {"♪", "♫", "♬", "♩"};

    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        if (starts(s, notes[i]))
            return strlen(notes[i]);
    }
    return 0;
}

static int without_brackets(struct kn_sv s, struct kn_buf *out, struct kn_err *err)
{
    int rc = KN_OK;

    while (s.n > 0 && rc == KN_OK) {
        size_t n = bracket_length(s);

        if (n == 0)
            n = note_length(s);
        rc = n ? kn_buf_add(out, " ", 1, err) : kn_buf_add(out, s.p, 1, err);
        n = n ? n : 1;
        s.p += n;
        s.n -= n;
    }
    return rc;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static struct kn_sv next_token(struct kn_sv *s)
{
    struct kn_sv t;
    size_t n = 0;

    while (s->n > 0 && is_space(*s->p)) {
        s->p++;
        s->n--;
    }
    while (n < s->n && !is_space(s->p[n]))
        n++;
    t = (struct kn_sv){s->p, n};
    s->p += n;
    s->n -= n;
    return t;
}

/* A name in capitals with its colon at the start of s: its length. A colon within a word (10:30) is none. */
static size_t name_length(struct kn_sv s)
{
    size_t words = 1;

    for (size_t i = 0; i < s.n && i < NAME_MAX; i++) {
        if (is_space(s.p[i]) && ++words > NAME_WORDS)
            return 0;
        if (s.p[i] != ':' || (i + 1 < s.n && !is_space(s.p[i + 1])))
            continue;
        return i > 1 && kn_is_upper((struct kn_sv){s.p, i}) ? i + 1 : 0;
    }
    return 0;
}

static bool is_dash(struct kn_sv t)
{
    return kn_sv_eq(t, kn_sv_of("-")) || kn_sv_eq(t, kn_sv_of("–")) || kn_sv_eq(t, kn_sv_of("—"));
}

static bool is_marker(struct kn_sv t)
{
    return kn_sv_eq(t, kn_sv_of(">>")) || kn_sv_eq(t, kn_sv_of(">>>"));
}

static bool ends_sentence(struct kn_sv t)
{
    return t.n > 0 && strchr(".!?", t.p[t.n - 1]);
}

int kn_subtitle_spoken(struct kn_sv text, struct kn_buf *out, struct kn_err *err)
{
    bool capitals, beginning = true, glue = false;
    struct kn_sv rest, dash = {"", 0};
    struct kn_buf plain;
    int rc;

    kn_buf_init(&plain, text.n + 2);
    rc = without_brackets(text, &plain, err);
    rest = (struct kn_sv){plain.data, plain.n};
    capitals = kn_is_upper(rest);
    while (rc == KN_OK) {
        struct kn_sv before = rest, token = next_token(&rest);
        struct kn_sv here = {token.p, (size_t)(before.p + before.n - token.p)};
        size_t name = !is_dash(token) && (beginning || !capitals) ? name_length(here) : 0;

        if (token.n == 0)
            break;
        if (name > 0) {
            rest = (struct kn_sv){here.p + name, here.n - name};
        } else if (is_dash(token)) {
            dash = token; /* kept if something follows it */
        } else if (!is_marker(token)) {
            if (dash.n > 0)
                rc = kn_buf_addf(out, err, "%s%.*s", glue ? " " : "", (int)dash.n, dash.p);
            glue |= dash.n > 0;
            dash.n = 0;
            if (rc == KN_OK)
                rc = kn_buf_addf(out, err, "%s%.*s", glue ? " " : "", (int)token.n, token.p);
            glue = true;
            beginning = ends_sentence(token);
            continue;
        }
        beginning = true;
    }
    kn_buf_free(&plain);
    return rc;
}
