/* cli.h - what the commands share: the parsed command line, and how anything reaches the screen.
 *
 * One command is one file, cmd_NAME.c, with one function that returns the process's exit code, and one
 * entry in the table of commands.c, from which parsing, help and the manual are made. Commands speak to
 * Kinora through the public C API only; of its inside they use base/, config/ and the JSON writer.
 *
 * Output is text for people or, with --json, one JSON document on standard output. Standard error has
 * progress and complaints. Text that came from outside passes kn_text before it is printed. A program
 * that cannot get memory for what it prints ends: there is nobody to hand that failure to. */
#ifndef KN_CLI_CLI_H
#define KN_CLI_CLI_H

#include "base/arena.h"
#include "base/buf.h"
#include "config/config.h"
#include "net/json.h"

#include <kinora/kinora.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum kn_exit { KN_EXIT_DONE, KN_EXIT_FAILED, KN_EXIT_USE, KN_EXIT_NOT_FOUND };

struct kn_cli;

struct kn_example {
    const char *command, *what;
};

enum { KN_PARAGRAPHS = 4, KN_EXAMPLES = 4 };

struct kn_command {
    const char *name;
    unsigned bit;                            /* KN_FOR_* of its options */
    const char *args;                        /* "DIR..." */
    size_t min_args, max_args;               /* max 0: any number; args "": none */
    const char *summary;                     /* one line, no full stop */
    const char *text[KN_PARAGRAPHS];         /* NULL after the last */
    struct kn_example examples[KN_EXAMPLES]; /* command NULL after the last */
    int (*run)(struct kn_cli *cli);
};

const struct kn_command *kn_commands(size_t *n);
const struct kn_command *kn_command_find(const char *name); /* NULL: none */

int kn_cmd_ingest(struct kn_cli *cli);
int kn_cmd_recommend(struct kn_cli *cli);
int kn_cmd_list(struct kn_cli *cli);
int kn_cmd_show(struct kn_cli *cli);
int kn_cmd_search(struct kn_cli *cli);
int kn_cmd_models(struct kn_cli *cli);
int kn_cmd_doctor(struct kn_cli *cli);
int kn_cmd_import(struct kn_cli *cli);
int kn_cmd_export(struct kn_cli *cli);
int kn_cmd_eval(struct kn_cli *cli);
int kn_cmd_watch(struct kn_cli *cli);
int kn_cmd_forget(struct kn_cli *cli);
int kn_cmd_join(struct kn_cli *cli);
int kn_cmd_split(struct kn_cli *cli);
int kn_cmd_check(struct kn_cli *cli);
int kn_cmd_backup(struct kn_cli *cli);
int kn_cmd_serve(struct kn_cli *cli);
int kn_cmd_token(struct kn_cli *cli);

void kn_help_overview(FILE *out);
void kn_help_command(const struct kn_command *command, FILE *out);
void kn_help_settings(FILE *out);
void kn_help_manual(FILE *out); /* kinora.1, mdoc */

struct kn_screen {
    bool terminal, colour;
    bool utf8;    /* the locale is one of UTF-8, or none is set */
    size_t width; /* columns; 80 where it is no terminal */
};

struct kn_cli {
    const struct kn_command *command;
    struct kn_config config;
    char *const *args; /* behind the command */
    size_t n_args;
    const char *of_answers; /* a flag that was given and is of recommend too; NULL: none was */
    struct kn_screen out, err;
    struct kn_arena *arena; /* for what is printed */
};

/* ---- endings ---- */

/* Says what failed and gives the exit code: not found 3, anything else 1. extra (may be NULL) adds
 * members beside "error" to the JSON. */
int kn_cli_fail(struct kn_cli *cli, const struct kn_err *err);
int kn_cli_fail_with(struct kn_cli *cli, const struct kn_err *err, int code,
                     void (*extra)(struct kn_json_writer *w, const void *ctx), const void *ctx);
