/* qdrant_impl.h - what the files of the qdrant backend share. Inside src/library only.
 *
 * A library NAME is two collections for each embedding model that it has been under, KEY being a hash of the model:
 *   NAME-titles-KEY   a point a title: its vector "meaning", the sparse vector "words", and what filters and cards need.
 *   NAME-moments-KEY  its moments with their vectors and texts, its transcript in parts, and one point about the library:
 *                     model, dim, and a number that grows with every change.
 * The aliases NAME-titles and NAME-moments say which model is the present one. Before there is one, KEY is 00000000.
 *
 * A title's points in the moments collection carry its version, of which each put has one of its own, and so does the title, whose
 * point is written behind them all. So a reader takes those of the title's version and sees it whole, and what an interrupted
 * put left behind belongs to nobody; a put of that title a day later or more takes it away. Two that put one title at the same time do not touch
 * what the other wrote; the last to write the title's point is who counts. Vectors are compared by inner product (Dot), since Cosine would store them changed. Numbers that must come
 * back as they were are kept as base64 of their bytes: a JSON number may lose its last bit on the way. */
#ifndef KN_LIBRARY_QDRANT_IMPL_H
#define KN_LIBRARY_QDRANT_IMPL_H

#include "library/backend.h"
#include "library/qdrant.h"
#include "net/http.h"
#include "net/json.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    KN_QD_MAX_NAME = 64,
    KN_QD_KEY = 9, /* 8 hexadecimal digits and the NUL */
    KN_QD_MAX_OTHERS = 8,
    KN_QD_PATH = 256,
    KN_QD_MAX_BODY = 31 << 20,   /* of a request; the server takes 32 MiB */
    KN_QD_MAX_ANSWER = 63 << 20, /* what kn_json_parse takes, nearly */
    KN_QD_PAGE = 256,            /* points in an answer that may have long texts */
    KN_QD_GRAMS = 256,
    KN_QD_FORMAT = 1, /* of all that is described above */
};

#define KN_QD_REFRESH                                                                              \
    2.0 /* seconds for which a reader keeps to the collections that an alias named */

/* Which collections a call is to use. */
struct kn_qd_view {
    char key[KN_QD_KEY]; /* "": there are none yet */
    char model[KN_MAX_MODEL_NAME + 1];
    size_t dim;
    char others[KN_QD_MAX_OTHERS]
               [KN_QD_KEY]; /* of other models, with titles that count as pending */
    size_t n_others;
};

/* In how many titles words are, for a while (qdrant_words.c). */
struct kn_qd_known {
    struct kn_qd_count {
        uint32_t hash, titles; /* titles UINT32_MAX: none */
    } * slots;                 /* a power of two of them; titles 0: empty */
    size_t n;
    uint64_t all; /* titles with words, when these were counted */
    double since;
    char key[KN_QD_KEY];
};

struct kn_qdrant {
    struct kn_library base;
    struct kn_http *http;
    char *address; /* as it was given */
    char *url;     /* http://HOST:PORT */
    char name[KN_QD_MAX_NAME + 1];
    bool write, aside;
    struct kn_qdrant_options options; /* without its texts */
    char quantization[16];
    char *media_root; /* NULL: paths as they are */
    const struct kn_cancel *cancel;
    atomic_bool lost;     /* a collection was not there: look at the aliases again */
    pthread_mutex_t lock; /* over what is below */
    struct kn_qd_view view;
    double looked;       /* when the aliases were read last */
    uint64_t nonce;      /* of this handle: no two puts are to have one version */
    int64_t last_change; /* that this handle wrote */
    struct kn_qd_known known;
};

/* ---- qdrant_call.c: requests ---- */

/* The path of a collection of the library: kind is "titles" or "moments", rest what follows ("/points/query"). */
void kn_qd_path(const struct kn_qdrant *q, const char *kind, const char *key, const char *rest,
                char out[KN_QD_PATH]);

/* Sends body (NULL: none) and parses the answer; *result is its "result", which lives until kn_json_free(*root). Both may be NULL.
 * All that is sent so may be sent twice. KN_EARG: what the server refuses, KN_ENET: what it cannot
 * do now; the message has the address, the status and the server's words. */
int kn_qd_call(struct kn_qdrant *q, const char *method, const char *path, struct kn_buf *body,
               struct kn_json **root, const struct kn_json **result, struct kn_err *err);
