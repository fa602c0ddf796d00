/* words.c - where a title's words come from: a sidecar, a text track, or its sound. */
#include "ingest/plan.h"
#include "ingest/scan.h"
#include "ingest/sidecar.h"
#include "ingest/tracks.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/unicode.h"
#include "text/subtitle.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Trailers and films have 60 words a minute and more; forced captions of a film one or two. */
static const double FORCED_WORDS_PER_MINUTE = 20;
/* What says less than this is not of what is said, whatever it is called (an advertiser's line, most often): speech tells
 * more, even of a film that says little. */
static const double FEW_WORDS_PER_MINUTE = 4;
static const double UNSURE =
    0.2; /* of an encoding: two cues in their own have more (tests/unit/test_charset.c) */
enum { SPOKEN_SAMPLE = 16 << 10 };
/* Of one size: that many are looked at, and of those with subtitles so many read and compared. */
enum { OF_ONE_SIZE = 256, COPIES = 16 };

struct sidecars {
    struct kn_sidecar *at;
    size_t n;
};

/* Adds those beside the film at path (bytes). */
static int find_some(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                     struct sidecars *all, struct kn_err *err)
{
    struct kn_sidecar *some, *joined;
    size_t more;
    int rc = kn_sidecar_find(scan, path, arena, &some, &more, err);

    if (rc || more == 0)
        return rc;
    joined = kn_arena_array(arena, all->n + more, sizeof *joined);
    if (!joined)
        return kn_err_memory(err, "subtitles of '%s': no memory", path);
    if (all->n > 0)
        memcpy(joined, all->at, all->n * sizeof *joined);
    memcpy(joined + all->n, some, more * sizeof *some);
    *all = (struct sidecars){joined, all->n + more};
    return KN_OK;
}

static bool has_content(const char *path, uint64_t size, const struct kn_hash *identity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct kn_hash other;
    bool same = fd >= 0 && kn_hash_file(fd, size, &other, NULL) == KN_OK &&
                memcmp(&other, identity, sizeof other) == 0;

    if (fd >= 0)
        close(fd);
    return same;
}

/* A copy of the film that this run has yet to come to may be the one with subtitles. */
static int find_at_copies(const struct kn_plan_context *c, const struct kn_plan *p,
                          const char *path, struct kn_arena *arena, struct sidecars *all,
                          struct kn_err *err)
{
    const struct kn_scan_size *same;
    size_t at = kn_scan_first(c->scan, path), n, looked = 0;
    uint64_t size;
    int rc = KN_OK;

    if (at == c->scan->n_files || strcmp(c->scan->files[at].path, path) != 0)
        return KN_OK;
    size = c->scan->files[at].size;
    same = kn_scan_of_size(c->scan, size, &n);
    for (size_t i = 0; rc == KN_OK && i < n && i < OF_ONE_SIZE && looked < COPIES; i++) {
        const char *other = c->scan->files[same[i].file].path;
        struct sidecars its = {NULL, 0};

        if (same[i].file == at)
            continue;
        rc = find_some(c->scan, other, arena, &its, err);
        if (rc || its.n == 0)
            continue;
        looked++;
        if (has_content(other, size, &p->identity))
            rc = find_some(c->scan, other, arena, all, err);
    }
    return rc;
}

/* Of all paths of the title: whichever copy is looked at first must find the same. */
static int find_all(const struct kn_plan_context *c, const struct kn_plan *p,
                    struct kn_arena *arena, struct sidecars *out, struct kn_err *err)
{
    struct sidecars all = {NULL, 0};
    struct kn_buf path;
    int rc = KN_OK;

