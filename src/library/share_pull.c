/* From there to here. */
#include "library/share.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 256,
    BATCH_TITLES = 64,
    BATCH_BYTES = 8 << 20,
    WHOLE = KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENTS | KN_WITH_MOMENT_VECTORS,
};

struct ids {
    struct kn_id *ids;
    size_t n, room;
};

struct pull {
    const struct kn_share *s;
    struct kn_shared *out;
    struct ids seen, both, got; /* all there; ready and the same here; those of this run */
    size_t total;
};

static int keep_id(struct ids *l, const struct kn_id *id, struct kn_err *err)
{
    if (l->n == l->room) {
        size_t room = 2 * l->room + PAGE;
        struct kn_id *more = realloc(l->ids, room * sizeof *more);

        if (!more)
            return kn_err_set(err, KN_ELIMIT, "pull: no memory for %zu titles", room);
        l->ids = more;
        l->room = room;
    }
    l->ids[l->n++] = *id;
    return KN_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kn_id));
}

static uint64_t bits(double x)
{
    uint64_t u;

    memcpy(&u, &x, sizeof u);
    return isnan(x) ? UINT64_MAX : u;
}

/* How a title looks in a list. Its words and vectors are not in it; what it is scored follows from them, so they do not change
 * without it, but where no scorer had an opinion: then --all is needed. */
