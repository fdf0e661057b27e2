#!/bin/bash
# Prints the path of one of Prometheus' programs: docker/prometheus.sh promtool|prometheus. Where it is
# not installed it is taken out of its package alone, since to install the package would start a server.
set -euo pipefail
program=${1:?usage: docker/prometheus.sh promtool|prometheus}
kept=${HUITOU_CACHE:-$HOME/.cache/huitou}/prometheus
if command -v "$program"; then exit; fi

fetch() {
  local fresh package=prometheus
  fresh=$(mktemp -d "$kept/new.XXXXXX")
  cd "$fresh"
  apt-cache show prometheus > /dev/null 2>&1 || apt-get -qq update
  if apt-cache show "$program" > /dev/null 2>&1; then package=$program; fi  # Debian 12: all in one
  apt-get -qq download "$package" || { apt-get -qq update && apt-get -qq download "$package"; }
  dpkg-deb -x "$package"_*.deb .
  mv usr/bin/* "$kept"
  rm -r "$fresh"
}

if [ ! -x "$kept/$program" ]; then
  mkdir -p "$kept"
  exec 9> "$kept/lock"
  flock 9  # tests run side by side
  [ -x "$kept/$program" ] || (fetch) >&2
fi
echo "$kept/$program"
