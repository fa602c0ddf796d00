/* listen.c - one listener's way through one title: vote on the language, hear window by window.
 *
 * A whisper_state is made for each window and each probe. That costs 5 ms where a window costs a
 * second, and it is what makes a window's segments depend on its sound alone: in an old state the
 * generator that the temperature fall-back samples from goes on where it stopped, and the caches
 * of flash attention, whose padding rows are attended to without a mask, hold there what a call
 * with another audio_ctx left (whisper.cpp 1.9.1, whisper_build_graph_cross and _decoder). */
#include "speech/internal.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "speech/doubt.h"
#include "speech/heard.h"
#include "speech/said.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <whisper.h>

enum {
    PROBES = 4,               /* windows that vote */
    BLOCK = 300,              /* seconds of sound, from which they are chosen */
    LONGEST = 4 * BLOCK,      /* with fewer windows in it than shall vote, those there are do */
    SAMPLES_A_POSITION = 320, /* of the encoder: 20 ms */
    UNHEARD = 2 * KN_RATE / KN_FRAME, /* frames of voice that are worth hearing again for */
    PASSES = 8, /* of the encoder over one window; Whisper seeks to where it stopped hearing */

    /* Probes are encoded at their own length, in steps of 256, to which flash attention pads. Windows are not: that halves
     * the time of a clip of 10 s, and costs 6 to 8 of the 158 Portuguese and 2 to 5 of the 124 English words of the FLEURS
     * clips with a beam of 5 (bench/RESULTS.md). Most windows of a film are nearly full anyway. */
    GLANCE = 256, /* a probe of 5 s */
    LOOK = 512,   /* one of 10 s */
};

/* Of the 30 FLEURS clips, in 5 languages, a glance named 29 right, a look all. Whatever a glance
 * gave this much was right. It costs half of a look, and an eighth of what a full probe costs. */
static const double SURE = 0.8;

struct run {
    struct kn_listener *l;
    const struct kn_cancel *cancel;
    struct kn_said said;
    struct kn_buf *heard; /* heard.h; NULL: nothing is kept */
    int language;
    double confidence;
};

/* ---- what whisper.cpp asks while it runs ---- */

struct pass {
    const struct run *run;
    struct kn_window window;
    int passes;
};

static bool cancelled(void *ctx)
{
    const struct run *r = ctx;

    return kn_cancel_is_set(r->cancel);
}

/* Whisper wants to hear the rest of a window again when its last word ends before the window does.
 * That is a pass of the encoder, and a chance to invent words, so it needs a reason: speech. */
static bool worth_a_pass(struct whisper_context *w, struct whisper_state *state, void *ctx)
{
    struct pass *p = ctx;
    int heard = whisper_full_n_segments_from_state(state);
    size_t from;

    (void)w;
    if (p->passes++ >= PASSES)
        return false;
    if (p->passes == 1)
        return true;
    if (heard == 0)
        return false;
    from = (size_t)whisper_full_get_segment_t1_from_state(state, heard - 1) * (KN_RATE / 100) /
           KN_FRAME;
    return kn_windows_speech_in(p->run->l->sound.speech, p->window.start + from, p->window.end);
}

static bool never(struct whisper_context *w, struct whisper_state *state, void *ctx)
{
    (void)w;
    (void)state;
    (void)ctx;
    return false;
}

static struct whisper_full_params params_for(struct run *r)
{
    const struct kn_speech *s = r->l->speech;
    struct whisper_full_params p = whisper_full_default_params(
        s->beam > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);

    p.n_threads = 1;
    p.beam_search.beam_size = s->beam;
    p.n_max_text_ctx = 0;
    p.language = whisper_lang_str(r->language);
    p.print_progress = false;
    return p;
}

static int fresh_state(const struct run *r, struct whisper_state **out, struct kn_err *err)
{
    struct whisper_state *state = whisper_init_state(r->l->speech->whisper);

    if (!state)
        return kn_err_memory(err, "speech: no memory to run the model '%s'", r->l->speech->model);
    *out = state;
    return KN_OK;
}

static int was_cancelled(const struct run *r, struct kn_err *err)
{
    if (kn_cancel_is_set(r->cancel))
        return kn_err_set(err, KN_ECANCELLED, "speech: cancelled");
    return KN_OK;
}

/* Of `frames` frames from `at` on; the last frame of a title may be a part. */
static size_t samples_in(const struct kn_sound *s, size_t at, size_t frames)
{
    size_t left = s->samples - at * KN_FRAME;

    return frames * KN_FRAME < left ? frames * KN_FRAME : left;
}

