/* kinora - the command line: flags, settings, one command, an exit code. */
#include "cli.h"

#include "base/err.h"
#include "base/log.h"

#include <getopt.h>
#include <malloc.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <stdlib.h>

enum {
    MAX_OPTIONS = 128,
    LONG_ONLY = 256,       /* getopt_long's value of the i-th option is LONG_ONLY + i */
    MAX_PRINTED = 1 << 30, /* bytes */
};

/* A flag as it stood on the command line: applied only after the file and the environment, which it overrides. */
struct flag {
    const struct kn_option *option;
    const char *text;
};

struct line {
    struct flag *flags; /* room for argc */
    size_t n;
};

static void build_getopt(struct option *longs, char *shorts)
{
    size_t n, s = 0, l = 0;
    const struct kn_option *o = kn_config_options(&n);

    shorts[s++] = ':'; /* tell a missing value from an unknown flag */
    for (size_t i = 0; i < n && i < MAX_OPTIONS; i++) {
        if (!o[i].commands)
            continue; /* a setting only */
        longs[l++] = (struct option){o[i].name, o[i].arg ? required_argument : no_argument, NULL,
                                     LONG_ONLY + (int)i};
        if (!o[i].letter)
            continue;
        shorts[s++] = o[i].letter;
        if (o[i].arg)
            shorts[s++] = ':';
    }
    shorts[s] = '\0';
}

static const struct kn_option *option_of(int value)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    if (value >= LONG_ONLY)
        return &o[value - LONG_ONLY];
    for (size_t i = 0; i < n; i++) {
        if (o[i].letter == value)
            return &o[i];
    }
    return NULL;
}

/* What is wrong with the flag that getopt_long stopped at. */
static int bad_flag(struct kn_cli *cli, int answer, char *const *argv)
{
    const struct kn_option *o = optopt ? option_of(optopt) : NULL;

    if (answer == ':')
        return kn_cli_wrong_use(cli, "%s wants a value, %s", argv[optind - 1],
                                o ? o->arg : "behind it");
    if (o)
        return kn_cli_wrong_use(cli, "--%s takes no value", o->name);
    if (optopt)
        return kn_cli_wrong_use(cli, "there is no flag -%c", optopt);
    return kn_cli_wrong_use(cli, "there is no flag %s, or more than one begins so",
                            argv[optind - 1]);
}

/* Flags may stand before and behind the command: getopt_long moves them to the front. */
static int parse(struct kn_cli *cli, struct line *line, int argc, char **argv)
{
    struct option longs[MAX_OPTIONS + 1] = {0};
    char shorts[2 * MAX_OPTIONS + 2];
    int c;

    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        cli->config.json |= strcmp(argv[i], "--json") == 0; /* for what goes wrong before the end */
    build_getopt(longs, shorts);
    opterr = 0;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct kn_option *o = c == '?' || c == ':' ? NULL : option_of(c);

        if (!o)
            return bad_flag(cli, c, argv);
        line->flags[line->n++] = (struct flag){o, optarg};
    }
    cli->args = argv + optind;
    cli->n_args = (size_t)(argc - optind);
    return 0;
}

static bool has_flag(const struct line *line, const char *name)
{
    for (size_t i = 0; i < line->n; i++) {
        if (strcmp(line->flags[i].option->name, name) == 0)
            return true;
    }
    return false;
}

static int print_version(const struct kn_cli *cli)
{
    if (cli->config.json)
        puts("{\"version\":\"" KINORA_VERSION "\"}");
    else
        puts("kinora " KINORA_VERSION);
    return KN_EXIT_DONE;
}

/* kinora help [TOPIC], kinora COMMAND --help. */
static int print_help(struct kn_cli *cli, const char *topic)
{
    const struct kn_command *command = topic ? kn_command_find(topic) : NULL;

    if (!topic || strcmp(topic, "help") == 0)
        kn_help_overview(stdout);
    else if (command)
        kn_help_command(command, stdout);
    else if (strcmp(topic, "settings") == 0)
        kn_help_settings(stdout);
    else
        return kn_cli_wrong_use(cli, "there is no help on '%s'", topic);
    return KN_EXIT_DONE;
}

/* --language is not the same to ingest and to search. */
static const struct kn_option *meant(const struct kn_option *given, unsigned bit)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    for (size_t i = 0; i < n; i++) {
        if ((o[i].commands & bit) && strcmp(o[i].name, given->name) == 0)
            return &o[i];
    }
    return NULL;
}

