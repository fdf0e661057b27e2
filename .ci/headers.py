#!/usr/bin/env python3
"""Every header compiles alone: .ci/headers.py [-j JOBS]. What passed once is not compiled again
until it, something that it includes, the flags or the compiler changes."""
import argparse
import hashlib
import os
import subprocess
import sys

import sources


def flags_by_folder(commands):
    """Folder -> compiler words of some file there, for a header has no command of its own."""
    result = {}
    for path, words in sorted(commands.items()):
        result.setdefault(os.path.dirname(path), words)
    return result


def flags_for(header, folders, fallback):
    folder = os.path.dirname(header)
    while folder:
        if folder in folders:
            return folders[folder]
        folder = os.path.dirname(folder)
    return fallback


def compile_alone(header, words):
    def judge():
        done = subprocess.run(
            words + ["-fsyntax-only", "-x", "c++", "-include", header, "/dev/null"],
            cwd=sources.ROOT, capture_output=True, text=True, check=False)
        return done.returncode == 0, f"{header}: error: does not compile alone\n{done.stderr}"
    return judge


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=os.cpu_count())
    jobs = parser.parse_args().j
    commands = sources.commands()
    folders, hashes = flags_by_folder(commands), sources.Hashes()
    fallback = next(iter(commands.values()), ["c++", "-std=c++20", f"-I{sources.ROOT}"])
    version = subprocess.run([fallback[0], "--version"], capture_output=True, text=True,
                             check=True).stdout
    tasks = []
    for header in sources.listed(".h"):
        words = flags_for(header, folders, fallback)
        key = hashlib.sha256(
            repr((version, words, hashes.closure(header))).encode()).hexdigest()
        tasks.append((header, key, compile_alone(header, words)))
    return sources.run_all("headers", jobs, tasks)


if __name__ == "__main__":
    sys.exit(main())
