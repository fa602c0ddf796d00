/* facts.h - what names and files beside a film tell of it, without opening it.
 *
 * The film's own name first, then its folder's, then an .nfo file (text/nfo.h): Film.nfo, else movie.nfo; then a poster:
 * Film-poster.jpg, else poster.jpg or folder.jpg, also .jpeg and .png. A folder's name, movie.nfo and poster count for the film that the
 * folder is of: one whose title is the folder's, or the only one there beside trailers and extras. Trailers, extras, episodes and
 * discs have no ids: those are the film's, and a title with the same ids is the same film.
 *
 * Threads: any; scan is only read. */
#ifndef KN_INGEST_FACTS_H
#define KN_INGEST_FACTS_H

#include "library/store.h"

struct kn_scan;

/* More files than these of one title in a folder are no versions of a film but parts of a series or a course. */
enum { KN_FACTS_VERSIONS = 16 };

/* Of the film at path (bytes). *name: its name, escaped, without ids. An .nfo file that is of no use is told of by a warning.
 * From the arena. KN_ELIMIT. */
int kn_facts_of(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                const char **name, struct kn_facts *out, struct kn_err *err);

/* Of which two files of one folder may be versions of one film, by their names: equal keys. False: it is no such file, having
 * no year, or being a trailer, an extra, an episode or a disc. KN_ELIMIT. */
int kn_facts_version(const char *path, bool *may, struct kn_hash *key, struct kn_err *err);

#endif
