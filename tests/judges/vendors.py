"""The vendors' own libraries, of the versions in vendors.txt.

    vendors.fetch()    puts them first on sys.path; ends the test as skipped where they can neither
                       be found nor fetched

They are installed once into ~/.cache/huitou (HUITOU_CACHE); later runs need no network."""

import os
import sys

import cache

PINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendors.txt")


def fetch():
    folder = cache.of_python("vendors", PINS, "the vendors' libraries")
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = folder  # for the judges that are processes of their own
