#!/bin/bash
# make fuzz: tests/fuzz/run.sh [--seconds N] [--same] [--keep] [NAME]...
# Builds the fuzzers by clang and runs each for N seconds (60), one a core, from its kept inputs,
# tests/fuzz/corpus/NAME/, which are all tried first. What it finds new is put beside the build; --keep
# takes into the kept inputs those that reach new code. An input that breaks something is printed and
# left in build/fuzz/found/: try it again with build/asan/tests/fuzz/NAME FILE. Exit 1 if there is one.
# --same tries the same 100,000 inputs every time, as a test must; N seconds at most.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")/../.."
seconds=60 same= keep=no names=() jobs=${JOBS:-$(nproc)}
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?}; shift 2;;
    --same) same="-seed=1 -runs=100000"; shift;;
    --keep) keep=yes; shift;;
    -*) sed -n '2s/^# //p' "$0" >&2; exit 2;;
    *) names+=("$1"); shift;;
  esac
done

[ -f build/asan/build.ninja ] || cmake --preset asan > /dev/null
cmake --build build/asan -j "$jobs" --target fuzzers
if [ ${#names[@]} = 0 ]; then
  for source in tests/fuzz/*_fuzz.cc; do names+=("$(basename "$source" .cc)"); done
fi

fuzz() {
  local name=$1 program=build/asan/tests/fuzz/$1 kept=tests/fuzz/corpus/$1 fresh=build/fuzz/corpus/$1
  local words=(-max_total_time="$seconds" $same -timeout=10 -rss_limit_mb=2048 -verbosity=0
               -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-") failed=0
  mkdir -p "$kept" "$fresh" build/fuzz/found
  [ ! -f "tests/fuzz/$name.dict" ] || words+=(-dict="tests/fuzz/$name.dict")
  if "$program" "${words[@]}" "$fresh" "$kept" > "build/fuzz/$name.log" 2>&1; then
    echo "$name: $(ls "$kept" | wc -l) kept inputs," \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") tried in $seconds s"
  else
    failed=1
    echo "$name: FAILED; build/fuzz/$name.log ends with"
    tail -40 "build/fuzz/$name.log"
  fi
  if [ "$keep" = yes ]; then "$program" -merge=1 -verbosity=0 "$kept" "$fresh" 2> /dev/null; fi
  rmdir --ignore-fail-on-non-empty "$kept"
  return $failed
}
export -f fuzz
export seconds same keep
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I NAME bash -c 'fuzz NAME' || exit 1
