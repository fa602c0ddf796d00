/* /ingest: what may be taken in, start, stop, state, events. */
#include "v1_ingest.h"

#include "base/err.h"
#include "base/unicode.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATHS = 100, PATH_CHARACTERS = 4096, LISTED = 100 };

const struct kn_param kn_v1_ingest_body[] = {
    {.name = "paths", .max_bytes = 4 * PATH_CHARACTERS, .most = PATHS},
    {.name = "retry_failed", .kind = KN_PARAM_FLAG},
    {0}};

/* ---- places: escaped paths, from the request's arena ---- */

struct places {
    const char **path;
    size_t n;
};

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(path, folder, n) == 0 && (n == 1 || path[n] == '/' || path[n] == '\0');
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *escaped(const char *path, struct kn_arena *arena)
{
    const char *copy = NULL;
    struct kn_buf b;

    kn_buf_init(&b, 8 * PATH_MAX);
    if (kn_escape_path(kn_sv_of(path), &b, NULL) == KN_OK)
        copy = kn_arena_text(arena, b.data);
    kn_buf_free(&b);
    return copy;
}

static int no_memory(struct kn_err *err)
{
    return kn_err_memory(err, "ingest: no memory");
}

/* The folders of --allow-folder and those that titles lie in, without what is below another. */
static int look_for_roots(const struct kn_v1_ingest *g, struct kn_arena *arena, struct places *out,
                          struct kn_err *err)
{
    struct kinora_titles *titles;
    size_t most = g->options->n_roots, kept = 0;
    int rc = kinora_list(g->k, NULL, &titles, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < titles->n; i++)
        most += titles->titles[i].n_paths;
    out->path = kn_arena_array(arena, most, sizeof *out->path);
    rc = out->path ? KN_OK : no_memory(err);
    for (size_t i = 0; !rc && i < g->options->n_roots; i++)
        if (!(out->path[out->n++] = escaped(g->options->roots[i], arena)))
            rc = no_memory(err);
    for (size_t i = 0; !rc && i < titles->n; i++) {
        for (size_t j = 0; !rc && j < titles->titles[i].n_paths; j++) {
            const char *path = titles->titles[i].paths[j], *slash = strrchr(path, '/');
            size_t n = slash && slash > path ? (size_t)(slash - path) : 1;

            if (*path == '/' && !(out->path[out->n++] = kn_arena_bytes(arena, path, n)))
                rc = no_memory(err);
        }
    }
    kinora_titles_free(titles);
    if (rc || out->n == 0)
        return rc;
    qsort(out->path, out->n, sizeof *out->path, by_bytes);
    for (size_t i = 0; i < out->n; i++)
        if (kept == 0 || !is_below(out->path[i], out->path[kept - 1]))
            out->path[kept++] = out->path[i];
    out->n = kept;
    return KN_OK;
}

/* With lock held. */
static int keep_roots(struct kn_v1_ingest *g, const struct places *roots, uint64_t changes,
                      struct kn_err *err)
{
    char **kept = calloc(roots->n + 1, sizeof *kept);

    for (size_t i = 0; kept && i < roots->n; i++) {
        kept[i] = strdup(roots->path[i]);
        if (!kept[i]) {
            kn_v1_free_paths(kept, i);
            kept = NULL;
        }
    }
    if (!kept)
        return no_memory(err);
    kn_v1_free_paths(g->roots, g->n_roots);
    g->roots = kept;
    g->n_roots = roots->n;
    g->roots_at = changes;
    return KN_OK;
}

/* They are looked for once a change of the library, since that means to look at all titles; and not while a run goes on, which
 * changes it all the time and takes in nothing that lies elsewhere. */
static int find_roots(struct kn_v1_ingest *g, struct kn_arena *arena, struct places *out,
                      struct kn_err *err)
{
    uint64_t changes = 0;
    int rc = kinora_changes(g->k, &changes, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&g->lock);
    if (!g->roots || (!g->running && g->roots_at != changes)) {
        rc = look_for_roots(g, arena, out, err);
        if (!rc)
            rc = keep_roots(g, out, changes, err);
    } else {
        out->path = kn_arena_array(arena, g->n_roots, sizeof *out->path);
        rc = out->path ? KN_OK : no_memory(err);
        for (size_t i = 0; !rc && i < g->n_roots; i++)
            if (!(out->path[out->n++] = kn_arena_text(arena, g->roots[i])))
                rc = no_memory(err);
    }
    pthread_mutex_unlock(&g->lock);
    return rc;
}

