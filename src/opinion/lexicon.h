/* lexicon.h - TextBlob's PatternAnalyzer for English, bit for bit: what TextBlob(text).sentiment gives.
 *
 * A table of some 2,900 words with hand-made values, read from models/textblob-lexicon.tsv
 * (tools/models/textblob_lexicon.py makes it and describes it); a tokeniser; and a walk over the words in
 * which adverbs strengthen, "not" turns round by half, "!" strengthens and emoticons count. The odd parts are
 * TextBlob's own and are kept: "n't" never negates, since its apostrophe is parted from it first; and a
 * negation reaches over the end of a sentence. tests/oracle/test_lexicon.py holds it against the original.
 *
 * A lexicon is only read once it is open: any thread. Scoring costs about 10 MB of text a second. */
#ifndef KN_OPINION_LEXICON_H
#define KN_OPINION_LEXICON_H

#include <stddef.h>
#include <stdint.h>

struct kn_err;
struct kn_lexicon; /* opaque */

/* KN_ENOTFOUND, KN_EIO; KN_ECORRUPT names the line. */
int kn_lexicon_open(const char *path, struct kn_lexicon **out, struct kn_err *err);
void kn_lexicon_close(struct kn_lexicon *lexicon); /* NULL is fine */

struct kn_sentiment {
    double polarity;     /* -1..1; 0 too where no word is known */
    double subjectivity; /* 0..1 */
};

/* text: UTF-8; bytes that are none count as one character each. KN_ELIMIT without memory. */
int kn_lexicon_score(const struct kn_lexicon *lexicon, const char *text, struct kn_sentiment *out,
                     struct kn_err *err);

/* ---- between lexicon.c and lexicon_words.c ---- */

struct kn_chars { /* growing; failed: memory ran out, and what follows is lost */
    uint32_t *d;  /* code points */
    size_t n, cap;
    int failed;
};

struct kn_emoticon {
    uint32_t c[8];
    size_t n;
};

/* The words of text, a space before each but the first, as TextBlob's find_tokens parts them, in small ASCII
 * letters. Free with free(out->d), in any case. */
void kn_lexicon_words(const char *text, const struct kn_emoticon *emoticons, size_t n,
                      struct kn_chars *out);
int kn_lexicon_is_space(uint32_t c); /* as Python's str.isspace */

/* One character of s, which does not end here, into *c; gives its bytes. */
size_t kn_lexicon_decode(const char *s, uint32_t *c);

#endif
