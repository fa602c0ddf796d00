/* What a request must be before a handler sees it. */
#include "internal.h"

#include "server/fields.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char not_host[] =
    "this server is not known by that name; kinora serve --allow-host NAME makes it so";

static bool is(struct kn_sv host, const char *name)
{
    return host.n == strlen(name) && strncasecmp(host.p, name, host.n) == 0;
}

static bool is_address(struct kn_sv host)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char out[16];

    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

/* Rebinding makes a name of the attacker's stand for this address; it cannot make a browser send an address as Host. So where
 * every address is listened on, any is good. */
bool kn_guard_host(const struct kn_server *s, const char *host)
{
    struct kn_sv h;

    if (!kn_field_host(host, &h))
        return false;
    if (is(h, "localhost") || is(h, "127.0.0.1") || is(h, "::1") || is(h, s->host))
        return true;
    if (!*s->host && is_address(h))
        return true;
    for (size_t i = 0; i < s->n_allow_hosts; i++)
        if (is(h, s->allow_hosts[i]))
            return true;
    return false;
}

static bool too_often(struct kn_exchange *x, const char *seconds)
{
    kn_exchange_refuse(x, 429, "too many requests from this address");
    kn_reply_header(&x->reply, "Retry-After", seconds);
    return false;
}

static int method_of(const char *name)
{
    if (strcmp(name, "HEAD") == 0)
        return KN_GET;
    for (int m = 0; m < KN_METHODS; m++)
        if (strcmp(name, kn_method_name((enum kn_method)m)) == 0)
            return m;
    return KN_METHODS;
}

static bool tell_methods(struct kn_exchange *x, unsigned allowed)
{
    char text[64] = "OPTIONS";

    for (int m = 0; m < KN_METHODS; m++)
        if (allowed & 1u << m) {
            strcat(text, m == KN_GET ? ", GET, HEAD" : ", ");
            strcat(text, m == KN_GET ? "" : kn_method_name((enum kn_method)m));
        }
    if (strcmp(x->method, "OPTIONS") == 0)
        x->reply.status = 204;
    else
        kn_exchange_refuse(x, 405, "%s is not for this address; %s are", x->method, text);
    kn_reply_header(&x->reply, "Allow", text);
    return false;
}

static bool find_route(struct kn_exchange *x)
{
    struct kn_server *s = x->server;
    unsigned allowed = 0;
    int method = method_of(x->method);

    for (size_t i = 0; i < KN_APPS && !x->request.route; i++) {
        unsigned here;

        x->request.route =
            kn_route_match(s->apps[i].routes, s->apps[i].n_routes, &x->target, method, &here);
        x->request.app = s->apps[i].ctx;
        allowed |= here;
    }
    if (x->request.route)
        return true;
    if (allowed)
        return tell_methods(x, allowed);
    if (x->target.n_segments > 0 && strcmp(x->target.segments[0], "api") == 0)
        return kn_exchange_refuse(x, 404, "there is nothing at this address");
    if (method != KN_GET)
        return tell_methods(x, 1u << KN_GET);
    x->request.route = kn_core_page();
    x->request.app = s;
    return true;
}

static const char *query_of(const struct kn_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->target.n_query; i++)
        if (strcmp(x->target.query[i].name, name) == 0)
            return x->target.query[i].value;
    return NULL;
}

static bool is_signed(const struct kn_exchange *x)
{
    const char *until = query_of(x, "until"), *key = query_of(x, "key");

    return (x->request.route->flags & KN_ROUTE_SIGNED) && until && key &&
           kn_tokens_signed(x->server->tokens, x->target.path, strtoll(until, NULL, 10),
                            kn_sv_of(key), kn_clock_unix_ms() / 1000);
}

/* "http://127.0.0.1:7878", as the client has it: the Host was checked, and a reverse proxy that ends TLS says so. */
int kn_request_sign(const struct kn_request *r, const char *path, struct kn_buf *out,
                    struct kn_err *err)
{
    const struct kn_exchange *x = kn_exchange_of(r);
    const struct kn_tokens *tokens = x->server->tokens;
    const char *proto = kn_exchange_header(x, "X-Forwarded-Proto"),
               *host = kn_exchange_header(x, "Host");
    /* To the hour, so that the same answer stays the same. */
    int64_t until = (kn_clock_unix_ms() / 3600000 + KN_LIMIT_SIGNED_HOURS + 1) * 3600;
    char key[KN_SECRET_TEXT];
    int rc =
        kn_buf_addf(out, err, "%s://%s%s", proto && strcmp(proto, "https") == 0 ? proto : "http",
                    host ? host : "localhost", path);

    if (rc || !kn_tokens_needed(tokens))
        return rc;
    rc = kn_tokens_sign(tokens, path, until, key, err);
    return rc ? rc : kn_buf_addf(out, err, "?until=%lld&key=%s", (long long)until, key);
}

