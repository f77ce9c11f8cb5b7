"""The look-up of a netlink family, on the one that every kernel has."""

import pytest

from dropwatchd.sources.net_dm.control import look_up


def test_a_family_is_found_with_its_group() -> None:
    """The controller of generic netlink has fixed numbers: GENL_ID_CTRL of include/uapi/linux/genetlink.h."""
    assert look_up("nlctrl", "notify") == (0x10, 0x10)


def test_a_family_that_is_not_there_is_a_missing_module() -> None:
    with pytest.raises(ModuleNotFoundError, match="NO_SUCH_DM"):
        look_up("NO_SUCH_DM", "events")
