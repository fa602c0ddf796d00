/* v1_parts.h - what the files of the API share.
 *
 *   v1.c          the table of routes
 *   v1_parts.c    parameters that several take, and JSON that several give
 *   v1_titles.c   /titles, and what belongs to one
 *   v1_answers.c  /titles/{id}/similar, its playlist, /recommend
 *   v1_search.c   /search
 *   v1_ingest.c   /ingest and its events
 *   v1_library.c  /stats, /map, /openapi.yaml */
#ifndef KN_SERVER_V1_PARTS_H
#define KN_SERVER_V1_PARTS_H

#include "server/route.h"

struct kn_v1_ingest; /* v1_ingest.c */
struct kn_v1_map;    /* v1_library.c */

struct kn_v1 { /* r->app */
    struct kinora *k;
    struct kn_v1_ingest *ingest;
    struct kn_v1_map *map;
};

/* ---- handlers ---- */

typedef int kn_handler(const struct kn_request *r, struct kn_reply *out, struct kn_err *err);

kn_handler kn_v1_titles, kn_v1_title, kn_v1_transcript, kn_v1_subtitles, kn_v1_media, kn_v1_poster;
kn_handler kn_v1_similar, kn_v1_playlist, kn_v1_recommend;
kn_handler kn_v1_search;
kn_handler kn_v1_ingest_get, kn_v1_ingest_start, kn_v1_ingest_stop, kn_v1_ingest_events;
kn_handler kn_v1_stats, kn_v1_map_get, kn_v1_openapi;

extern const struct kn_param kn_v1_titles_query[], kn_v1_media_query[], kn_v1_similar_query[],
    kn_v1_recommend_body[], kn_v1_search_query[], kn_v1_ingest_body[];

int kn_v1_ingest_new(const struct kinora_options *library,
                     const struct kinora_ingest_options *options, struct kinora *k,
                     struct kn_v1_ingest **out, struct kn_err *err);
void kn_v1_ingest_free(struct kn_v1_ingest *g); /* NULL is fine; waits for its run */
void kn_v1_ingest_drain(struct kn_v1_ingest *g);
void kn_v1_ingest_metrics(struct kn_v1_ingest *g, struct kn_buf *out);

struct kn_v1_map *kn_v1_map_new(void);    /* NULL without memory */
void kn_v1_map_free(struct kn_v1_map *m); /* NULL is fine */

/* ---- parameters ---- */

/* A text of 1 to most characters; NULL where it was not given. KN_EARG names the parameter. */
int kn_v1_text(const struct kn_request *r, const char *name, size_t most, const char **out,
               struct kn_err *err);
/* Language tags, parted by commas; any or same. */
int kn_v1_language(const struct kn_request *r, const char **out, struct kn_err *err);
/* The same where there is nothing whose language it could be: without same. */
int kn_v1_language_of_all(const struct kn_request *r, const char **out, struct kn_err *err);
/* Genres, parted by commas: one at least. */
int kn_v1_genre(const struct kn_request *r, const char **out, struct kn_err *err);

/* ---- JSON ---- */

void kn_v1_id_json(struct kn_json_writer *w, const char *key, const struct kn_id *id);
void kn_v1_name_json(struct kn_json_writer *w, const struct kn_title *t); /* id, name */
/* An array of objects of these two. */
void kn_v1_names_json(struct kn_json_writer *w, const char *key, const struct kn_title *t,
                      size_t n);
/* The keys of Title. */
void kn_v1_card_json(struct kn_json_writer *w, struct kn_arena *arena, const struct kn_title *t);
void kn_v1_place_json(struct kn_json_writer *w, const char *key, size_t place); /* 0: null */
void kn_v1_moment_json(struct kn_json_writer *w, double start, double end, const char *text);

#endif
