#include "library/shelf_block.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/queue.h"
#include "index/sparse.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES_MAX = INT32_MAX,
    LANGUAGES_MAX = UINT16_MAX,
    SECTIONS = 3,
    BLOCK_ROWS = 1024,
    BLOCKS = 4
};

/* What is gathered while the vectors are asked for. */
struct gathering {
    const struct kn_shelf_source *source;
    struct shelf_head head;
    struct kn_buf ids, durations, opinions, years, keys, genres, languages, names, texts, text,
        firsts, moments, marks;
    uint32_t *
        slots; /* number + 1 of a text of genres, where its hash leads; a power of two, half empty */
    size_t n_slots;
    struct kn_sparse *words;
    void *block;
    size_t bytes;
    struct kn_dense_section sections[SECTIONS];

    struct kn_queue *blocks; /* from the reader; NULL: not begun */
    pthread_t reader;
    bool is_reading;
    int rc; /* what it came to */
    struct kn_err err;
    struct block *block_now;
};

static struct kn_buf *all_of(struct gathering *g, size_t i)
{
    struct kn_buf *const all[] = {&g->ids,    &g->durations, &g->opinions, &g->years, &g->keys,
                                  &g->genres, &g->languages, &g->names,    &g->texts, &g->text,
                                  &g->firsts, &g->moments,   &g->marks};

    return i < sizeof all / sizeof *all ? all[i] : NULL;
}

static void drop(struct gathering *g)
{
    struct kn_buf *b;

    if (g->is_reading) { /* the build failed, or was cancelled */
        kn_queue_cancel(g->blocks);
        pthread_join(g->reader, NULL);
    }
    kn_queue_free(g->blocks);
    free(g->block_now);
    for (size_t i = 0; (b = all_of(g, i)); i++)
        kn_buf_free(b);
    free(g->slots);
    kn_sparse_free(g->words);
    free(g->block);
}

static int add_name(struct gathering *g, const char language[16], struct kn_err *err)
{
    const struct shelf_language *names = (const void *)g->names.data;
    struct shelf_language name = {{0}};
    uint16_t which = 0;
    int rc = KN_OK;

    while (which < g->head.languages && strcmp(names[which].tag, language) != 0)
        which++;
    if (which == LANGUAGES_MAX)
        return kn_err_set(err, KN_ELIMIT, "index: more than %d languages", LANGUAGES_MAX);
    if (which == g->head.languages) {
        memcpy(name.tag, language, sizeof name.tag);
        rc = kn_buf_add(&g->names, &name, sizeof name, err);
        g->head.languages++;
    }
    return rc ? rc : kn_buf_add(&g->languages, &which, sizeof which, err);
}

static const char *text_of(const struct gathering *g, uint32_t which)
{
    return g->text.data + ((const uint32_t *)(const void *)g->texts.data)[which];
}

static uint32_t *slot_of(const struct gathering *g, const char *genres)
{
    size_t at = kn_hash_bytes(genres, strlen(genres)) & (g->n_slots - 1);

    while (g->slots[at] > 0 && strcmp(text_of(g, g->slots[at] - 1), genres) != 0)
        at = (at + 1) & (g->n_slots - 1);
    return &g->slots[at];
}

static int grow_slots(struct gathering *g, struct kn_err *err)
{
    size_t more = g->n_slots ? 2 * g->n_slots : 256;
    uint32_t *slots = calloc(more, sizeof *slots);

    if (!slots)
        return kn_err_set(err, KN_ELIMIT, "index: no memory for genres");
    free(g->slots);
    g->slots = slots;
    g->n_slots = more;
    for (uint32_t i = 0; i < g->head.genres; i++)
        *slot_of(g, text_of(g, i)) = i + 1;
    return KN_OK;
}

static int add_genres(struct gathering *g, const char *genres, struct kn_err *err)
{
    uint32_t at = (uint32_t)g->text.n, which, *slot;
    int rc = 2 * g->head.genres >= g->n_slots ? grow_slots(g, err) : KN_OK;

    if (rc)
        return rc;
    slot = slot_of(g, genres);
    if (*slot == 0) {
        rc = kn_buf_add(&g->texts, &at, sizeof at, err);
        if (!rc)
            rc = kn_buf_add(&g->text, genres, strlen(genres) + 1, err);
        if (rc)
            return rc;
        *slot = (uint32_t)++g->head.genres;
    }
    which = *slot - 1;
    return kn_buf_add(&g->genres, &which, sizeof which, err);
}

