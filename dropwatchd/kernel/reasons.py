"""Names of drop reasons: the numbers are no ABI, so the running kernel's BTF names them."""

from dropwatchd.kernel.btf import Btf, kernel_btf, module_btf

_PREFIX = "SKB_DROP_REASON_"
# Who registers the reasons of which subsystem (drop_reasons_register_subsys in net/mac80211 and net/openvswitch), and
# the enumeration that holds them. The subsystem's number is in the upper 16 bits of a reason.
_SUBSYSTEM_ENUMS = {"mac80211": "mac80211_drop_reason", "openvswitch": "ovs_drop_reason"}
_QUEUE_ENUM = "qdisc_drop_reason"  # since 7.1 (include/net/dropreason-qdisc.h), of the tracepoint qdisc:qdisc_drop


class ReasonNames:
    """number -> name for one kernel; a number that no BTF names stays a number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._unknown: dict[int, str] = {}

    def load(self) -> None:
        """Read the names anew. Raises OSError where the kernel has no BTF."""
        with kernel_btf() as btf:
            self._names = names(btf)

    def name(self, number: int) -> str:
        """Return the name; an unknown one of a subsystem makes the names be read again, for its module came later."""
        known = self._names.get(number) or self._unknown.get(number)
        if known:
            return known
        if number >> 16:
            self.load()
        if number in self._names:
            return self._names[number]
        return self._unknown.setdefault(number, f"0x{number:x}")


def names(btf: Btf) -> dict[int, str]:
    """Return number -> name of a kernel's reasons, and of those of its modules that are loaded."""
    core = btf.enum("skb_drop_reason")
    found = {number: name.removeprefix(_PREFIX) for number, name in core.items()
             if not name.startswith("SKB_DROP_REASON_SUBSYS")}
    found |= _clean(btf.enum(_QUEUE_ENUM))
    for module, enum in _SUBSYSTEM_ENUMS.items():
        found |= _clean(btf.enum(enum) or _of_module(btf, module, enum))
    return found


def _of_module(base: Btf, module: str, enum: str) -> dict[int, str]:
    try:
        with module_btf(base, module) as btf:
            return btf.enum(enum)
    except OSError:  # not loaded, so it drops nothing now
        return {}


def _clean(names: dict[int, str]) -> dict[int, str]:
    """Drop what frames an enumeration (__FIRST, ..._MAX, codes of the core): no packet is dropped for that."""
    return {number: name for number, name in names.items()
            if number >> 16 and not name.startswith("__") and not name.endswith("_MAX")}
