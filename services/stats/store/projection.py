"""The projection: facts of dossiers, the sums that they add up to, and what is asked of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database

from chassis.store import Document
from stats.domain.cells import FLOWS, LEVELS
from stats.domain.facts import Statements
from stats.domain.months import next_month
from stats.store.beside import beside
from stats.store.decoding import TIMED
from stats.store.facts import Merged, Operation
from stats.store.later import Later
from stats.store.rows import ensure_list_indexes
from stats.store.sums import (
    DIMENSIONS,
    EVERYWHERE,
    KINDS,
    AtMost,
    Entry,
    Found,
    Key,
    Sums,
    TooManyError,
    Where,
    by_channel,
    increments,
)

__all__ = [
    "COLLECTIONS",
    "DIMENSIONS",
    "EVERYWHERE",
    "Found",
    "Key",
    "Projection",
    "TooManyError",
    "Where",
    "boundaries",
]

COLLECTIONS = ("facts", "later", *KINDS)
"""Of one generation each."""
_FLOWS: frozenset[str] = frozenset(FLOWS)
_LEVELS: frozenset[str] = frozenset(LEVELS)
_Spans = tuple[list[tuple[str, str]], list[tuple[str, str]]]
"""Whole months, first and last (`YYYY-MM`); and parts of a month, first and last day (`YYYY-MM-DD`)."""


class Projection:
    """The facts and sums of one generation.

    A fact's row tells what it adds; the sums are what all rows add up to, and change in the transaction in which the
    rows change (see `stats.store.log`). So at any moment, for any reader, each number is the sum over the facts.
    """

    def __init__(self, database: Database[Document], generation: int) -> None:
        self.generation = generation
        self.facts: Collection[Document] = database.get_collection(f"facts_{generation}", codec_options=TIMED)
        self.sums = Sums(database, generation)
        self.later = Later(database, generation)

    def ensure_indexes(self, *, listed: bool = True) -> None:
        """The collections too: inside a transaction they would be made one after the other. `listed`: those too by
        which facts are listed; one that is made anew gets them when it is whole, which takes a fraction of the time."""
        if listed:
            ensure_list_indexes(self.facts)
        self.sums.ensure_indexes()
        self.later.ensure_indexes()

    def take(
        self, said: Mapping[str, Sequence[Statements]], session: ClientSession | None = None
    ) -> tuple[Merged, list[Entry]]:
        """Counts what was said of dossiers: what that changed, and what it added to the sums. Whoever calls sees to it
        that nobody else writes meanwhile."""
        merged, written = Merged(), _nothing
        try:
            for lot in merged.lots(self.facts, said, session):
                written()
                written = beside(self._write, lot, session)
            entries: list[Entry] = list(merged.deltas.entries())
            updates = increments(entries)
        finally:
            written()
        self.sums.write(updates, session)
        return merged, entries

    def _write(self, lot: Sequence[Operation], session: ClientSession | None) -> None:
        self.facts.bulk_write(lot, ordered=False, session=session)

    # -- what is asked of it --

    def flows(
        self,
        start: date,
        end: date,
        by: Sequence[str],
        where: Where = EVERYWHERE,
        as_of: date | None = None,
        only: frozenset[str] | None = None,
        most: int | None = None,
    ) -> Found:
        """By the values of `by` (any of DIMENSIONS, month, day): what the days [start, end) add up to, measure by
        measure (0 or nothing where there is none), and `received_online` and so on; only rows that have something. As
        known at the end of the day `as_of`; None: now. `only`: these measures, which is cheaper than all.
        TooManyError as soon as there are more than `most` rows."""
        found: Found = {} if most is None else AtMost(most)
        if start < end:
            self._add(found, start, end, by, where, only)
            if as_of is not None:
                days = (start.isoformat(), end.isoformat())
                for place, day, adds in self._later(start, end, where, as_of):
                    if days[0] <= day < days[1]:
                        wanted = {
                            name: n for name, n in by_channel(place, adds).items() if only is None or name in only
                        }
                        _add(found.setdefault(_key(place, day, by), {}), wanted, -1)
        return _cleaned(found)

    def levels(self, moment: date, by: Sequence[str], where: Where = EVERYWHERE, as_of: date | None = None) -> Found:
        """By the values of `by` (any of DIMENSIONS): the levels when the day `moment` begins. A due day to come counts
        there: what is overdue now is asked for today, or for tomorrow without what falls due today."""
        return self.levels_at([moment], by, where, as_of)[moment]

    def levels_by_month(
        self, start: date, end: date, by: Sequence[str], where: Where = EVERYWHERE, as_of: date | None = None
    ) -> dict[date, Found]:
        """`levels` at the start, at the first of each month between, and at the end."""
        return self.levels_at(boundaries(start, end), by, where, as_of)

    def levels_at(
        self, moments: Sequence[date], by: Sequence[str], where: Where = EVERYWHERE, as_of: date | None = None
    ) -> dict[date, Found]:
        """`levels` at each of the moments: what was added before it. From one moment to the next only what is between
        is added."""
        ordered, first = sorted(set(moments)), self.first_day()
        if first is None:
            return {moment: {} for moment in ordered}
        reached, level, answer = first, Found(), dict[date, Found]()
        monthly = self._monthly(list(pairwise(ordered)), by, where)
        later = [] if as_of is None else list(self._later(first, max(ordered[-1], first), where, as_of))
        for moment in ordered:
            if (reached, moment) in monthly:
                for key, row in monthly[reached, moment].items():
                    _add(level.setdefault(key, {}), row)
            elif reached < moment:
                self._add(level, reached, moment, by, where, _LEVELS)
            reached = max(reached, moment)
            answer[moment] = here = {key: dict(row) for key, row in level.items()}
            for place, day, adds in later:
                if day < moment.isoformat():
                    changed = {measure: number for measure, number in adds.items() if measure in _LEVELS}
                    _add(here.setdefault(_key(place, day, by), {}), changed, -1)
        return {moment: _cleaned(found) for moment, found in answer.items()}

    def _monthly(
        self, pairs: Sequence[tuple[date, date]], by: Sequence[str], where: Where
    ) -> dict[tuple[date, date], Found]:
        """What is added in those of the pairs that are a month each, asked at once."""
        whole = [(start, end) for start, end in pairs if start.day == 1 and end == next_month(start)]
        if not whole:
            return {}
        found: Found = {}
        self._add(found, whole[0][0], whole[-1][1], ("month", *by), where, _LEVELS)
        months: dict[str, Found] = {}
        for (month, *key), row in found.items():
            months.setdefault(month, {})[tuple(key)] = row
        return {(start, end): months.get(f"{start:%Y-%m}", {}) for start, end in whole}

    def months(self) -> Iterator[tuple[Key, dict[str, int]]]:
        """(agency, procedure, channel, service_level, month) and the month's flows, where any is not 0."""
        for month, agency, parts in self.sums.finest(""):
            rows: Found = {}
            for (_, procedure, channel, level), numbers in parts.items():
                row = rows.setdefault((agency, procedure, channel, level, month), {})
                for adds in numbers.values():
                    _add(row, {measure: number for measure, number in adds.items() if measure in _FLOWS})
            yield from _cleaned(rows).items()

    def now(self, today: date) -> Iterator[tuple[Key, dict[str, int]]]:
        """(agency, procedure, channel, service_level, "") and the levels at the end of `today`, where any is not 0."""
        by = ("agency", "procedure", "channel", "service_level")
        tomorrow = today + timedelta(days=1)
        due = self.flows(today, tomorrow, by)
        for key, row in self.levels(tomorrow, by).items():
            fallen = {name: due.get(key, {}).get(f"falling_due{name}", 0) for name in ("", "_asked_twice")}
            here = row | {f"overdue{name}": row.get(f"overdue{name}", 0) - number for name, number in fallen.items()}
            yield (*key, ""), {name: number for name, number in here.items() if number}

    def first_day(self) -> date | None:
        """The first of the month in which anything was ever counted."""
        found = self.sums.first_month()
        return None if found is None else date.fromisoformat(f"{found}-01")

    def _add(self, found: Found, start: date, end: date, by: Sequence[str], where: Where, only: Any) -> None:
        whole, parts = spans(start, end)
        if "day" in by:
            whole, parts = [], [(start.isoformat(), (end - timedelta(days=1)).isoformat())]
        for first, last in whole:
            self.sums.by_months(found, first, last, by, where, only)
        for first, last in parts:
            self.sums.by_days(found, first, last, by, where, only)

    def _later(self, start: date, end: date, where: Where, as_of: date) -> Iterator[Entry]:
        last = end - timedelta(days=1)
        for place, day, adds in self.later.since(as_of.isoformat(), f"{start:%Y-%m}", f"{last:%Y-%m}"):
            if where.holds(place):
                yield place, day, adds


