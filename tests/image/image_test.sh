#!/bin/bash
# The built image, run as it is meant to be: an ordinary user, a read-only root, a volume for state.
# It is under 150 MB, becomes healthy, serves clean metrics, keeps strangers out, writes only to its
# volume and ends with 0 on SIGTERM. Skipped (77) where no image can be run, and where none has been
# built yet, since building takes minutes: HUITOU_IMAGE_TEST=1 builds it first (so does make image).
set -euo pipefail
cd "$(dirname "$0")/../.."
image=${HUITOU_IMAGE:-localhost/huitou:latest}
image_mb_max=150
wait_seconds_max=60
tool=$(docker/image.sh --print)
builder() { if [ $tool = docker ]; then docker "$@"; else buildah --storage-driver "${STORAGE_DRIVER:-vfs}" "$@"; fi; }

skip() { echo "image_test: skipped: $1"; exit 77; }
fail() { echo "image_test: $1" >&2; [ ! -s "${work-}/log" ] || tail -20 "$work/log" >&2; exit 1; }

if [ $tool = buildah ]; then
  [ "$(id -u)" = 0 ] || skip "no docker daemon, and buildah's way needs root"
  command -v buildah > /dev/null || [ -n "${HUITOU_IMAGE_TEST-}" ] || skip "no docker daemon and no buildah"
  unshare --mount true 2> /dev/null || skip "this machine lets nobody mount"
fi
[ -z "${HUITOU_IMAGE_TEST-}" ] || docker/image.sh > /dev/null
builder inspect --type image "$image" > /dev/null 2>&1 ||
  skip "$image is not built; make image, or HUITOU_IMAGE_TEST=1"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/huitou-image.XXXXXX")
container= process=
finish() {
  [ -z "$process" ] || kill -KILL "$process" 2> /dev/null || true
  [ -z "$container" ] || builder rm $([ $tool = docker ] && echo -f) "$container" > /dev/null || true
  [ $tool != docker ] || docker volume rm -f "$(basename "$work")" > /dev/null
  rm -rf "$work"
}
trap finish EXIT
port=$(python3 tests/kafka/broker/ports.py free 1)
sed "s/0.0.0.0:8080/0.0.0.0:$port/" docker/huitou.yaml > "$work/huitou.yaml"

# A folder of the image's files on a read-only mount, in a mount namespace of its own; `exec` keeps
# the process id, so that what is ended below is huitou itself.
in_image() {
  exec unshare --mount bash -c '
    root=$1 work=$2; shift 2
    mount --bind "$root" "$root" && mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" &&
    mount -t tmpfs tmpfs "$root/tmp" && mount --bind "$work/state" "$root/var/lib/huitou" &&
    mount --bind "$work/huitou.yaml" "$root/etc/huitou/huitou.yaml" &&
    mount -o remount,ro,bind "$root" &&
    exec chroot --userspec=10001:10001 "$root" "$@"' bash "$root" "$work" "$@"
}

start_buildah() {
  container=$(builder from --pull-never "$image")
  root=$(builder mount "$container")
  megabytes=$(du -sm --exclude=proc "$root" | cut -f1)
  user=$(builder inspect --type image --format '{{.Docker.Config.User}}' "$image")
  health=$(builder inspect --type image --format '{{.Docker.Config.Healthcheck.Test}}' "$image")
  install -d -o 10001 -g 10001 "$work/state"
  (in_image huitou run --config /etc/huitou/huitou.yaml) > "$work/log" 2>&1 &
  process=$!
}
start_docker() {
  megabytes=$(($(docker image inspect --format '{{.Size}}' "$image") / 1000000))
  user=$(docker image inspect --format '{{.Config.User}}' "$image")
  health=$(docker image inspect --format '{{.Config.Healthcheck.Test}}' "$image")
  container=$(docker run -d --read-only --cap-drop ALL --tmpfs /tmp -p "127.0.0.1:$port:$port" \
    -v "$(basename "$work"):/var/lib/huitou" -v "$work/huitou.yaml:/etc/huitou/huitou.yaml:ro" "$image")
}
healthy() {
  if [ $tool = docker ]; then docker exec "$container" healthcheck "127.0.0.1:$port"
  else (in_image healthcheck "127.0.0.1:$port"); fi 2> /dev/null
}
status_of() {
  python3 - "$@" <<'P'
import sys, urllib.error, urllib.request
try:
    request = urllib.request.Request(sys.argv[1], data=sys.argv[2].encode() if len(sys.argv) > 2 else None)
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
P
}

start_$tool
[ "$megabytes" -lt $image_mb_max ] || fail "the image has $megabytes MB; $image_mb_max at most"
[ "$user" = 10001:10001 ] || fail "the image runs as '$user'"
[[ $health == *healthcheck* ]] || fail "the image has no HEALTHCHECK"

waited=0
until healthy; do
  [ $((waited += 1)) -le $wait_seconds_max ] || fail "not healthy in $wait_seconds_max s"
  [ -z "$process" ] || kill -0 "$process" 2> /dev/null || fail "huitou ended"
  sleep 1
done
base=http://127.0.0.1:$port
[ "$(status_of "$base/readyz")" = 200 ] || fail "/readyz does not say 200"
[ "$(status_of "$base/v1/events" '{}')" = 403 ] || fail "/v1/events lets a stranger in"
python3 -c 'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())' \
  "$base/metrics" > "$work/metrics"
"$(docker/prometheus.sh promtool)" check metrics < "$work/metrics" || fail "/metrics is not clean"

if [ $tool = docker ]; then
  docker stop -t 30 "$container" > /dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
else
  kill -TERM "$process"
  code=0; wait "$process" || code=$?
  process=
  [ -n "$(ls -A "$work/state")" ] || fail "no state in the volume"
fi
[ "$code" = 0 ] || fail "exit code $code on SIGTERM"
echo "image_test: passed, $megabytes MB by $tool"
