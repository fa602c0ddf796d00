#include "library/share.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "library/qdrant.h"

#include <math.h>
#include <string.h>

enum {
    BATCH_TITLES = 64,
    BATCH_BYTES =
        8
        << 20, /* a title of two hours has some 200 moments, and so 600 KiB with their raw vectors */
    BATCH_REMOVED = 256,
    PAGE = 1000,
    ALL_OF_IT = KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS,
};

void kn_share_tell(const struct kn_share *s, enum kn_share_doing doing, const char *name,
                   size_t done, size_t total)
{
    const struct kn_share_event e = {doing, name, done, total};

    if (s->event)
        s->event(s->ctx, &e);
}

int kn_share_stopped(const struct kn_share *s, struct kn_err *err)
{
    if (!kn_cancel_is_set(s->cancel))
        return KN_OK;
    return kn_err_set(err, KN_ECANCELLED, "stopped; run the same command to go on");
}

/* ---- one batch ---- */

struct batch {
    struct kn_arena *arena;
    struct kn_record records[BATCH_TITLES];
    struct kn_outgoing titles[BATCH_TITLES]; /* of them */
    struct kn_outgoing noted[BATCH_TITLES];  /* and those that need not be sent */
    size_t n, n_noted;
};

/* Where a title's files lie is a fact of this machine, but for what lies in the tree that all share. */
static int below_root(const struct kn_share *s, struct kn_arena *arena, struct kn_title *t,
                      struct kn_err *err)
{
    size_t root = s->media_root ? strlen(s->media_root) : 0, n = 0;
    const char **paths = kn_arena_array(arena, t->n_paths, sizeof *paths);

    if (!paths)
        return kn_err_set(err, KN_ELIMIT, "publish: no memory");
    while (root > 0 && s->media_root[root - 1] == '/')
        root--;
    for (size_t i = 0; s->media_root && *s->media_root && i < t->n_paths; i++)
        if (strncmp(t->paths[i], s->media_root, root) == 0 && t->paths[i][root] == '/')
            paths[n++] = t->paths[i] + root + 1;
    t->paths = paths;
    t->n_paths = n;
    return KN_OK;
}

/* What one machine cannot read, or hears nothing in, another may have had subtitles for. */
static int is_of_more_use_there(const struct kn_share *s, const struct kn_title *t,
                                struct kn_arena *arena, bool *is, struct kn_err *err)
{
    struct kn_record there;
    int rc;

    *is = false;
    if (t->state == KN_STATE_READY)
        return KN_OK;
    rc = kn_library_get(s->other, &t->id, 0, arena, &there, err);
    if (rc == KN_OK)
        *is = there.title.state == KN_STATE_READY;
    return rc == KN_ENOTFOUND ? KN_OK : rc;
}

/* One title more. What has changed its state since it was listed waits for the next run. */
static int add_title(const struct kn_share *s, const struct kn_outgoing *o, struct batch *b,
                     size_t *kept, struct kn_err *err)
{
    struct kn_record *r = &b->records[b->n];
    bool better;
    int rc = kn_library_get(s->local, &o->id, ALL_OF_IT, b->arena, r, err);

    if (rc == KN_ENOTFOUND)
        return KN_OK;
    if (rc || r->title.state == KN_STATE_PENDING || r->title.state == KN_STATE_MISSING)
        return rc;
    rc = is_of_more_use_there(s, &r->title, b->arena, &better, err);
    if (!rc)
        rc = below_root(s, b->arena, &r->title, err);
    if (rc)
        return rc;
    b->noted[b->n_noted++] = *o;
    *kept += better;
    if (!better)
        b->titles[b->n++] = *o;
    return KN_OK;
}

/* From titles[*at] on. */
static int send_batch(const struct kn_share *s, const struct kn_outgoing *titles, size_t n,
                      size_t *at, struct batch *b, struct kn_shared *out, struct kn_err *err)
{
    struct kn_id claimed[BATCH_TITLES];
    size_t kept = 0;
    int rc = KN_OK;

    b->n = b->n_noted = 0;
    for (; !rc && *at < n && b->n_noted < BATCH_TITLES && kn_arena_used(b->arena) < BATCH_BYTES;
         (*at)++)
        rc = add_title(s, &titles[*at], b, &kept, err);
    for (size_t i = 0; i < b->n_noted; i++)
        claimed[i] = b->noted[i].id;
    if (!rc && s->by)
        rc = kn_qdrant_claim(s->other, s->by, claimed, b->n_noted, err);
    if (!rc && b->n > 0)
        rc = kn_library_put(s->other, b->records, b->n, err);
    if (!rc && b->n_noted > 0)
        rc = kn_store_note(s->local, s->target, b->noted, b->n_noted, err);
    if (rc)
        return rc;
    out->sent += b->n;
    out->kept += kept;
    kn_share_tell(s, KN_SHARE_SEND, b->n ? b->records[b->n - 1].title.name : "", *at, n);
    return KN_OK;
}

