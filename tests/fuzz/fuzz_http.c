/* The server's own parsers over any bytes: the target with its query, header fields, a JSON body, and parameters read from both by a
 * table. The input is lines: target, Range, Host, Cookie, Accept, If-None-Match, a date, then the body. What is read must hold
 * what its header promises. clang -fsanitize=fuzzer; seeds/http. */
#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"
#include "server/fields.h"
#include "server/values.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct kn_param params[] = {
    {.name = "text", .kind = KN_PARAM_TEXT, .max_bytes = 64},
    {.name = "rank", .kind = KN_PARAM_TEXT, .choices = "mood|uplift"},
    {.name = "limit", .kind = KN_PARAM_INTEGER, .min = 1, .max = 100},
    {.name = "w", .kind = KN_PARAM_REAL},
    {.name = "strict", .kind = KN_PARAM_FLAG},
    {.name = "like", .kind = KN_PARAM_ID, .most = 3},
    {.name = "folders", .kind = KN_PARAM_TEXT, .most = 3},
    {0}};
static const struct kn_route routes[] = {
    {KN_GET, "/api/v1/titles", NULL, params, NULL, 0},
    {KN_POST, "/api/v1/recommend", NULL, params, params, 0},
    {KN_GET, "/api/v1/titles/{id}/similar", NULL, params, NULL, 0},
    {KN_GET, "/api/v1/{name}", NULL, NULL, NULL, 0},
    {KN_GET, "/", NULL, NULL, NULL, 0},
};

static void check_target(const struct kn_target *t)
{
    if (*t->path != '/' || strchr(t->path, '?'))
        abort();
    for (size_t i = 0; i < t->n_segments; i++)
        if (strpbrk(t->segments[i], "/\\\n\r") || strcmp(t->segments[i], "..") == 0 ||
            !kn_utf8_valid(kn_sv_of(t->segments[i])))
            abort();
    for (size_t i = 0; i < t->n_query; i++)
        if (!kn_utf8_valid(kn_sv_of(t->query[i].name)) ||
            !kn_utf8_valid(kn_sv_of(t->query[i].value)))
            abort();
}

static void check_values(const struct kn_route *route, const struct kn_target *t,
                         const struct kn_json *json, struct kn_arena *arena)
{
    struct kn_request r = {.arena = arena, .route = route};
    struct kn_fault fault;
    size_t n;

    if (kn_values_read(route, t, json, arena, &r.values, &fault)) {
        if (!*fault.err.msg)
            abort();
        return;
    }
    if (strlen(kn_request_text(&r, "text", "")) > 64 || kn_request_integer(&r, "limit", 1) < 1 ||
        kn_request_integer(&r, "limit", 1) > 100)
        abort();
    if (strcmp(kn_request_text(&r, "rank", "mood"), "mood") != 0 &&
        strcmp(kn_request_text(&r, "rank", "mood"), "uplift") != 0)
        abort();
    kn_request_ids(&r, "like", &n);
    if (n > 3)
        abort();
    kn_request_texts(&r, "folders", &n);
    if (n > 3 || (strstr(route->pattern, "{id}") && !kn_request_id(&r, "id")))
        abort();
}

static void check_fields(char *const *line)
{
    uint64_t first, last;
    struct kn_sv sv;
    time_t date;
    char text[KN_DATE_TEXT];

    if (kn_field_range(line[1], 1000, &first, &last) == KN_RANGE_PART &&
        (first > last || last >= 1000))
        abort();
    if (kn_field_host(line[2], &sv) && (sv.n == 0 || memchr(sv.p, '/', sv.n)))
        abort();
    if (kn_field_cookie(line[3], "kinora_session", &sv) && memchr(sv.p, ';', sv.n))
        abort();
    kn_field_accepts(line[4], "application/json");
    kn_field_encodings(line[4]);
    kn_field_is_json(line[4]);
    kn_field_etag_among(line[5], "\"x\"");
    kn_field_same_origin(line[5], line[2]);
    if (kn_field_date_parse(line[6], &date)) {
        kn_field_date_format(date, text);
        if (strcmp(text, line[6]) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct kn_arena *arena = kn_arena_new(64 << 20);
    char *text = kn_arena_bytes(arena, data, n), *line[8], *rest = text;
    struct kn_target target;
    struct kn_json *json = NULL;

    for (size_t i = 0; i < 7; i++) {
        line[i] = rest;
        rest += strcspn(rest, "\n");
        if (*rest)
            *rest++ = '\0';
    }
    check_fields(line);
    if (kn_body_parse((struct kn_sv){rest, strlen(rest)}, &json, NULL) == KN_OK &&
        kn_json_depth(kn_sv_of(rest)) > KN_LIMIT_DEPTH)
        abort();
    if (kn_target_parse(line[0], arena, &target, NULL) == KN_OK) {
        unsigned allowed;

        check_target(&target);
        check_values(&routes[sizeof routes / sizeof *routes - 1], &target, json,
                     arena); /* the page's */
        for (int m = KN_GET; m <= KN_POST; m++) {
            const struct kn_route *route =
                kn_route_match(routes, sizeof routes / sizeof *routes, &target, m, &allowed);

            if (route)
                check_values(route, &target, json, arena);
        }
    }
    kn_json_free(json);
    kn_arena_free(arena);
    return 0;
}
