/* The library as the notebook kept its results. The three files are written beside their places and renamed when
 * all are whole, so that an export that fails leaves an earlier one as it was. */
#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "ingest/scan.h"
#include "library/store.h"
#include "net/json.h"
#include "opinion/lexicon.h"
#include "text/csv.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TRANSCRIPTS, VECTORS, PAYLOAD, FILES };

enum { MAX_ENTRY = 256 << 20, NPY_HEAD = 128 };

static const char *const names[FILES] = {"transcripts.csv", "vectors.npy", "payload.json"};

struct export
{
    struct kinora *k;
    struct kn_lexicon *lexicon;
    size_t dim;
    FILE *files[FILES];
    char paths[FILES][PATH_MAX], partial[FILES][PATH_MAX]; /* partial: "" while there is none */
    struct kinora_exported done;
};

/* ---- files ---- */

static int begin_file(struct export *e, const char *dir, int i, bool force, struct kn_err *err)
{
    if (snprintf(e->paths[i], PATH_MAX, "%s/%s", dir, names[i]) >= PATH_MAX - 8)
        return kn_err_set(err, KN_EARG, "export to '%s': the path is too long", dir);
    if (!force && kn_fs_is_taken(e->paths[i]))
        return kn_err_set(err, KN_EARG, "export: '%s' is there already; --force writes over it",
                          e->paths[i]);
    snprintf(e->partial[i], PATH_MAX, "%.*s.tmp", PATH_MAX - 8, e->paths[i]);
    e->files[i] = fopen(e->partial[i], "wbe");
    if (!e->files[i]) {
        int rc = kn_err_set(err, KN_EIO, "create '%s': %s", e->partial[i], strerror(errno));

        e->partial[i][0] = '\0';
        return rc;
    }
    return KN_OK;
}

static int end_file(struct export *e, int i, struct kn_err *err)
{
    FILE *f = e->files[i];
    bool bad = fflush(f) || ferror(f) || fsync(fileno(f));

    e->files[i] = NULL;
    if (fclose(f) || bad)
        return kn_err_set(err, KN_EIO, "write '%s': %s", e->partial[i], strerror(errno));
    return KN_OK;
}

static int put(struct export *e, int i, const void *data, size_t n, struct kn_err *err)
{
    if (fwrite(data, 1, n, e->files[i]) == n)
        return KN_OK;
    return kn_err_set(err, KN_EIO, "write '%s': %s", e->partial[i], strerror(errno));
}

/* NumPy's format, version 1.0: magic, length, a Python dictionary filled up with spaces. Numbers are as the machine
 * has them, which is little-endian wherever Kinora runs. */
static int put_npy_head(struct export *e, size_t n, struct kn_err *err)
{
    static const char magic[10] = "\x93NUMPY\x01\x00\x76\x00"; /* 0x76: what follows of 128 bytes */
    char head[NPY_HEAD + 1];
    int used;

    memcpy(head, magic, sizeof magic);
    used = snprintf(head + sizeof magic, sizeof head - sizeof magic,
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n, e->dim);
    memset(head + sizeof magic + used, ' ', NPY_HEAD - sizeof magic - (size_t)used);
    head[NPY_HEAD - 1] = '\n';
    if (fseek(e->files[VECTORS], 0, SEEK_SET))
        return kn_err_set(err, KN_EIO, "write '%s': %s", e->partial[VECTORS], strerror(errno));
    return put(e, VECTORS, head, NPY_HEAD, err);
}

/* ---- a title ---- */

static int put_row(struct export *e, const struct kn_title *t, const char *video,
                   const char *transcript, struct kn_err *err)
{
    const char *slash = t->n_paths ? strrchr(t->paths[0], '/') : NULL;
    struct kn_buf file, row;
    int rc;

    kn_buf_init(&file, 64 << 10);
    kn_buf_init(&row, MAX_ENTRY);
    if (t->n_paths)
        kn_buf_adds(&file, slash ? slash + 1 : t->paths[0], NULL);
    else if (*video)
        kn_buf_adds(&file, video, NULL);
    else
        kn_buf_addf(&file, NULL, "%s%s", t->name, kn_scan_is_media(t->name) ? "" : ".mp4");
    rc = kn_buf_ok(&file, err);
    if (rc == KN_OK) {
        kn_csv_add_field(&row, file.data, NULL);
        kn_buf_adds(&row, ",", NULL);
        kn_csv_add_field(&row, transcript, NULL);
        kn_buf_adds(&row, "\r\n", NULL);
        rc = kn_buf_ok(&row, err);
    }
    if (rc == KN_OK)
        rc = put(e, TRANSCRIPTS, row.data, row.n, err);
    e->done.rows++;
    kn_buf_free(&file);
    kn_buf_free(&row);
    return rc;
}

