/* local.h - the embedded backend: a folder with library.db (SQLite) and lock. Inside src/library/local*.
 *
 * One connection writes, under a mutex, and only in a process that holds the flock on lock. Up to
 * LOCAL_READERS others read, each with a snapshot of its own (WAL), so an answer never waits for
 * ingest. Vectors are searched in views (view.h), stamped with the library's count of changes that
 * concern answers; triggers in the schema keep that count, and which titles changed, so that no writer can forget it.
 *
 *   local.c         open, close, the lock, transactions, the pool of readers
 *   local_schema.c  the tables, and whether a file may be used
 *   local_read.c    get, find, scroll, stats
 *   local_check.c   is it sound, and what can be mended
 *   local_copy.c    a copy of the whole, for backups and before the tables change
 *   local_page.c    pages, facets
 *   local_said.c    said
 *   local_view.c    similar, moments, shared_words, similarities
 *   local_rows.c    titles and moments as SQLite has them, into a view or a shelf
 *   local_index.c   the files of index/: when one will do, when it is made again
 *   local_words.c   wording
 *   local_pace.c    how long listening takes here
 *   local_write.c   put, remove, set_model
 *   local_files.c   store.h: files and paths
 *   local_facts.c   store.h: what paths tell of their title; titles that are one film
 *   local_stages.c  store.h: stages
 *   local_import.c  store.h: imported titles, what they were given as, the scorer
 *   local_shared.c  store.h: what other libraries have of this one
 *   local_poster.c  store.h: posters */
#ifndef KN_LIBRARY_LOCAL_H
#define KN_LIBRARY_LOCAL_H

#include "base/err.h"
#include "library/backend.h"
#include "library/local_db.h"
#include "library/shelf.h"
#include "library/store.h"
#include "library/view.h"

#include <pthread.h>

struct kn_cancel;

enum { LOCAL_READERS = 8 };

enum local_which { LOCAL_TITLES, LOCAL_MOMENTS, LOCAL_COLLECTIONS };

struct local_collection {
    pthread_mutex_t lock; /* held by the one that loads */
    struct kn_view *view; /* NULL: none yet */
    bool distrusted;      /* its file was found damaged, and could not be removed */
};

struct local {
    struct kn_library base;
    char *dir, *path, *wal; /* the folder, library.db, library.db-wal */
    int lock;               /* descriptor of the lock file; -1 without write */

    pthread_mutex_t write_lock;
    struct kn_db *writer; /* NULL without write */
    bool marked;          /* its epoch is in the tables */
    int64_t *marks;       /* paths that the scan under way has met */
    size_t n_marks, cap_marks;

    pthread_mutex_t pool_lock;
    pthread_cond_t returned;
    struct kn_db *idle[LOCAL_READERS];
    size_t n_idle, n_readers;

    pthread_mutex_t view_lock; /* over the views below, held for no longer than to take one */
    struct local_collection collections[LOCAL_COLLECTIONS];
    double recall; /* as asked for when it was opened */

    pthread_mutex_t notice_lock;
    struct kn_err notice; /* KN_OK: nothing to tell */
};

struct local *kn_local_of(struct kn_library *lib); /* NULL: another backend's */

/* The same for store.h, whose calls may meet any backend. KN_EARG: not a local one. */
int kn_local_store(struct kn_library *lib, struct local **out, struct kn_err *err);

/* And one that is open for writing. KN_EARG. */
int kn_local_writable(struct kn_library *lib, struct local **out, struct kn_err *err);

/* A write transaction: begin, then whatever, then end with the result so far, which commits or
 * rolls back and returns what the whole came to. Everything between runs under write_lock. */
int kn_local_begin(struct local *l, struct kn_err *err);
int kn_local_end(struct local *l, int rc, struct kn_err *err);
int kn_local_leave(
    struct local *l); /* the end of one that turned out to have nothing to write; KN_OK */

/* A connection with a snapshot of this moment; give it back with kn_local_done. */
int kn_local_reader(struct local *l, struct kn_db **out, struct kn_err *err);
void kn_local_done(struct local *l, struct kn_db *db);
/* The same for a call of store.h, with whose library it is. KN_EARG: not a local one. */
int kn_local_store_reader(struct kn_library *lib, struct local **l, struct kn_db **out,
                          struct kn_err *err);

/* A connection of one's own with a snapshot, to be closed. */
int kn_local_open_reader(const struct local *l, struct kn_db **out, struct kn_err *err);

/* ---- local_rows.c ---- */

/* What a shelf made of this snapshot has; dim 0: no model. */
int kn_local_stamp(struct kn_db *db, struct kn_shelf_stamp *out, struct kn_err *err);

/* How many ready titles, or their moments, there are; most where there are more. */
int kn_local_count(struct kn_db *db, enum local_which which, size_t most, size_t *n,
                   struct kn_err *err);

