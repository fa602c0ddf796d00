/* kinora.h - the public C API: a folder of videos in, the films that belong together out.
 *
 *     struct kinora *k;
 *     struct kinora_answer *a;
 *     struct kn_err err;
 *
 *     if (kinora_open(&(struct kinora_options){.library = "films.kinora"}, &k, &err))
 *         ... err.msg says what and why ...
 *     kinora_recommend(k, &id, &(struct kinora_query){.limit = 3}, &a, &err);
 *     for (size_t i = 0; i < a->n; i++)
 *         puts(a->recommendations[i].title.name);
 *     kinora_answer_free(a);
 *     kinora_close(k);
 *
 * examples/recommend.c is this as a whole program. Link with -lkinora.
 *
 * Ownership: open gives, close takes; every result is a struct of its own with a _free (NULL is
 * fine) that takes all that it points at. Options structs are borrowed for the call; zero-initialised
 * fields mean the default. Threads: any call from any thread; a kinora_ingest writes while others read, one at a time
 * (a second one on the same handle is KN_EARG).
 * Errors: kinora/err.h. Models are loaded by the first call that needs one: ingest, and search. */
#ifndef KINORA_H
#define KINORA_H

#include <kinora/err.h>
#include <kinora/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KINORA_VERSION "0.1.0"

struct kn_arena; /* opaque; what results keep their memory in */
struct kinora;   /* opaque: an open library and its settings */

struct kinora_options {
    const char *library; /* folder; NULL or "": kinora under the XDG data folder */
    const char *models;  /* folder of the model files; NULL or "": see `kinora models path` */
    const char *speech_model,
        *embedding_model; /* names in the manifest; NULL or "": the defaults */
    bool
        write; /* for kinora_ingest: makes the library where there is none, takes the writer's lock */
    double wait; /* seconds to wait for another writer before failing */
};

/* KN_ENOTFOUND: no library there (and write not set). */
int kinora_open(const struct kinora_options *options, struct kinora **out, struct kn_err *err);
void kinora_close(struct kinora *k); /* NULL is fine */
const char *kinora_library_path(const struct kinora *k);

/* ---- finding a title ---- */

struct kinora_titles {
    struct kn_title *titles; /* in order of name, then id; or best match first */
    size_t n;
    struct kn_arena *arena;
};
void kinora_titles_free(struct kinora_titles *t);

/* All titles, in any state, or in one (state: "ready"...; NULL or "": all). */
int kinora_list(struct kinora *k, const char *state, struct kinora_titles **out,
                struct kn_err *err);

/* The titles that name may mean: a whole name or id, else a unique part in any case. One: KN_OK,
 * *out has it first. Several: KN_EARG, *out lists them, at most 20. None: KN_ENOTFOUND "Movie 'X' not found in the dataset.",
 * *out has the closest names. (*out is given in all three cases: free it.) */
int kinora_find(struct kinora *k, const char *name, struct kinora_titles **out, struct kn_err *err);

const char *kinora_state_name(enum kn_state s); /* "ready" ... */
void kinora_id_text(const struct kn_id *id, char out[KN_ID_TEXT]);

/* ---- recommending ---- */

enum kinora_rank { KINORA_RANK_MOOD, KINORA_RANK_UPLIFT };

struct kinora_query {
    size_t limit;                   /* 0: 3 */
    const char *language;           /* NULL or "": "same"; "any"; or a list: "es,en" */
    double w_similarity, w_opinion; /* both 0: 0.7 and 0.3 */
    enum kinora_rank rank;
};

struct kinora_evidence {
    double start, end; /* seconds */
    const char *text;
};

struct kinora_recommendation {
    size_t rank; /* from 1 */
    struct kn_title title;
    double score, similarity, opinion;   /* opinion NaN: not scored */
    bool weak;                           /* no more alike than two unrelated titles are */
    struct kinora_evidence query, match; /* the two moments that are most alike */
};

struct kinora_answer {
    struct kn_title title; /* the query's */
    struct kinora_recommendation *recommendations;
    size_t n;
    struct kn_arena *arena;
};

/* id: of a ready title (kinora_find). KN_EARG when it is not ready: the message says why. */
int kinora_recommend(struct kinora *k, const struct kn_id *id, const struct kinora_query *query,
                     struct kinora_answer **out, struct kn_err *err);
void kinora_answer_free(struct kinora_answer *a);

