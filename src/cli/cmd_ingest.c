/* kinora ingest DIR... */
#include "cli.h"

#include "base/err.h"
#include "base/unicode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct places { /* what to look through */
    const char *const *roots;
    size_t n;
};

/* A path as the file system has it, in the arena. */
static const char *unescaped(struct kn_cli *cli, const char *path, struct kn_err *err)
{
    struct kn_buf b;
    const char *copy = NULL;

    kn_buf_init(&b, 64 << 10);
    if (kn_unescape_path(kn_sv_of(path), &b, err) == KN_OK) {
        copy = kn_arena_text(cli->arena, b.data);
        if (!copy)
            kn_err_set(err, KN_ELIMIT, "no memory for the path '%s'", path);
    }
    kn_buf_free(&b);
    return copy;
}

/* Where these titles were found before, and still are: a file that is gone must not end the run. */
static int places_of(struct kn_cli *cli, const struct kinora_titles *titles, struct places *out,
                     struct kn_err *err)
{
    const char **roots;
    size_t n = 0;

    for (size_t i = 0; i < titles->n; i++)
        n += titles->titles[i].n_paths;
    roots = kn_arena_array(cli->arena, n + 1, sizeof *roots);
    if (!roots)
        return kn_err_set(err, KN_ELIMIT, "no memory for %zu paths", n);
    n = 0;
    for (size_t i = 0; i < titles->n; i++) {
        for (size_t j = 0; j < titles->titles[i].n_paths; j++) {
            const char *path = unescaped(cli, titles->titles[i].paths[j], err);

            if (!path)
                return err->code;
            if (access(path, F_OK) == 0)
                roots[n++] = path;
        }
    }
    *out = (struct places){roots, n};
    return KN_OK;
}

static int no_file_of(struct kn_cli *cli)
{
    struct kn_err err;

    kn_err_set(&err, KN_ENOTFOUND, "ingest --again '%s': no file of it is there any more",
               cli->config.again);
    return kn_cli_fail(cli, &err);
}

struct kinora_ingest_options kn_cli_ingest_options(const struct kn_cli *cli,
                                                   const char *const *roots, size_t n)
{
    const struct kn_config *c = &cli->config;

    return (struct kinora_ingest_options){.roots = roots,
                                          .n_roots = n,
                                          .jobs = c->jobs,
                                          .threads = c->threads,
                                          .beam = c->beam,
                                          .language_hint = c->language_hint,
                                          .max_seconds = 3600 * c->max_hours,
                                          .scorer = c->scorer,
                                          .subtitle_language = c->subtitle_language};
}

void kn_cli_be_nice(const struct kn_cli *cli)
{
    errno = 0;
    if (cli->config.nice > 0 && nice(cli->config.nice) < 0 && errno)
        fprintf(stderr, "kinora: --nice %d: %s\n", cli->config.nice, strerror(errno));
}

/* The language of an imported text is set where it lies. */
static bool needs_no_file(const struct kn_cli *cli, const struct kn_title *title)
{
    return *cli->config.set_language && strcmp(title->words_from, "import") == 0;
}

static int run(struct kn_cli *cli, struct kinora *k, const struct places *places,
               const struct kn_id *again)
{
    struct kinora_ingest_options options = kn_cli_ingest_options(cli, places->roots, places->n);
    struct kn_progress *progress = kn_progress_new(cli, "file");
    struct kinora_summary summary = {0};
    struct kn_err err;
    int rc;

    if (!progress) {
        kn_err_set(&err, KN_ELIMIT, "ingest: no memory");
        return kn_cli_fail(cli, &err);
    }
    options.retry_failed = *cli->config.retry;
    options.again = again;
    options.language = cli->config.set_language;
    kn_signals_catch(k);
    rc = kinora_ingest(k, &options, kn_progress_event, progress, &summary, &err);
    kn_signals_release();
    if (!rc || rc == KN_ECANCELLED)
        kn_progress_summary(progress, &summary, rc == KN_ECANCELLED);
    kn_progress_free(progress);
    if (rc == KN_EARG)
        return kn_cli_wrong_use(cli, "%s", err.msg);
    if (rc && rc != KN_ECANCELLED)
        return kn_cli_fail(cli, &err);
    if (!rc && places->n > 0 && summary.files == 0 && !cli->config.json)
        puts("Nothing to listen to: no film or recording lies there. Files are known by their "
             "extension, such as .mp4 or .mkv.");
    return rc ? KN_EXIT_FAILED : KN_EXIT_DONE;
}