/* Wrong use: one line, and where to read how it is done. Gives 2. */
int kn_cli_wrong_use(struct kn_cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- common steps ---- */

struct kinora_options kn_cli_options(const struct kn_cli *cli);

/* What the settings say of an ingest of these folders. */
struct kinora_ingest_options kn_cli_ingest_options(const struct kn_cli *cli,
                                                   const char *const *roots, size_t n);

void kn_cli_be_nice(const struct kn_cli *cli); /* --nice; decoders inherit it */

/* How titles are ranked, as the options say that recommend and eval share. KN_EARG. */
int kn_cli_query(const struct kn_cli *cli, struct kinora_query *out, struct kn_err *err);

/* Opens the library for reading. Gives 0, or the exit code after having said why. */
int kn_cli_open(struct kn_cli *cli, struct kinora **out);

/* The same for writing, of a library that is there: none is made. */
int kn_cli_open_to_write(struct kn_cli *cli, struct kinora **out);

/* Findings as text or JSON; the exit code says whether one is bad. */
int kn_cli_report(struct kn_cli *cli, const struct kinora_report *r);

/* The one title that the user's NAME means; else lists what it may mean, and gives the exit code.
 * On 0, free *out. */
int kn_cli_find(struct kn_cli *cli, struct kinora *k, const char *name, struct kinora_titles **out);

/* ---- text ---- */

enum kn_style { KN_PLAIN, KN_BOLD, KN_DIM, KN_GOOD, KN_BAD, KN_WARN };

/* In the arena: safe to print (kn_printable). */
const char *kn_text(struct kn_cli *cli, const char *s);
const char *kn_format(struct kn_cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "00:12", "1:02:03"; "-" for none. */
const char *kn_time_text(struct kn_cli *cli, double seconds);
/* When something is said that goes from start to end, and what goes behind it; "" when that is not known. */
const char *kn_when_text(struct kn_cli *cli, double start, double end, const char *behind);
const char *kn_opinion_text(struct kn_cli *cli, double opinion); /* "+0.21"; "-" when not scored */
enum kn_style kn_opinion_style(double opinion);

/* Text in a style, where the screen has colours. */
void kn_put(FILE *f, const struct kn_screen *screen, enum kn_style style, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* s, folded at spaces to the screen's width, every line but the first behind indent spaces. The first starts
 * where the cursor is, taken to be at indent. lines: at most so many, the last ending in an
 * ellipsis where there is more; 0: all. Ends in a newline. */
void kn_put_wrapped(FILE *f, const struct kn_screen *screen, size_t indent, size_t lines,
                    const char *s);

size_t kn_text_fitting(const char *s, size_t columns); /* bytes of s that fit, whole characters */

/* As much of s as fits into so many columns, with an ellipsis for the rest. */
const char *kn_shorten(struct kn_cli *cli, const char *s, size_t columns);

/* ---- tables ---- */

struct kn_column {
    const char *head;
    bool right;   /* align to the right */
    bool shrinks; /* gives way when a terminal is too narrow, the last such column first */
};

struct kn_table; /* lives in the arena */

struct kn_table *kn_table_new(struct kn_cli *cli, const struct kn_column *columns, size_t n);
void kn_table_add(struct kn_table *t, enum kn_style style,
                  const char *text);     /* next cell; borrowed */
void kn_table_print(struct kn_table *t); /* to standard output */

/* ---- JSON ---- */

struct kn_document {
    struct kn_buf buf;
    struct kn_json_writer w;
};

void kn_document_begin(struct kn_document *d); /* opens the outermost object */
int kn_document_end(struct kn_document *d);    /* closes it, prints one line; gives the exit code */

void kn_json_name(struct kn_json_writer *w, const struct kn_title *t); /* id, name */
void kn_json_measures(struct kn_json_writer *w,
                      const struct kn_title *t); /* language, duration, opinion */
/* id, name, state, reason, language, duration, opinion, paths */
void kn_json_about(struct kn_json_writer *w, const struct kn_title *t);

/* ---- progress ---- */

/* Threads: one at a time, which may be another each time. Nothing here takes from the arena of the
 * command, or a long run would fill it.
 *
 * A line at the bottom of the terminal that is drawn over again, at most ten times a second; nothing where
 * standard error is no terminal. */
struct kn_status {
    struct kn_cli *cli;
    bool enabled, shown;
    double drawn; /* when */
};

void kn_status_begin(struct kn_status *s, struct kn_cli *cli);
size_t kn_status_room(const struct kn_status *s); /* columns for before and after together */
bool kn_status_due(const struct kn_status *s);    /* would a draw show? */
/* A bar for fraction 0..1 between before and after. */
void kn_status_draw(struct kn_status *s, const char *before, double fraction, const char *after);
void kn_status_clear(struct kn_status *s); /* so that other lines may be written */
void kn_status_end(struct kn_status *s);

struct kn_progress; /* of an ingest or an import */

struct kn_progress *kn_progress_new(struct kn_cli *cli, const char *thing); /* "file", "row" */
void kn_progress_free(struct kn_progress *p);
void kn_progress_event(void *progress, const struct kinora_event *e);
/* The run is over: failures, and what was done. */
void kn_progress_summary(struct kn_progress *p, const struct kinora_summary *s, bool cancelled);

/* ---- signals ---- */

/* From now on the first SIGINT or SIGTERM asks k (may be NULL) to end, and says so; the second ends the program. */
void kn_signals_catch(struct kinora *k);
void kn_signals_release(void);
bool kn_signals_seen(void);

#endif
