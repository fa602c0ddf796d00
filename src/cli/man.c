/* kinora.1 in mdoc, made from the same tables as the help, so that the two cannot tell different stories.
 * Printed by the hidden "kinora help manual"; the build keeps it as build/kinora.1. */
#include "cli.h"

#include <ctype.h>
#include <string.h>

#define RELEASED "November 24, 2026"

enum { FOLD = 76 }; /* mandoc's style wants lines of at most 80 bytes */

static void word(FILE *out, const char *s, size_t n)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", out);
    for (; n > 0; n--, s++) {
        if (*s == '\\')
            fputs("\\e", out);
        else if (*s == '-')
            fputs("\\-", out);
        else
            putc(*s, out);
    }
}

/* Text on lines of its own: nothing in it is taken for a request or an escape, a sentence begins a line. */
static void text(FILE *out, const char *s)
{
    size_t column = 0;

    while (*s) {
        size_t n = strcspn(s, " ");
        bool sentence = n > 0 && s[n - 1] == '.';

        if (column > 0 && column + 1 + n > FOLD) {
            putc('\n', out);
            column = 0;
        } else if (column > 0) {
            putc(' ', out);
        }
        word(out, s, n);
        column += n + 3; /* room for escapes */
        s += n;
        s += *s == ' ';
        if (sentence && *s) {
            putc('\n', out);
            column = 0;
        }
    }
}

static void line(FILE *out, const char *s)
{
    text(out, s);
    putc('\n', out);
}

static void synopsis(FILE *out)
{
    size_t n;
    const struct kn_command *c = kn_commands(&n);

    fputs(".Sh SYNOPSIS\n", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, ".Nm\n.Cm %s\n", c[i].name);
        if (*c[i].args) {
            fputs(".Ar ", out);
            line(out, c[i].args);
        }
        fputs(".Op Ar options\n", out);
    }
    fputs(".Nm\n.Cm help\n.Op Ar command\n.Nm\n.Fl -version\n", out);
}

static void commands(FILE *out)
{
    size_t n;
    const struct kn_command *c = kn_commands(&n);

    fputs(".Sh COMMANDS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, ".It Cm %s", c[i].name);
        if (*c[i].args) {
            fputs(" Ar ", out);
            text(out, c[i].args);
        }
        putc('\n', out);
        text(out, c[i].summary);
        fputs(".\n", out);
        for (size_t p = 0; p < KN_PARAGRAPHS && c[i].text[p]; p++) {
            fputs(".Pp\n", out);
            line(out, c[i].text[p]);
        }
    }
    fputs(".It Cm help Op Ar command\n"
          "Prints how to use a command;\n"
          ".Cm help settings\n"
          "lists the settings.\n"
          ".El\n",
          out);
}

/* "Of ingest and search." */
static void takers(FILE *out, const struct kn_option *o)
{
    size_t n, left = 0;
    const struct kn_command *c = kn_commands(&n);

    if (o->commands == KN_FOR_ALL)
        return;
    for (size_t i = 0; i < n; i++)
        left += (o->commands & c[i].bit) != 0;
    fputs("Of\n", out);
    for (size_t i = 0; i < n; i++) {
        if (!(o->commands & c[i].bit))
            continue;
        left--;
        fprintf(out, ".Cm %s%s\n", c[i].name, left ? "" : " .");
        if (left)
            fputs("and\n", out);
    }
}

static void meaning(FILE *out, const struct kn_option *o)
{
    text(out, o->help);
    fputs(".\n", out);
    if (*o->value) {
        fputs("Default:\n.Ql ", out);
        text(out, o->value);
        fputs(" .\n", out);
    }
    if (o->kind == KN_OPTION_INT || o->kind == KN_OPTION_REAL)
        fprintf(out, "From %g to %g.\n", o->min, o->max);
}

static void option(FILE *out, const struct kn_option *o)
{
    fputs(".It ", out);
    if (o->letter)
        fprintf(out, "Fl %c%s%s , ", o->letter, o->arg ? " Ar " : "", o->arg ? o->arg : "");
    fprintf(out, "Fl -%s", o->name);
    if (o->arg)
        fprintf(out, " Ar %s", o->arg);
    putc('\n', out);
    meaning(out, o);
    takers(out, o);
}

static void options(FILE *out)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    fputs(".Sh OPTIONS\n"
          "Options may stand before or behind the command.\n"
          "Those that name no command are taken by every one.\n"
          ".Bl -tag -width Ds\n",
          out);
    for (size_t i = 0; i < n; i++)
        if (o[i].commands)
            option(out, &o[i]);
    fputs(".El\n", out);
}

static void environment(FILE *out)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    fputs(".Sh ENVIRONMENT\n"
          "A variable stands above the configuration file and below a flag.\n"
          ".Bl -tag -width KINORA_EMBEDDING_MODEL\n"
          ".It Ev KINORA_CONFIG\n"
          "The configuration file; empty for none.\n"
          ".It Ev KINORA_DECODE\n"
          "The program kinora\\-decode, where it is not beside\n"
          ".Nm .\n",
          out);
    for (size_t i = 0; i < n; i++) {
        if (o[i].flag_only)
            continue;
        fputs(".It Ev KINORA_", out);
        for (const char *p = o[i].name; *p; p++)
            putc(*p == '-' ? '_' : toupper((unsigned char)*p), out);
        putc('\n', out);
        if (o[i].commands)
            fprintf(out, "As\n.Fl -%s ;\n%s.\n", o[i].name,
                    o[i].kind == KN_OPTION_FLAG ? "true or false" : "the same values");
        else
            meaning(out, &o[i]);
    }
    fputs(".It Ev NO_COLOR\n"
          "No colours, where it is not empty.\n"
          ".It Ev XDG_DATA_HOME , XDG_CONFIG_HOME\n"
          "Where data and configuration lie; by default\n"
          ".Pa ~/.local/share\n"
          "and\n"
          ".Pa ~/.config .\n"
          ".El\n",
          out);
}

