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
 * transaction. KN_ENOTFOUND: no such title. Another backend has no store: what probed, facts, given, scorer and count_opinions would
 * tell of its titles is unknown, which is "", 0 and not found. */
#ifndef KN_LIBRARY_STORE_H
#define KN_LIBRARY_STORE_H

#include "base/hash.h"
#include "library/library.h"

struct kn_buf;
struct kn_cancel;

enum kn_stage {
    KN_STAGE_PROBE,   /* container, duration, streams */
    KN_STAGE_WORDS,   /* segments and language */
    KN_STAGE_VECTORS, /* moments, embedded; the title's vector */
    KN_STAGE_OPINION, /* polarity of moments and title */
    KN_STAGES
};

const char *kn_stage_name(enum kn_stage s); /* "probe", "words"... */

struct kn_facts {       /* what names and files beside a film tell of it; "" and 0 unknown */
    const char *called; /* its title in an .nfo file: another name to find it by */
    const char *genres, *plot;
    const char *kind;   /* "trailer", "extra"; "" a film */
    const char *ids;    /* as kn_film_ids_text has them */
    const char *poster; /* a path, escaped */
    int year;
    struct kn_hash key; /* of all of them and the name: equal keys, equal facts */
};

struct kn_seen {      /* a file as the scan sees it */
    const char *path; /* absolute, escaped (kn_escape_path) */
    uint64_t size;
    int64_t mtime_ns;
    const struct kn_facts *facts; /* NULL: not looked for, what is known stays */
};

/* Is this path known with this size and time, and with these facts? Then *identity and *id are what they were, and the
 * content need not be hashed again. */
int kn_store_known(struct kn_library *lib, const struct kn_seen *seen, bool *known,
                   struct kn_hash *identity, struct kn_id *id, struct kn_err *err);

/* Records that this path holds this content now. A new content makes a pending title named name;
 * a known one under a new path (moved, copied) keeps everything; a missing title is brought back
 * to the state it had. *id is its title. What the path held before is missing, or forgotten if it failed or is pending without
 * words. Where the facts have an id that another film has, the two are joined. */
int kn_store_see(struct kn_library *lib, const struct kn_seen *seen, const struct kn_hash *identity,
                 const char *name, int year, struct kn_id *id, struct kn_err *err);

/* This path is still there, whatever it holds now: the end of the scan leaves it alone. *known: it is in the library. */
int kn_store_keep(struct kn_library *lib, const char *path, bool *known, struct kn_err *err);

/* Why a title is pending; forgotten with its next stage. */
int kn_store_pending(struct kn_library *lib, const struct kn_id *id, const char *reason,
                     struct kn_err *err);

/* Where an identity is not made of all bytes (kn_hash_is_whole), a hash of them all decides whether a file of which only the
 * time has changed is the same. *check: such a hash is known, and no path of this content had this time. */
int kn_store_whole(struct kn_library *lib, const struct kn_hash *identity, int64_t mtime_ns,
                   bool *check, struct kn_hash *whole, struct kn_err *err);
/* changed: it is another one than before, so all stages of the file's title are forgotten. */
int kn_store_set_whole(struct kn_library *lib, const struct kn_hash *identity,
                       const struct kn_hash *whole, bool changed, struct kn_err *err);

/* Paths under root (absolute, escaped) that are not among those marked by kn_store_known and kn_store_see
 * since kn_store_scan_begin are gone: forgotten, and titles without any path become missing,
 * with their reason. *n_missing counts those titles. Only for roots that were scanned to the end. */
int kn_store_scan_begin(struct kn_library *lib, struct kn_err *err);
int kn_store_scan_end(struct kn_library *lib, const char *root, size_t *n_missing,
                      struct kn_err *err);

