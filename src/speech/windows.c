#include "speech/windows.h"

#include <string.h>

/* Thresholds as in Silero's own utilities, but for the silence: a stretch ends at a pause of
 * MERGE, and a pause worth cutting at begins at 3 frames. The padding is wide because a music bed
 * delays the first probability over ON; it must stay under the 1 s in which Whisper expects
 * the first word of a window. */
static const float ON = 0.5F, OFF = 0.35F;

enum {
    MIN_SPEECH = 8,  /* 256 ms */
    MIN_SILENCE = 3, /* 96 ms */
    PAD = 19,        /* 608 ms */
    MERGE = 125,     /* 4 s */
    TAIL = 250,      /* 8 s */
    WORD = 10,       /* 320 ms */
    FAR = 2 * KN_WINDOW_FRAMES,
    REACH = 31,     /* 1 s: so far a border may go to a pause */
    LONG_PAUSE = 62 /* 2 s: longer ones draw it no more than that */
};

struct utterance {
    size_t start, end;
    bool open; /* reaches the end of what can be seen */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool next_utterance(const float *p, size_t from, size_t n, struct utterance *u)
{
    for (size_t i = from; i < n; i++) {
        size_t start, end, quiet = 0;

        if (p[i] < ON)
            continue;
        start = i;
        for (; i < n && quiet < MIN_SILENCE; i++)
            quiet = p[i] < OFF ? quiet + 1 : 0;
        end = i - quiet;
        if (quiet >= MIN_SILENCE && end - start < MIN_SPEECH)
            continue;
        *u = (struct utterance){start, end, quiet < MIN_SILENCE};
        return true;
    }
    return false;
}

/* Follows the stretch that begins with first to its end, as far as a decision needs it. */
static struct utterance follow(const float *p, size_t n, struct utterance first, size_t start)
{
    struct utterance whole = first, u;

    while (whole.end <= start + FAR && next_utterance(p, whole.end, n, &u) &&
           u.start - whole.end <= MERGE) {
        whole.end = u.end;
        whole.open = u.open;
    }
    return whole;
}

/* The end of a window that ends in the longest pause of [low, high]; 0: there is none. */
static size_t longest_pause(const float *p, size_t n, struct utterance u, size_t low, size_t high)
{
    struct utterance v;
    size_t longest = 0, cut = 0;

    for (; u.end < high && next_utterance(p, u.end, n, &v); u = v) {
        size_t pause = v.start - u.end;
        size_t here = least(u.end + PAD, u.end + pause / 2);

        if (here >= low && here <= high && pause >= longest) {
            longest = pause;
            cut = here;
        }
    }
    return cut;
}

static size_t quietest(const float *p, size_t low, size_t high)
{
    float least_speech = 4.0F;
    size_t at = high;

    for (size_t i = low; i + 1 < high; i++) {
        float here = p[i - 1] + p[i] + p[i + 1];

        if (here <= least_speech) {
            least_speech = here;
            at = i;
        }
    }
    return at;
}

static size_t count_speech(const float *p, size_t start, size_t end)
{
    struct utterance u;
    size_t speech = 0;

    for (size_t at = start; next_utterance(p, at, end, &u); at = u.end)
        speech += u.end - u.start;
    return speech;
}

enum kn_windows kn_windows_next(const float *p, size_t n, bool last, struct kn_window *w)
{
    struct utterance first, whole;
    size_t start, end, high;
    bool far;