static bool is_allowed(const struct places *roots, const char *path)
{
    for (size_t i = 0; i < roots->n; i++)
        if (is_below(path, roots->path[i]))
            return true;
    return false;
}

/* Malloc'ed, as the file system has it; NULL without memory. */
static char *unescaped(const char *path)
{
    char *raw = NULL;
    struct kn_buf b;

    kn_buf_init(&b, PATH_MAX);
    if (kn_unescape_path(kn_sv_of(path), &b, NULL) == KN_OK)
        raw = kn_buf_take(&b);
    kn_buf_free(&b);
    return raw;
}

static bool has_dots(const char *path)
{
    for (const char *p = path; (p = strstr(p, "/.")); p++)
        if (p[2] == '/' || p[2] == '\0' || (p[2] == '.' && (p[3] == '/' || p[3] == '\0')))
            return true;
    return false;
}

/* A link may lead out of where it lies, so this is asked of what paths lead to. */
static bool is_really_below(const char *real, const char *root)
{
    char *raw = unescaped(root), *real_root = raw ? realpath(raw, NULL) : NULL;
    bool below = real_root && is_below(real, real_root);

    free(raw);
    free(real_root);
    return below;
}

/* 0, or the status that says why not. What lies outside is refused before anybody learns whether it is there. */
static unsigned why_not(const struct places *roots, const char *path)
{
    char *raw, *real;
    bool inside = false;

    if (*path != '/' || has_dots(path))
        return 400;
    if (!is_allowed(roots, path))
        return 403;
    raw = unescaped(path);
    real = raw ? realpath(raw, NULL) : NULL;
    for (size_t i = 0; real && i < roots->n && !inside; i++)
        inside = is_really_below(real, roots->path[i]);
    free(raw);
    if (!real)
        return 404;
    free(real);
    return inside ? 0 : 403;
}

static int refuse(struct kn_reply *out, unsigned status, const char *path)
{
    const char *why = status == 400   ? "it is no absolute path without . and .."
                      : status == 403 ? "it lies outside of what this server takes in (roots); "
                                        "start kinora serve with --allow-folder for another folder"
                                      : "it is not there";

    if (status == 403)
        return kn_reply_problem_code(out, status, "outside_folders", "ingest '%.200s': %s", path,
                                     why);
    return kn_reply_problem(out, status, "ingest '%.200s': %s", path, why);
}

/* The files of titles that failed, those that are still there. */
static int failed_files(const struct kn_v1_ingest *g, struct kn_arena *arena, struct places *out,
                        struct kn_err *err)
{
    struct kinora_titles *titles;
    size_t most = 0;
    int rc = kinora_list(g->k, "failed", &titles, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < titles->n; i++)
        most += titles->titles[i].n_paths;
    out->path = kn_arena_array(arena, most, sizeof *out->path);
    rc = out->path ? KN_OK : no_memory(err);
    for (size_t i = 0; !rc && i < titles->n; i++) {
        for (size_t j = 0; !rc && j < titles->titles[i].n_paths; j++) {
            char *raw = unescaped(titles->titles[i].paths[j]);

            if (raw && access(raw, F_OK) == 0)
                out->path[out->n++] = kn_arena_text(arena, titles->titles[i].paths[j]);
            rc = raw ? KN_OK : no_memory(err);
            free(raw);
        }
    }
    kinora_titles_free(titles);
    return rc;
}

static int copy_places(const struct places *places, char ***out, struct kn_err *err)
{
    char **paths = calloc(places->n, sizeof *paths);

    for (size_t i = 0; paths && i < places->n; i++) {
        paths[i] = places->path[i] ? unescaped(places->path[i]) : NULL;
        if (!paths[i]) {
            kn_v1_free_paths(paths, i);
            paths = NULL;
        }
    }
    *out = paths;
    return paths ? KN_OK : no_memory(err);
}

/* ---- handlers ---- */

static struct kn_v1_ingest *ingest_of(const struct kn_request *r)
{
    return ((struct kn_v1 *)r->app)->ingest;
}

