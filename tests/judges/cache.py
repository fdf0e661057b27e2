"""What judges fetch once into ~/.cache/huitou (HUITOU_CACHE), so that later runs need no network.

    folder = cache.folder("prism-1234", fill)    fill(empty folder) is called where it is not there
    cache.of_python("vendors", pins, "them")     the packages of PyPI that a file pins
    cache.skip("there is no network")            ends the test as skipped

A fill cannot ask for another folder: the caller has what it needs before."""

import fcntl
import functools
import hashlib
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def last_line(text):
    return (text.strip().splitlines() or ["no reason given"])[-1]


def folder(name, fill):
    """Of this name, whole or not at all; one process fills it, others wait."""
    cache = os.environ.get("HUITOU_CACHE") or os.path.expanduser("~/.cache/huitou")
    os.makedirs(cache, exist_ok=True)
    wanted = os.path.join(cache, name)
    with open(os.path.join(cache, "judges.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(wanted):
            with tempfile.TemporaryDirectory(prefix="judges-new.", dir=cache) as fresh:
                filled = os.path.join(fresh, "filled")
                os.mkdir(filled)
                fill(filled)
                os.rename(filled, wanted)
    return wanted


def version_of(pins):
    with open(pins, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


def _pip_install(pins, what, options, folder):
    print(f"judges: fetching {what} by pip", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "2",
         "--disable-pip-version-check", "--root-user-action=ignore", "--target", folder,
         "--requirement", pins, *options], capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"pip could not fetch {what}: {last_line(done.stderr)}")


def of_python(name, pins, what, *options):
    """The folder of what `pins` says and nothing else, for this Python."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return folder(f"{name}-{version_of(pins)}-{python}",
                  functools.partial(_pip_install, pins, what, options))