    kn_buf_init(&path, 4 * PATH_MAX);
    for (size_t i = 0; rc == KN_OK && i < p->n_paths; i++) {
        kn_buf_clear(&path);
        rc = kn_unescape_path(kn_sv_of(p->paths[i]), &path, err);
        if (rc == KN_OK)
            rc = find_some(c->scan, path.data, arena, &all, err);
    }
    if (rc == KN_OK && all.n == 0) {
        kn_buf_clear(&path);
        rc = kn_unescape_path(kn_sv_of(p->escaped), &path, err);
        if (rc == KN_OK)
            rc = find_at_copies(c, p, path.data, arena, &all, err);
    }
    kn_buf_free(&path);
    *out = all;
    return rc;
}

/* The languages that count for a title, best first: those asked for, what its sound is said to be, what its sound is
 * marked as. */
struct wanted {
    const char *at[KN_PLAN_LANGUAGES + 3];
    size_t n;
    char hint[KN_TAG_TEXT];
    bool heard; /* the language of its sound is one of them */
};

static void find_wanted(const struct kn_plan_context *c, const struct kn_plan *p,
                        const struct kn_track *tracks, size_t n, struct wanted *w)
{
    for (w->n = 0; w->n < c->settings->n_wanted; w->n++)
        w->at[w->n] = c->settings->wanted[w->n];
    w->at[w->n++] = p->set_language;
    w->hint[0] = '\0';
    kn_tag_parse(kn_sv_of(c->options->language_hint), w->hint);
    w->at[w->n++] = w->hint;
    w->heard = w->hint[0] || p->set_language[0];
    for (size_t i = 0; i < n; i++)
        if (tracks[i].heard) {
            w->at[w->n++] = tracks[i].tag;
            w->heard |= tracks[i].tag[0];
            break;
        }
}

static int sidecar_key(const struct kn_plan_settings *s, const struct kn_sidecar *sidecar,
                       const struct kn_buf *bytes, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "plan: no memory");
    kn_hasher_hash(h, &s->sidecar);
    kn_hasher_text(h, sidecar->language);
    kn_hasher_add(h, bytes->data, bytes->n);
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

/* How many words are said, and some of them. */
static int spoken(const struct kn_subtitle *s, struct kn_arena *arena, size_t *words,
                  const char **sample, struct kn_err *err)
{
    struct kn_buf all, one;
    int rc = KN_OK;

    *words = 0;
    kn_buf_init(&one, 1 << 20);
    kn_buf_init(&all, 1 << 20);
    for (size_t i = 0; rc == KN_OK && i < s->n_segments; i++) {
        kn_buf_clear(&one);
        rc = kn_subtitle_spoken(kn_sv_of(s->segments[i].text), &one, err);
        *words += kn_count_words((struct kn_sv){one.data, one.n});
        if (rc == KN_OK && one.n > 0 && all.n < SPOKEN_SAMPLE)
            rc = kn_buf_addf(&all, err, "%s ", one.data);
    }
    *sample = kn_arena_text(arena, all.data);
    if (rc == KN_OK && !*sample)
        rc = kn_err_memory(err, "subtitles: no memory");
    kn_buf_free(&one);
    kn_buf_free(&all);
    return rc;
}

/* Words a minute: with fewer, subtitles are of no use, but that nobody can hear a film without sound. */
static double least_of(const struct kn_plan *p, bool partial)
{
    return partial ? FORCED_WORDS_PER_MINUTE : p->mute ? 0 : FEW_WORDS_PER_MINUTE;
}

struct source {
    const char *name;      /* for messages */
    const char *from, *at; /* as kn_words has them */
    const char *language;
    double least; /* least_of */
};

/* Takes the words of a source that was read. A reason why they are of no use goes into why. */
static int take(const struct source *from, const struct kn_buf *bytes, struct kn_plan *p,
                struct kn_arena *arena, struct kn_err *why)
{
    struct kn_subtitle s;
    const char *sample;
    size_t words;
    int rc = kn_subtitle_parse((struct kn_sv){bytes->data, bytes->n}, KN_SUBTITLE_ANY,
                               from->language, arena, &s, why);

