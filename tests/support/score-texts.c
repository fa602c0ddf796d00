/* Texts from standard input, each ending in NUL; a line each on standard output, with hexadecimal numbers.
 *
 *     score-texts LEXICON         polarity and subjectivity: what the oracle compares with TextBlob
 *     score-texts llm MODEL.gguf  opinion of the instruct model, "nan" for none: what bench/opinion.py measures */
#include "base/buf.h"
#include "base/err.h"
#include "opinion/instruct.h"
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

static int judge_all(struct kn_instruct *instruct, const struct kn_buf *in, struct kn_err *err)
{
    for (const char *text = in->data; text < in->data + in->n; text += strlen(text) + 1) {
        double opinion;
        int rc = kn_instruct_score(instruct, text, &opinion, err);

        if (rc)
            return rc;
        printf("%a\n", opinion);
        fflush(stdout);
    }
    return KN_OK;
}

int main(int argc, char **argv)
{
    bool llm = argc == 3 && strcmp(argv[1], "llm") == 0;
    struct kn_lexicon *lexicon = NULL;
    struct kn_instruct *instruct = NULL;
    struct kn_buf in;
    struct kn_err err;
    char part[65536];
    int rc;

    if (argc != 2 && !llm) {
        fputs("score-texts LEXICON | llm MODEL.gguf <TEXTS\n", stderr);
        return 2;
    }
    kn_buf_init(&in, 256 << 20);
    for (size_t n; (n = fread(part, 1, sizeof part, stdin)) > 0;)
        kn_buf_add(&in, part, n, NULL);
    rc = kn_buf_ok(&in, &err);
    if (!rc)
        rc = llm ? kn_instruct_open(argv[2], &instruct, &err)
                 : kn_lexicon_open(argv[1], &lexicon, &err);
    if (!rc)
        rc = llm ? judge_all(instruct, &in, &err) : score_all(lexicon, &in, &err);
    kn_lexicon_close(lexicon);
    kn_instruct_close(instruct);
    kn_buf_free(&in);
    if (rc)
        fprintf(stderr, "score-texts: %s\n", err.msg);
    return rc ? 1 : 0;
}
