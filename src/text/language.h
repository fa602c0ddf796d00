/* language.h - which language a text is in, by fastText's lid.176 (Joulin et al., 2016).
 *
 * The answer is "" when unsure, never a guess: below KN_LANGUAGE_SURE, or with fewer than
 * KN_LANGUAGE_WORDS words. Measured on the 30 FLEURS texts (de en es fr pt), cut into pieces of n words, wrong
 * of those answered: at 0.5 and 4 words 4 of 160, 10 words 1 of 60; at 0.7 and 4 words 2 of 136, 6 words 1 of 100,
 * 10 words 0 of 57, 20 words 0 of 30 (of 32), whole 0 of 29 (of 30).
 *
 * A model is opened once and then read by any number of threads. */
#ifndef KN_TEXT_LANGUAGE_H
#define KN_TEXT_LANGUAGE_H

#include "base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kn_err;
struct kn_language_model; /* opaque */

/* path of lid.176.ftz or .bin. KN_ENOTFOUND no such file, KN_ECORRUPT not a model: both name it and the remedy. */
int kn_language_open(const char *path, struct kn_language_model **out, struct kn_err *err);
void kn_language_close(struct kn_language_model *m); /* NULL is fine */

/* tag: ISO 639-1, or 639-3 where there is no shorter; "" unsure. confidence 0..1 of the likeliest language,
 * also when unsure. Letter case does not count: captions in capitals are English too. The
 * first 16 KiB are looked at. KN_ELIMIT without memory. */
int kn_language_of(const struct kn_language_model *m, struct kn_sv text, char tag[16],
                   double *confidence, struct kn_err *err);

#define KN_LANGUAGE_SURE 0.70
#define KN_LANGUAGE_WORDS 10

#ifdef __cplusplus
}
#endif

#endif
