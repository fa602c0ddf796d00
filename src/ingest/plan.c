#include "plan.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/unicode.h"
#include "ingest/facts.h"
#include "ingest/scan.h"
#include "llm/embed.h"
#include "opinion/opinion.h"
#include "speech/speech.h"
#include "text/moments.h"
#include "text/subtitle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Raise one when a stage's output changes for the same input: it is redone everywhere. */
enum {
    PROBE_VERSION = 1,
    WORDS_VERSION = 3,
    VECTORS_VERSION = 1,
    OPINION_VERSION = 1,
    SIDECAR_VERSION = 2,
    TRACKS_VERSION = 1
};

static int add_model(struct kn_hasher *h, const char *path, struct kn_err *err)
{
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (stat(path, &st) < 0)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO,
                          "open model '%s': %s; run: kinora models list", path, strerror(errno));
    kn_hasher_text(h, slash ? slash + 1 : path);
    kn_hasher_u64(h, (uint64_t)st.st_size);
    return KN_OK;
}

static int wanted_languages(const char *list, struct kn_plan_settings *s, struct kn_err *err)
{
    const char *at = list ? list : "";

    while (*at) {
        size_t n = strcspn(at, ",");

        if (s->n_wanted == KN_PLAN_LANGUAGES ||
            !kn_tag_parse(kn_sv_trim((struct kn_sv){at, n}), s->wanted[s->n_wanted]))
            return kn_err_set(
                err, KN_EARG,
                "subtitle language '%s': give up to %d tags such as en, pt-BR or es,en", list,
                KN_PLAN_LANGUAGES);
        s->n_wanted++;
        at += at[n] ? n + 1 : n;
    }
    return KN_OK;
}

int kn_plan_settings(const struct kn_ingest_options *o, const struct kn_embed_card *card,
                     const struct kn_scorer *scorer, struct kn_plan_settings *out,
                     struct kn_err *err)
{
    struct kn_hasher *words = kn_hasher_new(), *vectors = kn_hasher_new(),
                     *opinion = kn_hasher_new(), *sidecar = kn_hasher_new(),
                     *tracks = kn_hasher_new();
    struct kn_plan_settings s = {.n_wanted = 0};
    int rc;

    if (!words || !vectors || !opinion || !sidecar || !tracks) {
        rc = kn_err_memory(err, "plan: no memory");
        goto out;
    }
    rc = o->speech_model ? add_model(words, o->speech_model, err) : KN_OK;
    if (rc == KN_OK && o->vad_model)
        rc = add_model(words, o->vad_model, err);
    if (rc == KN_OK)
        rc = add_model(vectors, o->embedding_model, err);
    if (rc == KN_OK && o->language_model)
        rc = add_model(sidecar, o->language_model, err);
    if (rc == KN_OK)
        rc = wanted_languages(o->subtitle_language, &s, err);
    if (rc)
        goto out;
    kn_hasher_u64(words, o->beam > 1 ? (uint64_t)o->beam : 0);
    kn_hasher_u64(words, WORDS_VERSION);
    kn_hasher_u64(sidecar, KN_SUBTITLE_VERSION);
    kn_hasher_u64(sidecar, SIDECAR_VERSION);
    /* Not the language model: where no track is of use, speech hangs on this too. */
    kn_hasher_u64(tracks, KN_SUBTITLE_VERSION);
    kn_hasher_u64(tracks, TRACKS_VERSION);
    kn_hasher_u64(vectors, KN_MOMENTS_VERSION);
    kn_hasher_u64(vectors, KN_SUBTITLE_VERSION); /* kn_subtitle_spoken */
    kn_hasher_text(vectors, card->model);
    kn_hasher_u64(vectors, (uint64_t)card->version);
    kn_hasher_u64(vectors, VECTORS_VERSION);
    kn_hasher_text(opinion, scorer->name);
    kn_hasher_u64(opinion, (uint64_t)scorer->version);
    kn_hasher_u64(opinion, OPINION_VERSION);
    s.speech = kn_hasher_end(words);
    s.sidecar = kn_hasher_end(sidecar);
    s.tracks = kn_hasher_end(tracks);
    s.vectors = kn_hasher_end(vectors);
    s.opinion = kn_hasher_end(opinion);
    *out = s;
out:
    kn_hasher_free(words);
    kn_hasher_free(vectors);
    kn_hasher_free(opinion);
    kn_hasher_free(sidecar);
    kn_hasher_free(tracks);
    return rc;
}