    if (rc == KN_OK)
        rc = spoken(&s, arena, &words, &sample, why);
    if (rc)
        return rc;
    if (words == 0)
        return kn_err_set(why, KN_ECORRUPT, "line 1: not a word is said from here to the end");
    if ((double)words < from->least * p->duration / 60)
        return kn_err_set(why, KN_ENOTFOUND, "only %zu words in %.0f minutes", words,
                          p->duration / 60);
    if (s.skipped > 0)
        kn_log(KN_LOG_WARNING,
               "subtitles '%s': %zu cues are left out, the first at line %zu: its "
               "times cannot be read",
               from->name, s.skipped, s.skipped_line);
    if (s.charset.confidence < UNSURE)
        kn_log(KN_LOG_WARNING, "subtitles '%s' are read as %s, which is not sure (%.2f of 1)",
               from->name, s.charset.name, s.charset.confidence);
    p->words_from = from->from;
    p->words_at = kn_arena_text(arena, from->at);
    if (!p->words_at)
        return kn_err_memory(why, "no memory for its name");
    p->segments = s.segments;
    p->n_segments = s.n_segments;
    p->spoken = sample;
    snprintf(p->language, sizeof p->language, "%s", from->language);
    return KN_OK;
}

static int base_name(const char *path, struct kn_buf *out, struct kn_err *err)
{
    const char *slash = strrchr(path, '/');

    return kn_escape_path(kn_sv_of(slash ? slash + 1 : path), out, err);
}

/* *used: the title's words are this file's, and the keys say so. */
static int try_sidecar(const struct kn_plan_context *c, const struct kn_sidecar *sidecar,
                       const struct kn_hash *done, struct kn_plan *p, struct kn_arena *arena,
                       bool *used, struct kn_err *err)
{
    struct kn_hash key;
    struct kn_buf bytes, name;
    struct kn_err why;
    bool ours = false;
    int rc = KN_OK;

    *used = false;
    kn_buf_init(&bytes, KN_SUBTITLE_BYTES);
    kn_buf_init(&name, 4 * PATH_MAX);
    if (kn_fs_read(sidecar->path, &bytes, &why) < 0) {
        if (kn_err_is_memory(&why))
            rc = kn_err_set(err, KN_ELIMIT, "subtitles: %s", why.msg);
        else
            kn_log(KN_LOG_WARNING, "subtitles are not used: %s", why.msg);
        goto out;
    }
    rc = kn_store_is_exported(c->lib, bytes.data, bytes.n, &ours, err);
    if (rc || ours) /* written from these very words: they are not to replace themselves */
        goto out;
    rc = base_name(sidecar->path, &name, err);
    if (rc == KN_OK)
        rc = sidecar_key(c->settings, sidecar, &bytes, &key, err);
    if (rc == KN_OK)
        rc = kn_plan_keys(p, c->settings, &key, err);
    if (rc)
        goto out;
    *used = done && memcmp(done, &p->keys[KN_STAGE_WORDS], sizeof *done) == 0;
    if (!*used) {
        const struct source from = {sidecar->path, "sidecar", name.data, sidecar->language,
                                    least_of(p, sidecar->forced)};
        int taken = take(&from, &bytes, p, arena, &why);

        *used = taken == KN_OK;
        if (taken && kn_err_is_memory(&why))
            rc = kn_err_set(err, KN_ELIMIT, "subtitles '%s': %s", sidecar->path, why.msg);
        else if (taken)
            kn_log(taken == KN_ENOTFOUND ? KN_LOG_INFO : KN_LOG_WARNING,
                   "subtitles '%s' are not used: %s", sidecar->path, why.msg);
    }
out:
    kn_buf_free(&bytes);
    kn_buf_free(&name);
    return rc;
}

/* Which tracks were found to be of no use before this one counts: then it is known that they were looked at. */
static int plan_tracks(const struct kn_plan_settings *s, const struct kn_track *tracks, size_t n,
                       struct kn_plan *p, struct kn_arena *arena, struct kn_err *err)
{
    struct kn_plan_track *out = kn_arena_array(arena, n + 1, sizeof *out);
    struct kn_hasher *tried = kn_hasher_new();

