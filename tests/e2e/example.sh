#!/usr/bin/env bash
# The example program of the public API, on a library of three samples.
set -u
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/films"
find samples -maxdepth 1 -name '*.mp4' | sort | head -n 3 | while read -r f; do cp "$f" "$dir/films/"; done
name=$(basename "$(find "$dir/films" -name '*.mp4' | sort | head -n 1)" .mp4)

tell() { if [ "$2" = 0 ]; then echo "ok $1"; else echo "not ok $1"; fi; }

"$KINORA" --library "$dir/library" ingest "$dir/films" 2>&1
tell "three samples are ingested" $?

build/release/tests/example-recommend "$dir/library" "$name" | tee "$dir/out"
grep -q '^1\. ' "$dir/out"
tell "the example recommends for '$name'" $?

build/release/tests/example-recommend "$dir/library" "no such film" 2>&1 | tee "$dir/out"
grep -q "Movie 'no such film' not found in the dataset." "$dir/out"
tell "it says when there is no such film" $?