static struct kn_hash chain(struct kn_hasher *h, const struct kn_hash *before,
                            const struct kn_hash *settings)
{
    kn_hasher_hash(h, before);
    if (settings)
        kn_hasher_hash(h, settings);
    return kn_hasher_end(h);
}

int kn_plan_behind_words(const struct kn_hash *words, const struct kn_plan_settings *s,
                         struct kn_hash keys[KN_STAGES], struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "plan: no memory");
    keys[KN_STAGE_WORDS] = *words;
    keys[KN_STAGE_VECTORS] = chain(h, words, &s->vectors);
    keys[KN_STAGE_OPINION] = chain(h, &keys[KN_STAGE_VECTORS], &s->opinion);
    kn_hasher_free(h);
    return KN_OK;
}

static int probe_key(const struct kn_hash *identity, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "plan: no memory");
    kn_hasher_u64(h, PROBE_VERSION);
    *out = chain(h, identity, NULL);
    kn_hasher_free(h);
    return KN_OK;
}

int kn_plan_keys(struct kn_plan *p, const struct kn_plan_settings *s, const struct kn_hash *words,
                 struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "plan: no memory");
    p->keys[KN_STAGE_WORDS] = chain(h, &p->keys[KN_STAGE_PROBE], words);
    kn_hasher_free(h);
    return kn_plan_behind_words(&p->keys[KN_STAGE_WORDS], s, p->keys, err);
}

/* An empty or unreadable file has no content to be known by: its path stands in, or all empty files would be one title. */
static int identity_of_path(const char *escaped, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "plan: no memory");
    kn_hasher_text(h, "path");
    kn_hasher_text(h, escaped);
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