/* What a plan asks of a title, in one go. This one and the next also work when opened for reading. */
struct kn_standing {
    enum kn_state state;
    const char *reason;
    const char *set_language; /* by somebody; "" not */
    double duration;
    const char *const *paths; /* escaped; its own, not those of what is joined in it */
    size_t n_paths;
    bool done[KN_STAGES]; /* finished, or failed */
    struct kn_hash keys[KN_STAGES];
    bool joined; /* another title answers for it */
};
int kn_store_standing(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                      struct kn_standing *out, struct kn_err *err);

/* *found and the key of a stage that is finished or failed (then the title's state is failed).
 * A title that is not there has no stages. */
int kn_store_stage(struct kn_library *lib, const struct kn_id *id, enum kn_stage stage, bool *found,
                   struct kn_hash *key, struct kn_err *err);

/* Forgets a title's stages from this one on, so that the next ingest redoes them. */
int kn_store_redo(struct kn_library *lib, const struct kn_id *id, enum kn_stage from,
                  struct kn_err *err);

struct kn_probed {
    double duration;
    const char *container;
    const char *streams_json; /* as ingest/tracks.h writes it */
    const char *words_at;     /* out, as kn_words; ignored by kn_store_commit_probe */
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
    const char *
        words_at; /* where in it: a sidecar's file name (escaped), a track's number; NULL or "": nowhere */
    double language_confidence;
    double duration; /* of the sound; replaces the probe's when that was unknown */
};
int kn_store_commit_words(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                          const struct kn_words *words, struct kn_err *err);

/* What was heard of a title before the run was stopped, opaque, with the key that its words would have had. Committed words take it away;
 * out gets nothing where there is none with this key. */
int kn_store_keep_heard(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                        const void *bytes, size_t n, struct kn_err *err);
int kn_store_heard(struct kn_library *lib, const struct kn_id *id, const struct kn_hash *key,
                   struct kn_buf *out, struct kn_err *err);

/* Sets a title's language, whatever was or will be found: a tag of at most 15 letters; "" lifts that, and what was
 * found last is its language again. The words stay; opinions are forgotten, for a scorer may ask for the
 * language. KN_EARG. */
int kn_store_set_language(struct kn_library *lib, const struct kn_id *id, const char *language,
                          struct kn_err *err);

/* moments with raw and vector; title_vector of the library's dim. title_raw: where the title was embedded as a whole, else
 * NULL. opinions are ignored. */
int kn_store_commit_vectors(struct kn_library *lib, const struct kn_id *id,
                            const struct kn_hash *key, const struct kn_moment *moments,
                            size_t n_moments, const float *title_vector, const float *title_raw,
                            struct kn_err *err);

int kn_store_commit_opinion(struct kn_library *lib, const struct kn_id *id,
                            const struct kn_hash *key, const char *scorer, int scorer_version,
                            const double *moments, size_t n_moments, double title,
                            struct kn_err *err);

/* The title cannot go on: state failed with its reason; key marks the stage as tried, so that
 * the same file with the same settings is not tried again until kn_store_redo. */
int kn_store_commit_failure(struct kn_library *lib, const struct kn_id *id, enum kn_stage stage,
                            const struct kn_hash *key, const char *reason, struct kn_err *err);

/* ---- subtitle files that Kinora wrote itself ---- */

/* Remembers such a file by what is in it, and tells whether it is one. Edited by somebody it is none any more. The
 * latter also when opened for reading. */
int kn_store_exported(struct kn_library *lib, const void *bytes, size_t n, struct kn_err *err);
int kn_store_is_exported(struct kn_library *lib, const void *bytes, size_t n, bool *is,
                         struct kn_err *err);

/* ---- titles without files ---- */

struct
    kn_given { /* a row as it was given, down to its spaces: an export gives it back, GPT-2 reads them */
    const char *file; /* base name of the video; "" where the row names none */
    const char *text; /* the transcript, or why there is none */
};

