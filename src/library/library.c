#include "library/library.h"

#include "base/err.h"
#include "library/backend.h"
#include "library/qdrant.h"

#include <math.h>
#include <string.h>

/* A vector that is not of unit length would rank by its length; this is far more than rounding
 * to half precision does, and far less than a vector that nobody normalised. */
#define UNIT_TOLERANCE 0.01

static const char *shown(const char *title)
{
    return title ? title : "";
}

static bool all_finite(const float *v, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

int kn_check_vector(const char *title, const float *vector, const float *raw, size_t dim,
                    struct kn_err *err)
{
    double square = 0;

    if (!all_finite(vector, dim) || (raw && !all_finite(raw, dim)))
        return kn_err_set(err, KN_EARG, "title '%s': a vector with numbers that are not finite",
                          shown(title));
    for (size_t i = 0; i < dim; i++)
        square += (double)vector[i] * (double)vector[i];
    if (fabs(sqrt(square) - 1) > UNIT_TOLERANCE)
        return kn_err_set(err, KN_EARG, "title '%s': a vector of length %g, not 1", shown(title),
                          sqrt(square));
    return KN_OK;
}

static bool are_times(double start, double end)
{
    return isfinite(start) && isfinite(end);
}

int kn_check_segments(const char *title, const struct kn_segment *segments, size_t n,
                      struct kn_err *err)
{
    if (n > 0 && !segments)
        return kn_err_set(err, KN_EARG, "title '%s': no segments given, but a count", shown(title));
    for (size_t i = 0; i < n; i++) {
        if (!are_times(segments[i].start, segments[i].end))
            return kn_err_set(err, KN_EARG, "title '%s', segment %zu: a time that is not finite",
                              shown(title), i);
        if (!segments[i].text || segments[i].text[0] == '\0')
            return kn_err_set(err, KN_EARG, "title '%s', segment %zu: no text", shown(title), i);
    }
    return KN_OK;
}

int kn_check_dropped(const char *title, const struct kn_dropped *dropped, size_t n,
                     struct kn_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!dropped || !are_times(dropped[i].start, dropped[i].end) || !dropped[i].text ||
            dropped[i].text[0] == '\0' || !dropped[i].reason)
            return kn_err_set(err, KN_EARG,
                              "title '%s', dropped %zu: no text, no reason, or a time that is not "
                              "finite",
                              shown(title), i);
    return KN_OK;
}

int kn_check_moments(const char *title, const struct kn_moment *moments, size_t n, size_t dim,
                     struct kn_err *err)
{
    if (n > 0 && !moments)
        return kn_err_set(err, KN_EARG, "title '%s': no moments given, but a count", shown(title));
    if (n > UINT32_MAX)
        return kn_err_set(err, KN_ELIMIT, "title '%s': %zu moments", shown(title), n);
    for (size_t i = 0; i < n; i++) {
        const struct kn_moment *m = &moments[i];

        if (!are_times(m->start, m->end) || isinf(m->opinion) || !m->text)
            return kn_err_set(err, KN_EARG,
                              "title '%s', moment %zu: no text, or a number that is not finite",
                              shown(title), i);
        if ((m->vector || m->raw) && dim == 0)
            return kn_err_set(err, KN_EARG,
                              "title '%s': vectors, but the library has no embedding model yet",
                              shown(title));
        if (m->vector && kn_check_vector(title, m->vector, NULL, dim, err))
            return KN_EARG;
        if (m->raw && !all_finite(m->raw, dim))
            return kn_err_set(err, KN_EARG, "title '%s', moment %zu: raw numbers not finite",
                              shown(title), i);
    }
    return KN_OK;
}

int kn_check_language(const char *title, const char *language, struct kn_err *err)
{
    if (language && strlen(language) > KN_MAX_LANGUAGE)
        return kn_err_set(err, KN_EARG, "title '%s': language tag '%s' has more than %d letters",
                          shown(title), language, KN_MAX_LANGUAGE);
    return KN_OK;
}

