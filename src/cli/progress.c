/* What an ingest tells while it runs: a status line and a line for each finished title on a terminal, plain
 * lines elsewhere, JSON lines with --json; and at the end what failed, and the sums. */
#include "cli.h"

#include "base/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACTIVE = 16,  /* titles under way that are shown */
    GAP = 2,      /* columns between two of them */
    REASONS = 50, /* that are listed at the end; the library knows them all */
    NAMED = 3,    /* titles that are named with a reason that several have */
    MAX_TEXT = 1 << 20,
};

struct active {
    struct kn_id id;
    char *name; /* printable */
    const char *doing;
    double share; /* heard so far, 0..1 */
    bool listening;
};

struct reason { /* why titles cannot be recommended */
    enum kn_state state;
    char *text; /* printable, as the names */
    char *names[NAMED];
    size_t titles;
};

struct kn_progress {
    struct kn_cli *cli;
    const char *thing;
    bool can_retry;
    struct kn_status status;
    struct active active[ACTIVE];
    size_t n_active;
    struct reason reasons[REASONS];
    size_t n_reasons, more_titles; /* the latter for reasons that found no room */
};

/* Printable, to be freed; NULL without memory, which costs a line and not the run. */
static char *printable(const char *s)
{
    struct kn_buf b;

    kn_buf_init(&b, MAX_TEXT);
    kn_printable(kn_sv_of(s), &b, NULL);
    return kn_buf_take(&b);
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

struct kn_progress *kn_progress_new(struct kn_cli *cli, const char *thing)
{
    struct kn_progress *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->cli = cli;
    p->thing = thing;
    p->can_retry = strcmp(thing, "file") == 0; /* a row that says Error says so again */
    kn_status_begin(&p->status, cli);
    return p;
}

void kn_progress_free(struct kn_progress *p)
{
    if (!p)
        return;
    kn_status_end(&p->status);
    for (size_t i = 0; i < p->n_active; i++)
        free(p->active[i].name);
    for (size_t i = 0; i < p->n_reasons; i++) {
        free(p->reasons[i].text);
        for (size_t j = 0; j < NAMED; j++)
            free(p->reasons[i].names[j]);
    }
    free(p);
}

/* ---- which titles are under way ---- */

static struct active *find_active(struct kn_progress *p, const struct kn_id *id)
{
    for (size_t i = 0; i < p->n_active; i++) {
        if (memcmp(&p->active[i].id, id, sizeof *id) == 0)
            return &p->active[i];
    }
    return NULL;
}

static const char *doing(const char *stage)
{
    static const struct {
        const char *stage, *words;
    } names[] = {{"probe", "opening"},
                 {"words", "listening"},
                 {"vectors", "understanding"},
                 {"opinion", "judging"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].stage, stage) == 0)
            return names[i].words;
    }
    return stage;
}

static void enter_stage(struct kn_progress *p, const struct kinora_event *e)
{
    struct active *a = find_active(p, &e->id);

    if (!a && p->n_active < ACTIVE) {
        a = &p->active[p->n_active++];
        *a = (struct active){.id = e->id, .name = printable(e->name)};
    }
    if (!a)
        return;
    a->doing = doing(e->stage);
    a->listening = false;
}

static void leave(struct kn_progress *p, const struct kn_id *id)
{
    struct active *a = find_active(p, id);

    if (!a)
        return;
    free(a->name);
    p->n_active--;
    memmove(a, a + 1, (size_t)(p->active + p->n_active - a) * sizeof *a);
}

/* ---- the terminal ---- */

/* "listening 45 % The Velvet Vault", the name cut to what is left of so many columns. */
static void add_active(struct kn_buf *b, const struct active *a, size_t columns)
{
    const char *name = or_empty(a->name);
    size_t began = kn_columns(kn_sv_of(b->data)), used, n;

    kn_buf_adds(b, a->doing, NULL);
    if (a->listening)
        kn_buf_addf(b, NULL, " %.0f %%", 100 * a->share);
    used = kn_columns(kn_sv_of(b->data)) - began + 1;
    n = kn_text_fitting(name, columns > used + 1 ? columns - used - 1 : 0);
    kn_buf_addf(b, NULL, " %.*s%s", (int)n, name, name[n] ? "…" : "");
}

