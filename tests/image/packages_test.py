#!/usr/bin/env python3
"""The lists in docker/packages/ are complete: docs/dependencies.md explains every package in them,
and what this machine's release would install to run Huitou holds every library that the binary
asks for. The second part is skipped while there is no binary."""
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PACKAGES = os.path.join(ROOT, "docker", "packages")
# In every Debian that runs a C++ program; they come with any of our libraries.
ALWAYS_THERE = {"libc6", "libgcc-s1", "libstdc++6"}


def names(*lists):
    found = set()
    for name in lists:
        with open(os.path.join(PACKAGES, name), encoding="utf-8") as file:
            found |= {line.strip() for line in file if line.strip() and not line.startswith("#")}
    return found


def unexplained():
    with open(os.path.join(ROOT, "docs", "dependencies.md"), encoding="utf-8") as file:
        explained = set(re.findall(r"[a-z0-9][a-z0-9+.-]+", file.read()))
    lists = [name for name in sorted(os.listdir(PACKAGES))
             if not name.startswith("run") and "." not in name]
    return [f"docs/dependencies.md does not say why {name} is there"
            for name in sorted(names(*lists) - explained)]


def packages_of_libraries(binary):
    """Debian package -> library, of what the binary itself asks for."""
    listed = subprocess.run(["readelf", "-d", binary], check=True, capture_output=True, text=True)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", listed.stdout))
    paths = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    packages = {}
    for library, path in re.findall(r"(\S+) => (/\S+)", paths):
        if library not in needed:
            continue
        # dpkg knows files by the names they were packed under, before /lib became /usr/lib.
        for candidate in (path, os.path.realpath(path), "/usr" + path):
            owner = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True,
                                   check=False).stdout
            if owner:
                packages[owner.split(":")[0]] = library
                break
    return packages


def not_installed(binary):
    with open("/etc/os-release", encoding="utf-8") as file:
        version = re.search(r'^VERSION_ID="?(\d+)', file.read(), re.M)
    listed = names(f"run-{version.group(1) if version else 13}")
    return [f"docker/packages/run-*: {package} is missing; the binary needs its {library}"
            for package, library in sorted(packages_of_libraries(binary).items())
            if package not in listed | ALWAYS_THERE]


def main():
    mistakes = unexplained()
    binary = os.path.join(os.environ.get("HUITOU_BUILD_DIR", os.path.join(ROOT, "build/release")),
                          "huitou")
    if os.path.exists(binary):
        mistakes += not_installed(binary)
    else:
        print(f"no {binary}: its libraries are not looked at")
    for mistake in mistakes:
        print(f"error: {mistake}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
