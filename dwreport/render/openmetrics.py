"""Writes metrics as text for Prometheus: OpenMetrics 1.0, or the older format that node_exporter reads from files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dwreport.text import clean

Dialect = Literal["openmetrics", "prometheus"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A value with its labels; `created_s` is when a counter began at 0, in seconds since 1970."""

    labels: Mapping[str, str]
    value: float
    created_s: float | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics of one name: a counter's is written without the _total that its samples have."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: Sequence[Sample]


def lines(families: Iterable[Family], dialect: Dialect) -> Iterator[str]:
    """Yield the lines of the text, each with its end.

    https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md and
    https://prometheus.io/docs/instrumenting/exposition_formats/: the older format has no _created and no # EOF, and
    gives a counter's type under the name of its samples.
    """
    for family in families:
        sample = f"{family.name}_total" if family.kind == "counter" else family.name
        name = family.name if dialect == "openmetrics" else sample
        yield f"# HELP {name} {_escaped(family.help)}\n"
        yield f"# TYPE {name} {family.kind}\n"
        for one in family.samples:
            yield f"{sample}{_labels(one.labels)} {_number(one.value)}\n"
            if one.created_s is not None and dialect == "openmetrics":
                yield f"{family.name}_created{_labels(one.labels)} {_number(one.created_s)}\n"
    if dialect == "openmetrics":
        yield "# EOF\n"


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    """Escape what would end a label or a line; what is not printable is shown as reports show it."""
    escaped = clean(text).replace("\\", r"\\")
    return escaped.replace('"', r"\"") if quotes else escaped


def _number(value: float) -> str:
    """Write whole numbers as such: a count has all its digits."""
    return str(int(value)) if value == int(value) else repr(value)
