/* tag.h - names of languages as files and tracks have them, made BCP-47 tags.
 *
 * Known are the languages that Kinora can hear or tell by their text: by ISO 639-1 ("en"), 639-2 in
 * both its forms ("ger", "deu"), by a region or script behind it ("pt-BR", "pt_BR", "es-419", "zh-Hans"),
 * and by name in English and in the language itself ("Spanish", "Español"). Everything else is no language: "Film.cut.srt"
 * is not in Cuicatec.
 *
 * Pure functions, any thread. */
#ifndef KN_TEXT_TAG_H
#define KN_TEXT_TAG_H

#include "base/buf.h"

enum { KN_TAG_TEXT = 16 };

/* In usual letter case ("pt-BR"). False: no language, out as it was; "und" and "" are none. */
bool kn_tag_parse(struct kn_sv name, char out[KN_TAG_TEXT]);

/* How well a tag fits a wanted one: 2 the same, 1 the same language, 0 not. "" fits nothing. */
int kn_tag_fit(const char *tag, const char *wanted);

/* Where a tag stands among wanted ones (NULL and "" fit nothing), less is better: two places for each, the same tag before
 * another region of it; then 2 n for "", then 2 n + 1 for other languages. */
unsigned kn_tag_rank(const char *tag, const char *const *wanted, size_t n);

#endif