/* How many titles changed since; likewise. */
int kn_local_count_changed(struct kn_db *db, uint64_t since, size_t most, size_t *n,
                           struct kn_err *err);

/* All into a view that has no shelf. */
int kn_local_fill(struct kn_db *db, enum local_which which, size_t dim, struct kn_view *v,
                  struct kn_err *err);

/* What changed since, beside the tail of old (NULL: none), whose other titles are taken over. */
int kn_local_fill_changed(struct kn_db *db, enum local_which which, size_t dim, uint64_t since,
                          const struct kn_view *old, struct kn_view *v, struct kn_err *err);

/* All of a snapshot, in a file (path) or in memory (NULL). */
int kn_local_make_shelf(struct kn_db *db, enum local_which which,
                        const struct kn_shelf_stamp *stamp, double recall, const char *path,
                        const struct kn_cancel *cancel, struct kn_shelf **out, struct kn_err *err);

/* How many titles of a shelf are not as the snapshot has them, those aside that changed since. */
int kn_local_compare(struct kn_db *db, enum local_which which, const struct kn_shelf *shelf,
                     size_t *different, struct kn_err *err);

/* ---- local_index.c ---- */

/* The files of index/ against the truth. *bad counts those that are damaged, or not what the library holds. */
int kn_local_check_index(struct local *l, uint64_t *bad, struct kn_err *err);

/* The view as of a snapshot taken now, for the caller to drop. One thread loads while those that
 * need the same wait for it: two loads at once would take no less time, and twice the memory. */
int kn_local_use_view(struct local *l, enum local_which which, struct kn_view **out,
                      struct kn_err *err);

/* The view that there is, if it shows this change: NULL else. For the caller to drop. */
struct kn_view *kn_local_peek_view(struct local *l, enum local_which which, uint64_t answers);

/* What those say of which `which` is set; of the others, and of those that are not there, nothing. */
int kn_local_wordings(struct local *l, const struct kn_id *ids, const bool *which, size_t n,
                      struct kn_wording *out, struct kn_err *err);

/* A search in this view found its file damaged: it is not used again. False: that is not why. */
bool kn_local_distrust(struct local *l, enum local_which which, struct kn_view *v);

bool kn_local_notice(struct kn_library *lib, char out[256]);

/* local_schema.c. write: brings the tables of an older version up to date, which a reader cannot. create: makes
 * them in an empty file. KN_ENOTFOUND: not a library. */
int kn_local_schema(struct kn_db *db, bool write, bool create, struct kn_err *err);

/* The database as it is now into the file path, by way of path.tmp. replace: also where a file is there, else KN_EARG. */
int kn_local_copy(struct kn_db *db, const char *path, bool replace, const struct kn_cancel *cancel,
                  struct kn_err *err);

/* The present model; dim 0: none yet. name may be NULL. */
int kn_local_model(struct kn_db *db, char name[KN_MAX_MODEL_NAME + 1], size_t *dim,
                   struct kn_err *err);

/* The state as it stands: see the schema. */
#define KN_LOCAL_STATE                                                                             \
    "CASE WHEN gone <> '' THEN 4"                                                                  \
    " WHEN state = 1 AND model IS NOT (SELECT model FROM library) THEN 0 ELSE state END"

#define KN_LOCAL_TITLE                                                                             \
    "key, id, name, " KN_LOCAL_STATE ", CASE WHEN gone <> '' THEN gone ELSE reason END,"           \
    " language, language_confidence, words_from, duration, opinion, year,"                         \
    " model IS (SELECT model FROM library), scorer, genres, set_language <> '',"                   \
    " scorer_version"

/* One row of KN_LOCAL_TITLE. *key and *comparable (its vectors are of the library's model) may be NULL. */
int kn_local_read_title(struct kn_db *db, sqlite3_stmt *s, struct kn_arena *arena,
                        struct kn_title *out, int64_t *key, bool *comparable, struct kn_err *err);

/* Makes passes(filter, id, language, year, duration, genres) known to SQL, which is kn_filter_passes. */
int kn_local_know_passes(struct kn_db *db, struct kn_err *err);

/* KN_ENOTFOUND: "no title with the id ...". */
int kn_local_title_key(struct kn_db *db, const struct kn_id *id, int64_t *key, struct kn_err *err);

/* All but the stages. */
int kn_local_standing(struct kn_db *db, int64_t title, struct kn_arena *arena,
                      struct kn_standing *out, struct kn_err *err);

/* Parts of a title, for put and the stages. All run inside a write transaction. */
int kn_local_add_segments(struct kn_db *db, int64_t title, const struct kn_segment *segments,
                          size_t n, struct kn_err *err);
int kn_local_add_dropped(struct kn_db *db, int64_t title, const struct kn_dropped *dropped,
                         size_t n, struct kn_err *err);
int kn_local_add_moments(struct kn_db *db, int64_t title, const struct kn_moment *moments, size_t n,
                         size_t dim, struct kn_err *err);
