#include "events.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 256, MAX_DATA = 16 << 10, BEAT_SECONDS = 15 };

/* lock is also held while a connection is suspended or resumed: so a stream that is marked as suspended is, and one that
 * has been freed is not resumed. libmicrohttpd takes none of our locks under its own. */
struct kn_events {
    pthread_mutex_t lock;
    char *ring[RING]; /* event number i, as it is sent, at i % RING */
    uint64_t next;    /* number of the next event; they begin at 1 */
    struct kn_stream *streams;
    bool ended;
};

struct kn_stream {
    struct kn_stream *next, *prev;
    struct kn_events *events;
    struct MHD_Connection *connection;
    uint64_t at;    /* number of the event that comes next */
    char *text;     /* what is being sent, owned; NULL: nothing */
    size_t sent, n; /* of text */
    double spoke;   /* when something was sent last */
    bool suspended, beat;
};

struct kn_events *kn_events_new(void)
{
    struct kn_events *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    pthread_mutex_init(&e->lock, NULL);
    e->next = 1;
    return e;
}

void kn_events_free(struct kn_events *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < RING; i++)
        free(e->ring[i]);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/* "id: 7\nevent: progress\ndata: {...}\n\n", malloc'ed; NULL: too long, of several lines, or no memory. */
static char *format(uint64_t id, const char *name, const char *data)
{
    struct kn_buf b;
    char *text = NULL;

    if (strlen(data) > MAX_DATA || strpbrk(data, "\r\n"))
        return NULL;
    kn_buf_init(&b, 2 * MAX_DATA);
    if (id > 0)
        kn_buf_addf(&b, NULL, "id: %llu\n", (unsigned long long)id);
    kn_buf_addf(&b, NULL, "event: %s\ndata: %s\n\n", name, data);
    if (kn_buf_ok(&b, NULL) == KN_OK)
        text = kn_buf_take(&b);
    kn_buf_free(&b);
    return text;
}

static void wake(struct kn_stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    MHD_resume_connection(s->connection);
}

bool kn_events_followed(struct kn_events *e)
{
    bool followed;

    pthread_mutex_lock(&e->lock);
    followed = e->streams != NULL;
    pthread_mutex_unlock(&e->lock);
    return followed;
}

void kn_events_post(struct kn_events *e, const char *name, const char *data)
{
    char *text;

    pthread_mutex_lock(&e->lock);
    text = format(e->next, name, data);
    if (text) {
        free(e->ring[e->next % RING]);
        e->ring[e->next++ % RING] = text;
        for (struct kn_stream *s = e->streams; s; s = s->next)
            wake(s);
    }
    pthread_mutex_unlock(&e->lock);
}

struct kn_stream *kn_stream_new(struct kn_events *e, uint64_t last, const char *name,
                                const char *data)
{
    struct kn_stream *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->events = e;
    s->spoke = kn_clock_now();
    s->text = name ? format(0, name, data) : NULL;
    s->n = s->text ? strlen(s->text) : 0;
    pthread_mutex_lock(&e->lock);
    s->at = last > 0 && last < e->next ? last + 1 : e->next;
    s->next = e->streams;
    if (s->next)
        s->next->prev = s;
    e->streams = s;
    pthread_mutex_unlock(&e->lock);
    return s;
}

void kn_stream_connect(struct kn_stream *s, struct MHD_Connection *connection)
{
    s->connection = connection;
}

void kn_stream_free(void *stream)
{
    struct kn_stream *s = stream;
    struct kn_events *e;

    if (!s)
        return;
    e = s->events;
    pthread_mutex_lock(&e->lock);
    if (s->next)
        s->next->prev = s->prev;
    if (s->prev)
        s->prev->next = s->next;
    else
        e->streams = s->next;
    pthread_mutex_unlock(&e->lock);
    free(s->text);
    free(s);
}

/* What is to be sent next, if anything. */
static void refill(struct kn_stream *s)
{
    struct kn_events *e = s->events;

    free(s->text);
    s->text = NULL;
    s->sent = s->n = 0;
    if (s->at + RING < e->next)
        s->at = e->next - RING; /* what is older is gone */
    if (s->at < e->next)
        s->text = strdup(e->ring[s->at++ % RING]);
    else if (s->beat)
        s->text = strdup(": still here\n\n");
    s->beat = false;
    s->n = s->text ? strlen(s->text) : 0;
}

ssize_t kn_stream_read(void *stream, uint64_t at, char *out, size_t most)
{
    struct kn_stream *s = stream;
    ssize_t n;

    (void)at;
    pthread_mutex_lock(&s->events->lock);
    if (s->sent == s->n)
        refill(s);
    n = (ssize_t)(s->n - s->sent < most ? s->n - s->sent : most);
    if (n > 0) {
        memcpy(out, s->text + s->sent, (size_t)n);
        s->sent += (size_t)n;
        s->spoke = kn_clock_now();
    } else if (s->events->ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&s->events->lock);
    return n;
}

void kn_events_tick(struct kn_events *e, double now)
{
    pthread_mutex_lock(&e->lock);
    for (struct kn_stream *s = e->streams; s; s = s->next)
        if (now - s->spoke > BEAT_SECONDS) {
            s->beat = true;
            wake(s);
        }
    pthread_mutex_unlock(&e->lock);
}

void kn_events_end(struct kn_events *e)
{
    pthread_mutex_lock(&e->lock);
    e->ended = true;
    for (struct kn_stream *s = e->streams; s; s = s->next)
        wake(s);
    pthread_mutex_unlock(&e->lock);
}
