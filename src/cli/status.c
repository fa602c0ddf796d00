#include "cli.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/unicode.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 16, GAPS = 4, MAX_LINE = 64 << 10 };

#define EVERY 0.1 /* seconds between two drawings */

static void clear_then_log(void *ctx, enum kn_log_level level, const char *text)
{
    (void)level;
    kn_status_clear(ctx);
    fprintf(stderr, "%s\n", text);
}

void kn_status_begin(struct kn_status *s, struct kn_cli *cli)
{
    *s = (struct kn_status){
        .cli = cli, .enabled = cli->err.terminal && !cli->config.quiet && !cli->config.json};
    if (s->enabled)
        kn_log_set_hook(clear_then_log, s);
}

void kn_status_end(struct kn_status *s)
{
    kn_status_clear(s);
    if (s->enabled)
        kn_log_set_hook(NULL, NULL);
}

void kn_status_clear(struct kn_status *s)
{
    if (s->shown)
        fputs("\r\033[K", stderr);
    s->shown = false;
}

bool kn_status_due(const struct kn_status *s)
{
    return s->enabled && kn_clock_now() - s->drawn >= EVERY;
}

static void add_bar(struct kn_buf *b, double fraction)
{
    int full = fraction > 0 ? (int)(fraction * BAR + 0.5) : 0;

    for (int i = 0; i < BAR; i++)
        kn_buf_adds(b, i < full ? "━" : "─", NULL);
}

/* The terminal's width now: it may have been pulled smaller since the last time. */
static size_t width(const struct kn_status *s)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col - 1u; /* a line that fills the last column would wrap */
    return s->cli->err.width - 1;
}

size_t kn_status_room(const struct kn_status *s)
{
    size_t w = width(s);

    return w > BAR + GAPS ? w - BAR - GAPS : 0;
}

void kn_status_draw(struct kn_status *s, const char *before, double fraction, const char *after)
{
    struct kn_buf b;

    if (!s->enabled)
        return;
    kn_buf_init(&b, MAX_LINE);
    kn_buf_addf(&b, NULL, "%s  ", before);
    add_bar(&b, fraction);
    kn_buf_addf(&b, NULL, "  %s", after);
    b.n = kn_text_fitting(b.data, width(s));
    fprintf(stderr, "\r\033[K%.*s", (int)b.n, b.data);
    fflush(stderr);
    kn_buf_free(&b);
    s->shown = true;
    s->drawn = kn_clock_now();
}
