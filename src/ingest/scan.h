/* scan.h - which files under the given folders are media, and which lie beside them and tell of them.
 *
 * Chosen by extension: asking FFmpeg about every file of a folder would read all of them. A root that
 * is a file is taken whatever its name. Hidden entries (.name) and links to folders are passed
 * over, the latter so that a loop cannot be walked for ever. So is what .ignore files leave out (text/ignore.h): those of the
 * root, of each folder below and of each above, the nearest that says something of a file decides. Sorted by path, so that two
 * runs see the same order. */
#ifndef KN_INGEST_SCAN_H
#define KN_INGEST_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_arena;
struct kn_cancel;
struct kn_err;

enum { KN_SCAN_DEPTH = 64, KN_SCAN_FILES = 4000000 };

struct kn_scan_file {
    const char *path; /* absolute, bytes */
    uint64_t size;
    int64_t mtime_ns;
    bool
        special; /* a pipe, a socket or a device: there is nothing to read, and opening it might wait for ever */
};

struct kn_scan_root {
    const char *path; /* absolute, without links, bytes */
    bool is_folder;
    bool whole; /* every folder under it could be read: what was not seen is not there */
};

struct kn_scan_size {
    uint64_t size;
    size_t file; /* in files */
};

struct kn_scan {
    struct kn_scan_root *roots;
    size_t n_roots;
    struct kn_scan_file *files;
    size_t n_files;
    const struct kn_scan_size *sizes; /* of all files as they were found, in order */
    const char *const
        *subtitles; /* paths of .srt, .vtt, .ass, .ssa files, sorted; none beside a single file */
    size_t n_subtitles;
    const char *const *beside; /* paths of .nfo files and posters, sorted without regard to case */
    size_t n_beside;
    size_t skipped; /* files that are none of these by their name */
};

/* KN_ENOTFOUND: a root does not exist. KN_EARG: it is neither folder nor file. KN_ELIMIT. */
int kn_scan(const char *const *roots, size_t n, const struct kn_cancel *cancel,
            struct kn_arena *arena, struct kn_scan *out, struct kn_err *err);

/* The same of one folder alone, without those in it. One that cannot be read, or is not there, holds
 * nothing. KN_ELIMIT. */
int kn_scan_folder(const char *path, struct kn_arena *arena, struct kn_scan *out,
                   struct kn_err *err);

/* Would a scan leave out all of this folder (absolute, without links), for what .ignore files above it say? KN_ELIMIT. */
int kn_scan_leaves_out(const char *folder, bool *out, struct kn_err *err);

/* Has this name the extension of a film or a recording? */
bool kn_scan_is_media(const char *name);

/* Would a file of this name change what a scan finds? */
bool kn_scan_counts(const char *name);

/* The path of the file among those beside that has this one, else one whose name differs in the case of ASCII letters alone. NULL: none. */
const char *kn_scan_beside(const struct kn_scan *scan, const char *path);

/* The first of the files whose path does not come before this one; n_files: none. */
size_t kn_scan_first(const struct kn_scan *scan, const char *path);

/* Which files have this size: *n of scan->sizes, in order of their paths. */
const struct kn_scan_size *kn_scan_of_size(const struct kn_scan *scan, uint64_t size, size_t *n);

/* Did the scan look through the folder that this path lies in? */
bool kn_scan_covers(const struct kn_scan *scan, const char *path);

#endif
