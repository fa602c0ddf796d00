/* library.h - the port: everything that answers need from a library, whatever keeps it.
 *
 * Backends: local (SQLite and our index in a folder), memory (the same with nothing on disk; ground truth), and
 * qdrant (a cluster that many machines read, qdrant.h). Each is a const table of operations behind the functions below, and one contract
 * suite (tests/contract) runs over all of them. What ingest writes into a local library goes
 * through store.h.
 *
 * Titles are identified by kn_id. Filters are data, not callbacks, so that they travel to a
 * remote engine. similar, moments and shared_words look at ready titles only; the first two give min(k, matches) hits. All are
 * best first, ties by id and then by moment, so that answers are repeatable.
 *
 * Every library holds vectors of one embedding model, kn_library_model, and so all have its dim
 * numbers. Those of another are kept, but not given and not compared.
 *
 * A path lies in one title: putting or seeing it with another takes it away from the first, and a
 * title whose last path was taken is missing, with the reason, until it has one again.
 *
 * Threads: any call from any thread; none waits for a writer. Readers see whole titles, never half
 * of one. Ownership: results are copied into the caller's arena. Errors: KN_EIO (a full disk, a
 * folder that cannot be written, another writer), KN_ECORRUPT (names the file and the remedy),
 * KN_ELIMIT (the arena or memory is full), KN_ENET and KN_ETIMEOUT from the remote one; KN_ENOTFOUND
 * only where said. Writing to a library opened for reading is KN_EARG. */
#ifndef KN_LIBRARY_H
#define KN_LIBRARY_H

#include "text/wording.h"

#include <kinora/types.h>

struct kn_arena;
struct kn_cancel;
struct kn_err;
struct kn_library; /* opaque */

struct kn_filter { /* zero-initialised: everything */
    /* BCP-47, in any case; RFC 4647 basic filtering: "es" also matches "es-MX", "es-MX" only
     * itself. "" matches titles of unknown language. */
    const char *const *languages;
    size_t n_languages; /* 0: all */
    bool or_unknown;    /* with languages: titles of unknown language pass too */
    /* Inclusive; 0: open. With a bound set, a title whose year or duration is unknown fails. */
    int year_from, year_to;
    double duration_from, duration_to; /* seconds */
    /* Has one of these among its genres ("Drama, Western"), in any case of ASCII letters. */
    const char *const *genres;
    size_t n_genres; /* 0: all */
    const struct kn_id *exclude;
    size_t n_exclude;
};

/* Would similar look at this title, if it is ready? */
bool kn_filter_passes(const struct kn_filter *f, const struct kn_title *t);

struct kn_hit {
    struct kn_id id;
    double similarity; /* cosine, -1..1; NaN from shared_words, which is asked without a vector */
    double words;      /* rare words shared, 0..1 (index/sparse.h); NaN from similar */
    double opinion;    /* NaN: not scored */
    char language[16];
};

struct kn_moment_hit {
    struct kn_id id;
    uint32_t moment; /* its number within the title, from 0 */
    double similarity;
};

enum kn_find { KN_FIND_EXACT, KN_FIND_PART, KN_FIND_CLOSE };

/* What to give with a record. The title itself always comes. */
enum {
    KN_WITH_VECTOR = 1u << 0, /* and raw where it is kept */
    KN_WITH_SEGMENTS = 1u << 1,
    KN_WITH_MOMENTS = 1u << 2,        /* times, texts, opinions */
    KN_WITH_MOMENT_VECTORS = 1u << 3, /* and vector, and raw where it is kept */
    KN_WITHOUT_RAW = 1u << 4,         /* but no raw with either */
};

struct kn_library_stats {
    uint64_t titles, by_state[5]; /* indexed by enum kn_state */
    uint64_t segments, moments;
    double duration;  /* seconds over all titles */
    uint64_t changes; /* grows with every change: a cheap "anything new?" */
};

