#!/usr/bin/env python3
"""The house's order, proven from the text of the sources.

    tests/floors/floors.py [ROOT]

Prints `file:line: error: what; what to do instead` for every breach and exits 1 if there is one.

1. A file includes its own floor and those below it, by its path from the root.
2. Floors 0 to 2 ask no clock, start no thread and open no socket; floor 0 does no I/O at all.
3. A header says first what it is, and has #pragma once; no file passes 600 lines; nothing is
   left to be done later.
"""
import os
import re
import subprocess
import sys

FLOORS = {"triggers": 0, "config": 1, "channels": 2, "daemon": 3, "tests": 4, "bench": 4}
FILE_LINES_MAX = 600

# (highest floor that the ban holds for, what is banned, what to do instead).
CLOCK = "let floor 3 read the clock and pass `now` down"
THREAD = "threads belong to daemon/"
INPUT_OUTPUT = "take and return values; daemon/ does the I/O"
DICE = "chance is a salted hash here (triggers/base/hash.h)"
INCLUDE_BANS = [
    (2, r"<(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore)>", THREAD),
    (2, r"<(curl/|httplib\.h|nghttp2/|boost/(asio|beast)|librdkafka/|rocksdb/|prometheus/|spdlog/"
        r"|sys/socket\.h)",
     "sockets, stores, metrics and logs belong to daemon/"),
    (2, r"<random>", DICE),
    (2, r"<iostream>", INPUT_OUTPUT),
    (0, r"<(fstream|filesystem|unistd\.h|fcntl\.h|sys/stat\.h)>", INPUT_OUTPUT),
    (0, r"<(yaml-cpp/|CLI/)", "YAML and the command line belong to the floors above"),
]
CODE_BANS = [
    (2, r"\b(?:system_clock|steady_clock|high_resolution_clock)\b", CLOCK),
    (2, r"\b(?:gettimeofday|clock_gettime)\b|\btime\s*\(\s*(?:nullptr|NULL|0|&)|\bstd::time\s*\(",
     CLOCK),
    (2, r"\b(?:std::thread|std::jthread|pthread_create|sleep_for|usleep)\b", THREAD),
    (2, r"\b(?:random_device|mt19937(?:_64)?|s?rand)\s*\(|\bstd::(?:random_device|mt19937\w*)", DICE),
    (2, r"\b(?:getenv|secure_getenv)\s*\(", "let daemon/ read the environment and pass values down"),
    (0, r"\bthread_local\b", "the core has no state of its own; pass it in"),
    (0, r"\bstd::(?:cout|cerr|clog|cin)\b|\b(?:printf|puts|putchar|fopen|fputs|fwrite)\s*\(|\bstdout\b",
     INPUT_OUTPUT),
]


def source_files(root):
    """Paths from root of every tracked or new source file."""
    try:
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
            check=True, capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = [os.path.relpath(os.path.join(folder, name), root)
                  for top in FLOORS for folder, _, names in os.walk(os.path.join(root, top))
                  for name in names]
    return sorted(path for path in set(listed)
                  if path.endswith((".h", ".cc")) and path.split("/")[0] in FLOORS
                  and os.path.isfile(os.path.join(root, path)))


def without_comments_and_strings(text):
    """The same lines with comments and the insides of literals blanked."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"'
        r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def include_breach(path, floor, target):
    """Why the quoted include `target` is wrong in `path`, or None."""
    top = target.split("/")[0]
    if top not in FLOORS:
        return f'"{target}" is not a path from the root; write it as folder/.../{target}'
    if FLOORS[top] <= floor:
        return None
    return (f"{path} is on floor {floor} ({path.split('/')[0]}/) and may not include {target} "
            f"(floor {FLOORS[top]}); move what it needs down, or this file up")


def breaches(path, text):
    """All (line, message) of one file."""
    floor = FLOORS[path.split("/")[0]]
    raw_lines = text.splitlines()
    for number, line in enumerate(raw_lines, 1):
        quoted = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if quoted and (why := include_breach(path, floor, quoted.group(1))):
            yield number, why
        angled = re.match(r"\s*#\s*include\s*(<[^>]+>)", line)
        for highest, pattern, instead in INCLUDE_BANS:
            if angled and floor <= highest and re.match(pattern, angled.group(1)):
                yield number, f"{angled.group(1)} is banned on floor {floor}; {instead}"
        if re.search(r"//.*\b(?:TODO|FIXME|XXX)\b", line):
            yield number, "something is left to be done; do it, or file it where work is kept"
    for number, line in enumerate(without_comments_and_strings(text).splitlines(), 1):
        for highest, pattern, instead in CODE_BANS:
            if floor <= highest and (found := re.search(pattern, line)):
                yield number, f"{found.group().strip(' (')} is banned on floor {floor}; {instead}"
    if path.endswith(".h"):
        if not text.startswith("//"):
            yield 1, "a header says first what it is; open it with a comment"
        if not re.search(r"^#pragma once$", text, re.M):
            yield 1, "#pragma once is missing"
    if len(raw_lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX, f"{len(raw_lines)} lines; a file has {FILE_LINES_MAX} at most, split it"


def judge(name, find):
    """Prints what `find(path, texts of all sources)` finds in each source; the exit code."""
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../..")
    texts = {}
    for path in source_files(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            texts[path] = file.read()
    count = 0
    for path in texts:
        for number, message in find(path, texts):
            print(f"{path}:{number}: error: {message}")
            count += 1
    print(f"{name}: {len(texts)} files, {count} breaches")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(judge("floors", lambda path, texts: breaches(path, texts[path])))
