#!/bin/bash
# make test: tests/run.sh JOBS [release|asan|tsan|fuzz]...   (all four without a name)
# Every stage builds what it needs; a stage that fails does not stop the others, and the last
# lines say which stages failed. Exit 1 if any did.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${1:?usage: tests/run.sh JOBS [stage]...}; shift
stages=${*:-release asan tsan fuzz}

# build PRESET TARGET
build() {
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" > /dev/null || return 1
  cmake --build "build/$1" -j "$jobs" --target "$2"
}
release() { build release all && ctest --test-dir build/release -j 2 --output-on-failure; }
asan() { build asan unit_tests && ctest --test-dir build/asan -L unit -j "$jobs" --output-on-failure; }
tsan() { build tsan unit_tests && ctest --test-dir build/tsan -L unit -j "$jobs" --output-on-failure; }
fuzz() { JOBS=$jobs tests/fuzz/run.sh --same; }  # a minute each at most

report=; failed=0
for stage in $stages; do
  echo "== $stage"
  started=$SECONDS
  if "$stage"; then verdict=passed; else verdict=FAILED; failed=1; fi
  report+="$stage $verdict in $((SECONDS - started)) s"$'\n'
done
echo "== make test"
printf '%s' "$report"
exit $failed
