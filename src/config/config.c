#include "config.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

#include <ctype.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_FILE = 1 << 20,
    MAX_TEXTS = 1 << 20,
    MAX_KEY = 8192,
    MAX_NAME = 64, /* of an environment variable */
};

/* inih, as Debian builds it, reads lines into 200 bytes and cuts longer ones in two without a word. */
enum { MAX_LINE = 197 };

/* ---- one value ---- */

static void *field(struct kn_config *c, const struct kn_option *o)
{
    return (char *)c + o->offset;
}

static int set_flag(struct kn_config *c, const struct kn_option *o, const char *text,
                    const char *origin, struct kn_err *err)
{
    static const char *const on[] = {"true", "yes", "on", "1"};
    static const char *const off[] = {"false", "no", "off", "0", ""};
    bool *flag = field(c, o);

    for (size_t i = 0; text && i < sizeof off / sizeof *off; i++) {
        if (strcasecmp(text, off[i]) == 0) {
            *flag = false;
            return KN_OK;
        }
    }
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        if (!text || strcasecmp(text, on[i]) == 0) {
            *flag = true;
            return KN_OK;
        }
    }
    return kn_err_set(err, KN_EARG, "%s: '%s' is neither true nor false", origin, text);
}

static int set_number(struct kn_config *c, const struct kn_option *o, const char *text,
                      const char *origin, struct kn_err *err)
{
    bool whole = o->kind == KN_OPTION_INT;
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end || !isfinite(v) || v < o->min || v > o->max || (whole && v != rint(v)))
        return kn_err_set(err, KN_EARG, "%s: '%s' is not a %snumber from %g to %g", origin, text,
                          whole ? "whole " : "", o->min, o->max);
    if (whole)
        *(int *)field(c, o) = (int)v;
    else
        *(double *)field(c, o) = v;
    return KN_OK;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);

    for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|') {
        if (strcspn(p, "|") == n && memcmp(p, text, n) == 0)
            return true;
    }
    return false;
}

static int set_text(struct kn_config *c, const struct kn_option *o, const char *text,
                    const char *origin, struct kn_err *err)
{
    char *copy;

    if (*text && o->choices && !is_choice(o->choices, text))
        return kn_err_set(err, KN_EARG, "%s: '%s' is not one of %s", origin, text, o->choices);
    copy = kn_arena_text(c->arena, text);
    if (!copy)
        return kn_err_memory(err, "%s: no room for its value", origin);
    *(const char **)field(c, o) = copy;
    return KN_OK;
}

static int add_text(struct kn_config *c, const struct kn_option *o, const char *text,
                    const char *origin, struct kn_err *err)
{
    struct kn_texts *list = field(c, o);
    const char **more;

    if (!*text)
        return kn_err_set(err, KN_EARG, "%s: it is empty", origin);
    more = kn_arena_array(c->arena, list->n + 1, sizeof *more); /* the old array stays there */
    if (more && list->n > 0)
        memcpy(more, list->text, list->n * sizeof *more);
    if (!more || !(more[list->n] = kn_arena_text(c->arena, text)))
        return kn_err_memory(err, "%s: no room for its value", origin);
    list->text = more;
    list->n++;
    return KN_OK;
}

int kn_config_set(struct kn_config *c, const struct kn_option *o, const char *text,
                  const char *origin, struct kn_err *err)
{
    switch (o->kind) {
    case KN_OPTION_FLAG:
        return set_flag(c, o, text, origin, err);
    case KN_OPTION_INT:
    case KN_OPTION_REAL:
        return set_number(c, o, text, origin, err);
    case KN_OPTION_LIST:
        return add_text(c, o, text, origin, err);
    default:
        return set_text(c, o, text, origin, err);
    }
}

/* ---- the file ---- */

struct reading {
    struct kn_config *config;
    const char *path;
    const char *rest; /* of the file's text */
    int line;
    bool failed;
    struct kn_err first;
};

static void complain(struct reading *r, const char *what)
{
    if (!r->failed)
        kn_err_set(&r->first, KN_EARG, "%s, line %d: %s", r->path, r->line, what);
    r->failed = true;
}

/* Hands inih one line without its indentation: by inih's rules an indented line goes on with the
 * value before it, so that a stray blank would silently overwrite a setting with its neighbour. */
static char *next_line(char *out, int cap, void *ctx)
{
    struct reading *r = ctx;
    size_t n;

    if (!*r->rest)
        return NULL;
    r->line++;
    r->rest += strspn(r->rest, " \t");
    n = strcspn(r->rest, "\n");
    if (n > MAX_LINE || n + 2 > (size_t)cap) {
        complain(r, "longer than 197 bytes; set it in the environment instead");
        r->rest += n + (r->rest[n] == '\n');
        return strcpy(out, "\n");
    }
    memcpy(out, r->rest, n);
    memcpy(out + n, "\n", 2);
    r->rest += n + (r->rest[n] == '\n');
    return out;
}

