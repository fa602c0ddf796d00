/* Help for people, made from the tables of commands and settings. */
#include "cli.h"

#include <ctype.h>
#include <string.h>

/* The same on every screen, so that it can be compared and piped. */
static const struct kn_screen page = {.width = 80};

static void paragraph(FILE *out, size_t indent, const char *s)
{
    fprintf(out, "%*s", (int)indent, "");
    kn_put_wrapped(out, &page, indent, 0, s);
}

void kn_help_overview(FILE *out)
{
    size_t n;
    const struct kn_command *c = kn_commands(&n);

    fputs("Kinora finds the films in a folder that belong together, from what is said in them.\n\n"
          "  kinora COMMAND [OPTIONS]\n\n",
          out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-12s  %s\n", c[i].name, c[i].summary);
    fputs("  help          How to use a command: kinora help COMMAND\n\n"
          "Begin with\n\n"
          "  kinora ingest DIR         listen to the films in a folder\n"
          "  kinora recommend NAME     what to watch after one of them\n\n"
          "Exit codes: 0 done, 1 failed, 2 wrong use, 3 not found.\n"
          "Settings, and where they may be kept: kinora help settings.\n",
          out);
}

static void print_option(FILE *out, const struct kn_option *o)
{
    char head[64], text[256], letter[8] = "    ";
    size_t n;

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    n = (size_t)snprintf(head, sizeof head, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "",
                         o->arg ? o->arg : "");
    fputs(head, out);
    if (n > 28)
        fprintf(out, "\n%30s", "");
    else
        fprintf(out, "%*s", (int)(30 - n), "");
    if (*o->value && o->kind == KN_OPTION_TEXT)
        snprintf(text, sizeof text, "%s; by default %s", o->help, o->value);
    else
        snprintf(text, sizeof text, "%s", o->help);
    kn_put_wrapped(out, &page, 30, 0, text);
}

static void print_options(FILE *out, unsigned bit, bool global)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    for (size_t i = 0; i < n; i++) {
        if ((o[i].commands & bit) && (o[i].commands == KN_FOR_ALL) == global)
            print_option(out, &o[i]);
    }
}

static bool has_own_options(unsigned bit)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    for (size_t i = 0; i < n; i++) {
        if ((o[i].commands & bit) && o[i].commands != KN_FOR_ALL)
            return true;
    }
    return false;
}

void kn_help_command(const struct kn_command *c, FILE *out)
{
    fprintf(out, "%s.\n\n  kinora %s%s%s [OPTIONS]\n\n", c->summary, c->name, *c->args ? " " : "",
            c->args);
    for (size_t i = 0; i < KN_PARAGRAPHS && c->text[i]; i++) {
        paragraph(out, 0, c->text[i]);
        putc('\n', out);
    }
    if (has_own_options(c->bit)) {
        fputs("Options\n", out);
        print_options(out, c->bit, false);
        putc('\n', out);
    }
    fputs("Options of every command\n", out);
    print_options(out, c->bit, true);
    fputs("\nExamples\n", out);
    for (size_t i = 0; i < KN_EXAMPLES && c->examples[i].command; i++)
        fprintf(out, "  %s\n      %s\n", c->examples[i].command, c->examples[i].what);
}

void kn_help_settings(FILE *out)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    paragraph(
        out, 0,
        "Settings come from, the later the stronger: the defaults; lines \"name = value\" in the "
        "file that KINORA_CONFIG names, else in kinora/config.ini under the XDG configuration "
        "folder "
        "(~/.config); the environment; the flags of the command.");
    fputs("\n  name in the file     environment                 default\n", out);
    for (size_t i = 0; i < n; i++) {
        char name[64] = "KINORA_";
        size_t at = strlen(name);

        if (o[i].flag_only)
            continue;
        for (const char *p = o[i].name; *p && at + 1 < sizeof name; p++)
            name[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        name[at] = '\0';
        fprintf(out, "  %-19s  %-26s  %s\n", o[i].name, name, *o[i].value ? o[i].value : "-");
    }
    putc('\n', out);
    paragraph(out, 0,
              "KINORA_DECODE names the program kinora-decode where it is not beside kinora. "
              "NO_COLOR turns "
              "colours off.");
}
