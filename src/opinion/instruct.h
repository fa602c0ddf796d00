/* instruct.h - polarity of an English text as a small instruct model tells it: SmolLM2-135M-Instruct behind a fixed prompt with
 * examples, asked for one word.
 *
 *   odds     = log p(positive) - log p(negative)           (llm/score.h)
 *   neutral  = mean of odds over content-free texts        ("N/A", "..."; Zhao et al. 2021, Calibrate Before Use)
 *   polarity = tanh((odds - neutral) / WIDTH)
 *
 * Prompt, texts and width belong to this one model. The same text gets the same number, bit for bit, on one kind of processor.
 *
 * Each thread that scores at one time has a model and context of its own (llm/score.h says what that takes), which are kept for the
 * next. Any thread, until it is closed. */
#ifndef KN_OPINION_INSTRUCT_H
#define KN_OPINION_INSTRUCT_H

struct kn_err;
struct kn_instruct; /* opaque */

/* Loads nothing yet. KN_ENOTFOUND, with the remedy: there is no such file. */
int kn_instruct_open(const char *path, struct kn_instruct **out, struct kn_err *err);
void kn_instruct_close(struct kn_instruct *s); /* NULL is fine */

/* A blank text has none: NaN. Errors of kn_judge_open and kn_judge_ask. */
int kn_instruct_score(struct kn_instruct *s, const char *text, double *out, struct kn_err *err);

#endif
