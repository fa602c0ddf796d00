/* plan.h - what is still to do for a file: stage keys compared with those in the library. */
#ifndef KN_INGEST_PLAN_H
#define KN_INGEST_PLAN_H

#include "ingest/ingest.h"

struct kn_embed_card;
struct kn_scan_file;
struct kn_scorer;

/* What all keys of a run have in common. */
struct kn_plan_settings {
    struct kn_hash words;   /* speech model, voice activity, beam, language */
    struct kn_hash vectors; /* moments, embedding model */
    struct kn_hash opinion; /* scorer */
};

/* Model files go into the keys by base name and size: hashing 150 MB at each start would cost more
 * than it finds. Without a speech model (import) words is of no use. KN_ENOTFOUND, with the remedy, when one is
 * not there. */
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
};

/* Registers the file with the store and compares. */
int kn_plan_file(struct kn_library *lib, const struct kn_scan_file *file,
                 const struct kn_plan_settings *settings, bool retry_failed,
                 const struct kn_id *again, struct kn_arena *arena, struct kn_plan *out,
                 struct kn_err *err);

#endif
