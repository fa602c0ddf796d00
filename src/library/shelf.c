#include "library/shelf.h"

#include "base/buf.h"
#include "base/err.h"
#include "index/sparse.h"
#include "library/filter.h"
#include "library/shelf_block.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILTERS = 8, KEY_MAX = 1 << 20, MAPPED = 40 << 20 };

struct kept { /* a filter's bitmap */
    struct kn_buf key;
    uint64_t *bits;
    uint64_t used; /* the shelf's clock when it last was */
};

struct kn_shelf {
    atomic_size_t users;
    struct kn_dense *dense;
    struct shelf_columns c;
    void *block; /* its own; NULL where it lies in the file */
    double recall;

    pthread_mutex_t lock; /* over the rest */
    struct kn_sparse *words;
    bool knows_marks; /* where they are: */
    struct kn_marks *own_marks;
    const struct kn_marks *marks; /* those, or of a file that is not large; NULL: to be read from */
    int marks_fd;
    uint64_t marks_at;
    struct kept kept[FILTERS];
    uint64_t clock;
};

static const void *part(const void *block, size_t *at, size_t bytes)
{
    const void *p = block ? (const char *)block + *at : NULL;

    *at += (bytes + 7) / 8 * 8;
    return p;
}

size_t kn_shelf_columns(const struct shelf_head *h, const void *block, struct shelf_columns *out)
{
    size_t at = 0;
    struct shelf_columns c = {0};

    c.head = part(block, &at, sizeof *h);
    c.ids = part(block, &at, h->titles * sizeof *c.ids);
    c.durations = part(block, &at, h->titles * sizeof *c.durations);
    c.opinions = part(block, &at, h->titles * sizeof *c.opinions);
    c.years = part(block, &at, h->titles * sizeof *c.years);
    c.keys = part(block, &at, h->titles * sizeof *c.keys);
    c.genres = part(block, &at, h->titles * sizeof *c.genres);
    c.languages = part(block, &at, h->titles * sizeof *c.languages);
    c.names = part(block, &at, h->languages * sizeof *c.names);
    c.texts = part(block, &at, (h->genres + 1) * sizeof *c.texts);
    c.text = part(block, &at, h->text);
    if (h->moments) {
        c.firsts = part(block, &at, (h->titles + 1) * sizeof *c.firsts);
        c.moments = part(block, &at, h->rows * sizeof *c.moments);
    }
    if (block)
        *out = c;
    return at;
}

int kn_shelf_of(struct kn_dense *dense, void *block, struct kn_sparse *words,
                struct kn_marks *marks, struct kn_shelf **out, struct kn_err *err)
{
    struct kn_shelf *s = calloc(1, sizeof *s);
    struct kn_dense_info info;

    if (!s) {
        kn_dense_close(dense);
        kn_sparse_free(words);
        free(marks);
        free(block);
        return kn_err_set(err, KN_ELIMIT, "index: no memory");
    }
    kn_dense_info(dense, &info);
    atomic_init(&s->users, 1);
    pthread_mutex_init(&s->lock, NULL);
    for (size_t i = 0; i < FILTERS; i++)
        kn_buf_init(&s->kept[i].key, KEY_MAX);
    s->dense = dense;
    s->block = block;
    s->words = words;
    s->marks = s->own_marks = marks;
    s->knows_marks = marks != NULL;
    s->recall = info.recall;
    if (block)
        kn_shelf_columns(block, block, &s->c);
    *out = s;
    return KN_OK;
}

