"""Cumulative per-CPU counts: differences add up, and their times hold, in whatever order CPUs, windows and reads go."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.sources.bpf.counts import Counts, Increment
from dropwatchd.sources.bpf.layout import VALUE, Value

CPUS = 2
READER = CPUS
TURNS = st.tuples(st.integers(0, CPUS - 1), st.integers(1, 12))  # whose turn it is, and how many steps it goes
NOTHING = Value(0, 0, 0, 0, 0, 0, 0, 0, 0)


class Cpu:
    """What drops.bpf.c does on one CPU to the value of one key, one step of it at a time."""

    def __init__(self) -> None:
        self.value = NOTHING

    def drop(self, now_ns: int, window: int, octets: int) -> Iterator[None]:
        """Count a packet; a reader may look wherever this yields."""
        yield
        if self.value.window != window:
            for change in ({"before_start": self.value.start}, {"before_first_ns": self.value.first_ns},
                           {"start": self.value.drops}, {"window": window}, {"first_ns": now_ns}):
                self.value = self.value._replace(**change)
                yield
        self.value = self.value._replace(last_ns=now_ns)
        yield
        self.value = self.value._replace(octets=self.value.octets + octets)
        yield
        self.value = self.value._replace(drops=self.value.drops + 1)


class Machine:
    """Two CPUs and a reader, who take turns."""

    def __init__(self) -> None:
        self.cpus = [Cpu() for _ in range(CPUS)]
        self._running: list[Iterator[None] | None] = [None] * CPUS
        self._counting = [0] * CPUS
        self._window = 1
        self._now_ns = 1000
        self.uncounted: list[list[int]] = [[] for _ in range(CPUS)]
        self.counts = Counts[str]()
        self.since_ns = self._now_ns

    def steps(self, number: int, steps: int) -> None:
        for _ in range(steps):
            self.step(number)

    def step(self, number: int) -> None:
        """Let a CPU go on with its packet, or begin with the next one."""
        self._now_ns += 1
        running = self._running[number]
        if running is None:
            self._counting[number] = self._now_ns
            self._running[number] = self.cpus[number].drop(self._now_ns, self._window, 10)
        elif next(running, running) is running:
            self._running[number] = None
            self.uncounted[number].append(self._counting[number])

    def finish(self) -> None:
        """Let the CPUs count the packets that they are at."""
        for number in range(CPUS):
            while self._running[number]:
                self.step(number)

    def next_window(self) -> None:
        """Close the window, a while before it is read."""
        self._window += 1

    def read(self) -> tuple[Increment | None, list[int]]:
        """Close the window as BpfSource does; return what it makes of it, and when the new packets were dropped."""
        self._now_ns += 1
        self._window += 1
        raw = b"".join(VALUE.pack(*cpu.value) for cpu in self.cpus)
        increment = self.counts.advance("key", raw, self.since_ns)
        self.since_ns = self._now_ns
        new = sorted(time_ns for times in self.uncounted for time_ns in times)
        for times in self.uncounted:
            times.clear()
        return increment, new


@given(st.lists(TURNS | st.just((READER, 1)), min_size=20, max_size=60))
def test_times_hold_in_any_order(turns: list[tuple[int, int]]) -> None:
    """However CPUs and reads interleave: every packet once, none before `first_ns` and none after `last_ns`."""
    machine = Machine()
    total = 0
    for turn, steps in [*turns, (READER, 1)]:
        if turn != READER:
            machine.steps(turn, steps)
            continue
        increment, new = machine.read()
        assert (increment.drops if increment else 0) == len(new)
        if increment:
            assert increment.first_ns <= new[0] <= new[-1] <= increment.last_ns
        total += len(new)
    assert machine.counts.total == total == sum(cpu.value.drops for cpu in machine.cpus)


@given(st.lists(TURNS, max_size=20), st.lists(TURNS, min_size=1, max_size=20), st.lists(TURNS, max_size=20))
def test_first_is_exact_after_a_rest(before: list[tuple[int, int]], first: list[tuple[int, int]],
                                     then: list[tuple[int, int]]) -> None:
    """Where nothing came while the window before was being read, `first_ns` is the first packet's own, not a bound."""
    machine = Machine()
    for turn in before:
        machine.steps(*turn)
    machine.finish()
    machine.read()
    for turn in first:
        machine.steps(*turn)
    machine.finish()
    machine.next_window()
    for turn in then:
        machine.steps(*turn)
    increment, new = machine.read()
    assert increment
    assert increment.first_ns == new[0]


def _raw(*cpus: Value) -> bytes:
    return b"".join(VALUE.pack(*cpu) for cpu in cpus)


def test_a_cpu_in_the_next_window_hides_no_earlier_drop() -> None:
    """CPU 0 had its first packet at 100 and went on into the next window; CPU 1 had one at 900."""
    one = Value(10, 1000, last_ns=1001, first_ns=1001, start=9, window=6, before_first_ns=100, before_start=0, pick=0)
    other = Value(1, 100, last_ns=900, first_ns=900, start=0, window=5, before_first_ns=0, before_start=0, pick=0)
    assert Counts[str]().advance("key", _raw(one, other), 50) == Increment(11, 1100, 100, 1001)


def test_idle_cpus_do_not_count() -> None:
    """A CPU that never saw the key has zeros: they are no times."""
    busy = Value(2, 20, last_ns=140, first_ns=130, start=0, window=1, before_first_ns=0, before_start=0, pick=0)
    assert Counts[str]().advance("key", _raw(NOTHING, busy), 100) == Increment(2, 20, 130, 140)


def test_a_cpu_that_rested_gives_no_times() -> None:
    """What a CPU has told before is no time of what another one counts now."""
    counts = Counts[str]()
    rested = Value(2, 20, last_ns=140, first_ns=130, start=0, window=1, before_first_ns=0, before_start=0, pick=0)
    counts.advance("key", _raw(rested, NOTHING), 100)
    late = Value(1, 10, last_ns=120, first_ns=120, start=0, window=1, before_first_ns=0, before_start=0, pick=0)
    assert counts.advance("key", _raw(rested, late), 150) == Increment(1, 10, 120, 120)


def test_a_forgotten_key_starts_at_zero() -> None:
    """A key that made room counts from zero in the kernel, and here."""
    counts = Counts[str]()
    counts.advance("key", _raw(Value(5, 50, 9, 1, 0, 1, 0, 0, 0)), 0)
    assert counts.quiet(10) == ["key"]
    assert counts.quiet(9) == []
    counts.forget("key")
    assert counts.advance("key", _raw(Value(2, 20, 12, 11, 0, 2, 0, 0, 0)), 10) == Increment(2, 20, 11, 12)
    assert counts.total == 7
