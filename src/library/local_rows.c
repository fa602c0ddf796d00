#include "library/local.h"

#include "base/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READY                                                                                      \
    "state = 1 AND gone = '' AND joined IS NULL AND title.model IS (SELECT model FROM library)"

/* What every statement here gives of a row, in this order. */
#define COLUMNS "language, duration, title.opinion, year, genres, vector, title.key"
enum { ID, LANGUAGE, DURATION, OPINION, YEAR, GENRES, VECTOR, KEY, MOMENT, WORDS };

int kn_local_stamp(struct kn_db *db, struct kn_shelf_stamp *out, struct kn_err *err)
{
    struct kn_shelf_stamp stamp = {0};
    sqlite3_stmt *s;
    bool row;
    int rc = kn_db_query(db,
                         "SELECT answers, (SELECT mark FROM epoch ORDER BY key DESC LIMIT 1),"
                         " name, dim FROM library LEFT JOIN model ON model.key = library.model",
                         NULL, 0, &s, err);

    if (!rc)
        rc = kn_db_step(db, s, &row, err);
    if (rc)
        return rc;
    stamp.answers = (uint64_t)sqlite3_column_int64(s, 0);
    stamp.epoch = sqlite3_column_int64(s, 1);
    snprintf(stamp.model, sizeof stamp.model, "%s", kn_db_text(s, 2));
    stamp.dim = (size_t)sqlite3_column_int64(s, 3);
    sqlite3_reset(s);
    *out = stamp;
    return KN_OK;
}

int kn_local_count(struct kn_db *db, enum local_which which, size_t most, size_t *n,
                   struct kn_err *err)
{
    static const char titles[] = "SELECT count(*) FROM (SELECT 1 FROM title JOIN title_vector"
                                 " ON title_vector.title = title.key WHERE " READY " LIMIT ?)";
    static const char moments[] =
        "SELECT count(*) FROM (SELECT 1 FROM title JOIN moment ON moment.title = title.key"
        " JOIN moment_vector ON moment_vector.moment = moment.key WHERE " READY " LIMIT ?)";
    int64_t count = 0;
    bool found;
    int rc =
        kn_db_number(db, which == LOCAL_MOMENTS ? moments : titles,
                     KN_VALUES(KN_INT(most > INT64_MAX ? INT64_MAX : most)), &found, &count, err);

    *n = (size_t)count;
    return rc;
}

int kn_local_count_changed(struct kn_db *db, uint64_t since, size_t most, size_t *n,
                           struct kn_err *err)
{
    int64_t count = 0;
    bool found;
    int rc = kn_db_number(db, "SELECT count(*) FROM (SELECT 1 FROM changed WHERE at > ? LIMIT ?)",
                          KN_VALUES(KN_INT(since), KN_INT(most)), &found, &count, err);

    *n = (size_t)count;
    return rc;
}

/* ---- one row after another ---- */

struct reading {
    struct kn_db *db;
    sqlite3_stmt *s;
    enum local_which which;
    size_t dim;
    struct kn_id id;
    struct kn_view_title title; /* its genres are the statement's, until the next row */
    bool other;                 /* another title than the row before */
    bool
        ready; /* it has a vector: of what changed, not all is to be found any more, and not each moment has one */
    bool starts; /* it is the first ready one of its title */
    bool begun, started;
    struct kn_term terms[KN_TERMS];
    size_t n_terms;
    struct kn_marks marks;
};

static int read_terms(struct reading *r, struct kn_err *err)
{
    const void *packed = sqlite3_column_blob(r->s, WORDS);
    size_t n = (size_t)sqlite3_column_bytes(r->s, WORDS);

    r->n_terms = 0;
    r->marks = (struct kn_marks){{0}};
    if (packed && (!kn_wording_unpack_terms(packed, n, r->terms, &r->n_terms) ||
                   !kn_wording_unpack_marks(packed, n, &r->marks)))
        return kn_local_bad_wording(r->db, err);
    return KN_OK;
}

