/* sidecar.h - which subtitle files belong to a film, and which of them is taken for its words.
 *
 * To "Film.mkv" belong "Film.srt" and "Film.*.srt" in the same folder (also .vtt, .ass, .ssa), unless the longer
 * name is that of another film there ("Film.2.mkv" has "Film.2.srt"). Between the dots stand, in any order
 * and case, a language (text/tag.h) and flags: default, forced, sdh, cc, hi. "hi" is Hindi to some and hearing
 * impaired to others: it is a flag beside another language, and alone it is nothing, so that the text decides.
 * Anything else there is a title and tells nothing.
 *
 * Order: full before forced; then the languages that are wanted, in their order, then files without a
 * language in their name, then other languages; then default; then the shortest name; then by bytes.
 *
 * Threads: any; scan is only read. */
#ifndef KN_INGEST_SIDECAR_H
#define KN_INGEST_SIDECAR_H

#include "text/tag.h"

#include <stddef.h>

struct kn_arena;
struct kn_err;
struct kn_scan;

struct kn_sidecar {
    const char *path;           /* bytes */
    char language[KN_TAG_TEXT]; /* "" when its name has none */
    bool forced, is_default, impaired;
    unsigned rank; /* kn_sidecar_order's: less is better */
};

/* What stands between the film's name and the extension: ".en.forced"; "" for nothing. */
void kn_sidecar_read_name(struct kn_sv between, struct kn_sidecar *out);

/* Those beside the film at path (bytes), from the scan where it covers that folder, else looked for
 * now. From arena. KN_ELIMIT. */
int kn_sidecar_find(const struct kn_scan *scan, const char *path, struct kn_arena *arena,
                    struct kn_sidecar **out, size_t *n, struct kn_err *err);

/* Best first. wanted: tags, each may be NULL or "". */
void kn_sidecar_order(struct kn_sidecar *sidecars, size_t n, const char *const *wanted,
                      size_t n_wanted);

#endif
