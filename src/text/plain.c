#include "plain.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"
#include "text/moments.h"

#include <string.h>

enum { MOST_WORDS = 40 };

/* Bytes of the white space at s: ASCII, the no-break space, and the ideographic one. */
static size_t space_at(const char *s)
{
    if (*s && strchr(" \t\n\v\f\r", *s))
        return 1;
    return strncmp(s, "\xC2\xA0", 2) == 0 ? 2 : strncmp(s, "\xE3\x80\x80", 3) == 0 ? 3 : 0;
}

/* Behind a stop of a script that writes no spaces, and the quotes and brackets that close with it. */
static size_t stop_at(const char *s)
{
    static const char *const stops[] = {"。", "！", "？"}, *const closing[] = {"」", "』", "）",
                                                                               "”"};
    size_t n = 0;

    for (size_t i = 0; i < 3 && n == 0; i++)
        n = strncmp(s, stops[i], 3) == 0 ? 3 : 0;
    for (size_t i = 0; n > 0 && i < 4; i++)
        if (strncmp(s + n, closing[i], 3) == 0) {
            n += 3;
            i = (size_t)-1;
        }
    return n;
}

/* The next run without white space, up to a stop. */
static struct kn_sv next_word(const char **at)
{
    const char *from, *s = *at;

    for (size_t n; (n = space_at(s)) > 0;)
        s += n;
    for (from = s; *s && !space_at(s); s++) {
        size_t stop = stop_at(s);

        if (stop > 0) {
            s += stop;
            break;
        }
    }
    *at = s;
    return (struct kn_sv){from, (size_t)(s - from)};
}

struct cut {
    char *to; /* where the next word goes, within one copy of the text that all segments share */
    struct kn_segment *segments;
    size_t n;
};

/* Writes one segment into the copy; false when the text is over. */
static bool next_segment(struct cut *c, const char **at)
{
    const char *from = c->to;
    size_t words = 0;

    for (struct kn_sv word; (word = next_word(at)).n > 0;) {
        if (c->to != from)
            *c->to++ = ' ';
        memcpy(c->to, word.p, word.n);
        c->to += word.n;
        words += kn_count_words(word);
        if (words >= MOST_WORDS || kn_ends_sentence(word))
            break;
    }
    if (c->to == from)
        return false;
    *c->to++ = '\0';
    c->segments[c->n++].text = from;
    return true;
}

int kn_plain_cut(const char *text, struct kn_arena *arena, struct kn_segment **out, size_t *n,
                 struct kn_err *err)
{
    struct cut c = {0};
    size_t words = 0, counted = 0, stops = 0;

    for (struct kn_sv word, at = kn_sv_of(text); (word = next_word(&at.p)).n > 0; words++) {
        counted += kn_count_words(word);
        stops += kn_ends_sentence(word);
    }
    /* A word, and a space or NUL, each; a stop without a space behind it gets one. */
    c.to = kn_arena_get(arena, strlen(text) + words + 1);
    c.segments = kn_arena_array(arena, stops + counted / MOST_WORDS + 1, sizeof *c.segments);
    if (!c.to || !c.segments)
        return kn_err_memory(err, "cut a text of %zu words into sentences: no memory", words);
    for (const char *at = text; next_segment(&c, &at);)
        ;
    *out = c.segments;
    *n = c.n;
    return KN_OK;
}