/* The next row, but for its vector. *more false: there is none. */
static int read_row(struct reading *r, bool *more, struct kn_err *err)
{
    struct kn_id id;
    int rc = kn_db_step(r->db, r->s, more, err);

    if (!rc && *more)
        rc = kn_db_blob(r->db, r->s, ID, id.b, sizeof id.b, err);
    if (rc || !*more)
        return rc;
    r->other = !r->begun || memcmp(&id, &r->id, sizeof id) != 0;
    r->ready = sqlite3_column_type(r->s, VECTOR) != SQLITE_NULL;
    r->starts = r->ready && (r->other || !r->started);
    r->started = r->ready || (r->started && !r->other);
    r->begun = true;
    r->id = id;
    if (!r->starts)
        return KN_OK;
    r->title = (struct kn_view_title){.id = id,
                                      .duration = kn_db_real(r->s, DURATION),
                                      .opinion = kn_db_real(r->s, OPINION),
                                      .year = sqlite3_column_int(r->s, YEAR),
                                      .genres = kn_db_text(r->s, GENRES)};
    if (sqlite3_column_int64(r->s, KEY) <= UINT32_MAX)
        r->title.key = (uint32_t)sqlite3_column_int64(r->s, KEY);
    snprintf(r->title.language, sizeof r->title.language, "%s", kn_db_text(r->s, LANGUAGE));
    return r->which == LOCAL_TITLES ? read_terms(r, err) : KN_OK;
}

static int read_vector(const struct reading *r, float *to, struct kn_err *err)
{
    return kn_db_blob(r->db, r->s, VECTOR, to, r->dim * sizeof *to, err);
}

static uint32_t moment_of(const struct reading *r)
{
    return r->which == LOCAL_MOMENTS ? (uint32_t)sqlite3_column_int64(r->s, MOMENT) : 0;
}

#define ALL_TITLES                                                                                 \
    "SELECT id, " COLUMNS ", 0, words FROM title"                                                  \
    " JOIN title_vector ON title_vector.title = title.key"                                         \
    " LEFT JOIN wording ON wording.title = title.key WHERE " READY
#define ALL_MOMENTS                                                                                \
    "SELECT id, " COLUMNS ", number FROM title JOIN moment ON moment.title = title.key"            \
    " JOIN moment_vector ON moment_vector.moment = moment.key WHERE " READY

/* In order of id, as a view wants it, or as they lie in the file, each page of which is then read once: of a million titles in a third
 * of the time. */
static int begin_all(struct kn_db *db, enum local_which which, size_t dim, bool by_id,
                     struct reading *r, struct kn_err *err)
{
    static const char *const statements[2][2] = {
        {ALL_TITLES " ORDER BY title.key", ALL_TITLES " ORDER BY id"},
        {ALL_MOMENTS " ORDER BY title.key, number", ALL_MOMENTS " ORDER BY id, number"}};

    *r = (struct reading){.db = db, .which = which, .dim = dim};
    return kn_db_query(db, statements[which == LOCAL_MOMENTS][by_id], NULL, 0, &r->s, err);
}

static int begin_changed(struct kn_db *db, enum local_which which, size_t dim, uint64_t since,
                         struct reading *r, struct kn_err *err)
{
    static const char titles[] =
        "SELECT changed.id, " COLUMNS ", 0, words FROM changed"
        " LEFT JOIN title ON title.id = changed.id AND " READY
        " LEFT JOIN title_vector ON title_vector.title = title.key"
        " LEFT JOIN wording ON wording.title = title.key WHERE at > ? ORDER BY changed.id";
    static const char moments[] = "SELECT changed.id, " COLUMNS ", number FROM changed"
                                  " LEFT JOIN title ON title.id = changed.id AND " READY
                                  " LEFT JOIN moment ON moment.title = title.key"
                                  " LEFT JOIN moment_vector ON moment_vector.moment = moment.key"
                                  " WHERE at > ? ORDER BY changed.id, number";

    *r = (struct reading){.db = db, .which = which, .dim = dim};
    return kn_db_query(db, which == LOCAL_MOMENTS ? moments : titles, KN_VALUES(KN_INT(since)),
                       &r->s, err);
}

/* ---- into a view ---- */

