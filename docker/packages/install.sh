#!/bin/sh
# Makes sure that the Debian packages of the named lists are there: install.sh build test
# A list NAME is the files NAME and NAME-<Debian version> beside this script. --print only prints.
# Exit codes: 0 all there, 2 usage, 3 something is missing and cannot be installed.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)

print=no
if [ "${1-}" = --print ]; then print=yes; shift; fi
[ $# -gt 0 ] || { echo "usage: install.sh [--print] LIST..." >&2; exit 2; }

# Testing and unstable carry no VERSION_ID; their names are the newest release's.
version=$(. /etc/os-release && [ "${ID-}" = debian ] && echo "${VERSION_ID:-13}") || version=
case $version in
  12|13) ;;
  *) echo "make: Debian 12 or 13 is needed to install what is missing; this is another system." >&2
     echo "      Install the packages named in docker/packages/ and run cmake --preset release." >&2
     exit 3;;
esac

names=
for list in "$@"; do
  found=no
  for file in "$here/$list" "$here/$list-$version"; do
    [ -f "$file" ] || continue
    found=yes
    names="$names $(sed 's/#.*//' "$file" | tr '\n' ' ')"
  done
  [ $found = yes ] || { echo "install.sh: no list '$list' in $here" >&2; exit 2; }
done
if [ $print = yes ]; then printf '%s\n' $names; exit 0; fi

there=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $names 2>/dev/null |
        sed -n 's/^installed //p' || true)
missing=
for name in $names; do
  printf '%s\n' "$there" | grep -qxF "$name" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "make: these Debian packages are missing; install them with" >&2
  echo "  sudo apt-get install --no-install-recommends$missing" >&2
  exit 3
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get -qq update &&
       apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing; } >&2; then
  echo "make: apt could not install:$missing" >&2
  exit 3
fi
