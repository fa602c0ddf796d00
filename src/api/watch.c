#include "api/api.h"

#include "ingest/watch.h"

/* kinora_watch is kn_watch under its public name. */
static struct kn_watch *inner(struct kinora_watch *w)
{
    return (struct kn_watch *)w;
}

int kinora_watch_new(const char *const *roots, size_t n, double every, struct kinora_watch **out,
                     struct kn_err *err)
{
    struct kn_watch *w;
    int rc = kn_watch_new(roots, n, every, &w, err);

    if (rc == KN_OK)
        *out = (struct kinora_watch *)w;
    return rc;
}

void kinora_watch_free(struct kinora_watch *w)
{
    kn_watch_free(inner(w));
}

struct kinora_watching kinora_watch_state(const struct kinora_watch *w)
{
    const struct kn_watch *k = (const struct kn_watch *)w;

    return (struct kinora_watching){kn_watch_folders(k), kn_watch_blindness(k)};
}

int kinora_watch_next(struct kinora_watch *w, bool (*cancelled)(void *ctx), void *ctx,
                      const char *const **folders, size_t *n, struct kn_err *err)
{
    return kn_watch_next(inner(w), cancelled, ctx, folders, n, err);
}

int kinora_watch_again(struct kinora_watch *w, const char *folder, double seconds,
                       struct kn_err *err)
{
    return kn_watch_again(inner(w), folder, seconds, err);
}