static bool check_token(struct kn_exchange *x)
{
    const struct kn_server *s = x->server;

    if ((x->request.route->flags & KN_ROUTE_PUBLIC) || !kn_tokens_needed(s->tokens) || is_signed(x))
        return true;
    /* The right one goes through whatever came before: behind a reverse proxy all have one address, and nobody there may lock
     * the others out. What a guess is up against is the token's length (token.c takes none below 16 characters). */
    if (kn_guard_signed_in(x))
        return true;
    if (kn_exchange_header(x, "Authorization") &&
        !kn_rate_ask(s->guesses, x->peer->address, kn_clock_now(), true)) {
        x->close = true; /* each further guess costs a connection */
        return too_often(x, "6");
    }
    kn_exchange_refuse(x, 401, "%s",
                       query_of(x, "key") ? "this address has come to its end, or was not made here"
                                          : "sign in, or send the token as Authorization: Bearer");
    kn_reply_header(&x->reply, "WWW-Authenticate", "Bearer realm=\"kinora\"");
    return false;
}

/* Another site's page can make a browser send a request here, with what the browser knows; it cannot make it lie about where
 * that came from. Programs send neither field. */
static bool check_origin(struct kn_exchange *x)
{
    const char *site = kn_exchange_header(x, "Sec-Fetch-Site"),
               *origin = kn_exchange_header(x, "Origin");

    if (x->request.route->method == KN_GET)
        return true;
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return kn_exchange_refuse(x, 403, "this came from another site's page");
    if (!site && origin && !kn_field_same_origin(origin, kn_exchange_header(x, "Host")))
        return kn_exchange_refuse(x, 403, "this came from another site's page");
    return true;
}

static bool announces_body(const struct kn_exchange *x)
{
    const char *length = kn_exchange_header(x, "Content-Length"),
               *transfer = kn_exchange_header(x, "Transfer-Encoding");

    return transfer || (length && strspn(length, "0") != strlen(length));
}

static bool check_types(struct kn_exchange *x)
{
    const struct kn_route *r = x->request.route;
    const char *length = kn_exchange_header(x, "Content-Length");

    if (!(r->flags & KN_ROUTE_ANY_TYPE) &&
        !kn_field_accepts(kn_exchange_header(x, "Accept"), "application/json"))
        return kn_exchange_refuse(x, 406, "this answers in application/json only");
    if (!x->has_body)
        return true;
    if (!r->body)
        return kn_exchange_refuse(x, 400, "this takes no body");
    if (!kn_field_is_json(kn_exchange_header(x, "Content-Type")))
        return kn_exchange_refuse(x, 415, "a body is application/json here");
    if (kn_exchange_header(x, "Content-Encoding"))
        return kn_exchange_refuse(x, 415,
                                  "a body is sent as it is here, without a Content-Encoding");
    if (length && strtoull(length, NULL, 10) > KN_LIMIT_BODY)
        return kn_exchange_refuse(x, 413, "a body has at most %d bytes", KN_LIMIT_BODY);
    return true;
}

static bool check_size(struct kn_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (!x->raw)
        return kn_exchange_refuse(x, 414, "an address has at most %d bytes", KN_LIMIT_TARGET);
    if (info && info->header_size > KN_LIMIT_HEADER)
        return kn_exchange_refuse(x, 431, "headers have at most %d bytes", KN_LIMIT_HEADER);
    return true;
}

static bool read_target(struct kn_exchange *x)
{
    struct kn_err err;

    /* OPTIONS * asks about the server as a whole. */
    if (strcmp(x->raw, "*") == 0 && strcmp(x->method, "OPTIONS") == 0)
        return tell_methods(x, 1u << KN_GET);
    if (kn_target_parse(x->raw, x->arena, &x->target, &err))
        return kn_exchange_refuse(x, err.code == KN_ELIMIT && !err.retry ? 414 : 400, "%s",
                                  err.msg);
    if (x->target.host && strcasecmp(x->target.host, kn_exchange_header(x, "Host")) != 0) {
        x->close = true;
        return kn_exchange_refuse(x, 421, "the target is of another host than Host");
    }
    return true;
}

struct framing {
    unsigned hosts, lengths, encodings;
};

static enum MHD_Result count_framing(void *cls, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct framing *f = cls;

    (void)kind;
    (void)value;
    f->hosts += strcasecmp(name, "Host") == 0;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    f->encodings += strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

/* Where a proxy and this server could read one request differently, one could be smuggled in behind another (RFC 9112, 6.3 and 3.2). */
static bool check_framing(struct kn_exchange *x)
{
    struct framing f = {0};

    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_framing, &f);
    if (f.hosts <= 1 && f.lengths + f.encodings <= 1)
        return true;
    x->close = true;
    return kn_exchange_refuse(x, 400,
                              "there is more than one Host, or more than one Content-Length or "
                              "Transfer-Encoding");
}

bool kn_guard_admit(struct kn_exchange *x)
{
    const struct kn_server *s = x->server;

    x->has_body = announces_body(x);
    if (!check_size(x) || !check_framing(x))
        return false;
    if (!kn_guard_host(s, kn_exchange_header(x, "Host")))
        return kn_exchange_refuse(x, 421, not_host);
    if (!x->peer->loopback && !kn_rate_ask(s->requests, x->peer->address, x->began, true))
        return too_often(x, "1");
    return read_target(x) && find_route(x) && check_token(x) && check_origin(x) && check_types(x);
}
