"""What drivers and kinds of devices make of a loss that counters alone saw."""

from dropwatchd.history.reader import CounterTotal, DeviceRow
from tests.dwreport.made import HOST, INIT, counter, drop, facts, findings, key


def _card(driver: str | None, kind: str = "physical") -> list[DeviceRow]:
    return [DeviceRow(HOST, INIT, "eth0", kind, driver, None)]


def _moved(**deltas: int) -> list[CounterTotal]:
    """Return counters of eth0; a name begins with its collector's."""
    return [counter(name.replace("__", "/", 1), delta, interface="eth0") for name, delta in deltas.items()]


def test_the_exact_name_wins_and_the_vague_one_is_cited() -> None:
    """Of a driver that is on record, which counts the same packets in the interface's own statistics."""
    moved = _moved(ethtool__rx_out_of_buffer=100, ethtool__rx_discards_phy=40, link__rx_missed_errors=100,
                   link__rx_dropped=40)
    found = findings(facts([], moved, devices=_card("mlx5_core")))
    assert [(row.count, row.who, row.confidence) for row in found] == [
        (100, ["eth0"], "medium"), (40, ["eth0"], "medium")]
    assert found[0].evidence == ["ethtool rx_out_of_buffer +100, in link rx_missed_errors +100"]
    assert found[1].evidence == ["ethtool rx_discards_phy +40, in link rx_dropped +40"]
    assert found[0].title != found[1].title


def test_what_the_driver_does_not_account_for_stays_the_interface_s() -> None:
    """The rest of a counter is told, less what has an exact name."""
    moved = _moved(ethtool__rx_out_of_buffer=100, link__rx_missed_errors=130)
    found = {row.count: row for row in findings(facts([], moved, devices=_card("mlx5_core")))}
    assert found.keys() == {100, 30}
    assert found[30].evidence[0].startswith("link rx_missed_errors +130 on eth0, 30 of them without an event")


def test_each_device_has_its_finding() -> None:
    """With its own next step."""
    rings = [counter("link/rx_missed_errors", count, interface=name) for name, count in (("eth0", 5), ("eth1", 4))]
    assert [(row.count, row.who, row.advice) for row in findings(facts([], rings))] == [
        (5, ["eth0"], "ethtool -g eth0"), (4, ["eth1"], "ethtool -g eth1")]


def test_of_an_unknown_driver_the_interface_s_own_name_wins() -> None:
    """Names are guessed then, and the same number is the same packets."""
    moved = _moved(ethtool__rx_missed_errors=812, link__rx_missed_errors=812)
    [found] = findings(facts([], moved))
    assert found.evidence[0].startswith("link rx_missed_errors +812 on eth0")


def test_limits_of_a_cloud_are_losses() -> None:
    """They are in no counter of the interface."""
    found = findings(facts([], _moved(ethtool__conntrack_allowance_exceeded=3241329), devices=_card("ena")))
    assert [(row.count, row.severity) for row in found] == [(3241329, "harmful")]


def test_times_are_no_packets() -> None:
    """That a ring was found empty is no loss by itself."""
    assert findings(facts([], _moved(ethtool__queue_0_rx_empty_rx_ring=3), devices=_card("ena"))) == []


def test_events_without_a_reason_may_be_the_driver_s_own() -> None:
    """As many on that device: then they are told once."""
    moved = _moved(ethtool__rx_xdp_drop=9)
    assert len(findings(facts([drop(key("NOT_SPECIFIED", "no_such_function"), 9)], moved))) == 1
    assert len(findings(facts([drop(key("NOT_SPECIFIED", "no_such_function"), 8)], moved))) == 2


def test_a_counter_means_what_the_kind_of_its_device_makes_of_it() -> None:
    """A tunnel has no wire on which a frame could be damaged."""
    moved = _moved(link__rx_crc_errors=7)
    [plain], [tunnel] = (findings(facts([], moved, devices=_card(None, kind))) for kind in ("physical", "gre"))
    assert plain.title != tunnel.title
