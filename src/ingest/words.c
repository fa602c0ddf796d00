/* words.c - where a title's words come from: a sidecar, or its sound. */
#include "ingest/plan.h"
#include "ingest/sidecar.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/unicode.h"
#include "net/json.h"
#include "text/subtitle.h"

#include <limits.h>
#include <string.h>

/* Trailers and films have 60 words a minute and more; forced captions of a film one or two. */
static const double FORCED_WORDS_PER_MINUTE = 20;
enum { SPOKEN_SAMPLE = 16 << 10 };

/* Of all paths of the title: whichever copy is looked at first must find the same. */
static int find_all(const struct kn_plan_context *c, const struct kn_plan *p,
                    struct kn_arena *arena, struct kn_sidecar **out, size_t *n_out,
                    struct kn_err *err)
{
    struct kn_sidecar *all = NULL;
    struct kn_buf path;
    size_t n = 0;
    int rc = KN_OK;

    kn_buf_init(&path, 4 * PATH_MAX);
    for (size_t i = 0; rc == KN_OK && i < p->n_paths; i++) {
        struct kn_sidecar *some, *joined;
        size_t more;

        kn_buf_clear(&path);
        rc = kn_unescape_path(kn_sv_of(p->paths[i]), &path, err);
        if (rc == KN_OK)
            rc = kn_sidecar_find(c->scan, path.data, arena, &some, &more, err);
        if (rc || more == 0)
            continue;
        joined = kn_arena_array(arena, n + more, sizeof *joined);
        if (!joined) {
            rc = kn_err_set(err, KN_ELIMIT, "subtitles of '%s': no memory", path.data);
            break;
        }
        if (n > 0)
            memcpy(joined, all, n * sizeof *all);
        memcpy(joined + n, some, more * sizeof *some);
        all = joined;
        n += more;
    }
    kn_buf_free(&path);
    *out = all;
    *n_out = n;
    return rc;
}

/* The language of the stream that would be heard, as the last probe kept it. */
static int stored_language(const struct kn_plan_context *c, const struct kn_plan *p,
                           struct kn_arena *arena, const char **out, struct kn_err *err)
{
    struct kn_probed probed;
    struct kn_json *streams;
    int rc = kn_store_probed(c->lib, &p->id, arena, &probed, err);

    *out = "";
    if (rc || !*probed.streams_json)
        return rc;
    rc = kn_json_parse(kn_sv_of(probed.streams_json), "streams", &streams, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < kn_json_length(streams); i++) {
        const struct kn_json *s = kn_json_at(streams, i);

        if (kn_json_bool_or(kn_json_get(s, "heard"), false))
            *out = kn_arena_text(arena, kn_json_text_or(kn_json_get(s, "language"), ""));
    }
    kn_json_free(streams);
    return *out ? KN_OK : kn_err_set(err, KN_ELIMIT, "plan: no memory");
}

static int order(const struct kn_plan_context *c, const char *audio, const struct kn_plan *p,
                 struct kn_arena *arena, struct kn_sidecar *sidecars, size_t n, struct kn_err *err)
{
    const char *wanted[KN_PLAN_LANGUAGES + 3];
    char hint[KN_TAG_TEXT] = "", heard[KN_TAG_TEXT] = "";
    size_t k = 0;
    int rc = KN_OK;

    if (n < 2)
        return KN_OK;
    if (!audio)
        rc = stored_language(c, p, arena, &audio, err);
    if (rc)
        return rc;
    kn_tag_parse(kn_sv_of(c->options->language_hint), hint);
    kn_tag_parse(kn_sv_of(audio), heard);
    for (; k < c->settings->n_wanted; k++)
        wanted[k] = c->settings->wanted[k];
    wanted[k++] = p->set_language;
    wanted[k++] = hint;
    wanted[k++] = heard;
    kn_sidecar_order(sidecars, n, wanted, k);
    return KN_OK;
}

