#!/bin/bash
# One real Apache Kafka broker (KRaft, a single process) for tests.
#
#   broker.sh start DIR [--secure]   starts it in the empty folder DIR and prints its address
#   broker.sh stop|kill DIR          ends it: SIGTERM and wait, or SIGKILL
#   broker.sh restart DIR            ends it if it runs, and starts it again: same data, same ports
#   broker.sh topic DIR NAME PARTITIONS [KEY=VALUE]...   creates a topic
#   broker.sh jars                   only fetches the jars (once; later runs need no network)
#
# DIR holds everything of this broker: pid, bootstrap (address), data, broker.log. With --secure
# there is a second listener, TLS with SASL PLAIN: its address is in DIR/bootstrap.secure and what
# librdkafka must be told in DIR/client.properties. Nothing but the process in DIR/pid is ever ended.
# Exit codes: 0 good, 2 usage, 3 the broker does not start or stop.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")
cache=${HUITOU_CACHE:-$HOME/.cache/huitou}
jars=$cache/kafka-$version
start_seconds_max=120
stop_seconds_max=60

fail() { echo "broker.sh: $1" >&2; exit 3; }

usage() { sed -n '4,8s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

fetch_jars() {
  [ -d "$jars" ] && return
  mkdir -p "$cache"
  exec 9> "$cache/kafka.lock"
  flock 9
  if [ ! -d "$jars" ]; then
    echo "broker.sh: fetching Apache Kafka $version by Maven" >&2
    local fresh; fresh=$(mktemp -d "$cache/kafka-new.XXXXXX")
    cp "$here/pom.xml" "$fresh/pom.xml"
    mvn -q -B -f "$fresh/pom.xml" dependency:copy-dependencies -DoutputDirectory="$fresh/libs" >&2 ||
      { rm -rf "$fresh"; fail "Maven could not fetch Apache Kafka $version"; }
    mv "$fresh/libs" "$jars"
    rm -rf "$fresh"
  fi
  exec 9>&-
}

# A short-lived Kafka program: small and quick to start.
kafka_tool() {
  java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
    "-Dlog4j.configuration=file:$here/log4j.properties" -cp "$jars/*" "$@"
}

write_key_and_certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=127.0.0.1 \
    -addext "subjectAltName=IP:127.0.0.1,DNS:localhost" \
    -keyout "$dir/key.pem" -out "$dir/ca.pem" 2> "$dir/openssl.log" || fail "openssl: see $dir/openssl.log"
  cat "$dir/key.pem" "$dir/ca.pem" > "$dir/keystore.pem"
}

write_secure_listener() {
  local port=$1 password
  password=$(openssl rand -hex 12)
  write_key_and_certificate
  cat >> "$dir/kraft.properties" <<P
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=$dir/keystore.pem
listener.name.secure.sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_huitou="$password";
P
  cat > "$dir/client.properties" <<P
security.protocol=SASL_SSL
ssl.ca.location=$dir/ca.pem
sasl.mechanism=PLAIN
sasl.username=huitou
sasl.password=$password
P
  chmod 600 "$dir/client.properties" "$dir/kraft.properties" "$dir/key.pem" "$dir/keystore.pem"
  echo "127.0.0.1:$port" > "$dir/bootstrap.secure"
}

write_settings() {
  local plain controller secure listeners map
  read -r plain controller secure < <(python3 "$here/ports.py" free 3)
  listeners=PLAINTEXT://127.0.0.1:$plain
  map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
  if [ "$1" = --secure ]; then
    listeners+=,SECURE://127.0.0.1:$secure
    map+=,SECURE:SASL_SSL
  fi
  cat > "$dir/kraft.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=$listeners,CONTROLLER://127.0.0.1:$controller
advertised.listeners=$listeners
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=$map
log.dirs=$dir/data
num.io.threads=2
num.network.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
# A killed broker may come back only when its old session has ended.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# Test data carries old times; it must not be cleaned away.
log.retention.ms=-1
P
  [ "$1" != --secure ] || write_secure_listener "$secure"
  echo "127.0.0.1:$plain" > "$dir/bootstrap"
}

format_storage() {
  local id; id=$(kafka_tool kafka.tools.StorageTool random-uuid)
  kafka_tool kafka.tools.StorageTool format -t "$id" -c "$dir/kraft.properties" > "$dir/format.log" 2>&1 ||
    fail "the storage cannot be formatted: see $dir/format.log"
}

# Is the process in DIR/pid alive, and is it this broker? Numbers are used again.
runs() {
  [ -s "$dir/pid" ] && tr '\0' ' ' < "/proc/$(cat "$dir/pid")/cmdline" 2> /dev/null |
    grep -qF "kafka.Kafka $dir/kraft.properties"
}

launch() {
  local address; address=$(cat "$dir/bootstrap")
  setsid java -Xms256m -Xmx384m -XX:+UseSerialGC -Xshare:auto \
    "-Dlog4j.configuration=file:$here/log4j.properties" -cp "$jars/*" \
    kafka.Kafka "$dir/kraft.properties" >> "$dir/broker.log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  local waited=0
  until python3 "$here/ports.py" answers "$address"; do
    runs || [ $waited -lt 2 ] || { tail -5 "$dir/broker.log" >&2; fail "the broker ended: $dir/broker.log"; }
    [ $((waited += 1)) -lt $((start_seconds_max * 5)) ] || fail "no answer on $address: $dir/broker.log"
    sleep 0.2
  done
  echo "$address"
}

end() {
  runs || { rm -f "$dir/pid"; return 0; }
  local pid waited=0; pid=$(cat "$dir/pid")
  kill "-$1" "$pid"
  while runs; do
    [ $((waited += 1)) -lt $((stop_seconds_max * 10)) ] || fail "process $pid does not end"
    sleep 0.1
  done
  rm -f "$dir/pid"
}

[ $# -ge 1 ] || usage
command=$1; shift
[ "$command" = jars ] || [ $# -ge 1 ] || usage
if [ "$command" = jars ]; then fetch_jars; exit; fi
mkdir -p "$1"; dir=$(cd "$1" && pwd); shift

case $command in
  start)
    [ $# -eq 0 ] || [ "$*" = --secure ] || usage
    runs && fail "a broker already runs in $dir"
    [ ! -f "$dir/kraft.properties" ] || fail "$dir holds a broker already; say restart"
    fetch_jars; write_settings "${1-}"; format_storage; launch;;
  restart) fetch_jars; end TERM; launch;;
  stop) end TERM;;
  kill) end KILL;;
  topic)
    [ $# -ge 2 ] || usage
    name=$1 partitions=$2; shift 2
    settings=(); for setting in "$@"; do settings+=(--config "$setting"); done
    kafka_tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$(cat "$dir/bootstrap")" \
      --create --topic "$name" --partitions "$partitions" --replication-factor 1 "${settings[@]}" >&2;;
  *) usage;;
esac
