/* One test a promise of models.h, named after it; pulls go to tests/support/http_server.py. */
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "models/models.h"

#include "../support/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char dir[64], path[96], part[96], url[128];

static struct kn_model served(void)
{
    return (struct kn_model){
        .name = "stand-in", .file = "file", .bytes = SERVED_BYTES, .sha256 = {"00", SERVED_SHA256}};
}

static int begin(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/kinora-models-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(part, sizeof part, "%s/file.part", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    unlink(part);
    return rmdir(dir);
}

static const char *at(const char *what)
{
    snprintf(url, sizeof url, "%s/%s", server_address, what);
    return url;
}

static void put(const char *where, const char *text)
{
    assert_int_equal(kn_fs_write(where, text, strlen(text), NULL), KN_OK);
}

static void the_manifest_has_a_default_of_each_purpose(void **state)
{
    static const char *const purposes[] = {"speech", "voice-activity", "embedding",
                                           "text-language"};
    const struct kn_model *models;
    size_t n;

    (void)state;
    assert_int_equal(kn_models_manifest(&models, &n, NULL), KN_OK);
    for (size_t p = 0; p < 4; p++) {
        int defaults = 0;

        for (size_t i = 0; i < n; i++)
            defaults += models[i].is_default && strcmp(models[i].purpose, purposes[p]) == 0;
        assert_int_equal(defaults, p == 0 ? 2 : 1); /* speech: one greedily, one with a beam */
    }
}

static void a_model_is_found_by_its_name_or_the_names_are_told(void **state)
{
    const struct kn_model *m;
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_models_find("whisper-base", &m, NULL), KN_OK);
    assert_string_equal(m->file, "ggml-base.bin");
    assert_non_null(m->sha256[1]); /* ours and the official one */
    assert_int_equal(kn_models_find("whisper", &m, &err), KN_ENOTFOUND);
    assert_non_null(strstr(err.msg, "no model is named 'whisper'; there are whisper-base-q8_0, "));
}

static void the_configured_folder_is_the_folder(void **state)
{
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, 4096);
    assert_int_equal(kn_models_dir("/configured", &b, NULL), KN_OK);
    assert_string_equal(b.data, "/configured");
    kn_buf_free(&b);
}

static void else_it_is_beside_the_program_or_under_the_data_folder(void **state)
{
    struct kn_buf program, b;
    char want[256];

    (void)state;
    kn_buf_init(&program, 4096);
    kn_buf_init(&b, 4096);
    setenv("XDG_DATA_HOME", dir, 1);
    assert_int_equal(kn_fs_program_dir(&program, NULL), KN_OK);
    kn_buf_adds(&program, "/models", NULL);
    snprintf(want, sizeof want, "%s/kinora/models", dir);
    assert_int_equal(kn_models_dir(NULL, &b, NULL), KN_OK);
    assert_string_equal(b.data, kn_fs_exists(program.data) ? program.data : want);
    kn_buf_free(&program);
    kn_buf_free(&b);
}

static void a_missing_model_tells_the_remedy(void **state)
{
    struct kn_buf b;
    struct kn_err err;

    (void)state;
    kn_buf_init(&b, 4096);
    assert_int_equal(kn_models_path(dir, "whisper-base", &b, &err), KN_ENOTFOUND);
    assert_non_null(strstr(err.msg, "/ggml-base.bin'; remedy: make models, or kinora models pull "
                                    "whisper-base"));
    assert_int_equal(b.n, 0);
}

static void a_path_is_given_when_the_size_is_right(void **state)
{
    const struct kn_model *m;
    struct kn_buf b;
    char file[160];

    (void)state;
    kn_buf_init(&b, 4096);
    assert_int_equal(kn_models_find("lid.176", &m, NULL), KN_OK);
    snprintf(file, sizeof file, "%s/%s", dir, m->file);
    put(file, "short");
    assert_int_equal(kn_models_path(dir, "lid.176", &b, NULL), KN_ECORRUPT);
    assert_int_equal(truncate(file, (off_t)m->bytes), 0);
    assert_int_equal(kn_models_path(dir, "lid.176", &b, NULL), KN_OK);
    assert_string_equal(b.data, file);
    assert_int_equal(kn_models_verify(dir, m, NULL), KN_ECORRUPT);
    unlink(file);
    kn_buf_free(&b);
}

static void a_wrong_hash_names_the_file_both_hashes_and_the_remedy(void **state)
{
    static const char longest[] = "multilingual-e5-small-q4_0.gguf";
    struct kn_model m = {
        .name = "multilingual-e5-small",
        .file = longest,
        .bytes = 5,
        .sha256 = {"51396a680fbedd79e73b86cdd789c19a76def097e2d7dde01f4bdf1c160725d6"},
        .sources = {"http://a"}};
    struct kn_err err;
    char file[160];

    (void)state;
    snprintf(file, sizeof file, "%s/%s", dir, longest);
    put(file, "wrong");
    assert_int_equal(kn_models_verify(dir, &m, &err), KN_ECORRUPT);
    assert_string_equal(err.msg,
                        "multilingual-e5-small-q4_0.gguf: SHA-256 is "
                        "8810ad581e59f2bc3928b261707a71308f7e139eb04820366dc4d5c18d980225, not "
                        "51396a680fbedd79e73b86cdd789c19a76def097e2d7dde01f4bdf1c160725d6; remedy: "
                        "make models, or kinora models pull multilingual-e5-small");
    unlink(file);
}

