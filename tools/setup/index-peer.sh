#!/usr/bin/env bash
# index-peer.sh  What bench/index measures against, in build/venv-index. hnswlib comes as source: where it cannot be built (it wants
# python3-dev), it is left out, and the benchmark says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup/venv.sh --in build/venv-index index-peer
list=third_party/python/index-peer-source.txt
stamp=build/venv-index/index-peer-source.sha256
sha256sum --status --check "$stamp" 2>/dev/null && exit
if build/venv-index/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --no-binary :all: \
  --no-build-isolation --requirement "$list"; then
  sha256sum "$list" >"$stamp"
else
  echo "hnswlib is left out: it could not be built (python3-dev?)"
fi
