#!/bin/bash
# make bench: bench/run.sh [NAME]... runs the micro-benchmarks of the release build, or those named.
set -euo pipefail
cd "$(dirname "$0")/.."
names=("$@")
if [ ${#names[@]} = 0 ]; then
  for source in bench/*_bench.cc; do names+=("$(basename "$source" .cc)"); done
fi
for name in "${names[@]}"; do
  echo "== $name"
  "build/release/bench/$name" --benchmark_min_time=0.2
done
if [ $# = 0 ]; then
  echo "== latency of a review"
  bench/latency.py build/release/huitou
  echo "== messages a second to a provider that answers after 50 ms"
  bench/messages.py build/release/huitou
  HTTP2=1 bench/messages.py build/release/huitou
  echo "== memory by the number of messages on their way"
  bench/in_flight.py build/release/huitou
  echo "== mails a second to a server beside it"
  bench/mail.py build/release/huitou
  DKIM=rsa bench/mail.py build/release/huitou
  echo "== due timers while events flow"
  bench/timers.py build/release/huitou
  echo "== opening a large state, and a restart behind kill -9"
  bench/large_state.py build/release/huitou build/release/bench/fill_store
  echo "== backtest beside DuckDB"
  bench/backtest.sh build/release/huitou
  echo "== Kafka to durable decision beside Kafka Streams, Flink and bare store loops"
  bench/kafka.py build/release/huitou
fi
