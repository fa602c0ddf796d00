/* watch.h - which folders changed: inotify over whole trees, and a clock where it cannot see.
 *
 * inotify watches one folder at a time, so every folder below the roots has a watch of its own, and one that appears
 * gets its own, with all below it, before its events can be relied on: it counts as changed itself. A folder that is moved
 * is forgotten under its old name and walked under its new one. Where another folder takes the path of a root, that one is watched
 * within a second, and counts as changed once there is something in it. When the kernel's queue overflows nothing
 * is known any more: all is watched anew and every root counts as changed.
 *
 * inotify sees what this machine does and nothing else: on network and FUSE file systems, and where the
 * kernel's limit of watches is reached, every root counts as changed every so often.
 *
 * Changes are gathered: a folder is given when nothing more happened for a second, or five seconds after
 * its first change, so that a thousand files are one run and not a thousand. Whether a file in it is whole yet is for ingest
 * to say; kn_watch_again brings its folder back.
 *
 * Only folders and files that a scan would take count, so that a library which lies among the films does not wake
 * itself. One thread at a time. Hidden folders (.name) and links to folders are passed over, as scan.h does. */
#ifndef KN_INGEST_WATCH_H
#define KN_INGEST_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct kn_err;
struct kn_watch; /* opaque */

/* roots: folders. every: seconds between looks at all of it; 0: KN_WATCH_EVERY, and only where inotify is blind.
 * KN_ENOTFOUND: a root is not there. KN_EARG: it is no folder. KN_EIO, KN_ELIMIT. */
enum { KN_WATCH_EVERY = 300 };
int kn_watch_new(const char *const *roots, size_t n, double every, struct kn_watch **out,
                 struct kn_err *err);
void kn_watch_free(struct kn_watch *w); /* NULL is fine */

size_t kn_watch_folders(const struct kn_watch *w); /* how many have a watch */
const char *
kn_watch_blindness(const struct kn_watch *w); /* why it looks by the clock; "" when it does not */

/* Waits for the next change. *folders: absolute paths (bytes) of folders that are there, none below another; they
 * live until the next call. cancelled (may be NULL) is asked ten times a second.
 * KN_ECANCELLED; KN_EIO, KN_ELIMIT: what was pending stays so. */
int kn_watch_next(struct kn_watch *w, bool (*cancelled)(void *ctx), void *ctx,
                  const char *const **folders, size_t *n, struct kn_err *err);

/* The folder counts as changed once more, in so many seconds. KN_ELIMIT. */
int kn_watch_again(struct kn_watch *w, const char *folder, double seconds, struct kn_err *err);

#endif
