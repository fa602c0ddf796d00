#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "config/config.h"
#include "library/store.h"
#include "llm/embed.h"
#include "models/models.h"
#include "net/http.h"
#include "speech/speech.h"
#include "text/filmname.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_PAGE = 1000,
    FIND_LIMIT = 20,
    CLOSE_LIMIT = 5,
    MAX_FOLDED = 64 << 20,
    /* bytes of a name that fit into a message: "not found in the dataset", and "means several titles" */
    NOT_FOUND_NAME = 210,
    SEVERAL_NAME = 150,
};

int kn_api_no_memory(struct kn_err *err, const char *what)
{
    return kn_err_set(err, KN_ELIMIT, "%s: no memory", what);
}

static bool given(const char *s)
{
    return s && *s;
}

int kn_api_library_path(const struct kinora_options *o, char **out, struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, PATH_MAX);
    rc = given(o->library) ? kn_buf_adds(&b, o->library, err) : kn_config_data_dir(&b, err);
    if (rc == KN_OK) {
        *out = kn_buf_take(&b);
        if (!*out)
            rc = kn_api_no_memory(err, "open library");
    }
    kn_buf_free(&b);
    return rc;
}

static void prepare_process(void)
{
    kn_speech_prepare();
    kn_http_init();
}

static int open_library(struct kinora *k, const struct kinora_options *o, struct kn_err *err)
{
    const struct kn_library_options how = {.write = o->write,
                                           .create = o->write,
                                           .wait = o->wait,
                                           .recall = o->recall,
                                           .qdrant = &k->qdrant,
                                           .cancel = &k->cancel};

    if (o->write && kn_library_is_remote(k->path))
        return kn_err_set(err, KN_EARG,
                          "'%.100s' is a cluster, and only kinora publish writes to it: do this in "
                          "a library of your own, --library DIR, and publish that",
                          k->path);
    return kn_library_open(k->path, &how, &k->lib, err);
}

/* Paths of titles are escaped, and so is what goes before them. */
static int keep_media_root(struct kinora *k, const char *root, struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, 8 * PATH_MAX);
    rc = kn_escape_path(kn_sv_of(root), &b, err);
    k->qdrant.media_root = rc ? NULL : kn_buf_take(&b);
    kn_buf_free(&b);
    return rc || k->qdrant.media_root ? rc : kn_api_no_memory(err, "open library");
}

static int keep_qdrant(struct kinora *k, const struct kn_qdrant_options *o, struct kn_err *err)
{
    if (!o)
        return KN_OK;
    k->qdrant = *o;
    k->qdrant.api_key = given(o->api_key) ? strdup(o->api_key) : NULL;
    k->qdrant.quantization = given(o->quantization) ? strdup(o->quantization) : NULL;
    k->qdrant.media_root = NULL;
    if ((given(o->api_key) && !k->qdrant.api_key) ||
        (given(o->quantization) && !k->qdrant.quantization))
        return kn_api_no_memory(err, "open library");
    return given(o->media_root) ? keep_media_root(k, o->media_root, err) : KN_OK;
}

int kinora_open(const struct kinora_options *o, struct kinora **out, struct kn_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct kinora *k = calloc(1, sizeof *k);
    int rc;

    if (!k)
        return kn_api_no_memory(err, "open library");
    pthread_once(&once, prepare_process);
    pthread_mutex_init(&k->lock, NULL);
    pthread_mutex_init(&k->writing, NULL);
    k->models = given(o->models) ? strdup(o->models) : NULL;
    k->speech_model = given(o->speech_model) ? strdup(o->speech_model) : NULL;
    k->embedding_model =
        strdup(given(o->embedding_model) ? o->embedding_model : "multilingual-e5-small");
    if ((given(o->speech_model) && !k->speech_model) || !k->embedding_model ||
        (given(o->models) && !k->models))
        rc = kn_api_no_memory(err, "open library");
    else
        rc = kn_api_library_path(o, &k->path, err);
    if (rc == KN_OK)
        rc = keep_qdrant(k, o->qdrant, err);
    if (rc == KN_OK)
        rc = open_library(k, o, err);
    if (rc) {
        kinora_close(k);
        return rc;
    }
    *out = k;
    return KN_OK;
}

