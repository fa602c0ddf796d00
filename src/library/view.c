#include "library/view.h"

#include "base/err.h"
#include "index/exact.h"
#include "index/sparse.h"
#include "library/backend.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct entry {
    struct kn_view_title title; /* its genres are this entry's own */
    uint32_t first_row, rows;
};

struct row {
    uint32_t entry, moment;
};

struct kn_view {
    atomic_size_t users;
    uint64_t stamp;
    size_t dim;
    struct kn_exact *index;  /* NULL when dim is 0 */
    struct kn_sparse *words; /* a row a title; NULL in a view of moments */
    struct entry *entries;
    struct row *rows;
    size_t n_entries, cap_entries, n_rows, cap_rows;
};

int kn_view_new(size_t dim, uint64_t stamp, struct kn_view **out, struct kn_err *err)
{
    struct kn_view *v = calloc(1, sizeof *v);
    int rc;

    if (!v)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for its vectors");
    if (dim > 0) {
        rc = kn_exact_new(dim, &v->index, err);
        if (rc) {
            free(v);
            return rc;
        }
    }
    atomic_init(&v->users, 1);
    v->stamp = stamp;
    v->dim = dim;
    *out = v;
    return KN_OK;
}

struct kn_view *kn_view_use(struct kn_view *v)
{
    atomic_fetch_add(&v->users, 1);
    return v;
}

void kn_view_drop(struct kn_view *v)
{
    if (!v || atomic_fetch_sub(&v->users, 1) > 1)
        return;
    kn_exact_free(v->index);
    kn_sparse_free(v->words);
    for (size_t i = 0; i < v->n_entries; i++)
        free((char *)v->entries[i].title.genres);
    free(v->entries);
    free(v->rows);
    free(v);
}

uint64_t kn_view_stamp(const struct kn_view *v)
{
    return v->stamp;
}

/* Room for one more in an array that doubles; NULL without memory, and then all is as it was. */
static void *grown(void *array, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap ? 2 * *cap : 64;
    void *p;

    if (n < *cap)
        return array;
    p = realloc(array, more * size);
    if (p)
        *cap = more;
    return p;
}

int kn_view_add_title(struct kn_view *v, const struct kn_view_title *title, struct kn_err *err)
{
    struct entry *entries = grown(v->entries, v->n_entries, &v->cap_entries, sizeof *entries);
    char *genres = strdup(title->genres);

    v->entries = entries ? entries : v->entries;
    if (!entries || !genres) {
        free(genres);
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", v->n_entries + 1);
    }
    entries[v->n_entries] = (struct entry){*title, (uint32_t)v->n_rows, 0};
    entries[v->n_entries++].title.genres = genres;
    return KN_OK;
}

int kn_view_add_row(struct kn_view *v, const float *vector, uint32_t moment, struct kn_err *err)
{
    struct row *rows = grown(v->rows, v->n_rows, &v->cap_rows, sizeof *rows);
    int rc;

    if (!rows)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu vectors", v->n_rows + 1);
    v->rows = rows;
    rc = kn_exact_add(v->index, vector, err);
    if (rc)
        return rc;
    rows[v->n_rows++] = (struct row){(uint32_t)(v->n_entries - 1), moment};
    v->entries[v->n_entries - 1].rows++;
    return KN_OK;
}

int kn_view_add_terms(struct kn_view *v, const struct kn_term *terms, size_t n, struct kn_err *err)
{
    int rc = v->words ? KN_OK : kn_sparse_new(&v->words, err);

    return rc ? rc : kn_sparse_add(v->words, terms, n, err);
}

int kn_view_end(struct kn_view *v, struct kn_err *err)
{
    return v->words ? kn_sparse_build(v->words, NULL, err) : KN_OK;
}

/* RFC 4647 basic filtering: "es" is in "es-MX", in any case of letters. */
static bool in_language(const char *wanted, const char *language)
{
    size_t n = strlen(wanted);

    return strncasecmp(wanted, language, n) == 0 && (language[n] == '\0' || language[n] == '-');
}

/* genres: "Drama, Western". */
static bool in_genre(const char *wanted, const char *genres)
{
    size_t length = strlen(wanted);

    for (const char *g = genres; *g;) {
        size_t n;

        g += strspn(g, ", ");
        n = strcspn(g, ",");
        if (n == length && strncasecmp(g, wanted, n) == 0)
            return true;
        g += n;
    }
    return false;
}

static bool has_genre(const struct kn_filter *f, const char *genres)
{
    for (size_t i = 0; i < f->n_genres; i++)
        if (in_genre(f->genres[i], genres))
            return true;
    return f->n_genres == 0;
}

static bool passes(const struct kn_filter *f, const char *language, const char *genres, int year,
                   double duration)
{
    bool spoken = f->n_languages == 0 || (f->or_unknown && language[0] == '\0');

    for (size_t i = 0; i < f->n_languages && !spoken; i++)
        spoken = f->languages[i][0] != '\0' ? in_language(f->languages[i], language)
                                            : language[0] == '\0';
    if (!spoken || !has_genre(f, genres))
        return false;
    if ((f->year_from || f->year_to) && !year)
        return false;
    if ((f->year_from && year < f->year_from) || (f->year_to && year > f->year_to))
        return false;
    if ((f->duration_from > 0 || f->duration_to > 0) && !(duration > 0))
        return false;
    return !(f->duration_from > 0 && duration < f->duration_from) &&
           !(f->duration_to > 0 && duration > f->duration_to);
}

bool kn_filter_passes(const struct kn_filter *f, const struct kn_title *t)
{
    for (size_t i = 0; i < f->n_exclude; i++)
        if (memcmp(&f->exclude[i], &t->id, sizeof t->id) == 0)
            return false;
    return passes(f, t->language, t->genres, t->year, t->duration);
}

