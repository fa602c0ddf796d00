#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "decode/media.h"
#include "net/json.h"
#include "text/language.h"

#include <errno.h>
#include <fcntl.h>
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

static const char *const kinds[] = {"video", "audio", "subtitle", "other"};

/* What the store keeps of the streams; read by words.c and by kinora_show. */
static int streams_json(const struct kn_media_info *info, struct kn_buf *out, struct kn_err *err)
{
    struct kn_json_writer w = {.out = out};

    kn_json_begin_array(&w, NULL);
    for (size_t i = 0; i < info->n_streams; i++) {
        const struct kn_stream *s = &info->streams[i];

        kn_json_begin_object(&w, NULL);
        kn_json_string(&w, "kind", kinds[s->kind]);
        kn_json_string(&w, "codec", s->codec);
        kn_json_string(&w, "language", s->language);
        kn_json_string(&w, "title", s->title);
        kn_json_bool(&w, "heard", (int)i == info->audio);
        kn_json_end_object(&w);
    }
    kn_json_end_array(&w);
    return kn_buf_ok(out, err);
}

static int commit_probe(struct run *r, struct job *j, const struct kn_media_info *info,
                        struct kn_err *err)
{
    struct kn_buf streams;
    int rc;

    kn_buf_init(&streams, 1 << 20);
    rc = streams_json(info, &streams, err);
    if (rc == KN_OK) {
        struct kn_probed probed = {info->duration, info->container, streams.data};

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
            rc = kn_err_set(err, KN_ELIMIT, "ingest: no memory for %zu titles", cap);
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
            rc = kn_err_set(&j->feed_err, KN_ELIMIT, "decode: no memory for a block of sound");
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
        return kn_err_set(err, KN_ELIMIT, "title '%s': no memory", j->plan.name);
    atomic_fetch_add(&j->holders, 1);
    rc = kn_queue_push(r->to_mean, j, 1, err);
    if (rc)
        job_free(j);
    return rc;
}

/* The model is loaded once, by whoever comes first; the others wait for it. */
static int language_of(struct run *r, const struct job *j, struct kn_words *w, char tag[16],
                       struct kn_err *err)
{
    int rc = KN_OK;

    w->language = tag;
    snprintf(tag, 16, "%s", j->plan.language);
    w->language_confidence = 1;
    if (*tag)
        return KN_OK;
    pthread_mutex_lock(&r->lock);
    if (!r->languages) {
        rc = run_verify_model(r->options->language_model, err);
        if (rc == KN_OK)
            rc = kn_language_open(r->options->language_model, &r->languages, err);
    }
    pthread_mutex_unlock(&r->lock);
    return rc ? rc
              : kn_language_of(r->languages, kn_sv_of(j->plan.spoken), tag, &w->language_confidence,
                               err);
}

/* The plan has read a sidecar. */
static int use_sidecar(struct run *r, struct job *j, struct kn_err *err)
{
    const struct kn_plan *p = &j->plan;
    struct kn_words words = {.segments = p->segments,
                             .n_segments = p->n_segments,
                             .words_from = "sidecar",
                             .reason = "",
                             .duration = p->segments[p->n_segments - 1].end};
    char tag[16];
    int rc;

    progress_stage(r, j, KN_STAGE_WORDS);
    rc = language_of(r, j, &words, tag, err);
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
    return rc ? rc
              : kn_plan_words(&r->planning,
                              info->audio < 0 ? "" : info->streams[info->audio].language, &j->plan,
                              j->arena, err);
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

static int open_and_feed(struct run *r, struct kn_media *media, const struct kn_scan_file *file,
                         struct job *j)
{
    enum kn_stage stage = j->plan.from;
    struct kn_media_info info;
    struct kn_err err;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        rc = kn_err_set(&err, KN_EIO, "open the file: %s", strerror(errno));
    else
        rc = open_media(r, media, fd, &info, &err);
    if (fd >= 0)
        close(fd);
    if (rc && fd >= 0 && rc != KN_ECANCELLED && kn_media_is_broken(media)) {
        run_fail(r, rc, &err);
        return rc;
    }
    if (rc) {
        if (rc != KN_ECANCELLED)
            run_title_failed(r, j, stage, &err);
        return KN_OK;
    }
    j->duration = info.duration;
    if (stage == KN_STAGE_PROBE)
        rc = take_probe(r, j, &info, &err);
    if (rc == KN_OK && j->plan.n_segments > 0)
        rc = use_sidecar(r, j, &err);
    else if (rc == KN_OK && info.audio < 0)
        rc = commit_no_audio(r, j, &err);
    else if (rc == KN_OK)
        rc = feed_title(r, media, j, &err);
    kn_media_close_file(media);
    if (rc && rc != KN_ECANCELLED)
        run_fail(r, rc, &err);
    return rc;
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

static int feed_file(struct run *r, struct kn_media *media, const struct kn_scan_file *file)
{
    struct job *j = job_new();
    struct kn_err err;
    bool ours = true;
    int rc;

    if (!j) {
        rc = kn_err_set(&err, KN_ELIMIT, "ingest '%s': no memory", file->path);
        goto out;
    }
    rc = kn_plan_file(&r->planning, file, j->arena, &j->plan, &err);
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
        rc = use_sidecar(r, j, &err); /* the file itself is not needed */
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
        size_t i = atomic_fetch_add(&r->next_file, 1);

        if (i >= r->scan.n_files)
            break;
        rc = feed_file(r, media, &r->scan.files[i]);
    }
    kn_media_free(media);
    run_feeding_done(r);
    return NULL;
}
