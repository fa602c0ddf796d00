/* qdrant.h - a library on a Qdrant cluster: what library.h promises, over REST, for any number of machines.
 *
 * Address: qdrant+http://HOST:PORT/NAME or qdrant+https. NAME has 1 to 64 letters, digits, - and _. Qdrant 1.13 or newer.
 *
 * Any number of handles, in any number of processes, read and write one library: there is no lock. Of two puts of one title
 * one is kept whole. A put is not one step for several titles: when it fails some of them may be there, and the same
 * put again makes it whole.
 *
 * Threads: as library.h says; each call under way has a connection of its own, which is kept for the next. */
#ifndef KN_LIBRARY_QDRANT_H
#define KN_LIBRARY_QDRANT_H

#include "library/library.h"

/* KN_ENOTFOUND: no library of this name and create not set. KN_EARG: an address that cannot be one, a server that is too old, a
 * wrong API key. KN_ENET, KN_ETIMEOUT. options may be NULL. */
int kn_library_open_qdrant(const char *address, const struct kn_library_options *options,
                           struct kn_library **out, struct kn_err *err);

/* A new embedding model without downtime. From kn_qdrant_aside on this handle reads and writes collections made aside
 * for that model (those that an interrupted call left are gone on with), while all others answer from the library as it was.
 * kn_qdrant_swap makes them the library, for everybody in one step, and removes those of other models. KN_EARG for
 * another backend, or when nothing was built aside. */
int kn_qdrant_aside(struct kn_library *lib, const char *model, size_t dim, struct kn_err *err);
int kn_qdrant_swap(struct kn_library *lib, struct kn_err *err);

/* Which machines publish a title, so that one of them does not remove what another still has. by names a machine's library. Claims are
 * of the collections that this handle writes. release withdraws those of by; held[i]: titles[i] is still claimed by others. At most a
 * few hundred titles at once. */
int kn_qdrant_claim(struct kn_library *lib, const struct kn_id *by, const struct kn_id *titles,
                    size_t n, struct kn_err *err);
int kn_qdrant_release(struct kn_library *lib, const struct kn_id *by, const struct kn_id *titles,
                      size_t n, bool *held, struct kn_err *err);

#endif
