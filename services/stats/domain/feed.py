"""What the feed says, and when it has something new to say. Plain Python.

A statement has a subject and a mark. The feed says it when the mark is not that of what it last said of the subject. So
to make the same statements again, after a crash or in another worker, changes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stats.events import AlertRaised, CountsChanged, IndicatorChanged, ReportPublished, Words

Event = CountsChanged | IndicatorChanged | AlertRaised | ReportPublished
PROVINCE = "-"
"""Stands in a subject where an agency would, for the whole province."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the feed last said of a subject; revision 0: nothing."""

    revision: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """`event` makes what is said, given what was said before. `empty`: there is nothing to say, unless something was
    said before."""

    type: str
    subject: str
    mark: str
    event: Callable[[Said], Event]
    empty: bool = False

    def is_new(self, before: Said) -> bool:
        return not self.empty if before.revision == 0 else before.mark != self.mark


def counts_subject(agency: str, month: str) -> str:
    return f"{agency}/{month}"


def agency_and_month(subject: str) -> tuple[str, str]:
    """Of a subject that `counts_subject` made."""
    agency, _, month = subject.rpartition("/")
    return agency, month


def counted(
    agency: str, agency_name: str | None, month: str, counts: Mapping[str, int | Mapping[str, int]], as_of: datetime
) -> Statement:
    text = json.dumps(counts, sort_keys=True, separators=(",", ":"))
    mark = hashlib.sha256(text.encode()).hexdigest()[:32]

    def event(before: Said) -> Event:
        return CountsChanged(
            agency=agency, agency_name=agency_name, month=month, revision=before.revision + 1, as_of=as_of,
            counts=counts,
        )  # fmt: skip

    return Statement(CountsChanged.TYPE, counts_subject(agency, month), mark, event)


def measured(
    indicator: str, agency: str | None, period: str, numerator: float, denominator: float | None, as_of: datetime
) -> Statement:
    """`denominator` None: the indicator is a number."""

    def event(before: Said) -> Event:
        return IndicatorChanged(
            indicator=indicator, agency=agency, period=period, revision=before.revision + 1, as_of=as_of,
            numerator=numerator, denominator=denominator, value=_value(numerator, denominator),
            previous_value=None if before.revision == 0 else _value(*json.loads(before.mark)),
        )  # fmt: skip

    subject = f"{indicator}/{agency or PROVINCE}/{period}"
    mark = json.dumps([numerator, denominator])
    return Statement(IndicatorChanged.TYPE, subject, mark, event, empty=not numerator and not denominator)


def raised(
    kind: str,
    agency: str | None,
    period: str,
    numbers: Mapping[str, float],
    words: Words,
    at: datetime,
    indicator: str | None = None,
) -> Statement:
    """Its mark is always the same, so that it is said once, whatever its numbers become."""

    def event(_: Said) -> Event:
        return AlertRaised(
            kind=kind, indicator=indicator, agency=agency, period=period, raised_at=at, numbers=numbers, words=words
        )

    about = kind if indicator is None else f"{kind}/{indicator}"
    return Statement(AlertRaised.TYPE, f"{about}/{agency or PROVINCE}/{period}", "raised", event)


def published(form: str, agency: str, month: str, *, revision: int, sha256: str, url: str, at: datetime) -> Statement:
    """`revision` is the report's own; each is said once."""

    def event(_: Said) -> Event:
        return ReportPublished(
            form=form, agency=agency, month=month, revision=revision, sha256=sha256, url=url, published_at=at
        )

    return Statement(ReportPublished.TYPE, f"{form}/{agency}/{month}/{revision}", sha256, event)


def numbers_of(row: Mapping[str, Any]) -> dict[str, int | Mapping[str, int]]:
    """Of a row of counts: what was counted, without what it was counted by."""
    return {name: value for name, value in row.items() if isinstance(value, (int, Mapping))}


def _value(numerator: float, denominator: float | None) -> float | None:
    if denominator is None:
        return numerator
    return numerator / denominator if denominator else None