struct kn_library_options {
    bool write;  /* take the writer's lock (a cluster has none); without it only reading works */
    bool create; /* with write: make the folder and tables where there are none */
    double wait; /* seconds to wait for another writer; then KN_EIO says who holds it */
    double
        recall; /* how many of the ten most alike a search in a large library finds, on average; 0: 0.99. 1: it compares
                    * with every title */
    const struct kn_qdrant_options *qdrant; /* NULL: the defaults */
    const struct kn_cancel
        *cancel; /* of a cluster's requests, for as long as it is open; may be NULL */
};

/* The library at an address: a folder, or qdrant+http://HOST:PORT/NAME (or qdrant+https). options may be NULL: only to
 * read. Fails as the two below. */
int kn_library_open(const char *address, const struct kn_library_options *options,
                    struct kn_library **out, struct kn_err *err);
bool kn_library_is_remote(const char *address); /* does it name a cluster? */

/* The local library in the folder dir. options may be NULL: only to read. KN_ENOTFOUND: none there and
 * create not set. KN_EARG: not a folder; create without write; made by a newer Kinora (schema) or by
 * another program, then nothing is touched. A folder that cannot be written can still be read. */
int kn_library_open_local(const char *dir, const struct kn_library_options *options,
                          struct kn_library **out, struct kn_err *err);
int kn_library_open_memory(struct kn_library **out, struct kn_err *err);
void kn_library_close(struct kn_library *lib); /* NULL is fine */

/* The embedding model of this library: name "" and dim 0 until the first set_model. Setting another (a
 * name of 1 to 63 bytes, dim 1 to 4096) removes nothing: titles with vectors of the old one are
 * pending for as long as it is not set again. */
int kn_library_model(struct kn_library *lib, char name[64], size_t *dim, struct kn_err *err);
int kn_library_set_model(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err);

/* Adds or replaces whole titles by id, all or none; of one id twice the last counts. Idempotent.
 * Texts and vectors are copied; NULL texts become ""; paths come back in order of their bytes.
 * KN_EARG, naming the title: a ready title without a vector, vectors before set_model, a vector that is
 * not of unit length, a number that is not finite (opinions may be NaN), a segment without text, a
 * language tag of more than 15 letters. */
int kn_library_put(struct kn_library *lib, const struct kn_record *records, size_t n,
                   struct kn_err *err);

/* KN_ENOTFOUND when there is no such title. parts: KN_WITH_*; what was not asked for is empty. */
int kn_library_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
                   struct kn_arena *arena, struct kn_record *out, struct kn_err *err);

/* Many at once, all as they are at one change; out has room for n. KN_ENOTFOUND when one of them is not there. */
int kn_library_get_many(struct kn_library *lib, const struct kn_id *ids, size_t n, unsigned parts,
                        struct kn_arena *arena, struct kn_record *out, struct kn_err *err);

/* Titles in any state by a user's text, best first, at most limit:
 * EXACT  the name as it is, or the whole id;
 * PART   a part of the folded name (kn_fold), or an id's first 6 or more characters;
 * CLOSE  names with the least edit distance to it, for "did you mean".
 * A copy's file name counts as a name of its title; a title comes once, as its best name ranks it.
 * None is KN_OK with *n = 0. */
int kn_library_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
                    struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);

/* All titles in order of (folded name, id), from after (NULL: the start), at most limit.
 * KN_ENOTFOUND: after is not there any more. */
int kn_library_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                      struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);

/* ---- pages of a list, for people ---- */

enum kn_sort { KN_SORT_NAME, KN_SORT_ADDED, KN_SORT_DURATION, KN_SORT_OPINION, KN_SORT_YEAR };

/* Where a title stands in an order, whatever becomes of it: by the value (names: 0), then folded name, then id. */
struct kn_place {
    double value;
    const char *folded; /* NULL: as the title with that id has it */
    struct kn_id id;
};

struct kn_page_query {
    const struct kn_filter *filter; /* NULL: everything; of titles in any state */
    int state;                      /* enum kn_state; -1: all */
    const char *part;               /* of the folded name; NULL or "": any */
    enum kn_sort sort;
    bool descending;              /* a value that is not known comes last all the same */
    const struct kn_place *after; /* NULL: from the start */
    size_t limit;                 /* at least 1 */
};

