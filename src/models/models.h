/* models.h - which model files Kinora uses, where they come from, and whether they are whole.
 *
 * The manifest (src/models/manifest.json, built into the program) names each file with its
 * purpose, size, SHA-256 (several where a converted file and the official one both serve),
 * licence and sources. Set-up makes the files by the converters under tools/models/ ("make models");
 * kinora models pull fetches them ready from the addresses in the manifest instead.
 *
 * The models folder: what the configuration says (models, KINORA_MODELS), else "models" beside the running program if
 * it is there, else kinora/models under the XDG data folder. */
#ifndef KN_MODELS_MODELS_H
#define KN_MODELS_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_arena;
struct kn_buf;
struct kn_cancel;
struct kn_err;

enum { KN_MODEL_HASHES = 4, KN_MODEL_SOURCES = 4 };

struct kn_model {
    const char *name;    /* "whisper-base" */
    const char *file;    /* "ggml-base.bin" */
    const char *purpose; /* "speech", "voice-activity", "embedding", "text-language", "opinion" */
    const char *licence;
    uint64_t bytes;
    const char *sha256[KN_MODEL_HASHES];   /* NULL after the last */
    const char *sources[KN_MODEL_SOURCES]; /* addresses; NULL after the last */
    bool is_default;
    const char
        *instead; /* the name of a model that serves where this one is not there; NULL: none */
};

/* The manifest, parsed once; static, any thread. KN_ECORRUPT, KN_ELIMIT. */
int kn_models_manifest(const struct kn_model **out, size_t *n, struct kn_err *err);
int kn_models_find(const char *name, const struct kn_model **out,
                   struct kn_err *err); /* KN_ENOTFOUND lists the names */

/* The folder as described above, whether there or not. configured: NULL or "" for none. Appends to out. */
int kn_models_dir(const char *configured, struct kn_buf *out, struct kn_err *err);

/* dir/file if it is there; KN_ENOTFOUND with the remedy otherwise ("make models" or
 * "kinora models pull NAME"), KN_ECORRUPT when its size is wrong. Appends to out. Does not look
 * at the hash: that reads the whole file. */
int kn_models_path(const char *dir, const char *name, struct kn_buf *out, struct kn_err *err);

/* Reads the whole file. KN_ENOTFOUND; KN_ECORRUPT names the file, both hashes and the remedy. */
int kn_models_verify(const char *dir, const struct kn_model *model, struct kn_err *err);

/* Fetches the file from its sources in turn into file.part, which a later call resumes; verified, then
 * renamed, so that a file under its own name is always whole. One that is there and whole is left alone, one
 * that is not is replaced. done (may be NULL) is called with the bytes so far. source, when neither NULL
 * nor "", is used instead of the manifest's addresses; one that ends in / is a folder (a mirror).
 * KN_ENET, KN_ETIMEOUT, KN_ECORRUPT, KN_ECANCELLED, KN_EIO; KN_ENOTFOUND when there is no address. */
int kn_models_pull(const char *dir, const struct kn_model *model, const char *source,
                   const struct kn_cancel *cancel,
                   void (*done)(void *ctx, uint64_t bytes, uint64_t total), void *ctx,
                   struct kn_err *err);

#endif
