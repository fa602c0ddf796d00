#include "token.h"

#include "server/limits.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "config/config.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 64 << 10, SHORTEST_TOKEN = 16, LONGEST_TOKEN = 512 };

struct session {
    struct kn_digest digest;
    int64_t ends;
};

struct kn_tokens {
    bool needed;
    struct kn_digest token;
    pthread_mutex_t lock;
    struct session sessions[KN_LIMIT_SESSIONS]; /* the oldest first */
    size_t n;
    char *path; /* of the file of sessions; NULL: there is no place for it */
};

static int state_file(const char *name, bool make, struct kn_buf *path, struct kn_err *err)
{
    int rc = kn_config_state_dir(path, err);

    if (rc == KN_OK && make)
        rc = kn_fs_mkdirs(path->data, err);
    if (rc == KN_OK)
        rc = kn_buf_addf(path, err, "/%s", name);
    return rc;
}

/* ---- the token ---- */

static int take_token(struct kn_tokens *t, struct kn_sv text, const char *from, struct kn_err *err)
{
    text = kn_sv_trim(text);
    if (text.n < SHORTEST_TOKEN || text.n > LONGEST_TOKEN)
        return kn_err_set(err, KN_EARG,
                          "%s: a token has %d to %d characters; kinora token makes one of 64", from,
                          SHORTEST_TOKEN, LONGEST_TOKEN);
    t->token = kn_digest_of(text, (struct kn_sv){0});
    t->needed = true;
    return KN_OK;
}

static int read_token_file(struct kn_tokens *t, const char *file, struct kn_err *err)
{
    struct kn_buf text;
    int rc;

    kn_buf_init(&text, MAX_FILE);
    rc = kn_fs_read(file, &text, err);
    if (rc)
        rc = kn_err_wrap(err, rc, "the token's file");
    else
        rc = take_token(t, (struct kn_sv){text.data, strcspn(text.data, "\n")}, file, err);
    kn_buf_free(&text);
    return rc;
}

static int read_made_token(struct kn_tokens *t, struct kn_err *err)
{
    struct kn_buf path, text;
    int rc;

    kn_buf_init(&path, PATH_MAX);
    kn_buf_init(&text, MAX_FILE);
    rc = state_file("token", false, &path, NULL);
    if (rc == KN_OK)
        rc = kn_fs_read(path.data, &text, err);
    else
        rc = KN_ENOTFOUND; /* a process without a home has made none */
    if (rc == KN_OK) {
        t->needed = kn_digest_parse(kn_sv_trim((struct kn_sv){text.data, text.n}), &t->token);
        if (!t->needed)
            rc = kn_err_set(err, KN_ECORRUPT,
                            "read '%s': it is not what kinora token writes; kinora token --force "
                            "makes a new one",
                            path.data);
    }
    kn_buf_free(&text);
    kn_buf_free(&path);
    return rc == KN_ENOTFOUND ? KN_OK : rc;
}

int kn_token_make(bool replace, char text[KN_SECRET_TEXT], struct kn_err *err)
{
    char made[KN_SECRET_TEXT], hash[KN_SECRET_TEXT + 1];
    struct kn_digest digest;
    struct kn_buf path;
    int rc;

    kn_buf_init(&path, PATH_MAX);
    rc = state_file("token", true, &path, err);
    if (rc == KN_OK && !replace && kn_fs_exists(path.data))
        rc = kn_err_set(err, KN_EARG,
                        "there is a token already ('%s'); --force makes a new one, and ends what "
                        "was signed in with the old one",
                        path.data);
    if (rc == KN_OK)
        rc = kn_secret_make(made, err);
    if (rc == KN_OK) {
        digest = kn_digest_of(kn_sv_of(made), (struct kn_sv){0});
        kn_digest_format(&digest, hash);
        hash[KN_SECRET_TEXT - 1] = '\n';
        rc = kn_fs_write_private(path.data, hash, KN_SECRET_TEXT, err);
    }
    if (rc == KN_OK)
        memcpy(text, made, sizeof made);
    kn_buf_free(&path);
    return rc;
}

/* ---- sessions ---- */

static void read_sessions(struct kn_tokens *t)
{
    struct kn_buf text;

    kn_buf_init(&text, MAX_FILE);
    if (t->path && kn_fs_read(t->path, &text, NULL) == KN_OK) {
        for (const char *p = text.data; *p && t->n < KN_LIMIT_SESSIONS;) {
            struct session *s = &t->sessions[t->n];
            size_t n = strcspn(p, "\n");

            if (n > KN_SECRET_TEXT && p[KN_SECRET_TEXT - 1] == ' ' &&
                kn_digest_parse((struct kn_sv){p, KN_SECRET_TEXT - 1}, &s->digest)) {
                s->ends = strtoll(p + KN_SECRET_TEXT, NULL, 10);
                t->n++;
            }
            p += n + (p[n] == '\n');
        }
    }
    kn_buf_free(&text);
}

