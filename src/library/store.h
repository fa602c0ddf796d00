/* store.h - the ingest side of a local library: files, paths, and stages that are never redone.
 *
 * A file is one content (kn_hash_file), a path is where it lies, a title is the work. A stage is
 * one step of a title (enum kn_stage). Its key is a hash of all that its output depends on: the
 * caller computes it, the store keeps it with the output, in one transaction. So a stage is done
 * if and only if the store has its key; a process that is killed loses at most what it had not
 * committed; and a change of settings, model or sidecar redoes exactly what depends on it.
 *
 * Committing a stage removes the keys and the outputs of the stages behind it, and puts the title in
 * the state that follows from what is left: pending until the last is done. So an output is there
 * if and only if its key is.
 *
 * A title is missing while it has no path; what it was before is kept below that and returns with
 * a path. Its name is that of its first path in order of bytes, whichever was seen first: two runs over
 * equal folders end equal. The names of its other paths find it too (kn_library_find).
 *
 * All calls need a local library opened with write (else KN_EARG); any thread; each is one
 * transaction. KN_ENOTFOUND: no such title. */
#ifndef KN_LIBRARY_STORE_H
#define KN_LIBRARY_STORE_H

#include "base/hash.h"
#include "library/library.h"

enum kn_stage {
    KN_STAGE_PROBE,   /* container, duration, streams */
    KN_STAGE_WORDS,   /* segments and language */
    KN_STAGE_VECTORS, /* moments, embedded; the title's vector */
    KN_STAGE_OPINION, /* polarity of moments and title */
    KN_STAGES
};

const char *kn_stage_name(enum kn_stage s); /* "probe", "words"... */

struct kn_seen {      /* a file as the scan sees it */
    const char *path; /* absolute, escaped (kn_escape_path) */
    uint64_t size;
    int64_t mtime_ns;
};

/* Is this path known with this size and time? Then *identity and *id are what they were, and the
 * content need not be hashed again. */
int kn_store_known(struct kn_library *lib, const struct kn_seen *seen, bool *known,
                   struct kn_hash *identity, struct kn_id *id, struct kn_err *err);

/* Records that this path holds this content now. A new content makes a pending title named name;
 * a known one under a new path (moved, copied) keeps everything; a missing title is brought back
 * to the state it had. *id is its title. */
int kn_store_see(struct kn_library *lib, const struct kn_seen *seen, const struct kn_hash *identity,
                 const char *name, int year, struct kn_id *id, struct kn_err *err);

/* Paths under root (absolute, escaped) that are not among those marked by kn_store_known and kn_store_see
 * since kn_store_scan_begin are gone: forgotten, and titles without any path become missing,
 * with their reason. *n_missing counts those titles. Only for roots that were scanned to the end. */
int kn_store_scan_begin(struct kn_library *lib, struct kn_err *err);
int kn_store_scan_end(struct kn_library *lib, const char *root, size_t *n_missing,
                      struct kn_err *err);

/* *found and the key of a stage that is finished or failed (then the title's state is failed).
 * A title that is not there has no stages. This one also works when opened for reading. */
int kn_store_stage(struct kn_library *lib, const struct kn_id *id, enum kn_stage stage, bool *found,
                   struct kn_hash *key, struct kn_err *err);

/* Forgets a title's stages from this one on, so that the next ingest redoes them. */
int kn_store_redo(struct kn_library *lib, const struct kn_id *id, enum kn_stage from,
                  struct kn_err *err);

struct kn_probed {
    double duration;
    const char *container;
    const char *streams_json; /* an array of {kind, codec, language, title, heard} */
};
int kn_store_commit_probe(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                          const struct kn_probed *probed, struct kn_err *err);

/* What the last probe found; "" and 0 before there was one. Texts come from arena. Also when opened for reading. */
int kn_store_probed(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                    struct kn_probed *out, struct kn_err *err);

struct kn_words {
    const struct kn_segment *segments;
    size_t n_segments; /* 0: the title becomes silent, reason says how that was found */
    const struct kn_dropped *dropped;
    size_t n_dropped;
    const char *language, *words_from, *reason;
    double language_confidence;
    double duration; /* of the sound; replaces the probe's when that was unknown */
};
int kn_store_commit_words(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                          const struct kn_words *words, struct kn_err *err);

/* Sets a title's language, whatever was or will be found: a tag of at most 15 letters; "" lifts that, and what was
 * found last is its language again. The words stay; opinions are forgotten, for a scorer may ask for the
 * language. KN_EARG. */
int kn_store_set_language(struct kn_library *lib, const struct kn_id *id, const char *language,
                          struct kn_err *err);

/* moments with raw and vector; title_vector of the library's dim. opinions are ignored. */
int kn_store_commit_vectors(struct kn_library *lib, const struct kn_id *id,
                            const struct kn_hash *key, const struct kn_moment *moments,
                            size_t n_moments, const float *title_vector, struct kn_err *err);

int kn_store_commit_opinion(struct kn_library *lib, const struct kn_id *id,
                            const struct kn_hash *key, const char *scorer, const double *moments,
                            size_t n_moments, double title, struct kn_err *err);

/* The title cannot go on: state failed with its reason; key marks the stage as tried, so that
 * the same file with the same settings is not tried again until kn_store_redo. */
int kn_store_commit_failure(struct kn_library *lib, const struct kn_id *id, enum kn_stage stage,
                            const struct kn_hash *key, const char *reason, struct kn_err *err);

/* ---- titles without files ---- */

struct kn_imported {
    struct kn_hash identity, key; /* key: of its words stage */
    const char *name, *genres;
    int year;
    struct kn_words words;
    const char *failed;  /* not NULL: it has no words, for this reason */
    bool added, changed; /* out: it is new here; its words were set */
};

/* Sets the words of titles that have no file, all or none in one transaction. One whose words have that key
 * already is left as it is. */
int kn_store_import(struct kn_library *lib, struct kn_imported *titles, size_t n,
                    struct kn_err *err);

/* ---- what follows from words, whatever they came from ---- */

struct kn_staged { /* a title that has words */
    struct kn_id id;
    const char *name;
    enum kn_state state;
    struct kn_hash words, vectors, opinion; /* keys; zeros where the stage is not done */
};

/* All titles with words that are neither missing nor failed, by name. From the arena. */
int kn_store_staged(struct kn_library *lib, struct kn_arena *arena, struct kn_staged **out,
                    size_t *n, struct kn_err *err);

/* The scorer that gives this library's opinions; "" until one was set. Works when opened for reading. */
int kn_store_scorer(struct kn_library *lib, char name[32], struct kn_err *err);
/* How many titles are ready, and how many of them no scorer had an opinion on. */
int kn_store_count_opinions(struct kn_library *lib, size_t *ready, size_t *without,
                            struct kn_err *err);
int kn_store_set_scorer(struct kn_library *lib, const char *name, struct kn_err *err);

#endif
