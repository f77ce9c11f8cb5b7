"""The one door to the catalogue of causes: what drops, reasons, functions, traps and counters mean, with the source.

How the data are written, and how to add a cause: README.md.
"""

from dwreport.causes.entries import Cause, Counter, Harm, Kind, Location, Reason, Trap
from dwreport.causes.equalities import UNSPECIFIED, Equality, equalities
from dwreport.causes.lookup import called, counter, explain, location, near, reason, trap, written
from dwreport.causes.meaning import (
    Standing,
    advice,
    candidates_of,
    filled,
    is_checked,
    of_counter,
    of_drop,
    of_place,
    reason_of,
    standing,
    untold,
)

__all__ = [
    "UNSPECIFIED",
    "Cause",
    "Counter",
    "Equality",
    "Harm",
    "Kind",
    "Location",
    "Reason",
    "Standing",
    "Trap",
    "advice",
    "called",
    "candidates_of",
    "counter",
    "equalities",
    "explain",
    "filled",
    "is_checked",
    "location",
    "near",
    "of_counter",
    "of_drop",
    "of_place",
    "reason",
    "reason_of",
    "standing",
    "trap",
    "untold",
    "written",
]
