/* kinora_map: gathers what layout.h lays out, and keeps the layout in the library's folder. */
#include "api/map.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "recommend/layout.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 16, /* titles of a group that give it its words: those nearest to its middle */
    OUTGROWN = 2, /* times as many titles as a layout was made from */
    FILE_MAX = 1 << 20,
};

struct gathered {
    struct kinora *k;
    struct kn_arena *arena;
    char model[64];
    size_t dim, n;
    struct kn_title *titles; /* ready ones, in order of id */
    const float **vectors;
    struct kn_layout layout;
};

void kinora_map_free(struct kinora_map *m)
{
    if (!m)
        return;
    kn_arena_free(m->arena);
    free(m);
}

/* ---- titles ---- */

static int by_id(const void *a, const void *b)
{
    return memcmp(&((const struct kn_title *)a)->id, &((const struct kn_title *)b)->id,
                  sizeof(struct kn_id));
}

/* A title that comes between the count and the end of the scroll is on the next map. */
static int gather(struct gathered *g, struct kn_err *err)
{
    struct kinora_titles *ready;
    int rc = kn_library_model(g->k->lib, g->model, &g->dim, err);

    if (rc == KN_OK)
        rc = kinora_list(g->k, "ready", &ready, err);
    if (rc)
        return rc;
    if (ready->n > 0)
        qsort(ready->titles, ready->n, sizeof *ready->titles, by_id);
    g->titles = kn_arena_array(g->arena, ready->n, sizeof *g->titles);
    g->vectors = kn_arena_array(g->arena, ready->n, sizeof *g->vectors);
    if (!g->titles || !g->vectors)
        rc = kn_api_no_memory(err, "map");
    for (size_t i = 0; rc == KN_OK && i < ready->n; i++) {
        struct kn_record r;

        rc = kn_library_get(g->k->lib, &ready->titles[i].id, KN_WITH_VECTOR, g->arena, &r, err);
        if (rc == KN_OK && r.title.state == KN_STATE_READY && r.vector) {
            g->titles[g->n] = r.title;
            g->vectors[g->n++] = r.vector;
        }
        rc = rc == KN_ENOTFOUND ? KN_OK : rc;
    }
    kinora_titles_free(ready);
    return rc;
}

/* ---- the layout's file: a head, its numbers, a hash of both ---- */

struct head {
    char magic[8], model[64];
    uint64_t dim, groups, fitted;
    double spread, turn[4];
};

static const char MAGIC[8] = "KNMAP\0\0\1";

static size_t numbers_of(const struct kn_layout *l)
{
    return (l->groups + 2) * l->dim * sizeof(float) + 2 * l->groups * sizeof(double);
}

static int path_of(const struct kinora *k, const char *name, struct kn_buf *out, struct kn_err *err)
{
    kn_buf_init(out, PATH_MAX);
    return kn_buf_addf(out, err, "%s/%s", k->path, name);
}

/* False: there is none, or none that can be used; then one is made. */
static bool read_layout(const struct gathered *g, struct kn_layout *out)
{
    struct kn_buf path, file;
    struct head h;
    struct kn_layout l;
    uint64_t hash;
    bool good = false;

    kn_buf_init(&file, FILE_MAX);
    if (path_of(g->k, "index/map.bin", &path, NULL) || kn_fs_read(path.data, &file, NULL) ||
        file.n < sizeof h + sizeof hash)
        goto out;
    memcpy(&h, file.data, sizeof h);
    memcpy(&hash, file.data + file.n - sizeof hash, sizeof hash);
    if (memcmp(h.magic, MAGIC, sizeof MAGIC) != 0 || h.dim != g->dim || h.groups == 0 ||
        h.groups > KN_LAYOUT_GROUPS || strncmp(h.model, g->model, sizeof h.model) != 0 ||
        hash != kn_hash_bytes(file.data, file.n - sizeof hash))
        goto out;
    l = (struct kn_layout){
        .dim = g->dim, .groups = (size_t)h.groups, .fitted = (size_t)h.fitted, .spread = h.spread};
    memcpy(l.turn, h.turn, sizeof l.turn);
    l.centres = kn_arena_array(g->arena, l.groups * l.dim, sizeof *l.centres);
    l.axes = kn_arena_array(g->arena, 2 * l.dim, sizeof *l.axes);
    l.places = kn_arena_array(g->arena, 2 * l.groups, sizeof *l.places);
    if (l.centres && l.axes && l.places && file.n == sizeof h + numbers_of(&l) + sizeof hash) {
        const char *from = file.data + sizeof h;

        memcpy(l.places, from, 2 * l.groups * sizeof *l.places);
        from += 2 * l.groups * sizeof *l.places;
        memcpy(l.centres, from, l.groups * l.dim * sizeof *l.centres);
        memcpy(l.axes, from + l.groups * l.dim * sizeof *l.centres, 2 * l.dim * sizeof *l.axes);
        *out = l;
        good = true;
    }
out:
    kn_buf_free(&path);
    kn_buf_free(&file);
    return good;
}

