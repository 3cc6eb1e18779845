"""The numbers as they are asked for.

Flows (received, finished…) are sums over the days of a period. Levels (carried over, open, waiting…) are sums over all
days before one of its ends: what opens the period, and what the days since add to it. By month or by day, each is a
period; it opens with what the one before closed with.

A dossier is overdue from the day after its due day on, as it is finished late from that day on; not while its clock
stands still since before then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json

from chassis.errors import FieldError, Invalid
from chassis.worktime import local_day
from stats.domain.catalogue import Agency, subtree
from stats.domain.cells import LEVELS
from stats.domain.facts import Channel, ServiceLevel
from stats.domain.months import next_month
from stats.domain.numbers import FALLING_DUE, LEAVES, not_yet_due
from stats.queries.by_month import is_of_columns, rows_by_month
from stats.queries.periods import Period, PeriodInvalid, period
from stats.queries.rows import CARRIED_OVER, NOTHING, Numbers, as_text, as_tree, numbers_of
from stats.store import StatsStore
from stats.store.projection import DIMENSIONS, Found, Key, Projection, TooManyError, Where

TIMES = ("month", "day")
BY = (*DIMENSIONS, *TIMES)
MAX_MONTHS = 120
MAX_DAYS = 400
MAX_ROWS = 50_000
MAX_FLOWS = 4 * MAX_ROWS
"""Some of what is read makes no row, but never so much of it: whatever is asked for, it fits into the memory."""
ONE_DAY = timedelta(days=1)
PREFIX = "/api/stats/v1"
LOOKUPS = "document_lookups"
"""It counts looks into the document store; every other number counts dossiers."""

Row = dict[str, int]


class NotAsOf(Invalid):
    code, title = "not_as_of", "Danh sách hồ sơ chỉ có theo hiểu biết hiện tại"


class TooManyRows(Invalid):
    code, title = "too_many_rows", "Kết quả quá nhiều dòng, xin thu hẹp phạm vi"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of `agency` (None: all), with what is below it if `subtree`; of a field, procedure, channel and service level
    (None: any, "": those of none, as a look-up in the document store is); the days [start, end), None as in the current
    year; as known at the end of the day `as_of`, None: now. `links`: with the address of what is behind each number.
    """

    agency: str | None = None
    subtree: bool = False
    start: date | None = None
    end: date | None = None
    by: tuple[str, ...] = ()
    field: str | None = None
    procedure: str | None = None
    channel: Any = None
    service_level: Any = None
    as_of: date | None = None
    links: bool = False

    def where(self, agencies: Mapping[str, Agency]) -> Where:
        chosen = None
        if self.agency is not None:
            chosen = subtree(agencies, self.agency) if self.subtree else [self.agency]
        channel: Channel | None = self.channel
        level: ServiceLevel | None = self.service_level
        return Where(agencies=chosen, field=self.field, procedure=self.procedure, channel=channel, service_level=level)


@dataclass(frozen=True, slots=True)
class Span:
    """A period with one opening and one closing; `name` is its month or day, "" when neither is asked for."""

    name: str
    start: date
    end: date


