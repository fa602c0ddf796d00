/* score-texts LEXICON: texts from standard input, each ending in NUL; a line each with polarity and subjectivity as
 * hexadecimal numbers. What the oracle compares with TextBlob. */
#include "base/buf.h"
#include "base/err.h"
#include "opinion/lexicon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int score_all(const struct kn_lexicon *lexicon, const struct kn_buf *in, struct kn_err *err)
{
    for (const char *text = in->data; text < in->data + in->n; text += strlen(text) + 1) {
        struct kn_sentiment s;
        int rc = kn_lexicon_score(lexicon, text, &s, err);

        if (rc)
            return rc;
        printf("%a %a\n", s.polarity, s.subjectivity);
    }
    return KN_OK;
}

int main(int argc, char **argv)
{
    struct kn_lexicon *lexicon = NULL;
    struct kn_buf in;
    struct kn_err err;
    char part[65536];
    int rc;

    if (argc != 2) {
        fputs("score-texts LEXICON <TEXTS\n", stderr);
        return 2;
    }
    kn_buf_init(&in, 256 << 20);
    for (size_t n; (n = fread(part, 1, sizeof part, stdin)) > 0;)
        kn_buf_add(&in, part, n, NULL);
    rc = kn_buf_ok(&in, &err);
    if (!rc)
        rc = kn_lexicon_open(argv[1], &lexicon, &err);
    if (!rc)
        rc = score_all(lexicon, &in, &err);
    kn_lexicon_close(lexicon);
    kn_buf_free(&in);
    if (rc)
        fprintf(stderr, "score-texts: %s\n", err.msg);
    return rc ? 1 : 0;
}
