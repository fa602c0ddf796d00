#include "values.h"

#include "server/fields.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/unicode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TEXT = 1024 };

/* Arrays of room values, of which that of the kind is there. */
struct entry {
    struct kn_param param;
    size_t n, room;
    const char **texts;
    struct kn_id *ids;
    int64_t *integers;
    double *reals;
    bool *flags;
};

struct kn_values {
    struct entry *entries;
    size_t n;
};

/* ---- matching ---- */

static bool is_id(const char *s)
{
    struct kn_id id;

    return kn_id_parse(s, &id);
}

static bool fits(const char *pattern, const struct kn_target *t)
{
    for (size_t i = 0; i < t->n_segments; i++) {
        size_t n;

        if (*pattern++ != '/')
            return false;
        n = strcspn(pattern, "/");
        if (*pattern == '{') {
            if (!*t->segments[i] || (strncmp(pattern, "{id}", n) == 0 && !is_id(t->segments[i])))
                return false;
        } else if (strlen(t->segments[i]) != n || memcmp(pattern, t->segments[i], n) != 0) {
            return false;
        }
        pattern += n;
    }
    return !*pattern || (t->n_segments == 0 && strcmp(pattern, "/") == 0);
}

const struct kn_route *kn_route_match(const struct kn_route *routes, size_t n,
                                      const struct kn_target *target, int method, unsigned *allowed)
{
    const struct kn_route *found = NULL;

    *allowed = 0;
    for (size_t i = 0; i < n; i++) {
        if (!fits(routes[i].pattern, target))
            continue;
        *allowed |= 1u << routes[i].method;
        if (!found && (int)routes[i].method == method)
            found = &routes[i];
    }
    return found;
}

/* ---- making room ---- */

static int no_memory(struct kn_fault *f)
{
    return kn_err_memory(&f->err, "read the request: no memory");
}

static bool make_room(struct entry *e, size_t room, struct kn_arena *arena)
{
    e->room = room;
    switch (e->param.kind) {
    case KN_PARAM_TEXT:
        return (e->texts = kn_arena_array(arena, room, sizeof *e->texts)) != NULL;
    case KN_PARAM_INTEGER:
        return (e->integers = kn_arena_array(arena, room, sizeof *e->integers)) != NULL;
    case KN_PARAM_REAL:
        return (e->reals = kn_arena_array(arena, room, sizeof *e->reals)) != NULL;
    case KN_PARAM_FLAG:
        return (e->flags = kn_arena_array(arena, room, sizeof *e->flags)) != NULL;
    default:
        return (e->ids = kn_arena_array(arena, room, sizeof *e->ids)) != NULL;
    }
}

static size_t count(const struct kn_param *table)
{
    size_t n = 0;

    while (table && table[n].name)
        n++;
    return n;
}

static struct entry *find(const struct kn_values *v, size_t from, const char *name)
{
    for (size_t i = from; i < v->n; i++)
        if (strcmp(v->entries[i].param.name, name) == 0)
            return &v->entries[i];
    return NULL;
}

static const struct kn_param *param_of(const struct kn_param *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

/* ---- one value ---- */

static int wrong(struct kn_fault *f, const struct kn_param *p, const char *what)
{
    f->parameter = p->name;
    return kn_err_set(&f->err, KN_EARG, "%s: %s", p->name, what);
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);

    for (const char *c = choices; *c; c += strcspn(c, "|"), c += *c == '|')
        if (strcspn(c, "|") == n && memcmp(c, text, n) == 0)
            return true;
    return false;
}

static int add_text(struct entry *e, const char *text, struct kn_fault *f)
{
    const struct kn_param *p = &e->param;
    size_t most = p->max_bytes ? p->max_bytes : DEFAULT_TEXT;

    if (p->choices && !is_choice(p->choices, text)) {
        f->parameter = p->name;
        return kn_err_set(&f->err, KN_EARG, "%s: it is not one of %s", p->name, p->choices);
    }
    if (strlen(text) > most) {
        f->parameter = p->name;
        return kn_err_set(&f->err, KN_EARG, "%s: longer than %zu bytes", p->name, most);
    }
    e->texts[e->n++] = text;
    return KN_OK;
}

static int out_of_range(const struct kn_param *p, struct kn_fault *f)
{
    f->parameter = p->name;
    return kn_err_set(&f->err, KN_EARG, "%s: it is not from %g to %g", p->name, p->min, p->max);
}

static bool in_range(const struct kn_param *p, double v)
{
    return (p->min == 0 && p->max == 0) || (v >= p->min && v <= p->max);
}

static int add_integer(struct entry *e, int64_t v, struct kn_fault *f)
{
    if (!in_range(&e->param, (double)v))
        return out_of_range(&e->param, f);
    e->integers[e->n++] = v;
    return KN_OK;
}

