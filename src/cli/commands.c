/* The table of commands: what is parsed, helped and printed in the manual. */
#include "cli.h"

#include <string.h>

static const struct kn_command commands[] = {
    {.name = "ingest",
     .bit = KN_FOR_INGEST,
     .args = "DIR...",
     .run = kn_cmd_ingest,
     .summary = "Listen to the films in folders and remember what is said",
     .text =
         {"Looks through each DIR and the folders below it for films, listens to what is new or "
          "changed, "
          "and keeps transcript, language, meaning and opinion of each in the library, which is "
          "made "
          "where there is none.",
          "A subtitle file beside a film is read instead of listening: Film.srt, Film.en.srt, "
          "Film.es.forced.vtt, Film.en.sdh.ass. One that is added, edited or removed later counts "
          "in the next run.",
          "A film that cannot be read is kept with the reason; the run goes on. Ctrl-C ends after "
          "the "
          "step under way, twice at once; either way nothing that was finished is lost, and the "
          "same "
          "command goes on where it was.",
          "With --again or --retry, no DIR means the places where those titles were found before."},
     .examples = {{"kinora ingest ~/Films", "everything below one folder"},
                  {"kinora ingest --retry failed", "once more what could not be read"},
                  {"kinora ingest --again \"The Velvet Vault\"", "listen to one film anew"},
                  {"kinora ingest --again \"Pan de domingo\" --language es",
                   "and as Spanish, from now on"}}},
    {.name = "import",
     .bit = KN_FOR_IMPORT,
     .args = "FILE",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_import,
     .summary = "Take in texts from a file in place of films",
     .text = {"FILE is NAME.csv with the columns Video File and Transcript in its first line, as "
              "RFC 4180 has it; or NAME.jsonl, a JSON object a line with title, text and, where "
              "known, language, "
              "year and genres. Each row becomes a title without a film, which is recommended and "
              "searched like any other; its moments have no times.",
              "A transcript that begins with Error makes a failed title of that reason. A file in "
              "which "
              "something is wrong is refused whole, with the line, and nothing is kept of it.",
              "Importing a file again changes nothing, and goes on where Ctrl-C ended it."},
     .examples = {{"kinora import transcripts.csv", "what a notebook wrote"},
                  {"kinora import plots.jsonl --language-hint en",
                   "texts that do not tell their language"}}},
    {.name = "recommend",
     .bit = KN_FOR_RECOMMEND,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_recommend,
     .summary = "The films most like this one, and why",
     .text = {"Answers with the films whose words are most alike in meaning and mood, best first; "
              "each with "
              "the pair of moments, one of either film, that are most alike.",
              "NAME is a film's file name without its ending, or its id; a part is enough where "
              "only one has "
              "it, in capitals or not.",
              "Similarity is a cosine of meanings, 1 at most and about 0 for films that have "
              "nothing in common; "
              "opinion goes from -1 (dark) to +1 (warm); the score orders the answers of one "
              "question and "
              "means nothing outside it."},
     .examples = {{"kinora recommend \"The Velvet Vault\"", "three films like it, in its language"},
                  {"kinora recommend velvet --language any -n 10", "ten, in whatever language"},
                  {"kinora recommend velvet --rank uplift --weights 0.5,0.5",
                   "rather the warm ones"}}},
    {.name = "list",
     .bit = KN_FOR_LIST,
     .args = "",
     .run = kn_cmd_list,
     .summary = "All titles in the library",
     .text = {"The state of a title is ready (can be recommended), pending (not everything is "
              "done), failed "
              "(cannot be read), silent (nobody speaks) or missing (its files are gone)."},
     .examples = {{"kinora list", "all of them"},
                  {"kinora list --state failed", "what could not be read, and why"}}},
    {.name = "show",
     .bit = KN_FOR_SHOW,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_show,
     .summary = "All that is known of one film, and its transcript with times",
     .text = {"NAME is as in kinora recommend."},
     .examples = {{"kinora show \"The Velvet Vault\"", "one film"}}},
    {.name = "search",
     .bit = KN_FOR_SEARCH,
     .args = "TEXT...",
     .min_args = 1,
     .run = kn_cmd_search,
     .summary = "The moments in which something like this is said",
     .text =
         {"Finds by meaning, not by letters, in every language that the embedding model knows."},
     .examples = {{"kinora search \"a door that nobody may open\"", "ten moments, best first"},
                  {"kinora search --language es el mar de noche", "only in Spanish films"}}},
    {.name = "export",
     .bit = KN_FOR_EXPORT,
     .args = "DIR",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_export,
     .summary = "Write the library out for a notebook",
     .text =
         {"Writes into DIR: transcripts.csv with the columns Video File and Transcript; "
          "vectors.npy, a row of "
          "float32 for each ready title, for numpy.load; payload.json with Transcript, "
          "Movie_Name, embeddings, Sentiment and Opinion_Score of each.",
          "A vector is the mean over the title's words as the model gave it, neither centred nor "
          "of unit "
          "length. Sentiment is TextBlob's polarity of the transcript, whatever scorer the library "
          "has; Opinion_Score is 0.7 times the vector plus 0.3 times Sentiment.",
          "Titles that are pending or missing are left out."},
     .examples = {{"kinora export notebook/", "three files in the folder notebook"},
                  {"kinora export --format notebook notebook/ --force", "the same once more"}}},
    {.name = "models",
     .bit = KN_FOR_MODELS,
     .args = "[list | pull [NAME...] | verify [NAME...] | path [NAME]]",
     .run = kn_cmd_models,
     .summary = "The model files: which there are, fetching and checking them",
     .text = {"list (or nothing) tells what the manifest knows and what is here. pull fetches "
              "models, the "
              "default ones where none is named, goes on with downloads that broke off, and keeps "
              "only files "
              "whose SHA-256 is the manifest's. verify reads whole files and compares them. path "
              "prints where the "
              "models, or one of them, are."},
     .examples = {{"kinora models", "what is here"},
                  {"kinora models pull", "fetch the default set"},
                  {"kinora models verify whisper-base-q8_0", "is it whole?"}}},
    {.name = "doctor",
     .bit = KN_FOR_DOCTOR,
     .args = "",
     .run = kn_cmd_doctor,
     .summary = "What is installed, and whether all of it is well",
     .text = {"Looks at the processor, the decoder, the models and the library, and says what to "
              "do about "
              "what is not well. Exit code 1 when something is missing that Kinora needs."},
     .examples = {{"kinora doctor", "when something does not work"}}},
};

const struct kn_command *kn_commands(size_t *n)
{
    *n = sizeof commands / sizeof *commands;
    return commands;
}

const struct kn_command *kn_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}
