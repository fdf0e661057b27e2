#!/bin/bash
# Makes the base image localhost/huitou-base:13 from Debian's own packages, for machines that reach
# no image registry: docker/base-image.sh. Root and debootstrap are needed. As slim as Debian's slim
# images: no documentation, no translations, no package lists. Does nothing where it is already there.
set -euo pipefail
name=localhost/huitou-base:13
mirror=${HUITOU_DEBIAN_MIRROR:-http://deb.debian.org/debian}
storage=(--storage-driver "${STORAGE_DRIVER:-vfs}")

if buildah "${storage[@]}" inspect --type image "$name" > /dev/null 2>&1; then exit 0; fi
[ "$(id -u)" = 0 ] || { echo "base-image.sh: debootstrap needs root" >&2; exit 3; }

root=$(mktemp -d "${TMPDIR:-/var/tmp}/huitou-base.XXXXXX")
container=
finish() {
  [ -z "$container" ] || buildah "${storage[@]}" rm "$container" > /dev/null
  rm -rf "$root"
}
trap finish EXIT

echo "base-image.sh: Debian 13 by debootstrap" >&2
debootstrap --variant=minbase --include=ca-certificates trixie "$root/debian" "$mirror" > "$root/log" 2>&1 ||
  { tail -5 "$root/log" >&2; exit 3; }
cat > "$root/debian/etc/dpkg/dpkg.cfg.d/slim" <<'E2'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
E2
cd "$root/debian"
find usr/share/doc -mindepth 1 ! -type d ! -name copyright -delete
rm -rf usr/share/man/* usr/share/info/* usr/share/locale/* usr/share/lintian/* \
  var/cache/apt/* var/lib/apt/lists/* var/log/* var/cache/debconf/*-old
cd - > /dev/null

container=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" add --quiet "$container" "$root/debian" / > /dev/null
buildah "${storage[@]}" config --cmd bash "$container"
buildah "${storage[@]}" commit --quiet "$container" "$name" > /dev/null
echo "base-image.sh: $name" >&2
