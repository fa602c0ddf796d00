#include "base/arena.h"
#include "base/err.h"
#include "library/backend.h"
#include "library/match.h"
#include "library/record.h"
#include "library/view.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct title {
    struct kn_arena *arena; /* holds all that record points at */
    struct kn_record record;
    const char **paths; /* record.title.paths, to take from */
    struct kn_wording wording;
    char *folded;
    size_t model; /* its vectors' place in models; of no meaning without any */
    bool gone;    /* its last path was taken */
};

struct model {
    char name[KN_MAX_MODEL_NAME + 1];
    size_t dim;
};

struct memory {
    struct kn_library base;
    pthread_rwlock_t lock; /* over all below but the views */
    struct title **titles; /* in order of id */
    size_t n, cap;
    struct model *models;
    size_t n_models, model; /* model: the present one; n_models 0: none */
    uint64_t changes;
    pthread_mutex_t view_lock; /* taken inside lock */
    struct kn_view *by_title, *by_moment;
};

static struct memory *memory_of(struct kn_library *lib)
{
    return (struct memory *)lib;
}

static size_t dim_of(const struct memory *m)
{
    return m->n_models ? m->models[m->model].dim : 0;
}

static bool has_vectors(const struct memory *m, const struct title *t)
{
    return m->n_models > 0 && t->model == m->model;
}

/* The title as it stands, with all that follows from what became of its path and its model. */
static struct kn_record standing(const struct memory *m, const struct title *t)
{
    struct kn_record r = t->record;

    if (t->gone) {
        r.title.state = KN_STATE_MISSING;
        r.title.reason = KN_REASON_TAKEN;
    } else if (r.title.state == KN_STATE_READY && !has_vectors(m, t)) {
        r.title.state = KN_STATE_PENDING;
    }
    return r;
}

