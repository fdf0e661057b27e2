#!/usr/bin/env python3
"""Proves that floors.py catches what it is there to catch, and nothing else."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import floors  # noqa: E402
import standard_headers  # noqa: E402

HEADER = "// What it is.\n#pragma once\n"


def messages(path, text):
    return [message for _, message in floors.breaches(path, text)]


class Floors(unittest.TestCase):
    def assert_breach(self, path, text, part):
        found = messages(path, text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def assert_clean(self, path, text):
        self.assertEqual(messages(path, text), [])

    def test_a_lower_floor_may_not_include_a_higher_one(self):
        for path, target in [("triggers/a.cc", "config/b.h"), ("triggers/cel/a.cc", "daemon/x/b.h"),
                             ("config/a.cc", "channels/b.h"), ("channels/a.cc", "daemon/b.h"),
                             ("daemon/a.cc", "tests/b.h")]:
            self.assert_breach(path, f'#include "{target}"\n', "may not include " + target)

    def test_a_floor_may_include_itself_and_what_is_below(self):
        for path, target in [("triggers/a.cc", "triggers/cel/b.h"), ("channels/a.cc", "config/b.h"),
                             ("daemon/a.cc", "triggers/b.h"), ("tests/a_test.cc", "daemon/b.h")]:
            self.assert_clean(path, f'#include "{target}"\n')

    def test_an_include_is_a_path_from_the_root(self):
        self.assert_breach("triggers/a.cc", '#include "b.h"\n', "not a path from the root")

    def test_the_line_number_is_that_of_the_breach(self):
        found = list(floors.breaches("triggers/a.cc", '\n\n#include <mutex>\n'))
        self.assertEqual([number for number, _ in found], [3])

    def test_the_core_may_not_include_the_world(self):
        for header in ["thread", "mutex", "fstream", "iostream", "random", "filesystem",
                       "rocksdb/db.h", "curl/curl.h", "nghttp2/nghttp2.h", "boost/beast/http.hpp",
                       "yaml-cpp/yaml.h", "spdlog/spdlog.h"]:
            self.assert_breach("triggers/a.cc", f"#include <{header}>\n", "is banned on floor 0")
            self.assert_clean("daemon/a.cc", f"#include <{header}>\n")

    def test_the_core_may_not_ask_the_world(self):
        for code in ["auto t = std::chrono::system_clock::now();", "steady_clock::now();",
                     "time(nullptr);", "std::time(&t);", 'getenv("X");', 'printf("x");',
                     "std::cout << 1;", "fputs(x, stdout);", "thread_local int x;", "rand();",
                     "std::mt19937_64 dice;", "std::thread worker;"]:
            self.assert_breach("triggers/a.cc", code + "\n", "is banned on floor 0")

    def test_channels_have_no_clock_either(self):
        self.assert_breach("channels/a.cc", "system_clock::now();\n", "pass `now` down")

    def test_what_only_looks_like_a_breach_is_none(self):
        for code in ["// system_clock::now() is floor 3's", '"printf( getenv( <mutex>"',
                     'R"(std::cout)"', "std::snprintf(out, size, format);", "event.time();",
                     "int operand(int x);", "/* time(nullptr)\n rand() */", "'\"'; x = '\"';",
                     "std::fprintf(stderr, format);", "Timestamp time() const;"]:
            self.assert_clean("triggers/a.cc", code + "\n")

    def test_a_header_opens_with_its_purpose_and_is_included_once(self):
        self.assert_clean("triggers/a.h", HEADER)
        self.assert_breach("triggers/a.h", "#pragma once\n// What it is.\n", "says first what it is")
        self.assert_breach("triggers/a.h", "// What it is.\n", "#pragma once is missing")

    def test_nothing_is_left_for_later_and_no_file_is_endless(self):
        self.assert_breach("daemon/a.cc", "// TO" + "DO: later\n", "left to be done")
        self.assert_breach("daemon/a.cc", "\n" * 601, "600 at most")

    def test_a_standard_name_needs_its_header_however_it_is_reached(self):
        sources = {"config/a.h": "#include <cstdint>\n",
                   "config/b.h": '#include "config/a.h"\nuint64_t reached;\n',
                   "config/c.h": "#include <vector>\n// int64_t\nstd::vector<int64_t> lost;\n"}
        self.assertEqual(list(standard_headers.missing("config/b.h", sources)), [])
        self.assertEqual(list(standard_headers.missing("config/c.h", sources)), [(3, "cstdint")])

    def test_the_script_prints_the_place_and_exits_1(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "triggers"))
            with open(os.path.join(root, "triggers", "a.cc"), "w", encoding="utf-8") as file:
                file.write('#include "daemon/x.h"\n')
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floors.py")
            done = subprocess.run([sys.executable, script, root], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("triggers/a.cc:1: error: triggers/a.cc is on floor 0", done.stdout)


if __name__ == "__main__":
    unittest.main()
