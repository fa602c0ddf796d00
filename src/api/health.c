/* Keeping a library well: prepare, check, backup, forget, join, split. */
#include "api/api.h"

#include "base/arena.h"
#include "base/err.h"
#include "library/store.h"

#include <stdlib.h>
#include <string.h>

static const char *told(struct kn_arena *arena, const struct kn_check *c, bool repair)
{
    unsigned long long n = c->found;

    if (n == 0)
        return "good";
    if (c->mended && strcmp(c->name, "index") == 0)
        return kn_arena_printf(arena, "%s: %llu, made again", c->what, n);
    if (c->mended)
        return kn_arena_printf(arena, "%s: %llu, mended; run kinora ingest to redo what that took",
                               c->what, n);
    return kn_arena_printf(arena, "%s: %llu; %s", c->what, n,
                           repair ? "this cannot be mended: put a backup in its place, or move the "
                                    "library away and ingest again (the films are not touched)"
                                  : "run kinora check --repair");
}

/* A cluster keeps its own files sound; that it answers and counts what it has is what can be seen from here. */
static int check_cluster(struct kinora *k, struct kn_arena *arena, struct kn_check **out, size_t *n,
                         struct kn_err *err)
{
    struct kn_check *c = kn_arena_get(arena, sizeof *c);
    int rc = c ? kn_library_check(k->lib, err) : kn_api_no_memory(err, "check");

    if (rc)
        return rc;
    *c = (struct kn_check){.name = "cluster", .what = ""};
    *out = c;
    *n = 1;
    return KN_OK;
}

/* The first vector there is asks as well as any: what is looked at to answer does not depend on it. */
static int ask_each(struct kinora *k, const float *vector, size_t dim, struct kn_err *err)
{
    struct kn_moment_hit moment;
    struct kinora_answer *answer;
    struct kn_hit hit;
    size_t n = 0, n_moments;
    int rc = kn_library_similar(k->lib, vector, dim, NULL, 1, &hit, &n, err);

    if (rc == KN_OK)
        rc = kn_library_moments(k->lib, vector, dim, NULL, 1, &moment, &n_moments, err);
    if (rc || n == 0)
        return rc;
    rc = kinora_recommend(k, &hit.id, &(struct kinora_query){.limit = 1}, &answer, err);
    if (rc == KN_OK)
        kinora_answer_free(answer);
    return rc;
}

int kinora_prepare(struct kinora *k, struct kn_err *err)
{
    char model[64];
    float *vector;
    size_t dim;
    int rc = kn_library_model(k->lib, model, &dim, err);

    if (rc || dim == 0)
        return rc;
    vector = calloc(dim, sizeof *vector);
    if (!vector)
        return kn_api_no_memory(err, "prepare");
    vector[0] = 1;
    rc = ask_each(k, vector, dim, err);
    free(vector);
    return rc;
}

int kinora_check(struct kinora *k, bool repair, struct kinora_report **out, struct kn_err *err)
{
    struct kinora_report *r = calloc(1, sizeof *r);
    struct kn_check *checks;
    size_t n = 0;
    int rc = KN_OK;

    if (!r || !(r->arena = kn_arena_new(0)))
        rc = kn_api_no_memory(err, "check");
    if (rc == KN_OK)
        rc = kinora_is_cluster(k) ? check_cluster(k, r->arena, &checks, &n, err)
                                  : kn_store_check(k->lib, repair, r->arena, &checks, &n, err);
    if (rc == KN_OK && !(r->findings = kn_arena_array(r->arena, n, sizeof *r->findings)))
        rc = kn_api_no_memory(err, "check");
    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        struct kinora_finding *f = &r->findings[r->n++];

        f->health = !checks[i].found ? KINORA_GOOD : checks[i].mended ? KINORA_WARNING : KINORA_BAD;
        f->name = checks[i].name;
        f->text = told(r->arena, &checks[i], repair);
        r->worst = f->health > r->worst ? f->health : r->worst;
        if (!f->text)
            rc = kn_api_no_memory(err, "check");
    }
    if (rc)
        kinora_report_free(r);
    else
        *out = r;
    return rc;
}

int kinora_backup(struct kinora *k, const char *file, bool force, struct kn_err *err)
{
    if (kinora_is_cluster(k))
        return kn_err_set(err, KN_EARG,
                          "backup '%.80s': a cluster is backed up by snapshots of its own "
                          "(docs/deploy), or by kinora pull-library into a folder",
                          k->path);
    return kn_store_backup(k->lib, file, force, &k->cancel, err);
}

int kinora_forget(struct kinora *k, const struct kn_id *ids, size_t n, struct kn_err *err)
{
    int rc = kn_library_remove(k->lib, ids, n, err);

    if (rc == KN_OK)
        kn_api_keep_index(k);
    return rc;
}

int kinora_join(struct kinora *k, const struct kn_id *lead, const struct kn_id *other,
                struct kn_err *err)
{
    return kn_store_join(k->lib, lead, other, true, err);
}

int kinora_split(struct kinora *k, const struct kn_id *id, size_t *n, struct kn_err *err)
{
    return kn_store_split(k->lib, id, n, err);
}
