#!/usr/bin/env bash
# The ingest's threads under ThreadSanitizer, on real media with real models: two listeners, three decoders.
# whisper.cpp and llama.cpp are not instrumented; with one thread a listener they start none.
set -u
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/films"
find samples -maxdepth 1 -name '*.mp4' | sort | head -n 4 | while read -r f; do cp "$f" "$dir/films/"; done
for f in "$dir"/films/*.mp4; do echo '<movie><title>A film</title></movie>' >"${f%.mp4}.nfo"; done
head -c 3000 /dev/urandom >"$dir/films/broken.mp4"

kinora() { "$KINORA" --library "$dir/library" "$@" 2>&1; }
tell() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: exit $2, wanted $3"; fi; }

kinora ingest --jobs 2 "$dir/films"
tell "an ingest of five files has no data race" $? 0

id=$(kinora list --json --state ready | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["titles"][0]["id"])')
kinora ingest --jobs 2 --again "$id" "$dir/films"
tell "redoing one has none" $? 0

kinora import --jobs 2 examples/notebook/transcripts.csv
tell "an import has none" $? 0

kinora ingest --jobs 3 --scorer lexicon "$dir/films"
tell "another scorer for all has none" $? 0

"$KINORA" --library "$dir/second" ingest --jobs 2 "$dir/films" >"$dir/told" 2>&1 &
while kill -0 $! && ! grep -q 1/5 "$dir/told"; do sleep 0.2; done # the broken one is done, the others are being heard
kill -INT $!
wait $!
ended=$?
cat "$dir/told"
tell "an interrupted one has none" $ended 1
