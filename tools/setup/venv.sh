#!/usr/bin/env bash
# venv.sh [--in FOLDER] NAME...  Have what third_party/python/NAME.txt lists in the virtual environment FOLDER
# (build/venv), exactly and by hash.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=build/venv
if [ "${1:-}" = --in ]; then
  venv=$2
  shift 2
fi

# Debian's own Python before any other that PATH may hold.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

for name in "$@"; do
  list=third_party/python/$name.txt
  stamp=$venv/$name.sha256
  [ -x "$venv/bin/pip" ] || { rm -rf "$venv" && "$python" -m venv "$venv"; }
  if ! sha256sum --status --check "$stamp" 2>/dev/null; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
      --requirement "$list" || {
      echo "error: pip could not install $list into $venv; is the Python registry reachable?" >&2
      exit 1
    }
    sha256sum "$list" >"$stamp"
  fi
done
