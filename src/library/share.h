/* share.h - titles from one library to another: published from a local one, or pulled into it.
 *
 * Both go title by title, remember what is done (store.h), and may be ended at any instant: the next run goes on. What a run
 * that was killed had sent and not remembered is sent again, which changes nothing, for putting is idempotent. Both libraries
 * may be read and written by others meanwhile.
 *
 * Publishing sends what is new: titles that are ready, silent or failed, with all that is known of them but where their files
 * lie, which is a fact of one machine. What was forgotten here, lost its files or is answered for by another title is removed
 * there. A title that is not ready does not replace one that is: another machine may have had subtitles for it.
 * A cluster whose vectors are of another model is filled anew aside (qdrant.h) while it goes on answering, and swapped in one
 * step when all ready titles that it has are there in the new model, from this machine or from others.
 *
 * Pulling makes or renews a copy of what is there. A title that the local library has by its own, or that was changed in it
 * since it was pulled, stays as it is.
 *
 * Then it is checked: that all ready titles are there, that up to 100 of those just sent are the same on both sides, and that
 * up to 100 questions get the same answers. Of the ten nearest titles on the source's side those are asked for that are nearer than
 * the tenth on the other, which may have titles of others; 99 of 100 must be among the answers there.
 *
 * Errors: those of either library; KN_ECANCELLED; KN_EARG where models differ; KN_ECORRUPT when the check fails. */
#ifndef KN_LIBRARY_SHARE_H
#define KN_LIBRARY_SHARE_H

#include "library/store.h"

enum kn_share_doing { KN_SHARE_SEND, KN_SHARE_REMOVE, KN_SHARE_CHECK };

struct kn_share_event {
    enum kn_share_doing doing;
    const char *name; /* of the last title; "" */
    size_t done, total;
};

struct kn_share {
    struct kn_library *local, *other;
    const char *address; /* of the other one, for messages */
    const char *target;  /* what names it, as in store.h */
    /* Of a cluster that is filled anew aside: as it answers now, and its target. Else NULL. */
    struct kn_library *current;
    const char *former;
    bool swap; /* also when it has titles that are not there in the new model yet */
    /* As what this library is known there: a cluster keeps a title for as long as somebody publishes it. NULL: no cluster. */
    const struct kn_id *by;
    /* Escaped, absolute: what is published of paths is how those in it go on. NULL or "": none. */
    const char *media_root;
    bool all; /* also what is there already, as far as is known here */
    const struct kn_cancel *cancel;
    void (*event)(void *ctx, const struct kn_share_event *e); /* may be NULL */
    void *ctx;
};

struct kn_shared {
    size_t sent, removed; /* titles, to the other or from it */
    size_t same;          /* not sent, for the other has them */
    /* Not pulled, for they are this library's own; not published, for what is there is of more use; not removed, for others
     * publish them too. */
    size_t kept;
    size_t present;  /* ready titles that were found where they belong */
    size_t compared; /* records, on both sides */
    size_t questions;
    double recall; /* of their answers; NaN: none was there to be given */
    size_t
        behind; /* titles of current that are not there in the new model, and so it was not swapped */
    bool swapped;
};

/* *out tells also what an ended or failed run did. */
int kn_share_publish(const struct kn_share *s, struct kn_shared *out, struct kn_err *err);
int kn_share_pull(const struct kn_share *s, struct kn_shared *out, struct kn_err *err);

/* ---- inside of share*.c ---- */

void kn_share_tell(const struct kn_share *s, enum kn_share_doing doing, const char *name,
                   size_t done, size_t total);
int kn_share_stopped(const struct kn_share *s, struct kn_err *err); /* KN_ECANCELLED */

/* there[i]: the other library has titles[i], ready. */
int kn_share_check_present(const struct kn_share *s, const struct kn_outgoing *titles, size_t n,
                           bool *there, struct kn_err *err);
/* Samples of these, which both have. */
int kn_share_check_records(const struct kn_share *s, const struct kn_id *ids, size_t n,
                           struct kn_shared *out, struct kn_err *err);
int kn_share_check_answers(struct kn_library *source, struct kn_library *other,
                           const struct kn_share *s, const struct kn_id *ids, size_t n,
                           struct kn_shared *out, struct kn_err *err);

#endif
