/* Texts in place of films: rows become titles whose words are there, all in one transaction; carry.c does the rest. */
#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "ingest/rows.h"
#include "text/plain.h"

#include <stdlib.h>
#include <string.h>

enum { IMPORT_VERSION = 2 }; /* raise it when the same row gives other words: part of their key */

/* The one place that decides a text's language: what the row says, else what the user says, else what the text is like. */
static int find_language(struct run *r, const struct kn_row *row, struct kn_arena *arena,
                         struct kn_words *w, struct kn_err *err)
{
    const char *hint = r->options->language_hint;
    char tag[16] = "";
    int rc = KN_OK;

    w->language = *row->language ? row->language : hint ? hint : "";
    w->language_confidence = *w->language ? 1 : 0;
    if (*w->language || w->n_segments == 0)
        return KN_OK;
    rc = run_language_of(r, kn_sv_of(row->text), tag, &w->language_confidence, err);
    if (rc == KN_OK && !(w->language = kn_arena_text(arena, tag)))
        rc = kn_err_memory(err, "no memory for its language");
    return rc;
}

/* ---- identity ---- */

/* Of name and text: the same film may be told twice, and two films may have one name. Rows that are equal in both are told
 * apart by which of them they are (which), so that they stay apart and importing them again finds them again. */
static int hash_row(const struct kn_row *row, const struct kn_hash *base, size_t which,
                    struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "no memory to hash");
    if (base) {
        kn_hasher_hash(h, base);
        kn_hasher_u64(h, which);
    } else {
        kn_hasher_text(h, "import");
        kn_hasher_text(h, row->name);
        kn_hasher_text(h, row->text);
    }
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

struct hashed {
    struct kn_hash hash;
    size_t row;
};

static int compare_hashed(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    int order = memcmp(&x->hash, &y->hash, sizeof x->hash);

    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int identify(const struct kn_row *rows, size_t n, struct kn_arena *arena,
                    struct kn_imported *titles, struct kn_err *err)
{
    struct hashed *all = kn_arena_array(arena, n, sizeof *all);
    size_t which = 0;
    int rc = KN_OK;

    if (!all)
        return kn_err_memory(err, "no memory for %zu rows", n);
    for (size_t i = 0; i < n && rc == KN_OK; i++) {
        all[i].row = i;
        rc = hash_row(&rows[i], NULL, 0, &all[i].hash, err);
    }
    qsort(all, n, sizeof *all, compare_hashed);
    for (size_t i = 0; i < n && rc == KN_OK; i++) {
        bool again = i > 0 && memcmp(&all[i].hash, &all[i - 1].hash, sizeof all->hash) == 0;

        which = again ? which + 1 : 0;
        rc = hash_row(NULL, &all[i].hash, which, &titles[all[i].row].identity, err);
    }
    return rc;
}

/* ---- words ---- */

static int key_of(const struct kn_imported *t, struct kn_hash *out, struct kn_err *err)
{
    struct kn_hasher *h = kn_hasher_new();

    if (!h)
        return kn_err_memory(err, "no memory to hash");
    kn_hasher_u64(h, IMPORT_VERSION);
    kn_hasher_u64(h, KN_PLAIN_VERSION);
    kn_hasher_hash(h, &t->identity);
    kn_hasher_text(h, t->words.language);
    kn_hasher_text(h, t->genres);
    kn_hasher_u64(h, (uint64_t)t->year);
    *out = kn_hasher_end(h);
    kn_hasher_free(h);
    return KN_OK;
}

static int fill(struct run *r, const struct kn_row *row, struct kn_arena *arena,
                struct kn_imported *t, struct kn_err *err)
{
    struct kn_segment *segments;
    int rc = KN_OK;

    t->name = row->name;
    t->genres = row->genres;
    t->year = row->year;
    t->given = (struct kn_given){row->file, row->text};
    t->words.words_from = t->words.reason = "";
    if (row->failed) {
        struct kn_sv why = kn_sv_trim(kn_sv_of(row->text));

        t->failed = kn_arena_bytes(arena, why.p, why.n);
        if (!t->failed)
            return kn_err_memory(err, "line %zu: no memory", row->line);
    } else if (kn_count_words(kn_sv_of(row->text)) == 0) {
        t->words.reason = "its text has no words";
    } else {
        rc = kn_plain_cut(row->text, arena, &segments, &t->words.n_segments, err);
        t->words.segments = segments;
        t->words.words_from = "import";
    }
    if (rc == KN_OK)
        rc = find_language(r, row, arena, &t->words, err);
    return rc ? kn_err_wrap(err, rc, "line %zu", row->line) : key_of(t, &t->key, err);
}

/* ---- the run ---- */

static enum kn_state state_of(const struct kn_imported *t)
{
    return t->failed ? KN_STATE_FAILED : t->words.n_segments ? KN_STATE_READY : KN_STATE_SILENT;
}

static int compare_id(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kn_id));
}

