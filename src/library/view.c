#include "library/view_internal.h"

#include "base/err.h"
#include "library/filter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int kn_view_new(size_t dim, uint64_t stamp, const char *model, struct kn_shelf *shelf,
                struct kn_view **out, struct kn_err *err)
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
    snprintf(v->model, sizeof v->model, "%s", model ? model : "");
    v->shelf = shelf ? kn_shelf_use(shelf) : NULL;
    *out = v;
    return KN_OK;
}

int kn_view_new_after(const struct kn_view *old, uint64_t stamp, struct kn_view **out,
                      struct kn_err *err)
{
    size_t bytes = old->hidden ? (kn_shelf_rows(old->shelf) / 64 + 1) * sizeof *old->hidden : 0;
    struct kn_view *v;
    int rc = kn_view_new(old->dim, stamp, old->model, old->shelf, &v, err);

    if (rc)
        return rc;
    if (bytes > 0 && !(v->hidden = malloc(bytes))) {
        kn_view_drop(v);
        return kn_err_set(err, KN_ELIMIT, "library: no memory for what changed in it");
    }
    if (bytes > 0)
        memcpy(v->hidden, old->hidden, bytes);
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
    kn_shelf_drop(v->shelf);
    for (size_t i = 0; i < v->n_entries; i++) {
        free((char *)v->entries[i].title.genres);
        free(v->entries[i].terms);
    }
    free(v->hidden);
    free(v->entries);
    free(v->rows);
    free(v);
}

uint64_t kn_view_stamp(const struct kn_view *v)
{
    return v->stamp;
}

bool kn_view_is_of(const struct kn_view *v, size_t dim, const char *model)
{
    return v->dim == dim && strcmp(v->model, model) == 0;
}

struct kn_shelf *kn_view_shelf(const struct kn_view *v)
{
    return v->shelf;
}

/* ---- which rows may be found ---- */

static int compare_entry(const void *id, const void *entry)
{
    return memcmp(id, &((const struct view_entry *)entry)->title.id, sizeof(struct kn_id));
}

static const struct view_entry *entry_of(const struct kn_view *v,
                                         const struct kn_id *id) /* or NULL */
{
    return v->n_entries ? bsearch(id, v->entries, v->n_entries, sizeof *v->entries, compare_entry)
                        : NULL;
}

static void set_rows(uint64_t *bits, uint32_t first, uint32_t n, bool on)
{
    for (uint32_t r = first; r < first + n; r++) {
        if (on)
            bits[r / 64] |= UINT64_C(1) << r % 64;
        else
            bits[r / 64] &= ~(UINT64_C(1) << r % 64);
    }
}

/* One bit a row of the tail; NULL where all may. */
static int allowed_in_tail(const struct kn_view *v, const struct kn_filter *f, uint64_t **out,
                           struct kn_err *err)
{
    uint64_t *bits;

    *out = NULL;
    if (!f || v->n_rows == 0)
        return KN_OK;
    bits = calloc(v->n_rows / 64 + 1, sizeof *bits);
    if (!bits)
        return kn_err_set(err, KN_ELIMIT, "library: no memory to filter %zu vectors", v->n_rows);
    for (size_t i = 0; i < v->n_entries; i++) {
        const struct kn_view_title *t = &v->entries[i].title;

        if (kn_filter_language(f, t->language) && kn_filter_genres(f, t->genres) &&
            kn_filter_times(f, t->year, t->duration))
            set_rows(bits, v->entries[i].first_row, v->entries[i].rows, true);
    }
    for (size_t i = 0; i < f->n_exclude; i++) {
        const struct view_entry *e = entry_of(v, &f->exclude[i]);

        if (e)
            set_rows(bits, e->first_row, e->rows, false);
    }
    *out = bits;
    return KN_OK;
}

/* The same for the shelf. */
static int allowed_on_shelf(const struct kn_view *v, const struct kn_filter *f, uint64_t **out,
                            struct kn_err *err)
{
    size_t words = v->shelf ? kn_shelf_rows(v->shelf) / 64 + 1 : 0;
    uint32_t first, n;
    uint64_t *bits;
    int rc;

    *out = NULL;
    if (!v->shelf || (!v->hidden && kn_filter_is_open(f) && (!f || f->n_exclude == 0)))
        return KN_OK;
    bits = malloc(words * sizeof *bits);
    if (!bits)
        return kn_err_set(err, KN_ELIMIT, "library: no memory to filter %zu vectors",
                          kn_shelf_rows(v->shelf));
    rc = kn_shelf_filter(v->shelf, f, bits, err);
    if (rc) {
        free(bits);
        return rc;
    }
    for (size_t i = 0; v->hidden && i < words; i++)
        bits[i] &= ~v->hidden[i];
    for (size_t i = 0; f && i < f->n_exclude; i++)
        if (kn_shelf_find(v->shelf, &f->exclude[i], &first, &n))
            set_rows(bits, first, n, false);
    *out = bits;
    return KN_OK;
}

/* ---- searches ---- */

