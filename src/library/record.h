/* record.h - whole titles copied into an arena. Inside src/library. */
#ifndef KN_LIBRARY_RECORD_H
#define KN_LIBRARY_RECORD_H

#include "library/library.h"

/* Deep copies: nothing of from is pointed at afterwards. NULL texts become "". KN_ELIMIT when the
 * arena is full; then *to is as it was. */
int kn_title_copy(const struct kn_title *from, struct kn_arena *arena, struct kn_title *to,
                  struct kn_err *err);

/* parts: KN_WITH_*; what is not asked for is empty. dim 0: no vectors. */
int kn_record_copy(const struct kn_record *from, unsigned parts, size_t dim, struct kn_arena *arena,
                   struct kn_record *to, struct kn_err *err);

int kn_arena_full(const char *what, struct kn_err *err); /* the one message for it; KN_ELIMIT */

#endif