int kn_check_record(const struct kn_record *r, size_t dim, struct kn_err *err)
{
    const struct kn_title *t = &r->title;
    const char *name = shown(t->name);
    int rc;

    if ((int)t->state < KN_STATE_PENDING || t->state > KN_STATE_MISSING)
        return kn_err_set(err, KN_EARG, "title '%s': state %d does not exist", name, (int)t->state);
    if (!isfinite(t->duration) || !isfinite(t->language_confidence) || isinf(t->opinion))
        return kn_err_set(err, KN_EARG, "title '%s': a number that is not finite", name);
    if (t->n_paths > 0 && !t->paths)
        return kn_err_set(err, KN_EARG, "title '%s': no paths given, but a count", name);
    for (size_t i = 0; i < t->n_paths; i++)
        if (!t->paths[i] || t->paths[i][0] == '\0')
            return kn_err_set(err, KN_EARG, "title '%s': an empty path", name);
    if (t->state == KN_STATE_READY && !r->vector)
        return kn_err_set(err, KN_EARG, "title '%s': ready, but without a vector", name);
    if (r->vector && dim == 0)
        return kn_err_set(err, KN_EARG,
                          "title '%s': a vector, but the library has no embedding model yet", name);
    rc = r->vector ? kn_check_vector(name, r->vector, r->raw, dim, err) : KN_OK;
    if (!rc)
        rc = kn_check_language(name, t->language, err);
    if (!rc)
        rc = kn_check_segments(name, r->segments, r->n_segments, err);
    if (!rc)
        rc = kn_check_dropped(name, r->dropped, r->n_dropped, err);
    return rc ? rc : kn_check_moments(name, r->moments, r->n_moments, dim, err);
}

int kn_check_query(const float *vector, size_t dim, size_t library_dim, struct kn_err *err)
{
    if (!vector)
        return kn_err_set(err, KN_EARG, "library: asked without a vector");
    if (library_dim == 0)
        return KN_OK; /* nothing has a vector: nothing is alike */
    if (dim != library_dim)
        return kn_err_set(err, KN_EARG,
                          "library: a vector of %zu numbers, but its embedding model has %zu", dim,
                          library_dim);
    if (!all_finite(vector, dim))
        return kn_err_set(err, KN_EARG, "library: asked with a vector that is not finite");
    return KN_OK;
}

static int check_filter(const struct kn_filter *f, struct kn_err *err)
{
    if (!f)
        return KN_OK;
    if ((f->n_languages > 0 && !f->languages) || (f->n_exclude > 0 && !f->exclude))
        return kn_err_set(err, KN_EARG, "filter: a list is missing, but has a count");
    for (size_t i = 0; i < f->n_languages; i++)
        if (!f->languages[i])
            return kn_err_set(err, KN_EARG, "filter: language %zu is missing", i);
    if (f->n_genres > 0 && !f->genres)
        return kn_err_set(err, KN_EARG, "filter: a list is missing, but has a count");
    for (size_t i = 0; i < f->n_genres; i++)
        if (!f->genres[i])
            return kn_err_set(err, KN_EARG, "filter: genre %zu is missing", i);
    if (isnan(f->duration_from) || isnan(f->duration_to))
        return kn_err_set(err, KN_EARG, "filter: a duration that is not a number");
    return KN_OK;
}

bool kn_library_is_remote(const char *address)
{
    return strncmp(address, "qdrant+", strlen("qdrant+")) == 0;
}

int kn_library_open(const char *address, const struct kn_library_options *options,
                    struct kn_library **out, struct kn_err *err)
{
    if (kn_library_is_remote(address))
        return kn_library_open_qdrant(address, options, out, err);
    return kn_library_open_local(address, options, out, err);
}

void kn_library_close(struct kn_library *lib)
{
    if (lib)
        lib->ops->close(lib);
}

int kn_library_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err)
{
    return lib->ops->model(lib, name, dim, err);
}

int kn_library_set_model(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err)
{
    if (!name || name[0] == '\0' || strlen(name) > KN_MAX_MODEL_NAME)
        return kn_err_set(err, KN_EARG, "library: a model's name has 1 to %d bytes",
                          KN_MAX_MODEL_NAME);
    if (dim == 0 || dim > KN_MAX_DIM)
        return kn_err_set(err, KN_EARG, "library: model '%s' with %zu dimensions, not 1 to %d",
                          name, dim, KN_MAX_DIM);
    return lib->ops->set_model(lib, name, dim, err);
}

int kn_library_put(struct kn_library *lib, const struct kn_record *records, size_t n,
                   struct kn_err *err)
{
    return n > 0 ? lib->ops->put(lib, records, n, err) : KN_OK;
}

int kn_library_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
                   struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    return lib->ops->get(lib, id, parts, arena, out, err);
}

int kn_library_get_many(struct kn_library *lib, const struct kn_id *ids, size_t n, unsigned parts,
                        struct kn_arena *arena, struct kn_record *out, struct kn_err *err)
{
    int rc = KN_OK;

