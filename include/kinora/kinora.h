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
 * Errors: kinora/err.h. Models are loaded by the first call that needs one: ingest, search, and recommend with a text. */
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
    const char
        *library; /* folder; NULL or "": kinora under the XDG data folder. Or a cluster to read,
        "qdrant+http://HOST:6333/NAME", which kinora_publish writes: all that only reads works on it */
    const char *models; /* folder of the model files; NULL or "": see `kinora models path` */
    const char *speech_model, *embedding_model; /* names in the manifest; NULL or "": the defaults.
        The latter may be a GGUF file of your own: its path, or the name of a NAME.gguf in models */
    bool
        write; /* for kinora_ingest: makes the library where there is none, takes the writer's lock */
    double wait;                            /* seconds to wait for another writer before failing */
    const struct kn_qdrant_options *qdrant; /* for libraries on a cluster; NULL: the defaults */
    double
        recall; /* how many of the ten most alike a search of a large library finds, on average; 0: 0.99. 1: it compares with
                    * every title */
};

/* KN_ENOTFOUND: no library there (and write not set). */
int kinora_open(const struct kinora_options *options, struct kinora **out, struct kn_err *err);
void kinora_close(struct kinora *k); /* NULL is fine */
const char *kinora_library_path(const struct kinora *k);
bool kinora_is_cluster(const struct kinora *k);

/* What whoever uses it should be told, once each: a file of index/ was damaged and made again, or cannot be kept. False: nothing. */
bool kinora_notice(struct kinora *k, char out[256]);

/* Does now what the first question would wait for: opens the files of index/, or makes them where they are missing or too
 * old, which takes a few seconds for 100,000 titles, and asks a question of each kind. Loads no model. Fails as the
 * questions do; a library that holds nothing yet is KN_OK. */
int kinora_prepare(struct kinora *k, struct kn_err *err);

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

/* One title by its id. KN_ENOTFOUND. */
int kinora_title(struct kinora *k, const struct kn_id *id, struct kinora_titles **out,
                 struct kn_err *err);

enum kinora_sort {
    KINORA_BY_NAME,
    KINORA_BY_ADDED, /* the order in which they came */
    KINORA_BY_DURATION,
    KINORA_BY_OPINION,
    KINORA_BY_YEAR,
};

struct kinora_page_query {
    size_t limit;           /* 0: 50; at most 1000 */
    const char *cursor;     /* next of the page before; NULL or "": the first page */
    const char *state;      /* "ready"...; NULL or "": all */
    const char *language;   /* NULL, "" or "any": all; or a list: "es,en" */
    const char *genres;     /* NULL or "": all; "Drama,Western": at least one of them */
    const char *part;       /* of the name, without case and accents; NULL or "": any */
    int year_from, year_to; /* as in kinora_query */
    enum kinora_sort sort;
    bool descending; /* what is not known comes last in either direction */
};

struct kinora_page {
    struct kn_title *titles;
    size_t n;
    uint64_t total;   /* that the filters pass */
    const char *next; /* the cursor of the next page; NULL: this is the last */
    struct kn_arena *arena;
};

/* Titles page by page. A cursor says behind which place in the order the next page begins, so none is skipped or repeated when
 * titles come and go meanwhile; it goes with the same sort and direction, else KN_EARG. */
int kinora_pages(struct kinora *k, const struct kinora_page_query *query, struct kinora_page **out,
                 struct kn_err *err);
void kinora_page_free(struct kinora_page *p);

/* The titles that name may mean: a whole name or id, else a unique part in any case. One: KN_OK,
 * *out has it first. Several: KN_EARG, *out lists them, at most 20. None: KN_ENOTFOUND "Movie 'X' not found in the dataset.",
 * *out has the closest names. (*out is given in all three cases: free it.) */
int kinora_find(struct kinora *k, const char *name, struct kinora_titles **out, struct kn_err *err);

const char *kinora_state_name(enum kn_state s); /* "ready" ... */
void kinora_id_text(const struct kn_id *id, char out[KN_ID_TEXT]);

/* ---- recommending ---- */

enum kinora_rank { KINORA_RANK_MOOD, KINORA_RANK_UPLIFT };

/* Where candidates come from: what films mean, the rare words that they share, or both together. */
enum kinora_candidates { KINORA_BOTH, KINORA_MEANING, KINORA_WORDS };

/* How several examples make one question: by the mean of their vectors (plus its difference from the mean of the unlike
 * ones), or each candidate by the one that it is most like. */