static void failures_json(const struct kn_v1_ingest *g, struct kn_json_writer *w)
{
    size_t first = g->n_failures > KN_V1_FAILURES ? g->n_failures - KN_V1_FAILURES : 0;

    kn_json_begin_array(w, "failures");
    for (size_t i = first; i < g->n_failures; i++) {
        const struct kn_v1_failure *f = &g->failures[i % KN_V1_FAILURES];

        kn_json_begin_object(w, NULL);
        kn_v1_name_json(w, &(struct kn_title){.id = f->id, .name = f->name});
        kn_json_string(w, "path", f->path);
        kn_json_string(w, "reason", f->reason);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

static void reply_state(struct kn_v1_ingest *g, const struct places *roots, unsigned status,
                        struct kn_reply *out)
{
    struct kn_json_writer *w;

    kn_reply_status(out, status);
    w = kn_reply_json(out);
    kn_json_begin_object(w, NULL);
    kn_json_begin_array(w, "roots");
    for (size_t i = 0; i < roots->n && i < LISTED; i++)
        kn_json_string(w, NULL, roots->path[i]);
    kn_json_end_array(w);
    pthread_mutex_lock(&g->lock);
    kn_v1_state_json(g, w);
    failures_json(g, w);
    pthread_mutex_unlock(&g->lock);
    kn_json_end_object(w);
}

int kn_v1_ingest_get(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_v1_ingest *g = ingest_of(r);
    struct places roots = {0};
    int rc = find_roots(g, r->arena, &roots, err);

    if (!rc)
        reply_state(g, &roots, 200, out);
    return rc;
}

/* *refused: a problem was written. */
static int read_places(const struct kn_request *r, const struct places *roots, struct places *out,
                       struct kn_reply *reply, bool *refused, struct kn_err *err)
{
    const char *const *paths = kn_request_texts(r, "paths", &out->n);
    int rc = KN_OK;

    if (out->n > 0) {
        out->path = kn_arena_array(r->arena, out->n, sizeof *out->path);
        if (!out->path)
            return no_memory(err);
        for (size_t i = 0; i < out->n && !*refused; i++) {
            unsigned status = why_not(roots, paths[i]);

            out->path[i] = paths[i];
            if (status)
                rc = refuse(reply, status, paths[i]);
            *refused = status != 0;
        }
    } else if (kn_request_flag(r, "retry_failed", false)) {
        rc = failed_files(ingest_of(r), r->arena, out, err);
    } else {
        *out = *roots;
    }
    if (!rc && !*refused && out->n == 0) {
        *refused = true;
        rc = kn_reply_problem_code(reply, 409, "no_folder",
                                   "ingest: nothing to take in: no folder is known, and none was "
                                   "given to kinora serve by --allow-folder");
    }
    return rc;
}

int kn_v1_ingest_start(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_v1_ingest *g = ingest_of(r);
    struct places roots = {0}, places = {0};
    bool refused = false, running;
    char **paths;
    int rc = find_roots(g, r->arena, &roots, err);

    if (!rc)
        rc = read_places(r, &roots, &places, out, &refused, err);
    if (rc || refused)
        return rc;
    rc = copy_places(&places, &paths, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&g->lock);
    running = g->running;
    if (running)
        kn_v1_free_paths(paths, places.n);
    else
        rc = kn_v1_run_start(g, paths, places.n, kn_request_flag(r, "retry_failed", false), err);
    pthread_mutex_unlock(&g->lock);
    if (running)
        return kn_reply_problem_code(out, 409, "run_under_way",
                                     "ingest: a run is under way; stop it, or wait");
    if (rc == KN_EIO && err->retry)
        return kn_reply_problem_code(out, 409, "library_busy", "%s", err->msg);
    if (!rc)
        reply_state(g, &roots, 202, out);
    return rc;
}

int kn_v1_ingest_stop(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_v1_ingest *g = ingest_of(r);
    struct places roots = {0};
    int rc = find_roots(g, r->arena, &roots, err);

    if (rc)
        return rc;
    kn_v1_ingest_drain(g);
    pthread_mutex_lock(&g->lock);
    if (g->running)
        kn_v1_post_state(g);
    pthread_mutex_unlock(&g->lock);
    reply_state(g, &roots, 202, out);
    return KN_OK;
}

int kn_v1_ingest_events(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_v1_ingest *g = ingest_of(r);
    struct kn_buf state;
    struct kn_json_writer w = {.out = &state};
    int rc;

    kn_buf_init(&state, 1 << 20);
    kn_json_begin_object(&w, NULL);
    pthread_mutex_lock(&g->lock);
    kn_v1_state_json(g, &w);
    pthread_mutex_unlock(&g->lock);
    kn_json_end_object(&w);
    rc = kn_buf_ok(&state, err);
    if (!rc)
        rc = kn_reply_events(out, g->events, "state", state.data, err);
    kn_buf_free(&state);
    return rc;
}