static bool is_missing(const char *path)
{
    return access(path, F_OK) < 0 && errno == ENOENT;
}

/* One of several places that is not there must not keep the others from being taken in. */
static int split_given(struct kn_cli *cli, struct places *there, struct places *missing,
                       struct kn_err *err)
{
    const char **some = kn_arena_array(cli->arena, cli->n_args + 1, sizeof *some);
    const char **none = kn_arena_array(cli->arena, cli->n_args + 1, sizeof *none);
    size_t n = 0, m = 0;

    if (!some || !none)
        return kn_err_set(err, KN_ELIMIT, "no memory for %zu paths", cli->n_args);
    for (size_t i = 0; i < cli->n_args; i++) {
        if (is_missing(cli->args[i]))
            none[m++] = cli->args[i];
        else
            some[n++] = cli->args[i];
    }
    *there = (struct places){some, n};
    *missing = (struct places){none, m};
    return KN_OK;
}

static int tell_missing(struct kn_cli *cli, const struct places *missing, int code)
{
    for (size_t i = 0; i < missing->n; i++) {
        struct kn_err err;
        int failed;

        kn_err_set(&err, KN_ENOTFOUND, "read '%s': %s; check the path", missing->roots[i],
                   strerror(ENOENT));
        failed = kn_cli_fail(cli, &err);
        code = code ? code : failed;
    }
    return code;
}

/* given: those that are there, or none: then the places of the titles to be redone. Then the run. */
static int ingest(struct kn_cli *cli, struct kinora *k, const struct places *given)
{
    struct places places = *given;
    struct kinora_titles *again = NULL, *failed = NULL;
    struct kn_err err;
    int code = 0, rc = KN_OK;

    if (*cli->config.again)
        code = kn_cli_find(cli, k, cli->config.again, &again);
    if (code)
        return code;
    if (places.n == 0 && again)
        rc = places_of(cli, again, &places, &err);
    else if (places.n == 0)
        rc = kinora_list(k, "failed", &failed, &err);
    if (!rc && failed)
        rc = places_of(cli, failed, &places, &err);
    if (rc)
        code = kn_cli_fail(cli, &err);
    else if (again && places.n == 0 && !needs_no_file(cli, &again->titles[0]))
        code = no_file_of(cli);
    else
        code = run(cli, k, &places, again ? &again->titles[0].id : NULL);
    kinora_titles_free(failed);
    kinora_titles_free(again);
    return code;
}

int kn_cmd_ingest(struct kn_cli *cli)
{
    struct kinora_options options = kn_cli_options(cli);
    struct places given = {NULL, 0}, missing = {NULL, 0};
    struct kinora *k;
    struct kn_err err;
    int code;

    if (cli->n_args == 0 && !*cli->config.again && !*cli->config.retry)
        return kn_cli_wrong_use(cli, "ingest wants DIR, a folder of films");
    if (*cli->config.set_language && !*cli->config.again)
        return kn_cli_wrong_use(cli, "--language goes with --again NAME; for all that a run hears "
                                     "there is --language-hint");
    if (split_given(cli, &given, &missing, &err))
        return kn_cli_fail(cli, &err);
    if (given.n == 0 && missing.n > 0) /* before a library is made for nothing */
        return tell_missing(cli, &missing, 0);
    kn_cli_be_nice(cli);
    options.write = true;
    if (kinora_open(&options, &k, &err))
        return kn_cli_fail(cli, &err);
    code = ingest(cli, k, &given);
    kn_cli_close(k);
    return tell_missing(cli, &missing, code);
}