enum kinora_strategy { KINORA_AVERAGE_VECTOR, KINORA_BEST_SCORE };

struct kinora_query {
    size_t limit;                   /* 0: 3 */
    const char *language;           /* NULL or "": "same"; "any"; or a list: "es,en" */
    double w_similarity, w_opinion; /* both 0: 0.7 and 0.3 */
    enum kinora_rank rank;
    enum kinora_candidates candidates;

    /* More examples beside kinora_recommend's id: ready titles, and a text. "same" language is then the
     * union of theirs; a text's is not known, and so all. */
    const struct kn_id *likes, *unlikes;
    size_t n_likes, n_unlikes;
    const char *text; /* NULL or "": none; needs the embedding model */
    enum kinora_strategy strategy;

    int year_from,
        year_to; /* inclusive; 0: open; with one set, a title of unknown year is left out */
    double duration_from, duration_to; /* seconds, likewise */
    const char *genres;                /* NULL or "": all; "Drama,Western": at least one of them */
    const struct kn_id *exclude;       /* never answered with; the examples are not either */
    size_t n_exclude;
    bool strict;      /* leave out what is weak */
    double diversity; /* 0: the best; up to 1: as unlike each other as can be */
};

struct kinora_evidence {
    double start, end; /* seconds; 0 in a text that was asked with */
    const char *text;
};

struct kinora_recommendation {
    size_t rank; /* from 1 */
    struct kn_title title;
    /* The score is of_likeness + of_opinion, both terms weighted and standardised over the candidates. Likeness is the similarity
     * plus words, what is shared in rare words (0..1; 0 where it is none of the best by words); by words alone, words; and
     * with best_score and unlike examples, which lower it, less than the similarity. */
    double score, of_likeness, of_opinion;
    double similarity, words, opinion; /* opinion NaN: not scored */
    size_t by_meaning, by_words; /* its place among either candidates, from 1; 0: not among them */
    bool weak; /* its similarity is no more than unrelated titles have to what was asked with */
    struct kinora_evidence query, match; /* the two moments that are most alike */
    size_t example; /* whose moment query is: its place in likes; n_likes: the text's */
    const struct kn_title
        *also; /* near-duplicates of it, which say the same: the next best first */
    size_t n_also;
};

struct kinora_answer {
    struct kn_title title; /* the first example's; all "" and 0 where a text alone was asked with */
    const struct kn_title *likes; /* all of them */
    size_t n_likes;
    const struct kn_title *unlikes;
    size_t n_unlikes;
    const char *text; /* that was asked with; "" */
    struct kinora_recommendation *recommendations;
    size_t n;
    const struct kn_title
        *same; /* left out, for they say the same as one that was named in the question */
    size_t n_same;
    /* Spearman's correlation, over all candidates, of their order with what either term alone would have given: likeness,
     * which is more than the similarity, or the opinion term; NaN where it would have given none. */
    double likeness_correlation, opinion_correlation;
    struct kn_arena *arena;
};

/* id: of a ready title (kinora_find); NULL where query has examples. KN_EARG when one is not ready: the message says why. With
 * several examples an answer's similarity is that with their common vector, or with the one that it is most like. Their
 * opinion is the mean; a text has none, and alone then ranks by similarity only, unless rank is uplift. */
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

struct kinora_facts {  /* what names and files beside a film tell; "" unknown */
    const char *title; /* as its .nfo file has it */
    const char *plot;
    const char *kind;   /* "trailer", "extra"; "" a film */
    const char *ids;    /* "imdb:tt0113277 tmdb:949" */
    const char *poster; /* a path, escaped as those of titles are */
};

struct kinora_details {
    struct kn_record record; /* with segments and moments */
    struct kinora_facts facts;
    const char *container; /* FFmpeg's name; "" for a text without a film */
    const char *words_at;  /* of sidecars the file's name, of text tracks the number; "" */
    const struct kinora_track *tracks;
    size_t n_tracks;
    const char *transcript; /* all segments' texts, joined by spaces */
    struct kn_arena *arena;
};
int kinora_show(struct kinora *k, const struct kn_id *id, struct kinora_details **out,
                struct kn_err *err);
void kinora_details_free(struct kinora_details *d);

