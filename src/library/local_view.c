#include "library/local.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY                                                                                      \
    "state = 1 AND gone = '' AND joined IS NULL AND title.model IS (SELECT model FROM library)"

static int add_title(sqlite3_stmt *s, const struct kn_id *id, struct kn_view *v, struct kn_err *err)
{
    struct kn_view_title t = {.id = *id,
                              .duration = kn_db_real(s, 2),
                              .opinion = kn_db_real(s, 3),
                              .year = sqlite3_column_int(s, 4),
                              .genres = kn_db_text(s, 7)};

    snprintf(t.language, sizeof t.language, "%s", kn_db_text(s, 1));
    return kn_view_add_title(v, &t, err);
}

static int add_words(const struct kn_db *db, sqlite3_stmt *s, struct kn_view *v, struct kn_err *err)
{
    const void *packed = sqlite3_column_blob(s, 8);
    struct kn_term terms[KN_TERMS];
    size_t n = 0;

    if (packed && !kn_wording_unpack_terms(packed, (size_t)sqlite3_column_bytes(s, 8), terms, &n))
        return kn_local_bad_wording(db, err);
    return kn_view_add_terms(v, terms, n, err);
}

static int fill(struct kn_db *db, bool moments, size_t dim, struct kn_view *v, struct kn_err *err)
{
    static const char titles_sql[] =
        "SELECT id, language, duration, opinion, year, vector, 0, genres, words FROM title"
        " JOIN title_vector ON title_vector.title = title.key"
        " LEFT JOIN wording ON wording.title = title.key WHERE " READY " ORDER BY id";
    static const char moments_sql[] =
        "SELECT id, language, duration, title.opinion, year, vector, number, genres FROM title"
        " JOIN moment ON moment.title = title.key"
        " JOIN moment_vector ON moment_vector.moment = moment.key"
        " WHERE " READY " ORDER BY id, number";
    struct kn_id id, last = {{0}};
    sqlite3_stmt *s;
    bool row, first = true;
    float *vector = malloc(dim * sizeof *vector); /* a blob need not be aligned */
    int rc;

    if (!vector)
        return kn_err_set(err, KN_ELIMIT, "library '%s': no memory for its vectors", db->path);
    rc = kn_db_query(db, moments ? moments_sql : titles_sql, NULL, 0, &s, err);
    while (!rc && !(rc = kn_db_step(db, s, &row, err)) && row) {
        rc = kn_db_blob(db, s, 0, id.b, sizeof id.b, err);
        if (!rc && (first || memcmp(&id, &last, sizeof id) != 0))
            rc = add_title(s, &id, v, err);
        if (!rc)
            rc = kn_db_blob(db, s, 5, vector, dim * sizeof *vector, err);
        if (!rc)
            rc = kn_view_add_row(v, vector, (uint32_t)sqlite3_column_int64(s, 6), err);
        if (!rc && !moments)
            rc = add_words(db, s, v, err);
        last = id;
        first = false;
    }
    free(vector);
    return rc ? rc : kn_view_end(v, err);
}

static int load(struct kn_db *db, bool moments, uint64_t stamp, struct kn_view **out,
                struct kn_err *err)
{
    struct kn_view *v;
    size_t dim;
    int rc = kn_local_model(db, NULL, &dim, err);

    if (!rc)
        rc = kn_view_new(dim, stamp, &v, err);
    if (rc)
        return rc;
    if (dim > 0)
        rc = fill(db, moments, dim, v, err);
    if (rc)
        kn_view_drop(v);
    else
        *out = v;
    return rc;
}

/* The view as of a snapshot taken now, for the caller to drop. One thread loads while those that
 * need the same wait for it: two loads at once would take no less time, and twice the memory. */
static int use_view(struct local *l, bool moments, struct kn_view **out, struct kn_err *err)
{
    struct kn_view **view = moments ? &l->by_moment : &l->by_title, *made;
    int64_t stamp = 0;
    struct kn_db *db;
    bool found;
    int rc;

    pthread_mutex_lock(&l->view_lock);
    rc = kn_local_reader(l, &db, err);
    if (rc)
        goto out;
    rc = kn_db_number(db, "SELECT answers FROM library", NULL, 0, &found, &stamp, err);
    if (!rc && (!*view || kn_view_stamp(*view) != (uint64_t)stamp)) {
        rc = load(db, moments, (uint64_t)stamp, &made, err);
        if (!rc) {
            kn_view_drop(*view);
            *view = made;
        }
    }
    if (!rc)
        *out = kn_view_use(*view);
    kn_local_done(l, db);
out:
    pthread_mutex_unlock(&l->view_lock);
    return rc;
}

int kn_local_similar(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                     struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(kn_local_of(lib), false, &v, err);

    if (rc)
        return rc;
    rc = kn_view_similar(v, vector, dim, filter, k, hits, n, err);
    kn_view_drop(v);
    return rc;
}

int kn_local_moments(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                     size_t *n, struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(kn_local_of(lib), true, &v, err);

    if (rc)
        return rc;
    rc = kn_view_moments(v, vector, dim, filter, k, hits, n, err);
    kn_view_drop(v);
    return rc;
}

int kn_local_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                          const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                          struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(kn_local_of(lib), false, &v, err);

    if (rc)
        return rc;
    rc = kn_view_shared_words(v, wording, filter, k, hits, n, err);
    kn_view_drop(v);
    return rc;
}

int kn_local_similarities(struct kn_library *lib, const float *vector, size_t dim,
                          const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    struct kn_view *v;
    int rc = use_view(kn_local_of(lib), false, &v, err);

    if (rc)
        return rc;
    rc = kn_view_similarities(v, vector, dim, ids, n, out, err);
    kn_view_drop(v);
    return rc;
}