/* Reads enough of the file to know its content. A file that cannot be read gets the identity of its path, and a reason. */
static int identify(const struct kn_scan_file *file, const char *escaped, struct kn_hash *identity,
                    char unreadable[256], struct kn_err *err)
{
    struct kn_err why;
    int fd = -1, rc = KN_OK;

    unreadable[0] = '\0';
    if (file->special) {
        snprintf(unreadable, 256, "it is a pipe, a socket or a device, not a regular file");
    } else if (file->size == 0) {
        snprintf(unreadable, 256, "the file is empty (0 bytes)");
    } else if ((fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0) {
        snprintf(unreadable, 256, "open the file: %s", strerror(errno));
    } else if (kn_hash_file(fd, file->size, identity, &why) < 0) {
        if (kn_err_is_memory(&why))
            rc = kn_err_set(err, KN_ELIMIT, "%s", why.msg);
        else
            snprintf(unreadable, 256, "%s", why.msg);
    }
    if (rc == KN_OK && unreadable[0])
        rc = identity_of_path(escaped, identity, err);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int escape(const char *path, struct kn_arena *arena, const char **out, struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, 4 * PATH_MAX);
    rc = kn_escape_path(kn_sv_of(path), &b, err);
    if (rc == KN_OK)
        *out = kn_arena_text(arena, b.data);
    if (rc == KN_OK && !*out)
        rc = kn_err_memory(err, "plan '%s': no memory", path);
    kn_buf_free(&b);
    return rc;
}

/* The path's identity may stand for it from a time when it could not be read. */
static int forget_placeholder(struct kn_library *lib, const char *escaped, struct kn_err *err)
{
    struct kn_hash identity;
    struct kn_id id;
    int rc = identity_of_path(escaped, &identity, err);

    if (rc)
        return rc;
    id = kn_id_from_hash(&identity);
    return kn_library_remove(lib, &id, 1, err);
}

bool kn_plan_is_quiet(int64_t mtime_ns)
{
    int64_t ago = kn_clock_unix_ms() * 1000000 - mtime_ns;

    return ago < 0 || ago >= KN_PLAN_QUIET * INT64_C(1000000000); /* a time to come tells nothing */
}

static int hash_all(const char *path, const struct kn_cancel *cancel, struct kn_hash *out,
                    struct kn_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc; /* it may be a pipe by now */

    if (fd < 0)
        return kn_err_set(err, KN_EIO, "open the file: %s", strerror(errno));
    rc = kn_hash_all(fd, cancel, out, err);
    close(fd);
    return rc;
}

/* What lies between the blocks that make an identity may have changed with the time: a download fills its middle last. */
static int look_between(struct kn_library *lib, const struct kn_scan_file *file, struct kn_plan *p,
                        struct kn_err *err)
{
    struct kn_hash before, now;
    struct kn_err why;
    bool check = false;
    int rc = KN_OK;

    if (!kn_hash_is_whole(file->size))
        rc = kn_store_whole(lib, &p->identity, file->mtime_ns, &check, &before, err);
    if (rc || !check)
        return rc;
    if (hash_all(file->path, NULL, &now, &why)) {
        if (kn_err_is_memory(&why))
            return kn_err_set(err, KN_ELIMIT, "%s", why.msg);
        snprintf(p->unreadable, sizeof p->unreadable, "%s", why.msg);
        return identity_of_path(p->escaped, &p->identity, err);
    }
    if (memcmp(&now, &before, sizeof now) == 0)
        return KN_OK;
    return kn_store_set_whole(lib, &p->identity, &now, true, err);
}

int kn_plan_take_whole(const struct kn_plan_context *c, const struct kn_scan_file *file,
                       const struct kn_plan *p, const struct kn_cancel *cancel, struct kn_err *err)
{
    struct kn_hash whole;
    struct stat st;

    if (kn_hash_is_whole(file->size) || hash_all(file->path, cancel, &whole, err) ||
        stat(file->path, &st) < 0 || (uint64_t)st.st_size != file->size ||
        st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec != file->mtime_ns)
        return KN_OK; /* it is not needed now; the next run sees what became of the file */
    return kn_store_set_whole(c->lib, &p->identity, &whole, false, err);
}

static int register_file(const struct kn_plan_context *c, const struct kn_scan_file *file,
                         struct kn_arena *arena, struct kn_plan *p, struct kn_err *err)
{
    struct kn_facts facts;
    struct kn_seen seen = {.path = p->escaped, .size = file->size, .mtime_ns = file->mtime_ns};
    bool known = true;
    int rc = KN_OK;

    /* What waits is planned again, and its .nfo file is to be told of once. */
    if (!kn_plan_is_quiet(file->mtime_ns))
        rc = kn_store_known(c->lib, &seen, &known, &p->identity, &p->id, err);
    p->waiting = !known;
    if (rc || p->waiting)
        return rc;
    rc = kn_facts_of(c->scan, file->path, arena, &p->name, &facts, err);
    seen.facts = &facts;
    if (rc == KN_OK)
        rc = kn_store_known(c->lib, &seen, &known, &p->identity, &p->id, err);
    if (rc || known)
        return rc;
    rc = identify(file, p->escaped, &p->identity, p->unreadable, err);
    if (rc == KN_OK && !p->unreadable[0])
        rc = look_between(c->lib, file, p, err);
    if (rc)
        return rc;
    p->vanished = p->unreadable[0] && access(file->path, F_OK) < 0 && errno == ENOENT;
    if (p->vanished)
        return KN_OK;
    if (p->unreadable[0])
        seen.mtime_ns = -1; /* never "known": it is looked at again in each run */
    rc = kn_store_see(c->lib, &seen, &p->identity, p->name, facts.year, &p->id, err);
    if (rc == KN_OK && !p->unreadable[0])
        rc = forget_placeholder(c->lib, p->escaped, err);
    return rc;
}

static bool same(const struct kn_hash *a, const struct kn_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* A failed or silent title has no keys behind the stage that ended it: it is done as long as those that it has still
 * hold. Any other is done when all hold. */
static int first_stage(const struct kn_plan_context *c, struct kn_plan *p,
                       const struct kn_standing *now, struct kn_arena *arena, struct kn_err *err)
{
    bool ended = p->state == KN_STATE_FAILED || p->state == KN_STATE_SILENT;

    p->from = KN_STAGES;
    for (int s = 0; s < KN_STAGES; s++) {
        if (s == KN_STAGE_WORDS && (now->done[s] || !ended)) {
            /* Only now: what a sidecar is compared with depends on the probe, and a file that cannot be opened needs none. */
            int rc = kn_plan_words(c, p, arena, err);

            if (rc)
                return rc;
        }
        if (now->done[s] && same(&now->keys[s], &p->keys[s]))
            continue;
        if (!now->done[s] && ended && s > 0)
            break;
        p->from = (enum kn_stage)s;
        break;
    }
    p->added = p->from == KN_STAGE_PROBE && p->state == KN_STATE_PENDING;
    return KN_OK;
}

/* The language that is heard, as Whisper names it, is a part of it. */
static int speech_key(const struct kn_plan_context *c, struct kn_plan *p, struct kn_err *err)
{
    const char *hint = c->options->language_hint ? c->options->language_hint : "";
    struct kn_hasher *h = kn_hasher_new();
    char code[8] = "";

    if (!h)
        return kn_err_memory(err, "plan: no memory");
    if (*p->set_language)
        kn_speech_language(p->set_language, code, NULL);
    kn_hasher_hash(h, &c->settings->speech);
    kn_hasher_text(h, *code ? code : hint);
    p->speech = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

/* The title as the library has it. */
static int read_title(struct kn_library *lib, struct kn_plan *p, struct kn_arena *arena,
                      struct kn_standing *now, struct kn_err *err)
{
    int rc = kn_store_standing(lib, &p->id, arena, now, err);

    if (rc)
        return rc;
    p->state = now->state;
    p->reason = now->reason;
    p->duration = now->duration;
    p->paths = now->paths;
    p->n_paths = now->n_paths;
    snprintf(p->set_language, sizeof p->set_language, "%s", now->set_language);
    return KN_OK;
}

/* Forgets what the user wants done again. */
static int redo(const struct kn_plan_context *c, struct kn_plan *p, struct kn_arena *arena,
                struct kn_standing *now, struct kn_err *err)
{
    const struct kn_ingest_options *o = c->options;
    int rc = KN_OK;

    if (o->retry_failed && p->state == KN_STATE_FAILED)
        rc = kn_store_redo(c->lib, &p->id, KN_STAGE_PROBE, err);
    else if (o->again && kn_id_eq(o->again, &p->id))
        rc = kn_store_redo(c->lib, &p->id, KN_STAGE_WORDS, err);
    else
        return KN_OK;
    return rc ? rc : read_title(c->lib, p, arena, now, err);
}

static int plan_file(const struct kn_plan_context *c, const struct kn_scan_file *file,
                     struct kn_arena *arena, struct kn_plan *p, struct kn_err *err)
{
    struct kn_standing now;
    bool leads = true;
    int rc = escape(file->path, arena, &p->escaped, err);

    p->from = KN_STAGES;
    p->reason = "";
    if (rc == KN_OK)
        rc = register_file(c, file, arena, p, err);
    if (rc || p->waiting || p->vanished)
        return rc;
    rc = probe_key(&p->identity, &p->keys[KN_STAGE_PROBE], err);
    if (rc == KN_OK)
        rc = read_title(c->lib, p, arena, &now, err);
    if (rc == KN_OK)
        rc = speech_key(c, p, err);
    if (rc == KN_OK)
        rc = kn_plan_keys(p, c->settings, &p->speech, err);
    if (rc == KN_OK && now.joined)
        rc = kn_store_promote(c->lib, &p->id, &leads, err);
    if (rc || !leads)
        return rc; /* another version's words are enough */
    rc = redo(c, p, arena, &now, err);
    return rc ? rc : first_stage(c, p, &now, arena, err);
}

int kn_plan_file(const struct kn_plan_context *c, const struct kn_scan_file *file,
                 struct kn_arena *arena, struct kn_plan *out, struct kn_err *err)
{
    struct kn_plan p = {0};
    int rc = plan_file(c, file, arena, &p, err);

    if (rc)
        return kn_err_wrap(err, rc, "plan '%s'", file->path);
    *out = p;
    return KN_OK;
}

int kn_plan_give_up(const struct kn_plan_context *c, const struct kn_scan_file *file,
                    const char *reason, struct kn_arena *arena, struct kn_plan *out,
                    struct kn_err *err)
{
    struct kn_plan p = {.from = KN_STAGES, .reason = reason, .waiting = true};
    struct kn_facts facts;
    bool known = false;
    int rc = escape(file->path, arena, &p.escaped, err);
    struct kn_seen seen = {.path = p.escaped, .size = file->size, .mtime_ns = -1, .facts = &facts};

    if (rc == KN_OK)
        rc = kn_facts_of(c->scan, file->path, arena, &p.name, &facts, err);
    if (rc == KN_OK)
        rc = kn_store_keep(c->lib, p.escaped, &known, err);
    if (rc == KN_OK && !known)
        rc = identity_of_path(p.escaped, &p.identity, err);
    if (rc == KN_OK && !known)
        rc = kn_store_see(c->lib, &seen, &p.identity, p.name, facts.year, &p.id, err);
    if (rc == KN_OK && !known)
        rc = kn_store_pending(c->lib, &p.id, reason, err);
    if (rc)
        return kn_err_wrap(err, rc, "plan '%s'", file->path);
    *out = p;
    return KN_OK;
}
