/* map.h - what the two files of the map share. Inside src/api. */
#ifndef KN_API_MAP_H
#define KN_API_MAP_H

#include "api/api.h"

struct kn_map_sample { /* a title that stands for its group */
    struct kn_id id;
    size_t group;
};

/* For each of n_groups: up to three words that more of its samples say than those of the others do. Reads their
 * transcripts. words has n_groups times three texts from arena, NULL where there is none. */
int kn_map_words(struct kinora *k, const struct kn_map_sample *samples, size_t n, size_t n_groups,
                 struct kn_arena *arena, const char *(*words)[3], struct kn_err *err);

#endif
