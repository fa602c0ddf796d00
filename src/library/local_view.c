#include "library/local.h"

#include "base/err.h"

#include <stdlib.h>

/* A question to the view of a collection. One that finds its file damaged is asked again, once, of what is made in its place:
 *     while (look(&at, err))
 *         at.rc = ...at.view...; */
struct looking {
    struct local *l;
    enum local_which which;
    struct kn_view *view;
    int times, rc;
};

static bool look(struct looking *at, struct kn_err *err)
{
    if (at->view) {
        bool again = at->rc == KN_ECORRUPT && at->times == 1 &&
                     kn_local_distrust(at->l, at->which, at->view);

        kn_view_drop(at->view);
        if (!again)
            return false;
    }
    at->times++;
    at->rc = kn_local_use_view(at->l, at->which, &at->view, err);
    return at->rc == KN_OK;
}

int kn_local_similar(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                     struct kn_err *err)
{
    struct looking at = {.l = kn_local_of(lib), .which = LOCAL_TITLES};

    while (look(&at, err))
        at.rc = kn_view_similar(at.view, vector, dim, filter, k, hits, n, err);
    return at.rc;
}

int kn_local_moments(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                     size_t *n, struct kn_err *err)
{
    struct looking at = {.l = kn_local_of(lib), .which = LOCAL_MOMENTS};

    while (look(&at, err))
        at.rc = kn_view_moments(at.view, vector, dim, filter, k, hits, n, err);
    return at.rc;
}

int kn_local_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                          const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                          struct kn_err *err)
{
    struct looking at = {.l = kn_local_of(lib), .which = LOCAL_TITLES};

    while (look(&at, err))
        at.rc = kn_view_shared_words(at.view, wording, filter, k, hits, n, err);
    return at.rc;
}

int kn_local_similarities(struct kn_library *lib, const float *vector, size_t dim,
                          const struct kn_id *ids, size_t n, double *out, struct kn_err *err)
{
    struct looking at = {.l = kn_local_of(lib), .which = LOCAL_TITLES};

    while (look(&at, err))
        at.rc = kn_view_similarities(at.view, vector, dim, ids, n, out, err);
    return at.rc;
}

int kn_local_alike(struct kn_library *lib, const struct kn_id *ids, size_t n,
                   struct kn_wording *out, struct kn_err *err)
{
    struct looking at = {.l = kn_local_of(lib), .which = LOCAL_TITLES};
    bool *alike = malloc((n + 1) * sizeof *alike);

    if (!alike)
        return kn_err_set(err, KN_ELIMIT, "library: no memory to compare %zu titles", n);
    while (look(&at, err))
        at.rc = kn_view_alike(at.view, ids, n, alike, err);
    if (!at.rc)
        at.rc = kn_local_wordings(at.l, ids, alike, n, out, err);
    free(alike);
    return at.rc;
}
