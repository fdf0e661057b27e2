"""The project's C++ files, how each is compiled, and a hash of all that its meaning depends on.

Shared by headers.py and tidy.py, which remember by that hash what they have already judged.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
BUILD = os.path.join(ROOT, "build", "release")
CACHE = os.environ.get("HUITOU_CACHE", os.path.expanduser("~/.cache/huitou"))


def listed(*suffixes):
    """Tracked and new files, from the root, that end so."""
    output = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(output.splitlines())
                  if path.endswith(suffixes) and os.path.isfile(os.path.join(ROOT, path)))


class Hashes:
    """Content hashes of files together with every project file that they include."""

    def __init__(self):
        self.closures = {}

    def _includes(self, path):
        if path.endswith(".pb.h"):  # written by protoc from this
            path = path[:-len(".pb.h")] + ".proto"
        try:
            with open(os.path.join(ROOT, path), "rb") as file:
                content = file.read()
        except OSError:
            return b"", []
        names = re.findall(rb'^\s*#\s*include\s*"([^"]+)"', content, re.M)
        return content, [name.decode() for name in names]

    def closure(self, path):
        """Hash of path and of all that it includes, however deep."""
        if path in self.closures:
            return self.closures[path]
        seen, waiting, digest = {path}, [path], hashlib.sha256()
        parts = []
        while waiting:
            content, names = self._includes(current := waiting.pop())
            parts.append((current, hashlib.sha256(content).hexdigest()))
            for name in names:
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        for part in sorted(parts):
            digest.update(repr(part).encode())
        self.closures[path] = digest.hexdigest()
        return self.closures[path]


def commands():
    """Path from the root -> compiler arguments, without launcher, output and input."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    result = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        words = shlex.split(entry["command"])
        at = next((i for i, word in enumerate(words) if os.path.basename(word) == "ccache"), -1)
        del words[:at + 1]
        if "-o" in words:
            at = words.index("-o")
            del words[at:at + 2]
        result[path] = [word for word in words if word not in ("-c", entry["file"])]
    return result


def key(*parts):
    """A hash of all that a verdict rests on; the folder of this clone is no part of it."""
    return hashlib.sha256(repr(parts).replace(ROOT, ".").encode()).hexdigest()


def remembered(folder, key, judge):
    """judge() -> (passed, output), unless a pass is remembered under key."""
    mark = os.path.join(CACHE, folder, key)
    if os.path.exists(mark):
        os.utime(mark)
        return True, "", True
    passed, output = judge()
    if passed:
        os.makedirs(os.path.dirname(mark), exist_ok=True)
        with open(mark, "w", encoding="utf-8"):
            pass
    return passed, output, False


def run_all(name, jobs, tasks):
    """Runs [(label, key, judge)] on `jobs` threads, prints the failures; returns the exit code."""
    failures = fresh = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for passed, output, known in pool.map(lambda task: remembered(name, *task[1:]), tasks):
            fresh += not known
            if not passed:
                failures += 1
                print(output.rstrip(), flush=True)
    print(f"{name}: {len(tasks)} files ({fresh} not seen before), {failures} with errors")
    return 1 if failures else 0
