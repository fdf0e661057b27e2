#!/bin/bash
# One absence campaign on generated orders: huitou simulate and DuckDB in turn, CPU seconds of each.
# usage: bench/backtest.sh HUITOU [EVENTS]    needs ../shared/peers (generator, SQL) and python3 -m venv
set -euo pipefail
huitou=$(realpath "${1:?usage: bench/backtest.sh HUITOU [EVENTS]}")
events=${2:-1000000}
here=$(cd "$(dirname "$0")" && pwd)
peers=$here/../../shared/peers
[ -d "$peers" ] || { echo "skipped: needs ../shared/peers"; exit 0; }
work=${WORK:-${HUITOU_CACHE:-$HOME/.cache/huitou}/bench}
mkdir -p "$work"
[ -x "$work/gen" ] || g++ -O2 -std=c++17 "$peers/cpp/gen.cc" -o "$work/gen" -lrdkafka
[ -d "$work/venv" ] || { python3 -m venv "$work/venv"; "$work/venv/bin/pip" install -q duckdb; }
data=$work/orders-$events.ndjson
[ -f "$data" ] || "$work/gen" make --n "$events" --customers $((events / 4)) --seed 1 --out "$data" --ref "$work/ref.tsv"
cat > "$work/absence.yaml" <<'YAML'
campaign: absence
class: transactional
trigger:
  absence: {after: order.paid, of: order.paid, within: 30d}
steps:
  - emit: {type: absence.fired}
YAML
cd "$here/.."
for round in 1 2 3; do
  echo "round $round: DuckDB: $("$work/venv/bin/python" "$peers/duckdb_absence.py" "$data")"
  TIMEFORMAT="round $round: huitou: %U s user, %S s system, %R s wall"
  time "$huitou" simulate --campaigns "$work/absence.yaml" --events "$data" --json |
    grep -o '"candidates":[0-9]*'
done
