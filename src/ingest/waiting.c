/* Which file is next. Files that may still be written come last, when they have come to rest; those that do not within
 * WAIT_MAX seconds after all others are left for another run, with the reason. */
#include "ingest/run.h"

#include "base/arena.h"
#include "base/clock.h"

#include <stdlib.h>
#include <sys/stat.h>

#define POLL 0.1     /* seconds */
#define WAIT_MAX 10. /* seconds */

int run_wait_for(struct run *r, struct kn_scan_file *file, struct kn_err *err)
{
    int rc = KN_OK;

    pthread_mutex_lock(&r->lock);
    if (r->n_waiting == r->cap_waiting) {
        size_t cap = r->cap_waiting ? 2 * r->cap_waiting : 64;
        struct kn_scan_file **grown = realloc(r->waiting, cap * sizeof *grown);

        if (grown) {
            r->waiting = grown;
            r->cap_waiting = cap;
        } else {
            rc = kn_err_memory(err, "ingest: no memory for %zu files", cap);
        }
    }
    if (rc == KN_OK)
        r->waiting[r->n_waiting++] = file;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* Is it as it was when it was last looked at, and has been so for a while? A file that is gone is left to who opens it. */
static bool has_settled(struct kn_scan_file *file)
{
    struct stat st;
    uint64_t size;
    int64_t mtime_ns;
    bool same;

    if (stat(file->path, &st) < 0)
        return true;
    size = (uint64_t)st.st_size;
    mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    same = size == file->size && mtime_ns == file->mtime_ns;
    file->size = size;
    file->mtime_ns = mtime_ns;
    return same && kn_plan_is_quiet(mtime_ns);
}

/* Takes one off the list: one that has settled, or any when time is up. NULL: none now. */
static struct kn_scan_file *take(struct run *r, bool any, bool *left)
{
    struct kn_scan_file *file = NULL;

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; !file && i < r->n_waiting; i++) {
        if (!any && !has_settled(r->waiting[i]))
            continue;
        file = r->waiting[i];
        r->waiting[i] = r->waiting[--r->n_waiting];
    }
    *left = r->n_waiting > 0;
    pthread_mutex_unlock(&r->lock);
    return file;
}

static void give_up(struct run *r, const struct kn_scan_file *file)
{
    static const char reason[] = "it is still being written; the next run looks again";
    struct job *j = job_new();
    struct kn_err err;
    int rc = KN_ELIMIT;

    if (j)
        rc = kn_plan_give_up(&r->planning, file, reason, j->arena, &j->plan, &err);
    else
        kn_err_memory(&err, "ingest '%s': no memory", file->path);
    if (rc)
        run_fail(r, rc, &err);
    else
        progress_finished(r, j, KN_STATE_PENDING, reason);
    job_free(j);
}

struct kn_scan_file *run_next_file(struct run *r)
{
    size_t i = atomic_fetch_add(&r->next_file, 1);
    double until = kn_clock_now() + WAIT_MAX;
    struct kn_scan_file *file;
    bool left = true;

    if (i < r->scan.n_files)
        return &r->scan.files[i];
    while (left && !run_stopped(r) && !run_out_of_time(r)) {
        bool up = kn_clock_now() >= until;

        file = take(r, up, &left);
        if (file && up && !has_settled(file))
            give_up(r, file);
        else if (file)
            return file;
        else if (left)
            kn_clock_sleep(POLL);
    }
    return NULL;
}