class Queries:
    def __init__(self, store: StatsStore) -> None:
        self._store = store

    def counts(self, wanted: Wanted, now: datetime) -> list[dict[str, Any]]:
        """A row for each combination of the values of `by` that occurs, in their order; one row of zeros when `by` is
        empty.

        PeriodInvalid for a period that ends before it starts, or by month or day over more than MAX_MONTHS or MAX_DAYS;
        TooManyRows; NotAsOf for links of an earlier day.
        """
        found = self._found(wanted, now)
        items = [_named(key, wanted.by, found.copies) | as_tree(numbers) for key, numbers in found.rows]
        if wanted.links:
            require_now(found.asked)
            spans = {span.name: span for span in spans_of(found.asked, wanted.by)}
            for item in items:
                item["links"] = _links(item, wanted, spans[item.get("day") or item.get("month", "")])
        return items

    def counts_json(self, wanted: Wanted, now: datetime) -> bytes:
        """The same as JSON: a province by agency and month has a hundred thousand numbers."""
        if wanted.links:
            return to_json(self.counts(wanted, now))
        found = self._found(wanted, now)
        member = cache(lambda name, value: to_json(_named((value,), (name,), found.copies))[1:-1] + b",")
        names = [b"".join(map(member, wanted.by, key)) for key, _ in found.rows]
        return as_text(names, [numbers for _, numbers in found.rows])

    def _found(self, wanted: Wanted, now: datetime) -> "_Found":
        copies = self._store.agencies.all()
        asked = period(wanted.start, wanted.end, wanted.as_of, now)
        rows = self._rows(self._store.current(), asked, wanted, wanted.where(copies))
        if not wanted.by:
            rows = {(): rows.get((), NOTHING)}
        return _Found(asked, copies, sorted(rows.items(), key=_order(wanted.by)))

    def years(self, now: datetime) -> list[int]:
        """The years that have numbers, the current one always, newest first."""
        first, this = self._store.current().first_day(), local_day(now).year
        return list(range(this, min(this, this if first is None else first.year) - 1, -1))

    @staticmethod
    def _rows(projection: Projection, asked: Period, wanted: Wanted, where: Where) -> dict[Key, Numbers]:
        """By the values of `by`: the row's numbers."""
        by, as_of = wanted.by, asked.as_of
        spans = spans_of(asked, by)
        still = [name for name in by if name not in TIMES]
        falling: Found | None = None
        if asked.today < spans[-1].end:
            falling = projection.flows(asked.today, spans[-1].end, still, where, as_of, _FALLING)
        rows: dict[Key, Numbers] = {}
        if is_of_columns(asked.start, asked.end, by, where, as_of):
            at = by.index("month")
            for key, month, numbers in rows_by_month(projection, asked.start, len(spans), by, where, falling):
                rows[*key[:at], month, *key[at:]] = numbers
            return rows
        try:
            flows = _by_span(projection.flows(asked.start, asked.end, by, where, as_of, most=MAX_FLOWS), by)
        except TooManyError:
            raise _too_many() from None
        opening = projection.levels(asked.start, still, where, as_of)
        for key in {**dict.fromkeys(opening), **dict.fromkeys(flows)}:
            for span, row in _followed(spans, opening.get(key, {}), flows.get(key, {})):
                if falling is not None and asked.today < span.end:
                    row.update(not_yet_due(row, falling.get(key, {})))
                numbers = numbers_of(row)
                if any(numbers):
                    rows[_whole_key(key, span.name, by)] = numbers
                    if len(rows) > MAX_ROWS:
                        raise _too_many()
        return rows


