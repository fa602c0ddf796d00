/* A picture of each film, for those who look through a library. Nothing waits for it: it is the last thing a run does, for
 * whatever title lacks it, and a film of which none can be had is as good as any other. */
#include "ingest/run.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/unicode.h"
#include "decode/media.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
    POSTER_VERSION = 1
}; /* raised when kn_media_take_poster chooses better: all are made anew */

static int key_of(const struct kn_hash *probe, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "posters: no memory");
    kn_hasher_u64(h, POSTER_VERSION);
    kn_hasher_hash(h, probe);
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

/* Not worth a word now or a try less the next time: the file is away, memory is short, or the run ends. */
static bool is_passing(int rc, const struct kn_err *why)
{
    return rc == KN_ECANCELLED || rc == KN_EIO || why->retry || kn_err_is_memory(why);
}

static int take(struct run *r, struct kn_media *media, const char *escaped, struct kn_buf *jpeg,
                struct kn_err *why)
{
    struct kn_media_info info;
    struct kn_buf path;
    int fd, rc;

    kn_buf_init(&path, PATH_MAX);
    rc = kn_unescape_path(kn_sv_of(escaped), &path, why);
    fd = rc ? -1 : open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    kn_buf_free(&path);
    if (rc)
        return rc;
    if (fd < 0)
        return kn_err_set(why, KN_EIO, "open the file: %s", strerror(errno));
    rc = kn_media_open(media, fd, &r->stop, &info, why);
    if (rc == KN_OK)
        rc = kn_media_take_poster(media, &r->stop, jpeg, why);
    kn_media_close_file(media);
    close(fd);
    return rc;
}

static int make_poster(struct run *r, struct kn_media *media, const struct kn_filmed *film,
                       struct kn_err *err)
{
    struct kn_buf jpeg;
    struct kn_hash key;
    struct kn_err why = {.msg = ""};
    int rc = key_of(&film->probe, &key, err), taken;

    if (rc)
        return rc;
    kn_buf_init(&jpeg, KN_POSTER_BYTES);
    taken = take(r, media, film->path, &jpeg, &why);
    if (taken && !is_passing(taken, &why))
        kn_log(KN_LOG_INFO, "no poster of '%s': %s", film->path, why.msg);
    if (taken == KN_OK || !is_passing(taken, &why))
        rc = kn_store_commit_poster(r->lib, &film->id, &key, jpeg.data, taken ? 0 : jpeg.n,
                                    taken ? why.msg : "", err);
    kn_buf_free(&jpeg);
    return rc == KN_ENOTFOUND ? KN_OK : rc; /* it was removed meanwhile */
}

static void *poster_thread(void *p)
{
    struct run *r = p;
    struct kn_media *media = NULL;
    struct kn_err err;
    int rc = kn_media_new(r->options->decode_program, NULL, &media, &err);

    while (rc == KN_OK && !run_stopped(r) && !run_out_of_time(r)) {
        size_t i = atomic_fetch_add(&r->next_film, 1);

        if (i >= r->n_films)
            break;
        rc = make_poster(r, media, &r->films[i], &err);
        if (rc == KN_OK)
            progress_poster(r, &r->films[i]);
    }
    if (rc)
        run_fail(r, rc, &err);
    kn_media_free(media);
    run_meaning_done(r);
    return NULL;
}

static int find_films(struct run *r, struct kn_arena *arena, struct kn_err *err)
{
    size_t n, kept = 0;
    int rc = kn_store_filmed(r->lib, arena, &r->films, &n, err);

    for (size_t i = 0; rc == KN_OK && i < n; i++) {
        struct kn_hash key;

        rc = key_of(&r->films[i].probe, &key, err);
        if (rc == KN_OK && memcmp(&key, &r->films[i].poster, sizeof key) != 0)
            r->films[kept++] = r->films[i];
    }
    r->n_films = kept;
    return rc;
}

int run_make_posters(struct run *r, int jobs, struct kn_arena *arena,
                     const struct kn_cancel *cancel, struct kn_err *err)
{
    struct crew crew = {.n = 0};
    int rc = find_films(r, arena, err);

    if (rc || r->n_films == 0)
        return rc;
    if ((size_t)jobs > r->n_films)
        jobs = (int)r->n_films;
    r->progress.posters_began = kn_clock_now();
    atomic_store(&r->ended, false);
    atomic_store(&r->meaning, jobs);
    for (int i = 0; i < jobs; i++)
        if (!crew_start(&crew, poster_thread, r))
            run_meaning_done(r);
    crew_wait(&crew, r, cancel);
    return KN_OK;
}
