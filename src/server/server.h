/* server.h - `kinora serve`: HTTP/1.1 over one open library.
 *
 * libmicrohttpd reads and writes the connections in a few threads, one a core, by epoll; requests are taken apart,
 * checked and answered here (route.h). Its own routes: / and the files of the page (page.h), /api/v1/session, /health, /ready,
 * /metrics; all else is the app's.
 *
 * Who may ask. Without a token only the machine itself: then the address must be a loopback one, and no token is asked
 * for. With one, every request but those of KN_ROUTE_PUBLIC needs it, as "Authorization: Bearer TOKEN" from programs, or
 * from a browser the cookie that POST /api/v1/session {"token": "..."} gives. The Host header must name a loopback
 * host, the address that is listened on or one of allow_hosts, or a page elsewhere could reach in by rebinding its name (421).
 * A request that changes something must not come from another site: Sec-Fetch-Site and Origin are looked at (403),
 * and a body must be application/json, which no form sends (415).
 *
 * Limits, all of them constants of limits.h. TLS is a reverse proxy's (docs/serve.md). */
#ifndef KN_SERVER_SERVER_H
#define KN_SERVER_SERVER_H

#include "server/route.h"

struct kn_texts; /* config/config.h */

struct kn_server_options {
    const char *listen;             /* "127.0.0.1:7878", "[::1]:7878", ":0"... */
    const char *const *allow_hosts; /* names without ports */
    size_t n_allow_hosts;
    const char *access_log; /* a file; "-": standard error; "" or NULL: none */
    const char *token_file; /* "" or NULL: KINORA_TOKEN, else the one that kinora token made */
};

struct kn_server;

/* Listens when it returns. KN_EARG: the address is none, or is not loopback and there is no token; KN_EIO: it is taken, or
 * threads or memory are out. k and app are borrowed until close. */
int kn_server_open(const struct kn_server_options *options, struct kinora *k,
                   const struct kn_app *app, struct kn_server **out, struct kn_err *err);

/* "http://127.0.0.1:7878/", with the port that was really taken. */
const char *kn_server_address(const struct kn_server *s);

/* Stops taking connections, lets requests end for at most so many seconds, ends event streams, cuts the rest. */
void kn_server_drain(struct kn_server *s, double seconds);
void kn_server_close(struct kn_server *s); /* NULL is fine; without drain all is cut */

#endif
