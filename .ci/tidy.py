#!/usr/bin/env python3
"""clang-tidy over the sources of floors 0 to 3, or over FILEs: .ci/tidy.py [-j JOBS] [FILE...].

What passed once is not looked at again until it, something that it includes, its flags, .clang-tidy
or the tool changes. Tests are left to the compilers and the sanitizers: looking at GoogleTest's
headers again and again would cost more time than all the rest.
"""
import argparse
import json
import os
import subprocess
import sys

import sources

# Silences meant for GCC, by names that clang does not know.
DROPPED = "-Wno-"


def write_database(commands):
    """clang-tidy's own compile_commands.json: no launcher, no words that it cannot read."""
    folder = os.path.join(sources.ROOT, "build", "tidy")
    os.makedirs(folder, exist_ok=True)
    entries = [{"directory": sources.BUILD, "file": os.path.join(sources.ROOT, path),
                "arguments": words + ["-c", os.path.join(sources.ROOT, path)]}
               for path, words in commands.items()]
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(entries, file)
    return folder


def look_at(path, database):
    def judge():
        done = subprocess.run(["clang-tidy", "--quiet", "-p", database, path],
                              cwd=sources.ROOT, capture_output=True, text=True, check=False)
        passed = done.returncode == 0 and "warning:" not in done.stdout
        return passed, done.stdout or done.stderr
    return judge


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()

    commands = {path: [word for word in words if not word.startswith(DROPPED)]
                for path, words in sources.commands().items()
                if not path.startswith(("build", ".."))}
    database, hashes = write_database(commands), sources.Hashes()
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True,
                             check=True).stdout
    with open(os.path.join(sources.ROOT, ".clang-tidy"), encoding="utf-8") as file:
        settings = file.read()

    tasks = []
    product = [path for path in sources.listed(".cc")
               if path in commands and not path.startswith(("tests/", "bench/"))]
    for path in arguments.files or product:
        key = sources.key(version, settings, commands[path], hashes.closure(path))
        tasks.append((path, key, look_at(path, database)))
    return sources.run_all("tidy", arguments.j, tasks)


if __name__ == "__main__":
    sys.exit(main())
