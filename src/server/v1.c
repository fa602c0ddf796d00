#include "v1.h"

#include "base/err.h"
#include "v1_parts.h"

#include <stdlib.h>

#define API "/api/v1"

static const struct kn_route routes[] = {
    {KN_GET, API "/titles", kn_v1_titles, kn_v1_titles_query, NULL, KN_ROUTE_SLOW},
    {KN_GET, API "/titles/{id}", kn_v1_title, NULL, NULL, 0},
    {KN_GET, API "/titles/{id}/transcript", kn_v1_transcript, NULL, NULL, 0},
    {KN_GET, API "/titles/{id}/subtitles.vtt", kn_v1_subtitles, NULL, NULL, KN_ROUTE_ANY_TYPE},
    {KN_GET, API "/titles/{id}/media", kn_v1_media, kn_v1_media_query, NULL,
     KN_ROUTE_ANY_TYPE | KN_ROUTE_SIGNED},
    {KN_GET, API "/titles/{id}/poster", kn_v1_poster, NULL, NULL, KN_ROUTE_ANY_TYPE},
    {KN_GET, API "/titles/{id}/similar", kn_v1_similar, kn_v1_similar_query, NULL, 0},
    {KN_GET, API "/titles/{id}/similar.m3u8", kn_v1_playlist, kn_v1_similar_query, NULL,
     KN_ROUTE_ANY_TYPE},
    {KN_GET, API "/search", kn_v1_search, kn_v1_search_query, NULL, KN_ROUTE_SLOW},
    {KN_POST, API "/recommend", kn_v1_recommend, NULL, kn_v1_recommend_body, KN_ROUTE_SLOW},
    {KN_GET, API "/ingest", kn_v1_ingest_get, NULL, NULL, KN_ROUTE_SLOW},
    {KN_POST, API "/ingest", kn_v1_ingest_start, NULL, kn_v1_ingest_body, KN_ROUTE_SLOW},
    {KN_DELETE, API "/ingest", kn_v1_ingest_stop, NULL, NULL, KN_ROUTE_SLOW},
    {KN_GET, API "/ingest/events", kn_v1_ingest_events, NULL, NULL, KN_ROUTE_ANY_TYPE},
    {KN_GET, API "/stats", kn_v1_stats, NULL, NULL, KN_ROUTE_SLOW},
    {KN_GET, API "/map", kn_v1_map_get, NULL, NULL, KN_ROUTE_SLOW},
    {KN_GET, API "/openapi.yaml", kn_v1_openapi, NULL, NULL, KN_ROUTE_PUBLIC | KN_ROUTE_ANY_TYPE},
};

static void drain(void *ctx)
{
    kn_v1_ingest_drain(((struct kn_v1 *)ctx)->ingest);
}

static int prepare(void *ctx, struct kn_err *err)
{
    return kinora_prepare(((struct kn_v1 *)ctx)->k, err);
}

static int ready(void *ctx, struct kn_err *err)
{
    uint64_t changes;

    return kinora_changes(((struct kn_v1 *)ctx)->k, &changes, err);
}

static void metrics(void *ctx, struct kn_buf *out)
{
    kn_v1_ingest_metrics(((struct kn_v1 *)ctx)->ingest, out);
}

int kn_v1_open(struct kinora *k, const struct kinora_options *library,
               const struct kinora_ingest_options *ingest, struct kn_app *out, struct kn_err *err)
{
    struct kn_v1 *v1 = calloc(1, sizeof *v1);
    int rc;

    if (!v1 || !(v1->map = kn_v1_map_new())) {
        free(v1);
        return kn_err_memory(err, "serve: no memory");
    }
    v1->k = k;
    rc = kn_v1_ingest_new(library, ingest, k, &v1->ingest, err);
    if (rc) {
        kn_v1_map_free(v1->map);
        free(v1);
        return rc;
    }
    *out = (struct kn_app){.routes = routes,
                           .n_routes = sizeof routes / sizeof *routes,
                           .ctx = v1,
                           .prepare = prepare,
                           .ready = ready,
                           .metrics = metrics,
                           .drain = drain};
    return KN_OK;
}

void kn_v1_close(struct kn_app *app)
{
    struct kn_v1 *v1 = app->ctx;

    if (!v1)
        return;
    kn_v1_ingest_free(v1->ingest);
    kn_v1_map_free(v1->map);
    free(v1);
    *app = (struct kn_app){0};
}
