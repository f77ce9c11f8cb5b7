"""Commands on lines: what is copied is the command."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwreport.__main__ import run
from dwreport.render.command import folded, words

LEAD = "next: "
LONG = "ip netns exec blue tcpdump -Q in -vni any 'icmp[0] == 3 or icmp[0] == 11 or icmp[0] == 12' -c 5"


def test_a_command_that_fits_is_one_line() -> None:
    """So is any that has no limit."""
    assert folded(LEAD, LONG, None) == [LEAD + LONG]
    assert folded(LEAD, "ss -lntp", 80) == ["next: ss -lntp"]


def test_a_command_goes_on_behind_a_backslash() -> None:
    """Between its words: a filter in quotes stays whole."""
    assert folded(LEAD, LONG, 60) == [
        "next: ip netns exec blue tcpdump -Q in -vni any \\",
        "    'icmp[0] == 3 or icmp[0] == 11 or icmp[0] == 12' -c 5",
    ]


def test_a_lead_without_room_stands_alone() -> None:
    """No backslash belongs to it."""
    assert folded("next, in its namespace: ", "tcpdump -ni any", 24) == [
        "next, in its namespace:", "    tcpdump -ni any"]


@pytest.mark.parametrize(("command", "expected"), [
    ("a  b", ["a", "b"]), (r"a\ b c", [r"a\ b", "c"]), ("""'a "b' c" d\\" e" f""", ["""'a "b'""", 'c" d\\" e"', "f"]),
    ("sh -c 'ss -n | head'", ["sh", "-c", "'ss -n | head'"]), (r"'a\' b", [r"'a\'", "b"]),
    ('nsenter -t "$(lsns -no PID 1 | head -n 1)" x', ["nsenter", "-t", '"$(lsns -no PID 1 | head -n 1)"', "x"])])
def test_words_are_those_of_a_shell(command: str, expected: list[str]) -> None:
    assert words(command) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("ab '\"\\$|{}=:", min_size=1, max_size=12), min_size=1, max_size=12), st.integers(20, 90))
def test_no_line_is_longer_but_for_a_word_that_is(given_words: list[str], width: int) -> None:
    """And it has the same words as before; shlex does not join lines, as a shell does."""
    command = shlex.join(given_words)
    lines = folded("", command, width)
    longest = max(map(len, words(command)))
    assert all(len(line) <= max(width, longest + 6) for line in lines)
    assert shlex.split("\n".join(lines).replace(" \\\n", " ")) == given_words


def test_a_shell_runs_the_lines_as_one_command() -> None:
    """As they stand."""
    command = shlex.join(["printf", "%s;", "a b", "c" * 30, "it's", "$HOME"])
    lines = folded("", command, 30)
    assert len(lines) > 2
    told = subprocess.run(["sh", "-c", "\n".join(lines)], check=True, capture_output=True, text=True).stdout
    assert told == f"a b;{'c' * 30};it's;$HOME;"


def test_an_explanation_has_its_command_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Below its label, as everything else there."""
    assert run(["explain", "INVALID_PROTO", "--width", "60"]) == 0
    assert ("next       tcpdump -neni {interface} \\\n"
            "           'icmp and (broadcast or multicast)'\n") in capsys.readouterr().out
