#include "facts.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/unicode.h"
#include "ingest/scan.h"
#include "text/nfo.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    FACTS_VERSION = 1, /* raise it when the same names and files give other facts */
    NEIGHBOURS = 64, /* of a folder with more films and extras than this nobody asks whose it is */
};

/* A path cut up: its folder, the folder's own name, the film's name without extension. */
struct parts {
    struct kn_sv folder, folder_name, base;
};

static struct parts cut(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    struct parts p = {
        .folder = {path, slash ? (size_t)(slash - path) : 0},
        .base = {base, dot && dot > base ? (size_t)(dot - base) : strlen(base)},
    };
    size_t start = p.folder.n;

    while (start > 0 && path[start - 1] != '/')
        start--;
    p.folder_name = (struct kn_sv){path + start, p.folder.n - start};
    return p;
}

/* Bytes that are not UTF-8 are kept as escapes. */
static int read_name(struct kn_sv base, struct kn_film_name *out, struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, 4 * PATH_MAX);
    rc = kn_escape_path(base, &b, err);
    if (rc == KN_OK)
        kn_film_name_read((struct kn_sv){b.data, b.n}, out);
    kn_buf_free(&b);
    return rc;
}

static int read_film(const struct parts *p, struct kn_film_name *out, struct kn_err *err)
{
    int rc = read_name(p->base, out, err);

    if (rc == KN_OK && out->kind == KN_FILM)
        out->kind = kn_film_kind_of_folder(p->folder_name);
    return rc;
}

/* No other film lies in the folder, but for other versions of this one. */
static int is_alone(const struct kn_scan *scan, const struct parts *p,
                    const struct kn_film_name *film, bool *alone, struct kn_err *err)
{
    char folder[PATH_MAX];
    size_t n = p->folder.n + 1, looked = 0, same = 0;

    *alone = true;
    if (snprintf(folder, sizeof folder, "%.*s/", (int)p->folder.n, p->folder.p) >=
        (int)sizeof folder)
        return KN_OK;
    for (size_t i = kn_scan_first(scan, folder);
         *alone && i < scan->n_files && strncmp(scan->files[i].path, folder, n) == 0; i++) {
        struct kn_film_name other;
        struct parts q;
        int rc;

        if (strchr(scan->files[i].path + n, '/'))
            continue;
        q = cut(scan->files[i].path);
        rc = read_film(&q, &other, err);
        if (rc)
            return rc;
        *alone = ++looked <= NEIGHBOURS &&
                 (other.kind != KN_FILM ||
                  (strcasecmp(other.title, film->title) == 0 && ++same <= KN_FACTS_VERSIONS));
    }
    return KN_OK;
}

/* Is the folder this film's? Then what its name tells fills what the film's does not. */
static int take_folder(const struct kn_scan *scan, const struct parts *p, struct kn_film_name *film,
                       bool *owns, struct kn_err *err)
{
    struct kn_film_name folder;
    int rc = KN_OK;

    *owns = false;
    if (film->kind != KN_FILM || film->part)
        return KN_OK;
    rc = read_name(p->folder_name, &folder, err);
    if (rc)
        return rc;
    *owns = *folder.title && strcasecmp(folder.title, film->title) == 0;
    if (!*owns)
        rc = is_alone(scan, p, film, owns, err);
    if (rc || !*owns)
        return rc;
    film->year = film->year ? film->year : folder.year;
    kn_film_ids_fill(&film->ids, &folder.ids);
    return KN_OK;
}

/* *out: the path in the arena where such a file lies beside; NULL: none. */
static int beside(const struct kn_scan *scan, const struct parts *p, bool of_folder,
                  const char *name, struct kn_arena *arena, const char **out, struct kn_err *err)
{
    struct kn_sv stem = {p->folder.p,
                         (size_t)(p->base.p - p->folder.p) + (of_folder ? 0 : p->base.n)};
    const char *path;

    *out = NULL;
    if (scan->n_beside == 0)
        return KN_OK;
    path = kn_arena_printf(arena, "%.*s%s", (int)stem.n, stem.p, name);
    if (!path)
        return kn_err_memory(err, "files beside a film: no memory");
    *out = kn_scan_beside(scan, path);
    return KN_OK;
}

static int find_nfo(const struct kn_scan *scan, const struct parts *p, bool owns,
                    struct kn_arena *arena, const char **out, struct kn_err *err)
{
    int rc = beside(scan, p, false, ".nfo", arena, out, err);

    if (rc == KN_OK && !*out && owns)
        rc = beside(scan, p, true, "movie.nfo", arena, out, err);
    return rc;
}

static int find_poster(const struct kn_scan *scan, const struct parts *p, bool owns,
                       struct kn_arena *arena, const char **out, struct kn_err *err)
{
    static const char *const own[] = {"-poster.jpg", "-poster.jpeg", "-poster.png"};
    static const char *const folders[] = {"poster.jpg", "poster.jpeg", "poster.png",
                                          "folder.jpg", "folder.jpeg", "folder.png"};
    int rc = KN_OK;

    *out = NULL;
    for (size_t i = 0; rc == KN_OK && !*out && i < sizeof own / sizeof *own; i++)
        rc = beside(scan, p, false, own[i], arena, out, err);
    for (size_t i = 0; rc == KN_OK && !*out && owns && i < sizeof folders / sizeof *folders; i++)
        rc = beside(scan, p, true, folders[i], arena, out, err);
    return rc;
}

/* Leaves out as it was where the file is of no use. */
static int read_nfo(const char *path, struct kn_arena *arena, struct kn_nfo *out,
                    struct kn_err *err)
{
    struct kn_buf bytes;
    struct kn_err why;
    int rc;