static int read_columns(struct kn_shelf *s, const char *path, struct kn_err *err)
{
    const struct shelf_head *h;
    struct kn_dense_info info;
    const void *data;
    size_t n;
    int rc = kn_dense_section(s->dense, SHELF_TITLES, &data, &n, err);

    if (rc)
        return rc;
    kn_dense_info(s->dense, &info);
    h = data;
    if (n < sizeof *h || memcmp(h->magic, SHELF_MAGIC, sizeof h->magic) != 0 ||
        h->rows != info.rows || h->stamp.dim != info.dim || h->titles > h->rows ||
        h->languages > UINT16_MAX || h->genres > h->titles || h->text > n || h->moments > 1 ||
        (!h->moments && h->titles != h->rows) || kn_shelf_columns(h, NULL, NULL) != n)
        return kn_err_set(err, KN_ECORRUPT, "index '%s': its titles cannot be read", path);
    kn_shelf_columns(h, data, &s->c);
    return KN_OK;
}

int kn_shelf_open(const char *path, struct kn_shelf **out, struct kn_err *err)
{
    struct kn_dense *dense;
    struct kn_shelf *s;
    int rc = kn_dense_open(path, &dense, err);

    if (!rc)
        rc = kn_shelf_of(dense, NULL, NULL, NULL, &s, err);
    if (rc)
        return rc;
    rc = read_columns(s, path, err);
    if (rc == KN_ENOTFOUND)
        rc = kn_err_set(err, KN_ECORRUPT, "index '%s': there are no titles in it", path);
    if (rc)
        kn_shelf_drop(s);
    else
        *out = s;
    return rc;
}

struct kn_shelf *kn_shelf_use(struct kn_shelf *s)
{
    atomic_fetch_add(&s->users, 1);
    return s;
}

