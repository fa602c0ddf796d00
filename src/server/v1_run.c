#include "v1_ingest.h"

#include "base/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    EVENT_MAX = 16 << 10, /* what kn_events_post takes */
    NICE = 10,            /* of the run's threads: who waits for an answer comes first */
};

/* ---- what is told ---- */

static void started_json(struct kn_json_writer *w, time_t started)
{
    char text[32];
    struct tm tm;

    if (started == 0 || !gmtime_r(&started, &tm) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        kn_json_null(w, "started");
    else
        kn_json_string(w, "started", text);
}

static void summary_json(struct kn_json_writer *w, const struct kinora_summary *s, bool cancelled)
{
    kn_json_begin_object(w, "summary");
    kn_json_integer(w, "files", (int64_t)s->files);
    kn_json_integer(w, "added", (int64_t)s->added);
    kn_json_integer(w, "unchanged", (int64_t)s->unchanged);
    kn_json_integer(w, "still_failed", (int64_t)s->still_failed);
    kn_json_integer(w, "ready", (int64_t)s->ready);
    kn_json_integer(w, "silent", (int64_t)s->silent);
    kn_json_integer(w, "failed", (int64_t)s->failed);
    kn_json_integer(w, "missing", (int64_t)s->missing);
    kn_json_integer(w, "waiting", (int64_t)s->waiting);
    kn_json_integer(w, "skipped", (int64_t)s->skipped);
    kn_json_seconds(w, "sound", s->sound);
    kn_json_seconds(w, "elapsed", s->elapsed);
    kn_json_bool(w, "cancelled", cancelled);
    kn_json_end_object(w);
}

static void active_json(struct kn_json_writer *w, const struct kn_v1_active *a)
{
    kn_json_begin_object(w, NULL);
    kn_v1_name_json(w, &(struct kn_title){.id = a->id, .name = a->name});
    kn_json_string(w, "stage", a->stage);
    kn_json_seconds(w, "seconds", a->seconds);
    kn_json_seconds(w, "duration", a->duration > 0 ? a->duration : (double)NAN);
    kn_json_end_object(w);
}

void kn_v1_state_json(const struct kn_v1_ingest *g, struct kn_json_writer *w)
{
    kn_json_bool(w, "running", g->running);
    kn_json_bool(w, "stopping", g->stopping);
    started_json(w, g->started);
    kn_json_integer(w, "done", (int64_t)g->done);
    kn_json_integer(w, "total", (int64_t)g->total);
    kn_json_seconds(w, "heard", g->heard);
    kn_json_seconds(w, "elapsed", g->elapsed);
    kn_json_seconds(w, "left", g->running ? g->left : (double)NAN);
    kn_json_begin_array(w, "active");
    for (size_t i = 0; i < g->n_active; i++)
        active_json(w, &g->active[i]);
    kn_json_end_array(w);
    if (g->has_summary)
        summary_json(w, &g->summary, g->cancelled);
    else
        kn_json_null(w, "summary");
    kn_json_known(w, "error", g->error);
    kn_json_integer(w, "changes", (int64_t)g->changes);
}

void kn_v1_post_state(struct kn_v1_ingest *g)
{
    struct kn_buf data;
    struct kn_json_writer w = {.out = &data};

    kn_buf_init(&data, EVENT_MAX);
    kn_json_begin_object(&w, NULL);
    kn_v1_state_json(g, &w);
    kn_json_end_object(&w);
    if (kn_buf_ok(&data, NULL) == KN_OK)
        kn_events_post(g->events, "state", data.data);
    kn_buf_free(&data);
}

static void post_event(struct kn_v1_ingest *g, const struct kinora_event *e)
{
    static const char *const names[] = {
        [KINORA_SCANNED] = "scanned",     [KINORA_STAGE] = "stage",
        [KINORA_HEARD] = "heard",         [KINORA_FINISHED] = "finished",
        [KINORA_UNCHANGED] = "unchanged", [KINORA_POSTER] = "poster"};
    struct kn_buf data;
    struct kn_json_writer w = {.out = &data};

    kn_buf_init(&data, EVENT_MAX);
    kn_json_begin_object(&w, NULL);
    if (e->kind != KINORA_SCANNED) {
        kn_v1_name_json(&w, &(struct kn_title){.id = e->id, .name = e->name});
        kn_json_known(&w, "path", e->path);
    }
    if (e->kind == KINORA_STAGE || e->kind == KINORA_HEARD)
        kn_json_string(&w, "stage", e->stage);
    if (e->kind == KINORA_FINISHED || e->kind == KINORA_UNCHANGED) {
        kn_json_string(&w, "state", kinora_state_name(e->state));
        kn_json_known(&w, "reason", e->reason);
    }
    if (e->kind == KINORA_POSTER) {
        kn_json_known(&w, "reason", e->reason);
        kn_json_integer(&w, "posters", (int64_t)e->posters);
        kn_json_integer(&w, "films", (int64_t)e->films);
    }
    if (e->kind == KINORA_HEARD) {
        kn_json_seconds(&w, "seconds", e->seconds);
        kn_json_seconds(&w, "duration", e->duration > 0 ? e->duration : (double)NAN);
    }
    if (e->kind == KINORA_SCANNED) {
        kn_json_integer(&w, "new", (int64_t)e->fresh);
        kn_json_integer(&w, "again", (int64_t)e->again);
        kn_json_integer(&w, "with_subtitles", (int64_t)e->subtitled);
        kn_json_seconds(&w, "sound", e->sound);
    }
    kn_json_integer(&w, "done", (int64_t)e->done);
    kn_json_integer(&w, "total", (int64_t)e->total);
    kn_json_seconds(&w, "heard", e->heard);
    kn_json_seconds(&w, "elapsed", e->elapsed);
    kn_json_seconds(&w, "left", e->left);
    kn_json_end_object(&w);
    if (kn_buf_ok(&data, NULL) == KN_OK)
        kn_events_post(g->events, names[e->kind], data.data);
    kn_buf_free(&data);
}

/* ---- what is kept of it ---- */

static struct kn_v1_active *find_active(struct kn_v1_ingest *g, const struct kn_id *id)
{
    for (size_t i = 0; i < g->n_active; i++)
        if (memcmp(&g->active[i].id, id, sizeof *id) == 0)
            return &g->active[i];
    return NULL;
}

static void enter(struct kn_v1_ingest *g, const struct kinora_event *e)
{
    struct kn_v1_active *a = find_active(g, &e->id);

    if (!a && g->n_active < KN_V1_ACTIVE) {
        char *name = strdup(e->name);

        if (!name)
            return; /* it is shown a little later, or not at all */
        a = &g->active[g->n_active++];
        *a = (struct kn_v1_active){.id = e->id, .name = name};
    }
    if (!a)
        return;
    a->stage = e->stage; /* a constant of the library's */
    a->duration = e->duration;
    if (e->kind == KINORA_HEARD)
        a->seconds = e->seconds;
}

static void leave(struct kn_v1_ingest *g, const struct kn_id *id)
{
    struct kn_v1_active *a = find_active(g, id);

    if (!a)
        return;
    free(a->name);
    *a = g->active[--g->n_active];
}

static void free_failure(struct kn_v1_failure *f)
{
    free(f->name);
    free(f->path);
    free(f->reason);
    *f = (struct kn_v1_failure){0};
}

static void remember_failure(struct kn_v1_ingest *g, const struct kinora_event *e)
{
    struct kn_v1_failure *f = &g->failures[g->n_failures % KN_V1_FAILURES];

    free_failure(f);
    f->id = e->id;
    f->name = strdup(e->name);
    f->path = strdup(e->path);
    f->reason = strdup(e->reason);
    if (f->name && f->path && f->reason)
        g->n_failures++;
    else
        free_failure(f); /* the library has it all the same */
}

static void forget_run(struct kn_v1_ingest *g)
{
    while (g->n_active > 0)
        free(g->active[--g->n_active].name);
    for (size_t i = 0; i < KN_V1_FAILURES; i++)
        free_failure(&g->failures[i]);
    g->n_failures = 0;
    g->done = g->total = 0;
    g->heard = g->elapsed = 0;
    g->left = (double)NAN;
    g->has_summary = g->cancelled = g->stopping = false;
    g->error[0] = '\0';
}

static void on_event(void *ctx, const struct kinora_event *e)
{
    struct kn_v1_ingest *g = ctx;

    pthread_mutex_lock(&g->lock);
    g->all_heard += e->heard - g->heard;
    g->done = e->done;
    g->total = e->total;
    g->heard = e->heard;
    g->elapsed = e->elapsed;
    g->left = e->left;
    if (e->kind == KINORA_STAGE || e->kind == KINORA_HEARD)
        enter(g, e);
    if (e->kind == KINORA_FINISHED) {
        leave(g, &e->id);
        g->all_finished++;
    }
    if (e->kind == KINORA_FINISHED && e->state == KN_STATE_FAILED) {
        remember_failure(g, e);
        g->all_failed++;
    }
    post_event(g, e);
    pthread_mutex_unlock(&g->lock);
}

/* ---- the run ---- */

void kn_v1_free_paths(char **paths, size_t n)
{
    for (size_t i = 0; paths && i < n; i++)
        free(paths[i]);
    free(paths);
}

static void end_run(struct kn_v1_ingest *g, int rc, const struct kinora_summary *summary,
                    const struct kn_err *err)
{
    struct kinora *writer;

    pthread_mutex_lock(&g->lock);
    writer = g->writer;
    g->writer = NULL;
    pthread_mutex_unlock(&g->lock);
    kinora_close(writer); /* and its lock on the library, before anybody is told */
    pthread_mutex_lock(&g->lock);
    while (g->n_active > 0)
        free(g->active[--g->n_active].name);
    g->running = g->stopping = false;
    g->cancelled = rc == KN_ECANCELLED;
    g->has_summary = rc == KN_OK || rc == KN_ECANCELLED;
    g->summary = *summary;
    if (g->has_summary)
        g->elapsed = summary->elapsed;
    snprintf(g->error, sizeof g->error, "%s", g->has_summary ? "" : err->msg);
    kn_v1_free_paths(g->paths, g->n_paths);
    g->paths = NULL;
    g->n_paths = 0;
    kn_v1_post_state(g);
    pthread_mutex_unlock(&g->lock);
}

static void *run(void *p)
{
    struct kn_v1_ingest *g = p;
    struct kinora_ingest_options options = *g->options;
    struct kinora_summary summary = {0};
    struct kn_err err = {0};
    int rc;

    setpriority(PRIO_PROCESS, 0, NICE); /* of this thread, and those that it starts */
    options.roots = (const char *const *)g->paths;
    options.n_roots = g->n_paths;
    options.retry_failed = g->retry_failed;
    rc = kinora_ingest(g->writer, &options, on_event, g, &summary, &err);
    end_run(g, rc, &summary, &err);
    return NULL;
}

int kn_v1_run_start(struct kn_v1_ingest *g, char **paths, size_t n, bool retry_failed,
                    struct kn_err *err)
{
    struct kinora_options how = *g->library;
    struct kinora *writer;
    int rc;

    how.write = true;
    how.wait = 0;
    if (g->joinable) /* the run before has ended */
        pthread_join(g->thread, NULL);
    g->joinable = false;
    rc = kinora_open(&how, &writer, err);
    if (rc) {
        kn_v1_free_paths(paths, n);
        return rc;
    }
    forget_run(g);
    g->paths = paths;
    g->n_paths = n;
    g->retry_failed = retry_failed;
    g->writer = writer;
    g->started = time(NULL);
    g->running = true;
    if (pthread_create(&g->thread, NULL, run, g) != 0) {
        kinora_close(writer);
        kn_v1_free_paths(paths, n);
        g->paths = NULL;
        g->writer = NULL;
        g->running = false;
        return kn_err_set(err, KN_EIO, "start ingest: no thread to be had; try again");
    }
    g->joinable = true;
    kn_v1_post_state(g);
    return KN_OK;
}

/* ---- life ---- */

int kn_v1_ingest_new(const struct kinora_options *library,
                     const struct kinora_ingest_options *options, struct kinora *k,
                     struct kn_v1_ingest **out, struct kn_err *err)
{
    struct kn_v1_ingest *g = calloc(1, sizeof *g);

    if (!g || !(g->events = kn_events_new())) {
        free(g);
        return kn_err_memory(err, "serve: no memory");
    }
    g->library = library;
    g->options = options;
    g->k = k;
    g->left = (double)NAN;
    pthread_mutex_init(&g->lock, NULL);
    if (kn_v1_watch_start(g, err)) {
        kn_v1_ingest_free(g);
        return KN_EIO;
    }
    *out = g;
    return KN_OK;
}

void kn_v1_ingest_drain(struct kn_v1_ingest *g)
{
    pthread_mutex_lock(&g->lock);
    if (g->writer)
        kinora_cancel(g->writer);
    g->stopping = g->running;
    pthread_mutex_unlock(&g->lock);
}

void kn_v1_ingest_free(struct kn_v1_ingest *g)
{
    if (!g)
        return;
    kn_v1_ingest_drain(g);
    kn_v1_watch_stop(g);
    if (g->joinable)
        pthread_join(g->thread, NULL);
    forget_run(g);
    kn_v1_free_paths(g->roots, g->n_roots);
    kn_events_free(g->events);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void kn_v1_ingest_metrics(struct kn_v1_ingest *g, struct kn_buf *out)
{
    pthread_mutex_lock(&g->lock);
    kn_metric(out, "kinora_ingest_running", "gauge", "Is a run under way?", "", g->running);
    kn_metric(out, "kinora_ingest_files_left", "gauge", "Files of this run to be done.", "",
              g->running ? (double)(g->total - g->done) : 0);
    kn_metric(out, "kinora_ingest_titles_total", "counter", "Titles finished.", "",
              g->all_finished);
    kn_metric(out, "kinora_ingest_failures_total", "counter", "Titles that failed.", "",
              g->all_failed);
    kn_metric(out, "kinora_ingest_heard_seconds_total", "counter", "Seconds of sound heard.", "",
              g->all_heard);
    pthread_mutex_unlock(&g->lock);
}
