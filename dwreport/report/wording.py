"""The words for what speaks for a finding and who had part in it: the one place that has them, for every format."""

from collections.abc import Mapping
from functools import singledispatch

from dwreport.evidence.chains import Chain
from dwreport.findings import support
from dwreport.text import counted, duration, number, share

_TRAITS = {
    "multicast": "was sent to a multicast address",
    "many": "was sent to a multicast address or to everybody",
    "group_frame": "came in a broadcast or multicast frame",
    "source_route": "says by which routers it wants to go",
}
_UNKNOWN = "why is not known"
_NO_EVENT = "no event accounts for them, why is not known"


@singledispatch
def words(fact: object) -> str:
    """Say a fact in a few words; every class of `findings.support` that is a fact has its own."""
    raise TypeError(f"there are no words for {type(fact).__name__}")


@words.register
def _(fact: support.Events) -> str:
    what = f"trap {fact.trap}" if fact.trap else fact.reason or "no reason given"
    return f"{what}: {counted(fact.count, 'event')}{f' in {fact.function}' if fact.function else ''}"


@words.register
def _(fact: support.MoreEvents) -> str:
    return f"{counted(fact.count, 'event')} in {fact.places} more places"


@words.register
def _(fact: support.ToldBy) -> str:
    if fact.means == "counters":
        return f"the kernel names no reason; only the counters of {_name(fact.cause)} moved, and by as much"
    if fact.means == "packets":
        sampled = counted(fact.samples, "sampled packet")
        return f"the kernel names no reason; of {sampled}, every one {_TRAITS[fact.trait or '']}"
    if fact.means == "sizes":
        device = f"{fact.where.interface if fact.where else ''}{_in(fact.where)}"
        if not fact.mtu:
            return f"the kernel names no reason; the other end, {device}, was down all the while"
        sampled = counted(fact.samples, "sampled packet")
        return f"the kernel names no reason; the other end, {device}, takes {fact.mtu} bytes; {sampled}, each longer"
    newer = ", in the sources of older kernels than this one" if fact.is_newer else ""
    if fact.means == "names":
        return f"the kernel names no reason, and does name one for every other drop in this function{newer}"
    return f"the kernel names no reason; its other names, counters that rested and the packets leave this one{newer}"


@words.register
def _(fact: support.Closer) -> str:
    return f"{_name(fact.counter)} accounts for every one of them"


@words.register
def _(fact: support.CalledBy) -> str:
    more = f" < {fact.more} more" if fact.more else ""
    return f"call stack of the first: {' < '.join(fact.functions)}{more}"


@words.register
def _(fact: support.MayBe) -> str:
    return f"may be {' or '.join(map(_name, fact.causes))}"


@words.register
def _(fact: support.NotBy) -> str:
    return "not " + " nor ".join(f"{_name(cause)} ({_name(counter)} +0)" if cause != counter else f"{_name(cause)} +0"
                                 for cause, counter in fact.rested.items())


@words.register
def _(fact: support.Happened) -> str:
    detail = f" ({fact.detail})" if fact.detail else ""
    when = f"{duration(abs(fact.after_first_ns))} {'before' if fact.after_first_ns < 0 else 'after'} the first"
    return f"{fact.event}: {fact.subject}{detail}, {when}"


@words.register
def _(fact: support.Compared) -> str:
    rest = f" ({number(fact.counted)} without its other parts)" if fact.counted < sum(fact.counters.values()) else ""
    what = f"{_moved(fact.counters)}{rest}{_where(fact.where)}"
    because = f" ({fact.because})" if fact.because else ""
    compared = f" for {_range(fact)}{', others among them' if fact.others else ''}"
    if fact.verdict == "agree":
        return f"agrees: {what}{'' if fact.exact else compared}{because}"
    more = f"{number(abs(fact.surplus))} {'more counted' if fact.surplus > 0 else 'fewer'}"
    return f"differs: {what}{compared}, {more}{because or f' ({_UNKNOWN})'}"


