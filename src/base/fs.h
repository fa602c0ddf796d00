/* fs.h - files: read whole, written so that a crash leaves the old or the new, never half.
 *
 * Paths are bytes and NUL-terminated. */
#ifndef KN_BASE_FS_H
#define KN_BASE_FS_H

#include "buf.h"

struct kn_err;

/* Appends the whole file, which is a regular one (or /dev/null): pipes are not waited for. KN_ENOTFOUND, KN_EIO, KN_ELIMIT when the buffer's maximum is passed. */
int kn_fs_read(const char *path, struct kn_buf *out, struct kn_err *err);

/* Writes path.tmp, fsyncs, renames over path and fsyncs the folder. KN_EIO. */
int kn_fs_write(const char *path, const void *data, size_t n, struct kn_err *err);
/* The same, for nobody else to read: mode 0600. */
int kn_fs_write_private(const char *path, const void *data, size_t n, struct kn_err *err);

/* Gives the file tmp the name path, once all of it is on the disk; what is there is replaced or, unless replace is set, KN_EARG.
 * KN_EIO. On failure tmp stays. */
int kn_fs_publish(const char *tmp, const char *path, bool replace, struct kn_err *err);

int kn_fs_mkdirs(const char *path,
                 struct kn_err *err); /* like mkdir -p; an existing folder is fine */
bool kn_fs_exists(const char *path);
bool kn_fs_is_taken(const char *path); /* by a link to nothing too */

/* The folder that holds the running program, without a trailing slash. KN_EIO. */
int kn_fs_program_dir(struct kn_buf *out, struct kn_err *err);

#endif