struct found { /* a row and how good it is */
    const struct kn_view *v;
    bool in_tail;
    uint32_t row, moment;
    float score;
    struct kn_id id;
};

static void title_of(const struct found *f, struct kn_view_title *t, uint32_t *moment)
{
    if (f->in_tail) {
        *t = f->v->entries[f->v->rows[f->row].entry].title;
        *moment = f->v->rows[f->row].moment;
    } else {
        kn_shelf_title(f->v->shelf, f->row, t, moment);
    }
}

static int best_first(const void *pa, const void *pb)
{
    const struct found *a = pa, *b = pb;
    int ids;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    ids = memcmp(&a->id, &b->id, sizeof a->id);
    return ids ? ids : (a->moment > b->moment) - (a->moment < b->moment);
}

/* What either part found, at most k of each, and of both the k best. */
struct pair {
    uint64_t *allowed[2]; /* on the shelf, in the tail */
    struct found *found;  /* room for both */
    size_t n, k;
};

static void drop_pair(struct pair *p)
{
    free(p->allowed[0]);
    free(p->allowed[1]);
    free(p->found);
}

static int begin(const struct kn_view *v, const struct kn_filter *f, size_t k, struct pair *p,
                 struct kn_err *err)
{
    size_t most = v->n_rows + (v->shelf ? kn_shelf_rows(v->shelf) : 0);
    int rc;

    *p = (struct pair){.k = k < most ? k : most};
    rc = allowed_on_shelf(v, f, &p->allowed[0], err);
    if (!rc)
        rc = allowed_in_tail(v, f, &p->allowed[1], err);
    if (!rc)
        p->found = malloc((2 * p->k + 1) * sizeof *p->found);
    if (!rc && !p->found)
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", p->k);
    return rc;
}

static void keep(const struct kn_view *v, struct pair *p, bool in_tail, uint32_t row, float score)
{
    struct found *f = &p->found[p->n++];
    struct kn_view_title t;

    *f = (struct found){.v = v, .in_tail = in_tail, .row = row, .score = score};
    title_of(f, &t, &f->moment);
    f->id = t.id;
}

static void cut(const struct kn_view *v, struct pair *p)
{
    if (p->n > 0 && v->shelf && v->n_rows > 0)
        qsort(p->found, p->n, sizeof *p->found, best_first);
    p->n = p->n < p->k ? p->n : p->k;
}

static size_t rows_of(const struct kn_view *v, bool in_tail)
{
    return in_tail ? v->n_rows : v->shelf ? kn_shelf_rows(v->shelf) : 0;
}

static int search(const struct kn_view *v, const float *vector, size_t dim,
                  const struct kn_filter *filter, size_t k, struct pair *p, struct kn_err *err)
{
    struct kn_exact_hit *hits = NULL;
    int rc = kn_check_query(vector, dim, v->dim, err);

    *p = (struct pair){0};
    if (!rc)
        rc = begin(v, filter, k, p, err);
    if (!rc && !(hits = malloc((p->k + 1) * sizeof *hits)))
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", p->k);
    for (int part = 0; !rc && part < 2; part++) {
        size_t most = rows_of(v, part), n = 0;

        most = p->k < most ? p->k : most;
        if (most == 0)
            continue;
        if (part == 1)
            n = kn_exact_search(v->index, vector, p->allowed[1], most, hits);
        else
            rc = kn_dense_search(kn_shelf_dense(v->shelf), vector, p->allowed[0], most, hits, &n,
                                 err);
        for (size_t i = 0; !rc && i < n; i++)
            keep(v, p, part, hits[i].row, hits[i].similarity);
    }
    free(hits);
    if (rc)
        drop_pair(p);
    else
        cut(v, p);
    return rc;
}

static struct kn_hit hit_of(const struct found *f) /* its measures not known */
{
    struct kn_view_title t;
    struct kn_hit hit;
    uint32_t moment;

    title_of(f, &t, &moment);
    hit = (struct kn_hit){.id = t.id, .opinion = t.opinion};
    hit.similarity = hit.words = (double)NAN;
    memcpy(hit.language, t.language, sizeof hit.language);
    return hit;
}

int kn_view_similar(const struct kn_view *v, const float *vector, size_t dim,
                    const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                    struct kn_err *err)
{
    struct pair p;
    int rc = search(v, vector, dim, filter, k, &p, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < p.n; i++) {
        hits[i] = hit_of(&p.found[i]);
        hits[i].similarity = (double)p.found[i].score;
    }
    *n = p.n;
    drop_pair(&p);
    return KN_OK;
}

int kn_view_moments(const struct kn_view *v, const float *vector, size_t dim,
                    const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits, size_t *n,
                    struct kn_err *err)
{
    struct pair p;
    int rc = search(v, vector, dim, filter, k, &p, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < p.n; i++)
        hits[i] = (struct kn_moment_hit){.id = p.found[i].id,
                                         .moment = p.found[i].moment,
                                         .similarity = (double)p.found[i].score};
    *n = p.n;
    drop_pair(&p);
    return KN_OK;
}

