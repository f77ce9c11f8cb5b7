"""What a conclusion may rest on: elimination holds as far as functions were seen in the kernel's source."""

from collections.abc import Iterable

import msgspec
import pytest

from dwreport import causes
from dwreport.causes.meaning import is_younger, seen_in

NEW = "7.1.0-rc3"


def test_elimination_rests_on_functions_that_were_seen_in_the_running_kernel() -> None:
    assert causes.standing("tcp_v4_rcv", ["6.1.0-49-amd64", "6.18.3"], ["NO_SOCKET"]) == "checked"


def test_a_newer_kernel_does_not_end_elimination() -> None:
    """It is said that the kernel is newer; of a list with nothing against it, the conclusion can still be drawn."""
    assert causes.standing("tcp_v4_rcv.isra.0", [NEW], ["NO_SOCKET", "NOT_SPECIFIED"]) == "newer"
    assert causes.standing("tcp_v4_rcv", ["6.12.1", NEW], []) == "newer"


@pytest.mark.parametrize("named", [
    pytest.param(["NO_SOCKET", "A_REASON_OF_TOMORROW"], id="the function drops for what the catalogue does not know"),
    pytest.param(["NOMEM"], id="the function now names what it used to leave unnamed"),
])
def test_a_function_that_is_seen_to_have_changed_ends_elimination(named: Iterable[str]) -> None:
    assert causes.standing("ip_rcv_core", [NEW], named) == "open"
    assert causes.standing("ip_rcv_core", ["6.18"], named) == "checked"


@pytest.mark.parametrize("kernels", [[], [""], ["6.12", "unknown"]])
def test_of_an_unknown_kernel_nothing_can_be_concluded(kernels: list[str]) -> None:
    assert causes.standing("tcp_v4_rcv", kernels, []) == "open"


def test_of_an_unknown_function_nothing_can_be_concluded() -> None:
    assert causes.standing("no_such_function", ["6.12"], []) == "open"


def test_a_candidate_that_the_kernel_names_from_then_on_does_not_hold_up_the_rest() -> None:
    """OTHERHOST has a name since 6.1: that a newer kernel gives it is no news."""
    assert causes.standing("ip_rcv_core", [NEW], ["OTHERHOST", "IP_CSUM"]) == "newer"


def test_a_reason_that_is_younger_than_what_was_seen_of_a_function_is_news_of_it() -> None:
    assert not is_younger("NO_SOCKET", (5, 17))
    assert is_younger("NO_SOCKET", (5, 16))


def test_a_conclusion_is_as_well_checked_as_the_oldest_of_what_it_rests_on() -> None:
    place, candidate = causes.location("ip_rcv_core"), causes.reason("NOMEM")
    assert place is not None
    assert seen_in([msgspec.structs.replace(place, checked="7.1"), candidate, None]) == (6, 18)
