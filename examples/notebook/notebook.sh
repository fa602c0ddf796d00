#!/usr/bin/env bash
# notebook.sh [DIR]  The steps of the notebook that Kinora grew from, one command each. DIR (default: notebook-example)
# gets a library and the notebook's three files. README.md says how to do it with GPT-2.
#
#   the notebook                                       here
#   whisper on each video -> transcripts.csv           kinora ingest DIR, or kinora import transcripts.csv
#   a model's embedding of each transcript             the same command
#   TextBlob(transcript).sentiment.polarity            the same command, with --scorer lexicon
#   0.7 * embedding + 0.3 * polarity -> payload        kinora export DIR
#   a vector database, and the three nearest           kinora recommend NAME
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-notebook-example}
kinora=${KINORA:-kinora}
export KINORA_LIBRARY=$work/library

# Transcripts in: rows that say Error are kept as failed titles, and never recommended.
"$kinora" import "$here/transcripts.csv" --scorer lexicon
"$kinora" list

# What to watch next, and why.
"$kinora" recommend "Harbour Lights"
"$kinora" recommend "The Cold Cellar"

# transcripts.csv, vectors.npy and payload.json, for a notebook that wants to go on from here.
"$kinora" export --format notebook "$work/notebook" --force