static void write_sessions(const struct kn_tokens *t)
{
    struct kn_buf text;
    struct kn_err err;
    int rc;

    if (!t->path)
        return;
    kn_buf_init(&text, MAX_FILE);
    for (size_t i = 0; i < t->n; i++) {
        char hash[KN_SECRET_TEXT];

        kn_digest_format(&t->sessions[i].digest, hash);
        kn_buf_addf(&text, NULL, "%s %" PRId64 "\n", hash, t->sessions[i].ends);
    }
    rc = kn_buf_ok(&text, &err);
    if (rc == KN_OK)
        rc = kn_fs_write_private(t->path, text.data, text.n, &err);
    if (rc)
        kn_log(KN_LOG_WARNING, "sessions will end with this server: %s", err.msg);
    kn_buf_free(&text);
}

static struct kn_digest session_digest(const struct kn_tokens *t, struct kn_sv cookie)
{
    return kn_digest_of(cookie, (struct kn_sv){(const char *)t->token.b, sizeof t->token.b});
}

static void drop(struct kn_tokens *t, size_t i)
{
    memmove(&t->sessions[i], &t->sessions[i + 1], (t->n - i - 1) * sizeof *t->sessions);
    t->n--;
}

int kn_session_begin(struct kn_tokens *t, int64_t now, char cookie[KN_SECRET_TEXT],
                     struct kn_err *err)
{
    int rc = kn_secret_make(cookie, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&t->lock);
    for (size_t i = t->n; i-- > 0;)
        if (t->sessions[i].ends <= now)
            drop(t, i);
    if (t->n == KN_LIMIT_SESSIONS)
        drop(t, 0);
    t->sessions[t->n++] = (struct session){session_digest(t, kn_sv_of(cookie)),
                                           now + KN_LIMIT_SESSION_DAYS * (int64_t)86400};
    write_sessions(t);
    pthread_mutex_unlock(&t->lock);
    return KN_OK;
}

bool kn_session_is(struct kn_tokens *t, struct kn_sv cookie, int64_t now)
{
    struct kn_digest digest = session_digest(t, cookie);
    bool found = false;

    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        found |= kn_digest_eq(&t->sessions[i].digest, &digest) && t->sessions[i].ends > now;
    pthread_mutex_unlock(&t->lock);
    return found;
}

void kn_session_end(struct kn_tokens *t, struct kn_sv cookie)
{
    struct kn_digest digest = session_digest(t, cookie);

    pthread_mutex_lock(&t->lock);
    for (size_t i = t->n; i-- > 0;)
        if (kn_digest_eq(&t->sessions[i].digest, &digest)) {
            drop(t, i);
            write_sessions(t);
        }
    pthread_mutex_unlock(&t->lock);
}

/* ---- signed addresses ---- */

static bool key_of(const struct kn_tokens *t, const char *path, int64_t until,
                   struct kn_digest *out)
{
    struct kn_buf text;
    bool is;

    kn_buf_init(&text, MAX_FILE);
    is = kn_buf_addf(&text, NULL, "%s\n%" PRId64, path, until) == KN_OK &&
         kn_digest_mac(&t->token, (struct kn_sv){text.data, text.n}, out);
    kn_buf_free(&text);
    return is;
}

int kn_tokens_sign(const struct kn_tokens *t, const char *path, int64_t until,
                   char key[KN_SECRET_TEXT], struct kn_err *err)
{
    struct kn_digest digest;

    if (!key_of(t, path, until, &digest))
        return kn_err_memory(err, "sign an address: no memory");
    kn_digest_format(&digest, key);
    return KN_OK;
}

bool kn_tokens_signed(const struct kn_tokens *t, const char *path, int64_t until, struct kn_sv key,
                      int64_t now)
{
    struct kn_digest given, right;

    return t->needed && until > now && kn_digest_parse(key, &given) &&
           key_of(t, path, until, &right) && kn_digest_eq(&given, &right);
}

/* ---- both ---- */

int kn_tokens_open(const char *file, struct kn_tokens **out, struct kn_err *err)
{
    const char *given = getenv("KINORA_TOKEN");
    struct kn_tokens *t = calloc(1, sizeof *t);
    struct kn_buf path;
    int rc;

    if (!t)
        return kn_err_memory(err, "read the token: no memory");
    pthread_mutex_init(&t->lock, NULL);
    if (given && *given)
        rc = take_token(t, kn_sv_of(given), "KINORA_TOKEN", err);
    else if (file && *file)
        rc = read_token_file(t, file, err);
    else
        rc = read_made_token(t, err);
    if (rc) {
        kn_tokens_close(t);
        return rc;
    }
    kn_buf_init(&path, PATH_MAX);
    if (t->needed && state_file("sessions", true, &path, NULL) == KN_OK)
        t->path = kn_buf_take(&path);
    kn_buf_free(&path);
    read_sessions(t);
    *out = t;
    return KN_OK;
}

void kn_tokens_close(struct kn_tokens *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t->path);
    free(t);
}

bool kn_tokens_needed(const struct kn_tokens *t)
{
    return t->needed;
}

bool kn_tokens_is(const struct kn_tokens *t, struct kn_sv candidate)
{
    struct kn_digest digest = kn_digest_of(candidate, (struct kn_sv){0});

    return t->needed && kn_digest_eq(&digest, &t->token);
}
