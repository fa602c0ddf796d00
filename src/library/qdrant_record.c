#include "library/qdrant_impl.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "library/match.h"
#include "library/record.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_POINT = 30 << 20, /* and a request with it alone is still one that the server takes */
    MAX_NAME_KEY = 256,   /* bytes of a name that its index holds */
    PART_SEGMENTS = 500,  /* of a transcript in one point, or so many bytes: */
    PART_BYTES = 256 << 10,
};

static const char *const states[] = {"pending", "ready", "failed", "silent", "missing"};

const char *kn_qd_state_name(enum kn_state s)
{
    return states[s];
}

int64_t kn_qd_order(const char *folded)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++) {
        v = v << 8 | (unsigned char)*folded;
        folded += *folded != '\0';
    }
    return (int64_t)(v >> 12); /* 52 bits: where a list is to go on the server takes for a double */
}

/* ---- writing ---- */

static void write_bytes(struct kn_json_writer *w, const char *key, const void *bytes, size_t n)
{
    struct kn_buf text;

    kn_buf_init(&text, 2 * n + 8);
    if (kn_base64_encode(bytes, n, &text, NULL))
        w->out->failed = w->out->no_memory = true;
    kn_json_string(w, key, text.data);
    kn_buf_free(&text);
}

void kn_qd_write_numbers(struct kn_json_writer *w, const char *key, const double *v, size_t n)
{
    write_bytes(w, key, v, n * sizeof *v);
}

void kn_qd_write_vector(struct kn_json_writer *w, const char *key, const float *v, size_t n)
{
    kn_json_begin_array(w, key);
    for (size_t i = 0; i < n; i++)
        kn_json_float(w, NULL, v[i]);
    kn_json_end_array(w);
}

/* The first n bytes of text in lower case, as filters compare them. */
static void write_folded(struct kn_json_writer *w, const char *text, size_t n)
{
    char *folded = strndup(text, n);

    if (!folded) {
        w->out->failed = w->out->no_memory = true;
        return;
    }
    for (char *p = folded; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 'a' - 'A');
    kn_json_string(w, NULL, folded);
    free(folded);
}

/* "es-MX" -> "es", "es-mx": all the ranges of RFC 4647's basic filtering that it is in. Unknown: "". */
static void write_languages(struct kn_json_writer *w, const char *tag)
{
    kn_json_begin_array(w, "languages");
    for (size_t n = 0;; n++)
        if (tag[n] == '-' || tag[n] == '\0') {
            write_folded(w, tag, n);
            if (tag[n] == '\0')
                break;
        }
    kn_json_end_array(w);
}

static void write_genres(struct kn_json_writer *w, const char *genres)
{
    kn_json_begin_array(w, "genre");
    while (*genres) {
        size_t n;

        genres += strspn(genres, ", ");
        n = strcspn(genres, ",");
        if (n > 0)
            write_folded(w, genres, n);
        genres += n;
    }
    kn_json_end_array(w);
}

static const char *text_of(const char *s)
{
    return s ? s : "";
}

void kn_qd_write_facts(struct kn_json_writer *w, const struct kn_title *t)
{
    kn_json_string(w, "state", states[t->state]);
    write_languages(w, text_of(t->language));
    write_genres(w, text_of(t->genres));
    if (t->year)
        kn_json_integer(w, "year", t->year);
    if (t->duration > 0)
        kn_json_number(w, "length", t->duration);
}

/* The sparse vector: how much is said of each word, as in index/sparse.h; how rare it is, the server multiplies in. */
static void write_words(struct kn_json_writer *w, const struct kn_wording *words)
{
    kn_json_begin_object(w, "words");
    kn_json_begin_array(w, "indices");
    for (uint32_t i = 0; i < words->n_terms; i++)
        kn_json_integer(w, NULL, words->terms[i].hash);
    kn_json_end_array(w);
    kn_json_begin_array(w, "values");
    for (uint32_t i = 0; i < words->n_terms; i++) {
        float c = (float)words->terms[i].count;

        kn_json_float(w, NULL, c * 2.2F / (c + 1.2F));
    }
    kn_json_end_array(w);
    kn_json_end_object(w);
}

void kn_qd_write_name_key(struct kn_json_writer *w, const char *key, const char *name)
{
    size_t n = strnlen(name, MAX_NAME_KEY);
    char cut[MAX_NAME_KEY + 1];

    while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80)
        n--;
    memcpy(cut, name, n);
    cut[n] = '\0';
    kn_json_string(w, key, cut);
}

static size_t character(const char *p) /* bytes of the one at p */
{
    size_t n = 1;

    while (((unsigned char)p[n] & 0xC0) == 0x80)
        n++;
    return n;
}

