/* /search */
#include "v1_parts.h"

#include "base/err.h"
#include "base/unicode.h"

#include <math.h>
#include <string.h>

enum { QUESTION = 500 }; /* characters */

const struct kn_param kn_v1_search_query[] = {
    {.name = "q", .max_bytes = 4 * QUESTION, .required = true},
    {.name = "mode", .choices = "meaning|words|both"},
    {.name = "limit", .kind = KN_PARAM_INTEGER, .min = 1, .max = 100},
    {.name = "language"},
    {0}};

static void moment_json(const struct kn_request *r, struct kn_json_writer *w,
                        const struct kinora_found *f)
{
    kn_json_begin_object(w, NULL);
    kn_json_integer(w, "rank", (int64_t)f->rank);
    kn_json_begin_object(w, "title");
    kn_v1_card_json(w, r->arena, &f->title);
    kn_json_end_object(w);
    kn_v1_moment_json(w, f->start, f->end, f->text);
    kn_json_seconds(w, "at", kn_is_timed(f->start, f->end) ? f->at : (double)NAN);
    kn_json_number(w, "opinion", f->opinion);
    kn_json_rounded(w, "similarity", f->similarity, 6);
    kn_v1_place_json(w, "by_meaning", f->by_meaning);
    kn_v1_place_json(w, "by_words", f->by_words);
    kn_json_begin_array(w, "highlights");
    for (size_t i = 0; i < f->n_marks; i++) {
        kn_json_begin_object(w, NULL);
        kn_json_integer(w, "start", (int64_t)f->marks[i].start);
        kn_json_integer(w, "end", (int64_t)f->marks[i].end);
        kn_json_end_object(w);
    }
    kn_json_end_array(w);
    kn_json_end_object(w);
}

/* Dots alone mean nothing, and by meaning some films would still be nearest to them. */
static bool has_words(const char *text)
{
    struct kn_sv rest = kn_sv_of(text), word;

    return kn_next_word(&rest, &word);
}

int kn_v1_search(const struct kn_request *r, struct kn_reply *out, struct kn_err *err)
{
    const char *text = NULL, *mode = kn_request_text(r, "mode", "both");
    struct kinora_search_query q = {
        .limit = (size_t)kn_request_integer(r, "limit", 20),
        .mode = strcmp(mode, "words") == 0     ? KINORA_SEARCH_WORDS
                : strcmp(mode, "meaning") == 0 ? KINORA_SEARCH_MEANING
                                               : KINORA_SEARCH_BOTH,
    };
    struct kinora_found_list *list = NULL;
    struct kn_json_writer *w;
    int rc = kn_v1_text(r, "q", QUESTION, &text, err);

    if (!rc)
        rc = kn_v1_language_of_all(r, &q.language, err);
    if (rc)
        return rc;
    if (has_words(text))
        rc = kinora_search(r->k, text, &q, &list, err);
    if (rc == KN_ENOTFOUND) /* the model: nothing else is looked for by name */
        return kn_reply_problem_code(out, 503, "no_model", "%s", err->msg);
    if (rc == KN_EARG) /* all that could be wrong with the question was looked at */
        return kn_reply_problem(out, 409, "%s", err->msg);
    if (rc)
        return rc;
    w = kn_reply_json(out);
    kn_json_begin_object(w, NULL);
    kn_json_begin_object(w, "query");
    kn_json_string(w, "text", text);
    kn_json_string(w, "mode", mode);
    kn_json_end_object(w);
    kn_json_begin_array(w, "moments");
    for (size_t i = 0; list && i < list->n; i++)
        moment_json(r, w, &list->found[i]);
    kn_json_end_array(w);
    kn_json_end_object(w);
    kinora_found_free(list);
    return KN_OK;
}
