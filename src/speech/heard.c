#include "speech/heard.h"

#include "base/buf.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = "KNHEARD1";

struct head {
    char magic[8];
    int64_t language;
    double confidence;
};

struct window { /* and behind it its lines */
    uint64_t start, end, bytes, n;
};

struct line { /* and behind it its text, with a NUL */
    int64_t start, end;
    uint64_t bytes;
};

int kn_raw_lines_copy(const struct kn_raw_line *line, size_t n, struct kn_raw_lines *out,
                      struct kn_err *err)
{
    size_t bytes = n * sizeof *line + 1;
    struct kn_raw_line *copy;
    char *text;

    for (size_t i = 0; i < n; i++)
        bytes += strlen(line[i].text) + 1;
    copy = malloc(bytes);
    if (!copy)
        return kn_err_memory(err, "speech: no memory for %zu lines", n);
    text = (char *)(copy + n);
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(line[i].text) + 1;

        copy[i] = (struct kn_raw_line){line[i].start, line[i].end, text};
        memcpy(text, line[i].text, length);
        text += length;
    }
    *out = (struct kn_raw_lines){copy, n};
    return KN_OK;
}

bool kn_heard_language(const struct kn_buf *heard, int *language, double *confidence)
{
    struct head head;

    if (heard->n < sizeof head)
        return false;
    memcpy(&head, heard->data, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0)
        return false;
    *language = (int)head.language;
    *confidence = head.confidence;
    return true;
}

int kn_heard_begin(struct kn_buf *heard, int language, double confidence, struct kn_err *err)
{
    struct head head = {.language = language, .confidence = confidence};

    memcpy(head.magic, magic, sizeof magic);
    kn_buf_clear(heard);
    return kn_buf_add(heard, &head, sizeof head, err);
}

int kn_heard_add(struct kn_buf *heard, uint64_t start, uint64_t end,
                 const struct kn_raw_lines *lines, struct kn_err *err)
{
    struct window w = {start, end, 0, lines->n};
    int rc;

    for (size_t i = 0; i < lines->n; i++)
        w.bytes += sizeof(struct line) + strlen(lines->line[i].text) + 1;
    rc = kn_buf_add(heard, &w, sizeof w, err);
    for (size_t i = 0; i < lines->n && !rc; i++) {
        const struct kn_raw_line *l = &lines->line[i];
        struct line head = {l->start, l->end, strlen(l->text) + 1};

        rc = kn_buf_add(heard, &head, sizeof head, err);
        if (!rc)
            rc = kn_buf_add(heard, l->text, head.bytes, err);
    }
    return rc;
}

/* False: they are not such lines. */
static bool read_lines(const char *p, const struct window *w, struct kn_raw_line *out)
{
    size_t left = w->bytes;

    for (size_t i = 0; i < w->n; i++) {
        struct line head;

        if (left < sizeof head)
            return false;
        memcpy(&head, p, sizeof head);
        p += sizeof head;
        left -= sizeof head;
        if (head.bytes == 0 || head.bytes > left || p[head.bytes - 1] != '\0')
            return false;
        out[i] = (struct kn_raw_line){head.start, head.end, p};
        p += head.bytes;
        left -= head.bytes;
    }
    return left == 0;
}

int kn_heard_find(const struct kn_buf *heard, uint64_t start, uint64_t end, bool *found,
                  struct kn_raw_lines *out, struct kn_err *err)
{
    struct window w;
    int rc = KN_OK;

    *found = false;
    for (size_t at = sizeof(struct head); at + sizeof w <= heard->n; at += w.bytes) {
        struct kn_raw_line *lines;

        memcpy(&w, heard->data + at, sizeof w);
        at += sizeof w;
        if (w.bytes > heard->n - at || w.n > w.bytes / sizeof(struct line))
            return KN_OK;
        if (w.start != start || w.end != end)
            continue;
        lines = malloc((w.n + 1) * sizeof *lines);
        if (!lines)
            return kn_err_memory(err, "speech: no memory for what was heard");
        *found = read_lines(heard->data + at, &w, lines);
        if (*found)
            rc = kn_raw_lines_copy(lines, w.n, out, err);
        free(lines);
        return rc;
    }
    return KN_OK;
}
