/* What somebody asks a library with, over any bytes: a page's cursor, a part of a name, words to search for, and the text that they are
 * marked in. The input is these four, a line each. clang -fsanitize=fuzzer; seeds/question. */
#include "../support/remove_folder.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "library/library.h"
#include "text/marks.h"

#include <kinora/kinora.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[] = "/tmp/kinora-fuzz-XXXXXX";
static struct kinora *k;
static struct kn_library *lib;

static void close_all(void)
{
    kinora_close(k);
    kn_library_close(lib);
    remove_folder(dir);
}

/* Three titles, made once. */
static void open_all(void)
{
    const struct kn_library_options how = {.write = true, .create = true};
    const struct kn_segment said[] = {{1, 2, "The lamp is out."}, {3, 4, "灯台の光が消えた"}};
    const struct kn_moment moments[] = {{.start = 1, .end = 4, .text = "The lamp", .segments = 2}};
    struct kn_record r = {.title = {.state = KN_STATE_READY, .opinion = (double)NAN},
                          .vector = (const float[]){1, 0},
                          .segments = said,
                          .n_segments = 2,
                          .moments = moments,
                          .n_moments = 1};

    if (!mkdtemp(dir) || kn_library_open_local(dir, &how, &lib, NULL) ||
        kn_library_set_model(lib, "m", 2, NULL))
        abort();
    for (unsigned char i = 0; i < 3; i++) {
        r.title.id.b[0] = i;
        r.title.name = i ? "Lamp" : "Ábalos % _";
        if (kn_library_put(lib, &r, 1, NULL))
            abort();
    }
    if (kinora_open(&(struct kinora_options){.library = dir}, &k, NULL))
        abort();
    atexit(close_all);
}

static void check_page(const char *cursor, const char *part)
{
    static const char letters[] = "nadoy";
    const char *sort = *cursor ? strchr(letters, *cursor) : NULL;
    struct kinora_page_query q = {
        .limit = 1, .cursor = cursor, .part = part, .descending = *cursor && cursor[1] == 'd'};
    struct kinora_page *p;
    struct kn_err err = {0};

    q.sort = sort ? (enum kinora_sort)(sort - letters) : KINORA_BY_NAME;
    if (kinora_pages(k, &q, &p, &err)) {
        if (err.code != KN_EARG || !*err.msg)
            abort();
        return;
    }
    if (p->n > 1 || p->total > 3 || (p->next && p->n == 0))
        abort();
    kinora_page_free(p);
}

static void check_words(const char *words)
{
    struct kn_moment_hit hits[2];
    size_t n = 9;

    if (kn_library_said(lib, words, NULL, 2, hits, &n, NULL) || n > 2)
        abort();
}

static void check_marks(const char *text, const char *words, struct kn_arena *arena)
{
    const struct kn_mark *marks;
    size_t n, length = 0, behind = 0;

    for (const char *c = text; *c; c++)
        length += ((unsigned char)*c & 0xC0) != 0x80;
    if (kn_marks_find(text, "en", words, arena, &marks, &n, NULL))
        abort();
    for (size_t i = 0; i < n; i++) {
        if (marks[i].start >= marks[i].end || marks[i].end > length ||
            (i > 0 && marks[i].start <= behind))
            abort();
        behind = marks[i].end;
    }
}

/* Valid text, as the server sees to: one line, or what is left. */
static const char *next_line(struct kn_sv *rest, bool last, struct kn_arena *arena)
{
    const char *end = last ? NULL : memchr(rest->p, '\n', rest->n);
    struct kn_sv line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    struct kn_buf valid;
    char *copy;

    kn_buf_init(&valid, 1 << 20);
    if (kn_utf8_repair(line, &valid, NULL) || !(copy = kn_arena_text(arena, valid.data)))
        abort();
    kn_buf_free(&valid);
    rest->p += line.n + (end != NULL);
    rest->n -= line.n + (end != NULL);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_sv rest = {n ? (const char *)data : "", n};
    const char *cursor, *part, *words, *text;

    if (!arena)
        abort();
    if (!k)
        open_all();
    cursor = next_line(&rest, false, arena);
    part = next_line(&rest, false, arena);
    words = next_line(&rest, false, arena);
    text = next_line(&rest, true, arena);
    check_page(cursor, part);
    check_words(words);
    check_marks(text, words, arena);
    kn_arena_free(arena);
    return 0;
}
