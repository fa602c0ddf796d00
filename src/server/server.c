/* The server as a whole: made, drained, ended. */
#include "internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, SPARE_FILES = 256, MAX_HOST = 256, MIN_THREADS = 2, MAX_THREADS = 64 };

/* ---- the address ---- */

/* "127.0.0.1:7878", "[::1]:7878", ":7878" -> host "" or as it is without brackets, and port. */
static int split_address(const char *text, char host[MAX_HOST], const char **port,
                         struct kn_err *err)
{
    const char *colon = strrchr(text, ':'), *name = text;
    size_t n = colon ? (size_t)(colon - text) : 0;
    bool brackets = n >= 2 && *text == '[' && text[n - 1] == ']';

    if (brackets) {
        name++;
        n -= 2;
    }
    if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")] || n >= MAX_HOST ||
        (!brackets && memchr(name, ':', n)) || strtoul(colon + 1, NULL, 10) > 65535)
        return kn_err_set(err, KN_EARG,
                          "--listen: '%s' is not an address and a port, such as 127.0.0.1:7878 or "
                          "[::1]:7878",
                          text);
    snprintf(host, MAX_HOST, "%.*s", (int)n, name);
    *port = colon + 1;
    return KN_OK;
}

static int bind_to(const struct addrinfo *a, const char *text, int *out, struct kn_err *err)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, off = 0;

    if (fd < 0)
        return kn_err_set(err, KN_EIO, "listen on '%s': %s", text, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int why = errno;

        close(fd);
        return kn_err_set(
            err, KN_EIO, "listen on '%s': %s%s", text, strerror(why),
            why == EADDRINUSE ? "; is a Kinora running already? --listen names another" : "");
    }
    *out = fd;
    return KN_OK;
}

static int tell_address(struct kn_server *s, struct kn_err *err)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    char host[64], port[16];

    if (getsockname(s->listener, (struct sockaddr *)&a, &n) < 0 ||
        getnameinfo((struct sockaddr *)&a, n, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return kn_err_set(err, KN_EIO, "listen: %s", strerror(errno));
    s->address = kn_arena_printf(s->arena, strchr(host, ':') ? "http://[%s]:%s/" : "http://%s:%s/",
                                 host, port);
    return s->address ? KN_OK : kn_err_memory(err, "listen: no memory");
}

static int listen_on(struct kn_server *s, const char *text, struct kn_err *err)
{
    const struct addrinfo want = {.ai_family = AF_UNSPEC,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[MAX_HOST];
    const char *port = "";
    bool any;
    int rc = split_address(text, host, &port, err), why;

    if (rc)
        return rc;
    any = !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    s->host = kn_arena_text(s->arena, any ? "" : host);
    if (!s->host)
        return kn_err_memory(err, "listen: no memory");
    why = getaddrinfo(*host ? host : "::", port, &want, &found);
    if (why)
        return kn_err_set(err, KN_EARG, "--listen: '%s': %s", text, gai_strerror(why));
    if (!kn_address_is_loopback(found->ai_addr) && !kn_tokens_needed(s->tokens))
        rc = kn_err_set(
            err, KN_EARG,
            "--listen: others than this machine could reach '%s', and there is no token: "
            "run kinora token once, or set KINORA_TOKEN or --token-file",
            text);
    else
        rc = bind_to(found, text, &s->listener, err);
    if (rc == KN_EIO && !*host) { /* a machine without IPv6 */
        freeaddrinfo(found);
        found = NULL;
        if (getaddrinfo("0.0.0.0", port, &want, &found) == 0)
            rc = bind_to(found, text, &s->listener, err);
    }
    if (found)
        freeaddrinfo(found);
    return rc ? rc : tell_address(s, err);
}

/* ---- libmicrohttpd ---- */

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct kn_server *s = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        const struct sockaddr *address =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;

        *context = kn_peers_come(s->peers, fd, address);
    } else {
        kn_peers_gone(s->peers, *context);
        *context = NULL;
    }
}

static void on_message(void *cls, const char *fmt, va_list ap)
{
    char text[512];

    (void)cls;
    vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    kn_log(KN_LOG_DEBUG, "libmicrohttpd: %s", text);
}

static unsigned threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < MIN_THREADS ? MIN_THREADS : cores > MAX_THREADS ? MAX_THREADS : (unsigned)cores;
}

/* As many connections as there are descriptors for, each of which may send a file. */
static size_t most_connections(void)
{
    struct rlimit r;
    size_t most = KN_LIMIT_CONNECTIONS;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return 256;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur != RLIM_INFINITY && r.rlim_cur < 2 * most + SPARE_FILES)
        most = r.rlim_cur > 2 * SPARE_FILES ? (size_t)(r.rlim_cur - SPARE_FILES) / 2 : 64;
    return most;
}

static int start(struct kn_server *s, size_t most, struct kn_err *err)
{
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;

    /* Its own limit of connections is shared out over its threads, which do not take turns: so it is far above ours. */
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, kn_exchange_step, s, MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, s->listener, MHD_OPTION_THREAD_POOL_SIZE, threads(),
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * most) * threads(),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)KN_LIMIT_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)KN_LIMIT_STALLED_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, kn_exchange_begin, s, MHD_OPTION_NOTIFY_COMPLETED,
        kn_exchange_end, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    if (!s->daemon)
        return kn_err_set(err, KN_EIO, "start the server: %s", strerror(errno));
    s->listener = -1;
    return KN_OK;
}

