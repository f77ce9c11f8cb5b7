"""Builds packages into dist/: `python -m tests.packages deb|nfpm`."""

import sys

from tests.packages import contained, deb
from tests.packages.roots import PROJECT

DIST = PROJECT / "dist"

if __name__ == "__main__":
    if "deb" in sys.argv:
        print(deb.build(DIST))
    if "nfpm" in sys.argv:
        for python in contained.PYTHONS:
            print(*contained.build(DIST, python), sep="\n")
