#!/usr/bin/env bash
# apt.sh GROUP...  Install the Debian packages of third_party/apt-packages.txt that are missing.
# Asks dpkg first, so that it costs nothing (and needs no root) when everything is there. KINORA_APT=0: do nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "${@:2}" >&2
  exit 1
}

[ "${KINORA_APT:-1}" != 0 ] || exit 0

command -v dpkg-query >/dev/null ||
  die "this is not Debian: install what third_party/apt-packages.txt names, then run again with KINORA_APT=0"

declare -A installed=()
while read -r package status; do
  [ "$status" != installed ] || installed[$package]=1
done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n')

missing=()
while read -r group package program _; do
  case " $* " in *" $group "*) ;; *) continue ;; esac
  if [ -n "$program" ] && command -v "$program" >/dev/null; then continue; fi
  [ -n "${installed[$package]:-}" ] || missing+=("$package")
done < <(grep -v '^#' third_party/apt-packages.txt)

[ ${#missing[@]} -gt 0 ] || exit 0

# shellcheck source=/dev/null
. /etc/os-release
[ "${VERSION_CODENAME:-}" = bookworm ] ||
  echo "note: made for Debian 12 (bookworm), this is ${PRETTY_NAME:-unknown}; names may differ" >&2

root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "missing packages, and neither root nor sudo to install them with. As root:" \
    "  apt-get install --no-install-recommends ${missing[*]}"
  root=(sudo)
fi

echo "installing ${missing[*]}"
apt() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}
# Lists of today first: with old ones a package's file may be gone from the mirror.
if ! apt update || ! apt install --no-install-recommends "${missing[@]}"; then
  die "apt-get could not install ${missing[*]}: see above; is the Debian mirror reachable?"
fi