static const struct kn_option *find(const char *name)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(o[i].name, name) == 0)
            return &o[i];
    }
    return NULL;
}

static int one_setting(void *ctx, const char *section, const char *name, const char *value)
{
    struct reading *r = ctx;
    const struct kn_option *o = find(name);
    struct kn_err err;
    char text[128];

    if (*section) {
        snprintf(text, sizeof text, "section [%s]: settings stand without sections", section);
        complain(r, text);
    } else if (!o) {
        snprintf(text, sizeof text, "there is no setting '%s'; see kinora help settings", name);
        complain(r, text);
    } else if (o->flag_only) {
        snprintf(text, sizeof text, "'%s' can only be given as --%s", name, name);
        complain(r, text);
    } else if (kn_config_set(r->config, o, value, name, &err)) {
        complain(r, err.msg);
    }
    return 1;
}

static int load_file(struct kn_config *c, struct kn_err *err)
{
    struct kn_buf path, text;
    struct reading r = {.config = c};
    int rc, line;

    kn_buf_init(&path, MAX_TEXTS);
    kn_buf_init(&text, MAX_FILE);
    rc = kn_config_file(&path, err);
    if (rc || path.n == 0)
        goto out;
    if (!kn_fs_exists(path.data)) {
        if (getenv("KINORA_CONFIG"))
            rc = kn_err_set(err, KN_EARG, "KINORA_CONFIG: there is no file '%s'", path.data);
        goto out;
    }
    rc = kn_fs_read(path.data, &text, err);
    if (rc)
        goto out;
    r.path = path.data;
    r.rest = text.data;
    line = ini_parse_stream(next_line, &r, one_setting, &r);
    if (r.failed) {
        if (err)
            *err = r.first;
        rc = KN_EARG;
    } else if (line || strlen(text.data) != text.n) {
        rc = kn_err_set(err, KN_EARG, "%s, line %d: not of the form name = value", path.data,
                        line ? line : r.line + 1);
    }
out:
    kn_buf_free(&text);
    kn_buf_free(&path);
    return rc;
}

/* ---- the environment ---- */

static int load_environment(struct kn_config *c, struct kn_err *err)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);

    for (size_t i = 0; i < n; i++) {
        char name[MAX_NAME] = "KINORA_";
        size_t at = strlen(name);
        const char *value;
        int rc;

        if (o[i].flag_only)
            continue;
        for (const char *p = o[i].name; *p && at + 1 < sizeof name; p++)
            name[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        name[at] = '\0';
        value = getenv(name);
        if (!value)
            continue;
        rc = kn_config_set(c, &o[i], value, name, err);
        if (rc)
            return rc;
    }
    return KN_OK;
}

static int load_defaults(struct kn_config *c, struct kn_err *err)
{
    size_t n;
    const struct kn_option *o = kn_config_options(&n);
    int rc = KN_OK;

    for (size_t i = 0; i < n && !rc; i++)
        if (o[i].kind != KN_OPTION_LIST) /* which begins empty */
            rc = kn_config_set(c, &o[i], o[i].value, o[i].name, err);
    return rc;
}

static int load_api_key(struct kn_config *c, struct kn_err *err)
{
    struct kn_buf text;
    struct kn_sv key;
    int rc;

    if (!*c->qdrant_api_key_file || *c->qdrant.api_key)
        return KN_OK;
    kn_buf_init(&text, MAX_KEY);
    rc = kn_fs_read(c->qdrant_api_key_file, &text, err);
    key = kn_sv_trim((struct kn_sv){text.data, text.n});
    if (rc)
        rc = kn_err_wrap(err, KN_EARG, "qdrant-api-key-file");
    else if (key.n == 0)
        rc = kn_err_set(err, KN_EARG, "qdrant-api-key-file: '%s' is empty", c->qdrant_api_key_file);
    else if (!(c->qdrant.api_key = kn_arena_bytes(c->arena, key.p, key.n)))
        rc = kn_err_memory(err, "qdrant-api-key-file: no room for its value");
    kn_buf_free(&text);
    return rc;
}