static int stamp_of(const struct kn_title *t, const char *model, struct kn_hash *out,
                    struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_set(err, KN_ELIMIT, "pull: no memory");
    kn_hasher_text(h, model);
    kn_hasher_text(h, t->name);
    kn_hasher_u64(h, (uint64_t)t->state);
    kn_hasher_text(h, t->reason);
    kn_hasher_text(h, t->language);
    kn_hasher_u64(h, bits(t->language_confidence));
    kn_hasher_u64(h, t->language_set);
    kn_hasher_text(h, t->words_from);
    kn_hasher_u64(h, bits(t->duration));
    kn_hasher_u64(h, bits(t->opinion));
    kn_hasher_text(h, t->scorer);
    kn_hasher_u64(h, (uint64_t)t->scorer_version);
    kn_hasher_u64(h, (uint64_t)t->year);
    kn_hasher_text(h, t->genres);
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

/* ---- titles ---- */

struct batch {
    struct kn_arena *arena;
    struct kn_incoming titles[BATCH_TITLES];
    struct kn_record records[BATCH_TITLES];
    size_t n;
};

static int flush(struct pull *p, struct batch *b, struct kn_err *err)
{
    int rc =
        b->n ? kn_store_take(p->s->local, p->s->target, b->titles, b->records, b->n, err) : KN_OK;

    for (size_t i = 0; !rc && i < b->n; i++)
        if (b->records[i].title.state == KN_STATE_READY)
            rc = keep_id(&p->got, &b->titles[i].id, err);
    if (!rc)
        p->out->sent += b->n;
    b->n = 0;
    kn_arena_free(b->arena);
    b->arena = kn_arena_new(0);
    return rc || b->arena ? rc : kn_err_set(err, KN_ELIMIT, "pull: no memory");
}

static int fetch(struct pull *p, const struct kn_incoming *t, struct batch *b, struct kn_err *err)
{
    struct kn_record *r = &b->records[b->n];
    int rc = kn_share_stopped(p->s, err);

    if (!rc)
        rc = kn_library_get(p->s->other, &t->id, WHOLE, b->arena, r, err);
    if (rc)
        return rc == KN_ENOTFOUND ? KN_OK : rc; /* removed since the page was read */
    r->title.n_paths = 0;
    b->titles[b->n++] = *t;
    return b->n == BATCH_TITLES || kn_arena_used(b->arena) >= BATCH_BYTES ? flush(p, b, err)
                                                                          : KN_OK;
}

static int pull_page(struct pull *p, const struct kn_title *titles, size_t n, const char *model,
                     struct batch *b, struct kn_err *err)
{
    struct kn_incoming incoming[PAGE];
    int rc = KN_OK;

    for (size_t i = 0; !rc && i < n; i++) {
        incoming[i] = (struct kn_incoming){.id = titles[i].id};
        rc = stamp_of(&titles[i], model, &incoming[i].stamp, err);
        if (!rc)
            rc = keep_id(&p->seen, &titles[i].id, err);
    }
    if (!rc)
        rc = kn_store_wanted(p->s->local, p->s->target, incoming, n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        bool wanted = incoming[i].wanted || (p->s->all && !incoming[i].own);

        p->out->kept += incoming[i].own;
        p->out->same += !incoming[i].own && !wanted;
        if (!incoming[i].own && titles[i].state == KN_STATE_READY)
            rc = keep_id(&p->both, &titles[i].id, err);
        if (!rc && wanted)
            rc = fetch(p, &incoming[i], b, err);
    }
    if (!rc)
        rc = flush(p, b, err);
    if (!rc && n > 0)
        kn_share_tell(p->s, KN_SHARE_SEND, titles[n - 1].name, p->seen.n, p->total);
    return rc;
}

static int pull_pages(struct pull *p, const char *model, struct batch *b, struct kn_err *err)
{
    struct kn_id after, *from = NULL;
    size_t n = PAGE;
    int rc = KN_OK;

    for (; !rc && n == PAGE; from = &after) {
        struct kn_arena *arena = kn_arena_new(0);
        struct kn_title *titles;

        rc = arena ? kn_library_scroll(p->s->other, from, PAGE, arena, &titles, &n, err)
                   : kn_err_set(err, KN_ELIMIT, "pull: no memory");
        if (!rc)
            rc = pull_page(p, titles, n, model, b, err);
        if (!rc && n > 0)
            after = titles[n - 1].id;
        kn_arena_free(arena);
    }
    return rc;
}

/* ---- all of it ---- */

static int agree_on_model(const struct kn_share *s, char model[64], struct kn_err *err)
{
    char here[64];
    size_t dim, own_dim;
    int rc = kn_library_model(s->other, model, &dim, err);

    if (!rc && dim == 0)
        rc =
            kn_err_set(err, KN_EARG, "pull from '%s': nothing was published there yet", s->address);
    if (!rc)
        rc = kn_library_model(s->local, here, &own_dim, err);
    if (rc || (own_dim == dim && strcmp(here, model) == 0))
        return rc;
    if (own_dim > 0)
        return kn_err_set(err, KN_EARG,
                          "pull from '%s': its vectors are of the model '%s' and this library's of "
                          "'%s'; pull into another --library",
                          s->address, model, here);
    return kn_library_set_model(s->local, model, dim, err);
}

/* All ready titles are here, by the library that counts them. */
static int check_count(struct pull *p, struct kn_err *err)
{
    struct kn_share back = {.local = p->s->other, .other = p->s->local, .cancel = p->s->cancel};
    struct kn_outgoing *titles = calloc(p->both.n + 1, sizeof *titles);
    bool *here = calloc(p->both.n + 1, sizeof *here);
    int rc = KN_OK;

    if (!titles || !here)
        rc = kn_err_set(err, KN_ELIMIT, "pull: no memory");
    for (size_t i = 0; !rc && i < p->both.n; i++)
        titles[i].id = p->both.ids[i];
    if (!rc)
        rc = kn_share_check_present(&back, titles, p->both.n, here, err);
    for (size_t i = 0; !rc && i < p->both.n; i++)
        p->out->present += here[i];
    if (!rc && p->out->present < p->both.n)
        rc = kn_err_set(err, KN_ECORRUPT,
                        "pull from '%s': %zu of %zu titles are not here; if nobody published just "
                        "now, run the same command again",
                        p->s->address, p->both.n - p->out->present, p->both.n);
    free(titles);
    free(here);
    return rc;
}

/* Nothing may be dropped here for a list that leaves something out. */
static int pull_all(struct pull *p, struct kn_err *err)
{
    struct batch b = {.arena = kn_arena_new(0)};
    struct kn_library_stats before, after;
    char model[64];
    int rc =
        b.arena ? agree_on_model(p->s, model, err) : kn_err_set(err, KN_ELIMIT, "pull: no memory");

    if (!rc)
        rc = kn_library_get_stats(p->s->other, &before, err);
    if (!rc) {
        p->total = before.titles;
        rc = pull_pages(p, model, &b, err);
    }
    if (!rc)
        rc = kn_library_get_stats(p->s->other, &after, err);
    kn_arena_free(b.arena);
    if (!rc && p->seen.n < before.titles && p->seen.n < after.titles)
        rc = kn_err_set(err, KN_ECORRUPT,
                        "pull from '%s': it lists %zu titles and counts %llu; if nobody published "
                        "just now, publish to it with --all",
                        p->s->address, p->seen.n, (unsigned long long)after.titles);
    return rc;
}

static int pull(struct pull *p, struct kn_err *err)
{
    int rc = pull_all(p, err);

    if (rc)
        return rc;
    qsort(p->seen.ids, p->seen.n, sizeof *p->seen.ids, compare_ids);
    rc = kn_store_drop_pulled(p->s->local, p->s->target, p->seen.ids, p->seen.n, &p->out->removed,
                              err);
    if (!rc)
        rc = check_count(p, err);
    if (!rc)
        rc = kn_share_check_records(p->s, p->got.ids, p->got.n, p->out, err);
    return rc ? rc
              : kn_share_check_answers(p->s->other, p->s->local, p->s, p->both.ids, p->both.n,
                                       p->out, err);
}

int kn_share_pull(const struct kn_share *s, struct kn_shared *out, struct kn_err *err)
{
    struct pull p = {.s = s, .out = out};
    int rc;

    *out = (struct kn_shared){.recall = (double)NAN};
    rc = pull(&p, err);
    free(p.seen.ids);
    free(p.both.ids);
    free(p.got.ids);
    return rc;
}
