#!/usr/bin/env python3
"""The documentation shows what really comes: every file that it tells the reader to write is
written, every `huitou` command that it shows is run, and its output compared.

    tests/docs/examples_test.py build/release/huitou
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-")
                         else os.path.join(ROOT, "build", "release", "huitou"))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def blocks(page):
    """(the line above, the text) of each fenced block."""
    for match in re.finditer(r"([^\n]*)\n\n```\w*\n(.*?)^```", read(page), re.S | re.M):
        yield match.group(1), match.group(2)


def commands(block):
    """(command, output) of each `$ ` line."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        line, _, output = part.partition("\n")
        yield line, output


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="huitou-docs-")
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(os.path.join(ROOT, "config"), os.path.join(self.folder, "config"))
        os.mkdir(os.path.join(self.folder, "var"))
        self.campaign = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode="w"):
        with open(self.path(name), mode, encoding="utf-8") as file:
            file.write(text)

    def run_commands(self, page, block):
        ran = 0
        for line, output in commands(block):
            words = shlex.split(line, comments=True)
            if os.path.basename(words[0]) != "huitou" or words[1] in ("explain", "export", "erase"):
                continue
            with self.subTest(page=page, command=line):
                done = subprocess.run([BINARY, *words[1:]], cwd=self.folder, text=True, check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(done.stdout, output)
            ran += 1
        return ran

    def follow(self, page):
        """Does what the page says, in its order; the number of commands run."""
        ran = 0
        for above, block in blocks(page):
            names = re.findall(r"`((?:var|config)/[\w./-]+\.\w+)`", above)
            if block.startswith("$ "):
                mistaken = above.startswith("Now make some")
                kept = self.make_mistakes() if mistaken else None
                ran += self.run_commands(page, block)
                if mistaken:
                    self.write(*kept)
            elif names:
                self.write(names[0], block)
                self.campaign = names[0] if names[0].endswith(".yaml") else self.campaign
            elif above.startswith("At the end of the same file"):
                self.write(self.campaign, block, "a")
        return ran

    def make_mistakes(self):
        name = "config/templates/second-order.zh-CN.mustache"
        with open(self.path(name), encoding="utf-8") as file:
            good = file.read()
        bad = good.replace("{{#name}}{{name}}，{{/name}}", "{{name}}，")
        self.write(name, bad.replace("{{coupon.value}}", "{{coupon.vale}}"))
        return name, good

    def test_the_readme_and_the_first_campaign(self):
        self.assertEqual(self.follow("README.md"), 3)
        self.assertEqual(self.follow("docs/guide/first-campaign.md"), 5)

    def test_the_conditions_that_the_command_line_page_evaluates(self):
        ran = sum(self.run_commands("cli.md", block) for _, block in blocks("docs/reference/cli.md")
                  if block.startswith("$ huitou eval"))
        self.assertEqual(ran, 2)


if __name__ == "__main__":
    unittest.main()
