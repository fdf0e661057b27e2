#!/usr/bin/env python3
"""The documentation is complete and its links hold: every word that a user can meet is in
docs/reference, every command and option is in cli.md, and the README in Chinese follows the other.

    tests/docs/docs_test.py build/release/huitou

Only Python's standard library.
"""

import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED_FOLDERS = {".git", "build", "var", "node_modules"}
BINARY = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else \
    os.path.join(ROOT, "build", "release", "huitou")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def pages():
    """Every Markdown file of the project, relative to its root."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in files:
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def reference():
    return "\n".join(read(page) for page in sorted(pages()) if page.startswith("docs/reference/"))


def words_of(source, table):
    """The strings of a C++ table, `table = {"a", "b"};`."""
    match = re.search(re.escape(table) + r"[^=;]*=\s*\{(.*?)\};", source, re.S)
    assert match, f"no table {table}; has it been renamed?"
    return [word for word in re.findall(r'"([^"]*)"', match.group(1)) if word]


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def code_blocks(text):
    return re.findall(r"^```[^\n]*\n.*?^```", text, re.S | re.M)


def without_shell_comments(block):
    return re.sub(r"\s+# .*", "", block)


def headings(text):
    return re.findall(r"^(#+) (.*)", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)


def anchor(heading):
    """As GitHub makes it: lower case, blanks as '-', other signs left out."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


class Reference(unittest.TestCase):
    def test_every_reason_and_outcome_is_explained(self):
        source = read("triggers", "decision.cc")
        page = read("docs", "reference", "decisions.md")
        for word in words_of(source, "kOutcomeWords") + words_of(source, "kReasonWords"):
            self.assertIn(f"| `{word}` |", page, "docs/reference/decisions.md lacks a row")

    def test_the_gates_are_listed_in_the_order_in_which_they_are_asked(self):
        reasons = re.findall(r"\{Reason::k(\w+), &", read("triggers", "gates.cc"))
        words = [re.sub(r"(?<!^)([A-Z])", r"_\1", reason).lower() for reason in reasons]
        rows = re.findall(r"^\| `(\w+)` \| (?:at entry|each)", read("docs", "reference",
                                                                  "decisions.md"), re.M)
        self.assertEqual(rows, words)

    def test_every_reason_of_a_refused_event_is_explained(self):
        names = re.search(r"enum class EventError[^{]*\{(.*?)\}", read("triggers", "event.h"), re.S)
        for name in re.findall(r"k(\w+)", names.group(1)):
            word = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
            if word != "none":
                self.assertIn(f"| `{word}` |", read("docs", "reference", "decisions.md"))

    def test_every_exit_code_is_explained(self):
        codes = re.findall(r"kExit\w+ = (\d+)", read("daemon", "app", "setup.h"))
        self.assertGreater(len(codes), 3)
        for code in codes:
            self.assertRegex(read("docs", "reference", "cli.md"), rf"(?m)^\| {code} \| \w")

    def test_every_route_is_listed(self):
        source = read("daemon", "http", "api.cc") + read("daemon", "http", "public_routes.cc")
        routes = re.findall(r'\{"(GET|POST|DELETE|PUT)", "([^"]+)"', source)
        self.assertGreater(len(routes), 10)
        for method, path in routes:
            self.assertIn(f"| `{method} {path}` |", read("docs", "reference", "http.md"))

    def test_every_alert_says_what_to_do(self):
        for alert in re.findall(r"alert: (\w+)", read("docker", "prometheus", "alerts.yml")):
            self.assertIn(f"| {alert} |", read("docs", "guide", "operating.md"))


class CommandLine(unittest.TestCase):
    def help(self, *command):
        run = subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True,
                             timeout=60, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_every_command_and_option_is_on_its_page(self):
        listed = self.help().split("Subcommands:")[1]
        commands = re.findall(r"^  ([a-z]+)\b", listed, re.M)
        self.assertGreater(len(commands), 5)
        sections = re.split(r"^## ", read("docs", "reference", "cli.md"), flags=re.M)
        for command in commands:
            own = [part for part in sections
                   if re.search(rf"\bhuitou {command}\b", part.split("\n")[0])]
            self.assertEqual(len(own), 1, f"cli.md needs one section about huitou {command}")
            for option in re.findall(r"--[a-z-]+", self.help(command)):
                place = read("docs", "reference", "cli.md") if option == "--help" else own[0]
                self.assertIn(option, place, f"cli.md lacks it at huitou {command}")


class Links(unittest.TestCase):
    def test_every_relative_link_leads_somewhere(self):
        for page in pages():
            for target in re.findall(r"\]\(([^)\s]+)\)", without_code(read(page))):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, fragment = target.partition("#")
                there = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                with self.subTest(page=page, link=target):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, there)), "no such file")
                    if fragment:
                        names = [anchor(text) for _, text in headings(read(there))]
                        self.assertIn(fragment, names)


class ChineseReadme(unittest.TestCase):
    def setUp(self):
        self.english = read("README.md")
        self.chinese = read("README.zh-CN.md")

    def test_it_has_the_same_headings(self):
        levels = [[level for level, _ in headings(text)] for text in (self.english, self.chinese)]
        self.assertEqual(levels[0], levels[1])

    def test_it_has_the_same_code(self):
        blocks = [[without_shell_comments(block) for block in code_blocks(text)]
                  for text in (self.english, self.chinese)]
        self.assertEqual(blocks[0], blocks[1])

    def test_it_links_to_the_same_pages(self):
        links = [sorted(re.findall(r"\]\((docs/[^)]+)\)", text))
                 for text in (self.english, self.chinese)]
        self.assertEqual(links[0], links[1])


if __name__ == "__main__":
    unittest.main()
