/* Any bytes read as SubRip. clang -fsanitize=fuzzer; seeds/srt. */
#include "fuzz_subtitle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz(data, n, KN_SUBTITLE_SRT);
}