struct kinora_poster {
    const char *media_type; /* "image/jpeg", "image/png", "image/webp" */
    unsigned char *bytes;
    size_t n;
};
/* The picture beside the film (kinora_facts.poster) if it is one of these, by what is in it, and of at most 16 MiB; else the frame
 * of the film that ingest took. KN_ENOTFOUND: neither is there, the message says why. */
int kinora_poster(struct kinora *k, const struct kn_id *id, struct kinora_poster **out,
                  struct kn_err *err);
void kinora_poster_free(struct kinora_poster *p);

/* A cluster is searched by meaning only: both is then meaning, and words KN_EARG. */
enum kinora_search_mode { KINORA_SEARCH_MEANING, KINORA_SEARCH_WORDS, KINORA_SEARCH_BOTH };

struct kinora_search_query {
    size_t limit;         /* 0: 10 */
    const char *language; /* NULL or "": "any"; or a list */
    enum kinora_search_mode mode;
};

struct kinora_mark { /* characters of a text: from start to before end */
    size_t start, end;
};

struct kinora_found { /* one moment */
    size_t rank;
    struct kn_title title;
    double similarity, start, end, opinion; /* similarity NaN: found by words alone */
    double at; /* seconds: the line in it that has most of the words asked for, else start */
    const char *text;
    size_t by_meaning, by_words; /* its place in either order, from 1; 0: not among them */
    /* Where the words asked for stand in text, in order; not "the" and the like, in English and Spanish, beside others. */
    const struct kinora_mark *marks;
    size_t n_marks;
};
struct kinora_found_list {
    struct kinora_found *found;
    size_t n;
    struct kn_arena *arena;
};
/* Moments, best first. By meaning, in any language. By words: those with all of them in one line, the last of which may be
 * unfinished, then those with some. Both: fused by their places in either order. query NULL: all defaults. By words
 * alone no model is needed. */
int kinora_search(struct kinora *k, const char *text, const struct kinora_search_query *query,
                  struct kinora_found_list **out, struct kn_err *err);
void kinora_found_free(struct kinora_found_list *f);

/* ---- the library as a whole ---- */

/* A number that grows with every change: for caches. */
int kinora_changes(struct kinora *k, uint64_t *out, struct kn_err *err);

struct kinora_facet {
    const char *value; /* "" unknown */
    uint64_t titles;
};

struct kinora_stats {
    uint64_t titles, by_state[5]; /* indexed by enum kn_state */
    uint64_t segments, moments;
    uint64_t bytes, index_bytes; /* of library.db, and of the files of index/; of a cluster 0 */
    double duration;             /* seconds of all together */
    const char *embedding_model; /* "" before there was one */
    const struct kinora_facet *languages, *genres; /* the most frequent first */
    size_t n_languages, n_genres;
    int year_from, year_to; /* 0: no year is known */
    struct kn_arena *arena;
};
int kinora_stats(struct kinora *k, struct kinora_stats **out, struct kn_err *err);
void kinora_stats_free(struct kinora_stats *s);

struct kinora_point {
    struct kn_id id;
    const char *name, *language;
    double opinion; /* NaN: not scored */
    double x, y;    /* -1..1 */
    size_t group;   /* its place in groups */
};

struct kinora_group {
    const char *words
        [3]; /* said in these titles more than in others, the most telling first; NULL behind the last */
    size_t titles;
    double x, y; /* their middle */
};

struct kinora_map {
    struct kinora_point *points; /* of all ready titles, in order of id */
    size_t n;
    struct kinora_group *groups; /* each has a title at least */
    size_t n_groups;
    struct kn_arena *arena;
};

/* All ready titles on a plane, like ones together. The layout (map.bin in the library's folder index; in memory only, where that
 * cannot be written) stands until there are twice as many titles as when it was made, or another embedding model: what is new
 * takes a place in it and moves nothing. Takes about a second for 5,000 titles; the caller keeps it, see kinora_changes. */
int kinora_map(struct kinora *k, struct kinora_map **out, struct kn_err *err);
void kinora_map_free(struct kinora_map *m);

/* ---- ingest ---- */

struct kinora_ingest_options {
    const char *const *roots; /* folders or files */
    size_t n_roots;
    int jobs, threads, beam;   /* 0: default */
    const char *language_hint; /* NULL or "": detect */
    const char *
        scorer; /* "probe", "lexicon", "llm": gives this library's opinions from now on; NULL or "": as it is */
    const char
        *subtitle_language; /* which subtitles first, "es,en"; NULL or "": in the film's language */
    double
        max_seconds; /* after so many no title is begun, and those under way are ended; 0: no limit */
    bool retry_failed;
    const struct kn_id *again; /* redo this title; NULL */
    /* With again: this title's language from now on, "es" or "es-MX", whatever is detected or was told by its file;
     * "auto" lifts that. NULL or "": as it is. An imported text or a film with subtitles is not heard for it. */
    const char *language;
};