static int add_row(struct reading *r, float *vector, struct kn_view *v, struct kn_err *err)
{
    int rc = r->starts ? kn_view_add_title(v, &r->title, err) : KN_OK;

    if (!rc && r->starts && r->which == LOCAL_TITLES)
        rc = kn_view_add_terms(v, r->terms, r->n_terms, &r->marks, err);
    if (!rc)
        rc = read_vector(r, vector, err);
    return rc ? rc : kn_view_add_row(v, vector, moment_of(r), err);
}

static float *new_vector(const struct kn_db *db, size_t dim, struct kn_err *err)
{
    float *vector = malloc(dim * sizeof *vector); /* a blob need not be aligned */

    if (!vector)
        kn_err_set(err, KN_ELIMIT, "library '%s': no memory for its vectors", db->path);
    return vector;
}

int kn_local_fill(struct kn_db *db, enum local_which which, size_t dim, struct kn_view *v,
                  struct kn_err *err)
{
    float *vector = new_vector(db, dim, err);
    struct reading r;
    bool more = true;
    int rc = vector ? begin_all(db, which, dim, true, &r, err) : KN_ELIMIT;

    while (!rc && !(rc = read_row(&r, &more, err)) && more)
        rc = add_row(&r, vector, v, err);
    free(vector);
    return rc ? rc : kn_view_end(v, err);
}

/* What is in the old tail before id, and not id itself. */
static int take_until(struct kn_view *v, const struct kn_view *old, const struct kn_id *id,
                      size_t *at, struct kn_err *err)
{
    size_t n = old ? kn_view_tail(old) : 0;
    int rc = KN_OK;

    for (; !rc && *at < n; ++*at) {
        int order = id ? memcmp(kn_view_tail_id(old, *at), id, sizeof *id) : -1;

        if (order > 0)
            break;
        if (order < 0)
            rc = kn_view_take(v, old, *at, err);
    }
    return rc;
}

int kn_local_fill_changed(struct kn_db *db, enum local_which which, size_t dim, uint64_t since,
                          const struct kn_view *old, struct kn_view *v, struct kn_err *err)
{
    float *vector = new_vector(db, dim, err);
    struct reading r;
    bool more = true;
    size_t at = 0;
    int rc = vector ? begin_changed(db, which, dim, since, &r, err) : KN_ELIMIT;

    while (!rc && !(rc = read_row(&r, &more, err)) && more) {
        if (r.other)
            rc = take_until(v, old, &r.id, &at, err);
        if (!rc && r.other)
            rc = kn_view_hide(v, &r.id, err);
        if (!rc && r.ready)
            rc = add_row(&r, vector, v, err);
    }
    if (!rc)
        rc = take_until(v, old, NULL, &at, err);
    free(vector);
    return rc ? rc : kn_view_end(v, err);
}

/* ---- into a shelf ---- */

static int next_row(void *ctx, struct kn_shelf_row *row, float *vector, struct kn_err *err)
{
    struct reading *r = ctx;
    bool more;
    int rc = read_row(r, &more, err);

    if (!rc && !more)
        rc =
            kn_err_set(err, KN_ECORRUPT,
                       "library '%s': fewer vectors than it counts; run kinora check", r->db->path);
    if (!rc)
        rc = read_vector(r, vector, err);
    if (!rc)
        *row = (struct kn_shelf_row){.title = r->starts ? &r->title : NULL,
                                     .moment = moment_of(r),
                                     .terms = r->terms,
                                     .n_terms = r->n_terms,
                                     .marks = &r->marks};
    return rc;
}

int kn_local_make_shelf(struct kn_db *db, enum local_which which,
                        const struct kn_shelf_stamp *stamp, double recall, const char *path,
                        const struct kn_cancel *cancel, struct kn_shelf **out, struct kn_err *err)
{
    struct kn_shelf_source source = {.stamp = *stamp,
                                     .moments = which == LOCAL_MOMENTS,
                                     .next = next_row,
                                     .recall = recall,
                                     .threads = (int)sysconf(_SC_NPROCESSORS_ONLN),
                                     .cancel = cancel};
    struct reading r;
    int rc = kn_local_count(db, which, SIZE_MAX, &source.rows, err);

    if (!rc)
        rc = begin_all(db, which, stamp->dim, false, &r, err);
    if (rc)
        return rc;
    source.ctx = &r;
    rc = path ? kn_shelf_write(path, &source, err) : kn_shelf_build(&source, out, err);
    kn_db_reset(db);
    return rc || !path ? rc : kn_shelf_open(path, out, err);
}

