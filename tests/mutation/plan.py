"""The faults that the tests must notice, one change of text each, and what they make of a tree."""

import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Mutation(NamedTuple):
    """Where `old` in a file becomes `new`, one of `tests` fails; `name` says what is wrong then."""

    path: str
    name: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}: {self.name}"

    def trouble(self, root: Path) -> str:
        """Say why it cannot be made in a tree, "" where it can."""
        file = root / self.path
        found = file.read_text().count(self.old) if file.is_file() else 0
        if found != 1 or self.old == self.new:
            return f"{self}: its text stands there {found} times, not once"
        missing = [test for test in self.tests if not (root / test).is_file()]
        return f"{self}: there is no {', '.join(missing)}" if missing else ""

    def mutated(self, root: Path) -> str:
        """Return the text of its file with the fault in it."""
        return (root / self.path).read_text().replace(self.old, self.new, 1)


def mutations() -> list[Mutation]:
    """Return all of them, in the order of the file."""
    with Path(__file__).with_name("mutations.toml").open("rb") as file:
        listed = tomllib.load(file)["file"]
    return [Mutation(part["path"], one["name"], one["old"], one["new"], tuple(one.get("tests", part["tests"])))
            for part in listed for one in part["mutations"]]
