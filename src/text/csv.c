#include "csv.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/unicode.h"

#include <string.h>

void kn_csv_begin(struct kn_csv *csv, struct kn_sv text)
{
    static const char mark[] = "\xEF\xBB\xBF";

    *csv = (struct kn_csv){.text = text, .line = 1};
    if (text.n >= 3 && memcmp(text.p, mark, 3) == 0)
        csv->at = 3;
}

static int wrong(size_t line, const char *why, struct kn_err *err)
{
    return kn_err_set(err, KN_ECORRUPT, "line %zu: %s", line, why);
}

/* Bytes of the line's end at i: 1, 2, or 0 where there is none. */
static size_t line_end(struct kn_sv t, size_t i)
{
    if (t.p[i] == '\n')
        return 1;
    return t.p[i] == '\r' && i + 1 < t.n && t.p[i + 1] == '\n' ? 2 : 0;
}

static int plain_field(struct kn_csv *c, struct kn_sv *out, struct kn_err *err)
{
    size_t from = c->at;

    while (c->at < c->text.n && c->text.p[c->at] != ',' && !line_end(c->text, c->at)) {
        if (c->text.p[c->at] == '"')
            return wrong(c->line, "a quote inside of a field without quotes", err);
        if (c->text.p[c->at] == '\r')
            return wrong(c->line, "a carriage return alone", err);
        c->at++;
    }
    *out = (struct kn_sv){c->text.p + from, c->at - from};
    return KN_OK;
}

/* From the opening quote to behind the closing one; out is what lies between, doubled quotes as they are. */
static int quoted_field(struct kn_csv *c, struct kn_sv *out, struct kn_err *err)
{
    size_t opened = c->line, from = ++c->at;

    for (;; c->at++) {
        if (c->at == c->text.n)
            return wrong(opened, "the quote that opens here is never closed", err);
        if (c->text.p[c->at] == '\n')
            c->line++;
        if (c->text.p[c->at] != '"')
            continue;
        if (c->at + 1 == c->text.n || c->text.p[c->at + 1] != '"')
            break;
        c->at++;
    }
    *out = (struct kn_sv){c->text.p + from, c->at - from};
    c->at++;
    if (c->at < c->text.n && c->text.p[c->at] != ',' && !line_end(c->text, c->at))
        return wrong(c->line, "text behind a closing quote", err);
    return KN_OK;
}

/* Checked and copied, a doubled quote made one. */
static int keep(struct kn_sv raw, bool quoted, size_t line, struct kn_arena *arena,
                const char **out, struct kn_err *err)
{
    size_t n = 0;
    char *copy;

    if (raw.n > KN_CSV_FIELD)
        return kn_err_set(err, KN_ELIMIT, "line %zu: a field of %zu bytes; at most %d", line, raw.n,
                          KN_CSV_FIELD);
    if (memchr(raw.p, '\0', raw.n))
        return wrong(line, "a NUL byte", err);
    if (!kn_utf8_valid(raw))
        return wrong(line, "text that is not UTF-8", err);
    copy = kn_arena_bytes(arena, raw.p, raw.n);
    if (!copy)
        return kn_err_memory(err, "line %zu: no memory for a field of %zu bytes", line, raw.n);
    for (size_t i = 0; i < raw.n; i++) {
        copy[n++] = raw.p[i];
        i += quoted && raw.p[i] == '"';
    }
    copy[n] = '\0';
    *out = copy;
    return KN_OK;
}

static int next_field(struct kn_csv *c, struct kn_arena *arena, const char **out,
                      struct kn_err *err)
{
    bool quoted = c->at < c->text.n && c->text.p[c->at] == '"';
    size_t line = c->line;
    struct kn_sv raw = {0};
    int rc = quoted ? quoted_field(c, &raw, err) : plain_field(c, &raw, err);

    return rc ? rc : keep(raw, quoted, line, arena, out, err);
}

static void skip_empty_lines(struct kn_csv *c)
{
    for (size_t n; c->at < c->text.n && (n = line_end(c->text, c->at)) > 0; c->at += n)
        c->line++;
}

int kn_csv_row(struct kn_csv *c, struct kn_arena *arena, struct kn_csv_row *out, bool *more,
               struct kn_err *err)
{
    const char *fields[KN_CSV_FIELDS];
    struct kn_csv_row row = {0};
    int rc = KN_OK;

    skip_empty_lines(c);
    row.line = c->line;
    if (c->at == c->text.n) {
        *more = false;
        return KN_OK;
    }
    for (bool again = true; again && !rc;) {
        if (row.n == KN_CSV_FIELDS)
            return kn_err_set(err, KN_ELIMIT, "line %zu: more than %d fields", row.line,
                              KN_CSV_FIELDS);
        rc = next_field(c, arena, &fields[row.n], err);
        row.n++;
        again = c->at < c->text.n && c->text.p[c->at] == ',';
        c->at += again;
    }
    if (rc)
        return rc;
    skip_empty_lines(c);
    row.fields = kn_arena_array(arena, row.n, sizeof *row.fields);
    if (!row.fields)
        return kn_err_memory(err, "line %zu: no memory for a row", row.line);
    memcpy(row.fields, fields, row.n * sizeof *fields);
    *out = row;
    *more = true;
    return KN_OK;
}

int kn_csv_add_field(struct kn_buf *out, const char *field, struct kn_err *err)
{
    if (!strpbrk(field, ",\"\r\n"))
        return kn_buf_adds(out, field, err);
    kn_buf_add(out, "\"", 1, NULL);
    for (const char *quote; (quote = strchr(field, '"')); field = quote + 1) {
        kn_buf_add(out, field, (size_t)(quote - field), NULL);
        kn_buf_add(out, "\"\"", 2, NULL);
    }
    kn_buf_adds(out, field, NULL);
    kn_buf_add(out, "\"", 1, NULL);
    return kn_buf_ok(out, err);
}
