"""Code addresses as (symbol, offset, module), from the text that the kernel prints for them."""

import re

from dropwatchd.model import Location

# lib/vsprintf.c, "%pS": symbol+0xoffset/0xsize [module build-id]; a bare address where no symbol is known
_PRINTED = re.compile(r"(?P<symbol>[^+\s]+)(\+0x(?P<offset>[0-9a-f]+)(/0x[0-9a-f]+)?)?"
                      r"(\s+\[(?P<module>[^\]\s]+)[^\]]*\])?")


def parse_printed(text: str, address: int | None) -> Location:
    """Turn "nf_hook_slow+0x9d/0xf0 [module]" into a Location; the address stands alone where there is no symbol.

    A Location with a symbol has no address: addresses change with every boot, symbol and offset do not.
    """
    match = _PRINTED.fullmatch(text.strip())
    if not match or match["symbol"].startswith("0x"):
        return Location(None, address=address)
    offset = int(match["offset"], 16) if match["offset"] else None
    return Location(match["symbol"], offset, match["module"])
