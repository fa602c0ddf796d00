/* The access log: one JSON object a line and request. No query, which is what people look for, no cookie and no token. */
#include "internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINE = 16 << 10, MAX_FIELD = 1024 };

static void when(char out[32])
{
    int64_t ms = kn_clock_unix_ms();
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    size_t n;

    gmtime_r(&t, &tm);
    n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03dZ", (int)(ms % 1000));
}

static void field(struct kn_json_writer *w, const char *key, const char *value, size_t n)
{
    char text[MAX_FIELD];

    snprintf(text, sizeof text, "%.*s", n < MAX_FIELD ? (int)n : MAX_FIELD - 1, value);
    kn_json_string(w, key, text);
}

void kn_access_log(const struct kn_exchange *x, bool cut)
{
    const struct kn_server *s = x->server;
    const char *agent = kn_exchange_header(x, "User-Agent"), *raw = x->raw ? x->raw : "";
    struct kn_json_writer w;
    struct kn_buf line;
    char time[32];

    if (s->log < 0)
        return;
    kn_buf_init(&line, MAX_LINE);
    w = (struct kn_json_writer){.out = &line};
    when(time);
    kn_json_begin_object(&w, NULL);
    kn_json_string(&w, "time", time);
    kn_json_string(&w, "address", x->peer ? x->peer->text : "");
    field(&w, "method", x->method, strlen(x->method));
    field(&w, "path", raw, strcspn(raw, "?"));
    kn_json_string(&w, "route", x->request.route ? x->request.route->pattern : NULL);
    kn_json_integer(&w, "status", x->status);
    kn_json_integer(&w, "bytes", strcmp(x->method, "HEAD") ? (int64_t)x->bytes : 0);
    kn_json_rounded(&w, "ms", ((x->ended > 0 ? x->ended : kn_clock_now()) - x->began) * 1000, 3);
    if (cut)
        kn_json_bool(&w, "cut", true);
    if (agent)
        field(&w, "agent", agent, strlen(agent));
    kn_json_end_object(&w);
    kn_buf_add(&line, "\n", 1, NULL);
    /* One write, so that lines of several threads do not mix; a log that cannot be written stops nobody. */
    if (kn_buf_ok(&line, NULL) == KN_OK && write(s->log, line.data, line.n) < 0)
        line.n = 0;
    kn_buf_free(&line);
}