/* Both parts' words; NULL where there are none. */
static int words_of(const struct kn_view *v, const struct kn_sparse *words[2], struct kn_err *err)
{
    words[0] = NULL;
    words[1] = v->words;
    return v->shelf ? kn_shelf_words(v->shelf, &words[0], err) : KN_OK;
}

int kn_view_shared_words(const struct kn_view *v, const struct kn_wording *wording,
                         const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                         struct kn_err *err)
{
    const struct kn_sparse *words[2];
    struct kn_sparse_hit *some = NULL;
    struct kn_sparse_text text = {0};
    struct pair p = {0};
    int rc = words_of(v, words, err);

    if (!rc)
        rc = begin(v, filter, k, &p, err);
    if (!rc && !(some = malloc((p.k + 1) * sizeof *some)))
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory for %zu hits", p.k);
    if (!rc && (words[0] || words[1])) /* the tail's know the shelf's too */
        kn_sparse_weigh(words[1] ? words[1] : words[0], wording->terms, wording->n_terms, &text);
    for (int part = 0; !rc && part < 2; part++) {
        size_t count = 0;

        if (words[part])
            rc = kn_sparse_search(words[part], &text, p.allowed[part], p.k, some, &count, err);
        for (size_t i = 0; !rc && i < count; i++)
            keep(v, &p, part, some[i].row, some[i].score);
    }
    if (!rc) {
        cut(v, &p);
        for (size_t i = 0; i < p.n; i++) {
            hits[i] = hit_of(&p.found[i]);
            hits[i].words = (double)p.found[i].score;
        }
        *n = p.n;
    }
    free(some);
    drop_pair(&p);
    return rc;
}

static bool on_shelf(const struct kn_view *v, const struct kn_id *id, uint32_t *row)
{
    uint32_t n;

    return v->shelf && kn_shelf_find(v->shelf, id, row, &n) &&
           !(v->hidden && (v->hidden[*row / 64] >> *row % 64 & 1));
}

uint32_t kn_view_key(const struct kn_view *v, const struct kn_id *id)
{
    const struct view_entry *e = entry_of(v, id);
    struct kn_view_title t = {.key = 0};
    uint32_t row, moment;

    if (e)
        return e->title.key;
    if (on_shelf(v, id, &row))
        kn_shelf_title(v->shelf, row, &t, &moment);
    return t.key;
}

static int marks_of(const struct kn_view *v, const struct kn_id *id, struct kn_marks *out,
                    bool *known, struct kn_err *err)
{
    const struct view_entry *e = entry_of(v, id);
    uint32_t row;

    *known = e || on_shelf(v, id, &row);
    if (e)
        *out = e->marks;
    return e || !*known ? KN_OK : kn_shelf_marks(v->shelf, row, out, err);
}

int kn_view_alike(const struct kn_view *v, const struct kn_id *ids, size_t n, bool *alike,
                  struct kn_err *err)
{
    struct kn_marks *marks = calloc(n + 1, sizeof *marks);
    bool *known = calloc(n + 1, sizeof *known);
    int rc = KN_OK;

    if (!marks || !known)
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory to compare %zu titles", n);
    for (size_t i = 0; i < n && !rc; i++)
        rc = marks_of(v, &ids[i], &marks[i], &known[i], err);
    if (!rc)
        rc = kn_marks_alike(marks, n, alike, err);
    for (size_t i = 0; i < n && !rc; i++)
        alike[i] = alike[i] || !known[i];
    free(marks);
    free(known);
    return rc;
}

/* Those on the shelf, all at once. */
static int compare_on_shelf(const struct kn_view *v, const float *vector, const uint32_t *rows,
                            const size_t *places, size_t n, double *out, struct kn_err *err)
{
    float *similarities = malloc((n + 1) * sizeof *similarities);
    int rc = KN_OK;

    if (!similarities)
        return kn_err_set(err, KN_ELIMIT, "library: no memory to compare %zu titles", n);
    if (n > 0)
        rc = kn_dense_compare(kn_shelf_dense(v->shelf), vector, rows, n, similarities, err);
    for (size_t i = 0; !rc && i < n; i++)
        out[places[i]] = (double)similarities[i];
    free(similarities);
    return rc;
}

int kn_view_similarities(const struct kn_view *v, const float *vector, size_t dim,
                         const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    uint32_t *rows = malloc((n + 1) * sizeof *rows);
    size_t *places = malloc((n + 1) * sizeof *places), count = 0;
    int rc = kn_check_query(vector, dim, v->dim, err);

    if (!rc && (!rows || !places))
        rc = kn_err_set(err, KN_ELIMIT, "library: no memory to compare %zu titles", n);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct view_entry *e = entry_of(v, &ids[i]);
        float similarity;

        out[i] = (double)NAN;
        if (e) {
            kn_exact_compare(v->index, vector, &e->first_row, 1, &similarity);
            out[i] = (double)similarity;
        } else if (on_shelf(v, &ids[i], &rows[count])) {
            places[count++] = i;
        }
    }
    if (!rc)
        rc = compare_on_shelf(v, vector, rows, places, count, out, err);
    free(rows);
    free(places);
    return rc;
}