static int add_title(struct gathering *g, const struct kn_view_title *t, struct kn_err *err)
{
    uint32_t first = (uint32_t)g->head.rows;
    int32_t year = t->year;
    int rc = kn_buf_add(&g->ids, &t->id, sizeof t->id, err);

    if (!rc)
        rc = kn_buf_add(&g->durations, &t->duration, sizeof t->duration, err);
    if (!rc)
        rc = kn_buf_add(&g->opinions, &t->opinion, sizeof t->opinion, err);
    if (!rc)
        rc = kn_buf_add(&g->years, &year, sizeof year, err);
    if (!rc)
        rc = kn_buf_add(&g->keys, &t->key, sizeof t->key, err);
    if (!rc)
        rc = add_name(g, t->language, err);
    if (!rc)
        rc = add_genres(g, t->genres, err);
    if (!rc && g->source->moments)
        rc = kn_buf_add(&g->firsts, &first, sizeof first, err);
    g->head.titles++;
    return rc;
}

static int add_row(struct gathering *g, float *vector, struct kn_err *err)
{
    struct kn_shelf_row row = {0};
    int rc = g->source->next(g->source->ctx, &row, vector, err);

    if (!rc && row.title)
        rc = add_title(g, row.title, err);
    if (!rc && g->source->moments)
        rc = kn_buf_add(&g->moments, &row.moment, sizeof row.moment, err);
    if (!rc && !g->source->moments)
        rc = kn_sparse_add(g->words, row.terms, row.n_terms, err);
    if (!rc && !g->source->moments)
        rc = kn_buf_add(&g->marks, row.marks, sizeof *row.marks, err);
    g->head.rows++;
    return rc;
}

static void put(const void *column, const struct kn_buf *from)
{
    memcpy((void *)column, from->data, from->n);
}

/* The columns one behind another, and the words built: what the file's sections then point to. */
static int finish(struct gathering *g, struct kn_err *err)
{
    uint32_t ends[] = {(uint32_t)g->text.n, (uint32_t)g->head.rows};
    struct shelf_columns c = {0};
    int rc = kn_buf_add(&g->texts, &ends[0], sizeof ends[0], err);

    if (!rc)
        rc = kn_buf_add(&g->firsts, &ends[1], sizeof ends[1], err);
    if (rc)
        return rc;
    g->head.text = g->text.n;
    g->bytes = kn_shelf_columns(&g->head, NULL, NULL);
    g->block = calloc(1, g->bytes);
    if (!g->block)
        return kn_err_set(err, KN_ELIMIT, "index: no memory for %llu titles",
                          (unsigned long long)g->head.titles);
    memcpy(g->block, &g->head, sizeof g->head);
    kn_shelf_columns(&g->head, g->block, &c);
    put(c.ids, &g->ids);
    put(c.durations, &g->durations);
    put(c.opinions, &g->opinions);
    put(c.years, &g->years);
    put(c.keys, &g->keys);
    put(c.genres, &g->genres);
    put(c.languages, &g->languages);
    put(c.names, &g->names);
    put(c.texts, &g->texts);
    put(c.text, &g->text);
    if (g->source->moments) {
        put(c.firsts, &g->firsts);
        put(c.moments, &g->moments);
    }
    g->sections[0] = (struct kn_dense_section){SHELF_TITLES, g->block, g->bytes};
    if (!g->source->moments)
        rc = kn_sparse_build(g->words, NULL, err);
    if (!rc && !g->source->moments) {
        g->sections[1].name = SHELF_WORDS;
        g->sections[1].data = kn_sparse_bytes(g->words, &g->sections[1].n);
        g->sections[2] = (struct kn_dense_section){SHELF_MARKS, g->marks.data, g->marks.n};
    }
    return rc;
}

/* ---- two threads ----
 *
 * One reads rows and gathers what is not a vector, words above all; the one that builds takes their vectors block by block, so
 * that a library is read while its vectors are quantised. */

struct block {
    size_t n, at; /* rows, and how many are taken */
    float vectors[];
};

static int read_block(struct gathering *g, struct block *b, struct kn_err *err)
{
    size_t left = g->source->rows - g->head.rows;
    int rc = KN_OK;

    b->n = left < BLOCK_ROWS ? left : BLOCK_ROWS;
    b->at = 0;
    for (size_t i = 0; !rc && i < b->n; i++)
        rc = add_row(g, b->vectors + i * g->source->stamp.dim, err);
    return rc;
}