    if (!next_utterance(p, 0, n, &first) ||
        (last && first.end - first.start < MIN_SPEECH)) { /* the sound ends in a click */
        *w = (struct kn_window){.start = last ? n : n - least(n, PAD)};
        return last ? KN_WINDOWS_END : KN_WINDOWS_MORE;
    }
    start = first.start > PAD ? first.start - PAD : 0;
    high = start + KN_WINDOW_FRAMES;
    whole = follow(p, n, first, start);
    far = whole.end > start + FAR;
    if (!last && !far && (whole.open || n - whole.end <= MERGE)) {
        *w = (struct kn_window){.start = start};
        return KN_WINDOWS_MORE;
    }
    if (whole.end <= high) {
        end = least(least(whole.end + PAD, high), n);
    } else {
        if (!far)
            high = least(high, whole.end - TAIL);
        end = longest_pause(p, n, first, start + KN_WINDOW_FRAMES * 2 / 3, high);
        if (end == 0)
            end = longest_pause(p, n, first, start + KN_WINDOW_FRAMES / 3, high);
        if (end == 0)
            end = quietest(p, start + KN_WINDOW_FRAMES * 2 / 3, high);
    }
    *w = (struct kn_window){start, end, count_speech(p, start, end)};
    return KN_WINDOWS_FOUND;
}

bool kn_windows_speech_in(const float *p, size_t from, size_t to)
{
    size_t run = 0;

    for (size_t i = from; i < to && run < WORD; i++)
        run = p[i] >= ON ? run + 1 : 0;
    return run >= WORD;
}

/* What a line needs at least: a fifth of the time that it was given, a frame for each letter. */
static size_t need(const struct kn_line *line)
{
    return least((line->end - line->start) / 5, strlen(line->text));
}

/* The pause behind `from` to which the border between a and b goes. */
static bool pause_for(const float *p, size_t n, size_t from, const struct kn_line *a,
                      const struct kn_line *b, size_t begin, struct utterance *pause)
{
    size_t early = least(a->end, b->start), late = a->end + b->start - early;
    long best = 0;
    struct utterance u, v;
    bool found = false;

    if (!next_utterance(p, from, n, &u))
        return false;
    for (; next_utterance(p, u.end, n, &v); u = v) {
        size_t off = u.end > late ? u.end - late : early > v.start ? early - v.start : 0;
        long cost = 2 * (long)off - (long)least(v.start - u.end, LONG_PAUSE);

        if (off > REACH || u.end < begin + need(a) || v.start + need(b) > b->end)
            continue;
        if (!found || cost < best) {
            best = cost;
            *pause = (struct utterance){u.end, v.start, false};
        }
        found = true;
    }
    return found;
}

/* A last line without time for its letters is what the voice that comes next says. */
static void fit_last(const float *p, size_t n, struct kn_line *last)
{
    size_t end = last->end, more = end - last->start < strlen(last->text) ? REACH : 0;
    struct utterance u;

    for (size_t at = 0; next_utterance(p, at, n, &u) && u.start < last->end + more; at = u.end) {
        bool next = u.start >= last->end;

        end = next || last->end > u.end || u.end - last->end < REACH ? u.end : last->end;
        if (next)
            break;
    }
    last->end = end;
}

void kn_windows_fit(const float *p, size_t n, struct kn_line *lines, size_t count)
{
    struct utterance first, u, pause;
    size_t from = 0, begin;

    if (count == 0 || !next_utterance(p, 0, n, &first))
        return;
    while (first.end - first.start < WORD && next_utterance(p, first.end, n, &u) &&
           u.start - first.end >= WORD)
        first = u; /* the end of a word of the window before, or a click */
    for (size_t i = 0; i < count; i++)
        if (lines[i].end < lines[i].start)
            lines[i].end = lines[i].start;
    begin = lines[0].start;
    if (begin < first.end || begin < first.start + MERGE)
        begin = first.start;
    fit_last(p, n, &lines[count - 1]);
    for (size_t i = 0; i + 1 < count; i++) {
        size_t next = lines[i + 1].start > begin ? lines[i + 1].start : begin;

        if (pause_for(p, n, from, &lines[i], &lines[i + 1], begin, &pause)) {
            lines[i].end = pause.start;
            next = from = pause.end;
        }
        lines[i].start = begin;
        begin = next;
    }
    lines[count - 1].start = begin;
}

size_t kn_windows_spread(const struct kn_window *w, size_t n, size_t k, size_t *pick)
{
    size_t count = least(n, k);

    for (size_t group = 0; group < count; group++) {
        size_t best = group * n / count;

        for (size_t i = best; i < (group + 1) * n / count; i++)
            if (w[i].speech > w[best].speech)
                best = i;
        pick[group] = best;
    }
    return count;
}

size_t kn_windows_densest(const float *p, const struct kn_window *w, size_t frames)
{
    double sum = 0, most = 0;
    size_t best = w->start;

    for (size_t i = w->start; i < w->end; i++) {
        sum += (double)p[i];
        if (i - w->start >= frames)
            sum -= (double)p[i - frames];
        if (sum > most + 1e-3) { /* a hair is no reason to begin later */
            most = sum;
            best = i - w->start >= frames ? i + 1 - frames : w->start;
        }
    }
    return best;
}