    if (lib->ops->get_many)
        return n > 0 ? lib->ops->get_many(lib, ids, n, parts, arena, out, err) : KN_OK;
    for (size_t i = 0; i < n && !rc; i++)
        rc = lib->ops->get(lib, &ids[i], parts, arena, &out[i], err);
    return rc;
}

int kn_library_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
                    struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    if (!text)
        return kn_err_set(err, KN_EARG, "library: nothing to find");
    return lib->ops->find(lib, text, how, limit, arena, out, n, err);
}

int kn_library_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                      struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err)
{
    return lib->ops->scroll(lib, after, limit, arena, out, n, err);
}

int kn_library_remove(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_err *err)
{
    return n > 0 ? lib->ops->remove(lib, ids, n, err) : KN_OK;
}

int kn_library_similar(struct kn_library *lib, const float *vector, size_t dim,
                       const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                       struct kn_err *err)
{
    int rc = check_filter(filter, err);

    return rc ? rc : lib->ops->similar(lib, vector, dim, filter, k, hits, n, err);
}

int kn_library_moments(struct kn_library *lib, const float *vector, size_t dim,
                       const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                       size_t *n, struct kn_err *err)
{
    int rc = check_filter(filter, err);

    return rc ? rc : lib->ops->moments(lib, vector, dim, filter, k, hits, n, err);
}

int kn_library_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                            const struct kn_filter *filter, size_t k, struct kn_hit *hits,
                            size_t *n, struct kn_err *err)
{
    int rc = check_filter(filter, err);

    return rc ? rc : lib->ops->shared_words(lib, wording, filter, k, hits, n, err);
}

int kn_library_similarities(struct kn_library *lib, const float *vector, size_t dim,
                            const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    return lib->ops->similarities(lib, vector, dim, ids, n, out, err);
}

int kn_library_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                       struct kn_err *err)
{
    return lib->ops->wording(lib, id, out, err);
}

int kn_library_alike(struct kn_library *lib, const struct kn_id *ids, size_t n,
                     struct kn_wording *out, struct kn_err *err)
{
    int rc = KN_OK;

    if (lib->ops->alike)
        return n > 0 ? lib->ops->alike(lib, ids, n, out, err) : KN_OK;
    for (size_t i = 0; i < n && !rc; i++) {
        rc = lib->ops->wording(lib, &ids[i], &out[i], err);
        if (rc != KN_ENOTFOUND)
            continue;
        out[i] = (struct kn_wording){0};
        rc = KN_OK;
    }
    return rc;
}

int kn_library_get_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err)
{
    return lib->ops->stats(lib, out, err);
}

int kn_library_check(struct kn_library *lib, struct kn_err *err)
{
    return lib->ops->check(lib, err);
}

bool kn_library_notice(struct kn_library *lib, char out[256])
{
    return lib->ops->notice && lib->ops->notice(lib, out);
}

int kn_library_changes(struct kn_library *lib, uint64_t *out, struct kn_err *err)
{
    struct kn_library_stats stats;
    int rc;

    if (lib->ops->changes)
        return lib->ops->changes(lib, out, err);
    rc = kn_library_get_stats(lib, &stats, err);
    if (!rc)
        *out = stats.changes;
    return rc;
}

int kn_library_page(struct kn_library *lib, const struct kn_page_query *query,
                    struct kn_arena *arena, struct kn_page *out, struct kn_err *err)
{
    int rc = check_filter(query->filter, err);

    if (rc)
        return rc;
    if (query->limit == 0 || (query->after && isnan(query->after->value)))
        return kn_err_set(err, KN_EARG, "library: a page of nothing, or behind no place");
    return (lib->ops->page ? lib->ops->page : kn_page_by_scroll)(lib, query, arena, out, err);
}

int kn_library_facets(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                      struct kn_err *err)
{
    return (lib->ops->facets ? lib->ops->facets : kn_facets_by_scroll)(lib, arena, out, err);
}

bool kn_library_hears(const struct kn_library *lib)
{
    return lib->ops->said != NULL;
}

int kn_library_said(struct kn_library *lib, const char *text, const struct kn_filter *filter,
                    size_t k, struct kn_moment_hit *hits, size_t *n, struct kn_err *err)
{
    int rc = check_filter(filter, err);

    if (rc)
        return rc;
    if (!kn_library_hears(lib))
        return kn_err_set(err, KN_EARG,
                          "this library cannot be searched by words; search by meaning");
    return lib->ops->said(lib, text, filter, k, hits, n, err);
}