void kn_qd_write_grams(struct kn_json_writer *w, const char *folded)
{
    const char *p = folded;

    for (int i = 0; *p; i++, p += character(p)) {
        char gram[16];
        size_t n = 0;

        for (int c = 0; c < 3 && p[n]; c++) {
            n += character(p + n);
            if (c == 2 && i < KN_QD_GRAMS && n < sizeof gram) {
                memcpy(gram, p, n);
                gram[n] = '\0';
                kn_json_string(w, NULL, gram);
            }
        }
    }
}

static int write_name(struct kn_json_writer *w, const struct kn_id *id, const char *name,
                      struct kn_err *err)
{
    char id_text[KN_ID_TEXT];
    struct kn_buf folded;
    int rc = kn_fold_name(name, &folded, err);

    if (!rc) {
        kn_json_string(w, "name", name);
        kn_qd_write_name_key(w, "names", name);
        kn_json_integer(w, "order", kn_qd_order(folded.data));
        kn_json_begin_array(w, "grams");
        kn_qd_write_grams(w, folded.data);
        if (folded.n > KN_QD_GRAMS)
            kn_json_string(w, NULL, "*");
        kn_id_format(id, id_text);
        memmove(id_text + 1, id_text, KN_MIN_ID_PREFIX);
        id_text[0] = '#';
        id_text[1 + KN_MIN_ID_PREFIX] = '\0';
        kn_json_string(w, NULL, id_text);
        kn_json_end_array(w);
    }
    kn_buf_free(&folded);
    return rc;
}

static void write_card(struct kn_json_writer *w, const struct kn_qd_put *p, size_t dim)
{
    const struct kn_title *t = &p->record->title;
    const double numbers[] = {t->duration, t->language_confidence, t->opinion};

    kn_json_string(w, "language", text_of(t->language));
    kn_json_string(w, "genres", text_of(t->genres));
    kn_qd_write_numbers(w, "numbers", numbers, 3);
    if (!isnan(t->opinion))
        kn_json_number(w, "opinion", t->opinion);
    kn_json_string(w, "reason", p->taken ? KN_REASON_TAKEN : text_of(t->reason));
    kn_json_bool(w, "language_set", t->language_set);
    kn_json_string(w, "words_from", text_of(t->words_from));
    kn_json_string(w, "scorer", text_of(t->scorer));
    kn_json_integer(w, "scorer_version", t->scorer_version);
    kn_json_begin_array(w, "paths");
    for (size_t i = 0; i < p->n_paths; i++)
        kn_json_string(w, NULL, p->paths[i]);
    kn_json_end_array(w);
    kn_json_string(w, "version", p->version);
    kn_json_integer(w, "moments", (int64_t)p->record->n_moments);
    kn_json_integer(w, "segments", (int64_t)p->record->n_segments);
    kn_json_integer(w, "parts", p->parts);
    kn_json_integer(w, "seconds", llround(t->duration));
    if (p->record->raw)
        write_bytes(w, "raw", p->record->raw, dim * sizeof(float));
}

int kn_qd_write_title(struct kn_json_writer *w, const struct kn_qd_put *p, size_t dim,
                      struct kn_err *err)
{
    const struct kn_record *r = p->record;
    struct kn_title facts = r->title;
    unsigned char packed[KN_WORDING_BYTES];
    struct kn_wording words;
    int rc = kn_wording_of(r->segments, r->n_segments, &words, err);

    if (rc)
        return rc;
    if (p->taken)
        facts.state = KN_STATE_MISSING;
    kn_json_begin_object(w, NULL);
    kn_qd_write_id(w, "id", &r->title.id);
    kn_json_begin_object(w, "vector");
    if (r->vector)
        kn_qd_write_vector(w, "meaning", r->vector, dim);
    if (facts.state == KN_STATE_READY && words.n_terms > 0)
        write_words(w, &words);
    kn_json_end_object(w);
    kn_json_begin_object(w, "payload");
    kn_qd_write_facts(w, &facts);
    rc = write_name(w, &r->title.id, text_of(r->title.name), err);
    write_card(w, p, dim);
    write_bytes(w, "wording", packed, kn_wording_pack(&words, packed));
    kn_json_end_object(w);
    kn_json_end_object(w);
    return rc;
}

/* A point of the moments collection up to its own payload; its id follows from all that tells it from others. */
static void begin_part(struct kn_json_writer *w, const struct kn_qd_put *p, const char *kind,
                       size_t number, int64_t at, const float *vector, size_t dim)
{
    char name[64];
    struct kn_hash hash = {{0}};
    struct kn_id id;
    uint64_t half;
    int n = snprintf(name, sizeof name, "%s %s %zu", p->version, kind, number);

    half = kn_hash_bytes(name, (size_t)n);
    memcpy(hash.b, &half, sizeof half);
    memcpy(hash.b + 8, &p->record->title.id, 8);
    id = kn_id_from_hash(&hash);
    kn_json_begin_object(w, NULL);
    kn_qd_write_id(w, "id", &id);
    kn_json_begin_object(w, "vector");
    if (vector)
        kn_qd_write_vector(w, "meaning", vector, dim);
    kn_json_end_object(w);
    kn_json_begin_object(w, "payload");
    kn_json_string(w, "kind", kind);
    kn_qd_write_id(w, "title", &p->record->title.id);
    kn_json_string(w, "version", p->version);
    kn_json_integer(w, "number", (int64_t)number);
    kn_json_integer(w, "at", at);
}