static void set_rows(uint64_t *bits, const struct entry *e, bool on)
{
    for (uint32_t r = e->first_row; r < e->first_row + e->rows; r++) {
        if (on)
            bits[r / 64] |= UINT64_C(1) << r % 64;
        else
            bits[r / 64] &= ~(UINT64_C(1) << r % 64);
    }
}

static int compare_entry(const void *id, const void *entry)
{
    return memcmp(id, &((const struct entry *)entry)->title.id, sizeof(struct kn_id));
}

static const struct entry *entry_of(const struct kn_view *v, const struct kn_id *id) /* or NULL */
{
    return v->n_entries ? bsearch(id, v->entries, v->n_entries, sizeof *v->entries, compare_entry)
                        : NULL;
}

/* One bit a row; NULL for a filter that lets all pass. */
static int allowed_rows(const struct kn_view *v, const struct kn_filter *f, uint64_t **out,
                        struct kn_err *err)
{
    uint64_t *bits;

    if (!f || v->n_rows == 0) {
        *out = NULL;
        return KN_OK;
    }
    bits = calloc(v->n_rows / 64 + 1, sizeof *bits);
    if (!bits)
        return kn_err_set(err, KN_ELIMIT, "library: no memory to filter %zu vectors", v->n_rows);
    for (size_t i = 0; i < v->n_entries; i++) {
        const struct kn_view_title *t = &v->entries[i].title;

        if (passes(f, t->language, t->genres, t->year, t->duration))
            set_rows(bits, &v->entries[i], true);
    }
    for (size_t i = 0; i < f->n_exclude; i++) {
        const struct entry *e = entry_of(v, &f->exclude[i]);

        if (e)
            set_rows(bits, e, false);
    }
    *out = bits;
    return KN_OK;
}

/* *out is for the caller to free. */
static int search(const struct kn_view *v, const float *vector, size_t dim,
                  const struct kn_filter *filter, size_t k, struct kn_exact_hit **out, size_t *n,
                  struct kn_err *err)
{
    struct kn_exact_hit *hits = NULL;
    uint64_t *allowed = NULL;
    int rc = kn_check_query(vector, dim, v->dim, err);

    if (rc)
        return rc;
    if (k > v->n_rows)
        k = v->n_rows;
    rc = allowed_rows(v, filter, &allowed, err);
    if (rc)
        return rc;
    hits = calloc(k ? k : 1, sizeof *hits);
    if (!hits) {
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", k);
        goto out;
    }
    *n = k ? kn_exact_search(v->index, vector, allowed, k, hits) : 0;
    *out = hits;
out:
    free(allowed);
    return rc;
}

static struct kn_hit hit_of(const struct kn_view *v, uint32_t row) /* its measures not known */
{
    const struct kn_view_title *t = &v->entries[v->rows[row].entry].title;
    struct kn_hit hit = {.id = t->id, .opinion = t->opinion};

    hit.similarity = hit.words = (double)NAN;
    memcpy(hit.language, t->language, sizeof hit.language);
    return hit;
}

int kn_view_similar(const struct kn_view *v, const float *vector, size_t dim,
                    const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                    struct kn_err *err)
{
    struct kn_exact_hit *found;
    size_t count;
    int rc = search(v, vector, dim, filter, k, &found, &count, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        hits[i] = hit_of(v, found[i].row);
        hits[i].similarity = (double)found[i].similarity;
    }
    *n = count;
    free(found);
    return KN_OK;
}

int kn_view_shared_words(const struct kn_view *v, const struct kn_wording *wording,
                         const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                         struct kn_err *err)
{
    struct kn_sparse_hit *found = NULL;
    uint64_t *allowed = NULL;
    size_t count = 0;
    int rc;

    if (k > v->n_rows)
        k = v->n_rows;
    rc = allowed_rows(v, filter, &allowed, err);
    if (rc)
        return rc;
    found = calloc(k ? k : 1, sizeof *found);
    if (!found)
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", k);
    if (!rc && k) {
        struct kn_sparse_text text;

        kn_sparse_weigh(v->words, wording->terms, wording->n_terms, &text);
        rc = kn_sparse_search(v->words, &text, allowed, k, found, &count, err);
    }
    for (size_t i = 0; !rc && i < count; i++) {
        hits[i] = hit_of(v, found[i].row);
        hits[i].words = (double)found[i].score;
    }
    if (!rc)
        *n = count;
    free(found);
    free(allowed);
    return rc;
}

int kn_view_similarities(const struct kn_view *v, const float *vector, size_t dim,
                         const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    int rc = kn_check_query(vector, dim, v->dim, err);

    for (size_t i = 0; !rc && i < n; i++) {
        const struct entry *e = entry_of(v, &ids[i]);
        float similarity;

        out[i] = (double)NAN;
        if (!e)
            continue;
        kn_exact_compare(v->index, vector, &e->first_row, 1, &similarity);
        out[i] = (double)similarity;
    }
    return rc;
}

int kn_view_moments(const struct kn_view *v, const float *vector, size_t dim,
                    const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits, size_t *n,
                    struct kn_err *err)
{
    struct kn_exact_hit *found;
    size_t count;
    int rc = search(v, vector, dim, filter, k, &found, &count, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        const struct row *r = &v->rows[found[i].row];

        hits[i] = (struct kn_moment_hit){.id = v->entries[r->entry].title.id,
                                         .moment = r->moment,
                                         .similarity = (double)found[i].similarity};
    }
    *n = count;
    free(found);
    return KN_OK;
}