static int apply(struct kn_cli *cli, const struct line *line)
{
    bool json = cli->config.json;
    struct kn_err err;

    if (kn_config_load(&cli->config, &err)) /* nobody's use of it makes memory run out */
        return kn_cli_fail_with(cli, &err, kn_err_is_memory(&err) ? KN_EXIT_FAILED : KN_EXIT_USE,
                                NULL, NULL);
    cli->config.json |= json;
    for (size_t i = 0; i < line->n; i++) {
        const struct kn_option *o = meant(line->flags[i].option, cli->command->bit);
        char origin[64];

        snprintf(origin, sizeof origin, "--%s", line->flags[i].option->name);
        if (!o)
            return kn_cli_wrong_use(cli, "%s takes no %s", cli->command->name, origin);
        if (o->commands != KN_FOR_ALL && (o->commands & KN_FOR_RECOMMEND))
            cli->of_answers = o->name;
        if (kn_config_set(&cli->config, o, line->flags[i].text, origin, &err))
            return kn_cli_wrong_use(cli, "%s", err.msg);
    }
    return 0;
}

static int run(struct kn_cli *cli, const struct line *line)
{
    const char *name = cli->n_args > 0 ? cli->args[0] : NULL, *what;
    int code;

    if (has_flag(line, "version"))
        return print_version(cli);
    if (name && strcmp(name, "help") == 0) {
        if (cli->n_args == 2 && strcmp(cli->args[1], "manual") == 0) {
            kn_help_manual(stdout);
            return KN_EXIT_DONE;
        }
        return print_help(cli, cli->n_args > 1 ? cli->args[1] : NULL);
    }
    if (has_flag(line, "help"))
        return print_help(cli, name);
    if (!name)
        return kn_cli_wrong_use(cli, "say what to do, such as ingest, recommend or list");
    cli->command = kn_command_find(name);
    if (!cli->command)
        return kn_cli_wrong_use(cli, "there is no command '%s'", name);
    cli->args++;
    cli->n_args--;
    what = cli->command->args + strspn(cli->command->args, "[");
    code = apply(cli, line);
    if (code)
        return code;
    if (cli->n_args < cli->command->min_args)
        return kn_cli_wrong_use(cli, "%s wants %s", name, cli->command->args);
    if (!*cli->command->args && cli->n_args > 0)
        return kn_cli_wrong_use(cli, "%s takes no '%s'", name, cli->args[0]);
    if (cli->command->max_args > 0 && cli->n_args > cli->command->max_args)
        return kn_cli_wrong_use(cli, "%s wants one %.*s: put it in quotes", name,
                                (int)strcspn(what, "]"), what);
    kn_log_set_level(cli->config.verbose ? KN_LOG_DEBUG
                     : cli->config.quiet ? KN_LOG_ERROR
                                         : KN_LOG_WARNING);
    return cli->command->run(cli);
}

/* As POSIX orders them. Where none is set, as in many containers, the terminal may well read UTF-8, and most do. */
static bool reads_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;

    for (size_t i = 0; i < 3 && !(locale && *locale); i++)
        locale = getenv(names[i]);
    return !locale || !*locale || strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
}

/* Colour as no-color.org has it. */
static struct kn_screen look_at(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    struct kn_screen s = {.terminal = isatty(fd), .utf8 = reads_utf8(), .width = 80};
    struct winsize size;

    if (s.terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        s.width = size.ws_col;
    s.colour = s.terminal && !(no_color && *no_color) && term && strcmp(term, "dumb");
    return s;
}

/* What is large goes back to the system when it is freed. By itself glibc raises the size from which on that
 * is so to 32 MB once such a block was freed, and keeps Whisper's buffers, which live for a window, in the
 * heap of each thread that ever heard one: 100 MB and more (bench/RESULTS.md). 256 KiB is what each question takes for its sums
 * (index/sparse.c): that stays. */
static void give_memory_back(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 320 << 10);
#endif
}

int main(int argc, char **argv)
{
    struct kn_cli cli = {.out = look_at(STDOUT_FILENO), .err = look_at(STDERR_FILENO)};
    struct line line = {.flags = calloc((size_t)argc + 1, sizeof *line.flags)};
    int code = KN_EXIT_FAILED;

    give_memory_back();
    cli.arena = kn_arena_new(MAX_PRINTED);
    if (line.flags && cli.arena) {
        code = parse(&cli, &line, argc, argv);
        if (!code)
            code = run(&cli, &line);
    } else {
        fputs("kinora: no memory\n", stderr);
    }
    kn_config_free(&cli.config);
    kn_arena_free(cli.arena);
    free(line.flags);
    if (fflush(stdout) || ferror(stdout)) {
        perror("kinora: write to standard output");
        code = KN_EXIT_FAILED;
    }
    return code;
}