static void *read_all(void *ctx)
{
    struct gathering *g = ctx;
    size_t bytes = sizeof(struct block) + BLOCK_ROWS * g->source->stamp.dim * sizeof(float);

    while (!g->rc && g->head.rows < g->source->rows) {
        struct block *b = malloc(bytes);

        g->rc = b ? read_block(g, b, &g->err)
                  : kn_err_set(&g->err, KN_ELIMIT, "index: no memory for %d rows", BLOCK_ROWS);
        if (!g->rc)
            g->rc = kn_queue_push(g->blocks, b, bytes, &g->err);
        if (g->rc)
            free(b);
    }
    if (!g->rc)
        g->rc = finish(g, &g->err);
    kn_queue_close(g->blocks);
    return NULL;
}

static int start(struct gathering *g, struct kn_err *err)
{
    int rc = kn_queue_new((struct kn_queue_limits){BLOCKS, SIZE_MAX}, free, &g->blocks, err);

    if (!rc && pthread_create(&g->reader, NULL, read_all, g) != 0)
        rc = kn_err_set(err, KN_ELIMIT, "index: no thread to read the library with");
    g->is_reading = !rc;
    return rc;
}

/* What the reader came to. */
static int join(struct gathering *g, struct kn_err *err)
{
    if (g->is_reading)
        pthread_join(g->reader, NULL);
    g->is_reading = false;
    return g->rc ? kn_err_set(err, (enum kn_code)g->rc, "%s", g->err.msg) : KN_OK;
}

static int gather(void *ctx, size_t first, size_t n, float *out, struct kn_err *err)
{
    struct gathering *g = ctx;
    size_t dim = g->source->stamp.dim;
    int rc = g->blocks ? KN_OK : start(g, err);

    for (size_t i = 0, some; !rc && i < n; i += some) {
        void *next;

        if (!g->block_now || g->block_now->at == g->block_now->n) {
            free(g->block_now);
            g->block_now = NULL;
            rc = kn_queue_pop(g->blocks, &next, err);
            if (rc) /* closed: the reader failed */
                return join(g, err) ? g->rc : rc;
            g->block_now = next;
        }
        some = g->block_now->n - g->block_now->at;
        some = some < n - i ? some : n - i;
        memcpy(out + i * dim, g->block_now->vectors + g->block_now->at * dim,
               some * dim * sizeof *out);
        g->block_now->at += some;
    }
    return !rc && first + n == g->source->rows ? join(g, err) : rc;
}

static int begin(struct gathering *g, const struct kn_shelf_source *s, struct kn_dense_how *how,
                 struct kn_err *err)
{
    static const char *const names[SECTIONS] = {SHELF_TITLES, SHELF_WORDS, SHELF_MARKS};
    struct kn_buf *b;
    int rc = KN_OK;

    *g = (struct gathering){.source = s};
    for (size_t i = 0; (b = all_of(g, i)); i++)
        kn_buf_init(b, (size_t)BYTES_MAX * 64);
    memcpy(g->head.magic, SHELF_MAGIC, sizeof g->head.magic);
    g->head.stamp = s->stamp;
    g->head.moments = s->moments;
    *how = (struct kn_dense_how){.dim = s->stamp.dim,
                                 .rows = s->rows,
                                 .recall = s->recall,
                                 .threads = s->threads,
                                 .sequence = s->stamp.answers,
                                 .model = kn_hash_bytes(s->stamp.model, strlen(s->stamp.model)),
                                 .sections = g->sections,
                                 .n_sections = s->moments ? 1 : SECTIONS,
                                 .cancel = s->cancel};
    if (!s->moments)
        rc = kn_sparse_new(&g->words, err);
    for (size_t i = 0; i < SECTIONS; i++) /* data and size come with the last row */
        g->sections[i] = (struct kn_dense_section){names[i], "", 0};
    return !rc && s->rows == 0 ? finish(g, err) : rc;
}

int kn_shelf_write(const char *path, const struct kn_shelf_source *source, struct kn_err *err)
{
    struct kn_dense_how how;
    struct gathering g;
    int rc = begin(&g, source, &how, err);

    if (!rc)
        rc = kn_dense_write(path, &how, gather, &g, err);
    drop(&g);
    return rc;
}

int kn_shelf_build(const struct kn_shelf_source *source, struct kn_shelf **out, struct kn_err *err)
{
    struct kn_dense *dense = NULL;
    struct kn_dense_how how;
    struct gathering g;
    int rc = begin(&g, source, &how, err);

    how.n_sections = 0;
    if (!rc)
        rc = kn_dense_build(&how, gather, &g, &dense, err);
    if (!rc) {
        struct kn_marks *marks = source->moments ? NULL : (void *)kn_buf_take(&g.marks);

        rc = kn_shelf_of(dense, g.block, g.words, marks, out, err);
        g.block = NULL;
        g.words = NULL;
    }
    drop(&g);
    return rc;
}
