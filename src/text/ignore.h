/* ignore.h - .ignore files: which files of a folder are not to be looked at.
 *
 * An empty one (nothing but white space) leaves out the whole folder, as Jellyfin has it. Otherwise it holds patterns as
 * git reads them (gitignore(5)): one a line; # a comment; ! takes back; a / at the end: folders only; a / before that: from
 * this folder on, else at any depth; * and ? and [a-z] within a name, ** over folders; \ takes the next character as it is;
 * spaces at the end count only behind a \. Of several that match the last decides.
 *
 * Bytes are compared as they are, in this letter case. Matching never backtracks over more than the last * and the last **,
 * so no pattern is slow. Pure, any thread. */
#ifndef KN_TEXT_IGNORE_H
#define KN_TEXT_IGNORE_H

#include "base/buf.h"

struct kn_arena;
struct kn_err;

enum { KN_IGNORE_BYTES = 1 << 20 };

struct kn_ignore; /* in the arena */

/* Patterns are copied. A line that is no pattern counts for nothing, as with git. KN_ELIMIT: longer than KN_IGNORE_BYTES; no memory. */
int kn_ignore_parse(struct kn_sv bytes, struct kn_arena *arena, struct kn_ignore **out,
                    struct kn_err *err);

bool kn_ignore_is_empty(const struct kn_ignore *ignore); /* then the whole folder is left out */

enum kn_ignored { KN_IGNORE_UNDECIDED, KN_IGNORE_OUT, KN_IGNORE_IN };

/* path: from the folder of the file on, "a/b.mkv". Folders above it are the caller's to ask about first. */
enum kn_ignored kn_ignore_match(const struct kn_ignore *ignore, const char *path, bool is_folder);

#endif