struct kn_imported {
    struct kn_hash identity, key; /* key: of its words stage */
    const char *name, *genres;
    struct kn_given given;
    int year;
    struct kn_words words;
    const char *failed;  /* not NULL: it has no words, for this reason */
    bool added, changed; /* out: it is new here; its words were set */
};

/* Sets the words of titles that have no file, all or none in one transaction. One whose words have that key
 * already is left as it is. */
int kn_store_import(struct kn_library *lib, struct kn_imported *titles, size_t n,
                    struct kn_err *err);

/* What a title was given as. *found false: it was not imported, or by a Kinora that did not keep it. From the arena; also
 * when opened for reading. */
int kn_store_given(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                   bool *found, struct kn_given *out, struct kn_err *err);

/* ---- versions of one film ----
 *
 * A title may be joined in another, which then answers for both: has its paths, is missing only when both are, and is what
 * lists, finds and answers give. Nothing of the joined one is lost, so that a split brings it back. Joined are titles with an id in
 * common (kn_store_see), and whom kn_store_join joins; what was split is not joined again but by hand. */

/* What the title and what is joined in it tells. */
int kn_store_facts(struct kn_library *lib, const struct kn_id *id, struct kn_arena *arena,
                   struct kn_facts *out, struct kn_err *err);

/* Either stands for the title that answers for it. Not by hand: what was split stays so. */
int kn_store_join(struct kn_library *lib, const struct kn_id *lead, const struct kn_id *other,
                  bool by_hand, struct kn_err *err);

/* Takes out all that is joined in it. *n: how many, 0: nothing was. */
int kn_store_split(struct kn_library *lib, const struct kn_id *id, size_t *n, struct kn_err *err);

/* Lets a joined title answer where the one that does so is of no use, being failed or silent, or unfinished and gone, and this
 * one may be of more. *leads: it answers now. */
int kn_store_promote(struct kn_library *lib, const struct kn_id *id, bool *leads,
                     struct kn_err *err);

/* Which title answers for this path (escaped), and whether it was split from others. */
int kn_store_at(struct kn_library *lib, const char *path, bool *found, struct kn_id *id,
                bool *apart, struct kn_err *err);

/* ---- how long it will take ---- */

struct kn_pace {           /* NaN: nothing is known yet */
    double sound_per_byte; /* seconds, of the films that are here */
    double
        speed; /* seconds of sound heard in one second, on this machine and with these settings */
};
/* machine: any text that is the same where the pace is. */
int kn_store_pace(struct kn_library *lib, const char *machine, struct kn_pace *out,
                  struct kn_err *err);
/* A run heard so much in so long. What was before counts for half an hour at most, so that the last runs count most. */
int kn_store_add_pace(struct kn_library *lib, const char *machine, double sound, double elapsed,
                      struct kn_err *err);

/* ---- what other libraries have of this one ----
 *
 * A target is where titles are published to or pulled from: any text that names it, with all that would make what lies there another.
 * For each is kept which change of a title it has, so that only what is new is sent, and what was sent and forgotten here is removed
 * there. Unlike the rest, these calls also work while another process ingests, opened for reading or not, but for the last two. */

struct kn_outgoing {
    struct kn_id id;
    int64_t change; /* its record is at least so new */
    bool gone;      /* not for the target: forgotten, missing, or another title answers for it */
};

/* What the target has not, or not as it is here: titles that are ready, silent or failed, those that changed first before others; or
 * that were published there and should not be. all: every title, whether the target has it or not. *same: how many it has. From the arena. */
int kn_store_outgoing(struct kn_library *lib, const char *target, bool all, struct kn_arena *arena,
                      struct kn_outgoing **out, size_t *n, size_t *same, struct kn_err *err);

/* From now on the target has these titles as of that change or, where gone is set, has them not. */
int kn_store_note(struct kn_library *lib, const char *target, const struct kn_outgoing *titles,
                  size_t n, struct kn_err *err);