def _range(fact: support.Compared) -> str:
    """Return the events between two readings: exactly as many as were counted, or from so many to so many."""
    if fact.counted in {fact.least, fact.most} or fact.least == fact.most:
        return f"{counted(fact.counted if fact.counted == fact.most else fact.least, 'event')} between two readings"
    return f"{number(fact.least)} to {number(fact.most)} events between two readings"


@words.register
def _(fact: support.Parts) -> str:
    return f"{counted(fact.events, 'event')} are {' and '.join(_moved(fact.counters).split(', '))}, to the packet"


@words.register
def _(fact: support.NotCompared) -> str:
    return f"{number(fact.count)} not compared: {fact.because}"


@words.register
def _(fact: support.MayCount) -> str:
    spare = "" if sum(fact.counters.values()) == fact.spare else f"{number(fact.spare)} of "
    return f"{spare}{_moved(fact.counters)}{_where(fact.where)} may be these: no other event accounts for them"


@words.register
def _(fact: support.ByRule) -> str:
    """Write a rule as nft and iptables list it: where it stands, and its comment or number."""
    place = [fact.labels[name] for name in ("family", "table", "chain", "counter", "rule") if name in fact.labels]
    handle = [f"handle {fact.labels['handle']}"] if "handle" in fact.labels else []
    comment = [f'"{fact.labels["comment"]}"'] if "comment" in fact.labels else []
    return f"by rule: {' '.join([*place, *handle, *comment])} +{number(fact.count)}"


@words.register
def _(fact: support.Uncounted) -> str:
    if fact.is_alone:
        return f"by {_chain(fact.chains[0])}: nothing else of the rule set there drops without a counter"
    return f"without a counter, one of: {'; '.join(map(_chain, fact.chains))}"


def _chain(chain: Chain) -> str:
    """Write a chain as nft lists it, with its hook."""
    what = "policy drop" if chain.how == "policy_drop" else counted(chain.rules, "rule")
    hook = f"hook {chain.hook}, " if chain.hook else ""
    return f"{what} of chain {chain.name} ({hook}table {chain.family} {chain.table})"


@words.register
def _(fact: support.Rested) -> str:
    return "not " + " nor ".join(f"{fault} ({_name(counter)} +0)" for fault, counter in fact.faults.items())


@words.register
def _(fact: support.Apart) -> str:
    named = ", ".join(f"{fault} {number(count)}" for fault, count in fact.parts.items())
    return f"{fact.total} +{number(fact.count)} is {named}"


@words.register
def _(fact: support.Counted) -> str:
    part = "" if fact.count == fact.whole else f", {number(fact.count)} of them without an event"
    return f"{_moved(fact.counters)}{_where(fact.where)}{part}: {fact.because or _NO_EVENT}{_before(fact.straddling)}"


@words.register
def _(fact: support.ByDriver) -> str:
    parts = [f"{words} {_moved(counters)}" for words, counters in (
        ("less", fact.less), ("agrees:", fact.agree), ("in", fact.link), ("beside", fact.beside)) if counters]
    least = "at least " if fact.at_least else ""
    return f"{least}{', '.join([_moved(fact.counters), *parts])}{_before(fact.straddling)}"


def _before(straddling: int) -> str:
    return f"; up to {number(straddling)} just before the window" if straddling else ""


@words.register
def _(fact: support.LargePackets) -> str:
    return f"packets of up to {number(fact.longest)} bytes: one of several segments (GSO, GRO) counts as one"


@words.register
def _(fact: support.SentAgain) -> str:
    part = f", {share(fact.count, fact.sent)} of the {number(fact.sent)} that TCP sent there" if fact.sent else ""
    ends = counted(fact.flows, "peer and port", "peers and ports")
    return f"{counted(fact.count, 'segment')} sent again to {ends}{part}"


