/* Any bytes read as an .nfo file. clang -fsanitize=fuzzer; seeds/nfo. */
#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"
#include "text/nfo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Valid, on one line, trimmed; and no longer than the bytes that it came from: nothing was expanded. */
static void check(const char *text, size_t bytes)
{
    size_t n = strlen(text);

    if (!kn_utf8_valid(kn_sv_of(text)) || (n > 0 && (text[0] == ' ' || text[n - 1] == ' ')))
        abort();
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ')
            abort();
    if (n > 3 * bytes) /* of one byte UTF-8 makes up to three */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct kn_arena *arena = kn_arena_new(64 << 20);
    struct kn_film_name name;
    char ids[KN_FILM_IDS];
    struct kn_nfo nfo;
    struct kn_err err = {0};
    int rc = kn_nfo_parse((struct kn_sv){(const char *)data, n}, arena, &nfo, &err);

    if (rc == KN_OK) {
        check(nfo.title, n);
        check(nfo.genres, n);
        check(nfo.plot, n);
        kn_film_ids_text(&nfo.ids, ids);
        if (nfo.year < 0 || nfo.year > 9999)
            abort();
    } else if (rc == KN_ECORRUPT && strncmp(err.msg, "line ", 5) != 0) {
        abort();
    }
    kn_film_name_read((struct kn_sv){(const char *)data, n < 300 ? n : 300}, &name);
    if (strlen(name.title) > strlen(name.name))
        abort();
    kn_arena_free(arena);
    return 0;
}
