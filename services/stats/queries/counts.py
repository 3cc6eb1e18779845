"""The numbers as they are asked for.

Flows (received, finished…) are sums of cells over days. Stocks (carried over, open, waiting) are asked of the facts
at the first and the last moment of a period: what was received before then and not finished, stopped or withdrawn
before then.
By month, each month is a period.

A dossier is overdue from the day after its due day on, as it is finished late from that day on; not while its clock
stands still since before then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from chassis.errors import Invalid
from chassis.worktime import local_day
from stats.store import StatsStore
from stats.store.agencies import AgencyCopy
from stats.store.projection import DIMENSIONS, Key, Projection

BY = (*DIMENSIONS, "month")
MAX_MONTHS = 120


class PeriodInvalid(Invalid):
    code, title = "period_invalid", "Khoảng thời gian không hợp lệ"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of `agency` (None: all), with what is below it if `subtree`; the days [start, end), None as in the current
    year."""

    agency: str | None = None
    subtree: bool = False
    start: date | None = None
    end: date | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Span:
    """A period with one opening and one closing; `month` is "" when months are not asked for."""

    month: str
    start: date
    end: date


class Queries:
    def __init__(self, store: StatsStore) -> None:
        self._store = store

    def counts(self, wanted: Wanted, now: datetime) -> list[dict[str, Any]]:
        """A row for each combination of the values of `by` that occurs, in their order; one row of zeros when `by` is
        empty.

        PeriodInvalid for a period that ends before it starts, or by month over more than ten years.
        """
        today = local_day(now)
        start = wanted.start or date((today if wanted.end is None else wanted.end - timedelta(days=1)).year, 1, 1)
        end = wanted.end or date(start.year + 1, 1, 1)
        spans = _spans(start, end, today, "month" in wanted.by)
        copies = self._store.agencies.all()
        agencies = None if wanted.agency is None else _chosen(copies, wanted.agency, wanted.subtree)
        rows = self._rows(self._store.current(), spans, today, wanted.by, agencies)
        items = [_item(key, rows[key], wanted.by, copies) for key in sorted(rows, key=lambda key: tuple(map(str, key)))]
        return items or ([] if wanted.by else [_item((), {}, (), copies)])

    def years(self, now: datetime) -> list[int]:
        """The years that have numbers, the current one always, newest first."""
        first, this = self._store.current().first_day(), local_day(now).year
        return list(range(this, min(this, this if first is None else first.year) - 1, -1))

    def _rows(
        self,
        projection: Projection,
        spans: Sequence[_Span],
        today: date,
        by: Sequence[str],
        agencies: Sequence[str] | None,
    ) -> dict[Key, dict[str, int]]:
        rows: dict[Key, dict[str, int]] = {}
        for key, flows in projection.flows(spans[0].start, spans[-1].end, by, agencies).items():
            rows.setdefault(key, {}).update(flows)
        still = [name for name in by if name != "month"]
        # A month opens with what the month before closed with, so that each boundary is asked once.
        moments = sorted({moment for span in spans for moment in (span.start, span.end)})
        opens = {moment: projection.open_at(moment, min(moment, today), still, agencies) for moment in moments}
        for span in spans:
            for key, opening in opens[span.start].items():
                _row(rows, key, by, span)["carried_over"] = opening.total
            for key, closing in opens[span.end].items():
                row = _row(rows, key, by, span)
                row.update(open=closing.total, overdue=closing.overdue)
                row.update(supplement=closing.supplement, paused=closing.paused)
            for key, number in projection.waiting_at(span.end, still, agencies).items():
                _row(rows, key, by, span)["waiting"] = number
        return rows


def _row(rows: dict[Key, dict[str, int]], key: Key, by: Sequence[str], span: _Span) -> dict[str, int]:
    values = iter(key)
    return rows.setdefault(tuple(span.month if name == "month" else next(values) for name in by), {})


def _spans(start: date, end: date, today: date, by_month: bool) -> list[_Span]:
    """The periods that have an opening and a closing: months that have not begun have none."""
    if end <= start:
        raise PeriodInvalid("`from` must be a day before `to`")
    if not by_month:
        return [_Span("", start, end)]
    if (end.year - start.year) * 12 + end.month - start.month > MAX_MONTHS:
        raise PeriodInvalid(f"by month, at most {MAX_MONTHS} months can be asked for")
    firsts, first = [], _next_month(start)
    while first < end:
        firsts.append(first)
        first = _next_month(first)
    return [_Span(f"{a:%Y-%m}", a, b) for a, b in pairwise([start, *firsts, end]) if a <= today or a == start]


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _chosen(copies: dict[str, AgencyCopy], agency: str, subtree: bool) -> list[str]:
    """The agency, with all below it if asked for."""
    chosen, found = {agency: None}, [agency]
    children: dict[str | None, list[str]] = {}
    for copy in copies.values():
        children.setdefault(copy.parent, []).append(copy.id)
    while subtree and found:
        found = [child for parent in found for child in children.get(parent, ()) if child not in chosen]
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _item(key: Key, row: dict[str, int], by: Sequence[str], copies: dict[str, AgencyCopy]) -> dict[str, Any]:
    """One row of the answer. What no event feeds yet is 0: no dossier has been paid online so far."""
    names = dict(zip(by, key, strict=True))
    if "agency" in names:
        copy = copies.get(names["agency"])
        names["agency_name"] = None if copy is None else copy.name

    def number(name: str) -> int:
        return row.get(name, 0)

    return {
        **names,
        "received": {channel: number(f"received_{channel}") for channel in ("online", "counter", "post")}
        | {"total": number("received")},
        "carried_over": number("carried_over"),
        "finished": {timing: number(f"finished_{timing}") for timing in ("early", "on_time", "late")}
        | {"total": sum(number(f"finished_{timing}") for timing in ("early", "on_time", "late"))},
        "open": {"within": number("open") - number("overdue"), "overdue": number("overdue"), "total": number("open")},
        "waiting": number("waiting"),
        "supplement": number("supplement"),
        "paused": number("paused"),
        "stopped": number("stopped"),
        "supplement_requests": number("supplement_requests"),
        "withdrawn": number("withdrawn"),
        "withdrawn_waiting": number("withdrawn_waiting"),
        "refused": number("refused"),
        "handed_over": number("handed_over"),
        "digitised": number("digitised"),
        "reused": 0,
        "paid_online": 0,
        "document_lookups": 0,
    }
