/* cues.h - what the readers of subtitle formats share. Internal to src/text/.
 *
 *   subtitle.c  encoding, format, order, cues -> segments
 *   srt.c       SubRip and WebVTT     ass.c  Sub Station Alpha     -> cues
 *   markup.c    a line as written -> as read
 *   spoken.c    as read -> as said */
#ifndef KN_TEXT_CUES_H
#define KN_TEXT_CUES_H

#include "text/subtitle.h"

enum { KN_CUE_LINES = 32, KN_CUE_TEXT = 8 << 10, KN_CUE_SECONDS = 60 };

struct kn_cue {
    double start, end;
    const char *text; /* as read; its lines are parted by \n */
    size_t order;     /* in the file */
};

struct kn_cues {
    struct kn_cue *at; /* malloc */
    size_t n, cap;
    struct kn_arena *arena;
    struct kn_buf text; /* of the cue under way */
    size_t seen;        /* cues with good times, those without text too */
    size_t skipped, skipped_line;
};

/* A line, without its end; \n, \r\n and \r all end one. */
struct kn_lines {
    struct kn_sv rest;
    size_t number; /* of the line that was taken last, from 1 */
};
bool kn_lines_next(struct kn_lines *l, struct kn_sv *line);

/* "1:02:03,456" and what programs make of it: 2 to 4 fields parted by colons, with spaces around them; a point or comma and
 * any number of digits. Moves *s behind it. A negative time is 0. False: no time, *s as it was. */
bool kn_cue_time(struct kn_sv *s, double *seconds);

/* The text of the cue under way grows by what raw shows. */
enum kn_markup { KN_MARKUP_TAGS, KN_MARKUP_ASS };
int kn_markup_read(struct kn_sv raw, enum kn_markup kind, struct kn_buf *text, struct kn_err *err);

/* Ends the cue under way and keeps it if it has text. line: for the message. KN_ELIMIT. */
int kn_cues_end(struct kn_cues *c, double start, double end, size_t line, struct kn_err *err);
void kn_cues_skip(struct kn_cues *c, size_t line);

int kn_srt_read(struct kn_sv text, bool vtt, struct kn_cues *c, struct kn_err *err);
int kn_ass_read(struct kn_sv text, struct kn_cues *c, struct kn_err *err);

#endif
