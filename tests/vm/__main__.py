"""Use a guest by hand: `python -m tests.vm run 6.1 -- COMMAND` or `python -m tests.vm shell 6.12`."""

import argparse
import contextlib
import sys

from tests.vm.guest import Guest
from tests.vm.image import UnavailableError, image
from tests.vm.project import project
from tests.vm.recipe import NEWEST, RECIPES

_GUESTS = {**RECIPES, NEWEST.kernel: NEWEST}


def main() -> int:
    """The exit code of the command in the guest; 128 and the signal's number where one ended it."""
    arguments = _arguments()
    built = image(_GUESTS[arguments.kernel])
    drive = None if arguments.bare else project(built)
    if arguments.action == "build":
        sys.stdout.write(f"{built.folder}\n")
        return 0
    with contextlib.closing(Guest(built, drive)) as guest:
        if arguments.action == "shell":
            return _shell(guest)
        done = guest.start().run(" ".join(arguments.command), arguments.timeout, check=False)
    for stream, text in ((sys.stdout, done.stdout), (sys.stderr, done.stderr)):
        stream.buffer.write(text.encode(errors="surrogateescape"))
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _shell(guest: Guest) -> int:
    sys.stdout.write(f"A root shell follows; Ctrl-A X or `poweroff` ends it. /mnt/share is {guest.share}\n")
    sys.stdout.flush()
    guest.launch(terminal=True)
    guest.join()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.vm", description=__doc__)
    parser.add_argument("action", choices=("build", "run", "shell"))
    parser.add_argument("kernel", choices=_GUESTS)
    parser.add_argument("--bare", action="store_true", help="leave the project out of the guest")
    parser.add_argument("--timeout", type=float, default=600, help="seconds that the command may take")
    parser.add_argument("command", nargs="*", help="for `run`, after `--`: a shell command line, run as root")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UnavailableError as error:
        sys.exit(str(error))