/* One of kn_library_put's. dim: the library's. */
int kn_local_put_record(struct kn_db *db, const struct kn_record *r, size_t dim,
                        struct kn_err *err);
/* What its segments come to, beside them: kn_local_add_segments and _drop_segments see to it. */
int kn_local_set_wording(struct kn_db *db, int64_t title, const struct kn_segment *segments,
                         size_t n, struct kn_err *err);
int kn_local_bad_wording(const struct kn_db *db, struct kn_err *err); /* KN_ECORRUPT */
/* Of all titles that have none: what an older library lacks. */
int kn_local_add_wordings(struct kn_db *db, struct kn_err *err);
int kn_local_set_vector(struct kn_db *db, int64_t title, const float *vector, const float *raw,
                        size_t dim, struct kn_err *err);
int kn_local_drop_segments(struct kn_db *db, int64_t title,
                           struct kn_err *err); /* what was dropped and given, and the wording */
int kn_local_drop_vectors(struct kn_db *db, int64_t title, struct kn_err *err); /* and moments */

/* What a stage's commit does inside its transaction. */
int kn_local_commit_words(struct kn_db *db, int64_t title, const struct kn_hash *key,
                          const struct kn_words *words, struct kn_err *err);
int kn_local_commit_failure(struct kn_db *db, int64_t title, enum kn_stage stage,
                            const struct kn_hash *key, const char *reason, struct kn_err *err);
int kn_local_keep_key(struct kn_db *db, int64_t title, enum kn_stage stage,
                      const struct kn_hash *key, bool failed, struct kn_err *err);
int kn_local_check_words(const struct kn_words *words, struct kn_err *err);

/* A new title of no file yet, or the one that is there. */
int kn_local_add_title(struct kn_db *db, const struct kn_id *id, const char *name, int year,
                       int64_t *title, struct kn_err *err);

/* After a path came to title or left it: name, year and facts are those of the first of its paths, and then of those of what is
 * joined in it, in order of their bytes, that has them, whichever came first, so that equal folders make equal libraries. Without
 * any it becomes missing for reason (NULL: as it says, or an unknown one); *missing, which may be NULL: so has the title that
 * answers for it. The same then for the title that it is joined in. */
int kn_local_settle_paths(struct kn_db *db, int64_t title, const char *reason, bool *missing,
                          struct kn_err *err);

/* Keeps with the path what is told of it. */
int kn_local_tell(struct kn_db *db, int64_t path, const struct kn_facts *facts, struct kn_err *err);

/* Joins title with those that have an id of its own, but for what was split. */
int kn_local_join_alike(struct kn_db *db, int64_t title, struct kn_err *err);

/* Forgets the keys and outputs of the stages from this one on; settle comes next. */
int kn_local_forget(struct kn_db *db, int64_t title, enum kn_stage from, struct kn_err *err);

/* Puts the title in the state that follows from its stages. reason: why it failed or is silent; NULL
 * or "": as before. */
int kn_local_settle(struct kn_db *db, int64_t title, const char *reason, struct kn_err *err);

/* The operations that library.c calls. */
int kn_local_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
                 struct kn_arena *arena, struct kn_record *out, struct kn_err *err);
int kn_local_get_many(struct kn_library *lib, const struct kn_id *ids, size_t n, unsigned parts,
                      struct kn_arena *arena, struct kn_record *out, struct kn_err *err);
int kn_local_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
                  struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);
int kn_local_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                    struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);
int kn_local_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err);
int kn_local_changes(struct kn_library *lib, uint64_t *out, struct kn_err *err);
int kn_local_page(struct kn_library *lib, const struct kn_page_query *query, struct kn_arena *arena,
                  struct kn_page *out, struct kn_err *err);
int kn_local_facets(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                    struct kn_err *err);
int kn_local_said(struct kn_library *lib, const char *text, const struct kn_filter *filter,
                  size_t k, struct kn_moment_hit *hits, size_t *n, struct kn_err *err);
int kn_local_check(struct kn_library *lib, struct kn_err *err);
int kn_local_similar(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                     struct kn_err *err);
int kn_local_moments(struct kn_library *lib, const float *vector, size_t dim,
                     const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                     size_t *n, struct kn_err *err);
int kn_local_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                          const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                          struct kn_err *err);
int kn_local_similarities(struct kn_library *lib, const float *vector, size_t dim,
                          const struct kn_id *ids, size_t n, double *out, struct kn_err *err);
int kn_local_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                     struct kn_err *err);
int kn_local_alike(struct kn_library *lib, const struct kn_id *ids, size_t n,
                   struct kn_wording *out, struct kn_err *err);
int kn_local_put(struct kn_library *lib, const struct kn_record *records, size_t n,
                 struct kn_err *err);
int kn_local_remove(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_err *err);
int kn_local_set_model(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err);

#endif