struct kn_page {
    struct kn_title *titles;
    size_t n;
    uint64_t total;       /* that the filters pass, on all pages */
    bool more;            /* there is a page behind it, and this is where it begins: */
    struct kn_place last; /* the place of its last title */
};

/* Those behind a place, in order: a title that keeps its value and name comes on one page, whatever is added or
 * removed between two calls. ADDED is the order in which titles came into a local library, else that of ids. */
int kn_library_page(struct kn_library *lib, const struct kn_page_query *query,
                    struct kn_arena *arena, struct kn_page *out, struct kn_err *err);

struct kn_facet {
    const char *value; /* "" unknown */
    uint64_t titles;
};

/* What there is to filter by, over titles in any state; the most frequent first. */
struct kn_facets {
    struct kn_facet *languages, *genres;
    size_t n_languages, n_genres;
    int year_from, year_to; /* 0: no year is known */
};
int kn_library_facets(struct kn_library *lib, struct kn_arena *arena, struct kn_facets *out,
                      struct kn_err *err);

int kn_library_remove(struct kn_library *lib, const struct kn_id *ids, size_t n,
                      struct kn_err *err); /* unknown ids are fine */

/* hits has room for k; *n says how many came. filter may be NULL. vector: dim numbers, unit length;
 * KN_EARG when dim is not the library's. Before set_model nothing is alike: KN_OK, none. */
int kn_library_similar(struct kn_library *lib, const float *vector, size_t dim,
                       const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                       struct kn_err *err);
int kn_library_moments(struct kn_library *lib, const float *vector, size_t dim,
                       const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits,
                       size_t *n, struct kn_err *err);

/* Titles that say the same rare words, best first (index/sparse.h); only those that share one at all, so there may be fewer
 * than k where more match the filter. Their similarity is NaN: ask kn_library_similarities. */
int kn_library_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                            const struct kn_filter *filter, size_t k, struct kn_hit *hits,
                            size_t *n, struct kn_err *err);

/* The cosines of vector with these titles, out[i] for ids[i]; NaN for one that is not ready. As in similar to the last bit. */
int kn_library_similarities(struct kn_library *lib, const float *vector, size_t dim,
                            const struct kn_id *ids, size_t n, double *out, struct kn_err *err);

/* Moments of ready titles in which these words are said: first those with all of them in one segment, then those with the
 * rarer ones among them, best first by BM25. The last word may be unfinished. Words are what white space parts; case and
 * accents do not count. Similarities are NaN. KN_EARG: not from this backend, as kn_library_hears tells before. */
int kn_library_said(struct kn_library *lib, const char *text, const struct kn_filter *filter,
                    size_t k, struct kn_moment_hit *hits, size_t *n, struct kn_err *err);
bool kn_library_hears(const struct kn_library *lib);

/* What a title's words come to; of one without words, all zeros. KN_ENOTFOUND: no such title. */
int kn_library_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                       struct kn_err *err);

/* Those among many that may say the same as another of them. Of one that is not there, and of one that surely says what none of
 * them does, all zeros: what such a title says need not be read at all (kn_marks_alike). */
int kn_library_alike(struct kn_library *lib, const struct kn_id *ids, size_t n,
                     struct kn_wording *out, struct kn_err *err);

int kn_library_get_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err);

/* What whoever uses it should be told, once each: that files in index/ were damaged and made again, or cannot be kept. False:
 * nothing. */
bool kn_library_notice(struct kn_library *lib, char out[256]);

int kn_library_changes(struct kn_library *lib, uint64_t *out, struct kn_err *err); /* stats' */

/* Is it sound? Runs what the backend can check (SQLite's integrity_check, counts against each other).
 * KN_ECORRUPT with the first finding. */
int kn_library_check(struct kn_library *lib, struct kn_err *err);

#endif