    kn_buf_init(&bytes, KN_NFO_BYTES);
    rc = kn_fs_read(path, &bytes, &why);
    if (rc == KN_OK)
        rc = kn_nfo_parse((struct kn_sv){bytes.data, bytes.n}, arena, out, &why);
    kn_buf_free(&bytes);
    if (rc && kn_err_is_memory(&why))
        return kn_err_memory(err, "'%s': %s", path, why.msg);
    if (rc)
        kn_log(rc == KN_ENOTFOUND ? KN_LOG_INFO : KN_LOG_WARNING, "'%s' is not used: %s", path,
               why.msg);
    return KN_OK;
}

static int facts_key(const char *name, struct kn_facts *f, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "files beside a film: no memory");
    kn_hasher_u64(h, FACTS_VERSION);
    kn_hasher_text(h, name);
    kn_hasher_u64(h, (uint64_t)f->year);
    for (size_t i = 0; i < 6; i++)
        kn_hasher_text(
            h, (const char *[]){f->called, f->genres, f->plot, f->kind, f->ids, f->poster}[i]);
    f->key = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

static int escaped(const char *path, struct kn_arena *arena, const char **out, struct kn_err *err)
{
    struct kn_buf b;
    int rc = KN_OK;

    kn_buf_init(&b, 4 * PATH_MAX);
    if (path)
        rc = kn_escape_path(kn_sv_of(path), &b, err);
    if (rc == KN_OK)
        *out = kn_arena_text(arena, b.data);
    if (rc == KN_OK && !*out)
        rc = kn_err_memory(err, "files beside a film: no memory");
    kn_buf_free(&b);
    return rc;
}

static int gather(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                  const char **name, struct kn_facts *out, struct kn_err *err)
{
    static const char *const kinds[] = {"", "trailer", "extra"};
    struct kn_nfo nfo = {.title = "", .genres = "", .plot = ""};
    const struct parts p = cut(path);
    const char *nfo_path, *poster;
    char ids[KN_FILM_IDS] = "";
    struct kn_film_name film;
    bool owns = false;
    int rc = read_film(&p, &film, err);

    if (rc == KN_OK)
        rc = take_folder(scan, &p, &film, &owns, err);
    if (rc == KN_OK)
        rc = find_nfo(scan, &p, owns, arena, &nfo_path, err);
    if (rc == KN_OK)
        rc = find_poster(scan, &p, owns, arena, &poster, err);
    if (rc == KN_OK && nfo_path)
        rc = read_nfo(nfo_path, arena, &nfo, err);
    if (rc)
        return rc;
    kn_film_ids_fill(&film.ids, &nfo.ids);
    if (film.kind == KN_FILM && !film.part)
        kn_film_ids_text(&film.ids, ids);
    *out = (struct kn_facts){.called = nfo.title,
                             .genres = nfo.genres,
                             .plot = nfo.plot,
                             .kind = kinds[film.kind],
                             .ids = kn_arena_text(arena, ids),
                             .year = film.year ? film.year : nfo.year};
    /* A name that is nothing but ids would leave none. */
    *name = *film.name ? kn_arena_text(arena, film.name) : NULL;
    if (!*film.name)
        rc = escaped(kn_arena_bytes(arena, p.base.p, p.base.n), arena, name, err);
    if (rc == KN_OK && (!out->ids || !*name))
        rc = kn_err_memory(err, "files beside a film: no memory");
    return rc ? rc : escaped(poster, arena, &out->poster, err);
}

int kn_facts_of(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                const char **name, struct kn_facts *out, struct kn_err *err)
{
    struct kn_scan beside_it;
    struct kn_facts facts;
    const char *folder, *named;
    struct parts p = cut(path);
    int rc = KN_OK;

    if (!kn_scan_covers(scan, path)) {
        folder = kn_arena_bytes(arena, path, p.folder.n ? p.folder.n : 1);
        rc = folder ? kn_scan_folder(folder, arena, &beside_it, err)
                    : kn_err_memory(err, "files beside a film: no memory");
        scan = &beside_it;
    }
    if (rc == KN_OK)
        rc = gather(scan, path, arena, &named, &facts, err);
    if (rc == KN_OK)
        rc = facts_key(named, &facts, err);
    if (rc)
        return rc;
    *name = named;
    *out = facts;
    return KN_OK;
}

int kn_facts_version(const char *path, bool *may, struct kn_hash *key, struct kn_err *err)
{
    const struct parts p = cut(path);
    struct kn_film_name film, folder;
    struct kn_hasher *h;
    struct kn_buf folded;
    int rc = read_film(&p, &film, err);

    if (rc == KN_OK)
        rc = read_name(p.folder_name, &folder, err);
    if (rc)
        return rc;
    if (!film.year && strcasecmp(film.title, folder.title) == 0)
        film.year = folder.year;
    *may = film.kind == KN_FILM && !film.part && film.year && *film.title;
    if (!*may)
        return KN_OK;
    kn_buf_init(&folded, 1 << 16);
    rc = kn_fold(kn_sv_of(film.title), &folded, err);
    h = kn_hasher_new();
    if (rc == KN_OK && h) {
        kn_hasher_u64(h, p.folder.n);
        kn_hasher_add(h, p.folder.p, p.folder.n);
        kn_hasher_text(h, folded.data);
        kn_hasher_u64(h, (uint64_t)film.year);
        *key = kn_hasher_end(h);
    } else if (!h) {
        rc = kn_err_memory(err, "versions of a film: no memory");
    }
    kn_hasher_free(h);
    kn_buf_free(&folded);
    return rc;
}
