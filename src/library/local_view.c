#include "library/local.h"

#include "base/err.h"

/* A search that finds its file damaged is made again, once, in what is made in its place. */
static bool is_again(struct local *l, enum local_which which, struct kn_view *v, int rc, int tries)
{
    return rc == KN_ECORRUPT && tries == 0 && kn_local_distrust(l, which, v);
}

int kn_local_similar(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                     struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_view *v;
    bool again = true;
    int rc = KN_OK;

    for (int tries = 0; again; tries++) {
        rc = kn_local_use_view(l, LOCAL_TITLES, &v, err);
        if (rc)
            return rc;
        rc = kn_view_similar(v, vector, dim, filter, k, hits, n, err);
        again = is_again(l, LOCAL_TITLES, v, rc, tries);
        kn_view_drop(v);
    }
    return rc;
}

int kn_local_moments(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                     size_t *n, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_view *v;
    bool again = true;
    int rc = KN_OK;

    for (int tries = 0; again; tries++) {
        rc = kn_local_use_view(l, LOCAL_MOMENTS, &v, err);
        if (rc)
            return rc;
        rc = kn_view_moments(v, vector, dim, filter, k, hits, n, err);
        again = is_again(l, LOCAL_MOMENTS, v, rc, tries);
        kn_view_drop(v);
    }
    return rc;
}

int kn_local_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                          const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                          struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_view *v;
    bool again = true;
    int rc = KN_OK;

    for (int tries = 0; again; tries++) {
        rc = kn_local_use_view(l, LOCAL_TITLES, &v, err);
        if (rc)
            return rc;
        rc = kn_view_shared_words(v, wording, filter, k, hits, n, err);
        again = is_again(l, LOCAL_TITLES, v, rc, tries);
        kn_view_drop(v);
    }
    return rc;
}

int kn_local_similarities(struct kn_library *lib, const float *vector, size_t dim,
                          const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    struct local *l = kn_local_of(lib);
    struct kn_view *v;
    bool again = true;
    int rc = KN_OK;

    for (int tries = 0; again; tries++) {
        rc = kn_local_use_view(l, LOCAL_TITLES, &v, err);
        if (rc)
            return rc;
        rc = kn_view_similarities(v, vector, dim, ids, n, out, err);
        again = is_again(l, LOCAL_TITLES, v, rc, tries);
        kn_view_drop(v);
    }
    return rc;
}
