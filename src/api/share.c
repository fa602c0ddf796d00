/* Publishing to another library, and pulling from it. */
#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/unicode.h"
#include "library/qdrant.h"
#include "library/share.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct sharing {
    struct kinora *k;
    const struct kinora_share_options *o;
    void (*event)(void *ctx, const struct kinora_share_event *e);
    void *ctx;
    double began;
    struct kn_id by;
    struct kn_arena *arena;
    struct kn_share share;
};

static void relay(void *p, const struct kn_share_event *e)
{
    static const char *const doing[] = {"send", "remove", "check"};
    const struct sharing *s = p;
    const struct kinora_share_event event = {.doing = doing[e->doing],
                                             .name = e->name,
                                             .done = e->done,
                                             .total = e->total,
                                             .elapsed = kn_clock_now() - s->began};

    s->event(s->ctx, &event);
}

/* Two ways to write one folder are one address. real has room for PATH_MAX. */
static const char *resolved(const char *address, char *real)
{
    return !kn_library_is_remote(address) && realpath(address, real) ? real : address;
}

static int check_address(const struct sharing *s, struct kn_err *err)
{
    const char *given = s->o->address;
    char own[PATH_MAX], other[PATH_MAX];

    if (!given || !*given)
        return kn_err_set(err, KN_EARG,
                          "give the other library's address, such as qdrant+http://HOST:6333/NAME");
    if (kinora_is_cluster(s->k))
        return kn_err_set(err, KN_EARG,
                          "'%.100s' is a cluster itself: --library is the folder on this machine",
                          s->k->path);
    if (strcmp(resolved(s->k->path, own), resolved(given, other)) == 0)
        return kn_err_set(err, KN_EARG, "'%.200s' is this library itself", given);
    return KN_OK;
}

/* A folder has its whole name only once it is there. */
static int open_other(struct sharing *s, const struct kn_library_options *how, struct kn_err *err)
{
    char real[PATH_MAX];
    int rc = kn_library_open(s->o->address, how, &s->share.other, err);

    if (rc)
        return rc;
    s->share.address = kn_arena_text(s->arena, resolved(s->o->address, real));
    return s->share.address ? KN_OK : kn_api_no_memory(err, "share");
}

/* What is there of one model says nothing of another. */
static int name_target(struct sharing *s, struct kn_library *lib, const char **out,
                       struct kn_err *err)
{
    char model[64];
    size_t dim;
    int rc = kn_library_model(lib, model, &dim, err);

    if (rc)
        return rc;
    *out = kn_arena_printf(s->arena, "%s %s %zu", s->share.address, model, dim);
    return *out ? KN_OK : kn_api_no_memory(err, "share");
}

static int escaped_root(struct sharing *s, struct kn_err *err)
{
    const char *given = s->o->media_root;
    char real[PATH_MAX];
    struct kn_buf b;
    int rc;

    if (!given || !*given)
        return KN_OK;
    if (!realpath(given, real))
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO,
                          "media root '%s': %s; give the folder that holds the films", given,
                          strerror(errno));
    kn_buf_init(&b, 8 * PATH_MAX);
    rc = kn_escape_path(kn_sv_of(real), &b, err);
    s->share.media_root = rc ? NULL : kn_arena_text(s->arena, b.data);
    kn_buf_free(&b);
    return rc || s->share.media_root ? rc : kn_api_no_memory(err, "share");
}

static int begin(struct sharing *s, struct kn_err *err)
{
    s->began = kn_clock_now();
    s->arena = kn_arena_new(0);
    s->share.local = s->k->lib;
    s->share.all = s->o->all;
    s->share.swap = s->o->swap;
    s->share.cancel = &s->k->cancel;
    s->share.event = s->event ? relay : NULL;
    s->share.ctx = s;
    return s->arena ? check_address(s, err) : kn_api_no_memory(err, "share");
}

static void end(struct sharing *s, const struct kn_shared *sums, struct kinora_shared *out)
{
    *out = (struct kinora_shared){.sent = sums->sent,
                                  .removed = sums->removed,
                                  .same = sums->same,
                                  .kept = sums->kept,
                                  .present = sums->present,
                                  .compared = sums->compared,
                                  .questions = sums->questions,
                                  .recall = sums->recall,
                                  .behind = sums->behind,
                                  .swapped = sums->swapped,
                                  .elapsed = kn_clock_now() - s->began};
    kn_library_close(s->share.other);
    kn_library_close(s->share.current);
    kn_arena_free(s->arena);
}

/* The cluster's vectors are of another model: what is written now goes aside. */
static int open_aside(struct sharing *s, const struct kn_library_options *how, struct kn_err *err)
{
    char here[64], there[64];
    size_t dim, other_dim;
    int rc = kn_library_model(s->k->lib, here, &dim, err);

    if (!rc)
        rc = kn_library_model(s->share.other, there, &other_dim, err);
    if (rc || dim == 0 || other_dim == 0 || (dim == other_dim && strcmp(here, there) == 0))
        return rc;
    rc = name_target(s, s->share.other, &s->share.former, err);
    if (!rc)
        rc = kn_library_open(s->share.address, how, &s->share.current, err);
    return rc ? rc : kn_qdrant_aside(s->share.other, here, dim, err);
}

int kinora_publish(struct kinora *k, const struct kinora_share_options *o,
                   void (*event)(void *ctx, const struct kinora_share_event *e), void *ctx,
                   struct kinora_shared *out, struct kn_err *err)
{
    const struct kn_library_options how = {
        .write = true, .create = true, .qdrant = &k->qdrant, .cancel = &k->cancel};
    struct sharing s = {.k = k, .o = o, .event = event, .ctx = ctx};
    struct kn_shared sums = {0};
    int rc = begin(&s, err);

    if (rc == KN_OK)
        rc = escaped_root(&s, err);
    if (rc == KN_OK)
        rc = open_other(&s, &how, err);
    if (rc == KN_OK && kn_library_is_remote(s.share.address)) {
        s.share.by = &s.by;
        rc = kn_store_identity(k->lib, &s.by, err);
        if (rc == KN_OK)
            rc = open_aside(&s, &how, err);
    }
    if (rc == KN_OK)
        rc = name_target(&s, k->lib, &s.share.target, err);
    if (rc == KN_OK)
        rc = kn_share_publish(&s.share, &sums, err);
    end(&s, &sums, out);
    return rc;
}

int kinora_pull(struct kinora *k, const struct kinora_share_options *o,
                void (*event)(void *ctx, const struct kinora_share_event *e), void *ctx,
                struct kinora_shared *out, struct kn_err *err)
{
    const struct kn_library_options how = {.qdrant = &k->qdrant, .cancel = &k->cancel};
    struct sharing s = {.k = k, .o = o, .event = event, .ctx = ctx};
    struct kn_shared sums = {0};
    int rc = begin(&s, err);

    if (rc == KN_OK)
        rc = open_other(&s, &how, err);
    if (rc == KN_OK)
        rc = name_target(&s, s.share.other, &s.share.target, err);
    if (rc == KN_OK)
        rc = kn_share_pull(&s.share, &sums, err);
    end(&s, &sums, out);
    return rc;
}
