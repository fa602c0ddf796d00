/* make-library DIR: a small library of invented titles, the same bytes of content each time, for the golden
 * tests of the command line. Vectors have 4 numbers, set by hand so that one sees who is like whom:
 * the first axis is space, the second courts, the third the sea, the fourth nothing. */
#include "base/err.h"
#include "library/library.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DIM = 4 };

struct film {
    const char *name, *language, *reason;
    enum kn_state state;
    double duration, opinion;
    float vector[DIM]; /* made unit length below */
    const char *texts[2];
    const char *path;
};

static const struct film films[] = {
    {"Nine Lamps of Orion",
     "en",
     "",
     KN_STATE_READY,
     48.2,
     0.31,
     {9, 1, 0, 1},
     {"A fleet of lamps crosses the dark between two suns, and nobody on board remembers why it "
      "left. They count the days in songs, and the songs in children, and the children in stars "
      "that "
      "were not on any map when the first of them was lit and the last of the harbours closed.",
      "When the last engine falls silent they learn to sing to each other from ship to ship."},
     "/films/Nine Lamps of Orion.mp4"},
    {"The Quiet Fleet",
     "en",
     "",
     KN_STATE_READY,
     51,
     0.22,
     {8, 0, 2, 1},
     {"Forty ships without a captain drift towards a star that should not be there.",
      "Someone is still sending letters home."},
     "/films/The Quiet Fleet.mp4"},
    {"Orbit of Thieves",
     "en",
     "",
     KN_STATE_READY,
     39.6,
     -0.45,
     {7, 3, 0, 2},
     {"They stole a moon. Now the moon wants them back.", "Trust nobody above the clouds."},
     "/films/Orbit of Thieves.mp4"},
    {"Twelve Chairs, One Oath",
     "en",
     "",
     KN_STATE_READY,
     3725,
     -0.1,
     {1, 9, 0, 1},
     {"Twelve strangers must agree on what one frightened man saw through a window.",
      "The truth is the first thing to be sworn in, and the last to be heard."},
     "/films/Twelve Chairs, One Oath.mp4"},
    {"La flota de papel",
     "es",
     "",
     KN_STATE_READY,
     44,
     0.4,
     {8, 0, 1, 2},
     {"Una niña dobla barcos de papel y los lanza hacia las estrellas.",
      "Una noche, uno de ellos responde."},
     "/films/La flota de papel.mp4"},
    {"Under the Long Tide",
     "",
     "",
     KN_STATE_READY,
     60,
     NAN,
     {2, 0, 9, 1},
     {"The sea gives back what it took, one house at a time.",
      "Every evening the bell rings under the water."},
     "/films/Under the Long Tide.mp4"},
    {"映画 \xF0\x9F\x8E\xAC \"quoted\"\nname",
     "ja",
     "",
     KN_STATE_PENDING,
     0,
     NAN,
     {0},
     {0},
     "/films/\xEF\x9F\xA9.mp4"}, /* the byte 0xE9, escaped */
    {"Broken Reel",
     "",
     "decode 'Broken Reel.mp4': no video or sound in it; is it whole?",
     KN_STATE_FAILED,
     0,
     NAN,
     {0},
     {0},
     "/films/Broken Reel.mp4"},
    {"Snow Without Words",
     "",
     "nobody speaks in it",
     KN_STATE_SILENT,
     30,
     NAN,
     {0},
     {0},
     "/films/Snow Without Words.mp4"},
    {"Orbit of Thieves 4K", /* says what another one says */
     "en",
     "",
     KN_STATE_READY,
     39.6,
     -0.45,
     {7, 3, 0, 2},
     {"They stole a moon. Now the moon wants them back.", "Trust nobody above the clouds."},
     "/films/Orbit of Thieves 4K.mp4"},
};

enum { FILMS = sizeof films / sizeof *films };

struct space { /* what a record points into */
    struct kn_segment segments[2];
    struct kn_moment moments[2];
    float vectors[3][DIM];
    const char *paths[1];
};

/* Turned a little towards one axis, so that the two moments of a film differ. */
static void unit(const float *from, int axis, float *to)
{
    double sum = 0;

    for (int i = 0; i < DIM; i++) {
        to[i] = from[i] + (i == axis ? 1.5F : 0);
        sum += (double)to[i] * (double)to[i];
    }
    for (int i = 0; i < DIM; i++)
        to[i] = (float)((double)to[i] / sqrt(sum));
}

static void fill_words(const struct film *f, struct space *s, struct kn_record *r)
{
    for (size_t i = 0; i < 2; i++) {
        double start = f->duration / 2 * (double)i, end = start + f->duration / 2 - 1;

        unit(f->vector, (int)i + 2, s->vectors[i]);
        s->segments[i] = (struct kn_segment){start, end, f->texts[i]};
        s->moments[i] = (struct kn_moment){.start = start,
                                           .end = end,
                                           .text = f->texts[i],
                                           .first_segment = (uint32_t)i,
                                           .segments = 1,
                                           .words = 12,
                                           .opinion = f->opinion + (i ? 0.1 : -0.1),
                                           .raw = s->vectors[i],
                                           .vector = s->vectors[i]};
    }
    unit(f->vector, -1, s->vectors[2]);
    r->vector = s->vectors[2];
    r->segments = s->segments;
    r->moments = s->moments;
    r->n_segments = r->n_moments = 2;
}

static const struct kn_dropped dropped[] = {
    {0, 4, "[Music]", "a sound, not words"},
    {3720, 3724, "Thanks for watching!",
     "a phrase that is invented over music, and hardly anybody speaks there"},
};

static void fill(const struct film *f, unsigned char number, struct space *s, struct kn_record *r)
{
    s->paths[0] = f->path;
    *r = (struct kn_record){.title = {.id = {{0xA0, number}},
                                      .name = f->name,
                                      .state = f->state,
                                      .reason = f->reason,
                                      .language = f->language,
                                      .language_confidence = *f->language ? 0.98 : 0,
                                      .language_set = number == 4,
                                      .words_from = f->texts[0] ? "speech" : "",
                                      .duration = f->duration,
                                      .opinion = f->opinion,
                                      .scorer = f->state == KN_STATE_READY ? "probe" : "",
                                      .scorer_version = f->state == KN_STATE_READY ? 2 : 0,
                                      .year = number == 3 ? 1957 : 0,
                                      .genres = number == 3 ? "Drama, Crime" : "",
                                      .paths = s->paths,
                                      .n_paths = 1}};
    r->title.id.b[6] = 0x50; /* version and variant of a UUIDv5 */
    r->title.id.b[8] = 0x80;
    if (f->state == KN_STATE_READY)
        fill_words(f, s, r);
    if (number == 3) {
        r->dropped = dropped;
        r->n_dropped = sizeof dropped / sizeof *dropped;
    }
}

int main(int argc, char **argv)
{
    static struct space space[FILMS];
    struct kn_record records[FILMS];
    struct kn_library *lib = NULL;
    struct kn_err err;
    int rc;

    if (argc != 2) {
        fputs("make-library DIR\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < FILMS; i++)
        fill(&films[i], (unsigned char)i, &space[i], &records[i]);
    rc = kn_library_open_local(argv[1], &(struct kn_library_options){.write = true, .create = true},
                               &lib, &err);
    if (!rc)
        rc = kn_library_set_model(lib, "by-hand", DIM, &err);
    if (!rc)
        rc = kn_library_put(lib, records, FILMS, &err);
    kn_library_close(lib);
    if (rc)
        fprintf(stderr, "make-library: %s\n", err.msg);
    return rc ? 1 : 0;
}
