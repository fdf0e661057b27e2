#!/usr/bin/env python3
"""Follows docs/guide/adding-a-channel.md word for word in a copy of the sources: what it shows is put
where it says, what it says to run is run, and nothing else is touched. Then the new channel is broken
in the ways that matter, and the conformance suite must notice each.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUIDE = "docs/guide/adding-a-channel.md"
CHANNEL = "channels/ntfy.cc"
TOUCHED = {CHANNEL, "channels/registry.cc", "tests/channels/cases.cc",
           "docs/reference/channels/ntfy.md"}
# What is broken, by what it was and what it becomes.
BREAKS = {
    "everything is accepted": ('if (ValueOf(body, "event") != "message" ||', "if (false &&"),
    "the text is not sent": ('.Add("message", message.text)', '.Add("message", "hello")'),
    "the text gets out of its place": ('.Add("message", message.text)',
                                       '.AddRaw("message", "\\"" + message.text + "\\"")'),
    "the dispatch is not sent": ("message.dispatch.ToString()", '"1"'),
    "a secret in the body": ('.Add("message"', '.Add("token", token_).Add("message"'),
    "a setting is not looked at": ('starts_with("tk_")', 'starts_with("")'),
}


def sections(text):
    """(language, lines) of each fenced block."""
    return [(language, body.split("\n")[:-1])
            for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)]


def replace_once(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count(old) == 1, f"{path}: {text.count(old)} times:\n{old}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def apply(folder, language, lines):
    if language == "cpp" and lines[0].startswith("// channels/"):
        with open(os.path.join(folder, lines[0][3:]), "x", encoding="utf-8") as file:
            file.write("\n".join(lines[1:]) + "\n")
    elif language == "diff":
        path = os.path.join(folder, lines[0].removeprefix("--- "))
        old = [line[1:] for line in lines[1:] if line[:1] != "+"]
        new = [line[1:] for line in lines[1:] if line[:1] != "-"]
        replace_once(path, "\n".join(old) + "\n", "\n".join(new) + "\n")


def run(folder, command, **more):
    return subprocess.run(command, cwd=folder, shell=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace", **more)


def must(folder, command):
    done = run(folder, command)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def copy_of_the_sources(folder):
    listed = must(ROOT, "git ls-files -co --exclude-standard").splitlines()
    for name in listed:
        if os.path.exists(os.path.join(ROOT, name)):
            os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, name), os.path.join(folder, name))
    must(folder, "git init -q . && git add -A && git -c user.name=x -c user.email=x@example.com "
                 "commit -qm before")


def main():
    with open(os.path.join(ROOT, GUIDE), encoding="utf-8") as file:
        guide = sections(file.read())
    commands = [line for language, lines in guide if language == "sh" for line in lines]
    with tempfile.TemporaryDirectory(prefix="huitou-channel-") as folder:
        copy_of_the_sources(folder)
        must(folder, "cmake --preset release")
        for language, lines in guide:
            apply(folder, language, lines)
        for command in commands:
            must(folder, command)
        touched = {line[3:] for line in must(folder, "git status --short -uall").splitlines()}
        assert touched == TOUCHED, f"{GUIDE} touches {touched}"
        if shutil.which("clang-format-14"):
            must(folder, ".ci/format")
        with open(os.path.join(folder, "try.yaml"), "w", encoding="utf-8") as file:
            file.write("state: {dir: state}\ncampaigns: []\nsources: [{http: {name: api}}]\n"
                       "channels:\n  push: {provider: ntfy, recipient: ntfy_topic, token: env:NONE,\n"
                       "         endpoint: nowhere}\n")
        said = run(folder, "build/release/huitou check try.yaml").stdout
        assert "try.yaml:6:20: error:" in said, said
        build, *_, suite = commands
        for what, (good, bad) in BREAKS.items():
            replace_once(os.path.join(folder, CHANNEL), good, bad)
            must(folder, build)
            assert run(folder, suite).returncode == 1, f"the suite does not notice: {what}"
            replace_once(os.path.join(folder, CHANNEL), bad, good)
            print(f"noticed: {what}", flush=True)


main()
