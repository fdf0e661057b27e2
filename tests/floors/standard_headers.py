#!/usr/bin/env python3
"""A file that uses a name of the standard library includes its header, itself or through files of
ours. Another compiler's library brings other headers along, so what compiles on one Debian because
of <vector> does not on the next.

    tests/floors/standard_headers.py [ROOT]

Prints `file:line: error: what; what to do` for every name without its header; exit 1 if there is
one.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import floors  # noqa: E402

ALGORITHMS = """all_of any_of binary_search clamp copy count count_if equal equal_range fill find
    find_if lower_bound max max_element min min_element none_of nth_element partial_sort remove_if
    replace reverse rotate sort stable_sort transform unique upper_bound ranges::\\w+""".split()
NAMES = {
    "algorithm": r"std::(?:%s)\(" % "|".join(ALGORITHMS),
    "array": r"std::array<",
    "atomic": r"std::atomic\b",
    "bit": r"std::(?:bit_cast|bit_width|countl_zero|countr_zero|popcount)\b",
    "charconv": r"std::(?:from_chars|to_chars)\b",
    "chrono": r"std::chrono\b",
    "cmath": r"std::(?:ceil|fabs|floor|isfinite|isinf|isnan|log|pow|round|signbit|sqrt|trunc)\(",
    "condition_variable": r"std::condition_variable\b",
    "cstdint": r"\bu?int(?:8|16|32|64)_t\b",
    "cstdio": r"std::(?:fopen|fprintf|fputs|snprintf)\(",
    "cstdlib": r"std::(?:abort|getenv|strtod|strtol)\(",
    "cstring": r"std::(?:memcmp|memcpy|memset|strerror|strlen)\(",
    "deque": r"std::deque<",
    "exception": r"std::exception\b",
    "fstream": r"std::[io]fstream\b",
    "functional": r"std::function<",
    "iterator": r"std::(?:back_inserter|make_move_iterator)\b",
    "limits": r"std::numeric_limits\b",
    "map": r"std::map<",
    "memory": r"std::(?:make_shared|make_unique|shared_ptr|unique_ptr)<",
    "mutex": r"std::(?:lock_guard|mutex|unique_lock)\b",
    "numeric": r"std::accumulate\(",
    "optional": r"std::optional<",
    "set": r"std::set<",
    "span": r"std::span<",
    "sstream": r"std::[io]?stringstream\b",
    "string": r"std::string\b",
    "string_view": r"std::string_view\b",
    "thread": r"std::thread\b",
    "tuple": r"std::(?:make_tuple|tie|tuple)\b",
    "unordered_map": r"std::unordered_map<",
    "utility": r"std::(?:exchange|pair)\b",
    "variant": r"std::variant<",
    "vector": r"std::vector<",
}


def reached(path, sources, seen):
    """The standard headers that path includes, itself or through our own files."""
    if path in seen or path not in sources:
        return set()
    seen.add(path)
    headers = set(re.findall(r"^#include <([a-z_]+)>", sources[path], re.M))
    for ours in re.findall(r'^#include "([^"]+)"', sources[path], re.M):
        headers |= reached(ours, sources, seen)
    return headers


def missing(path, sources):
    """All (line, header) of one file."""
    headers = reached(path, sources, set())
    code = floors.without_comments_and_strings(sources[path])
    for header, pattern in NAMES.items():
        if header not in headers and (found := re.search(pattern, code)):
            yield code.count("\n", 0, found.start()) + 1, header


if __name__ == "__main__":
    sys.exit(floors.judge("standard_headers", lambda path, texts: (
        (line, f"this needs <{header}>; include it") for line, header in missing(path, texts))))
