/* One test a promise of buf.h, arena.h, unicode.h, hash.h and fs.h. */
#include "base/arena.h"
#include "base/base64.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/unicode.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void a_buffer_that_passes_its_maximum_keeps_what_it_had(void **state)
{
    struct kn_buf b;
    struct kn_err err;

    (void)state;
    kn_buf_init(&b, 10);
    assert_int_equal(kn_buf_adds(&b, "12345678", &err), KN_OK);
    assert_int_equal(kn_buf_adds(&b, "abc", &err), KN_ELIMIT);
    assert_string_equal(b.data, "12345678");
    assert_int_equal(kn_buf_ok(&b, &err), KN_ELIMIT);
    kn_buf_clear(&b);
    assert_int_equal(kn_buf_addf(&b, &err, "%d-%s", 42, "x"), KN_OK);
    assert_string_equal(b.data, "42-x");
    assert_int_equal(kn_buf_ok(&b, &err), KN_OK);
    kn_buf_free(&b);
    assert_string_equal(b.data, "");
}

static void an_arena_gives_zeroed_aligned_memory_up_to_its_maximum(void **state)
{
    struct kn_arena *a = kn_arena_new(1 << 20);
    unsigned char *p = kn_arena_get(a, 3), *q = kn_arena_get(a, 100000);

    (void)state;
    assert_non_null(p);
    assert_non_null(q);
    assert_int_equal((uintptr_t)q % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(q[i], 0);
    assert_string_equal(kn_arena_text(a, NULL), "");
    assert_string_equal(kn_arena_printf(a, "%s %d", "film", 7), "film 7");
    assert_null(kn_arena_get(a, 1 << 20));
    assert_null(kn_arena_array(a, SIZE_MAX / 2, 4));
    kn_arena_free(a);
}

static void lower_case_keeps_everything_else(void **state)
{
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, 100);
    assert_int_equal(kn_lower(kn_sv_of("\xC3\x89T\xC3\x89 2, \xD0\x96\xFF"), &b, NULL), KN_OK);
    assert_string_equal(b.data, "\xC3\xA9t\xC3\xA9 2, \xD0\xB6\xEF\xBF\xBD");
    kn_buf_free(&b);
}

static void upper_case_is_letters_without_a_small_one(void **state)
{
    (void)state;
    assert_true(kn_is_upper(kn_sv_of("MAN #2")));
    assert_true(kn_is_upper(kn_sv_of("\xC3\x89T\xC3\x89")));
    assert_false(kn_is_upper(kn_sv_of("Man")));
    assert_false(kn_is_upper(kn_sv_of("10:30")));
    assert_false(kn_is_upper(kn_sv_of("\xE7\xAC\x91")));
    assert_false(kn_is_upper(kn_sv_of("")));
}

static void any_file_name_survives_escaping(void **state)
{
    const char *names[] = {"plain",
                           "caf\xC3\xA9",
                           "caf\xE9.mp4",
                           "\xFF\xFE\x80",
                           "a\xEF\x9E\x80z" /* U+F780 itself */,
                           "\xF0\x9F\x8E\xAC film\n\"x\"",
                           "\xED\xA0\x80",
                           ""};
    struct kn_buf escaped, back;

    (void)state;
    kn_buf_init(&escaped, 1000);
    kn_buf_init(&back, 1000);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kn_buf_clear(&escaped);
        kn_buf_clear(&back);
        assert_int_equal(kn_escape_path(kn_sv_of(names[i]), &escaped, NULL), KN_OK);
        assert_true(kn_utf8_valid((struct kn_sv){escaped.data, escaped.n}));
        assert_int_equal(kn_unescape_path((struct kn_sv){escaped.data, escaped.n}, &back, NULL),
                         KN_OK);
        assert_string_equal(back.data, names[i]);
    }
    kn_buf_free(&escaped);
    kn_buf_free(&back);
}

static void fold(const char *text, const char *expected)
{
    struct kn_buf b;

    kn_buf_init(&b, 1000);
    assert_int_equal(kn_fold(kn_sv_of(text), &b, NULL), KN_OK);
    assert_string_equal(b.data, expected);
    kn_buf_free(&b);
}

static void folding_drops_case_accents_and_extra_space(void **state)
{
    (void)state;
    fold("  El \xC3\x9ALTIMO   Faro\t", "el ultimo faro");
    fold("Stra\xC3\x9F"
         "e",
         "strasse");
    fold("\xEF\xBC\xA1\xEF\xBC\xA2", "ab"); /* full-width */
    fold("bad \xFF byte", "bad \xEF\xBF\xBD byte");
    fold("", "");
}