void kn_shelf_drop(struct kn_shelf *s)
{
    if (!s || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    for (size_t i = 0; i < FILTERS; i++) {
        kn_buf_free(&s->kept[i].key);
        free(s->kept[i].bits);
    }
    kn_sparse_free(s->words);
    free(s->own_marks);
    kn_dense_close(s->dense);
    free(s->block);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const struct kn_shelf_stamp *kn_shelf_stamp(const struct kn_shelf *s)
{
    return &s->c.head->stamp;
}

const struct kn_dense *kn_shelf_dense(const struct kn_shelf *s)
{
    return s->dense;
}

double kn_shelf_recall(const struct kn_shelf *s)
{
    return s->recall;
}

size_t kn_shelf_rows(const struct kn_shelf *s)
{
    return s->c.head->rows;
}

size_t kn_shelf_titles(const struct kn_shelf *s)
{
    return s->c.head->titles;
}

/* With the lock held. */
static int map_words(struct kn_shelf *s, struct kn_err *err)
{
    struct kn_sparse *words;
    const void *bytes;
    uint64_t at;
    size_t n;
    int fd, rc = kn_dense_section(s->dense, SHELF_WORDS, &bytes, &n, err);

    if (!rc)
        rc = kn_sparse_map(bytes, n, &words, err);
    if (rc)
        return rc == KN_ENOTFOUND ? KN_ECORRUPT : rc;
    if (kn_sparse_rows(words) != kn_shelf_rows(s)) {
        kn_sparse_free(words);
        return kn_err_set(err, KN_ECORRUPT, "index: its words are not of its titles");
    }
    if (n > MAPPED && kn_dense_section_file(s->dense, SHELF_WORDS, &fd, &at, NULL) == KN_OK) {
        kn_sparse_read_short(words, fd, at);
        madvise((void *)bytes, n, MADV_DONTNEED); /* it came in whole, to be verified */
    }
    s->words = words;
    return KN_OK;
}

int kn_shelf_words(struct kn_shelf *s, const struct kn_sparse **out, struct kn_err *err)
{
    int rc = KN_OK;

    pthread_mutex_lock(&s->lock);
    if (!s->words)
        rc = map_words(s, err);
    if (!rc)
        *out = s->words;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* With the lock held: the section is verified once. */
static int find_marks(struct kn_shelf *s, struct kn_err *err)
{
    const void *bytes;
    size_t n;
    int rc = kn_dense_section(s->dense, SHELF_MARKS, &bytes, &n, err);

    if (!rc && n != kn_shelf_rows(s) * sizeof(struct kn_marks))
        rc = kn_err_set(err, KN_ECORRUPT, "index: its marks are not of its titles");
    if (!rc && n > MAPPED) {
        rc = kn_dense_section_file(s->dense, SHELF_MARKS, &s->marks_fd, &s->marks_at, err);
        madvise((void *)bytes, n, MADV_DONTNEED); /* it came in whole, to be verified */
    } else if (!rc) {
        s->marks = bytes;
    }
    s->knows_marks = !rc;
    return rc == KN_ENOTFOUND ? KN_ECORRUPT : rc;
}

int kn_shelf_marks(struct kn_shelf *s, uint32_t row, struct kn_marks *out, struct kn_err *err)
{
    uint64_t at = row * sizeof *out;
    int rc = KN_OK;

    pthread_mutex_lock(&s->lock);
    if (!s->knows_marks)
        rc = find_marks(s, err);
    pthread_mutex_unlock(&s->lock);
    if (rc)
        return rc;
    if (s->marks)
        *out = s->marks[row];
    else if (pread(s->marks_fd, out, sizeof *out, (off_t)(s->marks_at + at)) != sizeof *out)
        return kn_err_set(err, KN_EIO, "index: a title's marks cannot be read from its file");
    return KN_OK;
}

static uint64_t beginning(const struct kn_id *id)
{
    uint64_t n = 0;

    for (size_t i = 0; i < sizeof n; i++)
        n = n << 8 | id->b[i];
    return n;
}

/* The first title that is not before id. Ids are hashes, so where their beginnings say it is nearly right, and each look tells better: four
 * looks where a bisection takes seventeen, nearly all of them cache misses. Ids that are no hashes are bisected after that. */
static size_t place_of_id(const struct kn_shelf *s, const struct kn_id *id)
{
    size_t from = 0, to = s->c.head->titles;
    double key = (double)beginning(id), low = 0, high = 0x1p64;

    for (int looks = 0; from < to; looks++) {
        double share = looks < 6 && high > low ? (key - low) / (high - low) : 0.5;
        size_t at = from + (size_t)(share * (double)(to - from));

        at = at < to ? at : to - 1;
        if (memcmp(&s->c.ids[at], id, sizeof *id) < 0) {
            from = at + 1;
            low = (double)beginning(&s->c.ids[at]);
        } else {
            to = at;
            high = (double)beginning(&s->c.ids[at]);
        }
    }
    return from;
}

bool kn_shelf_find(const struct kn_shelf *s, const struct kn_id *id, uint32_t *first, uint32_t *n)
{
    size_t title = place_of_id(s, id);

    if (title == s->c.head->titles || memcmp(&s->c.ids[title], id, sizeof *id) != 0)
        return false;
    *first = s->c.head->moments ? s->c.firsts[title] : (uint32_t)title;
    *n = s->c.head->moments ? s->c.firsts[title + 1] - *first : 1;
    return true;
}

/* The last title whose first row is not behind this one. */
static size_t title_of(const struct kn_shelf *s, uint32_t row)
{
    size_t from = 0, to = s->c.head->titles;

    if (!s->c.head->moments)
        return row;
    while (from + 1 < to) {
        size_t middle = from + (to - from) / 2;

        if (s->c.firsts[middle] <= row)
            from = middle;
        else
            to = middle;
    }
    return from;
}

void kn_shelf_title(const struct kn_shelf *s, uint32_t row, struct kn_view_title *out,
                    uint32_t *moment)
{
    const struct shelf_columns *c = &s->c;
    size_t t = title_of(s, row);

    *out = (struct kn_view_title){.id = c->ids[t],
                                  .duration = c->durations[t],
                                  .opinion = c->opinions[t],
                                  .year = c->years[t],
                                  .key = c->keys[t],
                                  .genres = c->text + c->texts[c->genres[t]]};
    memcpy(out->language, c->names[c->languages[t]].tag, sizeof out->language);
    *moment = c->head->moments ? c->moments[row] : 0;
}

/* ---- filters ---- */

static void set_rows(const struct shelf_columns *c, size_t title, uint64_t *bits)
{
    for (uint32_t r = c->firsts[title]; r < c->firsts[title + 1]; r++)
        bits[r / 64] |= UINT64_C(1) << r % 64;
}

/* Languages and genres are asked once for each that there is, not for each title. */
static int fill(const struct shelf_columns *c, const struct kn_filter *f, uint64_t *bits,
                struct kn_err *err)
{
    bool *spoken = malloc(c->head->languages + 1), *of_genre = malloc(c->head->genres + 1);
    bool any_time =
        !f->year_from && !f->year_to && !(f->duration_from > 0) && !(f->duration_to > 0);

    if (!spoken || !of_genre) {
        free(spoken);
        free(of_genre);
        return kn_err_set(err, KN_ELIMIT, "library: no memory to filter %llu titles",
                          (unsigned long long)c->head->titles);
    }
    for (size_t i = 0; i < c->head->languages; i++)
        spoken[i] = kn_filter_language(f, c->names[i].tag);
    for (size_t i = 0; i < c->head->genres; i++)
        of_genre[i] = kn_filter_genres(f, c->text + c->texts[i]);
    for (size_t t = 0; t < c->head->titles; t++) {
        uint64_t pass = spoken[c->languages[t]] & of_genre[c->genres[t]];

        if (pass && !any_time)
            pass = kn_filter_times(f, c->years[t], c->durations[t]);
        if (!c->head->moments)
            bits[t / 64] |= pass << t % 64;
        else if (pass)
            set_rows(c, t, bits);
    }
    free(spoken);
    free(of_genre);
    return KN_OK;
}

/* With the lock held. The place of the filter with this key; where there is none, of the one that was not used for the longest
 * time, its bits NULL. */
static struct kept *place_of(struct kn_shelf *s, const struct kn_buf *key)
{
    struct kept *oldest = &s->kept[0];

    for (size_t i = 0; i < FILTERS; i++) {
        struct kept *k = &s->kept[i];

        if (k->bits && k->key.n == key->n && memcmp(k->key.data, key->data, key->n) == 0)
            return k;
        if (k->used < oldest->used)
            oldest = k;
    }
    free(oldest->bits);
    oldest->bits = NULL;
    return oldest;
}

static int filter_with(struct kn_shelf *s, const struct kn_filter *f, struct kn_buf *key,
                       uint64_t *bits, struct kn_err *err)
{
    size_t words = kn_shelf_rows(s) / 64 + 1;
    struct kept *k = place_of(s, key);
    int rc = KN_OK;

    if (!k->bits) {
        k->bits = calloc(words, sizeof *k->bits);
        if (!k->bits)
            return kn_err_set(err, KN_ELIMIT, "library: no memory to filter %zu vectors",
                              kn_shelf_rows(s));
        kn_buf_clear(&k->key);
        rc = kn_buf_add(&k->key, key->data, key->n, err);
        if (!rc)
            rc = fill(&s->c, f, k->bits, err);
    }
    k->used = ++s->clock;
    if (rc) {
        free(k->bits);
        k->bits = NULL;
    } else {
        memcpy(bits, k->bits, words * sizeof *bits);
    }
    return rc;
}

int kn_shelf_filter(struct kn_shelf *s, const struct kn_filter *f, uint64_t *bits,
                    struct kn_err *err)
{
    size_t rows = kn_shelf_rows(s);
    struct kn_buf key;
    int rc;

    if (kn_filter_is_open(f)) {
        memset(bits, 0xFF, rows / 64 * sizeof *bits);
        bits[rows / 64] = (UINT64_C(1) << rows % 64) - 1;
        return KN_OK;
    }
    kn_buf_init(&key, KEY_MAX);
    rc = kn_filter_key(f, &key, err);
    if (!rc) {
        pthread_mutex_lock(&s->lock);
        rc = filter_with(s, f, &key, bits, err);
        pthread_mutex_unlock(&s->lock);
    }
    kn_buf_free(&key);
    return rc;
}
