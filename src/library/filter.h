/* filter.h - what a filter asks of a title, part by part, for those who keep the parts in columns. Inside src/library. */
#ifndef KN_LIBRARY_FILTER_H
#define KN_LIBRARY_FILTER_H

#include "library/library.h"

struct kn_buf;

bool kn_filter_language(const struct kn_filter *f, const char *language);
bool kn_filter_genres(const struct kn_filter *f, const char *genres);
bool kn_filter_times(const struct kn_filter *f, int year, double duration);

/* Does it let all pass but those of exclude? NULL does. */
bool kn_filter_is_open(const struct kn_filter *f);

/* Appends bytes that are equal for filters that ask the same, exclude left aside. */
int kn_filter_key(const struct kn_filter *f, struct kn_buf *out, struct kn_err *err);

#endif