static int add_real(struct entry *e, double v, struct kn_fault *f)
{
    if (!in_range(&e->param, v))
        return out_of_range(&e->param, f);
    e->reals[e->n++] = v;
    return KN_OK;
}

static int add_id(struct entry *e, const char *text, struct kn_fault *f)
{
    if (!kn_id_parse(text, &e->ids[e->n]))
        return wrong(f, &e->param, "it is not an id");
    e->n++;
    return KN_OK;
}

/* From the path or the query. */
static int add_written(struct entry *e, const char *text, struct kn_fault *f)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    char *end;
    double real;
    long long integer;

    if (e->n == e->room)
        return wrong(f, &e->param, "it is there more often than it may");
    switch (e->param.kind) {
    case KN_PARAM_TEXT:
        return add_text(e, text, f);
    case KN_PARAM_ID:
        return add_id(e, text, f);
    case KN_PARAM_INTEGER:
        errno = 0;
        integer = strtoll(text, &end, 10);
        if (strspn(text, "-0123456789") != strlen(text) || end == text || *end || errno)
            return wrong(f, &e->param, "it is not a whole number");
        return add_integer(e, integer, f);
    case KN_PARAM_REAL:
        real = strtod(text, &end);
        if (strspn(text, "+-.eE0123456789") != strlen(text) || end == text || *end ||
            !isfinite(real))
            return wrong(f, &e->param, "it is not a number");
        return add_real(e, real, f);
    default:
        if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
            return wrong(f, &e->param, "it is neither true nor false");
        e->flags[e->n++] = yes;
        return KN_OK;
    }
}

/* From a body: a value that gives back two different defaults has not the type that was asked for. */
static int add_json(struct entry *e, const struct kn_json *v, struct kn_fault *f)
{
    const char *text = kn_json_text_or(v, NULL);

    switch (e->param.kind) {
    case KN_PARAM_TEXT:
        return text ? add_text(e, text, f) : wrong(f, &e->param, "it is not text");
    case KN_PARAM_ID:
        return text ? add_id(e, text, f) : wrong(f, &e->param, "it is not an id");
    case KN_PARAM_INTEGER:
        if (kn_json_integer_or(v, 0) != kn_json_integer_or(v, 1))
            return wrong(f, &e->param, "it is not a whole number");
        return add_integer(e, kn_json_integer_or(v, 0), f);
    case KN_PARAM_REAL:
        if (isnan(kn_json_number_or(v, (double)NAN)))
            return wrong(f, &e->param, "it is not a number");
        return add_real(e, kn_json_number_or(v, 0), f);
    default:
        if (kn_json_bool_or(v, false) != kn_json_bool_or(v, true))
            return wrong(f, &e->param, "it is neither true nor false");
        e->flags[e->n++] = kn_json_bool_or(v, false);
        return KN_OK;
    }
}

/* ---- path, query, body ---- */

static int read_path(struct kn_values *v, const char *pattern, const struct kn_target *t,
                     struct kn_arena *arena, struct kn_fault *f)
{
    /* The page's route stands for targets of more segments than it has. */
    for (size_t i = 0; i < t->n_segments && *pattern == '/'; i++) {
        struct entry *e = &v->entries[v->n];
        size_t n;
        int rc;

        pattern++;
        n = strcspn(pattern, "/");
        if (*pattern == '{') {
            e->param.name = kn_arena_bytes(arena, pattern + 1, n - 2);
            if (!e->param.name)
                return no_memory(f);
            e->param.kind = strcmp(e->param.name, "id") == 0 ? KN_PARAM_ID : KN_PARAM_TEXT;
            if (!make_room(e, 1, arena))
                return no_memory(f);
            v->n++;
            rc = add_written(e, t->segments[i], f);
            if (rc)
                return rc;
        }
        pattern += n;
    }
    return KN_OK;
}

static int unknown(struct kn_fault *f, const char *name)
{
    f->parameter = name;
    return kn_err_set(&f->err, KN_EARG, "there is no parameter '%.100s' here", name);
}

static int read_query(struct kn_values *v, const struct kn_param *table, const struct kn_target *t,
                      struct kn_arena *arena, struct kn_fault *f)
{
    size_t from = v->n;

    for (size_t i = 0; i < t->n_query; i++) {
        const struct kn_param *p = param_of(table, t->query[i].name);
        struct entry *e;
        int rc;

        if (!p)
            return unknown(f, t->query[i].name);
        e = find(v, from, p->name);
        if (!e) {
            size_t most = p->most ? p->most : 1;

            e = &v->entries[v->n++];
            e->param = *p;
            if (!make_room(e, most < t->n_query ? most : t->n_query, arena))
                return no_memory(f);
        }
        rc = add_written(e, t->query[i].value, f);
        if (rc)
            return rc;
    }
    return KN_OK;
}