static void words_are_counted_as_a_person_does(void **state)
{
    (void)state;
    assert_int_equal(kn_count_words(kn_sv_of("Don't look back - it's a well-known trap.")), 7);
    assert_int_equal(kn_count_words(kn_sv_of("\xC2\xBF"
                                             "Qu\xC3\xA9 pas\xC3\xB3?")),
                     2);
    assert_int_equal(kn_count_words(kn_sv_of("e\xCC\x81t\xC3\xA9")), 1); /* a combining accent */
    assert_int_equal(kn_count_words(kn_sv_of("\xE6\x98\xA0\xE7\x94\xBB\xE9\xA4\xA8")), 2);
    assert_int_equal(kn_count_words(kn_sv_of(" ... ")), 0);
}

static void nothing_in_a_name_reaches_the_terminal_raw(void **state)
{
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, 1000);
    assert_int_equal(kn_printable(kn_sv_of("a\nb\x1b[31m\xE2\x80\xAE"
                                           "c\xEF\x9F\xA9"),
                                  &b, NULL),
                     KN_OK);
    assert_string_equal(b.data, "a\\nb\\x1b[31m\\u202ec\\xe9");
    kn_buf_free(&b);
    assert_int_equal(kn_columns(kn_sv_of("\xE6\x98\xA0"
                                         "a\xC3\xA9")),
                     4);
}

static void edit_distance_counts_characters_and_stops_at_its_limit(void **state)
{
    (void)state;
    assert_int_equal(kn_edit_distance(kn_sv_of("kitten"), kn_sv_of("sitting"), 10), 3);
    assert_int_equal(kn_edit_distance(kn_sv_of("faro"), kn_sv_of("far\xC3\xB3"), 10), 1);
    assert_int_equal(kn_edit_distance(kn_sv_of("abcdefgh"), kn_sv_of("zzzzzzzz"), 3), 4);
    assert_int_equal(kn_edit_distance(kn_sv_of(""), kn_sv_of("ab"), 5), 2);
}

static void hashed_text_cannot_run_together(void **state)
{
    struct kn_hasher *a = kn_hasher_new(), *b = kn_hasher_new();
    struct kn_hash ha, hb;

    (void)state;
    kn_hasher_text(a, "ab");
    kn_hasher_text(a, "c");
    kn_hasher_text(b, "a");
    kn_hasher_text(b, "bc");
    ha = kn_hasher_end(a);
    hb = kn_hasher_end(b);
    assert_memory_not_equal(&ha, &hb, sizeof ha);
    kn_hasher_free(a);
    kn_hasher_free(b);
}

static void base64_is_the_standard_one_and_reads_back_exactly_what_it_holds(void **state)
{
    /* RFC 4648, section 10 */
    static const char *const known[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    unsigned char bytes[256], back[256];
    struct kn_buf b;

    (void)state;
    kn_buf_init(&b, 1024);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        kn_buf_clear(&b);
        assert_int_equal(kn_base64_encode(known[i][0], i, &b, NULL), KN_OK);
        assert_string_equal(b.data, known[i][1]);
        assert_int_equal(kn_base64_size(b.data), i);
        assert_true(kn_base64_decode(b.data, back, i));
        assert_memory_equal(back, known[i][0], i);
        assert_false(kn_base64_decode(b.data, back, i + 1));
    }
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    kn_buf_clear(&b);
    assert_int_equal(kn_base64_encode(bytes, 256, &b, NULL), KN_OK);
    assert_true(kn_base64_decode(b.data, back, 256));
    assert_memory_equal(bytes, back, 256);
    assert_false(kn_base64_decode("Zm9*", back, 3));
    assert_false(kn_base64_decode("Zm9", back, 2));
    assert_false(kn_base64_decode("=m9v", back, 3));
    kn_buf_free(&b);
}

static void an_id_is_a_uuid_and_reads_back(void **state)
{
    const struct kn_hash h = {{1, 2, 3}};
    struct kn_id id = kn_id_from_hash(&h), back;
    char text[KN_ID_TEXT];

    (void)state;
    kn_id_format(&id, text);
    assert_int_equal(strlen(text), 36);
    assert_int_equal(text[14], '5');           /* version */
    assert_non_null(strchr("89ab", text[19])); /* variant */
    assert_true(kn_id_parse(text, &back));
    assert_true(kn_id_eq(&id, &back));
    text[35] = '\0';
    assert_false(kn_id_parse(text, &back));
    assert_false(kn_id_parse("not an id", &back));
    assert_false(kn_id_parse("", &back));
}

