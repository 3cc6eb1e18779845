"""What a report says: read through the same queries as the API's numbers, so that nothing is counted a second way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from chassis.auth import Principal
from chassis.worktime import local_day
from stats import report_texts, texts
from stats.domain.catalogue import Agency, subtree, top
from stats.domain.indicators import MAIN, rounded
from stats.domain.months import next_month
from stats.domain.reports import Cell, Form, Head, Row, Table
from stats.queries.counts import Queries, Wanted
from stats.queries.dossiers import Dossiers
from stats.queries.indicators import Asked, Indicators, Measured, Offer, WantedOffers
from stats.queries.periods import known_until
from stats.queries.warnings import Warnings
from stats.store import StatsStore

PAGE = 2000
Item = Mapping[str, Any]
EVERYBODY_S = Principal("stats", "", frozenset(), None, frozenset(), "system")
"""Whose register it is was decided before."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A report's head and its rows, table by table; `expected`: about how many."""

    head: Head
    rows: Iterator[Row]
    expected: int


@dataclass(frozen=True, slots=True)
class Of:
    """Of an agency with those below it, in a month, as known at the end of `as_of` (None: now)."""

    form: Form
    agency: str
    agency_name: str
    month: str
    as_of: date | None = None

    @property
    def start(self) -> date:
        return date.fromisoformat(f"{self.month}-01")

    @property
    def end(self) -> date:
        return next_month(self.start)


class Drawing:
    def __init__(self, store: StatsStore) -> None:
        self._store = store
        self._counts = Queries(store)
        self._dossiers = Dossiers(store)
        self._indicators = Indicators(store)
        self._warnings = Warnings(store)

    def draw(self, of: Of, now: datetime, *, single: bool = True) -> Drawn:
        """`single`: with the rows of single dossiers too, which are the most."""
        tables = self._tables(of, now, single=single)
        last_day = min(of.end - timedelta(days=1), of.as_of or local_day(now))
        known = known_until(of.as_of, now)
        head = Head(
            form=of.form, title=report_texts.title(of.form, of.month), agency=of.agency, agency_name=of.agency_name,
            month=of.month, known_until=known, tables=tuple(table for table, _, _ in tables),
            notes=report_texts.notes(of.form, known, last_day),
        )  # fmt: skip
        rows = chain.from_iterable(_rows(n, found, totals) for n, (_, found, totals) in enumerate(tables))
        expected = 2000
        if of.form == "register" and single:
            expected += self._row(of, now)["received"]["total"]
        return Drawn(head, rows, expected)

    def _tables(
        self, of: Of, now: datetime, *, single: bool
    ) -> list[tuple[Table, Iterator[Sequence[Cell]], Sequence[Cell] | None]]:
        """Each with its rows and its total."""
        match of.form:
            case "situation-by-agency":
                return [self._situation(of, now, "agency", report_texts.BY_AGENCY)]
            case "situation-by-field":
                return [self._situation(of, now, "field", report_texts.BY_FIELD)]
            case "register":
                found: list[Any] = [(report_texts.SUMMARY, self._summary(of, now), None)]
                return [*found, (report_texts.REGISTER, self._register(of, now), None)] if single else found
            case "monthly":
                return [
                    (report_texts.SUMMARY, self._summary(of, now), None),
                    (report_texts.INDICATOR_TABLE, self._measured(of, now), None),
                    self._situation(of, now, "agency", report_texts.BY_AGENCY),
                    *((report_texts.ranking(code), self._ranked(of, now, code), None) for code in report_texts.RANKED),
                    (report_texts.WARNINGS, self._warned(of, now), None),
                    (report_texts.WITHOUT_AGENCIES, self._without(of, now, "agency", _agency), None),
                    (report_texts.WITHOUT_PROCEDURES, self._without(of, now, "procedure", _procedure), None),
                ]

    # -- counts --

    def _whose(self, of: Of) -> str | None:
        """None for the topmost agency: what nobody else's is the province's too."""
        return None if of.agency == top(self._store.agencies.all()) else of.agency

    def _items(self, of: Of, now: datetime, start: date, end: date, *by: str) -> list[dict[str, Any]]:
        wanted = Wanted(agency=self._whose(of), subtree=True, start=start, end=end, by=by, as_of=of.as_of)
        return self._counts.counts(wanted, now)

    def _row(self, of: Of, now: datetime) -> Item:
        return self._items(of, now, of.start, of.end)[0]

    def _situation(
        self, of: Of, now: datetime, by: str, table: Table
    ) -> tuple[Table, Iterator[Sequence[Cell]], Sequence[Cell]]:
        labels = len(table.columns) - len(report_texts.SITUATION)
        paths = [column.id for column in report_texts.SITUATION]
        found = [
            [*(item[column.id] or "" for column in table.columns[:labels]), *(_number(item, path) for path in paths)]
            for item in self._items(of, now, of.start, of.end, by)
        ]
        shown = [row for row in found if any(row[labels:])]
        # Added up here, so that the last row is that of the rows above it whatever comes meanwhile.
        sums = [sum(int(row[n]) for row in shown) for n in range(labels, len(table.columns))]
        return table, iter(shown), ["", *([""] * (labels - 1)), *sums]

    def _summary(self, of: Of, now: datetime) -> Iterator[Sequence[Cell]]:
        before = (of.start - timedelta(days=1)).replace(day=1)
        month, earlier, year = (
            self._items(of, now, start, end)[0]
            for start, end in ((of.start, of.end), (before, of.start), (of.start.replace(month=1), of.end))
        )
        for path, name in report_texts.SUMMARIES.items():
            this, that = _number(month, path), _number(earlier, path)
            yield path, name.vi, this, that, this - that, _number(year, path)

    # -- indicators --

    def _asked(self, of: Of, start: date) -> Asked:
        whose = self._whose(of)
        return Asked(agency=whose, subtree=whose is not None, start=start, end=of.end, as_of=of.as_of)

    def _measured(self, of: Of, now: datetime) -> Iterator[Sequence[Cell]]:
        month = self._indicators.read(self._asked(of, of.start), now, MAIN).items
        year = self._indicators.read(self._asked(of, of.start.replace(month=1)), now, MAIN, compared=False).items
        for each, since in zip(month, year, strict=True):
            found = each.reading
            achieved = None if since.achievement is None else rounded(since.achievement, 2)
            yield (
                found.indicator.code, texts.INDICATORS[found.indicator.code].name.vi, found.numerator,
                found.denominator, _percent(each), _before(each), _change(each), _percent(since), since.target,
                achieved, None if since.met is None else "met" if since.met else "missed",
            )  # fmt: skip

    def _ranked(self, of: Of, now: datetime, code: str) -> Iterator[Sequence[Cell]]:
        asked = Asked(agency=self._whose(of), start=of.start, end=of.end, as_of=of.as_of)
        for each in self._indicators.rank(code, asked, None, now).ranks:
            if each.rank is not None:
                found = each.measured.reading
                yield (
                    each.agency.id, each.agency.name, each.rank, found.numerator, found.denominator,
                    _percent(each.measured), each.measured.target, _change(each.measured),
                )  # fmt: skip

    def _without(self, of: Of, now: datetime, kind: str, cells: Any) -> Iterator[Sequence[Cell]]:
        wanted = WantedOffers(self._asked(of, of.start), used=False)
        return (cells(offer) for offer in self._indicators.offers(wanted, kind, now)[1])

    def _warned(self, of: Of, now: datetime) -> Iterator[Sequence[Cell]]:
        """Of the running year only, as it is now: what is foretold is not foretold of the past."""
        if of.start.year != local_day(now).year or of.as_of is not None:
            return
        below = frozenset(subtree(self._store.agencies.all(), of.agency))
        for each in self._warnings.outlook(now).items:
            if each.agency in below and each.forecast.severity is not None:
                code, share = each.reading.indicator.code, each.reading.share
                yield (
                    f"{each.agency}/{code}", each.agency_name or each.agency, texts.INDICATORS[code].name.vi,
                    None if share is None else rounded(share, 2), each.target, rounded(each.forecast.projected, 2),
                    rounded(each.forecast.missed_by, 2), each.forecast.severity,
                )  # fmt: skip

    # -- the register --

    def _register(self, of: Of, now: datetime) -> Iterator[Sequence[Cell]]:
        names = {each.code: each.name for each in self._store.catalogue.procedures(None)}
        wanted = Wanted(agency=self._whose(of), subtree=True, start=of.start, end=of.end)
        cursor: str | None = None
        while True:
            page = self._dossiers.behind(EVERYBODY_S, "received", wanted, now, cursor, PAGE)
            for each in page.items:
                yield (
                    each["code"] or each["id"], each["procedure"], names.get(each["procedure"], ""), each["agency"],
                    each["agency_name"] or "", each["channel"], str(each["service_level"]), _day(each["filed_on"]),
                    _day(each["received_on"]), _day(each["due_on"]), _day(each["finished_on"]), each["timing"],
                    _day(each["handed_over_on"]), _day(each["stopped_on"] or each["withdrawn_on"]),
                )  # fmt: skip
            if page.next is None:
                return
            cursor = page.next


