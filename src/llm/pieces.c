#include "pieces.h"

#include "base/err.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static const char SPACE[] = "\xE2\x96\x81"; /* U+2581, which stands for a space */
static const double UNKNOWN_PENALTY = 10;   /* below the worst score: SentencePiece's kUnkPenalty */
static const uint32_t FNV_START = 2166136261; /* FNV-1a */
static const uint32_t FNV_PRIME = 16777619;

struct kn_pieces {
    char *bytes;      /* of all pieces, end to end */
    uint32_t *starts; /* of piece i in bytes; n + 1 of them */
    float *scores;
    uint32_t *slots; /* piece + 1, or 0; open addressing, a power of two */
    uint32_t mask;
    size_t longest; /* bytes of a piece */
    double unknown_score;
    int32_t unknown, begin, end;
    uint32_t *nodes; /* the table of replacements: a double array, and behind it its texts */
    size_t n_nodes;
    const char *replacements;
    size_t n_replacements;
};

struct best { /* way to part the text up to here */
    double score;
    uint32_t from; /* where its last piece begins */
    int32_t token;
};

/* ---- making ---- */

/* The slot that holds these bytes, or the empty one where they belong. */
static uint32_t *find_slot(const struct kn_pieces *p, uint32_t hash, const char *s, size_t n)
{
    for (uint32_t i = hash & p->mask;; i = (i + 1) & p->mask) {
        uint32_t piece = p->slots[i] - 1;

        if (p->slots[i] == 0 || (p->starts[piece + 1] - p->starts[piece] == n &&
                                 memcmp(p->bytes + p->starts[piece], s, n) == 0))
            return &p->slots[i];
    }
}

static void add_piece(struct kn_pieces *p, uint32_t piece)
{
    const char *s = p->bytes + p->starts[piece];
    size_t n = p->starts[piece + 1] - p->starts[piece];
    uint32_t hash = FNV_START;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)s[i]) * FNV_PRIME;
    *find_slot(p, hash, s, n) = piece + 1;
    if (n > p->longest)
        p->longest = n;
}

static int copy_charsmap(struct kn_pieces *p, const struct kn_pieces_table *t, struct kn_err *err)
{
    const char *map = t->charsmap;
    uint32_t bytes;

    if (!map)
        return KN_OK;
    if (t->charsmap_bytes < sizeof bytes)
        return kn_err_set(err, KN_ECORRUPT, "tokenizer: a table of replacements of %zu bytes",
                          t->charsmap_bytes);
    memcpy(&bytes, map, sizeof bytes);
    if (bytes % sizeof *p->nodes != 0 || bytes > t->charsmap_bytes - sizeof bytes ||
        t->charsmap_bytes - sizeof bytes == bytes || map[t->charsmap_bytes - 1] != '\0')
        return kn_err_set(err, KN_ECORRUPT, "tokenizer: a table of replacements that is cut off");
    p->nodes = malloc(t->charsmap_bytes);
    if (!p->nodes)
        return kn_err_memory(err, "tokenizer: no memory");
    memcpy(p->nodes, map + sizeof bytes, t->charsmap_bytes - sizeof bytes);
    p->n_nodes = bytes / sizeof *p->nodes;
    p->replacements = (const char *)(p->nodes + p->n_nodes);
    p->n_replacements = t->charsmap_bytes - sizeof bytes - bytes;
    return KN_OK;
}

int kn_pieces_new(const struct kn_pieces_table *t, struct kn_pieces **out, struct kn_err *err)
{
    struct kn_pieces *p = calloc(1, sizeof *p);
    size_t bytes = 0, slots = 1024;
    double worst = (double)FLT_MAX;
    int rc;

    for (size_t i = 0; i < t->n; i++)
        bytes += strlen(t->text(t->ctx, i));
    while (slots < 2 * t->n && slots < UINT32_MAX / 4)
        slots *= 2;
    if (p && slots > t->n && bytes < UINT32_MAX) {
        p->bytes = malloc(bytes + 1);
        p->starts = malloc((t->n + 1) * sizeof *p->starts);
        p->scores = malloc((t->n + 1) * sizeof *p->scores);
        p->slots = calloc(slots, sizeof *p->slots);
    }
    if (!p || !p->bytes || !p->starts || !p->scores || !p->slots) {
        rc = kn_err_memory(err, "tokenizer: no memory for %zu pieces", t->n);
        goto out;
    }
    rc = copy_charsmap(p, t, err);
    if (rc)
        goto out;
    p->mask = (uint32_t)slots - 1;
    p->unknown = t->unknown;
    p->begin = t->begin;
    p->end = t->end;
    p->starts[0] = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        const char *text = t->text(t->ctx, i);
        size_t n = strlen(text);

        memcpy(p->bytes + p->starts[i], text, n);
        p->starts[i + 1] = p->starts[i] + (uint32_t)n;
        p->scores[i] = t->scores[i];
        if (n > 0 && (t->types[i] == KN_PIECE_NORMAL || t->types[i] == KN_PIECE_UNUSED))
            add_piece(p, i);
        if (t->types[i] == KN_PIECE_NORMAL && (double)t->scores[i] < worst)
            worst = (double)t->scores[i];
    }
    p->unknown_score = worst - UNKNOWN_PENALTY;
    *out = p;
    p = NULL;
out:
    kn_pieces_free(p);
    return rc;
}

void kn_pieces_free(struct kn_pieces *p)
{
    if (!p)
        return;
    free(p->bytes);
    free(p->starts);
    free(p->scores);
    free(p->slots);
    free(p->nodes);
    free(p);
}