static struct kn_hash identity_of(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct kn_hash h;
    struct stat st;

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(kn_hash_file(fd, (uint64_t)st.st_size, &h, NULL), KN_OK);
    close(fd);
    return h;
}

static void a_file_is_known_by_its_size_edges_and_eight_blocks(void **state)
{
    char dir[] = "/tmp/kn_baseXXXXXX", path[64];
    const size_t size = 8 << 20;
    unsigned char *data = calloc(1, size);
    struct kn_hash before, after;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/film", dir);
    assert_int_equal(kn_fs_write(path, data, size, NULL), KN_OK);
    before = identity_of(path);
    after = identity_of(path);
    assert_memory_equal(&before, &after, sizeof after);
    data[size - 1] = 1;
    assert_int_equal(kn_fs_write(path, data, size, NULL), KN_OK);
    after = identity_of(path);
    assert_memory_not_equal(&before, &after, sizeof after);
    data[size - 1] = 0;
    assert_int_equal(kn_fs_write(path, data, size - 1, NULL), KN_OK);
    after = identity_of(path);
    assert_memory_not_equal(&before, &after, sizeof after);
    free(data);
    unlink(path);
    rmdir(dir);
}

static struct kn_hash all_of(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct kn_hash h;

    assert_true(fd >= 0);
    assert_int_equal(kn_hash_all(fd, NULL, &h, NULL), KN_OK);
    close(fd);
    return h;
}

static void what_lies_between_the_blocks_is_seen_by_the_hash_of_all(void **state)
{
    char path[] = "/tmp/kn_allXXXXXX";
    const size_t size = 8 << 20;
    unsigned char *data = calloc(1, size);
    struct kn_hash identity, all, other;
    struct kn_cancel cancel = {0};
    struct kn_err err;
    int fd = mkstemp(path);

    (void)state;
    assert_true(kn_hash_is_whole(2 << 20) && !kn_hash_is_whole(size));
    assert_int_equal(kn_fs_write(path, data, size, NULL), KN_OK);
    identity = identity_of(path);
    all = all_of(path);
    data[(1 << 20) + 5000] = 1;
    assert_int_equal(kn_fs_write(path, data, size, NULL), KN_OK);
    other = identity_of(path);
    assert_memory_equal(&identity, &other, sizeof other);
    other = all_of(path);
    assert_memory_not_equal(&all, &other, sizeof other);
    kn_cancel_set(&cancel);
    assert_int_equal(kn_hash_all(fd, &cancel, &other, &err), KN_ECANCELLED);
    close(fd);
    free(data);
    unlink(path);
}

static void a_file_is_published_over_another_only_when_told_to(void **state)
{
    char dir[] = "/tmp/kn_pubXXXXXX", path[64], tmp[64];
    struct kn_buf b;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    snprintf(tmp, sizeof tmp, "%s/t", dir);
    assert_int_equal(kn_fs_publish(tmp, path, true, NULL), KN_EIO); /* there is none */
    assert_int_equal(kn_fs_write(path, "old", 3, NULL), KN_OK);
    assert_int_equal(kn_fs_write(tmp, "new", 3, NULL), KN_OK);
    assert_int_equal(kn_fs_publish(tmp, path, false, NULL), KN_EARG);
    assert_true(kn_fs_exists(tmp));
    assert_int_equal(kn_fs_publish(tmp, path, true, NULL), KN_OK);
    kn_buf_init(&b, 100);
    assert_int_equal(kn_fs_read(path, &b, NULL), KN_OK);
    assert_string_equal(b.data, "new");
    kn_buf_free(&b);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* and nothing else is left */
}

static void a_pipe_is_no_file_and_dev_null_an_empty_one(void **state)
{
    char path[] = "/tmp/kn_pipeXXXXXX";
    struct kn_buf b;

    (void)state;
    close(mkstemp(path));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    kn_buf_init(&b, 100);
    assert_int_equal(kn_fs_read(path, &b, NULL), KN_EIO); /* and does not wait for a writer */
    assert_int_equal(kn_fs_read("/dev/zero", &b, NULL), KN_EIO);
    assert_int_equal(kn_fs_read("/tmp", &b, NULL), KN_EIO);
    assert_int_equal(kn_fs_read("/dev/null", &b, NULL), KN_OK);
    assert_int_equal(b.n, 0);
    kn_buf_free(&b);
    unlink(path);
}