/* Where id is, or would be. */
static size_t place_of(const struct memory *m, const struct kn_id *id, bool *found)
{
    size_t low = 0, high = m->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(&m->titles[middle]->record.title.id, id, sizeof *id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < m->n && memcmp(&m->titles[low]->record.title.id, id, sizeof *id) == 0;
    return low;
}

static void title_free(struct title *t)
{
    if (!t)
        return;
    kn_arena_free(t->arena);
    free(t);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In order, each once. */
static void settle_paths(struct title *t)
{
    struct kn_title *title = &t->record.title;
    size_t n = 0;

    t->paths = (const char **)title->paths; /* the array is this title's own copy */
    if (title->n_paths > 0)
        qsort(t->paths, title->n_paths, sizeof *t->paths, by_text);
    for (size_t i = 0; i < title->n_paths; i++)
        if (i == 0 || strcmp(t->paths[i], t->paths[n - 1]) != 0)
            t->paths[n++] = t->paths[i];
    title->n_paths = n;
}

static int title_new(const struct memory *m, const struct kn_record *r, struct title **out,
                     struct kn_err *err)
{
    const unsigned all = KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS;
    struct title *t = calloc(1, sizeof *t);
    struct kn_buf folded;
    int rc;

    if (!t || !(t->arena = kn_arena_new(0))) {
        free(t);
        return kn_arena_full("a title", err);
    }
    kn_buf_init(&folded, 0);
    rc = kn_record_copy(r, all, dim_of(m), t->arena, &t->record, err);
    if (!rc)
        rc = kn_fold_name(t->record.title.name, &folded, err);
    if (!rc)
        rc = kn_wording_of(r->segments, r->n_segments, &t->wording, err);
    if (rc)
        goto out;
    t->folded = kn_arena_text(t->arena, folded.data);
    if (!t->folded) {
        rc = kn_arena_full("a title's name", err);
        goto out;
    }
    settle_paths(t);
    t->model = m->model;
    *out = t;
out:
    kn_buf_free(&folded);
    if (rc)
        title_free(t);
    return rc;
}

static void lose_path(struct title *t, const char *path)
{
    struct kn_title *title = &t->record.title;
    size_t left = 0;

    for (size_t i = 0; i < title->n_paths; i++)
        if (strcmp(t->paths[i], path) != 0)
            t->paths[left++] = t->paths[i];
    t->gone = t->gone || (left == 0 && title->n_paths > 0);
    title->n_paths = left;
}

/* Takes t; there is room. */
static void insert_take(struct memory *m, struct title *t)
{
    bool found;
    size_t at = place_of(m, &t->record.title.id, &found);

    for (size_t p = 0; p < t->record.title.n_paths; p++)
        for (size_t i = 0; i < m->n; i++)
            if (!found || i != at)
                lose_path(m->titles[i], t->paths[p]);
    if (found) {
        title_free(m->titles[at]);
    } else {
        memmove(m->titles + at + 1, m->titles + at, (m->n - at) * sizeof(struct title *));
        m->n++;
    }
    m->titles[at] = t;
}

static int make_room(struct memory *m, size_t n, struct kn_err *err)
{
    struct title **titles;

    if (m->n + n <= m->cap)
        return KN_OK;
    titles = realloc(m->titles, 2 * (m->n + n) * sizeof(struct title *));
    if (!titles)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", m->n + n);
    m->titles = titles;
    m->cap = 2 * (m->n + n);
    return KN_OK;
}

static int memory_put(struct kn_library *lib, const struct kn_record *records, size_t n,
                      struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    struct title **made = calloc(n, sizeof(struct title *));
    int rc = KN_OK;

    if (!made)
        return kn_err_set(err, KN_ELIMIT, "library: no memory for %zu titles", n);
    pthread_rwlock_wrlock(&m->lock);
    for (size_t i = 0; i < n && !rc; i++) {
        rc = kn_check_record(&records[i], dim_of(m), err);
        if (!rc)
            rc = title_new(m, &records[i], &made[i], err);
    }
    if (!rc)
        rc = make_room(m, n, err);
    if (!rc) { /* from here on nothing can fail */
        for (size_t i = 0; i < n; i++) {
            insert_take(m, made[i]);
            made[i] = NULL;
        }
        m->changes++;
    }
    pthread_rwlock_unlock(&m->lock);
    for (size_t i = 0; i < n; i++)
        title_free(made[i]);
    free(made);
    return rc;
}

static int memory_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err)
{
    struct memory *m = memory_of(lib);

    (void)err;
    pthread_rwlock_rdlock(&m->lock);
    strcpy(name, m->n_models ? m->models[m->model].name : "");
    *dim = dim_of(m);
    pthread_rwlock_unlock(&m->lock);
    return KN_OK;
}

static int memory_set_model(struct kn_library *lib, const char *name, size_t dim,
                            struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    struct model *models;
    size_t i = 0;
    int rc = KN_OK;

    pthread_rwlock_wrlock(&m->lock);
    while (i < m->n_models && (strcmp(m->models[i].name, name) != 0 || m->models[i].dim != dim))
        i++;
    if (i == m->n_models) {
        models = realloc(m->models, (i + 1) * sizeof *models);
        if (!models) {
            rc = kn_err_set(err, KN_ELIMIT, "library: no memory for model '%s'", name);
            goto out;
        }
        m->models = models;
        strcpy(models[i].name, name);
        models[i].dim = dim;
        m->n_models++;
        m->changes++;
    }
    m->changes += m->model != i;
    m->model = i;
out:
    pthread_rwlock_unlock(&m->lock);
    return rc;
}

static int memory_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
                      struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    struct kn_record r;
    bool found;
    size_t at;
    int rc;

    pthread_rwlock_rdlock(&m->lock);
    at = place_of(m, id, &found);
    if (found) {
        r = standing(m, m->titles[at]);
        rc = kn_record_copy(&r, parts, has_vectors(m, m->titles[at]) ? dim_of(m) : 0, arena, out,
                            err);
    } else {
        rc = kn_err_set(err, KN_ENOTFOUND, "library: no title with this id");
    }
    pthread_rwlock_unlock(&m->lock);
    return rc;
}

static int copy_titles(const struct memory *m, struct title *const *which, size_t n,
                       struct kn_arena *arena, struct kn_title **out, size_t *count,
                       struct kn_err *err)
{
    struct kn_title *titles = kn_arena_array(arena, n, sizeof *titles);
    int rc;

    if (!titles)
        return kn_arena_full("a list of titles", err);
    for (size_t i = 0; i < n; i++) {
        struct kn_record r = standing(m, which[i]);

        rc = kn_title_copy(&r.title, arena, &titles[i], err);
        if (rc)
            return rc;
    }
    *out = titles;
    *count = n;
    return KN_OK;
}