static void draw(struct kn_progress *p, const struct kinora_event *e)
{
    struct kn_buf before, after;
    size_t columns = kn_status_room(&p->status), used;
    double done = (double)e->done, share = 0;

    kn_buf_init(&before, MAX_TEXT);
    kn_buf_init(&after, MAX_TEXT);
    if (e->kind == KINORA_POSTER)
        kn_buf_addf(&before, NULL, "%zu/%zu posters", e->posters, e->films);
    else
        kn_buf_addf(&before, NULL, "%zu/%zu", e->done, e->total);
    if (e->elapsed > 1 && e->heard > 0)
        kn_buf_addf(&after, NULL, "%.1fx  ", e->heard / e->elapsed);
    if (isfinite(e->left) && e->left >= 0)
        kn_buf_addf(&after, NULL, "%02.0f:%02.0f left  ", floor(e->left / 60),
                    floor(fmod(e->left, 60)));
    used = kn_columns(kn_sv_of(before.data)) + kn_columns(kn_sv_of(after.data));
    columns = columns > used + GAP * ACTIVE ? columns - used : GAP * ACTIVE;
    for (size_t i = 0; i < p->n_active; i++) {
        kn_buf_adds(&after, i ? "  " : "", NULL);
        add_active(&after, &p->active[i], columns / p->n_active - GAP);
        done += p->active[i].share;
    }
    if (e->kind == KINORA_POSTER)
        share = (double)e->posters / (double)e->films;
    else if (e->total > 0)
        share = done / (double)e->total;
    kn_status_draw(&p->status, before.data, share, after.data);
    kn_buf_free(&before);
    kn_buf_free(&after);
}

struct about {
    char text[32];
};

/* Estimates, so in one unit: "3 hours". */
static struct about about(double seconds)
{
    double n = seconds >= 5400 ? seconds / 3600 : seconds >= 90 ? seconds / 60 : seconds;
    const char *unit = seconds >= 5400 ? "hours" : seconds >= 90 ? "minutes" : "seconds";
    struct about a;

    snprintf(a.text, sizeof a.text, "%.0f %s", fmax(n, 1), unit);
    return a;
}

static void finished_line(struct kn_progress *p, const struct kinora_event *e)
{
    static const struct {
        const char *mark;
        enum kn_style style;
    } marks[] = {[KN_STATE_PENDING] = {"·", KN_DIM},
                 [KN_STATE_READY] = {"✓", KN_GOOD},
                 [KN_STATE_FAILED] = {"✗", KN_BAD},
                 [KN_STATE_SILENT] = {"–", KN_WARN},
                 [KN_STATE_MISSING] = {"✗", KN_BAD}};
    const struct kn_screen *screen = &p->cli->err;
    char *name = printable(e->name), *reason = printable(e->reason);

    kn_status_clear(&p->status);
    if (screen->terminal)
        kn_put(stderr, screen, marks[e->state].style, "%s ", marks[e->state].mark);
    else
        fprintf(stderr, "%zu/%zu %s: ", e->done, e->total, kinora_state_name(e->state));
    fputs(or_empty(name), stderr);
    if (e->duration > 0 && e->state == KN_STATE_READY)
        kn_put(stderr, screen, KN_DIM, "  %02.0f:%02.0f", floor(e->duration / 60),
               floor(fmod(e->duration, 60)));
    if (reason && *reason)
        fprintf(stderr, ": %s", reason);
    putc('\n', stderr);
    free(name);
    free(reason);
}

/* "1204 files to look at: 900 new, 41 with subtitles; some 1300 hours to hear, in about 52 hours here" */
static void plan_line(const struct kn_progress *p, const struct kinora_event *e)
{
    fprintf(stderr, "%zu %s%s to look at", e->total, p->thing, e->total == 1 ? "" : "s");
    if (e->again > 0)
        fprintf(stderr, ": %zu to try again", e->again);
    if (e->fresh > 0)
        fprintf(stderr, "%s %zu new", e->again > 0 ? "," : ":", e->fresh);
    if (e->again + e->fresh > 0)
        fprintf(stderr, ", %zu with subtitles", e->subtitled);
    if (e->sound > 0)
        fprintf(stderr, "; some %s to hear", about(e->sound).text);
    if (e->sound > 0 && isfinite(e->left))
        fprintf(stderr, ", in about %s here", about(e->left).text);
    putc('\n', stderr);
}