static void sha256_is_the_standard_one(void **state)
{
    char path[] = "/tmp/kn_shaXXXXXX", hex[65];
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_int_equal(kn_sha256_file(path, hex, NULL), KN_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    unlink(path);
    assert_int_equal(kn_sha256_file(path, hex, NULL), KN_ENOTFOUND);
}

static void folders_are_made_with_their_parents_and_files_are_replaced_whole(void **state)
{
    char dir[] = "/tmp/kn_fsXXXXXX", deep[64], path[80], tmp[96];
    struct kn_buf b;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(deep, sizeof deep, "%s/a/b", dir);
    assert_int_equal(kn_fs_mkdirs(deep, NULL), KN_OK);
    assert_int_equal(kn_fs_mkdirs(deep, NULL), KN_OK);
    snprintf(path, sizeof path, "%s/f", deep);
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    assert_int_equal(kn_fs_write(path, "one", 3, NULL), KN_OK);
    assert_int_equal(kn_fs_write(path, "two!", 4, NULL), KN_OK);
    assert_false(kn_fs_exists(tmp));
    assert_int_equal(kn_fs_mkdirs(path, NULL), KN_EIO); /* a file has the name */
    kn_buf_init(&b, 3);
    assert_int_equal(kn_fs_read(path, &b, NULL), KN_ELIMIT);
    b.max = 100;
    kn_buf_clear(&b);
    assert_int_equal(kn_fs_read(path, &b, NULL), KN_OK);
    assert_string_equal(b.data, "two!");
    kn_buf_free(&b);
    unlink(path);
    rmdir(deep);
    *strrchr(deep, '/') = '\0';
    rmdir(deep);
    rmdir(dir);
}

static void a_message_is_cut_at_a_character(void **state)
{
    struct kn_err err;
    char longer[400];

    (void)state;
    memset(longer, 'a', sizeof longer);
    longer[254] = '\xC3'; /* e with acute over bytes 254 and 255 */
    longer[255] = '\xA9';
    longer[399] = '\0';
    kn_err_set(&err, KN_EIO, "%s", longer);
    assert_true(kn_utf8_valid(kn_sv_of(err.msg)));
    assert_int_equal(kn_err_wrap(&err, KN_EIO, "%s", "title"), KN_EIO);
    assert_memory_equal(err.msg, "title: aaa", 10);
}

static void assert_words(const char *text, const char *joined)
{
    struct kn_sv rest = kn_sv_of(text), word;
    char got[256] = "";

    while (kn_next_word(&rest, &word))
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", *got ? "|" : "",
                 (int)word.n, word.p);
    assert_string_equal(got, joined);
    assert_int_equal(rest.n, 0);
}

static void words_come_one_after_another(void **state)
{
    (void)state;
    assert_words("don't stop, rock-n-roll! 42 -- x", "don't|stop|rock-n-roll|42|x");
    assert_words("tail' --mid--dle a''b", "tail|mid|dle|a|b");
    assert_words("", "");
    assert_words(" ... ", "");
    assert_words("\xFFok\xFE", "ok");
    assert_words("東京物語 so",
                 "東京|京物|物語|語|so"); /* each letter with the next: no cut is guessed */
    assert_words("a東b", "a|東|b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_one_after_another),
        cmocka_unit_test(a_buffer_that_passes_its_maximum_keeps_what_it_had),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_up_to_its_maximum),
        cmocka_unit_test(lower_case_keeps_everything_else),
        cmocka_unit_test(upper_case_is_letters_without_a_small_one),
        cmocka_unit_test(any_file_name_survives_escaping),
        cmocka_unit_test(folding_drops_case_accents_and_extra_space),
        cmocka_unit_test(words_are_counted_as_a_person_does),
        cmocka_unit_test(nothing_in_a_name_reaches_the_terminal_raw),
        cmocka_unit_test(edit_distance_counts_characters_and_stops_at_its_limit),
        cmocka_unit_test(hashed_text_cannot_run_together),
        cmocka_unit_test(base64_is_the_standard_one_and_reads_back_exactly_what_it_holds),
        cmocka_unit_test(an_id_is_a_uuid_and_reads_back),
        cmocka_unit_test(a_file_is_known_by_its_size_edges_and_eight_blocks),
        cmocka_unit_test(what_lies_between_the_blocks_is_seen_by_the_hash_of_all),
        cmocka_unit_test(a_file_is_published_over_another_only_when_told_to),
        cmocka_unit_test(a_pipe_is_no_file_and_dev_null_an_empty_one),
        cmocka_unit_test(sha256_is_the_standard_one),
        cmocka_unit_test(folders_are_made_with_their_parents_and_files_are_replaced_whole),
        cmocka_unit_test(a_message_is_cut_at_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
