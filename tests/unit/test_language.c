/* One test a promise of language.h. Real model: KINORA_MODELS, or build/models. */
#include "base/err.h"
#include "text/language.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct kn_language_model *model;

static int open_model(void **state)
{
    const char *dir = getenv("KINORA_MODELS"), *strict = getenv("KINORA_TEST_STRICT");
    char path[512];
    struct kn_err err;

    (void)state;
    snprintf(path, sizeof path, "%s/lid.176.ftz", dir ? dir : KN_TEST_SOURCE_DIR "/build/models");
    if (access(path, R_OK) == 0) {
        if (kn_language_open(path, &model, &err))
            fail_msg("%s", err.msg);
        return 0;
    }
    fprintf(stderr, "no '%s': make models, or set KINORA_MODELS\n", path);
    return strict && strcmp(strict, "1") == 0 ? -1 : 0;
}

static int close_model(void **state)
{
    (void)state;
    kn_language_close(model);
    return 0;
}

static void in(const char *text, const char *expected)
{
    char tag[16];
    double confidence = -1;

    if (!model)
        skip();
    assert_int_equal(kn_language_of(model, kn_sv_of(text), tag, &confidence, NULL), KN_OK);
    assert_string_equal(tag, expected);
    assert_true(confidence >= 0 && confidence <= 1);
}

static void a_text_has_its_language(void **state)
{
    (void)state;
    in("The lighthouse has been dark for years, and yet tonight somebody has lit the lamp again.",
       "en");
    in("El faro lleva años a oscuras, y sin embargo esta noche alguien ha vuelto a encender la "
       "lámpara.",
       "es");
    in("Der Leuchtturm ist seit Jahren dunkel, und doch hat heute Nacht jemand die Lampe "
       "angezündet.",
       "de");
    in("Le phare est éteint depuis des années, et pourtant cette nuit quelqu'un a rallumé la "
       "lampe.",
       "fr");
    in("O farol está apagado há anos, mas esta noite alguém voltou a acender a lâmpada.", "pt");
}

static void letter_case_and_line_ends_do_not_count(void **state)
{
    (void)state;
    in("THE LIGHTHOUSE HAS BEEN DARK FOR YEARS,\nAND YET TONIGHT SOMEBODY\r\nHAS LIT THE LAMP "
       "AGAIN.",
       "en");
    in("EL FARO LLEVA AÑOS A OSCURAS, Y SIN EMBARGO ESTA NOCHE\nALGUIEN HA VUELTO A ENCENDER LA "
       "LÁMPARA.",
       "es");
}

static void what_is_unsure_has_none(void **state)
{
    (void)state;
    in("", "");
    in("No.", "");
    in("Taxi! Hotel Paris, taxi!", "");
    in("1 2 3 4 5 6 7 8 9 10 11 12 13 14", "");
    in("Ana Tom Kim Lee Max Ben Leo Eva Mia Zoe Ian Ron", "");
}

static void a_file_that_is_no_model_is_refused_with_its_name(void **state)
{
    struct kn_language_model *m = NULL;
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_language_open("/nowhere/lid.ftz", &m, &err), KN_ENOTFOUND);
    assert_non_null(strstr(err.msg, "'/nowhere/lid.ftz'"));
    assert_int_equal(kn_language_open(KN_TEST_SOURCE_DIR "/README.md", &m, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "README.md': not a fastText model"));
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_has_its_language),
        cmocka_unit_test(letter_case_and_line_ends_do_not_count),
        cmocka_unit_test(what_is_unsure_has_none),
        cmocka_unit_test(a_file_that_is_no_model_is_refused_with_its_name),
    };

    return cmocka_run_group_tests(tests, open_model, close_model);
}
