#include "connections.h"

#include "server/limits.h"
#include "server/rate.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct kn_peers {
    pthread_mutex_t lock;
    struct kn_peer head; /* of a ring, the oldest first */
    size_t n, cut, most;
};

struct kn_peers *kn_peers_new(size_t most)
{
    struct kn_peers *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->head.next = p->head.prev = &p->head;
    p->most = most;
    return p;
}

void kn_peers_free(struct kn_peers *p)
{
    if (p)
        pthread_mutex_destroy(&p->lock);
    free(p);
}

static void cut(struct kn_peers *p, struct kn_peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    peer->phase = KN_PHASE_CUT;
    p->cut++;
}

/* Makes room for one more. A walk over all is some 10 us at the limit, and happens only there. */
static bool push_out(struct kn_peers *p)
{
    struct kn_peer *oldest = NULL;

    for (struct kn_peer *q = p->head.next; q != &p->head; q = q->next)
        if ((q->phase == KN_PHASE_NEW || q->phase == KN_PHASE_IDLE) &&
            (!oldest || q->since < oldest->since))
            oldest = q;
    if (oldest)
        cut(p, oldest);
    return oldest != NULL;
}

static size_t from_address(const struct kn_peers *p, uint64_t address)
{
    size_t n = 0;

    for (const struct kn_peer *q = p->head.next; q != &p->head; q = q->next)
        n += q->address == address && q->phase != KN_PHASE_CUT;
    return n;
}

struct kn_peer *kn_peers_come(struct kn_peers *p, int fd, const struct sockaddr *address)
{
    struct kn_peer *peer = calloc(1, sizeof *peer);
    bool welcome = peer != NULL;

    if (peer) {
        socklen_t size = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                        : sizeof(struct sockaddr_in);

        peer->fd = fd;
        peer->since = kn_clock_now();
        peer->address = kn_address_key(address);
        peer->loopback = kn_address_is_loopback(address);
        if (getnameinfo(address, size, peer->text, sizeof peer->text, NULL, 0, NI_NUMERICHOST))
            peer->text[0] = '\0';
    }
    pthread_mutex_lock(&p->lock);
    if (welcome && !peer->loopback)
        welcome = from_address(p, peer->address) < KN_LIMIT_PER_ADDRESS;
    if (welcome && p->n - p->cut >= p->most)
        welcome = push_out(p);
    if (welcome) {
        peer->next = &p->head;
        peer->prev = p->head.prev;
        peer->prev->next = p->head.prev = peer;
        p->n++;
    }
    pthread_mutex_unlock(&p->lock);
    if (!welcome) {
        shutdown(fd, SHUT_RDWR);
        free(peer);
        peer = NULL;
    }
    return peer;
}

void kn_peers_gone(struct kn_peers *p, struct kn_peer *peer)
{
    if (!peer)
        return;
    pthread_mutex_lock(&p->lock);
    peer->prev->next = peer->next;
    peer->next->prev = peer->prev;
    p->n--;
    p->cut -= peer->phase == KN_PHASE_CUT;
    pthread_mutex_unlock(&p->lock);
    free(peer);
}

void kn_peers_phase(struct kn_peers *p, struct kn_peer *peer, enum kn_phase phase)
{
    pthread_mutex_lock(&p->lock);
    if (peer->phase != KN_PHASE_CUT) {
        peer->phase = phase;
        peer->since = kn_clock_now();
    }
    pthread_mutex_unlock(&p->lock);
}

void kn_peers_sweep(struct kn_peers *p, double now)
{
    static const double seconds[] = {[KN_PHASE_NEW] = KN_LIMIT_HEADER_SECONDS,
                                     [KN_PHASE_IDLE] = KN_LIMIT_IDLE_SECONDS,
                                     [KN_PHASE_BODY] = KN_LIMIT_BODY_SECONDS,
                                     [KN_PHASE_ACTIVE] = 0,
                                     [KN_PHASE_CUT] = 0};

    pthread_mutex_lock(&p->lock);
    for (struct kn_peer *q = p->head.next; q != &p->head; q = q->next)
        if (seconds[q->phase] > 0 && now - q->since > seconds[q->phase])
            cut(p, q);
    pthread_mutex_unlock(&p->lock);
}

size_t kn_peers_count(struct kn_peers *p)
{
    size_t n;

    pthread_mutex_lock(&p->lock);
    n = p->n - p->cut;
    pthread_mutex_unlock(&p->lock);
    return n;
}

size_t kn_peers_busy(struct kn_peers *p)
{
    size_t n = 0;

    pthread_mutex_lock(&p->lock);
    for (const struct kn_peer *q = p->head.next; q != &p->head; q = q->next)
        n += q->phase == KN_PHASE_BODY || q->phase == KN_PHASE_ACTIVE;
    pthread_mutex_unlock(&p->lock);
    return n;
}
