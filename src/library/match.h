/* match.h - which titles a user's text may mean. Inside src/library.
 *
 * One rule for both embedded backends: they offer every title's names and get the best keys back,
 * in order. A pass over all names costs about a millisecond per 5,000 titles; an index would know
 * neither parts of words nor edit distances. */
#ifndef KN_LIBRARY_MATCH_H
#define KN_LIBRARY_MATCH_H

#include "base/buf.h"
#include "library/library.h"

struct kn_match; /* opaque */

int kn_match_new(const char *text, enum kn_find how, size_t limit, struct kn_match **out,
                 struct kn_err *err);
void kn_match_free(struct kn_match *m); /* NULL is fine */

/* key: whatever the backend knows the title by. One offered under several names counts once, with
 * the best of them. */
int kn_match_offer(struct kn_match *m, const struct kn_id *id, const char *name, const char *folded,
                   int64_t key, struct kn_err *err);

/* The best so far, best first: first those that fold the same, then by edit distance (CLOSE) or by
 * where the part begins (PART), then by folded name and id. */
size_t kn_match_count(const struct kn_match *m);
int64_t kn_match_key(const struct kn_match *m, size_t i);

/* A name as it is compared, to be freed with kn_buf_free. */
int kn_fold_name(const char *name, struct kn_buf *out, struct kn_err *err);

#endif
