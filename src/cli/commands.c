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
          "where there is none. A .ignore file in a folder leaves out what its patterns name, as "
          "git's "
          "do, and all of the folder when it is empty.",
          "A subtitle file beside a film is read instead of listening: Film.srt, Film.en.srt, "
          "Film.es.forced.vtt, Film.en.sdh.ass. One that is added, edited or removed later counts "
          "in the next run; so does a .nfo file, which gives title, year, genres and plot. Without "
          "subtitles beside it, a text track in the film is read. Either is passed over where it "
          "has fewer than 4 words a minute (forced captions: 20) and the film has sound.",
          "A film that cannot be read is kept with the reason; the run goes on. Ctrl-C or "
          "SIGTERM ends after the step under way, twice at once. Nothing that was finished is "
          "lost, "
          "nor what was heard of a film by then, and the same command goes on where it was.",
          "With --again or --retry, no DIR means the places where those titles were found before."},
     .examples = {{"kinora ingest ~/Films", "everything below one folder"},
                  {"kinora ingest --retry failed", "once more what could not be read"},
                  {"kinora ingest --again \"The Velvet Vault\"", "listen to one film anew"},
                  {"kinora ingest --again \"Pan de domingo\" --language es",
                   "and as Spanish, from now on"}}},
    {.name = "watch",
     .bit = KN_FOR_WATCH,
     .args = "DIR...",
     .min_args = 1,
     .run = kn_cmd_watch,
     .summary = "Ingest, and go on with every film that arrives",
     .text = {"Begins as kinora ingest DIR... does; then waits for films and subtitles that "
              "appear, change, move or go "
              "in these folders and those below, and ingests them when nothing more has happened "
              "for a second.",
              "On network drives, where changes are not told, it looks through everything every "
              "five minutes.",
              "The library is held only while something is ingested: other commands get their "
              "turn. Ctrl-C or SIGTERM "
              "ends it; what was missed meanwhile is found at the next start."},
     .examples = {{"kinora watch ~/Films", "until Ctrl-C"},
                  {"kinora watch ~/Films /mnt/nas/talks --every 60",
                   "a network drive, each minute"}}},
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
     .args = "[NAME]",
     .max_args = 1,
     .run = kn_cmd_recommend,
     .summary = "The films most like this one, and why",
     .text = {"Answers with the films whose words are most alike in meaning and mood, best first; "
              "each with "
              "the pair of moments, one of either film, that are most alike.",
              "NAME is a film's file name without its ending, or its id; a part is enough where "
              "only one has "
              "it, in capitals or not. --like and --text stand for it or beside it. A film that "
              "says the same as another one, such as a trailer that is there twice or in a longer "
              "cut, is named below that one, and one that says the same as NAME is left out.",
              "Similarity is a cosine of meanings, 1 at most and about 0 for films that have "
              "nothing in common; "
              "opinion goes from -1 (dark) to +1 (warm); the score orders the answers of one "
              "question and "
              "means nothing outside it."},
     .examples = {{"kinora recommend \"The Velvet Vault\"", "three films like it, in its language"},
                  {"kinora recommend velvet --language any -n 10", "ten, in whatever language"},
                  {"kinora recommend velvet --like heist --unlike romance --year 1990..",
                   "like both, and not like the third"},
                  {"kinora recommend --text \"a heist that goes wrong\" --rank uplift",
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
     .text = {"NAME is as in kinora recommend.",
              "The arc is how the opinion goes through the film, from -0.6 or darker (the lowest "
              "block, or 1) to +0.6 or warmer (the highest, or 8), and behind it the darkest and "
              "the warmest moment. --json has every moment with its times and opinion."},
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
     .args = "DIR | --format srt|vtt TITLE...",
     .min_args = 1,
     .run = kn_cmd_export,
     .summary = "Write the library out for a notebook, or transcripts as subtitles",
     .text =
         {"Writes into DIR: transcripts.csv with the columns Video File and Transcript; "
          "vectors.npy, a row of "
          "float32 for each ready title, for numpy.load; payload.json with Transcript, "
          "Movie_Name, embeddings, Sentiment and Opinion_Score of each.",
          "A vector is the mean over the title's words as the model gave it, neither centred nor "
          "of unit "
          "length. Sentiment is TextBlob's polarity of the transcript, whatever scorer the library "
          "has; Opinion_Score is 0.7 times the vector plus 0.3 times Sentiment.",
          "Titles that are pending or missing are left out. Of imported texts, file and transcript "
          "come back as they were given, to the last space.",
          "With --format srt or vtt the words of each TITLE, or of all titles for all, become a "
          "subtitle file "
          "beside its film, such as Film.en.srt, or in the folder --into. A file that is there is "
          "kept unless --force is given; where two titles would share one, the second's has its id "
          "in its name. The next ingest knows what was written here and does not "
          "take it for subtitles, until somebody edits it."},
     .examples = {{"kinora export notebook/", "three files in the folder notebook"},
                  {"kinora export --format notebook notebook/ --force", "the same once more"},
                  {"kinora export --format srt \"The Velvet Vault\"", "beside the film"},
                  {"kinora export --format vtt all --into subtitles/", "all, in one folder"}}},
    {.name = "eval",
     .bit = KN_FOR_EVAL,
     .args = "",
     .run = kn_cmd_eval,
     .summary = "How good this library's answers are, and how sure that is",
     .text =
         {"Without labels: does the first half of what is said in a title find the second half "
          "among those of all titles? With --labels the answers are held against what is known: "
          "genres, which are the library's own, or a CSV file whose first line is one of "
          "name,group (titles of one group belong together), a,b (these two do), name,opinion "
          "(positive, negative or a number), name,language, name,text (what is said, for the word "
          "error rate). Only answers to titles that belong together (genres, group, a,b) depend on "
          "how answers are ranked and chosen (--weights, --candidates, --language, --limit and the "
          "like); without labels those options are refused.",
          "Each figure comes with the interval in which 95 of 100 samples of titles lie, and with "
          "what answers by lot would have. With --verbose --json it is told for each title.",
          "With --against, all is embedded with the other model too, in memory, which takes about "
          "as long as an import; then both are asked the same. A difference whose interval holds "
          "0 is none."},
     .examples = {{"kinora eval", "do halves find each other?"},
                  {"kinora eval --labels genres --weights 1,0", "by meaning alone"},
                  {"kinora eval --labels pairs.csv -n 5", "a,b: films that belong together"},
                  {"kinora eval --against all-MiniLM-L6-v2", "which model is better here?"}}},
    {.name = "forget",
     .bit = KN_FOR_FORGET,
     .args = "NAME...",
     .min_args = 1,
     .run = kn_cmd_forget,
     .summary = "Remove titles from the library; no film is touched",
     .text =
         {"NAME is as in kinora recommend. Asks first, unless --yes says that it need not.",
          "A title whose file is still there is taken in anew by the next ingest of its folder; "
          "to keep it out, name the file in a .ignore file there. Titles that are only "
          "missing need not be forgotten: they are in no answer, and come back with their files."},
     .examples = {{"kinora forget \"Old Home Video\"", "one title, after asking"},
                  {"kinora forget --yes 3f2a9c1e", "by its id, without asking"}}},
    {.name = "join",
     .bit = KN_FOR_JOIN,
     .args = "NAME OTHER...",
     .min_args = 2,
     .run = kn_cmd_join,
     .summary = "Make versions of one film one title",
     .text =
         {"NAME answers for all of them from now on, with the files of all; nothing that is "
          "known of the others is lost, and kinora split undoes it.",
          "kinora ingest joins by itself what has the same id, [tmdbid-949] in the name of a file "
          "or folder or in a .nfo file, and two files of one folder, name and year in which the "
          "same is said."},
     .examples = {{"kinora join \"Heat (1995)\" heat-4k", "the first answers for both"}}},
    {.name = "split",
     .bit = KN_FOR_SPLIT,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_split,
     .summary = "Make the versions of a film titles of their own again",
     .text = {"Undoes what kinora join or kinora ingest joined, and ingest does not join them "
              "again. The next ingest listens to those that nobody had listened to."},
     .examples = {{"kinora split \"Heat (1995)\"", "they are not one film"}}},
    {.name = "check",
     .bit = KN_FOR_CHECK,
     .args = "",
     .run = kn_cmd_check,
     .summary = "Whether the library is sound, and mending what is not",
     .text =
         {"Looks at SQLite's pages and indexes, rows that belong to nothing, vectors, the index of "
          "words and the stages of each title. Exit code 1 when something is wrong that was not "
          "mended."},
     .examples = {{"kinora check", "only look"},
                  {"kinora check --repair", "and mend what can be mended"}}},
    {.name = "backup",
     .bit = KN_FOR_BACKUP,
     .args = "FILE",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_backup,
     .summary = "Copy the library into a file, while others use it",
     .text =
         {"FILE is the library as it was at one moment, even while an ingest runs. To go back to "
          "it, let it be library.db in a folder, and give that folder as --library."},
     .examples = {{"kinora backup films-2026.kinora", "one file with all that is known"}}},
    {.name = "publish",
     .bit = KN_FOR_PUBLISH,
     .args = "ADDRESS",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_publish,
     .summary = "Send what is new to a cluster that many machines read",
     .text = {"ADDRESS is a Qdrant cluster's, qdrant+http://HOST:6333/NAME or qdrant+https, or the "
              "folder of another library. Sent "
              "are titles that are ready, silent or failed, with transcripts and vectors; never a "
              "film. What was forgotten here, or "
              "lost its files, is removed there. Any number of machines publish to one cluster: "
              "the same film is one title, and "
              "what others publish stays.",
              "Only what is new or changed is sent. Ctrl-C or a lost connection costs nothing: the "
              "same command goes on where it was. "
              "It may run while films are ingested. At the end it is checked: that all titles are "
              "there, a hundred of "
              "those just sent word for word, and the answers to a hundred questions.",
              "After kinora ingest --embedding-model the cluster is filled anew aside while it "
              "goes on answering, and swapped in one "
              "step when all its titles are there in the new model."},
     .examples = {{"kinora publish qdrant+http://10.0.0.5:6333/films",
                   "and once more after each ingest"},
                  {"kinora recommend velvet --library qdrant+http://10.0.0.5:6333/films",
                   "from any machine"}}},
    {.name = "pull-library",
     .bit = KN_FOR_PULL,
     .args = "ADDRESS",
     .min_args = 1,
     .max_args = 1,
     .run = kn_cmd_pull,
     .summary = "Make or renew a library on this machine from a cluster",
     .text = {"ADDRESS is as in kinora publish. The library, which --library names, gets all "
              "titles that are there; what it has by its "
              "own or was changed in it stays as it is, and what was pulled before and is there no "
              "more is forgotten.",
              "Titles that were pulled before come again when they look otherwise in a list; with "
              "--all, all of them. "
              "Ctrl-C or a lost connection costs nothing, and at the end it is checked as kinora "
              "publish does."},
     .examples = {{"kinora pull-library qdrant+http://10.0.0.5:6333/films --library copy.kinora",
                   "a copy that needs no network"}}},
    {.name = "serve",
     .bit = KN_FOR_SERVE,
     .args = "",
     .run = kn_cmd_serve,
     .summary = "The page and the API, over HTTP",
     .text =
         {"Serves the page at / and the API at /api/v1 until SIGINT or SIGTERM, then ends what was "
          "begun and stops; a second signal stops at once. A library that is not there yet is "
          "made. No model is loaded until somebody asks with a text.",
          "Without a token only this machine can ask, at the address 127.0.0.1 or [::1]. Any other "
          "address needs one (kinora token): programs send it as Authorization: Bearer, the page "
          "asks for it once. TLS is left to a reverse proxy.",
          "/health, /ready and /metrics are for those who look after it."},
     .examples = {{"kinora serve", "then open http://127.0.0.1:7878/"},
                  {"kinora serve --listen :7878 --allow-host tv.lan", "for the house"}}},
    {.name = "token",
     .bit = KN_FOR_TOKEN,
     .args = "",
     .run = kn_cmd_token,
     .summary = "Make the token that kinora serve asks for",
     .text = {"Prints it once: only its hash is kept, in kinora/token under the XDG state folder. "
              "From then on kinora serve asks for it at every address."},
     .examples = {{"kinora token", "make one"}, {"kinora token --force", "make another"}}},
    {.name = "models",
     .bit = KN_FOR_MODELS,
     .args = "[list | pull [NAME...] | verify [NAME...] | path [NAME]]",
     .run = kn_cmd_models,
     .summary = "The model files: which there are, fetching and checking them",
     .text = {"list (or nothing) tells what the manifest knows and what is here. pull fetches "
              "models, the "
              "default ones where none is named (for one that can only be made, what serves "
              "instead), goes on with downloads that broke off, and keeps "
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
