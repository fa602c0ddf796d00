/* config.h - every setting, once: one table gives the flags, the configuration file, the environment,
 * --help and the man page.
 *
 * Where a value comes from, later ones win: the default, the file (KINORA_CONFIG, else
 * kinora/config.ini under the XDG configuration folder), the environment (KINORA_ and the name in
 * capitals, - as _), the flag. A file is lines of "name = value", comments after ; or #, no sections;
 * a name that is not in the table is an error, or a slip of the pen would go unseen for ever.
 * Relative paths mean what they mean to the shell: from the working folder.
 *
 * A name may be there twice, for commands to which it means different things: then as a flag of one of them only.
 *
 * A struct kn_config is filled by one thread at start and then only read. */
#ifndef KN_CONFIG_CONFIG_H
#define KN_CONFIG_CONFIG_H

#include <kinora/types.h>

#include <stdbool.h>
#include <stddef.h>

struct kn_arena;
struct kn_buf;
struct kn_err;

enum kn_option_kind {
    KN_OPTION_FLAG,
    KN_OPTION_TEXT,
    KN_OPTION_LIST,
    KN_OPTION_INT,
    KN_OPTION_REAL
};

struct kn_texts { /* a LIST: a flag that may be given several times */
    const char *const *text;
    size_t n;
};

/* Which commands take an option, as bits; KN_FOR_ALL: every one. */
enum {
    KN_FOR_INGEST = 1u << 0,
    KN_FOR_RECOMMEND = 1u << 1,
    KN_FOR_LIST = 1u << 2,
    KN_FOR_SHOW = 1u << 3,
    KN_FOR_SEARCH = 1u << 4,
    KN_FOR_MODELS = 1u << 5,
    KN_FOR_DOCTOR = 1u << 6,
    KN_FOR_IMPORT = 1u << 7,
    KN_FOR_EXPORT = 1u << 8,
    KN_FOR_EVAL = 1u << 9,
    KN_FOR_WATCH = 1u << 10,
    KN_FOR_FORGET = 1u << 11,
    KN_FOR_JOIN = 1u << 12,
    KN_FOR_SPLIT = 1u << 13,
    KN_FOR_CHECK = 1u << 14,
    KN_FOR_BACKUP = 1u << 15,
    KN_FOR_PUBLISH = 1u << 20,
    KN_FOR_PULL = 1u << 21,
    KN_FOR_SERVE = 1u << 16,
    KN_FOR_TOKEN = 1u << 17,
    KN_FOR_ALL = 0x7fffffff,
};

struct kn_option {
    const char *name; /* "language-hint": flag --language-hint, file key, KINORA_LANGUAGE_HINT */
    char letter;      /* short flag, 0 for none */
    enum kn_option_kind kind;
    unsigned commands; /* KN_FOR_*; 0: a setting and no flag, as what it says stays or is secret */
    bool flag_only;    /* a wish for one run, not a setting: neither file nor environment */
    const char *arg;   /* "DIR"; NULL for a flag */
    const char *value; /* default as text; "" for none */
    const char *choices; /* of a TEXT, "mood|uplift"; NULL: anything */
    double min, max;     /* of INT and REAL, inclusive */
    const char *help;    /* one sentence, no full stop; says what "" and 0 mean */
    size_t offset;       /* of its field in struct kn_config */
};