/* The ready titles that the target has as they are here, by id. From the arena. */
int kn_store_shared(struct kn_library *lib, const char *target, struct kn_arena *arena,
                    struct kn_outgoing **out, size_t *n, struct kn_err *err);

/* By what this library is known to those that it shares titles with; copies of it have the same. */
int kn_store_identity(struct kn_library *lib, struct kn_id *out, struct kn_err *err);

struct kn_incoming { /* a title of the target's, and a hash of how it looks there */
    struct kn_id id;
    struct kn_hash stamp;
    bool wanted; /* out: it is not here, or was pulled before and looked otherwise then */
    bool own;    /* out: it is here by its own, or was changed here: it stays as it is */
};
int kn_store_wanted(struct kn_library *lib, const char *target, struct kn_incoming *titles,
                    size_t n, struct kn_err *err);

/* Puts the record of titles[i] at records[i], all or none. Needs write. */
int kn_store_take(struct kn_library *lib, const char *target, const struct kn_incoming *titles,
                  const struct kn_record *records, size_t n, struct kn_err *err);

/* Forgets what was pulled from the target and is not among seen, ascending by id; what was changed here stays. Needs write. */
int kn_store_drop_pulled(struct kn_library *lib, const char *target, const struct kn_id *seen,
                         size_t n, size_t *dropped, struct kn_err *err);

/* ---- posters ----
 *
 * A stage of its own, which no other reads: its key is a hash of the probe's. Forgotten with the probe. */

struct kn_filmed { /* a title with a file that was opened, and no picture beside it */
    struct kn_id id;
    const char *name;
    const char *path;             /* escaped: its own first, in order of bytes */
    struct kn_hash probe, poster; /* keys; the second zeros where the stage is not done */
};

/* All of them, but for those that failed, by name. From the arena. */
int kn_store_filmed(struct kn_library *lib, struct kn_arena *arena, struct kn_filmed **out,
                    size_t *n, struct kn_err *err);

/* n bytes; 0: none can be had, reason says why. */
int kn_store_commit_poster(struct kn_library *lib, const struct kn_id *id,
                           const struct kn_hash *key, const void *jpeg, size_t n,
                           const char *reason, struct kn_err *err);

/* Appends the title's, else that of a title joined in it. Nothing appended: there is none, and why says why, "" that none was
 * looked for yet. Also when opened for reading. */
int kn_store_poster(struct kn_library *lib, const struct kn_id *id, struct kn_buf *jpeg,
                    char why[256], struct kn_err *err);

/* ---- health ---- */

struct kn_check {
    const char *name; /* "vectors" */
    const char *what; /* what cannot be: "a ready title without a vector" */
    uint64_t found;   /* how many; 0: all is well */
    bool mended; /* by repair; what cannot be made from the rest is redone by the next ingest */
};

/* All that kn_library_check looks at, and whether it was found. repair, only with write: mends what can be, all or nothing. From the
 * arena. KN_ECORRUPT: so damaged that it cannot even be looked at. */
int kn_store_check(struct kn_library *lib, bool repair, struct kn_arena *arena,
                   struct kn_check **out, size_t *n, struct kn_err *err);

/* The library as it is at one moment into a file, while others read and one writes: a whole library.db. It comes into being
 * at once, or not at all. KN_EARG: the file is there and replace is not set; KN_EIO; KN_ECANCELLED. */
int kn_store_backup(struct kn_library *lib, const char *path, bool replace,
                    const struct kn_cancel *cancel, struct kn_err *err);

/* ---- index/ ---- */

/* Makes the files of index/ anew where what changed since has become too much for a tail: 1,000 titles or 2 in 100. Anybody who reads
 * does so too where it is four times as much, and the folder can be written; who writes much calls this at its end. always:
 * whatever changed. KN_ECANCELLED leaves the old ones. */
int kn_store_write_index(struct kn_library *lib, bool always, const struct kn_cancel *cancel,
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