/* ---- the vote on the language ---- */

static int best_of(const float *votes, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (votes[i] > votes[best])
            best = i;
    return best;
}

/* votes gets the probability of each language, by the fullest stretch of the window that takes so
 * many positions of the encoder. whisper_full stops before it encodes: it is there to make the
 * spectrogram and to set audio_ctx, which only it can. */
static int probe(struct run *r, const struct kn_window *window, size_t positions, float *votes,
                 struct kn_err *err)
{
    const struct kn_sound *sound = &r->l->sound;
    struct whisper_context *w = r->l->speech->whisper;
    size_t frames = positions * SAMPLES_A_POSITION / KN_FRAME;
    size_t at = kn_windows_densest(sound->speech, window, frames);
    size_t n = samples_in(sound, at, frames);
    struct whisper_full_params params = params_for(r);
    struct whisper_state *state = NULL;
    int rc = was_cancelled(r, err);

    if (rc == KN_OK)
        rc = fresh_state(r, &state, err);
    if (rc != KN_OK)
        return rc;
    memset(votes, 0, KN_BALLOT * sizeof *votes);
    params.audio_ctx = (int)positions;
    params.encoder_begin_callback = never;
    params.abort_callback = cancelled;
    params.abort_callback_user_data = r;
    if (whisper_full_with_state(w, state, params, sound->pcm + at * KN_FRAME, (int)n) != 0 ||
        whisper_lang_auto_detect_with_state(w, state, 0, params.n_threads, votes) < 0) {
        rc = was_cancelled(r, err);
        if (rc == KN_OK) /* for want of memory: there is no sound that it refuses */
            rc = kn_err_set(err, KN_ELIMIT, "speech: the model '%s' failed to tell a language",
                            r->l->speech->model);
    }
    whisper_free_state(state);
    return rc;
}

static int vote_of(struct run *r, const struct kn_window *window, float *votes, struct kn_err *err)
{
    int rc = probe(r, window, GLANCE, votes, err);

    if (rc == KN_OK && (double)votes[best_of(votes, r->l->speech->languages)] < SURE)
        rc = probe(r, window, LOOK, votes, err);
    return rc;
}

/* Each window has one vote, shared out by probability. A title of one or two windows is judged
 * by the fuller one alone when that is clear: its other window would cost a tenth of its time.
 * While the title goes on, windows that were not found have a vote too, and give it to nobody. */
static int vote(struct run *r, size_t windows, struct kn_err *err)
{
    float votes[KN_BALLOT], sum[KN_BALLOT] = {0};
    size_t pick[PROBES], n;
    int rc = KN_OK, best = 0, languages = r->l->speech->languages;
    bool whole = r->l->sound.last;

    n = kn_windows_spread(r->l->plan, windows, PROBES, pick);
    if (n == 2 && r->l->plan[pick[1]].speech > r->l->plan[pick[0]].speech) {
        pick[0] = 1;
        pick[1] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        rc = vote_of(r, &r->l->plan[pick[i]], votes, err);
        if (rc != KN_OK)
            return rc;
        for (int j = 0; j < languages; j++)
            sum[j] += votes[j];
        best = best_of(sum, languages);
        r->language = best;
        r->confidence = fmin(1, (double)sum[best] / (double)(whole ? i + 1 : PROBES));
        if (whole && n <= 2 && r->confidence >= SURE)
            break;
    }
    return rc;
}

static size_t plan(struct kn_listener *l)
{
    struct kn_window w;
    size_t n = 0;

    for (size_t at = 0; n < KN_PLAN; n++, at = l->plan[n - 1].end) {
        if (kn_windows_next(l->sound.speech + at, l->sound.frames - at, l->sound.last, &w) !=
            KN_WINDOWS_FOUND)
            break;
        l->plan[n] = (struct kn_window){at + w.start, at + w.end, w.speech};
    }
    return n;
}

static int pull_to(struct run *r, size_t seconds, struct kn_err *err)
{
    struct kn_sound *sound = &r->l->sound;
    int rc = KN_OK;

    while (rc == KN_OK && !sound->last && sound->samples < seconds * KN_RATE) {
        rc = was_cancelled(r, err);
        if (rc == KN_OK)
            rc = kn_sound_pull(sound, err);
    }
    return rc;
}

