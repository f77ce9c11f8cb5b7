"""What came of the scenarios that were played, as JSON to carry it out of a guest, and as shares of right answers."""

import dataclasses
import json
from collections.abc import Iterable, Mapping

from tests.gallery.scenario import MissingError
from tests.gallery.score import COLUMNS, Score

Result = Score | Exception
"""A score, or why there is none: MissingError where this kernel cannot play it, else what went wrong."""

Results = Mapping[str, Result]


def is_right(result: Result) -> bool:
    """Say whether nothing is wrong: what cannot be played here is not wrong."""
    return result.is_right if isinstance(result, Score) else isinstance(result, MissingError)


def totals(results: Iterable[Result]) -> list[str]:
    """Return how many were played, and the share of right answers per column."""
    listed = list(results)
    scores = [result for result in listed if isinstance(result, Score)]
    shares = [_share([score.answers[column] for score in scores]) for column in range(len(COLUMNS))]
    return [f"{len(scores)} of {len(listed)} played", *shares]


def _share(answers: list[bool | None]) -> str:
    judged = [answer for answer in answers if answer is not None]
    return f"{sum(judged)}/{len(judged)} ({sum(judged) / len(judged):.0%})" if judged else "-"


def to_json(results: Results) -> str:
    """Write results so that from_json reads them."""
    return json.dumps({name: _plain(result) for name, result in results.items()})


def _plain(result: Result) -> dict[str, object]:
    if isinstance(result, Score):
        return dataclasses.asdict(result)
    return {"missing" if isinstance(result, MissingError) else "failed": str(result)}


def from_json(text: str) -> dict[str, Result]:
    """Read what to_json has written."""
    return {name: _result(plain) for name, plain in json.loads(text).items()}


def _result(plain: dict[str, str]) -> Result:
    if "missing" in plain:
        return MissingError(plain["missing"])
    if "failed" in plain:
        return RuntimeError(plain["failed"])
    return Score(**{**plain, "notes": tuple(plain["notes"])})  # type: ignore[arg-type]
