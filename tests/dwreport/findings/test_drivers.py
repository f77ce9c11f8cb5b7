"""What drivers and kinds of devices make of a loss that counters alone saw."""

from dropwatchd.history.read.reader import CounterTotal, DeviceRow
from dropwatchd.history.read.settings import Level
from dwreport.evidence.settings import Settings
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


def _of_kind(kind: str, **deltas: int) -> list[tuple[str, int, str | None]]:
    """Return what is found of a device that counted this, and no event of it."""
    level = Level(HOST, INIT, 2, "eth0", "remote", '{"address": "192.0.2.9"}', 1, 0, 0)
    moved = _moved(**{f"link__{name}": delta for name, delta in deltas.items()})
    found = findings(facts([], moved, devices=_card(None, kind), settings=Settings(lambda: [level])))
    return [(row.title, row.count, row.advice) for row in found]


LOOP, NO_ROUTE = "A tunnel leads to its other end through itself", "A tunnel had no route to its other end"
OUTER = "ip route get 192.0.2.9"


def test_a_tunnel_counts_one_loss_under_several_names() -> None:
    """tx_errors is the total; xfrm and tunnels over IPv6 have the same packets in tx_dropped once more."""
    assert _of_kind("geneve", collisions=20, tx_errors=20) == [(LOOP, 20, OUTER)]
    assert _of_kind("gre", tx_carrier_errors=5, tx_errors=5) == [(NO_ROUTE, 5, OUTER)]
    for kind in ("ip6tnl", "xfrm"):
        assert _of_kind(kind, tx_carrier_errors=5, tx_errors=5, tx_dropped=5) == [(NO_ROUTE, 5, OUTER)]
    assert _of_kind("ip6tnl", tx_errors=5, tx_dropped=5) == [("Packets that a tunnel could not send", 5, OUTER)]
    assert sorted(_of_kind("gre", collisions=3, tx_carrier_errors=4, tx_errors=10)) == [
        (NO_ROUTE, 4, OUTER), (LOOP, 3, OUTER), ("Packets that a tunnel could not send", 3, OUTER)]
    assert _of_kind("gre", tx_errors=2, tx_aborted_errors=2) == [
        ("Packets of a tunnel that were lost on their way out below it", 2, OUTER)]


def test_what_is_a_sum_or_counted_again_is_no_loss_of_its_own() -> None:
    """A bond sums up its members, where each packet is told; macvlan and IPsec's devices count twice."""
    assert _of_kind("bond", rx_errors=9, rx_crc_errors=9, rx_missed_errors=4) == []
    assert [count for _title, count, _next in _of_kind("macvlan", rx_errors=9, rx_dropped=9)] == [9]
    assert [count for _title, count, _next in _of_kind("xfrm", rx_errors=9, rx_dropped=9)] == [9]
    assert [count for _title, count, _next in _of_kind("vrf", tx_errors=9, tx_dropped=9)] == [9]


def test_collisions_of_a_card_are_none_of_a_tunnel() -> None:
    """On half-duplex Ethernet a frame is sent again after a collision, so nothing was lost."""
    assert _of_kind("physical", collisions=20) == []
    assert [count for _title, count, _next in _of_kind("physical", tx_errors=20, tx_carrier_errors=20)] == [20]