bool kn_can_vote(size_t windows, size_t seconds, bool last)
{
    return windows >= PROBES || (windows > 0 && (last || seconds >= LONGEST));
}

/* Lets the first windows vote that somebody speaks in: enough of them, since a studio's ident or a song
 * in another language may be all that the first minutes hold. */
static int find_language(struct run *r, struct kn_err *err)
{
    struct kn_sound *sound = &r->l->sound;
    struct kn_window w;
    size_t windows, seconds = BLOCK;
    int rc;

    if (r->l->speech->languages == 1)
        return KN_OK;
    while ((rc = pull_to(r, seconds, err)) == KN_OK) {
        windows = plan(r->l);
        if (kn_can_vote(windows, seconds, sound->last))
            return vote(r, windows, err);
        if (sound->last)
            break;
        if (windows > 0) {
            seconds += BLOCK;
            continue;
        }
        kn_windows_next(sound->speech, sound->frames, false, &w); /* says what is not needed */
        kn_sound_drop(sound, w.start);
    }
    return rc;
}

/* ---- hearing ---- */

static size_t frame_of(int64_t hundredths)
{
    return hundredths > 0 ? (size_t)hundredths * (KN_RATE / 100) / KN_FRAME : 0;
}

/* The window's lines: those that nobody says are dropped, the others go to where the voice is. */
static int take_lines(struct run *r, const struct kn_raw_lines *raw, const struct kn_window *w,
                      struct kn_line *lines, struct kn_err *err)
{
    const struct kn_sound *sound = &r->l->sound;
    const float *p = sound->speech + w->start;
    size_t frames = w->end - w->start, kept = 0;
    double from = (double)((sound->at + w->start) * KN_FRAME) / KN_RATE;
    double to = from + (double)samples_in(sound, w->start, frames) / KN_RATE;
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < raw->n; i++) {
        int64_t t0 = raw->line[i].start, t1 = raw->line[i].end;
        struct kn_line line = {raw->line[i].text, frame_of(t0), frame_of(t1 > t0 ? t1 : t0)};
        const char *doubt = "a sound, not words";
        bool words = false;

        rc = kn_said_words(&r->said, line.text, &words, err);
        if (rc == KN_OK && words)
            rc = kn_doubt(&line, lines, kept, p, frames, &doubt, err);
        if (rc == KN_OK && doubt)
            rc = kn_said_drop(&r->said, line.text, fmin(from + (double)t0 / 100, to),
                              fmin(from + (double)t1 / 100, to), doubt, err);
        else if (rc == KN_OK)
            lines[kept++] = line;
    }
    kn_windows_fit(p, frames, lines, kept);
    for (size_t i = 0; rc == KN_OK && i < kept; i++)
        rc = kn_said_add(&r->said, lines[i].text,
                         from + (double)(lines[i].start * KN_FRAME) / KN_RATE,
                         from + (double)(lines[i].end * KN_FRAME) / KN_RATE, from, to, err);
    return rc;
}

static int take_segments(struct run *r, const struct kn_raw_lines *raw, const struct kn_window *w,
                         struct kn_err *err)
{
    struct kn_line *lines = calloc(raw->n + 1, sizeof *lines);
    int rc;

    if (!lines)
        return kn_err_memory(err, "speech: no memory for %zu lines", raw->n);
    rc = take_lines(r, raw, w, lines, err);
    free(lines);
    return rc;
}

/* One window on its way through Whisper. */
struct hearing {
    struct run *run;
    struct kn_window window;
    struct kn_raw_lines raw; /* what was heard */
    bool is_kept;            /* in r->heard */
    pthread_t thread;
    int rc;
    struct kn_err err;
};

static int copy_lines(struct whisper_state *state, struct kn_raw_lines *out, struct kn_err *err)
{
    int n = whisper_full_n_segments_from_state(state), rc;
    struct kn_raw_line *lines = calloc((size_t)n + 1, sizeof *lines);

    if (!lines)
        return kn_err_memory(err, "speech: no memory for %d lines", n);
    for (int i = 0; i < n; i++)
        lines[i] = (struct kn_raw_line){whisper_full_get_segment_t0_from_state(state, i),
                                        whisper_full_get_segment_t1_from_state(state, i),
                                        whisper_full_get_segment_text_from_state(state, i)};
    rc = kn_raw_lines_copy(lines, (size_t)n, out, err);
    free(lines);
    return rc;
}