/* Its place among the reasons, made where there is none yet; NULL where that found no room. */
static struct reason *reason_of(struct kn_progress *p, enum kn_state state, const char *text)
{
    char *shown = printable(text);

    for (size_t i = 0; i < p->n_reasons; i++) {
        struct reason *r = &p->reasons[i];

        if (r->state == state && strcmp(or_empty(r->text), or_empty(shown)) == 0) {
            free(shown);
            return r;
        }
    }
    if (p->n_reasons == REASONS) {
        free(shown);
        return NULL;
    }
    p->reasons[p->n_reasons] = (struct reason){.state = state, .text = shown};
    return &p->reasons[p->n_reasons++];
}

static void remember_reason(struct kn_progress *p, const struct kinora_event *e)
{
    struct reason *r;

    if (e->state != KN_STATE_FAILED && e->state != KN_STATE_SILENT)
        return;
    r = reason_of(p, e->state, e->reason);
    if (!r) {
        p->more_titles++;
        return;
    }
    if (r->titles < NAMED)
        r->names[r->titles] = printable(e->name);
    r->titles++;
}

/* ---- JSON ---- */

static void event_json(const struct kinora_event *e)
{
    static const char *const kinds[] = {
        [KINORA_SCANNED] = "scanned",     [KINORA_STAGE] = "stage",
        [KINORA_HEARD] = "heard",         [KINORA_FINISHED] = "finished",
        [KINORA_UNCHANGED] = "unchanged", [KINORA_POSTER] = "poster"};
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_string(&d.w, "event", kinds[e->kind]);
    if (e->kind != KINORA_SCANNED) {
        kn_json_name(&d.w, &(struct kn_title){.id = e->id, .name = e->name});
        kn_json_known(&d.w, "path", e->path);
        kn_json_known(&d.w, "stage", e->stage);
    }
    if (e->kind == KINORA_FINISHED || e->kind == KINORA_UNCHANGED) {
        kn_json_string(&d.w, "state", kinora_state_name(e->state));
        kn_json_known(&d.w, "reason", e->reason);
    }
    if (e->kind == KINORA_HEARD) {
        kn_json_seconds(&d.w, "seconds", e->seconds);
        kn_json_seconds(&d.w, "duration", e->duration);
    }
    if (e->kind == KINORA_SCANNED) {
        kn_json_integer(&d.w, "new", (int64_t)e->fresh);
        kn_json_integer(&d.w, "again", (int64_t)e->again);
        kn_json_integer(&d.w, "with_subtitles", (int64_t)e->subtitled);
        kn_json_seconds(&d.w, "sound", e->sound);
    }
    if (e->kind == KINORA_POSTER) {
        kn_json_integer(&d.w, "posters", (int64_t)e->posters);
        kn_json_integer(&d.w, "films", (int64_t)e->films);
    }
    kn_json_integer(&d.w, "done", (int64_t)e->done);
    kn_json_integer(&d.w, "total", (int64_t)e->total);
    kn_json_seconds(&d.w, "heard", e->heard);
    kn_json_seconds(&d.w, "elapsed", e->elapsed);
    kn_json_seconds(&d.w, "left", e->left);
    kn_document_end(&d);
    fflush(stdout);
}

void kn_progress_event(void *progress, const struct kinora_event *e)
{
    struct kn_progress *p = progress;

    if (p->cli->config.json) {
        event_json(e);
        return;
    }
    if (e->kind == KINORA_STAGE) {
        enter_stage(p, e);
    } else if (e->kind == KINORA_HEARD) {
        struct active *a = find_active(p, &e->id);

        if (a && e->duration > 0) {
            a->share = fmin(1, e->seconds / e->duration);
            a->listening = true;
        }
    } else if (e->kind == KINORA_FINISHED) {
        leave(p, &e->id);
        remember_reason(p, e);
        if (!p->cli->config.quiet)
            finished_line(p, e);
    } else if (e->kind == KINORA_SCANNED && !p->cli->config.quiet) {
        plan_line(p, e);
    }
    if (kn_status_due(&p->status) || (e->kind == KINORA_FINISHED && e->done < e->total))
        draw(p, e);
}

