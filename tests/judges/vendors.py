"""The vendors' own libraries, of the versions in vendors.txt.

    vendors.fetch()    puts them first on sys.path; ends the test as skipped where they can neither
                       be found nor fetched

They are installed once into ~/.cache/huitou (HUITOU_CACHE); later runs need no network."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PINS = os.path.join(HERE, "vendors.txt")
SKIPPED = 77


def _folder():
    cache = os.environ.get("HUITOU_CACHE") or os.path.expanduser("~/.cache/huitou")
    os.makedirs(cache, exist_ok=True)
    with open(PINS, "rb") as pins:
        version = hashlib.sha256(pins.read()).hexdigest()[:12]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache, os.path.join(cache, f"vendors-{version}-python{python}")


def fetch():
    cache, folder = _folder()
    with open(os.path.join(cache, "vendors.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            print("vendors: fetching the vendors' libraries by pip", file=sys.stderr)
            fresh = tempfile.mkdtemp(prefix="vendors-new.", dir=cache)
            done = subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                 "--retries", "2", "--disable-pip-version-check",
                 "--root-user-action=ignore", "--target", fresh,
                 "--requirement", PINS], capture_output=True, text=True)
            if done.returncode != 0:
                shutil.rmtree(fresh, ignore_errors=True)
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                print(f"skipped: pip could not fetch the vendors' libraries: {reason}")
                sys.exit(SKIPPED)
            os.rename(fresh, folder)
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = folder  # for the judges that are processes of their own
