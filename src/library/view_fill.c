/* A view's tail, and what it hides of its shelf. */
#include "library/view_internal.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

int kn_view_hide(struct kn_view *v, const struct kn_id *id, struct kn_err *err)
{
    uint32_t first, n;

    if (!v->shelf || !kn_shelf_find(v->shelf, id, &first, &n))
        return KN_OK;
    if (!v->hidden)
        v->hidden = calloc(kn_shelf_rows(v->shelf) / 64 + 1, sizeof *v->hidden);
    if (!v->hidden)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for what changed in it");
    for (uint32_t r = first; r < first + n; r++)
        v->hidden[r / 64] |= UINT64_C(1) << r % 64;
    return KN_OK;
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
    struct view_entry *entries = grown(v->entries, v->n_entries, &v->cap_entries, sizeof *entries);
    char *genres = strdup(title->genres);

    v->entries = entries ? entries : v->entries;
    if (!entries || !genres) {
        free(genres);
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", v->n_entries + 1);
    }
    entries[v->n_entries] = (struct view_entry){.title = *title, .first_row = (uint32_t)v->n_rows};
    entries[v->n_entries++].title.genres = genres;
    return KN_OK;
}

int kn_view_add_row(struct kn_view *v, const float *vector, uint32_t moment, struct kn_err *err)
{
    struct view_row *rows = grown(v->rows, v->n_rows, &v->cap_rows, sizeof *rows);
    int rc;

    if (!rows)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu vectors", v->n_rows + 1);
    v->rows = rows;
    rc = kn_exact_add(v->index, vector, err);
    if (rc)
        return rc;
    rows[v->n_rows++] = (struct view_row){(uint32_t)(v->n_entries - 1), moment};
    v->entries[v->n_entries - 1].rows++;
    return KN_OK;
}

int kn_view_add_terms(struct kn_view *v, const struct kn_term *terms, size_t n,
                      const struct kn_marks *marks, struct kn_err *err)
{
    struct view_entry *e = &v->entries[v->n_entries - 1];

    v->with_words = true;
    e->terms = malloc((n + 1) * sizeof *e->terms);
    if (!e->terms)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu words", n);
    if (n > 0)
        memcpy(e->terms, terms, n * sizeof *terms);
    e->n_terms = (uint32_t)n;
    e->marks = *marks;
    return KN_OK;
}

/* Its own terms are kept beside the built lists: the next view weighs them anew, among others. */
int kn_view_end(struct kn_view *v, struct kn_err *err)
{
    const struct kn_sparse *base = NULL;
    int rc;

    if (!v->with_words || v->n_entries == 0)
        return KN_OK;
    rc = v->shelf ? kn_shelf_words(v->shelf, &base, err) : KN_OK;
    if (!rc)
        rc = kn_sparse_new(&v->words, err);
    for (size_t i = 0; !rc && i < v->n_entries; i++)
        rc = kn_sparse_add(v->words, v->entries[i].terms, v->entries[i].n_terms, err);
    return rc ? rc : kn_sparse_build(v->words, base, err);
}

size_t kn_view_tail(const struct kn_view *v)
{
    return v->n_entries;
}

const struct kn_id *kn_view_tail_id(const struct kn_view *v, size_t i)
{
    return &v->entries[i].title.id;
}

int kn_view_take(struct kn_view *v, const struct kn_view *old, size_t i, struct kn_err *err)
{
    const struct view_entry *e = &old->entries[i];
    int rc = kn_view_add_title(v, &e->title, err);

    for (uint32_t r = e->first_row; !rc && r < e->first_row + e->rows; r++)
        rc = kn_view_add_row(v, kn_exact_row(old->index, r), old->rows[r].moment, err);
    return rc || !old->with_words ? rc : kn_view_add_terms(v, e->terms, e->n_terms, &e->marks, err);
}
