/* What speech/speech.h promises of model files and options: those that are missing, damaged or impossible are refused. */
#include "speech_fixture.h"

#include "base/buf.h"

#include <unistd.h>

static void a_language_is_one_that_the_model_knows(void **state)
{
    char code[8] = "";
    struct kn_err err;

    (void)state;
    need_all();
    assert_int_equal(kn_speech_language_of(whisper, "es-MX", code, NULL), KN_OK);
    assert_string_equal(code, "es");
    assert_int_equal(kn_speech_language("yue", code, NULL), KN_OK); /* from large-v3 on */
    assert_int_equal(kn_speech_language_of(whisper, "yue", code, &err), KN_EARG);
    assert_non_null(strstr(err.msg, "'yue': the speech model"));
    assert_int_equal(kn_speech_language_of(whisper, "klingon", code, NULL), KN_EARG);
    assert_int_equal(kn_speech_language_of("/none", "es", code, NULL), KN_ENOTFOUND);
}

static int open_with(const char *model, const char *vad, struct kn_err *err)
{
    struct kn_speech *s = NULL;
    struct kn_listener *l = NULL;
    int rc = kn_speech_open(&(struct kn_speech_options){.model = model, .vad = vad}, &s, err);

    if (rc == KN_OK)
        rc = kn_listener_new(s, &l, err);
    else
        assert_null(s);
    kn_listener_free(l);
    kn_speech_close(s);
    return rc;
}

static void assert_refused(const char *model, const char *vad, const char *bad, int code)
{
    struct kn_err err = {0};

    assert_int_equal(open_with(model, vad, &err), code);
    assert_non_null(strstr(err.msg, bad));
    assert_non_null(strstr(err.msg, "run: kinora models"));
}

static void a_missing_model_is_named(void **state)
{
    (void)state;
    need_all();
    assert_refused("/nowhere/w.bin", silero, "/nowhere/w.bin", KN_ENOTFOUND);
    assert_refused(whisper, "/nowhere/s.bin", "/nowhere/s.bin", KN_ENOTFOUND);
    assert_refused("/dev/null", silero, "/dev/null", KN_ECORRUPT);
    assert_refused(silero, silero, silero, KN_ECORRUPT);
    assert_refused(whisper, whisper, whisper, KN_ECORRUPT);
}

static void impossible_options_are_refused(void **state)
{
    struct kn_speech *s = NULL;
    struct kn_err err;

    (void)state;
    need_all();
    assert_int_equal(kn_speech_open(&(struct kn_speech_options){whisper, silero, 0, 9}, &s, &err),
                     KN_EARG);
    assert_int_equal(kn_speech_open(&(struct kn_speech_options){whisper, silero, -1, 0}, &s, &err),
                     KN_EARG);
    assert_null(s);
}

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void a_cut_or_damaged_model_does_not_crash(void **state)
{
    char dir[] = "/tmp/kinora-speech-XXXXXX", path[64];
    struct kn_buf b, v;
    size_t headers = 2 << 20;

    (void)state;
    need_all();
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/model.bin", dir);
    kn_buf_init(&b, 1 << 28);
    kn_buf_init(&v, 1 << 24);
    assert_int_equal(kn_fs_read(whisper, &b, NULL), KN_OK);
    assert_int_equal(kn_fs_read(silero, &v, NULL), KN_OK);
    srand(7);
    for (size_t n = v.n - 1, step = 1; n < v.n; n -= step, step += step / 2 + 1) {
        write_file(path, v.data, n);
        assert_refused(whisper, path, path, KN_ECORRUPT);
    }
    write_file(path, b.data, b.n);
    for (size_t n = b.n - 1, step = 1; n < b.n; n -= step, step += step / 2 + 1) {
        assert_int_equal(truncate(path, (off_t)n), 0);
        assert_refused(path, silero, path, KN_ECORRUPT);
    }
    for (int i = 0; i < 100;
         i++) { /* damage in the sizes, the vocabulary, the first tensors' headers */
        size_t at = i < 48 ? (size_t)i : (size_t)rand() % headers;
        char byte = b.data[at];

        b.data[at] = (char)(byte ^ (1 << rand() % 8));
        write_file(path, b.data, headers);
        assert_refused(path, silero, path, KN_ECORRUPT);
        b.data[at] = byte;
    }
    unlink(path);
    rmdir(dir);
    kn_buf_free(&b);
    kn_buf_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_language_is_one_that_the_model_knows),
        cmocka_unit_test(a_missing_model_is_named),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(a_cut_or_damaged_model_does_not_crash),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