/* The same to a collection. */
int kn_qd_ask(struct kn_qdrant *q, const char *kind, const char *key, const char *rest,
              struct kn_buf *body, struct kn_json **root, const struct kn_json **result,
              struct kn_err *err);
int kn_qd_create(struct kn_qdrant *q, const char *kind, const char *key, struct kn_buf *body,
                 struct kn_err *err); /* one that is there already is fine */
int kn_qd_change_aliases(struct kn_qdrant *q, struct kn_buf *body,
                         struct kn_err *err); /* sent once */

int kn_qd_about(struct kn_qdrant *q, struct kn_json **root, struct kn_err *err); /* GET / */

void kn_qd_write_id(struct kn_json_writer *w, const char *key, const struct kn_id *id);

/* A condition of a filter: the field has one of the values written in between. */
void kn_qd_begin_any(struct kn_json_writer *w, const char *field);
void kn_qd_end_any(struct kn_json_writer *w);

/* ---- qdrant_layout.c: collections and aliases ---- */

/* The view as it is now; looks at the aliases when that is long ago. */
int kn_qd_view(struct kn_qdrant *q, struct kn_qd_view *out, struct kn_err *err);
int kn_qd_look(struct kn_qdrant *q, struct kn_err *err); /* now; under the lock */
int kn_qd_make(struct kn_qdrant *q, const char *model, size_t dim, char key[KN_QD_KEY],
               struct kn_err *err);
int kn_qd_point_aliases(struct kn_qdrant *q, const char *key, struct kn_err *err);
void kn_qd_key(const char *model, size_t dim, char out[KN_QD_KEY]);
int kn_qd_mark_aside(struct kn_qdrant *q, const char *key, bool is, struct kn_err *err);
int kn_qd_drop(struct kn_qdrant *q, const char *key, struct kn_err *err);
int64_t kn_qd_tick(struct kn_qdrant *q); /* microseconds since 1970, each time more than before */
/* An operation for .../points/batch on the moments collection that makes the library's number grow. */
void kn_qd_write_change(struct kn_qdrant *q, struct kn_json_writer *w);
int kn_qd_changes(struct kn_qdrant *q, const struct kn_qd_view *v, uint64_t *out,
                  struct kn_err *err);

/* ---- qdrant_record.c: a title as points; qdrant_parse.c: and back ---- */

/* What of a title filters ask of: the same fields in titles and moments. */
void kn_qd_write_facts(struct kn_json_writer *w, const struct kn_title *t);
void kn_qd_write_numbers(struct kn_json_writer *w, const char *key, const double *v, size_t n);
void kn_qd_write_vector(struct kn_json_writer *w, const char *key, const float *v, size_t n);
const char *kn_qd_state_name(enum kn_state s);

struct kn_qd_put { /* a title on its way out */
    const struct kn_record *record;
    const char **paths; /* that are its own: in order, each once */
    size_t n_paths;
    bool taken; /* its last path went to another title of the same put */
    char version[17];
    char before[17]; /* the version that it replaces; "" none */
    uint32_t parts;
};
int kn_qd_write_title(struct kn_json_writer *w, const struct kn_qd_put *p, size_t dim,
                      struct kn_err *err);

/* Its points in the moments collection, each handed to take as JSON. */
struct kn_qd_sink {
    int (*take)(void *ctx, const struct kn_buf *point, struct kn_err *err);
    void *ctx;
};
int kn_qd_write_moments(struct kn_qd_put *p, size_t dim, int64_t at, const struct kn_qd_sink *sink,
                        struct kn_err *err);

/* other: it is of another model, and so has no vectors and is not ready. */
int kn_qd_read_title(const struct kn_qdrant *q, const struct kn_json *point, bool other,
                     struct kn_arena *arena, struct kn_title *out, struct kn_err *err);
int kn_qd_read_vectors(const struct kn_qdrant *q, const struct kn_json *point, size_t dim,
                       struct kn_arena *arena, struct kn_record *out, struct kn_err *err);
/* Texts and numbers of points of the moments collection, which are parted by their kind and put in order. */
int kn_qd_read_parts(const struct kn_qdrant *q, const struct kn_json **points, size_t n, size_t dim,
                     struct kn_arena *arena, struct kn_record *out, struct kn_err *err);
