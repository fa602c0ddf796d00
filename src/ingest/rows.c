#include "rows.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/unicode.h"
#include "net/json.h"
#include "text/csv.h"

#include <string.h>
#include <strings.h>

enum { MAX_LANGUAGE = 15, MAX_YEAR = 9999, MAX_NAME = 4096 };

struct rows { /* grows inside of the arena, which keeps the older ones: at most as much again */
    struct kn_arena *arena;
    struct kn_row *d;
    size_t n, cap;
};

static int add(struct rows *r, const struct kn_row *row, struct kn_err *err)
{
    if (!*row->name)
        return kn_err_set(err, KN_ECORRUPT, "line %zu: a row without a name", row->line);
    if (strlen(row->name) > MAX_NAME)
        return kn_err_set(err, KN_ELIMIT, "line %zu: a name of more than %d bytes", row->line,
                          MAX_NAME);
    if (r->n == KN_ROWS)
        return kn_err_set(err, KN_ELIMIT, "line %zu: more than %d rows", row->line, KN_ROWS);
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 256;
        struct kn_row *grown = kn_arena_array(r->arena, cap, sizeof *grown);

        if (!grown)
            return kn_err_memory(err, "line %zu: no memory for more rows", row->line);
        if (r->n > 0)
            memcpy(grown, r->d, r->n * sizeof *grown);
        r->d = grown;
        r->cap = cap;
    }
    r->d[r->n++] = *row;
    return KN_OK;
}

static bool begins_with_error(const char *text)
{
    struct kn_sv s = kn_sv_trim(kn_sv_of(text));

    return s.n >= 5 && memcmp(s.p, "Error", 5) == 0;
}

/* ---- CSV ---- */

/* "Trailers/Heat.mp4" -> "Heat.mp4" and "Heat" */
static bool name_of_file(struct kn_arena *arena, const char *path, struct kn_row *row)
{
    const char *slash = strrchr(path, '/');
    struct kn_sv base = kn_sv_trim(kn_sv_of(slash ? slash + 1 : path));

    row->file = kn_arena_bytes(arena, base.p, base.n);
    if (base.n > 4 && strncasecmp(base.p + base.n - 4, ".mp4", 4) == 0)
        base.n -= 4;
    row->name = kn_arena_bytes(arena, base.p, base.n);
    return row->file && row->name;
}

static int find_column(const struct kn_csv_row *head, const char *name, size_t *at,
                       struct kn_err *err)
{
    size_t found = 0;

    for (size_t i = 0; i < head->n; i++)
        if (strcmp(head->fields[i], name) == 0) {
            *at = i;
            found++;
        }
    if (found == 1)
        return KN_OK;
    return kn_err_set(err, KN_EARG,
                      "line %zu: %s column \"%s\"; the first line has to name \"Video File\" and "
                      "\"Transcript\"",
                      head->line, found ? "more than one" : "no", name);
}

static int read_csv_row(const struct kn_csv_row *row, size_t file, size_t transcript,
                        struct rows *rows, struct kn_err *err)
{
    struct kn_row r = {.language = "", .genres = "", .line = row->line};

    r.text = row->fields[transcript];
    r.failed = begins_with_error(r.text);
    if (!name_of_file(rows->arena, row->fields[file], &r))
        return kn_err_memory(err, "line %zu: no memory for a name", row->line);
    return add(rows, &r, err);
}

static int read_csv(struct kn_sv text, struct rows *rows, struct kn_err *err)
{
    struct kn_csv csv;
    struct kn_csv_row head, row;
    size_t file, transcript;
    bool more;
    int rc;

    kn_csv_begin(&csv, text);
    rc = kn_csv_row(&csv, rows->arena, &head, &more, err);
    if (rc == KN_OK && !more)
        rc = kn_err_set(err, KN_EARG, "it is empty");
    if (rc == KN_OK)
        rc = find_column(&head, "Video File", &file, err);
    if (rc == KN_OK)
        rc = find_column(&head, "Transcript", &transcript, err);
    while (rc == KN_OK && !(rc = kn_csv_row(&csv, rows->arena, &row, &more, err)) && more) {
        if (row.n != head.n)
            rc = kn_err_set(err, KN_ECORRUPT, "line %zu: %zu fields where the first line has %zu",
                            row.line, row.n, head.n);
        else
            rc = read_csv_row(&row, file, transcript, rows, err);
    }
    return rc;
}

/* ---- JSON lines ---- */

static int bad_key(size_t line, const char *key, const char *wanted, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT, "line %zu: \"%s\" is not %s", line, key, wanted);
}

static bool is_language(const char *tag)
{
    size_t n = strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

    return tag[n] == '\0' && n <= MAX_LANGUAGE && tag[0] != '-';
}

static int read_genres(const struct kn_json *v, struct kn_row *row, struct kn_arena *arena,
                       struct kn_err *err)
{
    struct kn_buf b;
    int rc;