/* ---- looking and searching ---- */

struct kinora_track {     /* a stream of the film's file */
    const char *kind;     /* "video", "audio", "subtitle", "other" */
    const char *codec;    /* FFmpeg's name: "aac" */
    const char *language; /* as the file tags it: "eng"; "" when not */
    const char *title;    /* "" when none */
    const char *form; /* of a subtitle track: "text", "pictures" (PGS, VobSub, DVB); "" otherwise */
    unsigned channels; /* of sound; 0 otherwise */
    bool is_default, forced, commentary;
    bool impaired; /* for those who do not hear, or do not see */
    bool heard;    /* the one that speech is, or would be, taken from */
    bool read;     /* the one that the words are from */
};

struct kinora_details {
    struct kn_record record; /* with segments and moments */
    const char *container;   /* FFmpeg's name; "" for a text without a film */
    const char *words_at;    /* of sidecars the file's name, of text tracks the number; "" */
    const struct kinora_track *tracks;
    size_t n_tracks;
    const char *transcript; /* all segments' texts, joined by spaces */
    struct kn_arena *arena;
};
int kinora_show(struct kinora *k, const struct kn_id *id, struct kinora_details **out,
                struct kn_err *err);
void kinora_details_free(struct kinora_details *d);

struct kinora_found { /* one moment */
    size_t rank;
    struct kn_title title;
    double similarity, start, end, opinion;
    double at; /* seconds: the line in it that has most of the words asked for, else start */
    const char *text;
};
struct kinora_found_list {
    struct kinora_found *found;
    size_t n;
    struct kn_arena *arena;
};
/* Moments by meaning, best first. language: NULL or "": "any"; or a list. limit 0: 10. */
int kinora_search(struct kinora *k, const char *text, size_t limit, const char *language,
                  struct kinora_found_list **out, struct kn_err *err);
void kinora_found_free(struct kinora_found_list *f);

/* ---- ingest ---- */

struct kinora_ingest_options {
    const char *const *roots; /* folders or files */
    size_t n_roots;
    int jobs, threads, beam;   /* 0: default */
    const char *language_hint; /* NULL or "": detect */
    const char *
        scorer; /* "probe", "lexicon": gives this library's opinions from now on; NULL or "": as it is */
    const char
        *subtitle_language; /* which subtitles first, "es,en"; NULL or "": in the film's language */
    bool retry_failed;
    const struct kn_id *again; /* redo this title; NULL */
};

enum kinora_event_kind {
    KINORA_SCANNED,
    KINORA_STAGE,
    KINORA_HEARD,
    KINORA_FINISHED,
    KINORA_UNCHANGED,
};

struct kinora_event {
    enum kinora_event_kind kind;
    const char *name, *path, *stage, *reason; /* "" where it does not apply */
    struct kn_id id;
    enum kn_state state;
    double seconds, duration; /* of this title */
    size_t done, total;       /* files */
    double heard, elapsed;    /* seconds of sound heard; seconds since the run began */
    double left;              /* estimated seconds to the end; NaN while unknown */
};

struct kinora_summary {
    size_t files, added, unchanged, ready, silent, failed, missing, skipped;
    size_t still_failed;   /* of the unchanged: those that failed in an earlier run */
    double sound, elapsed; /* seconds */
};

/* event (may be NULL) is called from worker threads, one call at a time. Returns KN_OK when failures are the
 * files' own; KN_ECANCELLED after kinora_cancel. *out is filled in both cases. */
int kinora_ingest(struct kinora *k, const struct kinora_ingest_options *options,
                  void (*event)(void *ctx, const struct kinora_event *e), void *ctx,
                  struct kinora_summary *out, struct kn_err *err);

/* Texts instead of films, from a file NAME.csv with the columns "Video File" and "Transcript" (RFC 4180; a
 * transcript that begins with "Error" makes a failed title of that reason), or NAME.jsonl of objects with
 * "title", "text" and, where known, "language", "year", "genres". They become titles without files, which are
 * compared, searched and scored as others are; their segments and moments have no times (kn_is_timed).
 *
 * A file is taken whole or, with the line of what is wrong, refused whole (KN_EARG, KN_ECORRUPT, KN_ELIMIT). Ids come
 * from name and text, so importing a file again changes nothing, and goes on where a cancel stopped it. Of options,
 * jobs, language_hint (for texts that tell none) and scorer count. A row counts as a file in events and summary. */