/* ---- the end ---- */

static void summary_json(const struct kinora_summary *s, bool cancelled)
{
    struct kn_document d;

    kn_document_begin(&d);
    kn_json_begin_object(&d.w, "summary");
    kn_json_integer(&d.w, "files", (int64_t)s->files);
    kn_json_integer(&d.w, "added", (int64_t)s->added);
    kn_json_integer(&d.w, "unchanged", (int64_t)s->unchanged);
    kn_json_integer(&d.w, "still_failed", (int64_t)s->still_failed);
    kn_json_integer(&d.w, "ready", (int64_t)s->ready);
    kn_json_integer(&d.w, "silent", (int64_t)s->silent);
    kn_json_integer(&d.w, "failed", (int64_t)s->failed);
    kn_json_integer(&d.w, "missing", (int64_t)s->missing);
    kn_json_integer(&d.w, "left", (int64_t)s->left);
    kn_json_integer(&d.w, "waiting", (int64_t)s->waiting);
    kn_json_integer(&d.w, "skipped", (int64_t)s->skipped);
    kn_json_seconds(&d.w, "sound", s->sound);
    kn_json_seconds(&d.w, "elapsed", s->elapsed);
    kn_json_bool(&d.w, "cancelled", cancelled);
    kn_json_end_object(&d.w);
    kn_document_end(&d);
}

static int by_titles(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;

    return (x->titles < y->titles) - (x->titles > y->titles);
}

/* "a: why", or "a, b, c and 9 more: why". What concerns most titles comes first. */
static void list_reasons(struct kn_progress *p)
{
    if (p->n_reasons == 0)
        return;
    qsort(p->reasons, p->n_reasons, sizeof *p->reasons, by_titles);
    puts("\nThese cannot be recommended:");
    for (size_t i = 0; i < p->n_reasons; i++) {
        const struct reason *r = &p->reasons[i];

        fputs("  ", stdout);
        kn_put(stdout, &p->cli->out, r->state == KN_STATE_FAILED ? KN_BAD : KN_WARN, "%s",
               kinora_state_name(r->state));
        printf("  %s", or_empty(r->names[0]));
        for (size_t j = 1; j < NAMED && j < r->titles; j++)
            printf("%s%s", r->titles == j + 1 ? " and " : ", ", or_empty(r->names[j]));
        if (r->titles > NAMED)
            printf(" and %zu more", r->titles - NAMED);
        printf(": %s\n", or_empty(r->text));
    }
    if (p->more_titles > 0)
        printf("  and %zu more titles: kinora list --state failed\n", p->more_titles);
}

static void count(size_t n, const char *what)
{
    if (n > 0)
        printf(", %zu %s", n, what);
}

void kn_progress_summary(struct kn_progress *p, const struct kinora_summary *s, bool cancelled)
{
    struct kn_cli *cli = p->cli;

    kn_status_end(&p->status);
    if (cli->config.json) {
        summary_json(s, cancelled);
        return;
    }
    list_reasons(p);
    printf("%s%zu %s%s", p->n_reasons > 0 ? "\n" : "", s->files, p->thing,
           s->files == 1 ? "" : "s");
    count(s->ready, "ready");
    count(s->silent, "silent");
    count(s->failed, "failed");
    count(s->unchanged, "unchanged");
    if (s->still_failed > 0)
        printf(" (%zu of them failed before%s)", s->still_failed,
               p->can_retry ? ": --retry failed" : "");
    count(s->left,
          cancelled ? "left for the next run" : "left for the next run, as the time was over");
    count(s->missing, "gone");
    count(s->waiting, "still being written");
    count(s->skipped, "other files passed over");
    if (s->sound > 0 && s->elapsed > 0)
        printf("; %s of sound in %s, %.1f times as fast as it plays", kn_time_text(cli, s->sound),
               kn_time_text(cli, s->elapsed), s->sound / s->elapsed);
    printf(".%s\n", cancelled ? " Stopped: run the same command to go on." : "");
}
