#!/usr/bin/env python3
"""Every header compiles alone: .ci/headers.py [-j JOBS]. What passed once is not compiled again
until it, something that it includes, the flags or the compiler changes."""
import argparse
import os
import subprocess
import sys

import sources


def common_words(commands):
    """One compiler call that finds what any of the files finds: a header has no command of its
    own."""
    words = list(next(iter(commands.values()), ["c++", "-std=c++20", f"-I{sources.ROOT}"]))
    for other in commands.values():
        for at, word in enumerate(other):
            if word == "-isystem" and other[at + 1] not in words:
                words += [word, other[at + 1]]
            elif word.startswith("-I") and word not in words:
                words.append(word)
            elif word.startswith("-D"):  # one value each: a header may only need it to be there
                if not any(known.split("=")[0] == word.split("=")[0] for known in words):
                    words.append(word)
    return words


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
    words, hashes = common_words(sources.commands()), sources.Hashes()
    version = subprocess.run([words[0], "--version"], capture_output=True, text=True,
                             check=True).stdout
    tasks = []
    for header in sources.listed(".h"):
        key = sources.key(version, sorted(words), hashes.closure(header))
        tasks.append((header, key, compile_alone(header, words)))
    return sources.run_all("headers", jobs, tasks)


if __name__ == "__main__":
    sys.exit(main())
