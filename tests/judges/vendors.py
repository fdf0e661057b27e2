"""The vendors' own libraries, of the versions in vendors.txt.

    vendors.fetch()    puts them first on sys.path; ends the test as skipped where they can neither
                       be found nor fetched

They are installed once into ~/.cache/huitou (HUITOU_CACHE); later runs need no network."""

import hashlib
import os
import subprocess
import sys

import cache

PINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendors.txt")


def _install(folder):
    print("vendors: fetching the vendors' libraries by pip", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "2",
         "--disable-pip-version-check", "--root-user-action=ignore", "--target", folder,
         "--requirement", PINS], capture_output=True, text=True)
    if done.returncode != 0:
        cache.skip("pip could not fetch the vendors' libraries: " + cache.last_line(done.stderr))


def fetch():
    with open(PINS, "rb") as pins:
        version = hashlib.sha256(pins.read()).hexdigest()[:12]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache.folder(f"vendors-{version}-python{python}", _install)
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = folder  # for the judges that are processes of their own
