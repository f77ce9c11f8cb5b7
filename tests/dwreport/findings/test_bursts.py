"""Losses that come in bursts, told from those that never cease, and from those that come again and again."""

import pytest

from dwreport.findings.bursts import Burst, bursts

DAY = range(24)


@pytest.mark.parametrize(("shape", "blind", "found"), [
    ({}, (), []),
    ({5: 0}, (), []),
    ({5: 9}, (), [Burst("burst", 5, 5)]),
    ({5: 9, 7: 1, 10: 4}, (), [Burst("burst", 5, 7), Burst("burst", 10, 10)]),  # a pause of one step, and of two
    (dict.fromkeys(DAY, 6), (), [Burst("persistent", 0, 23, 6)]),
    ({**dict.fromkeys(DAY, 6), 3: 24, 8: 25, 9: 90}, (),
     [Burst("persistent", 0, 23, 6), Burst("burst", 8, 9, 6, 24)]),  # more than four times what is usual
    (dict.fromkeys(range(11), 6), (), [Burst("burst", 0, 10)]),      # of less than half of the time
    (dict.fromkeys(range(11), 6), range(11, 24), [Burst("persistent", 0, 10, 6)]),  # nobody looked at the others
    ({5: 9}, [step for step in DAY if step != 5], [Burst("burst", 5, 5)]),  # one step tells of nothing usual
    ({5: 9, 6: 9}, [step for step in DAY if not 4 <= step <= 6], [Burst("burst", 5, 6)]),
    (dict.fromkeys(range(11), 6), range(11), [Burst("burst", 0, 10)]),              # a blind step with drops counts
])
def test_what_is_usual_decides(shape: dict[int, int], blind: tuple[int, ...], found: list[Burst]) -> None:
    assert bursts(shape, DAY, blind) == found


def test_many_bursts_are_one_that_recurs_but_for_the_greatest() -> None:
    shape = dict.fromkeys(range(0, 400, 5), 3) | {100: 31}
    assert bursts(shape, range(400), ()) == [Burst("recurring", 0, 395), Burst("burst", 100, 100)]
    few = dict.fromkeys(range(0, 300, 5), 3)
    assert [burst.kind for burst in bursts(few, range(300), ())] == ["burst"] * 60
