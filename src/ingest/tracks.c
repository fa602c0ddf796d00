#include "ingest/tracks.h"

#include "base/arena.h"
#include "base/err.h"
#include "decode/media.h"
#include "net/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"video", "audio", "subtitle", "other"};

int kn_tracks_write(const struct kn_media_info *info, struct kn_buf *out, struct kn_err *err)
{
    struct kn_json_writer w = {.out = out};

    kn_json_begin_array(&w, NULL);
    for (size_t i = 0; i < info->n_streams; i++) {
        const struct kn_stream *s = &info->streams[i];

        kn_json_begin_object(&w, NULL);
        kn_json_string(&w, "kind", kinds[s->kind]);
        kn_json_string(&w, "codec", s->codec);
        kn_json_string(&w, "language", s->language);
        kn_json_string(&w, "title", s->title);
        kn_json_bool(&w, "heard", (int)i == info->audio);
        kn_json_bool(&w, "default", s->is_default);
        kn_json_bool(&w, "forced", s->is_forced);
        kn_json_bool(&w, "impaired", s->is_impaired);
        kn_json_bool(&w, "commentary", s->is_commentary);
        kn_json_integer(&w, "channels", s->channels);
        kn_json_end_object(&w);
    }
    kn_json_end_array(&w);
    return kn_buf_ok(out, err);
}

static bool is_one_of(const char *codec, const char *const *list)
{
    while (*list && strcmp(*list, codec) != 0)
        list++;
    return *list != NULL;
}

static enum kn_track_form form_of(const char *codec)
{
    static const char *const texts[] = {
        "subrip",  "srt",          "ass",       "ssa",        "webvtt",  "mov_text",     "text",
        "eia_608", "dvb_teletext", "jacosub",   "microdvd",   "mpl2",    "pjs",          "realtext",
        "sami",    "stl",          "subviewer", "subviewer1", "vplayer", "arib_caption", NULL};
    static const char *const pictures[] = {"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle",
                                           "xsub", NULL};

    return is_one_of(codec, texts)      ? KN_TRACK_TEXT
           : is_one_of(codec, pictures) ? KN_TRACK_PICTURES
                                        : KN_TRACK_OTHER;
}

static bool has(const char *title, const char *word)
{
    return strcasestr(title, word) != NULL;
}

static bool read_track(const struct kn_json *s, size_t stream, struct kn_arena *arena,
                       struct kn_track *out)
{
    struct kn_track t = {
        .stream = stream,
        .kind = kn_arena_text(arena, kn_json_text_or(kn_json_get(s, "kind"), "")),
        .codec = kn_arena_text(arena, kn_json_text_or(kn_json_get(s, "codec"), "")),
        .language = kn_arena_text(arena, kn_json_text_or(kn_json_get(s, "language"), "")),
        .title = kn_arena_text(arena, kn_json_text_or(kn_json_get(s, "title"), "")),
        .heard = kn_json_bool_or(kn_json_get(s, "heard"), false),
        .is_default = kn_json_bool_or(kn_json_get(s, "default"), false),
        .forced = kn_json_bool_or(kn_json_get(s, "forced"), false),
        .impaired = kn_json_bool_or(kn_json_get(s, "impaired"), false),
        .commentary = kn_json_bool_or(kn_json_get(s, "commentary"), false),
        .channels = (uint32_t)kn_json_number_or(kn_json_get(s, "channels"), 0),
    };

    if (!t.kind || !t.codec || !t.language || !t.title)
        return false;
    if (strcmp(t.kind, "subtitle") == 0) {
        t.form = form_of(t.codec);
        t.forced |= has(t.title, "forced");
        t.impaired |= has(t.title, "sdh") || has(t.title, "hearing");
        t.partial = t.forced || t.commentary || has(t.title, "signs") || has(t.title, "songs");
    }
    kn_tag_parse(kn_sv_of(t.language), t.tag);
    *out = t;
    return true;
}

int kn_tracks_read(const char *text, struct kn_arena *arena, struct kn_track **out, size_t *n_out,
                   struct kn_err *err)
{
    struct kn_json *json;
    struct kn_track *tracks;
    size_t n, i = 0;
    int rc;

    if (!*text) {
        *out = NULL;
        *n_out = 0;
        return KN_OK;
    }
    rc = kn_json_parse(kn_sv_of(text), "streams", &json, err);
    if (rc)
        return rc;
    n = kn_json_length(json);
    tracks = kn_arena_array(arena, n + 1, sizeof *tracks);
    while (tracks && i < n && read_track(kn_json_at(json, i), i, arena, &tracks[i]))
        i++;
    kn_json_free(json);
    if (!tracks || i < n)
        return kn_err_memory(err, "tracks: no memory for %zu", n);
    *out = tracks;
    *n_out = n;
    return KN_OK;
}

static int by_preference(const void *a, const void *b)
{
    const struct kn_track *x = a, *y = b;

    if (x->partial != y->partial)
        return x->partial ? 1 : -1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->is_default != y->is_default)
        return x->is_default ? -1 : 1;
    if (x->impaired != y->impaired)
        return x->impaired ? 1 : -1;
    return x->stream < y->stream ? -1 : 1;
}

size_t kn_tracks_choose(struct kn_track *tracks, size_t n, const char *const *wanted,
                        size_t n_wanted, bool only_wanted)
{
    size_t chosen = 0;

    for (size_t i = 0; i < n; i++) {
        struct kn_track t = tracks[i];

        t.rank = kn_tag_rank(t.tag, wanted, n_wanted);
        if (t.form != KN_TRACK_TEXT || (only_wanted && t.rank > 2 * n_wanted))
            continue;
        tracks[i] = tracks[chosen];
        tracks[chosen++] = t;
    }
    if (chosen > 1)
        qsort(tracks, chosen, sizeof *tracks, by_preference);
    return chosen;
}
