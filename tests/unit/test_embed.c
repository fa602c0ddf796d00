/* One test a promise of embed.h, named after it. Real models: KINORA_MODELS, or build/models. */
#include "base/cancel.h"
#include "base/err.h"
#include "base/unicode.h"
#include "llm/embed.h"
#include "llm/pieces.h"
#include "llm/vocabulary.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <llama.h>

static const char E5[] = "multilingual-e5-small-q4_0.gguf";
enum { DIM = 384, PATH = 4096 };

static char model_path[PATH];
static struct kn_embedder *e5; /* loading takes most of a second: once for all tests */

static int find_model(void **state)
{
    const char *dir = getenv("KINORA_MODELS"), *strict = getenv("KINORA_TEST_STRICT");

    (void)state;
    snprintf(model_path, sizeof model_path, "%s/%s", dir ? dir : KN_TEST_SOURCE_DIR "/build/models",
             E5);
    if (access(model_path, R_OK) == 0)
        return kn_embedder_open(model_path, 1, &e5, NULL);
    fprintf(stderr, "test_embed: no model at %s (make models)\n", model_path);
    model_path[0] = '\0';
    return strict && strcmp(strict, "1") == 0 ? -1 : 0;
}

static int close_model(void **state)
{
    (void)state;
    kn_embedder_close(e5);
    return 0;
}

static void need_model(void)
{
    if (!e5)
        skip();
}

static void embed(const char *text, float *raw, float *vector)
{
    assert_int_equal(kn_embedder_embed(e5, &text, 1, NULL, raw, vector, NULL), KN_OK);
}

