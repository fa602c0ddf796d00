/* Any bytes read as Sub Station Alpha. clang -fsanitize=fuzzer; seeds/ass. */
#include "fuzz_subtitle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz(data, n, KN_SUBTITLE_ASS);
}
