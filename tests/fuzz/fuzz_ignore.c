/* Any bytes read as an .ignore file; the last line is a path that is matched. clang -fsanitize=fuzzer; seeds/ignore. */
#include "base/arena.h"
#include "text/ignore.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A pattern that git's rules make of a plain name matches this name, and behind a ! takes it back. */
static void check_plain(struct kn_arena *arena)
{
    static const char both[] = "film.mkv\n!/film.mkv\n";
    struct kn_ignore *ignore;

    if (kn_ignore_parse(kn_sv_of(both), arena, &ignore, NULL) ||
        kn_ignore_match(ignore, "film.mkv", false) != KN_IGNORE_IN ||
        kn_ignore_match(ignore, "a/film.mkv", false) != KN_IGNORE_OUT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct kn_arena *arena = kn_arena_new(64 << 20);
    const char *text = (const char *)data, *last = n ? memrchr(text, '\n', n) : NULL;
    size_t patterns = last ? (size_t)(last - text) : n;
    struct kn_ignore *ignore;
    const char *path;

    if (kn_ignore_parse((struct kn_sv){text, patterns}, arena, &ignore, NULL) == 0) {
        path = last ? kn_arena_bytes(arena, last + 1, n - patterns - 1) : "a/b/film.mkv";
        /* What is matched as a file is matched as a folder as well, unless a pattern for folders only decides. */
        if (path && kn_ignore_is_empty(ignore) &&
            kn_ignore_match(ignore, path, true) != KN_IGNORE_UNDECIDED)
            abort();
        if (path)
            kn_ignore_match(ignore, path, false);
        check_plain(arena);
    }
    kn_arena_free(arena);
    return 0;
}
