"""Names of ethertypes, as reports write and --protocol takes them (include/uapi/linux/if_ether.h)."""

_NAMES = {
    0x0001: "802.3",     # raw 802.3 frames, ETH_P_802_3
    0x0004: "llc",       # 802.2 frames such as STP: ETH_P_802_2
    0x000C: "can",
    0x000D: "canfd",
    0x0800: "ipv4",
    0x0806: "arp",
    0x0842: "wol",
    0x22F0: "tsn",
    0x6558: "teb",
    0x8035: "rarp",
    0x809B: "appletalk",
    0x8100: "vlan",
    0x8137: "ipx",
    0x86DD: "ipv6",
    0x8808: "pause",
    0x8809: "slow",      # LACP and its kin
    0x8847: "mpls",
    0x8848: "mpls-mc",
    0x8863: "pppoe-disc",
    0x8864: "pppoe",
    0x888E: "eapol",
    0x8892: "profinet",
    0x8899: "realtek",   # switches that ask for each other and look for loops: ETH_P_REALTEK
    0x88A2: "aoe",
    0x88A4: "ethercat",
    0x88A8: "qinq",
    0x88CC: "lldp",
    0x88E1: "homeplug",  # power-line adapters, whose manager asks every second
    0x88E3: "mrp",
    0x88E5: "macsec",
    0x88F7: "ptp",
    0x88FB: "prp",
    0x8902: "cfm",
    0x8906: "fcoe",
    0x8914: "fip",
    0x892F: "hsr",
    0x894F: "nsh",
    0x9000: "loopback",
}
_NUMBERS = {name: number for number, name in _NAMES.items()}


def protocol_name(number: int | None) -> str | None:
    """Return the name of an ethertype, "0x88b5" for one without; None stays None."""
    return None if number is None else _NAMES.get(number, f"0x{number:04x}")


def protocol_number(text: str) -> int:
    """Return the ethertype of a name or a number ("ipv4", "0x88b5", "2048"); raise ValueError."""
    name = text.strip().lower()
    number = _NUMBERS.get({"ip": "ipv4", "ip6": "ipv6"}.get(name, name))
    if number is None:
        number = _parsed(name)
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f'"{text}" is not a protocol; write a name ({", ".join(sorted(_NUMBERS))}) or an ethertype '
                         "such as 0x88b5")
    return number


def _parsed(text: str) -> int:
    try:
        return int(text, 0) if len(text) <= 8 else -1
    except ValueError:
        return -1