int kn_config_load(struct kn_config *c, struct kn_err *err)
{
    struct kn_config fresh = {.arena = kn_arena_new(MAX_TEXTS)};
    int rc;

    if (!fresh.arena)
        return kn_err_memory(err, "settings: no memory");
    rc = load_defaults(&fresh, err);
    if (!rc)
        rc = load_file(&fresh, err);
    if (!rc)
        rc = load_environment(&fresh, err);
    if (!rc)
        rc = load_api_key(&fresh, err);
    if (rc)
        kn_config_free(&fresh);
    else
        *c = fresh;
    return rc;
}

void kn_config_free(struct kn_config *c)
{
    kn_arena_free(c->arena);
    c->arena = NULL;
}

/* ---- what values mean ---- */

static bool parse_weight(const char **p, char end, double *out)
{
    char *stop;

    *out = strtod(*p, &stop);
    if (stop == *p || *stop != end || !isfinite(*out) || *out < 0)
        return false;
    *p = stop + (end != '\0');
    return true;
}

int kn_config_weights(const char *text, double *similarity, double *opinion, struct kn_err *err)
{
    const char *p = text;
    double s, o;

    if (!parse_weight(&p, ',', &s) || !parse_weight(&p, '\0', &o) || (s == 0 && o == 0))
        return kn_err_set(
            err, KN_EARG,
            "--weights: '%s' is not two numbers like 0.7,0.3, neither below 0, not both 0", text);
    *similarity = s;
    *opinion = o;
    return KN_OK;
}

/* A number from least to most at *p, which is put behind it; nothing there is 0. */
static bool parse_end(const char **p, double least, double most, double *out)
{
    char *stop;

    *out = 0;
    if (!**p || strncmp(*p, "..", 2) == 0)
        return true;
    if (!isdigit((unsigned char)**p))
        return false;
    *out = strtod(*p, &stop);
    if (stop[-1] == '.' && *stop == '.') /* "1990..": strtod takes the first dot */
        stop--;
    *p = stop;
    return *out >= least && *out <= most;
}

int kn_config_range(const char *option, const char *text, double least, double most, double *from,
                    double *to, struct kn_err *err)
{
    const char *p = text;
    bool good, open;
    double a, b;

    good = parse_end(&p, least, most, &a);
    open = strncmp(p, "..", 2) == 0;
    b = a;
    if (open) {
        p += 2;
        good = good && parse_end(&p, least, most, &b);
    }
    if (!good || *p || (open && a == 0 && b == 0) || (a > 0 && b > 0 && a > b))
        return kn_err_set(err, KN_EARG,
                          "%s: '%s' is not a number from %g to %g, nor a range of them like A..B, "
                          "A.. or ..B",
                          option, text, least, most);
    *from = a;
    *to = b;
    return KN_OK;
}

int kn_config_languages(const char *text, struct kn_err *err)
{
    bool some = false, good = true;

    for (const char *p = text; *p; p++) {
        bool of_a_tag = isalnum((unsigned char)*p) || *p == '-';

        some |= of_a_tag;
        good &= of_a_tag || *p == ',' || *p == ' ';
    }
    if (!some || !good)
        return kn_err_set(err, KN_EARG,
                          "language '%s': give same, any, or tags such as en or es,en", text);
    return KN_OK;
}

/* The XDG base directory specification: a relative path in these variables is to be ignored. */
static bool xdg(const char *variable, const char *under_home, const char *rest, struct kn_buf *out)
{
    const char *dir = getenv(variable), *home = getenv("HOME");

    if (dir && dir[0] == '/')
        kn_buf_addf(out, NULL, "%s/%s", dir, rest);
    else if (home && home[0])
        kn_buf_addf(out, NULL, "%s/%s/%s", home, under_home, rest);
    else
        return false;
    return true;
}

int kn_config_data_dir(struct kn_buf *out, struct kn_err *err)
{
    if (!xdg("XDG_DATA_HOME", ".local/share", "kinora", out))
        return kn_err_set(
            err, KN_EARG,
            "where Kinora's data is: neither XDG_DATA_HOME nor HOME is set; give --library "
            "and --models, or set one");
    return kn_buf_ok(out, err);
}

int kn_config_state_dir(struct kn_buf *out, struct kn_err *err)
{
    if (!xdg("XDG_STATE_HOME", ".local/state", "kinora", out))
        return kn_err_set(
            err, KN_EARG,
            "where Kinora keeps its token: neither XDG_STATE_HOME nor HOME is set; set "
            "one, or give the token as KINORA_TOKEN or --token-file");
    return kn_buf_ok(out, err);
}

int kn_config_file(struct kn_buf *out, struct kn_err *err)
{
    const char *given = getenv("KINORA_CONFIG");

    if (given)
        kn_buf_adds(out, given, NULL);
    else
        xdg("XDG_CONFIG_HOME", ".config", "kinora/config.ini", out);
    return kn_buf_ok(out, err);
}
