/* The same sound gives the same words, times and language, whatever is heard before it or beside it. */
#include "speech_fixture.h"

#include <pthread.h>

static void the_same_sound_gives_the_same_whatever_came_before(void **state)
{
    const struct sound start = start_of(english, 14);
    struct kn_transcript guessed, clear, again;
    struct kn_listener *l;

    (void)state;
    need_all();
    l = new_listener();
    guessed = hear(l, gibberish, "en"); /* by sampling: the fall-back's generator must not go on */
    clear = hear(l, start, NULL);
    again = hear(l, gibberish, "en");
    assert_same(&guessed, &again);
    again = hear(l, start, NULL);
    assert_same(&clear, &again);
    kn_listener_free(l);
}

struct listening {
    struct kn_listener *l;
    struct sound sound;
    struct kn_arena *arena;
    struct kn_transcript t;
    int rc;
};

static void *listen(void *ctx)
{
    struct listening *x = ctx;
    struct kn_audio_source source = {read_sound, &x->sound};

    x->rc =
        kn_listener_transcribe(x->l, &source, NULL, NULL, NULL, NULL, NULL, x->arena, &x->t, NULL);
    return NULL;
}

static void two_listeners_in_two_threads_hear_what_one_does(void **state)
{
    struct listening x[2] = {{.sound = start_of(english, 14)}, {.sound = start_of(spanish, 14)}};
    pthread_t thread[2];

    (void)state;
    need_all();
    for (int i = 0; i < 2; i++) {
        x[i].l = new_listener();
        x[i].arena = kn_arena_new(0);
        assert_int_equal(pthread_create(&thread[i], NULL, listen, &x[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        struct kn_transcript alone;

        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(x[i].rc, KN_OK);
        alone = hear_alone(start_of(i ? spanish : english, 14), NULL);
        assert_same(&x[i].t, &alone);
        kn_listener_free(x[i].l);
        kn_arena_free(x[i].arena);
    }
}

static void several_windows_at_once_give_what_one_after_the_other_gives(void **state)
{
    const struct kn_speech_options options = {.model = whisper, .vad = silero, .threads = 3};
    struct kn_speech *one_at_a_time = speech;
    struct kn_transcript together, alone;

    (void)state;
    need_all();
    alone = hear_alone(english, NULL);
    assert_int_equal(kn_speech_open(&options, &speech, NULL), KN_OK);
    together = hear_alone(english, NULL);
    kn_speech_close(speech);
    speech = one_at_a_time;
    assert_same(&together, &alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_sound_gives_the_same_whatever_came_before),
        cmocka_unit_test(two_listeners_in_two_threads_hear_what_one_does),
        cmocka_unit_test(several_windows_at_once_give_what_one_after_the_other_gives),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
