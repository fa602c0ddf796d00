/* One test a promise of config.h, named after it. */
#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], file[96];

static int begin(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/kinora-config-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/config.ini", dir);
    clearenv();
    return setenv("KINORA_CONFIG", file, 1);
}

static int end(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(dir);
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static const struct kn_option *option(const char *name)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    while (n > 0 && strcmp(o->name, name)) {
        o++;
        n--;
    }
    assert_true(n > 0);
    return o;
}

/* What loading says is wrong, with the folder's name cut off. */
static void assert_refused(const char *text, const char *why)
{
    struct kn_config c = {.limit = 77};
    struct kn_err err;

    write_file(text);
    assert_int_equal(kn_config_load(&c, &err), KN_EARG);
    assert_string_equal(err.msg + strlen(file), why);
    assert_int_equal(c.limit, 77); /* untouched */
}

static void without_anything_the_defaults_hold(void **state)
{
    struct kn_config c;

    (void)state;
    unsetenv("KINORA_CONFIG");
    assert_int_equal(kn_config_load(&c, NULL), KN_OK);
    assert_string_equal(c.library, "");
    assert_string_equal(c.weights, "0.7,0.3");
    assert_string_equal(c.rank, "mood");
    assert_int_equal(c.limit, 0);
    assert_false(c.json);
    kn_config_free(&c);
}

static void flag_beats_environment_beats_file_beats_default(void **state)
{
    struct kn_config c;

    (void)state;
    write_file("limit = 4\nrank = uplift\n# a comment\n\nbeam=2 ; another\nquiet = yes\n");
    setenv("KINORA_BEAM", "3", 1);
    setenv("KINORA_LIMIT", "5", 1);
    setenv("KINORA_LANGUAGE_HINT", "es", 1);
    assert_int_equal(kn_config_load(&c, NULL), KN_OK);
    assert_int_equal(kn_config_set(&c, option("limit"), "6", "--limit", NULL), KN_OK);
    assert_int_equal(kn_config_set(&c, option("json"), NULL, "--json", NULL), KN_OK);
    assert_int_equal(c.limit, 6);
    assert_int_equal(c.beam, 3);
    assert_string_equal(c.rank, "uplift");
    assert_string_equal(c.language_hint, "es");
    assert_string_equal(c.weights, "0.7,0.3");
    assert_true(c.json);
    assert_true(c.quiet);
    kn_config_free(&c);
}

