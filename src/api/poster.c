#include "api/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/unicode.h"
#include "library/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PICTURE_MAX = 16 << 20 };

void kinora_poster_free(struct kinora_poster *p)
{
    if (!p)
        return;
    free(p->bytes);
    free(p);
}

/* By its first bytes, for a name may say anything, and a browser is told what it gets. NULL: none of these. */
static const char *media_type(const struct kn_buf *b)
{
    if (b->n >= 3 && memcmp(b->data, "\xFF\xD8\xFF", 3) == 0)
        return "image/jpeg";
    if (b->n >= 8 && memcmp(b->data, "\x89PNG\r\n\x1A\n", 8) == 0)
        return "image/png";
    if (b->n >= 12 && memcmp(b->data, "RIFF", 4) == 0 && memcmp(b->data + 8, "WEBP", 4) == 0)
        return "image/webp";
    return NULL;
}

/* What lies beside the film, where it is of use: else out stays empty. */
static int read_beside(const char *escaped, struct kn_buf *out, struct kn_err *err)
{
    struct kn_buf path;
    struct kn_err why;
    struct stat st;
    int rc;

    kn_buf_init(&path, PATH_MAX);
    rc = kn_unescape_path(kn_sv_of(escaped), &path, err);
    /* A pipe of that name would be waited for. */
    if (rc == KN_OK && path.n > 0 && stat(path.data, &st) == 0 && S_ISREG(st.st_mode)) {
        rc = kn_fs_read(path.data, out, &why);
        if (rc && kn_err_is_memory(&why)) {
            if (err)
                *err = why;
        } else if (rc || !media_type(out)) {
            kn_log(KN_LOG_DEBUG, "'%s' is not used: %s", escaped,
                   rc ? why.msg : "neither JPEG, PNG nor WebP");
            kn_buf_clear(out);
            rc = KN_OK;
        }
    }
    kn_buf_free(&path);
    return rc;
}

static int find_poster(struct kinora *k, const struct kn_id *id, struct kn_arena *arena,
                       struct kn_buf *out, struct kn_err *err)
{
    struct kn_facts facts;
    char why[256] = "";
    int rc = kn_store_facts(k->lib, id, arena, &facts, err);

    if (rc == KN_OK)
        rc = read_beside(facts.poster, out, err);
    if (rc == KN_OK && out->n == 0)
        rc = kn_store_poster(k->lib, id, out, why, err);
    if (rc == KN_OK && out->n == 0)
        rc = kn_err_set(err, KN_ENOTFOUND, "there is no poster: %s",
                        *why ? why : "ingest has not made one yet");
    return rc;
}

int kinora_poster(struct kinora *k, const struct kn_id *id, struct kinora_poster **out,
                  struct kn_err *err)
{
    struct kinora_poster *p = calloc(1, sizeof *p);
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_buf bytes;
    int rc;

    kn_buf_init(&bytes, PICTURE_MAX);
    rc = p && arena ? find_poster(k, id, arena, &bytes, err) : kn_api_no_memory(err, "poster");
    if (rc == KN_OK) {
        p->media_type = media_type(&bytes);
        p->n = bytes.n;
        p->bytes = (unsigned char *)kn_buf_take(&bytes);
        *out = p;
        p = NULL;
    }
    kn_buf_free(&bytes);
    kn_arena_free(arena);
    kinora_poster_free(p);
    return rc;
}
