"""What judges fetch once into ~/.cache/huitou (HUITOU_CACHE), so that later runs need no network.

    folder = cache.folder("prism-1234", fill)    fill(empty folder) is called where it is not there
    cache.skip("node is not installed")          ends the test as skipped
"""

import fcntl
import os
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