static void a_clusters_key_comes_from_a_setting_or_a_file_and_from_no_flag(void **state)
{
    struct kn_config c;
    struct kn_err err;
    char key[128];
    FILE *f;

    (void)state;
    snprintf(key, sizeof key, "%s.key", file);
    write_file("qdrant-shards = 6\nqdrant-quantization = scalar\nqdrant-on-disk = yes\n");
    setenv("KINORA_QDRANT_API_KEY_FILE", key, 1);
    assert_int_equal(kn_config_load(&c, &err), KN_EARG);
    assert_non_null(strstr(err.msg, key));
    f = fopen(key, "w");
    assert_true(fputs(" secret-1 \n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(kn_config_load(&c, &err), KN_OK);
    assert_string_equal(c.qdrant.api_key, "secret-1");
    assert_int_equal(c.qdrant.shards, 6);
    assert_string_equal(c.qdrant.quantization, "scalar");
    assert_true(c.qdrant.on_disk);
    assert_true(c.qdrant.timeout == 30);
    kn_config_free(&c);
    setenv("KINORA_QDRANT_API_KEY", "secret-2", 1);
    assert_int_equal(kn_config_load(&c, &err), KN_OK);
    assert_string_equal(c.qdrant.api_key, "secret-2");
    kn_config_free(&c);
    assert_int_equal(option("qdrant-api-key")->commands, 0);
    unlink(key);
}

static void an_indented_line_is_a_setting_of_its_own(void **state)
{
    struct kn_config c;

    (void)state;
    write_file("library = /a\n  limit = 4\r\n");
    assert_int_equal(kn_config_load(&c, NULL), KN_OK);
    assert_string_equal(c.library, "/a");
    assert_int_equal(c.limit, 4);
    kn_config_free(&c);
}

static void a_mistake_in_the_file_is_named_with_its_line(void **state)
{
    char text[400];

    (void)state;
    assert_refused("limit = 1\n\nlimits = 2\n",
                   ", line 3: there is no setting 'limits'; see kinora help settings");
    assert_refused("limit = many\n",
                   ", line 1: limit: 'many' is not a whole number from 0 to 1000");
    assert_refused("beam = 1\nwait = -1\n", ", line 2: wait: '-1' is not a number from 0 to 86400");
    assert_refused("limit = 1.5\n", ", line 1: limit: '1.5' is not a whole number from 0 to 1000");
    assert_refused("rank = best\n", ", line 1: rank: 'best' is not one of mood|uplift");
    assert_refused("json = perhaps\n", ", line 1: json: 'perhaps' is neither true nor false");
    assert_refused("limit = 1\nnonsense\n", ", line 2: not of the form name = value");
    assert_refused("\n[recommend]\nlimit = 1\n",
                   ", line 3: section [recommend]: settings stand without sections");
    assert_refused("again = Heat\n", ", line 1: 'again' can only be given as --again");
    memset(text, 'x', sizeof text);
    memcpy(text, "\nlibrary = ", 11);
    text[sizeof text - 1] = '\0';
    assert_refused(text, ", line 2: longer than 197 bytes; set it in the environment instead");
}

static void a_mistake_in_the_environment_is_named(void **state)
{
    struct kn_config c;
    struct kn_err err;

    (void)state;
    write_file("");
    setenv("KINORA_JOBS", "257", 1);
    assert_int_equal(kn_config_load(&c, &err), KN_EARG);
    assert_string_equal(err.msg, "KINORA_JOBS: '257' is not a whole number from 0 to 256");
}

static void what_is_for_one_run_is_not_read_from_the_environment(void **state)
{
    struct kn_config c;

    (void)state;
    write_file("");
    setenv("KINORA_HELP", "1", 1);
    setenv("KINORA_AGAIN", "Heat", 1);
    assert_int_equal(kn_config_load(&c, NULL), KN_OK);
    assert_false(c.help);
    assert_string_equal(c.again, "");
    kn_config_free(&c);
}

static void a_named_file_must_be_there(void **state)
{
    struct kn_config c;
    struct kn_err err;
    char want[160];

    (void)state;
    snprintf(want, sizeof want, "KINORA_CONFIG: there is no file '%s'", file);
    unlink(file);
    assert_int_equal(kn_config_load(&c, &err), KN_EARG);
    assert_string_equal(err.msg, want);
}

static void a_bad_flag_leaves_the_field_as_it_was(void **state)
{
    struct kn_config c;
    struct kn_err err;

    (void)state;
    write_file("limit = 4\nrank = uplift\n");
    assert_int_equal(kn_config_load(&c, NULL), KN_OK);
    assert_int_equal(kn_config_set(&c, option("limit"), "", "--limit", &err), KN_EARG);
    assert_string_equal(err.msg, "--limit: '' is not a whole number from 0 to 1000");
    assert_int_equal(kn_config_set(&c, option("limit"), "nan", "--limit", NULL), KN_EARG);
    assert_int_equal(kn_config_set(&c, option("rank"), "moo", "--rank", NULL), KN_EARG);
    assert_int_equal(c.limit, 4);
    assert_string_equal(c.rank, "uplift");
    kn_config_free(&c);
}

static void weights_are_two_finite_numbers_not_both_zero(void **state)
{
    static const char *const bad[] = {"1",   "1,",  ",1",    "1,2,3", "-1,1", "0,0",
                                      "1;2", "a,b", "inf,1", "nan,1", "1,2 "};
    double s = 5, o = 6;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(kn_config_weights(bad[i], &s, &o, NULL), KN_EARG);
    assert_true(s == 5 && o == 6);
    assert_int_equal(kn_config_weights("0.25,1e1", &s, &o, NULL), KN_OK);
    assert_true(s == 0.25 && o == 10);
}

static void a_range_has_two_ends_or_one(void **state)
{
    static const struct {
        const char *text;
        double from, to;
    } good[] = {
        {"1990..1999", 1990, 1999}, {"1990..", 1990, 0}, {"..1999", 0, 1999}, {"1994", 1994, 1994},
        {"2.5..3", 2.5, 3},         {"..2.5", 0, 2.5},   {"7..7", 7, 7}};
    static const char *const bad[] = {"..",    "abc",    "1990..x", "9..8",  "1990...1999",
                                      "-1..3", "0.5..2", "..9999",  "1 ..2", "1e3..nan"};
    double from = 5, to = 6;
    struct kn_err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (kn_config_range("--year", bad[i], 1, 3000, &from, &to, &err) != KN_EARG)
            fail_msg("'%s' was taken", bad[i]);
    assert_true(from == 5 && to == 6);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (kn_config_range("--year", good[i].text, 1, 3000, &from, &to, &err))
            fail_msg("%s", err.msg);
        assert_true(from == good[i].from && to == good[i].to);
    }
}

static void a_list_grows_by_each_flag(void **state)
{
    const struct kn_option *o = option("like");
    struct kn_config c;

    (void)state;
    write_file("");
    assert_int_equal(kn_config_load(&c, NULL), KN_OK);
    assert_int_equal(c.like.n, 0);
    assert_int_equal(kn_config_set(&c, o, "A", "--like", NULL), KN_OK);
    assert_int_equal(kn_config_set(&c, o, "B", "--like", NULL), KN_OK);
    assert_int_equal(kn_config_set(&c, o, "", "--like", NULL), KN_EARG);
    assert_int_equal(c.like.n, 2);
    assert_string_equal(c.like.text[0], "A");
    assert_string_equal(c.like.text[1], "B");
    kn_config_free(&c);
}

static void relative_xdg_folders_are_ignored(void **state)
{
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, 4096);
    unsetenv("KINORA_CONFIG");
    assert_int_equal(kn_config_data_dir(&b, NULL), KN_EARG);
    assert_int_equal(kn_config_file(&b, NULL), KN_OK);
    assert_string_equal(b.data, "");
    setenv("HOME", "/home/ada", 1);
    setenv("XDG_DATA_HOME", "relative", 1);
    assert_int_equal(kn_config_data_dir(&b, NULL), KN_OK);
    assert_string_equal(b.data, "/home/ada/.local/share/kinora");
    kn_buf_clear(&b);
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("XDG_CONFIG_HOME", "/etc/x", 1);
    assert_int_equal(kn_config_data_dir(&b, NULL), KN_OK);
    assert_int_equal(kn_config_file(&b, NULL), KN_OK);
    assert_string_equal(b.data, "/data/kinora/etc/x/kinora/config.ini");
    kn_buf_free(&b);
}