enum kinora_event_kind {
    KINORA_SCANNED,
    KINORA_STAGE,
    KINORA_HEARD,
    KINORA_FINISHED,
    KINORA_UNCHANGED,
    KINORA_POSTER, /* the title has a poster, or none can be had; these come last */
};

struct kinora_event {
    enum kinora_event_kind kind;
    const char *name, *path, *stage, *reason; /* "" where it does not apply */
    struct kn_id id;
    enum kn_state state;
    double seconds, duration; /* of this title */
    size_t done, total;       /* files */
    double heard, elapsed;    /* seconds of sound heard; seconds since the run began */
    /* of SCANNED: files that are new or changed, that failed and are tried again, those of both with subtitles beside them, and
     * about how many seconds of sound there are to hear in the others, by their bytes and what those of films here before came to */
    size_t fresh, again, subtitled;
    double sound;
    double left;           /* estimated seconds to the end; NaN while unknown */
    size_t posters, films; /* of POSTER: how many came, of how many */
};

struct kinora_summary {
    size_t files, added, unchanged, ready, silent, failed, missing, skipped;
    size_t left;           /* not done, because max_seconds were over */
    size_t waiting;        /* still being written: left for another run */
    size_t still_failed;   /* of the unchanged: those that failed in an earlier run */
    double sound, elapsed; /* seconds */
};

/* event (may be NULL) is called from worker threads, one call at a time. Returns KN_OK when failures are the
 * files' own; KN_ECANCELLED after kinora_cancel. *out is filled in both cases. */
int kinora_ingest(struct kinora *k, const struct kinora_ingest_options *options,
                  void (*event)(void *ctx, const struct kinora_event *e), void *ctx,
                  struct kinora_summary *out, struct kn_err *err);

/* ---- watching ---- */

/* Which folders changed, for programs that ingest as films arrive: new, then in a loop next and kinora_ingest of what it
 * gives. One thread at a time.
 *
 * Changes are seen by inotify, so at once, and given when nothing more happened for a second, or five seconds after the
 * first. every: seconds between looks at all of it besides; 0: every 300, and only where inotify cannot see (network
 * drives, or when the kernel allows no more watches). KN_ENOTFOUND: a root is not there; KN_EARG: it is no folder. */
struct kinora_watch;
int kinora_watch_new(const char *const *roots, size_t n, double every, struct kinora_watch **out,
                     struct kn_err *err);
void kinora_watch_free(struct kinora_watch *w); /* NULL is fine */

struct kinora_watching {
    size_t folders;    /* that have a watch */
    const char *blind; /* why it looks by the clock; "" when it does not */
};
struct kinora_watching kinora_watch_state(const struct kinora_watch *w);

/* Waits. *folders: *n paths that live until the next call. cancelled (may be NULL) is asked ten times a second: KN_ECANCELLED. */
int kinora_watch_next(struct kinora_watch *w, bool (*cancelled)(void *ctx), void *ctx,
                      const char *const **folders, size_t *n, struct kn_err *err);

/* Gives this folder once more in so many seconds: after an ingest that failed, or left a file that is still written. */
int kinora_watch_again(struct kinora_watch *w, const char *folder, double seconds,
                       struct kn_err *err);

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

/* Would kinora_import take the file, as far as what is in it goes? To ask before kinora_open makes a library for it. */
int kinora_import_check(const char *file, struct kn_err *err);

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
 * their words; or that of the whole transcript, where that is how the model is used. Of an imported title, video file and
 * transcript are those of its row, to the last space; where that named no file, the name, with .mp4 if it has no film's
 * extension. KN_EARG: one of the three files is
 * there and force is not set; KN_ENOTFOUND: the lexicon is not among the models. */
int kinora_export(struct kinora *k, const struct kinora_export_options *options,
                  struct kinora_exported *out, struct kn_err *err);