/* sent has room for n; *n_sent: how many of them are. */
static int send_all(const struct kn_share *s, const struct kn_outgoing *titles, size_t n,
                    struct kn_id *sent, size_t *n_sent, struct kn_shared *out, struct kn_err *err)
{
    struct batch b;
    int rc = KN_OK;

    for (size_t at = 0; !rc && at < n;) {
        rc = kn_share_stopped(s, err);
        if (rc)
            break;
        b.arena = kn_arena_new(0);
        rc = b.arena ? send_batch(s, titles, n, &at, &b, out, err)
                     : kn_err_set(err, KN_ELIMIT, "publish: no memory");
        for (size_t i = 0; !rc && i < b.n; i++)
            if (b.records[i].title.state == KN_STATE_READY)
                sent[(*n_sent)++] = b.titles[i].id;
        kn_arena_free(b.arena);
    }
    return rc;
}

/* Of n titles those that nobody else publishes; *n_gone: how many. */
static int remove_some(const struct kn_share *s, struct kn_id *ids, size_t n, size_t *n_gone,
                       struct kn_err *err)
{
    bool held[BATCH_REMOVED] = {false};
    size_t gone = 0;
    int rc = s->by ? kn_qdrant_release(s->other, s->by, ids, n, held, err) : KN_OK;

    for (size_t i = 0; !rc && i < n; i++)
        if (!held[i])
            ids[gone++] = ids[i];
    if (!rc && gone > 0)
        rc = kn_library_remove(s->other, ids, gone, err);
    if (!rc)
        *n_gone = gone;
    return rc;
}

static int remove_all(const struct kn_share *s, const struct kn_outgoing *titles, size_t n,
                      struct kn_shared *out, struct kn_err *err)
{
    struct kn_id ids[BATCH_REMOVED];
    int rc = KN_OK;

    for (size_t at = 0, count, gone = 0; !rc && at < n; at += count) {
        count = n - at < BATCH_REMOVED ? n - at : BATCH_REMOVED;
        for (size_t i = 0; i < count; i++)
            ids[i] = titles[at + i].id;
        rc = kn_share_stopped(s, err);
        if (!rc)
            rc = remove_some(s, ids, count, &gone, err);
        if (!rc)
            rc = kn_store_note(s->local, s->target, titles + at, count, err);
        if (rc)
            break;
        out->removed += gone;
        out->kept += count - gone;
        kn_share_tell(s, KN_SHARE_REMOVE, "", at + count, n);
    }
    return rc;
}

/* ---- all of it ---- */

/* Sends what is to go out, and removes what is to go. sent: ready titles that went. */
static int transfer(const struct kn_share *s, bool all, struct kn_arena *arena, struct kn_id **sent,
                    size_t *n_sent, struct kn_shared *out, struct kn_err *err)
{
    struct kn_outgoing *titles;
    size_t n, gone = 0;
    int rc = kn_store_outgoing(s->local, s->target, all, arena, &titles, &n, &out->same, err);

    if (rc)
        return rc;
    while (gone < n && titles[gone].gone)
        gone++;
    *n_sent = 0;
    *sent = kn_arena_array(arena, n - gone, sizeof **sent);
    if (!*sent)
        return kn_err_set(err, KN_ELIMIT, "publish: no memory for %zu titles", n);
    rc = send_all(s, titles + gone, n - gone, *sent, n_sent, out, err);
    return rc ? rc : remove_all(s, titles, gone, out, err);
}

/* What should be there and is not is forgotten to be there; *n: how many. */
static int find_absent(const struct kn_share *s, struct kn_arena *arena, struct kn_shared *out,
                       size_t *n, struct kn_err *err)
{
    struct kn_outgoing *titles;
    size_t count, absent = 0;
    bool *there;
    int rc = kn_store_shared(s->local, s->target, arena, &titles, &count, err);

    if (rc)
        return rc;
    there = kn_arena_array(arena, count, sizeof *there);
    if (!there)
        return kn_err_set(err, KN_ELIMIT, "publish: no memory for %zu titles", count);
    rc = kn_share_check_present(s, titles, count, there, err);
    for (size_t i = 0; !rc && i < count; i++) {
        titles[absent] = titles[i];
        titles[absent].gone = true;
        absent += !there[i];
    }
    if (!rc && absent > 0)
        rc = kn_store_note(s->local, s->target, titles, absent, err);
    if (rc)
        return rc;
    out->present = count - absent;
    *n = absent;
    return KN_OK;
}

static int check_answers(const struct kn_share *s, struct kn_arena *arena, struct kn_shared *out,
                         struct kn_err *err)
{
    struct kn_outgoing *titles;
    struct kn_id *ids;
    size_t n;
    int rc = kn_store_shared(s->local, s->target, arena, &titles, &n, err);