static int end_part(struct kn_json_writer *w, const struct kn_qd_put *p,
                    const struct kn_qd_sink *sink, struct kn_err *err)
{
    int rc;

    kn_json_end_object(w);
    kn_json_end_object(w);
    rc = kn_buf_ok(w->out, err);
    if (rc)
        rc = kn_err_wrap(err, rc, "title '%.60s': too much for one point",
                         text_of(p->record->title.name));
    else
        rc = sink->take(sink->ctx, w->out, err);
    kn_buf_clear(w->out);
    w->comma = false;
    return rc;
}

static int write_moment(struct kn_json_writer *w, const struct kn_qd_put *p, size_t i, size_t dim,
                        int64_t at, const struct kn_qd_sink *sink, struct kn_err *err)
{
    const struct kn_moment *m = &p->record->moments[i];
    const double numbers[] = {m->start, m->end, m->opinion};
    struct kn_title facts = p->record->title;

    if (p->taken)
        facts.state = KN_STATE_MISSING;
    begin_part(w, p, "moment", i, at, m->vector, dim);
    kn_qd_write_facts(w, &facts);
    kn_json_string(w, "text", m->text);
    kn_qd_write_numbers(w, "numbers", numbers, 3);
    kn_json_integer(w, "first_segment", m->first_segment);
    kn_json_integer(w, "segments", m->segments);
    kn_json_integer(w, "words", m->words);
    if (m->raw)
        write_bytes(w, "raw", m->raw, dim * sizeof(float));
    return end_part(w, p, sink, err);
}

/* The segments from *next on that go into one point. */
static int write_segments(struct kn_json_writer *w, struct kn_qd_put *p, size_t *next, int64_t at,
                          const struct kn_qd_sink *sink, struct kn_err *err)
{
    const struct kn_segment *s = p->record->segments;
    size_t n = 0, bytes = 0, left = p->record->n_segments - *next;
    double times[2 * PART_SEGMENTS];

    begin_part(w, p, "segments", p->parts++, at, NULL, 0);
    kn_json_begin_array(w, "texts");
    for (s += *next; n < left && n < PART_SEGMENTS && bytes < PART_BYTES; n++) {
        bytes += strlen(s[n].text);
        times[2 * n] = s[n].start;
        times[2 * n + 1] = s[n].end;
        kn_json_string(w, NULL, s[n].text);
    }
    kn_json_end_array(w);
    kn_qd_write_numbers(w, "numbers", times, 2 * n);
    *next += n;
    return end_part(w, p, sink, err);
}

static int write_dropped(struct kn_json_writer *w, struct kn_qd_put *p, size_t *next, int64_t at,
                         const struct kn_qd_sink *sink, struct kn_err *err)
{
    const struct kn_dropped *d = p->record->dropped + *next;
    size_t n = p->record->n_dropped - *next;
    double times[2 * PART_SEGMENTS];

    n = n < PART_SEGMENTS ? n : PART_SEGMENTS;
    begin_part(w, p, "dropped", p->parts++, at, NULL, 0);
    kn_json_begin_array(w, "texts");
    for (size_t i = 0; i < n; i++) {
        times[2 * i] = d[i].start;
        times[2 * i + 1] = d[i].end;
        kn_json_string(w, NULL, d[i].text);
    }
    kn_json_end_array(w);
    kn_json_begin_array(w, "reasons");
    for (size_t i = 0; i < n; i++)
        kn_json_string(w, NULL, d[i].reason);
    kn_json_end_array(w);
    kn_qd_write_numbers(w, "numbers", times, 2 * n);
    *next += n;
    return end_part(w, p, sink, err);
}

int kn_qd_write_moments(struct kn_qd_put *p, size_t dim, int64_t at, const struct kn_qd_sink *sink,
                        struct kn_err *err)
{
    struct kn_buf point;
    struct kn_json_writer w = {.out = &point};
    int rc = KN_OK;

    kn_buf_init(&point, MAX_POINT);
    for (size_t i = 0; i < p->record->n_moments && !rc; i++)
        rc = write_moment(&w, p, i, dim, at, sink, err);
    for (size_t next = 0; next < p->record->n_segments && !rc;)
        rc = write_segments(&w, p, &next, at, sink, err);
    for (size_t next = 0; next < p->record->n_dropped && !rc;)
        rc = write_dropped(&w, p, &next, at, sink, err);
    kn_buf_free(&point);
    return rc;
}