/* As the model gave it: of the whole transcript where that is how the model is used, else the mean of the moments,
 * weighted by their words. */
static int raw_vector(const struct kn_record *r, size_t dim, float *out, struct kn_err *err)
{
    double weight = 0;

    if (r->raw) {
        memcpy(out, r->raw, dim * sizeof *out);
        return KN_OK;
    }
    for (size_t i = 0; i < r->n_moments; i++) {
        weight += r->moments[i].words;
        if (!r->moments[i].raw)
            return kn_err_set(
                err, KN_ENOTFOUND,
                "export '%s': the library keeps no raw vectors of it; ingest it again",
                r->title.name);
    }
    if (!(weight > 0))
        return kn_err_set(err, KN_ECORRUPT,
                          "export '%s': ready, but without words; run: kinora doctor",
                          r->title.name);
    for (size_t d = 0; d < dim; d++) {
        double sum = 0;

        for (size_t i = 0; i < r->n_moments; i++)
            sum += (double)r->moments[i].words * (double)r->moments[i].raw[d];
        out[d] = (float)(sum / weight);
    }
    return KN_OK;
}

static int put_entry(struct export *e, const char *name, const char *transcript,
                     const float *vector, struct kn_err *err)
{
    struct kn_sentiment s;
    struct kn_buf b;
    struct kn_json_writer w = {.out = &b};
    int rc = kn_lexicon_score(e->lexicon, transcript, &s, err);

    if (rc)
        return rc;
    kn_buf_init(&b, MAX_ENTRY);
    kn_buf_adds(&b, e->done.vectors ? ",\n" : "[\n", NULL);
    kn_json_begin_object(&w, NULL);
    kn_json_string(&w, "Transcript", transcript);
    kn_json_string(&w, "Movie_Name", name);
    kn_json_begin_array(&w, "embeddings");
    for (size_t i = 0; i < e->dim; i++)
        kn_json_number(&w, NULL, (double)vector[i]);
    kn_json_end_array(&w);
    kn_json_number(&w, "Sentiment", s.polarity);
    kn_json_begin_array(&w, "Opinion_Score");
    for (size_t i = 0; i < e->dim; i++)
        kn_json_number(&w, NULL, 0.7 * (double)vector[i] + 0.3 * s.polarity);
    kn_json_end_array(&w);
    kn_json_end_object(&w);
    rc = kn_buf_ok(&b, err);
    if (rc == KN_OK)
        rc = put(e, PAYLOAD, b.data, b.n, err);
    if (rc == KN_OK)
        rc = put(e, VECTORS, vector, e->dim * sizeof *vector, err);
    e->done.vectors++;
    kn_buf_free(&b);
    return rc;
}

/* "Heat.MP4" -> "Heat": JSON lines may call a title so. */
static const char *movie_name(const char *name, struct kn_arena *arena)
{
    size_t n = strlen(name);

    return kn_arena_bytes(arena, name, n > 4 && strcasecmp(name + n - 4, ".mp4") == 0 ? n - 4 : n);
}

/* given.text NULL: what is said in it. */
static int put_ready(struct export *e, const struct kn_record *r, const struct kn_given *given,
                     struct kn_arena *arena, struct kn_err *err)
{
    float *vector = kn_arena_array(arena, e->dim, sizeof *vector);
    const char *transcript = given->text, *name;
    int rc = vector ? raw_vector(r, e->dim, vector, err) : kn_api_no_memory(err, "export");

    if (rc == KN_OK && !transcript)
        rc = kn_api_transcript(r, arena, &transcript, err);
    if (rc == KN_OK)
        rc = put_row(e, &r->title, given->file, transcript, err);
    if (rc == KN_OK && !(name = movie_name(r->title.name, arena)))
        rc = kn_api_no_memory(err, "export");
    return rc ? rc : put_entry(e, name, transcript, vector, err);
}

/* As the notebook wrote failures down; one that came from it has its own words. */
static int put_failed(struct export *e, const struct kn_title *t, const struct kn_given *given,
                      struct kn_arena *arena, struct kn_err *err)
{
    const char *reason = given->text ? given->text
                         : strncmp(t->reason, "Error", 5) == 0
                             ? t->reason
                             : kn_arena_printf(arena, "Error: %s", t->reason);

