#include "api/map.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "text/marks.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS =
        1 << 18, /* of the table; it is filled to a half at most, further words are passed over */
    WORDS_READ = 2000, /* of a title: what it is about is said by then */
    LETTERS = 5,       /* bytes: shorter words are mostly of grammar */
    LEAST = 3,         /* titles of a group that say a word */
};

struct word {
    const char *text; /* in lower case; NULL: an empty slot */
    uint32_t last;    /* the title that said it last, from 1 */
    uint16_t all, of_group;
};

struct tally {
    struct word *slots;
    size_t used;
    struct kn_buf lower;
    struct kn_arena *arena;
};

static struct word *slot_of(struct tally *t, struct kn_sv word)
{
    size_t at = kn_hash_bytes(word.p, word.n) % SLOTS;

    while (t->slots[at].text &&
           (strncmp(t->slots[at].text, word.p, word.n) != 0 || t->slots[at].text[word.n]))
        at = (at + 1) % SLOTS;
    return &t->slots[at];
}

static bool is_telling(struct kn_sv word)
{
    if (word.n < LETTERS || word.n > 40)
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (isdigit((unsigned char)word.p[i]) || word.p[i] == '\'')
            return false;
    return true;
}

/* Counts the words of a title, each once: of all titles, or of one group. */
static int count(struct tally *t, const struct kn_record *r, uint32_t number, bool of_group,
                 struct kn_err *err)
{
    size_t read = 0;
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < r->n_segments && read < WORDS_READ; i++) {
        struct kn_sv rest, word;

        kn_buf_clear(&t->lower);
        rc = kn_lower(kn_sv_of(r->segments[i].text), &t->lower, err);
        rest = (struct kn_sv){t->lower.data, t->lower.n};
        for (; rc == KN_OK && kn_next_word(&rest, &word); read++) {
            struct word *w;

            if (!is_telling(word))
                continue;
            w = slot_of(t, word);
            if (w->last == number || (!w->text && (of_group || t->used == SLOTS / 2)))
                continue;
            if (!w->text) {
                w->text = kn_arena_bytes(t->arena, word.p, word.n);
                t->used++;
            }
            if (!w->text)
                return kn_api_no_memory(err, "map");
            w->last = number;
            if (of_group)
                w->of_group++;
            else
                w->all++;
        }
    }
    return rc;
}

static int read_title(struct kinora *k, const struct kn_id *id, struct tally *t, uint32_t number,
                      bool of_group, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_record r;
    int rc = arena ? kn_library_get(k->lib, id, KN_WITH_SEGMENTS, arena, &r, err)
                   : kn_api_no_memory(err, "map");

    if (rc == KN_OK)
        rc = count(t, &r, number, of_group, err);
    kn_arena_free(arena);
    return rc == KN_ENOTFOUND ? KN_OK : rc; /* gone since */
}

/* How much likelier a title of the group says it than any, where enough do; a word that most say anyway tells little. */
static double worth(const struct word *w, size_t of_group, size_t all)
{
    double here = (double)w->of_group / (double)of_group, anywhere = (double)w->all / (double)all;

    if (!w->text || w->of_group < LEAST || w->all < w->of_group || here <= anywhere)
        return 0;
    return here * log(here / anywhere) * (1 - anywhere);
}

/* Words of grammar are unevenly said by chance, and name no group. */
static bool names(struct tally *t, const char *word)
{
    kn_buf_clear(&t->lower);
    return kn_fold(kn_sv_of(word), &t->lower, NULL) == KN_OK && t->lower.n > 0 &&
           !kn_marks_is_common(t->lower.data);
}

static void choose(struct tally *t, size_t of_group, size_t all, const char *best[3])
{
    double most[3] = {0};

    for (size_t i = 0; i < SLOTS; i++) {
        double value = worth(&t->slots[i], of_group, all);
        size_t at = 3;

        if (value <= most[2] || !names(t, t->slots[i].text))
            continue;
        while (at > 0 && value > most[at - 1])
            at--;
        for (size_t j = 2; at < 3 && j > at; j--) {
            most[j] = most[j - 1];
            best[j] = best[j - 1];
        }
        if (at < 3) {
            most[at] = value;
            best[at] = t->slots[i].text;
        }
    }
}

int kn_map_words(struct kinora *k, const struct kn_map_sample *samples, size_t n, size_t n_groups,
                 struct kn_arena *arena, const char *(*words)[3], struct kn_err *err)
{
    struct tally t = {.slots = calloc(SLOTS, sizeof *t.slots), .arena = arena};
    uint32_t number = 0;
    int rc = t.slots ? KN_OK : kn_api_no_memory(err, "map");

    kn_buf_init(&t.lower, 64 << 20);
    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = read_title(k, &samples[i].id, &t, ++number, false, err);
    for (size_t g = 0; rc == KN_OK && g < n_groups; g++) {
        size_t of_group = 0;

        for (size_t i = 0; i < SLOTS; i++)
            t.slots[i].of_group = 0;
        for (size_t i = 0; rc == KN_OK && i < n; i++) {
            if (samples[i].group != g)
                continue;
            rc = read_title(k, &samples[i].id, &t, ++number, true, err);
            of_group++;
        }
        if (rc == KN_OK && of_group >= LEAST)
            choose(&t, of_group, n, words[g]);
    }
    kn_buf_free(&t.lower);
    free(t.slots);
    return rc;
}