/* ---- once a second ---- */

static void *tick(void *ctx)
{
    struct kn_server *s = ctx;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&s->wake, &s->lock, &until);
        for (size_t i = 0; i < s->n_hubs; i++)
            kn_events_tick(s->hubs[i], kn_clock_now());
        kn_peers_sweep(s->peers, kn_clock_now());
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- from open to close ---- */

static int open_log(struct kn_server *s, const char *file, struct kn_err *err)
{
    if (!file || !*file)
        return KN_OK;
    if (strcmp(file, "-") == 0) {
        s->log = STDERR_FILENO;
        return KN_OK;
    }
    s->log = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (s->log < 0)
        return kn_err_set(err, KN_EIO, "open the access log '%s': %s", file, strerror(errno));
    s->own_log = true;
    return KN_OK;
}

static int copy_hosts(struct kn_server *s, const struct kn_server_options *o, struct kn_err *err)
{
    s->allow_hosts = kn_arena_array(s->arena, o->n_allow_hosts + 1, sizeof *s->allow_hosts);
    for (size_t i = 0; s->allow_hosts && i < o->n_allow_hosts; i++) {
        s->allow_hosts[i] = kn_arena_text(s->arena, o->allow_hosts[i]);
        if (!s->allow_hosts[i])
            return kn_err_memory(err, "start the server: no memory");
        s->n_allow_hosts++;
    }
    return s->allow_hosts ? KN_OK : kn_err_memory(err, "start the server: no memory");
}

static int prepare(struct kn_server *s, const struct kn_server_options *o, struct kn_err *err)
{
    size_t most = most_connections();
    int rc;

    s->arena = kn_arena_new(1 << 20);
    s->guesses = kn_rate_new(KN_LIMIT_GUESSES, 1.0 / KN_LIMIT_GUESS_SECONDS);
    s->requests = kn_rate_new(KN_LIMIT_BURST, KN_LIMIT_A_SECOND);
    s->peers = kn_peers_new(most);
    s->metrics = kn_metrics_new(s->apps, KN_APPS);
    if (!s->arena || !s->guesses || !s->requests || !s->peers || !s->metrics)
        return kn_err_memory(err, "start the server: no memory");
    rc = kn_tokens_open(o->token_file, &s->tokens, err);
    if (rc == KN_OK)
        rc = copy_hosts(s, o, err);
    if (rc == KN_OK)
        rc = open_log(s, o->access_log, err);
    if (rc == KN_OK)
        rc = listen_on(s, o->listen, err);
    if (rc == KN_OK)
        rc = kn_slow_start(s, threads(), err);
    if (rc == KN_OK && pthread_create(&s->ticker, NULL, tick, s))
        rc = kn_err_set(err, KN_EIO, "start the server: no thread");
    if (rc)
        return rc;
    s->ticking = true;
    rc = start(s, most, err);
    return rc ? rc : kn_ready_start(s, err);
}

int kn_server_open(const struct kn_server_options *options, struct kinora *k,
                   const struct kn_app *app, struct kn_server **out, struct kn_err *err)
{
    struct kn_server *s = calloc(1, sizeof *s);
    int rc;

    if (!s)
        return kn_err_memory(err, "start the server: no memory");
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    s->k = k;
    s->apps[0] = kn_core_app(s);
    s->apps[1] = *app;
    s->listener = s->log = -1;
    s->began = kn_clock_now();
    rc = prepare(s, options, err);
    if (rc) {
        kn_server_close(s);
        return rc;
    }
    *out = s;
    return KN_OK;
}

const char *kn_server_address(const struct kn_server *s)
{
    return s->address;
}

static void end_streams(struct kn_server *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_hubs; i++)
        kn_events_end(s->hubs[i]);
    pthread_mutex_unlock(&s->lock);
}

void kn_server_drain(struct kn_server *s, double seconds)
{
    double until = kn_clock_now() + seconds;
    int listener;

    if (atomic_exchange(&s->draining, true))
        return;
    listener = MHD_quiesce_daemon(s->daemon);
    if (listener >= 0)
        close(listener);
    if (s->apps[1].drain)
        s->apps[1].drain(s->apps[1].ctx);
    end_streams(s);
    while (kn_peers_busy(s->peers) > 0 && kn_clock_now() < until)
        kn_clock_sleep(0.02);
}

void kn_server_close(struct kn_server *s)
{
    if (!s)
        return;
    atomic_store(&s->draining, true);
    if (s->daemon)
        end_streams(s);
    kn_slow_stop(s); /* resumes what was suspended: libmicrohttpd cannot end before */
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    if (s->ticking)
        pthread_join(s->ticker, NULL);
    kn_ready_stop(s);
    if (s->listener >= 0)
        close(s->listener);
    if (s->own_log)
        close(s->log);
    kn_tokens_close(s->tokens);
    kn_rate_free(s->guesses);
    kn_rate_free(s->requests);
    kn_metrics_free(s->metrics);
    kn_peers_free(s->peers);
    kn_arena_free(s->arena);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
