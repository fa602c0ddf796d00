/* One test a promise of speech/speech.h, named after it; real models on real speech. Sanitizers look into the bf16
 * kernels here, as in no other program that hears (tests/CMakeLists.txt). */
#include "speech_fixture.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/unicode.h"
#include "speech/internal.h"

#include <math.h>
#include <pthread.h>
#include <time.h>

enum { WORDS = 400 };

static void assert_sound(const struct kn_transcript *t)
{
    double last = 0;

    for (size_t i = 0; i < t->n_segments; i++) {
        const struct kn_segment *s = &t->segments[i];

        assert_true(s->start >= last && s->end > s->start && s->end <= t->duration);
        assert_true(kn_count_words(kn_sv_of(s->text)) > 0);
        assert_true(kn_utf8_valid(kn_sv_of(s->text)));
        last = s->end;
    }
}

/* ---- words ---- */

static size_t words_of(char *text, char **out)
{
    size_t n = 0;

    for (char *w = strtok(text, " \n.,;:!?-\""); w && n < WORDS; w = strtok(NULL, " \n.,;:!?-\""))
        out[n++] = w;
    return n;
}

static void add_folded(const char *text, struct kn_buf *b)
{
    assert_int_equal(kn_fold(kn_sv_of(text), b, NULL), KN_OK);
    assert_int_equal(kn_buf_adds(b, " ", NULL), KN_OK);
}

/* The share of a's words that b has otherwise: Levenshtein over words. */
static double word_errors(char *const *a, size_t n, char *const *b, size_t m)
{
    size_t row[WORDS + 1];

    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = corner + (strcmp(a[i - 1], b[j - 1]) != 0);

            corner = row[j];
            row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < row[j] ? change : row[j];
        }
    }
    return (double)row[m] / (double)n;
}

static void assert_says(const struct kn_transcript *t, const char *script, double errors)
{
    struct kn_buf file, want, got;
    char *a[WORDS], *b[WORDS];
    size_t n, m;

    kn_buf_init(&file, 1 << 16);
    kn_buf_init(&want, 1 << 16);
    kn_buf_init(&got, 1 << 16);
    assert_int_equal(kn_fs_read(script, &file, NULL), KN_OK);
    add_folded(file.data, &want);
    for (size_t i = 0; i < t->n_segments; i++)
        add_folded(t->segments[i].text, &got);
    n = words_of(want.data, a);
    m = words_of(got.data, b);
    if (word_errors(a, n, b, m) > errors) {
        print_error("%s: %.2f of the words are wrong\n", script, word_errors(a, n, b, m));
        fail();
    }
    kn_buf_free(&file);
    kn_buf_free(&want);
    kn_buf_free(&got);
}

/* ---- promises ---- */

static void a_few_words_in_the_first_minutes_do_not_decide_the_language(void **state)
{
    (void)state;
    assert_false(kn_can_vote(1, 300, false)); /* a studio's ident: more may come */
    assert_false(kn_can_vote(3, 900, false));
    assert_true(kn_can_vote(4, 300, false));
    assert_true(kn_can_vote(1, 300, true));
    assert_true(kn_can_vote(1, 1200, false)); /* or all of a silent film would be held in memory */
    assert_false(kn_can_vote(0, 1200, false));
    assert_false(kn_can_vote(0, 300, true));
}

static void words_times_and_language_are_right(void **state)
{
    struct kn_transcript t;

    (void)state;
    need_all();
    t = hear_alone(english, NULL);
    assert_string_equal(t.language, "en");
    assert_sound(&t);
    assert_true(fabs(t.duration - (double)english.n / RATE) < 1e-9);
    assert_true(t.speech > 20 && t.speech < t.duration);
    assert_true(t.language_confidence > 0.8 && t.language_confidence <= 1);
    assert_says(&t, SAMPLES "scripts/" ENGLISH ".txt", 0.10);
    t = hear_alone(spanish, "");
    assert_string_equal(t.language, "es");
    assert_sound(&t);
    assert_says(&t, SAMPLES "scripts/" SPANISH ".txt", 0.15);
}

static struct sound made(size_t seconds, float (*at)(double t))
{
    struct sound s = {malloc(seconds * RATE * sizeof *s.x), seconds * RATE, 0};

    assert_non_null(s.x);
    for (size_t i = 0; i < s.n; i++)
        s.x[i] = at((double)i / RATE);
    return s;
}

static float no_sound(double t)
{
    (void)t;
    return 0;
}

/* Four chords in turn under a melody, with a drum: what a trailer opens with. */
static float music(double t)
{
    static const double chord[4][3] = {
        {220, 262, 330}, {175, 220, 262}, {262, 330, 392}, {196, 247, 294}};
    const double *c = chord[(int)(t / 2) % 4];
    double beat = fmod(t, 0.5), sum = 0;

    for (int i = 0; i < 3; i++)
        sum += sin(2 * M_PI * c[i] * t) + 0.4 * sin(4 * M_PI * c[i] * t);
    sum += 1.5 * exp(-3 * beat) * sin(4 * M_PI * c[(int)(t * 2) % 3] * t);
    sum += 2 * exp(-30 * beat) * sin(2 * M_PI * 60 * t);
    return (float)(0.1 * sum);
}

