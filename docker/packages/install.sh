#!/bin/sh
# Makes sure that the Debian packages of the named lists are there: install.sh build test
# A list NAME is the files NAME and NAME-<Debian version> beside this script; of the packages in
# NAME-<Debian version>.headers only the headers are taken, to /usr/local/include. --print only prints.
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
headers=
for list in "$@"; do
  found=no
  if [ -f "$here/$list-$version.headers" ]; then
    headers="$headers $(sed 's/#.*//' "$here/$list-$version.headers" | tr '\n' ' ')"
  fi
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
unpacked=/usr/local/share/huitou-headers  # a file for each package
unpack=
for name in $headers; do
  [ -e "$unpacked/$name" ] || unpack="$unpack $name"
done
[ -n "$missing$unpack" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "make: these Debian packages are missing; install them with" >&2
  [ -z "$missing" ] || echo "  sudo apt-get install --no-install-recommends$missing" >&2
  [ -z "$unpack" ] || echo "  sudo docker/packages/install.sh $*" >&2
  exit 3
fi
echo "installing:$missing$unpack" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get -qq update &&
       apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing; } >&2; then
  echo "make: apt could not install:$missing" >&2
  exit 3
fi

# Unpacks the headers of package $1 without its dependencies.
unpack_headers() {
  folder=$(mktemp -d)
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download "$1" && dpkg-deb -x ./*.deb . &&
   mkdir -p /usr/local/include "$unpacked" && cp -r usr/include/. /usr/local/include/ &&
   touch "$unpacked/$1") >&2 && status=0 || status=$?
  rm -rf "$folder"
  return $status
}
for name in $unpack; do
  unpack_headers "$name" || { echo "make: apt could not fetch $name" >&2; exit 3; }
done
