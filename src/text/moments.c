#include "moments.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double ENOUGH_SECONDS = 15, MOST_SECONDS = 30, PARTING_PAUSE = 8;
enum { ENOUGH_WORDS = 40, MOST_WORDS = 80 };

struct piece { /* segments first .. end - 1 */
    size_t first, end, words;
    double from, to; /* seconds */
};

static void piece_add(struct piece *p, const struct kn_segment *s)
{
    if (p->end == p->first || s->start < p->from)
        p->from = s->start;
    if (p->end == p->first || s->end > p->to)
        p->to = s->end;
    p->words += kn_count_words(kn_sv_of(s->text));
    p->end++;
}

static bool is_enough(const struct piece *p)
{
    return p->to - p->from >= ENOUGH_SECONDS || p->words >= ENOUGH_WORDS;
}

static bool is_too_long(const struct piece *p)
{
    return p->to - p->from > MOST_SECONDS || p->words > MOST_WORDS;
}

static bool is_too_short(const struct piece *p)
{
    return p->to - p->from < ENOUGH_SECONDS / 2 && p->words < ENOUGH_WORDS / 2;
}

static bool ends_with(const char *s, size_t n, const char *end)
{
    size_t k = strlen(end);

    return n >= k && memcmp(s + n - k, end, k) == 0;
}

/* In any script that Whisper writes; closing quotes and brackets may follow the stop. */
bool kn_ends_sentence(struct kn_sv text)
{
    static const char *const closing[] = {"\"", "'", ")", "]", "”", "’", "»", "」", "』", "）"};
    static const char *const stops[] = {".", "!", "?", "…", "。", "！", "？", "؟", "।", "۔", "։"};
    size_t n = text.n;

    for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
        if (ends_with(text.p, n, closing[i])) {
            n -= strlen(closing[i]);
            i = (size_t)-1; /* from the start: .") */
        }
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (ends_with(text.p, n, stops[i]))
            return true;
    return false;
}

/* Silence between p and the segment behind it. */
static double pause_after(const struct piece *p, const struct kn_segment *segments)
{
    return segments[p->end].start - p->to;
}

/* The piece that begins at segment first. */
static struct piece next_piece(const struct kn_segment *segments, size_t n, size_t first)
{
    struct piece p = {.first = first, .end = first}, best = p;
    bool best_is_sentence = false;

    for (;;) {
        struct piece before = p;
        bool sentence;

        piece_add(&p, &segments[p.end]);
        if (is_too_long(&p) && before.end > first) {
            if (best.end > first)
                return best;
            if (!is_too_short(&before))
                return before;
        }
        if (p.end == n || pause_after(&p, segments) > PARTING_PAUSE || is_too_long(&p))
            return p;
        sentence = kn_ends_sentence(kn_sv_of(segments[p.end - 1].text));
        if (is_enough(&p) && (best.end == first || sentence > best_is_sentence ||
                              (sentence == best_is_sentence &&
                               pause_after(&p, segments) > pause_after(&best, segments)))) {
            best = p;
            best_is_sentence = sentence;
        }
    }
}

/* Adds b, which follows a, to it. */
static void piece_join(struct piece *a, const struct piece *b)
{
    a->from = fmin(a->from, b->from);
    a->to = fmax(a->to, b->to);
    a->words += b->words;
    a->end = b->end;
}

char *kn_segments_join(const struct kn_segment *segments, size_t n, struct kn_arena *arena)
{
    size_t length = 1;
    char *text, *to;

    for (size_t i = 0; i < n; i++)
        length += strlen(segments[i].text) + 1;
    to = text = kn_arena_get(arena, length);
    for (size_t i = 0; text && i < n; i++) {
        size_t bytes = strlen(segments[i].text);

        if (i > 0)
            *to++ = ' ';
        memcpy(to, segments[i].text, bytes);
        to += bytes;
    }
    if (text)
        *to = '\0';
    return text;
}

int kn_moments_cut(const struct kn_segment *segments, size_t n, struct kn_arena *arena,
                   struct kn_moment **out, size_t *n_out, struct kn_err *err)
{
    struct piece *pieces = kn_arena_array(arena, n, sizeof *pieces);
    struct kn_moment *moments;
    size_t count = 0;

    if (!pieces || n > UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "cut %zu segments into moments: too many", n);
    for (size_t at = 0; at < n; at = pieces[count - 1].end) {
        struct piece p = next_piece(segments, n, at);

        if (count > 0 && is_too_short(&p) &&
            pause_after(&pieces[count - 1], segments) <= PARTING_PAUSE)
            piece_join(&pieces[count - 1], &p);
        else
            pieces[count++] = p;
    }
    moments = kn_arena_array(arena, count, sizeof *moments);
    for (size_t i = 0; moments && i < count; i++) {
        const struct piece *p = &pieces[i];

        moments[i] = (struct kn_moment){
            .start = p->from,
            .end = p->to,
            .text = kn_segments_join(segments + p->first, p->end - p->first, arena),
            .first_segment = (uint32_t)p->first,
            .segments = (uint32_t)(p->end - p->first),
            .words = (uint32_t)p->words,
            .opinion = (double)NAN,
        };
        if (!moments[i].text)
            moments = NULL;
    }
    if (!moments)
        return kn_err_memory(err, "cut %zu segments into moments: no memory", n);
    *out = moments;
    *n_out = count;
    return KN_OK;
}
