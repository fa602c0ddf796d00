/* Any text has a polarity in -1..1 and a subjectivity in 0..1. clang -fsanitize=fuzzer; seeds/lexicon. LEXICON names the
 * file, build/models/textblob-lexicon.tsv otherwise. */
#include "opinion/lexicon.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct kn_lexicon *lexicon;
    struct kn_sentiment s;
    char *text = malloc(n + 1);

    if (!lexicon) {
        const char *path = getenv("LEXICON");

        if (kn_lexicon_open(path ? path : "build/models/textblob-lexicon.tsv", &lexicon, NULL))
            abort();
    }
    memcpy(text, data, n);
    text[n] = '\0';
    if (kn_lexicon_score(lexicon, text, &s, NULL) || !(s.polarity >= -1 && s.polarity <= 1) ||
        !(s.subjectivity >= 0 && s.subjectivity <= 1))
        abort();
    free(text);
    return 0;
}
