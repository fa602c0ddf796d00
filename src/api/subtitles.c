/* A title's words as a subtitle file beside its film. */
#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "library/store.h"
#include "text/captions.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_MAX = 64 << 20 };

void kinora_subtitles_free(struct kinora_subtitles *s)
{
    if (!s)
        return;
    kn_arena_free(s->arena);
    free(s);
}

static int format_of(const char *name, enum kn_subtitle_format *out, struct kn_err *err)
{
    if (!name || (strcmp(name, "srt") != 0 && strcmp(name, "vtt") != 0))
        return kn_err_set(err, KN_EARG, "export: a subtitle file is srt or vtt, not '%s'",
                          name ? name : "");
    *out = strcmp(name, "srt") == 0 ? KN_SUBTITLE_SRT : KN_SUBTITLE_VTT;
    return KN_OK;
}

/* Bytes: the film's path, or its name in into, without its extension; its id where another has that name; then the language,
 * then the format. */
static int path_of(const struct kn_title *t, const struct kinora_subtitles_options *o, bool with_id,
                   struct kn_buf *out, struct kn_err *err)
{
    const char *film = t->n_paths ? t->paths[0] : t->name;
    const char *slash = strrchr(film, '/'), *base = slash ? slash + 1 : film;
    const char *dot = t->n_paths ? strrchr(base, '.') : NULL;
    struct kn_sv stem = {film, dot && dot > base ? (size_t)(dot - film) : strlen(film)};
    char id[KN_ID_TEXT];
    int rc = KN_OK;

    if (!t->n_paths && !(o->into && *o->into))
        return kn_err_set(
            err, KN_EARG,
            "export '%s': its file is gone, so there is no place beside it; name a folder",
            t->name);
    if (o->into && *o->into) {
        stem = (struct kn_sv){base, stem.n - (size_t)(base - film)};
        rc = kn_buf_addf(out, err, "%s/", o->into);
    }
    if (rc == KN_OK)
        rc = kn_unescape_path(stem, out, err);
    kn_id_format(&t->id, id);
    if (rc == KN_OK && with_id)
        rc = kn_buf_addf(out, err, " [%.8s]", id);
    if (rc == KN_OK && *t->language)
        rc = kn_buf_addf(out, err, ".%s", t->language);
    return rc ? rc : kn_buf_addf(out, err, ".%s", o->format);
}

/* On some disks two names that differ only in case are one file. */
static bool was_written(const struct kinora_subtitles_options *o, const char *escaped)
{
    for (size_t i = 0; i < o->n_written; i++)
        if (strcasecmp(o->written[i], escaped) == 0)
            return true;
    return false;
}

static int place_of(const struct kn_title *t, const struct kinora_subtitles_options *o,
                    struct kn_buf *path, struct kn_buf *escaped, struct kn_err *err)
{
    bool taken = false;
    int rc;

    do {
        kn_buf_clear(path);
        kn_buf_clear(escaped);
        rc = path_of(t, o, taken, path, err);
        if (rc == KN_OK)
            rc = kn_escape_path(kn_sv_of(path->data), escaped, err);
    } while (rc == KN_OK && !taken && kn_fs_is_taken(path->data) &&
             (taken = was_written(o, escaped->data)));
    return rc;
}

static int check_words(const struct kn_record *r, struct kn_err *err)
{
    const char *name = r->title.name;

    if (r->n_segments == 0)
        return kn_err_set(err, KN_ENOTFOUND, "export '%s': it has no words, it is %s%s%s", name,
                          kinora_state_name(r->title.state), r->title.reason[0] ? ": " : "",
                          r->title.reason);
    for (size_t i = 0; i < r->n_segments; i++)
        if (kn_is_timed(r->segments[i].start, r->segments[i].end))
            return KN_OK;
    return kn_err_set(err, KN_ENOTFOUND,
                      "export '%s': it was imported as a text, and nobody knows when what is said",
                      name);
}

/* Written over, the words would be taken for our own and be heard instead. */
static int check_source(struct kinora *k, const struct kn_record *r, const char *path,
                        struct kn_arena *arena, struct kn_err *err)
{
    const char *slash = strrchr(path, '/');
    struct kn_probed probed;
    struct kn_buf name;
    int rc = kn_store_probed(k->lib, &r->title.id, arena, &probed, err);