static void where_nobody_speaks_nothing_is_said(void **state)
{
    struct sound sounds[] = {made(5, no_sound), made(40, noise), made(40, music), {NULL, 0, 0}};

    (void)state;
    need_all();
    sounds[3].x = sounds[0].x; /* a source that is empty */
    for (size_t i = 0; i < 4; i++) {
        struct kn_transcript t = hear_alone(sounds[i], NULL);

        assert_int_equal(t.n_segments, 0);
        assert_null(t.segments);
        assert_string_equal(t.language, "");
        assert_true(t.language_confidence == 0);
        assert_true(fabs(t.duration - (double)sounds[i].n / RATE) < 1e-9);
    }
    for (size_t i = 0; i < 3; i++)
        free(sounds[i].x);
}

static void a_long_opening_of_music_does_not_hide_the_language(void **state)
{
    struct sound s = made(330, music); /* longer than the block that the vote looks at first */
    struct kn_transcript t;

    (void)state;
    need_all();
    memcpy(s.x + 312 * RATE, spanish.x + RATE, 12 * RATE * sizeof *s.x);
    t = hear_alone(s, NULL);
    assert_string_equal(t.language, "es");
    assert_sound(&t);
    assert_true(t.n_segments > 0 && t.segments[0].start > 311 && t.segments[0].start < 314);
    free(s.x);
}

static void samples_that_are_not_numbers_do_no_harm(void **state)
{
    struct sound s = {malloc(10 * RATE * sizeof(float)), 10 * RATE, 0};
    struct kn_transcript t;

    (void)state;
    need_all();
    memcpy(s.x, english.x, s.n * sizeof *s.x);
    for (size_t i = 0; i < RATE; i += 7)
        s.x[i] = i % 2 ? NAN : INFINITY;
    t = hear_alone(s, "en");
    assert_sound(&t);
    assert_true(t.n_segments > 0);
    assert_non_null(strstr(t.segments[0].text, "galaxy"));
    free(s.x);
}

static void a_language_that_is_given_is_not_asked_for(void **state)
{
    struct sound s = english;
    struct kn_audio_source source = {read_sound, &s};
    struct kn_listener *l;
    struct kn_transcript t = {.duration = 7};
    struct kn_err err;

    (void)state;
    need_all();
    l = new_listener();
    assert_int_equal(
        kn_listener_transcribe(l, &source, "xx", NULL, NULL, NULL, NULL, arena, &t, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "'xx'"));
    assert_true(t.duration == 7);
    assert_int_equal(s.at, 0);
    s.n = 8 * RATE;
    t = hear(l, s, "en");
    assert_string_equal(t.language, "en");
    assert_true(t.language_confidence == 1);
    kn_listener_free(l);
}

static int fails_late(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    struct sound *s = ctx;

    if (s->at > 0)
        return kn_err_set(err, KN_ETIMEOUT, "the disk is asleep");
    return read_sound(s, samples, cap, got, err);
}

static void an_error_of_the_source_is_returned_as_it_came(void **state)
{
    struct sound s = {calloc(40 * RATE, sizeof(float)), 40 * RATE, 0};
    struct kn_audio_source source = {fails_late, &s};
    struct kn_transcript t = {.duration = 7};
    struct kn_listener *l;
    struct kn_err err;

    (void)state;
    need_all();
    l = new_listener();
    for (int i = 0; i < 2; i++, s.at = 0) {
        assert_int_equal(kn_listener_transcribe(l, &source, i ? "en" : NULL, NULL, NULL, NULL, NULL,
                                                arena, &t, &err),
                         KN_ETIMEOUT);
        assert_string_equal(err.msg, "the disk is asleep");
        assert_true(t.duration == 7);
    }
    kn_listener_free(l);
    free(s.x);
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct cancelling {
    struct kn_cancel cancel;
    double after, spent_at;
};

static void *cancel_later(void *ctx)
{
    struct cancelling *c = ctx;

    kn_clock_sleep(c->after);
    c->spent_at = cpu_seconds();
    kn_cancel_set(&c->cancel);
    return NULL;
}

static void a_cancel_ends_it_soon(void **state)
{
    static const double after[] = {0, 0.2, 1.5};
    const char *slow = getenv("KINORA_TEST_SLOW");     /* sanitizers */
    double most = 6 * (slow ? strtod(slow, NULL) : 1); /* the windows under way are heard */
    struct kn_listener *l;

    (void)state;
    need_all();
    l = new_listener();
    for (size_t i = 0; i < 3; i++) {
        struct cancelling c = {.after = after[i]};
        struct sound s = english;
        struct kn_audio_source source = {read_sound, &s};
        struct kn_transcript t;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, cancel_later, &c), 0);
        assert_int_equal(
            kn_listener_transcribe(l, &source, NULL, &c.cancel, NULL, NULL, NULL, arena, &t, NULL),
            KN_ECANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        /* In CPU time, so that a busy machine does not fail it. */
        assert_true(cpu_seconds() - c.spent_at < most);
    }
    kn_listener_free(l);
}