struct kn_config {
    /* all commands */
    const char *library; /* "": kinora under the XDG data folder */
    const char *models;  /* "": see models.h */
    bool json, verbose, quiet, help, version;
    /* ingest */
    int jobs;                                   /* speech workers; 0: one a core */
    int threads;                                /* of each worker; 0: 1 */
    int beam;                                   /* 0: greedy */
    double wait;                                /* seconds, for another writer */
    const char *language_hint;                  /* "": detect */
    const char *subtitle_language;              /* "es,en"; "": the film's */
    const char *speech_model, *embedding_model; /* names in the manifest; "": the defaults */
    const char *scorer;                         /* probe, lexicon, llm; "": the library's */
    const char *again;                          /* NAME to redo; "" none */
    double max_hours;                           /* 0: no limit */
    int nice;                                   /* added to the process's */
    double every;                               /* watch: seconds; 0: only where it must */
    const char *retry;                          /* "failed"; "" none */
    const char *set_language;                   /* of the title to redo; "auto"; "" as it is */
    double recall;                              /* .5..1 */
    /* answers */
    int limit;                             /* 0: the command's own default */
    const char *language;                  /* same, any, or a list; "": the command's own default */
    const char *weights;                   /* "0.7,0.3" */
    const char *rank;                      /* mood, uplift */
    const char *candidates;                /* both, meaning, words */
    struct kn_texts like, unlike, exclude; /* NAMEs */
    const char *text;                      /* to be like; "" none */
    const char *strategy;                  /* average_vector, best_score */
    const char *year, *duration;           /* "1990..1999"; minutes; "": any */
    const char *genre;                     /* "Drama,Western"; "": any */
    bool strict;
    double diversity;  /* 0..1 */
    const char *state; /* list: only this state; "" all */
    /* eval */
    const char *labels;  /* genres, or a file; "" none */
    const char *against; /* another embedding model; "" none */
    int sample;          /* titles asked for; 0: all */
    /* export, backup */
    const char *format; /* notebook, srt, vtt */
    const char *into;   /* folder of subtitle files; "": beside the films */
    bool force;
    /* keeping a library */
    bool yes, repair;
    /* sharing */
    bool all, swap;
    /* serve */
    const char *listen;            /* "127.0.0.1:7878" */
    struct kn_texts allow_hosts;   /* names in Host besides the address's own */
    struct kn_texts allow_folders; /* that the API may take in */
    const char *access_log;        /* a file; "-": standard error */
    const char *token_file;        /* "": KINORA_TOKEN, or what kinora token made */
    /* token */
    bool new_token; /* in place of the one that is there */
    /* models */
    const char *source; /* address or folder instead of the manifest's; "" none */

    /* a cluster */
    struct kn_qdrant_options qdrant;
    const char
        *qdrant_api_key_file; /* read by kn_config_load into qdrant.api_key, if that is empty */

    struct kn_arena *arena; /* holds the texts */
};

const struct kn_option *kn_config_options(size_t *n);

/* Defaults, file, environment. Texts live until kn_config_free; on failure there is nothing to free.
 * KN_EARG names the setting, where it was set, what was wrong with it and what is allowed. */
int kn_config_load(struct kn_config *c, struct kn_err *err);

/* One flag's value (text NULL for a flag of kind FLAG: on; a LIST gets one more); origin is for the message ("--limit").
 * KN_EARG, with the field as it was. */
int kn_config_set(struct kn_config *c, const struct kn_option *o, const char *text,
                  const char *origin, struct kn_err *err);
void kn_config_free(struct kn_config *c);

/* "0.7,0.3" -> two finite numbers, not negative, not both 0. KN_EARG. */
int kn_config_weights(const char *text, double *similarity, double *opinion, struct kn_err *err);

/* "1990..1999", "1990..", "..1999" or "1994" -> both ends, from least to most; an open end becomes 0, and "" both. option, as
 * "--year", is for the message. KN_EARG. */
int kn_config_range(const char *option, const char *text, double least, double most, double *from,
                    double *to, struct kn_err *err);

/* Language tags, parted by commas or spaces, at least one: "es,en", and the words same and any. KN_EARG. */
int kn_config_languages(const char *text, struct kn_err *err);

/* Where Kinora keeps what is its own: kinora under XDG_DATA_HOME, else under ~/.local/share. Appends.
 * KN_EARG when neither that nor HOME is set. */
int kn_config_data_dir(struct kn_buf *out, struct kn_err *err);

/* Where it keeps what only `kinora serve` needs: kinora under XDG_STATE_HOME, else under ~/.local/state. Likewise. */
int kn_config_state_dir(struct kn_buf *out, struct kn_err *err);

/* The configuration file, whether there or not: KINORA_CONFIG, else kinora/config.ini under
 * XDG_CONFIG_HOME, else under ~/.config. Appends; nothing at all where HOME is not set either. */
int kn_config_file(struct kn_buf *out, struct kn_err *err);

#endif