static void options_are_named_once_a_command_and_have_defaults_that_hold(void **state)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_true((o[i].arg == NULL) == (o[i].kind == KN_OPTION_FLAG));
        assert_non_null(o[i].value);
        assert_true(o[i].help[0] && o[i].help[strlen(o[i].help) - 1] != '.');
        for (size_t j = 0; j < i; j++) {
            if (strcmp(o[i].name, o[j].name) == 0) { /* no command has both, no file means both */
                assert_int_equal(o[i].commands & o[j].commands, 0);
                assert_true(o[i].flag_only || o[j].flag_only);
                assert_true((o[i].arg == NULL) == (o[j].arg == NULL));
            }
            assert_true(!o[i].letter || o[i].letter != o[j].letter);
            assert_int_not_equal(o[i].offset, o[j].offset);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_anything_the_defaults_hold),
        TEST(flag_beats_environment_beats_file_beats_default),
        TEST(a_clusters_key_comes_from_a_setting_or_a_file_and_from_no_flag),
        TEST(an_indented_line_is_a_setting_of_its_own),
        TEST(a_mistake_in_the_file_is_named_with_its_line),
        TEST(a_mistake_in_the_environment_is_named),
        TEST(what_is_for_one_run_is_not_read_from_the_environment),
        TEST(a_named_file_must_be_there),
        TEST(a_bad_flag_leaves_the_field_as_it_was),
        TEST(weights_are_two_finite_numbers_not_both_zero),
        TEST(a_range_has_two_ends_or_one),
        TEST(a_list_grows_by_each_flag),
        TEST(relative_xdg_folders_are_ignored),
        TEST(options_are_named_once_a_command_and_have_defaults_that_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
