/* Any bytes are refused or read, and what was read is read again the same once it is written. clang
 * -fsanitize=fuzzer; seeds/csv. */
#include "base/arena.h"
#include "text/csv.h"
#include "text/plain.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A row alone, written and read, must be itself. One empty field is an empty line, which is no row. */
static void check_row(const struct kn_csv_row *row, struct kn_arena *arena)
{
    struct kn_csv csv;
    struct kn_csv_row again;
    struct kn_buf b;
    bool more;

    if (row->n == 1 && !*row->fields[0])
        return;
    kn_buf_init(&b, 64 << 20);
    for (size_t i = 0; i < row->n; i++) {
        kn_buf_adds(&b, i ? "," : "", NULL);
        kn_csv_add_field(&b, row->fields[i], NULL);
    }
    /* A first field that begins with a byte order mark loses it, as any reader's would. */
    kn_csv_begin(&csv, (struct kn_sv){b.data, b.n});
    if (csv.at == 0) {
        if (kn_csv_row(&csv, arena, &again, &more, NULL) || !more || again.n != row->n)
            abort();
        for (size_t i = 0; i < row->n; i++)
            if (strcmp(again.fields[i], row->fields[i]) != 0)
                abort();
    }
    kn_buf_free(&b);
}

/* Segments are never empty and hold all that is no white space. */
static void check_cut(const char *text, struct kn_arena *arena)
{
    struct kn_segment *segments;
    size_t n, bytes = 0;

    if (kn_plain_cut(text, arena, &segments, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++) {
        if (!*segments[i].text)
            abort();
        bytes += strlen(segments[i].text);
    }
    if (bytes > 2 * strlen(text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct kn_arena *arena = kn_arena_new(256 << 20);
    struct kn_csv csv;
    struct kn_csv_row row;
    bool more = true;

    kn_csv_begin(&csv, (struct kn_sv){(const char *)data, n});
    while (kn_csv_row(&csv, arena, &row, &more, NULL) == 0 && more) {
        if (row.n == 0 || row.line == 0 || csv.at > n)
            abort();
        check_row(&row, arena);
        for (size_t i = 0; i < row.n; i++)
            check_cut(row.fields[i], arena);
    }
    kn_arena_free(arena);
    return 0;
}