    kn_buf_init(&b, MAX_NAME);
    for (size_t i = 0; i < kn_json_length(v); i++) {
        const char *genre = kn_json_text_or(kn_json_at(v, i), NULL);

        if (!genre) {
            kn_buf_free(&b);
            return bad_key(row->line, "genres", "a text or an array of texts", err);
        }
        kn_buf_addf(&b, NULL, "%s%s", i ? ", " : "", genre);
    }
    rc = kn_buf_ok(&b, err);
    if (rc == KN_OK && !(row->genres = kn_arena_text(arena, b.data)))
        rc = kn_err_memory(err, "line %zu: no memory", row->line);
    kn_buf_free(&b);
    return rc;
}

/* What may be missing, or null. */
static int read_facts(const struct kn_json *v, struct kn_row *row, struct kn_arena *arena,
                      struct kn_err *err)
{
    const struct kn_json *language = kn_json_get(v, "language"), *year = kn_json_get(v, "year"),
                         *genres = kn_json_get(v, "genres");
    const char *tag = kn_json_text_or(language, kn_json_is_null(language) ? "" : "?");
    int64_t y = kn_json_integer_or(year, kn_json_is_null(year) ? 0 : -1);

    if (!is_language(tag))
        return bad_key(row->line, "language", "a language tag such as en or es-MX", err);
    if (y < 0 || y > MAX_YEAR)
        return bad_key(row->line, "year", "a year", err);
    row->year = (int)y;
    row->language = kn_arena_text(arena, tag);
    row->genres = kn_arena_text(arena, kn_json_text_or(genres, ""));
    if (!row->language || !row->genres)
        return kn_err_memory(err, "line %zu: no memory", row->line);
    if (kn_json_is_null(genres) || kn_json_text_or(genres, NULL))
        return KN_OK;
    if (!kn_json_is_array(genres))
        return bad_key(row->line, "genres", "a text or an array of texts", err);
    return read_genres(genres, row, arena, err);
}

static int read_object(const struct kn_json *v, size_t line, struct rows *rows, struct kn_err *err)
{
    const char *title = kn_json_text_or(kn_json_get(v, "title"), NULL),
               *text = kn_json_text_or(kn_json_get(v, "text"), NULL);
    struct kn_row row = {.file = "", .line = line};
    int rc;

    if (!title)
        return bad_key(line, "title", "there, or is no text", err);
    if (!text)
        return bad_key(line, "text", "there, or is no text", err);
    if (strlen(text) > KN_CSV_FIELD)
        return kn_err_set(err, KN_ELIMIT, "line %zu: a text of %zu bytes; at most %d", line,
                          strlen(text), KN_CSV_FIELD);
    rc = read_facts(v, &row, rows->arena, err);
    if (rc)
        return rc;
    title = kn_arena_text(rows->arena, title);
    row.text = kn_arena_text(rows->arena, text);
    row.name = title ? kn_arena_bytes(rows->arena, kn_sv_trim(kn_sv_of(title)).p,
                                      kn_sv_trim(kn_sv_of(title)).n)
                     : NULL;
    if (!row.name || !row.text)
        return kn_err_memory(err, "line %zu: no memory", line);
    row.failed = begins_with_error(row.text);
    return add(rows, &row, err);
}

static int read_line(struct kn_sv text, size_t line, struct rows *rows, struct kn_err *err)
{
    struct kn_json *root = NULL;
    int rc;

    text = kn_sv_trim(text);
    if (text.n == 0)
        return KN_OK;
    if (memchr(text.p, '\0', text.n))
        return kn_err_set(err, KN_ECORRUPT, "line %zu: a NUL byte", line);
    rc = kn_json_parse(text, "the object", &root, err);
    if (rc)
        return kn_err_wrap(err, rc, "line %zu", line);
    rc = read_object(root, line, rows, err);
    kn_json_free(root);
    return rc;
}

static int read_json_lines(struct kn_sv text, struct rows *rows, struct kn_err *err)
{
    size_t line = 0;
    int rc = KN_OK;

    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
        text = (struct kn_sv){text.p + 3, text.n - 3};
    while (rc == KN_OK && text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n, skip = n + (end != NULL);

        rc = read_line((struct kn_sv){text.p, n}, ++line, rows, err);
        text = (struct kn_sv){text.p + skip, text.n - skip};
    }
    return rc;
}

/* ---- either ---- */

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);

    return n > k && strcasecmp(path + n - k, end) == 0;
}

int kn_rows_read(const char *path, struct kn_arena *arena, struct kn_row **out, size_t *n,
                 struct kn_err *err)
{
    bool csv = ends_in(path, ".csv"), json = ends_in(path, ".jsonl") || ends_in(path, ".ndjson");
    struct rows rows = {.arena = arena};
    struct kn_buf b;
    int rc;

    if (!csv && !json)
        return kn_err_set(err, KN_EARG, "import '%s': its name ends neither in .csv nor in .jsonl",
                          path);
    kn_buf_init(&b, KN_ROWS_FILE);
    rc = kn_fs_read(path, &b, err);
    if (rc == KN_OK)
        rc = csv ? read_csv((struct kn_sv){b.data, b.n}, &rows, err)
                 : read_json_lines((struct kn_sv){b.data, b.n}, &rows, err);
    kn_buf_free(&b);
    if (rc == KN_OK && rows.n == 0)
        rc = kn_err_set(err, KN_EARG, "it holds no rows");
    if (rc)
        return kn_err_wrap(err, rc, "import '%s'", path);
    *out = rows.d;
    *n = rows.n;
    return KN_OK;
}
