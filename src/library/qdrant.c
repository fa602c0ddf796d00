#include "library/qdrant.h"

#include "base/err.h"

int kn_library_open_qdrant(const char *address, const struct kn_library_options *options,
                           struct kn_library **out, struct kn_err *err)
{
    (void)options;
    (void)out;
    return kn_err_set(err, KN_EARG, "library %s: this build cannot talk to Qdrant", address);
}

int kn_qdrant_aside(struct kn_library *lib, const char *model, size_t dim, struct kn_err *err)
{
    (void)lib;
    (void)dim;
    return kn_err_set(err, KN_EARG, "model '%s': this build cannot talk to Qdrant", model);
}

int kn_qdrant_swap(struct kn_library *lib, struct kn_err *err)
{
    (void)lib;
    return kn_err_set(err, KN_EARG, "this build cannot talk to Qdrant");
}
