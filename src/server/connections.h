/* connections.h - all open connections: what each is doing and since when, so that none is held open for nothing.
 *
 * libmicrohttpd ends a connection on which nothing moves; one byte now and then would keep it for ever. Here each phase has
 * a time of its own, and a thread looks once a second who is over it and shuts the socket down; libmicrohttpd sees its
 * end and closes it. A connection too many pushes out the one that has been idle longest, so that a crowd of
 * silent ones locks nobody out. Threads: any. */
#ifndef KN_SERVER_CONNECTIONS_H
#define KN_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum kn_phase {
    KN_PHASE_NEW,    /* no request yet */
    KN_PHASE_IDLE,   /* answered, and waiting for the next headers */
    KN_PHASE_BODY,   /* headers are in, the body is not */
    KN_PHASE_ACTIVE, /* being worked on, or answered */
    KN_PHASE_CUT,    /* shut down, about to be gone */
};

struct kn_peer {
    struct kn_peer *next, *prev;
    int fd;
    enum kn_phase phase;
    double since; /* of this phase */
    uint64_t address;
    bool loopback;
    char text[48]; /* the address, for the log */
};

struct kn_peers;

struct kn_peers *kn_peers_new(size_t most); /* NULL without memory */
void kn_peers_free(struct kn_peers *p);     /* NULL is fine; no connection may be open */

/* fd stays the caller's, open until kn_peers_gone. NULL: one too many, or no memory; the socket is shut down. */
struct kn_peer *kn_peers_come(struct kn_peers *p, int fd, const struct sockaddr *address);
void kn_peers_gone(struct kn_peers *p, struct kn_peer *peer);

void kn_peers_phase(struct kn_peers *p, struct kn_peer *peer, enum kn_phase phase);
void kn_peers_sweep(struct kn_peers *p, double now); /* cuts those that are over their time */

size_t kn_peers_count(struct kn_peers *p);
size_t kn_peers_busy(struct kn_peers *p); /* in a request */

#endif