def _nothing() -> None:
    """There is nothing to wait for yet."""


def boundaries(start: date, end: date) -> list[date]:
    """Start, the first of each month between, and end."""
    found, first = [start], start
    while (first := next_month(first)) < end:
        found.append(first)
    return [*found, end]


def spans(start: date, end: date) -> _Spans:
    """The days [start, end) as whole months and parts of months."""
    whole_from = start if start.day == 1 else min(next_month(start), end)
    whole_to = max(end.replace(day=1), whole_from)
    edges = ((start, whole_from), (whole_to, end))
    parts = [(a.isoformat(), (b - timedelta(days=1)).isoformat()) for a, b in edges if a < b]
    if whole_from < whole_to:
        return [(f"{whole_from:%Y-%m}", f"{whole_to - timedelta(days=1):%Y-%m}")], parts
    return [], parts


def _key(place: tuple[Any, ...], day: str, by: Sequence[str]) -> Key:
    values = dict(zip(DIMENSIONS, place, strict=True)) | {"month": day[:7], "day": day}
    return tuple(values[name] for name in by)


def _add(row: dict[str, int], adds: Mapping[str, int], sign: int = 1) -> None:
    for measure, number in adds.items():
        row[measure] = row.get(measure, 0) + sign * number


def _cleaned(found: Found) -> Found:
    """Without rows of nothing but zeros: there something was, and is not any more."""
    return {key: row for key, row in found.items() if any(row.values())}