bool kn_qd_read_numbers(const struct kn_json *text, double *out, size_t n);
/* The grams of a name, which finding a part of it asks for: its runs of three characters, as far as they go into KN_QD_GRAMS; "*" where
 * they do not; and "#" with the first six digits of its id. */
void kn_qd_write_grams(struct kn_json_writer *w, const char *folded);
/* As much of a name as its index holds. */
void kn_qd_write_name_key(struct kn_json_writer *w, const char *key, const char *name);
int kn_qd_broken(const struct kn_qdrant *q, const char *what, struct kn_err *err); /* KN_ECORRUPT */
int64_t kn_qd_order(
    const char *folded); /* its first six bytes and a half as a number that orders as they do */

/* Points of titles that are there; fields says which of their payload, as JSON. */
int kn_qd_retrieve(struct kn_qdrant *q, const char *key, const struct kn_id *ids, size_t n,
                   const char *fields, bool vectors, struct kn_json **root,
                   const struct kn_json **points, struct kn_err *err);
int kn_qd_count(struct kn_qdrant *q, const char *kind, const char *key, const char *filter,
                uint64_t *out, struct kn_err *err);

/* ---- qdrant_search.c ---- */

struct kn_qd_question { /* what a search asks with */
    struct kn_qdrant *q;
    struct kn_qd_view view;
    const char *kind;    /* "titles", "moments" */
    const float *vector; /* NULL: words */
    size_t dim;
    const uint32_t *words;
    const float *weights;
    size_t n_words;
    const struct kn_filter *filter;
    const char *fields; /* of the payload, as JSON */
};

struct kn_qd_hit { /* of either kind */
    struct kn_id id;
    double score, opinion;
    char language[16], version[17];
    uint32_t moment;
};

/* The hits of which k are the best, in order, for the caller to free; there may be more. */
int kn_qd_ask_for(const struct kn_qd_question *a, size_t k, struct kn_qd_hit **out, size_t *n,
                  struct kn_err *err);
void kn_qd_write_filter(struct kn_json_writer *w, const char *key, const struct kn_filter *f,
                        bool moments); /* may be NULL: all that are ready */

/* ---- the operations ---- */

extern const struct kn_library_ops kn_qd_ops;

int kn_qd_check_write(const struct kn_qdrant *q, struct kn_err *err);
int kn_qd_set_model(struct kn_library *lib, const char *name, size_t dim, struct kn_err *err);
int kn_qd_put(struct kn_library *lib, const struct kn_record *records, size_t n,
              struct kn_err *err);
int kn_qd_remove(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_err *err);
int kn_qd_get(struct kn_library *lib, const struct kn_id *id, unsigned parts,
              struct kn_arena *arena, struct kn_record *out, struct kn_err *err);
int kn_qd_find(struct kn_library *lib, const char *text, enum kn_find how, size_t limit,
               struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);
int kn_qd_scroll(struct kn_library *lib, const struct kn_id *after, size_t limit,
                 struct kn_arena *arena, struct kn_title **out, size_t *n, struct kn_err *err);
int kn_qd_similar(struct kn_library *lib, const float *vector, size_t dim,
                  const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                  struct kn_err *err);
int kn_qd_moments(struct kn_library *lib, const float *vector, size_t dim,
                  const struct kn_filter *filter, size_t k, struct kn_moment_hit *hits, size_t *n,
                  struct kn_err *err);
int kn_qd_shared_words(struct kn_library *lib, const struct kn_wording *wording,
                       const struct kn_filter *filter, size_t k, struct kn_hit *hits, size_t *n,
                       struct kn_err *err);
int kn_qd_similarities(struct kn_library *lib, const float *vector, size_t dim,
                       const struct kn_id *ids, size_t n, double *out, struct kn_err *err);
int kn_qd_wording(struct kn_library *lib, const struct kn_id *id, struct kn_wording *out,
                  struct kn_err *err);
int kn_qd_alike(struct kn_library *lib, const struct kn_id *ids, size_t n, struct kn_wording *out,
                struct kn_err *err);
int kn_qd_stats(struct kn_library *lib, struct kn_library_stats *out, struct kn_err *err);
int kn_qd_check(struct kn_library *lib, struct kn_err *err);

static inline struct kn_qdrant *kn_qdrant_of(struct kn_library *lib)
{
    return (struct kn_qdrant *)lib;
}

#endif