struct kinora_subtitles_options {
    const char *format; /* "srt", "vtt" */
    const char *into;   /* folder, made where it is not there; NULL or "": beside the film */
    bool force;         /* write over a file that is there */
    /* Paths, as below, that were written for other titles before: one of these is not written over whatever force says, but the
     * title's id comes into its file's name. */
    const char *const *written;
    size_t n_written;
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

struct kinora_captions {
    const char *text; /* the whole file, UTF-8 */
    size_t bytes;
    struct kn_arena *arena;
};

/* The same file, not written anywhere. format: "srt", "vtt". KN_ENOTFOUND as above. */
int kinora_captions(struct kinora *k, const struct kn_id *id, const char *format,
                    struct kinora_captions **out, struct kn_err *err);
void kinora_captions_free(struct kinora_captions *c);

/* ---- evaluating ---- */

struct kinora_eval_options {
    /* What is known of titles, to hold answers against. NULL or "": nothing. "genres": those that the library has.
     * Else a CSV file (RFC 4180, UTF-8) whose first line says what it tells:
     *   name,group     titles of one group belong together; a row may name several groups, parted by ; or ,
     *   a,b            these two belong together
     *   name,opinion   positive or negative, or a number, of which the sign counts; 0 is neither
     *   name,language  a BCP-47 tag; regions are not compared
     *   name,text      what is said in it, word for word
     * A name is a title's whole name, of which all titles of that name are meant, or an id. Other columns are passed
     * over; a title may have several groups and pairs, else the last row counts. */
    const char *labels;
    const char *against; /* another embedding model, asked the same; NULL or "": none */
    size_t sample;       /* titles that ask, by lot, the same each time; 0: all */
    /* How related titles are asked for, but for its examples; the limit is how far down answers are looked at, 0: 10. */
    struct kinora_query query;
    int jobs; /* threads that embed for against; 0: one a core */
    /* From any thread, one call at a time. doing: "embed", "ask". May be NULL. */
    void (*progress)(void *ctx, const char *doing, size_t done, size_t total);
    void *ctx;
};

struct kinora_interval {
    double value, low, high; /* low to high: 95 of 100 samples of titles; NaN where there is none */
};

struct kinora_figure {
    const char *name;                         /* "recall@5" */
    struct kinora_interval figure;            /* of this library */
    struct kinora_interval other, difference; /* of the other model; figure - other, paired */
    double
        chance; /* what answers by lot would have, from all titles that may answer; NaN: not known */
    const double *values; /* one a question, of which it is made; NULL: it is not one of these */
    const double *others; /* the same of the other model */
};

struct kinora_evaluation {
    const char *measure;         /* "halves", "related", "opinion", "language", "words" */
    const char *model, *against; /* embedding models; against "" for none */
    size_t limit;                /* k of related */
    size_t titles;               /* ready ones */
    size_t left_out;             /* of these: without a label, or what else the measure needs */
    size_t unknown;              /* names among the labels that no ready title has */
    const struct kn_title *questions; /* the titles that were asked for */
    size_t n_questions;
    const struct kinora_figure *figures;
    size_t n_figures;
    struct kn_arena *arena;
};

/* Is this library's answering any good? By labels one of:
 *   halves    (without labels) Does the first half of a title's moments find the second half among those of all titles, by
 *             the words' mean vector? recall@1, recall@5, MRR. Halves and not every other moment: neighbours in a scene
 *             share names and matter, and would find each other too easily. Left out: titles of one moment.
 *   related   (group, pairs, genres) kinora_recommend is asked for the titles that belong to one: precision@k, nDCG@k,
 *             recall@k; coverage, the share of all titles that some answer has; diversity, 1 - cosine over the pairs
 *             in an answer. An answer is right where it, or one of its also, belongs; recall looks at the first k titles,
 *             those in also behind the answer that has them. Left out: titles to which none belongs.
 *   opinion   accuracy (above 0 is positive), AUC. Left out: titles that no scorer scored.
 *   language  accuracy; known, the share that has a language at all.
 *   words     word error rate, all errors over all words of the references; without case, accents and punctuation.
 * Intervals are bootstrapped over titles with a fixed seed. against compares halves, related and opinion: all moments of the
 * library are embedded with that model in memory (about as long as importing took) and the same questions asked of
 * both; opinions of the probe are given anew, those of other scorers do not depend on it.
 * KN_EARG: labels that say nothing known, or fit no title; against where it changes nothing, or the library's own
 * model. KN_ECORRUPT names the line. KN_ECANCELLED. */
int kinora_evaluate(struct kinora *k, const struct kinora_eval_options *options,
                    struct kinora_evaluation **out, struct kn_err *err);
void kinora_evaluation_free(struct kinora_evaluation *e);

/* ---- keeping a library ---- */

/* Forgets titles; unknown ids are fine. Where a file of one is still there, the next ingest takes it in anew. Needs write. */
int kinora_forget(struct kinora *k, const struct kn_id *ids, size_t n, struct kn_err *err);

/* Two titles are versions of one film: from now on lead answers for both, with the paths of both. Ingest does so by itself where
 * names or .nfo files have the same id, or where two files of one name and year say the same. split makes titles of
 * their own of all versions of a film again (*n: how many there were beside it, 0: none), with all that was known of them, and ingest
 * leaves it at that. Need write. */
int kinora_join(struct kinora *k, const struct kn_id *lead, const struct kn_id *other,
                struct kn_err *err);
int kinora_split(struct kinora *k, const struct kn_id *id, size_t *n, struct kn_err *err);

/* A copy of the library as it is now, while another process may write to it. To use it, let it be library.db in a folder of its
 * own. The file is there whole or not at all. KN_EARG: it is there already, and force is not set. */
int kinora_backup(struct kinora *k, const char *file, bool force, struct kn_err *err);

/* ---- sharing ---- */

struct kinora_share_options {
    const char *address; /* the other library's: a cluster's, or a folder */
    /* Publish, of the paths of titles, how those below this folder go on: what lies in it is the same for all who share. NULL or "":
     * no path leaves this machine. */
    const char *media_root;
    bool all; /* also what is there already, as far as is known here */
    bool
        swap; /* a cluster gets this library's embedding model now, though others' titles in it would be lost until
        they are published with it too */
};

struct kinora_share_event {
    const char *doing; /* "send", "remove", "check" */
    const char *name;  /* of the last title; "" */
    size_t done, total;
    double elapsed; /* seconds */
};

struct kinora_shared {
    size_t sent, removed; /* titles */
    size_t same;          /* not sent, as they were there */
    /* Not pulled, for they are this library's own; not published, as another machine's is of more use; not removed, as other
     * machines publish them too. */
    size_t kept;
    /* Of the check: ready titles that were found there, records that were compared, titles that were asked for on either side, and
     * the share of answers that are the same; NaN: there was none to compare. */
    size_t present, compared, questions;
    double recall;
    size_t
        behind; /* titles of a cluster that have no vector of the new model yet: it answers with the old one until they have */
    bool swapped; /* it has the new model now */
    double elapsed;
};

/* Sends what is new of this library to another one: titles that are ready, silent or failed. What was forgotten here or lost its
 * files is removed there, but what others publish there stays. Goes on where it was stopped, and may run while something is ingested. At the
 * end all is checked (library/share.h says how). k may be open for reading. KN_EARG, KN_ENET, KN_ETIMEOUT, KN_ECORRUPT: the check
 * failed. KN_ECANCELLED after kinora_cancel. *out is filled in all cases. */
int kinora_publish(struct kinora *k, const struct kinora_share_options *options,
                   void (*event)(void *ctx, const struct kinora_share_event *e), void *ctx,
                   struct kinora_shared *out, struct kn_err *err);

/* The way back: titles of another library into this one, which is open for writing. What it has by its own or changed since stays, and
 * what was pulled and is there no more is forgotten. Paths stay there. Of titles that were pulled before only those come again that look
 * otherwise in a list, unless all is set. */
int kinora_pull(struct kinora *k, const struct kinora_share_options *options,
                void (*event)(void *ctx, const struct kinora_share_event *e), void *ctx,
                struct kinora_shared *out, struct kn_err *err);

/* ---- models ---- */

struct kinora_model {
    const char *name, *file, *purpose, *licence;
    uint64_t bytes;
    const char *sha256;
    bool is_default, present;
    const char *path; /* where it is, or would be */
    const char *const *sources;
    size_t n_sources;
    const char
        *instead; /* name of a model that serves, slower, where this one is not there; NULL: none */
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

/* Is the library sound: SQLite's own check, rows that belong to nothing, vectors and word index held against the transcripts,
 * stages that claim what is not there. repair (needs write) mends what can be and lets the next ingest redo the rest;
 * what it mended is a warning. KN_ECORRUPT: too damaged to be looked at. */
int kinora_check(struct kinora *k, bool repair, struct kinora_report **out, struct kn_err *err);

#ifdef __cplusplus
}
#endif

#endif
