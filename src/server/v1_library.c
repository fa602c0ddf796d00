/* The library as a whole: /stats, /map, and the description of all of this. */
#include "v1_parts.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>

extern const char kn_data_openapi[];
extern const uint64_t kn_data_openapi_size;

/* ---- /stats ---- */

static void facets_json(struct kn_json_writer *w, const char *key, const char *what,
                        const struct kinora_facet *f, size_t n)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_known(w, what, f[i].value);
        kn_json_integer(w, "titles", (int64_t)f[i].titles);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

int kn_v1_stats(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kinora_stats *s;
    struct kn_json_writer *w;
    int rc = kinora_stats(r->k, &s, err);

    if (rc)
        return rc;
    w = kn_reply_json(out);
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "version", KINORA_VERSION);
    kn_json_integer(w, "titles", (int64_t)s->titles);
    kn_json_begin_object(w, "by_state");
    for (int i = KN_STATE_PENDING; i <= KN_STATE_MISSING; i++)
        kn_json_integer(w, kinora_state_name((enum kn_state)i), (int64_t)s->by_state[i]);
    kn_json_end_object(w);
    kn_json_integer(w, "segments", (int64_t)s->segments);
    kn_json_integer(w, "moments", (int64_t)s->moments);
    kn_json_seconds(w, "duration", s->duration);
    kn_json_known(w, "embedding_model", s->embedding_model);
    facets_json(w, "languages", "language", s->languages, s->n_languages);
    facets_json(w, "genres", "genre", s->genres, s->n_genres);
    if (s->year_from > 0) {
        kn_json_begin_object(w, "years");
        kn_json_integer(w, "from", s->year_from);
        kn_json_integer(w, "to", s->year_to);
        kn_json_end_object(w);
    } else {
        kn_json_null(w, "years");
    }
    kn_json_end_object(w);
    kinora_stats_free(s);
    return KN_OK;
}

/* ---- /map ---- */

struct kn_v1_map { /* the last one, for as long as the library stays as it was */
    pthread_mutex_t lock;
    struct kinora_map *map;
    uint64_t changes;
};

struct kn_v1_map *kn_v1_map_new(void)
{
    struct kn_v1_map *m = calloc(1, sizeof *m);

    if (m)
        pthread_mutex_init(&m->lock, NULL);
    return m;
}

void kn_v1_map_free(struct kn_v1_map *m)
{
    if (!m)
        return;
    kinora_map_free(m->map);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* With lock held. */
static int bring_up_to_date(struct kn_v1_map *m, struct kinora *k, struct kn_err *err)
{
    struct kinora_map *map;
    uint64_t changes;
    int rc = kinora_changes(k, &changes, err);

    if (rc || (m->map && m->changes == changes))
        return rc;
    rc = kinora_map(k, &map, err);
    if (rc)
        return rc;
    kinora_map_free(m->map);
    m->map = map;
    m->changes = changes;
    return KN_OK;
}

static void point_json(struct kn_json_writer *w, const struct kinora_point *p)
{
    kn_json_begin_object(w, NULL);
    kn_v1_name_json(w, &(struct kn_title){.id = p->id, .name = p->name});
    kn_json_rounded(w, "x", p->x, 4);
    kn_json_rounded(w, "y", p->y, 4);
    kn_json_integer(w, "group", (int64_t)p->group);
    kn_json_known(w, "language", p->language);
    kn_json_number(w, "opinion", p->opinion);
    kn_json_end_object(w);
}

static void map_json(struct kn_json_writer *w, const struct kinora_map *map)
{
    kn_json_begin_object(w, NULL);
    kn_json_begin_array(w, "points");
    for (size_t i = 0; i < map->n; i++)
        point_json(w, &map->points[i]);
    kn_json_end_array(w);
    kn_json_begin_array(w, "groups");
    for (size_t i = 0; i < map->n_groups; i++) {
        const struct kinora_group *g = &map->groups[i];

        kn_json_begin_object(w, NULL);
        kn_json_begin_array(w, "words");
        for (size_t j = 0; j < sizeof g->words / sizeof *g->words && g->words[j]; j++)
            kn_json_string(w, NULL, g->words[j]);
        kn_json_end_array(w);
        kn_json_integer(w, "titles", (int64_t)g->titles);
        kn_json_rounded(w, "x", g->x, 4);
        kn_json_rounded(w, "y", g->y, 4);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_end_object(w);
}

int kn_v1_map_get(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    struct kn_v1_map *m = ((struct kn_v1 *)r->app)->map;
    int rc;

    pthread_mutex_lock(&m->lock);
    rc = bring_up_to_date(m, r->k, err);
    if (!rc)
        map_json(kn_reply_json(out), m->map);
    pthread_mutex_unlock(&m->lock);
    return rc;
}

/* ---- /openapi.yaml ---- */

int kn_v1_openapi(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    (void)r;
    (void)err;
    kn_reply_borrowed(out, "application/yaml", kn_data_openapi, (size_t)kn_data_openapi_size);
    return KN_OK;
}