static double dot(const float *a, const float *b)
{
    double sum = 0;

    for (size_t i = 0; i < DIM; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static double likeness(const char *a, const char *b)
{
    float x[DIM], y[DIM];

    embed(a, NULL, x);
    embed(b, NULL, y);
    return dot(x, y);
}

static void a_card_is_found_by_the_files_name(void **state)
{
    struct kn_embed_card card;

    (void)state;
    assert_int_equal(kn_embed_card_of("/any/where/multilingual-e5-small-q4_0.gguf", &card, NULL),
                     KN_OK);
    assert_string_equal(card.model, "multilingual-e5-small");
    assert_string_equal(card.prefix, "query: ");
    assert_int_equal(card.dim, DIM);
    assert_int_equal(card.max_tokens, 512);
    assert_non_null(card.centre);
    assert_true(card.weak_below > 0 && card.weak_below < 1);
    assert_true(card.weak_below_text > 0 && card.weak_below_text < card.weak_below);
    assert_int_equal(kn_embed_card_of("multilingual-e5-small", &card, NULL), KN_OK);
    assert_non_null(card.centre); /* the name alone does */
    assert_int_equal(kn_embed_card_of("all-MiniLM-L6-v2-f16.gguf", &card, NULL), KN_OK);
    assert_string_equal(card.model, "all-MiniLM-L6-v2");
    assert_string_equal(card.prefix, "");
}

static void a_file_without_a_card_works_under_its_own_name(void **state)
{
    char name[100] = "";
    struct kn_embed_card card;

    (void)state;
    assert_int_equal(kn_embed_card_of("models/multilingual-e5-smaller.gguf", &card, NULL), KN_OK);
    assert_string_equal(card.model, "multilingual-e5-smaller");
    assert_string_equal(card.prefix, "");
    assert_null(card.centre);
    assert_int_equal(card.dim, 0);
    memset(name, 'x', sizeof name - 1);
    assert_int_equal(kn_embed_card_of(name, &card, NULL), KN_EARG);
    assert_int_equal(kn_embed_card_of("models/", &card, NULL), KN_EARG);
}

static void a_card_for_a_family_gives_each_size_its_own_name(void **state)
{
    struct kn_embed_card card;

    (void)state;
    assert_int_equal(kn_embed_card_of("/own/gpt2-medium.gguf", &card, NULL), KN_OK);
    assert_string_equal(card.model, "gpt2-medium");
    assert_true(card.whole);
    assert_int_equal(card.max_tokens, 128);
    assert_int_equal(card.dim, 0);
    assert_null(card.centre);
    assert_int_equal(kn_embed_card_of("gpt2", &card, NULL), KN_OK);
    assert_string_equal(card.model, "gpt2");
    assert_true(card.whole);
    assert_int_equal(kn_embed_card_of("gpt20.gguf", &card, NULL), KN_OK);
    assert_false(card.whole);
    assert_int_equal(kn_embed_card_of("multilingual-e5-small", &card, NULL), KN_OK);
    assert_false(card.whole);
}

static void vectors_are_unit_long_and_raw_ones_are_not(void **state)
{
    float raw[DIM], vector[DIM], again[DIM];

    (void)state;
    need_model();
    assert_int_equal(kn_embedder_dim(e5), DIM);
    embed("A ship leaves the harbour at dawn.", raw, vector);
    assert_true(fabs(dot(vector, vector) - 1) < 1e-5);
    assert_true(fabs(dot(raw, raw) - 1) > 0.1);
    kn_embed_centre(raw, kn_embedder_card(e5)->centre, DIM, again);
    assert_memory_equal(vector, again, sizeof vector);
}

static void numbers_do_not_depend_on_the_company(void **state)
{
    static const char *const texts[] = {
        "Run.",
        "In three days the state will execute him, and one tired public defender reopens the case.",
        "",
        "Tres hermanas, una receta perdida y un verano para perdonar.",
        "Run.",
    };
    float raw[5][DIM], vector[5][DIM], alone_raw[DIM], alone[DIM];

    (void)state;
    need_model();
    assert_int_equal(kn_embedder_embed(e5, texts, 5, NULL, raw[0], vector[0], NULL), KN_OK);
    for (size_t i = 5; i-- > 0;) {
        embed(texts[i], alone_raw, alone);
        assert_memory_equal(alone_raw, raw[i], sizeof alone_raw);
        assert_memory_equal(alone, vector[i], sizeof alone);
    }
    assert_memory_equal(raw[0], raw[4], sizeof raw[0]);
}

static void numbers_do_not_depend_on_the_threads(void **state)
{
    static const char text[] = "The vault opens for eleven minutes, once a year.";
    const char *texts[] = {text};
    struct kn_embedder *two;
    float one_raw[DIM], two_raw[DIM];

    (void)state;
    need_model();
    assert_int_equal(kn_embedder_open(model_path, 2, &two, NULL), KN_OK);
    assert_int_equal(kn_embedder_embed(two, texts, 1, NULL, two_raw, NULL, NULL), KN_OK);
    embed(text, one_raw, NULL);
    assert_memory_equal(one_raw, two_raw, sizeof one_raw);
    kn_embedder_close(two);
}

struct beside {
    struct kn_embedder *e;
    float raw[8][DIM];
    int rc;
};

static const char *const lines[8] = {"The vault opens.",
                                     "A ship.",
                                     "Nobody came home that night.",
                                     "Una casa.",
                                     "It rained.",
                                     "The guard is her brother.",
                                     "",
                                     "We go at dawn, all of us."};

static void *embed_lines(void *p)
{
    struct beside *b = p;

    b->rc = kn_embedder_embed(b->e, lines, 8, NULL, b->raw[0], NULL, NULL);
    return NULL;
}

static void embedders_beside_each_other_share_a_model_and_outlive_the_first(void **state)
{
    static struct beside b[3];
    pthread_t threads[3];

    (void)state;
    need_model();
    assert_int_equal(kn_embedder_open(model_path, 1, &b[0].e, NULL), KN_OK);
    assert_int_equal(kn_embedder_open_beside(b[0].e, &b[1].e, NULL), KN_OK);
    assert_int_equal(kn_embedder_open_beside(b[1].e, &b[2].e, NULL), KN_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, embed_lines, &b[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(b[i].rc, KN_OK);
        assert_memory_equal(b[i].raw, b[0].raw, sizeof b[0].raw);
    }
    kn_embedder_close(b[0].e);
    memset(b[1].raw, 0, sizeof b[1].raw);
    embed_lines(&b[1]);
    assert_memory_equal(b[1].raw, b[0].raw, sizeof b[0].raw);
    assert_int_equal(kn_embedder_dim(b[2].e), DIM);
    kn_embedder_close(b[1].e);
    kn_embedder_close(b[2].e);
}

static void meaning_crosses_languages(void **state)
{
    static const char en[] = "A haunted house drives a family mad.";
    static const char es[] = "Una casa embrujada vuelve loca a una familia.";

    (void)state;
    need_model();
    assert_true(likeness(en, es) > 0.5);
    assert_true(likeness(en, es) > likeness(en, "A baker falls in love in Paris.") + 0.2);
}

static void texts_are_trimmed_and_blank_ones_give_zeros(void **state)
{
    float a[DIM], b[DIM];
    const float zeros[DIM] = {0};

    (void)state;
    need_model();
    embed("Stay where you are.", a, NULL);
    embed(" \n\tStay where you are. \n", b, NULL);
    assert_memory_equal(a, b, sizeof a);
    embed(" \t\r\n", a, b);
    assert_memory_equal(a, zeros, sizeof a);
    assert_memory_equal(b, zeros, sizeof b);
}

static void a_text_beyond_the_limit_counts_up_to_it(void **state)
{
    enum { SENTENCES = 8000 };
    static const char sentence[] = "The sea took the ship and gave nothing back. ";
    char *text = calloc(SENTENCES, sizeof sentence);
    float whole[DIM], part[DIM];

    (void)state;
    if (!e5)
        free(text);
    need_model();
    for (size_t i = 0; i < SENTENCES; i++)
        memcpy(text + i * (sizeof sentence - 1), sentence, sizeof sentence - 1);
    embed(text, whole, NULL);
    text[100 * (sizeof sentence - 1)] = '\0'; /* over a thousand tokens still */
    embed(text, part, NULL);
    assert_memory_equal(whole, part, sizeof whole);
    text[10 * (sizeof sentence - 1)] = '\0';
    embed(text, part, NULL);
    assert_memory_not_equal(whole, part, sizeof whole);
    free(text);
}

static void bytes_that_are_no_text_do_no_harm(void **state)
{
    float raw[DIM];

    (void)state;
    need_model();
    embed("caf\xe9 \xff\xfe\xc3", raw, NULL);
    assert_true(dot(raw, raw) > 0);
    embed("\xf0\x9f\x92\xa9\xef\xb7\xba \x01\x02 <s></s><unk>", raw, NULL);
    assert_true(dot(raw, raw) > 0);
}

static void cancelling_ends_it_and_leaves_the_outputs(void **state)
{
    const char *text = "Never embedded.";
    struct kn_cancel cancel = {false};
    float raw[DIM] = {42};

    (void)state;
    need_model();
    kn_cancel_set(&cancel);
    assert_int_equal(kn_embedder_embed(e5, &text, 1, &cancel, raw, NULL, NULL), KN_ECANCELLED);
    assert_true(raw[0] == 42);
}

static void a_centre_of_nothing_changes_only_the_length(void **state)
{
    const float raw[2] = {3, 4}, centre[2] = {0.6F, 0}, zeros[2] = {0};
    float v[2];

    (void)state;
    kn_embed_centre(raw, NULL, 2, v);
    assert_true(fabsf(v[0] - 0.6F) < 1e-6F && fabsf(v[1] - 0.8F) < 1e-6F);
    kn_embed_centre(raw, centre, 2, v);
    assert_true(fabsf(v[0]) < 1e-6F && fabsf(v[1] - 1) < 1e-6F);
    kn_embed_centre(zeros, centre, 2, v);
    assert_memory_equal(v, zeros, sizeof v);
}

/* ---- the tokenizer, against llama.cpp's own ---- */

static void no_log(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)level;
    (void)text;
    (void)ctx;
}

static void assert_same_tokens(const struct llama_vocab *vocab, const struct kn_pieces *pieces,
                               const char *text)
{
    enum { MOST = 4096 };
    llama_token theirs[MOST];
    int32_t ours[MOST];
    size_t n;

    assert_int_equal(kn_pieces_tokenize(pieces, kn_sv_of(text), ours, MOST, &n, NULL), KN_OK);
    assert_int_equal(llama_tokenize(vocab, text, (int32_t)strlen(text), theirs, MOST, true, false),
                     n);
    assert_memory_equal(ours, theirs, n * sizeof *ours);
}

/* Characters from all over Unicode, one to eight of a block at a time. */
static void random_text(struct kn_buf *out)
{
    static const unsigned starts[] = {0x20,   0x41,   0x61,   0xA0,   0x300,  0x370,   0x590,
                                      0x900,  0xE00,  0x1100, 0x2000, 0x2460, 0x3000,  0x4E00,
                                      0xAC00, 0xF900, 0xFB50, 0xFF00, 0x01,   0x1F300, 0x1D400};

    kn_buf_clear(out);
    for (int run = rand() % 6; run >= 0; run--) {
        unsigned start = starts[(size_t)rand() % (sizeof starts / sizeof *starts)];

        for (int i = rand() % 8; i >= 0; i--) {
            unsigned c = start + (unsigned)rand() % 0x60;
            char utf8[4] = {(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                            (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))};

            if (c < 0x80)
                kn_buf_addf(out, NULL, "%c", (int)c);
            else if (c < 0x800)
                kn_buf_addf(out, NULL, "%c%c", (int)(0xC0 | c >> 6), utf8[3]);
            else if (c < 0x10000)
                kn_buf_addf(out, NULL, "%c%c%c", (int)(0xE0 | c >> 12), utf8[2], utf8[3]);
            else
                kn_buf_add(out, utf8, 4, NULL);
        }
        if (rand() % 2)
            kn_buf_adds(out, " ", NULL);
    }
}

static void tokens_are_those_of_llama(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "query: For eleven years, Samuel Marsh has waited on death row.",
        "¿Quién va ahí?  La colina… de las «horas muertas».",
        "Ｆｕｌｌ ｗｉｄｔｈ ﬁne ½ ﷺ ①②③ ㍿",
        "東京の夜は静かだ。 Привет, мир! שלום العالم สวัสดี",
        "no\u00A0break\ttab\nline \u200B zero-width",
        "👨‍👩‍👧‍👦🏽 🇪🇸 𝔥𝔢𝔩𝔩𝔬",
        "<s> </s> <unk> <mask> ▁already▁marked",
    };
    struct llama_model_params params = llama_model_default_params();
    struct kn_vocabulary vocabulary;
    struct llama_model *model;
    struct kn_buf text;

    (void)state;
    need_model();
    llama_log_set(no_log, NULL);
    params.vocab_only = true;
    model = llama_model_load_from_file(model_path, params);
    assert_non_null(model);
    assert_int_equal(kn_vocabulary_read(model_path, &vocabulary, NULL), KN_OK);
    assert_non_null(vocabulary.pieces);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_same_tokens(llama_model_get_vocab(model), vocabulary.pieces, texts[i]);
    kn_buf_init(&text, 1 << 16);
    srand(1);
    for (int i = 0; i < 5000; i++) {
        random_text(&text);
        assert_true(kn_utf8_valid((struct kn_sv){text.data, text.n}));
        assert_same_tokens(llama_model_get_vocab(model), vocabulary.pieces, text.data);
    }
    kn_buf_free(&text);
    kn_pieces_free(vocabulary.pieces);
    llama_model_free(model);
}

static const char *no_text(const void *ctx, size_t i)
{
    (void)ctx;
    (void)i;
    return "a";
}

static void a_table_of_replacements_that_lies_is_refused_or_harmless(void **state)
{
    const float score = -1;
    const int32_t type = KN_PIECE_NORMAL;
    unsigned char map[64];
    struct kn_pieces_table table = {
        .n = 1, .text = no_text, .scores = &score, .types = &type, .charsmap = map};
    struct kn_pieces *pieces = NULL;
    int32_t tokens[64];
    size_t n;

    (void)state;
    srand(2);
    memset(map, 0xFF, sizeof map); /* says it holds 4 GiB */
    for (table.charsmap_bytes = 0; table.charsmap_bytes <= sizeof map; table.charsmap_bytes++)
        assert_int_equal(kn_pieces_new(&table, &pieces, NULL), KN_ECORRUPT);
    table.charsmap_bytes = sizeof map;
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof map; i++)
            map[i] = (unsigned char)rand();
        memcpy(map, &(uint32_t){48}, 4);
        map[sizeof map - 1] = '\0';
        assert_int_equal(kn_pieces_new(&table, &pieces, NULL), KN_OK);
        assert_int_equal(kn_pieces_tokenize(pieces, kn_sv_of("ab cd"), tokens, 64, &n, NULL),
                         KN_OK);
        assert_true(n >= 2);
        kn_pieces_free(pieces);
    }
}