    if (!out || !tried) {
        kn_hasher_free(tried);
        return kn_err_memory(err, "plan: no memory");
    }
    kn_hasher_hash(tried, &s->tracks);
    for (size_t i = 0; i < n; i++) {
        const struct kn_track *t = &tracks[i];

        out[i].stream = t->stream;
        out[i].partial = t->partial;
        memcpy(out[i].language, t->tag, sizeof t->tag);
        kn_hasher_u64(tried, t->stream);
        kn_hasher_text(tried, t->tag);
        out[i].key = kn_hasher_end(tried);
    }
    p->sound_key = p->speech;
    if (n > 0) {
        kn_hasher_hash(tried, &p->speech);
        p->sound_key = kn_hasher_end(tried);
    }
    kn_hasher_free(tried);
    p->tracks = out;
    p->n_tracks = n;
    return KN_OK;
}

/* Were the words that are there read from one of these tracks, or heard after all of them were tried? Then nothing is
 * to be read; the keys say what holds. */
static int compare_tracks(const struct kn_plan_settings *s, const struct kn_hash *done,
                          struct kn_plan *p, struct kn_err *err)
{
    for (size_t i = 0; i <= p->n_tracks; i++) {
        int rc = kn_plan_keys(p, s, i < p->n_tracks ? &p->tracks[i].key : &p->sound_key, err);

        if (rc)
            return rc;
        if (done && memcmp(done, &p->keys[KN_STAGE_WORDS], sizeof *done) == 0) {
            p->n_tracks = 0;
            break;
        }
    }
    return KN_OK;
}

int kn_plan_words(const struct kn_plan_context *c, struct kn_plan *p, struct kn_arena *arena,
                  struct kn_err *err)
{
    struct kn_probed probed = {.streams_json = ""};
    struct sidecars sidecars;
    struct kn_track *tracks;
    struct wanted wanted;
    struct kn_hash done;
    bool found, used = false;
    size_t n_tracks;
    int rc = find_all(c, p, arena, &sidecars, err);

    if (rc == KN_OK)
        rc = kn_store_probed(c->lib, &p->id, arena, &probed, err);
    if (rc == KN_OK)
        rc = kn_tracks_read(probed.streams_json, arena, &tracks, &n_tracks, err);
    if (rc == KN_OK)
        rc = kn_store_stage(c->lib, &p->id, KN_STAGE_WORDS, &found, &done, err);
    if (rc)
        return rc;
    find_wanted(c, p, tracks, n_tracks, &wanted);
    p->mute = true;
    for (size_t i = 0; i < n_tracks; i++)
        p->mute &= !tracks[i].heard;
    kn_sidecar_order(sidecars.at, sidecars.n, wanted.at, wanted.n);
    for (size_t i = 0; rc == KN_OK && !used && i < sidecars.n; i++)
        rc = try_sidecar(c, &sidecars.at[i], found ? &done : NULL, p, arena, &used, err);
    if (rc || used)
        return rc;
    /* What is heard counts more than a translation of it that nobody asked for. */
    n_tracks = kn_tracks_choose(tracks, n_tracks, wanted.at, wanted.n, wanted.heard);
    rc = plan_tracks(c->settings, tracks, n_tracks, p, arena, err);
    return rc ? rc : compare_tracks(c->settings, found ? &done : NULL, p, err);
}

int kn_plan_take_track(const struct kn_plan_context *c, size_t i, const struct kn_buf *text,
                       struct kn_plan *p, struct kn_arena *arena, struct kn_err *why)
{
    const struct kn_plan_track *t = &p->tracks[i];
    char at[24];
    const struct source from = {p->escaped, "embedded", at, t->language, least_of(p, t->partial)};
    int rc;

    snprintf(at, sizeof at, "%zu", t->stream);
    rc = take(&from, text, p, arena, why);
    return rc ? rc : kn_plan_keys(p, c->settings, &t->key, why);
}