static int run_whisper(struct run *r, const struct kn_window *w, struct kn_raw_lines *out,
                       struct kn_err *err)
{
    const struct kn_sound *sound = &r->l->sound;
    size_t n = samples_in(sound, w->start, w->end - w->start);
    struct whisper_full_params params = params_for(r);
    struct pass pass = {.run = r, .window = *w};
    struct whisper_state *state = NULL;
    int failed, rc = fresh_state(r, &state, err);

    if (rc != KN_OK)
        return rc;
    params.encoder_begin_callback = worth_a_pass;
    params.encoder_begin_callback_user_data = &pass;
    failed = whisper_full_with_state(r->l->speech->whisper, state, params,
                                     sound->pcm + w->start * KN_FRAME, (int)n);
    if (failed == -7)
        state = NULL; /* whisper.cpp has freed it: no memory for its cache */
    if (failed)
        rc = kn_err_set(err, KN_ELIMIT, "speech: the model '%s' failed (%d) at %.1f s",
                        r->l->speech->model, failed,
                        (double)((sound->at + w->start) * KN_FRAME) / KN_RATE);
    else
        rc = copy_lines(state, out, err);
    whisper_free_state(state);
    return rc;
}

static void *hear(void *arg)
{
    struct hearing *h = arg;
    const struct run *r = h->run;
    size_t at = r->l->sound.at;

    h->rc = KN_OK;
    if (r->heard)
        h->rc = kn_heard_find(r->heard, at + h->window.start, at + h->window.end, &h->is_kept,
                              &h->raw, &h->err);
    if (h->rc == KN_OK && !h->is_kept)
        h->rc = run_whisper(h->run, &h->window, &h->raw, &h->err);
    return NULL;
}

/* Whisper may take a pause for the end of a window, and hear nothing of what follows: that, if somebody speaks in it. */
static bool unheard(const struct hearing *h, struct kn_window *rest)
{
    const float *speech = h->run->l->sound.speech;
    size_t from = h->window.start;

    if (h->raw.n > 0)
        from += frame_of(h->raw.line[h->raw.n - 1].end);
    if (from == h->window.start || from >= h->window.end ||
        kn_windows_next(speech + from, h->window.end - from, true, rest) != KN_WINDOWS_FOUND ||
        rest->speech < UNHEARD)
        return false;
    rest->start += from;
    rest->end += from;
    return true;
}

/* Its lines, and those of what was not heard in it, as of a window of its own. That is smaller each time. */
static int take_window(struct run *r, struct hearing *h, struct kn_err *err)
{
    struct hearing again = {.run = r};
    size_t at = r->l->sound.at;
    int rc = take_segments(r, &h->raw, &h->window, err);

    if (rc == KN_OK && r->heard && !h->is_kept)
        rc = kn_heard_add(r->heard, at + h->window.start, at + h->window.end, &h->raw, err);
    if (rc != KN_OK || !unheard(h, &again.window))
        return rc;
    hear(&again);
    rc = again.rc;
    if (rc && err)
        *err = again.err;
    if (rc == KN_OK)
        rc = take_window(r, &again, err);
    free(again.raw.line);
    return rc;
}

/* All at once, then what they gave in their order. Windows do not depend on one another. */
static int hear_all(struct run *r, struct hearing *h, int n, struct kn_err *err)
{
    bool running[KN_AT_ONCE] = {false};
    int rc = KN_OK;

    for (int i = 1; i < n; i++)
        running[i] = pthread_create(&h[i].thread, NULL, hear, &h[i]) == 0;
    for (int i = 0; i < n; i++) {
        if (running[i])
            pthread_join(h[i].thread, NULL);
        else
            hear(&h[i]);
    }
    for (int i = 0; i < n; i++) {
        if (rc == KN_OK && h[i].rc != KN_OK) {
            rc = h[i].rc;
            if (err)
                *err = h[i].err;
        }
        if (rc == KN_OK)
            rc = take_window(r, &h[i], err);
        free(h[i].raw.line);
    }
    return rc;
}

static int language_id(const struct kn_speech *s, const char *language, int *id, struct kn_err *err)
{
    int found = strlen(language) <= 3 ? whisper_lang_id(language) : -1;

    if (found < 0 || found >= s->languages)
        return kn_err_set(
            err, KN_EARG,
            "speech: the model '%s' does not know the language '%s'; give a code such as "
            "en or es",
            s->model, language);
    *id = found;
    return KN_OK;
}