static int memory_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
                       struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    struct kn_match *match;
    struct title **found = NULL;
    int rc = kn_match_new(text, how, limit, &match, err);

    if (rc)
        return rc;
    pthread_rwlock_rdlock(&m->lock);
    for (size_t i = 0; i < m->n && !rc; i++)
        rc = kn_match_offer(match, &m->titles[i]->record.title.id, m->titles[i]->record.title.name,
                            m->titles[i]->folded, (int64_t)i, err);
    if (rc)
        goto out;
    found = calloc(kn_match_count(match) + 1, sizeof(struct title *));
    if (!found) {
        rc = kn_arena_full("what was found", err);
        goto out;
    }
    for (size_t i = 0; i < kn_match_count(match); i++)
        found[i] = m->titles[kn_match_key(match, i)];
    rc = copy_titles(m, found, kn_match_count(match), arena, out, n, err);
out:
    pthread_rwlock_unlock(&m->lock);
    free(found);
    kn_match_free(match);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    const struct title *x = *(struct title *const *)a, *y = *(struct title *const *)b;
    int names = strcmp(x->folded, y->folded);

    return names ? names : memcmp(&x->record.title.id, &y->record.title.id, sizeof(struct kn_id));
}

static int memory_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                         struct kn_arena *arena, struct kn_title **out, size_t *n,
                         struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    struct title **sorted;
    size_t first = 0, at = 0;
    bool found = true;
    int rc;

    pthread_rwlock_rdlock(&m->lock);
    sorted = calloc(m->n + 1, sizeof(struct title *));
    if (after)
        at = place_of(m, after, &found);
    if (!sorted || !found) {
        rc = sorted ? kn_err_set(err, KN_ENOTFOUND, "library: the title to go on after is gone")
                    : kn_arena_full("a list of titles", err);
        goto out;
    }
    if (m->n > 0) {
        memcpy(sorted, m->titles, m->n * sizeof(struct title *));
        qsort(sorted, m->n, sizeof(struct title *), by_name);
    }
    while (after && first < m->n && by_name(&sorted[first], &m->titles[at]) <= 0)
        first++;
    if (limit > m->n - first)
        limit = m->n - first;
    rc = copy_titles(m, sorted + first, limit, arena, out, n, err);
out:
    pthread_rwlock_unlock(&m->lock);
    free(sorted);
    return rc;
}

static int memory_remove(struct kn_library *lib, const struct kn_id *ids, size_t n,
                         struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    bool found;

    (void)err;
    pthread_rwlock_wrlock(&m->lock);
    for (size_t i = 0; i < n; i++) {
        size_t at = place_of(m, &ids[i], &found);

        if (!found)
            continue;
        title_free(m->titles[at]);
        memmove(m->titles + at, m->titles + at + 1, (m->n - at - 1) * sizeof(struct title *));
        m->n--;
        m->changes++;
    }
    pthread_rwlock_unlock(&m->lock);
    return KN_OK;
}

static int fill_view(const struct memory *m, bool moments, struct kn_view *v, struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; i < m->n && !rc; i++) {
        const struct kn_record r = standing(m, m->titles[i]);
        const struct kn_wording *w = &m->titles[i]->wording;
        struct kn_marks marks;
        struct kn_view_title t = {.id = r.title.id,
                                  .duration = r.title.duration,
                                  .opinion = r.title.opinion,
                                  .year = r.title.year,
                                  .genres = r.title.genres};

        if (r.title.state != KN_STATE_READY)
            continue;
        strcpy(t.language, r.title.language); /* its length was checked by put */
        rc = kn_view_add_title(v, &t, err);
        if (!rc && !moments)
            rc = kn_view_add_row(v, r.vector, 0, err);
        kn_wording_mark(w, &marks);
        if (!rc && !moments)
            rc = kn_view_add_terms(v, w->terms, w->n_terms, &marks, err);
        for (size_t j = 0; moments && j < r.n_moments && !rc; j++)
            if (r.moments[j].vector)
                rc = kn_view_add_row(v, r.moments[j].vector, (uint32_t)j, err);
    }
    return rc ? rc : kn_view_end(v, err);
}

/* The view as it is now, for the caller to drop. */
static int use_view(struct memory *m, bool moments, struct kn_view **out, struct kn_err *err)
{
    struct kn_view **view = moments ? &m->by_moment : &m->by_title, *made;
    int rc = KN_OK;

    pthread_rwlock_rdlock(&m->lock);
    pthread_mutex_lock(&m->view_lock);
    if (!*view || kn_view_stamp(*view) != m->changes) {
        rc = kn_view_new(dim_of(m), m->changes, NULL, NULL, &made, err);
        if (!rc && (rc = fill_view(m, moments, made, err)))
            kn_view_drop(made);
        if (!rc) {
            kn_view_drop(*view);
            *view = made;
        }
    }
    if (!rc)
        *out = kn_view_use(*view);
    pthread_mutex_unlock(&m->view_lock);
    pthread_rwlock_unlock(&m->lock);
    return rc;
}

