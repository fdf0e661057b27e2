#!/bin/bash
# Exit 0 when huitou answers on /healthz: healthcheck [HOST:PORT [PATH]]. The image has no curl.
address=${1:-127.0.0.1:8080}
path=${2:-/healthz}
exec 3<> "/dev/tcp/${address%:*}/${address##*:}" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$address" >&3
read -r -t 4 _ status _ <&3
[ "$status" = 200 ]