def _rows(table: int, found: Iterator[Sequence[Cell]], total: Sequence[Cell] | None) -> Iterator[Row]:
    for cells in found:
        yield Row(table, tuple(_clean(cell) for cell in cells))
    if total is not None:
        yield Row(table, tuple(total), total=True)


def _clean(cell: Cell) -> Cell:
    """Without control characters, which not every format can hold."""
    if isinstance(cell, str) and not cell.isprintable():
        return "".join(each if each.isprintable() else " " for each in cell)
    return cell


def _number(item: Item, path: str) -> int:
    """A number of a row of counts; two of a report are put together of several."""
    if path == "taken":
        return _number(item, "carried_over") + _number(item, "received.total")
    if path == "taken_back":
        return _number(item, "withdrawn") - _number(item, "withdrawn_waiting")
    if path == "received.counter_post":
        return _number(item, "received.counter") + _number(item, "received.post")
    group, _, leaf = path.rpartition(".")
    found: int = item[group][leaf] if group else item[leaf]
    return found


def _percent(measured: Measured) -> float | None:
    share = measured.reading.share
    return None if share is None else rounded(share, 2)


def _before(measured: Measured) -> float | None:
    share = measured.before.share
    return None if share is None else rounded(share, 2)


def _change(measured: Measured) -> float | None:
    """In percentage points; of a change downwards the size is rounded, as in GET /indicators."""
    now, before = measured.reading.share, measured.before.share
    if now is None or before is None:
        return None
    size = rounded(abs(now - before), 2)
    return -size if now < before and size else size


def _agency(offer: Offer) -> Sequence[Cell]:
    return (offer.thing.id, offer.thing.name) if isinstance(offer.thing, Agency) else ()


def _procedure(offer: Offer) -> Sequence[Cell]:
    each = offer.thing
    return () if isinstance(each, Agency) else (each.code, each.name, each.field, str(each.service_level))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def seen(principal: Principal, copies: Mapping[str, Agency], agency: str) -> bool:
    """Whether the principal may see the agency's reports: those of one's own and of the agencies below it; for the
    topmost agency, and who acts for none, of all."""
    if agency not in copies:
        return False
    if principal.agency is None or principal.agency == top(copies):
        return True
    return agency in subtree(copies, principal.agency)