def _order(by: Sequence[str]) -> Callable[[tuple[Key, Numbers]], Key]:
    """By the values, as texts: all but levels are."""
    if "service_level" in by:
        return lambda row: tuple(map(str, row[0]))
    return itemgetter(0)


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows in their order, each with the values of `by`."""

    asked: Period
    copies: Mapping[str, Agency]
    rows: Sequence[tuple[Key, Numbers]]


def _followed(spans: Sequence[Span], opening: Row, flows: Mapping[str, Row]) -> Iterator[tuple[Span, Row]]:
    """Each period with what its days add up to, the levels at its end, and what was open at its start; those in which
    nothing happened and nothing is there may be left out."""
    levels: Row = {level: opening.get(level, 0) for level in LEVELS}
    there = any(levels.values())
    for span in spans:
        counted = flows.get(span.name)
        if counted is not None:
            carried_over = levels["open"]
            for level in LEVELS:
                if level in counted:
                    levels[level] += counted[level]
            there = any(levels.values())
            yield span, {**counted, **levels, CARRIED_OVER: carried_over}
        elif there:
            yield span, {**levels, CARRIED_OVER: levels["open"]}


def require_now(asked: Period) -> None:
    """NotAsOf when it is asked what was known on an earlier day: that is counted, but not listed."""
    if asked.as_of is not None:
        raise NotAsOf(
            "only what is known now can be listed", errors=[FieldError("/as_of", "not_as_of", "leave it out")]
        )


def spans_of(asked: Period, by: Sequence[str]) -> list[Span]:
    """The periods that have an opening and a closing: months and days that have not begun have none."""
    if "day" in by:
        if (asked.end - asked.start).days > MAX_DAYS:
            raise _too_long(f"by day, at most {MAX_DAYS} days can be asked for")
        days = [asked.start + n * ONE_DAY for n in range((asked.end - asked.start).days)]
        spans = [Span(f"{day}", day, day + ONE_DAY) for day in days]
    elif "month" in by:
        if (asked.end.year - asked.start.year) * 12 + asked.end.month - asked.start.month > MAX_MONTHS:
            raise _too_long(f"by month, at most {MAX_MONTHS} months can be asked for")
        firsts, first = [], next_month(asked.start)
        while first < asked.end:
            firsts.append(first)
            first = next_month(first)
        spans = [Span(f"{a:%Y-%m}", a, b) for a, b in pairwise([asked.start, *firsts, asked.end])]
    else:
        spans = [Span("", asked.start, asked.end)]
    return [span for span in spans if span.start <= asked.today or span.start == asked.start]


def _too_many() -> TooManyRows:
    wrong = FieldError("/by", "too_many_rows", "fewer of them, or less of the province")
    return TooManyRows(f"there are more than {MAX_ROWS} rows", errors=[wrong])


def _too_long(detail: str) -> PeriodInvalid:
    return PeriodInvalid(detail, errors=[FieldError("/by", "period", "a shorter period")])


def _by_span(flows: Mapping[Key, Row], by: Sequence[str]) -> dict[Key, dict[str, Row]]:
    """By the dimensions, and by the month or day. Who asks for both gets the day's month, so the day is what tells."""
    time = next((by.index(name) for name in ("day", "month") if name in by), None)
    still = [n for n, name in enumerate(by) if name not in TIMES]
    found: dict[Key, dict[str, Row]] = {}
    for key, row in flows.items():
        found.setdefault(tuple(key[n] for n in still), {})["" if time is None else key[time]] = row
    return found


def _whole_key(key: Key, name: str, by: Sequence[str]) -> Key:
    values = iter(key)
    times = {"month": name[:7], "day": name}
    return tuple(times[each] if each in TIMES else next(values) for each in by)


def _named(key: Key, by: Sequence[str], copies: Mapping[str, Agency]) -> dict[str, Any]:
    """What tells one row from the others. A dimension is None where what was counted has none."""
    named: dict[str, Any] = {name: None if value == "" else value for name, value in zip(by, key, strict=True)}
    if "agency" in named:
        copy = copies.get(named["agency"])
        named["agency_name"] = None if copy is None else copy.name
    return named


def _links(item: Mapping[str, Any], wanted: Wanted, span: Span) -> dict[str, str]:
    """For each number of the row, where what it counts is listed."""
    whose = {name: getattr(wanted, name) for name in DIMENSIONS}
    subtree_too = wanted.subtree and wanted.agency is not None and "agency" not in wanted.by
    whose |= {name: item[name] or "" for name in DIMENSIONS if name in wanted.by}
    common = {name: str(value) or "-" for name, value in whose.items() if value is not None}
    common |= {"subtree": "true"} if subtree_too else {}
    common |= {"from": str(span.start), "to": str(span.end)}
    return {path: link_to(name, common) for path, name in LEAVES.items()}


def link_to(name: str, filters: Mapping[str, str]) -> str:
    """The address of the list behind a number of NUMBERS."""
    if name == LOOKUPS:
        return f"{PREFIX}/lookups?{urlencode(filters)}"
    return f"{PREFIX}/dossiers?{urlencode({'measure': name, **filters})}"


_FALLING: frozenset[str] = frozenset(FALLING_DUE.values())
