#!/usr/bin/env bash
# web.sh  Build the page into build/web/, which the program embeds.
#
# Its packages are pinned by sha512 in web/package-lock.json and lie in build/web-packages; web/node_modules points
# there, so that an editor and `npm run dev` find them. build/web.READY holds a hash of what went in: when it fits, and
# the page is there, there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
packages=$top/build/web-packages
ready=$top/build/web.READY

die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "${@:2}" >&2
  exit 1
}

key() {
  { find web -path web/node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum &&
    sha256sum tools/setup/web.sh && node --version; } | sha256sum | cut -d ' ' -f 1
}

install_packages() {
  local stamp=$packages/node_modules/.kinora
  sha256sum --status --check "$stamp" 2>/dev/null && return
  mkdir -p "$packages"
  cp web/package.json web/package-lock.json "$packages/"
  # No package's own script runs: esbuild and rollup bring their programs as packages for this machine.
  (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved) ||
    die "npm could not fetch the packages of web/package-lock.json." \
      "EINTEGRITY above: the registry holds another file than the one pinned; do not use it. Otherwise: is the npm" \
      "registry reachable (npm ping)?"
  sha256sum web/package-lock.json tools/setup/web.sh >"$stamp"
}

want=$(key)
[ ! -e build/web/index.html ] || [ "$(cat "$ready" 2>/dev/null || true)" != "$want" ] || exit 0
rm -f "$ready"
install_packages
[ ! -d web/node_modules ] || [ -L web/node_modules ] || rm -rf web/node_modules
ln -sfn ../build/web-packages/node_modules web/node_modules
(cd web && npm run --silent check && npm run --silent build)
echo "$want" >"$ready"
