/* ingest.h - from folders to titles: scan, decode, listen, embed, score, commit.
 *
 *   scan --> [files] --> decoders --> [titles] --> listeners --> [transcripts] --> meaning --> commit
 *                         jobs + 1                   jobs                            jobs
 *
 * Words come from a subtitle file beside the film where there is one of use (sidecar.h), else from its sound. A
 * title whose words are read goes from its decoder straight to meaning, and no speech model is loaded for it.
 *
 * Queues are bounded by items and bytes. A decoder probes a file, hands its title over and then
 * feeds its sound in blocks through the title's own small queue, so that a listener starts on the
 * first block and memory does not grow with the film; one decoder more than listeners, so that the
 * next title is ready when a listener is free. Every stage commits through store.h by itself.
 *
 * A file that was changed a moment ago is left for the end, and for another run if it does not come to rest. Titles that are
 * versions of one film are joined: by ids as their files are seen, by what is said in them at the end.
 *
 * A file that cannot be read costs its title, never the run. What ends the run: no disk space, a
 * library that cannot be written, a model that cannot be loaded, a cancel. A cancel lets no stage
 * begin, ends the one under way without committing it, and returns KN_ECANCELLED with the summary filled.
 *
 * At the end, when all words are in the library, each film that has no poster beside it gets one: a frame of it (media.h). None
 * can be had of some, which is no failure.
 *
 * A library has one embedding model and one scorer: when another is chosen, the run goes on through all titles whose
 * words are there, wherever they lie.
 *
 * Models are loaded when the first title needs them: a run with nothing to do loads none. */
#ifndef KN_INGEST_H
#define KN_INGEST_H

#include "library/store.h"

struct kn_cancel;

struct kn_ingest_options {
    const char *const *roots; /* folders or single files, as the user gave them (bytes) */
    size_t n_roots;
    /* Paths; an import needs only the last two. */
    const char *speech_model, *vad_model, *embedding_model, *language_model;
    const char *
        scorer; /* "probe", "lexicon", "llm": from now on this library's; NULL or "": as it is, else probe */
    const char *lexicon, *instruct_model; /* paths of what those scorers read; NULL: not there */
    const char *decode_program;           /* NULL: see media.h */
    int jobs;                             /* listeners; 0: one a core */
    int threads;               /* of each, lent to the others while it has no title; 0: 1 */
    int beam;                  /* 0: greedy */
    const char *language_hint; /* of what is spoken; "" or NULL: detect */
    /* Tags, "es,en": which sidecar is taken first; "" or NULL: that of the hint, then of the sound. */
    const char *subtitle_language;
    double
        max_seconds; /* after so many no title is begun, and those under way are ended; 0: no limit */
    bool retry_failed;
    const struct kn_id *again; /* redo this title's words and all behind; NULL */
    /* With again: that title's language from now on, in this run and all later ones, whatever is detected; "auto":
     * detected again. NULL or "": as it is. A title whose words are read keeps them. */
    const char *language;
};

enum kn_ingest_event_kind {
    KN_INGEST_SCANNED, /* total is known now, and fresh, subtitled, sound; left as earlier runs have it */
    KN_INGEST_STAGE, /* title entered stage */
    KN_INGEST_HEARD, /* more of title's sound was heard: seconds of duration */
    KN_INGEST_FINISHED, /* title is ready, silent, failed or (still being written) pending: state and reason */
    KN_INGEST_UNCHANGED, /* nothing to do for title */
    KN_INGEST_POSTER     /* title has a poster, or none can be had; these come last */
};

struct kn_ingest_event {
    enum kn_ingest_event_kind kind;
    const char *name; /* the title's; "" for SCANNED */
    const char *path; /* escaped */
    struct kn_id id;
    enum kn_stage stage;
    enum kn_state state;
    const char *reason;
    double seconds, duration; /* of this title */
    size_t done, total;       /* files */
    double heard;             /* seconds of sound heard so far in this run, over all titles */
    double elapsed;           /* seconds since the run began */
    size_t fresh, again;      /* files new or changed; that failed, and are tried again */
    size_t subtitled;         /* of both, those with subtitles beside them */
    double sound;             /* seconds to hear in the others, by their bytes */
    double left;              /* estimated seconds to the end; NaN while unknown */
    size_t posters, films;    /* of POSTER: how many came, of how many */
};

struct kn_ingest_summary {
    size_t files, added, unchanged, ready, silent, failed, missing;
    size_t waiting;        /* still being written: left for another run */
    size_t still_failed;   /* of the unchanged: those that failed in an earlier run */
    size_t left;           /* not done for want of time */
    size_t skipped;        /* files without a media extension */
    double sound, elapsed; /* seconds */
};

/* event (may be NULL) is called from worker threads, one call at a time.
 * KN_EARG: language_hint or language is no language that Whisper knows, or a root is neither folder nor file. KN_ENOTFOUND: a root does not exist. */
int kn_ingest_run(struct kn_library *lib, const struct kn_ingest_options *options,
                  void (*event)(void *ctx, const struct kn_ingest_event *e), void *ctx,
                  const struct kn_cancel *cancel, struct kn_ingest_summary *out,
                  struct kn_err *err);

/* Texts from a file instead of films: what it holds becomes titles with words and without files, and these go the rest of
 * the way as others do. rows.h says what the file may be; it is read whole first, so that one which is refused
 * leaves nothing behind. Of options: models, scorer, jobs and language_hint, which serves texts that
 * tell no language; without it the language model is asked. Importing a file again goes on where it was, and changes nothing else.
 * In events and summary a row counts as a file. */
int kn_import_run(struct kn_library *lib, const char *path, const struct kn_ingest_options *options,
                  void (*event)(void *ctx, const struct kn_ingest_event *e), void *ctx,
                  const struct kn_cancel *cancel, struct kn_ingest_summary *out,
                  struct kn_err *err);

#endif
