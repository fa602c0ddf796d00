/* marks.h - where in a text the words of a question stand, for whoever shows it.
 *
 * Words are those of kn_next_word, compared folded (without case and accents); the question's last word may be the beginning of
 * one, as in a search that looks while somebody types. Words that only hold a sentence together ("the", "who", "para") tell nothing of what
 * was looked for and are not marked, in English and Spanish texts, unless the question has no others. Pure functions, any thread. */
#ifndef KN_TEXT_MARKS_H
#define KN_TEXT_MARKS_H

#include <stdbool.h>
#include <stddef.h>

struct kn_arena;
struct kn_err;

struct kn_mark { /* characters (Unicode code points): from start to before end */
    size_t start, end;
};

/* In order, none touching another, from arena. language: the text's BCP-47 tag; "" unknown. KN_ELIMIT without memory. */
int kn_marks_find(const char *text, const char *language, const char *question,
                  struct kn_arena *arena, const struct kn_mark **out, size_t *n,
                  struct kn_err *err);

/* Is this word (folded) one of those that tell nothing, in an English or a Spanish text? */
bool kn_marks_is_common(const char *folded);

#endif
