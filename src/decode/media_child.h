/* media_child.h - starting, ending and explaining a kinora-decode process.
 *
 * Between kn_child_start and kn_child_end there is a process to reap; never one more than that. */
#ifndef KN_DECODE_MEDIA_CHILD_H
#define KN_DECODE_MEDIA_CHILD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kn_err;

struct kn_child {
    pid_t pid;  /* 0: there is none */
    int sock;   /* our end; close-on-exec */
    int errors; /* a file in memory that holds what it writes to stderr */
};

/* What became of it, for a message. */
struct kn_child_end {
    int status;     /* as waitpid gives it; -1: somebody else reaped it */
    char said[128]; /* its first line on stderr, printable; "" */
};

/* What program names, else KINORA_DECODE, else kinora-decode beside the running program or one
 * folder up (a program in build/tests/). KN_EIO when it is not there. Appends. */
int kn_child_find(const char *program, struct kn_buf *out, struct kn_err *err);

/* The child gets its end of the socket as KN_WIRE_SOCKET, memory (bytes) as its argument,
 * /dev/null, no other descriptor, a process group of its own (Ctrl-C is ours to
 * handle), default signals, and of the environment only what a loader or sanitizer needs. KN_EIO. */
int kn_child_start(const char *program, uint64_t memory, struct kn_child *out, struct kn_err *err);

/* True when it ended while nobody asked it anything. Does not reap. */
bool kn_child_is_gone(const struct kn_child *c);

/* Kills it (and what it may have started) and reaps it. how may be NULL. */
void kn_child_end(struct kn_child *c, struct kn_child_end *how);

#endif