static int dropping(struct kn_view *v, int rc)
{
    kn_view_drop(v);
    return rc;
}

static int memory_similar(struct kn_library *lib, const float *vector, size_t dim,
                          const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                          struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(memory_of(lib), false, &v, err);

    return rc ? rc : dropping(v, kn_view_similar(v, vector, dim, filter, k, hits, n, err));
}

static int memory_moments(struct kn_library *lib, const float *vector, size_t dim,
                          const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                          size_t *n, struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(memory_of(lib), true, &v, err);

    return rc ? rc : dropping(v, kn_view_moments(v, vector, dim, filter, k, hits, n, err));
}

static int memory_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                               const struct kn_filter *filter, size_t k, struct kn_hit *hits,
                               size_t *n, struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(memory_of(lib), false, &v, err);

    return rc ? rc : dropping(v, kn_view_shared_words(v, wording, filter, k, hits, n, err));
}

static int memory_similarities(struct kn_library *lib, const float *vector, size_t dim,
                               const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(memory_of(lib), false, &v, err);

    return rc ? rc : dropping(v, kn_view_similarities(v, vector, dim, ids, n, out, err));
}

static int memory_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                          struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    bool found;
    size_t at;

    pthread_rwlock_rdlock(&m->lock);
    at = place_of(m, id, &found);
    if (found)
        *out = m->titles[at]->wording;
    pthread_rwlock_unlock(&m->lock);
    return found ? KN_OK : kn_err_set(err, KN_ENOTFOUND, "library: no title with this id");
}

static int memory_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    struct kn_library_stats s = {0};

    (void)err;
    pthread_rwlock_rdlock(&m->lock);
    s.titles = m->n;
    s.changes = m->changes;
    for (size_t i = 0; i < m->n; i++) {
        const struct kn_record r = standing(m, m->titles[i]);

        s.by_state[r.title.state]++;
        s.segments += r.n_segments;
        s.moments += r.n_moments;
        s.duration += r.title.duration;
    }
    pthread_rwlock_unlock(&m->lock);
    *out = s;
    return KN_OK;
}

static int memory_check(struct kn_library *lib, struct kn_err *err)
{
    struct memory *m = memory_of(lib);
    int rc = KN_OK;

    pthread_rwlock_rdlock(&m->lock);
    for (size_t i = 1; i < m->n && !rc; i++)
        if (memcmp(&m->titles[i - 1]->record.title.id, &m->titles[i]->record.title.id,
                   sizeof(struct kn_id)) >= 0)
            rc = kn_err_set(err, KN_ECORRUPT, "library in memory: title %zu is out of order", i);
    pthread_rwlock_unlock(&m->lock);
    return rc;
}

static void memory_close(struct kn_library *lib)
{
    struct memory *m = memory_of(lib);

    for (size_t i = 0; i < m->n; i++)
        title_free(m->titles[i]);
    kn_view_drop(m->by_title);
    kn_view_drop(m->by_moment);
    pthread_mutex_destroy(&m->view_lock);
    pthread_rwlock_destroy(&m->lock);
    free(m->titles);
    free(m->models);
    free(m);
}

static const struct kn_library_ops memory_ops = {
    .close = memory_close,
    .model = memory_model,
    .set_model = memory_set_model,
    .put = memory_put,
    .get = memory_get,
    .find = memory_find,
    .scroll = memory_scroll,
    .remove = memory_remove,
    .similar = memory_similar,
    .moments = memory_moments,
    .shared_words = memory_shared_words,
    .similarities = memory_similarities,
    .wording = memory_wording,
    .stats = memory_stats,
    .check = memory_check,
};

int kn_library_open_memory(struct kn_library **out, struct kn_err *err)
{
    struct memory *m = calloc(1, sizeof *m);

    if (!m)
        return kn_err_set(err, KN_ELIMIT, "library: no memory");
    m->base.ops = &memory_ops;
    pthread_rwlock_init(&m->lock, NULL);
    pthread_mutex_init(&m->view_lock, NULL);
    *out = &m->base;
    return KN_OK;
}
