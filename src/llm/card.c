#include "card.h"

#include "base/err.h"
#include "base/hash.h"
#include "llm/embed.h"
#include "net/json.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const unsigned char kn_data_embed_cards[];
extern const uint64_t kn_data_embed_cards_size;

enum { MAX_CARDS = 16, MAX_FILES = 32, MAX_DIM = 8192 };

struct known_file {
    const char *name;
    uint64_t bytes;
    const char *sha256;
};

static struct {
    pthread_once_t once;
    int rc;
    struct kn_err err;
    struct kn_json *json; /* never freed: the texts above point into it */
    struct kn_embed_card cards[MAX_CARDS];
    size_t n_cards;
    struct known_file files[MAX_FILES];
    size_t n_files;
} all = {.once = PTHREAD_ONCE_INIT};

static int read_files(const struct kn_json *files, struct kn_err *err)
{
    for (size_t i = 0; i < kn_json_length(files); i++) {
        struct known_file *file = &all.files[all.n_files];
        int64_t bytes;
        int rc;

        if (all.n_files == MAX_FILES)
            return kn_err_set(err, KN_ELIMIT, "more than %d files", MAX_FILES);
        if ((rc = kn_json_want_text(kn_json_at(files, i), "name", &file->name, err)) ||
            (rc = kn_json_want_text(kn_json_at(files, i), "sha256", &file->sha256, err)) ||
            (rc = kn_json_want_integer(kn_json_at(files, i), "bytes", &bytes, err)))
            return rc;
        file->bytes = (uint64_t)bytes;
        all.n_files++;
    }
    return KN_OK;
}

static int read_card(const struct kn_json *json, struct kn_embed_card *card, struct kn_err *err)
{
    int64_t version, max_tokens, dim;
    const char *model;
    float *centre;
    int rc;

    if ((rc = kn_json_want_text(json, "model", &model, err)) ||
        (rc = kn_json_want_integer(json, "version", &version, err)) ||
        (rc = kn_json_want_text(json, "prefix", &card->prefix, err)) ||
        (rc = kn_json_want_integer(json, "max_tokens", &max_tokens, err)) ||
        (rc = kn_json_want_integer(json, "dim", &dim, err)) ||
        (rc = kn_json_want_number(json, "weak_below", &card->weak_below, err)) ||
        (rc = kn_json_want_number(json, "weak_below_text", &card->weak_below_text, err)))
        return rc;
    if (dim < 0 || dim > MAX_DIM || max_tokens < 3)
        return kn_err_set(err, KN_ECORRUPT, "'%s': dim %lld, max_tokens %lld", model,
                          (long long)dim, (long long)max_tokens);
    snprintf(card->model, sizeof card->model, "%s", model);
    card->version = (int)version;
    card->max_tokens = (size_t)max_tokens;
    card->dim = (size_t)dim;
    card->whole = kn_json_bool_or(kn_json_get(json, "whole_transcript"), false);
    if (dim == 0)
        return KN_OK;
    centre = malloc(card->dim * sizeof *centre);
    if (!centre)
        return kn_err_memory(err, "'%s': no memory", model);
    rc = kn_json_want_numbers(json, "centre", centre, card->dim, err);
    if (rc) {
        free(centre);
        return rc;
    }
    card->centre = centre;
    return read_files(kn_json_get(json, "files"), err);
}

static void read_cards(void)
{
    struct kn_sv text = {(const char *)kn_data_embed_cards, kn_data_embed_cards_size};
    const struct kn_json *cards;

    all.rc = kn_json_parse(text, "the cards of the embedding models", &all.json, &all.err);
    if (all.rc)
        return;
    cards = kn_json_get(all.json, "cards");
    for (size_t i = 0; i < kn_json_length(cards) && i < MAX_CARDS; i++) {
        all.rc = read_card(kn_json_at(cards, i), &all.cards[i], &all.err);
        if (all.rc) {
            kn_err_wrap(&all.err, all.rc, "read card %zu of the embedding models", i + 1);
            return;
        }
        all.n_cards = i + 1;
    }
}

static int ensure_cards(struct kn_err *err)
{
    pthread_once(&all.once, read_cards);
    if (all.rc && err)
        *err = all.err;
    return all.rc;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int kn_embed_card_of(const char *path, struct kn_embed_card *out, struct kn_err *err)
{
    struct kn_embed_card card = {.version = 1, .prefix = ""};
    const char *name = base_name(path);
    size_t length = strlen(name);
    int rc = ensure_cards(err);

    if (rc)
        return rc;
    for (size_t i = 0; i < all.n_cards; i++) {
        size_t n = strlen(all.cards[i].model);

        /* "model", "model-q4_0.gguf" and "model.gguf", but not "models-other.gguf". */
        if (strncmp(name, all.cards[i].model, n) == 0 && (n == length || strchr("-.", name[n]))) {
            card = all.cards[i];
            break;
        }
    }
    if (card.dim > 0) {
        *out = card;
        return KN_OK;
    }
    if (length > 5 && strcmp(name + length - 5, ".gguf") == 0)
        length -= 5;
    if (length == 0 || length >= sizeof out->model)
        return kn_err_set(
            err, KN_EARG,
            "embedding model '%s': a file without a card of its own is known by its name, which "
            "must be of 1 to %zu bytes: rename it",
            path, sizeof out->model - 1);
    memset(card.model, 0, sizeof card.model);
    memcpy(card.model, name, length);
    *out = card;
    return KN_OK;
}

static const struct known_file *find_file(const char *name)
{
    for (size_t i = 0; i < all.n_files; i++)
        if (strcmp(all.files[i].name, name) == 0)
            return &all.files[i];
    return NULL;
}

int kn_card_check_file(const char *path, struct kn_err *err)
{
    const struct known_file *known;
    struct stat st;
    char sha256[65] = "";
    int rc = ensure_cards(err);

    if (rc)
        return rc;
    if (stat(path, &st) < 0)
        return kn_err_set(err, errno == ENOENT ? KN_ENOTFOUND : KN_EIO,
                          "open embedding model '%s': %s; kinora models list says what is there",
                          path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return kn_err_set(err, KN_EIO, "open embedding model '%s': it is not a file", path);
    known = find_file(base_name(path));
    if (!known)
        return KN_OK;
    /* Base names: whole paths would push the remedy out of the message. */
    if ((uint64_t)st.st_size != known->bytes)
        return kn_err_set(
            err, KN_ECORRUPT,
            "embedding model '%s' is damaged: it has %lld bytes, not %llu; run: kinora "
            "models verify",
            known->name, (long long)st.st_size, (unsigned long long)known->bytes);
    rc = kn_sha256_file(path, sha256, err);
    if (rc == KN_OK && strcmp(sha256, known->sha256) != 0)
        rc = kn_err_set(err, KN_ECORRUPT,
                        "embedding model '%s' is damaged: its SHA-256 is %.12s..., not %.12s...; "
                        "run: kinora models verify",
                        known->name, sha256, known->sha256);
    return rc;
}
