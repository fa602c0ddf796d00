#include "json.h"

#include "base/err.h"
#include "base/unicode.h"

#include <kinora/types.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- writing ---- */

static void add_quoted(struct kn_buf *out, struct kn_sv s)
{
    kn_buf_add(out, "\"", 1, NULL);
    for (size_t i = 0, run = 0; i <= s.n; i++) {
        unsigned char c = i < s.n ? (unsigned char)s.p[i] : '"';

        if (c != '"' && c != '\\' && c >= 0x20)
            continue;
        kn_buf_add(out, s.p + run, i - run, NULL);
        run = i + 1;
        if (i == s.n)
            break;
        if (c == '\n')
            kn_buf_add(out, "\\n", 2, NULL);
        else if (c < 0x20)
            kn_buf_addf(out, NULL, "\\u%04x", c);
        else
            kn_buf_addf(out, NULL, "\\%c", c);
    }
    kn_buf_add(out, "\"", 1, NULL);
}

static void add_text(struct kn_buf *out, const char *text)
{
    struct kn_sv s = kn_sv_of(text);
    struct kn_buf repaired;

    if (kn_utf8_valid(s)) {
        add_quoted(out, s);
        return;
    }
    kn_buf_init(&repaired, out->max);
    if (kn_utf8_repair(s, &repaired, NULL))
        out->failed = true;
    add_quoted(out, (struct kn_sv){repaired.data, repaired.n});
    kn_buf_free(&repaired);
}

static void before_value(struct kn_json_writer *w, const char *key)
{
    if (w->comma)
        kn_buf_add(w->out, ",", 1, NULL);
    if (key) {
        add_text(w->out, key);
        kn_buf_add(w->out, ":", 1, NULL);
    }
    w->comma = true;
}

static void add_value(struct kn_json_writer *w, const char *key, const char *value)
{
    before_value(w, key);
    kn_buf_adds(w->out, value, NULL);
}

void kn_json_begin_object(struct kn_json_writer *w, const char *key)
{
    add_value(w, key, "{");
    w->comma = false;
}

void kn_json_end_object(struct kn_json_writer *w)
{
    kn_buf_add(w->out, "}", 1, NULL);
    w->comma = true;
}

void kn_json_begin_array(struct kn_json_writer *w, const char *key)
{
    add_value(w, key, "[");
    w->comma = false;
}

void kn_json_end_array(struct kn_json_writer *w)
{
    kn_buf_add(w->out, "]", 1, NULL);
    w->comma = true;
}

void kn_json_string(struct kn_json_writer *w, const char *key, const char *value)
{
    if (!value) {
        kn_json_null(w, key);
        return;
    }
    before_value(w, key);
    add_text(w->out, value);
}

/* A program that called setlocale may have another decimal sign, of one byte or more. */
static void make_point(char *text)
{
    for (char *p = text; *p; p++)
        if (!strchr("0123456789+-e", *p)) {
            size_t sign = 1 + strcspn(p + 1, "0123456789");

            *p = '.';
            memmove(p + 1, p + sign, strlen(p + sign) + 1);
        }
}