static int sidecar_key(const struct kn_plan_settings *s, const struct kn_sidecar *sidecar,
                       const struct kn_buf *bytes, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_set(err, KN_ELIMIT, "plan: no memory");
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
        rc = kn_err_set(err, KN_ELIMIT, "subtitles: no memory");
    kn_buf_free(&one);
    kn_buf_free(&all);
    return rc;
}

/* Takes the words of a file that was read. A reason why they are of no use goes into why. */
static int take(const struct kn_sidecar *sidecar, const struct kn_buf *bytes, struct kn_plan *p,
                struct kn_arena *arena, struct kn_err *why)
{
    struct kn_subtitle s;
    const char *sample;
    size_t words;
    int rc = kn_subtitle_parse((struct kn_sv){bytes->data, bytes->n}, KN_SUBTITLE_ANY,
                               sidecar->language, arena, &s, why);

    if (rc == KN_OK)
        rc = spoken(&s, arena, &words, &sample, why);
    if (rc)
        return rc;
    if (words == 0)
        return kn_err_set(why, KN_ECORRUPT, "line 1: not a word is said from here to the end");
    if (sidecar->forced && (double)words < FORCED_WORDS_PER_MINUTE * p->duration / 60)
        return kn_err_set(why, KN_ENOTFOUND, "forced captions, %zu words in %.0f minutes", words,
                          p->duration / 60);
    if (s.skipped > 0)
        kn_log(KN_LOG_WARNING,
               "subtitles '%s': %zu cues are left out, the first at line %zu: its "
               "times cannot be read",
               sidecar->path, s.skipped, s.skipped_line);
    p->segments = s.segments;
    p->n_segments = s.n_segments;
    p->spoken = sample;
    memcpy(p->language, sidecar->language, sizeof p->language);
    return KN_OK;
}

/* *used: the title's words are this file's, and the keys say so. */
static int try_sidecar(const struct kn_plan_context *c, const struct kn_sidecar *sidecar,
                       const struct kn_hash *done, struct kn_plan *p, struct kn_arena *arena,
                       bool *used, struct kn_err *err)
{
    struct kn_hash key;
    struct kn_buf bytes;
    struct kn_err why;
    int rc = KN_OK;

    *used = false;
    kn_buf_init(&bytes, KN_SUBTITLE_BYTES);
    if (kn_fs_read(sidecar->path, &bytes, &why) < 0) {
        kn_log(KN_LOG_WARNING, "subtitles are not used: %s", why.msg);
        goto out;
    }
    rc = sidecar_key(c->settings, sidecar, &bytes, &key, err);
    if (rc == KN_OK)
        rc = kn_plan_keys(p, c->settings, &key, err);
    if (rc)
        goto out;
    *used = done && memcmp(done, &p->keys[KN_STAGE_WORDS], sizeof *done) == 0;
    if (!*used) {
        int taken = take(sidecar, &bytes, p, arena, &why);

        *used = taken == KN_OK;
        if (taken)
            kn_log(taken == KN_ENOTFOUND ? KN_LOG_INFO : KN_LOG_WARNING,
                   "subtitles '%s' are not used: %s", sidecar->path, why.msg);
    }
out:
    kn_buf_free(&bytes);
    return rc;
}

int kn_plan_words(const struct kn_plan_context *c, const char *audio_language, struct kn_plan *p,
                  struct kn_arena *arena, struct kn_err *err)
{
    struct kn_sidecar *sidecars;
    struct kn_hash done;
    bool found, used = false;
    size_t n;
    int rc = find_all(c, p, arena, &sidecars, &n, err);

    if (rc == KN_OK)
        rc = order(c, audio_language, p, arena, sidecars, n, err);
    if (rc == KN_OK)
        rc = kn_store_stage(c->lib, &p->id, KN_STAGE_WORDS, &found, &done, err);
    for (size_t i = 0; rc == KN_OK && !used && i < n; i++)
        rc = try_sidecar(c, &sidecars[i], found ? &done : NULL, p, arena, &used, err);
    if (rc == KN_OK && !used)
        rc = kn_plan_keys(p, c->settings, &p->speech, err);
    return rc;
}