/* ---- damaged files ---- */

static void assert_refused(const char *path, int code)
{
    struct kn_embedder *e = NULL;
    struct kn_err err = {0};

    assert_int_equal(kn_embedder_open(path, 1, &e, &err), code);
    assert_null(e);
    assert_non_null(strstr(err.msg, code == KN_ECORRUPT ? strrchr(path, '/') + 1 : path));
    if (code == KN_ECORRUPT)
        assert_non_null(strstr(err.msg, "run: kinora models verify"));
}

/* The model's first bytes under another name in a new folder. */
static void copy_start(const char *to, off_t bytes)
{
    int in = open(model_path, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(in >= 0 && out >= 0);
    for (off_t at = 0; at < bytes;) {
        ssize_t n = sendfile(out, in, &at, (size_t)(bytes - at));

        assert_true(n > 0);
    }
    close(in);
    close(out);
}

static void flip_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned char byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x55;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void a_damaged_file_is_named_with_the_remedy(void **state)
{
    char dir[] = "/tmp/kinora-test-embed-XXXXXX", known[PATH], unknown[PATH];
    struct stat st;

    (void)state;
    need_model();
    assert_non_null(mkdtemp(dir));
    snprintf(known, sizeof known, "%s/%s", dir, E5);
    snprintf(unknown, sizeof unknown, "%s/other.gguf", dir); /* only llama.cpp can judge it */
    assert_int_equal(stat(model_path, &st), 0);
    assert_refused(known, KN_ENOTFOUND);
    assert_refused(dir, KN_EIO);

    const off_t lengths[] = {
        0, 3, 4, 24, 1000, 100000, 5000000, 12000000, st.st_size / 2, st.st_size - 1};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        copy_start(known, lengths[i]);
        assert_refused(known, KN_ECORRUPT);
        copy_start(unknown, lengths[i]);
        assert_refused(unknown, KN_ECORRUPT);
    }
    copy_start(known, st.st_size);
    flip_byte(known, st.st_size - 1000); /* deep in the weights */
    assert_refused(known, KN_ECORRUPT);
    flip_byte(known, 30); /* in the header */
    assert_refused(known, KN_ECORRUPT);
    unlink(known);
    unlink(unknown);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_found_by_the_files_name),
        cmocka_unit_test(a_file_without_a_card_works_under_its_own_name),
        cmocka_unit_test(a_card_for_a_family_gives_each_size_its_own_name),
        cmocka_unit_test(vectors_are_unit_long_and_raw_ones_are_not),
        cmocka_unit_test(numbers_do_not_depend_on_the_company),
        cmocka_unit_test(numbers_do_not_depend_on_the_threads),
        cmocka_unit_test(embedders_beside_each_other_share_a_model_and_outlive_the_first),
        cmocka_unit_test(meaning_crosses_languages),
        cmocka_unit_test(texts_are_trimmed_and_blank_ones_give_zeros),
        cmocka_unit_test(a_text_beyond_the_limit_counts_up_to_it),
        cmocka_unit_test(bytes_that_are_no_text_do_no_harm),
        cmocka_unit_test(cancelling_ends_it_and_leaves_the_outputs),
        cmocka_unit_test(a_centre_of_nothing_changes_only_the_length),
        cmocka_unit_test(tokens_are_those_of_llama),
        cmocka_unit_test(a_table_of_replacements_that_lies_is_refused_or_harmless),
        cmocka_unit_test(a_damaged_file_is_named_with_the_remedy),
    };

    return cmocka_run_group_tests(tests, find_model, close_model);
}