/* Tells of the rows with which nothing more is to be done; the others are told of as they finish. */
static void tell(struct run *r, const struct kn_imported *titles, size_t n,
                 const struct kn_id *carried)
{
    for (size_t i = 0; i < n; i++) {
        const struct kn_imported *t = &titles[i];
        struct job j = {.plan = {.id = kn_id_from_hash(&t->identity),
                                 .name = t->name,
                                 .escaped = "",
                                 .state = state_of(t),
                                 .added = t->added,
                                 .reason = t->failed ? t->failed : t->words.reason}};

        if (bsearch(&j.plan.id, carried, r->n_carried, sizeof *carried, compare_id))
            r->progress.sum.added += t->added;
        else if (t->changed)
            progress_finished(r, &j, j.plan.state, j.plan.reason);
        else
            progress_unchanged(r, &j);
    }
}

/* The rows are in the library: what they lack is found and done. */
static int go_on(struct run *r, const struct kn_imported *titles, size_t n, struct kn_arena *arena,
                 const struct kn_cancel *cancel, struct kn_err *err)
{
    struct kn_id *carried;
    size_t ours = 0;
    int rc = run_find_carried(r, arena, err);

    if (rc)
        return rc;
    carried = kn_arena_array(arena, r->n_carried, sizeof *carried);
    if (!carried)
        return kn_err_memory(err, "no memory for %zu titles", r->n_carried);
    for (size_t i = 0; i < r->n_carried; i++)
        carried[i] = r->carried[i].id;
    qsort(carried, r->n_carried, sizeof *carried, compare_id);
    for (size_t i = 0; i < n; i++) {
        const struct kn_id id = kn_id_from_hash(&titles[i].identity);

        ours += bsearch(&id, carried, r->n_carried, sizeof id, compare_id) != NULL;
    }
    progress_begin(&r->progress,
                   n - ours + r->n_carried); /* others may have been left undone before */
    tell(r, titles, n, carried);
    return run_carry(r, cancel, err);
}

static int import(struct run *r, const char *path, struct kn_arena *arena,
                  const struct kn_cancel *cancel, struct kn_err *err)
{
    struct kn_imported *titles;
    struct kn_row *rows;
    size_t n;
    int rc = kn_rows_read(path, arena, &rows, &n, err);

    if (rc)
        return rc;
    titles = kn_arena_array(arena, n, sizeof *titles);
    rc = titles ? identify(rows, n, arena, titles, err)
                : kn_err_memory(err, "no memory for %zu rows", n);
    for (size_t i = 0; i < n && rc == KN_OK; i++)
        rc = fill(r, &rows[i], arena, &titles[i], err);
    if (rc == KN_OK)
        rc = run_open(r, err);
    if (rc == KN_OK)
        rc = kn_store_import(r->lib, titles, n, err);
    if (rc)
        return kn_err_wrap(err, rc, "import '%s'", path);
    r->progress.sum.files = n;
    return go_on(r, titles, n, arena, cancel, err);
}

int kn_import_run(struct kn_library *lib, const char *path, const struct kn_ingest_options *options,
                  void (*event)(void *ctx, const struct kn_ingest_event *e), void *ctx,
                  const struct kn_cancel *cancel, struct kn_ingest_summary *out, struct kn_err *err)
{
    struct run r = {
        .lib = lib,
        .options = options,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .event = event, .ctx = ctx},
    };
    struct kn_arena *arena = kn_arena_new(4 * (size_t)KN_ROWS_FILE);
    int rc;

    if (!arena)
        return kn_err_memory(err, "import '%s': no memory", path);
    rc = import(&r, path, arena, cancel, err);
    if (rc == KN_OK)
        rc = run_sum_up(&r, out, err);
    run_close(&r);
    kn_arena_free(arena);
    return rc;
}
