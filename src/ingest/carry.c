/* What follows from words that are in the library already: vectors after another embedding model was chosen, opinions after
 * another scorer was, both for imported texts and after a run that was stopped. Keys alone decide, so a title whose
 * files lie elsewhere, or that never had any, is not forgotten. Each of several threads has a model of its own,
 * for here, unlike behind the listeners, it is the model that takes the time. */
#include "ingest/run.h"

#include "base/arena.h"

#include <string.h>

static bool same(const struct kn_hash *a, const struct kn_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* What is left to do for a title. */
static int plan_staged(struct run *r, const struct kn_staged *t, struct kn_plan *out,
                       struct kn_err *err)
{
    struct kn_plan p = {
        .id = t->id, .name = t->name, .escaped = "", .reason = "", .state = t->state};
    int rc = kn_plan_behind_words(&t->words, &r->settings, p.keys, err);

    if (rc)
        return rc;
    p.from = !same(&t->vectors, &p.keys[KN_STAGE_VECTORS])   ? KN_STAGE_VECTORS
             : !same(&t->opinion, &p.keys[KN_STAGE_OPINION]) ? KN_STAGE_OPINION
                                                             : KN_STAGES;
    *out = p;
    return KN_OK;
}

static int carry_title(struct run *r, const struct kn_staged *t, struct kn_err *err)
{
    struct job *j = job_new();
    int rc = KN_OK;

    if (!j)
        return kn_err_memory(err, "title '%s': no memory", t->name);
    rc = plan_staged(r, t, &j->plan, err);
    if (rc == KN_OK)
        rc = job_to_meaning(r, j, err);
    job_free(j);
    return rc;
}

static void *carry_thread(void *p)
{
    struct run *r = p;

    for (size_t i = 0; i < r->n_carried && !run_stopped(r) && !run_out_of_time(r); i++) {
        struct kn_err err;
        int rc = carry_title(r, &r->carried[i], &err);

        if (rc)
            run_fail(r, rc, &err);
    }
    kn_queue_close(r->to_mean);
    return NULL;
}

int run_find_carried(struct run *r, struct kn_arena *arena, struct kn_err *err)
{
    struct kn_staged *all;
    size_t n, kept = 0;
    int rc = kn_store_staged(r->lib, arena, &all, &n, err);

    for (size_t i = 0; i < n && rc == KN_OK; i++) {
        struct kn_plan p;

        rc = plan_staged(r, &all[i], &p, err);
        if (rc == KN_OK && p.from != KN_STAGES)
            all[kept++] = all[i];
    }
    if (rc)
        return rc;
    r->carried = all;
    r->n_carried = kept;
    return KN_OK;
}

int run_carry(struct run *r, const struct kn_cancel *cancel, struct kn_err *err)
{
    struct crew crew = {.n = 0};
    int jobs = run_jobs(r->options), rc;

    if (r->n_carried == 0)
        return KN_OK;
    if ((size_t)jobs > r->n_carried)
        jobs = (int)r->n_carried;
    kn_queue_free(r->to_mean);
    r->to_mean = NULL;
    rc = kn_queue_new((struct kn_queue_limits){(size_t)jobs + 1, SIZE_MAX}, job_free, &r->to_mean,
                      err);
    if (rc)
        return rc;
    atomic_store(&r->ended, false);
    atomic_store(&r->meaning, jobs + 1); /* and the one that feeds them */
    for (int i = 0; i < jobs; i++)
        if (!crew_start(&crew, mean_thread, r))
            run_meaning_done(r);
    if (!crew_start(&crew, carry_thread, r))
        kn_queue_close(r->to_mean);
    run_meaning_done(r);
    crew_wait(&crew, r, cancel);
    return KN_OK;
}
