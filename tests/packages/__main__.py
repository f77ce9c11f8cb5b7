"""Builds packages into dist/: `python -m tests.packages deb`."""

import sys

from tests.packages import deb
from tests.packages.roots import PROJECT

_KINDS = {"deb": deb.build}

if __name__ == "__main__":
    for kind in sys.argv[1:]:
        print(_KINDS[kind](PROJECT / "dist"))