void kn_json_number(struct kn_json_writer *w, const char *key, double value)
{
    char text[40];

    if (!isfinite(value)) {
        kn_json_null(w, key);
        return;
    }
    if (value == 0)
        value = 0; /* no "-0" */
    /* A number that so many digits or fewer tell apart is printed with its own by 15, without zeros behind them; below DBL_MIN doubles
     * have fewer. */
    for (int digits = fabs(value) < DBL_MIN ? 6 : DBL_DIG; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    make_point(text);
    add_value(w, key, text);
}

void kn_json_float(struct kn_json_writer *w, const char *key, float value)
{
    char text[40];

    if (!isfinite(value)) {
        kn_json_null(w, key);
        return;
    }
    /* 9 digits do for every float; a shorter one would cost more to find than it saves. */
    snprintf(text, sizeof text, "%.9g", (double)value);
    make_point(text);
    add_value(w, key, text);
}

void kn_json_rounded(struct kn_json_writer *w, const char *key, double value, int decimals)
{
    double unit = pow(10, decimals);

    kn_json_number(w, key, isfinite(value * unit) ? round(value * unit) / unit : value);
}

void kn_json_integer(struct kn_json_writer *w, const char *key, int64_t value)
{
    before_value(w, key);
    kn_buf_addf(w->out, NULL, "%lld", (long long)value);
}

void kn_json_bool(struct kn_json_writer *w, const char *key, bool value)
{
    add_value(w, key, value ? "true" : "false");
}

void kn_json_null(struct kn_json_writer *w, const char *key)
{
    add_value(w, key, "null");
}

void kn_json_known(struct kn_json_writer *w, const char *key, const char *s)
{
    kn_json_string(w, key, s && *s ? s : NULL);
}

void kn_json_seconds(struct kn_json_writer *w, const char *key, double seconds)
{
    kn_json_rounded(w, key, seconds, 3);
}

void kn_json_when(struct kn_json_writer *w, double start, double end)
{
    bool timed = kn_is_timed(start, end);

    kn_json_seconds(w, "start", timed ? start : (double)NAN);
    kn_json_seconds(w, "end", timed ? end : (double)NAN);
}

void kn_json_ids(struct kn_json_writer *w, const char *key, const char *ids)
{
    char kind[8], id[24];

    kn_json_begin_object(w, key);
    for (const char *at = ids; sscanf(at, "%7[^:]:%23[^ ]", kind, id) == 2;) {
        kn_json_string(w, kind, id);
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    kn_json_end_object(w);
}

/* ---- reading: struct kn_json is Jansson's json_t under a name of ours ---- */

enum { MAX_DOCUMENT = 64 << 20 };

static const json_t *tree(const struct kn_json *v)
{
    return (const json_t *)v;
}

static const struct kn_json *value(const json_t *v)
{
    return (const struct kn_json *)v;
}

int kn_json_parse(struct kn_sv text, const char *what, struct kn_json **out, struct kn_err *err)
{
    json_error_t why;
    json_t *root;

    if (text.n > MAX_DOCUMENT)
        return kn_err_set(err, KN_ELIMIT, "read %s: %zu bytes of JSON, more than the %d allowed",
                          what, text.n, MAX_DOCUMENT);
    root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return kn_err_set(err, KN_ECORRUPT, "read %s: not JSON at line %d, column %d: %s", what,
                          why.line, why.column, why.text);
    *out = (struct kn_json *)root;
    return KN_OK;
}

void kn_json_free(struct kn_json *root)
{
    json_decref((json_t *)root);
}

const struct kn_json *kn_json_get(const struct kn_json *v, const char *key)
{
    return value(json_object_get(tree(v), key));
}

const struct kn_json *kn_json_at(const struct kn_json *v, size_t i)
{
    return value(json_array_get(tree(v), i));
}

size_t kn_json_length(const struct kn_json *v)
{
    return json_is_array(tree(v)) ? json_array_size(tree(v)) : json_object_size(tree(v));
}

const char *kn_json_key_at(const struct kn_json *v, size_t i)
{
    json_t *object =
        (json_t *)(uintptr_t)v; /* Jansson's iterator is not const, but changes nothing */
    void *at = json_object_iter(object);

    for (; at && i > 0; i--)
        at = json_object_iter_next(object, at);
    return at ? json_object_iter_key(at) : NULL;
}

bool kn_json_is_null(const struct kn_json *v)
{
    return !v || json_is_null(tree(v));
}

bool kn_json_is_array(const struct kn_json *v)
{
    return json_is_array(tree(v));
}

const char *kn_json_text_or(const struct kn_json *v, const char *otherwise)
{
    return json_is_string(tree(v)) ? json_string_value(tree(v)) : otherwise;
}

double kn_json_number_or(const struct kn_json *v, double otherwise)
{
    return json_is_number(tree(v)) ? json_number_value(tree(v)) : otherwise;
}

int64_t kn_json_integer_or(const struct kn_json *v, int64_t otherwise)
{
    return json_is_integer(tree(v)) ? json_integer_value(tree(v)) : otherwise;
}

bool kn_json_bool_or(const struct kn_json *v, bool otherwise)
{
    return json_is_boolean(tree(v)) ? json_is_true(tree(v)) : otherwise;
}

static int unwanted(const char *key, const char *wanted, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT, "JSON: \"%s\" is missing or is not %s", key, wanted);
}

int kn_json_want_text(const struct kn_json *v, const char *key, const char **out,
                      struct kn_err *err)
{
    const char *text = kn_json_text_or(kn_json_get(v, key), NULL);

    if (!text)
        return unwanted(key, "text", err);
    *out = text;
    return KN_OK;
}

int kn_json_want_number(const struct kn_json *v, const char *key, double *out, struct kn_err *err)
{
    const struct kn_json *number = kn_json_get(v, key);

    if (!json_is_number(tree(number)))
        return unwanted(key, "a number", err);
    *out = kn_json_number_or(number, 0);
    return KN_OK;
}

int kn_json_want_integer(const struct kn_json *v, const char *key, int64_t *out, struct kn_err *err)
{
    const struct kn_json *number = kn_json_get(v, key);

    if (!json_is_integer(tree(number)))
        return unwanted(key, "a whole number", err);
    *out = kn_json_integer_or(number, 0);
    return KN_OK;
}

int kn_json_want_numbers(const struct kn_json *v, const char *key, float *out, size_t n,
                         struct kn_err *err)
{
    const struct kn_json *numbers = kn_json_get(v, key);

    if (!json_is_array(tree(numbers)) || json_array_size(tree(numbers)) != n)
        return kn_err_set(err, KN_ECORRUPT, "JSON: \"%s\" is not an array of %zu numbers", key, n);
    for (size_t i = 0; i < n; i++)
        if (!json_is_number(tree(kn_json_at(numbers, i))))
            return kn_err_set(err, KN_ECORRUPT, "JSON: \"%s\"[%zu] is not a number", key, i);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)kn_json_number_or(kn_json_at(numbers, i), 0);
    return KN_OK;
}
