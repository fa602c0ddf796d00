/* fuzz_subtitle.h - what holds for any bytes that are read as subtitles of one format. */
#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"
#include "text/subtitle.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* As kn_segment promises: trimmed, one line, never empty; and valid. */
static void check_text(struct kn_sv t)
{
    must(t.n > 0 && t.p[0] != ' ' && t.p[t.n - 1] != ' ');
    must(kn_utf8_valid(t));
    for (size_t i = 0; i < t.n; i++)
        must((unsigned char)t.p[i] >= ' ' && t.p[i] != 0x7F);
}

static void check_spoken(const char *text)
{
    struct kn_buf b;

    kn_buf_init(&b, SIZE_MAX);
    must(kn_subtitle_spoken(kn_sv_of(text), &b, NULL) == KN_OK);
    must(b.n <= strlen(text));
    if (b.n > 0)
        check_text((struct kn_sv){b.data, b.n});
    kn_buf_free(&b);
}

static int fuzz(const uint8_t *data, size_t n, enum kn_subtitle_format format)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_subtitle s = {0};
    struct kn_err err = {0};
    int rc =
        kn_subtitle_parse((struct kn_sv){(const char *)data, n}, format, NULL, arena, &s, &err);

    if (rc) {
        must(strncmp(err.msg, "line ", 5) == 0 && s.n_segments == 0);
    } else {
        must(s.n_segments > 0 && s.format != KN_SUBTITLE_ANY);
        must(s.charset.confidence >= 0 && s.charset.confidence <= 1);
    }
    for (size_t i = 0; i < s.n_segments; i++) {
        const struct kn_segment *g = &s.segments[i];

        must(g->start >= 0 && g->start <= g->end && isfinite(g->end));
        must(i == 0 || s.segments[i - 1].start <= g->start);
        check_text(kn_sv_of(g->text));
        check_spoken(g->text);
    }
    kn_arena_free(arena);
    return 0;
}
