/* Whatever a decoder says is refused or becomes safe. clang -fsanitize=fuzzer; seeds/wire.
 * What lies behind n in a is of messages before, as in the client. */
#include "decode/media_wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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
        kn_wire_to_info(&a.info, &info);
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
    case KN_WIRE_ERROR:
        kn_wire_to_text(&a.error, text);
        break;
    default:
        break;
    }
    return 0;
}