    if (rc || strcmp(r->title.words_from, "sidecar") != 0)
        return rc;
    kn_buf_init(&name, 4 * PATH_MAX);
    rc = kn_unescape_path(kn_sv_of(probed.words_at), &name, err);
    if (rc == KN_OK && strcmp(slash ? slash + 1 : path, name.data) == 0)
        rc = kn_err_set(err, KN_EARG, "export: '%s' is where its words are from; nothing to write",
                        path);
    kn_buf_free(&name);
    return rc;
}

/* What was written is remembered first: a file that nobody remembers would be read back as somebody's. */
static int write_file(struct kinora *k, const struct kn_record *r, enum kn_subtitle_format format,
                      const struct kinora_subtitles_options *o, const char *path,
                      struct kn_err *err)
{
    struct kn_buf file;
    int rc;

    if (!o->force && kn_fs_is_taken(path))
        return kn_err_set(err, KN_EARG, "export: '%s' is there already; --force writes over it",
                          path);
    kn_buf_init(&file, FILE_MAX);
    rc = kn_captions_write(r->segments, r->n_segments, format, &file, err);
    if (rc == KN_OK && o->into && *o->into)
        rc = kn_fs_mkdirs(o->into, err);
    if (rc == KN_OK && !kinora_is_cluster(k)) /* whose titles no ingest here reads */
        rc = kn_store_exported(k->lib, file.data, file.n, err);
    if (rc == KN_OK)
        rc = kn_fs_write(path, file.data, file.n, err);
    kn_buf_free(&file);
    return rc;
}

int kinora_export_subtitles(struct kinora *k, const struct kn_id *id,
                            const struct kinora_subtitles_options *o, struct kinora_subtitles **out,
                            struct kn_err *err)
{
    struct kinora_subtitles *s = calloc(1, sizeof *s);
    enum kn_subtitle_format format;
    struct kn_record r;
    struct kn_buf path, escaped;
    int rc;

    if (!s || !(s->arena = kn_arena_new(0))) {
        free(s);
        return kn_api_no_memory(err, "export");
    }
    kn_buf_init(&path, 2 * PATH_MAX);
    kn_buf_init(&escaped, 8 * PATH_MAX);
    rc = format_of(o->format, &format, err);
    if (rc == KN_OK)
        rc = kn_library_get(k->lib, id, KN_WITH_SEGMENTS, s->arena, &r, err);
    if (rc == KN_OK)
        rc = check_words(&r, err);
    if (rc == KN_OK)
        rc = place_of(&r.title, o, &path, &escaped, err);
    if (rc == KN_OK && !(o->into && *o->into))
        rc = check_source(k, &r, path.data, s->arena, err);
    if (rc == KN_OK)
        rc = write_file(k, &r, format, o, path.data, err);
    s->path = rc ? NULL : kn_arena_text(s->arena, escaped.data);
    if (rc == KN_OK && !s->path)
        rc = kn_api_no_memory(err, "export");
    kn_buf_free(&path);
    kn_buf_free(&escaped);
    if (rc)
        kinora_subtitles_free(s);
    else
        *out = s;
    return rc;
}

void kinora_captions_free(struct kinora_captions *c)
{
    if (!c)
        return;
    kn_arena_free(c->arena);
    free(c);
}

int kinora_captions(struct kinora *k, const struct kn_id *id, const char *format,
                    struct kinora_captions **out, struct kn_err *err)
{
    struct kinora_captions *c = calloc(1, sizeof *c);
    enum kn_subtitle_format how;
    struct kn_record r;
    struct kn_buf file;
    int rc;

    if (!c || !(c->arena = kn_arena_new(0))) {
        free(c);
        return kn_api_no_memory(err, "export");
    }
    kn_buf_init(&file, FILE_MAX);
    rc = format_of(format, &how, err);
    if (rc == KN_OK)
        rc = kn_library_get(k->lib, id, KN_WITH_SEGMENTS, c->arena, &r, err);
    if (rc == KN_OK)
        rc = check_words(&r, err);
    if (rc == KN_OK)
        rc = kn_captions_write(r.segments, r.n_segments, how, &file, err);
    c->bytes = file.n;
    c->text = rc ? NULL : kn_arena_bytes(c->arena, file.data, file.n);
    if (rc == KN_OK && !c->text)
        rc = kn_api_no_memory(err, "export");
    kn_buf_free(&file);
    if (rc)
        kinora_captions_free(c);
    else
        *out = c;
    return rc;
}
