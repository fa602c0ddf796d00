#include "library/qdrant_impl.h"

#include <stdlib.h>
#include <string.h>

static void write_lower(struct kn_json_writer *w, const char *text)
{
    char *lower = strdup(text);

    if (!lower) {
        w->out->failed = w->out->no_memory = true;
        return;
    }
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 'a' - 'A');
    kn_json_string(w, NULL, lower);
    free(lower);
}

static void write_range(struct kn_json_writer *w, const char *field, double from, double to)
{
    kn_json_begin_object(w, NULL);
    kn_json_string(w, "key", field);
    kn_json_begin_object(w, "range");
    if (from > 0)
        kn_json_number(w, "gte", from);
    if (to > 0)
        kn_json_number(w, "lte", to);
    kn_json_end_object(w);
    kn_json_end_object(w);
}

static void write_lists(struct kn_json_writer *w, const struct kn_filter *f)
{
    if (f->n_languages > 0) {
        kn_qd_begin_any(w, "languages");
        for (size_t i = 0; i < f->n_languages; i++)
            write_lower(w, f->languages[i]);
        if (f->or_unknown)
            kn_json_string(w, NULL, "");
        kn_qd_end_any(w);
    }
    if (f->n_genres > 0) {
        kn_qd_begin_any(w, "genre");
        for (size_t i = 0; i < f->n_genres; i++)
            write_lower(w, f->genres[i]);
        kn_qd_end_any(w);
    }
}

static void write_excluded(struct kn_json_writer *w, const struct kn_filter *f, bool moments)
{
    kn_json_begin_array(w, "must_not");
    if (moments) {
        kn_qd_begin_any(w, "title");
    } else {
        kn_json_begin_object(w, NULL);
        kn_json_begin_array(w, "has_id");
    }
    for (size_t i = 0; i < f->n_exclude; i++)
        kn_qd_write_id(w, NULL, &f->exclude[i]);
    if (moments) {
        kn_qd_end_any(w);
    } else {
        kn_json_end_array(w);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
}

void kn_qd_write_filter(struct kn_json_writer *w, const char *key, const struct kn_filter *f,
                        bool moments)
{
    kn_json_begin_object(w, key);
    kn_json_begin_array(w, "must");
    kn_qd_begin_any(w, "state");
    kn_json_string(w, NULL, kn_qd_state_name(KN_STATE_READY));
    kn_qd_end_any(w);
    if (f) {
        write_lists(w, f);
        if (f->year_from || f->year_to)
            write_range(w, "year", f->year_from, f->year_to);
        if (f->duration_from > 0 || f->duration_to > 0)
            write_range(w, "length", f->duration_from, f->duration_to);
    }
    kn_json_end_array(w);
    if (f && f->n_exclude > 0)
        write_excluded(w, f, moments);
    kn_json_end_object(w);
}