/* ---- normalising ---- */

static size_t character_length(const char *s)
{
    unsigned char c = (unsigned char)*s;

    return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* What stands for the longest start of s that the table replaces; NULL when it replaces none. A node of
 * the double array packs its children's base, a check byte, whether a value hangs on it, and values (Kanda 2018, XCDA;
 * Darts-clone, which SentencePiece writes). */
static const char *replacement(const struct kn_pieces *p, struct kn_sv s, size_t *taken)
{
    const char *found = NULL;
    uint32_t at = 0;

    for (size_t i = 0; i <= s.n; i++) {
        uint32_t node, base;

        if (at >= p->n_nodes)
            return found;
        node = p->nodes[at];
        if (i > 0 && (node & (1U << 31 | 0xFF)) != (unsigned char)s.p[i - 1])
            return found;
        base = (node >> 10) << ((node & 1U << 9) >> 6);
        at = i > 0 ? at ^ base : base;
        if (i > 0 && (node >> 8 & 1) && at < p->n_nodes &&
            (p->nodes[at] & ~(1U << 31)) < p->n_replacements) {
            found = p->replacements + (p->nodes[at] & ~(1U << 31));
            *taken = i;
        }
        if (i == s.n || s.p[i] == '\0')
            return found;
        at ^= (unsigned char)s.p[i];
    }
    return found;
}

/* Replaces, and writes words with one U+2581 before each. */
static int normalize(const struct kn_pieces *p, struct kn_sv text, struct kn_buf *out,
                     struct kn_err *err)
{
    bool in_word = false;

    for (size_t at = 0; at < text.n;) {
        size_t taken = character_length(text.p + at);
        const char *s = replacement(p, (struct kn_sv){text.p + at, text.n - at}, &taken);
        size_t n = s ? strlen(s) : taken;

        if (!s)
            s = text.p + at;
        if (taken > text.n - at) /* half a character: the caller's text was not valid */
            break;
        at += taken;
        for (size_t i = 0; i < n; i++) {
            if (s[i] != ' ' && !in_word)
                kn_buf_add(out, SPACE, sizeof SPACE - 1, NULL);
            in_word = s[i] != ' ';
            if (in_word)
                kn_buf_add(out, s + i, 1, NULL);
        }
    }
    return kn_buf_ok(out, err);
}

/* ---- parting ---- */

/* Offers every piece that begins at from, shortest first, to the places where they end. */
static void offer_pieces(const struct kn_pieces *p, const struct kn_buf *text, size_t from,
                         struct best *best)
{
    const char *s = text->data + from;
    size_t first = character_length(s), left = text->n - from, n = 0;
    uint32_t hash = FNV_START;
    bool covered = false;

    if (first > left)
        first = left;
    while (n < left && n < p->longest) {
        size_t next = n + character_length(s + n);
        uint32_t slot;

        for (; n < next && n < left; n++)
            hash = (hash ^ (unsigned char)s[n]) * FNV_PRIME;
        slot = *find_slot(p, hash, s, n);
        if (slot) {
            double score = best[from].score + (double)p->scores[slot - 1];

            covered = covered || n == first;
            if (score > best[from + n].score)
                best[from + n] = (struct best){score, (uint32_t)from, (int32_t)slot - 1};
        }
    }
    if (!covered && best[from].score + p->unknown_score > best[from + first].score)
        best[from + first] =
            (struct best){best[from].score + p->unknown_score, (uint32_t)from, p->unknown};
}

/* Follows the best way back from the end; tokens are filled from their end. Several unknown characters in a row are one
 * token. */
static size_t follow_back(const struct kn_pieces *p, const struct best *best, size_t end,
                          int32_t *tokens, size_t max)
{
    bool after_unknown = false;
    size_t n = 0;

    for (size_t at = end; at > 0; at = best[at].from) {
        bool unknown = best[at].token == p->unknown;

        if (!(unknown && after_unknown)) {
            if (n == max)
                return max + 1;
            tokens[max - ++n] = best[at].token;
        }
        after_unknown = unknown;
    }
    return n;
}

int kn_pieces_tokenize(const struct kn_pieces *p, struct kn_sv text, int32_t *tokens, size_t max,
                       size_t *n, struct kn_err *err)
{
    struct best *best = NULL;
    struct kn_buf normal;
    size_t count = 0;
    int rc;

    kn_buf_init(&normal, UINT32_MAX / 2);
    rc = normalize(p, text, &normal, err);
    if (rc)
        goto out;
    best = malloc((normal.n + 1) * sizeof *best);
    if (!best) {
        rc = kn_err_memory(err, "tokenize %zu bytes: no memory", text.n);
        goto out;
    }
    best[0] = (struct best){0, 0, p->unknown};
    for (size_t i = 1; i <= normal.n; i++)
        best[i] = (struct best){-DBL_MAX, 0, p->unknown};
    for (size_t at = 0; at < normal.n; at += character_length(normal.data + at))
        offer_pieces(p, &normal, at, best);
    if (max >= 2)
        count = follow_back(p, best, normal.n, tokens + 1, max - 2);
    if (max < 2 || count > max - 2) {
        rc = kn_err_set(err, KN_ELIMIT, "tokenize %zu bytes: more than %zu tokens", text.n, max);
        goto out;
    }
    tokens[0] = p->begin;
    memmove(tokens + 1, tokens + 1 + max - 2 - count, count * sizeof *tokens);
    tokens[count + 1] = p->end;
    *n = count + 2;
out:
    kn_buf_free(&normal);
    free(best);
    return rc;
}
