/* Versions of one film that no id joins: files of one folder, of one title and year by their names, in which the same is said.
 * The names alone are not enough, for two films may be called alike, and the words alone are not: a film and its trailer,
 * or two recordings of one play. Ready titles only, after all else is done. */
#include "ingest/run.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/unicode.h"
#include "ingest/facts.h"
#include "text/overlap.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Share of runs of three words. What Whisper hears of the samples and their scripts have .78 and more in common, two of
 * them .005 at most (bench/RESULTS.md). */
static const double ALIKE = 0.5;

struct candidate {
    struct kn_hash key;
    size_t file;
};

static int by_key(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = memcmp(&x->key, &y->key, sizeof x->key);

    return order ? order : (x->file > y->file) - (x->file < y->file);
}

/* The title that answers for a file, where it is ready and was not split. */
static int title_of(struct run *r, const struct kn_scan_file *file, struct kn_arena *arena,
                    bool *usable, struct kn_record *out, struct kn_err *err)
{
    struct kn_buf escaped;
    struct kn_id id;
    bool apart = false;
    int rc;

    kn_buf_init(&escaped, 4 * PATH_MAX);
    rc = kn_escape_path(kn_sv_of(file->path), &escaped, err);
    if (rc == KN_OK)
        rc = kn_store_at(r->lib, escaped.data, usable, &id, &apart, err);
    kn_buf_free(&escaped);
    *usable &= !apart;
    if (rc || !*usable)
        return rc;
    rc = kn_library_get(r->lib, &id, 0, arena, out, err);
    *usable = rc == KN_OK && out->title.state == KN_STATE_READY;
    return rc;
}

static int join_if_alike(struct run *r, const struct kn_id *lead, const struct kn_id *other,
                         struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record a, b;
    double alike = 0;
    int rc = arena ? kn_library_get(r->lib, lead, KN_WITH_SEGMENTS, arena, &a, err)
                   : kn_err_memory(err, "compare transcripts: no memory");

    if (rc == KN_OK)
        rc = kn_library_get(r->lib, other, KN_WITH_SEGMENTS, arena, &b, err);
    if (rc == KN_OK)
        rc = kn_text_overlap(a.segments, a.n_segments, b.segments, b.n_segments, &alike, err);
    kn_arena_free(arena);
    return rc || alike < ALIKE ? rc : kn_store_join(r->lib, lead, other, false, err);
}

/* Every file of a group with the first of them. */
static int join_group(struct run *r, const struct candidate *group, size_t n, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record first, other;
    bool usable = false, too;
    size_t i = 0;
    int rc = arena ? KN_OK : kn_err_memory(err, "compare transcripts: no memory");

    while (rc == KN_OK && !usable && i < n)
        rc = title_of(r, &r->scan.files[group[i++].file], arena, &usable, &first, err);
    for (; rc == KN_OK && i < n && !run_stopped(r); i++) {
        rc = title_of(r, &r->scan.files[group[i].file], arena, &too, &other, err);
        if (rc == KN_OK && too && !kn_id_eq(&first.title.id, &other.title.id))
            rc = join_if_alike(r, &first.title.id, &other.title.id, err);
    }
    kn_arena_free(arena);
    return rc;
}

int run_join_versions(struct run *r, struct kn_err *err)
{
    struct candidate *all = malloc((r->scan.n_files + 1) * sizeof *all);
    size_t n = 0;
    int rc = all ? KN_OK : kn_err_memory(err, "compare transcripts: no memory");

    for (size_t i = 0; rc == KN_OK && i < r->scan.n_files; i++) {
        bool may;

        rc = kn_facts_version(r->scan.files[i].path, &may, &all[n].key, err);
        all[n].file = i;
        n += rc == KN_OK && may;
    }
    if (n > 0)
        qsort(all, n, sizeof *all, by_key);
    for (size_t i = 0, end; rc == KN_OK && i < n; i = end) {
        for (end = i + 1; end < n && memcmp(&all[i].key, &all[end].key, sizeof all->key) == 0;)
            end++;
        if (end > i + 1 && end - i <= KN_FACTS_VERSIONS)
            rc = join_group(r, all + i, end - i, err);
    }
    free(all);
    return rc;
}
