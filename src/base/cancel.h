/* cancel.h - the way to end long work: a flag that the asker sets and the worker reads.
 *
 * Every call that can take long takes a const struct kn_cancel * (NULL: never cancelled), looks
 * at it at least once a second, and answers KN_ECANCELLED. Setting it is safe from any thread and
 * from a signal handler; it is never unset. A call that sleeps polls the token at KN_CANCEL_POLL_MS. */
#ifndef KN_BASE_CANCEL_H
#define KN_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

enum { KN_CANCEL_POLL_MS = 100 };

struct kn_cancel {
    atomic_bool set;
};

static inline void kn_cancel_set(struct kn_cancel *c)
{
    atomic_store_explicit(&c->set, true, memory_order_release);
}

static inline bool kn_cancel_is_set(const struct kn_cancel *c)
{
    return c && atomic_load_explicit(&c->set, memory_order_acquire);
}

#endif