/* Where it cannot be kept, the same one is made again from the same titles. */
static void keep_layout(const struct gathered *g)
{
    const struct kn_layout *l = &g->layout;
    struct head h = {.dim = l->dim, .groups = l->groups, .fitted = l->fitted, .spread = l->spread};
    struct kn_buf path, folder, file;
    uint64_t hash;

    memcpy(h.magic, MAGIC, sizeof MAGIC);
    memcpy(h.model, g->model, sizeof h.model);
    memcpy(h.turn, l->turn, sizeof h.turn);
    kn_buf_init(&file, FILE_MAX);
    kn_buf_add(&file, &h, sizeof h, NULL);
    kn_buf_add(&file, l->places, 2 * l->groups * sizeof *l->places, NULL);
    kn_buf_add(&file, l->centres, l->groups * l->dim * sizeof *l->centres, NULL);
    kn_buf_add(&file, l->axes, 2 * l->dim * sizeof *l->axes, NULL);
    hash = kn_hash_bytes(file.data, file.n);
    kn_buf_add(&file, &hash, sizeof hash, NULL);
    if (path_of(g->k, "library.db", &path, NULL) == KN_OK && kn_fs_exists(path.data) &&
        path_of(g->k, "index", &folder, NULL) == KN_OK && kn_buf_ok(&file, NULL) == KN_OK) {
        kn_buf_free(&path);
        if (kn_fs_mkdirs(folder.data, NULL) == KN_OK &&
            path_of(g->k, "index/map.bin", &path, NULL) == KN_OK)
            kn_fs_write(path.data, file.data, file.n, NULL);
        kn_buf_free(&folder);
    }
    kn_buf_free(&path);
    kn_buf_free(&file);
}

static int have_layout(struct gathered *g, struct kn_err *err)
{
    struct kn_layout before;
    bool known = read_layout(g, &before);
    int rc;

    if (known && g->n < OUTGROWN * before.fitted) {
        g->layout = before;
        return KN_OK;
    }
    rc =
        kn_layout_make(g->vectors, g->n, g->dim, known ? &before : NULL, g->arena, &g->layout, err);
    if (rc == KN_OK && g->n > 0)
        keep_layout(g);
    return rc;
}

/* ---- the map ---- */

static int add_points(const struct gathered *g, struct kinora_map *m, struct kn_err *err)
{
    size_t number[KN_LAYOUT_GROUPS], titles[KN_LAYOUT_GROUPS] = {0};

    m->points = kn_arena_array(m->arena, g->n, sizeof *m->points);
    m->groups = kn_arena_array(m->arena, KN_LAYOUT_GROUPS, sizeof *m->groups);
    if (!m->points || !m->groups)
        return kn_api_no_memory(err, "map");
    for (size_t i = 0; i < g->n; i++) {
        struct kn_spot spot = kn_layout_place(&g->layout, g->vectors[i]);
        const struct kn_title *t = &g->titles[i];

        m->points[i] = (struct kinora_point){.id = t->id,
                                             .name = kn_arena_text(m->arena, t->name),
                                             .language = kn_arena_text(m->arena, t->language),
                                             .opinion = t->opinion,
                                             .x = spot.x,
                                             .y = spot.y,
                                             .group = spot.group};
        if (!m->points[i].name || !m->points[i].language)
            return kn_api_no_memory(err, "map");
        titles[spot.group]++;
    }
    m->n = g->n;
    for (size_t c = 0; c < g->layout.groups; c++) { /* without those that have none any more */
        number[c] = m->n_groups;
        if (titles[c] > 0)
            m->groups[m->n_groups++].titles = titles[c];
    }
    for (size_t i = 0; i < m->n; i++) {
        struct kinora_point *p = &m->points[i];
        struct kinora_group *group = &m->groups[number[p->group]];

        p->group = number[p->group];
        group->x += p->x / (double)group->titles;
        group->y += p->y / (double)group->titles;
    }
    return KN_OK;
}

struct candidate {
    double far;
    size_t group, at;
};

static int nearest_first(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->far != b->far)
        return a->far < b->far ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

static int add_words(const struct gathered *g, struct kinora_map *m, struct kn_err *err)
{
    struct kn_map_sample *samples =
        kn_arena_array(g->arena, SAMPLES * KN_LAYOUT_GROUPS, sizeof *samples);
    struct candidate *all = kn_arena_array(g->arena, m->n, sizeof *all);
    const char *words[KN_LAYOUT_GROUPS][3] = {{0}};
    size_t n = 0, of_group = 0;
    int rc;

    if (!samples || !all)
        return kn_api_no_memory(err, "map");
    for (size_t i = 0; i < m->n; i++) {
        const struct kinora_point *p = &m->points[i];
        const struct kinora_group *group = &m->groups[p->group];

        all[i] = (struct candidate){hypot(p->x - group->x, p->y - group->y), p->group, i};
    }
    if (m->n > 0)
        qsort(all, m->n, sizeof *all, nearest_first);
    for (size_t i = 0; i < m->n; i++) {
        of_group = i > 0 && all[i].group == all[i - 1].group ? of_group + 1 : 0;
        if (of_group < SAMPLES)
            samples[n++] = (struct kn_map_sample){m->points[all[i].at].id, all[i].group};
    }
    rc = kn_map_words(g->k, samples, n, m->n_groups, m->arena, words, err);
    for (size_t c = 0; rc == KN_OK && c < m->n_groups; c++)
        memcpy(m->groups[c].words, words[c], sizeof words[c]);
    return rc;
}

int kinora_map(struct kinora *k, struct kinora_map **out, struct kn_err *err)
{
    struct gathered g = {.k = k, .arena = kn_arena_new(0)};
    struct kinora_map *m = calloc(1, sizeof *m);
    int rc = KN_OK;

    if (!g.arena || !m || !(m->arena = kn_arena_new(0)))
        rc = kn_api_no_memory(err, "map");
    if (rc == KN_OK)
        rc = gather(&g, err);
    if (rc == KN_OK)
        rc = have_layout(&g, err);
    if (rc == KN_OK)
        rc = add_points(&g, m, err);
    if (rc == KN_OK)
        rc = add_words(&g, m, err);
    kn_arena_free(g.arena);
    if (rc)
        kinora_map_free(m);
    else
        *out = m;
    return rc;
}