static int read_list(struct entry *e, const struct kn_json *value, struct kn_arena *arena,
                     struct kn_fault *f)
{
    size_t n = kn_json_length(value);
    int rc = KN_OK;

    if (!kn_json_is_array(value))
        return wrong(f, &e->param, "it is not an array");
    if (n > e->param.most)
        return wrong(f, &e->param, "it has more elements than it may");
    if (!make_room(e, n, arena))
        return no_memory(f);
    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = add_json(e, kn_json_at(value, i), f);
    return rc;
}

static int read_body(struct kn_values *v, const struct kn_param *table, const struct kn_json *json,
                     struct kn_arena *arena, struct kn_fault *f)
{
    const char *key;
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && (key = kn_json_key_at(json, i)); i++) {
        const struct kn_param *p = param_of(table, key);
        struct entry *e = &v->entries[v->n];

        if (!p) {
            key = kn_arena_text(arena, key); /* json goes before the fault is told */
            return key ? unknown(f, key) : no_memory(f);
        }
        v->n++;
        e->param = *p;
        if (p->most > 0)
            rc = read_list(e, kn_json_get(json, key), arena, f);
        else if (!make_room(e, 1, arena))
            rc = no_memory(f);
        else
            rc = add_json(e, kn_json_get(json, key), f);
    }
    return rc;
}

static int check_required(const struct kn_values *v, const struct kn_param *table,
                          struct kn_fault *f)
{
    for (; table && table->name; table++)
        if (table->required && !find(v, 0, table->name))
            return wrong(f, table, "it is missing");
    return KN_OK;
}

int kn_values_read(const struct kn_route *route, const struct kn_target *target,
                   const struct kn_json *json, struct kn_arena *arena, const struct kn_values **out,
                   struct kn_fault *fault)
{
    size_t most = target->n_segments + count(route->query) + count(route->body);
    struct kn_values *v = kn_arena_get(arena, sizeof *v);
    int rc;

    fault->parameter = NULL;
    if (v)
        v->entries = kn_arena_array(arena, most, sizeof *v->entries);
    if (!v || (most > 0 && !v->entries))
        return no_memory(fault);
    rc = read_path(v, route->pattern, target, arena, fault);
    if (rc == KN_OK)
        rc = read_query(v, route->query, target, arena, fault);
    if (rc == KN_OK)
        rc = read_body(v, route->body, json, arena, fault);
    if (rc == KN_OK)
        rc = check_required(v, route->query, fault);
    if (rc == KN_OK)
        rc = check_required(v, route->body, fault);
    if (rc == KN_OK)
        *out = v;
    return rc;
}

int kn_body_parse(struct kn_sv body, struct kn_json **out, struct kn_err *err)
{
    struct kn_json *json;
    struct kn_err why;
    int rc;

    if (kn_json_depth(body) > KN_LIMIT_DEPTH)
        return kn_err_set(err, KN_EARG, "the body is nested more than %d deep", KN_LIMIT_DEPTH);
    rc = kn_json_parse(body, "the body", &json, &why);
    if (rc)
        return kn_err_set(err, KN_EARG, "%s", why.msg);
    if (kn_json_is_array(json)) {
        kn_json_free(json);
        return kn_err_set(err, KN_EARG, "the body is not a JSON object");
    }
    *out = json;
    return KN_OK;
}

/* ---- what handlers ask ---- */

static const struct entry *entry_of(const struct kn_request *r, const char *name,
                                    enum kn_param_kind kind)
{
    const struct entry *e = find(r->values, 0, name);

    return e && e->n > 0 && e->param.kind == kind ? e : NULL;
}

const char *kn_request_text(const struct kn_request *r, const char *name, const char *otherwise)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_TEXT);

    return e ? e->texts[0] : otherwise;
}

int64_t kn_request_integer(const struct kn_request *r, const char *name, int64_t otherwise)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_INTEGER);

    return e ? e->integers[0] : otherwise;
}

double kn_request_real(const struct kn_request *r, const char *name, double otherwise)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_REAL);

    return e ? e->reals[0] : otherwise;
}

bool kn_request_flag(const struct kn_request *r, const char *name, bool otherwise)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_FLAG);

    return e ? e->flags[0] : otherwise;
}

const struct kn_id *kn_request_id(const struct kn_request *r, const char *name)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_ID);

    return e ? &e->ids[0] : NULL;
}

bool kn_request_has(const struct kn_request *r, const char *name)
{
    return find(r->values, 0, name) != NULL;
}

const char *const *kn_request_texts(const struct kn_request *r, const char *name, size_t *n)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_TEXT);

    *n = e ? e->n : 0;
    return e ? e->texts : NULL;
}

const struct kn_id *kn_request_ids(const struct kn_request *r, const char *name, size_t *n)
{
    const struct entry *e = entry_of(r, name, KN_PARAM_ID);

    *n = e ? e->n : 0;
    return e ? e->ids : NULL;
}
