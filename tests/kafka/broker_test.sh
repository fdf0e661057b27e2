#!/bin/bash
# The broker harness and kafka_tool, proven: records keep their keys, partitions and bytes; they
# survive kill -9 of the broker; TLS with SASL works and is needed where it is asked for.
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=${HUITOU_BUILD_DIR:-build/release}/tests/kafka_tool
broker=tests/kafka/broker/broker.sh
work=$(mktemp -d)
finish() { $broker stop "$work/broker" || true; rm -rf "$work"; }
trap finish EXIT

fail() { echo "broker_test: $1" >&2; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }

address=$($broker start "$work/broker" --secure)
$broker topic "$work/broker" orders 4
produce() { "$tool" produce --brokers "$address" --topic orders "$@"; }
consume() { "$tool" consume --brokers "$address" --topic orders --json "$@"; }

for i in $(seq 1000); do echo "{\"id\":\"e$i\",\"customer\":{\"id\":\"c$((i % 50))\"}}"; done > "$work/events"
expect "events" '{"produced":1000,"failed":0}' "$(produce --file "$work/events")"
cat > "$work/records" <<'R'
{"key":"c1","value":null,"partition":0}
{"value":"no json {","partition":1}
{"key":"c2","value_hex":"00ff41","partition":2}
R
expect "records" '{"produced":3,"failed":0}' "$(produce --records --file "$work/records")"

$broker kill "$work/broker"
expect "the same address" "$address" "$($broker restart "$work/broker")"
consume > "$work/read"
expect "all there after kill -9" 1003 "$(wc -l < "$work/read")"
expect "a tombstone" 1 "$(grep -c '"key":"c1","value":null' "$work/read")"
expect "a poison record" 1 "$(grep -c '"partition":1,.*"key":null,"value":"no json {"' "$work/read")"
expect "one partition per customer" 50 \
  "$(grep '"value":"{' "$work/read" | sed 's/"offset":[0-9]*,//; s/,"value".*//' | sort -u | wc -l)"

secure=$(cat "$work/broker/bootstrap.secure")
expect "TLS with SASL" 1003 "$("$tool" consume --brokers "$secure" --topic orders --json \
  --properties "$work/broker/client.properties" | wc -l)"
if "$tool" consume --brokers "$secure" --topic orders --properties "$work/broker/client.properties" \
  -X sasl.password=wrong -X log_level=0 > /dev/null 2>&1; then
  fail "a wrong password was let in"
fi
status=0; "$tool" consume --brokers "$address" --topic nowhere 2> /dev/null || status=$?
expect "the exit code for a topic that is not there" 3 $status
echo "broker_test: passed"