@words.register
def _(fact: support.PeerLoss) -> str:
    port = f"from port {fact.port}" if fact.is_local else f"port {fact.port}"
    verdict = {
        "here": "; ".join(f"{words} were dropped here: {_places(dropped)}" for words, dropped in (
            ("packets to it", fact.to), ("packets from it", fact.back)) if dropped),
        "nowhere": "no drop seen on this host can have been these: lost beyond it, or answered late",
        "open": f"whether on this host is open: {fact.because}",
    }[fact.verdict]
    return f"{number(fact.count)} to {fact.peer} {port}: {verdict}"


def _places(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{number(count)} {where}" for where, count in dropped.items())


@words.register
def _(fact: support.OtherSocket) -> str:
    if fact.sockets:
        return f"a socket of that port takes no others' packets: {', '.join(map(_socket, fact.sockets))}"
    if fact.looked:
        return "no socket of that port was there, not even for one address or peer alone"
    return "a socket of that port for another peer or address would not be on record"


def _socket(one: support.OneSocket) -> str:
    return f"{one.local} connected to {one.peer}" if one.peer else f"{one.local} is for that address"


@words.register
def _(fact: support.OnInterface) -> str:
    part = "" if fact.count == fact.packets else f" {share(fact.count, fact.packets)}"
    return f"{fact.interface}{'' if fact.netns in {None, 'init'} else f' ({fact.netns})'}{part}"


@words.register
def _(fact: support.MoreInterfaces) -> str:
    return f"{fact.count} more interfaces"


_ENDS = {"port": "", "transport": "", "source": "from ", "destination": "to "}


@words.register
def _(fact: support.Ends) -> str:
    word = _ENDS[fact.kind]
    if fact.network:
        return f"{word}{fact.network} ({fact.of} addresses)"
    bare = fact.kind in {"source", "destination"}
    named = " or ".join if fact.of > len(fact.foremost) else ", ".join
    told = named(f"{name}{_share(part, bare=bare)}" for name, part in fact.foremost.items())
    kind = "addresses" if bare else f"{fact.kind}s"
    return f"{word}{told}{f', most often of {fact.of} {kind}' if fact.of > len(fact.foremost) else ''}"


def _share(part: support.Share, *, bare: bool) -> str:
    """Say how much of the samples it is, and of how many packets there are any; of all, addresses need no word."""
    whole = part.covers == part.packets
    if part.percent == 100:
        if whole:
            return "" if bare else " (all samples)"
        return f" (all samples, which stand for {number(part.covers)} of {number(part.packets)} packets)"
    percent = f"{int(part.percent)} %" if part.percent >= 1 else "<1 %"
    about = f"about {round(part.percent)} % ± {max(1, round(part.error))}" if part.error else percent
    stand = "" if whole else f", which stand for {number(part.covers)} of {number(part.packets)} packets"
    return f" ({about} of samples{stand})"


@words.register
def _(fact: support.Owner) -> str:
    name = f"{fact.process}[{fact.pid}]" if fact.process else f"not known, of {fact.local}"
    owner = f"owner: {name}{f' of {fact.unit}' if fact.unit else ''}, whose socket lost {number(fact.lost)}"
    return f"to {fact.local}, {owner}" if fact.is_named_by_address else owner


def _moved(counters: Mapping[str, int]) -> str:
    return ", ".join(f"{_name(name)} +{number(delta)}" for name, delta in counters.items())


def _name(counter: str) -> str:
    """Write a counter as tables do: its collector and its name."""
    return counter.replace("/", " ")


def _where(place: support.Where) -> str:
    """Say where, unless it is the initial namespace or the whole host."""
    if place.places > 1:
        return f" in {place.places} places"
    return (f" on {place.interface}" if place.interface else "") + _in(place)


def _in(place: support.Where | None) -> str:
    """Say in which namespace, unless it is the initial one."""
    return "" if place is None or place.netns in {None, "init"} else f" in {place.netns}"
