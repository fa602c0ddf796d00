#include "api/eval.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "text/csv.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 256 << 20 };

struct reading {
    struct kn_evaluation *e;
    struct kn_labels *out;
    uint32_t *by_name; /* e's titles */
    size_t cap;
    size_t name, value; /* columns; of pairs both are names */
    bool pairs;
    uint32_t by_id; /* what find found there */
};

/* ---- titles by name ---- */

static int compare_names(const void *pa, const void *pb, void *ctx)
{
    const struct kn_title *titles = ctx;

    return strcmp(titles[*(const uint32_t *)pa].name, titles[*(const uint32_t *)pb].name);
}

/* The first place in by_name whose name is not before name. */
static size_t first_named(const struct reading *r, const char *name)
{
    size_t low = 0, high = r->e->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(r->e->titles[r->by_name[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_id(const void *pa, const void *pb)
{
    const struct kn_id *a = pa;
    const struct kn_title *b = pb;

    return memcmp(a->b, b->id.b, sizeof a->b);
}

static int add(struct reading *r, uint32_t title, const char *text, struct kn_err *err)
{
    struct kn_labels *l = r->out;

    if (l->n == r->cap) { /* the old ones stay in the arena: at most as much again */
        size_t cap = r->cap ? 2 * r->cap : 1024;
        struct kn_label *grown = kn_arena_array(r->e->arena, cap, sizeof *grown);

        if (!grown)
            return kn_api_no_memory(err, "labels");
        if (l->n > 0)
            memcpy(grown, l->all, l->n * sizeof *grown);
        l->all = grown;
        r->cap = cap;
    }
    l->all[l->n++] = (struct kn_label){.title = title, .text = text};
    return KN_OK;
}

/* The titles that name may mean: all of that name, else the one with that id. */
static size_t find(struct reading *r, const char *name, const uint32_t **out)
{
    const struct kn_title *titles = r->e->titles, *one;
    size_t from = first_named(r, name), to = from;
    struct kn_id id;

    while (to < r->e->n && strcmp(titles[r->by_name[to]].name, name) == 0)
        to++;
    *out = r->by_name + from;
    if (to > from)
        return to - from;
    one = kn_id_parse(name, &id) ? bsearch(&id, titles, r->e->n, sizeof *titles, compare_id) : NULL;
    if (!one) {
        r->e->out->unknown++;
        return 0;
    }
    r->by_id = (uint32_t)(one - titles);
    *out = &r->by_id;
    return 1;
}

static int add_all(struct reading *r, const uint32_t *titles, size_t n, const char *text,
                   struct kn_err *err)
{
    int rc = KN_OK;

    for (size_t i = 0; rc == KN_OK && i < n; i++)
        rc = add(r, titles[i], text, err);
    return rc;
}

/* "Drama; Western" -> two labels, cut in place. */
static int add_groups(struct reading *r, const uint32_t *titles, size_t n, const char *groups,
                      struct kn_err *err)
{
    char *copy = kn_arena_text(r->e->arena, groups), *save = NULL;
    int rc = copy ? KN_OK : kn_api_no_memory(err, "labels");

    if (rc)
        return rc;
    for (char *g = strtok_r(copy, ";,", &save); rc == KN_OK && g; g = strtok_r(NULL, ";,", &save)) {
        struct kn_sv word = kn_sv_trim(kn_sv_of(g));

        if (word.n == 0)
            continue;
        copy = g + (word.p - g);
        copy[word.n] = '\0';
        rc = add_all(r, titles, n, copy, err);
    }
    return rc;
}

/* ---- the file ---- */

static size_t column(const struct kn_csv_row *head, const char *name)
{
    size_t i = 0;

    while (i < head->n && strcmp(head->fields[i], name) != 0)
        i++;
    return i;
}

static int read_head(struct reading *r, const struct kn_csv_row *head, struct kn_err *err)
{
    static const struct {
        const char *name;
        enum kn_measure measure;
    } kinds[] = {{"group", KN_MEASURE_RELATED},
                 {"opinion", KN_MEASURE_OPINION},
                 {"language", KN_MEASURE_LANGUAGE},
                 {"text", KN_MEASURE_WORDS}};
    size_t found = 0;

    r->name = column(head, "name");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && r->name < head->n; i++) {
        size_t at = column(head, kinds[i].name);

        if (at == head->n)
            continue;
        r->value = at;
        r->out->measure = kinds[i].measure;
        found++;
    }
    if (found == 0 && column(head, "a") < head->n && column(head, "b") < head->n) {
        r->name = column(head, "a");
        r->value = column(head, "b");
        r->out->measure = KN_MEASURE_RELATED;
        r->pairs = true;
        found = 1;
    }
    if (found == 1)
        return KN_OK;
    return kn_err_set(err, KN_EARG,
                      "line %zu: %s; the first line has to be one of name,group  a,b  "
                      "name,opinion  name,language  name,text",
                      head->line, found ? "more than one kind of label" : "no known labels");
}

static int read_row(struct reading *r, const struct kn_csv_row *row, struct kn_err *err)
{
    const char *name = row->fields[r->name], *value = row->fields[r->value];
    const uint32_t *titles;
    size_t n = find(r, name, &titles);
    const char *pair;
    int rc;

    if (!r->pairs && r->out->measure == KN_MEASURE_RELATED)
        return add_groups(r, titles, n, value, err);
    if (!r->pairs)
        return add_all(r, titles, n, value, err);
    pair = kn_arena_printf(r->e->arena, "line %zu", row->line); /* a group of its own */
    if (!pair)
        return kn_api_no_memory(err, "labels");
    rc = add_all(r, titles, n, pair, err);
    if (rc)
        return rc;
    n = find(r, value, &titles);
    return add_all(r, titles, n, pair, err);
}

static int read_rows(struct reading *r, struct kn_sv text, struct kn_err *err)
{
    struct kn_csv_row head, row;
    struct kn_csv csv;
    bool more;
    int rc;

    kn_csv_begin(&csv, text);
    rc = kn_csv_row(&csv, r->e->arena, &head, &more, err);
    if (rc == KN_OK && !more)
        rc = kn_err_set(err, KN_EARG, "it is empty");
    if (rc == KN_OK)
        rc = read_head(r, &head, err);
    while (rc == KN_OK && !(rc = kn_csv_row(&csv, r->e->arena, &row, &more, err)) && more) {
        if (row.n != head.n)
            rc = kn_err_set(err, KN_ECORRUPT, "line %zu: %zu fields where the first line has %zu",
                            row.line, row.n, head.n);
        else
            rc = read_row(r, &row, err);
    }
    return rc;
}

static int read_file(struct reading *r, const char *path, struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    r->by_name = kn_arena_array(r->e->arena, r->e->n, sizeof *r->by_name);
    if (!r->by_name)
        return kn_api_no_memory(err, "labels");
    for (size_t i = 0; i < r->e->n; i++)
        r->by_name[i] = (uint32_t)i;
    qsort_r(r->by_name, r->e->n, sizeof *r->by_name, compare_names, r->e->titles);
    kn_buf_init(&b, MAX_FILE);
    rc = kn_fs_read(path, &b, err);
    if (rc == KN_OK)
        rc = read_rows(r, (struct kn_sv){b.data, b.n}, err);
    kn_buf_free(&b);
    return rc;
}

static int read_genres(struct reading *r, struct kn_err *err)
{
    int rc = KN_OK;

    r->out->measure = KN_MEASURE_RELATED;
    for (uint32_t i = 0; rc == KN_OK && i < r->e->n; i++)
        rc = add_groups(r, &i, 1, r->e->titles[i].genres, err);
    return rc;
}

/* ---- in order ---- */

static int by_text(const void *pa, const void *pb)
{
    const struct kn_label *a = pa, *b = pb;
    int order = strcmp(a->text, b->text);

    return order ? order : a->title < b->title ? -1 : a->title > b->title;
}

static int by_title(const void *pa, const void *pb)
{
    const struct kn_label *a = pa, *b = pb;

    if (a->title != b->title)
        return a->title < b->title ? -1 : 1;
    return a->group < b->group ? -1 : a->group > b->group;
}

/* Groups by their texts; of other labels the row, so that the last of a title comes last. */
static void number(struct kn_labels *l)
{
    uint32_t group = 0;

    if (l->measure == KN_MEASURE_RELATED && l->n > 0)
        qsort(l->all, l->n, sizeof *l->all, by_text);
    for (size_t i = 0; i < l->n; i++) {
        if (l->measure != KN_MEASURE_RELATED ||
            (i > 0 && strcmp(l->all[i - 1].text, l->all[i].text)))
            group++;
        l->all[i].group = group;
    }
    if (l->n > 0)
        qsort(l->all, l->n, sizeof *l->all, by_title);
}

/* What is told twice counts once; of labels of which a title has one, the last. */
static void thin_out(struct kn_labels *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++) {
        bool again =
            kept > 0 && l->all[kept - 1].title == l->all[i].title &&
            (l->measure != KN_MEASURE_RELATED || l->all[kept - 1].group == l->all[i].group);

        l->all[again ? kept - 1 : kept] = l->all[i];
        kept += !again;
    }
    l->n = kept;
}

int kn_eval_labels(struct kn_evaluation *e, struct kn_labels *out, struct kn_err *err)
{
    const char *labels = e->options->labels;
    struct kn_labels l = {.measure = KN_MEASURE_HALVES};
    struct reading r = {.e = e, .out = &l};
    size_t at = 0;
    int rc = KN_OK;

    if (labels && strcmp(labels, "genres") == 0)
        rc = read_genres(&r, err);
    else if (labels && *labels)
        rc = read_file(&r, labels, err);
    if (rc)
        return kn_err_wrap(err, rc, "labels '%s'", labels);
    number(&l);
    thin_out(&l);
    l.of = kn_arena_array(e->arena, e->n + 1, sizeof *l.of);
    if (!l.of)
        return kn_api_no_memory(err, "labels");
    for (size_t i = 0; i <= e->n; i++) {
        while (at < l.n && l.all[at].title < i)
            at++;
        l.of[i] = (uint32_t)at;
    }
    *out = l;
    return KN_OK;
}

bool kn_eval_related(const struct kn_labels *l, uint32_t a, uint32_t b)
{
    uint32_t i = l->of[a], j = l->of[b];

    while (a != b && i < l->of[a + 1] && j < l->of[b + 1]) {
        if (l->all[i].group == l->all[j].group)
            return true;
        if (l->all[i].group < l->all[j].group)
            i++;
        else
            j++;
    }
    return false;
}
