/* api.h - what the files of src/api/ share. */
#ifndef KN_API_H
#define KN_API_H

#include <kinora/kinora.h>

#include "base/cancel.h"
#include "library/library.h"

#include <pthread.h>

struct kn_embedder;

enum { KN_API_LIMIT_MAX = 10000 }; /* answers to one question */
/* Unless the options name another. Greedily the quantised one hears as well as the one that it was made from, in less
 * time; with a beam it does not (bench/RESULTS.md). Either stands in for the other where only one is there. */
#define KN_API_SPEECH_GREEDY "whisper-base-q8_0"
#define KN_API_SPEECH_BEAM "whisper-base"

struct kinora {
    struct kn_library *lib;
    char *path;
    char *models;       /* as configured; NULL: default */
    char *speech_model; /* a name in the manifest; NULL: KN_API_SPEECH_* */
    char *embedding_model;
    struct kn_cancel cancel;
    pthread_mutex_t writing;      /* held by the ingest or import under way */
    pthread_mutex_t lock;         /* the embedder serves one thread at a time */
    struct kn_embedder *embedder; /* opened by the first text that is asked with */
};

/* The path of a model file by its name in the manifest, malloc'ed. */
int kn_api_model_path(const struct kinora *k, const char *name, char **out, struct kn_err *err);

/* The path of an embedding model, malloc'ed: name is in the manifest, or is that of a file NAME.gguf in the folder of
 * models, or is itself a path, with a slash in it; or it is a library's name of the model that k was opened with. */
int kn_api_embedding_path(const struct kinora *k, const char *name, char **out, struct kn_err *err);

/* The library's folder as the options or the XDG data folder say, malloc'ed. */
int kn_api_library_path(const struct kinora_options *options, char **out, struct kn_err *err);

/* The tags of a list (kn_config_languages), from the arena. */
int kn_api_languages(const char *list, struct kn_arena *arena, struct kn_filter *filter,
                     struct kn_err *err);

/* And those of a list of genres, parted by commas; NULL or "": none. */
int kn_api_genres(const char *list, struct kn_arena *arena, struct kn_filter *filter,
                  struct kn_err *err);

/* "ready"... -> its number; NULL or "": -1. KN_EARG. */
int kn_api_state(const char *name, int *out, struct kn_err *err);

/* The vector of a text that is asked with, from the arena. The embedder is opened by the first and kept. what: "search"... */
int kn_api_embed(struct kinora *k, const char *what, const char *text, struct kn_arena *arena,
                 float **vector, size_t *dim, struct kn_err *err);

/* All segments' texts, joined by spaces, from the arena. */
int kn_api_transcript(const struct kn_record *r, struct kn_arena *arena, const char **out,
                      struct kn_err *err);

int kn_api_no_memory(struct kn_err *err, const char *what);

#endif
