#include "cli.h"

#include "base/unicode.h"

#include <stdlib.h>

enum { GAP = 2, LEAST = 12 }; /* columns between two, and what a name keeps */

struct cell {
    const char *text;
    size_t columns;
    enum kn_style style;
};

struct kn_table {
    struct kn_cli *cli;
    const struct kn_column *columns;
    size_t n_columns;
    struct cell *cells; /* row after row; in the arena */
    size_t n, cap;
};

static void *room(struct kn_cli *cli, size_t n, size_t size)
{
    void *p = kn_arena_array(cli->arena, n, size);

    if (p)
        return p;
    fputs("kinora: no memory\n", stderr);
    exit(KN_EXIT_FAILED);
}

void kn_table_add(struct kn_table *t, enum kn_style style, const char *text)
{
    if (t->n == t->cap) { /* the old array stays in the arena: at most as much again */
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct cell *cells = room(t->cli, cap, sizeof *cells);

        for (size_t i = 0; i < t->n; i++)
            cells[i] = t->cells[i];
        t->cells = cells;
        t->cap = cap;
    }
    t->cells[t->n++] = (struct cell){text, kn_columns(kn_sv_of(text)), style};
}

struct kn_table *kn_table_new(struct kn_cli *cli, const struct kn_column *columns, size_t n)
{
    struct kn_table *t = room(cli, 1, sizeof *t);

    *t = (struct kn_table){.cli = cli, .columns = columns, .n_columns = n};
    for (size_t i = 0; i < n; i++)
        kn_table_add(t, KN_DIM, columns[i].head);
    return t;
}

static void measure(const struct kn_table *t, size_t *widths)
{
    size_t sum = 0;

    for (size_t i = 0; i < t->n; i++) {
        size_t c = i % t->n_columns;

        if (t->cells[i].columns > widths[c])
            widths[c] = t->cells[i].columns;
    }
    for (size_t c = 0; c < t->n_columns; c++)
        sum += widths[c] + (c > 0 ? GAP : 0);
    for (size_t c = t->n_columns; c-- > 0 && t->cli->out.terminal;) {
        size_t over = sum > t->cli->out.width ? sum - t->cli->out.width : 0;
        size_t gives = widths[c] > LEAST ? widths[c] - LEAST : 0;

        if (!t->columns[c].shrinks)
            continue;
        gives = gives < over ? gives : over;
        widths[c] -= gives;
        sum -= gives;
    }
}

static void print_cell(const struct kn_table *t, const struct cell *cell, size_t width, bool right,
                       bool last)
{
    const char *text = kn_shorten(t->cli, cell->text, width);
    size_t columns = kn_columns(kn_sv_of(text));
    int pad = columns < width ? (int)(width - columns) : 0;

    if (right)
        printf("%*s", pad, "");
    kn_put(stdout, &t->cli->out, cell->style, "%s", text);
    if (last)
        putchar('\n');
    else
        printf("%*s", (right ? 0 : pad) + GAP, "");
}

/* The last cell of a row that holds something: nothing is padded behind it. */
static size_t last_of(const struct kn_table *t, const struct cell *row)
{
    size_t last = t->n_columns - 1;

    while (last > 0 && row[last].columns == 0)
        last--;
    return last;
}

void kn_table_print(struct kn_table *t)
{
    size_t *widths = room(t->cli, t->n_columns, sizeof *widths);

    measure(t, widths);
    for (size_t i = 0; i + t->n_columns <= t->n; i += t->n_columns) {
        size_t last = last_of(t, &t->cells[i]);

        for (size_t c = 0; c <= last; c++)
            print_cell(t, &t->cells[i + c], widths[c], t->columns[c].right, c == last);
    }
}