static void count(void *ctx, uint64_t bytes, uint64_t total)
{
    assert_int_equal(total, SERVED_BYTES);
    *(uint64_t *)ctx = bytes;
}

static void a_pulled_file_is_whole_and_pulled_once(void **state)
{
    struct kn_model m = served();
    uint64_t bytes = 0;

    (void)state;
    assert_int_equal(kn_models_pull(dir, &m, at("file"), NULL, count, &bytes, NULL), KN_OK);
    assert_int_equal(bytes, SERVED_BYTES);
    assert_int_equal(kn_models_verify(dir, &m, NULL), KN_OK);
    assert_false(kn_fs_exists(part));
    assert_int_equal(kn_models_pull(dir, &m, at("nothing"), NULL, NULL, NULL, NULL), KN_OK);
}

static void a_source_that_ends_in_a_slash_is_a_folder(void **state)
{
    struct kn_model m = served();

    (void)state;
    assert_int_equal(kn_models_pull(dir, &m, at(""), NULL, NULL, NULL, NULL), KN_OK);
    assert_int_equal(kn_models_verify(dir, &m, NULL), KN_OK);
}

static void a_damaged_file_is_replaced(void **state)
{
    struct kn_model m = served();

    (void)state;
    put(path, "damaged");
    assert_int_equal(kn_models_pull(dir, &m, at("file"), NULL, NULL, NULL, NULL), KN_OK);
    assert_int_equal(kn_models_verify(dir, &m, NULL), KN_OK);
}

static void a_wrong_beginning_is_fetched_anew(void **state)
{
    struct kn_model m = served();

    (void)state;
    put(part, "of something else");
    assert_int_equal(kn_models_pull(dir, &m, at("file"), NULL, NULL, NULL, NULL), KN_OK);
    assert_int_equal(kn_models_verify(dir, &m, NULL), KN_OK);
}

static void the_next_source_is_tried(void **state)
{
    struct kn_model m = served();
    char nothing[128], wrong[128], right[128];

    (void)state;
    strcpy(nothing, at("nothing"));
    strcpy(wrong, at("long"));
    strcpy(right, at("file"));
    m.sources[0] = nothing;
    m.sources[1] = wrong;
    m.sources[2] = right;
    assert_int_equal(kn_models_pull(dir, &m, NULL, NULL, NULL, NULL, NULL), KN_OK);
    assert_int_equal(kn_models_verify(dir, &m, NULL), KN_OK);
}

static void what_does_not_check_is_not_kept(void **state)
{
    struct kn_model m = served();
    struct kn_err err;

    (void)state;
    m.sha256[1] = NULL;
    assert_int_equal(kn_models_pull(dir, &m, at("file"), NULL, NULL, NULL, &err), KN_ECORRUPT);
    assert_non_null(strstr(err.msg, "SHA-256 is " SERVED_SHA256 ", not 00"));
    assert_false(kn_fs_exists(path));
    assert_false(kn_fs_exists(part));
}

static void a_file_of_the_wrong_size_is_refused(void **state)
{
    struct kn_model m = served();

    (void)state;
    m.bytes = SERVED_BYTES - 1;
    assert_int_equal(kn_models_pull(dir, &m, at("norange"), NULL, NULL, NULL, NULL), KN_ECORRUPT);
    m.bytes = SERVED_BYTES + 1;
    assert_int_equal(kn_models_pull(dir, &m, at("norange"), NULL, NULL, NULL, NULL), KN_ECORRUPT);
    assert_false(kn_fs_exists(path));
}

static void a_model_without_an_address_says_so(void **state)
{
    struct kn_model m = served();
    struct kn_err err;

    (void)state;
    assert_int_equal(kn_models_pull(dir, &m, "", NULL, NULL, NULL, &err), KN_ENOTFOUND);
    assert_non_null(strstr(err.msg, "give one with --source"));
}

static void cancel_keeps_the_part_for_the_next_pull(void **state)
{
    struct kn_model m = served();
    struct kn_cancel cancel = {0};

    (void)state;
    put(part, "begun");
    kn_cancel_set(&cancel);
    assert_int_equal(kn_models_pull(dir, &m, at("file"), &cancel, NULL, NULL, NULL), KN_ECANCELLED);
    assert_true(kn_fs_exists(part));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_manifest_has_a_default_of_each_purpose),
        TEST(a_model_is_found_by_its_name_or_the_names_are_told),
        TEST(the_configured_folder_is_the_folder),
        TEST(else_it_is_beside_the_program_or_under_the_data_folder),
        TEST(a_missing_model_tells_the_remedy),
        TEST(a_path_is_given_when_the_size_is_right),
        TEST(a_wrong_hash_names_the_file_both_hashes_and_the_remedy),
        TEST(a_pulled_file_is_whole_and_pulled_once),
        TEST(a_source_that_ends_in_a_slash_is_a_folder),
        TEST(a_damaged_file_is_replaced),
        TEST(a_wrong_beginning_is_fetched_anew),
        TEST(the_next_source_is_tried),
        TEST(what_does_not_check_is_not_kept),
        TEST(a_file_of_the_wrong_size_is_refused),
        TEST(a_model_without_an_address_says_so),
        TEST(cancel_keeps_the_part_for_the_next_pull),
    };
    int failed;

    if (server_start()) {
        fputs("cannot start tests/support/http_server.py with python3\n", stderr);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return server_stop() ? 1 : failed;
}
