#include "library/match.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "library/backend.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
    size_t rank; /* lower is better */
    char *folded;
    struct kn_id id;
    int64_t key;
};

struct kn_match {
    const char *text;
    enum kn_find how;
    struct kn_buf folded;
    char id_prefix[KN_ID_TEXT]; /* lower case; "" when the text cannot be the start of an id */
    struct candidate *best;     /* in order, the worst last */
    size_t n, cap, limit;
};

enum {
    MAX_FOLDED = 64 << 20, /* NFKD makes at most 18 characters of one; no name comes near */
    LARGEST_DISTANCE = 256 /* that kn_edit_distance can tell */
};

int kn_fold_name(const char *name, struct kn_buf *out, struct kn_err *err)
{
    kn_buf_init(out, MAX_FOLDED);
    return kn_fold(kn_sv_of(name), out, err);
}

/* Hexadecimal digits with hyphens where an id has them. */
static void read_id_prefix(struct kn_match *m)
{
    size_t n = strlen(m->text);

    if (n < KN_MIN_ID_PREFIX || n >= KN_ID_TEXT)
        return;
    for (size_t i = 0; i < n; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        unsigned char c = (unsigned char)m->text[i];

        if (hyphen ? c != '-' : !isxdigit(c)) {
            m->id_prefix[0] = '\0';
            return;
        }
        m->id_prefix[i] = (char)tolower(c);
    }
}

int kn_match_new(const char *text, enum kn_find how, size_t limit, struct kn_match **out,
                 struct kn_err *err)
{
    struct kn_match *m = calloc(1, sizeof *m);
    int rc;

    if (!m)
        return kn_err_set(err, KN_ELIMIT, "find '%s': no memory", text);
    m->text = text;
    m->how = how;
    m->limit = limit;
    read_id_prefix(m);
    rc = kn_fold_name(text, &m->folded, err);
    if (rc) {
        kn_match_free(m);
        return rc;
    }
    *out = m;
    return KN_OK;
}

void kn_match_free(struct kn_match *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->best[i].folded);
    free(m->best);
    kn_buf_free(&m->folded);
    free(m);
}

static bool id_begins(const struct kn_match *m, const struct kn_id *id, bool whole)
{
    char text[KN_ID_TEXT];
    size_t n = strlen(m->id_prefix);

    if (n == 0 || (whole && n < KN_ID_TEXT - 1))
        return false;
    kn_id_format(id, text);
    return strncmp(text, m->id_prefix, n) == 0;
}

/* False: not among them. */
static bool rank_of(const struct kn_match *m, const struct kn_id *id, const char *name,
                    const char *folded, size_t *rank)
{
    const char *part;
    size_t limit;

    switch (m->how) {
    case KN_FIND_EXACT:
        *rank = 0;
        return strcmp(name, m->text) == 0 || id_begins(m, id, true);
    case KN_FIND_PART:
        part = m->folded.n > 0 ? strstr(folded, m->folded.data) : NULL;
        if (part)
            *rank = strlen(folded) == m->folded.n ? 0 : 1 + (size_t)(part - folded);
        else
            *rank = 0;
        return part || id_begins(m, id, false);
    default:
        limit = m->n == m->limit ? m->best[m->n - 1].rank : LARGEST_DISTANCE;
        *rank =
            kn_edit_distance((struct kn_sv){m->folded.data, m->folded.n}, kn_sv_of(folded), limit);
        return *rank <= limit;
    }
}

static bool better(const struct candidate *a, const struct candidate *b)
{
    int names;

    if (a->rank != b->rank)
        return a->rank < b->rank;
    names = strcmp(a->folded, b->folded);
    return names ? names < 0 : memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

static int make_room(struct kn_match *m, struct kn_err *err)
{
    size_t cap = m->cap ? 2 * m->cap : 16;
    struct candidate *best;

    if (m->n < m->cap)
        return KN_OK;
    best = realloc(m->best, cap * sizeof *best);
    if (!best)
        return kn_err_set(err, KN_ELIMIT, "find '%s': no memory", m->text);
    m->best = best;
    m->cap = cap;
    return KN_OK;
}

static void drop(struct kn_match *m, size_t at)
{
    free(m->best[at].folded);
    m->n--;
    memmove(&m->best[at], &m->best[at + 1], (m->n - at) * sizeof *m->best);
}

/* Where the title is that was offered under another name; m->n: nowhere. */
static size_t place_of(const struct kn_match *m, int64_t key)
{
    size_t at = 0;

    while (at < m->n && m->best[at].key != key)
        at++;
    return at;
}

int kn_match_offer(struct kn_match *m, const struct kn_id *id, const char *name, const char *folded,
                   int64_t key, struct kn_err *err)
{
    struct candidate c = {.id = *id, .key = key};
    size_t at, before;
    int rc;

    if (m->limit == 0 || !rank_of(m, id, name, folded, &c.rank))
        return KN_OK;
    c.folded = (char *)folded; /* borrowed until it is known to stay */
    before = place_of(m, key);
    if (before == m->n && m->n == m->limit)
        before--; /* it would push out the worst */
    if (before < m->n && !better(&c, &m->best[before]))
        return KN_OK;
    rc = make_room(m, err);
    if (rc)
        return rc;
    c.folded = strdup(folded);
    if (!c.folded)
        return kn_err_set(err, KN_ELIMIT, "find '%s': no memory", m->text);
    if (before < m->n)
        drop(m, before);
    /* Insertion: a list that a person reads is short. */
    for (at = m->n++; at > 0 && better(&c, &m->best[at - 1]); at--)
        m->best[at] = m->best[at - 1];
    m->best[at] = c;
    return KN_OK;
}

size_t kn_match_count(const struct kn_match *m)
{
    return m->n;
}

int64_t kn_match_key(const struct kn_match *m, size_t i)
{
    return m->best[i].key;
}