/* ---- against a shelf ---- */

#define NEAR 1e-3 /* ten times what dense.h promises */

static int vector_is_near(const struct reading *r, const struct kn_shelf *shelf, uint32_t row,
                          float *kept, float *own, bool *near, struct kn_err *err)
{
    int rc = read_vector(r, own, err);

    if (!rc)
        rc = kn_dense_row(kn_shelf_dense(shelf), row, kept, err);
    *near = true;
    for (size_t i = 0; !rc && i < r->dim; i++)
        *near = *near && fabs((double)kept[i] - (double)own[i]) < NEAR;
    return rc;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool title_is_same(const struct reading *r, const struct kn_shelf *shelf, uint32_t row)
{
    struct kn_view_title t;
    uint32_t moment;

    kn_shelf_title(shelf, row, &t, &moment);
    return strcmp(t.language, r->title.language) == 0 && strcmp(t.genres, r->title.genres) == 0 &&
           t.year == r->title.year && same(t.duration, r->title.duration) &&
           same(t.opinion, r->title.opinion) && moment == moment_of(r);
}

static int has_changed(struct kn_db *db, const struct kn_id *id, uint64_t since, bool *has,
                       struct kn_err *err)
{
    int64_t one;

    return kn_db_number(db, "SELECT 1 FROM changed WHERE id = ? AND at > ?",
                        KN_VALUES(KN_BLOB(id->b, sizeof id->b), KN_INT(since)), has, &one, err);
}

/* seen: of each row of the shelf, whether the library has it. */
static int compare_rows(struct reading *r, const struct kn_shelf *shelf, bool *seen, float *space,
                        size_t *different, struct kn_err *err)
{
    uint64_t since = kn_shelf_stamp(shelf)->answers;
    uint32_t row = 0, first = 0, n = 0;
    bool more = true, there = false, changed = false;
    int rc;

    while (!(rc = read_row(r, &more, err)) && more) {
        bool near = false;

        if (r->starts) {
            there = kn_shelf_find(shelf, &r->id, &first, &n);
            row = first;
            rc = has_changed(r->db, &r->id, since, &changed, err);
        }
        if (!rc && there && row < first + n) {
            seen[row] = true;
            rc = vector_is_near(r, shelf, row, space, space + r->dim, &near, err);
            near = near && title_is_same(r, shelf, row);
        }
        if (rc)
            return rc;
        *different += !near && !changed;
        row++;
    }
    return rc;
}

static int compare_with(struct kn_db *db, enum local_which which, const struct kn_shelf *shelf,
                        bool *seen, float *space, size_t *different, struct kn_err *err)
{
    uint64_t since = kn_shelf_stamp(shelf)->answers;
    struct reading r;
    int rc = begin_all(db, which, kn_shelf_stamp(shelf)->dim, false, &r, err);

    if (!rc)
        rc = compare_rows(&r, shelf, seen, space, different, err);
    for (size_t row = 0; !rc && row < kn_shelf_rows(shelf); row++) {
        struct kn_view_title t;
        uint32_t moment;
        bool changed = true;

        kn_shelf_title(shelf, (uint32_t)row, &t, &moment);
        if (!seen[row])
            rc = has_changed(db, &t.id, since, &changed, err);
        *different += !changed;
    }
    return rc;
}

int kn_local_compare(struct kn_db *db, enum local_which which, const struct kn_shelf *shelf,
                     size_t *different, struct kn_err *err)
{
    size_t dim = kn_shelf_stamp(shelf)->dim;
    bool *seen = calloc(kn_shelf_rows(shelf) + 1, sizeof *seen);
    float *space = malloc(2 * dim * sizeof *space);
    int rc;

    *different = 0;
    if (seen && space)
        rc = compare_with(db, which, shelf, seen, space, different, err);
    else
        rc = kn_err_set(err, KN_ELIMIT, "library '%s': no memory to check it", db->path);
    free(seen);
    free(space);
    return rc;
}
