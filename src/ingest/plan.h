/* plan.h - what is still to do for a file: stage keys compared with those in the library. */
#ifndef KN_INGEST_PLAN_H
#define KN_INGEST_PLAN_H

#include "ingest/ingest.h"
#include "text/tag.h"

struct kn_embed_card;
struct kn_scan_file;
struct kn_scorer;

enum { KN_PLAN_LANGUAGES = 8 };

/* What all keys of a run have in common. */
struct kn_plan_settings {
    struct kn_hash speech;                       /* its model, voice activity, beam */
    struct kn_hash sidecar;                      /* the reader of subtitles, the language model */
    struct kn_hash vectors;                      /* moments, embedding model */
    struct kn_hash opinion;                      /* scorer */
    char wanted[KN_PLAN_LANGUAGES][KN_TAG_TEXT]; /* languages of subtitles, best first */
    size_t n_wanted;
};

/* Model files go into the keys by base name and size: hashing 150 MB at each start would cost more
 * than it finds. Without a speech model (import) speech and sidecar are of no use. KN_ENOTFOUND, with the remedy, when
 * one is not there. KN_EARG: subtitle_language. */
int kn_plan_settings(const struct kn_ingest_options *options, const struct kn_embed_card *card,
                     const struct kn_scorer *scorer, struct kn_plan_settings *out,
                     struct kn_err *err);

/* The keys of the stages behind words from theirs, whatever the words came from. */
int kn_plan_behind_words(const struct kn_hash *words, const struct kn_plan_settings *settings,
                         struct kn_hash keys[KN_STAGES], struct kn_err *err);

struct kn_plan {
    struct kn_id id;
    const char *name;    /* UTF-8, escaped; from the arena */
    const char *escaped; /* the path, likewise */
    struct kn_hash keys[KN_STAGES];
    enum kn_stage from;   /* the first stage to do; KN_STAGES: nothing */
    enum kn_state state;  /* as it is now */
    bool added;           /* the title is new in the library */
    const char *reason;   /* of that state */
    char unreadable[256]; /* not "": the file cannot be opened, for this reason */

    const char *const *paths; /* escaped; all that the library knows of the title, this one too */
    size_t n_paths;
    double duration;                /* as the last probe found it; 0: unknown */
    char set_language[KN_TAG_TEXT]; /* by the user, for this title; "" */
    struct kn_hash speech;          /* what its words depend on when they are heard */

    /* The words, where a sidecar gives them and they are to be done; else none. */
    const struct kn_segment *segments;
    size_t n_segments;
    char language[KN_TAG_TEXT]; /* from its name; "" */
    const char *spoken;         /* some of what is said, for telling its language */
};

/* What a plan is made with; borrowed. */
struct kn_plan_context {
    struct kn_library *lib;
    const struct kn_ingest_options *options;
    const struct kn_plan_settings *settings;
    const struct kn_scan *scan;
};

/* Registers the file with the store and compares. */
int kn_plan_file(const struct kn_plan_context *c, const struct kn_scan_file *file,
                 struct kn_arena *arena, struct kn_plan *out, struct kn_err *err);

/* Decides where the words come from, and makes the keys from there on: the first of the title's
 * sidecars that is of use, else speech. A sidecar that is not is told of by a warning, with file, line and reason. One
 * of forced captions is of use where it says as much as a film does: most hold a few lines for a whole film.
 * audio_language: of the track that would be heard, as its container has it; NULL: ask the store. */
int kn_plan_words(const struct kn_plan_context *c, const char *audio_language, struct kn_plan *p,
                  struct kn_arena *arena, struct kn_err *err);

/* Keys of the words and what follows; words: what they depend on beside the probe. */
int kn_plan_keys(struct kn_plan *p, const struct kn_plan_settings *s, const struct kn_hash *words,
                 struct kn_err *err);

#endif