/* The next windows, at most `most`, as far as there are any. Sound before the first is dropped. */
static int find_windows(struct run *r, struct hearing *h, int most, int *n, struct kn_err *err)
{
    struct kn_sound *sound = &r->l->sound;
    bool end = false;
    int rc = KN_OK;

    for (size_t at = 0; rc == KN_OK && !end && *n < most;) {
        struct kn_window w;

        switch (kn_windows_next(sound->speech + at, sound->frames - at, sound->last, &w)) {
        case KN_WINDOWS_FOUND:
            h[*n].run = r;
            h[*n].window = (struct kn_window){at + w.start, at + w.end, w.speech};
            at = h[(*n)++].window.end;
            break;
        case KN_WINDOWS_MORE:
            if (*n == 0)
                kn_sound_drop(sound, w.start);
            rc = was_cancelled(r, err);
            if (rc == KN_OK)
                rc = kn_sound_pull(sound, err);
            break;
        case KN_WINDOWS_END:
            if (*n == 0)
                kn_sound_drop(sound, w.start);
            end = true;
            break;
        }
    }
    return rc;
}

/* Of the threads that no listener uses, at most `most`. */
static int borrow_threads(struct kn_speech *s, int most)
{
    int idle = atomic_load(&s->idle), take;

    do
        take = idle < most ? idle : most;
    while (take > 0 && !atomic_compare_exchange_weak(&s->idle, &idle, idle - take));
    return take > 0 ? take : 0;
}

/* Hears the next window, and with the threads that are idle those that follow. */
static int go_on(struct run *r, bool *end, double *speech, struct kn_err *err)
{
    struct hearing h[KN_AT_ONCE] = {{.rc = KN_OK}};
    int borrowed = borrow_threads(r->l->speech, KN_AT_ONCE - 1), n = 0;
    int rc = find_windows(r, h, 1 + borrowed, &n, err);

    if (rc == KN_OK && n > 0) {
        rc = hear_all(r, h, n, err);
        for (int i = 0; i < n; i++)
            *speech += (double)(h[i].window.speech * KN_FRAME) / KN_RATE;
        kn_sound_drop(&r->l->sound, h[n - 1].window.end);
    } else {
        *end = true;
    }
    atomic_fetch_add(&r->l->speech->idle, borrowed);
    return rc;
}

/* That of an interrupted hearing stands: its windows were heard in it. */
static int choose_language(struct run *r, const char *language, struct kn_err *err)
{
    int rc;

    if (r->heard && kn_heard_language(r->heard, &r->language, &r->confidence) &&
        r->language < r->l->speech->languages)
        return KN_OK;
    if (language && *language)
        rc = language_id(r->l->speech, language, &r->language, err);
    else
        rc = find_language(r, err);
    return rc || !r->heard ? rc : kn_heard_begin(r->heard, r->language, r->confidence, err);
}

int kn_listener_transcribe(struct kn_listener *l, const struct kn_audio_source *source,
                           const char *language, const struct kn_cancel *cancel,
                           void (*heard)(void *ctx, double seconds), void *heard_ctx,
                           struct kn_buf *kept, struct kn_arena *arena, struct kn_transcript *out,
                           struct kn_err *err)
{
    struct kn_transcript t = {.speech = 0};
    struct run r = {.l = l, .cancel = cancel, .heard = kept, .confidence = 1};
    bool end = false;
    int rc;

    atomic_fetch_sub(&l->speech->idle, 1);
    kn_said_init(&r.said, arena);
    kn_sound_begin(&l->sound, source);
    rc = choose_language(&r, language, err);
    while (rc == KN_OK && !end) {
        rc = was_cancelled(&r, err);
        if (rc == KN_OK)
            rc = go_on(&r, &end, &t.speech, err);
        if (rc == KN_OK && heard)
            heard(heard_ctx,
                  fmin((double)(l->sound.at * KN_FRAME), (double)l->sound.total) / KN_RATE);
    }
    if (rc == KN_OK)
        rc = kn_said_take(&r.said, &t.segments, &t.n_segments, err);
    if (rc == KN_OK)
        rc = kn_said_take_dropped(&r.said, &t.dropped, &t.n_dropped, err);
    if (rc != KN_OK)
        goto out;
    t.duration = (double)l->sound.total / KN_RATE;
    if (t.n_segments > 0) {
        snprintf(t.language, sizeof t.language, "%s", whisper_lang_str(r.language));
        t.language_confidence = r.confidence;
    }
    *out = t;
out:
    atomic_fetch_add(&l->speech->idle, 1);
    kn_said_free(&r.said);
    return rc;
}
