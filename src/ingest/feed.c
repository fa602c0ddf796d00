#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/unicode.h"
#include "decode/media.h"
#include "ingest/tracks.h"
#include "text/language.h"
#include "text/subtitle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void job_free(void *p)
{
    struct job *j = p;

    if (!j || atomic_fetch_sub(&j->holders, 1) > 1)
        return;
    kn_queue_free(j->blocks);
    kn_arena_free(j->arena);
    free(j);
}

struct job *job_new(void)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    atomic_init(&j->holders, 1);
    j->arena = kn_arena_new(0);
    if (!j->arena) {
        free(j);
        return NULL;
    }
    return j;
}

static int commit_probe(struct run *r, struct job *j, const struct kn_media_info *info,
                        struct kn_err *err)
{
    struct kn_buf streams;
    int rc;

    kn_buf_init(&streams, 1 << 20);
    rc = kn_tracks_write(info, &streams, err);
    if (rc == KN_OK) {
        struct kn_probed probed = {
            .duration = info->duration, .container = info->container, .streams_json = streams.data};

        rc =
            kn_store_commit_probe(r->lib, &j->plan.id, &j->plan.keys[KN_STAGE_PROBE], &probed, err);
    }
    kn_buf_free(&streams);
    return rc;
}

/* Takes the title for this run. False: another path with the same content has it already. */
static int claim(struct run *r, const struct kn_id *id, bool *ours, struct kn_err *err)
{
    int rc = KN_OK;

    pthread_mutex_lock(&r->lock);
    *ours = true;
    for (size_t i = 0; i < r->n_under_way && *ours; i++)
        *ours = !kn_id_eq(&r->under_way[i], id);
    if (*ours && r->n_under_way == r->cap_under_way) {
        size_t cap = r->cap_under_way ? 2 * r->cap_under_way : 64;
        struct kn_id *grown = realloc(r->under_way, cap * sizeof *grown);

        if (!grown) {
            rc = kn_err_memory(err, "ingest: no memory for %zu titles", cap);
        } else {
            r->under_way = grown;
            r->cap_under_way = cap;
        }
    }
    if (rc == KN_OK && *ours)
        r->under_way[r->n_under_way++] = *id;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* Reads sound into the job's queue until it ends. The reason for an early end goes with the job. */
static void feed_sound(struct run *r, struct kn_media *media, struct job *j)
{
    int rc = KN_OK;

    for (;;) {
        struct block *b = malloc(sizeof *b + BLOCK_SAMPLES * sizeof *b->samples);

        if (!b) {
            rc = kn_err_memory(&j->feed_err, "decode: no memory for a block of sound");
            break;
        }
        rc = kn_media_read_audio(media, b->samples, BLOCK_SAMPLES, &r->stop, &b->n, &j->feed_err);
        if (rc || b->n == 0) {
            free(b);
            break;
        }
        rc = kn_queue_push(j->blocks, b, b->n * sizeof *b->samples, &j->feed_err);
        if (rc) {
            free(b); /* the listener has given the title up, or the run ends */
            break;
        }
    }
    j->feed_rc = rc;
    kn_queue_close(j->blocks);
}

/* Hands the title to the listeners, then feeds it. */
static int feed_title(struct run *r, struct kn_media *media, struct job *j, struct kn_err *err)
{
    int rc =
        kn_queue_new((struct kn_queue_limits){BLOCKS_WAITING, SIZE_MAX}, free, &j->blocks, err);

    if (rc)
        return rc;
    atomic_fetch_add(&j->holders, 1);
    rc = kn_queue_push(r->to_hear, j, 1, err);
    if (rc) {
        job_free(j);
        return rc;
    }
    feed_sound(r, media, j);
    return KN_OK;
}

int job_hand_on(struct run *r, struct job *j, const struct kn_segment *segments, size_t n,
                const char *language, struct kn_err *err)
{
    int rc;

    j->segments = segments;
    j->n_segments = n;
    j->language = kn_arena_text(j->arena, language);
    if (!j->language)
        return kn_err_memory(err, "title '%s': no memory", j->plan.name);
    atomic_fetch_add(&j->holders, 1);
    rc = kn_queue_push(r->to_mean, j, kn_arena_used(j->arena), err);
    if (rc)
        job_free(j);
    return rc;
}

/* The model is loaded once, by whoever comes first; the others wait for it. */
int run_language_of(struct run *r, struct kn_sv text, char tag[16], double *confidence,
                    struct kn_err *err)
{
    int rc = KN_OK;

    pthread_mutex_lock(&r->lock);
    if (!r->languages) {
        rc = run_verify_model(r->options->language_model, err);
        if (rc == KN_OK)
            rc = kn_language_open(r->options->language_model, &r->languages, err);
    }
    pthread_mutex_unlock(&r->lock);
    return rc ? rc : kn_language_of(r->languages, text, tag, confidence, err);
}

/* The plan has the words. */
static int use_words(struct run *r, struct job *j, struct kn_err *err)
{
    const struct kn_plan *p = &j->plan;
    char tag[16];
    struct kn_words words = {.segments = p->segments,
                             .n_segments = p->n_segments,
                             .language = tag,
                             .language_confidence = 1,
                             .words_from = p->words_from,
                             .words_at = p->words_at,
                             .reason = "",
                             .duration = p->segments[p->n_segments - 1].end};
    int rc = KN_OK;

    progress_stage(r, j, KN_STAGE_WORDS);
    snprintf(tag, sizeof tag, "%s", p->language);
    if (!*tag)
        rc = run_language_of(r, kn_sv_of(p->spoken), tag, &words.language_confidence, err);
    if (rc == KN_OK)
        rc = kn_store_commit_words(r->lib, &p->id, &p->keys[KN_STAGE_WORDS], &words, err);
    return rc ? rc
              : job_hand_on(r, j, p->segments, p->n_segments,
                            *p->set_language ? p->set_language : tag, err);
}

static int commit_no_audio(struct run *r, struct job *j, struct kn_err *err)
{
    struct kn_words none = {.language = "", .words_from = "", .reason = "it has no audio track"};
    int rc = kn_store_commit_words(r->lib, &j->plan.id, &j->plan.keys[KN_STAGE_WORDS], &none, err);

    if (rc == KN_OK)
        progress_finished(r, j, KN_STATE_SILENT, none.reason);
    return rc;
}

/* A new probe: what was planned of the words without it is planned again. */
static int take_probe(struct run *r, struct job *j, const struct kn_media_info *info,
                      struct kn_err *err)
{
    int rc = commit_probe(r, j, info, err);

    j->plan.duration = info->duration;
    return rc ? rc : kn_plan_words(&r->planning, &j->plan, j->arena, err);
}

/* A decoder that is killed before it has said hello is no reason to end the run, one that never says it is. */
static int open_media(struct run *r, struct kn_media *media, int fd, struct kn_media_info *info,
                      struct kn_err *err)
{
    int rc = kn_media_open(media, fd, &r->stop, info, err);

    if (rc && rc != KN_ECANCELLED && kn_media_is_broken(media))
        rc = kn_media_open(media, fd, &r->stop, info, err);
    return rc;
}

/* Reads text tracks until one is of use. After one that fails the file is opened again, by a new child if need be. */
static int read_tracks(struct run *r, struct kn_media *media, int fd, struct job *j,
                       struct kn_media_info *info, struct kn_err *err)
{
    struct kn_plan *p = &j->plan;
    struct kn_buf text;
    int rc = KN_OK;

    kn_buf_init(&text, KN_SUBTITLE_BYTES);
    for (size_t i = 0; rc == KN_OK && p->n_segments == 0 && i < p->n_tracks; i++) {
        struct kn_err why;
        int taken;

        kn_buf_clear(&text);
        taken = kn_media_read_text(media, p->tracks[i].stream, &r->stop, &text, &why);
        if (taken)
            rc = open_media(r, media, fd, info, err);
        else
            taken = kn_plan_take_track(&r->planning, i, &text, p, j->arena, &why);
        if (rc == KN_OK && taken && kn_err_is_memory(&why))
            rc = kn_err_set(err, KN_ELIMIT, "text track of '%s': %s", p->escaped, why.msg);
        else if (taken && taken != KN_ECANCELLED)
            kn_log(KN_LOG_INFO, "text track %zu of '%s' is not used: %s", p->tracks[i].stream,
                   p->escaped, why.msg);
    }
    kn_buf_free(&text);
    if (rc == KN_OK && p->n_tracks > 0 && p->n_segments == 0)
        rc = kn_plan_keys(p, &r->settings, &p->sound_key, err);
    return rc;
}

/* What is in the file becomes the title's words, or goes to a listener. Failures here end the run. */
static int feed_open(struct run *r, struct kn_media *media, struct job *j,
                     const struct kn_media_info *info, struct kn_err *err)
{
    if (j->plan.n_segments > 0)
        return use_words(r, j, err);
    return info->audio < 0 ? commit_no_audio(r, j, err) : feed_title(r, media, j, err);
}

/* *own: the failure is the title's own, and no reason to end the run. */
static int open_and_read(struct run *r, struct kn_media *media, int fd, struct job *j,
                         struct kn_media_info *info, bool *own, struct kn_err *err)
{
    int rc = open_media(r, media, fd, info, err);

    *own = rc && !kn_media_is_broken(media);
    if (rc)
        return rc;
    j->duration = info->duration;
    if (j->plan.from == KN_STAGE_PROBE)
        rc = take_probe(r, j, info, err);
    j->plan.from = KN_STAGE_WORDS;
    if (rc || j->plan.n_segments > 0)
        return rc;
    rc = read_tracks(r, media, fd, j, info, err);
    *own = rc && !kn_media_is_broken(media);
    return rc;
}

static int open_and_feed(struct run *r, struct kn_media *media, const struct kn_scan_file *file,
                         struct job *j)
{
    struct kn_media_info info;
    struct kn_err err;
    bool own = true;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

    if (fd < 0)
        rc = kn_err_set(&err, KN_EIO, "open the file: %s", strerror(errno));
    else
        rc = open_and_read(r, media, fd, j, &info, &own, &err);
    if (fd >= 0)
        close(fd);
    if (rc && rc != KN_ECANCELLED && own) {
        run_title_failed(r, j, j->plan.from, &err);
        return KN_OK;
    }
    if (rc == KN_OK)
        rc = feed_open(r, media, j, &info, &err);
    kn_media_close_file(media);
    /* Now, while the listener is at work and the decoder has just read it. */
    if (rc == KN_OK && j->blocks && j->feed_rc == KN_OK)
        rc = kn_plan_take_whole(&r->planning, file, &j->plan, &r->stop, &err);
    if (rc && rc != KN_ECANCELLED)
        run_fail(r, rc, &err);
    return rc == KN_ECANCELLED ? KN_OK : rc;
}

int job_to_meaning(struct run *r, struct job *j, struct kn_err *err)
{
    struct kn_record record;
    int rc = kn_library_get(r->lib, &j->plan.id, KN_WITH_SEGMENTS, j->arena, &record, err);

    if (rc)
        return rc;
    j->plain = strcmp(record.title.words_from, "import") == 0;
    return job_hand_on(r, j, record.segments, record.n_segments, record.title.language, err);
}

int run_is_known(struct run *r, const struct kn_scan_file *file, bool *known, struct kn_err *err)
{
    struct kn_seen seen = {.size = file->size, .mtime_ns = file->mtime_ns};
    struct kn_hash identity;
    struct kn_buf escaped;
    struct kn_id id;
    int rc;

    kn_buf_init(&escaped, 4 * PATH_MAX);
    rc = kn_escape_path(kn_sv_of(file->path), &escaped, err);
    seen.path = escaped.data;
    if (rc == KN_OK)
        rc = kn_store_known(r->lib, &seen, known, &identity, &id, err);
    kn_buf_free(&escaped);
    return rc;
}

/* Once the time is over, of each further file only whether it is done: what is not is left. */
static int feed_file(struct run *r, struct kn_media *media, struct kn_scan_file *file)
{
    struct job *j = job_new();
    struct kn_err err;
    bool ours = true, known = true;
    int rc;

    if (!j) {
        rc = kn_err_memory(&err, "ingest '%s': no memory", file->path);
        goto out;
    }
    rc = run_out_of_time(r) ? run_is_known(r, file, &known, &err) : KN_OK;
    if (rc == KN_OK && known)
        rc = kn_plan_file(&r->planning, file, j->arena, &j->plan, &err);
    if (rc == KN_OK && run_out_of_time(r) && (!known || j->plan.from != KN_STAGES))
        goto out;
    if (rc == KN_OK && j->plan.vanished) {
        progress_gone(&r->progress);
        goto out;
    }
    if (rc == KN_OK && j->plan.waiting) {
        rc = run_wait_for(r, file, &err);
        goto out;
    }
    if (rc == KN_OK)
        rc = claim(r, &j->plan.id, &ours, &err);
    if (rc)
        goto out;
    if (!ours || j->plan.from == KN_STAGES) {
        progress_unchanged(r, j);
    } else if (j->plan.unreadable[0]) {
        struct kn_err why;

        kn_err_set(&why, KN_EIO, "%s", j->plan.unreadable);
        run_title_failed(r, j, KN_STAGE_PROBE, &why);
    } else if (j->plan.from == KN_STAGE_WORDS && j->plan.n_segments > 0) {
        j->duration = j->plan.duration;
        rc = use_words(r, j, &err); /* the file itself is not needed */
    } else if (j->plan.from <= KN_STAGE_WORDS) {
        progress_stage(r, j, KN_STAGE_PROBE);
        rc = open_and_feed(r, media, file, j);
        goto done; /* which has told already */
    } else {
        rc = job_to_meaning(r, j, &err);
    }
out:
    if (rc && rc != KN_ECANCELLED)
        run_fail(r, rc, &err);
done:
    job_free(j);
    return rc;
}

void *feed_thread(void *p)
{
    struct run *r = p;
    struct kn_media *media = NULL;
    struct kn_err err;
    int rc = kn_media_new(r->options->decode_program, NULL, &media, &err);

    if (rc)
        run_fail(r, rc, &err);
    while (rc == KN_OK && !run_stopped(r)) {
        struct kn_scan_file *file = run_next_file(r);

        if (!file)
            break;
        rc = feed_file(r, media, file);
    }
    kn_media_free(media);
    run_feeding_done(r);
    return NULL;
}
