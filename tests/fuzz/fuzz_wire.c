/* Whatever a decoder says is refused or becomes safe. clang -fsanitize=fuzzer; seeds/wire.
 * What lies behind n in a is of messages before, as in the client. */
#include "base/arena.h"
#include "base/buf.h"
#include "decode/media_wire.h"
#include "text/subtitle.h"

#include <kinora/err.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* One line or none, whatever stands in it; and the file that it belongs to can be read or is refused. */
static void check_cue(const struct kn_wire_cue *cue)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_subtitle s = {0};
    struct kn_buf file;
    size_t head;

    kn_buf_init(&file, 1 << 20);
    kn_buf_adds(&file, KN_WIRE_CUES_HEAD, NULL);
    head = file.n;
    if (kn_wire_add_cue(cue, &file, NULL))
        abort();
    for (size_t i = head; i < file.n; i++)
        if ((unsigned char)file.data[i] < ' ' && i + 1 < file.n)
            abort();
    if (kn_subtitle_parse((struct kn_sv){file.data, file.n}, KN_SUBTITLE_ANY, "", arena, &s,
                          NULL) == KN_OK &&
        (s.n_segments != 1 || s.format != KN_SUBTITLE_ASS || s.segments[0].start < 0))
        abort();
    kn_buf_free(&file);
    kn_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static union kn_wire_answer a;
    struct kn_media_info info;
    char text[KN_WIRE_TEXT];

    memcpy(&a, data, n < sizeof a ? n : sizeof a);
    if (!kn_wire_is_sound(&a, n))
        return 0;
    switch (a.kind) {
    case KN_WIRE_INFO:
        if (kn_wire_to_info(&a.info, &info, NULL) != KN_OK)
            break;
        if (info.audio >= (int)info.n_streams || strlen(info.title) >= sizeof info.title ||
            !(info.duration >= 0))
            abort();
        break;
    case KN_WIRE_AUDIO:
        kn_wire_clamp(&a.audio);
        for (uint32_t i = 0; i < a.audio.n; i++)
            if (!(a.audio.samples[i] >= -1 && a.audio.samples[i] <= 1))
                abort();
        break;
    case KN_WIRE_CUE:
        check_cue(&a.cue);
        break;
    case KN_WIRE_POSTER:
        if (a.poster.n > KN_WIRE_JPEG || a.poster.jpeg[0] != 0xFF)
            abort();
        break;
    case KN_WIRE_ERROR:
        if (kn_wire_to_text(&a.error, text, NULL) != KN_OK)
            break;
        break;
    default:
        break;
    }
    return 0;
}