void kinora_close(struct kinora *k)
{
    if (!k)
        return;
    kn_embedder_close(k->embedder);
    kn_library_close(k->lib);
    pthread_mutex_destroy(&k->lock);
    pthread_mutex_destroy(&k->writing);
    free(k->path);
    free(k->models);
    free(k->speech_model);
    free(k->embedding_model);
    free((char *)k->qdrant.api_key);
    free((char *)k->qdrant.quantization);
    free((char *)k->qdrant.media_root);
    free(k);
}

bool kinora_notice(struct kinora *k, char out[256])
{
    bool is;

    pthread_mutex_lock(&k->lock);
    is = k->notice.code != KN_OK;
    memcpy(out, k->notice.msg, sizeof k->notice.msg);
    k->notice.code = KN_OK;
    pthread_mutex_unlock(&k->lock);
    return is || kn_library_notice(k->lib, out);
}

void kn_api_keep_index(struct kinora *k)
{
    struct kn_err err;
    int rc = kn_store_write_index(k->lib, false, &k->cancel, &err);

    if (rc == KN_OK || rc == KN_ECANCELLED)
        return;
    pthread_mutex_lock(&k->lock);
    k->notice = err;
    kn_err_wrap(&k->notice, rc, "index/ is not kept, so the next answer takes longer");
    pthread_mutex_unlock(&k->lock);
}

const char *kinora_library_path(const struct kinora *k)
{
    return k->path;
}

bool kinora_is_cluster(const struct kinora *k)
{
    return kn_library_is_remote(k->path);
}

void kinora_cancel(struct kinora *k)
{
    kn_cancel_set(&k->cancel);
}