static void files(FILE *out)
{
    fputs(".Sh FILES\n"
          ".Bl -tag -width Ds\n"
          ".It Pa ~/.config/kinora/config.ini\n"
          "Settings: lines of the form\n"
          ".Ql name = value ,\n"
          "with the names of the options; comments begin with\n"
          ".Ql \\&;\n"
          "or\n"
          ".Ql # .\n"
          "A name that is no setting is an error.\n"
          ".It Pa ~/.local/share/kinora\n"
          "The library, where no other is named:\n"
          ".Pa library.db\n"
          "is its content,\n"
          ".Pa index\n"
          "is derived from it and may be deleted.\n"
          ".It Pa ~/.local/share/kinora/models\n"
          "The model files, where none are beside the program.\n"
          ".El\n",
          out);
}

static void json(FILE *out)
{
    fputs(".Sh JSON\n"
          "With\n"
          ".Fl -json\n"
          "the answer is one object on one line; times are in seconds, what is not\n"
          "known is null, and these names stay as they are:\n"
          ".Bl -tag -width Ds\n"
          ".It Cm list\n"
          ".Ql titles :\n"
          "id, name, state, reason, language, duration, opinion, paths.\n"
          ".It Cm recommend\n"
          ".Ql query :\n"
          "id, name, language, duration, opinion, likes, unlikes, text;\n"
          ".Ql recommendations :\n"
          "rank, id, name, score, of_likeness, of_opinion, similarity, words, opinion,\n"
          "by_meaning, by_words, language, weak, also,\n"
          "evidence with query and match, each start, end, text.\n"
          ".It Cm show\n"
          "What\n"
          ".Cm list\n"
          "tells, and language_confidence, words_from, year, container, tracks, transcript,\n"
          ".Ql segments :\n"
          "start, end, text;\n"
          ".Ql moments :\n"
          "start, end, text, opinion.\n"
          ".It Cm search\n"
          ".Ql query :\n"
          "text;\n"
          ".Ql moments :\n"
          "rank, id, name, similarity, opinion, language, start, end, at, text;\n"
          "at is where the line in it begins that has most of the words.\n"
          ".It Cm models\n"
          ".Ql models :\n"
          "name, file, purpose, licence, bytes, sha256, default, present, path, sources.\n"
          ".It Cm doctor\n"
          "health, and\n"
          ".Ql findings :\n"
          "health, name, text.\n"
          ".It Cm ingest\n"
          "One line an event, and an object\n"
          ".Ql summary\n"
          "last.\n"
          ".El\n"
          ".Pp\n"
          "A failure is an object\n"
          ".Ql error\n"
          "with code and message.\n"
          "A byte of a path that is not UTF\\-8 is written as the character U+F700\n"
          "plus its value, which can be turned back.\n",
          out);
}

static void examples(FILE *out)
{
    size_t n;
    const struct kn_command *c = kn_commands(&n);

    fputs(".Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < n; i++) {
        for (size_t e = 0; e < KN_EXAMPLES && c[i].examples[e].command; e++) {
            fputs(".It Li ", out);
            for (const char *p = c[i].examples[e].command; *p; p++)
                fputs(*p == '"' ? "\\(dq" : *p == '-' ? "\\-" : (char[]){*p, '\0'}, out);
            putc('\n', out);
            line(out, c[i].examples[e].what);
        }
    }
    fputs(".El\n", out);
}

void kn_help_manual(FILE *out)
{
    fputs(".\\\" Made by \"kinora help manual\" from the program's own tables.\n"
          ".Dd " RELEASED "\n"
          ".Dt KINORA 1\n"
          ".Os\n"
          ".Sh NAME\n"
          ".Nm kinora\n"
          ".Nd find the films in a folder that belong together, from what is said in them\n",
          out);
    synopsis(out);
    fputs(".Sh DESCRIPTION\n"
          ".Nm\n"
          "listens to the films in a folder and answers what to watch after one of\n"
          "them, and why.\n"
          "Each film is kept in a library with its transcript, language,\n"
          "opinion and meaning.\n"
          "Nothing leaves the machine.\n",
          out);
    commands(out);
    options(out);
    environment(out);
    files(out);
    fputs(".Sh EXIT STATUS\n"
          ".Bl -tag -width Ds -compact\n"
          ".It 0\n"
          "Done.\n"
          "Films that cannot be read do not make an ingest fail.\n"
          ".It 1\n"
          "Failed, or ended by Ctrl\\-C.\n"
          ".It 2\n"
          "Wrong use; a NAME that several films have is one.\n"
          ".It 3\n"
          "Not found: a film, a library, a model, a folder.\n"
          ".El\n",
          out);
    json(out);
    examples(out);
}
