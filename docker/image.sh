#!/bin/bash
# make image: builds huitou:latest with docker where a daemon answers, else with buildah.
#   docker/image.sh [--print]     --print: only says which of the two it would be
# HUITOU_IMAGE names the image, HUITOU_BASE_IMAGE its base (docker: debian:13-slim; buildah: made
# from Debian's packages by base-image.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
image=${HUITOU_IMAGE:-localhost/huitou:latest}

if docker info > /dev/null 2>&1; then tool=docker; else tool=buildah; fi
if [ "${1-}" = --print ]; then echo $tool; exit; fi

if [ $tool = docker ]; then
  DOCKER_BUILDKIT=1 docker build -f docker/Dockerfile -t "$image" \
    --build-arg BASE="${HUITOU_BASE_IMAGE:-debian:13-slim}" .
  exit
fi
docker/packages/install.sh image
base=${HUITOU_BASE_IMAGE-}
if [ -z "$base" ]; then
  docker/base-image.sh
  base=localhost/huitou-base:13
fi
# Works inside containers too: no mount of overlays, no namespaces.
buildah --storage-driver "${STORAGE_DRIVER:-vfs}" bud --isolation chroot --format docker \
  --layers=false --build-arg BASE="$base" -f docker/Dockerfile -t "$image" .