    return reason ? put_row(e, t, given->file, reason, err) : kn_api_no_memory(err, "export");
}

static int put_title(struct export *e, const struct kn_id *id, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_given given = {"", NULL};
    struct kn_record r;
    bool found;
    int rc = arena ? kn_library_get(e->k->lib, id,
                                    KN_WITH_VECTOR | KN_WITH_SEGMENTS | KN_WITH_MOMENT_VECTORS,
                                    arena, &r, err)
                   : kn_api_no_memory(err, "export");

    if (rc == KN_OK)
        rc = kn_store_given(e->k->lib, id, arena, &found, &given, err);
    if (rc == KN_OK && r.title.state == KN_STATE_READY)
        rc = put_ready(e, &r, &given, arena, err);
    else if (rc == KN_OK && r.title.state == KN_STATE_FAILED)
        rc = put_failed(e, &r.title, &given, arena, err);
    else if (rc == KN_OK && r.title.state == KN_STATE_SILENT)
        rc = put_row(e, &r.title, given.file, given.text ? given.text : "", err);
    else if (rc == KN_OK)
        e->done.left_out++;
    kn_arena_free(arena);
    return rc;
}

/* ---- all ---- */

static int put_titles(struct export *e, struct kn_err *err)
{
    static const char columns[] = "Video File,Transcript\r\n";
    struct kinora_titles *titles = NULL;
    int rc = kinora_list(e->k, NULL, &titles, err);

    if (rc == KN_OK)
        rc = put(e, TRANSCRIPTS, columns, sizeof columns - 1, err);
    if (rc == KN_OK)
        rc = put_npy_head(e, 0, err);
    for (size_t i = 0; rc == KN_OK && i < titles->n; i++) {
        if (kn_cancel_is_set(&e->k->cancel))
            rc = kn_err_set(err, KN_ECANCELLED, "export: stopped; nothing was written");
        else
            rc = put_title(e, &titles->titles[i].id, err);
    }
    if (rc == KN_OK)
        rc = put(e, PAYLOAD, e->done.vectors ? "\n]\n" : "[]\n", 3, err);
    if (rc == KN_OK)
        rc = put_npy_head(e, e->done.vectors, err);
    kinora_titles_free(titles);
    return rc;
}

static int open_all(struct export *e, const struct kinora_export_options *o, struct kn_err *err)
{
    char model[64], *path = NULL;
    int rc = kn_library_model(e->k->lib, model, &e->dim, err);

    if (rc == KN_OK)
        rc = kn_api_model_path(e->k, "textblob-lexicon", &path, err);
    if (rc == KN_OK)
        rc = kn_lexicon_open(path, &e->lexicon, err);
    free(path);
    if (rc == KN_OK)
        rc = kn_fs_mkdirs(o->dir, err);
    for (int i = 0; rc == KN_OK && i < FILES; i++)
        rc = begin_file(e, o->dir, i, o->force, err);
    return rc;
}

static int put_in_place(struct export *e, struct kn_err *err)
{
    for (int i = 0; i < FILES; i++) {
        if (rename(e->partial[i], e->paths[i]))
            return kn_err_set(err, KN_EIO, "rename '%s' to '%s': %s", e->partial[i], e->paths[i],
                              strerror(errno));
        e->partial[i][0] = '\0';
    }
    return KN_OK;
}

int kinora_export(struct kinora *k, const struct kinora_export_options *o,
                  struct kinora_exported *out, struct kn_err *err)
{
    struct export *e = calloc(1, sizeof *e);
    int rc;

    if (!e)
        return kn_api_no_memory(err, "export");
    e->k = k;
    rc = o->dir && *o->dir ? open_all(e, o, err)
                           : kn_err_set(err, KN_EARG, "export: give the folder to write to");
    if (rc == KN_OK)
        rc = put_titles(e, err);
    for (int i = 0; rc == KN_OK && i < FILES; i++)
        rc = end_file(e, i, err);
    if (rc == KN_OK)
        rc = put_in_place(e, err);
    for (int i = 0; i < FILES; i++) {
        if (e->files[i])
            fclose(e->files[i]);
        if (e->partial[i][0])
            unlink(e->partial[i]);
    }
    if (rc == KN_OK)
        *out = e->done;
    kn_lexicon_close(e->lexicon);
    free(e);
    return rc;
}
