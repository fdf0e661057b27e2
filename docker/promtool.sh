#!/bin/bash
# Prints the path of a promtool. Debian 12 has it only inside the package of the whole server, which
# would start one; so there the program alone is taken out of that package.
set -euo pipefail
kept=${HUITOU_CACHE:-$HOME/.cache/huitou}/promtool
if command -v promtool; then exit; fi
if [ ! -x "$kept/usr/bin/promtool" ]; then
  mkdir -p "$kept"
  (cd "$kept"
   apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }
   dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb) >&2
fi
echo "$kept/usr/bin/promtool"
