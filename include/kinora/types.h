/* types.h - what Kinora knows of a title, as plain data.
 *
 * Every layer passes these, from the library's tables to the public API, so that a title is
 * described once. All text is UTF-8 and ends in NUL. A file name that is not UTF-8 is held in
 * the reversible form of kn_escape_path (base/unicode.h): each stray byte b as U+F780 + b - 0x80.
 *
 * Pointers inside belong to whoever handed the struct out, usually an arena; a struct copied by
 * value shares them. Times are seconds from the start of the film.
 *
 * An imported text (words_from "import") has no times: start and end are 0 in all its segments and
 * moments, as nowhere else, and its title's duration is 0. Its segments are its sentences; its
 * moments are cut by words alone. kn_is_timed tells. */
#ifndef KINORA_TYPES_H
#define KINORA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A title's identity: UUIDv5 of the content of its first file, so that the same film has the
 * same id in every library and after every move. Names may repeat, ids do not. */
struct kn_id {
    unsigned char b[16];
};

enum { KN_ID_TEXT = 37 }; /* 36 characters and the NUL */

enum kn_state {
    KN_STATE_PENDING, /* known, not everything done yet */
    KN_STATE_READY,   /* has words, a vector and an opinion: can be recommended */
    KN_STATE_FAILED,  /* cannot be read; reason says why */
    KN_STATE_SILENT,  /* can be read, nobody speaks */
    KN_STATE_MISSING, /* was there, its files are gone */
};

struct kn_segment {
    double start, end;
    const char *text; /* trimmed, never empty */
};

/* Is it known when this is said? */
static inline bool kn_is_timed(double start, double end)
{
    return end > start || start > 0;
}

/* What was heard and not kept: sounds, and what a speech model invents where nobody speaks ("Thanks for watching!"). */
struct kn_dropped {
    double start, end;
    const char *text;   /* trimmed, never empty */
    const char *reason; /* "a sound, not words"; "nobody speaks there" */
};

/* A window of whole segments: what search finds and what an explanation points at. */
struct kn_moment {
    double start, end;
    const char *text; /* its segments' texts, joined by one space */
    uint32_t first_segment, segments;
    uint32_t words;      /* that are said: not those of sounds and names in brackets */
    double opinion;      /* polarity -1..1; NaN: not scored */
    const float *raw;    /* dim numbers as the model gave them; NULL where not asked for */
    const float *vector; /* dim numbers, centred, unit length; NULL where not asked for */
};

struct kn_title {
    struct kn_id id;
    const char *name; /* its file's base name without extension; of copies, the first path's */
    enum kn_state state;
    const char *reason;         /* for failed, silent and missing; "" otherwise */
    const char *language;       /* BCP-47: "en", "es-MX"; "" when unknown */
    double language_confidence; /* 0..1 */
    bool language_set;          /* by somebody who knows, and kept: it was not detected */
    const char *words_from; /* "speech", "sidecar", "embedded", "import"; "" before there are any */
    double duration;        /* seconds; 0 when unknown */
    double opinion;         /* polarity -1..1; NaN: not scored */
    const char *scorer;     /* which gave it: "probe", "lexicon", "llm"; "" before one did */
    int scorer_version;     /* of that scorer; 0 unknown */
    int year;               /* 0 when unknown */
    const char *genres;     /* "Drama, Western"; "" when unknown */
    const char *const *paths; /* where its files lie, escaped as above; may be none */
    size_t n_paths;
};

/* A title with everything that belongs to it: what a library stores and gives back. */
struct kn_record {
    struct kn_title title;
    const float *vector; /* dim numbers, unit length; NULL unless the state is ready */
    const float *
        raw; /* of it, as the model gave them, where the title was embedded as a whole; else NULL */
    const struct kn_segment *segments;
    size_t n_segments;
    const struct kn_dropped *dropped; /* as they were heard; they come with the segments */
    size_t n_dropped;
    const struct kn_moment *moments;
    size_t n_moments;
};

/* How to talk to a Qdrant cluster, and what its collections are like when they are made. Zero-initialised: as the
 * server does by itself. */
struct kn_qdrant_options {
    const char *api_key;      /* NULL or "": none. It stands in no message */
    double timeout;           /* seconds for one request; 0: 30 */
    int ef;                   /* how far a search looks through the graph */
    bool exact;               /* a search looks at every vector instead */
    int shards, replicas;     /* this and all below: when collections are made */
    int consistency;          /* replicas that have a write before it is answered */
    int m, ef_construct;      /* of the graph */
    const char *quantization; /* "scalar", "binary"; NULL or "": none */
    bool on_disk;             /* vectors and graph lie on disk */
    /* Where the tree of films that all share lies on this machine: before the paths of titles, which go on from there. NULL or "":
     * paths come as they were published. */
    const char *media_root;
};

#endif
