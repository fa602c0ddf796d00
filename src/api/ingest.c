#include "api/api.h"

#include "base/arena.h"
#include "base/err.h"
#include "ingest/ingest.h"
#include "ingest/rows.h"

#include <stdlib.h>
#include <string.h>

struct relay {
    void (*event)(void *ctx, const struct kinora_event *e);
    void *ctx;
};

static void relay(void *p, const struct kn_ingest_event *e)
{
    static const enum kinora_event_kind kinds[] = {
        [KN_INGEST_SCANNED] = KINORA_SCANNED,     [KN_INGEST_STAGE] = KINORA_STAGE,
        [KN_INGEST_HEARD] = KINORA_HEARD,         [KN_INGEST_FINISHED] = KINORA_FINISHED,
        [KN_INGEST_UNCHANGED] = KINORA_UNCHANGED, [KN_INGEST_POSTER] = KINORA_POSTER,
    };
    const struct relay *r = p;
    const struct kinora_event event = {
        .kind = kinds[e->kind],
        .name = e->name,
        .path = e->path,
        .stage =
            e->kind == KN_INGEST_STAGE || e->kind == KN_INGEST_HEARD ? kn_stage_name(e->stage) : "",
        .reason = e->reason,
        .id = e->id,
        .state = e->state,
        .seconds = e->seconds,
        .duration = e->duration,
        .done = e->done,
        .total = e->total,
        .heard = e->heard,
        .elapsed = e->elapsed,
        .fresh = e->fresh,
        .again = e->again,
        .subtitled = e->subtitled,
        .sound = e->sound,
        .left = e->left,
        .posters = e->posters,
        .films = e->films,
    };

    r->event(r->ctx, &event);
}

static struct kinora_summary summary_of(const struct kn_ingest_summary *s)
{
    return (struct kinora_summary){
        .files = s->files,
        .added = s->added,
        .unchanged = s->unchanged,
        .ready = s->ready,
        .silent = s->silent,
        .failed = s->failed,
        .missing = s->missing,
        .left = s->left,
        .waiting = s->waiting,
        .skipped = s->skipped,
        .still_failed = s->still_failed,
        .sound = s->sound,
        .elapsed = s->elapsed,
    };
}

/* One at a time on a handle: two would take each other's unseen files for gone. */
static int take_writing(struct kinora *k, struct kn_err *err)
{
    if (pthread_mutex_trylock(&k->writing) == 0)
        return KN_OK;
    return kn_err_set(err, KN_EARG, "another ingest or import is under way on this handle");
}

/* What is not there is missed only by who asks for it. */
static void find_for_scorers(struct kinora *k, char **lexicon, char **instruct)
{
    kn_api_model_path(k, "textblob-lexicon", lexicon, NULL);
    kn_api_model_path(k, "SmolLM2-135M-Instruct", instruct, NULL);
}

static int speech_model_path(const struct kinora *k, int beam, char **out, struct kn_err *err)
{
    const char *best = beam > 1 ? KN_API_SPEECH_BEAM : KN_API_SPEECH_GREEDY,
               *other = beam > 1 ? KN_API_SPEECH_GREEDY : KN_API_SPEECH_BEAM;
    int rc;

    if (k->speech_model)
        return kn_api_model_path(k, k->speech_model, out, err);
    rc = kn_api_model_path(k, best, out, err);
    if (rc == KN_ENOTFOUND && kn_api_model_path(k, other, out, NULL) == KN_OK)
        rc = KN_OK;
    return rc;
}

int kinora_ingest(struct kinora *k, const struct kinora_ingest_options *o,
                  void (*event)(void *ctx, const struct kinora_event *e), void *ctx,
                  struct kinora_summary *out, struct kn_err *err)
{
    struct kn_ingest_options options = {
        .roots = o->roots,
        .n_roots = o->n_roots,
        .jobs = o->jobs,
        .threads = o->threads,
        .beam = o->beam,
        .language_hint = o->language_hint,
        .scorer = o->scorer,
        .subtitle_language = o->subtitle_language,
        .max_seconds = o->max_seconds,
        .retry_failed = o->retry_failed,
        .again = o->again,
        .language = o->language,
    };
    struct relay r = {event, ctx};
    struct kn_ingest_summary s = {0};
    char *speech = NULL, *vad = NULL, *embedding = NULL, *lexicon = NULL, *language = NULL,
         *instruct = NULL;
    int rc = speech_model_path(k, o->beam, &speech, err);

    if (rc == KN_OK)
        rc = kn_api_model_path(k, "silero-vad", &vad, err);
    if (rc == KN_OK)
        rc = kn_api_embedding_path(k, k->embedding_model, &embedding, err);
    if (rc == KN_OK)
        rc = kn_api_model_path(k, "lid.176", &language, err);
    if (rc)
        goto out;
    options.speech_model = speech;
    options.vad_model = vad;
    options.embedding_model = embedding;
    find_for_scorers(k, &lexicon, &instruct);
    options.lexicon = lexicon;
    options.instruct_model = instruct;
    options.language_model = language;
    rc = take_writing(k, err);
    if (rc)
        goto out;
    rc = kn_ingest_run(k->lib, &options, event ? relay : NULL, &r, &k->cancel, &s, err);
    if (rc == KN_OK)
        kn_api_keep_index(k);
    pthread_mutex_unlock(&k->writing);
    if (rc == KN_OK || rc == KN_ECANCELLED)
        *out = summary_of(&s);
out:
    free(speech);
    free(vad);
    free(embedding);
    free(language);
    free(lexicon);
    free(instruct);
    return rc;
}

int kinora_import_check(const char *file, struct kn_err *err)
{
    struct kn_arena *arena = kn_arena_new(0);
    struct kn_row *rows;
    size_t n;
    int rc = arena ? kn_rows_read(file, arena, &rows, &n, err) : kn_api_no_memory(err, "import");

    kn_arena_free(arena);
    return rc;
}

int kinora_import(struct kinora *k, const char *file, const struct kinora_ingest_options *o,
                  void (*event)(void *ctx, const struct kinora_event *e), void *ctx,
                  struct kinora_summary *out, struct kn_err *err)
{
    struct kn_ingest_options options = {
        .jobs = o->jobs, .language_hint = o->language_hint, .scorer = o->scorer};
    struct relay r = {event, ctx};
    struct kn_ingest_summary s = {0};
    char *embedding = NULL, *lexicon = NULL, *language = NULL, *instruct = NULL;
    int rc = kn_api_embedding_path(k, k->embedding_model, &embedding, err);

    if (rc == KN_OK)
        rc = kn_api_model_path(k, "lid.176", &language, err);
    if (rc)
        goto out;
    find_for_scorers(k, &lexicon, &instruct);
    options.embedding_model = embedding;
    options.language_model = language;
    options.lexicon = lexicon;
    options.instruct_model = instruct;
    rc = take_writing(k, err);
    if (rc)
        goto out;
    rc = kn_import_run(k->lib, file, &options, event ? relay : NULL, &r, &k->cancel, &s, err);
    if (rc == KN_OK)
        kn_api_keep_index(k);
    pthread_mutex_unlock(&k->writing);
    if (rc == KN_OK || rc == KN_ECANCELLED)
        *out = summary_of(&s);
out:
    free(embedding);
    free(language);
    free(lexicon);
    free(instruct);
    return rc;
}
