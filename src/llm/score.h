/* score.h - how much likelier a language model finds one next word than another, after a text in a prompt.
 *
 * log odds = log p(yes) - log p(no) of the token that follows  before + text + after.  What stands before the text
 * (an instruction, examples) is the same for every text: it is computed once and stays in the context's memory, from which
 * each text is taken out again afterwards. So a text costs its own tokens only, and the number for it does not depend
 * on what was asked earlier, bit for bit.
 *
 * The text goes in as plain words: what looks like one of the model's marks in it is none. Of a long one the first and the last
 * tokens count, max_tokens together. Text is trimmed, and invalid UTF-8 repaired.
 *
 * One kn_judge is one model and one context: one thread at a time. With SmolLM2-135M opening takes 0.8 s of CPU for a prompt of 80
 * tokens, a text of 76 words 0.5 s (on a busy machine), and it holds 130 MB, of which 100 are the file's own pages. */
#ifndef KN_LLM_SCORE_H
#define KN_LLM_SCORE_H

#include <stddef.h>

struct kn_err;
struct kn_judge; /* opaque; one thread at a time */

struct kn_question {
    const char *before, *after; /* the model's marks count in them */
    const char *yes, *no;       /* one token each */
    size_t max_tokens;          /* of the text; at least 2 */
};

/* path: of a GGUF file of a decoder. question is read, not kept. KN_ENOTFOUND, KN_ECORRUPT (names the file and the
 * remedy), KN_EARG (yes or no is no single token), KN_ELIMIT. */
int kn_judge_open(const char *path, const struct kn_question *question, struct kn_judge **out,
                  struct kn_err *err);
void kn_judge_close(struct kn_judge *j); /* NULL is fine */

/* KN_ELIMIT, KN_ECORRUPT (the model gives no numbers). */
int kn_judge_ask(struct kn_judge *j, const char *text, double *log_odds, struct kn_err *err);

#endif