int kinora_import(struct kinora *k, const char *file, const struct kinora_ingest_options *options,
                  void (*event)(void *ctx, const struct kinora_event *e), void *ctx,
                  struct kinora_summary *out, struct kn_err *err);

/* Ends long calls on k soon; safe in a signal handler and from any thread. It stays cancelled. */
void kinora_cancel(struct kinora *k);

/* ---- export ---- */

struct kinora_export_options {
    const char *dir; /* made where it is not there */
    bool force;      /* write over what an export left there before */
};

struct kinora_exported {
    size_t rows;     /* of transcripts.csv */
    size_t vectors;  /* of vectors.npy, and entries of payload.json */
    size_t left_out; /* titles that are pending or missing */
};

/* The library as the notebook kept its results, titles in the order of kinora_list:
 *   transcripts.csv  "Video File","Transcript" of all that are ready, silent ("") or failed ("Error: why")
 *   vectors.npy      N x dim float32, a row a ready title
 *   payload.json     an array of N objects: Transcript, Movie_Name, embeddings (the row), Sentiment (TextBlob's polarity of
 *                    the transcript, whatever scorer the library has), Opinion_Score (0.7 * v[i] + 0.3 * Sentiment)
 * A vector is as the model gave it, neither centred nor of unit length: the mean of the title's moments weighted by
 * their words. A title without a file has its name with .mp4 for a video file. KN_EARG: one of the three files is
 * there and force is not set; KN_ENOTFOUND: the lexicon is not among the models. */
int kinora_export(struct kinora *k, const struct kinora_export_options *options,
                  struct kinora_exported *out, struct kn_err *err);

struct kinora_subtitles_options {
    const char *format; /* "srt", "vtt" */
    const char *into;   /* folder, made where it is not there; NULL or "": beside the film */
    bool force;         /* write over a file that is there */
};

struct kinora_subtitles {
    const char *path; /* of the file that was written, escaped as in types.h */
    struct kn_arena *arena;
};

/* A title's words as a subtitle file that any player shows: Film.en.srt, in its language where that is known. k is
 * open for writing: the library remembers what it wrote, so that the next ingest does not read it back as somebody's
 * subtitles, until somebody edits it. KN_ENOTFOUND: it has no words, or an import's, which have no times. KN_EARG: the file is
 * there and force is not set, or is the one that the words are from; the film is gone and into is not given. */
int kinora_export_subtitles(struct kinora *k, const struct kn_id *id,
                            const struct kinora_subtitles_options *options,
                            struct kinora_subtitles **out, struct kn_err *err);
void kinora_subtitles_free(struct kinora_subtitles *s);

/* ---- models ---- */

struct kinora_model {
    const char *name, *file, *purpose, *licence;
    uint64_t bytes;
    const char *sha256;
    bool is_default, present;
    const char *path; /* where it is, or would be */
    const char *const *sources;
    size_t n_sources;
};
struct kinora_models {
    struct kinora_model *models;
    size_t n;
    const char *dir;
    struct kn_arena *arena;
};
/* dir: NULL or "": as kinora_options.models. These need no library. */
int kinora_models_list(const char *dir, struct kinora_models **out, struct kn_err *err);
void kinora_models_free(struct kinora_models *m);
int kinora_models_verify(const char *dir, const char *name, struct kn_err *err);
/* cancelled (may be NULL) is asked now and then. source: NULL, or an address instead of the manifest's. */
int kinora_models_pull(const char *dir, const char *name, const char *source,
                       bool (*cancelled)(void *ctx),
                       void (*done)(void *ctx, uint64_t bytes, uint64_t total), void *ctx,
                       struct kn_err *err);

/* ---- doctor ---- */

enum kinora_health { KINORA_GOOD, KINORA_WARNING, KINORA_BAD };

struct kinora_finding {
    enum kinora_health health;
    const char *name; /* "cpu", "decoder", "model whisper-base", "library" */
    const char *text; /* what was found, and what to do when it is not good */
};
struct kinora_report {
    struct kinora_finding *findings;
    size_t n;
    enum kinora_health worst;
    struct kn_arena *arena;
};
/* Never fails over a missing library or model: that is a finding. */
int kinora_doctor(const struct kinora_options *options, struct kinora_report **out,
                  struct kn_err *err);
void kinora_report_free(struct kinora_report *r);

#ifdef __cplusplus
}
#endif

#endif