    if (rc)
        return rc;
    ids = kn_arena_array(arena, n, sizeof *ids);
    if (!ids)
        return kn_err_set(err, KN_ELIMIT, "publish: no memory for %zu titles", n);
    for (size_t i = 0; i < n; i++)
        ids[i] = titles[i].id;
    return kn_share_check_answers(s->local, s->other, s, ids, n, out, err);
}

/* Another publisher may have removed a film that both have, and a cluster may have gone back to an older snapshot: what is
 * missing is sent once more before it is a failure. */
static int publish(const struct kn_share *s, struct kn_arena *arena, struct kn_shared *out,
                   struct kn_err *err)
{
    struct kn_id *sent;
    size_t n_sent, absent, same;
    int rc = transfer(s, s->all, arena, &sent, &n_sent, out, err);

    if (!rc)
        rc = find_absent(s, arena, out, &absent, err);
    if (!rc && absent > 0) {
        same = out->same > absent ? out->same - absent : 0;
        rc = transfer(s, false, arena, &sent, &n_sent, out, err);
        out->same = same;
        if (!rc)
            rc = find_absent(s, arena, out, &absent, err);
        if (!rc && absent > 0)
            rc = kn_err_set(err, KN_ECORRUPT,
                            "publish to '%s': %zu titles were taken and are not there; run the "
                            "same command again, and look at the server's log",
                            s->address, absent);
    }
    if (!rc)
        rc = kn_share_check_records(s, sent, n_sent, out, err);
    return rc ? rc : check_answers(s, arena, out, err);
}

/* ---- another model ---- */

/* What was forgotten here since it was published would keep the cluster waiting for it. */
static int remove_from_current(const struct kn_share *s, struct kn_arena *arena,
                               struct kn_shared *out, struct kn_err *err)
{
    struct kn_share former = *s;
    struct kn_outgoing *titles;
    size_t n, gone = 0, same;
    int rc = kn_store_outgoing(s->local, s->former, false, arena, &titles, &n, &same, err);

    former.other = s->current;
    former.target = s->former;
    while (!rc && gone < n && titles[gone].gone)
        gone++;
    return rc ? rc : remove_all(&former, titles, gone, out, err);
}

static int count_absent(const struct kn_share *s, const struct kn_title *titles, size_t n,
                        size_t *absent, struct kn_err *err)
{
    struct kn_outgoing ready[PAGE] = {0};
    bool there[PAGE] = {false};
    size_t count = 0;
    int rc;

    for (size_t i = 0; i < n; i++)
        if (titles[i].state == KN_STATE_READY)
            ready[count++].id = titles[i].id;
    rc = kn_share_check_present(s, ready, count, there, err);
    for (size_t i = 0; !rc && i < count; i++)
        *absent += !there[i];
    return rc;
}

static int count_behind(const struct kn_share *s, size_t *behind, struct kn_err *err)
{
    struct kn_id after, *from = NULL;
    size_t n = PAGE;
    int rc = KN_OK;

    for (; !rc && n == PAGE; from = &after) {
        struct kn_arena *arena = kn_arena_new(0);
        struct kn_title *titles;

        rc = arena ? kn_library_scroll(s->current, from, PAGE, arena, &titles, &n, err)
                   : kn_err_set(err, KN_ELIMIT, "publish: no memory");
        if (!rc)
            rc = count_absent(s, titles, n, behind, err);
        if (!rc && n > 0)
            after = titles[n - 1].id;
        kn_arena_free(arena);
    }
    return rc;
}

static int swap(const struct kn_share *s, struct kn_shared *out, struct kn_err *err)
{
    int rc = s->swap ? KN_OK : count_behind(s, &out->behind, err);

    if (rc || out->behind > 0)
        return rc;
    rc = kn_qdrant_swap(s->other, err);
    out->swapped = !rc;
    return rc;
}

/* The other library's model is this one's, or becomes it. */
static int agree_on_model(const struct kn_share *s, struct kn_err *err)
{
    char here[64], there[64];
    size_t dim, other_dim;
    int rc = kn_library_model(s->local, here, &dim, err);

    if (!rc && dim == 0)
        rc = kn_err_set(err, KN_EARG,
                        "publish: the library holds nothing yet; run: kinora ingest "
                        "DIR");
    if (!rc)
        rc = kn_library_model(s->other, there, &other_dim, err);
    if (rc || (dim == other_dim && strcmp(here, there) == 0))
        return rc;
    return kn_library_set_model(s->other, here, dim, err);
}

int kn_share_publish(const struct kn_share *s, struct kn_shared *out, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    int rc;

    *out = (struct kn_shared){.recall = (double)NAN};
    if (!arena)
        return kn_err_set(err, KN_ELIMIT, "publish: no memory");
    rc = agree_on_model(s, err);
    if (!rc && s->current)
        rc = remove_from_current(s, arena, out, err);
    if (!rc)
        rc = publish(s, arena, out, err);
    if (!rc && s->current)
        rc = swap(s, out, err);
    kn_arena_free(arena);
    return rc;
}
