/* api.h - what the files of src/api/ share. */
#ifndef KN_API_H
#define KN_API_H

#include <kinora/kinora.h>

#include "base/cancel.h"
#include "library/library.h"

#include <pthread.h>

struct kn_embedder;

#define KN_API_SPEECH_MODEL "whisper-base-q8_0" /* unless the options name another */

struct kinora {
    struct kn_library *lib;
    char *path;
    char *models;                         /* as configured; NULL: default */
    char *speech_model, *embedding_model; /* names in the manifest */
    struct kn_cancel cancel;
    pthread_mutex_t writing;      /* held by the ingest or import under way */
    pthread_mutex_t lock;         /* the embedder serves one thread at a time */
    struct kn_embedder *embedder; /* opened by the first search */
};

/* The path of a model file by its name in the manifest, malloc'ed. */
int kn_api_model_path(const struct kinora *k, const char *name, char **out, struct kn_err *err);

/* The library's folder as the options or the XDG data folder say, malloc'ed. */
int kn_api_library_path(const struct kinora_options *options, char **out, struct kn_err *err);

/* The tags of a list (kn_config_languages), from the arena. */
int kn_api_languages(const char *list, struct kn_arena *arena, struct kn_filter *filter,
                     struct kn_err *err);

/* All segments' texts, joined by spaces, from the arena. */
int kn_api_transcript(const struct kn_record *r, struct kn_arena *arena, const char **out,
                      struct kn_err *err);

int kn_api_no_memory(struct kn_err *err, const char *what);

#endif
