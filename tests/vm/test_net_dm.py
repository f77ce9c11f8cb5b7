"""Runs the checks of the NET_DM source inside the guests, on kernels that have the drop monitor."""

import pytest

from tests.vm.guest import Guest

FOLDER = "/mnt/repo/tests/dropwatchd/sources/net_dm/guest"
PYTHON = "/opt/dropwatchd/bin/python"
TIMEOUT_S = 600
CHECKS = (
    "packet_mode_counts_exactly",
    "queue_overflow_is_counted",
    "socket_overrun_is_counted_and_passes",
    "summary_mode_counts_exactly",
    "packets_without_mac_header",
    "hardware_drops",
    "left_on_by_a_crash",
    "another_listener_is_left_alone",
    "monitoring_stopped_by_another",
    "settings_changed_by_another",
    "storm",
    "no_rights",
    "no_module",
)


@pytest.mark.parametrize("check", CHECKS)
def test_net_dm(guest: Guest, check: str) -> None:
    """Each check of checks.py passes on a kernel with the drop monitor: its docstring says what it promises."""
    guest.run(f"cd {FOLDER} && {PYTHON} -B checks.py {check}", TIMEOUT_S)
