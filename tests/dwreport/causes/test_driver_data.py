"""What the files of drivers say: complete, held against the drivers' names, and all of it recorded."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropwatchd.collectors import ethtool
from dwreport.causes import driver_data
from dwreport.causes.drivers import covered, losses

HERE = Path(__file__).parent
ASCII = st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"], include_characters="_. []:-")
LINK = re.compile(r"[rt]x_(packets|dropped|\w*errors)")
Numbers = dict[str, int]


def test_causes_and_link_counters_that_files_name_exist() -> None:
    """A cause is a family of the catalogue; counters of the interface are those of struct rtnl_link_stats64."""
    for driver in driver_data.drivers().values():
        for rule in driver.loss:
            assert rule.cause in driver_data.families(), (driver.drivers, rule)
            assert all(map(LINK.fullmatch, rule.link)), (driver.drivers, rule)
            assert rule.names, driver.drivers
            assert not (rule.events and rule.within), "times are no part of packets"


def test_an_error_in_a_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes a driver's file is told which one is wrong, and what of it."""
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "wrong.toml").write_text('drivers = ["x"]\nsource = "x"\n[[loss]]\ncause = "x"\n')
    monkeypatch.setattr(driver_data, "_HOME", tmp_path)
    with pytest.raises(ValueError, match=r"wrong\.toml.*names"):
        driver_data.drivers.__wrapped__()


TABLES = [line.split("\t") for line in (HERE / "driver-names.txt").read_text().splitlines()]


@pytest.mark.parametrize("driver", sorted({line[0] for line in TABLES}))
def test_names_of_drivers(driver: str) -> None:
    """The name tables of thirty drivers (6.1, 6.12): which are losses, of which cause; all of those are recorded."""
    wanted = {name: None if cause == "-" else cause for of, name, cause in TABLES if of == driver}
    assert {name: driver_data.cause_of(driver, name) for name in wanted} == wanted
    assert [name for name, cause in wanted.items() if cause and not ethtool.tells_of_loss(name)] == []


@st.composite
def _moves(draw: st.DrawFn) -> tuple[str, Numbers, Numbers]:
    """Draw a driver, what some of its losses moved by, and some counters of the interface."""
    driver = draw(st.sampled_from(sorted({of for of, _name, _cause in TABLES})))
    names = [name for of, name, cause in TABLES if of == driver and cause not in {"-", "rx_csum_bad"}]
    moved = draw(st.dictionaries(st.sampled_from(names), st.integers(1, 9), min_size=1, max_size=8))
    counters = st.sampled_from(["rx_dropped", "rx_errors", "rx_missed_errors", "rx_fifo_errors", "tx_dropped"])
    return driver, moved, draw(st.dictionaries(counters, st.integers(1, 30), max_size=3))


@settings(max_examples=150, database=None, deadline=None, derandomize=True)
@given(_moves())
def test_nothing_is_lost_and_nothing_invented(moves: tuple[str, Numbers, Numbers]) -> None:
    """Whatever moved is told somewhere; no loss is larger than the numbers it is made of, nor than its counter."""
    driver, moved, link = moves
    found = losses(driver, moved, link)
    told = " ".join(name for loss in found for name, _count in (*loss.names, *loss.less, *loss.agree, *loss.beside))
    missing = [name for name in moved if name not in told and re.sub(r"\d+", "*", name) not in told]
    assert [name for name in missing if link.get(name) != moved[name]] == []
    for loss in found:
        assert 0 < loss.count <= sum(count for _name, count in loss.names)
    assert all(count <= link[name] for name, count in covered(found).items())
    assert len({loss.cause for loss in found}) == len(found)


def _patterns() -> list[tuple[str, str]]:
    """Return (family, pattern) of all that is a loss."""
    families = [(family, text["match"]) for family, text in driver_data.families().items() if text["kind"] != "info"]
    known = {driver.drivers: driver for driver in driver_data.drivers().values()}.values()
    return [*families, *((rule.cause, pattern) for driver in known for rule in driver.loss for pattern in rule.names)]


@pytest.mark.parametrize(("family", "pattern"), _patterns())
def test_what_is_explained_as_a_loss_is_recorded(family: str, pattern: str) -> None:
    """The collector keeps every name that the catalogue calls a loss; those of the standards are of others."""
    @settings(max_examples=12, database=None, deadline=None, derandomize=True,
              suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    @given(st.from_regex(pattern, fullmatch=True, alphabet=ASCII))
    def holds(name: str) -> None:
        found = driver_data.family_of(name) or family
        if driver_data.families()[found]["kind"] != "info" and not re.match("[rt]x-|[A-Z]|etherStats", name):
            assert ethtool.tells_of_loss(name.strip())

    holds()
