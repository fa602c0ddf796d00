/* What a run will have to do, told before it begins; and what is learned from it for the next one.
 *
 * It must cost nothing beside the run: no file is opened. What is new is told by path, size and time; how long it plays, by its
 * bytes and what those of this library's films came to; how long listening takes, by what it took here before. */
#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/unicode.h"
#include "ingest/sidecar.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of films as people keep them: 1 GB an hour. Only until there is one in the library. */
#define SOUND_PER_BYTE 3.6e-6

enum { ENOUGH = 30 }; /* seconds of sound from which on a pace is worth keeping */

/* What a pace is true of: processor, model, and what is asked of both. */
static const char *machine(const struct run *r, int jobs, char out[256])
{
    const struct kn_ingest_options *o = r->options;
    const char *slash = strrchr(o->speech_model, '/');
    char line[256], cpu[128] = "";
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f && !*cpu && fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':'))
            snprintf(cpu, sizeof cpu, "%.*s", (int)strcspn(strchr(line, ':') + 2, "\n"),
                     strchr(line, ':') + 2);
    }
    if (f)
        fclose(f);
    snprintf(out, 256, "%s; %s; %d jobs of %d; beam %d", cpu, slash ? slash + 1 : o->speech_model,
             jobs, o->threads > 0 ? o->threads : 1, o->beam);
    return out;
}

/* Did it fail, and is it to be tried again? */
static int is_retried(struct run *r, const struct kn_scan_file *file, struct kn_arena *arena,
                      bool *retried, struct kn_err *err)
{
    struct kn_standing now;
    struct kn_buf escaped;
    struct kn_id id;
    bool found = false, apart;
    int rc;

    *retried = false;
    if (!r->options->retry_failed)
        return KN_OK;
    kn_buf_init(&escaped, 4 * PATH_MAX);
    rc = kn_escape_path(kn_sv_of(file->path), &escaped, err);
    if (rc == KN_OK)
        rc = kn_store_at(r->lib, escaped.data, &found, &id, &apart, err);
    if (rc == KN_OK && found)
        rc = kn_store_standing(r->lib, &id, arena, &now, err);
    *retried = rc == KN_OK && found && now.state == KN_STATE_FAILED;
    kn_buf_free(&escaped);
    return rc;
}

static int look_at(struct run *r, const struct kn_scan_file *file, struct kn_arena *arena,
                   struct outlook *o, double *bytes, struct kn_err *err)
{
    struct kn_sidecar *sidecars;
    bool known = false, retried = false;
    size_t n = 0;
    int rc = run_is_known(r, file, &known, err);

    if (rc == KN_OK)
        rc = is_retried(r, file, arena, &retried, err);
    if (rc || (known && !retried))
        return rc;
    rc = kn_sidecar_find(&r->scan, file->path, arena, &sidecars, &n, err);
    if (rc)
        return rc;
    o->again += retried;
    o->fresh += !retried;
    if (n > 0)
        o->subtitled++;
    else
        *bytes += (double)file->size;
    return KN_OK;
}

int run_look_ahead(struct run *r, int jobs, const struct kn_cancel *cancel, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct outlook o = {0};
    struct kn_pace pace;
    double bytes = 0;
    char name[256];
    int rc = arena ? kn_store_pace(r->lib, machine(r, jobs, name), &pace, err)
                   : kn_err_memory(err, "ingest: no memory");

    for (size_t i = 0; rc == KN_OK && i < r->scan.n_files && !kn_cancel_is_set(cancel); i++)
        rc = look_at(r, &r->scan.files[i], arena, &o, &bytes, err);
    kn_arena_free(arena);
    if (rc)
        return rc;
    o.sound = bytes * (pace.sound_per_byte > 0 ? pace.sound_per_byte : SOUND_PER_BYTE);
    o.listening = pace.speed > 0 ? o.sound / pace.speed : (double)NAN;
    r->progress.outlook = o;
    return KN_OK;
}

int run_remember_pace(struct run *r, int jobs, struct kn_err *err)
{
    double elapsed = kn_clock_now() - r->progress.began;
    char name[256];

    if (r->progress.heard < ENOUGH)
        return KN_OK;
    return kn_store_add_pace(r->lib, machine(r, jobs, name), r->progress.heard, elapsed, err);
}
