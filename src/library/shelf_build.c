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
    struct kn_marks *ordered; /* the marks, by row */
    uint32_t *order;          /* of titles by id: which of those that came */
    uint32_t *places;         /* of rows as they came */
    void *block;
    size_t bytes;
    struct kn_dense_section sections[SECTIONS];

    struct kn_queue
        *blocks; /* from the reader; NULL: not begun. Behind the last one places are known */
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
    free(g->order);
    free(g->places);
    free(g->ordered);
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
    if (!rc)
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

/* ---- into order of id ---- */

static const struct kn_id *id_of(const struct gathering *g, uint32_t title)
{
    return (const struct kn_id *)(const void *)g->ids.data + title;
}

static uint32_t first_of(const struct gathering *g, size_t title)
{
    return title < g->head.titles ? ((const uint32_t *)(const void *)g->firsts.data)[title]
                                  : (uint32_t)g->head.rows;
}

static int by_id(const void *a, const void *b, void *ctx)
{
    const struct gathering *g = ctx;

    return memcmp(id_of(g, *(const uint32_t *)a), id_of(g, *(const uint32_t *)b),
                  sizeof(struct kn_id));
}

static int find_places(struct gathering *g, struct kn_err *err)
{
    uint32_t row = 0;

    g->order = malloc((g->head.titles + 1) * sizeof *g->order);
    g->places = malloc((g->head.rows + 1) * sizeof *g->places);
    if (!g->order || !g->places)
        return kn_err_set(err, KN_ELIMIT, "index: no memory for %llu titles",
                          (unsigned long long)g->head.titles);
    for (uint32_t i = 0; i < g->head.titles; i++)
        g->order[i] = i;
    if (g->head.titles > 0)
        qsort_r(g->order, g->head.titles, sizeof *g->order, by_id, g);
    for (size_t i = 0; i < g->head.titles; i++)
        for (uint32_t r = first_of(g, g->order[i]); r < first_of(g, g->order[i] + 1); r++)
            g->places[r] = row++;
    return KN_OK;
}

static void put(const void *column, const struct kn_buf *from)
{
    memcpy((void *)column, from->data, from->n);
}

/* One of size bytes for each title. */
static void put_by_title(const struct gathering *g, const void *column, const struct kn_buf *from,
                         size_t size)
{
    for (size_t i = 0; i < g->head.titles; i++)
        memcpy((char *)column + i * size, from->data + g->order[i] * size, size);
}

static void put_by_row(const struct gathering *g, const void *column, const struct kn_buf *from,
                       size_t size)
{
    for (size_t r = 0; r < g->head.rows; r++)
        memcpy((char *)column + g->places[r] * size, from->data + r * size, size);
}

static void put_firsts(const struct gathering *g, const uint32_t *column)
{
    uint32_t *firsts = (uint32_t *)column, row = 0;

    for (size_t i = 0; i < g->head.titles; i++) {
        firsts[i] = row;
        row += first_of(g, g->order[i] + 1) - first_of(g, g->order[i]);
    }
    firsts[g->head.titles] = row;
}

static int finish_words(struct gathering *g, struct kn_err *err)
{
    int rc;

    g->ordered = malloc(g->marks.n + 1);
    if (!g->ordered)
        return kn_err_set(err, KN_ELIMIT, "index: no memory for the words of %llu titles",
                          (unsigned long long)g->head.titles);
    put_by_row(g, g->ordered, &g->marks, sizeof *g->ordered);
    g->sections[2] = (struct kn_dense_section){SHELF_MARKS, g->ordered, g->marks.n};
    kn_sparse_order(g->words, g->places);
    rc = kn_sparse_build(g->words, NULL, err);
    if (rc)
        return rc;
    g->sections[1].name = SHELF_WORDS;
    g->sections[1].data = kn_sparse_bytes(g->words, &g->sections[1].n);
    return KN_OK;
}

/* The columns one behind another, and the words built: what the file's sections then point to. */
static int finish(struct gathering *g, struct kn_err *err)
{
    uint32_t end = (uint32_t)g->text.n;
    struct shelf_columns c = {0};
    int rc = kn_buf_add(&g->texts, &end, sizeof end, err);

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
    put_by_title(g, c.ids, &g->ids, sizeof *c.ids);
    put_by_title(g, c.durations, &g->durations, sizeof *c.durations);
    put_by_title(g, c.opinions, &g->opinions, sizeof *c.opinions);
    put_by_title(g, c.years, &g->years, sizeof *c.years);
    put_by_title(g, c.keys, &g->keys, sizeof *c.keys);
    put_by_title(g, c.genres, &g->genres, sizeof *c.genres);
    put_by_title(g, c.languages, &g->languages, sizeof *c.languages);
    put(c.names, &g->names);
    put(c.texts, &g->texts);
    put(c.text, &g->text);
    if (g->source->moments) {
        put_firsts(g, c.firsts);
        put_by_row(g, c.moments, &g->moments, sizeof *c.moments);
    }
    g->sections[0] = (struct kn_dense_section){SHELF_TITLES, g->block, g->bytes};
    return g->source->moments ? KN_OK : finish_words(g, err);
}

/* ---- two threads ----
 *
 * One reads rows and gathers what is not a vector; the one that builds takes their vectors block by block, so that a library is read while
 * its vectors are quantised, and calibrated with while the lists of words are made. */

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
        if (!g->rc && g->head.rows == g->source->rows)
            g->rc = find_places(g, &g->err);
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
    int rc = first > 0 ? KN_OK : start(g, err);

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
    return rc;
}

static int ready(void *ctx, struct kn_err *err)
{
    return join(ctx, err);
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
                                 .places = (const uint32_t *const *)&g->places,
                                 .ready = ready,
                                 .cancel = s->cancel};
    if (!s->moments)
        rc = kn_sparse_new(&g->words, err);
    for (size_t i = 0; i < SECTIONS; i++) /* data and size come with the last row */
        g->sections[i] = (struct kn_dense_section){names[i], "", 0};
    if (!rc && s->rows == 0)
        rc = find_places(g, err);
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
    if (!rc)
        rc = ready(&g, err);
    if (rc) {
        kn_dense_close(dense);
    } else {
        rc = kn_shelf_of(dense, g.block, g.words, g.ordered, out, err);
        g.block = NULL;
        g.words = NULL;
        g.ordered = NULL;
    }
    drop(&g);
    return rc;
}
