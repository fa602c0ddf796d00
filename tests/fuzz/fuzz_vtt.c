/* Any bytes read as WebVTT. clang -fsanitize=fuzzer; seeds/vtt. */
#include "fuzz_subtitle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz(data, n, KN_SUBTITLE_VTT);
}
