#include "fields.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next element of a comma-separated list, trimmed; a comma within quotes parts nothing. */
static bool next_element(const char **rest, struct kn_sv *out)
{
    const char *p = *rest;
    bool quoted = false;

    while (*p == ',' || is_blank(*p))
        p++;
    if (!*p)
        return false;
    *out = (struct kn_sv){p, 0};
    for (; *p && (quoted || *p != ','); p++)
        quoted ^= *p == '"';
    out->n = (size_t)(p - out->p);
    *out = kn_sv_trim(*out);
    *rest = p;
    return true;
}

static bool same_text(struct kn_sv a, const char *b)
{
    return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

/* ---- ranges ---- */

static const char *number(const char *p, uint64_t *out)
{
    uint64_t v = 0;

    if (!isdigit((unsigned char)*p))
        return NULL;
    for (; isdigit((unsigned char)*p); p++) {
        uint64_t d = (uint64_t)(*p - '0');

        v = v > (UINT64_MAX - d) / 10 ? UINT64_MAX : v * 10 + d; /* past any end: the same */
    }
    *out = v;
    return p;
}

enum kn_range kn_field_range(const char *range, uint64_t size, uint64_t *first, uint64_t *last)
{
    uint64_t from = 0, to = UINT64_MAX;
    bool suffix;
    const char *p;

    if (!range || strncasecmp(range, "bytes=", 6) != 0)
        return KN_RANGE_WHOLE;
    p = range + 6;
    while (is_blank(*p))
        p++;
    suffix = *p == '-';
    if (!suffix)
        p = number(p, &from);
    if (!p || *p++ != '-')
        return KN_RANGE_WHOLE;
    if (suffix || isdigit((unsigned char)*p))
        p = number(p, &to);
    while (p && is_blank(*p))
        p++;
    if (!p || *p || (!suffix && to < from))
        return KN_RANGE_WHOLE;
    if (suffix) {
        from = to < size ? size - to : 0;
        if (to == 0)
            return KN_RANGE_UNSATISFIABLE;
        to = UINT64_MAX;
    }
    if (from >= size)
        return KN_RANGE_UNSATISFIABLE;
    *first = from;
    *last = to < size ? to : size - 1;
    return KN_RANGE_PART;
}

/* ---- conditions ---- */

bool kn_field_etag_among(const char *list, const char *etag)
{
    struct kn_sv one;

    if (!list)
        return false;
    while (next_element(&list, &one)) {
        if (one.n == 1 && *one.p == '*')
            return true;
        if (one.n > 2 && strncmp(one.p, "W/", 2) == 0) {
            one.p += 2;
            one.n -= 2;
        }
        if (kn_sv_eq(one, kn_sv_of(etag)))
            return true;
    }
    return false;
}

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void kn_field_date_format(time_t t, char out[KN_DATE_TEXT])
{
    struct tm tm = {0};

    gmtime_r(&t, &tm);
    snprintf(out, KN_DATE_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
             tm.tm_mday % 100, months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000,
             tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
}

bool kn_field_date_parse(const char *text, time_t *out)
{
    char month[4], again[KN_DATE_TEXT];
    struct tm tm = {0};
    time_t t;

    if (!text || strlen(text) != KN_DATE_TEXT - 1 ||
        sscanf(text + 5, "%2d %3s %4d %2d:%2d:%2d", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return false;
    while (tm.tm_mon < 12 && strcmp(months[tm.tm_mon], month) != 0)
        tm.tm_mon++;
    tm.tm_year -= 1900;
    t = timegm(&tm);
    kn_field_date_format(t, again); /* so no 31 February, no other day of the week */
    if (tm.tm_mon == 12 || strcmp(text, again) != 0)
        return false;
    *out = t;
    return true;
}

/* ---- negotiation ---- */

/* "text/html;q=0.5" -> "text/html", and whether q is above 0. */
static struct kn_sv without_parameters(struct kn_sv element, bool *taken)
{
    const char *p = memchr(element.p, ';', element.n), *end = element.p + element.n;
    struct kn_sv name = {element.p, p ? (size_t)(p - element.p) : element.n};

    *taken = true;
    for (; p; p = memchr(p, ';', (size_t)(end - p))) {
        p++;
        while (p < end && is_blank(*p))
            p++;
        if (end - p < 3 || (*p | 0x20) != 'q' || p[1] != '=')
            continue;
        *taken = false;
        for (p += 2; p < end && (isdigit((unsigned char)*p) || *p == '.'); p++)
            *taken |= *p >= '1' && *p <= '9';
    }
    return kn_sv_trim(name);
}

bool kn_field_accepts(const char *accept, const char *type)
{
    size_t major = strcspn(type, "/") + 1, best = 0;
    bool answer = false, taken, any = false;
    struct kn_sv one;

    while (accept && next_element(&accept, &one)) {
        struct kn_sv range = without_parameters(one, &taken);
        size_t fits = 0;

        any = true;
        if (same_text(range, type))
            fits = 3;
        else if (range.n == major + 1 && strncasecmp(range.p, type, major) == 0 &&
                 range.p[major] == '*')
            fits = 2;
        else if (same_text(range, "*/*"))
            fits = 1;
        if (fits > best) {
            best = fits;
            answer = taken;
        }
    }
    return !any || answer;
}

unsigned kn_field_encodings(const char *accept_encoding)
{
    unsigned named = 0, all = 0, seen = 0;
    struct kn_sv one;
    bool taken;

    while (accept_encoding && next_element(&accept_encoding, &one)) {
        struct kn_sv name = without_parameters(one, &taken);
        unsigned bit = same_text(name, "gzip") || same_text(name, "x-gzip") ? KN_ENCODING_GZIP
                       : same_text(name, "br")                              ? KN_ENCODING_BR
                                                                            : 0;

        seen |= bit;
        if (taken)
            named |= bit;
        if (taken && same_text(name, "*"))
            all = KN_ENCODING_GZIP | KN_ENCODING_BR;
    }
    return named | (all & ~seen);
}

/* ---- cookies, hosts, types ---- */

bool kn_field_cookie(const char *cookie, const char *name, struct kn_sv *out)
{
    size_t n = strlen(name);

    while (cookie && *cookie) {
        size_t length;

        while (is_blank(*cookie) || *cookie == ';')
            cookie++;
        length = strcspn(cookie, ";");
        if (strncmp(cookie, name, n) == 0 && cookie[n] == '=') {
            *out = kn_sv_trim((struct kn_sv){cookie + n + 1, length - n - 1});
            return true;
        }
        cookie += length;
    }
    return false;
}

bool kn_field_host(const char *host, struct kn_sv *out)
{
    struct kn_sv h = {host, 0};
    const char *p;

    if (!host)
        return false;
    if (*host == '[') {
        h.p++;
        h.n = strspn(h.p, "0123456789abcdefABCDEF:.");
        p = h.p + h.n;
        if (*p++ != ']')
            return false;
    } else {
        h.n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
        p = host + h.n;
    }
    if (h.n == 0 || (*p && (*p != ':' || p[1 + strspn(p + 1, "0123456789")])))
        return false;
    *out = h;
    return true;
}

bool kn_field_same_origin(const char *origin, const char *host)
{
    const char *at = strstr(origin, "://");

    return at && host && strcasecmp(at + 3, host) == 0;
}

bool kn_field_is_json(const char *content_type)
{
    struct kn_sv type, parameter;
    const char *semicolon;
    bool unused;

    if (!content_type)
        return false;
    type = without_parameters(kn_sv_of(content_type), &unused);
    if (!same_text(type, "application/json"))
        return false;
    semicolon = strchr(content_type, ';');
    if (!semicolon)
        return true;
    parameter = kn_sv_trim(kn_sv_of(semicolon + 1));
    return parameter.n == 0 || same_text(parameter, "charset=utf-8") ||
           same_text(parameter, "charset=\"utf-8\"");
}

size_t kn_json_depth(struct kn_sv text)
{
    size_t depth = 0, deepest = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{'))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return deepest;
}