const char *kinora_state_name(enum kn_state s)
{
    static const char *const names[] = {"pending", "ready", "failed", "silent", "missing"};

    return (size_t)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

void kinora_id_text(const struct kn_id *id, char out[KN_ID_TEXT])
{
    kn_id_format(id, out);
}

int kn_api_model_path(const struct kinora *k, const char *name, char **out, struct kn_err *err)
{
    struct kn_buf dir, path;
    int rc;

    kn_buf_init(&dir, PATH_MAX);
    kn_buf_init(&path, PATH_MAX);
    rc = kn_models_dir(k->models, &dir, err);
    if (rc == KN_OK)
        rc = kn_models_path(dir.data, name, &path, err);
    if (rc == KN_OK) {
        *out = kn_buf_take(&path);
        if (!*out)
            rc = kn_api_no_memory(err, "find model");
    }
    kn_buf_free(&dir);
    kn_buf_free(&path);
    return rc;
}

static int copy_path(const char *path, char **out, struct kn_err *err)
{
    char *copy = strdup(path);

    if (!copy)
        return kn_api_no_memory(err, "find model");
    *out = copy;
    return KN_OK;
}

int kn_api_embedding_path(const struct kinora *k, const char *name, char **out, struct kn_err *err)
{
    const struct kn_model *in_manifest;
    struct kn_embed_card card;
    struct kn_buf path;
    int rc;

    if (kn_embed_card_of(k->embedding_model, &card, NULL) == KN_OK && strcmp(card.model, name) == 0)
        name = k->embedding_model;
    if (strchr(name, '/'))
        return copy_path(name, out, err);
    if (kn_models_find(name, &in_manifest, NULL) == KN_OK)
        return kn_api_model_path(k, name, out, err);
    kn_buf_init(&path, PATH_MAX);
    rc = kn_models_dir(k->models, &path, err);
    if (rc == KN_OK)
        rc = kn_buf_addf(&path, err, "/%s.gguf", name);
    if (rc == KN_OK && !kn_fs_exists(path.data))
        rc =
            kn_err_set(err, KN_ENOTFOUND,
                       "no embedding model is named '%.63s': it is none of kinora models list, nor "
                       "is it %.63s.gguf in the models' folder; --embedding-model also takes a "
                       "path, with a slash in it",
                       name, name);
    if (rc == KN_OK)
        rc = copy_path(path.data, out, err);
    kn_buf_free(&path);
    return rc;
}

/* ---- titles ---- */

static struct kinora_titles *titles_new(void)
{
    struct kinora_titles *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->arena = kn_arena_new(0);
    if (!t->arena) {
        free(t);
        return NULL;
    }
    return t;
}

void kinora_titles_free(struct kinora_titles *t)
{
    if (!t)
        return;
    kn_arena_free(t->arena);
    free(t);
}

int kn_api_state(const char *name, int *out, struct kn_err *err)
{
    *out = -1;
    if (!given(name))
        return KN_OK;
    for (int s = KN_STATE_PENDING; s <= KN_STATE_MISSING; s++) {
        if (strcmp(name, kinora_state_name((enum kn_state)s)) == 0) {
            *out = s;
            return KN_OK;
        }
    }
    return kn_err_set(
        err, KN_EARG,
        "list: there is no state '%s'; it is one of ready, pending, failed, silent, missing", name);
}

int kinora_list(struct kinora *k, const char *state, struct kinora_titles **out, struct kn_err *err)
{
    struct kinora_titles *t = titles_new();
    struct kn_library_stats stats;
    int wanted, rc;

    if (!t)
        return kn_api_no_memory(err, "list titles");
    rc = kn_api_state(state, &wanted, err);
    if (rc == KN_OK)
        rc = kn_library_get_stats(k->lib, &stats, err);
    if (rc)
        goto out;
    /* A title may join while the pages are read: room for one more page, then the list is cut. */
    t->titles = kn_arena_array(t->arena, stats.titles + LIST_PAGE, sizeof *t->titles);
    if (!t->titles) {
        rc = kn_api_no_memory(err, "list titles");
        goto out;
    }
    for (struct kn_id after, *from = NULL;; from = &after) {
        struct kn_title *page;
        size_t n;

        rc = kn_library_scroll(k->lib, from, LIST_PAGE, t->arena, &page, &n, err);
        if (rc)
            goto out;
        for (size_t i = 0; i < n && t->n < stats.titles + LIST_PAGE; i++) {
            if (wanted < 0 || (int)page[i].state == wanted)
                t->titles[t->n++] = page[i];
        }
        if (n < LIST_PAGE)
            break;
        after = page[n - 1].id;
    }
out:
    if (rc)
        kinora_titles_free(t);
    else
        *out = t;
    return rc;
}

/* "films/The Long Way.mp4" -> "The Long Way": what somebody types who means the file. */
static const char *without_folder_and_extension(struct kn_arena *arena, const char *name)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    const char *dot = strrchr(base, '.');

    if ((!slash && !dot) || !*base)
        return NULL;
    return kn_arena_bytes(arena, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* A file that was replaced leaves its old title behind as missing, under the same name: who asks by name means the
 * one that is there. */
static void prefer_present(struct kinora_titles *t)
{
    size_t present = 0, which = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (t->titles[i].state != KN_STATE_MISSING) {
            present++;
            which = i;
        }
    }
    if (present == 1) {
        t->titles[0] = t->titles[which];
        t->n = 1;
    }
}

/* "alien" is a part of Alien and of Aliens, and means Alien. */
static int prefer_whole(const char *name, struct kinora_titles *t, struct kn_err *err)
{
    struct kn_buf asked, one;
    size_t whole = 0;
    int rc;

    kn_buf_init(&asked, MAX_FOLDED);
    kn_buf_init(&one, MAX_FOLDED);
    rc = kn_fold(kn_sv_of(name), &asked, err);
    for (size_t i = 0; rc == KN_OK && i < t->n; i++) {
        kn_buf_clear(&one);
        rc = kn_fold(kn_sv_of(t->titles[i].name), &one, err);
        if (rc == KN_OK && one.n == asked.n && memcmp(one.data, asked.data, one.n) == 0)
            t->titles[whole++] = t->titles[i]; /* the best match is first: none is lost */
    }
    if (rc == KN_OK && whole > 0)
        t->n = whole;
    kn_buf_free(&asked);
    kn_buf_free(&one);
    return rc;
}

/* Finds one more than are listed, so that it is known whether there are more. */
static int find_one(struct kinora *k, const char *name, struct kinora_titles *t, struct kn_err *err)
{
    int rc = kn_library_find(k->lib, name, KN_FIND_EXACT, FIND_LIMIT + 1, t->arena, &t->titles,
                             &t->n, err);

    if (rc == KN_OK && t->n == 0) {
        rc = kn_library_find(k->lib, name, KN_FIND_PART, FIND_LIMIT + 1, t->arena, &t->titles,
                             &t->n, err);
        if (rc == KN_OK && t->n > 1)
            rc = prefer_whole(name, t, err);
    }
    if (rc == KN_OK)
        prefer_present(t);
    return rc;
}

static bool inside_a_character(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* A long name without its middle, so that a message keeps what it says behind it. */
static const char *shortened(struct kn_arena *arena, const char *name, size_t most)
{
    size_t n = strlen(name), head = most / 2, tail;
    const char *s;

    if (n <= most)
        return name;
    tail = n - (most - head - 3);
    while (head > 0 && inside_a_character(name[head]))
        head--;
    while (inside_a_character(name[tail]))
        tail++;
    s = kn_arena_printf(arena, "%.*s...%s", (int)head, name, name + tail);
    return s ? s : "...";
}

static int several(const char *name, struct kinora_titles *t, struct kn_err *err)
{
    const char *shown = shortened(t->arena, name, SEVERAL_NAME);

    if (t->n <= FIND_LIMIT)
        return kn_err_set(err, KN_EARG,
                          "'%s' means several titles; give more of the name, or an id", shown);
    t->n = FIND_LIMIT;
    return kn_err_set(err, KN_EARG,
                      "'%s' means more than %d titles, of which %d are listed; give more of the "
                      "name, or an id",
                      shown, FIND_LIMIT, FIND_LIMIT);
}

int kinora_find(struct kinora *k, const char *name, struct kinora_titles **out, struct kn_err *err)
{
    struct kinora_titles *t = titles_new();
    const char *shorter = NULL;
    struct kn_film_name film;
    int rc;

    if (!t)
        return kn_api_no_memory(err, "find title");
    rc = find_one(k, name, t, err);
    if (rc == KN_OK && t->n == 0 && (shorter = without_folder_and_extension(t->arena, name)))
        rc = find_one(k, shorter, t, err);
    if (rc == KN_OK && t->n == 0) { /* a name with its ids, as the file or folder has them */
        kn_film_name_read(kn_sv_of(shorter ? shorter : name), &film);
        if (*film.name && strcmp(film.name, shorter ? shorter : name) != 0)
            rc = find_one(k, film.name, t, err);
    }
    if (rc == KN_OK && t->n == 0) {
        rc = kn_library_find(k->lib, name, KN_FIND_CLOSE, CLOSE_LIMIT, t->arena, &t->titles, &t->n,
                             err);
        if (rc == KN_OK)
            rc = kn_err_set(err, KN_ENOTFOUND, "Movie '%s' not found in the dataset.",
                            shortened(t->arena, name, NOT_FOUND_NAME));
    } else if (rc == KN_OK && t->n > 1) {
        rc = several(name, t, err);
    }
    if (rc == KN_OK || rc == KN_ENOTFOUND || (rc == KN_EARG && t->n > 1))
        *out = t;
    else
        kinora_titles_free(t);
    return rc;
}

int kn_api_languages(const char *list, struct kn_arena *arena, struct kn_filter *filter,
                     struct kn_err *err)
{
    static const char between[] = ", ";
    size_t most = 1, n = 0;
    const char **names;
    char *copy, *save = NULL;
    int rc = kn_config_languages(list, err);

    if (rc)
        return rc;
    for (const char *p = list; *p; p++)
        most += strchr(between, *p) != NULL;
    copy = kn_arena_text(arena, list);
    names = kn_arena_array(arena, most, sizeof *names);
    if (!names || !copy)
        return kn_api_no_memory(err, "languages");
    for (char *word = strtok_r(copy, between, &save); word; word = strtok_r(NULL, between, &save))
        names[n++] = word;
    filter->languages = names;
    filter->n_languages = n;
    return KN_OK;
}

int kn_api_genres(const char *list, struct kn_arena *arena, struct kn_filter *filter,
                  struct kn_err *err)
{
    struct kn_sv rest = kn_sv_of(list);
    const char **genres;
    size_t n = 1;

    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == ',';
    genres = kn_arena_array(arena, n, sizeof *genres);
    if (!genres)
        return kn_api_no_memory(err, "genres");
    for (n = 0; rest.n > 0;) {
        size_t length = 0;
        struct kn_sv one;

        while (length < rest.n && rest.p[length] != ',')
            length++;
        one = kn_sv_trim((struct kn_sv){rest.p, length});
        if (one.n > 0 && !(genres[n++] = kn_arena_bytes(arena, one.p, one.n)))
            return kn_api_no_memory(err, "genres");
        length += length < rest.n;
        rest = (struct kn_sv){rest.p + length, rest.n - length};
    }
    filter->genres = genres;
    filter->n_genres = n;
    return KN_OK;
}