static void stop_there(void *ctx, double seconds)
{
    if (seconds > 0)
        kn_cancel_set(ctx);
}

/* Stopped after a bit of it, a film ends as one that was heard at once; and what was kept is what is used. */
static void what_was_heard_before_a_cancel_is_not_heard_again(void **state)
{
    struct kn_transcript whole, t;
    struct kn_listener *l;
    struct kn_buf kept;
    size_t before = 0;
    char *said;

    (void)state;
    need_all();
    l = new_listener();
    whole = hear(l, english, NULL);
    kn_buf_init(&kept, 1 << 20);
    for (int i = 0; i < 2; i++) {
        struct kn_cancel cancel = {0};
        struct sound s = english;
        struct kn_audio_source source = {read_sound, &s};
        int rc = kn_listener_transcribe(l, &source, NULL, i < 1 ? &cancel : NULL,
                                        i < 1 ? stop_there : NULL, &cancel, &kept, arena, &t, NULL);

        assert_int_equal(rc, i < 1 ? KN_ECANCELLED : KN_OK);
        assert_true(kept.n > before);
        before = kept.n;
    }
    assert_same(&t, &whole);
    said = memmem(kept.data, kept.n, "lantern", 7);
    assert_non_null(said);
    memcpy(said, "LANTERN", 7);
    {
        struct sound s = english;
        struct kn_audio_source source = {read_sound, &s};
        bool is_there = false;

        assert_int_equal(
            kn_listener_transcribe(l, &source, NULL, NULL, NULL, NULL, &kept, arena, &t, NULL),
            KN_OK);
        for (size_t i = 0; i < t.n_segments; i++)
            is_there = is_there || strstr(t.segments[i].text, "LANTERN");
        assert_true(is_there);
    }
    {
        struct sound s = start_of(english, 20);
        struct kn_audio_source source = {read_sound, &s};
        struct kn_transcript plain = hear(l, start_of(english, 20), "en");

        kn_buf_clear(&kept);
        assert_int_equal(kn_buf_adds(&kept, "not of this kind", NULL), KN_OK);
        assert_int_equal(
            kn_listener_transcribe(l, &source, "en", NULL, NULL, NULL, &kept, arena, &t, NULL),
            KN_OK);
        assert_same(&t, &plain);
    }
    kn_buf_free(&kept);
    kn_listener_free(l);
}

static void keep_last(void *ctx, double seconds)
{
    double *last = ctx;

    assert_true(seconds >= *last);
    *last = seconds;
}

static int endless_noise(void *ctx, float *samples, size_t cap, size_t *got, struct kn_err *err)
{
    size_t *left = ctx;

    (void)err;
    *got = *left < cap ? *left : cap;
    for (size_t i = 0; i < *got; i++)
        samples[i] = noise(0);
    *left -= *got;
    return KN_OK;
}

static void memory_does_not_grow_with_the_sound(void **state)
{
    size_t left = (size_t)11 * 60 * RATE; /* 40 MiB of samples */
    struct kn_audio_source source = {endless_noise, &left};
    struct kn_listener *l;
    struct kn_transcript t;
    double last = 0;

    (void)state;
    need_all();
    l = new_listener();
    assert_int_equal(
        kn_listener_transcribe(l, &source, NULL, NULL, keep_last, &last, NULL, arena, &t, NULL),
        KN_OK);
    /* What it holds at most: the 5 minutes that the language is looked for in, and a chunk. */
    assert_in_range(l->sound.room * KN_FRAME / RATE, 1, 5 * 60 + 31);
    assert_true(fabs(last - 11 * 60) < 1e-6 && fabs(t.duration - 11 * 60) < 1e-6);
    kn_listener_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_words_in_the_first_minutes_do_not_decide_the_language),
        cmocka_unit_test(words_times_and_language_are_right),
        cmocka_unit_test(where_nobody_speaks_nothing_is_said),
        cmocka_unit_test(a_long_opening_of_music_does_not_hide_the_language),
        cmocka_unit_test(samples_that_are_not_numbers_do_no_harm),
        cmocka_unit_test(a_language_that_is_given_is_not_asked_for),
        cmocka_unit_test(an_error_of_the_source_is_returned_as_it_came),
        cmocka_unit_test(a_cancel_ends_it_soon),
        cmocka_unit_test(what_was_heard_before_a_cancel_is_not_heard_again),
        cmocka_unit_test(memory_does_not_grow_with_the_sound),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
