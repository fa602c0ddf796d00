#include "metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned statuses[] = {200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403,
                                    404, 405, 406, 408, 409, 412, 413, 414, 415, 416, 421,
                                    422, 429, 431, 499, 500, 501, 502, 503, 504, 0 /* any other */};
static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                0.05,   0.1,   0.25,   0.5,   1,    5};

enum {
    STATUSES = sizeof statuses / sizeof *statuses,
    BOUNDS = sizeof bounds / sizeof *bounds,
};

struct row {
    const struct kn_route *route; /* NULL: none matched */
    atomic_uint_fast64_t by_status[STATUSES];
    atomic_uint_fast64_t by_time[BOUNDS + 1]; /* not cumulative here */
    atomic_uint_fast64_t nanoseconds;
};

struct kn_metrics {
    atomic_uint_fast64_t bytes;
    const struct kn_app *apps;
    size_t n_apps, n;
    struct row rows[];
};

const char *kn_method_name(enum kn_method m)
{
    static const char *const names[KN_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

    return names[m];
}

struct kn_metrics *kn_metrics_new(const struct kn_app *apps, size_t n)
{
    struct kn_metrics *m;
    size_t rows = 1, at = 0;

    for (size_t i = 0; i < n; i++)
        rows += apps[i].n_routes;
    m = calloc(1, sizeof *m + rows * sizeof *m->rows);
    if (!m)
        return NULL;
    m->apps = apps;
    m->n_apps = n;
    m->n = rows;
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < apps[i].n_routes; r++)
            m->rows[at++].route = &apps[i].routes[r];
    return m;
}

void kn_metrics_free(struct kn_metrics *m)
{
    free(m);
}

/* Its row: routes lie in one array an app, rows in the same order. */
static struct row *row_of(struct kn_metrics *m, const struct kn_route *route)
{
    size_t before = 0;

    for (size_t i = 0; route && i < m->n_apps; i++) {
        const struct kn_app *a = &m->apps[i];

        if (route >= a->routes && route < a->routes + a->n_routes)
            return &m->rows[before + (size_t)(route - a->routes)];
        before += a->n_routes;
    }
    return &m->rows[m->n - 1];
}

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t value(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void kn_metrics_count(struct kn_metrics *m, const struct kn_route *route, unsigned status,
                      double seconds, uint64_t bytes)
{
    struct row *row = row_of(m, route);
    size_t s = 0, b = 0;

    while (statuses[s] && statuses[s] != status)
        s++;
    while (b < BOUNDS && seconds > bounds[b])
        b++;
    add(&row->by_status[s], 1);
    add(&row->by_time[b], 1);
    add(&row->nanoseconds, seconds > 0 ? (uint64_t)(seconds * 1e9) : 0);
    add(&m->bytes, bytes);
}

void kn_metric(struct kn_buf *out, const char *name, const char *type, const char *help,
               const char *labels, double v)
{
    bool braces = labels && *labels;

    if (help)
        kn_buf_addf(out, NULL, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    kn_buf_addf(out, NULL, "%s%s%s%s %.15g\n", name, braces ? "{" : "", braces ? labels : "",
                braces ? "}" : "", v);
}

static void write_requests(const struct kn_metrics *m, struct kn_buf *out)
{
    const char *help = "Requests, by route and status.";
    char labels[256];

    for (size_t i = 0; i < m->n; i++) {
        const struct kn_route *r = m->rows[i].route;

        for (size_t s = 0; s < STATUSES; s++) {
            uint64_t n = value(&m->rows[i].by_status[s]);

            if (n == 0)
                continue;
            snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\",status=\"%u\"",
                     r ? kn_method_name(r->method) : "", r ? r->pattern : "", statuses[s]);
            kn_metric(out, "kinora_http_requests_total", "counter", help, labels, (double)n);
            help = NULL;
        }
    }
}

static void write_times(const struct row *row, bool first, struct kn_buf *out)
{
    const char *name = "kinora_http_request_duration_seconds";
    const char *method = row->route ? kn_method_name(row->route->method) : "",
               *route = row->route ? row->route->pattern : "";
    uint64_t n = 0;

    if (first)
        kn_buf_addf(out, NULL,
                    "# HELP %s From the request line to the answer, by route.\n# TYPE %s "
                    "histogram\n",
                    name, name);
    for (size_t b = 0; b <= BOUNDS; b++) {
        char bound[32] = "+Inf";

        if (b < BOUNDS)
            snprintf(bound, sizeof bound, "%g", bounds[b]);
        n += value(&row->by_time[b]);
        kn_buf_addf(out, NULL, "%s_bucket{method=\"%s\",route=\"%s\",le=\"%s\"} %llu\n", name,
                    method, route, bound, (unsigned long long)n);
    }
    kn_buf_addf(out, NULL, "%s_sum{method=\"%s\",route=\"%s\"} %.9g\n", name, method, route,
                (double)value(&row->nanoseconds) * 1e-9);
    kn_buf_addf(out, NULL, "%s_count{method=\"%s\",route=\"%s\"} %llu\n", name, method, route,
                (unsigned long long)n);
}

void kn_metrics_write(const struct kn_metrics *m, struct kn_buf *out)
{
    bool first = true;

    write_requests(m, out);
    for (size_t i = 0; i < m->n; i++) {
        uint64_t any = 0;

        for (size_t b = 0; b <= BOUNDS; b++)
            any += value(&m->rows[i].by_time[b]);
        if (any == 0)
            continue;
        write_times(&m->rows[i], first, out);
        first = false;
    }
    kn_metric(out, "kinora_http_sent_bytes_total", "counter", "Bytes of answers' bodies.", "",
              (double)value(&m->bytes));
}
