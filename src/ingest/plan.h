/* plan.h - what is still to do for a file: stage keys compared with those in the library. */
#ifndef KN_INGEST_PLAN_H
#define KN_INGEST_PLAN_H

#include "ingest/ingest.h"
#include "text/tag.h"

struct kn_cancel;
struct kn_embed_card;
struct kn_scan_file;
struct kn_scorer;

enum { KN_PLAN_LANGUAGES = 8 };

/* What all keys of a run have in common. */
struct kn_plan_settings {
    struct kn_hash speech;                       /* its model, voice activity, beam */
    struct kn_hash sidecar;                      /* the reader of subtitles, the language model */
    struct kn_hash tracks;                       /* the reader of text tracks */
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

struct kn_plan_track { /* a text track to be read */
    size_t stream;
    bool partial; /* kn_track's */
    char language[KN_TAG_TEXT];
    struct kn_hash key; /* for kn_plan_keys, if its words are taken */
};

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
    bool vanished;        /* it is gone since the scan: nothing was registered */
    bool waiting; /* it was changed a moment ago and may still be written: nothing is known of it */
    struct kn_hash identity; /* of its content */

    const char *const
        *paths; /* escaped; all that the library knows of this content, this one too */
    size_t n_paths;
    double duration;                /* as the last probe found it; 0: unknown */
    bool mute;                      /* it found no sound to hear */
    char set_language[KN_TAG_TEXT]; /* by the user, for this title; "" */
    struct kn_hash speech;          /* what its words depend on when they are heard */

    /* Text tracks to be read, best first, where no sidecar gives the words and they are to be done. */
    const struct kn_plan_track *tracks;
    size_t n_tracks;
    struct kn_hash sound_key; /* for kn_plan_keys, if none of them is of use */

    /* The words, where a sidecar gives them and they are to be done, or a track gave them; else none. */
    const struct kn_segment *segments;
    size_t n_segments;
    const char *words_from, *words_at; /* as kn_words has them */
    char language[KN_TAG_TEXT];        /* from its name or mark; "" */
    const char *spoken;                /* some of what is said, for telling its language */
};

/* What a plan is made with; borrowed. */
struct kn_plan_context {
    struct kn_library *lib;
    const struct kn_ingest_options *options;
    const struct kn_plan_settings *settings;
    const struct kn_scan *scan;
};

/* A file that was changed less than this many seconds ago waits: a copy or a download writes more often than that. */
enum { KN_PLAN_QUIET = 2 };
bool kn_plan_is_quiet(int64_t mtime_ns);

/* Registers the file with the store and compares. */
int kn_plan_file(const struct kn_plan_context *c, const struct kn_scan_file *file,
                 struct kn_arena *arena, struct kn_plan *out, struct kn_err *err);

/* Registers a file that waited in vain, with the reason, as pending; what was known of this path before stays as it is. */
int kn_plan_give_up(const struct kn_plan_context *c, const struct kn_scan_file *file,
                    const char *reason, struct kn_arena *arena, struct kn_plan *out,
                    struct kn_err *err);

/* Takes the hash of the whole of a file that was just read to its end and is still as the scan saw it. */
int kn_plan_take_whole(const struct kn_plan_context *c, const struct kn_scan_file *file,
                       const struct kn_plan *p, const struct kn_cancel *cancel, struct kn_err *err);

/* Decides where the words come from, by what the store has of the last probe, and makes the keys from there on: the first
 * of the title's sidecars that is of use; else its text tracks are left in the plan, to be read; else speech. A sidecar that is not
 * of use is told of by a warning, with file, line and reason, but for what kinora export wrote. One with
 * fewer than 4 words a minute is of no use, unless the film has no sound; of forced captions, fewer than 20: most hold a few lines
 * for a whole film. Tracks likewise. */
int kn_plan_words(const struct kn_plan_context *c, struct kn_plan *p, struct kn_arena *arena,
                  struct kn_err *err);

/* Takes the words of the i-th text track, read as kn_media_read_text gives it. KN_OK: they are the plan's, and the
 * keys say so. Else why they are of no use. */
int kn_plan_take_track(const struct kn_plan_context *c, size_t i, const struct kn_buf *text,
                       struct kn_plan *p, struct kn_arena *arena, struct kn_err *why);

/* Keys of the words and what follows; words: what they depend on beside the probe. */
int kn_plan_keys(struct kn_plan *p, const struct kn_plan_settings *s, const struct kn_hash *words,
                 struct kn_err *err);

#endif
